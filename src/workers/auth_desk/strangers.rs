//! Who may have Cisco asked about CI tokens. Made-up tokens cost nothing, and each is a question:
//! addresses from which no good one has come yet share a part of them, so that a flood leaves the
//! rest to Webex and to everybody who signed in before.

use std::time::Duration;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::domain::auth::backoff::Peer;
use crate::domain::auth::backoff::address;
use crate::workers::auth_desk::bounded::Bounded;

/// Questions of strangers at once: half of those that the desk for CI tokens asks at once.
const STRANGERS: usize = 32;

/// Addresses remembered, some 100 bytes each.
const KNOWN: usize = 10_000;

/// How long a good token counts for its address: a day, in which users of an office sign in.
const REMEMBER: Duration = Duration::from_secs(24 * 3600);

/// The places of strangers, and who is none.
pub(super) struct Strangers {
    places: Semaphore,
    known: Bounded<u128, ()>,
}

impl Strangers {
    pub(super) fn new() -> Self {
        Self {
            places: Semaphore::const_new(STRANGERS),
            known: Bounded::new(KNOWN),
        }
    }

    /// Lets a question be asked: a place for a stranger, to be held until it is answered, none for
    /// others.
    ///
    /// # Errors
    /// Strangers have all their places.
    pub(super) fn admit(
        &self,
        peer: Peer,
        now: Instant,
    ) -> Result<Option<SemaphorePermit<'_>>, tokio::sync::TryAcquireError> {
        match peer {
            Peer::Listed(_) => Ok(None),
            Peer::Address(_) if self.known.get(&address(peer), now).is_some() => Ok(None),
            Peer::Address(_) => self.places.try_acquire().map(Some),
        }
    }

    /// A good token came from there.
    pub(super) fn know(&self, peer: Peer, now: Instant) {
        self.known.put(address(peer), (), now + REMEMBER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock;

    #[test]
    fn strangers_share_their_places_and_others_need_none() {
        let (strangers, now) = (Strangers::new(), clock::mono());
        let friend = Peer::Address([192, 0, 2, 1].into());
        let stranger = Peer::Address([192, 0, 2, 2].into());
        strangers.know(friend, now);
        let held: Vec<_> = (0..STRANGERS)
            .map(|_| strangers.admit(stranger, now).unwrap())
            .collect();
        assert!(strangers.admit(stranger, now).is_err());
        assert!(strangers.admit(friend, now).is_ok());
        let listed = Peer::Listed([192, 0, 2, 2].into());
        assert!(strangers.admit(listed, now).is_ok());
        assert!(strangers.admit(friend, now + REMEMBER).is_err());
        drop(held);
        assert!(strangers.admit(stranger, now).is_ok());
    }
}
