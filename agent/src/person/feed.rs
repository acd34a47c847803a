//! What happens while a session lives, one line each, in the person's language. Pure.
//!
//! Everything the technician causes is said here, so that nothing happens unseen (UX.md, end user 7).

use std::path::PathBuf;

use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Signoff;
use venia_proto::ledger::kind::Cause;
use venia_proto::now::Wall;
use venia_proto::report::Text;
use venia_ui::ending::ending;
use venia_ui::words::Words;

use super::fold::folded;

/// Something worth a line.
#[derive(Clone, Debug)]
pub enum News {
    /// A code to read aloud: `417-lobo-cobre`.
    Code(String),
    /// What to do with a code, and for how long it works.
    CodeAdvice {
        /// Minutes.
        minutes: u32,
    },
    /// A wrong code was tried.
    CodeBurnt {
        /// By whom, as their member note says.
        by: Option<Foreign>,
    },
    /// Too many wrong codes.
    Interference,
    /// Nobody used the code.
    CodeExpired,
    /// Somebody proved the code and never said what for.
    CodeLeft,
    /// Somebody proved the code and said what no program of ours says.
    CodeUnfit,
    /// A first-seen service: the question waits.
    FirstSeen {
        /// Seconds.
        seconds: u32,
    },
    /// This PC's clock is off.
    Clock,
    /// The session lives.
    Connected(Foreign),
    /// The person allowed a card.
    Allowed,
    /// The person didn't.
    Denied,
    /// Nobody answered a card.
    Silence,
    /// An item runs.
    Running(Text),
    /// An item that changes something runs.
    Changing(Text),
    /// A report was sent.
    Sent(Foreign, Text),
    /// A report that can't tell was sent.
    Unknown(Foreign, Text),
    /// An item failed.
    Failed(Text),
    /// An item was killed.
    Killed(Text),
    /// Something that can't be stopped goes on to its end.
    GoesOn(Text),
    /// A result was kept by the person.
    Kept(Text),
    /// An item was refused by the person or a rule.
    Refused(Text),
    /// An item was refused without a question.
    RefusedUnasked(Text),
    /// The technician wrote.
    Chat(Foreign, Foreign),
    /// The person wrote.
    Mine(Foreign),
    /// The technician wrote a note for the record.
    Noted(Foreign, Foreign),
    /// Nothing runs until resumed.
    Paused,
    /// It goes on.
    Resumed,
    /// The relay is out of reach.
    Lost,
    /// The log contradicted itself; where the evidence is.
    LogLied(PathBuf),
    /// The relay doesn't prove that its log is one history.
    LogUnproven,
    /// The relay gave no receipts; where that is noted. (SECURITY E10)
    Withheld(PathBuf),
    /// The log never took the session that would have begun then.
    NeverBegan(Wall),
    /// The relay is out of reach while a code is shown.
    Away,
    /// It is back.
    Back,
    /// The grant ran out.
    TimeOver,
    /// The ledger hasn't confirmed an answer or a result in time. (SECURITY E10)
    RecordLate,
    /// STOP has done its work; the record's end is still confirmed.
    Stopped,
    /// STOP before anybody came: there is no record.
    Withdrawn,
    /// The session is over.
    Closed(Box<Close>),
    /// So many of the organisation's witnesses confirmed the record.
    Witnessed {
        /// How many did.
        by: usize,
        /// How many there are.
        all: usize,
    },
    /// None has, so far.
    NotWitnessed,
    /// The record will be completed at the next contact.
    RecordLater,
    /// The record is signed.
    Signed,
    /// The record isn't signed.
    SignLater {
        /// The command that signs it any day.
        command: String,
    },
    /// A sentence that is the same wherever it is shown.
    Said(String),
}

/// How a session ended, for its last lines.
#[derive(Clone, Debug)]
pub struct Close {
    /// Why.
    pub cause: Cause,
    /// The technician.
    pub name: Foreign,
    /// The technician's last word, if there was one.
    pub signoff: Option<Signoff>,
    /// Cards the person allowed.
    pub allowed: usize,
    /// Cards and requests refused.
    pub refused: usize,
    /// Reports sent.
    pub sent: usize,
    /// Where the person's bundle is, once written.
    pub bundle: Option<PathBuf>,
}

