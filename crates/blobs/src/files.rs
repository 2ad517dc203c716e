//! The seam between growing files and the system: few calls, so that tests can put a disk below it that fails.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::Path;

/// A file that is open for appending.
pub(crate) trait GrowingFile: Debug + Send + Sync {
    /// Appends some of `parts`, end to end; tells how many bytes.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Cuts the file to `len` bytes.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// Makes its bytes survive a power loss.
    fn sync_data(&self) -> io::Result<()>;
}

/// Where files lie.
pub(crate) trait Files: Debug + Send + Sync {
    /// Opens a file for appending; tells its length. `NotFound` when it is not there and not to be made.
    fn open(&self, path: &Path, create: bool) -> io::Result<(Box<dyn GrowingFile>, u64)>;
    /// Makes one folder; `AlreadyExists`, or `NotFound` when the one above it is missing.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder survive a power loss.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The operating system's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalFiles;

impl Files for LocalFiles {
    fn open(&self, path: &Path, create: bool) -> io::Result<(Box<dyn GrowingFile>, u64)> {
        let file = File::options().append(true).create(create).open(path)?;
        let len = file.metadata()?.len();
        Ok((Box::new(file), len))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl GrowingFile for File {
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Write::write_vectored(self, parts)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}
