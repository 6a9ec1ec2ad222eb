//! Phone lists: the common ones and the personal one (specification 3.5.7.8, .11, .13).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::PhoneEntry;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::directories::page::Page;
use crate::lab::broadworks::xsi::directories::page::Sort;
use crate::lab::broadworks::xsi::directories::search;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::DELETE;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::GET_POST;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;

/// Entries of one personal list.
const PERSONAL: usize = 1000;

/// Longest name of an entry.
const NAME: usize = 100;

/// Longest number of an entry.
const NUMBER: usize = 30;

/// Place of the name in the path, counted from `user`.
const NAME_PART: usize = 4;

pub(super) fn enterprise_common(ask: &UserAsk<'_>) -> Outcome {
    ask.only(GET)?;
    let provider = ask.directory.providers.get(&ask.user.service_provider);
    let list = provider
        .map(|provider| provider.phone_list.as_slice())
        .unwrap_or_default();
    page(ask, "EnterpriseCommon", "commonPhoneEntry", list)
}

pub(super) fn group_common(ask: &UserAsk<'_>) -> Outcome {
    ask.only(GET)?;
    let provider = ask.directory.providers.get(&ask.user.service_provider);
    let group = provider.and_then(|provider| provider.groups.get(&ask.user.group));
    let list = group
        .map(|group| group.phone_list.as_slice())
        .unwrap_or_default();
    page(ask, "GroupCommon", "commonPhoneEntry", list)
}

pub(super) fn personal(ask: &UserAsk<'_>) -> Outcome {
    if ask.only(GET_POST)? == Verb::Get {
        return page(ask, "Personal", "entry", &ask.user.personal);
    }
    let body = ask.ask.document("Personal")?;
    let added: Vec<PhoneEntry> = body
        .children_named("entry")
        .map(parse)
        .collect::<Result<_, _>>()?;
    if added.is_empty() {
        return Err(Fault::Value("entry".to_owned()));
    }
    ask.change(|user| {
        for entry in added {
            if user.personal.iter().any(|held| held.name == entry.name) {
                return Err(Fault::Value(format!("name '{}' exists", entry.name)));
            }
            if user.personal.len() >= PERSONAL {
                return Err(Fault::Value(format!("more than {PERSONAL} entries")));
            }
            user.personal.push(entry);
        }
        Ok(Answer::created())
    })
}

pub(super) fn remove_personal(ask: &UserAsk<'_>) -> Outcome {
    ask.only(DELETE)?;
    let name = ask.part(NAME_PART);
    ask.change(|user| {
        let before = user.personal.len();
        user.personal.retain(|entry| entry.name != name);
        if user.personal.len() < before {
            Ok(Answer::done())
        } else {
            Err(Fault::NotFound("Entry", name.to_owned()))
        }
    })
}

fn parse(element: &Element) -> Result<PhoneEntry, Fault> {
    let part = |name: &str, most: usize| {
        let text = element.child_text(name).unwrap_or_default();
        if text.is_empty() || text.chars().count() > most {
            Err(Fault::Value(format!(
                "{name} '{}'",
                text.chars().take(most).collect::<String>()
            )))
        } else {
            Ok(text.to_owned())
        }
    };
    Ok(PhoneEntry {
        name: part("name", NAME)?,
        number: part("number", NUMBER)?,
    })
}

fn page(ask: &UserAsk<'_>, root: &str, item: &str, list: &[PhoneEntry]) -> Outcome {
    let query = &ask.ask.query;
    let page = Page::parse(query)?;
    let sort = Sort::parse(query, &["name", "number"])?;
    let mut entries: Vec<&PhoneEntry> = list
        .iter()
        .filter(|entry| search::entry(query, entry))
        .collect();
    sort.apply(&mut entries, |entry, column| match column {
        "number" => (entry.number.clone(), entry.name.clone()),
        _ => (entry.name.clone(), entry.number.clone()),
    });
    let cut = page.cut(entries);
    let entries = cut.records.iter().map(|entry| {
        Element::new(item)
            .with_leaf("name", &entry.name)
            .with_leaf("number", &entry.number)
    });
    Ok(Answer::document(
        Element::xsi(root).with_all(cut.counts()).with_all(entries),
    ))
}
