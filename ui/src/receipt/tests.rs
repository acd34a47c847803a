use std::collections::BTreeSet;

use proptest::prelude::*;
use venia_proto::catalog::Kind;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::foreign::Foreign;
use venia_proto::id::{SessionId, Strand};
use venia_proto::ledger::body::{Addendum, DefinitionHash, ItemId};
use venia_proto::ledger::kind::{Addition, Answer, Cause, KindName, Verified, Why};
use venia_proto::now::Wall;
use venia_proto::report::{Draft, DraftFinding, Severity, Text, Value};

use super::*;
use crate::story::{Added, Answered, Helper, Noted, Ran, Turn};

const START: i64 = 1_795_514_402_000;

fn technician() -> Strand {
    "technician-1".parse().unwrap()
}

fn at(seconds: i64) -> Wall {
    Wall::from_ms(START).plus_ms(seconds * 1_000)
}

/// What a worker that wrote `text` wherever it may writes where that isn't text.
fn written(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Number => 7_i64.into(),
        Kind::Flag => true.into(),
        Kind::Word | Kind::Text | Kind::User | Kind::Host | Kind::Address | Kind::Mac | Kind::Serial => text.into(),
    }
}

/// A session in which everybody who may write wrote `text`, in every field there is.
fn story(text: &str) -> Story {
    let catalog = Catalog::built_in();
    let foreign = || Some(Foreign::new(text));
    let ran = |entry, seconds, id: &str, status, why| {
        let item = catalog.get(&ItemId(id.to_owned()));
        let mut draft = Draft::default();
        for (key, fact) in item.iter().flat_map(|item| &item.facts) {
            draft.fact(key, written(fact.kind, text), "");
        }
        for (key, table) in item.iter().flat_map(|item| &item.tables) {
            let columns: Vec<&str> = table.columns.iter().map(|column| column.key.as_str()).collect();
            let row: Vec<Value> = table.columns.iter().map(|column| written(column.kind, text)).collect();
            draft.table(key, &columns, vec![row; 10]);
        }
        let report = item.map(|item| {
            draft.findings.extend(item.findings.keys().zip([Severity::Ok, Severity::Critical]).map(
                |(id, severity)| DraftFinding {
                    severity,
                    id: id.clone(),
                    values: Default::default(),
                    evidence: text.to_owned(),
                },
            ));
            item.tell(draft)
        });
        let definition = item.map_or_else(|| DefinitionHash(text.to_owned()), |item| item.definition.clone());
        let named = || Text { en: text.to_owned(), es: text.to_owned() };
        Ran {
            entry,
            at: at(seconds),
            item: Some((ItemId(id.to_owned()), definition)),
            title: item.map_or_else(named, |item| item.title.clone()),
            status,
            why,
            report,
        }
    };
    let added = |entry, what| Added {
        entry,
        at: at(400),
        by: Strand::Agent,
        what,
        about: Some(14),
        words: Some(Addendum { stars: Some(4), comment: foreign(), correction: foreign() }),
    };
    Story {
        session: SessionId([7; 16]),
        language: Language::Es,
        who: Foreign::new(text),
        organisation: Foreign::new(text),
        root: Some(Fingerprint([9; 32])),
        called: foreign(),
        about: foreign(),
        since: foreign(),
        skew_ms: Some(3_600_000),
        agent_key: Some("0a1b2c3d".to_owned()),
        opened: at(0),
        closed: Some((at(300), Cause::Technician)),
        newest: at(400),
        helpers: vec![Helper {
            strand: technician(),
            member: Some((Foreign::new(text), 3)),
            key: "11223344".to_owned(),
            verified: Verified::Code,
            reason: foreign(),
            admitted: Some(at(10)),
            signed: Some((at(299), 13)),
        }],
        answered: vec![
            Answered {
                entry: 2,
                at: at(8),
                shown: format!("first\n{text}\nallow / deny > "),
                answer: Answer::Yes,
                took_ms: 999,
            },
            Answered { entry: 3, at: at(18), shown: String::new(), answer: Answer::Silence, took_ms: 120_000 },
        ],
        ran: vec![
            ran(6, 20, "system.overview", Some(Status::Done), None),
            ran(8, 30, "tasks.printing", Some(Status::Done), None),
            ran(10, 40, text, None, Some(Why::UnknownItem)),
        ],
        notes: vec![Noted { entry: 11, at: at(50), by: technician(), text: foreign() }],
        chats: 2,
        turns: vec![(at(60), Turn::Pause), (at(70), Turn::Resume), (at(290), Turn::Stop)],
        outcome: foreign(),
        next: foreign(),
        observations: foreign(),
        added: vec![
            added(15, Addition::Signoff),
            added(16, Addition::Rating),
            added(17, Addition::Correction),
            added(18, Addition::Reopening),
        ],
        hidden: BTreeSet::new(),
        withheld: 0,
        entries: 19,
        witnesses: (3, 2),
        recorded: true,
        code: "abcd-efgh-ijkl-mnop".to_owned(),
    }
}

