//! An event is stored with the sealed parts it names, or not at all.

use sha2::{Digest as _, Sha256};

use super::super::limits::BYTES_RESERVED;
use super::super::sealed::SealedPart;
use super::*;

/// Holds bytes for a session and gives the hash an event names.
pub(super) fn hold(held: &Held, session: SessionId, bytes: &[u8]) -> [u8; 32] {
    let sha256 = Sha256::digest(bytes).into();
    held.keep(held.reserve(bytes.len()).unwrap(), SealedPart { session, sha256, bytes: bytes.into() });
    sha256
}

impl Agent {
    /// Writes an event whose words are sealed in this file.
    pub(super) fn sealed(&mut self, kind: Kind, sha256: [u8; 32]) -> Vec<u8> {
        let part = Opening::make([1; 32], b"{}").unwrap().part(PartName::Body, Some(sha256));
        self.strand.write(kind, &[part], Wall::from_ms(START), &self.key).bytes().to_vec()
    }
}

fn sealed_event(agent: &mut Agent, kind: Kind, sha256: [u8; 32]) -> Vec<u8> {
    agent.sealed(kind, sha256)
}

fn with(agent: &Agent, events: Vec<Vec<u8>>, held: &Held) -> Submission {
    Submission { held: held.clone(), auditors: Some(true), ..agent.submission(events) }
}

#[tokio::test]
async fn e1_an_event_without_its_sealed_part_is_refused_and_all_beside_it() {
    let (world, mut agent, held) = (world(Limits::default()), Agent::new(1), Held::default());
    let sha256 = hold(&held, agent.session, b"one");
    let open = sealed_event(&mut agent, Kind::Open { versions: vec![1] }, sha256);
    let chat = sealed_event(&mut agent, Kind::Chat, Sha256::digest(b"two").into());
    let both = vec![open.clone(), chat.clone()];
    assert_eq!(event_fault(world.submit(with(&agent, both.clone(), &held)).await), Some((1, EventFault::Sealed)));
    // Held for another session is not held.
    hold(&held, SessionId([9; 16]), b"two");
    assert_eq!(event_fault(world.submit(with(&agent, both.clone(), &held)).await), Some((1, EventFault::Sealed)));
    hold(&held, agent.session, b"two");
    world.submit(with(&agent, both.clone(), &held)).await.unwrap();
    let store = Sqlite::open(&world.path).unwrap();
    for part in [b"one", b"two"] {
        let stored = store.sealed(agent.session, Sha256::digest(part).into()).unwrap();
        assert_eq!(stored.as_deref(), Some(part.as_slice()));
    }
    assert_eq!(store.sealed_bytes(agent.session).unwrap(), 6);
    assert!(held.get(agent.session, Sha256::digest(b"two").into()).is_none(), "stored is not held any more");
    // Erased from the table, the event is still the one in the log.
    store.connection.execute("DELETE FROM sealed", []).unwrap();
    world.submit(with(&agent, both, &Held::default())).await.unwrap();
}

#[tokio::test]
async fn e1_a_commit_that_fails_keeps_the_parts_for_the_next_try() {
    let (world, mut agent, held) = (world(Limits::default()), Agent::new(1), Held::default());
    let sha256 = hold(&held, agent.session, b"one");
    let open = sealed_event(&mut agent, Kind::Open { versions: vec![1] }, sha256);
    for failing in [Failing::At("sealed"), Failing::NotPersisted, Failing::Persisted] {
        world.fail(failing);
        assert_eq!(world.submit(with(&agent, vec![open.clone()], &held)).await, Err(Refusal::Disk));
        if failing != Failing::Persisted {
            assert_eq!(Sqlite::open(&world.path).unwrap().sealed_bytes(agent.session).unwrap(), 0, "{failing:?}");
        }
    }
    world.submit(with(&agent, vec![open], &held)).await.unwrap();
    assert_eq!(Sqlite::open(&world.path).unwrap().sealed_bytes(agent.session).unwrap(), 3);
    world.audit();
}

#[tokio::test]
async fn e6_sealed_bytes_count_and_what_never_waits_has_room_beyond() {
    let limits = Limits { bytes: 4_096, ..Limits::default() };
    let (world, mut agent, held) = (world(limits), Agent::new(1), Held::default());
    let sha256 = hold(&held, agent.session, b"one");
    let open = sealed_event(&mut agent, Kind::Open { versions: vec![1] }, sha256);
    world.submit(with(&agent, vec![open], &held)).await.unwrap();
    let (before, large) = (agent.strand.clone(), vec![1; 4_096]);
    let sha256 = hold(&held, agent.session, &large);
    let chat = sealed_event(&mut agent, Kind::Chat, sha256);
    assert_eq!(world.submit(with(&agent, vec![chat], &held)).await, Err(Refusal::Quota));
    agent.strand = before.clone();
    let stop = Kind::Stop { by: Cause::Person, cause: Cause::Person };
    let stop = write(&mut agent.strand, stop, &agent.key).bytes().to_vec();
    world.submit(with(&agent, vec![stop], &held)).await.unwrap();
    const { assert!(BYTES_RESERVED > 2 << 20) };
}

/// E4: an agent seals everything or nothing, as the statement it was welcomed with says.
#[tokio::test]
async fn e4_all_of_a_session_is_sealed_or_nothing_of_it() {
    let format = Some((0, EventFault::Format));
    let (world, mut agent, held) = (world(Limits::default()), Agent::new(1), Held::default());
    let sha256 = hold(&held, agent.session, b"one");
    let submit = |agent: &Agent, events, auditors| Submission { auditors, ..with(agent, events, &held) };
    // Unsealed although there are auditors, sealed although there are none.
    let (mut hiding, mut inventing) = (Agent::new(2), Agent::new(3));
    let open = hiding.open();
    assert_eq!(event_fault(world.submit(submit(&hiding, vec![open], Some(true))).await), format);
    let named = hold(&held, inventing.session, b"one");
    let open = inventing.sealed(Kind::Open { versions: vec![1] }, named);
    assert_eq!(event_fault(world.submit(submit(&inventing, vec![open], Some(false))).await), format);
    // Other auditors are in force by now than those it was welcomed with.
    for mut late in [Agent::new(4), Agent::new(5)] {
        let named = hold(&held, late.session, b"one");
        let open =
            if late.session.0[0] == 4 { late.open() } else { late.sealed(Kind::Open { versions: vec![1] }, named) };
        assert_eq!(event_fault(world.submit(submit(&late, vec![open], None)).await), format);
    }

    let open = agent.sealed(Kind::Open { versions: vec![1] }, sha256);
    world.submit(submit(&agent, vec![open], Some(true))).await.unwrap();
    let before = agent.strand.clone();
    let bare = agent.write(Kind::Chat);
    assert_eq!(event_fault(world.submit(submit(&agent, vec![bare], Some(true))).await), format);
    // Auditors of a later statement change nothing for a session that has begun; nor does the relay's memory of it.
    agent.strand = before;
    let chat = agent.sealed(Kind::Chat, sha256);
    world.submit(submit(&agent, vec![chat], None)).await.unwrap();
    // A commit that fails makes it read the session from its disk again.
    world.fail(Failing::NotPersisted);
    let before = agent.strand.clone();
    let stop = agent.write(Kind::Stop { by: Cause::Person, cause: Cause::Person });
    assert_eq!(world.submit(submit(&agent, vec![stop], Some(true))).await, Err(Refusal::Disk));
    agent.strand = before;
    let bare = agent.write(Kind::Chat);
    assert_eq!(event_fault(world.submit(submit(&agent, vec![bare], Some(true))).await), format);
}
