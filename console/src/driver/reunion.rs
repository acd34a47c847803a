//! A connection that was lost comes back: the one to the agent, and the one to the relay. (SECURITY A6)
//!
//! The relay's is brought back by its keeper; then the flow is taken up on it. The agent's is dialled anew through the same flow,
//! and counts only once both sides have proved the session's secret over it. What didn't arrive is sent again; what was asked
//! for meanwhile is asked now, while everything is paused there, and so refused: nothing queued runs later without being
//! allowed again.
//!
//! Not here: what the agent does with it, and what the technician sees.

use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, ConnectionError, VarInt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use venia_proto::id::FlowId;
use venia_proto::key::PublicKey;
use venia_proto::message::{Arrived, ToAgent, ToConsole};
use venia_proto::pairing::{RECONNECT_LABEL, SessionSecret, Side};
use venia_proto::rendezvous::{Answer, Call};
use venia_proto::session::console::Input;
use venia_relay::client::code::PROTOCOL;
use venia_relay::client::control::{Control, ControlError, Heard};
use venia_relay::client::frames::{self, Receiver, Sender};
use venia_relay::client::link::Link;
use venia_relay::client::tls::{Expected, exporter};

use super::Live;
use crate::voice::Told;

/// Own frames kept to be sent again: more than a connection that dies within its idle time can have lost.
pub(super) const SAID_KEPT: usize = 128;
/// Without relay or agent the session can't go on for longer than the agent allows.
const GONE: Duration = Duration::from_secs(30);
/// How long relay or agent may take for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// What finding the agent again takes.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) control: Arc<Control>,
    pub(super) link: Arc<Link>,
    pub(super) flow: FlowId,
    pub(super) agent: PublicKey,
    pub(super) secret: Arc<SessionSecret>,
}

/// The agent, on a new connection.
pub(super) struct Returned {
    pub(super) connection: Connection,
    pub(super) receiver: Receiver<ToConsole>,
    sender: Sender<ToAgent>,
    /// The first of our events that didn't arrive.
    next: u64,
}

/// What is lost, and until when it is looked for.
#[derive(Default)]
pub(super) struct Losses {
    link: Option<Instant>,
    relay: Option<Instant>,
}

impl Losses {
    /// Whether the agent is looked for.
    pub(super) fn has_link(&self) -> bool {
        self.link.is_some()
    }

    fn any(&self) -> bool {
        self.link.is_some() || self.relay.is_some()
    }

    /// Whether one of the two stayed away for too long.
    pub(super) fn are_final(&self) -> bool {
        [self.link, self.relay].into_iter().flatten().any(|until| Instant::now() >= until)
    }
}

