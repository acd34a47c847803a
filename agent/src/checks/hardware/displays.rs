//! `hardware.displays`: which displays are connected where, what they can show, and whether it gets through.
//!
//! What a display says of itself comes through its cable: damaged or missing, it is the cable, an adapter or a switch. What
//! is on the screen isn't looked at, and serial numbers stay here.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use super::edid::{Damage, Edid};
use crate::checks::figure::tenths;
use crate::checks::machine::{Machine, Unread};
use crate::checks::{Check, Failure};

/// Where the kernel keeps connectors: `card1-HDMI-A-1`.
const FOLDER: &str = "/sys/class/drm";
/// Most that is read of what a display says, in bytes; only the first block is looked at.
const EDID_MAX: u64 = 512;

pub(crate) struct Displays;

pub(crate) struct Inputs {
    connectors: Vec<Connector>,
}

struct Connector {
    name: String,
    connected: bool,
    edid: Result<Vec<u8>, Unread>,
    /// What can be shown through it, a line each.
    modes: String,
}

impl Check for Displays {
    const ID: &'static str = "hardware.displays";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        if inputs.connectors.is_empty() {
            draft.finding(Severity::Unknown, "displays-unknown", &[], format!("{FOLDER} has no connector"));
            return draft;
        }
        let connected: Vec<&Connector> = inputs.connectors.iter().filter(|c| c.connected).collect();
        draft.fact("connected", connected.len() as u64, "");
        draft.fact("connectors", inputs.connectors.len() as u64, "");
        let rows = connected.iter().map(|connector| display(&mut draft, connector)).collect();
        draft.table("displays", &["connector", "maker", "model", "year", "inches", "native", "best"], rows);
        if connected.is_empty() {
            let evidence = format!("{FOLDER}: {} connectors, all disconnected", inputs.connectors.len());
            draft.finding(Severity::Warning, "no-display", &[], evidence);
        } else if draft.findings.is_empty() {
            let evidence = format!("{FOLDER}: {} connected", connected.len());
            draft.finding(Severity::Ok, "displays-fine", &[("count", (connected.len() as u64).into())], evidence);
        }
        draft
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let connector = |name: String| {
        let folder = format!("{FOLDER}/{name}");
        let status = machine.word(&format!("{folder}/status"))?;
        Some(Connector {
            connected: status == "connected",
            edid: machine.bytes(&format!("{folder}/edid"), EDID_MAX),
            modes: machine.text(&format!("{folder}/modes")).unwrap_or_default(),
            // Writeback connectors are for recording a picture and have no plug.
            name: name
                .split_once('-')
                .map(|(_, name)| name.to_owned())
                .filter(|name| !name.starts_with("Writeback"))?,
        })
    };
    Inputs { connectors: machine.names(FOLDER).into_iter().filter_map(connector).collect() }
}

/// A row, and what is wrong with it.
fn display(draft: &mut Draft, connector: &Connector) -> Vec<Value> {
    let at = [("connector", connector.name.clone().into())];
    let bytes = connector.edid.as_deref().unwrap_or_default();
    let best =
        connector.modes.lines().map(str::trim).filter_map(mode).max_by_key(|(w, h)| u32::from(*w) * u32::from(*h));
    let best_text = best.map_or_else(String::new, |(width, height)| format!("{width}x{height}"));
    let edid = match Edid::parse(bytes) {
        Ok(edid) => edid,
        Err(damage) => {
            let id = if damage == Damage::Empty { "display-silent" } else { "display-garbled" };
            draft.finding(Severity::Warning, id, &at, format!("{FOLDER}/*-{}/edid: {damage}", connector.name));
            let empty = || Value::from("");
            return vec![connector.name.clone().into(), empty(), empty(), empty(), empty(), empty(), best_text.into()];
        }
    };
    let native = edid.native.map_or_else(String::new, |(width, height, rate)| format!("{width}x{height} {rate} Hz"));
    if let Some(((width, height, _), (most, tall))) = edid.native.zip(best)
        && (most < width || tall < height)
    {
        let values = [
            ("connector", connector.name.clone().into()),
            ("native", format!("{width}x{height}").into()),
            ("best", best_text.clone().into()),
        ];
        let evidence = format!("{FOLDER}/*-{}/modes: at most {best_text}; made for {native}", connector.name);
        draft.finding(Severity::Warning, "display-limited", &values, evidence);
    }
    vec![
        connector.name.clone().into(),
        edid.maker.clone().into(),
        edid.model.clone().into(),
        edid.year.map_or("".into(), |year| u32::from(year).into()),
        edid.inches().map_or("".into(), |inches| tenths(inches).into()),
        native.into(),
        best_text.into(),
    ]
}

/// `1920x1080`, with an `i` where lines alternate.
fn mode(line: &str) -> Option<(u16, u16)> {
    let (width, height) = line.trim_end_matches('i').split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recording::{recording, unpacked};
    use super::*;
    use crate::checks::proof::{all_is_said, findings, told};

    #[test]
    fn displays_of_several_computers() {
        let found = |name| findings::<Displays>(gather_from(&recording(name)));
        assert_eq!(found("laptop-fedora"), ["displays-fine"]);
        assert_eq!(found("laptop-worn"), ["display-garbled"]);
        assert_eq!(found("desktop-arch"), ["display-silent", "display-limited"]);
        let draft = Displays::judge(gather_from(&recording("laptop-fedora")));
        let row = &draft.tables[0].rows[0];
        assert_eq!(row[..3], ["DP-1".into(), "Dell".into(), "DELL U2719D".into()]);
        assert_eq!(row[5..], ["2560x1440 60 Hz".into(), "2560x1440".into()]);
    }

    #[test]
    fn what_gets_through_below_at_and_above_what_the_display_is_made_for() {
        let edid = recording("laptop-fedora").bytes("/sys/class/drm/card1-DP-1/edid", EDID_MAX).unwrap();
        for (modes, found) in [
            ("2560x1439", "display-limited"),
            ("2559x1440", "display-limited"),
            ("2560x1440", "displays-fine"),
            ("640x480\n3840x2160", "displays-fine"),
            ("", "displays-fine"),
        ] {
            let connector =
                Connector { name: "DP-1".into(), connected: true, edid: Ok(edid.clone()), modes: modes.into() };
            assert_eq!(findings::<Displays>(Inputs { connectors: vec![connector] }), [found], "{modes}");
        }
    }

    #[test]
    fn everything_declared_is_said() {
        all_is_said::<Displays>(vec![
            gather_from(&recording("laptop-fedora")),
            gather_from(&recording("laptop-worn")),
            gather_from(&recording("desktop-arch")),
            gather_from(&unpacked("/sys/class/drm/card0-HDMI-A-1/status = disconnected\n")),
            gather_from(&unpacked("")),
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(name in ".*", bytes in prop::collection::vec(any::<u8>(), 0..200), modes in "([0-9]{1,6}x[0-9]{1,6}i?\n|.*\n)*") {
            let connector = Connector { name, connected: true, edid: Ok(bytes), modes };
            told(Displays::ID, &Displays::judge(Inputs { connectors: vec![connector] }));
        }
    }
}
