//! An export that goes on: each event's line written once, however often it is asked for and wherever it was killed.
//!
//! ```text
//! OUT/events.jsonl …   only ever grows
//! OUT/position         which log, how many entries were written out, and how long the file was then
//! ```
//!
//! Lines are on the disk before the position names them. What a killed run wrote behind the position is cut off and
//! written again, byte for byte the same; so is nothing before it. A folder that holds another log's lines is refused.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use venia_proto::ledger::event::Event;
use venia_proto::ledger::notice::LogEntry;
use venia_proto::now::Wall;
use venia_relay::walking::Record;

use super::export::{Lines, create};
use super::index::Place;
use super::mirror::{Mirror, MirrorError};
use super::tiles;
use crate::cli::Format;

/// The file's name in the folder.
pub(crate) const POSITION: &str = "position";

/// How far an export came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// The log's verifier key.
    log: String,
    /// The file of lines.
    file: String,
    /// Entries written out.
    entries: u64,
    /// Bytes of the copy before the next one.
    copy: u64,
    /// Bytes of the file.
    bytes: u64,
}

/// Where the log with this number among so many is written: a log's tiles are a whole of their own, so that each of several
/// has its own folder.
pub(crate) fn place(n: usize, logs: usize, out: &Path) -> PathBuf {
    if logs > 1 { out.join(format!("log-{n}")) } else { out.to_owned() }
}

/// Lines are added; tiles are written whole. Gives how many events were added.
pub(crate) fn export(copy: &Mirror, format: Format, out: &Path) -> Result<Option<u64>, MirrorError> {
    let lines = match format {
        // Nothing came: the tiles are those of this very tree.
        Format::Tiles
            if fs::read(out.join("checkpoint")).is_ok_and(|there| there == copy.state.checkpoint.as_bytes()) =>
        {
            return Ok(Some(0));
        }
        Format::Tiles => return tiles::write(copy, out).map(|()| None),
        Format::Jsonl => Lines::Jsonl,
        Format::Csv => Lines::Csv,
        Format::Ocsf => Lines::Ocsf,
    };
    append(copy, lines, out).map(Some)
}

/// Adds what the copy has and the folder doesn't; gives the number of events added.
fn append(mirror: &Mirror, lines: Lines, out: &Path) -> Result<u64, MirrorError> {
    let path = out.join(lines.file());
    let mut position = match known(mirror, lines, out)? {
        Some(position) => position,
        None => {
            let mut file = create(&path)?;
            file.write_all(lines.head().as_bytes())?;
            let (log, bytes) = (mirror.key.to_string(), lines.head().len() as u64);
            Position { log, file: lines.file().to_owned(), entries: 0, copy: 0, bytes }
        }
    };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
    if file.metadata()?.len() < position.bytes {
        return Err(MirrorError::Damaged("the exported file is shorter than it was"));
    }
    file.set_len(position.bytes)?;
    let mut file = BufWriter::new(file);
    file.seek(SeekFrom::Start(position.bytes))?;
    let (mut raw, before) = (mirror.raw(position.copy)?, position.entries);
    let (mut record, mut observed, mut added) = (Record::default(), Wall::MIN, 0);
    while raw.read(&mut record)? {
        // The copy was verified while it grew; here it is only read.
        let (entry, _) = LogEntry::claimed(&record.bytes, &mirror.key).map_err(|_| MirrorError::Damaged("an entry"))?;
        match entry {
            LogEntry::Batch(batch) => observed = batch.observed,
            LogEntry::Notice(_) => {}
            LogEntry::Event(event) => {
                let place = Place { entry: position.entries, offset: record.at, observed: observed.ms() };
                let line = line_of(mirror, lines, &event, place)?;
                file.write_all(line.as_bytes())?;
                position.bytes += line.len() as u64;
                added += 1;
            }
        }
        position.entries += 1;
        position.copy = raw.at();
    }
    file.flush()?;
    file.get_ref().sync_data()?;
    // Whoever only looks again, and finds nothing, writes nothing.
    if position.entries != before {
        lines.sessions(mirror, out)?;
        remember(&position, out)?;
    }
    Ok(added)
}

fn line_of(mirror: &Mirror, lines: Lines, event: &Event, place: Place) -> Result<String, MirrorError> {
    let mut line = lines.line(mirror, event, place)?;
    line.push('\n');
    Ok(line)
}

/// Where the last export into this folder stopped.
fn known(mirror: &Mirror, lines: Lines, out: &Path) -> Result<Option<Position>, MirrorError> {
    let text = match fs::read(out.join(POSITION)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let position: Position =
        serde_json::from_slice(&text).map_err(|_| MirrorError::Damaged("the export's position"))?;
    if position.log != mirror.key.to_string() || position.file != lines.file() {
        return Err(MirrorError::Damaged("the folder holds another export"));
    }
    if position.entries > mirror.state.reading.size || position.copy > mirror.state.bytes {
        return Err(MirrorError::Damaged("the export is ahead of the copy"));
    }
    Ok(Some(position))
}

fn remember(position: &Position, out: &Path) -> Result<(), MirrorError> {
    let beside = out.join(format!(".{POSITION}"));
    let mut file = create(&beside)?;
    let mut text = serde_json::to_vec(position).map_err(|_| MirrorError::Damaged("the export's position"))?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(beside, out.join(POSITION))?;
    Ok(fs::File::open(out)?.sync_all()?)
}
