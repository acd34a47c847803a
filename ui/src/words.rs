//! Every sentence people read, in both languages, from the Fluent files in `ui/words/`, compiled in.
//!
//! Values go in through [`Sayable`], and every text among them is made visible on its way: a technician called
//! "\u{202e}…" can't reverse a sentence, because there is no other way into one. (SECURITY D4)
//!
//! Not here: the sentences of diagnostics, which are hashed into their definitions (`proto::catalog`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;
use venia_proto::catalog::Effect;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_proto::report::Text;

/// The files of each language: name, English, Spanish. Both have the same names.
const FILES: &[File] = &[
    ("audit", include_str!("../words/en/audit.ftl"), include_str!("../words/es/audit.ftl")),
    ("auditing", include_str!("../words/en/auditing.ftl"), include_str!("../words/es/auditing.ftl")),
    ("agent", include_str!("../words/en/agent.ftl"), include_str!("../words/es/agent.ftl")),
    ("console", include_str!("../words/en/console.ftl"), include_str!("../words/es/console.ftl")),
    ("open", include_str!("../words/en/open.ftl"), include_str!("../words/es/open.ftl")),
    ("page", include_str!("../words/en/page.ftl"), include_str!("../words/es/page.ftl")),
    ("person", include_str!("../words/en/person.ftl"), include_str!("../words/es/person.ftl")),
    ("reason", include_str!("../words/en/reason.ftl"), include_str!("../words/es/reason.ftl")),
    ("receipt", include_str!("../words/en/receipt.ftl"), include_str!("../words/es/receipt.ftl")),
    ("relay", include_str!("../words/en/relay.ftl"), include_str!("../words/es/relay.ftl")),
    ("report", include_str!("../words/en/report.ftl"), include_str!("../words/es/report.ftl")),
    ("try", include_str!("../words/en/try.ftl"), include_str!("../words/es/try.ftl")),
    ("trouble", include_str!("../words/en/trouble.ftl"), include_str!("../words/es/trouble.ftl")),
];

/// The sentences of one language. Cheap to clone: a file is read when somebody first asks for one of its sentences, and then
/// shared. Read, it takes a dozen times its length, and a program that waits says little.
#[derive(Clone)]
pub struct Words {
    language: Language,
}

type Bundle = FluentBundle<FluentResource>;

/// Something that may stand in a sentence. Sealed: text only ever enters visibly.
pub trait Sayable: sealed::Sealed {
    /// As Fluent takes it; numbers stay numbers, so that plurals work.
    fn value(&self) -> FluentValue<'static>;
}

impl Words {
    /// The sentences of this language.
    pub fn new(language: Language) -> Self {
        Self { language }
    }

