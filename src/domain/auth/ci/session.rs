//! Our standing with CI: when the service token is renewed, when the federation list is read, and
//! when an operator must act. The refresh token dies when it is not used for 60 days (Device
//! Integration Guide), and only Cisco can give a new one.
//!
//! The access tokens of Webex partners are kept up by the same machine, without a federation list
//! and by [`Rules::partner`].

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::auth::ci::grant::GrantFault;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

pub use crate::domain::auth::ci::rules::DENIAL_PAUSE;
pub use crate::domain::auth::ci::rules::PARTNER_TOKEN_WARNING;
pub use crate::domain::auth::ci::rules::REFRESH_TOKEN_LIFE;
pub use crate::domain::auth::ci::rules::REFRESH_TOKEN_WARNING;
pub use crate::domain::auth::ci::rules::Renewal;
pub use crate::domain::auth::ci::rules::Rules;

/// First and longest pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Pause after a failure that only an operator can end. Asking on finds out when he did.
const OPERATOR_PAUSE: Duration = Duration::from_secs(5 * 60);

/// After this time without a result an attempt is given up; longer than any call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A service token was refused by those to whom we showed it.
    Denied,
    /// The federation list could not be read, or was not fit to be used.
    FederationFailed,
    /// The federation list was read.
    FederationRead,
    /// There is no new service token.
    Failed(GrantFault),
    /// There is a new service token.
    Granted {
        /// How long it lives.
        life: Duration,
        /// How long the refresh token lives from now on, if that was told; else it lives for 60
        /// days after its last use.
        refresh_token: Option<Duration>,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The cause of an alarm is gone.
    Clear(Alarm),
    /// The service token has ended: forget it.
    Forget,
    /// An operator must act.
    Raise(Alarm),
    /// Read the federation list with the service token and report how it went.
    ReadFederation,
    /// Get a new service token and report how it went.
    Refresh,
}

/// Why an operator must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// The refresh token has not been used for so long that it ends soon.
    RefreshTokenEnding {
        /// When.
        ends: SystemTime,
    },
    /// CI refuses the refresh token or the client.
    Refused(GrantFault),
}

/// The state of the service token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// There is none.
    Absent,
    /// There is one.
    Held {
        /// When it ends.
        until: Instant,
    },
}

/// Where the next attempt at something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// It waits for a service token.
    AwaitsToken,
    /// It starts then.
    Due(Instant),
    /// It is under way and given up then.
    Running {
        /// When.
        until: Instant,
    },
}

impl Attempt {
    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::AwaitsToken => None,
            Self::Due(at) | Self::Running { until: at } => Some(at),
        }
    }

    fn is_due(self, now: Instant) -> bool {
        self.deadline().is_some_and(|at| at <= now)
    }
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Session {
    rules: Rules,
    token: Token,
    refresh: Attempt,
    /// Refreshes failed in a row.
    failures: u32,
    /// End of the last refresh.
    tried: Option<Instant>,
    federation: Attempt,
    federation_failures: u32,
    /// Last success of the refresh token, or when it was first seen.
    used: SystemTime,
    /// When it ends, if that was told.
    told_end: Option<SystemTime>,
    ending: Option<SystemTime>,
    refused: Option<GrantFault>,
    random: u64,
    actions: VecDeque<Action>,
}

impl Session {
    /// A session whose first refresh is due at once. `used` is when the refresh token was last
    /// used with success, or first seen; `seed` makes the pauses of farm members differ.
    #[must_use]
    pub fn new(rules: Rules, used: SystemTime, seed: u64, now: Now) -> Self {
        Self::resumed(rules, used, None, seed, now)
    }

