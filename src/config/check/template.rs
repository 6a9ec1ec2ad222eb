//! One template of Partner Hub.

mod customers;
mod form;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::config::ADAPTER_PATH;
use crate::config::EarlyValidation;
use crate::config::EnterpriseCase;
use crate::config::EnterpriseEscape;
use crate::config::OnRemove;
use crate::config::OnUnreachable;
use crate::config::PrecheckPolicy;
use crate::config::PrecheckWhen;
use crate::config::Provisioning;
use crate::config::RemoveUnknown;
use crate::config::SpEnterpriseIdForm;
use crate::config::Template;
use crate::config::TemplateCredentials;
use crate::config::TemplateMode;
use crate::config::TemplatePackage;
use crate::config::TemplateRelay;
use crate::config::TemplateResponse;
use crate::config::UserIdChange;
use crate::config::check::at::At;
use crate::config::check::provisioning;
use crate::config::check::provisioning::shown;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::secret::SECRET_FORM;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::provisioning::answer::ACCEPTED_XML;
use crate::domain::provisioning::answer::ERROR_XML;
use crate::domain::provisioning::answer::XML;

/// What Webex takes of a provisioning id, and room.
const PROVISIONING_ID: usize = 512;

pub(super) use customers::customers;

pub(super) fn template(
    at: &At<'_>,
    name: String,
    raw: &raw::Template,
    shared: &Provisioning,
) -> Template {
    let mode = raw.mode.unwrap_or(TemplateMode::Relay);
    let enterprise_mode = raw.enterprise_mode.unwrap_or(false);
    needs(at, raw, mode);
    let credentials = match mode {
        TemplateMode::Observe => None,
        TemplateMode::Api | TemplateMode::Relay => {
            let account = raw.account.as_deref();
            credentials(at, account, raw.password.as_ref(), true)
        }
    };
    let relay = relay(&at.key("relay"), raw.relay.as_ref());
    Template {
        name,
        mode,
        matches: at.list("match", raw.matches.as_deref(), form::called_at),
        cluster: at
            .text("cluster", raw.cluster.as_deref(), values::name)
            .unwrap_or_else(|| "default".to_owned()),
        customers: at.count("customers", raw.customers, &rules::TEMPLATE_CUSTOMERS),
        partner: at.text("partner", raw.partner.as_deref(), values::name),
        provisioning_id: provisioning_id(at, raw.provisioning_id.as_deref()),
        bridge_url: at.text("bridge-url", raw.bridge_url.as_deref(), form::bridge_url),
        credentials,
        allow: at.list("allow", raw.allow.as_deref(), provisioning::network),
        enterprise_mode,
        trusted_email: raw.trusted_email.unwrap_or(true),
        package: raw.package.unwrap_or(TemplatePackage::Standard),
        language: at.text("language", raw.language.as_deref(), form::language),
        timezone: at.text("timezone", raw.timezone.as_deref(), form::timezone),
        early_validation: raw.early_validation.unwrap_or(EarlyValidation::Business),
        precheck: raw.precheck.unwrap_or(PrecheckWhen::FirstUser),
        precheck_policy: raw.precheck_policy.unwrap_or(PrecheckPolicy::Continue),
        on_remove: raw.on_remove.unwrap_or(OnRemove::Subscriber),
        remove_unknown: raw.remove_unknown.unwrap_or(RemoveUnknown::LookUp),
        user_id_change: raw.user_id_change.unwrap_or(UserIdChange::Attention),
        stage_basic_first: raw.stage_basic_first.unwrap_or(false),
        capture: raw.capture.unwrap_or(shared.capture.what),
        mapping: at.text("mapping", raw.mapping.as_deref(), values::path),
        sp_enterprise_id: enterprise(
            &at.key("sp-enterprise-id"),
            raw.sp_enterprise_id.as_ref(),
            enterprise_mode,
        ),
        relay,
        response: response(&at.key("response"), raw.response.as_ref()),
    }
}

/// What each mode cannot be without.
fn needs(at: &At<'_>, raw: &raw::Template, mode: TemplateMode) {
    let partner = "the name of a Webex partner account";
    match mode {
        TemplateMode::Api => {
            if raw.partner.is_none() {
                at.key("partner").refuse(
                    "missing: the users of this template are made with it",
                    partner,
                );
            }
            if raw.provisioning_id.is_none() {
                at.key("provisioning-id").refuse(
                    "missing: Webex takes no user without it",
                    "the template's id, as Partner Hub shows it",
                );
            }
        }
        TemplateMode::Observe => {
            if raw.partner.is_none() {
                at.key("partner")
                    .refuse("missing: users are only seen with it", partner);
            }
            let written = [
                ("account", raw.account.is_some()),
                ("password", raw.password.is_some()),
            ];
            for (key, _) in written.iter().filter(|(_, written)| *written) {
                at.key(key).refuse(
                    "has no effect where the Application Server does not call",
                    "the mode \"api\" or \"relay\", or no such key",
                );
            }
        }
        TemplateMode::Relay => {
            if raw.bridge_url.is_none() {
                at.key("bridge-url").refuse(
                    "missing, so calls could not be relayed",
                    "the template's provisioning adapter URL, as Partner Hub shows it",
                );
            }
            if raw.partner.is_none() {
                at.key("partner").warn(
                    "not set, so what becomes of users in Webex is not seen",
                    partner,
                );
            }
        }
    }
}

