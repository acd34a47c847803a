//! Chat and notes: nobody is heard before the arrival is answered, and a line is recorded before it is shown.

use super::*;

impl Agent {
    pub(super) fn said(&mut self, now: Now, said: EntryRef, text: Foreign, chat: bool) {
        if self.phase != Phase::Open {
            let expected = "an answered arrival";
            return self.close(now, Close::PeerMisbehaved { expected, got: "a line before it".to_owned() });
        }
        let batch = self.record(vec![Entry::Theirs(said)]);
        if chat {
            self.chat(now, batch, Then::Line(text));
        }
    }

    pub(super) fn person_says(&mut self, now: Now, text: Foreign) {
        if self.phase == Phase::Open {
            let (batch, line) = self.record_own(Kind::Chat, Body::Said(body::Said { text: text.clone() }));
            self.tell(Tell::Own(text));
            self.chat(now, batch, Then::Send(line));
        }
    }

    /// A line is shown or sent once it is journalled; when the record trails too far, once it has its receipt.
    fn chat(&mut self, now: Now, batch: BatchId, then: Then) {
        if self.chat_stopped {
            self.after_receipt(batch, then);
        } else {
            self.timers.set(Timer::Chat(batch), now.boot_ms + timer::CHAT_TRAILS_MS);
            self.after(batch, KindName::Chat, then);
        }
    }
}
