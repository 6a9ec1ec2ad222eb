//! Which proof of who signs in counts at `/authService/token` (AuthService field page, 1.4.1):
//! a CI token, a BroadWorks password, or the word of a listed peer about its user.

use crate::domain::auth::answer::AuthReason;

/// How a host wants its callers to prove themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// By the user's CI token alone.
    Ci,
    /// By a client certificate first.
    Mtls,
}

/// What the configuration accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts {
    /// CI tokens: an identity provider is configured.
    pub ci: bool,
    /// User id and password.
    pub basic: bool,
    /// A header in which a listed peer names the user.
    pub asserted: bool,
}

/// The client certificate of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// None.
    Absent,
    /// Verified, its owner on the list.
    Listed,
    /// Verified, its owner not on the list.
    Unlisted,
}

/// The credentials that came with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// `Authorization: Basic`.
    Basic,
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization` with another scheme.
    Other,
    /// No `Authorization`, but the header that names the user.
    Asserted,
    /// Nothing.
    Nothing,
}

/// The proof that is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The peer's word.
    Asserted,
    /// The CI token.
    Ci,
    /// The password.
    Password,
}

/// Decides which proof counts.
///
/// # Errors
/// Why none does.
pub const fn decide(
    policy: Policy,
    accepts: Accepts,
    certificate: Certificate,
    presented: Presented,
) -> Result<Proof, AuthReason> {
    match (policy, certificate) {
        (Policy::Mtls, Certificate::Absent | Certificate::Unlisted) => {
            return Err(AuthReason::ClientIdentityNotAllowed);
        }
        (Policy::Mtls, Certificate::Listed) | (Policy::Ci, _) => {}
    }
    match presented {
        Presented::Bearer if accepts.ci => Ok(Proof::Ci),
        Presented::Basic if accepts.basic => Ok(Proof::Password),
        Presented::Asserted if accepts.asserted => match certificate {
            Certificate::Listed => Ok(Proof::Asserted),
            // Said by anyone else it is worth nothing, and is as if it were not there.
            Certificate::Absent | Certificate::Unlisted => Err(AuthReason::CredentialsMissing),
        },
        Presented::Asserted | Presented::Nothing => Err(AuthReason::CredentialsMissing),
        Presented::Basic | Presented::Bearer | Presented::Other => {
            Err(AuthReason::CredentialsNotAccepted)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Accepts = Accepts {
        ci: true,
        basic: true,
        asserted: true,
    };
    const NONE: Accepts = Accepts {
        ci: false,
        basic: false,
        asserted: false,
    };

    #[test]
    fn each_proof_counts_where_it_is_accepted() {
        use Certificate::Absent;
        use Certificate::Listed;
        use Certificate::Unlisted;
        let table = [
            (Policy::Ci, Absent, Presented::Bearer, Ok(Proof::Ci)),
            (Policy::Ci, Listed, Presented::Bearer, Ok(Proof::Ci)),
            (Policy::Ci, Absent, Presented::Basic, Ok(Proof::Password)),
            (Policy::Ci, Listed, Presented::Asserted, Ok(Proof::Asserted)),
            (
                Policy::Ci,
                Absent,
                Presented::Asserted,
                Err(AuthReason::CredentialsMissing),
            ),
            (
                Policy::Ci,
                Unlisted,
                Presented::Asserted,
                Err(AuthReason::CredentialsMissing),
            ),
            (
                Policy::Ci,
                Absent,
                Presented::Nothing,
                Err(AuthReason::CredentialsMissing),
            ),
            (
                Policy::Ci,
                Absent,
                Presented::Other,
                Err(AuthReason::CredentialsNotAccepted),
            ),
            (Policy::Mtls, Listed, Presented::Bearer, Ok(Proof::Ci)),
            (Policy::Mtls, Listed, Presented::Basic, Ok(Proof::Password)),
            (
                Policy::Mtls,
                Listed,
                Presented::Nothing,
                Err(AuthReason::CredentialsMissing),
            ),
        ];
        for (policy, certificate, presented, expected) in table {
            assert_eq!(
                decide(policy, ALL, certificate, presented),
                expected,
                "{policy:?} {certificate:?} {presented:?}"
            );
        }
    }

    #[test]
    fn under_mtls_nothing_counts_without_a_listed_certificate() {
        for certificate in [Certificate::Absent, Certificate::Unlisted] {
            for presented in [
                Presented::Asserted,
                Presented::Basic,
                Presented::Bearer,
                Presented::Nothing,
                Presented::Other,
            ] {
                assert_eq!(
                    decide(Policy::Mtls, ALL, certificate, presented),
                    Err(AuthReason::ClientIdentityNotAllowed)
                );
            }
        }
    }

    #[test]
    fn what_is_not_accepted_never_counts() {
        for policy in [Policy::Ci, Policy::Mtls] {
            for presented in [
                Presented::Asserted,
                Presented::Basic,
                Presented::Bearer,
                Presented::Nothing,
                Presented::Other,
            ] {
                assert!(decide(policy, NONE, Certificate::Listed, presented).is_err());
            }
        }
    }
}
