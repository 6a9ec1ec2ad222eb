//! Records as operators get them: JSON, dates in milliseconds since 1970.

use serde_json::Value;
use serde_json::json;

use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Step;
use crate::domain::provisioning::view;
use crate::store::query::UserRecord;

/// One user of the user-status view.
pub(super) fn row(record: &UserRecord, settings: &Settings) -> Value {
    let desired = &record.desired;
    let (state, job) = (record.state(), current(record));
    let actual = record.job.as_ref().map(|job| &job.actual);
    json!({
        "user": user_id(&desired.presence),
        "cluster": desired.key.cluster.as_str(),
        "template": desired.template.as_str(),
        "enterprise": record.enterprise().map(|held| held.to_string()),
        "wanted": wanted(&desired.presence),
        "package": package(record, settings),
        "state": state.as_str(),
        "final": state.is_final(),
        "pending": pending(state),
        "owner": state.owner().as_str(),
        "since": record.since().0,
        "next": job.and_then(|job| job.next).map(|next| next.0),
        "attempt": job.map_or(0, |job| job.attempt),
        "error": job.and_then(|job| job.fault.as_ref()).map(error),
        "webex-status": actual.and_then(|actual| actual.status.as_deref()),
        "email": email(record),
        "source": desired.source.as_str(),
        "request": desired.request.as_str(),
        "tracking": record.job.as_ref().and_then(|job| job.tracking.last()).map(|id| id.as_str()),
        "revision": desired.revision,
    })
}

/// One user with all that is known of it.
pub(super) fn user(record: &UserRecord, settings: &Settings, first: bool) -> Value {
    let mut document = row(record, settings);
    let Some(members) = document.as_object_mut() else {
        return document;
    };
    let profile = profile(&record.desired.presence);
    let actual = record.job.as_ref().map(|job| &job.actual);
    let more = json!({
        "first-user": first,
        "first-name": profile.map(|held| held.first_name.as_str()),
        "last-name": profile.map(|held| held.last_name.as_str()),
        "phone": profile.and_then(|held| held.phone.as_deref()),
        "mobile": profile.and_then(|held| held.mobile.as_deref()),
        "extension": profile.and_then(|held| held.extension.as_deref()),
        "service-provider": profile.map(|held| held.sp.as_str()),
        "group": profile.and_then(|held| held.group.as_ref()).map(|held| held.as_str()),
        "is-place": profile.is_some_and(|held| held.is_place),
        "word": record.desired.word,
        "subscriber": actual.and_then(|held| held.subscriber.as_ref()).map(|id| id.as_str()),
        "person": actual.and_then(|held| held.person.as_ref()).map(|id| id.as_str()),
        "workspace": actual.and_then(|held| held.workspace.as_ref()).map(|id| id.as_str()),
        "webex-package": actual.and_then(|held| held.package.as_deref()),
        "webex-email": actual.and_then(|held| held.email.as_deref()),
        "webex-errors": actual.map(|held| &held.errors),
        "self-activated": actual.and_then(|held| held.self_activated),
        "read-at": actual.and_then(|held| held.read_at).map(|at| at.0),
    });
    if let Value::Object(more) = more {
        members.extend(more);
    }
    document
}

/// A customer.
pub(super) fn enterprise(record: &EnterpriseRecord) -> Value {
    json!({
        "enterprise": record.sent_as.as_str(),
        "cluster": record.key.cluster.as_str(),
        "template": record.template.as_str(),
        "state": record.state.as_str(),
        "do": enterprise_remedy(record.state),
        "since": record.since.0,
        "first-user": record.first_user.as_ref().map(|key| key.user()),
        "webex": record.webex.as_ref().map(|id| id.as_str()),
        "org": record.org.as_ref().map(|id| id.as_str()),
    })
}

/// One line of a history.
pub(super) fn step(step: &Step) -> Value {
    json!({
        "at": step.at.0,
        "state": step.state.as_str(),
        "why": step.why,
        "request": step.request.as_str(),
        "tracking": step.tracking.as_ref().map(|id| id.as_str()),
    })
}

/// The error as plain lines, to be copied into a mail or a ticket; nothing when nothing is wrong.
pub(super) fn error_text(record: &UserRecord) -> Vec<String> {
    let job = current(record);
    let fault = job.and_then(|job| job.fault.as_ref());
    let errors = record.job.as_ref().map(|job| job.actual.errors.as_slice());
    let errors = errors.unwrap_or_default();
    if fault.is_none() && errors.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("User: {}", user_id(&record.desired.presence))];
    if let Some(held) = record.enterprise() {
        lines.push(format!("Enterprise: {held}"));
    }
    if let Some(found) = record.found_in() {
        lines.push(format!("Subscriber of: {found}"));
    }
    lines.push(format!("Status: {}", record.state()));
    if let Some(fault) = fault {
        let at = crate::domain::certs::date::text(fault.at.wall());
        lines.push(format!("Code: {}", fault.code));
        lines.push(format!("Text: {}", one_line(&fault.text)));
        lines.push(format!("Seen: {at}"));
        if !fault.action.is_empty() {
            lines.push(format!("To do: {}", one_line(&fault.action)));
        }
    }
    for error in errors {
        let code = error.code.as_deref().unwrap_or("-");
        lines.push(format!(
            "Webex says: {code} {}",
            one_line(&error.description)
        ));
    }
    let tracking = record.job.as_ref().and_then(|job| job.tracking.last());
    lines.extend(tracking.map(|id| format!("Tracking id: {id}")));
    lines
}

