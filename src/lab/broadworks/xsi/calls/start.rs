//! The commands that start a call: 201 with the place of the new call and its ids.

use http::StatusCode;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::digits;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::calls::absolute;
use crate::lab::broadworks::xsi::calls::carry_out;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::UserAsk;

/// A resource that starts a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Starter {
    CallPickup,
    CallRetrieve,
    CallReturn,
    DirectedCallPickup,
    DirectedCallPickupBargeIn,
    LastNumberRedial,
    New,
    ParkRetrieve,
    SilentMonitor,
}

impl Starter {
    /// By its path, in lower case.
    pub(super) fn named(path: &str) -> Option<Self> {
        match path {
            "callpickup" => Some(Self::CallPickup),
            "callretrieve" => Some(Self::CallRetrieve),
            "callreturn" => Some(Self::CallReturn),
            "directedcallpickup" => Some(Self::DirectedCallPickup),
            "directedcallpickupbargein" => Some(Self::DirectedCallPickupBargeIn),
            "lastnumberredial" => Some(Self::LastNumberRedial),
            "new" => Some(Self::New),
            "parkretrieve" => Some(Self::ParkRetrieve),
            "silentmonitor" => Some(Self::SilentMonitor),
            _ => None,
        }
    }
}

pub(super) fn answer(ask: &UserAsk<'_>, starter: Starter) -> Outcome {
    ask.only(POST)?;
    let start = match starter {
        Starter::CallPickup => Start::Pickup,
        Starter::CallRetrieve => Start::ParkRetrieve(None),
        Starter::CallReturn => Start::CallReturn,
        Starter::DirectedCallPickup => Start::DirectedPickup(address(ask)?),
        Starter::DirectedCallPickupBargeIn => Start::BargeIn(address(ask)?),
        Starter::LastNumberRedial => Start::LastNumberRedial,
        Starter::New => Start::Dial(address(ask)?),
        Starter::ParkRetrieve => Start::ParkRetrieve(given(ask, "address").map(str::to_owned)),
        Starter::SilentMonitor => Start::Monitor(address(ask)?),
    };
    if let Some(clid) = given(ask, "clid")
        && !["personal", "dnis"].contains(&clid.to_ascii_lowercase().as_str())
    {
        return Err(Fault::Parameter("clid"));
    }
    let info = given(ask, "info").map(str::to_owned);
    if info.as_ref().is_some_and(|info| info.len() > INFO) {
        return Err(Fault::Parameter("info"));
    }
    let reply = carry_out(
        ask,
        Command::Start {
            start,
            ring_first: location(ask)?,
            info,
        },
    )?;
    let started = started(ask, &reply);
    Ok(Answer {
        status: StatusCode::CREATED,
        ..started
    })
}

/// Longest text that a client may attach.
const INFO: usize = 1024;

/// `CallStartInfo` and the place of the call.
pub(super) fn started(ask: &UserAsk<'_>, reply: &Reply) -> Answer {
    match reply {
        Reply::Started { call, tracking } => Answer {
            location: Some(absolute(ask, &format!("calls/{call}"))),
            ..Answer::document(
                Element::xsi("CallStartInfo")
                    .with_leaf("callId", call.to_string())
                    .with_leaf("externalTrackingId", tracking.to_string()),
            )
        },
        Reply::Done | Reply::Parked { .. } => Answer::done(),
    }
}

/// A parameter that has a value.
pub(super) fn given<'a>(ask: &'a UserAsk<'_>, name: &str) -> Option<&'a str> {
    ask.ask
        .query
        .first(name)
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// The address that a command needs. A `+` that a client did not escape reads as a blank.
pub(super) fn address(ask: &UserAsk<'_>) -> Result<String, Fault> {
    given(ask, "address")
        .map(str::to_owned)
        .ok_or(Fault::Parameter("address"))
}

/// The phone that rings first (specification 3.5.4.2); without a location the lab's phone dials
/// at once.
fn location(ask: &UserAsk<'_>) -> Result<Option<Endpoint>, Fault> {
    let Some(location) = given(ask, "location") else {
        return Ok(None);
    };
    let wanted = given(ask, "locationAddress");
    let missing = Fault::Parameter("locationAddress");
    let endpoint =
        match location.to_ascii_lowercase().as_str() {
            "all" | "primary" => Endpoint::Access(ask.user.id.clone()),
            "broadworksanywhere" => {
                let wanted = digits(wanted.ok_or(missing)?);
                let numbers = ask.user.anywhere.iter().filter_map(|location| {
                    match location.get("phoneNumber") {
                        Some(Setting::Text(number)) => Some(number),
                        Some(Setting::List(_) | Setting::Record(_)) | None => None,
                    }
                });
                let mut same = numbers.filter(|number| same_number(&digits(number), &wanted));
                let number = same.next().ok_or(Fault::Parameter("locationAddress"))?;
                Endpoint::Anywhere(format!("tel:{number}"))
            }
            "mobility" => {
                let own = ask.user.mobile.as_deref();
                let wanted = digits(wanted.or(own).ok_or(missing)?);
                let own = digits(own.ok_or(Fault::Parameter("locationAddress"))?);
                if !same_number(&own, &wanted) {
                    return Err(Fault::Parameter("locationAddress"));
                }
                Endpoint::Mobility(format!("tel:{own}"))
            }
            "sharedcallappearance" => {
                let wanted = wanted.ok_or(missing)?;
                let bare = wanted.strip_prefix("sip:").unwrap_or(wanted);
                let mut devices = ask.user.devices.iter();
                let device = devices.find(|device| device.line_port.eq_ignore_ascii_case(bare));
                let device = device.ok_or(Fault::Parameter("locationAddress"))?;
                Endpoint::Access(device.line_port.clone())
            }
            "flexibleseatingguest" => {
                return Err(Fault::ServiceNotAssigned("Flexible Seating Guest"));
            }
            _ => return Err(Fault::Parameter("location")),
        };
    Ok(Some(endpoint))
}

/// Whether two numbers are one, with or without the lab's country code.
fn same_number(one: &str, other: &str) -> bool {
    let national = |number: &str| number.strip_prefix('1').unwrap_or(number).to_owned();
    !one.is_empty() && national(one) == national(other)
}
