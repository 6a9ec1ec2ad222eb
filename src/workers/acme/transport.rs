//! The way to a CA for the ACME library: our own client, with its proxy, CA file, time limits and
//! caps. A refusal becomes an error of ours here, because the library drops its status and its
//! `Retry-After`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;
use http_body_util::Full;
use instant_acme::BodyWrapper;
use instant_acme::BytesResponse;
use instant_acme::Error;
use instant_acme::HttpClient;
use instant_acme::Problem;

use crate::config::Acme;
use crate::config::Environment;
use crate::outbound::Causes;
use crate::outbound::OutboundError;
use crate::outbound::read_capped;
use crate::outbound::web::KeptAnswer;
use crate::outbound::web::KeptClient;
use crate::outbound::web::KeptFailure;
use crate::outbound::web::KeptLimits;
use crate::outbound::web::NotAWebUrl;
use crate::outbound::web::Way;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::outbound::web::retry_after;
use crate::platform::clock;

/// Largest answer: a chain of ten certificates has 40 KB.
const MOST: usize = 512 * 1024;

/// Boulder takes seconds to finalize.
const LIMITS: KeptLimits = KeptLimits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(60),
    total: Duration::from_secs(90),
};

/// The type of refused nonces, which the library tries again.
const BAD_NONCE: &str = "urn:ietf:params:acme:error:badNonce";

/// What the library says of an account that the CA holds for anything but valid, when it is told whom to
/// write to (`Account::update_contacts` of instant-acme 0.8.5): it has no error of its own for that, and
/// does not say what the status is.
const ACCOUNT_STATUS: &str = "Unexpected account status after updating contact information";

/// Longest text of a CA that is repeated, in characters.
const LONGEST_TEXT: usize = 500;

/// Longest `Retry-After` that is passed on. The library adds it to a time without a check, so a
/// number without end would be a panic.
const LONGEST_WISH: Duration = Duration::from_secs(7 * 86_400);

/// When a CA is asked for its window again that does not say (RFC 9773, section 4.3.3); the library
/// takes no window without it.
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);

/// Why the CA did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The account is there, and is not to be used any more.
    #[error("it holds the account for deactivated or revoked")]
    AccountClosed,
    /// What it sent cannot be used, or no request could be signed.
    #[error("{0}")]
    Library(String),
    /// No answer.
    #[error("it cannot be reached: {}", Causes(_0.failure()))]
    Lost(#[from] KeptFailure),
    /// It said no.
    #[error("it refused ({status}, {kind}): {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The type of the problem, without its common beginning.
        kind: String,
        /// In its own words.
        detail: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It lacks a part of the standard.
    #[error("it does not offer {0}")]
    Unsupported(&'static str),
    /// An address that it sent.
    #[error("it named an address that cannot be used: {0}")]
    Url(#[from] NotAWebUrl),
}

impl From<Error> for CaError {
    fn from(error: Error) -> Self {
        match error {
            Error::Other(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(inner) => Self::Library(plain(&inner.to_string())),
            },
            Error::Api(problem) => refused(StatusCode::BAD_REQUEST, &problem, None),
            Error::Str(ACCOUNT_STATUS) => Self::AccountClosed,
            Error::Unsupported(what) => Self::Unsupported(what),
            // The library may learn to fail in other ways.
            other => Self::Library(plain(&other.to_string())),
        }
    }
}

impl CaError {
    /// How long the CA wants to be left alone.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::AccountClosed
            | Self::Library(_)
            | Self::Lost(_)
            | Self::Unsupported(_)
            | Self::Url(_) => None,
        }
    }

    /// Whether it is there at all.
    pub(super) const fn is_away(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::AccountClosed | Self::Library(_) | Self::Unsupported(_) | Self::Url(_) => false,
        }
    }

    /// Whether it said no, and not only that it has too much to do.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::AccountClosed => true,
            Self::Refused { status, kind, .. } => {
                (400..500).contains(status) && *status != 429 && kind != "badNonce"
            }
            Self::Library(_) | Self::Lost(_) | Self::Unsupported(_) | Self::Url(_) => false,
        }
    }
}

