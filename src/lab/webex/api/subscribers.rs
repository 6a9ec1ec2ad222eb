//! `/broadworks/subscribers`, and the consent mail.

use uuid::Uuid;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::asked::Asked;
use crate::lab::webex::api::asked::ok;
use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::read;
use crate::lab::webex::api::read::Members;
use crate::lab::webex::api::render::Look;
use crate::lab::webex::api::world::At;
use crate::lab::webex::api::world::Change;
use crate::lab::webex::api::world::Entry;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::Subscriber;

/// Subscribers of a page, unless told otherwise.
const PAGE: usize = 50;

/// The most that a page holds.
const LARGEST_PAGE: usize = 100;

/// `GET /broadworks/subscribers`.
pub(super) fn list(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    let mut query = asked.parameters()?;
    let (max, cursor) = (query.max(PAGE, LARGEST_PAGE)?, query.cursor()?);
    let date = |name: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match At::parse(&text) {
            Some(at) => Ok(Some(at)),
            None => Err(Refusal::bad(format!("{name} is not a date."))),
        },
    };
    let changed = query.text("lastStatusChange");
    let created = query.text("after");
    let filter = Filter {
        user: query.text("userId"),
        person: query.text("personId"),
        email: query.text("email"),
        provisioning_id: query.text("provisioningId"),
        enterprise: query.text("spEnterpriseId"),
        changed: date("lastStatusChange", changed)?,
        created: date("after", created)?,
        statuses: statuses(query.text("status"))?,
        self_activated: match query.text("selfActivated").as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(Refusal::bad("selfActivated must be true or false.")),
        },
    };
    query.finish()?;
    let look = api.look(asked.word());
    let (items, next) = api.world(|world| {
        let mut found = world
            .subscribers_after(cursor)
            .filter(|(_, held)| filter.takes(held));
        let mut items = Vec::new();
        let mut last = 0;
        for (place, held) in found.by_ref().take(max) {
            items.push(look.subscriber(held));
            last = place;
        }
        (items, found.next().map(|_| last))
    });
    Ok(asked.page(&items, next))
}

struct Filter {
    user: Option<String>,
    person: Option<String>,
    email: Option<String>,
    provisioning_id: Option<String>,
    enterprise: Option<String>,
    changed: Option<At>,
    created: Option<At>,
    statuses: Vec<Status>,
    self_activated: Option<bool>,
}

impl Filter {
    fn takes(&self, held: &Subscriber) -> bool {
        let of = &held.of;
        let same = |wanted: &Option<String>, own: &str| {
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(own))
        };
        let person = |name: &str| {
            let wanted = Kind::People.read(name);
            wanted.is_some() && wanted == held.person()
        };
        let status = held.state.status();
        same(&self.user, &of.user)
            && self.person.as_deref().is_none_or(person)
            && same(&self.email, of.email.as_deref().unwrap_or_default())
            && same(&self.provisioning_id, &of.provisioning_id)
            && same(&self.enterprise, &of.enterprise)
            && self.changed.is_none_or(|after| held.changed > after)
            && self.created.is_none_or(|after| held.created > after)
            && (self.statuses.is_empty() || self.statuses.contains(&status))
            && self
                .self_activated
                .is_none_or(|own| own == held.self_activated)
    }
}

/// From words with commas between them.
fn statuses(text: Option<String>) -> Result<Vec<Status>, Refusal> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let read = |word: &str| {
        let status = Status::parse(word);
        status.ok_or_else(|| Refusal::bad(format!("Invalid status: {word}")))
    };
    text.split(',').map(read).collect()
}

/// `POST /broadworks/subscribers`.
pub(super) fn provision(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let mut members = asked.members()?;
    let new = New {
        provisioning_id: members.required("provisioningId", read::OTHER)?,
        user: members.required("userId", read::USER)?,
        enterprise: members.required("spEnterpriseId", read::OTHER)?,
        first_name: members.required("firstName", read::NAME)?,
        last_name: members.required("lastName", read::NAME)?,
        package: members
            .package()?
            .ok_or_else(|| Refusal::missing("package"))?,
        phone: members.optional("primaryPhoneNumber", read::PHONE)?,
        mobile: members.optional("mobilePhoneNumber", read::MOBILE)?,
        extension: members.optional("extension", read::EXTENSION)?,
        email: members.email("email")?,
    };
    locale(&mut members)?;
    members.finish()?;
    let twist = asked.twist();
    let look = api.look(asked.word());
    let shown = api.world(|world| {
        let place = world.provision(new, Entry::Api, twist.as_ref())?;
        world.subscriber(place).map(|held| look.subscriber(held))
    })?;
    Ok(ok(&shown))
}

