//! Every task of the process: named, counted, ended by one stop signal.
//!
//! A *worker* must live as long as the process; when one panics the process ends with exit code
//! 70. A *connection* may panic: it is counted and dropped, everyone else goes on.
#![expect(clippy::disallowed_methods, reason = "this is the home of tasks")]

use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// Handle to the registry; clones share it.
#[derive(Clone, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Inner {
    failed: CancellationToken,
    failed_name: Mutex<Option<&'static str>>,
    tracker: TaskTracker,
    running: Mutex<Vec<&'static str>>,
    connection_panics: AtomicU64,
}

impl Tasks {
    /// A registry of its own; the process has one, each test its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task without which the process is useless.
    pub fn worker(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.clone();
        tasks.names().push(name);
        self.inner.tracker.spawn(async move {
            let outcome = std::panic::AssertUnwindSafe(work).catch_unwind().await;
            tasks.forget(name);
            if outcome.is_err() {
                error!(
                    worker = name,
                    "A worker panicked; the process ends with exit code 70."
                );
                *tasks
                    .inner
                    .failed_name
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(name);
                tasks.inner.failed.cancel();
            }
        });
    }

    /// Starts the task of one connection. Its panic is counted and ends nothing else.
    pub fn connection(&self, work: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.clone();
        self.inner.tracker.spawn(async move {
            if std::panic::AssertUnwindSafe(work)
                .catch_unwind()
                .await
                .is_err()
            {
                tasks
                    .inner
                    .connection_panics
                    .fetch_add(1, Ordering::Relaxed);
                error!("A connection panicked and was dropped; please report this.");
            }
        });
    }

    /// Runs blocking work off the runtime's threads. `None` when it panicked, which is logged.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let outcome = self.inner.tracker.spawn_blocking(work).await;
        if let Err(error) = &outcome {
            error!(%error, "Blocking work failed; please report this.");
        }
        outcome.ok()
    }

    /// A handle to the same registry with a stop signal of its own, for tasks that may end before
    /// the process does; it fires with that of this handle too.
    #[must_use]
    pub fn branch(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            stop: self.stop.child_token(),
        }
    }

    /// The token that asks every task to end.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Resolves when a worker has panicked.
    pub async fn worker_failed(&self) -> &'static str {
        self.inner.failed.cancelled().await;
        let name = *self
            .inner
            .failed_name
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        name.unwrap_or("unknown")
    }

    /// Connections that panicked since the start.
    #[must_use]
    pub fn connection_panics(&self) -> u64 {
        self.inner.connection_panics.load(Ordering::Relaxed)
    }

    /// Waits until every task has ended; call after cancelling [`Tasks::stop`].
    pub async fn join(&self) {
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }

    /// Names of the workers still running, for the last line of a drain.
    #[must_use]
    pub fn leftovers(&self) -> Vec<&'static str> {
        self.names().clone()
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, name: &'static str) {
        let mut names = self.names();
        if let Some(at) = names.iter().position(|held| *held == name) {
            names.swap_remove(at);
        }
    }
}

/// Blocks this thread until `work` is over, from inside the runtime or not; it must not need the
/// runtime's network or timers. For the start, before anything is served. `None` when it panicked,
/// or when there is no runtime.
pub fn wait_for<T: Send>(work: impl Future<Output = T> + Send) -> Option<T> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    // Of its own, because a thread of the runtime may not wait in it.
    std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_panics_is_counted_and_nothing_else_ends() {
        let tasks = Tasks::new();
        tasks.connection(async { panic!("a bug") });
        tasks.connection(async {});
        tasks.join().await;
        assert_eq!(tasks.connection_panics(), 1);
        assert!(tasks.worker_failed().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_branch_ends_by_itself_and_with_the_whole() {
        let tasks = Tasks::new();
        let (first, second) = (tasks.branch(), tasks.branch());
        for branch in [&first, &second] {
            let stop = branch.stop();
            branch.worker("branch", async move { stop.cancelled().await });
        }
        first.stop().cancel();
        assert!(!second.stop().is_cancelled());
        tasks.stop().cancel();
        assert!(second.stop().is_cancelled());
        tasks.join().await;
        assert!(tasks.leftovers().is_empty());
    }

    #[tokio::test]
    async fn a_worker_that_panics_is_named() {
        let tasks = Tasks::new();
        let stop = tasks.stop();
        tasks.worker("steady", async move { stop.cancelled().await });
        tasks.worker("broken", async { panic!("a bug") });
        assert_eq!(tasks.worker_failed().await, "broken");
        assert_eq!(tasks.leftovers(), ["steady"]);
        tasks.stop().cancel();
        tasks.join().await;
        assert!(tasks.leftovers().is_empty());
    }
}
