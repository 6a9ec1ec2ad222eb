//! What is kept of an automatic certificate below the state directory: the account with its key, how
//! renewal stands, and what an operator asked for.
//!
//! ```text
//! acme/NAME/account.json   the account's URL and key; mode 600
//! acme/NAME/status.json    how it stands, for people and over a restart
//! acme/NAME/asked-WORD     WORD is renew, roll-key or new-account: the daemon does it and removes the file
//! ```

use std::fs;
use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::domain::certs::automatic::Account;
use crate::domain::certs::date;
use crate::workers::kept::KeptError;
use crate::workers::kept::KeptFolder;
use crate::workers::kept::at;

const STATUS: &str = "status.json";
const ACCOUNT: &str = "account.json";

/// Most folders that are looked at; there are never that many.
const MOST: usize = 1000;

/// The state of an account that works.
pub(super) const VALID: &str = "valid";

/// How a renewal stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Status {
    /// Sets its place within windows; made once.
    pub seed: u64,
    /// Directory of the CA to which the account belongs.
    pub directory: String,
    /// Times of the orders of the last day, in seconds since 1970.
    pub orders: Vec<i64>,
    /// When it is to be renewed, in seconds since 1970.
    pub due: Option<i64>,
    /// Failures in a row.
    pub failures: u32,
    /// Whether people were told of them.
    pub complained: bool,
    /// Not before then it is tried again by itself, in seconds since 1970.
    pub rest: Option<i64>,
    /// The same, because an operator went back to the certificate before.
    pub held: Option<i64>,
    /// End of the certificate in use, in seconds since 1970.
    pub ends: Option<i64>,
    /// The last thing that went wrong, empty when nothing is.
    pub problem: String,
    /// When something was tried last, in seconds since 1970.
    pub tried: Option<i64>,
    /// When it was renewed last, in seconds since 1970.
    pub renewed: Option<i64>,
    /// SHA-256 of the leaf that was activated last.
    pub fingerprint: String,
    /// The account's URL at the CA.
    pub account: String,
    /// "valid", or why the CA refuses the account; empty before there is one.
    pub account_state: String,
    /// Since when its key is in use, in seconds since 1970; not known of what was made before this was
    /// noted.
    pub account_since: Option<i64>,
    /// Places whose renewed certificate was not served when somebody looked.
    pub unserved: Vec<String>,
}

impl Status {
    /// Why the CA refuses the account.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        let state = self.account_state.as_str();
        (!matches!(state, "" | VALID)).then_some(state)
    }

    /// The account, when it is one at this CA.
    #[must_use]
    pub fn account_at(&self, name: &str, directory: &str) -> Option<Account> {
        let ours = self.directory == directory && !self.account.is_empty();
        ours.then(|| Account {
            name: name.to_owned(),
            url: self.account.clone(),
            directory: directory.to_owned(),
            since: self.account_since.and_then(date::from_unix),
            refused: self.refused().map(str::to_owned),
        })
    }
}

/// The account's URL, and its key as PKCS#8.
type KeptAccount = (String, Zeroizing<Vec<u8>>);

/// An account as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    /// PKCS#8, base64.
    #[serde(with = "secret_text")]
    key: Zeroizing<String>,
}

mod secret_text {
    //! A text that is wiped when it is dropped.

    use serde::Deserialize as _;
    use serde::Deserializer;
    use serde::Serializer;
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        text: &Zeroizing<String>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(from).map(Zeroizing::new)
    }
}

/// What an operator may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Another account.
    NewAccount,
    /// A new certificate now.
    Renew,
    /// A new account key.
    RollKey,
}

impl Asked {
    /// In the order in which they are done, so that an order uses what was asked for before it.
    const ALL: [Self; 3] = [Self::NewAccount, Self::RollKey, Self::Renew];

    fn file(self) -> String {
        format!("asked-{}", self.word())
    }

