//! The two lists a spoken code takes its words from, one per language, as data in `words/`.
//!
//! 1,024 words each, made for a bad telephone line: `a` to `z` only, four to seven letters, spelled without accents, the
//! first four letters distinct (so four typed letters name a word), nothing rude. A word may stand in both lists.
//!
//! Not here: secrecy. The lists are public; a code is safe because it can be guessed once (SECURITY B1).

use crate::ledger::body::Language;

/// Words in each list: ten bits.
pub const COUNT: usize = 1_024;
/// Fewest letters of a word.
pub const LETTERS_MIN: usize = 4;
/// Most letters of a word.
pub const LETTERS_MAX: usize = 7;

/// The word at a place of the list, counted modulo [`COUNT`].
pub fn word(language: Language, place: usize) -> &'static str {
    list(language).lines().nth(place % COUNT).unwrap_or_default()
}

/// Words of both lists that begin with `prefix` (any case), sorted, without duplicates: what a console offers while the
/// technician types. Nothing for an empty prefix.
pub fn complete(prefix: &str) -> Vec<&'static str> {
    let prefix = prefix.to_ascii_lowercase();
    if prefix.is_empty() {
        return Vec::new();
    }
    let mut words: Vec<_> = [Language::En, Language::Es]
        .into_iter()
        .flat_map(|language| list(language).lines())
        .filter(|word| word.starts_with(&prefix))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

const fn list(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../words/en.txt"),
        Language::Es => include_str!("../words/es.txt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_of_the_lists() {
        for language in [Language::En, Language::Es] {
            let words: Vec<_> = list(language).lines().collect();
            assert_eq!(words.len(), COUNT, "{language:?}");
            assert!(words.is_sorted(), "{language:?}");
            for word in &words {
                assert!((LETTERS_MIN..=LETTERS_MAX).contains(&word.len()), "{word}");
                assert!(word.bytes().all(|letter| letter.is_ascii_lowercase()), "{word}");
            }
            let starts: BTreeSet<_> = words.iter().map(|word| &word[..4]).collect();
            assert_eq!(starts.len(), COUNT, "{language:?}: the first four letters name a word");
            assert!(list(language).ends_with('\n') && !list(language).contains('\r'));
        }
    }

    #[test]
    fn the_papers_example_can_be_made() {
        for word in ["lobo", "cobre"] {
            assert!(list(Language::Es).lines().any(|listed| listed == word), "{word}");
        }
    }

    #[test]
    fn completion_offers_both_lists_once() {
        assert_eq!(complete("LOB"), ["lobby", "lobo", "lobster"]);
        assert_eq!(complete("animal").len(), 1);
        assert!(complete("").is_empty() && complete("ñ").is_empty() && complete("lobox").is_empty());
        for language in [Language::En, Language::Es] {
            for place in [0, 1, 511, COUNT - 1] {
                let word = word(language, place);
                assert!(complete(&word[..4]).contains(&word), "{word}");
            }
        }
    }
}
