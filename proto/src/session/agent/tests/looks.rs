//! Boxes that start empty, and results the person looks at before they leave.

use super::*;

/// The person is asked about two items, one of which may bring personal data.
fn two_boxes() -> Story {
    let mut story = Story::new();
    story.arrive(true, Offer { scopes: [Scope::System, Scope::Tasks].into(), items: Vec::new() });
    story.receipt();
    story.allow();
    story
}

fn ticks(story: &mut Story, items: &[&str]) -> Vec<String> {
    let ticked = items.iter().map(|item| ItemId((*item).to_owned())).collect();
    story.give(Input::Ticked { card: story.open_card(), ticked })
}

/// A personal result is on the screen.
fn looking() -> Story {
    let mut story = two_boxes();
    ticks(&mut story, &[PROBE, DIARY]);
    story.allow();
    story.receipt();
    story.run(DIARY);
    story.receipt();
    assert_eq!(story.finish(0), ["ask preview"]);
    story
}

#[test]
fn d5_a_box_of_personal_data_starts_empty_and_a_yes_leaves_it_out() {
    let mut story = two_boxes();
    story.allow();
    story.receipt();
    assert_eq!(story.run(PROBE), ["record theirs-0+admit"]);
    // An honest program asks; the person has answered that already.
    assert_eq!(story.ask(DIARY), ["record theirs-1+refuse-person", "send 5", "tell Refused"]);
    assert!(has(&story.run(DIARY), "closed PeerMisbehaved"), "and a program that doesn't ask has read the answer");
}

#[test]
fn a_left_out_item_may_be_asked_for_again_after_a_minute() {
    for (wait, asked) in [(timer::REPEAT_MS - 1, false), (timer::REPEAT_MS, true), (timer::REPEAT_MS + 1, true)] {
        let mut story = two_boxes();
        story.allow();
        story.wait(wait);
        assert_eq!(has(&story.ask(DIARY), "ask grant"), asked, "{wait}");
    }
}

#[test]
fn a_question_about_one_item_has_no_box() {
    let mut story = Story::open();
    story.ask(DIARY);
    assert_eq!(ticks(&mut story, &[]), [""; 0]);
    assert!(has(&story.allow(), "record consent-yes"));
    assert_eq!(story.receipt().last().map(String::as_str), Some("tell Running"));
}

#[test]
fn ticking_shows_the_card_again_and_only_what_is_ticked_is_covered() {
    let mut story = two_boxes();
    assert_eq!(ticks(&mut story, &[DIARY, "system.nothing"]), ["ask grant"]);
    story.allow();
    story.receipt();
    let grants: Vec<_> = story.agent.live_grants(story.now()).cloned().collect();
    let wanted = |item: &str| {
        let Request { item, definition, arguments, .. } = story.request(item);
        Wanted { item, definition, arguments, plan: None }
    };
    let covers = |item| grants.iter().any(|grant| grant.covers(TECHNICIAN, &wanted(item), story.now_ms));
    assert!(covers(DIARY) && !covers(PROBE));
}

#[test]
fn ticking_starts_the_two_minutes_again() {
    for (wait, silent) in [(timer::SILENCE_MS - 1, false), (timer::SILENCE_MS, true)] {
        let mut story = two_boxes();
        story.wait(timer::SILENCE_MS - 1);
        ticks(&mut story, &[PROBE]);
        assert_eq!(has(&story.wait(wait), "record consent-silence"), silent, "{wait}");
    }
}

#[test]
fn e2_a_personal_result_is_recorded_and_sent_only_once_the_person_sends_it() {
    let mut story = looking();
    assert!(story.agent.preview(RunId(0)).is_some());
    assert_eq!(story.allow(), ["record result-done"]);
    assert_eq!(story.receipt(), ["send 5", "tell Sent"]);
}

#[test]
fn e2_a_personal_result_that_cannot_tell_is_looked_at_too() {
    let mut story = two_boxes();
    ticks(&mut story, &[PROBE, DIARY]);
    story.allow();
    story.receipt();
    story.run(DIARY);
    story.receipt();
    let text = crate::report::Text { en: "t".to_owned(), es: "t".to_owned() };
    let finding = crate::report::Finding {
        severity: crate::report::Severity::Unknown,
        id: "f".to_owned(),
        text: text.clone(),
        evidence: "dear diary".to_owned(),
        next: text,
    };
    let report = Report { findings: vec![finding], ..Report::default() };
    assert!(report.is_unknown());
    let outcome = Finished::Reported { report, redaction: None };
    assert_eq!(story.give(Input::Finished { run: RunId(0), outcome }), ["ask preview"]);
    assert_eq!(story.allow(), ["record result-unknown"]);
}

