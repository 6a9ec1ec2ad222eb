//! The requests that the lab answers: their elements in the order of the schema, and who may ask.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::ocip::refusal::Refusal;

/// A type of request.
#[derive(Debug, Clone, Copy)]
pub(in crate::lab::broadworks::ocip) struct Kind(&'static Row);

#[derive(Debug)]
struct Row {
    name: &'static str,
    access: Access,
    act: Act,
    /// In an order that fits every choice of the schema; only search criteria, services and service packs repeat.
    elements: &'static [&'static str],
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks::ocip) enum Access {
    /// Whoever connects.
    Anyone,
    /// Whoever is logged in.
    LoggedIn,
    /// Administrators, and users about themselves.
    Own,
    /// Administrators.
    Administrator,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks::ocip) enum Act {
    Authenticate,
    BusyLampField,
    ClientIdentityAdd,
    ClientIdentityDelete,
    ClientIdentityList,
    CreateLoginToken,
    Group(GroupForm),
    GroupMessaging,
    GroupMessagingModify,
    ImpModify,
    IntegratedImp,
    Login(LoginForm),
    LoginInfo(LoginInfoForm),
    Logout,
    Nothing,
    ProviderMessaging,
    ProviderMessagingModify,
    ResellerMessaging,
    ResellerMessagingModify,
    Revoke,
    ServiceAssign,
    ServiceIsAssigned,
    ServiceList,
    ServiceProvider(ProviderForm),
    ServiceUnassign,
    SoftwareVersion,
    SystemImp,
    SystemImpModify,
    SystemMessaging,
    SystemMessagingModify,
    User(UserForm),
    UserDelete,
    UserModify,
    UserModifyId,
    UsersInGroup,
    UsersInServiceProvider,
    Verify,
}

/// Versions of `LoginRequest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks::ocip) enum LoginForm {
    /// Digest.
    R14sp4,
    /// Password, tells the time of token revocation.
    R22V3,
    R22V4,
    R22V5,
}

/// Versions of `UserGetLoginInfoRequest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks::ocip) enum LoginInfoForm {
    R22V4,
    /// Tells the rest of a lock.
    Ri,
}

/// Versions of `UserGetRequest`, in the order of their age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lab::broadworks::ocip) enum UserForm {
    R17sp4,
    R19,
    R20,
    R21sp1,
    R22,
    R23V2,
}

/// Versions of `ServiceProviderGetRequest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks::ocip) enum ProviderForm {
    R17sp1,
    R22V4,
}

/// Versions of `GroupGetRequest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks::ocip) enum GroupForm {
    R14sp7,
    R22V5,
}

const USER: &[&str] = &["userId"];
const IDENTITY: &[&str] = &["clientIdentity"];
const GROUP: &[&str] = &["serviceProviderId", "groupId", "groupExternalId"];
const LOGIN_INFO: &[&str] = &["userId", "loginRole", "phoneNumber", "linePort"];
const VERIFY: &[&str] = &[
    "phoneNumber",
    "passcode",
    "linePort",
    "sipAuthenticationUserName",
    "sipAuthenticationPassword",
    "userId",
    "password",
    "loginToken",
];
/// The group's id is written with a capital in this one request.
const USERS_IN_GROUP: &[&str] = &[
    "serviceProviderId",
    "GroupId",
    "responseSizeLimit",
    "searchCriteriaUserLastName",
    "searchCriteriaUserFirstName",
    "searchCriteriaDn",
    "searchCriteriaEmailAddress",
    "searchCriteriaUserId",
    "searchCriteriaExtension",
];
const USERS_IN_PROVIDER: &[&str] = &[
    "serviceProviderId",
    "serviceProviderExternalId",
    "responseSizeLimit",
    "searchCriteriaUserLastName",
    "searchCriteriaUserFirstName",
    "searchCriteriaDn",
    "searchCriteriaEmailAddress",
    "searchCriteriaUserId",
    "searchCriteriaExtension",
];

