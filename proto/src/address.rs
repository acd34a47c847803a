//! Where a relay is and which root it must answer to: `venia://relay.example:4433#FINGERPRINT`.
//!
//! Exactly one spelling per address, so that two people who compare addresses compare bytes: lower-case host names,
//! canonical numbers, no default port, no path, nothing else. The fingerprint is the trust; the host is only a hint where
//! to knock, and a name taken over by somebody else gets a visitor who refuses every other root. (SECURITY A1)
//!
//! Not here: invites ([`crate::invite`]) and the codes people speak ([`crate::code`]).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::fingerprint::Fingerprint;

/// Longest host name, in letters (RFC 1035 section 2.3.4, without the final dot).
pub const NAME_MAX: usize = 253;
const SCHEME: &str = "venia://";

/// A host, as people write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name to look up: letters, digits and inner hyphens in dotted labels, lower-case (RFC 1123 section 2.1).
    Name(HostName),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address without zone, written in brackets.
    V6(Ipv6Addr),
}

/// A checked host name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// `HOST:PORT`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// UDP port; zero names nothing.
    pub port: NonZeroU16,
}

/// A relay and the root it must answer to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayAddress {
    /// Where to knock.
    pub at: HostPort,
    /// Whom to believe.
    pub root: Fingerprint,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Doesn't begin with `venia://`.
    #[error("an address begins with venia://")]
    Scheme,
    /// No `#` and 52 letters at the end, or others than those.
    #[error("an address ends in # and the 52 letters of the organisation's fingerprint")]
    Fingerprint,
    /// No host, or one spelled otherwise than `Display` would.
    #[error("the host must be a lower-case name, an IPv4 address or an IPv6 address in brackets")]
    Host,
    /// No port, zero, too large, or with leading zeros.
    #[error("the port must be a number from 1 to 65535")]
    Port,
}

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A last label of digits is read as an IPv4 address by some resolvers (`1.2`, `0x7f.1`); no top-level domain
        // begins with a digit.
        let last = text.rsplit('.').next().unwrap_or_default();
        let fits = text.len() <= NAME_MAX
            && text.split('.').all(label)
            && last.starts_with(|first: char| first.is_ascii_lowercase());
        fits.then(|| Self(text.to_owned()))
    }
}

impl FromStr for HostPort {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::Port)?;
        // `parse` would take `+443` and `0443` as well.
        let port = match port.parse::<NonZeroU16>() {
            Ok(number) if number.to_string() == port => number,
            Ok(_) | Err(_) => return Err(AddressError::Port),
        };
        let host = if let Some(inner) = host.strip_prefix('[') {
            let address: Option<Ipv6Addr> = inner.strip_suffix(']').and_then(|inner| inner.parse().ok());
            address.map(Host::V6)
        } else if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            host.parse().ok().map(Host::V4)
        } else {
            HostName::parse(host).map(Host::Name)
        };
        let host = host.filter(|parsed| parsed.to_string() == host_text(text)).ok_or(AddressError::Host)?;
        Ok(Self { host, port })
    }
}

impl FromStr for RelayAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix(SCHEME).ok_or(AddressError::Scheme)?;
        let (at, root) = rest.split_once('#').ok_or(AddressError::Fingerprint)?;
        Ok(Self { root: root.parse().map_err(|_| AddressError::Fingerprint)?, at: at.parse()? })
    }
}

fn host_text(text: &str) -> &str {
    text.rsplit_once(':').map_or(text, |(host, _)| host)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&name.0),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}#{}", self.at, self.root)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(at: &str) -> String {
        format!("venia://{at}#{}", Fingerprint([9; 32]))
    }

    #[test]
    fn three_kinds_of_host_one_spelling_each() {
        for at in [
            "localhost:1",
            "relay.example:4433",
            "a-1.example:65535",
            "127.0.0.1:4433",
            "[::1]:4433",
            "[2001:db8::1]:4433",
        ] {
            let text = address(at);
            assert_eq!(text.parse::<RelayAddress>().map(|a| a.to_string()), Ok(text));
        }
    }

    #[test]
    fn a1_nothing_else_is_an_address() {
        let root = Fingerprint([9; 32]);
        for at in [
            "",
            ":",
            ":1",
            "host",
            "host:",
            "[::1]",
            "::1:1",
            "[::1:1",
            "Relay.example:1",
            "relay.example.:1",
            "-a:1",
            "a-:1",
            "a..b:1",
            "a_b:1",
            "a b:1",
            "1.2.3:1",
            "1.2.3.4.5:1",
            "01.2.3.4:1",
            "256.1.1.1:1",
            "0x7f.1:1",
            "[fe80::1%eth0]:1",
            "[0::1]:1",
            "[::A]:1",
            "u@host:1",
            "host:1/",
            "host/x:1",
            "ñ.example:1",
            "host\n:1",
        ] {
            assert!(address(at).parse::<RelayAddress>().is_err(), "{at}");
        }
        for port in ["0", "65536", "+1", "01", "-1", "1 ", " 1", "x"] {
            assert_eq!(address(&format!("host:{port}")).parse::<RelayAddress>(), Err(AddressError::Port), "{port}");
        }
        for text in [
            format!("host:1#{root}"),
            format!("VENIA://host:1#{root}"),
            format!("venia:host:1#{root}"),
            "venia://host:1".to_owned(),
            "venia://host:1#".to_owned(),
            format!("venia://host:1#{root}a"),
            format!("venia://host:1#{}", root.to_string().to_uppercase()),
            format!(" venia://host:1#{root}"),
            format!("venia://host:1#{root}\n"),
        ] {
            assert!(text.parse::<RelayAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_at_below_and_above_the_limits() {
        let label = "a".repeat(63);
        assert!(format!("{label}:1").parse::<HostPort>().is_ok());
        assert!(format!("{label}a:1").parse::<HostPort>().is_err());
        let name = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(name.len(), NAME_MAX);
        assert!(format!("{name}:1").parse::<HostPort>().is_ok());
        assert!(format!("{name}b:1").parse::<HostPort>().is_err());
    }
}
