//! The listening side of a fake.
#![expect(
    clippy::disallowed_methods,
    reason = "tasks of a fake end with its runtime"
)]

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::task::JoinSet;

/// A port of loopback that somebody serves. When it is dropped, nobody listens any more and every
/// connection ends: each belongs to the task that accepts, so none can be missed.
pub(crate) struct Accepting {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Accepting {
    /// Listens on a free port; `serve` makes what is done with one connection.
    pub(crate) async fn start<F>(mut serve: impl FnMut(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(tcp));
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            accepted,
            task: task.abort_handle(),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections accepted so far, closed ones included.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Ends it, as dropping it does.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.stop();
    }
}
