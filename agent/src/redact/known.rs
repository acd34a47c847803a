//! What is known of this PC and must not leave it under its own name.

use serde_json::Value;
use zeroize::Zeroize;

/// Values by what they are. Collected from this PC, or read from a file by the developers' command.
#[derive(Clone, Default, PartialEq, Eq, Zeroize)]
pub struct Known {
    /// Account names and full names of people.
    pub user_names: Vec<String>,
    /// This PC's names, short or with a domain.
    pub host_names: Vec<String>,
    /// Home folders.
    pub home_paths: Vec<String>,
    /// Hardware addresses.
    pub macs: Vec<String>,
    /// Names of wireless networks.
    pub ssids: Vec<String>,
    /// Addresses in this network.
    pub ipv4_private: Vec<String>,
    /// Addresses on the internet.
    pub ipv4_public: Vec<String>,
    /// IPv6 addresses of any kind.
    pub ipv6: Vec<String>,
    /// The installation's identity.
    pub machine_id: Vec<String>,
    /// Identities of file systems and partitions.
    pub disk_uuids: Vec<String>,
    /// Serial numbers of this PC and its parts.
    pub serials: Vec<String>,
}

/// Known values that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// Not JSON.
    #[error("the known values are not JSON")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("the known values are not a JSON object")]
    NoObject,
}

/// Deepest nesting that is looked into.
const DEPTH_MAX: usize = 8;

impl Known {
    /// Reads a JSON object: each value a string, a list or an object of strings; unknown keys are ignored.
    pub fn from_json(text: &str) -> Result<Self, KnownError> {
        let Value::Object(object) = serde_json::from_str(text)? else { return Err(KnownError::NoObject) };
        let list = |key: &str| {
            let mut strings = Vec::new();
            if let Some(value) = object.get(key) {
                gather(value, DEPTH_MAX, &mut strings);
            }
            strings
        };
        Ok(Self {
            user_names: list("user_names"),
            host_names: list("host_names"),
            home_paths: list("home_paths"),
            macs: list("macs"),
            ssids: list("ssids"),
            ipv4_private: list("ipv4_private"),
            ipv4_public: list("ipv4_public"),
            ipv6: list("ipv6"),
            machine_id: list("machine_id"),
            disk_uuids: list("disk_uuids"),
            serials: list("serials"),
        })
    }
}

/// Counts only: the values are what this is about.
impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known")
            .field("user_names", &self.user_names.len())
            .field("host_names", &self.host_names.len())
            .finish_non_exhaustive()
    }
}

fn gather(value: &Value, depth: usize, strings: &mut Vec<String>) {
    match value {
        Value::String(text) => strings.push(text.clone()),
        Value::Number(number) => strings.push(number.to_string()),
        Value::Array(values) if depth > 0 => values.iter().for_each(|value| gather(value, depth - 1, strings)),
        Value::Object(values) if depth > 0 => values.values().for_each(|value| gather(value, depth - 1, strings)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_a_list_and_an_object_and_what_is_unknown() {
        let known = Known::from_json(
            r#"{"user_names":"ana","host_names":["a","b"],"macs":{"eth0":"00:11:22:33:44:55"},"serials":{"x":["1"]},"colour":"red"}"#,
        )
        .unwrap();
        assert_eq!(known.user_names, ["ana"]);
        assert_eq!(known.host_names, ["a", "b"]);
        assert_eq!(known.macs, ["00:11:22:33:44:55"]);
        assert_eq!(known.serials, ["1"]);
        assert!(matches!(Known::from_json("[]"), Err(KnownError::NoObject)));
        assert!(matches!(Known::from_json("{"), Err(KnownError::Json(_))));
        assert!(!format!("{known:?}").contains("ana"));
    }
}
