//! What a user's services make of an incoming call, read from the directory when it arrives.
//!
//! Selective forwarding has no criteria in the lab's directory: when active it forwards every
//! call to its default number. Selective acceptance and rejection have none either and do nothing.

use std::time::Duration;

use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::xsi::services::table::SERVICES;

/// One ring: two seconds of tone and four of silence, as in North America.
pub(super) const RING: Duration = Duration::from_secs(6);

/// Rings before the mailbox answers, the default of its greetings (`noAnswerNumberOfRings`).
const MAILBOX_RINGS: u32 = 3;

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Goes to another address.
    Forward { to: String, reason: Reason },
    /// Is refused.
    Reject(Cause),
    /// Rings.
    Ring(Ringing),
    /// Goes into the mailbox.
    VoiceMail(Reason),
}

/// How a call rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ringing {
    /// How long, when something follows.
    pub(super) until: Option<Duration>,
    /// The phone that rings in place of the user's own.
    pub(super) remote_office: Option<String>,
    /// Other phones that ring, too.
    pub(super) also: Vec<String>,
}

/// What an arriving call finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Situation {
    /// The caller hides.
    pub(super) anonymous: bool,
    /// The user has calls.
    pub(super) on_a_call: bool,
    /// The user can have one more.
    pub(super) has_room: bool,
}

/// What becomes of a call that arrives (BroadWorks runs the services in this order).
pub(super) fn incoming(user: &User, found: Situation) -> Decision {
    if found.anonymous && is_active(user, "anonymouscallrejection") {
        return Decision::Reject(Cause::AnonymousRejected);
    }
    for (path, number) in [
        ("callforwardingalways", "forwardToPhoneNumber"),
        ("callforwardingalwayssecondary", "forwardToPhoneNumber"),
        ("callforwardingselective", "defaultForwardToPhoneNumber"),
    ] {
        if let Some(to) = forwards(user, path, number) {
            let reason = Reason::Unconditional;
            return Decision::Forward { to, reason };
        }
    }
    if mailbox(user, "alwaysRedirectToVoiceMail") {
        return Decision::VoiceMail(Reason::Unconditional);
    }
    if is_active(user, "donotdisturb") {
        return busy(user, Reason::DoNotDisturb);
    }
    let remote_office = is_active(user, "remoteoffice")
        .then(|| setting(user, "remoteoffice", "remoteOfficeNumber"))
        .flatten()
        .map(str::to_owned);
    if remote_office.is_none() && user.devices.is_empty() {
        return not_reachable(user);
    }
    if !found.has_room || (found.on_a_call && !is_active(user, "callwaiting")) {
        return busy(user, Reason::UserBusy);
    }
    Decision::Ring(Ringing {
        until: ringing_time(user),
        remote_office,
        also: simultaneous(user, found.on_a_call),
    })
}

/// What becomes of a call to a busy user.
pub(super) fn busy(user: &User, reason: Reason) -> Decision {
    if let Some(to) = forwards(user, "callforwardingbusy", "forwardToPhoneNumber") {
        return Decision::Forward { to, reason };
    }
    if mailbox(user, "busyRedirectToVoiceMail") {
        return Decision::VoiceMail(reason);
    }
    Decision::Reject(Cause::Busy)
}

/// What becomes of a call that nobody answers.
pub(super) fn no_answer(user: &User) -> Decision {
    let reason = Reason::NoAnswer;
    if let Some(to) = forwards(user, "callforwardingnoanswer", "forwardToPhoneNumber") {
        return Decision::Forward { to, reason };
    }
    if mailbox(user, "noAnswerRedirectToVoiceMail") {
        return Decision::VoiceMail(reason);
    }
    Decision::Reject(Cause::NoAnswer)
}