const SERVICES: &[&str] = &["userId", "serviceName", "servicePackName"];
const GROUP_MESSAGING: &[&str] = &[
    "serviceProviderId",
    "groupId",
    "useServiceProviderSetting",
    "serviceDomain",
    "useServiceProviderMessagingServer",
    "provisioningUrl",
    "provisioningUserId",
    "provisioningPassword",
];
const PROVIDER_MESSAGING: &[&str] = &[
    "serviceProviderId",
    "useSystemServiceDomain",
    "serviceDomain",
    "servicePort",
    "useSystemMessagingServer",
    "provisioningUrl",
    "provisioningUserId",
    "provisioningPassword",
    "boshURL",
    "defaultImpIdType",
    "useResellerIMPIdSetting",
];
const RESELLER_MESSAGING: &[&str] = &[
    "resellerId",
    "useSystemServiceDomain",
    "serviceDomain",
    "servicePort",
    "useSystemMessagingServer",
    "provisioningUrl",
    "provisioningUserId",
    "provisioningPassword",
    "boshURL",
    "defaultImpIdType",
];
const SYSTEM_MESSAGING: &[&str] = &[
    "provisioningUrl",
    "provisioningUserId",
    "provisioningPassword",
    "enableSynchronization",
    "proxyHost",
    "proxyPort",
];
const SYSTEM_IMP: &[&str] = &[
    "serviceDomain",
    "servicePort",
    "addServiceProviderInIMPUserId",
    "boshURL",
    "allowImpPasswordRetrieval",
    "propagateImpErrorDetails",
];
const USER_MODIFY: &[&str] = &[
    "userId",
    "lastName",
    "firstName",
    "callingLineIdLastName",
    "callingLineIdFirstName",
    "nameDialingName",
    "hiraganaLastName",
    "hiraganaFirstName",
    "phoneNumber",
    "extension",
    "callingLineIdPhoneNumber",
    "oldPassword",
    "newPassword",
    "department",
    "language",
    "timeZone",
    "sipAliasList",
    "endpoint",
    "title",
    "pagerPhoneNumber",
    "mobilePhoneNumber",
    "emailAddress",
    "yahooId",
    "addressLocation",
    "address",
    "networkClassOfService",
    "officeZoneName",
    "primaryZoneName",
    "impId",
    "impPassword",
    "alternateUserIdList",
    "allowVideo",
    "newUserExternalId",
    "newUserPersonId",
];

const fn row(
    name: &'static str,
    access: Access,
    act: Act,
    elements: &'static [&'static str],
) -> Row {
    Row {
        name,
        access,
        act,
        elements,
    }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("AuthenticationRequest", Access::Anyone, Act::Authenticate, USER),
    row("AuthenticationVerifyRequest22V4", Access::Administrator, Act::Verify, VERIFY),
    row("AvailabilityTestRequest", Access::Anyone, Act::Nothing, &[]),
    row("ExternalAuthenticationCreateLoginTokenRequest", Access::Own, Act::CreateLoginToken, USER),
    row("GroupGetRequest14sp7", Access::Administrator, Act::Group(GroupForm::R14sp7), &["serviceProviderId", "groupId"]),
    row("GroupGetRequest22V5", Access::Administrator, Act::Group(GroupForm::R22V5), GROUP),
    row("GroupIntegratedIMPGetRequest23", Access::Administrator, Act::GroupMessaging, &["serviceProviderId", "groupId"]),
    row("GroupIntegratedIMPModifyRequest", Access::Administrator, Act::GroupMessagingModify, GROUP_MESSAGING),
    row("LoginRequest14sp4", Access::Anyone, Act::Login(LoginForm::R14sp4), &["userId", "signedPassword", "plainTextPassword"]),
    row("LoginRequest22V3", Access::Anyone, Act::Login(LoginForm::R22V3), &["userId", "password"]),
    row("LoginRequest22V4", Access::Anyone, Act::Login(LoginForm::R22V4), &["userId", "password", "signedPassword"]),
    row("LoginRequest22V5", Access::Anyone, Act::Login(LoginForm::R22V5), &["userId", "password", "signedPassword"]),
    row("LogoutRequest", Access::LoggedIn, Act::Logout, &["userId", "reason"]),
    row("LongLivedTokenRevokeRequest", Access::Administrator, Act::Revoke, USER),
    row("ResellerIntegratedIMPGetRequest22", Access::Administrator, Act::ResellerMessaging, &["resellerId"]),
    row("ResellerIntegratedIMPModifyRequest", Access::Administrator, Act::ResellerMessagingModify, RESELLER_MESSAGING),
    row("ServiceProviderGetRequest17sp1", Access::Administrator, Act::ServiceProvider(ProviderForm::R17sp1), &["serviceProviderId"]),
    row("ServiceProviderGetRequest22V4", Access::Administrator, Act::ServiceProvider(ProviderForm::R22V4), &["serviceProviderId", "serviceProviderExternalId"]),
    row("ServiceProviderIntegratedIMPGetRequest22", Access::Administrator, Act::ProviderMessaging, &["serviceProviderId"]),
    row("ServiceProviderIntegratedIMPModifyRequest", Access::Administrator, Act::ProviderMessagingModify, PROVIDER_MESSAGING),
    row("SystemBroadCloudGetRequest22", Access::Administrator, Act::SystemMessaging, &[]),
    row("SystemBroadCloudModifyRequest", Access::Administrator, Act::SystemMessagingModify, SYSTEM_MESSAGING),
    row("SystemClientIdentityAddRequest", Access::Administrator, Act::ClientIdentityAdd, IDENTITY),
    row("SystemClientIdentityDeleteRequest", Access::Administrator, Act::ClientIdentityDelete, IDENTITY),
    row("SystemClientIdentityGetListRequest", Access::Administrator, Act::ClientIdentityList, &[]),
    row("SystemIntegratedIMPGetRequest25", Access::Administrator, Act::SystemImp, &[]),
    row("SystemIntegratedIMPModifyRequest", Access::Administrator, Act::SystemImpModify, SYSTEM_IMP),
    row("SystemSoftwareVersionGetRequest", Access::LoggedIn, Act::SoftwareVersion, &[]),
    row("UserBusyLampFieldGetRequest16sp2", Access::Own, Act::BusyLampField, USER),
    row("UserDeleteRequest", Access::Administrator, Act::UserDelete, USER),
    row("UserGetListInGroupRequest", Access::Administrator, Act::UsersInGroup, USERS_IN_GROUP),
    row("UserGetListInServiceProviderRequest", Access::Administrator, Act::UsersInServiceProvider, USERS_IN_PROVIDER),
    row("UserGetLoginInfoRequest22V4", Access::Own, Act::LoginInfo(LoginInfoForm::R22V4), LOGIN_INFO),
    row("UserGetLoginInfoRequestRI", Access::Own, Act::LoginInfo(LoginInfoForm::Ri), LOGIN_INFO),
    row("UserGetRequest17sp4", Access::Own, Act::User(UserForm::R17sp4), USER),
    row("UserGetRequest19", Access::Own, Act::User(UserForm::R19), USER),
    row("UserGetRequest20", Access::Own, Act::User(UserForm::R20), USER),
    row("UserGetRequest21sp1", Access::Own, Act::User(UserForm::R21sp1), USER),
    row("UserGetRequest22", Access::Own, Act::User(UserForm::R22), USER),
    row("UserGetRequest23V2", Access::Own, Act::User(UserForm::R23V2), USER),
    row("UserIntegratedIMPGetRequest21sp1", Access::Own, Act::IntegratedImp, USER),
    row("UserIntegratedIMPModifyRequest", Access::Administrator, Act::ImpModify, &["userId", "isActive", "impId", "isAlternateImpId"]),
    row("UserModifyRequest22", Access::Administrator, Act::UserModify, USER_MODIFY),
    row("UserModifyUserIdRequest", Access::Administrator, Act::UserModifyId, &["userId", "newUserId"]),
    row("UserServiceAssignListRequest", Access::Administrator, Act::ServiceAssign, SERVICES),
    row("UserServiceGetAssignmentListRequest", Access::Own, Act::ServiceList, USER),
    row("UserServiceIsAssignedRequest", Access::Own, Act::ServiceIsAssigned, SERVICES),
    row("UserServiceUnassignListRequest", Access::Administrator, Act::ServiceUnassign, SERVICES),
    row("VerifySessionIsValidRequest", Access::LoggedIn, Act::Nothing, &[]),
];

