//! The routes: which requests are answered, who may make them, and by what they are answered.
//!
//! [`ROUTES`] is the one table. Requests are looked up in it and checked against it, and the answers
//! to requests that are not in it (404, 405) are derived from it.

use std::borrow::Borrow;

use http::header::ALLOW;
use http::{HeaderValue, Request, StatusCode};

use crate::account::settings::Settings;
use crate::web::access::authorize;
use crate::web::icon;
use crate::web::problem::Problem;
use crate::web::request::{self, Parameters};

/// One kind of request.
struct Route {
    /// The methods that it takes.
    methods: &'static [&'static str],
    /// The path. A part in braces stands for any text that `handler` understands.
    path: &'static str,
    /// What goes in the place of the braces, in words.
    braces: &'static str,
    access: Access,
    /// The parameters that the query may have.
    query: &'static [&'static str],
    body: Body,
    /// What answers the request, given the text in the place of the braces.
    handler: for<'a> fn(&'a str) -> Option<Handler<'a>>,
}

/// Who may make a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Anybody.
    Public,
    /// Whoever has the trigger token.
    Owner,
}

/// What may follow a request's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Anything; it is not read.
    Ignored,
    /// Nothing. A body would be a mistake, which should neither go unnoticed nor cost memory.
    Refused,
    /// A picture.
    Read,
    /// A form.
    Form,
}

/// What answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handler<'a> {
    /// What needs no account.
    Anywhere(Anywhere),
    /// What needs the account's ledger.
    Account(OfAccount<'a>),
    /// What people do with their browsers.
    Browser(Browser<'a>),
}

/// What needs no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anywhere {
    /// Takes a new icon.
    TakeIcon,
    /// Gives a frame of the current set.
    ShowFrame(u16),
}

/// What people do with their browsers, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Browser<'a> {
    /// Gives the front page.
    Front,
    /// Gives the page to sign in.
    SignInPage,
    /// Begins a sign-in with the network of this name.
    SignIn(&'a str),
    /// Finishes a sign-in.
    Callback {
        /// The network's name.
        network: &'a str,
        /// The server's host, and its port where it has one of its own; `None` where all servers of
        /// the network send browsers to one address.
        server: Option<&'a str>,
    },
    /// Signs the owner in.
    OwnersSession,
    /// Says what is kept of people.
    Privacy,
    /// Gives the account's page.
    Account,
    /// Gives everything that is kept of the account.
    Export,
    /// Asks whether to delete the account.
    DeletePage,
    /// Takes a new icon for the account.
    Icon,
    /// Gives a frame of the account.
    Frame(u16),
    /// Signs the browser out.
    SignOut,
    /// Does what a form of the account's page asks for.
    Act(Action),
    /// Encrypts with the newest key.
    RotateKeys,
    /// Lists the keys that this service signs with as an application.
    ClientKeys,
    /// Adds one.
    AddClientKey,
    /// Deletes the one of this id.
    DeleteClientKey(&'a str),
    /// Tells servers of the network of this name what this service is as an application. A further
    /// name may follow after a slash.
    ClientMetadata(&'a str),
    /// Tells servers the public halves of the keys.
    Jwks,
}

/// What a form of the account's page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Start turning.
    Start,
    /// Stop turning for a while.
    Pause,
    /// Turn again.
    Resume,
    /// Turn now.
    Turn,
    /// Put the old picture back.
    PutBack,
    /// Change the settings.
    Set,
    /// Forget a connection.
    Disconnect,
    /// Delete everything.
    Delete,
}

impl Action {
    /// The action of a name, as the forms have it in their paths.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "start" => Self::Start,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "turn" => Self::Turn,
            "put-back" => Self::PutBack,
            "settings" => Self::Set,
            "disconnect" => Self::Disconnect,
            "delete" => Self::Delete,
            _ => return None,
        })
    }
}

/// What needs the account's state or journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfAccount<'a> {
    /// Gives the page.
    ShowPage,
    /// Makes a turn now.
    Turn,
    /// Gives entries of the journal.
    ShowJournal,
    /// Forgets the journal and the account's state.
    ForgetJournal,
    /// Says whether the account could turn now, and whether it does.
    ShowHealth,
    /// Removes the frames that turns have kept on the network of this name.
    RemoveFrames(&'a str),
}

