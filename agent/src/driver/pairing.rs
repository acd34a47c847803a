//! One attempt to pair, as the agent's shell sees it: a connection, a first message, a code that is spent on it.
//!
//! The rules (one guess, replacements, time) are [`venia_proto::session::waiting`]'s; the cryptography is
//! [`venia_proto::pairing`]'s. Who the other side is comes from its member note, whose key must be the TLS peer's
//! (SECURITY A3), valid at the ledger's time (A4).

use std::num::NonZeroU16;
use std::time::Duration;

use quinn::Connection;
use venia_proto::code::Code;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::greeting::Welcome;
use venia_proto::id::{FlowId, SessionId, Strand};
use venia_proto::key::PublicKey;
use venia_proto::message::{PairRefusal, ToAgent, ToConsole};
use venia_proto::now::Wall;
use venia_proto::pairing::{Agent, Context, EXPORTER_LABEL, RANDOM, SessionSecret};
use venia_proto::rendezvous::{ALPN_SESSION, PairingOutcome, VERSION};
use venia_proto::session::timer::PAIRING_MS;
use venia_proto::statement::Member;
use venia_relay::client::frames::{self, FrameError, Receiver, Sender};
use venia_relay::client::link::Arriving;
use venia_relay::client::tls::{exporter, peer_key};

/// A wrong code is answered this late: as slowly as the relay answers an unknown number (SECURITY B3).
const WRONG_CODE_DELAY: Duration = Duration::from_secs(1);
/// The only technician a session has, until helpers and escalation exist.
const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);

/// A connection that has sent its first pairing message.
pub struct Attempt {
    /// Through which flow.
    pub flow: FlowId,
    connection: Connection,
    sender: Sender<ToConsole>,
    receiver: Receiver<ToAgent>,
    version: u16,
    message: Vec<u8>,
    member: Vec<u8>,
}

/// A technician who proved the code.
pub struct Peer {
    /// The end-to-end connection.
    pub connection: Connection,
    /// To the console.
    pub sender: Sender<ToConsole>,
    /// From the console.
    pub receiver: Receiver<ToAgent>,
    /// Who it is.
    pub member: Member,
    /// The member note exactly as seen.
    pub member_note: Vec<u8>,
    /// The strand the console writes.
    pub strand: Strand,
    /// The flow it came through.
    pub flow: FlowId,
    /// What a reconnect has to prove. (SECURITY A6)
    pub secret: SessionSecret,
}

/// What a pairing is bound to on this side.
#[derive(Clone)]
pub struct Bound {
    /// The organisation's root.
    pub root: Fingerprint,
    /// What the relay proved about itself.
    pub relay: Welcome,
    /// What time it is, by its ledger. (SECURITY A4)
    pub ledger_time: Wall,
    /// The session this code stands for.
    pub session: SessionId,
    /// This PC's key.
    pub agent: PublicKey,
}

/// Waits for the handshake and the first message of an announced flow.
pub async fn begin(arriving: Arriving) -> Result<Attempt, FlowId> {
    let flow = arriving.flow();
    let begin = async {
        let connection = arriving.connected().await.ok()?;
        let (sender, mut receiver) = frames::accept::<ToConsole, ToAgent>(&connection).await.ok()?;
        match receiver.expect().await.ok()? {
            ToAgent::PairStart { version, message, member } => {
                Some(Attempt { flow, connection, sender, receiver, version, message, member })
            }
            ToAgent::PairConfirm { .. }
            | ToAgent::Arrive { .. }
            | ToAgent::Ask(_)
            | ToAgent::Run(_)
            | ToAgent::Chat(_)
            | ToAgent::Note(_)
            | ToAgent::Signoff(_)
            | ToAgent::Checkpoint(_)
            | ToAgent::Reconnect { .. } => None,
        }
    };
    tokio::time::timeout(Duration::from_millis(PAIRING_MS), begin).await.ok().flatten().ok_or(flow)
}

impl Attempt {
    /// There is no code for this one.
    pub async fn refuse(mut self) {
        self.say_no(PairRefusal::Spent).await;
    }

    /// Tries the code, which is spent whatever happens.
    pub async fn spend(mut self, code: Code, bound: Bound) -> Result<Peer, PairingOutcome> {
        match self.tried(code, bound).await {
            Ok((member, secret)) => Ok(Peer {
                flow: self.flow,
                connection: self.connection,
                sender: self.sender,
                receiver: self.receiver,
                member,
                member_note: self.member,
                strand: TECHNICIAN,
                secret,
            }),
            Err(Failed::Refused(refusal)) => {
                if refusal == PairRefusal::WrongCode {
                    tokio::time::sleep(WRONG_CODE_DELAY).await;
                }
                self.say_no(refusal).await;
                Err(if refusal == PairRefusal::WrongCode {
                    PairingOutcome::WrongCode
                } else {
                    PairingOutcome::Abandoned
                })
            }
            Err(Failed::Gone) => Err(PairingOutcome::Abandoned),
        }
    }

    async fn tried(&mut self, code: Code, bound: Bound) -> Result<(Member, SessionSecret), Failed> {
        let refuse = |refusal| Failed::Refused(refusal);
        if self.version != VERSION {
            return Err(refuse(PairRefusal::Version));
        }
        let console = peer_key(&self.connection).map_err(|_| refuse(PairRefusal::Member))?;
        let member = Member::open(&self.member, &bound.relay.statement.authority)
            .ok()
            .filter(|member| member.may_help(&console, bound.ledger_time))
            .ok_or(refuse(PairRefusal::Member))?;
        let context = Context {
            version: u32::from(VERSION),
            alpn: ALPN_SESSION.to_vec(),
            root: bound.root,
            relay: bound.relay.relay.tls,
            flow: self.flow,
            session: bound.session,
            console,
            agent: bound.agent,
            exporter: exporter(&self.connection, EXPORTER_LABEL, b"").map_err(|_| Failed::Gone)?,
        };
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random).map_err(|_| Failed::Gone)?;
        let (pending, message) =
            Agent::new(code).spend(&self.message, context, random).map_err(|_| refuse(PairRefusal::Malformed))?;
        self.sender.send(&ToConsole::PairAnswer { message: message.to_vec() }).await?;
        let ToAgent::PairConfirm { mac } = self.receiver.expect().await? else {
            return Err(refuse(PairRefusal::Malformed));
        };
        let (mac, paired) = pending.verify(&mac).map_err(|_| refuse(PairRefusal::WrongCode))?;
        self.sender.send(&ToConsole::PairConfirmed { mac, strand: TECHNICIAN }).await?;
        Ok((member, paired.secret))
    }

    async fn say_no(&mut self, refusal: PairRefusal) {
        // Whoever left already can't be told.
        let _ = self.sender.send(&ToConsole::PairRefused(refusal)).await;
        let _ = tokio::time::timeout(Duration::from_secs(2), self.connection.closed()).await;
    }
}

enum Failed {
    Refused(PairRefusal),
    Gone,
}

impl From<FrameError> for Failed {
    fn from(error: FrameError) -> Self {
        tracing::debug!(%error, "a pairing broke off");
        Self::Gone
    }
}