fn rendered(story: &Story, language: Language) -> String {
    page(story, &Words::new(language), &Catalog::built_in(), None)
}

/// Every tag of the page, in order.
fn tags(page: &str) -> Vec<&str> {
    page.split('<')
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap_or(""))
        .filter(|tag| !tag.starts_with("meta name=\"venia-texts\""))
        .collect()
}

#[test]
fn the_logbook_has_every_heading_a_support_desk_asks_for() {
    let page = rendered(&story("Ana"), Language::Es);
    for part in [
        "<html lang=\"es\">",
        "<h1>Bitácora de una sesión de soporte</h1>",
        "<dt>Persona atendida</dt><dd>«Ana»</dd>",
        "<dt>Fecha de la evaluación</dt><dd>2026-11-24</dd>",
        "<dt>Recibido por</dt><dd>Ana (Ana, nivel 3)</dd>",
        "<dt>Falla desde</dt><dd>«Ana»</dd>",
        "<dt>Descripción de la falla</dt><dd>«Ana»</dd>",
        "<dd>2026-11-24 10:00:02</dd>",
        "<dd>Ana terminó la sesión.</dd>",
        "<dt>Tiempo de nivel 3</dt><dd>4 min 50 s</dd>",
        "desviado 1 h",
        "<dt>Núcleos de procesador</dt><dd>7</dd>",
        "<h2>Datos de los periféricos</h2>\n<h3>Ver si las impresoras están listas</h3>",
        "8 de 10",
        "<td class=\"n\">000010</td><td class=\"t\">2026-11-24 10:00:42</td><td>Ana</td>\
         <td>rechazado; no se hizo nada: este equipo no lo conoce</td>",
        "<td>permitido</td><td>1,0 s (menos de un segundo)</td>",
        "<td>sin respuesta, que significa no</td><td>2 min</td>",
        "first\nAna\nallow / deny &gt; </pre>",
        "<dt>Observaciones</dt><dd>«Ana»</dd>",
        "<dt>Nota 000011 (technician-1)</dt><dd>«Ana»</dd>",
        "<dt>Siguiente paso</dt><dd>«Ana»</dd>",
        "<dd>★★★★☆ 4/5</dd>",
        "<h3>Corrección</h3>\n<dl>\n<dt>Registro n.º</dt><dd>000017</dd>",
        "<dt>Añade al registro n.º</dt><dd>000014</dd>",
        "<strong>Responsable</strong>",
        "<dt>Clave</dt><dd>11223344</dd>\n<dt>Firma</dt><dd>Firmado el 2026-11-24 10:05:01, registro n.º 000013</dd>",
        "<dt>Clave</dt><dd>0a1b2c3d</dd>\n<dt>Firma</dt><dd>Firmado el 2026-11-24 10:06:42, registro n.º 000015</dd>",
        "<span class=\"code\">abcd-efgh-ijkl-mnop</span>",
        "2 de 3 testigos",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains('\u{27e8}'), "a sentence is missing: {page}");
    assert!(page.find("crítico") < page.find("✔"), "the worst finding comes first");
}

#[test]
fn what_is_missing_is_said() {
    let mut empty = story("Ana");
    empty.closed = None;
    (empty.answered, empty.ran, empty.added) = (vec![], vec![], vec![]);
    (empty.outcome, empty.about, empty.recorded, empty.helpers[0].signed) = (None, None, false, None);
    let page = rendered(&empty, Language::En);
    for part in [
        "Nothing was asked.",
        "Nothing was done and nothing was shared.",
        "The session has not ended yet.",
        "There are no findings.",
        "<dt>What came of it</dt><dd>not given</dd>",
        "<dt>Description of the fault</dt><dd>not given</dd>",
        "this computer only, not yet by the help service",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("Not signed").count(), 2, "{page}");
    assert!(!page.contains("Added after the end"));
    empty.hidden = BTreeSet::from([KindName::Open]);
    let page = rendered(&empty, Language::En);
    assert!(page.contains("<dt>Description of the fault</dt><dd>withheld from this copy</dd>"));
}

#[test]
fn f1_a_standing_comes_before_everything() {
    let catalog = Catalog::built_in();
    let page = page(&story("Ana"), &Words::new(Language::En), &catalog, Some("Not <verified>."));
    let banner = "<p class=\"banner\" role=\"status\">Not &lt;verified&gt;.</p>";
    assert!(page.find(banner).is_some_and(|at| Some(at) < page.find("<dl>")), "{page}");
}

