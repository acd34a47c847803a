//! Finding words in what an auditor opened, on this computer alone.
//!
//! Every word must be in the same event; [`venia_proto::fold`] says what is the same word. Searched is every text an event
//! says: what people wrote, items and arguments, what reports found, and a member's name, but no keys and hashes.

use serde_json::Value;
use venia_proto::fold;
use venia_proto::ledger::body::{Body, ItemId};
use venia_proto::ledger::kind::KindName;
use venia_proto::ledger::note::Note;
use venia_ui::words::Words;

use super::words::{Heard, Record};

/// Most words of one search.
pub(crate) const WORDS_MAX: usize = 16;
/// Longest word, in characters.
pub(crate) const WORD_MAX: usize = 200;
/// Characters of a snippet before what was found, and from there on.
const SNIPPET: (usize, usize) = (32, 64);
/// Fields that hold hashes, which nobody searches for.
const HASHES: [&str; 1] = ["definition"];
/// A member note inside a body: only the name in it is a word.
const MEMBER: &str = "member";

/// Words to find, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    needles: Vec<String>,
    /// Whether JSON writes each of them as it is.
    plain: bool,
}

/// Words nobody can search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// None, or only accents and spaces.
    #[error("nothing to search for")]
    Empty,
    /// More than [`WORDS_MAX`].
    #[error("more than {WORDS_MAX} words")]
    TooMany,
    /// Longer than [`WORD_MAX`].
    #[error("a word of more than {WORD_MAX} characters")]
    TooLong,
}

impl QueryError {
    /// The same as a sentence.
    pub(crate) fn say(self, words: &Words) -> String {
        match self {
            Self::Empty => words.say("audit-query-empty", &[]),
            Self::TooMany => words.say("audit-query-many", &[("most", &WORDS_MAX)]),
            Self::TooLong => words.say("audit-query-long", &[("most", &WORD_MAX)]),
        }
    }
}

impl Query {
    /// Takes the words of a command line; spaces inside an argument separate words too.
    pub(crate) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let needles: Vec<String> =
            words.into_iter().flat_map(str::split_whitespace).map(fold::fold).filter(|word| !word.is_empty()).collect();
        if needles.is_empty() {
            return Err(QueryError::Empty);
        }
        if needles.len() > WORDS_MAX {
            return Err(QueryError::TooMany);
        }
        if needles.iter().any(|needle| needle.chars().nth(WORD_MAX).is_some()) {
            return Err(QueryError::TooLong);
        }
        let escaped = |c: char| matches!(c, '"' | '\\') || c.is_control();
        let plain = !needles.iter().any(|needle| needle.contains(escaped));
        Ok(Self { needles, plain })
    }

    /// What is found in a record: a piece of the text around the first word. `buffer`: used again from record to record.
    pub(crate) fn find(&self, record: &Record<'_>, buffer: &mut String) -> Option<String> {
        let Heard::Opened(_) = record.heard else { return None };
        let text = str::from_utf8(record.plaintext).ok()?;
        // Most events don't say it: their JSON is looked through as it stands, and only what may hold it is read.
        // JSON may spell a character in more than one way; ours doesn't, but whoever wrote this may have had reasons.
        if self.plain && !text.contains("\\u") && !text.contains("\\/") {
            buffer.clear();
            fold::fold_into(text, buffer);
            if !self.needles.iter().all(|needle| buffer.contains(needle.as_str())) {
                return None;
            }
        }
        let mut texts = Vec::new();
        gather(serde_json::from_str(text).ok()?, &mut texts);
        let folded: Vec<String> = texts.iter().map(|text| fold::fold(text)).collect();
        let holds = |needle: &String| folded.iter().position(|text| text.contains(needle.as_str()));
        let places: Vec<usize> = self.needles.iter().map(holds).collect::<Option<_>>()?;
        places.first().zip(self.needles.first()).map(|(at, needle)| snippet(&texts[*at], needle))
    }

    /// Whether each word is somewhere among these records.
    pub(crate) fn all_in<'r>(&self, records: impl Iterator<Item = Record<'r>>, buffer: &mut String) -> bool {
        let mut left: Vec<Self> =
            self.needles.iter().map(|needle| Self { needles: vec![needle.clone()], plain: self.plain }).collect();
        for record in records {
            left.retain(|word| word.find(&record, buffer).is_none());
            if left.is_empty() {
                return true;
            }
        }
        false
    }
}

/// Whether a record is about a run of this item, asked for or admitted.
pub(crate) fn is_about(record: &Record<'_>, item: &ItemId) -> bool {
    if !matches!(record.kind, KindName::Request | KindName::Admit) || !matches!(record.heard, Heard::Opened(_)) {
        return false;
    }
    match Body::decode(record.kind, record.plaintext) {
        Ok(Body::Request(request)) => request.item == *item,
        Ok(Body::Admit(admit)) => admit.item == *item,
        Ok(_) | Err(_) => false,
    }
}

