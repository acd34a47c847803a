//! The shipped agent and nothing else, but for its person: a test answers for them. What an agent alone weighs is measured by it;
//! `venia-try` has the relay and the console in it as well.
//!
//! Its first argument is the role, as `venia-try`'s is.

use std::ffi::OsString;
use std::process::ExitCode;

use venia_agent::Parts;
use venia_tests::harness::scripted::Scripted;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|role| role == "agent-scripted") {
        let person: venia_agent::FindPerson = Box::new(|_, _| Ok(Box::new(Scripted)));
        let own = args.into_iter().enumerate().filter_map(|(at, arg)| (at != 1).then_some(arg));
        return venia_agent::main(own, Parts { person, ..Parts::shipped() });
    }
    venia_agent::main(args, Parts::shipped())
}
