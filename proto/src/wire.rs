//! Bytes on a stream: bincode inside length-prefixed frames, with hard limits. The one place that knows bincode.
//!
//! ```text
//! frame = length: u32 little-endian, of the body alone · body: bincode 2 `config::legacy()` (fixed width, little-endian)
//! ```
//!
//! Every integer on the wire is little-endian, the prefix too. Enum tags are declaration order: frozen by golden bytes.
//!
//! Stops a peer that wants this process's memory or time: a length is judged before anything is reserved for it, a buffer
//! grows with the bytes that came and never with the bytes that were promised, and a message followed by other bytes is
//! refused (two readers could disagree about what was said). Without bincode's limit nine bytes abort the process; what it
//! doesn't see, elements that take no bytes, `counted` refuses for every type.
//!
//! Not here: what the messages mean ([`crate::rendezvous`], [`crate::message`]); what is kept for years (the ledger is
//! text), and limits of single fields ([`crate::bounded`]).

mod counted;

use std::cell::Cell;
use std::marker::PhantomData;

use bincode::config;
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use counted::Counted;

/// Largest body of a control frame, in bytes: what a peer and a relay say, and requests inside a session.
pub const CONTROL_MAX: usize = 256 * 1024;
/// Largest body of a data frame, in bytes: reports and parts.
pub const DATA_MAX: usize = 1024 * 1024;
/// Bytes of the length before each body.
pub const PREFIX: usize = 4;

/// Which limit a stream has. Both sides know it from the stream's kind; it is never negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`CONTROL_MAX`].
    Control,
    /// [`DATA_MAX`].
    Data,
}

/// Bytes that are no message, or a message that doesn't fit.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Our message is larger than the limit: the caller should have cut it.
    #[error("our message is larger than {max} bytes")]
    OursTooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// Our message has a shape the format can't write.
    #[error("our message can't be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The peer's message is, or claims to be, larger than the limit.
    #[error("the peer sent or announced {given} bytes where at most {max} are allowed")]
    TooLarge {
        /// What it claimed, in bytes.
        given: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The peer sent a frame without a body; no message is empty.
    #[error("the peer sent an empty frame")]
    Empty,
    /// The peer's bytes are not the expected message.
    #[error("the peer's bytes are not a message")]
    Malformed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The peer's message ends before the frame does.
    #[error("{0} bytes follow the peer's message")]
    Trailing(usize),
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Cut,
}

impl Limit {
    /// Largest body, in bytes.
    pub const fn max(self) -> usize {
        match self {
            Self::Control => CONTROL_MAX,
            Self::Data => DATA_MAX,
        }
    }
}

/// Encodes a message, without the frame's prefix.
pub fn encode<T: Serialize>(message: &T, limit: Limit) -> Result<Vec<u8>, WireError> {
    encode_after(Vec::new(), message, limit)
}

