//! Single ways of a job, answered by hand: what random runs meet too seldom to be proof.

mod moves;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::domain::provisioning::conductor::Action;
use xspd::domain::provisioning::conductor::CallId;
use xspd::domain::provisioning::conductor::Conductor;
use xspd::domain::provisioning::conductor::Input;
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
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::ids::TemplateKey;
use xspd::domain::provisioning::ids::UserKey;
use xspd::domain::provisioning::ids::WebexEnterpriseId;
use xspd::domain::provisioning::ids::WorkspaceId;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::Mode;
use xspd::domain::provisioning::policy::Policy;
use xspd::domain::provisioning::policy::Precheck;
use xspd::domain::provisioning::policy::Settings;
use xspd::domain::provisioning::policy::UserIdChange;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::profile::Profile;
use xspd::domain::provisioning::record::EnterpriseRecord;
use xspd::domain::provisioning::record::EnterpriseState;
use xspd::domain::provisioning::record::JobRecord;
use xspd::domain::provisioning::record::JobState;
use xspd::domain::provisioning::record::Word;
use xspd::domain::provisioning::webex::CallFailure;
use xspd::domain::provisioning::webex::FailureKind;
use xspd::domain::provisioning::webex::Subscriber;
use xspd::domain::provisioning::webex::SubscriberStatus;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;
use xspd::platform::clock;

use super::store::Store;
use super::webex::failure;
use super::webex::status;

const HOUR: Duration = Duration::from_secs(3_600);

struct Case {
    conductor: Conductor,
    settings: Settings,
    store: Store,
    now: Now,
    calls: VecDeque<(CallId, PartnerName, WebexOp)>,
    requests: u64,
}

fn cluster() -> ClusterName {
    ClusterName::parse("as").unwrap()
}

fn user(name: &str) -> BwUserId {
    BwUserId::parse(name).unwrap()
}

fn key(name: &str) -> UserKey {
    UserKey::new(cluster(), &user(name))
}

fn template(mode: Mode, partner: &str) -> Arc<Policy> {
    let key = TemplateKey::parse("t").unwrap();
    let mut policy = Policy::new(key, cluster(), mode, Package::Premium);
    policy.partner = PartnerName::parse(partner).ok();
    policy.provisioning_id = ProvisioningId::parse("prov").ok();
    policy.precheck = Precheck::Never;
    Arc::new(policy)
}

fn profile(name: &str, group: &str) -> Profile {
    Profile {
        user: user(name),
        sp: SpId::parse("sp").unwrap(),
        group: GroupId::parse(group).ok(),
        first_name: "Anna".to_owned(),
        last_name: "Last".to_owned(),
        email: Some(format!("{name}@x.example")),
        phone: Some("+15550001".to_owned()),
        mobile: None,
        extension: None,
        language: None,
        timezone: None,
        is_place: false,
    }
}

/// A subscriber that looks as it is wished for.
fn shown(name: &str, group: &str, status: SubscriberStatus) -> Subscriber {
    Subscriber {
        id: SubscriberId::parse(&format!("s-{name}")).unwrap(),
        person: None,
        user: Some(name.to_owned()),
        enterprise: Some(format!("sp+{group}")),
        first_name: Some("Anna".to_owned()),
        last_name: Some("Last".to_owned()),
        email: Some(format!("{name}@x.example")),
        phone: Some("+15550001".to_owned()),
        mobile: None,
        extension: None,
        package: Some("premium".to_owned()),
        status,
        errors: Vec::new(),
        provisioning_id: Some("prov".to_owned()),
        self_activated: None,
        last_status_change: None,
    }
}

fn one(subscriber: Subscriber) -> Result<WebexAnswer, CallFailure> {
    Ok(WebexAnswer::Subscriber(Box::new(subscriber)))
}

fn found(all: Vec<Subscriber>) -> Result<WebexAnswer, CallFailure> {
    Ok(WebexAnswer::Subscribers(all))
}

impl Case {
    fn new(mode: Mode) -> Self {
        let mut settings = Settings::default();
        let policy = template(mode, "p");
        settings.templates.insert(policy.template.clone(), policy);
        let now = clock::now();
        Self {
            conductor: Conductor::new(settings.clone(), 7, now),
            settings,
            store: Store::default(),
            now,
            calls: VecDeque::new(),
            requests: 0,
        }
    }

