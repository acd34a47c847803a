//! `venia-relay erase` and `venia-relay retention`: what they ask, and what they print.

use serde_json::json;
use venia_proto::encoding;
use venia_proto::id::SessionId;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::failures::said;
use crate::server::admin::{ListedErasure, Request};

/// Checks what was typed before anybody is asked.
pub(super) fn request(session: &str, parts: Vec<String>, words: &Words) -> Result<Request, Failure> {
    let hint = || words.say("relay-erase-hint", &[]);
    if session.parse::<SessionId>().is_err() {
        return Err(said(Exit::WrongUse, "session", words, words.say("relay-session-malformed", &[]), hint()));
    }
    if parts.iter().any(|part| encoding::hex::<32>(part).is_none()) {
        return Err(said(Exit::WrongUse, "part", words, words.say("relay-part-malformed", &[]), hint()));
    }
    Ok(Request::Erase { session: session.to_owned(), parts })
}

pub(super) fn erased(screen: &Screen, session: &str) -> Result<(), Failure> {
    if screen.json() {
        return screen.object(&json!({ "erased": session }));
    }
    screen.line(&screen.words().say("relay-erased", &[("session", &session)]))
}

pub(super) fn list(screen: &Screen, erasures: &[ListedErasure]) -> Result<(), Failure> {
    if screen.json() {
        return screen.object(&json!({ "erasures": erasures }));
    }
    let words = screen.words();
    if erasures.is_empty() {
        screen.note(&words.say("relay-no-erasures", &[]));
    }
    for ListedErasure { session, at, parts, members } in erasures {
        let (at, n) = (at.to_string(), parts.as_ref().map_or(0, Vec::len));
        screen.line(&match parts {
            None => words.say("relay-erasure-all", &[("at", &at), ("session", session)]),
            Some(_) => words.say("relay-erasure-parts", &[("at", &at), ("session", session), ("n", &n)]),
        })?;
        for member in members {
            let id = if member.deleted { "relay-erasure-deleted" } else { "relay-erasure-waiting" };
            screen.line(&words.say(id, &[("name", &member.name)]))?;
        }
    }
    Ok(())
}

pub(super) fn retention(screen: &Screen, days: Option<u32>) -> Result<(), Failure> {
    if screen.json() {
        return screen.object(&json!({ "days": days }));
    }
    let words = screen.words();
    screen.line(&match days {
        Some(days) => words.say("relay-retention-days", &[("days", &days)]),
        None => words.say("relay-retention-forever", &[]),
    })
}
