//! The people on the servers of Mastodon's network, and their pictures.

use serde_json::{Value, json};

use super::client::{BOUNDARY, Reply, Running};
use super::pictures;

const SOCIAL: &str = "social.example";
const UPDATE: &str = "PATCH /api/v1/accounts/update_credentials";

fn token(running: &Running, server: &str, account: &str, scopes: &str) -> String {
    let wanted = json!({ "server": server, "account": account, "scopes": scopes });
    let issued = running.control("POST", "mastodon/tokens", &wanted);
    issued["token"]["access_token"].as_str().unwrap().to_owned()
}

fn ask(running: &Running, host: &str, line: &str, token: &str) -> Reply {
    let headers = [format!("Authorization: Bearer {token}")];
    running.ask_at(host, line, &headers, b"")
}

fn account(running: &Running, host: &str, token: &str) -> Value {
    let line = "GET /api/v1/accounts/verify_credentials";
    let reply = ask(running, host, line, token);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn turn(running: &Running, host: &str, line: &str, token: &str, picture: &[u8]) -> Reply {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"icon\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let body = [head.as_bytes(), picture, end.as_bytes()].concat();
    let headers = [
        format!("Authorization: Bearer {token}"),
        format!("Content-Type: multipart/form-data; boundary={BOUNDARY}"),
    ];
    running.ask_at(host, line, &headers, &body)
}

/// Loads the picture at an address.
fn load(running: &Running, address: &str) -> Reply {
    let rest = address.split_once("://").unwrap().1;
    let (host, path) = rest.split_once('/').unwrap();
    running.ask_at(host, &format!("GET /{path}"), &[], b"")
}

fn icon(running: &Running, server: &str, account: &str) -> Reply {
    let path = format!("/simulator/icon?network=mastodon&server={server}&account={account}");
    running.get(&path)
}

#[test]
fn everyone_has_an_account_of_their_own() {
    let running = Running::serving(&["social.example=mastodon-4.3", "other.example=mastodon-4.2"]);
    let scopes = "read:accounts write:accounts";
    let ada = account(&running, SOCIAL, &token(&running, SOCIAL, "ada", scopes));
    assert_eq!(ada["id"], "101");
    assert_eq!(ada["acct"], "ada");
    assert_eq!(ada["display_name"], "Ada <b>&\"'");
    assert_eq!(ada["url"], "https://social.example/@ada");
    assert_eq!(ada["uri"], "https://social.example/users/ada");
    let grace = account(&running, SOCIAL, &token(&running, SOCIAL, "grace", scopes));
    assert_ne!(
        (&grace["id"], &grace["avatar"]),
        (&ada["id"], &ada["avatar"])
    );
    let person = account(
        &running,
        SOCIAL,
        &token(&running, SOCIAL, "person-7", scopes),
    );
    assert_eq!(
        (&person["id"], &person["acct"]),
        (&"1007".into(), &"person-7".into())
    );
    let elsewhere = token(&running, "other.example", "ada", scopes);
    let elsewhere = account(&running, "other.example", &elsewhere);
    assert_eq!(
        elsewhere["id"], ada["id"],
        "ids are unique on one server only"
    );
    assert_ne!(elsewhere["uri"], ada["uri"]);
}

#[test]
fn pictures_are_where_the_account_says() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let mut seen = Vec::new();
    for name in ["ada", "grace", "person-1"] {
        let token = token(&running, SOCIAL, name, "read:accounts");
        let avatar = account(&running, SOCIAL, &token)["avatar"].clone();
        let reply = load(&running, avatar.as_str().unwrap());
        assert_eq!(reply.status, 200, "{avatar}");
        assert!(reply.header("content-type").unwrap().starts_with("image/"));
        assert_eq!(image::load_from_memory(&reply.body).unwrap().width(), 400);
        assert!(!seen.contains(&reply.body));
        assert_eq!(icon(&running, SOCIAL, name).body, reply.body);
        seen.push(reply.body);
    }
    let hedy = account(&running, SOCIAL, &token(&running, SOCIAL, "hedy", "read"));
    let missing = "https://social.example/avatars/original/missing.png";
    assert_eq!(hedy["avatar"], missing);
    assert_eq!(load(&running, missing).status, 200);
    assert_eq!(icon(&running, SOCIAL, "hedy").status, 404);
    assert_eq!(icon(&running, SOCIAL, "nobody").status, 404);
    assert_eq!(icon(&running, "nowhere.example", "ada").status, 400);
}

