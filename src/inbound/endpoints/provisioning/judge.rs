//! Decides on the head of a call, from what is wrong for everyone to what is wrong for this caller.
//! Nothing here waits.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use http::Method;
use http::StatusCode;
use http::Version;
use http::header;

use crate::config::IdentityMode;
use crate::domain::edge::authority::Authority;
use crate::domain::edge::authority::covers;
use crate::domain::edge::authority::same_host;
use crate::domain::edge::headers::request::client_behind;
use crate::domain::edge::target::judge;
use crate::domain::provisioning::refusal::RefusalReason;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::endpoints::provisioning::Head;
use crate::inbound::endpoints::provisioning::Visit;
use crate::inbound::endpoints::provisioning::find::Found;
use crate::inbound::endpoints::provisioning::find::find;
use crate::inbound::endpoints::provisioning::reply::Refused;
use crate::inbound::http::framing::check_framing;
use crate::platform::clock;

/// A call that goes on.
pub(super) struct Judged {
    /// Which template.
    pub(super) index: usize,
    /// What follows its path, with the query.
    pub(super) below: String,
}

/// How it goes on.
pub(super) enum Step {
    /// With its body.
    Body(Judged),
    /// It only looks whether we are there.
    Ping { index: usize },
}

/// A call that does not.
pub(super) struct Stopped {
    /// Its template, when that was found.
    pub(super) index: Option<usize>,
    /// Whether it showed the password.
    pub(super) known: bool,
    pub(super) refused: Refused,
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Self {
            index: None,
            known: false,
            refused,
        }
    }
}

/// Below each template; without credentials, for whoever watches us.
const PING: &str = "/ping";

impl Adapter {
    /// Whose address counts: the peer's, or the one behind a trusted proxy.
    pub(super) fn client(&self, head: &Head<'_>) -> IpAddr {
        let peer = head.peer.address.ip();
        let trusts = |address: IpAddr| self.forwarding.trusts(address.to_canonical());
        let behind = if trusts(peer) {
            client_behind(head.headers, trusts)
        } else {
            None
        };
        behind.unwrap_or(peer).to_canonical()
    }

    pub(super) fn judge(&self, head: &Head<'_>, visit: &Visit) -> Result<Step, Stopped> {
        if matches!(*head.method, Method::CONNECT | Method::TRACE) {
            let refused = Refused::new(RefusalReason::Unmapped, "method CONNECT or TRACE");
            return Err(refused.with_status(StatusCode::METHOD_NOT_ALLOWED).into());
        }
        let length = check_framing(head.headers)
            .map_err(|reason| Refused::new(RefusalReason::Unreadable, reason.as_str()))?;
        let path = head.uri.path();
        let target = head.uri.path_and_query();
        let target = target.map_or(path, http::uri::PathAndQuery::as_str);
        if judge(target.as_bytes()).is_err() {
            let detail = "a path or query that servers read in more than one way";
            return Err(Refused::new(RefusalReason::TemplateUnknown, detail).into());
        }
        check_caller(head)?;
        if !head.listener.lets_in(visit.client) {
            let detail = "the address is not in `allow` of the listener";
            return Err(Refused::new(RefusalReason::AddressOrHost, detail).into());
        }
        let host = host(head)?;
        let (index, below) = match find(&self.templates, &host, path) {
            Found::At { index, below } => (index, below),
            Found::ElsewhereOnly => {
                let detail = "the Host is not that of the template's URL";
                return Err(Refused::new(RefusalReason::AddressOrHost, detail).into());
            }
            Found::Nothing => {
                let detail = "no template has this path";
                return Err(Refused::new(RefusalReason::TemplateUnknown, detail).into());
            }
        };
        let stopped = |known, refused| Stopped {
            index: Some(index),
            known,
            refused,
        };
        let rules = self.templates.get(index);
        if !rules.is_some_and(|template| template.lets_in(visit.client)) {
            let detail = "the address is not in `allow` of the template";
            let refused = Refused::new(RefusalReason::AddressOrHost, detail);
            return Err(stopped(false, refused));
        }
        if below == PING && matches!(*head.method, Method::GET | Method::HEAD) {
            return Ok(Step::Ping { index });
        }
        // Strangers must not use up the pace of those who may call.
        self.check_password(index, head, visit)
            .map_err(|refused| stopped(false, refused))?;
        self.check_pace()
            .map_err(|refused| stopped(true, refused))?;
        if self.ground.limiters.draining.load(Ordering::Relaxed) {
            let refused = Refused::new(RefusalReason::StoreUnavailable, "xspd is ending");
            return Err(stopped(true, refused));
        }
        if length.is_some_and(|length| length > head.listener.limits.body_bytes) {
            return Err(stopped(true, too_large()));
        }
        let below = target.get(path.len() - below.len()..).unwrap_or_default();
        Ok(Step::Body(Judged {
            index,
            below: below.to_owned(),
        }))
    }

