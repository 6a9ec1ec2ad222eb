//! Everything around the conductor: the store, Webex, the AS, operators, and death.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::domain::provisioning::conductor::Action;
use xspd::domain::provisioning::conductor::CallId;
use xspd::domain::provisioning::conductor::Change;
use xspd::domain::provisioning::conductor::Conductor;
use xspd::domain::provisioning::conductor::Input;
use xspd::domain::provisioning::conductor::SaveToken;
use xspd::domain::provisioning::fault::Faults;
use xspd::domain::provisioning::ids::BwUserId;
use xspd::domain::provisioning::ids::ClusterName;
use xspd::domain::provisioning::ids::EnterpriseKey;
use xspd::domain::provisioning::ids::GroupId;
use xspd::domain::provisioning::ids::Moment;
use xspd::domain::provisioning::ids::PartnerName;
use xspd::domain::provisioning::ids::ProvisioningId;
use xspd::domain::provisioning::ids::RequestId;
use xspd::domain::provisioning::ids::SpEnterpriseId;
use xspd::domain::provisioning::ids::SpId;
use xspd::domain::provisioning::ids::TemplateKey;
use xspd::domain::provisioning::ids::UserKey;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::intake::Wanted;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::Mode;
use xspd::domain::provisioning::policy::Policy;
use xspd::domain::provisioning::policy::Rules;
use xspd::domain::provisioning::policy::Settings;
use xspd::domain::provisioning::policy::UserIdChange;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::profile::Profile;
use xspd::domain::provisioning::record::EnterpriseState;
use xspd::domain::provisioning::record::JobRecord;
use xspd::domain::provisioning::record::JobState;
use xspd::domain::provisioning::record::Presence;
use xspd::domain::provisioning::record::Word;
use xspd::domain::provisioning::webex::CallFailure;
use xspd::domain::provisioning::webex::FailureKind;
use xspd::domain::provisioning::webex::NewSubscriber;
use xspd::domain::provisioning::webex::SubscriberStatus;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;
use xspd::platform::clock;

use super::super::Random;
use super::store::Store;
use super::webex::BEGAN;
use super::webex::Webex;
use super::webex::failure;

static FAULTS: LazyLock<Arc<Faults>> = LazyLock::new(|| Arc::new(Faults::default()));

/// Groups of users; the last is the one whose administrator lets nobody in at first.
const GROUPS: u64 = 3;
/// Users whose user id begins with this are shared devices.
const PLACE: &str = "place";

enum Due {
    Answer(CallId, Result<WebexAnswer, CallFailure>),
    Effect(CallId, WebexOp, Fate),
    /// Cisco's bridge gets to a user.
    Bridge(u64),
    /// A call that nobody waits for any more.
    Ghost(WebexOp),
    Save(SaveToken, Vec<Change>),
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Works,
    /// It does what it is to do, and nobody is told; what is told instead.
    Lost(FailureKind),
    /// It does nothing.
    Fails(FailureKind, Option<u64>),
    /// It was told to have failed before; it works all the same, late.
    Late,
}

pub(super) struct World<'a> {
    random: &'a mut Random,
    conductor: Conductor,
    settings: Settings,
    store: Store,
    webex: Webex,
    now: Now,
    began: Instant,
    pending: BTreeMap<(Instant, u64), (u64, Due)>,
    sent: u64,
    /// Grows with each death: what belongs to a life before reaches nobody.
    life: u64,
    in_flight: usize,
    calls: Vec<Instant>,
    users: u64,
    requests: u64,
    crowd: bool,
    /// The group of each user, and how often its user id has changed.
    users_are: Vec<(u64, u32)>,
}

