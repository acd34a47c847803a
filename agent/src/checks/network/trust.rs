//! Says whether a chain of certificates is one of the public authorities, and if not, of whom.
//!
//! The PC's own list of authorities is split: those that Mozilla's programme has (by fingerprint, [`PUBLIC`]) and those that
//! somebody added. A chain that holds only with an added one is read on its way: by a protection program, a company, or
//! somebody worse. Names inside certificates prove nothing and are only used to name well-known products. Pure: no
//! network, no clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use quinn::rustls;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};
use sha2::{Digest, Sha256};

/// Fingerprints of the authorities of Mozilla's programme, each with its name: the ones in Debian's `ca-certificates`.
pub(super) const PUBLIC: &str = include_str!("roots.txt");
/// Most authorities read of a PC's list; Mozilla's has about 150.
const AUTHORITIES_MAX: usize = 2_000;
/// What protection programs and proxies write into the certificates they make: their documentation.
const PRODUCTS: [&str; 16] = [
    "AVG",
    "Avast",
    "Bitdefender",
    "Cisco Umbrella",
    "ESET",
    "Fortinet",
    "GlobalProtect",
    "Kaspersky",
    "McAfee",
    "Netskope",
    "Palo Alto",
    "Sophos",
    "Squid",
    "Trend Micro",
    "Zscaler",
    "mitmproxy",
];
/// Public authorities by the names in their certificates, in case one is newer than [`PUBLIC`].
const NEWER: [&str; 8] = [
    "Amazon",
    "Certainly",
    "DigiCert",
    "GlobalSign",
    "Google Trust Services",
    "Internet Security Research Group",
    "SSL Corporation",
    "Sectigo",
];

/// What a chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Of a public authority.
    Public,
    /// Of an authority that was added to this PC; with the product's name if it is a well-known one.
    Added(Option<&'static str>),
    /// Of an authority this PC trusts, which calls itself a public one that is newer than our list.
    Newer,
    /// Of nobody this PC trusts, or for another site.
    Untrusted,
    /// Sound but not yet valid: so many seconds are missing. This PC's clock may be behind.
    NotYet(u64),
    /// Sound but over since so many seconds. This PC's clock may be ahead.
    Over(u64),
    /// Not to be judged.
    Unreadable,
}

/// The authorities a PC trusts.
pub(super) struct Authorities {
    provider: Arc<CryptoProvider>,
    public: Arc<RootCertStore>,
    all: Arc<RootCertStore>,
    /// How many somebody added.
    pub(super) added: u64,
}

impl Authorities {
    /// From the text of a PC's list (`ca-certificates.crt`) and the fingerprints of the public ones, [`PUBLIC`].
    pub(super) fn read(text: &str, public_ones: &str) -> Self {
        let known: HashSet<&str> = public_ones.lines().filter_map(|line| line.split_whitespace().next()).collect();
        let (mut public, mut all) = (RootCertStore::empty(), RootCertStore::empty());
        let mut added = 0;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()).flatten().take(AUTHORITIES_MAX) {
            if known.contains(Self::fingerprint(&certificate).as_str()) {
                let _unusable = public.add(certificate.clone());
            } else {
                added += 1;
            }
            let _unusable = all.add(certificate);
        }
        Self { provider: Arc::new(aws_lc_rs::default_provider()), public: Arc::new(public), all: Arc::new(all), added }
    }

    /// The fingerprint of a certificate: SHA-256 of its DER, in hexadecimal.
    pub(super) fn fingerprint(der: &[u8]) -> String {
        Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it has any public authority at all: without one nothing can be judged.
    pub(super) fn usable(&self) -> bool {
        !self.public.is_empty()
    }

    /// What a chain is that a host showed at that time, in seconds since 1970.
    pub(super) fn judge(&self, host: &str, chain: &[Vec<u8>], at: u64) -> Chain {
        match self.check(&self.public, host, chain, at) {
            Ok(()) => Chain::Public,
            Err(Some(CertificateError::NotValidYetContext { not_before, .. })) => {
                Chain::NotYet(not_before.as_secs().saturating_sub(at))
            }
            Err(Some(CertificateError::ExpiredContext { not_after, .. })) => {
                Chain::Over(at.saturating_sub(not_after.as_secs()))
            }
            Err(Some(CertificateError::UnknownIssuer)) => match self.check(&self.all, host, chain, at) {
                Ok(()) if found(&NEWER, chain).is_some() => Chain::Newer,
                Ok(()) => Chain::Added(found(&PRODUCTS, chain)),
                Err(_) => Chain::Untrusted,
            },
            Err(Some(CertificateError::BadEncoding)) | Err(None) => Chain::Unreadable,
            Err(Some(_)) => Chain::Untrusted,
        }
    }

    fn check(
        &self,
        roots: &Arc<RootCertStore>,
        host: &str,
        chain: &[Vec<u8>],
        at: u64,
    ) -> Result<(), Option<CertificateError>> {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&self.provider)).build();
        let (Ok(verifier), Some((own, others))) = (verifier, chain.split_first()) else { return Err(None) };
        let others: Vec<CertificateDer> = others.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let host = ServerName::try_from(host).map_err(|_| None)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
        match verifier.verify_server_cert(&CertificateDer::from(own.as_slice()), &others, &host, &[], at) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(why)) => Err(Some(why)),
            Err(_) => Err(None),
        }
    }
}

