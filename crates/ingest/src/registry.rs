//! The pushes of this node: how many there are, and a handle to cut each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use units::{PushId, StreamPath};

use crate::meter::Meter;

#[derive(Default)]
pub(crate) struct Registry {
    pushes: Mutex<BTreeMap<PushId, Entry>>,
}

#[derive(Clone)]
struct Entry {
    path: StreamPath,
    cut: CancellationToken,
    meter: Arc<Meter>,
}

/// A place in the registry, from admission to the end of the push; given back when dropped.
pub(crate) struct Place<'a> {
    registry: &'a Registry,
    push: PushId,
    /// Cancelled when an operator cuts the push.
    pub(crate) cut: CancellationToken,
    pub(crate) meter: Arc<Meter>,
}

impl Registry {
    /// Takes a place for a push. `None` when all are taken (`places`); a push of a path that is live already is let in all
    /// the same, because it ends the other.
    pub(crate) fn enter(&self, push: PushId, path: &StreamPath, meter: Meter, places: usize) -> Option<Place<'_>> {
        let mut pushes = self.lock();
        if pushes.len() >= places && !pushes.values().any(|entry| entry.path == *path) {
            return None;
        }
        let entry = Entry { path: path.clone(), cut: CancellationToken::new(), meter: Arc::new(meter) };
        pushes.insert(push, entry.clone());
        Some(Place { registry: self, push, cut: entry.cut, meter: entry.meter })
    }

    /// Whether a push of this path has a place.
    pub(crate) fn has(&self, path: &StreamPath) -> bool {
        self.lock().values().any(|entry| entry.path == *path)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Cuts a push; nothing happens when it is gone.
    pub(crate) fn cut(&self, push: PushId) {
        if let Some(entry) = self.lock().get(&push) {
            entry.cut.cancel();
        }
    }

    /// The meters of all pushes.
    pub(crate) fn meters(&self) -> Vec<(PushId, Arc<Meter>)> {
        self.lock().iter().map(|(push, entry)| (*push, Arc::clone(&entry.meter))).collect()
    }

    /// The map is whole after every statement that changes it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PushId, Entry>> {
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.push);
    }
}

#[cfg(test)]
mod tests {
    use units::Mono;

    use super::*;

    fn enter<'a>(registry: &'a Registry, push: u128, stream: &str) -> Option<Place<'a>> {
        let path = StreamPath::new("play.localhost", "cup", stream).unwrap();
        registry.enter(PushId::from_u128(push), &path, Meter::new(Mono::default()), 2)
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let registry = Registry::default();
        let first = enter(&registry, 1, "a");
        let _second = enter(&registry, 2, "b");
        assert!(enter(&registry, 3, "c").is_none());
        drop(first);
        assert!(enter(&registry, 3, "c").is_some());
    }

    #[test]
    fn a_publisher_that_returns_is_let_in_even_when_all_is_full() {
        let registry = Registry::default();
        let (_first, _second) = (enter(&registry, 1, "a"), enter(&registry, 2, "b"));
        assert!(enter(&registry, 3, "a").is_some());
        assert!(enter(&registry, 4, "c").is_none());
    }

    #[test]
    fn a_push_is_cut_by_its_id() {
        let registry = Registry::default();
        let place = enter(&registry, 1, "a").unwrap();
        registry.cut(PushId::from_u128(2));
        assert!(!place.cut.is_cancelled());
        registry.cut(PushId::from_u128(1));
        assert!(place.cut.is_cancelled());
    }
}
