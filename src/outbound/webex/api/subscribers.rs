//! Subscribers: `/broadworks/subscribers`.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::customer::SubscriberFilter;
use crate::domain::provisioning::ids::PersonId;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::operation::Operation;
use crate::domain::provisioning::webex;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::NewSubscriber;
use crate::domain::provisioning::webex::Remark;
use crate::domain::provisioning::webex::SubscriberChange;
use crate::domain::provisioning::webex::SubscriberError;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::outbound::webex::api::client::Reply;
use crate::outbound::webex::api::failure::tame;
use crate::outbound::webex::api::liberal;
use crate::outbound::webex::api::liberal::Code;
use crate::outbound::webex::api::request::Request;

/// Subscribers of a page; Webex gives no more.
const PAGE: &str = "100";

const FAMILY: [&str; 2] = ["broadworks", "subscribers"];

/// Lists them.
#[must_use]
pub fn list(filter: &SubscriberFilter) -> Request {
    let SubscriberFilter {
        user,
        person,
        email,
        provisioning_id,
        enterprise,
        statuses,
        changed_after,
        created_after,
        self_activated,
    } = filter;
    let statuses = (!statuses.is_empty()).then(|| statuses.join(","));
    let changed = changed_after.map(|at| at.to_string());
    let created = created_after.map(|at| at.to_string());
    let activated = self_activated.map(|truth| truth.to_string());
    Request::new(Operation::ListSubscribers, &FAMILY)
        .with_some("userId", user.as_deref())
        .with_some("personId", person.as_deref())
        .with_some("email", email.as_deref())
        .with_some("provisioningId", provisioning_id.as_deref())
        .with_some("spEnterpriseId", enterprise.as_deref())
        .with_some("lastStatusChange", changed.as_deref())
        .with_some("status", statuses.as_deref())
        .with_some("after", created.as_deref())
        .with_some("selfActivated", activated.as_deref())
        .with("max", PAGE)
}

/// Gets one.
#[must_use]
pub fn get(id: &SubscriberId) -> Request {
    one(Operation::GetSubscriber, id)
}

/// Removes one; the person stays.
#[must_use]
pub fn delete(id: &SubscriberId) -> Request {
    one(Operation::DeleteSubscriber, id)
}

/// Makes one.
#[must_use]
pub fn provision(new: &NewSubscriber) -> Request {
    Request::new(Operation::ProvisionSubscriber, &FAMILY).json(&Provision::of(new))
}

/// Asks whether one could be made. `None` without an e-mail address, which the call needs.
#[must_use]
pub fn precheck(new: &NewSubscriber) -> Option<Request> {
    new.email.as_ref()?;
    Some(validate().json(&Provision::of(new)))
}

/// Asks whether an e-mail address could be that of one.
#[must_use]
pub fn precheck_email(email: &str) -> Request {
    validate().json(&Address { email })
}

fn validate() -> Request {
    Request::new(
        Operation::PrecheckSubscriber,
        &["broadworks", "subscribers", "validate"],
    )
}

#[derive(Serialize)]
struct Address<'a> {
    email: &'a str,
}

/// Changes one.
#[must_use]
pub fn update(id: &SubscriberId, change: &SubscriberChange) -> Request {
    one(Operation::UpdateSubscriber, id).json(&Update::of(change))
}

/// Sends the mail again by which a person agrees to the move of an account.
#[must_use]
pub fn consent_move(id: &SubscriberId) -> Request {
    Request::new(
        Operation::ConsentMove,
        &["subscribers", id.as_str(), "emails", "consentMove"],
    )
}

/// One subscriber.
///
/// # Errors
/// It cannot be read.
pub fn read_one(reply: &Reply) -> Result<webex::Subscriber, CallFailure> {
    let read: Subscriber = reply.read()?;
    read.proven().map_err(|why| reply.unreadable(&why))
}

/// A page of subscribers.
///
/// # Errors
/// It cannot be read.
pub fn read_list(reply: &Reply) -> Result<Vec<webex::Subscriber>, CallFailure> {
    let list: List = reply.read()?;
    let proven = list.items.into_iter().map(Subscriber::proven);
    proven
        .collect::<Result<_, _>>()
        .map_err(|why| reply.unreadable(&why))
}

