use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;

use super::known::Known;
use super::{Counts, Redactor, secret_in, shapes};

const ANA: &str = r#"{
    "user_names": ["ana", "María José Núñez"], "host_names": "ana-pc.casa.lan", "home_paths": "/home/ana",
    "macs": ["3c:52:82:4a:b1:0e"], "ssids": ["Casa de Ana"], "ipv4_private": "192.168.0.66",
    "ipv6": ["2a02:9130:8c3a:1200::66b4"], "machine_id": "8f14e45fceea467f9d0b1e2a3c4d5e6f",
    "disk_uuids": "3f1b2c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d", "serials": "PF2ABC3D"
}"#;

fn redactor(known: &str) -> Redactor {
    Redactor::new(&Known::from_json(known).unwrap(), &[9; 32]).unwrap()
}

/// By one that is made once: an automaton takes longer to build than a text to redact.
fn redacted(text: &str) -> String {
    static ONE: LazyLock<Mutex<Redactor>> = LazyLock::new(|| Mutex::new(redactor(ANA)));
    ONE.lock().unwrap().text(text, &mut Counts::default()).into_owned()
}

/// Most memory a compiled pattern takes, in bytes, as its library counts.
const PATTERN_MAX: usize = 512 * 1024;

#[test]
fn the_same_value_in_any_spelling_is_the_same_pseudonym() {
    let text = redacted("3c:52:82:4a:b1:0e 3C-52-82-4A-B1-0E enx3c52824ab10e 3c52.824a.b10e");
    assert_eq!(text, "mac-1 mac-1 enxmac-1 mac-1");
    let text = redacted(
        "2a02:9130:8c3a:1200::66b4 2A02:9130:8C3A:1200:0:0:0:66B4 [2a02:9130:8c3a:1200:0000:0000:0000:66b4]:22",
    );
    assert_eq!(text, "address-2 address-2 [address-2]:22".replace("address-2", text.split(' ').next().unwrap()));
}

#[test]
fn what_was_not_known_before_is_counted_on() {
    let mut redactor = redactor(ANA);
    let mut counts = Counts::default();
    let text =
        redactor.text("d8:3a:dd:12:34:56 spoke to 3c:52:82:4a:b1:0e and D8-3A-DD-12-34-56", &mut counts).into_owned();
    assert_eq!(text, "mac-2 spoke to mac-1 and mac-2");
    assert_eq!(counts.rules().collect::<Vec<_>>(), [("known-mac", 1), ("mac", 2)]);
}

#[test]
fn a_text_without_anything_is_borrowed() {
    let mut counts = Counts::default();
    let text = redactor(ANA).text("nothing here\nand nothing there\r\n", &mut counts).into_owned();
    assert_eq!(text, "nothing here\nand nothing there\r\n");
    assert!(counts.is_empty());
    assert!(matches!(redactor(ANA).text("plain", &mut counts), std::borrow::Cow::Borrowed("plain")));
}

#[test]
fn a_real_name_that_looks_like_a_pseudonym_is_replaced() {
    let mut redactor = redactor(r#"{"host_names":["host-1"],"user_names":["user-1"]}"#);
    let text = redactor.text("user-1@host-1 host-1", &mut Counts::default()).into_owned();
    assert!(!text.contains("host-1") && !text.contains("user-1"), "{text}");
}

#[test]
fn a_mark_in_a_text_hides_nothing() {
    let text = redacted("password=[redacted:jwt]hunter2 token=[redacted:jwt]");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.ends_with("token=[redacted:jwt]"), "{text}");
}

#[test]
fn what_only_looks_like_a_mark_is_a_value_like_any_other() {
    let mut redactor = redactor(ANA);
    let mut counts = Counts::default();
    for line in [
        "password=[redacted:hunter2]",
        "password = user-1234",
        "token: host-99 ok4711x",
        "[redacted:password]=hunter2",
        "mysql -pmac-4711 tienda",
    ] {
        let text = redactor.text(line, &mut counts).into_owned();
        for value in ["hunter2", "user-1234", "ok4711x", "mac-4711"] {
            assert!(!text.contains(value), "{text}");
        }
        assert_eq!(redactor.text(&text, &mut counts), text);
    }
}

#[test]
fn what_another_session_took_out_stays_readable() {
    let text = "user-3@host-2: password=[redacted:setting] from address-4, [redacted:email]";
    assert_eq!(redacted(text), text);
}

