//! This machine's HTTP client and clock, for the core.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, SubsecRound as _, Utc};
use http::{Method, Request, Response};
use rotate_icon_core::ports::{Client, Clock, ReplyLimits, SendError, USER_AGENT};
use ureq::config::AutoHeaderValue;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

use crate::proxy::{self, Named};

/// Sends requests, through a proxy if the environment names one. Reads the machine's certificate
/// authorities before the first request.
#[derive(Debug)]
pub(crate) struct Https {
    proxy: Option<Named>,
    agent: OnceLock<Known>,
}

impl Https {
    /// Creates a client that uses the proxy that the environment names.
    ///
    /// # Errors
    /// When the environment names a proxy that cannot be read.
    pub(crate) fn from_environment() -> Result<Self> {
        Ok(Self {
            proxy: proxy::from_environment()?,
            agent: OnceLock::new(),
        })
    }

    /// The variable that names the proxy, if any.
    pub(crate) fn proxy_variable(&self) -> Option<&'static str> {
        self.proxy.as_ref().map(|named| named.variable)
    }
}

#[derive(Debug, Clone)]
struct Known {
    agent: Agent,
    /// Whether the machine has any certificate authorities.
    has_authorities: bool,
}

impl Client for Https {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Result<Response<Vec<u8>>, SendError> {
        let Known {
            agent,
            has_authorities,
        } = self.agent.get_or_init(|| know(self.proxy.as_ref())).clone();
        if !has_authorities && request.uri().scheme_str() == Some("https") {
            let error = "this machine has no list of certificate authorities (install \
                         ca-certificates)";
            return Err(SendError::Connection(error.to_owned()));
        }
        // On its own thread, so that a network that hangs does not hold up the others.
        let sent = tokio::task::spawn_blocking(move || exchange(&agent, request, limits));
        let failed = |error: tokio::task::JoinError| SendError::Connection(error.to_string());
        let through = self.proxy_variable();
        sent.await
            .map_err(failed)?
            .map_err(|error| match (error, through) {
                (SendError::Connection(why), Some(variable)) => {
                    SendError::Connection(format!("{why} (through the proxy of {variable})"))
                }
                (error, _) => error,
            })
    }
}

impl Clock for Https {
    /// In whole milliseconds, as in the Worker's journal.
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}

fn know(proxy: Option<&Named>) -> Known {
    let found = rustls_native_certs::load_native_certs().certs;
    let certificates = found.iter();
    let certificates = certificates.map(|one| Certificate::from_der(one).to_owned());
    let provider = rustls::crypto::ring::default_provider();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::Specific(Arc::new(certificates.collect())))
        .unversioned_rustls_crypto_provider(provider.into())
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        // Not the one that ureq would read itself: it ignores a value that it cannot read.
        .proxy(proxy.map(|named| named.proxy.clone()))
        // A signature is valid for this address alone.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(USER_AGENT)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .build();
    Known {
        agent: config.into(),
        has_authorities: !found.is_empty(),
    }
}

fn exchange(
    agent: &Agent,
    request: Request<Vec<u8>>,
    limits: ReplyLimits,
) -> Result<Response<Vec<u8>>, SendError> {
    let has_body = !request.body().is_empty() || request.method() == Method::POST;
    let timeout = Some(Duration::from_millis(limits.timeout_ms.into()));
    let reply = if has_body {
        let request = agent.configure_request(request);
        agent.run(request.timeout_global(timeout).build())
    } else {
        let request = agent.configure_request(request.map(drop));
        agent.run(request.timeout_global(timeout).build())
    };
    let (head, body) = reply.map_err(|error| failed(&error))?.into_parts();
    Ok(Response::from_parts(head, read(body, limits.max_bytes)?))
}

fn read(mut body: Body, max_bytes: usize) -> Result<Vec<u8>, SendError> {
    let max_bytes = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    let limited = body.with_config().limit(max_bytes);
    limited.read_to_vec().map_err(|error| failed(&error))
}

