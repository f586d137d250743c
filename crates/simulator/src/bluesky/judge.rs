//! Judging a request: the requirements of its endpoint, in the order in which a server checks them.

use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::limits::Limits;
use super::repository::Blob;
use super::session::{Kind, Tokens, is_token};
use super::{
    ACCOUNT_DEACTIVATED, ACCOUNT_NOT_FOUND, ACCOUNT_TAKEDOWN, AUTHENTICATION_REQUIRED, Account,
    AccountState, COLLECTION, CREATE_SESSION, DELETE_RECORD, DELETE_SESSION, ENDPOINTS, FRAMES,
    GET_RECORD, GET_SESSION, INTERNAL_SERVER_ERROR, INVALID_LOGIN, INVALID_REQUEST,
    METHOD_NOT_IMPLEMENTED, PAYLOAD_TOO_LARGE, PAYLOAD_TOO_LARGE_ERROR, PUT_RECORD,
    RATE_LIMIT_EXCEEDED, RECORD_NOT_FOUND, REFRESH_SESSION, RKEY, SYNTAX_ERROR, UPLOAD_BLOB,
};
use crate::form;
use crate::payload::essence;
use crate::rate_limit::Left;
use crate::reply::{Refusal, Rejection, Reply};
use crate::request::Request;
use crate::simulator::Accepted;
use crate::text::quoted;

/// The most bytes of a JSON body.
const LARGEST_JSON: usize = 150 * 1024;
/// The most bytes of a JSON body with a record.
const LARGEST_RECORD: usize = 1_000_000;
/// The most bytes of a blob.
const LARGEST_BLOB: usize = 5 * 1024 * 1024;

/// The declared media type, without its parameters.
///
/// # Errors
///
/// Unless exactly one is declared.
pub(crate) fn content_type(request: &Request) -> Result<String, Rejection> {
    let mut all = request.headers.get_all(CONTENT_TYPE).iter();
    let missing =
        || INVALID_REQUEST.saying("Request encoding (Content-Type) required but not provided");
    let one = all.next().ok_or_else(missing)?;
    if all.next().is_some() {
        return Err(INVALID_REQUEST.because("there are two Content-Type headers"));
    }
    let essence = one.to_str().map(essence).unwrap_or_default();
    if essence.is_empty() {
        return Err(missing());
    }
    Ok(essence)
}

fn check_body(request: &Request, largest: usize, too_large: Refusal) -> Result<(), Rejection> {
    let body = &request.body;
    if body.broke_off {
        return Err(INVALID_REQUEST.because("the body broke off before its end"));
    }
    if body.length > largest {
        return Err(too_large.because(format!(
            "the body has {} bytes, more than {largest}",
            body.length
        )));
    }
    Ok(())
}

/// The uploaded bytes.
///
/// # Errors
///
/// If the request is not an upload, or too large.
pub(crate) fn blob_in(request: &Request) -> Result<Blob, Rejection> {
    let declared = content_type(request)?;
    check_body(request, LARGEST_BLOB, PAYLOAD_TOO_LARGE)?;
    if request.body.length == 0 {
        return Err(INVALID_REQUEST.saying("A request body is expected but none was provided"));
    }
    if declared.split('/').count() != 2 {
        return Err(INVALID_REQUEST.because(format!("{} is not a media type", quoted(&declared))));
    }
    Ok(Blob::of(request.body.bytes.clone(), &declared))
}

/// A request that is being judged.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) endpoint: Option<&'static str>,
    pub(crate) now: DateTime<Utc>,
}

