//! What goes out is what Webex publishes, and what comes back is read in every published form.

use std::collections::BTreeSet;

use xspd::domain::provisioning::customer::EnterpriseFilter;
use xspd::domain::provisioning::customer::PeopleFilter;
use xspd::domain::provisioning::customer::SubscriberFilter;
use xspd::domain::provisioning::ids::BwUserId;
use xspd::domain::provisioning::ids::OrgId;
use xspd::domain::provisioning::ids::PersonId;
use xspd::domain::provisioning::ids::ProvisioningId;
use xspd::domain::provisioning::ids::SpEnterpriseId;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::ids::WebexEnterpriseId;
use xspd::domain::provisioning::ids::WorkspaceId;
use xspd::domain::provisioning::operation::Operation;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::webex::NewSubscriber;
use xspd::domain::provisioning::webex::NewWorkspace;
use xspd::domain::provisioning::webex::SubscriberChange;
use xspd::domain::provisioning::webex::SubscriberStatus;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;
use xspd::domain::provisioning::webex::WorkspaceChange;
use xspd::workers::webex_partners::WebexPartner;

use super::Bench;
use super::Heard;
use super::json;
use super::nothing;
use super::sample;
use super::soon;
use crate::support::openapi::BROADWORKS;
use crate::support::openapi::OpenApi;
use crate::support::upstream::Reply;

const PERSON: &str = r#"{"id":"P1","emails":["a@example.com"],"displayName":"A B","orgId":"O1","roles":["R1"],"invitePending":false,"loginEnabled":true,"type":"person"}"#;

