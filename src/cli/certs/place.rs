//! Files of a certificate and its key: what is there already stays unless that is asked for.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::certs::failure::Failure;
use crate::platform::files;
use crate::tls::authority::Issued;

pub(super) use crate::workers::internal_ca::folder::CA;
pub(super) use crate::workers::internal_ca::folder::CA_KEY;

/// The bridge's certificate, where the daemon finds it.
pub(super) const BRIDGE: &str = "bridge-chain.pem";
/// Its key.
pub(super) const BRIDGE_KEY: &str = "bridge-key.pem";

/// Where the two were put.
pub(super) struct Placed {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Placed {
    /// Where they are to be put: the directory is made, and nothing may be in the way.
    pub(super) fn prepare(
        directory: &Path,
        certificate: &str,
        key: &str,
        force: bool,
    ) -> Result<Self, Failure> {
        files::create_private_dir(directory)
            .map_err(|source| Failure::unwritable(directory, source))?;
        let placed = Self {
            certificate: directory.join(certificate),
            key: directory.join(key),
        };
        let taken = |path: &&PathBuf| fs::symlink_metadata(path).is_ok();
        let found = [&placed.certificate, &placed.key].into_iter().find(taken);
        match found.cloned() {
            Some(path) if !force => Err(Failure::Taken(path)),
            Some(_) | None => Ok(placed),
        }
    }

    /// Writes the key, then the certificate.
    pub(super) fn write(&self, issued: &Issued) -> Result<(), Failure> {
        let files = [
            (&self.key, issued.key.as_str(), files::PRIVATE),
            (&self.certificate, &issued.certificate, files::PUBLIC),
        ];
        for (path, text, mode) in files {
            files::write_atomic(path, text.as_bytes(), mode)
                .map_err(|source| Failure::unwritable(path, source))?;
        }
        Ok(())
    }
}
