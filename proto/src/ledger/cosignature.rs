//! A witness's word on a checkpoint: C2SP tlog-cosignature, Ed25519.
//!
//! A log that shows two people two trees must get both past its witnesses, who each keep the newest tree they saw. So
//! an organisation may require a quorum of them (statement `witnesses`, `quorum`).
//!
//! Not here: being a witness. Signatures of keys the statement doesn't name are nobody's and prove nothing.

use super::note::{Note, NoteError, Signature};
use crate::key::SigningKey;
use crate::statement::WitnessKey;

/// Seconds since 1970 in front of every signature, big-endian.
const TIMESTAMP: usize = 8;

/// When this witness cosigned the checkpoint, in seconds since 1970; `None` if it didn't. A line under the witness's
/// name and key id that doesn't verify makes the whole note refused, as C2SP signed-note asks.
pub fn cosigned(note: &Note, witness: &WitnessKey) -> Result<Option<u64>, NoteError> {
    let mut when = None;
    for line in note.signatures() {
        if line.name != witness.name || line.id != witness.id() {
            continue;
        }
        let (stamp, signature) = line.bytes.split_first_chunk::<TIMESTAMP>().ok_or(NoteError::BadSignature)?;
        let signature = signature.try_into().map_err(|_| NoteError::BadSignature)?;
        let seconds = u64::from_be_bytes(*stamp);
        if seconds > i64::MAX as u64 || !witness.key.verify(message(note, seconds).as_bytes(), signature) {
            return Err(NoteError::BadSignature);
        }
        when = Some(seconds);
    }
    Ok(when)
}

/// The line a witness adds to a checkpoint it has checked, at a time handed in.
pub fn cosign(note: &Note, key: &SigningKey, seconds: u64) -> Signature {
    let witness = WitnessKey { name: key.verifier().name.clone(), key: *key.public() };
    let signature = key.sign(message(note, seconds).as_bytes());
    let bytes = [seconds.to_be_bytes().as_slice(), &signature].concat();
    Signature { id: witness.id(), name: witness.name, bytes }
}

fn message(note: &Note, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{}", note.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::note;

    fn witness() -> (SigningKey, WitnessKey) {
        let key = SigningKey::new("witness", [3; 32]);
        let witness = WitnessKey { name: key.verifier().name.clone(), key: *key.public() };
        (key, witness)
    }

    fn checkpoint() -> Note {
        let log = SigningKey::new("log", [1; 32]);
        Note::parse(&note::sign("log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", &log)).unwrap()
    }

    #[test]
    fn cosignatures_come_back() {
        let (key, witness) = witness();
        let mut note = checkpoint();
        assert_eq!(cosigned(&note, &witness), Ok(None));
        note.add_line(cosign(&note, &key, 1_679_315_147));
        let note = Note::parse(&note.to_bytes()).unwrap();
        assert_eq!(cosigned(&note, &witness), Ok(Some(1_679_315_147)));
    }

    #[test]
    fn f7_a_plain_signature_is_no_cosignature() {
        let (key, witness) = witness();
        let mut note = checkpoint();
        note.add_signature(&key);
        assert_eq!(cosigned(&note, &witness), Ok(None));
        let bytes = [7_u64.to_be_bytes().as_slice(), &key.sign(note.text().as_bytes())].concat();
        note.add_line(Signature { id: witness.id(), name: witness.name.clone(), bytes });
        assert_eq!(cosigned(&note, &witness), Err(NoteError::BadSignature));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let (key, witness) = witness();
        let good = cosign(&checkpoint(), &key, 1_679_315_147);
        for bit in 0..good.bytes.len() * 8 {
            let mut bad = good.clone();
            bad.bytes[bit / 8] ^= 1 << (bit % 8);
            let mut note = checkpoint();
            note.add_line(bad);
            assert_eq!(cosigned(&note, &witness), Err(NoteError::BadSignature), "bit {bit}");
        }
    }
}
