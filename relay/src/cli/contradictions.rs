//! `venia-relay evidence`: what it asks, what it prints, and the file it writes.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::failures::said;
use crate::server::admin::{ListedContradiction, Reply, Request};

/// Checks what was typed before anybody is asked.
pub(super) fn request(session: &str, number: Option<usize>, words: &Words) -> Result<Request, Failure> {
    if session.parse::<SessionId>().is_err() {
        let hint = words.say("relay-evidence-hint", &[]);
        return Err(said(Exit::WrongUse, "session", words, words.say("relay-session-malformed", &[]), hint));
    }
    Ok(Request::EvidenceFile { session: session.to_owned(), number })
}

pub(super) fn list(screen: &Screen, evidence: &[ListedContradiction]) -> Result<(), Failure> {
    if screen.json() {
        return screen.object(&json!({ "evidence": evidence }));
    }
    let words = screen.words();
    if evidence.is_empty() {
        screen.note(&words.say("relay-no-evidence", &[]));
    }
    for ListedContradiction { session, number, author, seq, at } in evidence {
        let at = at.to_string();
        screen.line(&words.say(
            "relay-evidence-line",
            &[("at", &at), ("session", session), ("number", number), ("author", author), ("seq", seq)],
        ))?;
    }
    Ok(())
}

/// Writes the file, and never over another one.
pub(super) fn write(screen: &Screen, reply: &Reply, file: &Path) -> Result<(), Failure> {
    let Reply::EvidenceFile { session, text, of } = reply else { return super::tell(screen, reply) };
    let words = screen.words();
    let shown = Foreign::new(file.to_string_lossy());
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = written.and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()));
    written.map_err(|error| {
        let why = error.to_string();
        let message = words.say("relay-evidence-unwritten", &[("file", &shown), ("why", &why)]);
        said(Exit::Refused, "file", words, message, words.say("relay-evidence-unwritten-hint", &[]))
    })?;
    if screen.json() {
        return screen.object(&json!({ "session": session, "file": file.to_string_lossy(), "of": of }));
    }
    if *of > 1 {
        screen.note(&words.say("relay-evidence-more", &[("of", of)]));
    }
    screen.line(&words.say("relay-evidence-written", &[("file", &shown)]))
}
