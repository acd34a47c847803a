//! A whole relay, and peers behind boxes that give them new addresses without a word: a session finds its way again by
//! itself, and nobody else can lead it astray.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quinn::Connection;
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use venia_proto::id::{FlowId, SessionId};
use venia_proto::invite::Invite;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{Answer, Call, PairingOutcome, Push};
use venia_proto::statement::Role;
use venia_relay::client::control::{Control, Hearing};
use venia_relay::client::link::{Link, Role as End};
use venia_relay::client::packet::{nudge, prefix};
use venia_relay::client::tls::Expected;
use venia_relay::server::admin::{self, Reply, Request};
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::serve::{Options, Running};

/// Longer than any honest step takes here.
const PATIENCE: Duration = Duration::from_secs(20);
/// A peer's control connection is silent for so long by itself: what heals sooner was healed by a nudge.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// A box between a peer and the relay, as most people have: it knows only addresses, keeps a copy of every packet, and can
/// change its outer port at any time.
struct Nat {
    at: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Packets from the relay since the last change.
    answers: Arc<AtomicUsize>,
    renew: mpsc::UnboundedSender<oneshot::Sender<()>>,
    /// Whether plain packets leave by `thief` instead: somebody on the way races them with a forged source.
    stolen: Arc<AtomicBool>,
    thief: Arc<UdpSocket>,
}

async fn bound() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

impl Nat {
    async fn build(relay: SocketAddr) -> Self {
        let (inner, mut outer, thief) = (bound().await, bound().await, Arc::new(bound().await));
        let at = inner.local_addr().unwrap();
        let (renew, mut renewals) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
        let nat = Self { at, seen: Arc::default(), answers: Arc::default(), renew, stolen: Arc::default(), thief };
        let (seen, answers) = (nat.seen.clone(), nat.answers.clone());
        let (stolen, thief) = (nat.stolen.clone(), nat.thief.clone());
        tokio::spawn(async move {
            let mut inside = None;
            let (mut up, mut down) = (vec![0; 2000], vec![0; 2000]);
            loop {
                tokio::select! {
                    renewal = renewals.recv() => {
                        let Some(done) = renewal else { return };
                        outer = bound().await;
                        answers.store(0, Ordering::SeqCst);
                        let _ = done.send(());
                    }
                    Ok((len, from)) = inner.recv_from(&mut up) => {
                        inside = Some(from);
                        seen.lock().unwrap().push(up[..len].to_vec());
                        let out = if stolen.load(Ordering::SeqCst) && up[0] & 0xc0 != 0 { &thief } else { &outer };
                        let _ = out.send_to(&up[..len], relay).await;
                    }
                    Ok((len, from)) = outer.recv_from(&mut down) => {
                        seen.lock().unwrap().push(down[..len].to_vec());
                        if let (Some(inside), true) = (inside, from == relay) {
                            let _ = inner.send_to(&down[..len], inside).await;
                            answers.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }
            }
        });
        nat
    }

    /// Another outer port from now on; whatever comes to the old one is lost.
    async fn renew(&self) {
        let (done, renewed) = oneshot::channel();
        self.renew.send(done).unwrap();
        within(renewed).await.unwrap();
    }

    fn nudges(&self, flow: FlowId) -> usize {
        self.seen.lock().unwrap().iter().filter(|packet| **packet == nudge(flow)).count()
    }
}

struct World {
    relay: Running,
    folder: TempDir,
}

struct Peer {
    nat: Nat,
    link: Link,
    key: SigningKey,
    control: Arc<Control>,
    pushes: Hearing,
}

impl World {
    async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { disk_floor: 0, ..Limits::default() };
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let options = Options { listen, public: None, name: None, keep_days: None, limits };
        let relay = Running::start(&folder.path().join("relay"), options).await.unwrap();
        Self { relay, folder }
    }

    /// Somebody behind a box of their own.
    async fn peer(&self, key: SigningKey, end: End) -> Peer {
        let nat = Nat::build(self.relay.listening()).await;
        let link = Link::bind(None, &key, nat.at, end).unwrap();
        let root = self.relay.address().root;
        let (control, pushes) = within(Control::connect(&link, &root, None)).await.unwrap();
        Peer { nat, link, key, control: Arc::new(control), pushes }
    }

    /// An agent and a technician.
    async fn peers(&self) -> (Peer, Peer) {
        let agent = self.peer(SigningKey::new("device", [3; 32]), End::Agent).await;
        let ana = self.peer(SigningKey::new("member", [1; 32]), End::Console).await;
        let request = Request::Invite { name: "Ana".to_owned(), role: Role::Technician, level: 2 };
        let reply = within(admin::ask(&self.folder.path().join("relay"), &request)).await.unwrap();
        let Some(Reply::Invite { invite, .. }) = reply else { panic!("{reply:?}") };
        let secret = invite.0.parse::<Invite>().unwrap().secret.as_bytes().to_vec();
        ana.call(Call::Enroll { secret, key: ana.key.verifier().to_string() }).await;
        (agent, ana)
    }
}

impl Peer {
    async fn call(&self, call: Call) -> Answer {
        within(self.control.call(call)).await.unwrap()
    }

