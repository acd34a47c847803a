//! A connection that was lost comes back: the one to the technician's program, and the one to the relay. (SECURITY A6)
//!
//! ```text
//! link lost ──▶ the flow is announced again, to the same key alone ──▶ a new connection ──▶ Reconnect: same secret?
//!                                        ▲                                                   │ no: closed
//!                                        └───────────────────────────────────────────────────┘ yes: what didn't arrive is sent
//! relay lost ─▶ (the keeper reconnects) ──▶ Hold: the registration and the flow are taken up
//! ```
//!
//! Nobody comes in who isn't the same program with the session's secret, and nothing is said before both have proved it. Not
//! here: that everything pauses meanwhile, that only the person goes on, and how long is waited, which the machine decides.

use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, VarInt};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use venia_proto::consent::EntryRef;
use venia_proto::id::Strand;
use venia_proto::message::{Arrived, BEYOND_MAX, ToAgent, ToConsole};
use venia_proto::pairing::{RECONNECT_LABEL, SessionSecret, Side};
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_proto::session::agent::{Input, Phase};
use venia_proto::session::timer::PAIRING_MS;
use venia_relay::client::code::PROTOCOL;
use venia_relay::client::control::ControlError;
use venia_relay::client::frames::{self, Receiver, Sender};
use venia_relay::client::link::Arriving;
use venia_relay::client::tls::{Expected, exporter};

use super::tasks::{AbortOnDrop, write_frames};
use super::{Session, sealing};

/// How long the relay may take to note that we are back.
const ANSWER: Duration = Duration::from_secs(10);
/// A relay that is busy with our earlier connection is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// The technician's end of the session, as long as one connection lasts.
pub(super) struct Linked {
    pub(super) connection: Connection,
    pub(super) frames: Receiver<ToAgent>,
    pub(super) seals: mpsc::Receiver<sealing::Asked>,
    /// Whether the connection stands.
    pub(super) up: bool,
    /// Whether another frame may come.
    pub(super) hears: bool,
    _sealing: AbortOnDrop,
}

impl Linked {
    pub(super) fn new(connection: Connection, frames: Receiver<ToAgent>) -> Self {
        let (ask, seals) = mpsc::channel(1);
        let sealing = AbortOnDrop(tokio::spawn(sealing::listen(connection.clone(), ask)).abort_handle());
        Self { connection, frames, seals, up: true, hears: true, _sealing: sealing }
    }
}

/// The same program, on a new connection.
pub(super) struct Returned {
    connection: Connection,
    sender: Sender<ToConsole>,
    frames: Receiver<ToAgent>,
    arrived: Arrived,
}

impl Session<'_, '_> {
    /// The connection is dead: another one of the same program may take its place, through the same flow.
    pub(super) fn let_in(&mut self) {
        self.parts.link.forget(self.flow);
        let announced = self.parts.link.announce(self.flow, Expected::Key(self.member));
        self.awaits_return = self.machine.phase() != Phase::Closed && announced.is_ok();
    }

    /// Somebody comes through the flow. One at a time; nobody is let in beside the one who is proving it.
    pub(super) fn came(&mut self, arriving: Option<Arriving>) {
        self.awaits_return = false;
        let Some(arriving) = arriving.filter(|arriving| arriving.flow() == self.flow) else { return };
        let (secret, next) = (Arc::clone(&self.secret), self.parts.scribe.next_of(self.technician));
        let returning = self.returning.clone();
        tokio::spawn(async move {
            let proving = prove(arriving, &secret, next);
            let returned = timeout(Duration::from_millis(PAIRING_MS), proving).await.ok().flatten();
            // The session may have ended meanwhile.
            let _ = returning.send(returned).await;
        });
    }

    /// The proof came to this.
    pub(super) fn returned(&mut self, returned: Option<Returned>, linked: &mut Linked) -> Option<Input> {
        let Some(Returned { connection, sender, frames, arrived }) = returned else {
            self.let_in();
            return None;
        };
        if self.machine.phase() == Phase::Closed {
            return None;
        }
        tracing::debug!("the technician's program is back");
        let (out, queue) = mpsc::unbounded_channel();
        self.writer = tokio::spawn(write_frames(sender, queue));
        self.out = out;
        self.sending.drain(..).for_each(|task| task.abort());
        self.connection = connection.clone();
        *linked = Linked::new(connection, frames);
        self.send_again(&arrived);
        Some(Input::LinkFound)
    }

    /// What was sent and didn't arrive. It was allowed to leave when it left; STOP in between has ended the session.
    fn send_again(&mut self, arrived: &Arrived) {
        let missing: Vec<(u64, bool)> =
            self.sent.iter().filter(|(seq, _)| !arrived.has(**seq)).map(|(&seq, &words)| (seq, words)).collect();
        for (seq, words) in missing {
            self.send(EntryRef { author: Strand::Agent, seq }, words);
        }
    }

    /// The relay is back: what hung on the earlier connection is taken up on this one.
    pub(super) fn hold(&self) {
        let (control, held) = (Arc::clone(self.parts.control), self.held.clone());
        let (session, flow, member) = (self.parts.session, self.flow, *self.member.as_bytes());
        tokio::spawn(async move {
            loop {
                let answer = timeout(ANSWER, control.call(Call::Hold { session, flow, member })).await;
                match answer {
                    Ok(Ok(Answer::Noted)) => {
                        let _ = held.send(()).await;
                        return;
                    }
                    // It asks our earlier connection whether it lives; soon it will know. (SECURITY D6)
                    Ok(Err(ControlError::Refused(Refusal::Busy))) => sleep(AGAIN).await,
                    // Lost again: the next return holds again. Anything else ends the session in its time.
                    Ok(_) | Err(_) => return,
                }
            }
        });
    }
}

/// Whether it is the same program in the same session: the same key was proved in TLS, the secret is proved here, over this
/// very connection, both ways, before anything else is said.
async fn prove(arriving: Arriving, secret: &SessionSecret, next: u64) -> Option<Returned> {
    let connection = arriving.connected().await.ok()?;
    let (mut sender, mut frames) = frames::accept::<ToConsole, ToAgent>(&connection).await.ok()?;
    let first = frames.expect().await;
    let exporter = exporter(&connection, RECONNECT_LABEL, b"").ok()?;
    let proved = match first {
        Ok(ToAgent::Reconnect { mac, arrived }) => {
            let proved = secret.verify(Side::Console, &exporter, &mac) && arrived.beyond.len() <= BEYOND_MAX;
            proved.then_some(arrived)
        }
        Ok(_) | Err(_) => None,
    };
    let Some(arrived) = proved else {
        tracing::warn!("somebody came back who isn't the technician's program");
        connection.close(VarInt::from_u32(PROTOCOL), b"");
        return None;
    };
    let mac = secret.prove(Side::Agent, &exporter);
    sender.send(&ToConsole::Reconnected { mac, next }).await.ok()?;
    Some(Returned { connection, sender, frames, arrived })
}
