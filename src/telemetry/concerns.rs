//! Which refusals an operator sees in the log, and how loud they are.

use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::edge::ending::Ending;

/// Who has to know of a refusal.
#[derive(Clone, Copy)]
pub enum Concerns {
    /// Nobody: it is part of every day.
    Nobody,
    /// The operator who asks why; scanners cause it every day.
    TheCurious,
    /// The operator: a client that meant us was refused, or a limit is reached.
    TheOperator,
}

/// Of a failed handshake.
#[must_use]
pub const fn of_failure(reason: HandshakeReason) -> Concerns {
    match reason {
        // Load balancers look whether the port is open.
        HandshakeReason::Closed => Concerns::Nobody,
        HandshakeReason::Garbage
        | HandshakeReason::PlainHttp
        | HandshakeReason::ProtocolViolation
        | HandshakeReason::Timeout
        | HandshakeReason::TlsTooOld
        | HandshakeReason::UnknownServerName => Concerns::TheCurious,
        HandshakeReason::AlertFromPeer
        | HandshakeReason::AnchorExpired
        | HandshakeReason::CertificateBad
        | HandshakeReason::CertificateExpired
        | HandshakeReason::CertificateNameless
        | HandshakeReason::CertificateNotYetValid
        | HandshakeReason::CertificatePurposeAbsent
        | HandshakeReason::CertificatePurposeWrong
        | HandshakeReason::CertificateRequired
        | HandshakeReason::CertificateUnknownIssuer
        | HandshakeReason::IdentityUnlisted
        | HandshakeReason::NothingInCommon => Concerns::TheOperator,
    }
}

/// Of a connection that we ended.
#[must_use]
pub const fn of_ending(ending: Ending) -> Concerns {
    match ending {
        Ending::Drained | Ending::Idle | Ending::PeerGone => Concerns::Nobody,
        Ending::AddressUnlisted
        | Ending::CertificateEnded
        | Ending::HeadMalformed
        | Ending::HeadTooLarge
        | Ending::SlowHead
        | Ending::SlowReader
        | Ending::TrustRemoved => Concerns::TheCurious,
        Ending::AddressLimit | Ending::ListenerLimit | Ending::UpstreamUnreachable => {
            Concerns::TheOperator
        }
    }
}
