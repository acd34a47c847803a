use proptest::prelude::*;

use super::*;

fn story(text: &str) -> Story {
    Story {
        session: SessionId([7; 16]),
        who: Foreign::new(text),
        organisation: Foreign::new(text),
        opened: Wall::from_ms(1_795_514_402_000),
        closed: Some((Wall::from_ms(1_795_514_702_000), Cause::Technician)),
        answered: vec![
            Answered {
                at: Wall::from_ms(1_795_514_410_000),
                shown: format!("first\n{text}\nallow / deny > "),
                answer: Answer::Yes,
                took_ms: 999,
            },
            Answered {
                at: Wall::from_ms(1_795_514_420_000),
                shown: String::new(),
                answer: Answer::Silence,
                took_ms: 120_000,
            },
        ],
        ran: vec![
            Ran {
                at: Wall::from_ms(1_795_514_411_000),
                title: Text { en: text.to_owned(), es: text.to_owned() },
                status: Some(Status::Done),
            },
            Ran {
                at: Wall::from_ms(1_795_514_412_000),
                title: Text { en: "b".to_owned(), es: "b".to_owned() },
                status: None,
            },
        ],
        outcome: Some(Foreign::new(text)),
        next: Some(Foreign::new(text)),
    }
}

/// Every tag of the page, in order.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or("")).collect()
}

#[test]
fn a_receipt_tells_the_story_in_the_person_s_language() {
    let page = receipt(&story("Ana"), &Words::new(Language::Es));
    for part in [
        "<html lang=\"es\">",
        "<h1>Recibo de su sesión de soporte</h1>",
        "<dd>2026-11-24 10:00:02</dd>",
        "<dd>Ana terminó la sesión.</dd>",
        "<dd>permitido</dd>",
        "<dd>1,0 s (menos de un segundo)</dd>",
        "<dd>sin respuesta, que significa no</dd>\n<dt>Tardó</dt><dd>2 min</dd>",
        "<td>Ana</td><td>enviado</td>",
        "<td>b</td><td>rechazado; no se hizo nada</td>",
        "<h2>Siguiente paso</h2>\n<p>«Ana»</p>",
        "first\nAna\nallow / deny &gt; </pre>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains('\u{27e8}'), "a sentence is missing: {page}");
}

#[test]
fn nothing_happened_is_said() {
    let empty = Story { closed: None, answered: vec![], ran: vec![], outcome: None, next: None, ..story("Ana") };
    let page = receipt(&empty, &Words::new(Language::En));
    for part in ["Nothing was asked.", "Nothing was done and nothing was shared.", "The session has not ended yet."] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("What came of it"));
}

#[test]
fn d4_a_hostile_name_is_only_text() {
    let hostile = "</p><script>alert(1)</script><img src=\"x\" onerror='y'>&lt;\u{202e}\u{1b}[2J";
    let page = receipt(&story(hostile), &Words::new(Language::En));
    assert_eq!(tags(&page), tags(&receipt(&story("Ana"), &Words::new(Language::En))));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(page.contains("&amp;lt;⟨202E⟩⟨001B⟩[2J"), "{page}");
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = receipt(&story("Ana"), &Words::new(Language::En));
    for way_out in ["src=", "href=", "url(", "@import", "<script", "<link", "<form"] {
        assert!(!page.contains(way_out), "{way_out}");
    }
}

proptest! {
    #[test]
    fn d4_no_text_makes_a_tag_or_hides(text in "[<>\"'&a\u{202e}\u{1b}\u{0}\n/=]{0,24}") {
        let words = Words::new(Language::En);
        let page = receipt(&story(&text), &words);
        let harmless = receipt(&story("Ana"), &words);
        prop_assert_eq!(tags(&page), tags(&harmless));
        let hidden = page.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}');
        prop_assert!(!hidden);
    }
}
