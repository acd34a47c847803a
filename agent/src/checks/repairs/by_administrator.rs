//! The repairs that the small root program performs: their previews, which look with its own code but this account's rights,
//! and what its answer means. (SECURITY G6)
//!
//! Its answer comes from a program with more rights than ours, through a pipe, and is still judged like a worker's: only
//! what the definition declares is told.

use std::time::Duration;

use venia_helper::verbs::{self, Seen};
use venia_helper::{Answer, Keep, Outcome, Patience, Programs, Row, Service, Verb};
use venia_proto::catalog::PLAN;
use venia_proto::ledger::body::{Arguments, ItemId};
use venia_proto::report::{Draft, Severity, Value};

use super::{Ended, State, told};
use crate::checks::machine::Machine;
use crate::checks::{Failure, Judge, Runner, tool};

/// Longest time for one question, if the look doesn't say.
const LIMIT: Duration = Duration::from_secs(10);

/// A preview and the repair it belongs to.
struct Pair {
    preview: &'static str,
    repair: &'static str,
    /// Whether its figures are bytes.
    bytes: bool,
    verb: fn(&Arguments) -> Option<Verb>,
}

const PAIRS: [Pair; 6] = [
    Pair {
        preview: "network.address-lease",
        repair: "network.renew-lease",
        bytes: false,
        verb: |_| Some(Verb::RenewLease),
    },
    Pair {
        preview: "system.clock-by-network",
        repair: "system.synchronise-clock",
        bytes: false,
        verb: |_| Some(Verb::SynchroniseClock),
    },
    Pair {
        preview: "system.kept-packages",
        repair: "system.clear-package-cache",
        bytes: true,
        verb: |_| Some(Verb::ClearPackageCache),
    },
    Pair { preview: "system.old-messages", repair: "system.vacuum-journal", bytes: true, verb: vacuum },
    Pair { preview: "system.one-service", repair: "system.restart-service", bytes: false, verb: restart },
    Pair {
        preview: "system.unfinished-packages",
        repair: "system.repair-packages",
        bytes: false,
        verb: |_| Some(Verb::RepairPackages),
    },
];

/// The preview of this place in [`PAIRS`].
pub(super) struct Look(pub(super) usize);

/// The repair of this place.
pub(super) struct Deferred(pub(super) usize);

/// What the root program is asked for this repair; nothing if it isn't one of its.
pub(crate) fn verb(repair: &ItemId, arguments: &Arguments) -> Option<Verb> {
    let pair = PAIRS.iter().find(|pair| pair.repair == repair.0)?;
    (pair.verb)(arguments)
}

/// What its answer means, or why there is none.
pub(crate) fn answered(repair: &ItemId, answer: Result<Outcome, String>) -> Draft {
    let bytes = PAIRS.iter().any(|pair| pair.repair == repair.0 && pair.bytes);
    let columns = if bytes { ["what", "before-bytes", "after-bytes"] } else { ["what", "before", "after"] };
    let state = |state: venia_helper::State| State {
        total: Some((value(&state.total), unit(&state.total))),
        rows: state.rows.iter().map(|(what, row)| (what.clone(), value(row))).collect(),
    };
    told(
        columns,
        match answer {
            Ok(Outcome::Done { before, after }) => Ended::Done(state(before), state(after)),
            Ok(Outcome::Partly { before, after, why }) => Ended::Partly(state(before), state(after), why),
            Ok(Outcome::RolledBack { before, why }) => Ended::RolledBack(state(before), why),
            Ok(Outcome::ChangedSince { before }) => Ended::ChangedSince(state(before)),
            Ok(Outcome::NotPossible { why }) | Err(why) => Ended::NotPossible(why),
        },
    )
}

impl Runner for Look {
    fn id(&self) -> &'static str {
        PAIRS.get(self.0).map_or("", |pair| pair.preview)
    }

    fn gather(&self, arguments: &Arguments) -> Result<Judge, Failure> {
        let pair = PAIRS.get(self.0).ok_or(Failure::Administrator)?;
        let verb = (pair.verb)(arguments).ok_or(Failure::Argument("choice"))?;
        let seen = verbs::look(verb, &Machine::this().path("/"), &Tools);
        let bytes = pair.bytes;
        Ok(Box::new(move || judge(bytes, seen)))
    }
}

impl Runner for Deferred {
    fn id(&self) -> &'static str {
        PAIRS.get(self.0).map_or("", |pair| pair.repair)
    }

    fn gather(&self, _: &Arguments) -> Result<Judge, Failure> {
        Err(Failure::Administrator)
    }
}

fn judge(bytes: bool, seen: Result<Seen, String>) -> Draft {
    let mut draft = Draft::default();
    let seen = match seen {
        Ok(seen) => seen,
        Err(why) => {
            draft.finding(Severity::Unknown, "cannot-tell", &[], why);
            return draft;
        }
    };
    let total = seen.state.total;
    draft.fact("now", value(&total), unit(&total));
    let rows: Vec<Vec<Value>> =
        seen.state.rows.iter().map(|(what, row)| vec![what.clone().into(), value(row)]).collect();
    let evidence = format!("{} looked at", rows.len());
    draft.table("there", &["what", if bytes { "now-bytes" } else { "now" }], rows);
    match seen.plan {
        Some(plan) => {
            draft.finding(Severity::Ok, "can-be-repaired", &[], plan.clone());
            draft.fact(PLAN, plan, "");
        }
        None => draft.finding(Severity::Ok, "nothing-to-repair", &[], evidence),
    }
    draft
}