#[test]
fn a_chat_line_with_a_secret_is_noticed() {
    assert_eq!(secret_in("mi contraseña es Hunter2!"), Some("told-password"));
    assert_eq!(secret_in("use ghp_0123456789abcdefghijABCDEFGHIJ012345 then"), Some("github-token"));
    assert_eq!(secret_in("4111 1111 1111 1111"), Some("card"));
    assert_eq!(secret_in("the printer doesn't print, its password is on the back"), None);
    assert_eq!(secret_in("write to maria@example.com"), None);
}

#[test]
fn every_pattern_compiles_and_every_rule_fits_the_set() {
    let rules: Vec<_> = shapes::rules().collect();
    assert!(rules.len() < shapes::RuleSet::BITS as usize, "{}", rules.len());
    for rule in rules {
        // A letter of any script, repeated a bounded number of times, is copied as often: one such pattern took 12 MiB.
        let pattern = regex::RegexBuilder::new(rule.pattern).size_limit(PATTERN_MAX).build();
        assert!(pattern.is_ok(), "{}: {pattern:?}", rule.id);
        assert!(rule.id.bytes().all(|c| c.is_ascii_lowercase() || matches!(c, b'-' | b'0'..=b'9')), "{}", rule.id);
    }
}

/// Pieces that rules look at, so that random texts meet them.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "ana",
        "ANA",
        "ana-pc",
        "/home/ana/x",
        "%2Fhome%2Fana",
        "home\\x2dana",
        "3C-52-82-4A-B1-0E",
        "3c52824ab10e",
        "192.168.0.66",
        "192-168-0-66",
        "C0A80042",
        "2a02:9130:8c3a:1200::66b4",
        "2a0291308c3a120000000000000066b4",
        "Casa de Ana",
        "Casa%20de%20Ana",
        "436173612064652041",
        "María José Núñez",
        "MARÍA JOSÉ NÚÑEZ",
        "Mar%C3%ADa%20Jos%C3%A9%20N%C3%BA%C3%B1ez",
        "8f14e45fceea467f9d0b1e2a3c4d5e6f",
        "8f14e45f-ceea-467f-9d0b-1e2a3c4d5e6f",
        "3f1b2c4d\\x2d5e6f\\x2d4a7b\\x2d8c9d\\x2d0e1f2a3b4c5d",
        "pf2abc3d",
        "password",
        "token",
        "clave",
        "Authorization: Bearer ",
        "Cookie: ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "https://",
        "redis://",
        "maria@example.com",
        "4111 1111 1111 1111",
        "ES9121000418450200051332",
        "12345678Z",
        "[redacted:setting]",
        "user-1",
        "host-1",
        "[redacted:",
        "mysql -p",
        "curl -u ",
        "redis-cli -a ",
        "--password",
        "-p",
        "=",
        ":",
        ": ",
        "\"",
        "'",
        " ",
        " ",
        "\n",
        "\\",
        "@",
        "/",
        ",",
        ";",
        "&",
        "?",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "|",
        "%",
        "$",
        "-",
        "_",
        ".",
        "ñ",
        "é",
        "\u{301}",
        "😀",
        "\u{0}",
        "\t",
        "\r\n",
        "0x",
        "q8XvZ2mP0sLr7TnW4kYbH6cJdF9gA3eU",
        "hunter2",
        "value",
        "<password>",
        "</password>",
        "name=",
    ]);
    let free = "\\PC{0,12}";
    prop::collection::vec(
        prop_oneof![8 => words.prop_map(str::to_owned), 1 => free.prop_map(|text: String| text)],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn redacting_twice_changes_nothing(text in pieces()) {
        let once = redacted(&text);
        let twice = redacted(&once);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn any_text_is_taken_and_keeps_its_lines(text in "(?s).{0,400}") {
        let redacted = redacted(&text);
        prop_assert_eq!(redacted.matches('\n').count(), text.matches('\n').count());
        let _ = secret_in(&text);
    }

    #[test]
    fn no_spelling_of_a_known_value_is_left(before in pieces(), after in pieces(), at in any::<prop::sample::Index>()) {
        static SPELLINGS: LazyLock<Vec<super::spelling::Spelling>> =
            LazyLock::new(|| super::spelling::spellings(&Known::from_json(ANA).unwrap()));
        let spelling = &SPELLINGS[at.index(SPELLINGS.len())];
        let text = redacted(&format!("{before} {} {after}", spelling.text));
        prop_assert_eq!(redacted(&text), text);
    }
}
