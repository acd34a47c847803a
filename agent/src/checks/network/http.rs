//! Fetches a distribution's connectivity-check page, and reads what came back.
//!
//! The request is the same from every PC: no name, no version, no language, no cookie. It is *not* a web client: it follows
//! nothing, keeps nothing, and what comes back is cut at 8 KiB. (SECURITY D3)

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::probe::{Outcome, Reach, connect, left, resolve};
use super::targets::{CheckPage, HTTP};

/// Most that is read of an answer, in bytes; such a page has a few hundred.
const ANSWER_MAX: usize = 8 * 1024;

/// What came of asking for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    /// Whether its name was found.
    pub(super) named: bool,
    /// The answer as it came; nothing if none came.
    pub(super) answer: Option<String>,
    /// When it came, in seconds since 1970 by this PC's clock.
    pub(super) at: u64,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The page itself.
    Expected,
    /// Somebody else answers, and wants the person elsewhere: a place to sign in.
    Portal,
    /// Somebody else's page, or one that was changed on the way.
    Changed,
    /// A fault of the page's own server.
    Fault,
    /// No answer.
    Silent,
    /// Its name wasn't found.
    Nameless,
}

/// Asks for a page, at whichever address answers first in order.
pub(super) fn fetch(page: CheckPage, until: Instant) -> Fetched {
    let addresses = resolve(page.host, HTTP);
    let answer = addresses.iter().take(2).find_map(|address| fetch_at(*address, page, until));
    Fetched { named: !addresses.is_empty(), answer, at: now() }
}

/// Seconds since 1970 by this PC's clock; 0 if it stands before that.
pub(super) fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

