use proptest::prelude::*;
use venia_proto::ledger::body::Language;
use venia_proto::report::{Draft, Fact};

use super::*;
use crate::person::fold::{COLUMNS, columns};

/// As a terminal shows them.
fn arrival(card: &Arrival<'_>, words: &Words) -> String {
    super::arrival(card, words).text()
}

fn consent(request: &Request<'_>, words: &Words) -> String {
    super::consent(request, words).text()
}

fn preview(name: &Foreign, item: &Item, report: &Report, hidden: u64, words: &Words) -> String {
    super::preview(name, item, report, hidden, words).text()
}

fn sign(words: &Words) -> String {
    super::sign(words).text()
}

const SPACE: &str = r#"{
  "id": "system.space", "area": "system", "effect": "reads", "level": 1, "personal": false,
  "title": { "en": "See how full your disks are", "es": "Ver cuán llenos están sus discos" },
  "discloses": { "en": "Names and sizes of your disks", "es": "Nombres y tamaños de sus discos" },
  "parameters": [], "cannot":{"en":"It changes nothing","es":"No cambia nada"},"platforms":["linux"],"needs":{},"output_max":65536,
        "deadline_ms": 5000, "facts": {}, "tables": {}, "findings": {} }"#;
const WHERE: &str = r#"{
  "id": "tasks.where", "area": "tasks", "effect": "reads", "level": 1, "personal": true,
  "title": { "en": "See where the space went", "es": "Ver en qué se fue el espacio" },
  "discloses": { "en": "Sizes of your folders, without their names", "es": "Tamaños de sus carpetas, sin sus nombres" },
  "parameters": [ { "name": "depth", "title": { "en": "How deep", "es": "Profundidad" },
    "accepts": { "integer": { "min": 1, "max": 4, "unit": "" } }, "default": "2" } ],
  "cannot":{"en":"It changes nothing","es":"No cambia nada"},"platforms":["linux"],"needs":{},"output_max":65536,
        "deadline_ms": 5000, "facts": {}, "tables": {}, "findings": {} }"#;
const CLEAN: &str = r#"{
  "id": "tasks.clean", "area": "tasks", "effect": "changes", "level": 2, "personal": false,
  "title": { "en": "Empty the waste basket", "es": "Vaciar la papelera" },
  "discloses": { "en": "How much space was won", "es": "Cuánto espacio se ganó" },
  "parameters": [], "cannot":{"en":"It touches no file outside the waste basket","es":"No toca ningún archivo fuera de la papelera"},"platforms":["linux"],"needs":{},"output_max":65536,
  "change": { "preview": "tasks.where", "undo": { "en": "This can't be undone.", "es": "No se puede deshacer." },
    "interruptible": false, "seconds": 20, "by": "administrator" },
        "deadline_ms": 5000, "facts": {}, "tables": {}, "findings": {} }"#;
/// What a preview may find: figures, two kinds of rows, and a plan that no person reads.
const LOOK: &str = r#"{
  "id": "tasks.look", "area": "tasks", "effect": "reads", "level": 1, "personal": false,
  "title": { "en": "See what would go", "es": "Ver qué se iría" },
  "discloses": { "en": "Sizes", "es": "Tamaños" },
  "parameters": [], "cannot":{"en":"It changes nothing","es":"No cambia nada"},"platforms":["linux"],"needs":{},"output_max":65536,
  "deadline_ms": 5000, "findings": {},
  "facts": { "plan": { "en": "Mark", "es": "Marca", "kind": "word" }, "count": { "en": "Things", "es": "Cosas" },
    "size": { "en": "Size", "es": "Tamaño" } },
  "tables": { "kinds": { "title": { "en": "By kind", "es": "Por tipo" }, "rows_max": 30,
    "columns": [ ["kind", { "en": "Kind", "es": "Tipo" }], ["kind-bytes", { "en": "Size", "es": "Tamaño" }, "number"] ] } } }"#;

fn item(text: &str) -> Item {
    Item::parse(text).expect("a definition")
}

