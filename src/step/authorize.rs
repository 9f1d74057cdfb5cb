//! `authorize`, `login`, `consent`, `callback`: the browser's part of the authorization code grant (OAuth 2.1 section 4.1).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::args::{self, Args};
use super::call;
use super::client::Client;
use super::context::{Context, Grant, Transaction};
use super::journey::{self, Goal, Plan, Start};
use super::noted::part;
use super::page_facts;
use super::page_words;
use super::push;
use super::token;
use crate::oauth::pkce;
use crate::transcript::Request;
use crate::wire::{Button, Field, Form, Page};

/// Opens an authorization request and travels up to `until`.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let client = context.client_or(&args.text("client").unwrap_or_else(|| "default".into()))?;
    let browser = args.text("browser").unwrap_or_else(|| "alice".into());
    let (params, tx) = request(context, &client, &browser, args);
    let url = match args.text("url") {
        Some(url) => url,
        None => context.world.endpoint("authorization_endpoint")?,
    };
    let mut params = params;
    let mut told = None;
    if let Some(change) = push::asked(context, args) {
        let mut pushed = push::push(context, &client, params, &change).await?;
        let until_pushed = args.text("until").as_deref() == Some("pushed");
        match pushed.front.take_if(|_| !until_pushed) {
            Some(front) => params = front,
            None => return Ok(push::ended(pushed)),
        }
        told = Some(pushed.facts);
    }
    let query = args.text("raw-query").unwrap_or_else(|| args::form(&params));
    let headers = args::pairs(&args.table("headers"));
    let request = if args.text("method").as_deref() == Some("POST") {
        let headers =
            [vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())], headers].concat();
        Request { method: "POST".into(), url, headers, body: query.into() }
    } else {
        Request { method: "GET".into(), url: args::join(&url, &query), headers, body: Default::default() }
    };
    let mut facts = go(context, &browser, tx, Start::Request(request), args).await?;
    if let Some(told) = told {
        facts["par"] = Value::Object(told);
    }
    Ok(facts)
}

/// Answers a login page that waits, as a user or with given values; or goes on to the identity provider, where the
/// browser was held on its way there.
pub async fn login(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let browser = args.text("browser").unwrap_or_else(|| "alice".into());
    let owner = args.text("of").unwrap_or_else(|| browser.clone());
    let held = context.seat(&owner).tx.as_ref().and_then(|tx| Some((tx.clone(), tx.held.clone()?)));
    if let Some((mut tx, held)) = held.filter(|(_, held)| context.world.is_upstream(held)) {
        if let Some(user) = args.text("user") {
            tx.user = user;
        }
        let location = changed(&held, args);
        tx.upstream = Some(location.clone());
        return go(context, &browser, tx, Start::Resume(location), args).await;
    }
    let (mut page, mut form, mut tx) = waiting(context, args, &browser)?;
    leave_from(&mut page, args);
    if let Some(user) = args.text("user") {
        tx.user = user;
    }
    if args.text("password").is_some() && !page_words::has_password(&form) {
        (page, form, tx) = password_page(context, &browser, page, &form, tx).await?;
    }
    let user = context.world.users.get(&tx.user).cloned().unwrap_or_default();
    let password = args.text("password").unwrap_or_else(|| user.password.clone());
    let mut values = page_words::login_values(&form, context.world.hints(&page.url), &user.username, &password);
    values.extend(args::pairs(&args.table("with")));
    let form = without(form, &args.list("drop"));
    let button = page_words::login_button(&form, context.world.hints(&page.url)).cloned();
    go(context, &browser, tx, Start::Submit { page, form, values, button }, args).await
}

/// The page of a login that asks for the password, where the first one asks for the name alone.
async fn password_page(
    context: &mut Context,
    browser: &str,
    page: Arc<Page>,
    form: &Form,
    tx: Transaction,
) -> Result<(Arc<Page>, Form, Transaction), String> {
    let user = context.world.users.get(&tx.user).cloned().unwrap_or_default();
    let values = page_words::login_values(form, context.world.hints(&page.url), &user.username, "");
    let button = page_words::login_button(form, context.world.hints(&page.url)).cloned();
    let start = Start::Submit { page, form: form.clone(), values, button };
    let until = Map::from_iter([("until".to_owned(), json!("login"))]);
    go(context, browser, tx, start, Args::new(&until)).await?;
    let here = Map::new();
    waiting(context, Args::new(&here), browser)
        .ok()
        .filter(|(_, form, _)| page_words::has_password(form))
        .ok_or_else(|| "send the password: no page of the login asks for one".to_owned())
}

