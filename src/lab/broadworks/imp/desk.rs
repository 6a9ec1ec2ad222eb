//! Who makes the calls, one at a time for each user, and what is known of them.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Messaging;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::error::LabError;
use crate::lab::broadworks::imp::Failure;
use crate::lab::broadworks::imp::Order;
use crate::lab::broadworks::imp::Settings;
use crate::lab::broadworks::imp::call;
use crate::lab::broadworks::imp::form;

/// Locks that users share by chance: changes of one user follow one another.
const LOCKS: usize = 64;

/// The calls to messaging servers.
pub(in crate::lab::broadworks) struct Desk {
    settings: Mutex<Settings>,
    tls: OnceLock<Arc<ClientConfig>>,
    users: [tokio::sync::Mutex<()>; LOCKS],
    calls: Mutex<Counts>,
}

/// Calls since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::lab::broadworks) struct Counts {
    pub(in crate::lab::broadworks) done: u64,
    pub(in crate::lab::broadworks) refused: u64,
    pub(in crate::lab::broadworks) unreachable: u64,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            settings: Mutex::default(),
            tls: OnceLock::new(),
            users: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            calls: Mutex::default(),
        }
    }
}

impl Desk {
    /// How calls are written.
    pub(in crate::lab::broadworks) fn settings(&self) -> Settings {
        hold(&self.settings).clone()
    }

    /// Writes them otherwise from now on.
    pub(in crate::lab::broadworks) fn set(&self, settings: Settings) {
        *hold(&self.settings) = settings;
    }

    /// Calls since the start.
    pub(in crate::lab::broadworks) fn counts(&self) -> Counts {
        *hold(&self.calls)
    }

    /// Waits until nobody else changes the user.
    pub(in crate::lab::broadworks) async fn turn(
        &self,
        user: &str,
    ) -> tokio::sync::MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        user.to_lowercase().hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or(0);
        #[expect(
            clippy::indexing_slicing,
            reason = "the place is below the number of locks"
        )]
        self.users[place].lock().await
    }

    /// Tells a messaging server.
    pub(in crate::lab::broadworks) async fn tell(
        &self,
        server: &Messaging,
        order: &Order,
    ) -> Result<(), Failure> {
        let settings = self.settings();
        self.call(server, &form::write(order, &settings), &settings)
            .await
    }

    /// Asks for a guest, as the old client does.
    async fn guest(&self, server: &Messaging) -> Result<(), Failure> {
        let settings = self.settings();
        self.call(server, &form::guest(&settings), &settings).await
    }

    async fn call(
        &self,
        server: &Messaging,
        written: &form::Written,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let outcome = call::call(server, written, settings, self.tls.get()).await;
        let mut counts = hold(&self.calls);
        match &outcome {
            Ok(()) => counts.done += 1,
            Err(Failure::Refused(_)) => counts.refused += 1,
            Err(Failure::Unreachable(_)) => counts.unreachable += 1,
        }
        outcome
    }
}

impl BroadWorks {
    /// Believes messaging servers whose certificates end at these roots. The first call counts.
    ///
    /// # Errors
    /// The file cannot be read or used.
    pub fn trust_messaging(&self, ca: &Path) -> Result<(), LabError> {
        let unusable = |why: String| LabError::Trust {
            path: ca.to_owned(),
            why,
        };
        let mut roots = RootCertStore::empty();
        let found =
            CertificateDer::pem_file_iter(ca).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for root in found.map_err(|error| unusable(error.to_string()))? {
            roots
                .add(root)
                .map_err(|error| unusable(error.to_string()))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        self.imp.tls.get_or_init(|| Arc::new(config));
        Ok(())
    }

    /// Asks a user's messaging server for a guest, as the client for guests does: it calls the same
    /// URL. `None` when the user is not known or has no messaging server.
    pub async fn ask_for_guest(&self, user: &str) -> Option<Result<(), String>> {
        let directory = self.store.read();
        let server = directory.messaging_of(directory.user(user)?)?;
        let asked = self.imp.guest(server).await;
        Some(asked.map_err(|failure| match failure {
            Failure::Refused(text) | Failure::Unreachable(text) => text,
        }))
    }

    /// Whether a user has Integrated IM&P; `None` when nobody has this id.
    #[must_use]
    pub fn has_imp(&self, user: &str) -> Option<bool> {
        self.store.read().user(user).map(User::has_imp)
    }

    /// Tells a user's messaging server once more how the user looks, as the Application Server does
    /// when something about the user changes. `None` when there is nobody to tell, or nothing.
    pub async fn repeat_imp(&self, user: &str) -> Option<Result<(), String>> {
        // As with a change: nobody else changes the user meanwhile.
        let _turn = self.imp.turn(user).await;
        let directory = self.store.read();
        let held = directory.user(user).filter(|user| user.has_imp())?;
        let server = directory.messaging_of(held)?;
        let order = Order::Present(Box::new(held.clone()));
        let told = self.imp.tell(server, &order).await;
        Some(told.map_err(|failure| match failure {
            Failure::Refused(text) | Failure::Unreachable(text) => text,
        }))
    }

    /// Writes calls to messaging servers otherwise from now on.
    pub fn write_imp_calls(&self, settings: Settings) {
        self.imp.set(settings);
    }
}

fn hold<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