fn value(row: &Row) -> Value {
    match row {
        Row::Bytes(number) | Row::Count(number) => (*number).into(),
        Row::Word(word) => word.clone().into(),
    }
}

fn unit(row: &Row) -> &'static str {
    match row {
        Row::Bytes(_) => "bytes",
        Row::Count(_) | Row::Word(_) => "",
    }
}

fn vacuum(arguments: &Arguments) -> Option<Verb> {
    let days = arguments.get("keep-days")?;
    let keep = Keep::ALL.into_iter().find(|keep| keep.days().to_string() == *days)?;
    Some(Verb::VacuumJournal { keep })
}

fn restart(arguments: &Arguments) -> Option<Verb> {
    let name = arguments.get("service")?;
    let service = Service::ALL.into_iter().find(|service| service.name() == name)?;
    Some(Verb::RestartService { service })
}

/// The programs a check may ask, for the looks.
struct Tools;

impl Programs for Tools {
    fn run(&self, name: &str, arguments: &[&str], patience: Patience<'_>) -> Result<Answer, String> {
        let limit = match patience {
            Patience::Ask(limit) => limit.min(LIMIT),
            Patience::Until(..) | Patience::Whole => return Err("a look changes nothing".to_owned()),
        };
        let tool = tool::named(name).ok_or_else(|| format!("{name} is not among the programs of checks"))?;
        let answer = tool.ask(arguments, limit).map_err(|silence| silence.to_string())?;
        Ok(Answer { success: answer.status == Some(0), output: answer.output })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use venia_proto::catalog::{Accepts, Catalog, Performer};

    use super::*;
    use crate::checks::proof;

    fn id(name: &str) -> ItemId {
        ItemId(name.to_owned())
    }

    fn seen(plan: Option<&str>, row: &Row) -> Seen {
        let state = venia_helper::State { total: row.clone(), rows: vec![("cups".to_owned(), row.clone())] };
        Seen { state, plan: plan.map(str::to_owned) }
    }

    /// What this pair's figures are.
    fn row(pair: &Pair) -> Row {
        match pair.preview {
            _ if pair.bytes => Row::Bytes(7),
            "network.address-lease" => Row::Count(7),
            _ => Row::Word("active".to_owned()),
        }
    }

    #[test]
    fn everything_declared_is_said() {
        for pair in &PAIRS {
            let row = row(pair);
            let runs = [Ok(seen(Some("p"), &row)), Ok(seen(None, &row)), Err("no dpkg".to_owned())];
            let reports: Vec<_> =
                runs.into_iter().map(|run| proof::told(pair.preview, &judge(pair.bytes, run))).collect();
            let said: BTreeSet<&str> = reports.iter().flat_map(|r| &r.findings).map(|f| f.id.as_str()).collect();
            let item = proof::item(pair.preview);
            assert_eq!(said, item.findings.keys().map(String::as_str).collect(), "{}", pair.preview);
            assert_eq!(reports[0].facts.len(), item.facts.len(), "{}", pair.preview);
            assert_eq!(reports[0].plan(), Some("p"));
        }
    }

    #[test]
    fn every_answer_is_told() {
        for pair in &PAIRS {
            let row = row(pair);
            let state = || seen(None, &row).state;
            let why = || "a reason".to_owned();
            let mut answers = vec![
                (Ok(Outcome::Done { before: state(), after: state() }), vec!["done", "undone-by"]),
                (Ok(Outcome::Partly { before: state(), after: state(), why: why() }), vec!["partly", "undone-by"]),
                (Ok(Outcome::ChangedSince { before: state() }), vec!["changed-since"]),
                (Ok(Outcome::NotPossible { why: why() }), vec!["not-possible"]),
                (Err(why()), vec!["not-possible"]),
            ];
            if pair.repair == "network.renew-lease" {
                answers.push((Ok(Outcome::RolledBack { before: state(), why: why() }), vec!["rolled-back"]));
            }
            for (answer, findings) in answers {
                let report = proof::told(pair.repair, &answered(&id(pair.repair), answer));
                assert_eq!(report.findings.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), findings);
            }
        }
    }

    #[test]
    fn g6_every_value_a_definition_declares_is_a_verb_and_nothing_else_is() {
        let catalog = Catalog::built_in();
        for item in
            catalog.items().filter(|item| item.change.as_ref().is_some_and(|c| c.by == Performer::Administrator))
        {
            let mut every = vec![item.arguments(&Arguments::new()).unwrap()];
            for parameter in &item.parameters {
                let Accepts::Choice(words) = &parameter.accepts else { panic!("{}", item.id.0) };
                let given = words.iter().map(|word| item.arguments(&[(parameter.name.clone(), word.clone())].into()));
                every.extend(given.map(Result::unwrap));
            }
            for arguments in every {
                let change = item.change.as_ref().unwrap();
                let verb = verb(&item.id, &arguments).unwrap();
                assert_eq!(verb.interruptible(), change.interruptible, "{}", item.id.0);
                assert!(item.id.0.ends_with(verb.name()), "{}", item.id.0);
            }
        }
        assert_eq!(verb(&id("tasks.empty-trash"), &Arguments::new()), None);
        assert_eq!(verb(&id("system.restart-service"), &[("service".into(), "ssh".into())].into()), None);
        assert_eq!(verb(&id("system.vacuum-journal"), &[("keep-days".into(), "0".into())].into()), None);
    }
}
