//! What stands in a text where something was taken out, and how it is known again: redacting twice changes nothing.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// How every mark of a secret begins.
const OPEN: &str = "[redacted:";

/// The mark of a rule.
pub(super) fn mark(rule: &str) -> String {
    format!("{OPEN}{rule}]")
}

/// Marks and pseudonyms.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\[redacted:[a-z0-9-]{2,32}\]|(?-u:\b)(?:user|host|mac|address|network|machine|disk|serial)-[1-9][0-9]{0,6}(?-u:\b)").ok()
});

/// Where they are in a text.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let Some(marks) = MARKS.as_ref() else { return Vec::new() };
    marks.find_iter(text).map(|found| found.range()).collect()
}

/// Whether nothing is left of a text without its marks.
pub(super) fn only_marks(text: &str) -> bool {
    let marks = find(text);
    if marks.is_empty() {
        return false;
    }
    let mut at = 0;
    let mut rest = false;
    for mark in marks {
        rest |= text[at..mark.start].chars().any(char::is_alphanumeric);
        at = mark.end;
    }
    !rest && !text[at..].chars().any(char::is_alphanumeric)
}
