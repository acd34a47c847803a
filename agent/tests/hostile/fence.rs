//! What a worker reaches through its fence: what its item declares, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tempfile::TempDir;
use venia_proto::fences::Fences;
use venia_proto::ledger::body::Arguments;

use crate::worker::{self, Fault, House, Order, Outcome};
use crate::{LONG, house, item, runtime};

/// Whatever may fail must fail with one of these: anything else would mean that the attempt itself is broken.
const REFUSED: [&str; 2] = ["Operation not permitted (os error 1)", "Permission denied (os error 13)"];

const FILES: &str = "read list write chmod remove read-host-name";
const AGENT: &str = "agent-memory agent-environment agent-program agent-files signal-agent";
const FAMILIES: &str = "unix inet inet6 inet-raw netlink packet bluetooth vsock bus send connect listen";
const PROCESSES: &str = "run-undeclared new-session new-group more-memory memory-file";

/// A home with a secret and Venia's own folder in it, and somebody to talk to.
struct Place {
    folder: TempDir,
    _bus: UnixListener,
    listener: TcpListener,
    _port: UdpSocket,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [(".ssh/id", "secret"), ("letter", "hello"), (".local/share/venia/agent/key", "secret")] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        // Both kinds listen on one port, for `to` names one.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            _bus: UnixListener::bind(folder.path().join("bus")).unwrap(),
            _port: UdpSocket::bind(listener.local_addr().unwrap()).unwrap(),
            folder,
            listener,
        }
    }

    fn path(&self, below: &str) -> String {
        self.folder.path().join(below).display().to_string()
    }

    fn house(&self, fences: Fences) -> House {
        let base = house(fences);
        let own = PathBuf::from(self.path(".local/share/venia/agent"));
        House::new(base.program, fences, Some(self.folder.path().to_owned()), &[own])
    }

    fn outcome(&self, fences: Fences, what: &str, needs: &str, attempts: &str, path: &str) -> Outcome {
        let to = self.listener.local_addr().unwrap().to_string();
        let agent = std::process::id().to_string();
        let arguments = [
            ("mark", ""),
            ("agent", agent.as_str()),
            ("what", attempts),
            ("path", path),
            ("bus", &self.path("bus")),
            ("to", &to),
        ];
        let arguments: Arguments = arguments.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let house = self.house(fences);
        runtime().block_on(async {
            Order::for_item(&house, &item(what, LONG, needs), &arguments).start().unwrap().outcome().await
        })
    }

    /// How each attempt went.
    fn tried(&self, what: &str, needs: &str, attempts: &str, path: &str) -> BTreeMap<String, String> {
        let outcome = self.outcome(worker::probe(), what, needs, attempts, path);
        let Outcome::Done(draft) = outcome else { panic!("{attempts}: {outcome:?}") };
        let tried: BTreeMap<_, _> = draft.facts.iter().map(|fact| (fact.key.clone(), fact.value.to_string())).collect();
        assert_eq!(tried.len(), attempts.split(' ').count());
        tried
    }
}

/// What a worker may do on a PC as old as the oldest that runs everything is shown on newer ones only.
fn all() -> Fences {
    let fences = worker::probe();
    assert!(fences.are_enough(), "these tests need Landlock and seccomp: {fences:?}");
    fences
}

