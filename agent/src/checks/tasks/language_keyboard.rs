//! `tasks.language-keyboard`: the language of the system, the layout of the keyboard, and whether the two fit.
//!
//! "My ñ types a ;" is a layout that doesn't fit; "programs complain about a locale" is a language that was chosen and
//! never made. What a desktop keeps in its own database (GNOME's dconf) isn't read, so another layout may be in use: the
//! finding says so.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::home;
use super::running::{Running, running};
use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Layouts that people of a language use: xkeyboard-config's own lists of languages for each layout. Languages that any
/// layout does for aren't here.
const LAYOUTS: [(&str, &[&str]); 15] = [
    ("ca", &["es", "ad", "fr"]),
    ("da", &["dk"]),
    ("de", &["de", "at", "ch"]),
    ("es", &["es", "latam"]),
    ("eu", &["es", "fr"]),
    ("fr", &["fr", "be", "ca", "ch"]),
    ("gl", &["es"]),
    ("hu", &["hu"]),
    ("it", &["it", "ch"]),
    ("nb", &["no"]),
    ("pl", &["pl"]),
    ("pt", &["pt", "br"]),
    ("ru", &["ru"]),
    ("sv", &["se", "fi"]),
    ("tr", &["tr"]),
];
/// Languages that can't be typed without an input method.
const COMPOSED: [&str; 3] = ["ja", "ko", "zh"];
/// Input methods, by process.
const METHODS: [&str; 4] = ["fcitx", "fcitx5", "ibus-daemon", "uim-xim"];
/// Where the language is set: Debian and Ubuntu; systemd's own, everywhere else.
const LANGUAGE_FILES: [&str; 2] = ["/etc/locale.conf", "/etc/default/locale"];
/// Where the layout is set: Debian and Ubuntu; systemd's; the console's.
const LAYOUT_FILES: [(&str, &str); 3] =
    [("/etc/default/keyboard", "XKBLAYOUT"), ("/etc/vconsole.conf", "XKBLAYOUT"), ("/etc/vconsole.conf", "KEYMAP")];
/// systemd-localed's file for X.
const X_FILE: &str = "/etc/X11/xorg.conf.d/00-keyboard.conf";

pub(crate) struct LanguageKeyboard;

pub(crate) struct Inputs {
    /// The person's own choice, and the system's.
    plasma: Option<String>,
    languages: Vec<Option<String>>,
    layouts: Vec<Option<String>>,
    x: Option<String>,
    /// KDE's own.
    kde: Option<String>,
    /// Languages that were made: lines of `/etc/locale.gen`, names below `/usr/lib/locale`.
    wanted: Option<String>,
    made: Vec<String>,
    running: Running,
}

impl Check for LanguageKeyboard {
    const ID: &'static str = "tasks.language-keyboard";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        Ok(gather_from(&machine, home.as_deref(), rustix::process::getuid().as_raw()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        let language = inputs.language();
        let layouts = inputs.layouts();
        draft.fact("language", language.clone().unwrap_or_default(), "");
        draft.fact("layout", layouts.join(","), "");
        match &language {
            Some(language) => inputs.judge_language(&mut draft, language, &layouts),
            None if layouts.is_empty() => {
                draft.finding(Severity::Unknown, "language-unknown", &[], "no LANG and no layout in the usual files");
            }
            None => draft.finding(Severity::Warning, "no-language", &[], "no LANG in locale.conf or default/locale"),
        }
        if draft.findings.is_empty() {
            let evidence = format!("LANG {}, layout {}", language.unwrap_or_default(), layouts.join(","));
            draft.finding(Severity::Ok, "language-ok", &[], evidence);
        }
        draft
    }
}

impl Inputs {
    /// KDE's choice for the person, or the system's. Nothing else than a locale's letters is believed.
    fn language(&self) -> Option<String> {
        let texts = self.plasma.iter().chain(self.languages.iter().flatten());
        texts.filter_map(|text| setting(text, "LANG")).map(str::to_owned).find(|language| is_plain(language))
    }

