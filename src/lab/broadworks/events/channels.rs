//! Channels: opened, held alive, prolonged, ended; several of them in a set.

use std::time::Instant;

use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Piece;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::seconds;
use crate::lab::broadworks::events::envelope;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::machine::Channel;
use crate::lab::broadworks::events::machine::ChannelSet;
use crate::lab::broadworks::events::machine::Events;
use crate::lab::broadworks::events::machine::SetKey;
use crate::lab::broadworks::events::settings::CHANNELS;
use crate::lab::broadworks::events::settings::NEVER;
use crate::lab::broadworks::events::view::ChannelView;
use crate::lab::broadworks::xsp::Xsp;

impl Events {
    /// Opens a channel. What its set has waiting is written on it.
    pub(super) fn open(&mut self, by: &Owner, open: Open, now: Instant) -> Result<Reply, Refusal> {
        let key = (by.clone(), open.set);
        let in_set = self.sets.get(&key).map_or(0, |set| set.channels.len());
        if self.channels.len() >= CHANNELS {
            return Err(Refusal::Full("channels"));
        }
        if in_set >= self.settings.channels_per_set {
            return Err(Refusal::Full("channels of the set"));
        }
        self.end_duplicates(&key, open.application.as_deref(), now);
        let (expires, end) = self.grant(open.expires, now);
        let channel = Channel {
            set: key.clone(),
            at: open.at,
            kind: open.kind,
            priority: open.priority,
            weight: open.weight,
            application: open.application.clone(),
            expires: end,
            beat: now,
            credit: 0,
        };
        let id = ChannelId(self.ids.next());
        self.channels.insert(id, channel);
        let set = self.sets.entry(key.clone()).or_default();
        set.channels.insert(id);
        set.application = open.application;
        set.forgotten = None;
        set.grace = None;
        self.dispatch_waiting(&key, now);
        Ok(Reply::Opened {
            channel: id,
            expires,
        })
    }

    /// The channels of other sets of the same owner and application end.
    fn end_duplicates(&mut self, key: &SetKey, application: Option<&str>, now: Instant) {
        let Some(application) = application else {
            return;
        };
        let others: Vec<SetKey> = self
            .sets
            .iter()
            .filter(|(other, set)| {
                other.0 == key.0 && *other != key && set.application.as_deref() == Some(application)
            })
            .map(|(other, _)| other.clone())
            .collect();
        for other in others {
            self.end_set(&other, ChannelEnd::DuplicateChannelSet, now);
        }
    }

    /// All channels of an owner end with it.
    pub(super) fn end_channels_of(&mut self, owner: &Owner, now: Instant) {
        let sets: Vec<SetKey> = self
            .sets
            .keys()
            .filter(|key| key.0 == *owner)
            .cloned()
            .collect();
        for key in sets {
            self.end_set(&key, ChannelEnd::UserDeleted, now);
        }
    }

    /// All channels of a set end.
    pub(super) fn end_set(&mut self, key: &SetKey, end: ChannelEnd, now: Instant) {
        let channels: Vec<ChannelId> = match self.sets.get(key) {
            Some(set) => set.channels.iter().copied().collect(),
            None => return,
        };
        self.end(&channels, end, now);
    }

    /// Tells channels that they end, and takes them away.
    pub(super) fn end(&mut self, channels: &[ChannelId], end: ChannelEnd, now: Instant) {
        for channel in channels {
            self.push(Action::Write {
                channel: *channel,
                what: Piece::Terminated(end),
                document: envelope::terminated(*channel, end),
            });
            self.push(Action::End(*channel));
        }
        self.remove(channels, now);
    }

