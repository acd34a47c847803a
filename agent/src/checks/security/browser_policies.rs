//! `security.browser-policies`: whether somebody else decides what the browsers do.
//!
//! From the policy files of Chromium's family and of Firefox: *your browser is managed*. Names of policies and the number of
//! forced extensions are told, never their values: those hold addresses. Settings of a person's own profile aren't looked at.

use serde_json::{Map, Value as Json};
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::drop_in::{File, file, files};
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure};

/// Folders of the Chromium family: `managed` can't be changed by the person, `recommended` can.
const CHROMIUM: [(&str, &str); 6] = [
    ("Brave", "/etc/brave/policies"),
    ("Chrome", "/etc/opt/chrome/policies"),
    ("Chromium", "/etc/chromium-browser/policies"),
    ("Chromium", "/etc/chromium/policies"),
    ("Edge", "/etc/opt/edge/policies"),
    ("Vivaldi", "/etc/opt/vivaldi/policies"),
];
/// Files of Firefox and its kin.
const FIREFOX: [(&str, &str); 9] = [
    ("Firefox", "/etc/firefox/policies/policies.json"),
    ("Firefox", "/opt/firefox/distribution/policies.json"),
    ("Firefox", "/usr/lib/firefox-esr/distribution/policies.json"),
    ("Firefox", "/usr/lib/firefox/distribution/policies.json"),
    ("Firefox", "/usr/lib64/firefox/distribution/policies.json"),
    ("LibreWolf", "/usr/share/librewolf/distribution/policies.json"),
    ("Thunderbird", "/etc/thunderbird/policies/policies.json"),
    ("Thunderbird", "/usr/lib/thunderbird/distribution/policies.json"),
    ("Thunderbird", "/usr/lib64/thunderbird/distribution/policies.json"),
];

/// Policies that let somebody else see or lead what the person does, and what they do (the makers' lists of policies).
const TAKES_OVER: [(&str, Does); 27] = [
    ("AutoConfigURL", Does::Leads),
    ("BrowserSignin", Does::Other),
    ("Certificates", Does::Reads),
    ("DefaultSearchProviderEnabled", Does::Leads),
    ("DefaultSearchProviderSearchURL", Does::Leads),
    ("DisableSafeBrowsing", Does::Weakens),
    ("DnsOverHttpsMode", Does::Other),
    ("EnterpriseRealTimeUrlCheckMode", Does::Reads),
    ("ExtensionInstallForcelist", Does::Extends),
    ("ExtensionInstallSources", Does::Weakens),
    ("ExtensionSettings", Does::Extends),
    ("Extensions", Does::Extends),
    ("Homepage", Does::Leads),
    ("HomepageLocation", Does::Leads),
    ("NewTabPageLocation", Does::Leads),
    ("OnSecurityEventEnterpriseConnector", Does::Reads),
    ("Proxy", Does::Leads),
    ("ProxyMode", Does::Leads),
    ("ProxyPacUrl", Does::Leads),
    ("ProxyServer", Does::Leads),
    ("ProxySettings", Does::Leads),
    ("RestoreOnStartupURLs", Does::Leads),
    ("SSLErrorOverrideAllowed", Does::Other),
    ("SafeBrowsingEnabled", Does::Other),
    ("SafeBrowsingProtectionLevel", Does::Other),
    ("SearchEngines", Does::Leads),
    ("WebsiteFilter", Does::Other),
];
/// Most policies read of one file.
const POLICIES_MAX: usize = 500;

pub(crate) struct BrowserPolicies;

