//! One session from end to end in a world that is drawn from a seed: network, ledger, disk, person, workers, clock.
//!
//! Control streams deliver in order, each after its own delay; results overtake everything. Receipts come in order, late,
//! or are refused first. Nothing here decides what is right: the watch does.

use std::collections::BTreeMap;

use venia_proto::catalog::Catalog;
use venia_proto::consent::{Card, Choice, EntryRef, Question};
use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::ledger::body::{Body, Language};
use venia_proto::ledger::kind::{Kind, KindName};
use venia_proto::now::{Now, Wall};
use venia_proto::session::agent::{Agent, Entry, Finished, Input, Phase};
use venia_proto::session::console::{self, Console, Write};
use venia_proto::session::gate::BatchId;
use venia_proto::session::recovery;
use venia_proto::session::timer::LOST_MS;

use super::invariants;
use super::items::{self, DIARY, FENCED};
use super::random::Random;
use super::watch::{self, Broken, Seen, Watch};

mod fate;

/// No session needs more turns of the world; one that does doesn't end.
const TURNS_MAX: u64 = 50_000;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Inputs handled.
    pub events: u64,
    /// Workers started.
    pub performed: u64,
    /// Results sent with their words.
    pub results: u64,
    /// Looks the person was asked to take.
    pub looks: u64,
    /// How sessions ended, by name.
    pub ends: BTreeMap<String, u64>,
}

enum Event {
    Agent(Input),
    Console(Box<console::Input>),
    Receipt(BatchId),
    Hostile,
    Sleep(u64),
    Crash,
    /// The console stops looking for the agent, if this break lasts until now.
    GivenUp(u64),
}

struct World<'a> {
    catalog: &'a Catalog,
    random: Random,
    agent: Option<Agent>,
    watch: Watch,
    console: Option<Console>,
    collected: bool,
    now_ms: u64,
    wall_ms: i64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    turns: u64,
    hostile: bool,
    /// Nothing goes wrong by chance, and the person likes to say yes.
    calm: bool,
    /// Until then the agent is asleep or writes a record.
    agent_free_ms: u64,
    to_agent_ms: u64,
    to_console_ms: u64,
    disk_ms: u64,
    ledger_ms: u64,
    /// How slow the ledger is, in milliseconds, and how often in a hundred it stalls.
    ledger: (u64, u64),
    network_ms: u64,
    relay_lost: bool,
    link_lost: bool,
    /// What didn't arrive before the connection broke, and what is said since: sent again if it comes back.
    undelivered: Vec<Event>,
    breaks: u64,
    written: u64,
    recorded: BTreeMap<EntryRef, (Kind<EntryRef>, Body)>,
    tally: Tally,
    /// What happened, in words, when somebody wants to read it.
    story: Option<Vec<String>>,
}

/// Lives through one session.
pub fn run(catalog: &Catalog, seed: u64) -> Result<Tally, Broken> {
    let mut world = World::new(catalog, seed, None);
    let lived = world.live();
    lived.map(|()| world.tally).map_err(|broken| format!("{broken}\n  replay with VENIA_SIM_SEED={seed}"))
}

/// The same session as a story to read.
pub fn story(catalog: &Catalog, seed: u64) -> String {
    let mut world = World::new(catalog, seed, Some(Vec::new()));
    let end = world.live().map_or_else(|broken| broken, |()| "and all is well".to_owned());
    world.story.take().unwrap_or_default().join("\n") + "\n" + &end
}

