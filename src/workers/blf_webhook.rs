//! The receiver of all notifications: an [`Outbox`] driven on real time, its letters written by the
//! tracker, its POSTs made one at a time.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use crate::config;
use crate::config::Environment;
use crate::domain::blf::outbox::Action;
use crate::domain::blf::outbox::Bounds;
use crate::domain::blf::outbox::Delivery;
use crate::domain::blf::outbox::Input;
use crate::domain::blf::outbox::Letter;
use crate::domain::blf::outbox::Outbox;
use crate::domain::machine::Machine;
use crate::outbound::OutboundError;
use crate::outbound::webhook::Posted;
use crate::outbound::webhook::Webhook;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::blf_api::BlfApiMetrics;
use crate::workers::blf_tracker::BlfBoard;

/// Notifications that wait for a receiver. A state of each of many lines, some 500 bytes each; more
/// than these and what happened long ago is dropped first.
const WAITING: usize = 10_000;

/// Handfuls of letters between the tracker and the outbox, which takes them in microseconds.
const LETTERS: usize = 1024;

/// The webhook of one configuration. Its work ends when the last handle is gone.
pub struct BlfWebhook {
    rules: config::BlfWebhook,
    client: Arc<Webhook>,
    tasks: Tasks,
    metrics: Arc<BlfApiMetrics>,
    started: AtomicBool,
}

impl BlfWebhook {
    /// Reads what it needs; nothing is sent yet. The previous one goes on when nothing changed.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn build(
        rules: &config::BlfWebhook,
        tasks: &Tasks,
        metrics: &Arc<BlfApiMetrics>,
        previous: Option<&Arc<Self>>,
    ) -> Result<Arc<Self>, OutboundError> {
        let client = Webhook::new(rules, &Environment::process())?;
        if let Some(previous) = previous
            && previous.rules == *rules
            && previous.client.is_same(&client)
        {
            return Ok(Arc::clone(previous));
        }
        Ok(Arc::new(Self {
            rules: rules.clone(),
            client: Arc::new(client),
            tasks: tasks.branch(),
            metrics: Arc::clone(metrics),
            started: AtomicBool::new(false),
        }))
    }

    /// Begins to deliver: first the state of every line, then what happens. More calls do nothing.
    pub fn start(&self, board: &BlfBoard) {
        if self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let bounds = Bounds {
            waiting: WAITING,
            retries: self.rules.retries,
        };
        let outbox = Outbox::new(bounds, RandomState::new().hash_one(bounds.waiting));
        let (letters, received) = mpsc::channel(LETTERS);
        let work = deliver(
            outbox,
            received,
            Arc::clone(&self.client),
            self.tasks.clone(),
            Arc::clone(&self.metrics),
        );
        self.tasks.connection(work);
        let board = board.clone();
        self.tasks.connection(async move {
            // A board that is gone has nothing to tell.
            board.observe(letters).await.ok();
        });
    }
}

impl Drop for BlfWebhook {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// Until the tracker ends, or this webhook does.
async fn deliver(
    mut outbox: Outbox,
    mut letters: mpsc::Receiver<Vec<Letter>>,
    client: Arc<Webhook>,
    tasks: Tasks,
    metrics: Arc<BlfApiMetrics>,
) {
    // One delivery is under way at most.
    let (ended, mut endings) = mpsc::channel::<Posted>(1);
    let stop = tasks.stop();
    let mut failing = false;
    loop {
        while let Some(action) = outbox.poll_action() {
            match action {
                Action::Send(body) => {
                    let (client, ended) = (Arc::clone(&client), ended.clone());
                    tasks.connection(async move {
                        let posted = client.post(body, clock::wall()).await;
                        // Whoever waits for it may have ended.
                        drop(ended.send(posted).await);
                    });
                }
                Action::Tell(loss) => metrics.lost(loss),
            }
        }
        metrics.waiting(outbox.waiting());
        // Every branch may be dropped halfway without losing anything.
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(posted) = endings.recv() => {
                let delivery = posted.delivery();
                let good = delivery == Delivery::Done;
                metrics.posted(posted.as_str(), good, &posted);
                if good && failing {
                    metrics.receiver_back();
                }
                failing = !good;
                outbox.handle(Input::Ended(delivery), clock::now());
            }
            more = letters.recv() => {
                let Some(more) = more else { break };
                for letter in more {
                    outbox.handle(Input::Letter(letter), clock::now());
                }
            }
            () = clock::passed(outbox.deadline()) => outbox.handle_timeout(clock::now()),
        }
    }
    metrics.waiting(0);
}
