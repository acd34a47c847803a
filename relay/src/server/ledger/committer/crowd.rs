//! How many calls one commit waits for: nobody, unless the relay is busy, and then some of those who are around.
//!
//! Each commit costs two signatures, a dozen pages and a sync, however little it carries. On a fast disk, commits would
//! follow each other with a handful of calls each, and those costs would be most of what the relay spends. On a slow one,
//! everybody would wait for the same commit and then everybody for the next: nothing happens while the disk works, and the
//! disk does nothing while signatures are checked. So half of them share a commit on a slow disk, which keeps both busy, and
//! somewhat more on a fast one, which needs no keeping busy.

use std::thread;
use std::time::{Duration, Instant};

/// Most calls in one commit.
const GROUP_MAX: usize = 512;
/// Longest wait for half of a crowd. It is added to what a person waits for, so it is far below what anybody notices.
const LINGER: Duration = Duration::from_millis(2);
/// A commit that takes less is on a fast disk.
const FAST: Duration = Duration::from_millis(2);
/// How often somebody looks whether they came.
const LOOK: Duration = Duration::from_micros(250);
/// Fewer than this are no crowd: nobody waits for them.
const CROWD_MIN: usize = 16;

/// How many are around.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// About so many; those who go are forgotten an eighth at a time.
    size: usize,
    /// Calls of the last commit.
    last: usize,
    /// How long it took.
    took: Duration,
}

impl Crowd {
    /// So many were in a commit, which took so long.
    pub(super) fn came(&mut self, calls: usize, took: Duration) {
        (self.last, self.took) = (calls, took);
    }

    /// So many wait while the last commit's receipts go out: who waits and who was just answered are all different.
    pub(super) fn counted(&mut self, here: usize) {
        self.size = (here + self.last).max(self.size - self.size.div_ceil(8));
    }

    /// Whether enough came.
    pub(super) fn is_here(&self, here: usize) -> bool {
        let enough = if self.took < FAST { self.size / 8 * 5 } else { self.size / 2 };
        self.size < CROWD_MIN || here >= enough
    }

    /// Most calls of the next commit: on a slow disk half of a crowd, so that the other half finds its own commit.
    pub(super) fn share(&self) -> usize {
        let all = self.size < CROWD_MIN || self.took < FAST;
        if all { GROUP_MAX } else { self.size.div_ceil(2).min(GROUP_MAX) }
    }

    /// Waits until they are here, but not for long.
    pub(super) fn gather(&self, here: impl Fn() -> usize) {
        let begun = Instant::now();
        while !self.is_here(here()) && begun.elapsed() < LINGER {
            thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SLOW: Duration = Duration::from_millis(4);

    fn crowd(last: usize, here: usize, took: Duration) -> Crowd {
        let mut crowd = Crowd { size: 0, last, took };
        crowd.counted(here);
        crowd
    }

    #[test]
    fn nobody_waits_for_a_few_and_a_crowd_waits_for_some_of_itself() {
        assert!(Crowd::default().is_here(1));
        let just_slow = FAST;
        let just_fast = FAST.checked_sub(Duration::from_nanos(1)).unwrap();
        for (last, here, slow, fast) in [
            (0, 1, 1, 1),
            (1, 1, 1, 1),
            (CROWD_MIN - 2, 1, 1, 1),
            (CROWD_MIN - 1, 1, 8, 10),
            (CROWD_MIN, 1, 8, 10),
            (64, 0, 32, 40),
            (32, 32, 32, 40),
        ] {
            for (took, enough) in [(just_slow, slow), (just_fast, fast)] {
                let crowd = crowd(last, here, took);
                assert!(
                    crowd.is_here(enough) && (enough == 1 || !crowd.is_here(enough - 1)),
                    "{last}, {here}, {took:?}"
                );
            }
        }
    }

    /// All come at once, and one was quicker. From then on half of them is checked while the other half is stored.
    #[test]
    fn a_crowd_parts_in_halves_on_a_slow_disk() {
        let (mut crowd, mut here) = (crowd(1, 63, SLOW), 63);
        for _ in 0..100 {
            assert!(crowd.is_here(here), "at once: {here}");
            let taken = here.min(crowd.share());
            here = 64 - taken;
            crowd.came(taken, SLOW);
            crowd.counted(here);
        }
        assert_eq!(here, 32);
    }

    #[test]
    fn a_commit_has_its_most() {
        for (crowd, most) in [
            (Crowd::default(), GROUP_MAX),
            (crowd(GROUP_MAX, GROUP_MAX, Duration::ZERO), GROUP_MAX),
            (crowd(GROUP_MAX, GROUP_MAX - 2, SLOW), GROUP_MAX - 1),
            (crowd(GROUP_MAX, GROUP_MAX, SLOW), GROUP_MAX),
            (crowd(GROUP_MAX, GROUP_MAX + 2, SLOW), GROUP_MAX),
        ] {
            assert_eq!(crowd.share(), most);
        }
    }

    #[test]
    fn a_crowd_that_went_home_is_soon_forgotten() {
        let mut crowd = crowd(64, 64, Duration::ZERO);
        let mut waits = 0;
        while !crowd.is_here(1) {
            crowd.came(1, Duration::ZERO);
            crowd.counted(1);
            waits += 1;
        }
        assert!(waits < 20, "{waits}");
    }

    #[test]
    fn waiting_ends_when_they_are_here_and_when_they_never_come() {
        let looks = Cell::new(0);
        let crowd = crowd(32, 0, SLOW);
        crowd.gather(|| {
            looks.set(looks.get() + 1);
            looks.get() * 8
        });
        assert_eq!(looks.get(), 2, "8, then 16");
        let begun = Instant::now();
        crowd.gather(|| 15);
        assert!(begun.elapsed() >= LINGER);
    }
}
