//! The number in front of a spoken code: who shows which, and which rest.
//!
//! Short while few are in use, because people read it aloud; longer under load, so that a number typed wrong seldom
//! finds a stranger. A number rests an hour before somebody else shows it, so that a code noted down yesterday doesn't
//! reach another person's PC. It is no secret: what guards a session are the two words. (SECURITY B3)

use std::collections::{HashMap, HashSet, VecDeque};

use venia_proto::key::PublicKey;

/// Most digits.
pub const DIGITS_MAX: u32 = 6;
/// How long a number rests before it is given out again, in milliseconds.
pub const REST_MS: u64 = 60 * 60 * 1_000;

/// Numbers shown, by whom, and numbers that rest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    shown: HashMap<u32, PublicKey>,
    resting: HashSet<u32>,
    /// By end of rest, the soonest first; every rest is equally long.
    rests: VecDeque<(u64, u32)>,
    /// Shown or resting, by digits.
    taken: [u32; DIGITS_MAX as usize],
}

impl Numbers {
    /// Gives out a free number: of the fewest digits of which less than half are taken. `random` picks one; it needn't
    /// be secret. `None` when all million are taken.
    pub(crate) fn take(&mut self, by: PublicKey, random: u64) -> Option<u32> {
        let digits = (1..=DIGITS_MAX)
            .find(|&digits| self.taken[index(digits)] * 2 < span(digits))
            .or_else(|| (1..=DIGITS_MAX).rev().find(|&digits| self.taken[index(digits)] < span(digits)))?;
        let (first, span) = (10_u32.pow(digits - 1), span(digits));
        let start = (random % u64::from(span)) as u32;
        let number = (0..span)
            .map(|step| first + (start + step) % span)
            .find(|number| !self.shown.contains_key(number) && !self.resting.contains(number))?;
        self.shown.insert(number, by);
        self.taken[index(digits)] += 1;
        Some(number)
    }

    /// Who shows this number.
    pub(crate) fn holder(&self, number: u32) -> Option<&PublicKey> {
        self.shown.get(&number)
    }

    /// Nobody shows it any more; it rests from `now` on.
    pub(crate) fn rest(&mut self, number: u32, now: u64) {
        if self.shown.remove(&number).is_some() {
            self.resting.insert(number);
            self.rests.push_back((now.saturating_add(REST_MS), number));
        }
    }

    /// Ends rests that are over.
    pub(crate) fn expire(&mut self, now: u64) {
        while let Some(&(until, number)) = self.rests.front()
            && until <= now
        {
            self.rests.pop_front();
            self.resting.remove(&number);
            self.taken[index(number.ilog10() + 1)] -= 1;
        }
    }

    /// When the next rest is over.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.rests.front().map(|(until, _)| *until)
    }

    /// Whether nothing is shown or rests.
    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.resting.is_empty()
    }
}

/// How many numbers have so many digits.
fn span(digits: u32) -> u32 {
    9 * 10_u32.pow(digits - 1)
}

fn index(digits: u32) -> usize {
    (digits - 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> PublicKey {
        *venia_proto::key::SigningKey::new("device", [1; 32]).public()
    }

    #[test]
    fn b3_numbers_grow_with_load() {
        let mut numbers = Numbers::default();
        let mut digits = Vec::new();
        for n in 0..100 {
            digits.push(numbers.take(who(), n * 7_919).unwrap().ilog10() + 1);
        }
        // Half of 9 is 4.5, half of 90 is 45.
        assert_eq!(digits.iter().filter(|&&d| d == 1).count(), 5);
        assert_eq!(digits.iter().filter(|&&d| d == 2).count(), 45);
        assert_eq!(digits.iter().filter(|&&d| d == 3).count(), 50);
        assert!(digits.is_sorted());
    }

    #[test]
    fn b3_numbers_rest_an_hour() {
        let mut numbers = Numbers::default();
        let number = numbers.take(who(), 3).unwrap();
        numbers.rest(number, 10);
        assert_eq!(numbers.holder(number), None);
        for now in [10, 10 + REST_MS - 1] {
            numbers.expire(now);
            let other = numbers.take(who(), 3).unwrap();
            assert_ne!(other, number, "at {now}");
            numbers.rest(other, 0);
        }
        numbers.expire(10 + REST_MS);
        assert!(numbers.is_empty());
        assert_eq!(numbers.take(who(), 3), Some(number));
    }

    #[test]
    fn the_last_of_a_million_is_given_and_then_none() {
        let (mut numbers, who) = (Numbers::default(), who());
        for digits in 1..=DIGITS_MAX {
            for number in 10_u32.pow(digits - 1)..10_u32.pow(digits) {
                if number != 654_321 {
                    numbers.shown.insert(number, who);
                    numbers.taken[index(digits)] += 1;
                }
            }
        }
        assert_eq!(numbers.take(who, 0), Some(654_321));
        assert_eq!(numbers.take(who, 0), None);
    }
}
