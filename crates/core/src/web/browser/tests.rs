//! What servers and the operator ask the service for, with a directory in memory.

use std::rc::Rc;

use http::header::CACHE_CONTROL;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::network::signer::Signer;
use crate::network::testing::sign_in::P256;
use crate::ports::UploadError;
use crate::service::limits::{Limited, RateLimits};
use crate::testing::{Host, NoBody, TRIGGER, block_on, settings};
use crate::web::answer::Answer;
use crate::web::respond_to_browser;
use crate::web::site::HostPrivacy;

impl RateLimits for Host {
    async fn allow(&self, _: Limited, _: &str) -> bool {
        true
    }
}

impl ServiceHost for Host {
    const PRIVACY: HostPrivacy = HostPrivacy {
        place: "In memory.",
        deletion: "At once.",
        logs: "Nothing.",
    };

    fn signer(&self) -> Rc<dyn Signer> {
        Rc::new(P256)
    }
}

impl Form for NoBody {
    async fn read(&self, _: usize) -> Result<Vec<u8>, UploadError> {
        panic!("this body must not be read")
    }
}

const URL: &str = "https://icons.test";

fn service(public_url: Option<&str>) -> ServiceSettings {
    ServiceSettings::read(|name| match name {
        "PUBLIC_URL" => public_url.map(ToOwned::to_owned),
        _ => None,
    })
}

/// Asks a service at this address.
fn ask_at(host: &Host, public_url: Option<&str>, method: &str, target: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("authorization", format!("Bearer {TRIGGER}"));
    let next = block_on(respond_to_browser(
        &request.body(()).unwrap(),
        &NoBody,
        settings,
        &service(public_url),
        host,
    ));
    match next {
        Next::Answer(answer) => answer,
        other => panic!("{method} {target}: {other:?}"),
    }
}

/// Asks the service. Returns the status and the JSON.
fn ask(host: &Host, method: &str, path: &str) -> (StatusCode, Value) {
    let answer = ask_at(host, Some(URL), method, &format!("{URL}{path}"));
    (
        answer.status(),
        serde_json::from_slice(answer.body()).unwrap(),
    )
}

#[test]
fn the_keys_of_an_application_are_published_for_some_minutes_and_without_a_cookie() {
    let host = Host::new();
    ask(&host, "POST", "/keys/client");
    for method in ["GET", "HEAD"] {
        let target = format!("{URL}/oauth/jwks.json");
        let answer = ask_at(&host, Some(URL), method, &target);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()[CACHE_CONTROL], "public, max-age=300");
        assert!(!answer.headers().contains_key("set-cookie"));
        let set: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(set["keys"].as_array().unwrap().len(), 1);
        assert_eq!(set["keys"][0].get("d"), None);
    }
}

#[test]
fn a_service_that_servers_cannot_reach_publishes_nothing() {
    let host = Host::new();
    for (public_url, at) in [
        (None, URL),
        (Some("http://127.0.0.1:8787"), "http://127.0.0.1:8787"),
        (Some("http://localhost:8787"), "http://localhost:8787"),
    ] {
        for path in [
            "/oauth/jwks.json",
            "/oauth/bluesky/client-metadata.json",
            "/oauth/bluesky/generic/client-metadata.json",
            "/oauth/mastodon/client-metadata.json",
        ] {
            let answer = ask_at(&host, public_url, "GET", &format!("{at}{path}"));
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{at}{path}");
        }
    }
    // What is at another address would have another name.
    let elsewhere = "https://icons.me.workers.test/oauth/jwks.json";
    let answer = ask_at(&host, Some(URL), "GET", elsewhere);
    assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn a_network_whose_servers_register_applications_has_no_document() {
    let host = Host::new();
    for network in [
        "mastodon",
        "mastodon/generic",
        "x",
        "none",
        "",
        "a/b",
        "..",
        "bluesky/",
        "bluesky/other",
        "bluesky/generic/",
        "/bluesky",
    ] {
        let path = format!("/oauth/{network}/client-metadata.json");
        let (status, problem) = ask(&host, "GET", &path);
        assert_eq!(status, StatusCode::NOT_FOUND, "{network}: {problem}");
    }
}

#[test]
fn a_network_whose_servers_fetch_a_document_has_one_that_names_its_own_address() {
    let host = Host::new();
    let mut names = vec!["bluesky/generic"];
    for network in crate::network::NETWORKS {
        let client = network.sign_in.map(|sign_in| sign_in.client());
        if let Some(crate::network::sign_in::Client::Published(_)) = client {
            names.push(network.name);
        }
    }
    assert!(names.len() > 1);
    for name in names {
        let url = format!("{URL}/oauth/{name}/client-metadata.json");
        let answer = ask_at(&host, Some(URL), "GET", &url);
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()[CACHE_CONTROL], "public, max-age=300");
        let document: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(document["client_id"], json!(url));
        assert_eq!(
            document["jwks_uri"],
            json!(format!("{URL}/oauth/jwks.json"))
        );
    }
}

