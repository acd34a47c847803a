//! A relay that sits in the middle of one technician's pairings: towards the technician it is the person's PC, towards the PC
//! it is the technician, by a member note that its own authority signs. Everybody else is served honestly. (SECURITY B2)
//!
//! It always knows the number, since it gave it; it never knows the words, which were spoken. [`Manner::Knows`] is the one
//! case in which it does, so that a test can see that nothing else stands in its way.

use std::sync::{Arc, Mutex};

use quinn::Connection;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use venia_proto::code::Code;
use venia_proto::foreign::Foreign;
use venia_proto::id::{FlowId, SessionId};
use venia_proto::key::{PublicKey, SigningKey};
use venia_proto::message::{PairRefusal, ToAgent, ToConsole};
use venia_proto::pairing::{self, Context, EXPORTER_LABEL};
use venia_proto::rendezvous::{ALPN_SESSION, Answer, Call, FromRelay, Refusal, VERSION};
use venia_proto::statement::{MEMBER_LIFE_MS, Member, Role as Of};
use venia_relay::client::frames;
use venia_relay::client::link::{Link, Role};
use venia_relay::client::tls::{Expected, exporter, peer_key};
use venia_relay::clock;
use venia_relay::server::flow::Limits;
use venia_relay::server::forward::Proved;
use venia_relay::server::outbox::outbox;
use venia_relay::server::peer::{self, Relay};
use venia_relay::server::registry::Ticket;

use super::taken::{Caller, Taken};
use super::world::World;

/// What it does with the pairing in its middle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nothing: the technician meets the person's PC.
    Honest,
    /// Hands each side the other's messages, as if it weren't there.
    PassesOn,
    /// Pairs with each side by a code of its own: the number it gave, and words it guesses.
    Guesses(String),
    /// The same with the words somebody told it.
    Knows(String),
}

/// What came of one pairing, as the one in the middle sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// The PC took it for the technician.
    pub agent: bool,
    /// The technician took it for the PC.
    pub console: bool,
}

/// The relay; gone when dropped.
pub struct MiddleRelay {
    manner: Arc<Mutex<Manner>>,
    /// What came of each pairing in its middle.
    pub met: mpsc::UnboundedReceiver<Met>,
    accepting: AbortHandle,
}

/// What its conversations share.
struct Middle {
    taken: Taken,
    /// Who is lied to, and by which name.
    victim: (PublicKey, String),
    manner: Arc<Mutex<Manner>>,
    /// Its own ends: keys it dials itself with, and the relay's ends of their control connections.
    keys: [SigningKey; 2],
    arrived: [mpsc::UnboundedSender<Connection>; 2],
    arrives: [tokio::sync::Mutex<mpsc::UnboundedReceiver<Connection>>; 2],
    met: mpsc::UnboundedSender<Met>,
}

impl MiddleRelay {
    /// Takes the place of this world's relay, to sit between this technician and everybody. Needs a tokio runtime.
    pub fn take_over(world: &mut World, victim: PublicKey, name: &str) -> Self {
        let (tell, met) = mpsc::unbounded_channel();
        let (channels, manner) =
            ([mpsc::unbounded_channel(), mpsc::unbounded_channel()], Arc::new(Mutex::new(Manner::Honest)));
        let [(to_console_side, console_side), (to_agent_side, agent_side)] = channels;
        let middle = Arc::new(Middle {
            taken: Taken::over(world),
            victim: (victim, name.to_owned()),
            manner: manner.clone(),
            keys: [SigningKey::new("member", [31; 32]), SigningKey::new("device", [32; 32])],
            arrived: [to_console_side, to_agent_side],
            arrives: [tokio::sync::Mutex::new(console_side), tokio::sync::Mutex::new(agent_side)],
            met: tell,
        });
        let accepting = tokio::spawn(async move {
            while let Some(mut arrival) = middle.taken.door.accept().await {
                let middle = middle.clone();
                tokio::spawn(async move {
                    let Ok(connection) = arrival.connected().await else { return };
                    let Ok(key) = peer_key(&connection) else { return };
                    if let Some(own) = middle.keys.iter().position(|own| *own.public() == key) {
                        let _ = middle.arrived[own].send(connection);
                    } else if key == middle.victim.0 {
                        middle.serve(connection).await;
                    } else {
                        peer::serve(middle.taken.relay.clone(), connection).await;
                    }
                });
            }
        });
        Self { manner, met, accepting: accepting.abort_handle() }
    }

