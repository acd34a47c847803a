//! How sessions, answers, waiting and ratings went over time. Pure but for [`Facts::of`], which reads this computer's copy.
//!
//! What isn't here isn't counted as nothing: a rating whose words are closed is counted as one that can't be read.

use std::collections::BTreeMap;

use venia_proto::ledger::body::Body;
use venia_proto::ledger::flag::HASTY_MS;
use venia_proto::ledger::kind::{Answer, Kind, KindName};
use venia_proto::now::Wall;

use crate::audit::check::event_at;
use crate::audit::desk::Log;
use crate::audit::index::Session;
use crate::audit::listing::{DAY_MS, begin};
use crate::audit::mirror::MirrorError;
use crate::audit::words::Heard;
use crate::cli::Period;

/// Longest span whose empty periods are shown too, in days: 50 years. A log with a wrong time in it mustn't cost memory.
const SPAN_DAYS_MAX: i64 = 50 * 366;

/// What one session adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The relay's time of its beginning.
    pub(super) opened: i64,
    /// Answers, and the milliseconds each took.
    pub(super) answers: Vec<(Answer, u64)>,
    /// Runs that the person's program refused by itself or for the person.
    pub(super) refused: u64,
    /// Milliseconds from the beginning until somebody arrived, by the one clock of the agent.
    pub(super) waited: Option<u64>,
    /// Ratings that can be read.
    pub(super) stars: Vec<u8>,
    /// Additions after the end whose words aren't here: ratings may be among them.
    pub(super) unread: u64,
}

/// What a period's sessions add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) sessions: u64,
    pub(super) allowed: u64,
    pub(super) denied: u64,
    pub(super) unanswered: u64,
    pub(super) refused: u64,
    /// A yes within less than a second.
    pub(super) hasty: u64,
    /// Of yes and no, in milliseconds; silence took as long as silence takes.
    took: Vec<u64>,
    waited: Vec<u64>,
    stars: Vec<u64>,
    pub(super) unread: u64,
}

impl Facts {
    /// Reads them from the copy: headers, and the words of additions where they are here.
    pub(super) fn of(log: &Log, session: &Session) -> Result<Self, MirrorError> {
        let mut facts = Self {
            opened: session.opened,
            answers: session.answers.clone(),
            refused: session.kinds.get(KindName::Refuse.as_str()).copied().unwrap_or(0),
            ..Self::default()
        };
        if !session.joined.is_empty() {
            facts.waited = waited(log, session)?;
        }
        let added = session.kinds.get(KindName::Addendum.as_str()).copied().unwrap_or(0);
        if added > 0 {
            let kept = log.words.read(&session.session)?;
            let mut read = 0;
            for record in kept.iter().flat_map(|kept| kept.records()) {
                if record.kind != KindName::Addendum || !matches!(record.heard, Heard::Opened(_)) {
                    continue;
                }
                if let Ok(Body::Addendum(addendum)) = Body::decode(record.kind, record.plaintext) {
                    read += 1;
                    facts.stars.extend(addendum.stars);
                }
            }
            facts.unread = added.saturating_sub(read);
        }
        Ok(facts)
    }
}

/// From `open` to the first `join`: the agent writes both.
fn waited(log: &Log, session: &Session) -> Result<Option<u64>, MirrorError> {
    let file = log.copy.file()?;
    let mut opened: Option<Wall> = None;
    for place in &session.events {
        let event = event_at(&file, *place)?;
        let time = event.header().time;
        match (&event.header().kind, opened) {
            (Kind::Join { .. }, Some(opened)) => return Ok(u64::try_from(time.ms().saturating_sub(opened.ms())).ok()),
            (_, None) => opened = Some(time),
            (_, Some(_)) => {}
        }
    }
    Ok(None)
}

impl Sums {
    fn take(&mut self, facts: &Facts) {
        self.sessions += 1;
        self.refused += facts.refused;
        self.unread += facts.unread;
        self.waited.extend(facts.waited);
        self.stars.extend(facts.stars.iter().map(|stars| u64::from(*stars)));
        for (answer, took) in &facts.answers {
            match answer {
                Answer::Yes => {
                    self.allowed += 1;
                    self.hasty += u64::from(*took < HASTY_MS);
                    self.took.push(*took);
                }
                Answer::No => {
                    self.denied += 1;
                    self.took.push(*took);
                }
                Answer::Silence => self.unanswered += 1,
            }
        }
    }

