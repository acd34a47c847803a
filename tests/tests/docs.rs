//! Keeps the documents honest: links lead somewhere, quoted limits are the code's, cited tests exist, and the list of
//! diagnostics is the catalogue's. Not here: whether the sentences are true.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't read a document has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use venia_proto::catalog::{Catalog, Goal};
use venia_tests::catalogue_page::page;

/// A constant as the documents write it: digits; times in milliseconds.
trait Quoted {
    fn quoted(self) -> String;
}

macro_rules! digits {
    ($($kind:ty)*) => { $(impl Quoted for $kind { fn quoted(self) -> String { self.to_string() } })* };
}

digits!(u8 u16 u32 u64 usize i64);

impl Quoted for Duration {
    fn quoted(self) -> String {
        self.as_millis().to_string()
    }
}

/// The values of constants, by the path a document names them with.
macro_rules! values {
    ($library:ident as $short:literal: $($($part:ident)::+),+ $(,)?) => {
        [$((
            format!("{}::{}", $short, [$(stringify!($part)),+].join("::")),
            Quoted::quoted($library::$($part)::+),
        )),+]
    };
}

fn values() -> BTreeMap<String, String> {
    let proto = values!(venia_proto as "proto":
        wire::CONTROL_MAX, wire::DATA_MAX, wire::PREFIX,
        rendezvous::VERSION, rendezvous::SUBMIT_MAX, rendezvous::PROOFS_MAX,
        rendezvous::VERSION, rendezvous::SUBMIT_MAX, rendezvous::SUCCESSORS_MAX,
        pairing::SHARE, pairing::CONFIRM, pairing::RANDOM,
        code::NUMBER_MAX, code::TEXT_MAX, words::COUNT, words::LETTERS_MIN, words::LETTERS_MAX,
        invite::SECRET, invite::LIFETIME_MS, statement::MEMBER_LIFE_MS,
        foreign::REASON_MAX, foreign::NAME_MAX, foreign::TEXT_MAX,
        report::REPORT_MAX, report::VALUE_MAX,
        consent::MINUTES_DEFAULT, consent::MINUTES_MAX, consent::ASK_AGAIN_MINUTES, consent::HARD_END_MINUTES,
        consent::USES_MAX,
        session::agent::RUNS_MAX, session::agent::CARDS_WAITING_MAX, session::agent::REFUSALS_MAX,
        session::agent::WITHHELD_MAX, session::agent::EVENTS_PER_MINUTE,
        session::agent::SESSION_EVENTS_MAX, session::agent::OFFER_MAX,
        session::waiting::REPLACEMENTS_MAX, backoff::FIRST_MS, backoff::LONGEST_MS, message::BEYOND_MAX,
        ledger::gossip::SHOWN_MAX, ledger::gossip::SHOW_EVERY_MS, ledger::gossip::ASK_EVERY_MS,
        ledger::gossip::TAKEN_PER_MINUTE, ledger::gossip::TRIES, ledger::gossip::AGAIN_MS,
        session::timer::SILENCE_MS, session::timer::FIRST_SEEN_WAIT_MS, session::timer::ADMISSION_MS,
        session::timer::RESULT_PER_64_KIB_MS, session::timer::CHAT_TRAILS_MS, session::timer::NO_EYES_MS,
        session::timer::ARM_MS, session::timer::LOADED_MS,
        session::timer::LOST_MS, session::timer::IDLE_MS, session::timer::SESSION_MAX_MS, session::timer::REPEAT_MS,
        session::timer::PREVIEW_MS,
        session::timer::RESUMED_MS, session::timer::CLOSE_RECEIPT_MS, session::timer::WORKER_GRACE_MS,
        ledger::witness::REQUEST_MAX, ledger::witness::CONSISTENCY_MAX,
        session::timer::SLEEP_MS, session::timer::CODE_MS, session::timer::PAIRING_MS,
    );
    let relay = values!(venia_relay as "relay":
        client::packet::TAG, client::packet::NUDGE, client::packet::PREFIX, client::packet::PAYLOAD_MAX,
        client::transport::INNER_MTU, client::transport::HANDSHAKE, client::transport::SESSION_IDLE,
        client::transport::CONTROL_IDLE,
        client::code::GOING_DOWN, client::code::PROTOCOL, client::code::REVOKED, client::code::REPLACED,
        client::code::SLOW, client::code::LEFT, client::gossip::ANSWER,
        client::gauge::TRIPS, client::gauge::TRIPS_TIME, client::gauge::LOAD_MAX, client::gauge::LOAD_TIME,
        client::gauge::SERVED_MAX, client::gauge::SERVED_TIME,
        server::peer::HELLO, client::frames::MESSAGE, server::peer::CALLS_OPEN, server::peer::FRAMES_BURST,
        server::peer::FRAMES_PER_SECOND,
        server::registry::FAILURES_MAX, server::registry::FAILURES_MS, server::registry::FLOWS_MAX,
        server::registry::GONE_MS, server::registry::CHALLENGE_MS, server::registry::PAIRING_MS,
        server::registry::UNKNOWN_MS, server::registry::NUMBERS_PER_KEY_MAX,
        server::registry::NUMBERS_PER_SOURCE_MAX, server::registry::REST_MS,
        server::roaming::ASK_MS, server::roaming::FORGET_MS, server::flow::NUDGE_FROM, server::flow::NUDGE_EVERY,
        server::sources::RETRY_FROM, server::sources::HANDSHAKES, server::sources::HANDSHAKES_PER_SOURCE,
        server::sources::SOURCES_MAX,
        server::ledger::limits::EVENTS_MAX, server::ledger::limits::EVENTS_RESERVED,
        server::ledger::limits::BYTES_MAX, server::ledger::limits::BYTES_RESERVED,
        client::bulk::PATIENCE, client::bulk::EACH, server::bulk::ASK, server::ledger::sealed::HELD_MAX,
        server::ledger::sealed::HELD_TOTAL_MAX, server::ledger::limits::SESSIONS_PER_DEVICE,
        server::ledger::limits::SESSIONS_PER_SOURCE, server::ledger::limits::DISK_FLOOR,
        server::witness::http::CONNECTIONS, server::witness::http::HEAD, server::witness::http::BODY,
        server::witness::http::CONNECTION, server::witness::http::HEAD_MAX, server::cosigning::submit::ANSWER,
        server::cosigning::rounds::PAUSE, server::cosigning::rounds::PAUSE_MAX, server::cosigning::SETTLE,
        server::cosigning::KEPT, server::settings::WITNESSES_MAX,
        server::ledger::limits::STALE_MS, server::ledger::limits::EVIDENCE_MAX,
    );
    let agent = values!(venia_agent as "agent":
        driver::scribe::GIVEN_MAX,
        worker::OUTPUT_MAX, worker::HELD_MAX, worker::SAID_MAX, worker::REQUEST_MAX, worker::TERM_GRACE,
        worker::EXIT_GRACE,
        worker::parent::MEMORY_MAX, worker::parent::FILES_MAX, worker::parent::PROCESSES_MORE,
    );
    proto.into_iter().chain(relay).chain(agent).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder whose name ends like this.
fn below(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            below(&path, ending, into);
        } else if path.to_string_lossy().ends_with(ending) {
            into.push(path);
        }
    }
}

fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md")];
    below(&root().join("docs"), ".md", &mut documents);
    documents
}

/// What stands between single backticks on each line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The cells of a table's row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

#[test]
fn relative_links_lead_somewhere() {
    let mut links = 0;
    for document in documents() {
        for target in read(&document).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            links += 1;
            let path = document.parent().expect("a folder").join(file);
            assert!(path.exists(), "{}: {target} leads nowhere", document.display());
        }
    }
    assert!(links > 10, "only {links} links were found");
}

#[test]
fn quoted_limits_are_the_code_s() {
    let protocol = read(&root().join("docs/protocol.md"));
    let values = values();
    let mut told = BTreeSet::new();
    for row in protocol.lines().filter_map(cells) {
        let name = row[0].trim_matches('`');
        if !["proto::", "relay::", "agent::"].iter().any(|library| name.starts_with(library)) {
            continue;
        }
        let value = values.get(name).unwrap_or_else(|| panic!("{name} is not compared with the code"));
        assert_eq!(row[1].replace(',', ""), *value, "{name}");
        told.insert(name.to_owned());
    }
    let untold: Vec<_> = values.keys().filter(|name| !told.contains(*name)).collect();
    assert!(untold.is_empty(), "not in docs/protocol.md: {untold:?}");
}

#[test]
fn cited_tests_exist() {
    let mut sources = Vec::new();
    for library in ["proto", "relay", "agent", "agent/helper", "console", "ui", "tests"] {
        for folder in ["src", "tests"].map(|folder| root().join(library).join(folder)) {
            if folder.is_dir() {
                below(&folder, ".rs", &mut sources);
            }
        }
    }
    let code: String = sources.iter().map(|path| read(path)).collect();
    let is_rule = |word: &&str| {
        let rule = word.split('_').next().unwrap_or_default();
        let letter_and_number = rule.strip_prefix(|letter: char| letter.is_ascii_lowercase());
        let numbered = letter_and_number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        word.contains('_') && !word.contains("::") && (numbered || rule == "invariant")
    };
    let model = read(&root().join("docs/threat-model.md"));
    let cited: BTreeSet<&str> = quoted(&model).filter(is_rule).collect();
    assert!(cited.len() > 30, "only {} tests are cited", cited.len());
    let missing: Vec<_> = cited.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

#[test]
fn the_catalogue_s_page_is_made_from_the_catalogue() {
    let catalog = Catalog::built_in();
    let goals = Goal::built_in(&catalog).expect("goals");
    let (path, page) = (root().join("docs/catalogue.md"), page(&catalog, &goals));
    if std::env::var_os("VENIA_BLESS").is_some() {
        fs::write(&path, &page).expect("written");
    }
    assert!(read(&path) == page, "docs/catalogue.md is not today's catalogue: run this test with VENIA_BLESS=1");
    for item in catalog.items() {
        assert!(page.contains(&format!("### `{}`\n", item.id.0)), "{}", item.id.0);
    }
}

/// The readmes say how many checks there are and which goals; the page has the rest.
#[test]
fn the_readmes_know_the_catalogue() {
    let catalog = Catalog::built_in();
    let goals = Goal::built_in(&catalog).expect("goals");
    let count = catalog.items().count();
    for (name, says) in [("README.md", format!("{count} items")), ("docs/es/leeme.md", format!("{count} elementos"))] {
        let text = read(&root().join(name));
        assert!(text.contains(&says), "{name} doesn't say {says:?}");
        let listed: BTreeSet<&str> = text
            .lines()
            .filter_map(cells)
            .filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`'))
            .filter(|name| goals.iter().any(|goal| goal.id == *name))
            .collect();
        assert_eq!(listed, goals.iter().map(|goal| goal.id.as_str()).collect(), "{name}");
    }
}