#[test]
fn a_turn_changes_the_picture_of_one_person() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    let ada = token(&running, SOCIAL, "ada", "read:accounts write:accounts");
    let before = account(&running, SOCIAL, &ada)["avatar"].clone();
    let picture = pictures::png(64, 64);
    let reply = turn(&running, SOCIAL, UPDATE, &ada, &picture);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let last = running.last();
    assert_eq!(
        (&last["server"], &last["account"], &last["took_effect"]),
        (&SOCIAL.into(), &"ada".into(), &true.into())
    );
    assert_eq!(last["picture"]["width"], 64);
    let after = account(&running, SOCIAL, &ada);
    assert_eq!(reply.json(), after);
    let after = after["avatar"].as_str().unwrap();
    assert_eq!(load(&running, after).body, picture);
    assert_eq!(icon(&running, SOCIAL, "ada").body, picture);
    let gone = load(&running, before.as_str().unwrap());
    assert_eq!(gone.status, 404, "a server deletes what it replaces");
    assert_ne!(icon(&running, SOCIAL, "grace").body, picture);
    assert_eq!(running.get("/simulator/icon?network=mastodon").status, 404);
    let text = running.get("/").text().to_owned();
    assert!(text.contains("The picture of @ada on social.example"));
}

#[test]
fn the_rules_for_pictures_and_scopes_hold_for_people_too() {
    let running = Running::serving(&["social.example=mastodon-4.3", "p.example=pixelfed"]);
    let reader = token(&running, SOCIAL, "ada", "profile");
    assert_eq!(account(&running, SOCIAL, &reader)["acct"], "ada");
    let picture = pictures::png(64, 64);
    assert_eq!(
        turn(&running, SOCIAL, UPDATE, &reader, &picture).status,
        403
    );
    let writer = token(&running, SOCIAL, "ada", "write:accounts");
    let oblong = pictures::png(64, 65);
    assert_eq!(turn(&running, SOCIAL, UPDATE, &writer, &oblong).status, 422);
    let pixelfed = token(&running, "p.example", "ada", "read write");
    let before = icon(&running, "p.example", "ada").body;
    assert_eq!(
        turn(&running, "p.example", UPDATE, &pixelfed, &picture).status,
        200
    );
    assert_eq!(
        icon(&running, "p.example", "ada").body,
        before,
        "PATCH is ignored"
    );
    let post = "POST /api/v1/accounts/update_credentials";
    assert_eq!(
        turn(&running, "p.example", post, &pixelfed, &picture).status,
        200
    );
    assert_eq!(icon(&running, "p.example", "ada").body, picture);
}

#[test]
fn a_picture_can_be_removed_on_mastodon() {
    let running = Running::serving(&["social.example=mastodon-4.2", "g.example=gotosocial"]);
    let line = "DELETE /api/v1/profile/avatar";
    let reader = token(&running, SOCIAL, "ada", "read:accounts");
    assert_eq!(ask(&running, SOCIAL, line, &reader).status, 403);
    let writer = token(&running, SOCIAL, "ada", "read:accounts write:accounts");
    let reply = ask(&running, SOCIAL, line, &writer);
    assert_eq!(reply.status, 200);
    let avatar = reply.json()["avatar"].as_str().unwrap().to_owned();
    assert!(avatar.ends_with("missing.png"), "{avatar}");
    assert_eq!(account(&running, SOCIAL, &writer), reply.json());
    assert_eq!(icon(&running, SOCIAL, "ada").status, 404);
    let other = token(&running, "g.example", "ada", "write:accounts");
    assert_eq!(ask(&running, "g.example", line, &other).status, 404);
}

#[test]
fn the_one_account_has_its_picture_at_its_address_and_can_remove_it() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let token = super::client::MASTODON_TOKEN;
    let host = running.address;
    let avatar = turn(&running, host, UPDATE, token, &picture).json()["avatar"].clone();
    assert_eq!(load(&running, avatar.as_str().unwrap()).body, picture);
    assert_eq!(
        ask(&running, host, "DELETE /api/v1/profile/avatar", token).status,
        200
    );
    assert_eq!(running.get("/simulator/icon?network=mastodon").status, 404);
    assert_eq!(load(&running, avatar.as_str().unwrap()).status, 404);
}

#[test]
fn each_token_has_a_limit_of_its_own() {
    let running = Running::serving(&["social.example=mastodon-4.3"]);
    running.wait(301 - running.now().timestamp() % 300);
    let ada = token(&running, SOCIAL, "ada", "read");
    for _ in 0..300 {
        account(&running, SOCIAL, &ada);
    }
    let line = "GET /api/v1/accounts/verify_credentials";
    assert_eq!(ask(&running, SOCIAL, line, &ada).status, 429);
    account(&running, SOCIAL, &token(&running, SOCIAL, "grace", "read"));
}

#[test]
fn a_token_is_issued_only_for_what_there_is() {
    let running = Running::serving(&["social.example=mastodon-4.2"]);
    for wrong in [
        json!({ "server": "nowhere.example", "account": "ada", "scopes": "read" }),
        json!({ "server": SOCIAL, "account": "nobody", "scopes": "read" }),
        json!({ "server": SOCIAL, "account": "ada", "scopes": "profile" }),
        json!({ "server": SOCIAL, "account": "ada", "scopes": "read", "client_id": "x" }),
    ] {
        let body = wrong.to_string();
        let reply = running.request("POST", "/simulator/mastodon/tokens", &body);
        assert_eq!(reply.status, 400, "{wrong}");
    }
}
