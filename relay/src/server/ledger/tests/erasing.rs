//! What is erased is gone from the disk, said in the log, and told to those who took part.

use venia_proto::ledger::note::leaf;
use venia_proto::ledger::notice::{LogEntry, Notice};

use super::sealed::hold;
use super::*;

/// Nothing like it stands in any other file of a database.
const MARKER: &[u8] = b"planted-and-never-to-be-found-again";

/// A session with two sealed parts of which `MARKER` is the beginning, and their commitments.
async fn session(world: &World) -> (Agent, [[u8; 32]; 2]) {
    let (mut agent, held) = (Agent::new(1), Held::default());
    let beside = hold(&held, agent.session, b"what is said on arrival");
    let open = agent.sealed(Kind::Open { versions: vec![1] }, beside);
    let technician = agent.technician.verifier().clone();
    let strand = Strand::Technician(NonZeroU16::MIN);
    let mut notes = vec![open, agent.sealed(Kind::Join { strand, key: technician, verified: Verified::Code }, beside)];
    let commits = [50, 51].map(|n: u8| {
        let sha256 = hold(&held, agent.session, &[MARKER, &[n; 9_000]].concat());
        let part = Opening::make([n; 32], b"{}").unwrap().part(PartName::Body, Some(sha256));
        let event = agent.strand.write(Kind::Chat, std::slice::from_ref(&part), Wall::from_ms(START), &agent.key);
        notes.push(event.bytes().to_vec());
        part.commit
    });
    world.submit(Submission { held, auditors: Some(true), ..agent.submission(notes) }).await.unwrap();
    (agent, commits)
}

/// How often the marker stands in the database and its side files.
fn found(world: &World) -> usize {
    let files = std::fs::read_dir(world.path.parent().unwrap()).unwrap();
    let count = |bytes: Vec<u8>| bytes.windows(MARKER.len()).filter(|window| *window == MARKER).count();
    files.map(|file| count(std::fs::read(file.unwrap().path()).unwrap())).sum()
}

