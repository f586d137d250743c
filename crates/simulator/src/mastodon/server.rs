//! A server that people sign in to.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Value, json};

use super::Kind;
use super::account::Profile;
use super::oauth::OAuth;
use super::people::{self, NAMED, People};
use crate::picture::Picture;
use crate::random::Random;
use crate::rate_limit::Window;
use crate::reply::{Rejection, Reply};
use crate::simulator::Accepted;

/// The name of the server at the listener's own address.
pub(crate) const OWN: &str = "own";

/// A server that is told apart by the `Host` header, its kind, and the domain of its handles.
///
/// Written as `HOST=KIND[,handles=DOMAIN]`, as on the command line:
///
/// ```
/// use simulator::NamedMastodon;
///
/// let server: NamedMastodon = "web.example=mastodon-4.3,handles=example.org".parse().unwrap();
/// assert_eq!(server.hosts().collect::<Vec<_>>(), ["web.example", "example.org"]);
/// assert!("web.example=mastodon".parse::<NamedMastodon>().is_err());
/// ```
#[derive(Clone, Debug)]
pub struct NamedServer {
    host: String,
    kind: Kind,
    handles: Option<String>,
}

impl NamedServer {
    /// The names of the server, as in the `Host` header, without a port.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let handles = self.handles.as_deref();
        std::iter::once(self.host.as_str()).chain(handles)
    }
}

impl FromStr for NamedServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, rest) = text
            .split_once('=')
            .ok_or("expected HOST=KIND, such as social.example=mastodon-4.3")?;
        let (kind, handles) = match rest.split_once(',') {
            None => (rest, None),
            Some((kind, rest)) => {
                let domain = rest
                    .strip_prefix("handles=")
                    .ok_or("after the kind there may only be handles=DOMAIN")?;
                (kind, Some(domain_name(domain)?))
            }
        };
        Ok(Self {
            host: domain_name(host)?,
            kind: kind.parse()?,
            handles,
        })
    }
}

/// A domain name in lower case.
fn domain_name(name: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = name.len() <= 253 && name.contains('.') && name.split('.').all(is_label);
    is_name
        .then(|| name.to_ascii_lowercase())
        .ok_or_else(|| "a host is a domain name without a port, such as social.example".to_owned())
}

/// What a request changes, unless a fault prevents it.
type Effect = Box<dyn FnOnce(&mut Server)>;

/// An accepted request, and what it changes.
pub(crate) struct Done {
    pub(crate) accepted: Accepted,
    pub(crate) effect: Effect,
    /// The person for whom the request acts.
    pub(crate) account: Option<String>,
}

impl Done {
    /// A request that changes nothing.
    pub(crate) fn plain(reply: Reply, summary: impl Into<String>) -> Self {
        Self::with(reply, summary, |_| {})
    }

    /// A request with an effect.
    pub(crate) fn with(
        reply: Reply,
        summary: impl Into<String>,
        effect: impl FnOnce(&mut Server) + 'static,
    ) -> Self {
        Self {
            accepted: Accepted::new(reply, summary),
            effect: Box::new(effect),
            account: None,
        }
    }

    /// The same for a person.
    pub(crate) fn by(self, username: &str) -> Self {
        Self {
            account: Some(username.to_owned()),
            ..self
        }
    }
}

/// How a request was judged.
pub(crate) type Judgment = Result<Done, Rejection>;

/// Whom a server that lies shows instead of the person who signed in.
#[derive(Clone)]
pub(crate) enum Pose {
    /// Another person on the server.
    Person(String),
    /// A person on another server: their name and the server's.
    Elsewhere(String, String),
    /// Somebody new with every request.
    SomeoneNew,
}

/// The pose that is written `someone-new`.
const SOMEONE_NEW: &str = "someone-new";

impl FromStr for Pose {
    type Err = String;

    /// Reads `grace`, `grace@other.example` or `someone-new`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == SOMEONE_NEW {
            return Ok(Self::SomeoneNew);
        }
        let (name, host) = match text.split_once('@') {
            None => (text, None),
            Some((name, host)) => (name, Some(domain_name(host)?)),
        };
        check_person(name)?;
        Ok(match host {
            None => Self::Person(name.to_owned()),
            Some(host) => Self::Elsewhere(name.to_owned(), host),
        })
    }
}

impl Pose {
    fn text(&self) -> String {
        match self {
            Self::Person(name) => name.clone(),
            Self::Elsewhere(name, host) => format!("{name}@{host}"),
            Self::SomeoneNew => SOMEONE_NEW.to_owned(),
        }
    }
}

/// Checks that there is a person with this name.
///
/// # Errors
///
/// If there is not.
pub(crate) fn check_person(name: &str) -> Result<(), String> {
    let known = people::number_of(name).is_some();
    known
        .then_some(())
        .ok_or_else(|| "there is nobody of that name; known are ada, grace, hedy, person-N".into())
}

/// A server: its people, and what they allowed which apps.
pub(crate) struct Server {
    /// The name in the `Host` header; `None` for the listener's own address.
    pub(crate) host: Option<String>,
    /// The domain of its handles, if it is another one.
    pub(crate) handles: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) people: People,
    pub(crate) oauth: OAuth,
    /// Registrations of apps.
    pub(crate) registrations: Window,
    /// Requests to the API without a good token.
    pub(crate) unknown: Window,
    pub(crate) pose: Option<Pose>,
    /// How many new people it has made up.
    posed: u32,
    /// Where it redirects requests to an endpoint.
    pub(crate) redirects: BTreeMap<&'static str, String>,
}

impl Server {
    /// The server at the listener's own address.
    pub(crate) fn own(random: Random) -> Self {
        Self::new(None, None, Kind::Mastodon43, random)
    }

