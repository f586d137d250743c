//! Registering an app: `POST /api/v1/apps`.

use http::Uri;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::App;
use crate::mastodon::Kind;
use crate::mastodon::server::{Done, Judgment, Server};
use crate::mastodon::visit::Visit;
use crate::payload::{Payload, essence};
use crate::reply::{Refusal, Rejection, Reply};
use crate::text::quoted;

/// The longest name of an app, in characters.
const LONGEST_NAME: usize = 60;
/// The longest website and the longest text of redirect URIs, in bytes.
const LONGEST_URI: usize = 2_000;

const INVALID: Refusal = Refusal::bare(422, "Validation failed");
const BAD_REQUEST: Refusal = Refusal::bare(400, "Bad Request");

/// What a client asks for.
#[derive(Default)]
struct Wanted {
    name: Option<String>,
    redirect_uris: Vec<String>,
    scopes: Option<String>,
    website: Option<String>,
}

/// Registers an app.
pub(crate) fn register(server: &mut Server, visit: &Visit<'_>) -> Judgment {
    let kind = server.kind;
    let invalid = |problem: String| -> Rejection {
        let (refusal, text) = match kind {
            Kind::Gotosocial => (BAD_REQUEST, format!("Bad Request: {problem}")),
            _ => (INVALID, format!("Validation failed: {problem}")),
        };
        refusal.saying(text)
    };
    let wanted = read(server, visit).map_err(|reason| {
        // A server would take what it can read; a client that sends anything else errs.
        invalid("Application name can't be blank".to_owned()).explained(reason)
    })?;
    let (name, scopes, website) = check(server, &wanted).map_err(invalid)?;

    let random = &mut server.oauth.random;
    let app = App {
        client_id: random.text(),
        client_secret: random.text(),
        name,
        website,
        redirect_uris: wanted.redirect_uris,
        scopes,
    };
    let reply = Reply::json(200, &answer(server, &app));
    let summary = format!("registered the app {}", quoted(&app.name));
    Ok(Done::with(reply, summary, move |server| {
        server.oauth.apps.insert(app.client_id.clone(), app);
    }))
}

/// Checks what is asked for; returns the name, the scopes and the website.
fn check(
    server: &Server,
    wanted: &Wanted,
) -> Result<(String, Vec<String>, Option<String>), String> {
    let name = wanted.name.as_deref().map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err("Application name can't be blank".to_owned());
    }
    if name.chars().count() > LONGEST_NAME {
        let limit = LONGEST_NAME;
        return Err(format!(
            "Application name is too long (maximum is {limit} characters)"
        ));
    }
    if wanted.redirect_uris.is_empty() {
        return Err("Redirect URI can't be blank".to_owned());
    }
    if wanted.redirect_uris.iter().map(String::len).sum::<usize>() > LONGEST_URI {
        return Err(format!(
            "Redirect URI is too long (maximum is {LONGEST_URI} characters)"
        ));
    }
    for uri in &wanted.redirect_uris {
        check_redirect_uri(uri).map_err(|problem| format!("Redirect URI {problem}"))?;
    }
    let website = wanted.website.as_deref().filter(|site| !site.is_empty());
    if website.is_some_and(|site| site.len() > LONGEST_URI || origin(site).is_none()) {
        return Err("Application website is invalid".to_owned());
    }
    let mut scopes: Vec<String> = Vec::new();
    let asked = wanted.scopes.as_deref().filter(|text| !text.is_empty());
    for scope in asked.unwrap_or("read").split(' ') {
        let known = server.kind.scopes();
        if server.kind.checks_scopes_at_registration() && !known.contains(&scope) {
            return Err("Scopes doesn't match configured on the server.".to_owned());
        }
        if !scopes.iter().any(|seen| seen == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok((name.to_owned(), scopes, website.map(str::to_owned)))
}

/// Checks a redirect URI. Plain http is for this machine only, and there is no such thing as
/// showing the code: this client is a web page.
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    if uri.contains('#') {
        return Err("cannot contain a fragment.");
    }
    if origin(uri).is_none() {
        return Err("must be an absolute URI.");
    }
    let parsed: Uri = uri.parse().map_err(|_| "must be a valid URI.")?;
    let is_local = matches!(parsed.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if parsed.scheme_str() == Some("http") && !is_local {
        return Err("must be an HTTPS/SSL URI.");
    }
    Ok(())
}

/// The origin of an http address: its scheme, host and port. `None` for anything else, and for a
/// host with characters that a header could be broken with.
pub(super) fn origin(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let scheme = uri
        .scheme_str()
        .filter(|it| matches!(*it, "http" | "https"))?;
    let authority = uri.authority()?.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (!authority.is_empty() && authority.bytes().all(is_plain))
        .then(|| format!("{scheme}://{authority}"))
}

fn read(server: &Server, visit: &Visit<'_>) -> Result<Wanted, String> {
    let request = visit.request;
    if !request.query.is_empty() {
        return Err("there is a query; the parameters belong in the body".to_owned());
    }
    let content_type = request.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|text| text.to_str().ok());
    if content_type.is_some_and(|text| essence(text) == "application/json") {
        return read_json(server, &request.body.bytes);
    }
    let pairs = match Payload::of(request) {
        Payload::Form(pairs) => pairs?,
        Payload::Other(reason) => return Err(reason),
        other => return Err(format!("the body is {} rather than a form", other.kind())),
    };
    let mut wanted = Wanted::default();
    for (name, value) in pairs {
        let place = match name.as_str() {
            "client_name" => &mut wanted.name,
            "scopes" => &mut wanted.scopes,
            "website" => &mut wanted.website,
            "redirect_uris" if wanted.redirect_uris.is_empty() => {
                wanted.redirect_uris = lines(server, &value);
                continue;
            }
            "redirect_uris[]" if server.kind.takes_arrays() => {
                wanted.redirect_uris.push(value);
                continue;
            }
            other => return Err(format!("{} does not belong here", quoted(other))),
        };
        if place.replace(value).is_some() {
            return Err(format!("{name} is given twice"));
        }
    }
    Ok(wanted)
}

