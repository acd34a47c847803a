//! What a value is: its type, and how much of a person may be in it.
//!
//! Declared with each fact and column, so that most values never need guessing when what is private is taken out: a
//! number can't hold a password. A worker that returns another type than it declared has that value dropped. (SECURITY
//! G4)

use serde::{Deserialize, Serialize};

use crate::report::{Text, Value};

/// What a fact or cell holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A number, or empty text where it isn't known.
    Number,
    /// Yes or no.
    Flag,
    /// A public word: a state, the name of a product, a version, a format. Nobody's own text.
    Word,
    /// Any text or number; whatever is private in it is found and taken out.
    #[default]
    Text,
    /// The name of an account or a person.
    User,
    /// The name of a computer.
    Host,
    /// An address of the network layer.
    Address,
    /// A hardware address of the network.
    Mac,
    /// A serial number or another number that names one device.
    Serial,
}

/// A fact: `{"en": …, "es": …}`, and `"kind"` if it is another than text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenFact")]
pub struct FactTexts {
    /// Its label.
    pub label: Text,
    /// What it holds.
    pub kind: Kind,
}

/// A column: `["key", {"en": …, "es": …}]`, and a third part for another kind than text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenColumn")]
pub struct Column {
    /// Its key in drafts and reports.
    pub key: String,
    /// Its label.
    pub label: Text,
    /// What its cells hold.
    pub kind: Kind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFact {
    en: String,
    es: String,
    #[serde(default)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenColumn {
    Text(String, Text),
    Kind(String, Text, Kind),
}

impl Kind {
    /// Whether a value is of this kind's type. What isn't known is empty text, whatever the kind.
    pub fn holds(self, value: &Value) -> bool {
        let unknown = |text: &str| text.is_empty();
        match (self, value) {
            (Self::Number, Value::Integer(_) | Value::Decimal(_)) | (Self::Flag, Value::Flag(_)) => true,
            (Self::Number | Self::Flag, Value::Text(text)) => unknown(text),
            (Self::Number, Value::Flag(_)) | (Self::Flag, Value::Integer(_) | Value::Decimal(_)) => false,
            (Self::Word | Self::Text, _) | (_, Value::Text(_)) => true,
            (Self::User | Self::Host | Self::Address | Self::Mac | Self::Serial, Value::Flag(_)) => false,
            (Self::User | Self::Host | Self::Address | Self::Mac | Self::Serial, Value::Integer(_)) => false,
            (Self::User | Self::Host | Self::Address | Self::Mac | Self::Serial, Value::Decimal(_)) => false,
        }
    }
}

impl From<WrittenFact> for FactTexts {
    fn from(WrittenFact { en, es, kind }: WrittenFact) -> Self {
        Self { label: Text { en, es }, kind }
    }
}

impl From<WrittenColumn> for Column {
    fn from(written: WrittenColumn) -> Self {
        match written {
            WrittenColumn::Text(key, label) => Self { key, label, kind: Kind::Text },
            WrittenColumn::Kind(key, label, kind) => Self { key, label, kind },
        }
    }
}
