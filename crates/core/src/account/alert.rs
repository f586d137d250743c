//! Telling the owner that turning has stopped, or works again, by a webhook.

use std::str::FromStr;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri};
use serde_json::json;
use thiserror::Error;

use crate::account::state::News;
use crate::network::base_url::Destination;
use crate::settings::secret::Secret;

/// How long a webhook may take to answer, in milliseconds: the account's next turn
/// waits for it.
pub const TIMEOUT_MS: u32 = 5_000;

/// Where the owner is told. Who knows such an address can write there, so it is
/// kept as a secret.
#[derive(Debug, Clone)]
pub struct Webhook(Secret);

/// The text is no address that may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an https:// URL (http:// only for localhost)")]
pub struct InvalidWebhook;

impl FromStr for Webhook {
    type Err = InvalidWebhook;

    fn from_str(text: &str) -> Result<Self, InvalidWebhook> {
        let Destination { base, rest } = Destination::read(text).ok_or(InvalidWebhook)?;
        let url = format!("{base}{rest}");
        let url = url.parse::<Uri>().map_err(|_| InvalidWebhook)?;
        Ok(Self(Secret::new(url.to_string())))
    }
}

impl Webhook {
    /// The request that tells a text, in the JSON that Slack (`text`) and Discord
    /// (`content`) both show.
    ///
    /// # Errors
    /// When the request is not valid HTTP, which no address that parses leads to.
    pub fn request(&self, text: &str) -> http::Result<Request<Vec<u8>>> {
        let body = json!({ "text": text, "content": text });
        Request::builder()
            .method(Method::POST)
            .uri(self.0.expose())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes())
    }
}

/// The news of one turn in words: of each network by its title, out of so many
/// that are set up. What is the same for all of them is told once.
pub fn in_words(news: &[(&'static str, News)], networks: usize) -> String {
    let tell = |place: &str, news: &News| match news {
        News::Stopped(diagnosis) => {
            format!(
                "Your icon has stopped turning{place}. {}",
                diagnosis.in_words()
            )
        }
        News::WorksAgain => format!("Your icon is turning again{place}."),
        News::Unread(diagnosis) => format!("About your icon{place}: {}", diagnosis.in_words()),
    };
    match news {
        [(_, first), others @ ..]
            if news.len() == networks && others.iter().all(|(_, other)| other == first) =>
        {
            tell("", first)
        }
        _ => {
            let lines = news
                .iter()
                .map(|(title, news)| tell(&format!(" on {title}"), news));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::outcome::{Diagnosis, Reason};
    use crate::testing::{WEBHOOK, assert_no_secret_in};

    fn told(news: News) -> (Request<Vec<u8>>, Value) {
        let webhook: Webhook = WEBHOOK.parse().unwrap();
        let request = webhook.request(&in_words(&[("X", news)], 1)).unwrap();
        let body = serde_json::from_slice(request.body()).unwrap();
        (request, body)
    }

    #[test]
    fn the_news_is_posted_in_words_that_slack_and_discord_show() {
        let diagnosis = Diagnosis::new(
            Reason::Access,
            "X answered 403, code 261: \"Read-only\" application.",
            "Set its permissions.",
        );
        let (request, body) = told(News::Stopped(diagnosis));
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), WEBHOOK);
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(request.headers().len(), 1);
        let text = "Your icon has stopped turning. X answered 403, code 261: \"Read-only\" \
                    application. Set its permissions.";
        assert_eq!(body, json!({ "text": text, "content": text }));
        assert_no_secret_in(&body.to_string());

        let (_, body) = told(News::WorksAgain);
        let text = "Your icon is turning again.";
        assert_eq!(body, json!({ "text": text, "content": text }));
    }

    #[test]
    fn of_several_networks_each_is_told_apart_unless_all_have_the_same_to_tell() {
        let stopped =
            |message: &str| News::Stopped(Diagnosis::new(Reason::Access, message, "Wait."));
        let some = [("X", stopped("No.")), ("Mastodon", News::WorksAgain)];
        assert_eq!(
            in_words(&some, 3),
            "Your icon has stopped turning on X. No. Wait.\nYour icon is turning again on Mastodon."
        );
        assert_eq!(
            in_words(&some[1..], 2),
            "Your icon is turning again on Mastodon."
        );
        let all = ["X", "Mastodon"].map(|title| (title, stopped("No frames.")));
        assert_eq!(
            in_words(&all, 2),
            "Your icon has stopped turning. No frames. Wait."
        );
    }

    #[test]
    fn addresses_that_may_be_called_are_taken_as_they_are() {
        for url in [
            WEBHOOK,
            "https://discord.test/api/webhooks/1/a-b_c?wait=true&thread_id=5",
            "https://hooks.test:8443/",
            "https://hooks.test",
            "http://localhost:9000/hook",
            "http://127.0.0.1/hook",
            "http://[::1]:9000/hook",
        ] {
            let webhook: Webhook = url.parse().unwrap();
            let request = webhook.request("Hello.").unwrap();
            let uri = request.uri().to_string();
            assert_eq!(uri.trim_end_matches('/'), url.trim_end_matches('/'));
        }
    }

    #[test]
    fn nothing_else_is_taken_for_an_address() {
        for text in [
            "",
            "hooks",
            "hooks/a.b",
            "/a",
            "https://",
            "https:///a",
            "http://hooks.test/a",
            "http://localhost.hooks.test/a",
            "http://127.0.0.1.hooks.test/a",
            "ftp://hooks.test/a",
            "https://user:password@hooks.test/a",
            "https://user@hooks.test/a",
            "http://localhost@hooks.test/a",
            "https://hooks.test/a b",
            "https://hooks..test/a",
            "https://hooks.test:0/a",
            "https://hooks.test:+1/a",
            "https://hooks.test:65536/a",
            "https://./a",
            "https://hooks.test/a\r\nhost: b",
            "mailto:owner@hooks.test",
            "hunter2",
        ] {
            let error = text.parse::<Webhook>().expect_err(text);
            assert!(!format!("{error} {error:?}").contains("hooks"));
        }
    }

    #[test]
    fn debug_output_hides_the_address() {
        let webhook: Webhook = WEBHOOK.parse().unwrap();
        assert_no_secret_in(&format!("{webhook:?} {webhook:#?}"));
    }
}
