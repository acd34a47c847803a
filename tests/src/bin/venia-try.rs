//! `cargo try`: a first session on this computer. See [`venia_tests::first_session`].

fn main() -> std::process::ExitCode {
    venia_tests::first_session::main(std::env::args_os())
}