impl<'a> World<'a> {
    fn new(catalog: &'a Catalog, seed: u64, story: Option<Vec<String>>) -> Self {
        let mut random = Random::new(seed);
        let (hostile, calm) = (random.percent(25), random.percent(50));
        let ledger = *random.pick(&[(50, 0), (300, 0), (300, 3), (4_000, 5), (9_000, 20)]);
        let network_ms = *random.pick(&[5, 50, 400]);
        let wall_ms = *random.pick(&[978_307_200_000, 1_795_514_402_000, -5]);
        let mut world = World {
            catalog,
            random,
            agent: Some(Agent::new(FENCED)),
            watch: Watch::default(),
            console: None,
            collected: false,
            now_ms: 1_000,
            wall_ms,
            queue: BTreeMap::new(),
            queued: 0,
            turns: 0,
            hostile,
            calm,
            agent_free_ms: 0,
            to_agent_ms: 0,
            to_console_ms: 0,
            disk_ms: 0,
            ledger_ms: 0,
            ledger,
            network_ms,
            relay_lost: false,
            link_lost: false,
            undelivered: Vec::new(),
            breaks: 0,
            written: 0,
            recorded: BTreeMap::new(),
            tally: Tally::default(),
            story,
        };
        world.fate(hostile);
        world
    }
    fn at(&mut self, in_ms: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now_ms + in_ms, self.queued), event);
    }

    /// One event after the other, timers in between, until nothing is left.
    fn live(&mut self) -> Result<(), Broken> {
        loop {
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            let agent = self.agent.as_ref().and_then(Agent::deadline).map(|at| at.max(self.agent_free_ms));
            let console = self.console.as_ref().and_then(Console::deadline);
            let Some(at) = [next, agent, console].into_iter().flatten().min() else {
                return self.ended();
            };
            self.wall_ms += (at.max(self.now_ms) - self.now_ms) as i64;
            self.now_ms = at.max(self.now_ms);
            self.turns += 1;
            if self.turns > TURNS_MAX {
                return Err("the session doesn't end".to_owned());
            }
            if agent == Some(at) {
                self.tell_agent(Input::Tick)?;
            } else if console == Some(at) {
                self.tell_console(console::Input::Tick);
            } else if let Some(((_, place), event)) = self.queue.pop_first() {
                self.happens(place, event)?;
            }
        }
    }

    fn happens(&mut self, place: u64, event: Event) -> Result<(), Broken> {
        let is_agents = !matches!(event, Event::Console(_) | Event::Crash | Event::GivenUp(_));
        if is_agents && self.now_ms < self.agent_free_ms {
            // It sleeps or writes: everything waits, in order.
            self.queue.insert((self.agent_free_ms, place), event);
            return Ok(());
        }
        match event {
            Event::Agent(Input::RelayLost) => {
                self.relay_lost = true;
                self.tell_agent(Input::RelayLost)
            }
            Event::Agent(Input::RelayFound) => {
                self.relay_lost = false;
                self.tell_agent(Input::RelayFound)
            }
            Event::Agent(Input::LinkLost) => {
                self.break_link();
                self.tell_agent(Input::LinkLost)
            }
            Event::Agent(Input::LinkFound) => self.heal_link(),
            Event::Agent(input) => self.tell_agent(input),
            Event::Console(input) => {
                self.tell_console(*input);
                Ok(())
            }
            Event::Receipt(batch) if self.relay_lost => {
                // Submitted again at the next contact; after the release that isn't this session's matter.
                if !self.watch.released && self.agent.is_some() {
                    self.queue.insert((self.now_ms + 500, place), Event::Receipt(batch));
                }
                Ok(())
            }
            Event::Receipt(batch) => self.tell_agent(Input::Receipted(batch)),
            Event::Hostile => {
                let input = self.hostile();
                self.tell_agent(input)
            }
            Event::Sleep(ms) => {
                let wake = self.now_ms + ms;
                self.agent_free_ms = wake;
                self.wall_ms += *self.random.pick(&[0, 0, -3_600_000, 86_400_000]);
                // Before everything else that waits.
                self.queue.insert((wake, 0), Event::Agent(Input::Slept { ms }));
                Ok(())
            }
            Event::Crash => self.crash(),
            Event::GivenUp(of) => {
                if self.link_lost && of == self.breaks {
                    self.undelivered.clear();
                    self.tell_console(console::Input::LinkLost);
                }
                Ok(())
            }
        }
    }

    fn tell_agent(&mut self, input: Input) -> Result<(), Broken> {
        let Some(agent) = self.agent.as_mut() else { return Ok(()) };
        self.tally.events += 1;
        let writes = if self.random.percent(95) { self.random.between(0, 4) } else { self.random.between(5, 3_000) };
        let times = (self.now_ms, self.now_ms + writes);
        let wall = Wall::from_ms(self.wall_ms);
        let outputs = watch::step(agent, &mut self.watch, self.catalog, times, wall, input.clone())
            .map_err(|broken| format!("{broken}\n  at {} ms after {input:?}", self.now_ms))?;
        self.agent_free_ms = self.agent_free_ms.max(times.1);
        if let Some(story) = &mut self.story {
            story.push(format!("{:>9} agent <- {input:?}", self.now_ms));
            story.extend(outputs.iter().map(|seen| format!("{:>9} agent -> {seen:?}", times.1)));
        }
        for seen in outputs {
            self.obey(seen);
        }
        Ok(())
    }

    fn obey(&mut self, seen: Seen) {
        match seen {
            Seen::Record { batch, entries } => self.record(batch, entries),
            Seen::Ask(card) => self.ask(&card),
            Seen::Perform { run, item, .. } => {
                self.tally.performed += 1;
                let outcome = if self.random.percent(85) {
                    let redacted = self.random.percent(40);
                    if item.0 == DIARY { items::private(run, redacted) } else { items::reported(redacted) }
                } else {
                    Finished::Failed(Foreign::new("broken"))
                };
                if self.random.percent(90) {
                    let took = *self.random.pick(&[1, 40, 900, 8_000, 11_999, 12_000, 13_000]);
                    if self.random.percent(10) {
                        // A worker that reports twice.
                        let again = took + self.random.between(1, 500);
                        self.at(again, Event::Agent(Input::Finished { run, outcome: outcome.clone() }));
                    }
                    self.at(took, Event::Agent(Input::Finished { run, outcome }));
                }
            }
            Seen::Send(entry) => {
                self.tally.results += u64::from(self.recorded.get(&entry).is_some_and(|(kind, _)| is_result(kind)));
                self.send(entry, true);
            }
            Seen::SendBare(entry) => self.send(entry, false),
            Seen::Cut => {
                let cuts = |event: &Event| match event {
                    Event::Console(input) => matches!(&**input, console::Input::Event { kind, .. } if is_result(kind)),
                    Event::Agent(_)
                    | Event::Receipt(_)
                    | Event::Hostile
                    | Event::Sleep(_)
                    | Event::Crash
                    | Event::GivenUp(_) => false,
                };
                self.queue.retain(|_, event| !cuts(event));
                self.undelivered.retain(|event| !cuts(event));
            }
            Seen::CloseRecorded => {
                let delay = self.delay();
                self.to_console_ms = self.to_console_ms.max(self.now_ms + delay);
                let at = self.to_console_ms - self.now_ms;
                self.at(at, Event::Console(Box::new(console::Input::CloseRecorded)));
            }
            Seen::Closed(close) => {
                let name = format!("{close:?}");
                let name = name.split(' ').next().unwrap_or_default().to_owned();
                *self.tally.ends.entry(name).or_default() += 1;
            }
            Seen::Released => {
                let after = self.random.between(100, 2_000);
                self.at(after + 3_000, Event::Console(Box::new(console::Input::LinkLost)));
            }
            Seen::Withdraw(_) | Seen::Tell(_) | Seen::Kill(_) => {}
        }
    }

    /// The disk is quick and in order; the ledger is in order, and quick when it likes.
    fn record(&mut self, batch: BatchId, entries: Vec<Entry>) {
        let mut next = self.recorded.keys().filter(|entry| entry.author == Strand::Agent).count() as u64;
        for entry in entries {
            if let Entry::Own { kind, body } = entry {
                self.recorded.insert(EntryRef { author: Strand::Agent, seq: next }, (kind, body));
                next += 1;
            }
        }
        let write_ms = self.random.between(1, 20);
        self.disk_ms = self.disk_ms.max(self.now_ms + write_ms);
        self.at(self.disk_ms - self.now_ms, Event::Agent(Input::Journalled(batch)));
        let (usual_ms, stalls) = self.ledger;
        let mut delay = self.random.between(2, usual_ms);
        if self.random.percent(stalls) {
            delay += self.random.between(5_000, 60_000);
        }
        if self.random.percent(stalls) {
            let refused = (self.disk_ms - self.now_ms) + self.random.between(1, usual_ms);
            self.at(refused, Event::Agent(Input::NotRecorded(batch)));
            delay += refused + 2_000;
        }
        self.ledger_ms = self.ledger_ms.max(self.disk_ms + delay);
        self.at(self.ledger_ms - self.now_ms, Event::Receipt(batch));
    }

    /// What the person does with a card.
    fn ask(&mut self, card: &Card) {
        let id = card.id;
        // What is ticked stands on it: an answer to the card as it was before says something else.
        let shown =
            format!("The question about {}", card.ticked().map(|allowed| allowed.item.0.as_str()).collect::<String>());
        self.at(1, Event::Agent(Input::Shown { card: id, text: shown.clone(), language: Language::Es }));
        let minutes = *self.random.pick(&[Some(1), Some(1), Some(5), Some(30), None, Some(0), Some(481)]);
        let minutes = if self.random.percent(90) { minutes.filter(|m| (1..=480).contains(m)) } else { minutes };
        let after = *self.random.pick(&[300, 2_000, 2_000, 9_000, 30_000, 119_999, 120_000]);
        let after = if self.calm { after % 9_000 } else { after };
        if card.has_boxes() && self.random.percent(60) {
            // The card comes back as it stands then, and is answered then.
            let ticked =
                card.items.iter().map(|allowed| allowed.item.clone()).filter(|_| self.random.percent(75)).collect();
            self.at(after / 2, Event::Agent(Input::Ticked { card: id, ticked }));
        }
        if matches!(card.question, Question::Preview { .. }) {
            self.tally.looks += 1;
            if !self.calm && self.random.percent(5) {
                self.at(after / 2, Event::Agent(Input::Stop));
            }
        }
        let choice = match self.random.between(0, if self.calm { 79 } else { 99 }) {
            0..=74 => Choice::Allow { minutes },
            75..=89 => Choice::Deny,
            _ => return,
        };
        if self.random.percent(10) {
            // Pressed twice.
            let choice = Choice::Allow { minutes: None };
            self.at(after + 1, Event::Agent(Input::Answered { card: id, choice, shown: shown.clone() }));
        }
        self.at(after, Event::Agent(Input::Answered { card: id, choice, shown }));
    }

    /// One way through the network: lost packets cost a retransmission.
    fn delay(&mut self) -> u64 {
        let lost = if self.random.percent(4) { self.random.between(200, 1_200) } else { 0 };
        self.random.between(1, self.network_ms) + lost
    }

    fn send(&mut self, entry: EntryRef, words: bool) {
        let Some((kind, body)) = self.recorded.get(&entry).cloned() else { return };
        if self.console.is_none() {
            return;
        }
        let body = if words { body } else { Body::None };
        if self.link_lost {
            let event = console::Input::Event { entry, kind, body };
            return self.undelivered.push(Event::Console(Box::new(event)));
        }
        let delay = self.delay();
        let at = if is_result(&kind) && words {
            self.now_ms + delay
        } else {
            self.to_console_ms = self.to_console_ms.max(self.now_ms + delay);
            self.to_console_ms
        };
        self.at(at - self.now_ms, Event::Console(Box::new(console::Input::Event { entry, kind, body })));
    }

    fn tell_console(&mut self, input: console::Input) {
        let Some(console) = self.console.as_mut() else { return };
        self.tally.events += 1;
        if let Some(story) = &mut self.story {
            story.push(format!("{:>9} console <- {input:?}", self.now_ms));
        }
        console.handle(Now { boot_ms: self.now_ms, wall: Wall::from_ms(0) }, input);
        while let Some(output) = self.console.as_mut().and_then(Console::poll_output) {
            if let Some(story) = &mut self.story {
                story.push(format!("{:>9} console -> {output:?}", self.now_ms));
            }
            match output {
                console::Output::Write(write) => self.write(write),
                console::Output::Leave => self.post(Input::Left),
                console::Output::Collect => self.collected = true,
                console::Output::Tell(_) => {}
            }
        }
    }

    fn write(&mut self, write: Write) {
        let seq = self.written;
        self.written += 1;
        self.post(match write {
            Write::Ask(request) => Input::Ask { seq, request },
            Write::Run(request) => Input::Run { seq, request },
            Write::Chat(said) => Input::Said { seq, text: said.text, chat: true },
            Write::Note(said) => Input::Said { seq, text: said.text, chat: false },
            Write::Signoff(_) => Input::SignedOff { seq },
        });
    }

    fn post(&mut self, input: Input) {
        if self.link_lost {
            return self.undelivered.push(Event::Agent(input));
        }
        let delay = self.delay();
        self.to_agent_ms = self.to_agent_ms.max(self.now_ms + delay);
        self.at(self.to_agent_ms - self.now_ms, Event::Agent(input));
    }

    /// Whatever is under way doesn't arrive. The console looks for the agent as long as the agent would let it in.
    fn break_link(&mut self) {
        if !self.link_lost {
            self.link_lost = true;
            let from_peer = |event: &Event| match event {
                Event::Console(input) => {
                    matches!(&**input, console::Input::Event { .. } | console::Input::CloseRecorded)
                }
                Event::Agent(input) => matches!(
                    input,
                    Input::Ask { .. } | Input::Run { .. } | Input::Said { .. } | Input::SignedOff { .. } | Input::Left
                ),
                Event::Receipt(_) | Event::Hostile | Event::Sleep(_) | Event::Crash | Event::GivenUp(_) => false,
            };
            let under_way = self.queue.extract_if(.., |_, event| from_peer(event)).map(|(_, event)| event);
            self.undelivered.extend(under_way);
            let notices = self.random.between(1_000, 10_000) + LOST_MS;
            self.breaks += 1;
            self.at(notices, Event::GivenUp(self.breaks));
        }
    }

    /// The console proved itself on a new connection: what didn't arrive is sent again, in order, both ways.
    fn heal_link(&mut self) -> Result<(), Broken> {
        let lets_in = self.agent.as_ref().is_some_and(|agent| agent.phase() != Phase::Closed);
        let looks = self.console.as_ref().is_some_and(|console| !console.is_over());
        if !self.link_lost || !lets_in || !looks {
            return Ok(());
        }
        self.link_lost = false;
        for event in std::mem::take(&mut self.undelivered) {
            match event {
                Event::Agent(input) => self.post(input),
                Event::Console(input) => {
                    let delay = self.delay();
                    self.to_console_ms = self.to_console_ms.max(self.now_ms + delay);
                    self.at(self.to_console_ms - self.now_ms, Event::Console(input));
                }
                Event::Receipt(_) | Event::Hostile | Event::Sleep(_) | Event::Crash | Event::GivenUp(_) => {}
            }
        }
        self.tell_agent(Input::LinkFound)
    }

    /// The agent's process is gone. At its next start the record must become whole.
    fn crash(&mut self) -> Result<(), Broken> {
        if self.agent.take().is_none() || self.watch.released {
            return Ok(());
        }
        self.break_link();
        let on_disk = |entry: &&EntryRef| self.watch.is_journalled(**entry);
        let mut entries: Vec<EntryRef> = self.watch.record.keys().filter(on_disk).copied().collect();
        entries.sort_by_key(|entry| (self.watch.record[entry].1, entry.author == Strand::Agent, entry.seq));
        let kind = |entry: &EntryRef| {
            let kind = self.watch.kind(*entry).cloned();
            kind.unwrap_or(if self.watch.wanted.contains_key(entry) { Kind::Request } else { Kind::Note })
        };
        let events: Vec<_> = entries.iter().map(|entry| (*entry, kind(entry))).collect();
        let Some(last) = recovery::after_crash(&events, |admit| self.watch.is_receipted(admit)) else {
            let whole = events.is_empty() || events.iter().any(|(_, kind)| kind.name() == KindName::Close);
            return if whole { Ok(()) } else { Err("5: a crash left the session open".to_owned()) };
        };
        *self.tally.ends.entry("Crash".to_owned()).or_default() += 1;
        let mut kinds: Vec<_> = events.iter().map(|(_, kind)| kind.clone()).collect();
        for entry in last {
            match entry {
                Entry::Own { kind, .. } => kinds.push(kind),
                Entry::Theirs(theirs) => return Err(format!("5: {theirs:?} after a crash")),
            }
        }
        let closes = kinds.iter().filter(|kind| kind.name() == KindName::Close).count();
        if closes != 1 || kinds.last().map(Kind::name) != Some(KindName::Close) {
            return Err(format!("5: {closes} closes after a crash"));
        }
        let requests: Vec<_> = entries.iter().filter(|entry| self.watch.wanted.contains_key(entry)).copied().collect();
        invariants::every_request_ended(kinds.iter(), &requests)
    }

    /// Both sides are at rest, and an honest technician was never taken for another.
    fn ended(&self) -> Result<(), Broken> {
        if self.agent.is_some() && !self.watch.released {
            return Err("9: the agent never came to rest".to_owned());
        }
        if let Some(console) = &self.console
            && (!console.is_over() || !self.collected || console.deadline().is_some())
        {
            return Err("9: the console never came to rest".to_owned());
        }
        let misbehaved = self.tally.ends.contains_key("PeerMisbehaved");
        if misbehaved && !self.hostile {
            return Err("6: an honest technician was taken for a misbehaving one".to_owned());
        }
        Ok(())
    }
}

fn is_result(kind: &Kind<EntryRef>) -> bool {
    kind.name() == KindName::Result
}
