//! What a reported request is about, by the local part of its type and some of its elements.
//!
//! A report says that something was written, not what is so now: most of them come to "look at this
//! user". Each release adds forms of a request whose names end in another version; which one it is
//! does not matter here.

use crate::domain::ocir::Command;
use crate::domain::ocir::Hint;
use crate::domain::ocir::Scope;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::SpId;
use crate::domain::xsi::codec::Element;

/// The service, as the Application Server calls it.
pub const INTEGRATED_IMP: &str = "Integrated IMP";

/// What is to be done about a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// Ask whether the user has the service; without an answer the hint is all there is.
    Check {
        /// Whom.
        user: BwUserId,
        /// What the request wanted.
        hint: Hint,
    },
    /// All users of a group, or of a service provider, are gone.
    Left {
        /// The service provider or enterprise.
        sp: SpId,
        /// The group; `None`: all.
        group: Option<GroupId>,
    },
    /// A level may use another messaging server.
    Messaging(Scope),
    /// Nothing that matters here.
    Nothing,
    /// Compare the users of a group, or of a service provider.
    Reconcile {
        /// The service provider or enterprise.
        sp: SpId,
        /// The group; `None`: all.
        group: Option<GroupId>,
    },
    /// The user is gone.
    Removed(BwUserId),
    /// The user has another id.
    Renamed {
        /// Before.
        from: BwUserId,
        /// Now.
        to: BwUserId,
    },
}

/// A request of a known type that does not say about whom it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("<{element}> of {request}: {why}")]
pub struct Unclear {
    /// The request.
    pub request: String,
    /// The element.
    pub element: &'static str,
    /// What is wrong with it.
    pub why: NotAName,
}

/// What a command is about.
///
/// # Errors
/// [`Unclear`] when an id that it must have is missing or none.
pub fn reported(command: &Command) -> Result<Reported, Unclear> {
    let read = Read(command);
    match stem(&command.name) {
        "UserServiceAssignList" => read.service(Hint::Present),
        "UserServiceUnassignList" => read.service(Hint::Absent),
        "UserIntegratedIMPModify" => Ok(Reported::Check {
            user: read.user()?,
            hint: match read.text("isActive") {
                Some("true" | "1") => Hint::Present,
                Some("false" | "0") => Hint::Absent,
                Some(_) | None => Hint::Changed,
            },
        }),
        "UserConsolidatedAdd" | "UserAdd" | "UserModify" => read.changed(),
        "UserConsolidatedModify" | "UserModifyUserId" => match read.text("newUserId") {
            Some(_) => Ok(Reported::Renamed {
                from: read.user()?,
                to: read.name("newUserId", BwUserId::parse)?,
            }),
            None => read.changed(),
        },
        "UserModifyGroupId" => match read.text("evaluateOnly") {
            Some("true" | "1") => Ok(Reported::Nothing),
            Some(_) | None => read.changed(),
        },
        "UserDelete" | "UserConsolidatedDelete" => Ok(Reported::Removed(read.user()?)),
        "GroupDelete" => Ok(Reported::Left {
            sp: read.sp()?,
            group: Some(read.group()?),
        }),
        "ServiceProviderDelete" => Ok(Reported::Left {
            sp: read.sp()?,
            group: None,
        }),
        "GroupNewUserTemplateAssignUserServiceList"
        | "GroupServiceUnassignList"
        | "GroupServiceModifyAuthorizationList" => Ok(Reported::Reconcile {
            sp: read.sp()?,
            group: Some(read.group()?),
        }),
        "ServiceProviderServiceModifyAuthorizationList"
        | "ServiceProviderServicePackAddServiceList"
        | "ServiceProviderServicePackDelete" => Ok(Reported::Reconcile {
            sp: read.sp()?,
            group: None,
        }),
        "GroupIntegratedIMPModify" => {
            Ok(Reported::Messaging(Scope::Group(read.sp()?, read.group()?)))
        }
        "ServiceProviderIntegratedIMPModify" => {
            Ok(Reported::Messaging(Scope::ServiceProvider(read.sp()?)))
        }
        "ResellerIntegratedIMPModify" => Ok(Reported::Messaging(Scope::Reseller(
            read.text("resellerId").unwrap_or_default().to_owned(),
        ))),
        "SystemIntegratedIMPModify" | "SystemBroadCloudModify" => {
            Ok(Reported::Messaging(Scope::System))
        }
        pack if pack.starts_with("ServiceProviderServicePackModify") => Ok(Reported::Reconcile {
            sp: read.sp()?,
            group: None,
        }),
        _ => Ok(Reported::Nothing),
    }
}

/// The name without `Request` and the version behind it; all of it when it is no such name.
fn stem(name: &str) -> &str {
    match name.rsplit_once("Request") {
        Some((stem, version)) if version.is_empty() || version.starts_with(is_digit) => stem,
        Some(_) | None => name,
    }
}

const fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// The elements of a command.
struct Read<'a>(&'a Command);

