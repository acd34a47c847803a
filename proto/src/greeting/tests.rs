use proptest::prelude::*;

use super::*;
use crate::foreign::Foreign;
use crate::key::SigningKey;
use crate::statement::Relay;

const NOT_AFTER: i64 = 1_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::new("key", [seed; 32])
}

fn root() -> Fingerprint {
    Fingerprint::of(key(1).verifier())
}

fn relay(seed: u8) -> Relay {
    Relay {
        name: Foreign::new(format!("relay {seed}")),
        address: "relay.example:4433".parse().unwrap(),
        tls: *key(seed).public(),
        log: log(seed).verifier().clone(),
    }
}

fn log(seed: u8) -> SigningKey {
    SigningKey::new(&format!("log{seed}"), [seed + 100; 32])
}

/// Two relays, numbers 2 and 3.
fn statement(serial: u64) -> Statement {
    Statement {
        root: key(1).verifier().clone(),
        organisation: Foreign::new("Ayuda Ñandú"),
        serial,
        not_after: Wall::from_ms(NOT_AFTER),
        relays: vec![relay(2), relay(3)],
        authority: key(4).verifier().clone(),
        auditors: vec!["age1qqqq".into()],
        witnesses: Vec::new(),
        packs: Vec::new(),
        keep_days: 30,
        quorum: 0,
    }
}

fn batch(log: &SigningKey, observed: i64) -> Vec<u8> {
    Batch { origin: log.verifier().name.clone(), n: 1, observed: Wall::from_ms(observed), previous: None }.sign(log)
}

fn greeting(statement: &Statement, observed: i64) -> Greeting {
    Greeting { statement: statement.sign(&key(1)), batch: batch(&log(2), observed) }
}

fn judge(greeting: Greeting, known: Option<&Statement>) -> Result<Welcome, GreetingError> {
    Welcome::judge(greeting, key(2).public(), &root(), known)
}

fn at(boot_ms: u64) -> Now {
    // The wall clock is nobody's business here: a PC's may say anything. (SECURITY A4)
    Now { boot_ms, wall: Wall::MIN }
}

fn begun(observed: i64) -> Greetings {
    Greetings::begin(Arc::new(judge(greeting(&statement(7), observed), None).unwrap()), at(5_000))
}

fn again(greetings: &mut Greetings, greeting: Greeting, boot_ms: u64) -> Result<(), GreetingError> {
    greetings.again(greeting, key(2).public(), at(boot_ms))
}

#[test]
fn a1_a_relay_is_believed_by_the_root_its_own_key_and_its_logs_signature() {
    let good = || greeting(&statement(7), 100);
    let welcome = judge(good(), None).unwrap();
    assert_eq!((&welcome.statement, &welcome.relay), (&statement(7), &relay(2)));
    assert_eq!((welcome.statement_note, welcome.batch), (good().statement, good().batch));
    assert_eq!(welcome.ledger_time, Wall::from_ms(100));

    let refused = |greeting, tls: u8, pinned: &Fingerprint| {
        Welcome::judge(greeting, key(tls).public(), pinned, None).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(good(), 2, &Fingerprint::of(key(9).verifier())), GreetingError::WrongRoot, "another pin");
    assert_eq!(refused(good(), 9, &root()), GreetingError::WrongRoot, "a key the statement doesn't name");
    // The other relay of the same statement answers with this one's log.
    assert!(matches!(refused(good(), 3, &root()), GreetingError::Batch(_)));
    let forged = Greeting { statement: statement(7).sign(&key(9)), ..good() };
    assert!(matches!(refused(forged, 2, &root()), GreetingError::Statement(StatementError::Note(_))));
    let same_name = SigningKey::new("log2", [9; 32]);
    let forged = Greeting { batch: batch(&same_name, 100), ..good() };
    assert!(matches!(refused(forged, 2, &root()), GreetingError::Batch(_)));
    for garbage in [Vec::new(), vec![0; 100]] {
        let statement = Greeting { statement: garbage.clone(), ..good() };
        assert!(matches!(refused(statement, 2, &root()), GreetingError::Statement(_)));
        assert!(matches!(refused(Greeting { batch: garbage, ..good() }, 2, &root()), GreetingError::Batch(_)));
    }
}

#[test]
fn a1_what_was_known_before_isnt_taken_back_by_the_first_greeting() {
    for (known, taken) in [(6, true), (7, true), (8, false)] {
        let judged = judge(greeting(&statement(7), 100), Some(&statement(known)));
        assert_eq!(judged.is_ok(), taken, "{known}");
    }
}

#[test]
fn a4_a_statement_holds_until_its_last_moment_by_the_logs_time() {
    for (observed, taken) in [(NOT_AFTER - 1, true), (NOT_AFTER, true), (NOT_AFTER + 1, false)] {
        let judged = judge(greeting(&statement(7), observed), None);
        assert_eq!(judged.map(|_| ()), if taken { Ok(()) } else { Err(GreetingError::Expired) }, "{observed}");
    }
    let greetings = begun(NOT_AFTER - 10);
    for (boot_ms, holds) in [(5_000, true), (5_010, true), (5_011, false), (u64::MAX, false)] {
        assert_eq!(greetings.holds(at(boot_ms)), holds, "{boot_ms}");
    }
}

