//! What a press on the technician's page does, what no press can, and that nobody's text becomes part of the page.

use venia_proto::catalog::ArgumentError;
use venia_proto::code::CodeError;
use venia_proto::foreign::ForeignError;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::{Consent, ItemId, Signoff};
use venia_proto::ledger::kind::{Answer as Answered, Cause, Status, Why};
use venia_proto::report::{Draft, Finding, Report, Severity, Text};
use venia_ui::page::Seal;

use super::scene::Stage;
use super::series::EVERY_MS;
use super::session::FEED_MAX;
use super::*;
use crate::voice::Ended;

const HOSTILE: &str = "</p><script>alert(1)</script>\u{202e}\u{1b}[2J\" onclick=\"x";

fn scene() -> Scene {
    let catalog = Arc::new(Catalog::built_in());
    let goals = Goal::built_in(&catalog).unwrap();
    let me = Me { name: Foreign::new("Ana"), level: 2 };
    Scene::new(Words::new(Language::En), catalog, goals, Some(me))
}

fn at(ms: u64) -> At {
    At { ms, clock: "12:03:20".to_owned() }
}

fn seal() -> Seal {
    Seal::new([1; 64])
}

/// Presses a form with this token.
fn press_with(scene: &mut Scene, path: &str, form: &str, token: &str) -> Option<Act> {
    let (form, seal) = (Fields::read(form.as_bytes()), seal());
    let is_for = |shown: &str| seal.is_for(token, path, shown);
    scene.press(path, &Press { form: &form, is_for: &is_for }, &at(1_000))
}

/// Presses a form as it is shown now.
fn press(scene: &mut Scene, path: &str, does: &str, form: &str) -> Option<Act> {
    let token = seal().token(path, &scene.shown(does));
    press_with(scene, path, form, &token)
}

/// A session that both computers know of.
fn begun(form: &str) -> Scene {
    let mut scene = scene();
    let act = press(&mut scene, "/begin", "begin", &format!("code=417-lobo-cobre&reason=slow&{form}"));
    assert!(matches!(act, Some(Act::Begin(_))), "{act:?} {:?}", scene.notice);
    scene.tell(Told::Paired(SessionId([7; 16])), at(1_000));
    scene
}

fn shown(scene: &Scene, query: &str) -> String {
    show::page(Look { scene, seal: &seal(), query, here: "/", now_ms: 5_000, seen: 0 })
}

fn report(text: &str) -> Report {
    let mut draft = Draft::default();
    draft.fact(text, text, text);
    draft.table(text, &[text], vec![vec![text.into()]]);
    let said = Text { en: text.to_owned(), es: text.to_owned() };
    let finding = Finding {
        severity: Severity::Critical,
        id: "x".to_owned(),
        text: said.clone(),
        evidence: text.to_owned(),
        next: said,
    };
    Report { facts: draft.facts, tables: draft.tables, findings: vec![finding] }
}

fn came(scene: &mut Scene, item: &str, report: Report, ms: u64) {
    let item = ItemId(item.to_owned());
    scene.tell(Told::Result { item, status: Status::Done, report: Some(report), entry: Some(4) }, at(ms));
}

#[test]
fn what_is_wrong_with_the_form_is_said_before_anything_is_sent() {
    for (form, notice) in [
        ("code=&reason=slow", Notice::Code(CodeError::Shape)),
        ("code=0-lobo-cobre&reason=slow", Notice::Code(CodeError::Number)),
        ("code=417-lobo-cobre&reason=+", Notice::Reason(ForeignError::Empty)),
        ("code=417-lobo-cobre&reason=see+www.evil.example", Notice::Reason(ForeignError::Link)),
    ] {
        let mut scene = scene();
        assert!(press(&mut scene, "/begin", "begin", form).is_none(), "{form}");
        assert_eq!((scene.stage, scene.notice.clone()), (Stage::Start, Some(notice)), "{form}");
        // Nothing is typed again: the code wasn't sent anywhere.
        let page = shown(&scene, "");
        let code = form.split(['=', '&']).nth(1).unwrap_or("");
        assert!(page.contains(&format!("value=\"{code}\"")), "{code}");
    }
    for (length, counts) in [(199, true), (200, true), (201, false)] {
        let form = format!("code=417-lobo-cobre&reason={}", "x".repeat(length));
        assert_eq!(press(&mut scene(), "/begin", "begin", &form).is_some(), counts, "{length}");
    }
}

