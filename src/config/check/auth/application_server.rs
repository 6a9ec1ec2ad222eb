//! The Application Server: OCI-P is asked with an administrator's login, so it must not be
//! overheard.

use std::net::IpAddr;

use crate::config::ApplicationServer;
use crate::config::ApplicationServerTls;
use crate::config::OcipLogin;
use crate::config::check::at::At;
use crate::config::check::auth::plain;
use crate::config::check::ocir;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::secret::SECRET_FORM;
use crate::config::values;
use crate::config::values::Wrong;

/// Ports of OCI-P (BroadWorks, "Application Server ports").
const TLS_PORT: u16 = 2209;
const PLAIN_PORT: u16 = 2208;

const ADDRESS_FORM: &str = "at least one address such as \"as1.example.net:2209\"";

/// The Application Server; `None` after a problem that leaves nothing to use.
pub(super) fn application_server(
    at: &At<'_>,
    raw: &raw::ApplicationServer,
) -> Option<ApplicationServer> {
    let encrypted = raw.tls.unwrap_or(true);
    let port = if encrypted { TLS_PORT } else { PLAIN_PORT };
    let host_port = |text: &str| values::host_port(text, Some(port));
    let addresses = at.some(
        "addresses",
        raw.addresses.as_deref(),
        ADDRESS_FORM,
        host_port,
    );
    let login = raw.login.unwrap_or(OcipLogin::Auto);
    let tls = if encrypted {
        tls(at, raw)
    } else {
        in_clear(at, raw, &addresses, login);
        None
    };
    if raw.password.is_none() {
        at.key("password").refuse("missing", SECRET_FORM);
    }
    let password = at.secret("password", raw.password.as_ref());
    let user_id = raw.user_id.as_deref();
    let user_id = at.required("user-id", user_id, "the id of an administrator", plain);
    let rate = raw.requests_per_second;
    let connect = raw.connect_timeout.as_ref();
    let response = raw.response_timeout.as_ref();
    Some(ApplicationServer {
        requests_per_second: at.rate("requests-per-second", rate, &rules::OCIP_RATE),
        burst: at.count("burst", raw.burst, &rules::OCIP_BURST),
        connect_timeout: at.duration("connect-timeout", connect, &rules::OCIP_CONNECT_TIMEOUT),
        response_timeout: at.duration("response-timeout", response, &rules::OCIP_RESPONSE_TIMEOUT),
        addresses,
        cluster: at.text("cluster", raw.cluster.as_deref(), ocir::cluster),
        tls,
        login,
        user_id: user_id?,
        password: password?,
    })
}

fn tls(at: &At<'_>, raw: &raw::ApplicationServer) -> Option<ApplicationServerTls> {
    let expected = "a PEM file with its CA certificates, or `tls = false` to loopback";
    let name = raw.server_name.as_deref();
    let server_name = at.text("server-name", name, values::host_or_address);
    if raw.ca.is_none() {
        at.key("ca").refuse(
            "missing, so the certificate of the Application Server could not be verified",
            expected,
        );
    }
    Some(ApplicationServerTls {
        ca: at.text("ca", raw.ca.as_deref(), values::path)?,
        server_name,
    })
}

/// Refuses what would be overheard, and what only TLS has.
fn in_clear(
    at: &At<'_>,
    raw: &raw::ApplicationServer,
    addresses: &[(String, u16)],
    login: OcipLogin,
) {
    let written = [
        ("ca", raw.ca.is_some()),
        ("server-name", raw.server_name.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key)
            .refuse("has no effect without TLS", "`tls = true`");
    }
    let Some((host, _)) = addresses.iter().find(|(host, _)| !is_loopback(host)) else {
        return;
    };
    if !raw.allow_plaintext.unwrap_or(false) {
        at.key("tls").refuse_value(
            "false",
            Wrong {
                what: format!("users' data and login tokens would go in clear to {host}"),
                expected: "`tls = true`, or `allow-plaintext = true` on a network of your own"
                    .to_owned(),
            },
        );
    }
    match login {
        OcipLogin::Auto | OcipLogin::Digest => {}
        OcipLogin::Password => at.key("login").refuse_value(
            "\"password\"",
            Wrong {
                what: format!("the administrator's password would go in clear to {host}"),
                expected: "\"digest\" or \"auto\", or `tls = true`".to_owned(),
            },
        ),
    }
}

/// Whether bytes to this host stay on the machine.
pub(in crate::config) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
