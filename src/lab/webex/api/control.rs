//! What no Webex has: what its users and administrators do, faults, and a look inside. Below
//! `/lab`, in JSON.

use http::StatusCode;
use http::request::Parts;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::Rules;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::asked::ok;
use crate::lab::webex::api::faults::Faults;
use crate::lab::webex::api::faults::Script;
use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::read;
use crate::lab::webex::api::read::Members;
use crate::lab::webex::api::render;
use crate::lab::webex::api::render::Shape;
use crate::lab::webex::api::template::Template;
use crate::lab::webex::api::tokens::Rotation;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::Organization;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Seed;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::Status;
use crate::lab::webex::api::world::World;
use crate::lab::webex::identity::form;

/// The most subscribers sown at once: each is compared with all others.
const MOST_SOWN: u64 = 5_000;

/// The fastest: minutes become less than a millisecond.
const FASTEST: u64 = 1_000_000;

/// Answers one request.
pub(super) fn answer(api: &Api, head: &Parts, body: &[u8]) -> Wire {
    match carry_out(api, head.method.as_str(), head.uri.path(), body) {
        Ok(value) => ok(&value),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            answer::document(status, &json!({ "error": refusal.text }))
        }
    }
}

/// Carries one request out.
pub(super) fn carry_out(
    api: &Api,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    match (method, parts.as_slice()) {
        ("GET", ["state"]) => Ok(state(api)),
        ("GET", ["subscribers"]) => Ok(api.world(|world| {
            let all = world.subscribers();
            all.map(|(place, _)| subscriber(world, place)).collect()
        })),
        ("GET", ["organizations"]) => Ok(api.world(|world| organizations(world))),
        ("GET", ["people"]) => Ok(api.world(|world| {
            let all = world.people(true);
            all.map(|(id, held)| render::person(id, held)).collect()
        })),
        ("GET", ["counts"]) => Ok(api.record.counts()),
        ("GET", ["calls"]) => Ok(api.record.document()),
        ("DELETE", ["calls"]) => {
            api.record.clear();
            Ok(json!({ "calls": "forgotten" }))
        }
        ("GET", ["bridge-calls"]) => Ok(api.bridge.document()),
        (_, ["faults"]) => faults(&api.faults, method, body),
        (_, ["bridge-faults"]) => faults(&api.bridge.faults, method, body),
        ("PUT", ["settings"]) => settings(api, body),
        ("POST", ["token"]) => token(api),
        ("DELETE", ["tokens"]) => {
            api.tokens().revoke_all();
            Ok(json!({ "tokens": "revoked" }))
        }
        ("PUT", ["refresh-token"]) => {
            let mut members = Members::read(body)?;
            let good = members.boolean("good")?;
            members.finish()?;
            api.tokens().refuse(!good);
            Ok(json!({ "good": good }))
        }
        ("POST", ["subscribers"]) => sow(api, body),
        ("POST", ["users", user, act]) => user_acts(api, user, act, body),
        ("POST", ["organizations"]) => add_organization(api, body),
        ("POST", ["organizations", id, "approve"]) => {
            let id = Kind::Organization.read(id);
            let id = id.ok_or_else(|| Refusal::absent("Organization"))?;
            api.world(|world| world.approve(id))?;
            Ok(json!({ "approved": true }))
        }
        ("POST", ["accounts"]) => {
            let mut members = Members::read(body)?;
            let email = members.email("email")?;
            members.finish()?;
            let email = email.ok_or_else(|| Refusal::missing("email"))?;
            let id = api.world(|world| world.add_free_account(&email));
            Ok(json!({ "personId": Kind::People.name(id) }))
        }
        ("POST", ["sync-failure"]) => {
            let mut members = Members::read(body)?;
            let enterprise = members.required("enterprise", read::OTHER)?;
            let code = members.number("code")?.unwrap_or_default();
            let text = members.required("text", read::OTHER)?;
            members.finish()?;
            let failure = Failure::new(code, &text);
            api.world(|world| world.fail_sync(&enterprise, failure))?;
            Ok(json!({ "sync": "fails next" }))
        }
        _ => Err(Refusal::absent("Control")),
    }
}

