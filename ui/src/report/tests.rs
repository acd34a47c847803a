use venia_proto::catalog::Item;
use venia_proto::ledger::body::Language;
use venia_proto::report::{Draft, Severity};

use super::*;

const ITEM: &str = r#"{
  "id": "system.space", "area": "system", "effect": "reads", "level": 1, "personal": false,
  "title": { "en": "See how full your disks are", "es": "Ver cuán llenos están sus discos" },
  "discloses": { "en": "Sizes", "es": "Tamaños" }, "parameters": [], "cannot":{"en":"It changes nothing","es":"No cambia nada"},"platforms":["linux"],"needs":{},"output_max":65536,
        "deadline_ms": 5000,
  "facts": { "total": { "en": "In all", "es": "En total" }, "uptime": { "en": "On for", "es": "Encendido" } },
  "tables": { "disks": { "title": { "en": "Disks", "es": "Discos" }, "rows_max": 2, "columns": [
    ["name", { "en": "Name", "es": "Nombre" }], ["free-bytes", { "en": "Free", "es": "Libre" }] ] } },
  "findings": {
    "full": { "text": { "en": "{disk} is full.", "es": "{disk} está lleno." },
              "next": { "en": "Remove files.", "es": "Borre archivos." } },
    "fine": { "text": { "en": "Enough room.", "es": "Hay espacio." },
              "next": { "en": "Nothing to do.", "es": "Nada que hacer." } }
  }
}"#;

fn filled() -> (Item, Report) {
    let item = Item::parse(ITEM).expect("a definition");
    let mut draft = Draft::default();
    draft.fact("total", 16_642_998_272_i64, "bytes");
    draft.fact("uptime", 90_061_i64, "s");
    let row = |name: &str, free: i64| vec![name.into(), free.into()];
    draft.table("disks", &["name", "free-bytes"], vec![row("C\u{1b}[2J", 1), row("D", 2048), row("E", 3)]);
    draft.finding(Severity::Ok, "fine", &[], "");
    draft.finding(Severity::Critical, "full", &[("disk", "C\u{202e}".into())], "C 100 %\u{7}");
    let report = item.tell(draft);
    (item, report)
}

#[test]
fn findings_first_then_figures_then_tables() {
    let (item, report) = filled();
    let text = render(&item, &report, &Words::new(Language::En), Style::PLAIN);
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "See how full your disks are",
            "✖ critical C⟨202E⟩ is full.",
            "seen: C 100 %⟨0007⟩",
            "next: Remove files.",
            "✔ ok Enough room.",
            "next: Nothing to do.",
            "In all 15.5 GiB",
            "On for 1 d 1 h",
            "Disks",
            "Name Free",
            "C⟨001B⟩[2J 1 B",
            "D 2.0 KiB",
            "2 of 3 rows are shown.",
        ]
    );
}

#[test]
fn the_reader_s_language_and_colours() {
    let (item, report) = filled();
    let words = Words::new(Language::Es);
    let text = render(&item, &report, &words, Style { colour: true, width: 60 });
    assert!(text.contains("\u{1b}[31m✖ grave\u{1b}[0m  C⟨202E⟩ está lleno."), "{text}");
    assert!(text.contains("15,5 GiB") && text.contains("Se muestran 2 de 3 filas."), "{text}");
    assert!(!text.contains("\u{1b}[2J"), "{text}");
    let empty = render(&item, &Report::default(), &words, Style::PLAIN);
    assert_eq!(empty, "Ver cuán llenos están sus discos\n  No hay nada que mostrar.\n");
}
