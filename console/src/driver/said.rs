//! What a live session says to the agent: our signed words, sealed where the statement asks for it.

use tokio::time::{Instant, timeout};
use venia_proto::ledger::gossip;
use venia_proto::message::ToAgent;
use venia_proto::session::console::Write;

use super::record::Record;
use super::reunion::SAID_KEPT;
use super::{Live, SEND, seal};
use crate::clock;

impl Live<'_, '_, '_> {
    pub(super) async fn write(&mut self, write: Write) {
        // Said once the agent is found again, or never.
        if self.losses.has_link() {
            return self.unsaid.push(write);
        }
        let asks = matches!(write, Write::Ask(_));
        if let Write::Signoff(signoff) = &write {
            // In front of the last word, so that the agent compares it while it still listens.
            self.talk.hear(clock::now().boot_ms, gossip::Input::Ending);
            self.swap().await;
            self.signoff = Some(signoff.clone());
            self.since.get_or_insert_with(Instant::now);
        }
        let words = match Record::words(write) {
            Ok(words) => words,
            Err(error) => {
                tracing::error!(%error, "our own words");
                return self.leave();
            }
        };
        let sealed = if self.record.is_sealed() {
            let Some(sealed) = seal::seal(&self.connection, &words.bare).await else {
                self.link_lost();
                return self.unsaid.push(words.write);
            };
            Some(sealed)
        } else {
            None
        };
        match self.record.write(words, sealed, clock::now()) {
            Ok((seq, frame)) => {
                if self.said.len() == SAID_KEPT {
                    self.said.pop_front();
                }
                self.said.push_back((seq, frame.clone()));
                self.send(&frame).await;
            }
            Err(error) => {
                tracing::error!(%error, "our own event");
                self.leave();
            }
        }
        if asks {
            self.wait(None);
        }
    }

    pub(super) async fn send(&mut self, frame: &ToAgent) {
        let Some(sender) = &mut self.sender else { return };
        let sent = timeout(SEND, sender.send(frame)).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.link_lost();
        }
    }
}
