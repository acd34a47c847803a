//! One connection from its greeting to its end: calls and their answers, pushes, and whose end is told when.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{Connection, SendStream};
use tokio::sync::{mpsc, oneshot, watch};
use venia_proto::rendezvous::{Answer, Call, FromRelay, Push, Refusal, ToRelay};
use venia_proto::wire::{self, Limit};

use super::{ControlError, Heard, end, lost};
use crate::client::code;
use crate::client::frames::{FrameError, Receiver};
use crate::client::here;
use crate::client::link::Link;

/// Frames that may wait to be written.
const FRAMES: usize = 16;

/// One connection, from its greeting to its end.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) connection: Connection,
    frames: mpsc::Sender<Vec<u8>>,
    calls: Arc<Mutex<Calls>>,
    /// Closes once its end is told.
    told: watch::Receiver<()>,
}

/// Open calls by number; `None` once the connection is gone.
#[derive(Default)]
struct Calls {
    next: u32,
    ended: bool,
    open: HashMap<u32, oneshot::Sender<Result<Answer, Refusal>>>,
}

impl Live {
    /// Speaks and listens from now on.
    pub(super) fn begin(
        connection: Connection,
        send: SendStream,
        receive: Receiver<FromRelay>,
        heard: mpsc::Sender<Heard>,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Calls::default()));
        let (frames, waiting) = mpsc::channel(FRAMES);
        let (telling, told) = watch::channel(());
        tokio::spawn(speak(send, waiting));
        let listener =
            Listener { connection: connection.clone(), calls: calls.clone(), frames: frames.downgrade(), heard };
        tokio::spawn(async move {
            listener.listen(receive).await;
            drop(telling);
        });
        Self { connection, frames, calls, told }
    }

    /// Tells the relay at once when it sees this computer's packets come from somewhere else.
    pub(super) fn heed(&self, link: &Link) {
        here::say(&self.connection, self.frames.downgrade(), link.nudges());
    }

    /// Waits until whoever listens was told that it is gone.
    pub(super) async fn told(mut self) {
        while self.told.changed().await.is_ok() {}
    }

    pub(super) async fn call(&self, call: Call) -> Result<Answer, ControlError> {
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut calls = self.calls();
            if calls.ended {
                return Err(lost(&self.connection));
            }
            let mut id = calls.next;
            while calls.open.contains_key(&id) {
                id = id.wrapping_add(1);
            }
            calls.next = id.wrapping_add(1);
            calls.open.insert(id, answer);
            id
        };
        // Whoever stops waiting leaves no entry behind.
        let _open = Open { live: self, id };
        let frame = wire::encode_frame(&ToRelay::Call { id, call }, Limit::Control).map_err(ControlError::TooLarge)?;
        self.frames.send(frame).await.map_err(|_| lost(&self.connection))?;
        match answered.await {
            Ok(answer) => answer.map_err(ControlError::Refused),
            Err(_) => Err(lost(&self.connection)),
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end(&self, code: u32) {
        end(&self.connection, code);
    }
}

/// A call somebody waits for.
struct Open<'a> {
    live: &'a Live,
    id: u32,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.live.calls().open.remove(&self.id);
    }
}

/// The relay's next message.
pub(super) async fn next(
    incoming: &mut Receiver<FromRelay>,
    connection: &Connection,
) -> Result<FromRelay, ControlError> {
    match incoming.next().await {
        Ok(Some(message)) => Ok(message),
        Err(FrameError::Malformed(error)) => Err(ControlError::Malformed(Some(error))),
        Ok(None) | Err(_) => Err(lost(connection)),
    }
}

/// Hands out answers and pushes until the connection ends.
struct Listener {
    connection: Connection,
    calls: Arc<Mutex<Calls>>,
    frames: mpsc::WeakSender<Vec<u8>>,
    heard: mpsc::Sender<Heard>,
}

impl Listener {
    async fn listen(self, mut incoming: Receiver<FromRelay>) {
        while let Ok(message) = next(&mut incoming, &self.connection).await {
            if !self.take(message) {
                break;
            }
        }
        end(&self.connection, code::PROTOCOL);
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.ended = true;
            calls.open.clear();
        }
        // Waits for room: nobody may miss it. A caller without interest misses nothing.
        let _ = self.heard.send(Heard::Lost).await;
    }

    /// False: the relay breaks the protocol, or floods.
    fn take(&self, message: FromRelay) -> bool {
        match message {
            FromRelay::Answer { id, answer } => {
                let call = self.calls.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&id);
                if let Some(call) = call {
                    // Who stopped waiting ignores the answer.
                    let _ = call.send(answer);
                }
                true
            }
            FromRelay::Push(Push::Ping(nonce)) => {
                let pong = wire::encode_frame(&ToRelay::Pong(nonce), Limit::Control);
                match (pong, self.frames.upgrade()) {
                    (Ok(pong), Some(frames)) => frames.try_send(pong).is_ok(),
                    (_, _) => false,
                }
            }
            FromRelay::Push(push) => match self.heard.try_send(Heard::Push(push)) {
                // A caller without interest in pushes is no fault of the relay's.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => true,
                Err(mpsc::error::TrySendError::Full(_)) => false,
            },
            FromRelay::Welcome { .. } | FromRelay::WrongVersion { .. } => false,
        }
    }
}

/// Writes whole frames, so that a caller who loses patience can't leave half a one.
async fn speak(mut send: SendStream, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if send.write_all(&frame).await.is_err() {
            break;
        }
    }
}
