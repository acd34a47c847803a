//! Something that answers like a relay and isn't the shipped one: of another version, or with another time.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use quinn::{Endpoint, ServerConfig};
use venia_proto::address::{HostPort, RelayAddress};
use venia_proto::foreign::Foreign;
use venia_proto::key::{KeyName, SigningKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Call, FromRelay, ToRelay, VERSION};
use venia_proto::statement::{Relay, Statement};
use venia_relay::client::frames;
use venia_relay::client::tls::{Expected, Identity, RELAY_ALPN};

/// How it answers a greeting.
#[derive(Clone, Debug)]
pub enum Manner {
    /// It speaks only these versions.
    Speaks(u16),
    /// It welcomes everybody at this time by its log, and gives everybody the same number.
    Dated(Wall),
    /// The same, and its root names this auditor.
    Audited(Wall, &'static str),
    /// It shows another relay's true statement and newest batch note, and hasn't that relay's key.
    Borrows(Vec<u8>, Vec<u8>),
}

/// A pretender that runs until dropped.
pub struct Pretender {
    /// What people would type to find it; the root is its own.
    pub address: RelayAddress,
    endpoint: Endpoint,
    heard: Arc<Mutex<Vec<ToRelay>>>,
}

/// The number it gives.
pub const NUMBER: u32 = 417;

/// Until when its statement holds, by its ledger.
pub fn not_after() -> Wall {
    Wall::from_ms(i64::from(u32::MAX) * 1_000)
}

impl Pretender {
    /// Listens on this address; port 0 takes a free one. Needs a tokio runtime.
    pub fn start(listen: Option<SocketAddr>, manner: Manner) -> Self {
        let tls = SigningKey::new("relay", [7; 32]);
        let crypto = Identity::new(&tls).unwrap().server(RELAY_ALPN, Expected::Anyone).unwrap();
        let at = listen.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        let endpoint = Endpoint::server(ServerConfig::with_crypto(crypto), at).unwrap();
        let at: HostPort = endpoint.local_addr().unwrap().to_string().parse().unwrap();
        let root = SigningKey::new("root", [8; 32]);
        let log = SigningKey::new("log", [9; 32]);
        let log = log.named(KeyName::new("127.0.0.1/pretender").unwrap());
        let statement = Statement {
            root: root.verifier().clone(),
            organisation: Foreign::new("Pretender"),
            serial: 1,
            not_after: not_after(),
            relays: vec![Relay {
                name: Foreign::new("pretender"),
                address: at.clone(),
                tls: *tls.public(),
                log: log.verifier().clone(),
            }],
            authority: SigningKey::new("authority", [10; 32]).verifier().clone(),
            auditors: match &manner {
                Manner::Audited(_, auditor) => vec![(*auditor).to_owned()],
                Manner::Speaks(_) | Manner::Dated(_) | Manner::Borrows(..) => Vec::new(),
            },
            witnesses: Vec::new(),
            packs: Vec::new(),
            keep_days: 30,
            quorum: 0,
        };
        let address = RelayAddress { at, root: statement.fingerprint() };
        let greeting = match manner {
            Manner::Speaks(version) => FromRelay::WrongVersion { versions: vec![version] },
            Manner::Dated(observed) | Manner::Audited(observed, _) => {
                let batch = Batch { origin: log.verifier().name.clone(), n: 0, observed, previous: None };
                FromRelay::Welcome { version: VERSION, statement: statement.sign(&root), batch: batch.sign(&log) }
            }
            Manner::Borrows(statement, batch) => FromRelay::Welcome { version: VERSION, statement, batch },
        };
        let (door, heard) = (endpoint.clone(), Arc::<Mutex<Vec<ToRelay>>>::default());
        let hears = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(incoming) = door.accept().await {
                tokio::spawn(serve(incoming, greeting.clone(), hears.clone()));
            }
        });
        Self { address, endpoint, heard }
    }

    /// Everything that anybody said to it.
    pub fn heard(&self) -> Vec<ToRelay> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Pretender {
    fn drop(&mut self) {
        self.endpoint.close(0_u32.into(), b"");
    }
}

async fn serve(incoming: quinn::Incoming, greeting: FromRelay, heard: Arc<Mutex<Vec<ToRelay>>>) {
    let Ok(connection) = incoming.await else { return };
    let Ok((mut sender, mut receiver)) = frames::accept::<FromRelay, ToRelay>(&connection).await else { return };
    while let Ok(Some(message)) = receiver.next().await {
        heard.lock().unwrap().push(message.clone());
        let answer = match message {
            ToRelay::Hello { .. } => greeting.clone(),
            ToRelay::Call { id, call: Call::Register { .. } } => {
                FromRelay::Answer { id, answer: Ok(Answer::Registered { number: NUMBER }) }
            }
            ToRelay::Call { id, .. } => FromRelay::Answer { id, answer: Ok(Answer::Noted) },
            ToRelay::Pong(_) | ToRelay::Here => continue,
        };
        if sender.send(&answer).await.is_err() {
            return;
        }
    }
}
