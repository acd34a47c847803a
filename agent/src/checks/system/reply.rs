//! What a program of the system said, or why it said nothing, as a line of evidence.

use crate::checks::tool::{Answer, Silence};

/// Longest first line of an error that is passed on; a sentence, not a text.
const WHY_MAX: usize = 160;

/// The output of a program that ended well, else why there is none.
pub(super) fn output(answer: Result<Answer, Silence>) -> Result<String, String> {
    match answer {
        Ok(answer) if answer.status == Some(0) => Ok(answer.output),
        Ok(answer) => Err(why(&answer.error)),
        Err(silence) => Err(silence.to_string()),
    }
}

/// The first line of what a program complained about.
pub(super) fn why(error: &str) -> String {
    let line = error.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    line.chars().take(WHY_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_ended_well_is_heard() {
        let answer = |status| Ok(Answer { status, output: "o".into(), error: "\n bad thing \nmore\n".into() });
        assert_eq!(output(answer(Some(0))), Ok("o".into()));
        assert_eq!(output(answer(Some(1))), Err("bad thing".into()));
        assert_eq!(output(answer(None)), Err("bad thing".into()));
        assert_eq!(output(Err(Silence::NotInstalled("x"))), Err("x is not installed".into()));
        assert_eq!(why(""), "no reason given");
        for (length, kept) in [(WHY_MAX - 1, WHY_MAX - 1), (WHY_MAX, WHY_MAX), (WHY_MAX + 1, WHY_MAX)] {
            assert_eq!(why(&"é".repeat(length)).chars().count(), kept);
        }
    }
}
