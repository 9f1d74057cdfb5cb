//! Work that goes on side by side on every processor. Each worker has a runtime of one thread and the harness's servers on
//! it: who asks and who answers are on the same processor, and neither has to wake the other, which takes longer than most
//! answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use futures_util::{StreamExt, stream};
use tokio::runtime::{Builder, Runtime};

use crate::run::Helpers;

/// The workers that are free; others are made where these are not enough.
#[derive(Default)]
pub struct Crew {
    free: Mutex<Vec<Worker>>,
}

/// A runtime, and the harness's servers on it.
struct Worker {
    runtime: Runtime,
    helpers: Helpers,
}

impl Worker {
    fn new() -> std::io::Result<Worker> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let helpers = runtime.block_on(Helpers::start())?;
        Ok(Worker { runtime, helpers })
    }
}

impl Crew {
    /// Does some work with the servers of one worker, on this thread.
    ///
    /// # Errors
    /// If no worker can be made, and what comes of the work.
    ///
    /// # Panics
    /// Within a runtime: this thread waits here.
    pub(super) fn one<R>(&self, work: impl AsyncFnOnce(&Helpers) -> std::io::Result<R>) -> std::io::Result<R> {
        let free = self.lock().pop();
        let worker = free.map_or_else(Worker::new, Ok)?;
        let result = worker.runtime.block_on(work(&worker.helpers));
        self.lock().push(worker);
        result
    }

    /// Does some work for each item, `parallel` at a time, and hands the results over in the order of the items.
    ///
    /// # Errors
    /// The first error; what was begun comes to its end.
    ///
    /// # Panics
    /// Within a runtime: this thread waits here until all is done.
    pub(super) fn all<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        parallel: usize,
        work: impl AsyncFn(&Helpers, T) -> std::io::Result<R> + Sync,
        mut done: impl FnMut(R),
    ) -> std::io::Result<()> {
        let threads = threads(parallel).min(items.len());
        let queue = Mutex::new(items.into_iter().enumerate());
        let (send, receive) = mpsc::channel();
        thread::scope(|scope| {
            for send in vec![send; threads] {
                let (queue, work) = (&queue, &work);
                let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                scope.spawn(move || {
                    let failed = self.one(async |helpers| {
                        let one = async |(at, item)| (at, work(helpers, item).await);
                        let mut running = stream::iter(std::iter::from_fn(next))
                            .map(one)
                            .buffer_unordered(parallel.div_ceil(threads));
                        while let Some((at, result)) = running.next().await {
                            // Nobody listens any more when something failed; then nothing new is begun either.
                            if send.send(result.map(|result| (at, result))).is_err() {
                                break;
                            }
                        }
                        Ok(())
                    });
                    if let Err(error) = failed {
                        let _ = send.send(Err(error));
                    }
                });
            }
            let mut early = BTreeMap::new();
            let mut next = 0;
            for found in receive {
                let (at, result) = found?;
                early.insert(at, result);
                while let Some(result) = early.remove(&next) {
                    next += 1;
                    done(result);
                }
            }
            Ok(())
        })
    }

    /// Does work that has its own workers and waits for them, `parallel` items at a time, each on a thread of its own; what it
    /// says on its way is heard on this thread.
    ///
    /// # Errors
    /// The first error; what was begun comes to its end.
    pub(super) fn waiting<T: Send, R: Send>(
        items: Vec<T>,
        parallel: usize,
        work: impl Fn(T, &mut dyn FnMut(R)) -> std::io::Result<()> + Sync,
        mut hear: impl FnMut(R),
    ) -> std::io::Result<()> {
        let queue = Mutex::new(items.into_iter());
        let (send, receive) = mpsc::channel();
        thread::scope(|scope| {
            for send in vec![send; parallel] {
                let (queue, work) = (&queue, &work);
                let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                scope.spawn(move || {
                    // Nobody listens any more when something failed; then nothing new is begun either.
                    let mut heard = true;
                    while let Some(item) = next().filter(|_| heard) {
                        let mut say = |said: std::io::Result<R>| heard = send.send(said).is_ok();
                        if let Err(error) = work(item, &mut |said| say(Ok(said))) {
                            say(Err(error));
                        }
                    }
                });
            }
            receive.into_iter().try_for_each(|said| said.map(&mut hear))
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread for each processor, if there is enough to do at once.
fn threads(parallel: usize) -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(parallel.max(1))
}
