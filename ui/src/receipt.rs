//! The logbook of a session (*bitácora*): one self-contained page that can be kept, printed and read in ten years.
//!
//! Pure: a [`Story`] in, HTML out, and the same bytes for the same story. No script, no link, nothing loaded from anywhere
//! (its own policy forbids it), so that opening it tells nobody. Everything in the story that somebody wrote is made
//! visible and escaped. (SECURITY D4)
//!
//! It proves nothing by itself: the bundle beside it does. As the bundle's `receipt.html` it is rendered again by whoever
//! verifies, and a page that was changed is found ([`compare`]). (LEDGER.md section 6)

mod markup;
mod record;
mod sections;
mod timeline;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use venia_proto::catalog::Catalog;
use venia_proto::encoding::to_hex;
use venia_proto::ledger::body::Language;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::kind::Status;
use venia_proto::ledger::verify::Receipt;

use crate::story::Story;
use crate::words::Words;
use markup::escaped;

/// Who made a page. The number grows with every change of what the same story looks like; a test holds one page.
pub const GENERATOR: &str = "venia receipt 1";
/// Longest page in bytes. A session whose story is longer has none: its bundle must not fail for it.
pub const PAGE_MAX: usize = 2 << 20;
/// Answers faster than this, in milliseconds, are marked: nobody reads a card in a second. (UX.md, auditor 2)
pub const QUICK_MS: u64 = 1_000;

const STYLE: &str = include_str!("receipt/style.css");

/// The page in the language of `words`. `standing`: a sentence on what the record is worth, shown on top.
pub fn page(story: &Story, words: &Words, catalog: &Catalog, standing: Option<&str>) -> String {
    let title = escaped(&words.say("receipt-title", &[]));
    let banner = standing.map(|text| format!("<p class=\"banner\" role=\"status\">{}</p>\n", escaped(text)));
    let body = [
        banner.unwrap_or_default(),
        sections::session(story, words),
        format!(
            "<div class=\"keep\">\n{}{}</div>\n",
            markup::heading(&words.say("receipt-timeline", &[])),
            timeline::timeline(story, words)
        ),
        sections::outcome(story, words),
        sections::computer(story, words, catalog),
        sections::findings(story, words),
        record::runs(story, words),
        record::answers(story, words),
        record::later(story, words),
        record::signatures(story, words),
        record::check(story, words),
        record::cards(story, words),
    ];
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n{stamp}<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<main>\n<h1>{title}</h1>\n<p class=\"soft\">{subtitle}</p>\n{}</main>\n</body>\n</html>\n",
        body.concat(),
        language = tag(words.language()),
        stamp = stamp(story, words, catalog),
        subtitle = escaped(&words.say("receipt-subtitle", &[("organisation", &story.organisation)])),
    )
}

/// The bundle's `receipt.html`, in the language of its `open`; `None` if it tells no story, or one longer than
/// [`PAGE_MAX`].
pub fn of_bundle(bundle: &Bundle, catalog: &Catalog) -> Option<Vec<u8>> {
    let story = Story::of_bundle(bundle, catalog)?;
    let page = page(&story, &Words::new(story.language), catalog, None);
    (page.len() <= PAGE_MAX).then(|| page.into_bytes())
}

/// Renders the bundle's story again and compares it with its `receipt.html`. A page by another version, or made with other
/// sentences or definitions than are here, can't be compared.
pub fn compare(bundle: &Bundle, catalog: &Catalog) -> Receipt {
    let Some(found) = &bundle.receipt else { return Receipt::NotChecked };
    let Some(story) = Story::of_bundle(bundle, catalog) else { return Receipt::NotChecked };
    let words = Words::new(story.language);
    let ours = stamp(&story, &words, catalog);
    if !found.windows(ours.len()).any(|bytes| bytes == ours.as_bytes()) {
        return Receipt::NotChecked;
    }
    let page = page(&story, &words, catalog, None);
    if page.as_bytes() == found.as_slice() && page.len() <= PAGE_MAX { Receipt::Matches } else { Receipt::Differs }
}

/// How an item ended, in a few words; `None` if it was refused and never ran.
pub fn fate(status: Option<Status>, words: &Words) -> String {
    match status {
        None => words.say("receipt-refused", &[]),
        Some(Status::Done) => words.say("receipt-done", &[]),
        Some(Status::Unknown) => words.say("receipt-unknown", &[]),
        Some(Status::Failed) => words.say("receipt-failed", &[]),
        Some(Status::Killed) => words.say("receipt-killed", &[]),
        Some(Status::Withheld) => words.say("receipt-withheld", &[]),
        Some(Status::Lost) => words.say("receipt-lost", &[]),
        Some(Status::Late) => words.say("receipt-late", &[]),
    }
}

/// Says who made the page and from which texts. Sentences and definitions change between versions without anybody thinking
/// of receipts, so they are part of it: else every old page would look changed.
fn stamp(story: &Story, words: &Words, catalog: &Catalog) -> String {
    let mut texts = Sha256::new();
    texts.update(words.texts(&["receipt-", "close-", "severity-", "value-", "report-truncated"]));
    texts.update(STYLE);
    for (item, definition) in story.items().collect::<BTreeSet<_>>() {
        let here = catalog.find(item, definition).is_some();
        texts.update(format!("{}\n{}\n{here}\n", item.0, definition.0));
    }
    let texts = to_hex(&texts.finalize()[..8]);
    format!("<meta name=\"generator\" content=\"{GENERATOR}\">\n<meta name=\"venia-texts\" content=\"{texts}\">\n")
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Es => "es",
    }
}

#[cfg(test)]
mod tests;
