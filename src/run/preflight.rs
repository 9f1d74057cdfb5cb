//! The preflight: discovers the target, becomes a client, logs in and calls once, honestly, before anything is judged.
//!
//! It tells a configuration mistake from a finding: what could not be used is said once, with the next step, and the
//! cases that need it are blocked by that reason instead of failing each in its own way.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use url::Url;

use super::ability::{Abilities, Ability};
use super::{Helpers, NotStarted, Options, leg, machine, probes, proofs, recipe, stated, stuck, tokens};
use crate::diag::escape;
use crate::event::Document;
use crate::rule::{McpVersion, Role};
use crate::step::{
    self, Args, Budget, Client, Discovered, How, Idp, IdpWorkload, LoginForm, Noted, Pool, Reads, Recipe, Registration,
    Tool, User, World, authority,
};
use crate::target::{LoginHow, Profile, RegistrationHow, Upstream};
use crate::transcript::certificate;
use crate::wire::{Http, Limits, Wire};

/// What the preflight found.
#[derive(Clone)]
pub struct Preflight {
    /// Name of the target.
    pub name: String,
    /// The target and everything around it.
    pub world: World,
    /// What it offers.
    pub abilities: Abilities,
    /// The roles that are judged.
    pub roles: Vec<Role>,
    /// How users log in, in words.
    pub login: String,
    /// How clients come into being, in words.
    pub registration: String,
    /// The abilities that matter; absent: all.
    pub wanted: Option<BTreeSet<String>>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
    /// Protocol documents for the snapshot, redacted.
    pub documents: Vec<Document>,
}

impl Preflight {
    /// Whether it matters to anybody whether the target has this ability, and no other that begins like it.
    pub(super) fn wants_word(&self, word: &str) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.contains(word))
    }

    /// Whether it matters to anybody whether the target has one of the abilities that begin so.
    pub(super) fn wants(&self, beginnings: &[&str]) -> bool {
        let is_meant = |word: &String| beginnings.iter().any(|beginning| word.starts_with(beginning));
        self.wanted.as_ref().is_none_or(|wanted| wanted.iter().any(is_meant))
    }
}

/// Looks at the target. What only some cases need is not tried where none of the abilities `wanted` is about it.
///
/// # Errors
/// If nothing can be judged: no answer, no MCP endpoint, no authorization.
pub async fn look(
    profile: &Profile,
    helpers: &Helpers,
    options: &Options,
    wanted: Option<BTreeSet<String>>,
) -> Result<Preflight, NotStarted> {
    let http = Http::new(limits(profile, helpers))
        .map_err(|reason| stop(&format!("the HTTP client cannot be set up: {reason}")))?;
    if helpers.client.is_some() {
        let world = blank(profile, helpers, options, "", Arc::new(http));
        return super::client::look(profile, helpers, options, wanted, world).await;
    }
    // Without MCP URL the issuer stands for a bare authorization server.
    let named = profile.target.mcp_url.clone().or_else(|| profile.target.issuer.as_ref().map(|_| String::new()));
    let mcp_url = named.ok_or_else(|| stop("the profile gives no mcp-url, and no launched target named one"))?;
    let mut world = blank(profile, helpers, options, &mcp_url, Arc::new(http));
    allow_first(profile, helpers, &world);
    let wire = Wire::new(Arc::clone(&world.http));
    let stated = options.version.or(profile.target.mcp_version);
    let discovered = discover(&mut world, &wire, profile, stated).await?;
    let mut seen = Preflight {
        name: profile.target.name.clone(),
        roles: Vec::new(),
        abilities: Abilities::default(),
        login: String::new(),
        registration: String::new(),
        wanted,
        notes: Vec::new(),
        documents: stated::documents(&discovered, &wire),
        world,
    };
    trust(&mut seen, profile);
    seen.roles = roles(profile, options, &seen.world, &discovered);
    let doubts = doubts(profile, options, &seen, &discovered);
    seen.notes.extend(doubts);
    stated::from_metadata(&mut seen, &discovered);
    become_client(&mut seen, profile);
    recipe::honest_grant(&mut seen, stated).await;
    probes::self_registered(&mut seen).await;
    leg::misnamed(&mut seen, profile.upstream.as_ref().and_then(|upstream| upstream.client_id.as_deref()));
    recipe::issuer_trust(&mut seen, stated).await;
    proofs::look(&mut seen, &discovered).await;
    super::exchange::look(&mut seen, profile).await;
    machine::look(&mut seen).await;
    tokens::abilities(&mut seen).await;
    probes::document_host(&mut seen).await;
    probes::preflight_requests(&mut seen).await;
    if stated.is_none() && seen.roles.contains(&Role::ResourceServer) && !seen.abilities.has("call") {
        seen.notes.push(format!(
            "no call was served, so its MCP version is not known: it is judged by {}, the newest, unless --mcp-version or the profile \
             (mcp-version) says another",
            seen.world.version
        ));
    }
    for word in &profile.abilities.with {
        seen.abilities.set(&word.word, Ability::Has);
    }
    for word in &profile.abilities.without {
        seen.abilities.set(&word.word, Ability::Lacks("the profile says so (abilities.without)".into()));
    }
    Ok(seen)
}

