//! Parts: the words of an event, detached from it.
//!
//! An event holds only a salted commitment to each part, so that the relay learns nothing and a part can be withheld or
//! erased while every proof stays valid. The commitment is over an *opening*, padded to a few sizes, so that neither
//! content nor length can be guessed from it. (SECURITY E5)
//!
//! Not here: sealing an opening to the auditors. That takes `age` and happens in the agent.

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Bytes an opening may have: 1, 4, 16, 64, 256 KiB and 1 MiB, which holds the largest report.
pub const RUNGS: [usize; 6] = [1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20];
/// Longest plaintext of a part.
pub const PLAINTEXT_MAX: usize = RUNGS[RUNGS.len() - 1] - HEAD;

/// The part every event with words has.
pub const BODY: &str = "body";
/// The part of a `series` event: the samples.
pub const BLOCK: &str = "block";

const SALT: usize = 32;
const HEAD: usize = SALT + 4;

/// What an event says about one of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartRef {
    /// Which part.
    pub name: PartName,
    /// SHA-256 of the opening.
    pub commit: [u8; 32],
    /// Length of the opening in bytes: one of [`RUNGS`].
    pub len: u64,
    /// SHA-256 of the opening's `age` file; `None` if nobody but the participants can open it. (SECURITY E4)
    pub sealed: Option<[u8; 32]>,
}

/// Name of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartName {
    /// The event's words, as JSON. ([`super::body`])
    Body,
    /// A block of samples.
    Block,
}

/// `32 random bytes ‖ u32 little-endian length ‖ plaintext ‖ zero padding`, at one of [`RUNGS`]. Wiped when dropped; no
/// `Debug`, because it is what must not leak.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    bytes: Zeroizing<Vec<u8>>,
    len: usize,
}

/// Bytes that aren't an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// More plaintext than [`PLAINTEXT_MAX`].
    #[error("the part is too large")]
    TooLarge,
    /// Not the smallest of the sizes the plaintext fits in.
    #[error("the opening doesn't have the size its content asks for")]
    Size,
    /// Something hides in the padding.
    #[error("the opening's padding isn't zero")]
    Padding,
    /// Not what the event committed to.
    #[error("the opening isn't the one the event committed to")]
    WrongCommitment,
}

impl Opening {
    /// Pads and salts a plaintext. The 32 bytes must be fresh randomness: with a guessable salt a short answer could be
    /// found by trying all.
    pub fn make(mut random: [u8; 32], plaintext: &[u8]) -> Result<Self, PartError> {
        let size = rung(plaintext.len()).ok_or(PartError::TooLarge)?;
        let len = u32::try_from(plaintext.len()).map_err(|_| PartError::TooLarge)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.extend_from_slice(&random);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(plaintext);
        bytes.resize(size, 0);
        random.zeroize();
        Ok(Self { bytes, len: plaintext.len() })
    }

    /// Reads an opening: the right rung for its length, and nothing in the padding.
    pub fn parse(bytes: &[u8]) -> Result<Self, PartError> {
        let head = bytes.first_chunk::<HEAD>().ok_or(PartError::Size)?;
        let [.., a, b, c, d] = *head;
        let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| PartError::Size)?;
        if rung(len) != Some(bytes.len()) {
            return Err(PartError::Size);
        }
        if bytes[HEAD + len..].iter().any(|&byte| byte != 0) {
            return Err(PartError::Padding);
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), len })
    }

    /// Reads the opening an event committed to.
    pub fn open(bytes: &[u8], part: &PartRef) -> Result<Self, PartError> {
        let opening = Self::parse(bytes)?;
        let fits = opening.commit() == part.commit && opening.size() == part.len;
        if fits { Ok(opening) } else { Err(PartError::WrongCommitment) }
    }

    /// The plaintext.
    pub fn plaintext(&self) -> &[u8] {
        &self.bytes[HEAD..HEAD + self.len]
    }

    /// All bytes: what is committed to, sealed, and stored as `parts/<commit>`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of all bytes.
    pub fn commit(&self) -> [u8; 32] {
        Sha256::digest(self.bytes.as_slice()).into()
    }

    /// What the event says about this part.
    pub fn part(&self, name: PartName, sealed: Option<[u8; 32]>) -> PartRef {
        PartRef { name, commit: self.commit(), len: self.size(), sealed }
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl PartName {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => BODY,
            Self::Block => BLOCK,
        }
    }
}