    fn check_pace(&self) -> Result<(), Refused> {
        let buckets = &self.ground.limiters.buckets;
        buckets
            .take(self.pace, clock::mono())
            .map_err(|wait| Refused {
                retry_after: Some(wait),
                ..Refused::new(RefusalReason::RateLimited, "above `requests-per-second`")
            })
    }

    /// Strangers who guess are locked out. Whoever stands in an allow-list is no stranger: an
    /// Application Server with a wrong password is told so each time, because locking it out would
    /// stop provisioning for everybody, and hide why.
    fn check_password(&self, index: usize, head: &Head<'_>, visit: &Visit) -> Result<(), Refused> {
        let now = clock::mono();
        let served = self.served.get(index);
        let Some((served, door)) = served.and_then(|held| Some((held, held.door.as_ref()?))) else {
            let detail = "the template has no account";
            return Err(Refused::new(RefusalReason::TemplateUnknown, detail));
        };
        let listed = !head.listener.allow.is_empty() || !served.rules.allow.is_empty();
        let guessing = self.guessing.filter(|_| !listed);
        let guesses = &self.ground.limiters.guesses;
        if guessing.is_some()
            && let Some(left) = guesses.locked(visit.client, now)
        {
            return Err(Refused {
                retry_after: Some(left),
                ..Refused::new(
                    RefusalReason::RateLimited,
                    "locked out after wrong passwords",
                )
            });
        }
        match door.opens(head.headers) {
            Some(true) => Ok(()),
            None => {
                let detail = "no credentials were shown";
                Err(Refused::new(RefusalReason::WrongCredentials, detail))
            }
            Some(false) => {
                let metrics = &self.ground.metrics;
                if listed {
                    metrics.wrong_password(visit.client, &served.name);
                }
                if let Some(limits) = guessing
                    && guesses.refused(limits, visit.client, now)
                {
                    metrics.locked_out(visit.client, limits.lockout);
                }
                let detail = "wrong account or password";
                Err(Refused::new(RefusalReason::WrongCredentials, detail))
            }
        }
    }
}

/// Where the listener wants certificates of certain names, others stay outside.
fn check_caller(head: &Head<'_>) -> Result<(), Refused> {
    let enforced = head
        .host
        .is_some_and(|host| host.client_auth.mode == IdentityMode::Enforce);
    let caller = head.peer.caller.as_ref();
    if enforced && caller.is_some_and(|caller| !caller.listed) {
        let detail = "the client certificate is not in `allowed-identities`";
        return Err(Refused::new(RefusalReason::AddressOrHost, detail));
    }
    Ok(())
}

/// Exactly one host, well-formed, a name, and that of the handshake. HTTP/1.0 may have none: then
/// that of the handshake counts.
fn host<'a>(head: &'a Head<'_>) -> Result<Authority<'a>, Refused> {
    let refuse = |detail: &str| Refused::new(RefusalReason::AddressOrHost, detail);
    let server_name = head.peer.tls.as_ref();
    let server_name = server_name.and_then(|tls| tls.server_name.as_deref());
    let mut sent = head.headers.get_all(header::HOST).iter();
    let authority = match (sent.next(), sent.next()) {
        (Some(_), Some(_)) => return Err(refuse("there are two Host headers")),
        (Some(host), None) => {
            let host = host.to_str().ok().and_then(Authority::parse);
            host.ok_or_else(|| refuse("the Host is malformed"))?
        }
        (None, _) if head.version <= Version::HTTP_10 => {
            let name = server_name.and_then(Authority::parse);
            name.ok_or_else(|| refuse("there is neither a Host nor a server name"))?
        }
        (None, _) => return Err(refuse("there is no Host")),
    };
    if let Some(target) = head.uri.authority() {
        let target = Authority::parse(target.as_str());
        if !target.is_some_and(|target| target.same_place(&authority, 443)) {
            return Err(refuse("the target names another host than Host"));
        }
    }
    let bare = authority.host.trim_matches(['[', ']']);
    if bare.parse::<IpAddr>().is_ok() {
        return Err(refuse("the Host is an address and not a name"));
    }
    if server_name.is_some_and(|name| !same_host(name, authority.host)) {
        return Err(refuse("the Host is not the server name of the handshake"));
    }
    let patterns = head.host.map(|host| host.names.as_slice());
    let mut patterns = patterns.unwrap_or_default().iter();
    if patterns.any(|pattern| covers(pattern, authority.host)) {
        Ok(authority)
    } else {
        Err(refuse("the Host is not of this listener"))
    }
}

/// Beyond the limit of the listener.
pub(super) fn too_large() -> Refused {
    Refused::new(
        RefusalReason::Unreadable,
        "the body is larger than `body-bytes` of the listener",
    )
}
