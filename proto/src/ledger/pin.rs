//! The newest checkpoint somebody accepted from a log: what makes a lying log lie to them for ever, or get caught.
//!
//! A log that wants to show two people two histories must keep them apart: the moment one of them sees a checkpoint of
//! the other history, no consistency proof connects it to their pin. What counts as evidence is narrow, so that an
//! honest race freezes nobody (SECURITY F4): two validly signed checkpoints of one size and different roots, or a
//! consistency proof *supplied by the relay* that fails. A smaller checkpoint is normal (another answer overtook it):
//! the pin stays. A larger one without a proof is not evidence either: ask again.
//!
//! Not here: asking, counting the tries, storing. A pin is per origin; only the root's statement of a new origin lifts
//! a freeze.

use super::checkpoint::{Checkpoint, CheckpointError};
use super::cosignature::Witnessed;
use super::merkle::{self, Hash, ProofError};
use super::note::Note;
use crate::key::VerifierKey;
use crate::statement::Statement;

/// The newest checkpoint accepted from one log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    checkpoint: Checkpoint,
    note: Note,
}

/// What a checkpoint did to the pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advance {
    /// It is the new pin.
    Newer,
    /// The same tree.
    Same,
    /// An older tree, which this pin can't judge: ask the relay for consistency from it to the pin.
    Older,
}

/// Why a checkpoint didn't advance the pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not a checkpoint of this log: whoever sent it, the log isn't accused.
    #[error("not a checkpoint of this log")]
    Checkpoint(
        #[from]
        #[source]
        CheckpointError,
    ),
    /// Larger, and no proof came with it: ask for one.
    #[error("the checkpoint came without the proof that it continues the one before")]
    NoProof,
    /// The log contradicts itself.
    #[error("the log contradicts itself: {}", .0.fault)]
    Evidence(Box<Evidence>),
}

/// Two notes, both signed by the log, that an honest log can't have signed: verifiable by anybody, offline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// What is wrong with them.
    pub fault: Fault,
    /// The checkpoint known before, byte for byte.
    pub known: Vec<u8>,
    /// The one that came, byte for byte.
    pub shown: Vec<u8>,
    /// The consistency proof the relay supplied; empty for a fork.
    pub proof: Vec<Hash>,
}

/// How a log contradicted itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// One size, two roots.
    #[error("two different trees of {0} entries")]
    Fork(u64),
    /// The proof it supplied doesn't connect the two.
    #[error("its own proof doesn't connect the trees of {from} and {to} entries")]
    Inconsistent {
        /// The smaller size.
        from: u64,
        /// The larger size.
        to: u64,
    },
}

