//! `venia-relay`: see [`venia_relay::cli`].
fn main() -> std::process::ExitCode {
    venia_relay::cli::main(std::env::args_os())
}
