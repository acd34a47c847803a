//! A person's program that speaks the wire: registers, shows a code, pairs, and writes the agent's side of a session by hand.
//! It can do all of it as an honest agent would, and anything else.
//!
//! It has no person, no workers and no rules: what it says was allowed, it made up. Two sides that make things up together
//! make a perfect record of it (docs/threat-model.md); what a technician's program and a relay must stand is one side.

use std::time::UNIX_EPOCH;

use quinn::Connection;
use venia_proto::code::{Code, CodeNumber};
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{SigningKey, VerifierKey};
use venia_proto::ledger::body::{
    Admit, Allowed, Body, Consent, DefinitionHash, ItemId, Join, Language, Offer, Open, Outcome, Request, Said,
};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{After, Event};
use venia_proto::ledger::kind::{Answer as Says, Cause, Kind, Status, Verified};
use venia_proto::ledger::note::Note;
use venia_proto::ledger::part::{Opening, PartName};
use venia_proto::ledger::proof::Proof;
use venia_proto::ledger::strand::Author;
use venia_proto::message::{BareOpening, Signed, ToAgent, ToConsole};
use venia_proto::now::Wall;
use venia_proto::pairing::{self, Context, EXPORTER_LABEL};
use venia_proto::rendezvous::{ALPN_SESSION, Answer, Call, PairingOutcome, Push, Refusal, SUBMIT_MAX, VERSION};
use venia_proto::report::Report;
use venia_proto::statement::Member;
use venia_proto::wire::Limit;
use venia_relay::client::control::{Control, ControlError, Hearing};
use venia_relay::client::frames::{self, Receiver, Sender};
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::{Expected, exporter, peer_key};

use super::within;
use super::world::World;

/// The strand technicians write.
pub const TECHNICIAN: Strand = Strand::Technician(std::num::NonZeroU16::MIN);

/// One that waits for a technician.
pub struct Impostor {
    /// The socket.
    pub link: Link,
    /// The connection to the relay.
    pub control: Control,
    pushes: Hearing,
    key: SigningKey,
    session: SessionId,
    number: CodeNumber,
}

/// One that a technician has come to.
pub struct Hosting {
    /// The end-to-end connection.
    pub connection: Connection,
    /// The connection to the relay.
    pub control: Control,
    /// The session.
    pub session: SessionId,
    /// The own strand.
    pub author: Author,
    /// The key that signs it.
    pub key: SigningKey,
    /// Who came.
    pub member: VerifierKey,
    note: Vec<u8>,
    sender: Sender<ToConsole>,
    receiver: Receiver<ToAgent>,
    known: u64,
    _link: Link,
}

/// An event of one's own, with its words.
#[derive(Clone, Debug)]
pub struct Written {
    /// The event.
    pub event: Event,
    /// Its words, as they travel.
    pub openings: Vec<BareOpening>,
}

impl Written {
    /// As it travels.
    pub fn signed(&self) -> Signed {
        Signed { note: self.event.bytes().to_vec(), openings: self.openings.clone() }
    }
}

impl Impostor {
    /// Waits at this world's relay, with a fresh key.
    pub async fn waits(world: &World) -> Self {
        let (key, session) = (SigningKey::new("device", random()), SessionId(random()));
        let link = Link::bind(None, &key, world.listening(), Role::Agent).unwrap();
        let connecting = Control::connect(&link, &world.address.root, None);
        let (control, pushes) = within("the relay", connecting).await.unwrap();
        let Answer::Registered { number } = control.call(Call::Register { session }).await.unwrap() else {
            panic!("no number")
        };
        Self { link, control, pushes, key, session, number: CodeNumber::new(number).unwrap() }
    }

    fn made(&self) -> Code {
        Code::make(self.number, Language::En, [0; 4])
    }

    /// What a person would read aloud.
    pub fn code(&self) -> String {
        self.made().password().to_owned()
    }

