//! A live session, on the technician's side: one `select!` over the connection, the relay, the keyboard and the clock,
//! then one `while let` over what the machine orders.
//!
//! The machine ([`venia_proto::session::console`]) follows what the agent decided; [`record`] verifies what came before
//! it gets there. Nothing runs again by itself: after a lost connection the session is over for this program.

pub(crate) mod collect;
mod ending;
mod heard;
pub(crate) mod pair;
mod plan;
pub(crate) mod record;
pub(crate) mod refresh;
mod reunion;
mod said;
mod seal;
mod told;
mod typed;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, VarInt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use venia_proto::id::{FlowId, SessionId};
use venia_proto::key::VerifierKey;
use venia_proto::ledger::body::Signoff;
use venia_proto::ledger::gossip;
use venia_proto::ledger::kind::Cause;
use venia_proto::ledger::pin::Evidence;
use venia_proto::message::{ToAgent, ToConsole};
use venia_proto::rendezvous::Call;
use venia_proto::session::console::{Console, Input, Output, Write};
use venia_proto::wire::Limit;
use venia_relay::client::code::LEFT;
use venia_relay::client::control::{Control, Hearing};
use venia_relay::client::frames::{Receiver, Sender};
use venia_relay::client::gauge;
use venia_relay::client::gossip::{Said, Talk};
use venia_relay::client::link::Link;

use crate::clock;
use crate::seen;
use crate::voice::{Told, Voice};
use pair::Paired;
pub(crate) use plan::Plan;
use plan::{Bundle, reports_of, run_of, waiting_first};
use record::Record;
use reunion::{Losses, Returning, Way};
pub(crate) use typed::Typed;
use typed::Typing;

/// The program ends at the latest 10 s after its own sign-off; the rest is for proofs and the bundle.
const CLOSE_WAIT: Duration = Duration::from_millis(8_500);
/// How long a frame of ours may wait for the agent to take it.
const SEND: Duration = Duration::from_secs(5);
/// After the relay said that the flow ended, what is still on its way gets this long.
const AFTERMATH: Duration = Duration::from_secs(2);
/// Results read and not yet looked at.
const RESULTS: usize = 32;

/// The relay's side of a session.
pub(crate) struct Through<'a, 'c> {
    pub(crate) control: &'a Arc<Control>,
    pub(crate) link: &'a Arc<Link>,
    pub(crate) hearing: &'a mut Hearing,
    pub(crate) flow: FlowId,
    pub(crate) session: SessionId,
    /// Checkpoints swapped with the agent.
    pub(crate) talk: &'a mut Talk<'c>,
    /// Keeps evidence against a log; where it is.
    pub(crate) keep: &'a dyn Fn(&VerifierKey, &Evidence) -> Option<PathBuf>,
}

/// Erase notes kept during one session; the next connection asks for the others.
const ERASED_MAX: usize = 64;

/// How a session ended.
pub(crate) struct Finished {
    pub(crate) record: Record,
    /// Erase notes that came meanwhile, unverified.
    pub(crate) erased: Vec<Vec<u8>>,
    pub(crate) by: Cause,
    pub(crate) cause: Cause,
    /// Our last word, if the session was closed with it.
    pub(crate) signoff: Option<Signoff>,
    /// Whether everything the plan asked for was done.
    pub(crate) fulfilled: bool,
    /// When the end began: the program's last ten seconds count from here.
    pub(crate) since: Instant,
    /// Whether the log was found lying, or not proving that it doesn't; told already.
    pub(crate) doubted: bool,
}

