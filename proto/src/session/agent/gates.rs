//! What waits for a disk or for the ledger, and what happens when it waits in vain.

use super::*;
use crate::ledger::kind::KindName;
use crate::session::gate::{Gate, gate, run_gate};

/// Something that happens once a batch has passed a gate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gated {
    batch: BatchId,
    gate: Gate,
    then: Then,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Then {
    /// Send this event.
    Send(EntryRef),
    /// Send this event without its words: there is nothing in it the technician may have.
    SendBare(EntryRef),
    /// Ask who the technician is.
    Arrival,
    /// Run it.
    Perform(RunId),
    /// Send this run's result.
    Outcome(RunId),
    /// Show the person this line.
    Line(Foreign),
}

impl Gated {
    /// Whether it would run or send this run.
    pub(super) fn is_of(&self, id: RunId) -> bool {
        match self.then {
            Then::Perform(run) | Then::Outcome(run) => run == id,
            Then::Send(_) | Then::SendBare(_) | Then::Arrival | Then::Line(_) => false,
        }
    }
}

impl Agent {
    /// Lets something happen once this batch has passed the gate of its kind.
    pub(super) fn after(&mut self, batch: BatchId, kind: KindName, then: Then) {
        self.gated.push_back(Gated { batch, gate: gate(kind), then });
    }

    /// Lets something happen once this batch has its receipt, whatever the gate of its kind.
    pub(super) fn after_receipt(&mut self, batch: BatchId, then: Then) {
        self.gated.push_back(Gated { batch, gate: Gate::Receipted, then });
    }

    /// Lets a run begin once its admission is on record as the owner of this PC wants it.
    pub(super) fn after_admission(&mut self, batch: BatchId, run: RunId) {
        self.gated.push_back(Gated { batch, gate: run_gate(self.strict), then: Then::Perform(run) });
    }

    /// What waits to send this run's result, or this event, sends the bare event instead.
    pub(super) fn only_bare(&mut self, id: Option<RunId>, entry: EntryRef) {
        for gated in &mut self.gated {
            if gated.then == Then::Send(entry) || id.is_some_and(|id| gated.then == Then::Outcome(id)) {
                gated.then = Then::SendBare(entry);
            }
        }
    }

    pub(super) fn await_receipt(&mut self, batch: BatchId, until_ms: u64) {
        self.timers.set(Timer::Receipt(batch), until_ms);
    }

    pub(super) fn journalled(&mut self, now: Now, batch: BatchId) {
        self.journalled = self.journalled.max(Some(batch));
        self.open_gates(now);
    }

    pub(super) fn receipted(&mut self, now: Now, batch: BatchId) {
        self.journalled = self.journalled.max(Some(batch));
        self.receipted = self.receipted.max(Some(batch));
        self.withheld = 0;
        self.stop_waiting(batch);
        self.chat_stopped = false;
        if self.phase == Phase::Closed {
            if self.close_batch.is_some_and(|close| close <= batch) {
                self.effects.push_back(Effect::SendCloseRecorded);
                self.release();
            }
            return;
        }
        self.open_gates(now);
    }

    /// Stops the timers of what a receipt of this batch settles. An admission that still waits for its witnesses has no
    /// longer than one that waits for its receipt.
    fn stop_waiting(&mut self, batch: BatchId) {
        let unwitnessed: BTreeSet<BatchId> = self
            .runs
            .values()
            .filter_map(|run| match run.state {
                RunState::Admitted(admitted) if self.strict && self.witnessed < Some(admitted) => Some(admitted),
                RunState::Admitted(_) | RunState::Running | RunState::LookedAt(_) | RunState::Recorded(_) => None,
            })
            .collect();
        self.timers.retain(|timer| match timer {
            Timer::Receipt(waiting) => waiting > batch || unwitnessed.contains(&waiting),
            Timer::Chat(waiting) => waiting > batch,
            Timer::FirstSeen
            | Timer::Silence
            | Timer::Grant
            | Timer::Run(_)
            | Timer::Eyes
            | Timer::Gone
            | Timer::Lost
            | Timer::Idle
            | Timer::SessionMax
            | Timer::Close
            | Timer::Code
            | Timer::Pairing => true,
        });
    }

