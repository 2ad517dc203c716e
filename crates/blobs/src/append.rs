//! A file that grows: synchronous, for blocking threads.

use std::io::{self, IoSlice};
use std::path::Path;

use bytes::Bytes;

use crate::files::{Files, GrowingFile};

/// Slices given to one `writev`: Linux takes 1024 (`IOV_MAX`).
const SLICES_MAX: usize = 1024;

/// A file of the store, opened for appending. One writer at a time; readers may follow.
///
/// Every call blocks on the disk: use it on a blocking thread. Dropping it closes the file and syncs nothing.
#[derive(Debug)]
pub struct AppendFile {
    file: Box<dyn GrowingFile>,
    len: u64,
    /// Bytes beyond `len` may lie in the file, because cutting back a failed append failed as well.
    ragged: bool,
}

impl AppendFile {
    /// Opens or makes the file; folders below `root` that are missing are made. What was made survives a power loss.
    pub(crate) fn open(files: &dyn Files, root: &Path, path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(root);
        let (file, len) = match files.open(path, false) {
            Ok(found) => {
                // An earlier attempt may have made it and died, or failed, before its folders were synced.
                sync_folders(files, root, folder)?;
                found
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = create_folders(files, root, folder)?;
                let new = files.open(path, true)?;
                if made {
                    sync_folders(files, root, folder)?
                } else {
                    files.sync_folder(folder)?
                }
                new
            }
            Err(error) => return Err(error),
        };
        Ok(Self { file, len, ragged: false })
    }

    /// Appends all `parts`, end to end, without copying them together.
    ///
    /// When it fails, nothing of it stays: the file is cut back to the end of the last whole append. Nothing is promised
    /// to survive a power loss before [`sync_data`](Self::sync_data).
    pub fn append(&mut self, parts: &[Bytes]) -> io::Result<()> {
        if self.ragged {
            self.cut_back()?;
        }
        match write_all_vectored(self.file.as_mut(), parts) {
            Ok(written) => {
                self.len += written;
                Ok(())
            }
            Err(error) => {
                self.ragged = true;
                // The caller needs the first error; a failed cut is tried again before the next append.
                let _ = self.cut_back();
                Err(error)
            }
        }
    }

    /// Makes what was appended survive a power loss. After an error here nobody knows what the disk has: read it back.
    pub fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Writes all bytes from `from` on again where they are: after a sync that failed the next one is for nothing (Linux marks
    /// the pages clean), unless they are.
    pub fn rewrite(&self, from: u64) -> io::Result<()> {
        self.file.rewrite(from)
    }

    /// Bytes: where the last whole append ended.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Cuts the file to its first `len` bytes; a `len` beyond its end changes nothing.
    pub fn truncate(&mut self, len: u64) -> io::Result<()> {
        if len < self.len || self.ragged {
            let len = len.min(self.len);
            self.file.set_len(len)?;
            self.len = len;
            self.ragged = false;
        }
        Ok(())
    }

    fn cut_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.ragged = false;
        Ok(())
    }
}

