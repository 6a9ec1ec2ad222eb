//! The OCI-P interface of the lab's Application Server: logins, verification of users, reading and
//! a little provisioning, over plain TCP (2208 on a real server) and TLS (2209).
//!
//! The state file keeps the SHA-1 of administrators' passwords because the digest login needs it.
//! This is a lab: its passwords are public.

mod change;
mod connection;
pub(in crate::lab::broadworks) mod credentials;
mod document;
mod faults;
mod frame;
mod lockout;
mod operator;
mod refusal;
mod requests;
mod session;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::lab::accept::Door;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::ocip::lockout::Lockouts;
use crate::platform::tasks::Tasks;

pub use faults::OcipFaults;
pub use lockout::LOCK;
pub use lockout::LOCKING_FAILURES;

/// Connections at once; further ones wait in the kernel's queue. Real servers have a few dozen
/// provisioning clients.
const CONNECTIONS: usize = 256;

/// What the OCI-P interface keeps beside the directory.
#[derive(Default)]
pub(super) struct Ocip {
    faults: OcipFaults,
    lockouts: Lockouts,
}

/// Accepts connections until `stop` fires.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    let tls = tls.map(TlsAcceptor::from);
    let door = Door {
        listener: &listener,
        slots: Arc::new(Semaphore::new(CONNECTIONS)),
        stop: &stop,
        tasks,
        whose: "OCI-P",
    };
    door.serve(|stream, peer| {
        let cut = lab.ocip.faults.connected()?;
        let stop = stop.clone();
        let stops = connection::Stops { stop, cut };
        let (lab, tls, tasks) = (Arc::clone(&lab), tls.clone(), tasks.clone());
        Some(connection::serve(lab, stream, peer, tls, stops, tasks))
    })
    .await;
}
