//! Every way in which AuthService says no: one word for us, and status, `error` value and sentence
//! for the client (AuthService field page, section 1.4.1).
//!
//! The word is the label value of the metric, the field of the access log and the word in the
//! README. Several words may share one `error`: a client needs to know less than an operator.

use std::time::Duration;

use http::StatusCode;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident, $word:literal, $status:ident, $error:literal, $sentence:literal;)+) => {
        /// Why AuthService refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuthReason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl AuthReason {
            /// Every reason, for metrics that start at zero and for the README test.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word for labels, logs and the README.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The status sent.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// The member `error` of the answer.
            #[must_use]
            pub const fn error(self) -> &'static str {
                match self { $(Self::$name => $error,)+ }
            }

            /// The member `error_description` of the answer.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

reasons! {
    /// The Application Server answered something that is no answer to the question.
    AsBadAnswer, "as-bad-answer", SERVICE_UNAVAILABLE, "as_unreachable", "The Application Server gave no valid answer.";
    /// More questions to the Application Server than it is to be asked.
    AsBusy, "as-busy", SERVICE_UNAVAILABLE, "as_unreachable", "The Application Server is busy; try again later.";
    /// The Application Server cannot be reached.
    AsUnreachable, "as-unreachable", SERVICE_UNAVAILABLE, "as_unreachable", "The Application Server cannot be reached.";
    /// Wrong password, or no such user: the answer does not say which.
    BadCredentials, "bad-credentials", UNAUTHORIZED, "invalid_client", "The user id or the password is wrong.";
    /// More request body than AuthService takes.
    BodyTooLarge, "body-too-large", PAYLOAD_TOO_LARGE, "request_too_large", "The request body is too large.";
    /// The request body broke off.
    BodyBroken, "body-broken", BAD_REQUEST, "invalid_request", "The request body could not be read.";
    /// The identity provider answered something that cannot be understood.
    CiBadAnswer, "ci-bad-answer", BAD_GATEWAY, "ci_unreachable", "The identity provider gave no valid answer.";
    /// The identity provider's answer is larger than `ci-response-body-max-size-in-bytes`.
    CiResponseTooLarge, "ci-response-too-large", BAD_GATEWAY, "ci_response_too_large", "The answer of the identity provider is too large.";
    /// We have no access token of our own at the identity provider.
    CiServiceToken, "ci-service-token", BAD_GATEWAY, "ci_unreachable", "The identity provider does not know this service.";
    /// The user's CI token has ended.
    CiTokenExpired, "ci-token-expired", UNAUTHORIZED, "invalid_token", "The token has ended.";
    /// The user's CI token is not valid.
    CiTokenInvalid, "ci-token-invalid", UNAUTHORIZED, "invalid_token", "The token is not valid.";
    /// The identity provider cannot be reached.
    CiUnreachable, "ci-unreachable", BAD_GATEWAY, "ci_unreachable", "The identity provider cannot be reached.";
    /// No client certificate, or one whose owner is not on the list.
    ClientIdentityNotAllowed, "client-identity-not-allowed", FORBIDDEN, "client_identity_not_allowed", "The client certificate is missing or its owner has no access.";
    /// More than one `Authorization`.
    CredentialConflict, "credential-conflict", BAD_REQUEST, "invalid_request", "The request has more than one credential.";
    /// No credentials.
    CredentialsMissing, "credentials-missing", UNAUTHORIZED, "invalid_client", "Credentials are required.";
    /// Credentials of a kind that is not accepted here.
    CredentialsNotAccepted, "credentials-not-accepted", UNAUTHORIZED, "invalid_client", "Credentials of this kind are not accepted.";
    /// Credentials of an accepted kind that cannot be read.
    CredentialsMalformed, "credentials-malformed", UNAUTHORIZED, "invalid_client", "The credentials cannot be read.";
    /// The CI token lacks the scope.
    InsufficientScope, "insufficient-scope", FORBIDDEN, "insufficient_scope", "The token lacks the scope for BroadWorks calling.";
    /// `key` is no public key that can be used.
    KeyInvalid, "key-invalid", BAD_REQUEST, "invalid_key", "The key is not an RSA public key of 2048 to 4096 bits in base64url.";
    /// No `key`.
    KeyMissing, "key-missing", BAD_REQUEST, "invalid_key", "The parameter key is missing.";
    /// `key` more than once.
    KeyRepeated, "key-repeated", BAD_REQUEST, "invalid_key", "The parameter key is there more than once.";
    /// This node has no signing key.
    KeysNotReady, "keys-not-ready", SERVICE_UNAVAILABLE, "keys_not_ready", "This node has no signing key yet.";
    /// Too many failed logins of this user from here, or from this address.
    LoginBackOff, "login-back-off", TOO_MANY_REQUESTS, "slow_down", "Too many failed logins; try again later.";
    /// A method that the endpoint does not have.
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed.";
    /// The CI token names no BroadWorks user.
    NoBroadWorksUser, "no-broadworks-user", NOT_FOUND, "unknown_user", "The token belongs to no BroadWorks user.";
    /// An endpoint for the farm, asked by someone else.
    NotForYou, "not-for-you", FORBIDDEN, "access_denied", "This is for the farm and its operators only.";
    /// There is no such endpoint.
    NotFound, "not-found", NOT_FOUND, "not_found", "There is nothing here.";
    /// The operator token is not set.
    OperatorTokenUnset, "operator-token-unset", FORBIDDEN, "access_denied", "Set operator-token in [auth-service] to use this.";
    /// The operator token is missing or wrong.
    OperatorTokenWrong, "operator-token-wrong", UNAUTHORIZED, "invalid_token", "The operator token is missing or wrong.";
    /// A form that cannot be read.
    RequestMalformed, "request-malformed", BAD_REQUEST, "invalid_request", "The request cannot be read.";
    /// The user's tokens were revoked at a time that is still ahead on our clock.
    RevocationAhead, "revocation-ahead", SERVICE_UNAVAILABLE, "temporarily_unavailable", "A token made now would be revoked already; try again later.";
    /// A revocation could not be kept, or not be passed on, and is therefore not done.
    RevocationFailed, "revocation-failed", SERVICE_UNAVAILABLE, "temporarily_unavailable", "The revocation could not be kept; try again later.";
    /// Not done within the time that a request may take.
    TooSlow, "too-slow", SERVICE_UNAVAILABLE, "temporarily_unavailable", "The request took too long; try again later.";
    /// No such user, said by the identity provider's mapping or by a proven peer.
    UnknownUser, "unknown-user", NOT_FOUND, "unknown_user", "There is no such BroadWorks user.";
    /// The Application Server has locked the user.
    UserLocked, "user-locked", FORBIDDEN, "user_locked", "The user is locked.";
}

