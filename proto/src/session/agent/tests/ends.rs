//! Pauses, ends, and everything that must not wait for them.

use super::*;
use crate::ledger::body::Offer;

#[test]
fn stop_kills_before_anything_is_recorded() {
    let mut story = Story::running();
    story.run(PROBE);
    let said = story.give(Input::Stop);
    assert_eq!(
        said,
        [
            "cut",
            "kill 0",
            "record result-killed",
            "tell NotSent",
            "record refuse-stopped",
            "send 7",
            "tell Refused",
            "record stop+close-person-person",
            "bare 5",
            "bare 6",
            "bare 8",
            "bare 9",
            "closed Stopped"
        ]
    );
    assert_eq!(story.receipt(), ["send close-recorded", "released"]);
    assert_eq!(story.receipt(), [""; 0], "released once");
    assert_eq!(story.finish(0), [""; 0], "what the worker still says counts for nothing");
    story.ends_at_rest();
}

#[test]
fn stop_ends_every_state() {
    let mut offered = Story::new();
    offered.arrive(true, system());
    let mut asking = Story::new();
    asking.arrive(true, system());
    asking.receipt();
    let mut first_seen = Story::new();
    first_seen.arrive(false, system());
    first_seen.receipt();
    let mut admitted = Story::granted();
    admitted.run(PROBE);
    let mut recorded = Story::running();
    recorded.finish(0);
    let mut paused = Story::running();
    paused.give(Input::RelayLost);
    let mut resuming = Story::running();
    resuming.give(Input::Slept { ms: 6_000 });
    let mut waiting = Story::open();
    waiting.ask(PROBE);
    waiting.ask(OTHER);
    let states = [
        offered,
        asking,
        first_seen,
        Story::open(),
        Story::granted(),
        admitted,
        Story::running(),
        recorded,
        paused,
        resuming,
        waiting,
    ];
    for (n, mut story) in states.into_iter().enumerate() {
        let said = story.give(Input::Stop);
        let first_record = said.iter().position(|word| word.starts_with("record")).unwrap();
        assert_eq!(said[0], "cut", "{n}");
        assert!(said.iter().skip(first_record).all(|word| word != "cut" && !word.starts_with("kill")), "{n} {said:?}");
        assert!(said.iter().all(|word| !word.starts_with("perform")), "{n}");
        assert!(said.iter().any(|word| word.ends_with("stop+close-person-person")), "{n} {said:?}");
        assert_eq!(said.last().map(String::as_str), Some("closed Stopped"), "{n}");
        for later in [
            Input::Stop,
            Input::RelayFound,
            Input::EyesBack,
            Input::PersonGone,
            Input::Slept { ms: 9_000 },
            Input::Left,
        ] {
            assert_eq!(story.give(later), [""; 0], "{n}");
        }
        story.ends_at_rest();
    }
    let mut nobody = Story::new();
    assert_eq!(nobody.give(Input::Stop), ["closed Stopped", "released"], "there was no session to record");
    nobody.ends_at_rest();
}

#[test]
fn stop_at_a_question_is_a_no_to_it() {
    let mut story = Story::open();
    story.ask(PROBE);
    let said = story.give(Input::Stop);
    assert_eq!(said[..3], ["cut", "withdraw", "record consent-no"]);
    assert!(has(&said, "record refuse-stopped"));
}

#[test]
fn invariant_3_a_result_with_a_receipt_after_the_stop_is_not_sent() {
    let mut story = Story::running();
    story.finish(0);
    let said = story.give(Input::Stop);
    assert!(has(&said, "bare 5") && !has(&said, "send 5"), "{said:?}");
    assert!(!has(&story.receipt(), "send 5"));
}

#[test]
fn invariant_3_expiry_kills_and_nothing_runs_any_more() {
    for (wait, killed) in [(30 * MINUTE - 1, false), (30 * MINUTE, true), (30 * MINUTE + 1, true)] {
        let mut story = Story::granted();
        story.now_ms += wait - 5_000;
        story.run(PROBE);
        story.receipt();
        let said = story.wait(5_000);
        assert_eq!(has(&said, "kill 0"), killed, "{wait}");
        assert_eq!(has(&said, "record result-killed"), killed, "{wait}");
        assert_eq!(has(&said, "tell GrantEnded"), killed, "{wait}");
        assert_eq!(has(&story.run(PROBE), "closed PeerMisbehaved"), killed, "{wait}");
    }
}

