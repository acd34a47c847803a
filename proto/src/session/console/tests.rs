use std::collections::BTreeSet;
use std::num::NonZeroU16;

use super::grants::EXPIRY_MARGIN_MS;
use super::*;
use crate::ledger::body::{Allowed, Arguments, DefinitionHash, ItemId, Language, Outcome, Redaction};
use crate::now::Wall;
use crate::report::Report;

const ME: Strand = Strand::Technician(NonZeroU16::MIN);
const MINUTE: u64 = 60_000;

struct Story {
    console: Console,
    now_ms: u64,
    seq: u64,
}

fn asked(item: &str) -> Asked {
    Asked { item: ItemId(item.to_owned()), definition: DefinitionHash("d".into()), arguments: Arguments::new() }
}

fn agent(seq: u64) -> EntryRef {
    EntryRef { author: Strand::Agent, seq }
}

fn mine(seq: u64) -> EntryRef {
    EntryRef { author: ME, seq }
}

fn card(items: &[(&str, u32)], minutes: Option<u32>) -> Body {
    let allowed = |(item, uses): &(&str, u32)| Allowed {
        item: ItemId((*item).to_owned()),
        definition: DefinitionHash("d".into()),
        values: BTreeMap::new(),
        uses: *uses,
    };
    Body::Consent(Consent {
        text: "t".into(),
        language: Language::En,
        scopes: BTreeSet::new(),
        items: items.iter().map(allowed).collect(),
        minutes,
    })
}

impl Story {
    fn new(offered: bool) -> Self {
        let mut story = Self { console: Console::new(ME, Foreign::new("why"), offered), now_ms: 1_000, seq: 0 };
        story.event(Kind::Open { versions: vec![1] }, Body::None);
        story
    }

    /// Let in and granted two uses of `a` for ten minutes.
    fn granted() -> Self {
        let mut story = Self::new(true);
        story.consent(agent(1), Answer::Yes, card(&[], None));
        story.consent(agent(1), Answer::Yes, card(&[("a", 2)], Some(10)));
        story
    }

    fn give(&mut self, input: Input) -> Vec<String> {
        self.console.handle(Now { boot_ms: self.now_ms, wall: Wall::from_ms(0) }, input);
        std::iter::from_fn(|| self.console.poll_output()).map(|output| word(&output)).collect()
    }

    fn event(&mut self, kind: Kind<EntryRef>, body: Body) -> Vec<String> {
        let entry = agent(self.seq);
        self.seq += 1;
        self.give(Input::Event { entry, kind, body })
    }

    fn consent(&mut self, asked: EntryRef, answer: Answer, body: Body) -> Vec<String> {
        self.event(Kind::Consent { asked, answer, took: 0 }, body)
    }

    fn admit(&mut self, request: u64) -> u64 {
        assert!(
            self.event(Kind::Admit { request: mine(request), grant: agent(3) }, Body::None)[0].starts_with("running")
        );
        self.seq - 1
    }

    fn result(&mut self, admit: u64) -> Vec<String> {
        let body = Body::Result(Outcome { report: None, detail: Foreign::new("") });
        self.event(Kind::Result { admit: agent(admit), status: Status::Done }, body)
    }

    fn run(&mut self, item: &str) -> Vec<String> {
        self.give(Input::Run(asked(item)))
    }

    fn sign_off(&mut self) -> Vec<String> {
        let signoff = Signoff { outcome: Foreign::new("o"), next: Foreign::new("n"), observations: None };
        self.give(Input::SignOff(signoff))
    }
}

fn word(output: &Output) -> String {
    match output {
        Output::Write(Write::Ask(request)) => format!("ask {}", request.item.0),
        Output::Write(Write::Run(request)) => format!("run {}", request.item.0),
        Output::Write(Write::Chat(_)) => "chat".to_owned(),
        Output::Write(Write::Note(_)) => "note".to_owned(),
        Output::Write(Write::Signoff(_)) => "signoff".to_owned(),
        Output::Leave => "leave".to_owned(),
        Output::Collect => "collect".to_owned(),
        Output::Tell(tell) => match tell {
            Tell::Consent { answer, .. } => format!("consent {answer:?}"),
            Tell::Running(item) => format!("running {}", item.0),
            Tell::Result { item, status, .. } => format!("result {} {status:?}", item.0),
            Tell::Redacted { item, count } => format!("redacted {} {count}", item.0),
            Tell::Refused { item, why } => format!("refused {} {why:?}", item.0),
            Tell::Said(_) => "said".to_owned(),
            Tell::Unsaid => "unsaid".to_owned(),
            Tell::Paused(_) => "paused".to_owned(),
            Tell::Resumed => "resumed".to_owned(),
            Tell::Closed { cause, .. } => format!("closed {cause:?}"),
            Tell::Lost => "lost".to_owned(),
        },
    }
}

