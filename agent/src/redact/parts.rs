//! Parts of a line that are taken out, and the text that is put together without them.

use std::borrow::Cow;
use std::ops::Range;

/// Parts of a line in order, those that overlap as one.
pub(super) struct Ranges(Vec<Range<usize>>);

impl Ranges {
    pub(super) fn new(mut ranges: Vec<Range<usize>>) -> Self {
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match apart.last_mut().filter(|last| range.start < last.end) {
                Some(last) => last.end = last.end.max(range.end),
                None => apart.push(range),
            }
        }
        Self(apart)
    }

    /// The first one that ends behind the beginning of this one.
    fn near(&self, range: &Range<usize>) -> Option<&Range<usize>> {
        self.0.get(self.0.partition_point(|one| one.end <= range.start))
    }

    /// Whether this part overlaps one of them.
    pub(super) fn touch(&self, range: &Range<usize>) -> bool {
        self.near(range).is_some_and(|one| one.start < range.end)
    }

    /// Whether this part is inside one of them.
    pub(super) fn hold(&self, range: &Range<usize>) -> bool {
        self.near(range).is_some_and(|one| one.start <= range.start && range.end <= one.end)
    }
}

/// The text as it leaves: borrowed as long as nothing changes.
pub(super) struct Out<'t> {
    text: &'t str,
    /// How far the text was looked at.
    kept: usize,
    changed: Option<String>,
}

impl<'t> Out<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, kept: 0, changed: None }
    }

    pub(super) fn keep(&mut self, length: usize) {
        if let Some(changed) = &mut self.changed {
            changed.push_str(&self.text[self.kept..self.kept + length]);
        }
        self.kept += length;
    }

    pub(super) fn push(&mut self, piece: &str) {
        let (text, kept) = (self.text, self.kept);
        let changed = self.changed.get_or_insert_with(|| {
            let mut changed = String::with_capacity(text.len());
            changed.push_str(&text[..kept]);
            changed
        });
        changed.push_str(piece);
    }

    pub(super) fn skip(&mut self, length: usize) {
        self.kept += length;
    }

    pub(super) fn finish(self) -> Cow<'t, str> {
        self.changed.map_or(Cow::Borrowed(self.text), Cow::Owned)
    }
}
