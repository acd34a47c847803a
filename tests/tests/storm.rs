//! A relay restarts with everybody connected: all of them come back by themselves, none is lost, and none is met by another's
//! number.
//!
//! `VENIA_STORM=4000 cargo test -p venia-tests --test storm` is the long mode; it needs as many open files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use venia_proto::address::RelayAddress;
use venia_proto::id::SessionId;
use venia_proto::key::SigningKey;
use venia_proto::rendezvous::{Answer, Call};
use venia_relay::client::control::{Control, Heard};
use venia_relay::client::keeper::Keeper;
use venia_relay::client::link::{Link, Role};
use venia_tests::harness::world::World;
use venia_tests::programs;

/// Agents without the long mode.
const AGENTS: usize = 250;
/// Who arrives at the same time, when nothing is wrong.
const ARRIVING: usize = 32;
/// Addresses that share one source, as households and offices do.
const PER_SOURCE: usize = 200;
/// Until the last one is back: everybody notices at the next keep-alive, 15 s at most, and waits for up to half a second.
const BACK: Duration = Duration::from_secs(90);

fn agents() -> usize {
    std::env::var("VENIA_STORM").map_or(AGENTS, |value| value.parse().unwrap())
}

/// One agent that waits to be found, for ever. Says each number it is given.
async fn wait(n: usize, at: SocketAddr, address: RelayAddress, door: Arc<Semaphore>, tell: mpsc::Sender<(usize, u32)>) {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&n.to_be_bytes());
    let key = SigningKey::new("device", seed);
    let source = u8::try_from(n / PER_SOURCE + 1).unwrap();
    let local = SocketAddr::from((Ipv4Addr::new(127, 0, source, 1), 0));
    let arriving = door.acquire().await.unwrap();
    let link = Arc::new(Link::bind(Some(local), &key, at, Role::Agent).unwrap());
    let (control, mut hearing) = Control::connect(&link, &address.root, None).await.unwrap();
    let control = Arc::new(control);
    let _keeper = Keeper::keep(&control, &link, address.at.clone());
    let mut session = [0; 16];
    session[..8].copy_from_slice(&n.to_be_bytes());
    let register = || async {
        match control.call(Call::Register { session: SessionId(session) }).await {
            Ok(Answer::Registered { number }) => drop(tell.send((n, number)).await),
            // Lost again: it is asked once it is back.
            Err(error) if error.may_pass() => {}
            other => panic!("{n}: {other:?}"),
        }
    };
    register().await;
    drop(arriving);
    while let Some(heard) = hearing.next().await {
        match heard {
            Heard::Back => register().await,
            Heard::Lost | Heard::Push(_) => {}
            Heard::Over(error) => panic!("{n}: {error:?}"),
        }
    }
}

/// Waits until everybody has said a number; gives how many different ones there are.
async fn everybody(numbers: &mut mpsc::Receiver<(usize, u32)>, agents: usize) -> usize {
    let (mut heard, mut given) = (BTreeSet::new(), BTreeSet::new());
    let all = async {
        while heard.len() < agents {
            let (n, number) = numbers.recv().await.unwrap();
            heard.insert(n);
            given.insert(number);
        }
    };
    let in_time = timeout(BACK, all).await.is_ok();
    assert!(in_time, "{} of {agents} are here", heard.len());
    given.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_comes_back_after_a_restart() {
    let agents = agents();
    let files = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum });
    let mut world = World::start(programs!());
    let (tell, mut numbers) = mpsc::channel(agents);
    let door = Arc::new(Semaphore::new(ARRIVING));
    for n in 0..agents {
        tokio::spawn(wait(n, world.listening(), world.address.clone(), door.clone(), tell.clone()));
    }
    assert_eq!(everybody(&mut numbers, agents).await, agents);
    world.kill_relay();
    world.restart_relay();
    assert_eq!(everybody(&mut numbers, agents).await, agents, "no number is given twice");
}
