//! Signing in to X: obtains an account's token for an app, with a PIN (OAuth 1.0a, RFC 5849 §2,
//! with the callback `oob`).
//!
//! The app asks for a temporary token. The owner opens a page of X with it, allows the app, and is
//! shown a PIN. In exchange for the PIN, the app receives the account's token. The temporary token,
//! its secret and the PIN are useless afterwards, and useless to anyone else before.

use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{Request, Response};

use crate::network::base_url::BaseUrl;
use crate::network::percent;
use crate::network::reply::{is_html, quoted};
use crate::network::transport::Transport;
use crate::network::x::account::{
    self, API_BASE_URL, API_KEY, API_KEY_SECRET, Account, Api, BodyForm, Version,
};
use crate::network::x::errors::ErrorReply;
use crate::network::x::exchange::{invalid_request, no_reply, stamp};
use crate::network::x::oauth1::{self, Credentials, Keys, Pair};
use crate::network::x::v1::read_reply;
use crate::outcome::{Diagnosis, Reason};
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

const REQUEST_TOKEN: &str = "/oauth/request_token";
const AUTHORIZE: &str = "/oauth/authorize";
const ACCESS_TOKEN: &str = "/oauth/access_token";

/// An app at X that accounts sign in to.
#[derive(Debug, Clone)]
pub struct App {
    /// The address of the API.
    pub base_url: BaseUrl,
    /// Identifies the app.
    pub api_key: Secret,
    /// Signs for the app.
    pub api_key_secret: Secret,
}

/// A sign-in that waits for its PIN.
#[derive(Debug, Clone)]
pub struct Begun {
    app: App,
    token: Secret,
    token_secret: Secret,
}

/// An account that has signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The keys of the app and the account.
    pub credentials: Credentials,
    /// The account's name, if X sent it with the token.
    pub screen_name: Option<String>,
    base_url: BaseUrl,
}

impl App {
    /// Reads an app's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let base_url = reader.parsed(API_BASE_URL);
        let api_key = reader.secret(API_KEY);
        let api_key_secret = reader.secret(API_KEY_SECRET);
        Some(Self {
            base_url: base_url?,
            api_key: api_key?,
            api_key_secret: api_key_secret?,
        })
    }

    /// Asks for a temporary token (§2.1).
    ///
    /// # Errors
    /// If X does not grant one: the reason, and what to do.
    pub async fn begin(self, transport: &dyn Transport) -> Result<Begun, Diagnosis> {
        let request = self.request(
            REQUEST_TOKEN,
            None,
            ("oauth_callback", "oob"),
            transport.now(),
        )?;
        let reply = self.send(request, transport).await?;
        if !reply.status().is_success() {
            return Err(refused_app(&reply, &self.secrets(), transport.now()));
        }
        let answer = Answer::read(reply.body(), &self.secrets()).ok_or_else(no_token)?;
        // Without the confirmation this is OAuth 1.0, and an attacker may have begun the sign-in
        // (§2.1).
        if !answer.is_callback_confirmed {
            return Err(no_token());
        }
        Ok(Begun {
            app: self,
            token: answer.token,
            token_secret: answer.token_secret,
        })
    }

    /// A signed request of the sign-in, with one additional protocol parameter.
    fn request(
        &self,
        path: &str,
        token: Option<Pair<'_>>,
        extra: oauth1::Parameter<'_>,
        now: DateTime<Utc>,
    ) -> Result<Request<Vec<u8>>, Diagnosis> {
        let stamp = stamp(now)?;
        let url = format!("{}{path}", self.base_url);
        let app = Pair {
            id: &self.api_key,
            secret: &self.api_key_secret,
        };
        let keys = Keys { app, token };
        let signed = oauth1::authorization_with("POST", &url, &[], keys, &[extra], &stamp);
        let request = Request::post(url).header(AUTHORIZATION, signed);
        request
            .body(Vec::new())
            .map_err(|error| invalid_request(&error))
    }

    async fn send(
        &self,
        request: Request<Vec<u8>>,
        transport: &dyn Transport,
    ) -> Result<Response<Vec<u8>>, Diagnosis> {
        let sent = transport.send(request).await;
        sent.map_err(|error| {
            let outcome = no_reply(&error, transport.now());
            outcome.diagnosis().cloned().unwrap_or_else(no_token)
        })
    }

    fn secrets(&self) -> [&Secret; 2] {
        [&self.api_key_secret, &self.api_key]
    }
}

