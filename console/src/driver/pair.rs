//! Pairing, the console's side: one code, one connection, one try. (SECURITY B1, B2)
//!
//! The console proves the code first, learns whether the agent holds it too, and forgets it either way. Nothing here
//! retries: a second guess would need a second code.

use std::time::Duration;

use quinn::Connection;
use tokio::time::timeout;
use venia_proto::code::Code;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::{FlowId, SessionId, Strand};
use venia_proto::key::PublicKey;
use venia_proto::message::{PairRefusal, ToAgent, ToConsole};
use venia_proto::pairing::{self, Context, EXPORTER_LABEL, PairingError, RANDOM, SessionSecret};
use venia_proto::rendezvous::{ALPN_SESSION, VERSION};
use venia_relay::client::frames::{self, FrameError, Receiver, Sender};
use venia_relay::client::tls::{TlsError, exporter, peer_key};

/// How long each answer of the agent may take; the agent itself gives up earlier.
const ANSWER: Duration = Duration::from_secs(15);

/// What both sides agreed to be.
pub(crate) struct Paired {
    pub(crate) connection: Connection,
    pub(crate) sender: Sender<ToAgent>,
    pub(crate) receiver: Receiver<ToConsole>,
    pub(crate) agent: PublicKey,
    pub(crate) strand: Strand,
    /// What a reconnect has to prove. (SECURITY A6)
    pub(crate) secret: SessionSecret,
}

/// What a pairing is bound to, beside the connection itself.
pub(crate) struct Binding {
    pub(crate) root: Fingerprint,
    pub(crate) relay: PublicKey,
    pub(crate) flow: FlowId,
    pub(crate) session: SessionId,
    pub(crate) console: PublicKey,
}

/// A pairing that came to nothing. The code is gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairFailed {
    /// The agent said no, and why.
    #[error("the other computer refused")]
    Refused(#[source] PairRefusal),
    /// The agent couldn't prove the code.
    #[error("the other computer doesn't know the code")]
    WrongCode(#[source] PairingError),
    /// The agent's pairing message is none.
    #[error("the other computer's pairing message is invalid")]
    Malformed,
    /// This computer gave no random bytes.
    #[error("this computer gives no random numbers")]
    Random,
    /// The connection ended or the agent was silent.
    #[error("the other computer left")]
    Gone(#[source] Option<FrameError>),
    /// The connection isn't complete.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl From<FrameError> for PairFailed {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Malformed(_) | FrameError::TooLarge(_) => Self::Malformed,
            FrameError::Read(_)
            | FrameError::Write(_)
            | FrameError::Connection(_)
            | FrameError::Ended
            | FrameError::Stalled => Self::Gone(Some(error)),
        }
    }
}

/// Pairs over the first bidirectional stream, which is then the session's control stream.
pub(crate) async fn pair(
    connection: Connection,
    code: Code,
    member: Vec<u8>,
    binding: &Binding,
) -> Result<Paired, PairFailed> {
    let agent = peer_key(&connection)?;
    let context = Context {
        version: u32::from(VERSION),
        alpn: ALPN_SESSION.to_vec(),
        root: binding.root,
        relay: binding.relay,
        flow: binding.flow,
        session: binding.session,
        console: binding.console,
        agent,
        exporter: exporter(&connection, EXPORTER_LABEL, b"")?,
    };
    let mut random = [0; RANDOM];
    getrandom::fill(&mut random).map_err(|_| PairFailed::Random)?;
    let (console, share) = pairing::Console::start(code, context, random).map_err(wrong)?;

    let (mut sender, mut receiver) = frames::open::<ToAgent, ToConsole>(&connection).await?;
    sender.send(&ToAgent::PairStart { version: VERSION, message: share.to_vec(), member }).await?;
    let share = match expect(&mut receiver).await? {
        ToConsole::PairAnswer { message } => message,
        ToConsole::PairRefused(why) => return Err(PairFailed::Refused(why)),
        ToConsole::PairConfirmed { .. }
        | ToConsole::Event { .. }
        | ToConsole::CloseRecorded
        | ToConsole::Checkpoint(_)
        | ToConsole::Statement { .. }
        | ToConsole::Reconnected { .. } => {
            return Err(PairFailed::Malformed);
        }
    };
    let (mac, pending) = console.answer(&share).map_err(wrong)?;
    sender.send(&ToAgent::PairConfirm { mac }).await?;
    let (mac, strand) = match expect(&mut receiver).await? {
        ToConsole::PairConfirmed { mac, strand } => (mac, strand),
        ToConsole::PairRefused(why) => return Err(PairFailed::Refused(why)),
        ToConsole::PairAnswer { .. }
        | ToConsole::Event { .. }
        | ToConsole::CloseRecorded
        | ToConsole::Checkpoint(_)
        | ToConsole::Statement { .. }
        | ToConsole::Reconnected { .. } => {
            return Err(PairFailed::Malformed);
        }
    };
    let secret = pending.finish(&mac).map_err(|error| PairFailed::WrongCode(error.into()))?.secret;
    if strand == Strand::Agent {
        return Err(PairFailed::Malformed);
    }
    Ok(Paired { connection, sender, receiver, agent, strand, secret })
}

async fn expect(receiver: &mut Receiver<ToConsole>) -> Result<ToConsole, PairFailed> {
    timeout(ANSWER, receiver.expect()).await.map_err(|_| PairFailed::Gone(None))?.map_err(PairFailed::from)
}

fn wrong(error: PairingError) -> PairFailed {
    match error {
        PairingError::Randomness => PairFailed::Random,
        PairingError::Malformed => PairFailed::Malformed,
        PairingError::WrongCode(_) => PairFailed::WrongCode(error),
    }
}
