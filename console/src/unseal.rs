//! Opens what the agent sealed to an auditor: an `age` file, the opening in it, and whether an event committed to that.
//!
//! A relay that hands out another file than the event names, an older one, or one made for this auditor by somebody who
//! learned its recipient gets nowhere: hash, decryption, size and commitment must all fit (SECURITY E1, E5).
//!
//! The identity lies in one 0600 file. A thief of it, who also has the relay's table, reads every record sealed to this
//! auditor. Not here: fetching sealed parts, and who may.

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use venia_proto::ledger::part::{Opening, PartError, PartRef};
use venia_proto::rendezvous::SEALED_MAX;
use venia_relay::client::home::{Home, HomeError};
use zeroize::Zeroizing;

/// The file with the auditor's identity: one line `AGE-SECRET-KEY-1…`, as the age tools read it.
pub const AUDITOR_KEY: &str = "auditor.key";
/// Largest such file, in bytes; ours have 75.
const AUDITOR_KEY_MAX: usize = 1024;

/// An auditor's identity.
pub struct Auditor(Identity);

/// A sealed part that doesn't open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// The event says that nobody but the participants can open this part.
    #[error("the part was sealed to nobody")]
    NotSealed,
    /// Larger than [`SEALED_MAX`].
    #[error("the sealed part is too large")]
    TooLarge,
    /// Not the file the event names.
    #[error("the sealed part isn't the one the event names")]
    WrongHash,
    /// Not an `age` file, damaged, or sealed to others.
    #[error("this key doesn't open the sealed part")]
    NotForUs,
    /// It opened, and what is in it isn't what the event committed to: the agent that sealed it lied.
    #[error("what was sealed isn't what the event committed to")]
    Opening(#[source] PartError),
}

impl Auditor {
    /// The identity of this data folder, made on first use.
    pub fn of(home: &Home) -> Result<Self, HomeError> {
        if let Some(found) = Self::existing(home)? {
            return Ok(found);
        }
        let made = Identity::generate();
        let mut text = Zeroizing::new(made.to_string().expose_secret().to_owned());
        text.push('\n');
        if home.write_new(AUDITOR_KEY, text.as_bytes())? {
            return Ok(Self(made));
        }
        // Another program was faster: its key counts.
        Self::existing(home)?.ok_or_else(|| HomeError::Damaged(home.dir().join(AUDITOR_KEY)))
    }

    /// The identity of this data folder, if there is one.
    pub fn existing(home: &Home) -> Result<Option<Self>, HomeError> {
        let Some(text) = home.read(AUDITOR_KEY, AUDITOR_KEY_MAX)?.map(Zeroizing::new) else { return Ok(None) };
        let identity = std::str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse().ok());
        identity.map(|identity| Some(Self(identity))).ok_or_else(|| HomeError::Damaged(home.dir().join(AUDITOR_KEY)))
    }

    /// What the organisation's statement names: `age1…`.
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// The opening of a part, out of its sealed file.
    pub fn unseal(&self, sealed: &[u8], part: &PartRef) -> Result<Opening, UnsealError> {
        let named = part.sealed.ok_or(UnsealError::NotSealed)?;
        if sealed.len() > SEALED_MAX {
            return Err(UnsealError::TooLarge);
        }
        if Sha256::digest(sealed).as_slice() != named {
            return Err(UnsealError::WrongHash);
        }
        let decryptor = age::Decryptor::new(sealed).map_err(|_foreign| UnsealError::NotForUs)?;
        let identities = std::iter::once(&self.0 as &dyn age::Identity);
        let reader = decryptor.decrypt(identities).map_err(|_foreign| UnsealError::NotForUs)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(sealed.len()));
        reader.take(SEALED_MAX as u64).read_to_end(&mut bytes).map_err(|_damaged| UnsealError::NotForUs)?;
        Opening::open(&bytes, part).map_err(UnsealError::Opening)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use venia_proto::ledger::part::PartName;

    use super::*;

    fn sealed(auditor: &Auditor, opening: &Opening) -> (Vec<u8>, PartRef) {
        let file = age::encrypt(&auditor.0.to_public(), opening.bytes()).unwrap();
        let part = opening.part(PartName::Body, Some(Sha256::digest(&file).into()));
        (file, part)
    }

    #[test]
    fn e5_only_the_named_file_with_the_committed_opening_opens() {
        let (ours, theirs) = (Auditor(Identity::generate()), Auditor(Identity::generate()));
        let opening = Opening::make([7; 32], b"words").unwrap();
        let (file, part) = sealed(&ours, &opening);
        assert_eq!(ours.unseal(&file, &part).unwrap().plaintext(), b"words");
        assert_eq!(theirs.unseal(&file, &part).err(), Some(UnsealError::NotForUs));
        let mut other = file.clone();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(ours.unseal(&other, &part).err(), Some(UnsealError::WrongHash));
        let damaged = PartRef { sealed: Some(Sha256::digest(&other).into()), ..part.clone() };
        assert_eq!(ours.unseal(&other, &damaged).err(), Some(UnsealError::NotForUs));
        let (lie, _) = sealed(&ours, &Opening::make([7; 32], b"other").unwrap());
        let lied = PartRef { sealed: Some(Sha256::digest(&lie).into()), ..part.clone() };
        let refused = ours.unseal(&lie, &lied).err();
        assert_eq!(refused, Some(UnsealError::Opening(PartError::WrongCommitment)));
        let open = PartRef { sealed: None, ..part };
        assert_eq!(ours.unseal(&file, &open).err(), Some(UnsealError::NotSealed));
    }

    #[test]
    fn sealed_files_have_a_limit() {
        let auditor = Auditor(Identity::generate());
        for (len, expected) in [(SEALED_MAX, UnsealError::NotForUs), (SEALED_MAX + 1, UnsealError::TooLarge)] {
            let file = vec![0; len];
            let opening = Opening::make([0; 32], b"").unwrap();
            let part = opening.part(PartName::Body, Some(Sha256::digest(&file).into()));
            assert_eq!(auditor.unseal(&file, &part).err(), Some(expected), "{len}");
        }
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(&folder.path().join("data"), false).unwrap();
        let made = Auditor::of(&home).unwrap().recipient();
        assert!(made.starts_with("age1"));
        assert_eq!(Auditor::of(&home).unwrap().recipient(), made);
        let path = home.dir().join(AUDITOR_KEY);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        home.write(AUDITOR_KEY, b"not a key\n").unwrap();
        assert!(matches!(Auditor::of(&home), Err(HomeError::Damaged(_))));
    }
}
