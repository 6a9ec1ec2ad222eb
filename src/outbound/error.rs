//! What goes wrong when pools are built, and when a request is sent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::config::secret::SecretError;
use crate::domain::upstream::Failure;
use crate::outbound::broadworks::ocip::OcipSetupError;
use crate::outbound::web::NotAWebUrl;
use crate::tls::client::ClientTlsError;
use crate::tls::said::said;

/// Why a pool or a client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// What is configured of the Application Server cannot be used.
    #[error("application-server: {}", Causes(fault))]
    ApplicationServer {
        /// What is wrong with it.
        fault: OcipSetupError,
    },
    /// What is configured of an Application Server that reports cannot be used.
    #[error("ocir.as.{server}: {}", Causes(fault.as_ref()))]
    Ocir {
        /// Its name.
        server: String,
        /// What is wrong with it.
        fault: Box<OcipSetupError>,
    },
    /// The name for TLS towards the XSPs of a CTI bridge is none.
    #[error(
        "listener.{listener}.bridge: {name:?} is no server name; write a host name or an address"
    )]
    BridgeServerName {
        /// The listener.
        listener: String,
        /// As written.
        name: String,
    },
    /// The TLS files of a CTI bridge cannot be used.
    #[error("listener.{listener}.bridge: {}", Causes(&**fault))]
    BridgeTls {
        /// The listener.
        listener: String,
        /// What is wrong with them.
        fault: Box<ClientTlsError>,
    },
    /// The path of the health check is no request target.
    #[error(
        "pool.{pool}: the health check's path {path:?} is no request target; write it like `/path`"
    )]
    CheckPath {
        /// The pool.
        pool: String,
        /// As written.
        path: String,
    },
    /// The name for TLS is neither a host name nor an address.
    #[error(
        "pool.{pool}, upstream {upstream}: {name:?} is no server name; write a host name or an address"
    )]
    ServerName {
        /// The pool.
        pool: String,
        /// The upstream.
        upstream: String,
        /// As written.
        name: String,
    },
    /// The `Host` header cannot be sent.
    #[error(
        "pool.{pool}, upstream {upstream}: the Host header {value:?} cannot be sent; write `host` or `host:port`"
    )]
    HostHeader {
        /// The pool.
        pool: String,
        /// The upstream.
        upstream: String,
        /// As written.
        value: String,
    },
    /// The TLS files cannot be used.
    #[error("pool.{pool}, upstream {upstream}: {}", Causes(&**fault))]
    Tls {
        /// The pool.
        pool: String,
        /// The upstream.
        upstream: String,
        /// What is wrong with them.
        fault: Box<ClientTlsError>,
    },
    /// The configuration names a proxy that cannot be.
    #[error("proxy: expected http://host:port")]
    NamedProxy,
    /// The environment names a proxy that cannot be. Its value may hold a password.
    #[error("${variable}: expected http://host:port, or http://user:password@host:port")]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// A secret cannot be read.
    #[error("{key}: {fault}")]
    Secret {
        /// Its key in the configuration.
        key: &'static str,
        /// Why.
        fault: SecretError,
    },
    /// What is configured of a Webex partner cannot be used.
    #[error("webex-partner.{partner}: {fault}")]
    WebexPartner {
        /// Its name.
        partner: String,
        /// What is wrong.
        fault: Box<Self>,
    },
    /// The CA file of a service cannot be used.
    #[error("{}", Causes(&**fault))]
    WebTls {
        /// What is wrong with it.
        fault: Box<ClientTlsError>,
    },
    /// The URL of a service cannot be called.
    #[error("{key}: {url:?} cannot be called: {fault}")]
    WebUrl {
        /// Its key in the configuration.
        key: &'static str,
        /// As written.
        url: String,
        /// What is wrong with it.
        fault: NotAWebUrl,
    },
}

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// What came back is not HTTP, or its head is too large.
    #[error("{upstream} answered with something that is not HTTP")]
    BadResponse {
        /// Who did.
        upstream: Arc<str>,
    },
    /// All connections that the pool may hold to it are in use.
    #[error("all connections to {upstream} are in use")]
    Busy {
        /// To whom.
        upstream: Arc<str>,
    },
    /// The connection ended before a complete answer head; the request may have been carried out.
    #[error("{upstream} closed the connection before it answered")]
    ClosedBeforeAnswer {
        /// Who did.
        upstream: Arc<str>,
    },
    /// No address, or nobody listening there.
    #[error("no connection to {upstream}")]
    ConnectFailed {
        /// To whom.
        upstream: Arc<str>,
    },
    /// No connection within the time limit.
    #[error("no connection to {upstream} in time")]
    ConnectTimeout {
        /// To whom.
        upstream: Arc<str>,
    },
    /// The pool has no upstream.
    #[error("the pool has no upstream")]
    NoUpstream,
    /// The client's request body broke off.
    #[error("the client's request body broke off on its way to {upstream}")]
    RequestBody {
        /// To whom it was on its way.
        upstream: Arc<str>,
    },
    /// No answer head within the time limit.
    #[error("{upstream} did not answer in time")]
    ResponseTimeout {
        /// Who did not.
        upstream: Arc<str>,
    },
    /// The TLS handshake failed or took too long.
    #[error("no TLS with {upstream}")]
    TlsFailed {
        /// With whom.
        upstream: Arc<str>,
    },
}

impl SendFailure {
    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self.failure() {
            Some(failure) => failure.as_str(),
            None => "no-upstream",
        }
    }

    /// The upstream that was tried last.
    #[must_use]
    pub const fn upstream(&self) -> Option<&Arc<str>> {
        match self {
            Self::BadResponse { upstream }
            | Self::Busy { upstream }
            | Self::ClosedBeforeAnswer { upstream }
            | Self::ConnectFailed { upstream }
            | Self::ConnectTimeout { upstream }
            | Self::RequestBody { upstream }
            | Self::ResponseTimeout { upstream }
            | Self::TlsFailed { upstream } => Some(upstream),
            Self::NoUpstream => None,
        }
    }

    /// What it says about that upstream.
    pub(super) const fn failure(&self) -> Option<Failure> {
        match self {
            Self::BadResponse { .. } => Some(Failure::BadResponse),
            Self::Busy { .. } => Some(Failure::Busy),
            Self::ClosedBeforeAnswer { .. } => Some(Failure::ClosedBeforeAnswer),
            Self::ConnectFailed { .. } => Some(Failure::ConnectFailed),
            Self::ConnectTimeout { .. } => Some(Failure::ConnectTimeout),
            Self::NoUpstream => None,
            Self::RequestBody { .. } => Some(Failure::RequestBody),
            Self::ResponseTimeout { .. } => Some(Failure::ResponseTimeout),
            Self::TlsFailed { .. } => Some(Failure::TlsFailed),
        }
    }
}

/// Prints an error and all its causes in one line.
pub(crate) struct Causes<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", said(&self.0))?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {}", said(&error))?;
            cause = error.source();
        }
        Ok(())
    }
}
