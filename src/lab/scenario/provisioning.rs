//! Provisioning in the lab: customers whose users are given Integrated IM&P by the lab's Application
//! Server, a Webex that provisions them, and the daemon in between.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;

use super::edge::quoted;
use super::ports::Addresses;
use super::secrets::Secrets;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::LabError;
use crate::lab::broadworks::Prospect;
use crate::lab::pki::Pki;
use crate::lab::webex::WebexError;
use crate::lab::webex::api;
use crate::lab::webex::api::Api;
use crate::lab::webex::api::Directory;
use crate::lab::webex::api::Setup;
use crate::lab::webex::api::Template;

/// Minutes of Webex are seconds here: the first user of a customer takes four.
const SPEED: u32 = 60;

/// The cluster, as the configuration calls it.
const CLUSTER: &str = "lab";

/// What the lab's Webex is made of.
pub(super) fn webex(pki: &Pki) -> Setup {
    let server = pki.stand_in();
    Setup {
        speed: SPEED,
        ..Setup::new(server)
    }
}

/// The lab's Webex. One customer has an organisation there before, whose administrator has to let
/// the partner in. Blocks on the disk.
pub(super) fn open(setup: Setup, broadworks: &Arc<BroadWorks>) -> Result<Arc<Api>, WebexError> {
    let api = Api::open(Setup {
        broadworks: Some(Directory::from(Arc::clone(broadworks))),
        ..setup
    })?;
    let organization = json!({
        "name": "Globex",
        "emails": [Prospect::Conflicting.email()],
        "users": 500,
    });
    api.control("POST", "/lab/organizations", &organization);
    Ok(api)
}

/// The template whose URL a customer's users are provisioned at.
fn template(prospect: Prospect) -> Template {
    match prospect {
        Prospect::Conflicting | Prospect::Trusted => Template::trusted(),
        Prospect::Untrusted => Template::untrusted(),
    }
}

/// Has the Application Server call the daemon's adapter for each customer. Blocks on the disk.
pub(super) fn point_at(broadworks: &BroadWorks, adapter: SocketAddr) -> Result<(), LabError> {
    for prospect in Prospect::ALL {
        let template = template(prospect);
        let url = format!(
            "https://localhost:{}/adapter/v1/t/{}",
            adapter.port(),
            template.key
        );
        broadworks.point_messaging(prospect, &url, &template.account, &template.password)?;
    }
    Ok(())
}

/// The daemon's part: who may call, which partner account, which templates.
pub(super) fn configuration(
    pki: &Pki,
    addresses: &Addresses,
    secrets: &Secrets,
    certificates: &str,
) -> String {
    let file = |path: &std::path::Path| quoted(&format!("file:{}", path.display()));
    let mut text = format!(
        r#"
# What the Application Server calls when Integrated IM&P is assigned, changed or taken away.
[[listener]]
name = "provisioning"
kind = "provisioning"
addresses = ["{listener}"]
allow = ["127.0.0.0/8"]

[[listener.host]]
names = ["localhost"]
certificates = {certificates}

# The partner's account at the lab's Webex.
[[webex-partner]]
name = "lab"
base-url = "https://localhost:{webex}{path}"
client-id = "{client_id}"
client-secret = {client_secret}
refresh-token = {refresh_token}
org-id = "{organization}"
ca = {ca}
proxy = "none"
"#,
        listener = addresses.provisioning,
        webex = addresses.webex_api.port(),
        path = api::PATH,
        client_id = api::CLIENT_ID,
        organization = api::partner_organization(),
        client_secret = file(&secrets.partner_client_secret),
        refresh_token = file(&secrets.partner_refresh_token),
        ca = quoted(&pki.ca().display().to_string()),
    );
    for template in [Template::trusted(), Template::untrusted()] {
        text += &format!(
            r#"
[[template]]
name = "{key}"
mode = "api"
cluster = "{CLUSTER}"
partner = "lab"
provisioning-id = "{id}"
account = "{account}"
password = {password}
enterprise-mode = {enterprise}
trusted-email = {trusted}
package = "{package}"
"#,
            key = template.key,
            id = template.provisioning_id,
            account = template.account,
            password = file(&secrets.adapter_password),
            enterprise = template.enterprise_mode,
            trusted = template.trusted_email,
            package = template.package,
        );
    }
    text
}
