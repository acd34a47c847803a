use std::cell::RefCell;
use std::collections::VecDeque;

use super::*;
use crate::caller::Word;
use crate::program::{Answer, Patience};
use crate::request::{Keep, Row, Service, Verb};

/// A caller of a test: what it asks, then what it says and when; time passes only while it is waited for.
struct Script {
    request: Vec<u8>,
    words: VecDeque<Word>,
    now_ms: u64,
    /// Whether nobody is there from the beginning.
    gone: bool,
}

impl Caller for Script {
    fn request(&mut self) -> Vec<u8> {
        self.request.clone()
    }

    fn wait(&mut self, ms: u64) -> Word {
        self.now_ms += ms;
        self.words.pop_front().unwrap_or(Word::Nothing)
    }

    fn is_gone(&mut self) -> bool {
        self.gone
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }
}

/// Programs of a test: what each answers, and what was asked.
struct Fake<'a> {
    answers: &'a dyn Fn(&str) -> Answer,
    asked: RefCell<Vec<String>>,
}

impl Programs for Fake<'_> {
    fn run(&self, name: &str, arguments: &[&str], _: Patience<'_>) -> Result<Answer, String> {
        let line = format!("{name} {}", arguments.join(" "));
        let answer = (self.answers)(&line);
        self.asked.borrow_mut().push(line);
        Ok(answer)
    }
}

fn ok(output: &str) -> Answer {
    Answer { success: true, output: output.to_owned() }
}

fn asked(verb: Verb, plan: &str, words: &[Word]) -> Script {
    let request = serde_json::to_vec(&Request { verb, plan: plan.to_owned() }).unwrap();
    Script { request, words: words.iter().copied().collect(), now_ms: 5, gone: false }
}

/// Outcome, what was started beyond looks, and what was written meanwhile.
fn served(script: &mut Script, root: &Path, answers: &dyn Fn(&str) -> Answer) -> (Outcome, Vec<String>, String) {
    let programs = Fake { answers, asked: RefCell::default() };
    let verbs = Verbs::of(&["renew-lease", "restart-service", "repair-packages", "vacuum-journal"]);
    let mut output = Vec::new();
    let outcome = run(&Helper { root, programs: &programs, verbs: &verbs }, script, &mut output);
    let looks = [
        "systemctl show",
        "systemctl is-active",
        "nmcli --get",
        "dpkg --audit",
        "apt-get -s",
        "busctl --system call org.freedesktop.NetworkManager /org/freedesktop/NetworkManager org.freedesktop.NetworkManager GetDevice",
    ];
    let mut asked = programs.asked.into_inner();
    asked.retain(|line| !looks.iter().any(|look| line.starts_with(look)));
    (outcome, asked, String::from_utf8(output).unwrap())
}

const CUPS: Verb = Verb::RestartService { service: Service::Cups };

fn cups(line: &str) -> Answer {
    let shown = "LoadState=loaded\nActiveState=failed\nSubState=failed\n";
    ok(if line.starts_with("systemctl show") { shown } else { "" })
}

#[test]
fn g6_what_was_shown_is_done_and_reported() {
    let root = tempfile::tempdir().unwrap();
    let plan = "cups.service: failed (failed)";
    let (outcome, asked_of, _) = served(&mut asked(CUPS, plan, &[]), root.path(), &cups);
    assert_eq!(asked_of, ["systemctl restart -- cups.service"]);
    let Outcome::Done { before, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(before.total, Row::Word("failed (failed)".to_owned()));
}

#[test]
fn g6_another_state_than_shown_does_nothing() {
    let root = tempfile::tempdir().unwrap();
    for plan in ["", "cups.service: active (running)", "cups.service: failed (failed) "] {
        let (outcome, asked_of, _) = served(&mut asked(CUPS, plan, &[]), root.path(), &cups);
        assert!(matches!(outcome, Outcome::ChangedSince { .. }), "{plan}: {outcome:?}");
        assert!(asked_of.is_empty(), "{asked_of:?}");
    }
}

#[test]
fn g6_what_the_table_does_not_allow_and_hostile_callers_get_nothing() {
    let root = tempfile::tempdir().unwrap();
    let clock = asked(Verb::SynchroniseClock, "p", &[]);
    let shell = r#"{"verb":{"restart-service":{"service":"cups; id"}},"plan":"p"}"#.as_bytes().to_vec();
    let flood = vec![b'{'; crate::request::REQUEST_MAX + 1];
    for request in [clock.request, shell, flood, Vec::new(), b"\0\xff\n".to_vec()] {
        let mut script = Script { request, words: VecDeque::new(), now_ms: 0, gone: false };
        let programs = Fake { answers: &cups, asked: RefCell::default() };
        let verbs = Verbs::of(&["restart-service"]);
        let outcome =
            run(&Helper { root: root.path(), programs: &programs, verbs: &verbs }, &mut script, &mut Vec::new());
        assert!(matches!(outcome, Outcome::NotPossible { .. }), "{outcome:?}");
        assert!(programs.asked.into_inner().is_empty(), "it didn't even look");
    }
}

const CHECKPOINT: &str = "/org/freedesktop/NetworkManager/Checkpoint/7";

fn network(line: &str) -> Answer {
    if line.contains("GetDeviceByIpIface") {
        ok("o \"/org/freedesktop/NetworkManager/Devices/3\"\n")
    } else if line.contains("CheckpointCreate") {
        ok(&format!("o \"{CHECKPOINT}\"\n"))
    } else if line.starts_with("nmcli --get") {
        ok("100 (connected)\nexpiry = 99999999999 | x = y\n")
    } else {
        ok("")
    }
}

fn online() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("proc/net")).unwrap();
    let routes =
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU\nwlp3s0 00000000 0101A8C0 3 0 0 600 00000000 0\n";
    std::fs::write(root.path().join("proc/net/route"), routes).unwrap();
    std::fs::create_dir_all(root.path().join("sys/class/net/wlp3s0")).unwrap();
    std::fs::write(root.path().join("sys/class/net/wlp3s0/ifindex"), "3\n").unwrap();
    root
}

