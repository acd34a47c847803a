//! Whole sessions through a pseudo-terminal, as COMMANDS.md promises them to people and to outside checks: the shipped
//! agent in a terminal, the shipped relay and console beside it.
//!
//! The siblings are looked for beside this package's program: `cargo build --workspace` makes them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod house;

use std::time::{Duration, Instant};

use house::{House, text};
use serde_json::json;
use venia_proto::ledger::body::Body;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::event::Event;
use venia_proto::ledger::part::Opening;

const ARRIVAL: &str = "yes / no > ";
const CONSENT: &str = "allow / deny > ";
const SIGN: &str = "sign / not now > ";

#[test]
fn a_session_in_english_from_the_code_to_a_signature_the_next_day() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    let technician = house.join(&code, "Slow computer");
    let arrival = person.sees(ARRIVAL);
    assert!(arrival.contains("Ana") && arrival.contains("Level:        3 of 5") && arrival.contains("Verified"));
    // Anything else asks again and answers nothing; so does nothing at all.
    for line in ["maybe", "allow", "y", ""] {
        person.types(line);
        person.sees(ARRIVAL);
    }
    person.types("YES");
    let card = person.sees(CONSENT);
    assert!(card.contains("“Slow computer”") && card.contains("\r\nTime: 30 minutes\r\n"), "{card}");
    for line in ["yes", "allow 0", "allow 481", "allow ten"] {
        person.types(line);
        person.sees(CONSENT);
    }
    person.types("Allow 10");
    person.sees("All well");
    person.sees(SIGN);
    person.types("yes");
    person.sees(SIGN);
    person.types("not now");
    assert_eq!(person.ends(), 0);
    let joined = technician.ends();
    assert_eq!(joined.code, 0, "{joined:?}");
    let consent = joined.event("consent");
    assert_eq!((&consent["answer"], &consent["minutes"]), (&json!("yes"), &json!(10)));
    assert_eq!(joined.event("result")["item"], "system.overview");
    assert_eq!(joined.event("closed")["verdict"], "intact");

    let session = joined.event("paired")["session"].as_str().unwrap().to_owned();
    // The command that signs it later stands whole on a line of its own.
    assert!(person.seen.contains(&format!("\r\n  venia-agent sign {session}\r\n")), "{}", person.seen);
    let history = house.json("venia-agent", "agent", &["history"]);
    assert_eq!((&history["sessions"][0]["session"], &history["sessions"][0]["who"]), (&json!(session), &json!("Ana")));
    let shown = house.json("venia-agent", "agent", &["show", &session]);
    assert_eq!(shown["answers"].as_array().unwrap().len(), 2);
    assert!(shown["answers"][1]["shown"].as_str().unwrap().ends_with(CONSENT), "the exact card is in the record");

    let export = |name: &str| {
        let file = house.folder.path().join(name).to_str().unwrap().to_owned();
        let exported = house.json("venia-agent", "agent", &["export", &session, &file]);
        assert_eq!(exported["verdict"], "intact");
        let verified = house.json("venia", "nobody", &["verify", &file, "--root", &house.address]);
        assert_eq!(verified["verdict"], "intact");
        (file, verified["entries"].as_u64().unwrap())
    };
    let (file, unsigned) = export("before.zip");
    let again = house.run("venia-agent", "agent", &["export", &session, &file]);
    assert_eq!(again.status.code(), Some(1), "an existing file is not replaced");
    assert!(text(&again.stderr).contains("Give another file name"));

    let mut person = house.at_a_terminal(&["sign", &session]);
    person.sees(SIGN);
    person.types("firmar");
    person.sees("> ");
    person.types("6");
    person.sees("> ");
    person.types("5");
    person.sees("> ");
    person.types("Thank you");
    assert_eq!(person.ends(), 0);
    assert_eq!(export("after.zip").1, unsigned + 2, "a signature and a rating");
}

