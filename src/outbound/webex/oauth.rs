//! How a partner's access token is had: the refresh token of an integration or service app, or a
//! service app's tokens made anew. Each is one exchange; when to make it is decided elsewhere.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::InvalidHeaderValue;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::domain::auth::ci::grant;
use crate::domain::auth::ci::grant::Grant;
use crate::domain::auth::ci::grant::GrantFault;
use crate::outbound::OutboundError;
use crate::outbound::web::KeptFailure;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebRequest;
use crate::outbound::webex::api::PartnerClient;
use crate::outbound::webex::form_encode;
use crate::outbound::webex::secret_value;

/// Bytes of an answer; two tokens of 16 KiB fit.
const ANSWER_BYTES: usize = 64 * 1024;

/// Characters of Webex's words that are told.
const WORDS: usize = 300;

/// Longest word of Webex's that is told: anything longer may be a token.
const LONGEST_WORD: usize = 48;

/// So many characters of a secret in a row are not there by chance.
const PIECE: usize = 10;

/// What proves us to Webex.
pub struct Client<'a> {
    /// The client id.
    pub id: &'a str,
    /// The client secret.
    pub secret: &'a Secret,
}

/// Why there is no new access token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFailure {
    /// The answer grants nothing.
    #[error("{fault}{words}")]
    Fault {
        /// What is wrong.
        fault: GrantFault,
        /// Webex's own words for it, after a colon; none when it grants and cannot be read.
        words: String,
    },
    /// A secret holds something that cannot be sent.
    #[error("a secret holds something that cannot be sent")]
    Secrets,
    /// A secret cannot be read.
    #[error(transparent)]
    Unreadable(#[from] OutboundError),
    /// There is no answer.
    #[error("no answer from Webex's token endpoint")]
    Web(#[source] KeptFailure),
}

impl TokenFailure {
    /// What the session needs to know of it.
    #[must_use]
    pub const fn fault(&self) -> GrantFault {
        match self {
            Self::Fault { fault, .. } => *fault,
            Self::Secrets | Self::Unreadable(_) => GrantFault::SecretUnreadable,
            Self::Web(failure) => match failure.failure() {
                WebFailure::TooLarge(_) => GrantFault::ResponseTooLarge,
                WebFailure::Broken(_)
                | WebFailure::Connect(_)
                | WebFailure::Proxy { .. }
                | WebFailure::Status(_)
                | WebFailure::Timeout(_)
                | WebFailure::Tls(_) => GrantFault::Unreachable,
            },
        }
    }
}

/// Reads a secret without the line end that editors put behind it. Blocks on the file system.
///
/// # Errors
/// It cannot be read, or is empty.
pub fn secret(key: &'static str, reference: &SecretRef) -> Result<Secret, OutboundError> {
    let read = reference.read();
    let trimmed = read.and_then(|read| crate::outbound::webex::trimmed(reference, &read));
    trimmed.map_err(|fault| OutboundError::Secret { key, fault })
}

impl PartnerClient {
    /// Gets a new access token for a refresh token (`POST /access_token`).
    ///
    /// # Errors
    /// There is no new token.
    pub async fn refresh(
        &self,
        client: &Client<'_>,
        refresh_token: &[u8],
    ) -> Result<Grant, TokenFailure> {
        let mut form = Zeroizing::new(b"grant_type=refresh_token".to_vec());
        for (name, value) in [
            ("client_id", client.id.as_bytes()),
            ("client_secret", client.secret.expose()),
            ("refresh_token", refresh_token),
        ] {
            form.extend_from_slice(b"&");
            form.extend_from_slice(name.as_bytes());
            form.extend_from_slice(b"=");
            form_encode(value, &mut form);
        }
        let kind = "application/x-www-form-urlencoded";
        let secrets = [client.secret.expose(), refresh_token];
        self.token("/access_token", kind, None, (&form, &secrets))
            .await
    }

    /// Makes the tokens of a service app anew (`POST /applications/{id}/token`). `proof` is an
    /// access token with the scope `spark:applications_token`.
    ///
    /// # Errors
    /// There is no new token.
    pub async fn service_app(
        &self,
        client: &Client<'_>,
        application: &str,
        target_org: &str,
        proof: &Secret,
    ) -> Result<Grant, TokenFailure> {
        let text = |secret: &Secret| {
            let text = std::str::from_utf8(secret.expose()).map(str::to_owned);
            text.map(Zeroizing::new).map_err(|_| TokenFailure::Secrets)
        };
        let secret = text(client.secret)?;
        let body = ServiceApp {
            client_id: client.id,
            client_secret: &secret,
            target_org_id: target_org,
        };
        let body = serde_json::to_vec(&body).map_err(|_| TokenFailure::Secrets)?;
        let body = Zeroizing::new(body);
        let proof = text(proof)?;
        let mut path = String::from("/applications/");
        let mut encoded = Vec::new();
        form_encode(application.as_bytes(), &mut encoded);
        path.push_str(&String::from_utf8_lossy(&encoded));
        path.push_str("/token");
        let kind = "application/json;charset=utf-8";
        let secrets = [secret.as_bytes(), proof.as_bytes()];
        self.token(&path, kind, Some(&proof), (&body, &secrets))
            .await
    }

    async fn token(
        &self,
        path: &str,
        kind: &'static str,
        proof: Option<&str>,
        (body, secrets): (&[u8], &[&[u8]]),
    ) -> Result<Grant, TokenFailure> {
        let url = self.url(path).ok_or(TokenFailure::Secrets)?;
        let headers = headers(kind, proof).map_err(|_| TokenFailure::Secrets)?;
        let request = WebRequest {
            method: Method::POST,
            url: &url,
            headers,
            body: Bytes::copy_from_slice(body),
            answer_bytes: ANSWER_BYTES,
        };
        let answer = self.exchange(&request).await.map_err(TokenFailure::Web)?;
        grant::read_partner(answer.status, &answer.body).map_err(|fault| TokenFailure::Fault {
            fault,
            words: words(answer.status.as_u16(), &answer.body, secrets),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceApp<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    target_org_id: &'a str,
}

fn headers(kind: &'static str, proof: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(proof) = proof {
        headers.insert(AUTHORIZATION, secret_value("Bearer", proof)?);
    }
    Ok(headers)
}

/// What a refusal says: the words that RFC 6749 and Webex have for it and no other part of the
/// body, which may repeat what was sent. The body of an answer that says well may hold tokens, and
/// is not told at all.
fn words(status: u16, body: &[u8], secrets: &[&[u8]]) -> String {
    if status < 300 {
        return String::new();
    }
    let body: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let said: Vec<String> = ["error", "error_description", "message", "trackingId"]
        .into_iter()
        .filter_map(|name| body.as_ref()?.get(name)?.as_str())
        .map(|text| told(text, secrets))
        .filter(|text| !text.is_empty())
        .collect();
    if said.is_empty() {
        return format!(": it answered {status}");
    }
    format!(": it answered {status}, {}", said.join(", "))
}

/// A text of bounded length without anything that may be a secret: ours, a part of one, or another
/// one that looks so.
fn told(text: &str, secrets: &[&[u8]]) -> String {
    let text: String = text.chars().take(WORDS).collect();
    if secrets.iter().any(|secret| repeats(&text, secret)) {
        return "(it repeats a secret, which is not told)".to_owned();
    }
    let odd = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(odd).collect();
    let words = text.split_whitespace().map(|word| {
        // An id of Webex has 39 characters, a token more.
        if word.chars().count() > LONGEST_WORD {
            "(...)"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a text has a piece of a secret in it, as it is or as it is written in a form.
fn repeats(text: &str, secret: &[u8]) -> bool {
    let secret = secret.trim_ascii();
    let mut encoded = Zeroizing::new(Vec::with_capacity(secret.len() * 3));
    form_encode(secret, &mut encoded);
    [secret, &encoded].into_iter().any(|secret| {
        let piece = PIECE.min(secret.len());
        piece > 0
            && secret
                .windows(piece)
                .any(|piece| memchr::memmem::find(text.as_bytes(), piece).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"s3cr3t/of+the=client";

    #[test]
    fn a_refusal_is_told_in_its_own_words_and_nothing_else_of_it_is() {
        let body = br#"{"error":"invalid_grant","error_description":"The refresh\ntoken ended.",
            "trackingId":"NA_0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10","received":{"a":"s3cr3t/of+the=client"}}"#;
        assert_eq!(
            words(400, body, &[SECRET]),
            ": it answered 400, invalid_grant, The refresh token ended., \
             NA_0190f3c2-5a53-7d3e-9b55-2b1f7b0c9d10"
        );
        for other in [
            "",
            "s3cr3t/of+the=client",
            "<html>s3cr3t</html>",
            "[]",
            "{\"error\":{}}",
        ] {
            assert_eq!(words(502, other.as_bytes(), &[SECRET]), ": it answered 502");
        }
        assert_eq!(words(200, body, &[SECRET]), "");
    }

    #[test]
    fn what_was_sent_is_not_told_whole_in_part_or_encoded() {
        for echo in [
            "wrong: s3cr3t/of+the=client",
            "client_secret=s3cr3t%2Fof%2Bthe%3Dclient&x",
            "it begins with s3cr3t/of+the",
        ] {
            let body = serde_json::json!({ "error": "x", "error_description": echo });
            let said = words(400, body.to_string().as_bytes(), &[b"other", SECRET]);
            assert!(!said.contains("s3cr3t"), "{said}");
            assert!(said.contains("repeats a secret"), "{said}");
        }
        // Somebody else's token, and a text without an end.
        let token = "A".repeat(64);
        let body = serde_json::json!({ "message": format!("got {token} {}", "x ".repeat(900)) });
        let said = words(401, body.to_string().as_bytes(), &[SECRET]);
        assert!(!said.contains("AAAA") && said.len() < 400, "{said}");
    }
}
