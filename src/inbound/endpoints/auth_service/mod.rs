//! AuthService as its callers see it (AuthService field page, section 1.4): the same endpoints on
//! TLS listeners and on the admin listener, with other rights.
//!
//! * [`endpoint`]: paths and methods.
//! * [`token`]: `token`, which everybody may ask.
//! * [`farm`]: introspection, revocation and keys, for the farm and its operators.
//! * [`reply`]: answers.
//!
//! The token exchange of RFC 8693 (section 1.4.6) is off by default there and is not built.

pub mod endpoint;
mod farm;
pub mod reply;
mod token;

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http_body::Body;
use tokio::time::timeout;

use crate::domain::auth::access::Certificate;
use crate::domain::auth::access::Policy;
use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::inbound::endpoints::auth_service::endpoint::Endpoint;
use crate::inbound::endpoints::auth_service::reply::Reply;
use crate::outbound::ReadError;
use crate::outbound::read_capped;
use crate::telemetry::auth::Audit;
use crate::workers::auth_desk::AuthDesk;

/// Largest request body in bytes (AuthService field page, section 1.4): tokens have 2 KB.
pub const BODY_BYTES: usize = 64 * 1024;

/// Time limit of a request with all that it asks of others (section 1.4).
const DEADLINE: Duration = Duration::from_secs(10);

/// A question to AuthService.
pub struct Ask<'a> {
    /// Its head.
    pub method: &'a Method,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Query, as written.
    pub query: Option<&'a str>,
    /// Who asks.
    pub who: Who<'a>,
    /// Tracking id, the client's or ours.
    pub tracking_id: &'a str,
}

/// Who asks, and where.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// Somebody at the admin listener.
    Admin {
        /// Its address.
        address: IpAddr,
    },
    /// Somebody at a listener for clients.
    Client {
        /// Its address, or what a trusted proxy says of it.
        address: IpAddr,
        /// Name in its verified certificate.
        identity: Option<&'a str>,
        /// Fingerprint of that certificate.
        fingerprint: Option<crate::domain::ids::Fingerprint>,
        /// The certificate and the listener's list.
        certificate: Certificate,
        /// How the host wants callers of `token` to prove themselves.
        policy: Policy,
    },
}

impl Who<'_> {
    const fn address(&self) -> IpAddr {
        match self {
            Self::Admin { address } | Self::Client { address, .. } => *address,
        }
    }
}

/// Answers a question, always.
pub async fn answer<B>(desk: &AuthDesk, endpoint: Option<Endpoint>, ask: &Ask<'_>, body: B) -> Reply
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let began = crate::platform::clock::mono();
    let mut audit = Audit {
        endpoint: endpoint.map_or("none", Endpoint::as_str),
        ..Audit::default()
    };
    let answered = match endpoint {
        Some(endpoint) => {
            let answering = dispatch(desk, endpoint, ask, body, &mut audit);
            let late = |_| Err(AuthReason::TooSlow.into());
            timeout(DEADLINE, answering).await.unwrap_or_else(late)
        }
        None => Err(AuthReason::NotFound.into()),
    };
    audit.took = crate::platform::clock::mono().saturating_duration_since(began);
    let identity = match ask.who {
        Who::Admin { .. } => Some("admin"),
        Who::Client { identity, .. } => identity,
    };
    let fingerprint = match ask.who {
        Who::Admin { .. } => None,
        Who::Client { fingerprint, .. } => fingerprint,
    };
    let reply = match answered {
        Ok(reply) => reply,
        Err(refused) => {
            audit.reason = Some(refused.reason);
            Reply::refused(&refused, endpoint, ask)
        }
    };
    desk.metrics().answered(
        &audit,
        ask.who.address(),
        identity,
        fingerprint.as_ref(),
        ask.tracking_id,
    );
    reply
}

async fn dispatch<B>(
    desk: &AuthDesk,
    endpoint: Endpoint,
    ask: &Ask<'_>,
    body: B,
    audit: &mut Audit,
) -> Result<Reply, Refused>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if *ask.method == Method::OPTIONS {
        return Ok(Reply::methods(endpoint));
    }
    if !endpoint.takes(ask.method) {
        return Err(AuthReason::MethodNotAllowed.into());
    }
    match endpoint {
        Endpoint::Token => token::answer(desk, ask, audit).await,
        Endpoint::Ping => Ok(farm::ping(desk)),
        Endpoint::KeySet => farm::key_set(desk, ask),
        Endpoint::Introspect => {
            farm::check_rights(desk, endpoint, ask)?;
            farm::introspect(desk, &read(body).await?, audit).await
        }
        Endpoint::Revoke => {
            farm::check_rights(desk, endpoint, ask)?;
            farm::revoke(desk, ask, &read(body).await?, audit).await
        }
    }
}

async fn read<B>(body: B) -> Result<Bytes, AuthReason>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match read_capped(body, BODY_BYTES).await {
        Ok(bytes) => Ok(bytes),
        Err(ReadError::TooLarge(_)) => Err(AuthReason::BodyTooLarge),
        Err(ReadError::Broken(_)) => Err(AuthReason::BodyBroken),
    }
}
