//! How the lab's listeners take connections in, and speak HTTP over them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::Response;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::platform::tasks::Tasks;

/// Pause after a failed accept: most often the process is out of file descriptors.
const BREATHER: Duration = Duration::from_millis(100);

/// A listener, how many of its connections are open at once, and what runs them. Further ones wait
/// in the kernel's queue.
pub(in crate::lab) struct Door<'a> {
    pub(in crate::lab) listener: &'a TcpListener,
    pub(in crate::lab) slots: Arc<Semaphore>,
    /// Ends the accepting; connections see to themselves.
    pub(in crate::lab) stop: &'a CancellationToken,
    pub(in crate::lab) tasks: &'a Tasks,
    /// Whose it is, for the log.
    pub(in crate::lab) whose: &'static str,
}

impl Door<'_> {
    /// Accepts connections until the stop, and has each served by a task of its own. Whoever is
    /// answered with `None` is sent away.
    pub(in crate::lab) async fn serve<F>(
        self,
        mut begin: impl FnMut(TcpStream, SocketAddr) -> Option<F>,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                accepted = self.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer, slot)) => {
                    let Some(served) = begin(stream, peer) else {
                        continue;
                    };
                    self.tasks.connection(async move {
                        served.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    debug!(%error, whose = self.whose, "The lab could not accept a connection.");
                    tokio::time::sleep(BREATHER).await;
                }
            }
        }
    }

    /// A connection, who made it, and its slot. Cancel-safe: an unused slot is given back.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        Ok((stream, peer, slot))
    }
}

/// Speaks HTTP/1.1 over a connection until it ends, or the request under way at the stop is
/// answered. `head` is the longest wait for the head of a request, the idle time of a kept
/// connection included. An answer that is an error ends the connection without one.
pub(in crate::lab) async fn speak_http<H, F, B, E>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    head: Duration,
    stop: &CancellationToken,
    answer: H,
) where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
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
        debug!(%error, "A connection to the lab ended early.");
    }
}
