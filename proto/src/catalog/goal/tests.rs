use super::*;
use crate::report::Draft;

fn catalog() -> Catalog {
    Catalog::built_in()
}

/// A goal over real items, so that its rules are those of shipped ones.
fn slow() -> Goal {
    Goal::parse(FILE, &catalog()).unwrap()
}

const FILE: &str = r#"{"id":"slow","title":{"en":"t","es":"t"},"items":["system.memory","system.disk-space"],"causes":[
    {"id":"memory","text":{"en":"m","es":"m"},"next":{"en":"n","es":"n"},"evidence":["system.memory/memory-exhausted"]},
    {"id":"disk","text":{"en":"d","es":"d"},"next":{"en":"n","es":"n"},"evidence":["system.disk-space/disk-full"]}]}"#;

/// A report with these findings, told by the item's own definition.
fn report(item: &str, findings: &[(Severity, &str)]) -> (ItemId, Report) {
    let mut draft = Draft::default();
    for (severity, id) in findings {
        draft.finding(*severity, id, &[], "e");
    }
    let id = ItemId(item.to_owned());
    let told = catalog().get(&id).unwrap().tell(draft);
    assert_eq!(told.findings.len(), findings.len(), "declared");
    (id, told)
}

fn names(found: &[Ranked<'_>]) -> Vec<String> {
    found.iter().map(Ranked::name).collect()
}

#[test]
fn the_built_in_goals_open_and_speak_both_languages() {
    let goals = Goal::built_in(&catalog()).unwrap();
    assert!(!goals.is_empty());
    for goal in &goals {
        let causes = goal.causes.iter().flat_map(|cause| [&cause.text, &cause.next]);
        for text in causes.clone().chain([&goal.title]) {
            assert!(!text.en.is_empty() && !text.es.is_empty() && text.en != text.es, "{}: {text:?}", goal.id);
        }
        for text in causes {
            for language in [&text.en, &text.es] {
                let longest = language.split(['.', ';', ':']).map(|s| s.split_whitespace().count()).max();
                assert!(longest <= Some(15) && language.ends_with('.'), "{}: {language}", goal.id);
            }
        }
    }
    let ids: BTreeSet<&str> = goals.iter().map(|goal| goal.id.as_str()).collect();
    assert_eq!(ids.len(), goals.len());
}

#[test]
fn the_worst_is_first_and_then_what_the_likeliest_cause_explains() {
    let reports = [
        report("system.disk-space", &[(Severity::Critical, "disk-full"), (Severity::Warning, "entries-nearly-full")]),
        report("system.memory", &[(Severity::Critical, "memory-exhausted")]),
    ];
    let goal = slow();
    let diagnosis = goal.diagnose(&reports);
    let expected =
        ["system.memory/memory-exhausted", "system.disk-space/disk-full", "system.disk-space/entries-nearly-full"];
    assert_eq!(names(&diagnosis.findings), expected);
    let causes: Vec<&str> = diagnosis.causes.iter().map(|likely| likely.cause.id.as_str()).collect();
    assert_eq!(causes, ["memory", "disk"]);
    assert_eq!(names(&diagnosis.causes[1].evidence), ["system.disk-space/disk-full"]);
}

#[test]
fn worse_evidence_outranks_the_files_order() {
    let reports = [
        report("system.disk-space", &[(Severity::Critical, "disk-full")]),
        report("system.memory", &[(Severity::Warning, "memory-exhausted")]),
    ];
    let goal = slow();
    assert_eq!(goal.diagnose(&reports).causes[0].cause.id, "disk");
}

#[test]
fn what_is_fine_or_unknown_points_to_nothing() {
    let reports = [report("system.disk-space", &[(Severity::Ok, "disk-full"), (Severity::Unknown, "disk-full")])];
    let goal = slow();
    assert_eq!(goal.diagnose(&reports).causes, []);
    assert_eq!(goal.diagnose(&[]).findings, []);
}

#[test]
fn a_goal_that_breaks_a_rule_is_none() {
    for (what, with) in [
        (r#""system.memory","system.disk-space""#, ""),
        (r#""system.disk-space"]"#, r#""system.disk-space","system.memory"]"#),
        (r#""system.disk-space"]"#, r#""system.disk-space","system.nothing"]"#),
        ("system.memory/memory-exhausted", "system.memory/nothing"),
        ("system.memory/memory-exhausted", "security.ports/ports-unknown"),
        (r#"["system.memory/memory-exhausted"]"#, "[]"),
        (r#""id":"slow""#, r#""id":"slow","more":1"#),
    ] {
        assert!(FILE.contains(what));
        assert!(Goal::parse(&FILE.replace(what, with), &catalog()).is_err(), "{what} -> {with}");
    }
}
