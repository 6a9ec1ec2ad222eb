//! `xspd check`: a plug-in for Nagios, Icinga and whoever speaks their manner: one line, values,
//! exit code 0, 1, 2 or 3. It judges the metrics of the running daemon and needs no token.

use std::time::Duration;

use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::Question;
use crate::domain::check::LifetimeLimit;
use crate::domain::check::Range;
use crate::domain::check::Report;
use crate::domain::check::Samples;
use crate::domain::check::State;
use crate::domain::check::questions;
use crate::domain::check::questions::CertLimits;
use crate::domain::check::questions::QueueLimits;
use crate::platform::clock;

/// A monitoring system gives up after 10 s or more; this leaves it our own words.
const PATIENCE: Duration = Duration::from_secs(8);

/// Most bytes of metrics: room for some fifty thousand certificates.
const MOST: u64 = 32 << 20;

/// Checks the daemon for a monitoring system.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Whether alarms stand
    Alarms(Door),
    /// Whether the certificates and trust anchors that the daemon watches last long enough
    Cert(CertArgs),
    /// Whether events get through: CTI sessions, our own event channels, reports of servers
    Events(Door),
    /// Whether the XSPs and the Application Server answer
    Farm(Door),
    /// Whether provisioning gets on
    Queue(QueueArgs),
}

#[derive(Debug, clap::Args)]
struct CertArgs {
    #[command(flatten)]
    door: Door,
    /// Only certificates with this in their name or place
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// Warn when less is left: `30d`, or `25%` of the lifetime [default: 25%, at most 30 days; of a
    /// trust anchor 90 days]
    #[arg(long, value_name = "LIMIT")]
    warning: Option<LifetimeLimit>,
    /// Critical when less is left [default: 10%, at most 7 days; of a trust anchor 30 days]
    #[arg(long, value_name = "LIMIT")]
    critical: Option<LifetimeLimit>,
}

#[derive(Debug, clap::Args)]
struct QueueArgs {
    #[command(flatten)]
    door: Door,
    /// Warn when the number of users that wait for a person is outside
    #[arg(long, value_name = "RANGE", default_value = "0")]
    warning: Range,
    /// Critical when it is outside
    #[arg(long, value_name = "RANGE", default_value = "50")]
    critical: Range,
    /// Warn when a user waits for xspd or Webex for longer, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 6)]
    age_warning: u16,
    /// Critical when for longer, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    age_critical: u16,
}

/// Prints the verdict: exit 0, 1, 2 or 3.
pub fn run(args: Args, console: Console) -> Exit {
    let now = clock::now().wall;
    let now = now
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64());
    let (title, report) = match args.what {
        What::Alarms(door) => ("ALARMS", judged(&door, questions::alarms)),
        What::Cert(args) => {
            let limits = CertLimits {
                warning: args.warning,
                critical: args.critical,
            };
            let judge =
                |samples: &Samples| questions::certificates(samples, &args.name, limits, now);
            ("CERT", judged(&args.door, judge))
        }
        What::Events(door) => ("EVENTS", judged(&door, questions::events)),
        What::Farm(door) => ("FARM", judged(&door, questions::farm)),
        What::Queue(args) => {
            let hours = |hours: u16| Duration::from_secs(u64::from(hours) * 3600);
            let limits = QueueLimits {
                attention: (args.warning, args.critical),
                age: (hours(args.age_warning), hours(args.age_critical)),
            };
            let judge = |samples: &Samples| questions::queue(samples, limits, now);
            ("QUEUE", judged(&args.door, judge))
        }
    };
    if console.json {
        console.document(&document(&report));
    } else {
        console.line(report.text(title));
    }
    match report.state() {
        State::Ok => Exit::Ok,
        State::Warning => Exit::Findings,
        State::Critical => Exit::Critical,
        State::Unknown => Exit::Unknown,
    }
}

fn document(report: &Report) -> serde_json::Value {
    let findings = report.findings();
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| json!({"state": finding.state.word(), "text": finding.text}))
        .collect();
    json!({
        "state": report.state().word(),
        "findings": findings,
        "perfdata": report.perfdata(),
    })
}

/// The verdict on the daemon's metrics. A daemon that is not there is critical, not unknown: that
/// is what the question is for.
fn judged(door: &Door, judge: impl FnOnce(&Samples) -> Report) -> Report {
    let config = match door.config() {
        Ok(config) => config,
        Err(problems) => {
            let first = problems.lines().next().unwrap_or_default();
            return Report::only(State::Unknown, first);
        }
    };
    let address = door.address(&config);
    let question = Question {
        method: "GET",
        target: "/metrics",
        operator: None,
        named: None,
        sent: None,
        patience: PATIENCE,
        most: MOST,
    };
    match question.ask(address) {
        Ok((200, body)) => match Samples::read(&String::from_utf8_lossy(&body)) {
            Ok(samples) => judge(&samples),
            Err(error) => Report::only(State::Unknown, format!("{address}: {error}")),
        },
        Ok((status, _)) => Report::only(
            State::Unknown,
            format!("{address} answered ({status}) without metrics; is it the admin listener?"),
        ),
        Err(error) => Report::only(
            State::Critical,
            format!(
                "the daemon cannot be reached at {address}: {error}; see systemctl status xspd"
            ),
        ),
    }
}
