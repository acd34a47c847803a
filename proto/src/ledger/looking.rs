//! What an auditor's look opens: the rule between the `venia/look@v1` note and what a relay then hands out.
//!
//! A look is on record before anything is told, and says whether words may have been read. So the looks that list,
//! verify or export headers open no sealed part: who reads a log can tell from the notes alone whose words were looked at.
//! (SECURITY A5, E5)

use crate::id::SessionId;
use crate::ledger::notice::Looking;

/// What for, and at which session; `None` for the whole log.
pub type Look = (Looking, Option<SessionId>);

/// Whether an auditor who said this last on its connection may have the sealed parts of that session.
pub fn opens(said: Option<Look>, session: SessionId) -> bool {
    match said {
        Some((Looking::List | Looking::Verify | Looking::Export, _)) | None => false,
        Some((Looking::Show | Looking::Search, at)) => at.is_none_or(|at| at == session),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a5_only_looks_that_say_so_open_words_and_only_where_they_say() {
        let (one, two) = (SessionId([1; 16]), SessionId([2; 16]));
        assert!(!opens(None, one), "nothing said");
        for what in [Looking::List, Looking::Verify, Looking::Export] {
            assert!(!opens(Some((what, None)), one) && !opens(Some((what, Some(one))), one), "{what:?} reads no words");
        }
        for what in [Looking::Show, Looking::Search] {
            assert!(opens(Some((what, None)), one) && opens(Some((what, None)), two), "{what:?}");
            assert!(opens(Some((what, Some(one))), one) && !opens(Some((what, Some(one))), two), "{what:?}");
        }
    }
}
