//! Active health checks: one request on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::Request;
use http::Uri;
use http::header::CONNECTION;
use http::header::HOST;
use http::header::USER_AGENT;
use tokio::time::timeout;

use crate::config;
use crate::domain::upstream::Failure;
use crate::domain::upstream::health::Input;
use crate::domain::upstream::health::Rules;
use crate::outbound::OutboundError;
use crate::outbound::SendFailure;
use crate::outbound::Upstream;
use crate::outbound::connection::Answer;
use crate::outbound::connection::Broken;
use crate::outbound::connection::Connection;
use crate::outbound::error::Causes;
use crate::outbound::request::RequestBody;

/// The request of an active check.
pub(super) struct Check {
    target: Uri,
    host: HeaderValue,
    timeout: Duration,
    pub(super) rules: Rules,
}

impl Check {
    pub(super) fn build(pool: &config::Pool, host: HeaderValue) -> Result<Self, OutboundError> {
        let target = pool
            .health
            .path
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.authority().is_none() && uri.path().starts_with('/'))
            .ok_or_else(|| OutboundError::CheckPath {
                pool: pool.name.clone(),
                path: pool.health.path.clone(),
            })?;
        Ok(Self {
            target,
            host,
            timeout: pool.health.timeout,
            rules: Rules {
                interval: pool.health.interval,
                rise: pool.health.rise,
                fall: pool.health.fall,
                ejection_failures: pool.ejection.failures,
                ejection_time: pool.ejection.time,
                patience: pool.health.timeout * 2 + pool.health.interval,
            },
        })
    }

    fn request(&self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::Empty);
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        let agent = concat!("xspd/", env!("CARGO_PKG_VERSION"), " (health check)");
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        request
    }
}

impl Upstream {
    /// Runs one active check on a connection of its own. Any status below 500 is a sign of life:
    /// a check without credentials gets 401, 403 or 404 from a healthy XSP.
    pub async fn check(&self) -> Input {
        let outcome = timeout(self.check.timeout, self.ask())
            .await
            .unwrap_or_else(|_elapsed| {
                let detail = format!("no answer within {:?}", self.check.timeout);
                Err((Failure::ResponseTimeout, detail))
            });
        match outcome {
            Ok(()) => Input::CheckPassed,
            Err((failure, detail)) => {
                self.series.failed(failure, &detail);
                self.remember(detail);
                Input::CheckFailed(failure)
            }
        }
    }

    async fn ask(&self) -> Result<(), (Failure, String)> {
        // Every failure of a connection names one; only an empty pool does not.
        let plain = |(failure, detail): (SendFailure, String)| {
            (failure.failure().unwrap_or(Failure::ConnectFailed), detail)
        };
        let stream = self.target.connect().await.map_err(|error| {
            let detail = Causes(&error).to_string();
            plain((error.of(Arc::clone(self.name())), detail))
        })?;
        let mut connection = Connection::open(stream, Arc::clone(&self.series))
            .await
            .map_err(|error| (Failure::ConnectFailed, Causes(&error).to_string()))?;
        let exchange =
            connection.exchange(self.check.request(), None, self.check.timeout, Answer::Ends);
        match exchange.await {
            Ok(response) if response.status().is_server_error() => {
                let detail = format!("the health check was answered with {}", response.status());
                Err((Failure::ServerError, detail))
            }
            Ok(_) => Ok(()),
            Err(Broken::Unsent(_)) => Err((
                Failure::ClosedBeforeAnswer,
                "the connection was closed at once".to_owned(),
            )),
            Err(Broken::Sent(breach)) => {
                let failure = breach.of(Arc::clone(self.name()));
                Err(plain((failure, breach.detail)))
            }
        }
    }
}
