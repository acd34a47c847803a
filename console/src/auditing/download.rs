//! What was chosen, as one file for a browser to keep: the lines that `audit export` writes, of these sessions alone.

use std::fs::File;

use crate::audit::check::event_at;
use crate::audit::desk::Log;
use crate::audit::export::Lines;
use crate::audit::index::{Place, Session};
use crate::audit::mirror::MirrorError;

/// Most events of one file: it is made in memory. A folder takes any number.
pub(super) const EVENTS_MAX: usize = 200_000;

/// A file to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) media: &'static str,
    pub(super) text: String,
}

/// What is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A line for each session.
    Sessions(Lines),
    /// A line for each event.
    Events(Lines),
}

impl Wanted {
    /// By the name of the file.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "sessions.csv" => Some(Self::Sessions(Lines::Csv)),
            "sessions.jsonl" => Some(Self::Sessions(Lines::Jsonl)),
            "events.csv" => Some(Self::Events(Lines::Csv)),
            "events.jsonl" => Some(Self::Events(Lines::Jsonl)),
            _ => None,
        }
    }

    /// The file; `None` if it would be too large, or if there is no such.
    pub(super) fn file(self, chosen: &[(&Log, &Session)]) -> Result<Option<Kept>, MirrorError> {
        match self {
            Self::Sessions(lines) => Ok(lines.table().map(|table| {
                let rows = chosen.iter().map(|(_, session)| (table.row)(session));
                let text = table.head.map(str::to_owned).into_iter().chain(rows).map(|row| row + "\n").collect();
                Kept { name: table.file, media: media(lines), text }
            })),
            Self::Events(lines) => events(lines, chosen),
        }
    }
}

fn events(lines: Lines, chosen: &[(&Log, &Session)]) -> Result<Option<Kept>, MirrorError> {
    let mut places: Vec<(&Log, Place)> = Vec::new();
    for (log, session) in chosen {
        places.extend(session.events.iter().map(|place| (*log, *place)));
        if places.len() > EVENTS_MAX {
            return Ok(None);
        }
    }
    // As the logs have them: one log after the other, each in its order.
    places.sort_by_key(|(log, place)| (log.copy.dir(), place.entry));
    let mut text = lines.head().to_owned();
    let mut file: Option<(&Log, File)> = None;
    for (log, place) in places {
        let open = match file.take() {
            Some((open, file)) if std::ptr::eq(open, log) => file,
            Some(_) | None => log.copy.file()?,
        };
        let event = event_at(&open, place)?;
        text.push_str(lines.line(&log.copy, &event, place)?.trim_end_matches('\n'));
        text.push('\n');
        file = Some((log, open));
    }
    Ok(Some(Kept { name: lines.file(), media: media(lines), text }))
}

fn media(lines: Lines) -> &'static str {
    match lines {
        Lines::Csv => "text/csv; charset=utf-8",
        Lines::Jsonl | Lines::Ocsf => "application/jsonl",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::testing::{copy, log};

    #[test]
    fn a_file_has_its_head_and_the_chosen_alone() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(copy(folder.path(), &log(1), Vec::new()), None).unwrap();
        let session = super::super::testing::session(0);
        let chosen = [(&log, &session)];
        let file = |name: &str| Wanted::named(name).unwrap().file(&chosen).unwrap().unwrap();
        let csv = file("sessions.csv");
        assert_eq!(csv.text.lines().count(), 2, "{csv:?}");
        assert!(csv.text.starts_with("session,opened") && csv.text.contains(&session.session));
        let jsonl = file("sessions.jsonl");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&jsonl.text).unwrap()["session"], session.session);
        assert_eq!(file("events.csv").text.lines().count(), 1, "a head and no event");
        assert_eq!(file("events.jsonl").text, "");
        assert_eq!(Wanted::named("position"), None);
        assert_eq!(Wanted::named("../index"), None);
    }

    #[test]
    fn events_below_at_and_above() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(copy(folder.path(), &log(1), Vec::new()), None).unwrap();
        let mut session = super::super::testing::session(0);
        session.events = vec![Place { entry: 0, offset: 0, observed: 0 }; EVENTS_MAX + 1];
        assert!(matches!(events(Lines::Csv, &[(&log, &session)]), Ok(None)));
        session.events.truncate(EVENTS_MAX);
        // These many are read; that nothing is there is another matter.
        assert!(events(Lines::Csv, &[(&log, &session)]).is_err());
    }
}
