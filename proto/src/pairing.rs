//! Pairing: a technician who was told the code, and the PC that shows it, find out that they speak to each other and to
//! nobody in between. SPAKE2 with key confirmation, bound to the TLS connection. (SECURITY B1, B2)
//!
//! ```text
//! console (side A, QUIC client)                 agent (side B, QUIC server)
//!   Console::start    ── share A (33 bytes) ──►   Agent::spend      the code is gone from here on
//!   Console::answer   ◄── share B (33 bytes) ──
//!                     ── confirm A (32) ───────►  AgentPending::verify
//!   ConsolePending::finish ◄── confirm B (32) ──  Paired
//!   Paired
//! ```
//!
//! What stops which attack: **one guess** — `spend` takes the agent and its code by value, so a second try with the same
//! code doesn't compile; an abort or a wrong confirmation finds nothing left to try. **No oracle** — the console confirms
//! first and the agent answers only what it has verified, so a guesser at the console's end learns one bit per code and one
//! at the agent's end nothing before the console has spoken. **No relay in between** — both keys and the TLS exporter are in
//! the transcript; two connections joined in the middle have two exporters.
//!
//! The crate `spake2` says of itself that it was never audited, and it doesn't wipe its scalars when dropped. Its result is
//! used only through HKDF with our own transcript and confirmations.
//!
//! Not here: asking the relay for a flow, retries (there are none), and the number question without a code (SECURITY B4).

mod transcript;

pub use transcript::Context;

use std::num::NonZeroU32;

use rand_core::{CryptoRng, RngCore};
use spake2::{Ed25519Group, Identity, Password, Spake2};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::code::{Code, CodeNumber};
use crate::key::PublicKey;
use transcript::Keys;

/// TLS exporter label of a pairing (RFC 8446 section 7.5); context empty, 32 bytes.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-venia-pairing-v1";
/// TLS exporter label of a reconnect; context empty, 32 bytes.
pub const RECONNECT_LABEL: &[u8] = b"EXPORTER-venia-reconnect-v1";
/// Bytes of a share: one for the side (`A` or `B`), 32 for a point of the curve.
pub const SHARE: usize = 33;
/// Bytes of a confirmation.
pub const CONFIRM: usize = 32;
/// Random bytes each side hands in: one wide scalar, reduced without bias.
pub const RANDOM: usize = 64;

/// A pairing that came to nothing. The code is burnt, whichever it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// Our randomness is missing: all zero, or not what the curve asked for.
    #[error("no usable randomness")]
    Randomness,
    /// The peer's share has a wrong length or side, or is no point of the curve, or one of small order.
    #[error("the peer's pairing message is malformed")]
    Malformed,
    /// The confirmation doesn't fit: another code, or somebody between the two.
    #[error("the codes don't match")]
    WrongCode(#[from] WrongCode),
}

/// The other side holds another code, or somebody is in between: which of both can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the codes don't match, or somebody is in between")]
pub struct WrongCode;

/// What both sides hold after a pairing.
pub struct Paired {
    /// Six digits both sides may show; with a code nobody has to compare them.
    pub number: Number,
    /// Proves the same two programs after a reconnect.
    pub secret: SessionSecret,
}

/// A number of six digits, leading zeros kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u32);

/// `K_session`. Wiped when dropped; no `Debug`, no `Clone`, no `Serialize`: it lives in memory and dies with the session.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SessionSecret([u8; 32]);

/// Which end of the inner connection proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The console: QUIC client, SPAKE2 side A.
    Console,
    /// The agent: QUIC server, SPAKE2 side B.
    Agent,
}

/// The console's first state: its share is sent.
pub struct Console {
    context: Context,
    spake: Spake2<Ed25519Group>,
    share: [u8; SHARE],
}

/// The console has confirmed and waits for the agent's confirmation.
pub struct ConsolePending {
    keys: Keys,
}

/// The agent with an unspent code.
///
/// One guess is all there is; the second doesn't compile:
///
/// ```compile_fail,E0382
/// # use venia_proto::pairing::{Agent, Context};
/// fn twice(agent: Agent, first: Context, second: Context) {
///     let _ = agent.spend(b"a guess", first, [1; 64]);
///     let _ = agent.spend(b"another", second, [2; 64]);
/// }
/// ```
///
/// Neither can the code be kept aside for a second agent:
///
/// ```compile_fail,E0382
/// # use venia_proto::{code::Code, pairing::Agent};
/// fn twins(code: Code) -> (Agent, Agent) {
///     (Agent::new(code), Agent::new(code))
/// }
/// ```
pub struct Agent {
    code: Code,
}

/// The agent has answered and waits for the console's confirmation. The code is gone.
pub struct AgentPending {
    keys: Keys,
}

impl Console {
    /// Starts with the code the technician typed, after the complete handshake. The code is used up: the console never
    /// retries. `random`: fresh from the operating system.
    pub fn start(code: Code, context: Context, random: [u8; RANDOM]) -> Result<(Self, [u8; SHARE]), PairingError> {
        let (spake, share) = start(Side::Console, &code, &context, random)?;
        Ok((Self { context, spake, share }, share))
    }

    /// Takes the agent's share and gives the console's confirmation to send.
    pub fn answer(self, share: &[u8]) -> Result<([u8; CONFIRM], ConsolePending), PairingError> {
        let share = checked(share)?;
        let keys = derive(self.spake, &self.context, &self.share, &share, &share)?;
        Ok((keys.confirm_a, ConsolePending { keys }))
    }
}

