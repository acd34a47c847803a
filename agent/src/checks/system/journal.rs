//! `system.journal`: which kinds of errors programs wrote down, and how often.
//!
//! Messages hold names, places and secrets of people: only their shape is told (words, with numbers, quoted parts, paths and
//! addresses masked), grouped and counted. What is left goes through the redaction like any text, and waits for the
//! person's look.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::log::{self, Heard};
use super::unit;
use crate::checks::{Check, Failure, whole};

/// Newest errors that are read.
const LINES: &str = "--lines=500";
/// Errors of one program from which they are many. Our choice: about one an hour in the usual day.
const MANY: u64 = 20;
/// Ranks from which an error is very serious (`crit`): syslog(3).
const SERIOUS: u64 = 2;
/// Rank of a plain error, the least that is read.
const ERROR: u64 = 3;
/// Most findings of each kind.
const FINDINGS: usize = 3;
/// Rows of the table.
const ROWS: usize = 60;
/// Words of a message that make its shape.
const WORDS: usize = 24;
/// Longest name of a program and longest word of a shape, in characters.
const NAME_MAX: usize = 40;
/// Words after which a name follows.
const BEFORE_NAMES: [&str; 8] = ["account", "called", "host", "hostname", "name", "named", "ssid", "user"];
/// Marks that open a quotation, and those that close it.
const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('`', '\''), ('‘', '’'), ('“', '”')];

pub(crate) struct Journal;

pub(crate) struct Inputs {
    errors: Heard,
}

impl Check for Journal {
    const ID: &'static str = "system.journal";
    type Inputs = Inputs;

    fn gather(arguments: &Arguments) -> Result<Inputs, Failure> {
        let since = format!("--since=-{}h", whole(arguments, "hours")?);
        let fields = "--output-fields=SYSLOG_IDENTIFIER,_COMM,PRIORITY,MESSAGE";
        let ask = ["--priority=3", "--reverse", "--no-pager", "--output=json", fields, LINES, &since];
        Ok(Inputs { errors: log::ask(&ask) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let text = match inputs.errors {
            Ok(text) => text,
            Err(why) => {
                draft.finding(Severity::Unknown, "journal-unknown", &[], why);
                return draft;
            }
        };
        let errors: Vec<Entry> = text.lines().filter_map(Entry::parse).collect();
        let mut kinds: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        let mut programs: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for error in &errors {
            for (count, worst) in [
                kinds.entry((&error.program, &error.shape)).or_insert((0, ERROR)),
                programs.entry(&error.program).or_insert((0, ERROR)),
            ] {
                *count += 1;
                *worst = error.rank.min(*worst);
            }
        }
        draft.fact("errors", errors.len() as u64, "");
        draft.fact("kinds", kinds.len() as u64, "");
        judge(&mut draft, &programs, errors.len() as u64);
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by(|(a, (m, v)), (b, (n, w))| (v > &SERIOUS, n, a).cmp(&(w > &SERIOUS, m, b)));
        let row = |((program, shape), (count, worst)): ((&str, &str), (u64, u64))| -> Vec<Value> {
            vec![program.into(), shape.into(), count.into(), worst.into()]
        };
        draft.table(
            "errors",
            &["program", "message", "count", "worst"],
            kinds.into_iter().take(ROWS).map(row).collect(),
        );
        draft
    }
}

fn judge(draft: &mut Draft, programs: &BTreeMap<&str, (u64, u64)>, errors: u64) {
    let mut sorted: Vec<_> = programs.iter().collect();
    sorted.sort_by(|(a, (m, _)), (b, (n, _))| (n, a).cmp(&(m, b)));
    for (program, (_, worst)) in sorted.iter().filter(|(_, (_, worst))| *worst <= SERIOUS).take(FINDINGS) {
        let evidence = format!("journalctl --priority=3: rank {worst} of {program}");
        draft.finding(Severity::Warning, "error-serious", &[("program", (**program).into())], evidence);
    }
    for (program, (count, _)) in sorted.iter().filter(|(_, (count, _))| *count >= MANY).take(FINDINGS) {
        let values = [("program", (**program).into()), ("count", (*count).into())];
        let evidence = format!("journalctl --priority=3: {count} of {errors} by {program}");
        draft.finding(Severity::Warning, "errors-many", &values, evidence);
    }
    if draft.findings.is_empty() {
        let evidence = format!("journalctl --priority=3: {errors} errors of {} programs", programs.len());
        draft.finding(Severity::Ok, "journal-ok", &[("count", errors.into())], evidence);
    }
}

/// One error, without what is private in it.
struct Entry {
    program: String,
    shape: String,
    rank: u64,
}

/// One line of `--output=json`: a field is a text, a list of bytes where it isn't one, or a list if it came twice.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<Json>,
    #[serde(rename = "_COMM")]
    command: Option<Json>,
    #[serde(rename = "PRIORITY")]
    rank: Option<Json>,
    #[serde(rename = "MESSAGE")]
    message: Option<Json>,
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(line).ok()?;
        let program = line.identifier.as_ref().or(line.command.as_ref()).map(text).unwrap_or_default();
        // PAM's helpers end in a bracket that was never opened.
        let program = program.trim_end_matches(']');
        let named = program.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '+'));
        Some(Self {
            program: if named && !program.is_empty() {
                program.chars().take(NAME_MAX).collect()
            } else {
                "…".to_owned()
            },
            shape: shape(&text(line.message.as_ref()?)),
            rank: line.rank.as_ref().and_then(|rank| text(rank).parse().ok()).unwrap_or(ERROR),
        })
    }
}

