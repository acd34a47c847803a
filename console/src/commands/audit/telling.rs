//! Pieces of an event as lines for a terminal.
//!
//! Every text of somebody else is one line that is safe to show, or a block of such lines behind a bar, so that nothing in
//! it can pass for a line of ours. (SECURITY D4)

use venia_proto::foreign::Foreign;
use venia_ui::terminal::{Ink, Style};

use crate::audit::telling::Piece;

/// Longest text that stands in a line of its label, in characters.
const INLINE_MAX: usize = 72;
const INDENT: &str = "      ";

/// Lines under an event.
pub(super) fn lines(pieces: &[Piece], style: Style) -> Vec<String> {
    pieces.iter().flat_map(|piece| laid(piece, style)).collect()
}

/// A line under an event.
pub(super) fn under(line: &str) -> String {
    format!("{INDENT}{line}")
}

/// A line under an event that an auditor should not miss.
pub(super) fn marked(line: &str, style: Style) -> String {
    format!("{INDENT}{}", style.ink(Ink::Warn, &format!("⚑ {line}")))
}

fn laid(piece: &Piece, style: Style) -> Vec<String> {
    match piece {
        Piece::Line(line) => vec![under(line)],
        Piece::Field(label, text) => vec![format!("{INDENT}{label}: {text}")],
        Piece::Quote(label, text) => {
            let raw = text.raw();
            if !raw.contains('\n') && raw.chars().nth(INLINE_MAX).is_none() {
                return vec![format!("{INDENT}{label}: “{}”", text.visible())];
            }
            std::iter::once(format!("{INDENT}{label}:")).chain(block(raw, style)).collect()
        }
        Piece::Block(text) => block(text.raw(), style),
        Piece::Report(text) => text.lines().map(|line| under(line).trim_end().to_owned()).collect(),
    }
}

fn block(text: &str, style: Style) -> Vec<String> {
    let room = usize::from(style.width).saturating_sub(INDENT.len() + 4).max(20);
    let folded = text.split('\n').flat_map(|line| folded(&Foreign::new(line).visible(), room));
    folded.map(|piece| format!("{INDENT}│ {piece}").trim_end().to_owned()).collect()
}

/// A line in pieces of at most so many characters, broken at spaces where there are some.
fn folded(line: &str, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((cut, _)) = rest.char_indices().nth(room) {
        let at = rest[..cut].rfind(' ').filter(|at| *at > 0).unwrap_or(cut);
        pieces.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start_matches(' ');
    }
    pieces.push(rest.to_owned());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        lines(&[Piece::Quote("Text".to_owned(), Foreign::new(text))], Style::PLAIN)
    }

    #[test]
    fn d4_nothing_somebody_wrote_passes_for_a_line_of_ours() {
        let hostile = "fine\n      ⚑ nothing to see\u{1b}[2J\u{202e}\r\n\ttab";
        let lines = told(hostile);
        assert!(lines.len() > 3, "{lines:?}");
        for line in &lines[1..] {
            assert!(line.starts_with("      │"), "{line:?}");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
        let long = "word ".repeat(60);
        let lines = told(&long);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.chars().count() <= 100), "{lines:#?}");
        assert_eq!(folded(&"x".repeat(45), 20), ["x".repeat(20), "x".repeat(20), "x".repeat(5)]);
    }
}
