//! The session's map from values to pseudonyms: the same value, in any spelling, is always the same `host-1`.
//!
//! Numbers are given in an order shuffled with the session's random seed, never derived from a value: a hash of a name or an
//! address could be guessed back. The map stays in the agent and is wiped when it is dropped. (SECURITY H1)

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What a value is; the word of its pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A person's account or name.
    User,
    /// A computer.
    Host,
    /// A hardware address.
    Mac,
    /// A network address.
    Address,
    /// A wireless network.
    Network,
    /// An installation.
    Machine,
    /// A file system or partition.
    Disk,
    /// A part with a serial number.
    Serial,
}

impl Class {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
            Self::Mac => "mac",
            Self::Address => "address",
            Self::Network => "network",
            Self::Machine => "machine",
            Self::Disk => "disk",
            Self::Serial => "serial",
        }
    }

    /// The rule that is counted when a known value of this class is replaced.
    pub fn rule(self) -> &'static str {
        match self {
            Self::User => "known-user",
            Self::Host => "known-host",
            Self::Mac => "known-mac",
            Self::Address => "known-address",
            Self::Network => "known-network",
            Self::Machine => "known-machine",
            Self::Disk => "known-disk",
            Self::Serial => "known-serial",
        }
    }
}

impl Class {
    /// The rule that is counted when a value is replaced because its definition declares the class.
    pub fn declared(self) -> &'static str {
        match self {
            Self::User => "declared-user",
            Self::Host => "declared-host",
            Self::Mac => "declared-mac",
            Self::Address => "declared-address",
            Self::Network => "declared-network",
            Self::Machine => "declared-machine",
            Self::Disk => "declared-disk",
            Self::Serial => "declared-serial",
        }
    }
}

/// A value that is wiped when it is forgotten.
#[derive(PartialEq, Eq, PartialOrd, Ord, Zeroize, ZeroizeOnDrop)]
struct Kept(String);

/// The map.
pub(super) struct Pseudonyms {
    numbers: BTreeMap<(Class, Kept), u32>,
    last: BTreeMap<Class, u32>,
    /// Those that stand in a text somewhere.
    given: BTreeSet<(&'static str, u32)>,
    /// Names somebody here really has, in small letters: none of them may be given as a pseudonym.
    taken: Vec<Kept>,
}

impl Pseudonyms {
    /// Numbers these values in an order that only the seed knows.
    pub(super) fn new(values: impl IntoIterator<Item = (Class, String)>, seed: &[u8; 32]) -> Self {
        let mut values: Vec<(Class, Kept)> = values.into_iter().map(|(class, value)| (class, Kept(value))).collect();
        values.sort();
        values.dedup();
        let taken = values.iter().map(|(_, value)| Kept(value.0.to_lowercase())).collect();
        // Fisher and Yates, with numbers that are as random as the seed.
        for at in (1..values.len()).rev() {
            let block = Sha256::new().chain_update(seed).chain_update((at as u64).to_le_bytes()).finalize();
            let random = block.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            let other = usize::try_from(random % (at as u64 + 1)).unwrap_or(0);
            values.swap(at, other);
        }
        let mut map = Self { numbers: BTreeMap::new(), last: BTreeMap::new(), given: BTreeSet::new(), taken };
        for (class, value) in values {
            map.number(class, value);
        }
        map
    }

    /// The pseudonym of a value, which gets the next number if it is new.
    pub(super) fn of(&mut self, class: Class, value: &str) -> String {
        let key = (class, Kept(value.to_owned()));
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => self.number(key.0, key.1),
        };
        self.given.insert((class.word(), number));
        format!("{}-{number}", class.word())
    }

    /// Whether this session gave a pseudonym out.
    pub(super) fn gave(&self, class: &str, number: u32) -> bool {
        self.given.contains(&(class, number))
    }

    /// Whether the value has one.
    pub(super) fn has(&self, class: Class, value: &str) -> bool {
        self.numbers.contains_key(&(class, Kept(value.to_owned())))
    }

    fn number(&mut self, class: Class, value: Kept) -> u32 {
        let last = self.last.entry(class).or_default();
        loop {
            *last = last.saturating_add(1);
            let name = format!("{}-{last}", class.word());
            if !self.taken.iter().any(|taken| taken.0 == name) {
                break;
            }
        }
        self.numbers.insert((class, value), *last);
        *last
    }
}

/// Nothing of it is printed.
impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pseudonyms({})", self.numbers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<(Class, String)> {
        (0..20).map(|n| (Class::User, format!("name{n}"))).collect()
    }

    #[test]
    fn the_same_value_is_the_same_pseudonym_and_every_value_another() {
        let mut map = Pseudonyms::new(names(), &[7; 32]);
        let given: Vec<String> = (0..20).map(|n| map.of(Class::User, &format!("name{n}"))).collect();
        let mut distinct = given.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 20);
        assert_eq!(map.of(Class::User, "name3"), given[3]);
        assert_eq!(map.of(Class::Host, "name3"), "host-1");
        assert_eq!(map.of(Class::User, "later"), "user-21");
    }

    #[test]
    fn the_order_depends_on_the_seed() {
        let order = |seed| {
            let mut map = Pseudonyms::new(names(), &[seed; 32]);
            (0..20).map(|n| map.of(Class::User, &format!("name{n}"))).collect::<Vec<_>>()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }

    #[test]
    fn nobodys_real_name_is_a_pseudonym() {
        let values = vec![(Class::Host, "host-1".to_owned()), (Class::Host, "other".to_owned())];
        let mut map = Pseudonyms::new(values, &[0; 32]);
        assert_ne!(map.of(Class::Host, "host-1"), "host-1");
        assert_ne!(map.of(Class::Host, "other"), "host-1");
        assert!(!format!("{map:?}").contains("other"));
    }
}
