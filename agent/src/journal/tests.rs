//! The journal on disks that lie, fill up, tear and rot.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::Command;
use std::rc::Rc;

use venia_proto::id::{Leaf, Strand};

use super::*;

const SESSION: SessionId = SessionId(*b"0123456789abcdef");

fn event(text: &str) -> Record {
    Record::Event { note: text.into(), openings: vec![vec![0xff, 0, 1].into(), "text".into()] }
}

fn receipt() -> Record {
    Record::Receipt { leaf: Leaf([7; 32]), proof: "c2sp.org/tlog-proof@v1\n".into() }
}

/// One of each kind.
fn batches() -> Vec<Vec<Record>> {
    let technician: Strand = "technician-1".parse().unwrap();
    vec![
        vec![Record::Statement("venia/statement@v1\n{}\n".into()), event("venia/event@v1\nopen — agent\n")],
        vec![receipt(), Record::Member { strand: technician, note: "venia/member@v1\n".into() }],
        vec![event("request"), event("admit")],
        vec![
            Record::Checkpoint { note: "origin\n3\n".into() },
            Record::Batch { strand: technician, note: "venia/batch@v1\n".into(), proof: vec![0x80].into() },
        ],
        vec![event("close"), Record::Mark(Mark::Closed)],
        vec![receipt(), Record::Mark(Mark::Receipted)],
    ]
}

/// What a disk does to the one operation it fails.
#[derive(Clone, Copy, Debug)]
enum Fault {
    NotPersisted,
    Half,
    Persisted,
}

/// A disk with a page cache. The operation number `fails` returns an error, after doing what the fault says.
#[derive(Debug, Default)]
struct Disk {
    cached: Vec<u8>,
    kept: Vec<u8>,
    operations: usize,
    fails: Option<(usize, Fault)>,
    /// Bytes the disk holds at all.
    room: Option<u64>,
    /// Bytes promised by `reserve`, as an offset.
    promised: u64,
    cannot_promise: bool,
}

#[derive(Clone, Debug, Default)]
struct Shared(Rc<RefCell<Disk>>);

impl Shared {
    fn holding(bytes: &[u8]) -> Self {
        Self(Rc::new(RefCell::new(Disk { cached: bytes.to_vec(), kept: bytes.to_vec(), ..Disk::default() })))
    }

    fn kept(&self) -> Vec<u8> {
        self.0.borrow().kept.clone()
    }
}

impl Disk {
    /// Whether the operation that comes now fails, and how.
    fn next(&mut self) -> Option<Fault> {
        self.operations += 1;
        self.fails.filter(|(operation, _)| *operation == self.operations).map(|(_, fault)| fault)
    }
}

impl Storage for Shared {
    fn length(&mut self) -> io::Result<u64> {
        Ok(self.0.borrow().cached.len() as u64)
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow().cached.as_slice().read_at(at, into)
    }

    fn reserve(&mut self, at: u64, bytes: u64) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        if disk.cannot_promise {
            return Err(ErrorKind::Unsupported.into());
        }
        if disk.next().is_some() {
            return Err(io::Error::other("reserve"));
        }
        if disk.room.is_some_and(|room| at + bytes > room.max(disk.promised)) {
            return Err(ErrorKind::StorageFull.into());
        }
        disk.promised = disk.promised.max(at + bytes);
        Ok(())
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        let fault = disk.next();
        let end = at + bytes.len() as u64;
        let full = disk.room.is_some_and(|room| end > room.max(disk.promised));
        let kept = match fault {
            Some(Fault::NotPersisted) => 0,
            Some(Fault::Half) => bytes.len() / 2,
            Some(Fault::Persisted) | None if !full => bytes.len(),
            Some(Fault::Persisted) | None => bytes.len() / 2,
        };
        disk.cached.truncate(at as usize);
        disk.cached.extend_from_slice(&bytes[..kept]);
        if fault.is_some() {
            disk.kept = disk.cached.clone();
            return Err(io::Error::other("write"));
        }
        if full { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        match disk.next() {
            None => {
                disk.kept = disk.cached.clone();
                return Ok(());
            }
            Some(Fault::Persisted) => disk.kept = disk.cached.clone(),
            Some(Fault::Half) => {
                let half = disk.kept.len().midpoint(disk.cached.len());
                disk.kept = disk.cached[..half].to_vec();
            }
            Some(Fault::NotPersisted) => {}
        }
        Err(io::Error::other("sync"))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.borrow_mut().cached.truncate(length as usize);
        Ok(())
    }
}

