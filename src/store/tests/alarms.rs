//! What every engine of alarms has to do, and what is SQLite's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Entry;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Severity;
use crate::domain::alarms::Silence;
use crate::store::Sqlite;
use crate::store::StoreError;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::AlarmStore;
use crate::store::alarms::Attempt;
use crate::store::alarms::CLEAN;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::HistoryRow;
use crate::store::alarms::IDENTIFIER;

macro_rules! conforms {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    let directory = tempfile::tempdir().unwrap();
                    super::$name(&super::on_file(directory.path())).await;
                }
            )*
        }
        mod in_memory {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&super::AlarmStore::in_memory()).await;
                }
            )*
        }
    };
}

conforms! {
    an_alarm_is_kept_until_it_is_over
    history_comes_newest_first_and_in_parts
    what_is_not_delivered_waits_and_what_is_does_not
    what_sinks_wait_for_is_never_forgotten
    silences_are_kept_as_a_whole
    counters_and_marks_are_kept
    writing_twice_is_writing_once
}

fn on_file(directory: &Path) -> AlarmStore {
    let engine = Sqlite::open(&directory.join("xspd.db")).unwrap();
    AlarmStore::on(Arc::new(engine.alarms()))
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn key(object: &str) -> AlarmKey {
    AlarmKey::new(AlarmName::XspUnreachable, object)
}

fn alarm(object: &str) -> Alarm {
    Alarm {
        key: key(object),
        severity: Severity::High,
        step: String::new(),
        text: "No answer; \"quoted\" ä".to_owned(),
        rule: String::new(),
        ends: Some(at(99)),
        details: vec![("owner".to_owned(), "noc".to_owned())],
        since: at(1),
        seen: at(2),
        count: 3,
        identifier: 1,
        told: None,
        ack: None,
        flapping: false,
    }
}

fn entry(identifier: u64, object: &str) -> Entry {
    let alarm = alarm(object);
    Entry {
        notice: Notice {
            key: alarm.key,
            severity: alarm.severity,
            at: at(identifier),
            since: alarm.since,
            system: "node".to_owned(),
            text: alarm.text,
            ..Notice::bare(identifier, NoticeKind::Raised, object)
        },
        by: None,
        comment: None,
        silenced: false,
    }
}

fn history(entries: impl IntoIterator<Item = Entry>) -> AlarmDelta {
    AlarmDelta {
        history: entries.into_iter().collect(),
        ..AlarmDelta::default()
    }
}

const ALL: HistoryAsk = HistoryAsk {
    name: None,
    object: None,
    since: None,
    before: None,
    limit: 100,
};

fn numbers(rows: &[HistoryRow]) -> Vec<u64> {
    let rows = rows.iter();
    rows.map(|row| row.entry.notice.identifier).collect()
}

async fn an_alarm_is_kept_until_it_is_over(store: &AlarmStore) {
    let (a, b) = (alarm("a"), alarm("b"));
    let delta = AlarmDelta {
        alarms: vec![a.clone(), b.clone()],
        ..AlarmDelta::default()
    };
    store.save(delta).await.unwrap();
    let changed = Alarm {
        count: 9,
        ..a.clone()
    };
    let delta = AlarmDelta {
        alarms: vec![changed.clone()],
        over: vec![b.key.clone()],
        ..AlarmDelta::default()
    };
    store.save(delta).await.unwrap();
    assert_eq!(store.load().await.unwrap().alarms, [changed]);
}

async fn history_comes_newest_first_and_in_parts(store: &AlarmStore) {
    let entries = (1..=5).map(|n| entry(n, if n == 3 { "b" } else { "a" }));
    store.save(history(entries)).await.unwrap();
    let all = store.history(ALL).await.unwrap();
    assert_eq!(numbers(&all), [5, 4, 3, 2, 1]);
    assert_eq!(all[4].entry, entry(1, "a"));
    let part = |ask| async { numbers(&store.history(ask).await.unwrap()) };
    let limit = HistoryAsk { limit: 2, ..ALL };
    assert_eq!(part(limit).await, [5, 4]);
    let before = HistoryAsk {
        before: Some(4),
        ..ALL
    };
    assert_eq!(part(before).await, [3, 2, 1]);
    let since = HistoryAsk {
        since: Some(at(4)),
        ..ALL
    };
    assert_eq!(part(since).await, [5, 4]);
    let of = HistoryAsk {
        name: Some(AlarmName::XspUnreachable),
        object: Some("b".to_owned()),
        ..ALL
    };
    assert_eq!(part(of).await, [3]);
    let other = HistoryAsk {
        name: Some(AlarmName::CrlStale),
        ..ALL
    };
    assert_eq!(part(other).await, [0_u64; 0]);
    assert_eq!(store.load().await.unwrap().identifier.max(5), 5);
}

async fn what_is_not_delivered_waits_and_what_is_does_not(store: &AlarmStore) {
    let queue = |sink: &str, identifier| (sink.to_owned(), identifier);
    let delta = AlarmDelta {
        queued: vec![
            queue("mail", 1),
            queue("trap", 1),
            queue("mail", 2),
            queue("gone", 2),
        ],
        ..history([entry(1, "a"), entry(2, "a")])
    };
    store.save(delta).await.unwrap();
    let attempt = |identifier, delivered_at: Option<SystemTime>| Attempt {
        sink: "mail".to_owned(),
        identifier,
        attempts: 2,
        next_try: at(3),
        error: delivered_at.is_none().then(|| "no answer".to_owned()),
        delivered_at,
    };
    let delta = AlarmDelta {
        attempts: vec![attempt(1, Some(at(4))), attempt(2, None)],
        dropped: vec![queue("gone", 2)],
        ..AlarmDelta::default()
    };
    store.save(delta).await.unwrap();
    let kept = store.load().await.unwrap();
    let waiting: Vec<_> = kept
        .waiting
        .iter()
        .map(|held| (held.sink.as_str(), held.notice.identifier, held.attempts))
        .collect();
    assert_eq!(waiting, [("trap", 1, 0), ("mail", 2, 2)]);
    let wants: Vec<_> = kept.waiting.iter().map(|held| held.not_before).collect();
    assert_eq!(wants, [SystemTime::UNIX_EPOCH, at(3)]);
    let rows = store.history(ALL).await.unwrap();
    let told = &rows[1].deliveries;
    assert_eq!(told.len(), 2);
    assert_eq!(
        (told[0].sink.as_str(), told[0].delivered_at),
        ("mail", Some(at(4)))
    );
    assert_eq!(
        (told[1].sink.as_str(), told[1].delivered_at),
        ("trap", None)
    );
}

async fn what_sinks_wait_for_is_never_forgotten(store: &AlarmStore) {
    let delta = AlarmDelta {
        queued: vec![("mail".to_owned(), 1)],
        ..history((1..=10).map(|n| entry(n, "a")))
    };
    store.save(delta).await.unwrap();
    assert_eq!(store.prune(at(5), 100).await, Ok(3));
    let left = store.history(ALL).await.unwrap();
    assert_eq!(numbers(&left), [10, 9, 8, 7, 6, 5, 1]);
    assert_eq!(store.prune(at(0), 3).await, Ok(3));
    let left = store.history(ALL).await.unwrap();
    assert_eq!(numbers(&left), [10, 9, 8, 1]);
    assert_eq!(store.load().await.unwrap().waiting.len(), 1);
}

async fn silences_are_kept_as_a_whole(store: &AlarmStore) {
    let silence = |id| Silence {
        id,
        name: "*".to_owned(),
        object: "a*".to_owned(),
        who: "anna".to_owned(),
        comment: String::new(),
        at: at(1),
        until: at(2),
    };
    for ids in [vec![1, 2], vec![2, 3], vec![]] {
        let silences: Vec<_> = ids.into_iter().map(silence).collect();
        let delta = AlarmDelta {
            silences: Some(silences.clone()),
            ..AlarmDelta::default()
        };
        store.save(delta).await.unwrap();
        store.save(AlarmDelta::default()).await.unwrap();
        assert_eq!(store.load().await.unwrap().silences, silences);
    }
}

async fn counters_and_marks_are_kept(store: &AlarmStore) {
    for (key, value) in [
        (IDENTIFIER, "7"),
        (CLEAN, "no"),
        (IDENTIFIER, "41"),
        (CLEAN, "yes"),
    ] {
        let state = vec![(key.to_owned(), value.to_owned())];
        let delta = AlarmDelta {
            state,
            ..AlarmDelta::default()
        };
        store.save(delta).await.unwrap();
    }
    let kept = store.load().await.unwrap();
    assert_eq!((kept.identifier, kept.clean), (41, true));
}

async fn writing_twice_is_writing_once(store: &AlarmStore) {
    let delta = AlarmDelta {
        alarms: vec![alarm("a")],
        over: vec![key("b")],
        queued: vec![("mail".to_owned(), 1)],
        ..history([entry(1, "a")])
    };
    store.save(delta.clone()).await.unwrap();
    store.save(delta).await.unwrap();
    let kept = store.load().await.unwrap();
    assert_eq!((kept.alarms.len(), kept.waiting.len()), (1, 1));
    assert_eq!(store.history(ALL).await.unwrap().len(), 1);
    store.close().await;
    let refused = store.save(AlarmDelta::default()).await;
    assert_eq!(refused, Err(StoreError::Closed));
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_there_after_a_restart_beside_the_wishes_of_provisioning() {
    let directory = directory();
    let store = on_file(directory.path());
    let delta = AlarmDelta {
        alarms: vec![alarm("a")],
        ..history([entry(7, "a")])
    };
    store.save(delta).await.unwrap();
    // Killed: nothing is closed in order.
    drop(store);
    let kept = on_file(directory.path()).load().await.unwrap();
    assert_eq!(
        (kept.alarms.len(), kept.identifier, kept.clean),
        (1, 7, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_of_a_later_version_hides_no_other_one() {
    let directory = directory();
    let store = on_file(directory.path());
    let delta = AlarmDelta {
        alarms: vec![alarm("a"), alarm("b")],
        ..AlarmDelta::default()
    };
    store.save(delta).await.unwrap();
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options = options.filename(directory.path().join("xspd.db"));
    let mut tool = options.connect().await.unwrap();
    sqlx::query("UPDATE alarms SET document = '{\"later\":1}' WHERE object = 'a'")
        .execute(&mut tool)
        .await
        .unwrap();
    let kept = store.load().await.unwrap();
    assert_eq!((kept.alarms.len(), kept.unreadable), (1, 1));
}
