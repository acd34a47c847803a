//! Where the value of a setting begins and ends, in the notations that rules for settings share.

use std::ops::Range;

use super::key::is_hole;

pub(super) fn push_value(line: &str, range: Range<usize>, taken: &mut Vec<Range<usize>>) {
    let text = &line[range.clone()];
    let lead = text.len() - text.trim_start().len();
    let range = range.start + lead..range.start + text.trim_end().len().max(lead);
    if !is_hole(&line[range.clone()]) {
        taken.push(range);
    }
}

/// Where a value without quotes ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the line, or at a comment.
    Line,
    /// At a space, or a mark that separates settings.
    Space,
    /// At the next part of a query.
    Query,
    /// At a comma or bracket.
    Json,
    /// At this quote, which stands in front of the name.
    Quote(char),
}

/// The value that begins behind `at`, and whether it stands in quotes.
pub(super) fn value(line: &str, at: usize, end: End) -> Option<(Range<usize>, bool)> {
    let rest = &line[at..];
    let skipped = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let (at, rest) = (at + skipped, &rest[skipped..]);
    // Marks of other notations in front of a quote: a type, a byte string, `[` of a list.
    let rest_after =
        rest.strip_prefix("!!str ").or_else(|| rest.strip_prefix("[\"").map(|_| &rest[1..])).unwrap_or(rest);
    let rest_after = rest_after
        .strip_prefix(['u', 'b', 'r', 'L', '@'])
        .filter(|rest| rest.starts_with(['"', '\'']))
        .unwrap_or(rest_after);
    let (at, rest) = (at + rest.len() - rest_after.len(), rest_after);
    let slashes = rest.len() - rest.trim_start_matches('\\').len();
    let quoted = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`' | '“' | '«'));
    if let Some(quote) = quoted.filter(|_| end != End::Quote('"') || slashes > 0 || !rest.starts_with('"')) {
        let open = slashes + quote.len_utf8();
        let close = match quote {
            '“' => '”',
            '«' => '»',
            quote => quote,
        };
        let inner = &rest[open..];
        let length = closing(inner, close, slashes);
        return Some((at + open..at + open + length, true));
    }
    if let Some(inner) = rest.strip_prefix("&quot;") {
        let length = inner.find("&quot;").unwrap_or(inner.len());
        return Some((at + 6..at + 6 + length, true));
    }
    let stop = |marks: &[char]| rest.find(|c: char| c.is_whitespace() || marks.contains(&c)).unwrap_or(rest.len());
    let length = match end {
        End::Line => {
            let comment =
                rest.find(" #").or_else(|| rest.find(" ;")).or_else(|| rest.find("\t#")).unwrap_or(rest.len());
            rest[..comment].trim_end().trim_end_matches([';', ',']).len()
        }
        End::Space => {
            let stop = stop(&['"', '\'', '`', '<', '>', ';']);
            // A comma or bracket ends a value only where something else begins.
            separated(&rest[..stop])
        }
        End::Query => stop(&['"', '\'', '`', '<', '>', '&', '#', ';', ')']),
        End::Json => {
            let stop = stop(&[',', '}', ']', '"', '\'', ')', ';']);
            if rest.starts_with(['{', '[']) { 0 } else { stop }
        }
        End::Quote(quote) => closing(rest, quote, 0),
    };
    // Punctuation of the sentence around.
    let text = rest[..length].trim_end_matches(|c| matches!(c, ',' | '.') && end == End::Space);
    (!text.is_empty()).then(|| (at..at + text.len(), false))
}

/// Length up to the closing quote, which has as many backslashes in front as the opening one; all, if there is none.
fn closing(inner: &str, quote: char, slashes: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in inner.char_indices() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let closes = if slashes == 0 { backslashes % 2 == 0 } else { backslashes <= slashes };
        if c == quote && closes {
            return at - backslashes.min(slashes);
        }
        backslashes = 0;
    }
    inner.len()
}

/// Length up to a comma or ampersand behind which another setting begins, or a bracket that wasn't opened.
fn separated(text: &str) -> usize {
    let mut open = 0_i32;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => {
                open -= 1;
                if open < 0 && rest.chars().all(|c| !c.is_alphanumeric()) {
                    return at;
                }
            }
            ',' | '&' | '|' => {
                let name = rest.split(['=', ':']).next().unwrap_or("");
                let another = name.len() < rest.len()
                    && !name.is_empty()
                    && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"'));
                if another || (c == ',' && rest.is_empty()) {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}
