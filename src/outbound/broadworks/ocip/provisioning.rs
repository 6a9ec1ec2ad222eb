//! What provisioning asks: services, lists of users, and where users are provisioned.

use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::RequestKind;
use crate::domain::ocip::facts;
use crate::outbound::broadworks::ocip::AssignedServices;
use crate::outbound::broadworks::ocip::ListedUser;
use crate::outbound::broadworks::ocip::MessagingServer;
use crate::outbound::broadworks::ocip::NOTHING_TO_SEND;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::unsendable;

impl Ocip {
    /// Every service and service pack of a user (`UserServiceGetAssignmentListRequest`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn assigned_services(&self, user: &str) -> Result<AssignedServices, OcipFailure> {
        let kind = RequestKind::AssignedServices;
        self.of_user(kind, user, AssignedServices::read).await
    }

    /// Whether a user has a service, by its name (`UserServiceIsAssignedRequest`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn has_service(&self, user: &str, service: &str) -> Result<bool, OcipFailure> {
        let fields = [("userId", user), ("serviceName", service)];
        let kind = RequestKind::ServiceAssigned;
        self.facts(kind, &fields, OcipFailure::UnknownUser, facts::is_assigned)
            .await
    }

    /// The users of a group (`UserGetListInGroupRequest`): at most [`facts::USERS`], and when
    /// there are as many, there may be more.
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn users_in_group(
        &self,
        service_provider: &str,
        group: &str,
    ) -> Result<Vec<ListedUser>, OcipFailure> {
        let limit = facts::USERS.to_string();
        let fields = [
            ("serviceProviderId", service_provider),
            // This request alone writes it with a capital.
            ("GroupId", group),
            ("responseSizeLimit", limit.as_str()),
        ];
        let kind = RequestKind::UsersInGroup;
        self.facts(kind, &fields, unsendable("group"), facts::listed_users)
            .await
    }

    /// The users of a service provider or enterprise (`UserGetListInServiceProviderRequest`), as
    /// many as [`Ocip::users_in_group`].
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn users_in_service_provider(
        &self,
        id: &str,
    ) -> Result<Vec<ListedUser>, OcipFailure> {
        let limit = facts::USERS.to_string();
        let fields = [
            ("serviceProviderId", id),
            ("responseSizeLimit", limit.as_str()),
        ];
        let kind = RequestKind::UsersInServiceProvider;
        let unsendable = unsendable("service provider");
        self.facts(kind, &fields, unsendable, facts::listed_users)
            .await
    }

    /// Which messaging server a group uses (`GroupIntegratedIMPGetRequest23`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn group_messaging(
        &self,
        service_provider: &str,
        group: &str,
    ) -> Result<MessagingServer, OcipFailure> {
        let fields = [("serviceProviderId", service_provider), ("groupId", group)];
        let kind = RequestKind::GroupMessaging;
        self.facts(kind, &fields, unsendable("group"), MessagingServer::read)
            .await
    }

    /// Which messaging server a service provider uses (`ServiceProviderIntegratedIMPGetRequest22`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn service_provider_messaging(
        &self,
        id: &str,
    ) -> Result<MessagingServer, OcipFailure> {
        let fields = [("serviceProviderId", id)];
        let kind = RequestKind::ServiceProviderMessaging;
        let unsendable = unsendable("service provider");
        self.facts(kind, &fields, unsendable, MessagingServer::read)
            .await
    }

    /// Which messaging server a reseller uses (`ResellerIntegratedIMPGetRequest22`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn reseller_messaging(&self, id: &str) -> Result<MessagingServer, OcipFailure> {
        let kind = RequestKind::ResellerMessaging;
        let fields = [("resellerId", id)];
        self.facts(kind, &fields, unsendable("reseller"), MessagingServer::read)
            .await
    }

    /// Which messaging server the system uses (`SystemBroadCloudGetRequest22`).
    ///
    /// # Errors
    /// [`OcipFailure`].
    pub async fn system_messaging(&self) -> Result<MessagingServer, OcipFailure> {
        let kind = RequestKind::SystemMessaging;
        self.facts(kind, &[], NOTHING_TO_SEND, MessagingServer::read)
            .await
    }
}
