//! The one door to standard output and standard error.
//!
//! Results go to stdout; what accompanies them (notes, progress, errors) to stderr; with `--json` stdout holds JSON
//! and nothing else. A reader that went away (`venia checks | head`) is no error. Colour only where a terminal shows
//! it and nobody said `NO_COLOR`.
//!
//! Not here: the person's questions, which own their terminal (`agent::person`).

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use venia_proto::catalog::Item;
use venia_proto::report::Report;

use crate::failure::{Exit, Failure, Loss, Trouble};
use crate::report;
use crate::words::Words;

/// Progress shows only for what takes longer than this.
pub const PROGRESS_AFTER: Duration = Duration::from_millis(500);
/// Width of what isn't a terminal, in columns.
const PLAIN_WIDTH: u16 = 100;

/// How one stream may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour may be written.
    pub colour: bool,
    /// Columns to fill.
    pub width: u16,
}

/// What a colour means. There is no colour without a word beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// Titles.
    Strong,
    /// Less important.
    Faint,
    /// Fine.
    Good,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
}

/// Where a program says what it has to say.
#[derive(Clone, Debug)]
pub struct Screen {
    words: Words,
    json: bool,
    out: Style,
    err: Style,
}

/// Something long is going on. Dropping it takes it off the screen.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Dropped with the progress, which ends the thread that would have shown it.
    _over: Option<mpsc::Sender<()>>,
}

impl Screen {
    /// The real streams of this process.
    pub fn new(words: Words, json: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let style = |terminal: bool, width: Option<u16>| Style {
            colour: terminal && !no_color && !dumb && !json,
            width: width.filter(|_| terminal).unwrap_or(PLAIN_WIDTH),
        };
        let out = style(io::stdout().is_terminal(), width::stdout());
        let err = style(io::stderr().is_terminal(), width::stderr());
        Self { words, json, out, err }
    }

    /// The sentences of this program's reader.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Whether stdout holds JSON only.
    pub fn json(&self) -> bool {
        self.json
    }

    /// How stdout may look.
    pub fn style(&self) -> Style {
        self.out
    }

    /// One line of result for people. Not for JSON mode: use [`Self::object`].
    pub fn line(&self, line: &str) -> Result<(), Failure> {
        self.print(&format!("{line}\n"))
    }

    /// One JSON object (or array) on one line of stdout, flushed, so that a reader of a stream has it at once.
    pub fn object(&self, object: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(object).map_err(|_| Failure::of(Trouble::Output, &self.words))?;
        self.print(&format!("{line}\n"))
    }

    /// A diagnostic's report, on stdout.
    pub fn report(&self, item: &Item, filled: &Report) -> Result<(), Failure> {
        self.print(&report::render(item, filled, &self.words, self.out))
    }

    /// A line beside the result, on stderr. Whoever can't read it can't be told so either.
    pub fn note(&self, line: &str) {
        let mut err = io::stderr().lock();
        let _ = writeln!(err, "{line}").and_then(|()| err.flush());
    }

    /// A prompt, on stderr: no line end, so that what is typed follows it.
    pub fn prompt(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{text}").and_then(|()| err.flush());
    }

    /// Says a failure in three sentences on stderr and, in JSON mode, as an object on stdout; gives its exit code.
    /// A stream of JSON lines has its own error event: say the failure with [`Self::fail_beside`] there.
    pub fn fail(&self, failure: &Failure) -> ExitCode {
        if self.json {
            // Stdout that can't be written was perhaps the failure itself; stderr says so either way.
            let _ = self.object(&failure.json());
        }
        self.fail_beside(failure)
    }

    /// Says a failure on stderr only; gives its exit code.
    pub fn fail_beside(&self, failure: &Failure) -> ExitCode {
        self.note(&failure_text(failure, &self.words, self.err));
        failure.exit.into()
    }

    /// Shows that something long is going on, on stderr, once it has lasted [`PROGRESS_AFTER`]. Hidden without a
    /// terminal and with `--json`. `label` is a sentence of [`Words`], safe to show.
    pub fn progress(&self, label: String) -> Progress {
        if self.json || !io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden(), _over: None };
        }
        let bar = ProgressBar::hidden();
        bar.set_style(ProgressStyle::default_spinner());
        bar.set_message(label);
        let (over, wait) = mpsc::channel::<()>();
        let late = bar.clone();
        thread::spawn(move || {
            if wait.recv_timeout(PROGRESS_AFTER) == Err(mpsc::RecvTimeoutError::Timeout) {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(Duration::from_millis(120));
            }
        });
        Progress { bar, _over: Some(over) }
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::of(Trouble::Output, &self.words).after(Loss::NothingLost, &self.words))
            }
            _ => Ok(()),
        }
    }
}

impl Progress {
    /// Changes what it says. `label` is a sentence of [`Words`], safe to show.
    pub fn say(&self, label: String) {
        self.bar.set_message(label);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Style {
    /// Plain text of the usual width.
    pub const PLAIN: Self = Self { colour: false, width: PLAIN_WIDTH };

    /// The text in that colour, or as it is. The text must be safe to show.
    pub fn ink(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Strong => "1",
            Ink::Faint => "2",
            Ink::Good => "32",
            Ink::Warn => "33",
            Ink::Bad => "31",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn failure_text(failure: &Failure, words: &Words, style: Style) -> String {
    let mark = match failure.exit {
        Exit::Done => style.ink(Ink::Good, "✔"),
        Exit::Refused | Exit::WrongUse => style.ink(Ink::Bad, "✖"),
    };
    let hint = words.say("trouble-hint", &[("hint", &failure.hint)]);
    format!("{mark} {}\n  {}\n  {hint}", failure.message, failure.state)
}

#[cfg(unix)]
mod width {
    use std::io;
    use std::os::fd::AsFd;

    pub(super) fn stdout() -> Option<u16> {
        columns(io::stdout())
    }

    pub(super) fn stderr() -> Option<u16> {
        columns(io::stderr())
    }

    /// A terminal that was never told its size says zero.
    fn columns(stream: impl AsFd) -> Option<u16> {
        rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
    }
}

#[cfg(not(unix))]
mod width {
    pub(super) fn stdout() -> Option<u16> {
        None
    }

    pub(super) fn stderr() -> Option<u16> {
        None
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::body::Language;

    use super::*;

    #[test]
    fn a_failure_says_what_whether_and_next() {
        let words = Words::new(Language::En);
        let failure = Failure::of(Trouble::NoTerminal, &words);
        let text = failure_text(&failure, &words, Style::PLAIN);
        assert_eq!(
            text,
            "✖ Questions can only be answered in a terminal.\n  Nothing was shared and nothing was lost.\n  \
             Next step: Start it in a terminal window, without redirecting input or output."
        );
        assert_eq!(text.matches('\u{1b}').count(), 0);
        let coloured = failure_text(&failure, &words, Style { colour: true, width: 80 });
        assert!(coloured.starts_with("\u{1b}[31m✖\u{1b}[0m "), "{coloured}");
    }

    #[test]
    fn json_mode_is_never_coloured_and_has_no_progress() {
        let screen = Screen::new(Words::new(Language::Es), true);
        assert!(!screen.style().colour);
        assert!(screen.progress(String::new()).bar.is_hidden());
    }
}