fn text(field: &Json) -> String {
    match field {
        Json::String(text) => text.clone(),
        Json::Array(parts) if parts.iter().all(Json::is_u64) => {
            let bytes: Vec<u8> = parts.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Json::Array(parts) => parts.first().and_then(Json::as_str).unwrap_or_default().to_owned(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => String::new(),
    }
}

/// The words of a message's first line; what differs from one time to the next, or may name somebody, is masked.
fn shape(message: &str) -> String {
    let mut shape: Vec<String> = Vec::new();
    let mut closing = None;
    let mut before = String::new();
    let mut words = message.lines().next().unwrap_or("").split_whitespace().peekable();
    while let Some(word) = words.next() {
        if let Some(mark) = closing {
            if word.trim_end_matches(['.', ',', ':', ';', ')', ']']).ends_with(mark) {
                closing = None;
            }
            continue;
        }
        let inner = word.trim_start_matches(['(', '[', '<', '{']);
        let quote = QUOTES.iter().find(|(open, _)| inner.starts_with(*open));
        let masked = if let Some((open, close)) = quote {
            let ends = inner.get(open.len_utf8()..).is_some_and(|rest| rest.contains(*close));
            closing = (!ends).then_some(*close);
            "\"…\"".to_owned()
        } else if BEFORE_NAMES.contains(&before.as_str()) || (before == "for" && words.peek() == Some(&"from")) {
            // The last is how log-ins are told: "for ana from 192.168.1.7".
            "…".to_owned()
        } else {
            mask(word)
        };
        before = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        // A row of masks says no more than one.
        if shape.last() != Some(&masked) || !masked.contains(['…', '#']) {
            shape.push(masked);
        }
        if shape.len() == WORDS {
            break;
        }
    }
    shape.join(" ")
}

fn mask(word: &str) -> String {
    let bare =
        word.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | ',' | ';' | ':' | '.' | '!'));
    let units = [".service", ".socket", ".timer", ".target", ".mount", ".scope", ".slice", ".device"];
    if units.iter().any(|kind| bare.ends_with(kind)) {
        return unit::shown(bare);
    }
    if let Some((key, _)) = bare.split_once('=') {
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'));
        return if plain { format!("{key}=…") } else { "…".to_owned() };
    }
    if bare.contains(['/', '\\']) {
        return "/…".to_owned();
    }
    if bare.contains(|c: char| c.is_ascii_digit()) {
        return "#".to_owned();
    }
    // Names of computers, addresses, pages; and words too long to be ones.
    if bare.contains(['@', '.', '%', '"', '\'', '`']) || bare.chars().count() > NAME_MAX {
        return "…".to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn errors(count: u64, rank: u64) -> Inputs {
        let line = |i| format!("{{\"SYSLOG_IDENTIFIER\":\"a\",\"PRIORITY\":\"{rank}\",\"MESSAGE\":\"failed {i}\"}}\n");
        Inputs { errors: Ok((0..count).map(line).collect()) }
    }

    #[test]
    fn a_shape_has_no_names_numbers_or_places() {
        for (message, expected) in [
            ("Failed to start Network Manager.", "Failed to start Network Manager."),
            (
                "Failed to start session-4.scope - Session 4 of User ana.",
                "Failed to start ….scope - Session # of User …",
            ),
            ("Failed to mount /media/ana/FOTOS: disk gone", "Failed to mount /… disk gone"),
            ("can't find \"My secret file.odt\" anywhere", "… find \"…\" anywhere"),
            ("open ‘My secret file’: denied", "open \"…\" denied"),
            ("connect to ana-pc.example.org (192.168.1.7:22) failed", "connect to … # failed"),
            ("Failed password for ana from 192.168.1.7 port 22", "Failed password for … from # port #"),
            ("login of user ana failed; password=hunter2", "login of user … failed; password=…"),
            ("mail to ana@example.org bounced", "mail to … bounced"),
            ("user@1000.service: Failed with result 'exit-code'.", "user@….service Failed with result \"…\""),
            ("", ""),
        ] {
            assert_eq!(shape(message), expected, "{message}");
        }
        for (words, kept) in [(WORDS - 1, WORDS - 1), (WORDS, WORDS), (WORDS + 1, WORDS)] {
            assert_eq!(shape(&"word ".repeat(words)).split(' ').count(), kept);
        }
    }

    #[test]
    fn errors_below_at_and_above() {
        for (count, rank, found) in [
            (0, 3, vec!["journal-ok"]),
            (MANY - 1, 3, vec!["journal-ok"]),
            (MANY, 3, vec!["errors-many"]),
            (MANY + 1, 3, vec!["errors-many"]),
            (1, 2, vec!["error-serious"]),
            (1, 0, vec!["error-serious"]),
        ] {
            assert_eq!(findings::<Journal>(errors(count, rank)), found, "{count} {rank}");
        }
    }

    #[test]
    fn a_recorded_journal_is_grouped_and_no_private_value_is_left() {
        let text = recorded("server-ill").text("/tools/journalctl-errors.json").unwrap();
        let report = told(Journal::ID, &Journal::judge(Inputs { errors: Ok(text) }));
        let rows: Vec<(&Value, &Value)> = report.tables[0].rows.iter().map(|row| (&row[0], &row[2])).collect();
        let expected: [(Value, Value); 5] = [
            ("kernel".into(), 1_u64.into()),
            ("sshd".into(), 2_u64.into()),
            ("systemd".into(), 2_u64.into()),
            ("gdm-password".into(), 1_u64.into()),
            ("sshd".into(), 1_u64.into()),
        ];
        assert_eq!(rows, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
        let said = format!("{report:?}");
        for private in ["marta", "203.0.113", "media", "4711", "Fotos"] {
            assert!(!said.contains(private), "{private}: {said}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Journal>(vec![
            errors(30, 1),
            errors(1, 3),
            Inputs { errors: Err("/var/log/journal and /run/log/journal hold no journal".into()) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(.*\n)*", message in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..9)) {
            told(Journal::ID, &Journal::judge(Inputs { errors: Ok(text) }));
            let line = |field: Json| serde_json::json!({"SYSLOG_IDENTIFIER": field.clone(), "PRIORITY": field.clone(), "MESSAGE": field}).to_string();
            for field in [Json::from(message.clone()), Json::from(bytes), Json::from(vec![message])] {
                told(Journal::ID, &Journal::judge(Inputs { errors: Ok(line(field)) }));
            }
        }
    }
}
