//! The listener, over real connections: whom it answers, and the faults of a connection. What it
//! answers is tested in the library.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{MastodonGrant, Options, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::guard::AllowedHosts;
use super::listen;
use super::server::Server;

/// Long enough for any response, short enough for a failing test.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a request from outside must not reach: the page, the record, the control routes and the
/// networks.
const LINES: [&str; 6] = [
    "GET /",
    "GET /simulator/received",
    "PUT /simulator/faults",
    "GET /1.1/account/verify_credentials.json",
    "GET /xrpc/com.atproto.server.getSession",
    VERIFY,
];
const VERIFY: &str = "GET /api/v1/accounts/verify_credentials";

/// A simulator on a port of its own, which ends with the test.
struct Running {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Running {
    async fn start() -> Self {
        Self::allowing(&[]).await
    }

    async fn allowing(also: &[&str]) -> Self {
        let listener = listen("127.0.0.1", 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let simulator = Simulator::new(Options {
            mastodon_servers: vec!["social.example=mastodon-4.3".parse().unwrap()],
            ..Options::default()
        });
        let server = Server::new(simulator, Box::new(io::sink()));
        let also = AllowedHosts {
            exactly: also.iter().map(|host| (*host).to_owned()).collect(),
            with_any_port: vec!["social.example".to_owned()],
        };
        let server = tokio::spawn(async move {
            let end = std::future::pending();
            server.serve(listener, &also, end).await.unwrap();
        });
        Self { address, server }
    }

    /// A connection on which this request was sent. The headers are lines; those of its own let the
    /// account answer.
    async fn send(&self, line: &str, headers: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = self.request(line, headers, "");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    fn request(&self, line: &str, headers: &[&str], body: &str) -> String {
        let (address, length) = (self.address, body.len());
        let token = MastodonGrant::default().token;
        let headers = headers.iter().map(|one| format!("{one}\r\n"));
        format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: test\r\n\
             Authorization: Bearer {token}\r\n{}Content-Length: {length}\r\n\r\n{body}",
            headers.collect::<String>()
        )
    }

    /// Sends text and reads until the connection ends.
    async fn exchange(&self, request: &str) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        read_to_end(stream).await
    }

    async fn verify(&self) -> io::Result<Vec<u8>> {
        let request = self.request(VERIFY, &["Connection: close"], "");
        self.exchange(&request).await
    }

    /// Queues a fault of Mastodon, once.
    async fn fail(&self, fault: &str) {
        let body = json!({ "network": "mastodon", "fault": fault, "times": 1 }).to_string();
        let request = self.request("PUT /simulator/faults", &["Connection: close"], &body);
        let reply = Reply::read(&self.exchange(&request).await.unwrap());
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// The records of all requests, newest first.
    async fn received(&self) -> Vec<Value> {
        let request = self.request("GET /simulator/received", &["Connection: close"], "");
        let reply = Reply::read(&self.exchange(&request).await.unwrap());
        serde_json::from_slice(&reply.body).unwrap()
    }
}

async fn read_to_end(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut reply))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(reply)
}

/// A response taken apart.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.expect("the head of the response is incomplete");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Self {
            status: head[9..12].parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// How long the body is, by its header.
    fn content_length(&self) -> usize {
        let mut lines = self.head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: "));
        length.unwrap().parse().unwrap()
    }
}

