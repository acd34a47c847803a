//! `network.connections`: how many connections there are, in which state and of which program.
//!
//! Never with whom: a list of partners is a diary. Programs of other accounts can't be seen; the check says when that
//! hides something.

use std::collections::BTreeMap;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::sockets::{Connection, connections, owners};
use crate::checks::machine::{Machine, Reading};
use crate::checks::{Check, Failure};

const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// States by number: `include/net/tcp_states.h`, with the names of RFC 9293.
const STATES: [&str; 12] = [
    "ESTABLISHED",
    "SYN-SENT",
    "SYN-RECEIVED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "TIME-WAIT",
    "CLOSED",
    "CLOSE-WAIT",
    "LAST-ACK",
    "LISTEN",
    "CLOSING",
    "NEW",
];
const ESTABLISHED: u8 = 1;
const SYN_SENT: u8 = 2;
const CLOSE_WAIT: u8 = 8;
const LISTEN: u8 = 10;
/// Connections that wait for an answer from which somebody is not there. A browser opens six to one site at once.
const UNANSWERED: u64 = 8;
/// Connections a program has not closed from which it forgets them; a browser keeps a few.
const UNCLOSED: u64 = 50;
/// Connections of one program from which one asks why. A browser with many pages has about a hundred.
const VERY_MANY: u64 = 500;

pub(crate) struct Connections;

pub(crate) struct Inputs {
    tables: Vec<Reading>,
    /// Program by socket number.
    owners: BTreeMap<u64, String>,
}

/// What one program has.
#[derive(Clone, Copy, Default)]
struct Counts {
    open: u64,
    outside: u64,
    unanswered: u64,
    unclosed: u64,
}

impl Check for Connections {
    const ID: &'static str = "network.connections";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let tables: Vec<Reading> = TABLES.iter().map(|path| machine.text(path)).collect();
        let all: Vec<Connection> = tables.iter().flatten().flat_map(|text| connections(text)).collect();
        Ok(Inputs { owners: owners(&all), tables })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Some(Err(error)) = inputs.tables.first() {
            draft.finding(Severity::Unknown, "connections-unknown", &[], format!("/proc/net/tcp {error}"));
            return draft;
        }
        let all: Vec<Connection> = inputs.tables.iter().flatten().flat_map(|text| connections(text)).collect();
        let all: Vec<Connection> = all.into_iter().filter(|connection| connection.state != LISTEN).collect();
        draft.fact("connections", all.len() as u64, "");
        draft.fact("internet", all.iter().filter(|connection| connection.outside).count() as u64, "");
        draft.table("states", &["state", "count"], states(&all));
        let (programs, hidden) = programs(&all, &inputs.owners);
        let row = |(name, counts): &(&str, Counts)| -> Vec<Value> {
            let counts = [counts.open, counts.outside, counts.unanswered, counts.unclosed];
            std::iter::once((*name).into()).chain(counts.map(Value::from)).collect()
        };
        let columns = ["program", "open", "internet", "unanswered", "unclosed"];
        draft.table("programs", &columns, programs.iter().map(row).collect());
        judge_all(&mut draft, &all, &programs);
        if hidden > 0 {
            let evidence = format!("/proc/*/fd: {hidden} connections have no visible owner");
            draft.finding(Severity::Unknown, "owners-hidden", &[], evidence);
        }
        draft
    }
}

fn states(all: &[Connection]) -> Vec<Vec<Value>> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for connection in all {
        if let Some(name) = usize::from(connection.state).checked_sub(1).and_then(|index| STATES.get(index)) {
            *counts.entry(name).or_default() += 1;
        }
    }
    let mut rows: Vec<(&str, u64)> = counts.into_iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    rows.into_iter().map(|(name, count)| vec![name.into(), count.into()]).collect()
}

