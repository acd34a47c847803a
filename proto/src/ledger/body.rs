//! What an event says in words: the JSON of its part `body`.
//!
//! A body never travels in the event itself, which holds only a commitment to it ([`super::part`]). Field names are
//! part of the ledger format (docs/ledger.md).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::foreign::Foreign;
use crate::json::{self, JsonError};
use crate::ledger::kind::KindName;
use crate::report::Report;
use crate::scope::Scope;

/// A language people read in Venia.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
}

/// Name of a catalogue item: `area.name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub String);

/// SHA-256 of an item's definition, lower-case hex: what exactly was asked and allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DefinitionHash(pub String);

/// Arguments of one run, by parameter name.
pub type Arguments = BTreeMap<String, String>;

/// The words of an event, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// Of `open`.
    Open(Open),
    /// Of `join`.
    Join(Join),
    /// Of `consent`.
    Consent(Consent),
    /// Of `request`.
    Request(Request),
    /// Of `admit`.
    Admit(Admit),
    /// Of `refuse`.
    Refuse(Refuse),
    /// Of `result`.
    Result(Outcome),
    /// Of `chat` and `note`.
    Said(Said),
    /// Of `redaction`.
    Redaction(Redaction),
    /// Of `signoff`.
    Signoff(Signoff),
    /// Of `addendum`.
    Addendum(Addendum),
    /// The event has no part: `pause`, `resume`, `stop`, `close`, and a `result` that is withheld or lost.
    None,
}

/// A part that isn't the body its event must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not UTF-8.
    #[error("the body isn't text")]
    NotText,
    /// Not the JSON this kind of event must have.
    #[error("the body is malformed")]
    Json(
        #[from]
        #[source]
        JsonError,
    ),
    /// Events of this kind have no body.
    #[error("an event of the kind {0} has no body")]
    NoBody(KindName),
}

impl Body {
    /// The plaintext of the part `body`: compact JSON in UTF-8, fields in the order of docs/ledger.md. `None` if there
    /// is no such part.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let text = match self {
            Self::Open(body) => json::committed_text(body),
            Self::Join(body) => json::committed_text(body),
            Self::Consent(body) => json::committed_text(body),
            Self::Request(body) => json::committed_text(body),
            Self::Admit(body) => json::committed_text(body),
            Self::Refuse(body) => json::committed_text(body),
            Self::Result(body) => json::committed_text(body),
            Self::Said(body) => json::committed_text(body),
            Self::Redaction(body) => json::committed_text(body),
            Self::Signoff(body) => json::committed_text(body),
            Self::Addendum(body) => json::committed_text(body),
            Self::None => return None,
        };
        Some(text.into_bytes())
    }

    /// Whether everything somebody says in it in their own words is as short as free text must be: it is shown to people and
    /// kept by them. What a program says (a report, the text of a card, names of checks) isn't judged here. (SECURITY D4)
    pub fn is_within(&self) -> bool {
        let all = |texts: &[Option<&Foreign>]| texts.iter().flatten().all(|text| text.is_within());
        match self {
            Self::Open(Open { about, since, called, .. }) => all(&[about.as_ref(), since.as_ref(), called.as_ref()]),
            Self::Join(Join { reason, .. }) => reason.is_within(),
            Self::Request(Request { why, .. }) => why.is_within(),
            Self::Refuse(Refuse { detail }) | Self::Result(Outcome { detail, .. }) => detail.is_within(),
            Self::Said(Said { text }) => text.is_within(),
            Self::Signoff(Signoff { outcome, next, observations }) => {
                all(&[Some(outcome), Some(next), observations.as_ref()])
            }
            Self::Addendum(Addendum { comment, correction, .. }) => all(&[comment.as_ref(), correction.as_ref()]),
            Self::Consent(_) | Self::Admit(_) | Self::Redaction(_) | Self::None => true,
        }
    }

    /// Reads the plaintext of the part `body` of an event of this kind: every field, no other, none twice.
    pub fn decode(kind: KindName, plaintext: &[u8]) -> Result<Self, BodyError> {
        let text = std::str::from_utf8(plaintext).map_err(|_| BodyError::NotText)?;
        Ok(match kind {
            KindName::Open => Self::Open(json::committed(text, "open body")?),
            KindName::Join => Self::Join(json::committed(text, "join body")?),
            KindName::Consent => Self::Consent(json::committed(text, "consent body")?),
            KindName::Request => Self::Request(json::committed(text, "request body")?),
            KindName::Admit => Self::Admit(json::committed(text, "admit body")?),
            KindName::Refuse => Self::Refuse(json::committed(text, "refuse body")?),
            KindName::Result => Self::Result(json::committed(text, "result body")?),
            KindName::Chat | KindName::Note => Self::Said(json::committed(text, "words")?),
            KindName::Redaction => Self::Redaction(json::committed(text, "redaction body")?),
            KindName::Signoff => Self::Signoff(json::committed(text, "signoff body")?),
            KindName::Addendum => Self::Addendum(json::committed(text, "addendum body")?),
            KindName::Series | KindName::Pause | KindName::Resume | KindName::Stop | KindName::Close => {
                return Err(BodyError::NoBody(kind));
            }
        })
    }
}