/// An agent that had waited for an hour judged a note of that minute as one that holds for more than a day, and spent the code
/// on it.
#[test]
fn a4_the_ledgers_time_goes_on_while_nothing_is_heard_from_it() {
    let mut greetings = begun(1_000);
    for hours in [0_u32, 1, 30] {
        let later = u64::from(hours) * 3_600_000;
        let expected = Wall::from_ms(1_000).plus_ms(later.cast_signed());
        assert_eq!(greetings.ledger_time(at(5_000 + later)), expected, "{hours}");
    }
    assert_eq!(greetings.ledger_time(at(4_999)), Wall::from_ms(1_000), "never before what was signed");
    // From the next greeting on by that one, though the log's clock is slower than ours.
    again(&mut greetings, greeting(&statement(7), 1_500), 9_000).unwrap();
    assert_eq!(greetings.ledger_time(at(9_001)), Wall::from_ms(1_501));
}

/// Whoever holds an older greeting of a log, or an older copy of it, turns nobody's time back: notes that expired stay expired.
#[test]
fn a4_a_log_that_comes_back_with_an_earlier_time_is_refused() {
    let mut greetings = begun(1_000);
    for (observed, taken) in [(1_000, true), (999, false), (5_000, true), (4_999, false), (5_000, true)] {
        let judged = again(&mut greetings, greeting(&statement(7), observed), 6_000);
        assert_eq!(judged, if taken { Ok(()) } else { Err(GreetingError::SetBack) }, "{observed}");
    }
    assert_eq!(greetings.ledger_time(at(6_000)), Wall::from_ms(5_000));
}

#[test]
fn a1_the_serial_goes_back_to_no_earlier_greetings_either() {
    let mut greetings = begun(100);
    let serial = |greetings: &mut Greetings, serial| again(greetings, greeting(&statement(serial), 100), 6_000);
    serial(&mut greetings, 9).unwrap();
    // Newer than the first, older than what was said since.
    let back = GreetingError::Statement(StatementError::WentBack { known: 9, got: 8 });
    assert_eq!(serial(&mut greetings, 8), Err(back));
    let other = Statement { keep_days: 31, ..statement(9) };
    let two = GreetingError::Statement(StatementError::TwoOfOneSerial(9));
    assert_eq!(again(&mut greetings, greeting(&other, 100), 6_000), Err(two));
    assert_eq!(greetings.to_keep().unwrap().statement, statement(9));
    assert_eq!(greetings.to_keep().unwrap().statement_note, statement(9).sign(&key(1)));
}

#[test]
fn f5_only_the_relay_and_the_log_of_before_go_on() {
    let mut greetings = begun(100);
    let next = statement(8);
    let other = Greeting { statement: next.sign(&key(1)), batch: batch(&log(3), 200) };
    assert_eq!(greetings.again(other, key(3).public(), at(6_000)), Err(GreetingError::Moved), "another relay");
    let mut renewed = next.clone();
    renewed.relays[0].log = log(9).verifier().clone();
    let other = Greeting { statement: renewed.sign(&key(1)), batch: batch(&log(9), 200) };
    assert_eq!(again(&mut greetings, other, 6_000), Err(GreetingError::Moved), "the same relay with another log");
    let mut rekeyed = next;
    rekeyed.relays[0].tls = *key(9).public();
    let other = greeting(&rekeyed, 200);
    assert_eq!(greetings.again(other, key(9).public(), at(6_000)), Err(GreetingError::Moved), "with another key");
    assert_eq!(greetings.to_keep().unwrap().statement, statement(7), "nothing has changed");
    assert_eq!(greetings.ledger_time(at(6_000)), Wall::from_ms(1_100), "nothing has changed");
}

/// An auditor who was added while somebody waited would otherwise never be named to them: at the next start they were known.
#[test]
fn a1_a_statement_with_other_readers_isnt_kept_before_somebody_saw_it() {
    type Change = fn(&mut Statement);
    let changes: [(Change, bool); 5] = [
        (|s| s.auditors.push("age1new".into()), true),
        (|s| s.auditors.clear(), true),
        (|s| s.authority = key(9).verifier().clone(), true),
        (|s| s.keep_days = 1, false),
        (|s| s.organisation = Foreign::new("Ayuda"), false),
    ];
    for (n, (change, outdated)) in changes.into_iter().enumerate() {
        let mut greetings = begun(100);
        let mut other = statement(8);
        change(&mut other);
        again(&mut greetings, greeting(&other, 100), 6_000).unwrap();
        assert_eq!(greetings.is_outdated(), outdated, "{n}");
        assert_eq!(greetings.to_keep().is_none(), outdated, "{n}");
        // Taken back before anybody saw it: a session might have been judged by it meanwhile.
        again(&mut greetings, greeting(&statement(9), 100), 6_000).unwrap();
        assert_eq!(greetings.is_outdated(), outdated, "{n}: for good");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a relay greets with, in whatever order: serial and signed time never go back.
    #[test]
    fn neither_serial_nor_time_ever_goes_back(said in prop::collection::vec((5..10_u64, 50..150_i64, 0..50_u64), 1..12)) {
        let mut greetings = begun(100);
        let (mut serial, mut observed, mut boot_ms) = (7, 100, 5_000);
        for (next, time, later) in said {
            boot_ms += later;
            let taken = again(&mut greetings, greeting(&statement(next), time), boot_ms).is_ok();
            prop_assert_eq!(taken, next >= serial && time >= observed);
            if taken {
                (serial, observed) = (next, time);
                prop_assert_eq!(greetings.ledger_time(at(boot_ms)), Wall::from_ms(time));
            }
            prop_assert_eq!(greetings.to_keep().map(|newest| newest.statement.serial), Some(serial));
            prop_assert!(greetings.ledger_time(at(boot_ms)) >= Wall::from_ms(observed));
        }
    }
}
