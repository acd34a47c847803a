//! `venia audit verify`: the whole log, or what is new in it.

use serde_json::json;
use venia_proto::id::SessionId;
use venia_proto::ledger::looking::Look;
use venia_proto::ledger::notice::Looking;
use venia_relay::walking;
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use super::desk::Desk;
use crate::audit::check::{self, Unproven, Verified, Wish};
use crate::audit::desk::{self, Log};
use crate::audit::index::Session;
use crate::audit::mirror::Mirror;
use crate::audit::replay::{Judged, Replay};
use crate::{clock, trouble};

/// What is asked of a verification.
pub(super) struct Asked {
    pub(super) since_last: bool,
    /// Open the words first.
    pub(super) words: bool,
    pub(super) jobs: Option<u16>,
}

pub(super) fn run(asked: Asked, offline: bool, common: &Common, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let Asked { since_last, words: opening, jobs } = asked;
    let desk = Desk::open(common, screen)?;
    // Two looks: who reads the log finds that words were opened, not only that signatures were checked.
    let looks: &[Look] = match opening {
        true => &[(Looking::Verify, None), (Looking::Search, None)],
        false => &[(Looking::Verify, None)],
    };
    let all = |_: &Session| true;
    let only: Option<&dyn Fn(&Session) -> bool> = if opening { Some(&all) } else { None };
    let logs: Vec<Log> = if offline {
        let bare = Mirror::bare(desk.member().home.dir()).map_err(|error| trouble::copy(&error, words))?;
        let now = clock::now().wall;
        let logs = desk::something(bare, words)?.into_iter().map(|copy| Log::open(copy, Some(now)));
        logs.collect::<Result<_, _>>().map_err(|error| trouble::folder(&error, words))?
    } else {
        desk.logs(false, looks, only)?
    };
    let stop = walking::interrupted().map_err(|error| trouble::copy(&error.into(), words))?;
    // A log that is broken says nothing about the others: all are judged.
    let (mut exit, mut unread) = (Exit::Done, None);
    for Log { copy, words: heard } in logs {
        if copy.is_pruned() {
            pruned(&copy, screen)?;
            continue;
        }
        let copy = &copy.without_sessions();
        let replay = Replay::new(heard);
        let progress = screen.progress(words.say("audit-verifying", &[("done", &0_u64), ("size", &0_u64)]));
        let told = |done: u64, size: u64| {
            progress.say(words.say("audit-verifying", &[("done", &done), ("size", &size)]));
        };
        let seen = check::pinned(desk.member(), copy).map_err(|error| trouble::folder(&error, words))?;
        let seen: Vec<_> = seen.into_iter().collect();
        let root = &desk.member().root;
        let jobs = jobs.map_or_else(walking::cores, usize::from);
        let verified =
            check::verify(copy, &Wish { root, since_last, jobs, seen: &seen, stop: &stop, replay: &replay }, told);
        drop(progress);
        match verified {
            Ok(verified) => tell(&verified, copy, since_last, replay.judged(), &desk, screen)?,
            Err(Unproven::Mirror(error)) => unread = unread.or_else(|| Some(trouble::copy(&error, words))),
            Err(Unproven::Stopped(at)) => {
                let hint = words.say("audit-stopped-hint", &[]);
                let stopped = trouble::cannot_tell("stopped", words.say("audit-stopped", &[("at", &at)]), hint, words);
                return Err(after(exit, stopped));
            }
            Err(Unproven::Broken { entry, session, why }) => {
                broken(copy, (entry, session, &why), screen)?;
                exit = Exit::Refused;
            }
        }
    }
    unread.map_or(Ok(exit), |unread| Err(after(exit, unread)))
}

/// What was found broken before counts, whatever can't be told of the rest.
fn after(exit: Exit, failure: Failure) -> Failure {
    if exit == Exit::Refused { Failure { exit, ..failure } } else { failure }
}

/// A log that doesn't hold, and where.
fn broken(copy: &Mirror, at: (u64, Option<SessionId>, &str), screen: &Screen) -> Result<(), Failure> {
    let (words, log) = (screen.words(), copy.key.name.to_string());
    let (entry, session, why) = (at.0, at.1.map(|session| session.to_string()), at.2);
    if screen.json() {
        return screen.object(&json!({
            "verdict": "broken", "log": log, "at": entry, "session": session, "why": why, "outlives": copy.state.closed,
        }));
    }
    screen.line(&match &session {
        Some(session) => words.say("audit-broken", &[("at", &entry), ("session", session), ("why", &why)]),
        None => words.say("verify-broken-entry", &[("at", &entry), ("why", &why)]),
    })
}

fn tell(
    verified: &Verified,
    copy: &Mirror,
    since_last: bool,
    rules: Judged,
    desk: &Desk<'_>,
    screen: &Screen,
) -> Result<(), Failure> {
    let words = screen.words();
    let log = copy.key.name.to_string();
    let freshness = check::freshness(copy, &desk.member().root);
    let Verified { entries, from, resumed, sessions, holes } = verified;
    if screen.json() {
        let silences: Vec<_> = holes.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
        return screen.object(&json!({
            "verdict": "intact", "log": log, "entries": entries, "sessions": sessions, "gaps": silences,
            "since_last": since_last, "from": from, "resumed": resumed, "root": desk.member().root.to_string(),
            "rules": {
                "with_words": rules.with_words, "in_part": rules.in_part, "clear_fields_only": rules.without,
            },
            "outlives": copy.state.closed, "pruned": copy.pruned_at(),
            "witnessed": freshness.map(|found| found.witnessed),
            "observed": freshness.and_then(|found| found.observed),
        }));
    }
    if resumed > from {
        screen.note(&words.say("audit-resumed", &[("at", resumed)]));
    }
    if *from > 0 {
        screen.note(&words.say("audit-since", &[("at", from)]));
    }
    screen.line(&words.say("audit-intact", &[("log", &log), ("entries", entries), ("sessions", sessions)]))?;
    screen.line(
        &words.say(
            "audit-judged",
            &[("words", &rules.with_words), ("part", &rules.in_part), ("without", &rules.without)],
        ),
    )?;
    for (from, to) in holes {
        let (from, to) = (from.to_string(), to.to_string());
        screen.line(&words.say("audit-gap", &[("from", &from), ("to", &to)]))?;
    }
    if holes.is_empty() {
        screen.line(&words.say("audit-no-gaps", &[]))?;
    }
    if let Some(closed) = copy.state.closed {
        screen.line(&words.say("audit-outlives", &[("log", &log), ("closed", &closed)]))?;
    }
    if let Some(entries) = copy.pruned_at() {
        screen.line(&words.say("audit-pruned-rest", &[("log", &log), ("entries", &entries)]))?;
    }
    if let Some(found) = freshness {
        screen.line(&found.say(words))?;
    }
    Ok(())
}

/// A log of which the relay keeps the root alone: nothing else can be said of it.
fn pruned(copy: &Mirror, screen: &Screen) -> Result<(), Failure> {
    let (log, entries) = (copy.key.name.to_string(), copy.state.pruned);
    if screen.json() {
        return screen.object(&json!({"verdict": "pruned", "log": log, "entries": entries}));
    }
    screen.line(&screen.words().say("audit-pruned", &[("log", &log), ("entries", &entries)]))
}