impl Begun {
    /// The page on which the owner allows the app and receives the PIN (§2.2).
    pub fn authorize_url(&self) -> String {
        let token = percent::encode(self.token.expose());
        format!("{}{AUTHORIZE}?oauth_token={token}", self.app.base_url)
    }

    /// Exchanges the PIN for the account's token (§2.3).
    ///
    /// # Errors
    /// If X does not grant it: the reason, and what to do.
    pub async fn finish(self, pin: &str, transport: &dyn Transport) -> Result<SignedIn, Diagnosis> {
        let app = self.app;
        let token = Pair {
            id: &self.token,
            secret: &self.token_secret,
        };
        // People type the PIN with the spaces they see.
        let pin: String = pin.split_whitespace().collect();
        let verifier = ("oauth_verifier", pin.as_str());
        let request = app.request(ACCESS_TOKEN, Some(token), verifier, transport.now())?;
        let reply = app.send(request, transport).await?;
        let pin = Secret::new(pin.as_str());
        let [secret, key] = app.secrets();
        let secrets = [&self.token_secret, &self.token, &pin, secret, key];
        if !reply.status().is_success() {
            return Err(refused_pin(&reply, &secrets, transport.now()));
        }
        let answer = Answer::read(reply.body(), &secrets).ok_or_else(no_token)?;
        Ok(SignedIn {
            credentials: Credentials {
                api_key: app.api_key,
                api_key_secret: app.api_key_secret,
                access_token: answer.token,
                access_token_secret: answer.token_secret,
            },
            screen_name: answer.screen_name,
            base_url: app.base_url,
        })
    }
}

impl SignedIn {
    /// The account, to ask X whether it accepts the keys.
    pub fn account(&self) -> Account {
        Account {
            base_url: self.base_url.clone(),
            // Either version answers this.
            api: Api::Only(Version::V1),
            body: BodyForm::default(),
            credentials: self.credentials.clone(),
        }
    }

    /// The values to keep, by the names of their settings.
    pub fn settings(&self) -> [(&'static str, &Secret); 4] {
        let Credentials {
            api_key,
            api_key_secret,
            access_token,
            access_token_secret,
        } = &self.credentials;
        [
            (API_KEY, api_key),
            (API_KEY_SECRET, api_key_secret),
            (account::ACCESS_TOKEN, access_token),
            (account::ACCESS_TOKEN_SECRET, access_token_secret),
        ]
    }
}

/// X's answer to both requests: a form.
struct Answer {
    token: Secret,
    token_secret: Secret,
    is_callback_confirmed: bool,
    screen_name: Option<String>,
}

impl Answer {
    fn read(body: &[u8], secrets: &[&Secret]) -> Option<Self> {
        let value = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(body);
            let (_, value) = pairs.find(|(name, value)| name == wanted && !value.is_empty())?;
            Some(value.into_owned())
        };
        Some(Self {
            token: Secret::new(value("oauth_token")?),
            token_secret: Secret::new(value("oauth_token_secret")?),
            is_callback_confirmed: value("oauth_callback_confirmed").as_deref() == Some("true"),
            screen_name: value("screen_name").map(|name| quoted(&name, secrets)),
        })
    }
}

fn no_token() -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not with a token of X.",
        "Check API_BASE_URL: something other than X's API answers there.",
    )
}

/// The diagnosis when X grants the app no temporary token.
fn refused_app(reply: &Response<Vec<u8>>, secrets: &[&Secret], now: DateTime<Utc>) -> Diagnosis {
    let error = ErrorReply::read(reply.body(), secrets);
    let callback = error
        .errors
        .iter()
        .find(|error| matches!(error.code, Some(415 | 417)));
    if callback.is_some() {
        return Diagnosis::new(
            Reason::Access,
            error.describe(reply.status(), callback),
            "The app may not sign accounts in by PIN. Set up its User authentication settings in \
             the developer portal, with any callback URL, and try again.",
        );
    }
    let diagnosis = refusal(reply, secrets, now);
    match diagnosis.reason {
        Reason::Credentials => Diagnosis {
            remedy: "Check API_KEY and API_KEY_SECRET: both from one app, complete, and not \
                     regenerated since. Copy them again from the developer portal, under Keys and \
                     tokens."
                .into(),
            ..diagnosis
        },
        _ => diagnosis,
    }
}

