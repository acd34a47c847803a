//! What the person's copy of the record says, in short: who, when, what was allowed, refused, run and sent, and the code by
//! which two people compare their copies.

use std::path::Path;

use maud::{Markup, html};
use venia_proto::catalog::Catalog;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::kind::{Answer, Status};
use venia_ui::story::{Ran, Story};
use venia_ui::words::Words;

/// The summary of that file; nothing if it can't be read, which the file's own verification says better.
pub(super) fn summary(bundle: &Path, words: &Words) -> Option<Markup> {
    let bundle = Bundle::from_zip(&std::fs::read(bundle).ok()?).ok()?;
    let catalog = Catalog::built_in().ok()?;
    Some(laid_out(&Story::of_bundle(&bundle, &catalog)?, words))
}

fn laid_out(story: &Story, words: &Words) -> Markup {
    let say = |id: &str| words.say(id, &[]);
    let moment =
        |at: venia_proto::now::Wall| at.to_string().replace('T', " ").chars().take(16).collect::<String>() + " UTC";
    let asked = |answer: Answer| story.answered.iter().filter(move |asked| asked.answer == answer).count();
    html! {
        h2 { (say("page-receipt")) }
        dl.facts {
            @for helper in &story.helpers {
                @if let Some((name, level)) = &helper.member {
                    dt { (say("page-receipt-who")) }
                    dd { (words.say("page-receipt-member", &[("name", name), ("organisation", &story.organisation), ("level", level)])) }
                }
            }
            dt { (say("page-receipt-from")) } dd { (moment(story.opened)) }
            @if let Some((at, _)) = story.closed { dt { (say("page-receipt-to")) } dd { (moment(at)) } }
            dt { (say("page-receipt-allowed")) } dd { (asked(Answer::Yes)) }
            dt { (say("page-receipt-refused")) } dd { (asked(Answer::No) + asked(Answer::Silence)) }
            dt { (say("page-receipt-code")) } dd { strong translate="no" { (story.code) } }
        }
        @if !story.ran.is_empty() {
            h2 { (say("page-receipt-ran")) }
            ul { @for ran in &story.ran { li { (words.of(&ran.title)) ": " (ended(ran, words)) } } }
        }
    }
}

fn ended(ran: &Ran, words: &Words) -> String {
    let id = match (ran.status, &ran.report) {
        (None, _) => "page-ran-refused",
        (Some(Status::Done | Status::Unknown), Some(_)) => "page-ran-sent",
        (Some(Status::Withheld), _) => "page-ran-kept",
        (Some(Status::Failed), _) => "page-ran-failed",
        (Some(Status::Killed | Status::Lost | Status::Late), _) | (Some(Status::Done | Status::Unknown), None) => {
            "page-ran-not-sent"
        }
    };
    words.say(id, &[])
}
