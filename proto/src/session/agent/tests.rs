//! Small stories through the agent's machine, each named after the rule it proves.

use super::*;
use crate::ledger::body::{ItemId, Language, Offer};

mod changes;
mod ends;
mod looks;
mod story;

use story::*;

fn system() -> Offer {
    Offer { scopes: [Scope::System].into(), items: Vec::new() }
}

fn has(outputs: &[String], word: &str) -> bool {
    outputs.iter().any(|output| output == word)
}

#[test]
fn e_nothing_is_asked_before_open_and_join_are_receipted() {
    let mut story = Story::new();
    assert_eq!(story.arrive(true, system()), ["record open+join"]);
    assert_eq!(story.give(Input::Journalled(BatchId(0))), [""; 0]);
    assert_eq!(story.receipt(), ["send 0", "send 1", "ask arrival"]);
}

#[test]
fn e_an_arrival_without_receipt_is_no_session() {
    for (wait, closed) in
        [(timer::ADMISSION_MS - 1, false), (timer::ADMISSION_MS, true), (timer::ADMISSION_MS + 1, true)]
    {
        let mut story = Story::new();
        story.arrive(true, system());
        assert_eq!(has(&story.wait(wait), "closed RelayWithholds"), closed, "{wait}");
    }
}

#[test]
fn arrival_yes_opens_and_shows_the_one_card_of_the_offer() {
    let mut story = Story::new();
    story.arrive(true, system());
    story.receipt();
    assert_eq!(story.allow(), ["record consent-yes", "tell Connected", "ask grant"]);
    assert_eq!(story.receipt(), ["send 2"]);
    assert_eq!(story.allow(), ["record consent-yes", "tell Allowed"]);
    assert_eq!(story.agent.live_grants(story.now()).count(), 1);
}

#[test]
fn arrival_no_ends_the_session_and_says_who_ended_it() {
    let mut story = Story::new();
    story.arrive(true, system());
    story.receipt();
    let said = story.deny();
    assert_eq!(said, ["cut", "record consent-no", "record close-person-person", "bare 2", "bare 3", "closed Refused"]);
    story.ends_at_rest();
}

#[test]
fn invariant_7_silence_at_the_arrival_is_no() {
    for (wait, closed) in [(timer::SILENCE_MS - 1, false), (timer::SILENCE_MS, true), (timer::SILENCE_MS + 1, true)] {
        let mut story = Story::new();
        story.arrive(true, system());
        story.receipt();
        assert_eq!(has(&story.wait(wait), "closed Silence"), closed, "{wait}");
    }
}

#[test]
fn invariant_7_an_answer_in_the_last_moment_counts_and_one_later_does_not() {
    for (wait, open) in [(timer::SILENCE_MS - 1, true), (timer::SILENCE_MS, false)] {
        let mut story = Story::new();
        story.arrive(true, Offer::default());
        story.receipt();
        story.now_ms += wait;
        story.allow();
        assert_eq!(story.agent.phase() == Phase::Open, open, "{wait}");
    }
}

#[test]
fn invariant_7_silence_at_a_card_is_no_and_goes_on() {
    let mut story = Story::open();
    assert_eq!(story.ask(PROBE), ["record theirs-0", "ask grant"]);
    let said = story.wait(timer::SILENCE_MS);
    assert_eq!(
        said,
        ["withdraw", "record consent-silence", "send 3", "record refuse-person", "send 4", "tell Refused"]
    );
    assert_eq!(story.agent.phase(), Phase::Open);
}

#[test]
fn a2_a_service_never_met_waits_ten_seconds() {
    for (wait, asked) in [
        (timer::FIRST_SEEN_WAIT_MS - 1, false),
        (timer::FIRST_SEEN_WAIT_MS, true),
        (timer::FIRST_SEEN_WAIT_MS + 1, true),
    ] {
        let mut story = Story::new();
        story.arrive(false, system());
        assert_eq!(story.receipt(), ["send 0", "send 1", "tell FirstSeen"]);
        assert_eq!(has(&story.wait(wait), "ask arrival"), asked, "{wait}");
    }
}

