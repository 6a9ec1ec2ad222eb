//! The daemon's secrets in the lab, each in a file of its own, as an operator would lay them.

use std::path::Path;
use std::path::PathBuf;

use super::ScenarioError;
use super::world::World;
use crate::lab::webex::CLIENT_SECRET;
use crate::lab::webex::REFRESH_TOKEN;
use crate::lab::webex::api;
use crate::platform::files;

/// Below the lab's state directory.
const DIRECTORY: &str = "secrets";

/// Where they lie.
#[derive(Debug)]
pub(super) struct Secrets {
    /// Password of the administrator.
    pub(super) administrator_password: PathBuf,
    /// Password of the OCI-P administrator.
    pub(super) ocip_password: PathBuf,
    /// `clientSecret` of the AuthService at Common Identity.
    pub(super) client_secret: PathBuf,
    /// `refreshToken` of the same.
    pub(super) refresh_token: PathBuf,
    /// What an operator shows to revoke tokens.
    pub(super) operator_token: PathBuf,
    /// `clientSecret` of the partner's integration at Webex.
    pub(super) partner_client_secret: PathBuf,
    /// `refreshToken` of the same.
    pub(super) partner_refresh_token: PathBuf,
    /// What the Application Server shows to the adapter.
    pub(super) adapter_password: PathBuf,
}

/// The operator's token, the same in every lab.
pub(super) const OPERATOR_TOKEN: &str = "0perator-0f-the-lab";

impl Secrets {
    /// Their places below a state directory.
    pub(super) fn below(state_dir: &Path) -> Self {
        let directory = state_dir.join(DIRECTORY);
        Self {
            administrator_password: directory.join("administrator-password"),
            ocip_password: directory.join("ocip-password"),
            client_secret: directory.join("client-secret"),
            refresh_token: directory.join("refresh-token"),
            operator_token: directory.join("operator-token"),
            partner_client_secret: directory.join("partner-client-secret"),
            partner_refresh_token: directory.join("partner-refresh-token"),
            adapter_password: directory.join("adapter-password"),
        }
    }

    /// Writes them, readable by their owner only.
    pub(super) fn write(&self, state_dir: &Path, world: &World) -> Result<(), ScenarioError> {
        let directory = state_dir.join(DIRECTORY);
        files::create_private_dir(&directory)
            .map_err(|source| ScenarioError::file(&directory, source))?;
        for (path, secret) in [
            (
                &self.administrator_password,
                world.administrator.password.as_str(),
            ),
            (
                &self.ocip_password,
                world.ocip_administrator.password.as_str(),
            ),
            (&self.client_secret, CLIENT_SECRET),
            (&self.refresh_token, REFRESH_TOKEN),
            (&self.operator_token, OPERATOR_TOKEN),
            (&self.partner_client_secret, api::CLIENT_SECRET),
            (&self.partner_refresh_token, api::REFRESH_TOKEN),
            (&self.adapter_password, api::BRIDGE_PASSWORD),
        ] {
            files::write_atomic(path, secret.as_bytes(), files::PRIVATE)
                .map_err(|source| ScenarioError::file(path, source))?;
        }
        Ok(())
    }
}
