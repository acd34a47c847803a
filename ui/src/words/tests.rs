//! Both languages say the same, nothing said is missing, and the person never reads a technical word.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;
use proptest::prelude::*;

use super::*;

/// Files whose reader is the person: every error may reach them too.
const PERSONS: &[&str] = &["page", "person", "receipt", "trouble"];
/// What no person should ever have to read, as whole words. (UX.md, end user 8)
const JARGON: &[&str] = &[
    "quic",
    "pake",
    "spake2",
    "hash",
    "protocol",
    "protocolo",
    "tls",
    "udp",
    "tcp",
    "ip",
    "relay",
    "token",
    "ledger",
    "merkle",
    "checkpoint",
    "checksum",
    "socket",
    "fingerprint",
    "huella",
    "cryptographic",
    "criptográfico",
    "cifrado",
    "encrypted",
    "handshake",
    "peer",
    "daemon",
    "stdin",
    "stdout",
    "tty",
    "timeout",
    "payload",
    "exporter",
    "flow",
    "sandbox",
    "kernel",
    "api",
    "json",
    "scope",
    "grant",
    "strand",
    "revoked",
    "ok",
    "cancel",
    "cancelar",
];
/// Most words in a sentence. (UX.md, end user 8)
const SENTENCE_MAX: usize = 15;

/// Every message of a file: id, and its text as the file has it.
fn messages(source: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut last = None;
    for line in source.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        if line.starts_with([' ', '}']) {
            let id: &String = last.as_ref().expect("a line of a message");
            found.get_mut(id).expect("its message").push_str(&format!("\n{line}"));
        } else {
            let (id, text) = line.split_once(" =").expect("id = text");
            assert!(found.insert(id.to_owned(), text.to_owned()).is_none(), "{id} twice");
            last = Some(id.to_owned());
        }
    }
    found
}

#[test]
fn every_sentence_is_found_in_its_file() {
    for (at, file) in FILES.iter().enumerate() {
        for language in [Language::En, Language::Es] {
            for id in messages(source(file, language)).into_keys() {
                assert_eq!(contents().get(id.as_str()), Some(&at), "{id}");
                assert!(Words::new(language).bundle_of(&id).unwrap().has_message(&id), "{id}");
            }
        }
    }
}

/// The names of `{ $variables }` in a text.
fn variables(text: &str) -> BTreeSet<&str> {
    text.split('$').skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("")).collect()
}

/// A text's sentences with every variable as one word; each variant of a plural is its own.
fn sentences(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{ $") {
        plain.push_str(before);
        let end = after.find([' ', '\n']).unwrap_or(0);
        plain.push_str("Variable");
        rest = after[end..].strip_prefix(" }").unwrap_or(&after[end..]);
    }
    plain.push_str(rest);
    plain.split(['\n', '.', '?', '!', ';']).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

fn all(language: Language) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, en, es) in FILES {
        let source = if language == Language::En { en } else { es };
        for (id, text) in messages(source) {
            assert!(found.insert(id.clone(), text).is_none(), "{id} again in {name}");
        }
    }
    found
}

/// Every Rust source of the workspace but this file.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut folders: Vec<PathBuf> =
        ["agent", "console", "relay", "ui", "tests"].map(|member| root.join(member).join("src")).into();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("ui/src/words/tests.rs") {
                let text = fs::read_to_string(&path).expect("a source");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 8, "the scan found the workspace");
    found
}

/// The literal ids of `say("…")` calls, and their arguments' text up to the end of the call.
fn said(source: &str) -> Vec<(&str, &str)> {
    source
        .split(".say(")
        .skip(1)
        .filter_map(|call| {
            let (id, rest) = call.trim_start().strip_prefix('"')?.split_once('"')?;
            Some((id, rest.split(']').next().unwrap_or("")))
        })
        .collect()
}

#[test]
fn both_languages_have_the_same_sentences_and_variables() {
    for (name, en, es) in FILES {
        for source in [en, es] {
            FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
        }
        let (en, es) = (messages(en), messages(es));
        assert_eq!(en.keys().collect::<Vec<_>>(), es.keys().collect::<Vec<_>>(), "{name}");
        for (id, text) in &en {
            assert_eq!(variables(text), variables(&es[id]), "{id}");
        }
    }
}

