//! What stands on the technician's page and what a press of a button does to it. Pure: no server, no clock, no files.
//!
//! Two rules of pressing live here, where the server can't be talked out of them:
//!
//! - A form counts only for what it was made for: this session, this item, and so many presses before it. Anything else
//!   shows what changed and does nothing.
//! - The same form counts once. A second press of it, or a reload that sends it again, does nothing and says nothing.
//!
//! It decides nothing about the other computer: what may run is the agent's to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use venia_proto::catalog::{Catalog, Goal};
use venia_proto::code::Code;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::{Arguments, ItemId, Language, Signoff};
use venia_proto::scope::Scope;
use venia_ui::failure::Failure;
use venia_ui::words::Words;

use super::press::{Act, Draft, Notice, Press, Wish};
use super::session::{At, Happened, Session};
use crate::cli::RunSpec;
use crate::driver::Typed;
use crate::voice::Told;

/// Parameters are fields called like this and their name.
pub(super) const PARAMETER: &str = "with.";

/// The whole page.
pub(super) struct Scene {
    pub(super) words: Words,
    /// Both languages: the person may read either.
    pub(super) both: [Words; 2],
    chosen: bool,
    pub(super) catalog: Arc<Catalog>,
    pub(super) goals: Vec<Goal>,
    /// Whose page this is; `None`: this computer isn't enrolled.
    pub(super) member: Option<Me>,
    pub(super) stage: Stage,
    /// The one that runs or ran last.
    pub(super) session: Option<Session>,
    /// Why the last try came to no session.
    pub(super) failure: Option<Failure>,
    /// The language in which a session begun now, or the last one, says what goes wrong: the one of its beginning.
    pub(super) spoken: Language,
    pub(super) notice: Option<Notice>,
    pub(super) draft: Draft,
    /// Whether keys of one letter do something (WCAG 2.1.4: they can be switched off).
    pub(super) keys: bool,
    sessions: u64,
    /// Presses that said something: the same mistake again is another one, also for ears.
    pub(super) presses: u64,
    /// How often each form was pressed.
    pressed: BTreeMap<String, u64>,
}

/// Who works here.
#[derive(Clone, Debug)]
pub(crate) struct Me {
    pub(crate) name: Foreign,
    pub(crate) level: u8,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A code is asked for.
    Start,
    /// A session runs, or is about to.
    Session,
    /// It is over.
    Over,
    /// The technician is done with this program.
    Left,
}

impl Scene {
    pub(super) fn new(words: Words, catalog: Arc<Catalog>, goals: Vec<Goal>, member: Option<Me>) -> Self {
        Self {
            spoken: words.language(),
            words,
            both: [Language::Es, Language::En].map(Words::new),
            chosen: false,
            catalog,
            goals,
            member,
            stage: Stage::Start,
            session: None,
            failure: None,
            notice: None,
            draft: Draft::default(),
            keys: true,
            sessions: 0,
            presses: 0,
            pressed: BTreeMap::new(),
        }
    }

    /// What a form that does this is bound to: the session, and how often it was pressed before.
    pub(super) fn shown(&self, does: &str) -> String {
        self.numbered(does, self.pressed.get(does).copied().unwrap_or(0))
    }

    fn numbered(&self, does: &str, times: u64) -> String {
        format!("{does} {times} of {}", self.sessions)
    }

    /// Something happened in the session.
    pub(super) fn tell(&mut self, told: Told, at: At) {
        let over = matches!(told, Told::Closed(_));
        if let Some(session) = &mut self.session {
            session.tell(told, at);
        }
        if over {
            self.stage = Stage::Over;
        }
    }

    /// The session of this number has ended, in whatever way; whether it was the one on the page. The next one may have been
    /// asked for already.
    pub(super) fn finish(&mut self, number: u64, failure: Option<Failure>, at: At) -> bool {
        if self.stage == Stage::Left || number != self.sessions || self.session.is_none() {
            return false;
        }
        let began = self.session.as_ref().is_some_and(|session| session.id.is_some());
        if let (true, Some(failure)) = (began, failure.clone()) {
            self.tell(Told::Failed(failure), at);
        }
        self.failure = failure.filter(|_| !began);
        self.stage = if began { Stage::Over } else { Stage::Start };
        if !began {
            self.session = None;
        }
        true
    }

