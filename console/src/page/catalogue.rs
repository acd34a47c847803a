//! What can be run: looked for by words, each with its fields and its button.
//!
//! What changes the other computer is run one by one and never in a bundle; its undo stands before its button.

use maud::{Markup, html};
use venia_proto::catalog::{Accepts, Effect, Item, Parameter};
use venia_proto::fold::{find, fold};
use venia_proto::foreign::Foreign;
use venia_proto::scope::Area;

use super::scene::PARAMETER;
use super::session::Session;
use super::show::Look;

/// Most items shown at once.
const SHOWN: usize = 40;

/// The search and what it found.
pub(super) fn catalogue(session: &Session, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    let found = looked_for(look);
    html! {
        h2 id="catalogue-title" { (look.said("open-catalogue")) }
        // Only shows: a query in the address, which a script needn't send.
        form method="get" action="/" role="search" data-plain {
            label for="q" { (look.said("open-search")) }
            input id="q" name="q" type="search" maxlength="80" autocomplete="off" value=(look.query) data-key=[look.key("s")];
            p.row {
                button type="submit" { (look.said("open-search-go")) }
                @for area in Area::ALL { " " a.button href=(format!("/?q={}", area.scope().name())) { (self::area(area, look)) } }
            }
        }
        @if !look.query.is_empty() {
            p role="status" { (words.say("open-search-found", &[("count", &found.len())])) }
            ul.found { @for item in found.iter().take(SHOWN) { li { (one(item, session, look)) } } }
            @if found.len() > SHOWN { p.soft { (words.say("report-truncated", &[("shown", &SHOWN), ("total", &found.len())])) } }
        }
    }
}

/// Items that have every word in their name, title, or what they disclose, in either language.
fn looked_for<'s>(look: &Look<'s>) -> Vec<&'s Item> {
    let wanted: Vec<String> = look.query.split_whitespace().map(fold).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let has = |item: &&Item| {
        let Item { id, title, discloses, .. } = item;
        let text = [&id.0, &title.en, &title.es, &discloses.en, &discloses.es].map(String::as_str).join("\n");
        wanted.iter().all(|word| find(&text, word).is_some())
    };
    look.scene.catalog.items().filter(has).collect()
}

fn one(item: &Item, session: &Session, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    let level = look.scene.member.as_ref().map_or(0, |member| member.level);
    let risk = match (item.effect, item.personal) {
        (Effect::Changes, _) => "risk changes",
        (Effect::Reads, true) => "risk personal",
        (Effect::Reads, false) => "risk reads",
    };
    let visible = |text: &str| Foreign::new(text).visible();
    let does = format!("run {}", item.id.0);
    let name = format!("i-{}", item.id.0.replace('.', "-"));
    let fields = html! {
        input type="hidden" name="item" value=(item.id.0);
        @for parameter in &item.parameters { (field(parameter, &name, look)) }
        p { button type="submit" aria-describedby=(name) {
            (look.said(if item.effect == Effect::Changes { "open-run-change" } else { "open-run" }))
        } }
    };
    html! {
        p id=(name) { strong { (visible(words.of(&item.title))) } " " span class=(risk) { (words.risk(item.effect, item.personal)) } }
        p.soft { code translate="no" { (item.id.0) } " · " (words.say("open-item-level", &[("level", &item.level)])) }
        p.soft { (visible(words.of(&item.discloses))) }
        @if let Some(described) = &item.described {
            p.soft { (words.say("consent-described", &[("organisation", &described.organisation)])) }
        }
        @if let Some(change) = &item.change {
            p { strong { (look.said("open-undo")) } " " (visible(words.of(&change.undo))) }
            p.soft { (look.said("open-change-asked")) }
        }
        @if item.level > level {
            p.note { (words.say("open-needs-level", &[("level", &item.level)])) }
        } @else if session.runs.iter().any(|run| run.item == item.id) {
            p.note role="status" { (look.said("open-under-way")) }
        } @else if session.is_open() {
            (look.form("/run", &does, &fields))
        }
    }
}

fn field(parameter: &Parameter, name: &str, look: &Look<'_>) -> Markup {
    let words = &look.scene.words;
    let (id, given) = (format!("{name}-{}", parameter.name), format!("{PARAMETER}{}", parameter.name));
    let title = Foreign::new(words.of(&parameter.title)).visible();
    match &parameter.accepts {
        Accepts::Integer { min, max, unit } => html! {
            label for=(id) { (title) @if !unit.is_empty() { " (" (Foreign::new(unit.as_str()).visible()) ")" } }
            input id=(id) name=(given) type="number" min=(min) max=(max) step="1" required value=(parameter.default);
            p.soft { (words.say("open-between", &[("min", min), ("max", max)])) }
        },
        Accepts::Choice(choices) => html! {
            label for=(id) { (title) }
            select id=(id) name=(given) { @for choice in choices {
                option value=(choice) selected[*choice == parameter.default] { (Foreign::new(choice.as_str()).visible()) }
            } }
        },
    }
}

fn area(area: Area, look: &Look<'_>) -> String {
    look.said(match area {
        Area::Hardware => "open-area-hardware",
        Area::System => "open-area-system",
        Area::Network => "open-area-network",
        Area::Security => "open-area-security",
        Area::Tasks => "open-area-tasks",
    })
}
