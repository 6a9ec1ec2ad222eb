//! Looks at how things stand, again and again, and tells the alarm desk. One small function for
//! each kind of thing; the log lines of those who do the work stay where they are.

mod disk;
mod looks;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::app::reload::Reloader;
use crate::app::watchers::looks::application_server;
use crate::app::watchers::looks::backlog;
use crate::app::watchers::looks::channel;
use crate::app::watchers::looks::cti;
use crate::app::watchers::looks::lamps;
use crate::app::watchers::looks::service_token;
use crate::app::watchers::looks::unmapped;
use crate::app::watchers::looks::waiting;
use crate::app::watchers::looks::webex;
use crate::app::watchers::looks::xsps;
use crate::config::Alarms;
use crate::config::Config;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::refusals::Refusals;
use crate::domain::machine::Now;
use crate::domain::provisioning::record::JobState;
use crate::inbound::edge::Edge;
use crate::platform::clock;
use crate::workers::provisioner::Provisioner;

/// Between two looks. With the usual hold-down what is wrong is an alarm after ten seconds.
const LOOK: Duration = Duration::from_secs(5);

/// Users are counted this often: that reads the store.
const COUNT: Duration = Duration::from_secs(60);

/// What is wrong for a moment at each start, or while it is opened again, is wrong when it stays so
/// for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest time after a start in which nothing is looked at, because nobody knows yet.
const GRACE: Duration = Duration::from_secs(60);

/// Starts to look.
pub(crate) fn start(reloader: &Arc<Reloader>) {
    disk::start(reloader);
    let (reloader, stop) = (Arc::clone(reloader), reloader.tasks.stop());
    let tasks = reloader.tasks.clone();
    tasks.worker("alarm-watchers", async move {
        // Upstreams are taken for well until checks have failed; whoever looked before that would
        // end the alarms from before the start.
        let grace = grace(&reloader.live.load());
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(grace) => {}
        }
        let mut rounds = Rounds::new(clock::now());
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => rounds.look(&reloader).await,
            }
        }
    });
}

/// What has to be remembered between two looks.
struct Rounds {
    /// What was wrong at the last look: what is no longer looked at is not wrong any more.
    told: BTreeSet<AlarmKey>,
    /// Since when it is wrong, of what has to stay so.
    since: BTreeMap<AlarmKey, Instant>,
    /// What of that was looked at in this round.
    looked: BTreeSet<AlarmKey>,
    users: Vec<Observation>,
    count: Instant,
    refusals: Refusals,
}

impl Rounds {
    fn new(now: Now) -> Self {
        Self {
            told: BTreeSet::new(),
            since: BTreeMap::new(),
            looked: BTreeSet::new(),
            users: Vec::new(),
            count: now.mono,
            refusals: Refusals::default(),
        }
    }

    async fn look(&mut self, reloader: &Reloader) {
        let now = clock::now();
        let edge = reloader.live.load_full();
        // Jumps of the clock are the watch over certificates' to tell.
        let mut seen = xsps(&edge.config.pools.keys().collect::<Vec<_>>(), &edge.pools);
        seen.extend(application_server(reloader, now));
        seen.extend(self.refused(reloader, &edge.config, now));
        let token = service_token(&edge);
        seen.extend(token.and_then(|seen| self.patient(seen, PATIENCE, now)));
        for partner in reloader.webex.all() {
            let looks = webex(&partner).into_iter();
            seen.extend(looks.filter_map(|seen| self.patient(seen, PATIENCE, now)));
        }
        for sessions in &reloader.sessions {
            let patience = *sessions.patience().borrow();
            seen.extend(self.patient(cti(sessions, patience), patience, now));
        }
        if let Some(board) = &edge.blf {
            // The tracker ends with the daemon.
            let (sources, counts) = (board.sources().await, board.counts().await);
            let looks = sources.iter().flatten().map(channel);
            let looks = looks.chain(counts.ok().map(|counts| lamps(&counts)));
            seen.extend(looks.filter_map(|seen| self.patient(seen, PATIENCE, now)));
        }
        if let Some(provisioner) = &reloader.provisioning.provisioner {
            self.users(provisioner, &edge.config.alarms, now).await;
            seen.extend(self.users.iter().cloned());
        }
        let unknown = reloader.provisioning.ground.unmapped.standing();
        seen.extend(unknown.iter().map(unmapped));
        for observation in self.ended(seen) {
            reloader.alarms.desk.observe(observation);
        }
    }

