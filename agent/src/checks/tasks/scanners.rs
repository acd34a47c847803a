//! `tasks.scanners`: which scanners are plugged in, whether this account may use them, and whether the software is there.
//!
//! Read from what the system noted when the device was plugged in: asking scanners themselves takes ten seconds, wakes
//! them up and searches the whole network. So a scanner in the network isn't seen, and the finding says so.

use venia_proto::ledger::body::Arguments;
use venia_proto::report::{Draft, Severity, Value};

use crate::checks::machine::Machine;
use crate::checks::{Check, Failure};

/// Kernel number of USB devices: their notes are `/run/udev/data/c189:…`.
const USB: &str = "c189:";
/// Most notes that are looked at.
const NOTES_MAX: usize = 256;
/// Where SANE keeps its settings: without them no program can scan.
const SANE: &str = "/etc/sane.d/dll.conf";
/// What scans without a driver, over the network or over USB with ipp-usb.
const AIRSCAN: &str = "/etc/sane.d/airscan.conf";
const IPP_USB: [&str; 2] = ["/usr/sbin/ipp-usb", "/usr/bin/ipp-usb"];
/// Classes of USB interfaces: printing, and printing over the internet's protocol (IPP over USB 1.0).
const PRINTER_CLASS: &str = "0701";
const IPP_PROTOCOL: &str = "04";

pub(crate) struct Scanners;

pub(crate) struct Inputs {
    /// Notes of USB devices; none if there are no notes of any device.
    notes: Option<Vec<Note>>,
    sane: bool,
    airscan: bool,
    ipp_usb: bool,
}

/// What the system noted about one USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    text: String,
    /// Whether this account may use it.
    may: bool,
    /// Class, subclass and protocol of each of its interfaces, as six digits.
    interfaces: Vec<String>,
}

impl Check for Scanners {
    const ID: &'static str = "tasks.scanners";
    type Inputs = Inputs;

    fn gather(_: &Arguments) -> Result<Inputs, Failure> {
        Ok(gather_from(&Machine::this()))
    }

    fn judge(inputs: Inputs) -> Draft {
        let mut draft = Draft::default();
        draft.fact("software", inputs.sane, "");
        draft.fact("driverless", inputs.airscan, "");
        let Some(notes) = &inputs.notes else {
            draft.finding(Severity::Unknown, "scanners-unknown", &[], "/run/udev/data does not exist here");
            return draft;
        };
        let scanners: Vec<&Note> = notes.iter().filter(|note| note.is_scanner()).collect();
        let multi: Vec<&Note> = notes.iter().filter(|note| !note.is_scanner() && note.is_multi()).collect();
        draft.fact("scanners", scanners.len() as u64, "");
        for scanner in &scanners {
            let said = [("scanner", scanner.name().into())];
            if !inputs.sane {
                draft.finding(Severity::Warning, "no-software", &said, format!("{SANE} does not exist"));
            } else if !scanner.may {
                draft.finding(Severity::Critical, "not-allowed", &said, "its file in /dev/bus/usb: permission denied");
            }
        }
        for device in &multi {
            if !inputs.ipp_usb || !inputs.airscan {
                let missing = if inputs.ipp_usb { "sane-airscan" } else { "ipp-usb" };
                let evidence = format!("interface {PRINTER_CLASS}{IPP_PROTOCOL}, {missing} is missing");
                draft.finding(Severity::Warning, "driverless-missing", &[("device", device.name().into())], evidence);
            }
        }
        if scanners.is_empty() && multi.is_empty() {
            let evidence = format!("{} USB devices, none matched by SANE's rules", notes.len());
            draft.finding(Severity::Ok, "no-scanner", &[], evidence);
        } else if draft.findings.is_empty() {
            let evidence = format!("{} scanners, {} devices that print and scan", scanners.len(), multi.len());
            draft.finding(Severity::Ok, "scanners-ok", &[], evidence);
        }
        let row = |note: &&Note| -> Vec<Value> {
            let kind = if note.is_scanner() { "scanner" } else { "multi-function" };
            vec![note.name().into(), kind.into(), note.may.into()]
        };
        draft.table("scanners", &["scanner", "kind", "allowed"], scanners.iter().chain(&multi).map(row).collect());
        draft
    }
}

impl Note {
    /// SANE's rules mark what one of its drivers knows.
    fn is_scanner(&self) -> bool {
        self.property("libsane_matched").is_some_and(|value| value == "yes")
    }

    /// Prints without a driver; nearly all of these scan too.
    fn is_multi(&self) -> bool {
        let ipp = format!("{PRINTER_CLASS}{IPP_PROTOCOL}");
        self.interfaces.contains(&ipp)
    }

