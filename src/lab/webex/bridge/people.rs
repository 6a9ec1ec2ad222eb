//! From a document to a subscriber, in the same model that the API shows.

use http::StatusCode;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::Fault;
use crate::lab::webex::api::Script;
use crate::lab::webex::api::Template;
use crate::lab::webex::api::world::Change;
use crate::lab::webex::api::world::Entry;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Package;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::Twist;
use crate::lab::webex::api::world::World;
use crate::lab::webex::bridge::answer::Outcome;
use crate::lab::webex::bridge::profile::Document;

/// Begins to provision or to change a user.
pub(super) fn provision(
    api: &Api,
    template: &Template,
    document: &Document,
    script: Option<&Script>,
) -> Outcome {
    let new = match new(template, document) {
        Ok(new) => new,
        Err(why) => return Outcome::Refused(StatusCode::BAD_REQUEST, why),
    };
    let user = new.user.clone();
    let begun = api.world(|world| match place(world, &new.user) {
        Some(place) => change(world, place, new),
        None => world
            .provision(new, Entry::Bridge, twist(script).as_ref())
            .map(drop),
    });
    match begun {
        Ok(()) => Outcome::Started(user),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status);
            Outcome::Refused(status.unwrap_or(StatusCode::CONFLICT), refusal.text)
        }
    }
}

/// Ends a user's subscription, if there is one.
pub(super) fn remove(api: &Api, user: &str) -> Outcome {
    let removed = api.world(|world| match place(world, user) {
        Some(place) => world.remove(place),
        None => Ok(()),
    });
    match removed {
        Ok(()) => Outcome::Done,
        Err(refusal) => Outcome::Refused(StatusCode::CONFLICT, refusal.text),
    }
}

fn new(template: &Template, document: &Document) -> Result<New, String> {
    let needed = |names: &[&str]| {
        let text = document.text(names);
        text.ok_or_else(|| format!("no {}", names.first().unwrap_or(&"name")))
    };
    let user = needed(&["bwUserId", "userId"])?;
    let provider = needed(&["serviceProvider", "serviceProviderId", "enterpriseId"])?;
    let enterprise = if template.enterprise_mode {
        provider
    } else {
        format!("{provider}+{}", needed(&["group", "groupId"])?)
    };
    let enterprise = match &template.reseller {
        Some(reseller) => format!("{reseller}+{enterprise}"),
        None => enterprise,
    };
    let phone = document.text(&["primaryPhoneNumber", "phoneNumber", "dn"]);
    let extension = document.text(&["extension"]);
    if phone.is_none() && extension.is_none() {
        return Err("no primaryPhoneNumber and no extension".to_owned());
    }
    let email = document.text(&["email", "emailAddress"]);
    if template.trusted_email && email.is_none() {
        return Err("no email".to_owned());
    }
    Ok(New {
        provisioning_id: template.provisioning_id.clone(),
        user,
        enterprise,
        first_name: needed(&["firstName"])?,
        last_name: needed(&["lastName"])?,
        package: Package::parse(&template.package).unwrap_or(Package::Standard),
        phone,
        mobile: document.text(&["mobilePhoneNumber"]),
        extension,
        email,
    })
}

fn place(world: &World, user: &str) -> Option<Place> {
    let mut all = world.subscribers();
    let found = all.find(|(_, held)| held.of.user.eq_ignore_ascii_case(user));
    found.map(|(place, _)| place)
}

/// A user who is there already: changed where that can be, begun again after a failure, and left
/// alone while something is under way.
fn change(world: &mut World, place: Place, new: New) -> Result<(), Refusal> {
    match world.subscriber(place)?.state.status() {
        Status::Provisioned => {
            let text = |text: Option<String>| Some(text.unwrap_or_default());
            let change = Change {
                first_name: Some(new.first_name),
                last_name: Some(new.last_name),
                phone: text(new.phone),
                mobile: text(new.mobile),
                extension: text(new.extension),
                ..Change::default()
            };
            world.update(place, change)
        }
        Status::Error => {
            world.remove(place)?;
            world.provision(new, Entry::Bridge, None).map(drop)
        }
        Status::PendingEmailInput
        | Status::PendingEmailValidation
        | Status::PendingUserMigration
        | Status::Provisioning
        | Status::Updating => Ok(()),
    }
}

fn twist(script: Option<&Script>) -> Option<Twist> {
    let script = script?;
    match script.fault {
        Fault::Fail => {
            let code = script.code.unwrap_or_default();
            Some(Twist::Fail(Failure::new(code, &script.text)))
        }
        Fault::Stall => Some(Twist::Stall),
        Fault::AnswerLost
        | Fault::Cut
        | Fault::Double
        | Fault::Malformed
        | Fault::RequestLost
        | Fault::Slow
        | Fault::Status
        | Fault::Unauthorized
        | Fault::Word => None,
    }
}
