//! What the token-info service says of a user's token. Its format is unpublished, so there are
//! two: the IdP proxy's as a BroadWorks AuthService would use it, and the standard one
//! (RFC 7662). Both are read with exact types: a text is no number, and `"true"` is not true.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::StatusCode;
use serde_json::Map;
use serde_json::Value;

use crate::domain::auth::ci::CiUser;
use crate::domain::auth::ci::presented::has_ended;
use crate::domain::auth::ci::refusal::CiRefusal;
use crate::domain::auth::strict_json;

/// Longest BroadWorks user id in characters (OCI-P `UserId`).
const USER_ID_CHARS: usize = 161;

/// Members that may name the BroadWorks user, in the order in which they are looked for, when
/// the configuration names none.
const USER_MEMBERS: [&str; 3] = ["broadworksUserId", "broadworks_user_id", "bwUserId"];

/// Members that may name the organisation.
const ORGANIZATION_MEMBERS: [&str; 3] = ["orgId", "org_id", "realm"];

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The IdP proxy's: `expires` in milliseconds.
    IdpProxy,
    /// Token introspection: `exp` in seconds, and `username` may name the user.
    Introspection,
}

/// What an answer must say.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Its form.
    pub form: Form,
    /// Scopes, any of which must be there; `:` and `-` are one, because Cisco's guides write
    /// `broadworks-connector:user` and `broadworks-connector-user`.
    pub scopes: Vec<String>,
    /// The one organisation whose users sign in.
    pub organization: Option<String>,
    /// The member that names the BroadWorks user.
    pub user_claim: Option<String>,
}

/// What is known of a token whose user may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Who it is.
    pub user: CiUser,
    /// The end of the token, when the answer tells it.
    pub ends: Option<SystemTime>,
}

/// Reads an answer at time `now`. `realm` is the organisation that the token names itself: once
/// the service has confirmed the token, what stands in it holds.
///
/// # Errors
/// Why the user does not get in; [`CiRefusal::ServiceToken`] when the service refused us instead
/// of the user.
pub fn read(
    rules: &Rules,
    status: StatusCode,
    body: &[u8],
    realm: Option<&str>,
    now: SystemTime,
) -> Result<Confirmed, CiRefusal> {
    match status {
        StatusCode::OK => confirm(rules, &object(body)?, realm, now),
        StatusCode::UNAUTHORIZED => Err(match rules.form {
            Form::IdpProxy => CiRefusal::Inactive,
            // Here a token that is not valid is a 200; who is unauthorized are we.
            Form::Introspection => CiRefusal::ServiceToken,
        }),
        StatusCode::FORBIDDEN if error_is(body, "insufficient_scope") => {
            Err(CiRefusal::InsufficientScope)
        }
        StatusCode::FORBIDDEN => Err(CiRefusal::ServiceToken),
        StatusCode::TOO_MANY_REQUESTS => Err(CiRefusal::Unreachable),
        other if other.is_server_error() => Err(CiRefusal::Unreachable),
        _ => Err(CiRefusal::BadAnswer),
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, CiRefusal> {
    // Its size was bounded while it was read.
    strict_json::object(body, body.len()).map_err(|_| CiRefusal::BadAnswer)
}

fn error_is(body: &[u8], word: &str) -> bool {
    object(body).is_ok_and(|body| body.get("error").and_then(Value::as_str) == Some(word))
}

fn confirm(
    rules: &Rules,
    answer: &Map<String, Value>,
    realm: Option<&str>,
    now: SystemTime,
) -> Result<Confirmed, CiRefusal> {
    match answer.get("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(CiRefusal::Inactive),
        Some(_) | None => return Err(CiRefusal::BadAnswer),
    }
    let ends = end(rules.form, answer)?;
    if ends.is_some_and(|ends| has_ended(ends, now)) {
        return Err(CiRefusal::Expired);
    }
    let org = first_text(answer, &ORGANIZATION_MEMBERS)?.or(realm);
    if let Some(expected) = &rules.organization
        && !org.is_some_and(|org| org.eq_ignore_ascii_case(expected))
    {
        return Err(CiRefusal::WrongOrganization);
    }
    let scope = text(answer, "scope")?.ok_or(CiRefusal::InsufficientScope)?;
    if !has_any(scope, &rules.scopes) {
        return Err(CiRefusal::InsufficientScope);
    }
    Ok(Confirmed {
        user: CiUser {
            broadworks_user: user(rules, answer)?.to_owned(),
            org: org.map(str::to_owned),
        },
        ends,
    })
}

fn end(form: Form, answer: &Map<String, Value>) -> Result<Option<SystemTime>, CiRefusal> {
    let (name, since_epoch): (_, fn(u64) -> Duration) = match form {
        Form::IdpProxy => ("expires", Duration::from_millis),
        Form::Introspection => ("exp", Duration::from_secs),
    };
    let Some(value) = answer.get(name) else {
        return Ok(None);
    };
    let ends = value.as_u64().map(since_epoch);
    ends.and_then(|ends| UNIX_EPOCH.checked_add(ends))
        .map(Some)
        .ok_or(CiRefusal::BadAnswer)
}

fn user<'a>(rules: &Rules, answer: &'a Map<String, Value>) -> Result<&'a str, CiRefusal> {
    let named = match &rules.user_claim {
        Some(claim) => text(answer, claim)?,
        None => match (first_text(answer, &USER_MEMBERS)?, rules.form) {
            (None, Form::Introspection) => text(answer, "username")?,
            (named, Form::IdpProxy | Form::Introspection) => named,
        },
    };
    named
        .filter(|user| is_user_id(user))
        .ok_or(CiRefusal::NoBroadWorksUser)
}

