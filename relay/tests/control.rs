//! A whole relay over real QUIC on loopback: who may come in, who meets whom, what is recorded, and what bad bytes get.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one answer among any")]

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::greeting::GreetingError;
use venia_proto::id::{FlowId, SessionId, Strand};
use venia_proto::invite::Invite;
use venia_proto::key::SigningKey;
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{Event, part_names};
use venia_proto::ledger::kind::{Cause, Kind, Verified};
use venia_proto::ledger::merkle::{Tree, verify_inclusion};
use venia_proto::ledger::note;
use venia_proto::ledger::notice::{LogEntry, Looking, Notice};
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::strand::Author;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{
    Answer, Call, EventFault, FlowEnd, FromRelay, PairingOutcome, Push, Refusal, ToRelay, VERSION,
};
use venia_proto::statement::{Member, Role, StatementError};
use venia_proto::wire::{self, Limit};
use venia_relay::client::code;
use venia_relay::client::control::{Control, ControlError, Hearing};
use venia_relay::client::home::Home;
use venia_relay::client::link::{Link, Role as End};
use venia_relay::client::tls::Expected;
use venia_relay::server::admin::{self, Reply, Request, Why};
use venia_relay::server::config;
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::serve::{Options, Running, ServeError};

const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    folder: PathBuf,
    relay: Running,
    _temporary: TempDir,
}

struct Peer {
    link: Link,
    key: SigningKey,
    control: Control,
    pushes: Hearing,
}

