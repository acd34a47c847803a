//! `venia audit verify` and `export` over a whole history, as an auditor's scripts see them: what is damaged is found and
//! named, what is interrupted goes on, and what is exported can be walked by others.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tlog_tiles::{Hash, HashReader as _, Tile, TileHashReader, TileReader};
use venia_proto::ledger::note;
use venia_tests::harness::until;
use venia_tests::measure::history::{History, SESSION};
use venia_tests::programs;

fn console(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs!());
    command.arg("console").args(arguments).args(["--offline", "--json", "--data"]).arg(data);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// `venia audit …`: exit code and the first object.
fn audit(data: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = console(data, arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let object = said.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    (output.status.code().unwrap(), object)
}

/// Every record of the copy: where its entry's bytes begin, and end.
fn records(bytes: &[u8]) -> Vec<(usize, usize)> {
    let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut records, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let begins = at + 4 + length(at) + 4;
        let ends = begins + length(begins - 4);
        records.push((begins, ends));
        at = ends;
    }
    records
}

#[test]
fn every_damaged_entry_is_found_and_named() {
    let history = History::write(2 * SESSION, |_, _| {});
    let (file, data) = (history.entries(), history.data());
    for jobs in ["1", "2", "5"] {
        let (exit, said) = audit(&data, &["audit", "verify", "--jobs", jobs]);
        assert_eq!((exit, &said["verdict"], &said["sessions"]), (0, &"intact".into(), &2.into()), "{said}");
    }
    let good = fs::read(&file).unwrap();
    let records = records(&good);
    for (entry, (begins, ends)) in records.iter().enumerate().step_by(7) {
        // In the text, and in the signature.
        for at in [begins + (ends - begins) / 2, ends - 30] {
            let mut bad = good.clone();
            bad[at] = if bad[at] == b'1' { b'2' } else { b'1' };
            fs::write(&file, &bad).unwrap();
            let (exit, said) = audit(&data, &["audit", "verify", "--jobs", "2"]);
            assert_eq!(
                (exit, &said["verdict"], &said["at"]),
                (1, &"broken".into(), &entry.into()),
                "byte {at}: {said}"
            );
            // A signature that is no longer good, but still one: whose session it was can be told.
            if good[*begins..*ends].starts_with(b"venia/event") && at == ends - 30 {
                assert!(said["session"].is_string(), "{said}");
            }
        }
    }
    // An entry less, and two in the other order.
    let without = |which: usize| {
        let from = if which == 0 { 0 } else { records[which - 1].1 };
        [&good[..from], &good[records[which].1..]].concat()
    };
    let (first, second, third) = (records[8].1, records[9].1, records[10].1);
    let swapped = [&good[..first], &good[second..third], &good[first..second], &good[third..]].concat();
    for bad in [without(0), without(20), without(records.len() - 1), swapped] {
        fs::write(&file, &bad).unwrap();
        assert_eq!(audit(&data, &["audit", "verify"]).0, 1);
    }
    fs::write(&file, &good).unwrap();
    assert_eq!(audit(&data, &["audit", "verify"]).0, 0, "what was right is right again");
    let (exit, said) = audit(&data, &["audit", "verify", "--since-last"]);
    assert_eq!((exit, &said["from"], &said["entries"]), (0, &records.len().into(), &records.len().into()), "{said}");
}

