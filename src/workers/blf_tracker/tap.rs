//! Reads along in the event streams of clients that pass through. Each client's channel is a source
//! of its own: when it ends, what it told is no longer believed.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::SourceId;
use crate::domain::events::document::CAP;
use crate::domain::events::document::Delivery;
use crate::domain::events::document::Document;
use crate::domain::events::document::EventData;
use crate::domain::events::document::Owner;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::subscriptions::Scope;
use crate::platform::clock;
use crate::workers::blf_tracker::report::Report;
use crate::workers::event_hub::EventHub;
use crate::workers::event_hub::Tapped;

/// How often it is looked which channels still are open. A client that comes back has another
/// channel, so nothing is hoped for.
const LOOK: Duration = Duration::from_secs(1);

/// The tap of one hub.
pub(super) struct Tap {
    hub: EventHub,
    tapped: broadcast::Receiver<Tapped>,
    reports: mpsc::Sender<Report>,
    /// Channels that told something.
    sources: HashSet<SourceId>,
}

impl Tap {
    pub(super) fn new(hub: EventHub, reports: mpsc::Sender<Report>) -> Self {
        Self {
            tapped: hub.tap(),
            hub,
            reports,
            sources: HashSet::new(),
        }
    }

    /// Runs until `stop` fires or nobody listens.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // All branches may be dropped halfway without losing anything.
            let report = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = look.tick() => self.ended(),
                tapped = self.tapped.recv() => match tapped {
                    Ok(tapped) => self.read(&tapped),
                    Err(RecvError::Lagged(_)) => Some(self.missed()),
                    Err(RecvError::Closed) => return,
                },
            };
            if let Some(report) = report
                && self.reports.send(report).await.is_err()
            {
                return;
            }
        }
    }

    fn read(&mut self, tapped: &Tapped) -> Option<Report> {
        let document = tapped.document.as_deref();
        let document = document.and_then(|document| Document::parse(document, CAP).ok());
        // It may have told of a call: what the channel told before may be wrong now.
        let Some(document) = document else {
            let source = self.source(tapped.channel.as_deref()?);
            let told = self.sources.remove(&source);
            return told.then(|| Report::TapEnded(vec![source]));
        };
        match document {
            Document::Event(event) => self.event(*event),
            Document::ChannelTerminated { channel, .. } => {
                let source = self.source(channel?.as_str());
                self.sources.remove(&source);
                Some(Report::TapEnded(vec![source]))
            }
            Document::ChannelOpened(_)
            | Document::ErrorInfo(_)
            | Document::HeartBeat
            | Document::Unknown { .. } => None,
        }
    }

    fn source(&self, channel: &str) -> SourceId {
        SourceId(self.hub.key(channel.as_bytes()))
    }

    fn event(&mut self, event: SubscriptionEvent) -> Option<Report> {
        let Some(Delivery::Channel(channel)) = &event.delivery else {
            return None;
        };
        match &event.data {
            EventData::Other { .. } => return None,
            EventData::Calls { .. }
            | EventData::DoNotDisturb(_)
            | EventData::Hook(_)
            | EventData::Parked(_)
            | EventData::Snapshot(_)
            | EventData::SubscriptionTerminated
            | EventData::Unreadable { .. } => {}
        }
        let source = self.source(channel.as_str());
        let user = event.about()?.clone();
        // Who watches himself has a subscription of his own; others may watch whole groups.
        let scope = match (&event.target, &event.owner) {
            (None, _) => Scope::User,
            (Some(target), Some(Owner::User(owner))) if target == owner => Scope::User,
            (Some(_), _) => Scope::Collection,
        };
        self.sources.insert(source);
        Some(Report::Tapped(Box::new(LineEvent {
            user,
            source,
            subscription: event.subscription,
            sequence: event.sequence,
            scope,
            data: event.data,
        })))
    }

    /// Channels that are open no more.
    fn ended(&mut self) -> Option<Report> {
        if self.sources.is_empty() {
            return None;
        }
        let open: HashSet<_> = self
            .hub
            .streams(clock::mono())
            .iter()
            .filter_map(|stream| stream.channel.as_deref())
            .map(|channel| self.source(channel))
            .collect();
        let ended: Vec<_> = self.sources.difference(&open).copied().collect();
        self.sources.retain(|source| open.contains(source));
        (!ended.is_empty()).then_some(Report::TapEnded(ended))
    }

    /// Documents passed unread: whatever the streams told before may be wrong now.
    fn missed(&mut self) -> Report {
        Report::TapEnded(self.sources.drain().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::outbound::tests::setup;
    use crate::telemetry::Telemetry;
    use crate::workers::event_hub::Copied;

    const ON_A_CALL: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/wire/xsi-events/28-callsubscription-oncall.xml"
    ));

    fn tapped(channel: &str, document: Option<&'static [u8]>) -> Tapped {
        Tapped {
            upstream: "xsp1".into(),
            channel: Some(channel.into()),
            document: document.map(|document| Arc::new(Copied::of(Bytes::from_static(document)))),
        }
    }

    #[test]
    fn what_a_channel_told_is_not_believed_after_a_document_that_nobody_can_read() {
        let Ok(Document::Event(event)) = Document::parse(ON_A_CALL, CAP) else {
            panic!("the sample is an event");
        };
        let Some(Delivery::Channel(channel)) = event.delivery else {
            panic!("it came on a channel");
        };
        let telemetry = Telemetry::new();
        let hub = EventHub::new(Arc::new(setup::events()), Arc::clone(&telemetry.events));
        let (reports, _reported) = mpsc::channel(1);
        let mut tap = Tap::new(hub, reports);
        for unreadable in [
            None,
            Some(&b"<x:Event/>"[..]),
            Some(&b"<Event><a></Event>"[..]),
        ] {
            let told = tap.read(&tapped(channel.as_str(), Some(ON_A_CALL)));
            assert!(matches!(told, Some(Report::Tapped(_))));
            let other = tap.read(&tapped("another", unreadable));
            assert!(other.is_none(), "another channel told nothing");
            let source = tap.source(channel.as_str());
            match tap.read(&tapped(channel.as_str(), unreadable)) {
                Some(Report::TapEnded(ended)) => assert_eq!(ended, [source]),
                _ => panic!("{unreadable:?} is passed over"),
            }
        }
    }
}