/// How the session began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// What happened, in the person's own words.
    pub about: Option<Foreign>,
    /// Since when.
    pub since: Option<Foreign>,
    /// The person's language.
    pub language: Language,
    /// What the person wants to be called.
    pub called: Option<Foreign>,
    /// This PC's wall clock minus the ledger's clock, in milliseconds; null when the ledger has no time yet.
    pub skew_ms: Option<i64>,
}

/// Who arrives and what for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The member note exactly as the agent saw it.
    pub member: String,
    /// The technician's reason.
    pub reason: Foreign,
    /// What they say they'll need.
    pub offer: Offer,
}

/// What a technician asks for at arrival: one card for all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Whole scopes.
    pub scopes: BTreeSet<Scope>,
    /// Single items with the arguments they would run with.
    pub items: Vec<Asked>,
}

/// One item somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The item.
    pub item: ItemId,
    /// Its definition as the asker knows it.
    pub definition: DefinitionHash,
    /// The arguments.
    pub arguments: Arguments,
}

/// What the person saw and answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The exact text shown.
    pub text: String,
    /// In which language.
    pub language: Language,
    /// Whole scopes on the card.
    pub scopes: BTreeSet<Scope>,
    /// Every item the answer covers.
    pub items: Vec<Allowed>,
    /// For how long, from the answer; null for *until I stop* and for questions that grant nothing.
    pub minutes: Option<u32>,
}

/// One item of a grant. (SECURITY D3)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// The item.
    pub item: ItemId,
    /// Its definition: a grant never covers another one.
    pub definition: DefinitionHash,
    /// Per parameter, the exact values shown; a parameter that isn't listed may take any value its definition declares.
    pub values: BTreeMap<String, BTreeSet<String>>,
    /// How many times it may run.
    pub uses: u32,
}

/// One run asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The item.
    pub item: ItemId,
    /// Its definition as the technician's program knows it.
    pub definition: DefinitionHash,
    /// The arguments.
    pub arguments: Arguments,
    /// Why, in the technician's words.
    pub why: Foreign,
}

/// One run admitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admit {
    /// The item.
    pub item: ItemId,
    /// The definition that runs.
    pub definition: DefinitionHash,
    /// What fences the worker in on this PC.
    pub fences: Vec<String>,
}

/// One run refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// What exactly didn't fit.
    pub detail: Foreign,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The report as sent; null if there is none.
    pub report: Option<Report>,
    /// Why there is none; empty otherwise.
    pub detail: Foreign,
}

/// A chat line or a note.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The text.
    pub text: Foreign,
}

/// What was taken out of a result before it left.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    /// Name and version of the rule set.
    pub set: String,
    /// Per rule id, how many times it took something out.
    pub rules: BTreeMap<String, u64>,
}

/// The technician's last word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signoff {
    /// What came of it.
    pub outcome: Foreign,
    /// What happens next.
    pub next: Foreign,
    /// Anything else worth keeping.
    pub observations: Option<Foreign>,
}

/// Something said after the close.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addendum {
    /// One to five; of a rating.
    pub stars: Option<u8>,
    /// In the person's words.
    pub comment: Option<Foreign>,
    /// What was wrong and what is right.
    pub correction: Option<Foreign>,
}

#[cfg(test)]
mod tests;