#[test]
fn e7_what_is_added_after_the_close_reaches_both_records_and_words_can_be_withheld() {
    let house = House::known();
    let mut person = house.at_a_terminal(&["ask", "--relay", &house.address]);
    let code = person.code();
    // What is answered before somebody arrives is kept; an empty line and an arrival answer nothing.
    person.sees("What is the problem? Press Enter to skip.\r\n> ");
    person.types("It is \u{1b}[2Jslow");
    person.sees("Since when? Press Enter to skip.\r\n> ");
    person.types("");
    person.sees("What should they call you? Press Enter to skip.\r\n> ");
    let technician = house.join(&code, "Slow computer");
    person.sees(ARRIVAL);
    person.types("yes");
    person.sees(CONSENT);
    person.types("allow");
    person.sees(SIGN);
    person.types("not now");
    assert_eq!(person.ends(), 0);
    let joined = technician.ends();
    assert_eq!(joined.code, 0, "{joined:?}");
    let session = joined.event("paired")["session"].as_str().unwrap().to_owned();
    let theirs = joined.event("closed")["bundle"].as_str().unwrap().to_owned();
    let verify = |file: &str| house.json("venia", "nobody", &["verify", file, "--root", &house.address]);
    let before = verify(&theirs)["entries"].as_u64().unwrap();
    assert_eq!(house.json("venia", "console", &["refresh"]), json!({ "sessions": [] }));

    for (arguments, card) in
        [(&["--correct", "Entry 2: not me"][..], "“Entry 2: not me”"), (&["--reopen"][..], "the problem is back")]
    {
        let mut person = house.at_a_terminal(&[&["sign", &session][..], arguments].concat());
        assert!(person.sees(SIGN).contains(card));
        person.types("sign");
        assert_eq!(person.ends(), 0);
    }
    let refreshed = house.json("venia", "console", &["refresh"]);
    assert_eq!(refreshed["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(refreshed["sessions"][0]["session"], json!(session));
    assert_eq!(refreshed["sessions"][0]["bundle"], json!(theirs));
    assert_eq!(refreshed["sessions"][0]["added"], json!(["correction", "reopening"]));
    let newer = verify(&theirs);
    assert_eq!((&newer["verdict"], newer["entries"].as_u64()), (&json!("intact"), Some(before + 2)));
    assert_eq!(house.json("venia", "console", &["refresh"]), json!({ "sessions": [] }));

    let export = |name: &str, withhold: &[&str]| {
        let file = house.folder.path().join(name).to_str().unwrap().to_owned();
        house.json("venia-agent", "agent", &[&["export", &session, &file][..], withhold].concat());
        (Bundle::from_zip(&std::fs::read(&file).unwrap()).unwrap(), verify(&file))
    };
    let (whole, verdict) = export("whole.zip", &[]);
    assert_eq!((&verdict["verdict"], &verdict["withheld"]), (&json!("intact"), &json!(0)));
    assert_eq!(verdict["entries"].as_u64(), Some(before + 2));
    let Body::Open(open) = body(&whole, 0).unwrap() else { panic!("the first entry opens") };
    assert_eq!(open.about.unwrap().raw(), "It is \u{1b}[2Jslow");
    assert_eq!((open.since, open.called), (None, None));
    let Some(Body::Addendum(correction)) = body(&whole, whole.entries.len() - 2) else { panic!("the correction") };
    assert_eq!(correction.correction.unwrap().raw(), "Entry 2: not me");

    let (less, verdict) = export("less.zip", &["--withhold", "0,3"]);
    assert_eq!((&verdict["verdict"], &verdict["withheld"]), (&json!("intact"), &json!(2)));
    assert!(body(&less, 0).is_none() && body(&less, 3).is_none() && body(&less, 2).is_some());
    let (none, verdict) = export("none.zip", &["--withhold", "all"]);
    assert_eq!(verdict["verdict"], "intact");
    assert_eq!((none.openings.len() as u64, verdict["withheld"].as_u64().unwrap()), (0, whole.openings.len() as u64));
    let receipt = String::from_utf8(none.receipt.unwrap()).unwrap();
    assert!(!receipt.contains("Slow computer"), "the story is told from what is left");
    let nowhere = house.folder.path().join("nowhere.zip").to_str().unwrap().to_owned();
    let beyond = (before + 2).to_string();
    let refused = house.run("venia-agent", "agent", &["export", &session, &nowhere, "--withhold", &beyond]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(!std::path::Path::new(&nowhere).exists());
}

/// The words of an entry, if the bundle has them.
fn body(bundle: &Bundle, n: usize) -> Option<Body> {
    let event = Event::parse(&bundle.entries[n].event).unwrap();
    let opening = Opening::parse(bundle.openings.get(&event.header().parts.first()?.commit)?).unwrap();
    Some(Body::decode(event.header().kind.name(), opening.plaintext()).unwrap())
}

#[test]
fn a_session_in_spanish_until_stopped() {
    let house = House::known();
    let (mut person, code) = house.ask(&["--lang", "es"]);
    let technician = house.join(&code, "Slow computer");
    let arrival = person.sees("sí / no > ");
    assert!(arrival.contains("Todavía no se ha compartido nada") && !arrival.contains("Nothing"), "{arrival}");
    person.types("SÍ");
    let card = person.sees("permitir / negar > ");
    assert!(card.contains("\r\nTiempo: 30 minutos\r\n"), "{card}");
    person.types("PERMITIR HASTA-DETENER");
    person.sees("firmar / ahora no > ");
    person.types("Firmar");
    assert_eq!(person.ends(), 0);
    assert!(person.seen.contains("Firmado"), "{}", person.seen);
    let joined = technician.ends();
    assert_eq!(joined.code, 0, "{joined:?}");
    assert_eq!(joined.event("consent")["minutes"], json!(null));
}

#[test]
fn no_at_the_arrival_ends_it_with_1() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    let technician = house.join(&code, "Slow computer");
    person.sees(ARRIVAL);
    person.types("No");
    assert_eq!(person.ends(), 1);
    assert!(person.seen.contains("Nothing was shared.") && !person.seen.contains(CONSENT), "{}", person.seen);
    let joined = technician.ends();
    assert_eq!((joined.code, &joined.event("consent")["answer"]), (1, &json!("no")));
    assert!(!joined.has("result"));
}

#[test]
fn a_denied_card_ends_it_with_1() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    let technician = house.join(&code, "Slow computer");
    person.sees(ARRIVAL);
    person.types("si");
    person.sees(CONSENT);
    person.types("negar");
    person.sees(SIGN);
    person.types("ahora no");
    assert_eq!(person.ends(), 1);
    assert!(person.seen.contains("Allowed: 0. Refused: 1. Sent: 0.\r\nNothing was shared."), "{}", person.seen);
    let joined = technician.ends();
    assert_eq!((joined.code, &joined.event("consent")["answer"]), (1, &json!("no")));
    assert!(!joined.has("result"));
}

#[test]
fn stop_ends_it_in_the_middle_of_a_question() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    let technician = house.join(&code, "Slow computer");
    person.sees(ARRIVAL);
    person.types("yes");
    person.sees(CONSENT);
    person.types("DETENER");
    person.sees("Everything is stopped.");
    person.sees(SIGN);
    person.types("not now");
    assert_eq!(person.ends(), 0, "served, and closed by the person");
    assert!(!person.seen.contains("Sent to"), "{}", person.seen);
    let joined = technician.ends();
    assert_eq!(joined.code, 1);
    assert!(!joined.has("result"), "{joined:?}");
}

