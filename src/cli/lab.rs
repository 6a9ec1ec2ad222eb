//! `xspd lab`: a BroadWorks and a Webex on this machine, the daemon in front, and requests to try.

mod imp;
mod sign;
mod signals;

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::keys;
use crate::cli::lab::imp::Deed;
use crate::cli::lab::signals::Signal;
use crate::cli::lab::signals::Signals;
use crate::cli::provision::list::ago;
use crate::config;
use crate::lab::pki::PkiError;
use crate::lab::scenario::Options;
use crate::lab::scenario::Ports;
use crate::lab::scenario::Scenario;
use crate::lab::scenario::ScenarioError;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Start a lab: stand-ins for BroadWorks and Webex with the daemon in front, on this machine only.
///
/// Certificates are minted, ports are on 127.0.0.1, nothing needs root. The last line printed is
/// `ready`; the lab then stays until Ctrl-C or SIGTERM. SIGHUP reloads the daemon's configuration.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory for certificates, data and the daemon's configuration; made when missing.
    #[arg(long, value_name = "DIR", default_value = "lab-state", global = true)]
    pub state_dir: PathBuf,

    /// First of thirteen consecutive ports on 127.0.0.1, or `auto` for free ones.
    #[arg(long, value_name = "auto|BASE", default_value = "8440")]
    pub ports: Ports,

    /// Forget certificates and data of earlier runs.
    #[arg(long)]
    pub fresh: bool,

    /// Mint server certificates that end after this time, such as 15m, to see what ends being told
    #[arg(long, value_name = "TIME", value_parser = ago)]
    pub server_certificates_last: Option<u64>,

    /// Start all but the daemon, and print the line that starts it in another terminal: there it can
    /// be killed and started again while the lab goes on
    #[arg(long)]
    pub without_daemon: bool,

    /// What to do in a lab that runs, instead of starting one.
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// What can be done in a lab that runs.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Assign Integrated IM&P to a user, as an administrator of the AS does; exit code 1 with the
    /// AS's words when it refuses.
    AssignImp {
        /// BroadWorks user id.
        user: String,
        /// Have the AS call once more when the user has it already.
        #[arg(long)]
        again: bool,
    },
    /// Take Integrated IM&P away from a user.
    UnassignImp {
        /// BroadWorks user id.
        user: String,
    },
    /// Have the lab's public CA sign a certificate request; prints the chain for
    /// `xspd certs import`. The lab need not run.
    Sign {
        /// File with the request, PEM; `-` is standard input
        request: PathBuf,
        /// How long the certificate lasts
        #[arg(long = "for", value_name = "TIME", value_parser = ago, default_value = "365d")]
        life: u64,
    },
}

/// Runs the lab until a signal ends it. For machines the content of `lab.json` is printed on one
/// line instead of words, and progress goes to standard error.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    match &args.action {
        Some(Action::AssignImp { user, again }) => {
            let deed = if *again {
                Deed::AssignAgain
            } else {
                Deed::Assign
            };
            return imp::run(&args.state_dir, user, deed, console);
        }
        Some(Action::UnassignImp { user }) => {
            return imp::run(&args.state_dir, user, Deed::Unassign, console);
        }
        Some(Action::Sign { request, life }) => {
            let life = Duration::from_secs(*life);
            return sign::run(&args.state_dir, request, life, console);
        }
        None => {}
    }
    let with_daemon = !args.without_daemon;
    let options = Options {
        state_dir: args.state_dir,
        ports: args.ports,
        fresh: args.fresh,
        server_life: args.server_certificates_last.map(Duration::from_secs),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            console.complain(format_args!("xspd: the runtime did not start: {error}"));
            return Exit::Io;
        }
    };
    runtime.block_on(async {
        let tasks = Tasks::new();
        let exit = match live(&options, with_daemon, &tasks, console).await {
            Ok(exit) => exit,
            Err(failure) => {
                console.complain(format_args!("xspd: {failure}"));
                failure.exit()
            }
        };
        tasks.stop().cancel();
        tasks.join().await;
        exit
    })
}

