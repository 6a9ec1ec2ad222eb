//! The load of requests: how each figure comes about.
#![expect(
    clippy::disallowed_methods,
    reason = "a load generator has its own tasks and its own clock"
)]

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Failure;
use crate::client::LANES;
use crate::client::Lane;
use crate::client::SETTLE;
use crate::client::Tls;
use crate::client::as_f64;
use crate::client::per_cpu_second;
use crate::client::share;
use crate::client::tcp;
use crate::figures::Figure;
use crate::figures::Figures;
use crate::figures::Subject;
use crate::figures::percentile;
use crate::pki::Key;
use crate::pki::SERVER_NAME;
use crate::say;
use crate::servers::Servers;
use crate::servers::TARGET;
use crate::upstream::BODY;

/// Handshakes of one measurement: about a second of server CPU, a hundred ticks.
const HANDSHAKES: usize = 2_500;

/// Requests of one measurement, for the same reason.
const REQUESTS: usize = 25_000;

/// A measurement ends here even when it has not done all; it is divided by what it has done.
const LONGEST: Duration = Duration::from_secs(12);

/// Requests a second of the latency measurement, sent by the clock whatever the answers do.
const RATE: u32 = 2_000;

/// Requests of one latency measurement: four seconds.
const PACED: u32 = 4 * RATE;

/// Connections that paced requests share.
const PACED_LANES: usize = 64;

/// Connections opened and closed before memory is first looked at.
const WARM_UP: usize = 200;

/// Measures all but memory once for each subject, in this order.
pub(crate) async fn round(
    servers: &Servers,
    order: &[Subject],
    wanted: &str,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let is_wanted = |figure: Figure| figure.as_str().contains(wanted);
    for (figure, key) in [
        (Figure::HandshakesP256, Key::P256),
        (Figure::HandshakesRsa2048, Key::Rsa2048),
    ] {
        for subject in order.iter().filter(|_| is_wanted(figure)) {
            let lane = Lane::new(servers, *subject, key)?;
            let rate = per_cpu_second(servers, *subject, handshakes(&lane)).await?;
            figures.add(figure, *subject, rate);
        }
    }
    for subject in order.iter().filter(|_| is_wanted(Figure::Requests)) {
        let lane = Lane::new(servers, *subject, Key::P256)?;
        let streams = connect_all(&lane, LANES).await?;
        let rate = per_cpu_second(servers, *subject, requests(streams)).await?;
        figures.add(Figure::Requests, *subject, rate);
    }
    if !is_wanted(Figure::AddedMedian) && !is_wanted(Figure::AddedP99) {
        return Ok(());
    }
    let mut direct = Vec::new();
    for _ in 0..PACED_LANES {
        direct.push(tcp(servers.upstream).await?);
    }
    let direct = paced(direct).await?;
    if let Some(p99) = percentile(&direct, 99) {
        // The floor under the added latency: high where the machine is busy with other things.
        say(&format!("  p99 without a proxy: {p99:.0} µs"));
    }
    for subject in order {
        let lane = Lane::new(servers, *subject, Key::P256)?;
        let streams = connect_all(&lane, PACED_LANES).await?;
        let through = paced(streams).await?;
        for (figure, percent) in [(Figure::AddedMedian, 50), (Figure::AddedP99, 99)] {
            let added = percentile(&through, percent).zip(percentile(&direct, percent));
            let (through, direct) = added.ok_or("no latency was measured")?;
            figures.add(figure, *subject, through - direct);
        }
    }
    Ok(())
}

/// Measures memory of connections that have asked once and then stay.
pub(crate) async fn idle(
    servers: &Servers,
    subject: Subject,
    connections: usize,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let lane = Lane::new(servers, subject, Key::P256)?;
    drop(connect_all(&lane, WARM_UP).await?);
    tokio::time::sleep(SETTLE).await;
    let before = servers.resident(subject)?;
    let mut held = Vec::with_capacity(connections);
    while held.len() < connections {
        let batch = LANES.min(connections - held.len());
        let streams = connect_all(&lane, batch).await?;
        held.extend(streams);
    }
    tokio::time::sleep(SETTLE).await;
    let after = servers.resident(subject)?;
    // One more question each way in: who was cut meanwhile would make the figure too good.
    for stream in held.iter_mut().step_by(100) {
        exchange(stream, &mut Vec::new()).await?;
    }
    figures.add(
        Figure::IdleBytes,
        subject,
        (after - before) / as_f64(connections),
    );
    Ok(())
}

