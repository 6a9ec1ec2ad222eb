//! What no BroadWorks has: XSPs that stop on request, faults of event channels, shorter times,
//! users who are deleted or given Integrated IM&P, and the odd habits of provisioning. On a port of its own, so that it answers while both XSPs are stopped.

mod answer;
mod provisioning;
mod times;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::accept::BREATHER;
use crate::lab::accept::accept;
use crate::lab::broadworks::BroadWorks;
use crate::platform::tasks::Tasks;

/// Connections at once: people and scripts.
const CONNECTIONS: usize = 64;

/// Longest wait for the head of a request, the idle time of a kept connection included.
const HEAD: Duration = Duration::from_secs(10);

/// Accepts connections until `stop` fires.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, _, slot)) => {
                let served = connection(Arc::clone(&lab), stream, stop.clone(), tasks.clone());
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

async fn connection(
    lab: Arc<BroadWorks>,
    stream: TcpStream,
    stop: CancellationToken,
    tasks: Tasks,
) {
    let service = service_fn(move |request| {
        let lab = Arc::clone(&lab);
        let tasks = tasks.clone();
        async move { Ok::<_, Infallible>(answer::answer(&lab, request, &tasks).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!(%error, "A connection to the control endpoint ended early.");
    }
}
