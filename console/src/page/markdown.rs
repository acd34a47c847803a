//! The session as Markdown, for a ticket. (CommonMark 0.31)
//!
//! Text from the other computer stands in it as text: whatever a Markdown reader might take for markup, a link or a picture
//! is escaped, and a cell can't end its row. (SECURITY D4)

use std::fmt::Write as _;

use venia_proto::foreign::Foreign;
use venia_proto::report::{Report, Table};
use venia_ui::report::{column, label, severity_words, title, unit_of};
use venia_ui::units;
use venia_ui::words::Words;

use super::feed;
use super::found::verdict;
use super::session::{Came, Session};
use super::show::Look;

/// The whole text.
pub(super) fn markdown(session: &Session, look: &Look<'_>) -> String {
    let words = &look.scene.words;
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("# {}\n", look.said("open-markdown-title")));
    line(format!("- {}: {}", look.said("open-reason"), foreign(&session.reason)));
    if let Some(goal) = &session.goal {
        line(format!("- {}: {}", look.said("open-goal"), plain(words.of(&goal.title))));
    }
    if let Some(id) = &session.id {
        line(format!("- {}: `{id}`", look.said("open-session")));
    }
    line(format!("- {}: {}", look.said("open-began"), plain(&session.began.clock)));
    if let Some(ended) = &session.ended {
        line(format!("- {}", plain(&crate::voice::closed(ended.cause, words))));
        if let Some(signoff) = &ended.signoff {
            line(format!("- {}: {}", look.said("open-outcome"), foreign(&signoff.outcome)));
            line(format!("- {}: {}", look.said("open-next"), foreign(&signoff.next)));
        }
        line(format!("- {}: {}", look.said("open-verdict"), plain(&verdict(ended, words))));
        if let Some(path) = &ended.bundle {
            line(format!("- {}: {}", look.said("open-bundle"), plain(&path.display().to_string())));
        }
    }
    let read = session.read();
    if let Some(goal) = session.goal.as_ref().filter(|_| !read.is_empty()) {
        let diagnosis = goal.diagnose(&read);
        line(format!("\n## {}\n", words.say("console-goal-title", &[("goal", &words.of(&goal.title))])));
        for (place, likely) in diagnosis.causes.iter().enumerate() {
            let id = if place == 0 { "console-goal-cause" } else { "console-goal-also" };
            line(format!("- **{}**", plain(&words.say(id, &[("cause", &words.of(&likely.cause.text))]))));
            line(format!("  {}", plain(&words.say("report-next", &[("next", &words.of(&likely.cause.next))]))));
        }
        if diagnosis.causes.is_empty() {
            line(format!("- {}", plain(&words.say("console-goal-no-cause", &[]))));
        }
    }
    let newest = session.newest();
    let mut found: Vec<_> =
        newest.iter().flat_map(|came| came.report.findings.iter().map(move |one| (*came, one))).collect();
    found.sort_by_key(|(_, one)| one.severity);
    if !found.is_empty() {
        line(format!("\n## {}\n", look.said("open-found")));
    }
    for (came, one) in found {
        let severity = severity_words(one.severity, words);
        line(format!("- **{severity}** {} ({})", plain(words.of(&one.text)), plain(&source(came, look))));
        if !one.evidence.is_empty() {
            line(format!("  {}", plain(&words.say("report-evidence", &[("evidence", &one.evidence)]))));
        }
        line(format!("  {}", plain(&words.say("report-next", &[("next", &words.of(&one.next))]))));
    }
    if !session.reports.is_empty() {
        line(format!("\n## {}", look.said("open-reports")));
    }
    for came in &session.reports {
        line(format!("\n### {}\n", plain(&source(came, look))));
        line(report(came, &came.report, look));
    }
    line(format!("\n## {}\n", look.said("open-happened")));
    for (_, at, what) in &session.feed {
        line(format!("- {} {}", at.clock, plain(&feed::line(what, look))));
    }
    text
}

fn source(came: &Came, look: &Look<'_>) -> String {
    format!("{}, {}", look.title(&came.item), came.at.clock)
}

fn report(came: &Came, filled: &Report, look: &Look<'_>) -> String {
    let (item, words) = (look.scene.catalog.get(&came.item), &look.scene.words);
    let mut text = String::new();
    for fact in &filled.facts {
        let value = units::value(&fact.value, &fact.unit, words);
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "- {}: {}", plain(&label(item, &fact.key, words)), plain(&value));
    }
    for filled in &filled.tables {
        let _ = writeln!(text, "\n**{}**\n", plain(&title(item, filled, words)));
        let heads: Vec<String> = filled.columns.iter().map(|key| plain(&column(item, filled, key, words))).collect();
        let _ = writeln!(text, "| {} |\n|{}", heads.join(" | "), " --- |".repeat(heads.len()));
        rows(&mut text, filled, words);
    }
    text
}

fn rows(text: &mut String, table: &Table, words: &Words) {
    for row in &table.rows {
        let cells = row.iter().zip(&table.columns).map(|(cell, key)| plain(&units::value(cell, unit_of(key), words)));
        let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

fn foreign(text: &Foreign) -> String {
    plain(&text.visible())
}

/// Text as Markdown shows it letter by letter, on one line.
fn plain(text: &str) -> String {
    let shown = Foreign::new(text).visible();
    let mut escaped = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            // Entities (section 2.5): some readers keep HTML and not the backslash before it.
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Backslash escapes (section 2.4).
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    // What some readers make a link of by themselves.
    escaped.replace("://", "\\://").replace("www.", "www\\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d4_nothing_becomes_markup_or_a_link() {
        for (text, shown) in [
            ("a | b", "a \\| b"),
            ("![x](http://evil)", "\\!\\[x\\]\\(http\\://evil\\)"),
            ("<b>\u{202e}\n# x", "&lt;b&gt;⟨202E⟩⟨000A⟩\\# x"),
            ("`x` *y* www.evil", "\\`x\\` \\*y\\* www\\.evil"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
