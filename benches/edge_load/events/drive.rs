//! How each figure of Xsi-Events comes about.
#![expect(
    clippy::disallowed_methods,
    reason = "a load generator has its own tasks and its own clock"
)]

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Failure;
use crate::client::LANES;
use crate::client::Lane;
use crate::client::SETTLE;
use crate::client::Tls;
use crate::client::as_f64;
use crate::client::per_cpu_second;
use crate::client::tcp;
use crate::events::channel;
use crate::events::channel::Heard;
use crate::events::channel::Open;
use crate::figures::Figure;
use crate::figures::Figures;
use crate::figures::Subject;
use crate::figures::percentile;
use crate::pki::Key;
use crate::say;
use crate::servers::Load;
use crate::servers::Servers;

/// Streams of the figures at a small farm.
const FEW: usize = 1_000;

/// Events of one measurement: more than a second of server CPU, some 150 ticks.
const EVENTS: usize = 100_000;

/// Events under way at once, each on another stream: an event that meets another one in a buffer
/// would cost less than one that comes alone, as they do in life.
const UNDER_WAY: usize = 256;

/// Streams of the latency measurement.
const QUIET: usize = 100;

/// Events a second of the latency measurement, written by the clock.
const RATE: u32 = 200;

/// Events of one latency measurement: five seconds.
const PACED: u32 = 5 * RATE;

/// Heartbeats of each stream, and as many acknowledgements.
const BEATS: usize = 8;

/// Room for all echoes, so that nobody who reads a stream waits.
const ROOM: usize = BEATS * FEW;

/// Between two heartbeats of a stream: xspd refuses more than one a second.
const BEAT: Duration = Duration::from_millis(1_050);

/// Streams opened and closed before memory is first looked at.
const WARM_UP: usize = 200;

/// For a server to close what the warm-up has left.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// No two streams of a run have the same number.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Measures all figures once for each subject, in this order. Each has the machine for itself.
pub(crate) async fn round(
    order: &[Subject],
    threads: usize,
    channels: usize,
    wanted: &str,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let is_wanted = |each: &[Figure]| each.iter().any(|each| each.as_str().contains(wanted));
    for subject in order {
        if is_wanted(&[
            Figure::EventsFew,
            Figure::EventCostFew,
            Figure::DeliveryMedian,
            Figure::DeliveryP99,
            Figure::Beats,
        ]) {
            let servers = Servers::start(threads, &[*subject], channels, Load::Events).await?;
            few(&servers, *subject, wanted, figures).await?;
        }
        if is_wanted(&[
            Figure::EventsMany,
            Figure::EventCostMany,
            Figure::StreamBytes,
        ]) {
            // A fresh process: load leaves an allocator with memory that streams would reuse.
            let servers = Servers::start(threads, &[*subject], channels, Load::Events).await?;
            many(&servers, *subject, channels, figures).await?;
        }
    }
    Ok(())
}

async fn few(
    servers: &Servers,
    subject: Subject,
    wanted: &str,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let is_wanted = |figure: Figure| figure.as_str().contains(wanted);
    let way = Way::Proxy(Lane::new(servers, subject, Key::P256)?);
    let mut farm = Farm::open(&way, FEW, servers).await?;
    if is_wanted(Figure::EventsFew) || is_wanted(Figure::EventCostFew) {
        let rate = per_cpu_second(servers, subject, farm.relay(EVENTS)).await?;
        figures.add(Figure::EventsFew, subject, rate);
        figures.add(Figure::EventCostFew, subject, 1e6 / rate);
    }
    if is_wanted(Figure::Beats) {
        beats(servers, subject, &way, &mut farm, figures).await?;
    }
    drop(farm);
    if is_wanted(Figure::DeliveryMedian) || is_wanted(Figure::DeliveryP99) {
        let direct = Way::Direct(servers.upstream);
        let floor = Farm::open(&direct, QUIET, servers)
            .await?
            .paced(servers)
            .await?;
        let through = Farm::open(&way, QUIET, servers)
            .await?
            .paced(servers)
            .await?;
        for (figure, percent) in [(Figure::DeliveryMedian, 50), (Figure::DeliveryP99, 99)] {
            let both = percentile(&through, percent).zip(percentile(&floor, percent));
            let (through, floor) = both.ok_or("no event came")?;
            say(&format!(
                "  p{percent} of delivery without a proxy: {floor:.0} µs"
            ));
            figures.add(figure, subject, through);
        }
    }
    Ok(())
}

