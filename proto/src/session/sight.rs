//! Whether a person has something before their eyes on a page, which of several pages acts, and when a press may give
//! something away. Pure; the shell says what browsers did, and asks.
//!
//! A page can be hidden, loaded again, opened twice, and changed under a finger. Three rules answer that:
//!
//! - **Of several pages the newest acts.** An old one that was forgotten in another window answers nothing.
//! - **Giving something away takes [`timer::ARM_MS`]** after this question was put before the acting page, in this form:
//!   whoever was about to press something else has seen by then that it is another question. (SECURITY D4)
//! - **Eyes are a page that listens**, which it does while it is visible; without script, one that was loaded a moment ago, or
//!   whose question was, for as long as that may wait. Nothing a technician does brings eyes back. (SECURITY D2)
//!
//! Not here: what nobody's eyes mean for a session, which [`super::agent`] decides.

use super::timer;

/// What is known of the pages of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sight {
    /// The page that acts; 0 before the first.
    acting: u64,
    /// When it was last loaded.
    loaded_ms: Option<u64>,
    /// How often it listens: a duplicated tab has the same number.
    listening: u32,
    /// Since when it shows the question that is asked now; `None` without a question or before it was loaded.
    shown_ms: Option<u64>,
    /// Whether something is asked.
    asking: bool,
}

impl Sight {
    /// A browser loads the page: one that it has already, by its number, or a new one. Gives its number. One that was never
    /// given is a new page.
    pub fn load(&mut self, view: Option<u64>, now_ms: u64) -> u64 {
        let known = view.filter(|view| (1..=self.acting).contains(view));
        let view = known.unwrap_or_else(|| {
            self.acting += 1;
            (self.listening, self.shown_ms) = (0, None);
            self.acting
        });
        if self.acts(view) {
            self.loaded_ms = Some(now_ms);
            if self.asking {
                self.shown_ms.get_or_insert(now_ms);
            }
        }
        view
    }

    /// A page that is visible begins or ends to listen. One that ended was seen until now and no longer.
    pub fn listens(&mut self, view: u64, listening: bool) {
        if self.acts(view) {
            self.listening =
                if listening { self.listening.saturating_add(1) } else { self.listening.saturating_sub(1) };
            if self.listening == 0 {
                self.loaded_ms = None;
            }
        }
    }

    /// Another question is asked, or the same in another form: nobody has it before them yet.
    pub fn asks(&mut self) {
        (self.asking, self.shown_ms) = (true, None);
    }

    /// Nothing is asked any more.
    pub fn asks_nothing(&mut self) {
        (self.asking, self.shown_ms) = (false, None);
    }

    /// The page that acts; 0 before the first.
    pub fn acting(&self) -> u64 {
        self.acting
    }

    /// Whether this page acts.
    pub fn acts(&self, view: u64) -> bool {
        view == self.acting
    }

    /// Whether a press may give something away now.
    pub fn is_armed(&self, now_ms: u64) -> bool {
        self.shown_ms.is_some_and(|since| now_ms.saturating_sub(since) >= timer::ARM_MS)
    }

