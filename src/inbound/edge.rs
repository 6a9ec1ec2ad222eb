//! What is live: one proven snapshot of configuration, key material, pools and front. A reload
//! publishes another by one swap; a connection or request uses the one it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;

use crate::config::Config;
use crate::config::Listener;
use crate::domain::ids::Fingerprint;
use crate::inbound::endpoints::blf::BlfApi;
use crate::inbound::hosts::HostTable;
use crate::inbound::http::AnswerBody;
use crate::inbound::http::Front;
use crate::inbound::peer::Peer;
use crate::outbound::Pools;
use crate::tls::host::HostTls;
use crate::tls::trust::TrustAnchors;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::blf_webhook::BlfWebhook;

/// One snapshot.
pub struct Edge {
    /// The configuration that it was built from.
    pub config: Arc<Config>,
    /// Our AuthService; `None` when the XSP's is relayed.
    pub desk: Option<AuthDesk>,
    /// Our busy lamps; `None` when they are off.
    pub lamps: Option<Arc<BlfApi>>,
    /// The receiver of their notifications, if there is one.
    pub webhook: Option<Arc<BlfWebhook>>,
    /// HTTP decisions and relay.
    pub front: Front,
    /// The upstream pools.
    pub pools: Arc<Pools>,
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
