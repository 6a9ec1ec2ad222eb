//! Why the daemon cannot start, or a reload cannot take effect.

use crate::app::provisioning::ProvisioningError;
use crate::config::Problem;
use crate::inbound::endpoints::provisioning::AdapterError;
use crate::inbound::listener::BindError;
use crate::outbound::OutboundError;
use crate::store::StoreError;
use crate::tls::TlsError;
use crate::workers::auth_desk::DeskError;
use crate::workers::blf_gate::OperatorError;
use crate::workers::blf_tracker::BlfError;

/// One problem; there are often several.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(Box<Problem>),
    /// Key material is wrong.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An upstream pool cannot be built.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// An address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// AuthService cannot be built.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Busy lamps cannot be tracked.
    #[error(transparent)]
    Blf(#[from] BlfError),
    /// The secret of operators cannot be read.
    #[error(transparent)]
    Operators(#[from] OperatorError),
    /// A template cannot be served.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// Nothing could be provisioned.
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
    /// What provisioning keeps cannot be used.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// A change that needs a restart.
    #[error("{path}: changed, but takes effect only after a restart")]
    NeedsRestart {
        /// Path of the setting.
        path: String,
    },
    /// A provisioning URL changed that only Cisco may change.
    #[error(
        "template.{template}: its provisioning URL changed or is gone, and the cluster {cluster:?} \
         has {customers} customers: with more than 50 the provider must not edit such URLs; open a \
         case with Cisco TAC. What TAC has changed already takes effect by a restart"
    )]
    ManyCustomers {
        /// The template.
        template: String,
        /// Its cluster.
        cluster: String,
        /// Customers that Partner Hub shows for it.
        customers: u32,
    },
    /// The log cannot be set up.
    #[error("log: {0}")]
    Log(String),
}
