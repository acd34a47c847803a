//! Whether the logs a relay lists are all there are, and one chain: each says truly where the one before was closed.
//!
//! What a relay leaves out it could have forked. So the first listed follows nothing, the last is the one that signed its
//! greeting, and no log of which a copy is here is missing, unless a restored backup was older than that log; the copy is
//! then all there is, and stays. Not here: the entries of each ([`super::sync`]). (SECURITY F4, F5)

use std::collections::BTreeSet;
use std::path::Path;

use venia_proto::fingerprint::Fingerprint;
use venia_proto::key::{KeyName, VerifierKey};
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::notice::Succession;
use venia_proto::ledger::succession::is_one_service;
use venia_proto::statement::Statement;
use venia_relay::client::control::ControlError;

use super::mirror::Mirror;
use super::sync::SyncError;

/// Every log says truly where the one before was closed, from one that follows nothing to the one that `grows`. One that was
/// closed before the end of this copy lost what came after: only a restored backup may, and only if it says so.
/// `heads`: what the relay says each log ends with.
pub(super) fn linked(mirrors: &[Mirror], heads: &[Checkpoint], grows: &VerifierKey) -> Result<(), SyncError> {
    let (Some(first), Some(last)) = (mirrors.first(), mirrors.last()) else {
        return Err(ControlError::Malformed(None).into());
    };
    // Begins in the middle, or ends before the log the relay greeted with: something is kept from us.
    if first.follows()?.is_some() {
        return Err(contradiction(first, first));
    }
    if last.key != *grows {
        return Err(contradiction(last, last));
    }
    for ((before, next), head) in mirrors.iter().zip(mirrors.iter().skip(1)).zip(heads) {
        let Some((closed, cause)) = next.follows()? else {
            if next.is_pruned() {
                continue;
            }
            return Err(contradiction(before, next));
        };
        let said = (closed.origin, closed.size, closed.root) == (head.origin.clone(), head.size, head.root);
        let lost = before.state.reading.size > head.size;
        if !said || lost && cause == Succession::Year {
            return Err(contradiction(before, next));
        }
    }
    Ok(())
}

/// Copies of this organisation's logs at this relay that it doesn't list; all of them logs that a restored backup lost.
pub(super) fn lost(data: &Path, root: &Fingerprint, listed: &[Mirror]) -> Result<Vec<Mirror>, SyncError> {
    let ours = |mirror: &Mirror| Statement::open(mirror.state.statement.as_bytes(), root).is_ok();
    excused(Mirror::others(data, listed)?.into_iter().filter(ours).collect(), listed)
}

fn excused(others: Vec<Mirror>, listed: &[Mirror]) -> Result<Vec<Mirror>, SyncError> {
    let Some(newest) = listed.last() else { return Ok(Vec::new()) };
    // The logs a backup was restored of: what followed them before is lost there.
    let mut restored: BTreeSet<KeyName> = BTreeSet::new();
    for log in listed {
        restored.extend(log.follows()?.filter(|(_, cause)| *cause == Succession::Recovered).map(|(log, _)| log.origin));
    }
    let mut left: Vec<_> =
        others.into_iter().filter(|other| is_one_service(&other.key.name, &newest.key.name)).collect();
    let mut lost = Vec::new();
    loop {
        let (mut gone, mut rest) = (Vec::new(), Vec::new());
        for other in left {
            let after = other.follows()?.map(|(closed, _)| closed.origin);
            if after.is_some_and(|after| restored.contains(&after)) { gone.push(other) } else { rest.push(other) }
        }
        left = rest;
        if gone.is_empty() {
            break;
        }
        restored.extend(gone.iter().map(|log| log.key.name.clone()));
        lost.append(&mut gone);
    }
    if let Some(hidden) = left.first() {
        return Err(contradiction(hidden, newest));
    }
    for log in &mut lost {
        log.outlives(0)?;
    }
    Ok(lost)
}

/// Keeps what shows it.
fn contradiction(copy: &Mirror, shown: &Mirror) -> SyncError {
    match copy.contradicted(shown.state.checkpoint.as_bytes()) {
        Ok(file) => SyncError::Contradiction(file),
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{copy, following, log};
    use super::*;

    fn heads(mirrors: &[Mirror]) -> Vec<Checkpoint> {
        mirrors.iter().map(|log| Checkpoint::open(log.state.checkpoint.as_bytes(), &log.key).unwrap()).collect()
    }

    fn refused(result: Result<(), SyncError>) -> bool {
        matches!(result, Err(SyncError::Contradiction(file)) if file.is_file())
    }

    /// Three logs, one after another.
    fn three(data: &Path) -> [Mirror; 3] {
        let first = copy(data, &log(1), Vec::new());
        let second = following(data, &log(2), &first, Succession::Year);
        let third = following(data, &log(3), &second, Succession::Year);
        [first, second, third]
    }

    #[test]
    fn f4_a_chain_is_whole_from_its_first_log_to_the_one_that_grows() {
        let folder = tempfile::tempdir().unwrap();
        let logs = three(folder.path());
        let grows = log(3).verifier().clone();
        let all = heads(&logs);
        linked(&logs, &all, &grows).unwrap();
        assert!(refused(linked(&logs[1..], &all[1..], &grows)), "the first is left out");
        assert!(refused(linked(&logs[..2], &all[..2], &grows)), "the last is left out");
        assert!(matches!(linked(&[], &[], &grows), Err(SyncError::Control(_))));
        let [first, _, third] = logs;
        let two = [first, third];
        assert!(refused(linked(&two, &heads(&two), &grows)), "one in the middle is left out");
    }

    #[test]
    fn f4_no_log_that_was_read_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let [first, second, third] = three(data);
        let listed = [first, second, third];
        assert!(Mirror::others(data, &listed).unwrap().is_empty());
        let [first, second, third] = listed;
        drop(second);
        let listed = [first, third];
        let others = Mirror::others(data, &listed).unwrap();
        assert_eq!(others.len(), 1);
        assert!(refused(excused(others, &listed).map(|_| ())));
    }

    #[test]
    fn f5_logs_that_an_older_backup_forgot_are_kept_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let [first, second, third] = three(data);
        let recovered = following(data, &log(4), &first, Succession::Recovered);
        let listed = [first, recovered];
        drop((second, third));
        let lost = excused(Mirror::others(data, &listed).unwrap(), &listed).unwrap();
        assert_eq!(lost.len(), 2);
        assert!(lost.iter().all(|log| log.state.closed == Some(0)));
        drop(lost);
        // A new year loses nothing.
        let [first, recovered] = listed;
        drop(recovered);
        let year = following(data, &log(5), &first, Succession::Year);
        let listed = [first, year];
        assert!(refused(excused(Mirror::others(data, &listed).unwrap(), &listed).map(|_| ())));
    }
}
