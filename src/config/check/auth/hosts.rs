//! The hosts that serve `/authService`, judged by how its callers prove themselves.

use std::net::SocketAddr;

use crate::config::AuthService;
use crate::config::ClientAuthentication;
use crate::config::ClientCertificates;
use crate::config::Host;
use crate::config::Listener;
use crate::config::Route;
use crate::config::RouteKind;
use crate::config::check::at::At;
use crate::config::check::auth::Scene;
use crate::config::path::labels;

/// One AuthService route on one host.
struct Served<'a> {
    listener: &'a Listener,
    host: &'a Host,
    route: &'a Route,
    /// The place of the host.
    at: At<'a>,
    /// The place of its listener.
    above: At<'a>,
}

impl Served<'_> {
    const fn certificates(&self) -> ClientCertificates {
        self.host.client_auth.certificates
    }

    /// Whether nobody reaches the route without a certificate.
    const fn demands_certificate(&self) -> bool {
        match self.certificates() {
            ClientCertificates::None => false,
            ClientCertificates::Optional => self.route.require_client_certificate,
            ClientCertificates::Required => true,
        }
    }
}

/// Refuses hosts where callers could not prove themselves in the way that is configured, or
/// would be overheard.
pub(super) fn suit<'a>(root: &At<'a>, service: &AuthService, scene: &'a Scene<'a>) {
    let served = served(root, scene);
    for served in &served {
        in_clear(served);
        match service.client_authentication {
            ClientAuthentication::ByHost => {}
            ClientAuthentication::Ci => asks_no_certificate(served),
            ClientAuthentication::Mtls => demands_certificate(served),
        }
    }
    let root = root.key("auth-service");
    let asks = |served: &Served<'_>| served.certificates() != ClientCertificates::None;
    let lists = |served: &Served<'_>| !served.host.client_auth.identities.is_empty();
    let some = |has: &dyn Fn(&Served<'_>) -> bool| served.iter().any(has);
    if service.asserted_user_header.is_some() && !some(&|s| asks(s) && lists(s)) {
        root.key("asserted-user-header").refuse(
            "would never be believed: no host with an AuthService route has client certificates \
             and `allowed-identities`",
            "such a host, or no such key",
        );
    }
    if !service.farm_identities.is_empty() && !some(&asks) {
        root.key("farm-identities").refuse(
            "has no effect: no host with an AuthService route asks for client certificates",
            "`client-certificates` \"required\" or \"optional\" there, or no such key",
        );
    }
}

fn served<'a>(root: &At<'a>, scene: &'a Scene<'a>) -> Vec<Served<'a>> {
    let names = scene.listeners.iter().map(|l| Some(l.name.as_str()));
    let labels = labels(names);
    let mut served = Vec::new();
    for (listener, label) in scene.listeners.iter().zip(labels) {
        let above = root.key("listener").element(&label);
        for (index, host) in listener.hosts.iter().enumerate() {
            let at = above.key("host").element(&format!("[{index}]"));
            let routes = host.routes.iter().filter_map(|r| scene.routes.get(r));
            for route in routes.filter(|r| r.kind == RouteKind::AuthService) {
                served.push(Served {
                    listener,
                    host,
                    route,
                    at: at.clone(),
                    above: above.clone(),
                });
            }
        }
    }
    served
}

/// Passwords, CI tokens and our tokens pass here.
fn in_clear(served: &Served<'_>) {
    let remote = |address: &SocketAddr| !address.ip().is_loopback();
    if served.listener.plaintext && served.listener.addresses.iter().any(remote) {
        served.above.key("plaintext").refuse(
            format!(
                "passwords and tokens of route {} would go in clear",
                served.route.name
            ),
            "TLS, loopback addresses, or `routes` without it",
        );
    }
}

/// With CI token validation the IdP proxy shows no certificate.
fn asks_no_certificate(served: &Served<'_>) {
    if served.demands_certificate() {
        served.at.key("client-certificates").refuse(
            format!(
                "route {} demands a client certificate, which Webex does not show with CI token \
                 validation (for BroadWorks R24: ClientAuthentication/WebApps, AuthenticationService \
                 clientAuthReq false)",
                served.route.name
            ),
            "`client-certificates = \"none\"` here, or `client-authentication` \"mtls\" or \
             \"by-host\"",
        );
    }
}

/// With mutual TLS the certificate is the proof.
fn demands_certificate(served: &Served<'_>) {
    if !served.demands_certificate() {
        served.at.key("client-certificates").refuse(
            format!(
                "route {} can be reached without a client certificate, which is the proof of \
                 mutual TLS",
                served.route.name
            ),
            "\"required\" here, \"optional\" with `require-client-certificate = true` of the \
             route, or `client-authentication = \"ci\"`",
        );
    }
}
