//! One session, laid out for reading: each event in the order of the log, and beside it the question it rests on, as it was
//! shown, with the answer and how long that took. Pure.
//!
//! Nothing is left out because it can't be read: a part that is closed says why, a silence of the log stands where it was.

use std::collections::BTreeSet;

use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::{Body, Language};
use venia_proto::ledger::flag::Flag;
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::now::Wall;
use venia_ui::words::Words;

use crate::audit::index::Session;
use crate::audit::story::{Closed, Shown, Story, rests};
use crate::audit::telling::{Piece, Teller};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Something happened.
    Event(Box<Entry>),
    /// The log was silent without explanation.
    Silence(Wall, Wall),
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its index in the log.
    pub(super) entry: u64,
    /// Its author's time.
    pub(super) time: Wall,
    /// When the relay recorded it, where that is worth a look.
    pub(super) recorded: Option<Wall>,
    pub(super) author: String,
    /// What happened, from the clear fields alone.
    pub(super) what: String,
    /// The item a result or a refusal is about.
    pub(super) item: Option<Foreign>,
    /// The close that an addition is about.
    pub(super) about: Option<u64>,
    pub(super) pieces: Vec<Piece>,
    pub(super) closed: Option<Closed>,
    pub(super) flags: BTreeSet<Flag>,
    pub(super) beside: Vec<Beside>,
}

/// A question and its answer, beside what rests on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    /// The answer's index in the log.
    pub(super) entry: u64,
    /// What was answered and how long it took: at this PC, never by whom. (SECURITY H4)
    pub(super) said: String,
    /// A yes within less than a second.
    pub(super) hasty: bool,
    /// The exact text that was shown, and in which language.
    pub(super) shown: Option<(Foreign, Language)>,
    /// Why it isn't here.
    pub(super) closed: Option<Closed>,
}

/// The rows of a session. `silences`: of the whole log, by the relay's time.
pub(super) fn rows(story: &Story<'_>, session: &Session, silences: &[(i64, i64)], teller: &Teller<'_>) -> Vec<Row> {
    let first = session.opened;
    let last = story.all.iter().map(|shown| shown.place.observed).max().unwrap_or(first);
    // Only those while it was open; whatever the clocks of its authors said.
    let mut silent = silences.iter().filter(|(from, to)| *to >= first && *from <= last).copied().peekable();
    let mut rows = Vec::new();
    for shown in &story.all {
        while let Some((from, to)) = silent.next_if(|(_, to)| *to <= shown.place.observed) {
            rows.push(Row::Silence(Wall::from_ms(from), Wall::from_ms(to)));
        }
        rows.push(Row::Event(Box::new(entry(story, shown, teller))));
    }
    rows.extend(silent.map(|(from, to)| Row::Silence(Wall::from_ms(from), Wall::from_ms(to))));
    rows
}

fn entry(story: &Story<'_>, shown: &Shown<'_>, teller: &Teller<'_>) -> Entry {
    let header = shown.event.header();
    // Stories know what a refusal and a result are about, by the request or the admit they name.
    let about = story.items.get(&shown.event.leaf());
    let item = about.filter(|_| matches!(header.kind.name(), KindName::Result | KindName::Refuse));
    let close = if let Kind::Addendum { about, .. } = &header.kind { story.find(about) } else { None };
    let late = shown.flags.contains(&Flag::Late) || shown.flags.contains(&Flag::Clock);
    Entry {
        entry: shown.place.entry,
        time: header.time,
        recorded: late.then(|| Wall::from_ms(shown.place.observed)),
        author: header.author.to_string(),
        what: teller.what(&header.kind),
        item: item.map(|(item, _)| Foreign::new(item.0.as_str())),
        about: close.map(|close| close.place.entry),
        pieces: shown.body.iter().flat_map(|body| teller.body(body, about)).collect(),
        closed: shown.closed,
        flags: shown.flags.clone(),
        beside: answers(story, shown).into_iter().map(|answer| beside(answer, teller.words)).collect(),
    }
}

