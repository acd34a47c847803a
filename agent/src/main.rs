//! The agent on the person's PC. See the library.

fn main() -> std::process::ExitCode {
    venia_agent::main(std::env::args_os(), venia_agent::Parts::shipped())
}
