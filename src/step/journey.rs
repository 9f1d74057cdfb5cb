//! A browser's way through an authorization request: redirects, logins and consents up to a goal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::away;
use super::between;
use super::context::{Context, Seat, Transaction};
use super::cookies;
use super::facts;
use super::form_action;
use super::noted::part;
use super::onward;
use super::page_facts;
use super::page_words::{self, Asks};
use super::world::{Idp, World, authority};
use crate::oauth::redirect::{self, Redirect};
use crate::target::login::{self, Errand};
use crate::transcript::{Failure, Request};
use crate::wire::{Button, End, Form, Page, Visit, Wire};

/// Where the journey is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// At the login page.
    Login,
    /// At the consent page.
    Consent,
    /// At the first page that asks something.
    Page,
    /// At the redirect to the upstream identity provider.
    Upstream,
    /// At the redirect from the upstream back to the target.
    Callback,
    /// At the redirect to the client.
    Code,
}

impl Goal {
    /// The goal by its word; `code` if none is given.
    #[must_use]
    pub fn parse(word: Option<&str>) -> Goal {
        match word {
            Some("login") => Goal::Login,
            Some("consent") => Goal::Consent,
            Some("page") => Goal::Page,
            Some("upstream") => Goal::Upstream,
            Some("callback") => Goal::Callback,
            _ => Goal::Code,
        }
    }
}

/// How a stretch of the journey begins.
#[expect(clippy::large_enum_variant, reason = "one value a stretch of a journey, moved twice")]
pub enum Start {
    /// With a request, usually GET of the authorization endpoint.
    Request(Request),
    /// With a form of a page.
    Submit { page: Arc<Page>, form: Form, values: Vec<(String, String)>, button: Option<Button> },
    /// Where a held redirect points.
    Resume(String),
}

/// What the traveller does at pages.
pub struct Plan {
    pub goal: Goal,
    /// Whether consent pages are approved; `false` denies.
    pub approve: bool,
}

/// What a stretch of the journey showed.
#[derive(Default)]
struct Log {
    pages: Vec<Arc<Page>>,
    statuses: Vec<u16>,
    submit_statuses: Vec<u16>,
    redirects: Vec<String>,
    /// Where a form led that its page's policy does not let it lead to.
    barred: Vec<String>,
}

/// Where it ended.
enum Ending {
    Client(Redirect, u16),
    Elsewhere(Redirect, u16),
    Upstream(Redirect, u16),
    Callback(Redirect, u16),
    /// A redirect to a `data:` URL of the target's own making: a page, if an odd one. Browsers go to none (Fetch
    /// standard), so nobody is sent anywhere.
    Inline,
    /// A redirect to a page of the target's own on another host.
    Away(Redirect),
    Login,
    Consent,
    Page,
    Failed(Failure),
    Loop,
    /// The operator's command did not come to an end of the request; says why.
    Unanswered(String),
    /// Nobody can tell from where its browser ended; says why.
    Unknown(String),
}

/// Travels and returns the facts; the seat keeps what waits (a page, a held redirect).
pub async fn travel(context: &mut Context, browser: &str, mut tx: Transaction, start: Start, plan: &Plan) -> Value {
    let world = Arc::clone(&context.world);
    let wire = context.wire.clone();
    let pages = context.pages;
    let seat = context.seat(browser);
    let mut log = Log::default();
    tx.page = None;
    tx.held = None;
    let ending = stretches(&world, &wire, seat, &mut tx, start, plan, &mut log).await;
    match (&ending, &world.idp) {
        // What was pushed can be asked for once, and cases go on from here more than once.
        (Ending::Upstream(held, _), Some(idp)) => tx.held = Some(idp.request_at(&held.url)),
        (Ending::Upstream(held, _) | Ending::Callback(held, _), _) => tx.held = Some(held.url.clone()),
        _ => {}
    }
    let facts = facts_of(&world, seat, &tx, &log, ending, pages);
    seat.tx = Some(tx);
    facts
}

