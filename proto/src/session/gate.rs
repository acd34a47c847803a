//! Record before act: what each kind of event must have behind it before anything acts on it or leaves (SECURITY E).
//!
//! | kind | gate |
//! | --- | --- |
//! | open, join | receipted before the first card is shown |
//! | consent, request, admit | receipted before a run |
//! | result | receipted before it is sent |
//! | series | may go first; each block is recorded |
//! | chat, note, redaction, addendum | journalled before it is shown or sent |
//! | a run, where the owner of this PC is strict | and a quorum of witnesses cosigned a tree that holds its admission |
//! | refuse, pause, resume, stop, signoff, close | never waits |

use crate::ledger::kind::KindName;

/// Number of a batch of events that is journalled and submitted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u32);

/// What must have happened to an event first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// Nothing: revoking never waits for a disk or a network.
    None,
    /// It is on this PC's disk.
    Journalled,
    /// The relay's log holds it, and the proof is on this PC's disk.
    Receipted,
    /// And the statement's witnesses cosigned a tree that holds it.
    Witnessed,
}

/// The gate of a run. Cosignatures may trail the record, unless the owner of this PC said that nothing runs without them.
pub fn run_gate(strict: bool) -> Gate {
    if strict { Gate::Witnessed } else { gate(KindName::Admit) }
}

/// The gate of a kind.
pub fn gate(kind: KindName) -> Gate {
    match kind {
        KindName::Open
        | KindName::Join
        | KindName::Consent
        | KindName::Request
        | KindName::Admit
        | KindName::Result => Gate::Receipted,
        KindName::Series | KindName::Chat | KindName::Note | KindName::Redaction | KindName::Addendum => {
            Gate::Journalled
        }
        KindName::Refuse
        | KindName::Pause
        | KindName::Resume
        | KindName::Stop
        | KindName::Signoff
        | KindName::Close => Gate::None,
    }
}