    /// Pairs with whoever comes, by the book.
    pub async fn meets(mut self) -> Hosting {
        let Some(Push::Knock { flow, member: note, .. }) = within("somebody", self.pushes.push()).await else {
            panic!("nobody came")
        };
        let welcome = self.control.welcome().clone();
        let member = Member::open(&note, &welcome.statement.authority).unwrap().key;
        self.link.announce(flow, Expected::Key(member.key)).unwrap();
        let arriving = async { self.link.accept().await.unwrap().connected().await.unwrap() };
        let connection = within("the technician", arriving).await;
        let (mut sender, mut receiver) = frames::accept::<ToConsole, ToAgent>(&connection).await.unwrap();
        let ToAgent::PairStart { message, member: note, .. } = receiver.expect().await.unwrap() else {
            panic!("no pairing")
        };
        let context = Context {
            version: u32::from(VERSION),
            alpn: ALPN_SESSION.to_vec(),
            root: welcome.statement.fingerprint(),
            relay: welcome.relay.tls,
            flow,
            session: self.session,
            console: peer_key(&connection).unwrap(),
            agent: *self.key.public(),
            exporter: exporter(&connection, EXPORTER_LABEL, b"").unwrap(),
        };
        let (pending, share) = pairing::Agent::new(self.made()).spend(&message, context, random()).unwrap();
        sender.send(&ToConsole::PairAnswer { message: share.to_vec() }).await.unwrap();
        let ToAgent::PairConfirm { mac } = receiver.expect().await.unwrap() else { panic!("no proof") };
        let (mac, _) = pending.verify(&mac).unwrap();
        sender.send(&ToConsole::PairConfirmed { mac, strand: TECHNICIAN }).await.unwrap();
        let call = Call::Paired { flow, outcome: PairingOutcome::Agreed };
        assert!(matches!(self.control.call(call).await, Ok(Answer::Noted)));
        sender.send(&ToConsole::Statement { note: welcome.statement_note }).await.unwrap();
        Hosting {
            connection,
            control: self.control,
            session: self.session,
            author: Author::new(self.session, Strand::Agent),
            key: self.key,
            member,
            note,
            sender,
            receiver,
            known: 0,
            _link: self.link,
        }
    }
}

impl Hosting {
    /// Signs the next event of the own strand.
    pub fn write(&mut self, kind: Kind, body: &Body) -> Written {
        let key = self.key.named(self.key.verifier().name.clone());
        self.write_as(kind, body, &key)
    }

    /// The same with another key.
    pub fn write_as(&mut self, kind: Kind, body: &Body, key: &SigningKey) -> Written {
        let bare = body.encode().map(|plaintext| BareOpening { random: random(), plaintext });
        let parts: Vec<_> = bare
            .iter()
            .map(|bare| Opening::make(bare.random, &bare.plaintext).unwrap().part(PartName::Body, None))
            .collect();
        let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        let event = self.author.write(kind, &parts, Wall::from_ms(now), key);
        Written { event, openings: bare.into_iter().collect() }
    }

