//! One event as an auditor reads it: what happened, and, where they could be opened, the words, piece by piece.
//!
//! Not here: how pieces look. A terminal puts somebody's words behind a bar, a page into a quotation, so that nothing in them
//! can pass for a line of ours. (SECURITY D4)

use std::collections::BTreeMap;

use serde::Serialize;
use venia_proto::catalog::Catalog;
use venia_proto::foreign::Foreign;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body::{
    Addendum, Admit, Allowed, Arguments, Asked, Body, Consent, DefinitionHash, ItemId, Join, Language, Open, Outcome,
    Redaction, Refuse, Request, Said, Signoff,
};
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_proto::statement::Member;
use venia_ui::receipt::fate;
use venia_ui::report;
use venia_ui::terminal::Style;
use venia_ui::words::Words;

/// Tells events of one session.
pub(crate) struct Teller<'a> {
    pub(crate) words: &'a Words,
    pub(crate) catalog: &'a Catalog,
    pub(crate) style: Style,
    /// Who vouches for members; `None` if the statement can't be read.
    pub(crate) authority: Option<&'a VerifierKey>,
}

/// Something an event says. What isn't [`Foreign`] is ours, or safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A sentence of ours.
    Line(String),
    /// A label and a short text.
    Field(String, String),
    /// A label and what somebody wrote.
    Quote(String, Foreign),
    /// Words as they were shown, letter by letter; the piece before says of what.
    Block(Foreign),
    /// A report, laid out for a terminal.
    Report(String),
}

/// An item and the definition it was asked for by.
pub(crate) type Definition = (ItemId, DefinitionHash);

/// A kind of event, in a word or two.
pub(crate) fn kind(kind: KindName, words: &Words) -> String {
    words.say("audit-kind", &[("kind", &kind.to_string())])
}

/// The word an enum has in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Teller<'_> {
    /// What happened, from the clear fields alone.
    pub(crate) fn what(&self, kind: &Kind) -> String {
        let words = self.words;
        match kind {
            Kind::Join { strand, verified, .. } => {
                let known = word(verified);
                words.say("audit-joined", &[("strand", &strand.to_string()), ("known", &known)])
            }
            Kind::Consent { answer, took, .. } => {
                let (answer, seconds) = (word(answer), seconds(*took));
                words.say("audit-answered", &[("answer", &answer), ("seconds", &seconds)])
            }
            Kind::Refuse { why, .. } => words.say("audit-refused", &[("why", &word(why))]),
            Kind::Result { status, .. } => words.say("audit-result", &[("fate", &fate(Some(*status), words))]),
            Kind::Pause { by, cause } => self.turn(KindName::Pause, word(by), word(cause)),
            Kind::Resume { by, cause } => self.turn(KindName::Resume, word(by), word(cause)),
            Kind::Stop { by, cause } => self.turn(KindName::Stop, word(by), word(cause)),
            Kind::Close { by, cause, .. } => self.turn(KindName::Close, word(by), word(cause)),
            Kind::Addendum { what, .. } => words.say("audit-addendum", &[("what", &word(what))]),
            Kind::Open { .. }
            | Kind::Request
            | Kind::Admit { .. }
            | Kind::Series { .. }
            | Kind::Chat
            | Kind::Note
            | Kind::Redaction { .. }
            | Kind::Signoff { .. } => self::kind(kind.name(), words),
        }
    }

    /// What it says. `about`: the item a result or refusal belongs to.
    pub(crate) fn body(&self, body: &Body, about: Option<&Definition>) -> Vec<Piece> {
        let mut page = Page { teller: self, pieces: Vec::new() };
        match body {
            Body::Open(open) => page.open(open),
            Body::Join(join) => page.join(join),
            Body::Consent(consent) => page.consent(consent),
            Body::Request(Request { item, arguments, why, .. }) => {
                page.item("asks", item, arguments);
                page.quote("why", why.raw());
            }
            Body::Admit(Admit { item, fences, .. }) => {
                page.item("runs", item, &Arguments::new());
                page.short("fences", &fences.join(", "), fences.is_empty());
            }
            Body::Refuse(Refuse { detail }) => page.quote("detail", detail.raw()),
            Body::Result(Outcome { report, detail }) => {
                page.quote("detail", detail.raw());
                if let Some(report) = report {
                    page.report(report, about);
                }
            }
            Body::Said(Said { text }) => page.quote("said", text.raw()),
            Body::Redaction(Redaction { set, rules }) => page.redaction(set, rules),
            Body::Signoff(Signoff { outcome, next, observations }) => {
                page.quote("outcome", outcome.raw());
                page.quote("next", next.raw());
                page.quote("observations", observations.as_ref().map_or("", Foreign::raw));
            }
            Body::Addendum(Addendum { stars, comment, correction }) => {
                let stars = stars.map(|stars| stars.to_string()).unwrap_or_default();
                page.short("stars", &stars, stars.is_empty());
                page.quote("comment", comment.as_ref().map_or("", Foreign::raw));
                page.quote("correction", correction.as_ref().map_or("", Foreign::raw));
            }
            Body::None => {}
        }
        page.pieces
    }

    fn turn(&self, kind: KindName, by: String, cause: String) -> String {
        let what = self::kind(kind, self.words);
        self.words.say("audit-turned", &[("what", &what), ("by", &by), ("cause", &cause)])
    }
}