#[test]
fn every_log_is_judged_whichever_is_broken() {
    let history = History::write(SESSION, |_, _| {});
    let folder = history.entries().parent().unwrap().to_owned();
    // The same log in four copies: one good, two damaged, and one that can't even be read.
    let damaged = ["second", "third", "fourth"].map(|name| folder.with_file_name(name));
    for copy in &damaged {
        fs::DirBuilder::new().mode(0o700).create(copy).unwrap();
        for file in fs::read_dir(&folder).unwrap().flatten().filter(|file| file.file_type().unwrap().is_file()) {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    }
    let verify = || {
        let output = console(&history.data(), &["audit", "verify"]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let objects = said.lines().map(|line| serde_json::from_str(line).unwrap());
        (output.status.code().unwrap(), objects.collect::<Vec<Value>>())
    };
    let count = |said: &[Value], verdict: &str| said.iter().filter(|said| said["verdict"] == verdict).count();
    let (exit, said) = verify();
    assert_eq!((exit, said.len(), count(&said, "intact")), (0, 4, 4), "{said:?}");
    assert!(said.iter().all(|said| said["outlives"].is_null()), "{said:?}");
    let bytes = fs::read(history.entries()).unwrap();
    let mut bad = bytes.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(damaged[0].join("entries"), &bad).unwrap();
    fs::write(damaged[1].join("entries"), &bad).unwrap();
    // The good one outlives the log that the service closed.
    let index = fs::read_to_string(folder.join("index")).unwrap();
    assert!(index.contains("\"closed\":null"), "{index}");
    fs::write(folder.join("index"), index.replace("\"closed\":null", "\"closed\":7")).unwrap();
    let (exit, said) = verify();
    assert_eq!((exit, count(&said, "intact"), count(&said, "broken")), (1, 2, 2), "{said:?}");
    let outliving = said.iter().filter(|said| said["verdict"] == "intact" && said["outlives"] == 7);
    assert_eq!(outliving.count(), 1, "{said:?}");
    // One that can't be read is said too, and what is broken decides.
    fs::write(damaged[2].join("entries"), &bytes[..bytes.len() / 2]).unwrap();
    let (exit, said) = verify();
    assert_eq!((exit, count(&said, "intact"), count(&said, "broken")), (1, 1, 2), "{said:?}");
    assert!(said.last().unwrap()["error"].is_object(), "{said:?}");
}

#[test]
fn an_interrupted_verification_goes_on_where_it_stopped() {
    // More entries than a run keeps to itself.
    let history = History::write(10_000, |_, _| {});
    let (data, kept) = (history.data(), history.entries().with_file_name("verifying"));
    let interrupt = |signal: Signal| {
        let mut child = console(&data, &["audit", "verify", "--jobs", "1"]).stdout(Stdio::null()).spawn().unwrap();
        until("progress on the disk", || kept.exists().then_some(()));
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        child.wait().unwrap().code()
    };
    let whole = |resumed: bool| {
        let (exit, said) = audit(&data, &["audit", "verify"]);
        assert_eq!((exit, &said["verdict"], &said["sessions"]), (0, &"intact".into(), &200.into()), "{said}");
        assert_eq!((&said["from"], said["resumed"].as_u64() > Some(0)), (&0.into(), resumed), "{said}");
        assert!(!kept.exists(), "nothing is left to go on with");
    };
    assert_eq!(interrupt(Signal::KILL), None);
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&kept).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    whole(true);
    // It may have come to its end before it heard the signal; then there is nothing to go on with.
    let stopped = interrupt(Signal::INT);
    assert!(matches!(stopped, Some(0 | 2)), "{stopped:?}");
    whole(stopped == Some(2));
    // What was read before the interruption was not believed for ever: it is read again from the first byte.
    let (file, mut bytes) = (history.entries(), fs::read(history.entries()).unwrap());
    bytes[700] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(audit(&data, &["audit", "verify"]).0, 1);
}

struct Exported<'a>(&'a Path);

impl TileReader for Exported<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Its paths are those of an older specification, which names the height too.
        let path = |tile: &Tile| self.0.join(tile.path().replacen("tile/8/", "tile/", 1));
        Ok(tiles.iter().map(|tile| fs::read(path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn another_implementation_walks_the_exported_tiles() {
    let history = History::write(8 * SESSION, |_, _| {});
    let out = history.data().join("tiles");
    let (exit, said) =
        audit(&history.data(), &["audit", "export", "--format", "tiles", "--out", out.to_str().unwrap()]);
    assert_eq!(exit, 0, "{said}");
    let checkpoint = fs::read_to_string(out.join("checkpoint")).unwrap();
    let text = checkpoint.split("\n\n").next().unwrap().to_owned() + "\n";
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
    let size = checkpoint.size();
    assert!(size > 256, "a full tile and a partial one");
    let exported = Exported(&out);
    let reader = TileHashReader::new(size, *checkpoint.hash(), &exported);
    assert_eq!(tlog_tiles::tree_hash(size, &reader).unwrap().0, checkpoint.hash().0);
    let bytes = fs::read(history.entries()).unwrap();
    for (entry, (begins, ends)) in (0..).zip(records(&bytes)) {
        let stored = reader.read_hashes(&[tlog_tiles::stored_hash_index(0, entry)]).unwrap();
        assert_eq!(stored, [Hash(note::leaf(&bytes[begins..ends]).0)], "entry {entry}");
    }
}

#[test]
fn a_second_export_adds_only_what_is_new_and_a_torn_one_is_mended() {
    let history = History::write(2 * SESSION, |_, _| {});
    for (format, name) in [("jsonl", "events.jsonl"), ("csv", "events.csv"), ("ocsf", "ocsf.jsonl")] {
        let out = history.data().join(format);
        let export = |format: &str| {
            audit(&history.data(), &["audit", "export", "--format", format, "--out", out.to_str().unwrap()])
        };
        let (exit, said) = export(format);
        assert_eq!((exit, &said["added"]), (0, &(2 * SESSION).into()), "{said}");
        let written = fs::read(out.join(name)).unwrap();
        assert_eq!(
            written.iter().filter(|byte| **byte == b'\n').count() as u64,
            2 * SESSION + u64::from(format == "csv")
        );
        assert_eq!(export(format).1["added"], 0);
        // Killed after it wrote and before it remembered: what is behind the position goes.
        fs::write(out.join(name), [written.as_slice(), b"half a li"].concat()).unwrap();
        assert_eq!(export(format).1["added"], 0);
        assert_eq!(fs::read(out.join(name)).unwrap(), written);
        // Without a position it is written anew, the same.
        fs::remove_file(out.join("position")).unwrap();
        assert_eq!(export(format).1["added"], 2 * SESSION);
        assert_eq!(fs::read(out.join(name)).unwrap(), written);
        // Neither a shorter file nor another format's folder is taken for ours.
        assert_ne!(export(if format == "csv" { "jsonl" } else { "csv" }).0, 0);
        fs::write(out.join(name), &written[..written.len() - 1]).unwrap();
        assert_ne!(export(format).0, 0);
    }
}