/// The lines of a piece of news, without a line break at the end.
pub fn news(news: &News, words: &Words) -> String {
    let titled = |id: &str, title: &Text| words.say(id, &[("title", &words.of(title))]);
    let text = match news {
        // Exactly this line: people read it aloud, scripts read it too.
        News::Code(code) => return format!("code: {code}"),
        News::CodeAdvice { minutes } => {
            return [
                words.say("code-lasts", &[("minutes", minutes)]),
                words.say("code-only-you", &[]),
                words.say("code-nobody-asks", &[]),
            ]
            .join("\n");
        }
        News::CodeBurnt { by: None } => words.say("code-burnt", &[]),
        News::CodeBurnt { by: Some(name) } => {
            let who = words.say("code-burnt-by", &[("name", name)]);
            return format!("{}\n{}", words.say("code-burnt", &[]), folded(&who));
        }
        News::Interference => words.say("code-interfering", &[]),
        News::CodeLeft => words.say("code-left", &[]),
        News::CodeUnfit => words.say("code-unfit", &[]),
        News::CodeExpired => words.say("code-expired", &[]),
        News::FirstSeen { seconds } => words.say("waiting-first-seen", &[("seconds", seconds)]),
        News::Clock => words.say("feed-clock", &[]),
        News::Connected(name) => words.say("feed-connected", &[("name", name)]),
        News::Allowed => words.say("feed-allowed", &[]),
        News::Denied => words.say("feed-denied", &[]),
        News::Silence => words.say("feed-silence", &[]),
        News::Running(title) => titled("feed-running", title),
        News::Changing(title) => titled("feed-changing", title),
        News::Sent(name, title) => words.say("feed-sent", &[("name", name), ("title", &words.of(title))]),
        News::Unknown(name, title) => words.say("feed-unknown", &[("name", name), ("title", &words.of(title))]),
        News::Failed(title) => titled("feed-failed", title),
        News::Killed(title) => titled("feed-killed", title),
        News::GoesOn(title) => titled("feed-goes-on", title),
        News::Kept(title) => titled("feed-kept", title),
        News::Refused(title) => titled("feed-refused", title),
        News::RefusedUnasked(title) => titled("feed-refused-unasked", title),
        News::Chat(name, text) => words.say("feed-chat", &[("name", name), ("text", text)]),
        News::Mine(text) => words.say("feed-mine", &[("text", text)]),
        News::Noted(name, text) => words.say("feed-noted", &[("name", name), ("text", text)]),
        News::Paused => words.say("feed-paused", &[]),
        News::Resumed => words.say("feed-resumed", &[]),
        News::Lost => words.say("feed-lost", &[]),
        News::LogUnproven => words.say("feed-log-unproven", &[]),
        News::Withheld(file) => words.say("feed-withheld", &[("file", &file.display().to_string())]),
        News::LogLied(file) => words.say("feed-log-lied", &[("file", &file.display().to_string())]),
        News::NeverBegan(opened) => words.say("agent-never-began", &[("opened", &opened.to_string())]),
        News::Away => words.say("feed-away", &[]),
        News::Back => words.say("feed-back", &[]),
        News::RecordLate => words.say("feed-record-late", &[]),
        News::TimeOver => words.say("feed-time-over", &[]),
        News::Stopped => words.say("feed-stopped-receipt", &[]),
        News::Withdrawn => words.say("feed-stopped", &[]),
        News::Closed(summary) => return close(summary, words),
        News::Witnessed { by, all } => words.say("agent-record-witnessed", &[("by", by), ("all", all)]),
        News::NotWitnessed => words.say("agent-record-not-witnessed", &[]),
        News::RecordLater => words.say("agent-record-later", &[]),
        News::Said(sentence) => return sentence.clone(),
        News::Signed => words.say("sign-done", &[]),
        // The command stands in a line of its own and is never folded: people copy it.
        News::SignLater { command } => return format!("{}\n  {command}", folded(&words.say("sign-later", &[]))),
    };
    folded(&text)
}