    /// The round is over: what is told of it. What was not looked at is configured no longer, or
    /// nobody could look; either way it begins anew when it comes back.
    fn ended(&mut self, seen: Vec<Observation>) -> Vec<Observation> {
        let looked_at = std::mem::take(&mut self.looked);
        self.since.retain(|key, _| looked_at.contains(key));
        let mut told = BTreeSet::new();
        for observation in &seen {
            if matches!(observation.condition, Condition::Present(_)) {
                told.insert(observation.key.clone());
            }
        }
        let looked: BTreeSet<_> = seen.iter().map(|seen| seen.key.clone()).collect();
        // Once: the board believes after a while what nobody says otherwise.
        let gone = self.told.difference(&looked).map(|key| Observation {
            key: key.clone(),
            condition: Condition::Absent,
        });
        let all = gone.chain(seen).collect();
        self.told = told;
        all
    }

    /// Lets a look pass when it has been so for long enough; until then nobody has looked.
    fn patient(&mut self, seen: Observation, patience: Duration, now: Now) -> Option<Observation> {
        self.looked.insert(seen.key.clone());
        match &seen.condition {
            Condition::Absent => {
                self.since.remove(&seen.key);
                Some(seen)
            }
            Condition::Present(_) => {
                let since = *self.since.entry(seen.key.clone()).or_insert(now.mono);
                let stayed = now.mono.saturating_duration_since(since);
                (stayed >= patience).then_some(seen)
            }
        }
    }

    fn refused(&mut self, reloader: &Reloader, config: &Config, now: Now) -> Vec<Observation> {
        let metrics = &reloader.telemetry.edge;
        let counted = config.listeners.iter().map(|listener| {
            let name = Arc::from(listener.name.as_str());
            metrics.handshakes_of(&name)
        });
        let counted: Vec<_> = counted.collect();
        let bound = config.alarms.refused_clients;
        self.refusals.look(&counted, bound, now.mono)
    }

    async fn users(&mut self, provisioner: &Provisioner, bounds: &Alarms, now: Now) {
        if now.mono < self.count {
            return;
        }
        self.count = now.mono + COUNT;
        // When the store cannot be read, what was last known is all there is.
        if let Ok(counts) = provisioner.store().counts().await {
            self.users = vec![
                waiting(
                    AlarmName::ProvisioningFailed,
                    &counts,
                    JobState::Attention,
                    "cannot be provisioned and wait for a person",
                ),
                waiting(
                    AlarmName::ProvisioningStuck,
                    &counts,
                    JobState::Stalled,
                    "have waited for Webex longer than they should",
                ),
                backlog(&counts, bounds, now.wall),
            ];
        }
    }
}

