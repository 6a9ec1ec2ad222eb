//! The order of decisions on a request's head, from what is wrong for everyone to what is wrong
//! for this caller now. Nothing here waits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use http::request::Parts;

use crate::config::Affinity;
use crate::config::Host;
use crate::config::IdentityMode;
use crate::config::Listener;
use crate::config::RouteKind;
use crate::domain::edge::affinity;
use crate::domain::edge::authority::Authority;
use crate::domain::edge::authority::covers;
use crate::domain::edge::authority::same_host;
use crate::domain::edge::cors;
use crate::domain::edge::credential;
use crate::domain::edge::headers::request;
use crate::domain::edge::headers::request::Scheme;
use crate::domain::edge::policy;
use crate::domain::edge::policy::Decision;
use crate::domain::edge::reason::Reason;
use crate::domain::edge::routes::below_anywhere;
use crate::domain::edge::target::judge;
use crate::domain::events::resource::Resource;
use crate::domain::xsi::path::ActionPath;
use crate::domain::xsi::path::user_below;
use crate::inbound::endpoints::auth_service::endpoint::Endpoint;
use crate::inbound::http::Front;
use crate::inbound::http::plan::RoutePlan;
use crate::inbound::http::plan::Treatment;
use crate::inbound::http::rescue::Refusal;
use crate::inbound::peer::Peer;
use crate::workers::event_hub::WHERE_PATH;

/// Where and when a request came in.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) peer: &'a Arc<Peer>,
    pub(super) listener: &'a Listener,
    pub(super) host: Option<&'a Host>,
    pub(super) now: Instant,
}

impl Visit<'_> {
    fn scheme(&self) -> Scheme {
        match self.peer.tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        }
    }
}

/// What is known of a request, refused or not.
pub(super) struct Seen {
    /// Its route, as far as that was found.
    pub(super) route: Option<usize>,
    /// Whose address counts: the peer's, or the one behind a trusted proxy.
    pub(super) client: IpAddr,
    /// Whether the peer is a trusted proxy.
    pub(super) trusted: bool,
    /// Scheme by which the client reached us or the proxy.
    pub(super) scheme: Scheme,
    /// Scheme of its credentials, a password's before any other.
    pub(super) auth: credential::Scheme,
    /// Its origin, when we answer browsers and let it in.
    pub(super) origin: Option<HeaderValue>,
}

/// What becomes of an admitted request.
pub(super) enum Admission {
    /// Our AuthService answers; `None`: it has no such endpoint.
    AuthService(Option<Endpoint>),
    /// We answer the browser.
    Preflight(HeaderValue),
    /// The XSP sees it.
    Relay(Admitted),
    /// Another node asks where a channel or an event belongs.
    Whereabouts,
}

/// What the relay needs besides the request.
pub(super) struct Admitted {
    pub(super) route: usize,
    pub(super) host: HeaderValue,
    pub(super) affinity: Option<u64>,
    /// What it is about, on routes of Xsi-Events.
    pub(super) resource: Option<Resource>,
}

impl Front {
    /// What can be known before any decision.
    pub(super) fn see(&self, headers: &HeaderMap, visit: &Visit<'_>) -> Seen {
        let peer = visit.peer.address.ip();
        let trusts = |address: IpAddr| self.config.forwarding.trusts(address.to_canonical());
        let trusted = trusts(peer);
        let (client, scheme) = if trusted {
            (
                request::client_behind(headers, trusts).unwrap_or(peer),
                request::scheme_before(headers).unwrap_or_else(|| visit.scheme()),
            )
        } else {
            (peer, visit.scheme())
        };
        Seen {
            route: None,
            client: client.to_canonical(),
            trusted,
            scheme,
            auth: auth_scheme(headers),
            origin: self.admitted_origin(headers),
        }
    }

