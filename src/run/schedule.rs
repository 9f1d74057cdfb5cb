//! Side by side, but reported in plan order: a few cases at once, each with its own browsers and clients.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::Finished;
use super::execute::{self, Shared};
use super::plan::Planned;

/// Executes the plan, `jobs` cases at once, and hands over finished cases in plan order. Returns whether `stop` ended it early.
///
/// Cases that wait (tag `slow`) begin first and hold up nobody: they count against `jobs` only among themselves.
/// Cases tagged `alone` come after all others, one by one, and of these the slow ones last.
pub async fn all(
    shared: &Arc<Shared>,
    plan: Vec<Planned<'_>>,
    jobs: usize,
    stop: impl Future<Output = ()>,
    done: &mut dyn FnMut(Finished),
) -> bool {
    let jobs = jobs.max(1);
    let tasks = plan.iter().enumerate().map(|(at, planned)| (at, execute::Task::of(planned)));
    let (mut alone, others): (Vec<_>, Vec<_>) = tasks.partition(|(_, task)| task.is_alone());
    alone.sort_by_key(|(_, task)| task.is_slow());
    let (slow, quick): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, task)| task.is_slow());
    let at_once = |tasks: Vec<(usize, execute::Task)>, jobs: usize| {
        let shared = Arc::clone(shared);
        stream::iter(tasks).map(move |(at, task)| one(Arc::clone(&shared), at, task)).buffer_unordered(jobs)
    };
    let mut cases = stream::select(at_once(slow, jobs), at_once(quick, jobs)).chain(at_once(alone, 1));
    let mut queue = Queue { early: BTreeMap::new(), next: 0, next_id: 1 };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => {
                queue.flush(done);
                return true;
            }
            finished = cases.next() => match finished {
                Some((at, finished)) => queue.take(at, finished, done),
                None => return false,
            },
        }
    }
}

/// A task of its own, so that cases really run side by side and a panic of ours stays one case's error.
async fn one(shared: Arc<Shared>, at: usize, task: execute::Task) -> (usize, Finished) {
    let (case, title, area) = (task.id.clone(), task.title.clone(), task.area.clone());
    let finished = match tokio::spawn(execute::case(shared, task)).await {
        Ok(finished) => finished,
        Err(failure) => execute::failed(case, title, area, &failure.to_string()),
    };
    (at, finished)
}

/// Finished cases that wait for one before them in the plan.
struct Queue {
    early: BTreeMap<usize, Finished>,
    next: usize,
    next_id: u32,
}

impl Queue {
    fn take(&mut self, at: usize, finished: Finished, done: &mut dyn FnMut(Finished)) {
        self.early.insert(at, finished);
        while let Some(finished) = self.early.remove(&self.next) {
            self.next += 1;
            done(renumber(finished, &mut self.next_id));
        }
    }

    /// Hands over what is there, although something before it is missing: the run was interrupted.
    fn flush(&mut self, done: &mut dyn FnMut(Finished)) {
        for (_, finished) in std::mem::take(&mut self.early) {
            done(renumber(finished, &mut self.next_id));
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
