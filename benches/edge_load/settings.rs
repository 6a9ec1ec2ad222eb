//! What an operator would write for the farm of a run, with limits that a load test needs: all
//! connections come from one address, and idle ones stay.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;

use crate::Failure;
use crate::pki::CLIENT_NAME;
use crate::pki::Key;
use crate::servers::Load;

/// Connections besides those that a figure is about.
const SPARE: usize = 1_000;

/// The daemon's settings, and what stands in them.
pub(crate) struct Settings {
    pub(crate) text: String,
    pub(crate) admin: SocketAddr,
    /// In the order of [`Key::ALL`].
    pub(crate) listeners: Vec<SocketAddr>,
}

impl Settings {
    pub(crate) fn new(
        folder: &Path,
        upstreams: &[SocketAddr],
        connections: usize,
        load: Load,
    ) -> Result<Self, Failure> {
        let admin = free_address()?;
        let mut listeners = Vec::new();
        for _ in Key::ALL {
            listeners.push(free_address()?);
        }
        let folder = folder.display().to_string();
        let mut text = general(&folder, admin, connections, load);
        for (number, upstream) in (1..).zip(upstreams) {
            write!(
                text,
                "\n[[pool.upstream]]\nname = \"xsp{number}\"\nurl = \"http://{upstream}\"\n"
            )?;
        }
        for (address, key) in listeners.iter().zip(Key::ALL) {
            text.push_str(&listener(&folder, *address, key, connections, load));
        }
        Ok(Self {
            text,
            admin,
            listeners,
        })
    }
}

fn general(folder: &str, admin: SocketAddr, connections: usize, load: Load) -> String {
    let to_each = match load {
        Load::Requests => 256,
        // Each stream has a connection of its own.
        Load::Events => connections + SPARE,
    };
    format!(
        r#"state-dir = "{folder}/state"

[log]
format = "json"
filter = "warn"

[admin]
address = "{admin}"

[[trust]]
name = "webex"
files = ["{folder}/trust.txt"]

[[pool]]
name = "xsp"
connections = {to_each}
"#
    )
}

fn listener(folder: &str, address: SocketAddr, key: Key, connections: usize, load: Load) -> String {
    let limit = connections + SPARE;
    let key = key.as_str();
    let routes = match load {
        Load::Requests => r#"["xsi-actions"]"#,
        Load::Events => r#"["xsi-events", "async"]"#,
    };
    format!(
        r#"
[[listener]]
name = "{key}"
addresses = ["{address}"]
routes = {routes}
client-certificates = "required"
trust = "webex"
identity-mode = "enforce"
allowed-identities = ["{CLIENT_NAME}"]

[listener.limits]
connections = {limit}
connections-per-address = {limit}
header-timeout = "60s"
idle-timeout = "300s"

[[listener.host]]
names = ["*"]
certificates = [{{ chain = "{folder}/server-{key}.pem", key = "file:{folder}/server-{key}.key" }}]
"#
    )
}

/// The daemon's settings need a number before it runs.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
