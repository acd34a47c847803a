//! The second pass: secrets and identifiers that are recognised by how they look.
//!
//! Rules are a table, one file a family. A rule is looked at only in lines that hold one of its words or have the build
//! it needs (a long run, many digits, colons): one walk over the line and one automaton for all words decide that, so a
//! line without any costs almost nothing. Then the rule's pattern finds candidates and its `take` judges them: check
//! letters, sums, what stands around.
//!
//! It is *not* a proof: a secret that looks like a word passes. That is why values known from this PC come first, and
//! why structured facts declare what they are. The attack it stops: a technician who asks for a log to read passwords.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::list;

mod address;
mod argument;
mod assignment;
mod below;
mod build;
mod device;
mod entropy;
mod file;
mod hash;
mod header;
mod key;
pub(super) mod pem;
mod person;
mod pipe;
mod program;
mod protocol;
mod token;
mod url;
mod value;
pub(super) mod window;

pub use build::Build;

pub(super) use address::{is_everybodys, is_notable, is_telling_mac};

/// Name and version of the rules below; recorded with every redaction.
pub const SET: &str = "venia-1";

/// What stands where something was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// `[redacted:rule]`, of a secret.
    Secret,
    /// `[redacted:rule]`, of something that tells who somebody is.
    Personal,
    /// A pseudonym of a network address.
    Address,
    /// A pseudonym of a hardware address.
    Mac,
}

/// What a line must have before a rule's pattern is tried.
#[derive(Clone, Copy, Debug)]
pub enum Hint {
    /// One of these words, parted by `|`, in any case.
    Words(&'static str),
    /// This build.
    Build(Build),
}

/// One rule.
pub struct Rule {
    /// Stable name, as recorded.
    pub id: &'static str,
    /// What it puts in place.
    pub mark: Mark,
    /// When it is tried.
    pub hint: Hint,
    /// What it looks for.
    pub pattern: &'static str,
    /// Which of it is taken out.
    take: fn(&Found<'_>, &mut Vec<Range<usize>>),
}

/// What a pattern found in a line.
pub(crate) struct Found<'t> {
    /// The line.
    line: &'t str,
    /// The line before it.
    previous: &'t str,
    captures: Captures<'t>,
}

impl<'t> Found<'t> {
    fn range(&self) -> Range<usize> {
        self.captures.get(0).map_or(0..0, |found| found.range())
    }

    fn group(&self, name: &str) -> Option<regex::Match<'t>> {
        self.captures.name(name)
    }

    /// The part named `s`, or else all of it.
    fn secret(&self) -> (Range<usize>, &'t str) {
        let found = self.group("s").or_else(|| self.captures.get(0));
        found.map_or((0..0, ""), |found| (found.range(), found.as_str()))
    }

    fn before(&self) -> &'t str {
        &self.line[..self.range().start]
    }

    fn after(&self) -> &'t str {
        &self.line[self.range().end..]
    }
}

/// Takes the part named `s`, or else all that was found.
fn take(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    taken.push(found.secret().0);
}

/// Takes the part named `s` unless it is a hole: `${PASSWORD}`, `<password>`, `***`.
fn take_value(found: &Found<'_>, taken: &mut Vec<Range<usize>>) {
    let (range, value) = found.secret();
    if !key::is_hole(value) {
        taken.push(range);
    }
}

/// Every rule, the surest first: of two that take the same words the first one names what was there.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

const FAMILIES: [&[Rule]; 16] = [
    pem::RULES,
    token::RULES,
    hash::RULES,
    header::RULES,
    url::RULES,
    argument::RULES,
    program::RULES,
    pipe::RULES,
    protocol::RULES,
    device::RULES,
    file::RULES,
    assignment::RULES,
    below::RULES,
    person::RULES,
    address::RULES,
    entropy::RULES,
];

/// The patterns of all rules, for who measures them.
pub fn patterns() -> impl Iterator<Item = &'static str> {
    rules().map(|rule| rule.pattern)
}

/// Whether a rule has this id; only such marks are this redactor's own.
pub(super) fn is_rule(id: &str) -> bool {
    rules().any(|rule| rule.id == id)
}

/// A set of rules; there are fewer than its bits.
pub(super) type RuleSet = u128;

/// Compiled patterns, each when it is first needed. `None` is a pattern that doesn't compile, which a test rules out; it
/// hides the whole line.
static PATTERNS: [OnceLock<Option<Regex>>; RuleSet::BITS as usize] =
    [const { OnceLock::new() }; RuleSet::BITS as usize];

/// What the rules found in one line.
pub(super) struct Taken {
    /// Where.
    pub(super) range: Range<usize>,
    /// Number of the rule.
    pub(super) rule: usize,
}

