//! Packs of items on this PC: files beside the owner's policy that an organisation described. (SECURITY G5)
//!
//! A pack is looked for only if the owner's policy *and* the organisation's statement name its hash, under the name of
//! that hash, and counts only if its bytes have it. Here is only where the files are; what a pack may be is
//! [`venia_proto::catalog::pack`]'s.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use venia_proto::catalog::pack::{PACK_MAX, Pack};
use venia_proto::policy::Policies;
use venia_proto::statement::PackHash;

/// Folder of packs, beside a policy.
pub const FOLDER: &str = "packs";

/// The packs that count, of those in these folders. One that is named and isn't there, or isn't what it was, is left
/// out: nothing runs that wasn't named, and a session goes on without it.
pub fn allowed(policies: &Policies, statement: &[PackHash], folders: &[&Path]) -> Vec<Pack> {
    let named = statement.iter().filter(|pack| policies.allow_pack(**pack, statement));
    named
        .filter_map(|pack| folders.iter().find_map(|folder| read(&folder.join(format!("{pack}.json")), *pack)))
        .collect()
}

fn read(path: &Path, hash: PackHash) -> Option<Pack> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(PACK_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
    match Pack::parse(&bytes) {
        Ok(pack) if pack.hash == hash => Some(pack),
        Ok(_) => {
            tracing::warn!(file = %path.display(), "a pack is not the one that its name says");
            None
        }
        Err(error) => {
            tracing::warn!(file = %path.display(), error = &error as &dyn std::error::Error, "not a pack");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::policy::Policy;

    use super::*;

    /// A pack as an organisation would write it.
    pub(crate) const PACK: &str = include_str!("../tests/fixtures/packs/timers.json");

    #[test]
    fn g5_only_a_pack_that_both_name_and_that_has_its_hash_counts() {
        let hash = Pack::parse(PACK.as_bytes()).unwrap().hash;
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let owner = Policies { own: Some(Policy { packs: [hash].into(), ..Policy::default() }), ..Policies::default() };
        let count = |policies: &Policies, statement: &[PackHash]| {
            allowed(policies, statement, &[first.path(), second.path()]).len()
        };
        assert_eq!(count(&owner, &[hash]), 0, "it isn't there");
        let file = second.path().join(format!("{hash}.json"));
        std::fs::write(&file, PACK).unwrap();
        assert_eq!(count(&owner, &[hash]), 1);
        assert_eq!(count(&owner, &[]), 0, "the organisation doesn't stand for it");
        assert_eq!(count(&Policies::default(), &[hash]), 0, "the owner doesn't name it");
        std::fs::write(&file, PACK.replace("Taller Norte", "Taller Sur")).unwrap();
        assert_eq!(count(&owner, &[hash]), 0, "it was changed");
        std::fs::write(&file, "{").unwrap();
        assert_eq!(count(&owner, &[hash]), 0);
        std::fs::write(&file, " ".repeat(PACK_MAX + 1)).unwrap();
        assert_eq!(count(&owner, &[hash]), 0);
    }

    #[test]
    fn every_program_a_pack_may_ask_is_in_our_own_table() {
        for program in venia_proto::catalog::pack::grammar::PROGRAMS {
            let tool = crate::checks::program(program.name).unwrap_or_else(|| panic!("{}", program.name));
            assert_eq!(tool, program.talks, "{}", program.name);
        }
    }
}
