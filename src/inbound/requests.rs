//! The requests of one connection: each finds the live snapshot and is in flight until its answer
//! has been sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::Response;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::HttpService;
use hyper::service::service_fn;

use crate::inbound::http::AnswerBody;
use crate::inbound::listener::Shared;
use crate::inbound::peer::Peer;
use crate::inbound::watch::Flight;
use crate::inbound::watch::Order;
use crate::inbound::watch::Watch;
use crate::platform::tasks::Tasks;
use crate::workers::event_hub::Cut;

/// Answers the requests of one connection from the snapshot that is live when they come.
pub(super) fn service(
    peer: &Arc<Peer>,
    shared: &Arc<Shared>,
    watch: &Arc<Watch>,
) -> impl HttpService<Incoming, ResBody = Tracked, Error = Gone, Future = Answering> + use<> {
    let (peer, shared, watch) = (Arc::clone(peer), Arc::clone(shared), Arc::clone(watch));
    service_fn(move |request| {
        let flight = watch.begin();
        let edge = shared.live.load_full();
        let peer = Arc::clone(&peer);
        // hyper keeps room for one of these with every connection, idle ones too.
        let answering: Answering = Box::pin(async move {
            let answer = edge.answer(request, &peer).await.ok_or(Gone)?;
            flight.handed_over();
            cut_with(answer.body(), &flight);
            Ok(answer.map(|body| Tracked { body, flight }))
        });
        answering
    })
}

/// An event stream whose client takes nothing is not polled, so only its connection can end it.
fn cut_with(body: &AnswerBody, flight: &Flight) {
    if let Some(stream) = body.event_stream() {
        let watch = Arc::downgrade(flight.watch());
        stream.when_cut(move |why| {
            if let Some(watch) = watch.upgrade() {
                watch.order(match why {
                    Cut::Drained => Order::Cut,
                    Cut::SlowReader => Order::SlowReader,
                });
            }
        });
    }
}

/// A request that is being answered.
pub(super) type Answering = BoxFuture<'static, Result<Response<Tracked>, Gone>>;

/// The listener is no longer part of the configuration.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the listener is gone")]
pub(super) struct Gone;

/// An answer's body that keeps its request in flight until it is sent.
pub(super) struct Tracked {
    body: AnswerBody,
    flight: Flight,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match polled {
            Poll::Pending => this.flight.waits_for_upstream(),
            Poll::Ready(_) => this.flight.handed_over(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Runs the streams of an HTTP/2 connection.
#[derive(Clone)]
pub(super) struct Streams(pub(super) Tasks);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.connection(stream);
    }
}
