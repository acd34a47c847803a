//! When words that somebody keeps in the clear are due to go. (SECURITY E11)
//!
//! The proofs stay for ever, the words for the days the organisation's statement gives. Who deletes, and how, is a shell's;
//! here is only when.

use crate::now::Wall;

/// A day, in milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// When words taken at this moment are due, by the statement's `keep_days`.
pub fn due(taken: Wall, days: u32) -> Wall {
    taken.plus_ms(i64::from(days) * DAY_MS)
}

/// Whether they are due now. A promise that can't be read (`None`) is due: the words aren't ours.
pub fn is_due(promised: Option<Wall>, now: Wall) -> bool {
    promised.is_none_or(|due| now >= due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_words_go_at_the_moment_promised_not_before() {
        let taken = Wall::from_ms(1_795_514_402_000);
        for days in [0, 1, 30] {
            let promised = due(taken, days);
            assert_eq!(promised.ms() - taken.ms(), i64::from(days) * DAY_MS);
            assert!(!is_due(Some(promised), promised.plus_ms(-1)));
            assert!(is_due(Some(promised), promised) && is_due(Some(promised), promised.plus_ms(1)));
        }
        assert!(is_due(None, taken), "half a promise is none");
        assert_eq!(due(Wall::MAX, u32::MAX), Wall::MAX);
    }
}
