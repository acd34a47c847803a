//! `docs/catalogue.md`, made from the catalogue: everything that can run on a person's PC, on one page, in both languages.
//!
//! A test compares the page with what this makes; `VENIA_BLESS=1` writes it.

use std::fmt::Write;

use venia_proto::catalog::{Accepts, Catalog, Change, Effect, Goal, Item, Needs, Performer, Talk};
use venia_proto::ledger::body::Language;
use venia_proto::report::Text;
use venia_proto::scope::Area;
use venia_ui::words::Words;

/// The whole page.
pub fn page(catalog: &Catalog, goals: &[Goal]) -> String {
    let mut page = HEAD.to_owned();
    let count = |effect| catalog.items().filter(|item| item.effect == effect).count();
    let (reads, changes) = (count(Effect::Reads), count(Effect::Changes));
    let _ = writeln!(
        page,
        "{reads} items look and {changes} change something · {reads} revisiones miran y {changes} cambian algo\n"
    );
    let _ = writeln!(page, "| area | looks | changes |\n| --- | --- | --- |");
    for area in Area::ALL {
        let of = |effect| catalog.items().filter(|item| item.area == area && item.effect == effect).count();
        let _ = writeln!(page, "| [{area}](#{area}) | {} | {} |", of(Effect::Reads), of(Effect::Changes));
    }
    page.push_str(GOALS);
    for goal in goals {
        let items: Vec<String> = goal.items.iter().map(|id| format!("`{}`", id.0)).collect();
        let _ = writeln!(page, "| `{}` | {} | {} | {} |", goal.id, goal.title.en, goal.title.es, items.join(" "));
    }
    for area in Area::ALL {
        let _ = writeln!(page, "\n## {area}");
        catalog.items().filter(|item| item.area == area).for_each(|item| page.push_str(&section(item)));
    }
    page
}

const HEAD: &str = "# The catalogue · El catálogo

Everything that can run on a person's computer; nothing else can. Each item is one file below `proto/catalog/`, and the
hash of its exact bytes stands in the person's consent. This page is made from those files.

Todo lo que se puede ejecutar en el equipo de una persona; nada más. Esta página se genera a partir de esos archivos.

*reads personal data* waits for the person's look before it leaves · *lee datos personales* espera a que la persona lo vea antes de enviarse.

";

const GOALS: &str = "
## Goals · Objetivos

`venia join CODE --goal NAME` asks for all of a goal's items on one card, and ranks what they find.

| goal | en | es | items |
| --- | --- | --- | --- |
";

fn section(item: &Item) -> String {
    let effect = match (item.effect, item.personal) {
        (Effect::Reads, false) => "reads · lee",
        (Effect::Reads, true) => "reads personal data · lee datos personales",
        (Effect::Changes, _) => "changes · cambia",
    };
    let mut text = format!(
        "\n### `{}`\n\n{effect} · level · nivel {} · {} s\n\n",
        item.id.0,
        item.level,
        item.deadline_ms / 1_000
    );
    for language in [Language::En, Language::Es] {
        let words = Words::new(language);
        let of = |text: &Text| words.of(text).to_owned();
        let language = if language == Language::En { "en" } else { "es" };
        let _ =
            writeln!(text, "- **{language}** {}. *{}.* {}.", of(&item.title), of(&item.discloses), of(&item.cannot));
    }
    for parameter in &item.parameters {
        let accepts = match &parameter.accepts {
            Accepts::Integer { min, max, unit } => format!("{min} to {max} {unit}"),
            Accepts::Choice(words) => words.join(", "),
        };
        let (name, default) = (&parameter.name, &parameter.default);
        let _ = writeln!(
            text,
            "- `{name}`: {} · {} ({}; {default})",
            parameter.title.en,
            parameter.title.es,
            accepts.trim()
        );
    }
    item.change.iter().for_each(|change| text.push_str(&repair(change)));
    text.push_str(&needs(&item.needs));
    text
}

/// What a change's card says beyond others.
fn repair(change: &Change) -> String {
    let (by, by_es) = match change.by {
        Performer::Account => ("this account", "esta cuenta"),
        Performer::Administrator => ("the administrator", "el administrador"),
    };
    let (stop, stop_es) = if change.interruptible {
        ("can be stopped", "se puede detener")
    } else {
        ("can't be stopped", "no se puede detener")
    };
    format!(
        "- shown by · lo muestra: `{}`; about · unos {} s; {stop} · {stop_es}; done by {by} · lo hace {by_es}\n\
         - undo: {} · deshacer: {}\n",
        change.preview.0, change.seconds, change.undo.en, change.undo.es
    )
}

fn needs(needs: &Needs) -> String {
    let code = |list: &[String]| list.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
    let mut parts = Vec::new();
    if !needs.reads.is_empty() {
        parts.push(format!("files {}", code(&needs.reads)));
    }
    if !needs.writes.is_empty() {
        parts.push(format!("deletes in {}", code(&needs.writes)));
    }
    if !needs.tools.is_empty() {
        parts.push(format!("programs {}", code(&needs.tools)));
    }
    let talks = needs.talks.iter().map(|talk| match talk {
        Talk::Services => "services of this computer",
        Talk::Kernel => "the kernel's network tables",
        Talk::Network => "the network",
    });
    parts.extend(talks.map(str::to_owned));
    if needs.processes {
        parts.push("what other programs keep open".to_owned());
    }
    if needs.connection {
        parts.push("this session's own connection, measured by the agent".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!("- touches · toca: {}\n", parts.join("; ")) }
}
