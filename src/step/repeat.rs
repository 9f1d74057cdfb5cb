//! `repeat`: one verb several times, at once (a race) or in a row.

use std::borrow::Cow;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::args::Args;
use super::context::{Context, Grant};
use super::noted::part;
use super::{authorize, call, facts, fetch, proof, register, token};
use crate::oauth::jwt::Jwt;
use crate::oauth::pkce;
use crate::transcript::{Outcome, Request, Secret};

/// Repeats the nested verb `parallel` times at once or `times` times in a row.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let verb =
        ["token", "call", "authorize", "register", "fetch", "exchange"].into_iter().find(|v| args.get(v).is_some());
    let verb = verb.ok_or("repeat a verb: none is given")?;
    let nested = args.table(verb);
    let patient = context.wire.clone();
    if args.get("waits") == Some(&Value::Bool(false)) {
        context.wire = patient.without_waiting();
    }
    let kids = if args.flag("vary-kid") { Kids::New } else { Kids::Same };
    let parallel = args.number("parallel").filter(|n| *n > 1);
    let answers = match parallel {
        Some(n) => at_once(context, verb, &nested, kids, usize::try_from(n).unwrap_or(2).clamp(2, MOST)).await,
        None => in_a_row(context, verb, &nested, kids, args.number("times").unwrap_or(2).min(MOST as u64)).await,
    };
    context.wire = patient;
    let answers = answers?;
    let succeeded = answers.iter().filter(|a| success(verb, a)).count();
    let statuses: Vec<&Value> = answers.iter().map(|a| &a["status"]).collect();
    let crashes = answers.iter().filter(|a| a["crash"] == true).count();
    let mut facts = json!({
        "succeeded": succeeded, "statuses": statuses, "crashes": crashes, "crash": crashes > 0,
        "limited": answers.iter().filter(|a| a["status"] == 429).count(),
        "values": values(verb, &answers),
    });
    if let Some(reason) = unanswered(&answers, parallel.is_some(), succeeded) {
        facts["no-answer"] = json!(reason);
    }
    facts["answers"] = Value::Array(answers);
    Ok(facts)
}

async fn at_once(
    context: &mut Context,
    verb: &str,
    nested: &Map<String, Value>,
    kids: Kids,
    n: usize,
) -> Result<Vec<Value>, String> {
    let (outcomes, grant) = match kids {
        Kids::Same => race(context, verb, Args::new(nested), n).await?,
        Kids::New => strangers(context, verb, nested, n).await?,
    };
    Ok(outcomes
        .iter()
        .map(|outcome| match (verb, &grant) {
            ("token", Some(grant)) => {
                let facts = token::facts_of(facts::http(outcome));
                token::remember(context, &facts, grant);
                facts
            }
            ("call", _) => call::facts_of(outcome),
            _ => Value::Object(facts::http(outcome)),
        })
        .collect())
}

/// The names of the keys by which the JWTs of repetitions say that they are signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kids {
    Same,
    /// Nobody knows any of them.
    New,
}

impl Kids {
    /// The arguments of one repetition.
    fn of<'a>(self, context: &Context, nested: &'a Map<String, Value>) -> Cow<'a, Map<String, Value>> {
        if self == Kids::Same {
            return Cow::Borrowed(nested);
        }
        let mut nested = nested.clone();
        let kid = json!(format!("authspec-{}", pkce::random(9)));
        if let Some(mut jwt) = nested.get("bearer").and_then(Value::as_str).and_then(Jwt::decode) {
            jwt.header.insert("kid".into(), kid.clone());
            let bearer = format!("{}.{}", jwt.signing_input(), jwt.signature);
            context.wire.learn(Secret::AccessToken, &bearer);
            nested.insert("bearer".into(), json!(bearer));
        }
        for assertion in ["workload", "id-jag"] {
            if let Some(Value::Object(parts)) = nested.get_mut(assertion) {
                parts.entry("header").or_insert_with(|| json!({}))["kid"] = kid.clone();
            }
        }
        Cow::Owned(nested)
    }
}

/// The same request several times at once.
async fn race(context: &mut Context, verb: &str, args: Args<'_>, n: usize) -> Result<Sent, String> {
    let code = if verb == "token" { token::code(context, args) } else { None };
    let mut volley = volley(context, verb, args, code.as_deref())?;
    let mut outcomes = volley.send(context, args, n).await?;
    // A nonce is asked for before anything else is looked at (RFC 9449 section 8): that was no race yet.
    if proof::is_honest(&args.table("dpop")) && proof::note_all(context, &volley.request.url, &outcomes) {
        volley = self::volley(context, verb, args, code.as_deref())?;
        outcomes = volley.send(context, args, n).await?;
    }
    Ok((outcomes, volley.grant))
}

/// Requests at once that each name another key.
async fn strangers(context: &mut Context, verb: &str, nested: &Map<String, Value>, n: usize) -> Result<Sent, String> {
    let mut volleys = Vec::with_capacity(n);
    for _ in 0..n {
        let nested = Kids::New.of(context, nested).into_owned();
        volleys.push((volley(context, verb, Args::new(&nested), None)?, nested));
    }
    let context = &*context;
    let sends = volleys.iter().map(|(volley, nested)| volley.send(context, Args::new(nested), 1));
    let outcomes = join_all(sends).await.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    Ok((outcomes, volleys.pop().and_then(|(volley, _)| volley.grant)))
}

/// What came of requests, and the grant that tokens in the answers belong to.
type Sent = (Vec<Outcome>, Option<Grant>);