    async fn register(&self) -> u32 {
        let answer = self.call(Call::Register { session: SessionId([5; 16]) }).await;
        let Answer::Registered { number } = answer else { panic!("{answer:?}") };
        number
    }
}

/// The technician joins and dials: the flow, and the end-to-end connection's two ends, agent first.
async fn session(agent: &mut Peer, ana: &Peer, number: u32) -> (FlowId, Connection, Connection) {
    let answer = ana.call(Call::Join { number }).await;
    let Answer::Joined { flow, .. } = answer else { panic!("{answer:?}") };
    let knock = within(agent.pushes.push()).await.unwrap();
    assert!(matches!(knock, Push::Knock { flow: knocked, .. } if knocked == flow), "{knock:?}");
    agent.link.announce(flow, Expected::Key(*ana.key.public())).unwrap();
    let accepting = async { agent.link.accept().await.unwrap().connected().await.unwrap() };
    let dialling = async { ana.link.dial(flow, Expected::Key(*agent.key.public())).await.unwrap() };
    let (inner, outer) = within(async { tokio::join!(accepting, dialling) }).await;
    agent.call(Call::Paired { flow, outcome: PairingOutcome::Agreed }).await;
    (flow, inner, outer)
}

/// Something one end says, whole at the other.
async fn says(from: &Connection, to: &Connection, len: usize) {
    let said: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
    let say = async {
        let mut stream = from.open_uni().await.unwrap();
        stream.write_all(&said).await.unwrap();
        stream.finish().unwrap();
    };
    let hear = async { to.accept_uni().await.unwrap().read_to_end(len).await.unwrap() };
    let ((), heard) = within(async { tokio::join!(say, hear) }).await;
    assert!(heard == said, "it arrived damaged");
}

#[tokio::test]
async fn what_passes_the_relay_is_unreadable() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (flow, inner, outer) = session(&mut agent, &ana, number).await;
    let text = b"the person's own words, said to the technician alone";
    let mut stream = inner.open_uni().await.unwrap();
    stream.write_all(text).await.unwrap();
    stream.finish().unwrap();
    let heard = within(async { outer.accept_uni().await.unwrap().read_to_end(text.len()).await.unwrap() }).await;
    assert_eq!(heard, text);
    for peer in [&agent, &ana] {
        let seen = peer.nat.seen.lock().unwrap();
        assert!(seen.iter().filter(|packet| packet.starts_with(&prefix(flow))).count() > 4, "the session passed here");
        assert!(!seen.iter().any(|packet| packet.windows(8).any(|bytes| bytes == &text[4..12])));
    }
}

/// TRANSPORT, pitfall 1: an endpoint that offers to be greased gets packets that look prefixed, or like nothing at all.
#[tokio::test]
async fn every_packet_has_quics_fixed_bit() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (flow, inner, outer) = session(&mut agent, &ana, number).await;
    says(&inner, &outer, 500_000).await;
    says(&outer, &inner, 500_000).await;
    for _ in 0..20 {
        ana.call(Call::Renew).await;
        agent.register().await;
    }
    for peer in [&agent, &ana] {
        let (mut plain, mut forwarded) = (0, 0);
        for packet in peer.nat.seen.lock().unwrap().iter() {
            let quic = if packet.starts_with(&prefix(flow)) {
                forwarded += 1;
                &packet[prefix(flow).len()..]
            } else {
                plain += 1;
                packet
            };
            assert_eq!(quic[0] & 0x40, 0x40, "{quic:02x?}");
        }
        assert!(plain > 30 && forwarded > 300, "{plain} {forwarded}");
    }
}

#[tokio::test]
async fn c1_a_console_that_moved_unnoticed_is_followed_at_once() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (flow, inner, outer) = session(&mut agent, &ana, number).await;
    says(&outer, &inner, 1000).await;
    // Twice: a question was asked before, and the next may be.
    for _ in 0..2 {
        ana.nat.renew().await;
        let (moved, before) = (Instant::now(), ana.nat.nudges(flow));
        says(&outer, &inner, 100_000).await;
        says(&inner, &outer, 100_000).await;
        assert!(moved.elapsed() < KEEP_ALIVE / 3, "{:?}", moved.elapsed());
        assert!(ana.nat.nudges(flow) > before);
    }
    assert_eq!(agent.nat.nudges(flow), 0, "who didn't move isn't nudged");
}

