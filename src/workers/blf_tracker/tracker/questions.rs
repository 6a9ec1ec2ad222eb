//! The tracker's answers.

use std::sync::Arc;

use http::HeaderValue;
use tokio::sync::oneshot;

use crate::domain::blf::notice::LineState;
use crate::domain::blf::reading;
use crate::domain::blf::tracker::Input;
use crate::domain::blf::view::Lamp;
use crate::domain::blf::watcher::Wishes;
use crate::domain::events::channel;
use crate::domain::events::ids::UserId;
use crate::domain::machine::Machine as _;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::platform::clock;
use crate::workers::blf_tracker::board::Answers;
use crate::workers::blf_tracker::board::Picked;
use crate::workers::blf_tracker::board::Pickup;
use crate::workers::blf_tracker::board::PickupFailure;
use crate::workers::blf_tracker::board::Question;
use crate::workers::blf_tracker::board::Subscription;
use crate::workers::blf_tracker::board::WatchOptions;
use crate::workers::blf_tracker::pickup;
use crate::workers::blf_tracker::tracker::Tracker;
use crate::workers::blf_tracker::view::BoardView;
use crate::workers::blf_tracker::view::Counts;
use crate::workers::blf_tracker::view::LineView;
use crate::workers::blf_tracker::view::WatcherView;

impl Tracker {
    /// Answers at once; who asked may no longer wait.
    pub(super) fn question(&mut self, question: Question) {
        let now = clock::now();
        match question {
            Question::Board(answer) => drop(answer.send(self.board_view())),
            Question::Counts(answer) => drop(answer.send(self.counts())),
            Question::Drain(answer) => {
                self.drained.push(answer);
                let input = Input::Channel(channel::Input::Drain);
                self.machines.handle(input, now);
            }
            Question::Join(watcher, options, answer) => self.join(&watcher, options, answer),
            Question::Left(reader) => {
                if let Some(input) = self.sessions.left(reader) {
                    self.tell_board(input);
                }
            }
            Question::Line(user, answer) => drop(answer.send(self.line(&user))),
            Question::Lines(answer) => drop(answer.send(self.all_lines(|_| true))),
            Question::ListChanged(watcher) => {
                let watcher = UserId::new(&watcher);
                self.reading.take(reading::Input::Changed(&watcher), now);
            }
            Question::Observe(letters) => self.observed_by(letters),
            Question::Pickup(watcher, what, credential, answer) => {
                self.pickup(&watcher, &what, credential, answer);
            }
            Question::Reloaded => self.reloaded(),
            Question::Resume(reader, answer) => {
                for input in self.sessions.resume(reader, answer) {
                    self.tell_board(input);
                }
            }
            Question::Sources(answer) => drop(answer.send(self.sources())),
            Question::Watcher(user, answer) => drop(answer.send(self.watcher(&user))),
            Question::Watchers(answer) => drop(answer.send(self.watchers())),
        }
    }

    fn join(&mut self, watcher: &str, options: WatchOptions, answer: Answers<Subscription>) {
        let settings = self.settings.load();
        let usual = Self::wishes(&settings.config);
        let wishes = Wishes {
            notification_delay: options.delay.unwrap_or(usual.notification_delay),
            display_caller: options.display_caller.unwrap_or(usual.display_caller),
        };
        let queue = settings.config.limits.queue;
        drop(settings);
        let questions = self.questions.clone();
        let watcher = UserId::new(watcher);
        let input = self
            .sessions
            .join(watcher, wishes, queue, questions, answer);
        self.tell_board(input);
    }

    fn line(&self, user: &str) -> Option<LineView> {
        let (state, watchers) = self.machines.board().line(&UserId::new(user), true)?;
        let mut watchers: Vec<_> = watchers.iter().map(ToString::to_string).collect();
        watchers.sort_unstable();
        Some(LineView { state, watchers })
    }

