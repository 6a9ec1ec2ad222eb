//! References to secrets, and the secrets themselves once read.

use std::fmt;
use std::fs;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::config::environment::Environment;

/// How a reference to a secret is written.
pub const SECRET_FORM: &str = "`file:/path`, `env:NAME` or `cred:NAME`";

/// Largest secret in bytes: an RSA-4096 key in PEM has 3.3 KB, and a wrong path (a log, a device)
/// must not fill the memory.
pub const SECRET_BYTES: u64 = 64 * 1024;

/// Permission bits that let others than the owner at a file.
const SHARED: u32 = 0o077;

/// Where a secret lies. The configuration never holds the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretRef {
    /// `cred:NAME`: a systemd credential below `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `env:NAME`: an environment variable.
    Environment(String),
    /// `file:/path`: a file that only its owner may read.
    File(PathBuf),
}

/// Text that is not a reference to a secret. The text is never repeated: it may be the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASecretRef {
    /// A credential name with a slash, or none.
    #[error("the name of a credential is missing or has a slash")]
    CredentialName,
    /// A variable name that no shell could set.
    #[error("the name of the environment variable is missing or malformed")]
    EnvironmentName,
    /// No scheme: the secret itself was written.
    #[error("a secret is never written into the configuration; move it to a file with mode 600")]
    Inline,
    /// A path that is not absolute.
    #[error("the path is not absolute")]
    RelativePath,
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file without content.
    #[error("{0} is empty")]
    Empty(SecretRef),
    /// The operating system refused.
    #[error("{secret} cannot be read: {source}")]
    Io {
        /// Which secret.
        secret: SecretRef,
        /// What the system said.
        source: io::Error,
    },
    /// `cred:` outside a service with credentials.
    #[error(
        "{0} needs $CREDENTIALS_DIRECTORY; run under systemd with LoadCredential={name}:/path",
        name = name_of(.0)
    )]
    NoCredentialsDirectory(SecretRef),
    /// A directory, a pipe or a device.
    #[error("{0} is not a regular file")]
    NotAFile(SecretRef),
    /// A variable that is not set, or not UTF-8.
    #[error("{0} is not set in the environment of this process")]
    NotSet(SecretRef),
    /// Group or others may reach the file.
    #[error("{secret} has mode {mode:03o}, so others than its owner may reach it; run: chmod 600 {path}", path = name_of(.secret))]
    Shared {
        /// Which secret.
        secret: SecretRef,
        /// The permission bits.
        mode: u32,
    },
    /// Beyond [`SECRET_BYTES`].
    #[error("{0} is larger than 64 KiB, so it is not a key or a password")]
    TooLarge(SecretRef),
}

impl SecretRef {
    /// Reads the secret. Blocks on the file system.
    ///
    /// # Errors
    /// [`SecretError`], whose text names the remedy.
    pub fn read(&self) -> Result<Secret, SecretError> {
        self.read_from(&Environment::process())
    }

    /// Like [`SecretRef::read`], with the environment given.
    ///
    /// # Errors
    /// As [`SecretRef::read`].
    pub fn read_from(&self, environment: &Environment) -> Result<Secret, SecretError> {
        let secret = match self {
            Self::Credential(name) => {
                let directory = environment
                    .credentials_directory()
                    .ok_or_else(|| SecretError::NoCredentialsDirectory(self.clone()))?;
                // systemd guards the directory; access lists may show as group bits on the file.
                self.read_file(&directory.join(name), Sharing::Guarded)?
            }
            Self::Environment(name) => {
                let value = environment.variable(name);
                let value = value.ok_or_else(|| SecretError::NotSet(self.clone()))?;
                Secret::new(value.as_bytes().to_vec())
            }
            Self::File(path) => self.read_file(path, Sharing::OwnerOnly)?,
        };
        if secret.expose().is_empty() {
            return Err(SecretError::Empty(self.clone()));
        }
        Ok(secret)
    }

    fn read_file(&self, path: &Path, sharing: Sharing) -> Result<Secret, SecretError> {
        let failed = |source| SecretError::Io {
            secret: self.clone(),
            source,
        };
        // Before the open: opening a named pipe would wait for its writer.
        self.judge(&fs::metadata(path).map_err(failed)?, sharing)?;
        let file = fs::File::open(path).map_err(failed)?;
        // And after it: the file may have been replaced in between.
        let facts = file.metadata().map_err(failed)?;
        self.judge(&facts, sharing)?;
        // With its final size from the start, no copy of the secret is left behind by growing.
        let size = usize::try_from(facts.len()).unwrap_or(usize::MAX);
        let mut secret = Secret::new(Vec::with_capacity(size.saturating_add(1)));
        file.take(SECRET_BYTES + 1)
            .read_to_end(&mut secret.0)
            .map_err(failed)?;
        if secret.0.len() as u64 > SECRET_BYTES {
            return Err(SecretError::TooLarge(self.clone()));
        }
        Ok(secret)
    }

