//! Group resources: the unavailable codes of call centers (specification 3.5.14.2).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::ask::Ask;
use crate::lab::broadworks::xsi::credentials::Caller;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::only;

/// The codes, for members of the group and the administrator. The group is qualified by
/// `enterpriseId` or `serviceProviderId`.
pub(super) fn unavailable_codes(lab: &BroadWorks, ask: &Ask, caller: &Caller) -> Outcome {
    only(ask, GET)?;
    let directory = lab.store.read();
    let qualifier = ask
        .query
        .first("enterpriseId")
        .or_else(|| ask.query.first("serviceProviderId"));
    let provider = qualifier.ok_or(Fault::Parameter("enterpriseId"))?;
    let group = ask.path.get(1).map(String::as_str).unwrap_or_default();
    let known = directory
        .providers
        .get(provider)
        .is_some_and(|held| held.groups.contains_key(group));
    if !known {
        return Err(Fault::NotFound("Group", group.to_owned()));
    }
    let allowed = match caller {
        Caller::Administrator(_) => true,
        Caller::User(id) => directory
            .user(id)
            .is_some_and(|user| user.group == group && user.service_provider == provider),
    };
    if !allowed {
        return Err(Fault::NotAllowed);
    }
    let code = |default: bool, code: &str, description: &str| {
        Element::new("unavailableCodeDetail")
            .attribute_of("isDefault", default.to_string())
            .with_leaf("active", "true")
            .with_leaf("code", code)
            .with_leaf("description", description)
    };
    Ok(Answer::document(
        Element::xsi("ACDAgentUnavailableCodes")
            .with_leaf("enableAgentUnavailableCodes", "true")
            .with_leaf("defaultAgentUnavailableCodeOnDND", "1")
            .with_leaf("forceUseOfAgentUnavailableCodes", "false")
            .with(
                Element::new("unavailableCodes")
                    .with(code(true, "1", "Lunch"))
                    .with(code(false, "2", "Training")),
            ),
    ))
}
