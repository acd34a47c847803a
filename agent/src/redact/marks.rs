//! What stands in a text where something was taken out, and how it is known again: redacting twice changes nothing.
//!
//! Anybody may write what looks like a mark: only one that names a rule is believed, and of pseudonyms only those that this
//! session gave out. A password `[redacted:hunter2]` or `user-1234` hides behind neither.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::shapes;

/// How every mark of a secret begins.
const OPEN: &str = "[redacted:";

/// The mark of a rule.
pub(super) fn mark(rule: &str) -> String {
    format!("{OPEN}{rule}]")
}

/// Marks and pseudonyms.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\[redacted:(?P<id>[a-z0-9-]{2,32})\]|(?-u:\b)(?P<c>user|host|mac|address|network|machine|disk|serial)-(?P<n>[1-9][0-9]{0,6})(?-u:\b)").ok()
});

/// Where they are in a text. Which pseudonyms were given out is asked with their class and number.
pub(super) fn find(text: &str, gave: impl Fn(&str, u32) -> bool) -> Vec<Range<usize>> {
    let Some(marks) = MARKS.as_ref() else { return Vec::new() };
    let is_own = |found: &regex::Captures<'_>| match (found.name("id"), found.name("c"), found.name("n")) {
        (Some(id), ..) => shapes::is_rule(id.as_str()),
        (None, Some(class), Some(number)) => number.as_str().parse().is_ok_and(|number| gave(class.as_str(), number)),
        _ => false,
    };
    marks.captures_iter(text).filter(is_own).filter_map(|found| found.get(0)).map(|found| found.range()).collect()
}

/// Whether nothing is left of a text without the marks of rules.
pub(super) fn only_marks(text: &str) -> bool {
    text.contains(OPEN) && is_only(text, find(text, |_, _| false))
}

/// Whether nothing is left of a text without these parts.
pub(super) fn is_only(text: &str, marks: Vec<Range<usize>>) -> bool {
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