/// The first of these names that stands anywhere in the chain.
fn found(names: &[&'static str], chain: &[Vec<u8>]) -> Option<&'static str> {
    let within = |name: &str| chain.iter().any(|der| der.windows(name.len()).any(|part| part == name.as_bytes()));
    names.iter().find(|name| within(name)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::recorded;

    const HOST: &str = "www.wikipedia.org";
    /// The middle of 2026, when the recorded certificates hold.
    const THEN: u64 = 1_780_000_000;

    fn text(name: &str) -> String {
        recorded("network-certificates").text(&format!("/{name}.pem")).unwrap()
    }

    fn chain(name: &str) -> Vec<Vec<u8>> {
        CertificateDer::pem_slice_iter(text(name).as_bytes()).map(|der| der.unwrap().to_vec()).collect()
    }

    /// A PC's list with that authority counted among the public ones.
    fn trusting_as_public(name: &str) -> Authorities {
        let mut authorities = Authorities::read(&text(name), PUBLIC);
        authorities.public = Arc::clone(&authorities.all);
        authorities
    }

    #[test]
    fn the_list_of_public_authorities_is_well_formed() {
        for line in PUBLIC.lines() {
            let (fingerprint, name) = line.split_once(' ').unwrap();
            assert!(fingerprint.len() == 64 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        }
        assert!(PUBLIC.lines().count() > 100 && PUBLIC.lines().is_sorted());
    }

    #[test]
    fn a_public_authority_is_known_by_its_fingerprint_alone() {
        let authorities = Authorities::read(&(text("public-root") + &text("proxy-root")), PUBLIC);
        assert_eq!((authorities.public.len(), authorities.added), (1, 1));
        assert!(authorities.usable() && !Authorities::read(&text("proxy-root"), PUBLIC).usable());
        assert!(!Authorities::read("-----BEGIN nonsense", PUBLIC).usable());
    }

    #[test]
    fn chains_are_told_apart() {
        let (site, stolen) = (chain("site-chain"), chain("other-site-chain"));
        let sound = trusting_as_public("site-root");
        assert_eq!(sound.judge(HOST, &site, THEN), Chain::Public);
        assert_eq!(sound.judge("www.debian.org", &site, THEN), Chain::Untrusted);
        assert_eq!(sound.judge(HOST, &stolen, THEN), Chain::Untrusted);
        assert_eq!(sound.judge(HOST, &[vec![0x30, 3]], THEN), Chain::Unreadable);
        assert_eq!(sound.judge(HOST, &[], THEN), Chain::Unreadable);

        let read = Authorities::read(&(text("public-root") + &text("proxy-root")), PUBLIC);
        assert_eq!(read.judge(HOST, &chain("proxy-chain"), THEN), Chain::Added(Some("Squid")));
        assert_eq!(read.judge(HOST, &site, THEN), Chain::Untrusted);
        let newer = Authorities::read(&(text("public-root") + &text("newer-root")), PUBLIC);
        assert_eq!(newer.judge(HOST, &chain("newer-chain"), THEN), Chain::Newer);
        let added = Authorities::read(&(text("public-root") + &text("site-root")), PUBLIC);
        assert_eq!(added.judge(HOST, &site, THEN), Chain::Added(None));
    }

    #[test]
    fn times_below_at_and_above_the_certificate() {
        let sound = trusting_as_public("site-root");
        let at = |at| sound.judge(HOST, &chain("site-chain"), at);
        // The recorded site's certificate holds from 2026-01-01 to 2027-01-01.
        let (first, last) = (1_767_225_600, 1_798_761_600);
        assert_eq!([at(first - 1), at(first), at(first + 1)], [Chain::NotYet(1), Chain::Public, Chain::Public]);
        assert_eq!([at(last - 1), at(last), at(last + 1)], [Chain::Public, Chain::Public, Chain::Over(1)]);
        assert_eq!(at(0), Chain::NotYet(first));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn garbage_never_panics(der in any::<Vec<u8>>(), at in any::<u64>(), text in "(-----BEGIN CERTIFICATE-----\n.*\n-----END CERTIFICATE-----\n)*|.*") {
            let authorities = Authorities::read(&text, "");
            authorities.judge(HOST, &[der.clone(), der], at);
        }

        #[test]
        fn a_flipped_bit_is_never_public(bit in 0..4_000_usize) {
            let mut site = chain("site-chain");
            let byte = bit / 8 % site[0].len();
            site[0][byte] ^= 1 << (bit % 8);
            let judged = trusting_as_public("site-root").judge(HOST, &site, THEN);
            prop_assert!(judged != Chain::Public, "{judged:?}");
        }
    }
}
