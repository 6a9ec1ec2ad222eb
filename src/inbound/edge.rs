//! What is live: one proven snapshot of configuration, key material, pools and front. A reload
//! publishes another by one swap; a connection or request uses the one it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;

use crate::config::Config;
use crate::config::IdentityMode;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::domain::edge::target::judge;
use crate::domain::ids::Fingerprint;
use crate::domain::xsi::path::user_below;
use crate::inbound::endpoints::blf::BlfApi;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::hosts::HostTable;
use crate::inbound::http::AnswerBody;
use crate::inbound::http::Front;
use crate::inbound::http::adapter;
use crate::inbound::http::challenge;
use crate::inbound::peer::Peer;
use crate::outbound::Pools;
use crate::outbound::bridge::Bridge;
use crate::tls::challenge::Challenges;
use crate::tls::host::HostTls;
use crate::tls::trust::TrustAnchors;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::blf_gate::Operators;
use crate::workers::blf_tracker::BlfBoard;
use crate::workers::blf_webhook::BlfWebhook;

/// One snapshot.
pub struct Edge {
    /// The configuration that it was built from.
    pub config: Arc<Config>,
    /// Our AuthService; `None` when the XSP's is relayed.
    pub desk: Option<AuthDesk>,
    /// Who is an operator; `None` before that was read, and then nobody is.
    pub operators: Option<Arc<Operators>>,
    /// Our busy lamps; `None` when they are off.
    pub lamps: Option<Arc<BlfApi>>,
    /// The receiver of their notifications, if there is one.
    pub webhook: Option<Arc<BlfWebhook>>,
    /// The board of busy lamps; `None` when no line is tracked.
    pub blf: Option<BlfBoard>,
    /// The provisioning adapter; `None` without templates.
    pub adapter: Option<Arc<Adapter>>,
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
    /// What a CA that looks whether a name is ours gets to see.
    pub challenges: Arc<Challenges>,
}

/// The XSPs behind each CTI listener.
pub type Bridges = BTreeMap<String, Arc<Bridge>>;

/// The place where the current snapshot hangs.
pub type Live = Arc<ArcSwap<Edge>>;

impl Edge {
    /// Answers about busy lamps as another snapshot does.
    pub fn keep_lamps(&mut self, other: &Self) {
        self.operators.clone_from(&other.operators);
        self.lamps.clone_from(&other.lamps);
        self.webhook.clone_from(&other.webhook);
        self.front.show_lamps(other.lamps.clone());
    }

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
        if listener.plaintext
            && let Some(text) = edge.challenges.text(request.uri().path())
        {
            return Some(challenge(text, request.method()));
        }
        let name = peer.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        let host = edge.table.find(name).and_then(|at| listener.hosts.get(at));
        if listener.kind == ListenerKind::Provisioning {
            // On the heap: relayed requests must not carry room for it.
            let found = self.adapter.as_deref()?;
            let answering = adapter(found, request, peer, listener, host);
            return Some(Box::pin(answering).await);
        }
        let board = self.blf.as_ref();
        let changes = board.and_then(|board| Some((board, list_changed_by(&request)?)));
        let response = self.front.answer(request, peer, listener, host).await;
        if let Some((board, watcher)) = changes
            && response.status().is_success()
        {
            board.list_changed(&watcher);
        }
        Some(response)
    }
}

/// The watcher whose list a request sets, so that a change made through us is seen at once
/// (`PUT …/user/{id}/services/BusyLampField` and below).
fn list_changed_by<B>(request: &Request<B>) -> Option<String> {
    const MARK: &[u8] = b"/services/busylampfield";
    if request.method() != Method::PUT {
        return None;
    }
    let target = judge(request.uri().path().as_bytes()).ok()?;
    let path = target.path();
    let mut parts = path.windows(MARK.len());
    parts.find(|part| part.eq_ignore_ascii_case(MARK))?;
    let user = user_below(path, b"user")?;
    Some(String::from_utf8_lossy(user).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_sets_a_list_names_its_watcher() {
        let of = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).body(());
            list_changed_by(&request.unwrap())
        };
        let list =
            "/com.broadsoft.xsi-actions/v2.0/User/alice%40example.net/services/BusyLampField";
        assert_eq!(of("PUT", list).as_deref(), Some("alice@example.net"));
        let below = format!("{list}/MonitoredUserList");
        assert_eq!(of("PUT", &below).as_deref(), Some("alice@example.net"));
        assert_eq!(of("GET", list), None);
        let other = "/com.broadsoft.xsi-actions/v2.0/user/alice/services/DoNotDisturb";
        assert_eq!(of("PUT", other), None);
    }
}
