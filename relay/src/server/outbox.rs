//! What waits to be said to one peer: a short queue between those who answer and the one task that writes.
//!
//! The runtime's own channel does the same, and takes 0.8 KB for a peer that hears a few words a day; ten thousand of them wait
//! here.
//!
//! Not here: what becomes of a peer that doesn't read ([`super::hall`]).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::Notify;
use venia_proto::rendezvous::FromRelay;

/// Messages that may wait for one peer; who doesn't read loses the connection, not the relay's memory.
pub const OUTBOX: usize = 256;

/// Where messages are put. Every clone is the same.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Shared>);

/// Where they come out, in the order they were put. Once it is gone, what is put is forgotten.
#[derive(Debug)]
pub struct Inbox(Arc<Shared>);

/// [`OUTBOX`] messages wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// One message less.
    room: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Boxed, so that an empty queue is small.
    messages: VecDeque<Box<FromRelay>>,
    /// Whoever waits for the next one.
    reader: Option<Waker>,
    ended: bool,
}

/// An empty queue.
pub fn outbox() -> (Outbox, Inbox) {
    let shared = Arc::new(Shared::default());
    (Outbox(shared.clone()), Inbox(shared))
}

impl Outbox {
    /// Puts a message, if there is room.
    ///
    /// # Errors
    /// [`Full`]: it was not put.
    pub fn put(&self, message: FromRelay) -> Result<(), Full> {
        self.0.put(Box::new(message)).map_err(|_| Full)
    }

    /// Waits for room, and puts it.
    pub async fn send(&self, message: FromRelay) {
        let mut message = Box::new(message);
        loop {
            let mut room = pin!(self.0.room.notified());
            // Before the look: what becomes free in between is told to whoever waits already.
            room.as_mut().enable();
            match self.0.put(message) {
                Ok(()) => return,
                Err(back) => message = back,
            }
            room.await;
        }
    }
}

impl Inbox {
    /// Waits for the next message, for ever if nobody is left to put one: whoever reads ends with its connection.
    pub async fn next(&mut self) -> Box<FromRelay> {
        poll_fn(|context| {
            let mut waiting = self.0.lock();
            match waiting.messages.pop_front() {
                Some(message) => {
                    drop(waiting);
                    self.0.room.notify_one();
                    Poll::Ready(message)
                }
                None => {
                    waiting.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.ended = true;
        // A waker keeps its task, and all that lives in it.
        waiting.reader = None;
        let forgotten = std::mem::take(&mut waiting.messages);
        drop(waiting);
        drop(forgotten);
        self.0.room.notify_waiters();
    }
}

impl Shared {
    /// Gives the message back if there is no room.
    fn put(&self, message: Box<FromRelay>) -> Result<(), Box<FromRelay>> {
        let mut waiting = self.lock();
        if waiting.ended {
            return Ok(());
        }
        if waiting.messages.len() >= OUTBOX {
            return Err(message);
        }
        waiting.messages.push_back(message);
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Somebody may have panicked while holding it; every change is a single step.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use venia_proto::rendezvous::Push;

    use super::*;

    fn ping(nonce: usize) -> FromRelay {
        FromRelay::Push(Push::Ping(nonce as u64))
    }

    #[tokio::test]
    async fn messages_come_out_in_order_and_no_more_wait_than_may() {
        let (outbox, mut inbox) = outbox();
        for n in 0..OUTBOX {
            assert_eq!(outbox.put(ping(n)), Ok(()), "{n}");
        }
        assert_eq!(outbox.put(ping(OUTBOX)), Err(Full));
        assert_eq!(*inbox.next().await, ping(0));
        assert_eq!((outbox.put(ping(OUTBOX)), outbox.put(ping(0))), (Ok(()), Err(Full)));
        for n in 1..=OUTBOX {
            assert_eq!(*inbox.next().await, ping(n));
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_room_gets_it_and_nothing_is_lost() {
        const SENDERS: usize = 8;
        let (outbox, mut inbox) = outbox();
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let outbox = outbox.clone();
                tokio::spawn(async move {
                    for n in 0..OUTBOX {
                        outbox.send(ping(sender * OUTBOX + n)).await;
                    }
                })
            })
            .collect();
        let mut next: Vec<usize> = (0..SENDERS).map(|sender| sender * OUTBOX).collect();
        for _ in 0..SENDERS * OUTBOX {
            let FromRelay::Push(Push::Ping(nonce)) = *inbox.next().await else { unreachable!() };
            let expected = &mut next[nonce as usize / OUTBOX];
            assert_eq!(nonce as usize, *expected);
            *expected += 1;
        }
        for sender in senders {
            sender.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_reader_is_woken_by_what_comes_later() {
        let (outbox, mut inbox) = outbox();
        let reading = tokio::spawn(async move { *inbox.next().await });
        tokio::task::yield_now().await;
        outbox.send(ping(7)).await;
        assert_eq!(reading.await.unwrap(), ping(7));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_peer_that_is_gone() {
        let (outbox, inbox) = outbox();
        for n in 0..OUTBOX {
            outbox.put(ping(n)).unwrap();
        }
        let waiting: Vec<_> = (0..3)
            .map(|n| {
                let outbox = outbox.clone();
                tokio::spawn(async move { outbox.send(ping(n)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
        drop(inbox);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(outbox.put(ping(0)), Ok(()));
        assert!(outbox.0.lock().messages.is_empty());
    }
}