    fn all_lines(&self, wanted: impl Fn(&LineState) -> bool) -> Vec<LineView> {
        let states = self
            .machines
            .board()
            .lines(true)
            .filter(|state| wanted(state));
        let mut lines: Vec<_> = states
            .filter_map(|state| self.line(state.user.as_str()))
            .collect();
        lines.sort_unstable_by(|one, other| one.state.user.cmp(&other.state.user));
        lines
    }

    fn watcher(&self, user: &str) -> Option<WatcherView> {
        let id = UserId::new(user);
        self.machines
            .board()
            .watchers()
            .find(|(held, _)| **held == id)?;
        let view = self.machines.board().view(&id, true);
        let (readers, offers) = self.sessions.of(&id);
        Some(WatcherView {
            user: user.to_owned(),
            list_known: view.is_some(),
            lines: view.unwrap_or_default(),
            readers,
            offers,
        })
    }

    fn watchers(&self) -> Vec<WatcherView> {
        let facts = self.sessions.by_watcher();
        let mut watchers: Vec<_> = self
            .machines
            .board()
            .watchers()
            .map(|(user, _)| {
                let (readers, offers) = facts.get(user).copied().unwrap_or_default();
                WatcherView {
                    user: user.to_string(),
                    list_known: self.machines.board().view(user, false).is_some(),
                    lines: Vec::new(),
                    readers,
                    offers,
                }
            })
            .collect();
        watchers.sort_unstable_by(|one, other| one.user.cmp(&other.user));
        watchers
    }

    fn counts(&self) -> Counts {
        let (subscriptions_up, subscriptions_wanted) = self.machines.subscriptions().counts();
        let lamps = self.machines.board().lamps();
        Counts {
            lines: lamps.iter().map(|(_, count)| count).sum(),
            lamps: lamps.to_vec(),
            watchers: self.machines.board().watchers().count(),
            readers: self.sessions.readers(),
            subscriptions_wanted,
            subscriptions_up,
        }
    }

    fn board_view(&self) -> BoardView {
        BoardView {
            sources: self.sources(),
            counts: self.counts(),
            lines: self.all_lines(|state| state.full != Lamp::Idle),
        }
    }

    fn pickup(
        &mut self,
        watcher: &str,
        what: &Pickup,
        credential: Option<HeaderValue>,
        answer: oneshot::Sender<Result<Picked, PickupFailure>>,
    ) {
        match self.place_to_pick_up(watcher, what) {
            Err(failure) => {
                self.metrics.picked_up(failure.as_str(), watcher);
                drop(answer.send(Err(failure)));
            }
            Ok((client, line)) => {
                let metrics = Arc::clone(&self.metrics);
                let watcher = watcher.to_owned();
                let client = match credential {
                    Some(credential) => client.presenting(credential),
                    None => client,
                };
                self.tasks.connection(async move {
                    let picked = pickup::pick_up(&client, &metrics, &watcher, &line).await;
                    drop(answer.send(picked));
                });
            }
        }
    }

    fn place_to_pick_up(
        &self,
        watcher: &str,
        what: &Pickup,
    ) -> Result<(XsiClient, LineState), PickupFailure> {
        let client = self.settings.load().asking.client.clone();
        let client = client.ok_or(PickupFailure::NoAccount)?;
        let id = UserId::new(watcher);
        let user = match what {
            Pickup::Line(user) => UserId::new(user),
            Pickup::Offer(offer) => {
                let user = self.sessions.line_of_offer(&id, *offer);
                user.ok_or(PickupFailure::NotRinging)?
            }
        };
        let list = self.machines.board().view(&id, false).unwrap_or_default();
        let line = list.into_iter().find(|line| line.user == user);
        let line = line.ok_or(PickupFailure::NotOnList)?;
        match line.full {
            Lamp::Ringing | Lamp::RingingBusy => Ok((client, line)),
            Lamp::Unknown | Lamp::Idle | Lamp::OnCall | Lamp::Held | Lamp::Busy => {
                Err(PickupFailure::NotRinging)
            }
        }
    }
}