#[test]
fn r4_a_renewed_address_is_kept_when_the_session_comes_back_and_rolled_back_otherwise() {
    let nothing = [Word::Nothing; 70];
    for (words, kept) in [
        (&[Word::Nothing, Word::Nothing, Word::Keep][..], true),
        (&[Word::Nothing, Word::Gone], false),
        (&nothing, false),
        (&[Word::Gone], false),
    ] {
        let mut script = asked(Verb::RenewLease, "device 3", words);
        let (outcome, asked_of, said) = served(&mut script, online().path(), &network);
        assert_eq!(said, "{\"waiting\":{\"ms\":60000}}\n");
        assert_eq!(matches!(outcome, Outcome::Done { .. }), kept, "{outcome:?}");
        assert_eq!(matches!(outcome, Outcome::RolledBack { .. }), !kept, "{outcome:?}");
        assert_eq!(asked_of[1], "nmcli device connect wlp3s0");
        let end = if kept { "CheckpointDestroy" } else { "CheckpointRollback" };
        assert!(asked_of[2].ends_with(&format!("{end} o {CHECKPOINT}")), "{asked_of:?}");
        assert!(script.now_ms <= 5 + Rollback::WAIT_MS, "{}", script.now_ms);
    }
}

#[test]
fn r4_a_connection_that_fails_is_rolled_back_at_once() {
    let failing = |line: &str| if line.starts_with("nmcli device") { Answer::default() } else { network(line) };
    let mut script = asked(Verb::RenewLease, "device 3", &[]);
    let (outcome, asked_of, said) = served(&mut script, online().path(), &failing);
    assert!(matches!(&outcome, Outcome::Partly { why, .. } if why.ends_with("all is as it was")), "{outcome:?}");
    assert!(asked_of.last().unwrap().contains("CheckpointRollback") && said.is_empty());
}

#[test]
fn g6_nothing_is_ever_removed_by_a_repair_of_packages() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("var/lib/dpkg")).unwrap();
    std::fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
    let broken = |line: &str| {
        if line.starts_with("dpkg --audit") {
            ok("explained:\n vim  an editor\n")
        } else if line.starts_with("apt-get -s") {
            ok("Inst libfoo1 (1)\n")
        } else {
            ok("")
        }
    };
    let (outcome, asked_of, _) =
        served(&mut asked(Verb::RepairPackages, "vim; install: libfoo1", &[]), root.path(), &broken);
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(asked_of.len(), 2, "{asked_of:?}");
    assert!(asked_of[1].starts_with("apt-get -y --no-remove ") && asked_of[1].ends_with(" -f install"));
}

#[test]
fn a_computer_that_cannot_says_so() {
    let root = tempfile::tempdir().unwrap();
    for verb in [Verb::RepairPackages, Verb::RenewLease, Verb::VacuumJournal { keep: Keep::Week }] {
        let (outcome, asked_of, _) = served(&mut asked(verb, "p", &[]), root.path(), &|_| Answer::default());
        assert!(matches!(outcome, Outcome::NotPossible { .. }) && asked_of.is_empty(), "{verb:?}: {outcome:?}");
    }
}

#[test]
fn g6_what_must_not_be_stopped_is_declared_so() {
    assert!(!CUPS.interruptible() && !Verb::RepairPackages.interruptible());
    assert!(Verb::RenewLease.interruptible() && Verb::VacuumJournal { keep: Keep::Week }.interruptible());
}

#[test]
fn g6_whoever_left_while_the_password_was_asked_for_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let mut script = Script { gone: true, ..asked(CUPS, "cups.service: failed (failed)", &[]) };
    let (outcome, asked_of, _) = served(&mut script, root.path(), &cups);
    assert!(matches!(outcome, Outcome::NotPossible { .. }) && asked_of.is_empty(), "{outcome:?}");
}
