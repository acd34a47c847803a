//! Whoever asked: heard on standard input, whose end means that nobody is there any more.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::read;

use crate::request::REQUEST_MAX;
use crate::rollback::Heard;

/// The line that confirms a change.
const KEEP: &[u8] = b"keep";

/// Somebody who asks once and then stays, or goes.
pub trait Caller {
    /// The request: the first line. Empty if nobody is there.
    fn request(&mut self) -> Vec<u8>;

    /// Waits for a word, no longer than this.
    fn wait(&mut self, ms: u64) -> Word;

    /// Whether nobody is there any more.
    fn is_gone(&mut self) -> bool {
        self.wait(0) == Word::Gone
    }

    /// Milliseconds of a clock that doesn't stop while the computer sleeps.
    fn now_ms(&self) -> u64;
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing, in that time.
    Nothing,
    /// The confirmation.
    Keep,
    /// Standard input has ended, or said something else: nobody honest is there.
    Gone,
}

impl From<Word> for Heard {
    fn from(word: Word) -> Self {
        match word {
            Word::Nothing => Self::Nothing,
            Word::Keep => Self::Keep,
            Word::Gone => Self::Gone,
        }
    }
}

/// The real one.
#[derive(Debug, Default)]
pub struct Stdin {
    ahead: Vec<u8>,
    ended: bool,
}

impl Stdin {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what there is; false if nothing came in time.
    fn fill(&mut self, ms: u64) -> bool {
        let input = std::io::stdin();
        let input: BorrowedFd<'_> = std::os::fd::AsFd::as_fd(&input);
        let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
        let wait = Timespec { tv_sec: seconds, tv_nsec: i64::try_from(ms % 1_000).unwrap_or(0) * 1_000_000 };
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return false,
            Ok(_) => {}
            Err(_) => self.ended = true,
        }
        let mut piece = [0; 1_024];
        match read(input, &mut piece) {
            Ok(0) | Err(_) => self.ended = true,
            Ok(length) => self.ahead.extend_from_slice(piece.get(..length).unwrap_or_default()),
        }
        true
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.ahead.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.ahead.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

impl Caller for Stdin {
    fn request(&mut self) -> Vec<u8> {
        loop {
            if let Some(line) = self.line() {
                return line;
            }
            // One byte too many is refused as too long.
            if self.ended || self.ahead.len() > REQUEST_MAX {
                return std::mem::take(&mut self.ahead);
            }
            self.fill(60_000);
        }
    }

    fn wait(&mut self, ms: u64) -> Word {
        if self.ahead.is_empty() && !self.ended && !self.fill(ms) {
            return Word::Nothing;
        }
        match self.line() {
            Some(line) if line == KEEP => Word::Keep,
            Some(_) => Word::Gone,
            None if self.ended || self.ahead.len() > KEEP.len() => Word::Gone,
            None => Word::Nothing,
        }
    }

    fn now_ms(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        seconds.saturating_mul(1_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000)
    }
}
