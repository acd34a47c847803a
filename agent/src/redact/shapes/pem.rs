//! Private keys in armour, whole or cut off at either end, over several lines or in one with `\n`.
//!
//! Certificates and public keys stay: everybody may see them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Hint::Words;
use super::Mark::Secret;
use super::{Found, Rule};

/// Name of the rule, for the lines between the first and the last.
pub(in crate::redact) const ID: &str = "private-key";

pub(super) const RULES: &[Rule] = &[Rule {
    id: ID,
    mark: Secret,
    hint: Words(
        "PRIVATE KEY|OpenVPN Static key|PGP MESSAGE|AGE ENCRYPTED|PuTTY-User-Key|SAPTPrivate\
            |BEGIN SECRET",
    ),
    pattern: r"-----(?:BEGIN|END) (?P<k>[A-Z0-9][A-Za-z0-9 ]*)-----",
    take: armour,
}];

/// A key in one line: from its beginning to its end, or as far as the armour goes.
fn armour(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    if !found.group("k").is_some_and(|kind| is_private(kind.as_str())) || !found.line[found.range()].contains("BEGIN") {
        return;
    }
    let from = found.range().end;
    let rest = &found.line[from..];
    let end = match rest.find("-----END ") {
        Some(at) => at,
        None => rest.find(|c: char| !is_armour(c) && !matches!(c, '\\' | ' ' | ':' | ',' | '-')).unwrap_or(rest.len()),
    };
    let body = rest[..end].trim();
    if body.chars().any(char::is_alphanumeric) && !crate::redact::marks::only_marks(body) {
        taken.push(from + (rest.len() - rest.trim_start().len()).min(end)..from + end);
    }
}

fn is_private(kind: &str) -> bool {
    kind.contains("PRIVATE KEY") || kind == "OpenVPN Static key V1" || kind.contains("SECRET")
}

fn is_armour(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Follows armour from line to line.
#[derive(Default)]
pub(in crate::redact) struct Armour {
    /// Lines seen since a beginning without an end; `None` outside.
    open: Option<usize>,
    /// Whether the armour is one that everybody may see.
    public: bool,
}

/// Longest key, in lines: what comes behind it is looked at like any other text.
const LINES_MAX: usize = 256;

static BEGIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"-----BEGIN (?P<k>[A-Z0-9][A-Za-z0-9 ]*)-----").ok());
/// The piece of a line that is armour: behind whatever a log or a quotation put in front.
static BODY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:^|[\s>|":])(?P<s>[A-Za-z0-9+/=]{4,76})["',\\]*(?:\\n)?["',]*\s*$"#).ok());

impl Armour {
    /// What of this line is the body of a private key.
    pub(in crate::redact) fn line(&mut self, line: &str) -> Option<Range<usize>> {
        if let Some(begin) = self.begin(line) {
            self.public = !begin;
            self.open = Some(0);
            return None;
        }
        let seen = self.open?;
        if line.contains("-----END") || seen >= LINES_MAX {
            self.open = None;
            return None;
        }
        self.open = Some(seen + 1);
        let bare = line.trim();
        let header = bare.is_empty()
            || (seen < 8
                && bare
                    .split_once(": ")
                    .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')));
        let body = BODY
            .as_ref()
            .and_then(|body| body.captures(line))
            .and_then(|found| found.name("s"))
            .map(|found| found.range());
        // A word is no armour, unless it closes it.
        let alone = |body: &Range<usize>| line[..body.start].trim_matches(['>', '|', '"', '\'', ' ', '\t']).is_empty();
        let body = body.filter(|body| {
            body.len() >= 16 || (seen > 0 && (alone(body) || line[body.clone()].contains(['=', '+', '/'])))
        });
        if body.is_none() && !header {
            self.open = None;
        }
        body.filter(|_| !self.public)
    }

    /// Whether the armour around this line is one that everybody may see: nothing in it is a secret.
    pub(in crate::redact) fn is_public(&self) -> bool {
        self.open.is_some() && self.public
    }

    /// Whether the next line may belong to a key.
    pub(in crate::redact) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a private or a public armour begins here and doesn't end.
    fn begin(&self, line: &str) -> Option<bool> {
        if !line.contains("-----BEGIN") {
            return None;
        }
        let found = BEGIN.as_ref()?.captures(line)?;
        let behind = found.get(0).map_or(0, |whole| whole.end());
        (!line[behind..].contains("-----END")).then(|| is_private(&found["k"]))
    }
}

/// How many of these lines, from the last one back, are the body of a key whose end follows and whose beginning was cut off.
pub(in crate::redact) fn body_above<'t>(lines: impl DoubleEndedIterator<Item = &'t str>) -> usize {
    let is_body = |line: &&str| {
        let body = line.trim_start_matches(['>', '|', ' ', '\t']).trim_end();
        body.len() >= 4 && body.len() <= 76 && body.chars().all(is_armour)
    };
    lines.rev().take_while(is_body).take(LINES_MAX).count()
}

/// Whether the end of a private key stands in this line without its beginning.
pub(in crate::redact) fn ends_private(line: &str) -> bool {
    line.contains("-----END") && !line.contains("-----BEGIN") && line.contains("PRIVATE KEY")
}
