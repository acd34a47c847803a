//! Streams on which a technician's program has its words sealed before it signs them. (SECURITY E1)
//!
//! Beside the ordered control stream, so that neither waits for the other, and one at a time: a program that opens many
//! waits, one that never finishes its question is dropped. What may be sealed and how much is the scribe's affair.

use std::time::Duration;

use quinn::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use venia_proto::message::{BareOpening, SealAnswer, SealAsk};
use venia_relay::client::frames;

/// How long one question may take from the stream's beginning until its answer is delivered.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The openings of one event, and who waits for their hashes.
pub(super) struct Asked {
    pub(super) openings: Vec<BareOpening>,
    pub(super) answer: oneshot::Sender<Vec<[u8; 32]>>,
}

/// Takes questions until the connection ends.
pub(super) async fn listen(connection: Connection, ask: mpsc::Sender<Asked>) {
    while let Ok((mut send, mut receive)) = frames::accept::<SealAnswer, SealAsk>(&connection).await {
        let served = async {
            let SealAsk { openings } = receive.expect().await.ok()?;
            let (answer, answered) = oneshot::channel();
            ask.send(Asked { openings, answer }).await.ok()?;
            send.send(&SealAnswer { sealed: answered.await.ok()? }).await.ok()?;
            send.delivered().await;
            Some(())
        };
        if !matches!(timeout(PATIENCE, served).await, Ok(Some(()))) {
            tracing::debug!("a question for sealing came to nothing");
            send.reset();
        }
    }
}
