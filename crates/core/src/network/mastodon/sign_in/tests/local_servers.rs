//! Sign-ins at the local servers of `crates/simulator`, which read the specifications and the
//! servers' sources for themselves.

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::io::Cursor;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{HOST, LOCATION, USER_AGENT};
use image::{ImageFormat, Rgb, RgbImage};
use simulator::{Body, MastodonKind, Options, Simulator};

use super::*;
use crate::frames::media_type::MediaType;
use crate::network::Transport;
use crate::network::interface::Picture;
use crate::outcome::Outcome;
use crate::ports::{self, ReplyLimits};

const STATE: &str = "a-state-that-nobody-guesses";

/// Some servers, and what carries requests to them.
struct Local {
    simulator: RefCell<Simulator>,
    now: Cell<DateTime<Utc>>,
}

impl Local {
    /// A server at `web.example`, with handles at `social.example`.
    fn of(kind: MastodonKind) -> Self {
        let server = format!("web.example={kind},handles=social.example");
        let simulator = Simulator::new(Options {
            mastodon_servers: vec![server.parse().unwrap()],
            ..Options::default()
        });
        Self {
            simulator: RefCell::new(simulator),
            now: Cell::new(now()),
        }
    }

    fn answer(&self, mut request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        let host = request.uri().authority().unwrap().as_str().parse().unwrap();
        request.headers_mut().insert(HOST, host);
        let sender = ports::USER_AGENT.parse().unwrap();
        request.headers_mut().insert(USER_AGENT, sender);
        let request = request.map(|body| Body::from(Bytes::from(body)));
        let answer = self.simulator.borrow_mut().handle(request, self.now.get());
        answer.response.map(|body| body.to_vec())
    }

    /// Consents as `ada` on the page at an address, and returns the code that comes back.
    fn consent(&self, url: &str) -> Secret {
        let page = self.answer(Request::get(url).body(Vec::new()).unwrap());
        assert_eq!(page.status(), 200, "{url}");
        let url = Url::parse(url).unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(url.query_pairs());
        form.append_pair("account", "ada");
        form.append_pair("decision", "authorize");
        let request = Request::post(url.origin().ascii_serialization() + url.path())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish().into_bytes());
        let back = self.answer(request.unwrap());
        let back = back.headers()[LOCATION].to_str().unwrap();
        let back: HashMap<_, _> = Url::parse(back)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(back["state"], STATE);
        Secret::new(&back["code"])
    }

    fn register(&self) -> App {
        let service = service();
        let found = MastodonSignIn.find("@ada@social.example", context(&service, self));
        let server = block_on(found).unwrap();
        assert_eq!(server.url, "https://web.example");
        block_on(MastodonSignIn.register(&server, context(&service, self))).unwrap()
    }

    fn sign_in(&self) -> Connection {
        let app = self.register();
        block_on(MastodonSignIn.check(&app, context(&service(), self))).unwrap();
        let verifier = Secret::new(VERIFIER);
        let url = authorization::url(&app, STATE, &verifier);
        let code = self.consent(&url);
        block_on(MastodonSignIn.exchange(grant(&app, &code, &verifier), context(&service(), self)))
            .unwrap()
    }

    fn shown(&self, connection: &Connection) -> Option<Vec<u8>> {
        let service = service();
        let shown = picture::shown(connection, &service, self);
        block_on(shown).unwrap()
    }

    /// Whether the server takes a connection's token.
    fn accepts(&self, connection: &Connection) -> bool {
        let network = account_of(connection);
        block_on(network.verify(&mut None, self)).is_ok()
    }
}

impl Transport for Local {
    fn send_within(&self, request: Request<Vec<u8>>, _: ReplyLimits) -> Pending<'_, Reply> {
        Box::pin(ready(Ok(self.answer(request))))
    }

    fn now(&self) -> DateTime<Utc> {
        self.now.get()
    }
}

fn file_of_a_picture() -> Vec<u8> {
    let mut file = Vec::new();
    let picture = RgbImage::from_pixel(400, 400, Rgb([200, 100, 0]));
    let written = picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png);
    written.unwrap();
    file
}

#[test]
fn people_sign_in_to_servers_of_every_kind_and_their_pictures_change() {
    for kind in MastodonKind::ALL {
        let local = Local::of(kind);
        let connection = local.sign_in();
        assert!(
            connection.subject.starts_with("https://web.example "),
            "{kind}"
        );
        assert_eq!(connection.name, "@ada@web.example", "{kind}");
        assert!(local.accepts(&connection), "{kind}");

        let before = local.shown(&connection).unwrap();
        let file = file_of_a_picture();
        let picture = Picture {
            bytes: &file,
            media_type: MediaType::Png,
            set: "set",
        };
        let network = account_of(&connection);
        let attempt = block_on(network.update(picture, &mut None, &local)).unwrap();
        assert_eq!(attempt.outcome, Outcome::Turned, "{kind}");
        assert_ne!(local.shown(&connection), Some(before), "{kind}");

        let removed =
            block_on(MastodonSignIn.remove_picture(&connection, context(&service(), &local)));
        let is_removed = local.shown(&connection).is_none();
        assert_eq!(removed.is_ok(), is_removed, "{kind}");
    }
}

#[test]
fn tokens_are_renewed_where_they_expire_and_revoked_where_they_can_be() {
    for kind in MastodonKind::ALL {
        let local = Local::of(kind);
        let mut connection = local.sign_in();
        if let Some(expires_at) = connection.tokens.expires_at {
            local.now.set(expires_at);
            assert!(!local.accepts(&connection), "{kind}");
            connection =
                block_on(MastodonSignIn.refresh(&connection, context(&service(), &local))).unwrap();
            assert!(connection.tokens.expires_at > Some(expires_at), "{kind}");
        } else {
            let refused =
                block_on(MastodonSignIn.refresh(&connection, context(&service(), &local)));
            assert!(matches!(refused, Err(SignInError::Refused(_))), "{kind}");
        }
        assert!(local.accepts(&connection), "{kind}");
        let revoked = block_on(MastodonSignIn.revoke(&connection, context(&service(), &local)));
        assert_eq!(revoked.is_ok(), !local.accepts(&connection), "{kind}");
        if let Err(error) = revoked {
            assert!(error.to_string().contains("yourself"), "{kind}: {error}");
        }
    }
}

#[test]
fn a_server_that_has_lost_its_applications_is_asked_to_register_anew() {
    for kind in MastodonKind::ALL {
        let app = Local::of(kind).register();
        let lost = Simulator::new(Options {
            seed: [7; 32],
            mastodon_servers: vec![format!("web.example={kind}").parse().unwrap()],
            ..Options::default()
        });
        let local = Local {
            simulator: RefCell::new(lost),
            now: Cell::new(now()),
        };
        let checked = block_on(MastodonSignIn.check(&app, context(&service(), &local)));
        let forgotten = SignInError::AppForgotten {
            server: "web.example".to_owned(),
        };
        // Pleroma says the same of a wrong code, and forgets no application.
        let expected = if kind == MastodonKind::Pleroma {
            Ok(())
        } else {
            Err(forgotten)
        };
        assert_eq!(checked, expected, "{kind}");
    }
}
