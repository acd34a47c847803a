//! How often something happened within the last while, by whom. Counts acts, forgets them by itself.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// At most `most` acts within `span_ms` for each `K`. Holds nothing for a `K` whose acts are all older.
#[derive(Clone, Debug)]
pub(crate) struct Window<K> {
    most: usize,
    span_ms: u64,
    acts: HashMap<K, VecDeque<u64>>,
}

impl<K: Eq + Hash> Window<K> {
    /// A window without acts.
    pub(crate) fn new(most: usize, span_ms: u64) -> Self {
        Self { most, span_ms, acts: HashMap::new() }
    }

    /// Whether another act would be one too many. `now` in milliseconds since boot.
    pub(crate) fn is_full(&self, who: &K, now: u64) -> bool {
        self.room(who, now) == 0
    }

    /// How many more acts fit.
    pub(crate) fn room(&self, who: &K, now: u64) -> usize {
        let fresh = |act: &&u64| now < act.saturating_add(self.span_ms);
        self.most.saturating_sub(self.acts.get(who).map_or(0, |acts| acts.iter().filter(fresh).count()))
    }

    /// Counts an act; tells whether the window is now full. Older acts than `most` don't matter and aren't kept.
    pub(crate) fn add(&mut self, who: K, now: u64) -> bool {
        let (most, span_ms) = (self.most, self.span_ms);
        let acts = self.acts.entry(who).or_default();
        while acts.front().is_some_and(|act| now >= act.saturating_add(span_ms)) || acts.len() >= most {
            if acts.pop_front().is_none() {
                break;
            }
        }
        acts.push_back(now);
        acts.len() >= most
    }

    /// Forgets all about `who`.
    pub(crate) fn forget(&mut self, who: &K) {
        self.acts.remove(who);
    }

    /// Forgets what is older than the span.
    pub(crate) fn expire(&mut self, now: u64) {
        let span_ms = self.span_ms;
        self.acts.retain(|_, acts| acts.back().is_some_and(|act| now < act.saturating_add(span_ms)));
    }

    /// When the next one can be forgotten altogether.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.acts.values().filter_map(|acts| acts.back()).map(|act| act.saturating_add(self.span_ms)).min()
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_at_the_limit_and_open_again_after_the_span() {
        let mut window = Window::new(3, 100);
        for (now, full) in [(0, false), (10, false), (20, true)] {
            assert!(!window.is_full(&'a', now));
            let room = window.room(&'a', now);
            assert_eq!(window.add('a', now), full);
            assert_eq!(window.room(&'a', now), room - 1);
        }
        assert!(window.is_full(&'a', 20) && window.is_full(&'a', 99));
        assert!(!window.is_full(&'a', 100), "the first act is over");
        assert!(!window.is_full(&'b', 20), "another's acts are another's");
    }

    #[test]
    fn nothing_is_left_at_rest() {
        let mut window = Window::new(2, 100);
        window.add('a', 0);
        window.add('a', 50);
        assert_eq!(window.deadline(), Some(150));
        window.expire(149);
        assert!(!window.is_empty());
        window.expire(150);
        assert!(window.is_empty() && window.deadline().is_none());
    }
}
