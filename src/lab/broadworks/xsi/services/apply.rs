//! A PUT document into settings: what is left out stays, nil clears, all or nothing.

use std::collections::BTreeMap;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Setting;
use crate::lab::broadworks::directory::Settings;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::fault::bad_value;
use crate::lab::broadworks::xsi::services::render;
use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Kind;
use crate::lab::broadworks::xsi::services::row::Put;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::value;

/// Users in one list; the list of a phone is far shorter.
const USERS: usize = 1000;

/// A whole service. Elements that the row does not know are passed over, as clients send back
/// what they got from newer releases.
pub(super) fn service(
    service: &Service,
    settings: &mut Settings,
    body: &Element,
    directory: &Directory,
) -> Result<(), Fault> {
    if service.put == Put::Replace {
        settings.clear();
    }
    fields(service.fields, settings, body, directory)?;
    for (flag, needed) in service.needs {
        let on = settings.get(*flag).and_then(render::text) == Some("true");
        if on && !has_value(settings.get(*needed)) {
            return Err(Fault::Value(format!("{flag} 'true' without {needed}")));
        }
    }
    Ok(())
}

fn has_value(setting: Option<&Setting>) -> bool {
    match setting {
        None => false,
        Some(Setting::Text(text)) => !text.is_empty(),
        Some(Setting::List(entries)) => !entries.is_empty(),
        Some(Setting::Record(parts)) => !parts.is_empty(),
    }
}

fn fields(
    fields: &[Field],
    settings: &mut Settings,
    body: &Element,
    directory: &Directory,
) -> Result<(), Fault> {
    for one in fields {
        if let Kind::Repeated(key, parts, most) = &one.kind {
            repeated(one.name, key, parts, *most, settings, body, directory)?;
        } else if let Some(element) = body.child(one.name) {
            field(one, settings, element, directory)?;
        }
    }
    Ok(())
}

/// One element into its setting.
pub(super) fn field(
    field: &Field,
    settings: &mut Settings,
    element: &Element,
    directory: &Directory,
) -> Result<(), Fault> {
    if element.is_nil() {
        // What has a default cannot be without a value.
        if field.default.is_some() {
            return Err(bad_value(element));
        }
        settings.remove(field.name);
        return Ok(());
    }
    let setting = match &field.kind {
        Kind::Record(parts) => {
            let held = settings.remove(field.name);
            let mut record = match held {
                Some(Setting::Record(record)) => record,
                Some(Setting::List(_) | Setting::Text(_)) | None => BTreeMap::new(),
            };
            fields(parts, &mut record, element, directory)?;
            Setting::Record(record)
        }
        Kind::List(item, parts, most) => {
            let mut entries = Vec::new();
            for entry in element.children_named(item) {
                let mut record = BTreeMap::new();
                fields(parts, &mut record, entry, directory)?;
                entries.push(Setting::Record(record));
            }
            if entries.len() > *most {
                return Err(Fault::Value(format!("more than {most} {item}")));
            }
            Setting::List(entries)
        }
        Kind::Users => users(element, directory)?,
        Kind::Media => value::media(element)?,
        Kind::Repeated(..) => return Ok(()),
        Kind::Boolean
        | Kind::Choice(_)
        | Kind::Email
        | Kind::Integer(..)
        | Kind::Phone
        | Kind::Rings
        | Kind::SipUri
        | Kind::Text(_) => Setting::Text(value::text(&field.kind, element)?),
    };
    settings.insert(field.name.to_owned(), setting);
    Ok(())
}

fn users(element: &Element, directory: &Directory) -> Result<Setting, Fault> {
    let mut ids: Vec<Setting> = Vec::new();
    for details in element.children_named("userDetails") {
        let id = details.child_text("userId").unwrap_or_default();
        let user = directory
            .user(id)
            .ok_or_else(|| Fault::Value(format!("userId '{id}'")))?;
        let id = Setting::Text(user.id.clone());
        if ids.contains(&id) {
            return Err(Fault::Value(format!("userId '{}' twice", user.id)));
        }
        ids.push(id);
        if ids.len() > USERS {
            return Err(Fault::Value(format!("more than {USERS} users")));
        }
    }
    Ok(Setting::List(ids))
}

/// Records told apart by one element: each changes or adds its own; one with nothing but its key
/// goes.
fn repeated(
    name: &str,
    key: &str,
    parts: &[Field],
    most: usize,
    settings: &mut Settings,
    body: &Element,
    directory: &Directory,
) -> Result<(), Fault> {
    let mut records: BTreeMap<String, BTreeMap<String, Setting>> = BTreeMap::new();
    let record_key = |record: &BTreeMap<String, Setting>| {
        record
            .get(key)
            .and_then(render::text)
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(Setting::List(held)) = settings.remove(name) {
        for entry in held {
            if let Setting::Record(record) = entry {
                records.insert(record_key(&record), record);
            }
        }
    }
    for element in body.children_named(name) {
        let Some(identity) = element.child(key) else {
            return Err(Fault::Value(format!("{name} without {key}")));
        };
        let mut record = records.remove(identity.text().trim()).unwrap_or_default();
        fields(parts, &mut record, element, directory)?;
        if record.len() > 1 {
            records.insert(record_key(&record), record);
        }
    }
    if records.len() > most {
        return Err(Fault::Value(format!("more than {most} {name}")));
    }
    if !records.is_empty() {
        let entries = records.into_values().map(Setting::Record).collect();
        settings.insert(name.to_owned(), Setting::List(entries));
    }
    Ok(())
}
