//! An event's header as JSON: the field names of docs/ledger.md, and nothing else.
//!
//! Read field by field rather than derived: the kind's own fields stand flat beside the common ones, and every field
//! that nobody took is an error.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::{After, Header};
use crate::encoding;
use crate::id::Leaf;
use crate::json::{self, Fields, JsonError, Text};
use crate::key::KeyName;
use crate::ledger::kind::{Kind, KindName};
use crate::ledger::part::{BLOCK, BODY, PartName, PartRef};

/// Reads a header; its contents are checked by [`Header::check`].
pub(super) fn read(fields: Map<String, Value>) -> Result<Header, JsonError> {
    let mut fields = Fields::new(fields);
    let name: KindName = fields.parsed("kind")?;
    let header = Header {
        session: fields.parsed("session")?,
        author: fields.parsed("author")?,
        seq: fields.count("seq")?,
        prev: fields.nullable("prev")?.map(|prev| json::parsed(prev, "prev")).transpose()?,
        seen: fields.map("seen", json::parsed)?,
        time: fields.parsed("time")?,
        after: fields.nullable("after")?.map(read_after).transpose()?,
        parts: fields.list("parts")?.into_iter().map(read_part).collect::<Result<_, _>>()?,
        kind: read_kind(name, &mut fields)?,
    };
    fields.finish()?;
    Ok(header)
}

fn read_kind(name: KindName, fields: &mut Fields) -> Result<Kind, JsonError> {
    Ok(match name {
        KindName::Open => Kind::Open { versions: read_versions(fields)? },
        KindName::Join => Kind::Join {
            strand: fields.parsed("strand")?,
            key: fields.parsed("key")?,
            verified: fields.word("verified")?,
        },
        KindName::Consent => Kind::Consent {
            asked: fields.parsed("asked")?,
            answer: fields.word("answer")?,
            took: fields.count("took")?,
        },
        KindName::Request => Kind::Request,
        KindName::Admit => Kind::Admit { request: fields.parsed("request")?, grant: fields.parsed("grant")? },
        KindName::Refuse => Kind::Refuse { request: fields.parsed("request")?, why: fields.word("why")? },
        KindName::Result => Kind::Result { admit: fields.parsed("admit")?, status: fields.word("status")? },
        KindName::Series => Kind::Series {
            admit: fields.parsed("admit")?,
            samples: fields.count("samples")?,
            block: hash(fields.take("block")?, "block")?,
        },
        KindName::Chat => Kind::Chat,
        KindName::Note => Kind::Note,
        KindName::Redaction => Kind::Redaction { admit: fields.parsed("admit")? },
        KindName::Pause => Kind::Pause { by: fields.word("by")?, cause: fields.word("cause")? },
        KindName::Resume => Kind::Resume { by: fields.word("by")?, cause: fields.word("cause")? },
        KindName::Stop => Kind::Stop { by: fields.word("by")?, cause: fields.word("cause")? },
        KindName::Signoff => Kind::Signoff { tips: fields.map("tips", read_tip)? },
        KindName::Close => Kind::Close {
            by: fields.word("by")?,
            cause: fields.word("cause")?,
            held: fields.map("final", |value, name| json::count(&value, name))?,
        },
        KindName::Addendum => Kind::Addendum { about: fields.parsed("about")?, what: fields.word("what")? },
    })
}

fn read_versions(fields: &mut Fields) -> Result<Vec<u16>, JsonError> {
    const NAME: &str = "versions";
    let version = |value: Value| u16::try_from(json::count(&value, NAME)?).map_err(|_| JsonError::Malformed(NAME));
    fields.list(NAME)?.into_iter().map(version).collect()
}

fn read_tip(value: Value, name: &'static str) -> Result<(u64, Leaf), JsonError> {
    let Value::Array(tip) = value else { return Err(JsonError::Malformed(name)) };
    let [count, leaf] = <[Value; 2]>::try_from(tip).map_err(|_| JsonError::Malformed(name))?;
    Ok((json::count(&count, name)?, json::parsed(leaf, name)?))
}

fn read_after(value: Value) -> Result<After, JsonError> {
    let mut fields = Fields::of(value, "after")?;
    let root = encoding::base64(&fields.text("root")?).and_then(|bytes| bytes.try_into().ok());
    let after = After {
        origin: KeyName::new(&fields.text("origin")?).map_err(|_| JsonError::Malformed("origin"))?,
        size: fields.count("size")?,
        root: root.ok_or(JsonError::Malformed("root"))?,
    };
    fields.finish()?;
    Ok(after)
}

