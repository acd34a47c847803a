//! Heartbeats, gaps and sessions that nobody closed.

use venia_proto::ledger::heartbeat::{ABANDONED_MS, BUSY_MS, IDLE_MS, SLACK_MS};
use venia_proto::ledger::notice::{LogEntry, Notice};

use super::*;

impl World {
    fn pass(&self, ms: u64) {
        self.boot.fetch_add(ms, Ordering::SeqCst);
        self.wall.fetch_add(ms.cast_signed(), Ordering::SeqCst);
    }

    /// A beat, and everything the log holds after it.
    async fn beat(&self, waiting: bool) -> Vec<LogEntry> {
        self.ledger.beat(waiting).await;
        // The first may be answered within the beat's own round; the second comes after its commit.
        for _ in 0..2 {
            self.ledger.perform(|_| ()).await.unwrap();
        }
        entries(&self.path)
    }
}

fn entries(path: &std::path::Path) -> Vec<LogEntry> {
    let store = Sqlite::open(path).unwrap();
    let size = store.head().unwrap().unwrap().size;
    (0..size).map(|index| LogEntry::open(&store.entry(index).unwrap().unwrap(), log().verifier()).unwrap()).collect()
}

fn notices(entries: &[LogEntry]) -> Vec<Notice> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            LogEntry::Notice(notice) => Some(notice.clone()),
            LogEntry::Batch(_) | LogEntry::Event(_) => None,
        })
        .collect()
}

#[tokio::test]
async fn f6_a_heart_that_beats_in_time_leaves_no_gap() {
    let world = world(Limits::default());
    assert_eq!(world.beat(false).await.len(), 1, "the first batch");
    world.pass(BUSY_MS - 1);
    assert_eq!(world.beat(true).await.len(), 1);
    world.pass(1);
    assert_eq!(world.beat(false).await.len(), 1, "nobody needs it yet");
    assert_eq!(world.beat(true).await.len(), 2, "somebody waits");
    world.pass(IDLE_MS - 1);
    assert_eq!(world.beat(false).await.len(), 2);
    world.pass(1);
    let entries = world.beat(false).await;
    assert_eq!(entries.len(), 3);
    assert!(notices(&entries).is_empty());
    let mut agent = Agent::new(1);
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    world.pass(BUSY_MS);
    assert_eq!(world.beat(false).await.len(), 6, "a session is open");
}

#[tokio::test]
async fn f6_a_silence_is_told_at_once_by_whoever_was_silent() {
    let world = world(Limits::default());
    world.pass(IDLE_MS + SLACK_MS);
    assert!(notices(&world.beat(false).await).is_empty(), "late, but within the slack");
    world.pass(IDLE_MS + SLACK_MS + 1);
    let entries = world.beat(false).await;
    let [Notice::Gap { from, to }] = notices(&entries)[..] else { panic!("{entries:?}") };
    assert_eq!(to.ms() - from.ms(), (IDLE_MS + SLACK_MS + 1).cast_signed());
    let LogEntry::Batch(batch) = &entries[entries.len() - 2] else { panic!("{entries:?}") };
    assert_eq!((batch.n, batch.observed), (1, to));
    world.audit();
}

#[tokio::test]
async fn f6_every_start_says_how_long_nobody_was_here() {
    let world = world(Limits::default());
    let World { path, ledger, wall, _folder, .. } = world;
    // The thread ends with the last way to it; only then the next relay starts.
    drop(ledger);
    let again = start_again(&path, wall.load(Ordering::SeqCst) + 5_000);
    let found = notices(&entries(&path));
    let (from, to) = (Wall::from_ms(START), Wall::from_ms(START + 5_000));
    assert_eq!(found, [Notice::Gap { from, to }]);
    drop(again);
}

fn start_again(path: &std::path::Path, wall: i64) -> Ledger<Sqlite> {
    let surroundings = Surroundings {
        now: Arc::new(move || Now { boot_ms: 5, wall: Wall::from_ms(wall) }),
        free: Arc::new(|| u64::MAX),
        limits: Limits::default(),
        head: None,
    };
    start(Sqlite::open(path).unwrap(), log(), surroundings).unwrap().0
}

