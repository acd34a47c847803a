//! How much came within a minute: what bounds the other side's pace, for events and for checkpoints.
//!
//! Minutes begin with the first thing counted after the one before is over; they don't slide, so across a border twice as much may
//! come within a shorter time.
//!
//! Pure: time is handed in. Not here: what becomes of too much.

/// One minute, in milliseconds.
pub const MINUTE_MS: u64 = 60_000;

/// The minute that runs, and what came in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Minute {
    began_ms: u64,
    count: u32,
}

impl Minute {
    /// One that begins now, with nothing in it. `now_ms`: milliseconds since boot.
    pub fn begun(now_ms: u64) -> Self {
        Self { began_ms: now_ms, count: 0 }
    }

    /// Counts one more; whether it is within so many a minute.
    pub fn counts(&mut self, now_ms: u64, most: u32) -> bool {
        if now_ms.saturating_sub(self.began_ms) >= MINUTE_MS {
            *self = Self::begun(now_ms);
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_within_a_minute_and_no_more() {
        let mut minute = Minute::begun(5);
        assert_eq!([5, 5, 5, 4 + MINUTE_MS].map(|now| minute.counts(now, 3)), [true, true, true, false]);
        assert!(minute.counts(5 + MINUTE_MS, 3), "another minute");
        assert!(
            minute.counts(4, 3) && minute.counts(4, 3) && !minute.counts(4, 3),
            "a clock that goes back begins none"
        );
    }
}