    /// A customer of which something is known.
    fn customer(&mut self, group: &str, state: EnterpriseState) {
        let sent_as = SpEnterpriseId::parse(&format!("sp+{group}")).unwrap();
        let record = EnterpriseRecord {
            key: EnterpriseKey::new(cluster(), &sent_as),
            sent_as,
            template: TemplateKey::parse("t").unwrap(),
            state,
            since: Moment::of(self.now.wall),
            first_user: None,
            knocked: None,
            webex: WebexEnterpriseId::parse("e").ok(),
            org: None,
        };
        self.store.enterprises.insert(record.key.clone(), record);
        self.restart();
    }

    fn restart(&mut self) {
        self.calls.clear();
        self.conductor = Conductor::new(self.settings.clone(), 7, self.now);
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

    fn input(&mut self, input: Input) {
        self.conductor.handle(input, self.now);
        self.drain();
    }

    /// What is saved is durable at once.
    fn drain(&mut self) {
        self.conductor.check_invariants();
        while let Some(action) = self.conductor.poll_action() {
            match action {
                Action::Call { call, partner, op } => self.calls.push_back((call, partner, op)),
                Action::Recall(key) => {
                    let job = self.store.jobs.get(&key).cloned().map(Box::new);
                    let recalled = Input::Recalled { key, job };
                    self.conductor.handle(recalled, self.now);
                }
                Action::Save { token, changes } => {
                    self.store.save(changes);
                    self.conductor.handle(Input::Saved(token), self.now);
                }
                Action::Tell(_) => {}
            }
        }
    }

    fn wish(&mut self, wish: Wish) {
        match self.store.accept(wish, &self.settings) {
            Verdict::Accept {
                desired,
                enterprise,
            } => self.input(Input::Desired {
                desired,
                enterprise: enterprise.map(Box::new),
            }),
            other => panic!("not accepted: {other:?}"),
        }
    }

    fn request(&mut self) -> (RequestId, Moment) {
        self.requests += 1;
        let request = RequestId::parse(&format!("r{}", self.requests)).unwrap();
        (request, Moment::of(self.now.wall))
    }

    fn assign(&mut self, name: &str, group: &str) {
        let (request, at) = self.request();
        let template = TemplateKey::parse("t").unwrap();
        let profile = profile(name, group);
        self.wish(Wish::present(key(name), template, profile, request, at));
    }

    /// A shared device, which is known by its number here.
    fn assign_place(&mut self, name: &str, group: &str, phone: &str) {
        let (request, at) = self.request();
        let template = TemplateKey::parse("t").unwrap();
        let profile = Profile {
            is_place: true,
            phone: Some(phone.to_owned()),
            ..profile(name, group)
        };
        self.wish(Wish::present(key(name), template, profile, request, at));
    }

    fn say(&mut self, name: &str, word: Word) {
        let (request, at) = self.request();
        self.wish(Wish::word(key(name), word, request, at));
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += time;
        self.conductor.handle_timeout(self.now);
        self.drain();
    }

    /// Waits for the next call, so long at most.
    fn next(&mut self, within: Duration) -> Option<WebexOp> {
        let until = self.now.mono + within;
        while self.calls.is_empty() {
            let deadline = self.conductor.deadline().filter(|at| *at <= until);
            let Some(deadline) = deadline else {
                self.pass(until.saturating_duration_since(self.now.mono));
                break;
            };
            self.pass(deadline.saturating_duration_since(self.now.mono));
        }
        self.calls.front().map(|(_, _, op)| op.clone())
    }

    /// Answers the oldest call.
    fn answer(&mut self, outcome: Result<WebexAnswer, CallFailure>) {
        let (call, _, _) = self.calls.pop_front().unwrap();
        self.input(Input::Answered {
            call,
            outcome,
            tracking: Vec::new(),
        });
    }

    /// Answers all calls within a time by a rule; how many were counted.
    fn serve(
        &mut self,
        within: Duration,
        rule: impl Fn(&WebexOp) -> Result<WebexAnswer, CallFailure>,
        counts: impl Fn(&WebexOp) -> bool,
    ) -> u32 {
        let until = self.now.mono + within;
        let mut count = 0;
        while let Some(op) = self.next(until.saturating_duration_since(self.now.mono)) {
            count += u32::from(counts(&op));
            self.answer(rule(&op));
        }
        count
    }

    fn job(&self, name: &str) -> &JobRecord {
        &self.store.jobs[&key(name)]
    }

    fn code(&self, name: &str) -> &str {
        let fault = self.job(name).fault.as_ref();
        fault.map_or("", |fault| fault.code.as_str())
    }
}

fn is_create(op: &WebexOp) -> bool {
    matches!(op, WebexOp::Provision(_))
}

#[test]
fn a_write_that_never_works_backs_off_and_ends_across_restarts() {
    let mut case = Case::new(Mode::Api);
    case.customer("g", EnterpriseState::Ready);
    case.assign("anna", "g");
    let rule = |op: &WebexOp| match op {
        WebexOp::Provision(_) => Err(status(500, None)),
        _ => found(Vec::new()),
    };
    let mut creates = case.serve(Duration::from_secs(60), rule, is_create);
    assert!((3..=5).contains(&creates), "{creates} within a minute");
    case.restart();
    creates += case.serve(2 * HOUR, rule, is_create);
    assert_eq!(case.job("anna").state, JobState::Attention);
    assert_eq!(case.code("anna"), "HTTP-500");
    assert_eq!(creates, 12);
}

#[test]
fn a_first_user_that_leaves_keeps_the_gate_until_webex_has_shown_what_became_of_it() {
    let mut case = Case::new(Mode::Api);
    case.assign("anna", "a");
    case.assign("bob", "a");
    let nothing = |op: &WebexOp| match op {
        WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
        _ => found(Vec::new()),
    };
    while !is_create(&case.next(HOUR).unwrap()) {
        let answer = nothing(&case.next(HOUR).unwrap());
        case.answer(answer);
    }
    // Her create flies, and she is wished into another customer.
    case.assign("anna", "b");
    case.answer(one(shown("anna", "a", SubscriberStatus::Provisioning)));
    let at_work = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(name) if name.as_str() == "anna" => {
            found(vec![shown("anna", "a", SubscriberStatus::Provisioning)])
        }
        WebexOp::GetSubscriber(_) => one(shown("anna", "a", SubscriberStatus::Provisioning)),
        op => nothing(op),
    };
    let creates = case.serve(Duration::from_secs(300), at_work, is_create);
    assert_eq!(creates, 0, "two at once");
    case.restart();
    let creates = case.serve(Duration::from_secs(300), at_work, is_create);
    assert_eq!(creates, 0, "two at once, after a restart");
    let done = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(name) if name.as_str() == "anna" => {
            found(vec![shown("anna", "a", SubscriberStatus::Provisioned)])
        }
        WebexOp::GetSubscriber(_) => one(shown("anna", "a", SubscriberStatus::Provisioned)),
        WebexOp::Provision(new) => one(shown(
            new.user.as_str(),
            "a",
            SubscriberStatus::Provisioning,
        )),
        op => nothing(op),
    };
    let creates = case.serve(
        HOUR,
        done,
        |op| matches!(op, WebexOp::Provision(new) if new.user.as_str() == "bob"),
    );
    assert_eq!(creates, 1, "{:?}", case.job("bob"));
    assert_eq!(case.code("anna"), "A1103");
}

