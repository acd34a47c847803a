//! The words of packs: what the technician's program knows of items an organisation describes itself. (SECURITY G5)
//!
//! Any pack in `DATA/packs/` counts here. It decides nothing: what may run is the person's agent's to say, and the owner's
//! of their PC. One that can't be read is left out.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use venia_proto::catalog::pack::{PACK_MAX, Pack};

/// Folder of packs, in the data folder.
const FOLDER: &str = "packs";
/// Most files of it that are read.
const PACKS_MAX: usize = 64;

/// Every pack of that data folder, in the order of its files' names.
pub(crate) fn all(data: &Path) -> Vec<Pack> {
    let mut files: Vec<_> =
        fs::read_dir(data.join(FOLDER)).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().take(PACKS_MAX).filter_map(|file| read(file)).collect()
}

fn read(file: &Path) -> Option<Pack> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(PACK_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
    Pack::parse(&bytes)
        .inspect_err(|error| {
            tracing::warn!(file = %file.display(), error = error as &dyn std::error::Error, "not a pack");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = include_str!("../../agent/tests/fixtures/packs/timers.json");

    #[test]
    fn packs_that_can_be_read_are_and_no_more_than_their_number() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(all(data.path()), []);
        fs::create_dir(data.path().join(FOLDER)).unwrap();
        for n in 0..=PACKS_MAX {
            fs::write(data.path().join(FOLDER).join(format!("{n:03}.json")), PACK).unwrap();
        }
        assert_eq!(all(data.path()).len(), PACKS_MAX);
        fs::write(data.path().join(FOLDER).join("000.json"), "{").unwrap();
        fs::write(data.path().join(FOLDER).join("001.json"), " ".repeat(PACK_MAX + 1)).unwrap();
        assert_eq!(all(data.path()).len(), PACKS_MAX - 2);
    }
}
