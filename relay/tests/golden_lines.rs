//! The shipped program's answers, line by line: help, wrong use, errors with their hints in both languages, exit
//! codes, JSON shapes. The cases are `tests/cmd/`. (COMMANDS.md)
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

#[path = "../../tests/golden/lines.rs"]
mod lines;

#[test]
fn every_command_line_answers_as_written() {
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd");
    lines::check(env!("CARGO_BIN_EXE_venia-relay"), &cases, |_| ());
}
