//! The answer of `oauth2/v1/access_token` to a refresh token (RFC 6749 section 6). CI hands out no
//! new refresh token: the old one stays, and lives on because it was used.

use std::time::Duration;

use http::StatusCode;
use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::domain::auth::strict_json;

/// Longest access token in bytes that is taken; CI's have about 1 KiB.
const TOKEN_BYTES: usize = 16 * 1024;

/// Longest life that is believed; `expires_in` beyond it counts as this.
const LIFE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// An access token of our own: the service token.
pub struct Grant {
    /// The token.
    pub token: Zeroizing<String>,
    /// How long it lives from now.
    pub life: Duration,
    /// A refresh token that takes the place of the one that was used. CI gives none; the token
    /// endpoint for Webex partners does.
    pub refresh_token: Option<Zeroizing<String>>,
    /// How long the refresh token lives from now on.
    pub refresh_life: Option<Duration>,
}

/// Why there is no new service token. The word is the label value, the log field and the README
/// entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GrantFault {
    /// An answer that cannot be read.
    #[error("the answer cannot be read")]
    BadAnswer,
    /// Client id or client secret are wrong.
    #[error("the client id or the client secret is wrong")]
    InvalidClient,
    /// The refresh token is wrong or has ended.
    #[error("the refresh token is wrong or has ended")]
    InvalidGrant,
    /// An answer beyond the configured maximum.
    #[error("the answer is too large")]
    ResponseTooLarge,
    /// The client secret or the refresh token cannot be read from its file.
    #[error("the client secret or the refresh token cannot be read")]
    SecretUnreadable,
    /// The old access token came back.
    #[error("the old access token came back")]
    Unchanged,
    /// No answer, or one that says to come back later.
    #[error("there was no answer")]
    Unreachable,
}

impl GrantFault {
    /// Every fault, so that each metric series starts at zero.
    pub const ALL: [Self; 7] = [
        Self::BadAnswer,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::ResponseTooLarge,
        Self::SecretUnreadable,
        Self::Unchanged,
        Self::Unreachable,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadAnswer => "bad-answer",
            Self::InvalidClient => "invalid-client",
            Self::InvalidGrant => "invalid-grant",
            Self::ResponseTooLarge => "response-too-large",
            Self::SecretUnreadable => "secret-unreadable",
            Self::Unchanged => "unchanged",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether asking again soon can help.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::InvalidClient | Self::InvalidGrant => true,
            Self::BadAnswer
            | Self::ResponseTooLarge
            | Self::SecretUnreadable
            | Self::Unchanged
            | Self::Unreachable => false,
        }
    }
}

/// Reads an answer.
///
/// # Errors
/// What is wrong with it or with us.
pub fn read(status: StatusCode, body: &[u8]) -> Result<Grant, GrantFault> {
    // Its size was bounded while it was read.
    let object = strict_json::object(body, body.len()).map_err(|_| GrantFault::BadAnswer);
    match status {
        StatusCode::OK => granted(&object?),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
            let object = object.unwrap_or_default();
            match object.get("error").and_then(Value::as_str) {
                Some("invalid_grant") => Err(GrantFault::InvalidGrant),
                Some("invalid_client" | "unauthorized_client") => Err(GrantFault::InvalidClient),
                // RFC 6749 section 5.2: 401 is about the client, whatever the body.
                _ if status == StatusCode::UNAUTHORIZED => Err(GrantFault::InvalidClient),
                _ => Err(GrantFault::BadAnswer),
            }
        }
        StatusCode::TOO_MANY_REQUESTS => Err(GrantFault::Unreachable),
        other if other.is_server_error() => Err(GrantFault::Unreachable),
        _ => Err(GrantFault::BadAnswer),
    }
}

fn granted(answer: &Map<String, Value>) -> Result<Grant, GrantFault> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let kind = text("token_type").ok_or(GrantFault::BadAnswer)?;
    if !kind.eq_ignore_ascii_case("Bearer") {
        return Err(GrantFault::BadAnswer);
    }
    bearer(answer)
}

/// Reads an answer of the token endpoint for Webex partners. It may leave out `token_type`, and it
/// refuses in Webex's own words.
///
/// # Errors
/// What is wrong with it or with us.
pub fn read_partner(status: StatusCode, body: &[u8]) -> Result<Grant, GrantFault> {
    match status {
        StatusCode::OK => {
            let object = strict_json::object(body, body.len());
            let object = object.map_err(|_| GrantFault::BadAnswer)?;
            match object.get("token_type").and_then(Value::as_str) {
                None => bearer(&object),
                Some(kind) if kind.eq_ignore_ascii_case("Bearer") => bearer(&object),
                Some(_) => Err(GrantFault::BadAnswer),
            }
        }
        // Without the word of RFC 6749 it is the refresh token, the one thing that changes.
        StatusCode::BAD_REQUEST => match read(status, body) {
            Err(GrantFault::BadAnswer) => Err(GrantFault::InvalidGrant),
            other => other,
        },
        StatusCode::UNAUTHORIZED => read(status, body),
        StatusCode::FORBIDDEN => Err(GrantFault::InvalidClient),
        other => read(other, body),
    }
}

