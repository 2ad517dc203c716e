//! The pushes of this node: how many there are, and a handle to cut each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use units::{PushId, StreamPath};

use crate::Takeover;
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

/// Why there is no place for a push.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoPlace {
    /// All are taken.
    Full,
    /// Another push of the path is there, and stays.
    Occupied,
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
    /// Takes a place for a push, unless all are taken (`places`). A push of a path that is live already is let in all the
    /// same, because it ends the other; or it is not, when `takeover` says so.
    pub(crate) fn enter(
        &self,
        push: PushId,
        path: &StreamPath,
        meter: Meter,
        places: usize,
        takeover: Takeover,
    ) -> Result<Place<'_>, NoPlace> {
        let mut pushes = self.lock();
        let live = pushes.values().any(|entry| entry.path == *path);
        match (live, takeover) {
            (true, Takeover::Refuse) => return Err(NoPlace::Occupied),
            (false, _) if pushes.len() >= places => return Err(NoPlace::Full),
            (true, Takeover::Newest) | (false, _) => {}
        }
        let entry = Entry { path: path.clone(), cut: CancellationToken::new(), meter: Arc::new(meter) };
        pushes.insert(push, entry.clone());
        Ok(Place { registry: self, push, cut: entry.cut, meter: entry.meter })
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
        registry.enter(PushId::from_u128(push), &path, Meter::new(Mono::default()), 2, Takeover::Newest).ok()
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
    fn where_nobody_takes_over_the_first_of_two_has_the_place_until_it_leaves() {
        let registry = Registry::default();
        let path = StreamPath::new("play.localhost", "cup", "a").unwrap();
        let enter = |push, path: &StreamPath| {
            registry.enter(PushId::from_u128(push), path, Meter::new(Mono::default()), 1, Takeover::Refuse)
        };
        let first = enter(1, &path).ok();
        assert_eq!(enter(2, &path).err(), Some(NoPlace::Occupied));
        assert_eq!(enter(2, &StreamPath::new("play.localhost", "cup", "b").unwrap()).err(), Some(NoPlace::Full));
        drop(first);
        assert!(enter(2, &path).is_ok());
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