    /// The same, with the end of the refresh token as it was told before a restart.
    #[must_use]
    pub fn resumed(
        rules: Rules,
        used: SystemTime,
        told_end: Option<SystemTime>,
        seed: u64,
        now: Now,
    ) -> Self {
        let mut session = Self {
            rules,
            token: Token::Absent,
            refresh: Attempt::Due(now.mono),
            failures: 0,
            tried: None,
            federation: Attempt::AwaitsToken,
            federation_failures: 0,
            used,
            told_end,
            ending: None,
            refused: None,
            random: seed,
            actions: VecDeque::new(),
        };
        session.judge_age(now.wall);
        session
    }

    /// Last success of the refresh token, or when it was first seen.
    #[must_use]
    pub const fn refresh_token_used(&self) -> SystemTime {
        self.used
    }

    /// When the refresh token ends: as it was told, or 60 days after its last use.
    #[must_use]
    pub fn refresh_token_ends(&self) -> SystemTime {
        self.told_end.unwrap_or(self.used + REFRESH_TOKEN_LIFE)
    }

    /// Whether there is a service token.
    #[must_use]
    pub const fn has_token(&self) -> bool {
        matches!(self.token, Token::Held { .. })
    }

    fn granted(&mut self, life: Duration, refresh_token: Option<Duration>, now: Now) {
        self.failures = 0;
        self.tried = Some(now.mono);
        self.used = now.wall;
        self.told_end = refresh_token.and_then(|life| now.wall.checked_add(life));
        self.token = Token::Held {
            until: now.mono + life,
        };
        let next = self.rules.renewal_after(life);
        self.refresh = Attempt::Due(now.mono + next);
        if let Some(fault) = self.refused.take() {
            self.actions.push_back(Action::Clear(Alarm::Refused(fault)));
        }
        match (self.federation, self.rules.federation_period) {
            (Attempt::AwaitsToken, Some(_)) => self.federation = Attempt::Due(now.mono),
            (Attempt::AwaitsToken, None) | (Attempt::Due(_) | Attempt::Running { .. }, _) => {}
        }
    }

    fn failed(&mut self, fault: GrantFault, now: Now) {
        self.failures = self.failures.saturating_add(1);
        self.tried = Some(now.mono);
        let pause = if fault.is_final() {
            OPERATOR_PAUSE + self.below(OPERATOR_PAUSE / 10)
        } else {
            self.pause(self.failures)
        };
        self.refresh = Attempt::Due(now.mono + pause);
        if fault.is_final() && self.refused != Some(fault) {
            if let Some(other) = self.refused.replace(fault) {
                self.actions.push_back(Action::Clear(Alarm::Refused(other)));
            }
            self.actions.push_back(Action::Raise(Alarm::Refused(fault)));
        }
    }

    fn denied(&mut self, now: Now) {
        let tried_long_ago = self.tried.is_none_or(|tried| {
            now.mono.saturating_duration_since(tried) >= self.rules.denial_pause
        });
        match self.refresh {
            Attempt::Due(at) if tried_long_ago => self.refresh = Attempt::Due(at.min(now.mono)),
            Attempt::AwaitsToken | Attempt::Due(_) | Attempt::Running { .. } => {}
        }
    }

    fn federation_ended(&mut self, pause: Duration, now: Now) {
        match (self.federation, self.token) {
            (Attempt::Running { .. }, Token::Held { .. }) => {
                self.federation = Attempt::Due(now.mono + pause);
            }
            (Attempt::Running { .. }, Token::Absent) => self.federation = Attempt::AwaitsToken,
            // The late result of an attempt that was given up.
            (Attempt::AwaitsToken | Attempt::Due(_), _) => {}
        }
    }

    /// Raises or clears the alarm of the refresh token's end. Dates are compared with the wall
    /// clock as it is now, so that a jump is corrected by the next look.
    fn judge_age(&mut self, wall: SystemTime) {
        let ends = self.refresh_token_ends();
        let left = ends.duration_since(wall).unwrap_or_default();
        let near = left <= self.rules.warning;
        match self.ending {
            None if near => {
                self.ending = Some(ends);
                let alarm = Alarm::RefreshTokenEnding { ends };
                self.actions.push_back(Action::Raise(alarm));
            }
            Some(ends) if !near => {
                self.ending = None;
                let alarm = Alarm::RefreshTokenEnding { ends };
                self.actions.push_back(Action::Clear(alarm));
            }
            None | Some(_) => {}
        }
    }

