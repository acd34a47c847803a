//! Numbers as a picture: bars or a line, as SVG inside the page. Pure.
//!
//! No script, no style attribute (the page's policy refuses both), and never the only place of a number: whoever shows a
//! chart puts the same numbers into a table beside it. What isn't known isn't drawn: a gap is no zero.

use maud::{Markup, html};

/// Most points of a picture: the newest are drawn, for the table beside has them all.
pub const POINTS_MAX: usize = 120;

/// The picture's own units.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 472.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 160.0;
/// Labels under the axis, at most.
const LABELS: usize = 4;
/// Share of its place that a bar fills, and how broad it is at most: one bar alone is no wall.
const BAR: f64 = 0.7;
const BAR_MAX: f64 = 48.0;

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Counts: bars from zero.
    Bars,
    /// Measures: a line that breaks where nothing is known.
    Line,
}

/// A value, and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Under the axis: a day, a month.
    pub label: String,
    /// Its value; `None` if nothing is known.
    pub value: Option<f64>,
}

/// A picture of numbers.
pub struct Chart<'a> {
    /// Begins the ids of its parts: once in a page, and a word of ours.
    pub id: &'a str,
    /// What it shows, in a few words.
    pub title: &'a str,
    /// The same in a sentence or two, for whoever doesn't see it.
    pub about: &'a str,
    /// Bars or a line.
    pub shape: Shape,
    /// How far the axis reaches at least: small differences mustn't look like large ones.
    pub least: f64,
    /// In their order. Below zero counts as unknown.
    pub points: &'a [Point],
    /// Writes a value with its unit.
    pub written: &'a dyn Fn(f64) -> String,
}

impl Chart<'_> {
    /// The picture, with a frame and its title above.
    pub fn draw(&self) -> Markup {
        let points = self.points.get(self.points.len().saturating_sub(POINTS_MAX)..).unwrap_or(&[]);
        let known = |point: &Point| point.value.filter(|value| value.is_finite() && *value >= 0.0);
        let top = round_up(points.iter().filter_map(known).fold(self.least.max(0.0), f64::max));
        let step = (RIGHT - LEFT) / count(points.len().max(1));
        let placed: Vec<Place<'_>> = points
            .iter()
            .enumerate()
            .map(|(n, point)| {
                let x = LEFT + (count(n) + 0.5) * step;
                Place { x, point, value: known(point).map(|value| (value, BOTTOM - (BOTTOM - TOP) * value / top)) }
            })
            .collect();
        let (title, desc) = (format!("{}-title", self.id), format!("{}-desc", self.id));
        let names = format!("{title} {desc}");
        // Half of a count may be no count: that line has no number.
        let grid = [(Some(0.0), BOTTOM), (None, (BOTTOM + TOP) / 2.0), (Some(top), TOP)];
        html! {
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(names) {
                title id=(title) { (self.title) }
                desc id=(desc) { (self.about) }
                @for (value, y) in grid {
                    path d=(format!("M{} {}H{}", unit(LEFT), unit(y), unit(RIGHT))) stroke="currentColor" stroke-opacity=".25" {}
                    @if let Some(value) = value {
                        text x=(unit(LEFT - 6.0)) y=(unit(y + 4.0)) text-anchor="end" font-size="13" fill="currentColor" {
                            ((self.written)(value))
                        }
                    }
                }
                @match self.shape {
                    Shape::Bars => (self.bars(&placed, (step * BAR).min(BAR_MAX))),
                    Shape::Line => (self.line(&placed)),
                }
                (under(&placed))
            }
        }
    }

    fn bars(&self, placed: &[Place<'_>], width: f64) -> Markup {
        html! {
            @for place in placed {
                @if let Some((value, y)) = place.value {
                    rect x=(unit(place.x - width / 2.0)) y=(unit(y)) width=(unit(width)) height=(unit(BOTTOM - y)) fill="currentColor" {
                        title { (place.point.label) ": " ((self.written)(value)) }
                    }
                }
            }
        }
    }

    fn line(&self, placed: &[Place<'_>]) -> Markup {
        let mut path = String::new();
        let mut drawing = false;
        for place in placed {
            if let Some((_, y)) = place.value {
                path.push_str(&format!("{}{} {}", if drawing { 'L' } else { 'M' }, unit(place.x), unit(y)));
            }
            drawing = place.value.is_some();
        }
        html! {
            @if !path.is_empty() { path d=(path) fill="none" stroke="currentColor" stroke-width="2" {} }
            @for place in placed {
                @if let Some((value, y)) = place.value {
                    circle cx=(unit(place.x)) cy=(unit(y)) r="4" fill="currentColor" {
                        title { (place.point.label) ": " ((self.written)(value)) }
                    }
                }
            }
        }
    }
}

impl std::fmt::Debug for Chart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chart").field("id", &self.id).field("points", &self.points.len()).finish_non_exhaustive()
    }
}

/// Where a point lies: to the right, and, if it is known, its value and how far down.
struct Place<'a> {
    x: f64,
    point: &'a Point,
    value: Option<(f64, f64)>,
}

