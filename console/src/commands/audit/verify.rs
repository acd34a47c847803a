//! `venia audit verify`: the whole log, or what is new in it.

use serde_json::json;
use venia_proto::encoding;
use venia_proto::ledger::merkle::Hash;
use venia_proto::ledger::note::NOTE_MAX;
use venia_proto::ledger::notice::Looking;
use venia_proto::ledger::pin::Pin;
use venia_relay::walking;
use venia_ui::cli::Common;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use super::{Desk, fresh, mirror, something};
use crate::audit::check::{self, Unproven, Verified, Wish};
use crate::audit::mirror::Mirror;
use crate::membership::Membership;
use crate::trouble;

pub(super) fn run(
    since_last: bool,
    jobs: Option<u16>,
    offline: bool,
    common: &Common,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let words = screen.words();
    let desk = Desk::open(common, screen)?;
    let copies = if offline {
        let bare = Mirror::bare(desk.member.home.dir()).map_err(|error| mirror(&error, words))?;
        something(bare, words)?
    } else {
        desk.mirrors(false, Looking::Verify, None)?.into_iter().map(Mirror::without_sessions).collect()
    };
    let stop = walking::interrupted().map_err(|error| mirror(&error.into(), words))?;
    for copy in &copies {
        let progress = screen.progress(words.say("audit-verifying", &[("done", &0_u64), ("size", &0_u64)]));
        let told = |done: u64, size: u64| {
            progress.say(words.say("audit-verifying", &[("done", &done), ("size", &size)]));
        };
        let seen: Vec<_> = pinned(&desk.member, copy).into_iter().collect();
        let root = &desk.member.root;
        let jobs = jobs.map_or_else(walking::cores, usize::from);
        let verified = check::verify(copy, &Wish { root, since_last, jobs, seen: &seen, stop: &stop }, told);
        drop(progress);
        match verified {
            Ok(verified) => tell(&verified, copy, since_last, &desk.member, screen)?,
            Err(Unproven::Mirror(error)) => return Err(mirror(&error, words)),
            Err(Unproven::Stopped(at)) => {
                let hint = words.say("audit-stopped-hint", &[]);
                return Err(trouble::cannot_tell("stopped", words.say("audit-stopped", &[("at", &at)]), hint, words));
            }
            Err(Unproven::Broken { entry, session, why }) => {
                let session = session.map(|session| session.to_string());
                if screen.json() {
                    let log = copy.key.name.to_string();
                    screen.object(
                        &json!({"verdict": "broken", "log": log, "at": entry, "session": session, "why": why}),
                    )?;
                    return Ok(Exit::Refused);
                }
                screen.line(&match &session {
                    Some(session) => words.say("audit-broken", &[("at", &entry), ("session", session), ("why", &why)]),
                    None => words.say("verify-broken-entry", &[("at", &entry), ("why", &why)]),
                })?;
                return Ok(Exit::Refused);
            }
        }
    }
    Ok(Exit::Done)
}

fn tell(
    verified: &Verified,
    copy: &Mirror,
    since_last: bool,
    member: &Membership,
    screen: &Screen,
) -> Result<(), Failure> {
    let words = screen.words();
    let log = copy.key.name.to_string();
    let freshness = check::freshness(copy, &member.root);
    let Verified { entries, from, resumed, sessions, holes } = verified;
    if screen.json() {
        let silences: Vec<_> = holes.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
        return screen.object(&json!({
            "verdict": "intact", "log": log, "entries": entries, "sessions": sessions, "gaps": silences,
            "since_last": since_last, "from": from, "resumed": resumed, "root": member.root.to_string(),
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
    for (from, to) in holes {
        let (from, to) = (from.to_string(), to.to_string());
        screen.line(&words.say("audit-gap", &[("from", &from), ("to", &to)]))?;
    }
    if holes.is_empty() {
        screen.line(&words.say("audit-no-gaps", &[]))?;
    }
    if let Some(found) = freshness {
        screen.line(&fresh(&found, words))?;
    }
    Ok(())
}

/// The tree this member's own sessions were shown last: an auditor who also helps people holds the log to it.
fn pinned(member: &Membership, copy: &Mirror) -> Option<(u64, Hash)> {
    let note = member.home.read(&format!("checkpoint-{}", encoding::to_hex(&copy.key.id())), NOTE_MAX).ok()??;
    let pin = Pin::new(&note, &copy.key).ok()?;
    Some((pin.checkpoint().size, pin.checkpoint().root))
}
