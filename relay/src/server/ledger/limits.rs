//! How much the ledger takes from whom. (SECURITY E6)

/// Events of one session that wait for a gate: chats, requests, results …
pub const EVENTS_MAX: usize = 10_000;
/// Room beyond [`EVENTS_MAX`] for what never waits: a full session can still be stopped, closed and signed.
pub const EVENTS_RESERVED: usize = 100;
/// Bytes of one session's events and sealed parts: 256 MiB.
pub const BYTES_MAX: u64 = 256 << 20;
/// Bytes beyond [`BYTES_MAX`] for what never waits, sealed parts included: 4 MiB.
pub const BYTES_RESERVED: u64 = 4 << 20;
/// Sessions one device key may open within 24 hours.
pub const SESSIONS_PER_DEVICE: u64 = 200;
/// Sessions that may be opened from one address prefix within 24 hours.
pub const SESSIONS_PER_SOURCE: u64 = 2_000;
/// The day of the two quotas above, in milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Free bytes on the database's disk below which no new session opens: what runs must still be able to end.
pub const DISK_FLOOR: u64 = 64 << 20;
/// Age from which the newest batch note is too old to tell the time by, in milliseconds.
pub const STALE_MS: u64 = 60 * 1_000;
/// Abandoned sessions noted with one heartbeat; more wait for the next.
pub const ABANDONED_AT_ONCE: usize = 100;
/// Evidence kept of one session.
pub const EVIDENCE_MAX: usize = 16;

/// The limits that tests and operators of other sizes may want to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`EVENTS_MAX`].
    pub events: usize,
    /// See [`BYTES_MAX`].
    pub bytes: u64,
    /// See [`SESSIONS_PER_DEVICE`].
    pub sessions_per_device: u64,
    /// See [`SESSIONS_PER_SOURCE`].
    pub sessions_per_source: u64,
    /// See [`DISK_FLOOR`].
    pub disk_floor: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: EVENTS_MAX,
            bytes: BYTES_MAX,
            sessions_per_device: SESSIONS_PER_DEVICE,
            sessions_per_source: SESSIONS_PER_SOURCE,
            disk_floor: DISK_FLOOR,
        }
    }
}
