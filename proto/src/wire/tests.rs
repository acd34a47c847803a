//! The layout, the limits at, below and above, and claims that are lies.

use super::*;
use crate::bounded::{Blob, Bounded};
use serde::Deserialize;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Sample {
    Nothing,
    Words { first: String, rest: Bounded<String, 4> },
    Numbers(Bounded<u64, 40_000>),
    Bytes(Blob<{ DATA_MAX }>),
}

/// Little-endian tag and length, fixed width: the layout other implementations and our later selves must read.
#[test]
fn golden_bytes() {
    let frame = encode_frame(&Sample::Words { first: "hi".into(), rest: Bounded::empty() }, Limit::Control);
    let expected = [
        22, 0, 0, 0, // length of the body
        1, 0, 0, 0, // second variant
        2, 0, 0, 0, 0, 0, 0, 0, b'h', b'i', // text
        0, 0, 0, 0, 0, 0, 0, 0, // no further text
    ];
    assert_eq!(frame.unwrap(), expected);
    assert_eq!(encode(&Sample::Nothing, Limit::Control).unwrap(), [0; 4]);
}

/// Nine bytes that announce 2^40 elements abort a process that believes them.
#[test]
fn hostile_lengths_reserve_nothing() {
    let mut hostile = (1_u64 << 40).to_le_bytes().to_vec();
    hostile.push(0);
    for limit in [Limit::Control, Limit::Data] {
        assert!(matches!(decode::<Vec<u8>>(&hostile, limit), Err(WireError::Malformed(_))));
        assert!(matches!(decode::<Vec<u64>>(&hostile, limit), Err(WireError::Malformed(_))));
        assert!(matches!(decode::<String>(&hostile, limit), Err(WireError::Malformed(_))));
        assert!(matches!(decode::<Bounded<u64, 9>>(&hostile, limit), Err(WireError::Malformed(_))));
        assert!(matches!(decode::<Blob<9>>(&hostile, limit), Err(WireError::Malformed(_))));
        // The same as the last field of a message, after what was read already.
        let inside = [&[3, 0, 0, 0], hostile.as_slice()].concat();
        assert!(matches!(decode::<Sample>(&inside, limit), Err(WireError::Malformed(_))));
    }
    let all = u64::MAX.to_le_bytes();
    assert!(matches!(decode::<Blob<9>>(&all, Limit::Data), Err(WireError::Malformed(_))));
    assert!(matches!(decode::<String>(&all, Limit::Data), Err(WireError::Malformed(_))));
}

thread_local!(static READ: Cell<usize> = const { Cell::new(0) });

/// Takes memory but no byte on the wire, and counts how often it was read.
#[derive(Debug)]
struct Weightless(#[expect(dead_code, reason = "only its size matters")] u8);

impl<'de> Deserialize<'de> for Weightless {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        <()>::deserialize(deserializer).map(|()| Self(0))
    }
}

/// bincode's own limit doesn't see elements that take no byte; the count does, before the first one.
#[test]
fn elements_of_no_bytes_are_counted() {
    let refused = |body: &[u8]| {
        assert!(matches!(decode::<Vec<Weightless>>(body, Limit::Control), Err(WireError::Malformed(_))));
        assert!(decode::<(u8, Option<Vec<Weightless>>)>(&[&[0, 1], body].concat(), Limit::Data).is_err());
        assert_eq!(READ.get(), 0, "refused before the first element");
    };
    for claim in [11_u64, 300_000, 1 << 40, u64::MAX] {
        refused(&claim.to_le_bytes());
    }
    // As many as there are bytes do no harm.
    assert!(decode::<Vec<Weightless>>(&8_u64.to_le_bytes(), Limit::Control).is_ok());
    assert_eq!(READ.replace(0), 8);
    assert!(decode::<Vec<Weightless>>(&9_u64.to_le_bytes(), Limit::Control).is_err());
    // All sequences of a message are charged to the same account: 2 + 8 + 16 are more than 24 bytes.
    let twice = [2_u64, 8, 16].map(u64::to_le_bytes).concat();
    assert!(decode::<Vec<Vec<Weightless>>>(&twice, Limit::Control).is_err());
    assert_eq!(READ.get(), 8);
}

