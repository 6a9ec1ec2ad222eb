//! The operators' secrets, for everything on the admin listener that is more than numbers. The
//! AuthService has its own check, because its endpoint is on other listeners too.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::config::Config;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::auth::parameters::bearer;
use crate::domain::edge::reason::Reason;

/// Who is an operator.
pub struct Operators {
    /// `alarms.operator-token`.
    alarms: Option<Secret>,
    /// `blf.api.operator-token`.
    lamps: Option<Secret>,
    /// `auth-service.operator-token`.
    service: Option<Secret>,
    /// `provisioning.operations.operator-token`.
    provisioning: Option<Secret>,
}

/// Why the secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {fault}")]
pub struct OperatorError {
    key: &'static str,
    fault: SecretError,
}

impl Operators {
    /// Reads the secrets. A blank one would be that of everybody who sends none. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(config: &Config) -> Result<Self, OperatorError> {
        let lamps = config.blf.as_ref();
        let lamps = lamps.and_then(|blf| blf.api.operator_token.as_ref());
        let service = config.auth_service.as_ref();
        let service = service.and_then(|service| service.operator_token.as_ref());
        let read = |key, reference: Option<&SecretRef>| {
            let Some(reference) = reference else {
                return Ok(None);
            };
            let error = |fault| OperatorError { key, fault };
            let token = reference.read().map_err(error)?;
            if token.expose().trim_ascii().is_empty() {
                return Err(error(SecretError::Empty(reference.clone())));
            }
            Ok(Some(token))
        };
        Ok(Self {
            alarms: read(
                "alarms.operator-token",
                config.alarms.operator_token.as_ref(),
            )?,
            lamps: read("blf.api.operator-token", lamps)?,
            service: read("auth-service.operator-token", service)?,
            provisioning: read(
                "provisioning.operations.operator-token",
                config.provisioning.operations.operator_token.as_ref(),
            )?,
        })
    }

    /// Whether an operator of provisioning sent these headers, as [`Operators::check`] has it for
    /// busy lamps.
    ///
    /// # Errors
    /// It is not, or nobody is.
    pub fn check_provisioning(&self, headers: &HeaderMap) -> Result<(), Reason> {
        check(
            self.provisioning.as_ref().or(self.service.as_ref()),
            headers,
        )
    }

    /// Whether somebody who may see to alarms sent these headers: whoever has the token for them, or,
    /// when there is none, that of provisioning or of the AuthService.
    ///
    /// # Errors
    /// It is not, or nobody is.
    pub fn check_alarms(&self, headers: &HeaderMap) -> Result<(), Reason> {
        check(self.of_alarms(), headers)
    }

    /// Whether who sent these headers may see alarms: everybody who reaches the admin listener,
    /// unless there is a token.
    ///
    /// # Errors
    /// There is one, and it is another.
    pub fn may_see_alarms(&self, headers: &HeaderMap) -> Result<(), Reason> {
        match self.of_alarms() {
            Some(held) => check(Some(held), headers),
            None => Ok(()),
        }
    }

    fn of_alarms(&self) -> Option<&Secret> {
        let own = self.alarms.as_ref();
        own.or(self.provisioning.as_ref()).or(self.service.as_ref())
    }

    /// Whether an operator of busy lamps sent these headers: whoever has the token for them, or,
    /// when there is none, that of the AuthService. Takes equally long for every wrong token of a
    /// length.
    ///
    /// # Errors
    /// It is not, or nobody is.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Reason> {
        check(self.lamps.as_ref().or(self.service.as_ref()), headers)
    }

    /// Whether who sent these headers may see event channels and CTI sessions: everybody who
    /// reaches the admin listener, unless there is a token; then whoever has one of them.
    #[must_use]
    pub fn may_look(&self, headers: &HeaderMap) -> bool {
        let shown = shown(headers);
        let of = |held: &Option<Secret>| held.as_ref().map(|held| is_of(held, shown));
        match (of(&self.lamps), of(&self.service)) {
            (None, None) => true,
            // Both are compared, whatever the first says.
            (lamps, service) => lamps == Some(true) || service == Some(true),
        }
    }
}

fn check(held: Option<&Secret>, headers: &HeaderMap) -> Result<(), Reason> {
    let held = held.ok_or(Reason::OperatorTokenUnset)?;
    if is_of(held, shown(headers)) {
        Ok(())
    } else {
        Err(Reason::OperatorTokenWrong)
    }
}

/// The token of a request that has exactly one; empty without, which is nobody's.
fn shown(headers: &HeaderMap) -> &str {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    match (sent.next(), sent.next()) {
        (Some(one), None) => bearer(one.as_bytes()).unwrap_or_default(),
        (_, _) => "",
    }
}

fn is_of(held: &Secret, shown: &str) -> bool {
    let held = held.expose().trim_ascii();
    aws_lc_rs::constant_time::verify_slices_are_equal(held, shown.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn operators(lamps: Option<&str>, service: Option<&str>) -> Operators {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        Operators {
            alarms: None,
            lamps: lamps.map(secret),
            service: service.map(secret),
            provisioning: None,
        }
    }

    fn headers(sent: &[&'static str]) -> HeaderMap {
        let value = |text: &&'static str| (AUTHORIZATION, HeaderValue::from_static(text));
        let mut headers = HeaderMap::new();
        for (name, value) in sent.iter().map(value) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn either_token_shows_streams_and_sessions_and_without_any_everybody_sees_them() {
        for (lamps, service, sent, sees) in [
            (None, None, &[][..], true),
            (Some("l"), None, &[], false),
            (Some("l"), None, &["Bearer l"], true),
            (Some("l"), None, &["Bearer x"], false),
            (None, Some("s"), &["Bearer s"], true),
            (None, Some("s"), &["Bearer "], false),
            (Some("l"), Some("s"), &["Bearer l"], true),
            (Some("l"), Some("s"), &["Bearer s"], true),
            (Some("l"), Some("s"), &["Bearer l", "Bearer s"], false),
        ] {
            let operators = operators(lamps, service);
            assert_eq!(operators.may_look(&headers(sent)), sees, "{sent:?}");
        }
    }

    #[test]
    fn provisioning_has_a_token_of_its_own_and_that_of_lamps_is_none_of_it() {
        let mut operators = operators(Some("l"), Some("s"));
        let of = |operators: &Operators, sent| operators.check_provisioning(&headers(&[sent]));
        assert_eq!(of(&operators, "Bearer s"), Ok(()));
        operators.provisioning = Some(Secret::new(b"p".to_vec()));
        assert_eq!(of(&operators, "Bearer p"), Ok(()));
        for other in ["Bearer s", "Bearer l"] {
            assert_eq!(of(&operators, other), Err(Reason::OperatorTokenWrong));
        }
    }

    #[test]
    fn lamps_have_a_token_of_their_own_or_that_of_the_auth_service_and_never_none() {
        let wrong = Err(Reason::OperatorTokenWrong);
        for (lamps, service, sent, expected) in [
            (
                None,
                None,
                &["Bearer "][..],
                Err(Reason::OperatorTokenUnset),
            ),
            (Some("l\n"), Some("s"), &["Bearer l"], Ok(())),
            (Some("l"), Some("s"), &["Bearer s"], wrong),
            (None, Some("s"), &["Bearer s"], Ok(())),
            (Some("l"), None, &["Bearer l", "Bearer l"], wrong),
            (Some("l"), None, &["Basic l"], wrong),
            (Some("l"), None, &[], wrong),
        ] {
            let operators = operators(lamps, service);
            assert_eq!(operators.check(&headers(sent)), expected, "{sent:?}");
        }
    }
}
