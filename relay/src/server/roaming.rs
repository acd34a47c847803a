//! A peer whose address changed: nothing is sent there before it has answered from there. Pure. (SECURITY C4)
//!
//! QUIC takes over a new address before it is validated, and a captured packet replayed from somebody else's address
//! would aim a whole flow at that victim. So the old address stays the target until a nonce, sent down the control
//! connection to the new one, comes back. One change pending, at most one a second, forgotten after three.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::registry::ConnectionId;

/// Least time between two questions to one peer, in milliseconds.
pub const ASK_MS: u64 = 1_000;
/// After this long without an answer the change is forgotten, in milliseconds.
pub const FORGET_MS: u64 = 3_000;

/// Where peers are known to be, and where they say they are.
#[derive(Debug, Default)]
pub struct Roaming {
    peers: HashMap<ConnectionId, Peer>,
}

#[derive(Debug)]
struct Peer {
    at: SocketAddr,
    /// Boxed, for most peers never move.
    asked: Option<Box<Question>>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    to: SocketAddr,
    nonce: u64,
    until: u64,
}

impl Roaming {
    /// A peer arrived: its handshake proved this address.
    pub fn arrived(&mut self, connection: ConnectionId, at: SocketAddr) {
        self.peers.insert(connection, Peer { at, asked: None, next: 0 });
    }

    /// A peer is gone.
    pub fn gone(&mut self, connection: ConnectionId) {
        self.peers.remove(&connection);
    }

    /// The connection's address as QUIC sees it now. `Some`: send the peer this nonce. `random`: 64 random bits, used for
    /// nothing else.
    pub fn seen(
        &mut self,
        connection: ConnectionId,
        at: SocketAddr,
        random: impl FnOnce() -> Option<u64>,
        now: u64,
    ) -> Option<u64> {
        let peer = self.peers.get_mut(&connection)?;
        if peer.asked.as_ref().is_some_and(|asked| asked.until <= now || at == peer.at) {
            peer.asked = None;
        }
        if at == peer.at || peer.asked.is_some() || now < peer.next {
            return None;
        }
        let nonce = random()?;
        peer.asked = Some(Box::new(Question { to: at, nonce, until: now.saturating_add(FORGET_MS) }));
        peer.next = now.saturating_add(ASK_MS);
        Some(nonce)
    }

    /// The peer answered a nonce. `true`: it is at `at` now, and its flows may follow.
    pub fn answered(&mut self, connection: ConnectionId, at: SocketAddr, nonce: u64, now: u64) -> bool {
        let Some(peer) = self.peers.get_mut(&connection) else { return false };
        let proved =
            peer.asked.as_ref().is_some_and(|asked| asked.nonce == nonce && asked.to == at && now < asked.until);
        if proved {
            peer.at = at;
            peer.asked = None;
        }
        proved
    }

    /// Whether this is the address the peer proved.
    pub fn is_at(&self, connection: ConnectionId, at: SocketAddr) -> bool {
        self.peers.get(&connection).is_some_and(|peer| peer.at == at)
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: ConnectionId = ConnectionId(1);

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn roaming() -> Roaming {
        let mut roaming = Roaming::default();
        roaming.arrived(PEER, at(1));
        roaming
    }

    #[test]
    fn c4_the_old_address_stays_until_the_echo() {
        let mut roaming = roaming();
        assert_eq!(roaming.seen(PEER, at(1), || Some(5), 0), None);
        assert_eq!(roaming.seen(PEER, at(2), || Some(5), 0), Some(5));
        assert!(!roaming.answered(PEER, at(2), 6, 1), "another nonce");
        assert!(!roaming.answered(PEER, at(3), 5, 1), "from elsewhere again");
        assert!(roaming.is_at(PEER, at(1)) && !roaming.is_at(PEER, at(2)));
        assert!(roaming.answered(PEER, at(2), 5, 1));
        assert!(roaming.is_at(PEER, at(2)));
        assert!(!roaming.answered(PEER, at(2), 5, 1), "once");
        assert_eq!(roaming.seen(PEER, at(2), || Some(7), 5_000), None, "it is there now");
    }

    #[test]
    fn c4_each_question_has_random_bits_of_its_own() {
        let mut roaming = roaming();
        let other = ConnectionId(2);
        roaming.arrived(other, at(11));
        let mut bits = [5, 77].into_iter();
        assert_eq!(roaming.seen(PEER, at(2), || bits.next(), 0), Some(5));
        assert_eq!(roaming.seen(other, at(12), || bits.next(), 0), Some(77));
        assert_eq!(roaming.seen(other, at(12), || panic!("drawn for nothing"), 1), None);
        assert!(!roaming.answered(other, at(12), 5, 1), "another peer's nonce proves nothing");
    }

    #[test]
    fn c4_one_pending_one_a_second_forgotten_after_three() {
        let mut roaming = roaming();
        assert_eq!(roaming.seen(PEER, at(2), || Some(5), 0), Some(5));
        assert_eq!(roaming.seen(PEER, at(3), || Some(6), FORGET_MS - 1), None, "one pending");
        assert!(!roaming.answered(PEER, at(2), 5, FORGET_MS), "too late");
        assert_eq!(roaming.seen(PEER, at(3), || Some(6), FORGET_MS), Some(6));
        // Back home: forgotten at once, but the next question waits its second.
        assert_eq!(roaming.seen(PEER, at(1), || Some(7), FORGET_MS + 1), None);
        assert!(!roaming.answered(PEER, at(3), 6, FORGET_MS + 2));
        assert_eq!(roaming.seen(PEER, at(2), || Some(8), FORGET_MS + ASK_MS - 1), None);
        assert_eq!(roaming.seen(PEER, at(2), || Some(8), FORGET_MS + ASK_MS), Some(8));
        roaming.gone(PEER);
        assert!(roaming.is_empty());
    }
}
