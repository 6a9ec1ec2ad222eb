//! The comparison itself.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::profile::Package;
use crate::domain::provisioning::reconcile::Difference;
use crate::domain::provisioning::reconcile::Expected;
use crate::domain::provisioning::reconcile::ReconcilePolicy;
use crate::domain::provisioning::reconcile::Repair;
use crate::domain::provisioning::reconcile::Row;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;

/// Fewest digits of a number that is compared by its end: an extension is not.
const NATIONAL: usize = 7;

/// Compares. Users are known by their id without case; rows are in the order of enterprise, user
/// and difference, whatever the order of the lists. `recorded` are those, in lower case, of whom
/// there is a record: when one of them is not expected, it is to be no subscriber, whether the list
/// of the expected is whole or not.
#[must_use]
pub fn reconcile(
    expected: &[Expected],
    subscribers: &[Subscriber],
    policy: ReconcilePolicy,
    recorded: &BTreeSet<String>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut held: BTreeMap<String, Vec<&Subscriber>> = BTreeMap::new();
    for subscriber in subscribers {
        let user = subscriber.user.as_deref().unwrap_or_default();
        held.entry(key(user)).or_default().push(subscriber);
    }
    for several in held.values_mut() {
        several.sort_by(|left, right| left.id.cmp(&right.id));
    }
    let wanted: BTreeMap<String, &Expected> =
        expected.iter().map(|one| (key(&one.user), one)).collect();
    for (user, one) in &wanted {
        match held.get(user).map(Vec::as_slice) {
            None | Some([]) => rows.push(missing(one)),
            Some(several) => {
                let own = several.iter().find(|held| same_enterprise(one, held));
                if let Some(subscriber) = own.or_else(|| several.first()) {
                    compare(one, subscriber, policy, &mut rows);
                }
            }
        }
    }
    for (user, several) in &held {
        // A subscriber without a user id is no user's second one.
        if several.len() > 1 && !user.is_empty() {
            rows.extend(several.iter().map(|one| duplicate(one, several.len())));
        }
        if wanted.contains_key(user) {
            continue;
        }
        for one in several {
            // Whoever is to go is not to be mended besides: to try again would bring it back.
            if policy.expected_is_whole || recorded.contains(user) {
                rows.push(orphaned(one));
            } else {
                state(one, policy, &mut rows);
            }
        }
    }
    same_email(subscribers, &mut rows);
    rows.sort_by(|left, right| order(left).cmp(&order(right)));
    rows
}

fn order(row: &Row) -> (String, String, Difference, &str) {
    let subscriber = row.subscriber.as_ref();
    let subscriber = subscriber.map_or("", SubscriberId::as_str);
    (
        key(&row.enterprise),
        key(&row.user),
        row.difference,
        subscriber,
    )
}

fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

fn same_enterprise(one: &Expected, subscriber: &Subscriber) -> bool {
    let enterprise = subscriber.enterprise.as_deref();
    one.enterprise.is_empty() || enterprise.is_none_or(|held| key(held) == key(&one.enterprise))
}

fn missing(one: &Expected) -> Row {
    Row {
        enterprise: one.enterprise.clone(),
        user: one.user.clone(),
        difference: Difference::Missing,
        subscriber: None,
        broadworks: "has IM&P".to_owned(),
        webex: "no subscriber".to_owned(),
        safe: Repair::Provision.is_safe(),
        repair: Repair::Provision,
    }
}

/// A row about a subscriber.
fn row(
    subscriber: &Subscriber,
    difference: Difference,
    (broadworks, webex): (&str, &str),
    repair: Repair,
) -> Row {
    Row {
        enterprise: subscriber.enterprise.clone().unwrap_or_default(),
        user: subscriber.user.clone().unwrap_or_default(),
        difference,
        subscriber: Some(subscriber.id.clone()),
        broadworks: broadworks.to_owned(),
        webex: webex.to_owned(),
        safe: repair.is_safe(),
        repair,
    }
}

