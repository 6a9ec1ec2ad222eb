//! Connections: accepted, TLS, HTTP/1.1.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::accept::BREATHER;
use crate::lab::accept::accept;
use crate::lab::webex::Webex;
use crate::lab::webex::identity::route;
use crate::platform::tasks::Tasks;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 1024;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest wait for the head of a request, the idle time of a kept connection included.
const HEAD: Duration = Duration::from_secs(30);

/// Accepts connections until `stop` fires.
pub(in crate::lab::webex) async fn serve(
    webex: Arc<Webex>,
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
                let served = connection(Arc::clone(&webex), stream, stop.clone());
                tasks.connection(async move {
                    served.await;
                    drop(slot);
                });
            }
            Err(error) => {
                debug!(%error, "The lab's Webex could not accept a connection.");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

async fn connection(webex: Arc<Webex>, stream: TcpStream, stop: CancellationToken) {
    let acceptor = TlsAcceptor::from(Arc::clone(&webex.identity.tls));
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
        () = stop.cancelled() => return,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            debug!(%error, "A handshake with the lab's Webex failed.");
            return;
        }
        Err(_) => return,
    };
    let service = service_fn(move |request| {
        let webex = Arc::clone(&webex);
        async move { Ok::<_, Infallible>(route::answer(&webex.identity, request).await) }
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
        debug!(%error, "A connection to the lab's Webex ended early.");
    }
}