pub(crate) struct Inputs {
    /// Browser, whether the person can't change it, and the file.
    files: Vec<(&'static str, bool, File)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Puts extensions in.
    Extends,
    /// Leads the person's connections or searches elsewhere.
    Leads,
    /// Lets somebody read along.
    Reads,
    /// Turns a protection off.
    Weakens,
    Other,
}

/// One policy of one browser.
struct Policy {
    browser: &'static str,
    name: String,
    does: Does,
    forced: bool,
    /// Extensions it puts in.
    extensions: u64,
}

impl Check for BrowserPolicies {
    const ID: &'static str = "security.browser-policies";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let mut policies = Vec::new();
        let mut unread = None;
        for (browser, forced, file) in &inputs.files {
            match &file.text {
                Ok(text) => match parse(text) {
                    Some(map) => {
                        policies.extend(map.iter().take(POLICIES_MAX).map(|(k, v)| Policy::of(browser, *forced, k, v)))
                    }
                    None => unread = Some(format!("{} is not valid JSON", file.path)),
                },
                Err(Unread::Absent) => {}
                Err(error @ (Unread::Denied | Unread::Broken)) => unread = Some(format!("{} {error}", file.path)),
            }
        }
        let extensions = policies.iter().fold(0_u64, |sum, policy| sum.saturating_add(policy.extensions));
        draft.fact("policies", policies.len() as u64, "");
        draft.fact("forced-extensions", extensions, "");
        for (does, finding) in [
            (Does::Reads, "read-along"),
            (Does::Leads, "led-elsewhere"),
            (Does::Extends, "extensions-forced"),
            (Does::Weakens, "protection-off"),
        ] {
            let of = |policy: &&Policy| policy.does == does && (does != Does::Extends || policy.extensions > 0);
            if let Some(policy) = policies.iter().find(of) {
                let evidence = format!("policy {} of {}", policy.name, policy.browser);
                draft.finding(Severity::Warning, finding, &[("browser", policy.browser.into())], evidence);
            }
        }
        if let Some(why) = unread {
            draft.finding(Severity::Unknown, "policies-unread", &[], why);
        }
        if !draft.findings.iter().any(|finding| finding.severity == Severity::Warning) {
            if policies.is_empty() {
                let evidence = format!("no policy in {} places", CHROMIUM.len() + FIREFOX.len());
                draft.finding(Severity::Ok, "not-managed", &[], evidence);
            } else {
                let count = [("count", Value::from(policies.len() as u64))];
                draft.finding(Severity::Ok, "managed", &count, "none of them leads, reads along or adds extensions");
            }
        }
        let row = |policy: Policy| {
            vec![policy.browser.into(), policy.name.into(), policy.does.word().into(), policy.forced.into()]
        };
        draft.table("policies", &["browser", "policy", "does", "forced"], policies.into_iter().map(row).collect());
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let mut found = Vec::new();
    for (browser, folder) in CHROMIUM {
        for (below, forced) in [("managed", true), ("recommended", false)] {
            let inside = files(machine, &format!("{folder}/{below}"), ".json");
            found.extend(inside.into_iter().map(|file| (browser, forced, file)));
        }
    }
    found.extend(FIREFOX.iter().map(|(browser, path)| (*browser, true, file(machine, path))));
    Inputs { files: found }
}

/// Chromium has policies at the top, Firefox below `policies`.
fn parse(text: &str) -> Option<Map<String, Json>> {
    let Json::Object(mut map) = serde_json::from_str(text).ok()? else { return None };
    match map.remove("policies") {
        Some(Json::Object(policies)) => Some(policies),
        Some(_) => None,
        None => Some(map),
    }
}

impl Policy {
    fn of(browser: &'static str, forced: bool, name: &str, value: &Json) -> Self {
        let does = TAKES_OVER.iter().find(|(known, _)| *known == name).map_or(Does::Other, |(_, does)| *does);
        // Names are the makers' words; anything else is somebody's own text.
        let word = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let name = if word { name.to_owned() } else { "…".to_owned() };
        Self {
            browser,
            name,
            does: does.given(value),
            forced,
            extensions: if does == Does::Extends { extensions(value) } else { 0 },
        }
    }
}

impl Does {
    /// What it does with that value: an empty list, no proxy and the like do nothing.
    fn given(self, value: &Json) -> Self {
        let nothing = match value {
            Json::Null | Json::Bool(false) => true,
            Json::String(text) => matches!(text.as_str(), "" | "direct" | "system"),
            Json::Array(list) => list.is_empty(),
            Json::Object(map) => {
                map.is_empty()
                    || matches!(map.get("Mode").and_then(Json::as_str), Some("none" | "system"))
                    || matches!(map.get("ProxyMode").and_then(Json::as_str), Some("direct" | "system"))
            }
            Json::Bool(true) | Json::Number(_) => false,
        };
        if nothing { Self::Other } else { self }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Extends => "extensions",
            Self::Leads => "leads elsewhere",
            Self::Reads => "reads along",
            Self::Weakens => "less protection",
            Self::Other => "setting",
        }
    }
}

