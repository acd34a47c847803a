//! Names and values of a form or of an address's query (`application/x-www-form-urlencoded`, URL Standard section 5).

/// Most pairs of one form; what comes after them is dropped.
pub(super) const PAIRS_MAX: usize = 1_024;

/// Names and values, decoded, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a body or query. Every sequence of bytes is one: what isn't UTF-8 becomes U+FFFD.
    pub fn read(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).take(PAIRS_MAX);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Names and values as a query: what [`Self::read`] reads.
    pub fn write<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of that name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_in_order() {
        let fields = Fields::read("do=allow&box=a%2Eb&box=c+d&word=%C3%B1&bad=%ff&=&lone".as_bytes());
        assert_eq!(fields.get("do"), Some("allow"));
        assert_eq!(fields.all("box").collect::<Vec<_>>(), ["a.b", "c d"]);
        assert_eq!(fields.get("word"), Some("ñ"));
        assert_eq!(fields.get("bad"), Some("\u{fffd}"));
        assert_eq!(fields.get("lone"), Some(""));
        assert_eq!(fields.get("none"), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let pairs = [("word", "ñ & <b>=\u{202e}"), ("to", ""), ("word", "a b+c")];
        let fields = Fields::read(Fields::write(pairs).as_bytes());
        assert_eq!(fields, Fields(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()));
    }

    #[test]
    fn pairs_below_at_and_above() {
        for (given, kept) in [(PAIRS_MAX - 1, PAIRS_MAX - 1), (PAIRS_MAX, PAIRS_MAX), (PAIRS_MAX + 1, PAIRS_MAX)] {
            assert_eq!(Fields::read("a=b&".repeat(given).as_bytes()).all("a").count(), kept);
        }
    }
}
