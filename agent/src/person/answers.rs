//! What a typed line means. Pure.
//!
//! The shown words of either language, in any case; anything else means nothing and is asked again, because a guess
//! that turns into consent can't be taken back. Words of one question answer no other: a *yes* meant for the arrival
//! never allows anything. (COMMANDS.md, prompts)

use venia_proto::foreign::{Foreign, TEXT_MAX};

use super::{Answer, Asking, Ticks};

/// Longest time box a person can type, in minutes: grants end hard after eight hours. (SECURITY D2)
pub const MINUTES_MAX: u32 = 480;

/// A terminal asks for stars and a comment afterwards.
const SIGN: Answer = Answer::Sign { stars: None, comment: None };

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// STOP, whatever is asked.
    Stop,
    /// An answer to the question.
    Answer(Answer),
    /// Nothing was typed, which is no answer.
    Empty,
    /// Something else: ask again.
    Unclear,
    /// Longer than a record may hold.
    TooLong,
}

/// Reads a line; `asked` is the open question, if any.
pub fn read(asked: Option<Asking>, line: &str) -> Reading {
    let words = normal(line);
    let words: Vec<&str> = words.split_whitespace().collect();
    if stops(&words) {
        return Reading::Stop;
    }
    match asked {
        Some(Asking::Free) => free(line),
        _ if words.is_empty() => Reading::Empty,
        None => Reading::Unclear,
        Some(kind) => answer(kind, &words).map_or(Reading::Unclear, Reading::Answer),
    }
}

/// Whether a line is STOP, which it is whatever is asked.
pub fn is_stop(line: &str) -> bool {
    stops(&normal(line).split_whitespace().collect::<Vec<_>>())
}

fn stops(words: &[&str]) -> bool {
    matches!(words, ["stop" | "detener"])
}

fn answer(kind: Asking, words: &[&str]) -> Option<Answer> {
    match (kind, words) {
        (Asking::Arrival | Asking::Resume, ["yes" | "sí" | "si"]) => Some(Answer::Yes),
        (Asking::Arrival | Asking::Resume, ["no"]) => Some(Answer::No),
        (Asking::Consent { boxes: 1.., .. }, ["all" | "todo" | "todos" | "todas"]) => Some(Answer::Tick(Ticks::All)),
        (Asking::Consent { boxes: boxes @ 1.., .. }, [first, ..])
            if first.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            let numbers: Option<Vec<usize>> = words.iter().map(|word| box_number(word, boxes)).collect();
            numbers.map(|numbers| Answer::Tick(Ticks::Toggle(numbers)))
        }
        // Nothing is ticked: there is nothing to say yes to.
        (Asking::Consent { boxes: 1.., ticked: 0, .. }, ["allow" | "permitir", ..]) => None,
        (Asking::Consent { minutes, .. }, ["allow" | "permitir"]) => Some(Answer::Allow { minutes }),
        (Asking::Consent { .. }, ["allow" | "permitir", "until-stop" | "hasta-detener"]) => {
            Some(Answer::Allow { minutes: None })
        }
        (Asking::Consent { .. }, ["allow" | "permitir", number]) => {
            minutes(number).map(|minutes| Answer::Allow { minutes: Some(minutes) })
        }
        (Asking::Consent { .. }, ["deny" | "negar"]) => Some(Answer::Deny),
        (Asking::Preview, ["send" | "enviar"]) => Some(Answer::Send),
        (Asking::Preview, ["keep" | "guardar"]) => Some(Answer::Keep),
        (Asking::Sign, ["sign" | "firmar"]) => Some(SIGN),
        (Asking::Sign, ["not", "now"] | ["ahora", "no"]) => Some(Answer::NotNow),
        (
            Asking::Free | Asking::Arrival | Asking::Resume | Asking::Consent { .. } | Asking::Preview | Asking::Sign,
            _,
        ) => None,
    }
}

