//! The desk with sinks that take, hang, refuse and fail, and with disks that do.

mod fake;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Policy;
use crate::domain::alarms::QuietHours;
use crate::domain::alarms::Severity;
use crate::domain::alarms::board::Order;
use crate::domain::alarms::outbox::MOST_WAITING;
use crate::platform::clock;
use crate::store::alarms::AlarmStore;
use crate::store::alarms::HistoryAsk;
use crate::workers::alarm_desk::DeskError;
use fake::Answer;
use fake::Disk;
use fake::Fake;
use fake::Scene;

const NAME: AlarmName = AlarmName::ConfigReloadFailed;
const SECOND: Duration = Duration::from_secs(1);

fn raise(object: &str) -> Observation {
    Observation::present(NAME, object, "It is wrong.".to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_told_kept_shown_and_over() {
    let sink = Fake::new("mail", Severity::Informational);
    let scene = Scene::start(vec![sink.clone()], AlarmStore::in_memory());
    scene.desk.observe(raise("a"));
    sink.heard(1).await;
    let shown = scene.desk.list().await.unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].alarm.key, AlarmKey::new(NAME, "a"));
    assert_eq!(shown[0].case.word(), "S3");
    scene.desk.observe(Observation::absent(NAME, "a"));
    let heard = sink.heard(2).await;
    let kinds: Vec<_> = heard.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Raised, NoticeKind::Cleared]);
    assert!(heard[0].identifier < heard[1].identifier);
    assert_eq!(scene.desk.list().await.unwrap(), []);
    scene.settled().await;
    let rows = scene.history().await;
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter()
            .all(|row| row.deliveries[0].delivered_at.is_some())
    );
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn where_alarms_fade_they_are_told_again_whoever_has_taken_them_on() {
    let fading = Fake::fading("am", Severity::Informational);
    let (deaf, other) = (
        Fake::fading("deaf", Severity::Critical),
        Fake::new("mail", Severity::Informational),
    );
    let sinks = vec![fading.clone(), deaf.clone(), other.clone()];
    let scene = Scene::start(sinks, AlarmStore::in_memory());
    scene.desk.observe(raise("a"));
    fading.heard(1).await;
    let order = Order::Acknowledge {
        key: AlarmKey::new(NAME, "a"),
        who: "kim".to_owned(),
        comment: String::new(),
        until: None,
    };
    scene.desk.order(order).await.unwrap();
    let begun = clock::mono();
    let heard = fading.heard(2 + 48).await;
    let took = (clock::mono() - begun).as_secs();
    assert!((47 * 3600..=49 * 3600).contains(&took), "{took} s");
    let last = &heard[49];
    assert_eq!(last.kind, NoticeKind::Reminded);
    assert_eq!(last.identifier, heard[1].identifier, "it is no news");
    // What is over is not told again.
    scene.desk.observe(Observation::absent(NAME, "a"));
    let heard = fading.heard(51).await;
    assert_eq!(heard[50].kind, NoticeKind::Cleared);
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    assert_eq!(fading.told().len(), 51);
    assert_eq!(deaf.told(), []);
    assert_eq!(other.told().len(), 3, "raised, acknowledged, cleared");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_morning_does_not_let_others_fade() {
    let night = QuietHours {
        from: 0,
        until: 1439,
        zone: "UTC".to_owned(),
        level: Severity::Low,
    };
    let fading = Fake::fading_at_night("am", night);
    let scene = Scene::start_at(vec![fading.clone()], |_, _| 0);
    scene.desk.observe(raise("a"));
    fading.heard(1).await;
    let mild = AlarmName::WebexTrustChainNewVersion;
    scene.desk.observe(Observation::present(
        mild,
        "chain",
        "It is mild.".to_owned(),
    ));
    let heard = fading.heard(4).await;
    assert!(
        heard.iter().all(|notice| notice.key.name == NAME),
        "{heard:#?}"
    );
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_is_told_again_with_pauses_and_others_do_not_wait() {
    let (bad, good) = (
        Fake::new("bad", Severity::Informational),
        Fake::new("good", Severity::Informational),
    );
    bad.answers(Answer::Retry);
    let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
    let began = clock::mono();
    scene.desk.observe(raise("a"));
    good.heard(1).await;
    bad.tried(5).await;
    let took = clock::mono() - began;
    // 1 + 2 + 4 + 8 s, a quarter more or less.
    assert!(took >= 11 * SECOND && took <= 19 * SECOND, "{took:?}");
    bad.answers(Answer::Take);
    let heard = bad.heard(1).await;
    assert_eq!(heard[0].identifier, good.heard(1).await[0].identifier);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_for_a_minute_is_an_alarm_but_not_told_to_itself() {
    for answer in [Answer::Retry, Answer::Hang, Answer::Refuse] {
        let (bad, good) = (
            Fake::new("bad", Severity::Informational),
            Fake::new("good", Severity::Informational),
        );
        bad.answers(answer);
        let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
        for number in 0..100 {
            scene.desk.observe(raise(&number.to_string()));
        }
        let of_sink = |heard: Vec<crate::domain::alarms::Notice>| {
            let mut heard = heard.into_iter();
            heard.find(|notice| notice.key.name == AlarmName::AlarmSinkFailing)
        };
        let told = of_sink(good.heard(101).await).expect("somebody else is told");
        assert_eq!(told.key.object.as_str(), "bad");
        bad.answers(Answer::Take);
        // It is over when the sink takes something.
        scene.desk.observe(raise("last"));
        let heard = good.heard(103).await;
        let over = heard.iter().find(|notice| {
            notice.key.name == AlarmName::AlarmSinkFailing && notice.kind == NoticeKind::Cleared
        });
        assert!(over.is_some(), "{answer:?}");
        assert!(of_sink(bad.heard(1).await).is_none());
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_bad_for_a_day_is_tried_now_and_then_and_gets_what_it_missed() {
    let hour = Duration::from_secs(3_600);
    for (answer, most) in [
        // Each ten minutes, a quarter more or less, after the first pauses.
        (Answer::Retry, 24 * 8 + 20),
        (Answer::Hang, 24 * 8 + 20),
        // As it asked.
        (Answer::Busy, 25),
        // Each notice once, for it will not be taken.
        (Answer::Refuse, 24),
    ] {
        let (bad, good) = (
            Fake::new("bad", Severity::Informational),
            Fake::new("good", Severity::Informational),
        );
        bad.answers(answer);
        let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
        for number in 0..24 {
            scene.desk.observe(raise(&number.to_string()));
            tokio::time::sleep(hour).await;
        }
        assert!(bad.tries() <= most, "{answer:?}: {} tries", bad.tries());
        assert!(bad.tries() >= 23, "{answer:?}: {} tries", bad.tries());
        let of_us = |notices: Vec<crate::domain::alarms::Notice>| {
            let ours = notices.into_iter().filter(|notice| notice.key.name == NAME);
            let numbers: std::collections::BTreeSet<_> = ours.map(|n| n.identifier).collect();
            numbers
        };
        // The others were told of all of it in time, and once of the sink.
        let told = good.told();
        let of_sink = told.iter().filter(|notice| {
            notice.key.name == AlarmName::AlarmSinkFailing && notice.kind == NoticeKind::Raised
        });
        assert_eq!(of_sink.count(), 1, "{answer:?}");
        assert!(of_us(told).len() >= 24, "{answer:?}");
        bad.answers(Answer::Take);
        tokio::time::sleep(2 * hour).await;
        let (missed, told) = (of_us(bad.told()), of_us(good.told()));
        if answer == Answer::Refuse {
            assert_eq!(missed.intersection(&told).count(), missed.len());
        } else {
            assert_eq!(missed, told, "{answer:?}: nothing is lost");
        }
        let standing = scene.desk.sinks();
        assert!(
            standing.iter().all(|sink| sink.waiting == 0),
            "{standing:?}"
        );
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_is_told_from_its_level_on_and_of_the_end_of_what_it_was_told() {
    let sink = Fake::new("pager", Severity::High);
    let all = Fake::new("all", Severity::Informational);
    let scene = Scene::start(vec![sink.clone(), all.clone()], AlarmStore::in_memory());
    let see = |object: &str, severity| {
        let mut seen = raise(object);
        if let crate::domain::alarms::Condition::Present(present) = &mut seen.condition {
            present.severity = severity;
        }
        scene.desk.observe(seen);
    };
    see("mild", Severity::Low);
    all.heard(1).await;
    scene.desk.observe(Observation::absent(NAME, "mild"));
    all.heard(2).await;
    see("bad", Severity::High);
    all.heard(3).await;
    see("bad", Severity::Low);
    all.heard(4).await;
    scene.desk.observe(Observation::absent(NAME, "bad"));
    all.heard(5).await;
    let heard = sink.heard(3).await;
    let told: Vec<_> = heard.iter().map(|n| (n.kind, n.severity)).collect();
    assert_eq!(
        told,
        [
            (NoticeKind::Raised, Severity::High),
            (NoticeKind::Stepped, Severity::Low),
            (NoticeKind::Cleared, Severity::Low),
        ]
    );
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn quiet_hours_put_off_what_is_mild_and_lose_nothing() {
    let night = QuietHours {
        from: 0,
        until: 8 * 60,
        zone: "UTC".to_owned(),
        level: Severity::Medium,
    };
    let sink = Fake::quiet("mail", night);
    let scene = Scene::start_at(vec![sink.clone()], |_, _| {
        fake::MINUTE.load(Ordering::Relaxed)
    });
    fake::MINUTE.store(60, Ordering::Relaxed);
    scene.desk.observe(raise("a"));
    let urgent = Observation::present(AlarmName::CtiSessionsMissing, "cti", "Nobody.".to_owned());
    scene.desk.observe(urgent);
    let heard = sink.heard(1).await;
    assert_eq!(heard[0].severity, Severity::High);
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    assert_eq!(sink.told().len(), 1);
    fake::MINUTE.store(8 * 60, Ordering::Relaxed);
    let heard = sink.heard(2).await;
    assert_eq!(heard[1].key.name, NAME);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_what_was_not_delivered_is_told_and_what_was_is_not() {
    let disk = Arc::new(Disk::default());
    let store = AlarmStore::on(Arc::clone(&disk) as _);
    let (bad, good) = (
        Fake::new("bad", Severity::Informational),
        Fake::new("good", Severity::Informational),
    );
    bad.answers(Answer::Hang);
    let scene = Scene::start(vec![bad.clone(), good.clone()], store.clone());
    scene.desk.observe(raise("a"));
    good.heard(1).await;
    bad.tried(1).await;
    scene.settled().await;
    scene.end().await;
    assert_eq!(disk.closed(), 1);
    let again = Fake::new("bad", Severity::Informational);
    let other = Fake::new("good", Severity::Informational);
    let scene = Scene::start(vec![again.clone(), other.clone()], store);
    let heard = again.heard(1).await;
    assert_eq!(heard[0].key, AlarmKey::new(NAME, "a"));
    assert_eq!(scene.desk.list().await.unwrap().len(), 1);
    // Numbers go on, and none comes twice.
    scene.desk.observe(Observation::absent(NAME, "a"));
    let over = other.heard(1).await;
    assert_eq!(over[0].kind, NoticeKind::Cleared);
    assert!(over[0].identifier > heard[0].identifier);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_said_when_it_may_be_asked_again_is_not_asked_before_after_a_restart() {
    let disk = Arc::new(Disk::default());
    let store = AlarmStore::on(Arc::clone(&disk) as _);
    let busy = Fake::new("busy", Severity::Informational);
    busy.answers(Answer::Busy);
    let scene = Scene::start(vec![busy.clone()], store.clone());
    let began = clock::mono();
    scene.desk.observe(raise("a"));
    busy.tried(1).await;
    scene.desk.observe(raise("b"));
    scene.settled().await;
    scene.end().await;
    let again = Fake::new("busy", Severity::Informational);
    let scene = Scene::start(vec![again.clone()], store);
    // Both, and that nobody has seen them since.
    let heard = again.heard(4).await;
    let took = clock::mono() - began;
    let raised = heard.iter().filter(|n| n.kind == NoticeKind::Raised);
    let raised: Vec<_> = raised.map(|n| n.key.object.as_str()).collect();
    assert_eq!(raised, ["b", "a"], "whoever was tried least comes first");
    assert!(took >= Duration::from_secs(3_590), "{took:?}");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_sink_was_not_told_is_over_an_hour_later_though_it_is_told_each_half_hour() {
    let (bad, good) = (
        Fake::new("bad", Severity::Informational),
        Fake::new("good", Severity::Informational),
    );
    bad.answers(Answer::Retry);
    let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
    scene.flood(&good).await;
    let untold = AlarmKey::new(AlarmName::AlarmsDiscarded, "sink:bad");
    let kinds = |told: Vec<crate::domain::alarms::Notice>| {
        let ours = told.into_iter().filter(|notice| notice.key == untold);
        ours.map(|notice| notice.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(good.told()), [NoticeKind::Raised]);
    bad.answers(Answer::Take);
    for half_hour in 0..6 {
        tokio::time::sleep(Duration::from_secs(1_800)).await;
        scene.desk.observe(raise(&format!("later {half_hour}")));
    }
    scene.settled().await;
    assert_eq!(
        kinds(good.told()),
        [NoticeKind::Raised, NoticeKind::Cleared]
    );
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_reminder_in_the_place_of_another_is_no_loss_however_much_was_lost_before() {
    let (bad, good) = (
        Fake::new("bad", Severity::Informational),
        Fake::new("good", Severity::Informational),
    );
    bad.answers(Answer::Retry);
    let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
    scene.flood(&good).await;
    bad.answers(Answer::Take);
    // One of them stays on.
    for number in 1..MOST_WAITING + 10 {
        scene
            .desk
            .observe(Observation::absent(NAME, &number.to_string()));
        if number % 100 == 0 {
            scene.settled().await;
        }
    }
    tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
    bad.answers(Answer::Retry);
    tokio::time::sleep(Duration::from_secs(4 * 86_400)).await;
    let untold = AlarmKey::new(AlarmName::AlarmsDiscarded, "sink:bad");
    let told = good.told();
    let kinds = told.iter().filter(|notice| notice.key == untold);
    let kinds: Vec<_> = kinds.map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Raised, NoticeKind::Cleared]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_sink_that_is_gone_nothing_is_wrong_any_more() {
    let (bad, good) = (
        Fake::new("bad", Severity::Informational),
        Fake::new("good", Severity::Informational),
    );
    bad.answers(Answer::Retry);
    let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
    scene.flood(&good).await;
    let of_sink = |alarms: &[crate::workers::alarm_desk::Shown]| {
        let ours = alarms.iter().filter(|shown| shown.alarm.key.name != NAME);
        ours.count()
    };
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(of_sink(&scene.desk.list().await.unwrap()), 2);
    scene
        .desk
        .adopt(Policy::default(), SECOND, vec![good.clone()])
        .await;
    scene.settled().await;
    assert_eq!(of_sink(&scene.desk.list().await.unwrap()), 0);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_told_although_the_disk_is_full_and_written_when_there_is_room() {
    let disk = Arc::new(Disk::default());
    let sink = Fake::new("mail", Severity::Informational);
    let scene = Scene::start(vec![sink.clone()], AlarmStore::on(Arc::clone(&disk) as _));
    scene.settled().await;
    for fault in [fake::Fault::Full, fake::Fault::Hangs] {
        let before = sink.told().len();
        disk.fails(fault);
        scene.desk.observe(raise("a"));
        let heard = sink.heard(before + 2).await;
        let names: Vec<_> = heard[before..].iter().map(|n| n.key.name).collect();
        assert_eq!(names, [NAME, AlarmName::SpoolFilling], "{fault:?}");
        assert_eq!(scene.desk.list().await.unwrap().len(), 2);
        disk.fails(fake::Fault::None);
        let heard = sink.heard(before + 3).await;
        assert_eq!(heard[before + 2].kind, NoticeKind::Cleared);
        scene.desk.observe(Observation::absent(NAME, "a"));
        sink.heard(before + 4).await;
    }
    scene.settled().await;
    let rows = scene.history().await;
    assert_eq!(rows.len(), 8, "everything is written in the end");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_told_while_the_disk_was_full_is_not_told_again_after_a_restart() {
    for fault in [fake::Fault::Full, fake::Fault::Hangs] {
        let disk = Arc::new(Disk::default());
        let store = AlarmStore::on(Arc::clone(&disk) as _);
        let sink = Fake::new("mail", Severity::Informational);
        let scene = Scene::start(vec![sink.clone()], store.clone());
        scene.settled().await;
        disk.fails(fault);
        scene.desk.observe(raise("a"));
        sink.heard(2).await;
        // The attempts fail, too; then there is room, before the desk tries again.
        tokio::time::sleep(SECOND).await;
        disk.fails(fake::Fault::None);
        sink.heard(3).await;
        scene.settled().await;
        let rows = scene.history().await;
        let told = rows.iter().flat_map(|row| &row.deliveries);
        assert!(
            told.clone().all(|told| told.delivered_at.is_some()),
            "{rows:#?}"
        );
        assert_eq!(told.count(), 3);
        scene.end().await;
        let again = Fake::new("mail", Severity::Informational);
        let scene = Scene::start(vec![again.clone()], store);
        scene.settled().await;
        tokio::time::sleep(SECOND).await;
        assert_eq!(again.told(), [], "{fault:?}: told twice");
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_refuses_once_is_an_alarm_at_once() {
    let (bad, good) = (
        Fake::new("bad", Severity::Informational),
        Fake::new("good", Severity::Informational),
    );
    bad.answers(Answer::Refuse);
    let scene = Scene::start(vec![bad.clone(), good.clone()], AlarmStore::in_memory());
    let began = clock::mono();
    scene.desk.observe(raise("a"));
    let heard = good.heard(2).await;
    assert_eq!(heard[1].key.name, AlarmName::AlarmSinkFailing);
    assert!(clock::mono() - began < SECOND);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn orders_are_carried_out_or_refused_in_words() {
    let sink = Fake::new("mail", Severity::Informational);
    let scene = Scene::start(vec![sink.clone()], AlarmStore::in_memory());
    scene.desk.observe(raise("a"));
    sink.heard(1).await;
    let acknowledge = |object: &str| Order::Acknowledge {
        key: AlarmKey::new(NAME, object),
        who: "anna".to_owned(),
        until: None,
        comment: String::new(),
    };
    scene.desk.order(acknowledge("a")).await.unwrap();
    assert_eq!(sink.heard(2).await[1].kind, NoticeKind::Acknowledged);
    let refused = scene.desk.order(acknowledge("b")).await;
    assert!(matches!(refused, Err(DeskError::Order(_))), "{refused:?}");
    let shown = scene.desk.show(&AlarmKey::new(NAME, "a")).await.unwrap();
    assert_eq!(shown.alarm.ack.unwrap().who, "anna");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_test_says_what_the_sink_said() {
    let sink = Fake::new("mail", Severity::Critical);
    let scene = Scene::start(vec![sink.clone()], AlarmStore::in_memory());
    assert!(scene.desk.test("mail", "anna").await.is_ok());
    assert_eq!(sink.told()[0].kind, NoticeKind::Test);
    sink.answers(Answer::Refuse);
    let refused = scene.desk.test("mail", "anna").await;
    assert!(matches!(refused, Err(DeskError::Sink(_))), "{refused:?}");
    sink.answers(Answer::Hang);
    let late = scene.desk.test("mail", "anna").await;
    assert!(matches!(late, Err(DeskError::Sink(_))), "{late:?}");
    let none = scene.desk.test("trap", "anna").await;
    assert_eq!(none, Err(DeskError::NoSuchSink));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn sinks_come_and_go_with_the_configuration() {
    let first = Fake::new("mail", Severity::Informational);
    first.answers(Answer::Hang);
    let scene = Scene::start(vec![first.clone()], AlarmStore::in_memory());
    scene.desk.observe(raise("a"));
    first.tried(1).await;
    let second = Fake::new("mail", Severity::Informational);
    let other = Fake::new("trap", Severity::Informational);
    let sinks: Vec<Arc<dyn crate::outbound::alerts::AlertSink>> =
        vec![second.clone(), other.clone()];
    scene.desk.adopt(Policy::default(), SECOND, sinks).await;
    // What waited goes to who has the name now, after the one under way was given up.
    let heard = second.heard(1).await;
    assert_eq!(heard[0].key.object.as_str(), "a");
    scene.desk.observe(raise("b"));
    other.heard(1).await;
    scene
        .desk
        .adopt(Policy::default(), SECOND, Vec::new())
        .await;
    assert_eq!(scene.desk.sinks(), []);
    scene.end().await;
}

impl Scene {
    /// More alarms than can wait for a sink, as fast as one that takes them all takes them; and what
    /// is told of one that does not.
    async fn flood(&self, good: &Fake) {
        for number in 0..MOST_WAITING + 10 {
            self.desk.observe(raise(&number.to_string()));
            if number % 100 == 0 {
                good.heard(number + 1).await;
            }
        }
        good.heard(MOST_WAITING + 11).await;
        self.settled().await;
    }

    async fn history(&self) -> Vec<crate::store::alarms::HistoryRow> {
        let ask = HistoryAsk {
            name: None,
            object: None,
            since: None,
            before: None,
            limit: 100,
        };
        self.desk.history(ask).await.unwrap()
    }
}
