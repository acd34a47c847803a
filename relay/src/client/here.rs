//! Saying *here I am* to the relay when it nudges: a box on the way gave us another address, and neither end was told.
//!
//! A frame on the control connection shows QUIC at the relay the new address at once, instead of with the next keep-alive;
//! the relay then asks for proof, and only then lets the flow follow (SECURITY C4).
//!
//! Not here: which nudges count ([`super::socket`]).

use quinn::Connection;
use tokio::sync::{mpsc, watch};
use venia_proto::rendezvous::ToRelay;
use venia_proto::wire::{self, Limit};

/// Starts saying so on this connection, until it ends.
pub(super) fn say(connection: &Connection, frames: mpsc::WeakSender<Vec<u8>>, nudges: watch::Receiver<()>) {
    // This handle keeps nothing open: whoever owns the connection closes it in so many words.
    let connection = connection.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = answer(frames, nudges) => {}
            _ = connection.closed() => {}
        }
    });
}

async fn answer(frames: mpsc::WeakSender<Vec<u8>>, mut nudges: watch::Receiver<()>) {
    while nudges.changed().await.is_ok() {
        let (Ok(frame), Some(frames)) = (wire::encode_frame(&ToRelay::Here, Limit::Control), frames.upgrade()) else {
            return;
        };
        // Where others wait to be written, they show the new address just as well.
        let _ = frames.try_send(frame);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::link::{Link, Role};
    use crate::client::tls::Expected;
    use crate::server::accept::Door;
    use crate::server::sources;
    use venia_proto::key::SigningKey;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn within<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(PATIENCE, future).await.expect("in time")
    }

    #[tokio::test]
    async fn each_nudge_is_answered_until_the_connection_ends_and_nothing_stays() {
        let key = |seed| SigningKey::new("device", [seed; 32]);
        let door = Door::open("127.0.0.1:0".parse().unwrap(), &key(1), sources::Limits::default()).unwrap();
        let link = Link::bind(None, &key(2), door.local_addr().unwrap(), Role::Agent).unwrap();
        let accepting = async { door.accept().await.unwrap().connected().await.unwrap() };
        let (_relay, connection) =
            within(async { tokio::join!(accepting, link.connect_relay(Expected::Anyone)) }).await;
        let connection = connection.unwrap();
        let (nudge, (frames, mut written)) = (watch::Sender::new(()), mpsc::channel(1));
        say(&connection, frames.downgrade(), nudge.subscribe());
        let here = wire::encode_frame(&ToRelay::Here, Limit::Control).unwrap();
        for _ in 0..3 {
            nudge.send_replace(());
            assert_eq!(within(written.recv()).await, Some(here.clone()));
        }
        connection.close(0_u32.into(), b"");
        within(nudge.closed()).await;
        assert!(written.try_recv().is_err());
        drop(frames);
        assert_eq!(within(written.recv()).await, None, "no sender is kept");
    }
}
