//! What a page's address asks for: the filters of the command line, words, a period. Pure, and the same both ways: a page's
//! address says all that is on it.

use venia_proto::ledger::kind::KindName;
use venia_ui::page::Fields;
use venia_ui::words::Words;

use crate::audit::listing;
use crate::audit::search::{Query, QueryError};
use crate::cli::{Filters, Period, day};

/// Longest filter, in characters: no key, item or day is longer.
const FILTER_MAX: usize = 200;
/// Longest line of words, in characters.
const WORDS_MAX: usize = 4_000;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) by: Option<Period>,
    pub(super) filters: Filters,
    /// As typed; empty for none.
    pub(super) words: String,
    /// The same, to look for.
    pub(super) query: Option<Query>,
    /// The page of the list, from zero.
    pub(super) sheet: usize,
}

/// A field nobody can look by. Nothing is listed then: a filter that is left out would show more than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The field with this name.
    Field(&'static str),
    /// The words.
    Words(QueryError),
}

impl Wrong {
    /// The same as a sentence.
    pub(super) fn say(self, words: &Words) -> String {
        match self {
            Self::Field(field) => words.say("auditing-wrong", &[("field", &field)]),
            Self::Words(error) => error.say(words),
        }
    }
}

impl Asked {
    /// Reads an address's query. Empty fields ask for nothing.
    pub(super) fn read(query: &Fields) -> Result<Self, Wrong> {
        let given = |name: &'static str| -> Result<Option<String>, Wrong> {
            let value = query.get(name).map(str::trim).filter(|value| !value.is_empty());
            match value {
                Some(value) if value.chars().nth(FILTER_MAX).is_some() => Err(Wrong::Field(name)),
                value => Ok(value.map(str::to_owned)),
            }
        };
        let date = |name: &'static str| match given(name)? {
            Some(value) => day(&value).map(Some).map_err(|_| Wrong::Field(name)),
            None => Ok(None),
        };
        let kind = match given("kind")? {
            Some(value) => Some(value.parse::<KindName>().map_err(|_| Wrong::Field("kind"))?),
            None => None,
        };
        let by = match given("by")?.as_deref() {
            None => None,
            Some("day") => Some(Period::Day),
            Some("week") => Some(Period::Week),
            Some("month") => Some(Period::Month),
            Some(_) => return Err(Wrong::Field("by")),
        };
        let sheet = match given("sheet")? {
            Some(value) => value.parse().map_err(|_| Wrong::Field("sheet"))?,
            None => 0,
        };
        let words = query.get("word").unwrap_or("").trim().to_owned();
        if words.chars().nth(WORDS_MAX).is_some() {
            return Err(Wrong::Words(QueryError::TooLong));
        }
        let query = match words.is_empty() {
            true => None,
            false => Some(Query::new([words.as_str()]).map_err(Wrong::Words)?),
        };
        let filters = Filters {
            technician: given("technician")?,
            agent: given("agent")?,
            kind,
            item: given("item")?,
            outcome: given("outcome")?,
            from: date("from")?,
            to: date("to")?,
        };
        Ok(Self { by, filters, words, query, sheet })
    }

    /// Whether only words can meet what is asked.
    pub(super) fn needs_words(&self) -> bool {
        self.query.is_some() || self.filters.item.is_some()
    }

    /// Where this is found again, below `path`.
    pub(super) fn at(&self, path: &str) -> String {
        let Filters { technician, agent, kind, item, outcome, from, to } = &self.filters;
        let sheet = self.sheet.to_string();
        let pairs = [
            ("by", self.by.map(period)),
            ("word", Some(self.words.as_str())),
            ("technician", technician.as_deref()),
            ("agent", agent.as_deref()),
            ("kind", kind.map(KindName::as_str)),
            ("item", item.as_deref()),
            ("outcome", outcome.as_deref()),
            ("from", from.as_deref()),
            ("to", to.as_deref()),
            ("sheet", Some(sheet.as_str()).filter(|_| self.sheet > 0)),
        ];
        let given =
            pairs.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
        let query = Fields::write(given);
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The same, listed instead of counted, in this period alone.
    pub(super) fn within(&self, begin: &str) -> Self {
        let mut asked = Self { by: None, sheet: 0, ..self.clone() };
        if let Some((from, to)) = self.by.and_then(|by| listing::span(begin, by)) {
            // A filter of the person's own goes on holding.
            let later = |a: Option<String>, b: String| a.filter(|a| *a > b).unwrap_or(b);
            let earlier = |a: Option<String>, b: String| a.filter(|a| *a < b).unwrap_or(b);
            asked.filters.from = Some(later(asked.filters.from, from));
            asked.filters.to = Some(earlier(asked.filters.to, to));
        }
        asked
    }
}

/// A period's name in an address.
pub(super) fn period(period: Period) -> &'static str {
    match period {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Asked, Wrong> {
        Asked::read(&Fields::read(query.as_bytes()))
    }

    #[test]
    fn an_address_says_all_that_was_asked() {
        for query in [
            "",
            "by=week",
            "by=month&word=camión+azul&technician=member-a%2B1&agent=device-b&kind=consent&item=system.memory\
             &outcome=done&from=2026-11-01&to=2026-11-30&sheet=3",
            "word=%22%3E%3Cscript%3E+%26+%E2%80%AE",
        ] {
            let asked = read(query).unwrap();
            let again = asked.at("/");
            let once_more = read(again.split_once('?').map_or("", |(_, query)| query)).unwrap();
            assert_eq!(format!("{asked:?}"), format!("{once_more:?}"), "{query}");
            assert!(again.is_ascii() && !again.contains(['<', '"', ' ']), "{again}");
        }
        assert_eq!(read("by=&kind=&from=&word=+&sheet=0").unwrap().at("/"), "/");
    }

    #[test]
    fn what_cant_be_looked_by_is_refused_and_never_left_out() {
        for (query, field) in [
            ("by=year", "by"),
            ("kind=gossip", "kind"),
            ("from=2026-13-01", "from"),
            ("to=yesterday", "to"),
            ("sheet=-1", "sheet"),
        ] {
            assert_eq!(read(query).unwrap_err(), Wrong::Field(field), "{query}");
        }
        let long = |n: usize| read(&format!("item={}", "x".repeat(n))).is_ok();
        assert_eq!([long(FILTER_MAX - 1), long(FILTER_MAX), long(FILTER_MAX + 1)], [true, true, false]);
        assert!(matches!(read(&format!("word={}", "a+".repeat(17))), Err(Wrong::Words(QueryError::TooMany))));
    }

    #[test]
    fn a_period_is_a_span_and_own_limits_stay() {
        let within = |query: &str, begin: &str| {
            let asked = read(query).unwrap().within(begin);
            (asked.filters.from.unwrap(), asked.filters.to.unwrap())
        };
        let span = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(within("by=day", "2026-11-22"), span("2026-11-22", "2026-11-22"));
        assert_eq!(within("by=week", "2026-12-28"), span("2026-12-28", "2027-01-03"));
        assert_eq!(within("by=month", "2026-12"), span("2026-12-01", "2026-12-31"));
        assert_eq!(within("by=month", "2028-02"), span("2028-02-01", "2028-02-29"), "a leap year");
        assert_eq!(
            within("by=month&from=2026-12-10&to=2026-12-20", "2026-12"),
            span("2026-12-10", "2026-12-20"),
            "the person's own"
        );
    }
}
