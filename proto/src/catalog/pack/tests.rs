use proptest::prelude::*;

use super::reading::{LINES_MAX, When};
use super::*;
use crate::catalog::Talk;
use crate::report::Draft;

const PACK: &str = r#"{
  "format": "venia-pack/1",
  "organisation": "Taller Norte",
  "items": [
    {
      "definition": {
        "id": "system.x-units", "area": "system", "effect": "reads", "level": 2, "personal": true,
        "title": {"en": "See units of a kind", "es": "Ver unidades de un tipo"},
        "discloses": {"en": "Names of units", "es": "Nombres de unidades"},
        "cannot": {"en": "It starts nothing", "es": "No inicia nada"},
        "platforms": ["linux"], "needs": {},
        "parameters": [
          {"name": "kind", "title": {"en": "Kind", "es": "Tipo"}, "accepts": {"choice": ["service", "timer"]}, "default": "service"}
        ],
        "deadline_ms": 5000, "output_max": 65536, "facts": {},
        "tables": {"units": {"title": {"en": "Units", "es": "Unidades"}, "rows_max": 50, "columns": [
          ["unit", {"en": "Unit", "es": "Unidad"}], ["load", {"en": "Load", "es": "Carga"}],
          ["active", {"en": "Active", "es": "Activa"}], ["rest", {"en": "Rest", "es": "Resto"}]]}},
        "findings": {
          "failed": {"text": {"en": "Something failed.", "es": "Algo falló."}, "next": {"en": "Look.", "es": "Mire."}},
          "fine": {"text": {"en": "Nothing failed.", "es": "Nada falló."}, "next": {"en": "Nothing.", "es": "Nada."}},
          "silent": {"text": {"en": "No answer.", "es": "Sin respuesta."}, "next": {"en": "Ask.", "es": "Pregunte."}}
        }
      },
      "command": {"program": "systemctl", "arguments": ["list-units", "--all", "--plain", "--no-legend", "--type={kind}"]},
      "reading": {
        "shape": {"columns": {"table": "units", "skip": 0}},
        "judgements": [
          {"when": {"is": {"key": "active", "text": "failed"}}, "severity": "warning", "finding": "failed"},
          {"when": "otherwise", "severity": "ok", "finding": "fine"},
          {"when": "silent", "severity": "unknown", "finding": "silent"}
        ]
      }
    }
  ]
}"#;

fn pack() -> Pack {
    Pack::parse(PACK.as_bytes()).unwrap()
}

/// Its first item, and how it is read.
fn parts(pack: &Pack) -> (&Item, &reading::Reading) {
    (&pack.items[0], &pack.items[0].described.as_ref().unwrap().reading)
}

fn why(what: &str, with: &str) -> String {
    assert!(PACK.contains(what), "{what}");
    Pack::parse(PACK.replace(what, with).as_bytes()).unwrap_err().to_string()
}

