//! Secrets in command lines: `--password x` of any program, and the words that a command line is made of.
//!
//! A command line is found in `ps`, in journals and histories, and as a JSON or YAML list of arguments.

use std::ops::Range;

use super::Hint::Words;
use super::Mark::Secret;
use super::key::{is_hole, is_number, is_prose, is_secret};
use super::{Found, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "option",
    mark: Secret,
    hint: Words("-pass|-pw|-secret|-token|key|pass|token|secret|psk|cred|-auth|-pin|clave|-otp|-jwt"),
    pattern: r#"(?:^|[\s"'`,=(\[\x00])(?:--?|/)(?P<k>[A-Za-z][A-Za-z0-9_.\-]*)(?P<sep>=|:|[ \t\x00]+=?[ \t]*|\\+0+|["']\s*,\s*(?:["'])?)"#,
    take: option,
}];

/// `--requirepass x`, `--token=x`, `-Dpassword=x`, `"--requirepass","x"`.
fn option(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (Some(key), Some(sep)) = (found.group("k"), found.group("sep")) else { return };
    // `-pSecret` of a program is no option of that name.
    let single = !found.line[..key.start()].ends_with("--");
    let attached = single
        && key.as_str().strip_prefix(['p', 'P']).is_some_and(is_secret)
        && !LONG.iter().any(|begin| key.as_str().starts_with(begin));
    if attached {
        return;
    }
    if !is_secret(key.as_str()) || is_number(key.as_str()) && !found.after().starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let Some((range, quoted)) = token(found.line, sep.end()) else { return };
    let text = &found.line[range.clone()];
    let apart = sep.as_str().trim().is_empty();
    let slash = found.range().start < key.start() && found.line[..key.start()].ends_with('/');
    if is_hole(text)
        || (apart
            && (text.starts_with('-')
                || slash
                || (!quoted && is_prose(text) && !matches!(text, "password" | "secret"))))
    {
        return;
    }
    // `-pass pass:x` of openssl.
    let scheme = ["pass:", "env:", "file:", "fd:", "stdin"].into_iter().find(|scheme| text.starts_with(scheme));
    match scheme {
        Some("pass:") => taken.push(range.start + 5..range.end),
        Some(_) => {}
        None => taken.push(range),
    }
}

/// Beginnings of long options with one dash.
pub(super) const LONG: &[&str] =
    &["pass", "pw", "psk", "priv", "prox", "pre", "pub", "pin", "Pass", "Priv", "Prox", "PSK"];

/// The words of a command line up to its end, without their quotes.
pub(super) fn arguments(line: &str, from: usize) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = from;
    let in_list = line[from..].trim_start().starts_with("\",") || line[from..].trim_start().starts_with("',");
    while let Some((range, _)) = word(line, at, in_list) {
        let text = &line[range.clone()];
        if matches!(text, "|" | ";" | "&&" | "||" | "&") && !in_list {
            break;
        }
        let ends = text.ends_with(';') && !in_list;
        at = range.end;
        let end = if ends { range.end - 1 } else { range.end };
        let numbered = audited(&line[range.start..end]);
        let (start, end) = (range.start + numbered, if numbered > 0 { end - 1 } else { end });
        if end > start {
            words.push(start..end);
        }
        if ends || words.len() >= ARGUMENTS_MAX {
            break;
        }
    }
    words
}

/// Length of `a1="` in front of a word, as the audit log numbers them.
fn audited(word: &str) -> usize {
    let digits = word.strip_prefix('a').map_or(0, |rest| rest.chars().take_while(char::is_ascii_digit).count());
    let quoted = word.len() > digits + 3 && digits > 0 && word[1 + digits..].starts_with("=\"") && word.ends_with('"');
    if quoted { digits + 3 } else { 0 }
}

/// Most words of a command line that are looked at.
const ARGUMENTS_MAX: usize = 128;

/// The value of an option: the next word, or what stands in quotes.
pub(super) fn token(line: &str, at: usize) -> Option<(Range<usize>, bool)> {
    // A quote that doesn't close the word before opens this one.
    let opens = line[at..].starts_with(['"', '\'']) && !line[..at].ends_with(['"', '\'']);
    let at = at + usize::from(opens);
    let opened = line[..at].chars().next_back().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = opened {
        let end = line[at..].find(quote).map_or(line.len(), |end| at + end);
        return (end > at).then_some((at..end, true));
    }
    word(line, at, false)
}

/// The next word behind `at`: what stands between spaces, quotes, NUL bytes, or the marks of a list.
fn word(line: &str, at: usize, in_list: bool) -> Option<(Range<usize>, bool)> {
    let is_gap = |c: char| c.is_whitespace() || c == '\0' || (in_list && matches!(c, ',' | '[' | ']'));
    let rest = line.get(at..)?;
    // The closing quote of the word before.
    let rest_after = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let rest_after = rest_after.trim_start_matches(is_gap);
    let rest_after = rest_after.strip_prefix("\\0").or_else(|| rest_after.strip_prefix("\\x00")).unwrap_or(rest_after);
    let at = at + rest.len() - rest_after.len();
    let rest = rest_after;
    let first = rest.chars().next()?;
    let slashes = if first == '\\' && (rest.starts_with("\\\"") || rest.starts_with("\\'")) { 1 } else { 0 };
    let quote = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        let open = slashes + 1;
        let end = rest[open..].find(quote).map_or(rest.len(), |end| open + end);
        let end = if slashes == 1 && rest[..end].ends_with('\\') { end - 1 } else { end };
        return Some((at + open..at + end, true)).filter(|(range, _)| !range.is_empty());
    }
    let mut end = rest.len();
    let mut quoted = None;
    // What a backslash begins there is a folder, not the end of a line.
    let windows = rest.starts_with("\\\\") || rest[first.len_utf8()..].starts_with(":\\");
    let ends = |rest: &str| !windows && ["\\0", "\\x00", "\\n"].iter().any(|end| rest.starts_with(end));
    for (place, c) in rest.char_indices() {
        if let Some(quote) = quoted {
            if c == quote {
                quoted = None;
            }
        } else if c == '"' || c == '\'' {
            // `-p'secret'` goes on, the end of the string that holds the whole command doesn't.
            let opens = rest[place + 1..].starts_with(|c: char| !is_gap(c) && !matches!(c, ',' | ')' | ']' | '}'))
                && rest[place + 1..].contains(c);
            if opens && place > 0 {
                quoted = Some(c);
            } else {
                end = place;
                break;
            }
        } else if is_gap(c) || c == '`' || ends(&rest[place..]) {
            end = place;
            break;
        }
    }
    let text = rest[..end].trim_end_matches(|c| matches!(c, ')' | ']' | ',') && !in_list);
    (!text.is_empty()).then(|| (at..at + text.len(), false))
}
