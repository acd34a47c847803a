//! One session: the loop between the technician, the person, the workers, the ledger and the machine that decides.
//!
//! One `select!` over everything that can happen, then everything the machine orders, in order. Nothing here decides
//! anything: an input is translated, an output is carried out.

mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use quinn::VarInt;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use venia_proto::catalog::Catalog;
use venia_proto::consent::{CardId, Choice, EntryRef, RunId};
use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body::{Body, ItemId, Signoff};
use venia_proto::ledger::gossip;
use venia_proto::ledger::kind::{Cause, Kind, Why};
use venia_proto::ledger::pin::Evidence;
use venia_proto::message::{Signed, ToAgent, ToConsole};
use venia_proto::now::{Now, Wall};
use venia_proto::rendezvous::{FlowEnd, Push};
use venia_proto::report::Text;
use venia_proto::session::agent::{Agent, Arrival, Entry, Finished, Input, Output, Phase, Tell};
use venia_proto::session::close::Close;
use venia_proto::session::gate::BatchId;
use venia_relay::client::code::LEFT;
use venia_relay::client::control::Control;
use venia_relay::client::frames::FrameError;
use venia_relay::client::gossip::{Said, Talk};
use venia_ui::words::Words;

use crate::journal::{Mark, Record};
use crate::person::feed::{News, news};
use crate::person::{self, Answer, Line, Question, QuestionId};
use crate::worker::{Fault, KilledBy, Outcome, Program, Worker};

use self::tasks::{AbortOnDrop, send_outcome, watch, write_frames};
use super::clock;
use super::pairing::Peer;
use super::questions::Questions;
use super::recorder::{Batch, Done, Recorder};
use super::scribe::Scribe;
use super::sealing;

/// The boot clock is looked at this often: a sleep that stops tokio's timers is noticed within this time.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The two clocks are read one after the other; a smaller difference is no sleep.
const SLEEP_SEEN_MS: u64 = 100;
/// How long the last frames may take to be delivered.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a session needs from the rest of the agent.
pub struct Parts<'a, 'c> {
    /// What can run.
    pub catalog: &'a Catalog,
    /// The program a worker re-executes.
    pub program: &'a Program,
    /// The person's language.
    pub words: &'a Words,
    /// The person.
    pub person: &'a mut Line,
    /// The connection to the relay, and what it says unasked.
    pub control: &'a Control,
    /// See `control`.
    pub pushes: &'a mut mpsc::Receiver<Push>,
    /// Writes and checks events.
    pub scribe: &'a mut Scribe,
    /// Puts them on disk and into the log.
    pub recorder: &'a Recorder,
    /// What the recorder reports.
    pub done: &'a mut mpsc::UnboundedReceiver<Done>,
    /// Whether the owner of this PC lets nothing run before witnesses cosigned its admission.
    pub strict: bool,
    /// Keeps evidence against a log; where it is.
    pub keep: &'a dyn Fn(&VerifierKey, &Evidence) -> Option<PathBuf>,
    /// Checkpoints swapped with the technician.
    pub talk: &'a mut Talk<'c>,
}

/// What came of a session.
#[derive(Debug)]
pub struct Ended {
    /// Why it ended.
    pub close: Close,
    /// Whether the person had accepted the technician.
    pub accepted: bool,
    /// The technician's last word.
    pub signoff: Option<Signoff>,
    /// Cards allowed.
    pub allowed: usize,
    /// Cards and requests refused.
    pub refused: usize,
    /// Reports sent.
    pub sent: usize,
    /// Whether the person's terminal is gone: nobody can be asked anything any more.
    pub gone: bool,
}

