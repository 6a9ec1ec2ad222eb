//! Users as elements: `UserDetails` and its additional details, in the order of the schema.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;

/// The children of `UserDetails`. Only the profile names the service provider.
pub(super) fn details(name: &str, user: &User, provider: Option<&Directory>) -> Element {
    let element = Element::new(name)
        .with_leaf("userId", &user.id)
        .with_leaf("firstName", &user.first_name)
        .with_leaf("lastName", &user.last_name)
        .with_leaf("hiranganaLastName", &user.last_name)
        .with_leaf("hiranganaFirstName", &user.first_name)
        .with_leaf("groupId", &user.group);
    let element = match provider {
        Some(directory) => element.with(
            Element::leaf("serviceProvider", &user.service_provider).attribute_of(
                "isEnterprise",
                directory.is_enterprise(&user.service_provider).to_string(),
            ),
        ),
        None => element,
    };
    element
        .with_some("number", user.number.as_deref())
        .with_some("extension", user.extension.as_deref())
}

/// The additional details.
pub(super) fn additional(user: &User) -> Element {
    Element::new("additionalDetails")
        .with_some("mobile", user.mobile.as_deref())
        .with_some("emailAddress", user.email.as_deref())
        .with_some("title", user.title.as_deref())
        .with_some("location", user.location.as_deref())
        .with_some("department", user.department.as_deref())
        .with_some("impId", user.imp_id.as_deref())
}

/// Both in one element, as lists of users have them.
pub(super) fn listed(name: &str, user: &User) -> Element {
    details(name, user, None).with(additional(user))
}