/// Labels under the axis; not every one where there are many.
fn under(placed: &[Place<'_>]) -> Markup {
    let every = placed.len().div_ceil(LABELS).max(1);
    html! {
        path d=(format!("M{} {}H{}", unit(LEFT), unit(BOTTOM), unit(RIGHT))) stroke="currentColor" {}
        @for place in placed.iter().step_by(every) {
            text x=(unit(place.x)) y=(unit(BOTTOM + 18.0)) text-anchor="middle" font-size="13" fill="currentColor" {
                (place.point.label)
            }
        }
    }
}

/// The next of 1, 2, 5, 10, 20 … that isn't smaller: an axis ends on a number people read at once.
fn round_up(value: f64) -> f64 {
    let mut power = 1.0;
    // Ends for every finite value: the power grows until it is infinite.
    while power * 10.0 < value {
        power *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|top| *top >= value).unwrap_or(value)
}

/// One digit behind the point: a picture needs no more, and what is the same stays the same, letter by letter.
fn unit(value: f64) -> String {
    format!("{value:.1}")
}

/// How many, as a measure. There are never more than [`POINTS_MAX`].
fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(shape: Shape, values: &[Option<f64>]) -> String {
        let points: Vec<Point> =
            values.iter().enumerate().map(|(n, value)| Point { label: format!("day {n}"), value: *value }).collect();
        let written = |value: f64| format!("{value} s");
        let chart = Chart { id: "c", title: "T", about: "A", shape, least: 0.0, points: &points, written: &written };
        chart.draw().into_string()
    }

    #[test]
    fn what_is_unknown_is_a_gap_and_no_zero() {
        let bars = drawn(Shape::Bars, &[Some(0.0), None, Some(2.0), Some(f64::NAN), Some(-1.0), Some(f64::INFINITY)]);
        assert_eq!(bars.matches("<rect").count(), 2, "{bars}");
        let line = drawn(Shape::Line, &[Some(1.0), Some(2.0), None, Some(3.0)]);
        assert_eq!(line.matches("<circle").count(), 3, "{line}");
        let drawn = line.split("d=\"").find(|part| part.starts_with('M') && part.contains('L')).unwrap();
        let drawn = drawn.split('"').next().unwrap();
        assert_eq!((drawn.matches('M').count(), drawn.matches('L').count()), (2, 1), "{drawn}");
        // In SVG nothing closes by itself: what stands after an open path would be inside it, and never drawn.
        for shape in [&bars, &line] {
            for tag in ["path", "rect", "circle", "text", "title"] {
                let (opened, closed) = (format!("<{tag} "), format!("</{tag}>"));
                let plain = shape.matches(&format!("<{tag}>")).count();
                assert_eq!(shape.matches(&opened).count() + plain, shape.matches(&closed).count(), "{tag}: {shape}");
            }
        }
        assert!(!self::drawn(Shape::Line, &[None]).contains("fill=\"none\""));
    }

    #[test]
    fn the_highest_bar_fills_the_picture_if_it_is_a_round_number() {
        let chart = drawn(Shape::Bars, &[Some(5.0), Some(2.5)]);
        assert!(chart.contains(&format!("height=\"{}\"", unit(BOTTOM - TOP))), "{chart}");
        assert!(chart.contains(&format!("height=\"{}\"", unit((BOTTOM - TOP) / 2.0))), "{chart}");
        assert!(chart.contains("day 0: 5 s") && chart.contains(">5 s</text>"), "{chart}");
        let points = [Point { label: "d".to_owned(), value: Some(1.0) }];
        let written = |value: f64| format!("{value} s");
        let chart = Chart {
            id: "c",
            title: "T",
            about: "A",
            shape: Shape::Bars,
            least: 5.0,
            points: &points,
            written: &written,
        };
        assert!(chart.draw().into_string().contains(">5 s</text>"), "the axis reaches that far");
    }

    #[test]
    fn an_axis_ends_on_a_round_number() {
        for (value, top) in
            [(0.0, 1.0), (0.3, 1.0), (1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (5.1, 10.0), (10.0, 10.0), (1_201.0, 2_000.0)]
        {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}");
        }
        assert!(round_up(f64::MAX) >= f64::MAX);
    }

    #[test]
    fn points_below_at_and_above() {
        for (given, kept) in [(POINTS_MAX - 1, POINTS_MAX - 1), (POINTS_MAX, POINTS_MAX), (POINTS_MAX + 1, POINTS_MAX)]
        {
            let chart = drawn(Shape::Bars, &vec![Some(1.0); given]);
            assert_eq!(chart.matches("<rect").count(), kept);
            assert!(chart.contains(&format!("day {}: ", given - 1)), "the newest is among them");
        }
        assert!(!drawn(Shape::Bars, &[]).contains("<rect"));
    }

    #[test]
    fn d4_no_label_becomes_markup_and_nothing_needs_a_style() {
        let hostile = "</title><script>alert(1)</script>\" onload=\"x";
        let points = [Point { label: hostile.to_owned(), value: Some(1.0) }];
        let written = |_: f64| hostile.to_owned();
        let chart = Chart {
            id: "c",
            title: hostile,
            about: hostile,
            shape: Shape::Line,
            least: 0.0,
            points: &points,
            written: &written,
        };
        let chart = chart.draw().into_string();
        assert!(!chart.contains("<script") && !chart.contains("onload=\"x") && !chart.contains(" style="), "{chart}");
        assert!(chart.contains("aria-labelledby=\"c-title c-desc\"") && chart.contains("<desc id=\"c-desc\">"));
    }
}