/// Runs a session until nothing is left to wait for.
pub async fn run(
    parts: Parts<'_, '_>,
    peer: Peer,
    arrival: Arrival,
    questions: Questions,
    beside: Vec<Record>,
) -> Ended {
    let (out, frames) = mpsc::unbounded_channel();
    let (results, worker_results) = mpsc::unbounded_channel();
    let writer = tokio::spawn(write_frames(peer.sender, frames));
    // The technician's record names the auditors this one is sealed to, also if theirs were welcomed with others since.
    let _ = out.send(ToConsole::Statement { note: parts.control.welcome().statement_note.clone() });
    let session = Session {
        machine: if parts.strict { Agent::strict() } else { Agent::new() },
        name: arrival.name.clone(),
        ended: Ended {
            close: Close::Lost,
            accepted: false,
            signoff: None,
            allowed: 0,
            refused: 0,
            sent: 0,
            gone: false,
        },
        parts,
        connection: peer.connection,
        out,
        results,
        workers: BTreeMap::new(),
        sending: Vec::new(),
        proofs: BTreeMap::new(),
        failed: BTreeSet::new(),
        questions,
        beside,
        slept_ms: clock::slept_ms(),
        began: clock::now(),
        now: clock::now(),
        over: false,
    };
    let ended = session.run(peer.receiver, worker_results, arrival).await;
    // What was ordered to be sent is delivered before the connection ends; a peer that doesn't take it isn't waited for.
    let _ = tokio::time::timeout(FAREWELL, writer).await;
    ended
}

struct Session<'a, 'c> {
    machine: Agent,
    name: Foreign,
    ended: Ended,
    parts: Parts<'a, 'c>,
    connection: quinn::Connection,
    out: mpsc::UnboundedSender<ToConsole>,
    results: mpsc::UnboundedSender<(RunId, Outcome)>,
    workers: BTreeMap<RunId, Running>,
    /// Streams that carry outcomes.
    sending: Vec<AbortHandle>,
    /// Proofs of events that aren't sent yet.
    proofs: BTreeMap<EntryRef, Vec<u8>>,
    /// Items whose last run failed: what is sent of them is that they failed.
    failed: BTreeSet<ItemId>,
    questions: Questions,
    /// Kept with the first batch.
    beside: Vec<Record>,
    slept_ms: u64,
    began: Now,
    /// The moment of the input at hand.
    now: Now,
    over: bool,
}

/// A worker whose end is awaited by a task of its own.
struct Running {
    item: ItemId,
    stop: mpsc::UnboundedSender<()>,
}

impl Session<'_, '_> {
    async fn run(
        mut self,
        mut frames: venia_relay::client::frames::Receiver<ToAgent>,
        mut worker_results: mpsc::UnboundedReceiver<(RunId, Outcome)>,
        arrival: Arrival,
    ) -> Ended {
        self.handle(Input::Arrived(Box::new(arrival)));
        self.gossip(gossip::Input::Tick);
        let connection = self.connection.clone();
        let (ask, mut seals) = mpsc::channel(1);
        let _sealing = AbortOnDrop(tokio::spawn(sealing::listen(connection.clone(), ask)).abort_handle());
        let (mut hears_frames, mut hears_relay, mut hears_person, mut linked) = (true, true, true, true);
        while !self.over {
            let wait = self.wait();
            let input = tokio::select! {
                // STOP first: nothing a peer sends may hold it up.
                biased;
                event = self.parts.person.events.recv(), if hears_person => match event {
                    Some(event) => self.person(event),
                    None => { hears_person = false; self.ended.gone = true; Some(Input::EyesLost) }
                },
                Some((run, outcome)) = worker_results.recv() => self.worker(run, outcome),
                Some(done) = self.parts.done.recv() => self.recorded(done),
                push = self.parts.pushes.recv(), if hears_relay => match push {
                    Some(push) => relay_says(push),
                    None => { hears_relay = false; Some(Input::RelayLost) }
                },
                reason = connection.closed(), if linked => {
                    linked = false;
                    Some(if left(&reason) { Input::Left } else { Input::LinkLost })
                },
                Some(asked) = seals.recv() => self.seal(asked),
                frame = frames.next(), if hears_frames => {
                    hears_frames = matches!(frame, Ok(Some(_)));
                    self.frame(frame)
                },
                answer = self.parts.talk.answered() => self.gossip(answer),
                () = tokio::time::sleep(wait) => {
                    if let Some(doubt) = self.gossip(gossip::Input::Tick) {
                        self.handle(doubt);
                    }
                    Some(Input::Tick)
                }
            };
            if let Some(input) = input {
                self.handle(input);
            }
        }
        self.ended
    }

    /// Until the next deadline, or the next look at the clock.
    fn wait(&self) -> Duration {
        let next = self.machine.deadline().into_iter().chain(self.parts.talk.deadline()).min();
        let left = next.map(|at| at.saturating_sub(clock::now().boot_ms));
        left.map_or(HEARTBEAT, |ms| Duration::from_millis(ms).min(HEARTBEAT))
    }

