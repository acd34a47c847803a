//! The person's side of a session: their answers as inputs, what they are told as lines of the feed, and the count of both
//! that the last lines sum up.
//!
//! Not here: the text of a card ([`crate::driver::questions`]) and of a line ([`crate::person::feed`]), and whether
//! anything is asked or told, which the machine decides.

use std::collections::BTreeSet;

use venia_proto::catalog::Effect;
use venia_proto::consent::{self, Card, CardId, Choice};
use venia_proto::ledger::body::{ItemId, Language};
use venia_proto::ledger::kind::{Cause, Why};
use venia_proto::report::Text;
use venia_proto::session::agent::{Input, Tell};
use venia_ui::words::Words;

use super::Session;
use crate::driver::questions::Shown;
use crate::person::feed::News;
use crate::person::{self, Answer, Question, QuestionId, Ticks};

impl Session<'_, '_> {
    /// What the person does.
    pub(super) fn person(&mut self, event: person::Event) -> Option<Input> {
        match event {
            person::Event::Stop => Some(Input::Stop),
            person::Event::Gone => {
                self.ended.gone = true;
                Some(Input::PersonGone)
            }
            person::Event::EyesLost => Some(Input::EyesLost),
            person::Event::EyesBack => Some(Input::EyesBack),
            person::Event::Says(text) => Some(Input::PersonSays(text)),
            person::Event::Language(language) => self.speak(language),
            // These belong to the time before and after a session.
            person::Event::Begin(_) | person::Event::Leave => None,
            person::Event::Answered { id: QuestionId(id), answer, shown } => {
                let card = CardId(u32::try_from(id).ok()?);
                let open = self.card.take_if(|open| open.id == card)?;
                let choice = match answer {
                    Answer::Yes | Answer::Send => Choice::Allow { minutes: None },
                    Answer::Allow { minutes } => Choice::Allow { minutes },
                    Answer::No | Answer::Deny | Answer::Keep => Choice::Deny,
                    // Boxes count as they stand now: those of another card would tick others.
                    Answer::Tick(_) if shown != self.shown => return Some(self.ask(open)),
                    Answer::Tick(ticks) => return Some(Input::Ticked { card, ticked: self.ticked(&ticks) }),
                    Answer::Sign { .. } | Answer::NotNow | Answer::Words(_) => return None,
                };
                Some(Input::Answered { card, choice, shown })
            }
        }
    }

    /// Puts a card before them, and says exactly what they were shown.
    pub(super) fn ask(&mut self, card: Card) -> Input {
        let Shown { sheet, kind, boxes } = self.show(&card);
        let text = sheet.shown(self.parts.person.medium);
        self.parts.person.tell.ask(Question { id: QuestionId(u64::from(card.id.0)), sheet, kind });
        self.shown.clone_from(&text);
        let shown = Input::Shown { card: card.id, text, language: self.words.language() };
        (self.boxes, self.card) = (boxes, Some(card));
        shown
    }

    /// From now on in this language; what is asked just now too.
    fn speak(&mut self, language: Language) -> Option<Input> {
        self.words = Words::new(language);
        let card = self.card.take()?;
        Some(self.ask(card))
    }

    /// A card as it stands before them.
    fn show(&self, card: &Card) -> Shown {
        let (catalog, words) = (self.parts.catalog, &self.words);
        if let consent::Question::Preview { run } = card.question
            && let Some((item, report, hidden)) = self.machine.preview(run)
            && let Some(item) = catalog.get(item)
        {
            return self.questions.preview(item, report, hidden, words);
        }
        let counts = self.machine.live_grants(self.now).next().is_some();
        self.questions.show(card, counts, catalog, words)
    }

    /// The items whose boxes are ticked after this.
    fn ticked(&self, ticks: &Ticks) -> BTreeSet<ItemId> {
        let after = |(number, (item, ticked)): (usize, &(ItemId, bool))| {
            let ticked = match ticks {
                Ticks::All => true,
                Ticks::Toggle(numbers) => ticked ^ numbers.contains(&number),
            };
            ticked.then(|| item.clone())
        };
        (1..).zip(&self.boxes).filter_map(after).collect()
    }

    /// What the machine tells them, in their words.
    pub(super) fn tell(&mut self, tell: Tell) {
        match tell {
            Tell::FirstSeen => self.feed(News::FirstSeen { seconds: 10 }),
            Tell::Connected => self.feed(News::Connected(self.name.clone())),
            Tell::Allowed => {
                self.ended.allowed += 1;
                self.feed(News::Allowed);
            }
            Tell::Denied => {
                self.ended.refused += 1;
                self.feed(News::Denied);
            }
            Tell::Running(item) => {
                self.failed.remove(&item);
                let changes = self.parts.catalog.get(&item).is_some_and(|item| item.effect == Effect::Changes);
                let title = self.title(&item);
                self.feed(if changes { News::Changing(title) } else { News::Running(title) });
            }
            Tell::Sent(item) => {
                if !self.failed.remove(&item) {
                    self.ended.sent += 1;
                    self.feed(News::Sent(self.name.clone(), self.title(&item)));
                }
            }
            Tell::NotSent(item) => self.feed(News::Killed(self.title(&item))),
            Tell::GoesOn(item) => self.feed(News::GoesOn(self.title(&item))),
            Tell::Kept(item) => self.feed(News::Kept(self.title(&item))),
            Tell::Refused(item, why) => {
                // The card that was denied is counted already.
                self.ended.refused += usize::from(why != Why::Person);
                let title = self.title(&item);
                self.feed(if why == Why::Person { News::Refused(title) } else { News::RefusedUnasked(title) });
            }
            Tell::Said(text) => {
                self.feed(News::Chat(self.name.clone(), text));
            }
            Tell::Own(text) => self.feed(News::Mine(text)),
            Tell::GrantEnded => self.feed(News::TimeOver),
            Tell::Paused(Cause::RelayLost) => self.feed(News::Lost),
            Tell::Paused(_) => self.feed(News::Paused),
            Tell::Resumed => self.feed(News::Resumed),
            Tell::RecordLate => self.feed(News::RecordLate),
        }
    }

    /// One line of their feed.
    pub(super) fn feed(&self, news: News) {
        self.parts.person.tell.feed(news);
    }

    /// An item's title; of one this agent doesn't have, its name.
    pub(super) fn title(&self, id: &ItemId) -> Text {
        let named = || Text { en: id.0.clone(), es: id.0.clone() };
        self.parts.catalog.get(id).map_or_else(named, |item| item.title.clone())
    }
}