impl Call<'_> {
    /// Judges the request: carries it out on the account, or refuses it as a server would. `left`
    /// is set to the tightest limit that applies.
    pub(crate) fn judge(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
        blob: Option<Result<Blob, Rejection>>,
    ) -> Result<Accepted, Rejection> {
        let Some(endpoint) = self.endpoint else {
            let path = quoted(&self.request.path);
            return Err(METHOD_NOT_IMPLEMENTED.because(format!(
                "there is only /xrpc/ with {}, not {path}",
                ENDPOINTS.join(", ")
            )));
        };
        self.check_method(endpoint)?;
        match endpoint {
            CREATE_SESSION => self.create_session(account, limits, left),
            REFRESH_SESSION => self.refresh_session(account),
            GET_SESSION => self.get_session(account),
            GET_RECORD => self.get_record(account),
            DELETE_SESSION => self.delete_session(account),
            DELETE_RECORD => self.delete_record(account, limits, left),
            UPLOAD_BLOB => {
                self.look_into_token()?;
                self.authenticate(account, Kind::Access)?;
                check_state(account, false)?;
                *left = limits.take_upload(self.now);
                if left.exceeded {
                    return Err(RATE_LIMIT_EXCEEDED
                        .because("more than 1,000 blobs uploaded from one address in a day"));
                }
                let Some(blob) = blob else {
                    return Err(INVALID_REQUEST.because("there are no bytes"));
                };
                let blob = blob?;
                let summary = format!("uploaded {}", blob.picture.facts.summary());
                let blob = account.repository.upload(blob, self.now);
                Ok(Accepted::new(
                    Reply::json(200, &json!({ "blob": blob })),
                    summary,
                ))
            }
            _ => self.put_record(account, limits, left),
        }
    }

    fn check_method(&self, endpoint: &str) -> Result<(), Rejection> {
        let expected = match endpoint {
            GET_SESSION | GET_RECORD => "GET",
            _ => "POST",
        };
        let method = &self.request.method;
        if method != expected {
            let message = format!("Incorrect HTTP method ({method}) expected {expected}");
            return Err(INVALID_REQUEST.saying(message));
        }
        if expected == "GET" && self.request.body.length > 0 {
            return Err(INVALID_REQUEST.because("there is a body with a GET request"));
        }
        if endpoint != GET_RECORD && !self.request.query.is_empty() {
            return Err(INVALID_REQUEST.because("this takes no parameters in the query"));
        }
        Ok(())
    }

    /// Servers decode a token before they verify it, and fail on a text that is not a token.
    fn look_into_token(&self) -> Result<(), Rejection> {
        match self.request.bearer() {
            Ok(token) if !is_token(token) => Err(INTERNAL_SERVER_ERROR
                .because("the bearer token does not have the parts of a token")),
            _ => Ok(()),
        }
    }

    fn authenticate(&self, account: &Account, kind: Kind) -> Result<String, Rejection> {
        account.sessions.authenticate(self.request, kind, self.now)
    }

    /// The body as a JSON object, with no members but these.
    fn json(&self, known: &[&str]) -> Result<Map<String, Value>, Rejection> {
        let declared = content_type(self.request)?;
        if declared != "application/json" {
            let message = format!("Wrong request encoding (Content-Type): {declared}");
            return Err(INVALID_REQUEST.saying(message));
        }
        let largest = match self.endpoint {
            Some(PUT_RECORD) => LARGEST_RECORD,
            _ => LARGEST_JSON,
        };
        check_body(self.request, largest, PAYLOAD_TOO_LARGE_ERROR)?;
        let body = &self.request.body.bytes;
        let members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            Ok(Value::Array(_)) => return Err(INVALID_REQUEST.because("the body is a list")),
            _ if body.is_empty() => Map::new(),
            Ok(_) => return Err(SYNTAX_ERROR.because("the body is neither an object nor a list")),
            Err(error) => {
                let error = quoted(&error.to_string());
                return Err(SYNTAX_ERROR.because(format!("the body is not JSON: {error}")));
            }
        };
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(members),
            Some(name) => {
                let name = quoted(name);
                Err(INVALID_REQUEST.because(format!("there is no member {name}")))
            }
        }
    }

    fn create_session(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
    ) -> Result<Accepted, Rejection> {
        let body = self.json(&[
            "identifier",
            "password",
            "authFactorToken",
            "allowTakendown",
        ])?;
        let identifier = required(&body, "identifier")?;
        let password = required(&body, "password")?;
        *left = limits.take_session(identifier, self.now);
        if left.exceeded {
            return Err(RATE_LIMIT_EXCEEDED.because(format!(
                "more than {} sessions created in {} s",
                left.limit.points, left.limit.seconds
            )));
        }
        if !account.answers_to(&identifier.to_lowercase()) {
            return Err(INVALID_LOGIN.because("the identifier is unknown"));
        }
        if password != account.password {
            return Err(INVALID_LOGIN.because("the password is wrong"));
        }
        if matches!(
            account.state,
            AccountState::Takendown | AccountState::Deleted
        ) {
            return Err(INVALID_LOGIN.because("an app password does not open a closed account"));
        }
        let tokens = account.sessions.begin(&account.did, self.now);
        let reply = self.session(account, &tokens);
        Ok(Accepted::new(reply, "created a session"))
    }

    fn refresh_session(&self, account: &mut Account) -> Result<Accepted, Rejection> {
        let id = self.authenticate(account, Kind::Refresh)?;
        if self.request.body.length > 0 || self.request.headers.contains_key(CONTENT_TYPE) {
            let message = "A request body was provided when none was expected";
            return Err(INVALID_REQUEST.saying(message));
        }
        match account.state {
            AccountState::Takendown => {
                return Err(ACCOUNT_TAKEDOWN.because("the account is closed"));
            }
            AccountState::Deleted => return Err(unknown_user(account)),
            AccountState::Active | AccountState::Deactivated => {}
        }
        let tokens = account.sessions.refresh(&id, &account.did, self.now);
        let reply = self.session(account, &tokens);
        Ok(Accepted::new(reply, "refreshed the session"))
    }

    fn delete_session(&self, account: &mut Account) -> Result<Accepted, Rejection> {
        let id = self.authenticate(account, Kind::Refresh)?;
        if self.request.body.length > 0 || self.request.headers.contains_key(CONTENT_TYPE) {
            let message = "A request body was provided when none was expected";
            return Err(INVALID_REQUEST.saying(message));
        }
        account.sessions.end(&id);
        Ok(Accepted::new(Reply::empty(200), "ended the session"))
    }

    fn get_session(&self, account: &Account) -> Result<Accepted, Rejection> {
        self.authenticate(account, Kind::Access)?;
        if matches!(
            account.state,
            AccountState::Takendown | AccountState::Deleted
        ) {
            return Err(unknown_user(account));
        }
        let reply = Reply::json(200, &Value::Object(self.owner(account)));
        Ok(Accepted::new(reply, "showed the session"))
    }

    fn owner(&self, account: &Account) -> Map<String, Value> {
        let (did, handle) = (&account.did, &account.handle);
        let document = json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": did,
            "alsoKnownAs": [format!("at://{handle}")],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": format!("http://{}", self.request.host()),
            }],
        });
        let mut owner: Map<String, Value> = [
            ("did", json!(did)),
            ("handle", json!(handle)),
            ("didDoc", document),
            ("active", json!(account.state == AccountState::Active)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
        if account.state != AccountState::Active {
            owner.insert("status".to_owned(), json!(account.state));
        }
        owner
    }

    fn session(&self, account: &Account, tokens: &Tokens) -> Reply {
        let mut body = self.owner(account);
        body.insert("accessJwt".to_owned(), json!(tokens.access));
        body.insert("refreshJwt".to_owned(), json!(tokens.refresh));
        Reply::json(200, &Value::Object(body))
    }

    fn get_record(&self, account: &mut Account) -> Result<Accepted, Rejection> {
        let query = form::decode(self.request.query.as_bytes()).map_err(|reason| {
            INVALID_REQUEST.because(format!("the query is badly encoded: {reason}"))
        })?;
        let value = |name: &str| {
            let mut values = query.iter().filter(|(known, _)| known == name);
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Ok(value.as_str()),
                (None, _) => Err(INVALID_REQUEST
                    .saying(format!("Error: Params must have the property \"{name}\""))),
                (Some(_), Some(_)) => {
                    Err(INVALID_REQUEST.because(format!("{name} is given twice")))
                }
            }
        };
        let (repo, collection, rkey) = (value("repo")?, value("collection")?, value("rkey")?);
        let known = |name: &str| ["repo", "collection", "rkey", "cid"].contains(&name);
        if let Some((name, _)) = query.iter().find(|(name, _)| !known(name)) {
            let name = quoted(name);
            return Err(INVALID_REQUEST.because(format!("there is no parameter {name}")));
        }
        if !account.owns(repo) || account.state != AccountState::Active {
            return Err(INVALID_REQUEST.saying(format!("Could not find repo: {repo}")));
        }
        let uri = account.uri(collection, rkey);
        let missing = || RECORD_NOT_FOUND.saying(format!("Could not locate record: {uri}"));
        let record = account
            .record(collection)
            .filter(|_| rkey == RKEY && !(account.moderated && collection == COLLECTION));
        let found = match record {
            Some(record)
                if value("cid")
                    .is_ok_and(|cid| record.get("cid").and_then(Value::as_str) != Some(cid)) =>
            {
                Err(missing())
            }
            Some(record) => Ok(Reply::json(200, &record)),
            None => Err(missing()),
        };
        if account.changes > 0 && collection == COLLECTION {
            account.repository.touch(account.changes);
            account.changes -= 1;
        }
        found.map(|reply| Accepted::new(reply, "returned the record"))
    }

    fn delete_record(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
    ) -> Result<Accepted, Rejection> {
        self.authenticate(account, Kind::Access)?;
        let body = self.json(&["repo", "collection", "rkey", "swapRecord"])?;
        let (repo, collection) = (required(&body, "repo")?, required(&body, "collection")?);
        *left = limits.take_write(1, self.now);
        if left.exceeded {
            return Err(
                RATE_LIMIT_EXCEEDED.because("the limit of writes in an hour or a day is exceeded")
            );
        }
        if !account.owns(repo) {
            return Err(AUTHENTICATION_REQUIRED.because("the repo does not belong to the session"));
        }
        check_state(account, true)?;
        check_place(collection, required(&body, "rkey")?)?;
        if collection == COLLECTION {
            return Err(INVALID_REQUEST.because("this client has no reason to delete the profile"));
        }
        // Deleting a record that does not exist is not an error.
        account
            .repository
            .overwrite(collection, None)
            .map_err(|reason| INVALID_REQUEST.because(reason))?;
        Ok(Accepted::new(
            Reply::json(200, &json!({})),
            "deleted the record of frames",
        ))
    }

    fn put_record(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
    ) -> Result<Accepted, Rejection> {
        self.authenticate(account, Kind::Access)?;
        let body = self.json(&[
            "repo",
            "collection",
            "rkey",
            "validate",
            "record",
            "swapRecord",
        ])?;
        let (repo, collection) = (required(&body, "repo")?, required(&body, "collection")?);
        let rkey = required(&body, "rkey")?;
        let Some(Value::Object(record)) = body.get("record") else {
            return Err(INVALID_REQUEST.saying("Input/record must be an object"));
        };
        *left = limits.take_write(2, self.now);
        if left.exceeded {
            return Err(
                RATE_LIMIT_EXCEEDED.because("the limit of writes in an hour or a day is exceeded")
            );
        }
        if !account.owns(repo) {
            return Err(AUTHENTICATION_REQUIRED.because("the repo does not belong to the session"));
        }
        check_state(account, true)?;
        check_place(collection, rkey)?;
        if body.get("validate").is_some_and(|value| value != true) {
            return Err(
                INVALID_REQUEST.because("“validate” is not true: mistakes would go unnoticed")
            );
        }
        let (icon, changed) = account
            .repository
            .put(collection, record, body.get("swapRecord"))?;
        let put = account.repository.record(collection);
        let cid = put.map(|record| record.cid.as_str());
        let is_known = collection == COLLECTION;
        let mut output = json!({
            "uri": account.uri(collection, RKEY),
            "cid": cid,
            "validationStatus": if is_known { "valid" } else { "unknown" },
        });
        if changed && let Some(members) = output.as_object_mut() {
            let commit = json!({ "cid": cid, "rev": revision(self.now) });
            members.insert("commit".to_owned(), commit);
        }
        let summary = match &icon {
            Some(picture) => format!("frame {}", picture.facts.summary()),
            None if is_known => "a profile without a picture".to_owned(),
            None => format!(
                "kept {} frames",
                put.map_or(0, |record| frame_count(&record.value))
            ),
        };
        Ok(Accepted {
            reply: Reply::json(200, &output),
            summary,
            icon,
            removes_icon: false,
        })
    }
}

