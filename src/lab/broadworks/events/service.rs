//! The state of users as events: their calls, services and mailboxes, as they are and as they
//! change.

use crate::lab::broadworks::calls::Calls;
use crate::lab::broadworks::calls::service_setting;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::events::call;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Occurrence;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::markup::Markup;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;

/// Packages whose state stands in the directory.
const SERVICES: [Package; 6] = [
    Package::DO_NOT_DISTURB,
    Package::FORWARDING_ALWAYS,
    Package::FORWARDING_BUSY,
    Package::FORWARDING_NO_ANSWER,
    Package::REMOTE_OFFICE,
    Package::VOICE_MAIL_SUMMARY,
];

/// What a subscription to a user begins with, and what it is told anew when it is prolonged.
/// Other targets are told no state.
pub(super) fn state(
    calls: &Calls,
    directory: &Directory,
    target: &Target,
    packages: Packages,
    anew: bool,
) -> Vec<EventData> {
    let user = match target {
        Target::User { user, sub: None } => directory.user(user),
        Target::User { sub: Some(_), .. }
        | Target::Group { .. }
        | Target::Provider(_)
        | Target::System => None,
    };
    let Some(user) = user else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if packages.meets(Packages::CALLS) {
        let detached = packages.has(Package::ADVANCED_CALL);
        let kind = if anew {
            "CallSubscriptionResyncEvent"
        } else {
            "CallSubscriptionEvent"
        };
        all.push(EventData::new(kind, |markup| {
            call::snapshot(markup, calls, &user.id, detached);
        }));
    }
    if packages.has(Package::CALL_PARK) {
        all.push(call::parked(calls.parked(&user.id).as_ref()));
    }
    for package in SERVICES {
        if packages.has(package) {
            all.extend(of(user, package));
        }
    }
    all
}

/// What became of users from one state of the directory to the next.
pub(super) fn changes(before: &Directory, after: &Directory) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (key, user) in &after.users {
        let Some(was) = before.users.get(key) else {
            continue;
        };
        if was == user {
            continue;
        }
        let told: Vec<(Packages, EventData)> = SERVICES
            .into_iter()
            .filter_map(|package| {
                let now = of(user, package)?;
                (of(was, package).as_ref() != Some(&now)).then(|| (Packages::of(package), now))
            })
            .collect();
        if !told.is_empty() {
            inputs.push(Input::Occurred(Occurrence {
                provider: user.service_provider.clone(),
                group: user.group.clone(),
                user: user.id.clone(),
                told,
            }));
        }
    }
    for (key, user) in &before.users {
        if !after.users.contains_key(key) {
            inputs.push(Input::UserDeleted(user.id.clone()));
        }
    }
    inputs
}

/// The state of one service of a user, `unassigned` where the user lacks it.
fn of(user: &User, package: Package) -> Option<EventData> {
    let (kind, path, fields): (_, _, &[&str]) = match package {
        Package::DO_NOT_DISTURB => (
            "DoNotDisturbEvent",
            "donotdisturb",
            &["active", "ringSplash"],
        ),
        Package::FORWARDING_ALWAYS => (
            "CallForwardingAlwaysEvent",
            "callforwardingalways",
            &["active", "forwardToPhoneNumber", "ringSplash"],
        ),
        Package::FORWARDING_BUSY => (
            "CallForwardingBusyEvent",
            "callforwardingbusy",
            &["active", "forwardToPhoneNumber"],
        ),
        Package::FORWARDING_NO_ANSWER => (
            "CallForwardingNoAnswerEvent",
            "callforwardingnoanswer",
            &["active", "forwardToPhoneNumber", "numberOfRings"],
        ),
        Package::REMOTE_OFFICE => (
            "RemoteOfficeEvent",
            "remoteoffice",
            &["active", "remoteOfficeNumber"],
        ),
        Package::VOICE_MAIL_SUMMARY => return Some(messages(user)),
        _ => return None,
    };
    let assigned = package.service().is_some_and(|name| user.has_service(name));
    Some(EventData::new(kind, |markup| {
        if !assigned {
            markup.flag("unassigned", true);
            return;
        }
        markup.within("info", |info| {
            for field in fields {
                setting(info, user, path, field);
            }
        });
    }))
}

fn setting(info: &mut Markup, user: &User, path: &str, field: &str) {
    let Some(text) = service_setting(user, path, field) else {
        return;
    };
    let number = field.ends_with("Number") && !text.contains(':');
    if number {
        info.leaf(field, &format!("tel:{text}"));
    } else {
        info.leaf(field, text);
    }
}

/// Counts that are zero are absent.
fn messages(user: &User) -> EventData {
    let read = user
        .voice_messages
        .iter()
        .filter(|message| message.read)
        .count();
    let new = user.voice_messages.len() - read;
    let count = |count: usize| i64::try_from(count).ok().filter(|count| *count > 0);
    EventData::new("VoiceMailMessageSummaryEvent", |markup| {
        markup.within("messageSummary", |summary| {
            summary
                .number("newMessages", count(new))
                .number("oldMessages", count(read));
        });
    })
}