#[test]
fn a_session_begins_with_what_was_chosen() {
    let mut scene = scene();
    let form = "code=+417+Lobo+cobre&reason=slow&goal=slow-computer&ask=system&ask=network&ask=invented";
    let Some(Act::Begin(wish)) = press(&mut scene, "/begin", "begin", form) else { panic!("{:?}", scene.notice) };
    assert_eq!(wish.code.password(), "417-lobo-cobre");
    assert_eq!(wish.goal.map(|goal| goal.id).as_deref(), Some("slow-computer"));
    assert_eq!(wish.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(), ["system", "network"]);
}

#[test]
fn b1_a_code_is_used_for_one_try_and_forgotten() {
    let mut scene = scene();
    let form = "code=417-lobo-cobre&reason=slow";
    let token = seal().token("/begin", &scene.shown("begin"));
    assert!(press_with(&mut scene, "/begin", form, &token).is_some());
    // The same form once more, at once or after the try came to nothing.
    assert!(press_with(&mut scene, "/begin", form, &token).is_none());
    let failure = Failure::of(Trouble::WrongCode, &scene.words);
    scene.finish(1, Some(failure.clone()), at(2_000));
    assert_eq!(scene.stage, Stage::Start);
    assert!(press_with(&mut scene, "/begin", form, &token).is_none());
    let page = shown(&scene, "");
    assert!(page.contains(&failure.hint) && !page.contains("value=\"417"));
}

#[test]
fn a_form_counts_once_and_only_for_what_it_was_made_for() {
    let mut scene = begun("");
    let form = "item=system.overview";
    let token = seal().token("/run", &scene.shown("run system.overview"));
    let act = press_with(&mut scene, "/run", form, &token);
    assert!(matches!(act, Some(Act::Type(Typed::Run(_)))), "{act:?}");
    // Pressed twice: done already, and no reason to worry anybody.
    assert!(press_with(&mut scene, "/run", form, &token).is_none());
    assert_eq!(scene.notice, None);
    // Made for another item, another path, or by somebody else.
    for (path, form, token) in [
        ("/run", "item=system.memory", token.as_str()),
        ("/say", "text=hello", token.as_str()),
        ("/say", "text=hello", ""),
        ("/say", "text=hello", "00"),
    ] {
        scene.notice = None;
        assert!(press_with(&mut scene, path, form, token).is_none(), "{path} {form}");
        assert_eq!(scene.notice, Some(Notice::Changed), "{path} {form}");
    }
    // A form of an earlier session.
    let old = seal().token("/say", &scene.shown("say"));
    scene.finish(1, None, at(2_000));
    press(&mut scene, "/again", "again", "");
    press(&mut scene, "/begin", "begin", "code=417-lobo-cobre&reason=slow");
    scene.tell(Told::Paired(SessionId([8; 16])), at(3_000));
    assert!(press_with(&mut scene, "/say", "text=hello", &old).is_none());
}

#[test]
fn nothing_can_be_said_before_the_person_knows_the_technician() {
    let mut scene = begun("");
    assert!(!shown(&scene, "").contains("action=\"/say\""));
    for (path, does) in [("/say", "say"), ("/note", "note")] {
        assert!(press(&mut scene, path, does, "text=hello").is_none(), "{path}");
        assert_eq!(scene.notice, Some(Notice::Changed), "{path}");
    }
    scene.tell(Told::Consent { answer: Answered::Yes, card: None, took: 5 }, at(1_500));
    assert!(shown(&scene, "").contains("action=\"/say\""));
    assert!(matches!(press(&mut scene, "/say", "say", "text=hello"), Some(Act::Type(Typed::Chat(_)))));
    assert!(matches!(press(&mut scene, "/note", "note", "text=hm"), Some(Act::Type(Typed::Note(_)))));
}