impl Pin {
    /// The first checkpoint ever seen of this log.
    pub fn new(note: &[u8], log: &VerifierKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note).map_err(CheckpointError::Note)?;
        Ok(Self { checkpoint: Checkpoint::of_note(&note, log)?, note })
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Its note, to store and to show others.
    pub fn note(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    /// Takes a checkpoint of the same log, with the consistency proof that came with it, if one did. The log's key is
    /// the statement's, by this pin's origin.
    pub fn advance(
        &mut self,
        note: &[u8],
        log: &VerifierKey,
        consistency: Option<&[Hash]>,
    ) -> Result<Advance, PinError> {
        let shown = Self::new(note, log)?;
        if shown.checkpoint.origin != self.checkpoint.origin {
            return Err(PinError::Checkpoint(CheckpointError::ForeignOrigin));
        }
        let (from, to) = (self.checkpoint.size, shown.checkpoint.size);
        if from == to {
            return if self.checkpoint.root == shown.checkpoint.root {
                Ok(Advance::Same)
            } else {
                Err(self.evidence(Fault::Fork(from), &shown, &[]))
            };
        }
        let (older, newer) =
            if from < to { (&self.checkpoint, &shown.checkpoint) } else { (&shown.checkpoint, &self.checkpoint) };
        let connected = consistency
            .map(|proof| (proof, merkle::verify_consistency(older.size, newer.size, &older.root, &newer.root, proof)));
        match connected {
            Some((proof, Err(ProofError::Root | ProofError::Length | ProofError::OutOfRange))) => {
                let fault = Fault::Inconsistent { from: older.size, to: newer.size };
                Err(self.evidence(fault, &shown, proof))
            }
            _ if to < from => Ok(Advance::Older),
            Some((_, Ok(()))) => {
                *self = shown;
                Ok(Advance::Newer)
            }
            None => Err(PinError::NoProof),
        }
    }

    /// Whether the statement's witnesses cosigned a tree that holds this one: the checkpoint and the proof are the relay's
    /// answer, and believed no more than in [`Self::advance`]. A checkpoint without enough cosignatures is no evidence of
    /// anything: they may trail.
    pub fn witnessed(
        &self,
        note: &[u8],
        log: &VerifierKey,
        consistency: &[Hash],
        statement: &Statement,
    ) -> Result<bool, PinError> {
        let advance = self.clone().advance(note, log, Some(consistency))?;
        let note = Note::parse(note).map_err(CheckpointError::Note)?;
        // A forged line is no cosignature; whoever could drop it could have left it out.
        let witnessed = Witnessed::of(&note, statement).is_ok_and(|witnessed| witnessed.is_witnessed());
        Ok(witnessed && advance != Advance::Older)
    }

    fn evidence(&self, fault: Fault, shown: &Self, proof: &[Hash]) -> PinError {
        PinError::Evidence(Box::new(Evidence { fault, known: self.note(), shown: shown.note(), proof: proof.to_vec() }))
    }
}

impl Evidence {
    /// Whether it proves what it says: both notes are the log's and contradict each other. For an inconsistency this
    /// shows only that the supplied proof fails; the log's side is to supply a better one.
    pub fn holds(&self, log: &VerifierKey) -> bool {
        let (Ok(mut known), Ok(_)) = (Pin::new(&self.known, log), Pin::new(&self.shown, log)) else { return false };
        let proof = match self.fault {
            Fault::Fork(_) => None,
            Fault::Inconsistent { .. } => Some(self.proof.as_slice()),
        };
        matches!(known.advance(&self.shown, log, proof), Err(PinError::Evidence(again)) if *again == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyName, SigningKey};
    use crate::ledger::merkle::Tree;
    use crate::ledger::note;

    fn log() -> SigningKey {
        SigningKey::new("log", [1; 32]).named(KeyName::new("relay.example/log").unwrap())
    }

    /// Checkpoint of `size` leaves of history `story`, and its proof from `from`.
    fn history(story: u8, from: u64, size: u64) -> (Vec<u8>, Vec<Hash>) {
        let (mut tree, mut nodes) = (Tree::new(), Vec::new());
        for n in 0..size {
            tree.append(note::leaf(&[story, n as u8]), |level, index, hash| nodes.push(((level, index), hash)));
        }
        let node = |level, index| nodes.iter().find(|(name, _)| *name == (level, index)).map(|(_, hash)| *hash);
        let proof = merkle::consistency(from, size, node).unwrap();
        (Checkpoint::of(log().verifier(), size, tree.root()).sign(&log()), proof)
    }

    fn pin(story: u8, size: u64) -> Pin {
        Pin::new(&history(story, 0, size).0, log().verifier()).unwrap()
    }

    fn advance(pin: &mut Pin, story: u8, from: u64, size: u64) -> Result<Advance, PinError> {
        let (note, proof) = history(story, from, size);
        pin.advance(&note, log().verifier(), Some(&proof))
    }

    #[test]
    fn f4_a_log_that_only_grows_advances_the_pin() {
        let mut pin = pin(1, 3);
        assert_eq!(advance(&mut pin, 1, 3, 3), Ok(Advance::Same));
        assert_eq!(advance(&mut pin, 1, 3, 8), Ok(Advance::Newer));
        assert_eq!(pin.checkpoint().size, 8);
        assert_eq!(pin.note(), history(1, 0, 8).0);
    }

    #[test]
    fn f4_smaller_is_normal_and_the_larger_is_kept() {
        let mut pin = pin(1, 8);
        let (smaller, _) = history(1, 0, 5);
        assert_eq!(pin.advance(&smaller, log().verifier(), None), Ok(Advance::Older));
        let (_, proof) = history(1, 5, 8);
        assert_eq!(pin.advance(&smaller, log().verifier(), Some(&proof)), Ok(Advance::Older));
        assert_eq!(pin.checkpoint().size, 8);
    }

    #[test]
    fn witnesses_count_for_a_tree_that_holds_the_pin() {
        let key = SigningKey::new("witness", [8; 32]);
        let root = SigningKey::new("root", [7; 32]);
        let statement = |quorum| Statement {
            root: root.verifier().clone(),
            organisation: crate::foreign::Foreign::new("Help"),
            serial: 1,
            not_after: crate::now::Wall::MAX,
            relays: Vec::new(),
            authority: root.verifier().clone(),
            auditors: Vec::new(),
            witnesses: vec![crate::statement::WitnessKey { name: key.verifier().name.clone(), key: *key.public() }],
            packs: Vec::new(),
            keep_days: 30,
            quorum,
        };
        let pin = pin(1, 5);
        let shown = |story, from, size, by: Option<&SigningKey>| {
            let (note, proof) = history(story, from, size);
            let mut note = Note::parse(&note).unwrap();
            if let Some(by) = by {
                note.add_line(crate::ledger::cosignature::cosign(&note, by, 7));
            }
            pin.witnessed(&note.to_bytes(), log().verifier(), &proof, &statement(1))
        };
        assert_eq!(shown(1, 5, 5, Some(&key)), Ok(true));
        assert_eq!(shown(1, 5, 8, Some(&key)), Ok(true));
        assert!(shown(1, 3, 8, Some(&key)).is_err(), "a proof of something else");
        assert_eq!(shown(1, 5, 8, None), Ok(false), "it may trail");
        assert_eq!(shown(1, 5, 8, Some(&SigningKey::new("witness", [9; 32]))), Ok(false), "a stranger");
        let (older, proof) = (history(1, 0, 3).0, history(1, 3, 5).1);
        let mut older = Note::parse(&older).unwrap();
        older.add_line(crate::ledger::cosignature::cosign(&older, &key, 7));
        let held = pin.witnessed(&older.to_bytes(), log().verifier(), &proof, &statement(1));
        assert_eq!(held, Ok(false), "a tree from before");
        assert!(matches!(shown(2, 5, 5, Some(&key)), Err(PinError::Evidence(_))), "cosigned or not, a fork is one");
    }

    #[test]
    fn f4_no_proof_is_no_evidence() {
        let mut pin = pin(1, 3);
        let (note, _) = history(2, 3, 8);
        assert_eq!(pin.advance(&note, log().verifier(), None), Err(PinError::NoProof));
        assert_eq!(pin.checkpoint().size, 3);
    }

    #[test]
    fn f4_a_fork_is_evidence_with_both_notes() {
        let mut ours = pin(1, 5);
        let before = ours.clone();
        let Err(PinError::Evidence(evidence)) = advance(&mut ours, 2, 5, 5) else { panic!("a fork was accepted") };
        assert_eq!(evidence.fault, Fault::Fork(5));
        assert_eq!((&evidence.known, &evidence.shown), (&history(1, 0, 5).0, &history(2, 0, 5).0));
        assert!(evidence.holds(log().verifier()));
        assert_eq!(ours, before);
        // What isn't evidence doesn't pass for it.
        let same = Evidence { shown: evidence.known.clone(), ..(*evidence).clone() };
        assert!(!same.holds(log().verifier()));
        assert!(!evidence.holds(SigningKey::new("log", [2; 32]).named(log().verifier().name.clone()).verifier()));
    }

    #[test]
    fn f4_a_failed_consistency_proof_is_evidence() {
        for (known, from, to) in [(5, 5, 8), (8, 5, 5)] {
            let mut ours = pin(1, known);
            let (note, _) = history(2, 0, to);
            let (_, proof) = history(2, from, 8);
            let refused = ours.advance(&note, log().verifier(), Some(&proof));
            let Err(PinError::Evidence(evidence)) = refused else { panic!("{known} to {to} was accepted") };
            assert_eq!(evidence.fault, Fault::Inconsistent { from: 5, to: 8 });
            assert!(evidence.holds(log().verifier()));
            assert_eq!(ours.checkpoint().size, known);
        }
    }

    #[test]
    fn f4_what_the_log_did_not_sign_accuses_nobody() {
        let mut pin = pin(1, 5);
        let other = SigningKey::new("log", [2; 32]).named(log().verifier().name.clone());
        let forged = Checkpoint::of(other.verifier(), 5, [9; 32]).sign(&other);
        assert!(matches!(pin.advance(&forged, log().verifier(), None), Err(PinError::Checkpoint(_))));
        let elsewhere = SigningKey::new("log", [2; 32]);
        let foreign = Checkpoint::of(elsewhere.verifier(), 5, [9; 32]).sign(&elsewhere);
        let refused = pin.advance(&foreign, elsewhere.verifier(), None);
        assert_eq!(refused, Err(PinError::Checkpoint(CheckpointError::ForeignOrigin)));
    }
}