fn orphaned(subscriber: &Subscriber) -> Row {
    let sides = ("no user with IM&P", subscriber.status.as_str());
    row(subscriber, Difference::Orphaned, sides, Repair::Remove)
}

fn duplicate(subscriber: &Subscriber, number: usize) -> Row {
    let what =
        "Keep the subscriber that the person uses, and delete the other ones in Partner Hub.";
    let repair = Repair::ByHand {
        what: what.to_owned(),
    };
    let webex = format!(
        "one of {number} subscribers, {}",
        subscriber.status.as_str()
    );
    row(
        subscriber,
        Difference::DuplicateSubscriber,
        ("one user", &webex),
        repair,
    )
}

fn compare(one: &Expected, held: &Subscriber, policy: ReconcilePolicy, rows: &mut Vec<Row>) {
    if !same_enterprise(one, held) {
        let what = "Another enterprise is another organisation: remove the subscriber there, then \
                    provision the user again.";
        let repair = Repair::ByHand {
            what: what.to_owned(),
        };
        let webex = held.enterprise.as_deref().unwrap_or_default();
        let sides = (one.enterprise.as_str(), webex);
        rows.push(row(held, Difference::EnterpriseDiffers, sides, repair));
    }
    state(held, policy, rows);
    // New values show only when the work on the old ones is over.
    match held.status {
        SubscriberStatus::Provisioned => {}
        SubscriberStatus::PendingEmailInput
        | SubscriberStatus::PendingEmailValidation
        | SubscriberStatus::PendingUserMigration
        | SubscriberStatus::Provisioning
        | SubscriberStatus::Error
        | SubscriberStatus::Updating
        | SubscriberStatus::Unknown(_) => return,
    }
    package(one, held, rows);
    email(one, held, rows);
    names(one, held, rows);
    numbers(one, held, rows);
}

fn package(one: &Expected, held: &Subscriber, rows: &mut Vec<Row>) {
    let (Some(wanted), Some(package)) = (one.package, held.package.as_deref()) else {
        return;
    };
    if Package::parse(package) != Some(wanted) {
        let sides = (wanted.as_str(), package);
        let repair = Repair::MovePackage { to: wanted };
        rows.push(row(held, Difference::PackageDiffers, sides, repair));
    }
}

fn email(one: &Expected, held: &Subscriber, rows: &mut Vec<Row>) {
    let (Some(wanted), Some(email)) = (one.email.as_deref(), held.email.as_deref()) else {
        return;
    };
    if key(wanted) != key(email) {
        let what =
            "Change the address in Control Hub first, then in BroadWorks: no interface does.";
        let repair = Repair::ByHand {
            what: what.to_owned(),
        };
        rows.push(row(held, Difference::EmailDiffers, (wanted, email), repair));
    }
}

fn names(one: &Expected, held: &Subscriber, rows: &mut Vec<Row>) {
    let differs = |wanted: &Option<String>, name: &Option<String>| match (wanted, name) {
        (Some(wanted), Some(name)) => wanted.trim() != name.trim(),
        (None, _) | (_, None) => false,
    };
    if differs(&one.first_name, &held.first_name) || differs(&one.last_name, &held.last_name) {
        let join = |first: &Option<String>, last: &Option<String>| {
            let names = [first, last].map(|name| name.as_deref().unwrap_or("-").trim().to_owned());
            names.join(" ")
        };
        let wanted = join(&one.first_name, &one.last_name);
        let name = join(&held.first_name, &held.last_name);
        let sides = (wanted.as_str(), name.as_str());
        rows.push(row(held, Difference::NameDiffers, sides, Repair::Update));
    }
}

