//! Which sessions are meant, by their headers and their words, and into which period each falls.

use std::collections::BTreeMap;

use venia_proto::ledger::body::ItemId;
use venia_proto::now::Wall;
use venia_relay::client::home::HomeError;

use super::desk::Log;
use super::index::Session;
use super::search::{self, Query};
use crate::cli::{Filters, Period};

/// A day, in milliseconds.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The sessions that are meant, the oldest first.
pub(crate) fn chosen<'a>(
    logs: &'a [Log],
    filters: &Filters,
    query: Option<&Query>,
) -> Result<Vec<(&'a Log, &'a Session)>, HomeError> {
    let mut sessions = Vec::new();
    for log in logs {
        let mut said = Said::new(log, filters, query);
        for session in log.copy.sessions.values().filter(|session| fits(session, filters)) {
            if said.fits(session)? {
                sessions.push((log, session));
            }
        }
    }
    sessions.sort_by_key(|(_, session)| session.opened);
    Ok(sessions)
}

/// By the first day of each period: how many sessions, and how many of them have a flag.
pub(crate) fn counted(sessions: &[&Session], period: Period) -> BTreeMap<String, (u64, u64)> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for session in sessions {
        let count = counts.entry(begin(session.opened, period)).or_default();
        count.0 += 1;
        count.1 += u64::from(!session.flags.is_empty());
    }
    counts
}

/// The conditions that only words can meet.
pub(crate) struct Said<'a> {
    log: &'a Log,
    item: Option<ItemId>,
    query: Option<&'a Query>,
    buffer: String,
}

impl<'a> Said<'a> {
    pub(crate) fn new(log: &'a Log, filters: &Filters, query: Option<&'a Query>) -> Self {
        Self { log, item: filters.item.clone().map(ItemId), query, buffer: String::new() }
    }

    /// Whether a session's words are such. Each of several words may stand in another entry.
    pub(crate) fn fits(&mut self, session: &Session) -> Result<bool, HomeError> {
        if self.item.is_none() && self.query.is_none() {
            return Ok(true);
        }
        let Some(kept) = self.log.words.read(&session.session)? else { return Ok(false) };
        let about = |item: &ItemId| kept.records().any(|record| search::is_about(&record, item));
        let buffer = &mut self.buffer;
        Ok(self.item.as_ref().is_none_or(about) && self.query.is_none_or(|query| query.all_in(kept.records(), buffer)))
    }
}

/// Why it ended, as its event says it.
pub(crate) fn ended(session: &Session) -> Option<String> {
    let cause = serde_json::to_value(session.ended?).ok()?;
    cause.as_str().map(str::to_owned)
}

/// A session's flags as words.
pub(crate) fn flags(session: &Session) -> String {
    session.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" ")
}

/// The first day of the period, or its month.
pub(crate) fn begin(at: i64, period: Period) -> String {
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

/// The first and the last day of a period that [`begin`] named.
pub(crate) fn span(begun: &str, period: Period) -> Option<(String, String)> {
    let first = match period {
        Period::Day | Period::Week => begun.to_owned(),
        Period::Month => format!("{begun}-01"),
    };
    let at = format!("{first}T00:00:00.000Z").parse::<Wall>().ok()?.ms();
    let days = match period {
        Period::Day => 1,
        Period::Week => 7,
        // The day before the next month begins; no month has more than 31.
        Period::Month => (1..=31).find(|days| begin(at + days * DAY_MS, Period::Month) != begun)?,
    };
    Some((first, begin(at + (days - 1) * DAY_MS, Period::Day)))
}

/// Whether a session's headers are such.
pub(crate) fn fits(session: &Session, filters: &Filters) -> bool {
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
