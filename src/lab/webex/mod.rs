//! A Webex, as far as a BroadWorks user meets it when signing in ([`identity`]), and a provider
//! when its users become subscribers ([`api`], [`bridge`]). The two know nothing of each other.
//!
//! Formats that Cisco has not published are the lab's own and are named as such where they stand;
//! what clients of production show (the token, the fetch, the refresh) is as they show it.

pub mod api;
pub mod bridge;
mod connections;
mod error;
pub mod identity;

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::rand;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lab::broadworks::BroadWorks;
use crate::lab::pki::Pair;
use crate::lab::webex::identity::Counts;
use crate::lab::webex::identity::Faults;
use crate::lab::webex::identity::Identity;
use crate::platform::tasks::Tasks;

pub use error::WebexError;

/// The one organization of the lab.
pub const ORGANIZATION: &str = "3f0c6f0e-7a1d-4f5b-9a55-1ab0e2d3c4b5";

/// What the service request "ADP AuthService Configuration" brings, in the lab: public, like its
/// passwords (BroadWorks Device Integration Guide).
pub const CLIENT_ID: &str = "C4a7e2d9f0b1c3a5d6e8f7091a2b3c4d5e6f70819";

/// The secret to [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "lab-0auth-client-secret";

/// The refresh token to [`CLIENT_ID`].
pub const REFRESH_TOKEN: &str = "lab-0auth-refresh-token";

/// Path of the IdP proxy, as documented `tokenInfoUrl`s have it.
pub const IDP_PROXY_PATH: &str = "/broadworks-idp-proxy/api/v1";

/// What a Webex needs to know of the world around it.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Port of the listener, for the issuer's name.
    pub port: u16,
    /// PEM file with the root that the provider's server certificates must end at.
    pub ca: PathBuf,
    /// Certificate for `localhost`.
    pub server: Pair,
    /// Webex's client certificate.
    pub client: Pair,
    /// Where the provider's AuthenticationService answers with CI token validation, as a URL
    /// without a path.
    pub provider_ci: String,
    /// Where it answers to a client certificate, as a URL without a path.
    pub provider_mtls: String,
}

/// The lab's Webex.
#[derive(Debug)]
pub struct Webex {
    identity: Identity,
}

impl Webex {
    /// Reads certificates and makes keys. Blocks for as long as two RSA keys take.
    ///
    /// # Errors
    /// When a file is not what it should be, or a key cannot be made.
    pub fn open(broadworks: Arc<BroadWorks>, setup: &Setup) -> Result<Arc<Self>, WebexError> {
        let identity = Identity::open(broadworks, setup)?;
        Ok(Arc::new(Self { identity }))
    }

    /// Serves Common Identity, the IdP proxy and the federation list over TLS until `stop` fires.
    /// Connections are tasks of their own and end by themselves after the stop.
    pub async fn serve_identity(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: &Tasks,
    ) {
        identity::serve(self, listener, stop, tasks).await;
    }

    /// What it is to do wrong.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.identity.faults
    }

    /// How often it was called.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.identity.counts
    }

    /// Name and URL of the issuer of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.identity.issuer
    }
}

/// Random bytes.
fn random<const N: usize>() -> Result<[u8; N], WebexError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| WebexError::Random)?;
    Ok(bytes)
}
