//! Signing in with a network whose servers fetch a document of this service.

use super::*;
use crate::network::sign_in::{ClientKey, Context, Grant, PublishedClient};
use crate::network::signer::Signer as _;

const HANDLE: &str = "alice.net";
const PDS: &str = "https://pds.alice.net";
const ISSUER: &str = "https://entry.alice.net";

/// What is known before anything is changed.
struct Known {
    key: ClientKey,
    server: Server,
    kept: Option<Secret>,
    connection: Connection,
}

/// The members of a private key that are secret.
fn private_part(key: &Secret) -> String {
    let key: Value = serde_json::from_str(key.expose()).unwrap();
    key["d"].as_str().unwrap().to_owned()
}

/// Takes what was sent so far. Each request goes where it may. Those with a secret go to the
/// authorization server, or with a token to the server that turns are on.
fn check_sent_to(
    line: &Line<'_>,
    issuer: Option<&str>,
    turned_on: Option<&str>,
    keys: &[String],
) -> TestCaseResult {
    let this = this_service();
    let addresses = PublicAddresses::for_visitors_of(&this);
    for request in line.sent.take() {
        let uri = request.uri().to_string();
        let url = addresses.url(&uri);
        prop_assert!(url.is_ok(), "{}: {:?}", uri, url);
        let origin = url.unwrap().origin.to_string();
        let body = String::from_utf8_lossy(request.body());
        let authorization = header(&request, "authorization").unwrap_or_default();
        let is_in = |secret: &str| {
            let texts = [uri.as_str(), &body, authorization];
            texts.iter().any(|text| text.contains(secret))
        };
        for secret in [CODE, VERIFIER, REFRESH] {
            prop_assert!(!is_in(secret) || Some(origin.as_str()) == issuer, "{}", uri);
        }
        let may_have_token = Some(origin.as_str()) == issuer || Some(origin.as_str()) == turned_on;
        prop_assert!(!is_in(TOKEN) || may_have_token, "{}", uri);
        prop_assert!(authorization.is_empty() || may_have_token, "{}", uri);
        prop_assert!(!keys.iter().any(|key| is_in(key)), "{}", uri);
    }
    Ok(())
}

/// Brings a code back.
fn exchanged(
    network: &dyn SignIn,
    app: &App,
    kept: Option<&Secret>,
    context: Context<'_>,
) -> Result<Connection, SignInError> {
    let (code, verifier) = (Secret::new(CODE), Secret::new(VERIFIER));
    let grant = Grant {
        issuer: Some(&app.server),
        kept,
        ..grant(app, &code, &verifier)
    };
    block_on(network.exchange(grant, context))
}

/// Signs in while nothing is changed.
fn known(network: &dyn SignIn, client: &dyn PublishedClient, service: &Service) -> Known {
    let this = this_service();
    let line = Line {
        service,
        changed: &[Changed::default()],
        now: Cell::new(now()),
        sent: RefCell::default(),
    };
    let context = context(&this, &line);
    let key = ClientKey {
        id: "key-1".to_owned(),
        private: block_on(P256.generate()).unwrap(),
    };
    let server = block_on(network.find(HANDLE, context)).unwrap();
    let app = client.app(&server, &this);
    let request = AuthorizationRequest {
        server: &server,
        app: &app,
        key: Some(&key),
        state: "state",
        verifier: &Secret::new(VERIFIER),
    };
    let kept = block_on(network.authorization(request, context))
        .unwrap()
        .kept;
    let connection = exchanged(network, &app, kept.as_ref(), context).unwrap();
    Known {
        key,
        server,
        kept,
        connection,
    }
}