/// What makes one doubt that the URL is the one that clients are given.
fn doubts(profile: &Profile, options: &Options, seen: &Preflight, discovered: &Discovered) -> Vec<String> {
    let (world, mut doubts) = (&seen.world, Vec::new());
    let left_to_us = profile.target.roles.is_empty() && options.roles.is_empty() && !world.is_bare();
    if left_to_us && !seen.roles.contains(&Role::ResourceServer) {
        let got = discovered.facts["status"].as_u64().map_or("nothing".to_owned(), |status| status.to_string());
        doubts.push(format!(
            "no MCP server is judged: {} answered {got} to an MCP request without a token, not 401, and has no resource metadata. Check the path: many servers use /mcp",
            world.mcp_url
        ));
    }
    if !world.found.metadata.is_object() && !world.is_bare() && profile.login.how != LoginHow::Token {
        doubts.push(without_metadata(&world.found.issuer, discovered));
    }
    let named = world.found.prm.as_ref().and_then(|prm| prm["resource"].as_str());
    let called = world.mcp_url.as_str();
    if let Some(named) = named
        && ![called, &world.mcp_url_twin()].contains(&named)
        && named.trim_end_matches('/') == called.trim_end_matches('/')
    {
        doubts.push(format!(
            "its resource metadata names {named}, but {called} is judged, and clients compare the two to the letter: if they are given {named}, judge that"
        ));
    }
    doubts
}

