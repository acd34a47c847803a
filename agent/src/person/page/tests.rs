//! What a press on the page may do, and what no press can.

use std::cell::Cell;

use venia_proto::ledger::body::Language;
use venia_proto::session::timer::ARM_MS;
use venia_ui::page::{Fields, Seal};
use venia_ui::words::Words;

use super::super::card;
use super::super::feed::News;
use super::super::{Answer, Asking, Event, Question, QuestionId, Ticks};
use super::press::Press;
use super::scene::{FEED_MAX, Notice, Scene, Stage};
use super::show;
use venia_proto::foreign::Foreign;

const CONSENT: Asking = Asking::Consent { minutes: Some(30), boxes: 0, ticked: 0 };

fn scene() -> Scene {
    Scene::new(Words::new(Language::En))
}

fn question(id: u64, kind: Asking, text: &str) -> Question {
    Question { id: QuestionId(id), sheet: card::free(text.to_owned()), kind }
}

/// A page that shows a question since `since_ms`.
fn asked(kind: Asking, since_ms: u64) -> (Scene, u64) {
    let mut scene = scene();
    scene.tell(News::Connected(Foreign::new("Ana")), 0);
    let view = scene.load(None, None, 0);
    scene.ask(question(1, kind, "May I?"));
    scene.load(Some(view), None, since_ms);
    (scene, view)
}

/// Presses a form that was made for what is shown now.
fn press(scene: &mut Scene, view: u64, form: &str, now_ms: u64) -> Option<Event> {
    let form = Fields::read(form.as_bytes());
    let shown = scene.question.as_ref().map_or(String::new(), |asked| asked.shown.clone());
    scene.answer(&Press { view, form: &form, is_for: &|text| text == shown }, now_ms)
}

fn answer(event: Option<Event>) -> Option<Answer> {
    match event {
        Some(Event::Answered { answer, .. }) => Some(answer),
        _ => None,
    }
}

#[test]
fn d4_giving_something_away_takes_800_ms() {
    for (kind, word) in [
        (Asking::Arrival, "yes"),
        (Asking::Resume, "yes"),
        (CONSENT, "allow"),
        (Asking::Preview, "send"),
        (Asking::Sign, "sign"),
    ] {
        for (after, counts) in [(ARM_MS - 1, false), (ARM_MS, true), (ARM_MS + 1, true)] {
            let (mut scene, view) = asked(kind, 5_000);
            let event = press(&mut scene, view, &format!("do={word}"), 5_000 + after);
            assert_eq!(event.is_some(), counts, "{word} {after}");
            assert_eq!(scene.notice == Some(Notice::TooSoon), !counts, "{word} {after}");
        }
    }
    // Keeping something is never too early.
    for (kind, word) in
        [(Asking::Arrival, "no"), (CONSENT, "deny"), (Asking::Preview, "keep"), (Asking::Sign, "not-now")]
    {
        let (mut scene, view) = asked(kind, 5_000);
        assert!(press(&mut scene, view, &format!("do={word}"), 5_000).is_some(), "{word}");
    }
}

#[test]
fn d4_a_question_that_changed_is_armed_anew() {
    let (mut scene, view) = asked(CONSENT, 0);
    // The same again changes nothing.
    scene.ask(question(1, CONSENT, "May I?"));
    assert!(press(&mut scene, view, "do=nothing", ARM_MS).is_none());
    scene.ask(question(1, CONSENT, "May I do something else?"));
    // It isn't even shown yet.
    assert!(press(&mut scene, view, "do=allow", 60_000).is_none());
    scene.load(Some(view), None, 60_000);
    assert!(press(&mut scene, view, "do=allow", 60_000 + ARM_MS - 1).is_none());
    assert!(press(&mut scene, view, "do=allow", 60_000 + ARM_MS).is_some());
}

#[test]
fn a_form_counts_only_for_what_is_shown() {
    let (mut scene, view) = asked(CONSENT, 0);
    let form = Fields::read(b"do=allow");
    let old = Press { view, form: &form, is_for: &|text| text == "another question" };
    assert!(scene.answer(&old, 10_000).is_none());
    assert_eq!(scene.notice, Some(Notice::Changed));
    assert!(scene.question.is_some());
    // Whoever asked takes the question back: nothing is answered.
    scene.withdraw(QuestionId(1));
    assert!(press(&mut scene, view, "do=allow", 10_000).is_none());
}

