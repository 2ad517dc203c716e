//! A disk in memory that fails on demand: for tests of what must survive.
//!
//! It keeps apart what a reader sees and what a power loss leaves. Bytes that were not synced are lost from some point on,
//! the last write torn at any byte; names that were not synced with their folder come back or go, in the order in which
//! they changed. After a sync that failed, what it was for may be lost though later syncs succeed (Linux marks such pages
//! clean). All of it follows from one seed.

mod tree;

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::faults::tree::Tree;
use crate::files::{Files, GrowingFile};
use crate::{Blobs, Listed};

/// What happens when a planned call comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blow {
    /// It fails, once. A write may have been done in part.
    Fail(io::ErrorKind),
    /// It and all that follow fail, until [`FaultDisk::mend`]. Reading still works.
    FailOn(io::ErrorKind),
    /// The thread that makes it panics, as it does for a bug of ours; once. Nothing of it is done.
    Panic,
    /// So do it and all that follow, reading apart, until [`FaultDisk::mend`].
    PanicOn,
    /// The process dies in it: it may have been done in part; all that follow fail until [`FaultDisk::restart`].
    Die,
}

/// How a life of the process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Death {
    /// Killed: what was written stays.
    Process,
    /// The power went: what was not synced is lost from some point on.
    Power,
}

/// Numbers that follow from a seed (SplitMix64).
#[derive(Clone, Copy, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, evenly below `end`; 0 when `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if end == 0 { 0 } else { mixed % end }
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The disk. Clones are the same one.
#[derive(Clone)]
pub struct FaultDisk {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

struct State {
    tree: Tree,
    draw: Draw,
    /// Rises with every restart: files opened before are dead.
    life: u32,
    calls: u64,
    planned: Option<(u64, Blow)>,
    failing: Option<io::ErrorKind>,
    panicking: bool,
    dead: bool,
    held: bool,
    lies: bool,
    capacity: u64,
}

impl fmt::Debug for FaultDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultDisk").finish_non_exhaustive()
    }
}

