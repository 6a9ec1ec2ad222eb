use super::*;

use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::observation::Condition;
use crate::domain::alarms::observation::DETAIL;
use crate::domain::alarms::observation::Present;
use crate::domain::alarms::policy::Override;
use crate::domain::alarms::whose::COMMAND;
use crate::domain::shell::Ending;

const DAY: Duration = Policy::DAY;

/// Certificates are looked at again and again, XSPs speak when something changes, a reload is an
/// event.
const LOOKS: AlarmName = AlarmName::CertificateExpiring;
const STANDS: AlarmName = AlarmName::XspUnreachable;
const ONCE: AlarmName = AlarmName::ConfigReloadFailed;

struct Scene {
    board: Board,
    now: Now,
}

/// What was told, in short: `raised/medium`, with `!` when no sink gets it.
type News = Vec<String>;

impl Scene {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn new(policy: Policy) -> Self {
        Self {
            board: Board::new(policy),
            now: Now {
                mono: Instant::now(),
                wall: SystemTime::UNIX_EPOCH + 20_000 * DAY,
            },
        }
    }

    fn news(&mut self) -> News {
        self.board.check_invariants();
        let mut news = Vec::new();
        while let Some(action) = self.board.poll_action() {
            let Action::Changed(change) = action else {
                continue;
            };
            if let Some(entry) = change.entry {
                let (kind, severity) = (entry.notice.kind.word(), entry.notice.severity);
                let muted = if change.reach.is_none() { "!" } else { "" };
                assert_eq!(entry.silenced, change.reach.is_none());
                news.push(format!("{muted}{kind}/{severity}"));
            }
        }
        news
    }

    fn hear(&mut self, input: Input) -> News {
        self.board.handle(input, self.now);
        self.news()
    }

    fn see(&mut self, name: AlarmName, severity: Severity, step: &str) -> News {
        self.hear(Input::Observed(present(name, "x", severity, step)))
    }

    fn well(&mut self, name: AlarmName) -> News {
        self.hear(Input::Observed(absent(name, "x")))
    }

    fn order(&mut self, order: Order) -> News {
        self.board.judge(&order, self.now.wall).unwrap();
        self.hear(Input::Order(order))
    }

    fn pass(&mut self, time: Duration) -> News {
        let end = self.now.mono + time;
        let mut news = Vec::new();
        while let Some(next) = self.board.deadline().filter(|next| *next <= end) {
            let step = next.saturating_duration_since(self.now.mono);
            self.now.mono += step;
            self.now.wall += step;
            self.board.handle_timeout(self.now);
            news.extend(self.news());
        }
        let rest = end.saturating_duration_since(self.now.mono);
        self.now.mono += rest;
        self.now.wall += rest;
        news
    }

    fn alarm(&self, name: AlarmName) -> &Alarm {
        self.board.alarm(&AlarmKey::new(name, "x")).unwrap()
    }

    fn is_on(&self, name: AlarmName) -> bool {
        self.board.alarm(&AlarmKey::new(name, "x")).is_some()
    }
}

fn present(name: AlarmName, object: &str, severity: Severity, step: &str) -> Observation {
    Observation {
        key: AlarmKey::new(name, object),
        condition: Condition::Present(Present {
            severity,
            step: step.to_owned(),
            text: format!("It is wrong.\n{step}"),
            rule: String::new(),
            ends: None,
            details: Vec::new(),
        }),
    }
}

fn absent(name: AlarmName, object: &str) -> Observation {
    Observation {
        key: AlarmKey::new(name, object),
        condition: Condition::Absent,
    }
}

fn silence(until: SystemTime) -> Order {
    Order::Silence {
        name: "*".to_owned(),
        object: "x".to_owned(),
        who: "noc".to_owned(),
        until,
        comment: String::new(),
    }
}

fn acknowledge(name: AlarmName, until: Option<SystemTime>) -> Order {
    Order::Acknowledge {
        key: AlarmKey::new(name, "x"),
        who: "anna".to_owned(),
        until,
        comment: "on it".to_owned(),
    }
}

