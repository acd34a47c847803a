use proptest::prelude::*;

use super::*;
use crate::catalog::Catalog;

const ROOT: Fingerprint = Fingerprint([7; 32]);

fn policy(json: &str) -> Policy {
    serde_json::from_str(json).unwrap()
}

fn forbidden(json: &str) -> Vec<String> {
    let catalog = Catalog::built_in();
    let policy = policy(json);
    catalog.items().filter(|item| policy.forbids(item)).map(|item| item.id.0.clone()).collect()
}

/// Monday the 5th of January 1970 at that minute, UTC.
fn monday(minute: i64) -> Wall {
    Wall::from_ms((4 * i64::from(DAY) + minute) * 60_000)
}

#[test]
fn an_empty_policy_forbids_nothing() {
    assert_eq!(forbidden("{}"), Vec::<String>::new());
    assert!(!policy("{}").is_closed(monday(0), 0) && !policy("{}").keeps_out(ROOT));
}

#[test]
fn items_and_areas_are_forbidden() {
    assert_eq!(forbidden(r#"{"forbid-items":["system.memory","system.none"]}"#), ["system.memory"]);
    let network = forbidden(r#"{"forbid-scopes":["network"]}"#);
    assert!(!network.is_empty() && network.iter().all(|id| id.starts_with("network.")), "{network:?}");
    let changes = forbidden(r#"{"forbid-scopes":["repair"]}"#);
    let catalog = Catalog::built_in();
    assert!(changes.iter().all(|id| catalog.get(&ItemId(id.clone())).unwrap().effect == Effect::Changes));
}

#[test]
fn a_policy_nobody_understands_is_none() {
    for json in [
        r#"{"forbid-item":["system.memory"]}"#,
        r#"{"forbid-scopes":["everything"]}"#,
        r#"{"hours":["always"]}"#,
        r#"{"organisations":["abc"]}"#,
        r#"{"organisations":"all"}"#,
    ] {
        assert!(serde_json::from_str::<Policy>(json).is_err(), "{json}");
    }
}

#[test]
fn only_the_named_organisations_may_be_here() {
    assert!(policy(r#"{"organisations":[]}"#).keeps_out(ROOT), "none at all");
    let only = policy(&format!(r#"{{"organisations":["{ROOT}"]}}"#));
    assert!(!only.keeps_out(ROOT) && only.keeps_out(Fingerprint([8; 32])));
}

#[test]
fn hours_below_at_and_above_their_edges() {
    let open = |hours: &str, minute: i64| !policy(&format!(r#"{{"hours":["{hours}"]}}"#)).is_closed(monday(minute), 0);
    for (hours, minute, is_open) in [
        ("mon 08:00-20:00", 8 * 60 - 1, false),
        ("mon 08:00-20:00", 8 * 60, true),
        ("mon 08:00-20:00", 20 * 60 - 1, true),
        ("mon 08:00-20:00", 20 * 60, false),
        ("mon 08:00-20:00", 7 * 24 * 60 + 8 * 60, true),
        ("tue 08:00-20:00", 8 * 60, false),
        ("sun 22:00-06:00", 6 * 60 - 1, true),
        ("sun 22:00-06:00", 6 * 60, false),
        ("sat-mon 00:00-24:00", 24 * 60 - 1, true),
        ("sat-mon 00:00-24:00", 24 * 60, false),
        ("sat-mon 00:00-24:00", -1, true),
        ("00:00-00:00", 12 * 60, true),
        ("fri-thu 09:00-09:01", 9 * 60, true),
    ] {
        assert_eq!(open(hours, minute), is_open, "{hours} {minute}");
    }
}

#[test]
fn hours_are_local() {
    let policy = policy(r#"{"hours":["mon 08:00-09:00"]}"#);
    assert!(!policy.is_closed(monday(7 * 60), 60));
    assert!(policy.is_closed(monday(8 * 60), 60));
    assert!(!policy.is_closed(monday(13 * 60), -300));
}

#[test]
fn what_is_not_written_like_hours_is_refused() {
    for text in [
        "",
        "8:00-20:00",
        "08:00",
        "08:00-24:01",
        "24:00-08:00",
        "08:60-09:00",
        "mo 08:00-20:00",
        "mon-fri-sat 08:00-09:00",
        "mon 08:00-09:00 x",
        "+8:00-09:00",
    ] {
        assert_eq!(text.parse::<Hours>(), Err(NoHours), "{text}");
    }
}

#[test]
fn what_either_policy_forbids_is_forbidden() {
    let system = Some(policy(r#"{"forbid-items":["system.memory"]}"#));
    let own = Some(policy(r#"{"hours":["mon 08:00-20:00"]}"#));
    let policies = Policies { system, own, offset_minutes: 0 };
    let catalog = Catalog::built_in();
    let item = |id: &str| catalog.get(&ItemId(id.to_owned())).unwrap();
    assert!(policies.forbid(item("system.memory"), monday(9 * 60)));
    assert!(!policies.forbid(item("system.overview"), monday(9 * 60)));
    assert!(policies.forbid(item("system.overview"), monday(20 * 60)));
}

#[test]
fn g5_a_pack_counts_only_if_owner_and_statement_both_name_it() {
    let (named, other) = (PackHash([0xab; 32]), PackHash([0xcd; 32]));
    let owner = policy(&format!(r#"{{"packs":["{}"]}}"#, "ab".repeat(32)));
    let policies = Policies { system: Some(owner.clone()), own: Some(Policy::default()), offset_minutes: 0 };
    assert!(policies.allow_pack(named, &[other, named]));
    assert!(!policies.allow_pack(named, &[other]) && !policies.allow_pack(named, &[]));
    assert!(!policies.allow_pack(other, &[other, named]));
    assert!(!Policies::default().allow_pack(named, &[named]), "off by default");
    let alone = Policies { own: Some(owner.clone()), ..Policies::default() };
    assert!(alone.allow_pack(named, &[named]), "a PC without an owner's policy");
    let widened = Policies { system: Some(Policy::default()), own: Some(owner), offset_minutes: 0 };
    assert!(!widened.allow_pack(named, &[named]), "the person's own doesn't widen the owner's");
}

proptest! {
    #[test]
    fn any_text_is_hours_or_none(text in "[a-z]{0,3}-?[a-z]{0,3} ?[0-9]{0,2}:?[0-9]{0,2}-[0-9]{0,2}:?[0-9]{0,2}|.*", minute in 0_u32..WEEK) {
        if let Ok(hours) = text.parse::<Hours>() {
            hours.hold(minute);
        }
    }

    #[test]
    fn a_second_policy_only_takes_away(items in proptest::collection::btree_set("system\\.(memory|overview)", 0..3), at in any::<i32>()) {
        let one = policy(r#"{"forbid-scopes":["network"]}"#);
        let two = Policy { forbid_items: items.into_iter().map(ItemId).collect(), ..Policy::default() };
        let alone = Policies { system: Some(one.clone()), own: None, offset_minutes: 0 };
        let both = Policies { system: Some(one), own: Some(two), offset_minutes: 0 };
        let now = Wall::from_ms(i64::from(at) * 1_000);
        for item in Catalog::built_in().items() {
            prop_assert!(!alone.forbid(item, now) || both.forbid(item, now));
        }
    }
}
