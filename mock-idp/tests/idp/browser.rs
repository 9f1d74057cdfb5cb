//! A client and a browser in one: no redirect is followed unasked, and the cookie is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use mock_idp::{Client, Issuer, MockIdp, Options};
use serde_json::Value;

/// The verifier of RFC 7636 appendix B and its challenge.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const CALLBACK: &str = "https://app.example/cb";

pub struct Answer {
    pub status: u16,
    pub location: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {:?} is no JSON", self.status, self.body))
    }

    pub fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.body)).to_owned()
    }

    /// A query parameter of the redirect.
    pub fn param(&self, name: &str) -> Option<String> {
        let query = self.location.split_once('?')?.1;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The hidden field of a form.
    pub fn hidden(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"request\" value=\"").expect("a form with the request");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

pub struct Browser {
    pub issuer: Issuer,
    cookie: Option<String>,
    http: reqwest::Client,
}

/// A provider with an issuer `t` that takes registered clients only, and a public client `app`.
pub async fn start() -> (MockIdp, Browser) {
    let idp = MockIdp::start(Options::default()).await.expect("a free port");
    let issuer = idp.issuer("t");
    issuer.configure(|config| config.unknown_clients = false);
    issuer.add_client(Client::public("app", &[CALLBACK]));
    (idp, Browser::new(issuer))
}

impl Browser {
    pub fn new(issuer: Issuer) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self { issuer, cookie: None, http: http.build().expect("a client without options") }
    }

    pub async fn get(&mut self, url: &str) -> Answer {
        self.send(self.http.get(url)).await.expect("an answer")
    }

    pub async fn post(&mut self, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(endpoint, form).await.expect("an answer")
    }

    pub async fn try_post(&mut self, endpoint: &str, form: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(endpoint)).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body)).await
    }

    /// A form with HTTP Basic.
    pub async fn post_basic(&mut self, endpoint: &str, id: &str, secret: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(endpoint)).basic_auth(id, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body)).await.expect("an answer")
    }

    /// The headers that a browser asks for before a script of another site may call.
    pub async fn preflight(&mut self, endpoint: &str) -> reqwest::Response {
        let request = self.http.request(reqwest::Method::OPTIONS, self.url(endpoint));
        request.header("origin", "https://site.example").send().await.expect("an answer")
    }

    pub async fn post_json(&mut self, endpoint: &str, body: Value) -> Answer {
        let request = self.http.post(self.url(endpoint)).header("content-type", "application/json");
        self.send(request.body(body.to_string())).await.expect("an answer")
    }

    pub async fn bearer(&mut self, endpoint: &str, token: &str) -> Answer {
        let request = self.http.get(self.url(endpoint)).header("authorization", format!("Bearer {token}"));
        self.send(request).await.expect("an answer")
    }

    /// `GET /authorize` of the app, with changes.
    pub async fn authorize(&mut self, changes: &[(&str, &str)]) -> Answer {
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("state", "s 1"),
            ("scope", "openid email"),
            ("resource", "https://mcp.example/"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        query.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        query.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.get(&format!("{}?{query}", self.url("authorize"))).await
    }

    /// The whole way through both forms, to the redirect with the code.
    pub async fn log_in(&mut self, decision: &str) -> Answer {
        self.log_in_as("alice", decision, &[]).await
    }

    pub async fn log_in_as(&mut self, user: &str, decision: &str, changes: &[(&str, &str)]) -> Answer {
        let request = self.authorize(changes).await.hidden();
        let form = [("request", request.as_str()), ("username", user), ("password", "password")];
        let next = self.post("login", &form).await;
        assert_eq!(next.status, 303, "{}", next.body);
        let page = self.get(&next.location).await;
        assert!(page.body.contains("app.example") && page.body.contains("https://mcp.example/"), "{}", page.body);
        self.post("consent", &[("request", &page.hidden()), ("decision", decision)]).await
    }

    /// The code of an auto-approved request.
    pub async fn code(&mut self, changes: &[(&str, &str)]) -> String {
        self.issuer.configure(|config| config.auto_approve = true);
        self.authorize(changes).await.param("code").expect("auto-approved")
    }

    pub async fn redeem(&mut self, code: &str, verifier: &str) -> Answer {
        let form =
            [("grant_type", "authorization_code"), ("client_id", "app"), ("code", code), ("code_verifier", verifier)];
        self.post("token", &form).await
    }

    /// A token response for alice.
    pub async fn tokens(&mut self) -> Answer {
        let code = self.code(&[]).await;
        let answer = self.redeem(&code, VERIFIER).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    pub async fn refresh(&mut self, token: &str) -> Answer {
        self.post("token", &[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)]).await
    }

    fn url(&self, endpoint: &str) -> String {
        self.issuer.endpoint_url(endpoint)
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(set) = header("set-cookie") {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        let (status, location) = (response.status().as_u16(), header("location").unwrap_or_default());
        Ok(Answer { status, location, body: response.text().await? })
    }
}

/// What a resource server makes of a token: claims, if key and times are good.
pub fn verified(issuer: &Issuer, token: &str) -> Option<Value> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let keys: JwkSet = serde_json::from_value(issuer.jwks()).expect("a JWK Set");
    let key = DecodingKey::from_jwk(keys.find(header.kid.as_deref()?)?).expect("a good key");
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    Some(jsonwebtoken::decode::<Value>(token, &key, &validation).ok()?.claims)
}

/// A part of a JWT, unverified: 0 the header, 1 the claims.
pub fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
}
