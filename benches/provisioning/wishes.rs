//! Wishes that become durable: read, decide, write, commit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use xspd::domain::provisioning::intake;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::Settings;
use xspd::platform::clock;
use xspd::platform::tasks::Tasks;
use xspd::store::Ask;
use xspd::store::Keep;
use xspd::store::Store;

use crate::Failure;
use crate::made;

/// Numbers of users across turns, so that each wish is about a new one.
static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) async fn per_second(
    directory: &Path,
    callers: usize,
    span: Duration,
) -> Result<f64, Failure> {
    let tasks = Tasks::new();
    let directory = directory.join(format!("callers{callers}"));
    let (store, mut feed) = Store::open(&made::plan(&directory), &tasks)?;
    tasks.worker("feed", async move { while feed.recv().await.is_some() {} });
    let settings = Arc::new(made::settings()?);
    let began = clock::mono();
    let (told, mut done) = tokio::sync::mpsc::channel(callers);
    for _ in 0..callers {
        let (store, settings, told) = (store.clone(), Arc::clone(&settings), told.clone());
        tasks.worker("caller", async move {
            let mut count = 0_u32;
            let outcome = loop {
                if clock::mono().duration_since(began) >= span {
                    break Ok(count);
                }
                let accepted = match made::wish(NEXT.fetch_add(1, Ordering::Relaxed)) {
                    Ok(wish) => accept(&store, wish, &settings).await,
                    Err(error) => Err(error),
                };
                match accepted {
                    Ok(()) => count += 1,
                    Err(error) => break Err(error),
                }
            };
            drop(told.send(outcome).await);
        });
    }
    drop(told);
    let mut all = 0_u32;
    while let Some(count) = done.recv().await {
        all += count?;
    }
    let seconds = clock::mono().duration_since(began).as_secs_f64();
    tasks.stop().cancel();
    drop(store);
    tasks.join().await;
    Ok(f64::from(all) / seconds)
}

/// What the provisioner does with a wish.
pub(crate) async fn accept(
    store: &Store,
    wish: Wish,
    settings: &Arc<Settings>,
) -> Result<(), Failure> {
    let ask = Ask {
        user: wish.key.clone(),
        enterprise: intake::enterprise_of(None, &wish, settings),
        email: intake::email_of(None, &wish, settings),
    };
    let settings = Arc::clone(settings);
    let accepted = store.accept(ask, move |held| {
        match intake::decide(held, wish, &settings) {
            Verdict::Accept {
                desired,
                enterprise,
            } => {
                let keep = Keep {
                    desired: Some(*desired),
                    enterprise,
                };
                (true, keep)
            }
            Verdict::NotPresent | Verdict::Refuse(_) | Verdict::Same { .. } => {
                (false, Keep::default())
            }
        }
    });
    if accepted.await? {
        Ok(())
    } else {
        Err("a wish was not accepted".into())
    }
}
