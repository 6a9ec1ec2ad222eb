//! The daemon's configuration in the lab: an ordinary file with ordinary keys, so that
//! `xspd check-config` and `xspd config show` can be tried on it too.

use std::path::Path;

use super::ports::Addresses;
use crate::lab::pki::CLIENT_IDENTITY;
use crate::lab::pki::Pki;
use crate::lab::pki::ServerKey;

/// The text of `xspd.toml`. `state_dir` is the daemon's own.
pub(super) fn configuration(state_dir: &Path, pki: &Pki, addresses: &Addresses) -> String {
    let Addresses {
        xsi,
        auth_mtls,
        admin,
        broadworks_xsi,
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
name = "lab"
url = "http://{broadworks_xsi}"

# Open to clients with a user's password, as Webex clients have it.
[[listener]]
name = "xsi"
addresses = ["{xsi}"]
routes = ["xsi-actions", "xsi-events", "async", "auth-service"]

[[listener.host]]
names = ["*"]
certificates = {certificates}

# Only for the holder of a certificate from Webex's CA. Xsi-Actions is here too, so that each
# certificate of the lab can be tried with an answer to see.
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
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
