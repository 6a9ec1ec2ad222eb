//! One attempt to get an access token.

use std::sync::Arc;

use crate::config::WebexGrant;
use crate::config::secret::Secret;
use crate::domain::auth::ci::grant::Grant;
use crate::domain::auth::ci::grant::GrantFault;
use crate::outbound::Causes;
use crate::outbound::OutboundError;
use crate::outbound::webex::oauth::Client;
use crate::outbound::webex::oauth::TokenFailure;
use crate::platform::clock;
use crate::telemetry::webex::WebexMetrics;
use crate::workers::webex_partners::identity::Secrets;
use crate::workers::webex_partners::record::Kept;
use crate::workers::webex_partners::record::Record;
use crate::workers::webex_partners::token::Inner;

impl Inner {
    /// A grant and what it began with.
    pub(super) async fn attempt(
        self: &Arc<Self>,
    ) -> Result<([u8; 32], Grant), (GrantFault, String)> {
        let reader = Arc::clone(self);
        let read = self.tasks.blocking(move || reader.read()).await;
        let (secrets, newest) = match read {
            Some(Ok(read)) => read,
            Some(Err(error)) => return Err((GrantFault::SecretUnreadable, error.to_string())),
            None => {
                let detail = "the reader failed".to_owned();
                return Err((GrantFault::SecretUnreadable, detail));
            }
        };
        let granted = self.grant(&secrets, newest).await;
        granted
            .map(|grant| (secrets.began_with, grant))
            .map_err(|failure| (failure.fault(), Causes(&failure).to_string()))
    }

    /// The secrets, and the newest refresh token that they lead to.
    fn read(&self) -> Result<(Secrets, Option<Secret>), OutboundError> {
        let secrets = self.identity.secrets()?;
        let held = {
            let facts = self.facts();
            let newest = facts.newest.as_ref();
            newest
                .filter(|(began_with, _)| *began_with == secrets.began_with)
                .map(|(_, kept)| kept.clone())
        };
        // Another one was configured since: there may be a record of it from before.
        let kept = held.unwrap_or_else(|| {
            let (record, metrics) = (&self.record, &self.metrics);
            read(record, &self.partner, secrets.began_with, metrics)
        });
        let newest = kept.token.map(|token| Secret::new(token.to_vec()));
        let newest = newest.or_else(|| secrets.first.clone());
        Ok((secrets, newest))
    }

    async fn grant(
        &self,
        secrets: &Secrets,
        newest: Option<Secret>,
    ) -> Result<Grant, TokenFailure> {
        let web = self.client.load_full();
        let client = Client {
            id: &self.identity.client_id,
            secret: &secrets.client,
        };
        let refused = match newest {
            None => None,
            Some(token) => match web.refresh(&client, token.expose()).await {
                Ok(grant) => return Ok(grant),
                Err(failure) if failure.fault() == GrantFault::InvalidGrant => Some(failure),
                Err(failure) => return Err(failure),
            },
        };
        match (&self.identity.grant, &secrets.proof) {
            (
                WebexGrant::ServiceApp {
                    application_id,
                    target_org_id,
                    ..
                },
                Some(proof),
            ) => {
                web.service_app(&client, application_id, target_org_id, proof)
                    .await
            }
            (WebexGrant::ServiceApp { .. } | WebexGrant::Integration { .. }, _) => {
                Err(refused.unwrap_or(TokenFailure::Secrets))
            }
        }
    }
}

/// What is kept of a token, or that it is seen for the first time now.
pub(super) fn read(
    record: &Record,
    partner: &str,
    began_with: [u8; 32],
    metrics: &WebexMetrics,
) -> Kept {
    let found = record.read(began_with).unwrap_or_else(|error| {
        metrics.record_unreadable(partner, record.path(), &error);
        None
    });
    found.unwrap_or_else(|| Kept {
        token: None,
        used: clock::wall(),
        ends: None,
    })
}