#[test]
fn invariant_3_a_result_receipted_after_expiry_is_told_without_its_words() {
    let mut story = Story::granted();
    story.now_ms += 30 * MINUTE - 2_000;
    story.run(PROBE);
    story.receipt();
    story.finish(0);
    story.wait(2_000);
    let said = story.receipt();
    assert!(has(&said, "bare 5") && !has(&said, "send 5"), "{said:?}");
}

#[test]
fn invariant_3_a_result_that_leaves_late_is_judged_when_it_leaves() {
    let mut story = Story::running();
    story.now_ms += 30 * MINUTE - 10;
    story.give(Input::Receipted(BatchId(0)));
    assert_eq!(story.agent.running().count(), 0, "overdue");
    let mut story = Story::granted();
    story.now_ms += 30 * MINUTE - 1_000;
    story.run(PROBE);
    story.receipt();
    story.finish(0);
    let batch = BatchId(story.batches - 1);
    story.agent.handle(&story.catalog, story.now(), Input::Receipted(batch));
    story.now_ms += 1_000;
    assert_eq!(story.drain(), ["bare 5", "tell NotSent"]);
}

#[test]
fn invariant_1_a_permit_is_judged_when_it_leaves() {
    let mut story = Story::granted();
    story.now_ms += 30 * MINUTE - 1_000;
    story.run(PROBE);
    let batch = BatchId(story.batches - 1);
    story.agent.handle(&story.catalog, story.now(), Input::Receipted(batch));
    story.now_ms += 1_000;
    let said = story.drain();
    assert!(!has(&said, "perform 0") && has(&said, "record refuse-outsidegrant"), "{said:?}");
}

#[test]
fn a_worker_that_never_reports_is_killed() {
    let deadline = 10_000 + timer::WORKER_GRACE_MS;
    for (wait, killed) in [(deadline - 1, false), (deadline, true), (deadline + 1, true)] {
        let mut story = Story::running();
        let said = story.wait(wait);
        assert_eq!(has(&said, "kill 0"), killed, "{wait}");
        if killed {
            assert_eq!(said, ["kill 0", "record result-killed", "tell NotSent"]);
        }
    }
}

#[test]
fn invariant_3_while_paused_nothing_runs_and_nothing_is_sent() {
    let mut story = Story::running();
    story.run(PROBE);
    story.receipt();
    story.finish(0);
    assert_eq!(
        story.give(Input::RelayLost),
        ["kill 1", "record result-killed", "tell NotSent", "record pause-relaylost", "send 8", "tell Paused"]
    );
    assert_eq!(story.receipt(), [""; 0], "held");
    assert_eq!(story.run(PROBE), ["record theirs-2+refuse-paused", "send 9", "tell Refused"]);
    assert_eq!(story.ask(PROBE), ["record theirs-3+refuse-paused", "send 10", "tell Refused"]);
    assert_eq!(story.give(Input::RelayFound), ["ask resume"], "only the person resumes");
    let said = story.allow();
    assert_eq!(said[..3], ["record consent-yes", "record resume-relaylost", "send 12"]);
    assert!(has(&said, "send 6") && has(&said, "bare 7"), "{said:?}");
}

#[test]
fn a_relay_lost_for_half_a_minute_ends_the_session() {
    for (wait, closed) in [(timer::LOST_MS - 1, false), (timer::LOST_MS, true), (timer::LOST_MS + 1, true)] {
        for lost in [Input::RelayLost, Input::LinkLost] {
            let mut story = Story::running();
            story.give(lost);
            assert_eq!(has(&story.wait(wait), "closed Lost"), closed, "{wait}");
        }
    }
}

#[test]
fn nobody_can_go_on_while_the_relay_is_lost() {
    let mut story = Story::running();
    story.give(Input::RelayLost);
    story.give(Input::RelayFound);
    let card = story.open_card();
    assert_eq!(story.give(Input::RelayLost), ["withdraw"]);
    assert_eq!(
        story.give(Input::Answered { card, choice: Choice::Allow { minutes: None }, shown: String::new() }),
        [""; 0]
    );
    assert_eq!(story.agent.paused(), Some(Cause::RelayLost));
    assert_eq!(
        story.give(Input::Slept { ms: 6_000 }),
        ["record pause-sleep", "send 7", "tell Paused", "tell GrantEnded"]
    );
    assert_eq!(story.give(Input::RelayFound), ["ask resume"]);
    assert!(has(&story.allow(), "record resume-sleep"), "the technician learns that the grants are gone");
}

