//! Fan-out of busy lamps: `xspd run` tells many server-sent event streams of one watcher about one
//! line at a time. `cargo bench --bench blf_fanout [-- --streams N --events N]`.
//!
//! Three processes on loopback: `xspd lab` plays BroadWorks, `xspd run` is measured, this one holds
//! the streams and changes Do Not Disturb of the line. Deliveries are divided by the CPU time of the
//! measured process alone; memory is its growth divided by the streams. Plain HTTP, as the figures of
//! others that it is compared with.

mod servers;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use xspd::platform::clock;
use xspd::platform::tasks::Tasks;

use servers::Servers;

/// What anything here fails with.
type Failure = Box<dyn Error + Send + Sync>;

/// One event reaches all streams in less, or the machine is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Events before anything is measured.
const WARM_UP: u64 = 3;

struct Options {
    streams: usize,
    events: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = options(&words).and_then(|options| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(measure(&options))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "blf_fanout: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options {
        streams: 9_000,
        events: 30,
    };
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word {
            // cargo says this to every benchmark.
            "--bench" => {}
            "--streams" => options.streams = value()?.parse()?,
            "--events" => options.events = value()?.parse()?,
            _ => return Err(format!("what is {word}? See the top of this file.").into()),
        }
    }
    if options.streams == 0 || options.events == 0 {
        return Err("nothing to measure".into());
    }
    Ok(options)
}

/// Events seen by all streams together.
#[derive(Default)]
struct Seen {
    count: AtomicU64,
    changed: Notify,
}

async fn measure(options: &Options) -> Result<(), Failure> {
    let servers = Servers::start(options.streams).await?;
    let tasks = Tasks::new();
    servers.give_list().await?;
    // The line is known before the crowd comes.
    let before = servers.resident()?;
    let seen = Arc::<Seen>::default();
    for _ in 0..options.streams {
        let stream = servers.open_stream().await?;
        let seen = Arc::clone(&seen);
        tasks.connection(async move { drop(read(stream, &seen).await) });
    }
    let streams = u64::try_from(options.streams)?;
    let mut on = false;
    let mut expected = seen.count.load(Ordering::Relaxed);
    for _ in 0..WARM_UP {
        on = !on;
        expected += streams;
        servers.do_not_disturb(on).await?;
        reach(&seen, expected).await?;
    }
    let resident = servers.resident()?;
    let (cpu, started) = (servers.cpu_seconds()?, clock::mono());
    for _ in 0..options.events {
        on = !on;
        expected += streams;
        servers.do_not_disturb(on).await?;
        reach(&seen, expected).await?;
    }
    let (cpu, took) = (servers.cpu_seconds()? - cpu, clock::mono() - started);
    let deliveries = streams * options.events;
    let rate = |seconds: f64| as_f64(deliveries) / seconds.max(f64::EPSILON);
    say(&format!(
        "{streams} streams, {} events of one line: {deliveries} deliveries\n\
         {:.0} deliveries per CPU-second of the daemon, {:.0} per second of the clock\n\
         {:.1} KiB of resident memory for each stream",
        options.events,
        rate(cpu),
        rate(took.as_secs_f64()),
        (resident - before) / as_f64(streams) / 1024.0,
    ));
    tasks.stop().cancel();
    Ok(())
}

/// Counts events to the end of the stream.
async fn read(mut stream: TcpStream, seen: &Seen) -> Result<(), Failure> {
    const MARK: &[u8] = b"event: state";
    let mut buffer = Vec::with_capacity(2048);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let found = buffer.windows(MARK.len()).filter(|part| *part == MARK);
        let found = u64::try_from(found.count())?;
        if found > 0 {
            seen.count.fetch_add(found, Ordering::Relaxed);
            seen.changed.notify_waiters();
            buffer.clear();
        } else {
            // A mark may have come halfway.
            let kept = buffer.len().saturating_sub(MARK.len() - 1);
            buffer.drain(..kept);
        }
    }
}

async fn reach(seen: &Seen, expected: u64) -> Result<(), Failure> {
    let all = async {
        loop {
            let changed = seen.changed.notified();
            if seen.count.load(Ordering::Relaxed) >= expected {
                return;
            }
            changed.await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, all).await;
    reached.map_err(|_| {
        let count = seen.count.load(Ordering::Relaxed);
        format!("only {count} of {expected} events came").into()
    })
}

/// One request on a connection of its own; the status of its answer.
async fn request(address: std::net::SocketAddr, text: &str) -> Result<u16, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = answer.get(9..12).ok_or("no answer")?;
    Ok(std::str::from_utf8(status)?.parse()?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for people; deliveries are far below 2^52"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
