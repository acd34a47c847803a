//! The human at this PC, as the driver meets them: a channel that questions go into and answers come out of.
//!
//! [`terminal::Terminal`] is the person of the shipped program. Tests and the guided first session bring a scripted
//! one; both are a [`Person`], and neither can do more than answer: what an answer means is `proto`'s to decide.
//!
//! It keeps no deadline and knows no grant. Silence, the wait before a first-seen service's question and the time of a
//! grant belong to the session machine.

use tokio::sync::{mpsc, oneshot};
use venia_proto::foreign::Foreign;
use venia_ui::failure::Failure;
use venia_ui::words::Words;

pub mod answers;
pub mod card;
#[cfg(unix)]
mod desk;
pub mod feed;
#[cfg(unix)]
pub mod terminal;

/// Somebody who can be asked. Starting takes it: there is one per process.
pub trait Person: Send {
    /// Begins to listen. The channel is the whole interface from here on.
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure>;
}

/// The two ends a driver holds. Dropping `tell` lets the person go.
#[derive(Debug)]
pub struct Line {
    /// To the person.
    pub tell: Tell,
    /// From the person.
    pub events: mpsc::UnboundedReceiver<Event>,
}

/// What a driver says to the person. Never blocks: a slow terminal is the person's affair, not the session's.
#[derive(Clone, Debug)]
pub struct Tell(mpsc::UnboundedSender<Command>);

/// Names a question; chosen by the driver, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub u64);

/// What the person is told.
#[derive(Debug)]
pub enum Command {
    /// Put this question; it takes the place of any other.
    Ask(Question),
    /// The question is over: answered elsewhere, timed out, pointless.
    Withdraw(QuestionId),
    /// Show a line. Safe to show: made by [`Words`].
    Feed(String),
    /// Say when everything so far has been shown.
    Shown(oneshot::Sender<()>),
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name.
    pub id: QuestionId,
    /// The whole text, made by [`card`]; its last line is the prompt.
    pub text: String,
    /// What kind of answer it takes.
    pub kind: Asking,
}

/// Kinds of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asking {
    /// Anything on one line, or nothing to skip it: before the code, and comments after the close.
    Free,
    /// Is it them? `yes / no`.
    Arrival,
    /// One card: `allow / deny`.
    Consent {
        /// Minutes that a bare *allow* gives; `None` until stopped.
        minutes: Option<u32>,
        /// How many boxes it has; a number toggles one.
        boxes: usize,
        /// How many of them are ticked: a yes to nothing at all is no answer.
        ticked: usize,
    },
    /// What a run brought, before it leaves: `send / keep`.
    Preview,
    /// After the close: `sign / not now`.
    Sign,
}

/// An answer that a question takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It is them.
    Yes,
    /// I don't know this person.
    No,
    /// Allowed.
    Allow {
        /// For how long; `None` until stopped.
        minutes: Option<u32>,
    },
    /// Not allowed.
    Deny,
    /// Other boxes than now: the card is put again with them.
    Tick(Ticks),
    /// What was shown may leave.
    Send,
    /// It may not.
    Keep,
    /// Sign the record.
    Sign,
    /// Don't sign now.
    NotNow,
    /// In the person's own words; `None` if they skipped it.
    Words(Option<Foreign>),
}

/// Which boxes of a card to change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ticks {
    /// Tick all.
    All,
    /// Tick what isn't ticked and the other way round, by the numbers on the card, from 1.
    Toggle(Vec<usize>),
}

/// What comes from the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An answer to the open question. At most one a question.
    Answered {
        /// Which question.
        id: QuestionId,
        /// The answer.
        answer: Answer,
        /// The exact text the person had before them, for the consent event.
        shown: String,
    },
    /// STOP: now, whatever else is open. May come more than once.
    Stop,
    /// There is no terminal any more (end of input): no answer will come. Once, and last.
    Gone,
}

/// A line between a driver and a person; the person keeps the other two ends.
pub fn line() -> (Line, mpsc::UnboundedReceiver<Command>, mpsc::UnboundedSender<Event>) {
    let (tell, told) = mpsc::unbounded_channel();
    let (say, events) = mpsc::unbounded_channel();
    (Line { tell: Tell(tell), events }, told, say)
}

/// Ctrl-C and a polite kill are STOP too, in the waiting room as in a session; a closed window is a person who is gone,
/// not a crash. Needs a tokio runtime.
#[cfg(unix)]
pub fn heeding_signals(person: Line) -> std::io::Result<Line> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let Line { tell, mut events } = person;
    let (say, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => event,
                    None => return,
                },
                _ = interrupt.recv() => Event::Stop,
                _ = terminate.recv() => Event::Stop,
                // The terminal's own end of input follows, and says so.
                _ = hangup.recv() => continue,
            };
            if say.send(event).is_err() {
                return;
            }
        }
    });
    Ok(Line { tell, events: heard })
}

impl Tell {
    /// Puts a question.
    pub fn ask(&self, question: Question) {
        self.send(Command::Ask(question));
    }

    /// Takes a question back, unless it was answered already.
    pub fn withdraw(&self, id: QuestionId) {
        self.send(Command::Withdraw(id));
    }

    /// Shows a line.
    pub fn feed(&self, line: String) {
        self.send(Command::Feed(line));
    }

    /// Resolves once everything told so far has been shown, or the person is gone. Wrap it in a timeout: a terminal
    /// may be held (Ctrl-S) for as long as somebody likes. False: the person is gone, and may not have seen it.
    pub async fn shown(&self) -> bool {
        let (say, heard) = oneshot::channel();
        self.send(Command::Shown(say));
        heard.await.is_ok()
    }

    /// Passes on somebody else's wish to know when everything so far has been shown.
    pub fn tell_shown(&self, shown: oneshot::Sender<()>) {
        self.send(Command::Shown(shown));
    }

    /// A person who is gone has said so with [`Event::Gone`]; telling them more is harmless.
    fn send(&self, command: Command) {
        let _ = self.0.send(command);
    }
}