#[test]
fn a6_the_person_may_go_on_once_relay_and_technician_are_both_back() {
    for (first, second) in [(Input::RelayFound, Input::LinkFound), (Input::LinkFound, Input::RelayFound)] {
        let mut story = Story::running();
        story.give(Input::LinkLost);
        story.give(Input::RelayLost);
        story.now_ms += timer::LOST_MS - 1;
        assert_eq!(story.give(first), [""; 0], "one of the two isn't enough");
        assert_eq!(story.give(second), ["ask resume"], "only the person resumes");
        // What was sent before the loss and arrives now runs no more: it is asked for anew, or not at all.
        let said = story.run(PROBE);
        assert!(said.iter().any(|said| said.ends_with("refuse-paused")), "{said:?}");
        assert!(has(&story.allow(), "record resume-relaylost"));
        assert!(!has(&story.wait(timer::LOST_MS), "closed Lost"), "it counts from the next loss");
    }
}

#[test]
fn a_relay_lost_before_the_answer_pauses_right_after_it() {
    let mut story = Story::new();
    story.arrive(true, system());
    story.receipt();
    story.give(Input::RelayLost);
    story.allow();
    assert_eq!(story.agent.paused(), Some(Cause::RelayLost));
}

#[test]
fn d1_sleep_ends_grants_and_only_the_person_resumes() {
    for (ms, paused) in [(timer::SLEEP_MS - 1, false), (timer::SLEEP_MS, false), (timer::SLEEP_MS + 1, true)] {
        let mut story = Story::running();
        story.now_ms += ms;
        let said = story.give(Input::Slept { ms });
        assert_eq!(has(&said, "kill 0"), paused, "{ms}");
        assert_eq!(story.agent.paused().is_some(), paused, "{ms}");
        assert_eq!(story.agent.live_grants(story.now()).count(), usize::from(!paused), "{ms}");
        if paused {
            assert!(has(&said, "ask resume"));
            story.allow();
            let said = story.run(PROBE);
            assert!(has(&said, "record theirs-1+refuse-outsidegrant"), "a6: the grant is gone {said:?}");
            assert!(!has(&said, "closed PeerMisbehaved"), "it may have been under way");
            story.wait(timer::RESUMED_MS);
            assert!(has(&story.run(PROBE), "closed PeerMisbehaved"));
        }
    }
}

#[test]
fn a6_a_yes_from_before_the_sleep_is_not_told_as_a_grant() {
    let mut story = Story::open();
    story.ask(PROBE);
    story.allow();
    let said = [story.give(Input::Slept { ms: 6_000 }), story.allow(), story.receipt()].concat();
    assert!(has(&said, "bare 3") && !has(&said, "send 3"), "{said:?}");
}

#[test]
fn d5_a_card_that_was_put_back_has_a_new_number() {
    let mut story = Story::open();
    story.ask(PROBE);
    let stale = story.open_card();
    story.give(Input::Slept { ms: 6_000 });
    let said = story.allow();
    assert!(has(&said, "ask grant"), "{said:?}");
    assert_eq!(
        story.give(Input::Answered { card: stale, choice: Choice::Allow { minutes: None }, shown: String::new() }),
        [""; 0]
    );
    assert!(has(&story.allow(), "record admit"), "its request is still known");
}

#[test]
fn silence_at_the_question_to_go_on_is_not_recorded_as_a_stop() {
    let mut story = Story::running();
    story.give(Input::Slept { ms: 6_000 });
    let said = story.wait(timer::SILENCE_MS);
    assert!(has(&said, "closed Silence") && has(&said, "record close-silence-silence"), "{said:?}");
    let mut story = Story::running();
    story.give(Input::Slept { ms: 6_000 });
    assert!(has(&story.deny(), "closed Stopped"));
}