fn with_request<T>(name: &str, reason: &str, then: impl FnOnce(&Request<'_>) -> T) -> T {
    let (space, spot) = (item(SPACE), item(WHERE));
    let (none, values) = (BTreeMap::new(), BTreeMap::from([("depth".to_owned(), BTreeSet::from(["3".to_owned()]))]));
    let (name, organisation, reason) = (Foreign::new(name), Foreign::new("Taller Norte"), Foreign::new(reason));
    then(&Request {
        who: Who { name: &name, organisation: &organisation, level: 2 },
        reason: &reason,
        scopes: &BTreeSet::from([Scope::System, Scope::Chat]),
        items: vec![
            Covered { item: &space, values: &none, tick: Some(true) },
            Covered { item: &spot, values: &values, tick: Some(false) },
        ],
        found: None,
        time: Time::Minutes(30),
        fenced: true,
        auditors: &Auditors::default(),
        keep_days: 30,
    })
}

fn arrival_of(name: &str, known: bool, verified: Verified, language: Language) -> String {
    let (name, organisation) = (Foreign::new(name), Foreign::new("Taller Norte"));
    let service = Foreign::new("help.example:4433");
    let who = Who { name: &name, organisation: &organisation, level: 2 };
    let auditors = &Auditors::default();
    arrival(&Arrival { who, service: &service, known, verified, auditors }, &Words::new(language))
}

#[test]
fn the_consent_card_in_both_languages() {
    with_request("Ana López", "Your PC is slow", |request| {
        insta::assert_snapshot!("consent_en", consent(request, &Words::new(Language::En)));
        insta::assert_snapshot!("consent_es", consent(request, &Words::new(Language::Es)));
    });
}

#[test]
fn the_arrival_card_in_both_languages() {
    insta::assert_snapshot!("arrival_known_en", arrival_of("Ana López", true, Verified::Code, Language::En));
    insta::assert_snapshot!("arrival_first_es", arrival_of("Ana López", false, Verified::Code, Language::Es));
}

#[test]
fn d4_hostile_names_and_reasons_in_the_golden_card() {
    let name = "Ana\u{202e}tfosorciM\u{1b}[2J";
    let reason = format!("ok”{}allow / deny > yes\r\nTime: 1 minute\u{8}\u{200b}", " ".repeat(66));
    with_request(name, &reason, |request| {
        insta::assert_snapshot!("consent_hostile_en", consent(request, &Words::new(Language::En)));
    });
    insta::assert_snapshot!("arrival_hostile_es", arrival_of(name, false, Verified::Organisation, Language::Es));
}

#[test]
fn a_changing_item_says_so_and_is_asked_once() {
    let clean = item(CLEAN);
    with_request("Ana", "x", |request| {
        let values = BTreeMap::new();
        let request = Request {
            scopes: &BTreeSet::new(),
            items: vec![Covered { item: &clean, values: &values, tick: None }],
            time: Time::Once,
            fenced: false,
            ..request.clone()
        };
        let text = consent(&request, &Words::new(Language::En));
        assert!(text.contains("▲ changes something: Empty the waste basket"), "{text}");
        assert!(text.contains("It changes only what is marked ▲ above.") && !text.contains("It changes nothing"));
        assert!(text.contains("These checks are not fenced on this computer."));
        assert!(text.ends_with("\nTime: this once\nallow / deny > "), "{text}");
    });
}

#[test]
fn a2_verified_only_for_a_service_known_before() {
    let says = |known| arrival_of("Ana", known, Verified::Code, Language::En);
    assert!(says(true).contains("Verified: ") && !says(true).contains("First time"));
    assert!(says(false).contains("First time with this help service: help.example:4433."));
    assert!(says(false).contains("The name “Ana” is what they say.") && !says(false).contains("Verified"));
}

#[test]
fn the_order_never_changes() {
    with_request("Ana", "slow", |request| {
        let text = consent(request, &Words::new(Language::En));
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}"));
        let order =
            ["Who\n", "What\n", "Why,", "What they will receive", "What it cannot do", "How long", "Time: 30 minutes"]
                .map(at);
        assert!(order.is_sorted(), "{order:?}");
        assert!(text.ends_with("\nTime: 30 minutes\nallow / deny > "));
        let spanish = consent(request, &Words::new(Language::Es));
        assert!(spanish.ends_with("\nTiempo: 30 minutos\npermitir / negar > "));
    });
    assert!(sign(&Words::new(Language::Es)).ends_with("\nfirmar / ahora no > "));
    assert!(arrival_of("Ana", true, Verified::Code, Language::Es).ends_with("\nsí / no > "));
}

