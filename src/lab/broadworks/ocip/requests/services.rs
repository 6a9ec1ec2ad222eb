//! Services of users, and what changes users: values in, values out. Whoever carries a change out
//! has the messaging server agree to it before.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::INTEGRATED_IMP;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::directory::full_id;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::messaging::flag;
use crate::lab::broadworks::ocip::requests::named_user;
use crate::lab::broadworks::ocip::requests::oci_table::table;
use crate::lab::broadworks::ocip::requests::optional;
use crate::lab::broadworks::ocip::requests::table::Act;
use crate::lab::broadworks::ocip::requests::text;
use crate::lab::broadworks::xsi::services::table::SERVICES;

/// Services of the schema that no Xsi resource shows.
const OTHERS: [&str; 5] = [
    "Authentication",
    "Direct Route",
    "Route List",
    "Shared Call Appearance",
    "Shared Call Appearance 5",
];

/// A user before and after a request; nobody after a deletion.
pub(in crate::lab::broadworks::ocip) struct Change {
    pub(in crate::lab::broadworks::ocip) before: User,
    pub(in crate::lab::broadworks::ocip) after: Option<User>,
}

/// What a request would make of its user; `None` for requests that change no user.
pub(in crate::lab::broadworks::ocip) fn change(
    directory: &Directory,
    act: Act,
    body: &Element,
) -> Option<Result<Change, Refusal>> {
    let alter: fn(&Directory, &Element, &mut User) -> Result<(), Refusal> = match act {
        Act::ImpModify => modify_imp,
        Act::ServiceAssign => assign,
        Act::ServiceUnassign => unassign,
        Act::UserModify => modify,
        Act::UserModifyId => rename,
        Act::UserDelete => {
            let user = named_user(directory, body);
            return Some(user.map(|user| Change {
                before: user.clone(),
                after: None,
            }));
        }
        Act::Authenticate
        | Act::BusyLampField
        | Act::ClientIdentityAdd
        | Act::ClientIdentityDelete
        | Act::ClientIdentityList
        | Act::CreateLoginToken
        | Act::Group(_)
        | Act::GroupMessaging
        | Act::GroupMessagingModify
        | Act::IntegratedImp
        | Act::Login(_)
        | Act::LoginInfo(_)
        | Act::Logout
        | Act::Nothing
        | Act::ProviderMessaging
        | Act::ProviderMessagingModify
        | Act::ResellerMessaging
        | Act::ResellerMessagingModify
        | Act::Revoke
        | Act::ServiceIsAssigned
        | Act::ServiceList
        | Act::ServiceProvider(_)
        | Act::SoftwareVersion
        | Act::SystemImp
        | Act::SystemImpModify
        | Act::SystemMessaging
        | Act::SystemMessagingModify
        | Act::User(_)
        | Act::UsersInGroup
        | Act::UsersInServiceProvider
        | Act::Verify => return None,
    };
    Some(named_user(directory, body).and_then(|before| {
        let mut after = before.clone();
        alter(directory, body, &mut after)?;
        Ok(Change {
            before: before.clone(),
            after: Some(after),
        })
    }))
}

/// `UserServiceIsAssignedRequest`.
pub(super) fn is_assigned(user: &User, body: &Element) -> Result<Answer, Refusal> {
    let assigned = match optional(body, "servicePackName") {
        Some(pack) => user.service_packs.iter().any(|held| held == pack),
        None => user.has_service(text(body, "serviceName")?),
    };
    let answer = vec![Element::leaf("isAssigned", assigned.to_string())];
    Ok(Answer::data("UserServiceIsAssignedResponse", answer))
}

/// `UserServiceGetAssignmentListRequest`.
pub(super) fn list(directory: &Directory, user: &User) -> Answer {
    let provider = directory.providers.get(&user.service_provider);
    let packs = provider
        .into_iter()
        .flat_map(|held| held.service_packs.keys());
    let packs = packs.map(|pack| {
        let assigned = user.service_packs.contains(pack).to_string();
        [pack.clone(), assigned, String::new()]
    });
    let services = known_services().map(|service| {
        let assigned = user.has_service(service).to_string();
        [service.to_owned(), assigned]
    });
    let answer = vec![
        table(
            "servicePacksAssignmentTable",
            ["Service Pack Name", "Assigned", "Description"],
            packs,
        ),
        table(
            "userServicesAssignmentTable",
            ["Service Name", "Assigned"],
            services,
        ),
    ];
    Answer::data("UserServiceGetAssignmentListResponse", answer)
}

fn known_services() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|service| service.name).chain(OTHERS)
}

