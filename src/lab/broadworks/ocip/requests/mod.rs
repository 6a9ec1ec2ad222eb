//! From a request to its answer. Logins and verifications, which hash, are the session's.

mod group;
mod lists;
pub(super) mod login;
mod messaging;
mod oci_table;
mod people;
mod services;
mod system;
mod table;
mod tokens;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;

pub(super) use services::Change;
pub(super) use services::change;
pub(super) use table::Access;
pub(super) use table::Act;
pub(super) use table::Kind;
pub(super) use table::LoginForm;

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// By id in lower case with domain.
    Administrator(String),
    /// By user id.
    User(String),
}

/// Whether an act changes the state, which waits for the disk.
pub(super) const fn changes(act: Act) -> bool {
    match act {
        Act::ClientIdentityAdd
        | Act::ClientIdentityDelete
        | Act::GroupMessagingModify
        | Act::ImpModify
        | Act::ProviderMessagingModify
        | Act::ResellerMessagingModify
        | Act::Revoke
        | Act::ServiceAssign
        | Act::ServiceUnassign
        | Act::SystemImpModify
        | Act::SystemMessagingModify
        | Act::UserDelete
        | Act::UserModify
        | Act::UserModifyId => true,
        Act::Authenticate
        | Act::BusyLampField
        | Act::ClientIdentityList
        | Act::CreateLoginToken
        | Act::Group(_)
        | Act::GroupMessaging
        | Act::IntegratedImp
        | Act::Login(_)
        | Act::LoginInfo(_)
        | Act::Logout
        | Act::Nothing
        | Act::ProviderMessaging
        | Act::ResellerMessaging
        | Act::ServiceIsAssigned
        | Act::ServiceList
        | Act::ServiceProvider(_)
        | Act::SoftwareVersion
        | Act::SystemImp
        | Act::SystemMessaging
        | Act::User(_)
        | Act::UsersInGroup
        | Act::UsersInServiceProvider
        | Act::Verify => false,
    }
}

/// Answers what needs no password. The caller's right to ask is proven.
pub(super) fn answer(lab: &BroadWorks, act: Act, body: &Element) -> Result<Answer, Refusal> {
    let directory = lab.store.read();
    match act {
        Act::BusyLampField => people::busy_lamp_field(&directory, named_user(&directory, body)?),
        Act::ClientIdentityAdd => system::add_client_identity(lab, body),
        Act::ClientIdentityDelete => system::delete_client_identity(lab, body),
        Act::ClientIdentityList => Ok(system::client_identities(&directory)),
        Act::CreateLoginToken => tokens::create(lab, named_user(&directory, body)?),
        Act::Group(form) => group::group(&directory, form, body),
        Act::GroupMessaging => messaging::of_group(&directory, body),
        Act::GroupMessagingModify => messaging::modify_group(lab, body),
        Act::IntegratedImp => people::integrated_imp(named_user(&directory, body)?),
        Act::LoginInfo(form) => login::info(lab, &directory, form, asked_user(&directory, body)?),
        Act::Nothing => Ok(Answer::done()),
        Act::ProviderMessaging => messaging::of_provider(&directory, body),
        Act::ProviderMessagingModify => messaging::modify_provider(lab, body),
        Act::ResellerMessaging => messaging::of_reseller(&directory, body),
        Act::ResellerMessagingModify => messaging::modify_reseller(lab, body),
        Act::Revoke => tokens::revoke(lab, body),
        Act::ServiceIsAssigned => services::is_assigned(named_user(&directory, body)?, body),
        Act::ServiceList => Ok(services::list(&directory, named_user(&directory, body)?)),
        Act::ServiceProvider(form) => group::service_provider(&directory, form, body),
        Act::SoftwareVersion => Ok(system::software_version()),
        Act::SystemImp => Ok(messaging::system_service(&directory)),
        Act::SystemImpModify => messaging::modify_system_service(lab, body),
        Act::SystemMessaging => Ok(messaging::of_system(&directory)),
        Act::SystemMessagingModify => messaging::modify_system(lab, body),
        Act::User(form) => {
            let user = named_user(&directory, body)?;
            Ok(people::user(form, user, directory.reseller_of(user)))
        }
        Act::UsersInGroup => lists::in_group(&directory, body),
        Act::UsersInServiceProvider => lists::in_service_provider(&directory, body),
        // The session answers these; whoever comes here asked for nothing.
        Act::Authenticate
        | Act::ImpModify
        | Act::Login(_)
        | Act::Logout
        | Act::ServiceAssign
        | Act::ServiceUnassign
        | Act::UserDelete
        | Act::UserModify
        | Act::UserModifyId
        | Act::Verify => Ok(Answer::done()),
    }
}

/// The user whom a request is about, where there is one: `userId`, `phoneNumber` or `linePort`.
pub(super) fn asked_user<'a>(
    directory: &'a Directory,
    body: &Element,
) -> Result<&'a User, Refusal> {
    let (asked, found) = if let Some(id) = optional(body, "userId") {
        (id, directory.user(id))
    } else if let Some(number) = optional(body, "phoneNumber") {
        (number, directory.user_by_number(number))
    } else if let Some(line) = optional(body, "linePort") {
        (line, user_by_line(directory, line))
    } else {
        return Err(Refusal::missing("userId"));
    };
    found.ok_or_else(|| Refusal::UserNotFound(asked.to_owned()))
}

fn named_user<'a>(directory: &'a Directory, body: &Element) -> Result<&'a User, Refusal> {
    let id = text(body, "userId")?;
    let user = directory.user(id);
    user.ok_or_else(|| Refusal::UserNotFound(id.to_owned()))
}

/// The user of a line, by the line and port of one of the devices.
pub(super) fn user_by_line<'a>(directory: &'a Directory, line: &str) -> Option<&'a User> {
    directory.users.values().find(|user| {
        let mut devices = user.devices.iter();
        devices.any(|device| device.line_port.eq_ignore_ascii_case(line))
    })
}

/// The text of an element that must be there.
pub(super) fn text<'a>(body: &'a Element, name: &str) -> Result<&'a str, Refusal> {
    optional(body, name).ok_or_else(|| Refusal::missing(name))
}

/// The text of an element; `None` when it is absent, nil or empty.
pub(super) fn optional<'a>(body: &'a Element, name: &str) -> Option<&'a str> {
    let child = body.child(name).filter(|child| !child.is_nil())?;
    Some(child.text().trim()).filter(|text| !text.is_empty())
}
