//! Pebble, Let's Encrypt's ACME server for tests, from its Debian package, on free ports: half of all
//! nonces are refused, and every name is this machine.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::json;

use crate::support::BOUND;
use crate::support::daemon::free_address;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::process::Process;

/// A running server with its name server.
pub(crate) struct Pebble {
    _names: Process,
    _server: Process,
    /// URL of its directory.
    pub(crate) directory: String,
    /// What its own TLS is judged by.
    pub(crate) ca: PathBuf,
}

impl Pebble {
    /// Starts it; it looks for proofs on these ports. `None`, with the reason on standard error,
    /// where the package is not installed.
    pub(crate) async fn start(folder: &Path, http: SocketAddr, tls: SocketAddr) -> Option<Self> {
        if !is_there("pebble") || !is_there("pebble-challtestsrv") {
            eprintln!("skipped: pebble is not installed (apt-get install pebble)");
            return None;
        }
        let [address, management, dns, dns_management] = std::array::from_fn(|_| free_address());
        let authority = Authority::new("Pebble's own");
        let ca = folder.join("pebble-ca.pem");
        fs::write(&ca, authority.root_pem()).expect("the CA file is written");
        let identity = authority.server(&["localhost"], Key::P256);
        let (chain, key) = identity.write(folder, "pebble-server");
        let config = folder.join("pebble.json");
        let text = json!({"pebble": {
            "listenAddress": address.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": chain,
            "privateKey": key,
            "httpPort": http.port(),
            "tlsPort": tls.port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
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
                &dns_management.to_string(),
            ],
        );
        let config = config.to_str().expect("a UTF-8 path");
        let server = Process::spawn(
            "env",
            &[
                "PEBBLE_WFE_NONCEREJECT=50",
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
            directory: format!("https://localhost:{}/dir", address.port()),
            ca,
            _names: names,
            _server: server,
        })
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
