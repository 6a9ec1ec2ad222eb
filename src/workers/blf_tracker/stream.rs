//! The task of one channel's stream: opens it, cuts it into documents, reads them, hands them on.
//! Reading the XML happens here, so that one busy stream does not hold up the others.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Happening;
use crate::domain::events::channel::OpenFailure;
use crate::domain::events::document::CAP;
use crate::domain::events::document::Document;
use crate::domain::events::document::DocumentError;
use crate::domain::events::framing::Framer;
use crate::domain::events::framing::FramingFault;
use crate::outbound::broadworks::xsi::ChannelStream;
use crate::outbound::broadworks::xsi::Opened;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::telemetry::blf::BlfMetrics;
use crate::workers::blf_tracker::report::Report;
use crate::workers::blf_tracker::report::UpstreamName;
use crate::workers::blf_tracker::report::open_failure;

/// One stream to be.
pub(super) struct Stream {
    pub(super) client: XsiClient,
    pub(super) upstream: UpstreamName,
    pub(super) attempt: Attempt,
    /// The `Channel` document that opens it.
    pub(super) body: Bytes,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) metrics: Arc<BlfMetrics>,
}

/// Why a stream is not read on.
enum End {
    /// Nobody listens to its reports.
    Unheard,
    /// It ended, broke, or makes no sense any more.
    Ended,
}

impl Stream {
    /// Runs until the stream ends or `stop` fires; dropping the stream closes its connection.
    pub(super) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&self) {
        match self
            .client
            .open_channel(&self.upstream, self.body.clone())
            .await
        {
            Ok(Opened::Stream(stream)) => {
                self.metrics.request_done("channel");
                match self.read(stream).await {
                    End::Unheard => {}
                    End::Ended => self.tell(Happening::Ended).await,
                }
            }
            Ok(Opened::Redirect {
                upstream: Some(upstream),
                ..
            }) => {
                self.metrics.request_done("channel");
                let to = OpenFailure::Redirected(Box::from(&*upstream));
                self.tell(Happening::OpenFailed(to)).await;
            }
            Ok(Opened::Redirect {
                upstream: None,
                location,
            }) => {
                let upstream = Arc::clone(&self.upstream);
                let failure = XsiFailure::Redirected { upstream, location };
                self.failed(&failure);
                self.tell(Happening::OpenFailed(OpenFailure::Io)).await;
            }
            Err(failure) => {
                self.failed(&failure);
                self.tell(Happening::OpenFailed(open_failure(&failure)))
                    .await;
            }
        }
    }

    fn failed(&self, failure: &XsiFailure) {
        let word = failure.as_str();
        self.metrics
            .request_failed("channel", word, &self.upstream, failure);
    }

    async fn tell(&self, happening: Happening) {
        let report = Report::Channel(self.attempt, happening);
        // The tracker has ended otherwise.
        self.reports.send(report).await.ok();
    }

    async fn read(&self, mut stream: ChannelStream) -> End {
        let mut framer = Framer::new(CAP);
        loop {
            let Ok(Some(piece)) = stream.next().await else {
                return End::Ended;
            };
            framer.push(&piece);
            drop(piece);
            if let Err(end) = self.documents(&mut framer).await {
                return end;
            }
        }
    }

    async fn documents(&self, framer: &mut Framer) -> Result<(), End> {
        loop {
            match framer.document() {
                Ok(Some(bytes)) => {
                    if let Some(document) = self.parse(&bytes) {
                        let report = Report::Document(self.attempt, document);
                        let sent = self.reports.send(report).await;
                        sent.map_err(|_gone| End::Unheard)?;
                    }
                }
                Ok(None) => return Ok(()),
                Err(fault) => self.flawed(fault)?,
            }
        }
    }

    /// A stretch that is no document is passed over; one without end ends the stream, because what
    /// comes after it cannot be waited for.
    fn flawed(&self, fault: FramingFault) -> Result<(), End> {
        let (reason, end) = match fault {
            FramingFault::Declared | FramingFault::Malformed => ("malformed", Ok(())),
            FramingFault::TooLarge(_) => ("too-large", Err(End::Ended)),
        };
        self.metrics
            .document_refused(&self.upstream, reason, &fault);
        end
    }

    fn parse(&self, bytes: &[u8]) -> Option<Document> {
        match Document::parse(bytes, CAP) {
            Ok(document) => Some(document),
            Err(error) => {
                let reason = match &error {
                    DocumentError::Codec(_) => "malformed",
                    DocumentError::Call
                    | DocumentError::EventId
                    | DocumentError::Id
                    | DocumentError::Kind => "unreadable",
                };
                self.metrics
                    .document_refused(&self.upstream, reason, &error);
                None
            }
        }
    }
}
