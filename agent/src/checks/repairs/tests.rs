use std::collections::BTreeSet;
use std::sync::Mutex;

use venia_proto::catalog::{Catalog, Effect, Performer};
use venia_proto::ledger::body::ItemId;

use super::*;
use crate::checks::{find, proof};

/// Every repair says these and nothing else.
const FINDINGS: [&str; 5] = ["changed-since", "done", "not-possible", "partly", "undone-by"];

/// A repair whose world is a number in here: it wants it to be 0.
static WORLD: Mutex<(u64, &str)> = Mutex::new((0, ""));

struct Zero;

impl Repair for Zero {
    const ID: &'static str = "tasks.empty-trash";
    const COLUMNS: [&'static str; 3] = ["what", "before-bytes", "after-bytes"];
    type Seen = u64;

    fn look(_: &Arguments) -> Result<Result<u64, String>, Failure> {
        let (number, fault) = *WORLD.lock().unwrap();
        Ok(if fault == "blind" { Err(fault.to_owned()) } else { Ok(number) })
    }

    fn plan(seen: &u64) -> Option<String> {
        (*seen > 0).then(|| seen.to_string())
    }

    fn state(seen: &u64) -> State {
        State { total: Some(((*seen).into(), "bytes")), rows: vec![("number".to_owned(), (*seen).into())] }
    }

    fn perform(seen: &u64, _: &Arguments) -> Result<(), String> {
        let mut world = WORLD.lock().unwrap();
        assert_eq!(world.0, *seen);
        let stays = world.1 == "stays";
        world.0 = u64::from(stays);
        if stays { Err("1 stays".to_owned()) } else { Ok(()) }
    }
}

#[test]
fn performed_is_the_plan_that_was_shown_and_no_other() {
    for (number, fault, shown, found, after) in [
        (5, "", "5", ["done", "undone-by"].as_slice(), 0),
        (5, "stays", "5", &["partly", "undone-by"], 1),
        (6, "", "5", &["changed-since"], 6),
        (0, "", "5", &["changed-since"], 0),
        (5, "blind", "5", &["not-possible"], 5),
    ] {
        *WORLD.lock().unwrap() = (number, fault);
        let draft = told(Zero::COLUMNS, run::<Zero>(&Arguments::new(), shown).unwrap());
        let report = proof::told(Zero::ID, &draft);
        assert_eq!(report.findings.iter().map(|finding| finding.id.as_str()).collect::<Vec<_>>(), found);
        assert_eq!(WORLD.lock().unwrap().0, after, "{fault} {shown}");
    }
}

#[test]
fn before_and_after_stand_beside_each_other() {
    let rows = |list: &[(&str, u64)]| list.iter().map(|(what, n)| ((*what).to_owned(), (*n).into())).collect();
    let table = compared(rows(&[("a", 3), ("b", 2)]), rows(&[("b", 1), ("c", 7)]));
    assert_eq!(
        table,
        [
            vec!["a".into(), 3_u64.into(), 0_u64.into()],
            vec!["b".into(), 2_u64.into(), 1_u64.into()],
            vec!["c".into(), "".into(), 7_u64.into()]
        ]
    );
}

#[test]
fn r1_nothing_is_performed_without_a_plan_from_a_card() {
    for item in Catalog::built_in().items().filter(|item| item.effect == Effect::Changes) {
        let arguments = item.arguments(&Arguments::new()).unwrap();
        let failed = find(&item.id).unwrap().gather(&arguments).err();
        assert!(matches!(failed, Some(Failure::Argument(PLAN) | Failure::Administrator)), "{}", item.id.0);
    }
}

#[test]
fn every_repair_reports_before_and_after_and_has_a_preview_of_the_same_area() {
    let catalog = Catalog::built_in();
    for item in catalog.items().filter(|item| item.effect == Effect::Changes) {
        let id = &item.id.0;
        assert_eq!(item.facts.keys().map(String::as_str).collect::<BTreeSet<_>>(), ["after", "before"].into(), "{id}");
        assert_eq!(item.tables.keys().map(String::as_str).collect::<Vec<_>>(), ["changed"], "{id}");
        let findings = item.findings.keys().map(String::as_str).filter(|found| *found != "rolled-back");
        assert_eq!(findings.collect::<Vec<_>>(), FINDINGS, "{id}");
        assert_eq!(item.findings.contains_key("rolled-back"), id == "network.renew-lease", "{id}");
        let change = item.change.as_ref().unwrap();
        assert_eq!(catalog.get(&change.preview).unwrap().area, item.area, "{id}");
        let deferred = by_administrator::verb(&item.id, &item.arguments(&Arguments::new()).unwrap()).is_some();
        assert_eq!(change.by == Performer::Administrator, deferred, "{id}");
        for language in [&change.undo.en, &change.undo.es] {
            let longest = language.split(['.', ';']).map(|s| s.split_whitespace().count()).max();
            assert!(longest <= Some(15) && language.ends_with('.'), "{id}: {language}");
        }
        assert_ne!(change.undo.en, change.undo.es);
    }
}

#[test]
fn a_read_only_item_is_never_a_repair_in_disguise() {
    let catalog = Catalog::built_in();
    for runner in ALL {
        let item = catalog.get(&ItemId(runner.id().to_owned())).unwrap();
        let verbs = ["cancel", "clear", "empty", "end", "flush", "renew", "repair", "restart", "synchronise", "vacuum"];
        let named = verbs.contains(&runner.id().split(['.', '-']).nth(1).unwrap());
        assert_eq!(item.effect == Effect::Changes, named, "{}", runner.id());
        assert_eq!(item.effect == Effect::Reads, catalog.is_preview(&item.id), "{}", runner.id());
        assert!(item.effect == Effect::Changes || item.needs.writes.is_empty());
    }
}
