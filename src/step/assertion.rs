//! Assertions for the JWT bearer grant (RFC 7523 section 2.1), made by our identity provider: about a workload, or an
//! identity assertion (ID-JAG) that lets a client act for an employee.

use mock_idp::{Issuer, TokenSpec};
use serde_json::{Map, Value, json};

use super::args::Args;
use super::client::Client;
use super::context::Context;
use super::mutate;
use super::noted::part;
use super::world::Idp;
use crate::oauth::jwt::Jwt;
use crate::oauth::pkce;
use crate::transcript::Secret;

/// The `grant_type`.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whether a `token` step presents an assertion as its grant.
pub fn is_asked_for(args: Args<'_>) -> bool {
    ["assertion-token", "id-jag", "workload"].iter().any(|name| args.get(name).is_some())
}

/// Whether the assertion speaks for itself: its bearer is no client (RFC 7521 section 4.1).
pub fn needs_no_client(args: Args<'_>) -> bool {
    is_asked_for(args) && args.get("id-jag").is_none() && args.get("client").is_none()
}

/// The assertion of a `token` step: as given, or honest but for what the case changes.
pub fn of(context: &mut Context, client: &Client, args: Args<'_>) -> Result<Option<String>, String> {
    if let Some(given) = args.text("assertion-token") {
        return Ok(Some(given));
    }
    let (spec, change) = if args.get("id-jag").is_some() {
        (identity(context, client)?, args.table("id-jag"))
    } else if args.get("workload").is_some() {
        let change = args.table("workload");
        (workload(context, Args::new(&change).flag("of-another"))?, change)
    } else {
        return Ok(None);
    };
    let assertion = changed(context, spec, Args::new(&change))?;
    context.wire.learn(Secret::Assertion, &assertion);
    Ok(Some(assertion))
}

/// An honest assertion about the workload that the profile names.
fn workload(context: &Context, of_another: bool) -> Result<TokenSpec, String> {
    let idp = provider(context)?;
    let workload = idp.workload.as_ref().ok_or("vouch for a workload: the profile names none (upstream.workload)")?;
    let mut claims = workload.claims.clone();
    if of_another {
        // What lets a workload in may be any of its claims (WIF draft, Trust Configuration).
        claims.values_mut().for_each(|value| *value = json!("authspec-of-another"));
    }
    claims.insert("sub".into(), json!(workload.subject));
    claims.insert("client_id".into(), Value::Null);
    let audience = workload.audience.clone();
    Ok(TokenSpec {
        audience: vec![if audience.is_empty() { context.world.endpoint("token_endpoint")? } else { audience }],
        claims,
        header: typ("JWT"),
        ttl: Some(LIFETIME),
        ..TokenSpec::default()
    })
}

/// An honest ID-JAG for the client.
fn identity(context: &Context, client: &Client) -> Result<TokenSpec, String> {
    let idp = provider(context)?;
    let mut claims = Map::new();
    claims.insert("sub".into(), json!(idp.employee));
    claims.insert("resource".into(), json!(part!(context.world.recipe, resource)));
    Ok(TokenSpec {
        audience: vec![context.world.issuer()],
        claims,
        client_id: client.id.clone(),
        header: typ("oauth-id-jag+jwt"),
        scope: context.world.machine_scope().unwrap_or_default(),
        ttl: Some(LIFETIME),
        ..TokenSpec::default()
    })
}

/// Mints it with the changes of the case: `claims`, `drop`, `header`, `drop-header`, `alg`, `sign`.
fn changed(context: &mut Context, mut spec: TokenSpec, change: Args<'_>) -> Result<String, String> {
    spec.claims.extend(change.table("claims"));
    spec.claims.extend(change.list("drop").into_iter().map(|name| (name, Value::Null)));
    spec.header.extend(change.table("header"));
    spec.header.extend(change.list("drop-header").into_iter().map(|name| (name, Value::Null)));
    if let Some(alg) = change.text("alg") {
        spec.alg = Some(mock_idp::Alg::parse(&alg).ok_or_else(|| format!("make an assertion: no key signs by {alg}"))?);
    }
    let idp = provider(context)?.clone();
    match change.text("sign").as_deref() {
        None | Some("issuer") => Ok(idp.issuer.mint(spec)),
        Some("former") => Ok(idp.issuer.mint(TokenSpec { sign: mock_idp::Sign::Former, ..spec })),
        Some("stranger") => Ok(stranger(context, &idp, &format!("stranger-{}", pkce::random(9))).mint(spec)),
        Some("below") => {
            let name = format!("{}/below-{}", idp.issuer.name(), pkce::random(9));
            Ok(stranger(context, &idp, &name).mint(spec))
        }
        Some(attack) => {
            let honest = Jwt::decode(&idp.issuer.mint(spec)).ok_or("make an assertion: it is no JWT")?;
            mutate::by_attacker(context, honest, attack)
        }
    }
}

/// An issuer that nobody has told the target to trust; its documents can be fetched like those of ours.
fn stranger(context: &mut Context, idp: &Idp, name: &str) -> Issuer {
    let issuer = idp.idp.issuer(name);
    let alg = idp.issuer.config().alg;
    issuer.configure(|config| config.alg = alg);
    context.strangers.push(issuer.clone());
    issuer
}

/// How often the target fetched what assertions of the case lured it to: documents of strangers, keys named by headers.
pub fn lured(context: &Context) -> usize {
    let host = context.world.host.as_ref();
    let baits: usize = host.map_or(0, |host| context.baits.iter().map(|path| host.hits(path).len()).sum());
    baits + context.strangers.iter().map(Issuer::received).sum::<usize>()
}

fn provider(context: &Context) -> Result<&Idp, String> {
    let idp = context.world.idp.as_ref();
    idp.ok_or_else(|| "make an assertion: the target is not wired to our identity provider (section [upstream])".into())
}

fn typ(name: &str) -> Map<String, Value> {
    Map::from_iter([("typ".to_owned(), json!(name))])
}

/// Of an honest assertion, in seconds.
const LIFETIME: i64 = 120;