    /// From now on.
    pub fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

impl Drop for MiddleRelay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Middle {
    fn relay(&self) -> &Arc<Relay> {
        &self.taken.relay
    }

    /// The victim's control connection.
    async fn serve(self: Arc<Self>, connection: Connection) {
        let Some(mut caller) = Caller::greeted(self.relay(), connection).await else { return };
        while let Some((id, call)) = caller.next().await {
            let Call::Join { number } = call else {
                caller.honestly(id, call).await;
                continue;
            };
            let manner = self.manner.lock().unwrap().clone();
            if manner == Manner::Honest {
                let note = caller.member().await;
                let (ticket, random) = (Ticket { connection: caller.id, call: id }, getrandom::u64().unwrap());
                self.relay().hall.act(|registry, now| registry.join(ticket, note, number, random, now));
                continue;
            }
            let (flow, answer) = self.between(&caller, number, manner).await;
            let answer = answer.map(|session| Answer::Joined { flow, session });
            caller.answer(id, answer).await;
        }
    }

    /// The victim's name with the relay's own key, and as high a level as there is: the authority's key is on its disk.
    fn false_note(&self) -> Vec<u8> {
        let (key, name) = (self.keys[0].verifier().clone(), Foreign::new(&self.victim.1));
        let not_after = clock::now().wall.plus_ms(MEMBER_LIFE_MS);
        let member = Member { key, name, role: Of::Technician, level: 5, not_after };
        member.sign(&self.relay().organisation.keys.authority)
    }

    /// Puts itself between: joins the PC by the victim's name, and has the victim's flow lead to itself.
    async fn between(
        self: &Arc<Self>,
        caller: &Caller,
        number: u32,
        manner: Manner,
    ) -> (FlowId, Result<SessionId, Refusal>) {
        let at = self.taken.door.local_addr().unwrap();
        let flow = FlowId(getrandom::u64().unwrap());
        // Towards the PC.
        let console = Link::bind(None, &self.keys[0], at, Role::Console).unwrap();
        let own = console.connect_relay(Expected::Anyone).await.unwrap();
        let end = self.arrives[0].lock().await.recv().await.unwrap();
        let (outbox, mut answers) = outbox();
        let from = end.remote_address();
        let id = self.relay().hall.enter(end, from, *self.keys[0].public(), outbox);
        let note = self.false_note();
        let (ticket, random, shown) =
            (Ticket { connection: id, call: 1 }, getrandom::u64().unwrap(), Some(note.clone()));
        self.relay().hall.act(|registry, now| registry.join(ticket, shown, number, random, now));
        let joined = match *answers.next().await {
            FromRelay::Answer { answer: Ok(Answer::Joined { flow, session }), .. } => Ok((flow, session)),
            FromRelay::Answer { answer: Err(refusal), .. } => Err(refusal),
            other @ (FromRelay::Welcome { .. }
            | FromRelay::WrongVersion { .. }
            | FromRelay::Answer { .. }
            | FromRelay::Push(_)) => panic!("{other:?}"),
        };
        let (theirs, session) = match joined {
            Ok(joined) => joined,
            Err(refusal) => return (flow, Err(refusal)),
        };
        // Towards the technician.
        let agent = Link::bind(None, &self.keys[1], at, Role::Agent).unwrap();
        let own_too = agent.connect_relay(Expected::Anyone).await.unwrap();
        let end = self.arrives[1].lock().await.recv().await.unwrap();
        let proved = |control| Proved { control, at: quinn::Connection::remote_address(control) };
        let (towards, back) = (proved(&end), proved(&caller.connection));
        self.taken.door.flows().open(flow, towards, back, Limits::default()).unwrap();
        agent.announce(flow, Expected::Key(caller.key)).unwrap();
        let (middle, victim) = (self.clone(), caller.key);
        tokio::spawn(async move {
            let accept = async { agent.accept().await.unwrap().connected().await.unwrap() };
            let (from, to) = tokio::join!(accept, console.dial(theirs, Expected::Anyone));
            let pairs = Pairs { from, to: to.unwrap(), flows: (flow, theirs), session, victim, note };
            let met = pairs.by(&middle, manner).await;
            let _ = middle.met.send(met);
            // Its own control connections last as long as the pairing.
            drop((own, own_too, end));
        });
        (flow, Ok(session))
    }
}

/// Two connections, with the relay at the end of each.
struct Pairs {
    from: Connection,
    to: Connection,
    /// The technician's, the PC's.
    flows: (FlowId, FlowId),
    session: SessionId,
    victim: PublicKey,
    note: Vec<u8>,
}

impl Pairs {
    async fn by(&self, middle: &Middle, manner: Manner) -> Met {
        match manner {
            Manner::Honest => Met::default(),
            Manner::PassesOn => self.passed_on().await,
            Manner::Guesses(code) | Manner::Knows(code) => {
                let (agent, console) = tokio::join!(self.as_console(middle, &code), self.as_agent(middle, &code));
                Met { agent: agent.unwrap_or(false), console: console.unwrap_or(false) }
            }
        }
    }