/// Sends a request with these headers alone.
async fn ask(running: &Running, line: &str, headers: &[&str]) -> Reply {
    let headers = headers.iter().map(|one| format!("{one}\r\n"));
    let headers = headers.collect::<Vec<_>>().concat();
    let request = format!(
        "{line} HTTP/1.1\r\n{headers}User-Agent: test\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    Reply::read(&running.exchange(&request).await.unwrap())
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let running = Running::start().await;
    let port = running.address.port();
    let error = listen("127.0.0.1", port).await.unwrap_err().to_string();
    assert!(
        error.contains(&port.to_string()) && error.contains("--port"),
        "{error}"
    );
    assert!(!error.contains('\n'));
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let running = Running::start().await;
    let first = running.request(VERIFY, &[], "");
    let second = running.request(VERIFY, &["Connection: close"], "");
    let replies = running.exchange(&(first + &second)).await.unwrap();
    let replies = String::from_utf8(replies).unwrap();
    assert_eq!(replies.matches("HTTP/1.1 200 OK").count(), 2);
}

#[tokio::test]
async fn a_head_request_gets_no_body() {
    let running = Running::start().await;
    let request = running.request("HEAD /", &["Connection: close"], "");
    let reply = Reply::read(&running.exchange(&request).await.unwrap());
    assert_eq!((reply.status, reply.body.len()), (200, 0));
}

#[tokio::test]
async fn a_body_that_is_too_long_or_breaks_off_is_judged_all_the_same() {
    let running = Running::start().await;
    let update = "PATCH /api/v1/accounts/update_credentials";
    let multipart = "Content-Type: multipart/form-data; boundary=b";
    let body = "x".repeat(simulator::Body::LARGEST_HELD + 1);
    let request = running.request(update, &["Connection: close", multipart], &body);
    let reply = Reply::read(&running.exchange(&request).await.unwrap());
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert_eq!(running.received().await[0]["body"], "oversized");

    let whole = running.request(update, &["Connection: close", multipart], "0123456789");
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let part = whole.strip_suffix("56789").unwrap();
    stream.write_all(part.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let _ = read_to_end(stream).await;
    let explanation = running.received().await[0]["explanation"].clone();
    assert_eq!(explanation, "the body broke off before its end");
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let running = Running::start().await;
    running.fail("reset").await;
    let error = running.verify().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    let after = Reply::read(&running.verify().await.unwrap());
    assert_eq!(after.status, 200);
}

#[tokio::test]
async fn a_cut_off_answer_ends_in_the_middle() {
    let running = Running::start().await;
    running.fail("cut-off").await;
    let reply = Reply::read(&running.verify().await.unwrap());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body.len(), reply.content_length() / 2);
}

#[tokio::test]
async fn a_slow_answer_is_late_and_whole() {
    let running = Running::start().await;
    running.fail("slow").await;
    let begin = Instant::now();
    let reply = Reply::read(&running.verify().await.unwrap());
    assert!(begin.elapsed() >= Duration::from_secs(3));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body.len(), reply.content_length());
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_leaves() {
    let running = Running::start().await;
    running.fail("hang").await;
    let mut stream = running.send(VERIFY, &[]).await;
    let waited = timeout(Duration::from_millis(700), stream.read(&mut [0])).await;
    assert!(waited.is_err(), "something came");
    drop(stream);
    let after = Reply::read(&running.verify().await.unwrap());
    assert_eq!(after.status, 200);
}

#[tokio::test]
async fn an_endless_body_does_not_end_before_the_client_leaves() {
    let running = Running::start().await;
    running.fail("endless-body").await;
    let mut stream = running.send(VERIFY, &[]).await;
    let mut reply = vec![0; 20_000_000];
    timeout(PATIENCE, stream.read_exact(&mut reply))
        .await
        .expect("it ended or stopped")
        .unwrap();
    assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n"));
    let last = String::from_utf8_lossy(&reply[19_990_000..]).into_owned();
    assert!(last.contains("xxxx"), "{last}");
    drop(stream);
    let after = Reply::read(&running.verify().await.unwrap());
    assert_eq!(after.status, 200);
}

#[tokio::test]
async fn further_hosts_are_allowed_by_name() {
    let running = Running::allowing(&["LocalHost:8788", "x.example"]).await;
    for host in ["localhost:8788", "X.example"] {
        let host = format!("Host: {host}");
        assert_eq!(ask(&running, "GET /", &[&host]).await.status, 200, "{host}");
    }
    assert_eq!(
        ask(&running, "GET /", &["Host: x.example:80"]).await.status,
        421
    );
}

#[tokio::test]
async fn a_server_of_mastodon_is_addressed_by_its_name_with_any_port() {
    let running = Running::start().await;
    let line = "GET /api/v1/instance";
    for host in [
        "social.example",
        "Social.Example:443",
        "social.example:8788",
    ] {
        let host = format!("Host: {host}");
        for origin in ["https://social.example", "http://social.example:8788"] {
            let origin = format!("Origin: {origin}");
            let reply = ask(&running, line, &[&host, &origin]).await;
            assert_eq!(reply.status, 200, "{host} {origin}");
            assert!(reply.text().contains("social.example"));
        }
        let other = "Origin: https://attacker.example";
        assert_eq!(ask(&running, line, &[&host, other]).await.status, 403);
        let page = ask(&running, "GET /simulator/received", &[&host]).await;
        assert_eq!(page.status, 404, "{host}");
    }
    for host in ["a.social.example", "social.example.", "social.example:x"] {
        let host = format!("Host: {host}");
        let status = ask(&running, line, &[&host]).await.status;
        assert!(matches!(status, 400 | 421), "{host}");
    }
}

#[tokio::test]
async fn it_answers_to_its_own_names_with_its_own_port() {
    let running = Running::start().await;
    let port = running.address.port();
    for name in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
        let host = format!("Host: {name}:{port}");
        for line in LINES {
            let reply = ask(&running, line, &[&host]).await;
            assert_ne!(reply.status, 421, "{line} {host}");
        }
        assert_eq!(ask(&running, "GET /", &[&host]).await.status, 200);
    }
}

