//! Records for tests.

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Actual;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Progress;
use crate::domain::provisioning::record::Source;
use crate::domain::provisioning::record::Step;

pub(crate) fn key(user: &str) -> UserKey {
    UserKey::new(cluster(), &BwUserId::parse(user).unwrap())
}

pub(crate) fn cluster() -> ClusterName {
    ClusterName::parse("as-east").unwrap()
}

pub(crate) fn request(number: u64) -> RequestId {
    RequestId::parse(&format!("request-{number}")).unwrap()
}

pub(crate) fn wish(user: &str, revision: u64, enterprise: &str) -> Desired {
    let profile = Profile {
        user: BwUserId::parse(user).unwrap(),
        sp: SpId::parse("SP1").unwrap(),
        group: None,
        first_name: "Anna".to_owned(),
        last_name: "Ångström \u{1F600} \"quoted\"".to_owned(),
        email: Some(format!("{user}@Example.com")),
        phone: Some("+4930123456".to_owned()),
        mobile: None,
        extension: Some("456".to_owned()),
        language: Some("de_DE".to_owned()),
        timezone: Some("Europe/Berlin".to_owned()),
        is_place: false,
    };
    Desired {
        key: key(user),
        revision,
        request: request(revision),
        presence: Presence::Present {
            profile: Box::new(profile),
        },
        template: TemplateKey::parse("standard").unwrap(),
        enterprise: Some(SpEnterpriseId::parse(enterprise).unwrap()),
        package: None,
        email: None,
        formerly: None,
        was_in: None,
        word: None,
        source: Source::As,
        digest: format!("{revision:064x}"),
        at: Moment(1_700_000_000_000 + revision),
    }
}

pub(crate) fn job(user: &str, revision: u64, state: JobState) -> JobRecord {
    let fault = (state == JobState::Attention).then(|| Fault {
        code: "A1103".to_owned(),
        text: "It belongs to another customer.".to_owned(),
        action: "Look at it.".to_owned(),
        at: Moment(5),
    });
    JobRecord {
        key: key(user),
        request: request(revision),
        revision,
        state,
        since: Moment(1_700_000_001_000 + revision),
        attempt: 0,
        next: None,
        fault,
        actual: Actual::default(),
        tracking: Vec::new(),
        progress: Progress::default(),
    }
}

pub(crate) fn step(user: &str, at: u64, state: JobState) -> Step {
    Step {
        key: key(user),
        request: request(1),
        at: Moment(at),
        state,
        why: format!("step at {at}"),
        tracking: None,
    }
}

pub(crate) fn enterprise(name: &str, state: EnterpriseState) -> EnterpriseRecord {
    let sent_as = SpEnterpriseId::parse(name).unwrap();
    EnterpriseRecord {
        key: EnterpriseKey::new(cluster(), &sent_as),
        sent_as,
        template: TemplateKey::parse("standard").unwrap(),
        state,
        since: Moment(7),
        knocked: None,
        first_user: None,
        webex: None,
        org: None,
    }
}