/// `UserServiceAssignListRequest`.
fn assign(directory: &Directory, body: &Element, user: &mut User) -> Result<(), Refusal> {
    for service in named(body, "serviceName") {
        give(user, service)?;
    }
    for pack in named(body, "servicePackName") {
        for service in services_of(directory, user, pack)? {
            give(user, &service)?;
        }
        if !user.service_packs.iter().any(|held| held == pack) {
            user.service_packs.push(pack.to_owned());
        }
    }
    Ok(())
}

fn give(user: &mut User, service: &str) -> Result<(), Refusal> {
    if !known_services().any(|known| known == service) {
        let service: String = service.chars().take(80).collect();
        return Err(Refusal::Entry("Service not authorized", service));
    }
    if !user.has_service(service) {
        user.assigned.push(service.to_owned());
        if service == INTEGRATED_IMP {
            // `DefaultAttribute> set userAttrIsActive true`, as the guide has it set.
            user.settings.remove("integratedimp");
            user.imp_id.get_or_insert_with(|| user.id.clone());
        }
    }
    Ok(())
}

/// `UserServiceUnassignListRequest`.
fn unassign(directory: &Directory, body: &Element, user: &mut User) -> Result<(), Refusal> {
    for service in named(body, "serviceName") {
        if !user.has_service(service) {
            let service: String = service.chars().take(80).collect();
            return Err(Refusal::Entry("Service not assigned", service));
        }
        user.assigned.retain(|held| held != service);
    }
    for pack in named(body, "servicePackName") {
        for service in services_of(directory, user, pack)? {
            user.assigned.retain(|held| *held != service);
        }
        user.service_packs.retain(|held| held != pack);
    }
    Ok(())
}

fn named<'a>(body: &'a Element, name: &'a str) -> impl Iterator<Item = &'a str> {
    body.children_named(name).map(|child| child.text().trim())
}

fn services_of(directory: &Directory, user: &User, pack: &str) -> Result<Vec<String>, Refusal> {
    let provider = directory.providers.get(&user.service_provider);
    let held = provider.and_then(|provider| provider.service_packs.get(pack));
    held.cloned().ok_or_else(|| {
        let pack = pack.chars().take(80).collect();
        Refusal::Entry("Service pack not found", pack)
    })
}

/// `UserIntegratedIMPModifyRequest`.
fn modify_imp(_: &Directory, body: &Element, user: &mut User) -> Result<(), Refusal> {
    if !user.has_service(INTEGRATED_IMP) {
        return Err(Refusal::ServiceNotAssigned(INTEGRATED_IMP));
    }
    let Some(active) = flag(body, "isActive")? else {
        return Ok(());
    };
    // It takes effect only together with switching on.
    if let Some(id) = optional(body, "impId").filter(|_| active) {
        user.imp_id = Some(id.to_owned());
    }
    let settings = user.settings.entry("integratedimp".to_owned()).or_default();
    settings.insert("active".to_owned(), Setting::Text(active.to_string()));
    Ok(())
}

/// `UserModifyRequest22`, of what the directory keeps.
fn modify(directory: &Directory, body: &Element, user: &mut User) -> Result<(), Refusal> {
    for (name, kept) in [
        ("lastName", &mut user.last_name),
        ("firstName", &mut user.first_name),
    ] {
        if body.child(name).is_some() {
            *kept = text(body, name)?.to_owned();
        }
    }
    for (name, kept) in [
        ("phoneNumber", &mut user.number),
        ("extension", &mut user.extension),
        ("language", &mut user.language),
        ("timeZone", &mut user.time_zone),
        ("title", &mut user.title),
        ("mobilePhoneNumber", &mut user.mobile),
        ("emailAddress", &mut user.email),
        ("addressLocation", &mut user.location),
    ] {
        if body.child(name).is_some() {
            *kept = optional(body, name).map(str::to_owned);
        }
    }
    if let Some(list) = body.child("alternateUserIdList") {
        let ids = list.children_named("alternateUserId");
        let ids = ids.filter_map(|entry| optional(entry, "alternateUserId"));
        user.alternate_ids = ids.map(full_id).collect();
    }
    if let Some(endpoint) = body.child("endpoint") {
        user.on_trunk = endpoint.child("trunkAddressing").is_some();
    }
    let number = user.number.as_deref();
    let taken = number.and_then(|number| directory.user_by_number(number));
    if taken.is_some_and(|other| other.id != user.id) {
        let number = number.unwrap_or_default().to_owned();
        return Err(Refusal::Entry("Phone number already in use", number));
    }
    Ok(())
}

/// `UserModifyUserIdRequest`.
fn rename(directory: &Directory, body: &Element, user: &mut User) -> Result<(), Refusal> {
    let new = full_id(text(body, "newUserId")?);
    if directory
        .user(&new)
        .is_some_and(|other| other.id != user.id)
    {
        return Err(Refusal::Entry("User ID already in use", new));
    }
    user.id = new;
    Ok(())
}