#[test]
fn nothing_is_run_before_the_offer_is_answered() {
    let mut story = Story::new(true);
    assert_eq!(story.run("a"), [""; 0]);
    assert_eq!(story.consent(agent(1), Answer::Yes, card(&[], None)), ["consent Yes"]);
    let said = story.consent(agent(1), Answer::Yes, card(&[("a", 2)], Some(10)));
    assert_eq!(said, ["consent Yes", "run a"]);
}

#[test]
fn what_is_said_before_the_person_knows_the_technician_is_not_sent_and_that_is_told() {
    let mut story = Story::new(true);
    let chat = |story: &mut Story| story.give(Input::Chat(Foreign::new("hello")));
    assert_eq!(chat(&mut story), ["unsaid"]);
    assert_eq!(story.give(Input::Note(Foreign::new("hm"))), ["unsaid"]);
    story.consent(agent(1), Answer::Yes, card(&[], None));
    assert_eq!(chat(&mut story), ["chat"], "while the person reads the card");
    story.consent(agent(1), Answer::Yes, card(&[("a", 2)], Some(10)));
    assert_eq!(chat(&mut story), ["chat"]);
}

#[test]
fn what_is_not_granted_is_asked_one_at_a_time() {
    let mut story = Story::granted();
    assert_eq!(story.run("b"), ["ask b"]);
    assert_eq!(story.run("c"), [""; 0], "one question at a time");
    story.consent(mine(0), Answer::Yes, card(&[("b", 1)], Some(10)));
    story.admit(0);
    assert_eq!(story.event(Kind::Chat, Body::None), [""; 0]);
    assert_eq!(story.console.runs.len(), 2, "c was asked when b was admitted");
}

#[test]
fn uses_are_counted_so_that_an_honest_console_never_misbehaves() {
    let mut story = Story::granted();
    assert_eq!(story.run("a"), ["run a"]);
    assert_eq!(story.run("a"), ["run a"]);
    assert_eq!(story.run("a"), ["ask a"]);
}

#[test]
fn a_grant_is_not_used_in_its_last_moments() {
    let end = 10 * MINUTE - EXPIRY_MARGIN_MS;
    for (wait, covered) in [(end - 1, true), (end, false), (end + 1, false)] {
        let mut story = Story::granted();
        story.now_ms += wait;
        assert_eq!(story.run("a"), [if covered { "run a" } else { "ask a" }], "{wait}");
    }
}

#[test]
fn what_covers_is_what_would_run_without_a_question() {
    let covers = |story: &Story, item: &str| story.console.covers(story.now_ms, &asked(item));
    let mut story = Story::granted();
    assert!(covers(&story, "a") && !covers(&story, "b"));
    let end = story.now_ms + 10 * MINUTE - EXPIRY_MARGIN_MS;
    for (now_ms, covered) in [(end - 1, true), (end, false), (end + 1, false)] {
        assert_eq!(story.console.covers(now_ms, &asked("a")), covered, "{now_ms}");
    }
    for (uses, covered) in [(2, true), (1, true), (0, false)] {
        assert_eq!(covers(&story, "a"), covered, "{uses}");
        story.run("a");
    }
    let mut story = Story::granted();
    story.event(Kind::Pause { by: Cause::NoEyes, cause: Cause::NoEyes }, Body::None);
    assert!(!covers(&story, "a"));
    assert!(!covers(&Story::new(true), "a"));
    // As many as can run at once: another one would wait, and the grant may be over by then.
    let mut story = Story::new(true);
    story.consent(agent(1), Answer::Yes, card(&[], None));
    story.consent(agent(1), Answer::Yes, card(&[("a", 20)], Some(10)));
    for n in 0..=RUNS_MAX {
        assert_eq!(covers(&story, "a"), n < RUNS_MAX, "{n}");
        story.run("a");
    }
}

#[test]
fn a_late_word_of_an_answer_does_not_make_the_grant_longer() {
    let mut story = Story::new(true);
    story.consent(agent(1), Answer::Yes, card(&[], None));
    story.now_ms += 20_000;
    // Answered five seconds after the arrival was, but its receipt took fifteen more.
    let kind = Kind::Consent { asked: agent(1), answer: Answer::Yes, took: 5_000 };
    story.event(kind, card(&[("a", 9)], Some(10)));
    story.now_ms = 1_000 + 5_000 + 10 * MINUTE - EXPIRY_MARGIN_MS - 1;
    assert_eq!(story.run("a"), ["run a"]);
    story.now_ms += 1;
    assert_eq!(story.run("a"), ["ask a"]);
}

