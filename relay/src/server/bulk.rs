//! Streams for sealed parts, beside the control stream: an agent brings them, auditors and participants fetch them.
//!
//! The peer may be anybody. So: QUIC's own limit on streams, a first frame within [`ASK`], a length that is known and
//! bounded before a byte is kept, a pace below which we stop listening, and room that is taken before and given back after
//! (SECURITY E1, E6). Only the agent of a session brings its parts, once somebody came for that session.
//!
//! Not here: what is held and for how long ([`super::ledger::sealed`]), and that an event is stored with its parts
//! ([`super::ledger::admission`]).

use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, RecvStream, SendStream};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use venia_proto::id::SessionId;
use venia_proto::key::PublicKey;
use venia_proto::ledger::event::Event;
use venia_proto::rendezvous::{BULK_CHUNK, Bulk, BulkAnswer, BulkHeld, Refusal, SEALED_MAX};
use venia_proto::wire::{self, FrameReader, Limit};

use super::accept;
use super::audit::{self, Looked};
use super::ledger::sealed::{Held, SealedPart};
use super::ledger::sqlite::Sqlite;
use super::ledger::{Store as _, StoreError};
use super::members::MembersError;
use super::peer::Relay;
use crate::client::bulk::{PATIENCE, patience};

/// How long a peer may take to say what a stream is for.
pub const ASK: Duration = Duration::from_secs(10);
/// Whose streams these are, and what its control stream did so far.
#[derive(Clone)]
pub struct Peer {
    /// Its connection.
    pub connection: Connection,
    /// The key it proved.
    pub key: PublicKey,
    /// Its parts.
    pub held: Held,
    /// What it said it looks for.
    pub looked: Looked,
}

/// Serves the streams of one connection until it ends. A stream that breaks the protocol ends by itself.
pub async fn serve(relay: Arc<Relay>, peer: Peer) {
    // As many at once as QUIC lets the peer open.
    let mut streams = tokio::task::JoinSet::new();
    while let Ok((send, receive)) = peer.connection.accept_bi().await {
        while streams.try_join_next().is_some() {}
        let (relay, peer) = (relay.clone(), peer.clone());
        streams.spawn(async move {
            if stream(&relay, &peer, send, receive).await.is_none() {
                tracing::debug!("a bulk stream ended early");
            }
        });
    }
}

/// `None`: the stream or the peer's patience ended, or it wasn't the protocol.
async fn stream(relay: &Arc<Relay>, peer: &Peer, mut send: SendStream, mut receive: RecvStream) -> Option<()> {
    let bulk = timeout(ASK, first(&mut receive)).await.ok()??;
    match bulk {
        Bulk::Seal { session, sha256, len } => {
            let len = usize::try_from(len).ok()?;
            let place = match may_bring(relay, peer, session).await {
                Ok(()) if len > SEALED_MAX => Err(Refusal::NotAllowed),
                Ok(()) => peer.held.reserve(len).ok_or(Refusal::Quota),
                Err(refusal) => Err(refusal),
            };
            let place = match place {
                Ok(place) => place,
                Err(refusal) => return refuse(&mut send, refusal).await,
            };
            let bytes = timeout(patience(len), exactly(&mut receive, len)).await.ok()??;
            if Sha256::digest(&bytes).as_slice() != sha256 {
                return refuse(&mut send, Refusal::NotAllowed).await;
            }
            peer.held.keep(place, SealedPart { session, sha256, bytes: bytes.into() });
            answer(&mut send, &Ok(BulkHeld { len: u32::try_from(len).ok()? })).await
        }
        Bulk::Fetch { session, sha256 } => {
            let (by, looked) = (peer.key, peer.looked.clone());
            let found = relay.ledger.perform(move |store| fetch(store, &by, session, sha256, &looked)).await;
            let bytes = match found {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(refusal)) | Err(refusal) => return refuse(&mut send, refusal).await,
            };
            let sent = async {
                answer_only(&mut send, &Ok(BulkHeld { len: u32::try_from(bytes.len()).ok()? })).await?;
                for chunk in bytes.chunks(BULK_CHUNK) {
                    send.write_all(chunk).await.ok()?;
                }
                ended(&mut send).await
            };
            timeout(patience(bytes.len()), sent).await.ok()?
        }
    }
}

