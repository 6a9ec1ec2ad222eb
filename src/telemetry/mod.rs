//! What we tell: metrics, and the log lines that go with them.
//!
//! Each part of the edge has a file with its metrics and its event methods; an event writes the
//! log line and moves the metric, so that the two never disagree.

pub mod adapter;
pub mod alarms;
pub mod auth;
pub mod blf;
pub mod blf_api;
pub mod certificates;
pub mod ci;
pub mod concerns;
pub mod cti;
pub mod edge;
pub mod events;
pub mod http;
pub mod ocip;
pub mod ocir;
pub mod operations;
pub mod provisioning;
pub mod seldom;
pub mod upstream;
pub mod webex;

use std::sync::Arc;

use prometheus_client::encoding::text::encode_eof;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

use crate::telemetry::adapter::AdapterMetrics;
use crate::telemetry::alarms::AlarmMetrics;
use crate::telemetry::auth::AuthMetrics;
use crate::telemetry::blf::BlfMetrics;
use crate::telemetry::blf_api::BlfApiMetrics;
use crate::telemetry::certificates::CertificateMetrics;
use crate::telemetry::ci::CiMetrics;
use crate::telemetry::cti::CtiMetrics;
use crate::telemetry::edge::EdgeMetrics;
use crate::telemetry::events::EventMetrics;
use crate::telemetry::http::HttpMetrics;
use crate::telemetry::ocip::OcipMetrics;
use crate::telemetry::ocir::OcirMetrics;
use crate::telemetry::operations::OperationsMetrics;
use crate::telemetry::provisioning::ProvisioningMetrics;
use crate::telemetry::upstream::UpstreamMetrics;
use crate::telemetry::webex::WebexMetrics;

/// All metrics of the process.
pub struct Telemetry {
    registry: Registry,
    /// Families whose names have no prefix of ours.
    plain: Registry,
    /// Calls of the Application Server's provisioning.
    pub adapter: Arc<AdapterMetrics>,
    /// Alarms and who is told of them.
    pub alarms: Arc<AlarmMetrics>,
    /// AuthService.
    pub auth: Arc<AuthMetrics>,
    /// Busy lamps.
    pub blf: Arc<BlfMetrics>,
    /// The busy lamp API and its webhook.
    pub blf_api: Arc<BlfApiMetrics>,
    /// Everything that ends.
    pub certificates: Arc<CertificateMetrics>,
    /// Checks of CI tokens.
    pub ci: Arc<CiMetrics>,
    /// CTI sessions.
    pub cti: Arc<CtiMetrics>,
    /// Connections, handshakes, trust, reloads.
    pub edge: Arc<EdgeMetrics>,
    /// Event channels.
    pub events: Arc<EventMetrics>,
    /// Requests.
    pub http: Arc<HttpMetrics>,
    /// The Application Server over OCI-P.
    pub ocip: Arc<OcipMetrics>,
    /// What operators do with provisioning.
    pub operations: Arc<OperationsMetrics>,
    /// What Application Servers report.
    pub ocir: Arc<OcirMetrics>,
    /// The jobs of provisioning and their store.
    pub provisioning: Arc<ProvisioningMetrics>,
    /// Upstreams.
    pub upstream: Arc<UpstreamMetrics>,
    /// The Webex APIs.
    pub webex: Arc<WebexMetrics>,
}

impl Telemetry {
    /// A fresh registry with every series at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("xspd");
        let mut plain = Registry::default();
        Self {
            adapter: AdapterMetrics::register(&mut registry),
            alarms: AlarmMetrics::register(&mut registry),
            auth: AuthMetrics::register(&mut registry),
            blf: BlfMetrics::register(&mut registry),
            blf_api: BlfApiMetrics::register(&mut registry),
            certificates: CertificateMetrics::register(&mut plain),
            ci: CiMetrics::register(&mut registry),
            cti: CtiMetrics::register(&mut registry),
            edge: EdgeMetrics::register(&mut registry),
            events: EventMetrics::register(&mut registry),
            http: HttpMetrics::register(&mut registry),
            ocip: OcipMetrics::register(&mut registry),
            operations: OperationsMetrics::register(&mut registry),
            ocir: OcirMetrics::register(&mut registry),
            provisioning: ProvisioningMetrics::register(&mut registry),
            upstream: UpstreamMetrics::register(&mut registry),
            webex: WebexMetrics::register(&mut registry),
            registry,
            plain,
        }
    }

    /// The text of `/metrics`, OpenMetrics 1.0.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let encoded = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &self.plain))
            .and_then(|()| encode_eof(&mut text));
        match encoded {
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