    /// A server that is told apart by its name.
    pub(crate) fn named(server: NamedServer, random: Random) -> Self {
        let NamedServer {
            host,
            kind,
            handles,
        } = server;
        Self::new(Some(host), handles, kind, random)
    }

    fn new(host: Option<String>, handles: Option<String>, kind: Kind, random: Random) -> Self {
        Self {
            people: People::on(host.as_deref().unwrap_or(OWN)),
            host,
            handles,
            kind,
            oauth: OAuth::new(random),
            registrations: registrations(),
            unknown: Window::aligned(300, 300),
            pose: None,
            posed: 0,
            redirects: BTreeMap::new(),
        }
    }

    /// The name in the control routes and in the record.
    pub(crate) fn name(&self) -> &str {
        self.host.as_deref().unwrap_or(OWN)
    }

    /// The public address, if the host of the request is this; no slash at its end.
    pub(crate) fn base(&self, host: &str) -> String {
        match &self.host {
            Some(host) => format!("https://{host}"),
            None => format!("http://{host}"),
        }
    }

    /// Lets registrations and requests without a token begin anew.
    pub(crate) fn reset_limits(&mut self) {
        self.registrations = registrations();
        self.unknown = Window::aligned(300, 300);
    }

    /// Where the pictures of the person with this number are.
    pub(crate) fn folder(base: &str, number: u32) -> String {
        format!("{base}/system/accounts/avatars/000/000/{number:03}/original")
    }

    /// The address of the picture of a person who has none.
    pub(crate) fn missing(&self, base: &str) -> String {
        let path = self.kind.missing_avatar();
        path.map(|path| format!("{base}{path}")).unwrap_or_default()
    }

    /// A person as they are.
    pub(crate) fn profile(&self, base: &str, username: &str) -> Profile {
        let number = people::number_of(username).unwrap_or_default();
        let file = self.people.file_name(self.kind, username);
        let avatar = match file {
            Some(file) => format!("{}/{file}", Self::folder(base, number)),
            None => self.missing(base),
        };
        let at = if self.kind == Kind::Pixelfed { "" } else { "@" };
        Profile {
            base: base.to_owned(),
            id: people::id(self.kind, number),
            username: username.to_owned(),
            acct: username.to_owned(),
            display_name: people::display_name(username),
            url: format!("{base}/{at}{username}"),
            uri: format!("{base}/users/{username}"),
            avatar,
        }
    }

    /// A person's current picture; `None` if there is no such person or picture.
    pub(crate) fn picture_of(&self, username: &str) -> Option<Picture> {
        people::number_of(username)?;
        self.people.picture(username)
    }

    /// A person as the server shows them, which may be a lie.
    pub(crate) fn shown(&mut self, base: &str, username: &str) -> Profile {
        match self.pose.clone() {
            None => self.profile(base, username),
            Some(Pose::Person(other)) => self.profile(base, &other),
            Some(Pose::SomeoneNew) => {
                self.posed += 1;
                self.profile(base, &format!("person-{}", 9_000_000 + self.posed))
            }
            Some(Pose::Elsewhere(name, host)) => Profile {
                acct: format!("{name}@{host}"),
                url: format!("https://{host}/@{name}"),
                uri: format!("https://{host}/users/{name}"),
                ..self.profile(base, &name)
            },
        }
    }

    /// The people worth showing: those that the sign-in page offers, who have a token, or who
    /// changed their picture.
    pub(crate) fn known_people(&self) -> Vec<String> {
        let mut names: Vec<String> = NAMED.map(str::to_owned).into();
        let tokens = self.oauth.tokens_of(None);
        let others = tokens.map(|token| token.username.as_str());
        for name in others.chain(self.people.changed()) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// The server as the control routes show it, without secrets.
    pub(crate) fn describe(&self, now: i64) -> Value {
        let people = self.known_people().into_iter().map(|name| {
            let number = people::number_of(&name).unwrap_or_default();
            let good = self.oauth.tokens_of(Some(&name));
            let good = good.filter(|token| token.state(now) == super::oauth::State::Good);
            json!({
                "account": name,
                "id": people::id(self.kind, number),
                "display_name": people::display_name(&name),
                "picture": self.people.picture(&name).map(|picture| picture.facts),
                "is_changed": self.people.changed().any(|changed| changed == name),
                "tokens": good.count(),
            })
        });
        json!({
            "server": self.name(),
            "handles": self.handles,
            "kind": self.kind,
            "apps": self.oauth.app_count(),
            "poses_as": self.pose.as_ref().map(Pose::text),
            "redirects": self.redirects,
            "people": people.collect::<Vec<_>>(),
        })
    }
}

/// Mastodon's limit: five in ten minutes.
fn registrations() -> Window {
    Window::aligned(5, 600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_its_kind_and_the_domain_of_its_handles() {
        let server: NamedServer = "Social.Example=pixelfed".parse().unwrap();
        assert_eq!(server.hosts().collect::<Vec<_>>(), ["social.example"]);
        assert_eq!(server.kind, Kind::Pixelfed);
        for wrong in [
            "",
            "social.example",
            "localhost=pixelfed",
            "social.example:443=pixelfed",
            "a..b=pixelfed",
            "social.example=mastodon",
            "social.example=pixelfed,domain=a.b",
            "social.example=pixelfed,handles=",
        ] {
            assert!(wrong.parse::<NamedServer>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn poses_are_read_and_written() {
        for text in ["grace", "person-7", "grace@other.example", "someone-new"] {
            assert_eq!(text.parse::<Pose>().unwrap().text(), text);
        }
        for wrong in ["", "nobody", "grace@", "nobody@other.example"] {
            assert!(wrong.parse::<Pose>().is_err(), "{wrong}");
        }
    }
}
