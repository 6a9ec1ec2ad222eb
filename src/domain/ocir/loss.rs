//! Why nobody is heard.

/// Why a connection was not made, or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The Application Server closed it, or it broke.
    Closed,
    /// There was none: address, TCP or TLS.
    Connect,
    /// What came is no sequence of documents.
    Framing,
    /// No whole document came for too long.
    Silence,
}

impl Loss {
    /// All, in the order of their words.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Connect, Self::Framing, Self::Silence];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Connect => "connect",
            Self::Framing => "framing",
            Self::Silence => "silence",
        }
    }

    /// What an operator can do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Closed => {
                "see whether this host is in the OCI reporting access list of the Application Server"
            }
            Self::Connect => "check address, tls and ca, and the firewall",
            Self::Framing => "check that the port is serverPort of OCI reporting, and tls",
            Self::Silence => {
                "turn enableConnectionPing on, or raise silence above connectionPingIntervalSeconds"
            }
        }
    }
}

/// What becomes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The user is looked at.
    Check,
    /// Nothing that matters here.
    Ignored,
    /// A group or service provider is gone.
    Left,
    /// The messaging server of a level may have changed.
    Messaging,
    /// The users of a level are to be compared.
    Reconcile,
    /// It had come before.
    Repeated,
    /// It does not say about whom it is.
    Unclear,
    /// It, or its document, cannot be read.
    Unreadable,
}

impl Effect {
    /// All, in the order of their words.
    pub const ALL: [Self; 8] = [
        Self::Check,
        Self::Ignored,
        Self::Left,
        Self::Messaging,
        Self::Reconcile,
        Self::Repeated,
        Self::Unclear,
        Self::Unreadable,
    ];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Ignored => "ignored",
            Self::Left => "left",
            Self::Messaging => "messaging",
            Self::Reconcile => "reconcile",
            Self::Repeated => "repeated",
            Self::Unclear => "unclear",
            Self::Unreadable => "unreadable",
        }
    }
}