/// Connections that have had one answer each, so that their certificate was let in.
async fn connect_all(lane: &Lane, count: usize) -> Result<Vec<Tls>, Failure> {
    let mut opening = JoinSet::new();
    for _ in 0..count {
        let lane = lane.clone();
        opening.spawn(async move {
            let mut stream = lane.connect().await?;
            exchange(&mut stream, &mut Vec::new()).await?;
            Ok::<_, Failure>(stream)
        });
    }
    opening.join_all().await.into_iter().collect()
}

/// Full handshakes, each ended at once in good order.
async fn handshakes(lane: &Lane) -> Result<usize, Failure> {
    // One with a request first: in TLS 1.3 only an answer shows that our certificate was let in.
    drop(connect_all(lane, 1).await?);
    let one = |lane: Lane| async move {
        let mut stream = lane.connect().await?;
        stream.shutdown().await?;
        // Its end tells that the server has taken in our part of the handshake, too.
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest).await);
        Ok(())
    };
    let lanes = (0..LANES).map(|_| lane.clone()).collect();
    share(lanes, HANDSHAKES, LONGEST, move |lane| {
        let work = one(lane.clone());
        async move { work.await.map(|()| lane) }
    })
    .await
}

/// Requests over kept connections, one after the other on each.
async fn requests(streams: Vec<Tls>) -> Result<usize, Failure> {
    let lanes = streams.into_iter().map(|s| (s, Vec::new())).collect();
    share(
        lanes,
        REQUESTS,
        LONGEST,
        |(mut stream, mut buffer)| async move {
            exchange(&mut stream, &mut buffer).await?;
            Ok((stream, buffer))
        },
    )
    .await
}

/// Latencies in microseconds of requests sent by the clock. Each counts from when it was due,
/// so that a server that stalls cannot hide the requests that it kept waiting.
async fn paced<S>(streams: Vec<S>) -> Result<Vec<f64>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Room for all: the clock must never wait for the lanes.
    let (due, queue) = mpsc::channel(PACED as usize);
    let queue = Arc::new(Mutex::new(queue));
    let mut running = JoinSet::new();
    for mut stream in streams {
        let queue = Arc::clone(&queue);
        running.spawn(async move {
            let mut buffer = Vec::new();
            let mut latencies = Vec::new();
            loop {
                let next = queue.lock().await.recv().await;
                let Some(at): Option<Instant> = next else {
                    return Ok::<_, Failure>(latencies);
                };
                exchange(&mut stream, &mut buffer).await?;
                latencies.push(at.elapsed().as_secs_f64() * 1e6);
            }
        });
    }
    // A thread of its own: tokio's timers tick in milliseconds.
    let clock = std::thread::spawn(move || {
        let start = Instant::now();
        for number in 0..PACED {
            let at = start + Duration::from_secs(1) / RATE * number;
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if due.blocking_send(at).is_err() {
                break;
            }
        }
    });
    let latencies: Result<Vec<Vec<f64>>, Failure> = running.join_all().await.into_iter().collect();
    clock.join().map_err(|_| "the clock panicked")?;
    Ok(latencies?.concat())
}

/// One request and its whole answer. `buffer` only saves allocations.
async fn exchange<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request =
        format!("GET {TARGET} HTTP/1.1\r\nHost: {SERVER_NAME}\r\nAccept: application/xml\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed within an answer".into());
        }
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            if !buffer.starts_with(b"HTTP/1.1 200 ") {
                return Err(format!("refused: {}", String::from_utf8_lossy(buffer)).into());
            }
            if buffer.len() >= end + 4 + BODY {
                return Ok(());
            }
        }
    }
}
