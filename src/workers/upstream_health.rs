//! Health checks: for each upstream its machine, driven, and the checks that it asks for.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::domain::upstream::health::Action;
use crate::domain::upstream::health::Health;
use crate::outbound::Pools;
use crate::outbound::Upstream;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::workers::drive::drive;

/// First checks are spread over this time, or over the interval if that is shorter: soon enough
/// for readiness, and not all at once from a farm that restarts.
const FIRST_CHECKS: Duration = Duration::from_secs(1);

/// How often idle connections are looked at. They are never used past their time anyway; this
/// only closes them when no request does.
const SWEEP: Duration = Duration::from_secs(1);

impl Pools {
    /// Starts health checks and the closing of idle connections. They end with `stop`: at the
    /// process's end, and when a reload replaces these pools. Call it once.
    pub fn start(&self, tasks: &Tasks, stop: CancellationToken) {
        self.forget_other_series();
        for upstream in self.upstreams() {
            watch(upstream, tasks, &stop);
        }
        let upstreams: Vec<Arc<Upstream>> = self.upstreams().cloned().collect();
        tasks.worker("idle-connections", async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(SWEEP) => upstreams.iter().for_each(|upstream| upstream.sweep()),
                }
            }
        });
    }
}

fn watch(upstream: &Arc<Upstream>, tasks: &Tasks, stop: &CancellationToken) {
    let Some(inputs) = upstream.take_inputs() else {
        return;
    };
    let rules = upstream.rules();
    let first_check = clock::mono() + jitter(FIRST_CHECKS.min(rules.interval));
    let act = {
        let upstream = Arc::clone(upstream);
        let tasks = tasks.clone();
        let stop = stop.clone();
        move |action| {
            match action {
                Action::Announce(change) => upstream.announce(change),
                Action::Check => tasks.connection(check(Arc::clone(&upstream), stop.clone())),
            }
            std::future::ready(())
        }
    };
    tasks.worker(
        "upstream-health",
        drive(Health::new(rules, first_check), inputs, stop.clone(), act),
    );
}

/// One check in a task of its own, so that failed requests are heard meanwhile.
async fn check(upstream: Arc<Upstream>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        result = upstream.check() => {
            // When the machine has ended, nobody needs the result.
            upstream.inputs().send(result).await.ok();
        }
    }
}

