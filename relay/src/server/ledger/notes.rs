//! The notes of a session's events, given back to whoever took part in it: this is how a technician's copy learns of the
//! addenda after the close. (SECURITY E7)
//!
//! Only what was recorded, byte for byte; who asks checks signatures and proofs anew. Nobody else learns even whether a
//! session exists. Not here: the words of an event, which the relay never had.

use venia_proto::id::SessionId;
use venia_proto::key::PublicKey;
use venia_proto::rendezvous::{Answer, Refusal};

use super::{Store, StoreError};

/// Bytes of notes in one answer: with the largest note after them they stay within a control frame.
pub(super) const NOTES_BYTES: usize = 192 * 1024;
/// Notes in one answer.
pub(super) const NOTES_MAX: usize = 256;

/// A page of a session's notes, in log order.
pub fn notes(store: &impl Store, by: PublicKey, session: SessionId, skip: u64) -> Result<Answer, Refusal> {
    page(store, by, session, skip)
        .map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a session's notes can't be read");
            Refusal::Disk
        })?
        .ok_or(Refusal::NotAllowed)
}

fn page(store: &impl Store, by: PublicKey, session: SessionId, skip: u64) -> Result<Option<Answer>, StoreError> {
    let Some((agent, parties)) = store.session_keys(session)? else { return Ok(None) };
    if agent.key != by && !parties.contains(&by) {
        return Ok(None);
    }
    // No log grows to this many entries; the database counts in signed numbers.
    let everything = u64::MAX >> 1;
    let (mut notes, mut bytes) = (Vec::new(), 0);
    for placed in store.placed(session, everything, skip.min(everything), NOTES_MAX + 1)? {
        if notes.len() == NOTES_MAX || bytes >= NOTES_BYTES {
            return Ok(Some(Answer::Notes { notes, more: true }));
        }
        let note = store.entry(placed.entry)?.ok_or(StoreError::Damaged("an entry is missing"))?;
        bytes += note.len();
        notes.push(note);
    }
    Ok(Some(Answer::Notes { notes, more: false }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use venia_proto::ledger::note::TEXT_MAX;
    use venia_proto::wire::CONTROL_MAX;

    #[test]
    fn a_full_page_fits_a_control_frame() {
        // A note is its text and one signature line; each has a length of at most three bytes before it.
        const LARGEST: usize = TEXT_MAX + 512;
        const { assert!(NOTES_BYTES + LARGEST + 3 * (NOTES_MAX + 1) + 64 < CONTROL_MAX) };
    }
}
