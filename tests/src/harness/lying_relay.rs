//! A relay that records what one PC sends and lies to it about that, or doesn't record it at all; everybody else is served
//! honestly. (SECURITY E, E1, E10, F4)
//!
//! Everything but the lie is the shipped relay's code. A receipt that doesn't hold must count as none: nothing runs on it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::AbortHandle;
use venia_proto::key::{PublicKey, SigningKey};
use venia_proto::ledger::note::{self, Note};
use venia_proto::rendezvous::{Answer, Call, Refusal};
use venia_relay::client::home::Home;
use venia_relay::client::tls::peer_key;
use venia_relay::server::peer::{self, Relay};

use super::taken::{Caller, Taken};
use super::world::World;

/// What it does to receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It is honest.
    None,
    /// Each answer takes so long.
    Late(Duration),
    /// Each answer is given twice, and one to a question nobody asked comes first.
    Repeated,
    /// There is no answer, though everything is recorded.
    Silent,
    /// Nothing is recorded: the batch was refused, for a reason that passes.
    Refused(Refusal),
    /// A hash on the way to the root is another.
    Path,
    /// The events stand elsewhere.
    Index,
    /// The checkpoint is signed by another key of the same name.
    Key,
    /// The answer is that of the submission before.
    Before,
    /// Another kind of answer.
    Kind,
    /// Fewer receipts than events.
    Fewer,
}

/// Who is lied to, how, and how often they were.
type Victims = Arc<Mutex<HashMap<PublicKey, (Lie, u64)>>>;

/// The relay; gone when dropped.
pub struct LyingRelay {
    taken: Taken,
    victims: Victims,
    accepting: AbortHandle,
}

impl LyingRelay {
    /// Takes the place of this world's relay. Needs a tokio runtime.
    pub fn take_over(world: &mut World) -> Self {
        let taken = Taken::over(world);
        let victims = Victims::default();
        let (relay, door, about) = (taken.relay.clone(), taken.door.clone(), victims.clone());
        let accepting = tokio::spawn(async move {
            while let Some(mut arrival) = door.accept().await {
                let (relay, about) = (relay.clone(), about.clone());
                tokio::spawn(async move {
                    let Ok(connection) = arrival.connected().await else { return };
                    let Ok(key) = peer_key(&connection) else { return };
                    if about.lock().unwrap().contains_key(&key) {
                        let Some(caller) = Caller::greeted(&relay, connection).await else { return };
                        serve(caller, &about).await;
                    } else {
                        peer::serve(relay, connection).await;
                    }
                });
            }
        });
        Self { taken, victims, accepting: accepting.abort_handle() }
    }

    /// The shipped relay's parts.
    pub fn parts(&self) -> &Arc<Relay> {
        &self.taken.relay
    }

    /// Lies like this to the PC with this data folder from now on; its first connection must come after the first time this
    /// is said of it.
    pub fn lies_to(&self, data: &Path, lie: Lie) {
        let key = Home::open(data, false).unwrap().key("key", "device").unwrap();
        self.victims.lock().unwrap().insert(*key.public(), (lie, 0));
    }

    /// How often it did since.
    pub fn lied_to(&self, data: &Path) -> u64 {
        let key = Home::open(data, false).unwrap().key("key", "device").unwrap();
        self.victims.lock().unwrap()[key.public()].1
    }

    /// Goes, and leaves address and log to whoever comes next.
    pub async fn stop(self) {
        self.taken.door.close(0, b"").await;
    }
}

impl Drop for LyingRelay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut caller: Caller, victims: &Mutex<HashMap<PublicKey, (Lie, u64)>>) {
    let mut before = None;
    while let Some((id, call)) = caller.next().await {
        let Call::Submit { events, known } = call else {
            caller.honestly(id, call).await;
            continue;
        };
        let lie = {
            let mut victims = victims.lock().unwrap();
            let (lie, told) = victims.get_mut(&caller.key).unwrap();
            *told += u64::from(*lie != Lie::None);
            *lie
        };
        if let Lie::Refused(refusal) = lie {
            caller.answer(id, Err(refusal)).await;
            continue;
        }
        let answer = match caller.recorded(events, known).await {
            Ok(answer) => answer,
            Err(refusal) => {
                caller.answer(id, Err(refusal)).await;
                continue;
            }
        };
        let earlier = before.replace(answer.clone());
        match lie {
            Lie::Silent => {}
            Lie::Late(wait) => {
                tokio::time::sleep(wait).await;
                caller.answer(id, Ok(answer)).await;
            }
            Lie::Repeated => {
                caller.answer(id.wrapping_add(7_777), Ok(answer.clone())).await;
                caller.answer(id, Ok(answer.clone())).await;
                caller.answer(id, Ok(answer)).await;
            }
            Lie::Before => caller.answer(id, Ok(earlier.unwrap_or(answer))).await,
            Lie::Kind => caller.answer(id, Ok(Answer::Noted)).await,
            Lie::None | Lie::Refused(_) | Lie::Path | Lie::Index | Lie::Key | Lie::Fewer => {
                caller.answer(id, Ok(bent(answer, lie))).await;
            }
        }
    }
}

fn bent(answer: Answer, lie: Lie) -> Answer {
    let Answer::Receipts { mut checkpoint, consistency, mut entries } = answer else { panic!("{answer:?}") };
    match lie {
        Lie::Path => entries.iter_mut().flat_map(|entry| entry.path.first_mut()).for_each(|hash| hash[0] ^= 1),
        Lie::Index => entries.iter_mut().for_each(|entry| entry.index ^= 1),
        Lie::Fewer => drop(entries.pop()),
        Lie::Key => {
            let note = Note::parse(&checkpoint).unwrap();
            let name = note.signatures()[0].name.clone();
            checkpoint = note::sign(note.text(), &SigningKey::new("log", [66; 32]).named(name));
        }
        Lie::None | Lie::Late(_) | Lie::Repeated | Lie::Silent | Lie::Refused(_) | Lie::Before | Lie::Kind => {}
    }
    Answer::Receipts { checkpoint, consistency, entries }
}
