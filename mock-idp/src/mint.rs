//! Tokens made to order: honest unless told otherwise.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::issuer::Issuer;
use crate::jose::{Sign, Signer, Unsigned, merge};
use crate::script::Times;
use crate::secret;

/// A token to be made by [`Issuer::mint`]. The default is an honest access token of the first user for `mcp-upstream`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSpec {
    /// `aud`; empty: the issuer's default audience, or the client for an ID token.
    pub audience: Vec<String>,
    /// JSON Merge Patch (RFC 7396) over the honest claims: `null` removes one.
    pub claims: Map<String, Value>,
    /// `client_id`.
    pub client_id: String,
    /// JSON Merge Patch over the honest header.
    pub header: Map<String, Value>,
    /// Access token or ID token.
    pub kind: TokenKind,
    /// Payload text instead of the claims: duplicate members, broken JSON.
    pub payload: Option<String>,
    /// `scope`.
    pub scope: String,
    /// Who signs.
    pub sign: Sign,
    /// Lifetime in seconds from now; negative for an expired token. Left out: the issuer's.
    pub ttl: Option<i64>,
    /// Username, or any subject the issuer does not know; left out: the first user.
    pub user: Option<String>,
}

impl Default for TokenSpec {
    fn default() -> Self {
        Self {
            audience: Vec::new(),
            claims: Map::new(),
            client_id: "mcp-upstream".to_owned(),
            header: Map::new(),
            kind: TokenKind::Access,
            payload: None,
            scope: "openid".to_owned(),
            sign: Sign::Current,
            ttl: None,
            user: None,
        }
    }
}

/// Which token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// An access token (RFC 9068).
    #[default]
    Access,
    /// An ID token (OpenID Connect Core section 2).
    Id,
}

/// A change to the next tokens a grant issues: extra claims, wrong ones, a wrong key. [`Issuer::mint`] is not affected.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenPatch {
    /// JSON Merge Patch (RFC 7396) over the claims: `null` removes one.
    pub claims: Map<String, Value>,
    /// Only for this `client_id`.
    pub client: Option<String>,
    /// JSON Merge Patch over the header.
    pub header: Map<String, Value>,
    /// Only for this kind of token; left out: both of a response.
    pub kind: Option<TokenKind>,
    /// Payload text instead of the claims.
    pub payload: Option<String>,
    /// Who signs instead.
    pub sign: Option<Sign>,
    /// For how many token responses.
    pub times: Times,
    /// Only for this user.
    pub user: Option<String>,
}

impl TokenPatch {
    /// Adds or changes claims of access tokens (or, for `null`, removes them). Panics in no case: anything but an object changes nothing.
    pub fn claims(kind: TokenKind, claims: Value) -> Self {
        Self { claims: object(claims), kind: Some(kind), ..Self::default() }
    }

    /// Signs the next token of a kind in another way.
    pub fn sign(kind: TokenKind, sign: Sign) -> Self {
        Self { kind: Some(kind), sign: Some(sign), ..Self::default() }
    }

    /// For as long as the issuer lives.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = Times::Forever;
        self
    }

    pub(crate) fn concerns(&self, user: Option<&str>, client: &str, with_id_token: bool) -> bool {
        self.user.as_deref().is_none_or(|wanted| Some(wanted) == user)
            && self.client.as_deref().is_none_or(|wanted| wanted == client)
            && (with_id_token || self.kind != Some(TokenKind::Id))
    }

    pub(crate) fn apply(&self, kind: TokenKind, token: &mut Unsigned) {
        if self.kind.is_some_and(|wanted| wanted != kind) {
            return;
        }
        merge(&mut token.claims, &self.claims);
        // The header patch stays a patch: it has to win over what signing puts there, and null has to remove it.
        token.header.extend(self.header.clone());
        if let Some(payload) = &self.payload {
            token.payload = Some(payload.clone());
        }
        if let Some(sign) = &self.sign {
            token.sign = sign.clone();
        }
    }
}

impl Issuer {
    /// Makes a token without a request. Honestly signed ones are known to introspection and userinfo.
    pub fn mint(&self, spec: TokenSpec) -> String {
        let mut token = self.honest(&spec);
        merge(&mut token.claims, &spec.claims);
        token.header = spec.header;
        token.payload = spec.payload;
        token.sign = spec.sign;
        let text = self.sign(&token);
        if token.sign == Sign::Current && token.payload.is_none() && spec.kind == TokenKind::Access {
            self.remember_access(&text, token.claims, None);
        }
        text
    }

    /// Signs outside the lock.
    pub(crate) fn sign(&self, token: &Unsigned) -> String {
        let signer = Signer::new(&token.sign, &self.lock().keys);
        token.compact(&signer)
    }

    fn honest(&self, spec: &TokenSpec) -> Unsigned {
        let config = self.config();
        let name = spec.user.as_deref().or_else(|| config.users.first().map(|user| user.username.as_str()));
        let user = name.and_then(|name| config.user(name));
        let sub = user.map_or(name.unwrap_or("nobody"), |user| &user.sub);
        match spec.kind {
            TokenKind::Access => {
                let audience = self.audience_or_default(&spec.audience);
                self.access_token(sub, &spec.client_id, &spec.scope, &audience, spec.ttl)
            }
            TokenKind::Id => {
                let mut token = self.id_token(sub, &spec.client_id, spec.ttl);
                if !spec.audience.is_empty() {
                    token.claims.insert("aud".to_owned(), one_or_many(&spec.audience));
                }
                token
            }
        }
    }

    /// The honest access token of RFC 9068 section 2.2.
    pub(crate) fn access_token(
        &self,
        sub: &str,
        client_id: &str,
        scope: &str,
        audience: &[String],
        ttl: Option<i64>,
    ) -> Unsigned {
        let now = self.now();
        let ttl = ttl.unwrap_or_else(|| seconds(self.config().access_ttl));
        let claims = json!({
            "iss": self.url(), "aud": one_or_many(audience), "sub": sub, "client_id": client_id, "scope": scope,
            "iat": now.min(now + ttl), "exp": now + ttl, "jti": secret::random_id(),
        });
        unsigned("at+jwt", claims)
    }

    /// The honest ID token, without what depends on the authorization request.
    pub(crate) fn id_token(&self, sub: &str, client_id: &str, ttl: Option<i64>) -> Unsigned {
        let now = self.now();
        let ttl = ttl.unwrap_or_else(|| seconds(self.config().access_ttl));
        let claims = json!({
            "iss": self.url(), "aud": client_id, "sub": sub, "iat": now.min(now + ttl), "exp": now + ttl,
        });
        unsigned("JWT", claims)
    }

    /// The audience of a token that was asked for without `resource`.
    pub(crate) fn audience_or_default(&self, asked: &[String]) -> Vec<String> {
        match asked {
            [] => vec![self.config().default_audience.clone().unwrap_or_else(|| self.url())],
            some => some.to_vec(),
        }
    }
}

/// A number of seconds, signed as `NumericDate` arithmetic wants it.
pub(crate) fn seconds(setting: u64) -> i64 {
    i64::try_from(setting).unwrap_or(i64::MAX / 4)
}

/// The members of a JSON object; of anything else, none.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn unsigned(typ: &'static str, claims: Value) -> Unsigned {
    Unsigned { typ, header: Map::new(), claims: object(claims), payload: None, sign: Sign::Current }
}

/// One audience as text, several as a list: what most verifiers understand.
fn one_or_many(audience: &[String]) -> Value {
    match audience {
        [one] => one.as_str().into(),
        many => many.into(),
    }
}
