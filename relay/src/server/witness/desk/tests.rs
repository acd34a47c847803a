//! Crashes and failing disks at the one moment that counts: after the state is stored, before the cosignature leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use venia_proto::ledger::cosignature::cosigned;
use venia_proto::ledger::merkle::{self, Tree};
use venia_proto::ledger::note;
use venia_proto::ledger::witness::read_lines;

use super::*;

fn log() -> SigningKey {
    SigningKey::new("log", [1; 32])
}

/// A request for a tree of `size` leaves of one of several worlds.
fn request(world: u8, old: u64, size: u64) -> AddCheckpoint {
    let (mut tree, mut nodes) = (Tree::new(), std::collections::BTreeMap::new());
    for n in 0..size {
        tree.append(note::leaf(&[if n < 2 { 0 } else { world }, n as u8]), |level, place, hash| {
            nodes.insert((level, place), hash);
        });
    }
    let node = |level, place| nodes.get(&(level, place)).copied();
    let proof = if old == 0 { Vec::new() } else { merkle::consistency(old, size, node).unwrap() };
    let note = Checkpoint::of(log().verifier(), size, tree.root()).sign(&log());
    AddCheckpoint { old, proof, checkpoint: Note::parse(&note).unwrap() }
}

/// The moment a reply cosigns, if it does.
fn when<M: Memory>(desk: &Desk<M>, request: &AddCheckpoint, seconds: u64) -> Result<u64, u16> {
    let reply = desk.answer(&request.to_bytes(), seconds);
    if reply.status != 200 {
        return Err(reply.status);
    }
    let mut note = request.checkpoint.clone();
    for line in read_lines(reply.body.as_bytes(), &note).unwrap() {
        note.add_line(line);
    }
    Ok(cosigned(&note, &desk.vkey()).unwrap().unwrap())
}

/// A memory that fails as told: 1 nothing is stored, 2 stored all the same, 3 dies after storing, 4 can't be read.
struct Faulty {
    home: Home,
    writes: Arc<AtomicU8>,
    fails: Arc<AtomicU8>,
}

impl Memory for Faulty {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, HomeError> {
        if self.fails.load(Ordering::SeqCst) == 4 { Err(broken()) } else { self.home.read(name, NOTE_MAX) }
    }
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        match self.fails.swap(0, Ordering::SeqCst) {
            0 => self.home.write(name, bytes),
            1 => Err(broken()),
            n => {
                self.home.write(name, bytes).unwrap();
                assert_ne!(n, 3, "the process dies here");
                self.fails.store(if n == 4 { 4 } else { 0 }, Ordering::SeqCst);
                Err(broken())
            }
        }
    }
    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        self.home.keep(name, bytes)
    }
}

fn broken() -> HomeError {
    HomeError::Disk { path: "disk".into(), source: std::io::Error::other("full") }
}

fn faulty(folder: &std::path::Path) -> (Desk<Faulty>, Arc<AtomicU8>) {
    let (desk, fails, _) = counted(folder);
    (desk, fails)
}

fn counted(folder: &std::path::Path) -> (Desk<Faulty>, Arc<AtomicU8>, Arc<AtomicU8>) {
    let home = Home::open(folder, true).unwrap();
    let (key, fails) = (home.key(KEY_FILE, KEY_KIND).unwrap(), Arc::new(AtomicU8::new(0)));
    let writes = Arc::new(AtomicU8::new(0));
    let memory = Faulty { home, writes: writes.clone(), fails: fails.clone() };
    (Desk::new(memory, key, vec![log().verifier().clone()]).unwrap(), fails, writes)
}

#[test]
fn what_was_cosigned_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("witness");
    let open = || Desk::open(&folder, vec![log().verifier().clone()]).unwrap();
    let desk = open();
    let vkey = desk.vkey();
    assert_eq!(when(&desk, &request(1, 0, 5), 7), Ok(7));
    drop(desk);
    let desk = open();
    assert_eq!(desk.vkey(), vkey);
    assert_eq!(when(&desk, &request(2, 5, 5), 8), Err(409), "a fork");
    assert_eq!(when(&desk, &request(1, 0, 9), 8), Err(409));
    assert_eq!(desk.answer(&request(1, 0, 9).to_bytes(), 8).body, "5\n");
    assert_eq!(when(&desk, &request(1, 5, 9), 8), Ok(8));
}

#[test]
fn two_trees_of_one_size_are_kept_as_proof() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("witness");
    let desk = Desk::open(&folder, vec![log().verifier().clone()]).unwrap();
    when(&desk, &request(1, 0, 5), 7).unwrap();
    assert_eq!(when(&desk, &request(2, 5, 5), 7), Err(409));
    assert_eq!(when(&desk, &request(3, 5, 5), 7), Err(409), "the first pair stays");
    let read = |kind| std::fs::read(folder.join(file(kind, &log().verifier().name))).unwrap();
    assert_eq!(read("fork-known"), request(1, 0, 5).checkpoint.to_bytes());
    assert_eq!(read("fork-shown"), request(2, 0, 5).checkpoint.to_bytes());
}

