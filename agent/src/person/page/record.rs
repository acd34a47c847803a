//! What the person's copy of the record says, in short: who, when, what was allowed, refused, run and sent, and the code by
//! which two people compare their copies.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use venia_proto::catalog::Catalog;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::kind::{Answer, Status};
use venia_proto::now::Wall;
use venia_ui::story::{Ran, Story};
use venia_ui::words::Words;

/// The summary of that file; nothing if it can't be read, which the file's own verification says better.
pub(super) fn summary(bundle: &Path, words: &Words) -> Option<Markup> {
    let bundle = Bundle::from_zip(&std::fs::read(bundle).ok()?).ok()?;
    Some(laid_out(&Story::of_bundle(&bundle, &Catalog::built_in())?, words))
}

fn laid_out(story: &Story, words: &Words) -> Markup {
    let say = |id: &str| words.say(id, &[]);
    let moment = |at: Wall| moment(at, &TimeZone::system(), words);
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

/// A time as its reader says it, by the clock on their wall; a receipt that is compared elsewhere needs the zone too.
fn moment(at: Wall, zone: &TimeZone, words: &Words) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at.ms()) else { return at.to_string() };
    let here = timestamp.to_zoned(zone.clone());
    let (day, month, year) = (i64::from(here.day()), i64::from(here.month()), here.year().to_string());
    let clock = here.strftime("%H:%M").to_string();
    let zone = here.strftime("%:z").to_string();
    words.say("page-moment", &[("day", &day), ("month", &month), ("year", &year), ("clock", &clock), ("zone", &zone)])
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

#[cfg(test)]
mod tests {
    use jiff::tz::offset;
    use venia_proto::ledger::body::Language;

    use super::*;

    #[test]
    fn a_time_is_said_as_its_reader_says_it() {
        let at: Wall = "2026-11-30T23:30:02.000Z".parse().unwrap();
        for (language, hours, said) in [
            (Language::En, 0, "30 November 2026, 23:30 (UTC+00:00)"),
            (Language::Es, 1, "1 de diciembre de 2026, 00:30 (UTC+01:00)"),
            (Language::En, -5, "30 November 2026, 18:30 (UTC-05:00)"),
        ] {
            assert_eq!(moment(at, &TimeZone::fixed(offset(hours)), &Words::new(language)), said);
        }
        for month in 1..=12 {
            let at: Wall = format!("2026-{month:02}-15T12:00:00.000Z").parse().unwrap();
            let said = [Language::En, Language::Es].map(|language| moment(at, &TimeZone::UTC, &Words::new(language)));
            assert!(said.iter().all(|said| said.contains(|letter: char| letter.is_lowercase())), "{said:?}");
        }
    }
}