    /// The middle answer time, in milliseconds.
    pub(super) fn took(&self) -> Option<u64> {
        median(&self.took)
    }

    /// The middle time until somebody arrived, in milliseconds.
    pub(super) fn waited(&self) -> Option<u64> {
        median(&self.waited)
    }

    /// Ratings that can be read.
    pub(super) fn ratings(&self) -> usize {
        self.stars.len()
    }

    /// Their average, in hundredths of a star.
    pub(super) fn stars(&self) -> Option<u64> {
        let sum: u64 = self.stars.iter().sum();
        (sum * 100).checked_div(self.stars.len() as u64)
    }
}

/// The middle one; of an even number the lower of the two in the middle, which somebody really took.
fn median(values: &[u64]) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// By the first day of each period, also of those without a session in between.
pub(super) fn by(facts: &[Facts], period: Period) -> BTreeMap<String, Sums> {
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    let opened = || facts.iter().map(|facts| facts.opened.div_euclid(DAY_MS));
    if let (Some(first), Some(last)) = (opened().min(), opened().max())
        && last.saturating_sub(first) <= SPAN_DAYS_MAX
    {
        sums.extend((first..=last).map(|day| (begin(day * DAY_MS, period), Sums::default())));
    }
    for one in facts {
        sums.entry(begin(one.opened, period)).or_default().take(one);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> i64 {
        format!("{day}T12:00:00.000Z").parse::<Wall>().unwrap().ms()
    }

    #[test]
    fn the_middle_of_none_one_even_and_odd() {
        for (values, middle) in
            [(&[][..], None), (&[7], Some(7)), (&[9, 1], Some(1)), (&[3, 1, 2], Some(2)), (&[4, 1, 3, 2], Some(2))]
        {
            assert_eq!(median(values), middle, "{values:?}");
        }
    }

    #[test]
    fn answers_waiting_and_ratings_add_up_by_period() {
        let answers = vec![
            (Answer::Yes, HASTY_MS - 1),
            (Answer::Yes, HASTY_MS),
            (Answer::Yes, HASTY_MS + 1),
            (Answer::No, 5_000),
            (Answer::Silence, 120_000),
        ];
        let first =
            Facts { opened: at("2026-11-22"), answers, refused: 2, waited: Some(40_000), stars: vec![5, 4], unread: 1 };
        let second = Facts { opened: at("2026-11-24"), waited: None, ..Facts::default() };
        let days = by(&[first.clone(), second.clone()], Period::Day);
        assert_eq!(days.keys().collect::<Vec<_>>(), ["2026-11-22", "2026-11-23", "2026-11-24"], "none is left out");
        let sums = &days["2026-11-22"];
        assert_eq!((sums.sessions, sums.allowed, sums.denied, sums.unanswered), (1, 3, 1, 1));
        assert_eq!((sums.refused, sums.hasty, sums.unread), (2, 1, 1));
        assert_eq!(sums.took(), Some(1_000), "of 999, 1000, 1001 and 5000; silence isn't an answer");
        assert_eq!((sums.waited(), sums.ratings(), sums.stars()), (Some(40_000), 2, Some(450)));
        let empty = &days["2026-11-23"];
        assert_eq!((empty.sessions, empty.took(), empty.waited(), empty.stars()), (0, None, None, None));
        let months = by(&[first, second], Period::Month);
        assert_eq!(months.len(), 1);
        assert_eq!(months["2026-11"].sessions, 2);
    }

    #[test]
    fn a_wrong_time_costs_no_memory() {
        let facts = |opened| Facts { opened, ..Facts::default() };
        let day = |n: i64| n * DAY_MS;
        let periods = |last: i64| by(&[facts(0), facts(day(last))], Period::Day).len() as i64;
        assert_eq!(periods(SPAN_DAYS_MAX - 1), SPAN_DAYS_MAX);
        assert_eq!(periods(SPAN_DAYS_MAX), SPAN_DAYS_MAX + 1);
        assert_eq!(periods(SPAN_DAYS_MAX + 1), 2);
    }
}
