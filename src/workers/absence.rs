//! Watches over how long nobody has been there, and has it told: CTI sessions of Webex.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::domain::edge::absence::Absence;
use crate::domain::edge::absence::Seen;
use crate::domain::edge::absence::Tidings;
use crate::domain::machine::Machine as _;
use crate::platform::clock;

/// Runs until `stop`, or until nobody counts any more. Only the latest count and patience matter,
/// so they come through `watch` and no queue can be full.
pub async fn run(
    mut count: watch::Receiver<usize>,
    mut patience: watch::Receiver<Duration>,
    stop: CancellationToken,
    tell: impl Fn(Tidings),
) {
    let mut absence = Absence::new(*patience.borrow_and_update(), clock::now());
    loop {
        while let Some(tidings) = absence.poll_action() {
            tell(tidings);
        }
        // Every branch may be dropped halfway without losing anything.
        let seen = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = count.changed() => {
                if changed.is_err() {
                    return;
                }
                Some(Seen::Open(*count.borrow_and_update()))
            }
            changed = patience.changed() => {
                if changed.is_err() {
                    return;
                }
                Some(Seen::Patience(*patience.borrow_and_update()))
            }
            () = clock::passed(absence.deadline()) => None,
        };
        let now = clock::now();
        if let Some(seen) = seen {
            absence.handle(seen, now);
        }
        // Too early it does nothing, and a flood of counts must not keep it waiting.
        absence.handle_timeout(now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use super::*;
    use crate::platform::tasks::Tasks;

    #[tokio::test(start_paused = true)]
    async fn an_absence_and_its_end_are_told() {
        let tasks = Tasks::new();
        let (count, counted) = watch::channel(0);
        let (patience, had) = watch::channel(Duration::from_secs(300));
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let running = run(counted, had, tasks.stop(), move |tidings| {
            heard.lock().unwrap().push(tidings);
        });
        tasks.worker("absence", running);
        tokio::time::sleep(Duration::from_secs(299)).await;
        assert!(told.lock().unwrap().is_empty());
        tokio::time::sleep(Duration::from_secs(2)).await;
        count.send_replace(1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let texts: Vec<_> = std::mem::take(&mut *told.lock().unwrap());
        assert!(
            matches!(texts[..], [Tidings::Missing { .. }, Tidings::Back { .. }]),
            "{texts:?}"
        );
        count.send_replace(0);
        patience.send_replace(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(matches!(
            told.lock().unwrap()[..],
            [Tidings::Missing { .. }]
        ));
        tasks.stop().cancel();
        tasks.join().await;
    }
}
