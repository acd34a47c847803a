//! `network.internet`: whether the internet answers at all, without names, over both kinds of address.
//!
//! Two addresses of independent operators each: one that is down is theirs, two are ours. Opening a connection is all that
//! is done there; nothing is sent over it.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::probe::{Outcome, Reach, connect_all};
use super::targets::{HTTPS, INTERNET_V4, INTERNET_V6};
use crate::checks::figure::tenths;
use crate::checks::{Check, Failure};

/// Milliseconds to open a connection from which a way is slow: as over a satellite (ITU-T G.114 puts the limit of a
/// conversation at 400 ms for both directions).
const SLOW: f64 = 400.0;

pub(crate) struct Internet;

pub(crate) struct Inputs {
    v4: Vec<Reach>,
    v6: Vec<Reach>,
}

impl Check for Internet {
    const ID: &'static str = "network.internet";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let targets: Vec<_> = INTERNET_V4.iter().chain(&INTERNET_V6).map(|ip| (*ip, HTTPS).into()).collect();
        let mut v4 = connect_all(&targets).map_err(Failure::Exhausted)?;
        let v6 = v4.split_off(INTERNET_V4.len());
        Ok(Inputs { v4, v6 })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let operators = ["Cloudflare", "Quad9"];
        let row = |family: &str, operator: &str, reach: &Reach| -> Vec<Value> {
            let time = if reach.there() { milliseconds(reach).into() } else { "".into() };
            vec![family.into(), operator.into(), reach.word().into(), time]
        };
        let of = |family: &'static str, all: &[Reach]| -> Vec<Vec<Value>> {
            operators.iter().zip(all).map(|(operator, reach)| row(family, operator, reach)).collect()
        };
        draft.table(
            "answers",
            &["family", "operator", "answer", "time"],
            [of("IPv4", &inputs.v4), of("IPv6", &inputs.v6)].concat(),
        );
        let works = [&inputs.v4, &inputs.v6].map(|all| all.iter().any(Reach::there));
        draft.fact("ipv4", works[0], "");
        draft.fact("ipv6", works[1], "");
        let all: Vec<&Reach> = inputs.v4.iter().chain(&inputs.v6).collect();
        let fastest = all.iter().filter(|reach| reach.there()).map(|reach| milliseconds(reach)).reduce(f64::min);
        let words: Vec<&str> = all.iter().map(|reach| reach.word()).collect();
        judge_answers(&mut draft, &all, fastest, words.join(", "));
        draft
    }
}

fn judge_answers(draft: &mut Draft, all: &[&Reach], fastest: Option<f64>, evidence: String) {
    let outcome = |outcome| all.iter().any(|reach| reach.outcome == outcome);
    match fastest {
        Some(fastest) if fastest >= SLOW => {
            let values = [("milliseconds", tenths(fastest).into())];
            draft.finding(Severity::Warning, "slow", &values, evidence);
        }
        // Refused by all is somebody on the way who says no: those places never do.
        Some(_) if !outcome(Outcome::Open) => draft.finding(Severity::Critical, "refused", &[], evidence),
        Some(fastest) => {
            let values = [("milliseconds", tenths(fastest).into())];
            draft.finding(Severity::Ok, "internet-ok", &values, evidence);
        }
        None if outcome(Outcome::Forbidden) => draft.finding(Severity::Critical, "forbidden", &[], evidence),
        None if all.iter().all(|reach| reach.outcome == Outcome::NoWay) => {
            draft.finding(Severity::Critical, "no-way", &[], evidence);
        }
        None => draft.finding(Severity::Critical, "silent", &[], evidence),
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a short wait")]
pub(super) fn milliseconds(reach: &Reach) -> f64 {
    tenths(reach.micros as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    fn all(v4: Outcome, v6: Outcome, micros: u64) -> Inputs {
        let two = |outcome| vec![Reach { outcome, micros }, Reach { outcome, micros: micros + 9 }];
        Inputs { v4: two(v4), v6: two(v6) }
    }

    #[test]
    fn answers_decide() {
        use Outcome::{Forbidden, NoWay, Open, Refused, Silent};
        for (v4, v6, said) in [
            (Open, Open, "internet-ok"),
            (Open, NoWay, "internet-ok"),
            (Silent, Open, "internet-ok"),
            (Refused, NoWay, "refused"),
            (Forbidden, NoWay, "forbidden"),
            (NoWay, NoWay, "no-way"),
            (Silent, NoWay, "silent"),
        ] {
            assert_eq!(findings::<Internet>(all(v4, v6, 9_000)), [said]);
        }
        for (micros, said) in [(399_900, "internet-ok"), (400_000, "slow"), (400_100, "slow")] {
            assert_eq!(findings::<Internet>(all(Open, NoWay, micros)), [said]);
        }
    }

    #[test]
    fn everything_declared_is_said() {
        use Outcome::{Forbidden, NoWay, Open, Refused, Silent};
        all_is_said::<Internet>(vec![
            all(Open, Open, 9),
            all(Open, Open, 900_000),
            all(Refused, NoWay, 9),
            all(Forbidden, NoWay, 9),
            all(NoWay, NoWay, 9),
            all(Silent, Silent, 9),
        ]);
    }

    proptest! {
        #[test]
        fn any_times_are_judged(micros in 0..u64::MAX - 9) {
            told(Internet::ID, &Internet::judge(all(Outcome::Open, Outcome::Silent, micros)));
        }
    }
}