#[test]
fn what_went_wrong_stands_until_the_next_press_however_often_the_page_is_fetched() {
    let mut scene = scene();
    press(&mut scene, "/begin", "begin", "code=417-lobo&reason=slow");
    let wrong = "class=\"warn\"";
    assert!(shown(&scene, "").contains(wrong) && shown(&scene, "").contains(wrong));
    // A double click changes nothing of it; the same mistake again is said again.
    let first = shown(&scene, "");
    let old = seal().token("/begin", "begin 0 of 0");
    press_with(&mut scene, "/begin", "code=417-lobo&reason=slow", &old);
    assert_eq!(shown(&scene, ""), first);
    press(&mut scene, "/begin", "begin", "code=417-lobo&reason=slow");
    let said = |page: &str| page.split("data-n=").nth(1).map(|rest| rest[..40].to_owned());
    assert!(said(&shown(&scene, "")).is_some() && said(&shown(&scene, "")) != said(&first));
    press(&mut scene, "/begin", "begin", "code=417-lobo-cobre&reason=slow");
    assert!(!shown(&scene, "").contains(wrong));
}

#[test]
fn a_session_closes_with_outcome_and_next_step_only() {
    for (form, notice) in [
        ("outcome=&next=", Notice::Outcome(ForeignError::Empty)),
        ("outcome=done&next=+", Notice::Next(ForeignError::Empty)),
        ("next=none", Notice::Outcome(ForeignError::Empty)),
    ] {
        let mut scene = begun("");
        assert!(press(&mut scene, "/close", "close", form).is_none());
        assert_eq!(scene.notice, Some(notice), "{form}");
        assert!(scene.session.as_ref().is_some_and(|session| session.is_open()));
    }
    let mut scene = begun("");
    press(&mut scene, "/close", "close", "outcome=disk+cleared");
    // What was typed is still there.
    assert!(shown(&scene, "").contains(">disk cleared</textarea>"));
    let act = press(&mut scene, "/close", "close", "outcome=disk+cleared&next=none");
    let signoff = Signoff { outcome: Foreign::new("disk cleared"), next: Foreign::new("none"), observations: None };
    assert!(matches!(act, Some(Act::Type(Typed::SignOff(said))) if said == signoff));
    // Nothing more can be asked for.
    assert!(press(&mut scene, "/run", "run system.overview", "item=system.overview").is_none());
    assert_eq!(scene.notice, Some(Notice::Changed));
}

#[test]
fn values_are_those_the_item_declares_and_the_level_is_enough() {
    let mut scene = begun("");
    let item = ItemId("hardware.disk-latency".to_owned());
    for (value, counts) in [("0", false), ("1", true), ("10", true), ("11", false), ("1e0", false), ("", false)] {
        scene.session.iter_mut().for_each(|session| session.runs.clear());
        let form = format!("item={}&with.seconds={value}", item.0);
        let act = press(&mut scene, "/run", "run hardware.disk-latency", &form);
        assert_eq!(act.is_some(), counts, "{value}");
    }
    let error = ArgumentError::NotAccepted { name: "seconds".to_owned(), value: String::new() };
    assert_eq!(scene.notice, Some(Notice::Arguments(item, error)));
    // One that takes level 3; it isn't even offered.
    assert!(press(&mut scene, "/run", "run network.address-lease", "item=network.address-lease").is_none());
    assert_eq!(scene.notice, Some(Notice::Level(ItemId("network.address-lease".to_owned()))));
    assert!(!shown(&scene, "network.address-lease").contains("action=\"/run\""));
}

