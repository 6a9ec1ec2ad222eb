//! Connections to the lab's Webex: accepted, TLS, HTTP/1.1.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::Response;
use hyper::body::Body;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::accept::Door;
use crate::lab::accept::speak_http;
use crate::platform::tasks::Tasks;

/// Connections at once.
const CONNECTIONS: usize = 1024;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest wait for the head of a request.
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
    let door = Door {
        listener: &listener,
        slots: Arc::new(Semaphore::new(CONNECTIONS)),
        stop: &stop,
        tasks,
        whose: "Webex",
    };
    let tls = TlsAcceptor::from(tls);
    door.serve(|stream, _| {
        let (tls, stop, answer) = (tls.clone(), stop.clone(), answer.clone());
        Some(async move {
            let shaken = tokio::select! {
                shaken = tokio::time::timeout(HANDSHAKE, tls.accept(stream)) => shaken,
                () = stop.cancelled() => return,
            };
            match shaken {
                Ok(Ok(stream)) => speak_http(stream, HEAD, &stop, answer).await,
                Ok(Err(error)) => debug!(%error, "A handshake with the lab's Webex failed."),
                Err(_) => {}
            }
        })
    })
    .await;
}
