//! A whole bundle with one thing wrong: every file of it, and the zip around them, with bytes flipped, lost, doubled and
//! added, and with files lost, swapped and copied. Nothing of it is ever intact, nothing panics, and the place is named.
//!
//! Drawn by lot from `VENIA_SEED`; `VENIA_MUTATIONS=all cargo test -p venia-proto --test ledger mutations` tries every byte
//! of every file in every way, and takes an hour.

#![expect(clippy::disallowed_methods, reason = "the seed and the long mode come from outside")]

use venia_proto::ledger::verify::{At, Finding};

use super::outside;
use super::repacked::{pack_stored, unpack};
use super::support::*;

/// Tries for each file, and for the zip's own bytes, without the long mode.
const TRIES: usize = 6;
/// How many of them the verifier of docs/ sees as well.
const OUTSIDE: usize = 120;

/// What happens to the bytes at a place.
const WAYS: [Way; 6] = [
    ("flip", |b, at| b[at] ^= 1),
    ("another bit", |b, at| b[at] ^= 0x20),
    ("high bit", |b, at| b[at] ^= 0x80),
    ("delete", |b, at| drop(b.splice(at..=at, []))),
    ("double", |b, at| {
        let byte = b[at];
        b.insert(at, byte);
    }),
    ("insert", |b, at| b.insert(at, b'\n')),
];

type Way = (&'static str, fn(&mut Vec<u8>, usize));
type Files = Vec<(String, Vec<u8>)>;

/// Numbers by lot: splitmix64.
struct Lot(u64);

impl Lot {
    fn new() -> Self {
        Self(std::env::var("VENIA_SEED").map_or(1, |seed| seed.parse().unwrap()))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % end as u64).unwrap()
    }
}

fn all() -> bool {
    std::env::var("VENIA_MUTATIONS").is_ok_and(|mode| mode == "all")
}

/// Which bytes and ways to try on so many bytes.
fn tries(length: usize, lot: &mut Lot) -> Vec<(usize, Way)> {
    if all() {
        return (0..length).flat_map(|at| WAYS.map(|way| (at, way))).collect();
    }
    (0..TRIES).map(|n| (lot.below(length), WAYS[(n + lot.below(2)) % WAYS.len()])).collect()
}

/// Where a fault of this file belongs.
fn place(name: &str) -> At {
    let number = name.strip_suffix(".event").or_else(|| name.strip_suffix(".tlog-proof"));
    number.map_or_else(|| At::File(name.to_owned()), |number| At::Entry(number.parse().unwrap()))
}

fn is_for_people(name: &str) -> bool {
    matches!(name, "README.txt" | "receipt.html")
}

#[test]
fn every_file_with_a_byte_wrong() {
    let (world, mut lot) = (World::sealed(), Lot::new());
    let good = unpack(&world.zip());
    let mut sample: Vec<(String, Vec<u8>)> = Vec::new();
    for (n, (name, content)) in good.iter().enumerate() {
        for (at, (way, change)) in tries(content.len(), &mut lot) {
            let mut files = good.clone();
            change(&mut files[n].1, at);
            let (zip, what) = (pack_stored(&files), format!("{name}: {way} at {at}, {}", world.events.len()));
            let verdict = world.judge_zip(&zip);
            if is_for_people(name) {
                assert_eq!(verdict.verdict, Finding::Intact, "{what}: {verdict:?}");
                continue;
            }
            assert_eq!(verdict.verdict, Finding::Broken, "{what}: {verdict:?}");
            let found = verdict.at.clone().unwrap();
            // A key of `participants` that isn't the strand's shows where that strand first signs.
            let elsewhere = name == "participants" && matches!(found, At::Entry(_));
            assert!(found == place(name) || elsewhere, "{what}: {verdict:?}");
            assert!(!verdict.why.is_empty());
            sample.push((what, zip));
        }
    }
    // The lot decides which of them the other verifier sees.
    while sample.len() > OUTSIDE {
        sample.swap_remove(lot.below(sample.len()));
    }
    let root = world.fingerprint().to_string();
    let said = outside::say("mutations", &root, sample.iter().map(|(_, zip)| zip.as_slice()));
    assert_eq!(said.len(), sample.len());
    for ((what, _), said) in sample.iter().zip(said) {
        assert!(said.starts_with("broken: "), "{what}: docs/verify.py says {said}");
    }
}

