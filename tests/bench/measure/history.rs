//! The history of a busy service, made without one: sessions side by side, each as a relay would record it, in an
//! auditor's folder, ready for `venia audit verify --offline`.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use venia_proto::foreign::Foreign;
use venia_proto::id::{Leaf, SessionId, Strand};
use venia_proto::key::{KeyName, SigningKey, VerifierKey};
use venia_proto::ledger::batch::Batch;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::event::{After, Event, part_names};
use venia_proto::ledger::kind::{Answer, Cause, Kind, Status, Verified};
use venia_proto::ledger::merkle::Tree;
use venia_proto::ledger::note::{self, Note};
use venia_proto::ledger::part::Opening;
use venia_proto::ledger::strand::Author;
use venia_proto::now::Wall;
use venia_proto::statement::{Relay, Statement};
use venia_relay::client::home::Home;

/// Sessions at a time.
const LANES: u64 = 8;
/// Runs of each session.
const RUNS: usize = 15;
/// Events of a whole session.
pub const SESSION: u64 = 5 + 3 * RUNS as u64;
/// 2026-11-24, in milliseconds.
const START: i64 = 1_795_514_402_000;
/// What tells a bench that it is the child.
const CHILD: &str = "--verify-in-this-process";

/// An auditor's folder with a log of so many events.
pub struct History {
    folder: TempDir,
    /// Events in it, whole sessions.
    pub events: u64,
}

/// Every signature of a history, for the floor.
pub type Signatures = Vec<(Note, VerifierKey)>;

/// What a child spent.
pub struct Spent {
    /// CPU seconds, every thread.
    pub cpu: f64,
    /// MiB at the peak.
    pub peak: f64,
}

impl History {
    /// Writes it; `keep` hears every signature.
    pub fn write(events: u64, mut keep: impl FnMut(Note, &VerifierKey)) -> Self {
        let folder = super::ledger::folder();
        let data = folder.path().join("console");
        let (root, authority) = (SigningKey::new("root", [1; 32]), SigningKey::new("authority", [2; 32]));
        let log = SigningKey::new("log", [3; 32]);
        let statement = statement(&root, &authority, &log);
        let home = Home::open(&data, false).expect("a folder");
        home.key("key", "member").expect("a key");
        for (name, text) in [
            ("roots", format!("{}\n", statement.fingerprint())),
            ("relay", "127.0.0.1:1\n".to_owned()),
            ("member", "not asked for offline\n".to_owned()),
        ] {
            home.write(name, text.as_bytes()).expect("room on the disk");
        }
        let statement = statement.sign(&root);
        home.write("statement", &statement).expect("room on the disk");
        let sessions = events.div_ceil(SESSION);
        let mut writer = Writer::new(log, sessions);
        let entries = std::iter::from_fn(|| {
            let (agent, entry, key) = writer.next()?;
            keep(Note::parse(&entry).expect("a note"), &key);
            Some((agent, entry))
        });
        let log = SigningKey::new("log", [3; 32]);
        let checkpoint = |size, root| Checkpoint::of(log.verifier(), size, root).sign(&log);
        venia_console::import(&data, log.verifier(), &statement, checkpoint, entries).expect("a whole history");
        Self { folder, events: sessions * SESSION }
    }

    /// Verifies it in a child of this program, which must have begun with [`as_child`].
    pub fn verify(&self, jobs: usize) -> Spent {
        let this = std::env::current_exe().expect("this program");
        let output = Command::new(this).arg(CHILD).arg(self.data()).arg(jobs.to_string()).output().expect("a child");
        let said = String::from_utf8_lossy(&output.stdout);
        let verdict: Value = said.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        assert_eq!(verdict["verdict"], "intact", "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(verdict["sessions"], self.events / SESSION, "{said}");
        let spent: Value = said.lines().nth(1).and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        Spent { cpu: spent["cpu"].as_f64().expect("a number"), peak: spent["peak"].as_f64().expect("a number") }
    }

    /// Where the copy's raw entries lie.
    pub fn entries(&self) -> PathBuf {
        let mut folders = std::fs::read_dir(self.data().join("audit")).expect("a copy");
        folders.next().expect("a log").expect("a folder").path().join("entries")
    }

    /// The auditor's folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("console")
    }
}

/// Whether this process is such a child; then it verifies, says what it spent, and the bench returns.
pub fn as_child() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) != Some(CHILD) {
        return false;
    }
    let (data, jobs) = (arguments[2].as_str(), arguments[3].as_str());
    let command = ["venia", "audit", "verify", "--offline", "--json", "--jobs", jobs, "--data", data];
    // The parent reads the verdict, not the exit code.
    let _ = venia_console::main(command.iter().map(Into::into), venia_console::Parts::default());
    let peak = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let peak =
        peak.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    let spent = serde_json::json!({"cpu": super::cpu().as_secs_f64(), "peak": peak.expect("a peak") / 1_024.0});
    println!("{spent}");
    true
}

fn statement(root: &SigningKey, authority: &SigningKey, log: &SigningKey) -> Statement {
    Statement {
        root: root.verifier().clone(),
        organisation: Foreign::name("Bench").expect("a name"),
        serial: 1,
        not_after: Wall::from_ms(START).plus_ms(1 << 40),
        relays: vec![Relay {
            name: Foreign::name("Bench").expect("a name"),
            address: "127.0.0.1:1".parse().expect("an address"),
            tls: *SigningKey::new("tls", [4; 32]).public(),
            log: log.verifier().clone(),
        }],
        authority: authority.verifier().clone(),
        auditors: Vec::new(),
        witnesses: Vec::new(),
        packs: Vec::new(),
        keep_days: 30,
        quorum: 0,
    }
}