fn read_part(value: Value) -> Result<PartRef, JsonError> {
    let mut fields = Fields::of(value, "parts")?;
    let part = PartRef {
        name: match fields.text("name")?.as_str() {
            BODY => PartName::Body,
            BLOCK => PartName::Block,
            _ => return Err(JsonError::Malformed("name")),
        },
        commit: hash(fields.take("commit")?, "commit")?,
        len: fields.count("len")?,
        sealed: fields.nullable("sealed")?.map(|sealed| hash(sealed, "sealed")).transpose()?,
    };
    fields.finish()?;
    Ok(part)
}

fn hash(value: Value, name: &'static str) -> Result<[u8; 32], JsonError> {
    encoding::hex(&json::text(value, name)?).ok_or(JsonError::Malformed(name))
}

/// The common fields in the order of docs/ledger.md, then the kind's own.
impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let seen: Vec<_> = self.seen.iter().map(|(strand, leaf)| (strand.to_string(), Text(leaf))).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("session", &Text(self.session))?;
        map.serialize_entry("author", &Text(self.author))?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("prev", &self.prev.map(Text))?;
        map.serialize_entry("seen", &Ordered(seen))?;
        map.serialize_entry("kind", &Text(self.kind.name()))?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("after", &self.after)?;
        map.serialize_entry("parts", &self.parts)?;
        write_kind(&self.kind, &mut map)?;
        map.end()
    }
}

fn write_kind<M: SerializeMap>(kind: &Kind, map: &mut M) -> Result<(), M::Error> {
    match kind {
        Kind::Open { versions } => map.serialize_entry("versions", versions),
        Kind::Join { strand, key, verified } => {
            map.serialize_entry("strand", &Text(strand))?;
            map.serialize_entry("key", key)?;
            map.serialize_entry("verified", verified)
        }
        Kind::Consent { asked, answer, took } => {
            map.serialize_entry("asked", &Text(asked))?;
            map.serialize_entry("answer", answer)?;
            map.serialize_entry("took", took)
        }
        Kind::Request | Kind::Chat | Kind::Note => Ok(()),
        Kind::Admit { request, grant } => {
            map.serialize_entry("request", &Text(request))?;
            map.serialize_entry("grant", &Text(grant))
        }
        Kind::Refuse { request, why } => {
            map.serialize_entry("request", &Text(request))?;
            map.serialize_entry("why", why)
        }
        Kind::Result { admit, status } => {
            map.serialize_entry("admit", &Text(admit))?;
            map.serialize_entry("status", status)
        }
        Kind::Series { admit, samples, block } => {
            map.serialize_entry("admit", &Text(admit))?;
            map.serialize_entry("samples", samples)?;
            map.serialize_entry("block", &encoding::to_hex(block))
        }
        Kind::Redaction { admit } => map.serialize_entry("admit", &Text(admit)),
        Kind::Pause { by, cause } | Kind::Resume { by, cause } | Kind::Stop { by, cause } => {
            map.serialize_entry("by", by)?;
            map.serialize_entry("cause", cause)
        }
        Kind::Signoff { tips } => {
            let tips: Vec<_> =
                tips.iter().map(|(strand, (count, leaf))| (strand.to_string(), (count, Text(leaf)))).collect();
            map.serialize_entry("tips", &Ordered(tips))
        }
        Kind::Close { by, cause, held } => {
            map.serialize_entry("by", by)?;
            map.serialize_entry("cause", cause)?;
            let held: Vec<_> = held.iter().map(|(strand, count)| (strand.to_string(), count)).collect();
            map.serialize_entry("final", &Ordered(held))
        }
        Kind::Addendum { about, what } => {
            map.serialize_entry("about", &Text(about))?;
            map.serialize_entry("what", what)
        }
    }
}

impl Serialize for After {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("origin", self.origin.as_str())?;
        map.serialize_entry("size", &self.size)?;
        map.serialize_entry("root", &encoding::to_base64(&self.root))?;
        map.end()
    }
}

impl Serialize for PartRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("name", self.name.as_str())?;
        map.serialize_entry("commit", &encoding::to_hex(&self.commit))?;
        map.serialize_entry("len", &self.len)?;
        map.serialize_entry("sealed", &self.sealed.map(|sealed| encoding::to_hex(&sealed)))?;
        map.end()
    }
}

/// An object whose fields keep the order of the strands: `technician-2` before `technician-10`.
struct Ordered<V>(Vec<(String, V)>);

impl<V: Serialize> Serialize for Ordered<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