#[tokio::test]
async fn another_name_or_port_gets_nothing_and_leaves_no_trace() {
    let running = Running::start().await;
    let port = running.address.port();
    let other = port ^ 1;
    let own = format!("Host: 127.0.0.1:{port}");
    for host in [
        format!("attacker.example:{port}"),
        format!("localhost.attacker.example:{port}"),
        format!("attacker.localhost:{port}"),
        format!("127.0.0.1.attacker.example:{port}"),
        format!("127.0.0.2:{port}"),
        format!("127.0.0.1:{other}"),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        String::new(),
    ] {
        let host = format!("Host: {host}");
        for line in LINES {
            for headers in [vec![host.as_str()], vec![own.as_str(), host.as_str()]] {
                let reply = ask(&running, line, &headers).await;
                assert!(matches!(reply.status, 400 | 421), "{line} {headers:?}");
                assert!(reply.status == 400 || reply.text().starts_with("Refused: "));
            }
        }
        // In the request line too.
        let (_, name) = host.split_at("Host: ".len());
        if !name.is_empty() {
            let line = format!("GET http://{name}/simulator/received");
            assert_eq!(ask(&running, &line, &[&own]).await.status, 421, "{line}");
        }
    }
    assert!(running.received().await.is_empty());
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let running = Running::start().await;
    let port = running.address.port();
    let host = format!("Host: 127.0.0.1:{port}");
    for origin in [
        "null".to_owned(),
        "https://attacker.example".to_owned(),
        format!("http://attacker.example:{port}"),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1:1".to_owned(),
        "http://127.0.0.1".to_owned(),
        String::new(),
    ] {
        let origin = format!("Origin: {origin}");
        for line in LINES {
            assert_eq!(
                ask(&running, line, &[&host, &origin]).await.status,
                403,
                "{line} {origin}"
            );
        }
    }
    for (headers, status) in [
        (
            vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
            403,
        ),
        (
            vec!["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"],
            403,
        ),
        // A link to the page, and the page itself.
        (
            vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
            200,
        ),
        (
            vec!["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"],
            200,
        ),
        (
            vec!["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"],
            200,
        ),
    ] {
        let headers = [vec![host.as_str()], headers].concat();
        let reply = ask(&running, "GET /simulator/received", &headers).await;
        assert_eq!(reply.status, status, "{headers:?}");
    }
    assert!(running.received().await.is_empty());
    let own = format!("Origin: http://127.0.0.1:{port}");
    assert_eq!(
        ask(&running, "GET /simulator/received", &[&host, &own])
            .await
            .status,
        200
    );
}
