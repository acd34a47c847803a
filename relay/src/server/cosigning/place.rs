//! Where a witness is reached: `http://HOST:PORT` and perhaps a path.
//!
//! No TLS: a cosignature is signed, and what is submitted is public to auditors, so somebody in between can only withhold.
//! A witness on another computer belongs behind a local TLS tunnel or a VPN all the same. (docs/operations.md)

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use venia_proto::address::HostPort;

/// Longest path in front of `/add-checkpoint`, in bytes.
pub const PREFIX_MAX: usize = 200;
const SCHEME: &str = "http://";

/// A witness's submission prefix. (C2SP tlog-witness)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    /// Where it listens.
    pub at: HostPort,
    /// Path in front of the call: empty, or a slash and more, without a slash at the end.
    pub prefix: String,
}

/// A text that is no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a witness is reached at http://HOST:PORT")]
pub struct NoPlace;

impl Place {
    /// The path of the call.
    pub fn path(&self) -> String {
        format!("{}{}", self.prefix, crate::server::witness::http::PATH)
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let rest = text.strip_prefix(SCHEME).ok_or(NoPlace)?;
        let (at, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
        if prefix.len() > PREFIX_MAX || !prefix.bytes().all(plain) {
            return Err(NoPlace);
        }
        Ok(Self { at: at.parse().map_err(|_| NoPlace)?, prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{}", self.at, self.prefix)
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl TryFrom<String> for Place {
    type Error = NoPlace;

    fn try_from(text: String) -> Result<Self, NoPlace> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (text, path) in [
            ("http://127.0.0.1:4480", "/add-checkpoint"),
            ("http://[::1]:4480/", "/add-checkpoint"),
            ("http://witness.example:80/w/1", "/w/1/add-checkpoint"),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.path(), path);
            assert_eq!(place.to_string(), text.trim_end_matches('/'));
        }
        for bad in [
            "",
            "127.0.0.1:4480",
            "https://witness.example:443",
            "http://witness.example",
            "http://witness.example:0",
            "http://ana@witness.example:1",
            "http://witness.example:1/a b",
            "http://witness.example:1/a?b",
            "http://witness.example:1/a\r\nHost: x",
        ] {
            assert_eq!(bad.parse::<Place>(), Err(NoPlace), "{bad:?}");
        }
        for (length, good) in [(PREFIX_MAX - 1, true), (PREFIX_MAX, true), (PREFIX_MAX + 1, false)] {
            let text = format!("http://witness.example:1/{}", "x".repeat(length - 1));
            assert_eq!(text.parse::<Place>().is_ok(), good, "{length}");
        }
    }
}
