//! What is watched, drawn and in a table.

use maud::{Markup, html};
use venia_proto::ledger::body::ItemId;
use venia_proto::report::Value;
use venia_ui::page::{Chart, chart};
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

fn drawn<'s>(
    item: &str,
    title: &str,
    samples: impl IntoIterator<Item = &'s Sample> + Clone,
    look: &Look<'_>,
) -> Markup {
    let words = &look.scene.words;
    let points: Vec<(f64, f64)> = samples.clone().into_iter().map(point).collect();
    let all: Vec<&Sample> = samples.into_iter().collect();
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return html! {} };
    let shown = |value: f64| units::value(&number(value), &last.unit, words);
    // Shares have a natural top; counts have the largest one seen.
    let most = points.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let top = if last.unit == "%" { 100.0 } else { most };
    let title = look.said(title);
    let newest = shown(last.value);
    let text = words.say("open-chart-text", &[("title", &title), ("value", &newest), ("clock", &last.at.clock)]);
    html! {
        section {
            h3 { (title) ": " (newest) }
            (chart(&Chart {
                id: &item.replace('.', "-"),
                title: &title,
                text: &text,
                points: &points,
                top: (&shown(top), top),
                ends: (&first.at.clock, &last.at.clock),
            }))
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

#[expect(clippy::cast_precision_loss, reason = "milliseconds of one session")]
fn point(sample: &Sample) -> (f64, f64) {
    (sample.at.ms as f64, sample.value)
}

/// Counts are whole numbers, shares have a decimal.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and saturates")]
    if value.fract() == 0.0 { Value::Integer(value as i64) } else { Value::from(value) }
}
