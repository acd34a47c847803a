//! What must not leave, taken out before anything leaves.
//!
//! Two passes in one walk over a text, line by line. Values known from this PC, in every common spelling ([`known`]), become
//! pseudonyms that last for one session; secrets and identifiers that only their looks betray ([`shapes`]) become marks.
//! What a definition declares of a fact or column ([`Redactor::report`]) is believed first.
//!
//! Pure: no file, clock or randomness of its own. Counts and ids of rules are all that is ever said about what was taken out.
//!
//! It is *not* encryption and no proof: what looks like an everyday word and isn't known here passes. The attack it stops: a
//! technician, or whoever reads the record later, learns passwords, names or addresses from an answer that was allowed for
//! another reason. Redacting what is redacted changes nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use venia_proto::ledger::body::Redaction;

pub mod collect;
mod edge;
pub mod known;
mod late;
mod list;
mod marks;
mod parts;
pub mod pseudonyms;
mod report;
pub mod shapes;
mod spelling;

use known::Known;
pub use late::Late;
use parts::{Out, Ranges};
use pseudonyms::{Class, Pseudonyms};
use shapes::{Mark, RuleSet, Taken, pem};
use spelling::Spelling;

/// How often a line is looked at again after something was taken out of it: what was hidden behind it shows.
const ROUNDS_MAX: usize = 4;
/// A place in the order of what names a span; rules of secrets come before.
const RANK_KNOWN: usize = 1_000;
/// See [`RANK_KNOWN`]: addresses that were only recognised come last.
const RANK_RECOGNISED: usize = 2_000;

/// How many times each rule took something out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// By rule id.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(rule, count)| (*rule, *count))
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Whether nothing was taken out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words of the `redaction` event, if anything was taken out.
    pub fn redaction(&self) -> Option<Redaction> {
        let rules = self.rules().map(|(rule, count)| (rule.to_owned(), count)).collect();
        (!self.is_empty()).then(|| Redaction { set: shapes::SET.to_owned(), rules })
    }

    fn add(&mut self, rule: &'static str) {
        *self.0.entry(rule).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        other.rules().for_each(|(rule, count)| *self.0.entry(rule).or_default() += count);
    }
}

/// The rule by which a line that somebody wants to send holds a secret. (SECURITY H1: "send anyway?")
pub fn secret_in(text: &str) -> Option<&'static str> {
    shapes::secret_in(text)
}

/// A redactor of one session. What it knows is wiped when it is dropped; the automaton's own states, which spell the known
/// values letter by letter, and the copies in small letters are only given back to the allocator.
pub struct Redactor {
    /// Known spellings first, then the words of the rules.
    automaton: AhoCorasick,
    spellings: Vec<Spelling>,
    words: Vec<RuleSet>,
    names: Pseudonyms,
}

/// A part of a line that is replaced.
struct Span {
    range: Range<usize>,
    rank: usize,
    what: What,
}

enum What {
    /// A known value.
    Known(usize),
    /// What a rule marks.
    Marked(usize),
    /// What a rule recognised as an address.
    Recognised(Class, String, &'static str),
}

/// Begins and ends an armoured key (RFC 7468).
const ARMOUR: &str = "-----";
/// Most passes over a text with armour, after the first.
const ARMOURED_PASSES: usize = 3;

impl Redactor {
    /// For these known values. The seed must be random and stay here: it decides who is `user-1`.
    pub fn new(known: &Known, seed: &[u8; 32]) -> Result<Self, BuildError> {
        let spellings = spelling::spellings(known);
        let words = shapes::words();
        let texts = spellings.iter().map(|spelling| spelling.text.as_str()).chain(words.keys().copied());
        // In small letters, as the lines it looks at: half the automaton that one without regard to case would be.
        let patterns = texts.map(str::to_ascii_lowercase);
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(patterns)?;
        let values = spellings.iter().map(|spelling| (spelling.class, spelling.value.clone()));
        let names = Pseudonyms::new(values, seed);
        Ok(Self { automaton, spellings, words: words.into_values().collect(), names })
    }