fn numbers(one: &Expected, held: &Subscriber, rows: &mut Vec<Row>) {
    let Some(wanted) = &one.numbers else {
        return;
    };
    let mut differ = Vec::new();
    for (name, left, right) in [
        ("phone", &wanted.phone, &held.phone),
        ("mobile", &wanted.mobile, &held.mobile),
        ("extension", &wanted.extension, &held.extension),
    ] {
        if !same_number(left.as_deref(), right.as_deref()) {
            differ.push((name, left, right));
        }
    }
    if !differ.is_empty() {
        let tell = |name: &str, value: &Option<String>| {
            format!("{name} {}", value.as_deref().unwrap_or("-"))
        };
        let left = differ.iter().map(|(name, left, _)| tell(name, left));
        let left = left.collect::<Vec<_>>().join(", ");
        let right = differ.iter().map(|(name, _, right)| tell(name, right));
        let right = right.collect::<Vec<_>>().join(", ");
        let sides = (left.as_str(), right.as_str());
        rows.push(row(held, Difference::NumberDiffers, sides, Repair::Update));
    }
}

/// By digits; the calling code may be left out on one side.
fn same_number(left: Option<&str>, right: Option<&str>) -> bool {
    let digits = |text: Option<&str>| -> String {
        let all = text.unwrap_or_default().chars();
        all.filter(char::is_ascii_digit).collect()
    };
    let (left, right) = (digits(left), digits(right));
    let (short, long) = if left.len() < right.len() {
        (&left, &right)
    } else {
        (&right, &left)
    };
    short == long || short.len() >= NATIONAL && long.ends_with(short.as_str())
}

/// What Webex itself says of a subscriber's state.
fn state(held: &Subscriber, policy: ReconcilePolicy, rows: &mut Vec<Row>) {
    let user = |what: &str| Repair::ByHand {
        what: what.to_owned(),
    };
    let repair = match &held.status {
        SubscriberStatus::Provisioned => return,
        SubscriberStatus::Error => {
            let errors = held.errors.iter().map(|error| match &error.code {
                Some(code) => format!("{code} {}", error.description),
                None => error.description.clone(),
            });
            let errors: Vec<String> = errors.collect();
            let text = if errors.is_empty() {
                "error".to_owned()
            } else {
                errors.join("; ")
            };
            rows.push(row(
                held,
                Difference::StatusError,
                ("", &text),
                Repair::Retry,
            ));
            return;
        }
        SubscriberStatus::PendingEmailInput => {
            user("The user has to enter a mail address; remind them, or retry with an address.")
        }
        SubscriberStatus::PendingEmailValidation => {
            user("The user has to confirm the mail address; the mail is often in the spam folder.")
        }
        SubscriberStatus::PendingUserMigration => {
            user("The user has to agree to the move of the account; send the consent mail again.")
        }
        SubscriberStatus::Provisioning
        | SubscriberStatus::Updating
        | SubscriberStatus::Unknown(_) => Repair::Retry,
    };
    let age = held.changed_at();
    let age = age.map(|since| policy.now.since(since));
    if let Some(age) = age.filter(|age| *age > policy.stuck_after) {
        let days = age.as_secs() / 86_400;
        let webex = format!("{} for {days} days", held.status.as_str());
        rows.push(row(held, Difference::Stuck, ("", &webex), repair));
    }
}

fn same_email(subscribers: &[Subscriber], rows: &mut Vec<Row>) {
    let mut holders: BTreeMap<String, Vec<&Subscriber>> = BTreeMap::new();
    for subscriber in subscribers {
        let email = subscriber.email.as_deref().map(key).unwrap_or_default();
        if !email.is_empty() {
            holders.entry(email).or_default().push(subscriber);
        }
    }
    for several in holders.values() {
        let mut users: Vec<String> = several
            .iter()
            .map(|one| key(one.user.as_deref().unwrap_or_default()))
            .collect();
        users.sort_unstable();
        users.dedup();
        if users.len() < 2 {
            continue;
        }
        for one in several {
            let what = "Webex knows a person by the address: correct one of the users.";
            let repair = Repair::ByHand {
                what: what.to_owned(),
            };
            let email = one.email.as_deref().unwrap_or_default();
            let webex = format!("{email}, of {} users", users.len());
            rows.push(row(one, Difference::DuplicateEmail, ("", &webex), repair));
        }
    }
}
