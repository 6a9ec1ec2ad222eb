//! What must be in place before busy lamp fields work for a user: judged from what was read of him,
//! and listed for a person where no interface tells it.
//!
//! * [`Facts`]: what was read; [`read`] gets it out of Xsi-Actions documents.
//! * [`checks`]: every check with its verdict and what to do.
//! * [`platform`]: patches, features and tags, which only a person can look at.

mod monitored;
pub mod platform;
pub mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::domain::blf::requirements::platform::Platform;

/// Name of the service in the services list.
const BUSY_LAMP_FIELD: &str = "Busy Lamp Field";

/// Name of the service that a pick-up needs.
const DIRECTED_CALL_PICKUP: &str = "Directed Call Pickup";

/// Lines that Webex Calling takes (Webex help, "monitoring"); no cap of BroadWorks is known.
const USUAL_LINES: usize = 50;

/// Longest list URI (Xsi schema, `SIPURI`).
const LIST_URI_LENGTH: usize = 161;

/// Users named in a finding; the others are counted.
const NAMED: usize = 10;

/// What an interface said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// It is this.
    Got(T),
    /// There is no such thing.
    Missing,
    /// It may not be read with these credentials.
    NotAllowed,
    /// It could not be read; in words.
    Failed(String),
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub user: String,
    /// The profile.
    pub profile: Reading<Profile>,
    /// Names of the services assigned.
    pub services: Reading<BTreeSet<String>>,
}

/// What of a profile matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The id by which BroadWorks itself calls the user.
    pub user: Option<String>,
    /// First and last name.
    pub name: String,
    /// Whether there is a number or an extension at which a call can be picked up.
    pub has_address: bool,
}

/// The busy lamp field of the watcher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// SIP address of the list.
    pub uri: Option<String>,
    /// Ids of the monitored users, in the order written.
    pub monitored: Vec<String>,
}

/// All that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who watches.
    pub watcher: Person,
    /// Whom.
    pub list: Reading<List>,
    /// Each monitored user once, but for the watcher.
    pub monitored: Vec<Person>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody can say from here: a person looks.
    ByHand,
    /// It will not work.
    Failed,
    /// As it should be.
    Ok,
    /// It works, but not as somebody may expect.
    Warning,
}

impl Verdict {
    /// The word in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by-hand",
            Self::Failed => "failed",
            Self::Ok => "ok",
            Self::Warning => "warning",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A word for scripts.
    pub id: &'static str,
    /// What is asked.
    pub question: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
    /// What to go through, for checks by hand.
    pub items: Vec<String>,
}

impl Check {
    fn ok(id: &'static str, question: &'static str, found: impl Into<String>) -> Self {
        Self {
            id,
            question,
            verdict: Verdict::Ok,
            found: found.into(),
            remedy: None,
            items: Vec::new(),
        }
    }

