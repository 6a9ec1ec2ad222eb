//! Sends one call of a partner and reads the answer as far as all have it in common.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::config;
use crate::config::Environment;
use crate::config::WebexProxy;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::outbound::OutboundError;
use crate::outbound::web::KeptAnswer;
use crate::outbound::web::KeptClient;
use crate::outbound::web::KeptFailure;
use crate::outbound::web::KeptLimits;
use crate::outbound::web::Way;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::outbound::webex::api::failure;
use crate::outbound::webex::api::link;
use crate::outbound::webex::api::link::Cursor;
use crate::outbound::webex::api::request::Request;
use crate::outbound::webex::secret_value;
use crate::platform::clock;

/// The header with the name of a call, ours and theirs.
pub(super) const TRACKING: HeaderName = HeaderName::from_static("trackingid");

/// Bytes of an answer. A page of 100 subscribers has 100 KB, one of 1,000 enterprises 1 MB.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

const JSON: &str = "application/json;charset=utf-8";

/// The client of one partner.
pub struct PartnerClient {
    web: KeptClient,
    base: WebUrl,
}

/// An answer that says well.
#[derive(Debug)]
pub struct Reply {
    body: Bytes,
    /// Where the list goes on.
    pub next: Option<Cursor>,
    ours: TrackingId,
    theirs: Option<TrackingId>,
}

impl PartnerClient {
    /// A client of the configured partner. Reads the CA file and the proxy's credentials,
    /// blocking; called at start and reload only.
    ///
    /// # Errors
    /// One of them, or the URL, cannot be used.
    pub fn new(
        partner: &config::WebexPartner,
        environment: &Environment,
    ) -> Result<Self, OutboundError> {
        let base = WebUrl::parse_or_loopback(&partner.base_url).map_err(|fault| {
            OutboundError::WebUrl {
                key: "base-url",
                url: partner.base_url.clone(),
                fault,
            }
        })?;
        let credentials = match &partner.proxy {
            WebexProxy::Through {
                credentials: Some(held),
                url: _,
            } => Some(
                held.read_from(environment)
                    .map_err(|fault| OutboundError::Secret {
                        key: "proxy-credentials",
                        fault,
                    })?,
            ),
            WebexProxy::Through { .. } | WebexProxy::Environment | WebexProxy::None => None,
        };
        let way = match &partner.proxy {
            WebexProxy::Environment => Way::Environment(environment),
            WebexProxy::None => Way::Direct,
            WebexProxy::Through {
                url,
                credentials: _,
            } => Way::Proxy {
                url,
                credentials: credentials.as_ref(),
            },
        };
        let limits = KeptLimits {
            connect: partner.connect_timeout,
            answer: partner.answer_timeout,
            total: partner.total_timeout,
        };
        let web = KeptClient::new(partner.ca.as_deref(), way, limits, partner.in_flight)?;
        Ok(Self { web, base })
    }

    /// The URL of a path below the base.
    pub(in crate::outbound::webex) fn url(&self, path: &str) -> Option<WebUrl> {
        self.base.below(path).ok()
    }

    /// Sends something else to the same service.
    pub(in crate::outbound::webex) async fn exchange(
        &self,
        request: &WebRequest<'_>,
    ) -> Result<KeptAnswer, KeptFailure> {
        self.web.send(request).await
    }

    /// Makes a call, or gets the page of its list at `cursor`.
    ///
    /// # Errors
    /// Webex refused, did not answer, or answered something that cannot be read.
    pub async fn call(
        &self,
        request: &Request,
        cursor: Option<&Cursor>,
        token: &str,
        ours: &TrackingId,
    ) -> Result<Reply, CallFailure> {
        let unsendable = |why: &dyn std::fmt::Display| CallFailure {
            kind: FailureKind::NotSent,
            code: None,
            text: failure::tame(&why.to_string()),
            ours: Some(ours.clone()),
            theirs: None,
            retry_after: None,
        };
        let url = match cursor {
            Some(Cursor(url)) => url.clone(),
            None => self
                .base
                .below(&request.target)
                .map_err(|fault| unsendable(&fault))?,
        };
        let headers = headers(request, token, ours).map_err(|fault| unsendable(&fault))?;
        let body = request.body.clone().map(Bytes::from).unwrap_or_default();
        let sent = WebRequest {
            method: request.operation.method(),
            url: &url,
            headers,
            body,
            answer_bytes: ANSWER_BYTES,
        };
        let answer = self.web.send(&sent).await;
        let answer = answer.map_err(|lost| failure::unanswered(&lost, ours))?;
        self.judged(answer, ours)
    }

    fn judged(&self, answer: KeptAnswer, ours: &TrackingId) -> Result<Reply, CallFailure> {
        let KeptAnswer {
            status,
            headers,
            body,
        } = answer;
        if !status.is_success() {
            let now = clock::wall();
            return Err(failure::refused(status, &headers, &body, ours, now));
        }
        let theirs = failure::tracking(&headers);
        match link::next(&headers, &self.base) {
            Ok(next) => Ok(Reply {
                body,
                next,
                ours: ours.clone(),
                theirs,
            }),
            Err(fault) => Err(failure::unreadable(&fault, ours, theirs)),
        }
    }
}

impl Reply {
    /// Webex's name of the call.
    #[must_use]
    pub const fn theirs(&self) -> Option<&TrackingId> {
        self.theirs.as_ref()
    }

    /// Reads its body.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, CallFailure> {
        serde_json::from_slice(&self.body).map_err(|fault| self.unreadable(&fault))
    }

    pub(super) fn unreadable(&self, why: &dyn std::fmt::Display) -> CallFailure {
        failure::unreadable(why, &self.ours, self.theirs.clone())
    }
}

fn headers(
    request: &Request,
    token: &str,
    ours: &TrackingId,
) -> Result<HeaderMap, http::header::InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, secret_value("Bearer", token)?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(TRACKING, HeaderValue::from_str(ours.as_str())?);
    if request.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    Ok(headers)
}
