//! `tasks.display-resolution`: whether each screen shows what it was made for.
//!
//! What a screen can do is read from the system's own list. What it does now is asked of X, or read from what GNOME saved;
//! under other Wayland desktops nobody outside may ask, and that is said. Names and serial numbers of screens aren't read.

use std::time::Duration;

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::home;
use crate::checks::figure::tenths;
use crate::checks::machine::Machine;
use crate::checks::tool::{self, Answer, Silence};
use crate::checks::{Check, Failure};

/// Longest wait for X.
const LIMIT: Duration = Duration::from_secs(2);
/// Pictures a second below which moving things jerk: screens are made for 50 and more, and 30 is what a cable or plug too
/// old for the resolution leaves.
const JERKY: f64 = 49.0;
/// Widest picture of a screen that says nothing about itself: what the system offers then ends there (the kernel's
/// `drm_add_modes_noedid` with 1024 by 768).
const FALLBACK: (u64, u64) = (1024, 768);
/// Pictures drawn without the graphics card's own driver: names of the kernel's stand-ins.
const BASIC: [&str; 6] = ["EFI VGA", "VESA VGA", "simple", "simpledrm", "simpledrmdrmfb", "OFfb vga"];
/// Most screens.
const SCREENS_MAX: usize = 16;

pub(crate) struct DisplayResolution;

pub(crate) struct Inputs {
    screens: Vec<Screen>,
    /// Name of the console's picture.
    console: Option<String>,
    x: Option<Result<Answer, Silence>>,
    saved: Option<String>,
}

/// A connector with a screen on it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Screen {
    /// `eDP-1`, `HDMI-A-1`.
    name: String,
    enabled: bool,
    modes: String,
}

/// What a screen shows now.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    name: String,
    size: (u64, u64),
    rate: Option<f64>,
    scale: Option<f64>,
}

impl Check for DisplayResolution {
    const ID: &'static str = "tasks.display-resolution";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        let machine = Machine::this();
        let home = home::own(&machine);
        // The first display is the person's; `--current` doesn't make screens look for changes, so nothing flickers.
        let display =
            machine.names("/tmp/.X11-unix").into_iter().find_map(|name| name.strip_prefix('X')?.parse::<u16>().ok());
        let x = display.map(|number| tool::XRANDR.ask(&["-d", &format!(":{number}"), "--current"], LIMIT));
        Ok(Inputs { x, ..gather_from(&machine, home.as_deref()) })
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if let Some(name) = inputs.console.as_deref().filter(|name| BASIC.contains(name)) {
            draft.finding(Severity::Warning, "basic-driver", &[], format!("/sys/class/graphics/fb0/name: {name}"));
        }
        if inputs.screens.is_empty() {
            draft.fact("screens", 0_u64, "");
            if draft.findings.is_empty() {
                draft.finding(Severity::Unknown, "no-screen", &[], "/sys/class/drm: no connector with a screen");
            }
            return draft;
        }
        let shown = inputs.shown();
        draft.fact("screens", inputs.screens.len() as u64, "");
        let mut rows = Vec::new();
        for screen in &inputs.screens {
            let now = shown.iter().find(|shown| same(&shown.name, &screen.name));
            screen.judge(&mut draft, now);
            rows.push(screen.row(now));
        }
        let known = rows.len() - rows.iter().filter(|row| row[2] == Value::from("")).count();
        if known > 0 && draft.findings.is_empty() {
            draft.finding(Severity::Ok, "display-ok", &[], format!("{known} screens show their own resolution"));
        }
        if known == 0 {
            let why = match &inputs.x {
                None => "no display of X, nothing saved by GNOME".to_owned(),
                Some(Err(silence)) => silence.to_string(),
                Some(Ok(answer)) => format!("xrandr: {}", answer.error.lines().next().unwrap_or("no such screens")),
            };
            draft.finding(Severity::Unknown, "resolution-unknown", &[], why);
        }
        draft.table("screens", &["screen", "native", "current", "rate", "scale", "on"], rows);
        draft
    }
}

impl Inputs {
    /// X knows best, unless it only stands in for Wayland; then what GNOME saved for exactly these screens.
    fn shown(&self) -> Vec<Shown> {
        let x = match &self.x {
            Some(Ok(answer)) if answer.status == Some(0) => xrandr(&answer.output),
            Some(Ok(_) | Err(_)) | None => Vec::new(),
        };
        if x.iter().any(|shown| self.screens.iter().any(|screen| same(&shown.name, &screen.name))) {
            return x;
        }
        let fits = |saved: &Vec<Shown>| {
            saved.len() == self.screens.len()
                && self.screens.iter().all(|screen| saved.iter().any(|shown| same(&shown.name, &screen.name)))
        };
        saved(self.saved.as_deref().unwrap_or_default()).into_iter().find(fits).unwrap_or_default()
    }
}

impl Screen {
    /// The first is what the screen says it was made for.
    fn native(&self) -> Option<(u64, u64)> {
        size(self.modes.lines().next()?)
    }

