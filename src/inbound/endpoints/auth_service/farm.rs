//! What the farm and its operators ask: whether a token holds, that it be revoked, which keys
//! there are; and `ping`.

use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::Value;
use serde_json::json;

use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::domain::auth::parameters;
use crate::domain::auth::parameters::Form;
use crate::domain::auth::standing::Membership;
use crate::domain::auth::standing::State;
use crate::domain::auth::validation::NotValid;
use crate::inbound::endpoints::auth_service::Ask;
use crate::inbound::endpoints::auth_service::Who;
use crate::inbound::endpoints::auth_service::endpoint::Endpoint;
use crate::inbound::endpoints::auth_service::reply::Reply;
use crate::telemetry::auth::Audit;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::check::Valid;
use crate::workers::auth_desk::revoke::Revoke;

/// Whether this caller may introspect or revoke. At the admin listener the operator token says
/// so. On other listeners a certificate of the farm does, for introspection; to revoke there, both
/// are needed.
pub(super) fn check_rights(
    desk: &AuthDesk,
    endpoint: Endpoint,
    ask: &Ask<'_>,
) -> Result<(), AuthReason> {
    match ask.who {
        Who::Admin { .. } => check_operator(desk, ask),
        Who::Client { .. } => {
            check_farm(desk, ask)?;
            match endpoint {
                Endpoint::Revoke => check_operator(desk, ask),
                Endpoint::Introspect | Endpoint::KeySet | Endpoint::Ping | Endpoint::Token => {
                    Ok(())
                }
            }
        }
    }
}

fn check_operator(desk: &AuthDesk, ask: &Ask<'_>) -> Result<(), AuthReason> {
    let mut sent = ask.headers.get_all(header::AUTHORIZATION).iter();
    let token = sent.next().map(HeaderValue::as_bytes);
    if sent.next().is_some() {
        return Err(AuthReason::CredentialConflict);
    }
    let token = token.and_then(parameters::bearer).unwrap_or_default();
    match desk.is_operator(token) {
        None => Err(AuthReason::OperatorTokenUnset),
        Some(true) => Ok(()),
        Some(false) => Err(AuthReason::OperatorTokenWrong),
    }
}

fn check_farm(desk: &AuthDesk, ask: &Ask<'_>) -> Result<(), AuthReason> {
    let identity = match ask.who {
        Who::Admin { .. } => return Ok(()),
        Who::Client { identity, .. } => identity,
    };
    let farm = &desk.rules().farm_identities;
    let ours = |identity: &str| farm.iter().any(|held| held.eq_ignore_ascii_case(identity));
    if identity.is_some_and(ours) {
        Ok(())
    } else {
        Err(AuthReason::NotForYou)
    }
}

/// 200 while tokens are issued, 503 with what is missing.
pub(super) fn ping(desk: &AuthDesk) -> Reply {
    let missing = desk.readiness().missing();
    let (status, body) = if missing.is_empty() {
        (StatusCode::OK, json!({"status": "UP"}))
    } else {
        let body = json!({"status": "DOWN", "reasons": missing});
        (StatusCode::SERVICE_UNAVAILABLE, body)
    };
    Reply::json(status, &body)
}

pub(super) fn key_set(desk: &AuthDesk, ask: &Ask<'_>) -> Result<Reply, Refused> {
    check_farm(desk, ask)?;
    Ok(Reply::key_set(desk.key_set()))
}

/// RFC 7662: nothing but `active` of a token that does not hold, and never why.
pub(super) async fn introspect(
    desk: &AuthDesk,
    body: &[u8],
    audit: &mut Audit,
) -> Result<Reply, Refused> {
    let form = Form::parse(body)?;
    let token = form.get("token").ok_or(AuthReason::RequestMalformed)?;
    let body = match desk.validate(token).await {
        Ok(valid) => {
            audit.user = Some(valid.token.claims.subject.clone());
            active(&valid)
        }
        Err(NotValid::Unavailable { retry_after }) => {
            return Err(Refused {
                retry_after,
                ..Refused::from(AuthReason::AsUnreachable)
            });
        }
        Err(
            NotValid::Expired
            | NotValid::Foreign
            | NotValid::Invalid
            | NotValid::Revoked
            | NotValid::UserGone
            | NotValid::UserLocked { .. },
        ) => json!({"active": false}),
    };
    Ok(Reply::json(StatusCode::OK, &body))
}

fn active(valid: &Valid) -> Value {
    let claims = &valid.token.claims;
    let mut body = json!({
        "active": true,
        "iss": claims.issuer,
        "sub": claims.subject,
        "iat": claims.issued,
        "exp": claims.expires,
        "jti": claims.jti,
        "token_type": "Bearer",
    });
    if let State::Present {
        membership:
            Membership {
                group,
                service_provider,
                is_enterprise,
            },
        ..
    } = &valid.standing.state
        && let Some(members) = body.as_object_mut()
    {
        let bw = json!({
            "groupId": group,
            "serviceProviderId": service_provider,
            "isEnterprise": is_enterprise,
        });
        members.insert("bw".to_owned(), bw);
    }
    body
}

/// RFC 7009 with two members more: `user=…` and `all=true`. Exactly one of the three is meant.
pub(super) async fn revoke(
    desk: &AuthDesk,
    ask: &Ask<'_>,
    body: &[u8],
    audit: &mut Audit,
) -> Result<Reply, Refused> {
    let form = Form::parse(body)?;
    let what = match (form.get("token"), form.get("user"), form.get("all")) {
        (Some(token), None, None) => Revoke::Token(token.to_owned()),
        (None, Some(user), None) => {
            audit.user = Some(user.to_owned());
            Revoke::User(user.to_owned())
        }
        (None, None, Some("true")) => Revoke::All,
        _ => return Err(AuthReason::RequestMalformed.into()),
    };
    let by = match ask.who {
        Who::Admin { .. } => "operator",
        Who::Client { identity, .. } => identity.unwrap_or("operator"),
    };
    desk.revoke(what, by).await?;
    Ok(Reply::empty(StatusCode::OK))
}
