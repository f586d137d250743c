//! The page: what it shows, and that nothing received can act in it.

use super::client::{Running, Update};
use super::pictures;

#[test]
fn an_empty_page_is_complete() {
    let running = Running::start();
    let page = running.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
    let text = page.text();
    for part in [
        "<html lang=\"en\">",
        "http-equiv=\"refresh\"",
        "name=\"viewport\"",
        "<h1>",
    ] {
        assert!(text.contains(part), "{part}");
    }
    for part in ["<script", "style=\"", "http://", "https://"] {
        assert!(!text.contains(part), "{part}");
    }
    let paused = running.get("/?paused");
    assert!(!paused.text().contains("http-equiv=\"refresh\""));
    let style = running.get("/simulator/style.css");
    assert!(
        style
            .header("content-type")
            .unwrap()
            .starts_with("text/css")
    );
    assert!(style.text().contains("prefers-color-scheme: dark"));
}

#[test]
fn the_page_tells_what_happened() {
    let running = Running::with(&["over-capacity*1", "hang*3"], 0, 100);
    running.send(&Update::multipart(&pictures::png(64, 64)));
    running.request("DELETE", "/simulator/faults", "");
    running.send(&Update::multipart(&pictures::png(64, 64)));
    running.send(&Update::multipart(&pictures::png(64, 63)));
    running.request(
        "PUT",
        "/simulator/faults",
        "{\"fault\":\"reset\",\"times\":7}",
    );
    let page = running.get("/");
    for part in [
        "/simulator/icon?2",
        "/simulator/received/1/picture",
        "over-capacity",
        "would have been accepted: frame",
        "accepted, but lost",
        "64×63",
        "7 times",
        "<details>",
    ] {
        assert!(page.text().contains(part), "{part}");
    }
    for image in page.text().split("<img").skip(1) {
        assert!(image.split('>').next().unwrap().contains(" alt=\""));
    }
}

#[test]
fn what_was_received_cannot_act_in_the_page() {
    let running = Running::start();
    let script = "<script>alert(1)</script>\u{1b}[31m";
    let encoded = crate::x::signature::percent_encode(script);
    let in_query = Update::multipart(&pictures::png(64, 64)).query(&format!("{encoded}=1"));
    let in_name = Update::parts(&[("name=\"<script>alert(2)</script>\"", b"x")]);
    let mut in_type = Update::multipart(b"<script>alert(3)</script>");
    in_type.content_type = "text/<script>alert(4)</script>".to_owned();
    let mut in_host = Update::multipart(b"x");
    in_host.host = "<script>alert(5)</script>".to_owned();
    in_host.secrets = ("wrong", "wrong");
    let in_bytes = Update::multipart(b"<script>alert(6)</script>");
    for update in [in_query, in_name, in_type, in_host, in_bytes] {
        assert_ne!(running.send(&update).status, 200);
    }
    assert_eq!(running.lines().lines().count(), 5);
    assert!(!running.lines().contains('\u{1b}'));
    let page = running.get("/");
    assert!(!page.text().contains("<script"));
    assert!(!page.text().contains('\u{1b}'));
    assert!(page.text().contains("&lt;script&gt;alert(1)"));
    let picture = running.get("/simulator/received/5/picture");
    assert_eq!(
        picture.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
    assert!(
        picture
            .header("content-security-policy")
            .unwrap()
            .contains("sandbox")
    );
}

#[test]
fn each_network_is_shown_apart_once_it_is_used() {
    let running = Running::start();
    let text = running.get("/").text().to_owned();
    assert_eq!(text.matches("Nothing was received.").count(), 3);
    assert!(!text.contains("<img") && !text.contains("class=\"banner\""));

    let session = super::bluesky::Session::begin(&running);
    session.turn(&running, &pictures::png(64, 64));
    let page = running.get("/");
    let text = page.text();
    assert_eq!(text.matches("Nothing was received.").count(), 2);
    for part in [
        "<section class=\"bluesky\" aria-labelledby=\"bluesky\">",
        "/simulator/icon?network=bluesky&amp;n=4",
        "alt=\"The picture on Bluesky as it is now\"",
        "@local.test",
        "com.atproto.repo.putRecord",
        "All requests (4)",
        "Nothing failed.",
    ] {
        assert!(text.contains(part), "{part}");
    }
    running.get("/api/v1/accounts/verify_credentials");
    let page = running.get("/");
    let (_, of_mastodon) = page
        .text()
        .split_once("<section class=\"mastodon\"")
        .unwrap();
    assert!(of_mastodon.contains("401 The access token is invalid"));
    assert!(of_mastodon.contains("No picture was set yet."));
    let (bluesky, _) = page
        .text()
        .split_once("<section class=\"mastodon\"")
        .unwrap();
    assert!(!bluesky.contains("The access token is invalid"));
}
