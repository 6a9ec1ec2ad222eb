//! What is kept of the internal CA's work below the state directory.
//!
//! ```text
//! internal-ca/PLACE.json    how the renewal of one bridge's certificate stands
//! internal-ca/usage.json    when leaves of each CA were last in use
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::certs::trust_usage::TrustUsage;
use crate::platform::files;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::ShelfError;
use crate::workers::cert_desk::shelf::at;

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
pub struct Records {
    state: PathBuf,
    root: PathBuf,
}

impl Records {
    /// Of a state directory.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            root: state.join("internal-ca"),
        }
    }

    /// How a place stands; the default before anything happened, and for a damaged file.
    #[must_use]
    pub fn status(&self, place: &Place) -> Status {
        self.read(&format!("{}.json", place.slug()))
    }

    /// Keeps how a place stands.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_status(&self, place: &Place, status: &Status) -> Result<(), ShelfError> {
        self.keep(&format!("{}.json", place.slug()), status)
    }

    /// When leaves of each CA were last in use.
    #[must_use]
    pub fn usage(&self) -> TrustUsage {
        self.read("usage.json")
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_usage(&self, usage: &TrustUsage) -> Result<(), ShelfError> {
        self.keep("usage.json", usage)
    }

    fn read<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        match fs::read_to_string(self.root.join(name)) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_default(),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::warn!(%error, name, "What is kept of the internal CA cannot be read.");
                }
                T::default()
            }
        }
    }

    fn keep(&self, name: &str, value: &impl Serialize) -> Result<(), ShelfError> {
        files::create_private_dir(&self.root).map_err(at(&self.root))?;
        files::own_like(&self.root, &self.state).map_err(at(&self.root))?;
        let path = self.root.join(name);
        // Plain structs of texts and numbers: nothing in them can fail to be written.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        files::write_atomic(&path, text.as_bytes(), files::PRIVATE).map_err(at(&path))?;
        files::own_like(&path, &self.state).map_err(at(&path))
    }
}
