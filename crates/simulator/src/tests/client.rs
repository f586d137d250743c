//! A client that can be made to err in any way, and the simulator that it speaks to.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::clock::Clock;
use super::super::state::{Accounts, Simulator};
use super::super::x::signature::{self, percent_encode};
use super::super::x::{Keys, UPDATE_PATH};
use super::super::{bluesky, form, listen, mastodon, server};

/// Long enough for any answer, short enough for a failing test.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const CONSUMER_SECRET: &str = "consumer secret & more";
pub(super) const TOKEN_SECRET: &str = "token secret";
pub(super) const APP_PASSWORD: &str = "abcd-efgh-ijkl-mnop";
pub(super) const MASTODON_TOKEN: &str = "mastodon-token-of-a-test";
pub(super) const BOUNDARY: &str = "boundary-of-a-test";

/// By what else it may be addressed.
pub(super) const ALLOWED_HOSTS: [&str; 3] = ["LocalHost:8788", "x.example:80", "x.example"];

/// Where the simulator writes in a test.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A simulator on a port of its own, which ends with the test.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) clock: Clock,
    output: Output,
    server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Running {
    pub(super) async fn start() -> Self {
        Self::with(&[], 0, 100).await
    }

    pub(super) async fn with(faults: &[&str], clock_offset: i64, keep: usize) -> Self {
        let listener = listen("127.0.0.1", 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let clock = Clock::with_offset(clock_offset);
        let shared = clock.clone();
        let accounts = Accounts {
            x: Keys {
                consumer_key: "consumer-key".to_owned(),
                consumer_secret: CONSUMER_SECRET.to_owned(),
                token: "1-token".to_owned(),
                token_secret: TOKEN_SECRET.to_owned(),
            },
            bluesky: bluesky::Login {
                identifier: "Local.test".to_owned(),
                password: APP_PASSWORD.to_owned(),
                with_profile: true,
            },
            mastodon: mastodon::Grant {
                token: MASTODON_TOKEN.to_owned(),
                scopes: "read:accounts write:accounts".to_owned(),
                software: mastodon::Software::default(),
            },
        };
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let keep = NonZeroUsize::new(keep).unwrap();
        let output = Output::default();
        let lines = Box::new(output.clone());
        let simulator = Arc::new(Simulator::new(accounts, shared, faults, keep, lines));
        let server = tokio::spawn(async move {
            let also = ALLOWED_HOSTS.map(str::to_owned);
            server::serve(listener, simulator, &also, std::future::pending())
                .await
                .unwrap();
        });
        Self {
            address,
            clock,
            output,
            server,
        }
    }

    /// The lines about requests that were written so far.
    pub(super) fn lines(&self) -> String {
        String::from_utf8(self.output.0.lock().unwrap().clone()).unwrap()
    }

    /// Sends bytes and reads until the connection ends.
    pub(super) async fn exchange(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(request).await?;
        let mut reply = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut reply))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(reply)
    }

    pub(super) async fn send(&self, update: &Update) -> Reply {
        Reply::read(&self.exchange(&update.bytes(self)).await.unwrap())
    }

    /// Sends an update and expects it to be refused for a reason that holds these words.
    pub(super) async fn expect_refusal(
        &self,
        update: &Update,
        (status, code): (u16, Option<u64>),
        words: &str,
    ) {
        let reply = self.send(update).await;
        let last = self.last().await;
        let explanation = last["explanation"].as_str().unwrap();
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{explanation}"
        );
        assert!(explanation.contains(words), "{explanation} without {words}");
        assert_eq!(last["verdict"], "rejected");
        assert_eq!(last["took_effect"], false);
        assert_eq!(last["status"], status);
        if code.is_none() {
            assert!(reply.body.is_empty());
        } else {
            // X explains nothing, and neither does this to the client.
            assert_eq!(reply.json()["errors"][0].as_object().unwrap().len(), 2);
            assert_eq!(
                reply.header("content-type"),
                Some("application/json;charset=utf-8")
            );
        }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, "").await
    }

    pub(super) async fn request(&self, method: &str, path: &str, body: &str) -> Reply {
        let address = self.address;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             User-Agent: test\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        Reply::read(&self.exchange(request.as_bytes()).await.unwrap())
    }

    /// Sends a request with these headers, given as lines.
    pub(super) async fn ask(&self, line: &str, headers: &[String], body: &[u8]) -> Reply {
        let address = self.address;
        let length = body.len();
        let headers = headers
            .iter()
            .fold(String::new(), |all, one| all + one + "\r\n");
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nUser-Agent: test\r\n{headers}\
             Content-Length: {length}\r\n\r\n"
        );
        let request = [head.as_bytes(), body].concat();
        Reply::read(&self.exchange(&request).await.unwrap())
    }

    /// Asks the control routes and expects them to do it.
    pub(super) async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let reply = self
            .request(method, &format!("/simulator/{path}"), &body)
            .await;
        assert!((200..300).contains(&reply.status), "{}", reply.text());
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// Shifts the clock by so many seconds.
    pub(super) fn wait(&self, seconds: i64) {
        self.clock.set_offset(self.clock.offset() + seconds);
    }

    /// The records of all requests, newest first.
    pub(super) async fn received(&self) -> Vec<Value> {
        let reply = self.get("/simulator/received").await;
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// The record of the last request.
    pub(super) async fn last(&self) -> Value {
        self.received().await.swap_remove(0)
    }
}

