use std::os::unix::fs::PermissionsExt as _;

use venia_proto::ledger::keeping::DAY_MS;
use venia_proto::ledger::part::PartName;

use super::*;

const MARKER: &[u8] = b"{\"text\":\"plantedmarker\"}";

fn log() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    (folder, log)
}

fn swept(log: &Path, now: Wall) -> Result<Words, HomeError> {
    let mut words = Words::open(log)?;
    words.sweep(now)?;
    Ok(words)
}

fn now() -> Wall {
    "2026-11-23T10:00:00.000Z".parse().unwrap()
}

fn name(n: u8) -> String {
    format!("{n:032x}")
}

fn record(n: u8, heard: Heard, plaintext: &[u8]) -> Record<'_> {
    Record { entry: n.into(), time: now(), kind: KindName::Chat, commit: [n; 32], heard, plaintext }
}

fn covered(events: usize) -> Covered {
    Covered { recipient: "age1x".to_owned(), events }
}

/// Two opened parts and one of each other kind.
fn records() -> Vec<Record<'static>> {
    let others = [Heard::Shut, Heard::Lied, Heard::Nobody, Heard::Erased, Heard::Missing];
    let mut records = vec![record(1, Heard::Opened([7; 32]), MARKER), record(2, Heard::Opened([8; 32]), b"two\nend\n")];
    records.extend((3..).zip(others).map(|(n, heard)| record(n, heard, b"")));
    records
}

fn marked(folder: &Path) -> bool {
    names(folder).unwrap().iter().any(|name| {
        let path = folder.join(name);
        let holds = |bytes: Vec<u8>| bytes.windows(MARKER.len()).any(|window| window == MARKER);
        if path.is_dir() { marked(&path) } else { holds(fs::read(path).unwrap()) }
    })
}

#[test]
fn words_come_back_as_they_were_kept_and_only_their_owner_reads_them() {
    let (_folder, log) = log();
    let mut words = swept(&log, now()).unwrap();
    assert!(words.is_empty() && words.read(&name(1)).unwrap().is_none());
    words.keep(&name(1), &covered(7), &records(), keeping::due(now(), 30)).unwrap();
    let again = swept(&log, now()).unwrap();
    let kept = again.read(&name(1)).unwrap().unwrap();
    assert_eq!((kept.records().collect::<Vec<_>>(), &kept.covered), (records(), &covered(7)));
    assert_eq!(again.covered(&name(1)), Some(covered(7)));
    let file = log.join("words/2026-12-23").join(name(1));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_file_that_isnt_whole_is_none() {
    let (_folder, log) = log();
    let mut words = swept(&log, now()).unwrap();
    words.keep(&name(1), &covered(7), &records(), keeping::due(now(), 30)).unwrap();
    let file = words.path(&name(1)).unwrap();
    let whole = fs::read(&file).unwrap();
    for cut in 0..whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        assert!(words.read(&name(1)).unwrap().is_none(), "{cut} of {} bytes", whole.len());
    }
    fs::write(&file, [&whole[..], b"more"].concat()).unwrap();
    assert!(words.read(&name(1)).unwrap().is_none());
}

#[test]
fn e11_words_go_when_they_are_due_and_never_later() {
    let (_folder, log) = log();
    for (days, kept_at, due_at) in [(0, None, 0), (1, Some(DAY_MS / 2), DAY_MS), (30, Some(29 * DAY_MS), 30 * DAY_MS)] {
        let mut words = swept(&log, now()).unwrap();
        words.keep(&name(1), &covered(1), &records(), keeping::due(now(), days)).unwrap();
        assert!(marked(&log));
        if let Some(kept_at) = kept_at {
            assert!(!swept(&log, now().plus_ms(kept_at)).unwrap().is_empty(), "{days}");
        }
        assert!(swept(&log, now().plus_ms(due_at)).unwrap().is_empty(), "{days}");
        assert!(!marked(&log), "{days}");
    }
    fs::create_dir_all(log.join("words/someday")).unwrap();
    fs::write(log.join("words/someday").join(name(1)), MARKER).unwrap();
    assert!(swept(&log, now()).unwrap().is_empty() && !marked(&log), "a day nobody can read is over");
}

#[test]
fn words_kept_again_are_due_when_they_were() {
    let (_folder, log) = log();
    let mut words = swept(&log, now()).unwrap();
    words.keep(&name(1), &covered(1), &records()[..1], keeping::due(now(), 1)).unwrap();
    words.keep(&name(1), &covered(2), &records(), keeping::due(now(), 30)).unwrap();
    assert_eq!(words.covered(&name(1)), Some(covered(2)));
    assert!(swept(&log, now().plus_ms(DAY_MS)).unwrap().is_empty());
}

#[test]
fn e11_what_was_erased_is_overwritten_and_the_rest_stays() {
    let (_folder, log) = log();
    let due = keeping::due(now(), 30);
    let mut words = swept(&log, now()).unwrap();
    for n in [1, 2] {
        words.keep(&name(n), &covered(7), &records(), due).unwrap();
    }
    let mut session = Session::new(name(1), "device-x+0+0".to_owned(), 0);
    // Another name of the same bytes on the disk shows that they were overwritten, not only unlinked.
    let second = log.join("second-name");
    fs::hard_link(words.path(&name(1)).unwrap(), &second).unwrap();
    session.erase(Some(&[[1; 32]]));
    words.obey(&session).unwrap();
    assert!(fs::read(&second).unwrap().iter().all(|byte| *byte == 0));
    let kept = words.read(&name(1)).unwrap().unwrap();
    let heard: Vec<_> = kept.records().map(|record| record.heard).collect();
    assert_eq!(heard[..2], [Heard::Erased, Heard::Opened([8; 32])]);
    session.erase(None);
    words.obey(&session).unwrap();
    let kept = words.read(&name(1)).unwrap().unwrap();
    assert!(kept.records().all(|record| record.heard == Heard::Erased && record.plaintext.is_empty()));
    assert!(marked(&log), "the other session is another's");
    let other = words.path(&name(2)).unwrap();
    fs::write(&other, MARKER).unwrap();
    session.session = name(2);
    words.obey(&session).unwrap();
    assert!(!marked(&log) && !other.exists(), "a damaged file of an erased session goes whole");
}

#[test]
fn words_count_only_with_the_commitment_of_their_event() {
    let opening = Opening::make([7; 32], MARKER).unwrap();
    let part = opening.part(PartName::Body, None);
    let right = Record { commit: part.commit, ..record(1, Heard::Opened([7; 32]), MARKER) };
    assert!(right.opening(&part).is_some_and(|opened| opened == opening));
    for wrong in [
        Record { plaintext: b"{}", ..right },
        Record { heard: Heard::Opened([8; 32]), ..right },
        Record { heard: Heard::Shut, ..right },
        Record { commit: [0; 32], ..right },
    ] {
        assert!(wrong.opening(&part).is_none());
    }
}
