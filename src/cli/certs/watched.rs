//! What is watched, from the daemon or looked up here: the same judgement in both.

use std::io;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use crate::cli;
use crate::cli::Exit;
use crate::cli::admin;
use crate::cli::admin::Door;
use crate::cli::admin::NotSeen;
use crate::config::Certificate;
use crate::config::CertificateRole;
use crate::config::Config;
use crate::config::from_text;
use crate::domain::alarms::Severity;
use crate::domain::certs::document;
use crate::domain::certs::watchlist::Action;
use crate::domain::certs::watchlist::Board;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Watchlist;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::workers::cert_watch;
use crate::workers::cert_watch::Glances;
use crate::workers::cert_watch::rounds;
use crate::workers::cert_watch::scan;

/// Most bytes of a list: some ten thousand certificates with their chains.
const MOST: u64 = 64 << 20;

/// What is said before the first look.
const BLIND: &str = "The daemon has not looked at anything yet.";

/// A configuration with nothing in it but defaults, for files that are looked at alone.
const PLAIN: &str = r#"
[[pool]]
name = "xsp"
upstream = [{ name = "none", url = "http://127.0.0.1:9" }]
[[listener]]
name = "none"
addresses = ["127.0.0.1:0"]
plaintext = true
[[listener.host]]
names = ["*"]
"#;

/// What to look at.
#[derive(Debug, clap::Args)]
pub(super) struct Scope {
    #[command(flatten)]
    door: Door,
    /// Look at this file or pattern instead of what the configuration names; several are fine
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the files of --file are used as
    #[arg(long, value_enum, default_value = "server", requires = "files")]
    role: Role,
    /// Look for yourself even when the daemon runs
    #[arg(long)]
    offline: bool,
    /// Without the daemon: ask peers and listeners with a handshake, too
    #[arg(long)]
    probe: bool,
    /// Colours in tables
    #[arg(long, value_enum, default_value = "auto")]
    color: Color,
}

/// What a certificate is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// It issues others
    Ca,
    /// It is shown to servers
    Client,
    /// It is shown to clients
    Server,
    /// Others are believed by it
    TrustAnchor,
}

/// Whether tables have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    /// On a terminal
    Auto,
    Always,
    Never,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Failure {
    #[error("{0}")]
    Config(String),
    #[error("{0} --offline looks without it.")]
    NotSeen(NotSeen),
    #[error("there is no region {asked:?} in [maintenance]; there are: {known}")]
    NoRegion { asked: String, known: String },
    #[error("nothing of the name {0:?} is watched; `xspd certs list` has all names")]
    Unknown(String),
    #[error("handshakes need a runtime, which could not be started: {0}")]
    Runtime(io::Error),
}

impl Failure {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::NotSeen(error) => error.exit(),
            Self::NoRegion { .. } => Exit::Usage,
            Self::Unknown(_) => Exit::NoInput,
            Self::Runtime(_) => Exit::Io,
        }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// As [`document::board`] writes it.
    pub(super) document: Value,
    /// The rules by which it was looked at.
    pub(super) config: Config,
    /// Something to say about how it was looked at.
    pub(super) remark: Option<String>,
}

impl Found {
    /// The objects.
    pub(super) fn certificates(&self) -> &[Value] {
        let all = self.document.get("certificates");
        let all = all.and_then(Value::as_array);
        all.map(Vec::as_slice).unwrap_or_default()
    }

    /// How a verb ends by what it showed. Before the first look nobody knows anything.
    pub(super) fn exit(&self, shown: &[&Value]) -> Exit {
        match exit(shown) {
            Exit::Ok if is_blind(&self.document) => Exit::Findings,
            exit => exit,
        }
    }

    /// One of them, by its own name or by that of the place that it is.
    pub(super) fn find(&self, name: &str) -> Result<&Value, Failure> {
        let called = |name: &str| {
            let mut all = self.certificates().iter();
            all.find(|held| held["name"] == name)
        };
        let object = || cert_watch::object_of(&self.config, name);
        let found = called(name).or_else(|| called(&object()?));
        found.ok_or_else(|| Failure::Unknown(name.to_owned()))
    }
}

/// How a verb ends by the worst of what it showed. What nobody has seen yet may be as bad as it
/// likes.
pub(super) fn exit(all: &[&Value]) -> Exit {
    let worst = all.iter().filter_map(|held| severity(held)).max();
    match worst.map(Severity::nagios) {
        None | Some(0) if all.iter().any(|held| is_unseen(held)) => Exit::Findings,
        None | Some(0) => Exit::Ok,
        Some(1) => Exit::Findings,
        Some(_) => Exit::Critical,
    }
}

/// The severity of an object.
pub(super) fn severity(certificate: &Value) -> Option<Severity> {
    certificate["severity"]
        .as_str()
        .and_then(Severity::from_word)
}

/// Whether nothing of an object was seen yet.
pub(super) fn is_unseen(certificate: &Value) -> bool {
    certificate["unseen"] == true
}

/// Why that is so: of each place that cannot be read.
pub(super) fn faults(certificate: &Value) -> String {
    let places = certificate["places"].as_array().into_iter().flatten();
    let faults = places.filter_map(|place| {
        let (kind, name) = (place["kind"].as_str()?, place["name"].as_str()?);
        Some(format!("{kind} {name}: {}", place["detail"].as_str()?))
    });
    faults.collect::<Vec<_>>().join("; ")
}

