//! The account that we call the Xsi interfaces with.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;

/// User id and password, as the header that carries them.
pub struct Account {
    user_id: String,
    authorization: HeaderValue,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The password cannot be read.
    #[error("blf.account.password: {0}")]
    Secret(#[from] SecretError),
    /// It would break the header.
    #[error("blf.account: a user id with a colon, or a password with a line break, cannot be sent")]
    Unsendable,
}

impl Account {
    /// Reads the password; blocks on the disk.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn read(user_id: &str, password: &SecretRef) -> Result<Self, AccountError> {
        let secret = password.read()?;
        Self::new(user_id, secret.expose())
    }

    /// From a password that was read already; line ends behind it, which editors add, are not
    /// part of it.
    ///
    /// # Errors
    /// [`AccountError::Unsendable`].
    pub fn new(user_id: &str, password: &[u8]) -> Result<Self, AccountError> {
        let end = password
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let password = password
            .get(..end.map_or(0, |at| at + 1))
            .unwrap_or_default();
        let broken = |byte: &u8| matches!(byte, 0..=0x1f | 0x7f);
        if user_id.contains(':')
            || user_id
                .bytes()
                .chain(password.iter().copied())
                .any(|byte| broken(&byte))
        {
            return Err(AccountError::Unsendable);
        }
        let mut pair = Zeroizing::new(Vec::with_capacity(user_id.len() + 1 + password.len()));
        pair.extend_from_slice(user_id.as_bytes());
        pair.push(b':');
        pair.extend_from_slice(password);
        let text = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*pair)));
        let mut authorization =
            HeaderValue::from_str(&text).map_err(|_| AccountError::Unsendable)?;
        authorization.set_sensitive(true);
        Ok(Self {
            user_id: user_id.to_owned(),
            authorization,
        })
    }

    /// Somebody else's credential as he presented it, to ask in his name and no other's.
    #[must_use]
    pub fn presented(mut authorization: HeaderValue) -> Self {
        authorization.set_sensitive(true);
        Self {
            user_id: String::new(),
            authorization,
        }
    }

    /// The user id; empty for a credential that was presented.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// Whether it is the same as another, password included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.authorization == other.authorization
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_holds_the_pair_and_the_debug_form_does_not() {
        let account = Account::new("admin@example.net", b"s3cret\n").unwrap();
        let header = account.authorization();
        assert_eq!(header, "Basic YWRtaW5AZXhhbXBsZS5uZXQ6czNjcmV0");
        assert!(header.is_sensitive());
        assert!(!format!("{account:?}").contains("czNj"));
        assert!(account.is_same(&Account::new("admin@example.net", b"s3cret").unwrap()));
        assert!(!account.is_same(&Account::new("admin@example.net", b"other").unwrap()));
    }

    #[test]
    fn what_would_break_the_header_is_refused() {
        assert!(Account::new("a:b", b"x").is_err());
        assert!(Account::new("a", b"x\ny").is_err());
        assert!(Account::new("a\r\nb", b"x").is_err());
    }
}
