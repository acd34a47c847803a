use super::*;

fn root() -> SigningKey {
    SigningKey::new("root", [1; 32])
}

fn witness(seed: u8) -> WitnessKey {
    let key = SigningKey::new("witness", [seed; 32]);
    WitnessKey { name: key.verifier().name.clone(), key: *key.public() }
}

fn statement() -> Statement {
    let relay = |name: &str, seed| Relay {
        name: Foreign::new(name),
        address: "relay.example:4433".parse().unwrap(),
        tls: *SigningKey::new("tls", [seed; 32]).public(),
        log: SigningKey::new("log", [seed; 32]).verifier().clone(),
    };
    Statement {
        root: root().verifier().clone(),
        organisation: Foreign::new("Ayuda Ñandú"),
        serial: 7,
        not_after: Wall::from_ms(1_795_514_402_000),
        relays: vec![relay("a", 2), relay("b", 3)],
        authority: SigningKey::new("authority", [4; 32]).verifier().clone(),
        auditors: vec!["age1qqqq".into()],
        witnesses: vec![witness(5), witness(6)],
        packs: vec![PackHash([7; 32])],
        keep_days: 30,
        quorum: 2,
    }
}

fn open(bytes: &[u8]) -> Result<Statement, StatementError> {
    Statement::open(bytes, &Fingerprint::of(root().verifier()))
}

#[test]
fn a1_only_the_pinned_root_counts() {
    let good = statement().sign(&root());
    assert!(Note::parse(&good).unwrap().text().is_ascii(), "names are escaped");
    assert_eq!(open(&good), Ok(statement()));

    let other = SigningKey::new("root", [9; 32]);
    let theirs = Statement { root: other.verifier().clone(), ..statement() }.sign(&other);
    assert_eq!(open(&theirs), Err(StatementError::WrongRoot));
    assert!(Statement::open_unpinned(&theirs).is_ok(), "consistent in itself, and only that");

    assert_eq!(open(&statement().sign(&other)), Err(StatementError::Note(NoteError::NotSigned)));
    let same_name = other.named(root().verifier().name.clone());
    assert_eq!(open(&statement().sign(&same_name)), Err(StatementError::Note(NoteError::ForeignKey)));
    let mut twice = Note::parse(&good).unwrap();
    twice.add_signature(&other);
    assert_eq!(open(&twice.to_bytes()), Err(StatementError::Note(NoteError::NotOneSignature)));
}

#[test]
fn a1_every_flipped_bit_is_refused() {
    let good = statement().sign(&root());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(open(&bad).is_err(), "byte {at}");
    }
}

#[test]
fn a1_the_serial_never_goes_back() {
    let known = statement();
    let serial = |serial| Statement { serial, ..statement() };
    assert_eq!(accept(None, &known), Ok(()));
    assert_eq!(accept(Some(&known), &serial(8)), Ok(()));
    assert_eq!(accept(Some(&known), &serial(7)), Ok(()));
    assert_eq!(accept(Some(&known), &serial(6)), Err(StatementError::WentBack { known: 7, got: 6 }));
    let changed = Statement { keep_days: 31, ..statement() };
    assert_eq!(accept(Some(&known), &changed), Err(StatementError::TwoOfOneSerial(7)));
    let other = Statement { root: other_root(), ..serial(8) };
    assert_eq!(accept(Some(&known), &other), Err(StatementError::WrongRoot));
}

fn other_root() -> VerifierKey {
    SigningKey::new("root", [9; 32]).verifier().clone()
}

#[test]
fn a1_a_new_auditor_is_noticed() {
    let mut new = statement();
    assert!(new.auditors_added_since(&statement()).is_empty());
    new.auditors.push("age1new".into());
    assert_eq!(new.auditors_added_since(&statement()), ["age1new"]);
}

#[test]
fn a4_valid_at_the_ledgers_time() {
    let statement = statement();
    assert!(statement.valid_at(statement.not_after));
    assert!(!statement.valid_at(statement.not_after.plus_ms(1)));
}

#[test]
fn a_statement_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Statement);
    let changes: [(Change, &str); 12] = [
        (|s| s.organisation = Foreign::new("a\nb"), "organisation"),
        (|s| s.relays.clear(), "relays"),
        (|s| s.relays[1].name = s.relays[0].name.clone(), "relay name"),
        (|s| s.relays[1].name = Foreign::new(""), "relay name"),
        (|s| s.relays[1].log.name = s.relays[0].log.name.clone(), "relay log"),
        (|s| s.auditors.push("AGE1X".into()), "auditors"),
        (|s| s.auditors.push(s.auditors[0].clone()), "auditors"),
        (|s| s.witnesses.push(s.witnesses[0].clone()), "witnesses"),
        (|s| s.witnesses[1].key = s.witnesses[0].key, "witnesses"),
        (|s| s.witnesses[0].key = s.relays[1].log.key, "witnesses"),
        (|s| s.packs.push(s.packs[0]), "packs"),
        (|s| s.quorum = 3, "quorum"),
    ];
    for (change, field) in changes {
        let mut statement = statement();
        change(&mut statement);
        assert_eq!(open(&statement.sign(&root())), Err(StatementError::Contradiction(field)));
    }
    for quorum in [0, 1, 2] {
        let statement = Statement { quorum, ..statement() };
        assert_eq!(open(&statement.sign(&root())), Ok(statement));
    }
}

#[test]
fn the_schema_is_closed() {
    let good = json::signed_line(&statement());
    let signed = |line: &str| open(&note::sign(&format!("{STATEMENT}\n{line}\n"), &root()));
    let without = good.replacen(",\"quorum\":2", "", 1);
    assert_eq!(signed(&without), Ok(Statement { quorum: 0, ..statement() }), "quorum is 0 unless it is said");
    for (from, to) in [
        ("{", "{\"extra\":1,"),
        ("\"serial\":7", "\"serial\":7,\"serial\":8"),
        ("\"serial\":7", "\"serial\":7.0"),
        ("\"serial\":7", "\"serial\":9007199254740993"),
        ("\"keep_days\":30,", ""),
        ("\"name\":\"a\"", "\"name\":\"a\",\"x\":1"),
        ("\"quorum\":2", "\"quorum\":null"),
        ("\"quorum\":2", "\"quorum\":-1"),
        ("relay.example:4433", "Relay.example:4433"),
        ("relay.example:4433", "relay.example"),
        ("relay.example:4433", "relay.example:0"),
        ("relay.example:4433", "venia://relay.example:4433"),
        ("\"packs\":[\"07", "\"packs\":[\"0A"),
        ("MCowBQYDK2Vw", "MCowBQYDK2Vx"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(signed(&good.replacen(from, to, 1)).is_err(), "{to}");
    }
    let list = good.replacen("{\"name\":\"a\",\"address\":", "[\"a\",", 1);
    assert_ne!(list, good);
    assert!(signed(&list).is_err());
    assert!(signed("[]").is_err());
}
