//! Words an auditor opened, kept so that the next search asks nobody.
//!
//! ```text
//! DATA/audit/<log>/words/<day they are due>/<session>     0700 folders, 0600 files
//!
//! venia/words@v1 <recipient they were opened with> <events covered>
//! <entry> <time> <kind> <commitment> <32 random bytes in hex, or a word: see [`Heard`]> <length>
//! <plaintext>
//! …
//! end
//! ```
//!
//! They are in the clear: whoever can read this folder as its owner reads them, as with the auditor's key beside it. So they
//! stay no longer than the statement's `keep_days` after they were opened, and go at once when the log says that they were
//! erased. What goes is overwritten before its name is removed; a file system that writes elsewhere, or a backup, may hold
//! it longer. (SECURITY E11)
//!
//! A file that isn't whole counts as none: its words are fetched again. Not here: fetching ([`super::opening`]).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use venia_proto::encoding::{hex, to_hex};
use venia_proto::ledger::keeping;
use venia_proto::ledger::kind::KindName;
use venia_proto::ledger::part::{Opening, PartRef};
use venia_proto::now::Wall;
use venia_relay::client::home::{Home, HomeError};

use super::index::Session;

const FOLDER: &str = "words";
const FIRST: &str = "venia/words@v1";
const END: &[u8] = b"end\n";
/// Largest file, in bytes: what a session may hold (SECURITY E6), and room for the lines.
const FILE_MAX: usize = 320 << 20;
/// Longest line before a plaintext, in bytes; ours have less than 300.
const LINE_MAX: usize = 512;
/// Bytes overwritten at once.
const BLOCK: usize = 64 << 10;

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heard {
    /// Opened, with these random bytes before the plaintext.
    Opened([u8; 32]),
    /// Sealed to others: this key doesn't open it.
    Shut,
    /// What was sealed isn't what the event committed to.
    Lied,
    /// Sealed to nobody. (SECURITY E4)
    Nobody,
    /// Erased, and the log says so.
    Erased,
    /// The relay didn't give it, or gave something else.
    Missing,
}

/// One part in a file of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) entry: u64,
    pub(crate) time: Wall,
    pub(crate) kind: KindName,
    pub(crate) commit: [u8; 32],
    pub(crate) heard: Heard,
    pub(crate) plaintext: &'a [u8],
}

/// What one file says before its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The recipient its words were opened with.
    pub(crate) recipient: String,
    /// Events of the session it covers, in the order of the log.
    pub(crate) events: usize,
}

/// A session's words.
pub(crate) struct Kept {
    pub(crate) covered: Covered,
    bytes: Vec<u8>,
    records: usize,
}

/// Every file of words of one log.
pub(crate) struct Words {
    folder: PathBuf,
    /// By session: the day its words are due.
    files: BTreeMap<String, String>,
}

impl Words {
    /// Opens the folder beside a log's copy.
    pub(crate) fn open(log: &Path) -> Result<Self, HomeError> {
        let mut words = Self { folder: log.join(FOLDER), files: BTreeMap::new() };
        for day in names(&words.folder)? {
            let sessions = names(&words.folder.join(&day))?;
            words.files.extend(sessions.into_iter().map(|session| (session, day.clone())));
        }
        Ok(words)
    }

    /// Lets go what is due: before anything is opened, so that with no days to keep them words last for one command.
    pub(crate) fn sweep(&mut self, now: Wall) -> Result<(), HomeError> {
        for day in names(&self.folder)? {
            let due = format!("{day}T00:00:00.000Z").parse::<Wall>().ok();
            if !keeping::is_due(due, now) {
                continue;
            }
            let folder = self.folder.join(&day);
            for session in names(&folder)? {
                scrub(&folder.join(session))?;
            }
            fs::remove_dir(&folder).map_err(disk(&folder))?;
            self.files.retain(|_, due| *due != day);
        }
        Ok(())
    }

    /// Whether any words are here.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How much of a session is here, without reading it.
    pub(crate) fn covered(&self, session: &str) -> Option<Covered> {
        let path = self.path(session)?;
        let mut line = Vec::with_capacity(LINE_MAX);
        File::open(path).ok()?.take(LINE_MAX as u64).read_to_end(&mut line).ok()?;
        Covered::read(str::from_utf8(line.split(|byte| *byte == b'\n').next()?).ok()?)
    }

    /// A session's words, if they are here and whole.
    pub(crate) fn read(&self, session: &str) -> Result<Option<Kept>, HomeError> {
        let Some(day) = self.files.get(session) else { return Ok(None) };
        let home = Home::open(&self.folder.join(day), false)?;
        Ok(home.read(session, FILE_MAX)?.and_then(Kept::parse))
    }

