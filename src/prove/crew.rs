//! Work that goes on side by side on every processor. The futures of one task are polled on one thread, however many they
//! are; what proofs do between two answers is worth more than one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use futures_util::{StreamExt, stream};
use tokio::runtime::Handle;

/// Does some work for each item, `parallel` at a time, and hands the results over in the order of the items.
///
/// # Errors
/// The first error; what was begun comes to its end.
///
/// # Panics
/// If the runtime has one thread only: this one waits here until all is done.
pub(super) fn all<T, R, F>(
    items: Vec<T>,
    parallel: usize,
    work: impl Fn(T) -> F + Sync,
    mut done: impl FnMut(R),
) -> std::io::Result<()>
where
    T: Send,
    R: Send,
    F: Future<Output = std::io::Result<R>>,
{
    let threads = thread::available_parallelism().map_or(1, usize::from).min(parallel.max(1));
    let (handle, queue) = (Handle::current(), Mutex::new(items.into_iter().enumerate()));
    let (send, receive) = mpsc::channel();
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            for send in vec![send; threads] {
                let (handle, queue, work) = (&handle, &queue, &work);
                let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                scope.spawn(move || {
                    let one = |(at, item)| async move { (at, work(item).await) };
                    let mut running =
                        stream::iter(std::iter::from_fn(next)).map(one).buffer_unordered(parallel.div_ceil(threads));
                    handle.block_on(async {
                        while let Some(result) = running.next().await {
                            // Nobody listens any more when something failed; then nothing new is begun either.
                            if send.send(result).is_err() {
                                break;
                            }
                        }
                    });
                });
            }
            let mut early = BTreeMap::new();
            let mut next = 0;
            for (at, result) in receive {
                early.insert(at, result?);
                while let Some(result) = early.remove(&next) {
                    next += 1;
                    done(result);
                }
            }
            Ok(())
        })
    })
}
