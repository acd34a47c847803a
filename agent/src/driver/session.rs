//! One session: the loop between the technician, the person, the workers, the ledger and the machine that decides.
//!
//! One `select!` over everything that can happen, then everything the machine orders, in order. Nothing here decides
//! anything: an input is translated, an output is carried out. Five sides of it have a file each: what the peers say
//! (`heard`), what the person answers and is told (`told`), what is performed (`performing`, and `measuring` for it),
//! what is recorded (`recorded`), and how a lost connection comes back (`reunion`).

mod heard;
mod measuring;
mod performing;
mod recorded;
mod reunion;
mod tasks;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use venia_proto::catalog::{Catalog, Item};
use venia_proto::consent::{Card, EntryRef, RunId};
use venia_proto::foreign::Foreign;
use venia_proto::id::{FlowId, SessionId, Strand};
use venia_proto::key::{PublicKey, VerifierKey};
use venia_proto::ledger::body::{ItemId, Signoff};
use venia_proto::ledger::gossip;
use venia_proto::ledger::pin::Evidence;
use venia_proto::message::{ToAgent, ToConsole};
use venia_proto::now::{Now, Wall};
use venia_proto::pairing::SessionSecret;
use venia_proto::policy::Policies;
use venia_proto::report::Draft;
use venia_proto::session::agent::{Agent, Arrival, Finished, Input, Output, Phase};
use venia_proto::session::close::Close;
use venia_relay::client::control::{Control, Hearing};
use venia_relay::client::gossip::Talk;
use venia_relay::client::link::Link;
use venia_ui::words::Words;
use zeroize::Zeroize;

use crate::helper::Door;
use crate::journal::Record;
use crate::person::feed::News;
use crate::person::{Line, QuestionId};
use crate::redact::{Late, collect};
use crate::worker::{Fault, House, KilledBy, Outcome};

use self::heard::left;
use self::reunion::{Linked, Returned};
use self::tasks::write_frames;
use super::clock;
use super::pairing::Peer;
use super::questions::Questions;
use super::recorder::{Done, Recorder};
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
    /// What workers are, what holds them in and what they are kept out of.
    pub house: &'a House,
    /// How the root program is started.
    pub door: &'a Door,
    /// The person's language, as the session begins.
    pub words: &'a Words,
    /// The person.
    pub person: &'a mut Line,
    /// Which session it is.
    pub session: SessionId,
    /// The socket: the technician's program may come back through it.
    pub link: &'a Link,
    /// The connection to the relay, and what comes over it unasked.
    pub control: &'a Arc<Control>,
    /// See `control`.
    pub hearing: &'a mut Hearing,
    /// Writes and checks events.
    pub scribe: &'a mut Scribe,
    /// Puts them on disk and into the log.
    pub recorder: &'a Recorder,
    /// What the recorder reports.
    pub done: &'a mut mpsc::UnboundedReceiver<Done>,
    /// Whether the owner of this PC lets nothing run before witnesses cosigned its admission.
    pub strict: bool,
    /// What the owner of this PC never allows.
    pub policies: Policies,
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
    /// The technician's last connection.
    pub connection: quinn::Connection,
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
    let (returning, returned) = mpsc::channel(1);
    let (holding, held) = mpsc::channel(1);
    let writer = tokio::spawn(write_frames(peer.sender, frames));
    // The technician's record names the auditors this one is sealed to, also if theirs were welcomed with others since.
    let _ = out.send(ToConsole::Statement { note: parts.control.welcome().statement_note.clone() });
    let words = parts.words.clone();
    let session = Session {
        machine: if parts.strict { Agent::strict(parts.house.fences) } else { Agent::new(parts.house.fences) }
            .under(parts.policies.clone()),
        name: arrival.name.clone(),
        ended: Ended {
            close: Close::Lost,
            accepted: false,
            signoff: None,
            allowed: 0,
            refused: 0,
            sent: 0,
            gone: false,
            connection: peer.connection.clone(),
        },
        parts,
        connection: peer.connection,
        flow: peer.flow,
        member: peer.member.key.key,
        technician: peer.strand,
        secret: Arc::new(peer.secret),
        sent: BTreeMap::new(),
        awaits_return: false,
        returning,
        held: holding,
        writer,
        out,
        results,
        redactor: Late::broken(),
        workers: BTreeMap::new(),
        sending: Vec::new(),
        proofs: BTreeMap::new(),
        failed: BTreeSet::new(),
        questions,
        card: None,
        shown: String::new(),
        boxes: Vec::new(),
        words,
        beside,
        slept_ms: clock::slept_ms(),
        began: clock::now(),
        now: clock::now(),
        over: false,
    };
    let coming = Coming { worker_results, returned, held };
    let (ended, writer) = session.run(peer.receiver, coming, arrival).await;
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
    flow: FlowId,
    /// Whose key may come back, with which secret. (SECURITY A6)
    member: PublicKey,
    technician: Strand,
    secret: Arc<SessionSecret>,
    /// What was sent of our strand, with its words or without, by number: what doesn't arrive is sent again.
    sent: BTreeMap<u64, bool>,
    /// Whether the technician's program is waited for.
    awaits_return: bool,
    returning: mpsc::Sender<Option<Returned>>,
    held: mpsc::Sender<()>,
    writer: JoinHandle<()>,
    out: mpsc::UnboundedSender<ToConsole>,
    results: mpsc::UnboundedSender<(RunId, Outcome)>,
    /// Takes out what must not leave; wiped with the session. Without one no report leaves. (SECURITY H1)
    redactor: Late,
    workers: BTreeMap<RunId, Running>,
    /// Streams that carry outcomes.
    sending: Vec<AbortHandle>,
    /// Newest receipts of our events: each goes out beside its event, again too.
    proofs: BTreeMap<EntryRef, Vec<u8>>,
    /// Items whose last run failed: what is sent of them is that they failed.
    failed: BTreeSet<ItemId>,
    questions: Questions,
    /// The card before the person, what it says, and its boxes by number.
    card: Option<Card>,
    shown: String,
    boxes: Vec<(ItemId, bool)>,
    /// The person's language, at this moment.
    words: Words,
    /// Kept with the first batch.
    beside: Vec<Record>,
    slept_ms: u64,
    began: Now,
    /// The moment of the input at hand.
    now: Now,
    over: bool,
}

