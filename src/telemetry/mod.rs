//! What we tell: metric names, event structs, health.
//!
//! Each part of the edge has a file with its metrics and its event methods; an event writes the
//! log line and moves the metric, so that the two never disagree.

pub mod http;
pub mod upstream;

use prometheus_client::registry::Registry;

/// All metrics of the process.
pub struct Telemetry {
    registry: Registry,
}

impl Telemetry {
    /// A fresh registry with every series at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            registry: Registry::with_prefix("xspd"),
        }
    }

    /// The text of `/metrics`, OpenMetrics 1.0.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# encoding failed: {error}\n# EOF\n"),
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}