fn failed(error: &ureq::Error) -> SendError {
    match error {
        ureq::Error::Timeout(_) => SendError::Timeout,
        ureq::Error::BodyExceedsLimit(_) => SendError::TooLarge,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            SendError::Timeout
        }
        // The error would repeat the address, which may contain a secret.
        ureq::Error::BadUri(_) => SendError::Connection("the address is not valid".to_owned()),
        error => SendError::Connection(error.to_string().trim_end_matches('.').to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    const LIMITS: ReplyLimits = ReplyLimits {
        timeout_ms: 20_000,
        max_bytes: 30_000,
    };

    /// Bypasses every proxy. Only tests may do so: the command must not bypass the proxy that the
    /// environment names.
    impl Default for Https {
        fn default() -> Self {
            Self {
                proxy: None,
                agent: OnceLock::new(),
            }
        }
    }

    /// Answers one connection with these bytes: its address, and what it received.
    fn server(answer: Vec<u8>) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/path?q=1", listener.local_addr().unwrap());
        let received = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = Vec::new();
            let mut buffer = [0; 1024];
            // A POST of these tests ends so, and all else with its head.
            let is_whole = |received: &[u8]| match received {
                [b'P', ..] => received.ends_with(b"END"),
                _ => received.ends_with(b"\r\n\r\n"),
            };
            while !is_whole(&received) {
                let count = stream.read(&mut buffer).unwrap();
                received.extend_from_slice(&buffer[..count]);
            }
            // Who has read enough may be gone.
            let _ = stream.write_all(&answer);
            String::from_utf8(received).unwrap()
        });
        (url, received)
    }

    async fn ask(answer: Vec<u8>) -> Result<Response<Vec<u8>>, SendError> {
        let (url, _) = server(answer);
        Https::default()
            .send(Request::get(url).body(Vec::new()).unwrap(), LIMITS)
            .await
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_waited_for_longer_than_asked() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        for request in [Request::get(&url), Request::post(&url)] {
            let request = request.body(Vec::new()).unwrap();
            let limits = ReplyLimits {
                timeout_ms: 100,
                ..LIMITS
            };
            let reply = Https::default().send(request, limits).await;
            assert_eq!(reply.unwrap_err(), SendError::Timeout);
        }
    }

    #[tokio::test]
    async fn a_request_is_sent_as_it_is() {
        let answer = b"HTTP/1.1 201 Created\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nok";
        let (url, received) = server(answer.to_vec());
        let request = Request::post(&url)
            .header("authorization", "OAuth a=\"b\", c=\"d%2F\"")
            .header("content-type", "image/jpeg")
            .body(
                b"\x00\xffEND"
                    .iter()
                    .filter(|b| b.is_ascii())
                    .copied()
                    .collect(),
            )
            .unwrap();
        let reply = Https::default().send(request, LIMITS).await.unwrap();
        assert_eq!(reply.status(), 201);
        assert_eq!(reply.headers().get_all("x-a").iter().count(), 2);
        assert_eq!(reply.body(), b"ok");
        let received = received.join().unwrap();
        let (head, body) = received.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "\0END");
        let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
        assert_eq!(lines.remove(0), "post /path?q=1 http/1.1");
        lines.sort();
        let host = url
            .trim_start_matches("http://")
            .trim_end_matches("/path?q=1");
        assert_eq!(
            lines,
            [
                "authorization: oauth a=\"b\", c=\"d%2f\"".to_owned(),
                "content-length: 4".to_owned(),
                "content-type: image/jpeg".to_owned(),
                format!("host: {host}"),
                format!("user-agent: {USER_AGENT}"),
            ]
        );
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\
                      content-length: 0\r\n\r\n";
        let reply = ask(answer.into()).await.unwrap();
        assert_eq!(reply.status(), 302);
        assert_eq!(reply.headers()["location"], "http://127.0.0.1:1/");
    }

    #[tokio::test]
    async fn a_reply_is_read_up_to_the_limit() {
        for (length, is_read) in [(LIMITS.max_bytes, true), (LIMITS.max_bytes + 1, false)] {
            let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
            answer.resize(answer.len() + length, b'a');
            match ask(answer).await {
                Ok(reply) => assert!(is_read && reply.body().len() == length),
                Err(error) => assert!(!is_read && error == SendError::TooLarge, "{error:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_breaks_off_is_no_reply() {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
        for answer in ["", "HTTP/1.1 200", "nonsense\r\n\r\n", half] {
            let error = ask(answer.into()).await.unwrap_err();
            assert!(
                matches!(error, SendError::Connection(_)),
                "{answer}: {error:?}"
            );
        }
    }
}
