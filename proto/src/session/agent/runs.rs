//! What runs: admitted, recorded, permitted, performed, recorded, sent. Or refused.

use super::*;
use crate::catalog::Effect as ItemEffect;
use crate::consent::Question;
use crate::ledger::body::{Admit, ItemId, Outcome, Refuse};
use crate::ledger::kind::Status;

impl Agent {
    /// The technician runs what they believe is allowed. What no live grant covers is misbehaviour: an honest program
    /// knows what was allowed. (invariant 6)
    pub(super) fn run(&mut self, catalog: &Catalog, now: Now, request: EntryRef, body: Request) {
        let theirs = vec![Entry::Theirs(request)];
        if self.phase != Phase::Open {
            return self.misbehaved(now, theirs, request, Why::OutsideGrant, "an answered arrival", &body.item);
        }
        let Some(item) = catalog.find(&body.item, &body.definition) else {
            return self.refuse(theirs, request, &body.item, Why::UnknownItem, "");
        };
        let level = self.arrival.as_ref().map_or(0, |arrival| arrival.level);
        let wanted = match crate::consent::wanted(item, &body.arguments, level) {
            Ok(wanted) => wanted,
            Err(why) => {
                let expected = if why == Why::Level { "items up to the certified level" } else { "declared arguments" };
                return self.misbehaved(now, theirs, request, why, expected, &body.item);
            }
        };
        if self.paused.is_some() {
            self.refuse(theirs, request, &body.item, Why::Paused, "");
        } else if self.policies.forbid(item, now.wall) {
            self.refuse(theirs, request, &body.item, Why::Policy, "");
        } else if item.effect == ItemEffect::Changes {
            // Each change is asked on its own, whatever was allowed before.
            self.ask(catalog, now, request, body);
        } else if self.covering(now, &wanted).is_none() {
            let since_ms = self.resumed_ms.map(|at| now.boot_ms.saturating_sub(at));
            if since_ms.is_some_and(|ms| ms < timer::RESUMED_MS) {
                // Sent before an honest program could know that the sleep took the grant.
                return self.refuse(theirs, request, &body.item, Why::OutsideGrant, "");
            }
            self.misbehaved(now, theirs, request, Why::OutsideGrant, "a run under a live grant", &body.item);
        } else if !self.fences.allow(item) {
            self.refuse(theirs, request, &body.item, Why::Unfenced, "");
        } else {
            self.admit(catalog, now, request, wanted, theirs);
        }
    }

    /// The grant that covers this run now.
    pub(super) fn covering(&self, now: Now, wanted: &Wanted) -> Option<usize> {
        let technician = self.technician()?;
        self.grants.iter().position(|grant| grant.covers(technician, wanted, now.boot_ms))
    }

    fn admitted_or_running(&self) -> usize {
        let at_work = |run: &&Run| match run.state {
            RunState::Admitted(_) | RunState::Running | RunState::LookedAt(_) => true,
            RunState::Recorded(_) => false,
        };
        self.runs.values().filter(at_work).count()
    }

    /// Takes a use of the grant and records request and admit in one batch; the receipt performs.
    pub(super) fn admit(
        &mut self,
        catalog: &Catalog,
        now: Now,
        request: EntryRef,
        wanted: Wanted,
        mut entries: Vec<Entry>,
    ) {
        let item = catalog.find(&wanted.item, &wanted.definition);
        let (Some(index), Some(item)) = (self.covering(now, &wanted), item) else {
            return self.refuse(entries, request, &wanted.item, Why::OutsideGrant, "");
        };
        if self.admitted_or_running() >= RUNS_MAX {
            return self.refuse(entries, request, &wanted.item, Why::Limit, "");
        }
        let grant = self.grants[index].consent();
        self.grants[index].reserve(&wanted.item);
        let own = entries.iter().filter(|entry| matches!(entry, Entry::Own { .. })).count();
        let admit = self.next_own(own as u64);
        entries.push(Entry::Own {
            kind: Kind::Admit { request, grant },
            body: Body::Admit(Admit {
                item: wanted.item.clone(),
                definition: wanted.definition.clone(),
                fences: self.fences.names(&item.needs),
            }),
        });
        let batch = self.record(entries);
        let run = RunId(self.next_run);
        self.next_run += 1;
        let state = RunState::Admitted(batch);
        self.runs.insert(
            run,
            Run {
                request,
                admit,
                wanted,
                grant,
                deadline_ms: item.deadline_ms,
                personal: item.personal,
                unstoppable: item.change.as_ref().is_some_and(|change| !change.interruptible),
                redaction: None,
                state,
            },
        );
        self.await_receipt(batch, now.boot_ms + timer::ADMISSION_MS);
        self.after(batch, KindName::Admit, Then::Send(admit));
        self.after_admission(batch, run);
    }

