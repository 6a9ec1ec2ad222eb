use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::error::TryRecvError;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::outbound::tests::setup;

const XSP: &str = "one";

struct Bench {
    hub: EventHub,
    registry: Registry,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Events)) -> Self {
        let mut rules = setup::config([]).events;
        change(&mut rules);
        let mut registry = Registry::with_prefix("xspd");
        let metrics = EventMetrics::register(&mut registry);
        Self {
            hub: EventHub::new(Arc::new(rules), metrics),
            registry,
        }
    }

    fn open(&self) -> Held {
        let owner = Owner {
            user: 1,
            application: 0,
        };
        let now = clock::mono();
        let place = self.hub.enter(owner, 1, None, now).unwrap();
        place.open(&XSP.into(), None, now)
    }

    fn metric(&self, start: &str) -> i64 {
        setup::value(&self.registry, start)
    }
}

fn look(looker: &mut Looker, held: &Held, text: &str) {
    let now = clock::mono();
    looker.look(&Bytes::copy_from_slice(text.as_bytes()), held.stream(), now);
    held.handed_over(text.len(), now);
    held.waits_for_upstream();
}

fn text(tapped: &Tapped) -> &str {
    std::str::from_utf8(tapped.document.as_deref().unwrap()).unwrap()
}

fn event(id: u32) -> String {
    format!(
        "<Event xmlns:x='i' x:type='SubscriptionEvent'><eventID>{id}</eventID><eventData x:type='HookStatusEvent'/></Event>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_tap_gets_every_document_and_nothing_is_copied_before() {
    let bench = Bench::new(|_| {});
    let held = bench.open();
    let mut looker = Looker::new(1_000);
    look(&mut looker, &held, &event(1));
    let mut tap = bench.hub.tap();
    look(&mut looker, &held, &event(2));
    let split = event(3);
    let (head, tail) = split.split_at(20);
    look(&mut looker, &held, head);
    look(&mut looker, &held, tail);
    for id in [2, 3] {
        let tapped = tap.recv().await.unwrap();
        assert_eq!(text(&tapped), event(id));
        assert_eq!(&*tapped.upstream, XSP);
    }
    assert_eq!(tap.try_recv().unwrap_err(), TryRecvError::Empty);
}

#[tokio::test(start_paused = true)]
async fn a_slow_tap_loses_with_a_count_and_delays_nobody() {
    let bench = Bench::new(|_| {});
    let held = bench.open();
    let mut looker = Looker::new(1_000);
    let mut tap = bench.hub.tap();
    let most = u32::try_from(TAPPED).unwrap();
    for id in 0..most + 10 {
        look(&mut looker, &held, &event(id));
    }
    assert!(matches!(tap.recv().await, Err(RecvError::Lagged(10))));
    assert_eq!(text(&tap.recv().await.unwrap()), event(10));
    let counted = bench.metric("xspd_events_total{type=\"HookStatusEvent\"}");
    assert_eq!(counted, i64::from(most) + 10);
}

#[tokio::test(start_paused = true)]
async fn a_tap_is_told_of_what_cannot_be_looked_into() {
    let bench = Bench::new(|_| {});
    let held = bench.open();
    let mut looker = Looker::new(200);
    let channel = "<Channel><channelId>c-1</channelId></Channel>";
    look(&mut looker, &held, channel);
    let mut tap = bench.hub.tap();
    look(&mut looker, &held, "<!DOCTYPE x>");
    let large = format!("<?xml version='1.0'?><Event>{}</Event>", "x".repeat(400));
    look(&mut looker, &held, &large);
    for what in ["declared", "too large"] {
        let tapped = tap.try_recv().expect(what);
        assert!(tapped.document.is_none(), "{what}");
        assert_eq!(tapped.channel.as_deref(), Some("c-1"));
    }
}

#[tokio::test(start_paused = true)]
async fn large_documents_that_wait_for_a_tap_are_bounded_in_all() {
    let bench = Bench::new(|_| {});
    let held = bench.open();
    let size = 256 * 1024;
    let mut looker = Looker::new(2 * size);
    let mut tap = bench.hub.tap();
    let large = format!("<Event>{}</Event>", "x".repeat(size));
    let fit = tapped::WAITING_BYTES / large.len();
    for _ in 0..fit + 5 {
        look(&mut looker, &held, &large);
    }
    let mut whole = 0;
    for _ in 0..fit + 5 {
        whole += usize::from(tap.try_recv().unwrap().document.is_some());
    }
    assert_eq!(whole, fit);
    look(&mut looker, &held, &large);
    assert!(tap.try_recv().unwrap().document.is_some(), "room again");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_for_its_client_is_cut_once_and_called_slow() {
    let patience = Duration::from_secs(30);
    let bench = Bench::new(|rules| rules.write_timeout = patience);
    let stop = CancellationToken::new();
    let (held, quiet) = (bench.open(), bench.open());
    let cuts = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&cuts);
    held.stream().when_cut(move |why| {
        assert_eq!(why, Cut::SlowReader);
        counted.fetch_add(1, Ordering::Relaxed);
    });
    quiet
        .stream()
        .when_cut(|_| panic!("it only waits for its XSP"));
    quiet.handed_over(1, clock::mono());
    quiet.waits_for_upstream();
    held.handed_over(1, clock::mono());
    let rounds = bench.hub.clone().run(stop.clone());
    let wait = async {
        tokio::time::sleep(patience - Duration::from_secs(1)).await;
        assert_eq!(cuts.load(Ordering::Relaxed), 0);
        tokio::time::sleep(patience).await;
        stop.cancel();
    };
    tokio::join!(rounds, wait);
    assert_eq!(cuts.load(Ordering::Relaxed), 1);
    drop(held);
    let slow = "xspd_event_stream_endings_total{reason=\"slow-reader\"}";
    assert_eq!(bench.metric(slow), 1);
}

#[tokio::test(start_paused = true)]
async fn all_streams_are_cut_but_not_at_once() {
    let bench = Bench::new(|rules| {
        rules.cuts_per_second = 20;
        rules.channels = 1_000;
        rules.channels_per_user = 1_000;
    });
    let held: Vec<_> = (0..100).map(|_| bench.open()).collect();
    bench.hub.drain();
    let owner = Owner {
        user: 1,
        application: 0,
    };
    let refused = bench.hub.enter(owner, 1, None, clock::mono());
    assert_eq!(refused.err(), Some(NoPlace::Draining));
    let begin = clock::mono();
    bench.hub.cut_staggered().await;
    let took = clock::mono() - begin;
    assert!(took >= Duration::from_millis(4_500), "{took:?}");
    assert!(took <= Duration::from_secs(6), "{took:?}");
    assert!(held.iter().all(|held| held.stream().is_cut()));
    drop(held);
    let drained = "xspd_event_stream_endings_total{reason=\"drained\"}";
    assert_eq!(bench.metric(drained), 100);
    assert_eq!(bench.hub.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn channels_spread_over_the_xsps_and_those_of_a_set_most_of_all() {
    let bench = Bench::new(|_| {});
    let names: [Arc<str>; 3] = ["a".into(), "b".into(), "c".into()];
    let choose = |place: &mut Place| place.choose(names.iter().enumerate()).unwrap();
    let place = |user, set| {
        let owner = Owner {
            user,
            application: 0,
        };
        bench.hub.enter(owner, 1, set, clock::mono()).unwrap()
    };
    let mut held = Vec::new();
    for user in 0..2 {
        let mut place = place(user, None);
        assert_eq!(choose(&mut place), usize::try_from(user).unwrap());
        held.push(place);
    }
    // Before any of the set is open: places that are only chosen count too.
    let mut of_set = Vec::new();
    for expected in [2, 0, 1] {
        let mut place = place(9, Some(9));
        assert_eq!(choose(&mut place), expected);
        of_set.push(place);
    }
    drop(of_set);
    drop(held);
    assert!(bench.hub.shared.inner().loads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_a_stream_is_found_until_a_while_after_its_end() {
    let bench = Bench::new(|rules| {
        rules.remember_channels = Duration::from_secs(60);
        rules.remember_events = Duration::from_secs(120);
    });
    let held = bench.open();
    let mut looker = Looker::new(1_000);
    look(
        &mut looker,
        &held,
        "<Channel><channelId>c-1</channelId></Channel>",
    );
    look(&mut looker, &held, &event(7));
    let find = |wanted| bench.hub.find(wanted, clock::mono()).is_some();
    assert!(find(Wanted::Channel(b"c-1")) && find(Wanted::Event(b"7")));
    bench.hub.acknowledged(b"7", clock::mono());
    bench.hub.acknowledged(b"7", clock::mono());
    drop(held);
    assert_eq!(bench.metric("xspd_event_acknowledgement_seconds_count"), 1);
    assert_eq!(bench.metric("xspd_event_unacknowledged_total"), 0);
    tokio::time::advance(Duration::from_secs(59)).await;
    assert!(find(Wanted::Channel(b"c-1")));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(!find(Wanted::Channel(b"c-1")));
    assert!(find(Wanted::Event(b"7")));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(!find(Wanted::Event(b"7")));
}
