//! What both sides must agree on, and the keys that follow from it. (SECURITY B2)
//!
//! ```text
//! T       = SHA-256( field · field · … )        field = length: u32 little-endian · bytes
//! fields  = version (u32) · ALPN · root fingerprint · relay SPKI · flow id (u64) · session id
//!           · console SPKI · agent SPKI · share A · share B · exporter          (integers little-endian)
//! output  = HKDF-SHA-256( ikm = SPAKE2 key, salt = empty, info = label ‖ T )
//! labels  = "venia/pairing/v1/confirm-a" · ".../confirm-b" · ".../number" · ".../session"
//! ```
//!
//! Length prefixes keep two different lists of fields from being the same bytes.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{CONFIRM, SHARE, Side};
use crate::fingerprint::Fingerprint;
use crate::id::{FlowId, SessionId};
use crate::key::PublicKey;

/// All that a pairing is bound to. Each side fills it from what **it** sees: its own statement, its own TLS connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Context {
    /// Version of the session protocol.
    pub version: u32,
    /// ALPN of the inner connection, as negotiated.
    pub alpn: Vec<u8>,
    /// The organisation's root.
    pub root: Fingerprint,
    /// The relay, by the TLS key it proved on the control connection.
    pub relay: PublicKey,
    /// The flow the inner connection runs through.
    pub flow: FlowId,
    /// The session the agent opened.
    pub session: SessionId,
    /// The console's TLS key, as proved in the inner handshake.
    pub console: PublicKey,
    /// The agent's TLS key, as proved in the inner handshake.
    pub agent: PublicKey,
    /// `EKM(`[`super::EXPORTER_LABEL`]`, "", 32)` of the inner connection. Secret.
    pub exporter: [u8; 32],
}

/// What HKDF gives. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Keys {
    pub(super) confirm_a: [u8; CONFIRM],
    pub(super) confirm_b: [u8; CONFIRM],
    pub(super) number: u32,
    pub(super) session: [u8; 32],
}

impl Context {
    /// `venia/a ‖ SPKI` of the console.
    pub(super) fn identity_a(&self) -> Vec<u8> {
        [b"venia/a".as_slice(), &self.console.spki()].concat()
    }

    /// `venia/b ‖ SPKI` of the agent.
    pub(super) fn identity_b(&self) -> Vec<u8> {
        [b"venia/b".as_slice(), &self.agent.spki()].concat()
    }

    pub(super) fn transcript(&self, share_a: &[u8; SHARE], share_b: &[u8; SHARE]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for field in [
            self.version.to_le_bytes().as_slice(),
            &self.alpn,
            &self.root.0,
            &self.relay.spki(),
            &self.flow.0.to_le_bytes(),
            &self.session.0,
            &self.console.spki(),
            &self.agent.spki(),
            share_a,
            share_b,
            &self.exporter,
        ] {
            // Every field is far below 4 GiB: an ALPN has at most 255 bytes, the others are fixed.
            hash.update((field.len() as u32).to_le_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.exporter.zeroize();
    }
}

impl Keys {
    pub(super) fn derive(key: &[u8], transcript: &[u8; 32]) -> Self {
        let mut number = [0; 8];
        expand(key, "number", transcript, &mut number);
        let mut keys = Self {
            confirm_a: [0; CONFIRM],
            confirm_b: [0; CONFIRM],
            // The bias of 64 bits modulo a million is below 2^-44.
            number: (u64::from_le_bytes(number) % 1_000_000) as u32,
            session: [0; 32],
        };
        expand(key, "confirm-a", transcript, &mut keys.confirm_a);
        expand(key, "confirm-b", transcript, &mut keys.confirm_b);
        expand(key, "session", transcript, &mut keys.session);
        keys
    }
}

/// HMAC-SHA-256 under the session secret over `venia/reconnect/v1/` with the side's letter, and the exporter.
pub(super) fn proof(secret: &[u8; 32], side: Side, exporter: &[u8; 32]) -> [u8; CONFIRM] {
    let label: &[u8] = match side {
        Side::Console => b"venia/reconnect/v1/a",
        Side::Agent => b"venia/reconnect/v1/b",
    };
    // A key of one block is taken as it is (RFC 2104); `new_from_slice` can't refuse any length.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block[..32].copy_from_slice(secret);
    let mut mac = Hmac::<Sha256>::new(&block);
    mac.update(label);
    mac.update(exporter);
    mac.finalize().into_bytes().into()
}

/// HKDF-SHA-256 (RFC 5869) with the label and the transcript as info. Outputs are at most 32 bytes, so one block, which
/// HKDF never refuses.
fn expand(key: &[u8], label: &str, transcript: &[u8; 32], output: &mut [u8]) {
    let info: [&[u8]; 3] = [b"venia/pairing/v1/", label.as_bytes(), transcript];
    let expanded = Hkdf::<Sha256>::new(None, key).expand_multi_info(&info, output);
    debug_assert!(expanded.is_ok(), "at most one block");
}
