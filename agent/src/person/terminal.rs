//! The person at a terminal.
//!
//! Three threads and one lock: one hears the driver, one reads lines, one writes. Only the writer ever waits for a slow
//! terminal (Ctrl-S, a modem), so neither the session nor `stop` ever does. What is printed and what a line means is
//! `desk`'s; here is only how bytes come and go.
//!
//! Type-ahead is discarded in one piece with opening the question, under the lock that reading needs too: a line is
//! either given away or an answer, never in between. It happens once the terminal takes output again, so that nobody
//! answers a prompt that is still held back. (SECURITY D4: an *allow* typed into some other program's silence, or
//! pasted before the card was there, allows nothing.)
//!
//! Discarding must not lose a *stop*, not even one whose line is being typed just then. So nothing is flushed: the
//! terminal is taken out of its line mode for as long as it takes to read what was begun, which is kept apart from what
//! comes after the prompt. A stop is looked for in the whole line; an answer only in what was typed after the prompt.
//! But for that moment the terminal stays in the line mode it is in, so that no crash leaves another behind.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, isatty, tcgetattr, tcsetattr};
use tokio::sync::{mpsc, oneshot};
use venia_ui::failure::{Failure, Trouble};
use venia_ui::words::Words;

use super::answers::is_stop;
use super::desk::{Desk, Output};
use super::{Command, Event, Line, Person, line};

/// Longest line kept, in bytes; more than a terminal's line mode gives at once.
const LINE_MAX: usize = 16 * 1024;

/// What the end of input (Ctrl-D) is to a terminal outside its line mode: the key itself, or if it was pressed before,
/// the zero that the line discipline keeps for it.
const END_OF_INPUT: [u8; 2] = [4, 0];

/// A person who reads and types in a terminal.
#[derive(Debug)]
pub struct Terminal {
    input: OwnedFd,
    output: OwnedFd,
}

impl Terminal {
    /// Standard input and output, which must both be a terminal: answers come from a person, not from a file.
    pub fn stdio(words: &Words) -> Result<Self, Failure> {
        let own =
            || Some((io::stdin().as_fd().try_clone_to_owned().ok()?, io::stdout().as_fd().try_clone_to_owned().ok()?));
        own().map_or_else(
            || Err(Failure::of(Trouble::NoTerminal, words)),
            |(input, output)| Self::on(input, output, words),
        )
    }

    /// Any two descriptors of a terminal.
    pub fn on(input: OwnedFd, output: OwnedFd, words: &Words) -> Result<Self, Failure> {
        if isatty(&input) && isatty(&output) {
            Ok(Self { input, output })
        } else {
            Err(Failure::of(Trouble::NoTerminal, words))
        }
    }
}

impl Person for Terminal {
    fn start(self: Box<Self>, words: &Words) -> Result<Line, Failure> {
        let (line, told, say) = line();
        let tty = Arc::new(Tty {
            input: self.input,
            output: self.output,
            state: Mutex::new(State {
                desk: Desk::new(words.clone()),
                partial: Vec::new(),
                before: 0,
                waiting: Vec::new(),
                gone: false,
                over: false,
                say,
            }),
            wake: Condvar::new(),
        });
        let (hear, read, write) = (Arc::clone(&tty), Arc::clone(&tty), tty);
        thread::spawn(move || hear.hear(told));
        thread::spawn(move || read.read());
        thread::spawn(move || write.write());
        Ok(line)
    }
}

struct Tty {
    input: OwnedFd,
    output: OwnedFd,
    state: Mutex<State>,
    /// Rung when there may be something to print.
    wake: Condvar,
}

struct State {
    desk: Desk,
    /// A line's beginning.
    partial: Vec<u8>,
    /// How much of it was typed before the question was opened, in bytes.
    before: usize,
    /// Who wants to know that everything is shown.
    waiting: Vec<oneshot::Sender<()>>,
    /// No input will come.
    gone: bool,
    /// The driver is gone.
    over: bool,
    say: mpsc::UnboundedSender<Event>,
}

impl Tty {
    /// Takes what the driver says. Never waits for the terminal.
    fn hear(&self, mut told: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = told.blocking_recv() {
            let mut state = self.lock();
            match command {
                Command::Ask(question) => state.desk.ask(question),
                Command::Withdraw(id) => state.desk.withdraw(id),
                Command::Feed(news) => state.desk.feed(&news),
                Command::Shown(say) => state.waiting.push(say),
                // Its program says it as it ends.
                Command::Failed(_) | Command::Unaddressed => {}
            }
            self.wake.notify_all();
        }
        self.lock().over = true;
        self.wake.notify_all();
    }

