//! What `xspd lab` sets up before the daemon starts in front of it, in the order a person would:
//! a directory, certificates, a BroadWorks, a Webex, a configuration.
//!
//! The daemon itself is started by `cli::lab`, from the file written here and from nothing else:
//! it cannot know that it stands in a lab.

mod description;
mod edge;
mod examples;
mod lamps;
mod ports;
mod provisioning;
mod secrets;
mod state;
mod world;

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

pub use description::Administrator;
pub use description::Description;
pub use description::User;
pub use examples::Example;
pub use ports::Ports;
pub use ports::UnknownPorts;

use crate::lab::broadworks::LabError;
use crate::lab::broadworks::cti::CtiError;
use crate::lab::pki::Pki;
use crate::lab::pki::PkiError;
use crate::lab::webex::WebexError;
use crate::platform::files;
use crate::platform::tasks::Tasks;
use ports::Addresses;
use ports::Reserved;
use secrets::Secrets;
use state::StateDir;
use world::Listeners;
use world::World;

/// What the operator asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything of this lab lies.
    pub state_dir: PathBuf,
    /// Which ports its endpoints get.
    pub ports: Ports,
    /// Forget what an earlier run left.
    pub fresh: bool,
    /// How long the server certificates last; `None`: a year.
    pub server_life: Option<Duration>,
}

/// Why there is no lab. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The stand-in for BroadWorks did not start.
    #[error(
        "the lab BroadWorks did not start: {error}{}",
        error.source().map_or_else(String::new, |source| format!(": {source}"))
    )]
    BroadWorks {
        /// What it said.
        #[from]
        error: LabError,
    },
    /// The stand-in for the CTI interface of an XSP did not start.
    #[error("the lab's CTI interface did not start: {error}")]
    Cti {
        /// What it said.
        #[from]
        error: CtiError,
    },
    /// A file or directory could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another lab runs in the directory.
    #[error(
        "{} is in use by another lab{}; stop that one, or choose another directory with --state-dir",
        path.display(),
        process.map_or_else(String::new, |id| format!(" (process {id})"))
    )]
    InUse {
        /// The state directory.
        path: PathBuf,
        /// The other lab, when it could be read.
        process: Option<u32>,
    },
    /// The directory holds something else.
    #[error(
        "{} is not empty and was not made by `xspd lab`; choose another directory with --state-dir",
        path.display()
    )]
    NotOurs {
        /// The state directory.
        path: PathBuf,
    },
    /// A step panicked.
    #[error("a step of the lab panicked; please report this")]
    Panicked,
    /// Certificates could not be made or read.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A port could not be had.
    #[error("port {port} on 127.0.0.1: {source}; choose other ports with --ports")]
    Port {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// A port is in use.
    #[error(
        "port {port} on 127.0.0.1 is in use; stop what uses it (`ss -ltnp 'sport = :{port}'` \
         shows it), or run with `--ports auto`, or with another first port such as `--ports 9440`"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The stand-in for Webex did not start.
    #[error(
        "the lab Webex did not start: {error}{}",
        error.source().map_or_else(String::new, |source| format!(": {source}"))
    )]
    Webex {
        /// What it said.
        #[from]
        error: WebexError,
    },
}

impl ScenarioError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// Everything around the daemon, running, with the daemon's configuration on disk.
#[derive(Debug)]
pub struct Scenario {
    state: StateDir,
    description: Description,
}

