//! Small request bodies, kept so that they can be looked into and sent again. A body that goes on
//! while its answer streams (field page, section 1.7) is never waited for.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt;

use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BodyFault;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::body::LimitedBody;
use crate::inbound::http::events::KEPT_BYTES;
use crate::inbound::http::relay::Way;
use crate::inbound::http::rescue::Refusal;
use crate::platform::clock;

/// How long the end of a body without a length is waited for: one that was sent whole is here by
/// then.
const MOMENT: Duration = Duration::from_millis(50);

/// How long to wait for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until it is there.
    End,
    /// As `Moment`, and what does not end then may go on for ever, as long as it does not pause
    /// for too long.
    Stream(Duration),
    /// A moment, unless its length is known.
    Moment,
}

/// A body, whole or as far as it has come.
pub(super) struct Gathered<B> {
    kept: Bytes,
    /// What has not come yet; `None` when the body is whole.
    rest: Option<LimitedBody<B>>,
    /// What of `kept` has not been sent.
    unsent: Bytes,
}

impl<B> Gathered<B> {
    fn new(kept: Bytes, rest: Option<LimitedBody<B>>) -> Self {
        Self {
            unsent: kept.clone(),
            kept,
            rest,
        }
    }

    /// A whole body.
    pub(super) fn of(kept: Bytes) -> Self {
        Self::new(kept, None)
    }

    /// What has come.
    pub(super) const fn kept(&self) -> &Bytes {
        &self.kept
    }

    /// All of it, if all has come.
    pub(super) const fn whole(&self) -> Option<&Bytes> {
        match self.rest {
            None => Some(&self.kept),
            Some(_) => None,
        }
    }
}

impl<B> Body for Gathered<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        if !this.unsent.is_empty() {
            let frame = Frame::data(std::mem::take(&mut this.unsent));
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut this.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.unsent.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let unsent = self.unsent.len() as u64;
        let Some(rest) = &self.rest else {
            return SizeHint::with_exact(unsent);
        };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(unsent));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(unsent));
        }
        hint
    }
}

impl Front {
    /// Reads a body as far as it is small and comes at once.
    pub(super) async fn gather<B>(
        &self,
        body: B,
        wait: Wait,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<Gathered<B>, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Ok(Gathered::of(Bytes::new()));
        }
        let length = body.size_hint().exact();
        let (body, _) = match wait {
            Wait::End | Wait::Moment => self.take_body(body, way, ledger)?,
            Wait::Stream(pause) => self.take_stream(body, pause, way, ledger)?,
        };
        if length.is_some_and(|length| length > KEPT_BYTES as u64) {
            return Ok(Gathered::new(Bytes::new(), Some(body)));
        }
        let patience = match wait {
            Wait::End => None,
            Wait::Stream(_) | Wait::Moment if length.is_some() => None,
            Wait::Stream(_) | Wait::Moment => Some(clock::mono() + MOMENT),
        };
        read(body, patience)
            .await
            .map_err(|fault| fault.reason().into())
    }
}

async fn read<B>(
    mut body: LimitedBody<B>,
    until: Option<std::time::Instant>,
) -> Result<Gathered<B>, BodyFault>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut kept = BytesMut::new();
    loop {
        let frame = match until {
            None => body.frame().await,
            // Nothing is lost when the time is over: a frame is taken whole or not at all.
            Some(until) => match tokio::time::timeout_at(until.into(), body.frame()).await {
                Ok(frame) => frame,
                Err(_over) => return Ok(Gathered::new(kept.freeze(), Some(body))),
            },
        };
        match frame {
            None => return Ok(Gathered::of(kept.freeze())),
            Some(Err(fault)) => return Err(fault),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    kept.extend_from_slice(&data);
                }
                if kept.len() > KEPT_BYTES {
                    return Ok(Gathered::new(kept.freeze(), Some(body)));
                }
            }
        }
    }
}
