//! The fuzz target `sign_in`: whatever a server replies, a sign-in ends in a connection or in a text
//! that a person can read, asks nobody that may not be asked, and tells a secret to no server but
//! the one that it belongs to.

mod published;

use std::rc::Rc;

use url::Url;

use super::*;
use crate::network::public_address::PublicAddresses;
use crate::network::sign_in::{
    App, AuthorizationRequest, Client, Connection, Server, Shown, SignIn, SignInError, Tokens,
};
use crate::network::testing::sign_in::{P256, context, grant};
use crate::network::{NETWORKS, sign_in};
use crate::settings::secret::Secret;

const CODE: &str = "kCODEkCODEkCODEkCODE";
const VERIFIER: &str = "kVERIFIERkVERIFIERkVERIFIERkVERIFIERkVERIFI";
const CLIENT_SECRET: &str = "kCLIENTkSECRETkCLIENT";
const REFRESH: &str = "kREFRESHkREFRESHkREFRESH";

/// A secret that a server chose shorter than this may occur in any text.
const LEAST_SECRET: usize = 8;

fn this_service() -> sign_in::Service {
    sign_in::Service {
        public_url: "https://icons.example".to_owned(),
        ..sign_in::Service::default()
    }
}

fn app() -> App {
    App {
        server: "https://social.example".to_owned(),
        client_id: "client-1".to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: "profile write:accounts".to_owned(),
        uses_pkce: true,
        redirect_uri: this_service().redirect_uri("mastodon", "https://social.example"),
    }
}

fn connection() -> Connection {
    Connection {
        network: "mastodon".to_owned(),
        subject: "https://social.example 14715".to_owned(),
        name: "@ada@social.example".to_owned(),
        app: app(),
        tokens: Tokens {
            access: Secret::new(TOKEN),
            refresh: Some(Secret::new(REFRESH)),
            expires_at: None,
        },
        details: None,
    }
}

/// Takes what was sent so far. Each request goes where it may, and one with a secret to the server
/// of the app.
fn check_sent(line: &Line<'_>, app: Option<&App>) -> TestCaseResult {
    let this = this_service();
    let addresses = PublicAddresses::for_visitors_of(&this);
    for request in line.sent.take() {
        let uri = request.uri().to_string();
        let url = addresses.url(&uri);
        prop_assert!(url.is_ok(), "{}: {:?}", uri, url);
        let host = request.uri().host().map(ToOwned::to_owned);
        let parsed = Url::parse(&uri).unwrap();
        prop_assert_eq!(parsed.host_str(), host.as_deref());
        let body = String::from_utf8_lossy(request.body());
        let mut secrets = [CODE, VERIFIER, CLIENT_SECRET, REFRESH, TOKEN].into_iter();
        let has_secret = header(&request, "authorization").is_some()
            || secrets.any(|secret| body.contains(secret) || uri.contains(secret));
        if has_secret {
            let origin = url.unwrap().origin.to_string();
            prop_assert_eq!(Some(&origin), app.map(|app| &app.server), "{}", uri);
        }
    }
    Ok(())
}

fn check_error(error: &SignInError, line: &Line<'_>, app: Option<&App>) -> TestCaseResult {
    check_shown(&error.to_string(), line.service)?;
    let secret = app
        .and_then(|app| app.client_secret.as_ref())
        .map(Secret::expose)
        .unwrap_or_default();
    let is_long = secret.len() >= LEAST_SECRET;
    prop_assert!(!is_long || !error.to_string().contains(secret), "{}", error);
    if let SignInError::Paused { until, .. } = error {
        prop_assert!(*until > line.now(), "{} is over", until);
        prop_assert!(
            *until <= line.now() + TimeDelta::days(1),
            "{} is too late",
            until
        );
    }
    Ok(())
}

/// Takes what came of a step, or what should have come of it.
fn or_else<T>(
    came: Result<T, SignInError>,
    instead: impl FnOnce() -> T,
    line: &Line<'_>,
    app: Option<&App>,
) -> Result<T, TestCaseError> {
    match came {
        Ok(came) => Ok(came),
        Err(error) => {
            check_error(&error, line, app)?;
            Ok(instead())
        }
    }
}

