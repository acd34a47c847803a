//! `system.language`: which language and keyboard the system is set to: why letters come out wrong, and why a password that
//! is right is refused.
//!
//! What the person chose for their own desktop isn't looked at.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Where distributions keep the language, the first that says it counts: locale.conf(5), Debian's own.
const LANGUAGE: [&str; 2] = ["/etc/locale.conf", "/etc/default/locale"];
/// Keyboards of the desktop and of the text screen, where both are one: keyboard(5) of Debian.
const BOTH: &str = "/etc/default/keyboard";
const DESKTOP: &str = "/etc/X11/xorg.conf.d/00-keyboard.conf";
const TEXT: &str = "/etc/vconsole.conf";
/// Languages of computers that hold no letters but those of English, by intention.
const PLAIN: [&str; 2] = ["C", "POSIX"];
/// Letters of a value that is believed.
const WORD_MAX: usize = 40;

pub(crate) struct Language;

pub(crate) struct Inputs {
    language: Vec<String>,
    both: String,
    desktop: String,
    text: String,
}

impl Check for Language {
    const ID: &'static str = "system.language";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let both = value(&inputs.both, "XKBLAYOUT");
        let desktop = both.clone().or_else(|| layout(&inputs.desktop));
        let text = value(&inputs.text, "KEYMAP");
        if let Some(desktop) = &desktop {
            draft.fact("keyboard", desktop.clone(), "");
        }
        if let Some(text) = &text {
            draft.fact("text-keyboard", text.clone(), "");
        }
        if let (Some(desktop), Some(text), None) = (&desktop, &text, &both)
            && !alike(desktop, text)
        {
            let evidence = format!("{DESKTOP}: {desktop}; {TEXT}: {text}");
            draft.finding(Severity::Warning, "keyboards-differ", &[], evidence);
        }
        let Some(language) = inputs.language.iter().find_map(|file| value(file, "LANG")) else {
            let evidence = format!("{} and {} have no LANG", LANGUAGE[0], LANGUAGE[1]);
            draft.finding(Severity::Unknown, "language-unknown", &[], evidence);
            return draft;
        };
        draft.fact("language", language.clone(), "");
        let modern = language.to_ascii_lowercase().replace('-', "").contains("utf8");
        if !modern && !PLAIN.contains(&language.as_str()) {
            draft.finding(Severity::Warning, "old-letters", &[], format!("LANG={language}"));
        } else if draft.findings.is_empty() {
            let evidence = format!("LANG={language}");
            draft.finding(Severity::Ok, "language-ok", &[("language", language.into())], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let text = |path: &str| machine.text(path).unwrap_or_default();
    Inputs {
        language: LANGUAGE.iter().map(|path| text(path)).collect(),
        both: text(BOTH),
        desktop: text(DESKTOP),
        text: text(TEXT),
    }
}

/// `KEY=value` or `KEY="value"`, if it is a plain word.
fn value(text: &str, key: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    word(value.trim().trim_matches(['"', '\'']))
}

/// `Option "XkbLayout" "es"`: localectl(1) writes it.
fn layout(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Option \"XkbLayout\""))?;
    word(line.trim().trim_matches('"'))
}

fn word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b',' | b'@');
    (!text.is_empty() && text.len() <= WORD_MAX && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Whether a keyboard of the text screen is the desktop's: `de` and `de-latin1`, `gb` and `uk`.
fn alike(desktop: &str, text: &str) -> bool {
    let first = desktop.split(',').next().unwrap_or(desktop);
    let stem = text.split(['-', '_', '.']).next().unwrap_or(text);
    // The text screen has names of its own for some: keymaps of kbd.
    first == stem || matches!((first, stem), ("gb", "uk") | ("latam", "la") | ("br", "br") | ("jp", "jp106"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn set(language: &str, desktop: &str, text: &str) -> Inputs {
        Inputs {
            language: vec![format!("# c\nLANG=\"{language}\"\n")],
            both: String::new(),
            desktop: format!("Section \"InputClass\"\n        Option \"XkbLayout\" \"{desktop}\"\nEndSection\n"),
            text: format!("KEYMAP={text}\n"),
        }
    }

    #[test]
    fn letters_and_keyboards_are_judged() {
        for (language, desktop, text, found) in [
            ("es_ES.UTF-8", "es", "es", vec!["language-ok"]),
            ("de_DE.utf8", "de,us", "de-latin1", vec!["language-ok"]),
            ("C", "gb", "uk", vec!["language-ok"]),
            ("C.UTF-8", "", "", vec!["language-ok"]),
            ("es_ES@euro", "es", "es", vec!["old-letters"]),
            ("es_ES.ISO-8859-1", "es", "us", vec!["keyboards-differ", "old-letters"]),
            ("es_ES.UTF-8", "es", "us", vec!["keyboards-differ"]),
            ("my language", "es", "es", vec!["language-unknown"]),
        ] {
            assert_eq!(findings::<Language>(set(language, desktop, text)), found, "{language} {desktop} {text}");
        }
    }

    #[test]
    fn recorded_machines_are_read() {
        assert_eq!(findings::<Language>(gather_from(&recorded("arch-laptop"))), ["keyboards-differ"]);
        assert_eq!(findings::<Language>(gather_from(&recorded("server-ill"))), ["language-ok"]);
        assert_eq!(findings::<Language>(gather_from(&recorded("container"))), ["language-unknown"]);
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Language>(vec![
            set("es_ES.UTF-8", "es", "es"),
            set("es_ES", "es", "us"),
            gather_from(&recorded("container")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(a in "(.*\n)*|LANG=.*", b in "(.*\n)*|XKBLAYOUT=.*", c in "(.*\n)*|Option \"XkbLayout\".*", d in "KEYMAP=.*") {
            told(Language::ID, &Language::judge(Inputs { language: vec![a], both: b, desktop: c, text: d }));
        }
    }
}
