//! The person's receipt: one self-contained page that can be kept, printed and read in ten years.
//!
//! Pure: a [`Story`] in, HTML out. No script, no link, nothing loaded from anywhere (its own policy forbids it), so that
//! opening it tells nobody. Everything in the story that somebody wrote is made visible and escaped. (SECURITY D4)
//!
//! It proves nothing by itself: the bundle beside it does, and `venia verify` says so.

use venia_proto::foreign::Foreign;
use venia_proto::id::SessionId;
use venia_proto::ledger::body::Language;
use venia_proto::ledger::kind::{Answer, Cause, Status};
use venia_proto::now::Wall;
use venia_proto::report::Text;

use crate::ending::ending;
use crate::units;
use crate::words::Words;

/// Answers faster than this, in milliseconds, are marked: nobody reads a card in a second. (UX.md, auditor 2)
pub const QUICK_MS: u64 = 1_000;

/// A session as the person should find it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Which session.
    pub session: SessionId,
    /// The technician's name.
    pub who: Foreign,
    /// Whom they work for.
    pub organisation: Foreign,
    /// When it began.
    pub opened: Wall,
    /// When and why it ended; `None` while it hasn't.
    pub closed: Option<(Wall, Cause)>,
    /// Every question and its answer, in order.
    pub answered: Vec<Answered>,
    /// Every item asked for, in order.
    pub ran: Vec<Ran>,
    /// What came of it, in the technician's words.
    pub outcome: Option<Foreign>,
    /// What happens next, in the technician's words.
    pub next: Option<Foreign>,
}

/// One question as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When it was answered.
    pub at: Wall,
    /// The exact text shown, as the consent event has it.
    pub shown: String,
    /// The answer.
    pub answer: Answer,
    /// Milliseconds between card and answer.
    pub took_ms: u64,
}

/// One item asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// When it ended or was refused.
    pub at: Wall,
    /// The definition's title; of an item that this computer doesn't have, its id on both sides.
    pub title: Text,
    /// How it ended; `None` if it was refused and never ran.
    pub status: Option<Status>,
}

/// The page, in the language of `words`.
pub fn receipt(story: &Story, words: &Words) -> String {
    let title = escaped(&words.say("receipt-title", &[]));
    let language = match words.language() {
        Language::En => "en",
        Language::Es => "es",
    };
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n<h1>{title}</h1>\n{}{}{}{}<footer>\n{}</footer>\n</main>\n</body>\n</html>\n",
        summary(story, words),
        answers(story, words),
        runs(story, words),
        last_words(story, words),
        ["receipt-times", "receipt-theirs", "receipt-limits"].map(|id| paragraph(&words.say(id, &[]))).concat(),
    )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#111;background:#fff;margin:0}\
main{max-width:46rem;margin:0 auto;padding:1.5rem}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;\
border-bottom:1px solid #bbb;overflow-wrap:anywhere}\
pre{font:14px/1.4 ui-monospace,monospace;white-space:pre-wrap;border:1px solid #bbb;padding:.75rem;margin:.5rem 0}\
footer{margin-top:2rem;color:#555;font-size:.9rem}\
@media print{main{max-width:none;padding:0}pre,tr{break-inside:avoid}h2{break-after:avoid}}";

fn summary(story: &Story, words: &Words) -> String {
    let mut rows = vec![
        ("receipt-who", story.who.visible()),
        ("receipt-organisation", story.organisation.visible()),
        ("receipt-opened", moment(story.opened)),
    ];
    match story.closed {
        Some((at, cause)) => {
            rows.push(("receipt-closed", moment(at)));
            rows.push(("receipt-ended-by", ending(cause, &story.who, words)));
        }
        None => rows.push(("receipt-closed", words.say("receipt-still-open", &[]))),
    }
    rows.push(("receipt-session", story.session.to_string()));
    let rows = rows
        .into_iter()
        .map(|(id, value)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(&words.say(id, &[])), escaped(&value)));
    format!("<dl>\n{}</dl>\n", rows.collect::<String>())
}

fn answers(story: &Story, words: &Words) -> String {
    let heading = heading("receipt-answers", words);
    if story.answered.is_empty() {
        return heading + &paragraph(&words.say("receipt-no-answers", &[]));
    }
    let blocks = story.answered.iter().map(|answered| {
        let answer = match answered.answer {
            Answer::Yes => words.say("receipt-yes", &[]),
            Answer::No => words.say("receipt-no", &[]),
            Answer::Silence => words.say("receipt-silence", &[]),
        };
        #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
        let mut took = units::duration(answered.took_ms as f64 / 1_000.0, words.language());
        if answered.took_ms < QUICK_MS && answered.answer != Answer::Silence {
            took = format!("{took} {}", words.say("receipt-quick", &[]));
        }
        let rows = [("receipt-when", moment(answered.at)), ("receipt-answer", answer), ("receipt-took", took)]
            .map(|(id, value)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(&words.say(id, &[])), escaped(&value)));
        format!(
            "<section>\n<pre aria-label=\"{}\">{}</pre>\n<dl>\n{}</dl>\n</section>\n",
            escaped(&words.say("receipt-asked", &[])),
            card(&answered.shown),
            rows.concat()
        )
    });
    heading + &blocks.collect::<String>()
}

fn runs(story: &Story, words: &Words) -> String {
    let heading = heading("receipt-ran", words);
    if story.ran.is_empty() {
        return heading + &paragraph(&words.say("receipt-nothing-ran", &[]));
    }
    let head = ["receipt-when", "receipt-what", "receipt-result"]
        .map(|id| format!("<th scope=\"col\">{}</th>", escaped(&words.say(id, &[]))));
    let rows = story.ran.iter().map(|ran| {
        let cells = [moment(ran.at), Foreign::new(words.of(&ran.title)).visible(), fate(ran.status, words)];
        format!("<tr>{}</tr>\n", cells.map(|cell| format!("<td>{}</td>", escaped(&cell))).concat())
    });
    format!(
        "{heading}<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
        head.concat(),
        rows.collect::<String>()
    )
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

fn last_words(story: &Story, words: &Words) -> String {
    [("receipt-outcome", &story.outcome), ("receipt-next", &story.next)]
        .into_iter()
        .filter_map(|(id, text)| {
            let quoted = words.say("receipt-quote", &[("text", text.as_ref()?)]);
            Some(heading(id, words) + &paragraph(&quoted))
        })
        .collect()
}

fn heading(id: &str, words: &Words) -> String {
    format!("<h2>{}</h2>\n", escaped(&words.say(id, &[])))
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

/// A recorded card: its line breaks are ours, everything else in it is made visible again.
fn card(shown: &str) -> String {
    shown.lines().map(|line| escaped(&Foreign::new(line).visible())).collect::<Vec<_>>().join("\n")
}

/// `2026-11-24 10:00:02`, UTC.
fn moment(at: Wall) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds).replace('T', " ")
}

/// Safe between tags and inside double quotes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests;