/// Scripts, attributes, entities, comments, bidi, control and invisible characters, look-alikes, very long words.
fn hostile() -> Vec<String> {
    let long = "W".repeat(5_000);
    [
        "</p></pre></dd></td><script>alert(1)</script>",
        "<img src=\"x\" onerror='y'>&lt;\u{202e}\u{1b}[2J",
        "\"><svg/onload=alert(1)>",
        "' style='position:fixed' x='",
        "<!-- ",
        "]]>",
        "</style><style>*{display:none}",
        "</svg><text>",
        "javascript:alert(1)",
        "&#60;b&#62;",
        "\u{0}\u{7}\u{8}\u{9b}31m",
        "line one\nline two\r\nthree\u{2028}four\u{85}five",
        "\u{2066}evil\u{2069}\u{200b}\u{feff}\u{ad}",
        "Аnа (Cyrillic)",
        "venia receipt 1",
        "000013.event",
        &long,
        "<meta name=\"generator\" content=\"venia receipt 1\">",
    ]
    .map(str::to_owned)
    .into()
}

#[test]
fn d4_hostile_words_in_every_field_are_only_text() {
    for language in [Language::En, Language::Es] {
        let harmless = rendered(&story("Ana"), language);
        for text in hostile() {
            let page = rendered(&story(&text), language);
            // A card has its own lines, which are no tags either.
            assert_eq!(tags(&page), tags(&harmless), "{text:?}");
            let hidden = |c: char| c != '\n' && Foreign::new(c).visible().chars().count() > 1;
            assert!(!page.contains(hidden), "{text:?}");
        }
    }
    let page = rendered(&story("<b>&\u{202e}\u{1b}[2J"), Language::En);
    assert!(page.contains("&lt;b&gt;&amp;⟨202E⟩⟨001B⟩[2J"), "{page}");
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = rendered(&story("Ana"), Language::En);
    for way_out in ["src=", "href", "url(", "@import", "<script", "<link", "<form", "<iframe", "http:", "https:"] {
        assert!(!page.contains(way_out), "{way_out}");
    }
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
}

/// Whoever changes what a page looks like raises [`GENERATOR`]'s number with it: else every page made before would be
/// called changed. Sentences, definitions and the style are in the stamp already.
#[test]
fn a_page_s_shape_is_the_one_its_number_stands_for() {
    let mut story = story("Ana");
    for report in story.ran.iter_mut().filter_map(|ran| ran.report.as_mut()) {
        // What a definition happens to declare is no shape.
        report.facts.truncate(1);
        report.tables.truncate(1);
        report.findings.truncate(1);
    }
    let page = rendered(&story, Language::En);
    let body: Vec<&str> = tags(&page);
    let shape = to_hex(&Sha256::digest(body.join("<"))[..8]);
    assert_eq!((GENERATOR, shape.as_str()), ("venia receipt 1", "9d22c9c054a54745"));
}

#[test]
fn the_same_story_is_the_same_page_and_sentences_are_in_its_stamp() {
    let catalog = Catalog::built_in();
    let (en, es) = (Words::new(Language::En), Words::new(Language::Es));
    let one = story("Ana");
    assert_eq!(rendered(&one, Language::Es), rendered(&one.clone(), Language::Es));
    assert_ne!(stamp(&one, &en, &catalog), stamp(&one, &es, &catalog));
    let nothing = Catalog::from_files(&[]).unwrap();
    assert_ne!(stamp(&one, &en, &catalog), stamp(&one, &en, &nothing), "a definition that isn't here");
    assert!(en.texts(&["receipt-"]).contains("receipt-title = Logbook"));
    assert!(!en.texts(&["receipt-"]).contains("close-person"));
}

#[test]
fn broken_clocks_draw_and_count_nothing_wrong() {
    let mut odd = story("Ana");
    odd.answered[0].at = Wall::MIN;
    odd.ran[0].at = Wall::MAX;
    odd.closed = Some((Wall::MIN, Cause::Done));
    assert_eq!(odd.time_by_level().values().copied().collect::<Vec<_>>(), [0]);
    assert_eq!(tags(&rendered(&odd, Language::En)).len(), tags(&rendered(&story("Ana"), Language::En)).len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn d4_no_text_makes_a_tag_or_hides(text in "[<>\"'&a\u{202e}\u{1b}\u{0}\n/=]{0,24}") {
        let page = rendered(&story(&text), Language::En);
        let harmless = rendered(&story("Ana"), Language::En);
        prop_assert_eq!(tags(&page), tags(&harmless));
        let hidden = page.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}');
        prop_assert!(!hidden);
    }
}
