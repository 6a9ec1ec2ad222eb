//! OCI-R: reports name people, so they must not be overheard unless the operator says so.

use std::time::Duration;

use crate::config::ApplicationServerTls;
use crate::config::Ocir;
use crate::config::OcirServer;
use crate::config::check::at::At;
use crate::config::check::is_loopback;
use crate::config::check::rules::Bounds;
use crate::config::check::rules::time;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::domain::provisioning::ids::ClusterName;

/// `serverPort` of the Application Server's OCI reporting, unless changed there.
const PORT: u16 = 8025;

/// As public clients wait.
const RECONNECT: Bounds<Duration> = time(10_000, 10, 600_000);
/// As public clients wait; the Application Server pings every 1 s to 1 day.
const SILENCE: Bounds<Duration> = time(40_000, 50, 90_000_000);
/// One lost SYN and its repetition fit.
const CONNECT: Bounds<Duration> = time(5_000, 10, 120_000);
/// A restart of the Application Server's reporting is over by then.
const DOWN: Bounds<Duration> = time(300_000, 10, 86_400_000);

pub(super) fn ocir(root: &At<'_>, raw: Option<&raw::Ocir>) -> Option<Ocir> {
    let raw = raw?;
    let at = root.key("ocir");
    if raw.servers.as_ref().is_none_or(Vec::is_empty) {
        at.refuse(
            "names no Application Server",
            "at least one `[[ocir.as]]` with name, cluster and address",
        );
    }
    let name = |server: &raw::OcirServer| server.name.clone();
    let servers = at.named("as", raw.servers.as_deref(), name, server);
    Some(Ocir {
        reconnect: at.duration("reconnect", raw.reconnect.as_ref(), &RECONNECT),
        silence: at.duration("silence", raw.silence.as_ref(), &SILENCE),
        connect_timeout: at.duration("connect-timeout", raw.connect_timeout.as_ref(), &CONNECT),
        down_warning: at.duration("down-warning", raw.down_warning.as_ref(), &DOWN),
        servers: servers.into_iter().flatten().collect(),
    })
}

/// How the cluster of an Application Server is written.
const CLUSTER: &str = "a name such as \"as-east\", as templates have it";

/// A cluster, as templates call it.
pub(super) fn cluster(text: &str) -> Result<ClusterName, Wrong> {
    ClusterName::parse(text).map_err(|wrong| Wrong {
        what: wrong.to_string(),
        expected: CLUSTER.to_owned(),
    })
}

fn server(at: &At<'_>, name: String, raw: &raw::OcirServer) -> Option<OcirServer> {
    let cluster = at.required("cluster", raw.cluster.as_deref(), CLUSTER, cluster);
    let host_port = |text: &str| values::host_port(text, Some(PORT));
    let form = "a host such as \"as1.example.net\"";
    let address = at.required("address", raw.address.as_deref(), form, host_port);
    let tls = if raw.tls.unwrap_or(true) {
        tls(at, raw)
    } else {
        let host = address.as_ref().map(|(host, _)| host.as_str());
        in_clear(at, raw, host);
        None
    };
    let (host, port) = address?;
    Some(OcirServer {
        name,
        cluster: cluster?,
        host,
        port,
        tls,
    })
}

fn tls(at: &At<'_>, raw: &raw::OcirServer) -> Option<ApplicationServerTls> {
    let name = raw.server_name.as_deref();
    let server_name = at.text("server-name", name, values::host_or_address);
    if raw.ca.is_none() {
        at.key("ca").refuse(
            "missing, so the certificate of the Application Server could not be verified",
            "a PEM file with its CA certificates, or `tls = false` with `allow-plaintext = true` \
             where OCI reporting is not secure",
        );
    }
    Some(ApplicationServerTls {
        ca: at.text("ca", raw.ca.as_deref(), values::path)?,
        server_name,
    })
}

fn in_clear(at: &At<'_>, raw: &raw::OcirServer, host: Option<&str>) {
    let written = [
        ("ca", raw.ca.is_some()),
        ("server-name", raw.server_name.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key)
            .refuse("has no effect without TLS", "`tls = true`");
    }
    let Some(host) = host.filter(|host| !is_loopback(host)) else {
        return;
    };
    if !raw.allow_plaintext.unwrap_or(false) {
        at.key("tls").refuse_value(
            "false",
            Wrong {
                what: format!("users' data would come in clear from {host}, and nobody could tell whether it is the Application Server"),
                expected: "`tls = true`, or `allow-plaintext = true` on a network of your own"
                    .to_owned(),
            },
        );
    }
}
