//! A signed POST with the notice as JSON, to whatever an operator has written.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use serde_json::Value;
use serde_json::json;

use crate::config;
use crate::config::Environment;
use crate::domain::alarms::Notice;
use crate::domain::certs::date;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::post::Poster;
use crate::outbound::alerts::post::authorized;
use crate::outbound::alerts::post::bearer;
use crate::outbound::alerts::text;
use crate::outbound::web::WebUrl;
use crate::outbound::webhook::SIGNATURE;
use crate::outbound::webhook::Signer;
use crate::platform::clock;

/// Form of the document; a receiver can tell when it changes.
const VERSION: u32 = 1;

pub(super) struct Webhook {
    poster: Poster,
    url: WebUrl,
    signer: Signer,
    bearer: Option<HeaderValue>,
}

impl Webhook {
    pub(super) fn new(
        sink: &config::WebhookSink,
        environment: &Environment,
        limit: std::time::Duration,
    ) -> Result<Self, SetupFault> {
        let key = secret(&sink.secret, environment)?;
        let token = match &sink.bearer {
            None => None,
            Some(token) => Some(secret(token, environment)?),
        };
        let mut poster = Poster::new(&sink.web, environment, limit)?.hiding(&key);
        if let Some(token) = &token {
            poster = poster.hiding(token);
        }
        Ok(Self {
            poster,
            url: WebUrl::parse_or_loopback(&sink.url)?,
            signer: Signer::new(key.expose()),
            bearer: token.as_ref().map(bearer).transpose()?,
        })
    }

    async fn post(&self, notice: &Notice) -> Result<(), SinkError> {
        let body = Bytes::from(document(notice).to_string());
        let now = clock::wall();
        let mut headers = authorized(self.bearer.as_ref());
        let signature = self.signer.header(date::to_unix(now), &body);
        let signature = HeaderValue::try_from(signature)
            .map_err(|error| SinkError::refused("broken", &error.to_string()))?;
        headers.insert(SIGNATURE, signature);
        self.poster.post(&self.url, headers, body, now).await
    }
}

impl Carrier for Webhook {
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.post(notice))
    }
}

/// The notice as README documents it.
fn document(notice: &Notice) -> Value {
    let details: Vec<Value> = text::details(notice)
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "version": VERSION,
        "identifier": notice.identifier,
        "state": notice.kind.word(),
        "alarm": notice.key.name.word(),
        "object": notice.key.object.as_str(),
        "key": notice.key.to_string(),
        "severity": notice.severity.word(),
        "at": text::rfc3339(notice.at),
        "since": text::rfc3339(notice.since),
        "count": notice.count,
        "system": notice.system,
        "text": notice.text,
        "action": notice.action,
        "commands": text::commands(notice),
        "step": notice.step,
        "rule": notice.rule,
        "ends": notice.ends.map(text::rfc3339),
        "details": details,
    })
}