    /// The browser asks for a page in this language.
    pub(super) fn load(&mut self, language: Option<Language>) {
        if let Some(language) = language.filter(|_| !self.chosen) {
            self.speak(language);
        }
    }

    /// The language is another one.
    pub(super) fn speak(&mut self, language: Language) {
        if language != self.words.language() {
            self.words = Words::new(language);
        }
        self.chosen = true;
    }

    /// A press of a form of this path. What an earlier one did wrong stands until then: the page may be fetched more than
    /// once meanwhile, and each time it must say so.
    pub(super) fn press(&mut self, path: &str, press: &Press<'_>, at: &At) -> Option<Act> {
        match path {
            "/begin" => self.begin(press, at),
            "/run" => self.run(press, at),
            "/say" => self.say(press, at),
            "/note" => self.note(press, at),
            "/close" => self.close(press, at),
            "/end" => self.end(press, at),
            "/watch" => self.watch(press),
            "/again" => self.again(press),
            "/keys" => {
                if self.counts("keys", press) {
                    self.keys = !self.keys;
                }
                None
            }
            "/leave" => self.leave(press),
            _ => None,
        }
    }

    fn begin(&mut self, press: &Press<'_>, at: &At) -> Option<Act> {
        if self.stage != Stage::Start || !self.counts("begin", press) {
            return None;
        }
        let field = |name: &str| press.form.get(name).unwrap_or("").trim().to_owned();
        let scopes: Vec<Scope> = press.form.all("ask").filter_map(|scope| scope.parse().ok()).collect();
        self.draft = Draft {
            code: field("code"),
            reason: field("reason"),
            goal: field("goal"),
            scopes: scopes.clone(),
            ..Draft::default()
        };
        let (code, reason) = match (Code::parse(&self.draft.code), Foreign::reason(&self.draft.reason)) {
            (Err(error), _) => return self.refuse(Notice::Code(error)),
            (_, Err(error)) => return self.refuse(Notice::Reason(error)),
            (Ok(code), Ok(reason)) => (code, reason),
        };
        let goal = self.goals.iter().find(|goal| goal.id == self.draft.goal).cloned();
        self.sessions += 1;
        self.pressed.clear();
        self.failure = None;
        self.draft = Draft::default();
        self.stage = Stage::Session;
        let session = Session::new(reason.clone(), goal.clone(), scopes.clone(), at.clone());
        self.session = Some(session);
        let words = self.words.clone();
        self.spoken = words.language();
        Some(Act::Begin(Box::new(Wish { number: self.sessions, code, reason, goal, scopes, words })))
    }

    fn run(&mut self, press: &Press<'_>, at: &At) -> Option<Act> {
        let id = ItemId(press.form.get("item").unwrap_or("").to_owned());
        if !self.counts(&format!("run {}", id.0), press) {
            return None;
        }
        let catalog = Arc::clone(&self.catalog);
        let item = catalog.get(&id)?;
        let level = self.member.as_ref().map_or(0, |member| member.level);
        if item.level > level {
            // Running above one's level is a broken rule, and ends the session. (ARCHITECTURE section 3)
            return self.refuse(Notice::Level(id));
        }
        let arguments: Arguments = item
            .parameters
            .iter()
            .filter_map(|parameter| {
                let value = press.form.get(&format!("{PARAMETER}{}", parameter.name))?;
                Some((parameter.name.clone(), value.trim().to_owned()))
            })
            .collect();
        if let Err(error) = item.arguments(&arguments) {
            return self.refuse(Notice::Arguments(id, error));
        }
        let session = self.open()?;
        if session.runs.iter().any(|run| run.item == id) {
            return None;
        }
        session.runs(&id, at.clone(), false);
        session.happened(Happened::Asked(id.clone()), at.clone());
        Some(Act::Type(Typed::Run(RunSpec { item: id, arguments })))
    }

    fn say(&mut self, press: &Press<'_>, at: &At) -> Option<Act> {
        let text = self.text("say", press)?;
        self.known()?.happened(Happened::Mine(text.clone()), at.clone());
        Some(Act::Type(Typed::Chat(text)))
    }

    fn note(&mut self, press: &Press<'_>, at: &At) -> Option<Act> {
        let text = self.text("note", press)?;
        self.known()?.happened(Happened::Noted(text.clone()), at.clone());
        Some(Act::Type(Typed::Note(text)))
    }

