//! The OCI-R interface of the lab's Application Server (8025 on a real one): whoever is in the
//! access list connects and is told of every change that was made over OCI-P.
//!
//! Known of real ones: no login; ISO-8859-1; the whole request inside of CDATA; keep-alives; a
//! backlog for each host while it is away. Passwords inside of requests are always altered here.

mod connection;
mod desk;
mod document;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::lab::accept::Door;
use crate::lab::broadworks::BroadWorks;
use crate::platform::tasks::Tasks;

pub(super) use desk::Desk;
pub use document::Odd;
pub use settings::Settings;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 32;

impl BroadWorks {
    /// Serves OCI-R on a listener until `stop` fires, over TLS when there is a configuration for
    /// it. Connections are tasks of their own and end with the stop.
    pub async fn serve_ocir(
        self: Arc<Self>,
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
            whose: "OCI-R",
        };
        door.serve(|stream, peer| {
            let (lab, tls, stop) = (Arc::clone(&self), tls.clone(), stop.clone());
            Some(async move { connection::serve(&lab, stream, peer, tls, &stop).await })
        })
        .await;
    }

    /// Reports otherwise from now on.
    pub fn report_as(&self, settings: Settings) {
        self.ocir.set(settings);
    }

    /// Ends every OCI-R connection that is open now.
    pub fn cut_reports(&self) {
        self.ocir.cut();
    }

    /// Sends a document that no Application Server should send.
    pub fn send_odd_report(&self, odd: Odd) {
        self.ocir.odd(odd);
    }
}