/// Why the lab did not come up, or went down.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the daemon in front of the lab did not start: {0}")]
    Daemon(String),
    #[error("the key that signs tokens was not made: {0}")]
    Keys(#[from] keys::Failure),
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error("signals cannot be caught: {0}")]
    Signals(#[source] std::io::Error),
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Daemon(_) => Exit::Unavailable,
            Self::Keys(failure) => failure.exit(),
            Self::Signals(_) => Exit::Io,
            Self::Scenario(error) => match error {
                ScenarioError::BroadWorks { .. }
                | ScenarioError::Cti { .. }
                | ScenarioError::InUse { .. }
                | ScenarioError::PortInUse { .. }
                | ScenarioError::Webex { .. } => Exit::Unavailable,
                ScenarioError::File { source, .. } | ScenarioError::Port { source, .. } => {
                    from_system(source)
                }
                ScenarioError::NotOurs { .. } => Exit::CantCreate,
                ScenarioError::Panicked => Exit::Software,
                ScenarioError::Pki(error) => match error {
                    PkiError::File { source, .. } => from_system(source),
                    PkiError::Internal(_) | PkiError::Mint(_) => Exit::Software,
                },
            },
        }
    }
}

fn from_system(error: &std::io::Error) -> Exit {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        Exit::NoPermission
    } else {
        Exit::CantCreate
    }
}

async fn live(
    options: &Options,
    with_daemon: bool,
    tasks: &Tasks,
    console: Console,
) -> Result<Exit, Failure> {
    // Before anything that would need undoing, so that no signal is lost.
    let mut signals = Signals::catch().map_err(Failure::Signals)?;
    let (scenario, daemon) = tokio::select! {
        up = bring_up(options, with_daemon, tasks, console) => up?,
        () = signals.stop() => return Ok(Exit::Ok),
    };
    let Some(mut daemon) = daemon else {
        return alone(scenario, &mut signals, tasks, console).await;
    };
    let exit = loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Reload => daemon.reload(),
                Signal::Stop => break Exit::Ok,
            },
            worker = tasks.worker_failed() => {
                console.complain(format_args!("xspd: the worker {worker} panicked"));
                break Exit::Software;
            }
            end = &mut daemon.ended => {
                let worker = end.ok().and_then(Result::err).unwrap_or("daemon");
                console.complain(format_args!("xspd: the daemon's worker {worker} panicked"));
                scenario.close()?;
                return Ok(Exit::Software);
            }
        }
    };
    daemon.end(&mut signals).await;
    scenario.close()?;
    Ok(exit)
}

/// The lab without a daemon, until a signal ends it.
async fn alone(
    scenario: Scenario,
    signals: &mut Signals,
    tasks: &Tasks,
    console: Console,
) -> Result<Exit, Failure> {
    let exit = loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Reload => console.complain(
                    "xspd: the daemon runs elsewhere; send the signal to that process",
                ),
                Signal::Stop => break Exit::Ok,
            },
            worker = tasks.worker_failed() => {
                console.complain(format_args!("xspd: the worker {worker} panicked"));
                break Exit::Software;
            }
        }
    };
    scenario.close()?;
    Ok(exit)
}

/// From nothing to `ready`.
async fn bring_up(
    options: &Options,
    with_daemon: bool,
    tasks: &Tasks,
    console: Console,
) -> Result<(Scenario, Option<Daemon>), Failure> {
    let tell = |sentence: &str| {
        if console.json {
            console.complain(sentence);
        } else {
            console.line(sentence);
        }
    };
    let scenario = Scenario::open(options, tasks, clock::wall(), &tell).await?;
    make_key(scenario.config(), tasks).await?;
    let daemon = if with_daemon {
        let daemon = start_daemon(scenario.config(), tasks)?;
        tell("The daemon is in front of it.");
        Some(daemon)
    } else {
        tell(
            "No daemon is in front of it yet. Start it in another terminal, as often as you like:",
        );
        tell(&format!("  {}", scenario.daemon_command()));
        None
    };
    let published = scenario.publish()?;
    if console.json {
        console.line(scenario.description().document());
    } else {
        introduce(&scenario, &published, console);
    }
    console.line("ready");
    Ok((scenario, daemon))
}