#[test]
fn a_change_shows_its_undo_before_its_button() {
    let mut scene = begun("");
    scene.member = Some(Me { name: Foreign::new("Ana"), level: 5 });
    let page = shown(&scene, "tasks.empty-trash");
    let undo = scene.catalog.get(&ItemId("tasks.empty-trash".to_owned())).unwrap().change.as_ref().unwrap();
    let form = page.find("name=\"item\" value=\"tasks.empty-trash\"").unwrap();
    assert!(page.find(undo.undo.en.as_str()).unwrap() < form);
    assert!(scene.goals.iter().flat_map(|goal| &goal.items).all(|item| item.0 != "tasks.empty-trash"));
}

#[test]
fn where_a_session_stands_is_always_in_the_first_line() {
    let mut scene = begun("");
    let live = |scene: &Scene| {
        let page = shown(scene, "");
        let from = page.find("<p class=\"live\"").unwrap();
        page[from..].split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    assert_eq!(live(&scene), "● Connected");
    scene.tell(Told::Waiting, at(2_000));
    assert_eq!(live(&scene), "● Waiting for the person");
    assert!(shown(&scene, "").contains("<time data-at=\"2000\">0:03</time>"));
    scene.tell(Told::Consent { answer: Answered::No, card: None, took: 1 }, at(3_000));
    // A no is where it stands, not an error.
    assert_eq!(live(&scene), "● Connected");
    assert!(!shown(&scene, "").contains("role=\"alert\" >") && shown(&scene, "").contains("don't know you"));
    scene.tell(Told::Running(ItemId("system.memory".to_owned())), at(3_000));
    assert!(live(&scene).starts_with("● Running: "), "{}", live(&scene));
    scene.tell(Told::Refused { item: ItemId("system.memory".to_owned()), why: Why::Person }, at(3_000));
    scene.tell(Told::Paused(Cause::NoEyes), at(3_000));
    assert_eq!(live(&scene), "● Paused by the other computer");
    assert!(shown(&scene, "").contains("nobody is looking"));
    scene.tell(Told::Resumed, at(3_000));
    scene.tell(Told::Offline, at(3_000));
    assert_eq!(live(&scene), "○ Offline since 12:03:20, reconnecting");
    scene.tell(Told::Closing, at(3_000));
    assert!(live(&scene).starts_with("● Closing"));
    let bundle = Some("/home/ana/session.zip".into());
    let (by, cause, verdict) = (Cause::Person, Cause::Person, Some(venia_proto::ledger::verify::Finding::Intact));
    let ended = Ended { by, cause, signoff: None, bundle, verdict, witnessed: None, trails: false };
    scene.tell(Told::Closed(Box::new(ended)), at(3_000));
    let page = shown(&scene, "");
    assert!(!page.contains("class=\"live\""));
    for text in ["The person ended the session.", "/home/ana/session.zip", "Intact", "Start another session"] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn the_worst_stands_first_with_its_evidence_and_source() {
    let mut scene = begun("goal=slow-computer");
    let item = ItemId("system.memory".to_owned());
    let definition = scene.catalog.get(&item).unwrap().clone();
    let mut draft = Draft::default();
    let id = definition.findings.keys().next().unwrap();
    draft.finding(Severity::Ok, id, &[], "fine-line");
    draft.finding(Severity::Critical, id, &[], "bad-line");
    draft.finding(Severity::Warning, id, &[], "odd-line");
    came(&mut scene, "system.memory", definition.tell(draft), 2_000);
    let page = shown(&scene, "");
    let places: Vec<_> = ["bad-line", "odd-line", "fine-line"].map(|text| page.find(text).unwrap()).into();
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.find("what was found").unwrap() < places[0]);
    assert!(page.contains(&definition.title.en));
    // A newer report of the same item takes its place among the findings.
    came(&mut scene, "system.memory", Report::default(), 3_000);
    assert!(!shown(&scene, "").contains("bad-line"));
}

#[test]
fn d4_hostile_text_is_shown_as_text() {
    let mut scene = begun("");
    scene.member = Some(Me { name: Foreign::new(HOSTILE), level: 2 });
    came(&mut scene, HOSTILE, report(HOSTILE), 2_000);
    came(&mut scene, "system.memory", report(HOSTILE), 2_000);
    scene.tell(Told::Said(Foreign::new(HOSTILE)), at(2_000));
    scene.tell(Told::Running(ItemId(HOSTILE.to_owned())), at(2_000));
    scene.tell(Told::Refused { item: ItemId(HOSTILE.to_owned()), why: Why::UnknownItem }, at(2_000));
    press(&mut scene, "/close", "close", &format!("outcome={}&next=", HOSTILE.replace('"', "%22")));
    let harmless = |page: &str| {
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        // What the technician typed goes back into their own field as it was, escaped like all text.
        let foreign: String =
            page.split("<textarea").map(|part| part.split_once("</textarea>").map_or(part, |(_, rest)| rest)).collect();
        for bad in ["\u{202e}", "\u{1b}", "onclick=\"x", " style="] {
            assert!(!foreign.contains(bad), "{bad:?}");
        }
    };
    harmless(&shown(&scene, &looked_for(HOSTILE)));
    let look = Look { scene: &scene, seal: &seal(), query: "", here: "/markdown", now_ms: 5_000, seen: 0 };
    let text = markdown::markdown(scene.session.as_ref().unwrap(), &look);
    assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}') && !text.contains("<script"), "{text}");
    assert_eq!(ticket(&text, &look).matches("<script").count(), 1);
    scene.finish(1, None, at(4_000));
    harmless(&shown(&scene, ""));
    press(&mut scene, "/again", "again", "");
    harmless(&shown(&scene, ""));
}

