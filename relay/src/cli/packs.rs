//! `venia-relay pack add`: reads a pack as a person's agent would, so that nobody stands for one that no agent takes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use venia_proto::catalog::pack::{PACK_MAX, Pack};
use venia_proto::statement::PackHash;
use venia_ui::failure::{Exit, Failure};
use venia_ui::words::Words;

use super::failures::said;

/// The hash of a pack that keeps every rule.
pub(super) fn hash(file: &Path, words: &Words) -> Result<PackHash, Failure> {
    let name = file.display().to_string();
    let refused = |why: String| {
        let message = words.say("relay-pack", &[("file", &name), ("why", &why)]);
        said(Exit::WrongUse, "pack", words, message, words.say("relay-pack-hint", &[]))
    };
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(PACK_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| refused(error.to_string()))?;
    let pack = Pack::parse(&bytes).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => refused(format!("{error}: {source}")),
        None => refused(error.to_string()),
    })?;
    Ok(pack.hash)
}
