//! Notifications on their way to one receiver that may be slow, refuse, or be away.
//!
//! One delivery at a time and in order, so that the receiver never sees an old state after a new
//! one. What waits is bounded by what there is to know: of a line the newest state alone waits. A
//! state that cannot be delivered goes to the end of the queue and stays; everything else, which is
//! of no use later, is given up after its attempts.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: a receiver that is back is not left waiting for its state.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Something that happened once.
    Happening,
    /// The state of this line, in place of any before.
    Line(Box<str>),
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is about.
    pub subject: Subject,
    /// What is sent.
    pub body: Bytes,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Taken.
    Done,
    /// Not taken now; another time perhaps.
    Failed,
    /// Will never be taken.
    Refused,
}

/// What may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A notification.
    Letter(Letter),
    /// The delivery under way ended.
    Ended(Delivery),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this; tell how it ended.
    Send(Bytes),
    /// Count this.
    Tell(Loss),
}

/// What the receiver does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The queue was full.
    Dropped,
    /// All attempts failed.
    GivenUp,
    /// A newer state of the same line took its place.
    Superseded,
}

/// Bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Notifications that wait.
    pub waiting: usize,
    /// Attempts of one delivery besides the first.
    pub retries: u32,
}

/// The machine.
#[derive(Debug)]
pub struct Outbox {
    bounds: Bounds,
    waiting: VecDeque<Waiting>,
    state: State,
    /// Failures in a row, of whichever notification.
    failures: u32,
    actions: VecDeque<Action>,
    random: u64,
}

#[derive(Debug)]
struct Waiting {
    letter: Letter,
    attempts: u32,
}

#[derive(Debug)]
enum State {
    /// Nothing is under way.
    Ready,
    /// This one is.
    Sending(Waiting),
    /// Not before then.
    Pausing(Instant),
}

impl Outbox {
    /// Empty. `seed` spreads the pauses of many senders.
    #[must_use]
    pub const fn new(bounds: Bounds, seed: u64) -> Self {
        Self {
            bounds,
            waiting: VecDeque::new(),
            state: State::Ready,
            failures: 0,
            actions: VecDeque::new(),
            // The generator needs a bit that is set.
            random: seed | 1,
        }
    }

    /// Notifications that wait, the one under way apart.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn take(&mut self, letter: Letter) {
        if let Subject::Line(line) = &letter.subject {
            let older = self
                .waiting
                .iter()
                .position(|held| held.letter.subject == Subject::Line(line.clone()));
            if let Some(older) = older {
                self.waiting.remove(older);
                self.tell(Loss::Superseded);
            }
        }
        self.waiting.push_back(Waiting {
            letter,
            attempts: 0,
        });
        while self.waiting.len() > self.bounds.waiting.max(1) {
            // What happened long ago is worth less than a state; among equals the oldest goes.
            let happening = self
                .waiting
                .iter()
                .position(|held| held.letter.subject == Subject::Happening);
            self.waiting.remove(happening.unwrap_or(0));
            self.tell(Loss::Dropped);
        }
    }

    fn ended(&mut self, delivery: Delivery, now: Instant) {
        let State::Sending(mut sent) = std::mem::replace(&mut self.state, State::Ready) else {
            return;
        };
        match delivery {
            Delivery::Done => self.failures = 0,
            Delivery::Refused => {
                // The receiver is there, and takes the next one perhaps.
                self.failures = 0;
                self.tell(Loss::GivenUp);
            }
            Delivery::Failed => {
                self.failures = self.failures.saturating_add(1);
                sent.attempts = sent.attempts.saturating_add(1);
                self.put_back(sent);
                self.state = State::Pausing(now + self.pause());
            }
        }
    }

    fn put_back(&mut self, mut sent: Waiting) {
        let newer = match &sent.letter.subject {
            Subject::Happening => false,
            Subject::Line(_) => self
                .waiting
                .iter()
                .any(|held| held.letter.subject == sent.letter.subject),
        };
        let tired = sent.attempts > self.bounds.retries;
        match (&sent.letter.subject, newer, tired) {
            (_, true, _) => self.tell(Loss::Superseded),
            (Subject::Happening, false, true) => self.tell(Loss::GivenUp),
            (Subject::Line(_), false, true) => {
                sent.attempts = 0;
                self.waiting.push_back(sent);
            }
            (Subject::Happening | Subject::Line(_), false, false) => self.waiting.push_front(sent),
        }
        if self.waiting.len() > self.bounds.waiting.max(1) {
            self.waiting.pop_front();
            self.tell(Loss::Dropped);
        }
    }

    /// Twice as long each time, and between half and all of that, so that many senders do not come
    /// back at once.
    fn pause(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let whole = FIRST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE);
        // xorshift64 (Marsaglia): no secret hangs on it.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = u32::try_from(self.random % 1000).unwrap_or(0);
        whole / 2 + whole / 2 * share / 1000
    }

    fn tell(&mut self, loss: Loss) {
        self.actions.push_back(Action::Tell(loss));
    }

    fn send_next(&mut self) {
        if !matches!(self.state, State::Ready) {
            return;
        }
        if let Some(next) = self.waiting.pop_front() {
            self.actions
                .push_back(Action::Send(next.letter.body.clone()));
            self.state = State::Sending(next);
        }
    }
}

