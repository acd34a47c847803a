//! Makes a TLS handshake with a compiled host and brings back the certificates it showed.
//!
//! Nothing is believed while it runs and nothing is sent over it: the connection ends when the handshake does. Who holds
//! the certificate's key is proven, as in any handshake, so that a chain copied from elsewhere isn't brought back. Whether
//! it is a sound one is for [`super::trust`] to say, later and without a network.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quinn::rustls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use super::probe::{connect, left, resolve};
use super::targets::HTTPS;

/// Most certificates kept of a chain; sound ones have two to four.
const CHAIN_MAX: usize = 8;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The certificates, the host's own first, in DER.
    Chain(Vec<Vec<u8>>),
    /// The other side speaks no TLS of today (RFC 8446).
    Old,
    /// The connection was opened and then cut, or what came back is no TLS.
    Cut,
    /// No connection.
    Silent,
    /// Its name wasn't found.
    Nameless,
}

/// Shakes hands with a compiled host, at whichever of its addresses opens first in order.
pub(super) fn shake(host: &'static str, until: Instant) -> Shown {
    let addresses = resolve(host, HTTPS);
    let shown = addresses.iter().take(2).map(|address| shake_at(*address, host, until));
    let mut last = if addresses.is_empty() { Shown::Nameless } else { Shown::Silent };
    for shown in shown {
        last = shown;
        if last != Shown::Silent {
            break;
        }
    }
    last
}

fn shake_at(address: SocketAddr, host: &str, until: Instant) -> Shown {
    let Some(mut stream) = connect(address, until).1 else { return Shown::Silent };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let Some(mut client) = client(host, &seen) else { return Shown::Cut };
    while client.is_handshaking() {
        let time = left(until);
        let limits = stream.set_read_timeout(Some(time.max(Duration::from_millis(1))));
        if time.is_zero() || limits.and(stream.set_write_timeout(Some(time))).is_err() {
            return Shown::Silent;
        }
        if let Err(error) = client.complete_io(&mut stream) {
            let why = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
            return match why {
                Some(Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_)) => {
                    Shown::Old
                }
                Some(_) => Shown::Cut,
                None if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    Shown::Silent
                }
                None => Shown::Cut,
            };
        }
    }
    let chain = seen.lock().map_or(Vec::new(), |seen| seen.clone());
    Shown::Chain(chain)
}

fn client(host: &str, seen: &Arc<Mutex<Vec<Vec<u8>>>>) -> Option<ClientConnection> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Keep { seen: Arc::clone(seen), provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from(host.to_owned()).ok()?).ok()
}

/// Keeps what it is shown and judges nothing.
#[derive(Debug)]
struct Keep {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Keep {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(mut seen) = self.seen.lock() {
            *seen = std::iter::once(end_entity).chain(intermediates).take(CHAIN_MAX).map(|c| c.to_vec()).collect();
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ServerConfig, ServerConnection};

    use super::*;
    use crate::checks::network::probe::LIMIT;

    /// A certificate that its own key signed; the structure of RFC 5280, 4.1, written out.
    fn self_signed(provider: &CryptoProvider) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let tlv = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            let mut bytes = vec![tag];
            match u8::try_from(content.len()).unwrap() {
                short @ ..=127 => bytes.push(short),
                long => bytes.extend([0x81, long]),
            }
            bytes.extend(content);
            bytes
        };
        // PKCS #8 of an Ed25519 key (RFC 8410): the key of this test and of nothing else.
        let mut pkcs8 = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        pkcs8.extend([7; 32]);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8));
        let signer = provider.key_provider.load_private_key(key.clone_key()).unwrap();
        let algorithm = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
        let name = tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&[6, 3, 0x55, 4, 3], &tlv(0x0c, &[b"test"])])])]);
        let dates = tlv(0x30, &[&tlv(0x17, &[b"200101000000Z"]), &tlv(0x17, &[b"400101000000Z"])]);
        let public = signer.public_key().unwrap();
        let version = [0xa0, 3, 2, 1, 2];
        let body = tlv(0x30, &[&version, &[2, 1, 1], &algorithm, &name, &dates, &name, &public]);
        let signature = signer.choose_scheme(&[SignatureScheme::ED25519]).unwrap().sign(&body).unwrap();
        (tlv(0x30, &[&body, &algorithm, &tlv(3, &[&[0], &signature])]).into(), key)
    }

    #[test]
    fn a_chain_is_brought_back_and_nothing_is_said() {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (certificate, key) = self_signed(&provider);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut server = ServerConnection::new(Arc::new(config)).unwrap();
            while server.is_handshaking() {
                server.complete_io(&mut stream).unwrap();
            }
            let mut rest = Vec::new();
            let _closed = rustls::Stream::new(&mut server, &mut stream).read_to_end(&mut rest);
            rest
        });
        let shown = shake_at(address, "www.example.org", Instant::now() + LIMIT * 8);
        assert_eq!(shown, Shown::Chain(vec![certificate.to_vec()]));
        assert_eq!(server.join().unwrap(), b"");
    }

    #[test]
    fn what_is_no_tls_of_today_is_told_apart() {
        // RFC 8446, 6: a fatal alert `protocol_version`.
        for (answer, shown) in
            [(&[21, 3, 3, 0, 2, 2, 70][..], Shown::Old), (b"HTTP/1.1 400 x\r\n", Shown::Cut), (b"", Shown::Cut)]
        {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _hello = stream.read(&mut [0; 4_096]).unwrap();
                stream.write_all(answer).unwrap();
            });
            assert_eq!(shake_at(address, "www.example.org", Instant::now() + LIMIT * 8), shown);
            server.join().unwrap();
        }
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let until = Instant::now() + Duration::from_millis(60);
        assert_eq!(shake_at(silent.local_addr().unwrap(), "www.example.org", until), Shown::Silent);
    }
}