    fn admitted_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origins = self.plan.origins.as_ref()?;
        let origin = headers.get(header::ORIGIN)?;
        origins.admit(origin).then(|| origin.clone())
    }

    /// Decides. `parts` change only where HTTP/2 has no `Host`.
    pub(super) fn admit(
        &self,
        parts: &mut Parts,
        visit: &Visit<'_>,
        seen: &mut Seen,
    ) -> Result<Admission, Refusal> {
        check_method(&parts.method)?;
        let host = settle_host(parts, visit)?;
        let length = check_framing(&parts.headers)?;
        let raw = parts
            .uri
            .path_and_query()
            .map_or("", http::uri::PathAndQuery::as_str);
        let target = judge(raw.as_bytes()).map_err(Reason::from)?;
        if target.path() == WHERE_PATH.as_bytes() && self.is_of_farm(visit) {
            return Ok(Admission::Whereabouts);
        }
        let (index, below) = self
            .plan
            .table
            .find(target.path())
            .ok_or(Reason::RouteUnknown)?;
        let route = self.plan.routes.get(index).ok_or(Reason::RouteUnknown)?;
        seen.route = Some(index);
        check_access(route, visit)?;
        self.check_policy(&parts.method, route.kind, target.path(), below)?;
        let user = self.user(route, below, &parts.headers);
        self.check_limits(visit, seen, user)?;
        if length.is_some_and(|length| length > visit.listener.limits.body_bytes) {
            return Err(Reason::BodyTooLarge.into());
        }
        if self.plan.origins.is_some() && cors::preflight(&parts.method, &parts.headers).is_some() {
            let origin = seen.origin.clone().ok_or(Reason::OriginDenied)?;
            return Ok(Admission::Preflight(origin));
        }
        if route.treatment == Treatment::Answer {
            return Ok(Admission::AuthService(Endpoint::find(below)));
        }
        let affinity = match route.affinity {
            Affinity::None => None,
            Affinity::User => Some(user.unwrap_or_else(|| affinity::of_address(seen.client))),
        };
        let resource = match route.kind {
            RouteKind::XsiEvents => Some(Resource::of(&parts.method, below)),
            RouteKind::AuthService | RouteKind::Plain | RouteKind::XsiActions => None,
        };
        Ok(Admission::Relay(Admitted {
            route: index,
            host,
            affinity,
            resource,
        }))
    }

    /// Whether another node of the farm asks. To anyone else there is nothing here.
    fn is_of_farm(&self, visit: &Visit<'_>) -> bool {
        let farm = &self.config.events.farm_identities;
        visit.peer.caller.as_ref().is_some_and(|caller| {
            let mut farm = farm.iter();
            farm.any(|known| known.eq_ignore_ascii_case(&caller.identity))
        })
    }

    /// The policy holds for Xsi-Actions, under whatever route they are reached.
    fn check_policy(
        &self,
        method: &Method,
        kind: RouteKind,
        path: &[u8],
        below: &[u8],
    ) -> Result<(), Reason> {
        let actions = match kind {
            RouteKind::XsiActions => Some(below),
            RouteKind::AuthService | RouteKind::Plain | RouteKind::XsiEvents => self
                .plan
                .action_prefixes
                .iter()
                .find_map(|prefix| below_anywhere(path, prefix)),
        };
        let Some(actions) = actions else {
            return Ok(());
        };
        match policy::decide(&self.plan.policy, method, &ActionPath::parse(actions)) {
            Decision::Permit => Ok(()),
            Decision::Deny(reason) => Err(reason),
        }
    }

    /// Whose request it is, if anyone wants to know: the user of the path, else of the password.
    fn user(&self, route: &RoutePlan, below: &[u8], headers: &HeaderMap) -> Option<u64> {
        if self.plan.user_pace.is_none() && route.affinity == Affinity::None {
            return None;
        }
        let marker: &[u8] = match route.kind {
            RouteKind::AuthService => b"token",
            RouteKind::Plain | RouteKind::XsiActions | RouteKind::XsiEvents => b"user",
        };
        if let Some(user) = user_below(below, marker) {
            return Some(affinity::of_user(user));
        }
        let authorization = headers.get(header::AUTHORIZATION)?;
        credential::with_user_name(authorization.as_bytes(), affinity::of_user)
    }

    /// A user's own bucket comes first, so that one user cannot empty everyone's.
    fn check_limits(
        &self,
        visit: &Visit<'_>,
        seen: &Seen,
        user: Option<u64>,
    ) -> Result<(), Refusal> {
        let limited = |reason, retry_after| Refusal {
            reason,
            retry_after: Some(retry_after),
        };
        if self.plan.guessing.is_some()
            && seen.auth.is_password()
            && let Some(left) = self.limiters.guesses.locked(seen.client, visit.now)
        {
            return Err(limited(Reason::GuessingLockout, left));
        }
        if let (Some(pace), Some(user)) = (self.plan.user_pace, user) {
            self.limiters
                .buckets
                .take_of_user(pace, user, visit.now)
                .map_err(|wait| limited(Reason::UserRateLimit, wait))?;
        }
        if let Some(pace) = self.plan.pace {
            self.limiters
                .buckets
                .take(pace, visit.now)
                .map_err(|wait| limited(Reason::RateLimit, wait))?;
        }
        Ok(())
    }
}

