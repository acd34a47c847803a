//! A relay that tells two histories: agents are shown one log, members another, signed by the same key. (SECURITY F4)
//!
//! Everything in it is the shipped relay's code: one door, one hall that introduces people to each other, and behind them
//! two ledgers that were one until the moment it turned. It answers every call, from the history its caller is shown.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::AbortHandle;
use venia_proto::ledger::notice::Notice;
use venia_relay::client::home::Home;
use venia_relay::client::tls::peer_key;
use venia_relay::clock;
use venia_relay::server::accept::Door;
use venia_relay::server::audit::Desk;
use venia_relay::server::cosigning::Cosigned;
use venia_relay::server::hall::Hall;
use venia_relay::server::identity::Keys;
use venia_relay::server::ledger::committer::{Surroundings, start};
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::ledger::queue::Ledger;
use venia_relay::server::ledger::sealed::Room;
use venia_relay::server::ledger::sqlite::Sqlite;
use venia_relay::server::members;
use venia_relay::server::organisation::Organisation;
use venia_relay::server::peer::{self, Relay};
use venia_relay::server::roster::Roster;
use venia_relay::server::serve::DATABASE;
use venia_relay::server::{flow, sources};

use super::world::World;

/// Which history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// What agents are shown.
    Agents,
    /// What members are shown.
    Members,
}

/// The relay; gone when dropped.
pub struct TwoFaced {
    agents: Ledger<Sqlite>,
    members: Ledger<Sqlite>,
    door: Arc<Door>,
    accepting: AbortHandle,
    _folder: TempDir,
}

impl TwoFaced {
    /// Takes the place of this world's relay, with its keys and its log so far. Needs a tokio runtime.
    pub fn take_over(world: &mut World) -> Self {
        world.relay.signal(Signal::TERM);
        world.relay.exit();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(DATABASE);
        std::fs::copy(world.relay_data.join(DATABASE), &copy).unwrap();
        // Without its lock: the honest relay comes back while connections of this one still end.
        let home = Arc::new(Home::open(&world.relay_data, false).unwrap());
        let keys = Keys::open(&home).unwrap();
        let listen: SocketAddr = world.listening();
        let door = Arc::new(Door::open(listen, &keys.tls, sources::Limits::default()).unwrap());
        let public = world.address.at.clone();
        let organisation = Organisation::open(home.clone(), keys, public, |_| Ok(()), clock::now().wall);
        let organisation = Arc::new(organisation.unwrap());
        let hall = Arc::new(Hall::new(door.flows().clone(), flow::Limits::default()));
        let face = |database: &Path| {
            let log = Keys::open(&home).unwrap().log;
            let vkey = log.verifier().clone();
            let store = Sqlite::open(database).unwrap();
            let roster = Arc::new(Roster::open(&store).unwrap());
            let (ledger, _) = start(store, log, surroundings()).unwrap();
            let desk = Desk::open(database, &vkey).unwrap();
            let cosigned = Arc::new(Cosigned::open(home.clone(), vkey).unwrap());
            let (hall, organisation) = (hall.clone(), organisation.clone());
            Arc::new(Relay { hall, roster, ledger, organisation, desk, room: Room::default(), cosigned })
        };
        let (agents, members) = (face(&world.relay_data.join(DATABASE)), face(&copy));
        let ledgers = (agents.ledger.clone(), members.ledger.clone());
        let entrance = door.clone();
        let accepting = tokio::spawn(async move {
            while let Some(mut arrival) = entrance.accept().await {
                let (agents, members) = (agents.clone(), members.clone());
                tokio::spawn(async move {
                    let Ok(connection) = arrival.connected().await else { return };
                    let Ok(key) = peer_key(&connection) else { return };
                    let member = members.ledger.perform(move |store| members::member(store, &key).is_ok()).await;
                    peer::serve(if member.unwrap() { members } else { agents }, connection).await;
                });
            }
        });
        let accepting = accepting.abort_handle();
        Self { agents: ledgers.0, members: ledgers.1, door, accepting, _folder: folder }
    }

    /// Lets one history grow by so many commits of its own.
    pub async fn grow(&self, face: Face, commits: u64) {
        let ledger = self.ledger(face);
        for n in 0..commits {
            let statement = [face as u8; 32];
            ledger.note(Notice::Policy { serial: 1_000 + n, statement }).await.unwrap();
        }
    }

    /// From now on nobody of this face gets a receipt, though everything else is answered; until what is given is dropped.
    pub async fn withhold(&self, face: Face) -> std::sync::mpsc::Sender<()> {
        let (release, released) = std::sync::mpsc::channel();
        let (ledger, (begun, begins)) = (self.ledger(face).clone(), tokio::sync::oneshot::channel());
        tokio::spawn(async move {
            let wait = move |_: &mut Sqlite| {
                let _ = begun.send(());
                let _ = released.recv();
            };
            ledger.perform(wait).await
        });
        begins.await.unwrap();
        release
    }

    /// Goes, and leaves the address and the agents' history to whoever comes next.
    pub async fn stop(self) {
        self.door.close(0, b"").await;
    }

    fn ledger(&self, face: Face) -> &Ledger<Sqlite> {
        match face {
            Face::Agents => &self.agents,
            Face::Members => &self.members,
        }
    }
}

impl Drop for TwoFaced {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn surroundings() -> Surroundings {
    Surroundings { now: Arc::new(clock::now), free: Arc::new(|| u64::MAX), limits: Limits::default(), head: None }
}
