//! The directory of the internal CA, and how a rotation changes it.
//!
//! ```text
//! internal-ca.pem        internal-ca-key.pem        the CA that issues
//! internal-ca-next.pem   internal-ca-next-key.pem   made by "prepare", not in use yet
//! internal-ca-old.pem                               the one before, until "retire"
//! internal-ca-trust.pem                             the anchors that XSPs must have now
//! ```
//!
//! The key of the old CA goes when the new one issues: nothing needs it any more. A machine that
//! loses power in the middle of a step is left with files from which the step can be done again.

use std::fs;
use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::certs::CertificateFacts;
use crate::platform::files;
use crate::tls::TlsError;
use crate::tls::authority::AuthorityError;
use crate::tls::authority::InternalCa;
use crate::tls::authority::Issued;
use crate::tls::pem;
use crate::workers::kept::KeptError;
use crate::workers::kept::at;

/// The CA's own certificate.
pub const CA: &str = "internal-ca.pem";
/// Its key, beside it.
pub const CA_KEY: &str = "internal-ca-key.pem";
const NEXT: &str = "internal-ca-next.pem";
const NEXT_KEY: &str = "internal-ca-next-key.pem";
const OLD: &str = "internal-ca-old.pem";
/// Everything that XSPs must believe in now, for tools that take one file.
const TRUST: &str = "internal-ca-trust.pem";

/// Which of the CAs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The one that issues.
    Current,
    /// The one that is prepared.
    Next,
    /// The one before.
    Old,
}

impl Generation {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Old => "old",
        }
    }

    const fn certificate(self) -> &'static str {
        match self {
            Self::Current => CA,
            Self::Next => NEXT,
            Self::Old => OLD,
        }
    }
}

