//! Both machines against each other, against every single change of what they agree on, and against hostile bytes.

use super::*;
use crate::encoding::to_hex;
use crate::fingerprint::Fingerprint;
use crate::id::{FlowId, SessionId};
use crate::key::SigningKey;

fn context() -> Context {
    let public = |seed| *SigningKey::new("device", [seed; 32]).public();
    Context {
        version: 1,
        alpn: b"venia-session/1".to_vec(),
        root: Fingerprint([1; 32]),
        relay: public(2),
        flow: FlowId(3),
        session: SessionId([4; 16]),
        console: public(5),
        agent: public(6),
        exporter: [7; 32],
    }
}

fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

/// Runs both sides as far as they get; the agent must notice first.
fn pair(console: (Code, Context), agent: (Code, Context)) -> Result<(Paired, Paired), WrongCode> {
    let (a, share_a) = Console::start(console.0, console.1, [8; RANDOM]).unwrap();
    let (b, share_b) = Agent::new(agent.0).spend(&share_a, agent.1, [9; RANDOM]).unwrap();
    let (confirm_a, a) = a.answer(&share_b).unwrap();
    let (confirm_b, paired_b) = b.verify(&confirm_a)?;
    Ok((a.finish(&confirm_b).unwrap(), paired_b))
}

#[test]
fn b2_the_right_code_agrees_on_everything() {
    let (a, b) = pair((code("417-lobo-cobre"), context()), (code("417 Lobo Cobre"), context())).unwrap();
    assert_eq!(a.number, b.number);
    assert_eq!(a.number.to_string().len(), 6);
    for side in [Side::Console, Side::Agent] {
        assert_eq!(a.secret.prove(side, &[1; 32]), b.secret.prove(side, &[1; 32]));
    }
}

#[test]
fn b2_a_wrong_code_fails_at_the_agent() {
    for wrong in ["417-lobo-cobra", "418-lobo-cobre", "417-cobre-lobo"] {
        assert!(pair((code(wrong), context()), (code("417-lobo-cobre"), context())).is_err(), "{wrong}");
    }
}

#[test]
fn b2_every_single_field_of_the_context_counts() {
    let other = *SigningKey::new("device", [99; 32]).public();
    type Change = fn(&mut Context, PublicKey);
    let changes: [(&str, Change); 9] = [
        ("version", |context, _| context.version = 2),
        ("alpn", |context, _| context.alpn = b"venia-session/2".to_vec()),
        ("root", |context, _| context.root.0[31] ^= 1),
        ("relay", |context, other| context.relay = other),
        ("flow", |context, _| context.flow.0 ^= 1),
        ("session", |context, _| context.session.0[15] ^= 1),
        ("console", |context, other| context.console = other),
        ("agent", |context, other| context.agent = other),
        ("exporter", |context, _| context.exporter[31] ^= 1),
    ];
    for (name, change) in changes {
        let mut changed = context();
        change(&mut changed, other);
        assert!(pair((code("1-lobo-cobre"), changed.clone()), (code("1-lobo-cobre"), context())).is_err(), "{name}");
        assert!(pair((code("1-lobo-cobre"), context()), (code("1-lobo-cobre"), changed)).is_err(), "{name}");
    }
}

/// Fields that flow into each other would let one be traded for the next.
#[test]
fn b2_fields_are_length_prefixed() {
    let (mut longer, shares) = (context(), ([1; SHARE], [2; SHARE]));
    let shorter = longer.clone();
    longer.alpn.push(longer.root.0[0]);
    assert_ne!(longer.transcript(&shares.0, &shares.1), shorter.transcript(&shares.0, &shares.1));
    assert_ne!(shorter.transcript(&shares.0, &shares.1), shorter.transcript(&shares.1, &shares.0));
}

/// The relay swaps both shares and confirmations between two connections of its own: two exporters, no pairing.
#[test]
fn b2_a_relay_in_between_changes_the_exporter() {
    let mut behind = context();
    behind.exporter = [70; 32];
    assert!(pair((code("1-lobo-cobre"), context()), (code("1-lobo-cobre"), behind)).is_err());
}

#[test]
fn b1_the_console_refuses_a_wrong_confirmation() {
    let (a, share_a) = Console::start(code("1-lobo-cobre"), context(), [8; RANDOM]).unwrap();
    let (_, share_b) = Agent::new(code("1-lobo-cobre")).spend(&share_a, context(), [9; RANDOM]).unwrap();
    let (confirm_a, a) = a.answer(&share_b).unwrap();
    // Its own confirmation, sent back.
    assert!(a.finish(&confirm_a).is_err());
}

