//! Judging a request: the requirements of its endpoint, in the order in which a server checks them.

use serde_json::json;

use super::account::Profile;
use super::software::{Handling, Software};
use super::{
    AVATAR, AVATAR_BLANK, AVATAR_OF_WRONG_TYPE, AVATAR_SPOOFED, AVATAR_TOO_LARGE, LARGEST_AVATAR,
    MEDIA_TYPES, NO_METHOD, NOT_FOUND, UPDATE, VERIFY, VERIFY_APP,
};
use crate::payload::{Part, Payload};
use crate::picture::{Facts, Picture};
use crate::reply::{Rejection, Reply};
use crate::request::Request;
use crate::simulator::Accepted;
use crate::text::{grouped, quoted};

/// A picture that was sent, and whether Mastodon would take it.
#[derive(Clone)]
pub(crate) struct Avatar {
    pub(crate) picture: Picture,
    /// Why Mastodon would not take it.
    problem: Option<Rejection>,
}

/// The avatar in the body.
///
/// # Errors
///
/// Why there is none.
pub(crate) fn avatar_in(payload: &Payload) -> Result<Avatar, Rejection> {
    let parts = match payload {
        Payload::Multipart(Ok(parts)) => parts,
        Payload::Multipart(Err(reason)) | Payload::Other(reason) => {
            return Err(AVATAR_BLANK.because(reason));
        }
        Payload::Oversized => {
            return Err(AVATAR_TOO_LARGE.because("the body is too large to read"));
        }
        Payload::Nothing => return Err(AVATAR_BLANK.because("there is no body")),
        Payload::Form(_) => {
            return Err(AVATAR_BLANK.because("the body is a form rather than a multipart form"));
        }
    };
    let mut avatars = parts.iter().filter(|part| part.name == "avatar");
    match (avatars.next(), avatars.next()) {
        (Some(part), None) => {
            let picture = Picture::inspect(part.bytes.clone());
            let problem = check(part, &picture).err();
            Ok(Avatar { picture, problem })
        }
        (None, _) => Err(AVATAR_BLANK.because("no part is named avatar")),
        (Some(_), Some(_)) => Err(AVATAR_BLANK.because("several parts are named avatar")),
    }
}

fn check(part: &Part, picture: &Picture) -> Result<(), Rejection> {
    if part.filename.as_deref().is_none_or(str::is_empty) {
        return Err(AVATAR_BLANK.because("the part avatar has no filename, so it is not a file"));
    }
    let declared = part.content_type.as_deref().unwrap_or("text/plain");
    if !MEDIA_TYPES.contains(&declared) {
        return Err(AVATAR_OF_WRONG_TYPE.because(format!(
            "the Content-Type of the part avatar is {}",
            quoted(declared)
        )));
    }
    if picture.facts.bytes > LARGEST_AVATAR {
        return Err(AVATAR_TOO_LARGE.because(format!(
            "the avatar has {} bytes, more than {}",
            grouped(picture.facts.bytes),
            grouped(LARGEST_AVATAR)
        )));
    }
    let is = picture.facts.media_type.unwrap_or("no picture");
    if is != declared {
        return Err(AVATAR_SPOOFED.because(format!(
            "the avatar is declared as {} but is {is}",
            quoted(declared)
        )));
    }
    picture
        .check_square()
        .map_err(|reason| AVATAR_SPOOFED.because(reason))
}

/// A request that is being judged.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) endpoint: Option<&'static str>,
    pub(crate) payload: &'a Payload,
    /// Whether the token is good, or how it is refused.
    pub(crate) token: Result<(), Rejection>,
}

/// What a token is good for.
pub(crate) struct Access<'a> {
    pub(crate) software: Software,
    /// The scopes of the token, separated by spaces.
    pub(crate) scopes: &'a str,
    /// The name of the app that the token was issued to.
    pub(crate) app: &'a str,
    /// The account.
    pub(crate) profile: Profile,
    /// Where the account's pictures are, without a slash at its end.
    pub(crate) folder: String,
    /// The address of the picture that an account without one shows.
    pub(crate) missing: String,
}