#[test]
fn d2_no_eyes_for_half_a_minute_pauses_and_only_the_person_resumes() {
    for (wait, paused) in [(timer::NO_EYES_MS - 1, false), (timer::NO_EYES_MS, true), (timer::NO_EYES_MS + 1, true)] {
        let mut story = Story::running();
        story.give(Input::EyesLost);
        let said = story.wait(wait);
        assert_eq!(has(&said, "record pause-noeyes"), paused, "{wait} {said:?}");
        assert_eq!(has(&said, "ask resume"), paused, "{wait} {said:?}");
        assert!(!has(&said, "closed"), "{wait}");
        assert_eq!(has(&said, "kill 0"), wait >= 12_000, "{wait}");
        if paused {
            // Coming back isn't going on.
            assert!(story.give(Input::EyesBack).is_empty());
            let said = story.allow();
            assert!(has(&said, "record resume-noeyes"), "{wait} {said:?}");
        }
    }
    let mut story = Story::running();
    story.give(Input::EyesLost);
    story.give(Input::EyesBack);
    assert!(!has(&story.wait(timer::NO_EYES_MS), "pause"));
    // Nobody comes back.
    let mut story = Story::running();
    story.give(Input::EyesLost);
    story.wait(timer::NO_EYES_MS);
    assert!(has(&story.wait(timer::SILENCE_MS), "closed NoEyes"));
}

#[test]
fn d2_a_question_waits_for_eyes_that_come_back() {
    let mut story = Story::open();
    story.ask(PROBE);
    assert!(story.give(Input::EyesLost).is_empty());
    assert!(story.give(Input::EyesBack).is_empty());
    assert!(has(&story.allow(), "record consent-yes"));
}

#[test]
fn d2_a_person_who_is_gone_pauses_and_closes() {
    for (wait, closed) in [(timer::NO_EYES_MS - 1, false), (timer::NO_EYES_MS, true), (timer::NO_EYES_MS + 1, true)] {
        let mut story = Story::running();
        story.give(Input::PersonGone);
        let said = story.wait(wait);
        assert_eq!(has(&said, "closed NoEyes"), closed, "{wait}");
        assert_eq!(has(&said, "record pause-noeyes"), closed, "{wait}");
        assert_eq!(has(&said, "kill 0"), wait >= 12_000, "{wait}");
    }
}

#[test]
fn d4_the_end_of_input_is_silence() {
    let mut story = Story::open();
    story.ask(PROBE);
    let said = story.give(Input::PersonGone);
    assert_eq!(said[..2], ["withdraw", "record consent-silence"]);
}

#[test]
fn d2_until_stop_asks_again_after_an_hour() {
    let mut story = Story::new();
    story.arrive(true, system());
    story.receipt();
    story.allow();
    story.answer(Choice::Allow { minutes: None });
    story.receipt();
    for hour in 1..8 {
        let said = story.wait(60 * MINUTE);
        assert!(has(&said, "ask renewal"), "{hour} {said:?}");
        assert_eq!(story.agent.live_grants(story.now()).count(), 0);
        story.answer(Choice::Allow { minutes: None });
        story.receipt();
        assert_eq!(story.agent.live_grants(story.now()).count(), 1);
    }
    assert!(has(&story.wait(60 * MINUTE), "closed Expiry"), "and ends hard after eight");
}

#[test]
fn nothing_allowed_and_nothing_happening_ends() {
    for (wait, closed) in [(timer::IDLE_MS - 1, false), (timer::IDLE_MS, true), (timer::IDLE_MS + 1, true)] {
        let mut story = Story::open();
        assert_eq!(has(&story.wait(wait), "closed Expiry"), closed, "{wait}");
    }
}

#[test]
fn invariant_6_a_flood_at_and_above_the_limit() {
    let mut story = Story::open();
    for n in 1..=EVENTS_PER_MINUTE {
        assert_eq!(story.says(false), [format!("record theirs-{}", n - 1)]);
    }
    assert!(has(&story.says(false), "closed PeerMisbehaved"));
    let mut story = Story::open();
    for _ in 0..EVENTS_PER_MINUTE {
        story.says(false);
    }
    story.wait(MINUTE);
    assert!(!has(&story.says(false), "closed PeerMisbehaved"), "the next minute");
}

