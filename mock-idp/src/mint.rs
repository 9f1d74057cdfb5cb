//! Tokens made to order: honest unless told otherwise.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::seconds;
use crate::issuer::Issuer;
use crate::jose::{Sign, Signer, Unsigned, merge};
use crate::keys::Alg;
use crate::{quirks, secret, token};

/// A token to be made by [`Issuer::mint`]. The default is an honest access token of `user-alice`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenSpec {
    /// `act`: who acts for the subject (RFC 8693 section 4.1).
    pub act: Option<Value>,
    /// Signs by this algorithm instead of the issuer's, with a key of a suitable kind: the published one if there is one
    /// (see [`Issuer::publish_alg`]), else one that nobody published.
    pub alg: Option<Alg>,
    /// `aud`: one value as a text, several as a list; left out if there is none. An ID token is then for the client.
    pub audience: Vec<String>,
    /// JSON Merge Patch (RFC 7396) over the honest claims: `null` removes one.
    pub claims: Map<String, Value>,
    /// `client_id`; of an ID token, `aud`.
    pub client_id: String,
    /// `cnf`: what the token is bound to, as `{"jkt": THUMBPRINT}` (RFC 9449 section 6.1).
    pub cnf: Option<Value>,
    /// JSON Merge Patch over the honest header; it wins over `alg`, `kid` and `typ`.
    pub header: Map<String, Value>,
    /// Access token, ID token or another.
    pub kind: TokenKind,
    /// `may_act`: who may act for the subject (RFC 8693 section 4.4).
    pub may_act: Option<Value>,
    /// Payload text instead of the claims: duplicate members, broken JSON.
    pub payload: Option<String>,
    /// `scope`; left out if empty. An ID token has the claims that it opens instead.
    pub scope: String,
    /// Who signs.
    pub sign: Sign,
    /// `sub`, whatever the user.
    pub sub: Option<String>,
    /// Lifetime in seconds from now; negative for an expired token. Left out: the issuer's.
    pub ttl: Option<i64>,
    /// `typ` of the header; left out: that of the kind.
    pub typ: Option<String>,
    /// Username; the subject is then that user's. Left out: `user-alice`.
    pub user: Option<String>,
}

/// Which token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// An access token (RFC 9068).
    #[default]
    Access,
    /// An access token as a login at this issuer gives it: opaque where a personality or the settings make those so, unless
    /// the specification asks for what only a JWT has (`alg`, `header`, `payload`, `sign`, `typ`).
    AsIssued,
    /// An ID token (OpenID Connect Core section 2), with what those of a login have.
    Id,
    /// An identity assertion authorization grant (`oauth-id-jag+jwt`).
    IdJag,
    /// A JWT for whatever: an assertion of RFC 7523, say.
    Jwt,
    /// An access token that says nothing by itself: the resource server has to introspect it (RFC 7662).
    Opaque,
}

/// What an access token says of a grant.
pub(crate) struct About<'a> {
    pub(crate) sub: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) audience: &'a [String],
    pub(crate) jti: String,
}

impl Issuer {
    /// Makes a token without a request. Userinfo and introspection know an access token if a published key signed it by its
    /// own algorithm, and issuer and end are as this issuer writes them.
    #[must_use]
    pub fn mint(&self, spec: TokenSpec) -> String {
        let (config, now) = (self.config(), self.now());
        let ttl = spec.ttl.unwrap_or_else(|| seconds(config.access_ttl));
        let user = spec.user.as_deref();
        let sub = user.map_or_else(|| DEFAULT_SUB.to_owned(), |name| self.subject(name));
        let sub = spec.sub.clone().unwrap_or(sub);
        let end = now.saturating_add(ttl);
        let iat = now.min(end);
        let mut claims = match spec.kind {
            TokenKind::Id => self.identity(&spec, &sub, iat, end),
            _ => {
                let (audience, jti) = (&*spec.audience, secret::random_id());
                let about = About { sub: &sub, client_id: &spec.client_id, scope: &spec.scope, audience, jti };
                self.claims(about, iat, end)
            }
        };
        if spec.kind == TokenKind::Jwt && spec.client_id.is_empty() {
            claims.shift_remove("client_id");
        }
        for (name, value) in [("act", &spec.act), ("cnf", &spec.cnf), ("may_act", &spec.may_act)] {
            claims.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
        }
        let typ = match spec.kind {
            TokenKind::Opaque => return self.opaque(claims, &spec.claims),
            TokenKind::AsIssued if quirks::mints_opaque(&config, &spec) => return self.opaque(claims, &spec.claims),
            TokenKind::Access | TokenKind::AsIssued => "at+jwt",
            TokenKind::Id | TokenKind::Jwt => "JWT",
            TokenKind::IdJag => "oauth-id-jag+jwt",
        };
        let mut token = Unsigned::honest(typ, claims);
        let reshaped = typ == "at+jwt" && quirks::reshapes(&config.quirks);
        let plain = reshaped.then(|| token.claims.clone());
        if reshaped {
            quirks::shape(self, &mut token);
        }
        merge(&mut token.claims, &spec.claims);
        let TokenSpec { alg, header, payload, sign, typ, .. } = spec;
        token.header.extend(typ.map(|typ| ("typ".to_owned(), typ.into())));
        token.header.extend(header);
        let text = self.sign(&Unsigned { payload: payload.clone(), sign, alg, ..token });
        if let Some(mut plain) = plain.filter(|_| payload.is_none()) {
            merge(&mut plain, &spec.claims);
            quirks::restore_scope(&config.quirks, &spec.claims, &mut plain);
            if self.would_issue(&text, &plain) {
                self.lock().opaque.insert(secret::s256(&text), plain);
            }
        }
        text
    }

