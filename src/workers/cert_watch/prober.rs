//! Asks a prober outside what our public URLs show there: `GET URL?target=…&module=…` of a Prometheus
//! blackbox exporter.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;

use crate::config;
use crate::config::Environment;
use crate::domain::certs::outside::Outside;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Seen;
use crate::domain::percent;
use crate::outbound::web::Limits;
use crate::outbound::web::WebClient;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;

/// Largest answer: some fifty metrics with their descriptions.
const MOST: usize = 256 * 1024;

/// What the way to the prober and back takes besides its handshake.
const WAY: Duration = Duration::from_secs(5);

/// Says how long a probe may take, as Prometheus does.
const TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// What a target shows outside; `patience` is for the prober's own handshake.
pub(super) async fn ask(
    prober: &config::Prober,
    target: &str,
    patience: Duration,
) -> Result<Seen, SourceFault> {
    let limits = Limits {
        connect: patience,
        total: patience + WAY,
    };
    // No file is read: the prober is believed by the public roots, or spoken to in clear.
    let web = WebClient::new(None, &Environment::process(), limits)
        .map_err(|_| SourceFault::ProberStrange)?;
    let url = format!(
        "{}?target={}&module={}",
        prober.url,
        encoded(target),
        encoded(&prober.module)
    );
    let url = WebUrl::parse_anywhere(&url).map_err(|_| SourceFault::ProberStrange)?;
    let mut headers = HeaderMap::new();
    // Half a second for its own work is taken off by the prober.
    let seconds = HeaderValue::from_str(&format!("{:.1}", (patience.as_secs_f64() + 0.5).max(1.0)));
    headers.extend(seconds.ok().map(|seconds| (TIMEOUT, seconds)));
    let request = WebRequest {
        method: Method::GET,
        url: &url,
        headers,
        body: Bytes::new(),
        answer_bytes: MOST,
    };
    let answer = web.call(request).await.map_err(|failure| fault(&failure))?;
    if answer.status != StatusCode::OK {
        return Err(SourceFault::ProberStrange);
    }
    let text = std::str::from_utf8(&answer.body).map_err(|_| SourceFault::ProberStrange)?;
    let seen = Outside::parse(text).ok_or(SourceFault::ProberStrange)?;
    match seen.ends() {
        // A page that answers 404 is no matter of certificates.
        Some(end) => Ok(Seen::Dates {
            start: None,
            end: Some(end),
        }),
        None if seen.success => Err(SourceFault::NoHandshake),
        None => Err(SourceFault::ProbeFailed),
    }
}

const fn fault(failure: &WebFailure) -> SourceFault {
    match failure {
        WebFailure::Connect(_) => SourceFault::ConnectionRefused,
        WebFailure::Timeout(_) => SourceFault::Timeout,
        _ => SourceFault::ProberStrange,
    }
}

/// As a value in a query (RFC 3986, section 2.3: what is unreserved stays).
fn encoded(text: &str) -> String {
    percent::encoded(text.as_bytes(), b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_one_value_of_the_query() {
        assert_eq!(
            encoded("https://a.test:8443/x?y&z"),
            "https%3A%2F%2Fa.test%3A8443%2Fx%3Fy%26z"
        );
    }

    #[tokio::test]
    async fn a_prober_that_is_not_there_is_said_to_be() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        let prober = config::Prober {
            url: format!("http://{address}/probe"),
            module: "http_2xx".to_owned(),
            targets: Vec::new(),
        };
        let asked = ask(&prober, "https://a.test/", Duration::from_secs(5)).await;
        assert_eq!(asked.unwrap_err().word(), "connection-refused");
    }
}
