//! `network.firewall-blocks`: what this PC's own firewall turned away in the last day, by service.
//!
//! A printer that isn't found is often a firewall that works. Only what the firewall writes down can be seen (ufw, firewalld
//! and nftables with `log`), and it writes down a sample. Who knocked and who was called is never told: only the service,
//! the direction and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::tool::{Answer, JOURNALCTL, Silence};
use crate::checks::{Check, Failure};

/// The kernel's messages of the last day of this start, at most so many.
const ASK: [&str; 9] = ["-k", "-b", "-q", "--no-pager", "-o", "cat", "--since=-1day", "-n", "2000"];
const LIMIT: Duration = Duration::from_millis(1_200);
/// Messages about one service from which it is turned away again and again; single ones are strays.
const OFTEN: u64 = 3;

/// Services of a home or office that people miss when they are turned away: IANA's service names and the makers'
/// documentation (8612: Canon's scanners, 1716: KDE Connect).
const HOME: [Service; 11] = [
    ("TCP", 139, "Windows shares", "shares-blocked"),
    ("TCP", 445, "Windows shares", "shares-blocked"),
    ("TCP", 631, "printing", "printers-blocked"),
    ("TCP", 1_716, "KDE Connect", "phone-blocked"),
    ("UDP", 137, "Windows shares", "shares-blocked"),
    ("UDP", 161, "printers and scanners", "printers-blocked"),
    ("UDP", 631, "printing", "printers-blocked"),
    ("UDP", 1_716, "KDE Connect", "phone-blocked"),
    ("UDP", 3_702, "printers and scanners", "printers-blocked"),
    ("UDP", 5_353, "finding devices", "printers-blocked"),
    ("UDP", 8_612, "printers and scanners", "printers-blocked"),
];
/// Services without which there is no internet.
const INTERNET: [Service; 7] = [
    ("TCP", 53, "names", "internet-blocked"),
    ("TCP", 80, "web", "internet-blocked"),
    ("TCP", 443, "web", "internet-blocked"),
    ("TCP", 587, "mail", "internet-blocked"),
    ("TCP", 993, "mail", "internet-blocked"),
    ("UDP", 53, "names", "internet-blocked"),
    ("UDP", 443, "web", "internet-blocked"),
];
/// Protocol, port, what it is, and the finding that says it is turned away.
type Service = (&'static str, u16, &'static str, &'static str);

pub(crate) struct FirewallBlocks;

pub(crate) struct Inputs {
    messages: Result<Answer, Silence>,
}

/// Something that was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    outgoing: bool,
    protocol: &'static str,
    /// The port that was called; 0 where there is none.
    port: u16,
}

impl Check for FirewallBlocks {
    const ID: &'static str = "network.firewall-blocks";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(Inputs { messages: JOURNALCTL.ask(&ASK, LIMIT) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match messages(&inputs.messages) {
            Ok(text) => text,
            Err(evidence) => {
                draft.finding(Severity::Unknown, "messages-hidden", &[], evidence);
                return draft;
            }
        };
        let mut counts: BTreeMap<Block, u64> = BTreeMap::new();
        for block in text.lines().filter_map(block) {
            *counts.entry(block).or_default() += 1;
        }
        let total: u64 = counts.values().sum();
        let mut sorted: Vec<(Block, u64)> = counts.into_iter().collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        draft.fact("blocked", total, "");
        draft.table(
            "services",
            &["direction", "protocol", "port", "service", "count"],
            sorted.iter().map(row).collect(),
        );
        judge_list(&mut draft, &sorted, &INTERNET, Severity::Critical);
        judge_list(&mut draft, &sorted, &HOME, Severity::Warning);
        if draft.findings.is_empty() {
            let finding = if total == 0 { "nothing-blocked" } else { "strays-blocked" };
            let values = if total == 0 { vec![] } else { vec![("count", total.into())] };
            draft.finding(Severity::Ok, finding, &values, format!("the kernel's messages of a day: {total} blocks"));
        }
        draft
    }
}

fn messages(answer: &Result<Answer, Silence>) -> Result<&str, String> {
    let answer = answer.as_ref().map_err(ToString::to_string)?;
    let hidden = ["not seeing messages", "ermission", "No journal files"];
    if answer.status == Some(0) && !hidden.iter().any(|words| answer.error.contains(words)) {
        Ok(&answer.output)
    } else {
        Err("journalctl: messages of the system are not shown".to_owned())
    }
}

/// `[UFW BLOCK] IN=eth0 OUT= MAC=… SRC=… DST=… … PROTO=UDP SPT=5353 DPT=5353 …`: the kernel's `LOG` target, with a beginning
/// that the firewall chose. Lines that say "allow" or "audit" turned nothing away.
fn block(line: &str) -> Option<Block> {
    const TURNED_AWAY: [&str; 4] = ["block", "reject", "drop", "deny"];
    let (before, rest) = line.split_once("IN=")?;
    let before = before.to_ascii_lowercase();
    let field = |name: &str| rest.split_whitespace().find_map(|word| word.strip_prefix(name));
    let protocol = match field("PROTO=")? {
        "TCP" => "TCP",
        "UDP" => "UDP",
        "ICMP" | "ICMPv6" => "ICMP",
        _ => return None,
    };
    let turned_away = TURNED_AWAY.iter().any(|word| before.contains(word));
    turned_away.then(|| Block {
        outgoing: rest.starts_with(char::is_whitespace),
        protocol,
        port: field("DPT=").and_then(|port| port.parse().ok()).unwrap_or(0),
    })
}

