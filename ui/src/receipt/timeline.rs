//! The session as a picture: when it was asked, when something was done, when it paused and ended. Inline SVG, no script.
//!
//! Times are the events' own; a clock that went back is drawn at the edge and changes nothing.

use venia_proto::ledger::kind::{Answer, Status};
use venia_proto::now::Wall;

use super::markup::{escaped, moment};
use crate::story::{Story, Turn};
use crate::words::Words;

/// Most marks in a lane: a picture with more of them says nothing.
const MARKS_MAX: usize = 300;
/// Left end of the axis, in the picture's own units.
const LEFT: i64 = 120;
/// Right end of the axis.
const RIGHT: i64 = 690;
/// Heights of the three lanes and of the axis.
const LANES: [i64; 3] = [22, 52, 82];
const AXIS: i64 = 104;

const GOOD: &str = "#1a7f37";
const BAD: &str = "#b3261e";
const NEUTRAL: &str = "#17497a";

/// A mark on a lane. Shapes differ too, for whoever doesn't see colours.
enum Mark {
    /// A filled circle: allowed, done, began or ended.
    Dot(&'static str),
    /// A cross: refused, not allowed, failed, stopped.
    Cross,
    /// An empty circle: no answer, a pause.
    Ring,
}

/// The picture.
pub(super) fn timeline(story: &Story, words: &Words) -> String {
    let end = story.newest;
    let labels = [
        words.say("receipt-lane-questions", &[]),
        words.say("receipt-lane-checks", &[]),
        words.say("receipt-lane-session", &[]),
    ];
    let questions = story.answered.iter().map(|answered| {
        let mark = match answered.answer {
            Answer::Yes => Mark::Dot(GOOD),
            Answer::No => Mark::Cross,
            Answer::Silence => Mark::Ring,
        };
        (answered.at, mark)
    });
    let checks = story.ran.iter().map(|ran| {
        let mark = match ran.status {
            Some(Status::Done | Status::Unknown) => Mark::Dot(GOOD),
            Some(Status::Withheld) => Mark::Ring,
            None | Some(Status::Failed | Status::Killed | Status::Lost | Status::Late) => Mark::Cross,
        };
        (ran.at, mark)
    });
    let turns = story.turns.iter().map(|(at, kind)| {
        let mark = match kind {
            Turn::Stop => Mark::Cross,
            Turn::Pause => Mark::Ring,
            Turn::Resume => Mark::Dot(NEUTRAL),
        };
        (*at, mark)
    });
    let ends = [Some(story.opened), story.closed.map(|(at, _)| at)].into_iter().flatten();
    let session = ends.chain(story.added.iter().map(|added| added.at)).map(|at| (at, Mark::Dot(NEUTRAL))).chain(turns);

    let place = |at: Wall| place(at, story.opened, end);
    let mut picture = String::new();
    for (y, label) in LANES.into_iter().zip(&labels) {
        picture.push_str(&format!(
            "<text x=\"0\" y=\"{}\">{}</text><path d=\"M{LEFT} {y}H{RIGHT}\" stroke=\"#ccc\"/>\n",
            y + 4,
            escaped(label)
        ));
    }
    let lanes: [Vec<(Wall, Mark)>; 3] = [questions.collect(), checks.collect(), session.collect()];
    for (y, marks) in LANES.into_iter().zip(lanes) {
        for (at, mark) in marks.into_iter().take(MARKS_MAX) {
            picture.push_str(&drawn(&mark, place(at), y));
        }
    }
    format!(
        "<svg viewBox=\"0 0 720 128\" role=\"img\" aria-label=\"{}\" font-family=\"system-ui,sans-serif\" font-size=\"12\">\n\
         {picture}<path d=\"M{LEFT} {AXIS}H{RIGHT}\" stroke=\"#555\"/>\
         <text x=\"{LEFT}\" y=\"{y}\">{}</text><text x=\"{RIGHT}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n</svg>\n",
        escaped(&words.say("receipt-timeline", &[])),
        escaped(&moment(story.opened)),
        escaped(&moment(end)),
        y = AXIS + 16,
    )
}

fn place(at: Wall, from: Wall, to: Wall) -> i64 {
    let whole = i128::from(to.ms()) - i128::from(from.ms());
    if whole <= 0 {
        return LEFT;
    }
    let part = (i128::from(at.ms()) - i128::from(from.ms())).clamp(0, whole);
    // Both factors are small and the quotient is at most the width.
    LEFT + i64::try_from(part * i128::from(RIGHT - LEFT) / whole).unwrap_or(0)
}

fn drawn(mark: &Mark, x: i64, y: i64) -> String {
    match mark {
        Mark::Dot(colour) => {
            format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"{colour}\" fill-opacity=\".75\"/>\n")
        }
        Mark::Cross => {
            let (a, b, c, d) = (x - 5, y - 5, x + 5, y + 5);
            format!("<path d=\"M{a} {b}L{c} {d}M{a} {d}L{c} {b}\" stroke=\"{BAD}\" stroke-width=\"2.5\"/>\n")
        }
        Mark::Ring => {
            format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4.5\" fill=\"#fff\" stroke=\"#555\" stroke-width=\"2\"/>\n")
        }
    }
}