static ROUTES: [Route; 27] = [
    Route {
        methods: &["GET", "HEAD"],
        path: "/",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::Front)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/owner",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Account(OfAccount::ShowPage)),
    },
    Route {
        methods: &["POST"],
        path: "/turn",
        braces: "",
        access: Access::Owner,
        query: &["frame", "dry_run", "force"],
        body: Body::Refused,
        handler: |_| Some(Handler::Account(OfAccount::Turn)),
    },
    Route {
        methods: &["PUT"],
        path: "/icon",
        braces: "",
        access: Access::Owner,
        query: &icon::CHOICES,
        body: Body::Read,
        handler: |_| Some(Handler::Anywhere(Anywhere::TakeIcon)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/frames/{n}",
        braces: "a frame's number alone: /frames/0, /frames/1 and so on",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |n| {
            Some(Handler::Anywhere(Anywhere::ShowFrame(
                request::frame_number(n)?,
            )))
        },
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/journal",
        braces: "",
        access: Access::Owner,
        query: &["before", "limit"],
        body: Body::Ignored,
        handler: |_| Some(Handler::Account(OfAccount::ShowJournal)),
    },
    Route {
        methods: &["DELETE"],
        path: "/journal",
        braces: "",
        access: Access::Owner,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Account(OfAccount::ForgetJournal)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/health",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Account(OfAccount::ShowHealth)),
    },
    Route {
        methods: &["DELETE"],
        path: "/networks/{network}/frames",
        braces: "the name of a network, as in GET /health,",
        access: Access::Owner,
        query: &[],
        body: Body::Refused,
        handler: |network| Some(Handler::Account(OfAccount::RemoveFrames(network))),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/privacy",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::Privacy)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/sign-in",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::SignInPage)),
    },
    Route {
        methods: &["POST"],
        path: "/sign-in/{network}",
        braces: "the name of a network",
        access: Access::Public,
        query: &[],
        body: Body::Form,
        handler: |network| Some(Handler::Browser(Browser::SignIn(network))),
    },
    Route {
        methods: &["GET"],
        path: "/callback/{network}",
        braces: "the name of a network, and perhaps the host of its server",
        access: Access::Public,
        query: &[request::ANY],
        body: Body::Ignored,
        handler: |place| {
            let (network, server) = match place.split_once('/') {
                Some((network, server)) => (network, Some(server)),
                None => (place, None),
            };
            Some(Handler::Browser(Browser::Callback { network, server }))
        },
    },
    Route {
        methods: &["POST"],
        path: "/session",
        braces: "",
        access: Access::Owner,
        query: &[],
        body: Body::Refused,
        handler: |_| Some(Handler::Browser(Browser::OwnersSession)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/account",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::Account)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/account/export",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::Export)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/account/delete",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::DeletePage)),
    },
    Route {
        methods: &["PUT"],
        path: "/account/icon",
        braces: "",
        access: Access::Public,
        query: &icon::CHOICES,
        body: Body::Read,
        handler: |_| Some(Handler::Browser(Browser::Icon)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/account/frames/{n}",
        braces: "a frame's number alone: /account/frames/0 and so on",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |n| Some(Handler::Browser(Browser::Frame(request::frame_number(n)?))),
    },
    Route {
        methods: &["POST"],
        path: "/account/sign-out",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Form,
        handler: |_| Some(Handler::Browser(Browser::SignOut)),
    },
    Route {
        methods: &["POST"],
        path: "/account/{action}",
        braces: "start, pause, resume, turn, put-back, settings, disconnect or delete",
        access: Access::Public,
        query: &[],
        body: Body::Form,
        handler: |action| Some(Handler::Browser(Browser::Act(Action::named(action)?))),
    },
    Route {
        methods: &["POST"],
        path: "/keys/rotation",
        braces: "",
        access: Access::Owner,
        query: &["next"],
        body: Body::Refused,
        handler: |_| Some(Handler::Browser(Browser::RotateKeys)),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/keys/client",
        braces: "",
        access: Access::Owner,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::ClientKeys)),
    },
    Route {
        methods: &["POST"],
        path: "/keys/client",
        braces: "",
        access: Access::Owner,
        query: &[],
        body: Body::Refused,
        handler: |_| Some(Handler::Browser(Browser::AddClientKey)),
    },
    Route {
        methods: &["DELETE"],
        path: "/keys/client/{id}",
        braces: "the id of a key, as in GET /keys/client,",
        access: Access::Owner,
        query: &[],
        body: Body::Refused,
        handler: |id| Some(Handler::Browser(Browser::DeleteClientKey(id))),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/oauth/{network}/client-metadata.json",
        braces: "the name of a network",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |name| Some(Handler::Browser(Browser::ClientMetadata(name))),
    },
    Route {
        methods: &["GET", "HEAD"],
        path: "/oauth/jwks.json",
        braces: "",
        access: Access::Public,
        query: &[],
        body: Body::Ignored,
        handler: |_| Some(Handler::Browser(Browser::Jwks)),
    },
];