    /// Keeps a session's words until they are due; what was kept of it before goes, and its day stays.
    pub(crate) fn keep(
        &mut self,
        session: &str,
        covered: &Covered,
        records: &[Record<'_>],
        due: Wall,
    ) -> Result<(), HomeError> {
        let day = self.files.remove(session);
        if let Some(day) = &day {
            scrub(&self.folder.join(day).join(session))?;
        }
        // The day on which they are due begins before they are: never longer than promised.
        let day = day.unwrap_or_else(|| due.to_string().chars().take(10).collect());
        let home = Home::open(&self.folder.join(&day), false)?;
        let path = home.path(session)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(true).write(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(&written(covered, records))).map_err(disk(&path))?;
        self.files.insert(session.to_owned(), day);
        Ok(())
    }

    /// Lets go what the log says was erased of this session.
    pub(crate) fn obey(&mut self, session: &Session) -> Result<(), HomeError> {
        let Some(kept) = self.read(&session.session)? else {
            // Nobody can tell whose words are in a damaged file.
            if let Some(path) = self.path(&session.session) {
                scrub(&path)?;
                self.files.remove(&session.session);
            }
            return Ok(());
        };
        let gone = |record: &Record<'_>| session.is_erased(&record.commit);
        if !kept.records().any(|record| gone(&record) && record.heard != Heard::Erased) {
            return Ok(());
        }
        let records: Vec<_> = kept
            .records()
            .map(|record| match gone(&record) {
                true => Record { heard: Heard::Erased, plaintext: b"", ..record },
                false => record,
            })
            .collect();
        // Its day stays, so this one is never asked.
        self.keep(&session.session, &kept.covered, &records, Wall::MIN)
    }

    fn path(&self, session: &str) -> Option<PathBuf> {
        self.files.get(session).map(|day| self.folder.join(day).join(session))
    }
}

impl Kept {
    /// Every record, in the order of the log.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        Records { rest: &self.bytes[self.records..] }
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let records = bytes.iter().position(|byte| *byte == b'\n')? + 1;
        let covered = Covered::read(str::from_utf8(&bytes[..records - 1]).ok()?)?;
        // Whole: records one after another lead to the end.
        let mut all = Records { rest: &bytes[records..] };
        while all.next().is_some() {}
        let whole = all.rest == END;
        whole.then_some(Self { covered, bytes, records })
    }
}

impl Covered {
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let covered = (fields.next()? == FIRST)
            .then_some(Self { recipient: fields.next()?.to_owned(), events: fields.next()?.parse().ok()? })?;
        fields.next().is_none().then_some(covered)
    }
}

impl Record<'_> {
    /// What an event says, if it is what the event committed to: nothing in a file of ours is believed for being there.
    pub(crate) fn opening(&self, part: &PartRef) -> Option<Opening> {
        let Heard::Opened(random) = self.heard else { return None };
        let opening = Opening::make(random, self.plaintext).ok()?;
        (self.commit == part.commit && opening.commit() == part.commit).then_some(opening)
    }
}

impl Heard {
    fn word(self) -> String {
        match self {
            Self::Opened(random) => to_hex(&random),
            Self::Shut => "shut".to_owned(),
            Self::Lied => "lied".to_owned(),
            Self::Nobody => "nobody".to_owned(),
            Self::Erased => "erased".to_owned(),
            Self::Missing => "missing".to_owned(),
        }
    }

    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "shut" => Self::Shut,
            "lied" => Self::Lied,
            "nobody" => Self::Nobody,
            "erased" => Self::Erased,
            "missing" => Self::Missing,
            random => Self::Opened(hex(random)?),
        })
    }
}

/// Records as they stand in a file; ends where the next bytes are none.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let line_ends = self.rest.iter().take(LINE_MAX).position(|byte| *byte == b'\n')?;
        let mut fields = str::from_utf8(&self.rest[..line_ends]).ok()?.split(' ');
        let (entry, time) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let (kind, commit) = (fields.next()?.parse().ok()?, hex(fields.next()?)?);
        let heard = Heard::read(fields.next()?)?;
        let length: usize = fields.next()?.parse().ok()?;
        if fields.next().is_some() {
            return None;
        }
        let (plaintext, rest) = self.rest[line_ends + 1..].split_at_checked(length)?;
        self.rest = rest.strip_prefix(b"\n")?;
        Some(Record { entry, time: Wall::from_ms(time), kind, commit, heard, plaintext })
    }
}

fn written(covered: &Covered, records: &[Record<'_>]) -> Vec<u8> {
    let mut bytes = format!("{FIRST} {} {}\n", covered.recipient, covered.events).into_bytes();
    for record in records {
        let (commit, heard) = (to_hex(&record.commit), record.heard.word());
        let (entry, time, kind, length) = (record.entry, record.time.ms(), record.kind, record.plaintext.len());
        bytes.extend_from_slice(format!("{entry} {time} {kind} {commit} {heard} {length}\n").as_bytes());
        bytes.extend_from_slice(record.plaintext);
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(END);
    bytes
}

/// Overwrites a file and removes it; no error if there is none.
fn scrub(path: &Path) -> Result<(), HomeError> {
    let overwrite = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let mut left = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        while left > 0 {
            let some = left.min(BLOCK);
            file.write_all(&[0; BLOCK][..some])?;
            left -= some;
        }
        file.sync_all()?;
        fs::remove_file(path)
    };
    match overwrite() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(disk(path)),
    }
}

/// Names in a folder that may not exist.
fn names(folder: &Path) -> Result<Vec<String>, HomeError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(disk(folder))?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect::<io::Result<_>>().map_err(disk(folder))
}

fn disk(path: &Path) -> impl Fn(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| HomeError::Disk { path: path.clone(), source }
}

#[cfg(test)]
mod tests;