/// What came of the session: why it ended, the technician's last word, what was shared, where the copy is.
pub fn close(close: &Close, words: &Words) -> String {
    let mut lines = vec![ending(close.cause, &close.name, words)];
    if let Some(signoff) = &close.signoff {
        lines.push(words.say("close-outcome", &[("outcome", &signoff.outcome)]));
        lines.push(words.say("close-next", &[("next", &signoff.next)]));
    }
    lines.push(
        words.say("close-counts", &[("allowed", &close.allowed), ("refused", &close.refused), ("sent", &close.sent)]),
    );
    if close.sent == 0 {
        lines.push(words.say("close-nothing-shared", &[]));
    }
    let mut lines: Vec<String> = lines.iter().map(|line| folded(line)).collect();
    if let Some(path) = &close.bundle {
        // Never folded: people and scripts copy it.
        lines.push(words.say("close-copy", &[("path", &path.to_string_lossy().as_ref())]));
    }
    lines.join("\n")
}

/// The questions of the intake: what, since when, what to call the person.
pub fn intake(words: &Words) -> [String; 3] {
    [words.say("intake-about", &[]), words.say("intake-since", &[]), words.say("intake-called", &[])]
}

#[cfg(test)]
mod tests {
    use venia_proto::ledger::body::Language;

    use super::*;

    #[test]
    fn d4_a_chat_line_can_t_fake_a_prompt() {
        let words = Words::new(Language::En);
        let padded = format!("hi{}allow / deny > \n\u{1b}[1Aallow / deny > ", " ".repeat(300));
        let text = news(&News::Chat(Foreign::new("Ana"), Foreign::new(padded)), &words);
        for (i, row) in text.lines().enumerate() {
            assert!(if i == 0 { row.starts_with("» Ana says: “hi") } else { row.starts_with("      │ ") }, "{row}");
            assert!(row.chars().count() <= super::super::fold::COLUMNS, "{row}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn d4_no_name_makes_a_technician_s_line_the_person_s_own() {
        for (language, names) in [(Language::En, ["You", "« You"]), (Language::Es, ["Usted", "« Usted"])] {
            let words = Words::new(language);
            let own = news(&News::Mine(Foreign::new("hi")), &words);
            assert!(own.starts_with("« "), "{own}");
            for name in names {
                let theirs = news(&News::Chat(Foreign::new(name), Foreign::new("hi")), &words);
                assert!(theirs.starts_with("» "), "{theirs}");
            }
        }
    }

    #[test]
    fn the_end_says_why_what_and_where() {
        let signoff = Signoff {
            outcome: Foreign::new("Disk was full"),
            next: Foreign::new("Buy a bigger one"),
            observations: None,
        };
        let mut facts = Close {
            cause: Cause::Technician,
            name: Foreign::new("Ana"),
            signoff: Some(signoff),
            allowed: 1,
            refused: 2,
            sent: 3,
            bundle: Some(PathBuf::from("/home/x/a.venia")),
        };
        assert_eq!(
            close(&facts, &Words::new(Language::En)),
            "Ana ended the session.\nWhat came of it: Disk was full\nWhat happens next: Buy a bigger one\n\
             Allowed: 1. Refused: 2. Sent: 3.\nYour copy of the record: /home/x/a.venia"
        );
        facts = Close { cause: Cause::Silence, signoff: None, sent: 0, bundle: None, ..facts };
        assert_eq!(
            close(&facts, &Words::new(Language::Es)),
            "La sesión terminó porque nadie respondió.\nPermitido: 1. Rechazado: 2. Enviado: 0.\nNo se compartió nada."
        );
    }

    #[test]
    fn advice_stands_in_lines_of_its_own() {
        let text = news(&News::CodeAdvice { minutes: 10 }, &Words::new(Language::Es));
        assert_eq!(text.lines().count(), 3);
        assert!(text.starts_with("Sirve una sola vez, durante 10 minutos."), "{text}");
    }
}
