//! Objects below one root.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::files::LocalFiles;
use crate::{Alarm, AppendFile, BlobError, Opened, Result};

/// One object in a listing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size: u64,
}

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    backing: Backing,
    alarm: Alarm,
}

#[derive(Clone, Debug)]
enum Backing {
    Local {
        files: Arc<LocalFileSystem>,
        root: Arc<Path>,
    },
    #[cfg(any(test, feature = "testing"))]
    Faulty(crate::FaultDisk),
}

impl Blobs {
    /// Files below `root`, which is made when it is not there. Every write is synced before it is told done.
    pub fn local(root: &Path) -> Result<Self> {
        let name = root.display().to_string();
        let failed = |error| BlobError::of_io(&name, error);
        std::fs::create_dir_all(root).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        let files = LocalFileSystem::new_with_prefix(&root).map_err(|error| BlobError::of_store(&name, error))?;
        let backing = Backing::Local { files: Arc::new(files.with_fsync(true)), root: root.into() };
        Ok(Self { backing, alarm: Alarm::default() })
    }

    /// Files on a disk that fails on demand.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn on(disk: crate::FaultDisk) -> Self {
        Self { backing: Backing::Faulty(disk), alarm: Alarm::default() }
    }

    /// Who has trouble with the disk of this store.
    pub fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// The whole object.
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                let failed = |error| BlobError::of_store(key, error);
                files.get(&path).await.map_err(failed)?.bytes().await.map_err(failed)
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => disk.read(key).map_err(|error| BlobError::of_io(key, error)),
        }
    }

    /// The bytes `range` of an object. A range beyond its end is an error or gives fewer bytes.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                files.get_range(&path, range).await.map_err(|error| BlobError::of_store(key, error))
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => disk.read_range(key, range).map_err(|error| BlobError::of_io(key, error)),
        }
    }

    /// Several ranges of one object, in the order asked for. None may be empty.
    pub async fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                files.get_ranges(&path, ranges).await.map_err(|error| BlobError::of_store(key, error))
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => {
                let read = ranges.iter().map(|range| disk.read_range(key, range.clone()));
                read.collect::<std::io::Result<_>>().map_err(|error| BlobError::of_io(key, error))
            }
        }
    }

    /// Opens an object to be sent by the kernel; `None` when the store has no files. Blocks on the disk: use it on a blocking thread.
    pub fn open(&self, key: &str) -> Result<Option<Opened>> {
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                let path = files.path_to_filesystem(&path).map_err(|error| BlobError::of_store(key, error))?;
                let file = std::fs::File::open(path).map_err(|error| BlobError::of_io(key, error))?;
                Ok(Some(Opened::new(file)))
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(_) => Ok(None),
        }
    }

    /// Bytes of an object.
    pub async fn size(&self, key: &str) -> Result<u64> {
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                Ok(files.head(&path).await.map_err(|error| BlobError::of_store(key, error))?.size)
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => {
                let bytes = disk.read(key).map_err(|error| BlobError::of_io(key, error))?;
                Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
        }
    }

    /// Makes or replaces an object: written aside, synced, renamed, its folder synced. Until then readers see the old
    /// one, and so does whoever looks after a crash. A dropped future may or may not have published.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                let put = files.put(&path, PutPayload::from(bytes)).await;
                put.map(drop).map_err(|error| BlobError::of_store(key, error))
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => disk.publish(key, &bytes).map_err(|error| BlobError::of_io(key, error)),
        }
    }

    /// Removes an object; one that is not there is removed already. It may come back after a power loss.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let path = parse(key)?;
        let removed = match &self.backing {
            Backing::Local { files, .. } => files.delete(&path).await.map_err(|error| BlobError::of_store(key, error)),
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => disk.remove(key).map_err(|error| BlobError::of_io(key, error)),
        };
        match removed {
            Err(BlobError::NotFound { .. }) => Ok(()),
            done => done,
        }
    }

    /// All objects below the folder `prefix` (`""` for all there are), sorted by key.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let path = parse(prefix)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                let failed = |error| BlobError::of_store(prefix, error);
                let found = files.list(Some(&path));
                let mut listed: Vec<Listed> = found
                    .map_ok(|meta| Listed { key: meta.location.to_string(), size: meta.size })
                    .try_collect()
                    .await
                    .map_err(failed)?;
                listed.sort_unstable();
                Ok(listed)
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => disk.list(prefix).map_err(|error| BlobError::of_io(prefix, error)),
        }
    }

    /// The names of the folders directly below `prefix`, sorted; what lies in them is not looked at.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let path = parse(prefix)?;
        let mut names: Vec<String> = match &self.backing {
            Backing::Local { files, .. } => {
                let failed = |error| BlobError::of_store(prefix, error);
                let found = files.list_with_delimiter(Some(&path)).await.map_err(failed)?.common_prefixes;
                found.iter().filter_map(|folder| folder.filename().map(str::to_owned)).collect()
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => {
                let listed = disk.list(prefix).map_err(|error| BlobError::of_io(prefix, error))?;
                let below =
                    |key: &str| Some(key.strip_prefix(prefix)?.strip_prefix('/')?.split_once('/')?.0.to_owned());
                listed.iter().filter_map(|object| below(&object.key)).collect()
            }
        };
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Where another program can read an object, as long as nobody removes it.
    ///
    /// Errors: [`BlobError`] when the store has no such place.
    pub fn path(&self, key: &str) -> Result<PathBuf> {
        let path = parse(key)?;
        match &self.backing {
            Backing::Local { files, .. } => {
                files.path_to_filesystem(&path).map_err(|error| BlobError::of_store(key, error))
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(_) => Err(BlobError::of_io(key, std::io::ErrorKind::Unsupported.into())),
        }
    }

    /// Opens an object for appending; it and its folders are made when they are not there, and survive a power loss from
    /// then on. Blocks on the disk: use it on a blocking thread.
    pub fn append_file(&self, key: &str) -> Result<AppendFile> {
        let path = parse(key)?;
        let opened = match &self.backing {
            Backing::Local { files, root } => {
                let path = files.path_to_filesystem(&path).map_err(|error| BlobError::of_store(key, error))?;
                AppendFile::open(&LocalFiles, root, &path)
            }
            #[cfg(any(test, feature = "testing"))]
            Backing::Faulty(disk) => AppendFile::open(disk, Path::new(""), Path::new(key)),
        };
        opened.map_err(|error| BlobError::of_io(key, error))
    }
}

fn parse(key: &str) -> Result<Key> {
    Key::parse(key).map_err(|error| BlobError::of_key(key, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(&folder.path().join("new/root")).unwrap();
        (folder, blobs)
    }

    #[tokio::test]
    async fn what_is_put_is_read_back_whole_and_in_parts() {
        let (_folder, blobs) = store();
        let bytes = Bytes::from_iter(0..=255u8);
        blobs.put("reels/a/0.m4s", Bytes::from_static(b"older")).await.unwrap();
        blobs.put("reels/a/0.m4s", bytes.clone()).await.unwrap();
        assert_eq!(blobs.get("reels/a/0.m4s").await.unwrap(), bytes);
        assert_eq!(blobs.size("reels/a/0.m4s").await.unwrap(), 256);
        assert_eq!(blobs.get_range("reels/a/0.m4s", 10..20).await.unwrap(), bytes.slice(10..20));
        assert_eq!(blobs.get_range("reels/a/0.m4s", 7..7).await.unwrap(), Bytes::new());
        let ranges = blobs.get_ranges("reels/a/0.m4s", &[200..256, 0..3]).await.unwrap();
        assert_eq!(ranges, vec![bytes.slice(200..), bytes.slice(..3)]);
    }

    #[tokio::test]
    async fn a_listing_is_sorted_and_stays_below_its_prefix() {
        let (_folder, blobs) = store();
        for key in ["reels/b/2", "reels/a/1", "reels/ab/9", "reels/a/0"] {
            blobs.put(key, Bytes::from_static(b"xy")).await.unwrap();
        }
        let keys = |listed: Vec<Listed>| listed.into_iter().map(|one| one.key).collect::<Vec<_>>();
        assert_eq!(keys(blobs.list("reels/a").await.unwrap()), vec!["reels/a/0", "reels/a/1"]);
        assert_eq!(blobs.list("").await.unwrap().len(), 4);
        blobs.delete("reels/a/0").await.unwrap();
        blobs.delete("reels/a/0").await.unwrap();
        assert_eq!(keys(blobs.list("reels/a").await.unwrap()), vec!["reels/a/1"]);
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found_and_bad_keys_are_refused() {
        let (_folder, blobs) = store();
        assert!(matches!(blobs.get("nothing").await, Err(BlobError::NotFound { .. })));
        assert!(matches!(blobs.size("reels/x").await, Err(BlobError::NotFound { .. })));
        for key in ["../secret", "a//b", "a/../b"] {
            assert!(matches!(blobs.get(key).await, Err(BlobError::Other { .. })), "{key}");
            assert!(matches!(blobs.append_file(key), Err(BlobError::Other { .. })), "{key}");
        }
    }

    #[tokio::test]
    async fn a_growing_file_can_be_read() {
        let (_folder, blobs) = store();
        let mut file = blobs.append_file("reels/r/segments.idx").unwrap();
        file.append(&[Bytes::from_static(b"one"), Bytes::from_static(b"two")]).unwrap();
        assert_eq!(blobs.get("reels/r/segments.idx").await.unwrap(), Bytes::from_static(b"onetwo"));
        file.append(&[Bytes::from_static(b"three")]).unwrap();
        assert_eq!(blobs.get_range("reels/r/segments.idx", 6..11).await.unwrap(), Bytes::from_static(b"three"));
    }
}