impl FaultDisk {
    /// An empty disk; what it loses follows from `seed`.
    pub fn new(seed: u64) -> Self {
        let state = State {
            tree: Tree::default(),
            draw: Draw::new(seed),
            life: 0,
            calls: 0,
            planned: None,
            failing: None,
            panicking: false,
            dead: false,
            held: false,
            lies: false,
            capacity: u64::MAX,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), released: Condvar::new() }) }
    }

    /// A store on it.
    pub fn blobs(&self) -> Blobs {
        Blobs::on(self.clone())
    }

    /// How many calls there were that a blow could have struck.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Plans a blow for the call after `calls` more; it replaces one that is planned.
    pub fn plan(&self, calls: u64, blow: Blow) {
        let mut state = self.state();
        state.planned = Some((state.calls.saturating_add(calls), blow));
    }

    /// Takes back what was planned, and ends a [`Blow::FailOn`].
    pub fn mend(&self) {
        let mut state = self.state();
        state.planned = None;
        state.failing = None;
        state.panicking = false;
    }

    /// Whether the process died in a call.
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// All files have at most this many bytes together; `u64::MAX` for no limit.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Whether files tell that they are synced, and are not.
    pub fn lie_about_syncs(&self, lies: bool) {
        self.state().lies = lies;
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.state().tree.used()
    }

    /// Every call from now on waits until [`release`](Self::release).
    pub fn hold(&self) {
        self.state().held = true;
    }

    /// Ends [`hold`](Self::hold).
    pub fn release(&self) {
        self.state().held = false;
        self.shared.released.notify_all();
    }

    /// The next life: files that are open are dead, and of what was not synced is left what `death` leaves.
    pub fn restart(&self, death: Death) {
        let mut state = self.state();
        let state = &mut *state;
        state.life += 1;
        state.dead = false;
        state.planned = None;
        state.failing = None;
        state.panicking = false;
        if death == Death::Power {
            state.tree.lose_power(&mut state.draw);
        }
    }

    /// The whole file; `NotFound` when there is none.
    pub fn read(&self, key: &str) -> io::Result<Bytes> {
        let state = self.enter(Call::Read)?;
        let inode = state.tree.file(Path::new(key))?;
        Ok(Bytes::copy_from_slice(state.tree.bytes(inode)))
    }

    /// Changes bytes of a file where they lie, as a disk that rots does.
    pub fn damage(&self, key: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.tree.file(Path::new(key))?;
        state.tree.damage(inode, change);
        Ok(())
    }

    pub(crate) fn read_range(&self, key: &str, range: Range<u64>) -> io::Result<Bytes> {
        let whole = self.read(key)?;
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(whole.len());
        Ok(whole.slice(at(range.start)..at(range.end)))
    }

    pub(crate) fn list(&self, prefix: &str) -> io::Result<Vec<Listed>> {
        Ok(self.enter(Call::Read)?.tree.list(Path::new(prefix)))
    }

    /// Written aside, synced, renamed, the folder synced.
    pub(crate) fn publish(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let path = Path::new(key);
        let aside = PathBuf::from(format!("{key}#aside"));
        let mut file = crate::AppendFile::open(self, Path::new(""), &aside)?;
        file.truncate(0)?;
        file.append(&[Bytes::copy_from_slice(bytes)])?;
        file.sync_data()?;
        self.enter(Call::Names)?.tree.rename(&aside, path)?;
        self.sync_folder(path.parent().unwrap_or(Path::new("")))
    }

    pub(crate) fn remove(&self, key: &str) -> io::Result<()> {
        self.enter(Call::Names)?.tree.remove(Path::new(key))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and fails it when it is its turn. A call that does no part of its work when it fails uses this alone.
    fn enter(&self, call: Call) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        while state.held {
            state = self.shared.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match state.turn(call) {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

/// What kind of work a call does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Read,
    Names,
    Bytes,
}

impl State {
    /// The error with which this call fails, if it does.
    fn turn(&mut self, call: Call) -> Option<io::Error> {
        if self.dead {
            return Some(io::Error::other("the process is dead"));
        }
        let number = self.calls;
        self.calls += 1;
        if let Some((at, blow)) = self.planned
            && number >= at
        {
            self.planned = None;
            match blow {
                Blow::Fail(kind) => return Some(kind.into()),
                Blow::FailOn(kind) => self.failing = Some(kind),
                // The lock of the state is taken over from whoever panicked: it is whole.
                Blow::Panic => panic!("a planned panic"),
                Blow::PanicOn => self.panicking = true,
                Blow::Die => {
                    self.dead = true;
                    return Some(io::Error::other("the process dies"));
                }
            }
        }
        assert!(!self.panicking || call == Call::Read, "a planned panic");
        self.failing.filter(|_| call != Call::Read).map(io::Error::from)
    }
}

impl Files for FaultDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<(Box<dyn GrowingFile>, u64)> {
        let mut state = self.enter(if create { Call::Names } else { Call::Read })?;
        let inode = match state.tree.file(path) {
            Ok(inode) => inode,
            Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                if state.tree.used() >= state.capacity {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                state.tree.create(path)?
            }
            Err(error) => return Err(error),
        };
        let len = u64::try_from(state.tree.bytes(inode).len()).unwrap_or(u64::MAX);
        Ok((Box::new(FaultFile { disk: self.clone(), inode, life: state.life }), len))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.enter(Call::Names)?.tree.make_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.enter(Call::Names)?.tree.sync_folder(path)
    }
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    inode: usize,
    life: u32,
}

impl FaultFile {
    /// Like [`FaultDisk::enter`]; gives the error together with the state, as the call may be done in part.
    fn enter(&self) -> (MutexGuard<'_, State>, Option<io::Error>) {
        let mut state = self.disk.state();
        while state.held {
            state = self.disk.shared.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.life != self.life || state.dead {
            return (state, Some(io::Error::other("the process that opened this file is dead")));
        }
        let error = state.turn(Call::Bytes);
        (state, error)
    }

    fn in_this_life(&self, state: &State) -> bool {
        state.life == self.life
    }
}

impl GrowingFile for FaultFile {
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let was_dead = self.disk.is_dead();
        let (mut guard, error) = self.enter();
        let state = &mut *guard;
        if !self.in_this_life(state) || was_dead {
            return Err(error.unwrap_or_else(|| io::Error::other("dead")));
        }
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let room = usize::try_from(state.capacity.saturating_sub(state.tree.used())).unwrap_or(usize::MAX);
        let some = |draw: &mut Draw| usize::try_from(draw.below(bytes.len() as u64 + 1)).unwrap_or(0);
        let count = match &error {
            Some(_) => some(&mut state.draw).min(room),
            // A short write, as the system may do.
            None if state.draw.once_in(16) => some(&mut state.draw).max(1).min(room).min(bytes.len()),
            None => bytes.len().min(room),
        };
        state.tree.append(self.inode, bytes.get(..count).unwrap_or_default());
        match error {
            Some(error) => Err(error),
            None if count == 0 && !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
            None => Ok(count),
        }
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let (mut state, error) = self.enter();
        match error {
            Some(error) => Err(error),
            None => {
                state.tree.cut(self.inode, len);
                Ok(())
            }
        }
    }

    fn rewrite(&self, from: u64) -> io::Result<()> {
        let (mut state, error) = self.enter();
        match error {
            Some(error) => Err(error),
            None => {
                state.tree.rewrite(self.inode, from);
                Ok(())
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let was_dead = self.disk.is_dead();
        let (mut guard, error) = self.enter();
        let state = &mut *guard;
        match error {
            Some(error) => {
                if self.in_this_life(state) && !was_dead && !state.dead {
                    state.tree.sync_badly(self.inode, &mut state.draw);
                }
                Err(error)
            }
            None => {
                if !state.lies {
                    state.tree.sync(self.inode);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
