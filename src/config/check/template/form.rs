//! The forms of the values of a template.

use std::net::IpAddr;

use crate::config::TemplateMatch;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::edge::target::judge;
use crate::domain::provisioning::answer::AnswerTemplate;
use crate::domain::provisioning::answer::XML;

/// Longest URL that the Application Server can store (OCI schema, `URL`).
const URL_LENGTH: usize = 256;

/// Longest account that it can store (OCI schema, the provisioning user name).
const ACCOUNT_LENGTH: usize = 80;

/// Of OCI: `Language` has 40, `TimeZone` 127 characters.
const LANGUAGE: usize = 40;
const TIMEZONE: usize = 127;

const URL_FORM: &str = "`https://host/path`, as the Application Server is to call it";

pub(super) fn account(text: &str) -> Result<String, Wrong> {
    let length = text.chars().count();
    if length == 0 || length > ACCOUNT_LENGTH || text.chars().any(char::is_control) {
        return wrong(
            "the Application Server cannot store it",
            format!("1 to {ACCOUNT_LENGTH} characters"),
        );
    }
    if text.contains(':') {
        return wrong(
            "holds a colon, which Basic credentials cannot",
            "another account",
        );
    }
    Ok(text.to_owned())
}

/// A URL is taken apart: host, port, path without a slash at its end.
pub(super) fn https(text: &str) -> Result<(String, Option<u16>, String), Wrong> {
    let Some(rest) = text.strip_prefix("https://") else {
        return wrong("not https, and passwords are sent there", URL_FORM);
    };
    if text.len() > URL_LENGTH {
        return wrong(
            format!("has {} characters", text.len()),
            format!("at most {URL_LENGTH}, or the Application Server cannot store it"),
        );
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let graphic = rest.bytes().all(|byte| byte.is_ascii_graphic());
    if authority.contains('@') || rest.contains(['?', '#']) || !graphic {
        return wrong("holds more than a host and a path", URL_FORM);
    }
    let (host, port) = values::host_port(authority, Some(443))?;
    let written = authority != host && !authority.eq_ignore_ascii_case(&host);
    let port = (written && port != 443).then_some(port);
    Ok((host, port, path.trim_end_matches('/').to_owned()))
}

/// A further URL of a template. The Application Server is to call a name (its certificate has
/// none else), so an address is refused.
pub(super) fn called_at(text: &str) -> Result<TemplateMatch, Wrong> {
    let (host, port, prefix) = https(text)?;
    if host.parse::<IpAddr>().is_ok() {
        return wrong(
            "an address, which Webex's own bridge refuses, too",
            "the host name, which /etc/hosts on the Application Server may lead here",
        );
    }
    let path = if prefix.is_empty() { "/" } else { &prefix };
    let same = judge(path.as_bytes()).is_ok_and(|read| read.path() == path.as_bytes());
    if same {
        Ok(TemplateMatch { host, port, prefix })
    } else {
        wrong(
            "a path that servers read in more than one way",
            "a path without `//`, `.`, `..`, `;` and escapes",
        )
    }
}

pub(super) fn bridge_url(text: &str) -> Result<String, Wrong> {
    https(text).map(|_| text.to_owned())
}

pub(super) fn language(text: &str) -> Result<String, Wrong> {
    let good = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.is_empty() || text.len() > LANGUAGE || !text.chars().all(good) {
        return wrong("not a language", "ISO 639-1, such as \"en\" or \"en_US\"");
    }
    Ok(text.to_owned())
}

pub(super) fn timezone(text: &str) -> Result<String, Wrong> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
    if text.is_empty() || text.len() > TIMEZONE || !text.chars().all(good) {
        return wrong("not a time zone", "a name such as \"America/New_York\"");
    }
    Ok(text.to_owned())
}

pub(super) fn enterprise_format(text: &str) -> Result<String, Wrong> {
    const FORM: &str = "text with {sp}, and {group} where groups are customers";
    let rest = text.replace("{sp}", "").replace("{group}", "");
    if !text.contains("{sp}") {
        return wrong("without {sp} two customers could be one", FORM);
    }
    if rest.contains(['{', '}']) || rest.chars().any(char::is_control) || text.len() > 64 {
        return wrong("holds what is no placeholder here", FORM);
    }
    Ok(text.to_owned())
}

pub(super) fn content_type(text: &str) -> Result<String, Wrong> {
    let good = text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if good && text.contains('/') && text.len() <= 128 {
        Ok(text.to_owned())
    } else {
        wrong("not a content type", XML)
    }
}

pub(super) fn body(text: &str) -> Result<String, Wrong> {
    match AnswerTemplate::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(fault) => wrong(fault.to_string(), "an answer such as the default"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_must_fit_into_the_application_server() {
        let of = |text: &str| https(text).map_err(|wrong| wrong.what);
        let taken = |host: &str, port, path: &str| Ok((host.to_owned(), port, path.to_owned()));
        assert_eq!(of("https://A.example/x/"), taken("a.example", None, "/x"));
        assert_eq!(of("https://a.example"), taken("a.example", None, ""));
        assert_eq!(of("https://a.example:443/"), taken("a.example", None, ""));
        assert_eq!(
            of("https://a.example:8443/x"),
            taken("a.example", Some(8443), "/x")
        );
        for bad in [
            "http://a.example/x",
            "https://u:p@a.example/x",
            "https://a.example/x?y",
            "https://a.example/x#y",
            "https://a.example/ä",
            "https:///x",
            &format!("https://a.example/{}", "x".repeat(240)),
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(called_at("https://192.0.2.1/x").is_err());
        assert!(called_at("https://a.example/a/../b").is_err());
        assert!(called_at("https://a.example/a//b").is_err());
    }

    #[test]
    fn an_enterprise_is_told_by_its_service_provider_at_least() {
        assert!(enterprise_format("{sp}+{group}").is_ok());
        assert!(enterprise_format("{sp}").is_ok());
        assert!(enterprise_format("{group}").is_err());
        assert!(enterprise_format("{sp}+{reseller}").is_err());
    }
}
