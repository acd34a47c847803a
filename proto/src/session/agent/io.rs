//! What can happen to a session, and what it can order: the whole surface between the rules and a shell.

use std::collections::BTreeSet;

use crate::consent::{Card, CardId, Choice, EntryRef, Permit, RunId};
use crate::foreign::Foreign;
use crate::id::Strand;
use crate::key::VerifierKey;
use crate::ledger::body::{self, Body, Language, Offer, Request};
use crate::ledger::kind::{Cause, Kind, Verified, Why};
use crate::report::Report;
use crate::session::close::Close;
use crate::session::gate::BatchId;

/// What the agent knows when the technician arrives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// The strand this technician writes.
    pub strand: Strand,
    /// The only key that may sign it.
    pub key: VerifierKey,
    /// The member note exactly as seen.
    pub member: String,
    /// Name, from the member note.
    pub name: Foreign,
    /// Certified level, from the member note.
    pub level: u8,
    /// How the agent knows the key.
    pub verified: Verified,
    /// Whether this PC knew the organisation's root before this session (A2).
    pub known_root: bool,
    /// Why they are here, in their words.
    pub reason: Foreign,
    /// What they say they'll need.
    pub offer: Offer,
    /// The body of the `open` event.
    pub open: body::Open,
    /// Protocol versions the agent speaks.
    pub versions: Vec<u16>,
}

/// Everything that can happen to a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Pairing succeeded and the technician said why they are here.
    Arrived(Box<Arrival>),
    /// The technician asks for one run; `seq` is the `request` event's number in their strand.
    Ask {
        /// Number of the event.
        seq: u64,
        /// Its body.
        request: Request,
    },
    /// The technician runs what they believe is allowed.
    Run {
        /// Number of the event.
        seq: u64,
        /// Its body.
        request: Request,
    },
    /// A chat line or note of the technician.
    Said {
        /// Number of the event.
        seq: u64,
        /// The text.
        text: Foreign,
        /// Chat is shown to the person; a note is only recorded.
        chat: bool,
    },
    /// The technician signed off.
    SignedOff {
        /// Number of the event.
        seq: u64,
    },
    /// What came from the technician's program isn't a valid event of their strand, or not a valid message.
    Nonsense {
        /// What was expected.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// The technician's program closed the connection in good order.
    Left,
    /// The end-to-end connection is dead.
    LinkLost,
    /// The same technician's program proved itself on a new one. (SECURITY A6)
    LinkFound,
    /// The control connection is dead.
    RelayLost,
    /// The control connection is back.
    RelayFound,
    /// The log contradicts itself, or its relay doesn't prove that it doesn't (F4): nothing it records counts.
    LogDoubted,
    /// The relay says this technician was revoked (A5).
    Revoked,
    /// The driver showed a card and this is its exact text. May come again for the same card: in another language.
    Shown {
        /// The card.
        card: CardId,
        /// The text.
        text: String,
        /// Its language.
        language: Language,
    },
    /// The person changed which boxes of a card are ticked.
    Ticked {
        /// The card.
        card: CardId,
        /// Every item whose box is ticked now.
        ticked: BTreeSet<body::ItemId>,
    },
    /// The person answered a card.
    Answered {
        /// The card.
        card: CardId,
        /// The answer.
        choice: Choice,
        /// What stood before them as they gave it, letter by letter: a yes counts only for what [`Input::Shown`] said last.
        shown: String,
    },
    /// The person says something to the technician.
    PersonSays(Foreign),
    /// The person pressed STOP.
    Stop,
    /// Nobody can see the session any more; somebody may again.
    EyesLost,
    /// Somebody can again.
    EyesBack,
    /// Nobody will ever see it again or answer: the terminal is gone.
    PersonGone,
    /// The PC slept this long.
    Slept {
        /// Milliseconds.
        ms: u64,
    },
    /// A batch is on this PC's disk.
    Journalled(BatchId),
    /// A batch is in the relay's log, proven, and the proof is on this PC's disk.
    Receipted(BatchId),
    /// Witnesses cosigned a tree that holds this batch.
    Witnessed(BatchId),
    /// This PC's journal can't be written.
    JournalFailed,
    /// The relay refuses to record (disk, quota, fault): no receipt will come for this batch.
    NotRecorded(BatchId),
    /// A worker is done.
    Finished {
        /// Its run.
        run: RunId,
        /// How it ended.
        outcome: Finished,
    },
    /// Time passed.
    Tick,
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Finished {
    /// With a report that holds only what its definition declares, and nothing private.
    Reported {
        /// The report as it may leave.
        report: Report,
        /// What was taken out of it, if anything was: rules and counts.
        redaction: Option<body::Redaction>,
    },
    /// Without one, and why.
    Failed(Foreign),
}

/// An event to write into the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The agent's own; numbered on from its strand.
    Own {
        /// Kind and clear fields.
        kind: Kind<EntryRef>,
        /// Its words.
        body: Body,
    },
    /// The technician's, already signed.
    Theirs(EntryRef),
}

/// Everything a session can order.
#[derive(Debug)]
pub enum Output {
    /// Write, journal and submit these together.
    Record {
        /// The batch.
        batch: BatchId,
        /// Its events, in order.
        entries: Vec<Entry>,
    },
    /// Show this card and answer [`Input::Shown`].
    Ask(Card),
    /// The open card is void.
    Withdraw(CardId),
    /// Tell the person.
    Tell(Tell),
    /// Run it. The permit is spent by the worker.
    Perform(Permit),
    /// Kill this worker and all its descendants, now.
    Kill(RunId),
    /// Send this event of the agent's strand to the technician, with its words.
    Send(EntryRef),
    /// Send this event without its words.
    SendBare(EntryRef),
    /// Stop sending outcomes that are half sent: nothing more leaves.
    Cut,
    /// Tell the technician's program that the close is recorded.
    SendCloseRecorded,
    /// The session is over; nothing follows but [`Output::SendCloseRecorded`] and [`Output::Released`].
    Closed(Close),
    /// Nothing is left to wait for.
    Released,
}

/// What the person is told while a session lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tell {
    /// A service this PC never met; the question follows in ten seconds.
    FirstSeen,
    /// The person knows the technician: they are in.
    Connected,
    /// The person allowed what was on the card.
    Allowed,
    /// The person allowed none of it.
    Denied,
    /// Something runs.
    Running(body::ItemId),
    /// It ended and its result was sent.
    Sent(body::ItemId),
    /// It ended and nothing was sent.
    NotSent(body::ItemId),
    /// It was stopped, but what it had begun can't be: it goes on to its end.
    GoesOn(body::ItemId),
    /// Its result stays here: the person kept it, or could not be asked.
    Kept(body::ItemId),
    /// Something was refused without asking.
    Refused(body::ItemId, Why),
    /// The technician says something.
    Said(Foreign),
    /// The person's own line is in the session.
    Own(Foreign),
    /// A grant ended.
    GrantEnded,
    /// The session is paused.
    Paused(Cause),
    /// It goes on.
    Resumed,
    /// The record of an answer or a result is late; it is kept here and sent to the ledger later.
    RecordLate,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Nobody arrived yet.
    New,
    /// The arrival is being recorded or asked about.
    Arriving,
    /// The person knows who is there; things may be asked.
    Open,
    /// Over. Only the receipt of the close is awaited.
    Closed,
}