/// Language and time zone: held to their form, and of no more use here.
fn locale(members: &mut Members) -> Result<(), Refusal> {
    if let Some(language) = members.optional("language", read::OTHER)? {
        let (language, country) = match language.split_once('_') {
            Some((language, country)) => (language.to_owned(), Some(country.to_owned())),
            None => (language, None),
        };
        let word = |text: &str, upper: bool| {
            text.len() == 2
                && text.bytes().all(|byte| {
                    if upper {
                        byte.is_ascii_uppercase()
                    } else {
                        byte.is_ascii_lowercase()
                    }
                })
        };
        let country = country.as_deref().is_none_or(|country| word(country, true));
        if !country || !word(&language, false) {
            return Err(Refusal::bad("Invalid language."));
        }
    }
    members.optional("timezone", read::OTHER)?;
    Ok(())
}

/// `GET /broadworks/subscribers/{subscriberId}`.
pub(super) fn get(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    let look = api.look(asked.word());
    let shown = api.world(|world| {
        let place = world.place(id)?;
        world.subscriber(place).map(|held| look.subscriber(held))
    })?;
    Ok(ok(&shown))
}

/// `PUT /broadworks/subscribers/{subscriberId}`. The answer has the values from before.
pub(super) fn update(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    let mut members = asked.members()?;
    let change = Change {
        user: members.optional("userId", read::USER)?,
        first_name: members.optional("firstName", read::NAME)?,
        last_name: members.optional("lastName", read::NAME)?,
        package: members.package()?,
        phone: members.erasable("primaryPhoneNumber", read::PHONE)?,
        mobile: members.erasable("mobilePhoneNumber", read::MOBILE)?,
        extension: members.erasable("extension", read::EXTENSION)?,
    };
    members.optional("timezone", read::OTHER)?;
    members.finish()?;
    let look = api.look(asked.word());
    let shown = api.world(|world| {
        let place = world.place(id)?;
        world.update(place, change)?;
        world.subscriber(place).map(|held| look.subscriber(held))
    })?;
    Ok(ok(&shown))
}

/// `DELETE /broadworks/subscribers/{subscriberId}`.
pub(super) fn remove(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    api.world(|world| {
        let place = world.place(id)?;
        world.remove(place)
    })?;
    Ok(answer::nothing())
}

/// `POST /broadworks/subscribers/validate`: with an address alone, or with everything that
/// provisioning needs.
pub(super) fn precheck(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let mut members = asked.members()?;
    let email = members
        .email("email")?
        .ok_or_else(|| Refusal::missing("email"))?;
    let provisioning_id = members.optional("provisioningId", read::OTHER)?;
    let user = members.optional("userId", read::USER)?;
    let enterprise = members.optional("spEnterpriseId", read::OTHER)?;
    let first_name = members.optional("firstName", read::NAME)?;
    let last_name = members.optional("lastName", read::NAME)?;
    let package = members.package()?;
    let phone = members.optional("primaryPhoneNumber", read::PHONE)?;
    let mobile = members.optional("mobilePhoneNumber", read::MOBILE)?;
    let extension = members.optional("extension", read::EXTENSION)?;
    locale(&mut members)?;
    if let Some(mut customer) = members.object("customerInfo")? {
        let primary = customer.email("primaryEmail")?;
        primary.ok_or_else(|| Refusal::missing("customerInfo.primaryEmail"))?;
        customer.finish()?;
    }
    members.finish()?;
    let new = (|| {
        Some(New {
            provisioning_id: provisioning_id?,
            user: user?,
            enterprise: enterprise?,
            first_name: first_name?,
            last_name: last_name?,
            package: package?,
            phone,
            mobile,
            extension,
            email: Some(email.clone()),
        })
    })();
    api.world(|world| match &new {
        Some(new) => world.precheck(new),
        None => world.precheck_email(&email),
    })?;
    Ok(ok(&api.look(None).prechecked()))
}

/// `POST /subscribers/{subscriberId}/emails/consentMove`.
pub(super) fn consent_move(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    api.world(|world| {
        let place = world.place(id)?;
        world.send_consent_mail(place)
    })?;
    Ok(answer::nothing())
}

fn id(asked: &Asked) -> Result<Uuid, Refusal> {
    asked.id(Kind::Subscriber, "Subscriber")
}

impl Api {
    /// How subscribers are shown now.
    pub(super) fn look<'a>(&self, word: Option<&'a str>) -> Look<'a> {
        let shape = self.rules().shape;
        Look { shape, word }
    }
}