#[test]
fn a2_a_first_seen_service_waits_ten_seconds_and_what_was_typed_before_is_no_answer() {
    let house = House::strange();
    let (mut person, code) = house.ask(&[]);
    person.types("yes");
    let since = Instant::now();
    let technician = house.join(&code, "Slow computer");
    let waiting = person.sees("please wait 10");
    assert!(!waiting.contains("> "), "{waiting}");
    person.types("yes");
    person.types("sí");
    person.begins("ye");
    let arrival = person.sees(ARRIVAL);
    assert!(since.elapsed() >= Duration::from_secs(10), "{:?}", since.elapsed());
    assert!(!arrival.replace(ARRIVAL, "").contains("> ") && arrival.contains("First time"), "{arrival}");
    // Had any of it counted, this would come too late, or make *yeno* of what was begun.
    person.types("no");
    assert_eq!(person.ends(), 1);
    assert_eq!(technician.ends().event("consent")["answer"], "no");
}

#[test]
fn the_end_of_input_is_no() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    let technician = house.join(&code, "Slow computer");
    person.sees(ARRIVAL);
    person.ends_input();
    assert_eq!(person.ends(), 1);
    let joined = technician.ends();
    assert_eq!(joined.code, 1);
    assert_ne!(joined.event("consent")["answer"], "yes");
    // At the card too, and then nobody is asked for a signature.
    let (mut person, code) = house.ask(&[]);
    let technician = house.join(&code, "Slow computer");
    person.sees(ARRIVAL);
    person.types("yes");
    person.sees(CONSENT);
    person.ends_input();
    assert_eq!(person.ends(), 1);
    assert!(!person.seen.contains(SIGN), "{}", person.seen);
    assert_eq!(technician.ends().code, 1);
}

