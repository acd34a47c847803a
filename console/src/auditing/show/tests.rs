//! Every page, with what somebody hostile may have written.

use std::collections::BTreeSet;

use venia_proto::catalog::Catalog;
use venia_proto::foreign::Foreign;
use venia_proto::ledger::body::Language;
use venia_proto::ledger::flag::Flag;
use venia_proto::ledger::kind::{Answer, KindName};
use venia_proto::now::Wall;
use venia_ui::terminal::Style;

use super::list::{Copied, List};
use super::session::Told as Page;
use super::*;
use crate::audit::check::Verified;
use crate::audit::desk::Step;
use crate::audit::index::Session;
use crate::audit::looking::{Found, Looked};
use crate::audit::replay::Judged;
use crate::audit::search::Query;
use crate::audit::telling::Teller;
use crate::auditing::asked::{Asked, Wrong};
use crate::auditing::testing::{Told, session, story};
use crate::auditing::timeline::{Row, rows};
use crate::auditing::trends as time;
use crate::auditing::work::Verdict;
use crate::cli::{Filters, Period};

const HOSTILE: &str = "</p></blockquote><script>alert(1)</script>\" onload=\"x\u{202e}\u{1b}[2J";

/// What must be true of every page.
fn checked(page: String) -> String {
    assert_eq!(page.matches("<script").count(), 1, "its own file alone: {page}");
    for forbidden in [
        "onload=\"x",
        " style=",
        "<style",
        " onclick=",
        "\u{202e}",
        "\u{1b}",
        "\u{27e8}a",
        "\u{27e8}page",
        "\u{27e8}v",
        ">?<",
    ] {
        assert!(!page.contains(forbidden), "{forbidden:?}: {page}");
    }
    assert_eq!(page.matches("<h1").count(), 1);
    // Whatever can be filled in has a label; whatever acts carries a token.
    for field in page.split("<input ").skip(1).filter_map(|rest| rest.split('>').next()) {
        let id = field.split("id=\"").nth(1).and_then(|rest| rest.split('"').next());
        let labelled = id.is_some_and(|id| page.contains(&format!("<label for=\"{id}\"")));
        assert!(labelled || field.contains("type=\"hidden\"") || field.contains("type=\"checkbox\""), "{field}");
    }
    for form in page.split("<form ").skip(1).filter_map(|rest| rest.split("</form>").next()) {
        let acts = form.starts_with("method=\"post\"");
        assert!(acts == form.contains("name=\"token\"") && (acts || form.contains("data-plain")), "{form}");
    }
    assert_eq!(page.matches("<table").count(), page.matches("<table aria-labelledby=").count());
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no two of the same id: {ids:?}");
    page
}