#[test]
fn two_equal_looks_raise_and_two_clear_and_repeats_are_counted() {
    let mut scene = Scene::new(Policy::default());
    assert!(scene.see(LOOKS, Severity::Medium, "30d").is_empty());
    assert!(!scene.is_on(LOOKS));
    assert_eq!(scene.see(LOOKS, Severity::Medium, "30d"), ["raised/medium"]);
    for _ in 0..100 {
        assert!(scene.see(LOOKS, Severity::Medium, "30d").is_empty());
    }
    assert_eq!(scene.alarm(LOOKS).count, 102);
    assert_eq!(scene.alarm(LOOKS).text, "It is wrong. 30d");
    assert!(scene.well(LOOKS).is_empty());
    assert_eq!(scene.well(LOOKS), ["cleared/medium"]);
    assert!(!scene.is_on(LOOKS));
}

#[test]
fn looks_that_differ_are_not_believed() {
    let mut scene = Scene::new(Policy::default());
    for _ in 0..10 {
        assert!(scene.see(LOOKS, Severity::Medium, "30d").is_empty());
        assert!(scene.well(LOOKS).is_empty());
    }
    // One that nobody contradicts is believed in the end.
    assert!(scene.see(LOOKS, Severity::Medium, "30d").is_empty());
    assert_eq!(scene.pass(2 * MINUTE), ["raised/medium"]);
}

#[test]
fn a_source_that_speaks_once_is_believed_when_nobody_says_otherwise() {
    let mut scene = Scene::new(Policy::default());
    assert!(scene.see(STANDS, Severity::High, "").is_empty());
    assert!(scene.pass(MINUTE / 2).is_empty());
    assert_eq!(scene.pass(MINUTE), ["raised/high"]);
    assert!(scene.well(STANDS).is_empty());
    assert!(scene.see(STANDS, Severity::High, "").is_empty());
    assert!(scene.pass(2 * MINUTE).is_empty());
    assert!(scene.well(STANDS).is_empty());
    assert_eq!(scene.pass(2 * MINUTE), ["cleared/high"]);
}

#[test]
fn an_event_is_believed_at_once_and_so_is_what_is_critical_where_that_is_set() {
    let mut scene = Scene::new(Policy::default());
    assert_eq!(scene.see(ONCE, Severity::Medium, ""), ["raised/medium"]);
    assert_eq!(scene.well(ONCE), ["cleared/medium"]);
    let mut scene = Scene::new(Policy {
        critical_at_once: true,
        ..Policy::default()
    });
    assert!(scene.see(LOOKS, Severity::High, "3d").is_empty());
    assert_eq!(
        scene.see(LOOKS, Severity::Critical, "1d"),
        ["raised/critical"]
    );
}

#[test]
fn each_step_is_told_once_up_and_down() {
    let mut scene = Scene::new(Policy::default());
    let mut told = Vec::new();
    for (severity, step) in [
        (Severity::Low, "30d"),
        (Severity::Medium, "14d"),
        (Severity::Medium, "7d"),
        (Severity::Low, "30d"),
    ] {
        for _ in 0..5 {
            told.extend(scene.see(LOOKS, severity, step));
        }
        // Not in an hour: that would be flapping.
        told.extend(scene.pass(Duration::from_secs(2 * 3600)));
    }
    assert_eq!(
        told,
        [
            "raised/low",
            "stepped/medium",
            "stepped/medium",
            "stepped/low"
        ]
    );
    // A step of a severity that people know and a threshold that they were told is no news.
    for step in ["60d", "30d"] {
        for _ in 0..2 {
            told.extend(scene.see(LOOKS, Severity::Low, step));
        }
    }
    assert_eq!(told.len(), 5);
}

#[test]
fn a_reminder_comes_once_a_day_for_every_severity_and_not_to_who_has_it() {
    for severity in Severity::ALL {
        let mut scene = Scene::new(Policy::default());
        scene.see(ONCE, severity, "");
        let reminded = format!("reminded/{severity}");
        assert!(scene.pass(DAY - MINUTE).is_empty());
        assert_eq!(scene.pass(2 * MINUTE), std::slice::from_ref(&reminded));
        assert_eq!(scene.pass(3 * DAY).len(), 3);
        scene.order(acknowledge(ONCE, Some(scene.now.wall + 3 * DAY)));
        assert!(scene.pass(2 * DAY).is_empty());
        // The end of it is told at once: it has been too long.
        assert_eq!(scene.pass(DAY + MINUTE), [reminded]);
    }
}

#[test]
fn a_clock_that_jumps_neither_swallows_nor_multiplies_reminders() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::Critical, "");
    let mut told = Vec::new();
    for day in 0..10_u32 {
        if day % 2 == 0 {
            scene.now.wall += 3_650 * DAY;
        } else {
            scene.now.wall -= 4_000 * DAY;
        }
        told.extend(scene.pass(DAY));
    }
    assert_eq!(told.len(), 10, "{told:?}");
}