impl Scenario {
    /// Sets the scene; `tell` is given one sentence a step. What runs ends with `tasks`.
    ///
    /// # Errors
    /// When the directory is in use or not ours, a port is taken, or a file cannot be written.
    pub async fn open(
        options: &Options,
        tasks: &Tasks,
        now: SystemTime,
        tell: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, ScenarioError> {
        let state = StateDir::claim(&options.state_dir)?;
        tell(&format!("State directory: {}.", state.path().display()));
        // Taken before anything slow, so that a taken port is told at once.
        let Reserved {
            addresses,
            broadworks_xsi,
            broadworks_ocip,
            webex_ci,
            broadworks_xsi_2,
            broadworks_lab,
            broadworks_cti,
            broadworks_ocir,
            webex_api,
            held,
        } = options.ports.reserve()?;

        let (pki, origin) = {
            let (path, fresh) = (state.path().to_owned(), options.fresh);
            let server_life = options.server_life;
            tasks
                .blocking(move || Pki::open(&path, fresh, server_life, now))
                .await
                .ok_or(ScenarioError::Panicked)??
        };
        tell(&origin.to_string());

        let listeners = Listeners {
            xsi: broadworks_xsi,
            ocip: broadworks_ocip,
            webex: webex_ci,
            second_xsi: broadworks_xsi_2,
            control: broadworks_lab,
            cti: broadworks_cti,
            ocir: broadworks_ocir,
            webex_api,
        };
        let fresh = options.fresh;
        let world = world::start(state.path(), fresh, &pki, &addresses, listeners, tasks).await?;
        tell(&format!(
            "The lab BroadWorks answers Xsi at http://{} and http://{}, and OCI-P at {}; it reports \
             over OCI-R at {}.",
            addresses.broadworks_xsi,
            addresses.broadworks_xsi_2,
            addresses.broadworks_ocip,
            addresses.broadworks_ocir
        ));
        tell(&format!(
            "Its CTI interface is at localhost:{}; the daemon bridges localhost:{} to it.",
            addresses.broadworks_cti.port(),
            addresses.cti.port()
        ));
        tell(&format!(
            "The lab Webex signs users in at https://localhost:{}, and provisions them at \
             https://localhost:{}.",
            addresses.webex_ci.port(),
            addresses.webex_api.port()
        ));

        let config = configure(state.path(), fresh, &pki, &addresses, &world)?;
        tell(&format!(
            "Wrote the daemon's configuration: {}.",
            config.display()
        ));

        drop(held);
        let description = Description::new(&pki, &addresses, world, config);
        Ok(Self { state, description })
    }

    /// The configuration that the daemon is to be started with.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.description.config
    }

    /// The line for a shell that starts the daemon alone.
    #[must_use]
    pub fn daemon_command(&self) -> String {
        examples::daemon(&self.description)
    }

    /// What is where: the content of `lab.json`.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// Requests to try, as command lines that work as printed.
    #[must_use]
    pub fn examples(&self) -> Vec<Example> {
        examples::examples(&self.description)
    }

    /// Writes `lab.json`; call it when the daemon answers. Returns its path.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self) -> Result<PathBuf, ScenarioError> {
        let path = self.state.description_file();
        let text = format!("{:#}\n", self.description.document());
        // It holds the passwords of the lab's users.
        files::write_atomic(&path, text.as_bytes(), files::PRIVATE)
            .map_err(|source| ScenarioError::file(&path, source))?;
        Ok(path)
    }

    /// Takes `lab.json` away, so that nobody calls a lab that is gone. Certificates and the
    /// BroadWorks' data stay for the next run.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn close(self) -> Result<(), ScenarioError> {
        self.state.withdraw_description()
    }
}

/// Writes the daemon's configuration and what it names.
fn configure(
    state_dir: &Path,
    fresh: bool,
    pki: &Pki,
    addresses: &Addresses,
    world: &World,
) -> Result<PathBuf, ScenarioError> {
    let edge_state = state_dir.join("edge");
    if fresh {
        state::remove(&edge_state)?;
    }
    files::create_private_dir(&edge_state)
        .map_err(|source| ScenarioError::file(&edge_state, source))?;
    let secrets = Secrets::below(state_dir);
    secrets.write(state_dir, world)?;
    let config = state_dir.join("xspd.toml");
    let ocip_user = &world.ocip_administrator.user_id;
    let administrator = &world.administrator.user_id;
    let text = edge::configuration(
        &edge_state,
        pki,
        addresses,
        &secrets,
        ocip_user,
        administrator,
    );
    files::write_atomic(&config, text.as_bytes(), files::PUBLIC)
        .map_err(|source| ScenarioError::file(&config, source))?;
    Ok(config)
}

#[cfg(test)]
mod tests;
