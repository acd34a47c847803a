//! Lines that fit a terminal of 80 columns, broken by us and not by it. Pure.
//!
//! A terminal breaks a long line wherever it happens to end: padded with spaces, somebody else's text could place a false
//! "allow / deny >" at the left edge. Here every continued line is marked. (SECURITY D4)

/// Columns of a card: what an 80-column terminal shows without breaking a line by itself.
pub const COLUMNS: usize = 76;
/// Starts every continued line.
const CONTINUED: &str = "      │ ";

/// Breaks a line that a terminal would break by itself, and marks what continues it.
pub fn folded(line: &str) -> String {
    let mut rows = vec![String::new()];
    let mut used = 0;
    let mut rest = line;
    while let Some(word) = rest.split_inclusive(' ').next() {
        rest = rest.get(word.len()..).unwrap_or("");
        let short = columns(word) <= COLUMNS - columns(CONTINUED);
        if used + columns(word.trim_end()) > COLUMNS && short {
            rows.push(CONTINUED.to_owned());
            used = columns(CONTINUED);
        }
        for c in word.chars() {
            // A space that would only stand at the edge isn't worth a row of its own.
            if used + width(c) > COLUMNS && c != ' ' {
                rows.push(CONTINUED.to_owned());
                used = columns(CONTINUED);
            }
            if let Some(row) = rows.last_mut().filter(|_| used + width(c) <= COLUMNS) {
                row.push(c);
                used += width(c);
            }
        }
    }
    rows.join("\n")
}

/// The same in one piece: a page breaks its own lines.
pub(super) fn unfolded(text: &str) -> String {
    text.replace(&format!("\n{CONTINUED}"), "")
}

/// Columns a text takes, at most.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Columns a character may take, at most: East Asian and symbols beyond count double, so that a row never overflows.
fn width(c: char) -> usize {
    if u32::from(c) < 0x1100 || matches!(c, '\u{2010}'..='\u{27ff}') { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_at_below_and_above_the_edge() {
        for n in [COLUMNS - 1, COLUMNS] {
            assert_eq!(folded(&"x".repeat(n)), "x".repeat(n));
        }
        assert_eq!(folded(&"x".repeat(COLUMNS + 1)), format!("{}\n{CONTINUED}x", "x".repeat(COLUMNS)));
        assert_eq!(
            folded(&format!("{} two", "x".repeat(COLUMNS - 3))),
            format!("{} \n{CONTINUED}two", "x".repeat(COLUMNS - 3))
        );
        assert_eq!(folded(&"漢".repeat(COLUMNS)).lines().count(), 3);
    }
}