/// Signs in, and does all else that a connection is for.
fn check_sign_in(
    network: &dyn SignIn,
    service: &Service,
    changed: &[Changed],
    typed: &str,
) -> TestCaseResult {
    let Client::Registered(client) = network.client() else {
        return Ok(());
    };
    let this = this_service();
    let line = Line {
        service,
        changed,
        now: Cell::new(now()),
        sent: RefCell::default(),
    };
    let server = || Server {
        url: "https://social.example".to_owned(),
        facts: "{}".to_owned(),
    };
    let found = or_else(
        block_on(network.find(typed, context(&this, &line))),
        server,
        &line,
        None,
    )?;
    check_sent(&line, None)?;

    let registered = block_on(client.register(&found, context(&this, &line)));
    let app = or_else(registered, app, &line, None)?;
    check_sent(&line, Some(&app))?;

    let checked = block_on(client.check(&app, context(&this, &line)));
    or_else(checked, || (), &line, Some(&app))?;
    check_sent(&line, Some(&app))?;

    let (code, verifier) = (Secret::new(CODE), Secret::new(VERIFIER));
    let request = AuthorizationRequest {
        server: &found,
        app: &app,
        key: None,
        state: "state",
        verifier: &verifier,
    };
    let url = block_on(network.authorization(request, context(&this, &line)));
    let url = url.unwrap().url;
    prop_assert!(
        url.starts_with(&format!("{}/oauth/authorize?", app.server)),
        "{}",
        url
    );
    prop_assert!(
        Url::parse(&url).is_ok() && !url.contains(VERIFIER),
        "{}",
        url
    );

    let exchanged =
        block_on(network.exchange(grant(&app, &code, &verifier), context(&this, &line)));
    let connection = or_else(exchanged, connection, &line, Some(&app))?;
    check_sent(&line, Some(&app))?;
    let app = &connection.app;
    let prefix = format!("{} ", app.server);
    prop_assert!(connection.subject.starts_with(&prefix), "{prefix}");
    check_shown(&connection.subject, service)?;
    check_shown(&connection.name, service)?;

    match block_on(network.keep_shown(&connection, context(&this, &line))) {
        Ok(_) => {}
        Err(diagnosis) => check_diagnosis(&diagnosis, service)?,
    }
    check_sent(&line, Some(app))?;
    let attempt = block_on(
        network
            .network(&connection, Some(this.clone()), Rc::new(P256))
            .update(PICTURE, &mut None, &line),
    );
    match attempt {
        Ok(attempt) => check_attempt(&attempt, service, line.now())?,
        Err(diagnosis) => check_diagnosis(&diagnosis, service)?,
    }
    check_sent(&line, Some(app))?;
    let refreshed = block_on(network.refresh(&connection, context(&this, &line)));
    or_else(refreshed, || connection.clone(), &line, Some(app))?;
    check_sent(&line, Some(app))?;
    if let Err(diagnosis) = block_on(network.remove_picture(&connection, context(&this, &line))) {
        check_diagnosis(&diagnosis, service)?;
    }
    check_sent(&line, Some(app))?;
    let revoked = block_on(network.revoke(&connection, context(&this, &line)));
    or_else(revoked, || (), &line, Some(app))?;
    check_sent(&line, Some(app))
}

fn service() -> Service {
    let account = json!({
        "id": "14715", "username": "ada", "acct": "ada",
        "avatar": "https://files.example/avatars/1.png",
    });
    let refusals = [
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (401, "The access token is invalid"),
        (403, "unauthorized_client"),
        (404, "Not Found"),
        (422, "Validation failed: Redirect URI is invalid"),
        (429, "Too many requests"),
        (503, "Down"),
    ];
    Service {
        settings: Vec::new(),
        secrets: vec![CODE, VERIFIER, CLIENT_SECRET, REFRESH, TOKEN],
        hosts: &[],
        answers: vec![
            (
                "/.well-known/host-meta",
                json!("<XRD><Link rel=\"lrdd\" template=\"https://social.example/?{uri}\"/></XRD>"),
            ),
            (
                "/.well-known/webfinger",
                json!({ "links": [{
                    "rel": "self",
                    "type": "application/activity+json",
                    "href": "https://social.example/users/ada",
                }] }),
            ),
            (
                "/.well-known/oauth-authorization-server",
                json!({
                    "issuer": "https://social.example/",
                    "token_endpoint": "https://social.example/oauth/token",
                    "scopes_supported": ["profile", "write:accounts"],
                    "code_challenge_methods_supported": ["S256"],
                }),
            ),
            ("/api/v1/instance", json!({ "version": "4.2.13" })),
            ("/api/v2/instance", json!({ "version": "4.2.13" })),
            (
                "/api/v1/apps",
                json!({ "client_id": "client-1", "client_secret": CLIENT_SECRET }),
            ),
            (
                "/oauth/token",
                json!({
                    "access_token": TOKEN,
                    "token_type": "Bearer",
                    "scope": "profile write:accounts",
                    "expires_in": 3_600,
                    "refresh_token": REFRESH,
                }),
            ),
            ("/oauth/revoke", json!({})),
            ("/api/v1/accounts/", account.clone()),
            ("/api/v1/profile/avatar", account),
            ("/avatars/", json!("picture")),
        ],
        refusals: refusals
            .map(|(status, error)| (status, json!({ "error": error })))
            .to_vec(),
    }
}

#[test]
fn fuzz_sign_in() {
    let service = service();
    for network in NETWORKS.into_iter().filter_map(|network| network.sign_in) {
        let Client::Registered(client) = network.client() else {
            continue;
        };
        // As long as nothing is changed, all goes well.
        let line = Line {
            service: &service,
            changed: &[Changed::default()],
            now: Cell::new(now()),
            sent: RefCell::default(),
        };
        let this = this_service();
        let server = block_on(network.find("@ada@social.example", context(&this, &line))).unwrap();
        let app = block_on(client.register(&server, context(&this, &line))).unwrap();
        let (code, verifier) = (Secret::new(CODE), Secret::new(VERIFIER));
        let connection =
            block_on(network.exchange(grant(&app, &code, &verifier), context(&this, &line)));
        let picture = network.keep_shown(connection.as_ref().unwrap(), context(&this, &line));
        assert_eq!(block_on(picture).unwrap(), Shown::File(b"picture".to_vec()));

        let typed = prop_oneof![
            3 => select(vec!["social.example", "@ada@social.example", "https://bücher.example/@a"])
                .prop_map(ToOwned::to_owned),
            1 => any::<String>(),
            1 => "(https?://)?[@a-z0-9.:/\\[\\]_-]{0,40}",
        ];
        let input = (typed, vec(changed(), 1..16));
        fuzz(1_000, &input, |(typed, changed)| {
            check_sign_in(network, &service, changed, typed)
        });
    }
}
