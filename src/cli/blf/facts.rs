//! What `xspd blf check` reads over Xsi-Actions.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::domain::blf::requirements::Facts;
use crate::domain::blf::requirements::List;
use crate::domain::blf::requirements::Person;
use crate::domain::blf::requirements::Reading;
use crate::domain::blf::requirements::read;
use crate::domain::events::document::BusyLampField;
use crate::domain::xsi::codec::CodecError;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;

/// Monitored users asked about at once: a check must not be felt.
const AT_ONCE: usize = 4;

/// Largest list in bytes: 1,000 users of 600 bytes, and room.
const LIST_BYTES: usize = 1024 * 1024;

/// Reads everything about a watcher.
///
/// # Errors
/// The XSPs cannot be asked about the watcher itself, or do not take our credentials.
pub(super) async fn gather(client: &XsiClient, user: &str) -> Result<Facts, XsiFailure> {
    let profile = client.profile(user).await;
    if let Err(failure) = &profile {
        match failure.status() {
            Some(403 | 404) => {}
            Some(_) | None => return Err(failure.clone()),
        }
    }
    let watcher = Person {
        user: user.to_owned(),
        profile: reading(profile, read::profile),
        services: reading(client.services(user).await, read::services),
    };
    let list = reading(client.busy_lamp_field(user).await, list);
    let monitored = match &list {
        Reading::Got(list) => others(list, user),
        Reading::Missing | Reading::NotAllowed | Reading::Failed(_) => Vec::new(),
    };
    let people = stream::iter(monitored).map(|user| person(client, user));
    Ok(Facts {
        watcher,
        list,
        monitored: people.buffered(AT_ONCE).collect().await,
    })
}

async fn person(client: &XsiClient, user: String) -> Person {
    let profile = reading(client.profile(&user).await, read::profile);
    let services = reading(client.services(&user).await, read::services);
    Person {
        user,
        profile,
        services,
    }
}

/// Everybody once, but for the watcher.
fn others(list: &List, watcher: &str) -> Vec<String> {
    let mut seen = BTreeSet::from([watcher.to_ascii_lowercase()]);
    let monitored = list.monitored.iter();
    monitored
        .filter(|user| seen.insert(user.to_ascii_lowercase()))
        .cloned()
        .collect()
}

fn list(document: &[u8]) -> Result<List, String> {
    let field = BusyLampField::parse(document, LIST_BYTES).map_err(|fault| fault.to_string())?;
    Ok(List {
        uri: field.list_uri.map(String::from),
        monitored: field
            .monitored
            .iter()
            .map(|one| one.user.to_string())
            .collect(),
    })
}

fn reading<T, E: Into<Unread>>(
    answer: Result<Bytes, XsiFailure>,
    read: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Reading<T> {
    match answer {
        Ok(bytes) => match read(&bytes) {
            Ok(read) => Reading::Got(read),
            Err(fault) => Reading::Failed(format!("the answer cannot be read: {}", fault.into().0)),
        },
        Err(XsiFailure::Unsendable) => Reading::Missing,
        Err(failure) => match failure.status() {
            Some(404) => Reading::Missing,
            Some(401 | 403) => Reading::NotAllowed,
            Some(_) | None => Reading::Failed(failure.to_string()),
        },
    }
}

/// What is wrong with a document, in words.
struct Unread(String);

impl From<String> for Unread {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<CodecError> for Unread {
    fn from(error: CodecError) -> Self {
        Self(error.to_string())
    }
}