#[test]
fn a2_a_service_never_met_only_looks() {
    let mut story = Story::new();
    story.arrive(false, Offer::default());
    story.receipt();
    story.wait(timer::FIRST_SEEN_WAIT_MS);
    story.allow();
    assert_eq!(story.ask(FIX), ["record theirs-0+refuse-policy", "send 3", "tell Refused"]);
    assert_eq!(story.ask(PROBE), ["record theirs-1", "ask grant"]);
}

#[test]
fn e_no_receipt_no_run() {
    let mut story = Story::granted();
    assert_eq!(story.run(PROBE), ["record theirs-0+admit"]);
    assert_eq!(story.give(Input::Journalled(BatchId(3))), [""; 0]);
    assert_eq!(story.wait(timer::ADMISSION_MS - 1), [""; 0]);
    assert_eq!(story.wait(1), ["record refuse-noreceipt", "send 5", "tell Refused"]);
    // A receipt that comes later runs nothing any more.
    assert_eq!(story.receipt(), ["send 4"]);
}

#[test]
fn e_a_receipt_performs_and_another_one_sends() {
    let mut story = Story::granted();
    story.run(PROBE);
    assert_eq!(story.receipt(), ["send 4", "perform 0", "tell Running"]);
    assert_eq!(story.finish(0), ["record result-done"]);
    assert_eq!(story.finish(0), [""; 0], "a worker reports once");
    assert_eq!(story.give(Input::Journalled(BatchId(4))), [""; 0]);
    assert_eq!(story.receipt(), ["send 5", "tell Sent"]);
    assert_eq!(story.agent.running().count(), 0);
    assert_eq!(story.finish(0), [""; 0], "a run ends once");
}