/// Answers a consent page that waits: approves, denies, or posts what another browser was shown (`of`).
pub async fn consent(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let browser = args.text("browser").unwrap_or_else(|| "alice".into());
    let (mut page, form, mut tx) = waiting(context, args, &browser)?;
    tx.answered = Some(Arc::clone(&page));
    leave_from(&mut page, args);
    let approve = args.text("answer").as_deref() != Some("deny");
    let form = page_words::answering(&page, &form, context.world.hints(&page.url), approve).clone();
    let mut values = if approve { page_words::ticks(&form, &tx.scope) } else { Vec::new() };
    values.extend(args::pairs(&args.table("with")));
    values.extend(csrf_value(context, &page, args)?);
    let mut form = without(form, &args.list("drop"));
    if let Some(method) = args.text("method") {
        form.method = method;
    }
    let mut button = page_words::button(&form, context.world.hints(&page.url), approve).cloned();
    if let (Some(button), Some(value)) = (&mut button, args.text("button-value")) {
        button.value = value;
    }
    let start = match (button, approve) {
        (Some(button), _) => Start::Submit { page, form, values, button: Some(button) },
        (None, false) => journey::denial(&context.world, &tx, &page).map(Start::Resume).ok_or(NO_DENIAL)?,
        (None, true) => Start::Submit { page, form, values, button: None::<Button> },
    };
    go(context, &browser, tx, start, args).await
}

/// The CSRF token to send instead of the page's own: a given one, or that of another browser's page.
fn csrf_value(context: &mut Context, page: &Page, args: Args<'_>) -> Result<Option<(String, String)>, String> {
    let value = match args.text("csrf-token-of") {
        Some(other) => {
            let theirs =
                context.seat(&other).tx.as_ref().and_then(|tx| tx.page.as_deref().and_then(page_facts::csrf_field));
            let theirs = theirs.ok_or_else(|| format!("take the CSRF token of `{other}`: its page has none"))?;
            Some(theirs.value.clone())
        }
        None => args.text("csrf-token"),
    };
    let Some(value) = value else { return Ok(None) };
    let field = page_facts::csrf_field(page).ok_or("send another CSRF token: the consent form has no field for one")?;
    Ok(Some((field.name.clone(), value)))
}

/// Delivers a held redirect of the identity provider: in another browser, altered, or once more.
pub async fn callback(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let browser = args.text("browser").unwrap_or_else(|| "alice".into());
    let owner = args.text("request-of").unwrap_or_else(|| browser.clone());
    let tx = context
        .seat(&owner)
        .tx
        .clone()
        .ok_or_else(|| format!("deliver the callback of `{owner}`: that browser is in no request"))?;
    let held = tx.held.clone().ok_or_else(|| {
        format!("deliver the callback of `{owner}`: none is held (authorize until \"callback\" first)")
    })?;
    let location = changed(&held, args);
    // Who throws an answer away may send the browser to the identity provider again: that is the end of this request.
    let mut table = Map::new();
    table.insert("until".into(), json!(args.text("until").unwrap_or_else(|| "upstream".into())));
    table.extend(args.get("approve").map(|approve| ("approve".to_owned(), approve.clone())));
    let mut facts = go(context, &browser, tx.clone(), Start::Resume(location), Args::new(&table)).await?;
    if args.flag("call") {
        facts["served"] = json!(facts["stopped-at"] == "code" && is_served(context).await?);
    }
    // The redirect stays held for its owner, so that it can be delivered again.
    if let Some(owner_tx) = &mut context.seat(&owner).tx {
        owner_tx.held = Some(held);
    }
    Ok(facts)
}

/// Whether the code that came leads to a token with which the MCP server serves: a proxy may look at who has logged in as
/// late as that.
async fn is_served(context: &mut Context) -> Result<bool, String> {
    let token = token::perform(context, Args::new(&Map::new())).await?;
    let Some(bearer) = token["body"]["access_token"].as_str() else { return Ok(false) };
    let request = Map::from_iter([("bearer".to_owned(), json!(bearer))]);
    let answer = call::perform(context, Args::new(&request)).await?;
    Ok(answer["served"] == true)
}

/// A held redirect with its parameters changed as the case asks; untouched if it asks for nothing.
fn changed(held: &str, args: Args<'_>) -> String {
    if ["params", "drop", "duplicate"].iter().all(|name| args.get(name).is_none()) {
        return held.to_owned();
    }
    let (base, query) = held.split_once('?').unwrap_or((held, ""));
    let honest = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    args::join(base, &args::form(&args::change(honest, args)))
}

