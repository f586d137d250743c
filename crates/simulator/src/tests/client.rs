//! A client that can be made to err in any way, and the simulator it speaks to.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde_json::Value;

use crate::answer::Delivery;
use crate::simulator::{Options, Simulator};
use crate::x::signature::{self, percent_encode};
use crate::x::{Keys, UPDATE_PATH};
use crate::{Body, bluesky, form, mastodon};

pub(crate) const CONSUMER_SECRET: &str = "consumer secret & more";
pub(crate) const TOKEN_SECRET: &str = "token secret";
pub(crate) const APP_PASSWORD: &str = "abcd-efgh-ijkl-mnop";
pub(crate) const MASTODON_TOKEN: &str = "mastodon-token-of-a-test";
pub(crate) const BOUNDARY: &str = "boundary-of-a-test";

/// A simulator and the lines it has logged.
pub(crate) struct Running {
    /// The host of all requests.
    pub(crate) address: &'static str,
    simulator: RefCell<Simulator>,
    lines: RefCell<String>,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::with(&[], 0, 100)
    }

    pub(crate) fn with(faults: &[&str], clock_offset: i64, keep: usize) -> Self {
        Self::build(&[], faults, clock_offset, keep)
    }

    /// With these servers of Mastodon's network beside the listener's own.
    pub(crate) fn serving(servers: &[&str]) -> Self {
        Self::build(servers, &[], 0, 100)
    }

    fn build(servers: &[&str], faults: &[&str], clock_offset: i64, keep: usize) -> Self {
        let options = Options {
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
            mastodon_servers: servers
                .iter()
                .map(|server| server.parse().unwrap())
                .collect(),
            faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
            clock_offset,
            keep: NonZeroUsize::new(keep).unwrap(),
            seed: seed(),
        };
        Self {
            address: "127.0.0.1:8788",
            simulator: RefCell::new(Simulator::new(options)),
            lines: RefCell::default(),
        }
    }

    /// The simulator's time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        let mut simulator = self.simulator.borrow_mut();
        simulator.clock.set(Utc::now());
        simulator.clock.now()
    }

    /// How many seconds the simulator's clock runs ahead.
    pub(crate) fn clock_offset(&self) -> i64 {
        self.simulator.borrow().clock.offset()
    }

    /// Lets this many seconds pass.
    pub(crate) fn wait(&self, seconds: i64) {
        let clock = &mut self.simulator.borrow_mut().clock;
        clock.set_offset(clock.offset() + seconds);
    }

    /// The lines logged so far.
    pub(crate) fn lines(&self) -> String {
        self.lines.borrow().clone()
    }

    /// Sends a request, given as it would be sent over a connection.
    pub(crate) fn exchange(&self, request: &[u8]) -> Reply {
        let answer = self
            .simulator
            .borrow_mut()
            .handle(parse(request), Utc::now());
        if let Some(line) = answer.log {
            self.lines.borrow_mut().push_str(&(line + "\n"));
        }
        let (head, body) = answer.response.into_parts();
        Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.into(),
            delivery: answer.delivery,
        }
    }

    pub(crate) fn send(&self, update: &Update) -> Reply {
        self.exchange(&update.bytes(self))
    }

    /// Sends an update and expects it to be refused for a reason that contains these words.
    pub(crate) fn expect_refusal(
        &self,
        update: &Update,
        (status, code): (u16, Option<u64>),
        words: &str,
    ) {
        let reply = self.send(update);
        let last = self.last();
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
            // X does not explain, and neither does the simulator to the client.
            assert_eq!(reply.json()["errors"][0].as_object().unwrap().len(), 2);
            assert_eq!(
                reply.header("content-type"),
                Some("application/json;charset=utf-8")
            );
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, "")
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Reply {
        self.ask(&format!("{method} {path}"), &[], body.as_bytes())
    }

    /// Sends a request with these headers, each a line.
    pub(crate) fn ask(&self, line: &str, headers: &[String], body: &[u8]) -> Reply {
        self.ask_at(self.address, line, headers, body)
    }

    /// The same to another host.
    pub(crate) fn ask_at(
        &self,
        address: &str,
        line: &str,
        headers: &[String],
        body: &[u8],
    ) -> Reply {
        let headers = headers
            .iter()
            .fold(String::new(), |all, one| all + one + "\r\n");
        let head =
            format!("{line} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: test\r\n{headers}\r\n");
        self.exchange(&[head.as_bytes(), body].concat())
    }

    /// Sends a request to a control route and expects success.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let reply = self.request(method, &format!("/simulator/{path}"), &body);
        assert!((200..300).contains(&reply.status), "{}", reply.text());
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// The records of all requests, newest first.
    pub(crate) fn received(&self) -> Vec<Value> {
        let reply = self.get("/simulator/received");
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// The record of the last request.
    pub(crate) fn last(&self) -> Value {
        self.received().swap_remove(0)
    }
}

/// A seed that no other simulator has.
fn seed() -> [u8; 32] {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    [COUNT.fetch_add(1, Ordering::Relaxed); 32]
}

/// Where the head of a request ends.
fn end_of_head(request: &[u8]) -> usize {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n");
    end.expect("the head of the request is incomplete")
}

/// Reads a request as a server would.
fn parse(request: &[u8]) -> http::Request<Body> {
    let end = end_of_head(request);
    let head = std::str::from_utf8(&request[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let mut parsed = http::Request::builder()
        .method(words.next().unwrap())
        .uri(words.next().unwrap());
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        parsed = parsed.header(name, value.trim());
    }
    let body = Bytes::copy_from_slice(&request[end + 4..]);
    parsed.body(Body::from(body)).unwrap()
}

/// A reply, and how it is delivered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) delivery: Delivery,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// X's number for the error.
    pub(crate) fn code(&self) -> Option<u64> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body["errors"][0]["code"].as_u64()
    }
}

/// A request to set the picture: correct, unless its fields are changed.
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
        let host = if self.host.is_empty() {
            running.address
        } else {
            &self.host
        };
        let now = running.now().timestamp();
        let authorization = self.authorization(host, now);
        self.bytes_with(host, &format!("Authorization: {authorization}\r\n"))
    }

    /// The whole request, with the protocol parameters in the query (RFC 5849 §3.5.3).
    pub(super) fn bytes_in_query(&self, running: &Running) -> Vec<u8> {
        let host = running.address.to_string();
        let authorization = self.authorization(&host, running.now().timestamp());
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
        let content_type = match content_type.as_str() {
            "" => String::new(),
            other => format!("Content-Type: {other}\r\n"),
        };
        let head = format!(
            "{method} {path}{mark}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n{authorization}\
             {content_type}{extra_head}\r\n"
        );
        [head.as_bytes(), &self.body].concat()
    }
}
