//! Values whose name stands in the line above: lists of arguments, YAML, property lists, XML.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Hint::Build as B;
use super::Mark::Secret;
use super::key::is_secret;
use super::value::push_value;
use super::{Build, Found, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "value-below",
    mark: Secret,
    hint: B(Build::Below),
    pattern: r"^\s*(?:[-*]\s+)?(?P<s>\S.*?)\s*$",
    take: below,
}];

static NAME_ABOVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r#"(?i)(?:<(?:key|name|id)>\s*|(?:name|key|id|field|option|variable)["']?\s*[:=]\s*["']?)(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)["']?\s*(?:</(?:key|name|id)>|,)?\s*$"#;
    Regex::new(name).ok()
});
static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)^\s*(?:[-*]\s+)?(?:["']?(?:value|val|data|content)["']?\s*[:=]\s*["']?(?P<s>[^"'\s,]+|[^"'\s][^"',]*[^"'\s,])["']?|<(?:string|value|data)>\s*(?P<t>[^<]+?)\s*<)"#).ok()
});
static OPEN_ABOVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?P<k>[\p{L}_][\p{L}\p{N}_.\-]*)["']?\s*[:=]\s*(?:(?:!!?\w+\s+)?[|>][+-]?[0-9]?|\\)?\s*$"#).ok()
});
static OPTION_ABOVE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\s*(?:-\s+)?["']?--?(?P<k>[\p{L}][\p{L}\p{N}_.\-]*)["']?\s*,?\s*\\?$"#).ok());

/// A value whose name stands in the line above.
fn below(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let announced = |pattern: &LazyLock<Option<Regex>>| {
        let captures = pattern.as_ref()?.captures(found.previous)?;
        Some(is_secret(&captures["k"]))
    };
    let (range, text) = found.secret();
    if announced(&NAME_ABOVE) == Some(true) {
        let value = VALUE.as_ref().and_then(|value| value.captures(found.line));
        if let Some(value) = value.and_then(|value| value.name("s").or_else(|| value.name("t"))) {
            push_value(found.line, value.range(), taken);
        }
    } else if announced(&OPTION_ABOVE) == Some(true) {
        let bare = text.trim_end_matches(['\\', ' ']).trim_end_matches(',');
        if !text.starts_with("--") && !text.starts_with(['}', ']', '{']) {
            let open = bare.len() - bare.trim_start_matches(['"', '\'']).len();
            push_value(
                found.line,
                range.start + open..range.start + bare.trim_end_matches(['"', '\'']).len().max(open),
                taken,
            );
        }
    } else if announced(&OPEN_ABOVE) == Some(true) {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let is_name = text.split_once(':').is_some_and(|(name, rest)| {
            (rest.is_empty() || rest.starts_with(' '))
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\''))
        });
        let inside = indent(found.line) > indent(found.previous);
        if inside && !is_name && !text.starts_with(['{', '[', '-', '#']) && !text.contains(' ') {
            let bare = text.trim_end_matches([',', ';']);
            let open = bare.len() - bare.trim_start_matches(['"', '\'']).len();
            push_value(
                found.line,
                range.start + open..range.start + bare.trim_end_matches(['"', '\'']).len().max(open),
                taken,
            );
        }
    }
}