#[test]
fn after_a_restart_reminders_go_on_as_they_were() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::High, "");
    scene.pass(DAY / 2);
    let alarm = scene.alarm(ONCE).clone();
    let restart = |wall: SystemTime, now: Now| {
        let now = Now { wall, ..now };
        let board = Board::restore(Policy::default(), vec![alarm.clone()], vec![], 7, now);
        Scene { board, now }
    };
    let mut on_time = restart(scene.now.wall + DAY / 4, scene.now);
    assert!(on_time.see(ONCE, Severity::High, "").is_empty());
    assert!(on_time.pass(DAY / 4 - MINUTE).is_empty());
    assert_eq!(on_time.pass(2 * MINUTE), ["reminded/high"]);
    // Years later by a wrong clock, and before it was told.
    let mut late = restart(scene.now.wall + 3_650 * DAY, scene.now);
    assert!(late.see(ONCE, Severity::High, "").is_empty());
    assert_eq!(late.pass(2 * MINUTE), ["reminded/high"]);
    assert!(late.pass(DAY - 3 * MINUTE).is_empty());
    let mut early = restart(SystemTime::UNIX_EPOCH, scene.now);
    assert!(early.see(ONCE, Severity::High, "").is_empty());
    assert!(early.pass(DAY - MINUTE).is_empty());
    assert_eq!(early.pass(2 * MINUTE), ["reminded/high"]);
    assert!(early.alarm(ONCE).identifier > 7, "no number comes twice");
}

#[test]
fn what_nobody_sees_after_a_restart_is_over() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::High, "");
    let alarm = scene.alarm(ONCE).clone();
    scene.board = Board::restore(Policy::default(), vec![alarm], vec![], 1, scene.now);
    assert!(scene.pass(59 * MINUTE).is_empty());
    assert_eq!(scene.pass(2 * MINUTE), ["cleared/high"]);
}

#[test]
fn what_nobody_can_see_after_a_restart_stays_until_somebody_can() {
    const LOST: AlarmName = AlarmName::CertificateSourceLost;
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::High, "");
    let alarm = scene.alarm(ONCE).clone();
    scene.board = Board::restore(Policy::default(), vec![alarm], vec![], 1, scene.now);
    let lost = |scene: &mut Scene| {
        scene.see(LOST, Severity::Medium, "missing");
        scene.see(LOST, Severity::Medium, "missing")
    };
    assert_eq!(lost(&mut scene), ["raised/medium"]);
    assert!(scene.pass(10 * HOUR).is_empty());
    assert!(scene.is_on(ONCE));
    scene.well(LOST);
    assert_eq!(scene.well(LOST), ["cleared/medium"]);
    assert_eq!(scene.pass(2 * HOUR), ["cleared/high"]);
    // That it was lost before the restart hides nothing: nobody says so any more.
    scene.see(ONCE, Severity::High, "");
    lost(&mut scene);
    let both = vec![scene.alarm(ONCE).clone(), scene.alarm(LOST).clone()];
    scene.board = Board::restore(Policy::default(), both, vec![], 1, scene.now);
    scene.pass(61 * MINUTE);
    assert!(!scene.is_on(ONCE) && !scene.is_on(LOST));
}

#[test]
fn a_silence_holds_news_back_and_its_end_brings_them() {
    let mut scene = Scene::new(Policy::default());
    scene.order(silence(scene.now.wall + 3 * DAY));
    assert_eq!(scene.see(ONCE, Severity::High, ""), ["!raised/high"]);
    assert!(scene.pass(2 * DAY).is_empty());
    assert_eq!(scene.pass(DAY + MINUTE), ["raised/high"]);
    // The end of what was told is told, whatever silence there is.
    scene.order(silence(scene.now.wall + DAY));
    assert_eq!(scene.well(ONCE), ["cleared/high"]);
    // And what was not told ends in silence too.
    assert_eq!(scene.see(ONCE, Severity::High, ""), ["!raised/high"]);
    assert_eq!(scene.well(ONCE), ["!cleared/high"]);
}

#[test]
fn a_silence_can_be_ended_by_hand() {
    let mut scene = Scene::new(Policy::default());
    scene.order(silence(scene.now.wall + 3 * DAY));
    scene.see(ONCE, Severity::High, "");
    let id = scene.board.silences().next().unwrap().id;
    assert_eq!(scene.order(Order::Unsilence { id }), ["raised/high"]);
    assert_eq!(scene.board.silences().count(), 0);
}

