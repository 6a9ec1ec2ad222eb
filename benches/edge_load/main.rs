//! Whole-process load: `xspd run` against a bare mutual-TLS proxy of the same libraries, over
//! loopback. `cargo bench --bench edge_load [-- --load requests|events --rounds N --connections N
//! --only bare|xspd --figure gets]`; without `--load` both.
//!
//! Every figure but memory and delivery divides work by the CPU time of the server process alone,
//! so that the load generator on the same machine does not count. Both servers get the same number
//! of threads, the same certificates and the same client: TLS 1.3, X25519, AES-128-GCM, no
//! resumption. They are measured in turns, round by round; the medians are compared.

mod bare_proxy;
mod client;
mod drive;
mod events;
mod figures;
mod pki;
mod servers;
mod settings;
mod upstream;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use xspd::platform::clock;

use figures::Figure;
use figures::Figures;
use figures::Subject;
use servers::Load;
use servers::Servers;

/// What anything here fails with.
type Failure = Box<dyn Error + Send + Sync>;

/// No new round of a load begins after this; each takes less than five minutes.
const LAST_ROUND: Duration = Duration::from_secs(200);

/// A round takes a minute on two cores; one that takes this long never ends.
const STUCK: Duration = Duration::from_secs(240);

/// Descriptors besides those of connections that a figure is about.
const SPARE_DESCRIPTORS: usize = 300;

struct Options {
    loads: Vec<Load>,
    rounds: usize,
    connections: usize,
    subjects: Vec<Subject>,
    /// Only figures whose name holds this.
    figure: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["--role", "event-upstream"] => events::upstream::run(),
        ["--role", "upstream"] => upstream::run(),
        ["--role", "bare-proxy", folder, upstream] => bare_proxy::run(folder, upstream),
        _ => options(&words).and_then(|options| measure(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "edge_load: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(words: &[&str]) -> Result<Options, Failure> {
    let mut options = Options {
        loads: vec![Load::Requests, Load::Events],
        rounds: 5,
        connections: 10_000,
        subjects: vec![Subject::Bare, Subject::Xspd],
        figure: String::new(),
    };
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word {
            // cargo says this to every benchmark.
            "--bench" => {}
            "--load" => {
                let name = value()?;
                options.loads.retain(|load| load.as_str() == name);
            }
            "--rounds" => options.rounds = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--figure" => options.figure = value()?.to_owned(),
            "--only" => {
                let name = value()?;
                options.subjects.retain(|subject| subject.as_str() == name);
            }
            _ => return Err(format!("what is {word}? See the top of this file.").into()),
        }
    }
    if options.rounds == 0 || options.subjects.is_empty() || options.loads.is_empty() {
        return Err("nothing to measure".into());
    }
    Ok(options)
}

fn measure(options: &Options) -> Result<(), Failure> {
    let threads = std::thread::available_parallelism()?.get();
    say(&format!(
        "Server threads: {threads}. Client: TLS 1.3, X25519, AES-128-GCM, no resumption, loopback.\n\
         Server binary: {}. Rounds: {}.",
        servers::XSPD,
        options.rounds
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for load in &options.loads {
        let connections = connections_possible(options.connections, *load)?;
        let figures = runtime.block_on(rounds(options, *load, threads, connections))?;
        say(&figures.table());
        say(&format!("{:#}", figures.json(connections, threads)));
    }
    Ok(())
}

async fn rounds(
    options: &Options,
    load: Load,
    threads: usize,
    connections: usize,
) -> Result<Figures, Failure> {
    let started = clock::mono();
    let mut figures = Figures::default();
    let subjects = &options.subjects;
    let servers = match load {
        Load::Requests => Some(Servers::start(threads, subjects, connections, load).await?),
        Load::Events => None,
    };
    for round in 0..options.rounds {
        if clock::mono() - started > LAST_ROUND {
            say(&format!(
                "Round {} and later left out: out of time.",
                round + 1
            ));
            break;
        }
        // Who goes first changes, so that a drift of the machine hits both.
        let mut order = subjects.clone();
        if round % 2 == 1 {
            order.reverse();
        }
        say(&format!("Round {} …", round + 1));
        let (wanted, figures) = (&options.figure, &mut figures);
        let stuck = |_| Failure::from("a round got stuck: a server no longer answers");
        match &servers {
            Some(servers) => {
                let round = drive::round(servers, &order, wanted, figures);
                tokio::time::timeout(STUCK, round).await.map_err(stuck)??;
            }
            None => {
                let round = events::drive::round(&order, threads, connections, wanted, figures);
                tokio::time::timeout(STUCK, round).await.map_err(stuck)??;
            }
        }
    }
    drop(servers);
    if load == Load::Requests && Figure::IdleBytes.as_str().contains(&options.figure) {
        for subject in subjects {
            // A fresh process: load leaves an allocator with memory that idle connections reuse.
            let fresh = Servers::start(threads, &[*subject], connections, load).await?;
            let idle = drive::idle(&fresh, *subject, connections, &mut figures);
            tokio::time::timeout(STUCK, idle)
                .await
                .map_err(|_| "opening idle connections got stuck")??;
        }
    }
    Ok(figures)
}

/// Raises the limit of open files as far as we may, and says what that allows.
fn connections_possible(wanted: usize, load: Load) -> Result<usize, Failure> {
    // A proxy holds both ends of a stream.
    let descriptors = match load {
        Load::Requests => 1,
        Load::Events => 2,
    };
    let enough = wanted * descriptors + SPARE_DESCRIPTORS;
    let raise = |limit: &str| {
        let nofile = format!("--nofile={limit}");
        std::process::Command::new("prlimit")
            .args(["--pid", &std::process::id().to_string(), &nofile])
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let limits = || -> Result<(usize, usize), Failure> {
        let text = std::fs::read_to_string("/proc/self/limits")?;
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        let mut numbers = line.unwrap_or_default().split_whitespace().skip(3);
        let mut next = || numbers.next().and_then(|n| n.parse().ok());
        Ok(next()
            .zip(next())
            .ok_or("no limit of open files in /proc")?)
    };
    let (soft, hard) = limits()?;
    if soft < enough && !raise(&format!("{enough}:{}", hard.max(enough))) {
        raise(&format!("{hard}:{hard}"));
    }
    let (soft, _) = limits()?;
    let possible = wanted.min(soft.saturating_sub(SPARE_DESCRIPTORS) / descriptors);
    if possible < wanted {
        say(&format!(
            "{possible} {} instead of {wanted}, because only {soft} files may be open.",
            match load {
                Load::Requests => "idle connections",
                Load::Events => "streams",
            }
        ));
    }
    Ok(possible)
}

/// One line, or several, on standard output.
fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