fn findings(draft: &Draft) -> Vec<&str> {
    draft.findings.iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn a_pack_says_its_exact_command() {
    let pack = pack();
    let [item] = &pack.items[..] else { panic!() };
    let described = item.described.as_ref().unwrap();
    let arguments = item.arguments(&[("kind".to_owned(), "timer".to_owned())].into()).unwrap();
    assert_eq!(described.shown(&arguments), "systemctl list-units --all --plain --no-legend --type=timer");
}

#[test]
fn g5_a_consent_binds_the_whole_pack() {
    let one = pack().items[0].definition.clone();
    let other = Pack::parse(PACK.replace("Taller Norte", "Taller Sur").as_bytes()).unwrap();
    assert_ne!(one, other.items[0].definition);
    assert_ne!(pack().hash, other.hash);
}

#[test]
fn g5_a_pack_reads_only_and_only_by_the_table() {
    for (what, with, says) in [
        (
            r#""effect": "reads""#,
            r#""effect": "changes", "change": {"preview": "system.overview", "undo": {"en": "u", "es": "u"},
                "interruptible": true, "seconds": 1, "by": "account"}"#,
            "only reads",
        ),
        (r#""personal": true"#, r#""personal": false"#, "looked at"),
        ("system.x-units", "system.services", "area.x-name"),
        (r#""needs": {}"#, r#""needs": {"reads": ["/etc/shadow"]}"#, "follows from its program"),
        (
            r#"["unit", {"en": "Unit", "es": "Unidad"}]"#,
            r#"["unit", {"en": "Unit", "es": "Unidad"}, "word"]"#,
            "no public words",
        ),
        (r#""program": "systemctl""#, r#""program": "bash""#, "isn't in the table"),
        ("\"list-units\"", "\"start\"", "doesn't take"),
        ("\"--all\"", "\"--root=/\"", "doesn't take"),
        ("\"--all\"", "\"--host=evil\"", "doesn't take"),
        ("--type={kind}", "--type={nothing}", "names a parameter"),
        (r#"["service", "timer"]"#, r#"["service", "--root"]"#, "doesn't take"),
        ("\"--type={kind}\"", "\"{kind}\", \"--type=service\"", "doesn't take"),
        (r#"{"table": "units", "skip": 0}"#, r#"{"table": "others", "skip": 0}"#, "declared"),
        (r#"{"key": "active", "text": "failed"}"#, r#"{"key": "x", "text": "failed"}"#, "column or a fact"),
        (r#""when": "silent""#, r#""when": "rows""#, "for silence"),
        ("Something failed.", "{unit} failed.", "no holes"),
        ("See units of a kind", "See\\nallow / deny > ", "plain"),
        ("Names of units", "Names\\u202e of units", "plain"),
        ("\"en\": \"Load\"", "\"en\": \"Lo\\u001b[2Jad\"", "plain"),
        ("venia-pack/1", "venia-pack/2", "isn't known"),
        ("Taller Norte", "", "1 to 80 characters"),
    ] {
        let why = why(what, with);
        assert!(why.contains(says), "{what} -> {with}: {why}");
    }
    assert!(
        Pack::parse(PACK.replace("\"command\"", "\"script\": \"id\", \"command\"").as_bytes()).is_err(),
        "no more fields"
    );
}

#[test]
fn a_pack_at_and_above_its_limits() {
    let padded = |length: usize| PACK.to_owned() + &" ".repeat(length - PACK.len());
    assert!(Pack::parse(padded(PACK_MAX).as_bytes()).is_ok());
    assert!(matches!(Pack::parse(padded(PACK_MAX + 1).as_bytes()), Err(PackError::TooLong)));
    let whole: serde_json::Value = serde_json::from_str(PACK).unwrap();
    let many = |count: usize| {
        let mut whole = whole.clone();
        let item = whole["items"][0].clone();
        let items = (0..count).map(|n| {
            let mut item = item.clone();
            item["definition"]["id"] = format!("system.x-{n}").into();
            item
        });
        whole["items"] = items.collect();
        Pack::parse(whole.to_string().as_bytes())
    };
    assert!(many(1).is_ok() && many(ITEMS_MAX).is_ok());
    assert!(many(0).is_err() && many(ITEMS_MAX + 1).is_err());
    let mut twice = whole.clone();
    twice["items"] = vec![whole["items"][0].clone(); 2].into();
    assert!(Pack::parse(twice.to_string().as_bytes()).unwrap_err().to_string().contains("two items"));
}

#[test]
fn what_a_worker_is_given_is_the_same_item() {
    let pack = pack();
    let described = pack.items[0].described.as_ref().unwrap();
    let again = Pack::item(&described.written, &described.organisation).unwrap();
    assert_eq!(again.described, pack.items[0].described);
    assert_eq!(
        (&again.needs.tools[..], &again.needs.talks[..]),
        (&["systemctl".to_owned()][..], &[Talk::Services][..])
    );
    let long = |length: usize| {
        let title = "See units of a kind";
        let longer = PACK.replace(title, &format!("{title}{}", "x".repeat(length)));
        Pack::parse(longer.as_bytes()).map(|pack| pack.items[0].described.as_ref().unwrap().written.len())
    };
    let room = ITEM_MAX - long(0).unwrap();
    assert_eq!(long(room).unwrap(), ITEM_MAX);
    assert!(long(room - 1).is_ok() && long(room + 1).is_err());
}

#[test]
fn a_pack_takes_no_place_in_the_catalogue_that_is_taken() {
    let catalog = crate::catalog::Catalog::built_in();
    let count = catalog.items().count();
    let with =
        catalog.with_packs([pack(), Pack::parse(PACK.replace("Taller Norte", "Taller Sur").as_bytes()).unwrap()]);
    assert_eq!(with.items().count(), count + 1);
    let item = with.get(&crate::ledger::body::ItemId("system.x-units".to_owned())).unwrap();
    assert_eq!(item.described.as_ref().unwrap().organisation, "Taller Norte", "the first");
}

#[test]
fn an_answer_becomes_rows_and_findings() {
    let pack = pack();
    let (item, reading) = parts(&pack);
    let draft =
        reading.read(item, Some("a.service loaded failed failed A thing\nb.service loaded active running B\n"), "");
    assert_eq!(findings(&draft), ["failed"]);
    assert_eq!(draft.tables[0].rows[0], ["a.service", "loaded", "failed", "failed A thing"].map(Into::into));
    assert_eq!(findings(&reading.read(item, Some("b.service loaded active running B\n"), "")), ["fine"]);
    assert_eq!(findings(&reading.read(item, Some(""), "")), ["fine"]);
    assert_eq!(findings(&reading.read(item, None, "systemctl is not installed")), ["silent"]);
    let told = item.tell(draft.clone());
    assert_eq!((told.findings.len(), told.tables.len()), (draft.findings.len(), 1));
}

#[test]
fn lines_beyond_the_limit_are_not_read() {
    let pack = pack();
    let (item, reading) = parts(&pack);
    for (lines, read) in [(LINES_MAX - 1, LINES_MAX - 1), (LINES_MAX, LINES_MAX), (LINES_MAX + 1, LINES_MAX)] {
        let answer = "a b c d\n".repeat(lines);
        assert_eq!(reading.read(item, Some(&answer), "").tables[0].rows.len(), read);
    }
}

#[test]
fn numbers_are_compared_and_pairs_become_facts() {
    let text = PACK
        .replace(r#""facts": {}"#, r#""facts": {"restarts": {"en": "Restarts", "es": "Reinicios", "kind": "number"}}"#)
        .replace(r#"{"columns": {"table": "units", "skip": 0}}"#, r#"{"pairs": {"facts": {"NRestarts": "restarts"}}}"#)
        .replace(r#"{"is": {"key": "active", "text": "failed"}}"#, r#"{"above": {"key": "restarts", "number": 5}}"#);
    let pack = Pack::parse(text.as_bytes()).unwrap();
    let (item, reading) = parts(&pack);
    for (answer, found) in
        [("NRestarts=4\n", "fine"), ("NRestarts=5\n", "fine"), ("NRestarts=6\n", "failed"), ("NRestarts: x", "fine")]
    {
        assert_eq!(findings(&reading.read(item, Some(answer), "")), [found], "{answer}");
    }
    let rows = When::Rows;
    assert_ne!(rows, When::Otherwise);
}

#[test]
fn g5_no_program_of_the_table_takes_an_option_as_a_value() {
    let command = |program: &str, arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        grammar::named(program).is_some_and(|program| program.takes(&arguments))
    };
    assert!(command("systemctl", &["is-active", "cups.service"]));
    assert!(command("journalctl", &["--no-pager", "--lines=500", "--unit=cups.service"]));
    assert!(command("lsblk", &["--raw", "--output=NAME,SIZE"]));
    for (program, arguments) in [
        ("systemctl", &["is-active", "cups.service", "--host=x"][..]),
        ("systemctl", &["--all"]),
        ("systemctl", &[]),
        ("systemctl", &["is-active", "-H"]),
        ("systemctl", &["is-active", "a b"]),
        ("systemctl", &["is-active", "../x"]),
        ("systemctl", &["edit", "cups.service"]),
        ("systemctl", &["show", "cups.service"]),
        ("journalctl", &["--no-pager", "--lines=501"]),
        ("journalctl", &["--no-pager", "--lines=+5"]),
        ("journalctl", &["--no-pager", "--file=/etc/shadow"]),
        ("journalctl", &["--no-pager", "--follow"]),
        ("journalctl", &["--no-pager", "--unit=-x"]),
        ("lsblk", &["--output=NAME,SERIAL"]),
        ("lsblk", &["--output=NAME,"]),
        ("lsblk", &["/dev/sda"]),
        ("lpstat", &["-h", "evil"]),
        ("dpkg-query", &["--show", "--admindir=/tmp"]),
        ("sh", &["-c", "id"]),
    ] {
        assert!(!command(program, arguments), "{program} {arguments:?}");
    }
    for program in grammar::PROGRAMS {
        for verb in program.verbs.iter().chain(program.flags) {
            assert!(!verb.contains('{') && !verb.is_empty(), "{}", program.name);
        }
    }
    assert!(grammar::PROGRAMS.windows(2).all(|pair| pair[0].name < pair[1].name));
}

proptest! {
    #[test]
    fn any_bytes_are_a_pack_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Pack::parse(&bytes);
    }

    #[test]
    fn any_answer_is_read_and_judged(answer in "([a-z.]* *){0,6}\n?|.*|(.*\n){0,5}") {
        let pack = pack();
        let (item, reading) = parts(&pack);
        let draft = reading.read(item, Some(&answer), "");
        prop_assert!(!draft.findings.is_empty());
        let told = item.tell(draft.clone());
        prop_assert_eq!(told.findings.len(), draft.findings.len());
    }
}