impl AuthReason {
    /// Place in [`AuthReason::ALL`], for counters resolved once.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A refusal and what its answer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: AuthReason,
    /// When to come back, if that is known.
    pub retry_after: Option<Duration>,
    /// What exactly is wrong, in our words, instead of the reason's sentence.
    pub detail: Option<String>,
}

impl From<AuthReason> for Refused {
    fn from(reason: AuthReason) -> Self {
        Self {
            reason,
            retry_after: None,
            detail: None,
        }
    }
}

impl Refused {
    /// A refusal that ends by itself.
    #[must_use]
    pub const fn until(reason: AuthReason, retry_after: Duration) -> Self {
        Self {
            reason,
            retry_after: Some(retry_after),
            detail: None,
        }
    }
}

/// The member `error` for a refusal that AuthService shares with all other routes.
#[must_use]
pub const fn error_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "access_denied",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::TOO_MANY_REQUESTS => "slow_down",
        _ if status.as_u16() >= 500 => "temporarily_unavailable",
        _ => "invalid_request",
    }
}

/// The body of a refusal.
#[must_use]
pub fn document(error: &str, description: &str, tracking_id: &str) -> String {
    let members = [
        ("error", error),
        ("error_description", description),
        ("trackingId", tracking_id),
    ];
    let mut out = String::with_capacity(192);
    for (place, (name, value)) in members.into_iter().enumerate() {
        out.push_str(if place == 0 { "{" } else { "," });
        // Our own texts and a harmless id: a JSON string of them cannot fail.
        let value = serde_json::Value::from(value);
        out.push_str(&format!("\"{name}\":{value}"));
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_unique_and_every_refusal_is_an_error_status() {
        let words: BTreeSet<_> = AuthReason::ALL
            .iter()
            .map(|reason| reason.as_str())
            .collect();
        assert_eq!(words.len(), AuthReason::ALL.len());
        for (place, reason) in AuthReason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), place);
            assert!(reason.status().as_u16() >= 400, "{reason:?}");
            assert!(reason.sentence().ends_with('.'), "{reason:?}");
            let snake = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(reason.error().bytes().all(snake), "{reason:?}");
        }
    }

    #[test]
    fn the_field_pages_list_is_covered() {
        let list = [
            (400, "invalid_key"),
            (400, "invalid_request"),
            (401, "invalid_token"),
            (401, "invalid_client"),
            (403, "insufficient_scope"),
            (403, "user_locked"),
            (403, "client_identity_not_allowed"),
            (404, "unknown_user"),
            (405, "method_not_allowed"),
            (413, "request_too_large"),
            (429, "slow_down"),
            (502, "ci_unreachable"),
            (502, "ci_response_too_large"),
            (503, "keys_not_ready"),
            (503, "as_unreachable"),
        ];
        for (status, error) in list {
            let found = AuthReason::ALL
                .iter()
                .any(|reason| reason.status().as_u16() == status && reason.error() == error);
            assert!(found, "{status} {error}");
        }
    }

    #[test]
    fn a_document_is_json_whatever_the_texts_hold() {
        let text = document("invalid_key", "say \"key\"", "XSPD_1");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["error"], "invalid_key");
        assert_eq!(read["error_description"], "say \"key\"");
        assert_eq!(read["trackingId"], "XSPD_1");
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_are_one_reason() {
        // The 404 is for callers that proved themselves otherwise than by the user's password.
        assert_eq!(AuthReason::BadCredentials.status(), 401);
        assert_eq!(AuthReason::UnknownUser.status(), 404);
    }
}
