//! What the series of the edge are told apart by.

use prometheus_client::encoding::EncodeLabelSet;

/// Labels: one listener.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListenerLabel {
    /// Name from the configuration.
    pub listener: String,
}

/// Labels: one listener and a word of an enum.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// Name from the configuration.
    pub listener: String,
    /// The word.
    pub reason: &'static str,
}

/// Labels: one listener and a TLS version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct VersionLabel {
    /// Name from the configuration.
    pub listener: String,
    /// As in `TLSv1_3`.
    pub version: &'static str,
}

/// Labels: one file of a trust set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct GenerationLabel {
    /// Name of the trust set.
    pub trust: String,
    /// File name of the generation.
    pub generation: String,
}
