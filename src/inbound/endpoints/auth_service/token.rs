//! `GET token?key=…`: a token for the user who is proven, encrypted to the key.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::config::TokenResponse;
use crate::domain::auth::access;
use crate::domain::auth::access::Accepts;
use crate::domain::auth::access::Certificate;
use crate::domain::auth::access::Policy;
use crate::domain::auth::access::Presented;
use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::domain::auth::backoff::Peer;
use crate::domain::auth::parameters;
use crate::domain::edge::credential::Scheme;
use crate::inbound::endpoints::auth_service::Ask;
use crate::inbound::endpoints::auth_service::Who;
use crate::inbound::endpoints::auth_service::reply::Reply;
use crate::telemetry::auth::Audit;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::issue::Proof;

pub(super) async fn answer(
    desk: &AuthDesk,
    ask: &Ask<'_>,
    audit: &mut Audit,
) -> Result<Reply, Refused> {
    let proof = proof(desk, ask)?;
    audit.proof = Some(proof.amr().as_str());
    audit.user = match &proof {
        Proof::Asserted(user) => Some(user.clone()),
        Proof::Ci(_) => None,
        Proof::Password(login) => Some(login.user.clone()),
    };
    let key = parameters::key_of(ask.query)?;
    let issued = desk.issue(&key, proof, peer(ask)).await?;
    audit.user = Some(issued.user);
    let form = form(ask.headers, desk.rules().response_format);
    Ok(Reply::token(&issued.token, form))
}

/// The one proof that counts. The admin listener has no certificates, so it is like any client.
fn proof(desk: &AuthDesk, ask: &Ask<'_>) -> Result<Proof, AuthReason> {
    let rules = desk.rules();
    let (policy, certificate) = match ask.who {
        Who::Admin { .. } => (Policy::Ci, Certificate::Absent),
        Who::Client {
            policy,
            certificate,
            ..
        } => (policy, certificate),
    };
    let mut sent = ask.headers.get_all(header::AUTHORIZATION).iter();
    let authorization = sent.next();
    if sent.next().is_some() {
        return Err(AuthReason::CredentialConflict);
    }
    let asserted = asserted(desk, ask.headers)?;
    let presented = match Scheme::of(authorization.map(HeaderValue::as_bytes)) {
        Scheme::Basic => Presented::Basic,
        Scheme::Bearer => Presented::Bearer,
        Scheme::None if asserted.is_some() => Presented::Asserted,
        Scheme::None => Presented::Nothing,
        Scheme::BroadWorksSip | Scheme::BroadWorksSso | Scheme::OAuth | Scheme::Other => {
            Presented::Other
        }
    };
    let accepts = Accepts {
        ci: rules.cisco.is_some(),
        basic: rules.basic,
        asserted: rules.asserted_user_header.is_some(),
    };
    let authorization = authorization.map(HeaderValue::as_bytes).unwrap_or_default();
    match access::decide(policy, accepts, certificate, presented)? {
        access::Proof::Asserted => asserted
            .map(Proof::Asserted)
            .ok_or(AuthReason::CredentialsMissing),
        access::Proof::Ci => parameters::bearer(authorization)
            .map(|token| Proof::Ci(token.to_owned()))
            .ok_or(AuthReason::CredentialsMalformed),
        access::Proof::Password => parameters::basic(authorization)
            .map(Proof::Password)
            .ok_or(AuthReason::CredentialsMalformed),
    }
}

/// The user named by the configured header.
fn asserted(desk: &AuthDesk, headers: &HeaderMap) -> Result<Option<String>, AuthReason> {
    let Some(name) = desk.rules().asserted_user_header.as_deref() else {
        return Ok(None);
    };
    let mut sent = headers.get_all(name).iter();
    match (sent.next(), sent.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => match only.to_str().map(str::trim) {
            Ok(user) if !user.is_empty() => Ok(Some(user.to_owned())),
            Ok(_) | Err(_) => Err(AuthReason::CredentialsMalformed),
        },
        (Some(_), Some(_)) => Err(AuthReason::CredentialConflict),
    }
}

const fn peer(ask: &Ask<'_>) -> Peer {
    match ask.who {
        Who::Client {
            address,
            certificate: Certificate::Listed,
            ..
        } => Peer::Listed(address),
        Who::Admin { address } | Who::Client { address, .. } => Peer::Address(address),
    }
}

/// How the token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenForm {
    /// `application/jose`.
    Jose,
    /// A JSON object.
    Json,
    /// `text/plain`.
    Text,
}

/// What `Accept` asks for; JSON before all, because many clients list everything.
fn form(headers: &HeaderMap, otherwise: TokenResponse) -> TokenForm {
    let accepts = |kind: &str| {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| range.split(';').next())
            .any(|range| range.trim().eq_ignore_ascii_case(kind))
    };
    let wanted = [
        ("application/json", TokenForm::Json),
        ("application/jose", TokenForm::Jose),
        ("text/plain", TokenForm::Text),
    ];
    let wanted = wanted.into_iter().find(|(kind, _)| accepts(kind));
    match (wanted, otherwise) {
        (Some((_, form)), _) => form,
        (None, TokenResponse::Json) => TokenForm::Json,
        (None, TokenResponse::Raw) => TokenForm::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_form_that_was_asked_for() {
        let table = [
            (None, TokenForm::Json, TokenForm::Text),
            (Some("*/*"), TokenForm::Json, TokenForm::Text),
            (
                Some("application/json, text/plain, */*"),
                TokenForm::Json,
                TokenForm::Json,
            ),
            (Some("text/plain"), TokenForm::Text, TokenForm::Text),
            (
                Some("Application/JOSE;q=0.9"),
                TokenForm::Jose,
                TokenForm::Jose,
            ),
            (Some("text/html"), TokenForm::Json, TokenForm::Text),
        ];
        for (accept, json, raw) in table {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(form(&headers, TokenResponse::Json), json, "{accept:?}");
            assert_eq!(form(&headers, TokenResponse::Raw), raw, "{accept:?}");
        }
    }
}
