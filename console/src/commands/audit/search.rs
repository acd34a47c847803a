//! `venia audit search`: where words were said. The relay never hears them.

use std::collections::BTreeMap;

use serde_json::json;
use venia_proto::foreign::Foreign;
use venia_ui::failure::{Exit, Failure};
use venia_ui::terminal::{Ink, Screen};

use super::list::{self, Said};
use super::{Log, telling};
use crate::audit::index::Session;
use crate::audit::search::Query;
use crate::audit::words::Heard;
use crate::cli::Filters;
use crate::trouble;

/// What was looked through, by what became of it.
#[derive(Default)]
struct Through {
    opened: u64,
    shut: u64,
    lied: u64,
    nobody: u64,
    erased: u64,
    missing: u64,
}

pub(super) fn run(logs: &[Log], query: &Query, filters: &Filters, screen: &Screen) -> Result<Exit, Failure> {
    let words = screen.words();
    let (mut places, mut found, mut through) = (0_u64, 0_u64, Through::default());
    let mut buffer = String::new();
    let mut ordered: BTreeMap<(i64, &str), (&Log, &Session)> = BTreeMap::new();
    for log in logs {
        let fit = log.copy.sessions.values().filter(|session| list::fits(session, filters));
        ordered.extend(fit.map(|session| ((session.opened, session.session.as_str()), (log, session))));
    }
    for (log, session) in ordered.into_values() {
        let folder = |error| trouble::folder(&error, words);
        if !Said::new(log, filters, None).fits(session).map_err(folder)? {
            continue;
        }
        let Some(kept) = log.words.read(&session.session).map_err(folder)? else { continue };
        let mut here = 0;
        for record in kept.records() {
            through.count(record.heard);
            let Some(snippet) = query.find(&record, &mut buffer) else { continue };
            here += 1;
            let kind = record.kind.to_string();
            if screen.json() {
                screen.object(&json!({
                    "session": session.session, "entry": record.entry, "kind": kind,
                    "time": record.time, "snippet": snippet,
                }))?;
                continue;
            }
            if here == 1 {
                let title = words.say("audit-found-in", &[("session", &session.session)]);
                screen.line(&screen.style().ink(Ink::Strong, &title))?;
            }
            let (time, what) = (record.time.to_string(), telling::kind(record.kind, words));
            let snippet = Foreign::new(snippet);
            screen.line(&words.say(
                "audit-found",
                &[("entry", &record.entry), ("time", &time), ("kind", &what), ("snippet", &snippet)],
            ))?;
        }
        places += here;
        found += u64::from(here > 0);
    }
    screen.note(&words.say("audit-places", &[("places", &places), ("sessions", &found), ("parts", &through.opened)]));
    for (id, count) in through.closed() {
        if count > 0 {
            screen.note(&words.say(id, &[("count", &count)]));
        }
    }
    Ok(Exit::Done)
}

impl Through {
    fn count(&mut self, heard: Heard) {
        let count = match heard {
            Heard::Opened(_) => &mut self.opened,
            Heard::Shut => &mut self.shut,
            Heard::Lied => &mut self.lied,
            Heard::Nobody => &mut self.nobody,
            Heard::Erased => &mut self.erased,
            Heard::Missing => &mut self.missing,
        };
        *count += 1;
    }

    /// Sentences about what couldn't be searched.
    fn closed(&self) -> [(&'static str, u64); 5] {
        [
            ("audit-count-shut", self.shut),
            ("audit-count-nobody", self.nobody),
            ("audit-count-erased", self.erased),
            ("audit-count-missing", self.missing),
            ("audit-count-lied", self.lied),
        ]
    }
}
