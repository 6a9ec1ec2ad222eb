//! Two sides that differ in one thing, and properties over many.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberError;
use crate::domain::provisioning::webex::SubscriberStatus;

const DAY: u64 = 86_400_000;

fn policy() -> ReconcilePolicy {
    ReconcilePolicy {
        now: Moment(1_800_000_000_000),
        stuck_after: Duration::from_secs(7 * 86_400),
        expected_is_whole: true,
    }
}

/// With a record of nobody.
fn compared(left: &[Expected], right: &[Subscriber], policy: ReconcilePolicy) -> Vec<Row> {
    reconcile(left, right, policy, &BTreeSet::new())
}

fn expected(user: &str) -> Expected {
    Expected {
        user: user.to_owned(),
        enterprise: "sp1+acme".to_owned(),
        package: Some(Package::Premium),
        first_name: Some("Ann".to_owned()),
        last_name: Some("Lee".to_owned()),
        email: Some(format!("{user}@acme.example")),
        numbers: Some(Numbers {
            phone: Some("+12405551212".to_owned()),
            mobile: None,
            extension: Some("1212".to_owned()),
        }),
    }
}

fn subscriber(user: &str) -> Subscriber {
    Subscriber {
        id: SubscriberId::parse(&format!("id-{user}")).unwrap(),
        person: None,
        user: Some(user.to_uppercase()),
        enterprise: Some("SP1+Acme".to_owned()),
        first_name: Some("Ann".to_owned()),
        last_name: Some("Lee".to_owned()),
        email: Some(format!("{user}@ACME.example")),
        phone: Some("+1-2405551212".to_owned()),
        mobile: None,
        extension: Some("1212".to_owned()),
        package: Some("premium".to_owned()),
        status: SubscriberStatus::Provisioned,
        errors: Vec::new(),
        provisioning_id: None,
        self_activated: None,
        last_status_change: Some("2027-01-01T00:00:00.000Z".to_owned()),
    }
}

type Change = fn(&mut Expected, &mut Subscriber);
type Told<'a> = (Difference, &'a str, bool);

/// The differences of one pair after a change.
fn one(change: fn(&mut Expected, &mut Subscriber)) -> Vec<(Difference, &'static str, bool)> {
    let (mut left, mut right) = (expected("u"), subscriber("u"));
    change(&mut left, &mut right);
    let rows = compared(&[left], &[right], policy());
    let told = rows
        .iter()
        .map(|row| (row.difference, row.repair.as_str(), row.safe));
    told.collect()
}

#[test]
fn sides_that_agree_have_no_rows() {
    assert_eq!(one(|_, _| {}), []);
    assert_eq!(one(|left, _| left.numbers = None), []);
    assert_eq!(
        one(|_, right| right.phone = Some("2405551212".to_owned())),
        []
    );
    assert_eq!(one(|left, _| left.enterprise.clear()), []);
}