/// Milliseconds as seconds.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// What one event says so far.
struct Page<'a, 'b> {
    teller: &'a Teller<'b>,
    pieces: Vec<Piece>,
}

impl Page<'_, '_> {
    /// A sentence of ours.
    fn line(&mut self, line: String) {
        self.pieces.push(Piece::Line(line));
    }

    /// A label and a short text; nothing if `skip`.
    fn short(&mut self, id: &str, text: &str, skip: bool) {
        if !skip {
            self.pieces.push(Piece::Field(label(self.teller.words, id), Foreign::new(text).visible()));
        }
    }

    /// A label and what somebody wrote; nothing if they wrote nothing.
    fn quote(&mut self, id: &str, text: &str) {
        if !text.is_empty() {
            self.pieces.push(Piece::Quote(label(self.teller.words, id), Foreign::new(text)));
        }
    }

    fn open(&mut self, open: &Open) {
        let text = |text: &Option<Foreign>| text.as_ref().map_or(String::new(), |text| text.raw().to_owned());
        self.quote("called", &text(&open.called));
        self.quote("about", &text(&open.about));
        self.quote("since", &text(&open.since));
        self.short("language", tag(open.language), false);
        let skew = open.skew_ms.map(|ms| format!("{ms} ms")).unwrap_or_default();
        self.short("skew", &skew, skew.is_empty());
    }

    fn join(&mut self, join: &Join) {
        let words = self.teller.words;
        let member = self.teller.authority.and_then(|by| Member::open(join.member.as_bytes(), by).ok());
        self.line(match member {
            Some(Member { name, role, level, .. }) => {
                words.say("audit-member", &[("name", &name), ("role", &role.name()), ("level", &level)])
            }
            None => words.say("audit-no-member", &[]),
        });
        self.quote("why", join.reason.raw());
        self.scopes(&join.offer.scopes.iter().copied().collect::<Vec<_>>());
        for Asked { item, arguments, .. } in &join.offer.items {
            self.item("asks", item, arguments);
        }
    }

    fn consent(&mut self, consent: &Consent) {
        let language = tag(consent.language);
        let line = self.teller.words.say("audit-shown", &[("language", &language)]);
        self.line(line);
        self.pieces.push(Piece::Block(Foreign::new(consent.text.as_str())));
        self.scopes(&consent.scopes.iter().copied().collect::<Vec<_>>());
        for Allowed { item, values, uses, .. } in &consent.items {
            let given = |(name, values): (&String, &std::collections::BTreeSet<String>)| {
                format!("{name}={}", values.iter().map(String::as_str).collect::<Vec<_>>().join("|"))
            };
            let values = values.iter().map(given).collect::<Vec<_>>().join(", ");
            let gap = if values.is_empty() { "" } else { "  " };
            let covered = format!("{}{gap}{values}", self.named(item));
            let line = self.teller.words.say("audit-allows", &[("item", &covered), ("uses", uses)]);
            self.line(line);
        }
        match consent.minutes {
            Some(minutes) => self.short("minutes", &minutes.to_string(), false),
            None if consent.items.is_empty() && consent.scopes.is_empty() => {}
            None => {
                let line = self.teller.words.say("audit-until-stop", &[]);
                self.line(line);
            }
        }
    }

