//! The guard and the limits over a real socket, as a browser, another program and a hostile page would speak.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::*;

/// Counts what is done, and what listens.
#[derive(Default)]
struct Counting {
    acts: AtomicUsize,
    ears: Arc<AtomicUsize>,
    changes: watch::Sender<u64>,
}

struct Ear(Arc<AtomicUsize>);

impl Drop for Ear {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Site for Counting {
    fn show(&self, visit: &Visit<'_>) -> Answer {
        match visit.path {
            "/" => Answer::Page(format!("a page in {:?}", visit.language)),
            "/file" => Answer::File { name: "a\"b/..\r\n.zip".to_owned(), media: "application/zip", bytes: vec![1] },
            _ => Answer::NotFound,
        }
    }

    fn act(&self, _: &Visit<'_>, form: &Fields) -> Answer {
        self.acts.fetch_add(1, Ordering::SeqCst);
        Answer::SeeOther(form.get("to").unwrap_or("/").to_owned())
    }

    fn listen(&self, _: &Visit<'_>) -> Listening {
        self.ears.fetch_add(1, Ordering::SeqCst);
        Listening { changes: self.changes.subscribe(), held: Box::new(Ear(Arc::clone(&self.ears))) }
    }
}

struct Place {
    port: u16,
    handle: Handle,
    site: Arc<Counting>,
}

async fn place() -> Place {
    let server = Server::bind().unwrap();
    let (handle, port) = (server.handle(), server.listener.local_addr().unwrap().port());
    let site = Arc::new(Counting::default());
    tokio::spawn(server.serve(Arc::clone(&site) as Arc<dyn Site>));
    Place { port, handle, site }
}

impl Place {
    /// Sends these lines and the body, and gives the whole answer.
    async fn ask(&self, request: &str, headers: &[&str], body: &str) -> String {
        let mut stream = self.open(request, headers, body).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn open(&self, request: &str, headers: &[&str], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let host = format!("Host: 127.0.0.1:{}", self.port);
        let mut lines = vec![format!("{request} HTTP/1.1"), "Connection: close".to_owned()];
        if !headers.iter().any(|line| line.to_lowercase().starts_with("host:")) {
            lines.push(host);
        }
        lines.extend(headers.iter().map(|line| (*line).to_owned()));
        if !body.is_empty() {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        let text = lines.join("\r\n") + "\r\n\r\n" + body;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Opens the page as a browser does; gives its cookie line.
    async fn launch(&self) -> String {
        let address = self.handle.address().unwrap();
        let path = address.strip_prefix(&format!("http://127.0.0.1:{}", self.port)).unwrap();
        let answer = self.ask(&format!("GET {path}"), &[], "").await;
        assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("location: /\r\n"), "{answer}");
        let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(line.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{line}");
        format!("Cookie: {}", line.split(';').next().unwrap())
    }

    fn ours(&self) -> [String; 2] {
        [format!("Origin: http://127.0.0.1:{}", self.port), "Sec-Fetch-Site: same-origin".to_owned()]
    }
}

/// Waits until something holds; the test's own time limit ends it otherwise.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_launch_address_opens_the_page_once() {
    let place = place().await;
    let address = place.handle.address().unwrap();
    let path = address.split_at(format!("http://127.0.0.1:{}", place.port).len()).1.to_owned();
    // A wrong host doesn't burn it.
    let wrong = place.ask(&format!("GET {path}"), &["Host: evil.example"], "").await;
    assert!(wrong.starts_with("HTTP/1.1 421"), "{wrong}");
    let cookie = place.launch().await;
    assert!(place.handle.is_launched() && place.handle.address_again().is_none());
    assert!(place.ask(&format!("GET {path}"), &[], "").await.starts_with("HTTP/1.1 410"));
    assert!(place.ask("GET /", &[], "").await.starts_with("HTTP/1.1 403"));
    let page = place.ask("GET /", &[&cookie, "Accept-Language: es-ES,en;q=0.5"], "").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("a page in Some(Es)"), "{page}");
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let place = place().await;
    let cookie = place.launch().await;
    for (request, headers) in
        [("GET /", vec![cookie.as_str()]), ("GET /", vec![]), ("GET /none", vec![&cookie]), ("PUT /", vec![])]
    {
        let answer = place.ask(request, &headers, "").await;
        for (name, value) in HEADERS {
            assert!(answer.contains(&format!("{name}: {value}\r\n")), "{request}: {name}");
        }
        assert!(!answer.to_lowercase().contains("access-control-"), "{answer}");
    }
}

#[tokio::test]
async fn nothing_is_done_for_anybody_else() {
    let place = place().await;
    let cookie = place.launch().await;
    let [origin, site] = place.ours();
    for headers in [
        vec![cookie.as_str()],
        vec![&cookie, &origin],
        vec![&cookie, &site],
        vec![&origin, &site],
        vec![&cookie, "Origin: null", &site],
        vec![&cookie, &origin, "Sec-Fetch-Site: same-site"],
        vec![&cookie, &origin, &site, "Host: localhost"],
    ] {
        for path in ["/answer", EVENTS] {
            let answer = place.ask(&format!("POST {path}"), &headers, "a=b").await;
            assert!(answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 421"), "{headers:?} {answer}");
        }
    }
    assert_eq!(place.site.acts.load(Ordering::SeqCst), 0);
    let answer = place.ask("POST /answer", &[&cookie, &origin, &site], "a=b").await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!(place.site.acts.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_form_leads_only_to_this_page() {
    let place = place().await;
    let cookie = place.launch().await;
    let [origin, site] = place.ours();
    for (to, leads) in [
        ("/next", "/next"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a%0d%0aset-cookie:x", "/"),
        ("", "/"),
    ] {
        let answer = place.ask("POST /answer", &[&cookie, &origin, &site], &format!("to={to}")).await;
        assert!(answer.contains(&format!("location: {leads}\r\n")), "{to}: {answer}");
        assert!(!answer.contains("set-cookie"), "{answer}");
    }
}

#[tokio::test]
async fn a_form_below_at_and_above_its_limit() {
    let place = place().await;
    let cookie = place.launch().await;
    let [origin, site] = place.ours();
    for (bytes, status) in [(BODY_MAX - 1, "303"), (BODY_MAX, "303"), (BODY_MAX + 1, "413")] {
        let body = "x".repeat(bytes);
        let answer = place.ask("POST /answer", &[&cookie, &origin, &site], &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{bytes}: {}", answer.lines().next().unwrap());
    }
}

#[tokio::test]
async fn streams_below_at_and_above_their_limit() {
    let place = place().await;
    let cookie = place.launch().await;
    let [origin, site] = place.ours();
    let headers = [cookie.as_str(), &origin, &site];
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = place.open("POST /events?view=1", &headers, "").await;
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        open.push(stream);
    }
    assert!(place.ask("POST /events", &headers, "").await.starts_with("HTTP/1.1 503"));
    assert_eq!(place.site.ears.load(Ordering::SeqCst), STREAMS);
    // A page that goes away is noticed, and its place is free again.
    drop(open.pop());
    let ears = Arc::clone(&place.site.ears);
    until(|| ears.load(Ordering::SeqCst) == STREAMS - 1).await;
    let mut again = place.open("POST /events", &headers, "").await;
    let mut first = [0; 12];
    again.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_change_is_a_line() {
    let place = place().await;
    let cookie = place.launch().await;
    let [origin, site] = place.ours();
    let mut stream = place.open("POST /events", &[&cookie, &origin, &site], "").await;
    let ears = Arc::clone(&place.site.ears);
    until(|| ears.load(Ordering::SeqCst) == 1).await;
    place.site.changes.send_modify(|version| *version += 1);
    let mut heard = String::new();
    while !heard.contains("\n1\n") {
        let mut bytes = [0; 512];
        let n = stream.read(&mut bytes).await.unwrap();
        assert!(n > 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
}

#[tokio::test]
async fn a_file_s_name_is_harmless() {
    let place = place().await;
    let cookie = place.launch().await;
    let answer = place.ask("GET /file", &[&cookie], "").await;
    assert!(answer.contains("content-disposition: attachment; filename=\"ab...zip\"\r\n"), "{answer}");
}

#[tokio::test]
async fn the_page_listens_on_loopback_alone() {
    let server = Server::bind().unwrap();
    assert!(server.listener.local_addr().unwrap().ip().is_loopback());
}