/// Travels, and remembers what a code that came out belongs to.
async fn go(
    context: &mut Context,
    browser: &str,
    tx: Transaction,
    start: Start,
    args: Args<'_>,
) -> Result<Value, String> {
    let grant = Grant {
        client: tx.client.clone(),
        redirect_uri: tx.redirect_uri.clone(),
        verifier: tx.verifier.clone(),
        resource: tx.resource.clone(),
    };
    let plan = Plan {
        goal: Goal::parse(args.text("until").as_deref()),
        // Who denies does so on every page.
        approve: args.get("approve") != Some(&Value::Bool(false)) && args.text("answer").as_deref() != Some("deny"),
    };
    let facts = Box::pin(journey::travel(context, browser, tx, start, &plan)).await;
    for code in facts["codes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        context.grants.insert(code.to_owned(), grant.clone());
        context.unspent = Some(code.to_owned());
    }
    context.last_grant = Some(grant);
    Ok(facts)
}

/// The page and form that wait in a browser (or in the one named by `of`), and the request they belong to.
fn waiting(context: &mut Context, args: Args<'_>, browser: &str) -> Result<(Arc<Page>, Form, Transaction), String> {
    let owner = args.text("of").unwrap_or_else(|| browser.to_owned());
    let tx = context
        .seat(&owner)
        .tx
        .clone()
        .ok_or_else(|| format!("answer the page of `{owner}`: that browser is in no request"))?;
    let page = if args.flag("again") { tx.answered.clone() } else { tx.page.clone() };
    let page = page.ok_or_else(|| format!("answer the page of `{owner}`: no page waits there"))?;
    let form = match page_words::asks(&page, context.world.hints(&page.url)) {
        page_words::Asks::Login(form) | page_words::Asks::Consent(form) | page_words::Asks::Between(form) => {
            form.clone()
        }
        page_words::Asks::Nothing => return Err(format!("answer a page: {}", page_words::describe(&page))),
    };
    Ok((page, form, tx))
}

/// Makes the submission come from a page of another origin; the form's own address stays as it was.
fn leave_from(page: &mut Arc<Page>, args: Args<'_>) {
    if let Some(origin) = args.text("from") {
        let page = Arc::make_mut(page);
        page.url = origin;
        page.sends_all_cookies = args.flag("old-browser");
    }
}

fn without(mut form: Form, dropped: &[String]) -> Form {
    form.fields.retain(|f: &Field| !dropped.contains(&f.name));
    form
}

/// The honest parameters of an authorization request, changed as the case asks, and the transaction that they begin.
fn request(context: &Context, client: &Client, browser: &str, args: Args<'_>) -> (Vec<(String, String)>, Transaction) {
    let world = &context.world;
    let verifier = args.text("verifier").unwrap_or_else(pkce::verifier);
    let (challenge, method) = match args.text("pkce").as_deref() {
        Some("none") => (None, None),
        Some("plain") => (Some(verifier.clone()), Some("plain")),
        Some("no-method") => (Some(pkce::s256(&verifier)), None),
        Some("plain-no-method") => (Some(verifier.clone()), None),
        _ => (Some(pkce::s256(&verifier)), Some("S256")),
    };
    let challenge = args.text("challenge").or(challenge);
    let state = args.text("state").unwrap_or_else(|| pkce::random(16));
    let mut params: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<String>| params.extend(value.map(|v| (name.to_owned(), v)));
    add("response_type", Some(args.text("response-type").unwrap_or_else(|| "code".into())));
    add("client_id", Some(client.id.clone()));
    add("redirect_uri", args.text("redirect-uri").or_else(|| client.redirect_uris.first().cloned()));
    add(
        "scope",
        args.text("scope").map(|scope| scope.trim_end().to_owned()).or_else(|| part!(world.recipe, scope).clone()),
    );
    add("state", Some(state));
    add("code_challenge", challenge.clone());
    add("code_challenge_method", method.map(str::to_owned));
    add(
        "resource",
        args.text("resource")
            .or_else(|| part!(world.recipe, send_resource).then(|| part!(world.recipe, resource).clone())),
    );
    add("nonce", args.text("nonce").or_else(|| part!(world.recipe, nonce).then(|| pkce::random(16))));
    add("response_mode", args.text("response-mode"));
    for (name, value) in &part!(world.recipe, extra) {
        add(name, Some(value.clone()));
    }
    let params = args::change(params, args);
    let sent = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let tx = Transaction {
        client: client.clone(),
        redirect_uri: sent("redirect_uri"),
        state: sent("state"),
        nonce: sent("nonce"),
        verifier: challenge.is_some().then_some(verifier),
        challenge: sent("code_challenge"),
        resource: sent("resource"),
        scope: sent("scope").unwrap_or_default(),
        user: args.text("user").unwrap_or_else(|| {
            if context.world.users.contains_key(browser) { browser.to_owned() } else { "alice".into() }
        }),
        page: None,
        answered: None,
        held: None,
        upstream: None,
    };
    (params, tx)
}

/// Why a denial is left out: nobody has to offer one, and what a script would do is not known.
pub const NO_DENIAL: &str = "the consent page has no button and no link that denies";
