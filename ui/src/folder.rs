//! A data folder that can't be used, as people read it: what is wrong and the next step, the same in each of our programs.
//!
//! Not here: how a folder is judged (the relay's `client::home`), and with which kind of failure a program ends.

use std::path::Path;

use venia_proto::foreign::Foreign;

use crate::words::Words;

/// Every problem that has sentences, by its word.
pub const PROBLEMS: [&str; 10] =
    ["too-open", "not-ours", "busy", "damaged", "seen", "too-large", "full", "forbidden", "disk", "random"];

/// What is wrong, and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// A sentence or two.
    pub message: String,
    /// A sentence or two.
    pub hint: String,
}

/// Says one of [`PROBLEMS`] of a folder or file.
pub fn say(problem: &str, path: &Path, words: &Words) -> Said {
    let (id, file) = (format!("folder-{problem}"), Foreign::new(path.to_string_lossy()));
    let say = |id: &str| words.say(id, &[("file", &file)]);
    Said { message: say(&id), hint: say(&format!("{id}-hint")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use venia_proto::ledger::body::Language;

    use super::*;

    /// Whoever reads it learns from it what is wrong, in their own language.
    #[test]
    fn every_problem_has_its_own_sentence_and_step_in_both_languages() {
        let mut all = BTreeSet::new();
        for language in [Language::En, Language::Es] {
            let words = Words::new(language);
            for problem in PROBLEMS {
                let Said { message, hint } = say(problem, Path::new("/home/ana/venia"), &words);
                assert!(problem == "random" || message.contains("/home/ana/venia"), "{problem}: {message}");
                assert!(message.ends_with('.') && hint.ends_with('.'), "{message} {hint}");
                assert!(all.insert(message), "{problem}");
            }
        }
        let hint = say("too-open", Path::new("/home/ana/venia"), &Words::new(Language::En)).hint;
        assert!(hint.contains("chmod go= '/home/ana/venia'"), "{hint}");
    }
}
