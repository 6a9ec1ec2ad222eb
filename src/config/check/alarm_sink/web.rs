//! What is told by HTTP: a signed POST, Alertmanager, `PagerDuty`.

use std::time::Duration;

use crate::config::AlertmanagerSink;
use crate::config::PagerDutySink;
use crate::config::SinkWeb;
use crate::config::WebhookSink;
use crate::config::check::alarm_sink::account;
use crate::config::check::at::At;
use crate::config::check::is_loopback;
use crate::config::check::rules::Bounds;
use crate::config::check::webex::proxy;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// `PagerDuty`'s Events API v2, service region US.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Alerts are told again every hour: one that fails may be missed.
const BURNS_FOR: Bounds<Duration> = Bounds {
    default: Duration::from_secs(26 * 3600),
    low: Duration::from_secs(3 * 3600),
    high: Duration::from_secs(30 * 86_400),
};

/// Members of one cluster of Alertmanager.
const MEMBERS: usize = 16;

/// Longest URL.
const URL_LENGTH: usize = 2048;

const URL_FORM: &str = "`https://host/path`, or `http://` to loopback, without user";

pub(super) fn alertmanager(at: &At<'_>, raw: &raw::AlertmanagerSink) -> Option<AlertmanagerSink> {
    let plaintext = raw.allow_plaintext.unwrap_or(false);
    let member = |text: &str| match url(text, true)? {
        url if plaintext || !is_overheard(&url) => Ok(url.trim_end_matches('/').to_owned()),
        _ => wrong(
            "alarms would go in clear, and whoever answers could be anybody",
            "`https://`, or `allow-plaintext = true` on a network of your own",
        ),
    };
    let form = "at least one URL such as \"https://alertmanager.example.net:9093\"";
    // A password written into one must not reach a log, so such a list is not looked into.
    let holds_user = |urls: &Vec<String>| urls.iter().any(|url| url.contains('@'));
    let urls = match raw.urls.as_ref().is_some_and(holds_user) {
        true => {
            let expected = "URLs without them, and `username` and `password`";
            at.key("urls")
                .refuse("a user and password have no place here", expected);
            Vec::new()
        }
        false => at.some("urls", raw.urls.as_deref(), form, member),
    };
    if urls.len() > MEMBERS {
        at.key("urls")
            .refuse(format!("{} URLs", urls.len()), format!("at most {MEMBERS}"));
    }
    let account = account(at, raw.username.as_ref(), raw.password.as_ref());
    if account.is_some() && urls.iter().any(|url| is_overheard(url)) {
        at.key("password").refuse(
            "would go in clear",
            "`https://` for every URL, or no password",
        );
    }
    let generator_url = address(at, "generator-url", raw.generator_url.as_deref(), true);
    Some(AlertmanagerSink {
        urls,
        generator_url,
        burns_for: at.duration("burns-for", raw.burns_for.as_ref(), &BURNS_FOR),
        account,
        web: web(
            at,
            raw.proxy.as_deref(),
            raw.proxy_credentials.as_ref(),
            raw.ca.as_deref(),
        ),
    })
}

pub(super) fn pagerduty(at: &At<'_>, raw: &raw::PagerDutySink) -> Option<PagerDutySink> {
    let address = address(at, "url", raw.url.as_deref(), false);
    let key = at.needed_secret("routing-key", raw.routing_key.as_ref());
    let web = web(
        at,
        raw.proxy.as_deref(),
        raw.proxy_credentials.as_ref(),
        raw.ca.as_deref(),
    );
    Some(PagerDutySink {
        url: address.unwrap_or_else(|| PAGERDUTY.to_owned()),
        routing_key: key?,
        web,
    })
}

pub(super) fn webhook(at: &At<'_>, raw: &raw::WebhookSink) -> Option<WebhookSink> {
    if raw.url.is_none() {
        at.key("url").refuse("missing", "the URL of your receiver");
    }
    let address = address(at, "url", raw.url.as_deref(), false);
    let secret = at.needed_secret("secret", raw.secret.as_ref());
    let bearer = at.secret("bearer", raw.bearer.as_ref());
    let web = web(
        at,
        raw.proxy.as_deref(),
        raw.proxy_credentials.as_ref(),
        raw.ca.as_deref(),
    );
    Some(WebhookSink {
        url: address?,
        secret: secret?,
        bearer,
        web,
    })
}

fn address(at: &At<'_>, key: &str, written: Option<&str>, anywhere: bool) -> Option<String> {
    at.url(key, written, URL_FORM, |text| url(text, anywhere))
}

/// The way to a service.
pub(super) fn web(
    at: &At<'_>,
    through: Option<&str>,
    credentials: Option<&SecretText>,
    ca: Option<&str>,
) -> SinkWeb {
    SinkWeb {
        proxy: proxy(at, through, credentials),
        ca: at.text("ca", ca, values::path),
    }
}

/// A URL that can be called; in clear to this machine, or `anywhere`.
fn url(text: &str, anywhere: bool) -> Result<String, Wrong> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&byte));
    if !plain || authority.is_empty() || authority.contains('@') || text.len() > URL_LENGTH {
        return wrong("not a URL that can be called", URL_FORM);
    }
    match scheme {
        "https" => values::host_port(authority, Some(443))?,
        "http" => values::host_port(authority, Some(80))?,
        _ => return wrong("not a URL that can be called", URL_FORM),
    };
    if is_overheard(text) && !anywhere {
        return wrong("alarms would go in clear", URL_FORM);
    }
    Ok(text.to_owned())
}

fn is_overheard(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    values::host_port(authority, Some(80)).is_ok_and(|(host, _)| !is_loopback(&host))
}
