//! Basic and enhanced call logs (specification 3.5.7.4 and 3.5.7.6). The lab keeps what it has,
//! so a query without `startTime` has no lower bound.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::CallLogEntry;
use crate::lab::broadworks::directory::EnhancedLogEntry;
use crate::lab::broadworks::directory::LogKind;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::ask::Query;
use crate::lab::broadworks::xsi::directories::page::Page;
use crate::lab::broadworks::xsi::directories::search::Pattern;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::DELETE;
use crate::lab::broadworks::xsi::route::GET_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::services;

const ALL: [(LogKind, &str); 3] = [
    (LogKind::Placed, "placed"),
    (LogKind::Received, "received"),
    (LogKind::Missed, "missed"),
];

/// Place of an entry's id in the path, counted from `user`.
const ID_PART: usize = 5;

/// `CallLogs` and below.
pub(super) fn basic(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    services::assigned(ask.user, "Basic Call Logs")?;
    let (kinds, id) = addressed(ask, tail)?;
    if verb(ask, id)? == Verb::Delete {
        return delete(ask, &kinds, id, |user, kind, keep| {
            user.call_logs
                .entry(kind)
                .or_default()
                .retain(|entry| keep(&entry.id));
        });
    }
    let list = |(kind, name): &(LogKind, &str)| {
        let entries = ask
            .user
            .call_logs
            .get(kind)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let entries = entries.iter().map(basic_entry);
        Element::new(name).with_all(entries)
    };
    match kinds.as_slice() {
        // A single list has a bare root, which phones take as text/xml.
        [one] => Ok(Answer {
            media: "text/xml",
            ..Answer::document(list(one))
        }),
        all => {
            let lists = all
                .iter()
                .map(list)
                .filter(|list| !list.children().is_empty());
            Ok(Answer::document(Element::xsi("CallLogs").with_all(lists)))
        }
    }
}

fn basic_entry(entry: &CallLogEntry) -> Element {
    Element::new("callLogsEntry")
        .with_leaf("countryCode", "1")
        .with_leaf("phoneNumber", &entry.number)
        .with_leaf("name", &entry.name)
        .with_leaf("time", &entry.time)
        .with_leaf("callLogId", &entry.id)
}

/// `EnhancedCallLogs` and below.
pub(super) fn enhanced(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    services::assigned(ask.user, "Enhanced Call Logs")?;
    let (kinds, id) = addressed(ask, tail)?;
    if verb(ask, id)? == Verb::Delete {
        return delete(ask, &kinds, id, |user, kind, keep| {
            user.enhanced_logs
                .entry(kind)
                .or_default()
                .retain(|entry| keep(&entry.id));
        });
    }
    let page = Page::parse(&ask.ask.query)?;
    let filter = Filter::parse(&ask.ask.query)?;
    let mut found = Vec::new();
    for (kind, name) in &kinds {
        let entries = ask
            .user
            .enhanced_logs
            .get(kind)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let entries = entries.iter().filter(|entry| filter.matches(entry));
        found.extend(entries.map(|entry| (*name, entry)));
    }
    let cut = page.cut(found);
    let lists = kinds.iter().filter_map(|(_, name)| {
        let entries = cut.records.iter().filter(|(held, _)| held == name);
        let entries: Vec<Element> = entries.map(|(_, entry)| enhanced_entry(entry)).collect();
        (!entries.is_empty()).then(|| Element::new(name).with_all(entries))
    });
    let root = Element::xsi("EnhancedCallLogs").with_all(cut.short_counts());
    Ok(Answer::document(root.with_all(lists)))
}

fn enhanced_entry(entry: &EnhancedLogEntry) -> Element {
    let fields = entry
        .fields
        .iter()
        .map(|(name, text)| Element::leaf(name, text));
    Element::new("enhancedCallLogsExtendedEntry").with_all(fields)
}

/// The lists that a path names, and the id of one entry.
type Addressed<'a> = (Vec<(LogKind, &'static str)>, Option<&'a str>);

fn addressed<'a>(ask: &'a UserAsk<'_>, tail: &[&str]) -> Result<Addressed<'a>, Fault> {
    let kind = |wanted: &str| ALL.into_iter().find(|(_, name)| *name == wanted);
    match tail {
        [] => Ok((ALL.to_vec(), None)),
        [one] => Ok((vec![kind(one).ok_or(Fault::UnknownResource)?], None)),
        [one, _] => Ok((
            vec![kind(one).ok_or(Fault::UnknownResource)?],
            Some(ask.part(ID_PART)),
        )),
        _ => Err(Fault::UnknownResource),
    }
}

fn verb(ask: &UserAsk<'_>, id: Option<&str>) -> Result<Verb, Fault> {
    ask.only(if id.is_some() { DELETE } else { GET_DELETE })
}

/// Deletes one entry, or all of the lists.
fn delete(
    ask: &UserAsk<'_>,
    kinds: &[(LogKind, &'static str)],
    id: Option<&str>,
    retain: impl Fn(&mut User, LogKind, &mut dyn FnMut(&str) -> bool),
) -> Outcome {
    ask.change(|user| {
        let mut gone = 0;
        for (kind, _) in kinds {
            retain(user, *kind, &mut |held| {
                let keep = id.is_some_and(|id| id != held);
                gone += usize::from(!keep);
                keep
            });
        }
        match id {
            Some(id) if gone == 0 => Err(Fault::NotFound("Call log", id.to_owned())),
            Some(_) | None => Ok(Answer::done()),
        }
    })
}

/// What enhanced logs are narrowed by.
struct Filter {
    from: Option<i64>,
    to: Option<i64>,
    fields: Vec<(&'static str, Pattern)>,
}

impl Filter {
    fn parse(query: &Query) -> Result<Self, Fault> {
        const FIELDS: [&str; 7] = [
            "basicCallType",
            "calledNumber",
            "callCategory",
            "callingPresentationNumber",
            "configurableCallType",
            "dialedNumber",
            "networkTranslatedAddress",
        ];
        let instant = |name: &'static str| match query.first(name) {
            None => Ok(None),
            Some(text) => OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339)
                .map(|time| i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok())
                .map_err(|_| Fault::Parameter(name)),
        };
        Ok(Self {
            from: instant("startTime")?,
            to: instant("endTime")?,
            fields: FIELDS
                .into_iter()
                .filter_map(|name| Some((name, Pattern::parse(query.first(name)?))))
                .collect(),
        })
    }

    fn matches(&self, entry: &EnhancedLogEntry) -> bool {
        self.from.is_none_or(|from| entry.start >= from)
            && self.to.is_none_or(|to| entry.start <= to)
            && self.fields.iter().all(|(name, pattern)| {
                entry
                    .fields
                    .iter()
                    .any(|(held, text)| held == name && pattern.matches(text))
            })
    }
}
