//! Why a connection never got as far as a request. The word is the label value, the log field
//! and the README entry.

/// One reason per way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HandshakeReason {
    /// The peer refused *our* certificate or parameters by an alert.
    AlertFromPeer,
    /// The chain ends at an anchor of the trust set that is itself past its end.
    AnchorExpired,
    /// The client certificate is damaged or uses something we cannot verify.
    CertificateBad,
    /// The client certificate has ended.
    CertificateExpired,
    /// The client certificate has neither a SAN dNSName nor a common name.
    CertificateNameless,
    /// The client certificate is not valid yet.
    CertificateNotYetValid,
    /// The client certificate states no purpose, and `require-client-auth-eku` is on.
    CertificatePurposeAbsent,
    /// The client certificate is for another purpose, for example serverAuth only.
    CertificatePurposeWrong,
    /// No client certificate, where one is required.
    CertificateRequired,
    /// The client certificate does not chain to the listener's trust set.
    CertificateUnknownIssuer,
    /// The peer closed before the handshake was done.
    Closed,
    /// The peer's bytes are no TLS at all.
    Garbage,
    /// The client certificate is good, and its identity is not on the list of a listener that has
    /// no way to say so after the handshake.
    IdentityUnlisted,
    /// No common cipher suite, group or signature scheme.
    NothingInCommon,
    /// Plain HTTP on a TLS port.
    PlainHttp,
    /// The handshake broke the protocol.
    ProtocolViolation,
    /// The peer took too long.
    Timeout,
    /// TLS 1.0 or 1.1, or older than the listener's floor.
    TlsTooOld,
    /// A server name that this listener does not serve.
    UnknownServerName,
}

impl HandshakeReason {
    /// Every reason, so that each metric series starts at zero.
    pub const ALL: [Self; 19] = [
        Self::AlertFromPeer,
        Self::AnchorExpired,
        Self::CertificateBad,
        Self::CertificateExpired,
        Self::CertificateNameless,
        Self::CertificateNotYetValid,
        Self::CertificatePurposeAbsent,
        Self::CertificatePurposeWrong,
        Self::CertificateRequired,
        Self::CertificateUnknownIssuer,
        Self::Closed,
        Self::Garbage,
        Self::IdentityUnlisted,
        Self::NothingInCommon,
        Self::PlainHttp,
        Self::ProtocolViolation,
        Self::Timeout,
        Self::TlsTooOld,
        Self::UnknownServerName,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlertFromPeer => "alert-from-peer",
            Self::AnchorExpired => "anchor-expired",
            Self::CertificateBad => "certificate-bad",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNameless => "certificate-nameless",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificatePurposeAbsent => "certificate-purpose-absent",
            Self::CertificatePurposeWrong => "certificate-purpose-wrong",
            Self::CertificateRequired => "certificate-required",
            Self::CertificateUnknownIssuer => "certificate-unknown-issuer",
            Self::Closed => "closed",
            Self::Garbage => "garbage",
            Self::IdentityUnlisted => "identity-unlisted",
            Self::NothingInCommon => "nothing-in-common",
            Self::PlainHttp => "plain-http",
            Self::ProtocolViolation => "protocol-violation",
            Self::Timeout => "timeout",
            Self::TlsTooOld => "tls-too-old",
            Self::UnknownServerName => "unknown-server-name",
        }
    }
}
