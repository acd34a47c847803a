//! Properties of frames and messages, for any message and any way of damaging or cutting it.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use venia_proto::bounded::{Blob, Bounded};
use venia_proto::wire::{self, FrameReader, Limit, PREFIX, WireError};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Sample {
    Nothing,
    Text(String),
    Many { words: Bounded<String, 8>, numbers: Bounded<u64, 64>, bytes: Blob<2048> },
}

impl Sample {
    /// Bytes its parts hold in memory.
    fn weight(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Text(text) => text.capacity(),
            Self::Many { words, numbers, bytes } => {
                words.iter().map(String::capacity).sum::<usize>() + numbers.len() * 8 + bytes.len()
            }
        }
    }
}

#[expect(clippy::unwrap_used, reason = "the ranges stay within the bounds")]
fn sample() -> impl Strategy<Value = Sample> {
    prop_oneof![
        Just(Sample::Nothing),
        ".{0,300}".prop_map(Sample::Text),
        (
            prop::collection::vec(".{0,20}", 0..=8),
            prop::collection::vec(any::<u64>(), 0..=64),
            prop::collection::vec(any::<u8>(), 0..=2048)
        )
            .prop_map(|(words, numbers, bytes)| Sample::Many {
                words: Bounded::new(words).unwrap(),
                numbers: Bounded::new(numbers).unwrap(),
                bytes: Blob::new(bytes).unwrap(),
            }),
    ]
}

proptest! {
    #[test]
    fn what_was_sent_is_read(message in sample()) {
        for limit in [Limit::Control, Limit::Data] {
            prop_assert_eq!(&wire::decode::<Sample>(&wire::encode(&message, limit).unwrap(), limit).unwrap(), &message);
        }
    }

    #[test]
    fn a_cut_message_is_refused(message in sample(), at in any::<prop::sample::Index>()) {
        let body = wire::encode(&message, Limit::Control).unwrap();
        let cut = &body[..at.index(body.len())];
        prop_assert!(matches!(wire::decode::<Sample>(cut, Limit::Control), Err(WireError::Malformed(_))));
    }

    #[test]
    fn trailing_bytes_are_refused(message in sample(), more in prop::collection::vec(any::<u8>(), 1..9)) {
        let mut body = wire::encode(&message, Limit::Control).unwrap();
        body.extend_from_slice(&more);
        let refused = wire::decode::<Sample>(&body, Limit::Control);
        prop_assert!(matches!(refused, Err(WireError::Trailing(rest)) if rest == more.len()));
    }

    /// A flipped bit gives another message or a refusal, never a panic and never more memory than bytes came.
    #[test]
    fn a_flipped_bit_costs_nothing(message in sample(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut body = wire::encode(&message, Limit::Control).unwrap();
        let place = at.index(body.len());
        body[place] ^= 1 << bit;
        if let Ok(read) = wire::decode::<Sample>(&body, Limit::Control) {
            prop_assert_ne!(&read, &message);
            prop_assert!(read.weight() <= body.len());
        }
    }

    #[test]
    fn random_bytes_cost_nothing(tag in 0..4_u32, rest in prop::collection::vec(any::<u8>(), 0..512)) {
        let body = [tag.to_le_bytes().as_slice(), &rest].concat();
        if let Ok(read) = wire::decode::<Sample>(&body, Limit::Control) {
            prop_assert!(read.weight() <= body.len());
        }
    }

    /// However a network cuts the stream, the same frames come out, and the reader holds at most one.
    #[test]
    fn frames_survive_any_cutting(
        messages in prop::collection::vec(sample(), 0..6),
        cuts in prop::collection::vec(1..700_usize, 1..20),
    ) {
        let frames: Vec<_> = messages.iter().map(|m| wire::encode_frame(m, Limit::Control).unwrap()).collect();
        let (stream, largest) = (frames.concat(), frames.iter().map(Vec::len).max().unwrap_or(PREFIX));
        let (mut reader, mut read, mut rest) = (FrameReader::new(Limit::Control), Vec::new(), stream.as_slice());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (mut piece, later) = rest.split_at((*cut).min(rest.len()));
            while let Some(body) = reader.feed(&mut piece).unwrap() {
                read.push(wire::decode::<Sample>(&body, Limit::Control).unwrap());
            }
            prop_assert!(reader.held() <= largest);
            rest = later;
        }
        prop_assert_eq!(read, messages);
        prop_assert!(reader.finish().is_ok());
    }
}