fn options(listen: SocketAddr) -> Options {
    Options { listen, public: None, name: None, keep_days: None, limits: Limits { disk_floor: 0, ..Limits::default() } }
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

async fn world() -> World {
    configured("").await
}

/// With this `relay.toml`.
async fn configured(config: &str) -> World {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("relay");
    Home::open(&folder, true).unwrap().write(config::FILE, config.as_bytes()).unwrap();
    let relay = Running::start(&folder, options(anywhere())).await.unwrap();
    World { folder, relay, _temporary: temporary }
}

fn key(seed: u8, kind: &str) -> SigningKey {
    SigningKey::new(kind, [seed; 32])
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ControlError>) -> Refusal {
    match result {
        Err(ControlError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

impl World {
    fn root(&self) -> Fingerprint {
        self.relay.address().root
    }

    fn bind(&self, key: &SigningKey, end: End) -> Link {
        Link::bind(None, key, self.relay.listening(), end).unwrap()
    }

    async fn peer(&self, key: SigningKey, end: End) -> Peer {
        let link = self.bind(&key, end);
        let (control, pushes) = within(Control::connect(&link, &self.root(), None)).await.unwrap();
        Peer { link, key, control, pushes }
    }

    async fn agent(&self, seed: u8) -> Peer {
        self.peer(key(seed, "device"), End::Agent).await
    }

    async fn invite(&self, name: &str, role: Role) -> Invite {
        let request = Request::Invite { name: name.to_owned(), role, level: 2 };
        match within(admin::ask(&self.folder, &request)).await.unwrap() {
            Some(Reply::Invite { invite, .. }) => invite.0.parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// A connected, enrolled technician.
    async fn technician(&self, seed: u8, name: &str) -> Peer {
        let peer = self.peer(key(seed, "member"), End::Console).await;
        let invite = self.invite(name, Role::Technician).await;
        peer.enroll(&invite).await.unwrap();
        peer
    }

    async fn restart(self) -> Self {
        let Self { folder, relay, _temporary } = self;
        // Another port, told by the same public address: the old socket may take a moment to go.
        let public = Some(relay.address().at.clone());
        within(relay.stop()).await;
        let relay = Running::start(&folder, Options { public, ..options(anywhere()) }).await.unwrap();
        Self { folder, relay, _temporary }
    }
}

impl Peer {
    async fn call(&self, call: Call) -> Result<Answer, ControlError> {
        within(self.control.call(call)).await
    }

    async fn enroll(&self, invite: &Invite) -> Result<Answer, ControlError> {
        let secret = invite.secret.as_bytes().to_vec();
        self.call(Call::Enroll { secret, key: self.key.verifier().to_string() }).await
    }

    async fn register(&self, session: SessionId) -> Result<u32, ControlError> {
        match self.call(Call::Register { session }).await? {
            Answer::Registered { number } => Ok(number),
            other => panic!("{other:?}"),
        }
    }

    async fn join(&self, number: u32) -> Result<FlowId, ControlError> {
        match self.call(Call::Join { number }).await? {
            Answer::Joined { flow, .. } => Ok(flow),
            other => panic!("{other:?}"),
        }
    }

    async fn push(&mut self) -> Push {
        within(self.pushes.push()).await.expect("a push")
    }

    async fn submit(&self, events: &[Vec<u8>]) -> Result<(Checkpoint, Vec<u64>), ControlError> {
        let answer = self.call(Call::Submit { events: events.to_vec(), known: 0 }).await?;
        let Answer::Receipts { checkpoint, entries, .. } = answer else { panic!("{answer:?}") };
        let checkpoint = Checkpoint::open(&checkpoint, &self.control.welcome().relay.log).unwrap();
        for (event, entry) in events.iter().zip(&entries) {
            verify_inclusion(note::leaf(event), entry.index, checkpoint.size, &checkpoint.root, &entry.path).unwrap();
        }
        assert_eq!(entries.len(), events.len());
        Ok((checkpoint, entries.iter().map(|entry| entry.index).collect()))
    }
}

fn write(strand: &mut Author, kind: Kind, key: &SigningKey) -> Vec<u8> {
    let names = part_names(&kind);
    let parts: Vec<_> = names.iter().map(|name| Opening::make([1; 32], b"{}").unwrap().part(*name, None)).collect();
    let event: Event = strand.write(kind, &parts, Wall::from_ms(0), key);
    event.bytes().to_vec()
}

#[tokio::test]
async fn a3_an_invite_makes_one_member_and_the_same_key_renews() {
    let world = world().await;
    let ana = world.peer(key(1, "member"), End::Console).await;
    assert_eq!(refusal(ana.call(Call::Renew).await), Refusal::NotMember);
    let unknown = Call::Enroll { secret: vec![7; 20], key: ana.key.verifier().to_string() };
    assert_eq!(refusal(ana.call(unknown).await), Refusal::InviteUnknown);
    let invite = world.invite("Ana", Role::Technician).await;
    assert_eq!(invite.relay, world.relay.address());
    // Somebody else's key: the connection doesn't prove it.
    let secret = invite.secret.as_bytes().to_vec();
    let stolen = Call::Enroll { secret, key: key(9, "member").verifier().to_string() };
    assert_eq!(refusal(ana.call(stolen).await), Refusal::NotAllowed);
    let welcome = ana.control.welcome();
    for answer in [ana.enroll(&invite).await.unwrap(), ana.call(Call::Renew).await.unwrap()] {
        let Answer::Member { note } = answer else { panic!("{answer:?}") };
        let member = Member::open(&note, &welcome.statement.authority).unwrap();
        assert_eq!(member.key, *ana.key.verifier());
        assert_eq!((member.name, member.role, member.level), (Foreign::new("Ana"), Role::Technician, 2));
        assert!(member.not_after > welcome.ledger_time);
    }
    let bo = world.peer(key(2, "member"), End::Console).await;
    assert_eq!(refusal(bo.enroll(&invite).await), Refusal::InviteUsed);
    let again = Request::Invite { name: "aNA".to_owned(), role: Role::Auditor, level: 1 };
    let answer = within(admin::ask(&world.folder, &again)).await.unwrap();
    assert_eq!(answer, Some(Reply::Refused { why: Why::NameTaken }));
}

#[tokio::test]
async fn a_member_meets_an_agent_by_number_and_they_talk_through_the_relay() {
    let world = world().await;
    let mut agent = world.agent(3).await;
    let session = SessionId([5; 16]);
    let number = agent.register(session).await.unwrap();
    let stranger = world.peer(key(4, "member"), End::Console).await;
    assert_eq!(refusal(stranger.join(number).await), Refusal::NotMember);
    let auditor = world.invite("Bo", Role::Auditor).await;
    stranger.enroll(&auditor).await.unwrap();
    assert_eq!(refusal(stranger.join(number).await), Refusal::NotAllowed, "an auditor reads records");
    let ana = world.technician(1, "Ana").await;
    assert_eq!(refusal(ana.join(number % 9 + 1_000).await), Refusal::NoSuchCode);
    let flow = ana.join(number).await.unwrap();
    let Push::Knock { flow: knocked, session: of, member } = agent.push().await else { panic!() };
    assert_eq!((knocked, of), (flow, session));
    let member = Member::open(&member, &agent.control.welcome().statement.authority).unwrap();
    assert_eq!(member.key.key, *ana.key.public());
    agent.link.announce(flow, Expected::Key(*ana.key.public())).unwrap();
    let accepting = async { agent.link.accept().await.unwrap().connected().await.unwrap() };
    let dialling = async { ana.link.dial(flow, Expected::Key(*agent.key.public())).await.unwrap() };
    let (inner, outer) = within(async { tokio::join!(accepting, dialling) }).await;
    let mut stream = outer.open_uni().await.unwrap();
    stream.write_all(b"venia").await.unwrap();
    stream.finish().unwrap();
    let heard = within(async { inner.accept_uni().await.unwrap().read_to_end(16).await.unwrap() }).await;
    assert_eq!(heard, b"venia");
    agent.call(Call::Paired { flow, outcome: PairingOutcome::Agreed }).await.unwrap();
    assert_eq!(refusal(ana.join(number).await), Refusal::NoSuchCode, "a code is spent once");
    ana.call(Call::EndFlow { flow }).await.unwrap();
    assert_eq!(agent.push().await, Push::FlowEnded { flow, why: FlowEnd::Left });
    assert_eq!(refusal(ana.call(Call::EndFlow { flow }).await), Refusal::NotAllowed);
}

#[tokio::test]
async fn a5_revocation_closes_control_removes_flows_and_tells_the_agent() {
    let world = world().await;
    let (mut agent, ana) = (world.agent(3).await, world.technician(1, "Ana").await);
    let number = agent.register(SessionId([5; 16])).await.unwrap();
    let flow = ana.join(number).await.unwrap();
    assert!(matches!(agent.push().await, Push::Knock { .. }));
    let revoke = |name: &str| Request::Revoke { name: name.to_owned() };
    let unknown = within(admin::ask(&world.folder, &revoke("Zoe"))).await.unwrap();
    assert_eq!(unknown, Some(Reply::Refused { why: Why::NoSuchMember }));
    let done = within(admin::ask(&world.folder, &revoke("ana"))).await.unwrap();
    assert_eq!(done, Some(Reply::Revoked { name: Foreign::new("Ana") }));
    assert_eq!(agent.push().await, Push::FlowEnded { flow, why: FlowEnd::Revoked });
    assert!(matches!(within(ana.control.closed()).await, ControlError::Revoked));
    assert!(matches!(ana.call(Call::Renew).await, Err(ControlError::Revoked)));
    let back = world.peer(key(1, "member"), End::Console).await;
    assert_eq!(refusal(back.call(Call::Renew).await), Refusal::Revoked);
    assert_eq!(refusal(back.join(number).await), Refusal::Revoked);
    let Some(Reply::Members { members }) = within(admin::ask(&world.folder, &Request::Members)).await.unwrap() else {
        panic!()
    };
    assert!(members.len() == 1 && members[0].revoked.is_some());
}

#[tokio::test]
async fn events_are_recorded_proven_and_survive_a_restart() {
    let world = world().await;
    let (agent, ana) = (world.agent(3).await, world.technician(1, "Ana").await);
    let session = SessionId([5; 16]);
    let number = agent.register(session).await.unwrap();
    let mut strand = Author::new(session, Strand::Agent);
    let open = write(&mut strand, Kind::Open { versions: vec![1] }, &agent.key);
    let early = refusal(agent.submit(std::slice::from_ref(&open)).await);
    assert_eq!(early, Refusal::Event { place: 0, fault: EventFault::Session }, "nobody came yet");
    let flow = ana.join(number).await.unwrap();
    agent.call(Call::Paired { flow, outcome: PairingOutcome::Agreed }).await.unwrap();
    let technician = Strand::Technician(NonZeroU16::MIN);
    let join = Kind::Join { strand: technician, key: ana.key.verifier().clone(), verified: Verified::Code };
    let join = write(&mut strand, join, &agent.key);
    let (_, first) = agent.submit(&[open.clone(), join.clone()]).await.unwrap();
    let mut theirs = Author::new(session, technician);
    let request = write(&mut theirs, Kind::Request, &ana.key);
    strand.follow(&Event::parse(&request).unwrap());
    let held = strand.held();
    let close = write(&mut strand, Kind::Close { by: Cause::Person, cause: Cause::Done, held }, &agent.key);
    agent.submit(&[request.clone(), close.clone()]).await.unwrap();
    assert_eq!(
        refusal(ana.submit(std::slice::from_ref(&request)).await),
        Refusal::Event { place: 0, fault: EventFault::Session },
        "only the agent submits for its session"
    );
    let prove = Call::Prove { session, skip: 0, size: 0, first: first[0] };
    let notes = [open.clone(), join.clone(), request, close];
    let check = |answer: Answer, log| {
        let Answer::Proofs { checkpoint, entries, batches, more, .. } = answer else { panic!("{answer:?}") };
        let checkpoint = Checkpoint::open(&checkpoint, log).unwrap();
        assert_eq!((entries.len(), batches.len(), more), (4, 1, false));
        for (entry, note) in entries.iter().zip(&notes) {
            let (leaf, entry) = (note::leaf(note), &entry.entry);
            verify_inclusion(leaf, entry.index, checkpoint.size, &checkpoint.root, &entry.path).unwrap();
        }
        assert_eq!(batches[0].strand, technician);
        Batch::open(&batches[0].note, log).unwrap();
    };
    for peer in [&agent, &ana] {
        check(peer.call(prove.clone()).await.unwrap(), &peer.control.welcome().relay.log);
    }
    let other = world.agent(8).await;
    assert_eq!(refusal(other.call(prove.clone()).await), Refusal::NotAllowed);

    let (root, before) = (world.root(), agent.control.welcome().clone());
    let world = world.restart().await;
    assert!(matches!(within(agent.control.closed()).await, ControlError::Unreachable(_)));
    assert_eq!(world.root(), root);
    let (agent, ana) = (world.agent(3).await, world.peer(key(1, "member"), End::Console).await);
    let after = agent.control.welcome();
    assert_eq!(after.statement_note, before.statement_note, "nothing it says has changed");
    assert!(after.ledger_time >= before.ledger_time && after.batch != before.batch, "the time is fresh");
    let (_, again) = agent.submit(&[open, join]).await.unwrap();
    assert_eq!(again, first, "the same events, the same places");
    ana.call(Call::Renew).await.unwrap();
    check(ana.call(prove).await.unwrap(), &after.relay.log);
    let address = within(admin::ask(&world.folder, &Request::Address)).await.unwrap();
    assert_eq!(address, Some(Reply::Address { address: world.relay.address().to_string() }));
}

#[tokio::test]
async fn d6_a_second_registration_waits_for_the_first_to_die() {
    let world = world().await;
    let (first, second) = (world.agent(3).await, world.agent(3).await);
    let session = SessionId([5; 16]);
    let number = first.register(session).await.unwrap();
    assert_eq!(refusal(second.register(session).await), Refusal::Busy, "it answered the challenge");
    assert_eq!(first.register(session).await.unwrap(), number);
    first.control.close();
    // The relay may hear of it a moment later; then nobody answers the challenge, and the place is free.
    assert_eq!(second.register(session).await.unwrap(), number);
}

#[tokio::test]
async fn a_flow_survives_the_loss_of_a_control_connection() {
    let world = world().await;
    let (mut agent, ana) = (world.agent(3).await, world.technician(1, "Ana").await);
    let number = agent.register(SessionId([5; 16])).await.unwrap();
    let flow = ana.join(number).await.unwrap();
    agent.call(Call::Paired { flow, outcome: PairingOutcome::Agreed }).await.unwrap();
    assert!(matches!(agent.push().await, Push::Knock { .. }));
    ana.control.close();
    let back = world.peer(key(1, "member"), End::Console).await;
    back.call(Call::Resume { flow }).await.unwrap();
    assert_eq!(refusal(agent.call(Call::Resume { flow: FlowId(flow.0 ^ 1) }).await), Refusal::NotAllowed);
    back.call(Call::EndFlow { flow }).await.unwrap();
    assert_eq!(agent.push().await, Push::FlowEnded { flow, why: FlowEnd::Left });
}

#[tokio::test]
async fn a1_another_root_or_an_older_statement_is_refused_before_anything_is_said() {
    let world = world().await;
    let link = world.bind(&key(3, "device"), End::Agent);
    let refused = within(Control::connect(&link, &Fingerprint([7; 32]), None)).await;
    assert!(matches!(refused.err(), Some(ControlError::Greeting(GreetingError::WrongRoot))));
    let (control, _) = within(Control::connect(&link, &world.root(), None)).await.unwrap();
    let mut newer = control.welcome().statement.clone();
    newer.serial += 1;
    let refused = within(Control::connect(&link, &world.root(), Some(&newer))).await;
    assert!(matches!(
        refused.err(),
        Some(ControlError::Greeting(GreetingError::Statement(StatementError::WentBack { .. })))
    ));
    // A relay that has another relay's true statement, but not its TLS key.
    let thief = self::world().await;
    let link = thief.bind(&key(3, "device"), End::Agent);
    let connection = within(link.connect_relay(Expected::Anyone)).await.unwrap();
    let refused = within(Control::open(connection, &world.root(), None)).await;
    assert!(matches!(refused.err(), Some(ControlError::Greeting(GreetingError::WrongRoot))));
}

#[tokio::test]
async fn bad_bytes_close_the_connection_and_nobody_elses() {
    let world = world().await;
    let bystander = world.agent(3).await;
    let hello = wire::encode_frame(&ToRelay::Hello { versions: vec![VERSION] }, Limit::Control).unwrap();
    let frame = |message: &ToRelay| wire::encode_frame(message, Limit::Control).unwrap();
    let renew = frame(&ToRelay::Call { id: 1, call: Call::Renew });
    let mut trailing = renew.clone();
    trailing[0] += 1;
    trailing.push(0);
    let after_hello = |bytes: &[u8]| [hello.as_slice(), bytes].concat();
    let random: Vec<u8> = (0_u32..4_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    // What the log's thread answers, and nobody sooner.
    let slow = |id| frame(&ToRelay::Call { id, call: Call::Erasures { sessions: Vec::new() } });
    let flood: Vec<u8> = (0..64).flat_map(slow).collect();
    for (what, bytes) in [
        ("a length of nothing", vec![0; 4]),
        ("a length beyond the limit", (256 * 1024 + 1_u32).to_le_bytes().to_vec()),
        ("noise", random.clone()),
        ("a call before the greeting", renew.clone()),
        ("a greeting in no common version", frame(&ToRelay::Hello { versions: vec![VERSION + 1] })),
        ("a second greeting", after_hello(&hello)),
        ("noise after the greeting", after_hello(&random)),
        ("a byte too many", after_hello(&trailing)),
        ("half a frame", after_hello(&renew[..renew.len() - 1])),
        ("more open calls than allowed", after_hello(&flood)),
    ] {
        let link = world.bind(&key(30, "device"), End::Agent);
        let connection = within(link.connect_relay(Expected::Anyone)).await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&bytes).await.unwrap();
        send.finish().unwrap();
        // Whatever it answers first, it ends the connection, and by the protocol's code.
        let said = within(receive.read_to_end(1 << 20)).await.unwrap_or_default();
        let reason = within(connection.closed()).await;
        let quinn_closed = format!("{reason:?}");
        assert!(quinn_closed.contains(&format!("error_code: {}", code::PROTOCOL)), "{what}: {quinn_closed}");
        if what == "a greeting in no common version" {
            let answer: FromRelay = wire::decode(&said[4..], Limit::Control).unwrap();
            assert_eq!(answer, FromRelay::WrongVersion { versions: vec![VERSION] });
        }
    }
    bystander.register(SessionId([5; 16])).await.unwrap();
}

#[tokio::test]
async fn one_writer_a_folder() {
    let world = world().await;
    let second = Running::start(&world.folder, options(anywhere())).await;
    assert!(matches!(second.err(), Some(ServeError::Home(_))));
    let socket = world.folder.join(admin::SOCKET);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let folder = world.folder.clone();
    within(world.relay.stop()).await;
    assert_eq!(
        within(admin::ask(&folder, &Request::Address)).await.unwrap(),
        None,
        "nobody answers, so the lock is free"
    );
}

#[tokio::test]
async fn a5_only_auditors_look_and_looking_is_on_record_before_anything_is_told() {
    let world = world().await;
    let ana = world.technician(1, "Ana").await;
    let bo = world.peer(key(2, "member"), End::Console).await;
    let invite = world.invite("Bo", Role::Auditor).await;
    bo.enroll(&invite).await.unwrap();
    let log = bo.control.welcome().relay.log.clone();
    let entries = |from| Call::Entries { origin: log.name.as_str().to_owned(), from };
    let look = |what, session| Call::Look { what, session };
    for stranger in [&ana, &world.agent(3).await] {
        let refused = refusal(stranger.call(look(Looking::List, None)).await);
        assert!(matches!(refused, Refusal::NotAllowed | Refusal::NotMember));
        assert_eq!(refusal(stranger.call(Call::Logs).await), Refusal::NotAllowed);
    }
    assert_eq!(refusal(bo.call(entries(0)).await), Refusal::NotAllowed, "nothing was said yet");
    assert_eq!(bo.call(look(Looking::Show, Some(SessionId([5; 16])))).await.unwrap(), Answer::Noted);
    let Answer::Logs { logs } = bo.call(Call::Logs).await.unwrap() else { panic!() };
    let head = Checkpoint::open(&logs[0].checkpoint, &log).unwrap();
    let Answer::Entries { entries: raw, .. } = bo.call(entries(0)).await.unwrap() else { panic!() };
    assert_eq!(raw.len() as u64, head.size);
    let mut tree = Tree::new();
    let mut looks = Vec::new();
    for entry in &raw {
        tree.append(note::leaf(entry), |_, _, _| {});
        if let LogEntry::Notice(Notice::Look { by, what, session }) = LogEntry::open(entry, &log).unwrap() {
            looks.push((by, what, session));
        }
    }
    assert_eq!(tree.root(), head.root, "the raw bytes are what was signed");
    assert_eq!(looks, [(bo.key.verifier().clone(), Looking::Show, Some(SessionId([5; 16])))]);
    let Answer::Entries { entries: none, .. } = bo.call(entries(head.size)).await.unwrap() else { panic!() };
    assert_eq!(none, Vec::<Vec<u8>>::new());
    let elsewhere = Call::Entries { origin: "elsewhere".to_owned(), from: 0 };
    assert_eq!(refusal(bo.call(elsewhere).await), Refusal::NotAllowed);
    let revoke = Request::Revoke { name: "Bo".to_owned() };
    within(admin::ask(&world.folder, &revoke)).await.unwrap();
    assert!(matches!(bo.call(entries(0)).await, Err(ControlError::Revoked)));
    let back = world.peer(key(2, "member"), End::Console).await;
    assert_eq!(refusal(back.call(look(Looking::List, None)).await), Refusal::Revoked);
}

#[tokio::test]
async fn c3_the_operator_says_how_many_connections_a_source_may_have() {
    let world = configured("[door]\nconnections_per_source = 2\n").await;
    let (first, second) = (world.agent(41).await, world.agent(42).await);
    let third = world.bind(&key(43, "device"), End::Agent);
    let root = world.root();
    // Nothing is answered, so that a stranger learns nothing; who waits gets in once there is room.
    let waits = async {
        let connecting = Control::connect(&third, &root, None);
        tokio::pin!(connecting);
        let waited = tokio::time::timeout(Duration::from_millis(300), &mut connecting).await;
        assert!(waited.is_err(), "two are inside");
        drop(second);
        within(connecting).await
    };
    let (control, _hearing) = waits.await.unwrap();
    assert!(first.control.connection().close_reason().is_none());
    assert!(matches!(
        control.call(Call::Register { session: SessionId([9; 16]) }).await,
        Ok(Answer::Registered { .. })
    ));
}
