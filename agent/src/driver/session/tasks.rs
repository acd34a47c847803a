//! The tasks beside a session's loop: a worker's end is awaited, frames and outcomes are written.
//!
//! Not here: what is run or sent, which the machine orders.

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use venia_proto::consent::RunId;
use venia_proto::message::ToConsole;
use venia_proto::wire::Limit;
use venia_relay::client::frames::Sender;

use crate::worker::{Outcome, Worker};

/// A task that ends with its session.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for a worker's end; kills it when told to.
pub(super) async fn watch(
    run: RunId,
    mut worker: Worker,
    mut stop: mpsc::UnboundedReceiver<()>,
    results: mpsc::UnboundedSender<(RunId, Outcome)>,
) {
    tokio::select! {
        biased;
        // Also when the session is gone: its end of the channel is dropped.
        _ = stop.recv() => worker.kill(),
        _ = worker.outcome() => {}
    }
    let outcome = worker.outcome().await;
    let _ = results.send((run, outcome));
}

/// Sends frames in order; delivers them before it ends.
pub(super) async fn write_frames(mut sender: Sender<ToConsole>, mut frames: mpsc::UnboundedReceiver<ToConsole>) {
    while let Some(frame) = frames.recv().await {
        if sender.send(&frame).await.is_err() {
            return;
        }
    }
    sender.delivered().await;
}

/// Sends one outcome on its own stream. Aborted, it takes back what isn't delivered.
pub(super) async fn send_outcome(connection: quinn::Connection, message: ToConsole) {
    struct TakenBack(Sender<ToConsole>);
    impl Drop for TakenBack {
        fn drop(&mut self) {
            self.0.reset();
        }
    }
    let Ok(stream) = connection.open_uni().await else { return };
    let mut sender = TakenBack(Sender::new(stream, Limit::Data));
    if sender.0.send(&message).await.is_ok() {
        sender.0.delivered().await;
    }
}