/// The same page in both languages.
fn both(board: &Board, show: impl Fn(&Sheet<'_>) -> String) -> [String; 2] {
    [Language::En, Language::Es].map(|language| {
        let (words, seal) = (Words::new(language), Seal::new([1; 64]));
        let sheet = Sheet { words: &words, seal: &seal, board, here: "/?by=week&word=%3C", place: Place::Sessions };
        checked(show(&sheet))
    })
}

fn failure() -> Failure {
    let words = Words::new(Language::En);
    crate::trouble::cannot_tell("x", "It is so.".to_owned(), "Go on.".to_owned(), &words)
}

#[test]
fn d4_a_list_shows_names_and_snippets_as_text_alone() {
    let mut one = session(1_795_000_000_000);
    one.joined = vec![HOSTILE.to_owned()];
    one.agent = HOSTILE.to_owned();
    one.flags = Flag::ALL.into();
    one.answers = vec![(Answer::Yes, 5), (Answer::No, 5), (Answer::Silence, 5)];
    let sessions: Vec<&Session> = vec![&one];
    let found = Found { entry: 9, time: Wall::from_ms(0), kind: KindName::Chat, snippet: Foreign::new(HOSTILE) };
    let looked = Looked { found: vec![(&one, vec![found])], ..Looked::default() };
    let text = || Some(HOSTILE.to_owned());
    let filters = Filters { technician: text(), agent: text(), item: text(), outcome: text(), ..Filters::default() };
    let query = Query::new([HOSTILE]).ok();
    let asked = Asked { filters, words: HOSTILE.replace(['\u{202e}', '\u{1b}'], ""), query, ..Asked::default() };
    // A field shows what was typed, letter by letter; only the browser of who typed it ever sees that.
    let asked = Asked { filters: plain(&asked.filters), ..asked };
    let copies = [Copied { log: HOSTILE.to_owned(), entries: 3, observed: Some(Wall::from_ms(0)) }];
    let copies = copies.map(|copy| Copied { log: Foreign::new(copy.log).visible(), ..copy });
    let page = |asked: &Asked| {
        both(&Board::default(), |sheet| {
            let list =
                List { copies: &copies, asked, wrong: None, sessions: &sessions, looked: Some(&looked), opened: false };
            list::page(sheet, &list)
        })
    };
    let [en, es] = page(&asked);
    assert!(en.contains("1 allowed, 1 denied, 1 unanswered") && es.contains("1 permitidas"), "{en}");
    assert!(en.contains(&format!("href=\"/session/{}#e9\"", one.session)));
    assert!(en.contains("scope=\"col\"") && en.contains("scope=\"row\""));
    let [counted, _] = page(&Asked { by: Some(Period::Month), ..asked.clone() });
    assert!(counted.contains("<svg class=\"chart\"") && counted.contains("from=2026-11-01"), "{counted}");
}

/// Without what a field would hold as it is.
fn plain(filters: &Filters) -> Filters {
    let text = |text: &Option<String>| text.as_ref().map(|text| text.replace(['\u{202e}', '\u{1b}'], ""));
    Filters {
        technician: text(&filters.technician),
        agent: text(&filters.agent),
        item: text(&filters.item),
        outcome: text(&filters.outcome),
        ..filters.clone()
    }
}

#[test]
fn a_field_that_is_wrong_lists_nothing() {
    let sessions: Vec<&Session> = Vec::new();
    let [page, _] = both(&Board::default(), |sheet| {
        let wrong = Some(Wrong::Field("from"));
        let asked = Asked::default();
        let list = List { copies: &[], asked: &asked, wrong, sessions: &sessions, looked: None, opened: false };
        list::page(sheet, &list)
    });
    assert!(page.contains("class=\"warn\" role=\"alert\"") && !page.contains("<table"), "{page}");
}

#[test]
fn pages_of_the_list_below_at_and_above() {
    let one = session(0);
    for (given, sheet, rows, older) in [
        (list::SHEET - 1, 0, list::SHEET - 1, false),
        (list::SHEET, 0, list::SHEET, false),
        (list::SHEET + 1, 0, list::SHEET, true),
        (list::SHEET + 1, 1, 1, false),
        (list::SHEET + 1, usize::MAX, 0, false),
    ] {
        let sessions = vec![&one; given];
        let asked = Asked { sheet, ..Asked::default() };
        let (words, seal) = (Words::new(Language::En), Seal::new([1; 64]));
        let board = Board::default();
        let sheet = Sheet { words: &words, seal: &seal, board: &board, here: "/", place: Place::Sessions };
        let list = List { copies: &[], asked: &asked, wrong: None, sessions: &sessions, looked: None, opened: true };
        let page = list::page(&sheet, &list);
        assert_eq!(page.matches("<th scope=\"row\"").count(), rows);
        assert_eq!(page.contains("Older sessions"), older, "{given}");
    }
}

fn shown(told: &Told, silences: &[(i64, i64)]) -> [String; 2] {
    both(&Board::default(), |sheet| {
        let catalog = Catalog::built_in();
        let teller = Teller { words: sheet.words, catalog: &catalog, style: Style::PLAIN, authority: None };
        let (story, session) = (story(told), session(0));
        let rows: Vec<Row> = rows(&story, &session, silences, &teller);
        session::page(sheet, &Page { session: &session, rows: &rows, flags: &story.flags(&session) })
    })
}

#[test]
fn d4_h4_a_session_shows_what_was_said_as_text_and_never_who_allowed_it() {
    let (text, item) = (format!("¿Permite?\n{HOSTILE}"), HOSTILE.to_owned());
    let told = Told { text, why: HOSTILE.to_owned(), item, took: 999, ..Told::default() };
    let [en, es] = shown(&told, &[(1_100, 1_900)]);
    assert!(en.contains("allowed at this PC in entry 9, answered after 0.999 s"), "{en}");
    assert!(!en.contains("the user allowed") && !en.contains("the person allowed"));
    assert!(en.contains("cannot prove") && en.contains("SILENT without explanation"), "{en}");
    // Beside admit, redaction and result, and beside the request; each with the flag.
    assert_eq!(en.matches("The question as it was shown (español)").count(), 4, "{en}");
    assert_eq!(en.matches("<blockquote lang=\"es\">").count(), 4);
    assert_eq!(en.matches("hasty: the yes came within less than a second").count(), 5, "four beside, one where it was");
    assert!(en.contains("something was taken out of a result") && es.contains("español"));
    let [quick, _] = shown(&Told { took: 1_000, ..Told::default() }, &[]);
    assert!(!quick.contains("hasty"));
    let [closed, _] = shown(&Told { open: false, ..Told::default() }, &[]);
    assert!(closed.contains("Words were not opened on this computer") && !closed.contains("<blockquote"), "{closed}");
}

#[test]
fn a_verdict_says_where_it_broke() {
    let verified =
        Verified { entries: 5, from: 1, resumed: 2, sessions: 3, holes: vec![(Wall::from_ms(0), Wall::from_ms(9))] };
    let log = || "log".to_owned();
    let intact = Verdict::Intact {
        log: log(),
        verified,
        rules: Judged::default(),
        closed: Some(4),
        pruned: Some(6),
        freshness: None,
    };
    let (session, why) = (Some("0a".repeat(16)), HOSTILE.to_owned());
    let verdicts = vec![
        intact,
        Verdict::Broken { log: log(), entry: 57, session, why },
        Verdict::Broken { log: log(), entry: 58, session: None, why: HOSTILE.to_owned() },
        Verdict::Pruned { log: log(), entries: 4 },
        Verdict::Stopped { log: log(), entry: 4 },
        Verdict::Unread { log: log(), failure: failure() },
    ];
    let board = Board { verified: Some((Wall::from_ms(0), Ok(verdicts))), ..Board::default() };
    let [page, _] = both(&board, verify::page);
    for said in ["INTACT: log, 5 entries", "BROKEN at entry 57", "Went on at entry 2", "Stopped at entry 4"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(&format!("href=\"/session/{}#e57\"", "0a".repeat(16))));
    let board = Board { verified: Some((Wall::from_ms(0), Err(failure()))), ..Board::default() };
    assert!(both(&board, verify::page)[0].contains("It is so."));
}

#[test]
fn work_that_goes_on_is_said_and_changes_the_page_by_itself() {
    let step = Some(Progress::Verifying(512, 1_024));
    let board = Board { job: Some(Job { what: What::Verify, step }), ..Board::default() };
    let [page, _] = both(&board, verify::page);
    assert!(
        page.contains("data-view=\"1\"") && page.contains("512 of 1024") && page.contains("<progress max=\"1024\"")
    );
    assert!(page.contains("action=\"/verify/stop\"") && !page.contains("action=\"/verify\""), "one at a time");
    let step = Some(Progress::Fetching(Step::Reading(1, 2)));
    let board = Board { job: Some(Job { what: What::Fetch, step }), ..Board::default() };
    let [page, _] = both(&board, |sheet| sheet.waiting());
    assert!(page.contains("Reading the log: 1 of 2") && page.contains("http-equiv=\"refresh\""), "{page}");
    let [still, _] =
        both(&Board { fetched: Some((Wall::from_ms(0), Err(failure()))), ..Board::default() }, verify::page);
    assert!(still.contains("It is so.") && !still.contains("data-view"), "{still}");
}

#[test]
fn trends_have_every_number_in_a_table_too() {
    let facts = time::Facts {
        opened: 1_795_000_000_000,
        answers: vec![(Answer::Yes, 999), (Answer::No, 61_000)],
        refused: 7,
        waited: Some(150_000),
        stars: vec![4, 5],
        unread: 2,
    };
    let sums = time::by(&[facts], Period::Week);
    let asked = Asked { by: Some(Period::Week), ..Asked::default() };
    let [page, _] = both(&Board::default(), |sheet| trends::page(sheet, &asked, None, &sums));
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 6);
    for cell in ["<td class=\"n\">7</td>", ">0.9 s<", ">2 min 30 s<", ">4.50<", "2 additions"] {
        assert!(page.contains(cell), "{cell}: {page}");
    }
    let [none, _] = both(&Board::default(), |sheet| trends::page(sheet, &asked, None, &Default::default()));
    assert!(!none.contains("<svg"));
}

