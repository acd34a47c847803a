//! `venia-helper`: see the library. Takes no arguments; started by `pkexec`, never by hand.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use venia_helper::{Helper, Outcome, Real, Said, Stdin, TABLE, Verbs, run};

fn main() -> ExitCode {
    let mut output = std::io::stdout();
    let refused = |why: &str| Outcome::NotPossible { why: why.to_owned() };
    let early = if std::env::args_os().count() > 1 {
        Some(refused("takes no arguments"))
    } else if !rustix::process::geteuid().is_root() {
        Some(refused("not started with the administrator's rights"))
    } else {
        None
    };
    // Whoever reads is gone if this fails, which the run finds out by itself.
    let _told = Said::Began.line().and_then(|line| output.write_all(&line)).and_then(|()| output.flush());
    let outcome = early.unwrap_or_else(|| {
        let verbs = Verbs::read(Path::new(TABLE));
        run(&Helper { root: Path::new("/"), programs: &Real, verbs: &verbs }, &mut Stdin::new(), &mut output)
    });
    // Whoever reads is gone if this fails; what was done is done.
    let told = outcome.line().and_then(|line| output.write_all(&line)).and_then(|()| output.flush());
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
