//! `security.root-certificates`: authorities that somebody added to those this computer trusts.
//!
//! Whoever holds such an authority's key can read what goes over protected connections. From the folders in which
//! distributions keep additions; what came with the system isn't listed. Browsers keep lists of their own in the person's
//! profile, which isn't looked at.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::certificate::{Certificate, certificates};
use super::drop_in::{File, files};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where additions are: Debian and Ubuntu; Fedora; openSUSE; Arch.
const FOLDERS: [&str; 6] = [
    "/etc/ca-certificates/trust-source/anchors",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/pki/trust/anchors",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates/trust-source/anchors",
    "/usr/share/pki/ca-trust-source/anchors",
];
/// Where the system's own list is: without it there is nothing to add to.
const STORES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Authorities of programs that read protected connections, by a part of the name their makers give them.
const READERS: [(&str, &str); 20] = [
    ("adguard", "AdGuard"),
    ("avast", "Avast"),
    ("bitdefender", "Bitdefender"),
    ("burp", "Burp Suite"),
    ("charles proxy", "Charles"),
    ("cisco umbrella", "Cisco Umbrella"),
    ("eset ssl filter", "ESET"),
    ("fiddler", "Fiddler"),
    ("fortinet", "Fortinet"),
    ("kaspersky", "Kaspersky"),
    ("mitmproxy", "mitmproxy"),
    ("mkcert", "mkcert"),
    ("netskope", "Netskope"),
    ("palo alto", "Palo Alto"),
    ("portswigger", "Burp Suite"),
    ("proxyman", "Proxyman"),
    ("sophos", "Sophos"),
    ("squid", "Squid"),
    ("superfish", "Superfish"),
    ("zscaler", "Zscaler"),
];

pub(crate) struct RootCertificates;

pub(crate) struct Inputs {
    files: Vec<File>,
    /// Whether the system keeps a list at all.
    store: bool,
}

impl Check for RootCertificates {
    const ID: &'static str = "security.root-certificates";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let texts = inputs.files.iter().filter_map(|file| file.text.as_deref().ok());
        let mut added: Vec<Certificate> = texts.flat_map(certificates).collect();
        added.sort();
        added.dedup();
        let unread =
            inputs.files.iter().filter(|file| file.text.as_deref().map_or(true, |text| certificates(text).is_empty()));
        let unread = unread.count() as u64;
        let readers: Vec<&str> = added.iter().filter_map(|certificate| reader(&certificate.name)).collect();
        if added.is_empty() && unread == 0 && !inputs.store {
            draft.finding(Severity::Unknown, "certificates-unknown", &[], "none of the usual lists is here");
            return draft;
        }
        draft.fact("added", added.len() as u64, "");
        if let Some(name) = readers.first() {
            let evidence = format!("{} added, {} of programs that read along", added.len(), readers.len());
            draft.finding(Severity::Warning, "reads-along", &[("name", (*name).into())], evidence);
        }
        if added.len() > readers.len() {
            let count = [("count", Value::from((added.len() - readers.len()) as u64))];
            draft.finding(Severity::Warning, "added", &count, "certificates in the folder for additions");
        }
        if draft.findings.is_empty() && unread == 0 {
            draft.finding(
                Severity::Ok,
                "none-added",
                &[],
                format!("{} folders for additions are empty", FOLDERS.len()),
            );
        }
        if unread > 0 {
            let evidence = format!("{unread} files without a certificate that can be read");
            draft.finding(Severity::Unknown, "certificates-unread", &[("count", unread.into())], evidence);
        }
        let row = |certificate: Certificate| -> Vec<Value> {
            let known = reader(&certificate.name).unwrap_or_default();
            vec![certificate.name.into(), known.into(), certificate.until.into()]
        };
        draft.table("added", &["name", "known", "until"], added.into_iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let is_certificate = |file: &File| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        !name.starts_with('.') && [".crt", ".pem", ".cer", ".p11-kit"].iter().any(|ending| name.ends_with(ending))
    };
    let files = FOLDERS.iter().flat_map(|folder| files(machine, folder, "")).filter(is_certificate).collect();
    Inputs { files, store: STORES.iter().any(|path| machine.has(path)) }
}

/// The program that an authority of that name belongs to.
fn reader(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    READERS.iter().find(|(part, _)| name.contains(part)).map(|(_, program)| *program)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::{Reading, Unread};
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn one(text: Reading) -> Inputs {
        Inputs { files: vec![File { path: "/usr/local/share/ca-certificates/x.crt".into(), text }], store: true }
    }

    #[test]
    fn programs_that_read_along_are_known_by_name() {
        for (name, known) in [
            ("mitmproxy", Some("mitmproxy")),
            ("Zscaler Root CA", Some("Zscaler")),
            ("PortSwigger CA", Some("Burp Suite")),
            ("ACME Interna CA", None),
            ("", None),
        ] {
            assert_eq!(reader(name), known, "{name}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let invaded = gather_from(&recorded("desktop-invaded"));
        assert_eq!(findings::<RootCertificates>(gather_from(&recorded("desktop-invaded"))), ["reads-along", "added"]);
        assert_eq!(findings::<RootCertificates>(gather_from(&recorded("laptop-guarded"))), ["none-added"]);
        all_is_said::<RootCertificates>(vec![
            invaded,
            gather_from(&recorded("laptop-guarded")),
            gather_from(&recorded("container")),
            one(Err(Unread::Denied)),
            one(Ok("not one".into())),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\n]*-----END CERTIFICATE-----|.*", store in any::<bool>()) {
            told(RootCertificates::ID, &RootCertificates::judge(Inputs { store, ..one(Ok(text)) }));
        }
    }
}