async fn many(
    servers: &Servers,
    subject: Subject,
    channels: usize,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let way = Way::Proxy(Lane::new(servers, subject, Key::P256)?);
    drop(Farm::open(&way, WARM_UP, servers).await?);
    tokio::time::sleep(COOL_DOWN).await;
    let before = servers.resident(subject)?;
    let mut farm = Farm::open(&way, channels, servers).await?;
    tokio::time::sleep(COOL_DOWN).await;
    let grown = servers.resident(subject)? - before;
    figures.add(Figure::StreamBytes, subject, grown / as_f64(channels));
    // One event each at least: a stream that was cut meanwhile would make the figure too good.
    let events = EVENTS.max(channels);
    let rate = per_cpu_second(servers, subject, farm.relay(events)).await?;
    figures.add(Figure::EventsMany, subject, rate);
    figures.add(Figure::EventCostMany, subject, 1e6 / rate);
    Ok(())
}

/// Heartbeats and acknowledgements on connections other than the streams', as clients send them.
async fn beats(
    servers: &Servers,
    subject: Subject,
    way: &Way,
    farm: &mut Farm,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut events = HashMap::<u32, Vec<String>>::new();
    for (number, id, _) in farm.events(BEATS * FEW).await? {
        events.entry(number).or_default().push(id);
    }
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        lanes.push((way.connect_tls().await?, Vec::new()));
    }
    let misled = Arc::new(AtomicUsize::new(0));
    let work = async {
        let mut done = 0;
        for _ in 0..BEATS {
            let mut requests = Vec::new();
            for number in farm.numbers.clone() {
                let id = events.get_mut(&number).and_then(Vec::pop);
                requests.push(channel::heartbeat(number));
                requests.push(channel::acknowledgement(number, &id.ok_or("no event")?));
            }
            done += requests.len();
            lanes = send(std::mem::take(&mut lanes), requests, &misled).await?;
            // From the last of a round, so that a slow round does not bring the next one too near.
            tokio::time::sleep(BEAT).await;
        }
        Ok(done)
    };
    let rate = per_cpu_second(servers, subject, work).await?;
    figures.add(Figure::Beats, subject, rate);
    let misled = misled.load(Ordering::Relaxed);
    if misled > 0 {
        say(&format!(
            "  {}: {misled} of {} heartbeats and acknowledgements reached the wrong XSP",
            subject.as_str(),
            2 * BEATS * FEW
        ));
    } else {
        farm.echoes(BEATS * FEW).await?;
    }
    Ok(())
}

type BeatLane = (Tls, Vec<u8>);

