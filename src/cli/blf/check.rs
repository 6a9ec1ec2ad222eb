//! `xspd blf check USER`: what a watcher needs, read over Xsi-Actions, and what a person must look
//! at. Asks the XSPs of the configuration itself; the daemon need not run.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::blf::facts;
use crate::cli::input;
use crate::config::Config;
use crate::config::DEFAULT_PATH;
use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::RouteKind;
use crate::config::load_with;
use crate::domain::blf::requirements::Check;
use crate::domain::blf::requirements::Verdict;
use crate::domain::blf::requirements::checks;
use crate::domain::blf::requirements::platform::Carrier;
use crate::domain::blf::requirements::platform::Platform;
use crate::outbound::Pools;
use crate::outbound::broadworks::xsi::Account;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::XsiLimits;
use crate::telemetry::Telemetry;

/// Time limit of one request without [blf].
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest password in bytes, and room.
const PASSWORD_BYTES: u64 = 4096;

/// Whom to check, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// User id of the watcher.
    #[arg(value_name = "USER")]
    user: String,
    /// Release of the platform, for the list of patches; without it all lists are printed.
    #[arg(long, value_enum)]
    release: Option<Release>,
    /// The Xsi applications run on ADP, not XSP; matters for release 23.
    #[arg(long, requires = "release")]
    adp: bool,
    /// Ask as the watcher itself, with its password from this file, or `-` for the standard input;
    /// it sees less than the account of [blf.account], which is asked with otherwise.
    #[arg(long, value_name = "FILE")]
    user_auth: Option<PathBuf>,
    /// The main configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Release {
    #[value(name = "22")]
    R22,
    #[value(name = "23")]
    R23,
    #[value(name = "24")]
    R24,
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Config(String),
    #[error(
        "there is no account to ask with: set [blf.account], or give --user-auth with the \
         watcher's own password"
    )]
    NoAccount,
    #[error("no pool is known to ask: name one in [blf], or add a [[pool]]")]
    NoPool,
    #[error("the password cannot be read from {}: {error}", .path.display())]
    Password {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the check cannot start: {0}")]
    Start(std::io::Error),
    #[error("{0}")]
    Xsi(XsiFailure),
}

impl Failure {
    const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::NoAccount | Self::NoPool => Exit::Config,
            Self::Password { .. } => Exit::NoInput,
            Self::Start(_) => Exit::Io,
            Self::Xsi(failure) => match failure.status() {
                Some(401 | 403) => Exit::NoPermission,
                Some(_) | None => Exit::Unavailable,
            },
        }
    }
}