/// Tries these rules on a line.
pub(super) fn scan(line: &str, previous: &str, hinted: RuleSet, taken: &mut Vec<Taken>) {
    for piece in window::pieces(line) {
        let before = taken.len();
        let previous = if piece.start == 0 { previous } else { "" };
        scan_piece(&line[piece.clone()], previous, hinted, taken);
        // Found once: everything may reach to the end of a piece.
        let mut end_in_line = None;
        for found in &mut taken[before..] {
            let end = piece.start + found.range.end;
            let end = if end < piece.end {
                end
            } else {
                *end_in_line.get_or_insert_with(|| window::end_in_line(line, &piece))
            };
            found.range = piece.start + found.range.start..end;
        }
    }
}

fn scan_piece(line: &str, previous: &str, hinted: RuleSet, taken: &mut Vec<Taken>) {
    let mut ranges = Vec::new();
    for (number, rule) in rules().enumerate().filter(|(number, _)| hinted & (1 << number) != 0) {
        let Some(pattern) = PATTERNS[number].get_or_init(|| Regex::new(rule.pattern).ok()) else {
            taken.push(Taken { range: 0..line.len(), rule: number });
            continue;
        };
        let mut from = 0;
        // Restarted behind what was taken, not behind what was matched: a pattern may look further than its secret.
        while let Some(captures) = pattern.captures_at(line, from) {
            let found = Found { line, previous, captures };
            let whole = found.range();
            (rule.take)(&found, &mut ranges);
            // What isn't taken may begin another candidate at its last part.
            let part =
                found.group("sep").map(|sep| sep.start()).or_else(|| found.group("s").map(|secret| secret.end()));
            let unused = part.unwrap_or(whole.end);
            let end = ranges.last().map_or(unused, |last| last.end.min(whole.end));
            from = next(line, end.max(whole.start + 1));
            taken.extend(ranges.drain(..).filter(|range| !range.is_empty()).map(|range| Taken { range, rule: number }));
            if from >= line.len() {
                break;
            }
        }
    }
}

/// The first character boundary at or behind `at`.
fn next(line: &str, mut at: usize) -> usize {
    while !line.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// What only the builds of a line hint at.
pub(super) fn built(line: &str, announced: bool) -> RuleSet {
    static BY_BUILD: OnceLock<[RuleSet; 9]> = OnceLock::new();
    let by_build = BY_BUILD.get_or_init(|| {
        let mut sets = [0; 9];
        for (number, rule) in rules().enumerate() {
            if let Hint::Build(build) = rule.hint {
                sets[build as usize] |= 1 << number;
            }
        }
        sets
    });
    let builds = build::builds(line.as_bytes()) | u16::from(announced) << Build::Below as u8;
    by_build.iter().enumerate().filter(|(bit, _)| builds & (1 << bit) != 0).fold(0, |set, (_, rules)| set | rules)
}

/// Rules of names with values: a line that hints at one may announce a value in the next line.
pub(super) fn announcing() -> RuleSet {
    static SET: OnceLock<RuleSet> = OnceLock::new();
    *SET.get_or_init(|| {
        rules()
            .enumerate()
            .filter(|(_, rule)| matches!(rule.id, "setting" | "option" | protocol::AUTH_ID))
            .fold(0, |set, (number, _)| set | 1 << number)
    })
}

/// Whether a rule knows what it finds, and doesn't only find it long.
pub(super) fn is_sure(number: usize) -> bool {
    let guesses = entropy::RULES.len();
    number + guesses < rules().count()
}

/// The first rule of a secret that this text matches, if one does.
pub(super) fn secret_in(text: &str) -> Option<&'static str> {
    static WORDS: OnceLock<Option<(aho_corasick::AhoCorasick, Vec<RuleSet>)>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let words = words();
        let automaton = aho_corasick::AhoCorasick::builder().ascii_case_insensitive(true).build(words.keys()).ok()?;
        Some((automaton, words.into_values().collect()))
    });
    let mut previous = "";
    for line in text.lines() {
        let hinted = match words {
            Some((automaton, sets)) => {
                automaton.find_overlapping_iter(line).fold(0, |set, found| set | sets[found.pattern().as_usize()])
            }
            None => RuleSet::MAX,
        };
        let mut taken = Vec::new();
        scan(line, previous, hinted | built(line, true), &mut taken);
        let mut found: Vec<usize> = taken.into_iter().map(|taken| taken.rule).collect();
        found.sort_unstable();
        let secret = found
            .into_iter()
            .filter_map(|number| rules().nth(number))
            .find(|rule| matches!(rule.mark, Mark::Secret) || rule.id == "card");
        if let Some(rule) = secret {
            return Some(rule.id);
        }
        previous = line;
    }
    None
}

/// Every word a rule waits for, with the rules that do.
pub(super) fn words() -> BTreeMap<&'static str, RuleSet> {
    let mut words = BTreeMap::new();
    for (number, rule) in rules().enumerate() {
        if let Hint::Words(hints) = rule.hint {
            list::words(hints).for_each(|hint| *words.entry(hint).or_default() |= 1 << number);
        }
    }
    words
}
