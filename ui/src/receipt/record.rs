//! The lower half of the page, what stands in the record: checks, answers, additions, signatures, and how to verify.

use venia_proto::foreign::Foreign;
use venia_proto::id::Strand;
use venia_proto::ledger::kind::{Addition, Answer, KindName, Why};

use super::markup::{Column, card, escaped, heading, list, moment, number, paragraph, soft, subheading, table};
use super::sections::{named, quoted, time};
use super::{QUICK_MS, fate};
use crate::story::{Added, Answered, Story};
use crate::words::Words;

/// Every item that was asked for, and its number in the record.
pub(super) fn runs(story: &Story, words: &Words) -> String {
    let heading = heading(&words.say("receipt-ran", &[]));
    if story.ran.is_empty() {
        return heading + &paragraph(&words.say("receipt-nothing-ran", &[]));
    }
    let head = [
        (words.say("receipt-entry", &[]), Column::Number),
        (words.say("receipt-when", &[]), Column::Time),
        (words.say("receipt-what", &[]), Column::Text),
        (words.say("receipt-result", &[]), Column::Text),
    ];
    let rows: Vec<Vec<String>> = story
        .ran
        .iter()
        .map(|ran| {
            let mut ended = fate(ran.status, words);
            if let Some(why) = ran.why {
                ended = format!("{ended}: {}", reason(why, words));
            }
            vec![number(ran.entry), moment(ran.at), Foreign::new(words.of(&ran.title)).visible(), ended]
        })
        .collect();
    heading + &table(&head, &rows)
}

fn reason(why: Why, words: &Words) -> String {
    match why {
        Why::OutsideGrant => words.say("receipt-why-outside-grant", &[]),
        Why::Level => words.say("receipt-why-level", &[]),
        Why::Arguments => words.say("receipt-why-arguments", &[]),
        Why::UnknownItem => words.say("receipt-why-unknown-item", &[]),
        Why::Repeated => words.say("receipt-why-repeated", &[]),
        Why::NoReceipt => words.say("receipt-why-no-receipt", &[]),
        Why::Paused => words.say("receipt-why-paused", &[]),
        Why::Policy => words.say("receipt-why-policy", &[]),
        Why::Limit => words.say("receipt-why-limit", &[]),
        Why::Stopped => words.say("receipt-why-stopped", &[]),
        Why::Person => words.say("receipt-why-person", &[]),
        Why::Unfenced => words.say("receipt-why-unfenced", &[]),
        Why::NotShown => words.say("receipt-why-not-shown", &[]),
    }
}

/// Every answer and how long it took.
pub(super) fn answers(story: &Story, words: &Words) -> String {
    let heading = heading(&words.say("receipt-answers", &[]));
    if story.answered.is_empty() {
        return heading + &paragraph(&words.say("receipt-no-answers", &[]));
    }
    let head = [
        (words.say("receipt-entry", &[]), Column::Number),
        (words.say("receipt-when", &[]), Column::Time),
        (words.say("receipt-answer", &[]), Column::Text),
        (words.say("receipt-took", &[]), Column::Text),
    ];
    let rows: Vec<Vec<String>> = story
        .answered
        .iter()
        .map(|answered| {
            vec![number(answered.entry), moment(answered.at), answer(answered.answer, words), took(answered, words)]
        })
        .collect();
    heading + &table(&head, &rows)
}

/// The questions exactly as they were shown, at the end because they are long.
pub(super) fn cards(story: &Story, words: &Words) -> String {
    if story.answered.is_empty() {
        return String::new();
    }
    let mut html = heading(&words.say("receipt-asked", &[]));
    for answered in &story.answered {
        let shown = if answered.shown.is_empty() {
            escaped(&quoted(None, story.hidden.contains(&KindName::Consent), words))
        } else {
            card(&answered.shown)
        };
        html.push_str(&format!("<pre aria-label=\"{0}\">{0}\n{shown}</pre>\n", number(answered.entry)));
    }
    html
}

fn answer(answer: Answer, words: &Words) -> String {
    match answer {
        Answer::Yes => words.say("receipt-yes", &[]),
        Answer::No => words.say("receipt-no", &[]),
        Answer::Silence => words.say("receipt-silence", &[]),
    }
}

fn took(answered: &Answered, words: &Words) -> String {
    let took = time(i64::try_from(answered.took_ms).unwrap_or(i64::MAX), words);
    if answered.took_ms < QUICK_MS && answered.answer != Answer::Silence {
        return format!("{took} {}", words.say("receipt-quick", &[]));
    }
    took
}