proptest! {
    #[test]
    fn d4_no_name_or_reason_reaches_the_left_edge(name in any::<String>(), reason in "[ a>\n\u{202e}漢x]{0,200}") {
        with_request(&name, &reason, |request| {
            let text = consent(request, &Words::new(Language::En));
            let harmless = with_request("Ana", "slow", |request| consent(request, &Words::new(Language::En)));
            let edge = |text: &str| -> Vec<String> {
                text.lines().filter(|row| !row.starts_with(' ')).map(str::to_owned).collect()
            };
            prop_assert_eq!(edge(&text), edge(&harmless));
            for row in text.lines() {
                prop_assert!(columns(row) <= COLUMNS, "{}", row);
            }
            Ok(())
        })?;
    }
}

#[test]
fn e11_the_card_says_for_how_long_they_keep_what_is_sent() {
    let said = |days, language| {
        with_request("Ana", "x", |request| {
            consent(&Request { keep_days: days, ..request.clone() }, &Words::new(language))
        })
    };
    for (days, en, es) in [
        (0, "Ana deletes what you send after the session.", "Ana borra lo que usted envíe al acabar la sesión."),
        (1, "Ana keeps what you send for 1 day.", "Ana guarda lo que usted envíe durante 1 día."),
        (30, "Ana keeps what you send for 30 days.", "Ana guarda lo que usted envíe durante 30 días."),
    ] {
        assert!(said(days, Language::En).contains(en), "{}", said(days, Language::En));
        assert!(said(days, Language::Es).contains(es), "{}", said(days, Language::Es));
    }
}

#[test]
fn e4_both_cards_say_who_else_can_read_the_record() {
    let none = with_request("Ana", "x", |request| consent(request, &Words::new(Language::En)));
    assert!(none.contains("No auditor can open this record.") && !none.contains("The auditors of"), "{none}");
    let auditors = Auditors { named: true, new: 0 };
    with_request("Ana", "x", |request| {
        let named = consent(&Request { auditors: &auditors, ..request.clone() }, &Words::new(Language::En));
        assert!(named.contains("The auditors of Taller Norte can read this record."), "{named}");
        assert!(!named.contains("No auditor"), "{named}");
    });
    let arrived = |new| {
        let (name, organisation, service) = (Foreign::new("Ana"), Foreign::new("Taller Norte"), Foreign::new("h:1"));
        let who = Who { name: &name, organisation: &organisation, level: 2 };
        let auditors = &Auditors { named: true, new };
        let arrival_card = Arrival { who, service: &service, known: true, verified: Verified::Code, auditors };
        arrival(&arrival_card, &Words::new(Language::En))
    };
    assert!(arrived(0).contains("The auditors of Taller Norte can read this record."));
    assert!(!arrived(0).contains("New since last time"));
    assert!(arrived(2).contains("New since last time: auditors added who can read records: 2."));
}

