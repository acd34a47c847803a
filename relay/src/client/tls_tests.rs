//! Handshakes over real loopback QUIC, honest and dishonest.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, ServerConfig};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

fn signing(seed: u8) -> SigningKey {
    SigningKey::new("device", [seed; 32])
}

fn identity(seed: u8) -> Identity {
    Identity::new(&signing(seed)).unwrap()
}

/// Claims one key and signs with another.
fn liar(claimed: u8, held: u8) -> Identity {
    let (claimed, held) = (identity(claimed), identity(held));
    let certified = CertifiedKey::new(claimed.certified.cert.clone(), held.certified.key.clone());
    Identity { certified: Arc::new(certified), public: claimed.public }
}

struct Pair {
    server: Endpoint,
    client: Endpoint,
    at: SocketAddr,
}

fn pair(server: Arc<QuicServerConfig>) -> Pair {
    let server = Endpoint::server(ServerConfig::with_crypto(server), (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let client = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let at = server.local_addr().unwrap();
    Pair { server, client, at }
}

impl Pair {
    /// What server and client think of one handshake. A client can't know yet that it was refused: it waits for the close.
    async fn meet(
        &self,
        client: ClientConfig,
    ) -> (Result<Connection, ConnectionError>, Result<Connection, ConnectionError>) {
        let dial = async {
            let connection = self.client.connect_with(client, self.at, NO_NAME).unwrap().await?;
            match tokio::time::timeout(LIMIT, connection.accept_uni()).await.unwrap() {
                Ok(_) => Ok(connection),
                Err(error) => Err(error),
            }
        };
        let serve = async {
            let connection = self.server.accept().await.unwrap().await?;
            let mut hello = connection.open_uni().await.unwrap();
            hello.write_all(b"!").await.unwrap();
            Ok(connection)
        };
        tokio::time::timeout(LIMIT, async { tokio::join!(serve, dial) }).await.unwrap()
    }
}

fn client_of(identity: &Identity, expected: Expected) -> ClientConfig {
    ClientConfig::new(identity.client(SESSION_ALPN, expected).unwrap())
}

#[tokio::test]
async fn a3_both_sides_learn_the_others_key_and_share_an_exporter() {
    let pair = pair(identity(1).server(SESSION_ALPN, Expected::Key(*signing(2).public())).unwrap());
    let (server, client) = pair.meet(client_of(&identity(2), Expected::Key(*signing(1).public()))).await;
    let (server, client) = (server.unwrap(), client.unwrap());
    assert_eq!(peer_key(&client).unwrap(), *signing(1).public());
    assert_eq!(peer_key(&server).unwrap(), *signing(2).public());
    let ours = exporter(&client, b"EXPORTER-venia-test", b"").unwrap();
    assert_eq!(ours, exporter(&server, b"EXPORTER-venia-test", b"").unwrap());
    assert_ne!(ours, exporter(&server, b"EXPORTER-venia-test", b"other").unwrap());
}

#[tokio::test]
async fn a3_right_key_claimed_with_the_wrong_private_key_is_refused_at_the_server() {
    let pair = pair(identity(1).server(SESSION_ALPN, Expected::Anyone).unwrap());
    let (server, client) = pair.meet(client_of(&liar(2, 3), Expected::Anyone)).await;
    assert!(server.is_err() && client.is_err());
}

#[tokio::test]
async fn a3_right_key_claimed_with_the_wrong_private_key_is_refused_at_the_client() {
    let pair = pair(liar(1, 3).server(SESSION_ALPN, Expected::Anyone).unwrap());
    let (server, client) = pair.meet(client_of(&identity(2), Expected::Key(*signing(1).public()))).await;
    assert!(server.is_err() && client.is_err());
}

#[tokio::test]
async fn a3_another_key_than_the_expected_one_is_refused() {
    let stranger = Expected::Key(*signing(9).public());
    let first = pair(identity(1).server(SESSION_ALPN, stranger).unwrap());
    let (server, client) = first.meet(client_of(&identity(2), Expected::Anyone)).await;
    assert!(server.is_err() && client.is_err());
    let second = pair(identity(1).server(SESSION_ALPN, Expected::Anyone).unwrap());
    let (server, client) = second.meet(client_of(&identity(2), stranger)).await;
    assert!(server.is_err() && client.is_err());
}

#[tokio::test]
async fn a3_no_client_key_is_refused() {
    let provider = provider();
    let mut anonymous = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Possession::new(&provider, Expected::Anyone)))
        .with_no_client_auth();
    anonymous.alpn_protocols = vec![SESSION_ALPN.to_vec()];
    let anonymous = ClientConfig::new(Arc::new(QuicClientConfig::try_from(anonymous).unwrap()));
    let pair = pair(identity(1).server(SESSION_ALPN, Expected::Anyone).unwrap());
    let (server, client) = pair.meet(anonymous).await;
    assert!(server.is_err() && client.is_err());
}