fn jitter(limit: Duration) -> Duration {
    let millis = limit.as_secs() * 1_000 + u64::from(limit.subsec_millis());
    let random = RandomState::new().hash_one(());
    Duration::from_millis(random % millis.max(1))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use prometheus_client::registry::Registry;
    use tokio::time::timeout;

    use super::*;

    use crate::config;
    use crate::outbound::Pool;
    use crate::outbound::tests::fake::Fake;
    use crate::outbound::tests::fake::OK;
    use crate::outbound::tests::fake::Script;
    use crate::outbound::tests::setup::LONG;
    use crate::outbound::tests::setup::PLAN;
    use crate::outbound::tests::setup::SHORT;
    use crate::outbound::tests::setup::config;
    use crate::outbound::tests::setup::metrics;
    use crate::outbound::tests::setup::pool;
    use crate::outbound::tests::setup::request;
    use crate::outbound::tests::setup::value;

    struct Farm {
        pools: Pools,
        tasks: Tasks,
        registry: Registry,
    }

    impl Farm {
        fn start(config: config::Pool) -> Self {
            let (metrics, registry) = metrics();
            let pools = Pools::build(&self::config([config]), &metrics).unwrap();
            let tasks = Tasks::new();
            pools.start(&tasks, tasks.stop());
            Self {
                pools,
                tasks,
                registry,
            }
        }

        /// The machine of one upstream that hears of nothing but requests.
        fn start_without_checks(config: config::Pool) -> Self {
            let (metrics, registry) = metrics();
            let pools = Pools::build(&self::config([config]), &metrics).unwrap();
            let tasks = Tasks::new();
            let upstream = Arc::clone(pools.upstreams().next().unwrap());
            let inputs = upstream.take_inputs().unwrap();
            let health = Health::new(upstream.rules(), clock::mono() + LONG);
            let announce = move |action| {
                match action {
                    Action::Announce(change) => upstream.announce(change),
                    Action::Check => {}
                }
                std::future::ready(())
            };
            tasks.worker("health", drive(health, inputs, tasks.stop(), announce));
            Self {
                pools,
                tasks,
                registry,
            }
        }

        fn pool(&self) -> &Pool {
            self.pools.get("farm").unwrap()
        }

        async fn get(&self) -> String {
            match self
                .pool()
                .send(request(Method::GET, "/x", ""), &PLAN)
                .await
            {
                Ok(sent) => sent.text().await.unwrap(),
                Err(failure) => failure.as_str().to_owned(),
            }
        }

        async fn until_ready(&self, ready: bool) {
            let changed = async {
                while self.pools.ready() != ready {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(LONG, changed).await.unwrap();
        }

        fn up(&self) -> i64 {
            value(&self.registry, "xspd_upstream_up{")
        }

        async fn end(self) {
            self.tasks.stop().cancel();
            self.tasks.join().await;
        }
    }

    const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    const BROKEN: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

    #[tokio::test]
    async fn an_upstream_goes_down_with_its_checks_and_comes_up_with_them() {
        let fake = Fake::start([
            Script::always(REFUSED),
            Script::always(BROKEN),
            Script::always(BROKEN),
            Script::ok(),
        ])
        .await;
        let farm = Farm::start(pool(&[fake.address]));
        assert!(farm.pools.ready(), "an upstream is presumed up");
        assert_eq!(farm.up(), 1);
        farm.until_ready(false).await;
        assert!(fake.accepted() >= 2, "401 is a sign of life");
        assert_eq!(farm.up(), 0);
        farm.until_ready(true).await;
        assert_eq!(farm.up(), 1);
        let check = &fake.heard()[0];
        assert!(check.starts_with("GET /health HTTP/1.1\r\n"), "{check}");
        assert!(check.contains(&format!("host: {}\r\n", fake.address)));
        assert!(check.contains("connection: close\r\n"));
        let failures =
            "xspd_upstream_failures_total{pool=\"farm\",upstream=\"xsp1\",reason=\"server-error\"}";
        assert!(value(&farm.registry, failures) >= 1);
        farm.end().await;
    }

    #[tokio::test]
    async fn a_check_without_an_answer_fails_in_time() {
        let fake = Fake::start([Script::new().hear().hold()]).await;
        let mut config = pool(&[fake.address]);
        config.health.timeout = SHORT;
        let farm = Farm::start(config);
        farm.until_ready(false).await;
        farm.end().await;
    }

    #[tokio::test]
    async fn failed_requests_eject_an_upstream_and_one_answer_brings_it_back() {
        // Two requests get no answer, all later ones do; no checks come in between.
        let silent = Script::new().hear();
        let fake = Fake::start([silent.clone(), silent, Script::ok()]).await;
        let mut config = pool(&[fake.address]);
        config.ejection.failures = 2;
        config.ejection.time = SHORT;
        let farm = Farm::start_without_checks(config);
        // One GET fails on its fresh connection and, repeated, on the next.
        assert_eq!(farm.get().await, "closed-before-answer");
        farm.until_ready(false).await;
        assert_eq!(value(&farm.registry, "xspd_upstream_ejections_total"), 1);
        farm.until_ready(true).await;
        assert_eq!(farm.up(), 0, "on probation it is not yet trusted");
        assert_eq!(farm.get().await, "200 ok");
        let trusted = async {
            while farm.up() != 1 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, trusted).await.unwrap();
        farm.end().await;
    }

    #[tokio::test]
    async fn idle_connections_are_closed_when_their_time_is_over() {
        let fake = Fake::start([Script::new().hear().say(OK).hold()]).await;
        let mut config = pool(&[fake.address]);
        config.keep_alive = SHORT;
        config.health.interval = LONG;
        let farm = Farm::start(config);
        assert_eq!(farm.get().await, "200 ok");
        // The check closes its own connection.
        timeout(LONG, fake.ended(2)).await.unwrap();
        farm.end().await;
    }

    #[tokio::test]
    async fn the_checks_end_with_their_pools() {
        let fake = Fake::start([Script::ok()]).await;
        let (metrics, _registry) = metrics();
        let pools = Pools::build(&config([pool(&[fake.address])]), &metrics).unwrap();
        let tasks = Tasks::new();
        let replaced = CancellationToken::new();
        pools.start(&tasks, replaced.clone());
        replaced.cancel();
        timeout(LONG, tasks.join()).await.unwrap();
        assert!(tasks.leftovers().is_empty());
    }
}