/// Writes a log entry by entry.
struct Writer {
    log: SigningKey,
    origin: KeyName,
    tree: Tree,
    last: Option<Leaf>,
    at: i64,
    lanes: Vec<Lane>,
    begun: u64,
    sessions: u64,
    waiting: VecDeque<(String, Vec<u8>, VerifierKey)>,
}

impl Writer {
    fn new(log: SigningKey, sessions: u64) -> Self {
        let origin = log.verifier().name.clone();
        let (tree, lanes, waiting) = (Tree::new(), Vec::new(), VecDeque::new());
        Self { log, origin, tree, last: None, at: START, lanes, begun: 0, sessions, waiting }
    }

    fn next(&mut self) -> Option<(String, Vec<u8>, VerifierKey)> {
        if self.waiting.is_empty() {
            self.commit();
        }
        self.waiting.pop_front()
    }

    fn commit(&mut self) {
        while (self.lanes.len() as u64) < LANES && self.begun < self.sessions {
            self.lanes.push(Lane::new(self.begun));
            self.begun += 1;
        }
        if self.lanes.is_empty() {
            return;
        }
        self.at += 1_000;
        let after = After { origin: self.origin.clone(), size: self.tree.size(), root: self.tree.root() };
        let events: Vec<_> = self.lanes.iter_mut().flat_map(|lane| lane.step(&after, Wall::from_ms(self.at))).collect();
        self.lanes.retain(|lane| !lane.is_over());
        let batch = Batch {
            origin: self.origin.clone(),
            n: events.len() as u64,
            observed: Wall::from_ms(self.at),
            previous: self.last,
        };
        let batch = batch.sign(&self.log);
        self.last = Some(note::leaf(&batch));
        self.tree.append(note::leaf(&batch), |_, _, _| {});
        self.waiting.push_back((String::new(), batch, self.log.verifier().clone()));
        for (event, key, agent) in events {
            self.tree.append(event.leaf(), |_, _, _| {});
            self.waiting.push_back((agent, event.bytes().to_vec(), key));
        }
    }
}

/// One session as it goes on.
struct Lane {
    agent: (SigningKey, Author),
    technician: (SigningKey, Author),
    step: usize,
    admit: Option<Leaf>,
    grant: Option<Leaf>,
}

impl Lane {
    fn new(number: u64) -> Self {
        let seed = |kind: u8| {
            let mut seed = [kind; 32];
            seed[..8].copy_from_slice(&number.to_be_bytes());
            seed
        };
        let mut id = [9; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let author = |strand| Author::new(SessionId(id), strand);
        Self {
            agent: (SigningKey::new("device", seed(5)), author(Strand::Agent)),
            technician: (SigningKey::new("member", seed(6)), author(Strand::Technician(NonZeroU16::MIN))),
            step: 0,
            admit: None,
            grant: None,
        }
    }

    fn is_over(&self) -> bool {
        self.step > 2 * RUNS + 2
    }

    /// What it adds to the next commit, by whom, and the agent's key.
    fn step(&mut self, after: &After, time: Wall) -> Vec<(Event, VerifierKey, String)> {
        let mut events = Vec::new();
        if after.size > 0 {
            self.agent.1.receipted(after.clone());
            self.technician.1.receipted(after.clone());
        }
        let by_agent = |lane: &mut Self, kind| lane.write(true, kind, time);
        match self.step {
            0 => events.push(by_agent(self, Kind::Open { versions: vec![1] })),
            1 => {
                let strand = self.technician.1.strand();
                let key = self.technician.0.verifier().clone();
                let join = by_agent(self, Kind::Join { strand, key, verified: Verified::Code });
                let consent = Kind::Consent { asked: join.0.leaf(), answer: Answer::Yes, took: 4_000 };
                let consent = by_agent(self, consent);
                self.grant = Some(consent.0.leaf());
                events.extend([join, consent]);
            }
            step if step > 2 * RUNS + 1 => {
                let tips = self.technician.1.tips();
                events.push(self.write(false, Kind::Signoff { tips }, time));
                let held = self.agent.1.held();
                events.push(by_agent(self, Kind::Close { by: Cause::Technician, cause: Cause::Done, held }));
            }
            step if step % 2 == 0 => {
                let request = self.write(false, Kind::Request, time);
                let grant = self.grant.expect("a consent");
                let admit = by_agent(self, Kind::Admit { request: request.0.leaf(), grant });
                self.admit = Some(admit.0.leaf());
                events.extend([request, admit]);
            }
            _ => {
                let admit = self.admit.take().expect("an admit");
                events.push(by_agent(self, Kind::Result { admit, status: Status::Done }));
            }
        }
        self.step += 1;
        let agent = self.agent.0.verifier().to_string();
        events.into_iter().map(|(event, key)| (event, key, agent.clone())).collect()
    }

    fn write(&mut self, agent: bool, kind: Kind, time: Wall) -> (Event, VerifierKey) {
        let part = |name: &_| Opening::make([1; 32], b"{}").expect("small").part(*name, Some([8; 32]));
        let parts: Vec<_> = part_names(&kind).iter().map(part).collect();
        let (writer, reader) =
            if agent { (&mut self.agent, &mut self.technician) } else { (&mut self.technician, &mut self.agent) };
        let event = writer.1.write(kind, &parts, time, &writer.0);
        reader.1.follow(&event);
        (event, writer.0.verifier().clone())
    }
}
