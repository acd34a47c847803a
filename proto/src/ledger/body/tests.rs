use proptest::prelude::*;

use super::*;
use crate::foreign::TEXT_MAX;
use crate::report::{Draft, Severity, Text, Value};

/// One body of each kind, with every optional field once present and once null.
fn bodies() -> Vec<(KindName, Body)> {
    let words = || Foreign::new("señor \u{1b}[2J\n漢字 \u{1f40e} \"\\");
    let item = ItemId("network.gateway".into());
    let definition = DefinitionHash("ab".repeat(32));
    let arguments = Arguments::from([("count".to_owned(), "3".to_owned())]);
    let mut draft = Draft::default();
    draft.fact("load", 0.1 + 0.2, "");
    draft.table("t", &["a", "b"], vec![vec![Value::from(true), Value::from(i64::MIN)]]);
    let finding = crate::report::Finding {
        severity: Severity::Warning,
        id: "slow".into(),
        text: Text { en: "slow".into(), es: "lento".into() },
        evidence: "x".into(),
        next: Text { en: "wait".into(), es: "espere".into() },
    };
    let report = Report { facts: draft.facts, tables: draft.tables, findings: vec![finding] };
    let asked = Asked { item: item.clone(), definition: definition.clone(), arguments: arguments.clone() };
    let allowed = Allowed {
        item: item.clone(),
        definition: definition.clone(),
        values: BTreeMap::from([("count".to_owned(), BTreeSet::from(["3".to_owned()]))]),
        uses: 1,
    };
    let open = Open {
        about: Some(words()),
        since: None,
        language: Language::Es,
        called: Some(words()),
        skew_ms: Some(-86_400_000),
    };
    let consent = |minutes| Consent {
        text: "¿…?".into(),
        language: Language::En,
        scopes: BTreeSet::from([Scope::Network, Scope::Live]),
        items: vec![allowed.clone()],
        minutes,
    };
    vec![
        (KindName::Open, Body::Open(open)),
        (KindName::Open, Body::Open(Open::default())),
        (
            KindName::Join,
            Body::Join(Join {
                member: "a\nb\n".into(),
                reason: words(),
                offer: Offer { scopes: BTreeSet::from([Scope::Network]), items: vec![asked] },
            }),
        ),
        (KindName::Consent, Body::Consent(consent(Some(30)))),
        (KindName::Consent, Body::Consent(consent(None))),
        (
            KindName::Request,
            Body::Request(Request { item: item.clone(), definition: definition.clone(), arguments, why: words() }),
        ),
        (KindName::Admit, Body::Admit(Admit { item, definition, fences: vec!["landlock 5".into()] })),
        (KindName::Refuse, Body::Refuse(Refuse { detail: words() })),
        (KindName::Result, Body::Result(Outcome { report: Some(report), detail: Foreign::new("") })),
        (KindName::Result, Body::Result(Outcome { report: None, detail: words() })),
        (KindName::Chat, Body::Said(Said { text: words() })),
        (KindName::Note, Body::Said(Said { text: words() })),
        (
            KindName::Redaction,
            Body::Redaction(Redaction { set: "shapes 1".into(), rules: BTreeMap::from([("jwt".to_owned(), 2)]) }),
        ),
        (KindName::Signoff, Body::Signoff(Signoff { outcome: words(), next: words(), observations: None })),
        (KindName::Addendum, Body::Addendum(Addendum { stars: Some(5), comment: Some(words()), correction: None })),
    ]
}

#[test]
fn every_body_comes_back() {
    for (kind, body) in bodies() {
        let bytes = body.encode().unwrap();
        assert_eq!(Body::decode(kind, &bytes), Ok(body), "{}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(Body::None.encode(), None);
}

#[test]
fn a_body_is_read_only_as_its_own_kind() {
    let shape = |kind: KindName| if kind == KindName::Note { KindName::Chat } else { kind };
    for (kind, body) in bodies() {
        let bytes = body.encode().unwrap();
        for other in KindName::ALL {
            assert_eq!(Body::decode(other, &bytes).is_ok(), shape(kind) == shape(other), "{kind} as {other}");
        }
    }
}

#[test]
fn e5_the_schema_is_closed_at_every_depth() {
    for (kind, body) in bodies() {
        let text = String::from_utf8(body.encode().unwrap()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let serde_json::Value::Object(fields) = value else { panic!("a body is an object") };
        for name in fields.keys() {
            let mut without = fields.clone();
            without.remove(name);
            let without = serde_json::Value::Object(without).to_string();
            assert!(Body::decode(kind, without.as_bytes()).is_err(), "{kind} without {name}");
            let twice = format!("{{\"{name}\":{},{}", fields[name], &text[1..]);
            assert!(Body::decode(kind, twice.as_bytes()).is_err(), "{kind} with {name} twice");
        }
        for (at, _) in text.match_indices('{') {
            let extra = format!("{}{{\"x\":0.5,{}", &text[..at], &text[at + 1..]);
            assert!(Body::decode(kind, extra.as_bytes()).is_err(), "{extra}");
        }
        let list = serde_json::Value::Array(fields.values().cloned().collect()).to_string();
        assert!(Body::decode(kind, list.as_bytes()).is_err(), "{list}");
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), which in 0..17_usize) {
        let _ = Body::decode(KindName::ALL[which], &bytes);
    }

    #[test]
    fn damaged_bodies_never_panic(which in 0..15_usize, at: usize, bit in 0_u8..8) {
        let (kind, body) = bodies()[which].clone();
        let mut bytes = body.encode().unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // The commitment refuses it anyway; here: what is read at all is read as our writer would write it.
        if let Ok(read) = Body::decode(kind, &bytes) {
            prop_assert_eq!(Body::decode(kind, &read.encode().unwrap()), Ok(read));
        }
    }
}

#[test]
fn d4_every_text_of_a_body_is_as_short_as_free_text_must_be() {
    for (length, fits) in [(TEXT_MAX - 1, true), (TEXT_MAX, true), (TEXT_MAX + 1, false)] {
        let long = || Foreign::new("ñ".repeat(length));
        let short = || Foreign::new("ñ");
        let open = Open::default();
        let addendum = Addendum { stars: None, comment: None, correction: None };
        let signoff = Signoff { outcome: short(), next: short(), observations: None };
        let request = Request {
            item: ItemId("network.gateway".into()),
            definition: DefinitionHash("ab".repeat(32)),
            arguments: Arguments::new(),
            why: long(),
        };
        for body in [
            Body::Open(Open { about: Some(long()), ..open.clone() }),
            Body::Open(Open { since: Some(long()), ..open.clone() }),
            Body::Open(Open { called: Some(long()), ..open.clone() }),
            Body::Join(Join { member: String::new(), reason: long(), offer: Offer::default() }),
            Body::Request(request),
            Body::Refuse(Refuse { detail: long() }),
            Body::Result(Outcome { report: None, detail: long() }),
            Body::Said(Said { text: long() }),
            Body::Signoff(Signoff { outcome: long(), ..signoff.clone() }),
            Body::Signoff(Signoff { next: long(), ..signoff.clone() }),
            Body::Signoff(Signoff { observations: Some(long()), ..signoff.clone() }),
            Body::Addendum(Addendum { comment: Some(long()), ..addendum.clone() }),
            Body::Addendum(Addendum { correction: Some(long()), ..addendum.clone() }),
        ] {
            assert_eq!(body.is_within(), fits, "{length}: {}", body.encode().unwrap().len());
        }
    }
}
