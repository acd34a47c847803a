//! The two ends of a session on the wire, in the bench's own process, with a real relay process between them: what the network
//! layer alone costs, without pairing, person or record.

#![expect(clippy::expect_used, reason = "a bench that can't go on says so")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{Connection, Endpoint, RecvStream, SendStream};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use venia_proto::id::{FlowId, SessionId};
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{ALPN_SESSION, Answer, Call, PairingOutcome, Push};
use venia_relay::client::control::{Control, Hearing};
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::{Expected, Identity};

use crate::harness::visitor::Visitor;
use crate::harness::within;
use crate::harness::world::World;

/// Nobody waits for longer; a bench that can't go on says so.
const LOST: Duration = Duration::from_secs(20);

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A box between a console and the relay that can change its outer port without telling anybody.
pub struct Nat {
    at: SocketAddr,
    renew: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

impl Nat {
    /// In front of this relay.
    pub async fn build(relay: SocketAddr) -> Self {
        let bound = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let (inner, mut outer) = (bound().await.expect("a socket"), bound().await.expect("a socket"));
        let at = inner.local_addr().expect("bound");
        let (renew, mut renewals) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
        tokio::spawn(async move {
            let (mut inside, mut up, mut down) = (None, vec![0; 2000], vec![0; 2000]);
            loop {
                tokio::select! {
                    renewal = renewals.recv() => {
                        let Some(done) = renewal else { return };
                        outer = bound().await.expect("a socket");
                        let _ = done.send(());
                    }
                    Ok((len, from)) = inner.recv_from(&mut up) => {
                        inside = Some(from);
                        let _ = outer.send_to(&up[..len], relay).await;
                    }
                    Ok((len, _)) = outer.recv_from(&mut down) => {
                        if let Some(inside) = inside {
                            let _ = inner.send_to(&down[..len], inside).await;
                        }
                    }
                }
            }
        });
        Self { at, renew }
    }

    /// Another outer port from now on.
    pub async fn renew(&self) {
        let (done, renewed) = oneshot::channel();
        self.renew.send(done).expect("it lives");
        renewed.await.expect("it lives");
    }
}

/// A technician on the wire: a member with a control connection.
pub struct Member {
    link: Link,
    control: Control,
    _hearing: Hearing,
}

impl Member {
    /// Enrols, and comes back by this way.
    pub async fn at(world: &World, name: &str, relay: SocketAddr) -> Self {
        let visitor = Visitor::enrolled(world, name, 2).await;
        let link = Link::bind(None, &visitor.key, relay, Role::Console).expect("a link");
        let connecting = Control::connect(&link, &world.address.root, None);
        let (control, _hearing) = within("the relay", connecting).await.expect("the relay");
        Self { link, control, _hearing }
    }

