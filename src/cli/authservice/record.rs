//! `xspd authservice record`: a relay on loopback in front of an XSP's AuthService that writes
//! one JSON line for each exchange, with shapes instead of values.

use std::collections::BTreeMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;

use crate::cli::Console;
use crate::cli::Exit;
use crate::inbound::recorder;
use crate::inbound::recorder::Recorder;
use crate::platform::files;
use crate::platform::tasks::Tasks;

/// Records that wait to be written; the exchange behind them waits too.
const WAITING: usize = 64;

/// Kinds of exchange that the summary tells apart; a capture has a handful.
const KINDS: usize = 100;

/// Records shapes; Ctrl-C ends it with a summary.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Loopback address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081", value_parser = loopback)]
    listen: SocketAddr,
    /// The AuthService, as the XSP calls it now.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:80", value_parser = target)]
    to: String,
    /// File for the records, made with mode 600; without it they go to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Most records; what comes later is relayed and only counted.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err(
            "only loopback, such as 127.0.0.1:8081: what passes has passwords and tokens in clear"
                .to_owned(),
        ),
        Err(_) => Err("not an address with a port, such as 127.0.0.1:8081".to_owned()),
    }
}

/// `host:port` of a URL without a path.
fn target(text: &str) -> Result<String, String> {
    const FORM: &str = "not a URL such as http://127.0.0.1:80, without path, user or query";
    let url: http::Uri = text.parse().map_err(|_| FORM.to_owned())?;
    let plain = url.scheme_str() == Some("http") && matches!(url.path(), "" | "/");
    let authority = url.authority().filter(|a| !a.as_str().contains('@'));
    match authority {
        Some(authority) if plain && url.query().is_none() => {
            let port = authority.port_u16().unwrap_or(80);
            Ok(format!("{}:{port}", authority.host()))
        }
        Some(_) | None => Err(FORM.to_owned()),
    }
}

/// Why there is no capture, or no more.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("{} cannot be made: {source}", path.display())]
    Out { path: PathBuf, source: io::Error },
    #[error("cannot start: {0}")]
    Start(#[source] io::Error),
    #[error("a record cannot be written: {0}")]
    Write(#[source] io::Error),
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Bind { .. } => Exit::Unavailable,
            Self::Out { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Exit::NoPermission
            }
            Self::Out { .. } => Exit::CantCreate,
            Self::Start(_) | Self::Write(_) => Exit::Io,
        }
    }
}

