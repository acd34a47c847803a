//! Text that came from somebody else: a technician's reason, a person's comment, a host's answer.
//!
//! Such text is an attack surface: escape sequences repaint a terminal, bidi overrides reverse a sentence, a line break
//! fakes a prompt ("Venia: everything is fine. Type yes"). So it has a type of its own **without `Display`**: nobody
//! prints it by accident. Only `ui` turns it into something to show, through [`Foreign::visible`]. (SECURITY D4)

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest reason a technician may give, in characters.
pub const REASON_MAX: usize = 200;
/// Longest name of a person or organisation, in characters.
pub const NAME_MAX: usize = 64;
/// Longest free text (chat line, note, description), in characters.
pub const TEXT_MAX: usize = 2_000;

/// Text from somebody else. Kept as it came, shown only through [`Foreign::visible`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Foreign(String);

/// Why a text may not stand where it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// More characters than the limit.
    #[error("the text has more than {0} characters")]
    TooLong(usize),
    /// A line break or another control character.
    #[error("the text must be one line without control characters")]
    NotOneLine,
    /// Something a terminal or page may turn into a link.
    #[error("links are not allowed here")]
    Link,
}

impl Foreign {
    /// Takes any text, unchecked: it is inert until shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A name: one line, 1 to [`NAME_MAX`] characters.
    pub fn name(text: &str) -> Result<Self, ForeignError> {
        one_line(text, NAME_MAX)
    }

    /// A reason: one line, 1 to [`REASON_MAX`] characters, no links (a link in a card is a phishing page one click away).
    pub fn reason(text: &str) -> Result<Self, ForeignError> {
        let reason = one_line(text, REASON_MAX)?;
        let lower = text.to_lowercase();
        if lower.contains("://") || lower.contains("www.") || lower.contains("mailto:") {
            return Err(ForeignError::Link);
        }
        Ok(reason)
    }

    /// Free text: 1 to [`TEXT_MAX`] characters, line breaks allowed.
    pub fn text(text: &str) -> Result<Self, ForeignError> {
        if text.trim().is_empty() {
            return Err(ForeignError::Empty);
        }
        within(text, TEXT_MAX)?;
        Ok(Self(text.to_owned()))
    }

    /// Whether it is as short as free text must be. What comes from another program is checked with this.
    pub fn is_within(&self) -> bool {
        within(&self.0, TEXT_MAX).is_ok()
    }

    /// What a program has to say, which isn't bounded otherwise: the first [`TEXT_MAX`] characters.
    pub fn cut(self) -> Self {
        match self.0.char_indices().nth(TEXT_MAX) {
            Some((end, _)) => Self(self.0[..end].to_owned()),
            None => self,
        }
    }

    /// The text as it came, for records and comparisons. Never for a screen.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// One line that is safe to show: control, escape, bidi and other invisible characters become visible marks.
    pub fn visible(&self) -> String {
        self.0.chars().fold(String::with_capacity(self.0.len()), |mut shown, c| {
            if is_deceptive(c) {
                shown.push_str(&format!("\u{27e8}{:04X}\u{27e9}", u32::from(c)));
            } else {
                shown.push(c);
            }
            shown
        })
    }
}

/// Characters that change how *other* characters look or that can't be seen.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}' | '\u{e000}'..='\u{f8ff}')
}

fn one_line(text: &str, max: usize) -> Result<Foreign, ForeignError> {
    if text.trim().is_empty() {
        return Err(ForeignError::Empty);
    }
    within(text, max)?;
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(ForeignError::NotOneLine);
    }
    Ok(Foreign(text.to_owned()))
}

fn within(text: &str, max: usize) -> Result<(), ForeignError> {
    if text.chars().nth(max).is_some() { Err(ForeignError::TooLong(max)) } else { Ok(()) }
}

/// Escaped, so that a debug log can't be attacked either.
impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.visible())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d4_nothing_invisible_reaches_a_screen() {
        let hostile = Foreign::new("ok\u{1b}[2J\u{202e}txt\r\n\u{200b}\u{feff}\u{7f}\u{9b}");
        let shown = hostile.visible();
        assert!(shown.chars().all(|c| !is_deceptive(c)), "{shown}");
        assert!(shown.starts_with("ok\u{27e8}001B\u{27e9}[2J\u{27e8}202E\u{27e9}txt"));
        assert_eq!(Foreign::new("José Ñandú 漢字 é").visible(), "José Ñandú 漢字 é");
    }

    #[test]
    fn what_is_too_long_is_cut_where_free_text_ends() {
        for (length, kept) in [(TEXT_MAX - 1, TEXT_MAX - 1), (TEXT_MAX, TEXT_MAX), (TEXT_MAX + 1, TEXT_MAX)] {
            let text = Foreign::new("ñ".repeat(length));
            assert_eq!(text.is_within(), length == kept);
            let cut = text.cut();
            assert!(cut.is_within());
            assert_eq!(cut.raw().chars().count(), kept);
        }
    }

    #[test]
    fn limits_at_below_and_above() {
        for (make, max) in
            [(Foreign::name as fn(&str) -> _, NAME_MAX), (Foreign::reason, REASON_MAX), (Foreign::text, TEXT_MAX)]
        {
            assert!(make(&"ñ".repeat(max - 1)).is_ok());
            assert!(make(&"ñ".repeat(max)).is_ok());
            assert_eq!(make(&"ñ".repeat(max + 1)), Err(ForeignError::TooLong(max)));
            assert_eq!(make(" "), Err(ForeignError::Empty));
        }
        assert_eq!(Foreign::reason("a\nb"), Err(ForeignError::NotOneLine));
        assert_eq!(Foreign::reason("see HTTPS://evil.example"), Err(ForeignError::Link));
        assert!(Foreign::text("a\nb").is_ok());
    }
}
