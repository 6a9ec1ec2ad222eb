//! The tracker and its channels: streams, their requests, and how each XSP stands.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::domain::blf::tracker::Input;
use crate::domain::events::channel;
use crate::domain::events::channel::Action;
use crate::domain::events::channel::Alarm;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Change;
use crate::domain::events::channel::ChannelState;
use crate::domain::events::channel::Happening;
use crate::domain::events::channel::LostReason;
use crate::domain::events::channel::OpenFailure;
use crate::domain::events::channel::Xsp;
use crate::domain::events::document::Document;
use crate::domain::events::document::requests;
use crate::domain::events::document::requests::ChannelAdd;
use crate::domain::machine::Machine as _;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::platform::clock;
use crate::workers::blf_tracker::report::UpstreamName;
use crate::workers::blf_tracker::stream::Stream;
use crate::workers::blf_tracker::tracker::Tracker;
use crate::workers::blf_tracker::tracker::kind_of;
use crate::workers::blf_tracker::view::SourceView;

/// One XSP, and what an operator may want to know of our channel there.
pub(in crate::workers::blf_tracker) struct Member {
    pub(super) upstream: UpstreamName,
    since: Instant,
    last_document: Option<Instant>,
    last_loss: Option<LostReason>,
    alarms: Vec<Alarm>,
}

/// An attempt under way.
pub(in crate::workers::blf_tracker) struct Line {
    /// The XSP that holds it; after a redirection not the one of its place.
    upstream: UpstreamName,
    xsp: Xsp,
    stop: CancellationToken,
}

impl Member {
    pub(in crate::workers::blf_tracker) fn new(upstream: UpstreamName) -> Self {
        Self {
            upstream,
            since: clock::mono(),
            last_document: None,
            last_loss: None,
            alarms: Vec::new(),
        }
    }
}

impl Tracker {
    pub(super) fn happened(&mut self, attempt: Attempt, happening: Happening) {
        let input = Input::Channel(channel::Input::On(attempt, happening));
        self.machines.handle(input, clock::now());
    }

    pub(super) fn document(&mut self, attempt: Attempt, document: Document) {
        let now = clock::now();
        match &document {
            Document::Event(event) => {
                let kind = kind_of(&event.data);
                let odd_states = event.data.odd_states();
                self.metrics.event(kind, event.data.name(), odd_states);
            }
            Document::Unknown { name } => self.metrics.unknown("document", name),
            Document::ChannelOpened(_)
            | Document::ChannelTerminated { .. }
            | Document::ErrorInfo(_)
            | Document::HeartBeat => {}
        }
        if let Some(line) = self.lines.get(&attempt)
            && let Some(member) = self.members.get_mut(usize::from(line.xsp.0))
        {
            member.last_document = Some(now.mono);
        }
        self.machines
            .handle(Input::Document(attempt, document), now);
    }

    pub(super) fn on_channels(&mut self, action: Action) {
        match action {
            Action::Acknowledge(attempt, event, status) => {
                if let Some((client, place)) = self.place(attempt) {
                    self.requests.acknowledge(client, place, event, status);
                }
            }
            Action::Announce(change) => self.changed(change),
            Action::Clear(xsp, alarm) => {
                if let Some(member) = self.members.get_mut(usize::from(xsp.0)) {
                    member.alarms.retain(|held| *held != alarm);
                    let held = self.members.iter().any(|one| one.alarms.contains(&alarm));
                    let upstream = self.name(xsp);
                    self.metrics.cleared(&upstream, alarm, held);
                }
            }
            Action::Close(attempt) => {
                if let Some(line) = self.lines.remove(&attempt) {
                    line.stop.cancel();
                }
            }
            Action::Delete(attempt, channel) => {
                if let Some((client, (_, upstream))) = self.place(attempt) {
                    self.requests.delete_channel(client, upstream, channel);
                }
            }
            // It stays inside the machine.
            Action::Deliver(_) => {}
            Action::Drained => {
                for told in self.drained.drain(..) {
                    // Who asked may no longer wait.
                    told.send(()).ok();
                }
            }
            Action::Heartbeat(attempt, channel) => {
                if let Some((client, place)) = self.place(attempt) {
                    self.requests.heartbeat(client, place, channel);
                }
            }
            Action::Open {
                xsp,
                attempt,
                location,
            } => self.open(xsp, attempt, location.as_deref()),
            Action::Raise(xsp, alarm) => {
                let upstream = self.name(xsp);
                if let Some(member) = self.members.get_mut(usize::from(xsp.0))
                    && !member.alarms.contains(&alarm)
                {
                    member.alarms.push(alarm);
                }
                self.metrics.raised(&upstream, alarm);
            }
            Action::Refresh(attempt, channel, expires) => {
                if let Some((client, place)) = self.place(attempt) {
                    self.requests
                        .refresh_channel(client, place, channel, expires);
                }
            }
        }
    }

    fn place(&self, attempt: Attempt) -> Option<(XsiClient, (Attempt, UpstreamName))> {
        let line = self.lines.get(&attempt)?;
        let client = self.settings.load().asking.client.clone()?;
        let upstream = Arc::clone(&line.upstream);
        Some((client, (attempt, upstream)))
    }