    fn judge(&self, draft: &mut Draft, now: Option<&Shown>) {
        let screen = ("screen", Value::from(self.name.clone()));
        let widest = self.modes.lines().filter_map(size).max();
        if !self.enabled && now.is_none() {
            let evidence = format!("/sys/class/drm: {} connected, disabled", self.name);
            draft.finding(Severity::Warning, "screen-off", std::slice::from_ref(&screen), evidence);
        } else if widest.is_none_or(|widest| widest <= FALLBACK) {
            let evidence = format!("/sys/class/drm: {}: {}", self.name, widest.map_or("no modes".to_owned(), text));
            draft.finding(Severity::Warning, "screen-not-read", std::slice::from_ref(&screen), evidence);
        }
        let Some(now) = now else { return };
        if let Some(native) = self.native().filter(|native| *native != now.size && turned(*native) != now.size) {
            let evidence = format!("{}: {} of {}", self.name, text(now.size), text(native));
            let values = [screen.clone(), ("now", text(now.size).into()), ("native", text(native).into())];
            draft.finding(Severity::Warning, "not-native", &values, evidence);
        }
        if let Some(rate) = now.rate.filter(|rate| *rate < JERKY) {
            let evidence = format!("{}: {rate:.2} Hz", self.name);
            draft.finding(Severity::Warning, "refresh-low", &[screen, ("rate", tenths(rate).into())], evidence);
        }
    }

    fn row(&self, now: Option<&Shown>) -> Vec<Value> {
        let figure = |figure: Option<f64>| figure.map_or("".into(), |figure| Value::from(tenths(figure)));
        vec![
            self.name.clone().into(),
            self.native().map_or(String::new(), text).into(),
            now.map_or(String::new(), |now| text(now.size)).into(),
            figure(now.and_then(|now| now.rate)),
            figure(now.and_then(|now| now.scale)),
            (self.enabled || now.is_some()).into(),
        ]
    }
}

fn gather_from(machine: &Machine, home: Option<&str>) -> Inputs {
    let screen = |folder: String| {
        // `card0-HDMI-A-1`; writeback connectors are no screens.
        let name = folder.strip_prefix("card")?.split_once('-')?.1.to_owned();
        let file = |file: &str| machine.word(&format!("/sys/class/drm/{folder}/{file}"));
        (file("status").as_deref() == Some("connected")).then(|| Screen {
            enabled: file("enabled").as_deref() == Some("enabled"),
            modes: file("modes").unwrap_or_default(),
            name,
        })
    };
    Inputs {
        screens: machine.names("/sys/class/drm").into_iter().filter_map(screen).take(SCREENS_MAX).collect(),
        console: machine.word("/sys/class/graphics/fb0/name"),
        x: None,
        saved: home.and_then(|home| machine.text(&format!("{home}/.config/monitors.xml")).ok()),
    }
}

/// X calls `HDMI-A-1` of the system `HDMI-1`, or `HDMI-A-0` where it counts from zero (AMD's own driver).
fn same(x: &str, system: &str) -> bool {
    let spellings = [("HDMI-A-", "HDMI-"), ("DVI-D-", "DVI-"), ("DVI-I-", "DVI-"), ("DisplayPort-", "DP-")];
    let plain = |name: &str| spellings.iter().fold(name.to_owned(), |name, (long, short)| name.replace(long, short));
    let later = |name: &str| {
        let (kind, number) = name.rsplit_once('-')?;
        Some(format!("{kind}-{}", number.parse::<u64>().ok()?.checked_add(1)?))
    };
    x == system || plain(x) == plain(system) || (plain(x).ends_with("-0") && later(&plain(x)) == Some(plain(system)))
}

/// `1920x1080`, also `1920x1080i`.
fn size(mode: &str) -> Option<(u64, u64)> {
    let (width, height) = mode.trim().split_once('x')?;
    let height = height.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((width.parse().ok()?, height.parse().ok()?)).filter(|(width, height)| *width > 0 && *height > 0)
}

fn text((width, height): (u64, u64)) -> String {
    format!("{width}x{height}")
}

fn turned((width, height): (u64, u64)) -> (u64, u64) {
    (height, width)
}

/// `eDP-1 connected primary 1920x1080+0+0 (…`, then modes below it with a star at the current rate.
fn xrandr(output: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut of_shown = false;
    for line in output.lines() {
        if !line.starts_with(char::is_whitespace) {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default();
            let place = (words.next() == Some("connected"))
                .then(|| words.take_while(|word| !word.starts_with('(')).find(|word| word.contains('+')))
                .flatten();
            let place = place.and_then(|place| size(place.split('+').next()?));
            of_shown = place.is_some();
            shown.extend(place.map(|size| Shown { name: name.to_owned(), size, rate: None, scale: None }));
        } else if let (true, Some(last)) = (of_shown && line.contains('*'), shown.last_mut()) {
            let mut words = line.split_whitespace();
            // Where X enlarges the picture, the mode is what the screen really gets.
            if let Some(mode) = words.next().and_then(size) {
                last.size = mode;
            }
            last.rate = words.find(|word| word.contains('*')).and_then(|word| word.split('*').next()?.parse().ok());
        }
    }
    shown
}

