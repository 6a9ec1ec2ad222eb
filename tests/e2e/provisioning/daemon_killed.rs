//! kill -9 of the real daemon while an Application Server calls, and what a crash may leave of the
//! store's files: a call that was answered with 200 is there afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::e2e::provisioning::adapter_scene::API;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::basic;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::e2e::provisioning::adapter_scene::request;

/// Callers at once.
const CALLERS: usize = 6;

/// After how many answers the daemon is killed, in each of its lives.
const LIVES: [usize; 6] = [1, 4, 9, 17, 30, 48];

const ALLOW: &str = "allow = [\"127.0.0.0/8\"]";

/// Who was answered with 200.
type Answered = Arc<Mutex<BTreeSet<String>>>;

/// Has users assigned until the daemon is gone; tells of each answer.
async fn call(
    scene: &Scene,
    names: &AtomicUsize,
    answered: &Answered,
    tell: &watch::Sender<usize>,
) {
    loop {
        let number = names.fetch_add(1, Ordering::Relaxed);
        let user = format!("user{number}@sp.test");
        let body = profile(&user);
        let call = request("POST", API, &basic(PASSWORD), body.as_bytes());
        let Ok(answer) = scene.client().exchange(&call).await else {
            return;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        answered.lock().unwrap().insert(user);
        tell.send_modify(|count| *count += 1);
    }
}

/// One life of the daemon: callers call, and it is killed after so many answers.
async fn life(scene: &Scene, names: &AtomicUsize, answered: &Answered, after: usize) {
    let daemon = scene.start(&scene.config(ALLOW, "")).await;
    let (tell, mut heard) = watch::channel(0);
    let callers =
        futures_util::future::join_all((0..CALLERS).map(|_| call(scene, names, answered, &tell)));
    let kill = async {
        heard.wait_for(|count| *count >= after).await.unwrap();
        daemon.signal("KILL");
    };
    tokio::join!(callers, kill);
    // Its hold on the store ends with it.
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_calls_come_in_every_call_that_was_answered_is_kept() {
    let scene = Scene::new();
    let (names, answered) = (AtomicUsize::new(0), Answered::default());
    for after in LIVES {
        life(&scene, &names, &answered, after).await;
    }
    let answered = answered.lock().unwrap().clone();
    assert!(answered.len() >= LIVES.iter().sum(), "{}", answered.len());
    let kept: BTreeSet<_> = scene.users().await.into_iter().map(|held| held.0).collect();
    let lost: Vec<_> = answered.difference(&kept).collect();
    assert_eq!(lost, Vec::<&String>::new());
    // Of those that were not answered, at most what was under way in each life.
    let unasked = kept.difference(&answered).count();
    assert!(unasked <= CALLERS * LIVES.len(), "{unasked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_tore_off_at_the_end_of_the_log_harms_nobody() {
    let scene = Scene::new();
    let (names, answered) = (AtomicUsize::new(0), Answered::default());
    life(&scene, &names, &answered, 12).await;
    let log = scene.path().join("state/xspd.db-wal");
    assert!(
        fs::metadata(&log).unwrap().len() > 0,
        "it was never emptied"
    );
    // The beginning of a frame that never became whole.
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(&[0xa5; 1777]).unwrap();
    file.sync_all().unwrap();
    drop(file);
    let daemon = scene.start(&scene.config(ALLOW, "")).await;
    let kept: BTreeSet<_> = scene.users().await.into_iter().map(|held| held.0).collect();
    let answered = answered.lock().unwrap().clone();
    assert!(answered.is_subset(&kept), "{answered:?} {kept:?}");
    let answer = scene.call("POST", API, &profile("after@sp.test")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(daemon.stop().await.success());
}
