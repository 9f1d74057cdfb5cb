//! The world of one running case: its browsers, clients, captures and transcript.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::client::Client;
use super::pool::Borrowed;
use super::proof::Ring;
use super::world::World;
use crate::transcript::{Request, Vault};
use crate::wire::{Browser, Page, Wire};

/// Everything that one run of a case (or of one variant of it) has in hand.
pub struct Context {
    /// What all cases share.
    pub world: Arc<World>,
    /// Recorder and vault of this case.
    pub wire: Wire,
    /// Whether no other case runs meanwhile, so that whatever our identity provider receives is this case's doing.
    pub alone: bool,
    /// Whether somebody may ask for the facts of every page on the way of a journey.
    pub pages: bool,
    /// Values of the variant that is being run (`$each.NAME`).
    pub variant: Map<String, Value>,
    pub(super) seats: HashMap<String, Seat>,
    /// What a code, access token or refresh token in hand belongs to.
    pub(super) grants: HashMap<String, Grant>,
    /// The latest code that no token step has used yet.
    pub(super) unspent: Option<String>,
    pub(super) last_grant: Option<Grant>,
    /// Paths of the document host that forged tokens of this case point to.
    pub(super) baits: Vec<String>,
    /// Issuers that assertions of this case come from and that the target was not told to trust.
    pub(super) strangers: Vec<mock_idp::Issuer>,
    /// What ends the sessions that calls of this case have opened by themselves.
    pub(super) opened: Vec<Request>,
    /// Paths of the document host at which this case serves something.
    pub(super) documents: Vec<String>,
    /// Keys and nonces of DPoP proofs.
    pub(super) ring: Ring,
    clients: HashMap<String, Client>,
    captures: HashMap<String, Value>,
    // They go back to the pool when the case ends.
    borrowed: Borrowed,
}

/// What a context holds once it has a token: enough to go on from there in another context.
pub struct Held {
    grants: HashMap<String, Grant>,
    last_grant: Option<Grant>,
    ring: Ring,
    captures: HashMap<String, Value>,
    vault: Vault,
}

/// A browser with the authorization request that it is in.
pub(super) struct Seat {
    pub browser: Browser,
    pub tx: Option<Transaction>,
}

/// One authorization request, from the first redirect to the code.
#[derive(Debug, Clone, Default)]
pub(super) struct Transaction {
    pub client: Client,
    /// `redirect_uri` of the request as sent; `None` if it was left out.
    pub redirect_uri: Option<String>,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub verifier: Option<String>,
    pub challenge: Option<String>,
    pub resource: Option<String>,
    /// The scope that was asked for; empty for none.
    pub scope: String,
    pub user: String,
    /// The page that waits for an answer (login, consent).
    pub page: Option<Arc<Page>>,
    /// The consent page that was answered last.
    pub answered: Option<Arc<Page>>,
    /// A redirect that was held and not followed (upstream, callback).
    pub held: Option<String>,
    /// The authorization request with which the target sent the browser to our identity provider.
    pub upstream: Option<String>,
}

/// What belongs to a code or token in hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Grant {
    pub client: Client,
    pub redirect_uri: Option<String>,
    pub verifier: Option<String>,
    pub resource: Option<String>,
}

impl Context {
    /// A context for one run of a case with its borrowed clients.
    #[must_use]
    pub fn new(world: Arc<World>, wire: Wire, borrowed: Borrowed, variant: Map<String, Value>) -> Context {
        let clients = borrowed.clients.iter().map(|(name, _, client)| (name.clone(), client.clone())).collect();
        Context {
            world,
            wire,
            alone: false,
            pages: true,
            variant,
            seats: HashMap::new(),
            grants: HashMap::new(),
            unspent: None,
            last_grant: None,
            baits: Vec::new(),
            strangers: Vec::new(),
            opened: Vec::new(),
            documents: Vec::new(),
            ring: Ring::default(),
            clients,
            captures: HashMap::new(),
            borrowed,
        }
    }

    /// Ends the sessions that nobody needs any more, as clients should (MCP transports, Session Management).
    pub async fn leave(&mut self) {
        for ending in std::mem::take(&mut self.opened) {
            self.wire.send("client", ending).await;
        }
    }

    /// Ends the case and hands out the clients that it had from the pool.
    #[must_use]
    pub fn end(self) -> Borrowed {
        self.borrowed
    }

    /// What another context can go on with.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            grants: self.grants.clone(),
            last_grant: self.last_grant.clone(),
            ring: self.ring.clone(),
            captures: self.captures.clone(),
            vault: self.wire.vault().clone(),
        }
    }

    /// Goes on where another context of the same case was.
    pub fn resume(&mut self, held: &Held) {
        self.grants.clone_from(&held.grants);
        self.last_grant.clone_from(&held.last_grant);
        self.ring = held.ring.clone();
        for (name, value) in &held.captures {
            if let Some((text, kind)) = value.as_str().and_then(|text| Some((text, held.vault.kind(text)?))) {
                self.wire.learn(kind, text);
            }
            self.capture(name, value.clone());
        }
    }

    /// A client by the name that the case uses.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<&Client> {
        self.clients.get(name)
    }

    /// A client by name.
    ///
    /// # Errors
    /// If the case has none by that name in hand.
    pub(super) fn client_or(&self, name: &str) -> Result<Client, String> {
        self.clients.get(name).cloned().ok_or_else(|| format!("use client `{name}`: the case has none by that name"))
    }

    /// Whether a client came from the pool, so that other cases have it as well.
    pub(super) fn has_from_pool(&self, id: &str) -> bool {
        self.borrowed.clients.iter().any(|(_, _, client)| client.id == id)
    }

    /// Takes a client in hand under a name.
    pub fn adopt_client(&mut self, name: &str, client: Client) {
        self.adopt(name, client);
    }

    pub(super) fn adopt(&mut self, name: &str, client: Client) {
        self.clients.insert(name.to_owned(), client);
    }

    /// Remembers a captured value.
    pub fn capture(&mut self, name: &str, value: Value) {
        self.captures.insert(name.to_owned(), value);
    }

    /// A captured value.
    #[must_use]
    pub fn captured(&self, name: &str) -> Option<&Value> {
        self.captures.get(name)
    }

    pub(super) fn seat(&mut self, name: &str) -> &mut Seat {
        self.seats.entry(name.to_owned()).or_insert_with(|| Seat { browser: Browser::new(name), tx: None })
    }
}