/// Every text in a body.
fn gather(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| gather(value, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if HASHES.contains(&name.as_str()) {
                    continue;
                }
                if name == MEMBER {
                    texts.extend(value.as_str().and_then(member));
                } else {
                    gather(value, texts);
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => texts.push(number.to_string()),
    }
}

/// The name in a member note.
fn member(note: &str) -> Option<String> {
    let note = Note::parse(note.as_bytes()).ok()?;
    let fields: Value = serde_json::from_str(note.text().lines().nth(1)?).ok()?;
    fields["name"].as_str().map(str::to_owned)
}

/// One line around the place.
fn snippet(text: &str, needle: &str) -> String {
    let at = fold::find(text, needle).unwrap_or(0);
    let (before, after) = text.split_at(at);
    let begins = before.char_indices().rev().take(SNIPPET.0).last().map_or(at, |(begin, _)| begin);
    let ends = after.char_indices().nth(SNIPPET.1).map_or(text.len(), |(end, _)| at + end);
    let line = text[begins..ends].split_whitespace().collect::<Vec<_>>().join(" ");
    let mark = |cut: bool| if cut { "…" } else { "" };
    format!("{}{line}{}", mark(begins > 0), mark(ends < text.len()))
}

#[cfg(test)]
mod tests {
    use venia_proto::foreign::Foreign;
    use venia_proto::key::SigningKey;
    use venia_proto::ledger::body::{Join, Offer, Said};
    use venia_proto::now::Wall;
    use venia_proto::statement::{Member, Role};

    use super::*;

    fn found(words: &[&str], kind: KindName, plaintext: &[u8]) -> Option<String> {
        let heard = Heard::Opened([0; 32]);
        let record = Record { entry: 1, time: Wall::from_ms(0), kind, commit: [0; 32], heard, plaintext };
        Query::new(words.iter().copied()).unwrap().find(&record, &mut String::new())
    }

    fn said(words: &[&str], text: &str) -> Option<String> {
        let body = Body::Said(Said { text: Foreign::new(text) }).encode().unwrap();
        found(words, KindName::Chat, &body)
    }

    #[test]
    fn words_are_found_in_both_languages_and_only_together() {
        let text = "El CAMIÓN no arrancó; \"dijo\": C:\\temp\nsegunda línea";
        for words in [&["camion"][..], &["arranc", "CAMIÓN"], &["linea"], &["\"dijo\""], &["c:\\temp"], &["no camion"]]
        {
            assert!(said(words, text).is_some(), "{words:?}");
        }
        for words in [&["moto"][..], &["camion", "moto"], &["text"], &["{"]] {
            assert!(said(words, text).is_none(), "{words:?}: the JSON around words isn't searched");
        }
        assert_eq!(said(&["segunda"], text).unwrap(), "…IÓN no arrancó; \"dijo\": C:\\temp segunda línea");
    }

    #[test]
    fn escapes_hide_no_word() {
        let escaped = br#"{"text":"cami\u00f3n a\/b"}"#;
        for word in ["camion", "a/b"] {
            assert_eq!(found(&[word], KindName::Chat, escaped).as_deref(), Some("camión a/b"));
        }
        assert_eq!(found(&["camion"], KindName::Chat, b"not JSON, camion"), None);
    }

    #[test]
    fn a_members_name_is_a_word_and_keys_and_hashes_are_none() {
        let member = Member {
            key: SigningKey::new("member", [2; 32]).verifier().clone(),
            name: Foreign::new("Ana Ñandú"),
            role: Role::Technician,
            level: 2,
            not_after: Wall::from_ms(0),
        };
        let note = String::from_utf8(member.sign(&SigningKey::new("authority", [1; 32]))).unwrap();
        let join = Join { member: note, reason: Foreign::new("To look."), offer: Offer::default() };
        let body = Body::Join(join).encode().unwrap();
        assert_eq!(found(&["nandu"], KindName::Join, &body).as_deref(), Some("Ana Ñandú"));
        for word in ["member-", "venia/member", "technician"] {
            assert_eq!(found(&[word], KindName::Join, &body), None, "{word}");
        }
        let request = br#"{"item":"system.memory","definition":"abcdef","arguments":{"n":"ten"},"why":"slow"}"#;
        assert_eq!(found(&["abcdef"], KindName::Request, request), None);
        assert_eq!(found(&["ten", "memory", "slow"], KindName::Request, request).as_deref(), Some("ten"));
    }

    #[test]
    fn what_can_be_asked_has_limits() {
        let many = |n: usize| Query::new(std::iter::repeat_n("a", n)).err();
        assert_eq!([many(0), many(1), many(WORDS_MAX)], [Some(QueryError::Empty), None, None]);
        assert_eq!(many(WORDS_MAX + 1), Some(QueryError::TooMany));
        let long = |n: usize| Query::new([&*"ñ".repeat(n)]).err();
        assert_eq!([long(WORD_MAX - 1), long(WORD_MAX), long(WORD_MAX + 1)], [None, None, Some(QueryError::TooLong)]);
        assert_eq!(Query::new([" ", "\u{301}"]).err(), Some(QueryError::Empty));
    }
}
