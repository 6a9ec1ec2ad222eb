//! What an event costs on its way to watchers, and a tracked line while it rests: `cargo bench
//! --bench blf`.

mod lines;

use std::error::Error;
use std::hint::black_box;

use criterion::BatchSize;
use criterion::Criterion;

use xspd::domain::blf::board::Board;
use xspd::domain::blf::board::Input;
use xspd::domain::blf::board::LineEvent;
use xspd::domain::blf::board::Rules;
use xspd::domain::blf::board::SourceId;
use xspd::domain::blf::list::WatchList;
use xspd::domain::blf::watcher::SessionId;
use xspd::domain::blf::watcher::Wishes;
use xspd::domain::events::document::CAP;
use xspd::domain::events::document::Document;
use xspd::domain::events::document::EventData;
use xspd::domain::events::document::HookStatus;
use xspd::domain::events::document::MonitoredUser;
use xspd::domain::events::document::Snapshot;
use xspd::domain::events::document::SubscriptionEvent;
use xspd::domain::events::ids::SubscriptionId;
use xspd::domain::events::ids::UserId;
use xspd::domain::events::subscriptions::Scope;
use xspd::domain::machine::Machine;
use xspd::domain::machine::Now;
use xspd::platform::clock;

type Failure = Box<dyn Error>;

/// A call that rings, 1.2 KB on the wire.
const RINGING: &[u8] =
    include_bytes!("../tests/fixtures/wire/xsi-events/33-callreceived-group.xml");

/// One of 2 KB, with its redirections.
const REDIRECTED: &[u8] = include_bytes!(
    "../tests/fixtures/wire/xsi-events/34-callreceived-network-callcenter-redirections.xml"
);

const LINE: &str = "alice@example.net";

fn main() -> Result<(), Failure> {
    // First, while the allocator holds nothing.
    lines::measure()?;
    let mut criterion = Criterion::default().configure_from_args();
    decoding(&mut criterion)?;
    fan_out(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn decoding(criterion: &mut Criterion) -> Result<(), Failure> {
    let mut group = criterion.benchmark_group("event-decode");
    for (name, bytes) in [("ringing", RINGING), ("redirected", REDIRECTED)] {
        Document::parse(bytes, CAP)?;
        group.bench_function(name, |bencher| {
            bencher.iter(|| Document::parse(black_box(bytes), CAP));
        });
    }
    group.finish();
    Ok(())
}

fn fan_out(criterion: &mut Criterion) -> Result<(), Failure> {
    let Document::Event(ringing) = Document::parse(RINGING, CAP)? else {
        return Err("the sample is an event".into());
    };
    let mut group = criterion.benchmark_group("event-to-notices");
    for watchers in [1, 1_000, 10_000] {
        let now = clock::now();
        let board = watched(watchers, now);
        group.bench_function(format!("{watchers}-watchers"), |bencher| {
            bencher.iter_batched(
                || (board.clone(), line_event(&ringing)),
                |(mut board, event)| {
                    board.handle(Input::Event(event), now);
                    while let Some(action) = board.poll_action() {
                        black_box(action);
                    }
                    board
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
    Ok(())
}

fn line_event(event: &SubscriptionEvent) -> LineEvent {
    LineEvent {
        user: UserId::new(LINE),
        source: SourceId::OWN,
        subscription: Some(SubscriptionId::new("s")),
        sequence: None,
        scope: Scope::User,
        data: event.data.clone(),
    }
}

/// A board with one idle line and so many watchers.
fn watched(watchers: u64, now: Now) -> Board {
    let mut board = Board::new(Rules::default());
    board.handle(Input::SourceBack(SourceId::OWN), now);
    let list = WatchList::new(vec![MonitoredUser {
        user: UserId::new(LINE),
        name: None,
        number: None,
        extension: None,
    }]);
    for index in 0..watchers {
        let watcher = UserId::new(&format!("watcher-{index}"));
        let joined = Input::Joined {
            session: SessionId(index),
            watcher: watcher.clone(),
            wishes: Wishes::default(),
        };
        board.handle(joined, now);
        board.handle(Input::ListRead(watcher, list.clone()), now);
    }
    let idle = LineEvent {
        user: UserId::new(LINE),
        source: SourceId::OWN,
        subscription: Some(SubscriptionId::new("s")),
        sequence: None,
        scope: Scope::User,
        data: EventData::Snapshot(Snapshot {
            calls: Vec::new(),
            conference: false,
            hook: Some(HookStatus::OnHook),
            resync: false,
        }),
    };
    board.handle(Input::Event(idle), now);
    while let Some(action) = board.poll_action() {
        black_box(action);
    }
    board
}
