//! The handle through which everybody else sees lamps: [`BlfBoard`].

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::domain::blf::outbox::Letter;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::workers::blf_tracker::notice::Notice;
use crate::workers::blf_tracker::notice::Notices;
use crate::workers::blf_tracker::view::BoardView;
use crate::workers::blf_tracker::view::Counts;
use crate::workers::blf_tracker::view::LineView;
use crate::workers::blf_tracker::view::SourceView;
use crate::workers::blf_tracker::view::WatcherView;

/// Questions on their way to the tracker. It answers in microseconds; more waiting than these
/// means that it is gone, and then the askers are told.
pub(super) const QUESTIONS: usize = 1024;

/// The board; clones share it.
#[derive(Clone)]
pub struct BlfBoard {
    pub(super) questions: mpsc::Sender<Question>,
}

/// What a watcher wants; what it leaves open is as configured in `[blf.notification]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct WatchOptions {
    /// How long a line must ring before it is told.
    pub delay: Option<Duration>,
    /// Whether to tell who is calling.
    pub display_caller: Option<bool>,
}

/// One reader of one watcher's notices. Several of one watcher see the same.
#[derive(Debug)]
pub struct Subscription {
    /// The full state: the first thing to send.
    pub snapshot: Arc<Notice>,
    /// What follows it, without a gap.
    pub notices: Notices,
}

/// What is to be picked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pickup {
    /// The call of an offer, by the offer's id.
    Offer(u64),
    /// Whatever rings at a line of the watcher's list, by its user id.
    Line(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    /// The tracker ends, or has ended.
    #[error("busy lamps are not tracked any more: the daemon stops")]
    Gone,
    /// There are as many watchers as `blf.limits.watchers` allows.
    #[error("there are as many watchers as `blf.limits.watchers` allows")]
    TooManyWatchers,
    /// The watcher has as many readers as are allowed.
    #[error("this watcher has as many readers as are allowed")]
    TooManyReaders,
}

/// What became of a pick-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    /// The Application Server took it; these are its ids of the new call, as far as it told.
    Accepted {
        /// `callId`.
        call: Option<String>,
        /// `externalTrackingId`.
        tracking: Option<String>,
    },
}

/// Why a call was not picked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PickupFailure {
    /// The tracker ends.
    #[error("busy lamps are not tracked any more: the daemon stops")]
    Gone,
    /// There is no account to ask with.
    #[error("nothing can be picked up without `[blf.account]`")]
    NoAccount,
    /// The line is not on the watcher's list.
    #[error("the line is not on the list of this watcher")]
    NotOnList,
    /// Nothing rings there (any more).
    #[error("nothing rings there any more")]
    NotRinging,
    /// Neither an extension nor a number of the line is known.
    #[error("neither an extension nor a number of the line is known")]
    NoAddress,
    /// The Application Server refused it; whoever was faster has the call.
    #[error("{0}")]
    Refused(XsiFailure),
}

impl PickupFailure {
    /// Every word of [`PickupFailure::as_str`].
    pub const WORDS: [&'static str; 6] = [
        "gone",
        "no-account",
        "no-address",
        "not-on-list",
        "not-ringing",
        "refused",
    ];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::NoAccount => "no-account",
            Self::NotOnList => "not-on-list",
            Self::NotRinging => "not-ringing",
            Self::NoAddress => "no-address",
            Self::Refused(_) => "refused",
        }
    }
}

/// Where an answer goes that may be an error.
pub(super) type Answers<T> = oneshot::Sender<Result<T, BoardError>>;

