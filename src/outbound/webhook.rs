//! A signed POST to somebody's receiver of busy lamp notifications.

use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::config;
use crate::config::Environment;
use crate::config::secret::SecretError;
use crate::domain::blf::outbox::Delivery;
use crate::domain::certs::date;
use crate::outbound::Causes;
use crate::outbound::OutboundError;
use crate::outbound::web::Limits;
use crate::outbound::web::WebClient;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::outbound::webex::sha256;

/// The header with time and signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-xspd-signature");

/// Bytes of an answer that are read: receivers answer with a word, and none of it matters.
const ANSWER_BYTES: usize = 64 * 1024;

/// Where notifications go, and the key of their signature.
pub struct Webhook {
    web: WebClient,
    url: WebUrl,
    signer: Signer,
    /// Tells one key from another without keeping it.
    key_hash: [u8; 32],
    /// The same of the CA file.
    ca_hash: Option<[u8; 32]>,
}

impl std::fmt::Display for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "it answered {status}"),
            Self::Failed(failure) => write!(f, "{}", Causes(failure)),
        }
    }
}

/// How one POST ended.
#[derive(Debug)]
pub enum Posted {
    /// An answer, whichever.
    Answered(StatusCode),
    /// None.
    Failed(WebFailure),
}

impl Webhook {
    /// A client of the configured receiver. Reads secret and CA file, blocking; called at start
    /// and reload only.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn new(
        webhook: &config::BlfWebhook,
        environment: &Environment,
    ) -> Result<Self, OutboundError> {
        let url =
            WebUrl::parse_or_loopback(&webhook.url).map_err(|fault| OutboundError::WebUrl {
                key: "blf.webhook.url",
                url: webhook.url.clone(),
                fault,
            })?;
        let secret = |fault| OutboundError::Secret {
            key: "blf.webhook.secret",
            fault,
        };
        let read = webhook.secret.read().map_err(secret)?;
        let bytes = read.expose().trim_ascii();
        if bytes.is_empty() {
            return Err(secret(SecretError::Empty(webhook.secret.clone())));
        }
        let limits = limits(webhook.timeout);
        let ca = webhook.ca.as_ref().map(std::fs::read);
        Ok(Self {
            web: client(webhook.ca.as_deref(), environment, limits)?,
            url,
            signer: Signer::new(bytes),
            key_hash: sha256(bytes),
            // What cannot be read is told by the client.
            ca_hash: ca.and_then(Result::ok).map(|ca| sha256(&ca)),
        })
    }

    /// Whether another one, of the same configuration, has the same key and believes the same CA.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.url == other.url && self.key_hash == other.key_hash && self.ca_hash == other.ca_hash
    }

    /// Posts a body. The time is signed with it, so that a receiver can refuse what is old.
    pub async fn post(&self, body: Bytes, now: SystemTime) -> Posted {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signature = self.signer.header(date::to_unix(now), &body);
        match HeaderValue::try_from(signature) {
            Ok(value) => drop(headers.insert(SIGNATURE, value)),
            Err(error) => return Posted::Failed(WebFailure::Broken(Box::new(error))),
        }
        let request = WebRequest {
            method: Method::POST,
            url: &self.url,
            headers,
            body,
            answer_bytes: ANSWER_BYTES,
        };
        match self.web.call(request).await {
            Ok(answer) => Posted::Answered(answer.status),
            Err(failure) => Posted::Failed(failure),
        }
    }
}

impl Posted {
    /// What it means for the notification: what the receiver does not want is not sent again, what
    /// it could not take is.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self {
            Self::Answered(status) if status.is_success() => Delivery::Done,
            Self::Answered(status) if is_passing(*status) => Delivery::Failed,
            Self::Answered(_) => Delivery::Refused,
            // The receiver has answered, only too much.
            Self::Failed(WebFailure::TooLarge(_)) => Delivery::Done,
            Self::Failed(
                WebFailure::Broken(_)
                | WebFailure::Connect(_)
                | WebFailure::Proxy { .. }
                | WebFailure::Status(_)
                | WebFailure::Tls(_)
                | WebFailure::Timeout(_),
            ) => Delivery::Failed,
        }
    }

    /// The word for the metric and the log, one of [`POSTS`](crate::telemetry::blf_api::POSTS).
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Answered(status) if status.is_success() => "delivered",
            Self::Answered(status) if is_passing(*status) => "server-error",
            Self::Answered(_) => "refused",
            Self::Failed(failure) => failure.as_str(),
        }
    }
}

