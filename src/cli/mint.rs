//! `authspec mint`: a token of the mock identity provider, for use by hand. The token alone goes to standard output.

use authspec::diag::nearest;
use authspec::reference::loopback;
use authspec::transcript::{Request, certificate};
use authspec::wire::{Http, Limits, Wire};
use mock_idp::{IssuerConfig, MockIdp, Personality, Sign};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::{Url, form_urlencoded};

use super::{BLOCKED, MintArgs, OK, USAGE, runtime, serve, text};

/// Mints and gives the exit code.
pub fn main(args: &MintArgs) -> u8 {
    if args.idp.is_none() && !args.serve {
        text::error(
            "who is to sign? --idp URL asks a running `authspec serve idp`; --serve starts an issuer for this token",
        );
        return USAGE;
    }
    if args.idp.is_some() && args.personality.is_some() {
        text::error("--personality makes the issuer that --serve starts; one that runs already (--idp) has its own");
        return USAGE;
    }
    runtime().block_on(async {
        match &args.idp {
            Some(url) => match minted(url, args).await {
                Ok(token) => shown(&token),
                Err(Refused { code, why }) => {
                    text::error(&why);
                    code
                }
            },
            None => served(args).await,
        }
    })
}

/// `NAME=VALUE` of `--claim` and `--header`.
pub(super) fn member(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

struct Refused {
    code: u8,
    why: String,
}

fn shown(token: &str) -> u8 {
    text::line(token);
    OK
}

/// Starts an issuer, mints there, and serves its keys.
async fn served(args: &MintArgs) -> u8 {
    let defaults = match args.personality.as_deref().map(Personality::find) {
        None => IssuerConfig::default(),
        Some(Ok(personality)) => personality.config(),
        Some(Err(why)) => {
            text::error(&why);
            return USAGE;
        }
    };
    let options = mock_idp::Options { addr: loopback(args.port), control: true, defaults, ..Default::default() };
    let idp = match MockIdp::start(options).await {
        Ok(idp) => idp,
        Err(error) => {
            text::error(&format!("port {} of 127.0.0.1 cannot be used: {error}", args.port));
            return USAGE;
        }
    };
    let issuer = idp.issuer("mint").url();
    let code = match minted(&issuer, args).await {
        Ok(token) => {
            shown(&token);
            text::remark(&format!("the issuer is {issuer}; its keys are served until Ctrl-C"));
            serve::stopped().await;
            OK
        }
        Err(Refused { code, why }) => {
            text::error(&why);
            code
        }
    };
    idp.stop().await;
    code
}

/// Asks the control API of the provider at the issuer's origin.
async fn minted(issuer: &str, args: &MintArgs) -> Result<String, Refused> {
    let wrong = |why: String| Refused { code: USAGE, why };
    let url = Url::parse(issuer).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let url = url.ok_or_else(|| wrong(format!("`{issuer}` is no http(s) URL of an issuer")))?;
    let spec = spec(args, now()).map_err(wrong)?;
    let control = Control::new(&url).map_err(wrong)?;
    // A key that nobody can fetch is what `foreign` is for.
    if let Some(alg) = args.alg.as_ref().filter(|_| ["current", "tampered"].contains(&args.sign.as_str())) {
        control.ask("publish-alg", &json!({ "alg": alg })).await?;
    }
    let answer = control.ask("mint", &spec).await?;
    let token = answer["token"].as_str().map(str::to_owned);
    token.ok_or_else(|| Refused { code: BLOCKED, why: "the identity provider gave no token".to_owned() })
}

/// The control API of one issuer.
struct Control {
    wire: Wire,
    base: String,
    issuer: String,
}

impl Control {
    fn new(url: &Url) -> Result<Self, String> {
        let http = Arc::new(Http::new(Limits::default())?);
        http.allow(url.as_str());
        let base = format!("{}/.control", url.origin().ascii_serialization());
        Ok(Self { wire: Wire::new(http), base, issuer: url.path().trim_matches('/').to_owned() })
    }

    async fn ask(&self, command: &str, body: &Value) -> Result<Value, Refused> {
        let query: String = form_urlencoded::byte_serialize(self.issuer.as_bytes()).collect();
        let url = format!("{}/{command}?issuer={query}", self.base);
        let answer = self.wire.send("mint", Request::json(&url, body)).await;
        let blocked = |why: String| Refused { code: BLOCKED, why };
        let Some(response) = answer.outcome.response() else {
            let why = answer.outcome.failure().map(ToString::to_string).unwrap_or_default();
            let next = certificate(&why).map_or_else(String::new, |next| format!(". {next} (that of its --tls)"));
            return Err(blocked(format!("the identity provider at {} does not answer: {why}{next}", self.base)));
        };
        let body = response.json().unwrap_or_default();
        match (response.status, body["error"].as_str()) {
            (200, _) => Ok(body),
            (400, Some(why)) => Err(Refused { code: USAGE, why: why.to_owned() }),
            (404, _) => Err(blocked(format!(
                "{} has no control API: start `authspec serve idp`, or `mock-idp --control`",
                self.base
            ))),
            (status, why) => Err(blocked(format!("{url} answered {status} {}", why.unwrap_or_default()))),
        }
    }
}

/// What `mint` of the control API is told.
fn spec(args: &MintArgs, now: i64) -> Result<Value, String> {
    let members = |given: &[(String, String)]| -> Result<Map<String, Value>, String> {
        given.iter().map(|(name, text)| Ok((name.clone(), value(name, text, now)?))).collect()
    };
    let sign = Sign::parse(&args.sign);
    // A key that is not there signs as a foreign one: a slip would look like a finding.
    if let Sign::Key(kid) = &sign
        && let Some(near) = nearest(kid, Sign::NAMES)
    {
        return Err(format!("nobody called `{kid}` signs: did you mean `{near}`?"));
    }
    // An ID token is for the client (OpenID Connect Core section 2).
    let audience = match args.audience.as_slice() {
        [] if args.id_token => std::slice::from_ref(&args.client_id),
        given => given,
    };
    let mut spec = json!({
        "audience": audience, "claims": members(&args.claim)?, "client-id": args.client_id,
        "header": members(&args.header)?, "scope": args.scope, "sign": sign,
    });
    if args.id_token {
        spec["kind"] = "id".into();
    }
    if args.opaque {
        spec["kind"] = "opaque".into();
    }
    for (name, given) in [("alg", &args.alg), ("user", &args.user)] {
        if let Some(given) = given {
            spec[name] = given.as_str().into();
        }
    }
    Ok(spec)
}

/// A value as it was meant: a time where the claim is one, JSON where it is some, else a text.
fn value(name: &str, text: &str, now: i64) -> Result<Value, String> {
    let relative = text == "now" || text.starts_with(['+', '-']) && text.ends_with(|c: char| c.is_ascii_alphabetic());
    if TIMES.contains(&name) && relative {
        return offset(text)
            .map(|by| now.saturating_add(by).into())
            .ok_or_else(|| format!("{name}={text}: times are written +1h, -5m, +30s, +2d or now"));
    }
    Ok(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

/// Seconds of `+1h`, `-5m`, `now`.
fn offset(text: &str) -> Option<i64> {
    if text == "now" {
        return Some(0);
    }
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    text[..text.len() - 1].parse::<i64>().ok()?.checked_mul(unit)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Claims that are times.
const TIMES: [&str; 4] = ["auth_time", "exp", "iat", "nbf"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_look_like() {
        let read = |name, text| value(name, text, 1_000).expect("a value");
        assert_eq!(read("exp", "+1h"), json!(4_600));
        assert_eq!(read("nbf", "-5m"), json!(700));
        assert_eq!(read("iat", "now"), json!(1_000));
        assert_eq!(read("exp", "12"), json!(12));
        assert_eq!(read("exp", "-12"), json!(-12));
        assert_eq!(read("aud", "[\"a\",\"b\"]"), json!(["a", "b"]));
        assert_eq!(read("sub", "null"), Value::Null);
        assert_eq!(read("name", "+1h"), json!("+1h"));
        assert!(value("exp", "+1y", 0).is_err());
    }
}