    /// Whether this consent's grant is live.
    pub(super) fn is_granted(&self, consent: EntryRef, now: Now) -> bool {
        self.grants.iter().any(|grant| grant.consent() == consent && grant.is_live(now.boot_ms))
    }

    /// The permit of an ordered run, at the moment it leaves the machine.
    pub(super) fn permit(&mut self, id: RunId, now: Now) -> Option<Permit> {
        let run = self.runs.get(&id)?;
        let grant = self.grants.iter().find(|grant| grant.consent() == run.grant);
        let ready = self.phase == Phase::Open && self.paused.is_none() && run.state == RunState::Running;
        let permit = grant.filter(|_| ready).and_then(|grant| grant.permit(id, &run.wanted, now.boot_ms));
        if permit.is_none() {
            self.withdraw_run(id, Why::OutsideGrant);
        }
        permit
    }

    pub(super) fn finished(&mut self, catalog: &Catalog, now: Now, id: RunId, outcome: Finished) {
        // Killed, expired and closed runs are recorded already; what their worker still says counts for nothing.
        let Some(run) = self.runs.get_mut(&id).filter(|run| run.state == RunState::Running) else { return };
        if let Finished::Reported { redaction, .. } = &outcome {
            run.redaction.clone_from(redaction);
        }
        let run = run.clone();
        self.timers.stop(Timer::Run(id));
        let live = self.is_granted(run.grant, now);
        let (status, outcome) = match outcome {
            Finished::Reported { .. } if !live => (Status::Late, None),
            Finished::Reported { report, .. } if report.is_unknown() => (Status::Unknown, Some(Outcome::of(report))),
            Finished::Reported { report, .. } => {
                self.keep_preview(catalog, now, &run.wanted, &report);
                (Status::Done, Some(Outcome::of(report)))
            }
            Finished::Failed(detail) => (Status::Failed, Some(Outcome { report: None, detail: detail.cut() })),
        };
        // One that can't tell holds texts too: evidence, and whatever a worker that was taken over put there.
        if let (Status::Done | Status::Unknown, true, Some(Outcome { report: Some(report), .. })) =
            (status, run.personal, &outcome)
        {
            return self.look_at(now, id, run.request, report.clone());
        }
        self.record_result(now, id, &run, status, outcome);
    }

