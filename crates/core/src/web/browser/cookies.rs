//! The cookies of the service (RFC 6265bis §4.1.3.2).
//!
//! | name | what for | until |
//! |---|---|---|
//! | `__Host-session` | the browser is signed in | 90 days |
//! | `__Host-visitor` | proves that a form comes from a page that this browser got | the browser is closed |
//! | `__Host-sign-in-…` | binds a sign-in to the browser, one for each | 10 minutes |
//! | `__Host-notice` | what the page says after a form was sent | one minute |

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Request};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::service::directory::{SESSION_LIFETIME, SIGN_IN_LIFETIME};
use crate::settings::secret::Secret;
use crate::web::answer::Answer;
use crate::web::site::Mood;

/// The browser is signed in.
pub(super) const SESSION: &str = "__Host-session";
/// A form comes from a page that this browser got.
pub(super) const VISITOR: &str = "__Host-visitor";
/// What the page says after a form was sent.
const NOTICE: &str = "__Host-notice";

/// How long a notice waits for its page, in seconds.
const NOTICE_LIFETIME_S: i64 = 60;

/// Stands before a notice of something that is done.
const GOOD: char = '+';
/// Stands before a notice of something that is not done.
const BAD: char = '-';

/// The longest notice, in characters. A browser keeps cookies of at least 4,096 bytes.
const MAX_NOTICE: usize = 700;

/// The cookie that binds a sign-in to a browser. It has a part of the state's hash in its name, so
/// that several sign-ins can be under way at once.
pub(super) fn sign_in_cookie(state_hash: &str) -> String {
    let part: String = state_hash.chars().take(16).collect();
    format!("__Host-sign-in-{part}")
}

/// The value of a cookie. If there are several of that name, the request was tampered with: a
/// `__Host-` cookie is unique.
pub(super) fn cookie(request: &Request<()>, name: &str) -> Option<String> {
    let headers = request.headers().get_all(COOKIE).into_iter();
    let pairs = headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter_map(|(of, value)| (of == name).then_some(value));
    let value = values.next()?;
    values.next().is_none().then(|| value.to_owned())
}

/// The token in a cookie.
pub(super) fn token(request: &Request<()>, name: &str) -> Option<Secret> {
    cookie(request, name).map(Secret::new)
}

/// Has the browser keep the token of a session.
pub(super) fn keep_session(answer: &mut Answer, token: &Secret) {
    keep(
        answer,
        SESSION,
        token.expose(),
        Some(SESSION_LIFETIME.num_seconds()),
    );
}

/// Has the browser keep the token of a visitor until it is closed.
pub(super) fn keep_visitor(answer: &mut Answer, token: &Secret) {
    keep(answer, VISITOR, token.expose(), None);
}

/// Has the browser keep the token of a sign-in.
pub(super) fn keep_sign_in(answer: &mut Answer, state_hash: &str, token: &Secret) {
    let name = sign_in_cookie(state_hash);
    keep(
        answer,
        &name,
        token.expose(),
        Some(SIGN_IN_LIFETIME.num_seconds()),
    );
}

/// Has the browser forget a cookie.
pub(super) fn forget(answer: &mut Answer, name: &str) {
    keep(answer, name, "", Some(0));
}

/// Has the next page say something, and whether that is good.
pub(super) fn keep_notice(answer: &mut Answer, text: &str, mood: Mood) {
    let text: String = text.chars().take(MAX_NOTICE).collect();
    let sign = match mood {
        Mood::Good => GOOD,
        Mood::Bad => BAD,
    };
    let value = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
    keep(
        answer,
        NOTICE,
        &format!("{sign}{value}"),
        Some(NOTICE_LIFETIME_S),
    );
}

/// What a page is to say, which it says once.
pub(super) fn notice(request: &Request<()>) -> Option<(String, Mood)> {
    let value = cookie(request, NOTICE)?;
    let (mood, text) = match value.strip_prefix(GOOD) {
        Some(text) => (Mood::Good, text),
        None => (Mood::Bad, value.strip_prefix(BAD)?),
    };
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some((text.chars().take(MAX_NOTICE).collect(), mood))
}

/// Has the browser forget the notice, once a page has said it.
pub(super) fn forget_notice(answer: &mut Answer) {
    forget(answer, NOTICE);
}

/// Sets a cookie that this host alone gets, over HTTPS (or from this machine), and no script reads.
/// `Lax`, because `Strict` would be left out on the way back from a network.
fn keep(answer: &mut Answer, name: &str, value: &str, lifetime_s: Option<i64>) {
    let age = lifetime_s.map(|seconds| format!("; Max-Age={seconds}"));
    let age = age.unwrap_or_default();
    let cookie = format!("{name}={value}; Path=/{age}; Secure; HttpOnly; SameSite=Lax");
    let cookie = HeaderValue::from_str(&cookie).expect("names and values are plain ASCII");
    answer.headers_mut().append(SET_COOKIE, cookie);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &[&str]) -> Request<()> {
        let mut request = Request::builder();
        for cookie in cookies {
            request = request.header(COOKIE, *cookie);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn a_cookie_is_read_by_its_whole_name_and_only_if_it_is_unique() {
        let one = request(&["a=1; __Host-session=token; b=2"]);
        assert_eq!(cookie(&one, SESSION).as_deref(), Some("token"));
        assert_eq!(cookie(&one, VISITOR), None);
        for cookies in [
            &["__Host-session=token; __Host-session=other"][..],
            &["__Host-session=token", "__Host-session=token"],
            &["x__Host-session=token"],
            &["__host-session=token"],
        ] {
            assert_eq!(cookie(&request(cookies), SESSION), None, "{cookies:?}");
        }
    }

    #[test]
    fn no_script_and_no_other_host_gets_a_cookie() {
        let mut answer = Answer::default();
        keep_session(&mut answer, &Secret::new("token"));
        keep_visitor(&mut answer, &Secret::new("token"));
        keep_sign_in(&mut answer, "0123456789abcdef0123", &Secret::new("token"));
        keep_notice(&mut answer, "Done; \"x\" = <b> é", Mood::Good);
        forget(&mut answer, SESSION);
        let set: Vec<_> = answer.headers().get_all(SET_COOKIE).into_iter().collect();
        assert_eq!(set.len(), 5);
        for cookie in set {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("__Host-"), "{cookie}");
            assert!(cookie.contains("; Path=/"), "{cookie}");
            assert!(
                cookie.ends_with("; Secure; HttpOnly; SameSite=Lax"),
                "{cookie}"
            );
        }
    }

    #[test]
    fn a_notice_is_told_as_it_was_kept() {
        let mut answer = Answer::default();
        let text = "Done; \"x\" = <b> é";
        keep_notice(&mut answer, text, Mood::Bad);
        let set = answer.headers()[SET_COOKIE].to_str().unwrap();
        let (pair, _) = set.split_once(';').unwrap();
        assert_eq!(
            notice(&request(&[pair])),
            Some((text.to_owned(), Mood::Bad))
        );
        for value in ["", "x", "+%ff"] {
            let cookie = format!("__Host-notice={value}");
            assert_eq!(notice(&request(&[&cookie])), None, "{value}");
        }
    }
}
