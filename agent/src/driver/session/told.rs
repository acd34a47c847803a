//! The person's side of a session: their answers as inputs, what they are told as lines of the feed, and the count of both
//! that the last lines sum up.
//!
//! Not here: the text of a card ([`crate::driver::questions`]) and of a line ([`crate::person::feed`]), and whether
//! anything is asked or told, which the machine decides.

use venia_proto::consent::{CardId, Choice};
use venia_proto::ledger::body::ItemId;
use venia_proto::ledger::kind::{Cause, Why};
use venia_proto::report::Text;
use venia_proto::session::agent::{Input, Tell};

use super::Session;
use crate::person::feed::{News, news};
use crate::person::{self, Answer, QuestionId};

impl Session<'_, '_> {
    /// What the person does.
    pub(super) fn person(&mut self, event: person::Event) -> Option<Input> {
        match event {
            person::Event::Stop => Some(Input::Stop),
            person::Event::Gone => {
                self.ended.gone = true;
                Some(Input::EyesLost)
            }
            person::Event::Answered { id: QuestionId(id), answer, .. } => {
                let card = CardId(u32::try_from(id).ok()?);
                let choice = match answer {
                    Answer::Yes => {
                        self.feed(News::Connected(&self.name));
                        Choice::Allow { minutes: None }
                    }
                    Answer::Allow { minutes } => {
                        self.ended.allowed += 1;
                        self.feed(News::Allowed);
                        Choice::Allow { minutes }
                    }
                    Answer::No => Choice::Deny,
                    Answer::Deny => {
                        self.ended.refused += 1;
                        self.feed(News::Denied);
                        Choice::Deny
                    }
                    Answer::Sign | Answer::NotNow | Answer::Words(_) => return None,
                };
                Some(Input::Answered { card, choice })
            }
        }
    }

    /// What the machine tells them, in their words.
    pub(super) fn tell(&mut self, tell: Tell) {
        match tell {
            Tell::FirstSeen => self.feed(News::FirstSeen { seconds: 10 }),
            Tell::Running(item) => {
                self.failed.remove(&item);
                self.feed(News::Running(&self.title(&item)));
            }
            Tell::Sent(item) => {
                if !self.failed.remove(&item) {
                    self.ended.sent += 1;
                    self.feed(News::Sent(&self.name, &self.title(&item)));
                }
            }
            Tell::NotSent(item) => self.feed(News::Killed(&self.title(&item))),
            Tell::Refused(item, why) => {
                // The card that was denied is counted already.
                self.ended.refused += usize::from(why != Why::Person);
                let title = self.title(&item);
                self.feed(if why == Why::Person { News::Refused(&title) } else { News::RefusedUnasked(&title) });
            }
            Tell::Said(text) => {
                self.feed(News::Chat(&self.name, &text));
            }
            Tell::GrantEnded => self.feed(News::TimeOver),
            Tell::Paused(Cause::RelayLost) => self.feed(News::Lost),
            Tell::Paused(_) => self.feed(News::Paused),
            Tell::Resumed => self.feed(News::Resumed),
            Tell::RecordLate => self.feed(News::RecordLate),
        }
    }

    /// One line of their feed.
    pub(super) fn feed(&self, item: News<'_>) {
        self.parts.person.tell.feed(news(item, self.parts.words));
    }

    /// An item's title; of one this agent doesn't have, its name.
    pub(super) fn title(&self, id: &ItemId) -> Text {
        let named = || Text { en: id.0.clone(), es: id.0.clone() };
        self.parts.catalog.get(id).map_or_else(named, |item| item.title.clone())
    }
}
