//! What a session tells the technician, as data: no sentence, no JSON.

use std::path::PathBuf;

use venia_proto::catalog::{Goal, Item};
use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Consent, ItemId, Signoff};
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::kind::{Answer, Cause, Status, Why};
use venia_proto::ledger::verify::Finding;
use venia_proto::report::Report;
use venia_ui::failure::Failure;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Something went wrong.
    Failed(Failure),
    /// Both computers know each other.
    Paired(SessionId),
    /// The person is being asked.
    Waiting,
    /// It runs.
    Running(ItemId),
    /// The person answered. That they know the technician is told to people alone: scripts wait for what was allowed.
    Consent {
        /// What.
        answer: Answer,
        /// What stood on the card; `None` for the arrival.
        card: Option<Consent>,
        /// Milliseconds it took.
        took: u64,
    },
    /// A run ended.
    Result {
        /// The item.
        item: ItemId,
        /// How.
        status: Status,
        /// The report, if one was sent.
        report: Option<Report>,
        /// Where the result stands in the log, from its proof.
        entry: Option<u64>,
    },
    /// Private things were taken out of a report before it left.
    Redacted {
        /// The item.
        item: ItemId,
        /// How many.
        count: u64,
    },
    /// A run won't be.
    Refused {
        /// The item.
        item: ItemId,
        /// Why.
        why: Why,
    },
    /// What is watched isn't allowed, or not any more; the person wasn't asked.
    Uncovered(ItemId),
    /// An item of a goal that this technician may not run.
    NeedsLevel(Box<Item>),
    /// What the reports of a goal mean together, and which of its items gave none: nothing found isn't nothing there.
    Diagnosis {
        /// The goal.
        goal: Goal,
        /// What came.
        reports: Vec<(ItemId, Report)>,
        /// What didn't.
        missing: Vec<ItemId>,
    },
    /// The person says something.
    Said(Foreign),
    /// What the technician said was not sent: the person doesn't know them yet.
    Unsaid,
    /// Nothing runs for now; why.
    Paused(Cause),
    /// It goes on.
    Resumed,
    /// The help service or the person's program can't be reached; the session ends if that lasts.
    Offline,
    /// It is back.
    Online,
    /// Somebody new can read the records of this service.
    AuditorAdded(String),
    /// A sentence that nobody may miss.
    Warned(String),
    /// What somebody typed can't be done; why.
    NotUnderstood(String),
    /// It is over; the end of the record is awaited.
    Closing,
    /// It is over, and this is left of it.
    Closed(Box<Ended>),
}

/// How a session ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) by: Cause,
    pub(crate) cause: Cause,
    pub(crate) signoff: Option<Signoff>,
    pub(crate) bundle: Option<PathBuf>,
    pub(crate) verdict: Option<Finding>,
    pub(crate) witnessed: Option<Witnessed>,
    pub(crate) trails: bool,
}