/// Rating, comment, corrections and reopenings; nothing if nothing was added.
pub(super) fn later(story: &Story, words: &Words) -> String {
    let blocks = story.added.iter().filter(|added| added.what != Addition::Signoff).map(|added| {
        let mut rows = vec![
            (words.say("receipt-entry", &[]), number(added.entry)),
            (words.say("receipt-when", &[]), moment(added.at)),
            (words.say("receipt-by", &[]), author(story, added.by, words)),
        ];
        if let Some(about) = added.about {
            rows.push((words.say("receipt-adds-to", &[]), number(about)));
        }
        let said = added.words.as_ref();
        if let Some(stars) = said.and_then(|said| said.stars) {
            let stars = stars.min(5);
            let drawn = "★".repeat(stars.into()) + &"☆".repeat((5 - stars).into());
            rows.push((words.say("receipt-stars", &[]), format!("{drawn} {stars}/5")));
        }
        for (label, text) in [
            (words.say("receipt-comment", &[]), said.and_then(|said| said.comment.as_ref())),
            (words.say("receipt-correction", &[]), said.and_then(|said| said.correction.as_ref())),
        ] {
            rows.extend(text.map(|text| (label, quoted(Some(text), false, words))));
        }
        if said.is_none() {
            rows.push((words.say("receipt-words", &[]), words.say("receipt-part-withheld", &[])));
        }
        subheading(&kind(added, words)) + &list(&rows)
    });
    let blocks: String = blocks.collect();
    if blocks.is_empty() { blocks } else { heading(&words.say("receipt-later", &[])) + &blocks }
}

fn kind(added: &Added, words: &Words) -> String {
    match added.what {
        Addition::Signoff => words.say("receipt-signed", &[]),
        Addition::Rating => words.say("receipt-rating", &[]),
        Addition::Correction => words.say("receipt-corrected", &[]),
        Addition::Reopening => words.say("receipt-reopened", &[]),
    }
}

fn author(story: &Story, by: Strand, words: &Words) -> String {
    match by {
        Strand::Agent => words.say("receipt-person", &[]),
        Strand::Technician(_) | Strand::Observer(_) => {
            let helper = story.helpers.iter().find(|helper| helper.strand == by);
            helper.map_or_else(|| by.to_string(), |helper| named(helper, story, words))
        }
    }
}

/// Who is responsible and who reports, each with what they signed; a missing signature is said.
pub(super) fn signatures(story: &Story, words: &Words) -> String {
    let mut blocks = String::new();
    for helper in &story.helpers {
        let rows = vec![
            (words.say("receipt-name", &[]), named(helper, story, words)),
            (words.say("receipt-key", &[]), helper.key.clone()),
        ];
        blocks.push_str(&signature(&words.say("receipt-responsible", &[]), rows, helper.signed, words));
    }
    let signed = story.added.iter().find(|added| added.by == Strand::Agent && added.what == Addition::Signoff);
    let rows = vec![
        (words.say("receipt-name", &[]), quoted(story.called.as_ref(), story.hidden.contains(&KindName::Open), words)),
        (words.say("receipt-key", &[]), story.agent_key.clone().unwrap_or_else(|| "?".to_owned())),
    ];
    let signed = signed.map(|added| (added.at, added.entry));
    blocks.push_str(&signature(&words.say("receipt-reports", &[]), rows, signed, words));
    format!("{}<div class=\"signatures\">\n{blocks}</div>\n", heading(&words.say("receipt-signatures", &[])))
}

fn signature(
    role: &str,
    mut rows: Vec<(String, String)>,
    signed: Option<(venia_proto::now::Wall, usize)>,
    words: &Words,
) -> String {
    let label = words.say("receipt-signature", &[]);
    match signed {
        Some((at, entry)) => {
            let signed = words.say("receipt-signed-at", &[("at", &moment(at)), ("entry", &number(entry))]);
            rows.push((label, signed));
        }
        None => rows.push((label, words.say("receipt-not-signed", &[]))),
    }
    format!("<section>\n<strong>{}</strong>\n{}</section>\n", escaped(role), list(&rows))
}

/// How a stranger finds out whether this is true, and what it can't say.
pub(super) fn check(story: &Story, words: &Words) -> String {
    let root = story.root.map_or_else(|| "?".to_owned(), |root| root.to_string());
    let session = &story.session;
    let (all, cosigned) = story.witnesses;
    let standing = if !story.recorded {
        words.say("receipt-unrecorded", &[])
    } else if cosigned > 0 {
        words.say("receipt-witnessed", &[("cosigned", &cosigned), ("all", &all)])
    } else {
        words.say("receipt-recorded-only", &[])
    };
    let mut html = heading(&words.say("receipt-check", &[]));
    html.push_str(&format!(
        "<p>{} <span class=\"code\">{}</span></p>\n",
        escaped(&words.say("receipt-code", &[])),
        escaped(&story.code)
    ));
    html.push_str(&paragraph(&words.say("receipt-code-same", &[])));
    let file = format!("session-{session}.zip");
    html.push_str(&paragraph(&words.say("receipt-how", &[("file", &file)])));
    html.push_str(&format!("<pre>venia verify {file} --root {root}</pre>\n"));
    html.push_str(&paragraph(&words.say("receipt-root", &[])));
    let rows = [
        (words.say("receipt-entries", &[]), story.entries.to_string()),
        (words.say("receipt-standing", &[]), standing),
        (words.say("receipt-parts", &[]), story.withheld.to_string()),
    ];
    html.push_str(&list(&rows));
    let notes = [
        words.say("receipt-times", &[]),
        words.say("receipt-theirs", &[]),
        words.say("receipt-limits", &[]),
        words.say("receipt-no-proof", &[]),
    ];
    html.push_str(&format!("<footer>\n{}</footer>\n", notes.iter().map(|note| soft(note)).collect::<String>()));
    html
}
