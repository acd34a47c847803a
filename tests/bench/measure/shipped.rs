//! The programs that are shipped. A program of this package that plays their roles has all of their code, and a worker that is
//! started from it twice as much to put right by the loader.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds these programs of the workspace as the bench is built, and says where they lie. `beside`: [`crate::programs!`].
#[expect(clippy::expect_used, reason = "a bench that can't go on says so")]
pub fn shipped(beside: &Path, names: &[&str]) -> PathBuf {
    let folder = beside.parent().expect("a folder");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--workspace", "--locked", "--quiet"]);
    build.args(names.iter().flat_map(|name| ["--bin", name]));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    build.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", folder.parent().expect("a folder"));
    assert!(build.status().expect("cargo").success(), "they don't build");
    folder.to_owned()
}