/// The answers an event rests on, or that were given to it.
fn answers<'s, 'a>(story: &'s Story<'a>, shown: &'s Shown<'a>) -> Vec<&'s Shown<'a>> {
    match &shown.event.header().kind {
        Kind::Admit { .. } | Kind::Result { .. } => story.grant(shown).into_iter().collect(),
        Kind::Series { admit, .. } | Kind::Redaction { admit } => {
            story.find(admit).and_then(|admit| story.grant(admit)).into_iter().collect()
        }
        Kind::Refuse { request, .. } => {
            story.find(request).map_or_else(Vec::new, |request| story.answers(request).collect())
        }
        Kind::Join { .. } | Kind::Request => story.answers(shown).collect(),
        Kind::Open { .. }
        | Kind::Consent { .. }
        | Kind::Chat
        | Kind::Note
        | Kind::Pause { .. }
        | Kind::Resume { .. }
        | Kind::Stop { .. }
        | Kind::Signoff { .. }
        | Kind::Close { .. }
        | Kind::Addendum { .. } => Vec::new(),
    }
}

fn beside(answer: &Shown<'_>, words: &Words) -> Beside {
    let shown = match &answer.body {
        Some(Body::Consent(consent)) => Some((Foreign::new(consent.text.as_str()), consent.language)),
        Some(_) | None => None,
    };
    Beside {
        entry: answer.place.entry,
        said: rests(answer, words),
        hasty: answer.flags.contains(&Flag::Hasty),
        closed: answer.closed.filter(|_| shown.is_none()),
        shown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Told, session, story};
    use super::*;
    use venia_proto::catalog::Catalog;
    use venia_proto::ledger::flag::HASTY_MS;
    use venia_ui::terminal::Style;

    fn laid(told: &Told, silences: &[(i64, i64)]) -> Vec<Row> {
        let (words, catalog) = (Words::new(Language::En), Catalog::built_in());
        let teller = Teller { words: &words, catalog: &catalog, style: Style::PLAIN, authority: None };
        rows(&story(told), &session(0), silences, &teller)
    }

    fn events(rows: &[Row]) -> Vec<&Entry> {
        rows.iter().filter_map(|row| if let Row::Event(entry) = row { Some(&**entry) } else { None }).collect()
    }

    #[test]
    fn an_answer_below_at_and_above_a_second() {
        for (took, hasty) in [(HASTY_MS - 1, true), (HASTY_MS, false), (HASTY_MS + 1, false)] {
            let rows = laid(&Told { took, ..Told::default() }, &[]);
            let told = events(&rows);
            let admit = told.iter().find(|entry| entry.what.contains("begins") && !entry.beside.is_empty()).unwrap();
            assert_eq!(admit.beside[0].hasty, hasty, "{took}");
            assert!(admit.beside[0].said.contains("at this PC"), "{:?}", admit.beside);
        }
    }

    #[test]
    fn consent_stands_beside_every_act_that_rests_on_it() {
        let rows = laid(&Told { text: "¿Permite que Ana mire?".to_owned(), ..Told::default() }, &[]);
        let told = events(&rows);
        let beside: Vec<usize> = told.iter().map(|entry| entry.beside.len()).collect();
        // open, request, consent, admit, redaction, result
        assert_eq!(beside, [0, 1, 0, 1, 1, 1]);
        for entry in told.iter().filter(|entry| !entry.beside.is_empty()) {
            let answer = &entry.beside[0];
            assert_eq!(answer.shown, Some((Foreign::new("¿Permite que Ana mire?"), Language::Es)));
            assert_eq!((answer.entry, answer.closed), (told[2].entry, None));
        }
    }

    #[test]
    fn what_is_closed_says_why_beside_the_act_too() {
        let rows = laid(&Told { open: false, ..Told::default() }, &[]);
        let told = events(&rows);
        assert!(told.iter().all(|entry| entry.closed == Some(Closed::NotOpened) && entry.pieces.is_empty()));
        assert_eq!(told[3].beside[0].shown, None);
        assert_eq!(told[3].beside[0].closed, Some(Closed::NotOpened));
    }

    #[test]
    fn a_silence_stands_where_it_was_and_only_while_the_session_was_open() {
        let silent = |silences: &[(i64, i64)]| -> Vec<usize> {
            let rows = laid(&Told::default(), silences);
            rows.iter().enumerate().filter(|(_, row)| matches!(row, Row::Silence(..))).map(|(n, _)| n).collect()
        };
        // Events are recorded at 0, 1000, … 5000.
        assert_eq!(silent(&[(-9, -1)]), [0_usize; 0], "before");
        assert_eq!(silent(&[(1_100, 1_900)]), [2]);
        assert_eq!(silent(&[(-9, 0), (4_500, 9_000)]), [0, 7], "it ended with it");
        assert_eq!(silent(&[(5_001, 9_000)]), [0_usize; 0], "after");
    }
}
