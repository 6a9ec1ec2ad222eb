//! The answer's body, and the ledger that goes with it: whatever becomes of an answer, its end
//! is counted and logged exactly once.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Uri;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::domain::edge::credential::Scheme;
use crate::domain::xsi::path::loggable;
use crate::inbound::http::body::Tally;
use crate::inbound::http::events::EventStream;
use crate::inbound::http::relay::Relayed;
use crate::inbound::peer::Peer;
use crate::outbound::UpstreamBody;
use crate::outbound::UpstreamBodyError;
use crate::platform::clock;
use crate::telemetry::http::Access;
use crate::telemetry::http::Outcome;
use crate::telemetry::http::RouteSeries;
use crate::workers::event_hub::OpenStream;

/// The body of every answer.
pub struct AnswerBody {
    content: Content,
    ledger: Ledger,
}

enum Content {
    /// Ours.
    Own(Bytes),
    /// The XSP's, streamed.
    Relayed(UpstreamBody),
    /// The XSP's stream of a channel.
    Channel(Box<EventStream>),
}

impl AnswerBody {
    pub(super) const fn own(text: Bytes, ledger: Ledger) -> Self {
        Self {
            content: Content::Own(text),
            ledger,
        }
    }

    pub(super) fn relayed(body: Relayed, ledger: Ledger) -> Self {
        let content = match body {
            Relayed::Answer(body) => Content::Relayed(body),
            Relayed::Channel(stream) => Content::Channel(stream),
        };
        Self { content, ledger }
    }

    /// The event stream that it is.
    pub(in crate::inbound) fn event_stream(&self) -> Option<&Arc<OpenStream>> {
        match &self.content {
            Content::Own(_) | Content::Relayed(_) => None,
            Content::Channel(stream) => Some(stream.stream()),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.content {
            Content::Own(text) if text.is_empty() => Poll::Ready(None),
            Content::Own(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            Content::Relayed(body) => Pin::new(body).poll_frame(cx),
            Content::Channel(stream) => Pin::new(&mut **stream).poll_frame(cx),
        };
        match frame {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    this.ledger.sent += data.len() as u64;
                    Poll::Ready(Some(Ok(Frame::data(data))))
                }
                // Trailers come last and are dropped (Xsi-Actions field page, section 7.10).
                Err(_trailers) => {
                    this.ledger.outcome = Outcome::Complete;
                    Poll::Ready(None)
                }
            },
            Poll::Ready(Some(Err(error))) => {
                this.ledger.outcome = Outcome::UpstreamLost;
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                this.ledger.outcome = Outcome::Complete;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(text) => text.is_empty(),
            Content::Relayed(body) => body.is_end_stream(),
            Content::Channel(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(text) => SizeHint::with_exact(text.len() as u64),
            Content::Relayed(body) => body.size_hint(),
            Content::Channel(stream) => stream.size_hint(),
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // hyper does not poll a body again that says it is at its end, and does not poll the
        // answer to HEAD at all.
        if self.ledger.outcome == Outcome::Aborted && (self.is_end_stream() || self.ledger.is_head)
        {
            self.ledger.outcome = Outcome::Complete;
        }
    }
}

/// The books of one request. Dropping it closes them, also when the client left while we waited.
pub(super) struct Ledger {
    series: Option<Arc<RouteSeries>>,
    started: Instant,
    pub(super) status: Option<StatusCode>,
    sent: u64,
    received: Option<Arc<Tally>>,
    outcome: Outcome,
    is_head: bool,
    /// What only the access log needs; `None` when nobody listens.
    pub(super) access: Option<Box<AccessFacts>>,
}

/// What the access log tells besides counts.
pub(super) struct AccessFacts {
    pub(super) peer: Arc<Peer>,
    pub(super) client: IpAddr,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) auth: Scheme,
    pub(super) tracking_id: HeaderValue,
    pub(super) route: Option<Arc<str>>,
    pub(super) upstream: Option<Arc<str>>,
    /// Why the edge, or AuthService, refused.
    pub(super) reason: Option<&'static str>,
}

impl Ledger {
    /// Opens the books.
    pub(super) fn open(
        series: Option<Arc<RouteSeries>>,
        started: Instant,
        method: &Method,
        access: Option<Box<AccessFacts>>,
    ) -> Self {
        if let Some(series) = &series {
            series.began();
        }
        Self {
            series,
            started,
            status: None,
            sent: 0,
            received: None,
            outcome: Outcome::Aborted,
            is_head: method == Method::HEAD,
            access,
        }
    }

    /// Counts the request's body from now on.
    pub(super) fn receive(&mut self) -> Arc<Tally> {
        let tally = Arc::<Tally>::default();
        self.received = Some(Arc::clone(&tally));
        tally
    }

    /// What counts the request's body.
    pub(super) const fn received(&self) -> Option<&Arc<Tally>> {
        self.received.as_ref()
    }

    /// Counts a request's body that is counted already.
    pub(super) fn has_received(&mut self, tally: Arc<Tally>) {
        self.received = Some(tally);
    }

    /// Notes who answered.
    pub(super) fn answered_by(&mut self, upstream: &Arc<str>) {
        if let Some(access) = &mut self.access {
            access.upstream = Some(Arc::clone(upstream));
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let took = clock::mono().saturating_duration_since(self.started);
        if let Some(series) = &self.series {
            series.ended(self.status, took);
        }
        let Some(facts) = &self.access else { return };
        Access {
            client: facts.client,
            identity: facts.peer.caller.as_ref().map(|caller| &*caller.identity),
            listener: &facts.peer.listener,
            route: facts.route.as_deref(),
            method: facts.method.as_str(),
            path: &loggable(facts.uri.path()),
            status: self.status.map(|status| status.as_u16()),
            reason: facts.reason,
            outcome: self.outcome,
            upstream: facts.upstream.as_deref(),
            bytes_in: self.received.as_ref().map_or(0, |tally| tally.bytes()),
            bytes_out: self.sent,
            took,
            auth: facts.auth.as_str(),
            tracking_id: facts.tracking_id.to_str().unwrap_or_default(),
        }
        .tell();
    }
}