#[test]
fn an_export_names_its_files_and_what_was_wrong() {
    let asked =
        Asked { filters: Filters { from: Some("2026-11-01".to_owned()), ..Filters::default() }, ..Asked::default() };
    let written = vec![super::super::state::Written { out: HOSTILE.into(), entries: 3, added: None }];
    let board = Board { exported: Some(Ok(written)), ..Board::default() };
    for refused in
        [None, Some(export::Refused::NotAbsolute), Some(export::Refused::Format), Some(export::Refused::TooMany)]
    {
        let [page, _] = both(&board, |sheet| export::page(sheet, &asked, None, refused));
        assert!(page.contains("href=\"/download/events.csv?from=2026-11-01\""), "{page}");
        assert_eq!(page.contains("class=\"warn\" role=\"alert\""), refused.is_some());
    }
    assert!(checked(goodbye(&Words::new(Language::Es), &Seal::new([1; 64]))).contains("<h1"));
}

#[test]
fn times_are_cut_and_never_rounded_up() {
    for (ms, text) in [
        (0, "0.0 s"),
        (999, "0.9 s"),
        (1_000, "1.0 s"),
        (99_999, "99.9 s"),
        (100_000, "1 min 40 s"),
        (120_999, "2 min"),
        (5_999_999, "99 min 59 s"),
        (6_000_000, "1 h 40 min"),
    ] {
        assert_eq!(lasted(ms), text);
    }
}
