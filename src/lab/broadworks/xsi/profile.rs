//! `profile` and what lies below it (specification 3.5.2).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::people;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::PUT;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::read_only;
use crate::platform::clock;

/// Shortest portal password that the lab takes.
const SHORTEST: usize = 6;

/// Longest portal password of the schema.
const LONGEST: usize = 60;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    match tail {
        [] => read_only(ask, || profile(ask)),
        ["fac"] => read_only(ask, access_codes),
        ["registrations"] => read_only(ask, || registrations(ask)),
        ["device"] => read_only(ask, || devices(ask)),
        ["device", line_port] => device(ask, line_port),
        ["schedule"] => read_only(ask, || Element::xsi("ScheduleList")),
        ["schedule", "holiday"] => read_only(ask, || Element::new("holidaySchedules")),
        ["schedule", "time"] => read_only(ask, || Element::new("timeSchedules")),
        ["logintoken"] => login_token(ask),
        ["password", "portal"] => change_password(ask),
        _ => Err(Fault::UnknownResource),
    }
}

fn profile(ask: &UserAsk<'_>) -> Element {
    Element::xsi("Profile")
        .with(people::details("details", ask.user, Some(ask.directory)))
        .with(people::additional(ask.user))
        .with_leaf("passwordExpiresDays", "30")
        .with_leaf("fac", ask.uri("profile/Fac"))
        .with_leaf("registrations", ask.uri("profile/Registrations"))
        .with_leaf("scheduleList", ask.uri("profile/Schedule"))
        .with_leaf("portalPasswordChange", ask.uri("profile/Password/Portal"))
        .with_leaf("countryCode", "1")
        .with_leaf("timeZone", "America/New_York")
        .with_leaf("timeZoneDisplayName", "(GMT-04:00) (US) Eastern Time")
}

/// At least two: wxcadm iterates a list.
fn access_codes() -> Element {
    let code = |name: &str, code: &str| {
        Element::new("featureAccessCode")
            .with_leaf("codeName", name)
            .with_leaf("code", code)
    };
    Element::xsi("FAC")
        .with(code("Call Park", "*68"))
        .with(code("Call Pickup", "*98").with_leaf("alternateCode", "#98"))
        .with(code("Directed Call Pickup", "*97"))
        .with(code("Do Not Disturb Activation", "*78"))
        .with(code("Do Not Disturb Deactivation", "*79"))
}

fn registrations(ask: &UserAsk<'_>) -> Element {
    let all = ask.user.registrations.iter().map(|registration| {
        Element::new("registration")
            .with_leaf("endpointType", &registration.endpoint)
            .with_leaf("uri", &registration.uri)
            .with_leaf("expiration", &registration.expiration)
            .with_leaf("linePort", &registration.line_port)
            .with_leaf("userAgent", &registration.user_agent)
    });
    Element::xsi("Registrations").with_all(all)
}

/// All devices, or those of the `deviceType` asked for.
fn devices(ask: &UserAsk<'_>) -> Element {
    let wanted = ask.ask.query.first("deviceType");
    let devices = ask.user.devices.iter();
    let all = devices
        .filter(|device| wanted.is_none_or(|wanted| wanted == device.device_type))
        .map(|device| access_device("accessDevice", device));
    Element::xsi("AccessDevices").with_all(all)
}

fn device(ask: &UserAsk<'_>, line_port: &str) -> Outcome {
    ask.only(GET)?;
    let devices = &ask.user.devices;
    let held = devices
        .iter()
        .find(|device| device.line_port.eq_ignore_ascii_case(line_port));
    let held = held.ok_or_else(|| Fault::NotFound("Device", line_port.to_owned()))?;
    let element = access_device("AccessDevice", held);
    Ok(Answer::document(
        element.declare(None, crate::domain::xsi::codec::XSI),
    ))
}

fn access_device(name: &str, device: &crate::lab::broadworks::directory::Device) -> Element {
    Element::new(name)
        .with_leaf("deviceName", &device.name)
        .with_leaf("deviceLevel", "Group")
        .with_leaf("deviceType", &device.device_type)
        .with_leaf("deviceLinePort", &device.line_port)
        .with_leaf("deviceTypeUrl", &device.url)
        .with_some("version", device.version.as_deref())
        .with_leaf("endpointType", &device.endpoint)
}

/// For oneself, or for whomever one may act for.
fn login_token(ask: &UserAsk<'_>) -> Outcome {
    ask.only(POST)?;
    let token = ask.lab.tokens.issue(&ask.user.id, clock::mono())?;
    let root = Element::xsi("LoginToken").with_leaf("token", token);
    Ok(Answer {
        document: Answer::document(root).document,
        ..Answer::created()
    })
}

/// The old password may be left out by an administrator only.
fn change_password(ask: &UserAsk<'_>) -> Outcome {
    ask.only(PUT)?;
    let portal = ask.ask.document("Portal")?;
    let new = portal
        .child("newPassword")
        .map(Element::text)
        .unwrap_or_default();
    if !(SHORTEST..=LONGEST).contains(&new.chars().count()) {
        return Err(Fault::Password("the new password has the wrong length"));
    }
    let proven = match portal.child("oldPassword") {
        Some(old) => ask.lab.passwords.verify(&ask.user.password, old.text()),
        None => ask.by_administrator,
    };
    if !proven {
        return Err(Fault::Password("the old password is wrong"));
    }
    let hash = ask.lab.passwords.hash(new)?;
    ask.change(|user| {
        user.password = hash;
        user.password_changed = true;
        Ok(Answer::done())
    })
}
