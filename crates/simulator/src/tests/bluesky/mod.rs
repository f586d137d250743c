//! Bluesky: what is accepted, and each reason for which something is not. Here are the requests
//! that a client sends.

mod avatar;
mod profile;
mod session;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::client::{APP_PASSWORD, Reply, Running};

const CREATE: &str = "POST /xrpc/com.atproto.server.createSession";
const REFRESH: &str = "POST /xrpc/com.atproto.server.refreshSession";
const SESSION: &str = "GET /xrpc/com.atproto.server.getSession";
const UPLOAD: &str = "POST /xrpc/com.atproto.repo.uploadBlob";
const PUT: &str = "POST /xrpc/com.atproto.repo.putRecord";
const PROFILE: &str = "app.bsky.actor.profile";

/// An account, and a session of it.
pub(super) struct Session {
    pub(super) did: String,
    pub(super) access: String,
    pub(super) refresh: String,
}

impl Session {
    pub(super) fn begin(running: &Running) -> Self {
        let reply = sign_in(running, "local.test", APP_PASSWORD);
        assert_eq!(reply.status, 200, "{}", reply.text());
        Self::of(&reply)
    }

    fn of(reply: &Reply) -> Self {
        let body = reply.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            did: text("did"),
            access: text("accessJwt"),
            refresh: text("refreshJwt"),
        }
    }

    pub(super) fn upload(&self, running: &Running, bytes: &[u8], media_type: &str) -> Value {
        let headers = [bearer(&self.access), format!("Content-Type: {media_type}")];
        let reply = running.ask(UPLOAD, &headers, bytes);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["blob"].clone()
    }

    pub(super) fn put(&self, running: &Running, body: &Value) -> Reply {
        let headers = [bearer(&self.access), json_type()];
        running.ask(PUT, &headers, body.to_string().as_bytes())
    }

    /// The record with another avatar, to be put.
    fn update(&self, read: &Value, avatar: &Value) -> Value {
        let mut record = read["value"].clone();
        record["avatar"] = avatar.clone();
        json!({
            "repo": self.did,
            "collection": PROFILE,
            "rkey": "self",
            "record": record,
            "swapRecord": read["cid"],
        })
    }

    /// A whole turn with this picture.
    pub(super) fn turn(&self, running: &Running, picture: &[u8]) -> Reply {
        let read = read(running, &self.did).json();
        let avatar = self.upload(running, picture, "image/png");
        self.put(running, &self.update(&read, &avatar))
    }
}

pub(super) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

fn json_type() -> String {
    "Content-Type: application/json".to_owned()
}

fn sign_in(running: &Running, identifier: &str, password: &str) -> Reply {
    let body = json!({ "identifier": identifier, "password": password }).to_string();
    running.ask(CREATE, &[json_type()], body.as_bytes())
}

fn read(running: &Running, repo: &str) -> Reply {
    let query = format!("repo={repo}&collection={PROFILE}&rkey=self");
    let path = format!("/xrpc/com.atproto.repo.getRecord?{query}");
    running.get(&path.replace("did:plc:", "did%3Aplc%3A"))
}

fn with_token(running: &Running, line: &str, token: &str) -> Reply {
    running.ask(line, &[bearer(token)], b"")
}

/// Expects an error of that name, for a reason that holds these words.
fn expect_error(running: &Running, reply: &Reply, status: u16, name: &str, words: &str) {
    let last = running.last();
    let explanation = last["explanation"].as_str().unwrap();
    let seen = (reply.status, reply.json()["error"].clone());
    assert_eq!(seen, (status, name.into()), "{explanation}");
    assert!(explanation.contains(words), "{explanation} without {words}");
    assert!(reply.json()["message"].is_string());
    assert_eq!(
        (&last["verdict"], &last["error"]),
        (&"rejected".into(), &name.into())
    );
    assert_eq!(last["took_effect"], false);
}

fn payload(token: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap()).unwrap()
}
