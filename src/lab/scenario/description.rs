//! What is where in a running lab: the content of `lab.json`, for people's scripts and for tests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::ports::Addresses;
use super::world::World;
use crate::lab::pki::Client;
use crate::lab::pki::Pair;
use crate::lab::pki::Pki;
use crate::lab::webex::IDP_PROXY_PATH;

/// A user of the lab BroadWorks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    /// BroadWorks user id.
    pub user_id: String,
    /// Web portal password; absent once somebody changed it, for only its hash is kept.
    pub password: Option<String>,
    /// Alternate user id.
    pub alternate_id: Option<String>,
    /// Service provider or enterprise.
    pub service_provider: String,
    /// Group.
    pub group: String,
    /// Extension.
    pub extension: Option<String>,
    /// Directory number.
    pub number: Option<String>,
}

/// An administrator of the lab BroadWorks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Administrator {
    /// BroadWorks user id.
    pub user_id: String,
    /// Password.
    pub password: String,
}

/// All of `lab.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Description {
    /// PEM file with the root that the server certificates end at.
    pub ca: PathBuf,
    /// PEM file with the CA certificates that the mTLS listener trusts.
    pub trust_file: PathBuf,
    /// Where everything answers, by name: URLs, and host and port for CTI and OCI-P.
    pub endpoints: BTreeMap<&'static str, String>,
    /// Certificates to call the mTLS listener with, by what is right or wrong with them.
    pub client_certificates: BTreeMap<&'static str, Pair>,
    /// Users; the examples use the first whose password is known.
    pub users: Vec<User>,
    /// The system administrator.
    pub administrator: Administrator,
    /// The administrator as whom programs log in over OCI-P.
    pub ocip_administrator: Administrator,
    /// The daemon's configuration.
    pub config: PathBuf,
    /// Process id of the lab: SIGHUP reloads, SIGTERM ends it.
    pub pid: u32,
}

/// Names of the endpoints.
pub(super) const XSI: &str = "xsi";
pub(super) const AUTH_MTLS: &str = "authservice-mtls";
pub(super) const ADMIN: &str = "admin";
pub(super) const AUTHSERVICE: &str = "authservice";
pub(super) const BROADWORKS_XSI: &str = "broadworks-xsi";
pub(super) const BROADWORKS_OCIP: &str = "broadworks-ocip";
pub(super) const BROADWORKS_XSI_2: &str = "broadworks-xsi-2";
pub(super) const BROADWORKS_LAB: &str = "broadworks-lab";
pub(super) const CTI: &str = "cti";
pub(super) const BROADWORKS_CTI: &str = "broadworks-cti";
pub(super) const BROADWORKS_OCIR: &str = "broadworks-ocir";
pub(super) const PROVISIONING: &str = "provisioning";
pub(super) const WEBEX_API: &str = "webex-api";
pub(super) const WEBEX_CI: &str = "webex-ci";
pub(super) const WEBEX_IDP_PROXY: &str = "webex-idp-proxy";

impl Description {
    pub(super) fn new(pki: &Pki, addresses: &Addresses, world: World, config: PathBuf) -> Self {
        let Addresses {
            xsi,
            auth_mtls,
            admin,
            broadworks_xsi,
            broadworks_ocip,
            webex_ci,
            broadworks_xsi_2,
            broadworks_lab,
            cti,
            broadworks_cti,
            broadworks_ocir,
            provisioning,
            webex_api,
        } = addresses;
        let webex = format!("https://localhost:{}", webex_ci.port());
        // By name where a certificate is checked. `localhost` is the one name that every client
        // on every system finds.
        let endpoints = [
            (XSI, format!("https://localhost:{}", xsi.port())),
            // The same listener, for callers with a CI token.
            (AUTHSERVICE, format!("https://localhost:{}", xsi.port())),
            (AUTH_MTLS, format!("https://localhost:{}", auth_mtls.port())),
            (ADMIN, format!("http://{admin}")),
            (BROADWORKS_XSI, format!("http://{broadworks_xsi}")),
            (BROADWORKS_XSI_2, format!("http://{broadworks_xsi_2}")),
            (BROADWORKS_LAB, format!("http://{broadworks_lab}")),
            (CTI, format!("localhost:{}", cti.port())),
            (
                BROADWORKS_CTI,
                format!("localhost:{}", broadworks_cti.port()),
            ),
            (BROADWORKS_OCIP, broadworks_ocip.to_string()),
            (BROADWORKS_OCIR, broadworks_ocir.to_string()),
            (
                PROVISIONING,
                format!("https://localhost:{}", provisioning.port()),
            ),
            (WEBEX_API, format!("https://localhost:{}", webex_api.port())),
            (WEBEX_IDP_PROXY, format!("{webex}{IDP_PROXY_PATH}")),
            (WEBEX_CI, webex),
        ];
        let shown = Client::ALL.into_iter().filter(|client| match client {
            Client::Good
            | Client::Expired
            | Client::WrongName
            | Client::NoEku
            | Client::ServerAuthOnly
            | Client::UnknownCa
            | Client::LeafOnly => true,
            // For measurements; it shows a person nothing that `good` does not.
            Client::Rsa => false,
        });
        Self {
            ca: pki.ca(),
            trust_file: pki.trust_file().to_owned(),
            endpoints: endpoints.into(),
            client_certificates: shown
                .map(|client| (client.as_str(), pki.client(client)))
                .collect(),
            users: world.users,
            administrator: world.administrator,
            ocip_administrator: world.ocip_administrator,
            config,
            pid: std::process::id(),
        }
    }

    /// As JSON.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "paths are UTF-8, the one way in which this could fail"
    )]
    pub fn document(&self) -> serde_json::Value {
        serde_json::to_value(self)
            .expect("keys are text, and StateDir::claim lets only UTF-8 paths in")
    }
}
