//! A technician who speaks the wire: enrols, joins, pairs and writes events by hand, and may send anything at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use quinn::{Connection, SendStream, VarInt};
use tokio::sync::mpsc;
use venia_proto::catalog::Catalog;
use venia_proto::code::Code;
use venia_proto::foreign::Foreign;
use venia_proto::id::{FlowId, Leaf, SessionId, Strand};
use venia_proto::invite::Invite;
use venia_proto::key::{PublicKey, SigningKey, VerifierKey};
use venia_proto::ledger::body::{Arguments, Body, ItemId, Offer, Request, Said, Signoff};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::kind::{Cause, Kind};
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::Author;
use venia_proto::ledger::verify::{Roots, Verdict, verify};
use venia_proto::message::{Arrived, BareOpening, PairRefusal, Signed, ToAgent, ToConsole};
use venia_proto::now::Wall;
use venia_proto::pairing::{self, Context, EXPORTER_LABEL, SessionSecret};
use venia_proto::rendezvous::{ALPN_SESSION, Answer, Call, VERSION};
use venia_proto::scope::Scope;
use venia_proto::wire::{self, Limit};
use venia_relay::client::control::{Control, ControlError, Hearing};
use venia_relay::client::frames::{self, Receiver};
use venia_relay::client::link::{Link, Role};
use venia_relay::client::receipt::{self, Held};
use venia_relay::client::tls::{Expected, exporter, peer_key};

use super::world::World;
use super::{PATIENCE, within};

/// A member with a control connection.
pub struct Visitor {
    /// The socket.
    pub link: Link,
    /// The connection to the relay.
    pub control: Control,
    /// What the relay says unasked.
    pub pushes: Hearing,
    /// The member's key.
    pub key: SigningKey,
    /// The member note.
    pub note: Vec<u8>,
}

/// An end-to-end connection before any message.
pub struct Dialled {
    /// The flow.
    pub flow: FlowId,
    /// The agent's session.
    pub session: SessionId,
    /// The connection.
    pub connection: Connection,
}

/// A live session.
pub struct Visit {
    /// The end-to-end connection.
    pub connection: Connection,
    /// To the agent: the control stream, for frames and for anything else.
    pub stream: SendStream,
    /// What came, in order of arrival.
    pub heard: mpsc::UnboundedReceiver<Heard>,
    /// The own strand.
    pub author: Author,
    /// The key that signs it.
    pub key: SigningKey,
    /// The agent's key.
    pub agent: PublicKey,
    /// The session.
    pub session: SessionId,
    /// The flow it goes through.
    pub flow: FlowId,
    /// What a reconnect has to prove.
    pub secret: SessionSecret,
    /// Every event that came or was written, by leaf.
    pub events: BTreeMap<Leaf, Event>,
    /// Bytes of the openings that came or were written.
    pub openings: BTreeMap<[u8; 32], Vec<u8>>,
    /// The receipt of the first event.
    pub first: Option<Vec<u8>>,
}

/// Something that came from the agent.
#[derive(Debug)]
pub enum Heard {
    /// An event with its words, if they were sent.
    Event {
        /// The event.
        event: Box<Event>,
        /// Its words.
        body: Body,
        /// The receipt that came with it.
        proof: Option<Vec<u8>>,
        /// The bytes of its openings, by commitment.
        openings: BTreeMap<[u8; 32], Vec<u8>>,
        /// When it came.
        at: Instant,
    },
    /// The close is durable.
    CloseRecorded,
    /// The largest checkpoint the agent holds.
    Checkpoint(Vec<u8>),
    /// The connection ended.
    Ended(quinn::ConnectionError),
}

impl Visitor {
    /// Enrols with a fresh invite.
    pub async fn enrolled(world: &World, name: &str, level: u8) -> Self {
        Self::with_invite(world, &world.invite(name, level)).await
    }

    /// Enrols with a fresh invite, and knows the relay by another address.
    pub async fn through(world: &World, name: &str, level: u8, relay: SocketAddr) -> Self {
        Self::at(world, &world.invite(name, level), relay).await
    }

    /// Enrols with this invite.
    pub async fn with_invite(world: &World, invite: &Invite) -> Self {
        Self::at(world, invite, world.listening()).await
    }

