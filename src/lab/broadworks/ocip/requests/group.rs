//! Service providers, enterprises and groups.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::DEFAULT_DOMAIN;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::ServiceProvider;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::table::GroupForm;
use crate::lab::broadworks::ocip::requests::table::ProviderForm;
use crate::lab::broadworks::ocip::requests::text;

/// `ServiceProviderGetRequest`.
pub(super) fn service_provider(
    directory: &Directory,
    form: ProviderForm,
    body: &Element,
) -> Result<Answer, Refusal> {
    let id = text(body, "serviceProviderId")?;
    let reseller = known_provider(directory, id)?.reseller.as_deref();
    // One of the two comes first, and says which kind it is.
    let kind = if directory.is_enterprise(id) {
        Element::leaf("isEnterprise", "true")
    } else {
        Element::leaf("useCustomRoutingProfile", "false")
    };
    let mut answer = vec![kind];
    answer.push(Element::leaf("defaultDomain", DEFAULT_DOMAIN));
    answer.push(Element::leaf("serviceProviderName", id));
    answer.push(Element::leaf("useServiceProviderLanguages", "false"));
    let name = match form {
        ProviderForm::R17sp1 => "ServiceProviderGetResponse17sp1",
        ProviderForm::R22V4 => {
            answer.extend(reseller.map(|reseller| Element::leaf("resellerId", reseller)));
            answer.push(Element::leaf("serviceProviderId", id));
            "ServiceProviderGetResponse22V4"
        }
    };
    Ok(Answer::data(name, answer))
}

/// `GroupGetRequest`.
pub(super) fn group(
    directory: &Directory,
    form: GroupForm,
    body: &Element,
) -> Result<Answer, Refusal> {
    let (provider, id) = (text(body, "serviceProviderId")?, text(body, "groupId")?);
    known_group(directory, provider, id)?;
    let members = directory
        .users
        .values()
        .filter(|user| user.service_provider == provider && user.group == id);
    let mut answer = vec![
        Element::leaf("defaultDomain", DEFAULT_DOMAIN),
        Element::leaf("userLimit", "999999"),
        Element::leaf("userCount", members.count().to_string()),
        Element::leaf("groupName", id),
        Element::leaf("timeZone", "America/New_York"),
        Element::leaf("timeZoneDisplayName", "(GMT-05:00) (US) Eastern Time"),
    ];
    let name = match form {
        GroupForm::R14sp7 => "GroupGetResponse14sp7",
        GroupForm::R22V5 => {
            answer.push(Element::leaf("serviceProviderId", provider));
            answer.push(Element::leaf("groupId", id));
            "GroupGetResponse22V5"
        }
    };
    Ok(Answer::data(name, answer))
}

/// The service provider of an id.
pub(super) fn known_provider<'a>(
    directory: &'a Directory,
    id: &str,
) -> Result<&'a ServiceProvider, Refusal> {
    let found = directory.providers.get(id);
    found.ok_or_else(|| Refusal::Entry("Service provider not found", id.to_owned()))
}

/// Proves that there is such a group.
pub(super) fn known_group(directory: &Directory, provider: &str, id: &str) -> Result<(), Refusal> {
    if known_provider(directory, provider)?.groups.contains_key(id) {
        Ok(())
    } else {
        Err(Refusal::Entry("Group not found", id.to_owned()))
    }
}
