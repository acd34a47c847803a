use std::num::NonZeroU16;

use super::*;

const TECHNICIAN: Strand = Strand::Technician(NonZeroU16::MIN);

fn consent() -> EntryRef {
    EntryRef { author: Strand::Agent, seq: 3 }
}

fn card(question: Question, uses: u32) -> Card {
    let asked = Asked {
        item: ItemId("system.probe".into()),
        definition: DefinitionHash("d".into()),
        arguments: [("seconds".to_owned(), "2".to_owned())].into(),
    };
    Card {
        id: CardId(1),
        asked: consent(),
        question,
        scopes: BTreeSet::new(),
        items: vec![allowed(&asked, uses)],
        planned: None,
        unticked: BTreeSet::new(),
    }
}

fn probe(seconds: &str) -> Wanted {
    Wanted {
        item: ItemId("system.probe".into()),
        definition: DefinitionHash("d".into()),
        arguments: [("seconds".to_owned(), seconds.to_owned())].into(),
        plan: None,
    }
}

fn grant(minutes: Option<u32>) -> Option<Grant> {
    Grant::answered(&card(Question::Grant, 2), minutes, consent(), TECHNICIAN, 1_000)
}

#[test]
fn d3_a_grant_covers_exactly_what_was_shown() {
    let grant = grant(Some(10)).unwrap();
    let other = Strand::Technician(NonZeroU16::new(2).unwrap());
    assert!(grant.covers(TECHNICIAN, &probe("2"), 1_000));
    assert!(!grant.covers(other, &probe("2"), 1_000));
    assert!(!grant.covers(TECHNICIAN, &probe("3"), 1_000));
    assert!(!grant.covers(TECHNICIAN, &Wanted { definition: DefinitionHash("e".into()), ..probe("2") }, 1_000));
    assert!(!grant.covers(TECHNICIAN, &Wanted { item: ItemId("system.other".into()), ..probe("2") }, 1_000));
    assert!(!grant.covers(TECHNICIAN, &Wanted { arguments: Arguments::new(), ..probe("2") }, 1_000));
}

#[test]
fn uses_run_out() {
    let mut grant = grant(Some(10)).unwrap();
    for left in [true, true, false] {
        assert_eq!(grant.covers(TECHNICIAN, &probe("2"), 1_000), left);
        grant.reserve(&probe("2").item);
    }
}

#[test]
fn expiry_before_at_and_after() {
    let grant = grant(Some(10)).unwrap();
    let end = 1_000 + 10 * MINUTE_MS;
    assert_eq!(grant.expires_ms(), end);
    for (now, live) in [(end - 1, true), (end, false), (end + 1, false)] {
        assert_eq!(grant.is_live(now), live);
        assert_eq!(grant.covers(TECHNICIAN, &probe("2"), now), live);
        assert_eq!(grant.permit(RunId(1), &probe("2"), now).is_some(), live);
    }
}

#[test]
fn minutes_have_limits() {
    for (minutes, fits) in [(0, false), (1, true), (MINUTES_MAX, true), (MINUTES_MAX + 1, false)] {
        assert_eq!(grant(Some(minutes)).is_some(), fits, "{minutes}");
    }
}

#[test]
fn arrival_and_resume_grant_nothing() {
    for question in [Question::Arrival, Question::Resume] {
        assert_eq!(Grant::answered(&card(question, 1), None, consent(), TECHNICIAN, 0), None);
    }
}

#[test]
fn d2_until_stop_asks_every_hour_and_ends_after_eight() {
    let mut grant = grant(None).unwrap();
    let mut renewals = 0;
    while let Some(card) = grant.renewal(CardId(2), consent()) {
        let now = grant.expires_ms();
        renewals += 1;
        grant = Grant::answered(&card, None, consent(), TECHNICIAN, now).unwrap();
    }
    assert_eq!(renewals, 7);
    assert_eq!(grant.expires_ms(), 1_000 + u64::from(HARD_END_MINUTES) * MINUTE_MS);
    assert_eq!(super::tests::grant(Some(10)).unwrap().renewal(CardId(2), consent()), None);
}
