//! `venia-agent history | show | export`: what this PC keeps of its sessions.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use venia_proto::catalog::Catalog;
use venia_proto::id::SessionId;
use venia_proto::ledger::bundle::{Bundle, BundleError};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_relay::client::control::Control;
use venia_relay::client::home::Home;
use venia_relay::client::link::{Link, Role};
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Loss, Trouble};
use venia_ui::receipt::of_bundle;
use venia_ui::story::Story;
use venia_ui::words::Words;

use crate::archive::Archive;
use crate::cli::Withhold;
use crate::journal::Journals;
use crate::known;
use crate::{KEY_FILE, KEY_KIND};

use super::complete::{Desk, bundle_name};
use super::{home_failure, journal_failure, relay_failure};

/// Largest bundle this PC would have written.
const BUNDLE_MAX: usize = 512 * 1024 * 1024;
/// How long the proofs may take.
const PROOFS: Duration = Duration::from_secs(10);

/// Lists the sessions, the newest first.
pub fn history(common: &Common) -> Result<Exit, Failure> {
    let (words, screen) = (common.words(), common.screen());
    let (_home, journals, catalog) = open(common, &words)?;
    let mut stories = Vec::new();
    for session in journals.sessions().map_err(|error| journal_failure(&error, &words))? {
        match journals.read(session).map(|replay| Archive::read(&replay)) {
            Ok(Ok(archive)) => stories.extend(archive.story(&catalog).map(|story| (archive.cause(), story))),
            // Its first batch never got through: nothing had happened.
            Ok(Err(_)) => {}
            Err(error) => {
                let text = error.to_string();
                screen.note(&words.say("history-damaged", &[("session", &session.to_string()), ("problem", &text)]));
            }
        }
    }
    stories.sort_by_key(|(_, story)| std::cmp::Reverse(story.opened));
    if screen.json() {
        let rows: Vec<_> = stories
            .iter()
            .map(|(cause, story)| {
                json!({
                    "session": story.session.to_string(),
                    "opened": story.opened,
                    "who": story.who,
                    "organisation": story.organisation,
                    "cause": cause,
                    "outcome": story.outcome,
                })
            })
            .collect();
        screen.object(&json!({ "sessions": rows }))?;
    } else if stories.is_empty() {
        screen.note(&words.say("history-empty", &[]));
    }
    for (_, story) in stories.iter().filter(|_| !screen.json()) {
        let (session, opened) = (story.session.to_string(), story.opened.to_string());
        screen.line(&words.say(
            "history-line",
            &[("session", &session), ("opened", &opened), ("who", &story.who), ("organisation", &story.organisation)],
        ))?;
    }
    Ok(Exit::Done)
}

/// Shows one session.
pub fn show(session: SessionId, common: &Common) -> Result<Exit, Failure> {
    let (words, screen) = (common.words(), common.screen());
    let (_home, journals, catalog) = open(common, &words)?;
    let archive = load(&journals, session, &words)?;
    let story = archive.story(&catalog).ok_or_else(|| unknown_session(&words))?;
    if screen.json() {
        screen.object(&story_json(&archive, &story))?;
        return Ok(Exit::Done);
    }
    let opened = story.opened.to_string();
    screen.line(&words.say("show-who", &[("who", &story.who), ("organisation", &story.organisation)]))?;
    screen.line(&words.say("show-opened", &[("opened", &opened)]))?;
    for answered in &story.answered {
        let (at, seconds) = (answered.at.to_string(), answered.took_ms / 1_000);
        let answer = match answered.answer {
            venia_proto::ledger::kind::Answer::Yes => words.say("show-yes", &[("at", &at), ("seconds", &seconds)]),
            venia_proto::ledger::kind::Answer::No => words.say("show-no", &[("at", &at), ("seconds", &seconds)]),
            venia_proto::ledger::kind::Answer::Silence => words.say("show-silence", &[("at", &at)]),
        };
        screen.line("")?;
        for line in answered.shown.lines() {
            screen.line(&format!("  | {}", venia_proto::foreign::Foreign::new(line).visible()))?;
        }
        screen.line(&answer)?;
    }
    screen.line("")?;
    for ran in &story.ran {
        let (at, title) = (ran.at.to_string(), words.of(&ran.title).to_owned());
        let status = venia_ui::receipt::fate(ran.status, &words);
        screen.line(&words.say("show-ran", &[("at", &at), ("title", &title), ("status", &status)]))?;
    }
    if let (Some(outcome), Some(next)) = (&story.outcome, &story.next) {
        screen.line(&words.say("close-outcome", &[("outcome", outcome)]))?;
        screen.line(&words.say("close-next", &[("next", next)]))?;
    }
    if let Some((at, cause)) = story.closed {
        let (at, why) = (at.to_string(), venia_ui::ending::ending(cause, &story.who, &words));
        screen.line(&words.say("show-closed", &[("at", &at), ("why", &why)]))?;
    }
    Ok(Exit::Done)
}