fn not_reachable(user: &User) -> Decision {
    let reason = Reason::OutOfService;
    if let Some(to) = forwards(user, "callforwardingnotreachable", "forwardToPhoneNumber") {
        return Decision::Forward { to, reason };
    }
    if mailbox(user, "noAnswerRedirectToVoiceMail") {
        return Decision::VoiceMail(reason);
    }
    Decision::Reject(Cause::NotReachable)
}

/// How long a call rings before [`no_answer`] decides; `None` when it would only end there.
fn ringing_time(user: &User) -> Option<Duration> {
    let forwarding = "callforwardingnoanswer";
    let rings = if forwards(user, forwarding, "forwardToPhoneNumber").is_some() {
        setting(user, forwarding, "numberOfRings").and_then(|rings| rings.parse().ok())
    } else if mailbox(user, "noAnswerRedirectToVoiceMail") {
        let greetings = user.settings.get("voicemessaging/greetings");
        let rings = greetings.and_then(|held| held.get("noAnswerNumberOfRings"));
        Some(
            rings
                .and_then(text)
                .and_then(|rings| rings.parse().ok())
                .unwrap_or(MAILBOX_RINGS),
        )
    } else {
        None
    };
    rings.map(|rings: u32| RING * rings)
}

fn simultaneous(user: &User, on_a_call: bool) -> Vec<String> {
    let path = "simultaneousringpersonal";
    let spared = on_a_call
        && setting(user, path, "incomingCalls").is_none_or(|held| held.starts_with("Do not Ring"));
    if spared || !is_active(user, path) {
        return Vec::new();
    }
    let held = user.settings.get(path);
    let Some(Setting::List(locations)) = held.and_then(|held| held.get("simRingLocations")) else {
        return Vec::new();
    };
    let address = |location: &Setting| match location {
        Setting::Record(held) => held.get("address").and_then(text).map(str::to_owned),
        Setting::List(_) | Setting::Text(_) => None,
    };
    locations.iter().filter_map(address).collect()
}

/// Whether callers of this user are not told who calls.
pub(super) fn hides(caller: &User, callee: &User) -> bool {
    is_active(caller, "callinglineiddeliveryblocking")
        && !is_active(callee, "callinglineidblockingoverride")
}

/// Whether a user has a mailbox that takes messages.
pub(super) fn has_mailbox(user: &User) -> bool {
    is_active(user, "voicemessaging")
}

/// Whether nothing rings at this user now.
pub(super) fn is_quiet(user: &User) -> bool {
    is_active(user, "donotdisturb")
}

/// Whether nobody may join the calls of this user.
pub(super) fn is_exempt_from_barge_in(user: &User) -> bool {
    is_active(user, "bargeinexempt")
}

/// Whether this user may record calls by command.
pub(super) fn records_on_demand(user: &User) -> bool {
    setting(user, "callrecording", "recordingMode").is_some_and(|mode| mode != "never")
}

fn mailbox(user: &User, when: &str) -> bool {
    has_mailbox(user) && setting(user, "voicemessaging", when) == Some("true")
}

fn forwards(user: &User, path: &str, number: &str) -> Option<String> {
    let to = setting(user, path, number)?;
    is_active(user, path).then(|| to.to_owned())
}

fn is_active(user: &User, path: &str) -> bool {
    setting(user, path, "active") == Some("true")
}

/// A setting of an assigned service, or its default.
pub(in crate::lab::broadworks) fn setting<'a>(
    user: &'a User,
    path: &str,
    name: &str,
) -> Option<&'a str> {
    let service = SERVICES.iter().find(|service| service.path == Some(path))?;
    if !user.has_service(service.name) {
        return None;
    }
    let held = user.settings.get(path).and_then(|held| held.get(name));
    held.and_then(text).or_else(|| {
        let field = service.fields.iter().find(|field| field.name == name)?;
        field.default
    })
}

fn text(setting: &Setting) -> Option<&str> {
    match setting {
        Setting::Text(held) => Some(held),
        Setting::List(_) | Setting::Record(_) => None,
    }
}
