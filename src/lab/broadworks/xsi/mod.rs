//! The Xsi contexts of the lab's XSPs: Xsi-Actions and Xsi-Events.

mod answer;
mod ask;
mod calls;
mod connection;
mod credentials;
mod directories;
mod events;
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
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::lab::accept::Door;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::xsp::Closed;
use crate::lab::broadworks::xsp::Xsp;
use crate::platform::tasks::Tasks;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 4096;

/// Accepts connections until `stop` fires. While the XSP is stopped its port refuses them.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    xsp: Xsp,
    mut listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    let switch = lab.xsps.of(xsp);
    switch.listens(&listener);
    switch.stands(true);
    let mut on = switch.watch();
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let cut = CancellationToken::new();
        let door = Door {
            listener: &listener,
            slots: Arc::clone(&slots),
            stop: &stop,
            tasks,
            whose: "Xsi",
        };
        let served = door.serve(|stream, _| {
            let (lab, tokens) = (Arc::clone(&lab), (stop.clone(), cut.clone()));
            Some(connection::serve((lab, xsp), stream, tokens, tasks.clone()))
        });
        tokio::select! {
            biased;
            () = turned(&mut on, false) => {}
            () = served => return,
        }
        cut.cancel();
        let closed = match Closed::of(listener) {
            Ok(closed) => closed,
            Err(error) => {
                warn!(%error, xsp = xsp.number(), "The port of a stopped XSP was lost.");
                return;
            }
        };
        switch.stands(false);
        tokio::select! {
            () = stop.cancelled() => return,
            () = turned(&mut on, true) => {}
        }
        listener = match closed.open() {
            Ok(listener) => listener,
            Err(error) => {
                warn!(%error, xsp = xsp.number(), "An XSP could not be started again.");
                return;
            }
        };
        switch.stands(true);
    }
}

/// Resolves when the switch stands so.
async fn turned(on: &mut watch::Receiver<bool>, wanted: bool) {
    if on.wait_for(|on| *on == wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