    /// Each message to the other side, the note alone replaced: its key must be that of the connection it comes over.
    async fn passed_on(&self) -> Met {
        let mut met = Met::default();
        let (Ok((mut to_console, mut from_console)), Ok((mut to_agent, mut from_agent))) = (
            frames::accept::<ToConsole, ToAgent>(&self.from).await,
            frames::open::<ToAgent, ToConsole>(&self.to).await,
        ) else {
            return met;
        };
        loop {
            tokio::select! {
                message = from_console.next() => {
                    let Ok(Some(message)) = message else { return met };
                    let message = if let ToAgent::PairStart { version, message, .. } = message {
                        ToAgent::PairStart { version, message, member: self.note.clone() }
                    } else {
                        message
                    };
                    if to_agent.send(&message).await.is_err() { return met }
                }
                message = from_agent.next() => {
                    let Ok(Some(message)) = message else { return met };
                    met.agent |= matches!(message, ToConsole::PairConfirmed { .. });
                    let refused = matches!(message, ToConsole::PairRefused(_));
                    if to_console.send(&message).await.is_err() { return met }
                    if refused {
                        to_console.delivered().await;
                        return met;
                    }
                }
            }
        }
    }

    fn context(&self, middle: &Middle, connection: &Connection, flow: FlowId, keys: [PublicKey; 2]) -> Context {
        let [console, agent] = keys;
        Context {
            version: u32::from(VERSION),
            alpn: ALPN_SESSION.to_vec(),
            root: middle.relay().organisation.served().statement.fingerprint(),
            relay: *middle.relay().organisation.keys.tls.public(),
            flow,
            session: self.session,
            console,
            agent,
            exporter: exporter(connection, EXPORTER_LABEL, b"").unwrap(),
        }
    }

    /// The technician towards the PC.
    async fn as_console(&self, middle: &Middle, code: &str) -> Option<bool> {
        let keys = [*middle.keys[0].public(), peer_key(&self.to).ok()?];
        let context = self.context(middle, &self.to, self.flows.1, keys);
        let (console, share) = pairing::Console::start(Code::parse(code).ok()?, context, random()).ok()?;
        let (mut sender, mut receiver) = frames::open::<ToAgent, ToConsole>(&self.to).await.ok()?;
        let start = ToAgent::PairStart { version: VERSION, message: share.to_vec(), member: self.note.clone() };
        sender.send(&start).await.ok()?;
        let ToConsole::PairAnswer { message } = receiver.expect().await.ok()? else { return None };
        let (mac, pending) = console.answer(&message).ok()?;
        sender.send(&ToAgent::PairConfirm { mac }).await.ok()?;
        let ToConsole::PairConfirmed { mac, .. } = receiver.expect().await.ok()? else { return Some(false) };
        Some(pending.finish(&mac).is_ok())
    }

    /// The PC towards the technician.
    async fn as_agent(&self, middle: &Middle, code: &str) -> Option<bool> {
        let context = self.context(middle, &self.from, self.flows.0, [self.victim, *middle.keys[1].public()]);
        let (mut sender, mut receiver) = frames::accept::<ToConsole, ToAgent>(&self.from).await.ok()?;
        let ToAgent::PairStart { message, .. } = receiver.expect().await.ok()? else { return None };
        let agent = pairing::Agent::new(Code::parse(code).ok()?);
        let (pending, share) = agent.spend(&message, context, random()).ok()?;
        sender.send(&ToConsole::PairAnswer { message: share.to_vec() }).await.ok()?;
        let ToAgent::PairConfirm { mac } = receiver.expect().await.ok()? else { return None };
        let proved = pending.verify(&mac).is_ok();
        if !proved {
            sender.send(&ToConsole::PairRefused(PairRefusal::WrongCode)).await.ok()?;
            sender.delivered().await;
        }
        Some(proved)
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut random = [0; N];
    getrandom::fill(&mut random).unwrap();
    random
}
