//! How it went over time: pictures, and the same numbers in a table.

use std::collections::BTreeMap;

use maud::{Markup, html};
use venia_ui::page::{Chart, POINTS_MAX, Point, Shape};

use super::{Sheet, filters, lasted};
use crate::auditing::asked::{Asked, Wrong};
use crate::auditing::trends::Sums;

/// A picture: its name, bars or a line, how far its axis reaches at least, what it shows of a period, and how that is
/// written.
type Picture = (&'static str, Shape, f64, fn(&Sums) -> Option<u64>, fn(u64) -> String);

/// Least axes: one session, a second, five stars.
const ONE: f64 = 1.0;
const SECOND: f64 = 1_000.0;
const STARS: f64 = 500.0;

const PICTURES: [Picture; 6] = [
    ("sessions", Shape::Bars, ONE, |sums| Some(sums.sessions), |value| value.to_string()),
    ("refusals", Shape::Bars, ONE, |sums| Some(sums.denied + sums.unanswered), |value| value.to_string()),
    ("hasty", Shape::Bars, ONE, |sums| Some(sums.hasty), |value| value.to_string()),
    ("took", Shape::Line, SECOND, Sums::took, lasted),
    ("waited", Shape::Line, SECOND, Sums::waited, lasted),
    ("stars", Shape::Line, STARS, Sums::stars, hundredths),
];

/// The page.
pub(in crate::auditing) fn page(
    sheet: &Sheet<'_>,
    asked: &Asked,
    wrong: Option<Wrong>,
    sums: &BTreeMap<String, Sums>,
) -> String {
    let main = html! {
        p { (sheet.text("auditing-trends-about")) }
        (filters::form(sheet, "/trends", asked, filters::Use::Counted))
        @match wrong {
            Some(wrong) => p.warn role="alert" { (wrong.say(sheet.words)) },
            None => {
                @if sums.is_empty() { p { (sheet.words.say("audit-listed", &[("count", &0_u64)])) } }
                @else { (told(sheet, asked, sums)) }
            }
        }
    };
    sheet.page(&sheet.text("auditing-trends-title"), &main)
}

fn told(sheet: &Sheet<'_>, asked: &Asked, sums: &BTreeMap<String, Sums>) -> Markup {
    let unread: u64 = sums.values().map(|sums| sums.unread).sum();
    html! {
        @if sums.len() > POINTS_MAX { p { (sheet.words.say("auditing-trends-cut", &[("most", &POINTS_MAX)])) } }
        div.columns {
            @for picture in PICTURES {
                div {
                    h2 { (heading(sheet, picture.0)) }
                    (drawn(sheet, picture, sums))
                }
            }
        }
        @if unread > 0 { p.warn { (sheet.words.say("auditing-trends-unread", &[("count", &unread)])) } }
        h2 id="numbers" { (sheet.text("auditing-numbers")) }
        (table(sheet, asked, sums))
        p.soft { (sheet.text("auditing-trends-how")) }
    }
}

fn heading(sheet: &Sheet<'_>, name: &str) -> String {
    sheet.words.say("auditing-trend", &[("trend", &name)])
}

fn drawn(sheet: &Sheet<'_>, picture: Picture, sums: &BTreeMap<String, Sums>) -> Markup {
    let (name, shape, least, of, written) = picture;
    let points: Vec<Point> =
        sums.iter().map(|(begin, sums)| Point { label: begin.clone(), value: of(sums).map(measure) }).collect();
    let (title, about) = (heading(sheet, name), sheet.text("auditing-chart-beside"));
    let written = |value: f64| written(whole(value));
    let chart = Chart { id: name, title: &title, about: &about, shape, least, points: &points, written: &written };
    chart.draw()
}

fn table(sheet: &Sheet<'_>, asked: &Asked, sums: &BTreeMap<String, Sums>) -> Markup {
    let unknown = || sheet.text("auditing-unknown");
    let or_unknown = |value: Option<String>| value.unwrap_or_else(unknown);
    let columns =
        ["sessions", "allowed", "denied", "unanswered", "refused", "took", "hasty", "waited", "ratings", "stars"];
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby="numbers" {
            table aria-labelledby="numbers" {
                thead { tr {
                    th scope="col" { (sheet.words.say("auditing-column", &[("column", &"period")])) }
                    @for column in columns { th.n scope="col" { (heading(sheet, column)) } }
                } }
                tbody {
                    @for (begin, sums) in sums.iter().rev() {
                        tr {
                            th scope="row" { a href=(asked.within(begin).at("/")) { (begin) } }
                            td.n { (sums.sessions) }
                            td.n { (sums.allowed) }
                            td.n { (sums.denied) }
                            td.n { (sums.unanswered) }
                            td.n { (sums.refused) }
                            td.n { (or_unknown(sums.took().map(lasted))) }
                            td.n { (sums.hasty) }
                            td.n { (or_unknown(sums.waited().map(lasted))) }
                            td.n { (sums.ratings()) }
                            td.n { (or_unknown(sums.stars().map(hundredths))) }
                        }
                    }
                }
            }
        }
    }
}

/// A number of a picture; larger ones than that are drawn as that.
fn measure(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

/// The same back, without what is behind the point.
fn whole(value: f64) -> u64 {
    format!("{value:.0}").parse().unwrap_or(0)
}

/// Hundredths of a star: `4.50`.
fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}
