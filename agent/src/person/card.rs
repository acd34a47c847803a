//! The questions as the person reads them, in the person's language. Pure; what is returned here is shown *and*
//! recorded, letter by letter, in the consent event.
//!
//! The order never changes: who, what, why, what they will receive, what it cannot do, how long (UX.md, end user 4).
//! Text of the technician stands in one marked line of its own. (SECURITY D4)
//!
//! Not here: how a question looks, in a terminal or on a page ([`super::sheet`]).

use std::collections::{BTreeMap, BTreeSet};

use venia_proto::catalog::{Effect, Item};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Arguments;
use venia_proto::ledger::kind::Verified;
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_ui::terminal::Style;
use venia_ui::words::Words;

use super::sheet::{Block, Brought, Entry, Risk, Sheet};

mod change;

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

/// Who has come, and how that is known.
pub fn arrival(arrival: &Arrival<'_>, words: &Words) -> Sheet {
    let Who { name, organisation, level } = arrival.who;
    let plain = |text: String| Block::line(0, text);
    let mut blocks = vec![
        Block::Title(words.say("arrival-title", &[])),
        Block::Blank,
        Block::line(1, words.say("arrival-who", &[("name", name)])),
        Block::line(1, words.say("arrival-organisation", &[("organisation", organisation)])),
        Block::line(1, words.say("arrival-level", &[("level", &level)])),
        Block::Blank,
    ];
    if arrival.known {
        blocks.push(plain(words.say("arrival-known", &[])));
    } else {
        blocks.push(plain(words.say("arrival-first", &[("service", arrival.service)])));
        blocks.push(plain(words.say("arrival-claim", &[("name", name)])));
        blocks.push(plain(words.say("arrival-look-only", &[])));
    }
    blocks.push(plain(match arrival.verified {
        Verified::Code => words.say("arrival-code", &[]),
        Verified::Compared => words.say("arrival-compared", &[]),
        Verified::Organisation => words.say("arrival-organisation-only", &[]),
    }));
    if arrival.auditors.named {
        blocks.push(plain(words.say("card-auditors", &[("organisation", organisation)])));
    }
    if arrival.auditors.new > 0 {
        blocks.push(plain(words.say("arrival-auditors-new", &[("count", &arrival.auditors.new)])));
    }
    blocks.push(plain(words.say("arrival-nothing-shared", &[])));
    blocks.push(Block::Blank);
    blocks.push(Block::Asks(words.say("arrival-question", &[])));
    Sheet { blocks, prompt: words.say("arrival-prompt", &[]) }
}

/// What they ask for: one card for all of it.
pub fn consent(request: &Request<'_>, words: &Words) -> Sheet {
    let Who { name, organisation, level } = request.who;
    let heading = |id| Block::Heading(words.say(id, &[]));
    let below = |text: String| Block::line(1, text);
    let mut blocks = vec![
        heading("consent-whom"),
        below(words.say("consent-who", &[("name", name), ("organisation", organisation), ("level", &level)])),
        heading("consent-what"),
    ];
    blocks.extend(what(request, words));
    blocks.extend(change::lines(request, words));
    if request.items.iter().any(|covered| covered.tick.is_some()) {
        blocks.push(Block::Hint(words.say("consent-boxes", &[])));
    }
    blocks.push(heading("consent-why"));
    blocks.push(Block::Quote(words.say("consent-quote", &[("reason", request.reason)])));
    let covered = || request.items.iter().filter(|covered| covered.tick != Some(false));
    let received: BTreeSet<&str> = covered().map(|covered| words.of(&covered.item.discloses)).collect();
    if !received.is_empty() {
        blocks.push(heading("consent-receive"));
        blocks.extend(received.into_iter().map(|what| below(format!("- {what}"))));
    }
    blocks.push(below(words.say("consent-kept", &[("name", name), ("days", &request.keep_days)])));
    blocks.push(heading("consent-cannot"));
    let changes = request.items.iter().any(|covered| covered.item.effect == Effect::Changes);
    blocks.push(below(words.say(if changes { "consent-changes-marked" } else { "consent-changes-nothing" }, &[])));
    let cannot: BTreeSet<&str> = covered().map(|covered| words.of(&covered.item.cannot)).collect();
    blocks.extend(cannot.into_iter().map(|what| below(format!("- {what}"))));
    if request.scopes.contains(&Scope::Repair) {
        blocks.push(below(words.say("consent-each-repair", &[])));
    }
    blocks.push(below(words.say("consent-nothing-else", &[])));
    if !request.fenced && !request.items.is_empty() {
        blocks.push(below(words.say("consent-not-fenced", &[])));
    }
    blocks.push(below(if request.auditors.named {
        words.say("card-auditors", &[("organisation", organisation)])
    } else {
        words.say("consent-no-auditor", &[("name", name)])
    }));
    blocks.push(heading("consent-how-long"));
    if request.time != Time::Once {
        blocks.push(Block::Times(words.say("consent-other-times", &[])));
    }
    blocks.extend(change::time_lines(request, words));
    blocks.push(Block::Hint(words.say("consent-stop", &[])));
    blocks.push(Block::Blank);
    blocks.push(Block::Asks(match request.time {
        Time::Minutes(minutes) => words.say("consent-time", &[("minutes", &minutes)]),
        Time::UntilStop => words.say("consent-time-until-stop", &[]),
        Time::Once => words.say("consent-time-once", &[]),
    }));
    Sheet { blocks, prompt: words.say("consent-prompt", &[]) }
}

