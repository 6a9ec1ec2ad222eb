//! Webex partner accounts, as written.

use crate::config;
use crate::config::WebexAuth;
use crate::config::WebexGrant;
use crate::config::WebexProxy;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::secret::SecretRef;
use crate::config::write::number;
use crate::config::write::time;

pub(super) fn partner(partner: &config::WebexPartner) -> raw::WebexPartner {
    let config::WebexPartner {
        name,
        base_url,
        grant,
        client_id,
        client_secret,
        org_id,
        proxy,
        ca,
        connect_timeout,
        answer_timeout,
        total_timeout,
        in_flight,
        requests_per_second,
    } = partner;
    let (proxy, credentials) = match proxy {
        WebexProxy::Environment => (None, None),
        WebexProxy::None => (Some("none".to_owned()), None),
        WebexProxy::Through { url, credentials } => (Some(url.clone()), credentials.as_ref()),
    };
    let written = raw::WebexPartner {
        name: Some(name.clone()),
        base_url: Some(base_url.clone()),
        client_id: Some(client_id.clone()),
        client_secret: secret(Some(client_secret)),
        org_id: org_id.clone(),
        proxy,
        proxy_credentials: secret(credentials),
        ca: ca.as_ref().map(|path| path.display().to_string()),
        connect_timeout: time(*connect_timeout),
        answer_timeout: time(*answer_timeout),
        total_timeout: time(*total_timeout),
        in_flight: number(*in_flight),
        requests_per_second: Some(*requests_per_second),
        ..raw::WebexPartner::default()
    };
    match grant {
        WebexGrant::Integration { refresh_token } => raw::WebexPartner {
            auth: Some(WebexAuth::Integration),
            refresh_token: secret(Some(refresh_token)),
            ..written
        },
        WebexGrant::ServiceApp {
            application_id,
            target_org_id,
            refresh_token,
            application_token,
        } => raw::WebexPartner {
            auth: Some(WebexAuth::ServiceApp),
            application_id: Some(application_id.clone()),
            target_org_id: Some(target_org_id.clone()),
            refresh_token: secret(refresh_token.as_ref()),
            application_token: secret(application_token.as_ref()),
            ..written
        },
    }
}

fn secret(secret: Option<&SecretRef>) -> Option<SecretText> {
    secret.map(|secret| SecretText(secret.to_string()))
}
