//! Who may speak to a local page: one check in front of every request. Pure: no socket, no clock, no randomness.
//!
//! A page on loopback can be reached by every program and every web site that runs on this computer. What each rule stops:
//!
//! - **Exact `Host`**, else 421: a web site whose name is re-bound to 127.0.0.1 (DNS rebinding). Judged before anything
//!   else, so that such a request doesn't burn the launch token either.
//! - **Launch token**, once and for a minute: a browser's command line is public, so an address found there later is worth
//!   nothing. It is swapped for a cookie at once and leaves the address bar.
//! - **Cookie** with a name of this run's own, `HttpOnly`, `SameSite=Strict`: another local page sees cookies of every port,
//!   so it is one of several guards, never the only one.
//! - **`Sec-Fetch-Site`** of every request, and exact **`Origin`** too of everything that acts or listens: a page on another
//!   port of this computer is the *same site* and would get the cookie sent for it.
//!
//! Not here: whether the form was made for what is shown now ([`super::seal`]), and whose process asks ([`super::peer`]).
//! (UX, "the local page's guard"; SECURITY H2)

use hyper::Method;
use hyper::header::{COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use subtle::ConstantTimeEq as _;

/// How long a launch address works, in milliseconds. (SECURITY H2)
pub const LAUNCH_MS: u64 = 60_000;
/// Where a launch address leads: `/open/` and the token.
pub(super) const LAUNCH: &str = "/open/";
/// What ends everything needs no cookie: a page of another port can overwrite ours, and must not be able to take *stop* away.
/// Its form's token proves the page just as well.
pub(super) const STOP: &str = "/stop";
/// Random bytes a guard is made of.
pub(super) const RANDOM: usize = 2 * SECRET + NAME;

/// Bytes of the launch token and of the cookie's value: 256 bits.
pub(super) const SECRET: usize = 32;
/// Bytes of randomness in the cookie's name: enough to tell runs apart, it is no secret.
const NAME: usize = 8;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The guard of one run.
pub(super) struct Guard {
    host: String,
    cookie: String,
    value: String,
    launch: Option<Launch>,
}

struct Launch {
    token: String,
    until_ms: u64,
}

/// What may become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the person's own browser.
    Pass,
    /// The launch address, for the first time: answer with [`Guard::cookie`] and lead to `/`.
    Launch,
    /// Another address than this page's: 421 (RFC 9110 section 15.5.20).
    Misdirected,
    /// The launch address was used or is too old: 410.
    Gone,
    /// Another browser, page or site: 403.
    Forbidden,
    /// No such method here: 405.
    Method,
}

impl Guard {
    /// The guard of a page on this port of 127.0.0.1. It can be launched once, from now on.
    pub(super) fn new(port: u16, random: &[u8; RANDOM], now_ms: u64) -> Self {
        let (name, secrets) = random.split_at(NAME);
        let (value, token) = secrets.split_at(SECRET);
        let mut guard = Self {
            host: format!("127.0.0.1:{port}"),
            cookie: format!("venia-{}", hex(name)),
            value: hex(value),
            launch: None,
        };
        guard.launch(token, now_ms);
        guard
    }

    /// The address that opens the page; the last one given is the only one that works.
    pub(super) fn address(&self) -> Option<String> {
        let launch = self.launch.as_ref()?;
        Some(format!("http://{}{LAUNCH}{}", self.host, launch.token))
    }

    /// A new launch address in the place of one that nobody used in time.
    pub(super) fn launch_again(&mut self, random: &[u8; SECRET], now_ms: u64) {
        self.launch(random, now_ms);
    }

    fn launch(&mut self, token: &[u8], now_ms: u64) {
        self.launch = Some(Launch { token: hex(token), until_ms: now_ms.saturating_add(LAUNCH_MS) });
    }

    /// Whether the address has been used.
    pub(super) fn is_launched(&self) -> bool {
        self.launch.is_none()
    }

    /// `Set-Cookie` for the browser that launched.
    pub(super) fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.value)
    }

    /// The page's origin (RFC 6454).
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.host)
    }

    /// What may become of this request.
    pub(super) fn judge(&mut self, method: &Method, path: &str, headers: &HeaderMap, now_ms: u64) -> Verdict {
        // One header, exactly this: two of them, or none, are judged by somebody else than we think.
        if only(headers, &HOST) != Some(self.host.as_str()) {
            return Verdict::Misdirected;
        }
        if let Some(token) = path.strip_prefix(LAUNCH) {
            return self.judge_launch(method, token, headers, now_ms);
        }
        let stops = path == STOP && *method == Method::POST;
        if !stops && !self.has_cookie(headers) {
            return Verdict::Forbidden;
        }
        let site = only(headers, &FETCH_SITE);
        match *method {
            // An address typed or opened by the person, or a part of the page itself. A browser from before Sec-Fetch-Site
            // sends none; it sends no cookie across sites either, and nothing that only shows does anything.
            Method::GET | Method::HEAD => match site {
                None if !headers.contains_key(FETCH_SITE) => Verdict::Pass,
                Some("same-origin" | "none") => Verdict::Pass,
                _ => Verdict::Forbidden,
            },
            Method::POST => {
                let ours = only(headers, &ORIGIN) == Some(self.origin().as_str());
                if ours && site == Some("same-origin") { Verdict::Pass } else { Verdict::Forbidden }
            }
            _ => Verdict::Method,
        }
    }

    fn judge_launch(&mut self, method: &Method, token: &str, headers: &HeaderMap, now_ms: u64) -> Verdict {
        if *method != Method::GET {
            return Verdict::Method;
        }
        // Opened as a page by the person or their own program: not framed, not fetched, not led to by a web site. None of
        // these burns it.
        let opened = matches!(only(headers, &FETCH_SITE), None | Some("none" | "same-origin"))
            && matches!(only(headers, &FETCH_DEST), None | Some("document"));
        if !opened {
            return Verdict::Forbidden;
        }
        let right = self.launch.as_ref().is_some_and(|launch| {
            now_ms < launch.until_ms && bool::from(launch.token.as_bytes().ct_eq(token.as_bytes()))
        });
        if right {
            self.launch = None;
            return Verdict::Launch;
        }
        Verdict::Gone
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie && bool::from(value.as_bytes().ct_eq(self.value.as_bytes())))
    }
}