async fn stretches(
    world: &World,
    wire: &Wire,
    seat: &mut Seat,
    tx: &mut Transaction,
    start: Start,
    plan: &Plan,
    log: &mut Log,
) -> Ending {
    let mut next = start;
    let mut logins = 0;
    let opened = opened(&next).filter(|_| !world.forms.command.is_empty());
    // A pushed request may be opened only once (RFC 9126 section 7.3).
    if let Some(url) = opened.as_deref().filter(|url| Redirect::parse(url).query("request_uri").is_some()) {
        return by_command(world, wire, tx, url, plan.approve, log).await;
    }
    for _ in 0..MAX_PAGES {
        if let Start::Resume(location) = &next
            && is_of_client(world, tx, &Redirect::parse(location))
        {
            // A link of a page that leads to the client is not opened: nobody listens there.
            let status = log.statuses.last().copied().unwrap_or(200);
            return led(world, wire, tx, log, location, status);
        }
        let submitted = match &next {
            Start::Submit { page, .. } => Some(Arc::clone(page)),
            _ => None,
        };
        let visit = leg(world, wire, seat, tx, next, plan.goal).await;
        log.take(&visit, submitted.is_some());
        if let Some(page) = submitted.filter(|page| is_own_page(world, page)) {
            // Where a page on the way leads on by itself, that is no longer the form.
            let of_form = visit.statuses.iter().take_while(|status| (300..400).contains(*status)).count();
            log.barred.extend(form_action::blocked(&page, &visit.redirects[..of_form.min(visit.redirects.len())]));
        }
        let page = match visit.end {
            End::Stopped { location, from } => return arrived(world, wire, tx, &location, from),
            End::NoAnswer(failure) => return Ending::Failed(failure),
            End::Loop => return Ending::Loop,
            End::Page(page) => page,
        };
        tx.page = Some(Arc::clone(&page));
        if let Some(url) = opened.as_deref().filter(|_| page.status < 400) {
            return by_command(world, wire, tx, url, plan.approve, log).await;
        }
        match page_words::asks(&page, world.hints(&page.url)) {
            Asks::Login(_) if matches!(plan.goal, Goal::Login | Goal::Page) => return Ending::Login,
            Asks::Login(form) => {
                logins += 1;
                let Some(values) = credentials(world, tx, &page, form) else { return Ending::Login };
                if logins > MAX_LOGINS {
                    return Ending::Login;
                }
                let button = page_words::login_button(form, world.hints(&page.url)).cloned();
                next = Start::Submit { page: Arc::clone(&page), form: form.clone(), values, button };
            }
            Asks::Consent(_) if matches!(plan.goal, Goal::Consent | Goal::Page) && is_own_page(world, &page) => {
                return Ending::Consent;
            }
            Asks::Consent(form) => {
                let approve = plan.approve || !is_own_page(world, &page);
                let Some(start) = answer(world, tx, &page, form, approve) else { return Ending::Consent };
                tx.answered = Some(Arc::clone(&page));
                next = start;
            }
            Asks::Between(form) => {
                let user = world.users.get(&tx.user).map(|user| user.username.as_str()).unwrap_or_default();
                let (form, button) = between::pass(&page, form, world.hints(&page.url), user);
                let values = page_words::ticks(&form, "");
                next = Start::Submit { page: Arc::clone(&page), form, values, button };
            }
            Asks::Nothing => {
                // A page may leave it to the user to go back to the client (RFC 9700 section 4.11.2).
                let upstream = world.idp.as_ref().and_then(|idp| onward::to_upstream(&page, idp));
                if let Some(location) = upstream {
                    tx.upstream = world.idp.as_ref().map(|idp| idp.request_at(&location));
                    let ending = led(world, wire, tx, log, &location, page.status);
                    if plan.goal == Goal::Upstream {
                        return ending;
                    }
                    next = Start::Resume(location);
                    continue;
                }
                let Some(location) = onward::to_client(&page, tx) else { return Ending::Page };
                return led(world, wire, tx, log, &location, page.status);
            }
        }
    }
    Ending::Page
}

/// The request that a stretch begins with, if another browser could open it as well.
fn opened(start: &Start) -> Option<String> {
    match start {
        Start::Request(request) if request.method == "GET" => Some(request.url.clone()),
        _ => None,
    }
}

/// Lets the operator's command answer the pages of a request, in a browser of its own.
async fn by_command(world: &World, wire: &Wire, tx: &Transaction, url: &str, approve: bool, log: &mut Log) -> Ending {
    let user = world.users.get(&tx.user).cloned().unwrap_or_default();
    let redirect_uri = tx.redirect_uri.clone().or_else(|| tx.client.redirect_uris.first().cloned()).unwrap_or_default();
    let (username, password) = (user.username.as_str(), user.password.as_str());
    let errand = Errand { url, redirect_uri: &redirect_uri, username, password, approve };
    match login::by_command(&world.forms.command, &errand, PATIENCE).await {
        // Where nobody listens, and where an error has no page, a browser shows one of its own.
        Ok(ended) if is_the_browsers(&ended) && !ended.starts_with(&redirect_uri) => Ending::Unknown(format!(
            "the browser of the login command ended at {ended}, a page of its own: the command must print the URL of the \
             request that failed"
        )),
        Ok(ended) => match led(world, wire, tx, log, &ended, 302) {
            Ending::Elsewhere(redirect, _) if world.is_own(&redirect.url) => Ending::Page,
            ending => ending,
        },
        Err(why) => Ending::Unanswered(why),
    }
}

