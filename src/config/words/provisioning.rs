//! The words of provisioning.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Which calls of the Application Server are kept for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureWhat {
    /// Every call.
    All,
    /// Calls that were refused.
    Errors,
    /// None.
    Off,
}

/// What is refused at once, before a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyValidation {
    /// What can never succeed, as far as is known here.
    Business,
    /// Only what cannot be read.
    Off,
    /// Fields that are missing or too long, too.
    Syntax,
}

/// Letter case of the enterprise's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnterpriseCase {
    /// As BroadWorks has it.
    Keep,
    /// Lower case.
    Lower,
}

/// What becomes of `+` and `%` inside the ids that make the enterprise's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnterpriseEscape {
    /// They stay.
    None,
    /// They become `%2B` and `%25`.
    Percent,
}

/// What a removal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRemove {
    /// The subscription; the person stays in the organisation as a free user.
    Subscriber,
    /// The person, too.
    SubscriberAndPerson,
}

/// What a call gets while the bridge cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnreachable {
    /// Success, and the call is sent later.
    AcceptAndRetry,
    /// A failure, which the BroadWorks administrator sees.
    Fail,
}

/// What follows when a precheck passes with remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrecheckPolicy {
    /// The remark is kept, and the user is provisioned.
    Continue,
    /// A person looks at it first.
    Stop,
}

/// When Webex is asked beforehand whether it would take a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrecheckWhen {
    /// Before each user.
    Always,
    /// Before the first user of an enterprise.
    FirstUser,
    /// Not.
    Never,
}

/// Who provisions the users of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateMode {
    /// We do, over Webex's APIs.
    Api,
    /// Webex's bridge, which the Application Server calls without us; users are only tracked.
    Observe,
    /// Webex's bridge, to which calls are relayed untouched; users are tracked.
    Relay,
}

/// What the users of a template may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplatePackage {
    /// Basic.
    Basic,
    /// Premium.
    Premium,
    /// Softphone.
    Softphone,
    /// Standard.
    Standard,
}

/// What follows when a user id changes in BroadWorks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserIdChange {
    /// A person decides.
    Attention,
    /// The subscriber gets the new id.
    Put,
    /// The subscriber is removed and made again.
    Recreate,
}

/// What follows the removal of a user that was never heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RemoveUnknown {
    /// Nothing.
    Ignore,
    /// Webex is asked: the user may have been provisioned before we were here.
    LookUp,
}
