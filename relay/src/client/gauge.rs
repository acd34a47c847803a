//! How good an end-to-end connection is: round trips, then a capped load. Both ends.
//!
//! On one bidirectional stream that the agent opens while it does an item that needs it. Its frames hold padding, and no
//! message: nothing is decoded, and what comes is counted and dropped.
//!
//! ```text
//! agent ── 1 byte ───▶ console ── 1 byte ─────────▶ agent     a round trip
//! agent ── n bytes ──▶ console ── 1 byte, n bytes ▶ agent     the way up, told by the one byte, and the way back
//! ```
//!
//! A console sends no more than came to it, so nobody can make it a weapon; it serves one stream at a time, [`SERVED_MAX`]
//! in a session. A program that knows no such streams never takes one: its agent hears nothing, loads nothing and says so.
//! Every other stream of the connection goes first, and a stream whose caller loses interest takes back what isn't sent
//! yet: STOP needs no more than dropping it.
//!
//! Not here: what the figures mean (the item's check says so), and when one may measure (a permit does).

use std::time::Duration;

use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use venia_proto::wire::PREFIX;

/// Round trips of one measurement.
pub const TRIPS: usize = 20;
/// Longest time for all round trips together; on a slow way there are fewer.
pub const TRIPS_TIME: Duration = Duration::from_secs(4);
/// Most bytes of padding either end sends in one measurement.
pub const LOAD_MAX: usize = 1024 * 1024;
/// Longest time for the load, both ways together.
pub const LOAD_TIME: Duration = Duration::from_secs(5);
/// Measurements one console serves in a session.
pub const SERVED_MAX: usize = 32;
/// How long a console serves one.
pub const SERVED_TIME: Duration = Duration::from_secs(15);

/// Between two round trips: they are to meet the way as it is, not themselves.
const PAUSE: Duration = Duration::from_millis(10);
/// The load grows, so that a slow way is measured by little and a fast one isn't measured by its beginning.
const STEPS: [usize; 6] = [16 * 1024, 64 * 1024, 192 * 1024, 240 * 1024, 240 * 1024, 240 * 1024];
/// A step that took this long was large enough.
const ENOUGH: Duration = Duration::from_millis(500);
/// Below everything else of a session, results included.
const PRIORITY: i32 = -2;
/// Bytes written or dropped at a time.
const CHUNK: usize = 16 * 1024;

const _: () = {
    let (mut sum, mut step) = (TRIPS, 0);
    while step < STEPS.len() {
        sum += STEPS[step];
        step += 1;
    }
    assert!(sum <= LOAD_MAX);
};

/// What one measurement found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauged {
    /// Round trips between the two programs, in order; none if the other end doesn't answer.
    pub trips: Vec<Duration>,
    /// Packets this end sent during the round trips.
    pub sent: u64,
    /// How many of them were lost.
    pub lost: u64,
    /// The way up, a round trip included; nothing if it wasn't loaded.
    pub up: Option<Pace>,
    /// The way back.
    pub down: Option<Pace>,
}

/// How fast padding went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How much.
    pub bytes: usize,
    /// In how long.
    pub time: Duration,
    /// Whether all of it arrived. If not, time was up, and the way is slower than this.
    pub whole: bool,
}

/// Measures: at most [`TRIPS_TIME`] and [`LOAD_TIME`], at most [`LOAD_MAX`] bytes. To be dropped at any moment.
pub async fn gauge(connection: &Connection) -> Gauged {
    let mut gauged = Gauged::default();
    let Ok(Ok((send, receive))) = timeout(TRIPS_TIME, connection.open_bi()).await else { return gauged };
    let mut stream = Padded::new(send, receive);
    let before = connection.stats().path;
    let _ = timeout(TRIPS_TIME, stream.trips(&mut gauged.trips)).await;
    let after = connection.stats().path;
    gauged.sent = after.sent_packets.saturating_sub(before.sent_packets);
    gauged.lost = after.lost_packets.saturating_sub(before.lost_packets);
    if !gauged.trips.is_empty() {
        stream.load(&mut gauged).await;
    }
    gauged
}

