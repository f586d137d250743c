//! Sign-ins with servers that answer what a test has written down.

mod refresh;
mod requests;
mod sign_in;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use p256::PublicKey;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{Value, json};

use crate::network::bluesky::oauth::client;
use crate::network::bluesky::oauth::{authorization, discovery, session};
use crate::network::jose;
use crate::network::sign_in::{
    App, AuthorizationRequest, ClientKey, Connection, Grant, Server, Service, SignInError,
};
use crate::network::signer::Signer as _;
use crate::network::testing::sign_in::{P256, context};
use crate::network::testing::{Reply, Script, header, ok};
use crate::settings::secret::Secret;
use crate::testing::{block_on, reply};

const DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
const OTHER_DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const PDS: &str = "https://pds.alice.net";
const ISSUER: &str = "https://entry.alice.net";

const CODE: &str = "cod-CODECODECODECODECODE";
const VERIFIER: &str = "VERIFIERVERIFIERVERIFIERVERIFIERVERIFIERVER";
const ACCESS: &str = "ACCESSACCESS.ACCESSACCESS.ACCESSACCESS";
const REFRESH: &str = "ref-REFRESHREFRESHREFRESH";
const REFERENCE: &str = "urn:ietf:params:oauth:request_uri:req-1";

const DNS: &str = "GET /dns-query?name=_atproto.alice.net&type=TXT";
const WEB: &str = "GET /.well-known/atproto-did";
const PLC: &str = "GET /did:plc:z72i7hdynmk6r22z27h6tvur";
const RESOURCE: &str = "GET /.well-known/oauth-protected-resource";
const METADATA: &str = "GET /.well-known/oauth-authorization-server";
const PAR: &str = "POST /oauth/par";
const TOKEN: &str = "POST /oauth/token";
const REVOKE: &str = "POST /oauth/revoke";

type Step = (&'static str, Reply);

fn service() -> Service {
    Service {
        public_url: "https://icons.example".to_owned(),
        ..Service::default()
    }
}

/// A reply of an authorization server, which has a nonce.
// In the form in which it is a step of a script.
#[allow(clippy::unnecessary_wraps)]
fn with_nonce(status: u16, body: &Value) -> Reply {
    Ok(reply(
        status,
        &[("dpop-nonce", "nonce-1")],
        body.to_string(),
    ))
}

/// The reply that asks for a nonce and gives it.
#[allow(clippy::unnecessary_wraps)]
fn asks_for(nonce: &str) -> Reply {
    let body = json!({ "error": "use_dpop_nonce" });
    Ok(reply(400, &[("dpop-nonce", nonce)], body.to_string()))
}

fn refusal(status: u16, error: &str) -> Reply {
    let body = json!({ "error": error, "error_description": "Because" });
    with_nonce(status, &body)
}

fn named(did: &str) -> Reply {
    let entry = json!({ "type": 16, "data": format!("did={did}") });
    ok(json!({ "Status": 0, "Answer": [entry] }))
}

fn document(handle: &str, pds: &str) -> Reply {
    ok(json!({
        "id": DID,
        "alsoKnownAs": [format!("at://{handle}")],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": pds,
        }],
    }))
}

fn resource(pds: &str, issuer: &str) -> Reply {
    ok(json!({ "resource": pds, "authorization_servers": [issuer] }))
}

/// What an authorization server says of itself: the official server's document.
fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "scopes_supported": ["atproto", "transition:email", "transition:generic"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "dpop_signing_alg_values_supported": ["RS256", "ES256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": true,
        "client_id_metadata_document_supported": true,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "pushed_authorization_request_endpoint": format!("{issuer}/oauth/par"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
    })
}

/// What leads from a handle to an authorization server.
fn found_by_handle() -> Vec<Step> {
    vec![
        (DNS, named(DID)),
        (PLC, document("alice.net", PDS)),
        (RESOURCE, resource(PDS, ISSUER)),
        (METADATA, ok(metadata(ISSUER))),
    ]
}

fn pushed() -> Reply {
    with_nonce(201, &json!({ "request_uri": REFERENCE, "expires_in": 299 }))
}

fn granted() -> Value {
    json!({
        "access_token": ACCESS,
        "token_type": "DPoP",
        "refresh_token": REFRESH,
        "scope": "atproto repo:app.bsky.actor.profile?action=create&action=update \
                  repo:app.rotate-icon.frames blob:image/*",
        "expires_in": 3_599,
        "sub": DID,
    })
}

/// What confirms an account after its tokens have come.
fn confirmed() -> Vec<Step> {
    vec![
        (PLC, document("alice.net", PDS)),
        (RESOURCE, resource(PDS, ISSUER)),
        (DNS, named(DID)),
    ]
}

fn client_key() -> ClientKey {
    ClientKey {
        id: "key-1".to_owned(),
        private: block_on(P256.generate()).unwrap(),
    }
}