#[test]
fn a_refusal_of_an_earlier_customer_is_not_one_of_the_next() {
    let mut case = Case::new(Mode::Api);
    case.assign("anna", "a");
    while !is_create(&case.next(HOUR).unwrap()) {
        let answer = match case.next(HOUR).unwrap() {
            WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
            _ => found(Vec::new()),
        };
        case.answer(answer);
    }
    case.assign("anna", "b");
    case.answer(Err(status(409, Some("2017"))));
    let state = |case: &Case, name: &str| {
        let sent_as = SpEnterpriseId::parse(name).unwrap();
        case.store.enterprises[&EnterpriseKey::new(cluster(), &sent_as)].state
    };
    assert_eq!(state(&case, "sp+a"), EnterpriseState::WaitingCustomerAdmin);
    assert_eq!(state(&case, "sp+b"), EnterpriseState::New);
}

#[test]
fn a_changed_partner_takes_along_what_waits_for_its_turn() {
    let mut case = Case::new(Mode::Api);
    case.settings.rules.in_flight = 1;
    case.customer("g", EnterpriseState::Ready);
    case.assign("anna", "g");
    case.assign("bob", "g");
    case.next(HOUR);
    assert_eq!(case.calls.len(), 1);
    let policy = template(Mode::Api, "q");
    let key = policy.template.clone();
    case.settings.templates.insert(key, policy);
    let settings = Box::new(case.settings.clone());
    case.input(Input::Settings(settings));
    // The old partner never answers; the new one is asked all the same.
    case.pass(Duration::from_secs(5));
    let (_, partner, _) = &case.calls[1];
    assert_eq!(partner.as_str(), "q");
}

