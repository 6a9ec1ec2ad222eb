//! Users who move between customers, and addresses in place of others: what works is not taken away
//! for what cannot be.

use std::sync::Arc;
use std::time::Duration;

use xspd::domain::provisioning::ids::EnterpriseKey;
use xspd::domain::provisioning::ids::PersonId;
use xspd::domain::provisioning::ids::SpEnterpriseId;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::ids::TemplateKey;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::EarlyValidation;
use xspd::domain::provisioning::policy::Mode;
use xspd::domain::provisioning::policy::Policy;
use xspd::domain::provisioning::policy::Precheck;
use xspd::domain::provisioning::policy::UserIdChange;
use xspd::domain::provisioning::record::EnterpriseState;
use xspd::domain::provisioning::record::JobState;
use xspd::domain::provisioning::record::Word;
use xspd::domain::provisioning::webex::CallFailure;
use xspd::domain::provisioning::webex::Subscriber;
use xspd::domain::provisioning::webex::SubscriberStatus;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;

use super::Case;
use super::HOUR;
use super::cluster;
use super::found;
use super::key;
use super::one;
use super::profile;
use super::shown;
use super::user;
use crate::sim::provisioning::webex::status;

fn customer_key(group: &str) -> EnterpriseKey {
    let name = SpEnterpriseId::parse(&format!("sp+{group}")).unwrap();
    EnterpriseKey::new(cluster(), &name)
}

fn deletes(op: &WebexOp) -> bool {
    matches!(op, WebexOp::DeleteSubscriber(_))
}

fn provisioned(name: &str, group: &str) -> Subscriber {
    Subscriber {
        person: PersonId::parse(&format!("p-{name}")).ok(),
        ..shown(name, group, SubscriberStatus::Provisioned)
    }
}

/// Webex shows one subscriber until it is deleted, and refuses whatever else it is asked for.
struct There {
    subscriber: Option<Subscriber>,
    deletions: u32,
}

impl There {
    fn answer(&mut self, op: &WebexOp) -> Result<WebexAnswer, CallFailure> {
        match op {
            WebexOp::FindSubscriber(_) => found(self.subscriber.iter().cloned().collect()),
            WebexOp::GetSubscriber(_) => match &self.subscriber {
                Some(held) => one(held.clone()),
                None => Err(status(404, None)),
            },
            WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
            WebexOp::DeleteSubscriber(_) => {
                self.subscriber = None;
                self.deletions += 1;
                Ok(WebexAnswer::Done)
            }
            _ => Err(status(409, Some("200039"))),
        }
    }

    fn serve(&mut self, case: &mut Case) {
        while let Some(op) = case.next(HOUR) {
            let answer = self.answer(&op);
            case.answer(answer);
        }
    }
}

fn first_user_of(case: &mut Case, group: &str, name: &str) {
    let record = case.store.enterprises.get_mut(&customer_key(group));
    record.unwrap().first_user = Some(key(name));
    case.restart();
}

/// Anna works in customer `a`, whose first user she is, and is wished into customer `b`.
fn moving(there: &mut There) -> Case {
    let mut case = Case::new(Mode::Api);
    case.customer("a", EnterpriseState::Ready);
    case.customer("b", EnterpriseState::Ready);
    first_user_of(&mut case, "a", "anna");
    case.assign("anna", "b");
    there.serve(&mut case);
    case
}

fn text(case: &Case, name: &str) -> String {
    let fault = case.job(name).fault.as_ref();
    fault.map_or_else(String::new, |fault| fault.text.clone())
}

