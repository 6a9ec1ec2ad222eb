//! Provisioning: what all templates share, and the templates of Partner Hub.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::CaptureWhat;
use crate::config::EarlyValidation;
use crate::config::EnterpriseCase;
use crate::config::EnterpriseEscape;
use crate::config::OnRemove;
use crate::config::OnUnreachable;
use crate::config::Operations;
use crate::config::PrecheckPolicy;
use crate::config::PrecheckWhen;
use crate::config::Rate;
use crate::config::RemoveUnknown;
use crate::config::TemplateMode;
use crate::config::TemplatePackage;
use crate::config::UserIdChange;
use crate::config::secret::SecretRef;
use crate::domain::provisioning::policy::Rules;

/// The path below which the template is named: `/adapter/v1/t/<name>`.
pub const ADAPTER_PATH: &str = "/adapter/v1/t/";

/// What all templates share.
#[derive(Debug, Clone, PartialEq)]
pub struct Provisioning {
    /// Time within which a call is answered; what is not written by then is refused with 503.
    pub answer_within: Duration,
    /// Calls of all templates together.
    pub rate: Rate,
    /// Entries that go before the built-in table of Webex's errors.
    pub error_table: Option<PathBuf>,
    /// What is kept of calls for a look.
    pub capture: Capture,
    /// Waits and deadlines of jobs; pace and calls under way are each partner's own.
    pub jobs: Rules,
    /// What operators may do.
    pub operations: Operations,
}

/// What is kept of calls for a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Which calls, of templates that say nothing else.
    pub what: CaptureWhat,
    /// How many of each template.
    pub ring: usize,
    /// Largest body that is kept.
    pub body_bytes: usize,
    /// Whether they are kept over a restart.
    pub keep: bool,
    /// How long any of them is kept.
    pub max_age: Duration,
    /// Whether names, numbers and addresses stay readable.
    pub personal_data: bool,
}

/// A template of Partner Hub, and how calls of the Application Server for it are taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Name used in its URL, in logs and metrics.
    pub name: String,
    /// Who provisions its users.
    pub mode: TemplateMode,
    /// Further URLs below which calls are of this template. When there are any, their hosts are
    /// the only ones at which it is called.
    pub matches: Vec<TemplateMatch>,
    /// The BroadWorks cluster within which user ids are unique.
    pub cluster: String,
    /// Customers that Partner Hub shows for the cluster.
    pub customers: u32,
    /// The Webex partner account; absent only where calls are relayed and nobody is tracked.
    pub partner: Option<String>,
    /// The template's provisioning id; always there in the mode `api`.
    pub provisioning_id: Option<String>,
    /// The template's URL at Webex; always there in the mode `relay`.
    pub bridge_url: Option<String>,
    /// What the Application Server shows; absent only in the mode `observe`.
    pub credentials: Option<TemplateCredentials>,
    /// Networks of the Application Servers; empty: those of the listener.
    pub allow: Vec<ipnet::IpNet>,
    /// Whether the service provider of a user is an enterprise.
    pub enterprise_mode: bool,
    /// Whether e-mail addresses of BroadWorks are trusted.
    pub trusted_email: bool,
    /// What its users may use.
    pub package: TemplatePackage,
    /// Language of users for whom BroadWorks says none.
    pub language: Option<String>,
    /// Time zone of users for whom BroadWorks says none.
    pub timezone: Option<String>,
    /// What is refused at once.
    pub early_validation: EarlyValidation,
    /// When Webex is asked beforehand whether it would take a user.
    pub precheck: PrecheckWhen,
    /// What follows when that passes with remarks.
    pub precheck_policy: PrecheckPolicy,
    /// What a removal takes.
    pub on_remove: OnRemove,
    /// What follows the removal of a user that was never heard of.
    pub remove_unknown: RemoveUnknown,
    /// What follows when a user id changes in BroadWorks.
    pub user_id_change: UserIdChange,
    /// Whether users are made with the package basic first.
    pub stage_basic_first: bool,
    /// Which calls are kept for a look.
    pub capture: CaptureWhat,
    /// The mapping of inbound calls; absent: the built-in one.
    pub mapping: Option<PathBuf>,
    /// How the enterprise of a user is called.
    pub sp_enterprise_id: SpEnterpriseIdForm,
    /// How calls are relayed.
    pub relay: TemplateRelay,
    /// What the Application Server is answered.
    pub response: TemplateResponse,
}

/// A URL below which calls are of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateMatch {
    /// Host name, lower case.
    pub host: String,
    /// Port, when one is written.
    pub port: Option<u16>,
    /// Path prefix without a trailing slash, compared on a segment border.
    pub prefix: String,
}

/// An account with its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateCredentials {
    /// The account.
    pub account: String,
    /// Where its password lies.
    pub password: SecretRef,
}

/// How the enterprise of a user is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpEnterpriseIdForm {
    /// Text with `{sp}` and `{group}`.
    pub format: String,
    /// Letter case.
    pub case: EnterpriseCase,
    /// What becomes of `+` and `%` inside the ids.
    pub escape: EnterpriseEscape,
}

/// How calls are relayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRelay {
    /// What a call gets while the bridge cannot be reached.
    pub on_unreachable: OnUnreachable,
    /// Time limit of TCP connect and TLS handshake, each.
    pub connect_timeout: Duration,
    /// Time limit of the whole call.
    pub total_timeout: Duration,
    /// CA certificates of the bridge; absent: the public roots.
    pub ca: Option<PathBuf>,
    /// Account for the bridge; absent: the Application Server's credentials are passed on.
    pub credentials: Option<TemplateCredentials>,
}

/// What the Application Server is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateResponse {
    /// Status when a call was accepted.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// Its text with placeholders.
    pub body: String,
    /// Content type when a call was refused.
    pub error_content_type: String,
    /// Its text with placeholders.
    pub error_body: String,
}

impl Template {
    /// Whether a call from this address is of one of its Application Servers, as far as it says
    /// which there are.
    #[must_use]
    pub fn lets_in(&self, address: IpAddr) -> bool {
        lets_in(&self.allow, address)
    }
}

/// Whether a list of networks holds an address; an empty one holds all.
#[must_use]
pub(in crate::config) fn lets_in(networks: &[ipnet::IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.is_empty() || networks.iter().any(|net| net.contains(&address))
}

impl std::fmt::Display for TemplateMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "https://{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.prefix)
    }
}
