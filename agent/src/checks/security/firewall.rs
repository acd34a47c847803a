//! `security.firewall`: whether something blocks connections from the network.
//!
//! The rules in force are for an administrator's eyes, so other signs come first: ufw's own setting, which anybody may
//! read, and whether firewalld runs. Rules are only counted, never shown.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::{Machine, Reading};
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for each program.
const LIMIT: Duration = Duration::from_secs(4);

pub(crate) struct Firewall;

pub(crate) struct Inputs {
    ufw: Reading,
    firewalld: Result<Answer, Silence>,
    nftables: Result<Answer, Silence>,
    iptables: Result<Answer, Silence>,
}

/// What the rules in force say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rules {
    Block,
    Open,
    Hidden,
    Unknown,
}

impl Check for Firewall {
    const ID: &'static str = "security.firewall";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs {
            ufw: Machine::this().text("/etc/ufw/ufw.conf"),
            firewalld: tool::SYSTEMCTL.ask(&["is-active", "firewalld.service"], LIMIT),
            nftables: tool::NFT.ask(&["--stateless", "list", "ruleset"], LIMIT),
            iptables: tool::IPTABLES_SAVE.ask(&["-t", "filter"], LIMIT),
        })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let ufw = inputs.ufw.as_deref().ok().and_then(ufw_enabled);
        let firewalld = inputs.firewalld.as_ref().is_ok_and(|answer| answer.output.trim() == "active");
        let rules = [rules(&inputs.nftables, nftables), rules(&inputs.iptables, iptables)];
        // ufw's setting is what its owner wants; where the rules can be read, they are what is.
        let on = if firewalld {
            Some(("firewalld", "systemctl is-active firewalld: active"))
        } else if rules[0] == Rules::Block {
            Some((if ufw == Some(true) { "ufw" } else { "nftables" }, "nft list ruleset: input is filtered"))
        } else if rules[1] == Rules::Block {
            Some((if ufw == Some(true) { "ufw" } else { "iptables" }, "iptables-save: INPUT is filtered"))
        } else if ufw == Some(true) && !rules.contains(&Rules::Open) {
            Some(("ufw", "/etc/ufw/ufw.conf ENABLED=yes"))
        } else {
            None
        };
        if let Some((name, evidence)) = on {
            draft.fact("firewall", name, "");
            draft.finding(Severity::Ok, "firewall-on", &[("name", name.into())], evidence);
        } else if let Some(wanted) = ufw {
            draft.fact("firewall", "ufw", "");
            let evidence = if wanted {
                "/etc/ufw/ufw.conf ENABLED=yes, but no rule filters input"
            } else {
                "/etc/ufw/ufw.conf ENABLED=no"
            };
            draft.finding(Severity::Warning, "firewall-off", &[("name", "ufw".into())], evidence);
        } else if rules.contains(&Rules::Open) {
            draft.finding(Severity::Warning, "no-rules", &[], "the rules in force filter no input");
        } else if rules.contains(&Rules::Hidden) {
            draft.finding(Severity::Unknown, "rules-hidden", &[], "nft or iptables-save: not permitted");
        } else {
            let evidence = "no ufw, firewalld, nft or iptables that answers";
            draft.finding(Severity::Unknown, "firewall-unknown", &[], evidence);
        }
        draft
    }
}

/// `ENABLED=yes` of ufw's configuration (ufw-framework(8)).
fn ufw_enabled(text: &str) -> Option<bool> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("ENABLED="))?;
    Some(value.trim_matches(['"', '\'', ' ']).eq_ignore_ascii_case("yes"))
}

fn rules(answer: &Result<Answer, Silence>, block: fn(&str) -> bool) -> Rules {
    match answer {
        Ok(answer) if answer.status == Some(0) => {
            if block(&answer.output) {
                Rules::Block
            } else {
                Rules::Open
            }
        }
        Ok(answer) => {
            let error = answer.error.to_ascii_lowercase();
            let hidden = ["not permitted", "permission denied", "must be root"].iter().any(|why| error.contains(why));
            if hidden { Rules::Hidden } else { Rules::Unknown }
        }
        Err(Silence::NotInstalled(_) | Silence::NotStarted(_) | Silence::TooSlow(_)) => Rules::Unknown,
    }
}

