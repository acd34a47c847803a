//! Asks the printing service of this computer for exactly the figures that are needed (RFC 8010, RFC 8011).
//!
//! `lpstat` prints who prints what, and dates in forms that differ by version. Here only named attributes are asked for, so
//! titles of documents and names of people never even reach this process. It talks to the service's own file socket,
//! never to a printer, and asks nothing that changes anything.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Where CUPS listens: the same on all distributions.
const SOCKET: &str = "/run/cups/cups.sock";
/// Longest wait for each answer.
const LIMIT: Duration = Duration::from_secs(3);
/// Most that is read of an answer. A printer's part is below 1 kB, as only few attributes are asked for.
const ANSWER_MAX: u64 = 512 * 1024;

/// `CUPS-Get-Default` (CUPS' IPP documentation).
const GET_DEFAULT: u16 = 0x4001;
/// `CUPS-Get-Printers`.
const GET_PRINTERS: u16 = 0x4002;
/// `Get-Jobs` (RFC 8011, 4.2.6).
const GET_JOBS: u16 = 0x000a;

const OPERATION: u8 = 0x01;
const JOB: u8 = 0x02;
const END: u8 = 0x03;
const PRINTER: u8 = 0x04;
const INTEGER: u8 = 0x21;
const BOOLEAN: u8 = 0x22;
const ENUM: u8 = 0x23;
const KEYWORD: u8 = 0x44;
const URI: u8 = 0x45;
const CHARSET: u8 = 0x47;
const LANGUAGE: u8 = 0x48;

/// Why the service gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unasked {
    /// It isn't running, or isn't there.
    #[error("/run/cups/cups.sock does not exist")]
    NotRunning,
    /// This account may not.
    #[error("/run/cups/cups.sock: permission denied")]
    Denied,
    /// It is there and doesn't answer.
    #[error("the printing service gave no answer")]
    Silent,
}

/// Bytes of an answer, to be read by [`Answer::parse`].
pub(super) type Bytes = Result<Vec<u8>, Unasked>;

/// Asks for the name of the default printer.
pub(super) fn default_printer() -> Bytes {
    ask(&request(GET_DEFAULT, &[], &["printer-name"]))
}

/// Asks for the printers and those attributes of each.
pub(super) fn printers(attributes: &[&str]) -> Bytes {
    ask(&request(GET_PRINTERS, &[], attributes))
}

/// Asks for everybody's documents that aren't printed yet, and those attributes of each.
pub(super) fn jobs(attributes: &[&str]) -> Bytes {
    let of = [
        (URI, "printer-uri", &b"ipp://localhost/"[..]),
        (BOOLEAN, "my-jobs", &[0]),
        (KEYWORD, "which-jobs", b"not-completed"),
    ];
    ask(&request(GET_JOBS, &of, attributes))
}

fn request(operation: u16, more: &[(u8, &str, &[u8])], attributes: &[&str]) -> Vec<u8> {
    let mut bytes = vec![1, 1];
    bytes.extend(operation.to_be_bytes());
    bytes.extend(1_u32.to_be_bytes());
    bytes.push(OPERATION);
    value(&mut bytes, CHARSET, "attributes-charset", b"utf-8");
    value(&mut bytes, LANGUAGE, "attributes-natural-language", b"en");
    for (tag, name, content) in more {
        value(&mut bytes, *tag, name, content);
    }
    for (place, attribute) in attributes.iter().enumerate() {
        // Further values of the same attribute have no name.
        value(&mut bytes, KEYWORD, if place == 0 { "requested-attributes" } else { "" }, attribute.as_bytes());
    }
    bytes.push(END);
    bytes
}

fn value(bytes: &mut Vec<u8>, tag: u8, name: &str, content: &[u8]) {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    bytes.push(tag);
    bytes.extend(length(name.as_bytes()));
    bytes.extend(name.as_bytes());
    bytes.extend(length(content));
    bytes.extend(content);
}

fn ask(request: &[u8]) -> Bytes {
    exchange(Path::new(SOCKET), request).map_err(|error| {
        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
            Unasked::NotRunning
        } else if error.kind() == ErrorKind::PermissionDenied {
            Unasked::Denied
        } else {
            Unasked::Silent
        }
    })
}

/// One request, one answer: the service closes after it.
fn exchange(socket: &Path, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        request.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    let mut part = [0; 16 * 1024];
    while (answer.len() as u64) < ANSWER_MAX && !is_whole(&answer) {
        match stream.read(&mut part)? {
            0 => break,
            read => answer.extend(part.get(..read).unwrap_or_default()),
        }
    }
    Ok(answer)
}