/// A request that may be answered.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    /// What answers it.
    pub(super) handler: Handler<'a>,
    /// The parameters of its query.
    pub(super) query: Parameters,
}

/// Finds what answers a request, and checks everything that needs neither the account nor the body.
/// `settings` is called only if the route asks for the token. `advice` says what the owner can do
/// about settings.
///
/// # Errors
/// When no route takes the request, its sender may not make it, or its body or query is wrong. They
/// are checked in this order, so that strangers learn nothing about what the owner may send.
pub(super) fn admit<'a, S: Borrow<Settings>>(
    request: &'a Request<()>,
    settings: impl FnOnce() -> S,
    advice: &str,
) -> Result<Admitted<'a>, Problem> {
    let path = request.uri().path();
    let mut of_path = Vec::new();
    for route in &ROUTES {
        if let Some(handler) = route.handler_of(path) {
            of_path.push((route, handler));
        }
    }
    let taken = |(route, _): &&(&Route, Handler<'_>)| {
        let mut methods = route.methods.iter();
        methods.any(|method| *method == request.method())
    };
    let Some((route, handler)) = of_path.iter().find(taken) else {
        return Err(match of_path.as_slice() {
            [] => not_found(path),
            routes => other_method(path, routes.iter().map(|(route, _)| *route)),
        });
    };
    if route.access == Access::Owner {
        authorize(request, settings().borrow(), advice)?;
    }
    if route.body == Body::Refused {
        request::refuse_body(request)?;
    }
    Ok(Admitted {
        handler: *handler,
        query: request::query(request, route.query)?,
    })
}

impl Route {
    /// Returns what answers a path, if the path is this route's.
    fn handler_of<'a>(&self, path: &'a str) -> Option<Handler<'a>> {
        match self.around_braces() {
            Some((before, after)) => {
                (self.handler)(path.strip_prefix(before)?.strip_suffix(after)?)
            }
            None if path == self.path => (self.handler)(""),
            None => None,
        }
    }

    /// Returns what is before and after the part in braces, if there is one.
    fn around_braces(&self) -> Option<(&'static str, &'static str)> {
        let (before, rest) = self.path.split_once('{')?;
        let (_, after) = rest.split_once('}')?;
        Some((before, after))
    }

    /// Whether it is of the service: its pages, servers or its operator lead there.
    fn is_of_service(&self) -> bool {
        const PAGES: [&str; 8] = [
            "/account",
            "/callback",
            "/keys",
            "/oauth",
            "/owner",
            "/privacy",
            "/session",
            "/sign-in",
        ];

        PAGES.iter().any(|page| self.path.starts_with(page))
    }

    /// Names the route, as in `POST /turn`.
    fn in_words(&self) -> String {
        let method = self.methods.first().copied().unwrap_or_default();
        format!("{method} {}", self.path)
    }
}

/// The answer to a path that no route has. If it begins like a route with braces, names that route.
pub(super) fn not_found(path: &str) -> Problem {
    let is_near = |route: &&Route| {
        let around = route.around_braces();
        around.is_some_and(|(before, _)| path.starts_with(before))
    };
    let detail = if let Some(route) = ROUTES.iter().find(is_near) {
        format!("{} takes {}.", route.in_words(), route.braces)
    } else {
        let of_programs = ROUTES.iter().filter(|route| !route.is_of_service());
        let routes: Vec<_> = of_programs.map(Route::in_words).collect();
        format!("There are {}.", listed(&routes))
    };
    Problem::new(StatusCode::NOT_FOUND, detail)
}

/// The answer to a path whose routes take other methods.
fn other_method<'a>(path: &str, routes: impl Iterator<Item = &'a Route>) -> Problem {
    let methods: Vec<_> = routes.flat_map(|route| route.methods).copied().collect();
    let methods = methods.join(", ");
    let detail = format!("{path} answers to {methods} only.");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
    match HeaderValue::from_str(&methods) {
        Ok(allowed) => problem.with_header(ALLOW, allowed),
        Err(_) => problem,
    }
}

/// Lists texts in a sentence: `a, b and c`.
fn listed(texts: &[String]) -> String {
    match texts {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => texts.concat(),
    }
}