/// The diagnosis when X grants no token for the PIN.
fn refused_pin(reply: &Response<Vec<u8>>, secrets: &[&Secret], now: DateTime<Utc>) -> Diagnosis {
    let diagnosis = refusal(reply, secrets, now);
    let is_page = is_html(reply.body());
    match diagnosis.reason {
        // Only the words tell a wrong PIN from a wrong signature.
        Reason::Credentials | Reason::Access | Reason::UnexpectedReply if !is_page => Diagnosis {
            remedy: "The PIN is wrong or too old, or was used before. Begin again: each PIN \
                     belongs to one try."
                .into(),
            ..diagnosis
        },
        _ => diagnosis,
    }
}

fn refusal(reply: &Response<Vec<u8>>, secrets: &[&Secret], now: DateTime<Utc>) -> Diagnosis {
    let outcome = read_reply(reply, secrets, now);
    outcome.diagnosis().cloned().unwrap_or_else(no_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::RefCell;

    use crate::network::Pending;
    use crate::ports::{ReplyLimits, SendError};
    use crate::testing::{block_on, instant, reply};

    /// X as it gives these answers in order, and what it was sent.
    struct Replies {
        replies: RefCell<Vec<Result<Response<Vec<u8>>, SendError>>>,
        sent: RefCell<Vec<Request<Vec<u8>>>>,
    }

    impl Replies {
        fn new(replies: impl IntoIterator<Item = Result<Response<Vec<u8>>, SendError>>) -> Self {
            let mut replies: Vec<_> = replies.into_iter().collect();
            replies.reverse();
            Self {
                replies: RefCell::new(replies),
                sent: RefCell::default(),
            }
        }
    }

    impl Transport for Replies {
        fn send_within(
            &self,
            request: Request<Vec<u8>>,
            _: ReplyLimits,
        ) -> Pending<'_, Result<Response<Vec<u8>>, SendError>> {
            self.sent.borrow_mut().push(request);
            let reply = self.replies.borrow_mut().pop().unwrap();
            Box::pin(async { reply })
        }

        fn now(&self) -> DateTime<Utc> {
            instant("2026-11-22T02:23:45Z")
        }
    }

    fn app() -> App {
        App {
            base_url: "https://api.x.com".parse().unwrap(),
            api_key: Secret::new("kAPI"),
            api_key_secret: Secret::new("kSECRET"),
        }
    }

    const TEMPORARY: &str =
        "oauth_token=tMP%2B&oauth_token_secret=tMPSECRET&oauth_callback_confirmed=true";
    const TOKEN: &str =
        "oauth_token=7-tACCESS&oauth_token_secret=tSECRET&user_id=7&screen_name=XAPI";

    fn begun() -> Begun {
        let transport = Replies::new([Ok(reply(200, &[], TEMPORARY))]);
        block_on(app().begin(&transport)).unwrap()
    }

    fn assert_hidden(text: &str) {
        for secret in ["kAPI", "kSECRET", "tMP", "tACCESS", "tSECRET", "1234567"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }

    #[test]
    fn a_pin_becomes_the_token_of_the_account() {
        let transport = Replies::new([Ok(reply(200, &[], TEMPORARY)), Ok(reply(200, &[], TOKEN))]);
        let begun = block_on(app().begin(&transport)).unwrap();
        assert_eq!(
            begun.authorize_url(),
            "https://api.x.com/oauth/authorize?oauth_token=tMP%2B"
        );
        let signed_in = block_on(begun.finish(" 123 4567\n", &transport)).unwrap();
        assert_eq!(signed_in.screen_name.as_deref(), Some("XAPI"));
        assert_eq!(
            signed_in
                .settings()
                .map(|(name, value)| (name, value.expose())),
            [
                ("API_KEY", "kAPI"),
                ("API_KEY_SECRET", "kSECRET"),
                ("ACCESS_TOKEN", "7-tACCESS"),
                ("ACCESS_TOKEN_SECRET", "tSECRET"),
            ]
        );
        let account = signed_in.account();
        assert_eq!(account.base_url.to_string(), "https://api.x.com");
        assert_eq!(account.credentials.access_token.expose(), "7-tACCESS");
        assert_hidden(&format!("{signed_in:?}"));

        let sent = transport.sent.take();
        let [first, second] = sent.try_into().unwrap();
        assert_eq!(first.method(), "POST");
        assert_eq!(first.uri(), "https://api.x.com/oauth/request_token");
        let header = first.headers()[AUTHORIZATION].to_str().unwrap();
        assert!(header.contains("oauth_callback=\"oob\""), "{header}");
        assert!(!header.contains("oauth_token="), "{header}");
        assert_eq!(second.uri(), "https://api.x.com/oauth/access_token");
        let header = second.headers()[AUTHORIZATION].to_str().unwrap();
        assert!(header.contains("oauth_verifier=\"1234567\""), "{header}");
        assert!(header.contains("oauth_token=\"tMP%2B\""), "{header}");
        for request in [first, second] {
            assert!(request.body().is_empty());
            assert_eq!(request.headers().len(), 1);
        }
    }

    #[test]
    fn an_app_that_may_not_sign_in_by_pin_is_told_what_to_set() {
        for code in [415, 417] {
            let body = format!(r#"{{"errors":[{{"code":{code},"message":"No kAPI"}}]}}"#);
            let transport = Replies::new([Ok(reply(403, &[], body))]);
            let diagnosis = block_on(app().begin(&transport)).unwrap_err();
            assert_eq!(diagnosis.reason, Reason::Access);
            assert_hidden(&diagnosis.in_words());
            assert!(diagnosis.remedy.contains("User authentication settings"));
        }
    }

    #[test]
    fn wrong_keys_of_the_app_are_named() {
        let body = r#"{"errors":[{"code":32,"message":"Could not authenticate you."}]}"#;
        let transport = Replies::new([Ok(reply(401, &[], body))]);
        let diagnosis = block_on(app().begin(&transport)).unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Credentials);
        assert!(
            !diagnosis.remedy.contains("ACCESS_TOKEN"),
            "{}",
            diagnosis.remedy
        );
    }

    #[test]
    fn what_is_no_confirmed_token_is_refused() {
        for body in [
            "",
            "<html>",
            "oauth_token=a&oauth_callback_confirmed=true",
            "oauth_token=a&oauth_token_secret=b",
            "oauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=false",
            "oauth_token=&oauth_token_secret=b&oauth_callback_confirmed=true",
        ] {
            let transport = Replies::new([Ok(reply(200, &[], body))]);
            let diagnosis = block_on(app().begin(&transport)).unwrap_err();
            assert_eq!(diagnosis.reason, Reason::UnexpectedReply, "{body}");
        }
    }

    #[test]
    fn a_wrong_pin_is_told_apart_from_trouble_of_x() {
        for (status, body, is_pin) in [
            (
                401,
                "Error processing your OAuth request: Invalid oauth_verifier 1234567",
                true,
            ),
            (
                401,
                r#"{"errors":[{"code":32,"message":"tMPSECRET"}]}"#,
                true,
            ),
            (400, r#"{"errors":[{"message":"bad"}]}"#, true),
            (403, "<html>no</html>", false),
            (503, "", false),
        ] {
            let transport = Replies::new([Ok(reply(status, &[], body))]);
            let diagnosis = block_on(begun().finish("1234567", &transport)).unwrap_err();
            assert_eq!(diagnosis.remedy.contains("PIN"), is_pin, "{body}");
            assert_hidden(&diagnosis.in_words());
        }
    }

    #[test]
    fn silence_is_for_now() {
        let transport = Replies::new([Err(SendError::Timeout)]);
        let diagnosis = block_on(app().begin(&transport)).unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Transient);
        let transport = Replies::new([Err(SendError::Timeout)]);
        let diagnosis = block_on(begun().finish("1", &transport)).unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Transient);
    }
}