/// Our client, as the library wants it.
pub(super) struct Transport {
    web: Arc<KeptClient>,
}

impl Transport {
    /// Reads the CA file; blocking.
    pub(super) fn new(acme: &Acme) -> Result<Box<Self>, OutboundError> {
        let environment = Environment::process();
        let way = Way::Environment(&environment);
        let web = KeptClient::new(acme.ca.as_deref(), way, LIMITS, 1)?;
        Ok(Box::new(Self { web: Arc::new(web) }))
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

impl HttpClient for Transport {
    fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answering {
        let web = Arc::clone(&self.web);
        Box::pin(async move {
            let asked = ask(&web, request).await;
            asked
                .map(BytesResponse::from)
                .map_err(|error| Error::Other(Box::new(error)))
        })
    }
}

async fn ask(
    web: &KeptClient,
    request: Request<BodyWrapper<Bytes>>,
) -> Result<Response<Full<Bytes>>, CaError> {
    let (head, body) = request.into_parts();
    let url = WebUrl::parse_or_loopback(&head.uri.to_string())?;
    let body = read_capped(body, MOST).await;
    let request = WebRequest {
        method: head.method.clone(),
        url: &url,
        headers: head.headers,
        body: body.map_err(|error| CaError::Library(error.to_string()))?,
        answer_bytes: MOST,
    };
    let answer = web.send(&request).await?;
    accepted(&head.method, answer, clock::wall())
}

/// What the library may see: what succeeded, and refused nonces.
fn accepted(
    method: &Method,
    answer: KeptAnswer,
    now: SystemTime,
) -> Result<Response<Full<Bytes>>, CaError> {
    let wish = retry_after(&answer.headers, now, LONGEST_WISH);
    if !answer.status.is_success() {
        let problem = serde_json::from_slice(&answer.body).unwrap_or(Problem {
            r#type: None,
            detail: None,
            status: None,
            subproblems: Vec::new(),
        });
        let again = answer.status == StatusCode::BAD_REQUEST
            && problem.r#type.as_deref() == Some(BAD_NONCE);
        if !again {
            return Err(refused(answer.status, &problem, wish));
        }
    }
    let mut passed = Response::new(Full::new(answer.body));
    *passed.status_mut() = answer.status;
    *passed.headers_mut() = answer.headers;
    let headers = passed.headers_mut();
    headers.remove(RETRY_AFTER);
    // Only directories and windows are asked for without a signature.
    let wish = wish.or_else(|| (*method == Method::GET).then_some(ASK_AGAIN));
    if let Some(wish) = wish {
        headers.insert(RETRY_AFTER, HeaderValue::from(wish.as_secs()));
    }
    Ok(passed)
}

fn refused(status: StatusCode, problem: &Problem, retry_after: Option<Duration>) -> CaError {
    CaError::Refused {
        status: status.as_u16(),
        kind: kind(problem),
        detail: detail(problem),
        retry_after,
    }
}

/// The last part of its type.
fn kind(problem: &Problem) -> String {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    let kind = kind.rsplit(':').next().unwrap_or_default();
    let kind = kind.chars().filter(char::is_ascii_alphanumeric);
    let kind: String = kind.take(64).collect();
    if kind.is_empty() {
        "no reason".to_owned()
    } else {
        kind
    }
}

/// What it says, with what it says of single names.
fn detail(problem: &Problem) -> String {
    let mut text = problem.detail.clone().unwrap_or_default();
    for part in &problem.subproblems {
        text.push_str("; ");
        text.push_str(&part.to_string());
    }
    plain(&text)
}

/// The problem of a name or an order, in one line.
pub(super) fn text(problem: &Problem) -> String {
    format!("{}: {}", kind(problem), detail(problem))
}

/// In one line without control characters, of bounded length.
fn plain(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> KeptAnswer {
        let mut headers = HeaderMap::new();
        if let Some(wish) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_str(wish).unwrap());
        }
        KeptAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn what_a_ca_wishes_reaches_the_library_in_seconds_and_never_longer_than_a_week() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_000);
        let wish_of = |text: &str| {
            let passed = accepted(&Method::POST, answer(200, Some(text), "{}"), now).unwrap();
            passed.headers().get(RETRY_AFTER).cloned()
        };
        assert_eq!(wish_of("Sun, 06 Nov 1994 08:49:37 GMT").unwrap(), "777");
        assert_eq!(wish_of("18446744073709551615").unwrap(), "604800");
        assert_eq!(wish_of("soon"), None, "it is not passed on as it came");
    }

    #[test]
    fn a_window_without_a_next_time_gets_one_and_other_answers_do_not() {
        let now = SystemTime::UNIX_EPOCH;
        let passed = accepted(&Method::GET, answer(200, None, "{}"), now).unwrap();
        assert_eq!(passed.headers()[RETRY_AFTER], "21600");
        let passed = accepted(&Method::POST, answer(200, None, "{}"), now).unwrap();
        assert!(passed.headers().get(RETRY_AFTER).is_none());
    }

    #[test]
    fn a_refusal_keeps_its_status_its_words_and_the_wish_through_the_library() {
        let now = SystemTime::UNIX_EPOCH;
        let limited = r#"{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too\nmany",
            "subproblems": [{"type": "x:y", "detail": "one",
            "identifier": {"type": "dns", "value": "xsp.test"}}]}"#;
        let error = accepted(&Method::POST, answer(429, Some("86400"), limited), now).unwrap_err();
        let error = CaError::from(Error::Other(Box::new(error)));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(86_400)));
        let said = error.to_string();
        for word in ["429", "rateLimited", "toomany", "xsp.test"] {
            assert!(said.contains(word), "{said}");
        }
        assert!(!error.is_away() && !error.is_refusal());
        // A balancer in front, which speaks HTML.
        let error = accepted(&Method::GET, answer(503, None, "<html>"), now).unwrap_err();
        assert!(error.is_away() && error.to_string().contains("503"));
        let gone = r#"{"type": "urn:ietf:params:acme:error:accountDoesNotExist"}"#;
        let error = accepted(&Method::POST, answer(400, None, gone), now).unwrap_err();
        assert!(error.is_refusal() && !error.is_away());
    }

    /// A CA that holds every account for deactivated.
    struct Closed;

    impl HttpClient for Closed {
        fn request(&self, request: Request<BodyWrapper<Bytes>>) -> Answering {
            let body = match request.uri().path() {
                "/dir" => {
                    r#"{"newNonce": "http://ca.test/nonce", "newAccount": "http://ca.test/account",
                        "newOrder": "http://ca.test/order"}"#
                }
                _ => r#"{"status": "deactivated"}"#,
            };
            let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
            let nonce = HeaderValue::from_static("one");
            response.headers_mut().insert("replay-nonce", nonce);
            Box::pin(async move { Ok(BytesResponse::from(response)) })
        }
    }

    #[tokio::test]
    async fn what_the_library_says_of_a_closed_account_is_known_for_that() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_der();
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(key);
        let url = "http://ca.test/account/1".to_owned();
        let account = instant_acme::Account::builder_with_http(Box::new(Closed))
            .from_parts(url, key, "http://ca.test/dir".to_owned())
            .await
            .unwrap();
        let error = account.update_contacts(&[]).await.unwrap_err();
        let error = CaError::from(error);
        assert!(matches!(error, CaError::AccountClosed), "{error}");
        assert!(error.is_refusal() && !error.is_away());
    }

    #[test]
    fn a_refused_nonce_is_left_to_the_library() {
        let body = format!("{{\"type\": \"{BAD_NONCE}\"}}");
        let passed = accepted(
            &Method::POST,
            answer(400, None, &body),
            SystemTime::UNIX_EPOCH,
        );
        assert_eq!(passed.unwrap().status(), StatusCode::BAD_REQUEST);
    }
}