#[tokio::test]
async fn c1_an_agent_that_moved_unnoticed_is_followed_at_once() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (flow, inner, outer) = session(&mut agent, &ana, number).await;
    says(&inner, &outer, 1000).await;
    agent.nat.renew().await;
    let moved = Instant::now();
    says(&inner, &outer, 100_000).await;
    says(&outer, &inner, 100_000).await;
    assert!(moved.elapsed() < KEEP_ALIVE / 3, "{:?}", moved.elapsed());
    assert!(agent.nat.nudges(flow) > 0);
}

#[tokio::test]
async fn c1_both_may_move_at_once() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (_, inner, outer) = session(&mut agent, &ana, number).await;
    says(&inner, &outer, 1000).await;
    ana.nat.renew().await;
    agent.nat.renew().await;
    let moved = Instant::now();
    // Each end must say something from its new address before anything can reach it.
    within(async { tokio::join!(says(&inner, &outer, 10_000), says(&outer, &inner, 10_000)) }).await;
    assert!(moved.elapsed() < KEEP_ALIVE / 3, "{:?}", moved.elapsed());
}

/// Everything that came to a socket so far.
fn received(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut packet = vec![0; 2000];
    while let Ok(len) = socket.try_recv(&mut packet) {
        packets.push(packet[..len].to_vec());
    }
    packets
}

#[tokio::test]
async fn c4_a_stolen_control_packet_never_moves_the_flow() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (_, inner, outer) = session(&mut agent, &ana, number).await;
    says(&outer, &inner, 1000).await;
    ana.nat.stolen.store(true, Ordering::SeqCst);
    let control = ana.control.clone();
    let renewal = tokio::spawn(async move { control.call(Call::Renew).await });
    // QUIC at the relay takes the thief's address for the technician's, and answers there.
    within(ana.nat.thief.readable()).await.unwrap();
    for _ in 0..3 {
        says(&outer, &inner, 200_000).await;
        says(&inner, &outer, 200_000).await;
    }
    let stolen = received(&ana.nat.thief);
    assert!(!stolen.is_empty());
    let plain = |packet: &Vec<u8>| packet.first().is_some_and(|first| first & 0xc0 != 0);
    assert!(stolen.iter().all(plain), "the thief got packets of the session");
    ana.nat.stolen.store(false, Ordering::SeqCst);
    // The next packet from where she really is brings the control connection back, and with it what was held up.
    ana.call(Call::Renew).await;
    assert!(matches!(within(renewal).await.unwrap(), Ok(Answer::Member { .. })));
    says(&outer, &inner, 1000).await;
    assert!(received(&ana.nat.thief).iter().all(plain));
}

#[tokio::test]
async fn c4_replayed_packets_never_move_the_flow() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    let (flow, inner, outer) = session(&mut agent, &ana, number).await;
    says(&outer, &inner, 10_000).await;
    let thief = bound().await;
    let captured = ana.nat.seen.lock().unwrap().clone();
    assert!(captured.iter().any(|packet| packet.starts_with(&prefix(flow))));
    for packet in &captured {
        thief.send_to(packet, world.relay.listening()).await.unwrap();
    }
    // These queue behind the replayed ones.
    ana.call(Call::Renew).await;
    says(&outer, &inner, 200_000).await;
    says(&inner, &outer, 200_000).await;
    let answers = received(&thief);
    assert!(answers.contains(&nudge(flow).to_vec()));
    assert!(answers.iter().all(|packet| !packet.starts_with(&prefix(flow))), "the flow moved");
}

#[tokio::test]
async fn c4_an_agent_that_moved_while_it_waited_can_be_met() {
    let world = World::build().await;
    let (mut agent, ana) = world.peers().await;
    let number = agent.register().await;
    agent.nat.renew().await;
    // A packet without any whole frame of ours, as the keep-alive is: only QUIC at the relay notices the new address.
    let (mut begun, _answer) = within(agent.control.connection().open_bi()).await.unwrap();
    begun.write_all(&[0]).await.unwrap();
    within(async {
        while agent.nat.answers.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let (_, inner, outer) = session(&mut agent, &ana, number).await;
    says(&outer, &inner, 1000).await;
    says(&inner, &outer, 1000).await;
}