#[test]
fn no_silence_and_no_acknowledgement_outlives_the_thing() {
    let mut scene = Scene::new(Policy::default());
    let ends = scene.now.wall + 2 * DAY;
    let mut seen = present(LOOKS, "x", Severity::High, "3d");
    if let Condition::Present(present) = &mut seen.condition {
        present.ends = Some(ends);
    }
    for _ in 0..2 {
        scene.hear(Input::Observed(seen.clone()));
    }
    let refused = OrderRefused::BeyondItsEnd(ends);
    let too_long = Order::Silence {
        name: LOOKS.word().to_owned(),
        object: "x".to_owned(),
        who: String::new(),
        until: ends + MINUTE,
        comment: String::new(),
    };
    let judged = |order: &Order| scene.board.judge(order, scene.now.wall);
    assert_eq!(judged(&too_long), Err(refused.clone()));
    let ack = acknowledge(LOOKS, Some(ends + MINUTE));
    assert_eq!(judged(&ack), Err(refused));
    // A pattern may last longer, but not for what has ended.
    scene.order(silence(ends + 5 * DAY));
    scene.order(acknowledge(LOOKS, None));
    for _ in 0..2 {
        scene.now.wall += Duration::from_secs(1);
        let mut worse = seen.clone();
        if let Condition::Present(present) = &mut worse.condition {
            present.severity = Severity::Critical;
            present.step = "1d".to_owned();
        }
        scene.hear(Input::Observed(worse));
    }
    let told = scene.pass(2 * DAY);
    assert_eq!(told, ["stepped/critical"], "at its end");
    assert!(scene.alarm(LOOKS).ack.is_none());
}

#[test]
fn what_gets_worse_is_news_to_who_took_it_on() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::Medium, "");
    let told = scene.order(acknowledge(ONCE, None));
    assert_eq!(told, ["acknowledged/medium"]);
    assert!(scene.pass(5 * DAY).is_empty());
    assert_eq!(scene.see(ONCE, Severity::High, ""), ["stepped/high"]);
    assert!(scene.alarm(ONCE).ack.is_none());
    let refused = scene.board.judge(
        &Order::Unacknowledge {
            key: AlarmKey::new(ONCE, "x"),
        },
        scene.now.wall,
    );
    assert_eq!(refused, Err(OrderRefused::NotAcknowledged));
}

#[test]
fn a_silence_of_a_name_that_no_alarm_has_is_refused_with_those_that_were_meant() {
    let scene = Scene::new(Policy::default());
    let judged = |name: &str| {
        let order = Order::Silence {
            name: name.to_owned(),
            object: "*".to_owned(),
            who: "noc".to_owned(),
            until: scene.now.wall + DAY,
            comment: String::new(),
        };
        scene.board.judge(&order, scene.now.wall)
    };
    for name in ["*", "xsp*", " certificateExpiring ", "certificateExpir???"] {
        assert_eq!(judged(name), Ok(()), "{name}");
    }
    let Err(OrderRefused::NoSuchName(nearest)) = judged("certificateExpirng") else {
        panic!("it silences nothing");
    };
    assert_eq!(nearest.first(), Some(&AlarmName::CertificateExpiring));
    assert_eq!(judged("nobody*"), Err(OrderRefused::NoSuchName(Vec::new())));
}

#[test]
fn who_had_it_by_a_clock_that_was_ahead_has_it_no_longer() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::Medium, "");
    let years = 3_650 * DAY;
    scene.now.wall += years;
    let until = scene.now.wall + 8 * HOUR;
    scene.order(acknowledge(ONCE, Some(until)));
    scene.order(silence(until));
    scene.pass(HOUR);
    assert!(scene.alarm(ONCE).ack.is_some());
    let held = |scene: &Scene| {
        let alarm = scene.alarm(ONCE);
        scene.board.silence_of(alarm, scene.now.wall).is_some()
    };
    assert!(held(&scene));
    scene.now.wall -= years;
    scene.pass(HOUR);
    assert!(scene.alarm(ONCE).ack.is_none());
    assert!(!held(&scene));
}

