//! The daemon's configuration in the lab: an ordinary file with ordinary keys, so that
//! `xspd check-config` and `xspd config show` can be tried on it too.

use std::path::Path;

use super::lamps;
use super::ports::Addresses;
use super::provisioning;
use super::secrets::Secrets;
use crate::lab::pki::CLIENT_IDENTITY;
use crate::lab::pki::Pki;
use crate::lab::pki::ServerKey;
use crate::lab::webex::CLIENT_ID;
use crate::lab::webex::IDP_PROXY_PATH;
use crate::lab::webex::ORGANIZATION;

/// The text of `xspd.toml`. `state_dir` is the daemon's own.
pub(super) fn configuration(
    state_dir: &Path,
    pki: &Pki,
    addresses: &Addresses,
    secrets: &Secrets,
    ocip_user: &str,
    administrator: &str,
) -> String {
    edge(state_dir, pki, addresses)
        + &cti(pki, addresses)
        + &auth_service(pki, addresses, secrets, ocip_user)
        + &reports(addresses)
        + &provisioning::configuration(pki, addresses, secrets, &certificates(pki))
        + &lamps::configuration(administrator, &secrets.administrator_password)
}

/// Listeners and what is behind them.
fn edge(state_dir: &Path, pki: &Pki, addresses: &Addresses) -> String {
    let Addresses {
        xsi,
        auth_mtls,
        admin,
        broadworks_xsi,
        broadworks_ocip: _,
        webex_ci: _,
        broadworks_xsi_2,
        broadworks_lab: _,
        cti: _,
        broadworks_cti: _,
        broadworks_ocir: _,
        provisioning: _,
        webex_api: _,
    } = addresses;
    let certificates = certificates(pki);
    format!(
        r#"# Written by `xspd lab` at each start; changes last until the next one.
# While the lab runs: edit, then `kill -HUP` the process named in lab.json.

state-dir = {state_dir}

[log]
format = "text"
filter = "warn"

[admin]
address = "{admin}"

# A lab has no load balancer that must notice first.
[drain]
settle = "0s"
deadline = "5s"

[[trust]]
name = "webex"
files = [{trust_file}]

[[pool]]
name = "xsp"

[[pool.upstream]]
name = "xsp-1"
url = "http://{broadworks_xsi}"

[[pool.upstream]]
name = "xsp-2"
url = "http://{broadworks_xsi_2}"

# Open to clients with a user's password or token, as Webex clients have it. Here AuthService has
# Webex confirm a user's CI token.
[[listener]]
name = "xsi"
addresses = ["{xsi}"]
routes = ["xsi-actions", "xsi-events", "async", "auth-service", "blf"]

[[listener.host]]
names = ["*"]
certificates = {certificates}

# Only for the holder of a certificate from Webex's CA: here AuthService believes Webex. Xsi-Actions
# is here too, so that each certificate of the lab can be tried with an answer to see.
[[listener]]
name = "auth-mtls"
addresses = ["{auth_mtls}"]
routes = ["auth-service", "xsi-actions"]
client-certificates = "required"
trust = "webex"
identity-mode = "enforce"
allowed-identities = ["{CLIENT_IDENTITY}"]

[[listener.host]]
names = ["*"]
certificates = {certificates}
"#,
        state_dir = quoted(&state_dir.display().to_string()),
        trust_file = quoted(&pki.trust_file().display().to_string()),
    )
}

/// The CTI bridge, with its certificate from the provider's internal CA.
fn cti(pki: &Pki, addresses: &Addresses) -> String {
    let bridge = pki.bridge();
    format!(
        r#"
# CTI: Webex's certificate is judged here, and its bytes go to the CTI interface of the XSP, which
# gets the bridge's own certificate to see.
[[listener]]
name = "cti"
kind = "cti"
addresses = ["{cti}"]
trust = "webex"
allowed-identities = ["{CLIENT_IDENTITY}"]

[[listener.host]]
names = ["*"]
certificates = {certificates}

[listener.bridge]
upstreams = ["localhost:{upstream}"]
ca = {ca}
client-certificate = {{ chain = {chain}, key = {key} }}
# Nobody is missed in a lab.
absence-warning = "1d"
"#,
        cti = addresses.cti,
        certificates = certificates(pki),
        upstream = addresses.broadworks_cti.port(),
        ca = quoted(&pki.ca().display().to_string()),
        chain = quoted(&bridge.cert.display().to_string()),
        key = quoted(&format!("file:{}", bridge.key.display())),
    )
}

/// What the Application Server reports; in clear, because it is on this machine.
fn reports(addresses: &Addresses) -> String {
    format!(
        r#"
# Changes that administrators make are seen at once, also those that call no adapter.
[ocir]

[[ocir.as]]
name = "as1"
cluster = "lab"
address = "{}"
tls = false
"#,
        addresses.broadworks_ocir
    )
}

/// The daemon as AuthService, with what it needs of BroadWorks and Webex.
fn auth_service(pki: &Pki, addresses: &Addresses, secrets: &Secrets, ocip_user: &str) -> String {
    let secret = |path: &Path| quoted(&format!("file:{}", path.display()));
    format!(
        r#"
# The Application Server, asked about users. In clear, because it is on this machine; in a hurry,
# because nobody else asks it.
[application-server]
addresses = ["{ocip}"]
tls = false
user-id = {ocip_user}
password = {ocip_password}
requests-per-second = 100.0
burst = 200

# The daemon issues tokens itself. Hosts that demand a client certificate believe Webex, the others
# ask Webex whose a CI token is.
[auth-service]
mode = "native"
client-authentication = "by-host"
operator-token = {operator_token}

# Short, so that the first start is quick.
[auth-service.key-management]
key-length-in-bits = 2048

[auth-service.identity-providers.cisco]
enabled = true
issuer-name = "{webex}/idb"
issuer-url = "{webex}/idb"
token-info-url = "{webex}{IDP_PROXY_PATH}/idp/authenticate"
organizations = ["{ORGANIZATION}"]
client-id = "{CLIENT_ID}"
client-secret = {client_secret}
ca = {ca}

[auth-service.identity-providers.cisco.federation]
fls-url = "{webex}/federation"
refresh-token = {refresh_token}
"#,
        ocip = addresses.broadworks_ocip,
        ocip_user = quoted(ocip_user),
        ocip_password = secret(&secrets.ocip_password),
        webex = format_args!("https://localhost:{}", addresses.webex_ci.port()),
        client_secret = secret(&secrets.client_secret),
        refresh_token = secret(&secrets.refresh_token),
        operator_token = secret(&secrets.operator_token),
        ca = quoted(&pki.ca().display().to_string()),
    )
}

/// Both key types: the client's abilities decide which it sees.
fn certificates(pki: &Pki) -> String {
    let mut text = String::from("[\n");
    for key in ServerKey::ALL {
        let pair = pki.server(key);
        let chain = quoted(&pair.cert.display().to_string());
        let key = quoted(&format!("file:{}", pair.key.display()));
        text += &format!("  {{ chain = {chain}, key = {key} }},\n");
    }
    text + "]"
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
