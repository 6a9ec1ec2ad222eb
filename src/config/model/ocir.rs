//! OCI-R towards Application Servers.

use std::time::Duration;

use crate::config::ApplicationServerTls;
use crate::domain::provisioning::ids::ClusterName;

/// What administrators change, as Application Servers report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ocir {
    /// Pause before a connection is opened again.
    pub reconnect: Duration,
    /// Silence after which a connection counts as lost.
    pub silence: Duration,
    /// Time limit of TCP connect and of the TLS handshake, each.
    pub connect_timeout: Duration,
    /// How long an Application Server may be away before a warning is logged.
    pub down_warning: Duration,
    /// The Application Servers, one connection each.
    pub servers: Vec<OcirServer>,
}

/// One Application Server that reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcirServer {
    /// Name used by logs and metrics.
    pub name: String,
    /// The BroadWorks cluster that it belongs to.
    pub cluster: ClusterName,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS towards it; `None` speaks plain TCP.
    pub tls: Option<ApplicationServerTls>,
}
