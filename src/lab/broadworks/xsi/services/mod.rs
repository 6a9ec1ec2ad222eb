//! `services`: the list, and one resource per row of the [`table`].

mod anywhere;
mod apply;
mod render;
pub(in crate::lab::broadworks) mod row;
pub(in crate::lab::broadworks) mod table;
mod value;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Settings;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::directories::search;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::people;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::GET_PUT;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::route::read_only;
use crate::lab::broadworks::xsi::services::row::Put;
use crate::lab::broadworks::xsi::services::row::Service;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    let [path, rest @ ..] = tail else {
        return read_only(ask, || list(ask));
    };
    let service = table::by_path(path).ok_or(Fault::UnknownResource)?;
    assigned(ask.user, service.name)?;
    match (*path, rest) {
        (_, []) => resource(ask, service, path),
        ("broadworksanywhere", ["location", rest @ ..]) => anywhere::answer(ask, rest),
        (_, ["availableusers"]) if service.users.is_some() => {
            read_only(ask, || available_users(ask))
        }
        (_, [tail]) => match (service.users, table::part(path, tail)) {
            (Some(users), _) if users.paths.contains(tail) => {
                user_list(ask, service, path, users.field)
            }
            (_, Some((part, path))) => resource(ask, part, path),
            (Some(_) | None, None) => Err(Fault::UnknownResource),
        },
        _ => Err(Fault::UnknownResource),
    }
}

/// Refuses when a service is not assigned.
pub(super) fn assigned(user: &User, name: &'static str) -> Result<(), Fault> {
    if user.has_service(name) {
        Ok(())
    } else {
        Err(Fault::ServiceNotAssigned(name))
    }
}

/// Entries without a resource carry no `uri`; the schema would have a nil one, no client would.
fn list(ask: &UserAsk<'_>) -> Element {
    let entries = ask.user.assigned.iter().map(|name| {
        let path = table::SERVICES
            .iter()
            .find(|service| service.name == name.as_str());
        let uri = path
            .and_then(|service| service.path)
            .map(|path| format!("services/{path}"));
        let uri = uri.map(|tail| ask.uri(&tail));
        Element::new("service")
            .with_leaf("name", name)
            .with_some("uri", uri.as_deref())
    });
    Element::xsi("Services").with_all(entries)
}

fn resource(ask: &UserAsk<'_>, service: &'static Service, path: &str) -> Outcome {
    let allowed = if service.put == Put::Never {
        GET
    } else {
        GET_PUT
    };
    if ask.only(allowed)? == Verb::Get {
        let settings = ask.user.settings.get(path);
        let root = Element::xsi(service.root)
            .with_all(render::fields(service.fields, settings, ask.directory))
            .with_all(computed(ask, path));
        return Ok(Answer::document(root));
    }
    let body = ask.ask.document(service.root)?;
    change(ask, path, |settings| {
        apply::service(service, settings, &body, ask.directory)
    })
}

/// Changes the settings of one service.
fn change(
    ask: &UserAsk<'_>,
    path: &str,
    change: impl FnOnce(&mut Settings) -> Result<(), Fault>,
) -> Outcome {
    ask.change(|user| {
        change(user.settings.entry(path.to_owned()).or_default())?;
        Ok(Answer::done())
    })
}

/// Elements that are not settings of the service.
fn computed(ask: &UserAsk<'_>, path: &str) -> Vec<Element> {
    match path {
        "executive" => ["assistants", "filtering", "screening", "alerting"]
            .into_iter()
            .map(|part| Element::leaf(part, ask.uri(&format!("services/executive/{part}"))))
            .collect(),
        "broadworksanywhere" => anywhere::locations(ask).into_iter().collect(),
        "callpark" => vec![
            Element::leaf("callParkGroup", format!("{}-park", ask.user.group)),
            Element::new("userDetailsList").with_all(
                ask.directory
                    .colleagues(ask.user)
                    .filter(|user| user.group == ask.user.group)
                    .map(|user| people::listed("userDetails", user)),
            ),
        ],
        _ => Vec::new(),
    }
}

/// The list of users as a resource of its own; its root is printed without a namespace.
fn user_list(
    ask: &UserAsk<'_>,
    service: &'static Service,
    path: &str,
    name: &'static str,
) -> Outcome {
    let fields = service.fields.iter().filter(|field| field.name == name);
    if ask.only(GET_PUT)? == Verb::Get {
        let settings = ask.user.settings.get(path);
        let root = fields
            .flat_map(|field| render::field(field, settings, ask.directory))
            .next()
            .unwrap_or_else(|| Element::new(name));
        return Ok(Answer::document(root));
    }
    let body = ask.ask.document(name)?;
    change(ask, path, |settings| {
        for field in fields {
            apply::field(field, settings, &body, ask.directory)?;
        }
        Ok(())
    })
}

/// Whom one can watch or allow: everybody in one's directory but oneself, at most 1000
/// (specification 3.5.3.11.2).
fn available_users(ask: &UserAsk<'_>) -> Element {
    const MOST: usize = 1000;
    let mut users: Vec<_> = ask
        .directory
        .colleagues(ask.user)
        .filter(|user| user.id != ask.user.id && search::available(&ask.ask.query, user))
        .collect();
    users.sort_by_key(|user| {
        (
            user.last_name.to_lowercase(),
            user.first_name.to_lowercase(),
        )
    });
    let users = users
        .into_iter()
        .take(MOST)
        .map(|user| people::listed("userDetails", user));
    Element::xsi("AvailableUsers").with_all(users)
}
