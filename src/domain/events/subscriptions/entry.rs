//! One target and how its subscription stands.

use std::time::Duration;
use std::time::Instant;

use crate::domain::events::channel::NEVER;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::subscriptions::Rules;
use crate::domain::events::subscriptions::Target;
use crate::domain::events::subscriptions::Ticket;

/// First and longest pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Shortest life believed.
const SHORTEST_LIFE: u32 = 60;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) target: Target,
    pub(super) stand: Stand,
    pub(super) failures: u32,
    /// When a refresh or creation was last begun.
    pub(super) begun: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(super) enum Stand {
    /// To be made, not before this.
    Absent { due: Instant },
    /// Being made.
    Creating { ticket: Ticket, until: Instant },
    /// There; refreshed then.
    Live {
        id: SubscriptionId,
        refresh: Option<Instant>,
    },
    /// There and being refreshed.
    Updating {
        id: SubscriptionId,
        ticket: Ticket,
        until: Instant,
        /// Asked for once more in the meantime.
        again: Option<Instant>,
    },
}

/// What an entry wants done when its time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    Create,
    /// The result got lost.
    Expire(Ticket),
    Update(SubscriptionId),
}

impl Entry {
    pub(super) const fn new(target: Target, due: Instant) -> Self {
        Self {
            target,
            stand: Stand::Absent { due },
            failures: 0,
            begun: None,
        }
    }

    pub(super) const fn id(&self) -> Option<&SubscriptionId> {
        match &self.stand {
            Stand::Live { id, .. } | Stand::Updating { id, .. } => Some(id),
            Stand::Absent { .. } | Stand::Creating { .. } => None,
        }
    }

    pub(super) const fn ticket(&self) -> Option<Ticket> {
        match &self.stand {
            Stand::Creating { ticket, .. } | Stand::Updating { ticket, .. } => Some(*ticket),
            Stand::Absent { .. } | Stand::Live { .. } => None,
        }
    }

    /// When something is to be done, and whether it costs a request.
    pub(super) fn due(&self) -> Option<(Instant, Due)> {
        match &self.stand {
            Stand::Absent { due } => Some((*due, Due::Create)),
            Stand::Creating { ticket, until } | Stand::Updating { ticket, until, .. } => {
                Some((*until, Due::Expire(*ticket)))
            }
            Stand::Live { id, refresh } => {
                refresh.map(|refresh| (refresh, Due::Update(id.clone())))
            }
        }
    }

    /// Live, with so many seconds granted.
    pub(super) fn live(
        &mut self,
        id: SubscriptionId,
        expires: Option<u32>,
        again: Option<Instant>,
        rules: &Rules,
        now: Instant,
    ) {
        self.failures = 0;
        let seconds = expires.unwrap_or(rules.expires).max(SHORTEST_LIFE);
        let half = (seconds < NEVER).then(|| now + Duration::from_secs(seconds.into()) / 2);
        let refresh = [half, again].into_iter().flatten().min();
        self.stand = Stand::Live { id, refresh };
    }

    /// Asks for a refresh; those of one user are kept apart.
    pub(super) fn ask(&mut self, rules: &Rules, now: Instant) {
        let apart = self.begun.map(|begun| begun + rules.refresh_pause);
        let at = apart.map_or(now + rules.coalesce, |apart| {
            apart.max(now + rules.coalesce)
        });
        match &mut self.stand {
            Stand::Live { refresh, .. } => {
                *refresh = Some(refresh.map_or(at, |planned| planned.min(at)));
            }
            Stand::Updating { again, .. } => {
                *again = Some(again.map_or(at, |planned| planned.min(at)));
            }
            // Its creation brings the snapshot.
            Stand::Absent { .. } | Stand::Creating { .. } => {}
        }
    }

    pub(super) fn pause(&mut self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
    }
}