/// Each `<configuration>` of GNOME's `monitors.xml`: one for every set of screens there has been.
fn saved(xml: &str) -> Vec<Vec<Shown>> {
    let inside = |text: &str, tag: &str| -> Option<String> {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once('<').map(|(value, _)| value.trim().to_owned())
    };
    let screens = |text: &str| -> Vec<Shown> {
        let scale = inside(text, "scale").and_then(|scale| scale.parse().ok());
        let screen = |text: &str| {
            let number = |tag: &str| inside(text, tag).and_then(|value| value.parse::<u64>().ok());
            Some(Shown {
                name: inside(text, "connector")?,
                size: (number("width")?, number("height")?),
                rate: inside(text, "rate").and_then(|rate| rate.parse().ok()),
                scale,
            })
        };
        text.split("<monitor>").skip(1).filter_map(screen).collect()
    };
    let configuration = |text: &str| text.split("<logicalmonitor>").skip(1).flat_map(screens).collect();
    xml.split("<configuration>").skip(1).map(configuration).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn laptop() -> Inputs {
        gather_from(&recorded("ubuntu-laptop"), Some("/home/ana"))
    }

    fn x(output: &str) -> Option<Result<Answer, Silence>> {
        Some(Ok(Answer { status: Some(0), output: output.to_owned(), error: String::new() }))
    }

    fn desktop(output: &str) -> Inputs {
        Inputs { x: x(output), ..gather_from(&recorded("arch-desktop"), None) }
    }

    #[test]
    fn what_gnome_saved_for_these_screens_counts() {
        let draft = DisplayResolution::judge(laptop());
        let rows = &draft.tables[0].rows;
        let screen = |row: &Vec<Value>| (row[0].clone(), row[2].clone());
        let expected = [("HDMI-A-1", "1920x1080"), ("eDP-1", "1280x720")];
        assert_eq!(rows.iter().map(screen).collect::<Vec<_>>(), expected.map(|(a, b)| (a.into(), b.into())));
        assert!(!format!("{draft:?}").contains("0x00ABCD12"), "serial numbers stay here");
        let found: Vec<String> = told(DisplayResolution::ID, &draft).findings.into_iter().map(|f| f.id).collect();
        assert_eq!(found, ["not-native"]);
    }

    #[test]
    fn x_tells_the_rate_and_its_own_names_are_understood() {
        let output = recorded("arch-desktop").text("/tools/xrandr.txt").unwrap();
        assert_eq!(findings::<DisplayResolution>(desktop(&output)), ["refresh-low"]);
        assert_eq!(findings::<DisplayResolution>(desktop(&output.replace("29.98*", "60.00*"))), ["display-ok"]);
        assert!(same("HDMI-1", "HDMI-A-1") && same("HDMI-A-0", "HDMI-A-1") && same("eDP-1", "eDP-1"));
        assert!(!same("DP-1", "DP-2") && !same("HDMI-1", "HDMI-A-2") && !same("XWAYLAND0", "eDP-1"));
    }

    #[test]
    fn rates_below_at_and_above() {
        let output =
            |rate: &str| format!("HDMI-1 connected primary 3840x2160+0+0 (x) 1mm x 1mm\n   3840x2160 {rate}*+\n");
        for (rate, found) in [("48.99", "refresh-low"), ("49.00", "display-ok"), ("49.01", "display-ok")] {
            assert_eq!(findings::<DisplayResolution>(desktop(&output(rate))), [found]);
        }
    }

    #[test]
    fn a_screen_that_says_nothing_about_itself() {
        for (modes, found) in
            [("1024x768\n800x600", "screen-not-read"), ("", "screen-not-read"), ("1280x720\n1024x768", "display-ok")]
        {
            let mut inputs = desktop("HDMI-1 connected 1x1+0+0 (x)\n");
            inputs.screens[0].modes = modes.to_owned();
            let native = modes.lines().next().unwrap_or("1x1");
            inputs.x = x(&format!("HDMI-1 connected {native}+0+0 (x)\n"));
            assert_eq!(findings::<DisplayResolution>(inputs), [found], "{modes}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        let mut off = laptop();
        off.saved = None;
        off.screens[0].enabled = false;
        off.x = Some(Err(Silence::NotInstalled("xrandr")));
        let basic = Inputs { screens: vec![], console: Some("simpledrmdrmfb".into()), x: None, saved: None };
        let mut unread = laptop();
        unread.screens[0].modes.clear();
        let output = recorded("arch-desktop").text("/tools/xrandr.txt").unwrap();
        all_is_said::<DisplayResolution>(vec![
            laptop(),
            off,
            unread,
            basic,
            desktop(&output),
            desktop(&output.replace("29.98*", "60.00*")),
            gather_from(&recorded("container"), None),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(output in "(.* connected .*\n( .*\\*.*\n)*)*|.*", xml in "(<configuration><logicalmonitor>.*<monitor>.*)*|.*", modes in ".*") {
            let mut inputs = Inputs { x: x(&output), saved: Some(xml), ..laptop() };
            inputs.screens[0].modes = modes;
            told(DisplayResolution::ID, &DisplayResolution::judge(inputs));
        }
    }
}