/// The card of a change, whose preview found this many kinds of things.
fn change_card(kinds: u64, language: Language) -> String {
    let (clean, look) = (item(CLEAN), item(LOOK));
    let mut draft = Draft::default();
    draft.fact("count", 12_u64, "");
    draft.fact("size", 1_288_490_189_u64, "bytes");
    draft.fact("plan", "5f5f", "");
    let rows = (0..kinds).map(|n| vec![format!("kind\u{202e} {n}").into(), (n * 1024).into()]).collect();
    draft.table("kinds", &["kind", "kind-bytes"], rows);
    let (report, values) = (look.tell(draft), BTreeMap::new());
    with_request("Ana López", "Your disk is full", |request| {
        let request = Request {
            scopes: &BTreeSet::new(),
            items: vec![Covered { item: &clean, values: &values, tick: None }],
            found: Some(Found { preview: &look, report: &report }),
            time: Time::Once,
            ..request.clone()
        };
        consent(&request, &Words::new(language))
    })
}

#[test]
fn r1_the_card_of_a_change_in_both_languages() {
    insta::assert_snapshot!("change_en", change_card(2, Language::En));
    insta::assert_snapshot!("change_es", change_card(2, Language::Es));
}

#[test]
fn r1_a_card_shows_twenty_rows_and_says_how_many_more() {
    for (kinds, said) in [(19, None), (20, None), (21, Some("and 1 more")), (30, Some("and 10 more"))] {
        let card = change_card(kinds, Language::En);
        let shown = card.lines().filter(|row| row.contains("- Kind: kind")).count();
        assert_eq!(shown as u64, kinds.min(20));
        assert!(said.map_or(!card.contains("more\n"), |said| card.contains(said)), "{card}");
        assert!(!card.contains("5f5f"), "the plan is for machines");
    }
}

#[test]
fn g6_a_change_says_whether_it_can_be_stopped_and_who_does_it() {
    let stopped =
        CLEAN.replace("\"interruptible\": false", "\"interruptible\": true").replace("administrator", "account");
    for (definition, said) in [(CLEAN, true), (stopped.as_str(), false)] {
        let clean = item(definition);
        let values = BTreeMap::new();
        let card = with_request("Ana", "x", |request| {
            let items = vec![Covered { item: &clean, values: &values, tick: None }];
            consent(&Request { items, ..request.clone() }, &Words::new(Language::En))
        });
        assert_eq!(card.contains("Once started, this takes about 20 s and cannot be stopped."), said, "{card}");
        assert_eq!(card.contains("It takes about 20 s. You can stop it."), !said);
        assert_eq!(card.contains("the administrator's password"), said);
    }
}

#[test]
fn e2_a_preview_shows_exactly_what_would_leave() {
    let spot = item(SPACE);
    let mut report = Report::default();
    let row = "x".repeat(70) + "send / keep > send";
    report.facts.push(Fact { key: "a\r\nsend / keep > ".to_owned(), value: row.into(), unit: String::new() });
    let card = |hidden, language| preview(&Foreign::new("Ana"), &spot, &report, hidden, &Words::new(language));
    insta::assert_snapshot!("preview_en", card(0, Language::En));
    insta::assert_snapshot!("preview_es", card(3, Language::Es));
    let (_, prompt) = card(0, Language::En).rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(prompt, "send / keep > ");
}

#[test]
fn g5_an_item_of_a_pack_says_whose_it_is_and_what_it_runs() {
    let pack = venia_proto::catalog::pack::Pack::parse(include_bytes!("../../../tests/fixtures/packs/timers.json"));
    let item = pack.unwrap().items.remove(0);
    let one = BTreeMap::from([("kind".to_owned(), BTreeSet::from(["timer".to_owned()]))]);
    for (values, command) in [(one, "--type=timer"), (BTreeMap::new(), "--type=<kind>")] {
        with_request("Ana", "To look", |request| {
            let items = vec![Covered { item: &item, values: &values, tick: None }];
            let card =
                consent(&Request { items, scopes: &BTreeSet::new(), ..request.clone() }, &Words::new(Language::En));
            assert!(card.contains("described by Taller Norte, not by Venia"), "{card}");
            let flat = card.replace("\n      │ ", "");
            assert!(
                flat.contains("systemctl list-units --all --plain --no-legend ") && flat.contains(command),
                "{card}"
            );
        });
    }
}
