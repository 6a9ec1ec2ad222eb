//! Webex partner accounts: what each kind of authorisation needs must be there, and what it does
//! not use must not.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::WebexAuth;
use crate::config::WebexGrant;
use crate::config::WebexPartner;
use crate::config::WebexProxy;
use crate::config::check::at::At;
use crate::config::check::auth::is_loopback;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// Where Webex is (developer.webex.com, "REST API Basics").
pub(super) const BASE_URL: &str = "https://webexapis.com/v1";

/// Longest URL, id or client id; Webex's own have a fifth of it.
const TEXT_LENGTH: usize = 1024;

const URL_FORM: &str = "`https://host/path`, or `http://` to loopback, without user or query";

const PROXY_FORM: &str = "`http://host:port`, or \"none\"";

const ID_FORM: &str = "an id as developer.webex.com shows it, without spaces";

/// All partners by name.
pub(super) fn partners(
    at: &At<'_>,
    raw: Option<&[raw::WebexPartner]>,
) -> BTreeMap<String, WebexPartner> {
    let name = |partner: &raw::WebexPartner| partner.name.clone();
    let proven = at.named("webex-partner", raw, name, partner);
    let proven = proven.into_iter().flatten();
    proven.map(|held| (held.name.clone(), held)).collect()
}

/// One partner; `None` after a problem that leaves nothing to use.
fn partner(at: &At<'_>, name: String, raw: &raw::WebexPartner) -> Option<WebexPartner> {
    let client_id = at.required("client-id", raw.client_id.as_deref(), ID_FORM, id);
    let client_secret = at.needed_secret("client-secret", raw.client_secret.as_ref());
    let grant = grant(at, raw);
    let base_url = base_url(at, raw.base_url.as_deref());
    let in_flight = at.count("in-flight", raw.in_flight, &rules::WEBEX_IN_FLIGHT);
    let rate = raw.requests_per_second;
    let connect = raw.connect_timeout.as_ref();
    let connect = at.duration("connect-timeout", connect, &rules::WEBEX_CONNECT_TIMEOUT);
    let (answer, total) = timeouts(at, raw);
    let org_id = at.text("org-id", raw.org_id.as_deref(), id);
    let proxy = proxy(at, raw.proxy.as_deref(), raw.proxy_credentials.as_ref());
    let ca = at.text("ca", raw.ca.as_deref(), values::path);
    let rate = at.rate("requests-per-second", rate, &rules::WEBEX_RATE);
    Some(WebexPartner {
        name,
        base_url: base_url.unwrap_or_else(|| BASE_URL.to_owned()),
        grant: grant?,
        client_id: client_id?,
        client_secret: client_secret?,
        org_id,
        proxy,
        ca,
        connect_timeout: connect,
        answer_timeout: answer,
        total_timeout: total,
        in_flight: usize::try_from(in_flight).unwrap_or(usize::MAX),
        requests_per_second: rate,
    })
}

/// Of the head of the answer, and of everything.
fn timeouts(at: &At<'_>, raw: &raw::WebexPartner) -> (Duration, Duration) {
    let answer = raw.answer_timeout.as_ref();
    let answer = at.duration("answer-timeout", answer, &rules::WEBEX_ANSWER_TIMEOUT);
    let total = raw.total_timeout.as_ref();
    let total = at.duration("total-timeout", total, &rules::WEBEX_TOTAL_TIMEOUT);
    if answer > total {
        let total = values::duration_text(total);
        let fault = Wrong {
            what: "longer than the whole request may take".to_owned(),
            expected: format!("at most `total-timeout`, {total}"),
        };
        let text = values::duration_text(answer);
        at.key("answer-timeout")
            .refuse_value(format!("{text:?}"), fault);
    }
    (answer, total)
}

