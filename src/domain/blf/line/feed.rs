//! Which subscription a line believes, and whether its events come in order.

use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::SourceId;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::subscriptions::Scope;

/// After this number comes 1 (schema of the event interface).
const LAST: i64 = 2_147_483_647;

/// The one subscription that a line believes: two of them, on two streams, have no common order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) source: SourceId,
    pub(super) subscription: Option<SubscriptionId>,
    pub(super) scope: Scope,
    last: Option<u32>,
    /// The last number that was too low. Two of them in a row are a server that counts anew.
    low: Option<u32>,
}

/// Place of an event among those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Something before it is missing.
    Gap,
    /// The next, as far as one can know.
    Next,
    /// Older than what is known.
    Old,
    /// Of the same number as the last.
    Repeat,
    /// The server counts anew: what is known is in doubt.
    Restart,
}

impl Feed {
    pub(super) fn of(event: &LineEvent) -> Self {
        Self {
            source: event.source,
            subscription: event.subscription.clone(),
            scope: event.scope,
            last: None,
            low: None,
        }
    }

    pub(super) fn is_of(&self, event: &LineEvent) -> bool {
        self.source == event.source && self.subscription == event.subscription
    }

    /// A line was read by Xsi-Actions and waits for the first event of a collection of ours.
    pub(super) const fn placeholder() -> Self {
        Self {
            source: SourceId::OWN,
            subscription: None,
            scope: Scope::Collection,
            last: None,
            low: None,
        }
    }

    pub(super) fn is_placeholder(&self) -> bool {
        *self == Self::placeholder()
    }

    /// Whether another subscription is to be believed from now on. Our own goes before those of
    /// others; a new one is believed once it has told everything, and one of a collection never
    /// does.
    pub(super) fn yields_to(&self, event: &LineEvent, snapshot: bool) -> bool {
        let source = event.source == self.source || event.source == SourceId::OWN;
        source && (snapshot || event.scope == Scope::Collection)
    }

    pub(super) fn place(&mut self, sequence: Option<u32>) -> Order {
        let (Some(number), Some(last)) = (sequence, self.last) else {
            self.last = sequence.or(self.last);
            return Order::Next;
        };
        match distance(last, number) {
            0 => Order::Repeat,
            1 => self.advance(number, Order::Next),
            ahead if ahead <= LAST / 2 => {
                let order = match self.scope {
                    // Numbers in between belong to other users.
                    Scope::Collection => Order::Next,
                    Scope::User => Order::Gap,
                };
                self.advance(number, order)
            }
            _ if self.low.is_some_and(|low| distance(low, number) == 1) => {
                self.advance(number, Order::Restart)
            }
            _ => {
                self.low = Some(number);
                Order::Old
            }
        }
    }

    const fn advance(&mut self, number: u32, order: Order) -> Order {
        self.last = Some(number);
        self.low = None;
        order
    }
}

/// Steps from one number to the other, going forward.
fn distance(from: u32, to: u32) -> i64 {
    (i64::from(to) - i64::from(from)).rem_euclid(LAST)
}