#[test]
fn d4_what_the_technician_writes_can_t_reach_the_terminal() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    // An honest console refuses escapes; what a dishonest one sends is shown the same way (the cards' own tests).
    assert_eq!(house.join(&code, "a\u{1b}[2Jb").ends().code, 2);
    let reason = format!("a\u{202e}b{}{CONSENT}", " ".repeat(70));
    let technician = house.join(&code, &reason);
    person.sees(ARRIVAL);
    person.types("yes");
    let card = person.sees("\r\nTime: 30 minutes\r\n");
    for hostile in ['\u{1b}', '\u{202e}', '\u{7}'] {
        assert!(!person.seen.contains(hostile), "{hostile:?} in {:?}", person.seen);
    }
    assert!(card.contains("“a⟨202E⟩b"), "{card}");
    assert!(card.lines().all(|line| !line.starts_with(CONSENT.trim_end())), "{card}");
    person.sees(CONSENT);
    person.types("deny");
    person.sees(SIGN);
    person.types("not now");
    assert_eq!(person.ends(), 1);
    assert_eq!(technician.ends().code, 1);
}

#[test]
fn a_prompt_that_news_interrupted_is_printed_again_and_still_takes_its_answer() {
    let house = House::known();
    let (mut person, code) = house.ask(&[]);
    let mut technician = house.technician(&code, &["--ask", "chat"]);
    technician.sees("venia > ");
    person.sees(ARRIVAL);
    person.types("yes");
    person.sees(CONSENT);
    person.types("allow");
    person.sees("You allowed it.");
    technician.sees("Allowed for 30 minutes.");
    technician.types("run system.overview");
    person.sees(CONSENT);
    // What is typed after the prompt counts, although news comes between.
    person.begins("al");
    technician.types("chat One more thing");
    person.sees("» Ana says: “One more thing”\r\n");
    assert_eq!(person.sees(CONSENT), "", "the prompt at once, and nothing else");
    person.types("low");
    person.sees("Sent to Ana");
    technician.types("close");
    technician.sees("Outcome > ");
    technician.types("Fine");
    technician.sees("Next step > ");
    technician.types("None");
    person.sees(SIGN);
    person.types("sign");
    assert_eq!((person.ends(), technician.ends()), (0, 0));
}

#[test]
fn b3_a_wrong_code_is_burnt_and_both_are_told_and_the_intake_waits_for_the_code() {
    let house = House::known();
    let mut person = house.at_a_terminal(&["ask", "--relay", &house.address]);
    let code = person.code();
    assert!(!person.sees("> ").contains("code: "));
    let (number, _) = code.split_once('-').unwrap();
    let burnt = house.join(&format!("{number}-lobo-cobre"), "Slow computer").ends();
    assert_eq!((burnt.code, &burnt.event("error")["kind"]), (1, &json!("wrong-code")));
    person.sees("Ana.");
    person.sees("code: ");
    assert_eq!(house.join(&code, "Slow computer").ends().code, 1, "the old code is dead");
    person.types("stop");
    assert_eq!(person.ends(), 1);
    assert!(person.seen.ends_with("Everything is stopped.\r\n"), "{}", person.seen);
    // The address is remembered.
    let mut person = house.at_a_terminal(&["ask"]);
    person.code();
    person.types("Detener");
    assert_eq!(person.ends(), 1);
}

#[test]
fn redirected_output_is_no_terminal() {
    let house = House::known();
    let output = house.folder.path().join("out");
    let agent = env!("CARGO_BIN_EXE_venia-agent");
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &format!("'{agent}' ask --relay '{}' --lang en > '{}'", house.address, output.display())]);
    let mut shell = house::Terminal::new(shell);
    shell.sees("only be answered in a terminal");
    assert_eq!(shell.ends(), 2);
    assert_eq!(std::fs::read(output).unwrap(), b"");
}