fn state(api: &Api) -> Value {
    let Rules {
        access_life,
        refresh_life,
        shape,
    } = api.rules();
    let rotation = api.tokens().rotation;
    api.world(|world| {
        let mut by_status = serde_json::Map::new();
        for status in Status::ALL {
            let all = world.subscribers();
            let count = all
                .filter(|(_, held)| held.state.status() == status)
                .count();
            by_status.insert(status.as_str().to_owned(), json!(count));
        }
        let templates = world.templates().iter().map(|template| {
            json!({
                "key": template.key,
                "provisioning-id": template.provisioning_id,
                "trusted-email": template.trusted_email,
                "enterprise-mode": template.enterprise_mode,
                "package": template.package,
                "bridge": Api::bridge_path(&template.key),
            })
        });
        json!({
            "speed": world.speed(),
            "quiet": world.is_quiet(),
            "access-token-lifetime": access_life,
            "refresh-token-lifetime": refresh_life,
            "rotation": rotation.as_str(),
            "answers": shape.as_str(),
            "faults": api.faults.document(),
            "subscribers": by_status,
            "organizations": world.organizations(true).count(),
            "people": world.people(true).count(),
            "workspaces": world.workspaces().count(),
            "users-with-two-subscribers": world.doubles(),
            "templates": templates.collect::<Value>(),
        })
    })
}

fn subscriber(world: &World, place: Place) -> Value {
    let Ok(held) = world.subscriber(place) else {
        return Value::Null;
    };
    let mut document = render::Look::default().subscriber(held);
    if let Some(members) = document.as_object_mut() {
        members.insert("consentMails".to_owned(), json!(held.consent_mails));
        let waits = held.state == State::Held;
        members.insert("waitsForFirstUser".to_owned(), json!(waits));
    }
    document
}

fn organizations(world: &World) -> Value {
    let all = world.organizations(true).map(|(id, held)| {
        let mut enterprises = world.enterprises();
        let enterprise = enterprises.find(|(_, own)| *own == id);
        let people = world.people(true);
        let people = people.filter(|(_, person)| person.organization == Some(id));
        let people: Vec<_> = people.map(|(_, person)| person).collect();
        let administrators = people.iter().filter(|person| person.administrator);
        json!({
            "id": Kind::Organization.name(id),
            "name": held.name,
            "spEnterpriseId": enterprise.map(|(held, _)| held.name.clone()),
            "existing": held.existing,
            "approved": held.approved,
            "ending": held.ending,
            "people": people.len() as u64 + held.further_users,
            "administrators": administrators.map(|person| &person.email).collect::<Vec<_>>(),
        })
    });
    all.collect()
}

/// `PUT` in the place of all, `POST` behind those that are there; one, or a list. `DELETE` ends
/// all.
fn faults(faults: &Faults, method: &str, body: &[u8]) -> Result<Value, Refusal> {
    match method {
        "GET" => return Ok(faults.document()),
        "DELETE" => {
            faults.clear();
            return Ok(faults.document());
        }
        "POST" | "PUT" => {}
        _ => return Err(Refusal::absent("Control")),
    }
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    let read = list.iter().map(Script::parse);
    let scripts: Result<Vec<_>, _> = read.collect();
    let scripts = scripts.map_err(|error| Refusal::bad(error.to_string()))?;
    if method == "PUT" {
        faults.clear();
    }
    for script in scripts {
        let added = faults.add(script);
        added.map_err(|error| Refusal::bad(error.to_string()))?;
    }
    Ok(faults.document())
}

