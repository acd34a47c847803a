//! `venia-agent ask`: from a code on the screen to a finished record.
//!
//! The only place that sees relay, person, worker and journal together. Two stages: [`wait_for_technician`] shows codes
//! until somebody proves one; [`session`] serves that one session. What either may do is decided in `proto`.

pub mod clock;
pub mod pairing;
pub mod questions;
pub mod recorder;
pub mod scribe;
mod sealing;
pub mod session;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use venia_proto::code::CodeNumber;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::greeting::GreetingError;
use venia_proto::id::{FlowId, SessionId};
use venia_proto::ledger::body::Language;
use venia_proto::rendezvous::{Answer, Call, PairingOutcome, Push};
use venia_proto::session::waiting::{End, Input, Output, Waiting};
use venia_proto::statement::Member;
use venia_relay::client::control::{Control, ControlError, Heard, Hearing};
use venia_relay::client::home::Home;
use venia_relay::client::link::Link;
use venia_relay::client::tls::Expected;
use venia_ui::words::Words;

use crate::known;
use crate::person::feed::News;
use crate::person::{Answer as Said, Asking, Event, Line, Question, QuestionId, Wish, card};

use self::pairing::{Attempt, Bound, Peer};

/// Minutes a code works, as the person is told.
const CODE_MINUTES: u32 = 10;
/// How long the relay may take to give a number.
const ANSWER: Duration = Duration::from_secs(10);

/// Names of the intake's questions, far from those of cards.
const INTAKE_ABOUT: QuestionId = QuestionId(u64::MAX - 1);
const INTAKE_SINCE: QuestionId = QuestionId(u64::MAX - 2);
const INTAKE_CALLED: QuestionId = QuestionId(u64::MAX - 3);

/// Why nobody was served.
#[derive(Debug)]
pub enum NotServed {
    /// Time, interference, or no relay.
    End(End),
    /// The person stopped it.
    Stopped,
    /// The relay said no.
    Control(ControlError),
    /// The operating system gave no random bytes.
    Random(getrandom::Error),
}

/// What the person says before anybody arrives: what happened, since when, what to call them.
#[derive(Debug, Default)]
pub struct Intake {
    /// What happened.
    pub about: Option<Foreign>,
    /// Since when.
    pub since: Option<Foreign>,
    /// What to call them.
    pub called: Option<Foreign>,
    /// The language they chose since.
    pub language: Option<Language>,
    /// Questions still to ask, the next one last.
    waiting: Vec<(QuestionId, String)>,
}

impl Intake {
    /// It was said on the command line.
    pub fn told(about: Foreign) -> Self {
        Self { about: Some(about), ..Self::default() }
    }

    /// It was said on a page.
    pub fn wished(wish: Wish) -> Self {
        let Wish { language, about, since, called, address: _ } = wish;
        Self { about, since, called, language: Some(language), waiting: Vec::new() }
    }

    /// It is asked once a code is shown; every question may be skipped, and a technician who arrives ends them.
    pub fn asking([about, since, called]: [String; 3]) -> Self {
        let waiting = vec![(INTAKE_CALLED, called), (INTAKE_SINCE, since), (INTAKE_ABOUT, about)];
        Self { waiting, ..Self::default() }
    }

    fn answered(&mut self, id: QuestionId, text: Option<Foreign>) {
        let text = text.and_then(|text| Foreign::text(text.raw()).ok());
        match id {
            INTAKE_ABOUT => self.about = text,
            INTAKE_SINCE => self.since = text,
            INTAKE_CALLED => self.called = text,
            QuestionId(_) => {}
        }
    }
}

/// What waiting for a technician needs.
pub struct Waiter<'a> {
    /// The data folder.
    pub home: &'a Home,
    /// What the person is asked meanwhile.
    pub intake: &'a mut Intake,
    /// The socket.
    pub link: &'a Link,
    /// The connection to the relay.
    pub control: &'a Control,
    /// What comes over it unasked, its loss and its return too.
    pub hearing: &'a mut Hearing,
    /// The organisation's root.
    pub root: Fingerprint,
    /// The person.
    pub person: &'a mut Line,
    /// Their language.
    pub words: &'a Words,
}

/// Something that happened to an attempt.
enum Happened {
    First(Box<Attempt>),
    Broken(FlowId),
    Ended(FlowId, Box<Result<Peer, PairingOutcome>>),
}

/// Shows codes until a technician proves one.
pub async fn wait_for_technician(waiter: Waiter<'_>) -> Result<(Peer, SessionId), NotServed> {
    let (tell, happened) = mpsc::unbounded_channel();
    let room = Room {
        waiter,
        waiting: Waiting::new(),
        session: SessionId([0; 16]),
        attempts: Vec::new(),
        knocked: None,
        trying: None,
        asked: None,
        peer: None,
        tasks: JoinSet::new(),
        tell,
    };
    room.run(happened).await
}

