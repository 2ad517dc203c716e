//! Names and bytes: as a reader sees them, and as a power loss leaves them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::Listed;
use crate::faults::Draw;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Entry {
    File(usize),
    Folder,
}

#[derive(Default, Debug)]
struct Folder {
    now: BTreeMap<PathBuf, Entry>,
    kept: BTreeMap<PathBuf, Entry>,
    /// In order: each is one step of the file system's journal.
    unsynced: Vec<Vec<(PathBuf, Option<Entry>)>>,
}

impl Folder {
    fn change(&mut self, step: Vec<(PathBuf, Option<Entry>)>) {
        apply(&mut self.now, &step);
        self.unsynced.push(step);
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Entry>, step: &[(PathBuf, Option<Entry>)]) {
    for (path, entry) in step {
        match entry {
            Some(entry) => names.insert(path.clone(), *entry),
            None => names.remove(path),
        };
    }
}

#[derive(Debug)]
enum Change {
    Append(Vec<u8>),
    Cut(usize),
    /// Over what is there, from so many bytes on.
    Over(usize, Vec<u8>),
}

#[derive(Default, Debug)]
struct Inode {
    now: Vec<u8>,
    kept: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Inode {
    fn keep(&mut self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            match change {
                Change::Append(bytes) => self.kept.extend(bytes),
                Change::Cut(len) => self.kept.truncate(len),
                Change::Over(from, bytes) => {
                    let len = from.saturating_add(bytes.len()).max(self.kept.len());
                    self.kept.resize(len, 0);
                    self.kept.iter_mut().skip(from).zip(bytes).for_each(|(kept, byte)| *kept = byte);
                }
            }
        }
    }
}

/// Bytes of the smallest part that a disk writes.
const BLOCK: usize = 512;

/// All there is on the disk.
#[derive(Debug)]
pub(super) struct Tree {
    folders: BTreeMap<PathBuf, Folder>,
    inodes: Vec<Inode>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { folders: BTreeMap::from([(PathBuf::new(), Folder::default())]), inodes: Vec::new() }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

impl Tree {
    pub(super) fn file(&self, path: &Path) -> io::Result<usize> {
        match self.folders.get(parent(path)).and_then(|folder| folder.now.get(path)) {
            Some(Entry::File(inode)) => Ok(*inode),
            Some(Entry::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn bytes(&self, inode: usize) -> &[u8] {
        self.inodes.get(inode).map_or(&[], |inode| &inode.now)
    }

    pub(super) fn used(&self) -> u64 {
        let files = self.folders.values().flat_map(|folder| folder.now.values());
        files.map(|entry| if let Entry::File(inode) = entry { self.bytes(*inode).len() as u64 } else { 0 }).sum()
    }

    pub(super) fn list(&self, prefix: &Path) -> Vec<Listed> {
        let below = self.folders.iter().filter(|(path, _)| path.starts_with(prefix));
        let entries = below.flat_map(|(_, folder)| &folder.now);
        let mut listed: Vec<Listed> = entries
            .filter_map(|(path, entry)| match entry {
                Entry::File(inode) => {
                    Some(Listed { key: path.to_str()?.to_owned(), size: self.bytes(*inode).len() as u64 })
                }
                Entry::Folder => None,
            })
            .collect();
        listed.sort_unstable();
        listed
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<usize> {
        let inode = self.inodes.len();
        let folder = self.folders.get_mut(parent(path)).ok_or(io::ErrorKind::NotFound)?;
        folder.change(vec![(path.to_owned(), Some(Entry::File(inode)))]);
        self.inodes.push(Inode::default());
        Ok(inode)
    }

    pub(super) fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        if self.folders.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let folder = self.folders.get_mut(parent(path)).ok_or(io::ErrorKind::NotFound)?;
        folder.change(vec![(path.to_owned(), Some(Entry::Folder))]);
        self.folders.insert(path.to_owned(), Folder::default());
        Ok(())
    }

    pub(super) fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        let folder = self.folders.get_mut(path).ok_or(io::ErrorKind::NotFound)?;
        folder.unsynced.clear();
        folder.kept.clone_from(&folder.now);
        Ok(())
    }

    /// Within one folder.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.file(from)?;
        let folder = self.folders.get_mut(parent(from)).ok_or(io::ErrorKind::NotFound)?;
        folder.change(vec![(from.to_owned(), None), (to.to_owned(), Some(Entry::File(inode)))]);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.file(path)?;
        let folder = self.folders.get_mut(parent(path)).ok_or(io::ErrorKind::NotFound)?;
        folder.change(vec![(path.to_owned(), None)]);
        Ok(())
    }

    pub(super) fn append(&mut self, inode: usize, bytes: &[u8]) {
        if let Some(inode) = self.inodes.get_mut(inode)
            && !bytes.is_empty()
        {
            inode.now.extend_from_slice(bytes);
            inode.unsynced.push(Change::Append(bytes.to_vec()));
        }
    }

    pub(super) fn cut(&mut self, inode: usize, len: u64) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            inode.now.truncate(len);
            inode.unsynced.push(Change::Cut(len));
        }
    }

