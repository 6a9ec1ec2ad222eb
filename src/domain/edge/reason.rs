//! Every refusal of the edge: one word, one status, one sentence.
//!
//! The word is the label value of the metric, the field of the access log and the word in the
//! README. The sentence goes to the client and therefore says nothing about what is behind us.

use http::StatusCode;

use crate::domain::edge::target::TargetFault;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident, $word:literal, $status:ident, $sentence:literal;)+) => {
        /// Why the edge answered by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
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

            /// The sentence sent.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

reasons! {
    /// Whether a token holds cannot be said now, or no login token can be had for it.
    AuthUnavailable, "auth-unavailable", SERVICE_UNAVAILABLE, "The credentials cannot be checked now; try again later.";
    /// The request body ended early or was framed wrongly.
    BodyBroken, "body-broken", BAD_REQUEST, "The request body could not be read.";
    /// Longer pause in the request body than `body-timeout`.
    BodyStalled, "body-stalled", REQUEST_TIMEOUT, "The request body did not arrive in time.";
    /// More request body than `body-bytes`.
    BodyTooLarge, "body-too-large", PAYLOAD_TOO_LARGE, "The request body is too large.";
    /// Rule `call-center`.
    CallCenterDenied, "call-center-denied", FORBIDDEN, "Call center resources are not available here.";
    /// Rule `call-me-now`.
    CallMeNowDenied, "call-me-now-denied", FORBIDDEN, "CallMeNow is not available here.";
    /// Limit `channel-opens-per-minute` of one user.
    ChannelOpensLimit, "channel-opens-limit", TOO_MANY_REQUESTS, "Too many event channels were opened; try again later.";
    /// Limit `channels`.
    ChannelsLimit, "channels-limit", SERVICE_UNAVAILABLE, "Too many event channels are open; try again later.";
    /// Limit `channels-per-application`.
    ChannelsPerApplication, "channels-per-application", TOO_MANY_REQUESTS, "Too many event channels of this application are open.";
    /// Limit `channels-per-user`.
    ChannelsPerUser, "channels-per-user", TOO_MANY_REQUESTS, "Too many event channels of this user are open.";
    /// The route wants a client certificate.
    CertificateRequired, "certificate-required", FORBIDDEN, "A client certificate is required.";
    /// More than one `Authorization`.
    CredentialConflict, "credential-conflict", BAD_REQUEST, "The request has more than one credential.";
    /// Rule `device-token`.
    DeviceTokenDenied, "device-token-denied", FORBIDDEN, "DeviceToken is not available here.";
    /// The daemon drains and opens no event channel.
    Draining, "draining", SERVICE_UNAVAILABLE, "The service moves; connect again.";
    /// Rule `group`.
    GroupDenied, "group-denied", FORBIDDEN, "Group resources are not available here.";
    /// Too many refused passwords from this address.
    GuessingLockout, "guessing-lockout", TOO_MANY_REQUESTS, "Too many failed logins; try again later.";
    /// A heartbeat sooner than `heartbeat-interval`.
    HeartbeatLimit, "heartbeat-limit", TOO_MANY_REQUESTS, "Heartbeats of this channel come too fast.";
    /// More than one `Host`.
    HostDuplicate, "host-duplicate", BAD_REQUEST, "The request has more than one host.";
    /// `Host` is not `host[:port]`.
    HostMalformed, "host-malformed", BAD_REQUEST, "The host of the request is malformed.";
    /// No `Host`.
    HostMissing, "host-missing", BAD_REQUEST, "The request has no host.";
    /// `Host` is not the server name of the TLS handshake.
    HostNotServerName, "host-not-server-name", MISDIRECTED_REQUEST, "The host is not the one this connection was made for.";
    /// `Host` is not served by this listener.
    HostUnknown, "host-unknown", MISDIRECTED_REQUEST, "The host is not served here.";
    /// A verified certificate whose owner is not on the list.
    IdentityNotListed, "identity-not-listed", FORBIDDEN, "The owner of the client certificate has no access.";
    /// Contradicting body lengths: request smuggling.
    LengthConflict, "length-conflict", BAD_REQUEST, "The length of the request is ambiguous.";
    /// CONNECT or TRACE.
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed.";
    /// A method that neither interface has.
    MethodUnknown, "method-unknown", NOT_IMPLEMENTED, "The method is not known.";
    /// A preflight from an origin that is not on the list.
    OriginDenied, "origin-denied", FORBIDDEN, "The origin has no access.";
    /// Rule `outgoing-dial`.
    OutgoingDialDenied, "outgoing-dial-denied", FORBIDDEN, "Dialling out of a room is not available here.";
    /// Rule `password-change`.
    PasswordChangeDenied, "password-change-denied", FORBIDDEN, "Changing passwords is not available here.";
    /// Limit `rate` of all callers.
    RateLimit, "rate-limit", TOO_MANY_REQUESTS, "Too many requests; try again later.";
    /// Rule `route-point`.
    RoutePointDenied, "route-point-denied", FORBIDDEN, "Route point resources are not available here.";
    /// No route has this prefix.
    RouteUnknown, "route-unknown", NOT_FOUND, "There is nothing here.";
    /// The route is not served under this host.
    RouteUnserved, "route-unserved", NOT_FOUND, "There is nothing here.";
    /// Rule `system`.
    SystemDenied, "system-denied", FORBIDDEN, "System resources are not available here.";
    /// The host in the target is not the one in `Host`.
    TargetAuthority, "target-authority", BAD_REQUEST, "The target and the host disagree.";
    /// A control character in the target.
    TargetControlCharacter, "target-control-character", BAD_REQUEST, "The target holds a control character.";
    /// A `.` or `..` segment in the target.
    TargetDotSegment, "target-dot-segment", BAD_REQUEST, "The target holds a dot segment.";
    /// A separator hidden in a parameter of the target.
    TargetHiddenSeparator, "target-hidden-separator", BAD_REQUEST, "The target holds a hidden separator.";
    /// The target is no path.
    TargetMalformed, "target-malformed", BAD_REQUEST, "The target is malformed.";
    /// Overlong UTF-8 in the target.
    TargetOverlong, "target-overlong-encoding", BAD_REQUEST, "The target is encoded wrongly.";
    /// The target is too long.
    TargetTooLong, "target-too-long", URI_TOO_LONG, "The target is too long.";
    /// A token of ours that has ended.
    TokenExpired, "token-expired", UNAUTHORIZED, "The token has ended.";
    /// A bearer token that this farm did not make.
    TokenForeign, "token-foreign", UNAUTHORIZED, "The token is not valid.";
    /// A token that is not what it claims to be.
    TokenInvalid, "token-invalid", UNAUTHORIZED, "The token is not valid.";
    /// A good token of one user on the path of another.
    TokenOfOtherUser, "token-of-other-user", FORBIDDEN, "The token belongs to another user.";
    /// A token that was revoked.
    TokenRevoked, "token-revoked", UNAUTHORIZED, "The token was revoked.";
    /// A good token whose user is gone.
    TokenUserGone, "token-user-gone", UNAUTHORIZED, "The token is not valid.";
    /// A good token whose user is locked.
    TokenUserLocked, "token-user-locked", FORBIDDEN, "The user is locked.";
    /// A transfer coding other than `chunked`.
    TransferCoding, "transfer-coding", NOT_IMPLEMENTED, "The transfer coding is not known.";
    /// The XSP's answer is not HTTP.
    UpstreamBadAnswer, "upstream-bad-answer", BAD_GATEWAY, "The server behind gave no valid answer.";
    /// Every connection to the pool is in use.
    UpstreamBusy, "upstream-busy", SERVICE_UNAVAILABLE, "The service is overloaded; try again later.";
    /// The XSP closed before it answered.
    UpstreamClosed, "upstream-closed", BAD_GATEWAY, "The server behind closed the connection.";
    /// The XSP could not be reached.
    UpstreamConnect, "upstream-connect", BAD_GATEWAY, "The server behind cannot be reached.";
    /// The XSP did not take the connection in time.
    UpstreamConnectTimeout, "upstream-connect-timeout", GATEWAY_TIMEOUT, "The server behind cannot be reached in time.";
    /// The XSP did not answer in time.
    UpstreamResponseTimeout, "upstream-response-timeout", GATEWAY_TIMEOUT, "The server behind did not answer in time.";
    /// TLS with the XSP failed.
    UpstreamTls, "upstream-tls", BAD_GATEWAY, "The server behind cannot be trusted.";
    /// No XSP of the pool is up.
    UpstreamUnavailable, "upstream-unavailable", SERVICE_UNAVAILABLE, "The service is not available; try again later.";
    /// Limit `uploads-per-address`.
    UploadLimit, "upload-limit", TOO_MANY_REQUESTS, "Too many uploads at once; try again later.";
    /// Limit `user-rate` of one user.
    UserRateLimit, "user-rate-limit", TOO_MANY_REQUESTS, "Too many requests for this user; try again later.";
    /// Rule `version-1`.
    Version1Denied, "version-1-denied", FORBIDDEN, "Version 1 is not available here.";
}

impl From<TargetFault> for Reason {
    fn from(fault: TargetFault) -> Self {
        match fault {
            TargetFault::ControlCharacter => Self::TargetControlCharacter,
            TargetFault::DotSegment => Self::TargetDotSegment,
            TargetFault::HiddenSeparator => Self::TargetHiddenSeparator,
            TargetFault::NotAPath => Self::TargetMalformed,
            TargetFault::OverlongEncoding => Self::TargetOverlong,
            TargetFault::TooLong => Self::TargetTooLong,
        }
    }
}

impl Reason {
    /// Place in [`Reason::ALL`], for counters resolved once.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_kebab_case_and_unique_and_every_refusal_is_an_error_status() {
        let words: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let word = reason.as_str();
            let kebab =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(word.bytes().all(kebab), "{word}");
            assert!(reason.status().as_u16() >= 400, "{word}");
            assert!(reason.sentence().ends_with('.'), "{word}");
        }
    }

    #[test]
    fn index_is_the_place_in_the_list() {
        for (place, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), place);
        }
    }
}
