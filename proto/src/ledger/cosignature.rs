//! A witness's word on a checkpoint: C2SP tlog-cosignature, Ed25519.
//!
//! A log that shows two people two trees must get both past its witnesses, who each keep the newest tree they saw. So
//! an organisation may require a quorum of them (statement `witnesses`, `quorum`).
//!
//! Not here: being a witness ([`super::witness`]). Signatures of keys the statement doesn't name are nobody's and prove
//! nothing.

use serde::Serialize;

use super::note::{Note, NoteError, Signature};
use crate::key::SigningKey;
use crate::now::Wall;
use crate::statement::{Statement, WitnessKey};

/// Seconds since 1970 in front of every signature, big-endian.
const TIMESTAMP: usize = 8;

/// How the cosignatures on a checkpoint stand to what the statement asks: *recorded*, or *recorded and witnessed*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Witnessed {
    /// How many of the statement's witnesses cosigned it.
    pub cosigned: u32,
    /// The statement's quorum.
    pub required: u32,
    /// When the last of them did, by its own clock.
    pub at: Option<Wall>,
}

/// A line under a witness's name and key id that isn't its cosignature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("witness {witness}")]
pub struct BadCosignature {
    /// Whose line it pretends to be.
    pub witness: WitnessKey,
    /// What is wrong with it.
    #[source]
    pub error: NoteError,
}

impl Witnessed {
    /// Counts the statement's witnesses under a checkpoint. A line that pretends to be one of theirs and isn't makes the
    /// whole note refused: an honest relay hands out none.
    pub fn of(checkpoint: &Note, statement: &Statement) -> Result<Self, BadCosignature> {
        let mut witnessed = Self { required: statement.quorum, ..Self::default() };
        for witness in &statement.witnesses {
            let when = cosigned(checkpoint, witness)
                .map_err(|error| BadCosignature { witness: witness.clone(), error })?
                .map(|seconds| Wall::from_ms(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000)));
            witnessed.cosigned += u32::from(when.is_some());
            witnessed.at = witnessed.at.max(when);
        }
        Ok(witnessed)
    }

    /// Whether nothing that the statement requires is missing.
    pub fn has_quorum(&self) -> bool {
        self.cosigned >= self.required
    }

    /// Whether it is *witnessed* and not merely recorded: the quorum is there, and somebody at all.
    pub fn is_witnessed(&self) -> bool {
        self.has_quorum() && self.cosigned > 0
    }
}

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
    fn recorded_and_witnessed_are_told_apart() {
        let keys: Vec<_> = (3..6).map(|seed| SigningKey::new("witness", [seed; 32])).collect();
        let witnesses: Vec<_> =
            keys.iter().map(|key| WitnessKey { name: key.verifier().name.clone(), key: *key.public() }).collect();
        let root = SigningKey::new("root", [7; 32]);
        let statement = |quorum| Statement {
            root: root.verifier().clone(),
            organisation: crate::foreign::Foreign::new("Help"),
            serial: 1,
            not_after: Wall::MAX,
            relays: Vec::new(),
            authority: root.verifier().clone(),
            auditors: Vec::new(),
            witnesses: witnesses[..2].to_vec(),
            packs: Vec::new(),
            keep_days: 30,
            quorum,
        };
        let mut note = checkpoint();
        let counted = |note: &Note, quorum| {
            let witnessed = Witnessed::of(note, &statement(quorum)).unwrap();
            (witnessed.cosigned, witnessed.has_quorum(), witnessed.is_witnessed())
        };
        assert_eq!(
            [0, 1, 2].map(|quorum| counted(&note, quorum)),
            [(0, true, false), (0, false, false), (0, false, false)]
        );
        note.add_line(cosign(&note, &keys[2], 9));
        assert_eq!(counted(&note, 1), (0, false, false), "a stranger is nobody's witness");
        note.add_line(cosign(&note, &keys[0], 20));
        assert_eq!(
            [0, 1, 2].map(|quorum| counted(&note, quorum)),
            [(1, true, true), (1, true, true), (1, false, false)]
        );
        note.add_line(cosign(&note, &keys[0], 20));
        assert_eq!(counted(&note, 2), (1, false, false), "the same one twice is one");
        note.add_line(cosign(&note, &keys[1], 10));
        assert_eq!(counted(&note, 2), (2, true, true));
        assert_eq!(Witnessed::of(&note, &statement(2)).unwrap().at, Some(Wall::from_ms(20_000)));
        let mut forged = cosign(&note, &keys[1], 11);
        forged.bytes[7] ^= 1;
        note.add_line(forged);
        assert_eq!(Witnessed::of(&note, &statement(2)).map_err(|bad| bad.witness), Err(witnesses[1].clone()));
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
