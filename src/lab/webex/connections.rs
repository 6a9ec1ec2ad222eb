//! Connections to the lab's Webex: accepted, TLS, HTTP/1.1.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::Response;
use hyper::body::Body;
use hyper::body::Incoming;
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
use crate::platform::tasks::Tasks;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 1024;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest wait for the head of a request, the idle time of a kept connection included.
const HEAD: Duration = Duration::from_secs(30);

/// Accepts connections until `stop` fires, and has each request answered. A request whose answer
/// is an error ends its connection without one.
pub(super) async fn serve<H, F, B, E>(
    tls: Arc<rustls::ServerConfig>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
    answer: H,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, _, slot)) => {
                let served = connection(Arc::clone(&tls), stream, stop.clone(), answer.clone());
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

async fn connection<H, F, B, E>(
    tls: Arc<rustls::ServerConfig>,
    stream: TcpStream,
    stop: CancellationToken,
    answer: H,
) where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let acceptor = TlsAcceptor::from(tls);
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
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
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