fn story_json(archive: &Archive, story: &Story) -> serde_json::Value {
    let answers: Vec<_> = story.answered.iter().map(|answered| {
        json!({ "at": answered.at, "shown": answered.shown, "answer": answered.answer, "took": answered.took_ms })
    }).collect();
    let ran: Vec<_> =
        story.ran.iter().map(|ran| json!({ "at": ran.at, "title": ran.title, "status": ran.status })).collect();
    json!({
        "session": story.session.to_string(),
        "who": story.who,
        "organisation": story.organisation,
        "opened": story.opened,
        "closed": story.closed.map(|(at, _)| at),
        "cause": archive.cause(),
        "answers": answers,
        "ran": ran,
        "outcome": story.outcome,
        "next": story.next,
        "events": archive.events.len(),
        "receipts": archive.receipts.len(),
    })
}

/// Writes a session's bundle to a file.
///
/// `withhold`: entries whose words are left out; the receipt is told again from what is left.
pub async fn export(session: SessionId, file: &Path, withhold: &[Withhold], common: &Common) -> Result<Exit, Failure> {
    let (words, screen) = (common.words(), common.screen());
    let (home, journals, catalog) = open(common, &words)?;
    let archive = load(&journals, session, &words)?;
    let desk = Desk { home: &home, journals: &journals, catalog: &catalog, words: &words };
    let kept = || home.read(&bundle_name(session), BUNDLE_MAX).map_err(|error| home_failure(&error, &words));
    let roots = known_roots(&home, &words)?;
    let whole = |zip: &Vec<u8>| {
        let verdict = verify(zip, Roots { named: None, known: &roots });
        verdict.entries == archive.events.len() as u64
            && matches!(verdict.verdict, Finding::Intact | Finding::SelfConsistent)
    };
    let mut zip = kept()?;
    if !zip.as_ref().is_some_and(whole) {
        let progress = screen.progress(words.say("export-fetching", &[]));
        let brought = bring_to_the_ledger(&desk, session, &words).await;
        drop(progress);
        zip = kept()?;
        if zip.is_none() {
            brought?;
        }
    }
    let zip = zip.ok_or_else(|| Failure::of(Trouble::Unreachable, &words).after(Loss::NothingLost, &words))?;
    let zip = if withhold.is_empty() { zip } else { without(&zip, withhold, &catalog, &words)? };
    let unwritten = |error: std::io::Error| unwritten(&error, &words);
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(unwritten)?;
    out.write_all(&zip).and_then(|()| out.sync_all()).map_err(unwritten)?;
    let verdict = verify(&zip, Roots { named: None, known: &roots });
    if screen.json() {
        screen.object(&json!({ "session": session.to_string(), "file": file, "verdict": verdict.verdict, "withheld": verdict.withheld }))?;
    } else {
        let path = file.to_string_lossy().into_owned();
        screen.line(&words.say("export-done", &[("path", &path)]))?;
        if verdict.withheld > 0 {
            screen.note(&words.say("export-withheld", &[("parts", &verdict.withheld)]));
        }
    }
    Ok(Exit::Done)
}

