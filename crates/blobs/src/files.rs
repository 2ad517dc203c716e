//! The seam between growing files and the system: few calls, so that tests can put a disk below it that fails.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes that are written again at a time.
const REWRITE_BYTES: usize = 256 * 1024;

/// A file that is open for appending.
pub(crate) trait GrowingFile: Debug + Send + Sync {
    /// Appends some of `parts`, end to end; tells how many bytes.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Cuts the file to `len` bytes.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// Makes its bytes survive a power loss.
    fn sync_data(&self) -> io::Result<()>;
    /// Writes its bytes from `from` on again where they are, so that the next sync is for all of them.
    fn rewrite(&self, from: u64) -> io::Result<()>;
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
        Ok((Box::new(LocalFile { file, path: path.to_owned() }), len))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

#[derive(Debug)]
pub(crate) struct LocalFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

impl GrowingFile for LocalFile {
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Write::write_vectored(&mut self.file, parts)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn rewrite(&self, from: u64) -> io::Result<()> {
        // Another handle: what is opened for appending writes at the end, wherever it is told to.
        let file = File::options().read(true).write(true).open(&self.path)?;
        let mut buffer = vec![0; REWRITE_BYTES];
        let mut at = from;
        loop {
            let count = file.read_at(&mut buffer, at)?;
            if count == 0 {
                return Ok(());
            }
            file.write_all_at(buffer.get(..count).unwrap_or_default(), at)?;
            at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
}
