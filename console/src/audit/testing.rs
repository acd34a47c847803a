//! Small logs for tests: each copy signed and taken in as strictly as a relay's.

use std::path::Path;

use venia_proto::key::SigningKey;
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::note;
use venia_proto::ledger::notice::{Closed, Notice, Succession};
use venia_proto::ledger::succession::origin;
use venia_proto::now::Wall;

use super::import;
use super::mirror::Mirror;

/// The key of the log that comes `number`th.
pub(crate) fn log(number: u8) -> SigningKey {
    let first = SigningKey::new("log", [1; 32]);
    SigningKey::new("log", [number; 32]).named(origin(&first.verifier().name, number.into()).unwrap())
}

/// A log that begins with these entries, each with the key of its agent, or none.
pub(crate) fn copy(data: &Path, log: &SigningKey, entries: Vec<(String, Vec<u8>)>) -> Mirror {
    commit(data, log, entries, None)
}

/// The same log, with one more commit.
pub(crate) fn grown(data: &Path, log: &SigningKey, entries: Vec<(String, Vec<u8>)>) -> Mirror {
    let mut raw = Mirror::open(data, log.verifier()).unwrap().raw(0).unwrap();
    let mut previous = None;
    while let Some((_, entry)) = raw.next().unwrap() {
        if Batch::open(&entry, log.verifier()).is_ok() {
            previous = Some(note::leaf(&entry));
        }
    }
    commit(data, log, entries, previous)
}

/// A log that says this of the one before.
pub(crate) fn following(data: &Path, log: &SigningKey, before: &Mirror, cause: Succession) -> Mirror {
    let end = Checkpoint::open(before.state.checkpoint.as_bytes(), &before.key).unwrap();
    let previous = Closed { origin: end.origin, size: end.size, root: end.root };
    copy(data, log, vec![(String::new(), Notice::Key { previous, cause }.sign(log))])
}

fn commit(
    data: &Path,
    log: &SigningKey,
    entries: Vec<(String, Vec<u8>)>,
    previous: Option<venia_proto::id::Leaf>,
) -> Mirror {
    let (origin, n) = (log.verifier().name.clone(), entries.len() as u64);
    let observed = Wall::from_ms(1_000 * i64::from(previous.is_some()));
    let batch = Batch { origin, n, observed, previous }.sign(log);
    let entries = std::iter::once((String::new(), batch)).chain(entries);
    let checkpoint = |size, root| Checkpoint::of(log.verifier(), size, root).sign(log);
    import(data, log.verifier(), b"a statement", checkpoint, entries).unwrap();
    Mirror::open(data, log.verifier()).unwrap()
}