/// A password's scheme wins over any other header of the same name, or a token in front of it
/// would hide guessing.
fn auth_scheme(headers: &HeaderMap) -> credential::Scheme {
    let mut schemes = headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .map(|value| credential::Scheme::of(Some(value.as_bytes())));
    let Some(first) = schemes.next() else {
        return credential::Scheme::None;
    };
    if first.is_password() {
        return first;
    }
    schemes.find(|scheme| scheme.is_password()).unwrap_or(first)
}

/// The methods that the Xsi interfaces and AuthService have, and PATCH for routes of the
/// operator's own.
fn check_method(method: &Method) -> Result<(), Reason> {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::OPTIONS
        | Method::PATCH => Ok(()),
        Method::CONNECT | Method::TRACE => Err(Reason::MethodNotAllowed),
        _ => Err(Reason::MethodUnknown),
    }
}

/// Exactly one host, well-formed, the one of the target and of the handshake; afterwards it
/// stands in `Host`, also for HTTP/2.
fn settle_host(parts: &mut Parts, visit: &Visit<'_>) -> Result<HeaderValue, Reason> {
    let mut sent = parts.headers.get_all(header::HOST).iter();
    let host = sent.next().cloned();
    if sent.next().is_some() {
        return Err(Reason::HostDuplicate);
    }
    let in_target = match parts.uri.authority() {
        Some(authority) => Some(Authority::parse(authority.as_str()).ok_or(Reason::HostMalformed)?),
        None => None,
    };
    let host = match (host, parts.uri.authority()) {
        (Some(host), _) => host,
        (None, Some(authority)) if parts.version >= http::Version::HTTP_2 => {
            let host = HeaderValue::from_str(authority.as_str());
            let host = host.map_err(|_| Reason::HostMalformed)?;
            parts.headers.insert(header::HOST, host.clone());
            host
        }
        (None, _) => return Err(Reason::HostMissing),
    };
    let authority = host
        .to_str()
        .ok()
        .and_then(Authority::parse)
        .ok_or(Reason::HostMalformed)?;
    let default_port = visit.scheme().default_port();
    if in_target.is_some_and(|target| !target.same_place(&authority, default_port)) {
        return Err(Reason::TargetAuthority);
    }
    check_host(&authority, visit)?;
    Ok(host)
}

/// With a server name the host must be that name, or a connection's rules would hold for another
/// host; without one the listener's choice must cover it.
fn check_host(authority: &Authority<'_>, visit: &Visit<'_>) -> Result<(), Reason> {
    let server_name = visit
        .peer
        .tls
        .as_ref()
        .and_then(|tls| tls.server_name.as_deref());
    if let Some(name) = server_name
        && !same_host(name, authority.host)
    {
        return Err(Reason::HostNotServerName);
    }
    let host = visit.host.ok_or(Reason::HostUnknown)?;
    let covered = server_name.is_some()
        || host
            .names
            .iter()
            .any(|pattern| covers(pattern, authority.host));
    if covered {
        Ok(())
    } else {
        Err(Reason::HostUnknown)
    }
}

/// Bodies whose end two servers could see in two places are refused; the parser below is
/// guarded too, this is what is visible here. Gives the length when one is announced.
fn check_framing(headers: &HeaderMap) -> Result<Option<u64>, Reason> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let coding = codings.next();
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() || (coding.is_some() && length.is_some()) {
        return Err(Reason::LengthConflict);
    }
    if let Some(coding) = coding
        && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(Reason::TransferCoding);
    }
    let Some(length) = length else {
        return Ok(None);
    };
    let digits = length.as_bytes();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::LengthConflict);
    }
    // More digits than fit are a large body, not a conflict.
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    Ok(Some(length.unwrap_or(u64::MAX)))
}

fn check_access(route: &RoutePlan, visit: &Visit<'_>) -> Result<(), Reason> {
    let host = visit.host.ok_or(Reason::HostUnknown)?;
    if !host.routes.iter().any(|name| **name == *route.name) {
        return Err(Reason::RouteUnserved);
    }
    match &visit.peer.caller {
        None if route.require_client_certificate => Err(Reason::CertificateRequired),
        None => Ok(()),
        Some(caller) => match host.client_auth.mode {
            IdentityMode::Enforce if !caller.listed => Err(Reason::IdentityNotListed),
            IdentityMode::Enforce | IdentityMode::Observe => Ok(()),
        },
    }
}