/// Checks: exit 0 when nothing failed, 1 when something did.
pub fn run(args: &Args, console: Console) -> Exit {
    let platform = args.release.map(|release| platform(release, args.adp));
    match gather(args) {
        Ok(facts) => {
            let checks = checks(&facts, platform);
            if console.json {
                console.document(&document(&args.user, &checks));
            } else {
                for line in report(&args.user, &checks) {
                    console.line(line);
                }
            }
            if checks.iter().any(|check| check.verdict == Verdict::Failed) {
                Exit::Findings
            } else {
                Exit::Ok
            }
        }
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn platform(release: Release, adp: bool) -> Platform {
    use crate::domain::blf::requirements::platform::Release as Of;
    let (release, carrier) = match (release, adp) {
        (Release::R22, _) => (Of::R22, Carrier::Xsp),
        (Release::R23, false) => (Of::R23, Carrier::Xsp),
        (Release::R23, true) => (Of::R23, Carrier::Adp),
        (Release::R24, _) => (Of::R24, Carrier::Adp),
    };
    Platform { release, carrier }
}

fn gather(args: &Args) -> Result<crate::domain::blf::requirements::Facts, Failure> {
    let texts = |problems: Vec<String>| Failure::Config(problems.join("\n"));
    let loaded = load_with(&args.config, &Environment::process(), NamedFiles::Skip);
    let loaded = loaded.map_err(|found| texts(found.iter().map(ToString::to_string).collect()))?;
    let config = loaded.config;
    let account = account(args, &config)?;
    let runtime = crate::cli::runtime().map_err(Failure::Start)?;
    runtime.block_on(async {
        let pools = Pools::build(&config, &Telemetry::new().upstream);
        let pools =
            pools.map_err(|found| texts(found.iter().map(ToString::to_string).collect()))?;
        let pool = pool_name(&config).and_then(|name| pools.get(name));
        let pool = pool.ok_or(Failure::NoPool)?;
        let call = config
            .blf
            .as_ref()
            .map_or(PATIENCE, |blf| blf.channel.timeout);
        let limits = XsiLimits {
            call,
            stream_idle: call,
        };
        let client = XsiClient::new(Arc::clone(pool), Arc::new(account), limits);
        facts::gather(&client, &args.user)
            .await
            .map_err(Failure::Xsi)
    })
}

fn account(args: &Args, config: &Config) -> Result<Account, Failure> {
    let broken =
        |error: crate::outbound::broadworks::xsi::AccountError| Failure::Config(error.to_string());
    if let Some(path) = &args.user_auth {
        let password = password(path).map_err(|error| Failure::Password {
            path: path.clone(),
            error,
        })?;
        return Account::new(&args.user, &password).map_err(broken);
    }
    let account = config.blf.as_ref().and_then(|blf| blf.account.as_ref());
    let account = account.ok_or(Failure::NoAccount)?;
    Account::read(&account.user_id, &account.password).map_err(broken)
}

fn password(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    input::read(path, PASSWORD_BYTES).map(Zeroizing::new)
}

/// The pool of [blf], else the one of Xsi-Actions.
fn pool_name(config: &Config) -> Option<&str> {
    let route = || {
        let mut routes = config.routes.values();
        routes.find(|route| route.kind == RouteKind::XsiActions)
    };
    match &config.blf {
        Some(blf) => Some(&blf.pool),
        None => route().map(|route| route.pool.as_str()),
    }
}

fn report(user: &str, checks: &[Check]) -> Vec<String> {
    let mut lines = vec![format!("Busy lamps of {user}:")];
    for (place, check) in checks.iter().enumerate() {
        lines.push(format!(
            "{:>2}. {:<8} {} {}",
            place + 1,
            check.verdict.as_str(),
            check.question,
            check.found
        ));
        lines.extend(check.items.iter().map(|item| format!("      [ ] {item}")));
        if let Some(remedy) = &check.remedy {
            lines.push(format!("      -> {remedy}"));
        }
    }
    let count = |verdict| {
        let mut of = checks.iter();
        let of = of.by_ref().filter(|check| check.verdict == verdict);
        of.count()
    };
    lines.push(format!(
        "{} ok, {} warnings, {} failed, {} to look at by hand.",
        count(Verdict::Ok),
        count(Verdict::Warning),
        count(Verdict::Failed),
        count(Verdict::ByHand)
    ));
    lines
}

fn document(user: &str, checks: &[Check]) -> Value {
    let list: Vec<Value> = checks
        .iter()
        .enumerate()
        .map(|(place, check)| {
            json!({
                "number": place + 1,
                "id": check.id,
                "question": check.question,
                "verdict": check.verdict.as_str(),
                "found": check.found,
                "remedy": check.remedy,
                "items": check.items,
            })
        })
        .collect();
    json!({ "user": user, "checks": list })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: Verdict, remedy: Option<&str>) -> Check {
        Check {
            id: "list-uri",
            question: "Is it set?",
            verdict,
            found: "not set".to_owned(),
            remedy: remedy.map(str::to_owned),
            items: vec!["AP.x".to_owned()],
        }
    }

    #[test]
    fn a_report_numbers_its_checks_and_names_the_remedy() {
        let checks = [
            check(Verdict::Ok, None),
            check(Verdict::Failed, Some("set it")),
        ];
        let lines = report("alice@x", &checks);
        assert_eq!(lines[1], " 1. ok       Is it set? not set");
        assert_eq!(lines[3], " 2. failed   Is it set? not set");
        assert_eq!(lines[4..6], ["      [ ] AP.x", "      -> set it"]);
        assert_eq!(
            lines[6],
            "1 ok, 0 warnings, 1 failed, 0 to look at by hand."
        );
        let document = document("alice@x", &checks);
        assert_eq!(document["checks"][1]["number"], 2);
        assert_eq!(document["checks"][1]["verdict"], "failed");
        assert_eq!(document["checks"][0]["remedy"], Value::Null);
    }

    #[test]
    fn the_release_says_which_carrier_there_is() {
        assert_eq!(platform(Release::R22, true).as_str(), "R22");
        assert_eq!(platform(Release::R23, false).as_str(), "R23 with XSP");
        assert_eq!(platform(Release::R23, true).as_str(), "R23 with ADP");
        assert_eq!(platform(Release::R24, false).as_str(), "R24");
    }
}