/// Whether a URL is one that no server sent the browser to.
fn is_the_browsers(url: &str) -> bool {
    ["about:", "chrome:", "chrome-error:", "edge-error:"].iter().any(|scheme| url.starts_with(scheme))
}

/// Whether a page is the target's: the consent that our identity provider asks for is none of a proxy's.
fn is_own_page(world: &World, page: &Page) -> bool {
    !world.is_upstream(&page.url)
}

/// How a consent page is answered: by a button, or by a link that denies.
fn answer(world: &World, tx: &Transaction, page: &Arc<Page>, form: &Form, approve: bool) -> Option<Start> {
    let form = page_words::answering(page, form, world.hints(&page.url), approve).clone();
    let values = if approve { page_words::ticks(&form, &tx.scope) } else { Vec::new() };
    match page_words::button(&form, world.hints(&page.url), approve).cloned() {
        Some(button) => Some(Start::Submit { page: Arc::clone(page), form, values, button: Some(button) }),
        None if approve && form.buttons.is_empty() => {
            Some(Start::Submit { page: Arc::clone(page), form, values, button: None })
        }
        None if !approve => denial(world, tx, page).map(Start::Resume),
        None => None,
    }
}

/// The link that denies, where a page denies by one.
pub(super) fn denial(world: &World, tx: &Transaction, page: &Page) -> Option<String> {
    let leads_to_client = |href: &str| is_of_client(world, tx, &Redirect::parse(href));
    page_words::deny_link(page, world.hints(&page.url), &leads_to_client).map(str::to_owned)
}

fn credentials(world: &World, tx: &Transaction, page: &Page, form: &Form) -> Option<Vec<(String, String)>> {
    let user = world.users.get(&tx.user)?;
    let mut values = page_words::login_values(form, world.hints(&page.url), &user.username, &user.password);
    values.extend(user.fields.iter().cloned());
    Some(values)
}

async fn leg(world: &World, wire: &Wire, seat: &mut Seat, tx: &mut Transaction, start: Start, goal: Goal) -> Visit {
    let target = tx.redirect_uri.clone().or_else(|| tx.client.redirect_uris.first().cloned()).unwrap_or_default();
    let watch = Watch { idp: world.idp.as_ref(), goal, asked: Mutex::new(tx.upstream.take()) };
    let stop = |location: &str| {
        watch.stops(location) || !world.is_own(location) || is_for(world, &Redirect::parse(location), &target)
    };
    let visit = match start {
        Start::Request(request) => seat.browser.open(wire, request, &stop).await,
        Start::Submit { page, form, values, button } => {
            seat.browser.submit(wire, &page, &form, &values, button.as_ref(), &stop).await
        }
        Start::Resume(location) => seat.browser.resume(wire, &location, &stop).await,
    };
    tx.upstream = watch.asked.into_inner().unwrap_or_else(PoisonError::into_inner);
    visit
}

/// Whether a redirect goes to this redirect URI of the client. On loopback any port does (RFC 8252 section 7.3), but not one
/// of the target's own: a proxy's callback may well have the path of ours.
fn is_for(world: &World, redirect: &Redirect, uri: &str) -> bool {
    redirect.goes_to(uri) && (!world.is_own(&redirect.url) || world.is_own(uri))
}

/// Watches for the two hops between the target and our identity provider.
struct Watch<'a> {
    idp: Option<&'a Idp>,
    goal: Goal,
    /// The request with which the target sent the browser upstream, once it has.
    asked: Mutex<Option<String>>,
}

impl Watch<'_> {
    /// Notes a request upstream; whether the browser is to stop at this redirect.
    fn stops(&self, location: &str) -> bool {
        let Some(idp) = self.idp else { return false };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if idp.is_asked_at(location) {
            *asked = Some(idp.request_at(location));
            return self.goal == Goal::Upstream;
        }
        self.goal == Goal::Callback && asked.as_deref().is_some_and(|asked| answers(location, asked))
    }
}

