//! Webex's provisioning bridge, to which calls of the Application Server are passed on untouched.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::config::Environment;
use crate::config::TemplateRelay;
use crate::config::secret::Secret;
use crate::outbound::OutboundError;
use crate::outbound::web::Limits;
use crate::outbound::web::NotAWebUrl;
use crate::outbound::web::Passed;
use crate::outbound::web::WebClient;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebUrl;

/// Largest answer that is passed back: as large as a call may be.
const ANSWER_BYTES: usize = 256 * 1024;

/// The way to the bridge of one template.
pub struct Bridge {
    client: WebClient,
    url: WebUrl,
    /// In place of what the Application Server showed.
    authorization: Option<HeaderValue>,
}

impl Bridge {
    /// Reads the CA file, blocking.
    ///
    /// # Errors
    /// The file or the URL cannot be used, or the environment names a proxy that cannot be.
    pub fn new(
        url: &str,
        relay: &TemplateRelay,
        credentials: Option<&(&str, Secret)>,
        environment: &Environment,
    ) -> Result<Self, OutboundError> {
        let limits = Limits {
            connect: relay.connect_timeout,
            total: relay.total_timeout,
        };
        let refused = |fault: NotAWebUrl| OutboundError::WebUrl {
            key: "bridge-url",
            url: url.to_owned(),
            fault,
        };
        Ok(Self {
            client: WebClient::new(relay.ca.as_deref().map(Path::new), environment, limits)?,
            url: WebUrl::parse(url).map_err(refused)?,
            authorization: credentials.and_then(|(account, password)| basic(account, password)),
        })
    }

    /// Passes a call on. `below` is what followed the template's own path, with its slash, and the
    /// query with its question mark.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn pass_on(
        &self,
        below: &str,
        mut passed: Passed,
    ) -> Result<Response<Bytes>, WebFailure> {
        if let Some(authorization) = &self.authorization {
            let headers = &mut passed.headers;
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let target = |fault: NotAWebUrl| WebFailure::Broken(Box::new(fault));
        let url = if below.is_empty() {
            self.url.clone()
        } else {
            self.url.below(below).map_err(target)?
        };
        self.client.pass_on(&url, passed, ANSWER_BYTES).await
    }
}

fn basic(account: &str, password: &Secret) -> Option<HeaderValue> {
    let mut text = Zeroizing::new(format!("{account}:").into_bytes());
    text.extend_from_slice(password.expose().trim_ascii_end());
    let encoded = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*text)));
    let mut value = HeaderValue::from_str(&encoded).ok()?;
    value.set_sensitive(true);
    Some(value)
}
