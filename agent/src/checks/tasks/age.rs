//! How old things are, in whole days.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of a day.
pub(super) const DAY: u64 = 86_400;

/// Now, in seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whole days between; 0 for what lies in the future.
pub(super) fn days(now: u64, then: u64) -> u64 {
    now.saturating_sub(then) / DAY
}

/// When that file, folder or link itself last changed, in seconds since 1970.
pub(super) fn modified(path: &Path) -> Option<u64> {
    let changed = std::fs::symlink_metadata(path).ok()?.modified().ok()?;
    changed.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_below_at_and_above_one() {
        for (seconds, whole) in [(0, 0), (DAY - 1, 0), (DAY, 1), (DAY + 1, 1), (2 * DAY, 2)] {
            assert_eq!(days(1_000 * DAY + seconds, 1_000 * DAY), whole);
        }
        assert_eq!(days(0, DAY), 0, "a clock that was wrong");
    }

    #[test]
    fn a_link_has_its_own_age_and_nothing_has_none() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("link")).unwrap();
        assert!(modified(&folder.path().join("link")).is_some_and(|then| now() - then < 60));
        assert_eq!(modified(&folder.path().join("none")), None);
    }
}
