//! The terminal person on a real pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use venia_proto::ledger::body::Language;

use super::super::{Answer, Asking, Question, QuestionId};
use super::*;
use crate::person::feed::News;
use crate::person::sheet::{Block, Sheet};

/// Longest wait for something that must come; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The other side of the terminal: what the person sees and types.
struct Keys {
    master: File,
    seen: String,
}

impl Keys {
    fn types(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("typed");
    }

    /// Everything up to and including `text`, which must come.
    fn sees(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                return self.seen.drain(..at + text.len()).collect();
            }
            let longest = Timespec::try_from(PATIENCE).expect("a short time");
            let ready = poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&longest)).expect("polled");
            assert!(ready > 0, "never saw {text:?} but {:?}", self.seen);
            let mut bytes = [0; 1024];
            let n = self.master.read(&mut bytes).expect("read");
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    }
}

fn at_a_terminal() -> (Keys, Line) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let open = || rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other side");
    let words = Words::new(Language::En);
    let terminal = Terminal::on(open(), open(), &words).expect("a terminal");
    let line = Box::new(terminal).start(&words).expect("started");
    (Keys { master: File::from(master), seen: String::new() }, line)
}

fn consent() -> Question {
    let blocks = ["Ana asks", "Time: 30 minutes"].map(|line| Block::Title(line.to_owned())).into();
    let sheet = Sheet { blocks, prompt: "allow / deny > ".to_owned() };
    Question { id: QuestionId(7), sheet, kind: Asking::Consent { minutes: Some(30), boxes: 0, ticked: 0 } }
}

fn next(line: &mut Line) -> Event {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let event = runtime.block_on(async { tokio::time::timeout(PATIENCE, line.events.recv()).await });
    event.expect("in time").expect("an event")
}

fn answered(answer: Answer) -> Event {
    Event::Answered { id: QuestionId(7), answer, shown: consent().sheet.text() }
}

#[test]
fn d4_type_ahead_is_discarded_before_the_prompt() {
    let (mut keys, mut line) = at_a_terminal();
    // The echo proves that the terminal has it, so that it is type-ahead and not an answer.
    keys.types("allow until-stop\nallow");
    keys.sees("allow until-stop\r\n");
    keys.sees("allow");
    line.tell.ask(consent());
    let card = keys.sees("allow / deny > ");
    assert!(card.ends_with("\r\nAna asks\r\nTime: 30 minutes\r\nallow / deny > "), "{card:?}");
    // Had the beginning survived, this would read "allow 10".
    keys.types(" 10\n");
    keys.sees("Please type allow or deny.");
    keys.sees("allow / deny > ");
    keys.types("deny\n");
    assert_eq!(next(&mut line), answered(Answer::Deny));
}

#[test]
fn d4_a_stop_begun_before_the_prompt_is_no_type_ahead() {
    for begun in ["", "d", "deten", "detener"] {
        let (mut keys, mut line) = at_a_terminal();
        keys.types(begun);
        keys.sees(begun);
        line.tell.ask(consent());
        keys.sees("allow / deny > ");
        keys.types(&format!("{}\n", &"detener"[begun.len()..]));
        assert_eq!(next(&mut line), Event::Stop, "{begun:?}");
    }
}

#[test]
fn a_stop_typed_while_a_prompt_appears_is_never_lost() {
    for _ in 0..200 {
        let (mut keys, mut line) = at_a_terminal();
        line.tell.ask(consent());
        keys.types("stop\n");
        assert_eq!(next(&mut line), Event::Stop);
    }
}

#[test]
fn the_end_of_input_while_a_prompt_appears_is_the_end() {
    for asked_first in [false, true].repeat(200) {
        let (mut keys, mut line) = at_a_terminal();
        if asked_first {
            line.tell.ask(consent());
            keys.types("\u{4}");
        } else {
            keys.types("\u{4}");
            line.tell.ask(consent());
        }
        assert_eq!(next(&mut line), Event::Gone);
    }
}

#[test]
fn ctrl_d_behind_something_typed_ends_nothing() {
    for _ in 0..100 {
        let (mut keys, mut line) = at_a_terminal();
        keys.types("st\u{4}");
        line.tell.ask(consent());
        keys.types("op\n");
        assert_eq!(next(&mut line), Event::Stop);
    }
}

#[test]
fn an_answer_right_after_the_prompt_counts() {
    for _ in 0..20 {
        let (mut keys, mut line) = at_a_terminal();
        line.tell.ask(consent());
        keys.sees("> ");
        keys.types("Permitir 10\n");
        assert_eq!(next(&mut line), answered(Answer::Allow { minutes: Some(10) }));
    }
}

#[test]
fn a_prompt_interrupted_by_news_is_printed_again() {
    let (mut keys, mut line) = at_a_terminal();
    line.tell.ask(consent());
    keys.sees("allow / deny > ");
    line.tell.feed(News::Said("Ana says: “hello”".to_owned()));
    assert_eq!(keys.sees("> "), "\r\nAna says: “hello”\r\nallow / deny > ");
    keys.types("allow\n");
    assert_eq!(next(&mut line), answered(Answer::Allow { minutes: Some(30) }));
}

#[test]
fn stop_needs_no_question_and_the_end_of_input_is_told_once() {
    let (mut keys, mut line) = at_a_terminal();
    keys.types("detener\n");
    assert_eq!(next(&mut line), Event::Stop);
    line.tell.ask(consent());
    keys.sees("> ");
    keys.types("stop\n");
    assert_eq!(next(&mut line), Event::Stop);
    keys.types("\u{4}");
    assert_eq!(next(&mut line), Event::Gone);
    drop(keys);
    drop(line.tell);
    assert_eq!(line.events.blocking_recv(), None);
}

#[test]
fn a_terminal_that_hangs_up_is_gone() {
    let (keys, mut line) = at_a_terminal();
    drop(keys);
    assert_eq!(next(&mut line), Event::Gone);
}

#[test]
fn a_held_terminal_holds_neither_the_driver_nor_stop() {
    let (mut keys, mut line) = at_a_terminal();
    // Nobody reads: the writer blocks once the terminal's buffer is full.
    for n in 0..20_000 {
        line.tell.feed(News::Said(format!("line {n} of very many that nobody reads")));
    }
    line.tell.ask(consent());
    keys.types("stop\n");
    assert_eq!(next(&mut line), Event::Stop);
    keys.sees("line 19999 of");
    keys.sees("allow / deny > ");
    keys.types("deny\n");
    assert_eq!(next(&mut line), answered(Answer::Deny));
}

#[test]
fn shown_resolves_when_everything_is_on_the_screen() {
    let (mut keys, line) = at_a_terminal();
    line.tell.feed(News::Said("the last words".to_owned()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, line.tell.shown()).await }).expect("in time");
    keys.sees("the last words\r\n");
}

#[test]
fn d4_what_is_no_terminal_is_refused_with_2() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let failure = Terminal::on(reader.into(), writer.into(), &Words::new(Language::En)).expect_err("not a terminal");
    assert_eq!(failure.exit.code(), 2);
    assert!(failure.hint.contains("terminal window"));
}
