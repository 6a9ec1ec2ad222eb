//! What Webex is sent for a user, and where it shows something else than is wanted.

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ProvisioningId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::webex::NewSubscriber;
use crate::domain::provisioning::webex::NewWorkspace;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberChange;
use crate::domain::provisioning::webex::WorkspaceChange;

/// The package that a user is to have.
pub(super) fn package(desired: &Desired, policy: &Policy) -> Package {
    desired.package.unwrap_or(policy.package)
}

/// The e-mail address that is sent: none for templates that do not trust them, unless an operator
/// gave one.
pub(super) fn email<'a>(
    desired: &'a Desired,
    profile: &'a Profile,
    policy: &Policy,
) -> Option<&'a str> {
    let own = desired.email.as_deref();
    own.or_else(|| profile.email.as_deref().filter(|_| policy.trusted_email))
}

/// A subscriber to be.
pub(super) fn new_subscriber(
    desired: &Desired,
    profile: &Profile,
    policy: &Policy,
    provisioning_id: &ProvisioningId,
    enterprise: &SpEnterpriseId,
) -> NewSubscriber {
    let package = if policy.stage_basic_first {
        Package::Basic
    } else {
        package(desired, policy)
    };
    NewSubscriber {
        provisioning_id: provisioning_id.clone(),
        user: profile.user.clone(),
        enterprise: enterprise.clone(),
        first_name: profile.first_name.clone(),
        last_name: profile.last_name.clone(),
        package,
        phone: profile.phone.clone(),
        mobile: profile.mobile.clone(),
        extension: profile.extension.clone(),
        email: email(desired, profile, policy).map(str::to_owned),
        language: profile.language.clone().or_else(|| policy.language.clone()),
        timezone: profile.timezone.clone().or_else(|| policy.timezone.clone()),
    }
}

/// A workspace to be.
pub(super) fn new_workspace(
    profile: &Profile,
    provisioning_id: &ProvisioningId,
    enterprise: &SpEnterpriseId,
) -> NewWorkspace {
    let name = format!("{} {}", profile.first_name, profile.last_name);
    NewWorkspace {
        provisioning_id: provisioning_id.clone(),
        user: profile.user.clone(),
        enterprise: enterprise.clone(),
        display_name: name.trim().to_owned(),
        phone: profile.phone.clone(),
        extension: profile.extension.clone(),
    }
}

/// What a workspace is brought to. It cannot be read, so all that can be told is told.
pub(super) fn workspace_change(profile: &Profile) -> WorkspaceChange {
    WorkspaceChange {
        user: Some(profile.user.clone()),
        phone: profile.phone.clone(),
        extension: profile.extension.clone(),
    }
}

/// What has to change at Webex; `None`: nothing that the interface can change.
pub(super) fn change(
    desired: &Desired,
    profile: &Profile,
    policy: &Policy,
    shown: &Subscriber,
) -> Option<SubscriberChange> {
    let text = |wanted: &str, shown: &Option<String>| {
        let same = shown.as_deref().map(str::trim) == Some(wanted.trim());
        (!same).then(|| wanted.to_owned())
    };
    let number = |wanted: &Option<String>, shown: &Option<String>| {
        let wanted = wanted.as_deref().unwrap_or_default();
        let shown = shown.as_deref().unwrap_or_default();
        (!same_number(wanted, shown)).then(|| wanted.to_owned())
    };
    let package = package(desired, policy);
    let same_package = shown.package.as_deref().and_then(Package::parse) == Some(package);
    let timezone = profile.timezone.as_ref().or(policy.timezone.as_ref());
    let change = SubscriberChange {
        user: None,
        first_name: text(&profile.first_name, &shown.first_name),
        last_name: text(&profile.last_name, &shown.last_name),
        phone: number(&profile.phone, &shown.phone),
        mobile: number(&profile.mobile, &shown.mobile),
        extension: number(&profile.extension, &shown.extension),
        // Webex shows no time zone, so it goes along with whatever else changes.
        timezone: None,
        package: (!same_package).then_some(package),
    };
    if change == SubscriberChange::default() {
        return None;
    }
    Some(SubscriberChange {
        timezone: timezone.cloned(),
        ..change
    })
}

/// What is sent to be the last that was sent, though nothing differs.
pub(super) fn names(profile: &Profile) -> SubscriberChange {
    SubscriberChange {
        first_name: Some(profile.first_name.clone()),
        last_name: Some(profile.last_name.clone()),
        ..SubscriberChange::default()
    }
}

/// What differs, in words.
pub(super) fn words(change: &SubscriberChange) -> String {
    let all = [
        ("user id", change.user.is_some()),
        ("first name", change.first_name.is_some()),
        ("last name", change.last_name.is_some()),
        ("phone number", change.phone.is_some()),
        ("mobile number", change.mobile.is_some()),
        ("extension", change.extension.is_some()),
        ("package", change.package.is_some()),
    ];
    let all = all.into_iter().filter(|(_, differs)| *differs);
    let all: Vec<&str> = all.map(|(name, _)| name).collect();
    all.join(", ")
}

/// Whether Webex shows a tracked user as BroadWorks does, as far as both write alike: numbers are
/// written by the bridge in its own way.
pub(super) fn looks_alike(profile: &Profile, shown: &Subscriber) -> bool {
    let same = |wanted: &str, shown: &Option<String>| {
        let (wanted, shown) = (wanted.trim(), shown.as_deref().unwrap_or_default().trim());
        wanted.is_empty() || wanted == shown
    };
    same(&profile.first_name, &shown.first_name) && same(&profile.last_name, &shown.last_name)
}

/// The same subscriber under another user id.
pub(super) fn rename(user: &BwUserId) -> SubscriberChange {
    SubscriberChange {
        user: Some(user.clone()),
        ..SubscriberChange::default()
    }
}

/// Whether Webex shows another address than the trusted one.
pub(super) fn email_differs(
    desired: &Desired,
    profile: &Profile,
    policy: &Policy,
    shown: &Subscriber,
) -> bool {
    let wanted = email(desired, profile, policy).filter(|_| policy.trusted_email);
    wanted.is_some() && shown.email.is_some() && !same_email(wanted, shown.email.as_deref())
}

/// Whether two addresses are one.
pub(super) fn same_email(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.to_lowercase() == other.to_lowercase(),
        (None, _) | (_, None) => false,
    }
}

/// Whether two customers' names are the same: Webex may change their case.
pub(super) fn same_customer(ours: &SpEnterpriseId, theirs: &str) -> bool {
    ours.as_str().to_lowercase() == theirs.trim().to_lowercase()
}

/// Numbers are compared by their digits: Webex may write them otherwise.
fn same_number(one: &str, other: &str) -> bool {
    let digit = |letter: &char| letter.is_ascii_digit();
    one.chars().filter(digit).eq(other.chars().filter(digit))
}