    /// The file that has this sentence, read.
    fn bundle_of(&self, id: &str) -> Option<&'static Bundle> {
        static ENGLISH: [OnceLock<Bundle>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
        static SPANISH: [OnceLock<Bundle>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
        let read = match self.language {
            Language::En => &ENGLISH,
            Language::Es => &SPANISH,
        };
        let at = *contents().get(id)?;
        let (bundle, file) = (read.get(at)?, FILES.get(at)?);
        Some(bundle.get_or_init(|| Self::read(self.language, source(file, self.language))))
    }

    fn read(language: Language, source: &str) -> Bundle {
        let mut bundle = FluentBundle::new_concurrent(vec![locale(language)]);
        // Isolation marks are invisible characters, which a terminal without bidi support shows as boxes. `visible()`
        // has already taken away what they would protect from.
        bundle.set_use_isolating(false);
        // A file with errors still gives its good messages; a test refuses any error and any overwriting.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(good, _)| good);
        bundle.add_resource_overriding(resource);
        bundle
    }

    /// Which language this is.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The sentence of that id. A missing id gives the id itself between marks, which a test finds before people do.
    pub fn say(&self, id: &str, values: &[(&str, &dyn Sayable)]) -> String {
        let missing = || format!("\u{27e8}{id}\u{27e9}");
        let Some(bundle) = self.bundle_of(id) else { return missing() };
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else { return missing() };
        let args: FluentArgs<'static> =
            values.iter().map(|(name, value)| (Cow::Owned((*name).to_owned()), value.value())).collect();
        let said = bundle.format_pattern(pattern, Some(&args), &mut Vec::new());
        said.into_owned()
    }

    /// This language's side of a text that has both.
    pub fn of<'t>(&self, text: &'t Text) -> &'t str {
        match self.language {
            Language::En => &text.en,
            Language::Es => &text.es,
        }
    }

    /// The source lines of every sentence whose id begins with one of these: what a page made of them depends on.
    pub(crate) fn texts(&self, prefixes: &[&str]) -> String {
        let mut ours = false;
        let mut found = String::new();
        for file in FILES {
            for line in source(file, self.language).lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                // A line that is indented, or closes a list of variants, goes on with the sentence before it.
                if !line.starts_with([' ', '}']) {
                    ours = prefixes.iter().any(|prefix| line.starts_with(prefix));
                }
                if ours {
                    found.push_str(line);
                    found.push('\n');
                }
            }
        }
        found
    }

    /// The risk of an item, by icon and word.
    pub fn risk(&self, effect: Effect, personal: bool) -> String {
        match (effect, personal) {
            (Effect::Changes, _) => self.say("risk-changes", &[]),
            (Effect::Reads, true) => self.say("risk-personal", &[]),
            (Effect::Reads, false) => self.say("risk-reads", &[]),
        }
    }
}

type File = (&'static str, &'static str, &'static str);

fn source(file: &File, language: Language) -> &'static str {
    match language {
        Language::En => file.1,
        Language::Es => file.2,
    }
}

/// In which of [`FILES`] each sentence stands; both languages' files have the same ones.
fn contents() -> &'static HashMap<&'static str, usize> {
    static CONTENTS: OnceLock<HashMap<&'static str, usize>> = OnceLock::new();
    CONTENTS.get_or_init(|| {
        // A line that is indented goes on with the sentence before it.
        let begins = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
        let ids =
            move |source: &'static str| source.lines().filter(begins).filter_map(|line| Some(line.split_once(" =")?.0));
        FILES.iter().enumerate().flat_map(|(at, file)| ids(file.1).map(move |id| (id, at))).collect()
    })
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("language", &self.language).finish()
    }
}

/// The language for somebody: what they asked for, else the first locale that is one of ours, else English. `C` and
/// `POSIX` mean that nothing was chosen, so that what stands behind them in the list doesn't count either.
pub fn choose(asked: Option<Language>, locales: impl IntoIterator<Item = String>) -> Language {
    let ours = |locale: String| match locale.split(['-', '_', '.', '@']).next().unwrap_or("") {
        "es" => Some(Language::Es),
        "en" | "C" | "POSIX" => Some(Language::En),
        _ => None,
    };
    asked.or_else(|| locales.into_iter().find_map(ours)).unwrap_or_default()
}

fn locale(language: Language) -> LanguageIdentifier {
    let tag = match language {
        Language::En => "en",
        Language::Es => "es",
    };
    // Both tags parse; the default (`und`) would only cost the plurals.
    tag.parse().unwrap_or_default()
}

fn shown(text: &Foreign) -> FluentValue<'static> {
    FluentValue::String(Cow::Owned(text.visible()))
}

impl Sayable for Foreign {
    fn value(&self) -> FluentValue<'static> {
        shown(self)
    }
}

impl Sayable for str {
    fn value(&self) -> FluentValue<'static> {
        shown(&Foreign::new(self))
    }
}

impl Sayable for String {
    fn value(&self) -> FluentValue<'static> {
        shown(&Foreign::new(self.as_str()))
    }
}

impl<T: Sayable + ?Sized> Sayable for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

mod sealed {
    use venia_proto::foreign::Foreign;

    pub trait Sealed {}
    impl Sealed for Foreign {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        impl Sayable for $number {
            fn value(&self) -> FluentValue<'static> {
                (*self).into()
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, usize, i32, i64);

#[cfg(test)]
mod tests;