/// The number of frames in a record.
fn frame_count(record: &Map<String, Value>) -> usize {
    record
        .get("frames")
        .and_then(Value::as_array)
        .map_or(0, Vec::len)
}

fn unknown_user(account: &Account) -> Rejection {
    let did = &account.did;
    INVALID_REQUEST.saying(format!("Could not find user info for account: {did}"))
}

/// Checks that the state of the account allows the request. A deactivated account still accepts
/// blobs.
fn check_state(account: &Account, is_write: bool) -> Result<(), Rejection> {
    match account.state {
        AccountState::Deactivated if is_write => {
            Err(ACCOUNT_DEACTIVATED.because("the owner has deactivated the account"))
        }
        AccountState::Takendown => {
            Err(ACCOUNT_TAKEDOWN.because("moderation has taken the account down"))
        }
        AccountState::Deleted => Err(ACCOUNT_NOT_FOUND.because("the account is deleted")),
        AccountState::Active | AccountState::Deactivated => Ok(()),
    }
}

/// Checks that this client has any business with a record.
fn check_place(collection: &str, rkey: &str) -> Result<(), Rejection> {
    if [COLLECTION, FRAMES].contains(&collection) && rkey == RKEY {
        return Ok(());
    }
    Err(INVALID_REQUEST.because(format!(
        "the records are {COLLECTION} {RKEY} and {FRAMES} {RKEY}, not {} {}",
        quoted(collection),
        quoted(rkey)
    )))
}

/// A required member of the body, which has to be a string.
fn required<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Rejection> {
    match body.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(INVALID_REQUEST.saying(format!("Input/{name} must be a string"))),
        None => Err(INVALID_REQUEST.saying(format!("Input must have the property \"{name}\""))),
    }
}

/// The revision of a commit at this time: a TID, 13 digits that sort as text.
fn revision(now: DateTime<Utc>) -> String {
    const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    // Microseconds, followed by ten bits for the id of the clock.
    let number = now.timestamp_micros().cast_unsigned() << 10;
    (0..13_u32)
        .rev()
        .filter_map(|place| usize::try_from(number >> (5 * place) & 31).ok())
        .filter_map(|digit| DIGITS.get(digit).copied())
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_sort_as_time_goes_by() {
        let revisions: Vec<String> = [1_700_000_000, 1_700_000_001, 1_800_000_000]
            .map(|seconds| revision(DateTime::from_timestamp(seconds, 0).unwrap()))
            .into();
        assert!(revisions.is_sorted() && revisions.iter().all(|one| one.len() == 13));
    }
}