/// Why a CA cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaProblem {
    /// It is none, or out of its dates.
    #[error("{}: {error}", path.display())]
    Bad {
        /// Its certificate.
        path: PathBuf,
        /// Why.
        error: AuthorityError,
    },
    /// The disk.
    #[error("{0}")]
    Disk(#[from] KeptError),
    /// The key is kept elsewhere.
    #[error("the key of the CA is not in its place, {}", .0.display())]
    KeyElsewhere(PathBuf),
    /// The key cannot be read.
    #[error("the key of the CA: {0}")]
    Key(SecretError),
    /// The certificate cannot be read.
    #[error("{0}")]
    Unreadable(#[from] TlsError),
}

/// The directory.
#[derive(Debug, Clone)]
pub struct CaFolder(PathBuf);

impl CaFolder {
    /// Of `xspd certs init-internal-ca`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A CA's certificate.
    #[must_use]
    pub fn certificate(&self, generation: Generation) -> PathBuf {
        self.0.join(generation.certificate())
    }

    /// The file with all anchors that XSPs must have.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.0.join(TRUST)
    }

    /// What a CA's certificate says; `None` when there is no such CA.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn facts(
        &self,
        generation: Generation,
    ) -> Result<Option<(CertificateFacts, Vec<u8>)>, CaProblem> {
        let path = self.certificate(generation);
        let chain = match pem::load_chain(&path) {
            Ok(chain) => chain,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let der = chain.into_iter().next().map(|der| der.to_vec());
        let der = der.unwrap_or_default();
        match CertificateFacts::parse(&der) {
            Ok(facts) => Ok(Some((facts, der))),
            Err(bad) => Err(CaProblem::Bad {
                path,
                error: bad.into(),
            }),
        }
    }

    /// The certificates of all CAs that there are, in DER.
    ///
    /// # Errors
    /// When one is there and cannot be read.
    pub fn anchors(&self) -> Result<Vec<Vec<u8>>, CaProblem> {
        let mut all = Vec::new();
        for generation in [Generation::Current, Generation::Old, Generation::Next] {
            all.extend(self.facts(generation)?.map(|(_, der)| der));
        }
        Ok(all)
    }

    /// The CA that issues, with its key.
    ///
    /// # Errors
    /// When it cannot issue at `now`; that its key is kept elsewhere is one of the reasons.
    pub fn load(&self, now: SystemTime) -> Result<InternalCa, CaProblem> {
        self.load_of(Generation::Current, CA_KEY, now)
    }

    /// The CA that is prepared, with its key.
    ///
    /// # Errors
    /// As [`CaFolder::load`].
    pub fn load_next(&self, now: SystemTime) -> Result<InternalCa, CaProblem> {
        self.load_of(Generation::Next, NEXT_KEY, now)
    }

    fn load_of(
        &self,
        which: Generation,
        key: &str,
        now: SystemTime,
    ) -> Result<InternalCa, CaProblem> {
        let path = self.certificate(which);
        let certificate = pem::read_bounded(&path)?;
        let key_path = self.0.join(key);
        let key = match SecretRef::File(key_path.clone()).read() {
            Ok(key) => key,
            Err(SecretError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(CaProblem::KeyElsewhere(key_path));
            }
            Err(error) => return Err(CaProblem::Key(error)),
        };
        let bad = |error| CaProblem::Bad {
            path: path.clone(),
            error,
        };
        let text = std::str::from_utf8(key.expose()).map_err(|_| bad(AuthorityError::NotAPair))?;
        InternalCa::load(&certificate, text, now).map_err(bad)
    }

    /// Whether the key of the CA that issues is here at all.
    #[must_use]
    pub fn has_key(&self) -> bool {
        fs::symlink_metadata(self.0.join(CA_KEY)).is_ok()
    }

    /// Keeps a new CA beside the one that issues, and both as anchors.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn prepare(&self, issued: &Issued) -> Result<(), CaProblem> {
        self.write(NEXT_KEY, issued.key.as_bytes(), files::PRIVATE)?;
        self.write(NEXT, issued.certificate.as_bytes(), files::PUBLIC)?;
        self.write_trust()
    }

    /// The CA that is prepared issues from now on.
    ///
    /// # Errors
    /// When the disk refuses; the step can then be done again.
    pub fn activate(&self) -> Result<(), CaProblem> {
        // The anchor of the old CA first: it must not be forgotten as long as a leaf of it is used.
        // A step that was cut short after the key had been replaced finds the new anchor in both.
        let current = pem::read_bounded(&self.certificate(Generation::Current))?;
        let next = pem::read_bounded(&self.certificate(Generation::Next))?;
        if current != next {
            self.write(OLD, &current, files::PUBLIC)?;
        }
        let key = SecretRef::File(self.0.join(NEXT_KEY)).read();
        let key = key.map_err(CaProblem::Key)?;
        self.write(CA, &next, files::PUBLIC)?;
        self.write(CA_KEY, key.expose(), files::PRIVATE)?;
        for name in [NEXT, NEXT_KEY] {
            self.remove(name)?;
        }
        self.write_trust()
    }

    /// Forgets the CA before the one that issues.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn retire(&self) -> Result<(), CaProblem> {
        self.remove(OLD)?;
        self.write_trust()
    }

    /// The anchors in force, the one that issues first.
    fn write_trust(&self) -> Result<(), CaProblem> {
        let mut all = Vec::new();
        for generation in [Generation::Current, Generation::Next, Generation::Old] {
            match pem::read_bounded(&self.certificate(generation)) {
                Ok(text) => all.extend(text),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.write(TRUST, &all, files::PUBLIC)
    }

    /// Keeps the owner: an engineer at a root prompt must not lock the daemon out.
    fn write(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), CaProblem> {
        let path = self.0.join(name);
        files::write_atomic(&path, bytes, mode).map_err(at(&path))?;
        files::own_like(&path, &self.0).map_err(at(&path))?;
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), CaProblem> {
        let path = self.0.join(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error).into()),
        }
        let synced: io::Result<()> = files::sync_directory(&self.0);
        synced.map_err(at(&self.0))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;
    use crate::tls::authority;
    use crate::tls::authority::KeyType;

    const NOW: Duration = Duration::from_secs(20_000 * 86_400);

    fn ca(name: &str) -> Issued {
        let now = SystemTime::UNIX_EPOCH + NOW;
        authority::new_ca(name, KeyType::EcdsaP256, 100, now).unwrap()
    }

    #[test]
    fn a_rotation_keeps_the_old_anchor_until_it_is_retired() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let place = tempfile::tempdir().unwrap();
        let folder = CaFolder::new(place.path());
        let (one, two) = (ca("one"), ca("two"));
        fs::write(place.path().join(CA), &one.certificate).unwrap();
        files::write_atomic(&place.path().join(CA_KEY), one.key.as_bytes(), 0o600).unwrap();
        folder.prepare(&two).unwrap();
        let anchors = || fs::read_to_string(folder.trust()).unwrap();
        assert_eq!(anchors(), format!("{}{}", one.certificate, two.certificate));
        assert_eq!(folder.load(now).unwrap().facts().subject, "CN=one");
        assert_eq!(folder.load_next(now).unwrap().facts().subject, "CN=two");
        folder.activate().unwrap();
        assert_eq!(anchors(), format!("{}{}", two.certificate, one.certificate));
        assert_eq!(folder.load(now).unwrap().facts().subject, "CN=two");
        let mode = fs::metadata(place.path().join(CA_KEY))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert!(folder.facts(Generation::Next).unwrap().is_none());
        folder.retire().unwrap();
        assert_eq!(anchors(), two.certificate);
    }

    #[test]
    fn a_step_that_was_cut_short_is_done_again() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let place = tempfile::tempdir().unwrap();
        let folder = CaFolder::new(place.path());
        let (one, two) = (ca("one"), ca("two"));
        fs::write(place.path().join(CA), &one.certificate).unwrap();
        files::write_atomic(&place.path().join(CA_KEY), one.key.as_bytes(), 0o600).unwrap();
        folder.prepare(&two).unwrap();
        // As far as the certificate, and not as far as the key.
        fs::write(place.path().join(OLD), &one.certificate).unwrap();
        fs::write(place.path().join(CA), &two.certificate).unwrap();
        assert!(matches!(
            folder.load(now).err(),
            Some(CaProblem::Bad { .. })
        ));
        folder.activate().unwrap();
        assert_eq!(folder.load(now).unwrap().facts().subject, "CN=two");
        let (old, _) = folder.facts(Generation::Old).unwrap().unwrap();
        assert_eq!(old.subject, "CN=one");
    }

    #[test]
    fn a_key_that_is_kept_elsewhere_is_told_from_one_that_others_may_read() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let place = tempfile::tempdir().unwrap();
        let folder = CaFolder::new(place.path());
        let one = ca("one");
        fs::write(place.path().join(CA), &one.certificate).unwrap();
        assert!(!folder.has_key());
        let absent = folder.load(now).err().unwrap();
        assert!(matches!(absent, CaProblem::KeyElsewhere(_)), "{absent}");
        files::write_atomic(&place.path().join(CA_KEY), one.key.as_bytes(), 0o640).unwrap();
        let shared = folder.load(now).err().unwrap();
        assert!(matches!(shared, CaProblem::Key(_)), "{shared}");
    }
}
