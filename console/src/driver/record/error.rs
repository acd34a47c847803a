//! Why the record of a session doesn't take something in, or can't be written. Not here: what a technician is told of it.

use venia_proto::ledger::body::BodyError;
use venia_proto::ledger::event::EventError;
use venia_proto::ledger::note::NoteError;
use venia_proto::ledger::part::PartError;
use venia_proto::ledger::pin::Evidence;
use venia_proto::ledger::proof::ReceiptError;

/// Something came that mustn't, or ours couldn't be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Not an event.
    #[error("what came is no event")]
    Event(#[from] EventError),
    /// Of another session, or by another author than the agent.
    #[error("an event of another session or author")]
    Elsewhere,
    /// Not signed by the agent's key.
    #[error("an event that the agent's key didn't sign")]
    Signature(#[source] NoteError),
    /// The agent signed two events for one place, or doesn't continue its own strand.
    #[error("an event that contradicts the one before it")]
    Contradiction,
    /// The words aren't those the event committed to.
    #[error("words that aren't the ones the event committed to")]
    Words(#[source] PartError),
    /// A different number of openings than parts.
    #[error("openings that fit no part")]
    Openings,
    /// The words aren't a body of this kind.
    #[error("words of another kind")]
    Body(#[from] BodyError),
    /// The receipt doesn't hold.
    #[error("a receipt that doesn't hold")]
    Receipt(#[from] ReceiptError),
    /// Two roots at one size: the log showed two histories.
    #[error("receipts from two histories of the ledger")]
    Fork(Box<Evidence>),
    /// The statement names auditors, and words aren't sealed to them; or it names none, and they are sealed.
    #[error("the session isn't sealed as the organisation's statement says; if it has just changed, begin again")]
    Sealing,
    /// More events or bytes than a session may have.
    #[error("more than a session may hold")]
    TooMuch,
    /// More events within a minute than a session causes.
    #[error("more events within a minute than anybody causes")]
    TooFast,
    /// Longer texts than anybody may say.
    #[error("more words than anybody may say at once")]
    TooLong,
    /// A join that gives our strand to another key.
    #[error("a join with another key than ours")]
    NotUs,
    /// This computer gave no random bytes.
    #[error("this computer gives no random numbers")]
    Random,
    /// Our own text is too long for a part.
    #[error("our own text is too long")]
    Ours(#[source] PartError),
}