/// Encodes a message as a whole frame, ready to be sent.
pub fn encode_frame<T: Serialize>(message: &T, limit: Limit) -> Result<Vec<u8>, WireError> {
    let mut frame = encode_after(vec![0; PREFIX], message, limit)?;
    // Both limits are far below u32::MAX, so the cast keeps the value.
    let length = (frame.len() - PREFIX) as u32;
    frame[..PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Decodes one whole body; bytes that remain are an error.
pub fn decode<T: DeserializeOwned>(body: &[u8], limit: Limit) -> Result<T, WireError> {
    if body.len() > limit.max() {
        return Err(WireError::TooLarge { given: body.len(), max: limit.max() });
    }
    let config = config::legacy();
    let left = Cell::new(body.len());
    let seed = Counted { inner: PhantomData, left: &left };
    let decoded = match limit {
        Limit::Control => bincode::serde::seed_decode_from_slice(seed, body, config.with_limit::<CONTROL_MAX>()),
        Limit::Data => bincode::serde::seed_decode_from_slice(seed, body, config.with_limit::<DATA_MAX>()),
    };
    let (message, read): (T, usize) = decoded.map_err(|error: DecodeError| WireError::Malformed(Box::new(error)))?;
    match body.len() - read {
        0 => Ok(message),
        rest => Err(WireError::Trailing(rest)),
    }
}

/// Cuts a stream of bytes into frames. Holds at most one prefix and one body, and a body's buffer never grows beyond
/// the announced length, which is within the limit.
#[derive(Debug)]
pub struct FrameReader {
    limit: Limit,
    state: State,
}

#[derive(Debug)]
enum State {
    Prefix {
        bytes: [u8; PREFIX],
        held: usize,
    },
    Body {
        bytes: Vec<u8>,
        length: usize,
    },
    /// A refused stream has no next frame: where it would begin is unknown.
    Refused {
        given: usize,
    },
}

impl State {
    const START: Self = Self::Prefix { bytes: [0; PREFIX], held: 0 };
}

impl FrameReader {
    /// A reader at the start of a stream.
    pub const fn new(limit: Limit) -> Self {
        Self { limit, state: State::START }
    }

    /// Takes bytes from the front of `input` until a frame is complete or `input` is used up. `Ok(None)`: give more.
    /// After an error every further call fails: close the stream.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, WireError> {
        loop {
            match &mut self.state {
                State::Prefix { bytes, held } => {
                    let taken = take(input, PREFIX - *held);
                    bytes[*held..*held + taken.len()].copy_from_slice(taken);
                    *held += taken.len();
                    if *held < PREFIX {
                        return Ok(None);
                    }
                    // A length that doesn't fit this machine's usize is too large as well.
                    let length = usize::try_from(u32::from_le_bytes(*bytes)).unwrap_or(usize::MAX);
                    self.state = if length == 0 || length > self.limit.max() {
                        State::Refused { given: length }
                    } else {
                        State::Body { bytes: Vec::new(), length }
                    };
                }
                State::Body { bytes, length } => {
                    let taken = take(input, *length - bytes.len());
                    let needed = bytes.len() + taken.len();
                    if needed > bytes.capacity() {
                        // Doubles, so that single bytes cost little, but never beyond the announced length.
                        let room = needed.max(bytes.capacity() * 2).min(*length);
                        bytes.reserve_exact(room - bytes.len());
                    }
                    bytes.extend_from_slice(taken);
                    if bytes.len() < *length {
                        return Ok(None);
                    }
                    let body = std::mem::take(bytes);
                    self.state = State::START;
                    return Ok(Some(body));
                }
                State::Refused { given: 0 } => return Err(WireError::Empty),
                State::Refused { given } => {
                    return Err(WireError::TooLarge { given: *given, max: self.limit.max() });
                }
            }
        }
    }

    /// Bytes held at this moment, for tests and memory accounts.
    pub fn held(&self) -> usize {
        match &self.state {
            State::Prefix { held, .. } => *held,
            State::Body { bytes, .. } => PREFIX + bytes.capacity(),
            State::Refused { .. } => 0,
        }
    }

    /// The stream ended: fine between frames, an error inside one.
    pub fn finish(self) -> Result<(), WireError> {
        match self.state {
            State::Prefix { held: 0, .. } => Ok(()),
            State::Prefix { .. } | State::Body { .. } => Err(WireError::Cut),
            State::Refused { given: 0 } => Err(WireError::Empty),
            State::Refused { given } => Err(WireError::TooLarge { given, max: self.limit.max() }),
        }
    }
}

fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

fn encode_after<T: Serialize>(start: Vec<u8>, message: &T, limit: Limit) -> Result<Vec<u8>, WireError> {
    let max = limit.max() + start.len();
    let mut writer = Capped { bytes: start, max, full: false };
    match bincode::serde::encode_into_writer(message, &mut writer, config::legacy()) {
        Ok(()) => Ok(writer.bytes),
        Err(_) if writer.full => Err(WireError::OursTooLarge { max: limit.max() }),
        Err(error) => Err(WireError::Unwritable(Box::new(error))),
    }
}

/// Stops at the limit instead of building a message that can't be sent.
struct Capped {
    bytes: Vec<u8>,
    max: usize,
    full: bool,
}

impl Writer for Capped {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.bytes.len() + bytes.len() > self.max {
            self.full = true;
            return Err(EncodeError::Other("limit"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