/// Writes all of `parts`; gives their bytes.
fn write_all_vectored(to: &mut dyn GrowingFile, parts: &[Bytes]) -> io::Result<u64> {
    let mut total = 0u64;
    for some in parts.chunks(SLICES_MAX) {
        let mut slices: Vec<IoSlice<'_>> = some.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = slices.as_mut_slice();
        // Skips empty slices, so that a write of nothing is never asked for.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match to.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    total += u64::try_from(written).unwrap_or(u64::MAX);
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(total)
}

/// Makes `folder` and all between it and `root` that are missing; tells whether any was.
fn create_folders(files: &dyn Files, root: &Path, folder: &Path) -> io::Result<bool> {
    match files.make_folder(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder != root => {
            create_folders(files, root, folder.parent().unwrap_or(root))?;
            files.make_folder(folder).map(|()| true)
        }
        Err(error) => Err(error),
    }
}

/// Syncs `folder` and all above it up to `root`, so that each is found in its parent after a power loss.
fn sync_folders(files: &dyn Files, root: &Path, folder: &Path) -> io::Result<()> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        files.sync_folder(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;
    use crate::files::{LocalFile, LocalFiles};

    /// Takes at most `step` bytes at a time, and fails when `left` are written.
    #[derive(Debug)]
    struct Slow {
        taken: Vec<u8>,
        step: usize,
        left: usize,
    }

    impl GrowingFile for Slow {
        fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            if self.left == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let bytes = parts.first().map_or(&[][..], |part| part);
            let count = bytes.len().min(self.step).min(self.left);
            self.taken.extend_from_slice(&bytes[..count]);
            self.left -= count;
            Ok(count)
        }

        fn set_len(&mut self, _len: u64) -> io::Result<()> {
            Ok(())
        }

        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }

        fn rewrite(&self, _from: u64) -> io::Result<()> {
            Ok(())
        }
    }

    fn open(path: &Path) -> AppendFile {
        AppendFile::open(&LocalFiles, Path::new("/"), path).unwrap()
    }

    fn parts() -> Vec<Bytes> {
        (0..3000u32).map(|n| Bytes::from(vec![n.to_le_bytes()[0]; usize::try_from(n % 7).unwrap()])).collect()
    }

    #[test]
    fn partial_writes_are_carried_on() {
        for step in 1..5 {
            let mut slow = Slow { taken: vec![], step, left: usize::MAX };
            let written = write_all_vectored(&mut slow, &parts()).unwrap();
            assert_eq!(slow.taken, parts().concat());
            assert_eq!(written, slow.taken.len() as u64);
        }
    }

    #[test]
    fn an_error_in_the_middle_is_told() {
        let mut slow = Slow { taken: vec![], step: 3, left: 100 };
        assert_eq!(write_all_vectored(&mut slow, &parts()).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_grows_over_several_openings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.idx");
        for round in 1..4u64 {
            let mut file = open(&path);
            file.append(&parts()).unwrap();
            file.append(&[]).unwrap();
            file.sync_data().unwrap();
            assert_eq!(file.len(), round * parts().concat().len() as u64);
        }
        assert_eq!(fs::read(&path).unwrap(), [parts().concat(), parts().concat(), parts().concat()].concat());
    }

    #[test]
    fn a_cut_file_goes_on_from_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        let mut file = open(&path);
        file.append(&[Bytes::from_static(b"hello world")]).unwrap();
        file.truncate(5).unwrap();
        file.truncate(50).unwrap();
        file.append(&[Bytes::from_static(b"!")]).unwrap();
        assert_eq!((fs::read(&path).unwrap(), file.len()), (b"hello!".to_vec(), 6));
    }

    #[test]
    fn what_is_written_again_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        let mut file = open(&path);
        let whole = vec![7; 600_000];
        file.append(&[whole.clone().into()]).unwrap();
        file.rewrite(0).unwrap();
        file.rewrite(599_999).unwrap();
        file.rewrite(700_000).unwrap();
        file.append(&[Bytes::from_static(b"!")]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), [whole, b"!".to_vec()].concat());
    }

    #[test]
    fn a_failed_append_leaves_no_bytes_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        fs::write(&path, b"whole").unwrap();
        // Opened for reading: every write to it fails, as does the cut; the file says where it is whole.
        let mut file = AppendFile {
            file: Box::new(LocalFile { file: File::open(&path).unwrap(), path: path.clone() }),
            len: 5,
            ragged: false,
        };
        assert!(file.append(&[Bytes::from_static(b"more")]).is_err());
        assert!(file.ragged && file.len() == 5);
        // As if half an append had stayed and the disk works again.
        fs::write(&path, b"wholemo").unwrap();
        let writable = File::options().append(true).open(&path).unwrap();
        file.file = Box::new(LocalFile { file: writable, path: path.clone() });
        file.append(&[Bytes::from_static(b"!")]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole!");
    }
}
