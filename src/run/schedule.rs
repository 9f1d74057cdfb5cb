//! Side by side, but reported in plan order: a few cases at once, each with its own browsers and clients.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::Finished;
use super::execute::{self, Shared};
use super::plan::Planned;

/// Executes the plan, `jobs` cases at once, and hands over finished cases in plan order. Returns whether `stop` ended it early.
pub async fn all(
    shared: &Arc<Shared>,
    plan: Vec<Planned<'_>>,
    jobs: usize,
    stop: impl Future<Output = ()>,
    done: &mut dyn FnMut(Finished),
) -> bool {
    let mut next_id = 1;
    let mut cases = stream::iter(plan.into_iter().map(|planned| {
        let task = execute::Task::of(&planned);
        let shared = Arc::clone(shared);
        async move {
            let (case, title, area) = (task.id.clone(), task.title.clone(), task.area.clone());
            // A task of its own, so that cases really run side by side and a panic of ours stays one case's error.
            match tokio::spawn(execute::case(shared, task)).await {
                Ok(finished) => finished,
                Err(failure) => execute::failed(case, title, area, &failure.to_string()),
            }
        }
    }))
    .buffered(jobs.max(1));
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return true,
            finished = cases.next() => match finished {
                Some(finished) => done(renumber(finished, &mut next_id)),
                None => return false,
            },
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
