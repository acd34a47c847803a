//! `venia open` as it is shipped: the address it prints opens its page once, and the page's own button ends the program.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Ends the program whatever happens.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A request, and the whole answer to it.
fn ask(host: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(stream, "{head}\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What stands between two texts, for the first time.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} after {before}")).0
}

#[test]
fn h2_the_address_opens_the_page_once_and_its_button_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_venia"));
    program.arg("open").arg("--lang").arg("es").arg("--data").arg(folder.path().join("ana"));
    program.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut program = Program(program.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("page: http://").unwrap();
    let (host, path) = address.split_at(address.find('/').unwrap());

    // Without the cookie there is nothing, and a form of another site does nothing.
    assert!(ask(host, "GET / HTTP/1.1", "").starts_with("HTTP/1.1 403"));
    let launched = ask(host, &format!("GET {path} HTTP/1.1"), "");
    assert!(launched.starts_with("HTTP/1.1 303"), "{launched}");
    assert!(ask(host, &format!("GET {path} HTTP/1.1"), "").starts_with("HTTP/1.1 410"));
    let cookie = between(&launched, "set-cookie: ", ";");
    let page = ask(host, &format!("GET / HTTP/1.1\r\nCookie: {cookie}"), "");
    assert!(page.contains("lang=\"es\"") && page.contains("venia enroll"), "{page}");
    let words = ask(host, &format!("GET /words?word=lo HTTP/1.1\r\nCookie: {cookie}"), "");
    assert!(words.contains("lobo"), "{words}");

    let form = between(&page, "action=\"/leave\">", "</form>");
    let token = between(form, "name=\"token\" value=\"", "\"");
    let leave = |origin: &str, site: &str| {
        let head = format!("POST /leave HTTP/1.1\r\nCookie: {cookie}\r\nOrigin: {origin}\r\nSec-Fetch-Site: {site}");
        ask(host, &head, &format!("token={token}"))
    };
    assert!(leave("http://evil.example", "cross-site").starts_with("HTTP/1.1 403"));
    assert!(program.0.try_wait().unwrap().is_none());
    assert!(leave(&format!("http://{host}"), "same-origin").starts_with("HTTP/1.1 303"));
    assert!(program.0.wait().unwrap().success());
}