    /// Has the relay record events, and gives the proof of each.
    pub async fn record(&mut self, notes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Refusal> {
        let mut proofs = Vec::new();
        for events in notes.chunks(SUBMIT_MAX) {
            let call = Call::Submit { events: events.to_vec(), known: self.known };
            let answer = match within("receipts", self.control.call(call)).await {
                Ok(answer) => answer,
                Err(ControlError::Refused(refusal)) => return Err(refusal),
                Err(error) => panic!("{error:?}"),
            };
            let Answer::Receipts { checkpoint, entries, .. } = answer else { panic!("{answer:?}") };
            let read = Checkpoint::open(&checkpoint, &self.control.welcome().relay.log).unwrap();
            let note = Note::parse(&checkpoint).unwrap();
            proofs.extend(entries.into_iter().map(|entry| {
                let (index, siblings) = (entry.index, entry.path);
                Proof { index, siblings, checkpoint: note.clone(), extra: None }.to_bytes()
            }));
            self.known = read.size;
            self.author.receipted(After { origin: read.origin, size: read.size, root: read.root });
        }
        Ok(proofs)
    }

    /// Records an event and tells it, as an honest agent does.
    pub async fn says(&mut self, kind: Kind, body: &Body) -> Leaf {
        let written = self.write(kind, body);
        let proofs = self.record(&[written.event.bytes().to_vec()]).await.unwrap();
        self.tell(&written, Some(proofs[0].clone())).await;
        written.event.leaf()
    }

    /// Tells an event on the control stream.
    pub async fn tell(&mut self, written: &Written, proof: Option<Vec<u8>>) {
        // Whoever had enough of it has left.
        let _ = self.sender.send(&ToConsole::Event { signed: written.signed(), proof }).await;
    }

    /// Tells an event on a stream of its own, as results are.
    pub async fn tell_aside(&self, written: &Written, proof: Option<Vec<u8>>) {
        let Ok(stream) = self.connection.open_uni().await else { return };
        let mut sender = Sender::<ToConsole>::new(stream, Limit::Data);
        let _ = sender.send(&ToConsole::Event { signed: written.signed(), proof }).await;
        sender.delivered().await;
    }

    /// Says something that is no event.
    pub async fn send(&mut self, message: &ToConsole) {
        let _ = self.sender.send(message).await;
    }

    /// What the technician's program says next; `None` once it has left.
    pub async fn hears(&mut self) -> Option<ToAgent> {
        within("a message", self.receiver.next()).await.ok().flatten()
    }

    /// The session begins; the person is said to have allowed all that was offered.
    pub async fn begins(&mut self) {
        let Some(ToAgent::Arrive { reason, offer }) = self.hears().await else { panic!("nobody arrived") };
        self.says(Kind::Open { versions: vec![1] }, &Body::Open(Open::default())).await;
        let member = String::from_utf8(self.note.clone()).unwrap();
        let join = Kind::Join { strand: TECHNICIAN, key: self.member.clone(), verified: Verified::Code };
        let asked = self.says(join, &Body::Join(Join { member, reason, offer: offer.clone() })).await;
        self.consents(asked, &Offer::default()).await;
        self.consents(asked, &offer).await;
    }

    /// Makes up a yes.
    pub async fn consents(&mut self, asked: Leaf, offer: &Offer) -> Leaf {
        let allowed = |asked: &venia_proto::ledger::body::Asked| Allowed {
            item: asked.item.clone(),
            definition: asked.definition.clone(),
            values: Default::default(),
            uses: 9,
        };
        let consent = Consent {
            text: "May they?".to_owned(),
            language: Language::En,
            scopes: offer.scopes.clone(),
            items: offer.items.iter().map(allowed).collect(),
            minutes: (!offer.items.is_empty()).then_some(30),
        };
        self.says(Kind::Consent { asked, answer: Says::Yes, took: 900 }, &Body::Consent(consent)).await
    }

    /// The technician's next request, recorded: its leaf and what it asks for.
    pub async fn asked(&mut self) -> (Leaf, Request) {
        loop {
            let signed = match self.hears().await {
                Some(ToAgent::Run(signed) | ToAgent::Ask(signed)) => signed,
                Some(ToAgent::Checkpoint(_)) => continue,
                other => panic!("{other:?}"),
            };
            let event = Event::parse(&signed.note).unwrap();
            self.author.follow(&event);
            self.record(&[signed.note]).await.unwrap();
            let body = Body::decode(event.header().kind.name(), &signed.openings[0].plaintext).unwrap();
            let Body::Request(request) = body else { panic!("{body:?}") };
            return (event.leaf(), request);
        }
    }

    /// Admits a request, under this yes, as this item.
    pub async fn admits(&mut self, request: Leaf, grant: Leaf, item: &ItemId, definition: &DefinitionHash) -> Leaf {
        let body = Admit { item: item.clone(), definition: definition.clone(), fences: Vec::new() };
        self.says(Kind::Admit { request, grant }, &Body::Admit(body)).await
    }

    /// What came of it, on a stream of its own.
    pub async fn reports(&mut self, admit: Leaf, report: Report) {
        let outcome = Outcome { report: Some(report), detail: Foreign::new("") };
        let written = self.write(Kind::Result { admit, status: Status::Done }, &Body::Result(outcome));
        let proofs = self.record(&[written.event.bytes().to_vec()]).await.unwrap();
        self.tell_aside(&written, Some(proofs[0].clone())).await;
    }

    /// Waits for the sign-off; false if the technician left without one.
    pub async fn signed_off(&mut self) -> bool {
        loop {
            match self.hears().await {
                Some(ToAgent::Signoff(signed)) => {
                    self.author.follow(&Event::parse(&signed.note).unwrap());
                    self.record(&[signed.note]).await.unwrap();
                    return true;
                }
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Closes, by the book.
    pub async fn closes(&mut self) {
        let held = self.author.held();
        self.says(Kind::Close { by: Cause::Technician, cause: Cause::Done, held }, &Body::None).await;
        self.send(&ToConsole::CloseRecorded).await;
    }

    /// A line of chat, signed and nothing more.
    pub fn line(&mut self, text: &str) -> Written {
        self.write(Kind::Chat, &Body::Said(Said { text: Foreign::new(text) }))
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut random = [0; N];
    getrandom::fill(&mut random).unwrap();
    random
}