fn held(world: &World) -> i64 {
    let store = Sqlite::open(&world.path).unwrap();
    store.connection.query_row("SELECT count(*) FROM sealed", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn e11_what_is_erased_is_in_no_file_and_the_log_says_so() {
    let world = world(Limits::default());
    let (agent, [one, two]) = session(&world).await;
    let session = agent.session;
    assert!(found(&world) >= 2, "planted");

    let part = Notice::Erase { session, parts: Some(vec![one]) };
    let index = world.ledger.note(part.clone()).await.unwrap();
    assert_eq!(held(&world), 2, "the other parts stay");
    assert_eq!(found(&world), 1);
    let store = Sqlite::open(&world.path).unwrap();
    let note = store.entry(index).unwrap().unwrap();
    assert!(matches!(LogEntry::open(&note, log().verifier()), Ok(LogEntry::Notice(notice)) if notice == part));
    assert_eq!(store.node(0, index).unwrap(), Some(leaf(&note).0));
    assert_eq!(store.erasure_notes(session).unwrap(), std::slice::from_ref(&note));
    assert_eq!(store.erased_before(session, Some(&[one])).unwrap(), Some(note));
    assert_eq!(store.erased_before(session, Some(&[one, two])).unwrap(), None);
    assert_eq!(store.erased_before(session, None).unwrap(), None);

    world.ledger.note(Notice::Erase { session, parts: None }).await.unwrap();
    assert_eq!((held(&world), found(&world)), (0, 0));
    assert!(Sqlite::open(&world.path).unwrap().erased_before(session, Some(&[two])).unwrap().is_some());
    world.audit();
}

#[tokio::test]
async fn e11_a_note_that_is_not_stored_erases_nothing() {
    for failing in [Failing::NotPersisted, Failing::At("erasures"), Failing::At("head")] {
        let world = world(Limits::default());
        let (agent, _) = session(&world).await;
        world.fail(failing);
        let notice = Notice::Erase { session: agent.session, parts: None };
        assert_eq!(world.ledger.note(notice.clone()).await, Err(Refusal::Disk));
        assert_eq!(held(&world), 3, "{failing:?}");
        world.ledger.note(notice).await.unwrap();
        assert_eq!(held(&world), 0);
        world.audit();
    }
}

#[tokio::test]
async fn e11_only_who_took_part_hears_of_it_and_obeys() {
    let world = world(Limits::default());
    let (agent, _) = session(&world).await;
    let (session, now) = (agent.session, Wall::from_ms(START));
    let (device, technician, stranger) = (*agent.key.public(), *agent.technician.public(), *log().public());
    let mut store = Sqlite::open(&world.path).unwrap();
    assert!(!store.obeyed(&technician, session, now).unwrap(), "nothing to obey yet");
    world.ledger.note(Notice::Erase { session, parts: None }).await.unwrap();
    assert_eq!(store.erasures_for(&technician, &[session]).unwrap().len(), 1);
    assert_eq!(store.erasures_for(&device, &[session]).unwrap().len(), 1);
    assert!(store.erasures_for(&stranger, &[session]).unwrap().is_empty());
    assert!(store.erasures_for(&technician, &[SessionId([9; 16])]).unwrap().is_empty());

    let deleted = |store: &Sqlite| store.erasures().unwrap().last().unwrap().holders[0].1;
    assert!(!deleted(&store));
    assert!(!store.obeyed(&stranger, session, now).unwrap());
    assert!(store.obeyed(&technician, session, now).unwrap());
    assert!(deleted(&store));
    world.ledger.note(Notice::Erase { session, parts: None }).await.unwrap();
    assert!(!deleted(&store), "another erasure asks again");
}

#[tokio::test]
async fn e11_days_at_below_and_above_the_policy() {
    let world = world(Limits::default());
    let (mut agent, _) = session(&world).await;
    let mut store = Sqlite::open(&world.path).unwrap();
    let after = |days: i64, ms| Wall::from_ms(START).plus_ms(days * super::super::limits::DAY_MS + ms);
    assert_eq!(store.retention().unwrap(), None);
    store.retain(Some(30)).unwrap();
    assert!(store.outlived(after(31, 0)).unwrap().is_empty(), "it hasn't ended");
    let close = agent.close();
    world.submit(agent.submission(vec![close])).await.unwrap();
    assert!(store.outlived(after(30, -1)).unwrap().is_empty());
    assert_eq!(store.outlived(after(30, 0)).unwrap(), [agent.session]);
    assert_eq!(store.outlived(after(30, 1)).unwrap(), [agent.session]);
    store.retain(None).unwrap();
    assert!(store.outlived(after(9_999, 0)).unwrap().is_empty(), "for ever");
}

#[tokio::test]
async fn e11_a_reader_delays_the_last_trace_and_does_not_keep_it() {
    let world = world(Limits::default());
    let (agent, _) = session(&world).await;
    let reader = Sqlite::reader(&world.path).unwrap();
    reader.connection.execute_batch("BEGIN; SELECT count(*) FROM sealed").unwrap();
    world.ledger.note(Notice::Erase { session: agent.session, parts: None }).await.unwrap();
    assert!(found(&world) > 0, "the reader may still see it");
    // Beats and commits go on beside the reader, and one after it is enough.
    let beat = async || {
        world.ledger.beat(false).await;
        for _ in 0..2 {
            world.ledger.perform(|_| ()).await.unwrap();
        }
    };
    beat().await;
    assert!(found(&world) > 0, "it still reads");
    reader.connection.execute_batch("COMMIT").unwrap();
    beat().await;
    assert_eq!(found(&world), 0);
    world.audit();
}

/// Killed while somebody read: the next program begins by finishing it.
#[tokio::test]
async fn e11_the_last_trace_of_an_erasure_does_not_outlive_a_restart() {
    let world = world(Limits::default());
    let (agent, _) = session(&world).await;
    let reader = Sqlite::reader(&world.path).unwrap();
    reader.connection.execute_batch("BEGIN; SELECT count(*) FROM sealed").unwrap();
    world.ledger.note(Notice::Erase { session: agent.session, parts: None }).await.unwrap();
    assert!(found(&world) > 0);
    reader.connection.execute_batch("COMMIT").unwrap();
    // The other one lives still, as a killed one's files do; nothing it would do at its next beat has been done.
    let (plan, unreadable) = (world.plan.clone(), world.unreadable.clone());
    let (deaf, reopened) = (world.deaf.clone(), world.reopened.clone());
    let store = Faulty { inner: Sqlite::open(&world.path).unwrap(), plan, unreadable, deaf, reopened };
    let boot = world.boot.clone();
    let surroundings = Surroundings {
        now: Arc::new(move || Now { boot_ms: boot.load(Ordering::SeqCst), wall: Wall::from_ms(START) }),
        free: Arc::new(|| u64::MAX),
        limits: Limits::default(),
        head: None,
    };
    let _again = start(store, log(), surroundings).unwrap();
    assert_eq!(found(&world), 0);
}
