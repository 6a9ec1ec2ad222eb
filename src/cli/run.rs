//! `xspd run`: the daemon in the foreground, as systemd starts it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;

use crate::app::AppError;
use crate::app::Daemon;
use crate::app::reload::SERVING;
use crate::app::run::notify_ready;
use crate::cli::Console;
use crate::cli::Exit;
use crate::platform::tasks::Tasks;
use crate::store::StoreError;
use crate::tls::TlsError;
use crate::workers::blf_tracker::BlfError;
use crate::workers::blf_tracker::NodeError;

/// Runs the daemon until SIGTERM or SIGINT; SIGHUP reloads.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/xspd/xspd.toml")]
    pub config: PathBuf,
}

/// Runs the verb.
#[must_use]
pub fn run(args: &Args, console: Console) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            console.complain(format_args!("xspd: cannot start the runtime: {error}"));
            return Exit::Io;
        }
    };
    let exit = runtime.block_on(daemon(args, console));
    // Connections past the drain's deadline must not hold up the end.
    runtime.shutdown_background();
    exit
}

async fn daemon(args: &Args, console: Console) -> Exit {
    // First: a SIGHUP that nobody catches ends the process.
    let signals = Tasks::new();
    let reload = match hangups(&signals) {
        Ok(reload) => reload,
        Err(error) => {
            console.complain(format_args!("xspd: cannot listen for signals: {error}"));
            return Exit::Io;
        }
    };
    // Heard from the beginning: a start may take a while, and an end that is asked for meanwhile is
    // an orderly one.
    let end = asked_to_end();
    let daemon = match Daemon::start(&args.config) {
        Ok(daemon) => daemon,
        Err(problems) => return refused(&problems, console),
    };
    notify_ready(SERVING);
    match daemon
        .serve(reload, end, async { asked_to_end().await })
        .await
    {
        Ok(()) => Exit::Ok,
        Err(_worker) => Exit::Software,
    }
}

/// Prints every problem; the exit code follows the first.
pub fn refused(problems: &[AppError], console: Console) -> Exit {
    let mut told = BTreeSet::new();
    for problem in problems.iter().map(ToString::to_string) {
        // One file can be wrong for several listeners.
        if !told.contains(&problem) {
            console.complain(format_args!("xspd: {problem}"));
            told.insert(problem);
        }
    }
    match problems.first() {
        Some(AppError::Bind(_)) => Exit::Unavailable,
        Some(AppError::Log(_)) => Exit::Io,
        Some(
            // The disk is full or the state directory not ours: trying again may help.
            AppError::Tls(TlsError::SelfSigned { .. })
            | AppError::Blf(BlfError::Node(NodeError::Io { .. }))
            | AppError::Store(
                StoreError::Full { .. }
                | StoreError::InUse { .. }
                | StoreError::Io { .. }
                | StoreError::Locked { .. }
                | StoreError::ReadOnly { .. },
            ),
        ) => Exit::CantCreate,
        Some(
            AppError::Adapter(_)
            | AppError::AlarmSink(_)
            | AppError::Blf(_)
            | AppError::Config(_)
            | AppError::Desk(_)
            | AppError::ManyCustomers { .. }
            | AppError::NeedsRestart { .. }
            | AppError::Operators(_)
            | AppError::Outbound(_)
            | AppError::Provisioning(_)
            | AppError::Store(_)
            | AppError::Tls(_),
        )
        | None => Exit::Config,
    }
}

/// One message for every SIGHUP; those that come while one is being worked on count as one.
///
/// # Errors
/// When the signal cannot be caught.
pub fn hangups(tasks: &Tasks) -> std::io::Result<mpsc::Receiver<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let (sender, receiver) = mpsc::channel(1);
    tasks.worker("sighup", async move {
        while hangup.recv().await.is_some() {
            if matches!(
                sender.try_send(()),
                Err(mpsc::error::TrySendError::Closed(()))
            ) {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Resolves at the first SIGTERM or SIGINT after the call. Without signals it never does.
pub fn asked_to_end() -> impl Future<Output = ()> + Send + 'static {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