pub fn g1_nothing_undeclared_is_reached_while_gathering() {
    all();
    let place = Place::new();
    let secret = place.path(".ssh/id");
    let tools = r#"{"tools":["sleep"]}"#;
    for (needs, attempts) in [
        ("{}", format!("{FILES} {AGENT} {FAMILIES} {PROCESSES} run-declared")),
        (tools, format!("{FILES} {AGENT} {FAMILIES} {PROCESSES} run-declared")),
        (r#"{"reads":["~/letter"]}"#, FILES.to_owned()),
        (r#"{"talks":["services"]}"#, "inet inet6 inet-raw netlink packet bluetooth vsock listen".to_owned()),
        (r#"{"talks":["kernel"]}"#, "unix inet inet6 inet-raw packet bluetooth vsock bus listen".to_owned()),
        (r#"{"talks":["network"]}"#, format!("unix inet-raw netlink packet bluetooth vsock bus listen {FILES}")),
        (r#"{"processes":true}"#, format!("{FAMILIES} {PROCESSES} write chmod remove signal-agent")),
    ] {
        for (attempt, said) in place.tried("try", needs, &attempts, &secret) {
            assert!(REFUSED.contains(&said.as_str()), "{needs}: {attempt}: {said}");
        }
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret", "Landlock or not, nothing is written");
}

pub fn g1_what_is_declared_is_reached() {
    let place = Place::new();
    let letter = place.path("letter");
    for (needs, attempts) in [
        (r#"{"reads":["~/letter"]}"#, "read thread"),
        (r#"{"reads":["~"]}"#, "read thread"),
        (r#"{"tools":["true"]}"#, "run-declared thread"),
        (r#"{"talks":["services"]}"#, "unix"),
        (r#"{"talks":["kernel"]}"#, "netlink"),
        (r#"{"talks":["network"]}"#, "inet inet6 connect send"),
    ] {
        for (attempt, said) in place.tried("try", needs, attempts, &letter) {
            assert_eq!(said, "ok", "{needs}: {attempt}");
        }
    }
}

pub fn g1_nothing_at_all_is_reached_while_judging() {
    let place = Place::new();
    let everything = r#"{"reads":["/etc","~"],"tools":["true"],"talks":["services","kernel","network"]}"#;
    let processes = r#"{"reads":["~"],"processes":true}"#;
    for needs in [everything, processes] {
        let attempts = "read list write chmod remove read-host-name agent-memory agent-environment agent-program \
                        agent-files run-declared new-session thread";
        let attempts = attempts.split_whitespace().collect::<Vec<_>>().join(" ");
        for (attempt, said) in place.tried("judge-trying", needs, &attempts, &place.path("letter")) {
            assert!(REFUSED.contains(&said.as_str()), "{needs}: {attempt}: {said}");
        }
        for deadly in ["trace", "read-memory", "become", "socket", "memory-file"] {
            assert_forbidden(&place, "judge-deadly", needs, deadly);
        }
    }
}

pub fn g1_ways_out_kill() {
    let place = Place::new();
    for needs in ["{}", r#"{"tools":["true"],"talks":["services","kernel","network"]}"#, r#"{"processes":true}"#] {
        for deadly in ["trace", "read-memory", "name-space", "mount"] {
            assert_forbidden(&place, "try-deadly", needs, deadly);
        }
    }
    // Without programs to start, nobody has a handle of a process to begin with.
    assert_forbidden(&place, "try-deadly", r#"{"tools":["true"]}"#, "take-descriptor");
}

pub fn e11_venias_own_folders_are_never_read() {
    let place = Place::new();
    let key = place.path(".local/share/venia/agent/key");
    let above = format!(r#"{{"reads":["{}"]}}"#, place.folder.path().parent().unwrap().display());
    for needs in [r#"{"reads":["~"]}"#, r#"{"reads":["~/.local/share/venia/agent"]}"#, &above] {
        let said = place.tried("try", needs, "read", &key);
        assert!(REFUSED.contains(&said["read"].as_str()), "{needs}: {said:?}");
    }
    let shared = place.path("letter");
    assert_eq!(place.tried("try", &above, "read", &shared)["read"], "ok");
}

pub fn g1_a_worker_without_its_fence_does_nothing() {
    let place = Place::new();
    // More than any kernel has: the worker can't keep it and ends before it gathers.
    let more = Fences { landlock: u8::MAX, ..all() };
    let outcome = place.outcome(more, "try", "{}", "read", &place.path("letter"));
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.fault, Fault::Unfenced);
}

fn assert_forbidden(place: &Place, what: &str, needs: &str, deadly: &str) {
    let outcome = place.outcome(all(), what, needs, deadly, "");
    let Outcome::Failed(failure) = outcome else { panic!("{needs}: {deadly}: {outcome:?}") };
    assert_eq!(failure.fault, Fault::Forbidden, "{needs}: {deadly}: {failure:?}");
}
