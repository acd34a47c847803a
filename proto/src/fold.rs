//! Text folded for searching in Spanish and English: *camión*, *CAMION* and *Camio\u{301}n* are one word.
//!
//! The rule, all of it: letters become lower case (Unicode's simple and full mappings, as Rust has them); the Latin letters
//! with accents that Western European languages write lose them, ñ and ü and ç too; combining marks U+0300 to U+036F
//! vanish. Everything else stays. There are no word boundaries and no stems: a word is found inside a longer one, so that
//! *arranc* finds *arrancó*, and *arranco* doesn't find *arranque*.

/// The folded text, for comparing and never for showing.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// The same at the end of a buffer that is used again.
pub fn fold_into(text: &str, folded: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        // Most text is ASCII: a run of it is taken at once.
        let ascii = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let (run, other) = rest.split_at(ascii);
        let begins = folded.len();
        folded.push_str(run);
        folded[begins..].make_ascii_lowercase();
        let mut chars = other.chars();
        if let Some(c) = chars.next() {
            folded.extend(letters(c));
        }
        rest = chars.as_str();
    }
}

/// Where a folded needle first occurs: the place of its first character in the text, in bytes. The needle must be folded.
pub fn find(text: &str, needle: &str) -> Option<usize> {
    let mut folded = String::with_capacity(text.len());
    // Byte of the folded text at which each character of the text begins.
    let mut begins = Vec::new();
    for (at, c) in text.char_indices() {
        begins.push((folded.len(), at));
        folded.extend(letters(c));
    }
    let found = folded.find(needle)?;
    let after = begins.partition_point(|(begin, _)| *begin <= found);
    begins[..after].last().map(|(_, at)| *at)
}

fn letters(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).map(plain)
}

/// A lower-case letter without its accent.
fn plain(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ē' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ō' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_dont_matter_in_both_languages() {
        for (written, folded) in [
            ("El CAMIÓN no arrancó", "el camion no arranco"),
            ("pingüino, Ñandú, señal", "pinguino, nandu, senal"),
            ("Camio\u{301}n n\u{303}", "camion n"),
            ("It WON'T boot", "it won't boot"),
            ("façade naïve", "facade naive"),
            ("İ", "i"),
            ("漢字 ß", "漢字 ß"),
            ("", ""),
        ] {
            assert_eq!(fold(written), folded);
            assert_eq!(fold(&fold(written)), folded, "folding again changes nothing");
        }
    }

    #[test]
    fn a_needle_is_found_where_it_stands_in_the_text() {
        let text = "Dice: ¡El camio\u{301}n ARRANCÓ tarde!";
        for (needle, at) in [("camion", "camio\u{301}n"), ("arranc", "ARRANC"), ("tarde!", "tarde!"), ("d", "D")] {
            assert_eq!(find(text, needle), text.find(at), "{needle}");
        }
        assert_eq!(find(text, "moto"), None);
        assert_eq!(find(text, ""), Some(0));
        assert_eq!(find("", ""), None);
    }
}
