//! A client of one CA (RFC 8555): signed requests with fresh nonces, and the few documents that an
//! order needs. Everything that a CA sends is bounded and checked before it is used.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::header::LOCATION;
use http::header::RETRY_AFTER;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::config::Acme;
use crate::config::Environment;
use crate::outbound::OutboundError;
use crate::outbound::web::KeptAnswer;
use crate::outbound::web::KeptClient;
use crate::outbound::web::KeptFailure;
use crate::outbound::web::KeptLimits;
use crate::outbound::web::NotAWebUrl;
use crate::outbound::web::Way;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::workers::acme::documents::Authorization;
use crate::workers::acme::documents::Challenge;
use crate::workers::acme::documents::Directory;
use crate::workers::acme::documents::LONGEST_TEXT;
use crate::workers::acme::documents::Order;
use crate::workers::acme::documents::Problem;
use crate::workers::acme::documents::RenewalInfo;
use crate::workers::acme::jws;
use crate::workers::acme::jws::AccountKey;
use crate::workers::acme::jws::BadKey;
use crate::workers::acme::jws::Signer;

/// Largest answer: a chain of ten certificates has 40 KB.
const MOST: usize = 512 * 1024;

/// Boulder takes seconds to finalize.
const LIMITS: KeptLimits = KeptLimits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(60),
    total: Duration::from_secs(90),
};

/// How often a request is sent again because its nonce was refused: some CAs refuse half of them.
const NONCE_TRIES: usize = 10;

/// The type of refused nonces.
const BAD_NONCE: &str = "urn:ietf:params:acme:error:badNonce";

