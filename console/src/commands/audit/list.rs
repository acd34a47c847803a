//! `venia audit list`: sessions by their headers, or counted by day, week or month.

use std::collections::BTreeMap;

use serde_json::json;
use venia_proto::ledger::body::ItemId;
use venia_proto::now::Wall;
use venia_relay::client::home::HomeError;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::Screen;

use super::Log;
use crate::audit::export;
use crate::audit::index::Session;
use crate::audit::search::{self, Query};
use crate::cli::{Filters, Period};
use crate::trouble;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) fn run(
    logs: &[Log],
    by: Option<Period>,
    filters: &Filters,
    query: Option<&Query>,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let mut sessions: Vec<&Session> = Vec::new();
    for log in logs {
        let mut said = Said::new(log, filters, query);
        for session in log.copy.sessions.values().filter(|session| fits(session, filters)) {
            if said.fits(session).map_err(|error| trouble::folder(&error, screen.words()))? {
                sessions.push(session);
            }
        }
    }
    sessions.sort_by_key(|session| session.opened);
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

/// The conditions that only words can meet.
pub(super) struct Said<'a> {
    log: &'a Log,
    item: Option<ItemId>,
    query: Option<&'a Query>,
    buffer: String,
}

impl<'a> Said<'a> {
    pub(super) fn new(log: &'a Log, filters: &Filters, query: Option<&'a Query>) -> Self {
        Self { log, item: filters.item.clone().map(ItemId), query, buffer: String::new() }
    }

    /// Whether a session's words are such. Each of several words may stand in another entry.
    pub(super) fn fits(&mut self, session: &Session) -> Result<bool, HomeError> {
        if self.item.is_none() && self.query.is_none() {
            return Ok(true);
        }
        let Some(kept) = self.log.words.read(&session.session)? else { return Ok(false) };
        let about = |item: &ItemId| kept.records().any(|record| search::is_about(&record, item));
        let buffer = &mut self.buffer;
        Ok(self.item.as_ref().is_none_or(about) && self.query.is_none_or(|query| query.all_in(kept.records(), buffer)))
    }
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

/// Why it ended, as its event says it.
fn ended(session: &Session) -> Option<String> {
    let cause = serde_json::to_value(session.ended?).ok()?;
    cause.as_str().map(str::to_owned)
}

/// A session's flags as words.
pub(super) fn flags(session: &Session) -> String {
    session.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" ")
}

fn counted(sessions: &[&Session], period: Period, screen: &Screen) -> Result<(), Failure> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for session in sessions {
        let count = counts.entry(begin(session.opened, period)).or_default();
        count.0 += 1;
        count.1 += u64::from(!session.flags.is_empty());
    }
    for (period, (count, flagged)) in counts {
        if screen.json() {
            screen.object(&json!({"from": period, "sessions": count, "flagged": flagged}))?;
        } else {
            let words = screen.words();
            screen.line(&words.say("audit-period", &[("from", &period), ("count", &count), ("flagged", &flagged)]))?;
        }
    }
    Ok(())
}

/// The first day of the period, or its month.
fn begin(at: i64, period: Period) -> String {
    let days = at.div_euclid(DAY_MS);
    // 1970-01-01 was a Thursday.
    let monday = days - (days + 3).rem_euclid(7);
    let (days, letters) = match period {
        Period::Day => (days, 10),
        Period::Week => (monday, 10),
        Period::Month => (days, 7),
    };
    Wall::from_ms(days * DAY_MS).to_string().chars().take(letters).collect()
}

/// Whether a session's headers are such.
pub(super) fn fits(session: &Session, filters: &Filters) -> bool {
    let opened = if filters.from.is_some() || filters.to.is_some() {
        Wall::from_ms(session.opened).to_string()
    } else {
        String::new()
    };
    filters.technician.as_ref().is_none_or(|key| session.joined.iter().any(|joined| joined.starts_with(key)))
        && filters.agent.as_ref().is_none_or(|key| session.agent.starts_with(key))
        && filters.kind.is_none_or(|kind| session.kinds.contains_key(kind.as_str()))
        && filters.outcome.as_ref().is_none_or(|cause| ended(session).as_ref() == Some(cause))
        && filters.from.as_ref().is_none_or(|from| opened >= *from)
        && filters.to.as_ref().is_none_or(|to| opened.get(..to.len()).is_some_and(|day| day <= to.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_on_days_mondays_and_months() {
        let at = "2026-11-22T23:59:59.999Z".parse::<Wall>().unwrap().ms();
        let begins = |at| [Period::Day, Period::Week, Period::Month].map(|period| begin(at, period));
        assert_eq!(begins(at), ["2026-11-22", "2026-11-16", "2026-11"], "a Sunday");
        assert_eq!(begins(at + 1), ["2026-11-23", "2026-11-23", "2026-11"], "a Monday");
    }

    #[test]
    fn both_ends_of_a_span_count() {
        let at = "2026-11-22T23:59:59.999Z".parse::<Wall>().unwrap().ms();
        let session = Session::new("0".repeat(32), "device-x+0+0".to_owned(), at);
        let fits = |from: &str, to: &str| {
            let (from, to) = (Some(from.to_owned()), Some(to.to_owned()));
            super::fits(&session, &Filters { from, to, ..Filters::default() })
        };
        assert!(fits("2026-11-22", "2026-11-22"));
        assert!(!fits("2026-11-23", "2026-11-23"));
        assert!(!fits("2026-11-21", "2026-11-21"));
    }
}