    /// Hangs up.
    pub fn leaves(&self, talk: &Talk) {
        talk.close();
        if let Some(flow) = talk.flow {
            self.link.forget(flow);
        }
    }
}

/// An agent that waits to be found, once; then it echoes whatever comes.
pub struct Waiting {
    number: u32,
    found: tokio::task::JoinHandle<Found>,
}

/// An agent somebody came to.
struct Found {
    control: Arc<Control>,
    flow: FlowId,
}

impl Found {
    /// Tells the relay how the pairing went, as an agent does once there was one: what it says to the console before waits for no relay.
    async fn agrees(self) {
        let paired = Call::Paired { flow: self.flow, outcome: PairingOutcome::Agreed };
        self.control.call(paired).await.expect("noted");
    }
}

impl Waiting {
    /// A new device.
    pub async fn begin(world: &World) -> Self {
        let key = SigningKey::new("device", random());
        let link = Link::bind(None, &key, world.listening(), Role::Agent).expect("a link");
        let connecting = Control::connect(&link, &world.address.root, None);
        let (control, mut hearing) = within("the relay", connecting).await.expect("the relay");
        let register = Call::Register { session: SessionId(random()) };
        let answer = within("a number", control.call(register)).await.expect("a number");
        let number = if let Answer::Registered { number } = answer { Some(number) } else { None }.expect("a number");
        let control = Arc::new(control);
        let found = tokio::spawn(async move {
            let push = hearing.push().await;
            let flow = if let Some(Push::Knock { flow, .. }) = push { Some(flow) } else { None }.expect("a knock");
            link.announce(flow, Expected::Anyone).expect("a new flow");
            let connection = link.accept().await.expect("somebody").connected().await.expect("a handshake");
            tokio::spawn(echo(connection, Some((link, control.clone(), hearing))));
            Found { control, flow }
        });
        Self { number, found }
    }
}

/// Answers each byte with itself; holds what must live as long.
async fn echo<T>(connection: Connection, _held: T) {
    while let Ok((mut send, mut receive)) = connection.accept_bi().await {
        tokio::spawn(async move {
            let mut byte = [0];
            while receive.read_exact(&mut byte).await.is_ok() {
                if send.write_all(&byte).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// A stream to the other end, which echoes.
pub struct Talk {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    /// Through the relay.
    flow: Option<FlowId>,
}

impl Talk {
    /// One byte there and back.
    pub async fn ping(&mut self) -> Duration {
        let began = Instant::now();
        let there_and_back = async {
            self.send.write_all(&[7]).await.expect("a connection");
            self.receive.read_exact(&mut [0]).await.expect("an echo");
        };
        timeout(LOST, there_and_back).await.expect("an echo in time");
        began.elapsed()
    }

    /// Ends it.
    pub fn close(&self) {
        self.connection.close(0_u32.into(), b"");
    }
}

/// From the number of a code to the first byte of an answer. Gives the open stream and how long that took.
pub async fn first_byte(member: &Member, waiting: Waiting) -> (Talk, Duration) {
    let began = Instant::now();
    let join = member.control.call(Call::Join { number: waiting.number });
    let answer = within("a flow", join).await.expect("a flow");
    let flow = if let Answer::Joined { flow, .. } = answer { Some(flow) } else { None }.expect("a flow");
    let connection = within("the agent", member.link.dial(flow, Expected::Anyone)).await.expect("the agent");
    let (send, receive) = connection.open_bi().await.expect("a stream");
    let mut talk = Talk { connection, send, receive, flow: Some(flow) };
    talk.ping().await;
    let took = began.elapsed();
    within("the agent", waiting.found).await.expect("an agent").agrees().await;
    (talk, took)
}

/// The floor: one endpoint that is dialled and echoes, with the same TLS, and nothing in between.
pub struct Direct {
    server: Endpoint,
    client: Endpoint,
    identity: Identity,
}

impl Direct {
    /// On loopback.
    pub fn build() -> Self {
        let key = || SigningKey::new("device", random());
        let identity = |key: &SigningKey| Identity::new(key).expect("an identity");
        let crypto = identity(&key()).server(ALPN_SESSION, Expected::Anyone).expect("settings");
        let here: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Endpoint::server(quinn::ServerConfig::with_crypto(crypto), here).expect("a socket");
        let client = Endpoint::client(here).expect("a socket");
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Some(incoming) = accepting.accept().await {
                tokio::spawn(async move {
                    if let Ok(connection) = incoming.await {
                        echo(connection, ()).await;
                    }
                });
            }
        });
        Self { server, client, identity: identity(&key()) }
    }

    /// The same as [`first_byte`], without anything in between.
    pub async fn first_byte(&self) -> Duration {
        let began = Instant::now();
        let crypto = self.identity.client(ALPN_SESSION, Expected::Anyone).expect("settings");
        let at = self.server.local_addr().expect("bound");
        let connecting = self.client.connect_with(quinn::ClientConfig::new(crypto), at, "venia.invalid");
        let connection = within("a connection", connecting.expect("settings")).await.expect("a connection");
        let (send, receive) = connection.open_bi().await.expect("a stream");
        let mut talk = Talk { connection, send, receive, flow: None };
        talk.ping().await;
        let took = began.elapsed();
        talk.close();
        took
    }
}

/// A world on this disk, and a member who reaches its relay by a box.
pub async fn moving(world: &World) -> (Arc<Nat>, Member) {
    let nat = Arc::new(Nat::build(world.listening()).await);
    let member = Member::at(world, "Ana", nat.at).await;
    (nat, member)
}
