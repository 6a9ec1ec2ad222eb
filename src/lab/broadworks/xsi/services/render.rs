//! Settings as elements, in the order of the table.

use std::collections::BTreeMap;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::Settings;
use crate::lab::broadworks::xsi::people;
use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind;

/// All elements of a service that have a value.
pub(super) fn fields(
    fields: &[Field],
    settings: Option<&Settings>,
    directory: &Directory,
) -> Vec<Element> {
    fields
        .iter()
        .flat_map(|one| field(one, settings, directory))
        .collect()
}

/// One element, or several of a repeated kind.
pub(super) fn field(
    field: &Field,
    settings: Option<&Settings>,
    directory: &Directory,
) -> Vec<Element> {
    let held = settings.and_then(|settings| settings.get(field.name));
    let record = |name: &str, parts: &[Field], record: &BTreeMap<String, Setting>| {
        Element::new(name).with_all(fields(parts, Some(record), directory))
    };
    match (&field.kind, held) {
        (Kind::Record(parts), Some(Setting::Record(held))) => vec![record(field.name, parts, held)],
        (Kind::List(item, parts, _), Some(Setting::List(entries))) => {
            let entries = records(entries).map(|held| record(item, parts, held));
            vec![Element::new(field.name).with_all(entries)]
        }
        (Kind::Repeated(_, parts, _), Some(Setting::List(entries))) => records(entries)
            .map(|held| record(field.name, parts, held))
            .collect(),
        (Kind::Users, Some(Setting::List(ids))) => {
            let ids = ids.iter().filter_map(text);
            let users = ids.filter_map(|id| directory.user(id));
            let users = users.map(|user| people::listed("userDetails", user));
            vec![Element::new(field.name).with_all(users)]
        }
        (Kind::Media, Some(Setting::Record(held))) => {
            // The audio itself is not given back; its label is.
            let parts = ["description", "mediaType"].into_iter();
            let parts = parts.filter_map(|part| Some(Element::leaf(part, text(held.get(part)?)?)));
            vec![Element::new(field.name).with_all(parts)]
        }
        (
            Kind::Boolean
            | Kind::Choice(_)
            | Kind::Email
            | Kind::Integer(..)
            | Kind::Phone
            | Kind::Rings
            | Kind::SipUri
            | Kind::Text(_),
            Some(Setting::Text(held)),
        ) => vec![Element::leaf(field.name, held)],
        (_, Some(_) | None) => field
            .default
            .map(|default| Element::leaf(field.name, default))
            .into_iter()
            .collect(),
    }
}

fn records(entries: &[Setting]) -> impl Iterator<Item = &BTreeMap<String, Setting>> {
    entries.iter().filter_map(|entry| match entry {
        Setting::Record(held) => Some(held),
        Setting::List(_) | Setting::Text(_) => None,
    })
}

/// The text of a setting that is one.
pub(super) fn text(setting: &Setting) -> Option<&str> {
    match setting {
        Setting::Text(held) => Some(held),
        Setting::List(_) | Setting::Record(_) => None,
    }
}
