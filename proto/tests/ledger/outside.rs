//! `docs/verify.py` over many bundles in one run: what it says of each, and where.

#![expect(clippy::disallowed_methods, reason = "the other verifier reads files")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Reads `file root` a line, says one line of each. Signatures seen once are remembered, as within one bundle.
const MANY: &str = "
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify
for line in sys.stdin:
    file, root = line.rstrip('\\n').split(' ')
    try: print(verify.verify(file, root or None))
    except Exception as error: print('broken:', ascii(verify.place[0])[1:-1], ascii(error))
";

/// A folder of its own under target/, removed when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What it says of each zip, by this root. Fails if python3 or openssl is missing.
pub(crate) fn say<'a>(name: &str, root: &str, zips: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let folder = Folder::new(name);
    let mut asked = String::new();
    for (n, zip) in zips.into_iter().enumerate() {
        let file = folder.0.join(format!("{n}.zip"));
        std::fs::write(&file, zip).unwrap();
        asked.push_str(&format!("{} {root}\n", file.display()));
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut command = Command::new("python3");
    command.args(["-W", "ignore", "-c", MANY]).arg(docs).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = command.spawn().expect("python3 must be installed");
    // A file: a pipe that both sides fill would stop both.
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(asked.as_bytes()).unwrap());
    let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    writer.join().unwrap();
    said.lines().map(str::to_owned).collect()
}

/// Whether this is `broken`, at this entry's number or file's name.
pub(crate) fn is_broken_at(said: &str, at: &str) -> bool {
    let place = at.parse::<u64>().map_or(at.to_owned(), |entry| format!("{entry:06}."));
    said.strip_prefix("broken: ").is_some_and(|said| said.starts_with(&place))
}
