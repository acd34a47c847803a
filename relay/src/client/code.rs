//! Why a relay closes a control connection: QUIC application error codes, so that a peer can tell its person.

/// The relay is going down.
pub const GOING_DOWN: u32 = 0;
/// The peer broke the protocol.
pub const PROTOCOL: u32 = 1;
/// The member was revoked. (SECURITY A5)
pub const REVOKED: u32 = 2;
/// Another connection of the same key took its place. (SECURITY D6)
pub const REPLACED: u32 = 3;
/// The peer doesn't read what it is sent.
pub const SLOW: u32 = 4;

/// Of an end-to-end connection: the peer left in good order.
pub const LEFT: u32 = 0;
