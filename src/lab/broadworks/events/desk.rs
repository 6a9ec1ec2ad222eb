//! Runs the event service on real time: inputs one at a time, documents onto streams, requests to
//! HTTP contacts into a queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tracing::debug;

use crate::domain::machine::Machine;
use crate::lab::broadworks::calls::Calls;
use crate::lab::broadworks::calls::command::Action as CallAction;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::error::LabError;
use crate::lab::broadworks::events::Events;
use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::faults::Fault;
use crate::lab::broadworks::events::faults::Faults;
use crate::lab::broadworks::events::faults::Script;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::ids::Uuid;
use crate::lab::broadworks::events::run::Post;
use crate::lab::broadworks::events::service;
use crate::lab::broadworks::events::settings::CONTACTS;
use crate::lab::broadworks::events::settings::Settings;
use crate::lab::broadworks::events::state::State;
use crate::lab::broadworks::events::state::Stream;
use crate::lab::broadworks::events::stream::ChannelBody;
use crate::lab::broadworks::events::stream::Part;
use crate::lab::broadworks::events::stream::QUEUE;
use crate::lab::broadworks::events::teller::Teller;
use crate::lab::broadworks::password::random;
use crate::lab::broadworks::xsp::Xsp;
use crate::platform::clock;

/// The event service and what it writes to.
pub(in crate::lab::broadworks) struct EventDesk {
    state: Mutex<State>,
    pub(super) deadline: watch::Sender<Option<Instant>>,
    posts: mpsc::Sender<Post>,
    pub(super) queued: Mutex<Option<mpsc::Receiver<Post>>>,
}

impl EventDesk {
    /// Without channels.
    pub(in crate::lab::broadworks) fn new() -> Result<Self, LabError> {
        let seed = u64::from_be_bytes(random::<8>()?);
        let (posts, queued) = mpsc::channel(CONTACTS);
        Ok(Self {
            state: Mutex::new(State {
                events: Events::new(Settings::default(), seed),
                teller: Teller::default(),
                streams: HashMap::new(),
                faults: Faults::default(),
                closed: false,
            }),
            deadline: watch::Sender::new(None),
            posts,
            queued: Mutex::new(Some(queued)),
        })
    }

    /// Carries out what a client asks.
    pub(in crate::lab::broadworks) fn ask(&self, by: &Owner, ask: Ask) -> Result<Reply, Refusal> {
        self.asked(&mut self.lock(), by, ask, None)
    }

