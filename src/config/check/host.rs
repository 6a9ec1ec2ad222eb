//! Hosts of a terminating listener: names, certificates, client certificates, routes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::config::CertificateFiles;
use crate::config::ClientAuth;
use crate::config::ClientCertificates;
use crate::config::Host;
use crate::config::IdentityMode;
use crate::config::ListenerKind;
use crate::config::RouteKind;
use crate::config::check::at::At;
use crate::config::check::bridge;
use crate::config::check::certificate;
use crate::config::check::listener::Known;
use crate::config::check::passthrough;
use crate::config::check::route::BUILT_IN;
use crate::config::check::route::one_of;
use crate::config::raw;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// Longest client identity; a common name has at most 64 characters, a DNS name 253.
const IDENTITY_LENGTH: usize = 253;

/// The hosts of a listener. Without TLS one host for every name is implied.
pub(super) fn hosts(
    at: &At<'_>,
    raw: &raw::Listener,
    plaintext: bool,
    known: &Known<'_>,
) -> Vec<Host> {
    let mut defaults = Layer::of_listener(at, raw, known);
    let mut raw_hosts = Cow::Borrowed(raw.host.as_deref().unwrap_or_default());
    if raw.kind == Some(ListenerKind::Provisioning) {
        defaults.routes = Some(Vec::new());
        for host in raw_hosts.to_mut() {
            // Refused already where it was written.
            host.routes = None;
        }
    }
    if raw.kind == Some(ListenerKind::Cti) {
        defaults = defaults.of_cti();
        for host in raw_hosts.to_mut() {
            // Refused already where they were written.
            host.client_certificates = None;
            host.routes = None;
        }
    }
    let implied = [raw::Host {
        names: Some(vec!["*".to_owned()]),
        ..raw::Host::default()
    }];
    let written = match &*raw_hosts {
        [] if plaintext => implied.as_slice(),
        [] => {
            at.key("host")
                .refuse("missing", "at least one `[[listener.host]]`");
            &[]
        }
        hosts => hosts,
    };
    let mut seen = BTreeSet::new();
    let mut hosts = Vec::with_capacity(written.len());
    for (index, raw) in written.iter().enumerate() {
        let at = at.key("host").element(&format!("[{index}]"));
        if plaintext {
            host_has_no_tls(&at, raw);
        }
        let mut layer = Layer::of_host(&at, raw, known).over(&defaults);
        if plaintext {
            // Refused already where it was written.
            layer.certificates = None;
        }
        let client_auth = client_auth(&at, raw, &layer);
        hosts.push(Host {
            names: passthrough::names(&at, raw.names.as_deref(), &mut seen),
            certificates: certificates(&at, raw.certificates.as_deref()),
            routes: routes(&at, layer.routes, client_auth.certificates, known),
            client_auth,
        });
    }
    let asks = |host: &Host| host.client_auth.certificates != ClientCertificates::None;
    if raw.trust.is_some() && !hosts.is_empty() && !hosts.iter().any(asks) && !plaintext {
        at.key("trust").refuse(NOT_ASKED, ASK);
    }
    hosts
}

const NOT_ASKED: &str = "has no effect: no client is asked for a certificate";
const ASK: &str = "`client-certificates = \"required\"` or \"optional\"";

/// What listener and host may both say.
struct Layer {
    certificates: Option<ClientCertificates>,
    trust: Option<String>,
    identities: Option<Vec<String>>,
    mode: Option<IdentityMode>,
    require_eku: Option<bool>,
    routes: Option<Vec<String>>,
}

impl Layer {
    fn of_listener(at: &At<'_>, raw: &raw::Listener, known: &Known<'_>) -> Self {
        Self {
            certificates: raw.client_certificates,
            trust: trust(at, raw.trust.as_deref(), known),
            identities: identities(at, raw.allowed_identities.as_deref()),
            mode: raw.identity_mode,
            require_eku: raw.require_client_auth_eku,
            // One without any answers the questions of CAs on port 80.
            routes: match raw.routes.as_deref() {
                Some([]) if raw.plaintext == Some(true) => Some(Vec::new()),
                written => route_names(at, written, known),
            },
        }
    }

