//! What the outside's failures mean for whoever asked AuthService.

use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::domain::auth::ci::refusal::CiRefusal;
use crate::domain::auth::token::TokenFault;
use crate::domain::auth::validation::NotValid;
use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::Unreachable;

/// Of a question about a user who is known by other means than a password.
pub(super) fn of_ocip(failure: &OcipFailure) -> Refused {
    match failure {
        OcipFailure::BadCredentials => AuthReason::BadCredentials.into(),
        OcipFailure::BadAnswer(_) | OcipFailure::Refused { .. } => AuthReason::AsBadAnswer.into(),
        OcipFailure::Locked => AuthReason::UserLocked.into(),
        OcipFailure::RateLimited { retry_after } => {
            Refused::until(AuthReason::AsBusy, *retry_after)
        }
        OcipFailure::UnknownUser => AuthReason::UnknownUser.into(),
        OcipFailure::Unreachable(Unreachable::Paused { retry_after }) => {
            Refused::until(AuthReason::AsUnreachable, *retry_after)
        }
        OcipFailure::Timeout | OcipFailure::Unreachable(_) => AuthReason::AsUnreachable.into(),
    }
}

/// Of a password: no answer tells whether there is such a user.
pub(super) fn of_password(failure: &OcipFailure) -> Refused {
    match failure {
        OcipFailure::UnknownUser => AuthReason::BadCredentials.into(),
        OcipFailure::BadCredentials
        | OcipFailure::BadAnswer(_)
        | OcipFailure::Locked
        | OcipFailure::RateLimited { .. }
        | OcipFailure::Refused { .. }
        | OcipFailure::Timeout
        | OcipFailure::Unreachable(_) => of_ocip(failure),
    }
}

/// Whether a failure says something about the password.
pub(super) const fn judges_password(failure: &OcipFailure) -> bool {
    match failure {
        OcipFailure::BadCredentials | OcipFailure::Locked | OcipFailure::UnknownUser => true,
        OcipFailure::BadAnswer(_)
        | OcipFailure::RateLimited { .. }
        | OcipFailure::Refused { .. }
        | OcipFailure::Timeout
        | OcipFailure::Unreachable(_) => false,
    }
}

/// Of a CI token.
pub(super) fn of_ci(refusal: CiRefusal) -> Refused {
    let reason = match refusal {
        CiRefusal::BadAnswer => AuthReason::CiBadAnswer,
        CiRefusal::Busy | CiRefusal::Unreachable => AuthReason::CiUnreachable,
        CiRefusal::Expired => AuthReason::CiTokenExpired,
        CiRefusal::Inactive
        | CiRefusal::Malformed(_)
        | CiRefusal::TokenTooLarge
        | CiRefusal::WrongAlgorithm
        | CiRefusal::WrongIssuer
        | CiRefusal::WrongOrganization
        | CiRefusal::WrongType => AuthReason::CiTokenInvalid,
        CiRefusal::InsufficientScope => AuthReason::InsufficientScope,
        CiRefusal::NoBroadWorksUser => AuthReason::NoBroadWorksUser,
        CiRefusal::ResponseTooLarge => AuthReason::CiResponseTooLarge,
        CiRefusal::ServiceToken => AuthReason::CiServiceToken,
    };
    reason.into()
}

/// Of a token of ours, or one that passes for it. What is written as we would never write it is
/// somebody else's; what names a key of ours and does not hold is nobody's.
pub(super) const fn of_token(fault: TokenFault) -> NotValid {
    match fault {
        TokenFault::Expired => NotValid::Expired,
        TokenFault::Algorithm
        | TokenFault::CriticalHeader
        | TokenFault::KeyInHeader
        | TokenFault::Malformed
        | TokenFault::NotAJws
        | TokenFault::UnknownKey => NotValid::Foreign,
        TokenFault::ClaimMissing
        | TokenFault::ClaimType
        | TokenFault::Contradiction
        | TokenFault::DuplicateMember
        | TokenFault::Issuer
        | TokenFault::NotYetValid
        | TokenFault::Signature
        | TokenFault::TooLarge
        | TokenFault::TooLongLived => NotValid::Invalid,
    }
}

