//! A permit is spent: on a worker, or on the small root program for what needs the administrator.
//!
//! Not here: what a permit takes to exist, which is the machine's to decide.

use std::time::Duration;

use tokio::sync::mpsc;
use venia_proto::consent::Permit;
use venia_proto::foreign::Foreign;
use venia_proto::session::agent::{Finished, Input};

use super::tasks::watch;
use super::{Running, Session};
use crate::helper::Errand;
use crate::worker::Worker;

/// How often it is looked whether the technician's program was heard.
const LISTEN: Duration = Duration::from_millis(200);

impl Session<'_, '_> {
    /// Runs what this permit is for.
    pub(super) fn perform(&mut self, permit: Permit) -> Option<Input> {
        let (run, item) = (permit.run(), permit.item().clone());
        let (stop, stopped) = mpsc::unbounded_channel();
        match Errand::of(self.parts.catalog, permit) {
            Ok(errand) => {
                let (door, results, connection) =
                    (self.parts.door.clone(), self.results.clone(), self.connection.clone());
                tokio::spawn(async move {
                    let outcome = errand.run(&door, stopped, || heard_again(connection)).await;
                    let _ = results.send((run, outcome));
                });
            }
            Err(permit) => match Worker::start(self.parts.house, self.parts.catalog, permit) {
                Ok(worker) => drop(tokio::spawn(watch(run, worker, stopped, self.results.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "a worker could not be started");
                    let detail = Foreign::new(error.to_string());
                    return Some(Input::Finished { run, outcome: Finished::Failed(detail) });
                }
            },
        }
        self.workers.insert(run, Running { item, stop });
        None
    }
}

/// Ends once the other end acknowledged something that was sent from now on: the whole way works in both directions.
async fn heard_again(connection: quinn::Connection) {
    let acknowledged = || connection.stats().frame_rx.acks;
    let before = acknowledged();
    // One may be under way since before the change; the second isn't.
    while acknowledged() < before + 2 {
        tokio::time::sleep(LISTEN).await;
    }
}