#[test]
fn e6_a_session_ends_while_its_end_still_fits_the_record() {
    let mut story = Story::open();
    let room = SESSION_EVENTS_MAX - story.agent.counts.values().sum::<u64>();
    for n in 1..=room {
        if n % u64::from(EVENTS_PER_MINUTE) == 0 {
            story.wait(MINUTE);
        }
        assert!(!has(&story.says(false), "closed"), "{n}");
    }
    assert!(has(&story.says(false), "closed Expiry"));
}

#[test]
fn e_chat_is_journalled_first_and_may_trail_thirty_seconds() {
    for (wait, waits) in
        [(timer::CHAT_TRAILS_MS - 1, false), (timer::CHAT_TRAILS_MS, true), (timer::CHAT_TRAILS_MS + 1, true)]
    {
        let mut story = Story::open();
        assert_eq!(story.says(true), ["record theirs-0"]);
        assert_eq!(story.give(Input::Journalled(BatchId(story.batches - 1))), ["tell Said"]);
        story.wait(wait);
        story.says(true);
        assert_eq!(story.give(Input::Journalled(BatchId(story.batches - 1))).is_empty(), waits, "{wait}");
        assert_eq!(story.receipt().is_empty(), !waits, "{wait}");
        assert_eq!(story.give(Input::PersonSays(Foreign::new("hi"))), ["record chat", "tell Own"]);
        assert_eq!(story.give(Input::Journalled(BatchId(story.batches - 1))), ["send 3"]);
    }
}

#[test]
fn e7_the_signoff_is_recorded_and_the_close_with_it() {
    let mut story = Story::granted();
    let seq = story.next_seq();
    let said = story.give(Input::SignedOff { seq });
    assert_eq!(said, ["cut", "record theirs-0+close-technician-done", "bare 4", "closed Done"]);
    story.ends_at_rest();
}

#[test]
fn a_close_counts_every_event_once() {
    let mut story = Story::running();
    story.agent.handle(&story.catalog, story.now(), Input::Stop);
    let mut counted: BTreeMap<Strand, u64> = [(Strand::Agent, 5), (TECHNICIAN, 1)].into();
    let mut last = None;
    while let Some(output) = story.agent.poll_output(story.now()) {
        if let Output::Record { entries, .. } = output {
            for entry in entries {
                *counted.entry(ending::author(&entry)).or_default() += 1;
                last = Some(entry);
            }
        }
    }
    let Some(Entry::Own { kind: Kind::Close { held, .. }, .. }) = last else { panic!("no close: {last:?}") };
    assert_eq!(held, counted);
}

#[test]
fn the_close_is_released_by_its_receipt_or_by_time() {
    for (wait, released) in
        [(timer::CLOSE_RECEIPT_MS - 1, false), (timer::CLOSE_RECEIPT_MS, true), (timer::CLOSE_RECEIPT_MS + 1, true)]
    {
        let mut story = Story::granted();
        story.give(Input::Left);
        assert_eq!(has(&story.wait(wait), "released"), released, "{wait}");
        let late = story.receipt();
        assert_eq!(has(&late, "released"), !released, "once: {wait}");
    }
    let mut story = Story::granted();
    story.give(Input::Left);
    let batch = BatchId(story.batches - 1);
    assert_eq!(story.give(Input::Receipted(BatchId(batch.0 - 1))), [""; 0], "an earlier receipt isn't the close's");
    assert_eq!(story.give(Input::NotRecorded(batch)), ["released"]);
}

#[test]
fn a5_revocation_and_a_failing_disk_end_like_stop() {
    for (input, closed) in [
        (Input::Revoked, "closed Revoked"),
        (Input::LogDoubted, "closed RelayWithholds"),
        (Input::JournalFailed, "closed Disk"),
        (Input::Left, "closed TechnicianLeft"),
        (Input::Nonsense { expected: "a", got: "b".to_owned() }, "closed PeerMisbehaved"),
        (Input::Arrived(Box::new(arrival(true, Offer::default()))), "closed PeerMisbehaved"),
    ] {
        let mut story = Story::running();
        let said = story.give(input);
        assert_eq!(said[..3], ["cut", "kill 0", "record result-killed"]);
        assert!(has(&said, closed), "{said:?}");
        story.ends_at_rest();
    }
}