    /// The time events claim: the wall clock of the session's beginning, counted on by the boot clock. A wall clock that
    /// is set right in the middle of a session would otherwise make honest runs look expired.
    fn time(&self) -> Wall {
        let since = self.now.boot_ms.saturating_sub(self.began.boot_ms);
        self.began.wall.plus_ms(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// One input, then everything it orders. Cards report their text back, which orders nothing.
    fn handle(&mut self, input: Input) {
        // One moment for what is decided and for the time its events claim: a run allowed in the last millisecond of a
        // grant must not be recorded as one after it.
        self.now = clock::now();
        let mut inputs = vec![input];
        // A sleep is reported before whatever woke us: the deadlines it skipped must not fire first (D1).
        let slept_ms = clock::slept_ms();
        let ms = slept_ms.saturating_sub(self.slept_ms);
        if ms >= SLEEP_SEEN_MS {
            self.slept_ms = slept_ms;
            inputs.push(Input::Slept { ms });
        }
        while let Some(input) = inputs.pop() {
            self.machine.handle(self.parts.catalog, self.now, input);
            self.ended.accepted |= self.machine.phase() == Phase::Open;
            while let Some(output) = self.machine.poll_output(self.now) {
                inputs.extend(self.carry_out(output));
            }
        }
    }

    fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Record { batch, entries } => return self.record(batch, entries),
            Output::Ask(card) => {
                let (text, kind) = self.questions.show(&card, self.parts.catalog, self.parts.words);
                let id = QuestionId(u64::from(card.id.0));
                self.parts.person.tell.ask(Question { id, text: text.clone(), kind });
                return Some(Input::Shown { card: card.id, text });
            }
            Output::Withdraw(card) => self.parts.person.tell.withdraw(QuestionId(u64::from(card.0))),
            Output::Tell(tell) => self.tell(tell),
            Output::Perform(permit) => {
                let (run, item) = (permit.run(), permit.item().clone());
                match Worker::start(self.parts.program, self.parts.catalog, permit) {
                    Ok(worker) => {
                        let (stop, stopped) = mpsc::unbounded_channel();
                        tokio::spawn(watch(run, worker, stopped, self.results.clone()));
                        self.workers.insert(run, Running { item, stop });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a worker could not be started");
                        let detail = Foreign::new(error.to_string());
                        return Some(Input::Finished { run, outcome: Finished::Failed(detail) });
                    }
                }
            }
            Output::Kill(run) => {
                if let Some(running) = self.workers.remove(&run) {
                    // A worker that has just ended has nobody to hear this.
                    let _ = running.stop.send(());
                }
            }
            Output::Send(entry) => self.send(entry, true),
            Output::SendBare(entry) => self.send(entry, false),
            Output::Cut => self.sending.drain(..).for_each(|task| task.abort()),
            Output::SendCloseRecorded => {
                // In front of it, so that it is compared while somebody still listens. Nothing waits for the answer.
                self.gossip(gossip::Input::Ending);
                let _ = self.out.send(ToConsole::CloseRecorded);
            }
            Output::Closed(close) => {
                if close == Close::Stopped {
                    self.feed(News::Stopped);
                }
                self.ended.close = close;
            }
            Output::Released => self.over = true,
        }
        None
    }

    fn record(&mut self, batch: BatchId, entries: Vec<Entry>) -> Option<Input> {
        let closing = entries.iter().any(|entry| matches!(entry, Entry::Own { kind: Kind::Close { .. }, .. }));
        let vital = |entry: &Entry| match entry {
            Entry::Own { kind, .. } => matches!(
                kind,
                Kind::Result { .. } | Kind::Refuse { .. } | Kind::Stop { .. } | Kind::Close { .. } | Kind::Pause { .. }
            ),
            Entry::Theirs(_) => closing,
        };
        let last_words = entries.iter().all(vital);
        match self.parts.scribe.write(entries, self.time()) {
            Ok(events) => {
                let mut beside = std::mem::take(&mut self.beside);
                if closing {
                    beside.push(Record::Mark(Mark::Closed));
                }
                self.parts.recorder.record(Batch { id: batch, events, beside, last_words });
                None
            }
            Err(error) => {
                tracing::error!(%error, "an event could not be written");
                Some(Input::JournalFailed)
            }
        }
    }

