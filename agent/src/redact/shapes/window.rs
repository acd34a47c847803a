//! Long lines are looked at piece by piece, so that the work grows with their length and not with its square: a rule may
//! look at all that stands around what it found, and a line of a megabyte may hold a hundred thousand of them.
//!
//! Pieces overlap. A secret that is told by what stands less than an overlap away is whole in one of them; one that reaches
//! beyond a piece is taken up to its end, wherever that is.

use std::ops::Range;

/// Longest piece of a line that is looked at at once, in bytes.
pub(super) const PIECE: usize = 4 * 1024;
/// How much of a piece the next one looks at again.
pub(super) const OVERLAP: usize = 1024;
/// How far back a piece may begin to do so at a gap.
const GAP_MAX: usize = 128;

/// The pieces of a line: all of it, unless it is long.
pub(super) fn pieces(line: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let start = from?;
        let end = boundary(line, start + PIECE);
        from = (end < line.len()).then(|| begin(line, end - OVERLAP));
        Some(start..end)
    })
}

/// Where a piece begins: at the last letter in front of a gap, so that a name behind the gap doesn't seem to begin the line.
fn begin(line: &str, at: usize) -> usize {
    let at = boundary(line, at);
    let back = boundary(line, at.saturating_sub(GAP_MAX));
    let gap = line[back..at].rfind([' ', '\t', ',', ';', '&']);
    let gap = gap.map_or(at, |gap| back + gap);
    let letter = line[back..gap].char_indices().next_back();
    letter.map_or(gap, |(letter, _)| back + letter)
}

/// The last character boundary at or before `at`.
fn boundary(line: &str, at: usize) -> usize {
    let mut at = at.min(line.len());
    while !line.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where a part that ends with its piece ends in the line: at the next gap or quote.
pub(super) fn end_in_line(line: &str, piece: &Range<usize>) -> usize {
    let behind = &line[piece.end..];
    piece.end + behind.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(behind.len())
}

/// What stands at most so many bytes around a part of a line.
pub(in crate::redact) fn around(line: &str, part: &Range<usize>, reach: usize) -> Range<usize> {
    let mut end = (part.end + reach).min(line.len());
    while !line.is_char_boundary(end) {
        end += 1;
    }
    boundary(line, part.start.saturating_sub(reach))..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::known::Known;
    use crate::redact::{Counts, Redactor};

    #[test]
    fn pieces_cover_a_line_and_are_little_more_than_it() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - OVERLAP, 10 * PIECE + 7] {
            for unit in ["x", "x ", "ñ", "😀,", " "] {
                let line = unit.repeat(length / unit.len() + 1);
                let pieces: Vec<Range<usize>> = pieces(&line).collect();
                assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (0, line.len()));
                assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
                assert!(pieces.windows(2).all(|two| two[1].start + OVERLAP <= two[0].end && two[0].end <= two[1].end));
                let looked_at: usize = pieces.iter().map(Range::len).sum();
                assert!(looked_at <= line.len() * 2, "{looked_at} of {}", line.len());
            }
        }
        assert_eq!(pieces(&"x".repeat(PIECE)).count(), 1);
        assert_eq!(pieces(&"x".repeat(PIECE + 1)).count(), 2);
    }

    fn redacted(line: &str) -> String {
        Redactor::new(&Known::default(), &[1; 32]).unwrap().text(line, &mut Counts::default()).into_owned()
    }

    #[test]
    fn a_secret_goes_wherever_in_a_long_line_it_stands() {
        let secret = "user=maria password=Secreta.2024 x=1 ";
        for before in (PIECE - OVERLAP - 80..PIECE + 80).step_by(17).chain([0, 3 * PIECE, 9 * PIECE + 5]) {
            let line = format!("{}{secret}{}", "lorem ".repeat(before / 6), "ipsum ".repeat(PIECE));
            let text = redacted(&line);
            assert!(!text.contains("Secreta"), "{before}");
            assert_eq!(text, line.replace("Secreta.2024", "[redacted:setting]"), "{before}");
        }
    }

    #[test]
    fn a_secret_that_is_longer_than_a_piece_goes_to_its_end() {
        for length in [PIECE - 60, PIECE, PIECE + 1, 5 * PIECE] {
            let line = format!("{{\"private_key\": \"{}\", \"x\": \"plain\"}}", "aZ9+".repeat(length / 4));
            let text = redacted(&line);
            assert!(!text.contains("aZ9+"), "{length}: {}", text.len());
            assert!(text.ends_with("\", \"x\": \"plain\"}"), "{length}: {text}");
        }
    }
}