fn read_json(server: &Server, body: &[u8]) -> Result<Wanted, String> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| format!("the JSON is broken: {error}"))?;
    let members = body.as_object().ok_or("the JSON is not an object")?;
    let mut wanted = Wanted::default();
    for (name, value) in members {
        let takes_arrays = server.kind.takes_arrays();
        let place = match (name.as_str(), value) {
            (name, value) if is_left_out(name, value, takes_arrays) => continue,
            ("client_name", Value::String(_)) => &mut wanted.name,
            ("scopes", Value::String(_)) => &mut wanted.scopes,
            ("website", Value::String(_)) => &mut wanted.website,
            ("redirect_uris", Value::String(text)) => {
                wanted.redirect_uris = lines(server, text);
                continue;
            }
            ("redirect_uris", Value::Array(uris)) => {
                let uris = uris.iter().map(|uri| uri.as_str().map(str::to_owned));
                let uris: Option<Vec<String>> = uris.collect();
                wanted.redirect_uris = uris.ok_or("redirect_uris has more than texts")?;
                continue;
            }
            (other, _) => {
                let other = quoted(other);
                return Err(format!(
                    "{other} does not belong here, or not in this shape"
                ));
            }
        };
        *place = value.as_str().map(str::to_owned);
    }
    Ok(wanted)
}

/// Whether a server takes a member as left out: one that is null, and an array where it expects a
/// text.
fn is_left_out(name: &str, value: &Value, takes_arrays: bool) -> bool {
    value.is_null() || (name == "redirect_uris" && value.is_array() && !takes_arrays)
}

/// The redirect URIs in a text, one a line.
fn lines(server: &Server, text: &str) -> Vec<String> {
    if !server.kind.takes_lines() {
        return vec![text.to_owned()];
    }
    let lines = text.split('\n').map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// The app as its developer sees it.
fn answer(server: &Server, app: &App) -> Value {
    let mut answer = json!({
        "id": "1",
        "name": app.name,
        "website": app.website,
        "redirect_uri": app.redirect_uris.join("\n"),
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "vapid_key": null,
    });
    if server.kind == Kind::Mastodon43
        && let Some(members) = answer.as_object_mut()
    {
        members.insert("scopes".to_owned(), json!(app.scopes));
        members.insert("redirect_uris".to_owned(), json!(app.redirect_uris));
        members.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    answer
}