/// Statuses that another time may not have.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::TOO_EARLY
}

fn limits(total: Duration) -> Limits {
    Limits {
        connect: Limits::USUAL.connect.min(total),
        total,
    }
}

fn client(
    ca: Option<&Path>,
    environment: &Environment,
    limits: Limits,
) -> Result<WebClient, OutboundError> {
    WebClient::new(ca, environment, limits)
}

/// Signs what is posted.
pub(super) struct Signer(hmac::Key);

impl Signer {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The value of [`SIGNATURE`] for a body sent at a time.
    pub(super) fn header(&self, unix: i64, body: &[u8]) -> String {
        signature(&self.0, unix, body)
    }
}

/// `t=UNIX,v1=HEX`: HMAC-SHA256 of the time in decimal digits, a full stop and the body.
fn signature(key: &hmac::Key, unix: i64, body: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut context = hmac::Context::with_key(key);
    context.update(unix.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    let mut text = format!("t={unix},v1=");
    for byte in context.sign().as_ref() {
        // Writing into a String cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_any_other_implementation() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec-test");
        // printf '1767225600.{"kind":"state"}' | openssl dgst -sha256 -hmac whsec-test
        assert_eq!(
            signature(&key, 1_767_225_600, b"{\"kind\":\"state\"}"),
            EXPECTED
        );
    }

    #[test]
    fn another_key_and_another_ca_in_the_same_files_make_another_receiver() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, ca) = (folder.path().join("secret"), folder.path().join("ca"));
        let mint = || {
            let mut params = rcgen::CertificateParams::default();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            let key = rcgen::KeyPair::generate().unwrap();
            std::fs::write(&ca, params.self_signed(&key).unwrap().pem()).unwrap();
        };
        let say = |text: &str| {
            std::fs::write(&secret, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&secret, mode).unwrap();
        };
        let receiver = || {
            let rules = config::BlfWebhook {
                url: "https://noc.example.com/blf".to_owned(),
                secret: config::secret::SecretRef::File(secret.clone()),
                ca: Some(ca.clone()),
                timeout: Duration::from_secs(1),
                retries: 0,
            };
            Webhook::new(&rules, &Environment::process()).unwrap()
        };
        mint();
        say("one");
        let first = receiver();
        assert!(receiver().is_same(&first));
        say("two");
        assert!(!receiver().is_same(&first));
        say("one");
        mint();
        assert!(
            !receiver().is_same(&first),
            "the old CA would be believed on"
        );
    }

    const EXPECTED: &str =
        "t=1767225600,v1=ebe454d81cb7a5b9be59956de16ff2b63e45c1b38a9ecb89c6b5c0aae857cf52";

    #[test]
    fn what_may_pass_is_tried_again_and_what_is_refused_is_not() {
        for (status, delivery, word) in [
            (200, Delivery::Done, "delivered"),
            (204, Delivery::Done, "delivered"),
            (301, Delivery::Refused, "refused"),
            (400, Delivery::Refused, "refused"),
            (410, Delivery::Refused, "refused"),
            (408, Delivery::Failed, "server-error"),
            (429, Delivery::Failed, "server-error"),
            (500, Delivery::Failed, "server-error"),
            (503, Delivery::Failed, "server-error"),
        ] {
            let posted = Posted::Answered(StatusCode::from_u16(status).unwrap());
            assert_eq!(
                (posted.delivery(), posted.as_str()),
                (delivery, word),
                "{status}"
            );
        }
        let late = Posted::Failed(WebFailure::Timeout(Duration::from_secs(5)));
        assert_eq!(
            (late.delivery(), late.as_str()),
            (Delivery::Failed, "timeout")
        );
    }
}
