//! What a press of a button says: which form it was, and which answer it gives. Pure.
//!
//! The words of one question answer no other: *it is them* never allows anything. Not here: whether the press counts, which
//! the scene decides.

use venia_proto::foreign::Foreign;
use venia_ui::page::Fields;

use super::super::answers::MINUTES_MAX;
use super::super::{Answer, Asking, Ticks};
use super::scene::Notice;

/// A form, as far as it matters here: whose page it is from, and whether it was made for this.
pub(super) struct Press<'a> {
    pub(super) view: u64,
    pub(super) form: &'a Fields,
    /// Whether its token is for what it does, shown with this text.
    pub(super) is_for: &'a dyn Fn(&str) -> bool,
}

/// Whether something leaves or may happen because of it.
pub(super) fn gives_away(answer: &Answer) -> bool {
    match answer {
        Answer::Yes | Answer::Allow { .. } | Answer::Send | Answer::Sign { .. } => true,
        Answer::No | Answer::Deny | Answer::Keep | Answer::NotNow | Answer::Tick(_) | Answer::Words(_) => false,
    }
}

/// What a form answers; `Err` if it answers nothing, and why.
pub(super) fn read(kind: Asking, form: &Fields) -> Result<Answer, Option<Notice>> {
    let answer = match (kind, form.get("do").unwrap_or("")) {
        (Asking::Arrival | Asking::Resume, "yes") => Answer::Yes,
        (Asking::Arrival | Asking::Resume, "no") => Answer::No,
        (Asking::Consent { boxes, .. }, word @ ("tick" | "allow")) if boxes > 0 => {
            let changed = changed_boxes(boxes, form);
            match (word, changed.is_empty()) {
                ("allow", true) => return allow(kind, form),
                // Nothing to show anew.
                (_, true) => return Err(None),
                // Other boxes than those the card was written for: it is written again, and then answered.
                (_, false) => Answer::Tick(Ticks::Toggle(changed)),
            }
        }
        (Asking::Consent { .. }, "allow") => return allow(kind, form),
        (Asking::Consent { boxes: 1.., .. }, "all") => Answer::Tick(Ticks::All),
        (Asking::Consent { .. }, "deny") => Answer::Deny,
        (Asking::Preview, "send") => Answer::Send,
        (Asking::Preview, "keep") => Answer::Keep,
        (Asking::Sign, "not-now") => Answer::NotNow,
        (Asking::Sign, "sign") => {
            let stars = form.get("stars").and_then(|stars| stars.parse().ok()).filter(|stars| (1..=5).contains(stars));
            let comment = form.get("comment").map(str::trim).filter(|text| !text.is_empty()).map(Foreign::text);
            let comment = comment.transpose().map_err(|_| Some(Notice::TooLong))?;
            Answer::Sign { stars, comment }
        }
        (Asking::Free, "say") => {
            let text = form.get("text").map(str::trim).filter(|text| !text.is_empty()).map(Foreign::text);
            Answer::Words(text.transpose().map_err(|_| Some(Notice::TooLong))?)
        }
        (
            Asking::Arrival | Asking::Resume | Asking::Consent { .. } | Asking::Preview | Asking::Sign | Asking::Free,
            _,
        ) => return Err(None),
    };
    Ok(answer)
}

fn allow(kind: Asking, form: &Fields) -> Result<Answer, Option<Notice>> {
    let Asking::Consent { minutes, boxes, ticked } = kind else { return Err(None) };
    if boxes > 0 && ticked == 0 {
        return Err(Some(Notice::NothingTicked));
    }
    let minutes = match form.get("time") {
        None => minutes,
        Some("until-stop") => None,
        Some(number) => {
            let number = number.parse().ok().filter(|number| (1..=MINUTES_MAX).contains(number));
            Some(number.ok_or(None)?)
        }
    };
    Ok(Answer::Allow { minutes })
}

/// The boxes that are ticked on the form and weren't on the card, or the other way round. The form says of each box how the
/// card had it (`was`), so that nothing has to be remembered here.
fn changed_boxes(boxes: usize, form: &Fields) -> Vec<usize> {
    let listed =
        |name: &'static str| -> Vec<usize> { form.all(name).filter_map(|number| number.parse().ok()).collect() };
    let (ticked, was) = (listed("box"), listed("was"));
    (1..=boxes).filter(|number| ticked.contains(number) != was.contains(number)).collect()
}

/// The time that was chosen when other boxes were ticked, for the card that is written anew.
pub(super) fn chosen_time(answer: &Answer, form: &Fields) -> Option<Option<u32>> {
    match answer {
        Answer::Tick(_) => match form.get("time") {
            None => None,
            Some("until-stop") => Some(None),
            Some(number) => number.parse().ok().map(Some),
        },
        Answer::Yes
        | Answer::No
        | Answer::Allow { .. }
        | Answer::Deny
        | Answer::Send
        | Answer::Keep
        | Answer::Sign { .. }
        | Answer::NotNow
        | Answer::Words(_) => None,
    }
}
