//! `venia audit search`: where words were said. The relay never hears them.

use serde_json::json;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::{Ink, Screen};

use crate::audit::desk::Log;
use crate::audit::index::Session;
use crate::audit::looking::{self, Found};
use crate::audit::search::Query;
use crate::audit::telling;
use crate::cli::Filters;
use crate::trouble;

pub(super) fn run(logs: &[Log], query: &Query, filters: &Filters, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let looked = looking::through(logs, query, filters).map_err(|error| trouble::folder(&error, words))?;
    let (mut places, sessions) = (0_u64, looked.found.len() as u64);
    for (session, found) in &looked.found {
        places += found.len() as u64;
        tell(session, found, screen)?;
    }
    let through = &looked.through;
    screen
        .note(&words.say("audit-places", &[("places", &places), ("sessions", &sessions), ("parts", &through.opened)]));
    for (id, count) in through.closed() {
        if count > 0 {
            screen.note(&words.say(id, &[("count", &count)]));
        }
    }
    Ok(Exit::Done)
}

fn tell(session: &Session, found: &[Found], screen: &Screen) -> Result<(), Failure> {
    let words = screen.words();
    if !screen.json() {
        let title = words.say("audit-found-in", &[("session", &session.session)]);
        screen.line(&screen.style().ink(Ink::Strong, &title))?;
    }
    for Found { entry, time, kind, snippet } in found {
        if screen.json() {
            screen.object(&json!({
                "session": session.session, "entry": entry, "kind": kind.to_string(),
                "time": time, "snippet": snippet.raw(),
            }))?;
            continue;
        }
        let (time, kind) = (time.to_string(), telling::kind(*kind, words));
        screen.line(
            &words.say("audit-found", &[("entry", entry), ("time", &time), ("kind", &kind), ("snippet", snippet)]),
        )?;
    }
    Ok(())
}