    /// The text without what must not leave, and adds to the counts.
    pub fn text<'t>(&mut self, text: &'t str, counts: &mut Counts) -> Cow<'t, str> {
        let mut once = self.walk(text, counts, true);
        // Where armour is broken, what is taken out can show what stood beside it.
        for _ in 0..ARMOURED_PASSES {
            if !text.contains(ARMOUR) {
                break;
            }
            let Cow::Owned(again) = self.walk(&once, counts, true) else { break };
            once = Cow::Owned(again);
        }
        once
    }

    /// The text without known values; of a field that holds words of a fixed vocabulary, where looks would only mislead.
    pub fn known_only<'t>(&mut self, text: &'t str, counts: &mut Counts) -> Cow<'t, str> {
        self.walk(text, counts, false)
    }

    fn walk<'t>(&mut self, text: &'t str, counts: &mut Counts, shapes: bool) -> Cow<'t, str> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let bodies = if shapes { cut_off_bodies(&lines) } else { BTreeSet::new() };
        let mut out = Out::new(text);
        let mut armour = pem::Armour::default();
        let (mut previous, mut announced): (Cow<'t, str>, bool) = (Cow::Borrowed(""), false);
        for (number, whole) in lines.iter().enumerate() {
            let line = whole.trim_end_matches(['\n', '\r']);
            let ending = &whole[line.len()..];
            let was_open = armour.is_open();
            let armoured = if shapes && (was_open || line.contains("-----")) { armour.line(line) } else { None };
            let body = armoured.or_else(|| bodies.contains(&number).then(|| body_of(line)));
            let (redacted, names) = match body {
                Some(body) if !body.is_empty() && !self.only_marks(&line[body.clone()]) => {
                    counts.add(pem::ID);
                    let marked = format!("{}{}{}", &line[..body.start], marks::mark(pem::ID), &line[body.end..]);
                    // What stands beside it on its line is text like any other.
                    (self.line(&marked, "", false, true, counts).map_or(Some(marked), Some), false)
                }
                _ => {
                    let public = was_open && armour.is_public();
                    let looks = shapes && !public;
                    let (redacted, names) = self.line_and_names(line, &previous, announced, looks, counts);
                    (redacted, names)
                }
            };
            previous = match &redacted {
                Some(redacted) => Cow::Owned(redacted.clone()),
                None => Cow::Borrowed(line),
            };
            announced = names;
            match redacted {
                Some(redacted) => {
                    out.push(&redacted);
                    out.push(ending);
                    out.skip(whole.len());
                }
                None => out.keep(whole.len()),
            }
        }
        out.finish()
    }

    fn line(
        &mut self,
        line: &str,
        previous: &str,
        announced: bool,
        shapes: bool,
        counts: &mut Counts,
    ) -> Option<String> {
        self.line_and_names(line, previous, announced, shapes, counts).0
    }

    /// The line as it may leave, if it changed, and whether it has a name that may announce a secret in the next one.
    fn line_and_names(
        &mut self,
        line: &str,
        previous: &str,
        announced: bool,
        shapes: bool,
        counts: &mut Counts,
    ) -> (Option<String>, bool) {
        let mut changed: Option<String> = None;
        let mut names = false;
        for _ in 0..ROUNDS_MAX {
            let now = changed.as_deref().unwrap_or(line);
            let (mut spans, hinted) = self.hits(now);
            names = hinted & shapes::announcing() != 0;
            if shapes {
                let hinted = hinted | shapes::built(now, announced);
                if hinted != 0 {
                    self.shapes(now, previous, hinted, &mut spans);
                }
            }
            if spans.is_empty() {
                break;
            }
            let protected = self.protected(now, &spans);
            spans.retain(|span| {
                let inside = protected.hold(&span.range);
                let known_mark = protected.touch(&span.range) && self.only_marks(&now[span.range.clone()]);
                !inside && !known_mark
            });
            if spans.is_empty() {
                break;
            }
            changed = Some(self.replace(now, spans, counts));
        }
        (changed, names)
    }

    /// Known values in a line, and the rules whose words it holds.
    fn hits(&self, line: &str) -> (Vec<Span>, RuleSet) {
        let mut spans = Vec::new();
        let mut hinted = 0;
        // As long as the line, byte for byte.
        let small = line.to_ascii_lowercase();
        for found in self.automaton.find_overlapping_iter(&small) {
            let pattern = found.pattern().as_usize();
            match self.spellings.get(pattern) {
                Some(spelling) => {
                    // A match without regard to case may begin or end inside a character only if the spelling did.
                    if spelling.edge.holds(line, found.start(), found.end()) {
                        spans.push(Span {
                            range: found.start() + spelling.lead..found.end(),
                            rank: RANK_KNOWN + spelling.class as usize,
                            what: What::Known(pattern),
                        });
                    }
                }
                None => hinted |= self.words.get(pattern - self.spellings.len()).copied().unwrap_or(0),
            }
        }
        (spans, hinted)
    }

    fn shapes(&self, line: &str, previous: &str, hinted: RuleSet, spans: &mut Vec<Span>) {
        let mut taken = Vec::new();
        shapes::scan(line, previous, hinted, &mut taken);
        // A string that is only long reaches into its neighbours; a rule that knows what it found doesn't.
        // What it reaches into may be a known value; the rest of it is looked at again.
        let sure = taken.iter().filter(|taken| shapes::is_sure(taken.rule)).map(|taken| taken.range.clone());
        let sure = Ranges::new(sure.chain(spans.iter().map(|span| span.range.clone())).collect());
        taken.retain(|taken| shapes::is_sure(taken.rule) || !sure.touch(&taken.range));
        for Taken { range, rule: number } in taken {
            let Some(rule) = shapes::rules().nth(number) else { continue };
            let text = &line[range.clone()];
            let (rank, what) = match rule.mark {
                Mark::Secret | Mark::Personal => (number, What::Marked(number)),
                Mark::Address => {
                    let Ok(address) = text.parse::<IpAddr>() else { continue };
                    let value = canonical(Class::Address, text);
                    if !self.names.has(Class::Address, &value) && !shapes::is_notable(address) {
                        continue;
                    }
                    (RANK_RECOGNISED, What::Recognised(Class::Address, value, rule.id))
                }
                Mark::Mac => (RANK_RECOGNISED, What::Recognised(Class::Mac, canonical(Class::Mac, text), rule.id)),
            };
            spans.push(Span { range, rank, what });
        }
    }

    /// Marks of rules, and pseudonyms that this session gave out.
    fn marks(&self, text: &str) -> Vec<Range<usize>> {
        marks::find(text, |class, number| self.names.gave(class, number))
    }

    /// Whether nothing is left of a text without them.
    fn only_marks(&self, text: &str) -> bool {
        marks::is_only(text, self.marks(text))
    }

    /// Marks and pseudonyms that stand in the line already. A real name that looks like one is none.
    fn protected(&self, line: &str, spans: &[Span]) -> Ranges {
        let known = spans.iter().filter(|span| matches!(span.what, What::Known(_)));
        let known: HashSet<&Range<usize>> = known.map(|span| &span.range).collect();
        let mut marks = self.marks(line);
        marks.retain(|mark| !known.contains(mark));
        Ranges::new(marks)
    }

    /// Replaces each group of overlapping spans by what its surest one says.
    fn replace(&mut self, line: &str, mut spans: Vec<Span>, counts: &mut Counts) -> String {
        spans.sort_by_key(|span| (span.range.start, span.range.end));
        let mut out = String::with_capacity(line.len());
        let mut at = 0;
        let mut spans = spans.into_iter().peekable();
        while let Some(first) = spans.next() {
            let (mut range, mut surest) = (first.range.clone(), first);
            while let Some(next) = spans.next_if(|next| next.range.start < range.end) {
                range.end = range.end.max(next.range.end);
                // Of two known values the longer one is meant.
                let longer =
                    next.rank >= RANK_KNOWN && surest.rank >= RANK_KNOWN && next.range.len() > surest.range.len();
                if longer || (next.rank < surest.rank && next.rank < RANK_KNOWN) {
                    surest = next;
                }
            }
            out.push_str(&line[at..range.start]);
            out.push_str(&self.replacement(&surest, counts));
            at = range.end;
        }
        out.push_str(&line[at..]);
        out
    }

    fn replacement(&mut self, span: &Span, counts: &mut Counts) -> String {
        match &span.what {
            What::Known(spelling) => {
                let spelling = &self.spellings[*spelling];
                counts.add(spelling.class.rule());
                self.names.of(spelling.class, &spelling.value)
            }
            What::Marked(number) => {
                let id = shapes::rules().nth(*number).map_or("rule", |rule| rule.id);
                counts.add(id);
                marks::mark(id)
            }
            What::Recognised(class, value, rule) => {
                counts.add(rule);
                self.names.of(*class, value)
            }
        }
    }
}

