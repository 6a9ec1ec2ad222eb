//! The Xsi contexts of the lab's XSP: Xsi-Actions, and of Xsi-Events the versions.

mod answer;
mod ask;
mod calls;
mod connection;
mod credentials;
mod directories;
mod fault;
mod group;
mod people;
mod profile;
mod route;
pub(in crate::lab::broadworks) mod services;
mod session;
mod versions;
mod voice_mail;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::accept::BREATHER;
use crate::lab::accept::accept;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::calls::run_timers;
use crate::platform::tasks::Tasks;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 4096;

/// Accepts connections until `stop` fires.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    let timers = run_timers(Arc::clone(&lab), stop.clone(), tasks.clone());
    tasks.worker("lab-call-timers", timers);
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, _, slot)) => {
                let served =
                    connection::serve(Arc::clone(&lab), stream, stop.clone(), tasks.clone());
                tasks.connection(async move {
                    served.await;
                    drop(slot);
                });
            }
            Err(error) => {
                debug!(%error, "The lab could not accept a connection.");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}
