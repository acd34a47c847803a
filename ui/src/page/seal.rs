//! Form tokens: a form counts only for what stood before the person when it was made.
//!
//! Every form carries a keyed hash (HMAC-SHA256, RFC 2104) of what it does and of everything it was shown with. Whoever
//! receives it recomputes the hash of what is shown *now*: if a card changed meanwhile, the press meant another card and
//! counts for nothing. No other page can make one: the key lives in this process alone. (UX, "the local page's guard")

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Bytes of the key: one block of SHA-256.
pub(super) const KEY: usize = 64;

/// Makes and checks the tokens of one run.
#[derive(Clone)]
pub struct Seal {
    key: [u8; KEY],
}

impl Seal {
    /// A seal with a key of its own.
    pub fn new(key: [u8; KEY]) -> Self {
        Self { key }
    }

    /// The token of a form that does this and was shown with this.
    pub fn token(&self, act: &str, shown: &str) -> String {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        // The length keeps the two apart: `ab` + `c` is not `a` + `bc`.
        mac.update(&u64::try_from(act.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(act.as_bytes());
        mac.update(shown.as_bytes());
        venia_proto::encoding::to_hex(&mac.finalize().into_bytes())
    }

    /// Whether the token was made for doing this, shown with exactly this. Takes the same time for every wrong one.
    pub fn is_for(&self, token: &str, act: &str, shown: &str) -> bool {
        self.token(act, shown).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl std::fmt::Debug for Seal {
    /// Without its key. (SECURITY H3)
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_for_one_act_and_one_card_of_one_run() {
        let seal = Seal::new([1; KEY]);
        let token = seal.token("allow", "See how full the disks are");
        assert!(seal.is_for(&token, "allow", "See how full the disks are"));
        assert!(!seal.is_for(&token, "deny", "See how full the disks are"));
        assert!(!seal.is_for(&token, "allow", "See how full the disks are."));
        assert!(!Seal::new([2; KEY]).is_for(&token, "allow", "See how full the disks are"));
        assert_ne!(seal.token("ab", "c"), seal.token("a", "bc"));
        for wrong in ["", "00", "zz", &token[1..], &format!("{token}00")] {
            assert!(!seal.is_for(wrong, "allow", "See how full the disks are"), "{wrong}");
        }
    }
}
