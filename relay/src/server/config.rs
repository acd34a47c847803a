//! What the operator of a relay may set: `relay.toml` in its folder. Without the file, and for every key it leaves out, the
//! default holds.
//!
//! ```toml
//! [door]
//! connections = 20000
//! connections_per_source = 2000
//! handshakes_per_second = 50
//! handshakes_burst = 1000
//!
//! [flow]
//! megabytes_per_second = 125
//! burst_megabytes = 32
//! total_gigabytes = 64
//! ```
//!
//! Not here: what belongs to the organisation and is signed by its root (its statement), and what a security rule fixes.

use std::fs::File;
use std::io::{self, Read as _};

use serde::Deserialize;

use super::flow;
use super::sources;
use crate::client::home::Home;

/// Its name in the folder.
pub const FILE: &str = "relay.toml";
/// Bytes of the file that are read.
const FILE_MAX: u64 = 16 * 1024;
/// The largest number of anything that is counted, so that no product of it overflows.
const COUNT_MAX: u64 = 1_000_000;

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Read(#[from] io::Error),
    /// It isn't what is expected: a key that doesn't exist, a value that is none.
    #[error("{0}")]
    Malformed(String),
    /// A number below or above what it may be.
    #[error("{key} must be {least} to {most}")]
    Range {
        /// Which.
        key: &'static str,
        /// The smallest that works.
        least: u64,
        /// The largest.
        most: u64,
    },
}

/// What may be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Who may come in, and how many.
    pub door: sources::Limits,
    /// What each flow may use.
    pub flow: flow::Limits,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    door: Door,
    flow: Flow,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Door {
    connections: Option<u64>,
    connections_per_source: Option<u64>,
    handshakes_per_second: Option<u64>,
    handshakes_burst: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Flow {
    megabytes_per_second: Option<u64>,
    burst_megabytes: Option<u64>,
    total_gigabytes: Option<u64>,
}

impl Config {
    /// Of this folder.
    pub fn read(home: &Home) -> Result<Self, ConfigError> {
        // It holds no secret, and an editor made it: any mode will do. The folder around it is the operator's alone.
        let file = match File::open(home.dir().join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let mut text = String::new();
        file.take(FILE_MAX).read_to_string(&mut text)?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let settings: Settings =
            basic_toml::from_str(text).map_err(|error| ConfigError::Malformed(error.to_string()))?;
        let mut config = Self::default();
        let Settings { door, flow } = settings;
        let counted = |key, value: Option<u64>, least, default: u64| match value {
            None => Ok(default),
            Some(value) if (least..=COUNT_MAX).contains(&value) => Ok(value),
            Some(_) => Err(ConfigError::Range { key, least, most: COUNT_MAX }),
        };
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let default = sources::Limits::default();
        config.door = sources::Limits {
            connections: size(counted("door.connections", door.connections, 1, default.connections as u64)?),
            connections_per_source: size(counted(
                "door.connections_per_source",
                door.connections_per_source,
                1,
                default.connections_per_source as u64,
            )?),
            handshakes_per_second: small(counted(
                "door.handshakes_per_second",
                door.handshakes_per_second,
                1,
                default.handshakes_per_second.into(),
            )?),
            handshakes_burst: small(counted(
                "door.handshakes_burst",
                door.handshakes_burst,
                1,
                default.handshakes_burst.into(),
            )?),
        };
        let default = flow::Limits::default();
        let of = |key, value, unit: u64, default: u64| {
            Ok::<_, ConfigError>(match value {
                None => default,
                Some(_) => counted(key, value, 1, 0)?.saturating_mul(unit),
            })
        };
        config.flow = flow::Limits {
            rate: of("flow.megabytes_per_second", flow.megabytes_per_second, 1_000_000, default.rate)?,
            burst: of("flow.burst_megabytes", flow.burst_megabytes, 1 << 20, default.burst)?,
            total: of("flow.total_gigabytes", flow.total_gigabytes, 1 << 30, default.total)?,
        };
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_hold_for_whatever_is_left_out() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert_eq!(Config::parse("[door]\n[flow]\n").unwrap(), Config::default());
        let config = Config::parse("[door]\nconnections = 7\n[flow]\nmegabytes_per_second = 2\n").unwrap();
        assert_eq!(config.door, sources::Limits { connections: 7, ..sources::Limits::default() });
        assert_eq!(config.flow, flow::Limits { rate: 2_000_000, ..flow::Limits::default() });
    }

    #[test]
    fn the_example_above_is_the_default() {
        let example: String = include_str!("config.rs")
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| format!("{}\n", line.trim_start_matches("//!").trim()))
            .collect();
        assert!(example.contains("handshakes_burst"), "{example}");
        assert_eq!(Config::parse(&example).unwrap(), Config::default());
    }

    #[test]
    fn every_number_below_at_and_above_its_limits() {
        let keys = [
            ("door", "connections"),
            ("door", "connections_per_source"),
            ("door", "handshakes_per_second"),
            ("door", "handshakes_burst"),
            ("flow", "megabytes_per_second"),
            ("flow", "burst_megabytes"),
            ("flow", "total_gigabytes"),
        ];
        for (table, key) in keys {
            for (value, works) in [(0, false), (1, true), (2, true), (COUNT_MAX, true), (COUNT_MAX + 1, false)] {
                let parsed = Config::parse(&format!("[{table}]\n{key} = {value}\n"));
                assert_eq!(parsed.is_ok(), works, "{table}.{key} = {value}: {parsed:?}");
                if let Err(error) = parsed {
                    assert_eq!(error.to_string(), format!("{table}.{key} must be 1 to 1000000"));
                }
            }
        }
    }

    #[test]
    fn what_nobody_knows_is_refused_and_named() {
        for text in ["[door]\nconections = 7\n", "[dor]\n", "connections = 7\n", "[door]\nconnections = \"7\"\n", "["] {
            assert!(matches!(Config::parse(text), Err(ConfigError::Malformed(said)) if said.len() > 10), "{text}");
        }
    }
}
