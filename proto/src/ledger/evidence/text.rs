//! The spelling of evidence files: lines, and notes by their length. One spelling only, held by writing it again.

use super::{Claim, EVENTS_MAX, EVIDENCE, EvidenceError, FILE_MAX, File};
use crate::encoding;
use crate::ledger::checkpoint;
use crate::ledger::merkle::{Hash, PROOF_MAX};
use crate::ledger::note::NOTE_MAX;

pub(super) fn write(file: &File) -> Vec<u8> {
    let (mut lines, mut notes) = (Vec::new(), vec![("statement", &file.statement)]);
    let word = match &file.claim {
        Claim::Fork { known, shown } => {
            notes.extend([("known", known), ("shown", shown)]);
            "fork"
        }
        Claim::Inconsistent { known, shown, proof } => {
            lines.extend(proof.iter().map(|hash| format!("proof {}", encoding::to_base64(hash))));
            notes.extend([("known", known), ("shown", shown)]);
            "inconsistent"
        }
        Claim::Equivocation { key, member, known, shown } => {
            lines.push(format!("key {key}"));
            notes.extend(member.iter().map(|member| ("member", member)));
            notes.extend([("known", known), ("shown", shown)]);
            "equivocation"
        }
        Claim::Withheld { origin, key, from, to, events } => {
            lines.extend([
                format!("origin {origin}"),
                format!("key {key}"),
                format!("from {from}"),
                format!("to {to}"),
            ]);
            notes.extend(events.iter().map(|event| ("event", event)));
            "withheld"
        }
    };
    let mut bytes = format!("{EVIDENCE}\n{word}\n").into_bytes();
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    for (name, note) in notes {
        bytes.extend_from_slice(format!("note {name} {}\n", note.len()).as_bytes());
        bytes.extend_from_slice(note);
    }
    bytes
}

pub(super) fn parse(bytes: &[u8]) -> Result<File, EvidenceError> {
    if bytes.len() > FILE_MAX {
        return Err(EvidenceError::TooLong);
    }
    let mut reader = Reader { rest: bytes, line: 0 };
    if reader.line()? != EVIDENCE {
        return Err(reader.wrong());
    }
    let word = reader.line()?;
    let (statement, claim) = match word {
        "fork" => {
            let statement = reader.note("statement")?;
            (statement, Claim::Fork { known: reader.note("known")?, shown: reader.note("shown")? })
        }
        "inconsistent" => {
            let proof = reader.proof()?;
            let statement = reader.note("statement")?;
            (statement, Claim::Inconsistent { known: reader.note("known")?, shown: reader.note("shown")?, proof })
        }
        "equivocation" => {
            let key = reader.field("key")?;
            let statement = reader.note("statement")?;
            let member = reader.peek("note member ").then(|| reader.note("member")).transpose()?;
            let (known, shown) = (reader.note("known")?, reader.note("shown")?);
            (statement, Claim::Equivocation { key, member, known, shown })
        }
        "withheld" => {
            let origin: String = reader.field("origin")?;
            let origin = crate::key::KeyName::new(&origin).map_err(|_| reader.wrong())?;
            let (key, from, to) = (reader.field("key")?, reader.field("from")?, reader.field("to")?);
            let statement = reader.note("statement")?;
            let mut events = vec![reader.note("event")?];
            while !reader.rest.is_empty() && events.len() < EVENTS_MAX {
                events.push(reader.note("event")?);
            }
            (statement, Claim::Withheld { origin, key, from, to, events })
        }
        _ => return Err(reader.wrong()),
    };
    let file = File { statement, claim };
    // A key or time spelled another way would be a second file that says the same.
    if reader.rest.is_empty() && write(&file) == bytes { Ok(file) } else { Err(reader.wrong()) }
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self) -> EvidenceError {
        EvidenceError::Line(self.line)
    }

    fn line(&mut self) -> Result<&'a str, EvidenceError> {
        self.line += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.wrong())?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        std::str::from_utf8(line).map_err(|_| self.wrong())
    }

    fn peek(&self, start: &str) -> bool {
        self.rest.starts_with(start.as_bytes())
    }

    fn field<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, EvidenceError> {
        let value = self.line()?.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).ok_or_else(|| self.wrong())
    }

    fn proof(&mut self) -> Result<Vec<Hash>, EvidenceError> {
        let mut hashes = Vec::new();
        while self.peek("proof ") {
            let hash = self.line()?.strip_prefix("proof ").and_then(checkpoint::hash);
            if hashes.len() == PROOF_MAX {
                return Err(self.wrong());
            }
            hashes.push(hash.ok_or_else(|| self.wrong())?);
        }
        Ok(hashes)
    }

    fn note(&mut self, name: &str) -> Result<Vec<u8>, EvidenceError> {
        let length = self.line()?.strip_prefix("note ").and_then(|rest| rest.strip_prefix(name));
        let length = length.and_then(|rest| rest.strip_prefix(' ')).and_then(checkpoint::decimal);
        let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= NOTE_MAX);
        let (note, rest) = length.and_then(|length| self.rest.split_at_checked(length)).ok_or_else(|| self.wrong())?;
        self.rest = rest;
        self.line += note.iter().filter(|byte| **byte == b'\n').count();
        Ok(note.to_vec())
    }
}