fn expect(table: &[(Change, &[Told<'_>])]) {
    for (number, (change, rows)) in table.iter().enumerate() {
        assert_eq!(one(*change), *rows, "row {number}");
    }
}

#[test]
fn each_difference_of_values_has_its_row_and_its_wish() {
    use Difference as D;
    expect(&[
        (
            |_, r| r.package = Some("basic".to_owned()),
            &[(D::PackageDiffers, "move-package", false)],
        ),
        (
            |_, r| r.package = Some("platinum".to_owned()),
            &[(D::PackageDiffers, "move-package", false)],
        ),
        (
            |_, r| r.email = Some("x@y.zz".to_owned()),
            &[(D::EmailDiffers, "by-hand", false)],
        ),
        (
            |_, r| r.last_name = Some("Leigh".to_owned()),
            &[(D::NameDiffers, "update", true)],
        ),
        (
            |_, r| r.extension = Some("1213".to_owned()),
            &[(D::NumberDiffers, "update", true)],
        ),
        (
            |_, r| r.mobile = Some("+18005550000".to_owned()),
            &[(D::NumberDiffers, "update", true)],
        ),
        (
            |_, r| r.enterprise = Some("sp2+x".to_owned()),
            &[(D::EnterpriseDiffers, "by-hand", false)],
        ),
        (
            |l, r| {
                l.user = "v".to_owned();
                r.user = Some("w".to_owned());
            },
            &[
                (D::Missing, "provision", true),
                (D::Orphaned, "remove", false),
            ],
        ),
    ]);
}

#[test]
fn each_odd_state_has_its_row_and_its_wish() {
    use Difference as D;
    expect(&[
        (
            |_, r| r.status = SubscriberStatus::Error,
            &[(D::StatusError, "retry", true)],
        ),
        (
            |_, r| r.status = SubscriberStatus::Updating,
            &[(D::Stuck, "retry", true)],
        ),
        (
            |_, r| r.status = SubscriberStatus::PendingEmailInput,
            &[(D::Stuck, "by-hand", false)],
        ),
        (
            |_, r| r.status = SubscriberStatus::Unknown("new".to_owned()),
            &[(D::Stuck, "retry", true)],
        ),
        // Not for long enough, and new values do not show yet.
        (
            |_, r| {
                r.status = SubscriberStatus::Updating;
                r.last_status_change = Some((1_800_000_000_000 - 7 * DAY).to_string());
                r.package = Some("basic".to_owned());
            },
            &[],
        ),
        (
            |_, r| {
                r.status = SubscriberStatus::Provisioning;
                r.last_status_change = Some("yesterday".to_owned());
            },
            &[],
        ),
    ]);
}

#[test]
fn texts_name_both_sides() {
    let mut right = subscriber("u");
    right.extension = None;
    right.phone = Some("+49301234567".to_owned());
    let rows = compared(&[expected("u")], &[right], policy());
    assert_eq!(rows[0].broadworks, "phone +12405551212, extension 1212");
    assert_eq!(rows[0].webex, "phone +49301234567, extension -");

    let mut failed = subscriber("u");
    failed.status = SubscriberStatus::Error;
    failed.errors = vec![SubscriberError {
        code: Some("10022".to_owned()),
        description: "exists already".to_owned(),
    }];
    let rows = compared(&[expected("u")], &[failed], policy());
    assert_eq!(rows[0].webex, "10022 exists already");
}

#[test]
fn two_subscribers_of_a_user_and_two_users_of_an_address_are_found() {
    let mut second = subscriber("u");
    second.id = SubscriberId::parse("id-2").unwrap();
    let rows = compared(&[expected("u")], &[subscriber("u"), second], policy());
    let found: Vec<_> = rows.iter().map(|row| row.difference).collect();
    assert_eq!(found, [Difference::DuplicateSubscriber; 2]);

    let mut other = subscriber("v");
    other.email = subscriber("u").email;
    let rows = compared(&[expected("u")], &[subscriber("u"), other], policy());
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.user.as_str(), row.difference))
        .collect();
    assert_eq!(
        found,
        [
            ("U", Difference::DuplicateEmail),
            ("V", Difference::DuplicateEmail),
            ("V", Difference::Orphaned),
        ]
    );
}

#[test]
fn nobody_is_orphaned_by_a_list_that_is_not_whole() {
    let partial = ReconcilePolicy {
        expected_is_whole: false,
        ..policy()
    };
    assert_eq!(compared(&[], &[subscriber("u")], partial), []);
    let mut failed = subscriber("u");
    failed.status = SubscriberStatus::Error;
    assert_eq!(compared(&[], &[failed], partial).len(), 1);
}

#[test]
fn whoever_is_to_go_is_not_to_be_tried_again() {
    let mut failed = subscriber("u");
    failed.status = SubscriberStatus::Error;
    let mut stuck = subscriber("v");
    stuck.status = SubscriberStatus::Provisioning;
    stuck.last_status_change = Some("2020-01-01T00:00:00.000Z".to_owned());
    let repairs = |recorded: &[&str], whole| {
        let policy = ReconcilePolicy {
            expected_is_whole: whole,
            ..policy()
        };
        let recorded = recorded.iter().map(|user| (*user).to_owned()).collect();
        let held = [failed.clone(), stuck.clone()];
        let rows = reconcile(&[], &held, policy, &recorded);
        let told = rows
            .iter()
            .map(|row| (row.user.clone(), row.difference, row.repair.as_str()));
        told.collect::<Vec<_>>()
    };
    let orphan = |user: &str| (user.to_owned(), Difference::Orphaned, "remove");
    assert_eq!(repairs(&[], true), [orphan("U"), orphan("V")]);
    assert_eq!(repairs(&["u", "v"], false), [orphan("U"), orphan("V")]);
    // Of whom nobody knows whether it is to go, only Webex's own word is told.
    let other = ("V".to_owned(), Difference::Stuck, "retry");
    assert_eq!(repairs(&["u"], false), [orphan("U"), other]);
}

#[test]
fn only_repairs_by_which_nobody_loses_are_safe() {
    for (repair, safe) in [
        (Repair::Update, true),
        (Repair::Retry, true),
        (Repair::Provision, true),
        (Repair::Remove, false),
        (Repair::MovePackage { to: Package::Basic }, false),
    ] {
        assert_eq!(repair.is_safe(), safe, "{repair:?}");
    }
}

proptest! {
    #[test]
    fn rows_do_not_depend_on_the_order_of_the_lists(
        left in proptest::collection::vec("[a-f]", 0..6),
        right in proptest::collection::vec(("[a-f]", 0_u8..4), 0..8),
    ) {
        let wanted: Vec<_> = left.iter().map(|user| expected(user)).collect();
        let held: Vec<_> = right
            .iter()
            .enumerate()
            .map(|(number, (user, kind))| {
                let mut one = subscriber(user);
                one.id = SubscriberId::parse(&format!("id-{number}")).unwrap();
                match kind {
                    0 => one.package = Some("basic".to_owned()),
                    1 => one.status = SubscriberStatus::Error,
                    2 => one.status = SubscriberStatus::Provisioning,
                    _ => {}
                }
                one
            })
            .collect();
        let rows = compared(&wanted, &held, policy());
        let turned: Vec<_> = wanted.iter().rev().cloned().collect();
        let other: Vec<_> = held.iter().rev().cloned().collect();
        prop_assert_eq!(&rows, &compared(&turned, &other, policy()));
        for user in &left {
            let there = right.iter().any(|(held, _)| held == user);
            let missing = rows.iter().any(|row| {
                row.difference == Difference::Missing && row.user == *user
            });
            prop_assert_eq!(missing, !there);
        }
    }
}