fn is_user_id(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= USER_ID_CHARS
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// A member that is text, or absent. `null` is absent, as in much of what Java writes.
fn text<'a>(answer: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, CiRefusal> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(CiRefusal::BadAnswer),
    }
}

fn first_text<'a>(
    answer: &'a Map<String, Value>,
    names: &[&str],
) -> Result<Option<&'a str>, CiRefusal> {
    for name in names {
        if let Some(text) = text(answer, name)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Whether any of the wanted scopes is among those of a list with spaces (RFC 6749 section 3.3).
fn has_any(scope: &str, wanted: &[String]) -> bool {
    let same = |a: &str, b: &str| {
        a.len() == b.len()
            && a.bytes()
                .zip(b.bytes())
                .all(|(a, b)| a == b || matches!((a, b), (b':', b'-') | (b'-', b':')))
    };
    scope
        .split(' ')
        .any(|held| wanted.iter().any(|wanted| same(held, wanted)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: u64 = 1_760_000_000_000;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(NOW_MS)
    }

    fn rules(form: Form) -> Rules {
        Rules {
            form,
            scopes: vec!["broadworks-connector:user".to_owned()],
            organization: None,
            user_claim: None,
        }
    }

    fn ok(rules: &Rules, body: &str) -> Result<Confirmed, CiRefusal> {
        read(rules, StatusCode::OK, body.as_bytes(), None, now())
    }

    fn alice(org: Option<&str>) -> CiUser {
        CiUser {
            broadworks_user: "alice@as.example.net".to_owned(),
            org: org.map(str::to_owned),
        }
    }

    const PROXY: &str = r#"{"active":true,"scope":"a broadworks-connector:user","broadworksUserId":"alice@as.example.net","orgId":"org-1","expires":1760000000001}"#;
    const STANDARD: &str = r#"{"active":true,"scope":"broadworks-connector-user","username":"alice@as.example.net","exp":1760000001}"#;

    #[test]
    fn the_idp_proxy_names_user_organisation_and_end() {
        let confirmed = ok(&rules(Form::IdpProxy), PROXY).unwrap();
        assert_eq!(confirmed.user, alice(Some("org-1")));
        assert_eq!(confirmed.ends, Some(now() + Duration::from_millis(1)));
    }

    #[test]
    fn an_introspection_names_user_and_end_in_seconds() {
        let confirmed = ok(&rules(Form::Introspection), STANDARD).unwrap();
        assert_eq!(confirmed.user, alice(None));
        assert_eq!(confirmed.ends, Some(now() + Duration::from_secs(1)));
    }

    #[test]
    fn an_answer_that_does_not_vouch_for_a_user_is_a_refusal() {
        let with = |from: &str, to: &str| PROXY.replacen(from, to, 1);
        for (body, refusal) in [
            (with("true", "false"), CiRefusal::Inactive),
            (with("true", "\"true\""), CiRefusal::BadAnswer),
            (with("true", "1"), CiRefusal::BadAnswer),
            (with("active", "actif"), CiRefusal::BadAnswer),
            (with(":user", ":users"), CiRefusal::InsufficientScope),
            (with("scope", "scopes"), CiRefusal::InsufficientScope),
            (with("a broad", "abroad"), CiRefusal::InsufficientScope),
            (
                with("\"a broadworks-connector:user\"", "[\"a\"]"),
                CiRefusal::BadAnswer,
            ),
            (
                with("broadworksUserId", "userId"),
                CiRefusal::NoBroadWorksUser,
            ),
            (
                with("alice@as.example.net", ""),
                CiRefusal::NoBroadWorksUser,
            ),
            (with("alice@", "al ice@"), CiRefusal::NoBroadWorksUser),
            (with("alice@", "a\\u0000@"), CiRefusal::NoBroadWorksUser),
            (with("alice", &"a".repeat(161)), CiRefusal::NoBroadWorksUser),
            (with("\"alice@as.example.net\"", "7"), CiRefusal::BadAnswer),
            (with("1760000000001", "1759999940000"), CiRefusal::Expired),
            (
                with("1760000000001", "\"1760000000001\""),
                CiRefusal::BadAnswer,
            ),
            (with("1760000000001", "1.5"), CiRefusal::BadAnswer),
            (with("\"org-1\"", "{}"), CiRefusal::BadAnswer),
            (with("{", "{\"active\":true,"), CiRefusal::BadAnswer),
            ("[]".to_owned(), CiRefusal::BadAnswer),
            ("<html>".to_owned(), CiRefusal::BadAnswer),
            (String::new(), CiRefusal::BadAnswer),
        ] {
            assert_eq!(ok(&rules(Form::IdpProxy), &body), Err(refusal), "{body}");
        }
    }

    #[test]
    fn each_status_says_whose_fault_it_is() {
        use CiRefusal as R;
        let lacking = r#"{"error":"insufficient_scope"}"#;
        for (form, status, body, refusal) in [
            (Form::IdpProxy, 401, "", R::Inactive),
            (Form::Introspection, 401, "", R::ServiceToken),
            (Form::IdpProxy, 403, lacking, R::InsufficientScope),
            (Form::IdpProxy, 403, "no", R::ServiceToken),
            (Form::IdpProxy, 429, "", R::Unreachable),
            (Form::IdpProxy, 500, PROXY, R::Unreachable),
            (Form::IdpProxy, 503, "", R::Unreachable),
            (Form::IdpProxy, 201, PROXY, R::BadAnswer),
            (Form::IdpProxy, 302, PROXY, R::BadAnswer),
            (Form::IdpProxy, 404, PROXY, R::BadAnswer),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let outcome = read(&rules(form), status, body.as_bytes(), None, now());
            assert_eq!(outcome, Err(refusal), "{form:?} {status}");
        }
    }

    #[test]
    fn only_users_of_the_configured_organisation_get_in() {
        let rules = Rules {
            organization: Some("ORG-1".to_owned()),
            ..rules(Form::IdpProxy)
        };
        assert!(ok(&rules, PROXY).is_ok());
        let other = PROXY.replace("org-1", "org-2");
        assert_eq!(ok(&rules, &other), Err(CiRefusal::WrongOrganization));
        let silent = PROXY.replace("orgId", "x");
        assert_eq!(ok(&rules, &silent), Err(CiRefusal::WrongOrganization));
        // The token is confirmed, so what it says itself holds, unless the answer knows better.
        let with = |body: &str| {
            read(
                &rules,
                StatusCode::OK,
                body.as_bytes(),
                Some("org-1"),
                now(),
            )
        };
        assert_eq!(with(&silent).unwrap().user, alice(Some("org-1")));
        assert_eq!(with(&other), Err(CiRefusal::WrongOrganization));
    }

    #[test]
    fn a_configured_member_is_the_only_one_that_names_the_user() {
        let rules = Rules {
            user_claim: Some("bw".to_owned()),
            ..rules(Form::IdpProxy)
        };
        assert_eq!(ok(&rules, PROXY), Err(CiRefusal::NoBroadWorksUser));
        let named = PROXY.replace("broadworksUserId", "bw");
        assert_eq!(ok(&rules, &named).unwrap().user, alice(Some("org-1")));
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&rules(Form::IdpProxy), StatusCode::OK, &body, None, now()));
        }

        #[test]
        fn both_spellings_of_a_scope_are_one(scope in "[a-z]{1,8}[:-][a-z]{1,8}") {
            let held = scope.replace(':', "-");
            let wanted = [scope.replace('-', ":")];
            let (among, longer) = (format!("x {held} y"), format!("x{held}"));
            prop_assert!(has_any(&among, &wanted));
            prop_assert!(!has_any(&longer, &wanted));
        }
    }
}