    fn bad(self, verdict: Verdict, remedy: impl Into<String>) -> Self {
        Self {
            verdict,
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// For what could not be read.
    fn unread<T>(id: &'static str, question: &'static str, reading: &Reading<T>) -> Self {
        match reading {
            Reading::Got(_) => Self::ok(id, question, ""),
            Reading::Missing => Self::ok(id, question, "not there")
                .bad(Verdict::Failed, "see the checks before this one"),
            Reading::NotAllowed => Self::ok(id, question, "may not be read with these credentials")
                .bad(
                    Verdict::ByHand,
                    "look in CommPilot, or check with the account of [blf.account]",
                ),
            Reading::Failed(why) => Self::ok(id, question, why.clone())
                .bad(Verdict::Failed, "mend that first, then check again"),
        }
    }
}

/// Every check, in the order in which a person mends things.
#[must_use]
pub fn checks(facts: &Facts, platform: Option<Platform>) -> Vec<Check> {
    let mut all = vec![watcher(facts), assigned(facts)];
    match &facts.list {
        Reading::Got(list) => {
            all.extend([uri(list), size(list), repeats(list), itself(facts, list)]);
        }
        unread @ (Reading::Missing | Reading::NotAllowed | Reading::Failed(_)) => {
            all.push(Check::unread("list-uri", LIST_URI, unread));
        }
    }
    all.push(monitored::users_exist(facts));
    all.push(pickup_of_watcher(facts));
    all.push(monitored::pickup_of_monitored(facts));
    all.push(monitored::addresses(facts));
    all.extend(platform::by_hand(platform));
    all
}

const LIST_URI: &str = "Is the List URI set and well-formed?";

fn watcher(facts: &Facts) -> Check {
    const ID: &str = "watcher";
    const QUESTION: &str = "Does the watcher exist?";
    let user = &facts.watcher.user;
    match &facts.watcher.profile {
        Reading::Got(profile) => Check::ok(ID, QUESTION, format!("{user} is {}", profile.name)),
        Reading::Missing => Check::ok(ID, QUESTION, format!("no user {user}")).bad(
            Verdict::Failed,
            "give the whole user id with its domain, as CommPilot shows it",
        ),
        unread @ (Reading::NotAllowed | Reading::Failed(_)) => Check::unread(ID, QUESTION, unread),
    }
}

fn assigned(facts: &Facts) -> Check {
    const ID: &str = "blf-assigned";
    const QUESTION: &str = "Is the service Busy Lamp Field assigned to the watcher?";
    const ASSIGN: &str = "assign it in CommPilot: the user, Assign Services, Busy Lamp Field";
    let missing = || Check::ok(ID, QUESTION, "not assigned").bad(Verdict::Failed, ASSIGN);
    match (&facts.watcher.services, &facts.list) {
        (Reading::Got(services), _) if !has(services, BUSY_LAMP_FIELD) => missing(),
        (Reading::Got(_), _) | (_, Reading::Got(_)) => Check::ok(ID, QUESTION, "assigned"),
        (_, Reading::Missing) => missing(),
        (unread, _) => Check::unread(ID, QUESTION, unread),
    }
}

fn uri(list: &List) -> Check {
    const ID: &str = "list-uri";
    let Some(uri) = &list.uri else {
        return Check::ok(ID, LIST_URI, "not set").bad(
            Verdict::Failed,
            "set it in CommPilot: the user, Client Applications, Busy Lamp Field, List URI, for \
             example alice-blf@as.example.net",
        );
    };
    let wrong = |what: &str| {
        Check::ok(ID, LIST_URI, format!("{uri:?} {what}")).bad(
            Verdict::Failed,
            "write it as name@domain, without `sip:`, at most 161 characters",
        )
    };
    let parts = uri.split_once('@');
    if uri.len() >= 4 && uri.is_char_boundary(4) && uri[..4].eq_ignore_ascii_case("sip:") {
        return wrong("begins with `sip:`");
    }
    if uri.chars().count() > LIST_URI_LENGTH {
        return wrong("is too long");
    }
    match parts {
        Some((name, domain)) if !name.is_empty() && !domain.is_empty() && !domain.contains('@') => {
            if uri.chars().any(|c| c.is_whitespace() || c.is_control()) {
                wrong("holds a blank")
            } else {
                Check::ok(ID, LIST_URI, uri.clone())
            }
        }
        Some(_) | None => wrong("is not name@domain"),
    }
}

fn size(list: &List) -> Check {
    const ID: &str = "list-size";
    const QUESTION: &str = "Is anybody on the list, and not too many?";
    let lines = list.monitored.len();
    let found = format!("{lines} monitored");
    match lines {
        0 => Check::ok(ID, QUESTION, "nobody is monitored").bad(
            Verdict::Failed,
            "add users in CommPilot: the user, Client Applications, Busy Lamp Field, Monitored Users",
        ),
        1..=USUAL_LINES => Check::ok(ID, QUESTION, found),
        _ => Check::ok(ID, QUESTION, found).bad(
            Verdict::Warning,
            "xspd shows them all; for Webex clients 50 is the documented size, so try a list of \
             this size with one user first",
        ),
    }
}

fn repeats(list: &List) -> Check {
    const ID: &str = "list-repeats";
    const QUESTION: &str = "Is everybody on the list once?";
    let mut seen = BTreeSet::new();
    let twice: Vec<&str> = list
        .monitored
        .iter()
        .filter(|user| !seen.insert(folded(user)))
        .map(String::as_str)
        .collect();
    if twice.is_empty() {
        Check::ok(ID, QUESTION, "nobody twice")
    } else {
        Check::ok(ID, QUESTION, format!("twice: {}", some(&twice))).bad(
            Verdict::Warning,
            "take the second entry out; xspd shows the line once",
        )
    }
}

fn itself(facts: &Facts, list: &List) -> Check {
    const ID: &str = "list-itself";
    const QUESTION: &str = "Is the watcher absent from its own list?";
    let own = folded(&facts.watcher.user);
    if list.monitored.iter().any(|user| folded(user) == own) {
        Check::ok(ID, QUESTION, "it watches itself").bad(
            Verdict::Warning,
            "take it out: its own calls light its own lamp, and xspd offers it no pick-up of them",
        )
    } else {
        Check::ok(ID, QUESTION, "it is not on it")
    }
}

fn pickup_of_watcher(facts: &Facts) -> Check {
    const ID: &str = "pickup-watcher";
    const QUESTION: &str = "Is Directed Call Pickup assigned to the watcher?";
    match &facts.watcher.services {
        Reading::Got(services) if has(services, DIRECTED_CALL_PICKUP) => {
            Check::ok(ID, QUESTION, "assigned")
        }
        Reading::Got(_) => Check::ok(ID, QUESTION, "not assigned").bad(
            Verdict::Failed,
            "assign Directed Call Pickup in CommPilot: without it the watcher picks up nothing",
        ),
        unread @ (Reading::Missing | Reading::NotAllowed | Reading::Failed(_)) => {
            Check::unread(ID, QUESTION, unread)
        }
    }
}

/// A few names, and how many more.
fn some(users: &[&str]) -> String {
    let named = users.get(..NAMED).unwrap_or(users).join(", ");
    match users.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named} and {more} more"),
    }
}

fn has(services: &BTreeSet<String>, name: &str) -> bool {
    services.iter().any(|held| held.eq_ignore_ascii_case(name))
}

fn folded(user: &str) -> String {
    user.trim().to_ascii_lowercase()
}