#[test]
fn files_lost() {
    let world = World::sealed();
    let good = unpack(&world.zip());
    let last = format!("{:06}.tlog-proof", world.events.len() - 1);
    let mut zips = Vec::new();
    for n in 0..good.len() {
        let mut files = good.clone();
        let (name, _) = files.remove(n);
        let zip = pack_stored(&files);
        let verdict = world.judge_zip(&zip);
        let expected = if name.starts_with("parts/") || name.starts_with("sealed/") || is_for_people(&name) {
            "intact"
        } else if name == last {
            "unclosed"
        } else {
            assert_eq!(verdict.at, Some(place(&name)), "without {name}: {verdict:?}");
            "broken"
        };
        let found = serde_json::to_value(verdict.verdict).unwrap();
        assert_eq!(found.as_str(), Some(expected), "without {name}: {verdict:?}");
        zips.push((name, expected, zip));
    }
    let root = world.fingerprint().to_string();
    let said = outside::say("mutations-lost", &root, zips.iter().map(|(.., zip)| zip.as_slice()));
    for ((name, expected, _), said) in zips.iter().zip(said) {
        assert!(said.starts_with(expected), "without {name}: docs/verify.py says {said}");
    }
}

#[test]
fn files_in_each_others_place() {
    let (world, mut lot) = (World::sealed(), Lot::new());
    let good: Files = unpack(&world.zip()).into_iter().filter(|(name, _)| !is_for_people(name)).collect();
    let mut sample = Vec::new();
    for one in 0..good.len() {
        for _ in 0..if all() { good.len() } else { 2 } {
            let other = lot.below(good.len());
            let (mut copied, mut swapped) = (good.clone(), good.clone());
            copied[one].1 = good[other].1.clone();
            swapped[one].1 = good[other].1.clone();
            swapped[other].1 = good[one].1.clone();
            if copied[one].1 == good[one].1 {
                continue;
            }
            let (here, there) = (place(&good[one].0), place(&good[other].0));
            let what = format!("{} in the place of {}", good[other].0, good[one].0);
            let verdict = world.judge_zip(&pack_stored(&copied));
            assert_eq!((verdict.verdict, &verdict.at), (Finding::Broken, &Some(here.clone())), "{what}: {verdict:?}");
            let zip = pack_stored(&swapped);
            let verdict = world.judge_zip(&zip);
            assert_eq!(verdict.verdict, Finding::Broken, "{what}, and back: {verdict:?}");
            assert!([Some(here), Some(there)].contains(&verdict.at), "{what}, and back: {verdict:?}");
            sample.push((what, zip));
        }
    }
    let root = world.fingerprint().to_string();
    let said = outside::say("mutations-swapped", &root, sample.iter().map(|(_, zip)| zip.as_slice()));
    for ((what, _), said) in sample.iter().zip(said) {
        assert!(said.starts_with("broken: "), "{what}: docs/verify.py says {said}");
    }
}

#[test]
fn the_zip_itself_with_a_byte_wrong() {
    let (world, mut lot) = (World::sealed(), Lot::new());
    let good = world.zip();
    let files = unpack(&good);
    // Where each file's own bytes lie: 30 bytes of header, the name, the content.
    let (mut at, mut contents) = (0, Vec::new());
    for (name, content) in &files {
        let start = at + 30 + name.len();
        contents.push((start..start + content.len(), name));
        at = start + content.len();
    }
    let directory = at;
    let content_of = |at: usize| contents.iter().find(|(range, _)| range.contains(&at)).map(|(_, name)| *name);
    let headers: Vec<usize> = (0..good.len()).filter(|at| content_of(*at).is_none()).collect();
    let mut places = Vec::new();
    if all() {
        places.extend((0..good.len()).flat_map(|at| WAYS.map(|way| (at, way))));
    } else {
        // Any byte; then those between the files, the directory, and the end.
        places.extend((0..60).map(|n| (lot.below(good.len()), WAYS[n % WAYS.len()])));
        places.extend((0..120).map(|n| (headers[lot.below(headers.len())], WAYS[n % WAYS.len()])));
        places.extend((directory..directory + 46).chain(good.len() - 22..good.len()).map(|at| (at, WAYS[0])));
    }
    let mut sample = Vec::new();
    for (at, (way, change)) in places {
        let mut bad = good.clone();
        change(&mut bad, at);
        let verdict = world.judge_zip(&bad);
        let what = format!("{way} at {at} of {}", good.len());
        assert_eq!(verdict.verdict, Finding::Broken, "{what}: {verdict:?}");
        if let Some(name) = content_of(at).filter(|_| bad.len() == good.len()) {
            assert_eq!(verdict.at, Some(place(name)), "{what}: {verdict:?}");
        }
        sample.push((what, bad));
    }
    let root = world.fingerprint().to_string();
    sample.truncate(if all() { usize::MAX } else { 240 });
    let said = outside::say("mutations-zip", &root, sample.iter().map(|(_, zip)| zip.as_slice()));
    assert_eq!(said.len(), sample.len());
    for ((what, _), said) in sample.iter().zip(said) {
        assert!(said.starts_with("broken: "), "{what}: docs/verify.py says {said}");
    }
}