    /// Outcome and next step, both: nothing else closes a session. (UX, technician 7)
    fn close(&mut self, press: &Press<'_>, at: &At) -> Option<Act> {
        if !self.counts("close", press) {
            return None;
        }
        let field = |name: &str| press.form.get(name).unwrap_or("").trim().to_owned();
        (self.draft.outcome, self.draft.next) = (field("outcome"), field("next"));
        let (outcome, next) = match (Foreign::text(&self.draft.outcome), Foreign::text(&self.draft.next)) {
            (Err(error), _) => return self.refuse(Notice::Outcome(error)),
            (_, Err(error)) => return self.refuse(Notice::Next(error)),
            (Ok(outcome), Ok(next)) => (outcome, next),
        };
        let session = self.open()?;
        session.signed_off = true;
        session.series.stop();
        session.happened(Happened::SignedOff, at.clone());
        Some(Act::Type(Typed::SignOff(Signoff { outcome, next, observations: None })))
    }

    /// Leaves at once; the record says that it wasn't closed.
    fn end(&mut self, press: &Press<'_>, at: &At) -> Option<Act> {
        if self.stage != Stage::Session || !self.counts("end", press) {
            return None;
        }
        let session = self.session.as_mut()?;
        session.signed_off = true;
        session.series.stop();
        session.happened(Happened::SignedOff, at.clone());
        Some(Act::Type(Typed::Leave))
    }

    fn watch(&mut self, press: &Press<'_>) -> Option<Act> {
        if self.counts("watch", press) {
            let session = self.open()?;
            session.series.switch(!session.series.is_on());
        }
        None
    }

    /// Samples that are due now.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<Typed> {
        let Some(session) = self.session.as_mut().filter(|session| session.is_open()) else { return Vec::new() };
        let (runs, level) = (&session.runs, self.member.as_ref().map_or(0, |member| member.level));
        let busy = |item: &ItemId| {
            runs.iter().any(|run| run.item == *item) || self.catalog.get(item).is_none_or(|item| item.level > level)
        };
        let due = session.series.due(now_ms, &busy);
        due.into_iter().map(Typed::Sample).collect()
    }

    fn again(&mut self, press: &Press<'_>) -> Option<Act> {
        if self.stage == Stage::Over && self.counts("again", press) {
            self.stage = Stage::Start;
            self.session = None;
            self.draft = Draft::default();
        }
        None
    }

    fn leave(&mut self, press: &Press<'_>) -> Option<Act> {
        if self.stage == Stage::Session || !self.counts("leave", press) {
            return None;
        }
        self.stage = Stage::Left;
        Some(Act::Leave)
    }

    fn text(&mut self, does: &str, press: &Press<'_>) -> Option<Foreign> {
        if !self.counts(does, press) {
            return None;
        }
        match Foreign::text(press.form.get("text").unwrap_or("").trim()) {
            Ok(text) => Some(text),
            Err(error) => self.refuse(Notice::Text(error)),
        }
    }

    /// The session, if anything can still be asked or said; else that is what changed.
    fn open(&mut self) -> Option<&mut Session> {
        let open = self.session.as_ref().is_some_and(Session::is_open);
        if !open {
            self.notice = Some(Notice::Changed);
        }
        self.session.as_mut().filter(|_| open)
    }

    /// The session, if anything can be said in it.
    fn known(&mut self) -> Option<&mut Session> {
        let known = self.session.as_ref().is_some_and(|session| session.known);
        if known { self.open() } else { self.refuse(Notice::Changed) }
    }

    fn refuse<T>(&mut self, notice: Notice) -> Option<T> {
        self.notice = Some(notice);
        None
    }

    /// Whether a form counts: made for this, and not pressed before.
    fn counts(&mut self, does: &str, press: &Press<'_>) -> bool {
        let times = self.pressed.get(does).copied().unwrap_or(0);
        let now = (press.is_for)(&self.numbered(does, times));
        // The second press of a button that was pressed twice: it is done already.
        let again = times > 0 && (press.is_for)(&self.numbered(does, times - 1));
        if now {
            self.pressed.insert(does.to_owned(), times + 1);
        }
        if !again {
            self.presses += 1;
            self.notice = (!now).then_some(Notice::Changed);
        }
        now
    }
}