/// Reads from a slice at an offset, as a file does.
trait ReadAt {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self[(at as usize).min(self.len())..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// A log of all [`batches`], and the offset at which each is complete.
fn written() -> (Vec<u8>, Vec<usize>) {
    let disk = Shared::default();
    let mut log = Log::begin(disk.clone()).unwrap();
    let ends = batches().iter().map(|batch| log.append(batch).map(|()| disk.kept().len()).unwrap()).collect();
    (disk.kept(), ends)
}

#[test]
fn what_was_written_is_read() {
    let (bytes, _) = written();
    let (mut log, replay) = Log::reopen(Shared::holding(&bytes)).unwrap();
    assert_eq!(replay, Replay { records: batches().concat(), torn: None });
    log.append(&[receipt()]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains(r#"{"event":{"note":"venia/event@v1\nopen — agent\n","openings":[{"base64":"/wAB"},"text"]}}"#)
    );
    assert!(text.contains(r#"{"member":{"strand":"technician-1","note":"venia/member@v1\n"}}"#));
    assert!(text.contains(r#"{"mark":"receipted"}"#));
}

#[test]
fn killed_at_any_byte_keeps_what_was_acknowledged() {
    let (bytes, ends) = written();
    for length in 0..=bytes.len() {
        let disk = Shared::holding(&bytes[..length]);
        let (mut log, replay) = Log::reopen(disk.clone()).unwrap();
        let whole = ends.iter().filter(|end| **end <= length).count();
        let last = whole.checked_sub(1).map_or(0, |line| ends[line]);
        assert_eq!(replay.records, batches()[..whole].concat(), "cut at {length}");
        assert_eq!(replay.torn, (last < length).then_some((length - last) as u64), "cut at {length}");
        assert_eq!(disk.kept().len(), last);
        log.append(&[event("after")]).unwrap();
        let (_, replay) = Log::reopen(disk).unwrap();
        assert_eq!((replay.records.last(), replay.torn), (Some(&event("after")), None));
    }
}

#[test]
fn a_page_that_never_reached_the_disk_is_a_torn_line() {
    let (bytes, ends) = written();
    let mut holed = bytes;
    let last = ends[ends.len() - 2];
    holed[last + 10..last + 40].fill(0);
    let (_, replay) = Log::reopen(Shared::holding(&holed)).unwrap();
    assert_eq!(replay.records, batches()[..ends.len() - 1].concat());
    assert_eq!(replay.torn, Some((holed.len() - last) as u64));
    holed[ends[0] + 10..ends[0] + 40].fill(0);
    assert!(matches!(Log::reopen(Shared::holding(&holed)), Err(JournalError::Damaged { line: 1, .. })));
}

#[test]
fn every_changed_byte_is_found_and_its_line_named() {
    let (bytes, ends) = written();
    for at in 0..bytes.len() {
        let mut rotten = bytes.clone();
        rotten[at] ^= 1;
        let line = ends.iter().position(|end| at < *end).unwrap() as u64;
        match Log::reopen(Shared::holding(&rotten)) {
            Err(JournalError::Damaged { line: named, .. }) => assert_eq!(named, line, "byte {at}"),
            // Without its line feed the last line looks cut short.
            Ok((_, replay)) => assert!(at == bytes.len() - 1 && replay.torn.is_some(), "byte {at}"),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn lines_dropped_swapped_or_doubled_are_found() {
    let (bytes, _) = written();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let damaged = |order: &[usize]| {
        let text: Vec<u8> = order.iter().flat_map(|line| lines[*line].to_vec()).collect();
        match Log::reopen(Shared::holding(&text)) {
            Err(JournalError::Damaged { line, .. }) => Some(line),
            _ => None,
        }
    };
    assert_eq!(damaged(&[1, 2, 3]), Some(0));
    assert_eq!(damaged(&[0, 2, 3]), Some(1));
    assert_eq!(damaged(&[0, 1, 1]), Some(2));
    assert_eq!(damaged(&[0, 2]), Some(1));
    assert_eq!(damaged(&[0, 1, 2]), None);
}

#[test]
fn every_operation_failing_either_way_loses_nothing_acknowledged() {
    let healthy = Shared::default();
    let mut log = Log::begin(healthy.clone()).unwrap();
    batches().iter().for_each(|batch| log.append(batch).unwrap());
    let operations = healthy.0.borrow().operations;
    for operation in 1..=operations {
        for fault in [Fault::NotPersisted, Fault::Half, Fault::Persisted] {
            let disk = Shared::default();
            disk.0.borrow_mut().fails = Some((operation, fault));
            let Ok(mut log) = Log::begin(disk.clone()) else {
                assert!(operation <= 2, "only reserving and its sync come before the first batch");
                continue;
            };
            let batches = batches();
            let done = batches.iter().take_while(|batch| log.append(batch).is_ok()).count();
            assert!(done < batches.len(), "operation {operation} did not fail");
            assert!(matches!(log.append(&[receipt()]), Err(JournalError::Stopped)));
            assert!(matches!(log.append_last_words(&[receipt()]), Err(JournalError::Stopped)));
            let (_, replay) = Log::reopen(Shared::holding(&disk.kept())).unwrap();
            let either = [batches[..done].concat(), batches[..=done].concat()];
            assert!(either.contains(&replay.records), "operation {operation} {fault:?}");
        }
    }
}

/// The largest things a session can end with: a result of the largest opening, a refusal, stop and close, receipted.
fn last_words() -> Vec<Vec<Record>> {
    // Quotes, because JSON writes them as two bytes.
    let note = || Bytes::from("\"".repeat(16 * 1024));
    let with = |opening: usize| Record::Event { note: note(), openings: vec![vec![0xff; opening].into()] };
    let receipt = || Record::Receipt { leaf: Leaf([7; 32]), proof: "x".repeat(4 * 1024).into() };
    vec![
        vec![with(1024 * 1024)],
        vec![with(4 * 1024)],
        vec![with(4 * 1024)],
        vec![with(4 * 1024), Record::Mark(Mark::Closed)],
        vec![receipt(), receipt(), receipt(), receipt(), Record::Mark(Mark::Receipted)],
    ]
}

#[test]
fn a_full_disk_cannot_stop_the_last_words() {
    let disk = Shared::default();
    let mut log = Log::begin(disk.clone()).unwrap();
    log.append(&[event("first")]).unwrap();
    let room = disk.0.borrow().promised;
    disk.0.borrow_mut().room = Some(room);
    assert!(matches!(log.append(&[event("more")]), Err(JournalError::Full)));
    assert!(matches!(log.append(&[event("more")]), Err(JournalError::Full)));
    last_words().iter().for_each(|batch| log.append_last_words(batch).unwrap());
    let (mut log, replay) = Log::reopen(Shared::holding(&disk.kept())).unwrap();
    assert_eq!(replay.records, [vec![event("first")], last_words().concat()].concat());
    log.append(&[receipt()]).unwrap();
}

#[test]
fn a_full_disk_leaves_no_hole_before_the_close() {
    let disk = Shared::default();
    let mut log = Log::begin(disk.clone()).unwrap();
    assert_eq!(log.append_signed(&[event("first")]).unwrap(), Kept::Whole);
    let room = disk.0.borrow().promised;
    disk.0.borrow_mut().room = Some(room);
    for signed in ["request", "chat"] {
        assert_eq!(log.append_signed(&[event(signed)]).unwrap(), Kept::Reserved);
    }
    log.append_last_words(&[event("close")]).unwrap();
    let (_, replay) = Log::reopen(Shared::holding(&disk.kept())).unwrap();
    assert_eq!(replay.records, ["first", "request", "chat", "close"].map(event));
}

#[test]
fn a_full_disk_begins_no_session_but_closes_one() {
    let full = Shared::default();
    full.0.borrow_mut().room = Some(RESERVED - 1);
    assert!(matches!(Log::begin(full.clone()), Err(JournalError::Full)));
    full.0.borrow_mut().room = Some(RESERVED);
    assert!(Log::begin(full).is_ok());

    let (bytes, _) = written();
    let disk = Shared::holding(&bytes);
    disk.0.borrow_mut().room = Some(bytes.len() as u64 + 2_000);
    let (mut log, _) = Log::reopen(disk).unwrap();
    assert!(matches!(log.append(&[receipt()]), Err(JournalError::Full)));
    log.append_last_words(&[event("crash")]).unwrap();
}

#[test]
fn a_file_system_without_promises_is_told() {
    let disk = Shared::default();
    disk.0.borrow_mut().cannot_promise = true;
    let mut log = Log::begin(disk).unwrap();
    log.append(&[receipt()]).unwrap();
    assert!(!log.is_reserved());
    assert!(Log::begin(Shared::default()).unwrap().is_reserved());
}

#[test]
fn a_line_has_a_limit() {
    let mut log = Log::begin(Shared::default()).unwrap();
    let record = |length: usize| [Record::Statement("x".repeat(length).into())];
    assert!(matches!(log.append(&record(log::LINE_MAX)), Err(JournalError::TooLong)));
    log.append(&record(log::LINE_MAX - 200)).unwrap();
}

#[test]
fn a_record_of_tomorrow_is_refused_not_cut() {
    use sha2::{Digest, Sha256};
    let json = r#"{"line":0,"previous":null,"records":[{"dream":"x"}]}"#;
    let line = format!("{} {json}\n", venia_proto::encoding::to_hex(&Sha256::digest(json)));
    assert!(matches!(Log::reopen(Shared::holding(line.as_bytes())), Err(JournalError::Damaged { line: 0, .. })));
}

#[test]
fn sessions_say_what_they_need() {
    let data = tempfile::tempdir().unwrap();
    let journals = Journals::open(data.path()).unwrap();
    let needs =
        || -> Vec<String> { journals.unfinished().unwrap().iter().map(|(_, need)| format!("{need:?}")).collect() };
    let mut journal = journals.create(SESSION).unwrap();
    assert!(needs().is_empty(), "nothing happened yet");
    assert!(journals.create(SESSION).is_err());
    assert!(journals.reopen(SessionId([1; 16])).is_err() && journals.sessions().unwrap() == [SESSION]);
    let marker = data.path().join(format!("journal/{SESSION}/{FINISHED}"));
    for (line, batch) in batches().iter().enumerate() {
        journal.append(batch).unwrap();
        let expected: &[&str] = match line {
            0..=3 => &["CrashClose"],
            4 => &["Resubmit"],
            _ => &[],
        };
        assert_eq!(needs(), expected);
        assert_eq!(marker.exists(), line == 5);
    }
    fs::remove_file(&marker).unwrap();
    assert!(needs().is_empty() && marker.exists(), "the marker is derived");

    let (mut journal, replay) = journals.reopen(SESSION).unwrap();
    assert_eq!(replay.records, batches().concat());
    journal.append(&[event("addendum")]).unwrap();
    assert_eq!(needs(), ["Resubmit"]);
    journal.append(&[receipt(), Record::Mark(Mark::Receipted)]).unwrap();
    assert!(needs().is_empty() && marker.exists());
    assert_eq!(journals.sessions().unwrap(), [SESSION]);

    fs::remove_file(&marker).unwrap();
    let log = OpenOptions::new().write(true).open(marker.with_file_name(LOG)).unwrap();
    log.write_all_at(b"x", 100).unwrap();
    assert!(needs()[0].starts_with("Damaged"));
}

#[test]
fn files_are_the_persons_own() {
    let data = tempfile::tempdir().unwrap();
    let journals = Journals::open(data.path()).unwrap();
    journals.create(SESSION).unwrap().append(&[receipt()]).unwrap();
    let folder = data.path().join("journal").join(SESSION.to_string());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&data.path().join("journal")), 0o700);
    assert_eq!((mode(&folder), mode(&folder.join(LOG))), (0o700, 0o600));
    let open_to = |path: &Path, bits: u32| fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
    open_to(&folder.join(LOG), 0o640);
    assert!(matches!(journals.read(SESSION), Err(JournalError::Exposed { mode: 0o640, .. })));
    open_to(&folder.join(LOG), 0o600);
    open_to(&folder, 0o701);
    assert!(matches!(journals.reopen(SESSION), Err(JournalError::Exposed { mode: 0o701, .. })));
    open_to(&folder, 0o700);
    fs::rename(folder.join(LOG), folder.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.join(LOG)).unwrap();
    assert!(journals.read(SESSION).is_err());
}

/// A small real file system, filled to the last byte. Only root can mount one; the tests above do the same on a disk
/// made of memory for everybody else.
#[test]
fn a_full_tmpfs_cannot_stop_the_last_words() {
    let data = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::tmpfs(data.path(), "size=8m,mode=0700") else { return };
    let journals = Journals::open(data.path()).unwrap();
    let mut journal = journals.create(SESSION).unwrap();
    journal.append(&[event("first")]).unwrap();
    let mut ballast = fs::File::create(data.path().join("ballast")).unwrap();
    let full = (0..4_000).find_map(|_| ballast.write_all(&[1; 4096]).err()).unwrap();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    let refused = (0..10_000).find_map(|_| journal.append(&[event("more")]).err()).unwrap();
    assert!(matches!(refused, JournalError::Full), "{refused}");
    last_words().iter().for_each(|batch| journal.append_last_words(batch).unwrap());
    assert!(journal.is_reserved());
    let records = journals.read(SESSION).unwrap().records;
    assert!(records.ends_with(&last_words().concat()));
    assert!(Journals::open(data.path()).unwrap().create(SessionId([1; 16])).is_err());
    drop((journal, ballast, mounted));
}

struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(at: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output().ok()?;
        mounted.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
