//! The calls to Webex by name, for metrics, logs and their method.

use http::Method;

/// Which call, for metrics and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /subscribers/{id}/emails/consentMove`.
    ConsentMove,
    /// `DELETE /organizations/{id}`.
    DeleteOrganization,
    /// `DELETE /people/{id}`.
    DeletePerson,
    /// `DELETE /broadworks/subscribers/{id}`.
    DeleteSubscriber,
    /// `DELETE /broadworks/workspaces/{id}`.
    DeleteWorkspace,
    /// `GET …/broadworksDirectorySync`.
    GetDirectorySync,
    /// `GET /organizations/{id}`.
    GetOrganization,
    /// `GET /people/{id}`.
    GetPerson,
    /// `GET /broadworks/subscribers/{id}`.
    GetSubscriber,
    /// `GET /broadworks/enterprises`.
    ListEnterprises,
    /// `GET /people`.
    ListPeople,
    /// `GET /broadworks/subscribers`.
    ListSubscribers,
    /// `POST /broadworks/subscribers/validate`.
    PrecheckSubscriber,
    /// `POST /broadworks/subscribers`.
    ProvisionSubscriber,
    /// `POST /broadworks/workspaces`.
    ProvisionWorkspace,
    /// `PUT …/broadworksDirectorySync`.
    SetDirectorySync,
    /// `POST …/broadworksDirectorySync/externalUser`.
    SyncDirectoryUser,
    /// `POST …/broadworksDirectorySync`.
    TriggerDirectorySync,
    /// `PUT /broadworks/subscribers/{id}`.
    UpdateSubscriber,
    /// `PUT /broadworks/workspaces/{id}`.
    UpdateWorkspace,
}

impl Operation {
    /// All, in the order of their names.
    pub const ALL: [Self; 20] = [
        Self::ConsentMove,
        Self::DeleteOrganization,
        Self::DeletePerson,
        Self::DeleteSubscriber,
        Self::DeleteWorkspace,
        Self::GetDirectorySync,
        Self::GetOrganization,
        Self::GetPerson,
        Self::GetSubscriber,
        Self::ListEnterprises,
        Self::ListPeople,
        Self::ListSubscribers,
        Self::PrecheckSubscriber,
        Self::ProvisionSubscriber,
        Self::ProvisionWorkspace,
        Self::SetDirectorySync,
        Self::SyncDirectoryUser,
        Self::TriggerDirectorySync,
        Self::UpdateSubscriber,
        Self::UpdateWorkspace,
    ];

    /// The word for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsentMove => "consent-move",
            Self::DeleteOrganization => "delete-organization",
            Self::DeletePerson => "delete-person",
            Self::DeleteSubscriber => "delete-subscriber",
            Self::DeleteWorkspace => "delete-workspace",
            Self::GetDirectorySync => "get-directory-sync",
            Self::GetOrganization => "get-organization",
            Self::GetPerson => "get-person",
            Self::GetSubscriber => "get-subscriber",
            Self::ListEnterprises => "list-enterprises",
            Self::ListPeople => "list-people",
            Self::ListSubscribers => "list-subscribers",
            Self::PrecheckSubscriber => "precheck-subscriber",
            Self::ProvisionSubscriber => "provision-subscriber",
            Self::ProvisionWorkspace => "provision-workspace",
            Self::SetDirectorySync => "set-directory-sync",
            Self::SyncDirectoryUser => "sync-directory-user",
            Self::TriggerDirectorySync => "trigger-directory-sync",
            Self::UpdateSubscriber => "update-subscriber",
            Self::UpdateWorkspace => "update-workspace",
        }
    }

    /// Its method.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::ConsentMove
            | Self::PrecheckSubscriber
            | Self::ProvisionSubscriber
            | Self::ProvisionWorkspace
            | Self::SyncDirectoryUser
            | Self::TriggerDirectorySync => Method::POST,
            Self::DeleteOrganization
            | Self::DeletePerson
            | Self::DeleteSubscriber
            | Self::DeleteWorkspace => Method::DELETE,
            Self::GetDirectorySync
            | Self::GetOrganization
            | Self::GetPerson
            | Self::GetSubscriber
            | Self::ListEnterprises
            | Self::ListPeople
            | Self::ListSubscribers => Method::GET,
            Self::SetDirectorySync | Self::UpdateSubscriber | Self::UpdateWorkspace => Method::PUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order_and_each_once() {
        let words = Operation::ALL.map(Operation::as_str);
        assert!(words.is_sorted_by(|a, b| a < b));
    }
}