    fn property(&self, key: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))
    }

    /// Maker and model as the product's own list or the device says; never its serial number.
    fn name(&self) -> String {
        let either = |a: &str, b: &str| self.property(a).or_else(|| self.property(b)).unwrap_or_default().to_owned();
        let maker = either("ID_VENDOR_FROM_DATABASE", "ID_VENDOR");
        let model = either("ID_MODEL_FROM_DATABASE", "ID_MODEL").replace('_', " ");
        format!("{maker} {model}").trim().to_owned()
    }
}

fn gather_from(machine: &Machine) -> Inputs {
    let folder = "/run/udev/data";
    let names = machine.names(folder);
    let usb = names.iter().filter(|name| name.starts_with(USB)).take(NOTES_MAX);
    let note = |name: &String| {
        let text = machine.text(&format!("{folder}/{name}")).ok()?;
        let number = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))?;
            value.parse::<u16>().ok()
        };
        let may = number("BUSNUM").zip(number("DEVNUM")).is_some_and(|(bus, device)| {
            let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
            rustix::fs::access(machine.path(&format!("/dev/bus/usb/{bus:03}/{device:03}")), access).is_ok()
        });
        let interfaces = text.lines().find_map(|line| line.strip_prefix("E:ID_USB_INTERFACES="));
        let interfaces = interfaces.unwrap_or_default().split(':').filter(|six| six.len() == 6).map(str::to_owned);
        Some(Note { interfaces: interfaces.collect(), may, text })
    };
    Inputs {
        notes: (!names.is_empty()).then(|| usb.filter_map(note).collect()),
        sane: machine.has(SANE),
        airscan: machine.has(AIRSCAN),
        ipp_usb: IPP_USB.iter().any(|path| machine.has(path)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks::proof::{all_is_said, findings, recorded, told};

    fn note(text: &str, may: bool) -> Note {
        Note { text: text.to_owned(), may, interfaces: vec![] }
    }

    fn with(note: Note) -> Inputs {
        Inputs { notes: Some(vec![note]), sane: true, airscan: true, ipp_usb: true }
    }

    #[test]
    fn a_laptop_with_a_scanner_and_no_serial_number() {
        let draft = Scanners::judge(gather_from(&recorded("ubuntu-laptop")));
        let row: [Value; 3] = ["Canon, Inc. CanoScan LiDE 400".into(), "scanner".into(), true.into()];
        assert_eq!(draft.tables[0].rows, [row]);
        assert!(!format!("{draft:?}").contains("KKAB12345"));
        assert_eq!(told(Scanners::ID, &draft).findings[0].id, "scanners-ok");
    }

    #[test]
    fn what_is_missing_is_named() {
        let scanner = || note("E:libsane_matched=yes\nE:ID_MODEL=Perfection_V39\nE:ID_VENDOR=EPSON\n", false);
        assert_eq!(scanner().name(), "EPSON Perfection V39");
        assert_eq!(findings::<Scanners>(with(scanner())), ["not-allowed"]);
        assert_eq!(findings::<Scanners>(Inputs { sane: false, ..with(scanner()) }), ["no-software"]);
        let multi =
            || Note { interfaces: vec!["070104".into(), "ff0000".into()], ..note("E:ID_MODEL=ET-2850\n", true) };
        assert_eq!(findings::<Scanners>(with(multi())), ["scanners-ok"]);
        assert_eq!(findings::<Scanners>(Inputs { ipp_usb: false, ..with(multi()) }), ["driverless-missing"]);
        assert_eq!(findings::<Scanners>(Inputs { airscan: false, ..with(multi()) }), ["driverless-missing"]);
        assert_eq!(findings::<Scanners>(with(note("E:ID_MODEL=Mouse\n", true))), ["no-scanner"]);
    }

    #[test]
    fn everything_declared_is_said() {
        let scanner = |may| note("E:libsane_matched=yes\nE:ID_MODEL=X\n", may);
        let multi = Note { interfaces: vec!["070104".into()], ..note("E:ID_MODEL=Y\n", true) };
        all_is_said::<Scanners>(vec![
            with(scanner(true)),
            with(scanner(false)),
            Inputs { sane: false, ..with(scanner(true)) },
            Inputs { ipp_usb: false, ..with(multi) },
            with(note("", true)),
            Inputs { notes: None, ..with(note("", true)) },
        ]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "(E:(libsane_matched|ID_MODEL|ID_VENDOR)=.*\n)*|.*", may in any::<bool>()) {
            told(Scanners::ID, &Scanners::judge(with(note(&text, may))));
        }
    }
}
