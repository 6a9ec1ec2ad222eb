//! Every user service as one row: its name in the services list, its resource, its elements.
//! Layouts: XSI Interface Specification 3.5.3 and the schema of release 24.

mod assistants;
mod caller_id;
mod calls;
mod colleagues;
mod forwarding;
mod incoming;
mod locations;
mod messages;

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::flag;

pub(super) use locations::ANYWHERE_LOCATION;

/// The services by path, in lower case already.
pub(super) fn by_path(path: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.path == Some(path))
}

/// A resource below a service, by both parts of its path.
pub(super) fn part(path: &str, tail: &str) -> Option<(&'static Service, &'static str)> {
    PARTS.iter().find_map(|part| {
        let held = part.path?;
        (held.split_once('/') == Some((path, tail))).then_some((part, held))
    })
}

const ACTIVE: &[Field] = &[flag("active")];

/// Resources below a service that have settings of their own.
pub(in crate::lab::broadworks::xsi) static PARTS: &[Service] = &[
    messages::GREETINGS,
    assistants::EXECUTIVE_ASSISTANTS,
    assistants::EXECUTIVE_FILTERING,
    assistants::EXECUTIVE_SCREENING,
    assistants::EXECUTIVE_ALERTING,
];

/// All services, the documented ones of Alice's list first and in its order.
pub(in crate::lab::broadworks) static SERVICES: &[Service] = &[
    incoming::ANONYMOUS_CALL_REJECTION,
    forwarding::ALWAYS,
    forwarding::NO_ANSWER,
    incoming::CALL_WAITING,
    incoming::DO_NOT_DISTURB,
    locations::REMOTE_OFFICE,
    colleagues::BUSY_LAMP_FIELD,
    locations::ANYWHERE,
    locations::ALTERNATE_NUMBERS,
    assistants::EXECUTIVE,
    assistants::EXECUTIVE_ASSISTANT,
    messages::VOICE_MESSAGING,
    messages::BASIC_CALL_LOGS,
    calls::DIRECTED_PICKUP,
    calls::PARK,
    forwarding::BUSY,
    forwarding::NOT_REACHABLE,
    forwarding::ALWAYS_SECONDARY,
    forwarding::SELECTIVE,
    calls::AUTOMATIC_CALLBACK,
    calls::AUTOMATIC_HOLD,
    incoming::BARGE_IN_EXEMPT,
    caller_id::DELIVERY_BLOCKING,
    caller_id::BLOCKING_OVERRIDE,
    caller_id::NAME_DELIVERY,
    caller_id::NUMBER_DELIVERY,
    caller_id::NAME_RETRIEVAL,
    caller_id::CONNECTED_LINE_RESTRICTION,
    caller_id::EXTERNAL_DELIVERY,
    caller_id::INTERNAL_DELIVERY,
    incoming::SILENT_ALERTING,
    locations::SIMULTANEOUS_RING,
    locations::SEQUENTIAL_RING,
    assistants::PERSONAL_ASSISTANT,
    colleagues::PRIVACY,
    calls::SPEED_DIAL,
    calls::MUSIC_ON_HOLD,
    incoming::NOTIFY,
    calls::TRANSFER,
    calls::RECORDING,
    calls::DIRECTED_PICKUP_WITH_BARGE_IN,
    locations::HOTELING_GUEST,
    colleagues::CALL_CENTER,
    messages::INTEGRATED_IMP,
    messages::PUSH_NOTIFICATION,
    incoming::SELECTIVE_ACCEPTANCE,
    incoming::SELECTIVE_REJECTION,
    messages::ENHANCED_CALL_LOGS,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::broadworks::xsi::services::row::Kind::Email;
    use crate::lab::broadworks::xsi::services::row::Kind::List;
    use crate::lab::broadworks::xsi::services::row::Kind::Phone;
    use crate::lab::broadworks::xsi::services::row::Kind::Repeated;
    use crate::lab::broadworks::xsi::services::row::Kind::SipUri;
    use crate::lab::broadworks::xsi::services::row::Kind::Text;
    use crate::lab::broadworks::xsi::services::row::Kind::Users;

    #[test]
    fn rows_are_unambiguous_and_their_defaults_and_needs_fit() {
        for (at, service) in SERVICES.iter().enumerate() {
            for other in SERVICES.iter().skip(at + 1) {
                assert_ne!(service.name, other.name);
                assert!(
                    service.path.is_none() || service.path != other.path,
                    "{}",
                    other.name
                );
            }
            if let Some(path) = service.path {
                assert_eq!(path, path.to_lowercase());
                assert!(std::ptr::eq(by_path(path).unwrap(), service));
            }
            let has = |name: &str| service.fields.iter().any(|field| field.name == name);
            assert!(
                service
                    .needs
                    .iter()
                    .all(|(one, other)| has(one) && has(other))
            );
            assert!(service.users.is_none_or(|users| has(users.field)));
            for field in service.fields {
                // A value that nil clears must not come back as a default.
                let clearable = matches!(
                    field.kind,
                    Email | Phone | SipUri | Text(_) | Users | List(..) | Repeated(..)
                );
                assert!(!clearable || field.default.is_none(), "{}", field.name);
            }
        }
    }
}
