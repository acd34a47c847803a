//! What a session keeps of the question on the screen, of a run under way and of what is still to be ordered.

use super::io::{Entry, Tell};
use crate::consent::{Card, CardId, EntryRef, RunId, Wanted};
use crate::ledger::body::{self, Language};
use crate::report::Report;
use crate::session::close::Close;
use crate::session::gate::BatchId;

/// What [`super::Output`] will say; without the permit, so that the machine stays `Clone`, `Eq` and `Hash`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Effect {
    Record {
        batch: BatchId,
        entries: Vec<Entry>,
    },
    Ask(Card),
    Withdraw(CardId),
    Tell(Tell),
    Perform(RunId),
    Kill(RunId),
    Send(EntryRef),
    /// A result, judged against its grant once more when it leaves: recording may have taken its time.
    Outcome {
        result: EntryRef,
        grant: EntryRef,
        item: body::ItemId,
    },
    SendBare(EntryRef),
    Cut,
    SendCloseRecorded,
    Closed(Close),
    Released,
}

/// A question on the person's screen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct OpenCard {
    pub(super) card: Card,
    pub(super) asked_ms: u64,
    pub(super) text: String,
    pub(super) language: Language,
}

/// A run between its admission and the sending of its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) request: EntryRef,
    pub(super) admit: EntryRef,
    pub(super) wanted: Wanted,
    /// The `consent` event of its grant.
    pub(super) grant: EntryRef,
    pub(super) deadline_ms: u32,
    /// Its result may hold personal data: the person looks at it before it is sent.
    pub(super) personal: bool,
    /// Once begun it can't be stopped: its card said so. (SECURITY G6)
    pub(super) unstoppable: bool,
    /// What was taken out of its report; recorded with the result, if that is.
    pub(super) redaction: Option<body::Redaction>,
    pub(super) state: RunState,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RunState {
    /// Its admission has no receipt yet.
    Admitted(BatchId),
    /// A worker has its permit.
    Running,
    /// The person looks at what would be sent; nothing of it is recorded yet.
    LookedAt(Box<Report>),
    /// Its result is recorded here and waits for its receipt, and for the end of a pause.
    Recorded(EntryRef),
}