/// Of a token that nobody can judge now.
pub(super) const fn unavailable(failure: &OcipFailure) -> NotValid {
    let retry_after = match failure {
        OcipFailure::RateLimited { retry_after }
        | OcipFailure::Unreachable(Unreachable::Paused { retry_after }) => Some(*retry_after),
        OcipFailure::BadAnswer(_)
        | OcipFailure::BadCredentials
        | OcipFailure::Locked
        | OcipFailure::Refused { .. }
        | OcipFailure::Timeout
        | OcipFailure::UnknownUser
        | OcipFailure::Unreachable(
            Unreachable::Closed | Unreachable::Connect | Unreachable::Login | Unreachable::Stopping,
        ) => None,
    };
    NotValid::Unavailable { retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_for_nobody_is_a_wrong_password() {
        let unknown = of_password(&OcipFailure::UnknownUser);
        assert_eq!(unknown, of_password(&OcipFailure::BadCredentials));
        assert_eq!(unknown.reason, AuthReason::BadCredentials);
        let elsewhere = of_ocip(&OcipFailure::UnknownUser);
        assert_eq!(elsewhere.reason, AuthReason::UnknownUser);
    }

    #[test]
    fn an_application_server_that_is_away_is_no_fault_of_the_password() {
        for failure in [
            OcipFailure::Timeout,
            OcipFailure::Unreachable(Unreachable::Connect),
            OcipFailure::RateLimited {
                retry_after: std::time::Duration::from_secs(1),
            },
        ] {
            assert!(!judges_password(&failure));
            assert_eq!(of_password(&failure).reason.status(), 503, "{failure:?}");
        }
    }

    #[test]
    fn refusals_of_ci_have_their_status_and_error() {
        use crate::domain::auth::ci::refusal::TokenFlaw;
        let table = [
            (CiRefusal::BadAnswer, 502, "ci_unreachable"),
            (CiRefusal::Busy, 502, "ci_unreachable"),
            (CiRefusal::Expired, 401, "invalid_token"),
            (CiRefusal::Inactive, 401, "invalid_token"),
            (CiRefusal::InsufficientScope, 403, "insufficient_scope"),
            (CiRefusal::Malformed(TokenFlaw::Parts), 401, "invalid_token"),
            (CiRefusal::NoBroadWorksUser, 404, "unknown_user"),
            (CiRefusal::ResponseTooLarge, 502, "ci_response_too_large"),
            (CiRefusal::ServiceToken, 502, "ci_unreachable"),
            (CiRefusal::TokenTooLarge, 401, "invalid_token"),
            (CiRefusal::Unreachable, 502, "ci_unreachable"),
            (CiRefusal::WrongAlgorithm, 401, "invalid_token"),
            (CiRefusal::WrongIssuer, 401, "invalid_token"),
            (CiRefusal::WrongOrganization, 401, "invalid_token"),
            (CiRefusal::WrongType, 401, "invalid_token"),
        ];
        for (refusal, status, error) in table {
            let reason = of_ci(refusal).reason;
            let found = (reason.status().as_u16(), reason.error());
            assert_eq!(found, (status, error), "{refusal:?}");
        }
    }

    #[test]
    fn what_a_key_of_ours_may_have_signed_is_never_foreign() {
        for fault in [
            TokenFault::ClaimMissing,
            TokenFault::ClaimType,
            TokenFault::Contradiction,
            TokenFault::Issuer,
            TokenFault::NotYetValid,
            TokenFault::Signature,
            TokenFault::TooLongLived,
        ] {
            assert_eq!(of_token(fault), NotValid::Invalid, "{fault:?}");
        }
        assert_eq!(of_token(TokenFault::Expired), NotValid::Expired);
    }
}
