//! What a goal's reports mean together, for scripts and for people: the likely cause on top, then every finding, the worst
//! first.

use serde_json::{Value, json};
use venia_proto::catalog::{Catalog, Diagnosis, Goal, Likely, Ranked};
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::ItemId;
use venia_proto::report::Severity;
use venia_ui::report::severity;
use venia_ui::terminal::{Ink, Style};
use venia_ui::words::Words;

/// The event of a script's stream.
pub(super) fn event(goal: &Goal, diagnosis: &Diagnosis<'_>, missing: &[ItemId]) -> Value {
    let names = |found: &[Ranked<'_>]| found.iter().map(Ranked::name).collect::<Vec<_>>();
    let cause = |likely: &Likely<'_>| {
        let cause = likely.cause;
        json!({ "id": cause.id, "text": cause.text, "next": cause.next, "evidence": names(&likely.evidence) })
    };
    let finding = |found: &Ranked<'_>| json!({ "item": found.item.0, "finding": found.finding });
    json!({
        "event": "diagnosis", "goal": goal.id, "missing": missing,
        "causes": diagnosis.causes.iter().map(cause).collect::<Vec<_>>(),
        "findings": diagnosis.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// Lines for people, without the last line's end. What is fine isn't listed: it stands with its item above.
pub(super) fn text(
    goal: &Goal,
    (diagnosis, missing): (&Diagnosis<'_>, &[ItemId]),
    catalog: &Catalog,
    words: &Words,
    style: Style,
) -> String {
    let title = words.say("console-goal-title", &[("goal", &words.of(&goal.title))]);
    let mut lines = vec![String::new(), style.ink(Ink::Strong, &title)];
    if !missing.is_empty() {
        let titles: Vec<&str> =
            missing.iter().map(|id| catalog.get(id).map_or(id.0.as_str(), |item| words.of(&item.title))).collect();
        let items = titles.join("; ");
        lines.push(format!("  {}", words.say("console-goal-missing", &[("items", &items)])));
    }
    for (index, Likely { cause, .. }) in diagnosis.causes.iter().enumerate() {
        let id = if index == 0 { "console-goal-cause" } else { "console-goal-also" };
        lines.push(format!("  {}", words.say(id, &[("cause", &words.of(&cause.text))])));
        lines.push(format!("      {}", words.say("report-next", &[("next", &words.of(&cause.next))])));
    }
    if diagnosis.causes.is_empty() {
        lines.push(format!("  {}", words.say("console-goal-no-cause", &[])));
    }
    let bad: Vec<&Ranked<'_>> = diagnosis.findings.iter().filter(|found| found.is_bad()).collect();
    if !bad.is_empty() {
        lines.push(format!("  {}", words.say("console-goal-worst", &[])));
    }
    for found in bad {
        let item = catalog.get(found.item).map_or(found.item.0.as_str(), |item| words.of(&item.title));
        let severity = severity(found.finding.severity, words, style);
        // The other side filled the sentence's holes.
        let text = Foreign::new(words.of(&found.finding.text)).visible();
        lines.push(format!("    {severity}  {text}  ({item})"));
    }
    let unknown = diagnosis.findings.iter().filter(|found| found.finding.severity == Severity::Unknown).count();
    if unknown > 0 {
        lines.push(format!("  {}", words.say("console-goal-unknown-count", &[("count", &unknown)])));
    }
    lines.join("\n")
}
