//! What is counted of handshakes, read back for those who judge it.

use std::sync::Arc;

use crate::domain::alarms::refusals::Counted;
use crate::domain::auth::handshake::HandshakeReason;
use crate::telemetry::edge::EdgeMetrics;
use crate::telemetry::edge::VersionLabel;
use crate::telemetry::edge::reason_label;

impl EdgeMetrics {
    /// Handshakes of a listener since the start: how many were done, and how many came to nothing.
    #[must_use]
    pub fn handshakes_of(&self, listener: &Arc<str>) -> Counted {
        let done = |version| {
            let label = VersionLabel {
                listener: listener.to_string(),
                version,
            };
            self.handshakes
                .get(&label)
                .map_or(0, |counter| counter.get())
        };
        let refused = |reason: HandshakeReason| {
            let label = reason_label(listener, reason.as_str());
            let total = self.failures.get(&label);
            (reason, total.map_or(0, |counter| counter.get()))
        };
        Counted {
            listener: Arc::clone(listener),
            let_in: done("TLSv1_2") + done("TLSv1_3"),
            refused: HandshakeReason::ALL.map(refused).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use prometheus_client::registry::Registry;

    use super::*;
    use crate::telemetry::edge::FailedHandshake;

    #[test]
    fn handshakes_are_counted_by_their_outcome_and_an_unknown_listener_has_none() {
        let edge = EdgeMetrics::register(&mut Registry::default());
        let (name, other) = (Arc::from("edge"), Arc::from("other"));
        let listener = edge.listener(&name);
        listener.handshake_done("TLSv1_3");
        listener.handshake_done("TLSv1_2");
        let stranger = HandshakeReason::CertificateUnknownIssuer;
        listener.handshake_failed(&FailedHandshake {
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            reason: stranger,
            subject: None,
            issuer: None,
            detail: &"no issuer",
        });
        let counted = edge.handshakes_of(&name);
        assert_eq!(counted.let_in, 2);
        for (reason, total) in counted.refused {
            assert_eq!(total, u64::from(reason == stranger), "{reason:?}");
        }
        assert_eq!(edge.handshakes_of(&other).let_in, 0);
    }
}
