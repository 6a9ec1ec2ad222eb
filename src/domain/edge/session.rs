//! A CTI session: why it ended, why an XSP did not take it, and which XSP is to take the next.

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SessionEnd {
    /// The client certificate ended.
    CertificateEnded,
    /// The client closed in order, and the XSP after it.
    ClientClosed,
    /// The client broke off.
    ClientLost,
    /// The daemon ended, and the time that a drain has was over.
    Drained,
    /// The identity is no longer on the list.
    IdentityUnlisted,
    /// Nothing moved for longer than the idle timeout.
    Idle,
    /// The trust anchor that let the client in was removed.
    TrustRemoved,
    /// The XSP closed in order, and the client after it.
    UpstreamClosed,
    /// The XSP broke off.
    UpstreamLost,
    /// The XSP refused our certificate when the handshake was done on our side, as TLS 1.3 has it.
    UpstreamRefused,
}

impl SessionEnd {
    /// Every end, so that each metric series starts at zero.
    pub const ALL: [Self; 10] = [
        Self::CertificateEnded,
        Self::ClientClosed,
        Self::ClientLost,
        Self::Drained,
        Self::IdentityUnlisted,
        Self::Idle,
        Self::TrustRemoved,
        Self::UpstreamClosed,
        Self::UpstreamLost,
        Self::UpstreamRefused,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateEnded => "certificate-ended",
            Self::ClientClosed => "client-closed",
            Self::ClientLost => "client-lost",
            Self::Drained => "drained",
            Self::IdentityUnlisted => "identity-unlisted",
            Self::Idle => "idle",
            Self::TrustRemoved => "trust-removed",
            Self::UpstreamClosed => "upstream-closed",
            Self::UpstreamLost => "upstream-lost",
            Self::UpstreamRefused => "upstream-refused",
        }
    }
}

/// Why an XSP did not take a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BridgeFault {
    /// It refused our certificate by an alert.
    CertificateRefused,
    /// No address, or nobody listening there.
    ConnectFailed,
    /// No connection in time.
    ConnectTimeout,
    /// TLS failed in another way, or took too long.
    TlsFailed,
    /// We do not believe its certificate.
    Untrusted,
}

impl BridgeFault {
    /// Every fault.
    pub const ALL: [Self; 5] = [
        Self::CertificateRefused,
        Self::ConnectFailed,
        Self::ConnectTimeout,
        Self::TlsFailed,
        Self::Untrusted,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateRefused => "certificate-refused",
            Self::ConnectFailed => "connect-failed",
            Self::ConnectTimeout => "connect-timeout",
            Self::TlsFailed => "tls-failed",
            Self::Untrusted => "untrusted",
        }
    }

    /// What to look at.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::CertificateRefused => {
                "the XSP refused our bridge certificate: is its CA in \
                 Interface/CTI/SSLCommonSettings/ClientAuthentication/Trusts, is it in its dates, \
                 and is its common name a ClientIdentity of the Application Server?"
            }
            Self::ConnectFailed => {
                "is the XSP up, does its CTI interface listen there, is `upstreams` right?"
            }
            Self::ConnectTimeout => "look at the network and the firewall between here and the XSP",
            Self::TlsFailed => {
                "is the CTI interface of the XSP secure (TLS), and has it TLS 1.2 with an AEAD suite?"
            }
            Self::Untrusted => {
                "the certificate of the XSP does not fit `ca`, `spki-pins` or `server-name` of \
                 [listener.bridge]"
            }
        }
    }
}

/// What is known of one XSP when a session asks for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Sessions open to it, and being opened.
    pub sessions: usize,
    /// Whether it failed a moment ago.
    pub failed: bool,
    /// Whether this session was turned away there already.
    pub tried: bool,
}

/// The XSP for a session: of those not tried yet the one with the least sessions, the first of
/// equals; one that failed a moment ago only when there is no other.
#[must_use]
pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| !candidate.tried)
        .min_by_key(|(_, candidate)| (candidate.failed, candidate.sessions))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(sessions: usize, failed: bool, tried: bool) -> Candidate {
        Candidate {
            sessions,
            failed,
            tried,
        }
    }

    #[test]
    fn the_least_used_that_did_not_just_fail_is_chosen() {
        let of = |list: &[(usize, bool, bool)]| {
            let list: Vec<_> = list
                .iter()
                .map(|(sessions, failed, tried)| candidate(*sessions, *failed, *tried))
                .collect();
            choose(&list)
        };
        for (candidates, expected) in [
            (&[(1, false, false), (0, false, false)][..], Some(1)),
            (&[(2, false, false), (2, false, false)], Some(0)),
            (&[(0, true, false), (9, false, false)], Some(1)),
            (&[(0, true, false), (9, false, true)], Some(0)),
            (&[(0, false, true), (0, true, true)], None),
            (&[], None),
        ] {
            assert_eq!(of(candidates), expected, "{candidates:?}");
        }
    }
}
