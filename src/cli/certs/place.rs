//! Files of a certificate and its key: what is there already stays unless that is asked for.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::certs::failure::Failure;
use crate::platform::files;
use crate::platform::files::Content;
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
    /// Where they are to be put: the directory is made, and nothing may be in the way. As a path from
    /// the root, which is what a configuration takes.
    pub(super) fn prepare(
        directory: &Path,
        certificate: &str,
        key: &str,
        force: bool,
    ) -> Result<Self, Failure> {
        let directory = &absolute(directory)?;
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

    /// Writes the key, then the certificate: both or none. Whoever owns those that are replaced goes
    /// on to own them: what root issues anew must still be the daemon's to read.
    pub(super) fn write(&self, issued: &Issued) -> Result<(), Failure> {
        let of = |path, bytes, mode| Content { path, bytes, mode };
        let key = of(&self.key, issued.key.as_bytes(), files::PRIVATE);
        let certificate = issued.certificate.as_bytes();
        let certificate = of(&self.certificate, certificate, files::PUBLIC);
        files::replace_all(&[key, certificate])
            .map_err(|(path, source)| Failure::unwritable(&path, source))
    }
}

/// A path as a configuration takes it, whatever directory this is typed in.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|source| Failure::unwritable(path, source))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::fs::PermissionsExt as _;

    use zeroize::Zeroizing;

    use super::*;
    use crate::domain::certs::CertificateFacts;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    fn issued(name: &str) -> Issued {
        Issued {
            certificate: format!("certificate {name}"),
            key: Zeroizing::new(format!("key {name}")),
            facts: CertificateFacts::parse(&Minted::root(mint::ca(name)).der).unwrap(),
        }
    }

    #[test]
    fn what_is_printed_for_a_configuration_is_a_path_from_the_root() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("ica")).unwrap(), here.join("ica"));
        assert_eq!(absolute(Path::new("/a/b")).unwrap(), Path::new("/a/b"));
        assert!(absolute(Path::new("")).is_err());
        // A directory that is there, by a way from where we are.
        let directory = tempfile::tempdir_in(".").unwrap();
        let name = directory.path().file_name().unwrap();
        let placed = Placed::prepare(Path::new(name), BRIDGE, BRIDGE_KEY, false).unwrap();
        assert!(placed.certificate.is_absolute() && placed.key.is_absolute());
    }

    #[test]
    fn what_is_replaced_keeps_its_owner_and_its_guard() {
        let directory = tempfile::tempdir().unwrap();
        let prepare = |force| Placed::prepare(directory.path(), BRIDGE, BRIDGE_KEY, force);
        let placed = prepare(false).unwrap();
        placed.write(&issued("one")).unwrap();
        // Only root can give files away; for others their own stay their own.
        let daemon = std::os::unix::fs::chown(&placed.key, Some(12_345), Some(12_346));
        fs::set_permissions(&placed.key, fs::Permissions::from_mode(0o400)).unwrap();
        let before = fs::metadata(&placed.key).unwrap();
        assert!(daemon.is_err() || before.uid() == 12_345);
        assert!(matches!(prepare(false), Err(Failure::Taken(_))));
        prepare(true).unwrap().write(&issued("two")).unwrap();
        let after = fs::metadata(&placed.key).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_eq!(after.mode() & 0o777, 0o400);
        assert_eq!(fs::read(&placed.certificate).unwrap(), b"certificate two");
    }
}
