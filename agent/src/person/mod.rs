//! The human at this PC, as the driver meets them: a channel that questions go into and answers come out of.
//!
//! [`terminal::Terminal`] and [`page::Page`] are the persons of the shipped program. Tests and the guided first session
//! bring a scripted one; each is a [`Person`], and none can do more than answer: what an answer means is `proto`'s to decide.
//!
//! It keeps no deadline and knows no grant. Silence, the wait before a first-seen service's question and the time of a
//! grant belong to the session machine.

use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_ui::failure::Failure;
use venia_ui::words::Words;

use feed::News;
use sheet::Sheet;

pub mod answers;
pub mod card;
#[cfg(unix)]
mod desk;
pub mod feed;
pub mod fold;
pub mod page;
pub mod sheet;
#[cfg(unix)]
pub mod terminal;

/// Somebody who can be asked. Starting takes it: there is one per process.
pub trait Person: Send {
    /// Begins to listen. The channel is the whole interface from here on.
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure>;

    /// Where they are asked.
    fn medium(&self) -> Medium {
        Medium::Terminal
    }
}

/// The two ends a driver holds. Dropping `tell` lets the person go.
#[derive(Debug)]
pub struct Line {
    /// To the person.
    pub tell: Tell,
    /// From the person.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// Whether somebody can see what they are told, at this moment.
    pub seen: watch::Receiver<bool>,
    /// Where they are told.
    pub medium: Medium,
}

/// Where a person is asked and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Medium {
    /// In the terminal the program was started in: they began by starting it, and it ends with the session.
    Terminal,
    /// On a page: they are met before anything is asked of the help service, and stay after the end.
    Page,
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
    /// Tell what happened.
    Feed(News),
    /// Say when everything so far has been shown.
    Shown(oneshot::Sender<()>),
    /// Nobody could be helped; why, and what to do.
    Failed(Failure),
    /// No help service is known here: the person has to say which.
    Unaddressed,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name.
    pub id: QuestionId,
    /// What it says, made by [`card`].
    pub sheet: Sheet,
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
    /// Does a paused session go on? `yes / no`.
    Resume,
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
    /// Sign the record; with stars, 1 to 5, and a comment where they were given at once.
    Sign {
        /// Stars.
        stars: Option<u8>,
        /// In the person's own words.
        comment: Option<Foreign>,
    },
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
    /// Help is wanted: from a page, before anything is asked of the help service.
    Begin(Box<Wish>),
    /// Nobody sees the page any more; somebody may again.
    EyesLost,
    /// Somebody sees it again.
    EyesBack,
    /// A line for the technician.
    Says(Foreign),
    /// From now on in this language.
    Language(Language),
    /// The person needs this program no longer.
    Leave,
}

/// What a person says before anybody is asked for help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Their language.
    pub language: Language,
    /// The help service's address as they typed it, where none is known.
    pub address: Option<String>,
    /// What happened.
    pub about: Option<Foreign>,
    /// Since when.
    pub since: Option<Foreign>,
    /// What to call them.
    pub called: Option<Foreign>,
}

impl Line {
    /// Puts a question outside a session and waits for its answer; none if the person stops, leaves or is gone.
    pub async fn asked(&mut self, question: Question) -> Option<Answer> {
        let asked = question.id;
        self.tell.ask(question);
        loop {
            match self.events.recv().await {
                Some(Event::Answered { id, answer, .. }) if id == asked => return Some(answer),
                Some(Event::Stop | Event::Gone | Event::Leave) | None => return None,
                Some(
                    Event::Answered { .. }
                    | Event::Begin(_)
                    | Event::EyesLost
                    | Event::EyesBack
                    | Event::Says(_)
                    | Event::Language(_),
                ) => {}
            }
        }
    }
}

/// A line between a driver and a person who looks as long as they are there; the person keeps the other two ends.
pub fn line() -> (Line, mpsc::UnboundedReceiver<Command>, mpsc::UnboundedSender<Event>) {
    let (tell, told) = mpsc::unbounded_channel();
    let (say, events) = mpsc::unbounded_channel();
    let seen = watch::channel(true).1;
    (Line { tell: Tell(tell), events, seen, medium: Medium::Terminal }, told, say)
}

/// Ctrl-C and a polite kill are STOP too, in the waiting room as in a session; a closed window is a person who is gone,
/// not a crash. Needs a tokio runtime.
#[cfg(unix)]
pub fn heeding_signals(person: Line) -> std::io::Result<Line> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let Line { tell, mut events, seen, medium } = person;
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
    Ok(Line { tell, events: heard, seen, medium })
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

    /// Tells what happened.
    pub fn feed(&self, news: News) {
        self.send(Command::Feed(news));
    }

    /// Says that no help service is known here. For a page.
    pub fn unaddressed(&self) {
        self.send(Command::Unaddressed);
    }

    /// Says why nobody could be helped. For a page: a terminal's program says it as it ends.
    pub fn failed(&self, failure: Failure) {
        self.send(Command::Failed(failure));
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
