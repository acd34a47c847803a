//! The questions as the person reads them, in the person's language. Pure; what is returned here is shown *and*
//! recorded, letter by letter, in the consent event.
//!
//! The order never changes: who, what, why, what they will receive, what it cannot do, how long (UX.md, end user 4).
//! Text of the technician stands in one marked line and is folded here, not by the terminal: padded with spaces, it
//! could otherwise place a false "allow / deny >" at the left edge. (SECURITY D4)

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::catalog::{Effect, Item};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Arguments;
use venia_proto::ledger::kind::Verified;
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_ui::terminal::Style;
use venia_ui::words::Words;

mod change;

/// Columns of a card: what an 80-column terminal shows without breaking a line by itself.
pub const COLUMNS: usize = 76;
/// Starts every continued line.
const CONTINUED: &str = "      │ ";

/// Whom a question is about, as the member note says.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Name.
    pub name: &'a Foreign,
    /// Organisation.
    pub organisation: &'a Foreign,
    /// Certified level, 1 to 5.
    pub level: u8,
}

/// Who besides person and technician can open a session's record. (SECURITY E4)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auditors {
    /// Whether the organisation names any.
    pub named: bool,
    /// How many this PC didn't know of when it last met the organisation. (SECURITY A1)
    pub new: usize,
}

/// Somebody has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Who.
    pub who: Who<'a>,
    /// The help service's host, as its address has it.
    pub service: &'a Foreign,
    /// Whether this PC knew the service's root before this session. (SECURITY A2)
    pub known: bool,
    /// How the connection was checked.
    pub verified: Verified,
    /// Who else will be able to read the record.
    pub auditors: &'a Auditors,
}

/// Somebody asks for something.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who.
    pub who: Who<'a>,
    /// Why, in their words.
    pub reason: &'a Foreign,
    /// Whole scopes.
    pub scopes: &'a BTreeSet<Scope>,
    /// Every item the answer covers, those of the scopes too.
    pub items: Vec<Covered<'a>>,
    /// Of a change: what its preview found.
    pub found: Option<Found<'a>>,
    /// How long a bare *allow* lasts.
    pub time: Time,
    /// Whether workers are fenced in on this PC. (SECURITY G3)
    pub fenced: bool,
    /// Who else will be able to read the record.
    pub auditors: &'a Auditors,
    /// Days the technician keeps what is sent, by the statement. (SECURITY E11)
    pub keep_days: u32,
}

/// One item on a card.
#[derive(Clone, Copy, Debug)]
pub struct Covered<'a> {
    /// Its definition.
    pub item: &'a Item,
    /// Per parameter the exact values asked for; any declared value for those that aren't listed. (SECURITY D3)
    pub values: &'a BTreeMap<String, BTreeSet<String>>,
    /// Whether its box is ticked; none if the card has no boxes.
    pub tick: Option<bool>,
}

/// What would change, as its preview found it.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The preview's definition.
    pub preview: &'a Item,
    /// What it found.
    pub report: &'a Report,
}

/// How long a grant lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// So many minutes.
    Minutes(u32),
    /// Until the person stops it.
    UntilStop,
    /// One run: what changes the PC is asked every time.
    Once,
}

/// Who has come, and how that is known. The last line is the prompt.
pub fn arrival(arrival: &Arrival<'_>, words: &Words) -> String {
    let Who { name, organisation, level } = arrival.who;
    let mut lines = vec![
        words.say("arrival-title", &[]),
        String::new(),
        indented(words.say("arrival-who", &[("name", name)])),
        indented(words.say("arrival-organisation", &[("organisation", organisation)])),
        indented(words.say("arrival-level", &[("level", &level)])),
        String::new(),
    ];
    if arrival.known {
        lines.push(words.say("arrival-known", &[]));
    } else {
        lines.push(words.say("arrival-first", &[("service", arrival.service)]));
        lines.push(words.say("arrival-claim", &[("name", name)]));
        lines.push(words.say("arrival-look-only", &[]));
    }
    lines.push(match arrival.verified {
        Verified::Code => words.say("arrival-code", &[]),
        Verified::Compared => words.say("arrival-compared", &[]),
        Verified::Organisation => words.say("arrival-organisation-only", &[]),
    });
    if arrival.auditors.named {
        lines.push(words.say("card-auditors", &[("organisation", organisation)]));
    }
    if arrival.auditors.new > 0 {
        lines.push(words.say("arrival-auditors-new", &[("count", &arrival.auditors.new)]));
    }
    lines.push(words.say("arrival-nothing-shared", &[]));
    lines.push(String::new());
    lines.push(words.say("arrival-question", &[]));
    card(lines, words.say("arrival-prompt", &[]))
}