    /// The pause after so many failures in a row: twice as long each time, and anywhere in its
    /// second half, so that a farm does not come back as one.
    fn pause(&mut self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let longest = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
        longest / 2 + self.below(longest / 2)
    }

    fn below(&mut self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.random() % micros.max(1))
    }

    /// splitmix64.
    const fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.random;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

impl Machine for Session {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Denied => self.denied(now),
            Input::FederationFailed => {
                self.federation_failures = self.federation_failures.saturating_add(1);
                let pause = self.pause(self.federation_failures);
                let longest = self.rules.federation_period.unwrap_or(LONGEST_PAUSE);
                self.federation_ended(pause.min(longest), now);
            }
            Input::FederationRead => {
                self.federation_failures = 0;
                let period = self.rules.federation_period.unwrap_or(LONGEST_PAUSE);
                self.federation_ended(period, now);
            }
            Input::Failed(fault) => self.failed(fault, now),
            Input::Granted {
                life,
                refresh_token,
            } => self.granted(life, refresh_token, now),
        }
        self.judge_age(now.wall);
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.deadline().is_none_or(|at| now.mono < at) {
            return;
        }
        match self.token {
            Token::Held { until } if until <= now.mono => {
                self.token = Token::Absent;
                self.actions.push_back(Action::Forget);
            }
            Token::Absent | Token::Held { .. } => {}
        }
        let running = Attempt::Running {
            until: now.mono + PATIENCE,
        };
        if self.refresh.is_due(now.mono) {
            self.refresh = running;
            self.actions.push_back(Action::Refresh);
        }
        if self.federation.is_due(now.mono) {
            match self.token {
                Token::Absent => self.federation = Attempt::AwaitsToken,
                Token::Held { .. } => {
                    self.federation = running;
                    self.actions.push_back(Action::ReadFederation);
                }
            }
        }
        self.judge_age(now.wall);
    }

    fn deadline(&self) -> Option<Instant> {
        let token = match self.token {
            Token::Absent => None,
            Token::Held { until } => Some(until),
        };
        [token, self.refresh.deadline(), self.federation.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        assert!(
            self.refresh.deadline().is_some(),
            "no refresh would ever come again: {self:?}"
        );
        if self.has_token() && self.rules.federation_period.is_some() {
            assert!(
                self.federation.deadline().is_some(),
                "the federation list would never be read again: {self:?}"
            );
        }
        if let Some(fault) = self.refused {
            assert!(fault.is_final() && self.failures > 0, "{self:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn days(count: u64) -> Duration {
        Duration::from_secs(count * 24 * 60 * 60)
    }

    use crate::platform::clock;

    const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
    const RULES: Rules = Rules::ci(Duration::from_secs(60 * 60), DENIAL_PAUSE);

    struct Bench {
        session: Session,
        now: Now,
    }

    impl Bench {
        /// A session whose refresh token was last used so long ago.
        fn unused_for(age: Duration) -> Self {
            let now = clock::now();
            Self {
                session: Session::new(RULES, now.wall - age, 7, now),
                now,
            }
        }

        fn actions(&mut self) -> Vec<Action> {
            std::iter::from_fn(|| self.session.poll_action()).collect()
        }

        fn tell(&mut self, input: Input) -> Vec<Action> {
            self.session.handle(input, self.now);
            self.session.check_invariants();
            self.actions()
        }

        fn pass(&mut self, time: Duration) {
            self.now.mono += time;
            self.now.wall += time;
        }

        /// Waits for the next deadline: how long it took, and what is to be done then.
        fn wait(&mut self) -> (Duration, Vec<Action>) {
            let at = self.session.deadline().unwrap();
            let time = at.saturating_duration_since(self.now.mono);
            self.pass(time);
            self.session.handle_timeout(self.now);
            self.session.check_invariants();
            (time, self.actions())
        }

        fn granted(&mut self) -> Vec<Action> {
            self.tell(Input::Granted {
                life: LIFE,
                refresh_token: None,
            })
        }
    }

    #[test]
    fn the_first_refresh_is_at_once_and_the_next_at_three_quarters_of_the_life() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        assert_eq!(bench.wait(), (Duration::ZERO, vec![Action::Refresh]));
        assert_eq!(bench.granted(), []);
        assert_eq!(bench.wait(), (Duration::ZERO, vec![Action::ReadFederation]));
        let granted = bench.now.mono;
        loop {
            bench.tell(Input::FederationRead);
            let (_, actions) = bench.wait();
            if actions.contains(&Action::Refresh) {
                assert_eq!(bench.now.mono - granted, LIFE * 3 / 4);
                return;
            }
            assert_eq!(actions, [Action::ReadFederation]);
        }
    }

    #[test]
    fn failures_are_followed_by_longer_pauses_up_to_five_minutes() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        bench.wait();
        for failures in 1..20_u32 {
            bench.tell(Input::Failed(GrantFault::Unreachable));
            let (pause, actions) = bench.wait();
            let longest = Duration::from_secs(1 << failures.min(9)).min(LONGEST_PAUSE);
            assert!(pause >= longest / 2 && pause <= longest, "{pause:?}");
            assert_eq!(actions, [Action::Refresh]);
        }
    }

    #[test]
    fn members_of_a_farm_do_not_come_back_as_one() {
        let pause = |seed| {
            let now = clock::now();
            let mut session = Session::new(RULES, now.wall, seed, now);
            (1..8).map(|_| session.pause(8)).collect::<Vec<_>>()
        };
        assert_ne!(pause(1), pause(2));
        assert_eq!(pause(1), pause(1));
    }

    #[test]
    fn a_refused_refresh_token_is_told_once_and_asked_for_seldom() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        bench.wait();
        let alarm = Alarm::Refused(GrantFault::InvalidGrant);
        let refused = Input::Failed(GrantFault::InvalidGrant);
        assert_eq!(bench.tell(refused.clone()), [Action::Raise(alarm)]);
        for _ in 0..3 {
            let (pause, _) = bench.wait();
            assert!(pause >= OPERATOR_PAUSE, "{pause:?}");
            assert_eq!(bench.tell(refused.clone()), []);
        }
        bench.wait();
        let other = Alarm::Refused(GrantFault::InvalidClient);
        assert_eq!(
            bench.tell(Input::Failed(GrantFault::InvalidClient)),
            [Action::Clear(alarm), Action::Raise(other)]
        );
        bench.wait();
        assert_eq!(bench.granted(), [Action::Clear(other)]);
    }

    #[test]
    fn a_refresh_token_unused_for_45_days_is_told_and_a_use_clears_it() {
        let mut bench = Bench::unused_for(REFRESH_TOKEN_WARNING - Duration::from_secs(1));
        let ends = bench.session.refresh_token_used() + REFRESH_TOKEN_LIFE;
        let alarm = Alarm::RefreshTokenEnding { ends };
        assert_eq!(bench.wait().1, [Action::Refresh]);
        bench.pass(Duration::from_secs(1));
        let failed = Input::Failed(GrantFault::Unreachable);
        assert_eq!(bench.tell(failed.clone()), [Action::Raise(alarm)]);
        bench.wait();
        assert_eq!(bench.tell(failed), []);
        bench.wait();
        assert_eq!(bench.granted(), [Action::Clear(alarm)]);
        assert_eq!(bench.session.refresh_token_used(), bench.now.wall);
    }

    #[test]
    fn a_refresh_token_that_ages_while_the_daemon_is_down_is_told_at_start() {
        let mut bench = Bench::unused_for(days(50));
        let ends = bench.session.refresh_token_used() + REFRESH_TOKEN_LIFE;
        let alarm = Alarm::RefreshTokenEnding { ends };
        assert_eq!(bench.actions(), [Action::Raise(alarm)]);
    }

    #[test]
    fn a_wall_clock_that_jumps_back_does_no_harm() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        bench.now.wall = SystemTime::UNIX_EPOCH;
        assert_eq!(bench.wait().1, [Action::Refresh]);
        assert_eq!(bench.tell(Input::Failed(GrantFault::Unreachable)), []);
    }

    #[test]
    fn a_service_token_that_ends_is_forgotten_and_the_federation_list_waits() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        bench.wait();
        bench.granted();
        bench.wait();
        bench.tell(Input::FederationRead);
        let granted = bench.now.mono;
        loop {
            let (_, actions) = bench.wait();
            if actions.contains(&Action::Forget) {
                break;
            }
            if actions.contains(&Action::Refresh) {
                bench.tell(Input::Failed(GrantFault::Unreachable));
            }
            if actions.contains(&Action::ReadFederation) {
                bench.tell(Input::FederationFailed);
            }
        }
        assert_eq!(bench.now.mono - granted, LIFE);
        assert!(!bench.session.has_token());
        for _ in 0..10 {
            let (_, actions) = bench.wait();
            assert!(!actions.contains(&Action::ReadFederation));
            bench.tell(Input::Failed(GrantFault::Unreachable));
        }
        bench.wait();
        bench.granted();
        assert_eq!(bench.wait().1, [Action::ReadFederation]);
    }

    #[test]
    fn a_denied_service_token_is_renewed_but_not_at_the_rate_of_the_denials() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        bench.wait();
        bench.granted();
        bench.wait();
        bench.tell(Input::FederationRead);
        bench.tell(Input::Denied);
        assert!(bench.session.deadline() > Some(bench.now.mono));
        bench.pass(DENIAL_PAUSE);
        bench.tell(Input::Denied);
        bench.tell(Input::Denied);
        assert_eq!(bench.wait(), (Duration::ZERO, vec![Action::Refresh]));
        bench.tell(Input::Denied);
        bench.granted();
        bench.tell(Input::Denied);
        assert!(bench.session.deadline() > Some(bench.now.mono));
    }

    #[test]
    fn a_lost_result_does_not_end_the_attempts() {
        let mut bench = Bench::unused_for(Duration::ZERO);
        bench.wait();
        assert_eq!(bench.wait(), (PATIENCE, vec![Action::Refresh]));
        bench.granted();
        bench.wait();
        assert_eq!(bench.wait(), (PATIENCE, vec![Action::ReadFederation]));
    }

    #[test]
    fn a_partner_renews_at_half_of_the_life_and_reads_no_list() {
        let now = clock::now();
        let rules = Rules::partner(DENIAL_PAUSE);
        let mut bench = Bench {
            session: Session::new(rules, now.wall, 7, now),
            now,
        };
        assert_eq!(bench.wait().1, [Action::Refresh]);
        let granted = Input::Granted {
            life: days(14),
            refresh_token: Some(days(90)),
        };
        assert_eq!(bench.tell(granted), []);
        assert_eq!(
            bench.session.refresh_token_ends(),
            bench.now.wall + days(90)
        );
        assert_eq!(bench.wait(), (days(7), vec![Action::Refresh]));
    }

    #[test]
    fn a_partner_is_told_14_days_before_the_end_that_webex_told() {
        let mut now = clock::now();
        let ends = now.wall + days(90);
        let rules = Rules::partner(DENIAL_PAUSE);
        let alarm = Alarm::RefreshTokenEnding { ends };
        for (left, expected) in [(15, vec![]), (14, vec![Action::Raise(alarm)])] {
            now.wall = ends - days(left);
            let used = ends - days(90);
            let session = Session::resumed(rules, used, Some(ends), 7, now);
            let mut bench = Bench { session, now };
            assert_eq!(bench.actions(), expected, "{left} days");
        }
    }
}
