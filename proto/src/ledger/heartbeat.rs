//! How often a log says that it is there, and which silence needs an explanation. (SECURITY F6)
//!
//! A log without heartbeats could drop what nobody asks for and call it a quiet night. So every relay adds a `batch` note
//! at least once a minute while somebody needs it, every quarter of an hour otherwise, and says so by a `gap` notice when
//! it wasn't running. Any other silence is a hole.
//!
//! Not here: reading the log. Times are the relay's own claims; what bounds them is the checkpoint that events quote.

use crate::now::Wall;

/// Between two batch notes while a session is open or somebody waits in the queue, in milliseconds.
pub const BUSY_MS: u64 = 60 * 1_000;
/// Between two batch notes otherwise.
pub const IDLE_MS: u64 = 15 * 60 * 1_000;
/// What a commit may be late: the time of a slow disk, in milliseconds.
pub const SLACK_MS: u64 = 30 * 1_000;
/// A session in which nothing was recorded for this long is abandoned, in milliseconds: 24 hours. (SECURITY E7)
pub const ABANDONED_MS: i64 = 24 * 60 * 60 * 1_000;

/// Whether it is time for another batch note.
pub fn is_due(since_last_ms: u64, busy: bool) -> bool {
    since_last_ms >= if busy { BUSY_MS } else { IDLE_MS }
}

/// Silence that nothing explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hole {
    /// The last batch before it.
    pub from: Wall,
    /// The first batch after it.
    pub to: Wall,
}

/// Reads a log's times in order and finds holes in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pulse {
    last: Option<Wall>,
}

impl Pulse {
    /// The next batch, as it is read: when, whether a session was open in the log before it, and the gap declared in the
    /// same commit, if there is one. Who waited in the queue can't be read from a log: that a heartbeat came every minute
    /// then is the relay's promise, not something anybody can check later.
    pub fn batch(&mut self, observed: Wall, busy: bool, gap: Option<(Wall, Wall)>) -> Option<Hole> {
        let from = self.last.replace(observed)?;
        let silence = u64::try_from(observed.ms().saturating_sub(from.ms())).unwrap_or(0);
        let allowed = if busy { BUSY_MS } else { IDLE_MS } + SLACK_MS;
        // A gap explains the silence it names, no other.
        let explained = gap.is_some_and(|(start, end)| start == from && end >= from && end <= observed);
        (silence > allowed && !explained).then_some(Hole { from, to: observed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Wall {
        Wall::from_ms(1_795_514_402_000 + ms.cast_signed())
    }

    #[test]
    fn f6_due_at_below_and_above() {
        for (busy, every) in [(true, BUSY_MS), (false, IDLE_MS)] {
            assert!(!is_due(every - 1, busy));
            assert!(is_due(every, busy));
            assert!(is_due(every + 1, busy));
        }
    }

    #[test]
    fn f6_only_an_unexplained_silence_is_a_hole() {
        for (busy, every) in [(true, BUSY_MS), (false, IDLE_MS)] {
            for (silence, hole) in [(every + SLACK_MS, false), (every + SLACK_MS + 1, true)] {
                let mut pulse = Pulse::default();
                assert_eq!(pulse.batch(at(0), busy, None), None, "nothing comes before the first");
                let found = pulse.batch(at(silence), busy, None);
                assert_eq!(found, hole.then_some(Hole { from: at(0), to: at(silence) }));
            }
        }
        let day = 24 * 60 * BUSY_MS;
        let after = |gap| {
            let mut pulse = Pulse::default();
            pulse.batch(at(0), false, None);
            pulse.batch(at(day), false, gap).is_some()
        };
        assert!(!after(Some((at(0), at(day)))));
        assert!(after(Some((at(1), at(day)))), "another silence");
        assert!(after(Some((at(0), at(day + 1)))), "a gap that ends later than it was told");
        assert!(after(None));
    }
}