impl<'a> Read<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        let child = self.0.body.child(name).filter(|child| !child.is_nil())?;
        Some(child.text().trim()).filter(|text| !text.is_empty())
    }

    fn name<T>(
        &self,
        element: &'static str,
        parse: fn(&str) -> Result<T, NotAName>,
    ) -> Result<T, Unclear> {
        parse(self.text(element).unwrap_or_default()).map_err(|why| Unclear {
            request: self.0.name.clone(),
            element,
            why,
        })
    }

    fn user(&self) -> Result<BwUserId, Unclear> {
        self.name("userId", BwUserId::parse)
    }

    fn sp(&self) -> Result<SpId, Unclear> {
        self.name("serviceProviderId", SpId::parse)
    }

    fn group(&self) -> Result<GroupId, Unclear> {
        self.name("groupId", GroupId::parse)
    }

    fn changed(&self) -> Result<Reported, Unclear> {
        Ok(Reported::Check {
            user: self.user()?,
            hint: Hint::Changed,
        })
    }

    /// Services that are given or taken away, of which ours may be one; it may be in any pack.
    fn service(&self, hint: Hint) -> Result<Reported, Unclear> {
        let body = &self.0.body;
        let ours = |service: &Element| service.text().trim().eq_ignore_ascii_case(INTEGRATED_IMP);
        if body.children_named("serviceName").any(ours) {
            let user = self.user()?;
            return Ok(Reported::Check { user, hint });
        }
        match body.child("servicePackName") {
            Some(_) => self.changed(),
            None => Ok(Reported::Nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, fields: &[(&str, &str)]) -> Result<Reported, Unclear> {
        let leaves = fields.iter().map(|(name, text)| Element::leaf(name, *text));
        reported(&Command {
            name: name.to_owned(),
            body: Element::new("command").with_all(leaves),
        })
    }

    fn check(hint: Hint) -> Reported {
        let user = BwUserId::parse("a@b").unwrap();
        Reported::Check { user, hint }
    }

    const USER: (&str, &str) = ("userId", "a@b");
    const SP: (&str, &str) = ("serviceProviderId", "sp1");
    const GROUP: (&str, &str) = ("groupId", "g");

    #[test]
    fn requests_about_a_user_lead_to_the_user() {
        for (name, fields, expected) in [
            (
                "UserServiceAssignListRequest",
                vec![
                    USER,
                    ("serviceName", "Call Park"),
                    ("serviceName", "Integrated IMP"),
                ],
                check(Hint::Present),
            ),
            (
                "UserServiceUnassignListRequest",
                vec![USER, ("serviceName", "integrated imp")],
                check(Hint::Absent),
            ),
            (
                "UserServiceAssignListRequest",
                vec![USER, ("servicePackName", "Webex")],
                check(Hint::Changed),
            ),
            (
                "UserServiceAssignListRequest",
                vec![USER, ("serviceName", "Call Park")],
                Reported::Nothing,
            ),
            (
                "UserIntegratedIMPModifyRequest",
                vec![USER, ("isActive", "true")],
                check(Hint::Present),
            ),
            (
                "UserIntegratedIMPModifyRequest",
                vec![USER, ("isActive", "false")],
                check(Hint::Absent),
            ),
            ("UserModifyRequest22", vec![USER], check(Hint::Changed)),
            ("UserModifyRequest17sp4", vec![USER], check(Hint::Changed)),
            ("UserAddRequest22V2", vec![USER, SP], check(Hint::Changed)),
            (
                "UserConsolidatedModifyRequest22",
                vec![USER],
                check(Hint::Changed),
            ),
            (
                "UserModifyGroupIdRequest",
                vec![USER, ("evaluateOnly", "true")],
                Reported::Nothing,
            ),
            ("UserModifyGroupIdRequest", vec![USER], check(Hint::Changed)),
            (
                "UserDeleteRequest",
                vec![USER],
                Reported::Removed(BwUserId::parse("a@b").unwrap()),
            ),
            ("UserModifyRequestor", vec![USER], Reported::Nothing),
            (
                "UserCallForwardingAlwaysModifyRequest",
                vec![USER],
                Reported::Nothing,
            ),
            ("", vec![], Reported::Nothing),
        ] {
            assert_eq!(told(name, &fields), Ok(expected), "{name} {fields:?}");
        }
        let renamed = told("UserModifyUserIdRequest", &[USER, ("newUserId", "c@d")]);
        assert!(
            matches!(renamed, Ok(Reported::Renamed { .. })),
            "{renamed:?}"
        );
    }

    #[test]
    fn requests_about_a_level_lead_to_the_level() {
        let sp = || SpId::parse("sp1").unwrap();
        let group = || Some(GroupId::parse("g").unwrap());
        for (name, fields, expected) in [
            (
                "GroupDeleteRequest",
                vec![SP, GROUP],
                Reported::Left {
                    sp: sp(),
                    group: group(),
                },
            ),
            (
                "ServiceProviderDeleteRequest",
                vec![SP],
                Reported::Left {
                    sp: sp(),
                    group: None,
                },
            ),
            (
                "GroupServiceUnassignListRequest",
                vec![SP, GROUP],
                Reported::Reconcile {
                    sp: sp(),
                    group: group(),
                },
            ),
            (
                "ServiceProviderServicePackModifyRequest",
                vec![SP],
                Reported::Reconcile {
                    sp: sp(),
                    group: None,
                },
            ),
            (
                "SystemBroadCloudModifyRequest",
                vec![],
                Reported::Messaging(Scope::System),
            ),
            (
                "ServiceProviderIntegratedIMPModifyRequest",
                vec![SP],
                Reported::Messaging(Scope::ServiceProvider(sp())),
            ),
        ] {
            assert_eq!(told(name, &fields), Ok(expected), "{name}");
        }
    }

    #[test]
    fn a_request_without_its_user_is_unclear_and_says_so() {
        let unclear = told("UserModifyRequest22", &[("userId", " ")]).unwrap_err();
        assert_eq!(
            unclear.to_string(),
            "<userId> of UserModifyRequest22: not a BwUserId: it is empty"
        );
        assert!(told("GroupDeleteRequest", &[SP]).is_err());
    }
}