/// Signs in, and does all else that a connection is for.
fn check_published(
    network: &dyn SignIn,
    client: &dyn PublishedClient,
    service: &Service,
    known: &Known,
    changed: &[Changed],
    typed: &str,
) -> TestCaseResult {
    let this = this_service();
    let line = Line {
        service,
        changed,
        now: Cell::new(now()),
        sent: RefCell::default(),
    };
    let context = context(&this, &line);
    let mut keys = vec![private_part(&known.key.private)];
    let found = block_on(network.find(typed, context));
    let server = or_else(found, || known.server.clone(), &line, None)?;
    check_sent_to(&line, None, None, &keys)?;

    let app = client.app(&server, &this);
    let issuer = Some(app.server.as_str());
    let request = AuthorizationRequest {
        server: &server,
        app: &app,
        key: Some(&known.key),
        state: "state",
        verifier: &Secret::new(VERIFIER),
    };
    let authorization = block_on(network.authorization(request, context));
    let kept = match authorization {
        Ok(authorization) => {
            let url = authorization.url;
            prop_assert!(Url::parse(&url).is_ok(), "{}", url);
            let is_web = url.starts_with("https://");
            prop_assert!(is_web && !url.contains(VERIFIER), "{}", url);
            authorization.kept
        }
        Err(error) => {
            check_error(&error, &line, Some(&app))?;
            known.kept.clone().filter(|_| app.server == ISSUER)
        }
    };
    check_sent_to(&line, issuer, None, &keys)?;

    let connection = exchanged(network, &app, kept.as_ref(), context);
    let connection = or_else(connection, || known.connection.clone(), &line, Some(&app))?;
    check_sent_to(&line, issuer, None, &keys)?;
    prop_assert!(connection.subject.starts_with("did:"));
    check_shown(&connection.subject, service)?;
    check_shown(&connection.name, service)?;
    check_connected(network, &connection, &line, context, &mut keys)
}

/// Does all that a connection is for.
fn check_connected(
    network: &dyn SignIn,
    connection: &Connection,
    line: &Line<'_>,
    context: Context<'_>,
    keys: &mut Vec<String>,
) -> TestCaseResult {
    let service = line.service;
    let details: Value = serde_json::from_str(connection.details.as_ref().unwrap().expose())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    keys.push(private_part(&Secret::new(details["key"].as_str().unwrap())));
    let turned_on = network.turned_on(connection);
    let issuer = Some(connection.app.server.as_str());
    let check_sent = |line: &Line<'_>| check_sent_to(line, issuer, Some(&turned_on), keys);

    if let Err(diagnosis) = block_on(network.keep_shown(connection, context)) {
        check_diagnosis(&diagnosis, service)?;
    }
    check_sent(line)?;
    let account = network.network(connection, Some(context.service.clone()), Rc::new(P256));
    match block_on(account.update(PICTURE, &mut None, line)) {
        Ok(attempt) => check_attempt(&attempt, service, line.now())?,
        Err(diagnosis) => check_diagnosis(&diagnosis, service)?,
    }
    check_sent(line)?;
    // On the next day, the account is looked up again.
    for hours in [1, 25] {
        line.now.set(line.now() + TimeDelta::hours(hours));
        let refreshed = block_on(network.refresh(connection, context));
        let refreshed = or_else(
            refreshed,
            || connection.clone(),
            line,
            Some(&connection.app),
        )?;
        prop_assert_eq!(&refreshed.subject, &connection.subject);
        prop_assert_eq!(&refreshed.app.server, &connection.app.server);
        check_shown(&refreshed.name, service)?;
        check_sent(line)?;
    }
    if let Err(diagnosis) = block_on(network.put_held_back(connection, context)) {
        check_diagnosis(&diagnosis, service)?;
    }
    check_sent(line)?;
    if let Err(diagnosis) = block_on(network.remove_picture(connection, context)) {
        check_diagnosis(&diagnosis, service)?;
    }
    check_sent(line)?;
    if let Err(diagnosis) = block_on(account.remove_frames(&mut None, line)) {
        check_diagnosis(&diagnosis, service)?;
    }
    check_sent(line)?;
    if let Err(diagnosis) = block_on(network.remove_kept(connection, context)) {
        check_diagnosis(&diagnosis, service)?;
    }
    check_sent(line)?;
    let revoked = block_on(network.revoke(connection, context));
    or_else(revoked, || (), line, Some(&connection.app))?;
    check_sent(line)
}