#[test]
fn maps_are_counted_too() {
    let claim = (1_u64 << 40).to_le_bytes();
    assert!(decode::<std::collections::BTreeMap<u8, u8>>(&claim, Limit::Control).is_err());
    let map = std::collections::BTreeMap::from([(1_u8, "a".to_owned()), (2, String::new())]);
    let body = encode(&map, Limit::Control).unwrap();
    assert_eq!(decode::<std::collections::BTreeMap<u8, String>>(&body, Limit::Control).unwrap(), map);
}

#[test]
fn limits_at_below_and_above() {
    for limit in [Limit::Control, Limit::Data] {
        // Tag and length of the block.
        for (room, fits) in [(limit.max() - 13, true), (limit.max() - 12, true), (limit.max() - 11, false)] {
            let message = Sample::Bytes(Blob::new(vec![7; room]).unwrap());
            match encode_frame(&message, limit) {
                Ok(frame) => {
                    assert!(fits);
                    let body = FrameReader::new(limit).feed(&mut frame.as_slice()).unwrap().unwrap();
                    assert_eq!(decode::<Sample>(&body, limit).unwrap(), message);
                }
                Err(error) => assert!(!fits && matches!(error, WireError::OursTooLarge { .. }), "{error}"),
            }
        }
        let text = "x".repeat(limit.max() - 8);
        assert_eq!(decode::<String>(&encode(&text, limit).unwrap(), limit).unwrap(), text);
        let body = vec![0; limit.max() + 1];
        assert!(matches!(decode::<Sample>(&body, limit), Err(WireError::TooLarge { .. })));
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let mut body = encode(&Sample::Nothing, Limit::Control).unwrap();
    body.push(0);
    assert!(matches!(decode::<Sample>(&body, Limit::Control), Err(WireError::Trailing(1))));
}

#[test]
fn a_refused_length_reserves_nothing_and_stays_refused() {
    for limit in [Limit::Control, Limit::Data] {
        let max = u32::try_from(limit.max()).unwrap();
        for length in [0, max + 1, u32::MAX] {
            let mut reader = FrameReader::new(limit);
            assert!(reader.feed(&mut length.to_le_bytes().as_slice()).is_err());
            assert_eq!(reader.held(), 0);
            assert!(reader.feed(&mut [1, 0, 0, 0, 9].as_slice()).is_err());
            assert!(reader.finish().is_err());
        }
        let mut reader = FrameReader::new(limit);
        assert!(matches!(reader.feed(&mut max.to_le_bytes().as_slice()), Ok(None)));
        assert_eq!(reader.held(), PREFIX, "a promise reserves nothing");
    }
}

#[test]
fn a_stream_may_end_between_frames_only() {
    let frame = encode_frame(&Sample::Nothing, Limit::Control).unwrap();
    for cut in 0..=frame.len() {
        let mut reader = FrameReader::new(Limit::Control);
        reader.feed(&mut &frame[..cut]).unwrap();
        assert_eq!(reader.finish().is_ok(), cut == 0 || cut == frame.len(), "{cut}");
    }
}

#[test]
fn byte_by_byte_never_above_the_announced_length() {
    let message = Sample::Numbers(Bounded::new((0..10_000).collect()).unwrap());
    let frame = encode_frame(&message, Limit::Control).unwrap();
    let mut reader = FrameReader::new(Limit::Control);
    let mut frames = Vec::new();
    for byte in frame.iter().chain(&frame) {
        frames.extend(reader.feed(&mut std::slice::from_ref(byte)).unwrap());
        assert!(reader.held() <= frame.len());
    }
    assert_eq!(frames.len(), 2);
    assert!(frames.iter().all(|body| decode::<Sample>(body, Limit::Control).is_ok_and(|m| m == message)));
}