/// Digits only: `+10`, `1e1` and `10.5` are not what anybody reads aloud.
fn minutes(text: &str) -> Option<u32> {
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())??;
    (1..=MINUTES_MAX).contains(&number).then_some(number)
}

/// The number of a box, as it stands on the card; a comma may follow it.
fn box_number(word: &str, boxes: usize) -> Option<usize> {
    let digits = word.strip_suffix(',').unwrap_or(word);
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    (1..=boxes).contains(&number).then_some(number)
}

fn free(line: &str) -> Reading {
    let text = line.trim();
    if text.chars().nth(TEXT_MAX).is_some() {
        Reading::TooLong
    } else {
        Reading::Answer(Answer::Words((!text.is_empty()).then(|| Foreign::new(text))))
    }
}

/// Lower case, and the accent of *sí* in one piece: some keyboards send it in two.
fn normal(line: &str) -> String {
    line.to_lowercase().replace("i\u{301}", "í")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSENT: Asking = Asking::Consent { minutes: Some(30), boxes: 0, ticked: 0 };

    fn answered(kind: Asking, line: &str) -> Option<Answer> {
        match read(Some(kind), line) {
            Reading::Answer(answer) => Some(answer),
            Reading::Stop | Reading::Empty | Reading::Unclear | Reading::TooLong => None,
        }
    }

    #[test]
    fn the_shown_words_of_either_language_in_any_case() {
        let allow = |minutes| Some(Answer::Allow { minutes });
        for (kind, line, answer) in [
            (Asking::Arrival, "yes", Some(Answer::Yes)),
            (Asking::Arrival, "YES", Some(Answer::Yes)),
            (Asking::Arrival, "sí", Some(Answer::Yes)),
            (Asking::Arrival, "SÍ", Some(Answer::Yes)),
            (Asking::Arrival, "si\u{301}", Some(Answer::Yes)),
            (Asking::Arrival, "SI\u{301}", Some(Answer::Yes)),
            (Asking::Arrival, "Si", Some(Answer::Yes)),
            (Asking::Arrival, " no \r", Some(Answer::No)),
            (CONSENT, "allow", allow(Some(30))),
            (Asking::Consent { minutes: None, boxes: 0, ticked: 0 }, "allow", allow(None)),
            (Asking::Preview, "Send", Some(Answer::Send)),
            (Asking::Preview, "enviar", Some(Answer::Send)),
            (Asking::Preview, "keep", Some(Answer::Keep)),
            (Asking::Preview, "GUARDAR", Some(Answer::Keep)),
            (CONSENT, "Permitir", allow(Some(30))),
            (CONSENT, "allow 10", allow(Some(10))),
            (CONSENT, "permitir   10", allow(Some(10))),
            (CONSENT, "allow\t010", allow(Some(10))),
            (CONSENT, "allow 1", allow(Some(1))),
            (CONSENT, "allow 479", allow(Some(479))),
            (CONSENT, "allow 480", allow(Some(480))),
            (CONSENT, "allow until-stop", allow(None)),
            (CONSENT, "permitir hasta-detener", allow(None)),
            (CONSENT, "PERMITIR HASTA-DETENER", allow(None)),
            (CONSENT, "permitir until-stop", allow(None)),
            (CONSENT, "deny", Some(Answer::Deny)),
            (CONSENT, "NEGAR", Some(Answer::Deny)),
            (Asking::Sign, "sign", Some(SIGN)),
            (Asking::Sign, "Firmar", Some(SIGN)),
            (Asking::Sign, "not now", Some(Answer::NotNow)),
            (Asking::Sign, "Ahora  No", Some(Answer::NotNow)),
        ] {
            assert_eq!(answered(kind, line), answer, "{kind:?} {line:?}");
        }
    }

    #[test]
    fn anything_else_answers_nothing() {
        for (kind, lines) in [
            (
                Asking::Arrival,
                &["y", "ye", "yes!", "yes yes", "ok", "s", "nope", "allow", "sign", "1", "yes\u{200b}"][..],
            ),
            (
                CONSENT,
                &[
                    "yes",
                    "sí",
                    "no",
                    "a",
                    "allowed",
                    "allow 0",
                    "allow 481",
                    "allow -1",
                    "allow +1",
                    "allow 1.5",
                    "allow 10 min",
                    "allow 99999999999",
                    "allow forever",
                    "allow stop",
                    "allow allow",
                    "deny 10",
                    "deny no",
                    "allow１０",
                    "allow ١٠",
                    "a llow",
                    "sign",
                ][..],
            ),
            (Asking::Preview, &["yes", "allow", "send it", "no", "deny", "sen"][..]),
            (Asking::Sign, &["yes", "not", "now", "notnow", "not-now", "no", "ahora", "sign now", "allow"][..]),
        ] {
            for line in lines {
                assert_eq!(read(Some(kind), line), Reading::Unclear, "{kind:?} {line:?}");
            }
        }
    }

    #[test]
    fn empty_is_no_answer() {
        for kind in [Some(Asking::Arrival), Some(CONSENT), Some(Asking::Sign), None] {
            for line in ["", " ", "\t\r"] {
                assert_eq!(read(kind, line), Reading::Empty, "{kind:?}");
            }
        }
        assert_eq!(answered(Asking::Free, " "), Some(Answer::Words(None)));
    }

    #[test]
    fn numbers_toggle_boxes_within_their_number() {
        let of = |boxes, ticked| Asking::Consent { minutes: Some(30), boxes, ticked };
        let toggles = |numbers: &[usize]| Some(Answer::Tick(Ticks::Toggle(numbers.to_vec())));
        for (line, read) in [
            ("0", None),
            ("1", toggles(&[1])),
            ("9", toggles(&[9])),
            ("10", None),
            ("3 5, 7", toggles(&[3, 5, 7])),
            ("3 allow", None),
            ("3x", None),
            ("99999999999999999999999", None),
            ("all", Some(Answer::Tick(Ticks::All))),
            ("TODO", Some(Answer::Tick(Ticks::All))),
            ("all 3", None),
        ] {
            assert_eq!(answered(of(9, 1), line), read, "{line}");
            assert_eq!(answered(of(0, 0), line), None, "{line}");
        }
        assert_eq!(answered(of(9, 1), "allow 10"), Some(Answer::Allow { minutes: Some(10) }));
        assert_eq!(answered(of(9, 0), "allow"), None, "a yes to nothing");
        assert_eq!(answered(of(9, 0), "deny"), Some(Answer::Deny));
    }

    #[test]
    fn stop_is_stop_at_any_time() {
        for kind in [Some(Asking::Arrival), Some(CONSENT), Some(Asking::Sign), Some(Asking::Free), None] {
            for line in ["stop", "STOP", " Stop ", "detener", "DETENER", "stop\r"] {
                assert_eq!(read(kind, line), Reading::Stop, "{kind:?} {line:?}");
            }
            assert_ne!(read(kind, "stop it"), Reading::Stop);
            assert_ne!(read(kind, "don't stop"), Reading::Stop);
        }
        assert_eq!(read(None, "yes"), Reading::Unclear);
    }

    #[test]
    fn free_words_are_kept_up_to_the_limit() {
        let text = |n: usize| "ñ".repeat(n);
        for n in [TEXT_MAX - 1, TEXT_MAX] {
            assert_eq!(answered(Asking::Free, &text(n)), Some(Answer::Words(Some(Foreign::new(text(n))))));
        }
        assert_eq!(read(Some(Asking::Free), &text(TEXT_MAX + 1)), Reading::TooLong);
        assert_eq!(answered(Asking::Free, " No internet \r"), Some(Answer::Words(Some(Foreign::new("No internet")))));
    }
}
