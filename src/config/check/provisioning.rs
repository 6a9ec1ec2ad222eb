//! Provisioning: templates must be told apart by what the Application Server calls, and each must
//! have what its mode needs.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::Capture;
use crate::config::CaptureWhat;
use crate::config::Listener;
use crate::config::ListenerKind;
use crate::config::Provisioning;
use crate::config::Rate;
use crate::config::Template;
use crate::config::TemplateMode;
use crate::config::WebexPartner;
use crate::config::check::at::At;
use crate::config::check::edge;
use crate::config::check::jobs;
use crate::config::check::operations;
use crate::config::check::rules;
use crate::config::check::template;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// What all templates share.
pub(super) fn provisioning(at: &At<'_>, raw: Option<&raw::Provisioning>) -> Provisioning {
    let silent = raw::Provisioning::default();
    let raw = raw.unwrap_or(&silent);
    let answer: Option<&raw::DurationText> = raw.answer_within.as_ref();
    Provisioning {
        answer_within: at.duration("answer-within", answer, &rules::PROVISIONING_ANSWER),
        rate: Rate {
            per_second: at.rate(
                "requests-per-second",
                raw.requests_per_second,
                &rules::PROVISIONING_RATE,
            ),
            burst: at.count("burst", raw.burst, &rules::PROVISIONING_BURST),
        },
        error_table: at.text("error-table", raw.error_table.as_deref(), values::path),
        capture: capture(&at.key("capture"), raw.capture.as_ref()),
        jobs: jobs::jobs(&at.key("jobs"), raw.jobs.as_ref()),
        operations: operations::operations(&at.key("operations"), raw.operations.as_ref()),
    }
}

fn capture(at: &At<'_>, raw: Option<&raw::Capture>) -> Capture {
    let silent = raw::Capture::default();
    let raw = raw.unwrap_or(&silent);
    let ring = at.count("ring", raw.ring, &rules::CAPTURE_RING);
    let bytes = at.size(
        "body-bytes",
        raw.body_bytes.as_ref(),
        &rules::CAPTURE_BODY_BYTES,
    );
    let personal_data = raw.personal_data.unwrap_or(false);
    let keep = raw.keep.unwrap_or(false);
    if personal_data && keep {
        at.key("personal-data").warn(
            "names, numbers and addresses of users are written to the disk",
            "false, once the mapping is right",
        );
    }
    Capture {
        what: raw.what.unwrap_or(CaptureWhat::Errors),
        ring: usize::try_from(ring).unwrap_or(usize::MAX),
        body_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        keep,
        max_age: at.duration("max-age", raw.max_age.as_ref(), &rules::CAPTURE_MAX_AGE),
        personal_data,
    }
}

/// All templates in the order of their names, and whether they can be called at all.
pub(super) fn templates(
    at: &At<'_>,
    raw: Option<&[raw::Template]>,
    shared: &Provisioning,
    listeners: &[Listener],
    partners: &BTreeMap<String, WebexPartner>,
) -> Vec<Template> {
    let name = |template: &raw::Template| template.name.clone();
    let templates = at.named("template", raw, name, |at, name, raw| {
        template::template(at, name, raw, shared)
    });
    template::told_apart(at, &templates);
    template::customers(at, &templates);
    for template in &templates {
        has_partner(at, template, partners);
    }
    let mut ours = listeners.iter();
    let called = ours.any(|listener| listener.kind == ListenerKind::Provisioning);
    let calls = |template: &Template| template.mode != TemplateMode::Observe;
    if templates.iter().any(calls) && !called {
        at.key("template").warn(
            "no Application Server can call: there is no listener for it",
            "a `[[listener]]` with `kind = \"provisioning\"`",
        );
    }
    if called && templates.is_empty() {
        at.key("template").warn(
            "missing, so every call to the provisioning listener gets 404",
            "at least one `[[template]]`",
        );
    }
    for listener in listeners {
        open_to_all(at, listener, &templates);
    }
    templates
}

fn has_partner(at: &At<'_>, template: &Template, partners: &BTreeMap<String, WebexPartner>) {
    let Some(name) = &template.partner else {
        return;
    };
    if !partners.contains_key(name) {
        let names: Vec<_> = partners.keys().map(String::as_str).collect();
        let expected = if names.is_empty() {
            "a `[[webex-partner]]` of this name".to_owned()
        } else {
            format!("one of: {}", names.join(", "))
        };
        let place = at.key("template").element(&format!(".{}", template.name));
        let fault = Wrong {
            what: "no [[webex-partner]] has this name".to_owned(),
            expected,
        };
        place
            .key("partner")
            .refuse_value(format!("{name:?}"), fault);
    }
}

/// Anybody could try passwords there.
fn open_to_all(at: &At<'_>, listener: &Listener, templates: &[Template]) {
    let open =
        |template: &Template| template.mode != TemplateMode::Observe && template.allow.is_empty();
    if listener.kind == ListenerKind::Provisioning
        && listener.allow.is_empty()
        && templates.iter().any(open)
    {
        let place = at.key("listener").element(&format!(".{}", listener.name));
        place.key("allow").warn(
            "not set, so every address may try passwords",
            "the addresses of the Application Servers, here or in each template",
        );
    }
}

/// A network whose addresses may call.
pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    if text.ends_with("/0") {
        return wrong(
            "every address would be let in",
            "the addresses of the Application Servers, or no such key",
        );
    }
    edge::network(text)
}

/// A time as a message has it.
pub(super) fn shown(time: Duration) -> String {
    values::duration_text(time)
}
