//! Watchers as their clients see it: what they were told is all that they know.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use xspd::domain::blf::board::Board;
use xspd::domain::blf::board::Input;
use xspd::domain::blf::board::Notice;
use xspd::domain::blf::notice::LineState;
use xspd::domain::blf::notice::Notification;
use xspd::domain::blf::notice::Offer;
use xspd::domain::blf::watcher::SessionId;
use xspd::domain::blf::watcher::Wishes;
use xspd::domain::events::ids::TrackingId;
use xspd::domain::events::ids::UserId;

use super::Random;
use super::name;
use super::server::Server;
use super::server::is_ringing;

struct Client {
    watcher: UserId,
    present: bool,
    lit: BTreeMap<u64, Offer>,
    /// All offers that it ever saw.
    seen: BTreeSet<u64>,
    states: BTreeMap<UserId, LineState>,
    last: u64,
}

#[derive(Default)]
pub(super) struct Watchers {
    clients: BTreeMap<SessionId, Client>,
    last: u64,
}

impl Watchers {
    pub(super) fn come_or_go(&mut self, random: &mut Random) -> Input {
        let present: Vec<_> = self
            .clients
            .iter()
            .filter(|(_, client)| client.present)
            .map(|(session, _)| *session)
            .collect();
        if present.len() > 4 || (!present.is_empty() && random.below(3) == 0) {
            let place = random.below(present.len() as u64);
            let session = present[usize::try_from(place).unwrap_or_default()];
            return self.go(session);
        }
        let session = SessionId(self.clients.len() as u64 + 1);
        // Watchers are users themselves, and may be on their own lists.
        let watcher = name(random.below(3));
        let client = Client {
            watcher: watcher.clone(),
            present: true,
            lit: BTreeMap::new(),
            seen: BTreeSet::new(),
            states: BTreeMap::new(),
            last: 0,
        };
        self.clients.insert(session, client);
        Input::Joined {
            session,
            watcher,
            wishes: Wishes {
                notification_delay: Duration::from_secs(random.below(3)),
                display_caller: random.below(2) == 0,
            },
        }
    }

    fn go(&mut self, session: SessionId) -> Input {
        if let Some(client) = self.clients.get_mut(&session) {
            client.present = false;
        }
        Input::Left(session)
    }

    /// One leaves; `None` when nobody is there.
    pub(super) fn leave(&mut self) -> Option<Input> {
        let mut present = self.clients.iter().filter(|(_, client)| client.present);
        let (session, _) = present.next()?;
        let session = *session;
        Some(self.go(session))
    }

    pub(super) fn told(&mut self, notice: &Notice) {
        assert!(notice.id > self.last, "numbers of notices grow");
        self.last = notice.id;
        assert!(!notice.to.is_empty(), "a notice to nobody");
        for session in notice.to.iter() {
            let client = self.clients.get_mut(session).expect("a session");
            assert!(notice.id > client.last, "told twice");
            client.last = notice.id;
            match &*notice.body {
                Notification::Offer(offer) => {
                    assert!(client.present, "an offer to one who left");
                    assert!(client.seen.insert(offer.offer), "lit twice");
                    client.lit.insert(offer.offer, offer.clone());
                }
                Notification::Withdraw(withdraw) => {
                    let lit = client.lit.remove(&withdraw.offer);
                    assert!(lit.is_some(), "withdrawn without having been lit");
                }
                Notification::State(state) => {
                    client.states.insert(state.user.clone(), state.clone());
                }
                Notification::Snapshot(snapshot) => {
                    assert_eq!(snapshot.watcher, client.watcher);
                    let offers: Vec<_> = snapshot.offers.iter().map(|held| held.offer).collect();
                    let lit: Vec<_> = client.lit.keys().copied().collect();
                    let sorted: BTreeSet<_> = offers.into_iter().collect();
                    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), lit);
                    client.states = snapshot
                        .lines
                        .iter()
                        .map(|state| (state.user.clone(), state.clone()))
                        .collect();
                }
            }
        }
    }

    pub(super) fn judge(&self) {
        for client in self.clients.values() {
            let tracked: Vec<_> = client.lit.values().map(|lit| &lit.tracking).collect();
            let once: BTreeSet<_> = tracked.iter().collect();
            assert_eq!(once.len(), tracked.len(), "two offers for one call");
            if !client.present {
                assert!(client.lit.is_empty(), "lit for one who left");
            }
        }
    }

    pub(super) fn judge_empty(&self) {
        for client in self.clients.values() {
            assert!(client.lit.is_empty(), "an offer was never withdrawn");
        }
    }

    /// What clients were told is how things are.
    pub(super) fn judge_quiet(
        &self,
        board: &Board,
        server: &Server,
        lists: &BTreeMap<UserId, Vec<u64>>,
    ) {
        for client in self.clients.values().filter(|client| client.present) {
            let users: BTreeSet<_> = lists[&client.watcher]
                .iter()
                .map(|user| name(*user))
                .collect();
            let told: BTreeSet<_> = client.states.keys().cloned().collect();
            assert_eq!(told, users, "{} sees his list", client.watcher);
            for (user, state) in &client.states {
                assert_eq!(Some(state.full), board.lamp(user), "{user}");
                assert_eq!(state.full, server.truth(user).0, "{user}");
            }
            assert_eq!(
                client
                    .lit
                    .values()
                    .map(|offer| offer.tracking.clone())
                    .collect::<BTreeSet<_>>(),
                expected(server, &client.watcher, &users),
                "{} is offered what rings",
                client.watcher
            );
        }
    }
}

/// The calls that ring for somebody whom the watcher sees, himself apart.
fn expected(
    server: &Server,
    watcher: &UserId,
    users: &BTreeSet<UserId>,
) -> BTreeSet<Option<TrackingId>> {
    users
        .iter()
        .filter(|user| *user != watcher)
        .filter_map(|user| server.user(user))
        .flat_map(|user| user.calls.values())
        .filter(|call| is_ringing(call) && call.remote.user.as_ref() != Some(watcher))
        .map(|call| call.tracking.clone())
        .collect()
}
