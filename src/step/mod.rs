//! The verbs: each acts on the target and leaves facts; none decides.
//!
//! A case runs in a [`Context`] of its own (browsers, clients in hand, recorder, captured values); what all cases of a
//! run share (what discovery found, the pool of clients, the users) is the [`World`].

mod args;
mod assertion;
mod authorize;
mod away;
mod between;
mod call;
mod client;
mod client_assertion;
mod clock;
mod context;
mod cookies;
mod discover;
mod drive;
mod driven;
mod exchange;
mod facts;
mod fetch;
mod forgotten;
mod form_action;
mod id_jag;
mod journey;
mod manage;
mod mutate;
mod noted;
mod onward;
mod page_facts;
mod page_words;
mod pool;
mod proof;
mod push;
mod readable;
mod register;
mod repeat;
mod stage;
mod token;
mod upstream;
mod vars;
mod wait;
mod world;

use serde_json::{Map, Value};

pub use args::Args;
pub use authorize::NO_DENIAL;
pub use client::{Client, How, fresh as fresh_client};
pub use clock::Clock;
pub use context::{Context, Held};
pub use discover::{Discovered, discover};
pub use driven::{Driven, Ended};
pub use exchange::{EXCHANGER, Exchange, GRANT as EXCHANGE_GRANT, NO_SUBJECT, Source};
pub use id_jag::{ID_JAG, Identity};
pub use mutate::NOTHING_TO_SWAP;
pub(crate) use noted::part;
pub use noted::{Noted, Reads};
pub use pool::{Borrowed, Budget, Ends, NOT_REGISTERED, Pool, TakenBack, USED_UP, Wanted};
pub use proof::{common_algorithm as proof_algorithm, thumbprint};
pub use upstream::restore as restore_upstream;
pub use vars::substitute;
pub use wait::{LONGEST as LONGEST_WAIT, TOO_LONG};
pub use world::{
    Found, Idp, IdpWorkload, LoginForm, OPENID_SCOPES, Recipe, Registration, Tool, User, World, authority, beyond,
};

use crate::suite::Verb;

/// An MCP request as `call` would send it, without sending it.
#[must_use]
pub fn probe(context: &Context, args: Args<'_>) -> crate::transcript::Request {
    call::prepare(context, args, None)
}

/// What the page at which a journey ended shows, for the message that it was not understood.
#[must_use]
pub fn describe_page(facts: &Value) -> String {
    let text = |path: &str| crate::fact::dig(facts, path).and_then(Value::as_str).unwrap_or_default();
    let text_part = crate::fact::clip(text("page.text"), 160);
    format!("{} The page says: \"{text_part}\"", text("page.described"))
}

/// What one performed step left behind.
#[derive(Debug, Clone)]
pub struct Performed {
    /// The facts of the verb (`docs/architecture.md`), as a tree that `expect` and `capture` name by dotted paths.
    pub facts: Value,
    /// Ids of the exchanges that the step made, in order.
    pub exchanges: Vec<u32>,
    /// What the verb needs to have happened for a step that only prepares; `None` if it happened.
    pub unready: Option<String>,
}

/// Performs one verb with substituted arguments.
///
/// # Errors
/// A sentence that continues "failed to ...": the step could not be tried at all (a client could not be registered, no
/// code is in hand). The case is then `blocked`.
pub async fn perform(context: &mut Context, verb: Verb, args: &Map<String, Value>) -> Result<Performed, String> {
    let mark = context.wire.mark();
    let received = upstream::count(context);
    let args = Args::new(args);
    // Each in a box: one future that holds the largest of all would be moved about with every step.
    let mut facts = match verb {
        Verb::Discover => Box::pin(discover::perform(context, args)).await?,
        Verb::Register => Box::pin(register::perform(context, args)).await?,
        Verb::Manage => Box::pin(manage::perform(context, args)).await?,
        Verb::Authorize => Box::pin(authorize::perform(context, args)).await?,
        Verb::Login => Box::pin(authorize::login(context, args)).await?,
        Verb::Consent => Box::pin(authorize::consent(context, args)).await?,
        Verb::Callback => Box::pin(authorize::callback(context, args)).await?,
        Verb::Token => Box::pin(token::perform(context, args)).await?,
        Verb::Exchange => Box::pin(exchange::perform(context, args)).await?,
        Verb::Call => Box::pin(call::perform(context, args)).await?,
        Verb::Fetch => Box::pin(fetch::perform(context, args)).await?,
        Verb::Mutate => Box::pin(mutate::perform(context, args)).await?,
        Verb::Repeat => Box::pin(repeat::perform(context, args)).await?,
        Verb::Drive => Box::pin(drive::perform(context, args)).await?,
        Verb::Wait => Box::pin(wait::perform(context, args)).await?,
    };
    if let (Some(host), Value::Object(facts)) = (&context.world.host, &mut facts) {
        let fetched = context.documents.iter().map(|path| host.hits(path).len()).sum::<usize>();
        facts.insert("fetched".into(), fetched.into());
    }
    upstream::tell(context, received, &mut facts);
    let exchanges = context.wire.since(mark);
    let unready = facts::unready(verb, &facts, args);
    Ok(Performed { facts, exchanges, unready })
}