fn find(typed: &str, steps: Vec<Step>) -> (Result<Server, SignInError>, Vec<Request<Vec<u8>>>) {
    let script = Script::new(steps);
    let service = service();
    let found = block_on(discovery::find(typed, context(&service, &script)));
    (found, script.sent())
}

/// The server that a handle leads to.
fn alices() -> Server {
    find("@alice.net", found_by_handle()).0.unwrap()
}

/// A sign-in on the way to a server's page.
struct Begun {
    app: App,
    key: ClientKey,
    url: Result<String, SignInError>,
    kept: Option<Secret>,
    sent: Vec<Request<Vec<u8>>>,
}

fn begin_at(server: &Server, steps: Vec<Step>) -> Begun {
    let (service, script, key) = (service(), Script::new(steps), client_key());
    let app = client::app(server, &service);
    let request = AuthorizationRequest {
        server,
        app: &app,
        key: Some(&key),
        state: "STATE",
        verifier: &Secret::new(VERIFIER),
    };
    let begun = block_on(authorization::begin(request, context(&service, &script)));
    let (url, kept) = match begun {
        Ok(authorization) => (Ok(authorization.url), authorization.kept),
        Err(error) => (Err(error), None),
    };
    Begun {
        sent: script.sent(),
        app,
        key,
        url,
        kept,
    }
}

fn begin(steps: Vec<Step>) -> Begun {
    begin_at(&alices(), steps)
}

/// Brings a code back, and returns what comes of it and what was sent.
fn open_as(
    begun: &Begun,
    issuer: Option<&str>,
    steps: Vec<Step>,
) -> (Result<Connection, SignInError>, Vec<Request<Vec<u8>>>) {
    let (service, script) = (service(), Script::new(steps));
    let grant = Grant {
        app: &begun.app,
        code: &Secret::new(CODE),
        verifier: &Secret::new(VERIFIER),
        issuer,
        kept: begun.kept.as_ref(),
    };
    let opened = block_on(session::open(grant, context(&service, &script)));
    (opened, script.sent())
}

fn open(steps: Vec<Step>) -> (Result<Connection, SignInError>, Vec<Request<Vec<u8>>>) {
    open_as(&begin(vec![(PAR, pushed())]), Some(ISSUER), steps)
}

/// An account that has signed in.
fn connection() -> Connection {
    let mut steps = vec![(TOKEN, with_nonce(200, &granted()))];
    steps.extend(confirmed());
    open(steps).0.unwrap()
}

/// The members of a form.
fn form(request: &Request<Vec<u8>>) -> Vec<(String, String)> {
    form_urlencoded::parse(request.body())
        .into_owned()
        .collect()
}

fn member(request: &Request<Vec<u8>>, name: &str) -> Option<String> {
    let mut members = form(request).into_iter();
    members.find_map(|(one, value)| (one == name).then_some(value))
}

fn hosts(sent: &[Request<Vec<u8>>]) -> Vec<&str> {
    let hosts = sent.iter().map(|request| request.uri().host().unwrap());
    hosts.collect()
}

/// The header and claims of a signed text, whose signature is checked with a public JWK, or with
/// the one in its header.
fn verified(text: &str, key: Option<&Value>) -> (Value, Value) {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{text}");
    };
    let (message, _) = text.rsplit_once('.').unwrap();
    let json = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims): (Value, Value) = (json(header), json(claims));
    let key = key.unwrap_or(&header["jwk"]).to_string();
    let key = VerifyingKey::from(PublicKey::from_jwk_str(&key).unwrap());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    key.verify(message.as_bytes(), &signature).unwrap();
    assert_eq!(header["alg"], "ES256");
    (header, claims)
}

/// The claims of a request's proof.
fn proof(request: &Request<Vec<u8>>) -> Value {
    let (header, claims) = verified(header(request, "dpop").unwrap(), None);
    assert_eq!(header["typ"], "dpop+jwt");
    let jwk = header["jwk"].as_object().unwrap();
    assert_eq!(jwk.keys().collect::<Vec<_>>(), ["crv", "kty", "x", "y"]);
    claims
}

/// The claims of the text by which a request says which application it is from.
fn assertion(request: &Request<Vec<u8>>, key: &ClientKey) -> Value {
    let public = jose::PublicKey::of(&key.private).unwrap().jwk();
    let text = member(request, "client_assertion").unwrap();
    let (header, claims) = verified(&text, Some(&public));
    assert_eq!(header["kid"], key.id);
    claims
}

/// That an error is for people: it tells no secret, and is short.
fn shown(error: &SignInError) -> String {
    let text = error.to_string();
    for secret in [CODE, VERIFIER, ACCESS, REFRESH] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.chars().count() < 500, "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
    text
}