    /// Sends an event: results with their words on a stream of their own, which STOP can cut.
    fn send(&mut self, entry: EntryRef, words: bool) {
        let Some(signed) = self.parts.scribe.signed(entry, words) else { return };
        let proof = self.proofs.remove(&entry);
        let result = matches!(self.parts.scribe.kind(entry), Some(Kind::Result { .. }));
        let message = ToConsole::Event { signed, proof };
        if result && words {
            self.sending.retain(|task| !task.is_finished());
            self.sending.push(tokio::spawn(send_outcome(self.connection.clone(), message)).abort_handle());
        } else {
            let _ = self.out.send(message);
        }
    }

    fn frame(&mut self, frame: Result<Option<ToAgent>, FrameError>) -> Option<Input> {
        let nonsense = |expected, got: &str| Some(Input::Nonsense { expected, got: got.to_owned() });
        match frame {
            Ok(Some(ToAgent::Ask(signed))) => self.request(&signed, |seq, request| Input::Ask { seq, request }),
            Ok(Some(ToAgent::Run(signed))) => self.request(&signed, |seq, request| Input::Run { seq, request }),
            Ok(Some(ToAgent::Chat(signed))) => self.said(&signed, true),
            Ok(Some(ToAgent::Note(signed))) => self.said(&signed, false),
            Ok(Some(ToAgent::Signoff(signed))) => match self.parts.scribe.receive(&signed) {
                Ok(received) => match (received.kind, received.body) {
                    (Kind::Signoff { .. }, Body::Signoff(signoff)) => {
                        self.ended.signoff = Some(signoff);
                        Some(Input::SignedOff { seq: received.entry.seq })
                    }
                    _ => nonsense("a signoff", "another event"),
                },
                Err(got) => nonsense("a valid event", &got),
            },
            Ok(Some(ToAgent::Checkpoint(note))) => self.gossip(gossip::Input::Theirs(note)),
            Ok(Some(ToAgent::PairStart { .. } | ToAgent::PairConfirm { .. } | ToAgent::Arrive { .. })) => {
                nonsense("a request, a line or a signoff", "a message of the arrival")
            }
            Err(FrameError::Malformed(error)) => nonsense("a message", &error.to_string()),
            Err(FrameError::Ended | FrameError::Stalled) => nonsense("a whole message", "half of one"),
            // An end in good order: nothing more comes, and somebody waits there for the record to be closed.
            Ok(None) => Some(Input::Left),
            // The connection tells by itself how it ended.
            Err(FrameError::TooLarge(_) | FrameError::Read(_) | FrameError::Write(_) | FrameError::Connection(_)) => {
                None
            }
        }
    }

    /// The technician's next words, sealed before they are signed.
    fn seal(&mut self, asked: sealing::Asked) -> Option<Input> {
        match self.parts.scribe.seal(&asked.openings) {
            Ok(sealed) => {
                // Who doesn't wait for it any more signs nothing either.
                let _ = asked.answer.send(sealed);
                None
            }
            Err(got) => Some(Input::Nonsense { expected: "words to be sealed", got }),
        }
    }

    fn request(
        &mut self,
        signed: &Signed,
        input: impl FnOnce(u64, venia_proto::ledger::body::Request) -> Input,
    ) -> Option<Input> {
        let expected = "a valid request";
        Some(match self.parts.scribe.receive(signed) {
            Ok(received) => match (received.kind, received.body) {
                (Kind::Request, Body::Request(request)) => input(received.entry.seq, request),
                _ => Input::Nonsense { expected, got: "another event".to_owned() },
            },
            Err(got) => Input::Nonsense { expected, got },
        })
    }

    fn said(&mut self, signed: &Signed, chat: bool) -> Option<Input> {
        let expected = "a valid line";
        Some(match self.parts.scribe.receive(signed) {
            Ok(received) => match (received.kind, received.body) {
                // What the record calls a chat line is one the person saw.
                (Kind::Chat, Body::Said(said)) if chat => {
                    Input::Said { seq: received.entry.seq, text: said.text, chat }
                }
                (Kind::Note, Body::Said(said)) if !chat => {
                    Input::Said { seq: received.entry.seq, text: said.text, chat }
                }
                _ => Input::Nonsense { expected, got: "another event".to_owned() },
            },
            Err(got) => Input::Nonsense { expected, got },
        })
    }

