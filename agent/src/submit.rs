//! Offers events to the relay with their sealed parts, and believes nothing that isn't proven: checkpoint, consistency
//! with what this PC saw of the log before, and inclusion of every event. (SECURITY F1, F4)
//!
//! Sealed parts go first, each on a stream of its own; a relay that lost them meanwhile says so, and gets them again.
//! Used during a session ([`crate::driver::recorder`]) and for what is left of one ([`crate::commands::complete`]).

use std::time::Duration;

use venia_proto::id::Leaf;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::note::Note;
use venia_proto::ledger::pin::{Pin, PinError};
use venia_proto::ledger::proof::Proof;
use venia_proto::rendezvous::{Answer, Call, EventFault, Refusal, SUBMIT_MAX};
use venia_relay::client::bulk::upload;
use venia_relay::client::control::{Control, ControlError};

use crate::seal::SealedFile;

/// An event to be recorded.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    /// The event.
    pub event: &'a Event,
    /// The sealed files its parts name, in order.
    pub sealed: &'a [SealedFile],
}

/// Why a submission has no receipt.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// No usable answer on this connection.
    #[error(transparent)]
    Connection(#[from] ControlError),
    /// The relay said no.
    #[error("the relay refused: {0}")]
    Refused(#[source] Refusal),
    /// What it proved contradicts what it proved before.
    #[error("the relay's receipt doesn't hold")]
    Proof(#[source] PinError),
    /// It answered something that proves nothing.
    #[error("the relay's receipt is no receipt")]
    NoReceipt,
}

/// Submits at most [`SUBMIT_MAX`] events of one session, all or none, and gives the proof of each. `pin` moves on to the
/// checkpoint that proves them. `patience`: how long the relay may take for its answer, uploads not counted.
pub async fn submit(
    control: &Control,
    log: &VerifierKey,
    pin: &mut Option<Pin>,
    events: &[Offer<'_>],
    patience: Duration,
) -> Result<Vec<(Leaf, Vec<u8>)>, SubmitError> {
    debug_assert!(events.len() <= SUBMIT_MAX);
    send_parts(control, events).await?;
    let answered = match ask(control, pin.as_ref(), events, patience).await {
        Err(SubmitError::Refused(Refusal::Event { fault: EventFault::Sealed, .. })) => {
            send_parts(control, events).await?;
            ask(control, pin.as_ref(), events, patience).await?
        }
        answered => answered?,
    };
    let (checkpoint, consistency, entries) = answered;
    let note = Note::parse(&checkpoint).map_err(|_| SubmitError::NoReceipt)?;
    match pin {
        Some(pin) => {
            // Older is fine: another answer overtook it.
            let _ = pin.advance(&checkpoint, log, Some(&consistency)).map_err(SubmitError::Proof)?;
        }
        None => *pin = Some(Pin::new(&checkpoint, log).map_err(|error| SubmitError::Proof(error.into()))?),
    }
    if entries.len() != events.len() {
        return Err(SubmitError::NoReceipt);
    }
    events
        .iter()
        .zip(entries)
        .map(|(offer, entry)| {
            let leaf = offer.event.leaf();
            let proof = Proof { index: entry.index, siblings: entry.path, checkpoint: note.clone(), extra: None };
            // A relay that points at another entry proves nothing: as if it hadn't answered.
            proof.verify(leaf, log).map_err(|_| SubmitError::NoReceipt)?;
            Ok((leaf, proof.to_bytes()))
        })
        .collect()
}

async fn send_parts(control: &Control, events: &[Offer<'_>]) -> Result<(), SubmitError> {
    for offer in events {
        let files: Vec<_> = offer.sealed.iter().map(|file| &file.bytes).collect();
        upload(control, offer.event.header().session, &files).await.map_err(told)?;
    }
    Ok(())
}

type Receipts = (Vec<u8>, Vec<[u8; 32]>, Vec<venia_proto::rendezvous::Entry>);

async fn ask(
    control: &Control,
    pin: Option<&Pin>,
    events: &[Offer<'_>],
    patience: Duration,
) -> Result<Receipts, SubmitError> {
    let known = pin.map_or(0, |pin| pin.checkpoint().size);
    let notes = events.iter().map(|offer| offer.event.bytes().to_vec()).collect();
    let call = control.call(Call::Submit { events: notes, known });
    let answer = tokio::time::timeout(patience, call).await.unwrap_or(Err(ControlError::Unreachable(None)));
    match answer.map_err(told)? {
        Answer::Receipts { checkpoint, consistency, entries } => Ok((checkpoint, consistency, entries)),
        Answer::Registered { .. }
        | Answer::Noted
        | Answer::Member { .. }
        | Answer::Joined { .. }
        | Answer::Proofs { .. }
        | Answer::Consistency { .. }
        | Answer::Notes { .. }
        | Answer::Erasures { .. }
        | Answer::Logs { .. }
        | Answer::Entries { .. }
        | Answer::Successors { .. } => Err(SubmitError::NoReceipt),
    }
}

fn told(error: ControlError) -> SubmitError {
    if let ControlError::Refused(refusal) = error { SubmitError::Refused(refusal) } else { error.into() }
}
