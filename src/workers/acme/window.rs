//! When the CA wants a certificate renewed (RFC 9773).

use instant_acme::CertificateIdentifier;
use tracing::info;

use crate::config::Acme;
use crate::domain::certs::renewal::RenewalInput;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::workers::acme::AcmeGround;
use crate::workers::acme::Failure;
use crate::workers::acme::Keeper;
use crate::workers::acme::other;
use crate::workers::acme::transport::CaError;

impl Keeper {
    pub(super) async fn ask_window(&mut self, ground: &AcmeGround, acme: &Acme) {
        let input = match self.window(ground, acme).await {
            Ok(input) => input,
            Err(problem) => {
                tracing::debug!(acme = acme.name, %problem, "The CA suggests no time of renewal.");
                RenewalInput::WindowUnknown
            }
        };
        self.renewal.handle(input, clock::now());
    }

    async fn window(&self, ground: &AcmeGround, acme: &Acme) -> Result<RenewalInput, Failure> {
        let id = self
            .identifier()
            .ok_or_else(|| other("what is in use names no issuer's key"))?;
        let account = self.kept_account(ground, acme).await?;
        let account = account.ok_or_else(|| other("there is no account yet"))?;
        let asked = Box::pin(account.renewal_info(&id)).await;
        let (info, ask_again) = asked.map_err(CaError::from)?;
        if let Some(url) = &info.explanation_url {
            info!(
                acme = acme.name,
                url = %url.escape_debug(),
                "The CA explains its time of renewal."
            );
        }
        Ok(RenewalInput::Window {
            start: info.suggested_window.start.into(),
            end: info.suggested_window.end.into(),
            ask_again,
        })
    }

    /// How the CA names the certificate in use: key identifier of the issuer and serial number.
    pub(super) fn identifier(&self) -> Option<CertificateIdentifier<'static>> {
        CertificateIdentifier::try_from(self.leaf.as_ref()?).ok()
    }
}
