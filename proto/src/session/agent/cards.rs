//! Questions to the person: one at a time, five waiting, silence is no.

use super::*;
use crate::catalog::Effect as ItemEffect;
use crate::consent::{Question, USES_MAX, allowed};
use crate::ledger::body::{Allowed, Consent, Language};
use crate::ledger::kind::Answer;

use super::previews::is_fresh;

impl Agent {
    pub(super) fn new_card(
        &mut self,
        asked: EntryRef,
        question: Question,
        scopes: BTreeSet<Scope>,
        items: Vec<Allowed>,
    ) -> Card {
        let id = CardId(self.next_card);
        self.next_card += 1;
        Card { id, asked, question, scopes, items, unticked: BTreeSet::new(), planned: None }
    }

    /// Puts the next waiting card on the screen if there is none.
    pub(super) fn show_next(&mut self, now: Now) {
        if self.open_card.is_some() || self.phase == Phase::Closed {
            return;
        }
        // While paused only the question whether to go on may be asked.
        if self.paused.is_some() && self.waiting_cards.front().is_some_and(|card| card.question != Question::Resume) {
            return;
        }
        while let Some(card) = self.waiting_cards.pop_front() {
            // It was asked for before its scope was refused: refused unasked like any repetition (D5). What a change
            // would show may be too old by now.
            let why = if self.requests.get(&card.id).is_some_and(|(_, w)| self.is_repeated(now, scope_of(&w.item))) {
                Some(Why::Repeated)
            } else if card.planned.as_ref().is_some_and(|planned| !is_fresh(planned, now)) {
                Some(Why::NotShown)
            } else {
                None
            };
            if let Some(why) = why
                && let Some((request, wanted)) = self.requests.remove(&card.id)
            {
                self.refuse(Vec::new(), request, &wanted.item, why, "");
                continue;
            }
            self.effects.push_back(Effect::Ask(card.clone()));
            let language = self.arrival.as_ref().map_or(Language::En, |arrival| arrival.open.language);
            self.open_card = Some(OpenCard { card, asked_ms: now.boot_ms, text: String::new(), language });
            self.timers.set(Timer::Silence, now.boot_ms + timer::SILENCE_MS);
            return;
        }
    }

    /// Whether the person said no to this scope within the last minute, or three times to anything.
    fn is_repeated(&self, now: Now, scope: Option<Scope>) -> bool {
        let at = scope.and_then(|scope| self.refused.get(&scope));
        self.refusals >= REFUSALS_MAX || at.is_some_and(|at| now.boot_ms.saturating_sub(*at) < timer::REPEAT_MS)
    }

    /// Whether the person left this item's box empty within the last minute: that was their answer to it.
    fn was_left_out(&self, now: Now, item: &body::ItemId) -> bool {
        self.left_out.get(item).is_some_and(|at| now.boot_ms.saturating_sub(*at) < timer::REPEAT_MS)
    }

    pub(super) fn shown(&mut self, card: CardId, text: String, language: Language) {
        if let Some(open) = self.open_card.as_mut().filter(|open| open.card.id == card) {
            open.text = text;
            open.language = language;
        }
    }

    /// The person ticked other boxes: the card is shown again as it stands now, and only what stands there can be
    /// answered.
    pub(super) fn ticked(&mut self, now: Now, card: CardId, ticked: &BTreeSet<body::ItemId>) {
        if let Some(open) = self.open_card.as_mut().filter(|open| open.card.id == card && open.card.has_boxes()) {
            let boxes = open.card.items.iter().map(|allowed| &allowed.item);
            open.card.unticked = boxes.filter(|item| !ticked.contains(*item)).cloned().collect();
            open.text.clear();
            self.ask_again(now);
        }
    }

    /// Shows the open card as it stands now: whoever has to read it anew has the whole time, and no answer to it came as
    /// early as the one before makes it seem.
    fn ask_again(&mut self, now: Now) {
        if let Some(open) = &mut self.open_card {
            open.asked_ms = now.boot_ms;
            self.effects.push_back(Effect::Ask(open.card.clone()));
            self.timers.set(Timer::Silence, now.boot_ms + timer::SILENCE_MS);
        }
    }