#[test]
fn the_words_of_one_question_answer_no_other() {
    for (kind, word) in [
        (CONSENT, "yes"),
        (Asking::Arrival, "allow"),
        (Asking::Preview, "allow"),
        (CONSENT, "send"),
        (Asking::Sign, "yes"),
    ] {
        let (mut scene, view) = asked(kind, 0);
        assert!(press(&mut scene, view, &format!("do={word}"), 10_000).is_none(), "{word}");
        assert!(scene.question.is_some());
    }
}

#[test]
fn the_time_is_one_of_those_a_person_may_choose() {
    for (form, minutes) in [
        ("do=allow", Some(Some(30))),
        ("do=allow&time=10", Some(Some(10))),
        ("do=allow&time=480", Some(Some(480))),
        ("do=allow&time=until-stop", Some(None)),
        ("do=allow&time=0", None),
        ("do=allow&time=481", None),
        ("do=allow&time=forever", None),
    ] {
        let (mut scene, view) = asked(CONSENT, 0);
        let answered = answer(press(&mut scene, view, form, 10_000));
        assert_eq!(answered, minutes.map(|minutes| Answer::Allow { minutes }), "{form}");
    }
}

#[test]
fn boxes_that_differ_from_the_card_show_it_again_instead_of_allowing() {
    let kind = |ticked| Asking::Consent { minutes: Some(30), boxes: 3, ticked };
    for (form, expected) in [
        ("do=allow&box=1&was=1", Some(Answer::Allow { minutes: Some(30) })),
        ("do=allow&box=1&box=2&was=1", Some(Answer::Tick(Ticks::Toggle(vec![2])))),
        ("do=tick&box=2&box=3&was=1", Some(Answer::Tick(Ticks::Toggle(vec![1, 2, 3])))),
        ("do=tick&box=1&was=1", None),
        ("do=tick&box=4&was=1&box=1", None),
        ("do=all", Some(Answer::Tick(Ticks::All))),
    ] {
        let (mut scene, view) = asked(kind(1), 0);
        assert_eq!(answer(press(&mut scene, view, form, 10_000)), expected, "{form}");
    }
    let (mut scene, view) = asked(kind(0), 0);
    assert!(press(&mut scene, view, "do=allow", 10_000).is_none());
    assert_eq!(scene.notice, Some(Notice::NothingTicked));
    // The time that was chosen stays chosen, until the card is answered.
    for (form, time) in [("do=all&time=10", Some(Some(10))), ("do=all&time=until-stop", Some(None)), ("do=deny", None)]
    {
        let (mut scene, view) = asked(kind(1), 0);
        press(&mut scene, view, form, 10_000);
        assert_eq!(scene.time, time, "{form}");
    }
}

#[test]
fn of_two_pages_the_newest_acts() {
    let (mut scene, old) = asked(CONSENT, 0);
    let new = scene.load(None, None, 10_000);
    assert!(new > old);
    assert!(press(&mut scene, old, "do=allow", 20_000).is_none());
    // Loading the old one again doesn't make it the newest, nor does a number that was never given.
    assert_eq!(scene.load(Some(old), None, 20_000), old);
    assert!(press(&mut scene, old, "do=allow", 30_000).is_none());
    assert!(press(&mut scene, new, "do=allow", 10_000 + ARM_MS).is_some());
    let invented = scene.load(Some(999), None, 40_000);
    assert_eq!(invented, new + 1);
}

#[test]
fn a_time_chosen_on_one_card_is_not_another_card_s() {
    let kind = Asking::Consent { minutes: Some(30), boxes: 2, ticked: 1 };
    let (mut scene, view) = asked(kind, 0);
    assert!(press(&mut scene, view, "do=tick&box=2&was=1&time=until-stop", 10_000).is_some());
    scene.ask(question(1, kind, "May I, written anew?"));
    assert_eq!(scene.time, Some(None), "the same card keeps it");
    scene.ask(question(2, kind, "May I something else?"));
    assert_eq!(scene.time, None);
}

#[test]
fn once_stopped_there_is_nothing_to_stop() {
    let (mut scene, view) = asked(CONSENT, 0);
    scene.tell(News::Stopped, 0);
    assert!(scene.live.is_none() && matches!(scene.stage, Stage::Stopped));
    let form = Fields::default();
    assert_eq!(scene.stop(&Press { view, form: &form, is_for: &|text| text.is_empty() }), None);
}

