//! A channel on which events flow.

use std::time::Duration;
use std::time::Instant;

use crate::domain::events::channel::Action;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::LostReason;
use crate::domain::events::channel::NEVER;
use crate::domain::events::channel::Outcome;
use crate::domain::events::channel::Rules;
use crate::domain::events::channel::acks::Acks;
use crate::domain::events::channel::shared::Shared;
use crate::domain::events::document::ChannelEntry;
use crate::domain::events::ids::ChannelId;

/// Pause before another heartbeat or update after one that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Shortest life believed; a server that grants less is asked again at this pace.
const SHORTEST_LIFE: u32 = 60;

#[derive(Debug, Clone)]
pub(super) struct Up {
    pub(super) attempt: Attempt,
    pub(super) channel: ChannelId,
    pub(super) since: Instant,
    beat: Beat,
    /// Last heartbeat that was accepted, by its start.
    accepted: Instant,
    echo: Option<Instant>,
    /// Start of the first accepted heartbeat that had no echo yet.
    unechoed: Option<Instant>,
    refresh: Refresh,
    pub(super) acks: Acks,
    /// Set when we leave: until then the farewell is awaited.
    pub(super) farewell: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
enum Beat {
    Due(Instant),
    Running { since: Instant },
}

#[derive(Debug, Clone, Copy)]
enum Refresh {
    Due(Instant),
    Never,
    Running { until: Instant },
}

impl Up {
    pub(super) fn new(
        attempt: Attempt,
        channel: &ChannelEntry,
        rules: &Rules,
        now: Instant,
    ) -> Self {
        let mut up = Self {
            attempt,
            channel: channel.id.clone(),
            since: now,
            beat: Beat::Due(now + rules.heartbeat),
            accepted: now,
            echo: None,
            unechoed: None,
            refresh: Refresh::Never,
            acks: Acks::default(),
            farewell: None,
        };
        up.plan_refresh(channel.expires, rules, now);
        up
    }

    pub(super) const fn echoed(&mut self, now: Instant) {
        self.echo = Some(now);
        self.unechoed = None;
    }

    fn plan_refresh(&mut self, expires: Option<u32>, rules: &Rules, now: Instant) {
        let seconds = expires.unwrap_or(rules.expires).max(SHORTEST_LIFE);
        self.refresh = if seconds >= NEVER {
            Refresh::Never
        } else {
            Refresh::Due(now + Duration::from_secs(seconds.into()) / 2)
        };
    }

    pub(super) fn beat_ended(
        &mut self,
        outcome: Outcome,
        shared: &Shared<'_>,
        now: Instant,
    ) -> Result<(), LostReason> {
        let Beat::Running { since } = self.beat else {
            return Ok(());
        };
        match outcome {
            Outcome::Done => {
                self.accepted = since;
                if self.echo.is_none_or(|echo| echo < since) {
                    self.unechoed.get_or_insert(since);
                }
                self.beat = Beat::Due((since + shared.rules.heartbeat).max(now));
                Ok(())
            }
            Outcome::Failed => {
                self.beat = Beat::Due(now + RETRY);
                Ok(())
            }
            Outcome::Gone => Err(LostReason::HeartbeatRefused),
        }
    }

    pub(super) fn refreshed(
        &mut self,
        outcome: Outcome,
        expires: Option<u32>,
        shared: &Shared<'_>,
        now: Instant,
    ) -> Result<(), LostReason> {
        match (self.refresh, outcome) {
            (Refresh::Running { .. }, Outcome::Done) => {
                self.plan_refresh(expires, shared.rules, now);
                Ok(())
            }
            (Refresh::Running { .. }, Outcome::Failed) => {
                self.refresh = Refresh::Due(now + shared.rules.heartbeat);
                Ok(())
            }
            (Refresh::Running { .. }, Outcome::Gone) => Err(LostReason::HeartbeatRefused),
            (Refresh::Due(_) | Refresh::Never, _) => Ok(()),
        }
    }

    pub(super) fn timeout(
        &mut self,
        shared: &mut Shared<'_>,
        now: Instant,
    ) -> Result<(), LostReason> {
        let rules = shared.rules;
        if self.farewell.is_some_and(|until| until <= now) {
            return Err(LostReason::Drained);
        }
        if self.accepted + rules.event_timeout <= now {
            return Err(LostReason::HeartbeatFailed);
        }
        if self
            .unechoed
            .is_some_and(|since| since + 2 * rules.heartbeat <= now)
        {
            return Err(LostReason::BufferedStream);
        }
        self.acks.expire(now).map_err(LostReason::of_trouble)?;
        match self.beat {
            Beat::Due(at) if at <= now => {
                self.beat = Beat::Running { since: now };
                let channel = self.channel.clone();
                shared.act(Action::Heartbeat(self.attempt, channel));
            }
            // A result that got lost.
            Beat::Running { since } if since + rules.patience <= now => {
                self.beat = Beat::Due(now + RETRY);
            }
            Beat::Due(_) | Beat::Running { .. } => {}
        }
        match self.refresh {
            Refresh::Due(at) if at <= now => {
                self.refresh = Refresh::Running {
                    until: now + rules.patience,
                };
                let channel = self.channel.clone();
                shared.act(Action::Refresh(self.attempt, channel, rules.expires));
            }
            Refresh::Running { until } if until <= now => {
                self.refresh = Refresh::Due(now + rules.heartbeat);
            }
            Refresh::Due(_) | Refresh::Never | Refresh::Running { .. } => {}
        }
        Ok(())
    }

    pub(super) fn deadline(&self, rules: &Rules) -> Instant {
        let beat = match self.beat {
            Beat::Due(at) => at,
            Beat::Running { since } => since + rules.patience,
        };
        let refresh = match self.refresh {
            Refresh::Due(at) | Refresh::Running { until: at } => Some(at),
            Refresh::Never => None,
        };
        let dead = self.accepted + rules.event_timeout;
        [
            Some(beat),
            Some(dead),
            refresh,
            self.farewell,
            self.unechoed.map(|since| since + 2 * rules.heartbeat),
            self.acks.deadline(rules),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(beat)
    }
}
