//! Alarms, wired: the desk on the store of the node, its sinks, and what it goes by.

use std::path::Path;
use std::sync::Arc;

use crate::app::AppError;
use crate::config;
use crate::config::Config;
use crate::config::DEFAULT_PATH;
use crate::config::Environment;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Policy;
use crate::domain::alarms::QuietHours;
use crate::domain::shell::Ending;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::SinkBuilder;
use crate::platform::tasks::Tasks;
use crate::store::Sqlite;
use crate::store::StoreError;
use crate::store::alarms::AlarmStore;
use crate::telemetry::Telemetry;
use crate::telemetry::edge::EdgeMetrics;
use crate::workers::alarm_desk::AlarmDesk;
use crate::workers::alarm_desk::Parts;

/// Where Linux keeps the name of the host.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Alarms kept at most: more are a flood of one cause, and the desk says so.
const BOUND: usize = 10_000;

/// What runs for alarms from the start to the end.
pub struct Alarms {
    /// The desk.
    pub desk: AlarmDesk,
    builder: SinkBuilder,
    ending: Ending,
    tasks: Tasks,
}

/// Sinks that are proven and not in force yet.
pub struct PreparedSinks(Vec<Arc<dyn AlertSink>>);

impl Alarms {
    /// Starts the desk of a configuration and the path it was read from. Where there is no database it goes on in memory, and says so. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// Every sink that cannot be built.
    pub fn start(
        (path, config): (&Path, &Config),
        database: &Result<Sqlite, StoreError>,
        tasks: &Tasks,
        telemetry: &Telemetry,
    ) -> Result<Self, Vec<AppError>> {
        let builder = SinkBuilder::new(Environment::process(), &config.state_dir);
        let PreparedSinks(sinks) = prepare(&builder, config)?;
        let store = match database {
            Ok(database) => AlarmStore::on(Arc::new(database.alarms())),
            Err(error) => {
                telemetry.alarms.in_memory(error);
                AlarmStore::in_memory()
            }
        };
        let ending = ending(path);
        let parts = Parts {
            store,
            policy: policy(&config.alarms, ending.clone()),
            history: config.alarms.history,
            sinks,
            minute: QuietHours::minute,
            metrics: Arc::clone(&telemetry.alarms),
        };
        Ok(Self {
            desk: AlarmDesk::start(parts, tasks),
            builder,
            ending,
            tasks: tasks.clone(),
        })
    }

    /// The sinks of a configuration, without an effect on what runs. Blocks on the disk.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn prepare(&self, config: &Config) -> Result<PreparedSinks, Vec<AppError>> {
        prepare(&self.builder, config)
    }

    /// Takes effect.
    pub fn publish(&self, config: &Config, sinks: PreparedSinks) {
        let desk = self.desk.clone();
        let policy = policy(&config.alarms, self.ending.clone());
        let history = config.alarms.history;
        let PreparedSinks(sinks) = sinks;
        let adopt = async move { desk.adopt(policy, history, sinks).await };
        self.tasks.worker("alarm-settings", adopt);
    }

    /// Reads the secrets and files of the sinks again; after a problem all stay as they are.
    pub fn renew(&self, config: &Config, metrics: &EdgeMetrics) -> bool {
        match self.prepare(config) {
            Ok(sinks) => {
                self.publish(config, sinks);
                true
            }
            Err(problems) => {
                for problem in &problems {
                    metrics.material_rejected(problem);
                }
                false
            }
        }
    }

    /// Says whether a configuration that was read anew holds now; `problems` are those that forbid
    /// it.
    pub fn configured<P: std::fmt::Display>(&self, problems: &[P]) {
        self.reloaded("configuration", problems);
    }

    /// Says whether all files that were read anew are used now.
    pub fn files_read(&self, all_good: bool) {
        let rejected = ["see the log for the files and the reasons"];
        let rejected = if all_good { &[][..] } else { &rejected[..] };
        self.reloaded("certificate or trust file", rejected);
    }

    fn reloaded<P: std::fmt::Display>(&self, what: &str, problems: &[P]) {
        let name = AlarmName::ConfigReloadFailed;
        self.desk.observe(match problems {
            [] => Observation::absent(name, what),
            [first, rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!(" (and {more} more, see the log)"),
                };
                let text =
                    format!("A changed {what} was refused, the old one holds: {first}{more}");
                Observation::present(name, what, text)
            }
        });
    }
}

fn prepare(builder: &SinkBuilder, config: &Config) -> Result<PreparedSinks, Vec<AppError>> {
    let told = |found: Vec<_>| found.into_iter().map(AppError::from).collect();
    builder.build(config).map(PreparedSinks).map_err(told)
}

/// What a start would find wrong about the sinks; nothing is written or sent.
pub fn prove(config: &Config) -> impl Iterator<Item = AppError> {
    let found = SinkBuilder::prove(Environment::process(), config);
    found.into_iter().map(AppError::from)
}

fn policy(alarms: &config::Alarms, ending: Ending) -> Policy {
    let overrides = alarms.overrides.iter();
    Policy {
        system: alarms.system_name.clone().unwrap_or_else(host_name),
        ending,
        hold_down: alarms.hold_down,
        hold_time: alarms.hold_time,
        critical_at_once: alarms.critical_at_once,
        remind_every: alarms.remind_every,
        bound: BOUND,
        overrides: overrides
            .map(|held| (held.name, held.rules.clone()))
            .collect(),
    }
}

/// What lines to paste end with. What cannot be written in one is left out: a line that is wrong is
/// worse than one that lacks something.
fn ending(path: &Path) -> Ending {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match path.to_str() {
        Some(DEFAULT_PATH) | None => Ending::default(),
        Some(path) if path.contains(char::is_control) => Ending::default(),
        Some(path) => Ending::config(path),
    }
}

/// As the host calls itself; blocks for no time, as it is no file on a disk.
fn host_name() -> String {
    let name = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "xspd".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_configuration_that_verbs_do_not_find_by_themselves_is_named() {
        let line = |path: &str| ending(Path::new(path)).line("xspd alarms list");
        assert_eq!(line(DEFAULT_PATH), "xspd alarms list");
        assert_eq!(
            line("/srv/lab/xspd.toml"),
            "xspd alarms list --config /srv/lab/xspd.toml"
        );
        // Pasted in another directory it must be the same file.
        let here = std::path::absolute("xspd.toml").unwrap();
        assert!(line("xspd.toml").contains(here.to_str().unwrap()));
        assert_eq!(line("/srv/a\nb.toml"), "xspd alarms list");
    }
}
