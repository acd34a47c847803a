//! `network.name-cache` and `network.flush-dns`: names of the internet that systemd-resolved remembers, some perhaps wrong.
//!
//! Only how many are remembered is read, never which: they say where somebody has been.

use std::time::Duration;

use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use super::{Check, Failure, Repair, State};
use crate::checks::tool::{self, Answer, Silence};

const LIMIT: Duration = Duration::from_secs(5);
/// A property of systemd-resolved's manager (org.freedesktop.resolve1(5)): size, hits, misses.
const STATISTICS: [&str; 6] = [
    "--system",
    "get-property",
    "org.freedesktop.resolve1",
    "/org/freedesktop/resolve1",
    "org.freedesktop.resolve1.Manager",
    "CacheStatistics",
];
/// What is emptied is always the same thing, however many names are in it by the second.
const CACHE: &str = "systemd-resolved";

pub(super) struct NameCache;
pub(super) struct FlushDns;

impl Check for NameCache {
    const ID: &'static str = "network.name-cache";
    type Inputs = Result<u64, String>;

    fn gather(arguments: &Arguments) -> Result<Self::Inputs, Failure> {
        FlushDns::look(arguments)
    }

    fn judge(seen: Self::Inputs) -> Draft {
        let mut draft = Draft::default();
        match seen {
            Err(why) => draft.finding(Severity::Unknown, "names-unknown", &[], why),
            Ok(names) => {
                draft.fact("names", names, "");
                if let Some(plan) = FlushDns::plan(&names) {
                    draft.fact(PLAN, plan, "");
                }
                let evidence = format!("CacheStatistics of systemd-resolved: {names}");
                draft.finding(Severity::Ok, "names-remembered", &[("count", names.into())], evidence);
            }
        }
        draft
    }
}

impl Repair for FlushDns {
    const ID: &'static str = "network.flush-dns";
    const COLUMNS: [&'static str; 3] = ["what", "before", "after"];
    type Seen = u64;

    fn look(_: &Arguments) -> Result<Result<u64, String>, Failure> {
        Ok(understood(tool::BUSCTL.ask(&STATISTICS, LIMIT)))
    }

    fn plan(_: &u64) -> Option<String> {
        Some(CACHE.to_owned())
    }

    fn state(seen: &u64) -> State {
        State { total: Some(((*seen).into(), "")), rows: vec![(CACHE.to_owned(), (*seen).into())] }
    }

    fn perform(_: &u64, _: &Arguments) -> Result<(), String> {
        match tool::RESOLVECTL.ask(&["flush-caches"], LIMIT) {
            Ok(answer) if answer.status == Some(0) => Ok(()),
            Ok(answer) => Err(format!("resolvectl flush-caches ended with {:?}", answer.status)),
            Err(silence) => Err(silence.to_string()),
        }
    }
}

/// `(ttt) 15 2040 233`.
fn understood(answer: Result<Answer, Silence>) -> Result<u64, String> {
    let answer = answer.map_err(|silence| silence.to_string())?;
    let size = answer.output.trim().strip_prefix("(ttt) ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    size.filter(|_| answer.status == Some(0)).ok_or_else(|| "systemd-resolved does not run here".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, told};

    fn said(status: i32, output: &str) -> Result<u64, String> {
        understood(Ok(Answer { status: Some(status), output: output.into(), error: String::new() }))
    }

    #[test]
    fn the_number_is_read() {
        assert_eq!(said(0, "(ttt) 15 2040 233\n"), Ok(15));
        for other in ["", "(ttt)", "(ttt) x 1 1", "t 15"] {
            assert!(said(0, other).is_err(), "{other}");
        }
        assert!(said(1, "(ttt) 15 2040 233\n").is_err());
        let draft = NameCache::judge(Ok(15));
        assert_eq!(told(NameCache::ID, &draft).plan(), FlushDns::plan(&3).as_deref(), "the number may differ by then");
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<NameCache>(vec![Ok(15), understood(Err(Silence::NotInstalled("busctl")))]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(\\(ttt\\) )?.*") {
            let _number = said(0, &output);
        }
    }
}