/// What tasks beside the loop report to it.
struct Coming {
    worker_results: mpsc::UnboundedReceiver<(RunId, Outcome)>,
    returned: mpsc::Receiver<Option<Returned>>,
    held: mpsc::Receiver<()>,
}

/// A worker whose end is awaited by a task of its own.
struct Running {
    item: ItemId,
    stop: mpsc::UnboundedSender<()>,
}

impl Session<'_, '_> {
    async fn run(
        mut self,
        frames: venia_relay::client::frames::Receiver<ToAgent>,
        mut coming: Coming,
        arrival: Arrival,
    ) -> (Ended, JoinHandle<()>) {
        self.handle(Input::Arrived(Box::new(arrival)));
        // While the disk has the first events; nothing runs before the person saw who is there.
        self.redactor = redactor();
        if !*self.parts.person.seen.borrow() {
            self.handle(Input::EyesLost);
        }
        self.gossip(gossip::Input::Tick);
        let mut linked = Linked::new(self.connection.clone(), frames);
        let (mut hears_relay, mut hears_person) = (true, true);
        while !self.over {
            let wait = self.wait();
            let input = tokio::select! {
                // STOP first: nothing a peer sends may hold it up.
                biased;
                event = self.parts.person.events.recv(), if hears_person => match event {
                    Some(event) => self.person(event),
                    None => { hears_person = false; self.ended.gone = true; Some(Input::PersonGone) }
                },
                Some((run, outcome)) = coming.worker_results.recv() => self.worker(run, outcome),
                Some(done) = self.parts.done.recv() => self.recorded(done),
                heard = self.parts.hearing.next(), if hears_relay => match heard {
                    Some(heard) => self.relay(heard),
                    None => { hears_relay = false; Some(Input::RelayLost) }
                },
                Some(()) = coming.held.recv() => Some(Input::RelayFound),
                reason = linked.connection.closed(), if linked.up => {
                    (linked.up, linked.hears) = (false, false);
                    Some(if left(&reason) { Input::Left } else { self.let_in(); Input::LinkLost })
                },
                arriving = self.parts.link.accept(), if self.awaits_return => { self.came(arriving); None },
                Some(returned) = coming.returned.recv() => self.returned(returned, &mut linked),
                Some(asked) = linked.seals.recv() => self.seal(asked),
                frame = linked.frames.next(), if linked.hears => {
                    linked.hears = matches!(frame, Ok(Some(_)));
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
        self.ended.connection = self.connection;
        (self.ended, self.writer)
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
            Output::Ask(card) => return Some(self.ask(card)),
            Output::Withdraw(card) => {
                self.card.take_if(|open| open.id == card);
                self.parts.person.tell.withdraw(QuestionId(u64::from(card.0)));
            }
            Output::Tell(tell) => self.tell(tell),
            Output::Perform(permit) => return self.perform(permit),
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

    fn worker(&mut self, run: RunId, outcome: Outcome) -> Option<Input> {
        // A worker that isn't listed was killed: what it still says counts for nothing.
        let Running { item, .. } = self.workers.remove(&run)?;
        let outcome = match outcome {
            Outcome::Done(draft) => match self.parts.catalog.get(&item) {
                Some(definition) => self.redacted(definition, draft),
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
            self.feed(News::Failed(self.title(&item)));
            self.failed.insert(item);
        }
        Some(Input::Finished { run, outcome })
    }

    /// A report as its definition tells it, without what must not leave.
    fn redacted(&mut self, definition: &Item, draft: Draft) -> Finished {
        let Some(redactor) = self.redactor.redactor() else {
            return Finished::Failed(Foreign::new("nothing could be taken out of the result, so it stays here"));
        };
        let (report, counts) = redactor.report(definition, definition.tell(draft));
        Finished::Reported { report, redaction: counts.redaction() }
    }
}

/// Of this PC, with pseudonyms in an order of this session's own.
fn redactor() -> Late {
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        tracing::error!(%error, "nothing can be redacted");
        return Late::broken();
    }
    let redactor = Late::new(collect::known(), &seed);
    seed.zeroize();
    redactor
}
