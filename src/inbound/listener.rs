//! Binds addresses and admits connections. Nothing a peer does holds up the accept loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::TcpKeepalive;
use socket2::Type;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::ListenerKind;
use crate::domain::edge::ending::Ending;
use crate::inbound::bridge;
use crate::inbound::connection;
use crate::inbound::connections::Connections;
use crate::inbound::connections::Full;
use crate::inbound::connections::Places;
use crate::inbound::edge::Live;
use crate::inbound::passthrough;
use crate::inbound::sessions::Sessions;
use crate::platform::tasks::Tasks;
use crate::telemetry::edge::ListenerMetrics;
use crate::workers::cert_watch::Glances;

/// Connections that the kernel holds for us; it caps this at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// Pause after the process ran out of descriptors, so that the loop does not spin.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// An address that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("listener \"{listener}\": address {address}: {source}{}", remedy(.source))]
pub struct BindError {
    /// Name from the configuration.
    pub listener: String,
    /// The address.
    pub address: SocketAddr,
    /// What the kernel said.
    pub source: std::io::Error,
}

fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; another process has this port: see `ss -ltnp`, or change the listener's addresses"
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "; no interface of this machine has this address: see `ip address`"
        }
        std::io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need CAP_NET_BIND_SERVICE, which the systemd unit gives"
        }
        _ => "",
    }
}

/// Binds one address. An IPv6 socket takes IPv6 only, so that both families can be written out.
///
/// # Errors
/// With the remedy, when the address is taken, unknown or not allowed.
pub fn bind(listener: &str, address: SocketAddr) -> Result<TcpListener, BindError> {
    let bound = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        // Accepted sockets inherit both, which saves four calls a connection.
        socket.set_tcp_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE / 4);
        socket.set_tcp_keepalive(&keepalive)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    bound().map_err(|source| BindError {
        listener: listener.to_owned(),
        address,
        source,
    })
}

/// What the connections of one listener share.
pub struct Shared {
    /// Name from the configuration.
    pub name: Arc<str>,
    /// The current snapshot.
    pub live: Live,
    /// Every open connection of the process.
    pub connections: Arc<Connections>,
    /// Places of this listener, all its addresses together.
    pub places: Arc<Places>,
    /// Counters.
    pub metrics: ListenerMetrics,
    /// Its CTI sessions, when it is of that kind.
    pub sessions: Option<Arc<Sessions>>,
    /// Our own looks at what we present, which are no clients.
    pub glances: Glances,
    /// Where connections run.
    pub tasks: Tasks,
}

/// Accepts until `stop`.
pub async fn accept(socket: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => admit(stream, address, &shared),
            Err(error) if is_exhaustion(&error) => {
                warn!(listener = %shared.name, %error, "Cannot accept; raise LimitNOFILE.");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
            // The peer went away between the kernel's accept and ours.
            Err(_) => {}
        }
    }
}

fn is_exhaustion(error: &std::io::Error) -> bool {
    // EMFILE and ENFILE, ENOBUFS and ENOMEM.
    matches!(error.raw_os_error(), Some(23 | 24 | 105 | 12))
}

fn admit(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    let edge = shared.live.load();
    let Some((listener, _)) = edge.listener(&shared.name) else {
        return;
    };
    if shared.glances.are_from(address) {
        let held = Arc::clone(shared);
        let glance = async move { connection::glance(stream, &held).await };
        shared.tasks.connection(glance);
        return;
    }
    // Before it has a place: strangers must not use up those of whoever may call.
    if !edge.config.may_connect(listener, address.ip()) {
        shared.metrics.ended(address, Ending::AddressUnlisted);
        return;
    }
    let limits = &listener.limits;
    let place = match shared.places.admit(
        address.ip(),
        limits.connections,
        limits.connections_per_address,
    ) {
        Ok(place) => place,
        Err(full) => {
            let ending = match full {
                Full::Address => Ending::AddressLimit,
                Full::Listener => Ending::ListenerLimit,
            };
            shared.metrics.ended(address, ending);
            return;
        }
    };
    shared.metrics.accepted.inc();
    let kind = listener.kind;
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    tasks.connection(async move {
        let _place = place;
        shared.metrics.open.inc();
        let _open = Open(shared.metrics.open.clone());
        match kind {
            ListenerKind::Cti => Box::pin(bridge::serve(stream, address, &shared)).await,
            ListenerKind::Http | ListenerKind::Provisioning => {
                connection::serve(stream, address, &shared).await
            }
            ListenerKind::Passthrough => {
                Box::pin(passthrough::serve(stream, address, &shared)).await;
            }
        }
    });
}

/// Keeps the gauge true even when a connection panics.
struct Open(prometheus_client::metrics::gauge::Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