/// Programs with most connections first, and how many connections have an owner that can't be seen.
fn programs<'a>(all: &[Connection], owners: &'a BTreeMap<u64, String>) -> (Vec<(&'a str, Counts)>, u64) {
    let mut programs: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut hidden = 0;
    // Number 0: the program has closed it, and the system winds it up.
    for connection in all.iter().filter(|connection| connection.socket != 0) {
        let Some(name) = owners.get(&connection.socket) else {
            hidden += 1;
            continue;
        };
        let counts = programs.entry(name).or_default();
        counts.open += u64::from(connection.state == ESTABLISHED);
        counts.outside += u64::from(connection.outside);
        counts.unanswered += u64::from(connection.state == SYN_SENT);
        counts.unclosed += u64::from(connection.state == CLOSE_WAIT);
    }
    let mut programs: Vec<(&str, Counts)> = programs.into_iter().collect();
    programs.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.open + counts.unanswered + counts.unclosed));
    (programs, hidden)
}

fn judge_all(draft: &mut Draft, all: &[Connection], programs: &[(&str, Counts)]) {
    let unanswered = all.iter().filter(|connection| connection.state == SYN_SENT).count() as u64;
    if unanswered >= UNANSWERED {
        let evidence = format!("/proc/net/tcp: {unanswered} in SYN-SENT");
        draft.finding(Severity::Warning, "unanswered", &[("count", unanswered.into())], evidence);
    }
    for (finding, limit, count) in [
        ("unclosed", UNCLOSED, (|counts: &Counts| counts.unclosed) as fn(&Counts) -> u64),
        ("very-many", VERY_MANY, |counts: &Counts| counts.open),
    ] {
        for (name, counts) in programs.iter().filter(|(_, counts)| count(counts) >= limit) {
            let values = [("program", (*name).into()), ("count", count(counts).into())];
            let evidence = format!("/proc/net/tcp: {} of one program", count(counts));
            draft.finding(Severity::Warning, finding, &values, evidence);
        }
    }
    if draft.findings.is_empty() {
        draft.finding(Severity::Ok, "connections-ok", &[], format!("/proc/net/tcp: {} connections", all.len()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::machine::Unread;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn with(state: &str, count: u64) -> Inputs {
        let line = |n: u64| format!("{n}: 1401A8C0:9C40 0E5D08D8:01BB {state} 0:0 0:0 0 0 0 {}\n", n + 1);
        Inputs {
            tables: vec![Ok((0..count).map(line).collect())],
            owners: (0..count).map(|n| (n + 1, "firefox".to_owned())).collect(),
        }
    }

    #[test]
    fn limits_below_at_and_above() {
        for (state, limit, said) in
            [("02", UNANSWERED, "unanswered"), ("08", UNCLOSED, "unclosed"), ("01", VERY_MANY, "very-many")]
        {
            assert_eq!(findings::<Connections>(with(state, limit - 1)), ["connections-ok"]);
            assert_eq!(findings::<Connections>(with(state, limit)), [said]);
            assert_eq!(findings::<Connections>(with(state, limit + 1)), [said]);
        }
        assert_eq!(findings::<Connections>(with("0A", 900)), ["connections-ok"]);
    }

    #[test]
    fn a_recorded_table_has_no_partners_left() {
        let machine = recorded("laptop-full");
        let tables = TABLES.iter().map(|path| machine.text(path)).collect();
        let draft = Connections::judge(Inputs { tables, owners: BTreeMap::new() });
        told(Connections::ID, &draft);
        assert!(!format!("{draft:?}").contains("192."));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Connections>(vec![
            with("01", 500),
            with("02", 9),
            with("08", 50),
            with("01", 1),
            Inputs { owners: BTreeMap::new(), ..with("01", 1) },
            Inputs { tables: vec![Err(Unread::Denied)], owners: BTreeMap::new() },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "( [0-9]: [0-9A-F]{0,33}:[0-9A-F]{0,5} [0-9A-F]{8}:[0-9A-F]{0,5} [0-9A-F]{2}( [0-9]{0,3}){6}\n)*|(.*\n)*", name in ".*") {
            let owners = (0..1_000).map(|n| (n, name.clone())).collect();
            told(Connections::ID, &Connections::judge(Inputs { tables: vec![Ok(text)], owners }));
        }
    }
}
