//! Lines from standard input: a code, an invite, or what a technician types.
//!
//! Reading blocks, so it has a thread of its own, which hands over one line when the program asks for lines at all: a
//! scripted program never touches its standard input.

use std::io::{BufRead, Read as _};
use std::thread;

use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Longest line, in bytes; a longer one is cut there.
const LINE_MAX: u64 = 16 * 1024;
/// Lines typed ahead.
const AHEAD: usize = 16;

/// One line: a code or an invite. `None` at the end of input or if it can't be read.
pub(crate) fn word(input: &mut dyn BufRead) -> Option<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::new());
    let read = input.take(LINE_MAX).read_until(b'\n', &mut line).ok()?;
    let text = std::str::from_utf8(&line).ok()?.trim();
    (read > 0 && !text.is_empty()).then(|| Zeroizing::new(text.to_owned()))
}

/// All further lines, as they are typed; closed at the end of input.
pub(crate) fn lines(mut input: Box<dyn BufRead + Send>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            match input.as_mut().take(LINE_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line).trim().to_owned();
            if sender.blocking_send(text).is_err() {
                return;
            }
        }
    });
    receiver
}
