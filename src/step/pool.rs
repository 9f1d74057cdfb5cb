//! Clients that cases borrow: one case at a time uses a client, because a new authorization can end its earlier tokens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard};

use super::client::{self, Client, How};
use super::exchange::EXCHANGER;
use super::forgotten;
use super::noted::part;
use super::world::World;
use crate::wire::Wire;

/// How many registrations a run may make; a target may allow only a few an hour.
#[derive(Debug)]
pub struct Budget {
    limit: Option<u32>,
    spent: AtomicU32,
}

impl Budget {
    /// A budget; `None` is no limit.
    #[must_use]
    pub fn new(limit: Option<u32>) -> Budget {
        Budget { limit, spent: AtomicU32::new(0) }
    }

    /// Takes one registration.
    ///
    /// # Errors
    /// If none is left; says where the limit stands.
    pub fn spend(&self) -> Result<(), String> {
        self.spend_up_to(0)
    }

    /// Takes one, if so many are left behind it.
    fn spend_up_to(&self, kept: u32) -> Result<(), String> {
        let one = |spent: u32| self.limit.is_none_or(|limit| spent + kept < limit).then_some(spent + 1);
        match self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one) {
            Ok(_) => Ok(()),
            Err(_) => Err(used_up()),
        }
    }

    /// Takes one registration for a case that is about registration; the last ones are kept for clients that others need.
    ///
    /// # Errors
    /// If none is left for that.
    pub fn spend_on_case(&self) -> Result<(), String> {
        self.spend_up_to(KEPT)
    }

    /// Whether something is left beyond what is kept for the clients that most cases need.
    fn is_there_for_more(&self) -> Result<(), String> {
        match self.limit.is_some_and(|limit| self.spent() + KEPT >= limit) {
            true => Err(used_up()),
            false => Ok(()),
        }
    }

    /// Whether registrations are so few that cases had better wait for each other's clients.
    fn is_tight(&self) -> bool {
        self.limit.is_some_and(|limit| limit <= TIGHT)
    }

    /// Whether they are so few that all cases share what one of them needs.
    fn is_scant(&self) -> bool {
        self.limit.is_some_and(|limit| limit <= SCANT)
    }

    /// Registrations made so far.
    #[must_use]
    pub fn spent(&self) -> u32 {
        let spent = self.spent.load(Ordering::Relaxed);
        self.limit.map_or(spent, |limit| spent.min(limit))
    }
}

/// Clients by kind, lent to one case at a time.
pub struct Pool {
    /// Registrations that the run may make.
    pub budget: Budget,
    size: usize,
    shelves: Mutex<BTreeMap<String, Shelf>>,
    /// Kinds that the target does not register, with its words; it is asked once.
    refused: Mutex<BTreeMap<String, String>>,
    /// Kinds of clients of which one was asked after, and whether the answer tells a known client from a forgotten one.
    telling: Mutex<BTreeMap<String, bool>>,
    lost: AtomicU32,
    /// How many names were given to clients.
    named: AtomicU32,
    /// Cases that passed with other clients, and those that did not.
    opinions: Mutex<(Vec<String>, usize)>,
    /// Held while a case gathers all it needs, so that two cases cannot wait for each other.
    gathering: tokio::sync::Mutex<()>,
    returned: Notify,
    /// Held by the one case at a time that logs in, where logins of others would end its tokens.
    turn: OnceLock<(Ends, Arc<tokio::sync::Mutex<()>>)>,
}

#[derive(Default)]
struct Shelf {
    free: Vec<Client>,
    made: usize,
}

/// Clients lent to a case by the name the case uses; they go back when this is dropped.
pub struct Borrowed {
    pool: Arc<Pool>,
    /// Name in the case, kind, client.
    pub clients: Vec<(String, String, Client)>,
    /// Whether others may have them afterwards.
    keep: bool,
}

