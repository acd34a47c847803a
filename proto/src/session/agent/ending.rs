//! Pauses and ends. Revoking never waits: kills come first, records after, and nothing that was about to leave leaves.

use super::*;
use crate::consent::Question;
use crate::ledger::kind::Answer;

impl Agent {
    /// Ends the session.
    pub(super) fn close(&mut self, now: Now, close: Close) {
        self.close_with(now, close, Vec::new());
    }

    /// Ends the session; `last` is recorded just before the `close`.
    pub(super) fn close_with(&mut self, now: Now, close: Close, mut last: Vec<Entry>) {
        if self.phase == Phase::Closed {
            return;
        }
        let was_new = self.phase == Phase::New;
        self.phase = Phase::Closed;
        self.paused = None;
        self.timers.clear();
        self.effects.retain(|effect| match effect {
            Effect::Record { .. } | Effect::Kill(_) | Effect::Tell(_) | Effect::Withdraw(_) | Effect::Perform(_) => {
                true
            }
            Effect::Ask(_)
            | Effect::Send(_)
            | Effect::Outcome { .. }
            | Effect::SendBare(_)
            | Effect::Cut
            | Effect::SendCloseRecorded
            | Effect::Closed(_)
            | Effect::Released => false,
        });
        if was_new {
            // Nobody arrived: there is no session to record.
            self.effects.push_back(Effect::Closed(close));
            return self.release();
        }
        self.stop_runs(Why::Stopped, |_| true);
        self.drop_results(|_| true);
        self.gated.clear();
        self.grants.clear();
        self.previews.clear();
        self.void_cards(now, &close);
        let stopped = close == Close::Stopped;
        if stopped {
            last.push(Entry::Own { kind: Kind::Stop { by: Cause::Person, cause: Cause::Person }, body: Body::None });
        }
        let mut held = self.counts.clone();
        for entry in &last {
            *held.entry(author(entry)).or_default() += 1;
        }
        *held.entry(Strand::Agent).or_default() += 1;
        last.push(Entry::Own { kind: Kind::Close { by: close.by(), cause: close.cause(), held }, body: Body::None });
        let batch = self.record(last);
        self.close_batch = Some(batch);
        self.effects.push_front(Effect::Cut);
        // The technician holds the same events as the person, without the words that weren't sent (E11).
        for seq in self.unsent.clone() {
            let entry = EntryRef { author: Strand::Agent, seq };
            if !self.effects.contains(&Effect::Send(entry)) {
                self.effects.push_back(Effect::SendBare(entry));
            }
        }
        self.effects.push_back(Effect::Closed(close));
        self.timers.set(Timer::Close, now.boot_ms + timer::CLOSE_RECEIPT_MS);
    }

    /// The open question is void, and so is everything that waits behind it.
    fn void_cards(&mut self, now: Now, close: &Close) {
        if let Some(open) = self.open_card.take() {
            self.effects.push_back(Effect::Withdraw(open.card.id));
            let grants = !matches!(open.card.question, Question::Preview { .. });
            if *close == Close::Stopped && grants {
                // STOP at a question is a no to it.
                self.consented(now, &open, Answer::No, None);
            }
        }
        self.waiting_cards.clear();
        for (request, wanted) in std::mem::take(&mut self.requests).into_values() {
            self.refuse(Vec::new(), request, &wanted.item, Why::Stopped, "");
        }
    }

    /// Nothing runs and nothing is sent until the person says so.
    pub(super) fn pause(&mut self, now: Now, cause: Cause) {
        if self.phase != Phase::Open || self.paused.is_some() {
            return;
        }
        self.stop_runs(Why::Paused, |_| true);
        self.paused = Some(cause);
        self.put_back();
        self.record_pause(cause);
        self.show_next(now);
    }

    fn record_pause(&mut self, cause: Cause) {
        let (_, pause) = self.record_own(Kind::Pause { by: cause, cause }, Body::None);
        self.effects.push_back(Effect::Send(pause));
        self.tell(Tell::Paused(cause));
    }