#[test]
fn e2_what_is_kept_leaves_nothing_anywhere() {
    let mut story = looking();
    assert_eq!(story.deny(), ["record result-withheld", "tell Kept"]);
    assert_eq!(story.receipt(), ["bare 5"]);
    assert_eq!(story.agent.preview(RunId(0)), None);
    assert_eq!(story.run(PROBE), ["record theirs-1+admit"], "the session goes on, and nothing was refused");
}

#[test]
fn e2_silence_at_a_preview_keeps() {
    for (wait, kept) in [(timer::SILENCE_MS - 1, false), (timer::SILENCE_MS, true)] {
        let mut story = looking();
        assert_eq!(has(&story.wait(wait), "record result-withheld"), kept, "{wait}");
    }
}

#[test]
fn e2_stop_at_a_preview_keeps_and_ends_at_rest() {
    let mut story = looking();
    let said = story.give(Input::Stop);
    assert!(has(&said, "record result-withheld") && !said.iter().any(|word| word.contains("result-done")), "{said:?}");
    assert!(!said.iter().any(|word| word.contains("consent")), "a preview isn't a consent: {said:?}");
    story.ends_at_rest();
}

#[test]
fn e2_the_end_of_its_grant_keeps_what_is_looked_at() {
    let mut story = looking();
    // Put off, so that it isn't silence that keeps it.
    let mut said = Vec::new();
    for _ in 0..30 {
        story.agent.timers.set(Timer::Silence, story.now_ms + timer::SILENCE_MS);
        said = story.wait(MINUTE);
    }
    assert!(has(&said, "record result-withheld") && has(&said, "tell GrantEnded"), "{said:?}");
}

#[test]
fn d2_a_pause_holds_what_is_looked_at_and_asks_again_afterwards() {
    let mut story = looking();
    let said = story.give(Input::RelayLost);
    assert!(has(&said, "withdraw") && !has(&said, "record result-withheld"), "{said:?}");
    story.give(Input::RelayFound);
    assert!(has(&story.allow(), "ask preview"));
    assert_eq!(story.allow(), ["record result-done"]);
}

#[test]
fn a_sleep_keeps_what_was_looked_at() {
    let mut story = looking();
    assert!(has(&story.give(Input::Slept { ms: timer::SLEEP_MS + 1 }), "record result-withheld"));
}

#[test]
fn what_is_looked_at_counts_among_the_runs() {
    let mut story = looking();
    for _ in 1..RUNS_MAX {
        assert!(has(&story.run(PROBE), &format!("record theirs-{}+admit", story.agent.counts[&TECHNICIAN] - 1)));
    }
    assert!(story.run(PROBE)[0].contains("refuse-limit"));
}

#[test]
fn what_the_owner_forbids_is_neither_offered_nor_asked_nor_run() {
    let forbids = |json: &str| {
        let policy = serde_json::from_str(json).unwrap();
        let mut story = Story::new();
        story.agent = Agent::new(FENCED).under(Policies { own: Some(policy), ..Policies::default() });
        story.arrive(true, Offer { scopes: [Scope::System, Scope::Network].into(), items: Vec::new() });
        story.receipt();
        story.allow();
        story.allow();
        story.receipt();
        story
    };
    let mut story = forbids(r#"{"forbid-items":["system.probe"]}"#);
    assert_eq!(story.ask(PROBE), ["record theirs-0+refuse-policy", "send 4", "tell Refused"]);
    assert!(story.run(PROBE)[0].contains("refuse-policy"), "the session goes on: a program can't know the policy");
    assert!(has(&story.run(OTHER), "record theirs-2+admit"));
    let mut story = forbids(r#"{"forbid-scopes":["repair"]}"#);
    assert!(story.ask(FIX)[0].contains("refuse-policy") && story.run(FIX)[0].contains("refuse-policy"));
    // Outside its hours nothing is asked any more; Unix time began on a Thursday.
    let mut story = forbids(r#"{"hours":["fri 00:00-24:00"]}"#);
    assert!(story.ask(OTHER)[0].contains("refuse-policy"));
}