    async fn at(world: &World, invite: &Invite, relay: SocketAddr) -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let key = SigningKey::new("member", seed);
        let link = Link::bind(None, &key, relay, Role::Console).unwrap();
        let connecting = Control::connect(&link, &world.address.root, None);
        let (control, pushes) = within("the relay", connecting).await.unwrap();
        let enroll = Call::Enroll { secret: invite.secret.as_bytes().to_vec(), key: key.verifier().to_string() };
        let Answer::Member { note } = within("the enrolment", control.call(enroll)).await.unwrap() else {
            panic!("no member note")
        };
        Self { link, control, pushes, key, note }
    }

    /// Dials whoever shows this number.
    pub async fn dial(&self, number: u32) -> Result<Dialled, ControlError> {
        let Answer::Joined { flow, session } = within("a flow", self.control.call(Call::Join { number })).await? else {
            panic!("not joined")
        };
        let connection = within("the agent", self.link.dial(flow, Expected::Anyone)).await.unwrap();
        Ok(Dialled { flow, session, connection })
    }

    /// Dials and pairs with this code.
    pub async fn pair(&self, code: &str) -> Result<Visit, PairRefusal> {
        let code = Code::parse(code).unwrap();
        let call = self.dial(code.number().get()).await.unwrap();
        self.pair_over(call, code).await
    }

    /// Pairs over a connection.
    pub async fn pair_over(&self, call: Dialled, code: Code) -> Result<Visit, PairRefusal> {
        let Dialled { flow, session, connection } = call;
        let welcome = self.control.welcome();
        let agent = peer_key(&connection).unwrap();
        let context = Context {
            version: u32::from(VERSION),
            alpn: ALPN_SESSION.to_vec(),
            root: welcome.statement.fingerprint(),
            relay: welcome.relay.tls,
            flow,
            session,
            console: *self.key.public(),
            agent,
            exporter: exporter(&connection, EXPORTER_LABEL, b"").unwrap(),
        };
        let mut random = [0; pairing::RANDOM];
        getrandom::fill(&mut random).unwrap();
        let (console, share) = pairing::Console::start(code, context, random).unwrap();
        let (mut stream, receiving) = connection.open_bi().await.unwrap();
        let mut receiver = Receiver::<ToConsole>::new(receiving, Limit::Control);
        let start = ToAgent::PairStart { version: VERSION, message: share.to_vec(), member: self.note.clone() };
        stream.write_all(&frame(&start)).await.unwrap();
        let share = match within("the agent's share", receiver.expect()).await.unwrap() {
            ToConsole::PairAnswer { message } => message,
            ToConsole::PairRefused(why) => return Err(why),
            ToConsole::PairConfirmed { .. }
            | ToConsole::Event { .. }
            | ToConsole::CloseRecorded
            | ToConsole::Checkpoint(_)
            | ToConsole::Statement { .. }
            | ToConsole::Reconnected { .. } => panic!("no share"),
        };
        let (mac, pending) = console.answer(&share).unwrap();
        stream.write_all(&frame(&ToAgent::PairConfirm { mac })).await.unwrap();
        let (strand, secret) = match within("the agent's proof", receiver.expect()).await.unwrap() {
            ToConsole::PairConfirmed { mac, strand } => (strand, pending.finish(&mac).unwrap().secret),
            ToConsole::PairRefused(why) => return Err(why),
            ToConsole::PairAnswer { .. }
            | ToConsole::Event { .. }
            | ToConsole::CloseRecorded
            | ToConsole::Checkpoint(_)
            | ToConsole::Statement { .. }
            | ToConsole::Reconnected { .. } => panic!("no proof"),
        };
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(listen(connection.clone(), receiver, tell));
        let author = Author::new(session, strand);
        let key = copy(&self.key);
        Ok(Visit {
            connection,
            stream,
            heard,
            author,
            key,
            agent,
            session,
            flow,
            secret,
            events: BTreeMap::new(),
            openings: BTreeMap::new(),
            first: None,
        })
    }

    /// Dials the agent of a lost session again, and says this first: what the agent answers, and why it hung up if it did.
    pub async fn come_back(
        &self,
        visit: &Visit,
        mac: impl FnOnce(&Connection) -> [u8; 32],
    ) -> (Option<ToConsole>, Connection) {
        self.link.forget(visit.flow);
        let connection = within("the agent", self.link.dial(visit.flow, Expected::Key(visit.agent))).await.unwrap();
        let (mut sender, mut receiver) = frames::open::<ToAgent, ToConsole>(&connection).await.unwrap();
        let arrived = Arrived::default();
        sender.send(&ToAgent::Reconnect { mac: mac(&connection), arrived }).await.unwrap();
        let first = within("the agent's answer", receiver.expect()).await.ok();
        // A stream that is dropped ends, and an end in good order is a farewell.
        std::mem::forget(sender);
        (first, connection)
    }

    /// Pairs and arrives, asking for these scopes.
    pub async fn arrive(&self, code: &str, scopes: &[Scope]) -> Visit {
        let mut visit = self.pair(code).await.unwrap();
        visit.arrive(scopes).await;
        visit
    }
}