#[test]
fn g3_what_needs_a_fence_is_refused_unasked_where_there_is_none() {
    let delicate = |story: &mut Story, fences| {
        let files = [story::definition(PROBE, "system", "reads", 1), story::definition(OTHER, "network", "reads", 1)];
        let files = [files[0].replace(r#""personal":false"#, r#""personal":true"#), files[1].clone()];
        story.catalog = Catalog::from_files(&files.each_ref().map(String::as_str)).unwrap();
        story.agent = Agent::new(fences);
        story.arrive(true, Offer::default());
        story.receipt();
        story.allow();
        story.receipt();
    };
    let mut story = Story::new();
    delicate(&mut story, Fences { landlock: crate::fences::LANDLOCK_MIN - 1, ..FENCED });
    let said = story.ask(PROBE);
    assert!(has(&said, "record theirs-0+refuse-unfenced") && !has(&said, "ask grant"), "{said:?}");
    assert_eq!(story.agent.phase(), Phase::Open, "nobody misbehaved");
    let said = story.ask(OTHER);
    assert!(has(&said, "ask grant"), "nothing personal and nothing foreign: {said:?}");

    let mut story = Story::new();
    delicate(&mut story, FENCED);
    let said = story.ask(PROBE);
    assert!(has(&said, "ask grant"), "{said:?}");
}

#[test]
fn e_what_was_taken_out_is_recorded_with_the_result_and_told_once_it_is_on_disk() {
    let mut story = Story::granted();
    story.run(PROBE);
    story.receipt();
    assert_eq!(story.finish_redacted(0), ["record redaction+result-done"]);
    assert_eq!(story.give(Input::Journalled(BatchId(4))), ["send 5"]);
    assert_eq!(story.receipt(), ["send 6", "tell Sent"]);

    // Of a report that isn't recorded nothing is told.
    let mut story = Story::granted();
    story.run(PROBE);
    story.receipt();
    story.now_ms += 30 * 60_000;
    let said = story.finish_redacted(0);
    assert!(has(&said, "record result-killed") || has(&said, "record result-late"), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("redaction")), "{said:?}");
}

#[test]
fn e_strict_no_witness_no_run() {
    let strict = || {
        let mut story = Story::new();
        story.agent = Agent::strict(FENCED);
        story.arrive(true, Offer { scopes: [Scope::System].into(), items: Vec::new() });
        story.receipt();
        story.allow();
        story.allow();
        story.receipt();
        story
    };
    // In time: the receipt alone sends the admission and runs nothing.
    let mut story = strict();
    story.run(PROBE);
    assert_eq!(story.receipt(), ["send 4"]);
    assert_eq!(story.wait(timer::ADMISSION_MS - 1), [""; 0]);
    assert_eq!(story.give(Input::Witnessed(BatchId(2))), [""; 0], "of what was before");
    assert_eq!(story.give(Input::Witnessed(BatchId(3))), ["perform 0", "tell Running"]);
    assert_eq!(story.give(Input::Witnessed(BatchId(3))), [""; 0], "once");
    // A result needs its receipt, as ever.
    story.finish(0);
    assert_eq!(story.receipt(), ["send 5", "tell Sent"]);

    // Too late: refused, and never run.
    let mut story = strict();
    story.run(PROBE);
    story.receipt();
    assert_eq!(story.wait(timer::ADMISSION_MS), ["record refuse-noreceipt", "send 5", "tell Refused"]);
    assert_eq!(story.give(Input::Witnessed(BatchId(3))), [""; 0]);
    story.receipt();
    // And not after a stop either.
    let mut story = strict();
    story.run(PROBE);
    story.receipt();
    story.give(Input::Stop);
    assert!(!has(&story.give(Input::Witnessed(BatchId(3))), "perform"));

    // Witnessed before its receipt is here: both are needed.
    let mut story = strict();
    story.run(PROBE);
    assert_eq!(story.give(Input::Witnessed(BatchId(3))), [""; 0]);
    assert_eq!(story.receipt(), ["send 4", "perform 0", "tell Running"]);
}

#[test]
fn e_cosignatures_may_trail_where_nobody_is_strict() {
    let mut story = Story::granted();
    story.run(PROBE);
    assert_eq!(story.receipt(), ["send 4", "perform 0", "tell Running"]);
    assert_eq!(story.give(Input::Witnessed(BatchId(3))), [""; 0]);
}

#[test]
fn e_a_relay_that_refuses_is_a_receipt_that_never_comes() {
    let mut story = Story::granted();
    story.run(PROBE);
    let said = story.give(Input::NotRecorded(BatchId(3)));
    assert_eq!(said, ["record refuse-noreceipt", "send 5", "tell Refused"]);
    assert_eq!(story.give(Input::NotRecorded(BatchId(3))), [""; 0]);
}

#[test]
fn e10_three_withheld_in_a_row_end_the_session() {
    let mut story = Story::granted();
    for left in [2, 1, 0] {
        story.run(PROBE);
        let said = story.wait(timer::ADMISSION_MS);
        assert_eq!(has(&said, "closed RelayWithholds"), left == 0, "{left}");
    }
    story.ends_at_rest();
    let mut story = Story::granted();
    for _ in 0..5 {
        story.run(PROBE);
        story.wait(timer::ADMISSION_MS);
        story.receipt();
    }
    assert_eq!(story.agent.phase(), Phase::Open, "not in a row");
}

#[test]
fn e10_a_yes_without_receipt_is_noticed() {
    let mut story = Story::open();
    story.ask(PROBE);
    story.allow();
    let said = story.wait(timer::ADMISSION_MS);
    assert_eq!(said, ["tell RecordLate", "record refuse-noreceipt", "send 5", "tell Refused"]);
}

/// Neither side has anything to do then: only this ends the session.
#[test]
fn e10_a_result_that_is_never_confirmed_ends_the_session_by_itself() {
    let mut story = Story::granted();
    story.run(PROBE);
    story.receipt();
    story.finish(0);
    // The relay refuses the result at once, it is offered again in vain, and nothing else happens.
    assert_eq!(story.give(Input::NotRecorded(BatchId(4))), ["tell RecordLate"]);
    assert_eq!(story.wait(timer::ADMISSION_MS - 1), [""; 0]);
    assert_eq!(story.wait(1), ["tell RecordLate"]);
    assert_eq!(story.wait(timer::ADMISSION_MS - 1), [""; 0]);
    let said = story.wait(1);
    assert!(has(&said, "closed RelayWithholds"), "{said:?}");
    story.ends_at_rest();
}

#[test]
fn e10_a_receipt_that_comes_late_counts() {
    let mut story = Story::open();
    story.ask(PROBE);
    story.allow();
    story.wait(timer::ADMISSION_MS);
    assert!(has(&story.receipt(), "send 4"), "the yes");
    assert!(!has(&story.wait(60_000), "closed RelayWithholds"));
}

#[test]
fn d1_receipts_missed_while_asleep_are_not_withheld() {
    let mut story = Story::granted();
    for _ in 0..RUNS_MAX {
        story.run(PROBE);
    }
    story.now_ms += 60_000;
    let said = story.give(Input::Slept { ms: 60_000 });
    assert!(!has(&said, "closed RelayWithholds"), "{said:?}");
    assert_eq!(story.agent.paused(), Some(Cause::Sleep));
}

#[test]
fn d3_uses_run_out() {
    let mut story = Story::open();
    story.ask(PROBE);
    assert_eq!(story.allow(), ["record consent-yes", "tell Allowed", "record admit"]);
    assert_eq!(story.receipt(), ["send 3", "send 4", "perform 0", "tell Running"]);
    assert!(has(&story.run(PROBE), "closed PeerMisbehaved"));
}

#[test]
fn invariant_6_running_outside_a_grant_is_recorded_and_closes() {
    let mut story = Story::granted();
    let said = story.run(OTHER);
    assert_eq!(
        said,
        [
            "cut",
            "record theirs-0+refuse-outsidegrant",
            "tell Refused",
            "record close-misbehaviour-misbehaviour",
            "bare 4",
            "bare 5",
            "closed PeerMisbehaved"
        ]
    );
    story.ends_at_rest();
}

#[test]
fn invariant_6_running_before_the_arrival_is_answered_closes() {
    let mut story = Story::new();
    story.arrive(true, system());
    story.receipt();
    assert!(has(&story.run(PROBE), "closed PeerMisbehaved"));
}

#[test]
fn invariant_6_running_above_the_level_closes_and_asking_does_not() {
    let mut story = Story::granted();
    assert_eq!(story.ask(DEEP), ["record theirs-0+refuse-level", "send 4", "tell Refused"]);
    let said = story.run(DEEP);
    assert!(has(&said, "record theirs-1+refuse-level") && has(&said, "closed PeerMisbehaved"), "{said:?}");
}

#[test]
fn invariant_6_arguments_below_at_and_above_their_range() {
    for (value, fits) in [("0", false), ("1", true), ("9", true), ("10", false)] {
        let mut story = Story::granted();
        let (seq, mut request) = (story.next_seq(), story.request(PROBE));
        request.arguments.insert("seconds".to_owned(), value.to_owned());
        let said = story.give(Input::Run { seq, request });
        assert_eq!(has(&said, "record theirs-0+admit"), fits, "{value}");
        assert_eq!(has(&said, "record theirs-0+refuse-arguments"), !fits, "{value}");
        assert_eq!(has(&said, "closed PeerMisbehaved"), !fits, "{value}");
    }
}

#[test]
fn invariant_6_an_unknown_item_or_definition_is_refused_and_the_session_goes_on() {
    let mut story = Story::granted();
    assert_eq!(story.run("system.none"), ["record theirs-0+refuse-unknownitem", "send 4", "tell Refused"]);
    let (seq, mut request) = (story.next_seq(), story.request(PROBE));
    request.definition.0.push('0');
    assert!(has(&story.give(Input::Run { seq, request }), "record theirs-1+refuse-unknownitem"));
    assert_eq!(story.agent.phase(), Phase::Open);
}

#[test]
fn invariant_6_events_come_once_and_in_their_place() {
    for seq in [0, 2] {
        let mut story = Story::granted();
        story.run(PROBE);
        let request = story.request(PROBE);
        assert!(has(&story.give(Input::Run { seq, request }), "closed PeerMisbehaved"), "{seq}");
    }
}

#[test]
fn asking_for_what_is_granted_needs_no_card() {
    let mut story = Story::granted();
    assert_eq!(story.ask(PROBE), ["record theirs-0+admit"]);
}

#[test]
fn d3_a_change_is_asked_every_time() {
    let mut story = Story::open();
    for run in [false, true, false] {
        story.previewed("these two");
        let said = if run { story.run(FIX) } else { story.ask(FIX) };
        assert!(has(&said, "ask change"), "{said:?}");
        assert!(has(&story.allow(), "record admit"));
        assert!(story.receipt().iter().any(|word| word.ends_with("as these two")));
    }
}

#[test]
fn d5_a_refused_scope_is_not_asked_again_for_a_minute() {
    for (wait, asked) in [(timer::REPEAT_MS - 1, false), (timer::REPEAT_MS, true), (timer::REPEAT_MS + 1, true)] {
        let mut story = Story::open();
        story.ask(PROBE);
        story.deny();
        assert_eq!(story.ask(OTHER), ["record theirs-1", "ask grant"], "another scope");
        story.allow();
        story.wait(wait);
        let said = story.ask(PROBE);
        assert_eq!(has(&said, "ask grant"), asked, "{wait}");
        assert_eq!(has(&said, "record theirs-2+refuse-repeated"), !asked, "{wait}");
    }
}

#[test]
fn d5_a_refused_card_bans_the_scopes_of_its_single_items_too() {
    let mut story = Story::new();
    let items = vec![story.asked(PROBE)];
    story.arrive(true, Offer { scopes: [Scope::Network].into(), items });
    story.receipt();
    story.allow();
    story.deny();
    assert!(has(&story.ask(PROBE), "record theirs-0+refuse-repeated"));
    assert!(has(&story.ask(OTHER), "record theirs-1+refuse-repeated"));
}

#[test]
fn d5_three_refusals_end_the_offer() {
    let mut story = Story::open();
    for refusals in 0..4 {
        let said = story.ask(PROBE);
        assert_eq!(has(&said, "ask grant"), refusals < 3, "{refusals}");
        if refusals < 3 {
            story.deny();
            story.wait(timer::REPEAT_MS);
        } else {
            assert!(has(&said, "record theirs-3+refuse-repeated"));
        }
    }
}

#[test]
fn d5_one_card_at_a_time_and_five_waiting() {
    let mut story = Story::open();
    for n in 0..=CARDS_WAITING_MAX + 1 {
        let said = story.ask(PROBE);
        assert_eq!(has(&said, "ask grant"), n == 0, "{n}");
        assert_eq!(said.iter().any(|word| word.ends_with("refuse-limit")), n > CARDS_WAITING_MAX, "{n}");
    }
    let said = story.deny();
    assert!(!has(&said, "ask grant"), "the same scope isn't asked again");
    assert_eq!(said.iter().filter(|word| *word == "record refuse-repeated").count(), CARDS_WAITING_MAX);
}

#[test]
fn d5_the_next_card_of_another_scope_follows() {
    let mut story = Story::open();
    story.ask(PROBE);
    story.ask(OTHER);
    assert!(has(&story.deny(), "ask grant"));
}

#[test]
fn an_answer_to_another_card_answers_nothing() {
    let mut story = Story::open();
    story.ask(PROBE);
    let card = CardId(story.open_card().0 + 1);
    assert_eq!(
        story.give(Input::Answered { card, choice: Choice::Allow { minutes: None }, shown: String::new() }),
        [""; 0]
    );
}

#[test]
fn d4_a_yes_counts_only_for_what_was_shown_and_a_no_always() {
    let text = |text: &str| text.to_owned();
    let allow = Choice::Allow { minutes: Some(10) };
    for (choice, shown, said) in [
        (allow, "The question", "record consent-yes"),
        (allow, "La pregunta", "ask grant"),
        (allow, "The question ", "ask grant"),
        (allow, "", "ask grant"),
        (Choice::Deny, "La pregunta", "record consent-no"),
    ] {
        let mut story = Story::open();
        story.ask(PROBE);
        let card = story.open_card();
        // Nobody was shown anything yet.
        if let Choice::Allow { .. } = choice {
            assert_eq!(story.give(Input::Answered { card, choice, shown: String::new() }), ["ask grant"]);
        }
        story.give(Input::Shown { card, text: text("La pregunta"), language: Language::Es });
        story.give(Input::Shown { card, text: text("The question"), language: Language::En });
        let outputs = story.give(Input::Answered { card, choice, shown: text(shown) });
        assert_eq!(outputs[0], said, "{choice:?} {shown:?}");
        // It is still there, and can be answered as it stands.
        if said == "ask grant" {
            assert_eq!(outputs.len(), 1);
            let outputs = story.give(Input::Answered { card, choice, shown: text("The question") });
            assert_eq!(outputs[0], "record consent-yes");
        }
    }
}

#[test]
fn minutes_no_grant_can_have_are_no() {
    for (minutes, allowed) in [(0, false), (1, true), (480, true), (481, false)] {
        let mut story = Story::open();
        story.ask(PROBE);
        let said = story.answer(Choice::Allow { minutes: Some(minutes) });
        assert_eq!(has(&said, "record consent-yes"), allowed, "{minutes}");
        assert_eq!(has(&said, "record consent-no"), !allowed, "{minutes}");
    }
}

#[test]
fn so_many_runs_at_once() {
    let mut story = Story::granted();
    for n in 0..=RUNS_MAX {
        let said = story.run(PROBE);
        assert_eq!(said.iter().any(|word| word.ends_with("refuse-limit")), n == RUNS_MAX, "{n}");
    }
    story.receipt();
    story.finish(2);
    assert!(has(&story.run(PROBE), &format!("record theirs-{}+admit", RUNS_MAX + 1)), "a finished one makes room");
}

#[test]
fn the_offer_holds_only_what_may_be_on_one_card() {
    let mut story = Story::new();
    let items = [PROBE, PROBE, FIX, DEEP, "system.none"].map(|item| story.asked(item)).to_vec();
    story.arrive(true, Offer { scopes: BTreeSet::new(), items });
    story.receipt();
    let (card, text) = (story.open_card(), "The question".to_owned());
    story.give(Input::Shown { card, text: text.clone(), language: Language::En });
    story.agent.handle(
        &story.catalog,
        story.now(),
        Input::Answered { card, choice: Choice::Allow { minutes: None }, shown: text },
    );
    let card = loop {
        match story.agent.poll_output(story.now()) {
            Some(Output::Ask(card)) => break card,
            Some(_) => {}
            None => panic!("no card"),
        }
    };
    assert_eq!(
        card.items.iter().map(|allowed| (&allowed.item, allowed.uses)).collect::<Vec<_>>(),
        [(&ItemId(PROBE.to_owned()), 2)]
    );
}

#[test]
fn an_offer_below_at_and_above_its_limit() {
    for (n, fits) in [(OFFER_MAX - 1, true), (OFFER_MAX, true), (OFFER_MAX + 1, false)] {
        let mut story = Story::new();
        let items = vec![story.asked(PROBE); n];
        let said = story.arrive(true, Offer { scopes: BTreeSet::new(), items });
        assert_eq!(has(&said, "record open+join"), fits, "{n}");
        assert_eq!(has(&said, "closed PeerMisbehaved"), !fits, "{n}");
    }
}