/// The clients of a case.
pub struct Wanted {
    /// Those that it borrows: name in the case, kind.
    pub pooled: Vec<(String, String)>,
    /// Whether it registers some by itself.
    pub own: bool,
}

/// What a new login of a user ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// What the same client got before.
    OfClient,
    /// What any client got before.
    All,
}

impl Borrowed {
    /// Whether no two of them are one client by different names.
    #[must_use]
    pub fn are_different(&self) -> bool {
        let ids = self.clients.iter().map(|(_, _, client)| client.id.as_str()).filter(|id| !id.is_empty());
        let known: Vec<&str> = ids.collect();
        known.iter().enumerate().all(|(at, id)| !known[..at].contains(id))
    }

    /// They do not go back: something about them is not as it was.
    pub fn strike(mut self) {
        self.keep = false;
    }
}

/// What became of clients that a case had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// The target knows them still.
    Whole,
    /// The target had forgotten at least one: what the case saw says nothing.
    Forgotten,
    /// The target says that it does not know one, and no registration is left to find out whether it says so of all.
    Doubtful,
}

impl Pool {
    /// A number that no client has in its name yet, from 1.
    pub fn number(&self) -> u32 {
        self.named.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A pool that makes at most `size` clients of a kind for each concurrent need.
    #[must_use]
    pub fn new(size: usize, budget: Budget) -> Pool {
        Pool {
            budget,
            size: size.max(1),
            shelves: Mutex::default(),
            refused: Mutex::default(),
            telling: Mutex::default(),
            lost: AtomicU32::new(0),
            named: AtomicU32::new(0),
            opinions: Mutex::default(),
            gathering: tokio::sync::Mutex::new(()),
            returned: Notify::new(),
            turn: OnceLock::new(),
        }
    }

    /// From now on one case at a time has preset clients, or logs in at all: a new login ends what was got before.
    pub fn take_turns(&self, ends: Ends) {
        self.turn.get_or_init(|| (ends, Arc::default()));
    }

    /// Waits for the turn of a case that `wants` these clients, if it has to.
    pub async fn turn(&self, world: &World, wants: impl FnOnce() -> Wanted) -> Option<OwnedMutexGuard<()>> {
        let (ends, turn) = self.turn.get()?;
        let wanted = wants();
        let waits = match ends {
            Ends::OfClient => wanted.pooled.iter().any(|(_, kind)| is_preset(world, kind)),
            Ends::All => wanted.own || !wanted.pooled.is_empty(),
        };
        if waits { Some(Arc::clone(turn).lock_owned().await) } else { None }
    }

    /// Puts a client that already exists on its shelf.
    pub fn stock(&self, kind: &str, client: Client) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.entry(kind.to_owned()).or_default();
        shelf.made += 1;
        shelf.free.push(client);
    }

    /// Borrows a client for each wanted (name, kind), making new ones as far as the pool's size goes.
    ///
    /// # Errors
    /// If a client cannot be made.
    pub async fn borrow(
        self: &Arc<Pool>,
        world: &World,
        wire: &Wire,
        wanted: &[(String, String)],
    ) -> Result<Borrowed, String> {
        let mut borrowed = Borrowed { pool: Arc::clone(self), clients: Vec::new(), keep: true };
        if wanted.is_empty() {
            return Ok(borrowed);
        }
        let _gathering = self.gathering.lock().await;
        for (name, kind) in wanted {
            let mut client = self.one(world, wire, name, kind).await?;
            name.clone_into(&mut client.name);
            borrowed.clients.push((name.clone(), kind.clone(), client));
        }
        Ok(borrowed)
    }