#[test]
fn what_comes_and_goes_is_held_until_it_has_been_quiet() {
    let mut scene = Scene::new(Policy::default());
    let mut told = Vec::new();
    for _ in 0..20 {
        told.extend(scene.see(ONCE, Severity::High, ""));
        told.extend(scene.pass(MINUTE));
        told.extend(scene.well(ONCE));
        told.extend(scene.pass(MINUTE));
    }
    assert_eq!(told.len(), 7, "four raises and three clears: {told:?}");
    assert!(scene.alarm(ONCE).flapping);
    assert!(scene.pass(Duration::from_secs(28 * 60)).is_empty());
    assert_eq!(scene.pass(3 * MINUTE), ["cleared/high"]);
    scene.pass(2 * DAY);
    assert_eq!(
        scene.board.deadline(),
        None,
        "nothing is remembered for ever"
    );
}

#[test]
fn the_mildest_makes_room_for_what_is_worse() {
    let mut scene = Scene::new(Policy {
        bound: 3,
        ..Policy::default()
    });
    let see = |scene: &mut Scene, object: &str, severity| {
        scene.hear(Input::Observed(present(ONCE, object, severity, "")))
    };
    for (object, severity) in [
        ("a", Severity::Medium),
        ("b", Severity::Low),
        ("c", Severity::High),
    ] {
        see(&mut scene, object, severity);
    }
    let told = see(&mut scene, "d", Severity::Critical);
    assert_eq!(told, ["cleared/low", "raised/high", "raised/critical"]);
    assert!(see(&mut scene, "e", Severity::Medium).is_empty());
    assert_eq!(
        see(&mut scene, "f", Severity::High),
        ["cleared/medium", "raised/high"]
    );
    assert!(see(&mut scene, "g", Severity::High).is_empty());
    // What becomes milder can be passed again.
    see(&mut scene, "c", Severity::Low);
    scene.pass(MINUTE);
    assert_eq!(
        see(&mut scene, "g", Severity::High),
        ["cleared/low", "raised/high"]
    );
    let keys = scene.board.alarms().map(|alarm| alarm.key.object.as_str());
    assert_eq!(keys.collect::<Vec<_>>(), ["d", "f", "g", "board"]);
}

#[test]
fn the_bound_holds_and_says_so_itself() {
    let mut scene = Scene::new(Policy {
        bound: 3,
        ..Policy::default()
    });
    let see = |scene: &mut Scene, object: &str| {
        scene.hear(Input::Observed(present(ONCE, object, Severity::Low, "")))
    };
    for object in ["a", "b", "c"] {
        assert_eq!(see(&mut scene, object), ["raised/low"]);
    }
    assert_eq!(see(&mut scene, "d"), ["raised/high"]);
    assert!(see(&mut scene, "e").is_empty());
    assert_eq!(scene.board.discarded(), 2);
    let own = AlarmKey::new(AlarmName::AlarmsDiscarded, "board");
    assert!(
        scene
            .board
            .alarm(&own)
            .unwrap()
            .text
            .contains("configReloadFailed/d")
    );
    // What is only remembered makes room.
    assert_eq!(
        scene.hear(Input::Observed(absent(ONCE, "a"))),
        ["cleared/low"]
    );
    assert_eq!(see(&mut scene, "d"), ["raised/low"]);
    assert_eq!(scene.pass(2 * 60 * MINUTE), ["cleared/high"]);
}

#[test]
fn looks_that_were_lost_on_the_way_are_an_alarm_until_it_was_quiet_for_an_hour() {
    let mut scene = Scene::new(Policy::default());
    assert!(scene.hear(Input::Discarded(0)).is_empty());
    assert_eq!(scene.hear(Input::Discarded(3)), ["raised/high"]);
    assert_eq!(scene.board.discarded(), 3);
    assert!(scene.pass(40 * MINUTE).is_empty());
    assert!(scene.hear(Input::Discarded(4)).is_empty());
    assert!(scene.pass(40 * MINUTE).is_empty(), "the hour begins anew");
    assert_eq!(scene.pass(30 * MINUTE), ["cleared/high"]);
    assert_eq!(scene.board.alarms().count(), 0);
    assert_eq!(scene.board.discarded(), 7);
}

