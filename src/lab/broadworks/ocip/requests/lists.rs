//! Lists of users of a group or service provider, with the search criteria of the schema that the
//! directory can answer.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::group;
use crate::lab::broadworks::ocip::requests::oci_table::table;
use crate::lab::broadworks::ocip::requests::optional;
use crate::lab::broadworks::ocip::requests::text;

/// `UserGetListInGroupRequest`.
pub(super) fn in_group(directory: &Directory, body: &Element) -> Result<Answer, Refusal> {
    let (provider, id) = (text(body, "serviceProviderId")?, text(body, "GroupId")?);
    group::known_group(directory, provider, id)?;
    let users = search(directory, body, |user| {
        user.service_provider == provider && user.group == id
    })?;
    let row = |user: &User| {
        let [
            id,
            last,
            first,
            department,
            number,
            active,
            email,
            extension,
        ] = cells(user);
        let empty = String::new;
        [
            id,
            last,
            first,
            department,
            number,
            active,
            email,
            empty(),
            empty(),
            user.on_trunk.to_string(),
            extension,
            "1".to_owned(),
            empty(),
        ]
    };
    let table = table("userTable", IN_GROUP, users.into_iter().map(row));
    Ok(Answer::data("UserGetListInGroupResponse", vec![table]))
}

/// `UserGetListInServiceProviderRequest`.
pub(super) fn in_service_provider(
    directory: &Directory,
    body: &Element,
) -> Result<Answer, Refusal> {
    let provider = text(body, "serviceProviderId")?;
    group::known_provider(directory, provider)?;
    let users = search(directory, body, |user| user.service_provider == provider)?;
    let row = |user: &User| {
        let [
            id,
            last,
            first,
            department,
            number,
            active,
            email,
            extension,
        ] = cells(user);
        let empty = String::new;
        [
            id,
            user.group.clone(),
            last,
            first,
            department,
            number,
            active,
            email,
            empty(),
            empty(),
            user.on_trunk.to_string(),
            extension,
            empty(),
        ]
    };
    let table = table("userTable", IN_PROVIDER, users.into_iter().map(row));
    let name = "UserGetListInServiceProviderResponse";
    Ok(Answer::data(name, vec![table]))
}

const IN_GROUP: [&str; 13] = [
    "User Id",
    "Last Name",
    "First Name",
    "Department",
    "Phone Number",
    "Phone Number Activated",
    "Email Address",
    "Hiragana Last Name",
    "Hiragana First Name",
    "In Trunk Group",
    "Extension",
    "Country Code",
    "National Prefix",
];

const IN_PROVIDER: [&str; 13] = [
    "User Id",
    "Group Id",
    "Last Name",
    "First Name",
    "Department",
    "Phone Number",
    "Phone Number Activated",
    "Email Address",
    "Hiragana Last Name",
    "Hiragana First Name",
    "In Trunk Group",
    "Extension",
    "User External Id",
];

/// What both tables tell: id, names, department, number, whether it works, address, extension.
fn cells(user: &User) -> [String; 8] {
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let active = user.number.as_ref().map(|_| "true".to_owned());
    [
        user.id.clone(),
        user.last_name.clone(),
        user.first_name.clone(),
        own(&user.department),
        own(&user.number),
        active.unwrap_or_default(),
        own(&user.email),
        own(&user.extension),
    ]
}

/// The users who fit every criterion, at most as many as `responseSizeLimit` says. That a longer
/// list is cut and not refused is this lab's choice.
fn search<'a>(
    directory: &'a Directory,
    body: &Element,
    belongs: impl Fn(&User) -> bool,
) -> Result<Vec<&'a User>, Refusal> {
    let limit = match optional(body, "responseSizeLimit") {
        None => usize::MAX,
        Some(limit) => match limit.parse() {
            Ok(limit) if limit > 0 => limit,
            _ => return Err(invalid("responseSizeLimit", limit)),
        },
    };
    let mut criteria = Vec::new();
    for child in body.children() {
        if child.local().starts_with("searchCriteria") {
            criteria.push(Criterion::parse(child)?);
        }
    }
    let users = directory.users.values().filter(|user| belongs(user));
    let fits = users.filter(|user| criteria.iter().all(|criterion| criterion.fits(user)));
    Ok(fits.take(limit).collect())
}

struct Criterion<'a> {
    element: &'a str,
    mode: Mode,
    value: String,
    any_case: bool,
}

enum Mode {
    Contains,
    EqualTo,
    StartsWith,
}

impl<'a> Criterion<'a> {
    fn parse(element: &'a Element) -> Result<Self, Refusal> {
        let mode = match text(element, "mode")? {
            "Contains" => Mode::Contains,
            "Equal To" => Mode::EqualTo,
            "Starts With" => Mode::StartsWith,
            other => return Err(invalid("mode", other)),
        };
        let any_case = match text(element, "isCaseInsensitive")? {
            "true" | "1" => true,
            "false" | "0" => false,
            other => return Err(invalid("isCaseInsensitive", other)),
        };
        let value = text(element, "value")?;
        Ok(Self {
            element: element.local(),
            mode,
            value: if any_case {
                value.to_lowercase()
            } else {
                value.to_owned()
            },
            any_case,
        })
    }

    fn fits(&self, user: &User) -> bool {
        let held = match self.element {
            "searchCriteriaDn" => user.number.as_deref(),
            "searchCriteriaEmailAddress" => user.email.as_deref(),
            "searchCriteriaExtension" => user.extension.as_deref(),
            "searchCriteriaUserFirstName" => Some(user.first_name.as_str()),
            "searchCriteriaUserId" => Some(user.id.as_str()),
            "searchCriteriaUserLastName" => Some(user.last_name.as_str()),
            _ => None,
        };
        held.is_some_and(|held| {
            let held = if self.any_case {
                held.to_lowercase()
            } else {
                held.to_owned()
            };
            match self.mode {
                Mode::Contains => held.contains(&self.value),
                Mode::EqualTo => held == self.value,
                Mode::StartsWith => held.starts_with(&self.value),
            }
        })
    }
}

fn invalid(name: &str, value: &str) -> Refusal {
    let value: String = value.chars().take(80).collect();
    Refusal::Validation(format!("Element '{name}' has the value '{value}'."))
}
