//! What people and scripts read of a record: every verdict of `venia verify`, every standing of `venia report`, and what
//! `venia audit` says without a membership or a copy of the log; line by line, in both languages. The cases are
//! `tests/records/`. (Evidence: `evidence.rs`.)
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

#[path = "../../tests/golden/lines.rs"]
mod lines;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use venia_proto::fingerprint::Fingerprint;
use venia_proto::ledger::bundle::Bundle;
use venia_relay::client::receipt::assemble;

/// The records the cases speak of.
fn records(folder: &Path) {
    let session = support::session(2);
    let whole = assemble(&session.held, Some(&session.proofs)).unwrap();
    let write = |name: &str, bundle: &Bundle| std::fs::write(folder.join(name), bundle.to_zip().unwrap()).unwrap();
    write("whole.zip", &whole);
    write("withheld.zip", &Bundle { openings: BTreeMap::new(), ..whole.clone() });
    write("open.zip", &assemble(&session.held, None).unwrap());
    let mut dropped = whole.clone();
    dropped.entries.remove(3);
    write("dropped.zip", &dropped);
    let mut altered = whole.clone();
    altered.openings.values_mut().next().unwrap()[40] ^= 1;
    write("altered.zip", &altered);
    let mut forged = whole.clone();
    forged.statement = support::session(2).held.statement.iter().map(|b| if *b == b'7' { b'8' } else { *b }).collect();
    write("statement.zip", &forged);
    std::fs::write(folder.join("letter.zip"), "Dear auditor,\n").unwrap();
}

#[test]
fn every_verdict_reads_as_written() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
    let root = Fingerprint::of(support::session(2).root.verifier()).to_string();
    assert!(std::fs::read_to_string(cases.join("verify.txt")).unwrap().contains(&root), "the cases name another root");
    lines::check(env!("CARGO_BIN_EXE_venia"), &cases, records);
}
