//! One question under way per user: whoever asks meanwhile waits for the same answer, and an
//! asker that goes away takes nobody's answer with it.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::platform::tasks::Tasks;

/// Questions under way by what they are about.
pub(in crate::workers) struct Flights<K, T>(Arc<Mutex<HashMap<K, Landing<T>>>>);

/// The answer once it is there.
type Landing<T> = watch::Receiver<Option<T>>;

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Joins the question about `key`, or asks it with `work`, in a task of its own.
    pub(in crate::workers) fn board<F>(
        &self,
        key: &K,
        tasks: &Tasks,
        work: impl FnOnce() -> F,
    ) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut under_way = lock(&self.0);
        // A sender that is gone without an answer panicked, and nobody will answer.
        if let Some(landing) = under_way.get(key)
            && landing.has_changed().is_ok()
        {
            return Flight(landing.clone());
        }
        let (sender, landing) = watch::channel(None);
        under_way.insert(key.clone(), landing.clone());
        drop(under_way);
        let (all, key, work) = (Arc::clone(&self.0), key.clone(), work());
        tasks.connection(async move {
            let answer = work.await;
            // Before the answer is told: whoever comes after it asks anew.
            lock(&all).remove(&key);
            sender.send_replace(Some(answer));
        });
        Flight(landing)
    }
}

/// One's place in the wait for an answer.
pub(in crate::workers) struct Flight<T>(Landing<T>);

impl<T: Clone> Flight<T> {
    /// The answer; `None` if the question died of a bug.
    pub(in crate::workers) async fn land(mut self) -> Option<T> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.clone()
    }
}

fn lock<K, T>(flights: &Mutex<HashMap<K, Landing<T>>>) -> MutexGuard<'_, HashMap<K, Landing<T>>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn many_askers_make_one_question() {
        let (tasks, flights) = (Tasks::new(), Flights::<u8, u32>::default());
        let asked = Arc::new(AtomicU32::new(0));
        let (go, wait) = oneshot::channel::<()>();
        let mut wait = Some(wait);
        let mut board = || {
            let (asked, wait) = (Arc::clone(&asked), wait.take());
            flights.board(&1, &tasks, || async move {
                if let Some(wait) = wait {
                    wait.await.ok();
                }
                asked.fetch_add(1, Ordering::Relaxed) + 1
            })
        };
        let waiting: Vec<_> = (0..10).map(|_| board()).collect();
        go.send(()).unwrap();
        for flight in waiting {
            assert_eq!(flight.land().await, Some(1));
        }
        assert_eq!(board().land().await, Some(2), "afterwards it is asked anew");
    }

    #[tokio::test]
    async fn an_asker_that_goes_away_leaves_the_question_to_the_others() {
        let (tasks, flights) = (Tasks::new(), Flights::<u8, u32>::default());
        let (go, wait) = oneshot::channel::<()>();
        let first = flights.board(&1, &tasks, || async move {
            wait.await.ok();
            7
        });
        let second = flights.board(&1, &tasks, || async { 8 });
        drop(first);
        go.send(()).unwrap();
        assert_eq!(second.land().await, Some(7));
    }

    #[tokio::test]
    async fn a_question_that_panics_is_asked_anew() {
        let (tasks, flights) = (Tasks::new(), Flights::<u8, u32>::default());
        let first = flights.board(&1, &tasks, || async { panic!("a bug") });
        assert_eq!(first.land().await, None);
        let second = flights.board(&1, &tasks, || async { 1 });
        assert_eq!(second.land().await, Some(1));
    }
}
