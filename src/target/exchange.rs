//! `[exchange]`: who may exchange what for which target (RFC 8693).

use std::time::Duration;

use super::{AuthMethod, PresetClient, Secret};
use crate::rule::words::words;

words! {
    /// Where the token comes from that an honest exchange hands in.
    pub enum SubjectFrom as "source of the subject token" {
        /// The client that exchanges logs the user in itself.
        Login = "login",
        /// The ordinary client of the run logs the user in, and the other one exchanges: a gateway.
        Client = "client",
        /// The client that exchanges gets a token for itself by client credentials.
        ClientCredentials = "client-credentials",
        /// The profile gives it.
        Token = "token",
        /// Our identity provider makes it.
        Upstream = "upstream",
    }
}

/// `[exchange]`
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The client that exchanges; absent means: the preset one if it has a secret, else one that registers for it.
    pub client: Option<PresetClient>,
    /// How it authenticates; absent means: HTTP Basic.
    pub auth_method: Option<AuthMethod>,
    /// Where the subject token comes from.
    pub subject: SubjectFrom,
    /// The subject token of `subject = "token"`.
    pub subject_token: Option<Secret>,
    /// What it asks for.
    pub wants: ExchangeWants,
    /// Whether anything is said of exchanges for other tokens than identity assertions.
    pub is_general: bool,
}

/// What exchanges ask for, and may not have.
#[derive(Clone, Debug, Default)]
pub struct ExchangeWants {
    /// A target by its logical name that the client may have tokens for.
    pub audience: Option<String>,
    /// A second one.
    pub other_audience: Option<String>,
    /// One that the client may have no tokens for; absent means: nothing is claimed of other targets.
    pub unknown_audience: Option<String>,
    /// A target by its URI.
    pub resource: Option<String>,
    /// The scope that an honest exchange asks for; absent means: none.
    pub scope: Option<String>,
    /// `subject_token_type` of an honest exchange; absent means: that of access tokens. A server may know a type of its own alone
    /// (RFC 8693 section 3).
    pub subject_token_type: Option<String>,
    /// `requested_token_type` of an honest exchange; absent means: none is sent.
    pub requested_token_type: Option<String>,
    /// The scope of the login that the subject token comes from; absent means: that of any login.
    pub subject_scope: Option<String>,
    /// A scope that the server knows and that a subject token of that login has not.
    pub wider_scope: Option<String>,
    /// What identity assertions are asked for; absent means: none are.
    pub id_jag: Option<IdJagWants>,
}

/// `[exchange.id-jag]`: what identity assertions (ID-JAG) are asked for (enterprise-managed authorization).
#[derive(Clone, Debug, Default)]
pub struct IdJagWants {
    /// Issuer of the authorization server where an assertion is to be presented.
    pub audience: String,
    /// The MCP server behind it; absent means: none is named.
    pub resource: Option<String>,
    /// An MCP server behind another authorization server.
    pub other_resource: Option<String>,
    /// The scope to ask for; absent means: none.
    pub scope: Option<String>,
    /// A scope that the policy of the provider does not let the first user have.
    pub wider_scope: Option<String>,
    /// How long after its end an ID token may still be taken, because clocks differ.
    pub leeway: Duration,
}

impl IdJagWants {
    /// What servers allow where the profile says nothing.
    pub const LEEWAY: Duration = Duration::from_secs(60);
}