    /// New clients, which no case has used; with `keep` others may have them afterwards.
    ///
    /// # Errors
    /// If a client cannot be made, or no registration is left for it.
    pub async fn fresh(
        self: &Arc<Pool>,
        world: &World,
        wire: &Wire,
        wanted: &[(String, String)],
        keep: bool,
    ) -> Result<Borrowed, String> {
        let mut borrowed = Borrowed { pool: Arc::clone(self), clients: Vec::new(), keep };
        for (name, kind) in wanted {
            if is_preset(world, kind) {
                return Err(format!("{NOT_REGISTERED} (it is preset)"));
            }
            self.budget.is_there_for_more()?;
            let mut client = client::fresh(world, wire, name, kind).await?;
            name.clone_into(&mut client.name);
            self.shelves.lock().unwrap_or_else(PoisonError::into_inner).entry(kind.clone()).or_default().made += 1;
            borrowed.clients.push((name.clone(), kind.clone(), client));
        }
        Ok(borrowed)
    }

    async fn one(&self, world: &World, wire: &Wire, name: &str, kind: &str) -> Result<Client, String> {
        if is_preset(world, kind) {
            // Preset clients are the only ones there are: cases share them.
            return client::fresh(world, wire, name, kind).await;
        }
        loop {
            let returned = self.returned.notified();
            tokio::pin!(returned);
            returned.as_mut().enable();
            if let Some(client) = self.take(kind) {
                if self.has_lost() && self.is_lost(world, kind, &client).await == Some(true) {
                    self.strike(kind);
                    continue;
                }
                return Ok(client);
            }
            if let Some(reason) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).get(kind) {
                return Err(reason.clone());
            }
            if self.may_make(kind) {
                if let Err(reason) = self.spare(kind) {
                    self.unmake(kind);
                    return Err(reason);
                }
                let made = client::fresh(world, wire, name, kind).await;
                return made.map_err(|reason| self.not_made(kind, reason));
            }
            returned.await;
        }
    }

    /// Lets go of the clients that wait, and forgets what the target made of others: who comes next asks it for new ones.
    pub fn empty(&self) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.telling.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        for shelf in shelves.values_mut() {
            shelf.made = shelf.made.saturating_sub(shelf.free.len());
            shelf.free.clear();
        }
    }

    fn take(&self, kind: &str) -> Option<Client> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).get_mut(kind)?.free.pop()
    }

    fn may_make(&self, kind: &str) -> bool {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.entry(kind.to_owned()).or_default();
        let most = match kind {
            "machine" if self.budget.is_tight() => 2,
            _ if is_machine(kind) && self.budget.is_tight() => 1,
            // One case at a time has a client of the kind, or two.
            "public" if self.budget.is_scant() => 2,
            _ if self.budget.is_scant() => 1,
            // Two for each concurrent case: its own and `other`.
            _ => self.size * 2,
        };
        let room = shelf.made < most;
        shelf.made += usize::from(room);
        room
    }

    /// Clients that act for themselves are a few cases' need: they take none of the last registrations.
    fn spare(&self, kind: &str) -> Result<(), String> {
        if is_machine(kind) { self.budget.is_there_for_more() } else { Ok(()) }
    }

    /// Remembers that a kind of client is refused: only public ones have to be to be had.
    fn not_made(&self, kind: &str, reason: String) -> String {
        self.unmake(kind);
        if kind == "public" || !reason.starts_with(&format!("register a {kind} client: 4")) {
            return reason;
        }
        let words = format!("{NOT_REGISTERED} ({reason})");
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.to_owned(), words.clone());
        words
    }

    fn unmake(&self, kind: &str) {
        if let Some(shelf) = self.shelves.lock().unwrap_or_else(PoisonError::into_inner).get_mut(kind) {
            shelf.made = shelf.made.saturating_sub(1);
        }
    }

    /// How many clients the target was found to have forgotten.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether it is worth trying a case with other clients: not where that has made no difference often enough.
    #[must_use]
    pub fn may_differ(&self) -> bool {
        let opinions = self.opinions.lock().unwrap_or_else(PoisonError::into_inner);
        opinions.1 < IN_VAIN + 2 * opinions.0.len()
    }

    /// Remembers whether a case passed with other clients.
    pub fn note_opinion(&self, case: &str, differs: bool) {
        let mut opinions = self.opinions.lock().unwrap_or_else(PoisonError::into_inner);
        match differs {
            true => opinions.0.push(case.to_owned()),
            false => opinions.1 += 1,
        }
    }

    /// Cases that passed with other clients only.
    #[must_use]
    pub fn differing(&self) -> Vec<String> {
        self.opinions.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn has_lost(&self) -> bool {
        self.lost() > 0
    }

    /// Looks over the clients of a case that did not pass, and strikes those off that the target knows no more.
    pub async fn look_over(&self, world: &World, borrowed: &mut Borrowed) -> TakenBack {
        let mut taken = TakenBack::Whole;
        for (name, kind, client) in std::mem::take(&mut borrowed.clients) {
            match self.is_lost(world, &kind, &client).await {
                Some(true) => {
                    self.strike(&kind);
                    taken = TakenBack::Forgotten;
                }
                Some(false) => borrowed.clients.push((name, kind, client)),
                None => {
                    borrowed.clients.push((name, kind, client));
                    if taken == TakenBack::Whole {
                        taken = TakenBack::Doubtful;
                    }
                }
            }
        }
        taken
    }

    /// Whether the target knows a client no more; `None` if it says so, but nobody can tell whether it says that of all.
    async fn is_lost(&self, world: &World, kind: &str, client: &Client) -> Option<bool> {
        let is_document = world.host.as_ref().is_some_and(|host| client.id.starts_with(&host.url("/")));
        if is_document || is_preset(world, kind) {
            return Some(false);
        }
        let wire = Wire::new(Arc::clone(&world.http));
        if forgotten::is_known(world, &wire, client).await != Some(false) {
            return Some(false);
        }
        self.tells(world, &wire, kind).await
    }

    /// Whether a client of this kind that was registered just now is known, so that "unknown" means something.
    async fn tells(&self, world: &World, wire: &Wire, kind: &str) -> Option<bool> {
        if let Some(tells) = self.telling.lock().unwrap_or_else(PoisonError::into_inner).get(kind) {
            return Some(*tells);
        }
        self.budget.is_there_for_more().ok()?;
        let client = client::fresh(world, wire, "default", kind).await.ok()?;
        let tells = forgotten::is_known(world, wire, &client).await == Some(true);
        self.telling.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.to_owned(), tells);
        self.stock(kind, client);
        Some(tells)
    }

    /// A client is gone for good.
    fn strike(&self, kind: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.unmake(kind);
    }

    fn give_back(&self, kind: &str, client: Client) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.entry(kind.to_owned()).or_default().free.push(client);
        drop(shelves);
        self.returned.notify_waiters();
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        for (_, kind, client) in self.clients.drain(..) {
            if self.keep {
                self.pool.give_back(&kind, client);
            } else {
                self.pool.unmake(&kind);
            }
        }
    }
}

/// What [`Budget::spend_on_case`] complains of; the case is then left out.
pub const USED_UP: &str = "register a client: what the profile allows of registrations is used up";
/// What is said of a kind of client that the target does not register; the case is then left out.
pub const NOT_REGISTERED: &str = "get a client: the target registers none of this kind";

fn used_up() -> String {
    format!("{USED_UP} (profile: limits.registrations)")
}

/// Whether the operator of the target made the client of this kind, and there are no others.
fn is_preset(world: &World, kind: &str) -> bool {
    part!(world.registration, how) == How::Preset || kind == EXCHANGER && part!(world.exchange, client).is_some()
}

/// Whether a kind of client acts for itself.
fn is_machine(kind: &str) -> bool {
    kind.starts_with("machine")
}

/// How often other clients may make no difference before they are no longer tried.
const IN_VAIN: usize = 10;
/// A limit up to which the clients of a few cases at once would use up all.
const SCANT: u32 = 40;
/// A limit from which on registrations are no matter.
const TIGHT: u32 = 100;
/// Registrations kept for the pool: one client of each kind.
const KEPT: u32 = 5;
