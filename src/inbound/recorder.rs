//! A reverse proxy on loopback that tells the shape of what it relays: how a partner captures the
//! unpublished formats around BroadWorks' AuthService without writing down a single value.
//!
//! Requests and answers pass as they are, bodies whole; only what belongs to one hop is set anew.
//! It is no part of the daemon: `xspd authservice record` runs it for the time of a capture.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::auth::shape;
use crate::domain::edge::headers::is_hop_by_hop;
use crate::outbound::ReadError;
use crate::outbound::read_capped;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Largest body each way: a token, a key and an answer have a hundredth of it.
const BODY_BYTES: usize = 1024 * 1024;

/// Connections at once: an XSP's web applications share a few.
const CONNECTIONS: usize = 64;

/// To the head of a request, and to its whole body.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// On loopback the connect is immediate or never.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// To a whole answer: the AuthService itself may be waiting for Webex.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// After a failed accept, for descriptors to become free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A recorder and where its records go.
pub struct Recorder {
    /// `host:port` of the AuthService.
    pub to: String,
    /// One JSON object for each exchange; when it is full, exchanges wait.
    pub records: mpsc::Sender<Value>,
    /// Where connections run.
    pub tasks: Tasks,
}

/// Why an exchange came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    AnswerBroken,
    AnswerSlow,
    AnswerTooLarge,
    RequestBroken,
    RequestSlow,
    RequestTooLarge,
    Unreachable,
}

impl Fault {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerBroken => "answer-broken",
            Self::AnswerSlow => "answer-slow",
            Self::AnswerTooLarge => "answer-too-large",
            Self::RequestBroken => "request-broken",
            Self::RequestSlow => "request-slow",
            Self::RequestTooLarge => "request-too-large",
            Self::Unreachable => "unreachable",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::AnswerBroken | Self::AnswerTooLarge | Self::Unreachable => {
                StatusCode::BAD_GATEWAY
            }
            Self::AnswerSlow => StatusCode::GATEWAY_TIMEOUT,
            Self::RequestBroken => StatusCode::BAD_REQUEST,
            Self::RequestSlow => StatusCode::REQUEST_TIMEOUT,
            Self::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

/// Relays until `stop`. The caller has made sure that the socket is on loopback.
pub async fn serve(socket: TcpListener, recorder: Arc<Recorder>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Beyond the limit a connection is closed; clients of a capture try again.
                if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    let (recorder, stop) = (Arc::clone(&recorder), stop.clone());
                    let tasks = recorder.tasks.clone();
                    tasks.connection(async move {
                        let _place = place;
                        connection(stream, peer, recorder, stop).await;
                    });
                }
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    recorder: Arc<Recorder>,
    stop: CancellationToken,
) {
    // The socket is on loopback already; an address that is not would be a broken route.
    if !peer.ip().is_loopback() {
        return;
    }
    let service = service_fn(move |request| {
        let recorder = Arc::clone(&recorder);
        async move { Ok::<_, Infallible>(exchange(request, &recorder).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a client leaves is its own affair.
        ended = connection.as_mut() => drop(ended),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            drop(timeout(ANSWER_TIME, connection).await);
        }
    }
}

/// One request and its answer.
async fn exchange(request: Request<Incoming>, recorder: &Recorder) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let begun = clock::mono();
    let mut record = json!({
        "at": OffsetDateTime::from(clock::wall()).format(&Rfc3339).unwrap_or_default(),
        "method": shape::method(head.method.as_str()),
        "path": shape::path(head.uri.path()),
        "query": shape::query(head.uri.query().unwrap_or_default()),
    });
    let outcome = match read(body, REQUEST_TIME).await {
        Ok(body) => {
            record["request"] = message(&head.headers, &body);
            forward(head, body, recorder).await
        }
        Err(fault) => {
            record["request"] = json!({ "headers": headers(&head.headers) });
            Err(match fault {
                Unread::Broken => Fault::RequestBroken,
                Unread::Slow => Fault::RequestSlow,
                Unread::TooLarge => Fault::RequestTooLarge,
            })
        }
    };
    let answer = match outcome {
        Ok((head, body)) => {
            record["status"] = head.status.as_u16().into();
            record["answer"] = message(&head.headers, &body);
            let mut answer = Response::from_parts(head, Full::new(body));
            drop_hop(answer.headers_mut());
            answer
        }
        Err(fault) => {
            record["fault"] = fault.as_str().into();
            record["status"] = fault.status().as_u16().into();
            refusal(fault)
        }
    };
    let took = clock::mono().saturating_duration_since(begun);
    record["milliseconds"] = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into();
    // Nobody listens any more when the capture ends; the answer goes out all the same.
    drop(recorder.records.send(record).await);
    answer
}

async fn forward(
    mut head: http::request::Parts,
    body: Bytes,
    recorder: &Recorder,
) -> Result<(http::response::Parts, Bytes), Fault> {
    let connected = timeout(CONNECT_TIME, TcpStream::connect(&recorder.to)).await;
    let stream = match connected {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) | Err(_) => return Err(Fault::Unreachable),
    };
    let (mut sender, link) = hyper::client::conn::http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Fault::Unreachable)?;
    let link = async move { drop(link.await) };
    recorder.tasks.connection(link);
    drop_hop(&mut head.headers);
    // An absolute form is for proxies; the AuthService expects the path.
    let target = head.uri.path_and_query().map(|p| p.as_str().parse());
    if let Some(Ok(target)) = target {
        head.uri = target;
    }
    head.version = http::Version::HTTP_11;
    let request = Request::from_parts(head, Full::new(body));
    let answered = timeout(ANSWER_TIME, sender.send_request(request)).await;
    let (head, body) = match answered {
        Ok(Ok(answer)) => answer.into_parts(),
        Ok(Err(_)) => return Err(Fault::AnswerBroken),
        Err(_) => return Err(Fault::AnswerSlow),
    };
    match read(body, ANSWER_TIME).await {
        Ok(body) => Ok((head, body)),
        Err(Unread::Broken) => Err(Fault::AnswerBroken),
        Err(Unread::Slow) => Err(Fault::AnswerSlow),
        Err(Unread::TooLarge) => Err(Fault::AnswerTooLarge),
    }
}

/// Why a body could not be read whole.
enum Unread {
    Broken,
    Slow,
    TooLarge,
}

async fn read(body: Incoming, limit: Duration) -> Result<Bytes, Unread> {
    match timeout(limit, read_capped(body, BODY_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(ReadError::Broken(_))) => Err(Unread::Broken),
        Ok(Err(ReadError::TooLarge(_))) => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Slow),
    }
}

fn message(fields: &HeaderMap, body: &Bytes) -> Value {
    let declared = fields.get(header::CONTENT_TYPE);
    let declared = declared.and_then(|value| value.to_str().ok());
    json!({
        "headers": headers(fields),
        "bytes": body.len(),
        "body": shape::body(declared, body),
    })
}

fn headers(fields: &HeaderMap) -> Value {
    fields
        .iter()
        .map(|(name, value)| shape::header(name.as_str(), value.as_bytes()))
        .collect()
}

/// Drops what is for one hop, but for the framing, which hyper needs to know.
fn drop_hop(fields: &mut HeaderMap) {
    let names: Vec<_> = fields
        .keys()
        .filter(|name| is_hop_by_hop(name.as_str()) && *name != header::TRANSFER_ENCODING)
        .cloned()
        .collect();
    for name in names {
        fields.remove(name);
    }
}

fn refusal(fault: Fault) -> Response<Full<Bytes>> {
    let text = format!("xspd authservice record: {}\n", fault.as_str());
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = fault.status();
    answer
}