    fn judge(&self, facts: &fs::Metadata, sharing: Sharing) -> Result<(), SecretError> {
        let mode = facts.permissions().mode() & 0o777;
        if !facts.is_file() {
            return Err(SecretError::NotAFile(self.clone()));
        }
        if facts.len() > SECRET_BYTES {
            return Err(SecretError::TooLarge(self.clone()));
        }
        match sharing {
            Sharing::OwnerOnly if mode & SHARED != 0 => Err(SecretError::Shared {
                secret: self.clone(),
                mode,
            }),
            Sharing::Guarded | Sharing::OwnerOnly => Ok(()),
        }
    }
}

/// Who else may reach a file with a secret.
#[derive(Debug, Clone, Copy)]
enum Sharing {
    /// Its directory is closed to others.
    Guarded,
    /// Nobody by its own permission bits.
    OwnerOnly,
}

fn name_of(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Credential(name) | SecretRef::Environment(name) => name.clone(),
        SecretRef::File(path) => path.display().to_string(),
    }
}

impl FromStr for SecretRef {
    type Err = NotASecretRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("cred", name)) => {
                let bad = name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.');
                if bad {
                    Err(NotASecretRef::CredentialName)
                } else {
                    Ok(Self::Credential(name.to_owned()))
                }
            }
            Some(("env", name)) => {
                let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
                if name.is_empty() || !name.bytes().all(good) {
                    Err(NotASecretRef::EnvironmentName)
                } else {
                    Ok(Self::Environment(name.to_owned()))
                }
            }
            Some(("file", path)) => {
                if path.starts_with('/') && !path.contains('\0') {
                    Ok(Self::File(PathBuf::from(path)))
                } else {
                    Err(NotASecretRef::RelativePath)
                }
            }
            Some(_) | None => Err(NotASecretRef::Inline),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(name) => write!(f, "cred:{name}"),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// A secret that was read. It prints as `…` and is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes ownership of secret bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one place that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, SecretRef) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (directory, SecretRef::File(path))
    }

    #[test]
    fn a_reference_is_a_file_a_variable_or_a_credential() {
        for text in ["file:/etc/xspd/key.pem", "env:XSP_KEY", "cred:xsp.key"] {
            let parsed: SecretRef = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        for (text, fault) in [
            ("hunter2", NotASecretRef::Inline),
            ("", NotASecretRef::Inline),
            ("-----BEGIN PRIVATE KEY-----", NotASecretRef::Inline),
            ("http://x", NotASecretRef::Inline),
            ("file:key.pem", NotASecretRef::RelativePath),
            ("env:", NotASecretRef::EnvironmentName),
            ("env:A B", NotASecretRef::EnvironmentName),
            ("cred:../../etc/shadow", NotASecretRef::CredentialName),
            ("cred:..", NotASecretRef::CredentialName),
        ] {
            assert_eq!(text.parse::<SecretRef>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_file_of_its_owner_is_read() {
        let (_directory, secret) = file(b"key", 0o600);
        assert_eq!(secret.read().unwrap().expose(), b"key");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_remedy() {
        for mode in [0o640, 0o604, 0o660, 0o622] {
            let (_directory, secret) = file(b"key", mode);
            let error = secret.read().unwrap_err();
            assert!(matches!(error, SecretError::Shared { .. }), "{mode:o}");
            assert!(error.to_string().contains("chmod 600 /"), "{error}");
        }
    }

    #[test]
    fn a_missing_an_empty_and_a_huge_file_and_a_directory_are_told_apart() {
        let (directory, secret) = file(b"", 0o600);
        assert!(matches!(secret.read(), Err(SecretError::Empty(_))));
        let (_huge, secret) = file(&vec![0; 64 * 1024 + 1], 0o600);
        assert!(matches!(secret.read(), Err(SecretError::TooLarge(_))));
        let secret = SecretRef::File(directory.path().join("absent"));
        assert!(matches!(secret.read(), Err(SecretError::Io { .. })));
        let secret = SecretRef::File(directory.path().to_owned());
        assert!(matches!(secret.read(), Err(SecretError::NotAFile(_))));
    }

    #[test]
    fn variables_and_credentials_come_from_the_environment() {
        let (directory, _) = file(b"from systemd", 0o440);
        let path = directory.path().to_str().unwrap();
        let environment: Environment = [("KEY", "from env"), ("CREDENTIALS_DIRECTORY", path)]
            .into_iter()
            .collect();
        let read = |text: &str| {
            let secret: SecretRef = text.parse().unwrap();
            secret.read_from(&environment).map(|s| s.expose().to_vec())
        };
        assert_eq!(read("env:KEY").unwrap(), b"from env");
        assert_eq!(read("cred:key.pem").unwrap(), b"from systemd");
        assert!(matches!(read("env:NONE"), Err(SecretError::NotSet(_))));
        let credential = SecretRef::Credential("key.pem".to_owned());
        let error = credential.read_from(&Environment::default()).unwrap_err();
        assert!(
            error.to_string().contains("LoadCredential=key.pem:"),
            "{error}"
        );
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "…");
    }

    proptest! {
        #[test]
        fn references_survive_print_and_parse_and_never_panic(text in "(file:/|env:|cred:)?\\PC{0,40}") {
            if let Ok(secret) = text.parse::<SecretRef>() {
                prop_assert_eq!(secret.to_string().parse(), Ok(secret));
            }
        }
    }
}