/// Whether a chain at the input hook drops by policy or has a rule that drops or rejects (nft(8)).
fn nftables(text: &str) -> bool {
    let mut input = false;
    text.lines().map(str::trim).any(|line| {
        if line.starts_with("chain ") {
            input = false;
        }
        input |= line.starts_with("type filter hook input");
        let words = || line.split([' ', ';', '\t']);
        input && (line.contains("policy drop") || words().any(|word| matches!(word, "drop" | "reject")))
    })
}

/// Whether INPUT drops by policy, or a rule of it drops or rejects (iptables-save(8)).
fn iptables(text: &str) -> bool {
    text.lines().any(|line| {
        let target = || line.split_whitespace().skip_while(|word| *word != "-j").nth(1);
        line.starts_with(":INPUT DROP")
            || (line.starts_with("-A INPUT ") && matches!(target(), Some("DROP" | "REJECT")))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn said(status: i32, output: &str, error: &str) -> Result<Answer, Silence> {
        Ok(Answer { status: Some(status), output: output.into(), error: error.into() })
    }

    fn nothing() -> Inputs {
        Inputs {
            ufw: Err(Unread::Absent),
            firewalld: said(3, "inactive\n", ""),
            nftables: Err(Silence::NotInstalled("nft")),
            iptables: Err(Silence::NotInstalled("iptables-save")),
        }
    }

    #[test]
    fn the_rules_in_force_decide_where_they_can_be_read() {
        let desktop = recorded("desktop-fine").text("/tools/nft-ruleset.txt").unwrap();
        assert!(nftables(&desktop));
        let open = "table inet filter {\n chain input {\n  type filter hook input priority filter; policy accept;\n }\n \
            chain forward {\n  type filter hook forward priority filter; policy drop;\n }\n}\n";
        assert!(!nftables(open));
        assert!(nftables(&open.replace("accept;\n", "accept;\n  tcp dport 22 drop\n")));
        assert!(iptables(":INPUT DROP [0:0]\n"));
        assert!(iptables("-A INPUT -p tcp -j REJECT --reject-with icmp-port-unreachable\n"));
        assert!(!iptables(":INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A FORWARD -j DROP\n-A INPUT -j ACCEPT\n"));
        for (inputs, found) in [
            (Inputs { nftables: said(0, &desktop, ""), ..nothing() }, "firewall-on"),
            (Inputs { nftables: said(0, open, ""), ..nothing() }, "no-rules"),
            (Inputs { nftables: said(0, open, ""), ufw: Ok("ENABLED=yes\n".into()), ..nothing() }, "firewall-off"),
            (Inputs { iptables: said(0, ":INPUT DROP [0:0]\n", ""), ..nothing() }, "firewall-on"),
        ] {
            assert_eq!(findings::<Firewall>(inputs), [found]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Firewall>(vec![
            nothing(),
            Inputs { firewalld: said(0, "active\n", ""), ..nothing() },
            Inputs { ufw: recorded("laptop-full").text("/etc/ufw/ufw.conf"), ..nothing() },
            Inputs { ufw: Ok("LOGLEVEL=low\nENABLED=yes\n".into()), ..nothing() },
            Inputs { nftables: said(0, "", ""), ..nothing() },
            Inputs { nftables: said(1, "", "Operation not permitted (you must be root)\n"), ..nothing() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(ufw in "ENABLED=.*|.*", nft in "(chain .*\n|type filter hook input.*\n|.*\n)*", tables in "(-A INPUT .*\n)*") {
            let inputs = Inputs { ufw: Ok(ufw), nftables: said(0, &nft, ""), iptables: said(0, &tables, ""), ..nothing() };
            told(Firewall::ID, &Firewall::judge(inputs));
        }
    }
}
