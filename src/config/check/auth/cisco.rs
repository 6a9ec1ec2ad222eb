//! Cisco's Common Identity: clusters or URLs, one organisation, the OAuth credentials.

use std::time::Duration;

use crate::config::Cisco;
use crate::config::Federation;
use crate::config::TokenInfoFormat;
use crate::config::check::at::At;
use crate::config::check::auth::plain;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::secret::SECRET_FORM;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::auth::ci::clusters::CiCluster;
use crate::domain::auth::ci::clusters::Match;
use crate::domain::auth::ci::clusters::TeamsCluster;
use crate::domain::auth::ci::clusters::match_regions;

/// The entitlement of a user (Solution Guide, "Deploy").
const SCOPE: &str = "broadworks-connector:user";

/// `flsUrl` (Solution Guide, "Deploy").
const FLS_URL: &str = "https://cifls.webex.com/federation";

/// Longest URL, scope or claim name; none that is published has a quarter of it.
const TEXT_LENGTH: usize = 1024;

const URL_FORM: &str =
    "a URL such as https://idbroker.webex.com/idb, without user, query or fragment";

const CREDENTIALS: &str = "as Cisco gave it; ask by a service request titled \"ADP AuthService \
                           Configuration\" (Device Integration Guide)";

/// The identity provider; `None` after a problem that leaves nothing to use.
pub(super) fn cisco(at: &At<'_>, raw: &raw::Cisco) -> Option<Cisco> {
    let ci = at.text("ci-cluster", raw.ci_cluster.as_deref(), ci_cluster);
    let teams = at.text("teams-cluster", raw.teams_cluster.as_deref(), teams_cluster);
    if let (Some(ci), Some(teams)) = (ci, teams) {
        regions(at, ci, teams);
    }
    let issuer = issuer(at, raw, ci);
    let token_info_url = token_info_url(at, raw, teams);
    let organization = organization(at, raw.organizations.as_deref());
    if raw.client_secret.is_none() {
        at.key("client-secret").refuse("missing", SECRET_FORM);
    }
    let client_secret = at.secret("client-secret", raw.client_secret.as_ref());
    let client_id = at.required("client-id", raw.client_id.as_deref(), CREDENTIALS, plain);
    let federation = federation(&at.key("federation"), raw.federation.as_ref());
    let scopes = match raw.scopes.as_deref() {
        None => vec![SCOPE.to_owned()],
        Some(_) => at.some("scopes", raw.scopes.as_deref(), "at least one scope", scope),
    };
    let size = "ci-response-body-max-size-in-bytes";
    let bytes = raw.ci_response_body_max_size_in_bytes;
    let bytes = at.count(size, bytes, &rules::CI_RESPONSE_BYTES);
    let ca = at.text("ca", raw.ca.as_deref(), values::path);
    let user_claim = at.text("user-claim", raw.user_claim.as_deref(), plain);
    let (issuer_name, issuer_url) = issuer?;
    Some(Cisco {
        issuer_name,
        issuer_url,
        token_info_url: token_info_url?,
        token_info_format: raw.token_info_format.unwrap_or(TokenInfoFormat::IdpProxy),
        organization,
        client_id: client_id?,
        client_secret: client_secret?,
        ca,
        scopes,
        user_claim,
        response_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        federation: federation?,
    })
}

/// Name and URL of the issuer.
fn issuer(at: &At<'_>, raw: &raw::Cisco, ci: Option<CiCluster>) -> Option<(String, String)> {
    let explicit = [
        ("issuer-name", raw.issuer_name.as_deref()),
        ("issuer-url", raw.issuer_url.as_deref()),
    ];
    let [name, url] = explicit.map(|(key, text)| url(at, key, text));
    if raw.ci_cluster.is_none() {
        if explicit.iter().all(|(_, text)| text.is_none()) {
            at.key("ci-cluster").refuse(
                "missing, so the issuer of users' tokens is not known",
                format!("one of {}, or `issuer-url`", CiCluster::WORDS),
            );
        }
        // BroadWorks wants the same URL twice (Solution Guide, "Deploy").
        let url = url.or_else(|| name.clone())?;
        return Some((name.unwrap_or_else(|| url.clone()), url));
    }
    for (key, _) in explicit.iter().filter(|(_, text)| text.is_some()) {
        at.key(key)
            .refuse("`ci-cluster` says it already", "one of the two");
    }
    ci.map(|ci| (ci.issuer().to_owned(), ci.issuer().to_owned()))
}

fn token_info_url(at: &At<'_>, raw: &raw::Cisco, teams: Option<TeamsCluster>) -> Option<String> {
    let url = url(at, "token-info-url", raw.token_info_url.as_deref());
    match (&raw.teams_cluster, &raw.token_info_url) {
        (None, None) => at.key("teams-cluster").refuse(
            "missing, so nobody would be asked about users' tokens",
            format!("one of {}, or `token-info-url`", TeamsCluster::WORDS),
        ),
        (Some(_), Some(_)) => at
            .key("token-info-url")
            .refuse("`teams-cluster` says it already", "one of the two"),
        (None, Some(_)) | (Some(_), None) => {}
    }
    url.or_else(|| teams.map(|teams| teams.token_info_url().to_owned()))
}

