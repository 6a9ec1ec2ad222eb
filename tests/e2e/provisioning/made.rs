//! Wishes and settings.

use std::sync::Arc;
use std::time::Duration;

use xspd::domain::provisioning::ids::BwUserId;
use xspd::domain::provisioning::ids::ClusterName;
use xspd::domain::provisioning::ids::GroupId;
use xspd::domain::provisioning::ids::Moment;
use xspd::domain::provisioning::ids::PartnerName;
use xspd::domain::provisioning::ids::ProvisioningId;
use xspd::domain::provisioning::ids::RequestId;
use xspd::domain::provisioning::ids::SpId;
use xspd::domain::provisioning::ids::TemplateKey;
use xspd::domain::provisioning::ids::UserKey;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::Mode;
use xspd::domain::provisioning::policy::Policy;
use xspd::domain::provisioning::policy::Settings;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::profile::Profile;
use xspd::platform::clock;

pub(crate) fn cluster() -> ClusterName {
    ClusterName::parse("as-east").unwrap()
}

fn template() -> TemplateKey {
    TemplateKey::parse("standard").unwrap()
}

pub(crate) fn key(user: &str) -> UserKey {
    UserKey::new(cluster(), &BwUserId::parse(user).unwrap())
}

/// One template through the public APIs, with waits of milliseconds in place of seconds.
pub(crate) fn settings() -> Settings {
    let mut policy = Policy::new(template(), cluster(), Mode::Api, Package::Standard);
    policy.partner = Some(PartnerName::parse("partner").unwrap());
    policy.provisioning_id = Some(ProvisioningId::parse("cHJvdmlzaW9uaW5n").unwrap());
    let mut settings = Settings::default();
    settings.templates.insert(template(), Arc::new(policy));
    let rules = &mut settings.rules;
    let brief = Duration::from_millis(10);
    rules.poll_plan = vec![brief; 3];
    rules.poll_every = brief;
    rules.list_every = brief;
    rules.list_fallback = 20 * brief;
    rules.retry_first = brief;
    rules.retry_longest = brief;
    rules.unanswered_pause = brief;
    rules.requests_per_second = 10_000;
    settings
}

fn request() -> RequestId {
    RequestId::parse(&uuid::Uuid::now_v7().to_string()).unwrap()
}

pub(crate) fn assign(user: &str, enterprise: &str) -> Wish {
    let profile = Profile {
        user: BwUserId::parse(user).unwrap(),
        sp: SpId::parse("SP1").unwrap(),
        group: Some(GroupId::parse(enterprise).unwrap()),
        first_name: "Anna".to_owned(),
        last_name: user.to_owned(),
        email: Some(format!("{user}@customer.example.com")),
        phone: None,
        mobile: None,
        extension: Some("4711".to_owned()),
        language: None,
        timezone: None,
        is_place: false,
    };
    let at = Moment::of(clock::wall());
    Wish::present(key(user), template(), profile, request(), at)
}

pub(crate) fn unassign(user: &str) -> Wish {
    let at = Moment::of(clock::wall());
    let id = BwUserId::parse(user).unwrap();
    Wish::absent(key(user), Some(template()), id, request(), at)
}
