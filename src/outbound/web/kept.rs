//! A client of one service that is called many times a second: its connections are kept.
//!
//! A connection has no task of its own; whoever waits for an answer drives it. Before a kept one
//! is used again it is looked at for its end, so that a request is seldom written to a service
//! that has just closed. What may have reached the service is told apart from what did not.

use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Response;
use http::StatusCode;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::time::timeout_at;

use crate::config::Environment;
use crate::config::secret::Secret;
use crate::outbound::OutboundError;
use crate::outbound::ReadError;
use crate::outbound::read_capped;
use crate::outbound::web::WebRequest;
use crate::outbound::web::call;
use crate::outbound::web::call::HEAD_BYTES;
use crate::outbound::web::failure::WebFailure;
use crate::outbound::web::proxy::Proxies;
use crate::outbound::web::tunnel;
use crate::outbound::web::url::WebUrl;
use crate::platform::clock;
use crate::tls::web::web_config;

/// Longest time a connection is kept without a request. Proxies and balancers on the way drop what
/// is quiet for a minute.
const KEEP: Duration = Duration::from_secs(30);

/// Time limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLimits {
    /// Address and TCP together, TLS, and a proxy's consent, each.
    pub connect: Duration,
    /// From the request to the head of the answer.
    pub answer: Duration,
    /// Everything.
    pub total: Duration,
}

/// The way to a service.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// Directly.
    Direct,
    /// As the environment says.
    Environment(&'a Environment),
    /// Through a proxy.
    Proxy {
        /// `http://host:port`.
        url: &'a str,
        /// `user:password`.
        credentials: Option<&'a Secret>,
    },
}

/// The client.
pub struct KeptClient {
    tls: Arc<ClientConfig>,
    proxies: Proxies,
    limits: KeptLimits,
    /// Connections kept at once.
    keep: usize,
    idle: Mutex<Vec<Idle>>,
}

/// One answer, whatever its status.
#[derive(Debug)]
pub struct KeptAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum KeptFailure {
    /// The request did not leave us.
    #[error(transparent)]
    Unsent(WebFailure),
    /// The request may have arrived.
    #[error(transparent)]
    Unanswered(WebFailure),
}

impl KeptFailure {
    /// What happened.
    #[must_use]
    pub const fn failure(&self) -> &WebFailure {
        match self {
            Self::Unsent(failure) | Self::Unanswered(failure) => failure,
        }
    }
}

/// TCP, or TLS over it.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

type Link = http1::Connection<TokioIo<Box<dyn Duplex>>, Full<Bytes>>;

struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    link: Box<Link>,
}

struct Idle {
    connection: Connection,
    /// Host and port, and whether it is spoken to in clear: a service may name other hosts.
    to: (String, bool),
    since: Instant,
}

/// How one attempt on one connection failed.
enum Lost {
    /// Nothing was written.
    Unsent(WebFailure),
    /// The connection ended before there was the head of an answer.
    Silent(WebFailure),
    /// Anything later.
    Late(WebFailure),
}

impl KeptClient {
    /// A client that believes the certificates in `ca`, or without it the public roots, and keeps
    /// up to `keep` connections. Reads the file, blocking; called at start and reload only.
    ///
    /// # Errors
    /// The file cannot be used, or there can be no such proxy.
    pub fn new(
        ca: Option<&Path>,
        way: Way<'_>,
        limits: KeptLimits,
        keep: usize,
    ) -> Result<Self, OutboundError> {
        let tls = web_config(ca).map_err(|fault| OutboundError::WebTls {
            fault: Box::new(fault),
        })?;
        let proxies = match way {
            Way::Direct => Proxies::default(),
            Way::Environment(environment) => Proxies::of(environment)?,
            Way::Proxy { url, credentials } => {
                let credentials = credentials.map(|held| held.expose().trim_ascii());
                Proxies::through(url, credentials).ok_or(OutboundError::NamedProxy)?
            }
        };
        Ok(Self {
            tls,
            proxies,
            limits,
            keep,
            idle: Mutex::default(),
        })
    }