/// The AuthService never makes a key by itself, or the nodes of a farm would differ; its operator
/// does, and in a lab that is us. One that is there stays.
async fn make_key(config: &Path, tasks: &Tasks) -> Result<(), Failure> {
    let config = config.to_owned();
    let made = tasks.blocking(move || {
        let loaded = config::load(&config).map_err(keys::Failure::Configuration)?;
        if let Some(service) = loaded.config.auth_service {
            keys::generate_first(&service.keys.directory, service.keys.length, clock::wall())?;
        }
        Ok(())
    });
    made.await.ok_or(ScenarioError::Panicked)?
}

fn introduce(scenario: &Scenario, published: &Path, console: Console) {
    let lab = scenario.description();
    console.line("");
    console.line("Endpoints:");
    for (name, url) in &lab.endpoints {
        console.line(format_args!("  {name:<17} {url}"));
    }
    console.line("");
    console.line("Try, in another terminal:");
    for example in scenario.examples() {
        console.line("");
        console.line(format_args!("# {}", example.title));
        console.line(&example.command);
        console.line(format_args!("# -> {}", example.expect));
    }
    console.line("");
    console.line(format_args!(
        "All of this for scripts: {}. Ctrl-C ends the lab.",
        published.display()
    ));
}

/// The daemon in front, as the lab sees it.
struct Daemon {
    reload: mpsc::Sender<()>,
    stop: CancellationToken,
    hurry: CancellationToken,
    ended: oneshot::Receiver<Result<(), &'static str>>,
}

impl Daemon {
    /// Makes it read its configuration again.
    fn reload(&self) {
        // A full queue already holds a wish to reload.
        self.reload.try_send(()).ok();
    }

    /// Lets it finish what is in flight; one more signal skips the waiting.
    async fn end(self, signals: &mut Signals) {
        self.stop.cancel();
        let mut ended = self.ended;
        tokio::select! {
            _ = &mut ended => return,
            () = signals.stop() => self.hurry.cancel(),
        }
        drop(ended.await);
    }
}

/// Starts the real daemon from a configuration file; its listeners answer when this returns.
fn start_daemon(config: &Path, tasks: &Tasks) -> Result<Daemon, Failure> {
    let started = app::Daemon::start(config).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::Daemon(lines.join("\nxspd: "))
    })?;
    // One pending wish is as good as many.
    let (reload, wishes) = mpsc::channel(1);
    let (tell_end, ended) = oneshot::channel();
    let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
    let daemon = Daemon {
        reload,
        stop: stop.clone(),
        hurry: hurry.clone(),
        ended,
    };
    tasks.worker("daemon", async move {
        let end = started
            .serve(wishes, stop.cancelled_owned(), hurry.cancelled_owned())
            .await;
        tell_end.send(end).ok();
    });
    Ok(daemon)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        let words = std::iter::once("lab").chain(words.iter().copied());
        Line::try_parse_from(words).map(|line| line.args)
    }

    #[test]
    fn without_words_the_lab_lies_in_the_current_directory_on_known_ports() {
        let args = parse(&[]).unwrap();
        assert_eq!(args.state_dir, Path::new("lab-state"));
        assert_eq!(args.ports, Ports::From(8440));
        assert!(!args.fresh && !args.without_daemon);
        assert!(parse(&["--without-daemon"]).unwrap().without_daemon);
    }

    #[test]
    fn ports_that_are_none_are_refused_with_what_was_expected() {
        for word in ["none", "0", "70000"] {
            let text = parse(&["--ports", word]).unwrap_err().to_string();
            assert!(text.contains("expected `auto`"), "{text}");
        }
    }

    #[test]
    fn a_lab_that_cannot_start_ends_with_an_exit_code_that_says_why() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("thing"), "").unwrap();
        let exit_for = |state_dir: &Path, ports| {
            let args = Args {
                state_dir: state_dir.to_owned(),
                ports,
                fresh: false,
                server_certificates_last: None,
                without_daemon: false,
                action: None,
            };
            run(args, Console::default())
        };
        assert_eq!(exit_for(directory.path(), Ports::Auto), Exit::CantCreate);

        let taken = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port().min(65_530);
        let state_dir = directory.path().join("lab");
        assert_eq!(exit_for(&state_dir, Ports::From(port)), Exit::Unavailable);
    }
}