fn regions(at: &At<'_>, ci: CiCluster, teams: TeamsCluster) {
    let (ci_region, teams_region) = (ci.region().as_str(), teams.region().as_str());
    match match_regions(ci, teams) {
        Match::Apart => at.key("teams-cluster").refuse_value(
            format!("{:?}", teams.as_str()),
            Wrong {
                what: format!(
                    "is of {teams_region}, but the CI cluster {} is of {ci_region}",
                    ci.as_str()
                ),
                expected: "both of the region that Partner Hub shows for the organisation"
                    .to_owned(),
            },
        ),
        Match::NotKnown => at.key("teams-cluster").warn(
            format!(
                "no guide names the Teams cluster that goes with the CI cluster {}",
                ci.as_str()
            ),
            "the Teams cluster that Partner Hub shows for the organisation",
        ),
        Match::Together => {}
    }
}

/// One AuthService has one connection to one organisation (Solution Guide, "Deploy").
fn organization(at: &At<'_>, written: Option<&[String]>) -> Option<String> {
    let mut organizations = at.list("organizations", written, uuid);
    if organizations.len() > 1 {
        at.key("organizations").refuse(
            "CI token validation supports a single connection and organisation per AuthService",
            "one organisation, or `client-authentication = \"mtls\"` for several",
        );
    }
    organizations.pop()
}

fn federation(at: &At<'_>, raw: Option<&raw::Federation>) -> Option<Federation> {
    let silent = raw::Federation::default();
    let raw = raw.unwrap_or(&silent);
    let url = url(at, "fls-url", raw.fls_url.as_deref());
    let minutes = raw.refresh_period_in_minutes;
    let minutes = at.count(
        "refresh-period-in-minutes",
        minutes,
        &rules::FEDERATION_MINUTES,
    );
    if raw.refresh_token.is_none() {
        let expected = format!("{SECRET_FORM} with the token {CREDENTIALS}");
        at.key("refresh-token").refuse("missing", expected);
    }
    let refresh_token = at.secret("refresh-token", raw.refresh_token.as_ref());
    let partner = at.text("partner-name", raw.partner_name.as_deref(), plain);
    Some(Federation {
        url: url.unwrap_or_else(|| FLS_URL.to_owned()),
        refresh: Duration::from_secs(u64::from(minutes) * 60),
        refresh_token: refresh_token?,
        partner,
    })
}

fn ci_cluster(text: &str) -> Result<CiCluster, Wrong> {
    let found = CiCluster::parse(text);
    found.map_or_else(
        || {
            wrong(
                "not a CI cluster",
                format!("one of {}, or `issuer-url` instead", CiCluster::WORDS),
            )
        },
        Ok,
    )
}

fn teams_cluster(text: &str) -> Result<TeamsCluster, Wrong> {
    let found = TeamsCluster::parse(text);
    found.map_or_else(
        || {
            wrong(
                "not a Teams cluster",
                format!(
                    "one of {}, or `token-info-url` instead",
                    TeamsCluster::WORDS
                ),
            )
        },
        Ok,
    )
}

/// A URL that may be absent; `None` also after a problem.
fn url(at: &At<'_>, key: &str, written: Option<&str>) -> Option<String> {
    at.url(key, written, URL_FORM, https_url)
}

/// An https URL without its trailing slash. Tokens and secrets go there, so nothing less will do.
fn https_url(text: &str) -> Result<String, Wrong> {
    let Some(rest) = text.strip_prefix("https://") else {
        return wrong("not a URL with https", URL_FORM);
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let plain = rest
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"?#@\\\"<>^`{|}".contains(&b));
    if !plain || text.len() > TEXT_LENGTH {
        return wrong("not a URL of a service", URL_FORM);
    }
    values::host_port(authority, Some(443))?;
    Ok(text.trim_end_matches('/').to_owned())
}

/// A scope (RFC 6749, section 3.3).
fn scope(text: &str) -> Result<String, Wrong> {
    let good = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    if !text.is_empty() && text.len() <= TEXT_LENGTH && text.bytes().all(good) {
        Ok(text.to_owned())
    } else {
        wrong("not a scope", "one word such as broadworks-connector:user")
    }
}

/// The id of an organisation as Control Hub shows it, lower case.
fn uuid(text: &str) -> Result<String, Wrong> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let good = |(at, b): (usize, u8)| match HYPHENS.contains(&at) {
        true => b == b'-',
        false => b.is_ascii_hexdigit(),
    };
    if text.len() == 36 && text.bytes().enumerate().all(good) {
        Ok(text.to_ascii_lowercase())
    } else {
        wrong(
            "not the id of an organisation",
            "32 hex digits with hyphens, as Control Hub shows it",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_with_a_host_and_lose_their_last_slash() {
        for (text, url) in [
            (
                "https://idbroker.webex.com/idb",
                "https://idbroker.webex.com/idb",
            ),
            ("https://127.0.0.1:8443/", "https://127.0.0.1:8443"),
            ("https://[::1]:8443/idb/", "https://[::1]:8443/idb"),
        ] {
            assert_eq!(https_url(text).as_deref(), Ok(url));
        }
        for bad in [
            "",
            "idbroker.webex.com",
            "http://idbroker.webex.com/idb",
            "HTTPS://idbroker.webex.com/idb",
            "https://",
            "https:///idb",
            "https://user:hunter2@idbroker.webex.com/idb",
            "https://idbroker.webex.com/idb?x=1",
            "https://idbroker.webex.com/i db",
            "https://idbroker.webex.com:0/idb",
        ] {
            assert!(https_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_organisation_is_a_uuid_in_any_case() {
        let text = "1EB65FDF-9643-417F-9974-AD72CAE0E10F";
        assert_eq!(uuid(text), Ok(text.to_ascii_lowercase()));
        for bad in ["", "webex", "1eb65fdf9643417f9974ad72cae0e10f----"] {
            assert!(uuid(bad).is_err(), "{bad}");
        }
    }
}
