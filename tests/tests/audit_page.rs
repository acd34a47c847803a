//! The auditor's page, as a browser without script would use it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::Value;
use venia_tests::harness::console::{Joined, Technician};
use venia_tests::harness::until;
use venia_tests::harness::world::World;
use venia_tests::programs;

/// What the technician signs off with: it must be found, and must be text.
const PLANTED: &str = "Plantéd <script>xyzzy</script>";

/// A browser: one address, one cookie.
struct Browser {
    host: String,
    cookie: String,
}

impl Browser {
    /// Opens a launch address.
    fn open(address: &str) -> Self {
        let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut browser = Self { host: host.to_owned(), cookie: String::new() };
        let (status, head, _) = browser.ask(&format!("GET /{path} HTTP/1.1"), "", "");
        assert_eq!(status, 303, "{head}");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let (host, cookie, length) = (&self.host, &self.cookie, body.len());
        let request = format!(
            "{line}\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
    }

    /// A page or a file.
    fn get(&self, path: &str) -> String {
        let (status, head, body) = self.ask(&format!("GET {path} HTTP/1.1"), "", "");
        assert_eq!(status, 200, "{path}: {head}");
        body
    }

    /// Sends the form of that page which leads there, with these fields too; gives where it leads then.
    fn send(&self, page: &str, to: &str, fields: &str) -> String {
        let form = page.split(&format!("action=\"{to}\"")).nth(1).unwrap().split("</form>").next().unwrap();
        let hidden = |name: &str| {
            let field = form.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
            field.split('"').next().map(|value| value.replace("&amp;", "&"))
        };
        let plain = |text: String| text.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace('=', "%3D");
        let of = hidden("of").map(plain).unwrap_or_default();
        let body = format!("token={}&of={of}&{fields}", hidden("token").unwrap());
        let (status, head, _) = self.post(to, &body);
        assert_eq!(status, 303, "{to}: {head}");
        head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
    }

    fn post(&self, to: &str, body: &str) -> (u16, String, String) {
        let headers = format!(
            "Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.host
        );
        self.ask(&format!("POST {to} HTTP/1.1"), &headers, body)
    }

    /// A page once no work goes on.
    fn settled(&self, path: &str) -> String {
        until("the work to end", || Some(self.get(path)).filter(|page| !page.contains("data-view")))
    }
}

/// A session in which the technician signs off with these words; its id.
fn session(world: &World, ana: &Technician<'_>) -> String {
    let mut agent = world.ask("pc");
    let given = ["--ask", "system", "--run", "system.memory", "--outcome", PLANTED, "--next", "None."];
    let mut console = ana.joining(&agent.code(), &given);
    agent.allow();
    assert_eq!(Joined::of(&mut console).exit, 0);
    assert_eq!(agent.end(), 0);
    agent.session().to_string()
}

#[test]
fn an_auditor_without_script_fetches_reads_verifies_and_exports() {
    let world = World::start(programs!());
    let ana = world.technician("Ana", 2);
    let bo = world.somebody("console-bo");
    assert_eq!(bo.enroll(&world.invite_as("auditor", "Bo", 1)).0, 0);
    let (exit, said, errors) = world.run("console", &bo.data, ["audit", "key", "--json"], "");
    assert_eq!(exit, 0, "{errors}");
    let key: Value = serde_json::from_str(&said[0]).unwrap();
    world.add_auditor(key["recipient"].as_str().unwrap());
    let id = session(&world, &ana);

    let mut open = world.spawn("console", &bo.data, ["audit", "open"]);
    let address = open.line("the page's address", |line| line.strip_prefix("page: ").map(str::to_owned));
    let browser = Browser::open(&address);

    // Nothing is here, and nothing was asked for.
    let first = browser.get("/");
    assert!(first.contains("There is no copy of the log") && !first.contains(&id), "{first}");
    assert_eq!(browser.send(&first, "/fetch", ""), "/");
    let listed = browser.settled("/");
    assert!(listed.contains(&format!("href=\"/session/{id}\"")) && listed.contains("Brought up to date"), "{listed}");

    // Filters are an address; a wrong one shows nothing.
    let none = browser.get("/?from=2999-01-01");
    assert!(none.contains("0 sessions") && !none.contains(&id), "{none}");
    assert!(!browser.get("/?kind=gossip").contains(&id));
    let counted = browser.get("/?by=week&kind=consent");
    assert!(counted.contains("<svg class=\"chart\"") && counted.contains("/?kind=consent&amp;from="), "{counted}");

    // Consent beside action, closed first, and open once the log says that somebody looked.
    let at = format!("/session/{id}");
    let closed = browser.get(&at);
    assert!(
        closed.contains("allowed at this PC in entry") && closed.contains("not opened on this computer"),
        "{closed}"
    );
    assert_eq!(browser.send(&closed, "/open-session", ""), at);
    let opened = browser.settled(&at);
    assert!(opened.contains("Plantéd &lt;script&gt;xyzzy") && !opened.contains("<script>xyzzy"), "{opened}");
    assert!(opened.contains("The question as it was shown (English)"), "{opened}");
    let found = browser.get("/?word=PLANTED+xyzzy");
    assert!(found.contains(&format!("href=\"/session/{id}#e")), "{found}");

    // A form nobody made does nothing.
    let (status, ..) = browser.post("/verify", "token=00&of=&fetch=yes");
    assert_eq!(status, 409);
    let verify = browser.get("/verify");
    assert!(!verify.contains("INTACT"));
    assert_eq!(browser.send(&verify, "/verify", "fetch=yes"), "/verify");
    let verdict = browser.settled("/verify");
    assert!(verdict.contains("INTACT:") && verdict.contains("No unexplained silence"), "{verdict}");

    let trends = browser.get("/trends?by=day");
    assert_eq!(trends.matches("<svg class=\"chart\"").count(), 6, "{trends}");

    // Files, and a folder.
    let events = browser.get("/download/events.jsonl");
    assert!(events.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && events.contains("\"consent\""));
    assert!(!events.contains("xyzzy"), "no word");
    assert_eq!(browser.get("/download/sessions.csv?from=2999-01-01").lines().count(), 1);
    let export = browser.get("/export");
    let out = world.folder().join("out");
    let fields = format!("format=jsonl&out={}", out.display());
    assert_eq!(browser.send(&export, "/export", &fields), "/export");
    assert!(browser.settled("/export").contains("events added to"));
    assert_eq!(std::fs::read_to_string(out.join("events.jsonl")).unwrap().lines().count(), events.lines().count());

    // Three buttons asked the service, so three notes are in the log; reading the copy left none.
    let copies = std::fs::read_dir(bo.data.join("audit")).unwrap();
    let copy = copies.map(|copy| copy.unwrap().path().join("entries")).next().unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    assert_eq!(bytes.windows(14).filter(|window| *window == b"venia/look@v1\n").count(), 3);

    // What is broken is shown where it is.
    let place = bytes.windows(9).rposition(|window| window == b"\"consent\"").unwrap();
    bytes[place + 1] = b'k';
    std::fs::write(&copy, bytes).unwrap();
    let verify = browser.get("/verify");
    browser.send(&verify, "/verify", "");
    let broken = browser.settled("/verify");
    assert!(broken.contains("BROKEN at entry") && broken.contains("tell the organisation"), "{broken}");

    // One program at a time works on a copy.
    let (_, lines, _) = world.run("console", &bo.data, ["audit", "list", "--offline"], "");
    assert!(lines.is_empty(), "{lines:?}");
    assert_eq!(browser.send(&broken, "/close", ""), "/closed");
    assert!(browser.get("/closed").contains("The program has ended"));
    assert_eq!(open.exit(), 0, "{}", open.errors());

    // Ctrl-C ends it too, opened or not.
    let mut open = world.spawn("console", &bo.data, ["audit", "open"]);
    open.line("the page's address", |line| line.strip_prefix("page: ").map(str::to_owned));
    open.signal(Signal::INT);
    assert_eq!(open.exit(), 0, "{}", open.errors());
}
