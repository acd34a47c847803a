//! What is the same on every page: head, title, the line that says a session lives and stops it, languages.

use maud::{DOCTYPE, Markup, html};
use sha2::{Digest as _, Sha256};
use venia_proto::ledger::body::Language;

use super::assets::{SCRIPT, STYLE};
use super::seal::Seal;
use crate::words::Words;

/// Seconds after which a page without script looks again.
const REFRESH: u32 = 4;

/// The parts of a page.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The language.
    pub words: &'a Words,
    /// Makes the form tokens.
    pub seal: &'a Seal,
    /// Its title; the same as its heading.
    pub title: &'a str,
    /// While a session lives: what the title and the first line say of it.
    pub live: Option<&'a str>,
    /// The form that stops it.
    pub stop: Markup,
    /// Links to other pages of this program.
    pub places: Markup,
    /// Everything else.
    pub main: Markup,
    /// Where this page is found again.
    pub here: &'a str,
    /// Which page this is, for the script; none for one that doesn't change by itself.
    pub view: Option<u64>,
    /// How many changes there had been when it was made: only a later one makes the page look again.
    pub seen: u64,
    /// Whether it uses the width of a large screen: for work, where much stands beside each other; not for reading.
    pub wide: bool,
    /// Whether somebody may be typing or choosing: without script, a page that loads again by itself would undo that.
    pub typing: bool,
}

/// A whole page.
pub fn document(frame: &Frame<'_>) -> String {
    let Frame { words, seal, title, live, stop, places, main, here, view, seen, wide, typing } = frame;
    let say = |id| words.say(id, &[]);
    let lang = tag(words.language());
    let full = match live {
        Some(live) => format!("{live} · {title}"),
        None => format!("{title} · Venia"),
    };
    let page = html! {
        (DOCTYPE)
        html lang=(lang) data-view=[view] data-seen=(seen) data-here=(here) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (full) }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href=(STYLE.path);
                script src=(SCRIPT.path) defer {}
                @if view.is_some() && !typing {
                    noscript { meta http-equiv="refresh" content=(format!("{REFRESH};url={here}")); }
                }
            }
            body.wide[*wide] {
                a.skip href="#main" { (say("page-skip")) }
                header {
                    div.bar {
                        (part("live", &html! {
                            @if let Some(live) = live { p.live { (live) } }
                            @else { p.brand { "Venia" } }
                            (stop)
                        }))
                        (languages(words, seal, here))
                    }
                    (places)
                }
                main id="main" tabindex="-1" {
                    h1 data-title=(full) { (title) }
                    (main)
                }
                footer {
                    @if view.is_some() && *typing {
                        noscript { p { a href=(here) { (say("page-look-again")) } } }
                    }
                    p { (say("page-local")) }
                }
                // What is new, for ears. The script writes it.
                p.heard id="heard" role="status" {}
                div.gone hidden role="alert" { p { (say("page-gone")) } }
            }
        }
    };
    page.into_string()
}

/// A dot, so that the tab is found again. A `data:` address can't call anybody.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%2317497a'/%3E%3C/svg%3E";

/// A part that the script replaces when it has changed, and leaves alone when it hasn't: what somebody types in another
/// part stays there, and nothing moves for nothing.
pub fn part(id: &str, content: &Markup) -> Markup {
    let hash = Sha256::digest(content.0.as_bytes());
    let hash = venia_proto::encoding::to_hex(hash.get(..8).unwrap_or(&[]));
    html! { div id=(id) data-part=(hash) { (content) } }
}

/// A form that does one thing, bound to what it is shown with. Its content brings the buttons; what they are called is in
/// the field `do`.
pub fn act(seal: &Seal, path: &str, shown: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action=(path) {
            input type="hidden" name="token" value=(seal.token(path, shown));
            (content)
        }
    }
}

/// Switches the language; the other one is named in its own words.
fn languages(words: &Words, seal: &Seal, here: &str) -> Markup {
    let other = |language: Language| {
        let (code, name) = match language {
            Language::En => ("en", "English"),
            Language::Es => ("es", "Español"),
        };
        html! {
            @if language == words.language() { span.chosen lang=(code) aria-current="true" { (name) } }
            @else { button.plain type="submit" name="to" value=(code) lang=(code) { (name) } }
        }
    };
    let switch = html! {
        input type="hidden" name="back" value=(here);
        (other(Language::Es)) " " (other(Language::En))
    };
    html! { div.languages { (act(seal, "/language", "", &switch)) } }
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Es => "es",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(live: Option<&str>, main: Markup, typing: bool) -> String {
        let (words, seal) = (Words::new(Language::Es), Seal::new([1; super::super::seal::KEY]));
        document(&Frame {
            words: &words,
            seal: &seal,
            title: "Ayuda",
            live,
            stop: html! {},
            places: html! {},
            main,
            here: "/?view=1",
            view: Some(1),
            seen: 0,
            wide: false,
            typing,
        })
    }

    #[test]
    fn d4_no_text_becomes_markup() {
        let hostile = "</p><script>alert(1)</script>\" onload=\"x";
        let page = page(Some(hostile), html! { p title=(hostile) { (hostile) } }, false);
        assert_eq!(page.matches("<script").count(), 1);
        assert!(!page.contains("onload=\"x"));
    }

    #[test]
    fn a_session_stands_in_the_title_and_first() {
        let page = page(Some("● Ana está conectada"), html! {}, false);
        assert!(page.contains("<title>● Ana está conectada · Ayuda</title>"));
        assert!(page.find("class=\"live\"") < page.find("<main"));
    }

    #[test]
    fn nothing_loads_again_under_somebody_who_types() {
        assert!(page(None, html! {}, false).contains("http-equiv=\"refresh\""));
        assert!(!page(None, html! {}, true).contains("http-equiv=\"refresh\""));
    }

    #[test]
    fn a_part_is_another_exactly_if_its_content_is() {
        let one = part("a", &html! { "x" }).into_string();
        assert_eq!(one, part("a", &html! { "x" }).into_string());
        assert_ne!(one, part("a", &html! { "y" }).into_string());
    }

    #[test]
    fn nothing_in_a_page_runs_or_looks_by_itself() {
        // The policy would refuse it: inline scripts, styles and handlers.
        let page = page(None, html! {}, false);
        for forbidden in [" style=", "<style", " onclick=", " onload=", "javascript:", "http://", "https://"] {
            let page = page.replace(ICON, "");
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