#[test]
fn one_retry_sends_the_consent_mail_once() {
    let mut case = Case::new(Mode::Api);
    case.customer("g", EnterpriseState::Ready);
    case.assign("anna", "g");
    let rule = |op: &WebexOp| {
        let pending = shown("anna", "g", SubscriberStatus::PendingUserMigration);
        match op {
            WebexOp::FindSubscriber(_) => found(vec![pending]),
            WebexOp::ConsentMove(_) => Ok(WebexAnswer::Done),
            _ => one(pending),
        }
    };
    case.serve(HOUR, rule, |_| false);
    case.say("anna", Word::Retry);
    let mails = case.serve(200 * HOUR, rule, |op| matches!(op, WebexOp::ConsentMove(_)));
    assert_eq!(mails, 1);
    case.say("anna", Word::Retry);
    let mails = case.serve(200 * HOUR, rule, |op| matches!(op, WebexOp::ConsentMove(_)));
    assert_eq!(mails, 1);
}

#[test]
fn a_restart_asks_no_customers_administrator_again_but_an_overdue_question_is_asked() {
    let mut case = Case::new(Mode::Api);
    case.assign("anna", "g");
    let rule = |op: &WebexOp| match op {
        WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
        WebexOp::Provision(_) => Err(status(409, Some("2017"))),
        _ => found(Vec::new()),
    };
    assert_eq!(case.serve(HOUR, rule, is_create), 1);
    case.say("anna", Word::Retry);
    assert_eq!(case.serve(HOUR, rule, is_create), 1);
    for _ in 0..3 {
        case.restart();
        assert_eq!(case.serve(HOUR, rule, is_create), 0);
    }
    // The daemon stood still for a day: it asks once, soon.
    case.now.mono += 24 * HOUR;
    case.now.wall += 24 * HOUR;
    case.restart();
    assert_eq!(case.serve(HOUR, rule, is_create), 1);
    case.restart();
    assert_eq!(case.serve(HOUR, rule, is_create), 0);
}

#[test]
fn a_retry_takes_away_no_subscriber_that_may_have_worked() {
    let mut case = Case::new(Mode::Api);
    case.customer("g", EnterpriseState::Ready);
    case.assign("anna", "g");
    let rule = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(_) => found(vec![shown("anna", "g", SubscriberStatus::Error)]),
        WebexOp::DeleteSubscriber(_) => Ok(WebexAnswer::Done),
        _ => one(shown("anna", "g", SubscriberStatus::Error)),
    };
    let deletes = |op: &WebexOp| matches!(op, WebexOp::DeleteSubscriber(_));
    assert_eq!(case.serve(HOUR, rule, deletes), 0);
    assert_eq!(case.code("anna"), "A2012");
    case.say("anna", Word::Retry);
    assert_eq!(case.serve(HOUR, rule, deletes), 0);
    assert_eq!(case.code("anna"), "A2012");
    case.say("anna", Word::Confirm);
    let op = case.next(HOUR).unwrap();
    case.answer(rule(&op));
    assert!(deletes(&case.next(HOUR).unwrap()));
}

#[test]
fn jobs_that_lists_found_are_asked_for_again_once_there_are_few() {
    let mut case = Case::new(Mode::Api);
    case.customer("g", EnterpriseState::Ready);
    let names: Vec<String> = (0..25).map(|number| format!("user{number}")).collect();
    for name in &names {
        case.assign(name, "g");
    }
    let at_work = |name: &str| shown(name, "g", SubscriberStatus::Provisioning);
    let rule = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(user) => found(vec![at_work(user.as_str())]),
        WebexOp::GetSubscriber(id) => one(at_work(id.as_str().trim_start_matches("s-"))),
        _ => found(Vec::new()),
    };
    case.serve(Duration::from_secs(120), rule, |_| false);
    // Most are through at once, and too few are left to be listed.
    let through = |op: &WebexOp| match op {
        WebexOp::ListChanged(_) => found(
            names[..10]
                .iter()
                .map(|name| shown(name, "g", SubscriberStatus::Provisioned))
                .collect(),
        ),
        op => rule(op),
    };
    case.serve(Duration::from_secs(20), through, |_| false);
    assert_eq!(case.conductor.open(), 15);
    let asked = case.serve(Duration::from_secs(62), rule, |op| {
        matches!(op, WebexOp::GetSubscriber(_))
    });
    assert!(asked >= 15, "{asked} of 15 were asked for");
}

