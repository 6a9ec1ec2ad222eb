//! The locations of BroadWorks Anywhere (specification 3.5.3.9).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::Settings;
use crate::lab::broadworks::directory::digits;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET_PUT_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::services::apply;
use crate::lab::broadworks::xsi::services::render;
use crate::lab::broadworks::xsi::services::table::ANYWHERE_LOCATION;

/// Locations of one user.
const MOST: usize = 100;

/// Places of the number in the path, counted from `user`.
const NUMBER: usize = 5;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    match tail {
        [] => add(ask),
        [_] => one(ask, &canonical(ask.part(NUMBER))),
        _ => Err(Fault::UnknownResource),
    }
}

/// The list in the document of the service; the schema has none without an entry.
pub(super) fn locations(ask: &UserAsk<'_>) -> Option<Element> {
    let entries = ask.user.anywhere.iter().map(|location| {
        let number = number(location);
        let text = |name: &str| location.get(name).and_then(render::text);
        Element::new("location")
            .with_leaf("locationUri", ask.uri(&tail(number)))
            .with(
                Element::leaf("phoneNumber", format!("tel:{number}"))
                    .attribute_of("countryCode", "1"),
            )
            .with_leaf("active", text("active").unwrap_or("true"))
            .with_some("description", text("description"))
    });
    (!ask.user.anywhere.is_empty()).then(|| Element::new("locations").with_all(entries))
}

fn add(ask: &UserAsk<'_>) -> Outcome {
    ask.only(POST)?;
    let body = ask.ask.document(ANYWHERE_LOCATION.root)?;
    let mut location = Settings::new();
    apply::service(&ANYWHERE_LOCATION, &mut location, &body, ask.directory)?;
    if number(&location).is_empty() {
        return Err(Fault::Value("phoneNumber".to_owned()));
    }
    let number = settle(&mut location);
    // Web clients use it as a URL as it stands, so it is absolute.
    let place = format!(
        "{}{}{}",
        ask.ask.origin,
        ask.ask.context.prefix(),
        ask.uri(&tail(&number))
    );
    ask.change(|user| {
        if user
            .anywhere
            .iter()
            .any(|held| self::number(held) == number)
        {
            return Err(Fault::NumberExists(number));
        }
        if user.anywhere.len() >= MOST {
            return Err(Fault::Value(format!("more than {MOST} locations")));
        }
        user.anywhere.push(location);
        Ok(Answer {
            location: Some(place),
            ..Answer::created()
        })
    })
}

fn one(ask: &UserAsk<'_>, wanted: &str) -> Outcome {
    let not_found = || Fault::NotFound("Location", wanted.to_owned());
    match ask.only(GET_PUT_DELETE)? {
        Verb::Get => {
            let held = ask.user.anywhere.iter().find(|held| number(held) == wanted);
            let held = held.ok_or_else(not_found)?;
            let fields = render::fields(ANYWHERE_LOCATION.fields, Some(held), ask.directory);
            Ok(Answer::document(
                Element::xsi(ANYWHERE_LOCATION.root).with_all(fields),
            ))
        }
        // Web clients send the location along; it counts for nothing.
        Verb::Delete | Verb::Post => ask.change(|user| {
            let before = user.anywhere.len();
            user.anywhere.retain(|held| number(held) != wanted);
            if user.anywhere.len() < before {
                Ok(Answer::done())
            } else {
                Err(not_found())
            }
        }),
        Verb::Put => {
            let body = ask.ask.document(ANYWHERE_LOCATION.root)?;
            ask.change(|user| {
                let others: Vec<String> = user
                    .anywhere
                    .iter()
                    .map(|held| number(held).to_owned())
                    .collect();
                let held = user.anywhere.iter_mut().find(|held| number(held) == wanted);
                let held = held.ok_or_else(not_found)?;
                apply::service(&ANYWHERE_LOCATION, held, &body, ask.directory)?;
                let now = settle(held);
                if now.is_empty() {
                    Err(Fault::Value("phoneNumber".to_owned()))
                } else if now != wanted && others.contains(&now) {
                    Err(Fault::NumberExists(now))
                } else {
                    Ok(Answer::done())
                }
            })
        }
    }
}

fn tail(number: &str) -> String {
    format!("services/BroadWorksAnywhere/Location/{number}")
}

fn number(location: &Settings) -> &str {
    location
        .get("phoneNumber")
        .and_then(render::text)
        .unwrap_or_default()
}

/// Brings the number of a location into canonical form and returns it.
fn settle(location: &mut Settings) -> String {
    let number = canonical(number(location));
    location.insert("phoneNumber".to_owned(), Setting::Text(number.clone()));
    number
}

/// E.164 with the lab's country code, or the bare digits of an extension.
fn canonical(number: &str) -> String {
    let digits = digits(number);
    match digits.len() {
        10 => format!("+1{digits}"),
        11.. => format!("+{digits}"),
        _ => digits,
    }
}