/// What an authorization server says of itself.
fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "scopes_supported": ["atproto", "transition:generic"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": true,
        "client_id_metadata_document_supported": true,
        "authorization_endpoint": format!("{ISSUER}/oauth/authorize"),
        "pushed_authorization_request_endpoint": format!("{ISSUER}/oauth/par"),
        "token_endpoint": format!("{ISSUER}/oauth/token"),
        "revocation_endpoint": format!("{ISSUER}/oauth/revoke"),
    })
}

fn answers() -> Vec<(&'static str, Value)> {
    let blob = |link| {
        json!({
            "$type": "blob", "ref": { "$link": link }, "mimeType": "image/jpeg", "size": 7,
        })
    };
    let profile = json!({ "$type": "app.bsky.actor.profile", "avatar": blob("bafkreiold") });
    let record = json!({
        "uri": format!("at://{DID}/app.bsky.actor.profile/self"),
        "cid": "bafyreiprofile",
        "value": profile,
    });
    vec![
        (
            "/dns-query",
            json!({ "Status": 0, "Answer": [{ "type": 16, "data": format!("did={DID}") }] }),
        ),
        ("/.well-known/atproto-did", json!(DID)),
        (
            "/did:plc:",
            json!({
                "id": DID,
                "alsoKnownAs": [format!("at://{HANDLE}")],
                "service": [{
                    "id": "#atproto_pds",
                    "type": "AtprotoPersonalDataServer",
                    "serviceEndpoint": PDS,
                }],
            }),
        ),
        (
            "/.well-known/oauth-protected-resource",
            json!({ "resource": PDS, "authorization_servers": [ISSUER] }),
        ),
        ("/.well-known/oauth-authorization-server", metadata()),
        (
            "/oauth/par",
            json!({ "request_uri": "urn:ietf:params:oauth:request_uri:req-1" }),
        ),
        (
            "/oauth/token",
            json!({
                "access_token": TOKEN,
                "token_type": "DPoP",
                "refresh_token": REFRESH,
                "scope": "atproto transition:generic",
                "expires_in": 3_599,
                "sub": DID,
            }),
        ),
        ("/oauth/revoke", json!({})),
        ("/xrpc/com.atproto.repo.getRecord", record),
        (
            "/xrpc/com.atproto.repo.uploadBlob",
            json!({ "blob": blob(LINK) }),
        ),
        (
            "/xrpc/com.atproto.repo.",
            json!({ "uri": "at://a/b/self", "cid": "bafyreinew" }),
        ),
        (
            "/xrpc/com.atproto.sync.getRepoStatus",
            json!({ "did": DID, "active": false, "status": "deactivated" }),
        ),
    ]
}

fn service() -> Service {
    let refusals = [
        (400, "use_dpop_nonce"),
        (401, "use_dpop_nonce"),
        (400, "invalid_grant"),
        (400, "invalid_client"),
        (400, "invalid_scope"),
        (401, "invalid_token"),
        (403, "ScopeMissingError"),
        (401, "AccountDeactivated"),
        (400, "RepoNotFound"),
        (429, "RateLimitExceeded"),
        (503, "Down"),
    ];
    Service {
        settings: Vec::new(),
        secrets: vec![CODE, VERIFIER, REFRESH, TOKEN],
        hosts: &[],
        answers: answers(),
        refusals: refusals
            .map(|(status, error)| (status, json!({ "error": error, "message": SENT })))
            .to_vec(),
    }
}

#[test]
fn fuzz_published() {
    let service = service();
    for network in NETWORKS.into_iter().filter_map(|network| network.sign_in) {
        let Client::Published(client) = network.client() else {
            continue;
        };
        let known = known(network, client, &service);
        let typed = prop_oneof![
            3 => select(vec!["@alice.net", "pds.alice.net", DID, "https://bsky.app/profile/a.net"])
                .prop_map(ToOwned::to_owned),
            1 => any::<String>(),
            1 => "(https?://|at://)?[@a-z0-9.:/\\[\\]_-]{0,40}",
        ];
        let input = (typed, vec(changed(), 1..20));
        fuzz(500, &input, |(typed, changed)| {
            check_published(network, client, &service, &known, changed, typed)
        });
    }
}