/// The other end: serves until the connection ends, or [`SERVED_MAX`] times.
pub async fn serve(connection: Connection) {
    for _ in 0..SERVED_MAX {
        let Ok((send, receive)) = connection.accept_bi().await else { return };
        let mut stream = Padded::new(send, receive);
        if timeout(SERVED_TIME, stream.answer()).await.is_err() {
            tracing::debug!("a measurement took too long");
        }
    }
}

/// A stream of padding: frames of [`venia_proto::wire`] whose bodies mean nothing. Taken back when dropped.
struct Padded {
    send: SendStream,
    receive: RecvStream,
}

impl Drop for Padded {
    fn drop(&mut self) {
        // A stream that is dropped is delivered, unless it is taken back.
        let _ = self.send.reset(VarInt::from_u32(0));
    }
}

impl Padded {
    fn new(send: SendStream, receive: RecvStream) -> Self {
        let _ = send.set_priority(PRIORITY);
        Self { send, receive }
    }

    async fn trips(&mut self, trips: &mut Vec<Duration>) -> Option<()> {
        for _ in 0..TRIPS {
            let began = Instant::now();
            self.give(1).await?;
            self.expect(1).await?;
            trips.push(began.elapsed());
            sleep(PAUSE).await;
        }
        Some(())
    }

    /// Ends early when a step was large enough, or when time is up.
    async fn load(&mut self, gauged: &mut Gauged) {
        let end = Instant::now() + LOAD_TIME;
        for bytes in STEPS {
            let began = Instant::now();
            let up = timeout_at(end, async {
                self.give(bytes).await?;
                self.expect(1).await
            });
            if paced(&mut gauged.up, up.await, bytes, began).is_none() {
                return;
            }
            let turned = Instant::now();
            let down = timeout_at(end, self.expect(bytes));
            if paced(&mut gauged.down, down.await, bytes, turned).is_none() || began.elapsed() >= ENOUGH {
                return;
            }
        }
    }

    /// Answers every frame, as long as they fit into what one measurement may have.
    async fn answer(&mut self) -> Option<()> {
        let mut left = LOAD_MAX;
        loop {
            let bytes = self.take(left).await?;
            left -= bytes;
            self.give(1).await?;
            if bytes > 1 {
                self.give(bytes).await?;
            }
        }
    }

    async fn give(&mut self, bytes: usize) -> Option<()> {
        let length = u32::try_from(bytes).ok()?;
        self.send.write_all(&length.to_le_bytes()).await.ok()?;
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(CHUNK);
            self.send.write_all(&[0; CHUNK][..piece]).await.ok()?;
            left -= piece;
        }
        Some(())
    }

    /// Drops the next frame; its length. Nothing at the stream's end, or of a frame that is empty or larger than `most`.
    async fn take(&mut self, most: usize) -> Option<usize> {
        let mut prefix = [0; PREFIX];
        self.receive.read_exact(&mut prefix).await.ok()?;
        let length = usize::try_from(u32::from_le_bytes(prefix)).ok()?;
        if length == 0 || length > most {
            return None;
        }
        let mut left = length;
        while left > 0 {
            left -= self.receive.read_chunk(left.min(CHUNK), true).await.ok()??.bytes.len();
        }
        Some(length)
    }

    /// A frame of exactly this length.
    async fn expect(&mut self, bytes: usize) -> Option<()> {
        self.take(bytes).await.filter(|taken| *taken == bytes).map(|_| ())
    }
}

/// Notes how a step went. Nothing: there is no next one.
fn paced<E>(pace: &mut Option<Pace>, step: Result<Option<()>, E>, bytes: usize, began: Instant) -> Option<()> {
    let time = began.elapsed();
    match step {
        Ok(done) => {
            done?;
            *pace = Some(Pace { bytes, time, whole: true });
            Some(())
        }
        Err(_) => {
            // A smaller step that arrived says more than a larger one that didn't.
            pace.get_or_insert(Pace { bytes, time, whole: false });
            None
        }
    }
}

#[cfg(test)]
#[path = "gauge_tests.rs"]
mod tests;
