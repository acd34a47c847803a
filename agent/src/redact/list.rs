//! Lists of words in one string each, parted by `|`: tables of a hundred words that can still be read.

/// The words.
pub(super) fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split('|')
}

/// Whether this is one of them.
pub(super) fn has(list: &'static str, word: &str) -> bool {
    words(list).any(|listed| listed == word)
}
