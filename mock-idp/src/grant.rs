//! What users and clients were given: sessions, codes, refresh tokens, access tokens.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// What an authorization allows, whichever token stands for it.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Ties all tokens of one authorization together, to end them at once.
    pub(crate) id: String,
    /// When the user logged in, in seconds since the epoch; none for a client's own grant.
    pub(crate) auth_time: Option<i64>,
    pub(crate) client_id: String,
    pub(crate) nonce: Option<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) scope: String,
    /// The username; none for a client's own grant.
    pub(crate) user: Option<String>,
}

/// An access token, by the hash of its text.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) claims: Map<String, Value>,
    /// The grant's id; minted tokens have none.
    pub(crate) grant: Option<String>,
}

/// An authorization code, by its hash.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) challenge: Option<String>,
    pub(crate) expires: i64,
    pub(crate) grant: Grant,
    /// The redirect URI, if the authorization request had one.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) used: bool,
}

/// A refresh token, by its hash.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) expires: i64,
    pub(crate) grant: Grant,
    /// When it was rotated away.
    pub(crate) used: Option<i64>,
}

/// A login, by the browser's cookie.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) auth_time: i64,
    /// Client, scope and resources that were allowed.
    pub(crate) consents: HashSet<String>,
    pub(crate) expires: i64,
    pub(crate) user: String,
}

/// An authorization request that waits for its user.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// The cookie of the browser that brought it: no other may answer.
    pub(crate) browser: String,
    pub(crate) request: AuthRequest,
}

/// A checked authorization request.
#[derive(Clone, Debug)]
pub(crate) struct AuthRequest {
    pub(crate) challenge: Option<String>,
    pub(crate) client: crate::client::Client,
    pub(crate) login_hint: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) prompt: Vec<String>,
    /// Where the answer goes, and whether the request said so itself.
    pub(crate) redirect_uri: String,
    pub(crate) redirect_given: bool,
    pub(crate) resources: Vec<String>,
    pub(crate) scope: String,
    pub(crate) state: Option<String>,
}