    fn scopes(&mut self, scopes: &[Scope]) {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
        self.short("scopes", &names.join(", "), names.is_empty());
    }

    fn item(&mut self, id: &str, item: &ItemId, arguments: &Arguments) {
        let given = arguments.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
        let name = self.named(item);
        let text = if given.is_empty() { name } else { format!("{name}  {given}") };
        self.short(id, &text, false);
    }

    /// An item's id, and its title if it is known here.
    fn named(&self, item: &ItemId) -> String {
        match self.teller.catalog.get(item) {
            Some(known) => format!("{} ({})", item.0, self.teller.words.of(&known.title)),
            None => item.0.clone(),
        }
    }

    fn redaction(&mut self, set: &str, rules: &BTreeMap<String, u64>) {
        let counts = rules.iter().map(|(rule, count)| format!("{rule} ×{count}")).collect::<Vec<_>>().join(", ");
        self.short("redaction", &format!("{set}: {counts}"), false);
    }

    fn report(&mut self, filled: &Report, about: Option<&Definition>) {
        let known = about.and_then(|(item, definition)| self.teller.catalog.find(item, definition));
        if let Some(item) = known {
            let style = Style { width: self.teller.style.width.saturating_sub(6), ..self.teller.style };
            self.pieces.push(Piece::Report(report::render(item, filled, self.teller.words, style)));
            return;
        }
        // By another definition than ours nobody can say what a figure means: as it stands.
        self.line(format!("{}:", label(self.teller.words, "report")));
        self.pieces.push(Piece::Block(Foreign::new(serde_json::to_string_pretty(filled).unwrap_or_default())));
    }
}

/// A label in front of a text: one sentence for all of them, chosen by what it is for.
fn label(words: &Words, id: &str) -> String {
    words.say("audit-label", &[("label", &id)])
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Es => "es",
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::flag::Flag;
    use venia_proto::ledger::kind::{Addition, Answer, Cause, Verified, Why};

    use super::*;

    #[test]
    fn every_word_of_the_record_has_a_sentence_in_both_languages() {
        for language in [Language::En, Language::Es] {
            let words = Words::new(language);
            let mut said = Vec::new();
            said.extend(KindName::ALL.map(|name| kind(name, &words)));
            said.extend(Flag::ALL.map(|flag| words.say("audit-flag", &[("flag", &flag.name())])));
            for what in [Addition::Signoff, Addition::Rating, Addition::Correction, Addition::Reopening] {
                said.push(words.say("audit-addendum", &[("what", &word(&what))]));
            }
            for known in [Verified::Code, Verified::Compared, Verified::Organisation] {
                said.push(words.say("audit-joined", &[("strand", &"x"), ("known", &word(&known))]));
            }
            for answer in [Answer::Yes, Answer::No, Answer::Silence] {
                said.push(words.say("audit-answered", &[("answer", &word(&answer)), ("seconds", &"1")]));
            }
            for why in [
                Why::OutsideGrant,
                Why::Level,
                Why::Arguments,
                Why::UnknownItem,
                Why::Repeated,
                Why::NoReceipt,
                Why::Paused,
                Why::Policy,
                Why::Limit,
                Why::Stopped,
                Why::Person,
                Why::Unfenced,
                Why::NotShown,
            ] {
                said.push(words.say("audit-refused", &[("why", &word(&why))]));
            }
            for cause in Cause::ALL {
                let cause = word(&cause);
                said.push(words.say("audit-turned", &[("what", &"x"), ("by", &cause), ("cause", &"done")]));
                said.push(words.say("audit-turned", &[("what", &"x"), ("by", &"person"), ("cause", &cause)]));
            }
            for line in &said {
                assert!(!line.contains('?') && !line.contains('⟨'), "{line}");
            }
            let known: std::collections::BTreeSet<_> = said.iter().collect();
            // Two pairs of the turns are the same pair.
            assert_eq!(known.len(), said.len() - 1, "{said:#?}");
        }
    }
}
