//! `PagerDuty`, Events API v2: an incident per alarm, acknowledged and resolved with it.

use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use serde_json::Value;
use serde_json::json;

use crate::config;
use crate::config::Environment;
use crate::config::secret::Secret;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::post::Poster;
use crate::outbound::alerts::text;
use crate::outbound::web::WebUrl;
use crate::platform::clock;

/// Longest `dedup_key` and `summary`, in characters (Events API v2, "Send an Alert Event").
const DEDUP_KEY: usize = 255;
const SUMMARY: usize = 1_024;

/// Characters of a key that is too long before the digest of the whole.
const KEPT: usize = 200;

pub(super) struct PagerDuty {
    poster: Poster,
    url: WebUrl,
    routing_key: Secret,
}

impl PagerDuty {
    pub(super) fn new(
        sink: &config::PagerDutySink,
        environment: &Environment,
        limit: std::time::Duration,
    ) -> Result<Self, SetupFault> {
        let routing_key = secret(&sink.routing_key, environment)?;
        if std::str::from_utf8(routing_key.expose()).is_err() {
            return Err(SetupFault::Header);
        }
        Ok(Self {
            poster: Poster::new(&sink.web, environment, limit)?.hiding(&routing_key),
            url: WebUrl::parse_or_loopback(&sink.url)?,
            routing_key,
        })
    }

    async fn post(&self, notice: &Notice) -> Result<(), SinkError> {
        let key = String::from_utf8_lossy(self.routing_key.expose());
        let body = Bytes::from(event(&key, notice).to_string());
        let now = clock::wall();
        self.poster
            .post(&self.url, HeaderMap::new(), body, now)
            .await
    }
}

impl Carrier for PagerDuty {
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.post(notice))
    }
}

fn event(routing_key: &str, notice: &Notice) -> Value {
    let action = match notice.kind {
        NoticeKind::Raised | NoticeKind::Stepped | NoticeKind::Reminded | NoticeKind::Test => {
            "trigger"
        }
        NoticeKind::Acknowledged => "acknowledge",
        NoticeKind::Cleared => "resolve",
    };
    let key = match notice.kind {
        // An incident of its own, which a person closes who has seen it.
        NoticeKind::Test => format!("xspd-test-{}-{}", notice.system, notice.identifier),
        NoticeKind::Raised
        | NoticeKind::Stepped
        | NoticeKind::Reminded
        | NoticeKind::Acknowledged
        | NoticeKind::Cleared => dedup_key(notice),
    };
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": characters(&key, DEDUP_KEY),
    });
    if let ("trigger", Value::Object(event)) = (action, &mut event) {
        event.insert("payload".to_owned(), payload(notice));
        event.insert("client".to_owned(), json!("xspd"));
    }
    event
}

fn payload(notice: &Notice) -> Value {
    let summary = format!("{}: {}", text::headline(notice), notice.text);
    let details: serde_json::Map<String, Value> = text::facts(notice)
        .into_iter()
        .chain([("What to do".to_owned(), notice.action.clone())])
        .map(|(label, value)| (label, Value::String(value)))
        .collect();
    let source = match notice.system.is_empty() {
        true => "xspd",
        false => notice.system.as_str(),
    };
    json!({
        "summary": characters(&summary, SUMMARY),
        "source": source,
        "severity": notice.severity.pagerduty(),
        "timestamp": text::rfc3339(notice.at),
        "component": notice.key.object.as_str(),
        "class": notice.key.name.word(),
        "custom_details": details,
    })
}

/// The node and the key of the alarm: the same alarm of two nodes are two incidents. One that is too
/// long keeps its beginning and is told apart by a digest.
fn dedup_key(notice: &Notice) -> String {
    let text = format!("{}/{}", notice.system, notice.key);
    if text.chars().count() <= DEDUP_KEY {
        return text;
    }
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let tail: String = digest
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}…{tail}", characters(&text, KEPT))
}

fn characters(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
