//! Both ends over real loopback QUIC: with each other, and each with a stranger that isn't honest.

use std::net::Ipv4Addr;

use quinn::Endpoint;
use venia_proto::key::SigningKey;

use super::*;
use crate::client::tls::{Expected, Identity, NO_NAME, SESSION_ALPN};
use crate::client::transport;

/// An agent's connection and its console's, with the endpoints that carry them.
struct Pair {
    agent: Connection,
    console: Connection,
    _endpoints: [Endpoint; 2],
}

impl Pair {
    async fn meet() -> Self {
        let identity = |seed| Identity::new(&SigningKey::new("device", [seed; 32])).unwrap();
        let crypto = identity(1).server(SESSION_ALPN, Expected::Anyone).unwrap();
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        let agents = Endpoint::server(transport::session_server(crypto, true), any).unwrap();
        let consoles = Endpoint::client(any).unwrap();
        let crypto = identity(2).client(SESSION_ALPN, Expected::Anyone).unwrap();
        let dialled =
            consoles.connect_with(transport::session_client(crypto, true), agents.local_addr().unwrap(), NO_NAME);
        let accept = async { agents.accept().await.unwrap().await.unwrap() };
        let (agent, console) = tokio::join!(accept, async { dialled.unwrap().await.unwrap() });
        Self { agent, console, _endpoints: [agents, consoles] }
    }

    /// A stream of the agent's own making.
    async fn stream(&self) -> Padded {
        let (send, receive) = self.agent.open_bi().await.unwrap();
        Padded::new(send, receive)
    }
}

#[tokio::test]
async fn a_way_is_measured_and_no_more_is_sent_than_the_cap() {
    let pair = Pair::meet().await;
    let served = tokio::spawn(serve(pair.console.clone()));
    let before = (pair.agent.stats().udp_tx.bytes, pair.console.stats().udp_tx.bytes);
    let gauged = gauge(&pair.agent).await;
    assert_eq!(gauged.trips.len(), TRIPS);
    assert!(gauged.sent >= TRIPS as u64 && gauged.lost <= gauged.sent, "{gauged:?}");
    let (up, down) = (gauged.up.unwrap(), gauged.down.unwrap());
    assert!(up.whole && down.whole && up.bytes == down.bytes && STEPS.contains(&up.bytes), "{gauged:?}");
    // Headers and acknowledgements take a few percent; a packet lost on loopback is sent again.
    let most = (LOAD_MAX + LOAD_MAX / 8) as u64;
    assert!(pair.agent.stats().udp_tx.bytes - before.0 < most);
    assert!(pair.console.stats().udp_tx.bytes - before.1 < most);
    pair.agent.close(VarInt::from_u32(0), b"");
    served.await.unwrap();
}

#[tokio::test]
async fn who_does_not_answer_is_sent_nothing_to_speak_of() {
    let pair = Pair::meet().await;
    let began = Instant::now();
    let gauged = gauge(&pair.agent).await;
    assert!(gauged.trips.is_empty() && gauged.up.is_none() && gauged.down.is_none());
    assert!(began.elapsed() < TRIPS_TIME + Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_of_another_length_ends_it() {
    let pair = Pair::meet().await;
    let (gauged, ()) = tokio::join!(gauge(&pair.agent), async {
        let (send, receive) = pair.console.accept_bi().await.unwrap();
        let mut liar = Padded::new(send, receive);
        for _ in 0..TRIPS {
            assert_eq!(liar.take(LOAD_MAX).await, Some(1));
            liar.give(1).await.unwrap();
        }
        assert_eq!(liar.take(LOAD_MAX).await, Some(STEPS[0]));
        liar.give(1).await.unwrap();
        // One byte more than was lent it.
        let _ = liar.give(STEPS[0] + 1).await;
        assert_eq!(liar.take(LOAD_MAX).await, None, "nothing more comes");
    });
    assert_eq!((gauged.trips.len(), gauged.up.map(|pace| pace.bytes), gauged.down), (TRIPS, Some(STEPS[0]), None));
}

#[tokio::test]
async fn a_console_takes_and_gives_no_more_than_the_cap() {
    let pair = Pair::meet().await;
    tokio::spawn(serve(pair.console.clone()));
    for (announced, answered) in [(LOAD_MAX - 1, true), (LOAD_MAX, true), (LOAD_MAX + 1, false), (0, false)] {
        let mut stream = pair.stream().await;
        // Read while it is written: a console that answers doesn't wait for the rest.
        let length = u32::try_from(announced).unwrap();
        stream.send.write_all(&length.to_le_bytes()).await.unwrap();
        let body = vec![0; announced];
        let _refused = stream.send.write_all(&body).await;
        assert_eq!(stream.expect(1).await.is_some(), answered, "{announced}");
        assert_eq!(stream.expect(announced).await.is_some(), answered, "{announced}");
    }
    // What fits frame by frame doesn't fit in all.
    let mut stream = pair.stream().await;
    for (bytes, answered) in [(LOAD_MAX / 2, true), (LOAD_MAX / 2, true), (1, false)] {
        let _refused = stream.give(bytes).await;
        assert_eq!(stream.expect(1).await.is_some(), answered);
        if answered {
            stream.expect(bytes).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_console_serves_so_many_and_no_more() {
    let pair = Pair::meet().await;
    let served = tokio::spawn(serve(pair.console.clone()));
    for _ in 0..SERVED_MAX {
        let mut stream = pair.stream().await;
        stream.give(1).await.unwrap();
        stream.expect(1).await.unwrap();
    }
    served.await.unwrap();
}

#[tokio::test]
async fn dropping_it_takes_back_what_was_not_sent() {
    let pair = Pair::meet().await;
    let mut stream = pair.stream().await;
    // More than the other end's window lets through: the rest waits here.
    let waits = timeout(Duration::from_millis(200), stream.give(4 * LOAD_MAX)).await;
    assert!(waits.is_err());
    let (_send, mut receive) = pair.console.accept_bi().await.unwrap();
    drop(stream);
    let end = loop {
        match receive.read_chunk(CHUNK, true).await {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(end, Some(quinn::ReadError::Reset(VarInt::from_u32(0))));
}