/// Where metadata was looked for, because most of what cannot be judged then is for want of it.
fn without_metadata(issuer: &str, discovered: &Discovered) -> String {
    let tried = discovered.facts["tried"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let places: Vec<&str> = tried.filter(|url| !url.contains("/oauth-protected-resource")).collect();
    let silent = discovered.silence.as_ref().and_then(Value::as_str);
    let why = silent.map_or_else(String::new, |reason| format!(". A request got no usable answer: {reason}"));
    format!("{issuer} publishes no authorization server metadata (JSON, status 200) at {}{why}", places.join(", "))
}

fn stop(message: &str) -> NotStarted {
    NotStarted { message: message.to_owned() }
}

fn limits(profile: &Profile, helpers: &Helpers) -> Limits {
    let given = &profile.limits;
    Limits {
        timeout: given.timeout,
        max_body: given.max_body,
        max_retry_after: given.max_retry_after,
        requests_per_second: given.requests_per_second,
        source_addresses: given.source_addresses.clone(),
        extra_roots: helpers.idp.iter().filter_map(|(idp, _)| Some(idp.ca_pem()?.into())).collect(),
        ..Limits::default()
    }
}

fn blank(profile: &Profile, helpers: &Helpers, options: &Options, mcp_url: &str, http: Arc<Http>) -> World {
    let login = &profile.login;
    let users = login.users.iter().map(|u| {
        let user = User {
            username: u.username.clone().unwrap_or_else(|| u.name.clone()),
            password: u.password.as_ref().map_or_else(|| stuck::MADE_UP.to_owned(), |p| p.expose().to_owned()),
            fields: u.fields.iter().map(|(n, v)| (n.clone(), v.expose().to_owned())).collect(),
            token: u.token.as_ref().filter(|_| login.how == LoginHow::Token).map(|token| token.expose().to_owned()),
        };
        (u.name.clone(), user)
    });
    let tools = [
        ("read", &profile.scopes.tool_read),
        ("write", &profile.scopes.tool_write),
        ("show", &profile.scopes.tool_show),
        ("restricted", &profile.scopes.tool_restricted),
        ("upstream", &profile.scopes.tool_upstream),
        ("downstream", &profile.scopes.tool_downstream),
        ("downstream-write", &profile.scopes.tool_downstream_write),
    ];
    let tools = tools.into_iter().filter_map(|(kind, tool)| {
        let tool = tool.as_ref()?;
        let scope = (!tool.scopes.is_empty()).then(|| tool.scopes.join(" "));
        Some((kind.to_owned(), Tool { name: tool.name.clone(), arguments: tool.arguments.clone(), scope }))
    });
    let jobs = options.jobs.or(profile.limits.jobs).unwrap_or(super::DEFAULT_JOBS);
    let resource = profile.target.resource.clone().unwrap_or_else(|| mcp_url.to_owned());
    let registration = Registration {
        how: How::None,
        preset: preset(profile, profile.registration.client.as_ref()),
        other: preset(profile, profile.registration.other.as_ref()),
        client_name: profile.registration.client_name.clone().unwrap_or_else(|| "authspec test client".into()),
        redirect_uris: redirect_uris(profile),
        method: profile.registration.token_endpoint_auth_method.map(|method| method.to_string()),
        scope: profile.registration.scope.clone(),
    };
    let workload = profile.upstream.as_ref().and_then(|u| u.workload.as_ref()).map(|workload| IdpWorkload {
        subject: workload.subject.clone(),
        claims: workload.claims.clone(),
        audience: String::new(),
    });
    let reads = Reads::default();
    let found = step::Found { issuer: profile.target.issuer.clone().unwrap_or_default(), ..step::Found::default() };
    World {
        http,
        mcp_url: mcp_url.to_owned(),
        version: options.version.or(profile.target.mcp_version).unwrap_or(McpVersion::NEWEST),
        found: Noted::new("found", found, &reads),
        exchange: Noted::new("exchange", super::exchange::from_profile(profile, &redirect_uris(profile)), &reads),
        recipe: Noted::new(
            "recipe",
            Recipe { resource, refresh_grace: profile.target.refresh_grace, ..Recipe::default() },
            &reads,
        ),
        users: users.collect(),
        forms: LoginForm {
            username_field: login.form.username_field.clone(),
            password_field: login.form.password_field.clone(),
            submit: login.form.submit.clone(),
            approve: login.approve_button.clone(),
            deny: login.deny_button.clone(),
            users: login.users.iter().filter_map(|user| user.username.clone()).collect(),
            clients: vec![registration.client_name.clone()],
            steps: Vec::new(),
            command: if login.how == LoginHow::Command { login.command.clone() } else { Vec::new() },
        },
        registration: Noted::new("registration", registration, &reads),
        pool: Arc::new(Pool::new(jobs, Budget::new(Some(profile.limits.registrations)))),
        host: helpers.host.clone(),
        idp: helpers.idp.clone().map(|(idp, issuer)| Idp {
            authority: authority(&issuer.url()),
            idp,
            issuer,
            audience: Noted::new("idp.audience", mcp_url.to_owned(), &reads),
            scope: Noted::new("idp.scope", None, &reads),
            look: profile.token.clone(),
            cooldown: profile.upstream.as_ref().map_or(Upstream::JWKS_COOLDOWN, |u| u.jwks_cooldown),
            employee: profile.upstream.as_ref().and_then(|u| u.employee.clone()).unwrap_or_else(|| EMPLOYEE.into()),
            workload: Noted::new("idp.workload", workload, &reads),
        }),
        client: helpers.client.clone(),
        tools: Noted::new("tools", tools.collect(), &reads),
        provisioning: profile.provisioning.clone(),
        own_authorities: Noted::new("own-authorities", Vec::new(), &reads),
        clock: helpers.clock.clone(),
        reads,
    }
}

/// Loopback redirect URIs; nobody listens there, because the browser stops at the redirect.
fn redirect_uris(profile: &Profile) -> Vec<String> {
    if profile.registration.redirect_uris.is_empty() {
        vec![REDIRECT_URI.to_owned()]
    } else {
        profile.registration.redirect_uris.clone()
    }
}

fn preset(profile: &Profile, client: Option<&crate::target::PresetClient>) -> Option<Client> {
    let client = client?;
    let secret = client.secret.as_ref().map(|s| s.expose().to_owned());
    let method = profile.registration.token_endpoint_auth_method.unwrap_or_else(|| client.default_method());
    Some(Client {
        name: "default".into(),
        id: client.id.clone(),
        secret,
        key: client.key.clone(),
        method: method.to_string(),
        redirect_uris: redirect_uris(profile),
        registration: Arc::default(),
    })
}

fn allow_first(profile: &Profile, helpers: &Helpers, world: &World) {
    world.http.allow(&world.mcp_authority());
    let extra = profile.target.allow.iter().map(String::as_str).chain(profile.target.issuer.as_deref());
    for url in extra.filter_map(|u| Url::parse(u).ok()) {
        world.http.allow(url.authority());
    }
    if let Some(host) = &helpers.host {
        world.http.allow(&authority(&host.url("/")));
    }
    if let Some((idp, _)) = &helpers.idp {
        world.http.allow(&authority(&idp.base_url()));
    }
}

/// Discovery with the probe of the newest version, then of the one before: a server that does not know the stateless
/// form answers 400 to it, which says nothing about authorization.
async fn discover(
    world: &mut World,
    wire: &Wire,
    profile: &Profile,
    stated: Option<McpVersion>,
) -> Result<Discovered, NotStarted> {
    let issuer = profile.target.issuer.as_deref();
    let mut discovered = attempt(world, wire, issuer).await;
    if let Some(reason) = discovered.facts["no-answer"].as_str() {
        let next = certificate(reason).unwrap_or("Is the server running, and is this its MCP URL?");
        return Err(stop(&format!("nothing could be judged: {} does not answer ({reason}). {next}", world.mcp_url)));
    }
    if world.is_bare() && !is_oauth(&discovered.found.metadata) {
        if let Some(reason) = discovered.silence.as_ref().and_then(Value::as_str) {
            let issuer = &world.found.issuer;
            return Err(stop(&format!(
                "nothing could be judged: {issuer} does not answer ({reason}). Is the server running, and is this its issuer?"
            )));
        }
        return Err(stop(&format!(
            "nothing to judge: {} publishes no authorization server metadata; looked at {}. Is the server running, and is this its issuer?",
            world.found.issuer, discovered.facts["tried"]
        )));
    }
    if stated.is_none() && discovered.facts["status"] != 401 && !world.is_bare() {
        world.version = McpVersion::V2025_11_25;
        let second = attempt(world, wire, issuer).await;
        if second.facts["status"] == 401 || second.found.prm.is_some() {
            discovered = second;
        } else {
            world.version = McpVersion::NEWEST;
        }
    }
    let status = discovered.facts["status"].as_u64().unwrap_or(0);
    let oauth = discovered.found.prm.as_ref().is_some_and(is_oauth) || is_oauth(&discovered.found.metadata);
    if !oauth && status != 401 && !world.is_bare() {
        return Err(stop(&not_an_oauth_server(&world.mcp_url, status, &discovered.opening)));
    }
    *world.found = discovered.found.clone();
    Ok(discovered)
}

async fn attempt(world: &World, wire: &Wire, issuer: Option<&str>) -> Discovered {
    let mut probe_world = world.clone();
    probe_world.pool = Arc::clone(&world.pool);
    let context = recipe::context(&Arc::new(probe_world), wire).await;
    let probe = step::probe(&context, Args::new(&Map::new()));
    // Authorization servers are allowed as the metadata names them: first the list, then the endpoints.
    let first = step::discover(wire, &world.mcp_url, probe.clone(), None, issuer).await;
    if allow_issuers(world, &first) { step::discover(wire, &world.mcp_url, probe, None, issuer).await } else { first }
}

/// Allows the authorization server that the resource metadata names, and the places of its endpoints. A remote target
/// may not send the harness to this machine. Returns whether something new was allowed.
fn allow_issuers(world: &World, discovered: &Discovered) -> bool {
    let endpoints = discovered.found.metadata.as_object().into_iter().flatten();
    let endpoints = endpoints
        .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
        .filter_map(|(_, v)| v.as_str());
    let named = discovered.found.prm_url.as_deref().into_iter();
    let challenge = discovered.facts["challenge"]["params"]["resource_metadata"].as_str().into_iter();
    let mut news = false;
    for url in endpoints.chain(named).chain(challenge).chain([discovered.found.issuer.as_str()]) {
        let Ok(url) = Url::parse(url) else { continue };
        if is_loopback(&url) && !Url::parse(world.place()).is_ok_and(|u| is_loopback(&u)) {
            continue;
        }
        if !world.http.is_allowed(url.as_str()) {
            world.http.allow(url.authority());
            news = true;
        }
    }
    news
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether a document says anything of authorization: a server that answers every path with the same JSON publishes
/// no metadata.
fn is_oauth(document: &Value) -> bool {
    let telling = |name: &String| name == "issuer" || name == "authorization_servers" || name.ends_with("_endpoint");
    document.as_object().is_some_and(|members| members.keys().any(telling))
}

fn not_an_oauth_server(url: &str, status: u64, opening: &Value) -> String {
    let next = "Check the URL (the path too: many servers use /mcp) and that authorization is switched on.";
    if let Some(how) = opening["dropped"].as_str() {
        return format!(
            "{url} did not answer an MCP request in HTTP: {}. Is it an https server asked by http, or a port of something else?",
            escape(how)
        );
    }
    match status {
        200..300 if opening["web-page"] == true => format!(
            "no MCP endpoint at {url}: a well-formed POST got a web page, and there is no OAuth metadata beside it. {next}"
        ),
        200..300 if opening["body"].is_null() => format!(
            "no MCP endpoint at {url}: a well-formed POST got {status} without an MCP answer, and there is no OAuth metadata beside it. {next}"
        ),
        300..400 => format!(
            "{url} sends MCP requests on ({status}) to {}, and publishes no OAuth metadata. If that is the MCP server, judge it there. {next}",
            opening["headers"]["location"].as_str().map_or("nowhere".into(), escape)
        ),
        200..300 => format!(
            "nothing to judge: {url} serves MCP requests without a token and publishes no OAuth metadata. {next}"
        ),
        404 | 405 => format!(
            "no MCP endpoint at {url}: a well-formed POST got {status}, and there is no OAuth metadata beside it. {next}"
        ),
        _ => format!(
            "{url} answered {status} to an MCP request without a token, not 401, and publishes no OAuth metadata. {next}"
        ),
    }
}

/// Which authorities belong to the target: the browser follows redirects there.
fn trust(seen: &mut Preflight, profile: &Profile) {
    let world = &mut seen.world;
    let metadata = world.found.metadata.as_object().cloned().unwrap_or_default();
    let mut own = vec![world.mcp_authority(), authority(&world.found.issuer)];
    own.extend(
        metadata.iter().filter(|(n, _)| n.ends_with("_endpoint")).filter_map(|(_, v)| v.as_str()).map(authority),
    );
    own.extend(profile.target.allow.iter().map(|u| authority(u)));
    if let Some(idp) = &world.idp {
        own.push(authority(&idp.idp.base_url()));
    }
    own.sort();
    own.dedup();
    own.retain(|a| !a.is_empty() && world.http.is_allowed(&format!("http://{a}/")));
    *world.own_authorities = own;
    let version = world.version;
    world.recipe.send_resource = version >= McpVersion::V2025_06_18 && !world.recipe.resource.is_empty();
    if let Some(resource) =
        world.found.prm.as_ref().and_then(|p| p["resource"].as_str()).filter(|_| profile.target.resource.is_none())
    {
        world.recipe.resource = resource.to_owned();
    }
    world.recipe.scope = default_scope(world);
    if let Some(idp) = &mut world.idp {
        let place = if world.recipe.resource.is_empty() { &world.found.issuer } else { &world.recipe.resource };
        *idp.audience = idp.look.audience.clone().unwrap_or_else(|| place.clone());
        (*idp.scope).clone_from(&world.recipe.scope);
    }
}

/// The challenge's scope, else all of `scopes_supported` of the resource (MCP Scope Selection Strategy). A bare authorization
/// server has neither: what the profile registers its clients for.
fn default_scope(world: &World) -> Option<String> {
    let challenged = world.found.challenge_scope.clone().filter(|s| !s.is_empty());
    let registered = || world.registration.scope.clone().filter(|_| world.is_bare());
    let of_resource = || {
        let listed = world.found.prm.as_ref()?.get("scopes_supported")?.as_array()?;
        let words: Vec<&str> = listed.iter().filter_map(Value::as_str).collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    challenged.or_else(of_resource).or_else(registered)
}

/// Roles: as the profile says, else as found; an authorization server that is our own IdP is not judged.
fn roles(profile: &Profile, options: &Options, world: &World, discovered: &Discovered) -> Vec<Role> {
    let at_ours = |url: &str| world.idp.as_ref().is_some_and(|idp| authority(&idp.idp.base_url()) == authority(url));
    // A server without metadata of its own may repeat that of its issuer, as MCP 2025-03-26 had it: whose endpoints are ours
    // is no authorization server.
    let repeated = world.found.metadata["token_endpoint"].as_str().is_some_and(at_ours);
    let ours = repeated || at_ours(&world.found.issuer);
    let mut roles = profile.target.roles.clone();
    if roles.is_empty() {
        if world.found.prm.is_some() || discovered.facts["status"] == 401 {
            roles.push(Role::ResourceServer);
        }
        // A server that is named but publishes nothing is there to be judged all the same, as is one that by
        // MCP 2025-03-26 is the MCP server itself.
        let named = world.found.prm.as_ref().is_some_and(|p| p["authorization_servers"][0].is_string());
        let itself = world.version == McpVersion::V2025_03_26 && discovered.facts["status"] == 401;
        if (world.found.metadata.is_object() || named || itself) && !ours {
            roles.push(Role::AuthorizationServer);
        }
        if !ours && (profile.exchange.is_some() || super::exchange::is_listed(&world.found.metadata)) {
            roles.push(Role::TokenExchange);
        }
    }
    roles.retain(|r| !world.is_bare() || [Role::AuthorizationServer, Role::TokenExchange].contains(r));
    roles.retain(|r| options.roles.is_empty() || options.roles.contains(r));
    roles
}

/// Chooses the way to a client. The profile decides; `auto` takes a preset client, then dynamic registration, then a
/// metadata document (see `docs/decisions.md` for why documents come last).
fn become_client(seen: &mut Preflight, profile: &Profile) {
    let world = &mut seen.world;
    let dynamic = world.found.metadata["registration_endpoint"].is_string();
    let document = world.found.metadata["client_id_metadata_document_supported"] == true && world.host.is_some();
    let how = match profile.registration.how {
        RegistrationHow::Preset => How::Preset,
        RegistrationHow::Dynamic => How::Dynamic,
        RegistrationHow::MetadataDocument => How::Document,
        RegistrationHow::Auto if world.registration.preset.is_some() => How::Preset,
        RegistrationHow::Auto if dynamic => How::Dynamic,
        RegistrationHow::Auto if document => How::Document,
        RegistrationHow::Auto => How::None,
    };
    world.registration.how = how;
    seen.registration = match how {
        How::Preset => "a preset client".into(),
        How::Dynamic => "clients registered dynamically".into(),
        How::Document => "clients by metadata document".into(),
        How::None => "no way to get a client".into(),
    };
    let names: Vec<String> = world.users.keys().cloned().collect();
    seen.login = match profile.login.how {
        LoginHow::None => "no login".into(),
        LoginHow::Token => "a given access token".into(),
        LoginHow::Command => format!("login by command as {}", names.join(", ")),
        _ => format!("login by form as {}", names.join(", ")),
    };
    let metadata = json!({ "dynamic": dynamic, "document": document });
    let abilities = &mut seen.abilities;
    abilities.decide("dynamic-registration", metadata["dynamic"] == true, "no registration_endpoint in the metadata");
    abilities.decide("registration-endpoint", metadata["dynamic"] == true, "no registration_endpoint in the metadata");
    abilities.decide(
        "metadata-document",
        metadata["document"] == true,
        "client_id_metadata_document_supported is not true",
    );
    let (method, reason) = match how {
        How::Preset => {
            (world.registration.preset.as_ref().map(|c| c.method.as_str()), "the preset client has credentials")
        }
        How::Dynamic => (world.registration.method.as_deref(), "the profile has clients register with a secret"),
        How::Document | How::None => (None, "no client can be had"),
    };
    let secret = method.is_some_and(|method| method != "none");
    abilities.decide("public-client", how != How::None && !secret, reason);
    if let Some(preset) = world.registration.preset.as_ref().filter(|_| how == How::Preset) {
        // Cases that name a kind of client get the preset one, so it has to be of that kind.
        let is = |method: &str| preset.method == method && preset.has_credentials();
        let (basic, post) = (is("client_secret_basic"), is("client_secret_post"));
        let other = "the preset client authenticates in another way";
        abilities.decide("secret-basic", basic, other);
        abilities.decide("secret-post", post, other);
        abilities.decide("confidential-client", basic || post, other);
        abilities.decide("private-key-jwt", is("private_key_jwt"), other);
    }
    // A server may hold a client to the one way that it registered.
    let preset = world.registration.preset.as_ref().filter(|_| how == How::Preset);
    for (word, kind) in [
        ("basic-client", "client_secret_basic"),
        ("jwt-client", "private_key_jwt"),
        ("post-client", "client_secret_post"),
    ] {
        let is = preset.is_none_or(|client| client.method == kind && client.has_credentials());
        abilities.decide(word, is, "the preset client authenticates in another way, or not at all");
    }
    let own = world.registration.redirect_uris.iter().eq([REDIRECT_URI]);
    abilities.decide("own-redirect-uri", own, "the profile names other redirect URIs");
    abilities.decide("preset", how == How::Preset, "the profile presets no client");
    let two = match how {
        How::Preset => world.registration.other.is_some(),
        How::None => false,
        _ => true,
    };
    abilities.decide("two-clients", two, "only one client can be had");
}

/// The subject of our identity provider's first user.
const EMPLOYEE: &str = "user-alice";
/// Where clients are redirected to; nobody listens there.
const REDIRECT_URI: &str = "http://127.0.0.1:33418/callback";
