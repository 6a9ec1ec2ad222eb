//! A BroadWorks: its directory, kept across restarts, and the interfaces that an XSP shows of it.

pub mod calls;
mod control;
pub mod cti;
pub mod directory;
mod error;
pub mod events;
pub mod imp;
pub mod ocip;
pub mod ocir;
mod password;
mod seed;
mod store;
mod tokens;
pub mod xsi;
pub mod xsp;

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::lab::broadworks::calls::CallDesk;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::events::EventDesk;
use crate::lab::broadworks::ocip::Ocip;
use crate::lab::broadworks::password::Passwords;
use crate::lab::broadworks::store::Store;
use crate::lab::broadworks::tokens::LoginTokens;
use crate::lab::broadworks::xsp::Xsp;
use crate::lab::broadworks::xsp::Xsps;
use crate::platform::tasks::Tasks;

pub use error::LabError;
pub use seed::Prospect;

/// Domain added to a user id that has none.
pub const DEFAULT_DOMAIN: &str = "as.example.net";

/// Passwords hashed at once, each 8 MiB and one core.
const HASHES: usize = 2;

/// The lab's BroadWorks.
pub struct BroadWorks {
    store: Store,
    passwords: Passwords,
    tokens: LoginTokens,
    calls: CallDesk,
    events: Arc<EventDesk>,
    xsps: Xsps,
    /// Hashes at once: strangers with wrong passwords must not take memory and cores.
    hashing: Semaphore,
    ocip: Ocip,
    /// Calls to messaging servers.
    imp: imp::Desk,
    /// Reports of changes.
    ocir: ocir::Desk,
}

impl BroadWorks {
    /// Loads the directory from `broadworks.json` in the state directory, or seeds it there when
    /// the file is absent or `fresh` is asked for.
    ///
    /// # Errors
    /// The state directory or file cannot be read or written, or the file is not ours.
    pub fn open(state_dir: &Path, fresh: bool) -> Result<Arc<Self>, LabError> {
        let passwords = Passwords::new()?;
        let store = Store::open(state_dir, fresh, || seed::directory(&passwords))?;
        store.update(|directory| seed::provisioning(directory, &passwords))?;
        let events = Arc::new(EventDesk::new()?);
        let told = Arc::clone(&events);
        store.observe(move |before, after| told.directory_changed(before, after));
        Ok(Arc::new(Self {
            calls: CallDesk::new(store.read(), Arc::clone(&events)),
            events,
            xsps: Xsps::default(),
            store,
            passwords,
            tokens: LoginTokens::default(),
            hashing: Semaphore::new(HASHES),
            ocip: Ocip::default(),
            imp: imp::Desk::default(),
            ocir: ocir::Desk::default(),
        }))
    }

    /// Serves the Xsi contexts of the first XSP on a listener until `stop` fires, and runs the
    /// timers of calls and events. Connections are tasks of their own and end by themselves after
    /// the stop.
    pub async fn serve_xsi(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        let timers = calls::run_timers(Arc::clone(&self), stop.clone(), tasks.clone());
        tasks.worker("lab-call-timers", timers);
        let timers = events::run(Arc::clone(&self.events), stop.clone(), tasks.clone());
        tasks.worker("lab-event-timers", timers);
        xsi::serve(self, Xsp::First, listener, stop, tasks).await;
    }

    /// Serves the second XSP, another door to the same BroadWorks. The first one must be served
    /// too.
    pub async fn serve_second_xsi(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        xsi::serve(self, Xsp::Second, listener, stop, tasks).await;
    }

    /// Serves the control endpoint, which no BroadWorks has: faults and shorter times on request.
    pub async fn serve_control(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        control::serve(self, listener, stop, tasks).await;
    }

    /// Serves OCI-P on a listener until `stop` fires, over TLS when there is a configuration for
    /// it. Connections are tasks of their own and end with the stop.
    pub async fn serve_ocip(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        ocip::serve(self, listener, tls, stop, tasks).await;
    }

    /// Who can log in, in the order of their user ids.
    #[must_use]
    pub fn users(&self) -> Vec<SeedUser> {
        let directory = self.store.read();
        directory
            .users
            .values()
            .map(|user| SeedUser {
                user_id: user.id.clone(),
                password: (!user.password_changed).then(|| seed::PASSWORD.to_owned()),
                alternate_id: user.alternate_ids.first().cloned(),
                service_provider: user.service_provider.clone(),
                group: user.group.clone(),
                extension: user.extension.clone(),
                number: user.number.clone(),
            })
            .collect()
    }

    /// The administrator, who may read and change every user.
    #[must_use]
    pub fn administrator(&self) -> SeedAdministrator {
        SeedAdministrator {
            id: self.store.read().administrator.id.clone(),
            password: seed::ADMINISTRATOR_PASSWORD.to_owned(),
        }
    }

    /// Has the users of a prospect provisioned at a messaging server, whatever was set before; and
    /// the system show administrators what messaging servers say. Blocks on the disk.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn point_messaging(
        &self,
        prospect: Prospect,
        url: &str,
        account: &str,
        password: &str,
    ) -> Result<(), LabError> {
        self.store.update(|directory| {
            directory.provisioning.propagate_errors = true;
            directory.provisioning.synchronize = true;
            if let Some(provider) = directory.providers.get_mut(prospect.enterprise()) {
                provider.messaging = directory::Messaging {
                    own: true,
                    url: Some(url.to_owned()),
                    account: Some(account.to_owned()),
                    password: Some(password.to_owned()),
                };
            }
            Ok(())
        })
    }

    /// The directory as it is now.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.store.read()
    }
}

/// A user as the lab shows it to people who develop against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedUser {
    /// User id with domain.
    pub user_id: String,
    /// The seeded portal password; `None` once somebody changed it.
    pub password: Option<String>,
    /// First alternate id.
    pub alternate_id: Option<String>,
    /// Service provider or enterprise.
    pub service_provider: String,
    /// Group.
    pub group: String,
    /// Extension.
    pub extension: Option<String>,
    /// Directory number, as `+1-2405550101`.
    pub number: Option<String>,
}

/// The administrator as the lab shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedAdministrator {
    /// Administrator id.
    pub id: String,
    /// Its password.
    pub password: String,
}
