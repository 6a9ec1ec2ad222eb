//! What goes on by itself: slow readers, missing echoes, forgetting; and the end of all streams.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::platform::clock;
use crate::workers::event_hub::EventHub;
use crate::workers::event_hub::inner::memory;

/// How often streams are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Steps of a tenth of a second in which everything is cut: the service manager waits for 90 s in
/// all.
const MOST_STEPS: usize = 200;

impl EventHub {
    /// No channel is opened any more.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
    }

    /// Cuts what is open, not all at once: their clients open new channels elsewhere.
    pub async fn cut_staggered(&self) {
        let least = u32::try_from(self.open() / MOST_STEPS).unwrap_or(u32::MAX);
        loop {
            let (batch, pause) = {
                let inner = self.shared.inner();
                let a_second = inner
                    .rules
                    .cuts_per_second
                    .max(least.saturating_mul(10))
                    .max(1);
                // Ten steps a second, or one stream at a time.
                let size = (a_second / 10).max(1);
                let pause = Duration::from_secs(1) * size / a_second;
                let batch: Vec<_> = inner
                    .streams
                    .values()
                    .filter(|stream| !stream.is_cut())
                    .take(usize::try_from(size).unwrap_or(1))
                    .cloned()
                    .collect();
                (batch, pause)
            };
            if batch.is_empty() {
                return;
            }
            for stream in batch {
                stream.cut();
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Watches over the streams until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => self.look(clock::mono()),
            }
        }
    }

    /// Ends slow readers, finds missing echoes, forgets what is old.
    fn look(&self, now: Instant) {
        let (rules, streams) = {
            let mut inner = self.shared.inner();
            let rules = Arc::clone(&inner.rules);
            inner.places.forget(now, &memory(&rules));
            let streams: Vec<_> = inner.streams.values().cloned().collect();
            (rules, streams)
        };
        for stream in streams {
            stream.end_if_slow(now, rules.write_timeout);
            let missing = stream
                .pulse()
                .misses_echo(now, rules.heartbeat_echo_timeout);
            if missing {
                self.shared.metrics.echo_missing(stream.upstream());
            }
        }
        self.shared.neighbours.forget(now);
    }
}