/// A question and where its answer goes.
pub(super) enum Question {
    Board(oneshot::Sender<BoardView>),
    Counts(oneshot::Sender<Counts>),
    /// The daemon stops: close the channels.
    Drain(oneshot::Sender<()>),
    Join(String, WatchOptions, Answers<Subscription>),
    Line(String, oneshot::Sender<Option<LineView>>),
    Lines(oneshot::Sender<Vec<LineView>>),
    ListChanged(String),
    Observe(mpsc::Sender<Vec<Letter>>),
    Pickup(
        String,
        Pickup,
        Option<HeaderValue>,
        oneshot::Sender<Result<Picked, PickupFailure>>,
    ),
    /// The settings are others.
    Reloaded,
    /// A reader has caught up and wants the full state.
    Resume(u64, oneshot::Sender<Arc<Notice>>),
    /// A reader left.
    Left(u64),
    Sources(oneshot::Sender<Vec<SourceView>>),
    Watcher(String, oneshot::Sender<Option<WatcherView>>),
    Watchers(oneshot::Sender<Vec<WatcherView>>),
}

impl BlfBoard {
    /// Begins to read a watcher's notices. A watcher that is not tracked yet is tracked from now
    /// until its last reader leaves; its list is read meanwhile, so the snapshot may be empty and
    /// another follows.
    ///
    /// # Errors
    /// [`BoardError`].
    pub async fn join(
        &self,
        watcher: &str,
        options: WatchOptions,
    ) -> Result<Subscription, BoardError> {
        let watcher = watcher.to_owned();
        self.ask(|answer| Question::Join(watcher, options, answer))
            .await?
    }

    /// Every line, by user id.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn lines(&self) -> Result<Vec<LineView>, BoardError> {
        self.ask(Question::Lines).await
    }

    /// One line.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn line(&self, user: &str) -> Result<Option<LineView>, BoardError> {
        let user = user.to_owned();
        self.ask(|answer| Question::Line(user, answer)).await
    }

    /// Everything at a glance: sources, counts, and the lines that are not idle.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn board(&self) -> Result<BoardView, BoardError> {
        self.ask(Question::Board).await
    }

    /// Every watcher.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn watchers(&self) -> Result<Vec<WatcherView>, BoardError> {
        self.ask(Question::Watchers).await
    }

    /// One watcher with its list.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn watcher_of(&self, user: &str) -> Result<Option<WatcherView>, BoardError> {
        let user = user.to_owned();
        self.ask(|answer| Question::Watcher(user, answer)).await
    }

    /// Channels: how they stand and when they last said something.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn sources(&self) -> Result<Vec<SourceView>, BoardError> {
        self.ask(Question::Sources).await
    }

    /// Subscriptions, lines and watchers, counted.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn counts(&self) -> Result<Counts, BoardError> {
        self.ask(Question::Counts).await
    }

    /// Picks a call up for a watcher by DirectedCallPickup, in the name of whoever the XSP takes
    /// `credential` for, else of our account. Never tried twice.
    ///
    /// # Errors
    /// [`PickupFailure`].
    pub async fn pickup(
        &self,
        watcher: &str,
        what: Pickup,
        credential: Option<HeaderValue>,
    ) -> Result<Picked, PickupFailure> {
        let watcher = watcher.to_owned();
        self.ask(|answer| Question::Pickup(watcher, what, credential, answer))
            .await
            .map_err(|_gone| PickupFailure::Gone)?
    }

    /// Tells everything to one who is no watcher, instead of to whom it was told before: first the
    /// state of every line, then what happens.
    ///
    /// # Errors
    /// [`BoardError::Gone`].
    pub async fn observe(&self, letters: mpsc::Sender<Vec<Letter>>) -> Result<(), BoardError> {
        let question = Question::Observe(letters);
        let sent = self.questions.send(question).await;
        sent.map_err(|_gone| BoardError::Gone)
    }

    /// The list of a watcher was changed by somebody: it is read again soon. Costs nothing when
    /// nobody watches with it.
    pub fn list_changed(&self, watcher: &str) {
        // When the queue is full the timer reads the list.
        let question = Question::ListChanged(watcher.to_owned());
        self.questions.try_send(question).ok();
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, BoardError> {
        let (answer, answered) = oneshot::channel();
        let question = question(answer);
        let sent = self.questions.send(question).await;
        sent.map_err(|_gone| BoardError::Gone)?;
        answered.await.map_err(|_gone| BoardError::Gone)
    }
}