/// The job of the newest wish, or of the one before while that is not at its end.
pub(super) fn current(record: &UserRecord) -> Option<&JobRecord> {
    let job = record.job.as_ref();
    job.filter(|job| job.revision >= record.desired.revision || !job.state.is_final())
}

/// The user id as it was written last.
pub(super) fn user_id(presence: &Presence) -> &str {
    match presence {
        Presence::Absent { user, .. } => user.as_str(),
        Presence::Present { profile } => profile.user.as_str(),
    }
}

/// The package that it is to have, or that Webex says it has.
pub(super) fn package(record: &UserRecord, settings: &Settings) -> Option<String> {
    let chosen = record.desired.package.map(|package| package.as_str());
    let template = || template_package(&record.desired.template, settings);
    let wanted = match record.desired.presence {
        Presence::Absent { .. } => None,
        Presence::Present { .. } => chosen.or_else(template),
    };
    let held = record
        .job
        .as_ref()
        .and_then(|job| job.actual.package.as_deref());
    wanted.or(held).map(str::to_owned)
}

fn template_package(key: &TemplateKey, settings: &Settings) -> Option<&'static str> {
    let policy = settings.templates.get(key)?;
    // Of what others provision, only Webex can tell the package.
    (!policy.mode.tracks()).then(|| policy.package.as_str())
}

/// The e-mail address by which it goes, or that Webex has of it.
pub(super) fn email(record: &UserRecord) -> Option<&str> {
    let held = record
        .job
        .as_ref()
        .and_then(|job| job.actual.email.as_deref());
    let own = || profile(&record.desired.presence).and_then(|held| held.email.as_deref());
    held.or(record.desired.email.as_deref()).or_else(own)
}

pub(super) const fn profile(presence: &Presence) -> Option<&Profile> {
    match presence {
        Presence::Absent { .. } => None,
        Presence::Present { profile } => Some(profile),
    }
}

const fn wanted(presence: &Presence) -> &'static str {
    match presence {
        Presence::Absent { .. } => "absent",
        Presence::Present { .. } => "present",
    }
}

/// What is still missing, in the words of the user-status view where that has some.
pub(super) const fn pending(state: JobState) -> Option<&'static str> {
    match state {
        JobState::WaitingFirstUser => Some("first user of the enterprise"),
        JobState::WaitingCustomerAdmin => Some("customer approval"),
        JobState::WaitingEmailInput
        | JobState::WaitingEmailValidation
        | JobState::WaitingConsent => view::requirement(state),
        JobState::Stalled => Some("Webex is late"),
        JobState::Attention => Some("operator"),
        JobState::Queued
        | JobState::Prechecking
        | JobState::Submitting
        | JobState::WaitingWebex
        | JobState::Removing
        | JobState::DeletingPerson
        | JobState::Provisioned
        | JobState::NoChange
        | JobState::Removed
        | JobState::PersonDeleted
        | JobState::Cancelled
        | JobState::Superseded => None,
    }
}

const fn enterprise_remedy(state: EnterpriseState) -> Option<&'static str> {
    match state {
        EnterpriseState::WaitingCustomerAdmin => Some(
            "the customer's administrator has to make the partner's administrator an external full \
             administrator, as the mail from Webex says; then retry any user of the enterprise",
        ),
        EnterpriseState::New | EnterpriseState::FirstUser | EnterpriseState::Ready => None,
    }
}

fn error(fault: &Fault) -> Value {
    json!({
        "code": fault.code,
        "text": fault.text,
        "action": fault.action,
        "at": fault.at.0,
    })
}

/// Text from outside in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::endpoints::operations::tests::record;
    use crate::inbound::endpoints::operations::tests::settings;

    #[test]
    fn a_user_that_nobody_has_looked_at_yet_is_queued() {
        let mut record = record("Anna@x");
        record.job = None;
        let row = row(&record, &settings());
        assert_eq!(row["user"], "Anna@x");
        assert_eq!(row["state"], "queued");
        assert_eq!(row["package"], "premium");
        assert_eq!(row["owner"], "xspd");
        assert_eq!(row["error"], Value::Null);
        assert_eq!(error_text(&record), [""; 0]);
    }

    #[test]
    fn an_error_is_copied_as_plain_lines() {
        let mut record = record("anna@x");
        let job = record.job.as_mut().unwrap();
        job.state = JobState::Attention;
        job.fault = Some(Fault {
            code: "10022".to_owned(),
            text: "already\nin use".to_owned(),
            action: "Find the other one.".to_owned(),
            at: crate::domain::provisioning::ids::Moment(0),
        });
        let lines = error_text(&record);
        assert_eq!(
            lines,
            [
                "User: anna@x",
                "Enterprise: SP1+acme",
                "Status: attention",
                "Code: 10022",
                "Text: already in use",
                "Seen: 1970-01-01 00:00:00 UTC",
                "To do: Find the other one.",
                "Tracking id: XSPD_1",
            ]
        );
        let row = row(&record, &settings());
        assert_eq!(row["pending"], "operator");
        assert_eq!(row["owner"], "operator");
    }

    #[test]
    fn what_is_over_of_an_older_wish_is_not_shown_as_that_of_the_newest() {
        let mut record = record("anna@x");
        record.desired.revision = 9;
        record.job.as_mut().unwrap().state = JobState::Provisioned;
        assert_eq!(row(&record, &settings())["state"], "queued");
    }
}