    fn name(&self, xsp: Xsp) -> UpstreamName {
        let member = self.members.get(usize::from(xsp.0));
        member.map_or_else(|| "".into(), |member| Arc::clone(&member.upstream))
    }

    /// Each channel of the set has its own priority, so that events come on one of them as long as
    /// it lives: shared out among equals, they would overtake each other, and each look like a gap.
    /// Nodes begin at different XSPs.
    fn priority(&self, xsp: Xsp) -> u32 {
        let count = u32::try_from(self.members.len()).unwrap_or(1).max(1);
        (u32::from(xsp.0) + self.first_choice % count) % count + 1
    }

    fn open(&mut self, xsp: Xsp, attempt: Attempt, location: Option<&str>) {
        let Some(client) = self.settings.load().asking.client.clone() else {
            let failed = Happening::OpenFailed(OpenFailure::Io);
            self.happened(attempt, failed);
            return;
        };
        // A redirection was translated to the name of an upstream when it came.
        let upstream = location.map_or_else(|| self.name(xsp), UpstreamName::from);
        if let Some(member) = self.members.get_mut(usize::from(xsp.0)) {
            member.since = clock::mono();
        }
        let names = &self.requests.names;
        let body = requests::channel_add(ChannelAdd {
            set: &names.set,
            priority: self.priority(xsp),
            weight: 50,
            expires: self.expires,
            application: Some(&names.application),
        });
        let stop = self.tasks.stop().child_token();
        let stream = Stream {
            client,
            upstream: Arc::clone(&upstream),
            attempt,
            body: body.into(),
            reports: self.requests.reports.clone(),
            metrics: Arc::clone(&self.metrics),
        };
        self.tasks.connection(stream.run(stop.clone()));
        let line = Line {
            upstream,
            xsp,
            stop,
        };
        self.lines.insert(attempt, line);
    }

    /// Whether we closed every channel ourselves.
    fn all_drained(&self) -> bool {
        let mut losses = self.members.iter().map(|member| &member.last_loss);
        losses.all(|loss| matches!(loss, Some(LostReason::Drained)))
    }

    fn changed(&mut self, change: Change) {
        let now = clock::now();
        match change {
            Change::Lost(xsp, reason) => {
                let upstream = self.name(xsp);
                self.metrics.channel_lost(&upstream, &reason);
                if let Some(member) = self.members.get_mut(usize::from(xsp.0)) {
                    member.since = now.mono;
                    member.last_loss = Some(reason);
                }
            }
            Change::SourceBack => self.metrics.source_back(),
            // After an orderly end nobody asks what the lamps show.
            Change::SourceLost { .. } if self.all_drained() => {}
            Change::SourceLost { returns } => self.metrics.source_lost(returns),
            Change::Up(xsp, channel) => {
                let upstream = self.name(xsp);
                self.metrics.channel_up(&upstream, channel.as_str());
                if let Some(member) = self.members.get_mut(usize::from(xsp.0)) {
                    member.since = now.mono;
                }
            }
        }
    }

    /// The XSPs are others now: the channels of before are given up and new ones opened in the same
    /// set, so that the subscriptions carry on.
    pub(super) fn other_upstreams(&mut self, upstreams: Vec<UpstreamName>) {
        let same = upstreams.len() == self.members.len()
            && self
                .members
                .iter()
                .zip(&upstreams)
                .all(|(member, name)| member.upstream == *name);
        if same {
            return;
        }
        let count = u16::try_from(upstreams.len()).unwrap_or(u16::MAX);
        let input = Input::Channel(channel::Input::Xsps(count));
        self.machines.handle(input, clock::now());
        // What the old ones want done still needs their names.
        self.work();
        for member in &self.members {
            self.metrics.forget_channel(&member.upstream);
        }
        self.members = upstreams.into_iter().map(Member::new).collect();
        for member in &self.members {
            self.metrics.channel_expected(&member.upstream);
        }
    }

    pub(super) fn sources(&self) -> Vec<SourceView> {
        let now = clock::mono();
        let seconds = |at: Instant| now.saturating_duration_since(at).as_secs();
        let views = self
            .machines
            .channels()
            .channels()
            .filter_map(|(xsp, state)| {
                let member = self.members.get(usize::from(xsp.0))?;
                let (state, channel) = match state {
                    ChannelState::Waiting => ("waiting", None),
                    ChannelState::Opening => ("opening", None),
                    ChannelState::Up(channel) => ("up", Some(channel.to_string())),
                    ChannelState::Stopped => ("stopped", None),
                };
                Some(SourceView {
                    upstream: member.upstream.to_string(),
                    state,
                    channel,
                    age_seconds: seconds(member.since),
                    last_document_seconds: member.last_document.map(seconds),
                    last_loss: member.last_loss.as_ref().map(LostReason::as_str),
                    alarms: member.alarms.iter().map(|alarm| alarm.as_str()).collect(),
                })
            });
        views.collect()
    }
}
