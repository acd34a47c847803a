//! The few pieces of HTML the page is made of. Every text goes through [`escaped`] here, and nowhere else becomes markup.
//!
//! Values from outside must be made visible before they come here (`Foreign::visible`, or a sentence of `Words`): this is
//! about tags, not about what deceives the eye. (SECURITY D4)

use venia_proto::foreign::Foreign;
use venia_proto::now::Wall;

/// `2026-11-24 10:00:02`, UTC.
pub(super) fn moment(at: Wall) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds).replace('T', " ")
}

/// The number of an event as its file is named.
pub(super) fn number(entry: usize) -> String {
    format!("{entry:06}")
}

pub(super) fn heading(text: &str) -> String {
    format!("<h2>{}</h2>\n", escaped(text))
}

pub(super) fn subheading(text: &str) -> String {
    format!("<h3>{}</h3>\n", escaped(text))
}

pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

pub(super) fn soft(text: &str) -> String {
    format!("<p class=\"soft\">{}</p>\n", escaped(text))
}

/// Labels and values.
pub(super) fn list(rows: &[(String, String)]) -> String {
    let rows = rows.iter().map(|(label, value)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(label), escaped(value)));
    format!("<dl>\n{}</dl>\n", rows.collect::<String>())
}

/// How a column's cells look.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Breaks where it must.
    Text,
    /// A time: one line.
    Time,
    /// The number of an event.
    Number,
}

/// A table with a line of headings.
pub(super) fn table(head: &[(String, Column)], rows: &[Vec<String>]) -> String {
    let cells = head.iter().map(|(label, _)| format!("<th scope=\"col\">{}</th>", escaped(label)));
    let mut html = format!("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n", cells.collect::<String>());
    for row in rows {
        html.push_str("<tr>");
        for (cell, (_, column)) in row.iter().zip(head) {
            let class = match column {
                Column::Text => "",
                Column::Time => " class=\"t\"",
                Column::Number => " class=\"n\"",
            };
            html.push_str(&format!("<td{class}>{}</td>", escaped(cell)));
        }
        html.push_str("</tr>\n");
    }
    html + "</tbody>\n</table>\n"
}

/// A recorded card: its line breaks are ours, everything else in it is made visible again.
pub(super) fn card(shown: &str) -> String {
    shown.lines().map(|line| escaped(&Foreign::new(line).visible())).collect::<Vec<_>>().join("\n")
}

/// Safe between tags and inside double quotes.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
        safe
    })
}
