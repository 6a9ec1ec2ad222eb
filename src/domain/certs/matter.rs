//! What a problem of a chain is about: the one list by which its dates, and what only servers need,
//! are told from the rest.

use std::time::SystemTime;

use crate::domain::certs::chain_problem::ChainProblem;

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// A certificate that ended then.
    End(SystemTime),
    /// What must be so of any chain.
    Form,
    /// What must be so of a server's chain, and not of a client's.
    Server,
    /// A certificate that begins only then.
    Start(SystemTime),
}

impl ChainProblem {
    /// What it is about.
    #[must_use]
    pub const fn matter(&self) -> Matter {
        match self {
            Self::Expired(_, end) => Matter::End(*end),
            Self::NotYetValid(_, start) => Matter::Start(*start),
            // Servers that know a client's issuer need no intermediates from it.
            Self::CommonNameOnly { .. }
            | Self::HostNotCovered { .. }
            | Self::IntermediatesMissing { .. }
            | Self::Wildcard { .. }
            | Self::WrongRole { .. } => Matter::Server,
            Self::CrossSignedRoot(_)
            | Self::Duplicate(_)
            | Self::Empty
            | Self::LeafIsCa(_)
            | Self::LeafNotFirst { .. }
            | Self::NoDigitalSignature(_)
            | Self::NotACa(_)
            | Self::NotACertificate(..)
            | Self::NotIssuedByNext { .. }
            | Self::PathTooLong(_)
            | Self::RootIncluded(_)
            | Self::SelfSigned(_)
            | Self::TooMany(_)
            | Self::UnknownCriticalExtension(..)
            | Self::Unneeded(_)
            | Self::UnsupportedSignature(..)
            | Self::WeakKey(..)
            | Self::WeakRootKey(..)
            | Self::WeakSignature(..)
            | Self::WrongOrder { .. } => Matter::Form,
        }
    }

    /// Whether only the passing of time brings or heals it: the files need not change.
    #[must_use]
    pub const fn is_about_dates(&self) -> bool {
        match self.matter() {
            Matter::End(_) | Matter::Start(_) => true,
            Matter::Form | Matter::Server => false,
        }
    }
}
