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
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::broadworks::BroadWorks;
use crate::platform::tasks::Tasks;

/// Pause after a failed accept: most often the process is out of file descriptors.
const BREATHER: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` fires.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let served =
                    connection::serve(Arc::clone(&lab), stream, stop.clone(), tasks.clone());
                tasks.connection(served);
            }
            Err(error) => {
                debug!(%error, "The lab could not accept a connection.");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}