#[test]
fn what_is_watched_runs_only_while_nobody_has_to_be_asked() {
    let mut scene = begun("");
    assert!(scene.due(1_000).is_empty());
    press(&mut scene, "/watch", "watch", "");
    assert_eq!(scene.due(1_000).len(), 4);
    for (after, due) in [(EVERY_MS - 1, 0), (EVERY_MS, 4)] {
        assert_eq!(scene.due(1_000 + after).len(), due, "{after}");
    }
    let cpu = ItemId("hardware.cpu".to_owned());
    scene.tell(Told::Uncovered(cpu), at(10_000));
    assert_eq!(scene.due(60_000).len(), 3);
    // A sample is drawn and not listed.
    let mut draft = Draft::default();
    draft.fact("available-share", 41.5, "%");
    let item = scene.catalog.get(&ItemId("system.memory".to_owned())).unwrap().clone();
    for ms in [61_000, 66_000] {
        came(&mut scene, "system.memory", item.tell(draft.clone()), ms);
    }
    let session = scene.session.as_ref().unwrap();
    assert_eq!((session.reports.len(), session.feed.len()), (1, 1));
    let page = shown(&scene, "");
    assert!(page.contains("<svg class=\"chart\"") && page.contains("41.5 %"), "{page}");
    let consent = Consent {
        text: String::new(),
        language: Language::En,
        scopes: [].into(),
        items: Vec::new(),
        minutes: Some(10),
    };
    scene.tell(Told::Consent { answer: Answered::Yes, card: Some(consent), took: 5 }, at(70_000));
    press(&mut scene, "/close", "close", "outcome=a&next=b");
    assert!(scene.due(600_000).is_empty());
}

#[test]
fn the_end_of_one_session_is_not_the_end_of_the_next() {
    let mut scene = begun("");
    assert!(scene.finish(1, None, at(2_000)));
    press(&mut scene, "/again", "again", "");
    press(&mut scene, "/begin", "begin", "code=417-lobo-cobre&reason=slow");
    assert!(!scene.finish(1, None, at(2_000)));
    assert_eq!((scene.stage, scene.session.is_some()), (Stage::Session, true));
    assert!(scene.finish(2, None, at(3_000)));
    assert_eq!(scene.stage, Stage::Start);
}

