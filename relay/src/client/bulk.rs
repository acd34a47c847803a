//! Sealed parts on streams of their own, a peer's end. (SECURITY E1)
//!
//! Written in chunks, one stream a part, so that a large result never holds up a `stop` on the control stream. What a
//! relay hands out counts only with the hash that an event names.

use std::time::Duration;

use quinn::{RecvStream, SendStream};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use venia_proto::id::SessionId;
use venia_proto::rendezvous::{BULK_CHUNK, Bulk, BulkAnswer, BulkHeld, SEALED_MAX};
use venia_proto::wire::{self, FrameReader, Limit};

use super::control::{Control, ControlError};

/// How long a part may take there or back, besides [`EACH`].
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long every 64 KiB may take.
pub const EACH: Duration = Duration::from_secs(1);
/// Below QUIC's priority of the control stream, which is 0.
const PRIORITY: i32 = -1;

/// Hands sealed parts of a session to the relay, to be held until the events that name them are submitted. Returns once
/// the relay holds all of them.
pub async fn upload<B: AsRef<[u8]>>(control: &Control, session: SessionId, parts: &[B]) -> Result<(), ControlError> {
    for part in parts {
        let part = part.as_ref();
        let sent = timeout(patience(part.len()), seal(control, session, part));
        sent.await.unwrap_or(Err(ControlError::Unreachable(None)))?;
    }
    Ok(())
}

/// A sealed part of a session, as the relay holds it: the very bytes with this hash.
pub async fn fetch(control: &Control, session: SessionId, sha256: [u8; 32]) -> Result<Vec<u8>, ControlError> {
    let fetching = timeout(patience(SEALED_MAX), get(control, session, sha256));
    fetching.await.unwrap_or(Err(ControlError::Unreachable(None)))
}

/// How long a part of this length may take.
pub fn patience(len: usize) -> Duration {
    PATIENCE + EACH * u32::try_from(len.div_ceil(BULK_CHUNK)).unwrap_or(u32::MAX)
}

async fn seal(control: &Control, session: SessionId, part: &[u8]) -> Result<(), ControlError> {
    // Refused by the relay in any case, and no length of ours would fit its frame.
    let len = u32::try_from(part.len()).map_err(|_| ControlError::Malformed(None))?;
    let sha256 = Sha256::digest(part).into();
    let (mut send, mut receive) = open(control, &Bulk::Seal { session, sha256, len }).await?;
    let write = async {
        for chunk in part.chunks(BULK_CHUNK) {
            if send.write_all(chunk).await.is_err() {
                // It has refused; why, it says on its half.
                return;
            }
        }
        let _ = send.finish();
    };
    let ((), held) = tokio::join!(write, answer(&mut receive));
    if held?.len == len { Ok(()) } else { Err(ControlError::Malformed(None)) }
}

async fn get(control: &Control, session: SessionId, sha256: [u8; 32]) -> Result<Vec<u8>, ControlError> {
    let (mut send, mut receive) = open(control, &Bulk::Fetch { session, sha256 }).await?;
    let _ = send.finish();
    let len = usize::try_from(answer(&mut receive).await?.len).unwrap_or(usize::MAX);
    if len > SEALED_MAX {
        return Err(ControlError::Malformed(None));
    }
    let bytes = receive.read_to_end(len).await.map_err(|_| ControlError::Unreachable(None))?;
    let whole = bytes.len() == len && Sha256::digest(&bytes).as_slice() == sha256;
    if whole { Ok(bytes) } else { Err(ControlError::Malformed(None)) }
}

async fn open(control: &Control, bulk: &Bulk) -> Result<(SendStream, RecvStream), ControlError> {
    let frame = wire::encode_frame(bulk, Limit::Control).map_err(ControlError::TooLarge)?;
    let lost = |()| ControlError::Unreachable(None);
    let (mut send, receive) = control.connection().open_bi().await.map_err(|_| lost(()))?;
    let _ = send.set_priority(PRIORITY);
    send.write_all(&frame).await.map_err(|_| lost(()))?;
    Ok((send, receive))
}

async fn answer(receive: &mut RecvStream) -> Result<BulkHeld, ControlError> {
    let mut reader = FrameReader::new(Limit::Control);
    let mut byte = [0];
    loop {
        // Byte by byte: what follows the frame is the part.
        receive.read_exact(&mut byte).await.map_err(|_| ControlError::Unreachable(None))?;
        let fed = reader.feed(&mut byte.as_slice()).map_err(|error| ControlError::Malformed(Some(error)))?;
        if let Some(body) = fed {
            let answer: BulkAnswer =
                wire::decode(&body, Limit::Control).map_err(|error| ControlError::Malformed(Some(error)))?;
            return answer.map_err(ControlError::Refused);
        }
    }
}