/// How long it takes until an upstream that does not answer is known not to.
fn grace(edge: &Edge) -> Duration {
    let known = edge.config.pools.values().map(|pool| {
        let checks = pool.health.fall.saturating_add(1);
        (pool.health.interval + pool.health.timeout).saturating_mul(checks)
    });
    known.max().unwrap_or_default().min(GRACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::watchers::looks::look;
    use crate::app::watchers::looks::out;
    use crate::app::watchers::looks::pool_look;
    use crate::domain::alarms::Severity;
    use crate::domain::provisioning::ids::Moment;
    use crate::domain::provisioning::ids::RequestId;
    use crate::domain::provisioning::ids::TemplateKey;
    use crate::domain::provisioning::unmapped::Last;
    use crate::domain::provisioning::unmapped::Unmapped;
    use crate::store::query::StateCount;
    use crate::workers::blf_tracker::view::Counts;

    fn present(observation: &Observation) -> Option<(Severity, &str)> {
        observation.condition.gist()
    }

    #[test]
    fn a_pool_is_worse_off_the_fewer_answer() {
        let of = |down: &[&str]| {
            let down: Vec<_> = down.iter().map(|text| (*text).to_owned()).collect();
            pool_look("xsp", &down, 2)
        };
        assert_eq!(present(&of(&[])), None);
        assert_eq!(present(&of(&["a"])), Some((Severity::Medium, "1 of 2")));
        assert_eq!(
            present(&of(&["a", "b"])),
            Some((Severity::Critical, "2 of 2"))
        );
        let named = out("a", Some("connection refused".to_owned()));
        let Condition::Present(present) = of(&[named.as_str()]).condition else {
            panic!("it is wrong");
        };
        assert_eq!(
            present.text,
            "Of the pool xsp a (connection refused) does not answer; 1 of 2 still serve."
        );
    }

    #[test]
    fn what_is_looked_at_no_longer_ends_once_and_begins_anew_when_it_comes_back() {
        let now = clock::now();
        let mut rounds = Rounds::new(now);
        let at = |seconds| Now {
            mono: now.mono + Duration::from_secs(seconds),
            ..now
        };
        let wrong = || look(AlarmName::ServiceTokenFailing, "ci", Some("No.".to_owned()));
        let mut round = |seconds: Option<u64>| -> Vec<bool> {
            let seen = seconds.map(at);
            let seen = seen.and_then(|now| rounds.patient(wrong(), PATIENCE, now));
            let told = rounds.ended(seen.into_iter().collect());
            told.iter().map(|seen| present(seen).is_some()).collect()
        };
        let none: Vec<bool> = Vec::new();
        assert_eq!(round(Some(0)), none);
        assert_eq!(round(Some(60)), [true]);
        assert_eq!(round(None), [false], "once");
        assert_eq!(round(None), none);
        // Weeks later it is as wrong as before, and for the first moment.
        assert_eq!(round(Some(1_000_000)), none);
        assert_eq!(round(Some(1_000_060)), [true]);
    }

    #[test]
    fn what_is_wrong_for_a_moment_is_not_looked_at_yet() {
        let now = clock::now();
        let mut rounds = Rounds::new(now);
        let at = |seconds| Now {
            mono: now.mono + Duration::from_secs(seconds),
            ..now
        };
        let wrong = || look(AlarmName::ServiceTokenFailing, "ci", Some("No.".to_owned()));
        let well = || look(AlarmName::ServiceTokenFailing, "ci", None);
        let mut patient = |seen, seconds| rounds.patient(seen, PATIENCE, at(seconds)).is_some();
        assert!(!patient(wrong(), 0));
        assert!(!patient(wrong(), 59));
        assert!(patient(wrong(), 60));
        assert!(patient(well(), 61));
        assert!(!patient(wrong(), 62));
    }

    #[test]
    fn a_queue_is_too_long_by_its_users_or_by_the_first_of_them() {
        let config = crate::config::load_with(
            std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config/xspd.toml")),
            &crate::config::Environment::default(),
            crate::config::NamedFiles::Skip,
        );
        let mut bounds = config.unwrap().config.alarms;
        bounds.backlog_users = 100;
        let now = clock::now().wall;
        let ago = |seconds| Moment::of(now - Duration::from_secs(seconds));
        let count = |state, users, seconds| StateCount {
            state,
            users,
            oldest: ago(seconds),
        };
        let of = |counts: &[StateCount]| backlog(counts, &bounds, now);
        let queued = |users, seconds| count(JobState::Queued, users, seconds);
        assert_eq!(present(&of(&[])), None);
        assert_eq!(present(&of(&[queued(100, 3_500)])), None);
        let two = [queued(60, 10), count(JobState::Submitting, 60, 20)];
        assert_eq!(present(&of(&two)), Some((Severity::Medium, "users")));
        let old = present(&of(&[queued(1, 3_700)])).map(|(_, step)| step.to_owned());
        assert_eq!(old.as_deref(), Some("age"));
        // Who waits for Webex or for a person has an alarm of its own.
        let others = [
            JobState::Attention,
            JobState::WaitingWebex,
            JobState::Provisioned,
        ];
        assert_eq!(
            present(&of(&others.map(|state| count(state, 999, 99_999)))),
            None
        );
    }

    #[test]
    fn calls_that_no_rule_knows_lead_to_their_capture() {
        let key = TemplateKey::parse("acme").unwrap();
        let of = |captured, refused| {
            let mut calls = Unmapped::default();
            for minute in [1, 2] {
                let last = Last {
                    at: Moment(minute * 60_000),
                    request: RequestId::parse(&format!("r{minute}")).unwrap(),
                    captured,
                    refused,
                };
                calls.came(&key, [0; 32], last);
            }
            unmapped(&calls.standing(Moment(180_000))[0])
        };
        let told = |seen: Observation| {
            assert_eq!(seen.key.object.as_str(), "template acme");
            match seen.condition {
                Condition::Present(present) => present,
                Condition::Absent => panic!("it is wrong"),
            }
        };
        let refused = told(of(true, true));
        assert_eq!(refused.severity, Severity::Medium);
        let line = (
            "command".to_owned(),
            "xspd provision captures r2".to_owned(),
        );
        assert_eq!(refused.details, [line]);
        assert!(
            refused.text.contains("2 calls since 1970-01-01"),
            "{}",
            refused.text
        );
        let passed = told(of(false, false));
        assert_eq!((passed.severity, passed.details.len()), (Severity::Low, 0));
        assert!(
            passed.text.contains("No capture is kept"),
            "{}",
            passed.text
        );
    }

    #[test]
    fn lines_without_a_subscription_are_counted() {
        let counts = Counts {
            subscriptions_wanted: 7,
            subscriptions_up: 7,
            ..Counts::default()
        };
        assert_eq!(present(&lamps(&counts)), None);
        let counts = Counts {
            subscriptions_up: 5,
            ..counts
        };
        assert!(present(&lamps(&counts)).is_some());
    }
}
