//! A disk that fills up under a running relay: nothing is receipted that isn't stored, and it goes on when there is room.
//!
//! Needs a small file system of its own, so it runs as root alone; elsewhere it says that it did nothing.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use venia_proto::id::{SessionId, Strand};
use venia_proto::key::SigningKey;
use venia_proto::ledger::event::part_names;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::strand::Author;
use venia_proto::now::Wall;
use venia_proto::rendezvous::{Answer, Refusal};
use venia_relay::clock;
use venia_relay::server::ledger::admission::Submission;
use venia_relay::server::ledger::committer::{Surroundings, start};
use venia_relay::server::ledger::limits::Limits;
use venia_relay::server::ledger::queue::Ledger;
use venia_relay::server::ledger::sealed::Held;
use venia_relay::server::ledger::sqlite::Sqlite;

/// A mounted tmpfs; unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a database that is still being closed doesn't keep it mounted.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

async fn submit(ledger: &Ledger<Sqlite>, agent: &SigningKey, session: SessionId, note: &[u8]) -> Result<u64, Refusal> {
    let met = Some((session, vec![*SigningKey::new("member", [2; 32]).public()]));
    let events = vec![note.to_vec()];
    let submission = Submission {
        from: *agent.public(),
        source: "here".to_owned(),
        met,
        events,
        known: 0,
        held: Held::default(),
        auditors: Some(false),
    };
    let answer = ledger.submit(submission).await?.await.unwrap()?;
    let Answer::Receipts { entries, .. } = answer else { unreachable!("receipts answer a submission") };
    Ok(entries[0].index)
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let Some(small) = Small::mount() else {
        eprintln!("skipped: this user can't mount a small file system");
        return;
    };
    let surroundings =
        Surroundings { now: Arc::new(clock::now), free: Arc::new(|| u64::MAX), limits: Limits::default(), head: None };
    let store = Sqlite::open(&small.path().join("relay.db")).unwrap();
    let (ledger, thread) = start(store, SigningKey::new("log", [9; 32]), surroundings).unwrap();
    let (agent, session) = (SigningKey::new("device", [1; 32]), SessionId([5; 16]));
    let mut strand = Author::new(session, Strand::Agent);
    let mut write = |kind: Kind| {
        let parts: Vec<_> =
            part_names(&kind).iter().map(|name| Opening::make([1; 32], b"{}").unwrap().part(*name, None)).collect();
        strand.write(kind, &parts, Wall::from_ms(0), &agent).bytes().to_vec()
    };
    let mut receipted = Vec::new();
    let mut note = write(Kind::Open { versions: vec![1] });
    let filler = small.path().join("filler");
    std::fs::write(&filler, vec![0; 300 << 10]).unwrap();
    let refused = loop {
        match submit(&ledger, &agent, session, &note).await {
            Ok(index) => receipted.push((note, index)),
            Err(refusal) => break refusal,
        }
        assert!(receipted.len() < 5_000, "a megabyte is full long before");
        note = write(Kind::Chat);
    };
    assert_eq!(refused, Refusal::Disk);
    assert!(receipted.len() > 10, "{}", receipted.len());
    assert_eq!(submit(&ledger, &agent, session, &note).await, Err(Refusal::Disk), "still full");
    std::fs::remove_file(&filler).unwrap();
    let index = submit(&ledger, &agent, session, &note).await.unwrap();
    receipted.push((note, index));
    for (note, index) in &receipted {
        assert_eq!(submit(&ledger, &agent, session, note).await, Ok(*index), "every receipt still holds");
    }
    drop(ledger);
    thread.join().unwrap();
}
