//! OCI-R, as written.

use crate::config;
use crate::config::check::is_loopback;
use crate::config::raw;
use crate::config::write::auth::bracketed;
use crate::config::write::time;

pub(super) fn ocir(ocir: &config::Ocir) -> raw::Ocir {
    let config::Ocir {
        reconnect,
        silence,
        connect_timeout,
        down_warning,
        servers,
    } = ocir;
    raw::Ocir {
        reconnect: time(*reconnect),
        silence: time(*silence),
        connect_timeout: time(*connect_timeout),
        down_warning: time(*down_warning),
        servers: Some(servers.iter().map(server).collect()),
    }
}

fn server(server: &config::OcirServer) -> raw::OcirServer {
    let config::OcirServer {
        name,
        cluster,
        host,
        port,
        tls,
    } = server;
    let (ca, server_name) = match tls {
        Some(config::ApplicationServerTls { ca, server_name }) => {
            let name = server_name.as_ref().map(|name| bracketed(name));
            (Some(ca.display().to_string()), name)
        }
        None => (None, None),
    };
    raw::OcirServer {
        name: Some(name.clone()),
        cluster: Some(cluster.as_str().to_owned()),
        address: Some(format!("{}:{port}", bracketed(host))),
        tls: Some(tls.is_some()),
        allow_plaintext: Some(tls.is_none() && !is_loopback(host)),
        ca,
        server_name,
    }
}