    /// Opens a channel; its documents come out of the body.
    pub(in crate::lab::broadworks) fn open(
        self: &Arc<Self>,
        by: &Owner,
        open: Open,
    ) -> Result<ChannelBody, Refusal> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Full("channels"));
        }
        let stream = Stream {
            at: open.at,
            parts: sender,
        };
        let begins = open.kind == ChannelKind::Stream;
        let reply = self.asked(&mut state, by, Ask::Open(open), Some((stream, begins)))?;
        drop(state);
        match reply {
            Reply::Opened { channel, .. } => {
                Ok(ChannelBody::new(receiver, Arc::clone(self), channel))
            }
            Reply::Channels(_) | Reply::Done | Reply::Prolonged(_) | Reply::Subscribed { .. } => {
                Err(Refusal::UnknownChannel)
            }
        }
    }

    /// Subscribes, with the state of the target as it is at this moment. Call it with the calls
    /// locked, so that none changes in between.
    pub(in crate::lab::broadworks) fn subscribe(
        &self,
        calls: &Calls,
        directory: &dyn Fn() -> Arc<Directory>,
        by: &Owner,
        mut subscribe: Subscribe,
    ) -> Result<Reply, Refusal> {
        let mut state = self.lock();
        let directory = directory();
        let (target, packages) = (&subscribe.target, subscribe.packages);
        subscribe.state = service::state(calls, &directory, target, packages, false);
        self.asked(&mut state, by, Ask::Subscribe(Box::new(subscribe)), None)
    }

    /// Prolongs a subscription and tells it the state of its target anew.
    pub(in crate::lab::broadworks) fn prolong(
        &self,
        calls: &Calls,
        directory: &dyn Fn() -> Arc<Directory>,
        by: &Owner,
        (subscription, expires, any): (SubscriptionId, u32, bool),
    ) -> Result<Reply, Refusal> {
        let mut state = self.lock();
        let interest = state.events.interest(subscription);
        let (target, packages) = interest.ok_or(Refusal::UnknownSubscription)?;
        let ask = Ask::ProlongSubscription {
            subscription,
            expires,
            state: service::state(calls, &directory(), &target, packages, true),
            any,
        };
        self.asked(&mut state, by, ask, None)
    }

    /// Tells subscribers what happened to calls. Call it with the calls locked, so that the order
    /// is kept.
    pub(in crate::lab::broadworks) fn calls_changed(
        &self,
        actions: &[CallAction],
        directory: &Directory,
    ) {
        if actions.is_empty() {
            return;
        }
        let mut state = self.lock();
        let told = state.teller.tell(actions, directory);
        self.step(&mut state, told.into_iter().map(Input::Occurred), None);
    }

    /// Tells subscribers what changed in the directory.
    pub(in crate::lab::broadworks) fn directory_changed(
        &self,
        before: &Directory,
        after: &Directory,
    ) {
        let inputs = service::changes(before, after);
        if !inputs.is_empty() {
            self.step(&mut self.lock(), inputs, None);
        }
    }

    /// Something that needs no answer.
    pub(in crate::lab::broadworks) fn put(&self, input: Input) {
        self.step(&mut self.lock(), [input], None);
    }

    /// A stream has lost its client.
    pub(super) fn lost(&self, channel: ChannelId) {
        self.put(Input::Lost(channel));
    }

    /// Breaks a stream off, as an XSP in trouble does. `false` when there is none.
    pub(in crate::lab::broadworks) fn cut(&self, channel: ChannelId) -> bool {
        let mut state = self.lock();
        let held = state.streams.remove(&channel).is_some();
        self.step(&mut state, [Input::Lost(channel)], None);
        held
    }

    /// Reads the event service.
    pub(in crate::lab::broadworks) fn read<T>(
        &self,
        read: impl FnOnce(&Events, Instant) -> T,
    ) -> T {
        read(&self.lock().events, clock::mono())
    }

    /// Sets or ends a fault.
    pub(in crate::lab::broadworks) fn set_fault(&self, script: Option<Script>) {
        self.lock().faults.set(script);
    }

    /// The fault in force.
    pub(in crate::lab::broadworks) fn fault(&self) -> Option<Script> {
        self.lock().faults.now()
    }

    /// Whether channels are to be sent to the other XSP now, which counts.
    pub(in crate::lab::broadworks) fn redirects(&self, at: Xsp) -> bool {
        self.lock().faults.strikes(Fault::Redirect, at)
    }

    /// An id that nothing else has.
    pub(super) fn fresh_id(&self) -> Uuid {
        self.lock().events.ids.next()
    }

    /// Runs what is due.
    pub(super) fn run_due(&self) {
        self.step(&mut self.lock(), [], None);
    }

    /// Ends all streams, for good.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.streams.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(
        &self,
        state: &mut State,
        by: &Owner,
        ask: Ask,
        stream: Option<(Stream, bool)>,
    ) -> Result<Reply, Refusal> {
        let by = by.clone();
        let reply = self.step(state, [Input::Asked { by, ask }], stream);
        // The machine answers every ask.
        reply.unwrap_or(Err(Refusal::UnknownEvent))
    }

    /// Runs what is due, then the inputs, and does what comes of both. Carrying out may bring
    /// further inputs: a client too slow, a contact that cannot be asked.
    fn step(
        &self,
        state: &mut State,
        inputs: impl IntoIterator<Item = Input>,
        mut stream: Option<(Stream, bool)>,
    ) -> Option<Result<Reply, Refusal>> {
        let now = clock::now();
        state.events.handle_timeout(now);
        for input in inputs {
            state.events.handle(input, now);
        }
        let mut reply = None;
        loop {
            if cfg!(debug_assertions) {
                state.events.check_invariants();
            }
            let actions: Vec<Action> = std::iter::from_fn(|| state.events.poll_action()).collect();
            // A stream begins before anything is written on it.
            for action in &actions {
                if let Action::Reply(said) = action {
                    if let (Ok(Reply::Opened { channel, expires }), Some((stream, begins))) =
                        (said, stream.take())
                    {
                        state.begin(*channel, *expires, stream, begins);
                    }
                    reply = Some(said.clone());
                }
            }
            let mut more = Vec::new();
            for action in actions {
                more.extend(self.carry_out(state, action));
            }
            if more.is_empty() {
                break;
            }
            for input in more {
                state.events.handle(input, now);
            }
        }
        let deadline = state.events.deadline();
        self.deadline.send_if_modified(|held| {
            let changed = *held != deadline;
            *held = deadline;
            changed
        });
        reply
    }

    fn carry_out(&self, state: &mut State, action: Action) -> Option<Input> {
        match action {
            Action::Cut(channel) => {
                state.streams.remove(&channel);
                None
            }
            Action::Dropped { event, reason } => {
                debug!(%event, ?reason, "An event will not arrive.");
                None
            }
            Action::End(channel) => {
                if let Some(stream) = state.streams.remove(&channel) {
                    // A client that is too slow for the last part is cut.
                    drop(stream.parts.try_send(Part::End));
                }
                None
            }
            Action::Post {
                event,
                uri,
                document,
            } => {
                let within = state.events.settings().notification_timeout;
                let post = Post {
                    event,
                    uri,
                    document,
                    within,
                };
                let taken = false;
                let queued = self.posts.try_send(post);
                queued.err().map(|_| Input::Posted { event, taken })
            }
            Action::Reply(_) => None,
            Action::Write {
                channel,
                what,
                document,
            } => state.write(channel, what, document),
        }
    }
}
