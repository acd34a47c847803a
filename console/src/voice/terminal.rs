//! What a terminal is told during a session: JSON lines for scripts, sentences for people.
//!
//! Results and how it closed go to stdout; states (waiting, paused, refused) to stderr. With `--json` stdout holds the
//! events of COMMANDS.md and nothing else. Every word of the other side goes through `Foreign` (SECURITY D4).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use venia_proto::catalog::{Catalog, Diagnosis, Goal, Item};
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Consent, ItemId};
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::kind::{Answer, Status, Why};
use venia_proto::report::Report;
use venia_proto::scope::Scope;
use venia_ui::failure::Failure;
use venia_ui::terminal::{Progress, Screen};
use venia_ui::words::Words;

use super::diagnosis;
use super::told::{Ended, Told};

/// The terminal of one session.
pub(crate) struct Terminal<'a> {
    screen: &'a Screen,
    catalog: &'a Catalog,
    progress: Option<Waiting>,
}

struct Waiting {
    progress: Progress,
    since_ms: u64,
    /// `None`: for the person.
    item: Option<String>,
}

impl<'a> Terminal<'a> {
    pub(crate) fn new(screen: &'a Screen, catalog: &'a Catalog) -> Self {
        Self { screen, catalog, progress: None }
    }

    pub(crate) fn words(&self) -> &'a Words {
        self.screen.words()
    }

    /// Says one thing that happened. How a session closed is said by [`Self::closed`], whose failure the caller has to know.
    pub(crate) fn tell(&mut self, told: &Told) {
        match told {
            Told::Failed(failure) => self.error(failure),
            Told::Paired(session) => self.paired(*session),
            Told::Consent { answer, card, took } => self.consent(*answer, card.as_ref(), *took),
            Told::Result { item, status, report, entry } => self.result(item, *status, report.as_ref(), *entry),
            Told::Refused { item, why } => self.refused(item, *why),
            Told::NeedsLevel(item) => self.needs_level(item),
            Told::Diagnosis { goal, reports, missing } => self.diagnosis(goal, &goal.diagnose(reports), missing),
            Told::Said(text) => self.note(&self.words().say("console-said", &[("text", text)])),
            Told::Unsaid => self.note(&self.words().say("console-unsaid", &[])),
            Told::Paused(why) => self.note(&super::paused(*why, self.words())),
            Told::Resumed => self.note(&self.words().say("console-resumed", &[])),
            Told::AuditorAdded(auditor) => {
                self.note(&self.words().say("console-auditor-added", &[("auditor", auditor)]));
            }
            Told::Warned(line) => self.warn(line),
            Told::NotUnderstood(why) => self.note(why),
            Told::Offline => self.note(&self.words().say("console-offline", &[])),
            Told::Online => self.note(&self.words().say("console-online", &[])),
            // What begins is said by `wait`.
            Told::Waiting
            | Told::Running(_)
            | Told::Uncovered(_)
            | Told::Redacted { .. }
            | Told::Closing
            | Told::Closed(_) => {}
        }
    }

    /// An error of the stream: an event for scripts, three sentences for people. Gives nothing back: the caller knows
    /// the exit code.
    fn error(&mut self, failure: &Failure) {
        let (kind, message, hint) = (failure.kind, &failure.message, &failure.hint);
        self.event(&json!({ "event": "error", "kind": kind, "message": message, "hint": hint }));
        self.progress = None;
        // The code goes to the caller; this one only has to be said.
        let _ = self.screen.fail_beside(failure);
    }

    fn paired(&mut self, session: SessionId) {
        let session = session.to_string();
        self.event(&json!({ "event": "paired", "session": session }));
        self.note(&self.words().say("console-paired", &[("session", &session)]));
    }

    /// The person answered. That they know the technician is told to people alone: scripts wait for what was allowed.
    fn consent(&mut self, answer: Answer, card: Option<&Consent>, took: u64) {
        let said = match answer {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Silence => "silence",
        };
        let none = BTreeSet::new();
        let scopes: Vec<&str> =
            card.map_or(&none, |card| &card.scopes).iter().map(|scope: &Scope| scope.name()).collect();
        let minutes = card.and_then(|card| card.minutes);
        if card.is_some() || answer != Answer::Yes {
            self.event(&json!({
                "event": "consent", "answer": said, "scopes": scopes, "minutes": minutes, "took": took,
            }));
        }
        let words = self.words();
        self.note(&match (answer, card.is_some()) {
            (Answer::Yes, false) => words.say("console-known", &[]),
            (Answer::Yes, true) => match minutes {
                Some(minutes) => words.say("console-allowed", &[("minutes", &minutes)]),
                None => words.say("console-allowed-until-stop", &[]),
            },
            (Answer::No, false) => words.say("console-unknown", &[]),
            (Answer::No, true) => words.say("console-denied", &[]),
            (Answer::Silence, _) => words.say("console-unanswered", &[]),
        });
    }

    /// `entry`: where the result stands in the log, from its proof.
    fn result(&mut self, item: &ItemId, status: Status, report: Option<&Report>, entry: Option<u64>) {
        self.event(&json!({
            "event": "result", "item": item.0, "status": status, "report": report, "entry": entry,
        }));
        self.progress = None;
        if self.screen.json() {
            return;
        }
        let name = self.title(item);
        let words = self.words();
        let line = match (status, report, self.catalog.get(item)) {
            (_, Some(report), Some(definition)) => {
                // A reader that went away is no reason to leave the person alone; the record has it all.
                let _ = self.screen.report(definition, report);
                return;
            }
            (_, None, _) | (_, Some(_), None) => super::unsent(status, &name, words),
        };
        self.note(&line);
    }

    fn refused(&mut self, item: &ItemId, why: Why) {
        self.event(&json!({ "event": "refused", "item": item.0, "why": why }));
        let words = self.words();
        let why = super::why(why, words);
        let name = self.title(item);
        self.note(&words.say("console-refused", &[("item", &name), ("why", &why)]));
    }

    /// An item of a goal that this technician may not run.
    fn needs_level(&mut self, item: &Item) {
        let words = self.words();
        let title = words.of(&item.title);
        self.note(&words.say("console-needs-level", &[("item", &title), ("level", &item.level)]));
    }

    /// What the reports of a goal mean together, and which of its items gave none: nothing found isn't nothing there.
    fn diagnosis(&mut self, goal: &Goal, diagnosis: &Diagnosis<'_>, missing: &[ItemId]) {
        self.event(&diagnosis::event(goal, diagnosis, missing));
        self.progress = None;
        if !self.screen.json() {
            // As with a report: a reader that went away ends nothing.
            let _ = self.screen.line(&diagnosis::text(
                goal,
                (diagnosis, missing),
                self.catalog,
                self.words(),
                self.screen.style(),
            ));
        }
    }

    /// The last line. Results before it were written as well as they could be; if this one can't be, the caller says so.
    pub(crate) fn closed(&mut self, ended: &Ended) -> Result<(), Failure> {
        self.progress = None;
        let words = self.words();
        let path = ended.bundle.as_ref().map(|path| path.display().to_string());
        if self.screen.json() {
            return self.screen.object(&json!({
                "event": "closed", "by": ended.by,
                "outcome": ended.signoff.as_ref().map(|signoff| signoff.outcome.raw()),
                "next": ended.signoff.as_ref().map(|signoff| signoff.next.raw()),
                "bundle": path, "verdict": ended.verdict, "witnessed": ended.witnessed,
            }));
        }
        self.screen.line(&super::closed(ended.cause, words))?;
        match path {
            Some(path) => self.screen.line(&words.say("console-bundle", &[("path", &path)]))?,
            None => self.screen.line(&words.say("console-no-bundle", &[]))?,
        }
        if let Some(found) = ended.witnessed.filter(Witnessed::is_witnessed) {
            self.screen.line(&words.say("console-witnessed", &[("by", &found.cosigned)]))?;
        } else if ended.trails {
            self.screen.line(&words.say("console-not-witnessed", &[]))?;
        }
        Ok(())
    }

    /// A sentence beside the results.
    pub(crate) fn note(&mut self, line: &str) {
        self.progress = None;
        if !self.screen.json() {
            self.screen.note(line);
        }
    }

    /// A sentence that nobody may miss, beside the results of `--json` too.
    fn warn(&mut self, line: &str) {
        self.progress = None;
        self.screen.note(line);
    }

    /// A prompt for somebody who types.
    pub(crate) fn prompt(&mut self, text: &str) {
        self.progress = None;
        self.screen.prompt(text);
    }

    /// Everything that can be run, for somebody who types.
    pub(crate) fn checks(&mut self) {
        let words = self.words();
        for item in self.catalog.items() {
            let title = words.of(&item.title);
            self.screen
                .note(&words.say("console-check", &[("item", &item.id.0), ("level", &item.level), ("title", &title)]));
        }
    }

    /// Something long begins: the person is asked, or an item runs. Somebody who types keeps the prompt and gets a line.
    pub(crate) fn wait(&mut self, item: Option<&ItemId>, now_ms: u64, typing: bool) {
        let item = item.map(|item| self.title(item));
        let words = self.words();
        if typing {
            if let Some(item) = &item {
                self.note(&words.say("console-running", &[("item", item)]));
            }
            return;
        }
        let label = match &item {
            Some(item) => words.say("console-running", &[("item", item)]),
            None => words.say("console-waiting-person", &[("seconds", &0_u64)]),
        };
        self.progress = Some(Waiting { progress: self.screen.progress(label), since_ms: now_ms, item });
    }

    /// The end of the record is awaited.
    pub(crate) fn wait_for_close(&mut self) -> Progress {
        self.progress = None;
        self.screen.progress(self.words().say("console-waiting-close", &[]))
    }

    /// A second passed.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        let Some(waiting) = &self.progress else { return };
        let seconds = now_ms.saturating_sub(waiting.since_ms) / 1_000;
        let words = self.words();
        waiting.progress.say(match &waiting.item {
            Some(item) => words.say("console-running-for", &[("item", item), ("seconds", &seconds)]),
            None => words.say("console-waiting-person", &[("seconds", &seconds)]),
        });
    }

    fn event(&mut self, event: &Value) {
        if self.screen.json() {
            // A reader that went away doesn't end the session: the person is served, and the record has it all.
            let _ = self.screen.object(event);
        }
    }

    fn title(&self, item: &ItemId) -> String {
        match self.catalog.get(item) {
            Some(definition) => self.words().of(&definition.title).to_owned(),
            None => Foreign::new(item.0.as_str()).visible(),
        }
    }
}
