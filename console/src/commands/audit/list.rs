//! `venia audit list`: sessions by their headers, or counted by day, week or month.

use serde_json::json;
use venia_proto::now::Wall;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use crate::audit::desk::Log;
use crate::audit::export;
use crate::audit::index::Session;
use crate::audit::listing::{self, ended, flags};
use crate::audit::search::Query;
use crate::cli::{Filters, Period};
use crate::trouble;

pub(super) fn run(
    logs: &[Log],
    by: Option<Period>,
    filters: &Filters,
    query: Option<&Query>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let chosen = listing::chosen(logs, filters, query).map_err(|error| trouble::folder(&error, screen.words()))?;
    let sessions: Vec<&Session> = chosen.into_iter().map(|(_, session)| session).collect();
    match by {
        None => sessions.iter().try_for_each(|session| one(session, screen))?,
        Some(period) => counted(&sessions, period, screen)?,
    }
    if !screen.json() {
        let count = sessions.len() as u64;
        screen.note(&screen.words().say("audit-listed", &[("count", &count)]));
    }
    Ok(Exit::Done)
}

fn one(session: &Session, screen: &Screen) -> Result<(), Failure> {
    if screen.json() {
        return screen.object(&export::line(session));
    }
    let words = screen.words();
    let opened = Wall::from_ms(session.opened).to_string();
    let joined = session.joined.join(", ");
    let ended = ended(session).unwrap_or_else(|| "-".to_owned());
    let (events, flags) = (session.events.len() as u64, flags(session));
    screen.line(&words.say(
        "audit-session",
        &[
            ("session", &session.session),
            ("opened", &opened),
            ("joined", &joined),
            ("ended", &ended),
            ("events", &events),
            ("flags", &flags),
        ],
    ))
}

fn counted(sessions: &[&Session], period: Period, screen: &Screen) -> Result<(), Failure> {
    for (period, (count, flagged)) in listing::counted(sessions, period) {
        if screen.json() {
            screen.object(&json!({"from": period, "sessions": count, "flagged": flagged}))?;
        } else {
            let words = screen.words();
            screen.line(&words.say("audit-period", &[("from", &period), ("count", &count), ("flagged", &flagged)]))?;
        }
    }
    Ok(())
}