#[tokio::test]
async fn e7_a_session_nobody_closed_is_noted_once() {
    let (world, mut agent, mut closed) = (world(Limits::default()), Agent::new(1), Agent::new(2));
    let (open, other) = (agent.open(), closed.open());
    world.submit(agent.submission(vec![open])).await.unwrap();
    let close = closed.close();
    world.submit(closed.submission(vec![other, close])).await.unwrap();
    world.pass(ABANDONED_MS.cast_unsigned() - 1);
    let before = notices(&world.beat(false).await);
    assert!(!before.iter().any(|notice| matches!(notice, Notice::Abandoned { .. })), "{before:?}");
    world.pass(1);
    for _ in 0..2 {
        let found = notices(&world.beat(false).await);
        let abandoned: Vec<_> = found.iter().filter(|notice| matches!(notice, Notice::Abandoned { .. })).collect();
        assert_eq!(abandoned, [&Notice::Abandoned { session: agent.session }]);
        world.pass(BUSY_MS);
    }
    // What the agent held back is still taken, and visibly late.
    let close = agent.close();
    world.submit(agent.submission(vec![close])).await.unwrap();
    world.audit();
}

#[tokio::test]
async fn a_note_of_the_relays_own_is_durable_when_it_is_answered() {
    let world = world(Limits::default());
    let notice = Notice::Policy { serial: 2, statement: [1; 32] };
    let index = world.ledger.note(notice.clone()).await.unwrap();
    assert_eq!(index, 2, "after its batch note");
    assert_eq!(notices(&entries(&world.path)), std::slice::from_ref(&notice));
    world.fail(Failing::NotPersisted);
    assert_eq!(world.ledger.note(notice.clone()).await, Err(Refusal::Disk));
    assert_eq!(world.ledger.note(notice).await, Ok(4));
    world.audit();
}

/// The relay's clock set forward a day, back two days, and a night in which the computer slept: the log's own time never
/// goes back, every silence is explained in it, and whoever reads it from its bytes finds nothing to doubt.
#[tokio::test]
async fn f6_clock_jumps_and_sleep_leave_a_log_without_holes() {
    const HOUR: i64 = 3_600_000;
    let world = world(Limits::default());
    let mut agent = Agent::new(1);
    let open = agent.open();
    world.submit(agent.submission(vec![open])).await.unwrap();
    // The boot clock counts through a sleep; a corrected wall clock moves alone.
    let steps = [
        (1_000, 1_000),
        (1_000, 24 * HOUR),
        (1_000, -48 * HOUR),
        (1_000, HOUR),
        (8 * HOUR, 8 * HOUR),
        (1_000, 60 * HOUR),
    ];
    for (boot, wall) in steps {
        world.boot.fetch_add(boot.cast_unsigned(), Ordering::SeqCst);
        world.wall.fetch_add(wall, Ordering::SeqCst);
        let chat = agent.write(Kind::Chat);
        world.submit(agent.submission(vec![chat])).await.unwrap();
        world.beat(true).await;
    }
    let store = Sqlite::open(&world.path).unwrap();
    let size = store.head().unwrap().unwrap().size;
    let mut reading = venia_proto::ledger::reading::Reading::new(log().verifier().clone());
    let (mut last, mut gaps) = (Wall::MIN, 0);
    for index in 0..size {
        let read = reading.push(&store.entry(index).unwrap().unwrap()).unwrap();
        assert!(read.observed >= last, "entry {index}: {} after {last}", read.observed);
        assert_eq!(read.hole, None, "entry {index}");
        last = read.observed;
        gaps += usize::from(matches!(read.entry, LogEntry::Notice(Notice::Gap { .. })));
    }
    assert!(gaps >= 2, "{gaps} silences were told");
    world.audit();
}