#[tokio::test]
async fn c3_wrong_or_missing_alpn_is_refused() {
    for alpn in [Vec::new(), vec![b"h3".to_vec()], vec![RELAY_ALPN.to_vec()]] {
        let mut other = identity(2).rustls_client(SESSION_ALPN, Expected::Anyone).unwrap();
        other.alpn_protocols = alpn;
        let other = ClientConfig::new(Arc::new(QuicClientConfig::try_from(other).unwrap()));
        let pair = pair(identity(1).server(SESSION_ALPN, Expected::Anyone).unwrap());
        let (server, client) = pair.meet(other).await;
        assert!(server.is_err() && client.is_err());
    }
}

#[tokio::test]
async fn a6_nothing_is_resumed_and_nothing_is_sent_early() {
    let client = identity(2).rustls_client(SESSION_ALPN, Expected::Anyone).unwrap();
    let server = identity(1).rustls_server(SESSION_ALPN, Expected::Anyone).unwrap();
    assert!(!client.enable_early_data && !client.key_log.will_log("CLIENT_TRAFFIC_SECRET_0"));
    assert!(!server.ticketer.enabled() && !server.session_storage.can_cache());
    assert_eq!((server.send_tls13_tickets, server.max_early_data_size), (0, 0));
    assert!(!server.send_half_rtt_data && !server.key_log.will_log("SERVER_TRAFFIC_SECRET_0"));

    // A client that would resume, and knows this server already, still can't send early.
    let mut eager = identity(2).rustls_client(SESSION_ALPN, Expected::Anyone).unwrap();
    eager.resumption = Resumption::in_memory_sessions(8);
    eager.enable_early_data = true;
    let eager = ClientConfig::new(Arc::new(QuicClientConfig::try_from(eager).unwrap()));
    let pair = pair(identity(1).server(SESSION_ALPN, Expected::Anyone).unwrap());
    let (server, client) = pair.meet(eager.clone()).await;
    assert!(server.is_ok() && client.is_ok());
    assert!(pair.client.connect_with(eager, pair.at, NO_NAME).unwrap().into_0rtt().is_err());
}

#[test]
fn the_hybrid_exchange_comes_first_and_only_tls_13_is_spoken() {
    let config = identity(1).rustls_client(SESSION_ALPN, Expected::Anyone).unwrap();
    let provider = config.crypto_provider();
    assert_eq!(provider.kx_groups.first().map(|group| group.name()), Some(rustls::NamedGroup::X25519MLKEM768));
    assert!(provider.cipher_suites.iter().all(|suite| suite.tls13().is_some()));
}

#[test]
fn a3_weak_and_foreign_keys_are_refused() {
    let verifier = Possession::new(&provider(), Expected::Anyone);
    let mut weak = signing(1).public().spki();
    weak[12..].fill(0);
    let good = CertificateDer::from(signing(1).public().spki().to_vec());
    assert!(verifier.key(&good, &[]).is_ok());
    assert!(verifier.key(&good, std::slice::from_ref(&good)).is_err());
    assert!(verifier.key(&CertificateDer::from(weak.to_vec()), &[]).is_err());
    assert!(verifier.key(&CertificateDer::from(vec![0x30; 91]), &[]).is_err());
    assert!(verifier.key(&CertificateDer::from(Vec::new()), &[]).is_err());
}
