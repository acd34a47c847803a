//! JSON read strictly and written in one way: for what is signed, and for what is committed to.
//!
//! Ordinary JSON readers disagree about duplicate keys, large numbers and missing fields; whoever signs such a text can
//! show two people two meanings. Here all of that is refused: duplicate keys, numbers that not every reader keeps
//! exactly (fractions, exponents, `-0`, above 2^53), and every value that our own writer would have written otherwise.
//! (SECURITY E5)
//!
//! Not here: what the fields mean. Errors carry no foreign text, so that they can be shown as they are.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// Largest whole number in a signed text: what every JSON reader keeps exactly.
pub const INTEGER_MAX: u64 = 1 << 53;

/// A text that isn't what its writer must have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A character outside printable ASCII.
    #[error("not printable ASCII")]
    NotAscii,
    /// No JSON, or a duplicate key, or a number that isn't a whole one of at most 2^53.
    #[error("not strict JSON (duplicate key, fraction, large number or syntax) at column {column}")]
    NotStrict {
        /// Where, counted from 1.
        column: usize,
    },
    /// Not an object with exactly the fields it must have.
    #[error("unknown, missing or malformed field in {0}")]
    Schema(&'static str),
    /// A field is missing.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A field has another type or another spelling than ours.
    #[error("field {0} is malformed")]
    Malformed(&'static str),
    /// A field nobody knows.
    #[error("unknown field")]
    Unknown,
}

/// Reads one line of printable ASCII that holds one object, with whole numbers only.
pub fn signed_object(line: &str) -> Result<Map<String, Value>, JsonError> {
    if !line.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(JsonError::NotAscii);
    }
    match strict::<false>(line)? {
        Value::Object(fields) => Ok(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonError::Schema("object"))
        }
    }
}

/// Reads a committed text: UTF-8, fractions allowed (measured numbers), otherwise as strict.
pub fn committed<T: DeserializeOwned + Serialize>(text: &str, what: &'static str) -> Result<T, JsonError> {
    exact(strict::<true>(text)?, what)
}

/// Takes a value only if writing it again gives the same: derived readers also accept a list for an object, a missing
/// field for null, or an object for an enum's word, and each would be a second spelling.
pub fn exact<T: DeserializeOwned + Serialize>(value: Value, what: &'static str) -> Result<T, JsonError> {
    let read: T = T::deserialize(&value).map_err(|_| JsonError::Schema(what))?;
    match serde_json::to_value(&read) {
        Ok(again) if again == value => Ok(read),
        Ok(_) | Err(_) => Err(JsonError::Schema(what)),
    }
}

/// Writes compact JSON in printable ASCII, everything else escaped as `\uXXXX`: one line a note can hold.
pub fn signed_line(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Ascii));
    finished(written.is_ok(), bytes)
}

/// Writes compact JSON in UTF-8: easier to read for people, for the openings of parts.
pub fn committed_text(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut serde_json::Serializer::new(&mut bytes));
    finished(written.is_ok(), bytes)
}

/// Memory takes every byte and our types have text keys only, so writing can't fail; if a type ever broke that, the
/// empty text is one that every reader refuses.
fn finished(written: bool, bytes: Vec<u8>) -> String {
    if written { String::from_utf8(bytes).unwrap_or_default() } else { String::new() }
}

fn strict<const FRACTIONS: bool>(text: &str) -> Result<Value, JsonError> {
    serde_json::from_str::<Strict<FRACTIONS>>(text)
        .map(|strict| strict.0)
        .map_err(|error| JsonError::NotStrict { column: error.column() })
}

/// Anything whose JSON is the text it displays: leaves, strands, times, keys.
pub struct Text<T>(pub T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The fields of one object, taken out one by one; what is left at the end is unknown.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// All fields of an object.
    pub fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// The fields of an object inside another.
    pub fn of(value: Value, name: &'static str) -> Result<Self, JsonError> {
        if let Value::Object(fields) = value { Ok(Self(fields)) } else { Err(JsonError::Malformed(name)) }
    }

    /// One field, as it is.
    pub fn take(&mut self, name: &'static str) -> Result<Value, JsonError> {
        self.0.remove(name).ok_or(JsonError::Missing(name))
    }

    /// One field; `None` for null.
    pub fn nullable(&mut self, name: &'static str) -> Result<Option<Value>, JsonError> {
        Ok(Some(self.take(name)?).filter(|value| !value.is_null()))
    }

    /// A text.
    pub fn text(&mut self, name: &'static str) -> Result<String, JsonError> {
        text(self.take(name)?, name)
    }

    /// A text in the one spelling of its type.
    pub fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, JsonError> {
        parsed(self.take(name)?, name)
    }

    /// A whole number from 0 to 2^53.
    pub fn count(&mut self, name: &'static str) -> Result<u64, JsonError> {
        count(&self.take(name)?, name)
    }

    /// A word of an enum.
    pub fn word<T: DeserializeOwned + Serialize>(&mut self, name: &'static str) -> Result<T, JsonError> {
        exact(self.take(name)?, name).map_err(|_| JsonError::Malformed(name))
    }

    /// A list.
    pub fn list(&mut self, name: &'static str) -> Result<Vec<Value>, JsonError> {
        if let Value::Array(list) = self.take(name)? { Ok(list) } else { Err(JsonError::Malformed(name)) }
    }

    /// An object whose keys are of one type, each read by `read`.
    pub fn map<K: FromStr + Ord, V>(
        &mut self,
        name: &'static str,
        read: impl Fn(Value, &'static str) -> Result<V, JsonError>,
    ) -> Result<BTreeMap<K, V>, JsonError> {
        let Value::Object(fields) = self.take(name)? else { return Err(JsonError::Malformed(name)) };
        fields
            .into_iter()
            .map(|(key, value)| Ok((key.parse().map_err(|_| JsonError::Malformed(name))?, read(value, name)?)))
            .collect()
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<(), JsonError> {
        if self.0.is_empty() { Ok(()) } else { Err(JsonError::Unknown) }
    }
}

/// A text.
pub fn text(value: Value, name: &'static str) -> Result<String, JsonError> {
    if let Value::String(text) = value { Ok(text) } else { Err(JsonError::Malformed(name)) }
}

/// A text in the one spelling of its type.
pub fn parsed<T: FromStr>(value: Value, name: &'static str) -> Result<T, JsonError> {
    text(value, name)?.parse().map_err(|_| JsonError::Malformed(name))
}

/// A whole number from 0 to 2^53.
pub fn count(value: &Value, name: &'static str) -> Result<u64, JsonError> {
    value.as_u64().filter(|&number| number <= INTEGER_MAX).ok_or(JsonError::Malformed(name))
}

/// A JSON value without duplicate keys and, unless fractions are allowed, with whole numbers up to 2^53 only.
struct Strict<const FRACTIONS: bool>(Value);

struct StrictVisitor<const FRACTIONS: bool>;

impl<'de, const FRACTIONS: bool> Deserialize<'de> for Strict<FRACTIONS> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor::<FRACTIONS>).map(Self)
    }
}

