//! The calls of the AT Protocol's HTTP API, <https://atproto.com/specs/xrpc>.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};

use crate::network::base_url::BaseUrl;
use crate::network::interface::Picture;
use crate::network::percent;

/// <https://docs.bsky.app/docs/api/com-atproto-server-create-session>
pub(super) const CREATE_SESSION: &str = "com.atproto.server.createSession";
/// <https://docs.bsky.app/docs/api/com-atproto-server-refresh-session>
pub(super) const REFRESH_SESSION: &str = "com.atproto.server.refreshSession";
/// <https://docs.bsky.app/docs/api/com-atproto-server-get-session>
pub(super) const GET_SESSION: &str = "com.atproto.server.getSession";
/// <https://docs.bsky.app/docs/api/com-atproto-server-delete-session>
pub(super) const DELETE_SESSION: &str = "com.atproto.server.deleteSession";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-get-record>
pub(super) const GET_RECORD: &str = "com.atproto.repo.getRecord";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-upload-blob>
pub(super) const UPLOAD_BLOB: &str = "com.atproto.repo.uploadBlob";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-put-record>
pub(super) const PUT_RECORD: &str = "com.atproto.repo.putRecord";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-delete-record>
pub(super) const DELETE_RECORD: &str = "com.atproto.repo.deleteRecord";
/// <https://docs.bsky.app/docs/api/com-atproto-sync-get-repo-status>
const GET_REPO_STATUS: &str = "com.atproto.sync.getRepoStatus";

/// The key of the only record in a collection.
pub(super) const SELF: &str = "self";

pub(super) const JSON: &str = "application/json";

/// A call.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The name of the call, with its query.
    pub(super) path: &'a str,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: &'a [u8],
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            content_type: None,
            body: &[],
        }
    }

    pub(super) fn post(path: &'a str, content_type: Option<&'static str>, body: &'a [u8]) -> Self {
        Self {
            method: Method::POST,
            path,
            content_type,
            body,
        }
    }

    pub(super) fn upload(picture: Picture<'a>) -> Self {
        let media_type = picture.media_type.as_str();
        Self::post(UPLOAD_BLOB, Some(media_type), picture.bytes)
    }

    /// The name of the call, without its query.
    pub(super) fn name(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Builds the request to a service, with a token if the call needs one.
    pub(super) fn request(
        &self,
        service: &BaseUrl,
        token: Option<&str>,
    ) -> http::Result<Request<Vec<u8>>> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(format!("{service}/xrpc/{}", self.path));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(content_type) = self.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request.body(self.body.to_vec())
    }
}

/// The path of the call that reads an account's only record in a collection.
pub(super) fn get_record(did: &str, collection: &str) -> String {
    let repo = percent::encode(did);
    format!("{GET_RECORD}?repo={repo}&collection={collection}&rkey={SELF}")
}

/// The path of the call that tells whether an account is open, to anyone.
pub(super) fn get_repo_status(did: &str) -> String {
    format!("{GET_REPO_STATUS}?did={}", percent::encode(did))
}