#[test]
fn the_feed_is_bounded() {
    let mut scene = begun("");
    for _ in 0..FEED_MAX + 5 {
        scene.tell(Told::Said(Foreign::new("hello")), at(0));
    }
    assert_eq!(scene.session.as_ref().map(|session| session.feed.len()), Some(FEED_MAX));
}

#[test]
fn words_are_offered_for_two_letters_and_at_most_eight() {
    for (letters, none) in
        [("", true), ("l", true), ("lo", false), ("LO", false), ("l1", true), ("ño", true), ("zzzz", true)]
    {
        let found = completed(letters);
        assert_eq!(found.is_empty(), none, "{letters}");
        assert!(found.len() <= OFFERED);
    }
    assert_eq!(completed("co").len(), OFFERED);
    assert!(completed("lobo").contains(&"lobo"));
}

#[test]
fn who_is_not_enrolled_is_told_how() {
    let mut scene = scene();
    scene.member = None;
    let page = shown(&scene, "");
    assert!(page.contains("venia enroll") && !page.contains("action=\"/begin\""));
}

#[test]
fn the_card_is_shown_as_the_person_will_read_it_in_both_languages() {
    let page = shown(&scene(), "");
    assert!(page.contains("lang=\"es\"") && page.contains("lang=\"en\""));
    for words in [Language::En, Language::Es].map(Words::new) {
        assert!(page.contains(&words.say("consent-changes-nothing", &[])));
    }
}

#[test]
fn nothing_is_missing_from_what_the_page_says() {
    for language in [Language::En, Language::Es] {
        let mut scene = begun("goal=slow-computer&ask=system&ask=chat");
        scene.speak(language);
        let item = ItemId("system.memory".to_owned());
        for told in [
            Told::Waiting,
            Told::Consent { answer: Answered::Silence, card: None, took: 1 },
            Told::Uncovered(item.clone()),
            Told::Redacted { item: item.clone(), count: 3 },
            Told::AuditorAdded("auditor".to_owned()),
            Told::Paused(Cause::NoEyes),
            Told::Resumed,
            Told::Result { item: item.clone(), status: Status::Withheld, report: None, entry: None },
            Told::Refused { item, why: Why::Repeated },
            Told::Offline,
        ] {
            scene.tell(told, at(2_000));
        }
        press(&mut scene, "/say", "say", "text=hello");
        press(&mut scene, "/note", "note", "text=hello");
        press(&mut scene, "/run", "run system.load", "item=system.load");
        press(&mut scene, "/watch", "watch", "");
        came(&mut scene, "system.memory", Report::default(), 3_000);
        let mut pages = vec![shown(&scene, "tasks"), shown(&self::scene(), "")];
        for notice in [
            Notice::Changed,
            Notice::Busy,
            Notice::Text(ForeignError::Empty),
            Notice::Level(ItemId("x".to_owned())),
            Notice::Next(ForeignError::TooLong(2_000)),
        ] {
            scene.notice = Some(notice);
            pages.push(shown(&scene, ""));
        }
        let look = Look { scene: &scene, seal: &seal(), query: "", here: "/markdown", now_ms: 5_000, seen: 0 };
        pages.push(ticket(&markdown::markdown(scene.session.as_ref().unwrap(), &look), &look));
        scene.finish(1, Some(Failure::of(Trouble::Unreachable, &scene.words)), at(4_000));
        pages.push(shown(&scene, ""));
        for page in pages {
            assert!(!page.contains('\u{27e8}'), "{page}");
            // The policy would refuse it: inline scripts, styles and handlers.
            for forbidden in [" style=", "<style", " onclick=", "javascript:"] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
            assert_eq!(page.matches("<h1").count(), 1);
            let fields = ["<textarea id=\"", "<select id=\""].into_iter().flat_map(|tag| page.split(tag).skip(1));
            let labelled = |rest: &str| page.contains(&format!("for=\"{}\"", rest.split('"').next().unwrap_or("")));
            assert!(fields.into_iter().all(labelled));
        }
    }
}