#[test]
fn everything_said_exists_with_its_variables() {
    let known = all(Language::En);
    for (path, source) in sources() {
        for (id, arguments) in said(&source) {
            let text = known.get(id).unwrap_or_else(|| panic!("{}: no sentence {id:?}", path.display()));
            let given: BTreeSet<&str> = arguments.split("(\"").skip(1).filter_map(|a| a.split('"').next()).collect();
            assert_eq!(given, variables(text), "{}: {id}", path.display());
        }
    }
}

#[test]
fn nothing_is_kept_that_nobody_says() {
    let sources = sources();
    let troubles = crate::failure::Trouble::ALL.iter().map(|trouble| format!("trouble-{}", trouble.name()));
    let folders = crate::folder::PROBLEMS.iter().map(|problem| format!("folder-{problem}"));
    let composed: BTreeSet<String> = troubles.chain(folders).flat_map(|id| [format!("{id}-hint"), id]).collect();
    for id in all(Language::En).into_keys().filter(|id| !composed.contains(id)) {
        let quoted = format!("\"{id}\"");
        assert!(sources.iter().any(|(_, source)| source.contains(&quoted)), "nobody says {id}");
    }
}

#[test]
fn the_person_reads_short_plain_sentences() {
    for (name, en, es) in FILES.iter().filter(|(name, ..)| PERSONS.contains(name)) {
        for (id, text) in messages(en).into_iter().chain(messages(es)) {
            for sentence in sentences(&text) {
                let count = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
                assert!(count <= SENTENCE_MAX, "{name} {id}: {count} words: {sentence}");
                for word in sentence.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
                    assert!(!JARGON.contains(&word), "{name} {id}: {word}");
                }
            }
        }
    }
}

#[test]
fn these_tests_can_fail() {
    assert_eq!(variables("a { $name } b { $n ->\n [one] x }"), ["n", "name"].into());
    assert_eq!(sentences(" One { $n } two. Three?"), ["One Variable two", "Three"]);
    assert_eq!(said("w.say(\n  \"x-y\", &[(\"a\", &b)])"), [("x-y", ", &[(\"a\", &b)")]);
    assert_eq!(Words::new(Language::En).say("no-such-sentence", &[]), "\u{27e8}no-such-sentence\u{27e9}");
}

#[test]
fn numbers_have_plurals_and_no_grouping() {
    let en = Words::new(Language::En);
    assert_eq!(en.say("consent-time", &[("minutes", &1u32)]), "Time: 1 minute");
    assert_eq!(en.say("consent-time", &[("minutes", &30u32)]), "Time: 30 minutes");
    assert_eq!(Words::new(Language::Es).say("consent-time", &[("minutes", &1_440u32)]), "Tiempo: 1440 minutos");
}

#[test]
fn prompts_are_the_documented_ones() {
    let prompts = |language| {
        let words = Words::new(language);
        [words.say("arrival-prompt", &[]), words.say("consent-prompt", &[]), words.say("sign-prompt", &[])]
    };
    assert_eq!(prompts(Language::En), ["yes / no > ", "allow / deny > ", "sign / not now > "]);
    assert_eq!(prompts(Language::Es), ["sí / no > ", "permitir / negar > ", "firmar / ahora no > "]);
}

#[test]
fn c_counts_as_unset() {
    let chosen = |list: &[&str]| choose(None, list.iter().map(|&locale| locale.to_owned()));
    assert_eq!(chosen(&["es-MX"]), Language::Es);
    assert_eq!(chosen(&["es"]), Language::Es);
    assert_eq!(chosen(&["en-GB", "es-ES"]), Language::En);
    assert_eq!(chosen(&["de-DE", "es-ES"]), Language::Es);
    assert_eq!(chosen(&["C", "es-ES"]), Language::En);
    assert_eq!(chosen(&["C.UTF-8"]), Language::En);
    assert_eq!(chosen(&["POSIX"]), Language::En);
    assert_eq!(chosen(&["est"]), Language::En);
    assert_eq!(chosen(&[]), Language::En);
    assert_eq!(choose(Some(Language::Es), ["en-US".to_owned()]), Language::Es);
}

proptest! {
    #[test]
    fn d4_no_value_gets_a_control_character_into_a_sentence(text in any::<String>()) {
        let words = Words::new(Language::En);
        for said in [
            words.say("arrival-claim", &[("name", &Foreign::new(text.as_str()))]),
            words.say("arrival-claim", &[("name", &text)]),
            words.say("arrival-claim", &[("name", &text.as_str())]),
        ] {
            let hidden = said.contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{2066}');
            prop_assert!(!hidden, "{:?}", said);
        }
    }
}
