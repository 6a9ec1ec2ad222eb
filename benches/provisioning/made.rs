//! Users, wishes and settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use xspd::config;
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
use xspd::domain::provisioning::intake;
use xspd::domain::provisioning::intake::Held;
use xspd::domain::provisioning::intake::Verdict;
use xspd::domain::provisioning::intake::Wish;
use xspd::domain::provisioning::policy::Mode;
use xspd::domain::provisioning::policy::Policy;
use xspd::domain::provisioning::policy::Settings;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::profile::Profile;
use xspd::platform::clock;

use crate::Failure;

/// Users of one customer.
const CUSTOMER: u32 = 100;

pub(crate) fn plan(directory: &Path) -> config::Store {
    config::Store {
        path: directory.join("xspd.db"),
        history: Duration::from_secs(90 * 86_400),
    }
}

pub(crate) fn settings() -> Result<Settings, Failure> {
    let template = TemplateKey::parse("standard")?;
    let mut policy = Policy::new(template.clone(), cluster()?, Mode::Api, Package::Standard);
    policy.partner = Some(PartnerName::parse("partner")?);
    policy.provisioning_id = Some(ProvisioningId::parse("cHJvdmlzaW9uaW5n")?);
    let mut settings = Settings::default();
    settings.templates.insert(template, Arc::new(policy));
    Ok(settings)
}

fn cluster() -> Result<ClusterName, Failure> {
    Ok(ClusterName::parse("as-east")?)
}

/// An assignment of a user who has never been seen.
pub(crate) fn wish(number: u32) -> Result<Wish, Failure> {
    let user = BwUserId::parse(&format!("user{number:07}@sp.example.com"))?;
    let profile = Profile {
        user: user.clone(),
        sp: SpId::parse("ServiceProvider1")?,
        group: Some(GroupId::parse(&format!("Customer{}", number / CUSTOMER))?),
        first_name: "Annegret".to_owned(),
        last_name: "Beispielhofer".to_owned(),
        email: Some(format!("user{number:07}@customer.example.com")),
        phone: Some(format!("+4930{number:07}")),
        mobile: Some(format!("+49170{number:07}")),
        extension: Some(format!("{}", number % 10_000)),
        language: Some("de_DE".to_owned()),
        timezone: Some("Europe/Berlin".to_owned()),
        is_place: false,
    };
    let request = RequestId::parse(&uuid::Uuid::now_v7().to_string())?;
    Ok(Wish::present(
        UserKey::new(cluster()?, &user),
        TemplateKey::parse("standard")?,
        profile,
        request,
        Moment::of(clock::wall()),
    ))
}

/// What a wish is as it is kept.
pub(crate) fn record() -> String {
    let desired =
        settings()
            .ok()
            .zip(wish(1).ok())
            .and_then(
                |(settings, wish)| match intake::decide(&Held::default(), wish, &settings) {
                    Verdict::Accept { desired, .. } => serde_json::to_string(&desired).ok(),
                    Verdict::NotPresent | Verdict::Refuse(_) | Verdict::Same { .. } => None,
                },
            );
    desired.unwrap_or_default()
}