impl Scope {
    /// Asks the daemon, or looks.
    pub(super) fn look(&self, now: SystemTime) -> Result<Found, Failure> {
        if !self.files.is_empty() {
            let config = self.plain()?;
            let document = self.look_here(&config, now)?;
            return Ok(Found {
                document,
                config,
                remark: None,
            });
        }
        let config = self.door.config().map_err(Failure::Config)?;
        let mut remark = None;
        if !self.offline {
            let (target, what) = ("/certs/v1/certificates", "list of certificates");
            let why = match admin::look(&self.door, &config, target, what, MOST) {
                Ok(document) => {
                    let blind = is_blind(&document);
                    let remark = blind.then(|| BLIND.to_owned());
                    return Ok(Found {
                        document,
                        config,
                        remark,
                    });
                }
                Err(NotSeen::Unreachable { error, .. }) => {
                    format!("The daemon does not answer ({error})")
                }
                Err(NotSeen::Token(error)) => format!("The daemon was not asked ({error})"),
                Err(error @ (NotSeen::Refused | NotSeen::Strange { .. })) => {
                    return Err(Failure::NotSeen(error));
                }
            };
            remark = Some(format!(
                "{why}, so this was looked up here: what it serves is not known."
            ));
        }
        let document = self.look_here(&config, now)?;
        Ok(Found {
            document,
            config,
            remark,
        })
    }

    /// Defaults and the files of the command line.
    fn plain(&self) -> Result<Config, Failure> {
        let mut config = from_text(PLAIN).map_err(|problems| {
            let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Failure::Config(texts.join("\n"))
        })?;
        let role = match self.role {
            Role::Ca => CertificateRole::Ca,
            Role::Client => CertificateRole::Client,
            Role::Server => CertificateRole::Server,
            Role::TrustAnchor => CertificateRole::TrustAnchor,
        };
        config.watched_certificates = self
            .files
            .iter()
            .map(|path| Certificate {
                name: path.display().to_string(),
                role,
                managed: false,
                public: false,
                files: vec![path.clone()],
                password: None,
                probe: Vec::new(),
                server_name: None,
                hosts: Vec::new(),
                not_before: None,
                not_after: None,
                owner: None,
                notes: None,
                runbook_url: None,
                region: None,
                bands: None,
            })
            .collect();
        Ok(config)
    }

    /// What the daemon would say, without it.
    fn look_here(&self, config: &Config, now: SystemTime) -> Result<Value, Failure> {
        let mut scans = vec![scan::files(config, &[], &mut scan::Cache::default(), now)];
        if self.probe {
            let runtime = cli::runtime().map_err(Failure::Runtime)?;
            let listeners = config.listeners.iter().flat_map(|listener| {
                let addresses = listener.addresses.iter();
                addresses.map(|address| (listener.name.clone(), *address))
            });
            let addresses: Vec<_> = listeners.collect();
            let leaves = scans.first().map(rounds::leaves).unwrap_or_default();
            let ours = rounds::Ours {
                addresses: &addresses,
                leaves: &leaves,
                glances: &Glances::default(),
            };
            scans.push(runtime.block_on(rounds::probes(config, ours, now)));
        }
        let board = judge(config, scans, now);
        Ok(document::board(&board, now))
    }

    /// Lines of a table with their colours: the first is the head, then one for each severity.
    pub(super) fn colored(
        &self,
        lines: Vec<String>,
        severities: &[Option<Severity>],
    ) -> Vec<String> {
        let colors = match self.color {
            Color::Auto => io::stdout().is_terminal(),
            Color::Always => true,
            Color::Never => false,
        };
        if !colors {
            return lines;
        }
        let codes = std::iter::once("1").chain(severities.iter().map(|severity| match severity {
            None => "32",
            Some(Severity::Informational) => "36",
            Some(Severity::Low | Severity::Medium) => "33",
            Some(Severity::High) => "31",
            Some(Severity::Critical) => "1;31",
        }));
        let colored = lines.into_iter().zip(codes);
        colored
            .map(|(line, code)| format!("\u{1b}[{code}m{line}\u{1b}[0m"))
            .collect()
    }
}

/// Whether the daemon has not looked yet.
fn is_blind(document: &Value) -> bool {
    document.get("at").is_none_or(Value::is_null)
}

/// What scans come to at one moment, with no patience: a place that cannot be read is lost at once.
fn judge(config: &Config, scans: Vec<Scan>, now: SystemTime) -> Arc<Board> {
    let mut rules = cert_watch::rules(config);
    rules.lost_after = 1;
    rules.deploy_grace = std::time::Duration::ZERO;
    rules.nodes_grace = std::time::Duration::ZERO;
    let mut at = clock::now();
    at.wall = now;
    let mut watchlist = Watchlist::new(rules, at);
    let mut last = Arc::default();
    for scan in scans {
        watchlist.handle(Input::Scanned(scan), at);
        while let Some(action) = watchlist.poll_action() {
            match action {
                Action::Observe(_) => {}
                Action::Publish(board) => last = board,
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_once_without_a_daemon_is_not_told_of_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let scope = Scope {
            door: Door::at(None, None),
            files: vec![folder.path().join("nosuch.pem")],
            role: Role::Server,
            offline: false,
            probe: false,
            color: Color::Never,
        };
        let found = scope.look(clock::wall()).unwrap();
        let text = found.document.to_string();
        assert!(text.contains("it is not there"), "{text}");
        assert!(!text.contains("daemon"), "{text}");
    }
}
