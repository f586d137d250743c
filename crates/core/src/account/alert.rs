//! What the owner is told: that turns have stopped working or work again. A webhook carries it.

use std::str::FromStr;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri};
use serde_json::json;
use thiserror::Error;

use crate::account::state::AccountState;
use crate::network::base_url::Destination;
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::{MAX_REPLY_BYTES, ReplyLimits};
use crate::settings::secret::Secret;

/// What a webhook's answer may take. The account's next turn waits for it.
pub const LIMITS: ReplyLimits = ReplyLimits {
    timeout_ms: 5_000,
    max_bytes: MAX_REPLY_BYTES,
};

/// The address at which the owner is told. It is a secret: anyone who has it can post there.
#[derive(Debug, Clone)]
pub struct Webhook(Secret);

/// The text is not an address that may be called.
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
    /// The request that posts a text, in JSON that both Slack (`text`) and Discord (`content`)
    /// show.
    ///
    /// # Errors
    /// If the request is not valid HTTP, which cannot happen for an address that parses.
    pub fn request(&self, text: &str) -> http::Result<Request<Vec<u8>>> {
        let body = json!({ "text": text, "content": text });
        Request::builder()
            .method(Method::POST)
            .uri(self.0.expose())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes())
    }
}

/// What the owner has not heard yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Turns have stopped working.
    Stopped(Diagnosis),
    /// Turns work again.
    WorksAgain,
    /// What was stored could not all be read.
    Unread(Diagnosis),
}

impl AccountState {
    /// Applies an outcome to whether turns work, and returns that as news if it has changed.
    /// `given_up` says that the slot ends without another attempt.
    pub fn news(&mut self, outcome: &Outcome, given_up: bool) -> Option<News> {
        match outcome {
            Outcome::Turned => self.stopped.take().map(|_| News::WorksAgain),
            // Nothing was sent, but this host has all that a turn needs again.
            Outcome::Unchanged => {
                let ours = |stopped: &mut Diagnosis| {
                    matches!(stopped.reason, Reason::Settings | Reason::Host)
                };
                self.stopped.take_if(ours).map(|_| News::WorksAgain)
            }
            Outcome::DryRun(_) => None,
            // Turns have not started yet.
            Outcome::Refused(diagnosis)
                if diagnosis.reason == Reason::NoIcon && self.set.is_none() =>
            {
                None
            }
            // The request was wrong, which says nothing of the account.
            Outcome::Refused(diagnosis) if diagnosis.reason == Reason::NoSuchFrame => None,
            Outcome::Retry { diagnosis, .. }
                if diagnosis.reason != Reason::SpamFilter && !given_up =>
            {
                None
            }
            Outcome::Retry { diagnosis, .. } | Outcome::Refused(diagnosis) => {
                let before = self.stopped.replace(diagnosis.clone());
                match before {
                    Some(_) => None,
                    None => Some(News::Stopped(diagnosis.clone())),
                }
            }
        }
    }
}

/// The news of one turn in words. Each piece of `news` comes with the title of its network;
/// `networks` is the number of networks that are set up. What is the same on all of them is told
/// once.
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
    use crate::account::testing::{diagnosis, refusal, retry};
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

    #[test]
    fn what_is_news_is_told_once() {
        let mut account_state = AccountState::default();
        let spam = retry(Reason::SpamFilter, 60);
        let transient = retry(Reason::Transient, 60);
        let no_such_frame = Outcome::Refused(diagnosis(Reason::NoSuchFrame));
        let stopped = |reason| Some(News::Stopped(diagnosis(reason)));
        for (outcome, is_given_up, news) in [
            (&Outcome::Turned, false, None),
            (&transient, false, None),
            (&no_such_frame, false, None),
            (&transient, true, stopped(Reason::Transient)),
            (&transient, true, None),
            (&refusal(), false, None),
            (&Outcome::Unchanged, false, None),
            (&spam, false, None),
            (&Outcome::Turned, false, Some(News::WorksAgain)),
            (&Outcome::Turned, false, None),
            (&spam, false, stopped(Reason::SpamFilter)),
            (&Outcome::Turned, false, Some(News::WorksAgain)),
            (&refusal(), false, stopped(Reason::Credentials)),
            (&Outcome::Turned, false, Some(News::WorksAgain)),
        ] {
            assert_eq!(
                account_state.news(outcome, is_given_up),
                news,
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn why_it_has_stopped_is_what_was_said_last() {
        let mut account_state = AccountState::default();
        account_state.news(&refusal(), false);
        account_state.news(&Outcome::Refused(diagnosis(Reason::Account)), false);
        assert_eq!(account_state.stopped, Some(diagnosis(Reason::Account)));
    }

    #[test]
    fn trouble_at_home_is_over_once_a_turn_finds_nothing_to_do() {
        for (reason, is_over) in [
            (Reason::Settings, true),
            (Reason::Host, true),
            (Reason::Credentials, false),
            (Reason::Transient, false),
        ] {
            let mut account_state = AccountState {
                stopped: Some(diagnosis(reason)),
                ..AccountState::default()
            };
            let news = account_state.news(&Outcome::Unchanged, false);
            assert_eq!(news, is_over.then_some(News::WorksAgain));
            assert_eq!(account_state.stopped.is_none(), is_over);
        }
    }
}
