//! One connection: HTTP/1.1, closed after four idle seconds as an XSP does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::accept::speak_http;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::session;
use crate::lab::broadworks::xsp::Xsp;
use crate::platform::tasks::Tasks;

/// Idle time of a kept connection, told in `keep-alive: timeout=4`. hyper measures it from the
/// end of one request to the end of the next head.
const IDLE: Duration = Duration::from_secs(4);

/// Longest pause between two pieces of a request body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// Serves a connection until it ends or the lab stops; when its XSP is stopped it breaks off.
pub(super) async fn serve(
    (lab, xsp): (Arc<BroadWorks>, Xsp),
    stream: TcpStream,
    (stop, cut): (CancellationToken, CancellationToken),
    tasks: Tasks,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "A connection to the lab was gone at once.");
        return;
    }
    let answer = move |request| {
        let (lab, tasks) = (Arc::clone(&lab), tasks.clone());
        async move { Ok::<_, Infallible>(session::answer((lab, xsp), request, &tasks).await) }
    };
    tokio::select! {
        () = cut.cancelled() => {}
        () = speak_http(stream, IDLE, &stop, answer) => {}
    }
}

/// Reads a body up to a cap.
pub(super) async fn read(mut body: Incoming, cap: usize) -> Result<bytes::Bytes, Fault> {
    if body.size_hint().lower() > u64::try_from(cap).unwrap_or(u64::MAX) {
        return Err(Fault::BodyTooLarge);
    }
    let mut bytes = BytesMut::new();
    loop {
        match tokio::time::timeout(BODY_PAUSE, body.frame()).await {
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if bytes.len() + data.len() > cap {
                    return Err(Fault::BodyTooLarge);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Some(Err(_))) | Err(_) => return Err(Fault::Parameter("body")),
        }
    }
}
