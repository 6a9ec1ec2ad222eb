//! How the stream of a channel ends, and what is not looked into.

/// One word for each way to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamEnding {
    /// The client left, or its connection was ended for a reason of its own.
    ClientGone,
    /// The daemon drains and its time was over.
    Drained,
    /// The client took nothing for longer than `write-timeout`.
    SlowReader,
    /// The XSP ended the stream in order.
    UpstreamEnded,
    /// The XSP sent nothing for longer than `idle-timeout`.
    UpstreamIdle,
    /// The XSP, or the way to it, broke the stream off.
    UpstreamLost,
}

impl StreamEnding {
    /// Every ending.
    pub const ALL: [Self; 6] = [
        Self::ClientGone,
        Self::Drained,
        Self::SlowReader,
        Self::UpstreamEnded,
        Self::UpstreamIdle,
        Self::UpstreamLost,
    ];

    /// The word for labels, logs and the README.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client-gone",
            Self::Drained => "drained",
            Self::SlowReader => "slow-reader",
            Self::UpstreamEnded => "upstream-ended",
            Self::UpstreamIdle => "upstream-idle",
            Self::UpstreamLost => "upstream-lost",
        }
    }
}

/// Why a stretch of a stream was relayed but not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unseen {
    /// It declares a document type.
    Declared,
    /// It is not XML.
    Malformed,
    /// It is larger than `document-bytes`.
    TooLarge,
}

impl Unseen {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Declared, Self::Malformed, Self::TooLarge];

    /// The word for labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
        }
    }
}
