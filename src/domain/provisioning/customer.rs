//! What can be asked of Webex about whole customers, and what it may answer: lists, people,
//! organisations. Operators and reconciliation ask; the way of a job needs none of it.

use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::ids::PersonId;

/// Which subscribers to list. Nothing set: all of the partner's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriberFilter {
    /// The BroadWorks user.
    pub user: Option<String>,
    /// The person.
    pub person: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// The template of Partner Hub.
    pub provisioning_id: Option<String>,
    /// The customer (`spEnterpriseId`).
    pub enterprise: Option<String>,
    /// Words of statuses.
    pub statuses: Vec<String>,
    /// Status changed after this, in Unix milliseconds.
    pub changed_after: Option<u64>,
    /// Created after this, in Unix milliseconds.
    pub created_after: Option<u64>,
    /// Whether the user signed up by itself.
    pub self_activated: Option<bool>,
}

/// Which enterprises to list. Nothing set: all of the partner's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnterpriseFilter {
    /// The whole `spEnterpriseId`.
    pub enterprise: Option<String>,
    /// How the `spEnterpriseId` starts.
    pub starts_with: Option<String>,
}

/// Which people to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeopleFilter {
    /// Those with this e-mail address, in any organisation that the partner sees.
    Email(String),
    /// Those of an organisation.
    Org(OrgId),
}

/// A person as Webex shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Webex's name of it.
    pub id: PersonId,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// What others see.
    pub display_name: Option<String>,
    /// The organisation.
    pub org: Option<OrgId>,
    /// Webex's names of its administrator roles; empty for everybody else.
    pub roles: Vec<String>,
    /// Whether an invitation was not taken up yet.
    pub invite_pending: Option<bool>,
    /// Whether it has signed in before.
    pub login_enabled: Option<bool>,
}

/// An organisation as Webex shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Webex's name of it.
    pub id: OrgId,
    /// What people see.
    pub display_name: Option<String>,
    /// When it was made, word for word.
    pub created: Option<String>,
}

/// What came of syncing one user of a BroadWorks directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSync {
    /// `ADD`, `UPDATE`, `DELETE` or `NO_OPERATION`: word for word.
    pub status: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Number.
    pub number: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Extension.
    pub extension: Option<String>,
}
