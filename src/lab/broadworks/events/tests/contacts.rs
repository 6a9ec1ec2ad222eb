//! HTTP contacts: one event at a time, a few attempts, then the end.

use std::time::Duration;

use super::bench::Bench;
use super::bench::about;
use super::bench::between;
use super::bench::user;
use super::bench::watch;
use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::DropReason;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::ids::EventId;

const URI: &str = "http://127.0.0.1:8800/events";

fn contact() -> Bench {
    let mut bench = Bench::new();
    let ask = Subscribe {
        route: Destination::Contact(URI.to_owned()),
        ..watch(about("alice"), "")
    };
    bench.subscribe(&user("admin"), ask);
    bench
}

/// The posts since the last time.
fn posts(bench: &mut Bench) -> Vec<(EventId, String)> {
    let actions = std::mem::take(&mut bench.actions);
    let posts = actions.into_iter().filter_map(|action| match action {
        Action::Post {
            event,
            uri,
            document,
        } => {
            assert_eq!(uri, URI);
            Some((event, String::from_utf8(document.to_vec()).unwrap()))
        }
        _ => None,
    });
    posts.collect()
}

fn answer(bench: &mut Bench, event: EventId, taken: bool) {
    bench.put(Input::Posted { event, taken });
}

#[test]
fn events_go_one_after_the_other_and_say_where_they_go() {
    let mut bench = contact();
    bench.happens("alice");
    bench.happens("alice");
    let sent = posts(&mut bench);
    assert_eq!(sent.len(), 1, "one at a time");
    let (event, text) = &sent[0];
    assert!(text.contains(&format!(
        "<xsi:httpContact><xsi:uri>{URI}</xsi:uri></xsi:httpContact>"
    )));
    assert!(!text.contains("channelId"));
    assert_eq!(between(text, "sequenceNumber"), "1");
    answer(&mut bench, *event, true);
    let next = posts(&mut bench);
    assert_eq!(between(&next[0].1, "sequenceNumber"), "2");
    answer(&mut bench, next[0].0, true);
    assert_eq!(bench.events.outstanding(), 0);
}

#[test]
fn a_contact_gets_three_attempts_and_one_last_word() {
    let mut bench = contact();
    bench.happens("alice");
    bench.happens("alice");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let sent = posts(&mut bench);
        assert_eq!(sent.len(), 1);
        ids.push(sent[0].0);
        answer(&mut bench, sent[0].0, false);
        bench.pass(Duration::from_secs(1));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "the same event each time");
    assert_eq!(bench.dropped(), [DropReason::Contact, DropReason::Contact]);
    let last = posts(&mut bench);
    assert_eq!(last.len(), 1);
    assert!(last[0].1.contains("SubscriptionTerminatedEvent"));
    answer(&mut bench, last[0].0, false);
    bench.pass(Duration::from_secs(60));
    assert_eq!(posts(&mut bench), []);
    assert_eq!(bench.events.outstanding(), 0);
    assert!(bench.events.all_subscriptions(bench.now.mono).is_empty());
}

#[test]
fn a_slow_contact_keeps_the_newest_events() {
    let mut bench = contact();
    bench.set(|settings| settings.backlog = 4);
    for _ in 0..10 {
        bench.happens("alice");
    }
    assert_eq!(bench.events.outstanding(), 4);
    let first = posts(&mut bench);
    assert_eq!(first.len(), 1, "the one under way is not dropped");
    answer(&mut bench, first[0].0, true);
    let next = posts(&mut bench);
    assert_eq!(between(&next[0].1, "sequenceNumber"), "8");
}