    /// Sends a request and reads the answer whole. A GET whose kept connection ended without a
    /// word is sent once more on a fresh one.
    ///
    /// # Errors
    /// There is no answer, or it is too large.
    pub async fn send(&self, request: &WebRequest<'_>) -> Result<KeptAnswer, KeptFailure> {
        let end = clock::mono() + self.limits.total;
        while let Some(connection) = self.take_idle(request.url).await {
            match self.exchange(connection, request, end).await {
                Ok(answer) => return Ok(answer),
                // The service had closed it before.
                Err(Lost::Unsent(_)) => {}
                Err(Lost::Silent(_)) if request.method == Method::GET => break,
                Err(Lost::Silent(failure) | Lost::Late(failure)) => {
                    return Err(KeptFailure::Unanswered(failure));
                }
            }
        }
        let connection = timeout_at(end.into(), self.open(request.url))
            .await
            .unwrap_or(Err(WebFailure::Timeout(self.limits.total)))
            .map_err(KeptFailure::Unsent)?;
        let sent = self.exchange(connection, request, end).await;
        sent.map_err(|lost| match lost {
            Lost::Unsent(failure) => KeptFailure::Unsent(failure),
            Lost::Silent(failure) | Lost::Late(failure) => KeptFailure::Unanswered(failure),
        })
    }

    /// The connection to there used last that is still up.
    async fn take_idle(&self, url: &WebUrl) -> Option<Connection> {
        let to = toward(url);
        loop {
            let Idle {
                mut connection,
                since,
                ..
            } = {
                let mut idle = self.idle();
                let at = idle.iter().rposition(|held| held.to == to)?;
                idle.remove(at)
            };
            let old = clock::mono().saturating_duration_since(since) >= KEEP;
            if !old && connection.is_ready().await {
                return Some(connection);
            }
        }
    }

    async fn keep(&self, mut connection: Connection, url: &WebUrl) {
        if !connection.is_ready().await {
            return;
        }
        let since = clock::mono();
        let mut idle = self.idle();
        if idle.len() >= self.keep {
            // The one that was used longest ago.
            drop(idle.remove(0));
        }
        let to = toward(url);
        idle.push(Idle {
            connection,
            to,
            since,
        });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self, url: &WebUrl) -> Result<Connection, WebFailure> {
        let limit = self.limits.connect;
        let stream: Box<dyn Duplex> = if url.is_plain() {
            Box::new(tunnel::plain(url, limit).await?)
        } else {
            let proxy = self.proxies.toward(url);
            Box::new(tunnel::open(url, proxy, &self.tls, limit).await?)
        };
        let (sender, link) = http1::Builder::new()
            .max_header_size(HEAD_BYTES)
            .max_buf_size(HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| WebFailure::Broken(Box::new(error)))?;
        Ok(Connection {
            sender,
            link: Box::new(link),
        })
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        request: &WebRequest<'_>,
        end: Instant,
    ) -> Result<KeptAnswer, Lost> {
        let written = call::written(request).map_err(Lost::Unsent)?;
        let head = self.limits.answer;
        let head_end = (clock::mono() + head).min(end);
        let answer = timeout_at(head_end.into(), connection.answer(written))
            .await
            .unwrap_or(Err(Lost::Late(WebFailure::Timeout(head))))?;
        let (head, body) = answer.into_parts();
        let body = timeout_at(end.into(), connection.body(body, request.answer_bytes))
            .await
            .unwrap_or(Err(WebFailure::Timeout(self.limits.total)))
            .map_err(Lost::Late)?;
        self.keep(connection, request.url).await;
        Ok(KeptAnswer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

fn toward(url: &WebUrl) -> (String, bool) {
    (url.authority().to_owned(), url.is_plain())
}

impl Connection {
    /// Whether another request may go out, after a look at what the service has sent meanwhile.
    async fn is_ready(&mut self) -> bool {
        let ended = poll_fn(|cx| Poll::Ready(Pin::new(&mut self.link).poll(cx).is_ready())).await;
        !ended && self.sender.is_ready()
    }

    async fn answer(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Lost> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let mut link = Some(&mut self.link);
        let sent = poll_fn(|cx| {
            // What ended the link shows in the answer.
            if let Some(running) = &mut link
                && Pin::new(&mut **running).poll(cx).is_ready()
            {
                link = None;
            }
            answer.as_mut().poll(cx)
        });
        sent.await.map_err(|mut error| {
            let unsent = error.take_message().is_some();
            let failure = WebFailure::Broken(Box::new(error.into_error()));
            match unsent {
                true => Lost::Unsent(failure),
                false => Lost::Silent(failure),
            }
        })
    }

    async fn body(&mut self, body: Incoming, cap: usize) -> Result<Bytes, WebFailure> {
        let mut body = std::pin::pin!(read_capped(body, cap));
        let mut link = Some(&mut self.link);
        let read = poll_fn(|cx| {
            if let Some(running) = &mut link
                && Pin::new(&mut **running).poll(cx).is_ready()
            {
                link = None;
            }
            body.as_mut().poll(cx)
        });
        read.await.map_err(|error| match error {
            ReadError::TooLarge(cap) => WebFailure::TooLarge(cap),
            ReadError::Broken(source) => WebFailure::Broken(source),
        })
    }
}
