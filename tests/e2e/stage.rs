//! One daemon in front of one scripted upstream, with certificates minted for it.

use std::net::SocketAddr;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::daemon::Daemon;
use crate::support::daemon::free_address;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;
use crate::support::pki::Identity;
use crate::support::pki::Key;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;
use crate::support::verb;
use crate::support::verb::Said;

/// The host of the single-host configurations.
pub(crate) const HOST: &str = "xsp.test";

/// A target that every listener of these tests relays.
pub(crate) const PROFILE: &str = "/com.broadsoft.xsi-actions/v2.0/user/alice@as.test/profile";

/// Everything around a daemon.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) upstream: Upstream,
    pub(crate) public: Authority,
    pub(crate) webex: Authority,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Stage {
    /// A stage whose upstream answers everything with 200.
    pub(crate) async fn new() -> Self {
        Self::answering(|request| {
            if is_health_check(request) {
                Reply::text(200, "up")
            } else {
                Reply::text(200, "fine")
            }
        })
        .await
    }

    /// A stage with a script of its own; health checks reach it too.
    pub(crate) async fn answering(script: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let stage = Self {
            folder: TempDir::new().unwrap(),
            upstream: Upstream::start(script).await,
            public: Authority::new("Public"),
            webex: Authority::new("Internal Private"),
            address: free_address(),
            admin: free_address(),
        };
        stage
            .public
            .server(&[HOST], Key::P256)
            .write(stage.path(), "server");
        stage.webex.write(stage.path(), "CombinedCertChain2026");
        stage
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What every configuration here begins with.
    pub(crate) fn common(&self) -> String {
        format!(
            r#"
state-dir = "{folder}/state"
[log]
filter = "debug"
[admin]
address = "{admin}"
[drain]
settle = "0s"
deadline = "10s"
[watch]
poll = "1s"
debounce = "50ms"
[[trust]]
name = "webex"
files = ["{folder}/CombinedCertChain2026.txt"]
[[pool]]
name = "xsp"
[[pool.upstream]]
name = "one"
url = "http://{upstream}"
"#,
            folder = self.path().display(),
            admin = self.admin,
            upstream = self.upstream.address(),
        )
    }

    /// One listener with one host; `listener` and `host` are more settings of either.
    pub(crate) fn config(&self, listener: &str, host: &str) -> String {
        format!(
            r#"{common}
[[listener]]
name = "edge"
addresses = ["{address}"]
routes = ["xsi-actions", "xsi-events", "auth-service"]
{listener}
[[listener.host]]
names = ["{HOST}"]
certificates = [{{ chain = "{folder}/server.pem", key = "file:{folder}/server.key" }}]
{host}
"#,
            common = self.common(),
            address = self.address,
            folder = self.path().display(),
        )
    }

    /// The same with client certificates required.
    pub(crate) fn mutual(&self) -> String {
        let rules = "client-certificates = \"required\"\ntrust = \"webex\"";
        self.config(rules, "")
    }

    pub(crate) async fn start(&self, config: &str) -> Daemon {
        Daemon::start(self.path(), config, self.admin).await
    }

    /// Runs a verb with the daemon's configuration.
    pub(crate) async fn xspd(&self, words: &[&str]) -> Said {
        verb::xspd(self.path(), words).await
    }

    /// A client of the host that trusts the public CA.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
            .name(HOST)
            .trusting(self.public.root())
    }

    /// The same with Webex's good certificate.
    pub(crate) fn webex_client(&self) -> Client {
        self.client().showing(self.webex.client(Kind::Good))
    }

    /// Puts another certificate in the place of the host's, as an operator would: key and chain
    /// renamed into place one after the other.
    pub(crate) fn replace_server(&self, identity: &Identity) {
        let (chain, key) = identity.write(self.path(), "next");
        std::fs::rename(key, self.path().join("server.key")).unwrap();
        std::fs::rename(chain, self.path().join("server.pem")).unwrap();
    }

    /// Requests that were no health checks.
    pub(crate) fn relayed(&self) -> Vec<Vec<u8>> {
        let requests = self.upstream.requests().into_iter();
        requests
            .filter(|request| !is_health_check(request))
            .collect()
    }
}

/// Our own check carries no credentials.
pub(crate) fn is_health_check(request: &[u8]) -> bool {
    request.starts_with(b"GET /com.broadsoft.xsi-actions/v2.0/versions ")
        && !String::from_utf8_lossy(request)
            .to_ascii_lowercase()
            .contains("\r\nauthorization:")
}

/// The leaf that a server presented to this client.
pub(crate) async fn presented(client: &Client) -> CertificateDer<'static> {
    let stream = client.connect().await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    chain.first().unwrap().clone().into_owned()
}

/// `GET` of [`PROFILE`] with extra header lines, each ending in CRLF.
pub(crate) fn get(lines: &str) -> Vec<u8> {
    format!("GET {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n").into_bytes()
}