/// Sends requests, one after the other on each lane. Gives the lanes back.
async fn send(
    lanes: Vec<BeatLane>,
    requests: Vec<String>,
    misled: &Arc<AtomicUsize>,
) -> Result<Vec<BeatLane>, Failure> {
    let (begun, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(requests));
    let mut running = JoinSet::new();
    for (mut stream, mut buffer) in lanes {
        let (begun, requests, misled) = (
            Arc::clone(&begun),
            Arc::clone(&requests),
            Arc::clone(misled),
        );
        running.spawn(async move {
            while let Some(request) = requests.get(begun.fetch_add(1, Ordering::Relaxed)) {
                if channel::exchange(&mut stream, request, &mut buffer).await? != 200 {
                    misled.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok((stream, buffer))
        });
    }
    running.join_all().await.into_iter().collect()
}

/// How streams are opened.
#[derive(Clone)]
enum Way {
    Direct(SocketAddr),
    Proxy(Lane),
}

impl Way {
    async fn connect_tls(&self) -> Result<Tls, Failure> {
        match self {
            Self::Direct(_) => Err("no TLS without a proxy".into()),
            Self::Proxy(lane) => lane.connect().await,
        }
    }

    async fn open(&self, number: u32, heard: mpsc::Sender<Heard>) -> Result<Open, Failure> {
        match self {
            Self::Direct(address) => channel::open(tcp(*address).await?, number, heard).await,
            Self::Proxy(lane) => channel::open(lane.connect().await?, number, heard).await,
        }
    }
}

/// Open streams, and the way to have events written on them.
struct Farm {
    numbers: Range<u32>,
    heard: mpsc::Receiver<Heard>,
    orders: TcpStream,
    _open: Vec<Open>,
}

impl Farm {
    async fn open(way: &Way, count: usize, servers: &Servers) -> Result<Self, Failure> {
        let count = u32::try_from(count)?;
        let first = NEXT.fetch_add(count, Ordering::Relaxed);
        let numbers = first..first + count;
        let (tell, heard) = mpsc::channel(ROOM);
        let next = Arc::new(AtomicU32::new(first));
        let mut opening = JoinSet::new();
        for _ in 0..LANES {
            let (way, tell, next, end) =
                (way.clone(), tell.clone(), Arc::clone(&next), numbers.end);
            opening.spawn(async move {
                let mut open = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return Ok::<_, Failure>(open);
                    }
                    open.push(way.open(number, tell.clone()).await?);
                }
            });
        }
        let open: Result<Vec<Vec<Open>>, Failure> = opening.join_all().await.into_iter().collect();
        Ok(Self {
            numbers,
            heard,
            orders: tcp(servers.orders()?).await?,
            _open: open?.into_iter().flatten().collect(),
        })
    }

    /// Has this many events written, and counts them in.
    async fn relay(&mut self, events: usize) -> Result<usize, Failure> {
        Ok(self.events(events).await?.len())
    }

    /// Has events written on one stream after the other, a new one for each that came.
    async fn events(&mut self, count: usize) -> Result<Vec<(u32, String, Duration)>, Failure> {
        let mut turns = self.numbers.clone().cycle().take(count);
        let window = UNDER_WAY.min(self.numbers.len());
        let mut came = Vec::with_capacity(count);
        let mut orders: Vec<u8> = Vec::new();
        for number in turns.by_ref().take(window) {
            orders.extend(number.to_le_bytes());
        }
        while came.len() < count {
            self.orders.write_all(&orders).await?;
            orders.clear();
            let mut heard = Vec::with_capacity(UNDER_WAY);
            self.heard.recv_many(&mut heard, UNDER_WAY).await;
            for heard in heard {
                came.push(event(heard)?);
                if let Some(number) = turns.next() {
                    orders.extend(number.to_le_bytes());
                }
            }
        }
        Ok(came)
    }

    /// Delivery times in microseconds of events written by the clock.
    async fn paced(mut self, servers: &Servers) -> Result<Vec<f64>, Failure> {
        let mut orders = std::net::TcpStream::connect(servers.orders()?)?;
        orders.set_nodelay(true)?;
        let numbers = self.numbers.clone();
        // A thread of its own: tokio's timers tick in milliseconds.
        let clock = std::thread::spawn(move || {
            let start = Instant::now();
            for (turn, number) in (0..PACED).zip(numbers.cycle()) {
                let at = start + Duration::from_secs(1) / RATE * turn;
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                orders.write_all(&number.to_le_bytes())?;
            }
            std::io::Result::Ok(())
        });
        let mut delays = Vec::new();
        for _ in 0..PACED {
            let (_, _, age) = event(self.heard.recv().await.ok_or("nobody listens")?)?;
            delays.push(age.as_secs_f64() * 1e6);
        }
        clock.join().map_err(|_| "the clock panicked")??;
        Ok(delays)
    }

    /// Waits for the echo of each heartbeat.
    async fn echoes(&mut self, count: usize) -> Result<(), Failure> {
        for _ in 0..count {
            match self.heard.recv().await.ok_or("nobody listens")? {
                Heard::Echo => {}
                Heard::Event { .. } => return Err("an event that nobody ordered".into()),
                Heard::Lost(error) => return Err(error),
            }
        }
        tokio::time::sleep(SETTLE).await;
        match self.heard.try_recv() {
            Err(_) => Ok(()),
            Ok(_) => Err("more echoes than heartbeats".into()),
        }
    }
}

fn event(heard: Heard) -> Result<(u32, String, Duration), Failure> {
    match heard {
        Heard::Event { number, id, age } => Ok((number, id, age)),
        Heard::Echo => Err("an echo of no heartbeat".into()),
        Heard::Lost(error) => Err(error),
    }
}
