use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use venia_proto::catalog::{Catalog, Effect};
use venia_proto::scope::Area;

use super::proof::told;
use super::*;

#[test]
fn catalogue_and_table_hold_the_same_items() {
    let catalog = Catalog::built_in();
    let declared: BTreeSet<&str> = catalog.items().map(|item| item.id.0.as_str()).collect();
    let coded: BTreeSet<&str> = all().map(|runner| runner.id()).collect();
    assert_eq!(declared, coded);
    assert_eq!(all().count(), coded.len(), "an item has two codes");
    for item in catalog.items() {
        assert_eq!(find(&item.id).map(Runner::id), Some(item.id.0.as_str()));
    }
    assert!(find(&ItemId("system.shell".to_owned())).is_none());
}

#[test]
fn g1_what_an_item_needs_covers_the_programs_it_asks() {
    for item in Catalog::built_in().items() {
        for name in &item.needs.tools {
            let tool = tool::named(name).unwrap_or_else(|| panic!("{}: no such program: {name}", item.id.0));
            assert!(tool.talks.iter().all(|talk| item.needs.talks.contains(talk)), "{}: {name}", item.id.0);
        }
    }
}

#[test]
fn every_area_has_two_items_or_more() {
    let catalog = Catalog::built_in();
    for area in Area::ALL {
        assert!(catalog.items().filter(|item| item.area == area).count() >= 2, "{area}");
    }
}

#[test]
fn titles_are_everyday_phrases_in_both_languages() {
    for item in Catalog::built_in().items() {
        for title in [&item.title.en, &item.title.es] {
            assert!(title.split_whitespace().count() <= 15, "{title}");
            assert!(!title.ends_with('.'), "{title}");
        }
        for finding in item.findings.values() {
            for text in [&finding.text, &finding.next] {
                assert_ne!(text.en, text.es);
                for language in [&text.en, &text.es] {
                    let longest = language.split(['.', ';']).map(|s| s.split_whitespace().count()).max();
                    assert!(longest <= Some(15), "{}: {language}", item.id.0);
                    assert!(language.ends_with('.'), "{}: {language}", item.id.0);
                }
            }
        }
    }
}

#[test]
fn every_check_runs_here_within_its_deadline_and_nothing_it_says_is_dropped() {
    // Repairs aren't tried on a developer's computer.
    for item in Catalog::built_in().items().filter(|item| item.effect == Effect::Reads) {
        let arguments = item.arguments(&Arguments::new()).unwrap();
        let began = Instant::now();
        let draft = find(&item.id).unwrap().gather(&arguments).unwrap()();
        let took = began.elapsed();
        assert!(took < Duration::from_millis(item.deadline_ms.into()), "{} took {took:?}", item.id.0);
        told(&item.id.0, &draft);
    }
}

#[test]
fn arguments_that_were_not_checked_fail_and_never_panic() {
    for item in Catalog::built_in().items().filter(|item| !item.parameters.is_empty()) {
        let failed = find(&item.id).unwrap().gather(&Arguments::new()).err();
        assert!(matches!(failed, Some(Failure::Argument(_) | Failure::Administrator)), "{}", item.id.0);
    }
}