/// One request that is to be sent several times at once.
struct Volley {
    by: String,
    request: Request,
    proofs: Proofs,
    grant: Option<Grant>,
}

/// The DPoP proofs of a volley.
enum Proofs {
    None,
    /// One for all.
    Same,
    /// Each request has its own: one for all would let one of them through, whatever the rule says.
    Own,
}

fn volley(context: &mut Context, verb: &str, args: Args<'_>, code: Option<&str>) -> Result<Volley, String> {
    let asked = if proof::is_asked(args.get("dpop")) { Proofs::Same } else { Proofs::None };
    Ok(match verb {
        "token" => {
            let prepared = token::prepare(context, args, code)?;
            let own = part!(context.world.recipe, prove) && args.get("dpop").is_none();
            let (grant, proofs) = (prepared.grant().clone(), if own { Proofs::Own } else { asked });
            Volley { by: prepared.by, request: prepared.request, proofs, grant: Some(grant) }
        }
        "call" => {
            let request = call::prepare(context, args, args.text("session").as_deref());
            Volley { by: "client".into(), request, proofs: asked, grant: None }
        }
        "fetch" => {
            let by = args.text("browser").unwrap_or_else(|| "client".into());
            Volley { by, request: browsed(context, args)?, proofs: Proofs::None, grant: None }
        }
        other => return Err(format!("repeat `{other}` at once: only token, call and fetch can race")),
    })
}

impl Volley {
    async fn send(&self, context: &Context, args: Args<'_>, n: usize) -> Result<Vec<Outcome>, String> {
        let (change, token) = (args.table("dpop"), args.text("bearer"));
        let proven = || -> Result<Request, String> {
            Ok(proof::attach(context, self.request.clone(), Args::new(&change), token.as_deref())?.0)
        };
        let requests = match self.proofs {
            Proofs::None => vec![self.request.clone(); n],
            Proofs::Same => vec![proven()?; n],
            Proofs::Own => (0..n).map(|_| proven()).collect::<Result<_, _>>()?,
        };
        let sends = requests.into_iter().map(|request| context.wire.send(&self.by, request));
        Ok(join_all(sends).await.into_iter().map(|a| a.outcome).collect())
    }
}

/// The request of a `fetch`, as its browser would send it if it names one.
fn browsed(context: &mut Context, args: Args<'_>) -> Result<Request, String> {
    let request = fetch::prepare(context, args)?;
    Ok(match args.text("browser") {
        Some(name) => context.seat(&name).browser.request(request),
        None => request,
    })
}

async fn in_a_row(
    context: &mut Context,
    verb: &str,
    nested: &Map<String, Value>,
    kids: Kids,
    times: u64,
) -> Result<Vec<Value>, String> {
    let mut answers = Vec::new();
    for _ in 0..times {
        let nested = kids.of(context, nested);
        let args = Args::new(&nested);
        answers.push(match verb {
            "token" => token::perform(context, args).await?,
            "authorize" => authorize::perform(context, args).await?,
            "register" => register::perform(context, args).await?,
            "call" => call::perform(context, args).await?,
            "fetch" => fetch::perform(context, args).await?,
            _ => super::exchange::perform(context, args).await?,
        });
    }
    Ok(answers)
}

/// Why the repetitions cannot be judged: one was not answered. In a race, silence may be one of the answers.
fn unanswered(answers: &[Value], race: bool, succeeded: usize) -> Option<&str> {
    let reason = answers.iter().find_map(|answer| answer["no-answer"].as_str())?;
    (!race || succeeded == 0).then_some(reason)
}

fn success(verb: &str, answer: &Value) -> bool {
    match verb {
        "token" | "exchange" => answer["granted"] == true,
        "call" => answer["served"] == true,
        "authorize" => answer["stopped-at"] == "code" || answer["stopped-at"] == "pushed",
        "register" => answer["client"]["id"].is_string(),
        _ => answer["status"].as_u64().is_some_and(|s| (200..300).contains(&s)),
    }
}

/// The values that must differ between repetitions, by name: codes, tokens, session ids.
fn values(verb: &str, answers: &[Value]) -> Value {
    let paths: &[(&str, &str)] = match verb {
        "token" | "exchange" => &[("access-token", "body.access_token"), ("refresh-token", "body.refresh_token")],
        "authorize" => &[
            ("code", "redirect.query.code"),
            ("request-uri", "par.request-uri"),
            ("upstream-challenge", "upstream.query.code_challenge"),
            ("upstream-nonce", "upstream.query.nonce"),
            ("upstream-state", "upstream.query.state"),
        ],
        "register" => &[("client-id", "client.id"), ("client-secret", "client.secret")],
        "call" => &[("session", "session")],
        _ => &[],
    };
    let lists = paths.iter().map(|(name, path)| {
        let found: Vec<&Value> =
            answers.iter().filter_map(|a| crate::fact::dig(a, path)).filter(|v| v.is_string()).collect();
        ((*name).to_owned(), json!(found))
    });
    Value::Object(lists.collect::<Map<_, _>>())
}

/// More repetitions than this are a load test, which this is not.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_a_race_is_silence_an_answer() {
        let answers = [json!({ "status": 200 }), json!({ "no-answer": "no answer within 10s" })];
        assert_eq!(unanswered(&answers, false, 1), Some("no answer within 10s"));
        assert_eq!(unanswered(&answers, true, 1), None);
        assert_eq!(unanswered(&answers, true, 0), Some("no answer within 10s"));
    }
}
