//! The record as lines and tables for other tools: JSON Lines, CSV, and OCSF for a SIEM (docs/audit.md).
//!
//! Sessions and headers only: an export never holds a word that the copy doesn't.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::flag::Flag;
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status};
use venia_proto::ledger::note::Note;
use venia_proto::now::Wall;

use super::index::{Erased, Place, Session};
use super::mirror::{Mirror, MirrorError};

/// OCSF 1.3 "API Activity": what a program was asked to do, by whom, and how it ended.
const OCSF_CLASS: u32 = 6_003;
const OCSF_CATEGORY: u32 = 6;

/// What a session is, for scripts. Written as it is: a list has ten thousand of them.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    session: &'a str,
    agent: &'a str,
    joined: &'a [String],
    opened: Wall,
    closed: Option<Wall>,
    ended: Option<Cause>,
    events: usize,
    kinds: &'a BTreeMap<String, u64>,
    answers: Vec<Answered>,
    results: &'a [Status],
    flags: &'a BTreeSet<Flag>,
    erased: Value,
}

/// An answer, and the milliseconds it took.
#[derive(Serialize)]
struct Answered {
    answer: Answer,
    took: u64,
}

/// A session's line.
pub(crate) fn line(session: &Session) -> Line<'_> {
    Line {
        session: &session.session,
        agent: session.agent.split('+').next().unwrap_or_default(),
        joined: &session.joined,
        opened: Wall::from_ms(session.opened),
        closed: session.closed.map(Wall::from_ms),
        ended: session.ended,
        events: session.events.len(),
        kinds: &session.kinds,
        answers: session.answers.iter().map(|(answer, took)| Answered { answer: *answer, took: *took }).collect(),
        results: &session.results,
        flags: &session.flags,
        erased: match &session.erased {
            Erased::Nothing => Value::Null,
            Erased::Parts(parts) => json!(parts),
            Erased::All => json!("all"),
        },
    }
}

/// The same as a value.
pub(crate) fn session_json(session: &Session) -> Value {
    json!(line(session))
}

/// What an event says in clear, for scripts.
pub(crate) fn event_json(event: &Event, place: Place) -> Value {
    let header = event.header();
    // The event's own JSON line, as signed.
    let note = Note::parse(event.bytes()).ok();
    let line = note.as_ref().and_then(|note| note.text().lines().nth(1)).unwrap_or("null");
    json!({
        "entry": place.entry,
        "observed": Wall::from_ms(place.observed).to_string(),
        "leaf": event.leaf().to_string(),
        "kind": header.kind.name().to_string(),
        "event": serde_json::from_str::<Value>(line).unwrap_or(Value::Null),
    })
}

/// What is written of each event, line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Every event as one JSON object a line, and every session too.
    Jsonl,
    /// Two tables.
    Csv,
    /// OCSF events: the mapping is docs/audit.md.
    Ocsf,
}

impl Lines {
    /// The file of the events, to which lines are only ever added.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Jsonl => "events.jsonl",
            Self::Csv => "events.csv",
            Self::Ocsf => "ocsf.jsonl",
        }
    }

    /// What the file of the events begins with.
    pub(crate) fn head(self) -> &'static str {
        match self {
            Self::Csv => "entry,observed,session,author,seq,kind,time\n",
            Self::Jsonl | Self::Ocsf => "",
        }
    }

    /// One event.
    pub(crate) fn line(self, mirror: &Mirror, event: &Event, place: Place) -> Result<String, MirrorError> {
        let header = event.header();
        let session = || mirror.sessions.get(&header.session.to_string()).ok_or(MirrorError::Damaged("its index"));
        Ok(match self {
            Self::Jsonl => event_json(event, place).to_string(),
            Self::Ocsf => ocsf_event(mirror, session()?, event, place).to_string(),
            Self::Csv => row(&[
                place.entry.to_string(),
                Wall::from_ms(place.observed).to_string(),
                header.session.to_string(),
                header.author.to_string(),
                header.seq.to_string(),
                header.kind.name().to_string(),
                header.time.to_string(),
            ]),
        })
    }

    /// The sessions as they stand, in a file of their own that is replaced whole.
    pub(super) fn sessions(self, mirror: &Mirror, out: &Path) -> Result<(), MirrorError> {
        let Some(table) = self.table() else { return Ok(()) };
        write(out, table.file, table.head, mirror.sessions.values().map(table.row))
    }

    /// How sessions are written; `None` if they aren't.
    pub(crate) fn table(self) -> Option<Table> {
        match self {
            Self::Jsonl => {
                let row = |session: &Session| session_json(session).to_string();
                Some(Table { file: "sessions.jsonl", head: None, row })
            }
            Self::Csv => {
                let head = "session,opened,closed,agent,joined,ended,events,flags";
                Some(Table { file: "sessions.csv", head: Some(head), row: session_row })
            }
            Self::Ocsf => None,
        }
    }
}

