//! What is watched, drawn and in a table.

use maud::{Markup, html};
use venia_proto::ledger::body::ItemId;
use venia_proto::report::Value;
use venia_ui::page::{Chart, Point, Shape};
use venia_ui::units;

use super::series::{Sample, WATCHED};
use super::session::Session;
use super::show::Look;

/// Rows of a chart's table; the others are drawn only.
const ROWS: usize = 12;

/// The switch, and a chart for each figure that came.
pub(super) fn watched(session: &Session, look: &Look<'_>) -> Markup {
    let on = session.series.is_on();
    let any = WATCHED.iter().any(|(item, ..)| session.series.of(item).is_some());
    let switch = look.said(if on { "open-watch-stop" } else { "open-watch-start" });
    html! {
        @if session.is_open() || any {
            h2 { (look.said("open-watch")) }
        }
        @if session.is_open() {
            p.soft { (look.said("open-watch-what")) }
            (look.form("/watch", "watch", &html! { button type="submit" { (switch) } }))
        }
        @if on && session.series.is_nothing_allowed() { p.note role="status" { (look.said("open-watch-not-allowed")) } }
        @if any { div.columns { @for (item, _, title) in WATCHED {
            @if let Some(samples) = session.series.of(item) { (drawn(item, title, samples, look)) }
        } } }
    }
}

fn drawn<'s>(item: &str, title: &str, samples: impl IntoIterator<Item = &'s Sample>, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    let all: Vec<&Sample> = samples.into_iter().collect();
    let Some(last) = all.last() else { return html! {} };
    let points: Vec<Point> =
        all.iter().map(|sample| Point { label: sample.at.clock.clone(), value: Some(sample.value) }).collect();
    let shown = |value: f64| units::value(&number(value), &last.unit, words);
    // Shares have a natural top; counts have the largest one seen.
    let least = if last.unit == "%" { 100.0 } else { 1.0 };
    let title = look.said(title);
    let newest = shown(last.value);
    let text = words.say("open-chart-text", &[("title", &title), ("value", &newest), ("clock", &last.at.clock)]);
    html! {
        section {
            h3 { (title) ": " (newest) }
            (Chart {
                id: &item.replace('.', "-"),
                title: &title,
                about: &text,
                shape: Shape::Line,
                least,
                points: &points,
                written: &shown,
            }
            .draw())
            details id=(format!("t-{}", item.replace('.', "-"))) {
                summary { (words.say("open-chart-table", &[("title", &look.title(&ItemId(item.to_owned())))])) }
                table {
                    caption { (title) }
                    thead { tr { th scope="col" { (look.said("open-chart-when")) } th.n scope="col" { (look.said("open-chart-value")) } } }
                    tbody { @for sample in all.iter().rev().take(ROWS) {
                        tr { th scope="row" { (sample.at.clock) } td.n { (shown(sample.value)) } }
                    } }
                }
            }
        }
    }
}

/// Counts are whole numbers, shares have a decimal.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and saturates")]
    if value.fract() == 0.0 { Value::Integer(value as i64) } else { Value::from(value) }
}
