//! The spelling our own writer gives a header, read in one pass.
//!
//! A verifier reads millions of events, and nearly all of them are spelled as [`super::header`] writes them: fields in
//! order, no spaces, no escapes. This reader knows that spelling alone and builds nothing on the way. Anything else, right
//! or wrong, is `None`: the strict reader then decides, so what is accepted is the same with and without this file (a test
//! holds the two against each other).

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

use super::{After, Header};
use crate::encoding;
use crate::id::{Leaf, Strand};
use crate::json::INTEGER_MAX;
use crate::key::KeyName;
use crate::ledger::kind::{Kind, KindName};
use crate::ledger::part::{BLOCK, BODY, PartName, PartRef};

/// Reads a header in our own spelling.
pub(super) fn read(line: &str) -> Option<Header> {
    let mut rest = Rest(line);
    let session = rest.after("{\"session\":")?.parsed()?;
    let author = rest.after(",\"author\":")?.parsed()?;
    let seq = rest.after(",\"seq\":")?.count()?;
    let prev = rest.after(",\"prev\":")?.nullable(Rest::parsed)?;
    let seen = rest.after(",\"seen\":")?.strands(Rest::parsed)?;
    let name = rest.after(",\"kind\":")?.parsed()?;
    let time = rest.after(",\"time\":")?.parsed()?;
    let after = rest.after(",\"after\":")?.nullable(read_after)?;
    let parts = rest.after(",\"parts\":")?.list(read_part)?;
    let kind = read_kind(name, &mut rest)?;
    (rest.0 == "}").then_some(Header { session, author, seq, prev, seen, kind, time, after, parts })
}

fn read_kind(name: KindName, rest: &mut Rest<'_>) -> Option<Kind> {
    Some(match name {
        KindName::Open => {
            Kind::Open { versions: rest.after(",\"versions\":")?.list(|rest| u16::try_from(rest.count()?).ok())? }
        }
        KindName::Join => Kind::Join {
            strand: rest.after(",\"strand\":")?.parsed()?,
            key: rest.after(",\"key\":")?.parsed()?,
            verified: rest.after(",\"verified\":")?.word()?,
        },
        KindName::Consent => Kind::Consent {
            asked: rest.after(",\"asked\":")?.parsed()?,
            answer: rest.after(",\"answer\":")?.word()?,
            took: rest.after(",\"took\":")?.count()?,
        },
        KindName::Request => Kind::Request,
        KindName::Admit => {
            Kind::Admit { request: rest.after(",\"request\":")?.parsed()?, grant: rest.after(",\"grant\":")?.parsed()? }
        }
        KindName::Refuse => {
            Kind::Refuse { request: rest.after(",\"request\":")?.parsed()?, why: rest.after(",\"why\":")?.word()? }
        }
        KindName::Result => {
            Kind::Result { admit: rest.after(",\"admit\":")?.parsed()?, status: rest.after(",\"status\":")?.word()? }
        }
        KindName::Series => Kind::Series {
            admit: rest.after(",\"admit\":")?.parsed()?,
            samples: rest.after(",\"samples\":")?.count()?,
            block: rest.after(",\"block\":")?.hex()?,
        },
        KindName::Chat => Kind::Chat,
        KindName::Note => Kind::Note,
        KindName::Redaction => Kind::Redaction { admit: rest.after(",\"admit\":")?.parsed()? },
        KindName::Pause => {
            Kind::Pause { by: rest.after(",\"by\":")?.word()?, cause: rest.after(",\"cause\":")?.word()? }
        }
        KindName::Resume => {
            Kind::Resume { by: rest.after(",\"by\":")?.word()?, cause: rest.after(",\"cause\":")?.word()? }
        }
        KindName::Stop => Kind::Stop { by: rest.after(",\"by\":")?.word()?, cause: rest.after(",\"cause\":")?.word()? },
        KindName::Signoff => Kind::Signoff { tips: rest.after(",\"tips\":")?.strands(read_tip)? },
        KindName::Close => Kind::Close {
            by: rest.after(",\"by\":")?.word()?,
            cause: rest.after(",\"cause\":")?.word()?,
            held: rest.after(",\"final\":")?.strands(Rest::count)?,
        },
        KindName::Addendum => {
            Kind::Addendum { about: rest.after(",\"about\":")?.parsed()?, what: rest.after(",\"what\":")?.word()? }
        }
    })
}

fn read_after(rest: &mut Rest<'_>) -> Option<After> {
    let origin = KeyName::new(rest.after("{\"origin\":")?.text()?).ok()?;
    let size = rest.after(",\"size\":")?.count()?;
    let root = encoding::base64_exact(rest.after(",\"root\":")?.text()?)?;
    rest.after("}")?;
    Some(After { origin, size, root })
}

fn read_part(rest: &mut Rest<'_>) -> Option<PartRef> {
    let name = match rest.after("{\"name\":")?.text()? {
        BODY => PartName::Body,
        BLOCK => PartName::Block,
        _ => return None,
    };
    let commit = rest.after(",\"commit\":")?.hex()?;
    let len = rest.after(",\"len\":")?.count()?;
    let sealed = rest.after(",\"sealed\":")?.nullable(Rest::hex)?;
    rest.after("}")?;
    Some(PartRef { name, commit, len, sealed })
}

fn read_tip(rest: &mut Rest<'_>) -> Option<(u64, Leaf)> {
    let count = rest.after("[")?.count()?;
    let leaf = rest.after(",")?.parsed()?;
    rest.after("]")?;
    Some((count, leaf))
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Goes over exactly this.
    fn after(&mut self, text: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(text)?;
        Some(self)
    }

    /// A text without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let rest = self.0.strip_prefix('"')?;
        let end = rest.bytes().position(|byte| byte == b'"')?;
        let text = &rest[..end];
        self.0 = &rest[end + 1..];
        // An escape is another spelling, and a quote behind one ends nothing.
        (!text.bytes().any(|byte| byte == b'\\')).then_some(text)
    }

    /// A text in the one spelling of its type. Every such type is printable ASCII.
    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn hex<const N: usize>(&mut self) -> Option<[u8; N]> {
        encoding::hex(self.text()?)
    }

    /// A word of an enum without fields.
    fn word<T: DeserializeOwned>(&mut self) -> Option<T> {
        let word: StrDeserializer<'_, Error> = self.text()?.into_deserializer();
        T::deserialize(word).ok()
    }

    fn count(&mut self) -> Option<u64> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at(end);
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        self.0 = rest;
        digits.parse().ok().filter(|number| *number <= INTEGER_MAX)
    }

    fn nullable<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.after("null").is_some() { Some(None) } else { read(self).map(Some) }
    }

    /// A list between brackets.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut list = Vec::new();
        self.after("[")?;
        if self.after("]").is_some() {
            return Some(list);
        }
        loop {
            list.push(read(self)?);
            if self.after("]").is_some() {
                return Some(list);
            }
            self.after(",")?;
        }
    }

    /// An object whose keys are strands. A strand named twice is left to the strict reader, which refuses it.
    fn strands<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<BTreeMap<Strand, T>> {
        let mut strands = BTreeMap::new();
        self.after("{")?;
        if self.after("}").is_some() {
            return Some(strands);
        }
        loop {
            let strand = self.parsed()?;
            let value = read(self.after(":")?)?;
            if strands.insert(strand, value).is_some() {
                return None;
            }
            if self.after("}").is_some() {
                return Some(strands);
            }
            self.after(",")?;
        }
    }
}
