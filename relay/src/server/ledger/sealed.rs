//! Sealed parts that came and whose event hasn't yet: held in memory, for one connection, within bounds. (SECURITY E1, E6)
//!
//! The relay can't open them. It makes sure that an event which names one is stored together with it, in one transaction,
//! or not at all; an auditor then finds every part the log names, unless it was erased.
//!
//! Not here: who may send them, and the streams ([`super::super::bulk`]).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use venia_proto::id::SessionId;
use venia_proto::rendezvous::{SEALED_MAX, SUBMIT_MAX};

/// Bytes one connection may have held: the parts of one full submission.
pub const HELD_MAX: usize = SUBMIT_MAX * SEALED_MAX;
/// Bytes held for all connections together: 256 MiB.
pub const HELD_TOTAL_MAX: usize = 256 << 20;

/// A sealed part.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPart {
    /// Its session.
    pub session: SessionId,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// The `age` file.
    pub bytes: Arc<[u8]>,
}

/// Ciphertext, but long.
impl std::fmt::Debug for SealedPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a sealed part of {} bytes", self.bytes.len())
    }
}

/// What the connections of a relay hold together, in bytes.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<AtomicUsize>);

impl Room {
    fn take(&self, len: usize) -> bool {
        let take = |used: usize| used.checked_add(len).filter(|used| *used <= HELD_TOTAL_MAX);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    fn give_back(&self, len: usize) {
        self.0.fetch_sub(len, Ordering::AcqRel);
    }
}

/// The parts of one connection. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    room: Room,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    /// Bytes held or reserved for what is on its way.
    used: usize,
    by_name: HashMap<(SessionId, [u8; 32]), Arc<[u8]>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let parts = self.parts.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.room.give_back(parts.used);
    }
}

/// Room for a part that is on its way; given back when dropped.
#[derive(Debug)]
pub struct Place {
    held: Held,
    len: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.held.free(&mut self.held.lock(), self.len);
    }
}

impl Held {
    /// Nothing yet.
    pub fn new(room: Room) -> Self {
        Self(Arc::new(Inner { room, parts: Mutex::default() }))
    }

    /// Room for a part of this length; none left means a quota is used up. When the peer's own earlier parts, whose event
    /// never came, are in the way, they go.
    pub fn reserve(&self, len: usize) -> Option<Place> {
        let mut parts = self.lock();
        if parts.used + len > HELD_MAX {
            let waiting: usize = parts.by_name.drain().map(|(_, bytes)| bytes.len()).sum();
            self.free(&mut parts, waiting);
        }
        if len > SEALED_MAX || parts.used + len > HELD_MAX || !self.0.room.take(len) {
            return None;
        }
        parts.used += len;
        drop(parts);
        Some(Place { held: self.clone(), len })
    }

    /// Holds a part in the room reserved for it.
    pub fn keep(&self, mut place: Place, part: SealedPart) {
        let mut parts = self.lock();
        let before = parts.by_name.insert((part.session, part.sha256), part.bytes);
        let twice = before.map_or(0, |bytes| bytes.len());
        self.free(&mut parts, twice);
        // The room is the part's now.
        place.len = 0;
        drop(parts);
    }

    /// A part that is held.
    pub fn get(&self, session: SessionId, sha256: [u8; 32]) -> Option<SealedPart> {
        let bytes = self.lock().by_name.get(&(session, sha256))?.clone();
        Some(SealedPart { session, sha256, bytes })
    }

    /// These are stored now.
    pub fn stored(&self, stored: &[SealedPart]) {
        let mut parts = self.lock();
        for part in stored {
            let bytes = parts.by_name.remove(&(part.session, part.sha256)).map_or(0, |bytes| bytes.len());
            self.free(&mut parts, bytes);
        }
    }

    fn free(&self, parts: &mut Parts, len: usize) {
        parts.used -= len;
        self.0.room.give_back(len);
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId([1; 16]);

    fn put(held: &Held, name: u8, len: usize) -> bool {
        let Some(place) = held.reserve(len) else { return false };
        held.keep(place, SealedPart { session: SESSION, sha256: [name; 32], bytes: vec![0; len].into() });
        true
    }

    #[test]
    fn e6_what_is_held_has_limits_and_room_comes_back() {
        let room = Room::default();
        let held = Held::new(room.clone());
        assert!(held.reserve(SEALED_MAX + 1).is_none());
        for name in 0..12 {
            assert!(put(&held, name, SEALED_MAX), "{name}");
        }
        assert_eq!(room.0.load(Ordering::SeqCst), HELD_MAX);
        assert!(put(&held, 12, 1), "parts whose event never came make room");
        assert!(held.get(SESSION, [0; 32]).is_none());
        assert!(put(&held, 12, 1) && put(&held, 13, 2), "the same one twice counts once");
        assert_eq!(room.0.load(Ordering::SeqCst), 3);
        held.stored(&[held.get(SESSION, [13; 32]).unwrap()]);
        assert_eq!(room.0.load(Ordering::SeqCst), 1);
        drop(held.reserve(100).unwrap());
        assert_eq!(room.0.load(Ordering::SeqCst), 1, "what never came takes no room");
        drop(held);
        assert_eq!(room.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn e6_room_on_the_way_is_not_taken_twice() {
        let held = Held::new(Room::default());
        let places: Vec<_> = (0..12).map(|_| held.reserve(SEALED_MAX).unwrap()).collect();
        assert!(held.reserve(1).is_none());
        drop(places);
        assert!(held.reserve(1).is_some());
    }

    #[test]
    fn e6_all_connections_share_one_room() {
        let room = Room::default();
        assert!(room.take(HELD_TOTAL_MAX - 1));
        let held = Held::new(room.clone());
        assert!(held.reserve(2).is_none());
        assert!(held.reserve(1).is_some());
    }
}