    /// A no counts however it was asked. A yes counts for what stood there, letter by letter: one to the card as it was
    /// before a tick, or in another language, would be on record as a yes to words nobody read (D4). It is asked again.
    pub(super) fn answered(&mut self, catalog: &Catalog, now: Now, card: CardId, choice: Choice, shown: &str) {
        let Choice::Allow { minutes } = choice else { return self.deny(now, card) };
        let other = |open: &&mut OpenCard| open.card.id == card && (open.text.is_empty() || open.text != shown);
        if self.open_card.as_mut().filter(other).is_some() {
            return self.ask_again(now);
        }
        if let Some(open) = self.take_card(card) {
            self.allowed(catalog, now, open, minutes);
            self.show_next(now);
        }
    }

    fn deny(&mut self, now: Now, card: CardId) {
        if let Some(open) = self.take_card(card) {
            self.refused(now, open, Answer::No);
            self.show_next(now);
        }
    }

    /// The card, if it is the open one: an answer to any other answers nothing.
    fn take_card(&mut self, card: CardId) -> Option<OpenCard> {
        let open = self.open_card.take_if(|open| open.card.id == card)?;
        self.timers.stop(Timer::Silence);
        Some(open)
    }

    /// Nobody answered: no.
    pub(super) fn silence(&mut self, now: Now) {
        if let Some(open) = self.open_card.take() {
            self.timers.stop(Timer::Silence);
            self.effects.push_back(Effect::Withdraw(open.card.id));
            self.refused(now, open, Answer::Silence);
            self.show_next(now);
        }
    }

    fn allowed(&mut self, catalog: &Catalog, now: Now, open: OpenCard, minutes: Option<u32>) {
        let Some(technician) = self.technician() else { return };
        let consent = self.next_own(0);
        match open.card.question {
            Question::Arrival => {
                let (batch, _) = self.consented(now, &open, Answer::Yes, None);
                self.tell(Tell::Connected);
                self.after_yes(now, batch, consent);
                self.phase = Phase::Open;
                self.offer(catalog, now, open.card.asked);
                if self.relay_lost || self.link_lost {
                    self.lost(now);
                }
            }
            Question::Resume => {
                let cause = self.paused.take().unwrap_or(Cause::Person);
                self.resumed_ms = (cause == Cause::Sleep).then_some(now.boot_ms);
                let (batch, _) = self.consented(now, &open, Answer::Yes, None);
                self.after_yes(now, batch, consent);
                let (_, resume) = self.record_own(Kind::Resume { by: Cause::Person, cause }, Body::None);
                self.effects.push_back(Effect::Send(resume));
                self.tell(Tell::Resumed);
                self.open_gates(now);
            }
            Question::Preview { run } => self.send_looked_at(now, run),
            Question::Grant | Question::Renewal { .. } | Question::Change => {
                let Some(grant) = Grant::answered(&open.card, minutes, consent, technician, now.boot_ms) else {
                    // Minutes no grant can have: the shell let through what it should have asked again.
                    return self.refused(now, open, Answer::No);
                };
                let (batch, _) = self.consented(now, &open, Answer::Yes, minutes);
                self.tell(Tell::Allowed);
                self.after_yes(now, batch, consent);
                self.grants.push(grant);
                self.left_out.extend(open.card.unticked.iter().map(|item| (item.clone(), now.boot_ms)));
                if let Some((request, wanted)) = self.requests.remove(&open.card.id) {
                    self.admit(catalog, now, request, wanted, Vec::new());
                }
            }
        }
    }

    /// A yes is told once it is receipted: nothing runs before, and a relay that keeps it waiting is noticed (E10).
    fn after_yes(&mut self, now: Now, batch: BatchId, consent: EntryRef) {
        self.await_receipt(batch, now.boot_ms + timer::ADMISSION_MS);
        self.after(batch, KindName::Consent, Then::Send(consent));
    }