struct Room<'a> {
    waiter: Waiter<'a>,
    waiting: Waiting,
    session: SessionId,
    /// Connections whose first message has come.
    attempts: Vec<Attempt>,
    /// Who knocked last, as their member note says.
    knocked: Option<(FlowId, Foreign)>,
    trying: Option<(FlowId, AbortHandle)>,
    /// The open question of the intake.
    asked: Option<QuestionId>,
    peer: Option<Peer>,
    tasks: JoinSet<()>,
    tell: mpsc::UnboundedSender<Happened>,
}

impl Room<'_> {
    async fn run(mut self, mut happened: mpsc::UnboundedReceiver<Happened>) -> Result<(Peer, SessionId), NotServed> {
        let found = self.wait(&mut happened).await;
        // Whatever comes next, the intake is over: no prompt of it stays on the screen.
        if let Some(question) = self.asked {
            self.waiter.person.tell.withdraw(question);
        }
        if matches!(found, Err(NotServed::Stopped)) {
            self.feed(News::Withdrawn);
        }
        found
    }

    async fn wait(&mut self, happened: &mut mpsc::UnboundedReceiver<Happened>) -> Result<(Peer, SessionId), NotServed> {
        loop {
            while let Some(output) = self.waiting.poll_output() {
                if let Some(peer) = self.carry_out(output).await? {
                    return Ok((peer, self.session));
                }
            }
            let now = clock::now().boot_ms;
            let wait = self.waiting.deadline().map_or(u64::MAX, |at| at.saturating_sub(now)).min(1_000);
            let input = tokio::select! {
                biased;
                event = self.waiter.person.events.recv() => match event {
                    Some(Event::Stop | Event::Gone | Event::Leave) | None => return Err(NotServed::Stopped),
                    Some(Event::Answered { id, answer: Said::Words(text), .. }) => {
                        self.waiter.intake.answered(id, text);
                        self.ask_intake();
                        continue;
                    }
                    Some(Event::Language(language)) => {
                        self.waiter.intake.language = Some(language);
                        continue;
                    }
                    // A page asks nothing while it waits, and may be looked away from.
                    Some(
                        Event::Answered { .. }
                        | Event::Begin(_)
                        | Event::EyesLost
                        | Event::EyesBack
                        | Event::Says(_),
                    ) => continue,
                },
                heard = self.waiter.hearing.next() => match heard {
                    Some(Heard::Push(push)) => { self.relay_says(push); continue }
                    Some(Heard::Lost) => Input::RelayLost,
                    Some(Heard::Back) => self.relay_back()?,
                    Some(Heard::Over(error)) => return Err(NotServed::Control(error)),
                    None => return Err(NotServed::End(End::RelayLost)),
                },
                Some(arriving) = self.waiter.link.accept() => {
                    let tell = self.tell.clone();
                    self.tasks.spawn(async move {
                        let first = match pairing::begin(arriving).await {
                            Ok(attempt) => Happened::First(Box::new(attempt)),
                            Err(flow) => Happened::Broken(flow),
                        };
                        let _ = tell.send(first);
                    });
                    continue;
                }
                Some(happened) = happened.recv() => match happened {
                    Happened::First(attempt) => {
                        let flow = attempt.flow;
                        self.attempts.push(*attempt);
                        Input::FirstMessage(flow)
                    }
                    Happened::Broken(flow) => { self.give_up(flow).await; Input::Gone(flow) }
                    Happened::Ended(flow, ended) => match *ended {
                        Ok(peer) => { self.peer = Some(peer); Input::Paired(flow, PairingOutcome::Agreed) }
                        Err(outcome) => Input::Paired(flow, outcome),
                    },
                },
                () = tokio::time::sleep(Duration::from_millis(wait)) => Input::Tick,
            };
            self.waiting.handle(clock::now(), input);
        }
    }

    fn relay_says(&mut self, push: Push) {
        match push {
            Push::Knock { flow, session, member } if session == self.session => {
                let authority = &self.waiter.control.welcome().statement.authority;
                // Only a member's key may come through; whose note doesn't verify never reaches this PC.
                let Ok(member) = Member::open(&member, authority) else { return };
                match self.waiter.link.announce(flow, Expected::Key(member.key.key)) {
                    Ok(()) => self.knocked = Some((flow, member.name)),
                    Err(error) => tracing::debug!(%error, "a flow could not be announced"),
                }
            }
            // This PC's copy is the person's own: only they delete it.
            Push::Knock { .. } | Push::Ping(_) | Push::Erase { .. } => {}
            Push::FlowEnded { flow, .. } => {
                self.waiter.link.forget(flow);
                self.waiting.handle(clock::now(), Input::Gone(flow));
            }
        }
    }

    fn relay_back(&self) -> Result<Input, NotServed> {
        let control = self.waiter.control;
        if let Err(error) = known::remember_newest(self.waiter.home, &self.waiter.root, control) {
            tracing::warn!(%error, "the newest statement can't be kept");
        }
        // The person must see who reads along now: they begin again.
        if control.is_outdated() { Err(NotServed::End(End::RelayLost)) } else { Ok(Input::RelayFound) }
    }

    async fn carry_out(&mut self, output: Output) -> Result<Option<Peer>, NotServed> {
        match output {
            Output::Register => {
                let mut id = [0; 16];
                getrandom::fill(&mut id).map_err(NotServed::Random)?;
                self.session = SessionId(id);
                self.register().await?;
            }
            Output::RegisterAgain => self.register().await?,
            Output::Away => self.feed(News::Away),
            Output::Back => self.feed(News::Back),
            Output::Show => {
                if let Some(code) = self.waiting.code() {
                    self.feed(News::Code(code.password().to_string()));
                    self.feed(News::CodeAdvice { minutes: CODE_MINUTES });
                    if self.asked.is_none() {
                        self.ask_intake();
                    }
                }
            }
            // Over while it waited: a record that began now would begin under it.
            Output::Try(..) if !self.waiter.control.holds() => {
                return Err(NotServed::Control(GreetingError::Expired.into()));
            }
            Output::Try(flow, code) => {
                if let Some(attempt) = self.take(flow) {
                    let bound = Bound {
                        root: self.waiter.root,
                        relay: self.waiter.control.welcome().clone(),
                        ledger_time: self.waiter.control.ledger_time(),
                        session: self.session,
                        agent: *self.waiter.link.public(),
                    };
                    let tell = self.tell.clone();
                    let task = self.tasks.spawn(async move {
                        let ended = Box::new(attempt.spend(code, bound).await);
                        let _ = tell.send(Happened::Ended(flow, ended));
                    });
                    self.trying = Some((flow, task));
                }
            }
            Output::Refuse(flow) => {
                if let Some(attempt) = self.take(flow) {
                    self.tasks.spawn(attempt.refuse());
                }
            }
            Output::Report(flow, outcome) => self.report(flow, outcome).await,
            Output::Begin(_) => return Ok(self.peer.take()),
            Output::End(end) => {
                match end {
                    End::Expired => self.feed(News::CodeExpired),
                    End::Interfered => self.feed(News::Interference),
                    End::RelayLost => {}
                }
                return Err(NotServed::End(end));
            }
        }
        Ok(None)
    }

    /// The next question of the intake, if one is left.
    fn ask_intake(&mut self) {
        self.asked = self.waiter.intake.waiting.pop().map(|(id, question)| {
            let sheet = card::free(question);
            self.waiter.person.tell.ask(Question { id, sheet, kind: Asking::Free });
            id
        });
    }

    async fn register(&mut self) -> Result<(), NotServed> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(NotServed::Random)?;
        let call = self.waiter.control.call(Call::Register { session: self.session });
        let answer = match tokio::time::timeout(ANSWER, call).await {
            // Lost meanwhile: asked again once it is back.
            Ok(Err(error)) if error.may_pass() => return Ok(()),
            Ok(answer) => answer.map_err(NotServed::Control)?,
            Err(_) => return Err(NotServed::Control(ControlError::Unreachable(None))),
        };
        let number = match answer {
            Answer::Registered { number } => CodeNumber::new(number).ok(),
            Answer::Noted
            | Answer::Member { .. }
            | Answer::Joined { .. }
            | Answer::Receipts { .. }
            | Answer::Proofs { .. }
            | Answer::Consistency { .. }
            | Answer::Notes { .. }
            | Answer::Erasures { .. }
            | Answer::Logs { .. }
            | Answer::Entries { .. }
            | Answer::Successors { .. } => None,
        };
        let number = number.ok_or(NotServed::Control(ControlError::Malformed(None)))?;
        let language: Language = self.waiter.words.language();
        self.waiting.handle(clock::now(), Input::Numbered { number, random, language });
        Ok(())
    }

    /// Tells the relay what became of a pairing, and the person if a code was burnt, and by whom (B3).
    async fn report(&mut self, flow: FlowId, outcome: PairingOutcome) {
        if outcome != PairingOutcome::Agreed {
            if let Some((_, task)) = self.trying.take_if(|(trying, _)| *trying == flow) {
                task.abort();
            }
            self.waiter.link.forget(flow);
            let by = self.knocked.as_ref().filter(|(knocked, _)| *knocked == flow).map(|(_, name)| name);
            if let Err(error) = known::keep_burn(self.waiter.home, clock::now().wall, by) {
                tracing::warn!(%error, "a burnt code could not be noted");
            }
            self.feed(News::CodeBurnt { by: by.cloned() });
        }
        let call = self.waiter.control.call(Call::Paired { flow, outcome });
        if let Ok(Err(error)) = tokio::time::timeout(ANSWER, call).await {
            tracing::debug!(%error, "the relay didn't note a pairing");
        }
    }

    /// Who came through this flow never tried the code: it is free again for somebody who does.
    async fn give_up(&mut self, flow: FlowId) {
        self.waiter.link.forget(flow);
        let call = self.waiter.control.call(Call::EndFlow { flow });
        if let Ok(Err(error)) = tokio::time::timeout(ANSWER, call).await {
            tracing::debug!(%error, "the relay didn't end a flow");
        }
    }

    fn take(&mut self, flow: FlowId) -> Option<Attempt> {
        let place = self.attempts.iter().position(|attempt| attempt.flow == flow)?;
        Some(self.attempts.swap_remove(place))
    }

    fn feed(&self, news: News) {
        self.waiter.person.tell.feed(news);
    }
}