impl Live<'_, '_, '_> {
    /// The connection to the agent is dead. Who was leaving anyway doesn't look for it, and an agent that hung up isn't lost.
    pub(super) fn link_lost(&mut self) {
        let lost = match self.connection.close_reason() {
            None | Some(ConnectionError::TimedOut | ConnectionError::Reset) => true,
            Some(
                ConnectionError::ApplicationClosed(_)
                | ConnectionError::ConnectionClosed(_)
                | ConnectionError::TransportError(_)
                | ConnectionError::VersionMismatch
                | ConnectionError::LocallyClosed
                | ConnectionError::CidsExhausted,
            ) => false,
        };
        if self.losses.has_link() {
            return;
        }
        if !lost || self.silent || self.since.is_some() || self.ended.is_some() || self.machine.is_over() {
            return self.inputs.push_back(Input::LinkLost);
        }
        self.offline();
        self.losses.link = Some(Instant::now() + GONE);
        self.connection.close(VarInt::from_u32(PROTOCOL), b"");
        let (way, arrived, returning) = (self.way.clone(), self.record.arrived(), self.returning.clone());
        tokio::spawn(async move {
            let reunited = timeout(GONE, reunite(&way, &arrived)).await;
            // The session may have ended meanwhile.
            let _ = returning.send(reunited.ok()).await;
        });
    }

    /// What comes from the relay about its own connection.
    pub(super) fn contact(&mut self, heard: Heard) {
        match heard {
            Heard::Push(push) => self.push(push, self.way.flow),
            Heard::Lost => {
                self.talk.hear(crate::clock::now().boot_ms, venia_proto::ledger::gossip::Input::RelayLost);
                self.offline();
                self.losses.relay.get_or_insert(Instant::now() + GONE);
            }
            Heard::Back => {
                self.talk.hear(crate::clock::now().boot_ms, venia_proto::ledger::gossip::Input::RelayFound);
                self.losses.relay = None;
                self.online();
                // While the agent is looked for, that takes up the flow.
                if !self.losses.has_link() {
                    let way = self.way.clone();
                    tokio::spawn(timeout(GONE, async move { while !resumed(&way).await {} }));
                }
            }
            Heard::Over(ControlError::Revoked) => self.revoked(),
            // Nobody looks for it any more; the session ends in its time.
            Heard::Over(_) => {}
        }
    }

    /// The agent is back, or couldn't be found in time. Gives the new connection.
    pub(super) async fn returned(&mut self, returned: Option<Returned>) -> Option<(Connection, Receiver<ToConsole>)> {
        let kept = self.said.front().map_or(u64::MAX, |(seq, _)| *seq);
        let Some(returned) = returned.filter(|back| back.next >= kept || self.said.is_empty()) else {
            self.losses.link = None;
            self.inputs.push_back(Input::LinkLost);
            return None;
        };
        let Returned { connection, sender, receiver, next } = returned;
        (self.losses.link, self.gone) = (None, None);
        (self.connection, self.sender) = (connection.clone(), Some(sender));
        self.online();
        let missing: Vec<ToAgent> =
            self.said.iter().filter(|(seq, _)| *seq >= next).map(|(_, frame)| frame.clone()).collect();
        for frame in missing {
            self.send(&frame).await;
        }
        for write in std::mem::take(&mut self.unsaid) {
            self.write(write).await;
        }
        Some((connection, receiver))
    }

    fn offline(&mut self) {
        if !self.losses.any() && self.ended.is_none() {
            self.voice.tell(Told::Offline);
        }
    }

    fn online(&mut self) {
        if !self.losses.any() && self.ended.is_none() {
            self.voice.tell(Told::Online);
        }
    }
}

/// Looks for the agent until it is found.
async fn reunite(way: &Way, arrived: &Arrived) -> Returned {
    loop {
        if resumed(way).await
            && let Some(returned) = redial(way, arrived).await
        {
            return returned;
        }
        sleep(AGAIN).await;
    }
}

/// Takes up the flow on the relay's connection of now. A relay that was restarted waits for the agent to hold it, too.
async fn resumed(way: &Way) -> bool {
    match timeout(ANSWER, way.control.call(Call::Resume { flow: way.flow })).await {
        Ok(Ok(Answer::Noted)) => return true,
        Ok(Ok(_) | Err(_)) => {}
        // It may be dead without a word: then a new one is tried for.
        Err(_) => way.control.close(),
    }
    sleep(AGAIN).await;
    false
}

/// Dials, and proves that this is the same program in the same session; so must the other side.
async fn redial(way: &Way, arrived: &Arrived) -> Option<Returned> {
    way.link.forget(way.flow);
    let connection = way.link.dial(way.flow, Expected::Key(way.agent)).await.ok()?;
    let proved = timeout(ANSWER, prove(way, arrived, &connection)).await.ok().flatten();
    if proved.is_none() {
        connection.close(VarInt::from_u32(PROTOCOL), b"");
    }
    proved
}

async fn prove(way: &Way, arrived: &Arrived, connection: &Connection) -> Option<Returned> {
    let exporter = exporter(connection, RECONNECT_LABEL, b"").ok()?;
    let (mut sender, mut receiver) = frames::open::<ToAgent, ToConsole>(connection).await.ok()?;
    let mac = way.secret.prove(Side::Console, &exporter);
    sender.send(&ToAgent::Reconnect { mac, arrived: arrived.clone() }).await.ok()?;
    match receiver.expect().await.ok()? {
        ToConsole::Reconnected { mac, next } if way.secret.verify(Side::Agent, &exporter, &mac) => {
            Some(Returned { connection: connection.clone(), receiver, sender, next })
        }
        ToConsole::Reconnected { .. }
        | ToConsole::PairAnswer { .. }
        | ToConsole::PairConfirmed { .. }
        | ToConsole::PairRefused(_)
        | ToConsole::Event { .. }
        | ToConsole::CloseRecorded
        | ToConsole::Checkpoint(_)
        | ToConsole::Statement { .. } => {
            tracing::warn!("somebody answered who isn't the person's program");
            None
        }
    }
}

/// Where the agent's return is told.
pub(super) type Returning = mpsc::Sender<Option<Returned>>;
