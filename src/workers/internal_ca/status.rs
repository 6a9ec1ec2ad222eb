//! What is kept of the internal CA's work below the state directory.
//!
//! ```text
//! internal-ca/PLACE.json    how the renewal of one bridge's certificate stands
//! internal-ca/usage.json    when leaves of each CA were last in use
//! ```

use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::certs::trust_usage::TrustUsage;
use crate::workers::cert_desk::place::Place;
use crate::workers::kept::KeptError;
use crate::workers::kept::KeptFolder;

const USAGE: &str = "usage.json";

/// How the renewal of one certificate stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Status {
    /// The place.
    pub place: String,
    /// Whether the daemon renews it.
    pub managed: bool,
    /// Sets its moment between those of others; made once.
    pub seed: u64,
    /// Times of the tries of the last day, in seconds since 1970.
    pub tries: Vec<i64>,
    /// When it is to be renewed, in seconds since 1970.
    pub due: Option<i64>,
    /// Failures in a row.
    pub failures: u32,
    /// The last thing that went wrong, empty when nothing is.
    pub problem: String,
    /// When it was renewed last, in seconds since 1970.
    pub renewed: Option<i64>,
    /// SHA-256 of the leaf in use when something was tried last.
    pub fingerprint: String,
}

/// The folder below a state directory.
#[derive(Debug, Clone)]
pub struct Records(KeptFolder);

impl Records {
    /// Of a state directory.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self(KeptFolder::new(state, "internal-ca"))
    }

    /// How a place stands, as far as it is known.
    #[must_use]
    pub fn status(&self, place: &Place) -> Status {
        self.read_status(place).unwrap_or_default()
    }

    /// How a place stands; the default before anything happened, and for a damaged file.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read_status(&self, place: &Place) -> Result<Status, KeptError> {
        self.0.recall(&file(place))
    }

    /// Keeps how a place stands.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_status(&self, place: &Place, status: &Status) -> Result<(), KeptError> {
        self.0.keep(&file(place), status)
    }

    /// When leaves of each CA were last in use; the default for a damaged file.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn usage(&self) -> Result<TrustUsage, KeptError> {
        self.0.recall(USAGE)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_usage(&self, usage: &TrustUsage) -> Result<(), KeptError> {
        self.0.keep(USAGE, usage)
    }
}

fn file(place: &Place) -> String {
    format!("{}.json", place.slug())
}