    /// Takes channels away, all at once, so that no event moves from one of them to another.
    pub(super) fn remove(&mut self, channels: &[ChannelId], now: Instant) {
        let mut left = Vec::new();
        let mut feeds = Vec::new();
        for id in channels {
            let Some(channel) = self.channels.remove(id) else {
                continue;
            };
            if channel.kind == ChannelKind::Feed {
                feeds.push(channel.set.clone());
            }
            if let Some(set) = self.sets.get_mut(&channel.set) {
                set.channels.remove(id);
                if !left.contains(&channel.set) {
                    left.push(channel.set);
                }
            }
        }
        for key in left {
            if self
                .sets
                .get(&key)
                .is_some_and(|set| set.channels.is_empty())
            {
                self.without_channels(&key, now);
            }
            self.dispatch_from(&key, channels, now);
        }
        // Nobody comes back for what a feed has missed.
        for key in feeds {
            if self
                .sets
                .get(&key)
                .is_none_or(|set| set.channels.is_empty())
            {
                self.forget_set(&key);
            }
        }
    }

    fn without_channels(&mut self, key: &SetKey, now: Instant) {
        let used = self.has_subscriptions(key);
        let forgotten = now + self.settings.stateful_expiration;
        let idle = match self.sets.get_mut(key) {
            Some(set) => {
                set.grace = None;
                set.forgotten = Some(forgotten);
                !used && set.outstanding == 0
            }
            None => false,
        };
        if idle {
            self.sets.remove(key);
        }
    }

    /// A channel of the asker.
    fn own(&mut self, by: &Owner, id: ChannelId) -> Result<&mut Channel, Refusal> {
        let channel = self.channels.get_mut(&id);
        channel
            .filter(|channel| channel.set.0 == *by)
            .ok_or(Refusal::UnknownChannel)
    }

    pub(super) fn beat(
        &mut self,
        by: &Owner,
        id: ChannelId,
        at: Xsp,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let channel = self.own(by, id)?;
        // Only the XSP that holds the stream knows the channel.
        if channel.at != at || channel.kind != ChannelKind::Stream {
            return Err(Refusal::UnknownChannel);
        }
        channel.beat = now;
        self.push(Action::Write {
            channel: id,
            what: Piece::Echo,
            document: envelope::echo(),
        });
        Ok(Reply::Done)
    }

    pub(super) fn close(
        &mut self,
        by: &Owner,
        id: ChannelId,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        self.own(by, id)?;
        self.end(&[id], ChannelEnd::ExplicitDelete, now);
        Ok(Reply::Done)
    }

    pub(super) fn prolong_channel(
        &mut self,
        by: &Owner,
        id: ChannelId,
        expires: u32,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let (granted, end) = self.grant(expires, now);
        self.own(by, id)?.expires = end;
        Ok(Reply::Prolonged(granted))
    }

    pub(super) fn channel_set(
        &self,
        by: &Owner,
        set: String,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let set: Option<&ChannelSet> = self.sets.get(&(by.clone(), set));
        let set = set.ok_or(Refusal::NoChannel)?;
        let views = set.channels.iter().filter_map(|id| self.channel(*id, now));
        Ok(Reply::Channels(views.collect()))
    }

    /// All channels.
    #[must_use]
    pub fn all_channels(&self, now: Instant) -> Vec<ChannelView> {
        let ids = self.channels.keys();
        ids.filter_map(|id| self.channel(*id, now)).collect()
    }

    fn channel(&self, id: ChannelId, now: Instant) -> Option<ChannelView> {
        let channel = self.channels.get(&id)?;
        Some(ChannelView {
            id,
            set: channel.set.1.clone(),
            owner: channel.set.0.clone(),
            at: channel.at,
            priority: channel.priority,
            weight: channel.weight,
            expires: left(channel.expires, now),
            application: channel.application.clone(),
        })
    }

    /// Seconds granted, and when they end.
    pub(super) fn grant(&self, asked: u32, now: Instant) -> (u32, Option<Instant>) {
        let least = self.settings.least_expires;
        let granted = asked.clamp(least, self.settings.most_expires.max(least));
        let end = (granted < NEVER).then(|| now.checked_add(seconds(granted)));
        (granted, end.flatten())
    }
}

/// Seconds left, rounded up.
pub(super) fn left(end: Option<Instant>, now: Instant) -> u32 {
    match end {
        Some(end) => {
            let left = end.saturating_duration_since(now);
            let whole = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            u32::try_from(whole).unwrap_or(NEVER)
        }
        None => NEVER,
    }
}