#[test]
fn the_owner_adds_keys_and_deletes_them() {
    let mut host = Host::new();
    let (status, told) = ask(&host, "POST", "/keys/client");
    assert_eq!(status, StatusCode::CREATED);
    let first = told["keys"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(told["signing"], json!(first));
    assert!(told["note"].as_str().unwrap().contains(&first));
    host.now += chrono::TimeDelta::days(1);
    let (_, told) = ask(&host, "POST", "/keys/client");
    let second = told["keys"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(told["signing"], json!(first));
    assert_eq!(
        ask(&host, "GET", "/keys/client").1,
        json!({
            "signing": first,
            "keys": [
                {
                    "id": second,
                    "created_at": "2026-11-23T02:23:45Z",
                    "usage": "waits",
                    "signs_from": "2026-11-23T03:23:45Z",
                },
                { "id": first, "created_at": "2026-11-22T02:23:45Z", "usage": "signs" },
            ],
        })
    );
    let (status, told) = ask(&host, "DELETE", &format!("/keys/client/{first}"));
    assert_eq!(status, StatusCode::OK);
    assert_eq!(told["signing"], json!(second));
    assert!(told["note"].as_str().unwrap().contains("sign in again"));
    let again = ask(&host, "DELETE", &format!("/keys/client/{first}"));
    assert_eq!(again.0, StatusCode::NOT_FOUND);
    let last = ask(&host, "DELETE", &format!("/keys/client/{second}"));
    assert_eq!(last.0, StatusCode::CONFLICT);
    for _ in 1..10 {
        assert_eq!(ask(&host, "POST", "/keys/client").0, StatusCode::CREATED);
    }
    let (status, problem) = ask(&host, "POST", "/keys/client");
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
}

#[test]
fn a_rotation_begins_with_the_keys_of_the_application_and_names_what_is_lost() {
    let mut host = Host::new();
    ask(&host, "POST", "/keys/client");
    host.keys = vec!["second", "first"];
    for _ in 0..2 {
        let (_, told) = ask(&host, "POST", "/keys/rotation");
        assert_eq!(
            told,
            json!({
                "key": "second",
                "client_keys": 1,
                "registrations": 0,
                "next": "accounts",
                "failed": [],
            })
        );
    }
    host.keys = vec!["third"];
    let (_, told) = ask(&host, "POST", "/keys/rotation");
    let failed = told["failed"][0].as_str().unwrap();
    assert!(failed.starts_with("client key "), "{failed}");
    assert!(failed.contains("does not have the key second any more"));
    let (_, told) = ask(&host, "POST", "/keys/rotation?next=accounts");
    assert_eq!(told.get("client_keys"), None, "{told}");
    assert_eq!(ask(&host, "GET", "/keys/client").1["signing"], Value::Null);
}

#[test]
fn without_a_key_of_the_service_or_its_directory_the_answer_says_so() {
    let mut host = Host::new();
    host.keys = vec![];
    let (status, problem) = ask(&host, "POST", "/keys/client");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("SERVICE_KEY is not set"), "{detail}");
    host.directory.is_away.set(true);
    for path in ["/keys/client", "/oauth/jwks.json"] {
        let (status, _) = ask(&host, "GET", path);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}