/// Whether a redirect carries the answer to an authorization request: it goes to the redirect URI of the request.
fn answers(location: &str, asked: &str) -> bool {
    let base = Redirect::parse(location).base;
    Redirect::parse(asked).query("redirect_uri").is_some_and(|uri| Redirect::parse(uri).base == base)
}

/// Whether a redirect goes to a redirect URI of the client of the request.
fn is_of_client(world: &World, tx: &Transaction, redirect: &Redirect) -> bool {
    tx.client.redirect_uris.iter().any(|uri| is_for(world, redirect, uri))
}

/// Where a page or a program leads that is no redirect of the target: noted like one.
fn led(world: &World, wire: &Wire, tx: &Transaction, log: &mut Log, location: &str, from: u16) -> Ending {
    wire.learn_url(location);
    log.redirects.push(location.to_owned());
    arrived(world, wire, tx, location, from)
}

fn arrived(world: &World, wire: &Wire, tx: &Transaction, location: &str, from: u16) -> Ending {
    let redirect = Redirect::parse(location);
    if is_of_client(world, tx, &redirect) {
        Ending::Client(redirect, from)
    } else if world.idp.as_ref().is_some_and(|idp| idp.is_asked_at(location)) {
        Ending::Upstream(redirect, from)
    } else if tx.upstream.as_deref().is_some_and(|asked| answers(location, asked)) {
        Ending::Callback(redirect, from)
    } else if location.starts_with("data:") && !tx.redirect_uri.as_ref().is_some_and(|uri| uri.starts_with("data:")) {
        Ending::Inline
    } else if away::is_of_its_own_choosing(wire, tx, &redirect) {
        Ending::Away(redirect)
    } else {
        Ending::Elsewhere(redirect, from)
    }
}

impl Log {
    fn take(&mut self, visit: &Visit, submitted: bool) {
        if submitted {
            self.submit_statuses.extend(visit.statuses.first());
        }
        self.statuses.extend(&visit.statuses);
        self.redirects.extend(visit.redirects.iter().cloned());
        self.pages.extend(visit.pages.iter().cloned());
    }
}