fn credentials(
    at: &At<'_>,
    account: Option<&str>,
    password: Option<&SecretText>,
    needed: bool,
) -> Option<TemplateCredentials> {
    if !needed && account.is_none() && password.is_none() {
        return None;
    }
    let form = "1 to 80 characters, as on the Application Server";
    let account = at.required("account", account, form, form::account);
    if password.is_none() {
        at.key("password").refuse("missing", SECRET_FORM);
    }
    let password = at.secret("password", password);
    Some(TemplateCredentials {
        account: account?,
        password: password?,
    })
}

/// Webex's ids are opaque; one that does not look like the others is pointed at.
fn provisioning_id(at: &At<'_>, written: Option<&str>) -> Option<String> {
    let id = at.text("provisioning-id", written, |text| {
        let good = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > PROVISIONING_ID || !good {
            return wrong(
                "not a provisioning id",
                "the template's id, as Partner Hub shows it",
            );
        }
        Ok(text.to_owned())
    })?;
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(id.trim_end_matches('='));
    let text = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let two = text.as_deref().and_then(|text| text.split_once(':'));
    let good = two.is_some_and(|(partner, template)| {
        Uuid::try_parse(partner).is_ok() && Uuid::try_parse(template).is_ok()
    });
    if !good {
        at.key("provisioning-id").warn(
            "does not look like one: they are two UUIDs in base64url",
            "the template's id, copied from Partner Hub",
        );
    }
    Some(id)
}

fn enterprise(
    at: &At<'_>,
    raw: Option<&raw::SpEnterpriseIdForm>,
    enterprise_mode: bool,
) -> SpEnterpriseIdForm {
    let usual = if enterprise_mode {
        "{sp}"
    } else {
        "{sp}+{group}"
    };
    let written = raw.and_then(|r| r.format.as_deref());
    SpEnterpriseIdForm {
        format: at
            .text("format", written, form::enterprise_format)
            .unwrap_or_else(|| usual.to_owned()),
        case: raw.and_then(|r| r.case).unwrap_or(EnterpriseCase::Keep),
        escape: raw.and_then(|r| r.escape).unwrap_or(EnterpriseEscape::None),
    }
}

fn relay(at: &At<'_>, raw: Option<&raw::TemplateRelay>) -> TemplateRelay {
    let silent = raw::TemplateRelay::default();
    let raw = raw.unwrap_or(&silent);
    let connect = raw.connect_timeout.as_ref();
    let total = raw.total_timeout.as_ref();
    let connect_timeout = at.duration("connect-timeout", connect, &rules::BRIDGE_URL_CONNECT);
    let total_timeout = at.duration("total-timeout", total, &rules::BRIDGE_URL_TOTAL);
    if total_timeout < connect_timeout {
        let fault = Wrong {
            what: "shorter than `connect-timeout`".to_owned(),
            expected: format!("{} or more", shown(connect_timeout)),
        };
        at.key("total-timeout")
            .refuse_value(format!("{:?}", shown(total_timeout)), fault);
    }
    if raw.on_unreachable == Some(OnUnreachable::AcceptAndRetry) {
        let fault = Wrong {
            what: "the bridge alone can say that it took a call, and what it would have refused \
                   would be lost after a success (README, The provisioning adapter)"
                .to_owned(),
            expected: "\"fail\", or the mode \"api\", which keeps what it accepts".to_owned(),
        };
        at.key("on-unreachable")
            .refuse_value("\"accept-and-retry\"", fault);
    }
    TemplateRelay {
        on_unreachable: OnUnreachable::Fail,
        connect_timeout,
        total_timeout,
        ca: at.text("ca", raw.ca.as_deref(), values::path),
        credentials: credentials(at, raw.account.as_deref(), raw.password.as_ref(), false),
    }
}

fn response(at: &At<'_>, raw: Option<&raw::TemplateResponse>) -> TemplateResponse {
    let accepted = raw.and_then(|r| r.accepted.as_ref());
    let error = raw.and_then(|r| r.error.as_ref());
    let ours = at.key("accepted");
    let others = at.key("error");
    let status = ours.count(
        "status",
        accepted.and_then(|r| r.status),
        &rules::ACCEPTED_STATUS,
    );
    let kind = |at: &At<'_>, written: Option<&str>| {
        at.text("content-type", written, form::content_type)
            .unwrap_or_else(|| XML.to_owned())
    };
    TemplateResponse {
        status: u16::try_from(status).unwrap_or(200),
        content_type: kind(&ours, accepted.and_then(|r| r.content_type.as_deref())),
        body: ours
            .text("body", accepted.and_then(|r| r.body.as_deref()), form::body)
            .unwrap_or_else(|| ACCEPTED_XML.to_owned()),
        error_content_type: kind(&others, error.and_then(|r| r.content_type.as_deref())),
        error_body: others
            .text("body", error.and_then(|r| r.body.as_deref()), form::body)
            .unwrap_or_else(|| ERROR_XML.to_owned()),
    }
}

/// No call may be of two templates.
pub(super) fn told_apart(at: &At<'_>, templates: &[Template]) {
    let all = templates.iter().enumerate();
    for (index, template) in all {
        for (place, found) in template.matches.iter().enumerate() {
            let at = at
                .key("template")
                .element(&format!(".{}", template.name))
                .key("match")
                .element(&format!("[{place}]"));
            let earlier = templates.iter().take(index);
            let mut twins = earlier.filter(|other| other.matches.contains(found));
            if let Some(other) = twins.next() {
                at.refuse(
                    format!("a call there would be of the template {}, too", other.name),
                    "a URL of its own for each template",
                );
            }
            if let Some(named) = found.prefix.strip_prefix(ADAPTER_PATH)
                && named != template.name
            {
                at.refuse(
                    format!("this path is that of a template called {named}"),
                    format!("{ADAPTER_PATH}{}, or another path", template.name),
                );
            }
        }
    }
}