/// What they ask for: one card for all of it. The last line is the prompt.
pub fn consent(request: &Request<'_>, words: &Words) -> String {
    let Who { name, organisation, level } = request.who;
    let mut lines = vec![
        words.say("consent-whom", &[]),
        indented(words.say("consent-who", &[("name", name), ("organisation", organisation), ("level", &level)])),
        words.say("consent-what", &[]),
    ];
    lines.extend(what(request, words));
    lines.extend(change::lines(request, words));
    if request.items.iter().any(|covered| covered.tick.is_some()) {
        lines.push(indented(words.say("consent-boxes", &[])));
    }
    lines.push(words.say("consent-why", &[]));
    lines.push(indented(words.say("consent-quote", &[("reason", request.reason)])));
    let covered = || request.items.iter().filter(|covered| covered.tick != Some(false));
    let received: BTreeSet<&str> = covered().map(|covered| words.of(&covered.item.discloses)).collect();
    if !received.is_empty() {
        lines.push(words.say("consent-receive", &[]));
        lines.extend(received.into_iter().map(|what| indented(format!("- {what}"))));
    }
    lines.push(indented(words.say("consent-kept", &[("name", name), ("days", &request.keep_days)])));
    lines.push(words.say("consent-cannot", &[]));
    let changes = request.items.iter().any(|covered| covered.item.effect == Effect::Changes);
    lines.push(indented(words.say(if changes { "consent-changes-marked" } else { "consent-changes-nothing" }, &[])));
    let cannot: BTreeSet<&str> = covered().map(|covered| words.of(&covered.item.cannot)).collect();
    lines.extend(cannot.into_iter().map(|what| indented(format!("- {what}"))));
    if request.scopes.contains(&Scope::Repair) {
        lines.push(indented(words.say("consent-each-repair", &[])));
    }
    lines.push(indented(words.say("consent-nothing-else", &[])));
    if !request.fenced && !request.items.is_empty() {
        lines.push(indented(words.say("consent-not-fenced", &[])));
    }
    lines.push(indented(if request.auditors.named {
        words.say("card-auditors", &[("organisation", organisation)])
    } else {
        words.say("consent-no-auditor", &[("name", name)])
    }));
    lines.push(words.say("consent-how-long", &[]));
    if request.time != Time::Once {
        lines.push(indented(words.say("consent-other-times", &[])));
    }
    lines.extend(change::time_lines(request, words));
    lines.push(indented(words.say("consent-stop", &[])));
    lines.push(String::new());
    lines.push(match request.time {
        Time::Minutes(minutes) => words.say("consent-time", &[("minutes", &minutes)]),
        Time::UntilStop => words.say("consent-time-until-stop", &[]),
        Time::Once => words.say("consent-time-once", &[]),
    });
    card(lines, words.say("consent-prompt", &[]))
}

/// What a run brought, exactly as it would be sent. The last line is the prompt. (SECURITY E2)
pub fn preview(name: &Foreign, item: &Item, report: &Report, hidden: u64, words: &Words) -> String {
    let mut lines = vec![words.say("preview-title", &[("name", name)])];
    if hidden > 0 {
        lines.push(words.say("preview-hidden", &[("count", &hidden)]));
    }
    let shown = venia_ui::report::render(item, report, words, Style::PLAIN);
    lines.extend(shown.lines().map(|line| indented(line.to_owned())));
    lines.push(words.say("preview-question", &[]));
    card(lines, words.say("preview-prompt", &[]))
}

/// Whether a paused session goes on. The last line is the prompt.
pub fn resume(name: &Foreign, words: &Words) -> String {
    let lines = vec![words.say("resume-why", &[]), words.say("resume-question", &[("name", name)])];
    card(lines, words.say("arrival-prompt", &[]))
}

/// Whether to sign. The last line is the prompt.
pub fn sign(words: &Words) -> String {
    let lines = vec![words.say("sign-question", &[]), words.say("sign-meaning", &[])];
    card(lines, words.say("sign-prompt", &[]))
}

/// Whether to add and sign this correction. The last line is the prompt.
pub fn correct(text: &Foreign, words: &Words) -> String {
    let quoted = indented(words.say("consent-quote", &[("reason", text)]));
    card(
        vec![words.say("correct-question", &[]), quoted, words.say("correct-meaning", &[])],
        words.say("sign-prompt", &[]),
    )
}

/// Whether to add and sign that the problem is back. The last line is the prompt.
pub fn reopen(words: &Words) -> String {
    card(vec![words.say("reopen-question", &[]), words.say("reopen-meaning", &[])], words.say("sign-prompt", &[]))
}

/// A question that takes any line; the prompt is a bare `> `.
pub fn free(question: String) -> String {
    card(vec![question], "> ".to_owned())
}

