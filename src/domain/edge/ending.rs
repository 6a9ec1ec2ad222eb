//! Why we end a connection that got past its handshake, or that was never let in.

/// One reason per way to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// Connections from this peer address are at their limit.
    AddressLimit,
    /// The listener says who may call, and this peer address is nobody of them.
    AddressUnlisted,
    /// The client certificate ended while the connection was open.
    CertificateEnded,
    /// The daemon drains.
    Drained,
    /// A request head that could be read in two ways, or that breaks the syntax.
    HeadMalformed,
    /// A request head larger than the limit.
    HeadTooLarge,
    /// No request for longer than the idle timeout.
    Idle,
    /// Connections on this listener are at their limit.
    ListenerLimit,
    /// The peer went away with a request in flight.
    PeerGone,
    /// The peer took longer than the header timeout to send a request head.
    SlowHead,
    /// The peer asks for answers and does not read them.
    SlowReader,
    /// The trust anchor that let the client in was removed.
    TrustRemoved,
    /// The upstream of a passed-through connection could not be reached.
    UpstreamUnreachable,
}

impl Ending {
    /// Every ending, so that each metric series starts at zero.
    pub const ALL: [Self; 13] = [
        Self::AddressLimit,
        Self::AddressUnlisted,
        Self::CertificateEnded,
        Self::Drained,
        Self::HeadMalformed,
        Self::HeadTooLarge,
        Self::Idle,
        Self::ListenerLimit,
        Self::PeerGone,
        Self::SlowHead,
        Self::SlowReader,
        Self::TrustRemoved,
        Self::UpstreamUnreachable,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressLimit => "address-limit",
            Self::AddressUnlisted => "address-unlisted",
            Self::CertificateEnded => "certificate-ended",
            Self::Drained => "drained",
            Self::HeadMalformed => "head-malformed",
            Self::HeadTooLarge => "head-too-large",
            Self::Idle => "idle",
            Self::ListenerLimit => "listener-limit",
            Self::PeerGone => "peer-gone",
            Self::SlowHead => "slow-head",
            Self::SlowReader => "slow-reader",
            Self::TrustRemoved => "trust-removed",
            Self::UpstreamUnreachable => "upstream-unreachable",
        }
    }
}