/// A file of sessions.
pub(crate) struct Table {
    /// Its name.
    pub(crate) file: &'static str,
    /// Its first line.
    pub(crate) head: Option<&'static str>,
    /// One session.
    pub(crate) row: fn(&Session) -> String,
}

fn session_row(session: &Session) -> String {
    let value = session_json(session);
    let flags = session.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(" ");
    row(&[
        text(&value["session"]),
        text(&value["opened"]),
        text(&value["closed"]),
        text(&value["agent"]),
        session.joined.join(" "),
        text(&value["ended"]),
        session.events.len().to_string(),
        flags,
    ])
}

fn ocsf_event(mirror: &Mirror, session: &Session, event: &Event, place: Place) -> Value {
    let header = event.header();
    // OCSF status: 1 success, 2 failure, 0 unknown.
    let (activity, status) = match &header.kind {
        Kind::Consent { answer: Answer::Yes, .. } => ("Consent", 1),
        Kind::Consent { answer: Answer::No | Answer::Silence, .. } => ("Consent", 2),
        Kind::Refuse { .. } => ("Refuse", 2),
        Kind::Result { status: Status::Done, .. } => ("Result", 1),
        Kind::Result { status: Status::Unknown, .. } => ("Result", 0),
        Kind::Result { .. } => ("Result", 2),
        Kind::Open { .. }
        | Kind::Join { .. }
        | Kind::Request
        | Kind::Admit { .. }
        | Kind::Series { .. }
        | Kind::Chat
        | Kind::Note
        | Kind::Redaction { .. }
        | Kind::Pause { .. }
        | Kind::Resume { .. }
        | Kind::Stop { .. }
        | Kind::Signoff { .. }
        | Kind::Close { .. }
        | Kind::Addendum { .. } => ("Other", 0),
    };
    json!({
        "class_uid": OCSF_CLASS,
        "class_name": "API Activity",
        "category_uid": OCSF_CATEGORY,
        "category_name": "Application Activity",
        "activity_id": 99,
        "activity_name": activity,
        "type_uid": OCSF_CLASS * 100 + 99,
        "severity_id": 1,
        "status_id": status,
        "time": header.time.ms(),
        "metadata": {
            "version": "1.3.0",
            "product": {"name": "Venia", "vendor_name": "Venia"},
            "uid": event.leaf().to_string(),
            "sequence": place.entry,
            "logged_time": place.observed,
            "log_name": mirror.key.name.to_string(),
        },
        "api": {"operation": header.kind.name().to_string()},
        "actor": {
            "session": {"uid": header.session.to_string()},
            "user": {"name": event.key_name().map(ToString::to_string), "type": header.author.to_string()},
        },
        "device": {"uid": session.agent.split('+').next(), "type_id": 0},
    })
}

/// Written beside and moved into place: whoever reads it finds the old one or the new one.
fn write(out: &Path, name: &str, head: Option<&str>, rows: impl Iterator<Item = String>) -> Result<(), MirrorError> {
    let beside = out.join(format!(".{name}"));
    let mut file = BufWriter::new(create(&beside)?);
    for row in head.map(str::to_owned).into_iter().chain(rows) {
        writeln!(file, "{row}")?;
    }
    file.flush()?;
    Ok(fs::rename(beside, out.join(name))?)
}

/// Who met whom and when is for the auditor alone: another user of this computer reads neither folder nor file.
pub(super) fn create(file: &Path) -> io::Result<File> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// RFC 4180; a cell that a spreadsheet would take for a formula is quoted as text.
fn row(cells: &[String]) -> String {
    let cell = |cell: &String| {
        let formula = cell.starts_with(['=', '+', '-', '@']);
        let safe = if formula { format!("'{cell}") } else { cell.clone() };
        if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_export_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("export");
        super::write(&out, "sessions.csv", None, std::iter::once("a".to_owned())).unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&out), mode(&out.join("sessions.csv"))), (0o700, 0o600));
    }

    #[test]
    fn no_cell_is_a_formula_or_breaks_its_row() {
        let cells = ["a", "b,c", "d\"e", "=1+1"].map(str::to_owned);
        assert_eq!(super::row(&cells), "a,\"b,c\",\"d\"\"e\",'=1+1");
    }
}