    /// What a CTI listener does not leave open: a certificate, and whose.
    fn of_cti(self) -> Self {
        Self {
            certificates: Some(ClientCertificates::Required),
            identities: self
                .identities
                .or_else(|| Some(vec![bridge::WEBEX_IDENTITY.to_owned()])),
            mode: self.mode.or(Some(IdentityMode::Enforce)),
            routes: Some(Vec::new()),
            ..self
        }
    }

    fn of_host(at: &At<'_>, raw: &raw::Host, known: &Known<'_>) -> Self {
        Self {
            certificates: raw.client_certificates,
            trust: trust(at, raw.trust.as_deref(), known),
            identities: identities(at, raw.allowed_identities.as_deref()),
            mode: raw.identity_mode,
            require_eku: raw.require_client_auth_eku,
            routes: route_names(at, raw.routes.as_deref(), known),
        }
    }

    fn over(self, defaults: &Self) -> Self {
        Self {
            certificates: self.certificates.or(defaults.certificates),
            trust: self.trust.or_else(|| defaults.trust.clone()),
            identities: self.identities.or_else(|| defaults.identities.clone()),
            mode: self.mode.or(defaults.mode),
            require_eku: self.require_eku.or(defaults.require_eku),
            routes: self.routes.or_else(|| defaults.routes.clone()),
        }
    }
}

fn trust(at: &At<'_>, written: Option<&str>, known: &Known<'_>) -> Option<String> {
    // The name is kept even when unknown, so that it is not reported as missing too.
    let name = |name: &str| {
        if known.trust.contains_key(name) {
            Ok(())
        } else {
            wrong("no trust set has this name", one_of(known.trust.keys()))
        }
    };
    let _known = at.text("trust", written, name);
    written.map(str::to_owned)
}

fn identities(at: &At<'_>, written: Option<&[String]>) -> Option<Vec<String>> {
    written.map(|list| at.list("allowed-identities", Some(list), identity))
}

/// A client identity, lower case.
pub(super) fn identity(text: &str) -> Result<String, Wrong> {
    let good = !text.trim().is_empty()
        && text.trim() == text
        && text.len() <= IDENTITY_LENGTH
        && !text.chars().any(char::is_control);
    if good {
        Ok(text.to_lowercase())
    } else {
        wrong(
            "not an identity",
            "a DNS name or common name, at most 253 bytes",
        )
    }
}

fn route_names(at: &At<'_>, written: Option<&[String]>, known: &Known<'_>) -> Option<Vec<String>> {
    let name = |name: &str| {
        if known.routes.contains_key(name) {
            Ok(name.to_owned())
        } else {
            wrong("no route has this name", one_of(known.routes.keys()))
        }
    };
    written.map(|list| at.some("routes", Some(list), "at least one route", name))
}

/// Routes of one host: no prefix may lead two ways, and none may ask for what cannot come.
fn routes(
    at: &At<'_>,
    written: Option<Vec<String>>,
    certificates: ClientCertificates,
    known: &Known<'_>,
) -> Vec<String> {
    let built_in = || {
        BUILT_IN
            .iter()
            .filter(|(_, _, kind)| *kind != RouteKind::Blf)
            .map(|(name, _, _)| (*name).to_owned())
            .collect()
    };
    let names: Vec<String> = written.unwrap_or_else(built_in);
    let at = at.key("routes");
    let mut prefixes: Vec<(String, &str)> = Vec::new();
    for route in names.iter().filter_map(|name| known.routes.get(name)) {
        let prefix = route.prefix.to_ascii_lowercase();
        match prefixes.iter().find(|(other, _)| *other == prefix) {
            Some((_, other)) if !prefix.is_empty() => at.refuse(
                format!(
                    "routes {other} and {} share the prefix {}",
                    route.name, route.prefix
                ),
                "one route for a prefix on each host",
            ),
            Some(_) | None => prefixes.push((prefix, &route.name)),
        }
        if route.require_client_certificate && certificates == ClientCertificates::None {
            at.refuse(
                format!(
                    "route {} requires a client certificate, which is not asked for",
                    route.name
                ),
                format!("{ASK}, or a list without it"),
            );
        }
    }
    names
}

