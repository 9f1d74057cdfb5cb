//! Side by side, but reported in plan order: a few cases at once, each with its own browsers and clients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{BoxStream, select_all};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::Finished;
use super::confirm::Waiting;
use super::execute::{self, Ran, Shared, Task};
use super::plan::Planned;
use crate::event::{Progress, Verdict};
use crate::suite::Verb;

/// A target with the cases that it is to be judged by, each with its place in the plan of the whole run.
pub struct Lane<'a> {
    pub shared: Arc<Shared>,
    pub cases: Vec<(usize, Planned<'a>)>,
    /// The target logs its users in without our identity provider.
    pub own_login: bool,
}

/// What a schedule tells.
pub enum News {
    /// A case is over, though perhaps one before it in the plan is not.
    Progress(Progress),
    /// A case is over and it is its turn; with the number of its lane.
    Case(usize, Box<Finished>),
}

/// How a schedule ended.
pub struct Ended {
    /// Somebody stopped it early.
    pub interrupted: bool,
    /// What was noticed on the way, in sentences for people.
    pub remarks: Vec<String>,
}

/// Executes the cases of all lanes, `jobs` at once, and hands them over in plan order, with the number of their lane,
/// until `stop` ends it. Cases of which something is in doubt are held back, and tried again when all others are over.
///
/// Cases that wait (tag `slow`) begin first and hold up nobody: they count against `jobs` only among themselves.
/// Cases tagged `alone` come after all others of their lane, one by one, and of these the slow ones last. A case that waits
/// for the target's own login to age, and asks our identity provider nothing, may go on meanwhile. Where the clock is ours
/// and waiting takes no time, slow cases are alone as well.
pub async fn all(
    lanes: Vec<Lane<'_>>,
    jobs: usize,
    stop: impl Future<Output = ()>,
    tell: &mut dyn FnMut(News),
) -> Ended {
    let jobs = jobs.max(1);
    let room = Arc::new(Room { places: Semaphore::new(jobs), running: Mutex::default() });
    let planned = lanes.iter().flat_map(|lane| &lane.cases).filter(|(_, planned)| planned.applies()).count();
    let mut over = 0;
    let mut cases = select_all(lanes.into_iter().enumerate().map(|(number, lane)| {
        let cases = of_lane(lane, jobs, &room);
        cases.map(move |(at, ran)| (at, number, ran)).boxed()
    }));
    let mut queue = Queue { early: BTreeMap::new(), next: 0, next_id: 1 };
    let mut waiting = Waiting::default();
    tokio::pin!(stop);
    let mut interrupted = loop {
        tokio::select! {
            biased;
            () = &mut stop => break true,
            ran = cases.next() => {
                let Some((at, lane, ran)) = ran else { break false };
                if ran.finished.results.iter().any(|result| result.verdict != Verdict::NotApplicable) {
                    over += 1;
                    tell(News::Progress(Progress { done: over, planned, running: room.running() }));
                }
                if let Some(finished) = waiting.hold(at, lane, ran) {
                    queue.take(at, (lane, finished), tell);
                }
            }
        }
    };
    waiting.begin();
    while let Some(case) = waiting.upcoming().filter(|_| !interrupted) {
        tell(News::Progress(Progress { done: over, planned, running: vec![format!("{case}, once more")] }));
        tokio::select! {
            biased;
            () = &mut stop => interrupted = true,
            Some((at, lane, finished)) = waiting.one() => queue.take(at, (lane, finished), tell),
        }
    }
    if interrupted {
        queue.early.extend(waiting.rest().map(|(at, lane, finished)| (at, (lane, finished))));
        queue.flush(tell);
    }
    Ended { interrupted, remarks: waiting.remarks() }
}

