//! The servers of Mastodon's network: what each tells about itself, and what tests do to it.

use serde_json::{Value, json};

use super::client::{Reply, Running};
use super::sign_in::{Client, SOCIAL, post};
use crate::answer::Delivery;

const SCOPES: &str = "read:accounts write:accounts";

fn get(running: &Running, host: &str, path: &str) -> Reply {
    running.ask_at(host, &format!("GET {path}"), &[], b"")
}

fn change(running: &Running, body: &Value) -> Value {
    running.control("PATCH", "mastodon/servers", body)
}

#[test]
fn the_host_header_tells_servers_apart_with_or_without_a_port() {
    let running = Running::serving(&["a.example=mastodon-4.2", "b.example=gotosocial"]);
    for (host, version) in [
        ("a.example", "4.2."),
        ("A.Example:443", "4.2."),
        ("b.example:8788", "0.19."),
        (running.address, "4.3."),
    ] {
        for path in ["/api/v1/instance", "/api/v2/instance"] {
            let instance = get(&running, host, path).json();
            let found = instance["version"].as_str().unwrap();
            assert!(found.starts_with(version), "{host}: {found}");
        }
    }
    let instance = get(&running, "a.example:8788", "/api/v2/instance").json();
    assert_eq!(instance["domain"], "a.example");
    assert_eq!(running.last()["server"], "a.example");
}

#[test]
fn there_is_nothing_but_the_api_at_the_name_of_a_server() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    for path in [
        "/",
        "/simulator/received",
        "/1.1/account/verify_credentials.json",
        "/xrpc/com.atproto.server.getSession",
        "/.well-known/openid-configuration",
        "/oauth/request_token",
    ] {
        assert_eq!(get(&running, SOCIAL, path).status, 404, "{path}");
    }
    assert_eq!(get(&running, SOCIAL, "/favicon.ico").status, 204);
    let request = "GET /api/v1/instance HTTP/1.1\r\nHost: social.example\r\n\r\n";
    assert_eq!(running.exchange(request.as_bytes()).status, 418);
}

#[test]
fn only_newer_servers_tell_how_to_sign_in() {
    let running = Running::serving(&["a.example=mastodon-4.3", "b.example=mastodon-4.2"]);
    let path = "/.well-known/oauth-authorization-server";
    let metadata = get(&running, "a.example", path).json();
    assert_eq!(metadata["issuer"], "https://a.example/");
    assert_eq!(metadata["token_endpoint"], "https://a.example/oauth/token");
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        json!(["S256"])
    );
    let scopes = metadata["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&"profile".into()));
    assert_eq!(get(&running, "b.example", path).status, 404);
}

#[test]
fn handles_may_be_at_another_domain() {
    let running = Running::serving(&["web.example=mastodon-4.3,handles=handles.example"]);
    for host in ["handles.example", "web.example"] {
        let reply = get(&running, host, "/.well-known/host-meta");
        assert_eq!(reply.status, 200);
        let link = "<Link rel=\"lrdd\" \
                    template=\"https://web.example/.well-known/webfinger?resource={uri}\"/>";
        assert!(reply.text().contains(link), "{}", reply.text());
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("application/xrd+xml")
        );
    }
    let path = "/.well-known/webfinger?resource=acct%3Aada%40handles.example";
    let reply = get(&running, "handles.example", path);
    assert_eq!(reply.status, 301);
    assert_eq!(
        reply.header("location"),
        Some(&*format!("https://web.example{path}"))
    );
    let document = get(&running, "web.example", path).json();
    assert_eq!(document["subject"], "acct:ada@handles.example");
    assert_eq!(document["aliases"][0], "https://web.example/@ada");
    let nobody = path.replace("ada", "nobody");
    assert_eq!(get(&running, "web.example", &nobody).status, 404);
    let elsewhere = path.replace("handles.example", "social.example");
    assert_eq!(get(&running, "web.example", &elsewhere).status, 404);
    assert_eq!(
        get(&running, "web.example", "/.well-known/webfinger").status,
        400
    );
    for path in ["/api/v1/instance", "/oauth/authorize", "/"] {
        assert_eq!(get(&running, "handles.example", path).status, 404, "{path}");
    }
}