/// Whether an opening can have this length.
pub(crate) fn is_rung(len: u64) -> bool {
    RUNGS.iter().any(|&rung| rung as u64 == len)
}

/// The smallest size this much plaintext fits in.
fn rung(plaintext: usize) -> Option<usize> {
    RUNGS.into_iter().find(|rung| plaintext <= rung - HEAD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::REPORT_MAX;

    #[test]
    fn e5_sizes_at_below_and_above_each_rung() {
        for (n, &rung) in RUNGS.iter().enumerate() {
            for len in [rung - HEAD - 1, rung - HEAD] {
                assert_eq!(Opening::make([1; 32], &vec![7; len]).map(|o| o.bytes().len()), Ok(rung));
            }
            let above = Opening::make([1; 32], &vec![7; rung - HEAD + 1]).map(|o| o.bytes().len());
            assert_eq!(above, RUNGS.get(n + 1).copied().ok_or(PartError::TooLarge));
        }
        assert_eq!(Opening::make([1; 32], b"").map(|o| o.bytes().len()), Ok(1024));
    }

    #[test]
    fn e1_the_largest_report_fits() {
        // With room for what an `Outcome` puts around it.
        const { assert!(REPORT_MAX + 16 * 1024 <= PLAINTEXT_MAX) }
    }

    /// `printf` of 32 bytes 0x2a, `02000000`, `hi`, and 986 zero bytes, through `sha256sum`.
    #[test]
    fn golden_commitment() {
        let opening = Opening::make([0x2a; 32], b"hi").unwrap();
        assert_eq!(
            crate::encoding::to_hex(&opening.commit()),
            "5b616db1d2e88c0dd40211c710e2fb34580b268539b01216e1364605dd6c0e24"
        );
    }

    #[test]
    fn a_second_spelling_is_refused() {
        let good = Opening::make([1; 32], b"hi").unwrap();
        let mut bigger = good.bytes().to_vec();
        bigger.resize(RUNGS[1], 0);
        assert_eq!(Opening::parse(&bigger).err(), Some(PartError::Size));
        for len in [0, 1, HEAD - 1, HEAD, 1023, 1025] {
            bigger.resize(len, 0);
            assert_eq!(Opening::parse(&bigger).err(), Some(PartError::Size), "{len}");
        }
        let mut hidden = good.bytes().to_vec();
        hidden[1023] = 1;
        assert_eq!(Opening::parse(&hidden).err(), Some(PartError::Padding));
    }

    #[test]
    fn an_altered_part_is_refused() {
        let good = Opening::make([1; 32], b"hi").unwrap();
        let part = good.part(PartName::Body, None);
        assert!(Opening::open(good.bytes(), &part).is_ok());
        for at in 0..good.bytes().len() {
            let mut bad = good.bytes().to_vec();
            bad[at] ^= 1 << (at % 8);
            assert!(Opening::open(&bad, &part).is_err(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn openings_come_back(random: [u8; 32], plaintext in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            let opening = Opening::make(random, &plaintext).unwrap();
            let again = Opening::parse(opening.bytes()).unwrap();
            prop_assert_eq!(again.plaintext(), plaintext.as_slice());
            prop_assert_eq!(again.commit(), opening.commit());
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..1_100), len: u32, size in 0..6_usize) {
            let _ = Opening::parse(&bytes);
            bytes.resize(RUNGS[size], 0);
            bytes[32..36].copy_from_slice(&len.to_le_bytes());
            let _ = Opening::parse(&bytes);
        }
    }
}