impl Dialled {
    /// Sends a first pairing message that spends the code, and nothing more.
    pub async fn first_message(&self, visitor: &Visitor) {
        let (mut sender, mut receiver) = frames::open::<ToAgent, ToConsole>(&self.connection).await.unwrap();
        let message = [[b'A'].as_slice(), visitor.key.public().as_bytes()].concat();
        sender.send(&ToAgent::PairStart { version: VERSION, message, member: visitor.note.clone() }).await.unwrap();
        assert!(matches!(receiver.expect().await, Ok(ToConsole::PairAnswer { .. })));
    }
}

impl Visit {
    /// Says why it is here.
    pub async fn arrive(&mut self, scopes: &[Scope]) {
        let offer = Offer { scopes: scopes.iter().copied().collect(), items: Vec::new() };
        self.send(&ToAgent::Arrive { reason: Foreign::new("To look."), offer }).await;
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &ToAgent) {
        within("a frame", self.stream.write_all(&frame(message))).await.unwrap();
    }

    /// The next thing that means something to `wanted`.
    pub async fn hear<T>(&mut self, what: &str, mut wanted: impl FnMut(&Heard) -> Option<T>) -> T {
        let hearing = async {
            while let Some(heard) = self.heard.recv().await {
                if let Heard::Event { event, proof, openings, .. } = &heard {
                    self.author.follow(event);
                    self.events.insert(event.leaf(), (**event).clone());
                    self.openings.extend(openings.clone());
                    if let (0, Some(proof)) = (event.header().seq, proof) {
                        self.first = Some(proof.clone());
                    }
                }
                if let Some(found) = wanted(&heard) {
                    return found;
                }
            }
            panic!("the connection ended before {what}")
        };
        within(what, hearing).await
    }

    /// The next event that means something to `wanted`.
    pub async fn event<T>(&mut self, what: &str, mut wanted: impl FnMut(&Kind, &Body) -> Option<T>) -> T {
        self.hear(what, |heard| match heard {
            Heard::Event { event, body, .. } => wanted(&event.header().kind, body),
            Heard::CloseRecorded | Heard::Checkpoint(_) | Heard::Ended(_) => None,
        })
        .await
    }

    /// Waits until the person has allowed what was offered.
    pub async fn allowed(&mut self) {
        self.event("the consent", |kind, body| match (kind, body) {
            (Kind::Consent { .. }, Body::Consent(consent)) if !consent.items.is_empty() => Some(()),
            _ => None,
        })
        .await;
    }

    /// Waits for the agent's close and gives who and why.
    pub async fn closed(&mut self) -> (Cause, Cause) {
        self.event(
            "the close",
            |kind, _| if let Kind::Close { by, cause, .. } = kind { Some((*by, *cause)) } else { None },
        )
        .await
    }

    /// Waits until the end-to-end connection is gone.
    pub async fn ended(&mut self) -> quinn::ConnectionError {
        self.hear("the end", |heard| if let Heard::Ended(why) = heard { Some(why.clone()) } else { None }).await
    }

    /// A request as an honest program writes it, except that nothing is checked.
    pub fn request(&mut self, item: &str, arguments: &[(&str, &str)]) -> Signed {
        let catalog = Catalog::built_in();
        let id = ItemId(item.to_owned());
        let definition = match catalog.get(&id) {
            Some(item) => item.definition.clone(),
            None => catalog.items().next().unwrap().definition.clone(),
        };
        let arguments: Arguments = arguments.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.write(Kind::Request, &Body::Request(Request { item: id, definition, arguments, why: Foreign::new("") }))
    }

    /// Signs the next event of the own strand.
    pub fn write(&mut self, kind: Kind, body: &Body) -> Signed {
        let key = copy(&self.key);
        self.write_as(kind, body, &key)
    }

    /// The same with another key.
    pub fn write_as(&mut self, kind: Kind, body: &Body, key: &SigningKey) -> Signed {
        let plaintext = body.encode().unwrap();
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let opening = Opening::make(random, &plaintext).unwrap();
        let part = opening.part(PartName::Body, None);
        let event = self.author.write(kind, &[part], Wall::from_ms(0), key);
        self.openings.insert(opening.commit(), opening.bytes().to_vec());
        self.events.insert(event.leaf(), event.clone());
        Signed { note: event.bytes().to_vec(), openings: vec![BareOpening { random, plaintext }] }
    }