fn settings(api: &Api, body: &[u8]) -> Result<Value, Refusal> {
    let mut members = Members::read(body)?;
    let speed = members.number("speed")?;
    let access = members.number("access-token-lifetime")?;
    let refresh = members.number("refresh-token-lifetime")?;
    let rotation = members.optional("rotation", read::OTHER)?;
    let shape = members.optional("answers", read::OTHER)?;
    members.finish()?;
    let speed = speed.map(|speed| {
        let speed = Some(speed).filter(|speed| (1..=FASTEST).contains(speed));
        let speed = speed.and_then(|speed| u32::try_from(speed).ok());
        speed.ok_or_else(|| Refusal::bad(format!("speed must be 1 to {FASTEST}.")))
    });
    let speed = speed.transpose()?;
    let rotation = rotation.map(|word| {
        let mut all = Rotation::ALL.into_iter();
        let found = all.find(|rotation| rotation.as_str() == word);
        found.ok_or_else(|| Refusal::bad("rotation must be none, lenient or strict."))
    });
    let rotation = rotation.transpose()?;
    let shape = shape.map(|word| {
        let mut all = Shape::ALL.into_iter();
        let found = all.find(|shape| shape.as_str() == word);
        found.ok_or_else(|| Refusal::bad("answers must be schema or examples."))
    });
    let shape = shape.transpose()?;
    let before = api.rules();
    api.set_rules(Rules {
        access_life: access.unwrap_or(before.access_life),
        refresh_life: refresh.unwrap_or(before.refresh_life),
        shape: shape.unwrap_or(before.shape),
    });
    if let Some(rotation) = rotation {
        api.tokens().rotation = rotation;
    }
    if let Some(speed) = speed {
        api.world(|world| world.set_speed(speed));
    }
    Ok(state(api))
}

fn token(api: &Api) -> Result<Value, Refusal> {
    let token = api.access_token().map_err(|error| Refusal {
        status: 500,
        ..Refusal::bad(error.to_string())
    })?;
    Ok(json!({ "access_token": token }))
}

fn sow(api: &Api, body: &[u8]) -> Result<Value, Refusal> {
    let mut members = Members::read(body)?;
    let count = members.number("count")?.unwrap_or(1);
    let enterprise = members.required("enterprise", read::OTHER)?;
    let template = members.optional("template", read::OTHER)?;
    let status = members.optional("status", read::OTHER)?;
    let own = members.flag("self-activated")?;
    members.finish()?;
    let count = u32::try_from(count).ok();
    let count = count.filter(|count| (1..=MOST_SOWN).contains(&u64::from(*count)));
    let count = count.ok_or_else(|| Refusal::bad(format!("count must be 1 to {MOST_SOWN}.")))?;
    let template = template.unwrap_or_else(|| Template::trusted().key);
    let status = status.as_deref().unwrap_or("provisioned");
    let status = Status::parse(status).ok_or_else(|| Refusal::bad("No such status."))?;
    let places = api.world(|world| {
        let mut templates = world.templates().iter();
        let template = templates.find(|held| held.key == template);
        let template = template
            .cloned()
            .ok_or_else(|| Refusal::absent("Template"))?;
        world.sow(&Seed {
            count,
            enterprise,
            template,
            status,
            self_activated: own,
        })
    })?;
    Ok(json!({ "subscribers": places.len() }))
}

/// What the user of a subscriber does.
fn user_acts(api: &Api, user: &str, act: &str, body: &[u8]) -> Result<Value, Refusal> {
    let user = form::part(user).ok_or_else(|| Refusal::absent("Subscriber"))?;
    let email = if act == "email" {
        let mut members = Members::read(body)?;
        let email = members.email("email")?;
        members.finish()?;
        email
    } else {
        None
    };
    api.world(|world| {
        let place = match act {
            "email" => {
                let email = email.ok_or_else(|| Refusal::missing("email"))?;
                world.type_email(&user, &email)?
            }
            "validate" => world.validate_email(&user)?,
            "consent" => world.consent(&user)?,
            _ => return Err(Refusal::absent("Control")),
        };
        Ok(subscriber(world, place))
    })
}

/// An organization that was there before the provider came.
fn add_organization(api: &Api, body: &[u8]) -> Result<Value, Refusal> {
    let mut members = Members::read(body)?;
    let name = members.required("name", read::OTHER)?;
    let emails = members.texts("emails")?;
    let users = members.number("users")?.unwrap_or(emails.len() as u64);
    let verified = members.flag("verified-domain")?;
    let claimed = members.flag("claimed-domain")?;
    let licences = members.flag("licences")?;
    members.finish()?;
    let created = api.now();
    let organization = Organization {
        name,
        created,
        further_users: users.saturating_sub(emails.len() as u64),
        verified_domain: verified,
        claimed_domain: claimed,
        licences,
        approved: false,
        existing: true,
        ending: false,
    };
    let id = api.world(|world| world.add_organization(organization, &emails));
    Ok(json!({ "orgId": Kind::Organization.name(id) }))
}