/// A reply taken apart.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("the head of the reply is incomplete");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Self {
            status: head[9..12].parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (this, value) = line.split_once(": ")?;
            this.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// X's number for the error.
    pub(super) fn code(&self) -> Option<u64> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body["errors"][0]["code"].as_u64()
    }
}

/// One request to set the picture: proper, unless its fields are changed.
#[derive(Clone)]
pub(super) struct Update {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: String,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    pub(super) protocol: Vec<(&'static str, String)>,
    /// Seconds between the simulator's time and the timestamp.
    pub(super) age: i64,
    /// The host as the `Host` header has it; the address if empty.
    pub(super) host: String,
    /// What is signed instead of the URL the request goes to.
    pub(super) signed_uri: Option<String>,
    /// Whether a form is signed.
    pub(super) signs_body: bool,
    pub(super) secrets: (&'static str, &'static str),
    /// Added to the head as it is.
    pub(super) extra_head: String,
}

impl Update {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            method: "POST",
            path: UPDATE_PATH,
            query: String::new(),
            content_type: String::new(),
            body: Vec::new(),
            protocol: vec![
                ("oauth_consumer_key", "consumer-key".to_owned()),
                ("oauth_nonce", format!("a nonce, {count:010}")),
                ("oauth_signature_method", "HMAC-SHA1".to_owned()),
                ("oauth_token", "1-token".to_owned()),
                ("oauth_version", "1.0".to_owned()),
            ],
            age: 0,
            host: String::new(),
            signed_uri: None,
            signs_body: true,
            secrets: (CONSUMER_SECRET, TOKEN_SECRET),
            extra_head: String::new(),
        }
    }

    /// With the picture in a multipart form.
    pub(super) fn multipart(picture: &[u8]) -> Self {
        Self::parts(&[("name=\"image\"; filename=\"icon\"", picture)])
    }

    /// With these parts in a multipart form.
    pub(super) fn parts(parts: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (disposition, bytes) in parts {
            let head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
            body.extend([head.as_bytes(), *bytes, b"\r\n"].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        Self {
            content_type: format!("multipart/form-data; boundary={BOUNDARY}"),
            body,
            ..Self::new()
        }
    }

    /// With the picture in a form.
    pub(super) fn form(picture: &[u8]) -> Self {
        let text = data_encoding::BASE64.encode(picture);
        Self::form_text(format!("image={}", percent_encode(&text)))
    }

    /// With this form.
    pub(super) fn form_text(body: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type: "application/x-www-form-urlencoded".to_owned(),
            body: body.into(),
            ..Self::new()
        }
    }

    pub(super) fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    pub(super) fn protocol(mut self, name: &'static str, value: &str) -> Self {
        self.protocol.retain(|(known, _)| *known != name);
        self.protocol.push((name, value.to_owned()));
        self
    }

    fn authorization(&self, host: &str, now: i64) -> String {
        let mut protocol: Vec<(String, String)> = self
            .protocol
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        protocol.push(("oauth_timestamp".to_owned(), (now - self.age).to_string()));
        let mut parameters = protocol.clone();
        parameters.extend(form::decode(self.query.as_bytes()).unwrap_or_default());
        if self.signs_body && self.content_type == "application/x-www-form-urlencoded" {
            parameters.extend(
                form_urlencoded::parse(&self.body)
                    .into_owned()
                    .collect::<Vec<_>>(),
            );
        }
        let uri = self
            .signed_uri
            .clone()
            .unwrap_or_else(|| signature::base_uri("http", host, self.path));
        let base = signature::base_string(self.method, &uri, &parameters);
        let key = signature::key(self.secrets.0, self.secrets.1);
        protocol.push(("oauth_signature".to_owned(), signature::sign(&key, &base)));
        let pairs: Vec<String> = protocol
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", percent_encode(value)))
            .collect();
        format!("OAuth {}", pairs.join(", "))
    }

    /// The whole request, signed.
    pub(super) fn bytes(&self, running: &Running) -> Vec<u8> {
        let address = running.address.to_string();
        let host = if self.host.is_empty() {
            &address
        } else {
            &self.host
        };
        let now = running.clock.now().timestamp();
        let authorization = self.authorization(host, now);
        self.bytes_with(host, &format!("Authorization: {authorization}\r\n"))
    }

    /// The whole request, with the protocol parameters in the query (RFC 5849 §3.5.3).
    pub(super) fn bytes_in_query(&self, running: &Running) -> Vec<u8> {
        let host = running.address.to_string();
        let authorization = self.authorization(&host, running.clock.now().timestamp());
        let protocol = authorization.strip_prefix("OAuth ").unwrap();
        let protocol = protocol.replace(", ", "&").replace('"', "");
        let mut query = self.query.clone();
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&protocol);
        self.clone().query(&query).bytes_with(&host, "")
    }

    /// The whole request with other authorization headers.
    pub(super) fn bytes_with(&self, host: &str, authorization: &str) -> Vec<u8> {
        let Self {
            method,
            path,
            query,
            content_type,
            extra_head,
            ..
        } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        let length = self.body.len();
        let content_type = match content_type.as_str() {
            "" => String::new(),
            other => format!("Content-Type: {other}\r\n"),
        };
        let head = format!(
            "{method} {path}{mark}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n{authorization}\
             {content_type}{extra_head}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        [head.as_bytes(), &self.body].concat()
    }
}