    /// Runs an item and waits for whatever comes of it: the result's status, or why it was refused.
    pub async fn run(&mut self, item: &str, arguments: &[(&str, &str)]) {
        let request = self.request(item, arguments);
        self.send(&ToAgent::Run(request)).await;
    }

    /// A chat line.
    pub async fn chat(&mut self, text: &str) {
        let line = self.write(Kind::Chat, &Body::Said(Said { text: Foreign::new(text) }));
        self.send(&ToAgent::Chat(line)).await;
    }

    /// The last word.
    pub async fn sign_off(&mut self) {
        let words = |text: &str| Foreign::new(text);
        let signoff = Signoff { outcome: words("Looked."), next: words("Nothing."), observations: None };
        let kind = Kind::Signoff { tips: self.author.tips() };
        let signed = self.write(kind, &Body::Signoff(signoff));
        self.send(&ToAgent::Signoff(signed)).await;
    }

    /// The technician's bundle of this session, by what came here and what the relay proves.
    pub async fn verdict(&self, visitor: &Visitor) -> Verdict {
        let agent = |event: &&Event| event.header().author == Strand::Agent;
        let close = self.events.values().filter(agent).find(|event| matches!(event.header().kind, Kind::Close { .. }));
        let name = self.events.values().find(agent).and_then(|event| event.key_name().cloned()).unwrap();
        let first = Proof::parse(self.first.as_deref().unwrap()).unwrap();
        let size = Checkpoint::open(&first.checkpoint.to_bytes(), &visitor.control.welcome().relay.log).unwrap().size;
        let seq = close.map(|event| event.header().seq);
        let proofs = receipt::fetch(&visitor.control, self.session, size, seq, PATIENCE).await.unwrap();
        let welcome = visitor.control.welcome();
        let held = Held {
            statement: welcome.statement_note.clone(),
            agent: VerifierKey { name, key: self.agent },
            events: self.events.values().cloned().collect(),
            openings: self.openings.clone(),
            members: BTreeMap::from([(self.strand(), visitor.note.clone())]),
            first,
            receipt: None,
            readme: None,
        };
        let zip = receipt::assemble(&held, Some(&proofs)).unwrap().to_zip().unwrap();
        verify(&zip, Roots { named: Some(welcome.statement.fingerprint()), known: &[] })
    }

    /// Leaves in good order.
    pub fn leave(&self) {
        self.connection.close(VarInt::from_u32(0), b"");
    }

    /// The own strand.
    pub fn strand(&self) -> Strand {
        self.author.strand()
    }
}

/// A message as the bytes of a control stream.
pub fn frame(message: &ToAgent) -> Vec<u8> {
    wire::encode_frame(message, Limit::Control).unwrap()
}

fn copy(key: &SigningKey) -> SigningKey {
    key.named(key.verifier().name.clone())
}

async fn listen(connection: Connection, mut control: Receiver<ToConsole>, tell: mpsc::UnboundedSender<Heard>) {
    let (mut hears_control, mut hears_streams) = (true, true);
    while hears_control || hears_streams {
        let message = tokio::select! {
            message = control.next(), if hears_control => match message {
                Ok(Some(message)) => message,
                Ok(None) | Err(_) => { hears_control = false; continue }
            },
            stream = connection.accept_uni(), if hears_streams => match stream {
                Ok(stream) => match Receiver::<ToConsole>::new(stream, Limit::Data).next().await {
                    Ok(Some(message)) => message,
                    Ok(None) | Err(_) => continue,
                },
                Err(_) => { hears_streams = false; continue }
            },
        };
        let heard = match message {
            ToConsole::Event { signed, proof } => {
                let event = Event::parse(&signed.note).unwrap();
                let body = match signed.openings.first() {
                    Some(opening) => Body::decode(event.header().kind.name(), &opening.plaintext).unwrap(),
                    None => Body::None,
                };
                let padded = |bare: &BareOpening| Opening::make(bare.random, &bare.plaintext).unwrap();
                let openings = signed.openings.iter().map(padded).map(|o| (o.commit(), o.bytes().to_vec())).collect();
                Heard::Event { event: Box::new(event), body, proof, openings, at: Instant::now() }
            }
            ToConsole::CloseRecorded => Heard::CloseRecorded,
            ToConsole::Checkpoint(note) => Heard::Checkpoint(note),
            ToConsole::Statement { .. } => continue,
            other @ (ToConsole::PairAnswer { .. }
            | ToConsole::PairConfirmed { .. }
            | ToConsole::PairRefused(_)
            | ToConsole::Reconnected { .. }) => panic!("{other:?}"),
        };
        if tell.send(heard).is_err() {
            return;
        }
    }
    let _ = tell.send(Heard::Ended(connection.closed().await));
}
