//! Alertmanager, API v2: an alert per alarm and severity, which burns until it is told to be over.

use std::time::Duration;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use http::HeaderValue;
use serde_json::Value;
use serde_json::json;
use tracing::warn;
use zeroize::Zeroizing;

use crate::config;
use crate::config::Environment;
use crate::config::secret::Secret;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Severity;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::post::Poster;
use crate::outbound::alerts::post::authorization;
use crate::outbound::alerts::post::authorized;
use crate::outbound::alerts::text;
use crate::outbound::web::WebUrl;
use crate::platform::clock;

/// A test goes out by itself.
const TEST: Duration = Duration::from_secs(300);

pub(super) struct Alertmanager {
    poster: Poster,
    /// One for each member of the cluster.
    urls: Vec<WebUrl>,
    authorization: Option<HeaderValue>,
    page: Option<String>,
    burns_for: Duration,
}

impl Alertmanager {
    pub(super) fn new(
        sink: &config::AlertmanagerSink,
        environment: &Environment,
        limit: Duration,
    ) -> Result<Self, SetupFault> {
        let mut poster = Poster::new(&sink.web, environment, limit)?;
        let authorization = match &sink.account {
            None => None,
            Some((user, password)) => {
                let password = secret(password, environment)?;
                poster = poster.hiding(&password);
                Some(basic(user, &password)?)
            }
        };
        let mut urls = Vec::with_capacity(sink.urls.len());
        for url in &sink.urls {
            urls.push(WebUrl::parse_anywhere(url)?.below("/api/v2/alerts")?);
        }
        Ok(Self {
            poster,
            urls,
            authorization,
            page: sink.generator_url.clone(),
            burns_for: sink.burns_for,
        })
    }

    /// Members tell each other, so one that takes it is enough; one that does not is logged.
    async fn post(&self, notice: &Notice) -> Result<(), SinkError> {
        let now = clock::wall();
        let alerts = self.alerts(notice, now);
        let body = Bytes::from(Value::Array(alerts).to_string());
        let posts = self.urls.iter().map(|url| {
            let headers = authorized(self.authorization.as_ref());
            self.poster.post(url, headers, body.clone(), now)
        });
        let outcomes = join_all(posts).await;
        let taken = outcomes.iter().any(Result::is_ok);
        let mut worst = None;
        for error in outcomes.into_iter().filter_map(Result::err) {
            if taken {
                warn!(%error, "A member of the Alertmanager cluster did not take an alert.");
            }
            worst = Some(error);
        }
        match worst {
            Some(error) if !taken => Err(error),
            Some(_) | None => Ok(()),
        }
    }

    /// The severity is a label, because people route by it, and so a part of the identity: with a
    /// step the alerts of the other severities are over.
    fn alerts(&self, notice: &Notice, now: SystemTime) -> Vec<Value> {
        let ends = match notice.kind {
            NoticeKind::Cleared => notice.at.max(notice.since),
            NoticeKind::Test => now + TEST,
            NoticeKind::Raised
            | NoticeKind::Stepped
            | NoticeKind::Reminded
            | NoticeKind::Acknowledged => now + self.burns_for,
        };
        let mut alerts = vec![self.alert(notice, notice.severity, ends)];
        if notice.kind == NoticeKind::Stepped {
            let others = Severity::ALL.into_iter();
            let others = others.filter(|severity| *severity != notice.severity);
            alerts
                .extend(others.map(|other| self.alert(notice, other, notice.at.max(notice.since))));
        }
        alerts
    }

    fn alert(&self, notice: &Notice, severity: Severity, ends: SystemTime) -> Value {
        let name = match notice.kind {
            NoticeKind::Test => "xspdTest",
            NoticeKind::Raised
            | NoticeKind::Stepped
            | NoticeKind::Reminded
            | NoticeKind::Acknowledged
            | NoticeKind::Cleared => notice.key.name.word(),
        };
        let mut alert = json!({
            "labels": {
                "alertname": name,
                "object": notice.key.object.as_str(),
                "severity": severity.word(),
                "system": notice.system,
                "service": "xspd",
            },
            "annotations": {
                "summary": notice.text,
                "description": notice.action,
                "command": text::commands(notice).join("; "),
                "state": notice.kind.word(),
                "identifier": notice.identifier.to_string(),
                "count": notice.count.to_string(),
                "rule": notice.rule,
            },
            "startsAt": text::rfc3339(notice.since),
            "endsAt": text::rfc3339(ends),
        });
        if let (Some(page), Value::Object(alert)) = (&self.page, &mut alert) {
            alert.insert("generatorURL".to_owned(), json!(page));
        }
        alert
    }
}

impl Carrier for Alertmanager {
    fn fades(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.post(notice))
    }
}

fn basic(user: &str, password: &Secret) -> Result<HeaderValue, SetupFault> {
    let mut plain = Zeroizing::new(format!("{user}:").into_bytes());
    plain.extend_from_slice(password.expose());
    let encoded = Zeroizing::new(STANDARD.encode(&*plain));
    authorization("Basic", encoded.as_bytes())
}
