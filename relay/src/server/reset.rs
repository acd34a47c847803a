//! How peers learn at once that a relay was restarted: stateless resets (RFC 9000 section 10.3) they can believe.
//!
//! A restarted relay doesn't know the connections of before. It answers their packets with a token that only it can have made,
//! if it recognises their connection ids as its own. So the keys of both are the same after a restart: they follow from the
//! relay's own key. Without, each peer would wait out its idle time, a minute, before it comes back.

use hmac::{Hmac, KeyInit, Mac};
use quinn::crypto::{CryptoError, HmacKey};
use quinn_proto::{ConnectionIdGenerator, HashedConnectionIdGenerator};
use sha2::Sha256;
use venia_proto::key::SigningKey;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What the keys are derived for. Nothing else of the relay's is made with these labels.
const RESETS: &[u8] = b"venia stateless reset v1";
/// See [`RESETS`].
const IDS: &[u8] = b"venia connection ids v1";

/// Makes connection ids that this relay recognises after a restart. What is none of them, random packets above all, is
/// dropped without an answer.
pub(super) fn connection_ids(key: &SigningKey) -> impl Fn() -> Box<dyn ConnectionIdGenerator> + use<> {
    let [a, b, c, d, e, f, g, h, ..] = mac(&key.to_pkcs8(), IDS);
    let key = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    move || Box::new(HashedConnectionIdGenerator::from_key(key))
}

/// Makes the tokens. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct ResetKey([u8; 32]);

impl ResetKey {
    /// Of this relay, whenever it runs.
    pub(super) fn of(key: &SigningKey) -> Self {
        Self(mac(&key.to_pkcs8(), RESETS))
    }
}

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        let made = mac(&self.0, data);
        for (out, byte) in signature_out.iter_mut().zip(made) {
            *out = byte;
        }
    }

    fn signature_len(&self) -> usize {
        self.0.len()
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let keyed = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| CryptoError)?;
        keyed.chain_update(data).verify_slice(signature).map_err(|_| CryptoError)
    }
}

/// HMAC-SHA-256 (RFC 2104).
fn mac(key: &[u8], data: &[u8]) -> [u8; 32] {
    // Every length is a key's.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |keyed| keyed.chain_update(data).finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_ids_are_recognised_after_a_restart_and_by_no_other_relay() {
        let ids = |seed| connection_ids(&SigningKey::new("relay", [seed; 32]))();
        let made: Vec<_> = (0..32).map(|_| ids(1).generate_cid()).collect();
        assert!(made.iter().all(|id| ids(1).validate(id).is_ok()));
        assert!(made.iter().any(|id| ids(2).validate(id).is_err()));
    }

    fn token(seed: u8, connection: &[u8]) -> [u8; 32] {
        let mut token = [0; 32];
        ResetKey::of(&SigningKey::new("relay", [seed; 32])).sign(connection, &mut token);
        token
    }

    #[test]
    fn tokens_outlive_a_restart_and_are_this_relays_alone() {
        assert_eq!(token(1, b"connection"), token(1, b"connection"));
        assert_ne!(token(1, b"connection"), token(2, b"connection"));
        assert_ne!(token(1, b"connection"), token(1, b"another"));
        assert_ne!(token(1, b"connection"), [0; 32]);
        let key = ResetKey::of(&SigningKey::new("relay", [1; 32]));
        assert_eq!(key.signature_len(), 32);
        assert!(key.verify(b"connection", &token(1, b"connection")).is_ok());
        assert!(key.verify(b"connection", &token(2, b"connection")).is_err());
    }
}