/// Runs the verb: exit 0 after Ctrl-C.
pub fn run(args: Args, console: Console) -> Exit {
    let runtime = crate::cli::runtime();
    let captured = runtime
        .map_err(Failure::Start)
        .and_then(|runtime| runtime.block_on(capture(args, console)));
    match captured {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

async fn capture(args: Args, console: Console) -> Result<(), Failure> {
    // Before anything is announced, so that no Ctrl-C ends it without a summary.
    let mut ends = Ends::catch().map_err(Failure::Start)?;
    let address = args.listen;
    let socket = TcpListener::bind(address)
        .await
        .map_err(|source| Failure::Bind { address, source })?;
    let address = socket
        .local_addr()
        .map_err(|source| Failure::Bind { address, source })?;
    let mut log = Log::open(args.out, args.limit, console)?;
    let tasks = Tasks::new();
    let (records, mut received) = mpsc::channel(WAITING);
    let recorder = Arc::new(Recorder {
        to: args.to.clone(),
        records,
        tasks: tasks.clone(),
    });
    let serving = recorder::serve(socket, recorder, tasks.stop());
    tasks.worker("recorder", serving);
    console.complain(format_args!(
        "Shapes of http://{address} to http://{}; Ctrl-C ends. Set the AuthService URL of the XSP \
         back afterwards.",
        args.to
    ));
    console.complain("ready");
    let mut ending = false;
    loop {
        // Both are cancel-safe, and a record that came goes before the end.
        let record = tokio::select! {
            biased;
            record = received.recv() => record,
            () = ends.asked() => {
                if std::mem::replace(&mut ending, true) {
                    // Asked twice: what is in flight is not waited for.
                    break;
                }
                tasks.stop().cancel();
                continue;
            }
        };
        match record {
            Some(record) => log.take(&record)?,
            // Every sender has ended with its connection.
            None => break,
        }
    }
    log.summary();
    Ok(())
}

/// What asks for the end.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Cancel-safe: `recv` is, and nothing is held across it.
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The records, and what is counted of them.
struct Log {
    out: Option<(PathBuf, File)>,
    console: Console,
    left: u32,
    written: u64,
    beyond: u64,
    kinds: BTreeMap<String, u64>,
}

impl Log {
    fn open(out: Option<PathBuf>, limit: u32, console: Console) -> Result<Self, Failure> {
        let open = |path: PathBuf| {
            // A new file: nobody else has it open, and no older capture is lost.
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(files::PRIVATE)
                .open(&path);
            match file {
                Ok(file) => Ok((path, file)),
                Err(source) => Err(Failure::Out { path, source }),
            }
        };
        Ok(Self {
            out: out.map(open).transpose()?,
            console,
            left: limit,
            written: 0,
            beyond: 0,
            kinds: BTreeMap::new(),
        })
    }

    fn take(&mut self, record: &Value) -> Result<(), Failure> {
        let part = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("?");
        let status = record.get("status").unwrap_or(&Value::Null);
        let kind = format!("{} {} -> {}", part("method"), part("path"), status);
        if self.kinds.len() < KINDS || self.kinds.contains_key(&kind) {
            *self.kinds.entry(kind).or_default() += 1;
        } else {
            *self.kinds.entry("others".to_owned()).or_default() += 1;
        }
        let Some(left) = self.left.checked_sub(1) else {
            self.beyond += 1;
            return Ok(());
        };
        self.left = left;
        self.written += 1;
        match &mut self.out {
            Some((_, file)) => writeln!(file, "{record}").map_err(Failure::Write),
            None => {
                self.console.line(record);
                Ok(())
            }
        }
    }

    fn summary(&self) {
        if self.console.json {
            self.console.line(json!({
                "summary": {
                    "file": self.out.as_ref().map(|(path, _)| path),
                    "recorded": self.written,
                    "beyond-limit": self.beyond,
                    "exchanges": self.kinds,
                }
            }));
            return;
        }
        let words = |text: String| self.console.complain(text);
        for (kind, times) in &self.kinds {
            words(format!("{times:>6}  {kind}"));
        }
        words(match &self.out {
            Some((path, _)) => format!("{} records in {}", self.written, path.display()),
            None => format!("{} records", self.written),
        });
        if self.beyond > 0 {
            words(format!(
                "{} more were relayed and not recorded",
                self.beyond
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_on_loopback_only() {
        for good in ["127.0.0.1:8081", "[::1]:0", "127.9.9.9:1"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in [
            "0.0.0.0:8081",
            "[::]:1",
            "10.0.0.1:80",
            "localhost:80",
            "127.0.0.1",
        ] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_target_is_an_http_url_without_more() {
        for (url, to) in [
            ("http://127.0.0.1:80", "127.0.0.1:80"),
            ("http://127.0.0.1/", "127.0.0.1:80"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(target(url).as_deref(), Ok(to));
        }
        for bad in [
            "127.0.0.1:80",
            "https://127.0.0.1",
            "http://127.0.0.1/authService",
            "http://alice:hunter2@127.0.0.1",
            "http://127.0.0.1/?x=1",
            "",
        ] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn records_stop_at_the_limit_and_the_file_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shapes.jsonl");
        let mut log = Log::open(Some(path.clone()), 2, Console::default()).unwrap();
        for _ in 0..3 {
            let record = json!({ "method": "GET", "path": "/x", "status": 200 });
            log.take(&record).unwrap();
        }
        assert_eq!((log.written, log.beyond), (2, 1));
        assert_eq!(log.kinds["GET /x -> 200"], 3);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Log::open(Some(path), 2, Console::default());
        assert!(
            matches!(again, Err(Failure::Out { .. })),
            "an older capture is kept"
        );
    }
}