    fn refused(&mut self, now: Now, open: OpenCard, answer: Answer) {
        if let Question::Preview { run } = open.card.question {
            return self.withhold(run);
        }
        let consent = self.next_own(0);
        self.consented(now, &open, answer, None);
        // A no overtakes every gate.
        self.effects.push_back(Effect::Send(consent));
        let said_no = answer == Answer::No;
        match open.card.question {
            Question::Arrival => return self.close(now, if said_no { Close::Refused } else { Close::Silence }),
            // Only a person's own act is recorded as theirs.
            Question::Resume => {
                let unseen = self.paused == Some(Cause::NoEyes);
                let silent = if unseen { Close::NoEyes } else { Close::Silence };
                return self.close(now, if said_no { Close::Stopped } else { silent });
            }
            Question::Grant | Question::Renewal { .. } | Question::Change | Question::Preview { .. } => {}
        }
        if said_no {
            self.tell(Tell::Denied);
        }
        self.refusals = self.refusals.saturating_add(1);
        // The scopes it named, and those of the single items on it.
        let of_items = open.card.items.iter().filter_map(|allowed| scope_of(&allowed.item));
        for scope in open.card.scopes.iter().copied().chain(of_items) {
            self.refused.insert(scope, now.boot_ms);
        }
        if let Some((request, wanted)) = self.requests.remove(&open.card.id) {
            self.refuse(Vec::new(), request, &wanted.item, Why::Person, "");
        }
    }

    /// Writes the `consent` event: what stood on the screen, in which language, and how long the answer took.
    pub(super) fn consented(
        &mut self,
        now: Now,
        open: &OpenCard,
        answer: Answer,
        minutes: Option<u32>,
    ) -> (BatchId, EntryRef) {
        let body = Body::Consent(Consent {
            text: open.text.clone(),
            language: open.language,
            scopes: open.card.scopes.clone(),
            items: open.card.ticked().cloned().collect(),
            minutes,
        });
        let took = now.boot_ms.saturating_sub(open.asked_ms);
        self.record_own(Kind::Consent { asked: open.card.asked, answer, took }, body)
    }

    /// Makes the one card for everything the technician named at arrival. What this agent doesn't have, what needs a
    /// higher level, what changes the PC and what its owner forbids isn't on it.
    fn offer(&mut self, catalog: &Catalog, now: Now, join: EntryRef) {
        let Some((offer, level)) = self.arrival.as_ref().map(|arrival| (arrival.offer.clone(), arrival.level)) else {
            return;
        };
        let mut items: BTreeMap<_, Allowed> =
            catalog.reading(&offer.scopes, level, USES_MAX).into_iter().map(|a| (a.item.clone(), a)).collect();
        for asked in &offer.items {
            let Some(item) = catalog.find(&asked.item, &asked.definition) else { continue };
            let reads = item.effect == ItemEffect::Reads && item.level <= level;
            let (true, Ok(arguments)) = (reads, item.arguments(&asked.arguments)) else { continue };
            let one = allowed(&body::Asked { arguments, ..asked.clone() }, 1);
            match items.get_mut(&one.item) {
                // The whole scope was asked for: any declared value is covered already.
                Some(covered) if covered.values.is_empty() => {}
                Some(covered) => {
                    covered.uses = (covered.uses + 1).min(USES_MAX);
                    for (name, values) in one.values {
                        covered.values.entry(name).or_default().extend(values);
                    }
                }
                None => drop(items.insert(one.item.clone(), one)),
            }
        }
        items.retain(|id, _| catalog.get(id).is_some_and(|item| !self.policies.forbid(item, now.wall)));
        // A card even if nothing of the offer is left: the technician waits for its answer.
        if !offer.scopes.is_empty() || !offer.items.is_empty() {
            let mut card = self.new_card(join, Question::Grant, offer.scopes, items.into_values().collect());
            if card.has_boxes() {
                let asked = card.items.iter().filter_map(|allowed| catalog.get(&allowed.item));
                card.unticked = asked.filter(|item| item.personal).map(|item| item.id.clone()).collect();
            }
            self.waiting_cards.push_back(card);
        }
    }

