//! The house rules that a machine can hold: who may depend on whom, what `proto` may know, how long a file may be.

#![expect(clippy::expect_used, reason = "a test that can't prepare has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest source file, in lines; tables and word lists are data files.
const LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The names of everything a package is built from, itself first.
fn tree(package: &str, more: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package])
        .args(more)
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn no_database_reaches_a_persons_or_technicians_pc() {
    for package in ["venia-agent", "venia-console"] {
        let tree = tree(package, &[]);
        assert!(tree.iter().any(|name| name == "quinn"), "{package}: the tree was not read");
        // Their only HTTP is the local page's server: neither fetches anything from anywhere.
        for forbidden in ["rusqlite", "libsqlite3-sys", "venia-tests", "h2", "hyper-rustls", "reqwest", "ureq"] {
            assert!(!tree.iter().any(|name| name == forbidden), "{package} contains {forbidden}");
        }
    }
}

#[test]
fn rooms_import_only_what_they_may() {
    let ours = |package: &str| -> BTreeSet<String> {
        tree(package, &["--depth", "1"]).into_iter().skip(1).filter(|name| name.starts_with("venia-")).collect()
    };
    let allowed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ours("venia-proto"), allowed(&[]));
    assert_eq!(ours("venia-ui"), allowed(&["venia-proto"]));
    assert_eq!(ours("venia-relay"), allowed(&["venia-proto", "venia-ui"]));
    assert_eq!(ours("venia-helper"), allowed(&[]));
    assert_eq!(ours("venia-console"), allowed(&["venia-proto", "venia-relay", "venia-ui"]));
    assert_eq!(ours("venia-agent"), allowed(&["venia-helper", "venia-proto", "venia-relay", "venia-ui"]));
}

#[test]
fn proto_knows_only_what_is_listed() {
    let found: Vec<String> = tree("venia-proto", &["--depth", "1"]).into_iter().skip(1).collect();
    let listed = include_str!("proto-dependencies.txt");
    let listed: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(found, listed, "a new dependency of proto needs a reason: tests/tests/proto-dependencies.txt");
    let whole = tree("venia-proto", &[]);
    for forbidden in ["tokio", "quinn", "rustls", "rustix", "socket2", "sysinfo", "rusqlite"] {
        assert!(!whole.iter().any(|name| name == forbidden), "proto contains {forbidden}");
    }
}

#[test]
fn g6_the_root_program_is_built_from_little_and_knows_no_network() {
    let tree = tree("venia-helper", &[]);
    for forbidden in ["tokio", "quinn", "rustls", "socket2", "hickory-resolver", "aws-lc-rs", "ed25519-dalek", "nix"] {
        assert!(!tree.iter().any(|name| name == forbidden), "the helper contains {forbidden}");
    }
    let different: BTreeSet<&String> = tree.iter().collect();
    assert!(different.len() <= 24, "{different:?}");
}

#[test]
fn one_provider_of_cryptography() {
    let tree = tree("venia-tests", &[]);
    assert!(tree.iter().any(|name| name == "aws-lc-rs"));
    assert!(!tree.iter().any(|name| name == "ring"));
}

#[test]
fn no_file_hides_a_second_idea() {
    let mut folders = vec![root()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                seen += 1;
                let lines = std::fs::read_to_string(&path).expect("source").lines().count();
                assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
            }
        }
    }
    assert!(seen > 100, "the sources were not found");
}