    /// Whether somebody has the acting page before them.
    pub fn is_seen(&self, now_ms: u64) -> bool {
        let lasts_ms = if self.shown_ms.is_some() { timer::SILENCE_MS } else { timer::LOADED_MS };
        self.listening > 0 || self.loaded_ms.is_some_and(|at| now_ms.saturating_sub(at) < lasts_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One page that shows a question since then.
    fn asked(since_ms: u64) -> (Sight, u64) {
        let mut sight = Sight::default();
        let view = sight.load(None, 0);
        sight.asks();
        assert_eq!(sight.load(Some(view), since_ms), view);
        (sight, view)
    }

    #[test]
    fn d4_a_press_is_armed_below_at_and_above() {
        let (sight, _) = asked(5_000);
        for (after, armed) in [(timer::ARM_MS - 1, false), (timer::ARM_MS, true), (timer::ARM_MS + 1, true)] {
            assert_eq!(sight.is_armed(5_000 + after), armed, "{after}");
        }
    }

    #[test]
    fn d4_another_question_and_another_page_are_armed_anew() {
        let (mut sight, view) = asked(0);
        sight.asks();
        assert!(!sight.is_armed(60_000), "it isn't even shown yet");
        sight.load(Some(view), 60_000);
        assert!(!sight.is_armed(60_000 + timer::ARM_MS - 1) && sight.is_armed(60_000 + timer::ARM_MS));
        sight.load(None, 70_000);
        assert!(!sight.is_armed(70_000 + timer::ARM_MS - 1) && sight.is_armed(70_000 + timer::ARM_MS));
        sight.asks_nothing();
        assert!(!sight.is_armed(90_000));
    }

    #[test]
    fn of_two_pages_the_newest_acts() {
        let mut sight = Sight::default();
        let old = sight.load(None, 0);
        let new = sight.load(None, 0);
        // Loading the old one again doesn't make it the newest, and a number that was never given is no way to be it.
        assert_eq!(sight.load(Some(old), 0), old);
        assert!(sight.acts(new) && !sight.acts(old));
        assert_eq!(sight.load(Some(999), 0), new + 1);
        assert_eq!(sight.load(Some(0), 0), new + 2);
    }

    #[test]
    fn d2_eyes_are_a_page_that_listens_or_was_just_loaded() {
        let mut sight = Sight::default();
        assert!(!sight.is_seen(0));
        let view = sight.load(None, 1_000);
        for (after, seen) in [(timer::LOADED_MS - 1, true), (timer::LOADED_MS, false), (timer::LOADED_MS + 1, false)] {
            assert_eq!(sight.is_seen(1_000 + after), seen, "{after}");
        }
        sight.listens(view, true);
        sight.listens(view, true);
        sight.listens(view, false);
        assert!(sight.is_seen(1_000_000), "a duplicated tab was hidden, the other is there");
        sight.listens(view, false);
        assert!(!sight.is_seen(1_000_000));
        // Another page took over: the old one's ear counts for nothing.
        sight.listens(view, true);
        sight.load(None, 2_000_000);
        sight.listens(view, true);
        assert!(!sight.is_seen(3_000_000));
    }

    #[test]
    fn d2_a_question_lasts_as_long_as_it_waits_and_only_before_somebody() {
        let (sight, _) = asked(2_000_000);
        for (after, seen) in [(timer::SILENCE_MS - 1, true), (timer::SILENCE_MS, false), (timer::SILENCE_MS + 1, false)]
        {
            assert_eq!(sight.is_seen(2_000_000 + after), seen, "{after}");
        }
    }

    /// What browsers, the program and a technician do.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Load(u64),
        Listens(u64, bool),
        Asks,
        AsksNothing,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0..4_u64).prop_map(Act::Load),
            (0..4_u64, any::<bool>()).prop_map(|(view, on)| Act::Listens(view, on)),
            Just(Act::Asks),
            Just(Act::AsksNothing),
        ]
    }

    proptest! {
        /// Whatever happens: armed is only what the acting page showed for long enough, unchanged; and nothing but what a
        /// browser does makes somebody look who didn't.
        #[test]
        fn d2_d4_only_a_browser_arms_and_looks(acts in prop::collection::vec((act(), 0..2_000_u64), 0..60)) {
            let (mut sight, mut now_ms, mut since) = (Sight::default(), 0, None);
            for (act, later) in acts {
                now_ms += later;
                let (before, seen) = (sight.acting(), sight.is_seen(now_ms));
                match act {
                    Act::Load(view) => {
                        let view = sight.load(Some(view), now_ms);
                        if sight.acting() != before { since = None; }
                        if sight.acts(view) && sight.asking { since = since.or(Some(now_ms)); }
                    }
                    Act::Listens(view, on) => sight.listens(view, on),
                    Act::Asks => { sight.asks(); since = None; }
                    Act::AsksNothing => { sight.asks_nothing(); since = None; }
                }
                prop_assert_eq!(sight.is_armed(now_ms), since.is_some_and(|at| now_ms - at >= timer::ARM_MS));
                if matches!(act, Act::Asks | Act::AsksNothing) {
                    prop_assert!(seen || !sight.is_seen(now_ms), "{:?} brought eyes back", act);
                }
            }
        }
    }
}