/// The same record without the words of some entries. It still verifies; whoever reads it sees how many are missing.
fn without(zip: &[u8], withhold: &[Withhold], catalog: &Catalog, words: &Words) -> Result<Vec<u8>, Failure> {
    let unusable = |_| Failure::of(Trouble::Disk, words).after(Loss::NothingLost, words);
    let mut bundle = Bundle::from_zip(zip).map_err(unusable)?;
    let entries = bundle.entries.len();
    let unknown = |wish: &&Withhold| matches!(wish, Withhold::Entry(n) if *n >= entries);
    if let Some(Withhold::Entry(n)) = withhold.iter().find(unknown) {
        let (message, hint) = (words.say("export-no-entry", &[("entry", n)]), words.say("export-no-entry-hint", &[]));
        return Err(Failure { message, hint, ..Failure::of(Trouble::Usage, words) });
    }
    let all = withhold.contains(&Withhold::All);
    for (_, entry) in (0..).zip(&bundle.entries).filter(|(n, _)| all || withhold.contains(&Withhold::Entry(*n))) {
        let event = Event::parse(&entry.event).map_err(|_| unusable(BundleError::Layout))?;
        for part in &event.header().parts {
            bundle.openings.remove(&part.commit);
        }
    }
    bundle.receipt = of_bundle(&bundle, catalog);
    bundle.to_zip().map_err(unusable)
}

/// The file can't be written; most often because it is there already, which is no trouble with the disk.
fn unwritten(error: &std::io::Error, words: &Words) -> Failure {
    let failure = Failure {
        message: words.say("export-failed", &[("problem", &error.to_string())]),
        ..Failure::of(Trouble::Disk, words)
    };
    let full = [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded];
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        let (message, hint) = (words.say("export-exists", &[]), words.say("export-exists-hint", &[]));
        Failure { kind: "file-exists", message, hint, ..failure }
    } else if full.contains(&error.kind()) {
        failure
    } else {
        Failure { kind: "file", hint: words.say("export-failed-hint", &[]), ..failure }
    }
}

/// Connects to the relay used last and completes a session's record there.
pub(super) async fn bring_to_the_ledger(desk: &Desk<'_>, session: SessionId, words: &Words) -> Result<(), Failure> {
    let unreachable = || Failure::of(Trouble::Unreachable, words).after(Loss::NothingLost, words);
    let home = desk.home;
    let address = known::relay(home).map_err(|error| home_failure(&error, words))?.ok_or_else(unreachable)?;
    let key = home.key(KEY_FILE, KEY_KIND).map_err(|error| home_failure(&error, words))?;
    let mut found = tokio::net::lookup_host(address.at.to_string()).await.map_err(|_| unreachable())?;
    let at = found.next().ok_or_else(unreachable)?;
    let link = Link::bind(None, &key, at, Role::Agent).map_err(|_| unreachable())?;
    let known = known::statement(home, &address.root).map_err(|error| home_failure(&error, words))?;
    let (control, _hearing) =
        Control::connect(&link, &address.root, known.as_ref()).await.map_err(|error| relay_failure(&error, words))?;
    let completed = desk.complete(session, &control, address.root, PROOFS).await;
    control.close();
    completed.map(drop).map_err(|error| super::complete_failure(&error, words).after(Loss::NothingLost, words))
}

/// A session of the journal.
pub(super) fn load(journals: &Journals, session: SessionId, words: &Words) -> Result<Archive, Failure> {
    let known = journals.sessions().map_err(|error| journal_failure(&error, words))?;
    if !known.contains(&session) {
        return Err(unknown_session(words));
    }
    let replay = journals.read(session).map_err(|error| journal_failure(&error, words))?;
    Archive::read(&replay).map_err(|_| unknown_session(words))
}

/// There is no such session here, or it isn't over.
pub(super) fn unknown_session(words: &Words) -> Failure {
    Failure {
        exit: Exit::Refused,
        kind: "unknown-session",
        message: words.say("agent-unknown-session", &[]),
        state: Loss::Nothing.say(words),
        hint: words.say("agent-unknown-session-hint", &[]),
    }
}

fn known_roots(home: &Home, words: &Words) -> Result<Vec<venia_proto::fingerprint::Fingerprint>, Failure> {
    known::roots(home).map_err(|error| home_failure(&error, words))
}

fn open(common: &Common, words: &Words) -> Result<(Home, Journals, Catalog), Failure> {
    let home = Home::open(&common.folder(Program::Agent)?, false).map_err(|error| home_failure(&error, words))?;
    let journals = Journals::open(home.dir()).map_err(|error| journal_failure(&error, words))?;
    Ok((home, journals, Catalog::built_in()))
}
