//! A client and a browser in one: no redirect is followed unasked, and the cookie is kept.

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

/// A provider with an issuer `t` and a public client `app`.
pub async fn start() -> (MockIdp, Browser) {
    let idp = MockIdp::start(Options::default()).await.expect("a free port");
    let issuer = idp.issuer("t");
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
        let request = self.authorize(&[]).await.hidden();
        let form = [("request", request.as_str()), ("username", "alice"), ("password", "alice-password")];
        let next = self.post("login", &form).await;
        assert_eq!(next.status, 303, "{}", next.body);
        let page = self.get(&next.location).await;
        assert!(page.body.contains("app.example") && page.body.contains("https://mcp.example/"), "{}", page.body);
        self.post("consent", &[("request", &page.hidden()), ("decision", decision)]).await
    }

    pub async fn redeem(&mut self, code: &str, verifier: &str) -> Answer {
        let form =
            [("grant_type", "authorization_code"), ("client_id", "app"), ("code", code), ("code_verifier", verifier)];
        self.post("token", &form).await
    }

    /// A token response for alice.
    pub async fn tokens(&mut self) -> Answer {
        self.issuer.configure(|config| config.auto_approve = true);
        let code = self.authorize(&[]).await.param("code").expect("auto-approved");
        let answer = self.redeem(&code, VERIFIER).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    pub async fn refresh(&mut self, token: &str) -> Answer {
        self.post("token", &[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)]).await
    }

    fn url(&self, endpoint: &str) -> String {
        format!("{}/{endpoint}", self.issuer.url())
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
