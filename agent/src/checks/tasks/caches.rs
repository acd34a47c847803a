//! `tasks.caches`: which caches there are, how big each is, and what can be made again at what price.
//!
//! Only caches of a fixed list are told by name; the rest of the folder is one line. What is in them isn't opened.

use std::time::{Duration, Instant};

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::home;
use super::walk::{Budget, Size};
use crate::checks::figure::{megabytes, size};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Bytes of one cache worth a sentence. Our choice: browsers keep theirs below 1.5 GB by themselves.
const BIG: u64 = 3_000_000_000;
/// Bytes of all caches worth a sentence. As in `tasks.space`.
const ALL_BIG: u64 = 5_000_000_000;
/// Most findings about single caches; the table has the rest.
const FINDINGS: usize = 3;
/// Most files and folders that are counted, and for how long.
const ENTRIES: u64 = 40_000;
const TIME: Duration = Duration::from_secs(2);

/// What clearing a cache costs.
const FREE: &str = "nothing";
const SLOWER: &str = "slower-first-time";
const DOWNLOAD: &str = "downloads-again";

/// Name, folder, price. Those inside another come first: nothing counts twice.
const CACHES: [(&str, &str, &str); 33] = [
    ("firefox", "~/.cache/mozilla", SLOWER),
    ("firefox", "~/snap/firefox/common/.cache", SLOWER),
    ("firefox", "~/.var/app/org.mozilla.firefox/cache", SLOWER),
    ("chrome", "~/.cache/google-chrome", SLOWER),
    ("chrome", "~/.var/app/com.google.Chrome/cache", SLOWER),
    ("chromium", "~/.cache/chromium", SLOWER),
    ("chromium", "~/snap/chromium/common/.cache", SLOWER),
    ("edge", "~/.cache/microsoft-edge", SLOWER),
    ("brave", "~/.cache/BraveSoftware", SLOWER),
    ("vivaldi", "~/.cache/vivaldi", SLOWER),
    ("thunderbird", "~/.cache/thunderbird", SLOWER),
    ("evolution", "~/.cache/evolution", DOWNLOAD),
    ("spotify", "~/.cache/spotify", DOWNLOAD),
    ("spotify", "~/snap/spotify/common/.cache", DOWNLOAD),
    ("thumbnails", "~/.cache/thumbnails", FREE),
    ("graphics", "~/.cache/mesa_shader_cache", SLOWER),
    ("graphics", "~/.cache/mesa_shader_cache_db", SLOWER),
    ("graphics", "~/.cache/nvidia", SLOWER),
    ("search", "~/.cache/tracker3", SLOWER),
    ("python", "~/.cache/pip", DOWNLOAD),
    ("node", "~/.npm/_cacache", DOWNLOAD),
    ("yarn", "~/.cache/yarn", DOWNLOAD),
    ("go", "~/.cache/go-build", SLOWER),
    ("gradle", "~/.gradle/caches", DOWNLOAD),
    ("maven", "~/.m2/repository", DOWNLOAD),
    ("rust", "~/.cargo/registry", DOWNLOAD),
    ("other-programs", "~/.cache", SLOWER),
    ("packages", "/var/cache/apt", DOWNLOAD),
    ("packages", "/var/cache/dnf", DOWNLOAD),
    ("packages", "/var/cache/libdnf5", DOWNLOAD),
    ("packages", "/var/cache/pacman", DOWNLOAD),
    ("packages", "/var/cache/zypp", DOWNLOAD),
    ("snap-packages", "/var/lib/snapd/cache", DOWNLOAD),
];

pub(crate) struct Caches;

pub(crate) struct Inputs {
    caches: Vec<Cache>,
}

/// One program's cache, all its folders together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cache {
    name: &'static str,
    price: &'static str,
    size: Size,
}

