//! Changes: shown before they are asked, asked one by one.

use super::*;
use crate::consent::Planned;

fn refused(said: &[String]) -> bool {
    said.iter().any(|word| word.ends_with("refuse-notshown"))
}

fn fresh() -> Story {
    let mut story = Story::open();
    story.previewed("p");
    story
}

#[test]
fn r1_a_change_nobody_was_shown_is_refused_unasked_and_the_session_goes_on() {
    for run in [false, true] {
        let mut story = Story::open();
        let said = if run { story.run(FIX) } else { story.ask(FIX) };
        assert!(refused(&said) && !has(&said, "ask change"), "{said:?}");
        assert_eq!(story.agent.phase(), Phase::Open);
    }
}

#[test]
fn r1_a_preview_without_a_plan_shows_nothing() {
    let mut story = fresh();
    // Looked at again: by now there is nothing to change.
    story.ask(OTHER);
    story.allow();
    let run = story.receipt().iter().find_map(|word| word.strip_prefix("perform ")).unwrap().parse().unwrap();
    story.finish(run);
    assert!(refused(&story.ask(FIX)));
}

#[test]
fn r1_a_preview_counts_for_five_minutes() {
    for (wait, asked) in [(timer::PREVIEW_MS - 1, true), (timer::PREVIEW_MS, false), (timer::PREVIEW_MS + 1, false)] {
        let mut story = fresh();
        story.wait(wait);
        assert_eq!(has(&story.ask(FIX), "ask change"), asked, "{wait}");
    }
}

#[test]
fn r1_a_card_that_waited_too_long_is_not_shown() {
    let mut story = fresh();
    story.wait(timer::PREVIEW_MS - timer::SILENCE_MS);
    assert_eq!(story.ask(DEEP).len(), 3, "above the level: refused");
    story.ask(PROBE);
    assert!(!has(&story.ask(FIX), "ask change"), "behind the other card");
    let said = story.wait(timer::SILENCE_MS);
    assert!(has(&said, "record refuse-notshown"), "{said:?}");
}

#[test]
fn r1_one_preview_is_for_one_change_with_the_same_values() {
    let mut story = fresh();
    let (seq, mut request) = (story.next_seq(), story.request(FIX));
    request.arguments.insert("seconds".to_owned(), "3".to_owned());
    assert!(refused(&story.give(Input::Ask { seq, request })), "other values than those looked at");
    assert!(has(&story.ask(FIX), "ask change"));
    story.allow();
    assert!(refused(&story.ask(FIX)), "a second change needs a second look");
}

#[test]
fn r1_the_card_carries_what_was_found_and_other_cards_nothing() {
    let mut story = fresh();
    let (seq, request) = (story.next_seq(), story.request(FIX));
    story.agent.handle(&story.catalog, story.now(), Input::Ask { seq, request });
    let shown = |preview: &Option<Box<Planned>>| preview.as_ref().and_then(|p| p.report.plan().map(str::to_owned));
    let mut cards = Vec::new();
    while let Some(output) = story.agent.poll_output(story.now()) {
        if let Output::Ask(card) = output {
            cards.push(shown(&card.planned));
        }
    }
    assert_eq!(cards, [Some("p".to_owned())]);
}

#[test]
fn r1_a_sleep_and_the_end_forget_what_was_shown() {
    let mut story = fresh();
    story.now_ms += timer::SLEEP_MS + 1;
    story.give(Input::Slept { ms: timer::SLEEP_MS + 1 });
    story.allow();
    assert!(refused(&story.ask(FIX)));
    let mut story = fresh();
    story.give(Input::Stop);
    story.ends_at_rest();
}

#[test]
fn a2_a_service_never_met_changes_nothing_whatever_it_looked_at() {
    let mut story = Story::new();
    story.arrive(false, Offer::default());
    story.receipt();
    story.wait(timer::FIRST_SEEN_WAIT_MS);
    story.allow();
    story.receipt();
    story.previewed("p");
    assert!(story.ask(FIX).iter().any(|word| word.ends_with("refuse-policy")));
}

#[test]
fn d3_the_card_of_a_change_covers_one_run_of_it_and_nothing_else() {
    let mut story = fresh();
    story.ask(FIX);
    story.allow();
    story.receipt();
    let said = story.run(PROBE);
    assert!(has(&said, "closed PeerMisbehaved"), "{said:?}");
}

#[test]
fn g6_what_cannot_be_stopped_is_never_said_to_be() {
    for (interruptible, told, detail) in
        [("true", "tell NotSent", "stopped"), ("false", "tell GoesOn", "stopped; what had begun goes on to its end")]
    {
        let mut story = Story::new();
        let said = format!("\"interruptible\":{interruptible}");
        let files: Vec<String> = [(PROBE, "system", "reads"), (OTHER, "network", "reads"), (FIX, "network", "changes")]
            .map(|(id, area, effect)| definition(id, area, effect, 1).replace("\"interruptible\":true", &said))
            .into();
        story.catalog = Catalog::from_files(&files.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        story.arrive(true, Offer::default());
        story.receipt();
        story.allow();
        story.receipt();
        story.previewed("p");
        story.ask(FIX);
        story.allow();
        story.receipt();
        assert_eq!(story.agent.running().count(), 1);
        story.agent.handle(&story.catalog, story.now(), Input::Stop);
        let mut killed = None;
        let mut words = Vec::new();
        while let Some(output) = story.agent.poll_output(story.now()) {
            if let Output::Record { entries, .. } = &output {
                killed = killed.or(entries.iter().find_map(|entry| match entry {
                    Entry::Own { kind: Kind::Result { .. }, body: Body::Result(outcome) } => {
                        Some(outcome.detail.raw().to_owned())
                    }
                    Entry::Own { .. } | Entry::Theirs(_) => None,
                }));
            } else if let Output::Tell(tell) = &output {
                words.push(format!("tell {tell:?}").split(['(', ' ']).take(2).collect::<Vec<_>>().join(" "));
            }
        }
        assert_eq!(killed.as_deref(), Some(detail));
        assert!(has(&words, told), "{words:?}");
    }
}
