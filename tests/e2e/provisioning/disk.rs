//! A full disk and a locked database: wishes are refused, nothing is half-written, jobs wait, and
//! all goes on by itself when the cause is gone.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use xspd::config;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::record::JobState;
use xspd::platform::tasks::Tasks;
use xspd::store::Store;
use xspd::store::StoreError;
use xspd::store::query::Filter;
use xspd::telemetry::Telemetry;
use xspd::workers::provisioner::Parts;
use xspd::workers::provisioner::Provisioner;
use xspd::workers::provisioner::SubmitError;

use crate::e2e::provisioning::made;
use crate::e2e::provisioning::webex;
use crate::support::BOUND;

/// Room for some hundred wishes.
const DISK: &str = "size=2m";
const BALLAST: usize = 1 << 20;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// More wishes than the disk has room for.
const MOST: usize = 20_000;

struct Stage {
    tasks: Tasks,
    telemetry: Telemetry,
    provisioner: Provisioner,
    world: Arc<std::sync::Mutex<webex::World>>,
}

async fn stage(directory: &Path) -> Stage {
    let tasks = Tasks::new();
    let telemetry = Telemetry::new();
    let (address, world) = webex::serve(&tasks).await;
    let plan = config::Store {
        path: directory.join("xspd.db"),
        history: Duration::from_secs(86_400),
    };
    let (store, feed) = Store::open(&plan, &tasks).unwrap();
    let parts = Parts {
        store,
        feed,
        settings: made::settings(),
        history: plan.history,
        webex: webex::at(address),
        metrics: Arc::clone(&telemetry.provisioning),
    };
    let provisioner = Provisioner::start(parts, &tasks);
    Stage {
        tasks,
        telemetry,
        provisioner,
        world,
    }
}

impl Stage {
    fn failing(&self) -> bool {
        let metrics = self.telemetry.render();
        metrics.contains("xspd_provisioning_store_failing 1\n")
    }

    async fn until(&self, what: &str, done: impl AsyncFn(&Self) -> bool) {
        let wait = async {
            while !done(self).await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(BOUND, wait).await.is_err() {
            let store = self.provisioner.store();
            let states = JobState::ALL.into_iter().filter(|state| !state.is_final());
            let open = Filter {
                states: states.collect(),
                ..Filter::default()
            };
            let page = store.page(&open, None, 3).await;
            let jobs = page.unwrap().users.into_iter().map(|user| user.job);
            let jobs: Vec<_> = jobs.collect();
            panic!("waited for too long: {what}: {jobs:#?}");
        }
    }

    async fn over(stage: &Self) -> bool {
        let counts = stage.provisioner.store().counts().await.unwrap();
        counts.iter().all(|count| count.state.is_final())
    }

    async fn end(self) {
        self.provisioner.drain(BOUND).await;
        self.tasks.stop().cancel();
        self.tasks.join().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_wishes_are_refused_and_all_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![7; BALLAST]).unwrap();
    let stage = stage(disk.path()).await;
    let mut accepted = 0;
    let refused = loop {
        assert!(accepted < MOST, "the disk never fills");
        match stage
            .provisioner
            .submit(made::assign(&format!("user{accepted}"), "Acme"))
            .await
        {
            Ok(Verdict::Accept { .. }) => accepted += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    let full = matches!(refused, SubmitError::Store(StoreError::Full { .. }));
    assert!(full, "{refused:?}");
    assert!(accepted > 10, "{accepted}");
    assert!(stage.failing());
    // Reading goes on: all that was accepted is there, and what was refused is not.
    let store = stage.provisioner.store();
    for number in 0..accepted {
        let key = made::key(&format!("user{number}"));
        assert!(store.user(&key).await.unwrap().is_some(), "{number}");
    }
    let key = made::key(&format!("user{accepted}"));
    assert_eq!(store.user(&key).await.unwrap(), None);

    fs::remove_file(&ballast).unwrap();
    let again = made::assign(&format!("user{accepted}"), "Acme");
    stage
        .until("room", async |stage| {
            stage.provisioner.submit(again.clone()).await.is_ok()
        })
        .await;
    stage.until("the end of all jobs", Stage::over).await;
    assert!(!stage.failing());
    let world = stage.world.lock().unwrap().users().len();
    assert_eq!(world, accepted + 1);
    assert_eq!(stage.world.lock().unwrap().twice.len(), 0);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_program_holds_the_database_wishes_are_refused_and_jobs_wait() {
    let directory = tempfile::tempdir().unwrap();
    let stage = stage(directory.path()).await;
    stage
        .provisioner
        .submit(made::assign("anna", "Acme"))
        .await
        .unwrap();
    let options = SqliteConnectOptions::new().filename(directory.path().join("xspd.db"));
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = stage
        .provisioner
        .submit(made::assign("bob", "Acme"))
        .await
        .unwrap_err();
    let locked = matches!(refused, SubmitError::Store(StoreError::Locked { .. }));
    assert!(locked, "{refused:?}");
    assert!(
        refused.to_string().contains("locked by another program"),
        "{refused}"
    );
    stage
        .until("it is told", async |stage| stage.failing())
        .await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    stage
        .provisioner
        .submit(made::assign("bob", "Acme"))
        .await
        .unwrap();
    stage.until("the end of all jobs", Stage::over).await;
    assert!(!stage.failing());
    let users: Vec<_> = stage.world.lock().unwrap().users().into_iter().collect();
    assert_eq!(users, ["anna", "bob"]);
    stage.end().await;
}

/// A small disk in memory, for as long as it is held.
pub(super) struct SmallDisk {
    place: PathBuf,
    _directory: Option<tempfile::TempDir>,
}

impl SmallDisk {
    /// `None`, with the reason printed, where that is not permitted.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_owned();
        Self::over(place, Some(directory))
    }

    /// The same at a directory that is there.
    pub(super) fn mount_at(place: &Path) -> Option<Self> {
        Self::over(place.to_owned(), None)
    }

    fn over(place: PathBuf, directory: Option<tempfile::TempDir>) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK, "xspd-test"])
            .arg(&place)
            .output();
        let why = match mounted {
            Ok(output) if output.status.success() => {
                return Some(Self {
                    place,
                    _directory: directory,
                });
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("skipped: no small disk can be mounted here ({why})");
        None
    }

    pub(super) fn path(&self) -> &Path {
        &self.place
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the store may still be closing.
        let _left = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}