    /// An opaque access token with these claims, changed.
    fn opaque(&self, mut claims: Map<String, Value>, change: &Map<String, Value>) -> String {
        merge(&mut claims, change);
        let text = format!("{}{}", self.config().quirks.token_prefix, secret::random());
        self.lock().opaque.insert(secret::s256(&text), claims);
        text
    }

    /// The claims of an ID token made to order: those of a login, but for what hangs on its request.
    fn identity(&self, spec: &TokenSpec, sub: &str, iat: i64, exp: i64) -> Map<String, Value> {
        let client = std::slice::from_ref(&spec.client_id);
        let audience = if spec.audience.is_empty() && !spec.client_id.is_empty() { client } else { &spec.audience };
        let mut claims = self.id_claims(sub, audience, iat, exp);
        claims.insert("auth_time".to_owned(), iat.into());
        merge(&mut claims, &token::about(&self.config(), sub, &spec.scope));
        claims
    }

    /// Signs outside the lock.
    pub(crate) fn sign(&self, token: &Unsigned) -> String {
        let signer = Signer::new(&token.sign, token.alg, &self.lock().keys);
        token.compact(&signer)
    }

    /// The honest access token of a grant.
    pub(crate) fn access_token(&self, about: About<'_>) -> Unsigned {
        let (now, ttl) = (self.now(), seconds(self.config().access_ttl));
        Unsigned::honest("at+jwt", self.claims(about, now, now + ttl))
    }

    /// The claims of an access token (RFC 9068 section 2.2).
    fn claims(&self, about: About<'_>, iat: i64, exp: i64) -> Map<String, Value> {
        let mut claims = Map::with_capacity(USUAL);
        let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        put("iss", self.url().into());
        if !about.audience.is_empty() {
            put("aud", one_or_many(about.audience));
        }
        put("sub", about.sub.into());
        put("client_id", about.client_id.into());
        put("iat", iat.into());
        put("exp", exp.into());
        put("jti", about.jti.into());
        if !about.scope.is_empty() {
            put("scope", about.scope.into());
        }
        claims
    }

    /// The honest ID token, without what depends on the authorization request.
    pub(crate) fn id_token(&self, sub: &str, client_id: &str) -> Unsigned {
        let (now, ttl) = (self.now(), seconds(self.config().access_ttl));
        Unsigned::honest("JWT", self.id_claims(sub, &[client_id.to_owned()], now, now + ttl))
    }

    /// The claims that every ID token has (OpenID Connect Core section 2).
    fn id_claims(&self, sub: &str, audience: &[String], iat: i64, exp: i64) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), self.url().into());
        if !audience.is_empty() {
            claims.insert("aud".to_owned(), one_or_many(audience));
        }
        for (name, value) in [("sub", Value::from(sub)), ("iat", iat.into()), ("exp", exp.into())] {
            claims.insert(name.to_owned(), value);
        }
        claims
    }

    /// The subject of a user, known or not.
    pub(crate) fn subject(&self, username: &str) -> String {
        self.config().user(username).map_or_else(|| username.to_owned(), |user| user.sub)
    }

    /// The audience of a token that was asked for without `resource`.
    pub(crate) fn audience_or_default(&self, asked: &[String]) -> Vec<String> {
        match asked {
            [] => vec![self.config().default_audience.clone().unwrap_or_else(|| self.url())],
            some => some.to_vec(),
        }
    }
}

/// One audience as text, several as a list: what most verifiers understand.
fn one_or_many(audience: &[String]) -> Value {
    match audience {
        [one] => one.as_str().into(),
        many => many.into(),
    }
}

/// Claims that an access token usually has, at most.
const USUAL: usize = 12;
const DEFAULT_SUB: &str = "user-alice";