#[test]
fn a_change_is_over_when_webex_shows_it_and_somebody_is_told_when_it_does_not() {
    let old = |status| Subscriber {
        first_name: Some("Anne".to_owned()),
        ..shown("anna", "g", status)
    };
    let stale = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(_) => found(vec![old(SubscriberStatus::Provisioned)]),
        _ => one(old(SubscriberStatus::Provisioned)),
    };
    let mut case = Case::new(Mode::Api);
    case.customer("g", EnterpriseState::Ready);
    case.assign("anna", "g");
    let updates = |op: &WebexOp| matches!(op, WebexOp::UpdateSubscriber(..));
    assert_eq!(case.serve(Duration::from_secs(120), stale, updates), 1);
    assert_eq!(case.job("anna").state, JobState::WaitingWebex);
    let fresh = |_: &WebexOp| one(shown("anna", "g", SubscriberStatus::Provisioned));
    case.serve(Duration::from_secs(120), fresh, updates);
    assert_eq!(case.job("anna").state, JobState::Provisioned);

    let mut case = Case::new(Mode::Api);
    case.customer("g", EnterpriseState::Ready);
    case.assign("anna", "g");
    assert_eq!(case.serve(HOUR, stale, updates), 1);
    assert_eq!(case.code("anna"), "A2011");
    let text = &case.job("anna").fault.as_ref().unwrap().text;
    assert!(text.contains("first name"), "{text}");
    case.say("anna", Word::Confirm);
    case.serve(HOUR, stale, updates);
    assert_eq!(case.job("anna").state, JobState::Provisioned);
}

#[test]
fn a_tracked_call_does_not_end_on_a_status_from_before_it() {
    let mut case = Case::new(Mode::Relay);
    let before = Moment::of(case.now.wall).0.saturating_sub(5_000);
    case.assign("anna", "g");
    let dated = |at: u64| Subscriber {
        last_status_change: Some(at.to_string()),
        ..shown("anna", "g", SubscriberStatus::Provisioned)
    };
    let rule = |at: u64| {
        move |op: &WebexOp| match op {
            WebexOp::FindSubscriber(_) => found(vec![dated(at)]),
            _ => one(dated(at)),
        }
    };
    case.serve(Duration::from_secs(60), rule(before), |_| false);
    assert_eq!(case.job("anna").state, JobState::WaitingWebex);
    case.serve(Duration::from_secs(60), rule(before + 20_000), |_| false);
    assert_eq!(case.job("anna").state, JobState::Provisioned);
    // A call that changes nothing is told after a while to have changed nothing.
    case.assign("anna", "g");
    case.serve(Duration::from_secs(60), rule(before + 20_000), |_| false);
    assert_eq!(case.job("anna").state, JobState::WaitingWebex);
    case.serve(HOUR, rule(before + 20_000), |_| false);
    assert_eq!(case.job("anna").state, JobState::NoChange);
}

#[test]
fn a_workspace_that_was_gone_is_made_anew_once_and_a_lost_answer_is_told() {
    let is_create = |op: &WebexOp| matches!(op, WebexOp::ProvisionWorkspace(_));
    for dies in [false, true] {
        let mut case = Case::new(Mode::Api);
        case.customer("g", EnterpriseState::Ready);
        case.assign_place("hall", "g", "+15550001");
        let made = WorkspaceId::parse("w-1").unwrap();
        let rule = |_: &WebexOp| Ok(WebexAnswer::Workspace(made.clone()));
        assert_eq!(case.serve(HOUR, rule, is_create), 1);
        assert_eq!(case.job("hall").state, JobState::Provisioned);
        // Somebody has deleted it in Control Hub, and its number changes.
        case.assign_place("hall", "g", "+15550002");
        assert!(matches!(
            case.next(HOUR),
            Some(WebexOp::UpdateWorkspace(..))
        ));
        case.answer(Err(status(404, None)));
        assert!(case.next(HOUR).as_ref().is_some_and(is_create));
        assert!(case.job("hall").progress.unsure, "not written down");
        if dies {
            case.restart();
        } else {
            case.answer(Err(failure(FailureKind::Unanswered, None)));
        }
        assert_eq!(case.serve(2 * HOUR, rule, is_create), 0);
        assert_eq!(case.job("hall").state, JobState::Attention);
        assert_eq!(case.code("hall"), "A2008");
    }
}

