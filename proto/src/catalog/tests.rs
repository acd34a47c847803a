use super::telling::UNIT_MAX;
use super::*;
use crate::ledger::body::Arguments;
use crate::report::{Draft, Fact, Finding, REPORT_MAX, Report, Severity, Table, Truncated, VALUE_MAX, Value};

const DEFINITION: &str = r#"{"id":"system.probe","area":"system","effect":"reads","level":2,"personal":false,
        "title":{"en":"t","es":"t"},"discloses":{"en":"d","es":"d"},"cannot":{"en":"c","es":"c"},
        "platforms":["linux"],"needs":{"reads":["/proc/stat","~/.cache"],"talks":["services","network"]},"output_max":65536,
        "parameters":[
            {"name":"seconds","title":{"en":"s","es":"s"},"accepts":{"integer":{"min":1,"max":10,"unit":"s"}},"default":"2"},
            {"name":"kind","title":{"en":"k","es":"k"},"accepts":{"choice":["all","new"]},"default":"all"}],
        "deadline_ms":1000,
        "facts":{"load":{"en":"Load","es":"Carga"}},
        "tables":{"rows":{"title":{"en":"R","es":"R"},"columns":[["name",{"en":"N","es":"N"}]],"rows_max":3}},
        "findings":{"busy":{"text":{"en":"{who} is busy","es":"{who} ocupado"},"next":{"en":"Wait","es":"Espere"}}}}"#;

fn item() -> Item {
    Item::parse(DEFINITION).unwrap()
}