#[test]
fn a_yes_without_its_words_grants_nothing() {
    let mut story = Story::new(true);
    story.consent(agent(1), Answer::Yes, card(&[], None));
    story.consent(agent(1), Answer::Yes, Body::None);
    assert_eq!(story.run("a"), ["ask a"]);
}

#[test]
fn four_at_once() {
    let mut story = Story::new(true);
    story.consent(agent(1), Answer::Yes, card(&[], None));
    story.consent(agent(1), Answer::Yes, card(&[("a", 20)], Some(10)));
    for n in 0..=RUNS_MAX {
        assert_eq!(story.run("a").len(), usize::from(n < RUNS_MAX), "{n}");
    }
    let admit = story.admit(1);
    assert_eq!(story.result(admit), ["result a Done", "run a"]);
}

#[test]
fn what_was_taken_out_is_told_with_its_item() {
    let mut story = Story::granted();
    story.run("a");
    let admit = story.admit(0);
    let rules = [("home".to_owned(), 2), ("mac".to_owned(), u64::MAX)].into();
    let body = || Body::Redaction(Redaction { set: "s".to_owned(), rules: BTreeMap::clone(&rules) });
    let redaction = |admit| Kind::Redaction { admit: agent(admit) };
    assert_eq!(story.event(redaction(admit), body()), [format!("redacted a {}", u64::MAX)]);
    // Of nothing that runs, or without its words.
    assert_eq!(story.event(redaction(99), body()), [""; 0]);
    assert_eq!(story.event(redaction(admit), Body::None), [""; 0]);
}

#[test]
fn a_result_may_overtake_its_admit() {
    let mut story = Story::granted();
    story.run("a");
    assert_eq!(story.result(9), [""; 0]);
    story.seq = 9;
    let said = story.event(Kind::Admit { request: mine(0), grant: agent(3) }, Body::None);
    assert_eq!(said, ["running a", "result a Done"]);
    assert!(!story.console.is_busy());
}

#[test]
fn the_signoff_waits_for_the_last_result() {
    let mut story = Story::granted();
    story.run("a");
    assert_eq!(story.sign_off(), [""; 0]);
    let admit = story.admit(0);
    assert_eq!(story.result(admit), ["result a Done", "signoff"]);
    assert_eq!(story.run("a"), [""; 0], "nothing after the signoff");
}

#[test]
fn a_scripted_console_leaves_when_the_offer_is_refused() {
    let mut story = Story::new(true);
    story.run("a");
    story.sign_off();
    story.consent(agent(1), Answer::Yes, card(&[], None));
    let said = story.consent(agent(1), Answer::Silence, card(&[("a", 1)], None));
    assert_eq!(said, ["consent Silence", "refused a Person", "leave"]);
}

#[test]
fn paused_means_nothing_is_sent_and_a_sleep_takes_the_grants() {
    for (cause, said) in [(Cause::RelayLost, "run a"), (Cause::Sleep, "ask a")] {
        let mut story = Story::granted();
        assert_eq!(story.event(Kind::Pause { by: cause, cause }, Body::None), ["paused"]);
        assert_eq!(story.run("a"), [""; 0]);
        assert_eq!(story.event(Kind::Resume { by: Cause::Person, cause }, Body::None), ["resumed", said]);
    }
}

#[test]
fn the_yes_to_going_on_does_not_answer_the_offer() {
    let mut story = Story::new(true);
    story.run("a");
    story.consent(agent(1), Answer::Yes, card(&[], None));
    story.event(Kind::Pause { by: Cause::Sleep, cause: Cause::Sleep }, Body::None);
    story.event(Kind::Resume { by: Cause::Person, cause: Cause::Sleep }, Body::None);
    assert_eq!(story.consent(agent(1), Answer::Yes, card(&[], None)), [""; 0], "told already; the offer is still open");
    let said = story.consent(agent(1), Answer::Yes, card(&[("a", 1)], Some(10)));
    assert_eq!(said, ["consent Yes", "run a"]);
}