fn service(block: &Block) -> &'static str {
    find(&HOME, block).or_else(|| find(&INTERNET, block)).map_or("", |(_, _, service, _)| service)
}

fn find(list: &[Service], block: &Block) -> Option<Service> {
    list.iter().find(|(protocol, port, ..)| *protocol == block.protocol && *port == block.port).copied()
}

fn row((block, count): &(Block, u64)) -> Vec<Value> {
    let port = if block.port == 0 { Value::from("") } else { u32::from(block.port).into() };
    let direction = if block.outgoing { "out" } else { "in" };
    vec![direction.into(), block.protocol.into(), port, service(block).into(), (*count).into()]
}

/// One finding for all services of the list that belong to it, if they were turned away often. Of the internet only what
/// this PC itself called counts: who calls it from there has no business here.
fn judge_list(draft: &mut Draft, blocks: &[(Block, u64)], list: &[Service], severity: Severity) {
    let mut findings: BTreeMap<&str, u64> = BTreeMap::new();
    let counts = |block: &Block| block.outgoing || severity != Severity::Critical;
    for (block, count) in blocks.iter().filter(|(block, _)| counts(block)) {
        if let Some((.., finding)) = find(list, block) {
            *findings.entry(finding).or_default() += count;
        }
    }
    for (finding, count) in findings.into_iter().filter(|(_, count)| *count >= OFTEN) {
        let evidence = format!("the kernel's messages of a day: {count} blocks");
        draft.finding(severity, finding, &[("count", count.into())], evidence);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn journal(output: &str, error: &str) -> Inputs {
        Inputs { messages: Ok(Answer { status: Some(0), output: output.to_owned(), error: error.to_owned() }) }
    }

    fn line(out: bool, protocol: &str, port: u16) -> String {
        let cards = if out { "IN= OUT=eth0" } else { "IN=eth0 OUT=" };
        format!(
            "[UFW BLOCK] {cards} SRC=192.168.1.5 DST=192.168.1.20 LEN=60 PROTO={protocol} SPT=40000 DPT={port} LEN=9\n"
        )
    }

    #[test]
    fn firewalls_write_in_different_ways() {
        let text = recorded("network-fedora-vpn").text("/tools/journal-firewall.txt").unwrap();
        let blocks: Vec<Block> = text.lines().filter_map(block).collect();
        let expected = [(false, "UDP", 5_353), (false, "TCP", 445), (true, "TCP", 631), (false, "ICMP", 0)];
        assert_eq!(blocks.iter().map(|b| (b.outgoing, b.protocol, b.port)).collect::<Vec<_>>(), expected);
        let said = format!("{:?}", told(FirewallBlocks::ID, &FirewallBlocks::judge(journal(&text, ""))));
        assert!(!said.contains("192.168") && !said.contains("02:00"));
    }

    #[test]
    fn often_below_at_and_above() {
        for (times, said) in [(2, "strays-blocked"), (3, "printers-blocked"), (4, "printers-blocked")] {
            assert_eq!(findings::<FirewallBlocks>(journal(&line(false, "UDP", 5_353).repeat(times), "")), [said]);
        }
        for (out, protocol, port, said) in [
            (true, "TCP", 443, "internet-blocked"),
            (false, "TCP", 443, "strays-blocked"),
            (true, "TCP", 631, "printers-blocked"),
            (false, "TCP", 445, "shares-blocked"),
            (false, "UDP", 1_716, "phone-blocked"),
            (false, "TCP", 5_353, "strays-blocked"),
        ] {
            assert_eq!(findings::<FirewallBlocks>(journal(&line(out, protocol, port).repeat(3), "")), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<FirewallBlocks>(vec![
            journal("", ""),
            journal(&line(false, "UDP", 9), ""),
            journal(&line(true, "UDP", 53).repeat(3), ""),
            journal(&line(false, "UDP", 631).repeat(3), ""),
            journal(&line(true, "TCP", 139).repeat(3), ""),
            journal(&line(false, "TCP", 1_716).repeat(3), ""),
            journal("", "Hint: You are currently not seeing messages from other users and the system."),
            Inputs { messages: Err(Silence::NotInstalled("journalctl")) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "((.{0,9}BLOCK.{0,9})?IN=.{0,9} OUT=.{0,9} PROTO=(TCP|UDP|.*) DPT=[0-9]{0,7} .*\n)*|(.*\n)*") {
            told(FirewallBlocks::ID, &FirewallBlocks::judge(journal(&text, "")));
        }
    }
}