#[test]
fn other_rules_hold_from_now_on() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::Low, "");
    let with = |held: Override| {
        let mut policy = Policy::default();
        policy.overrides.insert(ONCE, held);
        Input::Policy(Box::new(policy))
    };
    let severe = Override {
        severity: Some(Severity::Critical),
        runbook: Some("https://wiki/reload".to_owned()),
        ..Override::default()
    };
    assert_eq!(scene.hear(with(severe)), ["stepped/critical"]);
    assert!(scene.see(ONCE, Severity::Low, "").is_empty(), "it is set");
    let off = Override {
        off: true,
        ..Override::default()
    };
    assert_eq!(scene.hear(with(off)), ["cleared/critical"]);
    assert!(scene.see(ONCE, Severity::Low, "").is_empty());
    assert!(!scene.is_on(ONCE));
}

#[test]
fn notices_are_numbered_and_say_what_to_do() {
    let mut scene = Scene::new(Policy {
        system: "node1".to_owned(),
        ..Policy::default()
    });
    let mut policy = scene.board.policy().clone();
    let runbook = Override {
        runbook: Some("https://wiki".to_owned()),
        ..Override::default()
    };
    policy.overrides.insert(ONCE, runbook);
    scene.hear(Input::Policy(Box::new(policy)));
    scene.board.handle(
        Input::Observed(present(ONCE, "x", Severity::Low, "")),
        scene.now,
    );
    let Some(Action::Changed(change)) = scene.board.poll_action() else {
        panic!("it is raised");
    };
    let notice = change.entry.unwrap().notice;
    assert_eq!((notice.identifier, notice.system.as_str()), (1, "node1"));
    assert!(notice.action.contains("xspd check-config"));
    assert_eq!(
        notice.details,
        [("runbook".to_owned(), "https://wiki".to_owned())]
    );
    assert_eq!(change.reach, Some(Severity::Low));
    let test = scene.board.test("mail", "anna", scene.now);
    assert_eq!((test.identifier, test.kind), (2, NoticeKind::Test));
}

#[test]
fn a_line_to_paste_names_the_configuration_that_verbs_would_not_find() {
    let scene = |ending: Ending| {
        Scene::new(Policy {
            ending,
            ..Policy::default()
        })
    };
    let details = |scene: &mut Scene, command: &str| {
        let Condition::Present(mut seen) = present(ONCE, "x", Severity::Low, "").condition else {
            panic!("it is there");
        };
        seen.details = vec![(COMMAND.to_owned(), command.to_owned())];
        let seen = Observation {
            key: AlarmKey::new(ONCE, "x"),
            condition: Condition::Present(seen),
        };
        scene.board.handle(Input::Observed(seen), scene.now);
        let Some(Action::Changed(change)) = scene.board.poll_action() else {
            panic!("it is raised");
        };
        let notice = change.entry.unwrap().notice;
        (notice.details, notice.ending)
    };
    let there = Ending::config("/srv/xspd.toml");
    let (held, ending) = details(&mut scene(there.clone()), "xspd certs show x");
    let line = "xspd certs show x --config /srv/xspd.toml";
    assert_eq!(held, [(COMMAND.to_owned(), line.to_owned())]);
    assert_eq!(ending, there);
    let (held, _) = details(&mut scene(Ending::default()), "xspd certs show x");
    assert_eq!(held, [(COMMAND.to_owned(), "xspd certs show x".to_owned())]);
    // One that would be cut is another command.
    let long = "x".repeat(DETAIL - 3);
    assert_eq!(details(&mut scene(there), &long).0, []);
}

#[test]
fn a_milder_step_reaches_who_heard_of_the_worse_one() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::High, "");
    scene.board.handle(
        Input::Observed(present(ONCE, "x", Severity::Low, "")),
        scene.now,
    );
    let Some(Action::Changed(change)) = scene.board.poll_action() else {
        panic!("it steps");
    };
    assert_eq!(change.reach, Some(Severity::High));
    scene
        .board
        .handle(Input::Observed(absent(ONCE, "x")), scene.now);
    let Some(Action::Changed(change)) = scene.board.poll_action() else {
        panic!("it clears");
    };
    assert_eq!(change.reach, Some(Severity::High));
    assert_eq!(change.alarm, None);
}

#[test]
fn an_alarm_is_cleared_by_hand_and_comes_again() {
    let mut scene = Scene::new(Policy::default());
    scene.see(ONCE, Severity::High, "");
    let clear = Order::Clear {
        key: AlarmKey::new(ONCE, "x"),
        who: "anna".to_owned(),
        comment: "the pool is gone".to_owned(),
    };
    assert_eq!(scene.order(clear), ["cleared/high"]);
    assert_eq!(scene.see(ONCE, Severity::High, ""), ["raised/high"]);
}