fn fetch_at(address: SocketAddr, page: CheckPage, until: Instant) -> Option<String> {
    let (Reach { outcome: Outcome::Open, .. }, Some(mut stream)) = connect(address, until) else { return None };
    let request =
        format!("GET {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nConnection: close\r\n\r\n", page.path, page.host);
    stream.set_write_timeout(Some(left(until).max(Duration::from_millis(1)))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = vec![0; ANSWER_MAX];
    let (mut length, mut ended) = (0, false);
    // One read after the other, each with the time that is left: whoever sends a byte a second gains nothing.
    while length < ANSWER_MAX && !left(until).is_zero() {
        stream.set_read_timeout(Some(left(until).max(Duration::from_millis(1)))).ok()?;
        match stream.read(bytes.get_mut(length..)?) {
            Ok(0) => {
                ended = true;
                break;
            }
            Err(_) => break,
            Ok(read) => length += read,
        }
    }
    let answer = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned();
    // What our own impatience cut off was changed by nobody: it is no answer.
    (length > 0 && (ended || length == ANSWER_MAX || is_whole(&answer))).then_some(answer)
}

/// Whether everything came that tells what was answered: of a page its whole body, as its length or its last chunk says (RFC
/// 9112, 6.3); of anything else the head.
fn is_whole(answer: &str) -> bool {
    let announced = header(answer, "content-length").and_then(|length| length.parse::<usize>().ok());
    let ends = announced.map_or(answer.ends_with("\r\n0\r\n\r\n"), |length| body(answer).len() >= length);
    answer.contains("\r\n\r\n") && (ends || status(answer) != Some(200))
}

/// What came back means.
pub(super) fn meaning(page: CheckPage, fetched: &Fetched) -> Meaning {
    let Some(answer) = &fetched.answer else {
        return if fetched.named { Meaning::Silent } else { Meaning::Nameless };
    };
    let Some(status) = status(answer) else { return Meaning::Changed };
    let elsewhere = header(answer, "location").is_some_and(|to| host(to).is_some_and(|host| host != page.host));
    match status {
        200 if body(answer).trim_start().starts_with(page.begins) => Meaning::Expected,
        // RFC 6585: the network wants the person to sign in first.
        511 => Meaning::Portal,
        300..=399 if elsewhere => Meaning::Portal,
        300..=399 | 404 | 500..=599 => Meaning::Fault,
        _ => Meaning::Changed,
    }
}

/// The server's clock, in seconds since 1970: the header `Date` (RFC 9110, 6.6.1).
pub(super) fn date(answer: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // `Thu, 26 Nov 2026 17:15:00 GMT`
    let words: Vec<&str> = header(answer, "date")?.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = u64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let clock: Vec<u64> = time.split(':').map_while(|part| part.parse().ok()).collect();
    let [hours, minutes, seconds] = clock[..] else { return None };
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let valid = (1..=31).contains(&day) && (1970..=9999).contains(&year) && hours < 24 && minutes < 60 && seconds <= 60;
    if !valid {
        return None;
    }
    // Days from the first of March of the year 0, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    // 1970 began 719,468 days after it.
    Some((days - 719_468) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

/// `HTTP/1.1 200 OK`.
fn status(answer: &str) -> Option<u16> {
    let line = answer.lines().next()?;
    line.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?.parse().ok()
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").or_else(|| answer.split_once("\n\n")).map_or("", |(_, body)| body)
}

/// The host of an absolute address.
fn host(address: &str) -> Option<&str> {
    address.split_once("://")?.1.split(['/', ':', '?']).next()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use proptest::prelude::*;

    use super::*;
    use crate::checks::network::probe::LIMIT;

    const PAGE: CheckPage = CheckPage { host: "check.example", path: "/nm", begins: "NetworkManager is online" };

    fn answered(answer: &str) -> Fetched {
        Fetched { named: true, answer: Some(answer.to_owned()), at: 0 }
    }

    #[test]
    fn what_was_cut_off_is_no_answer() {
        for (answer, whole) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", true),
            ("HTTP/1.1 200 OK\r\n\r\nab", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", false),
            ("HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", true),
            ("HTTP/1.1 302 Found\r\nLocation: http://lo", false),
        ] {
            assert_eq!(is_whole(answer), whole, "{answer}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        for (answer, meant) in [
            ("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nNetworkManager is online\n", Meaning::Expected),
            ("HTTP/1.0 200 OK\n\nNetworkManager is online", Meaning::Expected),
            ("HTTP/1.1 200 OK\r\n\r\n<html>Sign in", Meaning::Changed),
            ("HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/?mac=1\r\n\r\n", Meaning::Portal),
            ("HTTP/1.1 301 Moved\r\nlocation: https://check.example/nm\r\n\r\n", Meaning::Fault),
            ("HTTP/1.1 511 Network Authentication Required\r\n\r\n", Meaning::Portal),
            ("HTTP/1.1 503 Busy\r\n\r\n", Meaning::Fault),
            ("HTTP/1.1 403 Forbidden\r\n\r\n", Meaning::Changed),
            ("SSH-2.0-OpenSSH", Meaning::Changed),
        ] {
            assert_eq!(meaning(PAGE, &answered(answer)), meant, "{answer}");
        }
        assert_eq!(meaning(PAGE, &Fetched { named: true, answer: None, at: 0 }), Meaning::Silent);
        assert_eq!(meaning(PAGE, &Fetched { named: false, answer: None, at: 0 }), Meaning::Nameless);
    }

    #[test]
    fn dates_are_read() {
        let read = |date: &str| super::date(&format!("HTTP/1.1 200 OK\r\nDate: {date}\r\n\r\n"));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(read("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for bad in [
            "",
            "yesterday",
            "Thu, 01 Foo 1970 00:00:00 GMT",
            "Thu, 00 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1969 00:00:00 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
            "Thu, 01 Jan 1970 00:00 GMT",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_server_sees_nothing_of_this_pc_and_is_read_to_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 1_000];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let _closed_early = stream.write_all(&vec![b'x'; 4 * ANSWER_MAX]);
            String::from_utf8(request[..length].to_vec()).unwrap()
        });
        let answer = fetch_at(address, PAGE, Instant::now() + LIMIT * 4).unwrap();
        assert_eq!(answer.len(), ANSWER_MAX);
        let request = "GET /nm HTTP/1.1\r\nHost: check.example\r\nAccept: */*\r\nConnection: close\r\n\r\n";
        assert_eq!(server.join().unwrap(), request);
    }

    #[test]
    fn a_server_that_says_nothing_costs_no_more_than_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let began = Instant::now();
        let until = began + Duration::from_millis(60);
        assert_eq!(fetch_at(listener.local_addr().unwrap(), PAGE, until), None);
        assert!(began.elapsed() < LIMIT);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(answer in "(HTTP/1.[01] [0-9]{0,4} .*\r\n(Location|Date): .*\r\n\r\n.*)|(.*\n)*", date in "(Thu, )?[0-9]{0,3} (Jan|Feb) [0-9]{0,6} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3} GMT") {
            meaning(PAGE, &answered(&answer));
            super::date(&answer);
            super::date(&format!("HTTP/1.1 200 OK\r\nDate: {date}\r\n\r\n"));
        }
    }
}
