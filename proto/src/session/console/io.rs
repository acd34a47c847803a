//! What can happen to a console, and what it can order.
//!
//! Not here: what follows from what ([`super::Console`]).

use crate::consent::EntryRef;
use crate::foreign::Foreign;
use crate::ledger::body::{Asked, Body, Consent, ItemId, Request, Said, Signoff};
use crate::ledger::kind::{Answer, Cause, Kind, Status, Why};
use crate::report::Report;

/// Everything that can happen to a console.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A verified event of the agent, with the words it came with.
    Event {
        /// Which.
        entry: EntryRef,
        /// Kind and clear fields.
        kind: Kind<EntryRef>,
        /// Its words; [`Body::None`] if they weren't sent.
        body: Body,
    },
    /// The technician wants this run.
    Run(Asked),
    /// The technician wants this change: what it would change is looked at first, and the change asked for only if there
    /// is something to change.
    Change {
        /// The item that looks.
        preview: Asked,
        /// The change.
        change: Asked,
    },
    /// The technician says something.
    Chat(Foreign),
    /// The technician writes a note for the record.
    Note(Foreign),
    /// The technician is done, once what runs has ended.
    SignOff(Signoff),
    /// The agent says its close is durable.
    CloseRecorded,
    /// The connection to the agent is gone.
    LinkLost,
    /// Time passed.
    Tick,
}

/// Everything a console can order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Sign this as the next event of our strand, and send it.
    Write(Write),
    /// Tell the technician.
    Tell(Tell),
    /// Leave without a sign-off: the person said no to everything.
    Leave,
    /// The session is over: fetch the proofs, write the bundle.
    Collect,
}

/// An event to write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// A request the person will be asked about.
    Ask(Request),
    /// A request under a live grant.
    Run(Request),
    /// A chat line.
    Chat(Said),
    /// A note.
    Note(Said),
    /// The sign-off.
    Signoff(Signoff),
}

/// What the technician is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tell {
    /// The person answered.
    Consent {
        /// What.
        answer: Answer,
        /// What stood on the card; `None` for the arrival.
        card: Option<Consent>,
        /// Milliseconds it took.
        took: u64,
    },
    /// It runs.
    Running(ItemId),
    /// It ended.
    Result {
        /// The item.
        item: ItemId,
        /// How.
        status: Status,
        /// The report, if one was sent.
        report: Option<Report>,
        /// The `result` event.
        entry: EntryRef,
    },
    /// Private things were taken out of its report before it left.
    Redacted {
        /// The item.
        item: ItemId,
        /// How many.
        count: u64,
    },
    /// It was refused.
    Refused {
        /// The item.
        item: ItemId,
        /// Why.
        why: Why,
    },
    /// The person says something.
    Said(Foreign),
    /// What the technician said was not sent: the person hasn't said yet that they know them.
    Unsaid,
    /// Nothing runs for now.
    Paused(Cause),
    /// It goes on.
    Resumed,
    /// The session is over.
    Closed {
        /// Who ended it.
        by: Cause,
        /// Why.
        cause: Cause,
    },
    /// The connection broke before the agent closed the session.
    Lost,
}
