//! A small HTTPS client for the few calls to services on the Internet: Webex's identity, later
//! its provisioning and whoever wants alerts.
//!
//! One connection for each call, because the calls are seldom; TLS resumption makes the next one
//! cheap. No redirect is followed: the credentials are for the configured host alone. Answers are
//! read up to a cap. A proxy is used as the environment says.
//!
//! [`KeptClient`] is for one service that is called often: it keeps its connections.

mod call;
mod failure;
mod kept;
mod proxy;
mod relay;
#[cfg(test)]
pub(crate) mod tests;
mod tunnel;
mod url;
mod wait;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::config::Environment;
use crate::outbound::OutboundError;
use crate::outbound::web::proxy::Proxies;
use crate::tls::web::web_config;

pub use failure::WebFailure;
pub use kept::KeptAnswer;
pub use kept::KeptClient;
pub use kept::KeptFailure;
pub use kept::KeptLimits;
pub use kept::Way;
pub use relay::Passed;
pub use url::NotAWebUrl;
pub use url::WebUrl;
pub use wait::retry_after;

/// Time limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Address and TCP together, and TLS, and a proxy's consent, each.
    pub connect: Duration,
    /// Everything, from the address to the last byte of the answer.
    pub total: Duration,
}

impl Limits {
    /// Webex answers in tens of milliseconds; whoever asks us waits for 10 s at most.
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(3),
        total: Duration::from_secs(8),
    };
}

/// The client. Calls do not share anything but TLS sessions.
pub struct WebClient {
    tls: Arc<ClientConfig>,
    proxies: Proxies,
    limits: Limits,
}

/// One request.
#[derive(Debug)]
pub struct WebRequest<'a> {
    /// Its method.
    pub method: Method,
    /// Where to.
    pub url: &'a WebUrl,
    /// Its headers; `Host`, `Content-Length` and `User-Agent` are added.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Most bytes of the answer's body.
    pub answer_bytes: usize,
}

/// One answer, whatever its status.
#[derive(Debug)]
pub struct WebAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl WebClient {
    /// A client that believes the certificates in `ca`, or without it the public roots. Reads the
    /// file, blocking; called at start and reload only.
    ///
    /// # Errors
    /// The file cannot be used, or the environment names a proxy that cannot be.
    pub fn new(
        ca: Option<&Path>,
        environment: &Environment,
        limits: Limits,
    ) -> Result<Self, OutboundError> {
        let tls = web_config(ca).map_err(|fault| OutboundError::WebTls {
            fault: Box::new(fault),
        })?;
        Ok(Self {
            tls,
            proxies: Proxies::of(environment)?,
            limits,
        })
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Errors
    /// There is no answer, or it is too large.
    pub async fn call(&self, request: WebRequest<'_>) -> Result<WebAnswer, WebFailure> {
        timeout(self.limits.total, self.exchange(request))
            .await
            .unwrap_or(Err(WebFailure::Timeout(self.limits.total)))
    }

    async fn exchange(&self, request: WebRequest<'_>) -> Result<WebAnswer, WebFailure> {
        if request.url.is_plain() {
            let stream = tunnel::plain(request.url, self.limits.connect).await?;
            return call::exchange(stream, request).await;
        }
        let proxy = self.proxies.toward(request.url);
        let stream = tunnel::open(request.url, proxy, &self.tls, self.limits.connect).await?;
        call::exchange(stream, request).await
    }
}
