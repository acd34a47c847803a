//! The form a session begins with: code, reason, goal, kinds of things.
//!
//! Whoever fills it in sees how the person's card will read, in both languages: a technician who knows what the person
//! will read asks for less.

use std::collections::BTreeSet;

use maud::{Markup, html};
use venia_proto::catalog::{Goal, Item};
use venia_proto::foreign::REASON_MAX;
use venia_proto::ledger::body::Language;
use venia_proto::scope::Scope;
use venia_ui::words::Words;

use super::WORDS;
use super::show::{Look, failed, leave};

/// What a code looks like, for browsers; `proto` judges. (HTML, the `pattern` attribute)
const CODE: &str = r"\s*[1-9][0-9]{0,5}[\s\-]+[A-Za-z]{4,7}[\s\-]+[A-Za-z]{4,7}\s*";

pub(super) fn form(look: &Look<'_>) -> Markup {
    let scene = look.scene;
    let words = &scene.words;
    let Some(me) = &scene.member else {
        return html! {
            div.warn role="alert" {
                p { strong { (words.say("console-not-enrolled", &[])) } }
                p { (words.say("console-not-enrolled-hint", &[])) }
                p translate="no" { code { "venia enroll venia-invite-…" } }
            }
            p { a.button href="/" { (words.say("page-look-again", &[])) } }
            (leave(look))
        };
    };
    let draft = &scene.draft;
    let fields = html! {
        label for="code" { (look.said("open-code")) }
        p.soft id="code-help" { (look.said("open-code-help")) }
        input id="code" name="code" type="text" required maxlength="64" pattern=(CODE) autocomplete="off"
            autocapitalize="none" spellcheck="false" translate="no" list="code-words" data-complete=(WORDS)
            aria-describedby="code-help" placeholder="417-lobo-cobre" value=(draft.code);
        datalist id="code-words" {}
        label for="reason" { (look.said("open-reason-field")) }
        p.soft id="reason-help" { (look.said("open-reason-help")) }
        input id="reason" name="reason" type="text" required maxlength=(REASON_MAX) autocomplete="off"
            aria-describedby="reason-help" value=(draft.reason);
        fieldset.plain {
            legend { (look.said("open-goal")) }
            p.soft { (look.said("open-goal-help")) }
            label.box {
                input type="radio" name="goal" value="" checked[draft.goal.is_empty()];
                (look.said("open-goal-none"))
            }
            @for goal in &scene.goals { (self::goal(goal, me.level, look)) }
        }
        fieldset.plain {
            legend { (look.said("open-scopes")) }
            p.soft { (look.said("open-scopes-help")) }
            @for scope in Scope::ALL {
                label.box {
                    input type="checkbox" name="ask" value=(scope.name()) checked[draft.scopes.contains(&scope)];
                    (self::scope(scope, words))
                }
            }
        }
        p { button.main type="submit" { (look.said("open-begin")) } }
    };
    html! {
        p { (words.say("open-who", &[("name", &me.name), ("level", &me.level)])) }
        @if let Some(failure) = &scene.failure {
            (failed(failure, look))
            p.soft { (look.said("open-code-gone")) }
        }
        (look.form("/begin", "begin", &fields))
        (leave(look))
    }
}

fn goal(goal: &Goal, level: u8, look: &Look<'_>) -> Markup {
    let scene = look.scene;
    let items: Vec<&Item> = goal.items.iter().filter_map(|id| scene.catalog.get(id)).collect();
    let asked: Vec<&Item> = items.iter().copied().filter(|item| item.level <= level).collect();
    let left = items.len() - asked.len();
    html! {
        label.box {
            input type="radio" name="goal" value=(goal.id) checked[scene.draft.goal == goal.id];
            (scene.words.of(&goal.title))
        }
        details id=(format!("goal-{}", goal.id)) {
            summary { (scene.words.say("open-goal-items", &[("count", &asked.len())])) }
            @if left > 0 { p.soft { (scene.words.say("open-goal-left", &[("count", &left)])) } }
            ul { @for item in &asked { li {
                (scene.words.of(&item.title)) " " code.soft translate="no" { (item.id.0) }
            } } }
            p { strong { (look.said("open-card")) } }
            div.columns { @for words in &scene.both { (card(&asked, words)) } }
        }
    }
}

/// What the person will read, as their card says it.
fn card(items: &[&Item], words: &Words) -> Markup {
    let say = |id: &str| words.say(id, &[]);
    let received: BTreeSet<&str> = items.iter().map(|item| words.of(&item.discloses)).collect();
    let cannot: BTreeSet<&str> = items.iter().map(|item| words.of(&item.cannot)).collect();
    html! {
        section.card lang=(tag(words.language())) {
            p { strong { (say("consent-what")) } }
            ul { @for item in items {
                @let risk = words.risk(item.effect, item.personal);
                li { (words.say("consent-item", &[("risk", &risk), ("title", &words.of(&item.title))])) }
            } }
            p { strong { (say("consent-receive")) } }
            ul { @for what in received { li { (what) } } }
            p { strong { (say("consent-cannot")) } }
            p { (say("consent-changes-nothing")) }
            ul { @for what in cannot { li { (what) } } }
        }
    }
}

/// A language, as HTML names it.
pub(super) fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Es => "es",
    }
}

/// What a scope is, for the technician.
pub(super) fn scope(scope: Scope, words: &Words) -> String {
    let id = match scope {
        Scope::Hardware => "open-scope-hardware",
        Scope::System => "open-scope-system",
        Scope::Network => "open-scope-network",
        Scope::Security => "open-scope-security",
        Scope::Tasks => "open-scope-tasks",
        Scope::Live => "open-scope-live",
        Scope::Chat => "open-scope-chat",
        Scope::Repair => "open-scope-repair",
    };
    words.say(id, &[])
}