/// What a run brought, exactly as it would be sent. (SECURITY E2)
pub fn preview(name: &Foreign, item: &Item, report: &Report, hidden: u64, words: &Words) -> Sheet {
    let mut blocks = vec![Block::Title(words.say("preview-title", &[("name", name)]))];
    if hidden > 0 {
        blocks.push(Block::line(0, words.say("preview-hidden", &[("count", &hidden)])));
    }
    let text = venia_ui::report::render(item, report, words, Style::PLAIN);
    blocks.push(Block::Report(Box::new(Brought { item: item.clone(), report: report.clone(), text })));
    blocks.push(Block::Asks(words.say("preview-question", &[])));
    Sheet { blocks, prompt: words.say("preview-prompt", &[]) }
}

/// Whether a paused session goes on. `counts`: whether what was allowed before is allowed again then; a sleep has ended it.
pub fn resume(name: &Foreign, counts: bool, words: &Words) -> Sheet {
    let blocks = vec![
        Block::line(0, words.say(if counts { "resume-counts" } else { "resume-why" }, &[])),
        Block::Asks(words.say("resume-question", &[("name", name)])),
    ];
    Sheet { blocks, prompt: words.say("arrival-prompt", &[]) }
}

/// Whether to sign.
pub fn sign(words: &Words) -> Sheet {
    signing(vec![Block::Asks(words.say("sign-question", &[])), Block::line(0, words.say("sign-meaning", &[]))], words)
}

/// Whether to add and sign this correction.
pub fn correct(text: &Foreign, words: &Words) -> Sheet {
    let blocks = vec![
        Block::Asks(words.say("correct-question", &[])),
        Block::Quote(words.say("consent-quote", &[("reason", text)])),
        Block::line(0, words.say("correct-meaning", &[])),
    ];
    signing(blocks, words)
}

/// Whether to add and sign that the problem is back.
pub fn reopen(words: &Words) -> Sheet {
    let meaning = Block::line(0, words.say("reopen-meaning", &[]));
    signing(vec![Block::Asks(words.say("reopen-question", &[])), meaning], words)
}

/// A question that takes any line; the prompt is a bare `> `.
pub fn free(question: String) -> Sheet {
    Sheet::one(question, "> ".to_owned())
}

fn signing(blocks: Vec<Block>, words: &Words) -> Sheet {
    Sheet { blocks, prompt: words.say("sign-prompt", &[]) }
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

fn what(request: &Request<'_>, words: &Words) -> Vec<Block> {
    let numbered: Vec<(usize, &Covered<'_>)> = (1..).zip(order(request)).collect();
    let mut blocks = Vec::new();
    for scope in request.scopes {
        blocks.push(Block::line(1, scope_words(*scope, words)));
        let own =
            numbered.iter().filter(|(_, covered)| is_whole(request, covered) && covered.item.area.scope() == *scope);
        blocks.extend(own.map(|(number, covered)| Block::Entry(entry(*number, covered, true, words))));
    }
    let single = numbered.iter().filter(|(_, covered)| !is_whole(request, covered));
    blocks.extend(single.map(|(number, covered)| Block::Entry(entry(*number, covered, false, words))));
    blocks
}

/// An item on a card; `within` a scope that is asked for as a whole.
fn entry(number: usize, covered: &Covered<'_>, within: bool, words: &Words) -> Entry {
    let item = covered.item;
    let risk = words.risk(item.effect, item.personal);
    let mut details = Vec::new();
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
        details.push(words.say("consent-described", &[("organisation", &organisation)]));
        let command = Foreign::new(described.shown(&values));
        details.push(words.say("consent-command", &[("command", &command)]));
    }
    for parameter in &item.parameters {
        let title = words.of(&parameter.title);
        details.push(match covered.values.get(&parameter.name) {
            Some(values) => {
                let list = values.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                words.say("consent-value", &[("title", &title), ("value", &list)])
            }
            None => words.say("consent-values", &[("title", &title)]),
        });
    }
    Entry {
        number: covered.tick.map(|_| number),
        ticked: covered.tick != Some(false),
        within,
        risk: Risk::of(item),
        id: item.id.0.clone(),
        title: words.say("consent-item", &[("risk", &risk), ("title", &words.of(&item.title))]),
        details,
    }
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

#[cfg(test)]
mod tests;