/// How many extensions a policy puts in: a list of them, `Install` of Firefox's `Extensions`, or those whose mode is forced.
fn extensions(value: &Json) -> u64 {
    match value {
        Json::Array(list) => list.len() as u64,
        Json::Object(map) => match map.get("Install") {
            Some(Json::Array(list)) => list.len() as u64,
            Some(_) | None => {
                let mode =
                    |settings: &Json| settings.get("installation_mode").and_then(Json::as_str).map(str::to_owned);
                let forced = |mode: &String| matches!(mode.as_str(), "force_installed" | "normal_installed");
                map.values().filter_map(mode).filter(forced).count() as u64
            }
        },
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn one(text: &str) -> Inputs {
        Inputs {
            files: vec![(
                "Chrome",
                true,
                File { path: "/etc/opt/chrome/policies/managed/x.json".into(), text: Ok(text.into()) },
            )],
        }
    }

    #[test]
    fn each_makers_way_of_writing_is_understood() {
        for (text, found) in [
            (r#"{"ExtensionInstallForcelist":["abc;https://example.net/x"]}"#, "extensions-forced"),
            (r#"{"ExtensionInstallForcelist":[]}"#, "managed"),
            (r#"{"ExtensionSettings":{"*":{"installation_mode":"blocked"}}}"#, "managed"),
            (r#"{"ExtensionSettings":{"x@y":{"installation_mode":"force_installed"}}}"#, "extensions-forced"),
            (r#"{"policies":{"Extensions":{"Install":["https://example.net/x.xpi"]}}}"#, "extensions-forced"),
            (r#"{"policies":{"Proxy":{"Mode":"manual","HTTPProxy":"x:1"}}}"#, "led-elsewhere"),
            (r#"{"policies":{"Proxy":{"Mode":"none"}}}"#, "managed"),
            (r#"{"ProxyMode":"fixed_servers"}"#, "led-elsewhere"),
            (r#"{"ProxyMode":"direct"}"#, "managed"),
            (r#"{"policies":{"Certificates":{"Install":["ca.pem"]}}}"#, "read-along"),
            (r#"{"policies":{"DisableSafeBrowsing":true}}"#, "protection-off"),
            (r#"{"policies":{"DisableAppUpdate":true}}"#, "managed"),
            ("{}", "not-managed"),
        ] {
            assert_eq!(findings::<BrowserPolicies>(one(text)), [found], "{text}");
        }
        assert!(TAKES_OVER.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn values_and_foreign_names_stay_here() {
        let draft =
            BrowserPolicies::judge(one(r#"{"ProxyServer":"ana.example.net:3128","https://secret.example/x":1}"#));
        let shown = format!("{draft:?}");
        assert!(!shown.contains("example") && shown.contains("ProxyServer"));
    }

    #[test]
    fn everything_declared_is_said() {
        let found = findings::<BrowserPolicies>(gather_from(&recorded("desktop-invaded")));
        assert_eq!(found, ["read-along", "led-elsewhere", "extensions-forced"]);
        all_is_said::<BrowserPolicies>(vec![
            gather_from(&recorded("desktop-invaded")),
            gather_from(&recorded("laptop-guarded")),
            one(r#"{"policies":{"DisableSafeBrowsing":true}}"#),
            one("{"),
            one("{}"),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\{\"(ProxyMode|Extensions|policies|.*)\":(\\{.*\\}|\\[.*\\]|true|.*)\\}|.*") {
            told(BrowserPolicies::ID, &BrowserPolicies::judge(one(&text)));
        }
    }
}
