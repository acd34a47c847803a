//! What stands on the person's terminal and what a typed line does to it. Pure: no terminal, no thread, no clock.
//!
//! The rule about type-ahead lives here: lines are given away until a question is [`opened`](Desk::open), and from
//! then on the first line that is an answer is the answer. Opening happens once a question, just before its prompt is
//! printed; printing the prompt again, after a line of news or an unclear answer, opens nothing and drops nothing.

use std::collections::VecDeque;

use venia_ui::words::Words;

use super::answers::{MINUTES_MAX, Reading, read};
use super::feed::{self, News};
use super::{Asking, Event, Question, QuestionId};

/// Most lines that wait for a slow terminal; older ones are dropped and counted.
pub(super) const FEED_MAX: usize = 256;

/// The state of one terminal.
#[derive(Debug)]
pub(super) struct Desk {
    words: Words,
    feed: VecDeque<String>,
    skipped: usize,
    question: Option<Question>,
    stage: Stage,
}

/// How far the question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing of it is printed; lines are given away.
    Waiting,
    /// Its text is printed but for the prompt; lines are still given away.
    Read,
    /// Its prompt is printed; lines are answers.
    Open,
    /// Something was printed after its prompt, which must be printed again; lines are answers.
    Interrupted,
}

/// What to do next to the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Print this.
    Print(String),
    /// Discard everything typed so far, then call [`Desk::open`], then print what it gives.
    Open,
}

impl Desk {
    pub(super) fn new(words: Words) -> Self {
        Self { words, feed: VecDeque::new(), skipped: 0, question: None, stage: Stage::Waiting }
    }

    /// A question takes the place of any other.
    pub(super) fn ask(&mut self, question: Question) {
        if self.prompt_stands() {
            // The old prompt stands on a line without an end.
            self.push(String::new());
        }
        self.question = Some(question);
        self.stage = Stage::Waiting;
    }

    /// The question is over.
    pub(super) fn withdraw(&mut self, id: QuestionId) {
        if self.question.as_ref().is_some_and(|question| question.id == id) {
            if self.prompt_stands() {
                self.push(String::new());
            }
            self.question = None;
        }
    }

    /// Lines of news.
    pub(super) fn feed(&mut self, news: &News) {
        let text = feed::news(news, &self.words);
        if self.prompt_stands() {
            self.push(String::new());
        }
        self.push(text);
    }

    /// A line was typed.
    pub(super) fn line(&mut self, line: &str) -> Option<Event> {
        let answerable = matches!(self.stage, Stage::Open | Stage::Interrupted);
        let asked = self.question.as_ref().filter(|_| answerable).map(|question| question.kind);
        // Whoever typed it pressed Enter: the cursor is at the left edge again.
        let interrupted = asked.is_some();
        match read(asked, line) {
            Reading::Stop => {
                self.stage = if interrupted { Stage::Interrupted } else { self.stage };
                Some(Event::Stop)
            }
            Reading::Answer(answer) => {
                let Question { id, sheet, .. } = self.question.take()?;
                self.stage = Stage::Waiting;
                Some(Event::Answered { id, answer, shown: sheet.text() })
            }
            Reading::Empty | Reading::Unclear | Reading::TooLong if self.question.is_some() && !interrupted => None,
            Reading::Empty => {
                self.stage = if interrupted { Stage::Interrupted } else { self.stage };
                None
            }
            Reading::Unclear => self.again(match asked {
                None | Some(Asking::Free) => self.words.say("again-nothing-asked", &[]),
                Some(Asking::Arrival | Asking::Resume) => self.words.say("again-arrival", &[]),
                Some(Asking::Consent { boxes: 1.., ticked: 0, .. }) => self.words.say("again-boxes", &[]),
                Some(Asking::Consent { .. }) => self.words.say("again-consent", &[("most", &MINUTES_MAX)]),
                Some(Asking::Preview) => self.words.say("again-preview", &[]),
                Some(Asking::Sign) => self.words.say("again-sign", &[]),
            }),
            Reading::TooLong => self.again(self.words.say("again-too-long", &[])),
        }
    }

    /// What to print next; `None` when everything is on the screen.
    pub(super) fn next(&mut self) -> Option<Output> {
        if self.skipped > 0 {
            let line = self.words.say("feed-skipped", &[("count", &std::mem::take(&mut self.skipped))]);
            return Some(Output::Print(line + "\n"));
        }
        if let Some(line) = self.feed.pop_front() {
            return Some(Output::Print(line + "\n"));
        }
        let question = self.question.as_ref()?;
        let text = question.sheet.text();
        let (head, prompt) = split(&text);
        match self.stage {
            Stage::Waiting => {
                self.stage = Stage::Read;
                Some(Output::Print(format!("\n{head}")))
            }
            Stage::Read => Some(Output::Open),
            Stage::Interrupted => {
                self.stage = Stage::Open;
                Some(Output::Print(prompt.to_owned()))
            }
            Stage::Open => None,
        }
    }

    /// From here on a line is an answer. Gives the prompt, to be printed at once; nothing if the question was
    /// withdrawn or replaced meanwhile.
    pub(super) fn open(&mut self) -> Option<String> {
        let question = self.question.as_ref().filter(|_| self.stage == Stage::Read)?;
        let prompt = question.sheet.prompt.clone();
        self.stage = Stage::Open;
        Some(prompt)
    }

    /// Whether the cursor stands behind a prompt; it doesn't any more once this was asked.
    fn prompt_stands(&mut self) -> bool {
        let stands = self.question.is_some() && self.stage == Stage::Open;
        if stands {
            self.stage = Stage::Interrupted;
        }
        stands
    }

    fn again(&mut self, hint: String) -> Option<Event> {
        if self.question.is_some() {
            self.stage = Stage::Interrupted;
        }
        // Somebody leans on a key: one hint is enough.
        if self.feed.back() != Some(&hint) {
            self.push(hint);
        }
        None
    }

    fn push(&mut self, line: String) {
        if self.feed.len() == FEED_MAX {
            self.feed.pop_front();
            self.skipped += 1;
        }
        self.feed.push_back(line);
    }
}

/// The text but for its last line, and the last line.
fn split(text: &str) -> (&str, &str) {
    text.rfind('\n').map_or(("", text), |at| text.split_at(at + 1))
}

#[cfg(test)]
mod tests;
