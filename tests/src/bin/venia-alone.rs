//! The shipped agent and nothing else, to be measured: `venia-try` has the relay and the console in it as well.
//!
//! The same few lines as the agent's own program, which benches of this package can't name.

fn main() -> std::process::ExitCode {
    venia_agent::main(std::env::args_os(), venia_agent::Parts::shipped())
}
