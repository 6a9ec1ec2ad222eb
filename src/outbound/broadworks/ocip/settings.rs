//! What the configuration says of the Application Server, in the form in which it is used.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use zeroize::Zeroizing;

use crate::config::ApplicationServer;
use crate::config::ApplicationServerTls;
use crate::config::OcipLogin;
use crate::config::UpstreamTls;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::domain::ocip::Request;
use crate::domain::ocip::RequestKind;
use crate::domain::ocip::request::Unsendable;
use crate::outbound::connect::Target;
use crate::outbound::connect::bare;
use crate::tls::client::ClientTlsError;
use crate::tls::client::client_config;

/// Why the Application Server cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum OcipSetupError {
    /// The list of addresses is empty.
    #[error("no address is configured")]
    NoAddress,
    /// The password cannot be read.
    #[error("the password cannot be used")]
    Password(#[source] SecretError),
    /// The password is no text.
    #[error("the password is not UTF-8; write it as text in one line")]
    PasswordEncoding,
    /// The user id or the password cannot be sent.
    #[error("user-id or password cannot be sent")]
    Unsendable(#[source] Unsendable),
    /// The name for TLS is neither a host name nor an address.
    #[error("{0:?} is no server name; set server-name to a host name or an address")]
    ServerName(String),
    /// The CA file cannot be used.
    #[error("no TLS")]
    Tls(#[source] ClientTlsError),
}

/// Which logins are tried, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginOrder {
    Digest,
    Password,
    PasswordThenDigest,
}

/// The times of what goes on by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// How often idle connections are looked at.
    pub(super) tick: Duration,
    /// How long an address that failed is tried after the others.
    pub(super) avoided: Duration,
    /// Idle time after which a connection is closed by us.
    pub(super) idle: Duration,
}

impl Rhythm {
    const USUAL: Self = Self {
        tick: Duration::from_secs(15),
        avoided: Duration::from_secs(60),
        idle: Duration::from_secs(600),
    };
}

/// One address of the cluster.
pub(super) struct Address {
    pub(super) name: String,
    pub(super) target: Target,
}

/// Everything that does not change while it runs.
pub(super) struct Settings {
    /// In order of preference; never empty.
    pub(super) addresses: Vec<Address>,
    pub(super) user_id: String,
    pub(super) password: Zeroizing<String>,
    pub(super) login: LoginOrder,
    pub(super) response_timeout: Duration,
    pub(super) per_second: f64,
    pub(super) burst: u32,
    pub(super) rhythm: Rhythm,
}

impl Settings {
    /// Reads the CA file and the password, blocking.
    pub(super) fn try_new(config: &ApplicationServer) -> Result<Self, OcipSetupError> {
        let password = config.password.read().map_err(OcipSetupError::Password)?;
        let password = line(&password).ok_or(OcipSetupError::PasswordEncoding)?;
        let login = [
            ("userId", config.user_id.as_str()),
            ("password", password.as_str()),
        ];
        Request::new(RequestKind::LoginPassword, &login).map_err(OcipSetupError::Unsendable)?;
        let addresses = config.addresses.iter().map(|(host, port)| {
            let tls = config
                .tls
                .as_ref()
                .map(|tls| tls_to(tls, host))
                .transpose()?;
            Ok(Address {
                name: format!("{host}:{port}"),
                target: Target::new(host, *port, tls, config.connect_timeout),
            })
        });
        let addresses = addresses.collect::<Result<Vec<_>, OcipSetupError>>()?;
        if addresses.is_empty() {
            return Err(OcipSetupError::NoAddress);
        }
        Ok(Self {
            addresses,
            user_id: config.user_id.clone(),
            password,
            login: match (config.login, &config.tls) {
                (OcipLogin::Auto, Some(_)) => LoginOrder::PasswordThenDigest,
                (OcipLogin::Auto, None) | (OcipLogin::Digest, _) => LoginOrder::Digest,
                (OcipLogin::Password, _) => LoginOrder::Password,
            },
            response_timeout: config.response_timeout,
            per_second: config.requests_per_second,
            burst: config.burst,
            rhythm: Rhythm::USUAL,
        })
    }
}

/// The password without the line end that editors leave in a file.
fn line(secret: &Secret) -> Option<Zeroizing<String>> {
    let bytes = secret.expose();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok()?;
    Some(Zeroizing::new(text.to_owned()))
}

/// TLS towards an Application Server.
pub(in crate::outbound) fn tls_to(
    tls: &ApplicationServerTls,
    host: &str,
) -> Result<(Arc<ClientConfig>, ServerName<'static>), OcipSetupError> {
    let name = tls.server_name.as_deref().unwrap_or_else(|| bare(host));
    let server_name = ServerName::try_from(name.to_owned())
        .map_err(|_| OcipSetupError::ServerName(name.to_owned()))?;
    let config = client_config(&UpstreamTls {
        ca: Some(tls.ca.clone()),
        pins: Vec::new(),
        server_name: name.to_owned(),
        client_certificate: None,
    })
    .map_err(OcipSetupError::Tls)?;
    let mut config = (*config).clone();
    // Neither OCI-P nor OCI-R has a name among application protocols.
    config.alpn_protocols.clear();
    Ok((Arc::new(config), server_name))
}
