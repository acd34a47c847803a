//! A permit is spent: on a worker, or on the small root program for what needs the administrator.
//!
//! Not here: what a permit takes to exist, which is the machine's to decide.

use std::time::Duration;

use tokio::sync::mpsc;
use venia_proto::consent::{Permit, RunId};
use venia_proto::foreign::Foreign;
use venia_proto::session::agent::{Finished, Input};

use super::tasks::watch;
use super::{Running, Session, measuring};
use crate::helper::Errand;
use crate::worker::{Failure, Fault, KilledBy, Order, Outcome, StartError};

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
            Err(permit) => {
                if let Err(error) = self.order(permit, stopped) {
                    tracing::warn!(%error, "a worker could not be started");
                    let detail = Foreign::new(error.to_string());
                    return Some(Input::Finished { run, outcome: Finished::Failed(detail) });
                }
            }
        }
        self.workers.insert(run, Running { item, stop });
        None
    }

    /// Starts a worker; one that judges this connection, once that is measured.
    fn order(&self, permit: Permit, stopped: mpsc::UnboundedReceiver<()>) -> Result<(), StartError> {
        let (run, results) = (permit.run(), self.results.clone());
        let order = Order::of(self.parts.house, self.parts.catalog, permit)?;
        if order.needs_figures() {
            let ways = [self.connection.clone(), self.parts.control.connection().clone()];
            tokio::spawn(measure(run, order, ways, stopped, results));
        } else {
            tokio::spawn(watch(run, order.start()?, stopped, results));
        }
        Ok(())
    }
}

/// Measures this session's connection and the relay's, then starts the worker. Told to stop, it does neither.
async fn measure(
    run: RunId,
    order: Order,
    [session, relay]: [quinn::Connection; 2],
    mut stop: mpsc::UnboundedReceiver<()>,
    results: mpsc::UnboundedSender<(RunId, Outcome)>,
) {
    let figures = tokio::select! {
        biased;
        // Also when the session is gone: its end of the channel is dropped.
        _ = stop.recv() => {
            let _ = results.send((run, Outcome::Killed(KilledBy::Stop)));
            return;
        }
        figures = measuring::figures(&session, &relay) => figures,
    };
    match order.with_figures(&figures).and_then(Order::start) {
        Ok(worker) => watch(run, worker, stop, results).await,
        Err(error) => {
            tracing::warn!(%error, "a worker could not be started");
            let failure = Failure { fault: Fault::NotStarted, said: Foreign::new("") };
            let _ = results.send((run, Outcome::Failed(failure)));
        }
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