    fn person(&mut self, event: person::Event) -> Option<Input> {
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

    fn worker(&mut self, run: RunId, outcome: Outcome) -> Option<Input> {
        // A worker that isn't listed was killed: what it still says counts for nothing.
        let Running { item, .. } = self.workers.remove(&run)?;
        let outcome = match outcome {
            Outcome::Done(draft) => match self.parts.catalog.get(&item) {
                Some(definition) => Finished::Reported(definition.tell(draft)),
                None => Finished::Failed(Foreign::new("unknown item")),
            },
            Outcome::Failed(failure) => {
                // What a broken worker says is hostile and may hold anything: only the fault is told and recorded.
                if failure.fault == Fault::Unfenced {
                    tracing::error!("a worker could not be fenced in");
                }
                Finished::Failed(Foreign::new(failure.fault.to_string()))
            }
            Outcome::Killed(KilledBy::Deadline) => Finished::Failed(Foreign::new("the check took too long")),
            Outcome::Killed(KilledBy::Stop) => return None,
        };
        if let Finished::Failed(_) = &outcome {
            self.feed(News::Failed(&self.title(&item)));
            self.failed.insert(item);
        }
        Some(Input::Finished { run, outcome })
    }

    fn recorded(&mut self, done: Done) -> Option<Input> {
        match done {
            Done::Journalled(batch) => Some(Input::Journalled(batch)),
            Done::Receipted { batch, after, checkpoint, proofs } => {
                self.parts.scribe.receipted(after);
                if let Some(doubt) = self.gossip(gossip::Input::Own(checkpoint)) {
                    self.handle(doubt);
                }
                proofs.values().for_each(|proof| self.parts.scribe.proven(proof));
                self.proofs.extend(proofs.into_iter().filter(|(entry, _)| entry.author == Strand::Agent));
                Some(Input::Receipted(batch))
            }
            Done::Witnessed(batch) => Some(Input::Witnessed(batch)),
            Done::NotRecorded(batch) => Some(Input::NotRecorded(batch)),
            Done::JournalFailed => Some(Input::JournalFailed),
            Done::Evidence(evidence) => {
                let log = self.parts.control.welcome().relay.log.clone();
                Some(self.caught(&log, &evidence))
            }
        }
    }

    /// Something about checkpoints happened. Gives the session's end, if the log can't be trusted any more.
    fn gossip(&mut self, input: gossip::Input) -> Option<Input> {
        self.parts.talk.hear(clock::now().boot_ms, input);
        let mut doubt = None;
        while let Some(said) = self.parts.talk.poll() {
            match said {
                Said::Show(note) => drop(self.out.send(ToConsole::Checkpoint(note))),
                Said::Evidence { log, found } => doubt = Some(self.caught(&log, &found)),
                Said::Unproven => {
                    self.feed(News::LogUnproven);
                    doubt = Some(Input::LogDoubted);
                }
            }
        }
        doubt
    }

    /// A log caught lying records nothing that counts: the session ends.
    fn caught(&mut self, log: &VerifierKey, evidence: &Evidence) -> Input {
        tracing::warn!(fault = %evidence.fault, "the ledger contradicts itself");
        if let Some(file) = (self.parts.keep)(log, evidence) {
            self.feed(News::LogLied(&file));
        }
        Input::LogDoubted
    }

    fn tell(&mut self, tell: Tell) {
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

    fn feed(&self, item: News<'_>) {
        self.parts.person.tell.feed(news(item, self.parts.words));
    }

    /// An item's title; of one this agent doesn't have, its name.
    fn title(&self, id: &ItemId) -> Text {
        let named = || Text { en: id.0.clone(), es: id.0.clone() };
        self.parts.catalog.get(id).map_or_else(named, |item| item.title.clone())
    }
}

fn relay_says(push: Push) -> Option<Input> {
    match push {
        Push::FlowEnded { why: FlowEnd::Revoked, .. } => Some(Input::Revoked),
        // The end-to-end connection tells by itself; a second knock has no code to try.
        Push::FlowEnded { why: FlowEnd::Left | FlowEnd::Limit, .. } | Push::Knock { .. } | Push::Ping(_) => None,
        // This PC's copy is the person's own: only they delete it.
        Push::Erase { .. } => None,
    }
}

fn left(reason: &quinn::ConnectionError) -> bool {
    matches!(reason, quinn::ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(LEFT))
}