/// An answer in the published form to any call.
fn answer(heard: &Heard) -> Reply {
    let path = heard.target.split('?').next().expect("a path");
    let path = path.strip_prefix("/v1").expect("the base");
    match (heard.method.as_str(), path) {
        ("DELETE", _) => nothing(),
        ("POST", path) if path.ends_with("/consentMove") => nothing(),
        ("POST", "/broadworks/subscribers/validate") => {
            json(200, &sample("b15-precheck-response.json"))
        }
        ("GET", "/broadworks/subscribers") => json(200, &sample("b09-subscriber-list-page.json")),
        ("POST", "/broadworks/subscribers") => {
            json(200, &sample("b03-subscriber-provision-response.json"))
        }
        ("PUT", path) if path.starts_with("/broadworks/subscribers/") => {
            json(200, &sample("b12-subscriber-update-response.json"))
        }
        ("GET", path) if path.starts_with("/broadworks/subscribers/") => {
            json(200, &sample("b05-subscriber-get-provisioned.json"))
        }
        ("GET", "/broadworks/enterprises") => json(200, &sample("b19-enterprise-list.json")),
        ("POST", path) if path.ends_with("/externalUser") => {
            json(200, &sample("b24-dirsync-one-user-response.json"))
        }
        ("GET" | "PUT" | "POST", path) if path.ends_with("/broadworksDirectorySync") => {
            json(200, &sample("b22-dirsync-status-complete.json"))
        }
        ("POST" | "PUT", _) => json(200, r#"{"id":"W1","displayName":"Room"}"#),
        ("GET", "/people") => json(200, &format!(r#"{{"items":[{PERSON}]}}"#)),
        ("GET", path) if path.starts_with("/people/") => json(200, PERSON),
        ("GET", _) => json(200, r#"{"id":"O1","displayName":"Acme","created":"2020"}"#),
        (method, path) => panic!("{method} {path}"),
    }
}

pub(super) fn new_subscriber() -> NewSubscriber {
    NewSubscriber {
        provisioning_id: ProvisioningId::parse("ZjVi").expect("an id"),
        user: BwUserId::parse("anna+1@sp.example").expect("an id"),
        enterprise: SpEnterpriseId::parse("SP1+Acme & Söhne").expect("an id"),
        first_name: "Ännä \"x\"".to_owned(),
        last_name: "Müller".to_owned(),
        package: Package::Standard,
        phone: Some("+1-240-555-1212".to_owned()),
        mobile: None,
        extension: Some("1212".to_owned()),
        email: Some("anna@example.com".to_owned()),
        language: Some("de_DE".to_owned()),
        timezone: Some("Europe/Berlin".to_owned()),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn user() -> BwUserId {
    BwUserId::parse("anna@sp.example").expect("an id")
}

/// Every call on the way of a job, each with all that it can hold.
async fn jobs(partner: &WebexPartner) {
    let subscriber = SubscriberId::parse("Y2lz/ç").expect("an id");
    let workspace = WorkspaceId::parse("W1").expect("an id");
    let enterprise = SpEnterpriseId::parse("SP1+Acme").expect("an id");
    let person = PersonId::parse("P1").expect("an id");
    let change = SubscriberChange {
        user: Some(user()),
        first_name: text("Anna"),
        last_name: text("Meier"),
        phone: text(""),
        mobile: text(""),
        extension: text("1213"),
        timezone: text("Europe/Paris"),
        package: Some(Package::Premium),
    };
    let new_workspace = NewWorkspace {
        provisioning_id: ProvisioningId::parse("ZjVi").expect("an id"),
        user: user(),
        enterprise: enterprise.clone(),
        display_name: "Room".to_owned(),
        phone: text("+1"),
        extension: text("12"),
    };
    let workspace_change = WorkspaceChange {
        user: Some(user()),
        phone: text("+1"),
        extension: text("12"),
    };
    for op in [
        WebexOp::ConsentMove(subscriber.clone()),
        WebexOp::DeletePerson(person),
        WebexOp::DeleteSubscriber(subscriber.clone()),
        WebexOp::DeleteWorkspace(workspace.clone()),
        WebexOp::FindEnterprise(enterprise),
        WebexOp::FindSubscriber(user()),
        WebexOp::GetSubscriber(subscriber.clone()),
        WebexOp::ListChanged(1_700_000_000_000),
        WebexOp::Precheck(Box::new(new_subscriber())),
        WebexOp::PrecheckEmail("anna@x.example".to_owned()),
        WebexOp::Provision(Box::new(new_subscriber())),
        WebexOp::ProvisionWorkspace(Box::new(new_workspace)),
        WebexOp::UpdateSubscriber(subscriber.clone(), Box::new(change)),
        WebexOp::UpdateSubscriber(subscriber, Box::default()),
        WebexOp::UpdateWorkspace(workspace, Box::new(workspace_change)),
    ] {
        let done = soon(partner.perform(&op)).await;
        assert!(done.is_ok(), "{op:?}: {done:?}");
    }
}

/// Every call about whole customers.
async fn customers(partner: &WebexPartner) {
    let filter = SubscriberFilter {
        user: text("a@b"),
        person: text("P1"),
        email: text("a+b@example.com"),
        provisioning_id: text("ZjVi"),
        enterprise: text("SP1+Acme"),
        statuses: vec!["error".to_owned(), "updating".to_owned()],
        changed_after: Some(1),
        created_after: Some(2),
        self_activated: Some(true),
    };
    soon(partner.subscribers(&filter)).await.expect("a list");
    let filter = EnterpriseFilter {
        enterprise: None,
        starts_with: text("SP1"),
    };
    soon(partner.enterprises(&filter)).await.expect("a list");
    let id = &WebexEnterpriseId::parse("E1").expect("an id");
    soon(partner.directory_sync(id)).await.expect("a status");
    soon(partner.set_directory_sync(id, false))
        .await
        .expect("a status");
    soon(partner.sync_directory(id)).await.expect("a status");
    soon(partner.sync_user(id, &user()))
        .await
        .expect("a status");
    let person = PersonId::parse("P1").expect("an id");
    let org = OrgId::parse("O1").expect("an id");
    soon(partner.person(&person)).await.expect("a person");
    for filter in [
        PeopleFilter::Email("a@example.com".to_owned()),
        PeopleFilter::Org(org.clone()),
    ] {
        soon(partner.people(&filter)).await.expect("people");
    }
    soon(partner.organization(&org))
        .await
        .expect("an organisation");
    soon(partner.delete_organization(&org)).await.expect("done");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_one_that_webex_publishes() {
    let bench = Bench::new("", answer).await;
    jobs(&bench.partner()).await;
    customers(&bench.partner()).await;
    let calls = bench.calls();
    let names: BTreeSet<_> = calls
        .iter()
        .filter_map(|call| call.field("trackingid"))
        .collect();
    assert_eq!(
        names.len(),
        calls.len(),
        "each request has a name of its own"
    );
    for call in &calls {
        let name = call.field("trackingid").expect("a name");
        assert!(name.starts_with("XSPD_") && name.len() == 41, "{name}");
        assert_eq!(call.field("authorization"), Some("Bearer access-1"));
        assert!(!call.body.contains("null"), "{}", call.body);
    }
    let metrics = bench.telemetry.render();
    for op in Operation::ALL.map(Operation::as_str) {
        let line = format!("xspd_webex_requests_total{{op=\"{op}\",code_class=\"2xx\"}} 0");
        assert!(!metrics.contains(&line), "{op} was not called");
    }
    let Some(api) = OpenApi::load(BROADWORKS) else {
        return;
    };
    let mut foreign = BTreeSet::new();
    for call in &calls {
        let target = call.target.strip_prefix("/v1").expect("the base");
        let path = target.split('?').next().expect("a path");
        let body = call.json();
        if !api.knows(&call.method, path) {
            foreign.insert(path.split('/').nth(1).expect("a family").to_owned());
            continue;
        }
        let judged = api.request(&call.method, target, body.as_ref());
        assert_eq!(judged, Ok(()), "{} {}", call.method, call.body);
    }
    // Those are described in another file.
    assert_eq!(
        foreign,
        BTreeSet::from(["organizations".to_owned(), "people".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_read_in_every_published_form() {
    let forms = [
        (
            "b03-subscriber-provision-response.json",
            "provisioning",
            Some(false),
        ),
        (
            "b04-subscriber-provision-response-string-bool.json",
            "provisioning",
            Some(false),
        ),
        (
            "b05-subscriber-get-provisioned.json",
            "provisioned",
            Some(false),
        ),
        ("b06-subscriber-get-error.json", "error", Some(false)),
        (
            "b07-subscriber-get-pending-email-input.json",
            "pending_email_input",
            None,
        ),
        (
            "b08-subscriber-get-pending-user-migration.json",
            "pending_user_migration",
            None,
        ),
    ];
    let bench = Bench::new("", |heard| {
        let name = heard.target.rsplit('/').next().expect("a name");
        json(200, &sample(name))
    })
    .await;
    for (name, status, activated) in forms {
        let id = SubscriberId::parse(name).expect("an id");
        let read = soon(bench.partner().perform(&WebexOp::GetSubscriber(id))).await;
        let Ok(WebexAnswer::Subscriber(subscriber)) = read else {
            panic!("{name}: {read:?}");
        };
        assert_eq!(subscriber.status, SubscriberStatus::parse(status), "{name}");
        if let Some(activated) = activated {
            assert_eq!(subscriber.self_activated, Some(activated), "{name}");
        }
        let is_error = status == "error";
        assert_eq!(subscriber.errors.len(), usize::from(is_error), "{name}");
        if is_error {
            assert_eq!(subscriber.errors[0].code.as_deref(), Some("10022"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_webex_adds_is_passed_over_and_a_new_status_is_kept() {
    let bench = Bench::new("", |heard| {
        json(
            200,
            match heard.target.rsplit('/').next() {
                Some("new") => r#"{"id":"S1","status":"moving","errors":null,"future":{"a":[1]}}"#,
                Some("validate") => {
                    r#"{"message":"success","info":{"infoCode":100,"description":"fine"}}"#
                }
                _ => r#"{"id":"E1","orgId":"O1","spEnterpriseId":"SP1+Acme"}"#,
            },
        )
    })
    .await;
    let id = SubscriberId::parse("new").expect("an id");
    let partner = bench.partner();
    let read = soon(partner.perform(&WebexOp::GetSubscriber(id))).await;
    let Ok(WebexAnswer::Subscriber(subscriber)) = read else {
        panic!("{read:?}");
    };
    assert_eq!(
        subscriber.status,
        SubscriberStatus::Unknown("moving".to_owned())
    );
    // One instead of a list, and an object instead of an array.
    let id = SpEnterpriseId::parse("SP1+Acme").expect("an id");
    let read = soon(partner.perform(&WebexOp::FindEnterprise(id))).await;
    assert!(matches!(read, Ok(WebexAnswer::Enterprises(found)) if found.len() == 1));
    let read = soon(partner.perform(&WebexOp::Precheck(Box::new(new_subscriber())))).await;
    assert!(matches!(read, Ok(WebexAnswer::Prechecked(told)) if told[0].code == Some(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_precheck_without_an_address_is_not_asked_and_says_so() {
    let bench = Bench::new("", answer).await;
    let mut new = new_subscriber();
    new.email = None;
    let read = soon(bench.partner().perform(&WebexOp::Precheck(Box::new(new)))).await;
    let Ok(WebexAnswer::Prechecked(told)) = read else {
        panic!("{read:?}");
    };
    assert_eq!(told[0].code, None);
    assert!(told[0].description.contains("e-mail"), "{told:?}");
    assert!(bench.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_sync_that_failed_is_read_with_its_error_and_counters() {
    let bench = Bench::new("", |_| json(200, &sample("b23-dirsync-status-failed.json"))).await;
    let id = WebexEnterpriseId::parse("E1").expect("an id");
    let sync = soon(bench.partner().directory_sync(&id))
        .await
        .expect("a status");
    assert_eq!(sync.enabled, Some(true));
    assert_eq!(sync.status.as_deref(), Some("FAILED"));
    assert_eq!(sync.errors[0].code.as_deref(), Some("600014"));
    assert!(
        sync.counts
            .contains(&("totalExternalUsersInCI".to_owned(), 2))
    );
}