fn client_auth(at: &At<'_>, raw: &raw::Host, layer: &Layer) -> ClientAuth {
    let certificates = layer.certificates.unwrap_or(ClientCertificates::None);
    let require_eku = layer.require_eku.unwrap_or(true);
    if certificates == ClientCertificates::None {
        if raw.trust.is_some() {
            at.key("trust").refuse(NOT_ASKED, ASK);
        }
        if raw
            .allowed_identities
            .as_ref()
            .is_some_and(|list| !list.is_empty())
        {
            at.key("allowed-identities").refuse(NOT_ASKED, ASK);
        }
        return ClientAuth {
            certificates,
            trust: None,
            identities: Vec::new(),
            mode: IdentityMode::Observe,
            require_eku,
        };
    }
    if layer.trust.is_none() {
        at.key("trust").refuse(
            "missing, so no client certificate could be verified",
            "the name of a `[[trust]]` set",
        );
    }
    let identities = layer.identities.clone().unwrap_or_default();
    // An empty list observes first: the operator reads the name in the log and pins it.
    let mode = layer.mode.unwrap_or(if identities.is_empty() {
        IdentityMode::Observe
    } else {
        IdentityMode::Enforce
    });
    if mode == IdentityMode::Enforce && layer.identities.as_ref().is_none_or(Vec::is_empty) {
        at.key("allowed-identities").refuse(
            "empty, so every client would be refused",
            "at least one identity, or `identity-mode = \"observe\"`",
        );
    }
    ClientAuth {
        certificates,
        trust: layer.trust.clone(),
        identities,
        mode,
        require_eku,
    }
}

/// All or none: a list with a gap would shift the places of the rest.
fn certificates(at: &At<'_>, raw: Option<&[raw::CertificateFiles]>) -> Vec<CertificateFiles> {
    let at = at.key("certificates");
    let raw = raw.unwrap_or_default().iter().enumerate();
    let proven: Vec<_> = raw
        .map(|(index, files)| certificate(&at.element(&format!("[{index}]")), files))
        .collect();
    proven
        .into_iter()
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// Refuses on a plaintext listener what only TLS has.
pub(super) fn plaintext_has_no_tls(at: &At<'_>, raw: &raw::Listener) {
    let written = [
        ("tls", raw.tls.is_some()),
        ("http2", raw.http2 == Some(true)),
        ("client-certificates", asks(raw.client_certificates)),
        ("trust", raw.trust.is_some()),
    ];
    refuse_tls(at, &written);
}

fn host_has_no_tls(at: &At<'_>, raw: &raw::Host) {
    let written = [
        (
            "certificates",
            raw.certificates
                .as_ref()
                .is_some_and(|list| !list.is_empty()),
        ),
        ("client-certificates", asks(raw.client_certificates)),
    ];
    refuse_tls(at, &written);
}

fn asks(certificates: Option<ClientCertificates>) -> bool {
    !matches!(certificates, None | Some(ClientCertificates::None))
}

fn refuse_tls(at: &At<'_>, written: &[(&str, bool)]) {
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        let fault = Wrong {
            what: "has no effect on a plaintext listener".to_owned(),
            expected: "`plaintext = false`, or no such key".to_owned(),
        };
        at.key(key).refuse(fault.what, fault.expected);
    }
}