/// Nothing of it is printed.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Drop for Redactor {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        for spelling in &mut self.spellings {
            spelling.text.zeroize();
            spelling.value.zeroize();
        }
    }
}

/// A value in the one spelling that its pseudonym is kept under.
fn canonical(class: Class, text: &str) -> String {
    let text = text.trim();
    match class {
        Class::Address => match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => {
                address.to_ipv4_mapped().map_or_else(|| address.to_string(), |address| address.to_string())
            }
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => text.to_lowercase(),
        },
        Class::Mac => text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase(),
        Class::Host => text.split('.').next().unwrap_or(text).to_lowercase(),
        Class::Network => text.to_owned(),
        Class::User | Class::Machine | Class::Disk | Class::Serial => text.to_lowercase(),
    }
}

/// Lines that belong to a private key whose beginning was cut off.
fn cut_off_bodies(lines: &[&str]) -> BTreeSet<usize> {
    let mut bodies = BTreeSet::new();
    for (number, _) in lines.iter().enumerate().filter(|(_, line)| pem::ends_private(line)) {
        let above = pem::body_above(lines[..number].iter().copied());
        bodies.extend(number - above..number);
    }
    bodies
}

fn body_of(line: &str) -> Range<usize> {
    let lead = line.len() - line.trim_start_matches(['>', '|', ' ', '\t']).len();
    lead..line.trim_end().len().max(lead)
}

#[cfg(test)]
mod tests;