impl Check for Caches {
    const ID: &'static str = "tasks.caches";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref()))
    }

    fn judge(mut inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        inputs.caches.sort_by(|a, b| (b.size.bytes, a.name).cmp(&(a.size.bytes, b.name)));
        let total = inputs.caches.iter().fold(0_u64, |sum, cache| sum.saturating_add(cache.size.bytes));
        let denied = inputs.caches.iter().fold(0_u64, |sum, cache| sum.saturating_add(cache.size.denied));
        if inputs.caches.is_empty() {
            draft.finding(Severity::Unknown, "caches-unknown", &[], "no home in /etc/passwd, no /var/cache");
            return draft;
        }
        draft.fact("total", total, "bytes");
        for cache in inputs.caches.iter().filter(|cache| cache.size.bytes >= BIG).take(FINDINGS) {
            let values = [("cache", cache.name.into()), ("size", size(cache.size.bytes).into())];
            let evidence = format!("{}: {} bytes; clearing costs: {}", cache.name, cache.size.bytes, cache.price);
            draft.finding(Severity::Warning, "cache-big", &values, evidence);
        }
        if draft.findings.is_empty() && total >= ALL_BIG {
            let evidence = format!("{} caches, {total} bytes", inputs.caches.len());
            draft.finding(Severity::Warning, "caches-big", &[("size", size(total).into())], evidence);
        }
        if draft.findings.is_empty() {
            let evidence = format!("{} caches, {total} bytes", inputs.caches.len());
            draft.finding(Severity::Ok, "caches-ok", &[("size", size(total).into())], evidence);
        }
        if inputs.caches.iter().any(|cache| cache.size.cut) {
            let evidence = format!("stopped after {ENTRIES} entries, {} s or a very deep folder", TIME.as_secs());
            draft.finding(Severity::Unknown, "counted-partly", &[], evidence);
        }
        if denied > 0 {
            let evidence = format!("{denied} folders: permission denied");
            draft.finding(Severity::Unknown, "folders-hidden", &[("count", denied.into())], evidence);
        }
        let row = |cache: &Cache| -> Vec<Value> {
            vec![cache.name.into(), megabytes(cache.size.bytes).into(), cache.price.into()]
        };
        draft.table("caches", &["cache", "size", "price"], inputs.caches.iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine, home: Option<&str>) -> Inputs {
    let mut budget = Budget::new(ENTRIES, Instant::now() + TIME);
    // The agent's own folder is nobody's cache. (SECURITY E11)
    if let Some(home) = home {
        for name in machine.names(&format!("{home}/.cache")).iter().filter(|name| name.starts_with("venia")) {
            budget.leave_out(&machine.path(&format!("{home}/.cache/{name}")));
        }
    }
    let mut caches: Vec<Cache> = Vec::new();
    for (name, folder, price) in CACHES {
        let folder = match (folder.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => machine.path(home).join(below),
            (Some(_), None) => continue,
            (None, _) => machine.path(folder),
        };
        let Some(size) = budget.size(&folder) else { continue };
        match caches.iter_mut().find(|known| known.name == name) {
            Some(known) => known.size.add(size),
            None => caches.push(Cache { name, price, size }),
        }
    }
    Inputs { caches }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, item, told};

    fn of(sizes: &[u64]) -> Inputs {
        let cache = |(place, bytes): (usize, &u64)| Cache {
            name: CACHES[place * 3].0,
            price: CACHES[place * 3].2,
            size: Size { bytes: *bytes, denied: 0, cut: false },
        };
        Inputs { caches: sizes.iter().enumerate().map(cache).collect() }
    }

    #[test]
    fn caches_are_told_by_program_and_none_twice() {
        let root = tempfile::tempdir().unwrap();
        for (path, megabytes) in [
            ("home/ana/.cache/mozilla/firefox/p/cache2/x", 3),
            ("home/ana/.cache/my secret project/x", 1),
            ("home/ana/.cache/venia/x", 9),
            ("home/ana/.npm/_cacache/x", 2),
            ("var/cache/apt/archives/a.deb", 4),
        ] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![1; megabytes << 20]).unwrap();
        }
        let inputs = gather_from(&Machine::at(root.path()), Some("/home/ana"));
        let sizes: Vec<(&str, u64)> = inputs.caches.iter().map(|c| (c.name, c.size.bytes >> 20)).collect();
        assert_eq!(sizes, [("firefox", 3), ("node", 2), ("other-programs", 1), ("packages", 4)]);
        assert!(!format!("{:?}", Caches::judge(inputs)).contains("secret"));
    }

    #[test]
    fn sizes_below_at_and_above() {
        for (sizes, found) in [
            (&[BIG - 1][..], &["caches-ok"][..]),
            (&[BIG], &["cache-big"]),
            (&[BIG + 1, BIG], &["cache-big", "cache-big"]),
            (&[ALL_BIG - BIG, BIG - 1], &["caches-ok"]),
            (&[ALL_BIG - BIG + 1, BIG - 1], &["caches-big"]),
            (&[ALL_BIG - BIG + 2, BIG - 1], &["caches-big"]),
            (&[BIG; FINDINGS + 1], &["cache-big"; FINDINGS]),
        ] {
            assert_eq!(findings::<Caches>(of(sizes)), found, "{sizes:?}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let mut cut = of(&[BIG]);
        cut.caches[0].size = Size { bytes: BIG, denied: 1, cut: true };
        all_is_said::<Caches>(vec![cut, of(&[BIG - 1, BIG - 1]), of(&[0]), of(&[])]);
    }

    #[test]
    fn g1_what_it_reads_is_declared() {
        let needs = &item(Caches::ID).needs;
        let below = |path: &str| needs.reads.iter().any(|read| path == read || path.starts_with(&format!("{read}/")));
        assert!(CACHES.iter().all(|(_, path, _)| below(path)));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(sizes in proptest::collection::vec(any::<u64>(), 0..11)) {
            told(Caches::ID, &Caches::judge(of(&sizes)));
        }
    }
}
