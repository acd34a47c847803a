//! Seals the openings of a session's parts to the organisation's auditors: one binary `age` file a part.
//!
//! The recipients are those of the root-signed statement the session began with, and stay so for all of it: a relay can
//! add no reader, and no reader is added while the person isn't told (SECURITY E4, A1). Only whole openings are sealed,
//! which have one of six sizes: the file tells nothing of the length of what was said (E5). What the person withholds is
//! never sealed, because it has no part (E2).
//!
//! Not here: sending the files ([`crate::submit`]) and opening them, which only an auditor's program can.

use std::io::Write as _;
use std::sync::Arc;

use age::x25519::Recipient;
use sha2::{Digest as _, Sha256};
use venia_proto::ledger::part::Opening;
use venia_proto::rendezvous::SEALED_MAX;

/// Who can open what a session seals; nobody, if the statement names no auditor.
#[derive(Clone, Debug, Default)]
pub struct Recipients(Vec<Recipient>);

/// One sealed part. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFile {
    /// SHA-256 of the file: what the event names.
    pub sha256: [u8; 32],
    /// The `age` file.
    pub bytes: Arc<[u8]>,
}

impl SealedFile {
    /// A file sealed before.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { sha256: Sha256::digest(&bytes).into(), bytes: bytes.into() }
    }
}

/// Something that can't be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The statement names an auditor this program can't seal to. Leaving one out would break what the root signed.
    #[error("the auditor {0:?} isn't one that this program can seal to")]
    Recipient(String),
    /// The encryption failed, or made more than a relay takes.
    #[error("a part can't be sealed")]
    Failed,
}

impl Recipients {
    /// Reads a statement's auditors: all of them, or none is accepted.
    pub fn parse(auditors: &[String]) -> Result<Self, SealError> {
        let read = |auditor: &String| auditor.parse().map_err(|_| SealError::Recipient(auditor.clone()));
        auditors.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nobody but the participants can open the record.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Seals an opening; `None` if there is nobody to seal it to.
    pub fn seal(&self, opening: &Opening) -> Result<Option<SealedFile>, SealError> {
        if self.is_empty() {
            return Ok(None);
        }
        let recipients = self.0.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(|_| SealError::Failed)?;
        let mut file = Vec::with_capacity(opening.bytes().len() + 16 * 1024);
        let mut writer = encryptor.wrap_output(&mut file).map_err(|_| SealError::Failed)?;
        writer.write_all(opening.bytes()).map_err(|_| SealError::Failed)?;
        writer.finish().map_err(|_| SealError::Failed)?;
        if file.len() > SEALED_MAX {
            return Err(SealError::Failed);
        }
        Ok(Some(SealedFile::of(file)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use age::x25519::Identity;
    use venia_proto::ledger::part::{PLAINTEXT_MAX, RUNGS};

    use super::*;

    fn recipients(identities: &[Identity]) -> Recipients {
        let auditors: Vec<_> = identities.iter().map(|identity| identity.to_public().to_string()).collect();
        Recipients::parse(&auditors).unwrap()
    }

    #[test]
    fn e1_every_auditor_opens_a_part_and_nobody_else() {
        let auditors = [Identity::generate(), Identity::generate()];
        let opening = Opening::make([7; 32], b"words").unwrap();
        let file = recipients(&auditors).seal(&opening).unwrap().unwrap();
        assert!(file.bytes.starts_with(b"age-encryption.org/v1\n"), "binary, not armoured");
        assert_eq!(file.sha256, <[u8; 32]>::from(Sha256::digest(&file.bytes)));
        for auditor in &auditors {
            assert_eq!(age::decrypt(auditor, &file.bytes).unwrap(), opening.bytes());
        }
        assert!(age::decrypt(&Identity::generate(), &file.bytes).is_err());
    }

    #[test]
    fn e5_a_sealed_file_tells_only_the_rung() {
        let to = recipients(&[Identity::generate()]);
        let mut lengths = BTreeSet::new();
        for length in [0, 1, 10, 900, 988] {
            let opening = Opening::make([1; 32], &vec![b'x'; length]).unwrap();
            let file = to.seal(&opening).unwrap().unwrap().bytes;
            // The header ends with the line that begins with three dashes; a random stanza of a random length may stand in
            // it, which has nothing to do with what is sealed.
            let header = file.windows(5).position(|window| window == b"\n--- ").unwrap() + 1;
            let end = header + file[header..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
            lengths.insert(file.len() - end);
        }
        assert_eq!(lengths.len(), 1, "{lengths:?}");
    }

    #[test]
    fn e1_the_largest_part_fits_for_64_auditors() {
        let to = recipients(&std::iter::repeat_with(Identity::generate).take(64).collect::<Vec<_>>());
        let opening = Opening::make([1; 32], &vec![0; PLAINTEXT_MAX]).unwrap();
        assert_eq!(opening.bytes().len(), RUNGS[5]);
        assert!(to.seal(&opening).unwrap().unwrap().bytes.len() <= SEALED_MAX);
    }

    #[test]
    fn e4_without_auditors_nothing_is_sealed() {
        let opening = Opening::make([7; 32], b"words").unwrap();
        assert_eq!(Recipients::parse(&[]).unwrap().seal(&opening).unwrap(), None);
    }

    #[test]
    fn e4_an_auditor_that_cant_be_read_is_never_left_out() {
        let good = Identity::generate().to_public().to_string();
        let bad = format!("{}x", &good[..good.len() - 1]);
        let wrong = if bad == good { good.replace("age1", "age1q") } else { bad };
        assert!(
            matches!(Recipients::parse(&[good, wrong.clone()]), Err(SealError::Recipient(which)) if which == wrong)
        );
    }
}
