//! When to try again what failed: later each time, and never all at once.
//!
//! A relay that restarts loses thousands of peers in the same moment. If all of them came back in the same moment, and again
//! after the same second, it would answer none. So each waits a random time below a bound that doubles ("full jitter").
//!
//! Pure: random bits are handed in. Not here: what is tried, and whether trying again is any use.

/// Bound of the first wait, in milliseconds: a peer whose own network blinked is back within a second.
pub const FIRST_MS: u64 = 500;
/// Bound of the longest wait, in milliseconds.
pub const LONGEST_MS: u64 = 15_000;

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failed: u32,
}

impl Backoff {
    /// Milliseconds to wait before the next try. `random`: 64 random bits.
    pub fn next(&mut self, random: u64) -> u64 {
        let doubled = 1_u64.checked_shl(self.failed).unwrap_or(u64::MAX);
        let bound = FIRST_MS.saturating_mul(doubled).min(LONGEST_MS);
        self.failed = self.failed.saturating_add(1);
        // The remainder prefers small waits by one in 2^50: nobody can tell.
        random % (bound + 1)
    }

    /// It worked: the next failure is a first one again.
    pub fn worked(&mut self) {
        self.failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest wait of each try.
    fn bounds(tries: usize) -> Vec<u64> {
        let mut backoff = Backoff::default();
        (0..tries)
            .map(|_| {
                let bound = (0..=LONGEST_MS).map(|random| backoff.clone().next(random)).max().unwrap_or(0);
                backoff.next(0);
                bound
            })
            .collect()
    }

    #[test]
    fn bounds_double_up_to_the_longest() {
        assert_eq!(bounds(8), [500, 1_000, 2_000, 4_000, 8_000, LONGEST_MS, LONGEST_MS, LONGEST_MS]);
    }

    #[test]
    fn it_never_ends_and_begins_anew_once_it_worked() {
        let mut backoff = Backoff::default();
        for n in 0..200 {
            let wait = backoff.next(LONGEST_MS);
            assert!(if n < 5 { wait < LONGEST_MS } else { wait == LONGEST_MS }, "{n} {wait}");
        }
        assert_eq!(Backoff { failed: u32::MAX }.next(LONGEST_MS), LONGEST_MS);
        backoff.worked();
        assert!(backoff.next(u64::MAX) <= FIRST_MS);
    }

    #[test]
    fn a_crowd_spreads_over_the_whole_wait() {
        let waits: Vec<u64> =
            (0..10_000_u64).map(|n| Backoff::default().next(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
        for tenth in 0..10 {
            let (from, to) = (tenth * FIRST_MS / 10, (tenth + 1) * FIRST_MS / 10);
            let here = waits.iter().filter(|wait| (from..to).contains(wait)).count();
            assert!((800..1_200).contains(&here), "{here} of 10,000 between {from} and {to} ms");
        }
    }
}
