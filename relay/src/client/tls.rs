//! TLS 1.3 with raw Ed25519 public keys (RFC 7250) on both layers: peer to relay, and peer to peer through it.
//!
//! A handshake proves that the other side *holds* a key, nothing more. Who a key *is* comes only from signed notes (the
//! organisation's statement, the member note), and callers must compare [`peer_key`] with them. (SECURITY A3)
//!
//! One verifier serves both roles: it demands exactly one strong Ed25519 key and lets the provider check the proof of
//! possession; nothing is asserted unchecked. There are no certificates, no dates (a PC with a dead clock is served), no
//! tickets, no resumption, no 0-RTT: a resumed session would skip the verifier (SECURITY A6). No key is ever logged
//! (SECURITY H3).

use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use venia_proto::key::{PublicKey, SigningKey};

/// ALPN (RFC 7301) of the control connection between a peer and its relay.
pub const RELAY_ALPN: &[u8] = b"venia-relay/1";
/// ALPN (RFC 7301) of the end-to-end connection between console and agent.
pub const SESSION_ALPN: &[u8] = b"venia-session/1";
/// What a client says it looks for. Never sent (no SNI) and never compared: keys are the only names.
pub(crate) const NO_NAME: &str = "venia.invalid";

/// Which key the other side must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any strong key. The caller must then find out from signed notes whose key [`peer_key`] is.
    Anyone,
    /// This key and no other; the handshake fails otherwise.
    Key(PublicKey),
}

/// A handshake that can't be prepared, or whose outcome can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The cryptographic library refused our own settings or key.
    #[error("this program's own TLS settings or key were refused")]
    Setup(#[source] rustls::Error),
    /// The connection has no peer key: its handshake isn't complete.
    #[error("the connection has no peer key yet")]
    NoPeer,
    /// The connection's exporter isn't available: its handshake isn't complete.
    #[error("the connection can't export keying material yet")]
    NoExporter,
}

/// Our side of every handshake: one Ed25519 key, held by the cryptographic library.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    public: PublicKey,
}

impl Identity {
    /// Hands the key to the cryptographic library; the copy made on the way is wiped.
    pub fn new(key: &SigningKey) -> Result<Self, TlsError> {
        let signer = aws_lc_rs::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(key.to_pkcs8().as_slice()))
            .map_err(TlsError::Setup)?;
        let spki = CertificateDer::from(key.public().spki().to_vec());
        Ok(Self { certified: Arc::new(CertifiedKey::new(vec![spki], signer)), public: *key.public() })
    }

    /// The key the other side will see.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The side that dials, for one protocol.
    pub fn client(&self, alpn: &[u8], expected: Expected) -> Result<Arc<QuicClientConfig>, TlsError> {
        let config = self.rustls_client(alpn, expected)?;
        QuicClientConfig::try_from(config)
            .map(Arc::new)
            .map_err(|_| TlsError::Setup(rustls::Error::General("no cipher suite for Initial packets".into())))
    }

    /// The side that is dialled, for one protocol.
    pub fn server(&self, alpn: &[u8], expected: Expected) -> Result<Arc<QuicServerConfig>, TlsError> {
        let config = self.rustls_server(alpn, expected)?;
        QuicServerConfig::try_from(config)
            .map(Arc::new)
            .map_err(|_| TlsError::Setup(rustls::Error::General("no cipher suite for Initial packets".into())))
    }

    fn rustls_client(&self, alpn: &[u8], expected: Expected) -> Result<rustls::ClientConfig, TlsError> {
        let provider = provider();
        let verifier = Arc::new(Possession::new(&provider, expected));
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(self.certified.clone())));
        config.alpn_protocols = vec![alpn.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        config.enable_sni = false;
        Ok(config)
    }

    fn rustls_server(&self, alpn: &[u8], expected: Expected) -> Result<rustls::ServerConfig, TlsError> {
        let provider = provider();
        let verifier = Arc::new(Possession::new(&provider, expected));
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Setup)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(self.certified.clone())));
        config.alpn_protocols = vec![alpn.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.send_half_rtt_data = false;
        Ok(config)
    }
}

/// The key the other side proved to hold. Whose it is, only signed notes say. (SECURITY A3)
pub fn peer_key(connection: &quinn::Connection) -> Result<PublicKey, TlsError> {
    let shown = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let spki = shown.as_ref().and_then(|keys| keys.first()).ok_or(TlsError::NoPeer)?;
    PublicKey::from_spki(spki).map_err(|_| TlsError::NoPeer)
}

/// 32 bytes only the two ends of this connection know (RFC 8446 section 7.5), the same at both.
pub fn exporter(connection: &quinn::Connection, label: &[u8], context: &[u8]) -> Result<[u8; 32], TlsError> {
    let mut secret = [0; 32];
    connection.export_keying_material(&mut secret, label, context).map_err(|_| TlsError::NoExporter)?;
    Ok(secret)
}

/// X25519MLKEM768 first: what is recorded today stays unread by tomorrow's quantum computers.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    })
}

/// The one verifier: a strong Ed25519 raw key, the expected one if one is expected, and its possession proved.
#[derive(Debug)]
struct Possession {
    algorithms: WebPkiSupportedAlgorithms,
    expected: Expected,
}

impl Possession {
    fn new(provider: &CryptoProvider, expected: Expected) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, expected }
    }

    fn key(&self, spki: &CertificateDer<'_>, more: &[CertificateDer<'_>]) -> Result<(), rustls::Error> {
        let shown = PublicKey::from_spki(spki).map_err(|_| CertificateError::BadEncoding)?;
        let fits = match self.expected {
            Expected::Anyone => true,
            Expected::Key(key) => key == shown,
        };
        if fits && more.is_empty() { Ok(()) } else { Err(CertificateError::ApplicationVerificationFailure.into()) }
    }

    fn proof(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if signed.scheme != SignatureScheme::ED25519 {
            return Err(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        let spki = SubjectPublicKeyInfoDer::from(spki.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signed, &self.algorithms)
    }
}

/// TLS 1.2 isn't compiled in; if a message of it ever arrived, it would fail here.
fn no_tls12() -> rustls::Error {
    rustls::PeerIncompatible::Tls13RequiredForQuic.into()
}

impl ServerCertVerifier for Possession {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.key(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proof(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.key(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.proof(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