    /// A result that may hold personal data waits for the person; the worker is done and nothing is recorded. (E2)
    fn look_at(&mut self, now: Now, id: RunId, request: EntryRef, report: Report) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.state = RunState::LookedAt(Box::new(report));
        }
        let card = self.new_card(request, Question::Preview { run: id }, BTreeSet::new(), Vec::new());
        self.waiting_cards.push_back(card);
        self.show_next(now);
    }

    /// The person lets it go.
    pub(super) fn send_looked_at(&mut self, now: Now, id: RunId) {
        let Some(run) = self.runs.get(&id).cloned() else { return };
        if let RunState::LookedAt(report) = &run.state {
            let status = if report.is_unknown() { Status::Unknown } else { Status::Done };
            self.record_result(now, id, &run, status, Some(Outcome::of(Report::clone(report))));
        }
    }

    /// The person keeps it, or can't be asked any more: nothing of it is recorded, sealed or sent. (E2)
    pub(super) fn withhold(&mut self, id: RunId) {
        let Some(run) = self.runs.remove(&id) else { return };
        let asks = |card: &Card| card.question == Question::Preview { run: id };
        self.waiting_cards.retain(|card| !asks(card));
        if let Some(open) = self.open_card.take_if(|open| asks(&open.card)) {
            self.timers.stop(Timer::Silence);
            self.effects.push_back(Effect::Withdraw(open.card.id));
        }
        let kind = Kind::Result { admit: run.admit, status: Status::Withheld };
        let (batch, result) = self.record_own(kind, Body::None);
        self.after(batch, KindName::Result, Then::SendBare(result));
        self.tell(Tell::Kept(run.wanted.item));
    }

    fn record_result(&mut self, now: Now, id: RunId, run: &Run, status: Status, outcome: Option<Outcome>) {
        let size = outcome.as_ref().and_then(|o| serde_json::to_vec(o).ok()).map_or(0, |json| json.len() as u64);
        let body = outcome.map_or(Body::None, Body::Result);
        // What was taken out of a report is told with it, in one batch; of a report that isn't recorded nothing is.
        let redaction = run.redaction.clone().filter(|_| matches!(status, Status::Done | Status::Unknown));
        let redacted = redaction.as_ref().map(|_| self.next_own(0));
        let result = self.next_own(u64::from(redacted.is_some()));
        let redaction = redaction.map(|redaction| Entry::Own {
            kind: Kind::Redaction { admit: run.admit },
            body: Body::Redaction(redaction),
        });
        let entry = Entry::Own { kind: Kind::Result { admit: run.admit, status }, body };
        let batch = self.record(redaction.into_iter().chain([entry]).collect());
        if let Some(redacted) = redacted {
            self.after(batch, KindName::Redaction, Then::Send(redacted));
        }
        if status == Status::Late {
            self.runs.remove(&id);
            self.after(batch, KindName::Result, Then::SendBare(result));
            return self.tell(Tell::NotSent(run.wanted.item.clone()));
        }
        let waits = timer::ADMISSION_MS + size.div_ceil(64 * 1024) * timer::RESULT_PER_64_KIB_MS;
        self.await_receipt(batch, now.boot_ms + waits);
        if let Some(run) = self.runs.get_mut(&id) {
            run.state = RunState::Recorded(result);
        }
        self.after(batch, KindName::Result, Then::Outcome(id));
    }

    /// The worker is overdue although it has a deadline of its own.
    pub(super) fn overdue(&mut self, id: RunId) {
        if let Some(run) = self.runs.get(&id).cloned() {
            self.kill(id, &run, "deadline");
        }
    }

    /// Refuses one request, after `entries`, without asking. Never waits.
    pub(super) fn refuse(&mut self, mut entries: Vec<Entry>, request: EntryRef, item: &ItemId, why: Why, detail: &str) {
        let own = entries.iter().filter(|entry| matches!(entry, Entry::Own { .. })).count();
        let refuse = self.next_own(own as u64);
        let body = Body::Refuse(Refuse { detail: Foreign::new(detail) });
        entries.push(Entry::Own { kind: Kind::Refuse { request, why }, body });
        self.record(entries);
        self.effects.push_back(Effect::Send(refuse));
        self.tell(Tell::Refused(item.clone(), why));
    }

    fn misbehaved(
        &mut self,
        now: Now,
        entries: Vec<Entry>,
        request: EntryRef,
        why: Why,
        expected: &'static str,
        item: &ItemId,
    ) {
        let got = Foreign::new(item.0.chars().take(64).collect::<String>()).visible();
        self.refuse(entries, request, item, why, expected);
        self.close(now, Close::PeerMisbehaved { expected, got });
    }

    /// An admitted run that won't happen after all.
    pub(super) fn withdraw_run(&mut self, id: RunId, why: Why) {
        if let Some(run) = self.runs.remove(&id) {
            self.timers.stop(Timer::Run(id));
            self.gated.retain(|gated| !gated.is_of(id));
            self.refuse(Vec::new(), run.request, &run.wanted.item, why, "");
        }
    }

    /// Kills the running workers that match and records it; what is only admitted is refused for this reason.
    pub(super) fn stop_runs(&mut self, why: Why, which: impl Fn(&Run) -> bool) {
        for (id, run) in self.matching(which) {
            // Ordered but not handed to a worker yet: it never started.
            let unstarted = self.effects.contains(&Effect::Perform(id));
            self.effects.retain(|effect| *effect != Effect::Perform(id));
            match run.state {
                RunState::Admitted(_) => self.withdraw_run(id, why),
                RunState::Running if unstarted => self.withdraw_run(id, why),
                RunState::Running => self.kill(id, &run, "stopped"),
                RunState::LookedAt(_) | RunState::Recorded(_) => {}
            }
        }
    }

    /// Results that match are never sent, looked at or recorded; the technician only learns that there was one.
    pub(super) fn drop_results(&mut self, which: impl Fn(&Run) -> bool) {
        for (id, run) in self.matching(which) {
            match run.state {
                RunState::Admitted(_) | RunState::Running => {}
                RunState::LookedAt(_) => self.withhold(id),
                RunState::Recorded(result) => {
                    self.runs.remove(&id);
                    self.only_bare(Some(id), result);
                    self.tell(Tell::NotSent(run.wanted.item));
                }
            }
        }
    }

    fn matching(&self, which: impl Fn(&Run) -> bool) -> Vec<(RunId, Run)> {
        self.runs.iter().filter(|(_, run)| which(run)).map(|(id, run)| (*id, run.clone())).collect()
    }

    /// The kill goes before every record that waits for a disk.
    fn kill(&mut self, id: RunId, run: &Run, detail: &str) {
        self.runs.remove(&id);
        self.timers.stop(Timer::Run(id));
        self.effects.push_front(Effect::Kill(id));
        // A record that says no more than "killed" of what goes on would be false.
        let detail =
            if run.unstoppable { format!("{detail}; what had begun goes on to its end") } else { detail.to_owned() };
        let body = Body::Result(Outcome { report: None, detail: Foreign::new(detail) });
        let (batch, result) = self.record_own(Kind::Result { admit: run.admit, status: Status::Killed }, body);
        self.after(batch, KindName::Result, Then::SendBare(result));
        let item = run.wanted.item.clone();
        self.tell(if run.unstoppable { Tell::GoesOn(item) } else { Tell::NotSent(item) });
    }
}

impl Outcome {
    fn of(report: Report) -> Self {
        Self { report: Some(report), detail: Foreign::new("") }
    }
}