impl std::fmt::Debug for Guard {
    /// Without its secrets. (SECURITY H3)
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The value of a header that stands there exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

fn hex(bytes: &[u8]) -> String {
    venia_proto::encoding::to_hex(bytes)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const PORT: u16 = 4_321;

    fn guard() -> Guard {
        let mut random = [0; RANDOM];
        for (i, byte) in random.iter_mut().enumerate() {
            *byte = u8::try_from(i).unwrap();
        }
        Guard::new(PORT, &random, 1_000)
    }

    /// What the person's own browser sends with a form, changed by a test.
    fn headers(guard: &Guard) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let cookie = guard.cookie();
        let pair = cookie.split(';').next().unwrap();
        for (name, value) in
            [(HOST, "127.0.0.1:4321"), (COOKIE, pair), (ORIGIN, "http://127.0.0.1:4321"), (FETCH_SITE, "same-origin")]
        {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// A way to spoil a request.
    type Spoil = Box<dyn Fn(&mut HeaderMap)>;

    fn set(name: HeaderName, value: &'static str) -> Spoil {
        Box::new(move |headers| {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        })
    }

    fn without(name: HeaderName) -> Spoil {
        Box::new(move |headers| {
            headers.remove(&name);
        })
    }

    fn twice(name: HeaderName, value: &'static str) -> Spoil {
        Box::new(move |headers| {
            headers.append(name.clone(), HeaderValue::from_static(value));
        })
    }

    fn judged(method: &Method, spoil: &Spoil) -> Verdict {
        let mut guard = guard();
        let mut headers = headers(&guard);
        spoil(&mut headers);
        guard.judge(method, "/", &headers, 2_000)
    }

    fn token(guard: &Guard) -> String {
        let address = guard.address().unwrap();
        address.strip_prefix("http://127.0.0.1:4321").unwrap().to_owned()
    }

    fn first_visit() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:4321"));
        headers.insert(FETCH_SITE, HeaderValue::from_static("none"));
        headers.insert(FETCH_DEST, HeaderValue::from_static("document"));
        headers
    }

    #[test]
    fn the_persons_own_browser_passes() {
        let nothing: Spoil = Box::new(|_| ());
        for method in [Method::GET, Method::HEAD, Method::POST] {
            assert_eq!(judged(&method, &nothing), Verdict::Pass, "{method}");
        }
        assert_eq!(judged(&Method::GET, &without(ORIGIN)), Verdict::Pass);
        assert_eq!(judged(&Method::GET, &set(FETCH_SITE, "none")), Verdict::Pass);
        assert_eq!(judged(&Method::GET, &without(FETCH_SITE)), Verdict::Pass);
    }

    #[test]
    fn h2_any_other_host_is_misdirected() {
        for host in [
            "evil.example:4321",
            "localhost:4321",
            "127.0.0.1",
            "127.0.0.1:4322",
            "127.0.0.1:4321.evil.example",
            "127.1:4321",
            "[::1]:4321",
            "",
        ] {
            assert_eq!(judged(&Method::GET, &set(HOST, host)), Verdict::Misdirected, "{host}");
        }
        assert_eq!(judged(&Method::GET, &without(HOST)), Verdict::Misdirected);
        assert_eq!(judged(&Method::GET, &twice(HOST, "127.0.0.1:4321")), Verdict::Misdirected);
    }

    #[test]
    fn h2_without_the_cookie_nothing_is_shown() {
        for spoil in [
            without(COOKIE),
            set(COOKIE, "venia-0001020304050607=00"),
            set(COOKIE, "venia-0001020304050607="),
            set(COOKIE, "other=08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"),
        ] {
            for method in [Method::GET, Method::POST] {
                assert_eq!(judged(&method, &spoil), Verdict::Forbidden);
            }
        }
        // Among others it counts.
        let mut guard = guard();
        let mut headers = headers(&guard);
        let pair = headers.remove(COOKIE).unwrap();
        let among = format!("a=b; {}; c=d", pair.to_str().unwrap());
        headers.insert(COOKIE, HeaderValue::from_str(&among).unwrap());
        assert_eq!(guard.judge(&Method::GET, "/", &headers, 2_000), Verdict::Pass);
    }

    #[test]
    fn h2_no_other_page_s_cookie_takes_stop_away() {
        for (spoil, verdict) in [
            (without(COOKIE), Verdict::Pass),
            (set(COOKIE, "venia-0001020304050607=x"), Verdict::Pass),
            (without(ORIGIN), Verdict::Forbidden),
            (set(FETCH_SITE, "same-site"), Verdict::Forbidden),
            (set(HOST, "localhost:4321"), Verdict::Misdirected),
        ] {
            let mut guard = guard();
            let mut headers = headers(&guard);
            spoil(&mut headers);
            assert_eq!(guard.judge(&Method::POST, STOP, &headers, 2_000), verdict);
        }
        let mut guard = guard();
        let mut headers = headers(&guard);
        headers.remove(COOKIE);
        assert_eq!(guard.judge(&Method::GET, STOP, &headers, 2_000), Verdict::Forbidden);
    }

    #[test]
    fn h2_acting_takes_this_origin() {
        for origin in ["http://127.0.0.1:4322", "https://127.0.0.1:4321", "http://localhost:4321", "null", ""] {
            assert_eq!(judged(&Method::POST, &set(ORIGIN, origin)), Verdict::Forbidden, "{origin}");
        }
        assert_eq!(judged(&Method::POST, &without(ORIGIN)), Verdict::Forbidden);
        assert_eq!(judged(&Method::POST, &twice(ORIGIN, "http://127.0.0.1:4321")), Verdict::Forbidden);
    }

    #[test]
    fn h2_acting_takes_this_site_and_looking_no_other() {
        for site in ["cross-site", "same-site", "none", "bogus"] {
            assert_eq!(judged(&Method::POST, &set(FETCH_SITE, site)), Verdict::Forbidden, "{site}");
        }
        assert_eq!(judged(&Method::POST, &without(FETCH_SITE)), Verdict::Forbidden);
        for site in ["cross-site", "same-site", "bogus"] {
            assert_eq!(judged(&Method::GET, &set(FETCH_SITE, site)), Verdict::Forbidden, "{site}");
        }
        assert_eq!(judged(&Method::GET, &twice(FETCH_SITE, "same-origin")), Verdict::Forbidden);
    }

    #[test]
    fn other_methods_are_refused() {
        let nothing: Spoil = Box::new(|_| ());
        for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH, Method::TRACE, Method::CONNECT] {
            assert_eq!(judged(&method, &nothing), Verdict::Method, "{method}");
        }
    }