impl<'a> World<'a> {
    pub(super) fn new(random: &'a mut Random, users: u64) -> Self {
        let mut now = clock::now();
        now.wall = SystemTime::UNIX_EPOCH + BEGAN;
        let cluster = ClusterName::parse("as").unwrap();
        let mut settings = Settings {
            rules: Rules::default(),
            faults: Arc::clone(&FAULTS),
            ..Settings::default()
        };
        let key = TemplateKey::parse("api").unwrap();
        let mut policy = Policy::new(key.clone(), cluster.clone(), Mode::Api, Package::Premium);
        policy.partner = PartnerName::parse("p").ok();
        policy.provisioning_id = ProvisioningId::parse("prov").ok();
        policy.trusted_email = random.below(3) > 0;
        policy.stage_basic_first = random.below(4) == 0;
        policy.user_id_change = match random.below(3) {
            0 => UserIdChange::Attention,
            1 => UserIdChange::Put,
            _ => UserIdChange::Recreate,
        };
        settings.templates.insert(key, Arc::new(policy));
        let key = TemplateKey::parse("relay").unwrap();
        let mut policy = Policy::new(key.clone(), cluster, Mode::Relay, Package::Premium);
        policy.partner = PartnerName::parse("p").ok();
        settings.templates.insert(key, Arc::new(policy));
        let mut webex = Webex::default();
        webex.closed.insert(format!("sp+g{}", GROUPS - 1));
        let seed = random.next();
        Self {
            conductor: Conductor::new(settings.clone(), seed, now),
            random,
            settings,
            store: Store::default(),
            webex,
            now,
            began: now.mono,
            pending: BTreeMap::new(),
            sent: 0,
            life: 0,
            in_flight: 0,
            calls: Vec::new(),
            users,
            requests: 0,
            crowd: users > 20,
            users_are: (0..users).map(|user| (user % GROUPS, 0)).collect(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.now.mono - self.began
    }

    fn later(&mut self, after: Duration, due: Due) {
        self.sent += 1;
        let at = self.now.mono + after;
        self.pending.insert((at, self.sent), (self.life, due));
    }

    /// Something happens, or time passes.
    pub(super) fn trouble(&mut self) {
        match self.random.below(20) {
            0..=4 => self.assign(),
            5 => self.unassign(),
            6 => match self.random.below(3) {
                0 => self.rename(),
                1 => self.move_group(),
                _ => self.unassign(),
            },
            7 => self.operate(),
            8 => self.die(),
            9 => self.webex.refuses = self.random.below(3) == 0,
            10 => {
                let key = self.user();
                self.input(Input::Observed(key));
            }
            11 => {
                let settings = Box::new(self.settings.clone());
                self.input(Input::Settings(settings));
            }
            12 if self.random.below(3) == 0 => self.webex.closed.clear(),
            _ => {
                let time = self.random.duration(Duration::from_secs(600));
                self.pass(time);
            }
        }
        let time = self.random.duration(Duration::from_secs(5));
        self.pass(time);
    }

    pub(super) fn assign_all(&mut self) {
        for user in 0..self.users {
            self.assign_user(user);
        }
    }

    fn group(&self, user: u64) -> u64 {
        let (group, _) = self.users_are[user as usize];
        if self.crowd { 0 } else { group }
    }

    /// Whether Cisco's bridge provisions the user.
    fn is_relayed(&self, user: u64) -> bool {
        user % 6 == 5 && !self.crowd
    }

    fn is_place(&self, user: u64) -> bool {
        user % 6 == 3 && !self.crowd
    }

    /// A user goes to another customer.
    fn move_group(&mut self) {
        let user = self.random.below(self.users);
        if !self.is_place(user) {
            self.users_are[user as usize].0 = self.random.below(GROUPS);
            self.assign_user(user);
        }
    }

    /// The BroadWorks user id changes: the new user first, then the removal of the old one.
    fn rename(&mut self) {
        let user = self.random.below(self.users);
        if self.is_place(user) || self.is_relayed(user) || self.crowd {
            return;
        }
        let key = self.key_of(user);
        let before = BwUserId::parse(&self.name(user)).unwrap();
        let present = self
            .store
            .desired
            .get(&key)
            .is_some_and(|desired| matches!(desired.presence, Presence::Present { .. }));
        if !present {
            return;
        }
        self.users_are[user as usize].1 += 1;
        self.assign_renamed(user, Some(before.clone()));
        let template = TemplateKey::parse("api").ok();
        let (request, at) = (self.request(), self.at());
        self.wish(Wish::absent(key, template, before, request, at));
    }

    fn name(&self, user: u64) -> String {
        let (_, renamed) = self.users_are[user as usize];
        self.name_before(user, renamed)
    }

    fn name_before(&self, user: u64, renamed: u32) -> String {
        // One of each group of users is a shared device.
        if self.is_place(user) {
            format!("{PLACE}{user}@x.example")
        } else {
            format!("user{user}.{renamed}@x.example")
        }
    }

    fn key_of(&self, user: u64) -> UserKey {
        let cluster = ClusterName::parse("as").unwrap();
        UserKey::new(cluster, &BwUserId::parse(&self.name(user)).unwrap())
    }

    fn user(&mut self) -> UserKey {
        let user = self.random.below(self.users);
        self.key_of(user)
    }

    fn assign(&mut self) {
        let user = self.random.below(self.users);
        self.assign_user(user);
    }

    fn assign_user(&mut self, user: u64) {
        self.assign_renamed(user, None);
    }

    fn assign_renamed(&mut self, user: u64, formerly: Option<BwUserId>) {
        let name = self.name(user);
        let email = match self.random.below(12) {
            _ if self.is_relayed(user) => name.clone(),
            0 if !self.webex.calm => "refused@x.example".to_owned(),
            1 if !self.webex.calm => "failing@x.example".to_owned(),
            _ => name.clone(),
        };
        let profile = Profile {
            user: BwUserId::parse(&name).unwrap(),
            sp: SpId::parse("sp").unwrap(),
            group: GroupId::parse(&format!("g{}", self.group(user))).ok(),
            first_name: format!("First{}", self.random.below(3)),
            last_name: "Last".to_owned(),
            email: Some(email),
            phone: Some(format!("+1555{user:04}")),
            mobile: None,
            extension: None,
            language: None,
            timezone: None,
            is_place: name.starts_with(PLACE),
        };
        let template = self.template_of(user);
        let (key, request, at) = (self.key_of(user), self.request(), self.at());
        let mut wish = Wish::present(key, template, profile, request, at);
        wish.formerly = formerly;
        self.call_bridge(user);
        self.wish(wish);
    }

    fn unassign(&mut self) {
        let user = self.random.below(self.users);
        let template = Some(self.template_of(user));
        let name = BwUserId::parse(&self.name(user)).unwrap();
        let (key, request, at) = (self.key_of(user), self.request(), self.at());
        let mut wish = Wish::absent(key, template, name, request, at);
        if self.random.below(4) == 0
            && let Wanted::Absent { person, .. } = &mut wish.wanted
        {
            *person = Some(true);
        }
        self.call_bridge(user);
        self.wish(wish);
    }

    fn template_of(&self, user: u64) -> TemplateKey {
        let name = if self.is_relayed(user) {
            "relay"
        } else {
            "api"
        };
        TemplateKey::parse(name).unwrap()
    }

    /// The AS has called the bridge, which gets to it some time.
    fn call_bridge(&mut self, user: u64) {
        if self.is_relayed(user) {
            let time = self.random.duration(Duration::from_secs(20));
            self.later(time, Due::Bridge(user));
        }
    }

    fn operate(&mut self) {
        let user = self.random.below(self.users);
        let key = self.key_of(user);
        let (request, at) = (self.request(), self.at());
        self.tidy(user);
        let mut wish = Wish::word(key, Word::Retry, request, at);
        match self.random.below(4) {
            0 => {
                wish.word = None;
                wish.package = Some(Package::Standard);
            }
            1 => wish.email = Some("other@x.example".to_owned()),
            2 => wish.word = Some(Word::Confirm),
            _ => {}
        }
        self.wish(wish);
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::parse(&format!("r{}", self.requests)).unwrap()
    }

    fn at(&self) -> Moment {
        Moment::of(self.now.wall)
    }

    fn wish(&mut self, wish: Wish) {
        let verdict = self.store.accept(wish, &self.settings);
        if let Verdict::Accept {
            desired,
            enterprise,
        } = verdict
        {
            // Durable and answered; now and then the daemon dies before the machine hears of it.
            if !self.webex.calm && self.random.below(30) == 0 {
                self.die();
                return;
            }
            let enterprise = enterprise.map(Box::new);
            self.input(Input::Desired {
                desired,
                enterprise,
            });
        }
    }

    /// The daemon is killed and starts again. What was on its way to the store arrived or did not;
    /// what was on its way to Webex arrives, and nobody hears the answer.
    fn die(&mut self) {
        self.life += 1;
        self.in_flight = 0;
        let pending = std::mem::take(&mut self.pending);
        for ((at, order), (life, due)) in pending {
            match due {
                Due::Answer(..) => {}
                Due::Effect(call, op, fate) => {
                    if self.random.below(2) == 0 {
                        // Requests still on their way at most take the time that a pause grants.
                        self.pending
                            .insert((at, order), (life, Due::Effect(call, op, fate)));
                    }
                }
                Due::Ghost(op) => {
                    self.pending.insert((at, order), (life, Due::Ghost(op)));
                }
                Due::Bridge(user) => {
                    self.pending.insert((at, order), (life, Due::Bridge(user)));
                }
                Due::Save(_, changes) => {
                    if self.random.below(2) == 0 {
                        self.store.save(changes);
                    }
                }
            }
        }
        let down = self.random.duration(Duration::from_secs(20));
        self.now.mono += down;
        self.now.wall += down;
        self.webex_passes();
        let seed = self.random.next();
        self.conductor = Conductor::new(self.settings.clone(), seed, self.now);
        for record in self.store.enterprises.values() {
            self.conductor.load_enterprise(record.clone(), self.now);
        }
        for (key, desired) in &self.store.desired {
            let job = self.store.jobs.get(key).cloned();
            self.conductor.load(desired.clone(), job, self.now);
        }
        self.conductor.handle_timeout(self.now);
        self.drain();
    }

    fn webex_passes(&mut self) {
        let elapsed = self.now.mono - self.began;
        self.webex.pass(elapsed, self.random);
    }

    fn input(&mut self, input: Input) {
        self.conductor.handle(input, self.now);
        self.drain();
    }

    /// Carries out what the machine wants.
    fn drain(&mut self) {
        self.conductor.check_invariants();
        while let Some(action) = self.conductor.poll_action() {
            match action {
                Action::Call { call, op, .. } => self.call(call, op),
                Action::Recall(key) => {
                    let job = self.store.jobs.get(&key).cloned().map(Box::new);
                    self.conductor
                        .handle(Input::Recalled { key, job }, self.now);
                }
                Action::Save { token, changes } => {
                    for change in &changes {
                        if let Change::Job(job) = change {
                            self.judge_end_of(job);
                            let fault = job.fault.as_ref().map(|fault| &fault.text);
                            assert!(
                                fault.is_none_or(|text| !text.contains("circle")),
                                "a plan without an end: {job:?}"
                            );
                        }
                    }
                    let time = self.random.duration(Duration::from_millis(400));
                    self.later(time, Due::Save(token, changes));
                }
                Action::Tell(_) => {}
            }
        }
    }

    fn call(&mut self, call: CallId, op: WebexOp) {
        self.in_flight += 1;
        let rules = &self.settings.rules;
        assert!(
            self.in_flight <= rules.in_flight,
            "{} calls",
            self.in_flight
        );
        let second_ago = self.now.mono - Duration::from_secs(1);
        self.calls.retain(|at| *at > second_ago);
        self.calls.push(self.now.mono);
        let most = 2 * rules.requests_per_second as usize;
        assert!(self.calls.len() <= most, "{} in a second", self.calls.len());
        self.judge_call(&op);
        let fate = self.fate(&op);
        let time = Duration::from_millis(50) + self.random.duration(Duration::from_secs(3));
        self.later(time, Due::Effect(call, op, fate));
    }

    /// What must be durable before a call leaves.
    fn judge_call(&self, op: &WebexOp) {
        let (user, wanted) = match op {
            WebexOp::Provision(new) => (&new.user, JobState::Submitting),
            WebexOp::ProvisionWorkspace(new) => (&new.user, JobState::Submitting),
            WebexOp::DeleteSubscriber(id) => return self.judge_deletion(id.as_str()),
            WebexOp::DeletePerson(id) => {
                let user = self.webex.persons.get(id.as_str());
                let user = user.and_then(|user| BwUserId::parse(user).ok());
                let cluster = ClusterName::parse("as").unwrap();
                let desired =
                    user.and_then(|user| self.store.desired.get(&UserKey::new(cluster, &user)));
                let wanted = desired.is_none_or(|desired| {
                    matches!(
                        &desired.presence,
                        Presence::Absent {
                            person: Some(true),
                            ..
                        }
                    )
                });
                return assert!(wanted, "nobody wanted the person gone: {desired:#?}");
            }
            _ => return,
        };
        let cluster = ClusterName::parse("as").unwrap();
        let key = UserKey::new(cluster.clone(), user);
        let held = self.store.jobs.get(&key).map(|job| job.state);
        assert_eq!(held, Some(wanted), "not written down before {op:?}");
        if let WebexOp::Provision(new) = op {
            let key = EnterpriseKey::new(cluster, &new.enterprise);
            let state = self.store.enterprises.get(&key).map(|held| held.state);
            assert_ne!(
                state,
                Some(EnterpriseState::New),
                "the first user is not written down"
            );
        }
    }

    /// One that worked is taken away only when somebody wants that, was asked about all that comes
    /// of it, and nothing is known that keeps the user from being created again.
    fn judge_deletion(&self, id: &str) {
        let Some(held) = self.webex.subscribers.get(id) else {
            return;
        };
        let shown = &held.shown;
        let user = shown.user.as_deref().unwrap_or_default();
        let cluster = ClusterName::parse("as").unwrap();
        let key = UserKey::new(cluster.clone(), &BwUserId::parse(user).unwrap());
        let Some(desired) = self.store.desired.get(&key) else {
            return;
        };
        let job = self.store.jobs.get(&key);
        let Some(job) = job.filter(|job| job.state == JobState::Removing) else {
            // Under a former user id it goes with the job of the new one, and its person stays.
            let absent = matches!(desired.presence, Presence::Absent { .. });
            return assert!(absent, "another job takes it away: {desired:#?}\n{job:#?}");
        };
        let confirmed = |code: &str| job.progress.confirmed.iter().any(|held| held == code);
        let customer = |name: &SpEnterpriseId| {
            let key = EnterpriseKey::new(cluster.clone(), name);
            self.store.enterprises.get(&key)
        };
        let theirs = SpEnterpriseId::parse(shown.enterprise.as_deref().unwrap_or_default());
        let theirs = theirs.unwrap();
        let moves = desired.enterprise.as_ref() != Some(&theirs);
        let first = customer(&theirs).and_then(|held| held.first_user.as_ref());
        let story = || format!("{held:#?}\n{desired:#?}\n{job:#?}", held = held.shown);
        let Presence::Present { profile } = &desired.presence else {
            let asked = first != Some(&key) || shown.person.is_none() || confirmed("A2006");
            return assert!(asked, "an administrator goes unasked: {}", story());
        };
        if held.worked {
            let word = !job.progress.confirmed.is_empty();
            assert!(word, "one that worked is deleted: {}", story());
        }
        let trusted = self.settings.templates[&desired.template].trusted_email;
        let email = desired.email.as_ref();
        let email = email.or_else(|| profile.email.as_ref().filter(|_| trusted));
        if let Some(email) = email.filter(|email| shown.email.as_ref() != Some(*email)) {
            let asked = self.webex.prechecked.contains(email);
            // Somebody may have confirmed what was said against it.
            let asked = asked || desired.word == Some(Word::Confirm);
            assert!(asked, "nobody asked about the address: {}", story());
        }
        if !moves {
            return;
        }
        assert!(confirmed("A1103"), "it moves unasked: {}", story());
        if shown.person.is_none() {
            return;
        }
        let asked = first != Some(&key) || confirmed("A2006");
        assert!(asked, "an administrator moves unasked: {}", story());
        let frees = email.is_none_or(|email| shown.email.as_ref() != Some(email));
        assert!(frees || confirmed("A2013"), "in vain: {}", story());
        let ours = desired.enterprise.as_ref().unwrap();
        let waits = customer(ours).map(|held| held.state);
        let closed = waits == Some(EnterpriseState::WaitingCustomerAdmin)
            && self.webex.closed.contains(ours.as_str())
            && !self.webex.organisations.contains(ours.as_str());
        assert!(!closed || confirmed("2017"), "in vain: {}", story());
    }

    fn fate(&mut self, op: &WebexOp) -> Fate {
        if self.webex.refuses {
            return Fate::Fails(FailureKind::Status(401), None);
        }
        if self.webex.calm {
            return Fate::Works;
        }
        let workspace = matches!(op, WebexOp::ProvisionWorkspace(_));
        match self.random.below(30) {
            0 => Fate::Lost(FailureKind::Unanswered),
            1 => Fate::Lost(FailureKind::Status(503)),
            2 => Fate::Lost(FailureKind::Unreadable),
            3 => Fate::Fails(FailureKind::NotSent, None),
            4 => Fate::Fails(FailureKind::Status(500), None),
            5 => Fate::Fails(FailureKind::Unanswered, None),
            6 => Fate::Fails(FailureKind::Status(429), None),
            7 => Fate::Fails(FailureKind::Status(429), Some(self.random.below(600))),
            8 => Fate::Fails(FailureKind::Status(423), Some(7)),
            9 if !workspace => Fate::Late,
            _ => Fate::Works,
        }
    }

    fn effect(&mut self, life: u64, call: CallId, op: &WebexOp, fate: Fate) {
        self.webex_passes();
        let elapsed = self.elapsed();
        let told = match fate {
            Fate::Works => self.webex.act(op, elapsed, self.random),
            Fate::Lost(kind) => {
                let done = self.webex.act(op, elapsed, self.random);
                // A refusal is not lost on its way.
                done.and_then(|_| Err(failure(kind, None)))
            }
            Fate::Fails(kind, after) => {
                let mut failure = failure(kind, None);
                failure.retry_after = after.map(Duration::from_secs);
                Err(failure)
            }
            Fate::Late => {
                let time = Duration::from_secs(2) + self.random.duration(Duration::from_secs(6));
                self.later(time, Due::Ghost(op.clone()));
                Err(failure(FailureKind::Unanswered, None))
            }
        };
        self.judge_webex();
        if life == self.life {
            let time = self.random.duration(Duration::from_secs(1));
            self.later(time, Due::Answer(call, told));
        }
    }

    /// The bridge does what the AS wanted last.
    fn bridge(&mut self, user: u64) {
        self.webex_passes();
        let (name, elapsed) = (self.name(user), self.elapsed());
        let desired = self.store.desired.get(&self.key_of(user));
        let wanted = match desired.map(|desired| &desired.presence) {
            Some(Presence::Present { profile }) => Some(NewSubscriber {
                provisioning_id: ProvisioningId::parse("bridge").unwrap(),
                user: profile.user.clone(),
                enterprise: SpEnterpriseId::parse("bridged").unwrap(),
                first_name: profile.first_name.clone(),
                last_name: profile.last_name.clone(),
                package: Package::Premium,
                phone: profile.phone.clone(),
                mobile: None,
                extension: None,
                email: profile.email.clone(),
                language: None,
                timezone: None,
            }),
            Some(Presence::Absent { .. }) | None => None,
        };
        let wanted = wanted.as_ref();
        self.webex.bridge(&name, wanted, elapsed, self.random);
    }

    /// A job that has come to its end has come to where it was wished to.
    fn judge_end_of(&self, job: &JobRecord) {
        let reached = matches!(job.state, JobState::Provisioned | JobState::NoChange);
        let desired = self.store.desired.get(&job.key);
        let Some(desired) = desired.filter(|held| reached && held.revision == job.revision) else {
            return;
        };
        if let Presence::Present { profile } = &desired.presence
            && !profile.is_place
            && !job.progress.confirmed.iter().any(|code| code == "A2011")
        {
            let held = self.webex.of_user(profile.user.as_str());
            let name = held.first().and_then(|held| held.shown.first_name.as_ref());
            assert_eq!(
                name,
                Some(&profile.first_name),
                "an end too early: {job:#?}"
            );
        }
    }

    fn judge_webex(&self) {
        let mut seen = BTreeMap::new();
        for held in self.webex.subscribers.values() {
            let user = held.shown.user.clone();
            let before = seen.insert(user.clone(), held.shown.id.clone());
            assert!(before.is_none(), "{user:?} has two subscribers");
        }
    }

    /// Lets everything happen that is due within a time.
    fn pass(&mut self, time: Duration) {
        let until = self.now.mono + time;
        loop {
            let event = self.pending.keys().next().map(|(at, _)| *at);
            let deadline = self.conductor.deadline();
            let next = [event, deadline].into_iter().flatten().min();
            let Some(next) = next.filter(|at| *at <= until) else {
                break;
            };
            self.forward(next.max(self.now.mono));
            if event.is_some_and(|at| at <= self.now.mono) {
                if let Some((_, (life, due))) = self.pending.pop_first() {
                    self.happen(life, due);
                }
            } else {
                self.conductor.handle_timeout(self.now);
                self.drain();
                assert!(
                    self.conductor
                        .deadline()
                        .is_none_or(|at| at > self.now.mono),
                    "a deadline that has passed does not pass"
                );
            }
        }
        self.forward(until);
    }

    fn forward(&mut self, to: Instant) {
        let time = to.saturating_duration_since(self.now.mono);
        self.now.mono += time;
        self.now.wall += time;
    }

    fn happen(&mut self, life: u64, due: Due) {
        match due {
            Due::Answer(call, outcome) => {
                self.in_flight -= 1;
                let tracking = Vec::new();
                self.input(Input::Answered {
                    call,
                    outcome,
                    tracking,
                });
            }
            Due::Bridge(user) => self.bridge(user),
            Due::Effect(call, op, fate) => self.effect(life, call, &op, fate),
            Due::Ghost(op) => {
                self.webex_passes();
                let elapsed = self.elapsed();
                self.webex.act(&op, elapsed, self.random).ok();
                self.judge_webex();
            }
            Due::Save(token, changes) => {
                self.store.save(changes);
                self.input(Input::Saved(token));
            }
        }
    }

    /// Nothing fails any more, people do what they are asked to, and time passes.
    pub(super) fn calm_down(&mut self) {
        self.webex.calm = true;
        self.webex.refuses = false;
        self.webex.closed.clear();
        let partner = PartnerName::parse("p").unwrap();
        self.input(Input::PartnerToken { partner, ok: true });
        for round in 0..60 {
            self.pass(Duration::from_secs(4 * 3_600));
            let mut open = false;
            for user in 0..self.users {
                open |= self.help(user, round);
                open |= self.help_former(user);
            }
            if !open && self.conductor.is_idle() {
                break;
            }
        }
        self.pass(Duration::from_secs(3_600));
    }

    /// An operator does what a job asks for. Says whether the job is open.
    fn help(&mut self, user: u64, round: u64) -> bool {
        let key = self.key_of(user);
        let Some(desired) = self.store.desired.get(&key).cloned() else {
            return false;
        };
        let job = self.store.jobs.get(&key);
        let job = job.filter(|job| job.revision == desired.revision).cloned();
        let Some(job) = job else {
            return true;
        };
        let code = job.fault.as_ref().map_or("", |fault| fault.code.as_str());
        match job.state {
            JobState::Attention if matches!(code, "10022" | "1001") => {
                // Somebody corrects the address, in BroadWorks or where it was given by hand.
                self.assign_user(user);
                if desired.email.is_some() {
                    let (request, at) = (self.request(), self.at());
                    let mut wish = Wish::word(key, Word::Retry, request, at);
                    wish.email = Some(self.name(user));
                    self.wish(wish);
                }
            }
            JobState::Attention => {
                let confirms = matches!(
                    code,
                    "2017" | "A1103" | "A2004" | "A2005" | "A2006" | "A2012"
                );
                self.tidy(user);
                if matches!(code, "A2013" | "200039") {
                    self.free_address(user);
                }
                let word = if confirms && round % 5 != 4 {
                    Word::Confirm
                } else {
                    Word::Retry
                };
                // A removal has its word confirmed, with A2008, too.
                let removal = matches!(desired.presence, Presence::Absent { .. });
                let word = if removal { Word::Confirm } else { word };
                let (request, at) = (self.request(), self.at());
                self.wish(Wish::word(key, word, request, at));
            }
            state if state.is_final() => return false,
            // It waits for users of its customer, of whom there may be none.
            JobState::WaitingFirstUser if self.name(user).starts_with(PLACE) => return false,
            _ => {}
        }
        true
    }

    /// The same for the user ids that it had before, which are to go.
    fn help_former(&mut self, user: u64) -> bool {
        let (_, renamed) = self.users_are[user as usize];
        let mut open = false;
        for before in 0..renamed {
            let name = BwUserId::parse(&self.name_before(user, before)).unwrap();
            let key = UserKey::new(ClusterName::parse("as").unwrap(), &name);
            let Some(revision) = self.store.desired.get(&key).map(|held| held.revision) else {
                continue;
            };
            let job = self.store.jobs.get(&key);
            let state = job.filter(|job| job.revision == revision);
            let state = state.map(|job| job.state);
            open |= !state.is_some_and(JobState::is_final);
            if state == Some(JobState::Attention) {
                let (request, at) = (self.request(), self.at());
                self.wish(Wish::word(key, Word::Confirm, request, at));
            }
        }
        open
    }

    /// The address that a person has in another organisation becomes free.
    fn free_address(&mut self, user: u64) {
        let (key, name) = (self.key_of(user), self.name(user));
        let desired = self.store.desired.get(&key);
        if let Some(desired) = desired
            && let Presence::Present { profile } = &desired.presence
            && let Some(email) = desired.email.as_ref().or(profile.email.as_ref())
        {
            self.webex.free_address(&name, email);
        }
    }

    /// A workspace whose create was lost is looked for in Control Hub and deleted there.
    fn tidy(&mut self, user: u64) {
        let fault = self.store.jobs.get(&self.key_of(user));
        let fault = fault.and_then(|job| job.fault.as_ref());
        if fault.is_some_and(|fault| fault.code == "A2008") {
            let name = self.name(user);
            self.webex.workspaces.retain(|_, held| *held != name);
        }
    }

    /// What is, is what was wished for last.
    pub(super) fn judge_the_end(&mut self) {
        self.webex_passes();
        for user in 0..self.users {
            let (_, renamed) = self.users_are[user as usize];
            for before in 0..renamed {
                let name = self.name_before(user, before);
                assert!(
                    self.webex.of_user(&name).is_empty(),
                    "{name} is still there"
                );
            }
            let (name, key) = (self.name(user), self.key_of(user));
            let Some(desired) = self.store.desired.get(&key) else {
                continue;
            };
            let job = self.store.jobs.get(&key);
            let held = self.webex.of_user(&name);
            let workspaces = self.webex.workspaces.values();
            let workspaces = workspaces.filter(|held| **held == name).count();
            let customers = &self.store.enterprises;
            let story = format!("{desired:#?}\n{job:#?}\n{customers:#?}");
            match &desired.presence {
                Presence::Absent { .. } => {
                    assert!(held.is_empty(), "{name} is still there: {story}");
                    assert_eq!(workspaces, 0, "{name} is still there: {story}");
                    if job.is_some_and(|job| job.state == JobState::PersonDeleted) {
                        let mut persons = self.webex.persons.values();
                        let person = persons.find(|user| **user == name);
                        assert_eq!(person, None, "the person is still there: {story}");
                    }
                }
                Presence::Present { profile } if profile.is_place => {
                    // A customer without users has no workspaces; the job waits and says so.
                    let waits = job.is_some_and(|job| job.state == JobState::WaitingFirstUser);
                    assert!(waits || workspaces == 1, "{workspaces} of {name}: {story}");
                }
                Presence::Present { profile } => {
                    assert_eq!(held.len(), 1, "{name} is not there: {story}");
                    let shown = &held[0].shown;
                    assert_eq!(shown.status, SubscriberStatus::Provisioned, "{story}");
                    let confirmed = job.map(|job| &job.progress.confirmed);
                    if confirmed.is_some_and(|all| all.iter().any(|code| code == "A2011")) {
                        // Somebody said that it may stay as it is.
                        continue;
                    }
                    assert_eq!(
                        shown.first_name.as_ref(),
                        Some(&profile.first_name),
                        "{story}"
                    );
                    if let Some(customer) = &desired.enterprise {
                        let theirs = shown.enterprise.as_deref();
                        assert_eq!(theirs, Some(customer.as_str()), "{story}");
                    }
                    let package = desired.package.unwrap_or(Package::Premium);
                    // The bridge gives what its template says.
                    let same = shown.package.as_deref() == Some(package.as_str());
                    assert!(same || self.is_relayed(user), "{story}");
                }
            }
            let state = job.map(|job| job.state);
            let ended = state.is_some_and(JobState::is_final);
            assert!(
                ended || state == Some(JobState::WaitingFirstUser),
                "{story}"
            );
        }
    }
}