/// Whether all of an answer has come, so that a service that keeps the line open doesn't cost the whole wait.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = split(answer) else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with(b"\r\n0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

/// The head in lower case, and what follows it.
fn split(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(answer.get(..end)?).to_lowercase();
    Some((head, answer.get(end + 4..)?))
}

/// Puts the pieces of a chunked body together (RFC 9112, 7.1); what is damaged ends it.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = body.get(..end).map(|line| String::from_utf8_lossy(line).into_owned()).unwrap_or_default();
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        let Some(piece) = body.get(end + 2..).and_then(|rest| rest.get(..size)).filter(|piece| !piece.is_empty())
        else {
            break;
        };
        whole.extend(piece);
        body = body.get(end + 2 + size + 2..).unwrap_or_default();
    }
    whole
}

/// What the service said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// 0 to 0xff is success (RFC 8011, appendix B).
    status: u16,
    /// Printers or documents, in their order.
    pub(super) things: Vec<Thing>,
}

/// One printer or document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Thing(Vec<(String, Content)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Number(i32),
    Text(String),
}

impl Answer {
    /// Reads an HTTP answer with an IPP message in it. Nothing if it isn't one; what comes after damage is left out.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, body) = split(bytes)?;
        if !head.starts_with("http/1.") || head.split_whitespace().nth(1) != Some("200") {
            return None;
        }
        let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_vec() };
        let status = u16::from_be_bytes([*body.get(2)?, *body.get(3)?]);
        Some(Self { status, things: things(body.get(8..)?) })
    }

    /// Whether it did as asked.
    pub(super) fn is_good(&self) -> bool {
        self.status < 0x100
    }
}

impl Thing {
    /// The first value of that attribute, if it is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().filter(|(known, _)| known == name).find_map(|(_, content)| content.text())
    }

    /// All values of that attribute that are texts.
    pub(super) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).filter_map(|(_, content)| content.text())
    }

    /// The first value of that attribute, if it is a number; yes and no are 1 and 0.
    pub(super) fn number(&self, name: &str) -> Option<i32> {
        self.0.iter().filter(|(known, _)| known == name).find_map(|(_, content)| match content {
            Content::Number(number) => Some(*number),
            Content::Text(_) => None,
        })
    }
}

impl Content {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }
}

/// Groups of attributes: a tag below 0x10 begins a group, any other is a value.
fn things(mut rest: &[u8]) -> Vec<Thing> {
    let mut things = Vec::new();
    let mut inside = false;
    let mut name = String::new();
    while let Some((&tag, after)) = rest.split_first() {
        rest = after;
        if tag == END {
            break;
        }
        if tag < 0x10 {
            inside = matches!(tag, JOB | PRINTER);
            if inside {
                things.push(Thing::default());
            }
            continue;
        }
        let Some((key, after)) = field(rest) else { break };
        let Some((content, after)) = field(after) else { break };
        rest = after;
        if !key.is_empty() {
            name = String::from_utf8_lossy(key).into_owned();
        }
        if let (true, Some(thing)) = (inside, things.last_mut()) {
            thing.0.push((name.clone(), read(tag, content)));
        }
    }
    things
}

/// Two bytes of length and that many bytes.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]);
    bytes.get(2..)?.split_at_checked(length.into())
}

fn read(tag: u8, content: &[u8]) -> Content {
    let text = || Content::Text(String::from_utf8_lossy(content).into_owned());
    match (tag, content) {
        (INTEGER | ENUM, [a, b, c, d]) => Content::Number(i32::from_be_bytes([*a, *b, *c, *d])),
        (BOOLEAN, [flag]) => Content::Number((*flag).into()),
        _ => text(),
    }
}

/// Answers as CUPS gives them, for tests.
#[cfg(test)]
pub(super) mod recorded {
    use super::*;

    /// A value of a recorded attribute.
    #[derive(Clone, Copy)]
    pub(in crate::checks::tasks) enum Said<'a> {
        /// Integer.
        Int(i32),
        /// Enumeration.
        Enum(i32),
        /// Yes or no.
        Flag(bool),
        /// Name, keyword or address.
        Text(&'a str),
    }

