//! Gossip with the network around it: what the machine asks is asked on the control connection, beside everything else.
//!
//! Used alike by agent and console. Nothing here waits on its own: the caller's `select!` hands in what came and carries
//! out what is [`Said`]; a session's end goes by without it. Not here: which checkpoints are kept, and what a person is
//! told. (`proto::ledger::gossip`, SECURITY F4)

use std::collections::VecDeque;
use std::pin::Pin as Pinned;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use venia_proto::key::{KeyName, VerifierKey};
use venia_proto::ledger::gossip::{Gossip, Input, Output};
use venia_proto::ledger::pin::{Evidence, Pin};
use venia_proto::rendezvous::{Answer, Call};

use super::control::Control;

/// How long the relay may take for one proof.
pub const ANSWER: Duration = Duration::from_secs(3);

/// What the caller must carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Send the other side this checkpoint.
    Show(Vec<u8>),
    /// Keep this evidence, end the session, and never trust this log again.
    Evidence {
        /// The log's key.
        log: VerifierKey,
        /// What shows it.
        found: Box<Evidence>,
    },
    /// End this session: the relay doesn't prove its log.
    Unproven,
}

type Asked<'a> = Pinned<Box<dyn Future<Output = Input> + Send + 'a>>;

/// One side's gossip in one session.
pub struct Talk<'a> {
    machine: Gossip,
    control: &'a Control,
    asked: Option<Asked<'a>>,
    said: VecDeque<Said>,
}

impl<'a> Talk<'a> {
    /// At the start of a session: the connected relay's logs as its statement names them, `kept` the checkpoint kept of each.
    pub fn new<E>(
        control: &'a Control,
        mut kept: impl FnMut(&VerifierKey) -> Result<Option<Pin>, E>,
    ) -> Result<Self, E> {
        let welcome = control.welcome();
        let logs = welcome.statement.relays.iter().map(|relay| Ok((relay.log.clone(), kept(&relay.log)?)));
        let machine = Gossip::new(logs.collect::<Result<Vec<_>, E>>()?, &welcome.relay.log);
        Ok(Self { machine, control, asked: None, said: VecDeque::new() })
    }

    /// Hands in what happened; `now_ms` is on the boot clock. What it asks the relay is under way when this returns.
    pub fn hear(&mut self, now_ms: u64, input: Input) {
        self.machine.handle(now_ms, input);
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Show(note) => self.said.push_back(Said::Show(note)),
                Output::Ask { origin, first, second } => {
                    self.asked = Some(Box::pin(ask(self.control, origin, first, second)));
                }
                Output::Evidence { log, found } => self.said.push_back(Said::Evidence { log, found }),
                Output::End => self.said.push_back(Said::Unproven),
            }
        }
    }

    /// The next thing to carry out.
    pub fn poll(&mut self) -> Option<Said> {
        self.said.pop_front()
    }

    /// The relay's answer, to be handed in; never, if nothing was asked. May be dropped and called again.
    pub async fn answered(&mut self) -> Input {
        let Some(asked) = &mut self.asked else { return std::future::pending().await };
        let input = asked.await;
        self.asked = None;
        input
    }

    /// When to hand in [`Input::Tick`] at the latest, on the boot clock.
    pub fn deadline(&self) -> Option<u64> {
        self.machine.deadline()
    }

    /// Every checkpoint to keep, by log.
    pub fn held(&self) -> impl Iterator<Item = (&VerifierKey, &Pin)> {
        self.machine.held()
    }

    /// After the session, when nobody waits any more: lets the relay answer what is still open, for so long.
    pub async fn settle(&mut self, now_ms: impl Fn() -> u64, patience: Duration) {
        let end = Instant::now() + patience;
        self.hear(now_ms(), Input::Ending);
        while !self.machine.is_settled() && Instant::now() < end {
            let wait = self.deadline().map_or(patience, |at| Duration::from_millis(at.saturating_sub(now_ms())));
            let wake = (Instant::now() + wait).min(end);
            let input = match &self.asked {
                Some(_) => timeout_at(end, self.answered()).await.unwrap_or(Input::Tick),
                None => {
                    sleep_until(wake).await;
                    Input::Tick
                }
            };
            self.hear(now_ms(), input);
        }
    }
}

async fn ask(control: &Control, origin: KeyName, first: u64, second: u64) -> Input {
    let call = Call::Consistency { origin: origin.to_string(), first, second };
    let asked = control.connection();
    let heard = || asked.stats().udp_rx.datagrams;
    let before = heard();
    match timeout(ANSWER, control.call(call)).await {
        Ok(Ok(Answer::Consistency { checkpoint, path })) => Input::Proof { checkpoint, path },
        // Who is gone refuses nothing; who is back by now is asked again.
        Ok(_) | Err(_) if control.connection().close_reason().is_some() => Input::RelayLost,
        Ok(_) | Err(_) if asked.close_reason().is_some() => Input::Silence,
        Err(_) if heard() == before => Input::Silence,
        Ok(_) | Err(_) => Input::NoProof,
    }
}
