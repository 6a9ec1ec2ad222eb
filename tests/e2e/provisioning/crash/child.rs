//! The child: a provisioner on the real store, at the orders of its standard input.

use std::io::BufRead as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::mpsc;
use xspd::domain::provisioning::ids::EnterpriseKey;
use xspd::domain::provisioning::ids::Moment;
use xspd::domain::provisioning::ids::UserKey;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::record::EnterpriseRecord;
use xspd::domain::provisioning::record::Step;
use xspd::platform::tasks::Tasks;
use xspd::store::Ask;
use xspd::store::Engine;
use xspd::store::Plan;
use xspd::store::Sqlite;
use xspd::store::Store;
use xspd::store::StoreError;
use xspd::store::Visit;
use xspd::store::query::AttentionGroup;
use xspd::store::query::Cursor;
use xspd::store::query::Filter;
use xspd::store::query::Page;
use xspd::store::query::StateCount;
use xspd::store::query::UserRecord;
use xspd::telemetry::Telemetry;
use xspd::workers::provisioner::Parts;
use xspd::workers::provisioner::Provisioner;

use crate::e2e::provisioning::made;
use crate::e2e::provisioning::webex;

/// Its name in the binary.
pub(super) const NAME: &str = "e2e::provisioning::crash::child::run_by_the_other_tests";

#[derive(Deserialize)]
struct Order {
    directory: PathBuf,
    webex: SocketAddr,
    kill: Option<(u64, String)>,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of the tests beside it"]
async fn run_by_the_other_tests() {
    let (lines, mut orders) = mpsc::channel(16);
    // Not on the runtime: reading standard input cannot be cut short.
    let _reader = std::thread::Builder::new().spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if lines.blocking_send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    let order: Order = serde_json::from_str(&orders.recv().await.unwrap()).unwrap();
    let tasks = Tasks::new();
    let engine = Sqlite::open(&order.directory.join("xspd.db")).unwrap();
    let engine: Arc<dyn Engine> = match order.kill {
        Some((number, when)) => Arc::new(Doomed {
            engine,
            left: AtomicU64::new(number),
            when,
        }),
        None => Arc::new(engine),
    };
    let (store, feed) = Store::on(engine, &tasks);
    let parts = Parts {
        store,
        feed,
        settings: made::settings(),
        history: Duration::from_secs(86_400),
        webex: webex::at(order.webex),
        metrics: Telemetry::new().provisioning,
    };
    let provisioner = Provisioner::start(parts, &tasks);
    say("@ready");
    while let Some(line) = orders.recv().await {
        let (word, user) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "assign" => submit(&provisioner, user, made::assign(user, "Acme")).await,
            "unassign" => submit(&provisioner, user, made::unassign(user)).await,
            "look" => {
                let found = provisioner.store().user(&made::key(user)).await.unwrap();
                say(&format!(
                    "@kept {}",
                    found.map_or(0, |found| found.desired.revision)
                ));
            }
            "finish" => {
                finish(&provisioner).await;
                provisioner.drain(Duration::from_secs(5)).await;
                tasks.stop().cancel();
                tasks.join().await;
                say("@finished");
                return;
            }
            other => panic!("no such order: {other}"),
        }
    }
}

async fn submit(
    provisioner: &Provisioner,
    user: &str,
    wish: xspd::domain::provisioning::intake::Wish,
) {
    match provisioner.submit(wish).await.unwrap() {
        Verdict::Accept { desired, .. } => say(&format!("@accepted {} {user}", desired.revision)),
        // The wish before the kill was kept, though not answered.
        Verdict::Same { .. } | Verdict::NotPresent => {
            let found = provisioner.store().user(&made::key(user)).await.unwrap();
            let revision = found.map_or(0, |found| found.desired.revision);
            say(&format!("@accepted {revision} {user}"));
        }
        Verdict::Refuse(refusal) => panic!("{refusal:?}"),
    }
}

/// Until every job is at its end.
async fn finish(provisioner: &Provisioner) {
    loop {
        let counts = provisioner.store().counts().await.unwrap();
        if counts.iter().all(|count| count.state.is_final()) {
            return;
        }
        let attention = provisioner.store().attention().await.unwrap();
        assert!(attention.is_empty(), "{attention:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // In one piece: what is said before a kill is said.
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// An engine whose process dies at a transaction.
struct Doomed {
    engine: Sqlite,
    left: AtomicU64,
    when: String,
}

fn die() -> ! {
    let own = std::process::id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-KILL", &own])
        .status();
    panic!("kill -9 of ourselves came back: {killed:?}");
}

impl Engine for Doomed {
    fn transact<'a>(
        &'a self,
        asks: Vec<Ask>,
        plan: Plan<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let dies = self.left.fetch_sub(1, Ordering::SeqCst) == 1;
        let when = self.when.as_str();
        if dies && when == "before" {
            die();
        }
        let plan: Plan<'a> = if dies && when == "within" {
            Box::new(move |found| {
                drop(plan(found));
                die()
            })
        } else {
            plan
        };
        async move {
            let outcome = self.engine.transact(asks, plan).await;
            if dies {
                die();
            }
            outcome
        }
        .boxed()
    }

    fn each<'a>(
        &'a self,
        open_only: bool,
        visit: &'a mut Visit<'_>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.engine.each(open_only, visit)
    }

    fn page<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.engine.page(filter, after, limit)
    }

    fn user<'a>(
        &'a self,
        key: &'a UserKey,
    ) -> BoxFuture<'a, Result<Option<UserRecord>, StoreError>> {
        self.engine.user(key)
    }

    fn history<'a>(
        &'a self,
        key: &'a UserKey,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Step>, StoreError>> {
        self.engine.history(key, limit)
    }

    fn enterprise<'a>(
        &'a self,
        key: &'a EnterpriseKey,
    ) -> BoxFuture<'a, Result<Option<EnterpriseRecord>, StoreError>> {
        self.engine.enterprise(key)
    }

    fn customers(&self) -> BoxFuture<'_, Result<Vec<EnterpriseRecord>, StoreError>> {
        self.engine.customers()
    }

    fn enterprises(&self) -> BoxFuture<'_, Result<(Vec<EnterpriseRecord>, u64), StoreError>> {
        self.engine.enterprises()
    }

    fn attention(&self) -> BoxFuture<'_, Result<Vec<AttentionGroup>, StoreError>> {
        self.engine.attention()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<StateCount>, StoreError>> {
        self.engine.counts()
    }

    fn prune_steps(&self, before: Moment) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.engine.prune_steps(before)
    }

    fn prune_users(&self, before: Moment) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.engine.prune_users(before)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.engine.close()
    }
}