/// The facts of a journey; with `pages` also those of every page on the way, which are more work than all others.
fn facts_of(world: &World, seat: &Seat, tx: &Transaction, log: &Log, ending: Ending, pages: bool) -> Value {
    let mut map = serde_json::Map::with_capacity(32);
    if let Ending::Failed(failure) = &ending {
        map.extend(facts::failed(failure));
    }
    let stopped = match &ending {
        Ending::Client(r, _) if r.any("code").is_some() => "code",
        Ending::Client(..) => "error",
        Ending::Elsewhere(..) => "elsewhere",
        Ending::Upstream(..) => "upstream",
        Ending::Callback(..) => "callback",
        Ending::Login => "login",
        Ending::Consent => "consent",
        Ending::Page | Ending::Inline | Ending::Away(_) | Ending::Unanswered(_) => "page",
        Ending::Failed(_) | Ending::Unknown(_) => "nowhere",
        Ending::Loop => "loop",
    };
    let mut put = |name: &str, value: Value| drop(map.insert(name.to_owned(), value));
    put("stopped-at", json!(stopped));
    if let Ending::Unanswered(why) = &ending {
        put("command-failed", json!(why));
    }
    if let Ending::Unknown(why) = &ending {
        put("no-answer", json!(why));
    }
    if let Ending::Away(redirect) = &ending {
        put("away", json!(redirect.base));
    }
    if !log.barred.is_empty() {
        put("barred", json!(log.barred));
    }
    let status = log.statuses.last().copied();
    if let Some(status) = status {
        put("status", json!(status));
        put("crash", json!(status >= 500));
    } else if !matches!(ending, Ending::Failed(_)) {
        put("crash", json!(false));
    }
    if let Ending::Client(redirect, from) | Ending::Elsewhere(redirect, from) = &ending {
        let registered = matches!(ending, Ending::Client(..));
        put("redirect", redirect_facts(redirect, *from, registered));
        if let Some(error) = redirect.any("error") {
            put("error", json!(error));
        }
    }
    if let (Ending::Page | Ending::Login | Ending::Consent, Some(page)) = (&ending, log.pages.last()) {
        put("page", page_facts::of(page, world.hints(&page.url)));
        let body: Value = serde_json::from_str(&page.body).unwrap_or(Value::Null);
        // OAuth knows no such answer here; what is said by other words than its codes is a page for people (A.7 of RFC 6749 allows more).
        if let Some(error) = body["error"].as_str().filter(|error| is_code(error)) {
            put("error", json!(error));
        }
    }
    if let Ending::Upstream(redirect, from) | Ending::Callback(redirect, from) = &ending {
        put("redirect", redirect_facts(redirect, *from, false));
    }
    if let Some(asked) = &tx.upstream {
        let asked = Redirect::parse(asked);
        let scopes = scope_words(asked.query("scope").unwrap_or_default());
        let query = redirect::object(&asked.query);
        put("upstream", json!({ "url": asked.url, "base": asked.base, "query": query, "scopes": scopes }));
    }
    if pages {
        put("pages", Value::Array(log.pages.iter().map(|page| page_facts::of(page, world.hints(&page.url))).collect()));
        let shown = log.pages.iter().filter(|page| page.meta_refresh.is_none() && page.auto_submit().is_none());
        put("shown", json!(shown.map(|page| &page.url).collect::<Vec<_>>()));
        put("steps", json!(between::steps(log.pages.iter().filter(|page| is_own_page(world, page)), &world.forms)));
    }
    put("statuses", json!(log.statuses));
    put("submit-statuses", json!(log.submit_statuses));
    put("redirects", json!(log.redirects));
    put("codes", json!(codes(world, log)));
    let by_command = !world.forms.command.is_empty() && matches!(ending, Ending::Client(..));
    put("by-command", json!(by_command));
    put("identified", json!(by_command || identified(world, log)));
    put(
        "logged-in",
        json!(log.pages.iter().any(|p| matches!(page_words::asks(p, world.hints(&p.url)), Asks::Login(_)))),
    );
    put(
        "asked-consent",
        json!(log.pages.iter().any(|p| is_own_page(world, p) && page_words::asks_consent(p, world.hints(&p.url)))),
    );
    for (name, value) in [
        ("verifier", &tx.verifier),
        ("code-challenge", &tx.challenge),
        ("state", &tx.state),
        ("nonce", &tx.nonce),
        ("redirect-uri", &tx.redirect_uri),
    ] {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    for (name, cookies) in cookies::facts(seat) {
        put(name, cookies);
    }
    put("browser", json!({ "name": seat.browser.name, "cookies": cookies::values(seat) }));
    Value::Object(map)
}

/// Whether a text is like an error code: all that are registered are words joined by underscores.
fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn redirect_facts(redirect: &Redirect, from: u16, registered: bool) -> Value {
    let mut query = redirect::object(&redirect.query);
    // `present` and `absent` in a case speak of parameters with a value or an empty one alike.
    if let Some(map) = query.as_object_mut() {
        map.retain(|_, v| !v.is_null());
    }
    json!({
        "url": redirect.url, "base": redirect.base, "query": query, "fragment": redirect::object(&redirect.fragment),
        "params": redirect::object(&[redirect.query.as_slice(), redirect.fragment.as_slice()].concat()),
        "status": from, "registered": registered,
    })
}

/// Whether the user was asked who he is: by a login page, or elsewhere, by an identity provider that the target sent him to.
fn identified(world: &World, log: &Log) -> bool {
    let is_here = |location: &str| {
        let endpoint = world.endpoint("authorization_endpoint").unwrap_or_default();
        [&part!(world.found, issuer), &endpoint].iter().any(|here| authority(here) == authority(location))
    };
    log.pages.iter().any(|p| matches!(page_words::asks(p, world.hints(&p.url)), Asks::Login(_)))
        || log.redirects.iter().any(|l| world.is_own(l) && !is_here(l))
}

/// Every authorization code that left the target in a redirect.
fn codes(world: &World, log: &Log) -> Vec<String> {
    let outward = log.redirects.iter().filter(|l| !world.is_own(l));
    outward.filter_map(|l| Redirect::parse(l).any("code").map(str::to_owned)).collect()
}

/// The scopes of a request, and the last part of each that is a URL: what people are shown of it.
fn scope_words(scope: &str) -> String {
    let words = scope.split(' ').flat_map(|word| [Some(word), word.split_once("://").and(word.rsplit('/').next())]);
    words.flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// How long the operator's command may take for one request: it starts a browser, and pages load.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pages of one journey; more is a loop.
const MAX_PAGES: usize = 10;
/// Login pages that are answered; a third one means that the password was refused.
const MAX_LOGINS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_is_a_url_is_known_by_its_last_part() {
        assert_eq!(scope_words("openid  api://app/read"), "openid api://app/read read");
        assert_eq!(scope_words(""), "");
    }
}
