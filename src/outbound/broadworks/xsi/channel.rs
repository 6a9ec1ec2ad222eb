//! An event channel: the answer that does not end.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::outbound::UpstreamBody;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::target::STREAMS;

/// What an attempt to open a channel came to.
pub enum Opened {
    /// The XSP sends us to another one.
    Redirect {
        /// Its name, when it is one of the pool.
        upstream: Option<Arc<str>>,
        /// As the XSP wrote it.
        location: String,
    },
    /// The stream is there; its first document says more.
    Stream(ChannelStream),
}

/// The stream of a channel. Dropping it closes the connection, so that the XSP frees the channel.
pub struct ChannelStream {
    upstream: Arc<str>,
    body: Pin<Box<UpstreamBody>>,
}

impl ChannelStream {
    /// The next bytes as they come; `None` when the XSP ended the stream properly. May be dropped
    /// halfway without losing anything.
    ///
    /// # Errors
    /// [`XsiFailure::Broken`] when the connection is gone or was silent for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, XsiFailure> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|_| XsiFailure::Broken {
                upstream: Arc::clone(&self.upstream),
            })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl XsiClient {
    /// Opens a channel at one XSP with the given `Channel` document.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn open_channel(&self, upstream: &str, body: Bytes) -> Result<Opened, XsiFailure> {
        let path = format!("{STREAMS}/channel");
        let request = self.request(Method::POST, &path, body)?;
        let sent = self
            .send(Some(upstream), request, self.limits.stream_idle)
            .await?;
        if sent.response.status().is_success() {
            let mut body = sent.response.into_body();
            // There is one of ours at each XSP, whatever the pool may hold.
            body.leave_cap();
            return Ok(Opened::Stream(ChannelStream {
                upstream: sent.upstream,
                body: Box::pin(body),
            }));
        }
        let limit = self.limits.call;
        let refused = timeout(limit, self.whole(sent)).await;
        match refused {
            Ok(Err(XsiFailure::Redirected { location, .. })) => Ok(Opened::Redirect {
                upstream: self.redirected_to(&location),
                location,
            }),
            Ok(Err(failure)) => Err(failure),
            Ok(Ok(_)) => Err(XsiFailure::Broken {
                upstream: upstream.into(),
            }),
            Err(_elapsed) => Err(XsiFailure::Timeout {
                upstream: upstream.into(),
                limit,
            }),
        }
    }
}