/// Runs a session from the pairing to its end.
pub(crate) async fn drive(
    paired: Paired,
    through: Through<'_, '_>,
    record: Record,
    plan: Plan,
    level: u8,
    voice: &mut Voice<'_>,
    mut keys: Keys,
) -> Finished {
    let Paired { mut connection, sender, mut receiver, strand, agent, secret } = paired;
    let Through { control, link, hearing, flow, session, talk, keep } = through;
    let way = Way { control: control.clone(), link: link.clone(), flow, agent, secret: Arc::new(secret) };
    let (returning, mut returned) = mpsc::channel(1);
    let bundled = plan.bundled(level, voice);
    let catalog = voice.catalog();
    let offer = plan.offer(&bundled, catalog);
    let offered = !offer.scopes.is_empty() || !offer.items.is_empty();
    let typing = plan.signoff.is_none().then_some(Typing::Command);
    let (results, mut arrived) = mpsc::channel(RESULTS);
    // Ends with the connection, at the latest.
    tokio::spawn(gauge::serve(connection.clone()));
    let mut live = Live {
        machine: Console::new(strand, plan.reason.clone(), offered),
        record,
        talk,
        keep,
        doubted: false,
        erased: Vec::new(),
        voice,
        connection: connection.clone(),
        sender: Some(sender),
        way,
        returning,
        losses: Losses::default(),
        said: VecDeque::new(),
        unsaid: Vec::new(),
        wanted: plan.runs.iter().map(|asked| reports_of(&run_of(catalog, asked.clone()))).sum(),
        bundle: plan.goal.map(|goal| Bundle::new(goal, &bundled, &plan.runs)),
        offered,
        had: 0,
        refused: false,
        signoff: None,
        ended: None,
        since: None,
        gone: None,
        silent: false,
        collected: false,
        typing,
        spoke: false,
        inputs: VecDeque::new(),
    };
    tracing::info!("it begins");
    live.voice.tell(Told::Paired(session));
    live.send(&ToAgent::Arrive { reason: plan.reason, offer }).await;
    live.talk.hear(clock::now().boot_ms, gossip::Input::Tick);
    let runs = plan.runs.into_iter().chain(waiting_first(catalog, bundled));
    live.inputs.extend(runs.map(|asked| run_of(catalog, asked)));
    live.inputs.extend(plan.signoff.map(Input::SignOff));
    live.wait(None);
    live.prompt();
    live.settle().await;

    let (mut reading, mut accepting, mut listening) = (true, true, true);
    while !live.collected {
        let pause = live.pause();
        tokio::select! {
            frame = receiver.next(), if reading => reading = live.frame(frame),
            stream = connection.accept_uni(), if accepting => match stream {
                Ok(stream) => {
                    let results = results.clone();
                    tokio::spawn(async move {
                        let frame = Receiver::<ToConsole>::new(stream, Limit::Data).next().await;
                        // The session ended meanwhile: nobody waits for it.
                        let _ = results.send(frame).await;
                    });
                }
                // What the agent sent before it hung up is still read from the control stream, which then says so.
                Err(_) => {
                    accepting = false;
                    live.gone.get_or_insert(Instant::now() + AFTERMATH);
                }
            },
            Some(frame) = arrived.recv() => live.outcome(frame),
            heard = hearing.next(), if listening => match heard {
                Some(heard) => live.contact(heard),
                None => listening = false,
            },
            Some(back) = returned.recv() => {
                if let Some((again, frames)) = live.returned(back).await {
                    (connection, receiver) = (again, frames);
                    (reading, accepting) = (true, true);
                    tokio::spawn(gauge::serve(connection.clone()));
                }
            }
            key = keys.next() => match key {
                Key::Line(line) => live.line(&line),
                Key::Typed(typed) => live.typed(typed),
                Key::End => {
                    keys = Keys::Nobody;
                    if live.typing.is_some() {
                        live.leave();
                    }
                }
            },
            _ = tokio::signal::ctrl_c() => live.leave(),
            answer = live.talk.answered() => live.talk.hear(clock::now().boot_ms, answer),
            () = sleep(pause) => live.tick(),
        }
        live.settle().await;
    }
    // Whoever still listens learns that nothing more comes; a relay that is gone needs no telling.
    connection.close(VarInt::from_u32(LEFT), b"");
    let _ = timeout(Duration::from_secs(1), control.call(Call::EndFlow { flow })).await;
    tracing::info!("it ended");
    live.finished()
}

