//! Many queued jobs: lists, start, memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use xspd::domain::machine::Machine as _;
use xspd::domain::provisioning::conductor::Conductor;
use xspd::domain::provisioning::ids::TemplateKey;
use xspd::domain::provisioning::record::JobState;
use xspd::platform::clock;
use xspd::platform::tasks::Tasks;
use xspd::store::Store;
use xspd::store::query::Filter;

use crate::Failure;
use crate::made;
use crate::tell;
use crate::wishes::accept;

/// Wishes submitted together while the store is filled.
const TOGETHER: u32 = 500;

/// How often each list is asked for; the worst counts.
const ASKED: usize = 20;

/// Users on a page.
const PAGE: u32 = 100;

pub(crate) async fn fill_and_ask(directory: &Path, users: u32) -> Result<(), Failure> {
    let tasks = Tasks::new();
    let (store, mut feed) = Store::open(&made::plan(directory), &tasks)?;
    tasks.worker("feed", async move { while feed.recv().await.is_some() {} });
    let settings = Arc::new(made::settings()?);
    let began = clock::mono();
    for first in (0..users).step_by(TOGETHER as usize) {
        let numbers = first..users.min(first + TOGETHER);
        let wishes = numbers.map(made::wish).collect::<Result<Vec<_>, _>>()?;
        try_join_all(
            wishes
                .into_iter()
                .map(|wish| accept(&store, wish, &settings)),
        )
        .await?;
    }
    let took = clock::mono().duration_since(began);
    tell(format_args!(
        "{users} users written {TOGETHER} at a time: {took:.1?}"
    ));
    ask(&store, users).await?;
    tasks.stop().cancel();
    drop(store);
    tasks.join().await;
    Ok(())
}

/// Lists as operators ask for them.
async fn ask(store: &Store, users: u32) -> Result<(), Failure> {
    let all = Filter::default;
    let states = |state| vec![state];
    let prefix = format!("user{:07}", users.saturating_sub(50));
    for (what, filter) in [
        ("first page", all()),
        (
            "state that all have",
            Filter {
                states: states(JobState::Queued),
                ..all()
            },
        ),
        (
            "state that none has",
            Filter {
                states: states(JobState::Attention),
                ..all()
            },
        ),
        (
            "template that none has",
            Filter {
                template: TemplateKey::parse("none").ok(),
                ..all()
            },
        ),
        (
            "user prefix near the end",
            Filter {
                user_prefix: Some(prefix),
                ..all()
            },
        ),
    ] {
        let mut worst = Duration::ZERO;
        for _ in 0..ASKED {
            let began = clock::mono();
            store.page(&filter, None, PAGE).await?;
            worst = worst.max(clock::mono().duration_since(began));
        }
        tell(format_args!(
            "page of {PAGE}, {what}: worst of {ASKED} {worst:.1?}"
        ));
    }
    let began = clock::mono();
    store.counts().await?;
    tell(format_args!(
        "count by state: {:.1?}",
        clock::mono().duration_since(began)
    ));
    Ok(())
}

/// What a start does, to the moment when it drives.
pub(crate) async fn replay(directory: &Path) -> Result<(), Failure> {
    let tasks = Tasks::new();
    let before = resident();
    let began = clock::mono();
    let (store, _feed) = Store::open(&made::plan(directory), &tasks)?;
    let opened = clock::mono();
    let now = clock::now();
    let mut conductor = Conductor::new(made::settings()?, 1, now);
    for record in store.enterprises().await? {
        conductor.load_enterprise(record, now);
    }
    let unreadable = store
        .load(|user| conductor.load(user.desired, user.job, now))
        .await?;
    let took = clock::mono().duration_since(began);
    let checked = opened.duration_since(began);
    let open = conductor.open();
    tell(format_args!(
        "start with {open} open jobs ({unreadable} unreadable): {took:.2?}, of which {checked:.2?} \
         opening and checking the file"
    ));
    let began = clock::mono();
    conductor.handle_timeout(clock::now());
    let mut actions = 0_u64;
    while conductor.poll_action().is_some() {
        actions += 1;
    }
    let took = clock::mono().duration_since(began);
    tell(format_args!("its first {actions} actions: {took:.2?}"));
    tell(format_args!(
        "memory: {before} MB before, {} MB now, {} MB at most",
        resident(),
        peak()
    ));
    tasks.stop().cancel();
    tasks.join().await;
    Ok(())
}

fn resident() -> u64 {
    of_status("VmRSS:")
}

fn peak() -> u64 {
    of_status("VmHWM:")
}

/// In megabytes, as Linux tells it.
fn of_status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1_000
}
