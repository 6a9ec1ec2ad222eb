//! Which account a partner is, and the secrets that prove us.

use crate::config;
use crate::config::WebexGrant;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::outbound::OutboundError;
use crate::outbound::webex::oauth;
use crate::outbound::webex::sha256;

/// What makes a keeper another one.
#[derive(Clone, PartialEq)]
pub(super) struct Identity {
    base_url: String,
    pub(super) client_id: String,
    client_secret: SecretRef,
    pub(super) grant: WebexGrant,
}

impl Identity {
    pub(super) fn of(partner: &config::WebexPartner) -> Self {
        Self {
            base_url: partner.base_url.clone(),
            client_id: partner.client_id.clone(),
            client_secret: partner.client_secret.clone(),
            grant: partner.grant.clone(),
        }
    }

    /// Reads the secrets, so that a start or reload tells at once which is missing.
    pub(super) fn prove(&self) -> Result<(), OutboundError> {
        self.secrets().map(drop)
    }

    pub(super) fn secrets(&self) -> Result<Secrets, OutboundError> {
        let optional = |key, held: &Option<SecretRef>| {
            let held = held.as_ref();
            held.map(|held| oauth::secret(key, held)).transpose()
        };
        let client = oauth::secret("client-secret", &self.client_secret)?;
        match &self.grant {
            WebexGrant::Integration { refresh_token } => {
                let first = oauth::secret("refresh-token", refresh_token)?;
                Ok(Secrets {
                    client,
                    began_with: sha256(first.expose()),
                    first: Some(first),
                    proof: None,
                })
            }
            WebexGrant::ServiceApp {
                application_id,
                target_org_id,
                refresh_token,
                application_token,
            } => {
                let first = optional("refresh-token", refresh_token)?;
                let app = format!("{application_id} {target_org_id}");
                let began_with = first.as_ref().map(|first| sha256(first.expose()));
                Ok(Secrets {
                    client,
                    began_with: began_with.unwrap_or_else(|| sha256(app.as_bytes())),
                    first,
                    proof: optional("application-token", application_token)?,
                })
            }
        }
    }
}

/// What proves us. Read anew for each refresh, so that new ones in the files are used without a
/// restart.
pub(super) struct Secrets {
    pub(super) client: Secret,
    /// The configured refresh token.
    pub(super) first: Option<Secret>,
    /// Names what was configured.
    pub(super) began_with: [u8; 32],
    /// Makes a service app's tokens.
    pub(super) proof: Option<Secret>,
}