fn grant(at: &At<'_>, raw: &raw::WebexPartner) -> Option<WebexGrant> {
    match raw.auth.unwrap_or(WebexAuth::Integration) {
        WebexAuth::Integration => {
            let foreign = [
                ("application-id", raw.application_id.is_some()),
                ("target-org-id", raw.target_org_id.is_some()),
                ("application-token", raw.application_token.is_some()),
            ];
            for (key, _) in foreign.into_iter().filter(|(_, written)| *written) {
                at.key(key).refuse(
                    "belongs to a service app",
                    "`auth = \"service-app\"`, or no such key",
                );
            }
            let refresh_token = at.needed_secret("refresh-token", raw.refresh_token.as_ref());
            Some(WebexGrant::Integration {
                refresh_token: refresh_token?,
            })
        }
        WebexAuth::ServiceApp => {
            let application = raw.application_id.as_deref();
            let application = at.required("application-id", application, ID_FORM, id);
            let target = raw.target_org_id.as_deref();
            let target = at.required("target-org-id", target, ID_FORM, id);
            let refresh_token = at.secret("refresh-token", raw.refresh_token.as_ref());
            let application_token = at.secret("application-token", raw.application_token.as_ref());
            if raw.refresh_token.is_none() && raw.application_token.is_none() {
                at.key("refresh-token").refuse(
                    "missing, and so is `application-token`: there is nothing to get a token with",
                    "one of the two, or both",
                );
            }
            Some(WebexGrant::ServiceApp {
                application_id: application?,
                target_org_id: target?,
                refresh_token,
                application_token,
            })
        }
    }
}

pub(super) fn base_url(at: &At<'_>, written: Option<&str>) -> Option<String> {
    at.url("base-url", written, URL_FORM, url)
}

/// Without its trailing slash. Tokens go there, so in clear only to this machine.
fn url(text: &str) -> Result<String, Wrong> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let plain = rest
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"?#@\\\"<>^`{|}".contains(&b));
    if !plain || authority.is_empty() || text.len() > TEXT_LENGTH {
        return wrong("not a URL of a service", URL_FORM);
    }
    let (host, _) = match scheme {
        "https" => values::host_port(authority, Some(443))?,
        "http" => values::host_port(authority, Some(80))?,
        _ => return wrong("not a URL with https", URL_FORM),
    };
    if scheme == "http" && !is_loopback(host.trim_matches(['[', ']'])) {
        return wrong("tokens would go in clear", URL_FORM);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The way to a service on the Internet, as `proxy` and `proxy-credentials` say.
pub(super) fn proxy(
    at: &At<'_>,
    through: Option<&str>,
    credentials: Option<&SecretText>,
) -> WebexProxy {
    let has_credentials = credentials.is_some();
    let credentials = at.secret("proxy-credentials", credentials);
    let unused = || {
        if has_credentials {
            at.key("proxy-credentials").refuse(
                "there is no `proxy` that they are for",
                "`proxy = \"http://host:port\"` beside them",
            );
        }
    };
    match through {
        None => {
            unused();
            WebexProxy::Environment
        }
        Some("none") => {
            unused();
            WebexProxy::None
        }
        Some(text) if text.contains('@') => {
            let fault = Wrong {
                what: "a user and password have no place here".to_owned(),
                expected: format!("{PROXY_FORM}, and `proxy-credentials`"),
            };
            at.key("proxy").refuse_value("…", fault);
            WebexProxy::Environment
        }
        Some(text) => {
            at.text("proxy", Some(text), proxy_url)
                .map_or(WebexProxy::Environment, |url| WebexProxy::Through {
                    url,
                    credentials,
                })
        }
    }
}

fn proxy_url(text: &str) -> Result<String, Wrong> {
    let Some(authority) = text.strip_prefix("http://") else {
        return wrong("not a proxy", PROXY_FORM);
    };
    values::host_port(authority.trim_end_matches('/'), Some(3128))?;
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn id(text: &str) -> Result<String, Wrong> {
    if !text.is_empty()
        && text.len() <= TEXT_LENGTH
        && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Ok(text.to_owned());
    }
    wrong("not an id", ID_FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_to_this_machine() {
        for (text, expected) in [
            (BASE_URL, BASE_URL),
            ("https://webexapis.com/v1/", BASE_URL),
            ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
            ("http://[::1]:4010/a/b", "http://[::1]:4010/a/b"),
            ("http://localhost:80/v1", "http://localhost:80/v1"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "webexapis.com/v1",
            "http://webexapis.com/v1",
            "http://10.0.0.1/v1",
            "ftp://localhost/",
            "https://",
            "https://webexapis.com/v1?x=1",
            "https://webexapis.com/v 1",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_proxy_is_a_host_with_a_port() {
        assert!(proxy_url("http://proxy.example.com:3128").is_ok());
        assert!(proxy_url("http://proxy.example.com/").is_ok());
        for bad in ["proxy:3128", "https://proxy:3128", "http://", "http://p/x"] {
            assert!(proxy_url(bad).is_err(), "{bad}");
        }
    }
}