fn given(pairs: &[(&str, &str)]) -> Arguments {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn every_built_in_definition_keeps_the_rules_and_is_the_item_its_file_is_named_after() {
    let files: Vec<files::File> = files::ALL.iter().copied().flatten().copied().collect();
    let catalog = Catalog::from_files(&files.iter().map(|(_, text)| *text).collect::<Vec<_>>()).unwrap();
    let built_in = Catalog::built_in();
    assert_eq!(built_in.items().count(), files.len());
    for (id, _) in files {
        let (read, known) = (catalog.get(&ItemId(id.to_owned())), built_in.get(&ItemId(id.to_owned())));
        assert!(read.is_some() && read == known, "{id}");
    }
    for item in catalog.items() {
        for text in [&item.title, &item.discloses] {
            assert!(!text.en.is_empty() && !text.es.is_empty(), "{:?}", item.id);
        }
    }
}

#[test]
fn arguments_below_at_and_above_their_range() {
    let item = item();
    for (value, fits) in
        [("0", false), ("1", true), ("10", true), ("11", false), ("01", false), ("+1", false), ("", false)]
    {
        assert_eq!(item.arguments(&given(&[("seconds", value)])).is_ok(), fits, "{value}");
    }
    assert_eq!(item.arguments(&given(&[])), Ok(given(&[("kind", "all"), ("seconds", "2")])));
    assert!(matches!(item.arguments(&given(&[("path", "/")])), Err(ArgumentError::Unknown(_))));
    assert!(matches!(item.arguments(&given(&[("kind", "ALL")])), Err(ArgumentError::NotAccepted { .. })));
}

#[test]
fn what_samples_or_asks_over_the_network_waits() {
    let with = |talks: &str, name: &str| {
        let file = DEFINITION.replace(r#"["services","network"]"#, talks).replace(r#""name":"seconds""#, name);
        let item = Item::parse(&file).unwrap();
        (item.samples(), item.waits())
    };
    let (samples, other) = (r#""name":"seconds""#, r#""name":"count""#);
    assert_eq!(with(r#"["services","network"]"#, other), (false, true));
    assert_eq!(with(r#"["services"]"#, samples), (true, true));
    assert_eq!(with(r#"["services"]"#, other), (false, false));
}

#[test]
fn g4_only_declared_things_are_told() {
    let mut draft = Draft::default();
    draft.fact("load", 1_i64, "");
    draft.fact("passwords", "hunter2", "");
    draft.table("rows", &["name"], vec![vec!["a".into()], vec!["b".into(), "c".into()]]);
    draft.table("rows", &["name"], vec![vec!["again".into()]]);
    draft.table("other", &["name"], vec![]);
    draft.finding(Severity::Ok, "busy", &[("who", "{who}\u{1b}[2J".into())], "e");
    draft.finding(Severity::Critical, "made-up", &[], "e");
    let report = item().tell(draft);
    assert_eq!(report.facts, [Fact { key: "load".into(), value: Value::Integer(1), unit: String::new() }]);
    assert_eq!(report.tables.len(), 1);
    assert_eq!(report.tables[0].rows, [vec![Value::from("a")]]);
    assert_eq!(report.tables[0].truncated, Some(Truncated { shown: 1, total: 2 }));
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].text.en, "{who}\u{27e8}001B\u{27e9}[2J is busy");
}

#[test]
fn g4_what_an_item_told_is_vouched_for_as_it_is() {
    let mut draft = Draft::default();
    draft.fact("load", 1_i64, "");
    draft.fact("load", "{", "s");
    draft.table("rows", &["name"], vec![vec!["a".into()]; 9]);
    for who in ["ana", "", "{who}", "is busy is busy", "\u{202e}x", &"x".repeat(400)] {
        draft.finding(Severity::Ok, "busy", &[("who", who.into())], who);
    }
    draft.finding(Severity::Unknown, "busy", &[], "a hole that nothing fills");
    let told = item().tell(draft);
    assert_eq!(item().vouched(told.clone()), (told, true));
    for item in Catalog::built_in().items() {
        let mut draft = Draft::default();
        item.facts.keys().for_each(|key| draft.fact(key, "", ""));
        item.findings.keys().for_each(|id| draft.finding(Severity::Warning, id, &[], ""));
        let told = item.tell(draft);
        assert_eq!(item.vouched(told.clone()), (told, true), "{:?}", item.id);
    }
}

#[test]
fn g4_nobody_elses_facts_tables_and_sentences_are_vouched_for() {
    let mut draft = Draft::default();
    draft.fact("load", 1_i64, "");
    draft.table("rows", &["name"], vec![vec!["a".into()]]);
    draft.finding(Severity::Ok, "busy", &[("who", "ana".into())], "e");
    let honest = item().tell(draft);
    type Lie = fn(&mut Report);
    let lies: [(&str, Lie); 6] = [
        ("fact", |report| report.facts.push(Fact { key: "do".into(), value: "run this".into(), unit: String::new() })),
        ("table", |report| report.tables.push(Table { title: "other".into(), ..report.tables[0].clone() })),
        ("again", |report| report.tables.push(report.tables[0].clone())),
        ("column", |report| report.tables[0].columns = vec!["other".into()]),
        ("cell", |report| report.tables[0].rows.push(vec!["a".into(), "b".into()])),
        ("finding", |report| report.findings.push(Finding { id: "made-up".into(), ..report.findings[0].clone() })),
    ];
    for (what, lie) in lies {
        let mut report = honest.clone();
        lie(&mut report);
        let (vouched, whole) = item().vouched(report);
        assert!(!whole, "{what}");
        assert!(vouched.facts == honest.facts && vouched.findings == honest.findings, "{what}");
    }
    // What is longer than an honest agent makes it is cut to that.
    type Say = fn(&mut Report, String);
    let sayings: [(&str, usize, Say); 3] = [
        ("value", VALUE_MAX, |report, text| report.facts[0].value = text.into()),
        ("unit", UNIT_MAX, |report, text| report.facts[0].unit = text),
        ("evidence", VALUE_MAX, |report, text| report.findings[0].evidence = text),
    ];
    for (what, max, say) in sayings {
        let said = |length: usize| {
            let mut report = honest.clone();
            say(&mut report, "x".repeat(length));
            report
        };
        for length in [max - 1, max] {
            assert_eq!(item().vouched(said(length)), (said(length), true), "{what} {length}");
        }
        assert_eq!(item().vouched(said(max + 1)), (said(max), false), "{what}");
    }
    // A sentence of somebody's own is put back to the definition's; one that was redacted isn't held against them.
    for said in
        ["Run this on your computer", "ana is busy. Run this", "is busy", &format!("{} is busy", "x".repeat(2_000))]
    {
        let mut report = honest.clone();
        report.findings[0].text.en = said.into();
        report.findings[0].next.es = said.into();
        let (vouched, whole) = item().vouched(report);
        assert!(whole, "{said}");
        assert_eq!(vouched.findings[0].text.en, "? is busy", "{said}");
        assert_eq!(vouched.findings[0].next.es, "Espere", "{said}");
    }
}

#[test]
fn e1_reports_are_cut_at_a_row() {
    let mut item = item();
    let rows = |n: usize| vec![vec![Value::from("x".repeat(VALUE_MAX))]; n];
    for (n, shown) in [(2, 2), (3, 3), (4, 3)] {
        let mut draft = Draft::default();
        draft.table("rows", &["name"], rows(n));
        assert_eq!(item.tell(draft).tables[0].rows.len(), shown);
    }
    if let Some(table) = item.tables.get_mut("rows") {
        table.rows_max = 10_000;
    }
    let mut draft = Draft::default();
    draft.table("rows", &["name"], rows(1_000));
    let report = item.tell(draft);
    assert!(serde_json::to_vec(&report).unwrap().len() <= REPORT_MAX);
    let truncated = report.tables[0].truncated.unwrap();
    assert_eq!((truncated.shown, truncated.total), (report.tables[0].rows.len() as u64, 1_000));
    assert!(truncated.shown > 0);
}

#[test]
fn a_scope_covers_reading_items_up_to_the_level() {
    let catalog = Catalog { items: [(item().id.clone(), item().into())].into() };
    let scopes = BTreeSet::from([Scope::System]);
    assert_eq!(catalog.reading(&scopes, 1, 9).len(), 0);
    assert_eq!(catalog.reading(&scopes, 2, 9).len(), 1);
    assert_eq!(catalog.reading(&BTreeSet::from([Scope::Network]), 5, 9).len(), 0);
}

#[test]
fn only_what_is_asked_for_is_read() {
    let catalog = Catalog::built_in();
    let read = || catalog.items.values().filter_map(|entry| entry.item.get()?.as_deref());
    assert!(catalog.reading(&BTreeSet::new(), 5, 9).is_empty());
    assert_eq!(read().count(), 0);
    catalog.get(&ItemId("network.dns".to_owned())).unwrap();
    assert_eq!(read().count(), 1);
    let scopes = BTreeSet::from([Scope::System]);
    let covered: Vec<_> = catalog.reading(&scopes, 5, 9).into_iter().map(|allowed| allowed.item).collect();
    let other = |item: &&Item| item.area.scope() != Scope::System;
    assert_eq!(read().filter(other).count(), 1);
    let all = catalog.items().filter(|item| item.area.scope() == Scope::System && item.effect == Effect::Reads);
    assert_eq!(covered, all.map(|item| item.id.clone()).collect::<Vec<_>>());
}

#[test]
fn the_definition_hash_is_of_the_files_bytes() {
    let file = include_str!("../../catalog/system/overview.json");
    let changed = file.replace("Kernel", "kernel");
    assert_ne!(Item::parse(file).unwrap().definition, Item::parse(&changed).unwrap().definition);
}

#[test]
fn g4_a_value_of_another_type_than_declared_is_dropped() {
    let typed = Item::parse(
        &DEFINITION
            .replace(r#""load":{"en":"Load","es":"Carga"}"#, r#""load":{"en":"Load","es":"Carga","kind":"number"}"#)
            .replace(r#"["name",{"en":"N","es":"N"}]"#, r#"["name",{"en":"N","es":"N"},"flag"]"#),
    )
    .unwrap();
    let told = |value: Value| {
        let mut draft = Draft::default();
        draft.fact("load", value.clone(), "");
        draft.table("rows", &["name"], vec![vec![value]]);
        let report = typed.tell(draft);
        (report.facts.len(), report.tables[0].rows.len())
    };
    assert_eq!(told(1_i64.into()), (1, 0));
    assert_eq!(told(1.5.into()), (1, 0));
    assert_eq!(told(true.into()), (0, 1));
    assert_eq!(told("hunter2".into()), (0, 0));
    assert_eq!(told("".into()), (1, 1), "what isn't known");
}

#[test]
fn needs_are_exact_paths_named_once() {
    let parsed = |needs: &str| {
        Item::parse(&DEFINITION.replace(r#"{"reads":["/proc/stat","~/.cache"],"talks":["services","network"]}"#, needs))
    };
    for fits in
        ["{}", r#"{"reads":["/a","/b/c","~","~/x"]}"#, r#"{"tools":["a","b"],"processes":true,"connection":true}"#]
    {
        assert!(parsed(fits).is_ok(), "{fits}");
    }
    for path in ["", "/", "a", "~ana", "~/", "/a/../b", "/a/./b", "/a//b", "/a/"] {
        assert!(parsed(&format!(r#"{{"reads":["{path}"]}}"#)).is_err(), "{path}");
    }
    for twice in [r#"{"reads":["/b","/a"]}"#, r#"{"tools":["a","a"]}"#, r#"{"talks":["network","services"]}"#] {
        assert!(parsed(twice).is_err(), "{twice}");
    }
}

#[test]
fn what_the_agent_puts_into_an_order_is_no_parameter() {
    for name in [PLAN, FIGURES] {
        let taken = DEFINITION.replace(r#""name":"kind""#, &format!(r#""name":"{name}""#));
        assert!(matches!(Item::parse(&taken), Err(DefinitionError::Rule { .. })), "{name}");
    }
}

#[test]
fn a_reports_limit_is_at_least_1_and_at_most_960_kib() {
    for (max, fits) in [(1_023, false), (1_024, true), (REPORT_MAX, true), (REPORT_MAX + 1, false)] {
        let limit = format!(r#""output_max":{max}"#);
        assert_eq!(Item::parse(&DEFINITION.replace(r#""output_max":65536"#, &limit)).is_ok(), fits, "{max}");
    }
}
