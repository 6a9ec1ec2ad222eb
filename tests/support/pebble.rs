//! Pebble, Let's Encrypt's ACME server for tests, from its Debian package, on free ports: every name
//! is this machine until a test says otherwise.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::BOUND;
use crate::support::client;
use crate::support::daemon::free_address;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::process::Process;

/// How a server is started, again and again when need be.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Where it looks for the proofs of http-01 and tls-alpn-01.
    http: SocketAddr,
    tls: SocketAddr,
    address: SocketAddr,
    /// Ids and keys, base64url, of accounts that were made elsewhere; when there are any, no other
    /// account is made.
    external: Vec<(&'static str, &'static str)>,
    /// Nonces of a hundred that are refused.
    refused_nonces: u8,
}

impl Plan {
    pub(crate) fn new(http: SocketAddr, tls: SocketAddr) -> Self {
        Self {
            http,
            tls,
            address: free_address(),
            external: Vec::new(),
            refused_nonces: 0,
        }
    }

    /// Takes only accounts that are bound to this one.
    pub(crate) fn external(mut self, id: &'static str, key: &'static str) -> Self {
        self.external.push((id, key));
        self
    }

    /// Refuses so many nonces of a hundred. The client's library gives up after three in a row: with
    /// Pebble's own 5 one order of a thousand fails, with 1 hardly any.
    pub(crate) const fn refusing_nonces(mut self, of_a_hundred: u8) -> Self {
        self.refused_nonces = of_a_hundred;
        self
    }
}

/// A running server with its name server.
pub(crate) struct Pebble {
    _names: Process,
    _server: Process,
    /// Where the name server is told what to say.
    names_management: SocketAddr,
    /// URL of its directory.
    pub(crate) directory: String,
    /// What its own TLS is judged by.
    pub(crate) ca: PathBuf,
}

impl Pebble {
    /// Starts it; it looks for proofs on these ports. `None`, with the reason on standard error,
    /// where the package is not installed.
    pub(crate) async fn start(folder: &Path, http: SocketAddr, tls: SocketAddr) -> Option<Self> {
        Self::start_as(folder, &Plan::new(http, tls)).await
    }

    /// The same by a plan. It knows nothing of what an earlier one of the same plan knew.
    pub(crate) async fn start_as(folder: &Path, plan: &Plan) -> Option<Self> {
        if !is_there("pebble") || !is_there("pebble-challtestsrv") {
            eprintln!("skipped: pebble is not installed (apt-get install pebble)");
            return None;
        }
        let [management, dns, names_management] = std::array::from_fn(|_| free_address());
        let authority = Authority::new("Pebble's own");
        let ca = folder.join("pebble-ca.pem");
        fs::write(&ca, authority.root_pem()).expect("the CA file is written");
        let identity = authority.server(&["localhost"], Key::P256);
        let (chain, key) = identity.write(folder, "pebble-server");
        let config = folder.join("pebble.json");
        let keys: Value = plan.external.iter().copied().collect();
        let text = json!({"pebble": {
            "listenAddress": plan.address.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": chain,
            "privateKey": key,
            "httpPort": plan.http.port(),
            "tlsPort": plan.tls.port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": !plan.external.is_empty(),
            "externalAccountMACKeys": keys,
        }});
        fs::write(&config, text.to_string()).expect("the configuration is written");
        let names = Process::spawn(
            "pebble-challtestsrv",
            &[
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-dns01",
                &dns.to_string(),
                "-management",
                &names_management.to_string(),
            ],
        );
        let config = config.to_str().expect("a UTF-8 path");
        let refused = format!("PEBBLE_WFE_NONCEREJECT={}", plan.refused_nonces);
        let server = Process::spawn(
            "env",
            &[
                &refused,
                "PEBBLE_VA_NOSLEEP=1",
                "pebble",
                "-config",
                config,
                "-dnsserver",
                &dns.to_string(),
            ],
        );
        server
            .line(
                |line| line.contains("ACME directory available").then_some(()),
                BOUND,
            )
            .await;
        Some(Self {
            names_management,
            directory: format!("https://localhost:{}/dir", plan.address.port()),
            ca,
            _names: names,
            _server: server,
        })
    }

    /// The management API of its name server, for hooks: `http://…`, without a slash at its end.
    pub(crate) fn names_api(&self) -> String {
        format!("http://{}", self.names_management)
    }

    /// Tells the name server something, as its management API wants it.
    pub(crate) async fn tell_names(&self, verb: &str, what: &Value) {
        let address = self.names_management;
        let body = what.to_string();
        let request = format!(
            "POST /{verb} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let answer = client::exchange(&mut stream, request.as_bytes()).await;
        assert_eq!(answer.expect("it answers").status, 200);
    }
}

fn is_there(program: &str) -> bool {
    let help = Command::new(program)
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    help.is_ok()
}