    pub(super) fn rewrite(&mut self, inode: usize, from: u64) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let bytes = inode.now.get(from..).unwrap_or_default().to_vec();
            inode.unsynced.push(Change::Over(from, bytes));
        }
    }

    pub(super) fn sync(&mut self, inode: usize) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            let changes = std::mem::take(&mut inode.unsynced);
            inode.keep(changes);
        }
    }

    /// A sync that fails: of what it was for, some bytes are never written, and later syncs do not know of them.
    pub(super) fn sync_badly(&mut self, inode: usize, draw: &mut Draw) {
        let Some(inode) = self.inodes.get_mut(inode) else { return };
        let before = inode.kept.len();
        let changes = std::mem::take(&mut inode.unsynced);
        inode.keep(changes);
        if inode.kept.len() > before {
            // A disk loses whole blocks.
            let lost_from = (before + below(draw, inode.kept.len() - before)).next_multiple_of(BLOCK);
            inode.kept.iter_mut().skip(lost_from).for_each(|byte| *byte = 0);
        }
    }

    pub(super) fn damage(&mut self, inode: usize, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            change(&mut inode.now);
            inode.kept.clone_from(&inode.now);
            inode.unsynced.clear();
        }
    }

    /// Of what was not synced, some first part is left.
    pub(super) fn lose_power(&mut self, draw: &mut Draw) {
        for folder in self.folders.values_mut() {
            let steps = below(draw, folder.unsynced.len() + 1);
            for step in folder.unsynced.drain(..).take(steps) {
                apply(&mut folder.kept, &step);
            }
            folder.now.clone_from(&folder.kept);
        }
        // Folders whose own name was lost are gone with all in them.
        let mut reached = vec![PathBuf::new()];
        let mut next = 0;
        while let Some(path) = reached.get(next) {
            let names = self.folders.get(path).map(|folder| &folder.now);
            let below = names.into_iter().flatten().filter(|(_, entry)| **entry == Entry::Folder);
            let below: Vec<PathBuf> = below.map(|(path, _)| path.clone()).collect();
            reached.extend(below);
            next += 1;
        }
        self.folders.retain(|path, _| reached.contains(path));
        for inode in &mut self.inodes {
            let mut changes = std::mem::take(&mut inode.unsynced);
            changes.truncate(below(draw, changes.len() + 1));
            if let Some(Change::Append(bytes) | Change::Over(_, bytes)) = changes.last_mut() {
                bytes.truncate(below(draw, bytes.len() + 1));
            }
            inode.keep(changes);
            inode.now.clone_from(&inode.kept);
        }
    }
}

fn below(draw: &mut Draw, end: usize) -> usize {
    usize::try_from(draw.below(end as u64)).unwrap_or(0)
}