#[test]
fn stop_counts_from_every_page_and_whatever_changed() {
    let (mut scene, old) = asked(CONSENT, 0);
    scene.load(None, None, 10_000);
    let form = Fields::default();
    assert_eq!(scene.stop(&Press { view: old, form: &form, is_for: &|text| text.is_empty() }), Some(Event::Stop));
    assert_eq!(scene.stop(&Press { view: old, form: &form, is_for: &|_| false }), None);
}

#[test]
fn what_is_wrong_is_asked_once_and_may_stay_unsaid() {
    let begun = |form: &str| {
        let mut scene = scene();
        let view = scene.load(None, Some(Language::Es), 0);
        let fields = Fields::read(form.as_bytes());
        let event = scene.begin(&Press { view, form: &fields, is_for: &|text| text.is_empty() });
        (event, scene)
    };
    let (event, scene) = begun("about=+slow+&since=&called=Mar%C3%ADa");
    let Some(Event::Begin(wish)) = event else { panic!("{event:?}") };
    assert_eq!(wish.language, Language::Es);
    assert_eq!((wish.about, wish.since, wish.called), (Some(Foreign::new("slow")), None, Some(Foreign::new("María"))));
    assert!(matches!(scene.stage, Stage::Asking));
    let (event, scene) = begun(&format!("about={}", "x".repeat(2_001)));
    assert_eq!((event, scene.notice), (None, Some(Notice::TooLong)));
}

#[test]
fn a_code_that_nobody_can_come_with_says_so_until_it_works_again() {
    let mut scene = scene();
    let away = Words::new(Language::En).say("feed-away", &[]);
    let view = scene.load(None, None, 0);
    let says = |scene: &Scene| {
        let page = show::page(scene, view, false, &Seal::new([1; 64]), None, show::Moment::default());
        page.contains(&format!("role=\"status\">{away}"))
    };
    scene.tell(News::Code("417-lobo-cobre".to_owned()), 0);
    for (news, said) in [(News::Away, true), (News::Back, false), (News::Away, true)] {
        scene.tell(news, 1_000);
        assert_eq!(says(&scene), said);
    }
    scene.tell(News::Code("418-lobo-cobre".to_owned()), 2_000);
    assert!(!says(&scene), "another code works");
}

#[test]
fn the_feed_is_bounded() {
    for (told, kept) in [(FEED_MAX - 1, FEED_MAX - 1), (FEED_MAX, FEED_MAX), (FEED_MAX + 1, FEED_MAX)] {
        let mut scene = scene();
        (0..told).for_each(|_| scene.tell(News::Denied, 0));
        assert_eq!(scene.feed.len(), kept);
    }
}

#[test]
fn d4_hostile_text_is_shown_as_text() {
    let hostile = "<script>alert(1)</script>\u{202e}\u{1b}[2J\"' onclick=x </form><button name=do value=allow>";
    let (mut scene, view) = asked(CONSENT, 0);
    scene.tell(News::Connected(Foreign::new(hostile)), 0);
    scene.tell(News::Chat(Foreign::new(hostile), Foreign::new(hostile)), 0);
    let tokens = Cell::new(0);
    let page = show::page(&scene, view, false, &Seal::new([1; 64]), None, show::Moment::default());
    tokens.set(page.matches("value=\"allow\"").count());
    assert_eq!(tokens.get(), 1, "one button allows");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}') && !page.contains("<button name=do"));
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn a_session_stands_in_the_title_and_beside_stop() {
    let (scene, view) = asked(CONSENT, 0);
    let page = show::page(&scene, view, false, &Seal::new([1; 64]), None, show::Moment::default());
    assert!(page.contains("<title>● Ana is connected · "), "{page}");
    assert!(page.find("id=\"stop\"") < page.find("<main"));
    // The first button of the card's form does nothing: Enter in a field presses it.
    let form = &page[page.find("action=\"/answer\"").unwrap()..];
    let first = &form[form.find("<button").unwrap()..];
    assert!(first.starts_with("<button type=\"submit\" hidden disabled>"), "{first}");
}

#[test]
fn a_page_that_doesn_t_act_has_nothing_to_press_but_stop() {
    let (mut scene, old) = asked(CONSENT, 0);
    scene.load(None, None, 0);
    let page = show::page(&scene, old, false, &Seal::new([1; 64]), None, show::Moment::default());
    assert!(!page.contains("value=\"allow\"") && page.contains("id=\"stop\""));
}