impl Kind {
    /// By the `xsi:type`, which has a case.
    pub(in crate::lab::broadworks::ocip) fn parse(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(Self)
    }

    pub(in crate::lab::broadworks::ocip) const fn name(self) -> &'static str {
        self.0.name
    }

    pub(in crate::lab::broadworks::ocip) const fn access(self) -> Access {
        self.0.access
    }

    pub(in crate::lab::broadworks::ocip) const fn act(self) -> Act {
        self.0.act
    }

    /// Proves that a request has only elements of the schema, in its order. A real server
    /// validates, too, so a client that is wrong here would fail there.
    pub(in crate::lab::broadworks::ocip) fn check(self, body: &Element) -> Result<(), Refusal> {
        let mut from = 0;
        for child in body.children() {
            let name = child.local();
            let rest = self.0.elements.get(from..).unwrap_or_default();
            let namespaced = child.namespace().is_some_and(|uri| !uri.is_empty());
            let found = rest.iter().position(|held| *held == name);
            let Some(found) = found.filter(|_| !namespaced) else {
                let text = format!("Element '{name}' is not expected in {}.", self.name());
                return Err(Refusal::Validation(text));
            };
            let repeats = name.starts_with("searchCriteria")
                || matches!(name, "serviceName" | "servicePackName");
            from += if repeats { found } else { found + 1 };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(ROWS.windows(2).all(|two| two[0].name < two[1].name));
    }

    #[test]
    fn elements_come_in_the_order_of_the_schema() {
        let kind = Kind::parse("UserGetListInGroupRequest").unwrap();
        let body = |names: &[&str]| {
            Element::new("command").with_all(names.iter().map(|name| Element::leaf(name, "x")))
        };
        for good in [
            &["serviceProviderId", "GroupId"][..],
            &["GroupId", "searchCriteriaUserId", "searchCriteriaUserId"],
            &[],
        ] {
            kind.check(&body(good)).unwrap();
        }
        for bad in [
            &["GroupId", "serviceProviderId"][..],
            &["GroupId", "GroupId"],
            &["groupId"],
        ] {
            assert_eq!(kind.check(&body(bad)).unwrap_err().code(), 6004, "{bad:?}");
        }
    }
}