    /// Takes the open card off the screen, to be asked again after the pause. It gets a new number: an answer that was
    /// under way to the old one answers nothing. The question whether to go on isn't kept; it will be a new one.
    fn put_back(&mut self) {
        let Some(mut card) = self.open_card.take().map(|open| open.card) else { return };
        self.effects.push_back(Effect::Withdraw(card.id));
        self.timers.stop(Timer::Silence);
        if card.question == Question::Resume {
            return;
        }
        let again = CardId(self.next_card);
        self.next_card += 1;
        if let Some(request) = self.requests.remove(&card.id) {
            self.requests.insert(again, request);
        }
        card.id = again;
        self.waiting_cards.push_front(card);
    }

    /// Relay or technician can't be reached.
    pub(super) fn lost(&mut self, now: Now) {
        self.pause(now, Cause::RelayLost);
        if self.paused.is_some() {
            // Nobody can decide to go on before it is back.
            self.put_back();
        }
        self.timers.start(Timer::Lost, now.boot_ms + timer::LOST_MS);
    }

    /// One of the two is back. With both there, the person may resume, and nobody else.
    pub(super) fn found(&mut self, now: Now) {
        if self.relay_lost || self.link_lost {
            return;
        }
        self.timers.stop(Timer::Lost);
        if self.paused.is_some() {
            self.ask_to_resume(now);
        }
    }

    /// The PC slept: what was allowed before isn't any more, and only the person resumes (D1, A6).
    pub(super) fn slept(&mut self, now: Now, ms: u64) {
        if ms <= timer::SLEEP_MS || self.phase != Phase::Open {
            return;
        }
        if self.paused.is_some_and(|cause| cause != Cause::Sleep) {
            // Recorded as a pause of its own: the resume names the cause, and that is why the grants are gone.
            self.paused = Some(Cause::Sleep);
            self.record_pause(Cause::Sleep);
        } else {
            self.pause(now, Cause::Sleep);
        }
        self.drop_results(|_| true);
        self.previews.clear();
        for grant in std::mem::take(&mut self.grants) {
            self.only_bare(None, grant.consent());
            self.tell(Tell::GrantEnded);
        }
        self.ask_to_resume(now);
    }

    fn ask_to_resume(&mut self, now: Now) {
        let asking = |card: &Card| card.question == Question::Resume;
        if self.relay_lost || self.link_lost {
            return;
        }
        if self.open_card.as_ref().is_some_and(|open| asking(&open.card)) || self.waiting_cards.iter().any(asking) {
            return;
        }
        let asked = self.join_ref();
        let card = self.new_card(asked, Question::Resume, BTreeSet::new(), Vec::new());
        self.waiting_cards.push_front(card);
        self.show_next(now);
    }

    /// Nobody can see the session. They may come back: a page that loads again is gone for a moment. Whatever is asked
    /// meanwhile goes on waiting for an answer; if none comes, that is no.
    pub(super) fn eyes_lost(&mut self, now: Now) {
        if self.phase != Phase::Closed {
            self.timers.start(Timer::Eyes, now.boot_ms + timer::NO_EYES_MS);
        }
    }

    /// Nobody has seen it for half a minute: no eyes, no run. Whoever comes back says whether it goes on (UX, end user 7).
    pub(super) fn unseen(&mut self, now: Now) {
        self.pause(now, Cause::NoEyes);
        if self.paused.is_some() {
            self.ask_to_resume(now);
        }
    }

    /// No answer will ever come: the open question is silence, so no (D4), and half a minute later it ends (COMMANDS, prompts).
    pub(super) fn person_gone(&mut self, now: Now) {
        self.silence(now);
        if self.phase != Phase::Closed {
            self.timers.stop(Timer::Eyes);
            self.timers.start(Timer::Gone, now.boot_ms + timer::NO_EYES_MS);
        }
    }

    /// Nothing is left to wait for.
    pub(super) fn release(&mut self) {
        self.timers.clear();
        self.close_batch = None;
        self.effects.push_back(Effect::Released);
    }
}

/// Whose strand an entry belongs to.
pub(super) fn author(entry: &Entry) -> Strand {
    match entry {
        Entry::Own { .. } => Strand::Agent,
        Entry::Theirs(theirs) => theirs.author,
    }
}