/// What a precheck had to say.
///
/// # Errors
/// It cannot be read.
pub fn read_precheck(reply: &Reply) -> Result<Vec<Remark>, CallFailure> {
    let read: Precheck = reply.read()?;
    let remarks = read.info.into_iter().map(|info| Remark {
        code: info.info_code,
        description: tame(&info.description.unwrap_or_default()),
    });
    Ok(remarks.collect())
}

fn one(operation: Operation, id: &SubscriberId) -> Request {
    let [family, kind] = FAMILY;
    Request::new(operation, &[family, kind, id.as_str()])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provision<'a> {
    provisioning_id: &'a str,
    user_id: &'a str,
    sp_enterprise_id: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    package: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
}

impl<'a> Provision<'a> {
    fn of(new: &'a NewSubscriber) -> Self {
        let NewSubscriber {
            provisioning_id,
            user,
            enterprise,
            first_name,
            last_name,
            package,
            phone,
            mobile,
            extension,
            email,
            language,
            timezone,
        } = new;
        Self {
            provisioning_id: provisioning_id.as_str(),
            user_id: user.as_str(),
            sp_enterprise_id: enterprise.as_str(),
            first_name,
            last_name,
            package: package.as_str(),
            primary_phone_number: phone.as_deref(),
            mobile_phone_number: mobile.as_deref(),
            extension: extension.as_deref(),
            email: email.as_deref(),
            language: language.as_deref(),
            timezone: timezone.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'static str>,
}

impl<'a> Update<'a> {
    fn of(change: &'a SubscriberChange) -> Self {
        let SubscriberChange {
            user,
            first_name,
            last_name,
            phone,
            mobile,
            extension,
            timezone,
            package,
        } = change;
        Self {
            user_id: user.as_ref().map(|user| user.as_str()),
            first_name: first_name.as_deref(),
            last_name: last_name.as_deref(),
            primary_phone_number: phone.as_deref(),
            mobile_phone_number: mobile.as_deref(),
            extension: extension.as_deref(),
            timezone: timezone.as_deref(),
            package: package.map(|package| package.as_str()),
        }
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Subscriber>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscriber {
    id: String,
    person_id: Option<String>,
    user_id: Option<String>,
    sp_enterprise_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    primary_phone_number: Option<String>,
    mobile_phone_number: Option<String>,
    extension: Option<String>,
    package: Option<String>,
    status: String,
    errors: Option<Vec<ErrorObject>>,
    last_status_change: Option<String>,
    provisioning_id: Option<String>,
    #[serde(default, deserialize_with = "liberal::bool_or_string")]
    self_activated: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorObject {
    error_code: Option<Code>,
    description: Option<String>,
}

impl ErrorObject {
    pub(super) fn proven(self) -> SubscriberError {
        SubscriberError {
            code: self.error_code.map(|code| tame(&code.into_text())),
            description: tame(&self.description.unwrap_or_default()),
        }
    }
}

impl Subscriber {
    fn proven(self) -> Result<webex::Subscriber, crate::domain::provisioning::ids::NotAName> {
        let person = self.person_id.as_deref().filter(|id| !id.is_empty());
        Ok(webex::Subscriber {
            id: SubscriberId::parse(&self.id)?,
            person: person.map(PersonId::parse).transpose()?,
            user: self.user_id,
            enterprise: self.sp_enterprise_id,
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.email,
            phone: self.primary_phone_number,
            mobile: self.mobile_phone_number,
            extension: self.extension,
            package: self.package,
            status: SubscriberStatus::parse(&self.status),
            errors: self
                .errors
                .unwrap_or_default()
                .into_iter()
                .map(ErrorObject::proven)
                .collect(),
            provisioning_id: self.provisioning_id,
            self_activated: self.self_activated,
            last_status_change: self.last_status_change,
        })
    }
}

#[derive(Deserialize)]
struct Precheck {
    #[serde(default, deserialize_with = "liberal::one_or_many")]
    info: Vec<Info>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    info_code: Option<u64>,
    description: Option<String>,
}
