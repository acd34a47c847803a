use venia_proto::ledger::body::Language;

use super::super::{Answer, Asking};
use super::*;
use crate::person::sheet::{Block, Sheet};

fn desk() -> Desk {
    Desk::new(Words::new(Language::En))
}

fn question(id: u64, kind: Asking) -> Question {
    let sheet = Sheet { blocks: vec![Block::Title(format!("card {id}"))], prompt: format!("prompt {id} > ") };
    Question { id: QuestionId(id), sheet, kind }
}

const CONSENT: Asking = Asking::Consent { minutes: Some(30), boxes: 0, ticked: 0 };

/// Prints all there is, opening whatever wants to be opened.
fn screen(desk: &mut Desk) -> String {
    let mut text = String::new();
    while let Some(output) = desk.next() {
        match output {
            Output::Print(more) => text.push_str(&more),
            Output::Open => text.push_str(&desk.open().unwrap_or_default()),
        }
    }
    text
}

#[test]
fn d4_a_line_counts_only_after_its_prompt_was_opened() {
    let mut desk = desk();
    desk.ask(question(1, CONSENT));
    assert_eq!(desk.line("allow"), None, "nothing is printed yet");
    assert_eq!(desk.next(), Some(Output::Print("\ncard 1\n".to_owned())));
    assert_eq!(desk.line("allow"), None, "the card is printed, the prompt isn't");
    assert_eq!(desk.next(), Some(Output::Open));
    assert_eq!(desk.line("allow"), None, "the last line that is given away");
    assert_eq!(desk.open(), Some("prompt 1 > ".to_owned()));
    let shown = "card 1\nprompt 1 > ".to_owned();
    let answer = Answer::Allow { minutes: Some(30) };
    assert_eq!(desk.line("allow"), Some(Event::Answered { id: QuestionId(1), answer, shown }));
    assert_eq!(desk.line("allow"), None, "one answer a question");
}

#[test]
fn an_interrupted_prompt_is_printed_again_and_drops_nothing() {
    let mut desk = desk_after_news();
    assert_eq!(screen(&mut desk), "\nnews\nmore\nprompt 1 > ");
    assert!(matches!(desk.line("deny"), Some(Event::Answered { answer: Answer::Deny, .. })));
    // Typed before the prompt stands there again, but after it was printed first: it counts.
    assert!(matches!(desk_after_news().line("deny"), Some(Event::Answered { answer: Answer::Deny, .. })));
}

fn desk_after_news() -> Desk {
    let mut desk = desk();
    desk.ask(question(1, CONSENT));
    screen(&mut desk);
    desk.feed(&News::Said("news".to_owned()));
    desk.feed(&News::Said("more".to_owned()));
    desk
}

#[test]
fn anything_else_asks_again_and_answers_nothing() {
    let mut desk = desk();
    desk.ask(question(1, Asking::Arrival));
    screen(&mut desk);
    assert_eq!(desk.line("allow"), None);
    assert_eq!(screen(&mut desk), "Please type yes or no.\nprompt 1 > ");
    assert_eq!(desk.line(""), None);
    assert_eq!(screen(&mut desk), "prompt 1 > ", "empty is no answer");
    for _ in 0..3 {
        assert_eq!(desk.line("?"), None);
    }
    assert_eq!(screen(&mut desk), "Please type yes or no.\nprompt 1 > ", "one hint is enough");
    assert!(matches!(desk.line("yes"), Some(Event::Answered { answer: Answer::Yes, .. })));
}

#[test]
fn stop_counts_at_every_stage() {
    let mut desk = desk();
    assert_eq!(desk.line("stop"), Some(Event::Stop));
    desk.ask(question(1, CONSENT));
    assert_eq!(desk.line("detener"), Some(Event::Stop), "before the card");
    desk.next();
    assert_eq!(desk.line("STOP"), Some(Event::Stop), "before the prompt");
    screen(&mut desk);
    assert_eq!(desk.line("stop"), Some(Event::Stop), "at the prompt");
    assert_eq!(desk.line("stop"), Some(Event::Stop), "again");
}

#[test]
fn a_withdrawn_or_replaced_question_takes_no_answer() {
    let mut desk = desk();
    desk.ask(question(1, CONSENT));
    screen(&mut desk);
    desk.withdraw(QuestionId(2));
    assert_eq!(screen(&mut desk), "", "another question's name");
    desk.withdraw(QuestionId(1));
    assert_eq!(screen(&mut desk), "\n", "the next line begins at the left");
    assert_eq!(desk.line("allow"), None);
    assert_eq!(screen(&mut desk), "Nothing is being asked now. To end everything, type: stop\n");
    desk.ask(question(3, CONSENT));
    screen(&mut desk);
    desk.ask(question(4, Asking::Arrival));
    assert_eq!(desk.line("allow"), None, "meant for the card before");
    assert_eq!(screen(&mut desk), "\n\ncard 4\nprompt 4 > ");
    assert!(matches!(desk.line("no"), Some(Event::Answered { id: QuestionId(4), answer: Answer::No, .. })));
}

#[test]
fn opening_what_was_withdrawn_meanwhile_opens_nothing() {
    let mut desk = desk();
    desk.ask(question(1, CONSENT));
    desk.next();
    assert_eq!(desk.next(), Some(Output::Open));
    desk.withdraw(QuestionId(1));
    assert_eq!(desk.open(), None);
    desk.ask(question(2, CONSENT));
    assert_eq!(desk.open(), None, "its card isn't printed yet");
}

#[test]
fn a_slow_terminal_costs_bounded_memory() {
    for extra in [0, 1, 10] {
        let mut desk = desk();
        for n in 0..FEED_MAX - 1 + extra {
            desk.feed(&News::Said(format!("line {n}")));
        }
        desk.feed(&News::Said("last".to_owned()));
        let text = screen(&mut desk);
        assert!(text.ends_with("last\n"));
        assert_eq!(text.lines().count(), FEED_MAX + usize::from(extra > 0), "{extra}");
        if extra == 10 {
            assert!(text.starts_with("(10 lines were not shown)\nline 10\n"), "{text}");
        }
    }
}
