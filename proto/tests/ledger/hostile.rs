//! Zip files made to harm whoever opens them: refused, with a word for it, in bounded time. (Memory is measured where a
//! whole program opens them: the console's tests.)

#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

use std::time::{Duration, Instant};

use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::verify::Finding;

use super::crafted::{End, File, file, hostile, smallest, squeezed, zip};
use super::support::*;

/// Longest any of them may keep a reader, without optimisation and beside other tests.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn every_one_is_broken_and_says_why() {
    let world = World::new();
    for (what, bytes) in hostile() {
        let began = Instant::now();
        let verdict = world.judge_zip(&bytes);
        assert_eq!((verdict.verdict, verdict.verdict.exit_code()), (Finding::Broken, 1), "{what}: {verdict:?}");
        assert!(verdict.why.starts_with("not a bundle: "), "{what}: {verdict:?}");
        assert!(Bundle::from_zip(&bytes).is_err(), "{what}");
        assert!(began.elapsed() < PATIENCE, "{what} took {:?}", began.elapsed());
    }
}

/// The tools of these tests make zips that are read, where nothing is wrong with them.
#[test]
fn what_is_crafted_without_harm_is_read() {
    let read = |files: &[File]| Bundle::from_zip(&zip(files, &End::default()));
    assert_eq!(read(&smallest()).unwrap().statement, b"x\n");
    let content = vec![b'x'; 5_000];
    let packed = File { method: 8, content: content.clone(), ..file("README.txt", &squeezed(b'x', 5_000)) };
    assert_eq!(read(&[smallest(), vec![packed]].concat()).unwrap().readme, Some(content));
    let unix = File { external: 0o100_600 << 16, ..file("README.txt", b"x") };
    assert!(read(&[smallest(), vec![unix]].concat()).is_ok());
}

#[test]
fn bytes_after_the_end_of_compressed_data() {
    let content = vec![b'x'; 5_000];
    let data = [squeezed(b'x', 5_000), b"hidden".to_vec()].concat();
    let packed = File { method: 8, content, ..file("README.txt", &data) };
    let read = Bundle::from_zip(&zip(&[smallest(), vec![packed]].concat(), &End::default()));
    assert!(read.is_err(), "they belong to no file");
}