    /// The person's layouts in KDE, or X's, or the system's.
    fn layouts(&self) -> Vec<String> {
        let kde = self.kde.as_deref().filter(|text| setting(text, "Use") == Some("true"));
        let kde = kde.and_then(|text| setting(text, "LayoutList"));
        let x = self.x.as_deref().and_then(x_layout);
        let files = LAYOUT_FILES.iter().zip(&self.layouts);
        let mut files = files.filter_map(|((_, key), text)| setting(text.as_deref()?, key).filter(|v| !v.is_empty()));
        let chosen = kde.or(x).or_else(|| files.next()).unwrap_or_default();
        chosen.split(',').map(str::trim).filter(|layout| is_plain(layout)).map(str::to_owned).collect()
    }

    fn judge_language(&self, draft: &mut Draft, language: &str, layouts: &[String]) {
        let said = ("language", Value::from(language));
        let short = language.split(['_', '.', '@']).next().unwrap_or_default();
        if matches!(short, "C" | "POSIX") {
            draft.finding(Severity::Warning, "no-language", &[], format!("LANG={language}"));
        } else if !language.to_lowercase().contains("utf") {
            let evidence = format!("LANG={language} has no UTF-8");
            draft.finding(Severity::Warning, "old-letters", std::slice::from_ref(&said), evidence);
        } else if self.is_made(language) == Some(false) {
            let evidence = format!("{language} is neither in /etc/locale.gen nor below /usr/lib/locale");
            draft.finding(Severity::Warning, "language-missing", std::slice::from_ref(&said), evidence);
        }
        // A console's keymap may be called `es-latin1` or `de-nodeadkeys`.
        let fits = |layout: &String, wanted: &[&str]| wanted.contains(&layout.split('-').next().unwrap_or_default());
        if let Some((_, wanted)) = LAYOUTS.iter().find(|(known, _)| *known == short)
            && !layouts.is_empty()
            && !layouts.iter().any(|layout| fits(layout, wanted))
        {
            let values = [said.clone(), ("layout", layouts.join(",").into())];
            let evidence = format!("LANG={language}, layout {}; usual: {}", layouts.join(","), wanted.join(", "));
            draft.finding(Severity::Warning, "layout-differs", &values, evidence);
        }
        let typing = METHODS.iter().any(|method| self.running.has(method));
        if COMPOSED.contains(&short) && self.running.is_known() && !typing {
            let evidence = format!("LANG={language}, none of {} runs", METHODS.join(", "));
            draft.finding(Severity::Warning, "input-method-off", &[said], evidence);
        }
    }

    /// Nothing where there is no list to look in.
    fn is_made(&self, language: &str) -> Option<bool> {
        let plain = |name: &str| name.to_lowercase().replace("utf-8", "utf8");
        let language = plain(language);
        if self.made.iter().any(|name| plain(name) == language) {
            return Some(true);
        }
        // An archive of all languages is one file; what it holds is what the list asked for.
        let wanted = self.wanted.as_deref()?;
        let lines = wanted.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        Some(lines.filter_map(|line| line.split_whitespace().next()).any(|name| plain(name) == language))
    }
}

/// `KEY=value` or `KEY="value"`.
fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']))
}

/// `Option "XkbLayout" "es,us"`.
fn x_layout(text: &str) -> Option<&str> {
    let line = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .find(|line| line.contains("\"XkbLayout\""))?;
    line.split('"').nth(3).filter(|layout| !layout.is_empty())
}

/// Letters of locales and layouts only: nothing else that stands in these files leaves the PC.
fn is_plain(word: &str) -> bool {
    (1..=32).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@'))
}

