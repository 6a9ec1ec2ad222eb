//! What logins, verifications and login information tell of somebody.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::DEFAULT_DOMAIN;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::operator;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::Caller;
use crate::lab::broadworks::ocip::requests::LoginForm;
use crate::lab::broadworks::ocip::requests::table::LoginInfoForm;
use crate::platform::clock;

/// Seconds of a minute, in which locks are told.
const MINUTE: u64 = 60;

/// The answer to a good login.
pub(in crate::lab::broadworks::ocip) fn logged_in(
    directory: &Directory,
    form: LoginForm,
    caller: &Caller,
) -> Answer {
    let mut body = standing(directory, caller);
    body.push(Element::leaf("userDomain", DEFAULT_DOMAIN));
    let name = match form {
        LoginForm::R14sp4 => return Answer::data("LoginResponse14sp4", body),
        LoginForm::R22V3 => "LoginResponse22V3",
        LoginForm::R22V4 => "LoginResponse22V4",
        LoginForm::R22V5 => "LoginResponse22V5",
    };
    body.extend(revocation(directory, caller));
    Answer::data(name, body)
}

/// The answer to a good verification.
pub(in crate::lab::broadworks::ocip) fn verified(directory: &Directory, caller: &Caller) -> Answer {
    Answer::data(
        "AuthenticationVerifyResponse22V4",
        person(directory, caller),
    )
}

/// `UserGetLoginInfoRequest`: the same without a password.
pub(super) fn info(
    lab: &BroadWorks,
    directory: &Directory,
    form: LoginInfoForm,
    user: &User,
) -> Result<Answer, Refusal> {
    let mut body = person(directory, &Caller::User(user.id.clone()));
    let name = match form {
        LoginInfoForm::R22V4 => "UserGetLoginInfoResponse22V4",
        LoginInfoForm::Ri => {
            if let Some(left) = lab.ocip.lockouts.left(&user.id, clock::mono()) {
                // A lock of less than a minute is still one.
                let whole = left.as_millis().div_ceil(u128::from(MINUTE) * 1000);
                body.push(Element::leaf("lockoutPeriodExpiry", whole.to_string()));
            }
            "UserGetLoginInfoResponseRI"
        }
    };
    Ok(Answer::data(name, body))
}

fn person(directory: &Directory, caller: &Caller) -> Vec<Element> {
    let mut body = standing(directory, caller);
    match caller {
        Caller::Administrator(id) => body.push(Element::leaf("userId", id)),
        Caller::User(id) => {
            if let Some(user) = directory.user(id) {
                body.push(Element::leaf("lastName", &user.last_name));
                body.push(Element::leaf("firstName", &user.first_name));
                body.push(Element::leaf("userId", &user.id));
                let number = user.number.as_deref();
                body.extend(number.map(|number| Element::leaf("phoneNumber", number)));
            }
        }
    }
    body.extend(revocation(directory, caller));
    body
}

/// Type of login, locale and place.
fn standing(directory: &Directory, caller: &Caller) -> Vec<Element> {
    let user = match caller {
        Caller::Administrator(_) => None,
        Caller::User(id) => directory.user(id),
    };
    let kind = if user.is_some() { "User" } else { "System" };
    let mut body = vec![
        Element::leaf("loginType", kind),
        Element::leaf("locale", "en_US"),
        Element::leaf("encoding", "ISO-8859-1"),
    ];
    if let Some(user) = user {
        body.push(Element::leaf("groupId", &user.group));
        body.push(Element::leaf("serviceProviderId", &user.service_provider));
    }
    let enterprise = user.is_some_and(|user| directory.is_enterprise(&user.service_provider));
    body.push(Element::leaf("isEnterprise", enterprise.to_string()));
    body
}

fn revocation(directory: &Directory, caller: &Caller) -> Option<Element> {
    let (Caller::Administrator(id) | Caller::User(id)) = caller;
    let time = operator::token_revocation(directory, id)?;
    Some(Element::leaf("tokenRevocationTime", time.to_string()))
}