#[test]
fn a_late_yes_to_going_on_is_still_no_answer_to_the_offer() {
    let mut story = Story::new(true);
    story.run("a");
    story.consent(agent(1), Answer::Yes, card(&[], None));
    // Paused again before the receipt of the first yes came.
    for _ in 0..2 {
        story.event(Kind::Pause { by: Cause::RelayLost, cause: Cause::RelayLost }, Body::None);
        story.event(Kind::Resume { by: Cause::Person, cause: Cause::RelayLost }, Body::None);
    }
    for _ in 0..2 {
        assert_eq!(story.consent(agent(1), Answer::Yes, card(&[], None)), [""; 0]);
    }
    assert_eq!(story.consent(agent(1), Answer::No, Body::None), ["consent No", "refused a Person"]);
}

#[test]
fn the_close_ends_everything_and_is_collected_once_recorded() {
    let mut story = Story::granted();
    story.run("a");
    let close = Kind::Close { by: Cause::Person, cause: Cause::Person, held: BTreeMap::new() };
    assert_eq!(story.event(close.clone(), Body::None), ["refused a Stopped", "closed Person"]);
    assert!(story.console.is_over() && !story.console.is_busy());
    assert_eq!(story.event(close, Body::None), [""; 0]);
    assert_eq!(story.give(Input::CloseRecorded), ["collect"]);
    assert_eq!(story.give(Input::CloseRecorded), [""; 0]);
    assert_eq!(story.console.deadline(), None);
}

#[test]
fn e7_what_is_said_behind_the_close_is_no_part_of_the_session() {
    let mut story = Story::granted();
    let said = |text: &str| Body::Said(Said { text: Foreign::new(text) });
    let late = story.seq;
    story.seq += 1;
    story.event(Kind::Close { by: Cause::Person, cause: Cause::Person, held: BTreeMap::new() }, Body::None);
    assert_eq!(story.event(Kind::Chat, said("after it")), [""; 0]);
    assert_eq!(story.event(Kind::Pause { by: Cause::Person, cause: Cause::Person }, Body::None), [""; 0]);
    assert_eq!(story.consent(agent(1), Answer::Yes, card(&[("a", 9)], None)), [""; 0]);
    // What stands before it and comes later was said in the session.
    let entry = agent(late);
    let told = story.give(Input::Event { entry, kind: Kind::Chat, body: said("before it") });
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn it_waits_ten_seconds_after_its_own_signoff() {
    for (wait, collects) in [(CLOSE_WAIT_MS - 1, false), (CLOSE_WAIT_MS, true), (CLOSE_WAIT_MS + 1, true)] {
        let mut story = Story::granted();
        assert_eq!(story.sign_off(), ["signoff"]);
        story.now_ms += wait;
        assert_eq!(story.give(Input::Tick).contains(&"collect".to_owned()), collects, "{wait}");
    }
}

#[test]
fn a_broken_connection_ends_what_was_open() {
    let mut story = Story::granted();
    story.run("a");
    assert_eq!(story.give(Input::LinkLost), ["refused a Stopped", "lost"]);
    assert_eq!(story.give(Input::Tick), ["collect"]);
}

#[test]
fn other_peoples_requests_are_not_ours() {
    let mut story = Story::granted();
    story.run("a");
    let theirs = EntryRef { author: Strand::Technician(NonZeroU16::new(2).unwrap()), seq: 0 };
    assert_eq!(story.event(Kind::Refuse { request: theirs, why: Why::Level }, Body::None), [""; 0]);
    assert!(story.console.is_busy());
}

fn planned(story: &mut Story, admit: u64, plan: Option<&str>) -> Vec<String> {
    let fact = |plan: &str| crate::report::Fact { key: "plan".into(), value: plan.into(), unit: String::new() };
    let report = Report { facts: plan.map(fact).into_iter().collect(), ..Report::default() };
    let body = Body::Result(Outcome { report: Some(report), detail: Foreign::new("") });
    story.event(Kind::Result { admit: agent(admit), status: Status::Done }, body)
}

#[test]
fn a_change_is_asked_for_once_its_preview_found_something() {
    for (plan, then) in [(Some("p"), "ask fix"), (None, "refused fix NotShown")] {
        let mut story = Story::granted();
        let said = story.give(Input::Change { preview: asked("a"), change: asked("fix") });
        assert_eq!(said, ["run a"]);
        let admit = story.admit(0);
        let said = planned(&mut story, admit, plan);
        assert!(said.iter().any(|word| word == then), "{said:?}");
    }
}

#[test]
fn a_change_whose_preview_is_refused_is_not_asked_for() {
    let mut story = Story::granted();
    story.give(Input::Change { preview: asked("b"), change: asked("fix") });
    let said = story.event(Kind::Refuse { request: mine(0), why: Why::Person }, Body::None);
    assert_eq!(said, ["refused b Person", "refused fix NotShown"]);
}