/// Only the session's own agent: one for whom somebody came, or who began it before.
async fn may_bring(relay: &Arc<Relay>, peer: &Peer, session: SessionId) -> Result<(), Refusal> {
    let met = relay.hall.meeting(&peer.key).is_some_and(|(met, members)| met == session && !members.is_empty());
    if !met {
        let by = peer.key;
        let agent = relay.ledger.perform(move |store| Ok(store.session_keys(session)?.map(|(agent, _)| agent.key)));
        match agent.await?.map_err(|error: StoreError| broken(&error))? {
            Some(agent) if agent == by => {}
            Some(_) | None => return Err(Refusal::NotAllowed),
        }
    }
    accept::admit(&peer.connection);
    Ok(())
}

/// Who may fetch the sealed parts of a session: its participants, and an auditor who said so on record first. A
/// participant can't open them; they are proof that the relay still holds what it must.
fn may_fetch(store: &Sqlite, by: &PublicKey, session: SessionId, looked: &Looked) -> Result<bool, StoreError> {
    if let Some((agent, parties)) = store.session_keys(session)?
        && (agent.key == *by || parties.contains(by))
    {
        return Ok(true);
    }
    if !looked.opens(session) {
        return Ok(false);
    }
    // Asked again at every part: a revoked auditor is refused at once (SECURITY A5).
    match audit::auditor(store, by) {
        Ok(_) => Ok(true),
        Err(MembersError::Store(error)) => Err(error),
        Err(
            MembersError::Refused(_)
            | MembersError::Name(_)
            | MembersError::Level
            | MembersError::NameTaken
            | MembersError::Unknown,
        ) => Ok(false),
    }
}

fn fetch(
    store: &Sqlite,
    by: &PublicKey,
    session: SessionId,
    sha256: [u8; 32],
    looked: &Looked,
) -> Result<Vec<u8>, Refusal> {
    let find = || -> Result<Result<Vec<u8>, Refusal>, StoreError> {
        if !may_fetch(store, by, session, looked)? {
            return Ok(Err(Refusal::NotAllowed));
        }
        if let Some(bytes) = store.sealed(session, sha256)? {
            return Ok(Ok(bytes));
        }
        let events = store.session(session)?.map_or_else(Vec::new, |stored| stored.events);
        let names = |note: &Vec<u8>| {
            Event::parse(note).is_ok_and(|event| event.header().parts.iter().any(|part| part.sealed == Some(sha256)))
        };
        Ok(Err(if events.iter().any(names) { Refusal::Erased } else { Refusal::NotAllowed }))
    };
    find().map_err(|error| broken(&error))?
}

fn broken(error: &StoreError) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "sealed parts can't be read");
    Refusal::Disk
}

async fn first(receive: &mut RecvStream) -> Option<Bulk> {
    // Byte by byte: what follows the frame is the part.
    let mut reader = FrameReader::new(Limit::Control);
    let mut byte = [0];
    loop {
        receive.read_exact(&mut byte).await.ok()?;
        if let Some(body) = reader.feed(&mut byte.as_slice()).ok()? {
            return wire::decode(&body, Limit::Control).ok();
        }
    }
}

async fn exactly(receive: &mut RecvStream, len: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let chunk = receive.read_chunk((len - bytes.len()).min(BULK_CHUNK), true).await.ok()??;
        bytes.extend_from_slice(&chunk.bytes);
    }
    Some(bytes)
}

async fn refuse(send: &mut SendStream, refusal: Refusal) -> Option<()> {
    timeout(PATIENCE, answer(send, &Err(refusal))).await.ok()?
}

async fn answer(send: &mut SendStream, answer: &BulkAnswer) -> Option<()> {
    answer_only(send, answer).await?;
    ended(send).await
}

async fn answer_only(send: &mut SendStream, answer: &BulkAnswer) -> Option<()> {
    let frame = wire::encode_frame(answer, Limit::Control).ok()?;
    send.write_all(&frame).await.ok()
}

async fn ended(send: &mut SendStream) -> Option<()> {
    send.finish().ok()?;
    let _ = send.stopped().await;
    Some(())
}