fn gather_from(machine: &Machine, home: Option<&str>, user: u32) -> Inputs {
    let own = |file: &str| home.and_then(|home| machine.text(&format!("{home}/.config/{file}")).ok());
    Inputs {
        plasma: own("plasma-localerc"),
        languages: LANGUAGE_FILES.iter().map(|file| machine.text(file).ok()).collect(),
        layouts: LAYOUT_FILES.iter().map(|(file, _)| machine.text(file).ok()).collect(),
        x: machine.text(X_FILE).ok(),
        kde: own("kxkbrc"),
        wanted: machine.text("/etc/locale.gen").ok(),
        made: machine.names("/usr/lib/locale"),
        running: running(machine, user),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn at(machine: &str) -> Inputs {
        gather_from(&recorded(machine), Some("/home/ana"), rustix::process::getuid().as_raw())
    }

    fn with(language: &str, layout: &str) -> Inputs {
        Inputs {
            languages: vec![Some(format!("LANG={language}\n"))],
            layouts: vec![Some(format!("XKBLAYOUT=\"{layout}\"\n"))],
            plasma: None,
            x: None,
            kde: None,
            wanted: Some("# de_DE.UTF-8 UTF-8\nes_ES.UTF-8 UTF-8\nja_JP.UTF-8 UTF-8\n".into()),
            made: vec!["C.utf8".into()],
            running: Running::of(&["bash"]),
        }
    }

    #[test]
    fn a_spanish_laptop_and_an_arch_of_kde() {
        let draft = LanguageKeyboard::judge(at("ubuntu-laptop"));
        assert_eq!(draft.facts[0].value, Value::from("es_ES.UTF-8"));
        assert_eq!(draft.facts[1].value, Value::from("us"));
        assert_eq!(told(LanguageKeyboard::ID, &draft).findings[0].id, "layout-differs");
        let draft = LanguageKeyboard::judge(at("arch-desktop"));
        assert_eq!(draft.facts[1].value, Value::from("es,us"));
        assert_eq!(told(LanguageKeyboard::ID, &draft).findings[0].id, "language-ok");
    }

    #[test]
    fn what_fits_and_what_does_not() {
        for (language, layout, found) in [
            ("es_ES.UTF-8", "es", "language-ok"),
            ("es_ES.UTF-8", "us,latam", "language-ok"),
            ("es_ES.UTF-8", "es-latin1", "language-ok"),
            ("es_ES.UTF-8", "us", "layout-differs"),
            ("es_ES.UTF-8", "", "language-ok"),
            ("es_ES.utf8", "es", "language-ok"),
            ("de_DE.UTF-8", "de", "language-missing"),
            ("es_ES@euro", "es", "old-letters"),
            ("C.UTF-8", "us", "no-language"),
            ("ja_JP.UTF-8", "jp", "input-method-off"),
        ] {
            assert_eq!(findings::<LanguageKeyboard>(with(language, layout)), [found], "{language} {layout}");
        }
        let typing = Inputs { running: Running::of(&["fcitx5"]), ..with("ja_JP.UTF-8", "jp") };
        assert_eq!(findings::<LanguageKeyboard>(typing), ["language-ok"]);
    }

    #[test]
    fn only_letters_of_locales_leave() {
        let draft = LanguageKeyboard::judge(with("$(cat /etc/passwd)", "my secret"));
        assert!(!format!("{draft:?}").contains("secret") && !format!("{draft:?}").contains("passwd)"));
        assert!(is_plain(&"x".repeat(32)) && !is_plain(&"x".repeat(33)) && !is_plain(""));
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<LanguageKeyboard>(vec![
            with("es_ES.UTF-8", "es"),
            with("es_ES.UTF-8", "us"),
            with("de_DE.UTF-8", "de"),
            with("es_ES@euro", "es"),
            with("C", "us"),
            with("ja_JP.UTF-8", "jp"),
            at("container"),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(language in ".*", layout in ".*", x in ".*\"XkbLayout\".*|.*") {
            let inputs = Inputs { x: Some(x), plasma: Some(layout.clone()), kde: Some(language.clone()), ..with(&language, &layout) };
            told(LanguageKeyboard::ID, &LanguageKeyboard::judge(inputs));
        }
    }
}
