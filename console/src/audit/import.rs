//! A copy made out of entries at hand instead of a relay's answers: an archive's, or a bench's.

use std::path::Path;

use venia_proto::key::VerifierKey;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::merkle::Hash;

use super::mirror::{Mirror, MirrorError};

/// Entries that make no copy.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotImported(#[from] MirrorError);

/// Adds entries to this log's copy in a console's data folder, as strictly as if a relay had told them: they must lead to
/// the checkpoint, which is asked for by their number and root. With each comes the agent's verifier key if it is an
/// `open`, else nothing is asked of it.
pub fn import(
    data: &Path,
    log: &VerifierKey,
    statement: &[u8],
    checkpoint: impl FnOnce(u64, Hash) -> Vec<u8>,
    entries: impl Iterator<Item = (String, Vec<u8>)>,
) -> Result<(), NotImported> {
    let mut mirror = Mirror::open(data, log)?;
    let mut growth = mirror.grow()?;
    for (agent, entry) in entries {
        growth.push(&mirror, &entry, &mut std::iter::once(agent))?;
    }
    let checkpoint = checkpoint(growth.reading.size(), growth.reading.root());
    let signed = Checkpoint::open(&checkpoint, log).map_err(|_| MirrorError::Damaged("its checkpoint"))?;
    if (signed.size, signed.root) != (growth.reading.size(), growth.reading.root()) {
        return Err(MirrorError::Damaged("the entries don't lead to the checkpoint").into());
    }
    Ok(mirror.keep(growth, &checkpoint, statement)?)
}