    /// Reads lines until the end of input.
    fn read(&self) {
        loop {
            let readable = self.wait_for(&self.input, PollFlags::IN, None);
            let mut state = self.lock();
            match readable {
                // What was there may have been discarded meanwhile: `take` looks again under the lock.
                Ok(_) => self.take(&mut state),
                Err(_) => state.go(),
            }
            self.wake.notify_all();
            if state.gone || state.over {
                return;
            }
        }
    }

    /// Prints until the driver is gone and everything is printed.
    fn write(&self) {
        while let Some(output) = self.next() {
            let done = match output {
                Output::Print(text) => self.print(&text),
                Output::Open => self.open(),
            };
            if done.is_err() {
                self.lock().go();
                // Nobody looks any more; whoever waits for the rest learns so as the senders are dropped.
                self.lock().waiting.clear();
                return;
            }
        }
    }

    fn next(&self) -> Option<Output> {
        let mut state = self.lock();
        loop {
            if let Some(output) = state.desk.next() {
                return Some(output);
            }
            for waiting in state.waiting.drain(..) {
                // Whoever stopped waiting needs no answer.
                let _ = waiting.send(());
            }
            if state.over {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Discards type-ahead, opens the question, prints its prompt.
    fn open(&self) -> Result<(), Errno> {
        self.wait_for(&self.output, PollFlags::OUT, None)?;
        let prompt = {
            let mut state = self.lock();
            // A terminal whose mode can't be set has hung up, which the reader says.
            let _ = self.take_begun(&mut state);
            state.before = state.partial.len();
            state.desk.open()
        };
        prompt.map_or(Ok(()), |prompt| self.print(&prompt))
    }

    /// Takes every line that is there and the beginning of the next, without waiting.
    fn take_begun(&self, state: &mut State) -> Result<(), Errno> {
        let lines = tcgetattr(&self.input)?;
        let mut bytes = lines.clone();
        bytes.local_modes.remove(LocalModes::ICANON);
        // In line mode these two places hold other keys; as counts those would make `poll` wait for four bytes.
        bytes.special_codes[SpecialCodeIndex::VMIN] = 1;
        bytes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&self.input, OptionalActions::Now, &bytes)?;
        self.take(state);
        tcsetattr(&self.input, OptionalActions::Now, &lines)
    }

    /// Takes every line that is there, without waiting.
    fn take(&self, state: &mut State) {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut bytes = [0; 4096];
        while !state.gone && matches!(self.wait_for(&self.input, PollFlags::IN, Some(&now)), Ok(true)) {
            match retry_on_intr(|| rustix::io::read(&self.input, &mut bytes)) {
                Ok(0) => state.go(),
                Ok(n) => state.typed(bytes.get(..n).unwrap_or(&[])),
                Err(Errno::AGAIN) => return,
                // A terminal that hung up answers EIO.
                Err(_) => state.go(),
            }
        }
    }

    fn print(&self, text: &str) -> Result<(), Errno> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match retry_on_intr(|| rustix::io::write(&self.output, rest)) {
                Ok(n) => rest = rest.get(n..).unwrap_or(&[]),
                Err(Errno::AGAIN) => {
                    self.wait_for(&self.output, PollFlags::OUT, None)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait_for(&self, fd: &OwnedFd, flags: PollFlags, longest: Option<&Timespec>) -> Result<bool, Errno> {
        let mut fds = [PollFd::new(fd, flags)];
        retry_on_intr(|| poll(&mut fds, longest)).map(|ready| ready > 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn typed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.partial);
                let after = line.get(std::mem::take(&mut self.before)..).unwrap_or(&[]);
                let [line, after] = [&line, after].map(|bytes| String::from_utf8_lossy(bytes));
                let line = if is_stop(&line) { line } else { after };
                if let Some(event) = self.desk.line(&line) {
                    self.tell(event);
                }
            } else if END_OF_INPUT.contains(byte) {
                // Typed while the terminal was outside its line mode. As in it, after something typed it only hands that
                // over.
                if self.partial.is_empty() {
                    self.go();
                }
            } else if self.partial.len() < LINE_MAX {
                self.partial.push(*byte);
            }
        }
    }

    fn go(&mut self) {
        if !self.gone {
            self.gone = true;
            self.tell(Event::Gone);
        }
    }

    /// A driver that is gone needs no event.
    fn tell(&self, event: Event) {
        let _ = self.say.send(event);
    }
}

#[cfg(test)]
mod tests;