/// Breaks a line that a terminal would break by itself, and marks what continues it.
pub fn folded(line: &str) -> String {
    let mut rows = vec![String::new()];
    let mut used = 0;
    let mut rest = line;
    while let Some(word) = rest.split_inclusive(' ').next() {
        rest = rest.get(word.len()..).unwrap_or("");
        let short = columns(word) <= COLUMNS - columns(CONTINUED);
        if used + columns(word.trim_end()) > COLUMNS && short {
            rows.push(CONTINUED.to_owned());
            used = columns(CONTINUED);
        }
        for c in word.chars() {
            // A space that would only stand at the edge isn't worth a row of its own.
            if used + width(c) > COLUMNS && c != ' ' {
                rows.push(CONTINUED.to_owned());
                used = columns(CONTINUED);
            }
            if let Some(row) = rows.last_mut().filter(|_| used + width(c) <= COLUMNS) {
                row.push(c);
                used += width(c);
            }
        }
    }
    rows.join("\n")
}

/// A card's items in the order in which they stand on it: those of whole scopes first. The first has number 1.
pub fn order<'r, 'a>(request: &'r Request<'a>) -> Vec<&'r Covered<'a>> {
    let whole = request.scopes.iter().flat_map(|scope| {
        request.items.iter().filter(|covered| is_whole(request, covered) && covered.item.area.scope() == *scope)
    });
    whole.chain(request.items.iter().filter(|covered| !is_whole(request, covered))).collect()
}

/// Whether an item is there because its whole scope is.
fn is_whole(request: &Request<'_>, covered: &Covered<'_>) -> bool {
    covered.item.effect == Effect::Reads && request.scopes.contains(&covered.item.area.scope())
}

fn what(request: &Request<'_>, words: &Words) -> Vec<String> {
    let numbered: Vec<(usize, &Covered<'_>)> = (1..).zip(order(request)).collect();
    let mut lines = Vec::new();
    for scope in request.scopes {
        lines.push(indented(scope_words(*scope, words)));
        let own =
            numbered.iter().filter(|(_, covered)| is_whole(request, covered) && covered.item.area.scope() == *scope);
        lines.extend(own.flat_map(|(number, covered)| item_lines(*number, covered, words)).map(indented));
    }
    let single = numbered.iter().filter(|(_, covered)| !is_whole(request, covered));
    lines.extend(single.flat_map(|(number, covered)| item_lines(*number, covered, words)));
    lines
}

fn item_lines(number: usize, covered: &Covered<'_>, words: &Words) -> Vec<String> {
    let item = covered.item;
    let risk = words.risk(item.effect, item.personal);
    let mut title = words.say("consent-item", &[("risk", &risk), ("title", &words.of(&item.title))]);
    if let Some(ticked) = covered.tick {
        title = format!("[{}] {number} {title}", if ticked { 'x' } else { ' ' });
    }
    let mut lines = vec![indented(title)];
    if let Some(described) = &item.described {
        // A value that was left open is shown as its parameter's name.
        let values: Arguments = item
            .parameters
            .iter()
            .map(|parameter| {
                let chosen = covered.values.get(&parameter.name).filter(|values| values.len() == 1);
                let value = chosen.and_then(|values| values.first().cloned());
                (parameter.name.clone(), value.unwrap_or_else(|| format!("<{}>", parameter.name)))
            })
            .collect();
        let organisation = Foreign::new(described.organisation.as_str());
        lines.push(indented(indented(words.say("consent-described", &[("organisation", &organisation)]))));
        let command = Foreign::new(described.shown(&values));
        lines.push(indented(indented(words.say("consent-command", &[("command", &command)]))));
    }
    for parameter in &item.parameters {
        let title = words.of(&parameter.title);
        let line = match covered.values.get(&parameter.name) {
            Some(values) => {
                let list = values.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                words.say("consent-value", &[("title", &title), ("value", &list)])
            }
            None => words.say("consent-values", &[("title", &title)]),
        };
        lines.push(indented(indented(line)));
    }
    lines
}

fn scope_words(scope: Scope, words: &Words) -> String {
    match scope {
        Scope::Hardware => words.say("scope-hardware", &[]),
        Scope::System => words.say("scope-system", &[]),
        Scope::Network => words.say("scope-network", &[]),
        Scope::Security => words.say("scope-security", &[]),
        Scope::Tasks => words.say("scope-tasks", &[]),
        Scope::Live => words.say("scope-live", &[]),
        Scope::Chat => words.say("scope-chat", &[]),
        Scope::Repair => words.say("scope-repair", &[]),
    }
}

fn card(lines: Vec<String>, prompt: String) -> String {
    let mut text: String = lines.iter().map(|line| folded(line) + "\n").collect();
    text.push_str(&prompt);
    text
}

fn indented(line: String) -> String {
    format!("  {line}")
}

fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Columns a character may take, at most: East Asian and symbols beyond count double, so that a row never overflows.
fn width(c: char) -> usize {
    if u32::from(c) < 0x1100 || matches!(c, '\u{2010}'..='\u{27ff}') { 1 } else { 2 }
}

#[cfg(test)]
mod tests;