/// The cases of one lane as they end. Those that do not spend their time waiting take a place in the `room` of all lanes.
fn of_lane(lane: Lane<'_>, jobs: usize, room: &Arc<Room>) -> BoxStream<'static, (usize, Ran)> {
    let Lane { shared, cases, own_login } = lane;
    let mut groups: [Vec<(usize, Task)>; 4] = Default::default();
    for (at, planned) in &cases {
        let task = Task::of(planned);
        let group = match (task.is_alone(), task.is_slow()) {
            (true, _) => ALONE,
            // What a case passes over makes all others older.
            (false, true) if shared.world.clock.passes() => ALONE,
            (false, true) if own_login && asks_nobody_else(planned) => APART,
            (false, true) => SLOW,
            (false, false) => QUICK,
        };
        groups[group].push((*at, task));
    }
    let [quick, slow, apart, mut alone] = groups;
    alone.sort_by_key(|(_, task)| task.is_slow());
    let at_once = |tasks: Vec<(usize, Task)>, jobs: usize| {
        let (shared, room) = (Arc::clone(&shared), Arc::clone(room));
        stream::iter(tasks)
            .map(move |(at, task)| one(Arc::clone(&shared), Arc::clone(&room), at, task))
            .buffer_unordered(jobs)
    };
    let together = stream::select(at_once(slow, jobs), at_once(quick, jobs));
    stream::select(at_once(apart, jobs), together.chain(at_once(alone, 1))).boxed()
}

/// Whether a case only opens authorization requests and waits: where the login is the target's own, nothing of that
/// reaches our identity provider.
fn asks_nobody_else(planned: &Planned<'_>) -> bool {
    planned.case.steps.iter().all(|step| matches!(step.verb, Verb::Authorize | Verb::Wait))
}

/// A task of its own, so that cases really run side by side and a panic of ours stays one case's error.
async fn one(shared: Arc<Shared>, room: Arc<Room>, at: usize, task: Task) -> (usize, Ran) {
    // The semaphore is never closed; without a permit the case would merely run beside one more.
    let _place = if task.is_slow() && !shared.world.clock.passes() { None } else { room.places.acquire().await.ok() };
    let (case, title, area) = (task.id.clone(), task.title.clone(), task.area.clone());
    room.of_running().insert(case.clone());
    let ran = match tokio::spawn(execute::case(shared, task)).await {
        Ok(ran) => ran,
        Err(failure) => execute::failed(case, title, area, &failure.to_string()),
    };
    room.of_running().remove(&ran.finished.case);
    (at, ran)
}

/// What the cases of all lanes share.
struct Room {
    /// One for each case that does not spend its time waiting.
    places: Semaphore,
    /// The cases that run at this moment.
    running: Mutex<BTreeSet<String>>,
}

impl Room {
    fn of_running(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> Vec<String> {
        self.of_running().iter().cloned().collect()
    }
}

/// Finished cases that wait for one before them in the plan.
struct Queue {
    early: BTreeMap<usize, (usize, Finished)>,
    next: usize,
    next_id: u32,
}

impl Queue {
    fn take(&mut self, at: usize, finished: (usize, Finished), tell: &mut dyn FnMut(News)) {
        self.early.insert(at, finished);
        while let Some((lane, finished)) = self.early.remove(&self.next) {
            self.next += 1;
            tell(News::Case(lane, Box::new(renumber(finished, &mut self.next_id))));
        }
    }

    /// Hands over what is there, although something before it is missing: the run was interrupted.
    fn flush(&mut self, tell: &mut dyn FnMut(News)) {
        for (lane, finished) in std::mem::take(&mut self.early).into_values() {
            tell(News::Case(lane, Box::new(renumber(finished, &mut self.next_id))));
        }
    }
}

/// Makes exchange ids unique and ascending over the run.
fn renumber(mut finished: Finished, next: &mut u32) -> Finished {
    let offset = *next - 1;
    for exchange in &mut finished.exchanges {
        exchange.id += offset;
        *next = (*next).max(exchange.id + 1);
    }
    for result in &mut finished.results {
        for id in &mut result.exchanges {
            *id += offset;
        }
    }
    finished
}

/// Places in the groups of a lane.
const QUICK: usize = 0;
const SLOW: usize = 1;
const APART: usize = 2;
const ALONE: usize = 3;
