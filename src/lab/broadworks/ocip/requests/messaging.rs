//! Which messaging server provisions the users of a level: group, service provider, reseller,
//! system.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Messaging;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::group::known_group;
use crate::lab::broadworks::ocip::requests::group::known_provider;
use crate::lab::broadworks::ocip::requests::optional;
use crate::lab::broadworks::ocip::requests::text;

/// Characters of what the schema lets one store: `URL`, the account and its password.
const URL: usize = 256;
const ACCOUNT: usize = 80;
const PASSWORD: usize = 20;

/// The service domain of every level; Webex ignores it.
const DOMAIN: &str = "example.com";

/// `GroupIntegratedIMPGetRequest23`.
pub(super) fn of_group(directory: &Directory, body: &Element) -> Result<Answer, Refusal> {
    let (provider, id) = (text(body, "serviceProviderId")?, text(body, "groupId")?);
    known_group(directory, provider, id)?;
    let group = known_provider(directory, provider)?.groups.get(id);
    let held = group.map(|group| group.messaging.clone());
    let held = held.unwrap_or_default();
    let mut answer = vec![
        Element::leaf("useServiceProviderSetting", "true"),
        Element::leaf("effectiveServiceDomain", DOMAIN),
        Element::leaf("addServiceProviderInIMPUserId", "false"),
        Element::leaf("defaultImpIdType", "Primary"),
        Element::leaf("useServiceProviderMessagingServer", (!held.own).to_string()),
    ];
    answer.extend(server(&held));
    Ok(Answer::data("GroupIntegratedIMPGetResponse23", answer))
}

/// `ServiceProviderIntegratedIMPGetRequest22`.
pub(super) fn of_provider(directory: &Directory, body: &Element) -> Result<Answer, Refusal> {
    let held = &known_provider(directory, text(body, "serviceProviderId")?)?.messaging;
    let mut answer = vec![
        Element::leaf("useSystemServiceDomain", "true"),
        Element::leaf("useSystemMessagingServer", (!held.own).to_string()),
    ];
    answer.extend(server(held));
    answer.push(Element::leaf("defaultImpIdType", "Primary"));
    let name = "ServiceProviderIntegratedIMPGetResponse22";
    Ok(Answer::data(name, answer))
}

/// `ResellerIntegratedIMPGetRequest22`.
pub(super) fn of_reseller(directory: &Directory, body: &Element) -> Result<Answer, Refusal> {
    let id = text(body, "resellerId")?;
    let held = directory.resellers.get(id).ok_or_else(|| unknown(id))?;
    let inherits = (!held.messaging.own).to_string();
    let mut answer = vec![
        Element::leaf("useSystemServiceDomain", "true"),
        Element::leaf("useSystemMessagingServer", inherits),
    ];
    answer.extend(server(&held.messaging));
    answer.push(Element::leaf("defaultImpIdType", "Primary"));
    Ok(Answer::data("ResellerIntegratedIMPGetResponse22", answer))
}

fn unknown(reseller: &str) -> Refusal {
    Refusal::Entry("Reseller not found", reseller.chars().take(80).collect())
}

/// `SystemBroadCloudGetRequest22`.
pub(super) fn of_system(directory: &Directory) -> Answer {
    let held = &directory.provisioning;
    let mut answer: Vec<_> = server(&held.messaging).collect();
    let synchronize = held.synchronize.to_string();
    answer.push(Element::leaf("enableSynchronization", synchronize));
    answer.push(Element::leaf("proxyPort", "3128"));
    Answer::data("SystemBroadCloudGetResponse22", answer)
}

/// `SystemIntegratedIMPGetRequest25`.
pub(super) fn system_service(directory: &Directory) -> Answer {
    let propagate = directory.provisioning.propagate_errors.to_string();
    let answer = vec![
        Element::leaf("serviceDomain", DOMAIN),
        Element::leaf("addServiceProviderInIMPUserId", "false"),
        Element::leaf("allowImpPasswordRetrieval", "false"),
        Element::leaf("propagateImpErrorDetails", propagate),
    ];
    Answer::data("SystemIntegratedIMPGetResponse25", answer)
}

fn server(held: &Messaging) -> impl Iterator<Item = Element> + use<> {
    let url = held.url.clone().map(|url| ("provisioningUrl", url));
    let account = held.account.clone();
    let account = account.map(|account| ("provisioningUserId", account));
    let told = url.into_iter().chain(account);
    told.map(|(name, text)| Element::leaf(name, text))
}

/// `GroupIntegratedIMPModifyRequest`.
pub(super) fn modify_group(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    let (provider, id) = (text(body, "serviceProviderId")?, text(body, "groupId")?);
    lab.store.update(|directory| {
        known_group(directory, provider, id)?;
        let held = directory.providers.get_mut(provider);
        let group = held.and_then(|held| held.groups.get_mut(id));
        let group = group.ok_or(Refusal::Internal)?;
        let inherits = flag(body, "useServiceProviderMessagingServer")?;
        modify(&mut group.messaging, inherits, body)
    })
}

/// `ServiceProviderIntegratedIMPModifyRequest`.
pub(super) fn modify_provider(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    let id = text(body, "serviceProviderId")?;
    lab.store.update(|directory| {
        known_provider(directory, id)?;
        let provider = directory.providers.get_mut(id).ok_or(Refusal::Internal)?;
        let inherits = flag(body, "useSystemMessagingServer")?;
        modify(&mut provider.messaging, inherits, body)
    })
}

/// `ResellerIntegratedIMPModifyRequest`.
pub(super) fn modify_reseller(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    let id = text(body, "resellerId")?;
    lab.store.update(|directory| {
        let held = directory.resellers.get_mut(id);
        let reseller = held.ok_or_else(|| unknown(id))?;
        let inherits = flag(body, "useSystemMessagingServer")?;
        modify(&mut reseller.messaging, inherits, body)
    })
}

/// `SystemBroadCloudModifyRequest`.
pub(super) fn modify_system(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    lab.store.update(|directory| {
        let held = &mut directory.provisioning;
        if let Some(synchronize) = flag(body, "enableSynchronization")? {
            held.synchronize = synchronize;
        }
        modify(&mut held.messaging, Some(false), body)
    })
}

/// `SystemIntegratedIMPModifyRequest`.
pub(super) fn modify_system_service(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    lab.store.update(|directory| {
        if let Some(propagate) = flag(body, "propagateImpErrorDetails")? {
            directory.provisioning.propagate_errors = propagate;
        }
        Ok(Answer::done())
    })
}

fn modify(held: &mut Messaging, inherits: Option<bool>, body: &Element) -> Result<Answer, Refusal> {
    if let Some(inherits) = inherits {
        held.own = !inherits;
    }
    for (name, most, kept) in [
        ("provisioningUrl", URL, &mut held.url),
        ("provisioningUserId", ACCOUNT, &mut held.account),
        ("provisioningPassword", PASSWORD, &mut held.password),
    ] {
        if body.child(name).is_none() {
            continue;
        }
        let given = optional(body, name);
        if given.is_some_and(|given| given.chars().count() > most) {
            let why = format!("Element '{name}' is longer than {most} characters.");
            return Err(Refusal::Validation(why));
        }
        *kept = given.map(str::to_owned);
    }
    Ok(Answer::done())
}

/// A flag that may be absent.
pub(super) fn flag(body: &Element, name: &str) -> Result<Option<bool>, Refusal> {
    match optional(body, name) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(other) => {
            let other: String = other.chars().take(80).collect();
            let why = format!("Element '{name}' has the value '{other}'.");
            Err(Refusal::Validation(why))
        }
    }
}