impl Access<'_> {
    /// Whether the token has one of these scopes.
    fn allows(&self, any_of: &[&str]) -> bool {
        self.scopes
            .split_whitespace()
            .any(|scope| any_of.contains(&scope))
    }

    /// The account with another picture.
    fn showing(&self, avatar: String) -> Reply {
        let profile = Profile {
            avatar,
            ..self.profile.clone()
        };
        Reply::json(200, &profile.json())
    }
}

impl Call<'_> {
    /// Judges the request: carries it out, or refuses it as the server would. `number` is that of
    /// the request.
    pub(crate) fn judge(
        self,
        access: &Access<'_>,
        avatar: Result<Avatar, Rejection>,
        number: u64,
    ) -> Result<Accepted, Rejection> {
        let Some(endpoint) = self.endpoint else {
            let Request { method, path, .. } = self.request;
            let asked = quoted(&format!("{method} {path}"));
            return Err(NOT_FOUND.because(format!(
                "there is only PATCH /api/v1/{UPDATE} and GET /api/v1/{VERIFY}, not {asked}"
            )));
        };
        self.token?;
        let software = access.software;
        let handling = software.handling(&self.request.method);
        if endpoint == UPDATE && handling == Some(Handling::NoMethod) {
            return Err(NO_METHOD.because("this server does not accept POST"));
        }
        if endpoint == VERIFY_APP {
            let scopes = access.scopes.split_whitespace();
            let scopes: Vec<_> = scopes.collect();
            let body = json!({ "name": access.app, "website": null, "scopes": scopes });
            return Ok(Accepted::new(
                Reply::json(200, &body),
                "showed the scopes of the token",
            ));
        }
        let needs_write = endpoint != VERIFY;
        let scopes = software.scopes(needs_write);
        if !access.allows(scopes) {
            let refusal = software.missing_scope(&self.request.headers, needs_write);
            return Err(refusal.because(format!(
                "the token has the scopes {}, none of {}",
                quoted(access.scopes),
                scopes.join(", ")
            )));
        }
        if !self.request.query.is_empty() {
            return Err(AVATAR_BLANK.because("this endpoint takes no parameters in the query"));
        }
        let username = &access.profile.username;
        if endpoint == VERIFY {
            let reply = Reply::json(200, &access.profile.json());
            return Ok(Accepted::new(
                reply,
                format!("showed the account @{username}"),
            ));
        }
        if endpoint == AVATAR {
            return Ok(Accepted {
                removes_icon: true,
                ..Accepted::new(
                    access.showing(access.missing.clone()),
                    "removed the picture",
                )
            });
        }
        if handling == Some(Handling::Ignored) {
            let reply = Reply::json(200, &access.profile.json());
            let summary = "changed nothing: PHP does not read the multipart body of a PATCH";
            return Ok(Accepted::new(reply, summary));
        }
        let avatar = avatar?;
        if let Some(name) = self.payload.names().iter().find(|name| **name != "avatar") {
            let name = quoted(name);
            return Err(
                AVATAR_BLANK.because(format!("the part {name} would change more than the avatar"))
            );
        }
        if let Some(problem) = avatar.problem {
            return Err(problem);
        }
        let facts = &avatar.picture.facts;
        let name = avatar_name(software, number, facts);
        let reply = access.showing(format!("{}/{name}", access.folder));
        let summary = format!("frame {}", facts.summary());
        Ok(Accepted {
            icon: Some(avatar.picture),
            ..Accepted::new(reply, summary)
        })
    }
}

/// The file name of a picture: from the number of the request that set it, or from its content.
pub(crate) fn avatar_name(software: Software, number: u64, facts: &Facts) -> String {
    let ending = facts.media_type.and_then(|it| it.strip_prefix("image/"));
    let ending = ending.unwrap_or("jpeg");
    if software.names_by_content() {
        format!("{}.{ending}", facts.sha256)
    } else {
        format!("{number:016x}.{ending}")
    }
}
