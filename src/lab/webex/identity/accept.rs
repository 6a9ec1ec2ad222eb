//! The listener of the identity part.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lab::webex::Webex;
use crate::lab::webex::connections;
use crate::lab::webex::identity::route;
use crate::platform::tasks::Tasks;

/// Accepts connections until `stop` fires.
pub(in crate::lab::webex) async fn serve(
    webex: Arc<Webex>,
    listener: TcpListener,
    stop: CancellationToken,
    tasks: &Tasks,
) {
    let tls = Arc::clone(&webex.identity.tls);
    connections::serve(tls, listener, stop, tasks, move |request| {
        let webex = Arc::clone(&webex);
        async move { Ok::<_, Infallible>(route::answer(&webex.identity, request).await) }
    })
    .await;
}