#[test]
fn b1_confirmations_of_other_lengths_fail() {
    for length in [0, 31, 33, 1000] {
        let (_, share_a) = Console::start(code("1-lobo-cobre"), context(), [8; RANDOM]).unwrap();
        let (b, _) = Agent::new(code("1-lobo-cobre")).spend(&share_a, context(), [9; RANDOM]).unwrap();
        assert!(b.verify(&vec![0; length]).is_err());
    }
}

fn malformed(good: &[u8; SHARE]) -> Vec<Vec<u8>> {
    let side = |side: u8| [&[side], &good[1..]].concat();
    let point = |point: [u8; 32]| [&good[..1], &point].concat();
    let mut identity = [0; 32];
    identity[0] = 1;
    // y = 2 is on no point of the curve; y = 0 has order four, the identity order one.
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    let other_side = if good[0] == b'A' { b'B' } else { b'A' };
    vec![
        vec![],
        vec![good[0]],
        good[..SHARE - 1].to_vec(),
        [good.as_slice(), &[0]].concat(),
        side(other_side),
        side(b'S'),
        side(0),
        point(identity),
        point([0; 32]),
        point(off_curve),
    ]
}

#[test]
fn b1_malformed_shares_fail_without_a_panic() {
    let (_, share_a) = Console::start(code("1-lobo-cobre"), context(), [8; RANDOM]).unwrap();
    let (_, share_b) = Agent::new(code("1-lobo-cobre")).spend(&share_a, context(), [9; RANDOM]).unwrap();
    for bad in malformed(&share_a) {
        let spent = Agent::new(code("1-lobo-cobre")).spend(&bad, context(), [9; RANDOM]);
        assert!(matches!(spent, Err(PairingError::Malformed)), "{bad:?}");
    }
    for bad in malformed(&share_b) {
        let (a, _) = Console::start(code("1-lobo-cobre"), context(), [8; RANDOM]).unwrap();
        assert!(matches!(a.answer(&bad), Err(PairingError::Malformed)), "{bad:?}");
    }
}

/// A console that reflects the agent's share, or an agent that reflects the console's.
#[test]
fn b1_a_reflected_share_is_refused() {
    let (a, share_a) = Console::start(code("1-lobo-cobre"), context(), [8; RANDOM]).unwrap();
    assert!(matches!(a.answer(&share_a), Err(PairingError::Malformed)));
}

#[test]
fn missing_randomness_is_refused() {
    let started = Console::start(code("1-lobo-cobre"), context(), [0; RANDOM]);
    assert!(matches!(started, Err(PairingError::Randomness)));
    let mut random = Once::new([1; RANDOM]);
    random.fill_bytes(&mut [0; RANDOM - 1]);
    assert!(!random.spent_exactly(), "unused bytes");
    random.fill_bytes(&mut [0; 1]);
    assert!(random.spent_exactly());
    assert!(random.try_fill_bytes(&mut [0; 1]).is_err());
    assert!(!random.spent_exactly(), "asked for more");
}

#[test]
fn a6_reconnect_proofs_are_bound_to_side_exporter_and_secret() {
    let secret = SessionSecret([1; 32]);
    let proof = secret.prove(Side::Agent, &[2; 32]);
    assert!(secret.verify(Side::Agent, &[2; 32], &proof));
    assert!(!secret.verify(Side::Console, &[2; 32], &proof), "not to be sent back");
    assert!(!secret.verify(Side::Agent, &[3; 32], &proof));
    assert!(!secret.verify(Side::Agent, &[2; 32], &proof[..31]));
    assert!(!SessionSecret([4; 32]).verify(Side::Agent, &[2; 32], &proof));
}

/// Frozen: another implementation must derive the same. The transcript and the outputs were redone with Python's hashlib
/// and hmac.
#[test]
fn b2_golden_outputs() {
    let transcript = context().transcript(&[b'A'; SHARE], &[b'B'; SHARE]);
    assert_eq!(to_hex(&transcript), "05e81b49b062eb8d3c6fbcac1bdf2c992dcd6e090cae13fda2e00925063cee91");
    let keys = Keys::derive(&[10; 32], &[11; 32]);
    assert_eq!(to_hex(&keys.confirm_a), "621c5e0f286c380814d5ff537a7c8935119b63862fbf2c10f0d09b582c28991e");
    assert_eq!(to_hex(&keys.confirm_b), "a45e139e39d5767e5818abdc19763b85723e657ea706aed408f7665f9ac75efb");
    assert_eq!(to_hex(&keys.session), "dbf883cd53df1f3fe088d393a7cdb4b3ea6e50862ac2fe88c4ea09d2f94bfbcd");
    assert_eq!(Number(keys.number).to_string(), "313324");
    assert_eq!(
        to_hex(&SessionSecret([12; 32]).prove(Side::Console, &[13; 32])),
        "d7dcdb8a92fbe064022573e5d450f7f650f26fc152ed342af7ec70cd8a297d3e"
    );
}
