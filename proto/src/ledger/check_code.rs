//! The short code by which two people compare their copies of one record, aloud or on paper.
//!
//! It stands on the printed logbook, and `venia verify` tells it again. It is *no* proof: it only says that the page in
//! somebody's hand and the record in somebody else's speak of the same events. Neither parts that
//! were withheld nor addenda change it, so that the person's and the technician's copy have the same one for ever.

use sha2::{Digest, Sha256};

use crate::encoding::to_base32;
use crate::id::Leaf;
use crate::ledger::event::Event;
use crate::ledger::kind::KindName;

/// What the code is a hash of begins with this line, so that it is the hash of nothing else.
const DOMAIN: &[u8] = b"venia/check-code@v1\n";
/// Bytes of the hash that are shown: 80 bits, 16 letters.
const BYTES: usize = 10;
/// Letters in a group.
const GROUP: usize = 4;

/// The code of a bundle with these events, in the bundle's order: `abcd-efgh-ijkl-mnop`.
///
/// Base32 (RFC 4648 section 6, lower case) of the first ten bytes of SHA-256 over a first line of its own and the leaves of
/// all events but addenda.
pub fn check_code<'a>(events: impl IntoIterator<Item = &'a Event>) -> String {
    let events = events.into_iter().filter(|event| event.header().kind.name() != KindName::Addendum);
    of_leaves(events.map(Event::leaf))
}

fn of_leaves(leaves: impl IntoIterator<Item = Leaf>) -> String {
    let mut hash = Sha256::new_with_prefix(DOMAIN);
    leaves.into_iter().for_each(|leaf| hash.update(leaf.0));
    let letters = to_base32(&hash.finalize()[..BYTES]);
    let mut code = String::with_capacity(letters.len() + letters.len() / GROUP);
    for (n, letter) in letters.chars().enumerate() {
        if n > 0 && n % GROUP == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'venia/check-code@v1\n' | sha256sum`, its first ten bytes through `base32`.
    #[test]
    fn golden_code_of_nothing() {
        assert_eq!(of_leaves([]), "wmfo-ulro-loek-mlfg");
    }

    #[test]
    fn every_event_and_their_order_count() {
        let (a, b) = (Leaf([1; 32]), Leaf([2; 32]));
        let codes = [of_leaves([]), of_leaves([a]), of_leaves([b]), of_leaves([a, b]), of_leaves([b, a])];
        for (n, code) in codes.iter().enumerate() {
            assert_eq!((code.len(), code.split('-').count()), (19, 4), "{code}");
            assert!(!codes[..n].contains(code), "{code}");
        }
    }
}