#[test]
fn a_change_of_the_user_id_that_comes_late_does_not_outlive_the_removal_of_both() {
    let mut case = Case::new(Mode::Api);
    let mut policy = (*template(Mode::Api, "p")).clone();
    policy.user_id_change = UserIdChange::Put;
    let key_of_template = policy.template.clone();
    case.settings
        .templates
        .insert(key_of_template, Arc::new(policy));
    case.customer("g", EnterpriseState::Ready);
    // Whom Webex shows the subscriber as, if it has it at all.
    let mut name = Some("anna");
    let looked_for = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(user) => Some(user.as_str().to_owned()),
        _ => None,
    };
    let (request, at) = case.request();
    let t = TemplateKey::parse("t").unwrap();
    let mut renamed = Wish::present(key("bea"), t.clone(), profile("bea", "g"), request, at);
    renamed.formerly = Some(user("anna"));
    case.wish(renamed);
    let (request, at) = case.request();
    let gone =
        |name: &str, request, at| Wish::absent(key(name), Some(t.clone()), user(name), request, at);
    case.wish(gone("anna", request, at));
    // The change of the user id is taken, and nobody hears of it.
    while !matches!(case.next(HOUR), Some(WebexOp::UpdateSubscriber(..))) {
        let op = case.next(HOUR).unwrap();
        let there = looked_for(&op).filter(|asked| Some(asked.as_str()) == name);
        case.answer(found(
            there
                .map(|name| shown(&name, "g", SubscriberStatus::Provisioned))
                .into_iter()
                .collect(),
        ));
    }
    case.answer(Err(failure(FailureKind::Unanswered, None)));
    let (request, at) = case.request();
    case.wish(gone("bea", request, at));
    let mut late = true;
    while let Some(op) = case.next(HOUR) {
        let shows = |name: &str| Subscriber {
            id: SubscriberId::parse("s-anna").unwrap(),
            ..shown(name, "g", SubscriberStatus::Provisioned)
        };
        let answer = match &op {
            WebexOp::DeleteSubscriber(_) => {
                name = None;
                Ok(WebexAnswer::Done)
            }
            WebexOp::GetSubscriber(_) => match name {
                Some(name) => one(shows(name)),
                None => Err(status(404, None)),
            },
            _ => {
                let asked = looked_for(&op);
                let there = name.filter(|name| asked.as_deref() == Some(name));
                found(there.map(shows).into_iter().collect())
            }
        };
        if late && looked_for(&op).as_deref() == Some("bea") {
            // It shows just after she was looked for in vain.
            late = false;
            name = Some("bea");
        }
        case.pass(Duration::from_millis(100));
        case.answer(answer);
    }
    assert!(!late, "she was looked for");
    assert_eq!(name, None);
    assert_eq!(case.job("anna").state, JobState::Removed);
    assert_eq!(case.job("bea").state, JobState::Removed);
}

#[test]
fn a_first_user_that_waits_for_its_person_keeps_the_gate_though_it_cannot_be_looked_at() {
    let mut case = Case::new(Mode::Api);
    case.assign("anna", "g");
    case.assign("bob", "g");
    let nothing = |op: &WebexOp| match op {
        WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
        WebexOp::Provision(new) => one(shown(
            new.user.as_str(),
            "g",
            SubscriberStatus::PendingEmailValidation,
        )),
        _ => found(Vec::new()),
    };
    let creates = case.serve(Duration::from_secs(60), nothing, is_create);
    assert_eq!(creates, 1);
    assert_eq!(case.job("anna").state, JobState::WaitingEmailValidation);
    let away = |_: &WebexOp| Err(status(500, None));
    case.serve(200 * HOUR, away, is_create);
    assert_eq!(case.job("anna").state, JobState::Attention);
    let creates = case.serve(HOUR, nothing, is_create);
    assert_eq!(creates, 0, "she may have validated it meanwhile");
    assert_eq!(case.job("bob").state, JobState::WaitingFirstUser);
}
