//! SQLite conforms, and what is its own: the file, its lock, its mode, its faults.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::config;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::platform::tasks::Tasks;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::tests::conformance;
use crate::store::tests::conformance::put;
use crate::store::tests::conformance::put_job;
use crate::store::tests::made;

conformance::conforms!(fresh);

struct Alive {
    _directory: TempDir,
    tasks: Tasks,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

fn fresh() -> (Store, Alive) {
    let directory = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let store = open(directory.path(), &tasks).unwrap();
    (
        store,
        Alive {
            _directory: directory,
            tasks,
        },
    )
}

fn plan(directory: &Path) -> config::Store {
    config::Store {
        path: directory.join("state/xspd.db"),
        history: std::time::Duration::from_secs(1),
    }
}

fn open(directory: &Path, tasks: &Tasks) -> Result<Store, StoreError> {
    // Nobody drives them here.
    Store::open(&plan(directory), tasks).map(|(store, _feed)| store)
}

async fn end(tasks: Tasks) {
    tasks.stop().cancel();
    tasks.join().await;
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_and_the_files_are_ours_alone() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let store = open(directory.path(), &tasks).unwrap();
    put(&store, made::wish("anna", 1, "SP1")).await;
    put_job(&store, made::job("anna", 1, JobState::WaitingWebex)).await;
    for file in fs::read_dir(directory.path().join("state")).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
    }
    end(tasks).await;
    assert_eq!(store.save(Vec::new()).await, Err(StoreError::Closed));
    drop(store);
    let tasks = Tasks::new();
    let store = open(directory.path(), &tasks).unwrap();
    let found = store.user(&made::key("anna")).await.unwrap().unwrap();
    assert_eq!(found.desired, made::wish("anna", 1, "SP1"));
    assert_eq!(found.state(), JobState::WaitingWebex);
    end(tasks).await;
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_file() {
    let (_store, alive) = fresh();
    let refused = open(alive._directory.path(), &alive.tasks)
        .map(drop)
        .unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused:?}");
    let told = refused.to_string();
    assert!(told.contains("belongs to another running xspd"), "{told}");
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let store = open(directory.path(), &tasks).unwrap();
    put(&store, made::wish("anna", 1, "SP1")).await;
    end(tasks).await;
    drop(store);
    let path = plan(directory.path()).path;
    tamper(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', true, x'00', 0)",
    )
    .await;
    let refused = open(directory.path(), &Tasks::new()).map(drop).unwrap_err();
    let expected = StoreError::Newer {
        path,
        found: 99,
        known: 1,
    };
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn a_damaged_file_is_named_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = plan(directory.path()).path;
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(
        &path,
        "this is no database, but long enough to be looked at as one",
    )
    .unwrap();
    let refused = open(directory.path(), &Tasks::new()).map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("this is no database")
    );
}

#[tokio::test]
async fn a_damaged_page_is_found_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let store = open(directory.path(), &tasks).unwrap();
    for number in 0..200 {
        put(&store, made::wish(&format!("user{number}"), 1, "SP1")).await;
    }
    end(tasks).await;
    drop(store);
    let path = plan(directory.path()).path;
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let refused = open(directory.path(), &Tasks::new()).map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_other_one() {
    let (store, alive) = fresh();
    put(&store, made::wish("anna", 1, "SP1")).await;
    put(&store, made::wish("bob", 1, "SP1")).await;
    let path = plan(alive._directory.path()).path;
    tamper(
        &path,
        "UPDATE documents SET wish = '{\"later\":1}' WHERE id = 1",
    )
    .await;
    let page = store.page(&Default::default(), None, 10).await.unwrap();
    assert_eq!((page.users.len(), page.unreadable), (1, 1));
    let mut seen = 0;
    assert_eq!(store.load(|_| seen += 1).await, Ok(1));
    assert_eq!(seen, 1);
    let ask = crate::store::Ask::about(made::key("anna"));
    let refused = store
        .accept(ask, |_| ((), crate::store::Keep::default()))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Unreadable { .. })),
        "{refused:?}"
    );
    put(&store, made::wish("carl", 1, "SP1")).await;
}

#[tokio::test]
async fn a_customer_that_cannot_be_read_keeps_no_other_one_from_the_start() {
    let (store, alive) = fresh();
    for name in ["SP1", "SP2"] {
        let record = made::enterprise(name, EnterpriseState::Ready);
        let change = crate::domain::provisioning::conductor::Change::Enterprise(Box::new(record));
        store.save(vec![change]).await.unwrap();
    }
    let path = plan(alive._directory.path()).path;
    tamper(
        &path,
        "UPDATE enterprises SET document = '{\"later\":1}' WHERE enterprise = 'sp1'",
    )
    .await;
    let (records, unreadable) = store.load_enterprises().await.unwrap();
    let sp2 = made::enterprise("SP2", EnterpriseState::Ready);
    assert_eq!((records, unreadable), (vec![sp2.clone()], 1));
    assert_eq!(store.enterprises().await.unwrap(), [sp2]);
}

#[tokio::test]
async fn a_locked_database_refuses_within_a_second_or_so_reads_go_on_and_it_recovers() {
    let (store, alive) = fresh();
    put(&store, made::wish("anna", 1, "SP1")).await;
    let path = plan(alive._directory.path()).path;
    let mut other = tool(&path).await;
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            let keep = crate::store::Keep {
                desired: Some(made::wish(&format!("user{number}"), 1, "SP1")),
                enterprise: None,
            };
            let ask = crate::store::Ask::about(made::key(&format!("user{number}")));
            store.accept(ask, move |_| ((), keep))
        })
        .collect();
    let anna = made::key("anna");
    let reading = store.user(&anna);
    let (refused, read) = tokio::join!(futures_util::future::join_all(waiting), reading);
    for refused in refused {
        assert!(
            matches!(refused, Err(StoreError::Locked { .. })),
            "{refused:?}"
        );
    }
    assert!(read.unwrap().is_some());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.user(&made::key("user0")).await.unwrap(), None);
    put(&store, made::wish("user0", 1, "SP1")).await;
}

/// A connection of another program.
async fn tool(path: &Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    options.connect().await.unwrap()
}

async fn tamper(path: &Path, sql: &'static str) {
    use sqlx::Connection as _;
    let mut connection = tool(path).await;
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
