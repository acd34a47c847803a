//! What will happen to a session by chance, and what a hostile technician does.

use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::{Asked, Offer, Request, Signoff};
use venia_proto::scope::Scope;
use venia_proto::session::agent::Input;
use venia_proto::session::console::{self, Console};

use super::{Event, World};
use crate::sim::items::{self, DEEP, DIARY, FIX, NONE, OTHER, PROBE, TECHNICIAN};
use crate::sim::random::Random;

/// Makes an event, drawing what it needs.
type Draw = fn(&mut Random) -> Event;

impl World<'_> {
    /// Everything that will happen by chance.
    pub(super) fn fate(&mut self, hostile: bool) {
        let scopes = [Scope::System, Scope::Network, Scope::Hardware, Scope::Tasks];
        let scopes = scopes.into_iter().filter(|_| self.random.percent(45)).collect();
        let items = (0..self.random.between(0, 3)).map(|_| self.asked(!hostile)).collect();
        let offer = Offer { scopes, items };
        let arrival = items::arrival(self.random.percent(80), offer.clone());
        self.at(0, Event::Agent(Input::Arrived(Box::new(arrival))));
        if hostile {
            for _ in 0..self.random.between(1, 60) {
                let at = self.random.between(0, 200_000);
                self.at(at, Event::Hostile);
            }
            if self.random.percent(20) {
                let at = self.random.between(1_000, 100_000);
                (0..150).for_each(|_| self.at(at, Event::Hostile));
            }
        } else {
            let offered = !offer.scopes.is_empty() || !offer.items.is_empty();
            self.console = Some(Console::new(TECHNICIAN, Foreign::new("why"), offered));
            for _ in 0..self.random.between(0, 14) {
                let (at, asked) = (self.random.between(0, 240_000), self.asked(true));
                self.at(at, Event::Console(Box::new(console::Input::Run(asked))));
            }
            for _ in 0..self.random.between(0, 3) {
                let at = self.random.between(0, 200_000);
                let text = Foreign::new("hello");
                let said =
                    if self.random.percent(60) { console::Input::Chat(text) } else { console::Input::Note(text) };
                self.at(at, Event::Console(Box::new(said)));
            }
            if self.random.percent(70) {
                let at = self.random.between(0, 400_000);
                let signoff = Signoff { outcome: Foreign::new("o"), next: Foreign::new("n"), observations: None };
                self.at(at, Event::Console(Box::new(console::Input::SignOff(signoff))));
            }
        }
        if self.calm {
            return;
        }
        let span = *self.random.pick(&[20_000, 100_000, 400_000, 2_000_000]);
        let chances: [(u64, Draw); 10] = [
            (20, |_| Event::Agent(Input::Stop)),
            (12, |_| Event::Agent(Input::EyesLost)),
            (10, |_| Event::Agent(Input::EyesBack)),
            (4, |_| Event::Agent(Input::PersonGone)),
            (30, |_| Event::Agent(Input::PersonSays(Foreign::new("hi")))),
            (3, |_| Event::Agent(Input::Revoked)),
            (3, |_| Event::Agent(Input::LogDoubted)),
            (4, |_| Event::Agent(Input::JournalFailed)),
            (20, |random| Event::Sleep(*random.pick(&[1_000, 5_000, 5_001, 30_000, 900_000]))),
            (8, |_| Event::Crash),
        ];
        for (chance, event) in chances {
            while self.random.percent(chance) {
                let (at, event) = (self.random.between(0, span), event(&mut self.random));
                self.at(at, event);
            }
        }
        while self.random.percent(25) {
            let (at, lasts) = (self.random.between(0, span), self.random.between(500, 45_000));
            self.at(at, Event::Agent(Input::RelayLost));
            self.at(at + lasts, Event::Agent(Input::RelayFound));
        }
        while self.random.percent(12) {
            let (at, lasts) = (self.random.between(0, span), self.random.between(500, 45_000));
            self.at(at, Event::Agent(Input::LinkLost));
            self.at(at + lasts, Event::Agent(Input::LinkFound));
        }
        if self.random.percent(3) {
            let at = self.random.between(0, span);
            self.at(at, Event::Agent(Input::Left));
        }
    }

    fn asked(&mut self, honest: bool) -> Asked {
        let items: &[&str] =
            if honest { &[PROBE, OTHER, PROBE, FIX, DIARY] } else { &[PROBE, OTHER, FIX, DEEP, NONE, DIARY] };
        let values: &[&str] = if honest { &["a", "b"] } else { &["a", "a", "b", "z"] };
        let (item, value) = (*self.random.pick(items), *self.random.pick(values));
        items::asked(self.catalog, item, value)
    }

    /// A technician's program that does whatever it likes.
    pub(super) fn hostile(&mut self) -> Input {
        let next = self.watch.counts.get(&TECHNICIAN).copied().unwrap_or(0);
        let seq = if self.random.percent(99) { next } else { self.random.between(0, 9) };
        let asked = self.asked(false);
        let request = items::request(asked);
        match self.random.between(0, 40) {
            0..=11 => Input::Ask { seq, request },
            12..=29 => {
                Input::Run { seq, request: if self.random.percent(80) { self.granted(request) } else { request } }
            }
            30..=37 => Input::Said { seq, text: Foreign::new("x"), chat: self.random.percent(50) },
            38 => Input::SignedOff { seq },
            39 => Input::Nonsense { expected: "an event", got: "x".to_owned() },
            _ => Input::Arrived(Box::new(items::arrival(true, Offer::default()))),
        }
    }

    /// What would be covered, if anything is: a hostile program lives longer when it behaves now and then.
    fn granted(&mut self, otherwise: Request) -> Request {
        let candidates = [DIARY, PROBE, OTHER].into_iter().flat_map(|item| ["a", "b"].map(|value| (item, value)));
        let candidates = candidates.map(|(item, value)| items::request(items::asked(self.catalog, item, value)));
        let covered =
            |request: &Request| self.watch.model.grants.keys().any(|grant| self.watch.model.covers(*grant, request));
        candidates.into_iter().find(covered).unwrap_or(otherwise)
    }
}