impl<'de, const FRACTIONS: bool> serde::de::Visitor<'de> for StrictVisitor<FRACTIONS> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        if FRACTIONS || number <= INTEGER_MAX { Ok(number.into()) } else { Err(E::custom("number above 2^53")) }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value, E> {
        if FRACTIONS || number.unsigned_abs() <= INTEGER_MAX {
            Ok(number.into())
        } else {
            Err(E::custom("number below -2^53"))
        }
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        let number = if FRACTIONS { Number::from_f64(number) } else { None };
        number.map(Value::Number).ok_or_else(|| E::custom("not a whole number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element::<Strict<FRACTIONS>>()? {
            values.push(value.0);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom("duplicate key"));
            }
            let value = map.next_value::<Strict<FRACTIONS>>()?;
            fields.insert(key, value.0);
        }
        Ok(Value::Object(fields))
    }
}

/// Escapes everything outside printable ASCII that serde_json would write as it is.
struct Ascii;

impl serde_json::ser::Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                write!(writer, "{c}")?;
            } else {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(writer, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        a: Option<u64>,
        b: Word,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        Yes,
    }

    fn sample(text: &str) -> Result<Sample, JsonError> {
        exact(Value::Object(signed_object(text)?), "sample")
    }

    #[test]
    fn e5_one_meaning_per_text() {
        assert_eq!(sample(r#"{"b":"yes", "a":null}"#), Ok(Sample { a: None, b: Word::Yes }));
        for bad in [
            r#"{"b":"yes"}"#,
            r#"{"a":1,"b":"yes","c":1}"#,
            r#"{"a":1,"a":1,"b":"yes"}"#,
            r#"{"a":1,"\u0061":1,"b":"yes"}"#,
            r#"{"a":1.0,"b":"yes"}"#,
            r#"{"a":1e0,"b":"yes"}"#,
            r#"{"a":-0,"b":"yes"}"#,
            r#"{"a":-1,"b":"yes"}"#,
            r#"{"a":01,"b":"yes"}"#,
            r#"{"a":"1","b":"yes"}"#,
            r#"{"a":1,"b":{"yes":null}}"#,
            r#"{"a":1,"b":"Yes"}"#,
            r#"[1,"yes"]"#,
            r#"{"a":1,"b":"yes"}x"#,
            "{\"a\":1,\t\"b\":\"yes\"}",
            "{\"a\":1,\"b\":\"y\u{e9}s\"}",
            "",
        ] {
            assert!(sample(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_at_below_and_above_the_limit() {
        for (number, fits) in [(INTEGER_MAX - 1, true), (INTEGER_MAX, true), (INTEGER_MAX + 1, false)] {
            assert_eq!(sample(&format!(r#"{{"a":{number},"b":"yes"}}"#)).is_ok(), fits, "{number}");
        }
        assert!(signed_object(r#"{"a":18446744073709551616}"#).is_err());
        assert!(signed_object(r#"{"a":-9007199254740993}"#).is_err());
    }

    #[test]
    fn deep_nesting_is_refused_not_overflowed() {
        let text = format!("{{\"a\":{}{}}}", "[".repeat(8_000), "]".repeat(8_000));
        assert!(matches!(signed_object(&text), Err(JsonError::NotStrict { .. })));
    }

    proptest! {
        #[test]
        fn signed_lines_are_printable_ascii_and_come_back(text in any::<String>()) {
            let line = signed_line(&BTreeMap::from([(text.clone(), text.clone())]));
            prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let fields = signed_object(&line);
            prop_assert_eq!(fields.ok().and_then(|mut f| f.remove(&text)), Some(Value::String(text)));
        }

        #[test]
        fn committed_numbers_come_back_bit_for_bit(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            prop_assert_eq!(committed::<f64>(&committed_text(&number), "number").map(f64::to_bits), Ok(number.to_bits()));
        }

        #[test]
        fn any_text_never_panics(text in any::<String>()) {
            let _ = signed_object(&text);
            let _ = committed::<Sample>(&text, "sample");
        }
    }
}