fn bearer(answer: &Map<String, Value>) -> Result<Grant, GrantFault> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let token = text("access_token").ok_or(GrantFault::BadAnswer)?;
    let life = answer.get("expires_in").and_then(Value::as_u64);
    let life = life.filter(|life| *life > 0).ok_or(GrantFault::BadAnswer)?;
    let next = text("refresh_token");
    if !is_sendable(token) || next.is_some_and(|next| !is_sendable(next)) {
        return Err(GrantFault::BadAnswer);
    }
    let refresh_life = answer.get("refresh_token_expires_in");
    let refresh_life = refresh_life.and_then(Value::as_u64);
    Ok(Grant {
        token: Zeroizing::new(token.to_owned()),
        life: Duration::from_secs(life).min(LIFE),
        refresh_token: next.map(|next| Zeroizing::new(next.to_owned())),
        refresh_life: refresh_life.map(|life| Duration::from_secs(life).min(LIFE)),
    })
}

fn is_sendable(token: &str) -> bool {
    (1..=TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"access_token":"abc","expires_in":43199,"token_type":"Bearer","refresh_token_expires_in":5183999}"#;

    fn fault(status: u16, body: &str) -> Option<GrantFault> {
        read(StatusCode::from_u16(status).unwrap(), body.as_bytes()).err()
    }

    #[test]
    fn a_grant_is_a_token_with_its_life() {
        let grant = read(StatusCode::OK, GOOD.as_bytes()).unwrap();
        assert_eq!(*grant.token, "abc");
        assert_eq!(grant.life, Duration::from_secs(43_199));
        let endless = GOOD.replace("43199", "18446744073709551615");
        assert_eq!(read(StatusCode::OK, endless.as_bytes()).unwrap().life, LIFE);
    }

    #[test]
    fn a_200_that_grants_nothing_is_a_bad_answer() {
        for (from, to) in [
            ("access_token", "token"),
            ("\"abc\"", "7"),
            ("\"abc\"", "\"\""),
            ("\"abc\"", "\"a b\""),
            ("\"abc\"", "\"a\\r\\nX: y\""),
            ("43199", "\"43199\""),
            ("43199", "0"),
            ("43199", "-1"),
            ("expires_in", "expires"),
            ("Bearer", "MAC"),
            ("token_type", "type"),
            ("{", "{\"access_token\":\"x\","),
            ("{", "<"),
        ] {
            let body = GOOD.replacen(from, to, 1);
            assert_eq!(fault(200, &body), Some(GrantFault::BadAnswer), "{body}");
        }
    }

    #[test]
    fn each_error_says_whether_asking_again_can_help() {
        use GrantFault as F;
        for (status, body, expected) in [
            (400, r#"{"error":"invalid_grant"}"#, F::InvalidGrant),
            (401, r#"{"error":"invalid_grant"}"#, F::InvalidGrant),
            (400, r#"{"error":"invalid_client"}"#, F::InvalidClient),
            (401, r#"{"error":"invalid_client"}"#, F::InvalidClient),
            (401, "", F::InvalidClient),
            (400, r#"{"error":"invalid_request"}"#, F::BadAnswer),
            (400, "no JSON", F::BadAnswer),
            (302, GOOD, F::BadAnswer),
            (404, "", F::BadAnswer),
            (429, "", F::Unreachable),
            (503, "", F::Unreachable),
        ] {
            assert_eq!(fault(status, body), Some(expected), "{status} {body}");
        }
    }

    #[test]
    fn a_partner_gets_a_refresh_token_and_its_life_and_webexs_own_words() {
        let good = r#"{"access_token":"abc","expires_in":1209599,"refresh_token":"def","refresh_token_expires_in":7775999}"#;
        let grant = read_partner(StatusCode::OK, good.as_bytes()).unwrap();
        assert_eq!(
            grant.refresh_token.as_deref().map(String::as_str),
            Some("def")
        );
        assert_eq!(grant.refresh_life, Some(Duration::from_secs(7_775_999)));
        let webex = br#"{"message":"The refresh token is invalid","trackingId":"x"}"#;
        for (status, fault) in [
            (400, GrantFault::InvalidGrant),
            (401, GrantFault::InvalidClient),
            (403, GrantFault::InvalidClient),
            (404, GrantFault::BadAnswer),
            (429, GrantFault::Unreachable),
            (502, GrantFault::Unreachable),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(read_partner(status, webex).err(), Some(fault), "{status}");
        }
        for bad in [good.replace("def", "d ef"), good.replace("1209599", "0")] {
            let refused = read_partner(StatusCode::OK, bad.as_bytes()).err();
            assert_eq!(refused, Some(GrantFault::BadAnswer), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(
            status in 200_u16..600,
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            drop(read_partner(StatusCode::from_u16(status).unwrap(), &body));
            drop(read(StatusCode::from_u16(status).unwrap(), &body));
        }
    }
}