    /// Witnesses cosigned a tree that holds this batch, and so every earlier one.
    pub(super) fn witnessed(&mut self, now: Now, batch: BatchId) {
        self.witnessed = self.witnessed.max(Some(batch));
        // What has no receipt here yet waits for it all the same.
        if let Some(receipted) = self.receipted.filter(|_| self.strict) {
            self.stop_waiting(receipted);
            self.open_gates(now);
        }
    }

    /// Does what has passed its gate, in order. While paused nothing does.
    pub(super) fn open_gates(&mut self, now: Now) {
        if self.paused.is_some() || self.phase == Phase::Closed {
            return;
        }
        let passed = |gated: &Gated| match gated.gate {
            Gate::None => true,
            Gate::Journalled => self.journalled >= Some(gated.batch),
            Gate::Receipted => self.receipted >= Some(gated.batch),
            Gate::Witnessed => self.receipted >= Some(gated.batch) && self.witnessed >= Some(gated.batch),
        };
        let (open, shut): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.gated).into_iter().partition(passed);
        self.gated = shut;
        for gated in open {
            match gated.then {
                Then::Send(entry) => self.effects.push_back(Effect::Send(entry)),
                Then::SendBare(entry) => self.effects.push_back(Effect::SendBare(entry)),
                Then::Line(text) => self.tell(Tell::Said(text)),
                Then::Arrival => self.ask_arrival(now),
                Then::Perform(run) => self.perform(now, run),
                Then::Outcome(run) => self.send_outcome(run),
            }
        }
    }

    fn ask_arrival(&mut self, now: Now) {
        if self.arrival.as_ref().is_some_and(|arrival| arrival.known_root) {
            self.show_next(now);
        } else {
            self.tell(Tell::FirstSeen);
            self.timers.set(Timer::FirstSeen, now.boot_ms + timer::FIRST_SEEN_WAIT_MS);
        }
    }

    fn perform(&mut self, now: Now, id: RunId) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.state = RunState::Running;
            let (item, until_ms) =
                (run.wanted.item.clone(), now.boot_ms + u64::from(run.deadline_ms) + timer::WORKER_GRACE_MS);
            self.timers.set(Timer::Run(id), until_ms);
            self.effects.push_back(Effect::Perform(id));
            self.tell(Tell::Running(item));
        }
    }

    /// A recorded result leaves, if its grant is still live when it does.
    fn send_outcome(&mut self, id: RunId) {
        let Some(run) = self.runs.remove(&id) else { return };
        let RunState::Recorded(result) = run.state else { return };
        self.effects.push_back(Effect::Outcome { result, grant: run.grant, item: run.wanted.item });
    }

    /// The relay says no receipt will come.
    pub(super) fn not_recorded(&mut self, now: Now, batch: BatchId) {
        if self.phase == Phase::Closed {
            if self.close_batch.is_some_and(|close| close <= batch) {
                self.release();
            }
        } else if self.timers.take(Timer::Receipt(batch)) {
            self.receipt_missed(now, batch);
        }
    }

    /// No receipt in time: no log, no run.
    pub(super) fn receipt_missed(&mut self, now: Now, batch: BatchId) {
        if self.phase == Phase::Arriving {
            // The session itself isn't in the ledger: there is none.
            let close = if self.relay_lost { Close::Lost } else { Close::RelayWithholds };
            return self.close(now, close);
        }
        let waiting = |run: &Run| run.state == RunState::Admitted(batch);
        let unadmitted: Vec<RunId> = self.runs.iter().filter(|(_, run)| waiting(run)).map(|(id, _)| *id).collect();
        let refused = !unadmitted.is_empty();
        if !refused {
            self.tell(Tell::RecordLate);
        }
        for id in unadmitted {
            self.withdraw_run(id, Why::NoReceipt);
        }
        if !self.relay_lost {
            self.withheld = self.withheld.saturating_add(1);
            if self.withheld >= WITHHELD_MAX {
                return self.close(now, Close::RelayWithholds);
            }
        }
        // A run was refused, and so told. Who waits for anything else isn't left waiting, as nothing else might ever happen:
        // missed again, it counts again (E10).
        if !refused && self.gated.iter().any(|gated| gated.batch == batch) {
            let wait = if self.relay_lost { timer::LOST_MS } else { timer::ADMISSION_MS };
            self.await_receipt(batch, now.boot_ms + wait);
        }
    }
}
