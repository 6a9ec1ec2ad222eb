//! Which call a request is.

use http::Method;

use crate::lab::webex::api::PATH;
use crate::lab::webex::identity::form;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident $word:literal $method:ident $path:literal;)*) => {
        /// A call of the public APIs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// Its name in the controls.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// Its method.
            #[must_use]
            pub const fn method(self) -> Method {
                match self {
                    $(Self::$name => Method::$method,)*
                }
            }

            /// Its path below [`PATH`], with names in braces for what varies.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)*
                }
            }
        }
    };
}

operations! {
    /// A new access token for a refresh token.
    AccessToken "access-token" POST "/access_token";
    /// Asks a user again to let an account move.
    ConsentMove "consent-move" POST "/subscribers/{subscriberId}/emails/consentMove";
    /// Ends an organization.
    DeleteOrganization "delete-organization" DELETE "/organizations/{orgId}";
    /// Ends a person.
    DeletePerson "delete-person" DELETE "/people/{personId}";
    /// One organization.
    GetOrganization "get-organization" GET "/organizations/{orgId}";
    /// One person.
    GetPerson "get-person" GET "/people/{personId}";
    /// One subscriber.
    GetSubscriber "get-subscriber" GET "/broadworks/subscribers/{subscriberId}";
    /// Enterprises that match.
    ListEnterprises "list-enterprises" GET "/broadworks/enterprises";
    /// Organizations of the partner.
    ListOrganizations "list-organizations" GET "/organizations";
    /// People of the partner's organizations that match.
    ListPeople "list-people" GET "/people";
    /// Subscribers that match.
    ListSubscribers "list-subscribers" GET "/broadworks/subscribers";
    /// Whether a user could be provisioned.
    Precheck "precheck" POST "/broadworks/subscribers/validate";
    /// A new subscriber.
    ProvisionSubscriber "provision-subscriber" POST "/broadworks/subscribers";
    /// A new workspace.
    ProvisionWorkspace "provision-workspace" POST "/broadworks/workspaces";
    /// Ends a subscriber.
    RemoveSubscriber "remove-subscriber" DELETE "/broadworks/subscribers/{subscriberId}";
    /// Ends a workspace.
    RemoveWorkspace "remove-workspace" DELETE "/broadworks/workspaces/{workspaceId}";
    /// A token for a service app.
    ServiceAppToken "service-app-token" POST "/applications/{applicationId}/token";
    /// Switches directory sync.
    SetSync "set-sync" PUT "/broadworks/enterprises/{id}/broadworksDirectorySync";
    /// How directory sync stands.
    SyncStatus "sync-status" GET "/broadworks/enterprises/{id}/broadworksDirectorySync";
    /// Syncs one user.
    SyncUser "sync-user" POST "/broadworks/enterprises/{id}/broadworksDirectorySync/externalUser";
    /// Begins a directory sync.
    TriggerSync "trigger-sync" POST "/broadworks/enterprises/{id}/broadworksDirectorySync";
    /// Changes a subscriber.
    UpdateSubscriber "update-subscriber" PUT "/broadworks/subscribers/{subscriberId}";
    /// Changes a workspace.
    UpdateWorkspace "update-workspace" PUT "/broadworks/workspaces/{workspaceId}";
}

/// Why a request is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoOperation {
    /// Another method is needed: one of these.
    Method(Vec<Method>),
    /// There is nothing at the path.
    Path,
}

impl Operation {
    /// The operation of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|operation| operation.as_str() == name)
    }

    /// The operation of a request, and what stands for the name in braces.
    pub(super) fn at(method: &Method, path: &str) -> Result<(Self, String), NoOperation> {
        let path = path.strip_prefix(PATH).ok_or(NoOperation::Path)?;
        let mut matching: Vec<_> = Self::ALL
            .into_iter()
            .filter_map(|operation| Some((operation, operation.matches(path)?)))
            .collect();
        // A path that is written out comes before one with a name in it.
        if matching.iter().any(|(held, _)| held.is_literal()) {
            matching.retain(|(held, _)| held.is_literal());
        }
        if matching.is_empty() {
            return Err(NoOperation::Path);
        }
        let methods = matching.iter().map(|(held, _)| held.method()).collect();
        let found = matching
            .into_iter()
            .find(|(held, _)| held.method() == *method);
        found.ok_or(NoOperation::Method(methods))
    }

    const fn is_literal(self) -> bool {
        matches!(
            self,
            Self::AccessToken
                | Self::ListEnterprises
                | Self::ListOrganizations
                | Self::ListPeople
                | Self::ListSubscribers
                | Self::Precheck
                | Self::ProvisionSubscriber
                | Self::ProvisionWorkspace
        )
    }

    fn matches(self, path: &str) -> Option<String> {
        let mut own = self.path().split('/');
        let mut asked = path.split('/');
        let mut name = String::new();
        loop {
            match (own.next(), asked.next()) {
                (None, None) => return Some(name),
                (Some(own), Some(asked)) if own.starts_with('{') && !asked.is_empty() => {
                    name = form::part(asked)?;
                }
                (Some(own), Some(asked)) if own == asked => {}
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_method_and_path() {
        for operation in Operation::ALL {
            let (begin, end) = operation
                .path()
                .split_once('{')
                .unwrap_or_else(|| (operation.path(), ""));
            let path = match end.split_once('}') {
                Some((_, end)) => format!("{PATH}{begin}a%2Fb{end}"),
                None => format!("{PATH}{begin}"),
            };
            let (found, name) = Operation::at(&operation.method(), &path).unwrap();
            assert_eq!(found, operation);
            assert_eq!(name, if operation.is_literal() { "" } else { "a/b" });
            assert_eq!(Operation::parse(operation.as_str()), Some(operation));
        }
    }

    #[test]
    fn a_wrong_method_is_told_from_a_wrong_path() {
        let at = |method, path| Operation::at(&method, path);
        let methods = |list: &[Method]| Err(NoOperation::Method(list.to_vec()));
        assert_eq!(
            at(Method::PATCH, "/v1/broadworks/subscribers/validate"),
            methods(&[Method::POST])
        );
        assert_eq!(
            at(Method::POST, "/v1/people/x"),
            methods(&[Method::DELETE, Method::GET])
        );
        for path in [
            "/v1",
            "/v1/",
            "/v2/people",
            "/people",
            "/v1/people/",
            "/v1/people/a/b",
        ] {
            assert_eq!(at(Method::GET, path), Err(NoOperation::Path), "{path}");
        }
    }
}
