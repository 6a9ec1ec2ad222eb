//! Provisioning and its templates, as written.

use std::time::Duration;

use crate::config;
use crate::config::TemplateCredentials;
use crate::config::raw;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;
use crate::config::values;
use crate::config::write::number;
use crate::config::write::operations::operations;
use crate::config::write::size;
use crate::config::write::time;
use crate::domain::provisioning::policy::Rules;

pub(super) fn provisioning(shared: &config::Provisioning) -> raw::Provisioning {
    let config::Provisioning {
        answer_within,
        rate,
        error_table,
        capture: kept,
        jobs: rules,
        operations: allowed,
    } = shared;
    let config::Rate { per_second, burst } = rate;
    raw::Provisioning {
        answer_within: time(*answer_within),
        requests_per_second: Some(*per_second),
        burst: number(*burst),
        error_table: error_table.as_ref().map(|path| path.display().to_string()),
        capture: Some(capture(kept)),
        jobs: Some(jobs(rules)),
        operations: Some(operations(allowed)),
    }
}

fn capture(capture: &config::Capture) -> raw::Capture {
    let config::Capture {
        what,
        ring,
        body_bytes,
        keep,
        max_age,
        personal_data,
    } = capture;
    raw::Capture {
        what: Some(*what),
        ring: number(*ring),
        body_bytes: size(*body_bytes as u64),
        keep: Some(*keep),
        max_age: time(*max_age),
        personal_data: Some(*personal_data),
    }
}

pub(super) fn template(template: &config::Template) -> raw::Template {
    let config::Template {
        name,
        mode,
        matches,
        cluster,
        customers,
        partner,
        provisioning_id,
        bridge_url,
        credentials,
        allow,
        enterprise_mode,
        trusted_email,
        package,
        language,
        timezone,
        early_validation,
        precheck,
        precheck_policy,
        on_remove,
        remove_unknown,
        user_id_change,
        stage_basic_first,
        capture,
        mapping,
        sp_enterprise_id,
        relay: way,
        response: answers,
    } = template;
    let (account, password) = shown(credentials.as_ref());
    raw::Template {
        name: Some(name.clone()),
        mode: Some(*mode),
        matches: Some(matches.iter().map(ToString::to_string).collect()),
        cluster: Some(cluster.clone()),
        customers: number(*customers),
        partner: partner.clone(),
        provisioning_id: provisioning_id.clone(),
        bridge_url: bridge_url.clone(),
        account,
        password,
        allow: Some(allow.iter().map(ToString::to_string).collect()),
        enterprise_mode: Some(*enterprise_mode),
        trusted_email: Some(*trusted_email),
        package: Some(*package),
        language: language.clone(),
        timezone: timezone.clone(),
        early_validation: Some(*early_validation),
        precheck: Some(*precheck),
        precheck_policy: Some(*precheck_policy),
        on_remove: Some(*on_remove),
        remove_unknown: Some(*remove_unknown),
        user_id_change: Some(*user_id_change),
        stage_basic_first: Some(*stage_basic_first),
        capture: Some(*capture),
        mapping: mapping.as_ref().map(|path| path.display().to_string()),
        sp_enterprise_id: Some(enterprise(sp_enterprise_id)),
        relay: Some(relay(way)),
        response: Some(response(answers)),
    }
}

fn shown(held: Option<&TemplateCredentials>) -> (Option<String>, Option<SecretText>) {
    let Some(TemplateCredentials { account, password }) = held else {
        return (None, None);
    };
    (
        Some(account.clone()),
        Some(SecretText(password.to_string())),
    )
}

fn enterprise(form: &config::SpEnterpriseIdForm) -> raw::SpEnterpriseIdForm {
    let config::SpEnterpriseIdForm {
        format,
        case,
        escape,
    } = form;
    raw::SpEnterpriseIdForm {
        format: Some(format.clone()),
        case: Some(*case),
        escape: Some(*escape),
    }
}

fn relay(relay: &config::TemplateRelay) -> raw::TemplateRelay {
    let config::TemplateRelay {
        on_unreachable,
        connect_timeout,
        total_timeout,
        ca,
        credentials,
    } = relay;
    let (account, password) = shown(credentials.as_ref());
    raw::TemplateRelay {
        on_unreachable: Some(*on_unreachable),
        connect_timeout: time(*connect_timeout),
        total_timeout: time(*total_timeout),
        ca: ca.as_ref().map(|path| path.display().to_string()),
        account,
        password,
    }
}

fn response(response: &config::TemplateResponse) -> raw::TemplateResponse {
    let config::TemplateResponse {
        status,
        content_type,
        body,
        error_content_type,
        error_body,
    } = response;
    raw::TemplateResponse {
        accepted: Some(raw::AcceptedResponse {
            status: Some(i64::from(*status)),
            content_type: Some(content_type.clone()),
            body: Some(body.clone()),
        }),
        error: Some(raw::ErrorResponse {
            content_type: Some(error_content_type.clone()),
            body: Some(error_body.clone()),
        }),
    }
}

fn jobs(rules: &Rules) -> raw::JobRules {
    let Rules {
        poll_plan,
        poll_every,
        list_above,
        list_every,
        list_overlap,
        list_fallback,
        settle_within,
        settle_first_within,
        stalled_every,
        stalled_for,
        waiting_plan,
        customer_admin_every,
        consent_again_after,
        retry_first,
        retry_longest,
        retry_tries,
        retry_for,
        retry_after_longest,
        slow_down,
        unanswered_pause,
        look_up_fresh,
        refused_pause,
        requests_per_second: _,
        in_flight: _,
    } = rules;
    let text = |time: &Duration| DurationText(values::duration_text(*time));
    let step = |(until, every): &(Duration, Duration)| raw::WaitingStep {
        until: time(*until),
        every: time(*every),
    };
    raw::JobRules {
        poll_plan: Some(poll_plan.iter().map(text).collect()),
        waiting_plan: Some(waiting_plan.iter().map(step).collect()),
        poll_every: time(*poll_every),
        list_above: number(*list_above),
        list_every: time(*list_every),
        list_overlap: time(*list_overlap),
        list_fallback: time(*list_fallback),
        settle_within: time(*settle_within),
        settle_first_within: time(*settle_first_within),
        stalled_every: time(*stalled_every),
        stalled_for: time(*stalled_for),
        customer_admin_every: time(*customer_admin_every),
        consent_again_after: time(*consent_again_after),
        retry_first: time(*retry_first),
        retry_longest: time(*retry_longest),
        retry_tries: number(*retry_tries),
        retry_for: time(*retry_for),
        retry_after_longest: time(*retry_after_longest),
        slow_down: time(*slow_down),
        unanswered_pause: time(*unanswered_pause),
        look_up_fresh: time(*look_up_fresh),
        refused_pause: time(*refused_pause),
    }
}