    /// The technician asks for one run. Asking is always legal; being asked isn't always allowed (D5).
    pub(super) fn ask(&mut self, catalog: &Catalog, now: Now, request: EntryRef, body: Request) {
        if self.phase != Phase::Open {
            let got = "a question before the person knows who asks".to_owned();
            return self.close(now, Close::PeerMisbehaved { expected: "an answered arrival", got });
        }
        let level = self.arrival.as_ref().map_or(0, |arrival| arrival.level);
        let theirs = vec![Entry::Theirs(request)];
        let Some(item) = catalog.find(&body.item, &body.definition) else {
            return self.refuse(theirs, request, &body.item, Why::UnknownItem, "");
        };
        let mut wanted = match crate::consent::wanted(item, &body.arguments, level) {
            Ok(wanted) => wanted,
            Err(why) => return self.refuse(theirs, request, &body.item, why, ""),
        };
        let reads = item.effect == ItemEffect::Reads;
        let preview = if reads { None } else { self.preview_for(catalog, now, &wanted) };
        let why = if self.paused.is_some() {
            Some(Why::Paused)
        } else if self.policies.forbid(item, now.wall) {
            Some(Why::Policy)
        } else if self.is_repeated(now, Some(item.area.scope())) {
            Some(Why::Repeated)
        } else if self.was_left_out(now, &item.id) {
            Some(Why::Person)
        } else if !reads && self.arrival.as_ref().is_some_and(|arrival| !arrival.known_root) {
            // A service this PC never met only looks (A2).
            Some(Why::Policy)
        } else if !self.fences.allow(item) {
            // Nobody is asked about what can't run here (G3).
            Some(Why::Unfenced)
        } else if !reads && preview.is_none() {
            // Nobody is asked to allow a change they weren't shown.
            Some(Why::NotShown)
        } else if reads && self.covering(now, &wanted).is_some() {
            return self.admit(catalog, now, request, wanted, theirs);
        } else if self.waiting_cards.len() >= CARDS_WAITING_MAX {
            Some(Why::Limit)
        } else {
            None
        };
        if let Some(why) = why {
            let detail =
                if why == Why::NotShown { "its preview showed nothing to change in the last 5 minutes" } else { "" };
            return self.refuse(theirs, request, &body.item, why, detail);
        }
        self.record(theirs);
        wanted.plan = preview.as_ref().and_then(|preview| preview.report.plan()).map(str::to_owned);
        let question = if reads { Question::Grant } else { Question::Change };
        let asked = body::Asked {
            item: wanted.item.clone(),
            definition: wanted.definition.clone(),
            arguments: wanted.arguments.clone(),
        };
        let mut card = self.new_card(request, question, BTreeSet::new(), vec![allowed(&asked, 1)]);
        // One look shows one change: the next one needs another.
        if let Some(preview) = &preview {
            self.previews.remove(&preview.item);
        }
        card.planned = preview;
        self.requests.insert(card.id, (request, wanted));
        self.waiting_cards.push_back(card);
        self.show_next(now);
    }

    /// The earliest of the grants ended: renew *until I stop*, and kill what ran under it.
    pub(super) fn grants_ended(&mut self, now: Now) {
        let (live, dead): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.grants).into_iter().partition(|grant| grant.is_live(now.boot_ms));
        self.grants = live;
        for grant in dead {
            let ended = grant.consent();
            self.stop_runs(Why::OutsideGrant, |run| run.grant == ended);
            self.drop_results(|run| run.grant == ended);
            self.only_bare(None, ended);
            self.tell(Tell::GrantEnded);
            let asked = self.join_ref();
            let id = CardId(self.next_card);
            if let Some(card) = grant.renewal(id, asked) {
                self.next_card += 1;
                self.waiting_cards.push_back(card);
            }
        }
        self.show_next(now);
    }

    pub(super) fn join_ref(&self) -> EntryRef {
        EntryRef { author: Strand::Agent, seq: 1 }
    }
}

/// The scope an item belongs to: its area.
fn scope_of(item: &body::ItemId) -> Option<Scope> {
    item.0.split('.').next().and_then(|area| area.parse().ok())
}