#[test]
fn a_death_between_state_and_answer_never_lets_two_histories_pass() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("witness");
    let (desk, fails) = faulty(&folder);
    when(&desk, &request(1, 0, 3), 1).unwrap();
    fails.store(3, Ordering::SeqCst);
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| desk.answer(&request(1, 3, 6).to_bytes(), 2)));
    assert!(died.is_err());
    drop(desk);
    let desk = Desk::open(&folder, vec![log().verifier().clone()]).unwrap();
    assert_eq!(when(&desk, &request(2, 3, 6), 3), Err(409));
    assert_eq!(when(&desk, &request(2, 6, 6), 3), Err(409));
    assert_eq!(when(&desk, &request(1, 6, 6), 3), Ok(3), "the lost cosignature is given again");
}

#[test]
fn a_write_that_failed_is_read_back_before_anything_else_is_judged() {
    for (fail, stored) in [(1, 3), (2, 6), (4, 6)] {
        let folder = tempfile::tempdir().unwrap();
        let (desk, fails) = faulty(&folder.path().join("witness"));
        when(&desk, &request(1, 0, 3), 1).unwrap();
        fails.store(fail, Ordering::SeqCst);
        assert_eq!(when(&desk, &request(1, 3, 6), 2), Err(500));
        if fail == 4 {
            assert_eq!(when(&desk, &request(2, 3, 6), 2), Err(500), "what can't be read back lets nothing pass");
            fails.store(0, Ordering::SeqCst);
        }
        let size = desk.answer(&request(2, 1, 6).to_bytes(), 3).body;
        assert_eq!(size, format!("{stored}\n"), "{fail}");
    }
}

#[test]
fn a_witness_that_forgot_doesnt_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("witness");
    let logs = || vec![log().verifier().clone()];
    when(&Desk::open(&folder, logs()).unwrap(), &request(1, 0, 3), 1).unwrap();
    let other = SigningKey::new("log", [9; 32]).named(log().verifier().name.clone());
    let refused = Desk::open(&folder, vec![other.verifier().clone()]).err();
    assert!(matches!(refused, Some(DeskError::Kept(_))), "another key under the same origin");
    let path = folder.join(file("log", &log().verifier().name));
    for bad in [&b""[..], b"log\n9\n", &request(1, 0, 3).checkpoint.to_bytes()[..40]] {
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(Desk::open(&folder, logs()).err(), Some(DeskError::Kept(_))));
    }
    assert!(matches!(Desk::open(&folder, Vec::new()).err(), Some(DeskError::NoLog)));
}

#[test]
fn of_two_forks_at_once_at_most_one_is_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(&folder.path().join("witness"), vec![log().verifier().clone()]).unwrap();
    when(&desk, &request(0, 0, 2), 1).unwrap();
    let start = std::sync::Barrier::new(8);
    let passed: Vec<u8> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=8)
            .map(|world| {
                let (desk, start) = (&desk, &start);
                scope.spawn(move || {
                    start.wait();
                    when(desk, &request(world, 2, 5), 2).ok().map(|_| world)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(passed.len(), 1, "{passed:?}");
}

/// Whoever has the newest checkpoint may show it again and again.
#[test]
fn the_newest_checkpoint_said_again_costs_no_write() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("witness");
    let (desk, fails, writes) = counted(&folder);
    when(&desk, &request(1, 0, 5), 1).unwrap();
    for seconds in 2..5 {
        assert_eq!(when(&desk, &request(1, 5, 5), seconds), Ok(seconds));
    }
    assert_eq!(writes.load(Ordering::SeqCst), 1);
    assert_eq!(when(&desk, &request(2, 5, 5), 6), Err(409), "a fork is one still");
    // A write that failed left it there, perhaps in the system's memory alone: cosigned only once it was written.
    fails.store(2, Ordering::SeqCst);
    assert_eq!(when(&desk, &request(1, 5, 9), 7), Err(500));
    for seconds in 8..10 {
        assert_eq!(when(&desk, &request(1, 9, 9), seconds), Ok(seconds));
        assert_eq!(writes.load(Ordering::SeqCst), 3);
    }
    drop(desk);
    // Nor does a new process know whether the one before it had ended its write.
    let (desk, _, writes) = counted(&folder);
    for seconds in 10..12 {
        assert_eq!(when(&desk, &request(1, 9, 9), seconds), Ok(seconds));
        assert_eq!(writes.load(Ordering::SeqCst), 1);
    }
    when(&desk, &request(1, 9, 12), 12).unwrap();
    assert_eq!(writes.load(Ordering::SeqCst), 2);
}
