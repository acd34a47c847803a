//! The person of `venia-try agent-scripted`: asked on standard output, answered on standard input, one line each.
//!
//! ```text
//! out  {"asked":"arrival|consent|sign|free","text":"…"}   {"withdrawn":true}   {"feed":"…"}
//! in   yes no all "tick 3" allow "allow 10" deny send keep "send every" sign "not now" skip stop gone
//! ```
//!
//! An answer goes to the question that is open when it is read; without one it goes nowhere. `send every` sends every
//! preview from then on: how many there are depends on what a computer can tell.

use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use venia_agent::person::feed;
use venia_agent::person::{Answer, Asking, Command, Event, Line, Person, Question, Ticks, line};
use venia_ui::failure::Failure;
use venia_ui::words::Words;

/// Somebody a test answers for.
pub struct Scripted;

type Open = Arc<Mutex<Option<Question>>>;

impl Person for Scripted {
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure> {
        let (line, mut told, say) = line();
        let words = words.clone();
        let open = Open::default();
        let (asked, answers, sends) = (open.clone(), say.clone(), Arc::new(AtomicBool::new(false)));
        let every = Arc::clone(&sends);
        std::thread::spawn(move || {
            while let Some(command) = told.blocking_recv() {
                match command {
                    Command::Ask(question) => {
                        let text = question.sheet.text();
                        let shown = json!({ "asked": name(question.kind), "text": text });
                        let sent = (question.kind == Asking::Preview && sends.load(Ordering::Relaxed))
                            .then_some(Event::Answered { id: question.id, answer: Answer::Send, shown: text });
                        *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(question);
                        print(&shown);
                        // A driver that is gone needs no answer.
                        let _ = sent.map(|sent| say.send(sent));
                    }
                    Command::Withdraw(id) => {
                        let mut open = asked.lock().unwrap_or_else(PoisonError::into_inner);
                        if open.take_if(|question| question.id == id).is_some() {
                            print(&json!({ "withdrawn": true }));
                        }
                    }
                    Command::Feed(news) => print(&json!({ "feed": feed::news(&news, &words) })),
                    Command::Shown(shown) => drop(shown.send(())),
                    Command::Failed(_) | Command::Unaddressed => {}
                }
            }
            // Kept until here: a person whose input has ended is silent, not gone.
            drop(say);
        });
        std::thread::spawn(move || listen(&open, &answers, &every));
        Ok(line)
    }
}

fn listen(open: &Open, say: &UnboundedSender<Event>, every: &AtomicBool) {
    for typed in std::io::stdin().lock().lines().map_while(Result::ok) {
        let event = match typed.as_str() {
            "stop" => Some(Event::Stop),
            "gone" => Some(Event::Gone),
            "send every" => {
                every.store(true, Ordering::Relaxed);
                None
            }
            answer => open.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(|question| {
                let answer = read(answer, question.kind)?;
                Some(Event::Answered { id: question.id, answer, shown: question.sheet.text() })
            }),
        };
        if let Some(event) = event
            && say.send(event).is_err()
        {
            return;
        }
    }
}

fn read(typed: &str, kind: Asking) -> Option<Answer> {
    match (typed.split_once(' ').unwrap_or((typed, "")), kind) {
        (("yes", ""), Asking::Arrival | Asking::Resume) => Some(Answer::Yes),
        (("no", ""), Asking::Arrival | Asking::Resume) => Some(Answer::No),
        (("allow", ""), Asking::Consent { minutes, .. }) => Some(Answer::Allow { minutes }),
        (("allow", minutes), Asking::Consent { .. }) => Some(Answer::Allow { minutes: minutes.parse().ok() }),
        (("deny", ""), Asking::Consent { .. }) => Some(Answer::Deny),
        (("all", ""), Asking::Consent { .. }) => Some(Answer::Tick(Ticks::All)),
        (("tick", numbers), Asking::Consent { .. }) => {
            Some(Answer::Tick(Ticks::Toggle(numbers.split(' ').filter_map(|n| n.parse().ok()).collect())))
        }
        (("send", ""), Asking::Preview) => Some(Answer::Send),
        (("keep", ""), Asking::Preview) => Some(Answer::Keep),
        (("sign", ""), Asking::Sign) => Some(Answer::Sign { stars: None, comment: None }),
        (("not", "now"), Asking::Sign) => Some(Answer::NotNow),
        (("skip", ""), Asking::Free) => Some(Answer::Words(None)),
        (
            _,
            Asking::Free | Asking::Arrival | Asking::Resume | Asking::Consent { .. } | Asking::Preview | Asking::Sign,
        ) => None,
    }
}

fn name(kind: Asking) -> &'static str {
    match kind {
        Asking::Free => "free",
        Asking::Arrival | Asking::Resume => "arrival",
        Asking::Consent { .. } => "consent",
        Asking::Preview => "preview",
        Asking::Sign => "sign",
    }
}

fn print(line: &Value) {
    // Nobody reads any more: the test is over.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
