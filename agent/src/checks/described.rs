//! An item of a pack, run: asks the one program it names, with arguments the table allows, and reads the lines.
//!
//! The worker is given the item as it is written, so that whatever it does is in the text that the consent's hash binds;
//! every rule of packs is checked once more here, by the one who acts. (SECURITY G5)

use std::time::Duration;

use venia_proto::catalog::pack::{Described, Pack};
use venia_proto::ledger::body::Arguments;

use super::{Failure, Judge, tool};

/// The look of that item; none if the text is no item of a pack.
pub(super) fn described(written: &str) -> Option<impl FnOnce(&Arguments) -> Result<Judge, Failure> + use<>> {
    let item = Pack::item(written, "").ok()?;
    let Described { command, reading, .. } = item.described.clone()?;
    let program = tool::named(&command.program)?;
    let described = item.described.clone()?;
    Some(move |arguments: &Arguments| {
        let arguments = described.argv(arguments);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // The rest of its time is for reading.
        let answer = program.ask(&arguments, Duration::from_millis(u64::from(item.deadline_ms) * 3 / 4));
        Ok(Box::new(move || match answer {
            Ok(answer) if answer.status == Some(0) => reading.read(&item, Some(&answer.output), ""),
            Ok(answer) => reading.read(&item, None, answer.error.lines().next().unwrap_or("no reason")),
            Err(silence) => reading.read(&item, None, &silence.to_string()),
        }) as Judge)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g5_the_worker_runs_only_what_keeps_the_rules() {
        let text = include_str!("../../tests/fixtures/packs/timers.json");
        let item = Pack::parse(text.as_bytes()).unwrap().items.remove(0);
        let written = item.described.as_ref().unwrap().written.clone();
        let arguments = item.arguments(&Arguments::new()).unwrap();
        let draft = described(&written).unwrap()(&arguments).unwrap()();
        // Whether or not systemd answers here, one finding says so.
        let told = item.tell(draft);
        assert!(!told.findings.is_empty(), "{told:?}");
        for (what, with) in [("systemctl", "sh"), ("list-units", "start"), ("\"reads\"", "\"changes\"")] {
            assert!(written.contains(what));
            assert!(described(&written.replace(what, with)).is_none(), "{what} -> {with}");
        }
        assert!(described("").is_none());
    }
}
