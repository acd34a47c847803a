//! The people of a guided session: one who says yes, and one who passes the code on.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use tokio::sync::mpsc;
use venia_agent::person::feed::{self, News};
use venia_agent::person::{Answer, Asking, Command, Event, Line, Person, Ticks, line};
use venia_ui::failure::Failure;
use venia_ui::words::Words;

/// Allows everything and signs; shows on standard error what a person would have seen. Only this program has one:
/// nothing that is shipped can answer for a person.
pub(super) struct SaysYes;

impl Person for SaysYes {
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure> {
        let (line, mut told, say) = line();
        let words = words.clone();
        std::thread::spawn(move || {
            while let Some(command) = told.blocking_recv() {
                match command {
                    Command::Ask(question) => {
                        let (answer, word) = match question.kind {
                            Asking::Arrival | Asking::Resume => (Answer::Yes, "yes"),
                            Asking::Consent { boxes, ticked, .. } if ticked < boxes => {
                                (Answer::Tick(Ticks::All), "all")
                            }
                            Asking::Consent { minutes, .. } => (Answer::Allow { minutes }, "allow"),
                            Asking::Preview => (Answer::Send, "send"),
                            Asking::Sign => (Answer::Sign { stars: None, comment: None }, "sign"),
                            Asking::Free => (Answer::Words(None), ""),
                        };
                        let shown = question.sheet.text();
                        show(&format!("{shown}{word}"));
                        let answered = Event::Answered { id: question.id, answer, shown };
                        if say.send(answered).is_err() {
                            return;
                        }
                    }
                    Command::Feed(news) => show(&feed::news(&news, &words)),
                    Command::Withdraw(_) => {}
                    Command::Shown(shown) => drop(shown.send(())),
                    Command::Failed(_) | Command::Unaddressed => {}
                }
            }
        });
        Ok(line)
    }
}

/// Anybody else, whose code is also written to a file: here nobody reads it aloud.
pub(super) struct PassesTheCodeOn {
    pub(super) person: Box<dyn Person>,
    pub(super) file: PathBuf,
}

impl Person for PassesTheCodeOn {
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure> {
        let inner = self.person.start(words)?;
        let (outer, mut told, say) = line();
        let file = self.file;
        std::thread::spawn(move || {
            while let Some(command) = told.blocking_recv() {
                match command {
                    Command::Ask(question) => inner.tell.ask(question),
                    Command::Withdraw(question) => inner.tell.withdraw(question),
                    Command::Feed(news) => {
                        if let News::Code(code) = &news {
                            pass_on(&file, code);
                        }
                        inner.tell.feed(news);
                    }
                    // The one who waits is told when the person at the other end has seen everything.
                    Command::Shown(shown) => inner.tell.tell_shown(shown),
                    Command::Failed(failure) => inner.tell.failed(failure),
                    Command::Unaddressed => inner.tell.unaddressed(),
                }
            }
        });
        std::thread::spawn(move || forward(inner.events, &say));
        Ok(outer)
    }
}

fn forward(mut events: mpsc::UnboundedReceiver<Event>, say: &mpsc::UnboundedSender<Event>) {
    while let Some(event) = events.blocking_recv() {
        if say.send(event).is_err() {
            return;
        }
    }
}

/// Written whole under another name first, so that whoever waits for the file never reads half a code.
fn pass_on(file: &PathBuf, code: &str) {
    let beside = file.with_extension("new");
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut out| out.write_all(code.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, file));
    if let Err(error) = written {
        tracing::error!(%error, "the code could not be passed on");
    }
}

fn show(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{text}");
}