#[test]
fn a_first_user_moves_only_after_all_that_comes_of_it_was_asked() {
    let mut there = There {
        subscriber: Some(provisioned("anna", "a")),
        deletions: 0,
    };
    let mut case = moving(&mut there);
    assert_eq!(case.code("anna"), "A1103");
    let said = text(&case, "anna");
    for part in [
        "sp+a",
        "sp+b",
        "keeps its e-mail address",
        "last administrator",
        "refuses",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    case.say("anna", Word::Confirm);
    there.serve(&mut case);
    assert_eq!(case.code("anna"), "A2006");
    assert!(text(&case, "anna").contains("sp+a"));
    case.say("anna", Word::Confirm);
    there.serve(&mut case);
    assert_eq!(case.code("anna"), "A2013");
    assert_eq!(there.deletions, 0, "she still has what she had");
    let first = |case: &Case| {
        case.store.enterprises[&customer_key("a")]
            .first_user
            .clone()
    };
    assert_eq!(first(&case), Some(key("anna")));
    // Somebody has changed her address in Control Hub.
    there.subscriber.as_mut().unwrap().email = Some("other@x.example".to_owned());
    case.say("anna", Word::Retry);
    there.serve(&mut case);
    assert_eq!(there.deletions, 1);
    assert_eq!(first(&case), None, "she administers it no more");
}

#[test]
fn who_is_removed_in_another_customer_is_asked_about_as_its_administrator() {
    let mut there = There {
        subscriber: Some(provisioned("anna", "a")),
        deletions: 0,
    };
    let mut case = moving(&mut there);
    // Of the other customer somebody else is the first user.
    first_user_of(&mut case, "b", "bob");
    let (request, at) = case.request();
    let t = TemplateKey::parse("t").ok();
    case.wish(Wish::absent(key("anna"), t, user("anna"), request, at));
    for code in ["A1103", "A2006"] {
        there.serve(&mut case);
        assert_eq!((case.code("anna"), there.deletions), (code, 0));
        case.say("anna", Word::Confirm);
    }
    there.serve(&mut case);
    assert_eq!(case.job("anna").state, JobState::Removed);
    let first = |group: &str| {
        case.store.enterprises[&customer_key(group)]
            .first_user
            .clone()
    };
    assert_eq!(first("a"), None);
    assert_eq!(first("b"), Some(key("bob")));
}

#[test]
fn nobody_is_taken_away_for_a_customer_that_takes_nobody() {
    for (state, template, code) in [
        (EnterpriseState::Ready, "another", "A1102"),
        (EnterpriseState::WaitingCustomerAdmin, "t", "2017"),
    ] {
        let mut there = There {
            subscriber: Some(provisioned("anna", "a")),
            deletions: 0,
        };
        let mut case = Case::new(Mode::Api);
        let mut policy = (*template_of(&case)).clone();
        policy.early_validation = EarlyValidation::Syntax;
        policy.trusted_email = false;
        let t = policy.template.clone();
        case.settings.templates.insert(t, Arc::new(policy));
        case.customer("a", EnterpriseState::Ready);
        case.assign("anna", "a");
        there.serve(&mut case);
        assert_eq!(case.job("anna").state, JobState::NoChange);
        case.customer("b", state);
        let record = case.store.enterprises.get_mut(&customer_key("b"));
        record.unwrap().template = TemplateKey::parse(template).unwrap();
        case.restart();
        case.assign("anna", "b");
        there.serve(&mut case);
        if code == "2017" {
            assert_eq!(case.code("anna"), "A1103");
            case.say("anna", Word::Confirm);
            there.serve(&mut case);
        }
        assert_eq!((case.code("anna"), there.deletions), (code, 0));
        case.say("anna", Word::Retry);
        there.serve(&mut case);
        assert_eq!((case.code("anna"), there.deletions), (code, 0));
    }
}

fn template_of(case: &Case) -> Arc<Policy> {
    Arc::clone(&case.settings.templates[&TemplateKey::parse("t").unwrap()])
}

#[test]
fn who_moves_behind_another_first_user_keeps_what_works_until_its_turn() {
    let mut case = Case::new(Mode::Api);
    let mut policy = (*template_of(&case)).clone();
    policy.trusted_email = false;
    let t = policy.template.clone();
    case.settings.templates.insert(t, Arc::new(policy));
    case.customer("a", EnterpriseState::Ready);
    let rule = |op: &WebexOp| match op {
        WebexOp::FindSubscriber(name) if name.as_str() == "anna" => {
            found(vec![provisioned("anna", "a")])
        }
        WebexOp::GetSubscriber(id) if id.as_str() == "s-anna" => one(provisioned("anna", "a")),
        WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
        WebexOp::Provision(_) | WebexOp::GetSubscriber(_) => {
            one(shown("bob", "b", SubscriberStatus::Provisioning))
        }
        _ => found(Vec::new()),
    };
    case.assign("anna", "a");
    case.serve(HOUR, rule, |_| false);
    assert_eq!(case.job("anna").state, JobState::NoChange);
    case.assign("bob", "b");
    case.serve(Duration::from_secs(60), rule, |_| false);
    case.assign("anna", "b");
    case.serve(Duration::from_secs(60), rule, |_| false);
    case.say("anna", Word::Confirm);
    assert_eq!(case.serve(Duration::from_secs(300), rule, deletes), 0);
    assert_eq!(case.job("anna").state, JobState::WaitingFirstUser);
    let through = |op: &WebexOp| match op {
        WebexOp::GetSubscriber(id) if id.as_str() == "s-bob" => one(provisioned("bob", "b")),
        op => rule(op),
    };
    let mut looked = false;
    while let Some(op) = case.next(HOUR) {
        looked |= matches!(&op, WebexOp::GetSubscriber(id) if id.as_str() == "s-anna");
        if deletes(&op) {
            break;
        }
        case.answer(through(&op));
    }
    assert!(looked, "what was seen long ago is looked at again");
    assert!(!case.calls.is_empty(), "it is her turn");
}

#[test]
fn an_address_that_webex_does_not_take_takes_nothing_away() {
    for knows_better in [false, true] {
        address_refused(knows_better);
    }
}

fn address_refused(knows_better: bool) {
    let mut case = Case::new(Mode::Api);
    let mut policy = (*template_of(&case)).clone();
    policy.precheck = Precheck::FirstUser;
    policy.trusted_email = false;
    let t = policy.template.clone();
    case.settings.templates.insert(t, Arc::new(policy));
    case.customer("g", EnterpriseState::Ready);
    case.assign("ian", "g");
    let pending = |op: &WebexOp| {
        let held = Subscriber {
            email: None,
            ..shown("ian", "g", SubscriberStatus::PendingEmailInput)
        };
        match op {
            WebexOp::FindSubscriber(_) => found(vec![held]),
            WebexOp::PrecheckEmail(email) if email == "amy@x.example" => {
                Err(status(409, Some("200039")))
            }
            WebexOp::PrecheckEmail(_) => Ok(WebexAnswer::Prechecked(Vec::new())),
            WebexOp::DeleteSubscriber(_) => Ok(WebexAnswer::Done),
            _ => one(held),
        }
    };
    case.serve(HOUR, pending, |_| false);
    assert_eq!(case.job("ian").state, JobState::WaitingEmailInput);
    let retry = |case: &mut Case, email: &str| {
        let (request, at) = case.request();
        let mut wish = Wish::word(key("ian"), Word::Retry, request, at);
        wish.email = Some(email.to_owned());
        case.wish(wish);
    };
    retry(&mut case, "amy@x.example");
    assert_eq!(case.serve(HOUR, pending, deletes), 0);
    assert_eq!(case.code("ian"), "200039");
    assert!(text(&case, "ian").contains("nothing was removed"));
    case.say("ian", Word::Retry);
    assert_eq!(case.serve(HOUR, pending, deletes), 0);
    // Somebody knows better, or there is another address.
    if knows_better {
        case.say("ian", Word::Confirm);
    } else {
        retry(&mut case, "ian@x.example");
    }
    while !deletes(&case.next(HOUR).unwrap()) {
        let answer = pending(&case.next(HOUR).unwrap());
        case.answer(answer);
    }
}

#[test]
fn a_first_user_with_another_user_id_is_still_the_first() {
    let mut case = Case::new(Mode::Api);
    let mut policy = (*template_of(&case)).clone();
    policy.user_id_change = UserIdChange::Put;
    let t = policy.template.clone();
    case.settings.templates.insert(t.clone(), Arc::new(policy));
    case.customer("g", EnterpriseState::Ready);
    first_user_of(&mut case, "g", "anna");
    let (request, at) = case.request();
    let mut renamed = Wish::present(key("bea"), t, profile("bea", "g"), request, at);
    renamed.formerly = Some(user("anna"));
    case.wish(renamed);
    let mut taken = false;
    let bea = Subscriber {
        id: SubscriberId::parse("s-anna").unwrap(),
        ..provisioned("bea", "g")
    };
    while let Some(op) = case.next(HOUR) {
        let answer = match &op {
            WebexOp::FindSubscriber(name) if name.as_str() == "anna" && !taken => {
                found(vec![provisioned("anna", "g")])
            }
            WebexOp::UpdateSubscriber(..) => {
                taken = true;
                one(bea.clone())
            }
            WebexOp::FindSubscriber(name) if name.as_str() == "bea" && taken => {
                found(vec![bea.clone()])
            }
            WebexOp::GetSubscriber(_) => one(bea.clone()),
            WebexOp::FindEnterprise(_) => Ok(WebexAnswer::Enterprises(Vec::new())),
            _ => found(Vec::new()),
        };
        case.answer(answer);
    }
    assert!(taken);
    assert!(matches!(
        case.job("bea").state,
        JobState::Provisioned | JobState::NoChange
    ));
    let first = &case.store.enterprises[&customer_key("g")].first_user;
    assert_eq!(*first, Some(key("bea")));
}
