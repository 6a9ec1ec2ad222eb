//! What is live: one proven snapshot of configuration, key material, pools and front. A reload
//! publishes another by one swap; a connection or request uses the one it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;

use crate::config::Config;
use crate::config::IdentityMode;
use crate::config::Listener;
use crate::domain::ids::Fingerprint;
use crate::inbound::hosts::HostTable;
use crate::inbound::http::AnswerBody;
use crate::inbound::http::Front;
use crate::inbound::peer::Peer;
use crate::outbound::Pools;
use crate::outbound::bridge::Bridge;
use crate::tls::host::HostTls;
use crate::tls::trust::TrustAnchors;
use crate::workers::auth_desk::AuthDesk;

/// One snapshot.
pub struct Edge {
    /// The configuration that it was built from.
    pub config: Arc<Config>,
    /// Our AuthService; `None` when the XSP's is relayed.
    pub desk: Option<AuthDesk>,
    /// HTTP decisions and relay.
    pub front: Front,
    /// The upstream pools.
    pub pools: Arc<Pools>,
    /// The XSPs of CTI listeners, by the listener's name.
    pub bridges: Bridges,
    /// By position in `config.listeners`.
    pub listeners: Vec<ListenerEdge>,
    /// Trust sets by name.
    pub trust: BTreeMap<String, Arc<TrustAnchors>>,
}

/// The hosts of one listener.
pub struct ListenerEdge {
    /// Names to positions.
    pub table: HostTable,
    /// By position in the listener's hosts; empty on plaintext and pass-through listeners.
    pub hosts: Vec<HostTls>,
}

/// The XSPs behind each CTI listener.
pub type Bridges = BTreeMap<String, Arc<Bridge>>;

/// The place where the current snapshot hangs.
pub type Live = Arc<ArcSwap<Edge>>;

impl Edge {
    /// The listener of that name.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<(&Listener, &ListenerEdge)> {
        let at = self
            .config
            .listeners
            .iter()
            .position(|listener| listener.name == name)?;
        Some((self.config.listeners.get(at)?, self.listeners.get(at)?))
    }

    /// Whether an anchor is in a set.
    #[must_use]
    pub fn trusts(&self, set: &str, anchor: Fingerprint) -> bool {
        self.trust.get(set).is_some_and(|set| set.contains(anchor))
    }

    /// Whether a client that asked for `server_name` and has this identity would be let in on a
    /// listener now.
    #[must_use]
    pub fn lets_in(&self, listener: &str, server_name: Option<&str>, identity: &str) -> bool {
        let Some((listener, edge)) = self.listener(listener) else {
            return false;
        };
        let host = edge.table.find(server_name);
        let host = host.and_then(|at| listener.hosts.get(at));
        host.is_some_and(|host| match host.client_auth.mode {
            IdentityMode::Enforce => host.client_auth.identities.iter().any(|i| i == identity),
            IdentityMode::Observe => true,
        })
    }

    /// Answers one request. The listener is always there: reloads that remove one need a restart.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        peer: &Arc<Peer>,
    ) -> Option<Response<AnswerBody>> {
        let (listener, edge) = self.listener(&peer.listener)?;
        let name = peer.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        let host = edge.table.find(name).and_then(|at| listener.hosts.get(at));
        Some(self.front.answer(request, peer, listener, host).await)
    }
}
