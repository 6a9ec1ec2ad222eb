//! What the tests of this room share.

use std::sync::Arc;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::Mode;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Actual;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Progress;
use crate::domain::provisioning::record::Source;
use crate::store::query::UserRecord;

/// One template, `acme`, of the cluster `east`.
pub(super) fn settings() -> Settings {
    let key = TemplateKey::parse("acme").unwrap();
    let cluster = ClusterName::parse("east").unwrap();
    let policy = Policy::new(key.clone(), cluster, Mode::Api, Package::Premium);
    let mut settings = Settings::default();
    settings.templates.insert(key, Arc::new(policy));
    settings
}

/// A user on whom Webex works.
pub(super) fn record(user: &str) -> UserRecord {
    let user = BwUserId::parse(user).unwrap();
    let key = UserKey::new(ClusterName::parse("east").unwrap(), &user);
    let request = RequestId::parse("0197e4a0-0000-7000-8000-000000000001").unwrap();
    let profile = Profile {
        user,
        sp: SpId::parse("SP1").unwrap(),
        group: None,
        first_name: "Anna".to_owned(),
        last_name: "Ahrens".to_owned(),
        email: Some("anna@sp.example".to_owned()),
        phone: Some("+12405550101".to_owned()),
        mobile: None,
        extension: Some("0101".to_owned()),
        language: None,
        timezone: None,
        is_place: false,
    };
    UserRecord {
        desired: Desired {
            key: key.clone(),
            revision: 1,
            request: request.clone(),
            presence: Presence::Present {
                profile: Box::new(profile),
            },
            template: TemplateKey::parse("acme").unwrap(),
            enterprise: Some(SpEnterpriseId::parse("SP1+acme").unwrap()),
            package: None,
            email: None,
            formerly: None,
            was_in: None,
            word: None,
            source: Source::As,
            digest: "0".repeat(64),
            at: Moment(0),
        },
        job: Some(JobRecord {
            key,
            request,
            revision: 1,
            state: JobState::WaitingWebex,
            since: Moment(0),
            attempt: 0,
            next: None,
            fault: None,
            actual: Actual::default(),
            tracking: vec![TrackingId::parse("XSPD_1").unwrap()],
            progress: Progress::default(),
        }),
    }
}