    #[test]
    fn h2_the_launch_address_works_once() {
        let mut guard = guard();
        let path = token(&guard);
        assert_eq!(path.len(), LAUNCH.len() + 64);
        assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 2_000), Verdict::Launch);
        assert!(guard.is_launched() && guard.address().is_none());
        assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 2_000), Verdict::Gone);
        // Another one only if it is made.
        guard.launch_again(&[7; SECRET], 3_000);
        assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 3_000), Verdict::Gone);
        let path = token(&guard);
        assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 3_000), Verdict::Launch);
    }

    #[test]
    fn h2_the_launch_address_dies_after_a_minute() {
        for (after, verdict) in
            [(LAUNCH_MS - 1, Verdict::Launch), (LAUNCH_MS, Verdict::Gone), (LAUNCH_MS + 1, Verdict::Gone)]
        {
            let mut guard = guard();
            let path = token(&guard);
            assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 1_000 + after), verdict, "{after}");
        }
    }

    #[test]
    fn h2_what_isn_t_the_person_opening_it_doesn_t_burn_the_launch_address() {
        let mut guard = guard();
        let path = token(&guard);
        for (spoil, verdict) in [
            (set(HOST, "evil.example"), Verdict::Misdirected),
            (set(FETCH_SITE, "cross-site"), Verdict::Forbidden),
            (set(FETCH_SITE, "same-site"), Verdict::Forbidden),
            (set(FETCH_DEST, "iframe"), Verdict::Forbidden),
            (set(FETCH_DEST, "empty"), Verdict::Forbidden),
        ] {
            let mut headers = first_visit();
            spoil(&mut headers);
            assert_eq!(guard.judge(&Method::GET, &path, &headers, 2_000), verdict);
        }
        assert_eq!(guard.judge(&Method::POST, &path, &first_visit(), 2_000), Verdict::Method);
        for wrong in ["", "0", &"0".repeat(64)] {
            let path = format!("{LAUNCH}{wrong}");
            assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 2_000), Verdict::Gone);
        }
        assert_eq!(guard.judge(&Method::GET, &path, &first_visit(), 2_000), Verdict::Launch);
    }

    #[test]
    fn h3_a_guard_doesn_t_print_its_secrets() {
        let guard = guard();
        let printed = format!("{guard:?}");
        assert!(!printed.contains(&guard.value) && !printed.contains(&token(&guard)[LAUNCH.len()..]));
    }
}