struct Live<'a, 'v, 'c> {
    machine: Console,
    record: Record,
    talk: &'a mut Talk<'c>,
    keep: &'a dyn Fn(&VerifierKey, &Evidence) -> Option<PathBuf>,
    doubted: bool,
    erased: Vec<Vec<u8>>,
    voice: &'a mut Voice<'v>,
    connection: Connection,
    /// Taken when we leave: the end of our stream says so.
    sender: Option<Sender<ToAgent>>,
    way: Way,
    returning: Returning,
    losses: Losses,
    /// Our newest events as they travelled, by number.
    said: VecDeque<(u64, ToAgent)>,
    /// What is said once the agent is found again.
    unsaid: Vec<Write>,
    /// Runs of the script.
    wanted: usize,
    /// The goal.
    bundle: Option<Bundle>,
    /// Whether the arrival is followed by a card.
    offered: bool,
    /// Reports that came.
    had: usize,
    refused: bool,
    signoff: Option<Signoff>,
    ended: Option<(Cause, Cause)>,
    since: Option<Instant>,
    /// When the connection counts as lost although nobody said so.
    gone: Option<Instant>,
    /// The technician knows already why the connection ends.
    silent: bool,
    collected: bool,
    typing: Option<Typing>,
    /// Something was said below the prompt.
    spoke: bool,
    /// What the machine hears next.
    inputs: VecDeque<Input>,
}

impl Live<'_, '_, '_> {
    /// Hands inputs to the machine and does what it orders, until neither is left.
    async fn settle(&mut self) {
        loop {
            self.swap().await;
            while let Some(output) = self.machine.poll_output() {
                match output {
                    Output::Write(write) => self.write(write).await,
                    Output::Tell(tell) => self.tell(tell),
                    Output::Leave => self.leave(),
                    Output::Collect => self.collected = true,
                }
            }
            let Some(input) = self.inputs.pop_front() else { break };
            if input == Input::LinkLost {
                // Nothing more can come: the close isn't held back any longer for what is missing before it.
                for ready in self.record.ready(clock::now().boot_ms, true) {
                    self.machine.handle(clock::now(), ready);
                }
            }
            self.machine.handle(clock::now(), input);
        }
        if self.spoke {
            self.spoke = false;
            self.prompt();
        }
    }

    /// Carries out what the gossip says.
    async fn swap(&mut self) {
        while let Some(said) = self.talk.poll() {
            match said {
                Said::Show(note) => self.send(&ToAgent::Checkpoint(note)).await,
                Said::Evidence { log, found } => self.caught(&log, &found),
                Said::Unproven => self.doubt(&seen::unproven(self.voice.words())),
            }
        }
    }

    /// Something long begins.
    fn wait(&mut self, item: Option<&venia_proto::ledger::body::ItemId>) {
        self.voice.wait(item, clock::now().boot_ms, self.typing.is_some());
    }

    /// Until something is due; never so long that a sleep of this computer goes unnoticed.
    fn pause(&self) -> Duration {
        let until = self.machine.deadline().map_or(u64::MAX, |at| at.saturating_sub(clock::now().boot_ms));
        Duration::from_millis(until.clamp(1, 500))
    }

    fn tick(&mut self) {
        self.voice.tick(clock::now().boot_ms);
        self.talk.hear(clock::now().boot_ms, gossip::Input::Tick);
        self.inputs.push_back(Input::Tick);
        let since = |wait: Duration| self.since.is_some_and(|since| since.elapsed() >= wait);
        self.inputs.extend(self.record.ready(clock::now().boot_ms, false));
        if since(CLOSE_WAIT) {
            self.collected = true;
        }
        let gone = self.gone.is_some_and(|gone| Instant::now() >= gone) && !self.losses.has_link();
        if gone || self.losses.are_final() {
            (self.gone, self.losses) = (None, Losses::default());
            self.inputs.push_back(Input::LinkLost);
        }
    }
}

/// Who types.
pub(crate) enum Keys {
    /// Nobody: a script.
    Nobody,
    /// Somebody in a terminal, line by line.
    Lines(mpsc::Receiver<String>),
    /// Somebody at a page.
    Page(mpsc::Receiver<Typed>),
}

/// What they typed.
enum Key {
    Line(String),
    Typed(Typed),
    /// Nothing more will be.
    End,
}

impl Keys {
    /// The next; never, if nobody types.
    async fn next(&mut self) -> Key {
        match self {
            Self::Nobody => std::future::pending().await,
            Self::Lines(lines) => lines.recv().await.map_or(Key::End, Key::Line),
            Self::Page(typed) => typed.recv().await.map_or(Key::End, Key::Typed),
        }
    }
}