    /// Printers or jobs as bytes on the line.
    pub(in crate::checks::tasks) fn answer(status: u16, job: bool, things: &[&[(&str, Said<'_>)]]) -> Vec<u8> {
        let mut body = vec![1, 1];
        body.extend(status.to_be_bytes());
        body.extend(1_u32.to_be_bytes());
        body.push(OPERATION);
        value(&mut body, CHARSET, "attributes-charset", b"utf-8");
        value(&mut body, LANGUAGE, "attributes-natural-language", b"en");
        for thing in things {
            body.push(if job { JOB } else { PRINTER });
            let mut last = "";
            for (name, said) in *thing {
                let name = if last == *name { "" } else { *name };
                match said {
                    Said::Int(number) => value(&mut body, INTEGER, name, &number.to_be_bytes()),
                    Said::Enum(number) => value(&mut body, ENUM, name, &number.to_be_bytes()),
                    Said::Flag(flag) => value(&mut body, BOOLEAN, name, &[u8::from(*flag)]),
                    Said::Text(text) => value(&mut body, KEYWORD, name, text.as_bytes()),
                }
                last = if name.is_empty() { last } else { name };
            }
        }
        body.push(END);
        let mut bytes = b"HTTP/1.1 200 OK\r\nServer: CUPS/2.4 IPP/2.1\r\nContent-Type: application/ipp\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in body.chunks(100) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use proptest::prelude::*;

    use super::recorded::{Said, answer};
    use super::*;

    #[test]
    fn a_request_has_the_bytes_of_the_rfc() {
        let bytes = request(GET_DEFAULT, &[], &["printer-name", "printer-state"]);
        assert_eq!(bytes[..9], [1, 1, 0x40, 1, 0, 0, 0, 1, 1]);
        assert_eq!(bytes[9..31], *b"\x47\x00\x12attributes-charset\x00");
        assert!(bytes.ends_with(b"\x44\x00\x00\x00\x0dprinter-state\x03"));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab") && !is_whole(b"HTTP/1.1 200 OK\r\n\r\n"));
    }

    #[test]
    fn an_answer_is_read_in_pieces_and_in_one() {
        let bytes = answer(
            0,
            false,
            &[
                &[("printer-name", Said::Text("A")), ("printer-state", Said::Enum(5))],
                &[
                    ("printer-name", Said::Text("B")),
                    ("printer-state-reasons", Said::Text("media-empty-error")),
                    ("printer-state-reasons", Said::Text("door-open-warning")),
                    ("printer-is-accepting-jobs", Said::Flag(true)),
                ],
            ],
        );
        assert!(is_whole(&bytes) && !is_whole(&bytes[..bytes.len() - 1]));
        let answer = Answer::parse(&bytes).unwrap();
        assert!(answer.is_good());
        assert_eq!(answer.things[0].text("printer-name"), Some("A"));
        assert_eq!(answer.things[0].number("printer-state"), Some(5));
        let reasons: Vec<&str> = answer.things[1].texts("printer-state-reasons").collect();
        assert_eq!(reasons, ["media-empty-error", "door-open-warning"]);
        assert_eq!(answer.things[1].number("printer-is-accepting-jobs"), Some(1));
        let mut plain = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec();
        plain.extend([1, 1, 4, 6, 0, 0, 0, 1, END]);
        assert!(!Answer::parse(&plain).unwrap().is_good());
        assert_eq!(Answer::parse(b"HTTP/1.1 403 Forbidden\r\n\r\n"), None);
    }

    #[test]
    fn a_service_that_keeps_the_line_open_costs_no_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cups.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let bytes = answer(0, true, &[&[("job-id", Said::Int(7))]]);
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let mut request = Vec::new();
            while !request.ends_with(&[END]) {
                let read = stream.read(&mut asked).unwrap();
                request.extend(&asked[..read]);
            }
            stream.write_all(&bytes).unwrap();
            (stream, request)
        });
        let began = std::time::Instant::now();
        let bytes = exchange(&path, &request(GET_JOBS, &[], &["job-id"])).unwrap();
        assert!(began.elapsed() < LIMIT);
        assert_eq!(Answer::parse(&bytes).unwrap().things[0].number("job-id"), Some(7));
        let (_stream, request) = serving.join().unwrap();
        assert!(request.starts_with(b"POST / HTTP/1.1\r\n"));
        let error = exchange(&folder.path().join("none"), b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200), cut in any::<usize>()) {
            for head in ["", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
                Answer::parse(&[head.as_bytes(), &body].concat());
                is_whole(&[head.as_bytes(), &body].concat());
            }
            let whole = answer(0, false, &[&[("printer-name", Said::Text("A")), ("x", Said::Int(1))]]);
            Answer::parse(&whole[..cut % whole.len()]);
        }
    }
}
