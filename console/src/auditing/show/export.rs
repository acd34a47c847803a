//! The record for other tools: into a folder, or as a file of what was chosen.

use maud::{Markup, html};
use venia_ui::page::act;

use super::{Sheet, failed, filters};
use crate::auditing::asked::{Asked, Wrong};
use crate::cli::Format;

/// The formats, as forms name them.
pub(in crate::auditing) const FORMATS: [(Format, &str); 4] =
    [(Format::Tiles, "tiles"), (Format::Jsonl, "jsonl"), (Format::Csv, "csv"), (Format::Ocsf, "ocsf")];

/// Files that a browser may keep.
const FILES: [&str; 4] = ["sessions.csv", "sessions.jsonl", "events.csv", "events.jsonl"];

/// What was typed, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auditing) enum Refused {
    /// A folder is named from the root on: whoever reads a page doesn't see where its program was started.
    NotAbsolute,
    /// No such format.
    Format,
    /// More events than a browser's file takes.
    TooMany,
}

impl Refused {
    fn id(self) -> &'static str {
        match self {
            Self::NotAbsolute => "auditing-export-absolute",
            Self::Format => "auditing-export-format-unknown",
            Self::TooMany => "auditing-export-many",
        }
    }
}

/// The page.
pub(in crate::auditing) fn page(
    sheet: &Sheet<'_>,
    asked: &Asked,
    wrong: Option<Wrong>,
    refused: Option<Refused>,
) -> String {
    let words = sheet.words;
    let form = html! {
        label for="format" { (sheet.text("auditing-export-format")) }
        select id="format" name="format" {
            @for (_, name) in FORMATS { option value=(name) { (words.say("auditing-format", &[("format", &name)])) } }
        }
        label for="out" { (sheet.text("auditing-export-folder")) }
        input id="out" name="out" type="text" required maxlength="4000" autocomplete="off" spellcheck="false" aria-describedby="out-rules";
        p.soft id="out-rules" { (sheet.text("auditing-export-rules")) }
        label.box { input type="checkbox" name="fetch" value="yes" checked; (sheet.text("auditing-export-fetch")) }
        p { button.main type="submit" { (sheet.text("auditing-export-write")) } }
    };
    let main = html! {
        p { (sheet.text("auditing-export-about")) }
        @if let Some(refused) = refused { p.warn role="alert" { (sheet.text(refused.id())) } }
        h2 { (sheet.text("auditing-export-whole")) }
        @if sheet.board.job.is_none() { (act(sheet.seal, "/export", "", &form)) }
        (written(sheet))
        h2 { (sheet.text("auditing-export-files")) }
        p { (sheet.text("auditing-export-chosen")) }
        (filters::form(sheet, "/export", asked, filters::Use::Saved))
        @match wrong {
            Some(wrong) => p.warn role="alert" { (wrong.say(words)) },
            None => ul {
                @for file in FILES {
                    li { a href=(asked.at(&format!("/download/{file}"))) download { (words.say("auditing-save", &[("file", &file)])) } }
                }
            },
        }
    };
    sheet.page(&sheet.text("auditing-export-title"), &main)
}

fn written(sheet: &Sheet<'_>) -> Markup {
    html! {
        @match &sheet.board.exported {
            Some(Ok(written)) => div.note role="status" {
                @for one in written {
                    @let out = one.out.display().to_string();
                    p {
                        @match one.added {
                            Some(added) => (sheet.words.say("audit-added", &[("added", &added), ("entries", &one.entries), ("out", &out)])),
                            None => (sheet.words.say("audit-exported", &[("entries", &one.entries), ("out", &out)])),
                        }
                    }
                }
            },
            Some(Err(failure)) => (failed(failure)),
            None => {}
        }
    }
}
