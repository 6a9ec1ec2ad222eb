//! `xspd blf watch USER`: what a watcher is told, as it comes.

use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::blf::daemon::Daemon;
use crate::cli::blf::daemon::Failure;
use crate::cli::blf::show;
use crate::platform::clock;

/// How long the daemon waits for something new.
const POLL: Duration = Duration::from_secs(25);

/// Before the next attempt while the daemon is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Whom to watch as.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// User id of the watcher.
    #[arg(value_name = "USER")]
    user: String,
    /// Which view of a line is shown.
    #[arg(long, value_enum, default_value_t = View::Full)]
    view: View,
    /// End after the first so many notices; without it by Ctrl-C.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    #[command(flatten)]
    door: Door,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum View {
    /// All that is known.
    Full,
    /// What the Webex app would show.
    WebexCompatible,
}

impl View {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::WebexCompatible => "webex-compatible",
        }
    }
}

/// Watches: exit 0 after `--count`, else by Ctrl-C only.
pub fn run(args: &Args, console: Console) -> Exit {
    match Daemon::of(&args.door).and_then(|daemon| watch(args, &daemon, console)) {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn watch(args: &Args, daemon: &Daemon, console: Console) -> Result<(), Failure> {
    let (user, view) = (escaped(&args.user), args.view.as_str());
    let mut after = None;
    let mut left = args.count;
    let mut connected = false;
    loop {
        let since = after.map_or_else(String::new, |after: u64| format!("&after={after}"));
        let target = format!(
            "/blf/v1/watchers/{user}/stream?view={view}&poll={}{since}",
            POLL.as_secs()
        );
        let polled = match daemon.get(&target, POLL) {
            Ok(polled) => polled,
            // What never worked is wrong; what worked comes back.
            Err(failure) if connected && failure.may_pass() => {
                console.complain(format_args!("xspd: {failure} Trying again."));
                after = None;
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        connected = true;
        let polled = &polled;
        after = polled["last-event-id"].as_u64();
        for event in polled["events"].as_array().into_iter().flatten() {
            tell(event, console);
            if let Some(left) = &mut left {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    return Ok(());
                }
            }
        }
        if !console.is_open() {
            return Ok(());
        }
    }
}

fn tell(event: &Value, console: Console) {
    if console.json {
        console.value(event);
        return;
    }
    let kind = event["event"].as_str().unwrap_or_default();
    for line in show::notice(kind, &event["data"], clock::wall()) {
        console.line(line);
    }
}
