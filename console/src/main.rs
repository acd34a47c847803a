//! The technician's and the auditor's program; everything is in the library.
fn main() -> std::process::ExitCode {
    venia_console::main(std::env::args_os(), venia_console::Parts::default())
}