#[test]
fn a_server_forgets_its_apps() {
    let running = Running::serving(&["social.example=mastodon-4.2"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let answer = client.sign_in("ada");
    let shown = change(&running, &json!({ "server": SOCIAL, "forget_apps": true }));
    assert_eq!(shown["apps"], 0);
    let reply = client.token(&[
        ("grant_type", "authorization_code"),
        ("client_id", &client.id),
        ("client_secret", &client.secret),
        ("code", "any"),
    ]);
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (401, &"invalid_client".into())
    );
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(client.verify(token).status, 200, "a token goes on to work");
}

#[test]
fn tokens_of_a_person_or_of_everyone_end() {
    let running = Running::serving(&["social.example=mastodon-4.2", "p.example=pleroma"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let sign_in = |name| {
        let answer = client.sign_in(name);
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let (ada, grace) = (sign_in("ada"), sign_in("grace"));
    let shown = change(&running, &json!({ "server": SOCIAL, "revoke": "ada" }));
    assert_eq!(shown["people"][0]["tokens"], 0);
    assert_eq!(
        client.verify(&ada).json()["error"],
        "The access token was revoked"
    );
    assert_eq!(client.verify(&grace).status, 200);
    change(&running, &json!({ "server": SOCIAL, "expire": "*" }));
    assert_eq!(
        client.verify(&grace).json()["error"],
        "The access token expired"
    );

    let pleroma = Client::register(&running, "p.example", SCOPES);
    let answer = pleroma.sign_in("ada");
    change(&running, &json!({ "server": "p.example", "expire": "ada" }));
    let reply = pleroma.verify(answer["access_token"].as_str().unwrap());
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (403, &"Invalid credentials.".into())
    );
    let reply = pleroma.refresh(answer["refresh_token"].as_str().unwrap());
    assert_eq!(reply.status, 200);
}

#[test]
fn a_server_lies_about_who_signed_in() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let answer = client.sign_in("ada");
    let token = answer["access_token"].as_str().unwrap();
    let shown = |pose: Value| {
        change(&running, &json!({ "server": SOCIAL, "poses_as": pose }));
        client.verify(token).json()
    };
    assert_eq!(shown("grace".into())["id"], "102");
    assert_eq!(
        running.last()["account"],
        "ada",
        "the record tells the truth"
    );
    let elsewhere = shown("grace@other.example".into());
    assert_eq!(elsewhere["acct"], "grace@other.example");
    assert_eq!(elsewhere["uri"], "https://other.example/users/grace");
    let one = shown("someone-new".into());
    let another = client.verify(token).json();
    assert_ne!(one["id"], another["id"]);
    assert_eq!(shown(Value::Null)["id"], "101");
}

#[test]
fn a_server_redirects_to_where_it_is_told() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let inside = "http://127.0.0.1:9999/secret";
    let redirects = json!({ "apps": inside, "well-known": inside });
    change(
        &running,
        &json!({ "server": SOCIAL, "redirects": redirects }),
    );
    let app = [
        ("client_name", "icons"),
        ("redirect_uris", "https://icons.example/"),
    ];
    for reply in [
        post(&running, SOCIAL, "/api/v1/apps", &app),
        get(&running, SOCIAL, "/.well-known/host-meta"),
    ] {
        assert_eq!(reply.status, 302);
        assert_eq!(reply.header("location"), Some(inside));
    }
    assert_eq!(get(&running, SOCIAL, "/api/v1/instance").status, 200);
    let none = json!({ "apps": null });
    let shown = change(&running, &json!({ "server": SOCIAL, "redirects": none }));
    assert_eq!(shown["redirects"], json!({ "well-known": inside }));
    assert_eq!(post(&running, SOCIAL, "/api/v1/apps", &app).status, 200);
}

#[test]
fn a_fault_occurs_at_one_server_or_at_any() {
    let running = Running::serving(&["a.example=mastodon-4.3", "b.example=mastodon-4.3"]);
    let fault = |body: Value| running.control("PUT", "faults", &body);
    let shown = fault(json!({
        "network": "mastodon", "server": "b.example", "endpoint": "apps", "fault": "hang",
    }));
    assert_eq!(
        shown["queue"],
        json!([{ "fault": "hang", "times": null, "endpoint": "apps", "server": "b.example" }])
    );
    Client::register(&running, "a.example", SCOPES);
    let app = [
        ("client_name", "icons"),
        ("redirect_uris", "https://icons.example/"),
    ];
    let reply = post(&running, "b.example", "/api/v1/apps", &app);
    assert_eq!(reply.delivery, Delivery::Hang);
    assert_eq!(running.last()["took_effect"], false);
    let shown = &running.control("GET", "mastodon/servers", &json!(""))[2];
    assert_eq!(
        (&shown["server"], &shown["apps"]),
        (&"b.example".into(), &0.into())
    );
    running.control("DELETE", "faults", &json!(""));

    for (endpoint, path) in [
        ("well-known", "/.well-known/host-meta"),
        ("instance", "/api/v2/instance"),
        ("oauth/authorize", "/oauth/authorize"),
        ("media", "/avatars/original/missing.png"),
    ] {
        fault(json!({
            "network": "mastodon", "endpoint": endpoint, "fault": "endless-body", "times": 1,
        }));
        let reply = get(&running, "a.example", path);
        assert!(matches!(reply.delivery, Delivery::Endless(_)), "{path}");
    }
    for endpoint in ["oauth/token", "oauth/revoke"] {
        fault(json!({
            "network": "mastodon", "endpoint": endpoint, "fault": "remote-failure", "times": 1,
        }));
        let reply = post(&running, "a.example", &format!("/{endpoint}"), &[]);
        assert_eq!(reply.status, 503);
    }
    for wrong in [
        json!({ "network": "mastodon", "server": "nowhere.example", "fault": "hang" }),
        json!({ "network": "x", "server": "a.example", "fault": "hang" }),
    ] {
        let reply = running.request("PUT", "/simulator/faults", &wrong.to_string());
        assert_eq!(reply.status, 400, "{wrong}");
    }
}

#[test]
fn a_token_that_is_lost_on_the_way_was_issued_all_the_same() {
    let running = Running::serving(&["social.example=pleroma"]);
    let client = Client::register(&running, SOCIAL, SCOPES);
    let answer = client.sign_in("ada");
    let refresh = answer["refresh_token"].as_str().unwrap();
    let fault = |name| {
        let body = json!({
            "network": "mastodon", "endpoint": "oauth/token", "fault": name, "times": 1,
        });
        running.control("PUT", "faults", &body);
    };
    fault("bad-gateway");
    assert_eq!(client.refresh(refresh).status, 502);
    fault("cut-off");
    client.refresh(refresh);
    assert_eq!(client.refresh(refresh).status, 400, "it was used up");
}

#[test]
fn a_change_that_makes_no_sense_changes_nothing() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    Client::register(&running, SOCIAL, SCOPES);
    for wrong in [
        json!({ "server": "nowhere.example" }),
        json!({ "server": SOCIAL, "forget_apps": true, "revoke": "nobody" }),
        json!({ "server": SOCIAL, "forget_apps": true, "poses_as": "nobody" }),
        json!({ "server": SOCIAL, "forget_apps": true, "redirects": { "x": "http://x/" } }),
        json!({ "server": SOCIAL, "forget_apps": true, "redirects": { "apps": "\n" } }),
        json!({ "server": SOCIAL, "forget": true }),
    ] {
        let body = wrong.to_string();
        let reply = running.request("PATCH", "/simulator/mastodon/servers", &body);
        assert_eq!(reply.status, 400, "{wrong}");
    }
    let shown = running.get("/simulator/mastodon/servers").json();
    assert_eq!(
        (&shown[0]["server"], &shown[1]["apps"]),
        (&"own".into(), &1.into())
    );
}