impl ConsolePending {
    /// Verifies the agent's confirmation.
    pub fn finish(self, confirm: &[u8]) -> Result<Paired, WrongCode> {
        if bool::from(self.keys.confirm_b.ct_eq(confirm)) { Ok(paired(&self.keys)) } else { Err(WrongCode) }
    }
}

impl Agent {
    /// An agent that waits with this code.
    pub fn new(code: Code) -> Self {
        Self { code }
    }

    /// The number the relay knows the code by.
    pub fn number(&self) -> CodeNumber {
        self.code.number()
    }

    /// What the person reads aloud. Never log it.
    pub fn password(&self) -> &str {
        self.code.password()
    }

    /// The first message has arrived: the code is spent, now, before anything is looked at, whatever comes of it.
    /// Gives the agent's share to send. `random`: fresh from the operating system.
    pub fn spend(
        self,
        share: &[u8],
        context: Context,
        random: [u8; RANDOM],
    ) -> Result<(AgentPending, [u8; SHARE]), PairingError> {
        let theirs = checked(share)?;
        let (spake, ours) = start(Side::Agent, &self.code, &context, random)?;
        let keys = derive(spake, &context, &theirs, &ours, &theirs)?;
        Ok((AgentPending { keys }, ours))
    }
}

impl AgentPending {
    /// Verifies the console's confirmation; only then there is one of ours to send.
    pub fn verify(self, confirm: &[u8]) -> Result<([u8; CONFIRM], Paired), WrongCode> {
        if bool::from(self.keys.confirm_a.ct_eq(confirm)) {
            Ok((self.keys.confirm_b, paired(&self.keys)))
        } else {
            Err(WrongCode)
        }
    }
}

/// Reconnect (SECURITY A6): each side sends its proof over the **new** connection's exporter and verifies the other's
/// before any other byte. The proofs differ by side, so neither can be sent back to where it came from.
impl SessionSecret {
    /// HMAC-SHA-256 of side and exporter.
    pub fn prove(&self, side: Side, exporter: &[u8; 32]) -> [u8; CONFIRM] {
        transcript::proof(&self.0, side, exporter)
    }

    /// Whether the other side holds the same secret on the same connection; constant time.
    pub fn verify(&self, side: Side, exporter: &[u8; 32], proof: &[u8]) -> bool {
        bool::from(self.prove(side, exporter).ct_eq(proof))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

fn start(
    side: Side,
    code: &Code,
    context: &Context,
    random: [u8; RANDOM],
) -> Result<(Spake2<Ed25519Group>, [u8; SHARE]), PairingError> {
    let mut random = Once::new(random);
    let password = Password::new(code.password());
    let (a, b) = (Identity::new(&context.identity_a()), Identity::new(&context.identity_b()));
    let (spake, share) = match side {
        Side::Console => Spake2::start_a_with_rng(&password, &a, &b, &mut random),
        Side::Agent => Spake2::start_b_with_rng(&password, &a, &b, &mut random),
    };
    let share = share.try_into().map_err(|_| PairingError::Randomness)?;
    if random.spent_exactly() { Ok((spake, share)) } else { Err(PairingError::Randomness) }
}

/// A share of the right length on the curve. Points of small order are refused too: they make nothing leak (the password
/// point stays in between), but no honest side ever sends one.
fn checked(share: &[u8]) -> Result<[u8; SHARE], PairingError> {
    let share: [u8; SHARE] = share.try_into().map_err(|_| PairingError::Malformed)?;
    let point = share.last_chunk::<32>().ok_or(PairingError::Malformed)?;
    PublicKey::from_bytes(*point).map_err(|_| PairingError::Malformed)?;
    Ok(share)
}

fn derive(
    spake: Spake2<Ed25519Group>,
    context: &Context,
    share_a: &[u8; SHARE],
    share_b: &[u8; SHARE],
    theirs: &[u8; SHARE],
) -> Result<Keys, PairingError> {
    let key = Zeroizing::new(spake.finish(theirs).map_err(|_| PairingError::Malformed)?);
    Ok(Keys::derive(&key, &context.transcript(share_a, share_b)))
}

fn paired(keys: &Keys) -> Paired {
    Paired { number: Number(keys.number), secret: SessionSecret(keys.session) }
}

/// Serves the handed-in bytes once, as the generator `spake2` asks for. It can't fail there, so it remembers that it was
/// asked for more and the start is refused afterwards; bytes it doesn't have are never made up into a share that is sent.
struct Once {
    bytes: [u8; RANDOM],
    served: usize,
    exhausted: bool,
}

impl Once {
    fn new(bytes: [u8; RANDOM]) -> Self {
        // A zero scalar would send the bare password point. No working generator gives 64 zeros.
        Self { bytes, served: 0, exhausted: bytes == [0; RANDOM] }
    }

    fn spent_exactly(&self) -> bool {
        self.served == RANDOM && !self.exhausted
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl RngCore for Once {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, wanted: &mut [u8]) {
        match self.bytes.get(self.served..self.served + wanted.len()) {
            Some(bytes) => {
                wanted.copy_from_slice(bytes);
                self.served += wanted.len();
            }
            None => self.exhausted = true,
        }
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(wanted);
        if self.exhausted {
            let code = NonZeroU32::MIN.saturating_add(rand_core::Error::CUSTOM_START);
            return Err(rand_core::Error::from(code));
        }
        Ok(())
    }
}

impl CryptoRng for Once {}

#[cfg(test)]
mod tests;