impl Machine for Outbox {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Letter(letter) => self.take(letter),
            Input::Ended(delivery) => self.ended(delivery, now.mono),
        }
        self.send_next();
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.deadline().is_some_and(|due| due <= now.mono) {
            self.state = State::Ready;
            self.send_next();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Pausing(until) => Some(*until),
            State::Ready | State::Sending(_) => None,
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        assert!(self.waiting.len() <= self.bounds.waiting.max(1));
        if matches!(self.state, State::Ready) {
            assert!(self.waiting.is_empty(), "ready, and something waits");
        }
        let mut lines: Vec<_> = self
            .waiting
            .iter()
            .filter(|held| held.letter.subject != Subject::Happening)
            .map(|held| format!("{:?}", held.letter.subject))
            .collect();
        let states = lines.len();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), states, "two states of a line wait");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::clock;

    const BOUNDS: Bounds = Bounds {
        waiting: 3,
        retries: 2,
    };

    fn state(line: &str, body: &'static str) -> Input {
        Input::Letter(Letter {
            subject: Subject::Line(line.into()),
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    fn happening(body: &'static str) -> Input {
        Input::Letter(Letter {
            subject: Subject::Happening,
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    struct Bench {
        outbox: Outbox,
        now: Now,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                outbox: Outbox::new(BOUNDS, 7),
                now: clock::now(),
            }
        }

        fn put(&mut self, input: Input) -> Vec<String> {
            self.outbox.handle(input, self.now);
            self.drain()
        }

        fn end(&mut self, delivery: Delivery) -> Vec<String> {
            self.put(Input::Ended(delivery))
        }

        /// Lets the pause pass.
        fn wait(&mut self) -> Vec<String> {
            if let Some(due) = self.outbox.deadline() {
                self.now.mono = due;
            }
            self.outbox.handle_timeout(self.now);
            self.drain()
        }

        fn drain(&mut self) -> Vec<String> {
            self.outbox.check_invariants();
            std::iter::from_fn(|| self.outbox.poll_action())
                .map(|action| match action {
                    Action::Send(body) => String::from_utf8(body.to_vec()).unwrap(),
                    Action::Tell(loss) => format!("{loss:?}"),
                })
                .collect()
        }
    }

    #[test]
    fn one_goes_after_the_other_and_of_a_line_the_newest_state_alone_waits() {
        let mut bench = Bench::new();
        assert_eq!(bench.put(state("a", "a1")), ["a1"]);
        assert!(bench.put(state("a", "a2")).is_empty());
        assert!(bench.put(state("b", "b1")).is_empty());
        assert_eq!(bench.put(state("a", "a3")), ["Superseded"]);
        assert_eq!(bench.end(Delivery::Done), ["b1"]);
        assert_eq!(bench.end(Delivery::Done), ["a3"]);
        assert!(bench.end(Delivery::Done).is_empty());
        assert!(
            bench.end(Delivery::Done).is_empty(),
            "nothing was under way"
        );
    }

    #[test]
    fn a_failed_delivery_is_repeated_after_growing_pauses() {
        let mut bench = Bench::new();
        bench.put(happening("x"));
        let mut pauses = Vec::new();
        for _ in 0..2 {
            assert!(bench.end(Delivery::Failed).is_empty());
            pauses.push(bench.outbox.deadline().unwrap() - bench.now.mono);
            assert_eq!(bench.wait(), ["x"]);
        }
        assert!(pauses[0] >= FIRST_PAUSE / 2 && pauses[0] <= FIRST_PAUSE);
        assert!(pauses[1] >= FIRST_PAUSE && pauses[1] <= FIRST_PAUSE * 2);
        assert_eq!(bench.end(Delivery::Failed), ["GivenUp"]);
    }

    #[test]
    fn a_state_outlives_any_number_of_failures_and_lets_others_go_first() {
        let mut bench = Bench::new();
        bench.put(state("a", "a1"));
        bench.put(state("b", "b1"));
        let mut tried = vec!["a1".to_owned()];
        for _ in 0..40 {
            bench.end(Delivery::Failed);
            tried.extend(bench.wait());
        }
        assert!(tried.contains(&"b1".to_owned()), "{tried:?}");
        assert!(bench.outbox.deadline().is_none(), "one is under way");
        let mut delivered = Vec::new();
        while delivered.len() < 2 {
            delivered.push(tried.last().unwrap().clone());
            tried.extend(bench.end(Delivery::Done));
        }
        delivered.sort();
        assert_eq!(delivered, ["a1", "b1"]);
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        let mut bench = Bench::new();
        bench.put(state("a", "a1"));
        bench.put(state("b", "b1"));
        assert_eq!(bench.end(Delivery::Refused), ["GivenUp", "b1"]);
    }

    #[test]
    fn a_state_that_failed_gives_way_to_a_newer_one() {
        let mut bench = Bench::new();
        bench.put(state("a", "a1"));
        bench.put(state("a", "a2"));
        assert_eq!(bench.end(Delivery::Failed), ["Superseded"]);
        assert_eq!(bench.wait(), ["a2"]);
    }

    #[test]
    fn a_full_queue_loses_what_happened_before_it_loses_a_state() {
        let mut bench = Bench::new();
        bench.put(happening("under way"));
        for input in [state("a", "a1"), happening("x"), state("b", "b1")] {
            assert!(bench.put(input).is_empty());
        }
        assert_eq!(bench.put(state("c", "c1")), ["Dropped"]);
        let sent: Vec<_> = (0..3).flat_map(|_| bench.end(Delivery::Done)).collect();
        assert_eq!(sent, ["a1", "b1", "c1"]);
    }

    proptest! {
        #[test]
        fn the_last_state_of_each_line_arrives_once_the_receiver_is_back(
            steps in proptest::collection::vec((0_u8..6, 0_u8..3), 1..120),
        ) {
            let mut bench = Bench::new();
            let bodies = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
            let mut newest = std::collections::BTreeMap::new();
            let mut arrived = std::collections::BTreeMap::new();
            let mut under_way: Option<String> = None;
            let note = |sent: Vec<String>, under_way: &mut Option<String>| {
                for text in sent {
                    if text.contains(':') { *under_way = Some(text); }
                }
            };
            for (at, (what, line)) in steps.iter().enumerate() {
                let name = ["a", "b", "c"][usize::from(*line)];
                let sent = match what {
                    0..=2 => {
                        let body = format!("{name}:{at}:{}", bodies[at % 10]);
                        newest.insert(name, body.clone());
                        bench.put(Input::Letter(Letter { subject: Subject::Line(name.into()), body: body.into() }))
                    }
                    3 if under_way.is_some() => { under_way = None; bench.end(Delivery::Failed) }
                    4 if under_way.is_some() => {
                        let body = under_way.take().unwrap();
                        arrived.insert(body[..1].to_owned(), body);
                        bench.end(Delivery::Done)
                    }
                    _ => bench.wait(),
                };
                note(sent, &mut under_way);
            }
            for _ in 0..20 {
                let sent = match under_way.take() {
                    Some(body) => {
                        arrived.insert(body[..1].to_owned(), body);
                        bench.end(Delivery::Done)
                    }
                    None => bench.wait(),
                };
                note(sent, &mut under_way);
            }
            for (line, body) in newest {
                prop_assert_eq!(arrived.get(line), Some(&body));
            }
        }
    }
}
