//! Any bytes at every door of this crate's text and wire readers: no panic, no second spelling, no memory beyond limits.
//!
//! Runs as ordinary tests over the committed corpus (`__fuzz__/TARGET/corpus`) and random bytes; the same targets run
//! under libFuzzer with `cargo bolero test TARGET`.

use serde::{Deserialize, Serialize};
use venia_proto::address::{HostPort, RelayAddress};
use venia_proto::bounded::{Blob, Bounded};
use venia_proto::code::Code;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::{FlowId, SessionId};
use venia_proto::invite::Invite;
use venia_proto::key::SigningKey;
use venia_proto::pairing::{Agent, Console, Context, RANDOM};
use venia_proto::wire::{self, FrameReader, Limit, PREFIX};

/// A shape with everything messages are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Sample {
    Nothing,
    Text(String),
    Many { words: Bounded<String, 16>, numbers: Bounded<u32, 16>, bytes: Blob<1024> },
    Nested(Bounded<Option<(u64, Bounded<u8, 4>)>, 8>),
}

#[test]
fn wire_message() {
    bolero::check!().with_max_len(4_096).for_each(|bytes: &[u8]| {
        for limit in [Limit::Control, Limit::Data] {
            if let Ok(message) = wire::decode::<Sample>(bytes, limit) {
                assert_eq!(wire::encode(&message, limit).unwrap(), bytes, "one spelling");
            }
        }
    });
}

#[test]
fn wire_frames() {
    bolero::check!().with_max_len(4_096).for_each(|bytes: &[u8]| {
        let mut reader = FrameReader::new(Limit::Control);
        let (mut rest, mut frames) = (bytes, Vec::new());
        let ended = loop {
            match reader.feed(&mut rest) {
                Ok(Some(body)) => frames.push(body),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        assert!(reader.held() <= PREFIX + bytes.len(), "never more than what came");
        if ended {
            let whole: usize = frames.iter().map(|body| PREFIX + body.len()).sum();
            assert!(rest.is_empty() && whole <= bytes.len());
            assert_eq!(reader.finish().is_ok(), whole == bytes.len());
        }
    });
}

#[test]
fn address() {
    bolero::check!().with_max_len(512).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(address) = text.parse::<RelayAddress>() {
            assert_eq!(address.to_string(), text, "one spelling");
        }
        // Random text seldom has a fingerprint: try the rest alone.
        if let Ok(at) = text.parse::<HostPort>() {
            assert_eq!(at.to_string(), text, "one spelling");
        }
    });
}

#[test]
fn invite() {
    bolero::check!().with_max_len(1_024).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(invite) = text.parse::<Invite>() {
            assert_eq!(*invite.word(), text.trim_ascii(), "one spelling");
        }
    });
}

#[test]
fn code() {
    bolero::check!().with_max_len(128).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(code) = Code::parse(&text) {
            let canonical = code.password();
            assert!(canonical.len() <= 22 && !canonical.bytes().any(|b| b.is_ascii_uppercase() || b == b' '));
            assert_eq!(Code::parse(canonical).unwrap().password(), canonical);
            assert!(canonical.starts_with(&format!("{}-", code.number())));
        }
    });
}

/// Whatever a stranger sends to either side, he isn't paired.
#[test]
fn pairing_messages() {
    let public = |seed| *SigningKey::new("device", [seed; 32]).public();
    let context = Context {
        version: 1,
        alpn: b"venia-session/1".to_vec(),
        root: Fingerprint([1; 32]),
        relay: public(2),
        flow: FlowId(3),
        session: SessionId([4; 16]),
        console: public(5),
        agent: public(6),
        exporter: [7; 32],
    };
    let code = || Code::parse("417-lobo-cobre").unwrap();
    bolero::check!().with_max_len(66).for_each(|bytes: &[u8]| {
        // As they come, and behind a right side byte, so that the curve is reached.
        for side in [None, Some(b'A'), Some(b'B')] {
            let share: Vec<u8> = side.into_iter().chain(bytes.iter().copied().chain([0; 32]).take(32)).collect();
            let share = if side.is_some() { &share } else { bytes };
            if let Ok((pending, _)) = Agent::new(code()).spend(share, context.clone(), [9; RANDOM]) {
                assert!(pending.verify(bytes).is_err());
            }
            let (console, _) = Console::start(code(), context.clone(), [8; RANDOM]).unwrap();
            if let Ok((_, pending)) = console.answer(share) {
                assert!(pending.finish(bytes).is_err());
            }
        }
    });
}

/// A target without its corpus would quietly test less.
#[test]
fn every_target_has_its_corpus() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__");
    for target in ["wire_message", "wire_frames", "address", "invite", "code", "pairing_messages"] {
        let files = std::fs::read_dir(root.join(target).join("corpus")).map(Iterator::count);
        assert!(files.is_ok_and(|files| files >= 3), "{target}");
    }
}
