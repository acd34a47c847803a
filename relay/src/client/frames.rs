//! Frames of [`venia_proto::wire`] on QUIC streams: what control connections, sessions and results are made of.
//!
//! Not here: what the frames mean. A peer that sends bytes which are no frame, a frame that is too large, or a message
//! that doesn't decode gets an error here and its connection closed by the caller; memory never exceeds one frame.

use std::marker::PhantomData;
use std::time::Duration;

use quinn::{Connection, ReadError, RecvStream, SendStream, WriteError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use venia_proto::wire::{self, FrameReader, Limit, WireError};

/// Bytes read from a stream at a time.
const CHUNK: usize = 16 * 1024;

/// How long a message on a control stream may take from its first byte to its last.
pub const MESSAGE: Duration = Duration::from_secs(30);

/// A stream that can't go on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer sent what is no message.
    #[error("the peer sent an invalid message")]
    Malformed(#[source] WireError),
    /// Our own message is too large.
    #[error("the message is too large to send")]
    TooLarge(#[source] WireError),
    /// The connection or stream ended while reading.
    #[error("the connection was lost")]
    Read(#[source] ReadError),
    /// The connection or stream ended while writing.
    #[error("the connection was lost")]
    Write(#[source] WriteError),
    /// The connection ended before a stream was opened.
    #[error("the connection was lost")]
    Connection(#[from] quinn::ConnectionError),
    /// The peer ended the stream where a message was due.
    #[error("the peer ended the stream early")]
    Ended,
    /// The peer began a message and let it hang.
    #[error("the peer stopped within a message")]
    Stalled,
}

/// The sending half of a stream of messages.
#[derive(Debug)]
pub struct Sender<T> {
    stream: SendStream,
    limit: Limit,
    messages: PhantomData<fn(T)>,
}

/// The receiving half of a stream of messages.
#[derive(Debug)]
pub struct Receiver<T> {
    stream: RecvStream,
    reader: FrameReader,
    limit: Limit,
    /// Bytes read, of which `used` are fed.
    read: Vec<u8>,
    used: usize,
    /// How long one message may take from its first byte to its last, and when the current one began.
    patience: Option<Duration>,
    begun: Option<Instant>,
    messages: PhantomData<fn() -> T>,
}

impl<T: Serialize> Sender<T> {
    /// Sends messages on this stream.
    pub fn new(stream: SendStream, limit: Limit) -> Self {
        Self { stream, limit, messages: PhantomData }
    }

    /// Sends one message. Waits while the peer's window is full.
    pub async fn send(&mut self, message: &T) -> Result<(), FrameError> {
        let frame = wire::encode_frame(message, self.limit).map_err(FrameError::TooLarge)?;
        self.stream.write_all(&frame).await.map_err(FrameError::Write)
    }

    /// Ends the stream and waits until the peer has everything, or doesn't want it any more.
    pub async fn delivered(&mut self) {
        let _ = self.stream.finish();
        let _ = self.stream.stopped().await;
    }

    /// Takes back what isn't delivered yet.
    pub fn reset(&mut self) {
        let _ = self.stream.reset(quinn::VarInt::from_u32(0));
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Receives messages from this stream.
    pub fn new(stream: RecvStream, limit: Limit) -> Self {
        Self {
            stream,
            reader: FrameReader::new(limit),
            limit,
            read: Vec::new(),
            used: 0,
            patience: None,
            begun: None,
            messages: PhantomData,
        }
    }

    /// Gives a message that has begun so long to end: a peer that drips bytes must not hold memory for ever.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// The next message; `None` at the end of the stream. Cancel-safe: what was read is kept.
    pub async fn next(&mut self) -> Result<Option<T>, FrameError> {
        loop {
            let mut rest = self.read.get(self.used..).unwrap_or_default();
            let before = rest.len();
            let frame = self.reader.feed(&mut rest).map_err(FrameError::Malformed)?;
            self.used += before - rest.len();
            if let Some(body) = frame {
                self.begun = None;
                return wire::decode(&body, self.limit).map(Some).map_err(FrameError::Malformed);
            }
            if before > 0 && self.begun.is_none() {
                self.begun = Some(Instant::now());
            }
            let reading = self.stream.read_chunk(CHUNK, true);
            let chunk = match self.begun.zip(self.patience) {
                Some((begun, patience)) => {
                    tokio::time::timeout_at(begun + patience, reading).await.map_err(|_| FrameError::Stalled)?
                }
                None => reading.await,
            };
            match chunk.map_err(FrameError::Read)? {
                Some(chunk) => {
                    self.read.clear();
                    self.read.extend_from_slice(&chunk.bytes);
                    self.used = 0;
                }
                None => return if self.begun.is_none() { Ok(None) } else { Err(FrameError::Ended) },
            }
        }
    }

    /// The next message, which is due.
    pub async fn expect(&mut self) -> Result<T, FrameError> {
        self.next().await?.ok_or(FrameError::Ended)
    }
}

/// Opens a bidirectional stream of messages.
pub async fn open<S: Serialize, R: DeserializeOwned>(
    connection: &Connection,
) -> Result<(Sender<S>, Receiver<R>), FrameError> {
    let (send, recv) = connection.open_bi().await?;
    Ok((Sender::new(send, Limit::Control), Receiver::new(recv, Limit::Control).with_patience(MESSAGE)))
}

/// Waits for the peer to open a bidirectional stream of messages.
pub async fn accept<S: Serialize, R: DeserializeOwned>(
    connection: &Connection,
) -> Result<(Sender<S>, Receiver<R>), FrameError> {
    let (send, recv) = connection.accept_bi().await?;
    Ok((Sender::new(send, Limit::Control), Receiver::new(recv, Limit::Control).with_patience(MESSAGE)))
}