/// Why the CA did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The account's key.
    #[error("{0}")]
    Key(#[from] BadKey),
    /// No answer.
    #[error("it cannot be reached: {0}")]
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
    /// What it sent cannot be used.
    #[error("its answer has no {0}")]
    Missing(&'static str),
    /// An address that it sent.
    #[error("it named an address that cannot be used: {0}")]
    Url(#[from] NotAWebUrl),
}

/// An answer with where it is, and when to ask again.
pub(super) struct Answered<T> {
    pub(super) document: T,
    pub(super) location: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

/// The window that a CA suggests.
pub(super) struct Suggested {
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) ask_again: Option<Duration>,
    pub(super) explanation: Option<String>,
}

/// A CA.
pub(super) struct Client {
    web: Arc<KeptClient>,
    directory: Directory,
    nonce: Mutex<Option<String>>,
}

/// An account at a CA.
pub(super) struct Account {
    pub(super) client: Client,
    pub(super) url: String,
    pub(super) key: AccountKey,
}

/// Reads the CA file; blocking.
pub(super) fn web(acme: &Acme) -> Result<Arc<KeptClient>, OutboundError> {
    let environment = Environment::process();
    let way = Way::Environment(&environment);
    KeptClient::new(acme.ca.as_deref(), way, LIMITS, 1).map(Arc::new)
}

impl Client {
    /// Asks for the directory.
    pub(super) async fn open(web: Arc<KeptClient>, url: &str) -> Result<Self, CaError> {
        let answer = ask(&web, Method::GET, url, Bytes::new()).await?;
        let answer = accepted(answer)?;
        Ok(Self {
            directory: read(&answer.body, "directory")?,
            web,
            nonce: Mutex::default(),
        })
    }

    /// Makes an account, or finds the one of this key.
    pub(super) async fn register(
        self,
        key: AccountKey,
        contact: &[String],
        external: Option<(&str, &[u8])>,
    ) -> Result<Account, CaError> {
        let url = self.directory.new_account.clone();
        let mut payload = Map::new();
        payload.insert("termsOfServiceAgreed".to_owned(), true.into());
        payload.insert("contact".to_owned(), contact.into());
        if let Some((id, secret)) = external {
            let bound = jws::bind(&key, id, secret, &url);
            payload.insert("externalAccountBinding".to_owned(), bound);
        }
        let payload = Value::Object(payload);
        let answer = self.post(&key, Signer::Key, &url, Some(&payload)).await?;
        let account = location(&answer).ok_or(CaError::Missing("account address"))?;
        Ok(Account {
            client: self,
            url: account,
            key,
        })
    }

    /// Sends a signed request, again with another nonce while that is refused.
    async fn post(
        &self,
        key: &AccountKey,
        signer: Signer<'_>,
        url: &str,
        payload: Option<&Value>,
    ) -> Result<KeptAnswer, CaError> {
        let mut tries = 0;
        loop {
            let nonce = self.nonce().await?;
            let body = key.sign(signer, url, Some(&nonce), payload)?;
            let answer = ask(&self.web, Method::POST, url, body.to_string().into()).await?;
            self.keep_nonce(&answer);
            let refused = answer.status == StatusCode::BAD_REQUEST;
            if refused && problem(&answer).r#type == BAD_NONCE && tries < NONCE_TRIES {
                tries += 1;
                continue;
            }
            return accepted(answer);
        }
    }

    async fn nonce(&self) -> Result<String, CaError> {
        let kept = self.held().take();
        if let Some(nonce) = kept {
            return Ok(nonce);
        }
        let url = &self.directory.new_nonce;
        let answer = ask(&self.web, Method::HEAD, url, Bytes::new()).await?;
        nonce_of(&answer).ok_or(CaError::Missing("nonce"))
    }

    fn keep_nonce(&self, answer: &KeptAnswer) {
        *self.held() = nonce_of(answer);
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the CA wants a certificate renewed; `id` is its name by RFC 9773.
    pub(super) async fn window(&self, id: &str) -> Result<Suggested, CaError> {
        let base = self.directory.renewal_info.as_deref();
        let base = base.ok_or(CaError::Unsupported("a time of renewal (ARI)"))?;
        let url = format!("{}/{id}", base.trim_end_matches('/'));
        let answer = accepted(ask(&self.web, Method::GET, &url, Bytes::new()).await?)?;
        let info: RenewalInfo = read(&answer.body, "suggested window")?;
        Ok(Suggested {
            start: info.suggested_window.start.into(),
            end: info.suggested_window.end.into(),
            ask_again: retry_after(&answer.headers),
            explanation: info.explanation_url,
        })
    }

    /// Whether it knows certificates by the names of RFC 9773.
    pub(super) const fn knows_windows(&self) -> bool {
        self.directory.renewal_info.is_some()
    }
}

impl Account {
    async fn post<T: for<'a> Deserialize<'a>>(
        &self,
        url: &str,
        payload: Option<&Value>,
        what: &'static str,
    ) -> Result<Answered<T>, CaError> {
        let signer = Signer::Account(&self.url);
        let answer = self.client.post(&self.key, signer, url, payload).await?;
        Ok(Answered {
            location: location(&answer),
            retry_after: retry_after(&answer.headers),
            document: read(&answer.body, what)?,
        })
    }

    /// Orders.
    pub(super) async fn new_order(&self, payload: &Value) -> Result<Answered<Order>, CaError> {
        let url = self.client.directory.new_order.clone();
        self.post(&url, Some(payload), "order").await
    }

    /// How an order stands.
    pub(super) async fn order(&self, url: &str) -> Result<Answered<Order>, CaError> {
        self.post(url, None, "order").await
    }

    /// What is to be proven.
    pub(super) async fn authorization(&self, url: &str) -> Result<Authorization, CaError> {
        let answered = self.post(url, None, "authorization").await?;
        Ok(answered.document)
    }

    /// Tells the CA to look.
    pub(super) async fn ready(&self, challenge: &Challenge) -> Result<(), CaError> {
        let answered: Answered<Value> = self
            .post(&challenge.url, Some(&json!({})), "challenge")
            .await?;
        drop(answered);
        Ok(())
    }

    /// Hands the certificate request in.
    pub(super) async fn finalize(&self, url: &str, request: &[u8]) -> Result<(), CaError> {
        let payload = json!({"csr": jws::encoded(request)});
        let answered: Answered<Value> = self.post(url, Some(&payload), "order").await?;
        drop(answered);
        Ok(())
    }

    /// The chain, PEM.
    pub(super) async fn certificate(&self, url: &str) -> Result<String, CaError> {
        let signer = Signer::Account(&self.url);
        let answer = self.client.post(&self.key, signer, url, None).await?;
        String::from_utf8(answer.body.to_vec()).map_err(|_| CaError::Missing("certificate"))
    }

    /// Gives the account another key (section 7.3.5); `self` then signs with it.
    pub(super) async fn roll_key(&mut self, new: AccountKey) -> Result<(), CaError> {
        let url = self.client.directory.key_change.clone();
        let url = url.ok_or(CaError::Unsupported("a change of the account's key"))?;
        let payload = json!({"account": self.url, "oldKey": self.key.jwk()});
        let inner = new.sign(Signer::Key, &url, None, Some(&payload))?;
        let signer = Signer::Account(&self.url);
        let sent = self.client.post(&self.key, signer, &url, Some(&inner));
        sent.await?;
        self.key = new;
        Ok(())
    }
}

async fn ask(
    web: &KeptClient,
    method: Method,
    url: &str,
    body: Bytes,
) -> Result<KeptAnswer, CaError> {
    let url = WebUrl::parse_or_loopback(url)?;
    let mut headers = HeaderMap::new();
    if method == Method::POST {
        let jose = HeaderValue::from_static("application/jose+json");
        headers.insert(CONTENT_TYPE, jose);
    }
    let request = WebRequest {
        method,
        url: &url,
        headers,
        body,
        answer_bytes: MOST,
    };
    Ok(web.send(&request).await?)
}

fn accepted(answer: KeptAnswer) -> Result<KeptAnswer, CaError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let problem = problem(&answer);
    let plain = |c: &char| !c.is_control();
    let detail = problem.detail.chars().filter(plain).take(LONGEST_TEXT);
    Err(CaError::Refused {
        status: answer.status.as_u16(),
        kind: problem.kind(),
        detail: detail.collect(),
        retry_after: retry_after(&answer.headers),
    })
}

fn problem(answer: &KeptAnswer) -> Problem {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn read<T: for<'a> Deserialize<'a>>(body: &[u8], what: &'static str) -> Result<T, CaError> {
    serde_json::from_slice(body).map_err(|_| CaError::Missing(what))
}

fn header(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn location(answer: &KeptAnswer) -> Option<String> {
    header(&answer.headers, LOCATION).map(str::to_owned)
}

fn nonce_of(answer: &KeptAnswer) -> Option<String> {
    let nonce = header(&answer.headers, "replay-nonce")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    nonce.bytes().all(plain).then(|| nonce.to_owned())
}

/// Seconds; the form with a date is as rare as clocks that agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = header(headers, RETRY_AFTER)?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

impl CaError {
    /// How long the CA wants to be left alone.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Key(_)
            | Self::Lost(_)
            | Self::Missing(_)
            | Self::Unsupported(_)
            | Self::Url(_) => None,
        }
    }
}
