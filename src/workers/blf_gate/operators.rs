//! The operators' secret.

use crate::config::Config;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::domain::auth::parameters::bearer;
use crate::domain::edge::reason::Reason;

/// Who is an operator.
pub struct Operators {
    token: Option<Secret>,
}

/// Why the secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {fault}")]
pub struct OperatorError {
    key: &'static str,
    fault: SecretError,
}

impl Operators {
    /// Reads the secret: the one for busy lamps, else the one of the AuthService. A blank one
    /// would be that of everybody who sends none. Blocks on the disk.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(config: &Config) -> Result<Self, OperatorError> {
        let own = config.blf.as_ref();
        let own = own.and_then(|blf| blf.api.operator_token.as_ref());
        let service = config.auth_service.as_ref();
        let service = service.and_then(|service| service.operator_token.as_ref());
        let reference = own
            .map(|reference| ("blf.api.operator-token", reference))
            .or_else(|| service.map(|reference| ("auth-service.operator-token", reference)));
        let Some((key, reference)) = reference else {
            return Ok(Self { token: None });
        };
        let error = |fault| OperatorError { key, fault };
        let token = reference.read().map_err(error)?;
        if token.expose().trim_ascii().is_empty() {
            return Err(error(SecretError::Empty(reference.clone())));
        }
        Ok(Self { token: Some(token) })
    }

    /// Whether an `Authorization` is an operator's. Takes equally long for every wrong token of a
    /// length.
    ///
    /// # Errors
    /// It is not, or nobody is.
    pub fn check(&self, authorization: Option<&[u8]>) -> Result<(), Reason> {
        let held = self.token.as_ref().ok_or(Reason::OperatorTokenUnset)?;
        let token = authorization.and_then(bearer).unwrap_or_default();
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(
            held.expose().trim_ascii(),
            token.as_bytes(),
        );
        same.map_err(|_| Reason::OperatorTokenWrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_an_operator_without_the_secret() {
        let nobody = Operators { token: None };
        assert_eq!(
            nobody.check(Some(b"Bearer ")),
            Err(Reason::OperatorTokenUnset)
        );
        let some = Operators {
            token: Some(Secret::new(b"let-me-in\n".to_vec())),
        };
        assert_eq!(some.check(Some(b"Bearer let-me-in")), Ok(()));
        for wrong in [
            None,
            Some(&b"Bearer let-me-inn"[..]),
            Some(b"Basic let-me-in"),
            Some(b"Bearer"),
        ] {
            assert_eq!(some.check(wrong), Err(Reason::OperatorTokenWrong));
        }
    }
}
