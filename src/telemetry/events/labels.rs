//! The labels of event channels, and what is told of a stream that has ended.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

use crate::domain::events::ending::StreamEnding;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct UpstreamLabel {
    pub(super) upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabel {
    pub(super) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultLabel {
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TypeLabel {
    pub(super) r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HintLabel {
    pub(super) hint: &'static str,
}

/// A stream that has ended.
pub struct EndedStream<'a> {
    /// Name of its XSP.
    pub upstream: &'a str,
    /// Why.
    pub ending: StreamEnding,
    /// Since it was opened.
    pub age: Duration,
    /// Bytes relayed.
    pub bytes: u64,
    /// Events relayed.
    pub events: u64,
    /// Events that nobody acknowledged.
    pub unacknowledged: u64,
}

pub(super) fn upstream_label(upstream: &str) -> UpstreamLabel {
    UpstreamLabel {
        upstream: upstream.to_owned(),
    }
}