    const fn word(self) -> &'static str {
        match self {
            Self::NewAccount => "new-account",
            Self::Renew => "renew",
            Self::RollKey => "roll-key",
        }
    }
}

/// The folder of one automatic certificate.
#[derive(Debug, Clone)]
pub struct Folder(KeptFolder);

impl Folder {
    /// Of a state directory. The configuration's names are plain words.
    #[must_use]
    pub fn new(state: &Path, name: &str) -> Self {
        Self(all(state).below(name))
    }

    /// Names of all that anything is kept of.
    #[must_use]
    pub fn kept(state: &Path) -> Vec<String> {
        let paths = all(state).list(MOST).unwrap_or_default().into_iter();
        let name = |path: PathBuf| path.file_name()?.to_str().map(str::to_owned);
        paths.filter_map(name).collect()
    }

    /// How it stands; the default before anything happened, and for a damaged file.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn status(&self) -> Result<Status, KeptError> {
        self.0.recall(STATUS)
    }

    /// The account, when it is one at this CA.
    ///
    /// # Errors
    /// When it was made, and it or its key cannot be read.
    pub fn account_at(&self, name: &str, directory: &str) -> Result<Option<Account>, KeptError> {
        let Some(account) = self.status()?.account_at(name, directory) else {
            return Ok(None);
        };
        match self.account()? {
            Some(_) => Ok(Some(account)),
            None => Err(at(&self.account_file())(ErrorKind::NotFound.into())),
        }
    }

    /// The file of the account.
    #[must_use]
    pub fn account_file(&self) -> PathBuf {
        self.0.path().join(ACCOUNT)
    }

    /// Keeps how it stands.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_status(&self, status: &Status) -> Result<(), KeptError> {
        self.0.keep(STATUS, status)
    }

    /// The account's URL and its key, PKCS#8.
    pub(super) fn account(&self) -> Result<Option<KeptAccount>, KeptError> {
        let Some(text) = self.0.text(ACCOUNT)?.map(Zeroizing::new) else {
            return Ok(None);
        };
        let path = self.account_file();
        let kept: Kept =
            serde_json::from_str(&text).map_err(|error| at(&path)(io::Error::other(error)))?;
        let key = STANDARD.decode(kept.key.as_bytes());
        let key = key.map_err(|error| at(&path)(io::Error::other(error)))?;
        Ok(Some((kept.url, Zeroizing::new(key))))
    }

    pub(super) fn keep_account(&self, url: &str, key: &[u8]) -> Result<(), KeptError> {
        let kept = Kept {
            url: url.to_owned(),
            key: Zeroizing::new(STANDARD.encode(key)),
        };
        let text = Zeroizing::new(serde_json::to_string(&kept).unwrap_or_default());
        self.0.write(ACCOUNT, text.as_bytes())
    }

    /// Keeps the account beside, for whoever needs it after all.
    pub(super) fn put_account_away(&self) -> Result<(), KeptError> {
        let path = self.0.plain()?.join(ACCOUNT);
        match fs::rename(&path, path.with_extension("json.old")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(at(&path)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Asks the daemon for something.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn ask(&self, asked: Asked) -> Result<(), KeptError> {
        self.0.write(&asked.file(), asked.word().as_bytes())
    }

    /// Takes back what was asked and not yet done.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn unask(&self, asked: Asked) -> Result<(), KeptError> {
        self.0.remove(&asked.file())
    }

    /// What was asked for, which is then no longer asked.
    pub(super) fn take_asked(&self) -> Option<Asked> {
        let found = Asked::ALL.into_iter().find(|asked| self.holds(*asked))?;
        self.unask(found).ok();
        Some(found)
    }

    /// Whether something is still asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        Asked::ALL.into_iter().any(|asked| self.holds(asked))
    }

    fn holds(&self, asked: Asked) -> bool {
        self.0.holds(&asked.file())
    }
}

fn all(state: &Path) -> KeptFolder {
    KeptFolder::new(state, "acme")
}
