//! The verbs from the command line to the disk, and what others make of the certificates.

mod renewal;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command as Program;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use rustls::ClientConnection;
use rustls::RootCertStore;
use rustls::ServerConnection;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::config::CertificateFiles;
use crate::config::UpstreamTls;
use crate::config::secret::SecretRef;
use crate::tls::client;

#[derive(clap::Parser)]
struct Command {
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    args: Args,
}

const NAME: &str = "xspd-bridge.example.net";

/// A directory for one test.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with a CA and a bridge certificate.
    fn filled(more: &[&str]) -> Self {
        let desk = Self::new();
        desk.said(&["init-internal-ca", "--out", &desk.path("ca")])
            .unwrap();
        desk.issue(more).unwrap();
        desk
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn said(&self, words: &[&str]) -> Result<String, Failure> {
        let Command { json, args } = Command::try_parse_from([&["certs"], words].concat()).unwrap();
        match run_at(args, Console { json }, clock::wall())? {
            Said::Document(document) => Ok(document.to_string()),
            Said::Lines(lines) => Ok(lines.join("\n")),
            Said::Told(exit) => Ok(format!("{exit:?}")),
            Said::With(exit, _) => Ok(format!("{exit:?}")),
        }
    }

    fn issue(&self, more: &[&str]) -> Result<String, Failure> {
        let (ca, out) = (self.path("ca"), self.path("certs"));
        let words = [
            "issue-bridge-client",
            "--ca",
            &ca,
            "--out",
            &out,
            "--common-name",
            NAME,
        ];
        self.said(&[&words, more].concat())
    }

    fn refusal(&self, words: &[&str]) -> (Exit, String) {
        let failure = self.said(words).expect_err("it must be refused");
        (failure.exit(), failure.to_string())
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

#[test]
fn a_ca_is_made_once_and_its_key_is_private() {
    let desk = Desk::new();
    let words = ["init-internal-ca", "--out", &desk.path("ca")];
    let said = desk.said(&words).unwrap();
    assert!(said.contains("issue-bridge-client"), "{said}");
    assert_eq!(desk.mode("ca"), 0o700);
    assert_eq!(desk.mode("ca/internal-ca-key.pem"), 0o600);
    assert_eq!(desk.mode("ca/internal-ca.pem"), 0o644);
    let before = fs::read(desk.path("ca/internal-ca.pem")).unwrap();
    let (exit, text) = desk.refusal(&words);
    assert_eq!(exit, Exit::CantCreate);
    assert!(
        text.contains("internal-ca.pem") && text.contains("--force"),
        "{text}"
    );
    assert_eq!(fs::read(desk.path("ca/internal-ca.pem")).unwrap(), before);
    desk.said(&[&words[..], &["--force"]].concat()).unwrap();
    assert_ne!(fs::read(desk.path("ca/internal-ca.pem")).unwrap(), before);
    let directory = fs::read_dir(desk.path("ca")).unwrap();
    assert_eq!(directory.count(), 2, "nothing else is left there");
}

#[test]
fn a_bridge_certificate_comes_with_what_to_type_where() {
    let desk = Desk::new();
    desk.said(&["init-internal-ca", "--out", &desk.path("ca")])
        .unwrap();
    let said = desk.issue(&[]).unwrap();
    for words in [
        "Interface/CTI/SSLCommonSettings/ClientAuthentication/Trusts> updateTrust",
        "System/ClientIdentity> add xspd-bridge.example.net",
        "client-certificate = {",
        "--broadworks-oid",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(desk.mode("certs/bridge-key.pem"), 0o600);
    let (exit, text) = (
        desk.issue(&[]).unwrap_err().exit(),
        desk.issue(&[]).unwrap_err().to_string(),
    );
    assert_eq!(exit, Exit::CantCreate);
    assert!(text.contains("bridge-chain.pem"), "{text}");
    let said = desk.issue(&["--force", "--json"]).unwrap();
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(document["subject"], format!("CN={NAME}"));
    assert_eq!(document["commands"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_issued_is_shown() {
    let desk = Desk::filled(&[
        "--san",
        "bridge.example.net",
        "--broadworks-oid",
        "1.3.6.1.4.1.6431.1.1.8.2.1.3",
        "--days",
        "30",
    ]);
    let file = desk.path("certs/bridge-chain.pem");
    let said = desk.said(&["show", &file]).unwrap();
    for words in [
        "CN=xspd-bridge.example.net",
        "CN=xspd internal CA",
        "bridge.example.net",
        "clientAuth, 1.3.6.1.4.1.6431.1.1.8.2.1.3",
        "days left",
        "SHA-256",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = desk.said(&["show", "--json", &desk.path("ca/internal-ca.pem")]);
    let document: Value = serde_json::from_str(&said.unwrap()).unwrap();
    let ca = &document["certificates"][0];
    assert_eq!(
        (&ca["ca"], &ca["path-length"]),
        (&Value::Bool(true), &0.into())
    );
}

#[test]
fn what_cannot_be_used_is_named_with_its_remedy() {
    let desk = Desk::filled(&[]);
    let (exit, text) = desk.refusal(&["show", &desk.path("none.pem")]);
    assert_eq!(exit, Exit::NoInput, "{text}");
    assert!(text.contains("none.pem"), "{text}");
    let (exit, text) = desk.refusal(&["show", &desk.path("certs/bridge-key.pem")]);
    assert_eq!(exit, Exit::Data, "{text}");
    let late = desk.issue(&["--force", "--days", "3649"]);
    assert!(late.is_ok(), "the CA lasts longer");
    let short = ["init-internal-ca", "--days", "10", "--force", "--out"];
    desk.said(&[&short[..], &[&desk.path("ca")]].concat())
        .unwrap();
    let failure = desk.issue(&["--force"]).unwrap_err();
    assert_eq!(failure.exit(), Exit::Data);
    assert!(failure.to_string().contains("fewer --days"), "{failure}");
    let key = desk.path("ca/internal-ca-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let failure = desk.issue(&["--force"]).unwrap_err();
    assert_eq!(failure.exit(), Exit::NoPermission);
    assert!(failure.to_string().contains("chmod 600"), "{failure}");
    fs::remove_file(&key).unwrap();
    let failure = desk.issue(&["--force"]).unwrap_err();
    assert_eq!(failure.exit(), Exit::NoInput);
    assert!(
        failure.to_string().contains("internal-ca-key.pem"),
        "{failure}"
    );
    for words in [
        &["--common-name", "", "--ca", "x", "--out", "y"][..],
        &["--common-name", "jörg", "--ca", "x", "--out", "y"],
        &[
            "--common-name",
            "a",
            "--ca",
            "x",
            "--out",
            "y",
            "--days",
            "0",
        ],
    ] {
        let line = [&["certs", "issue-bridge-client"], words].concat();
        assert!(Command::try_parse_from(line).is_err(), "{words:?}");
    }
}

#[test]
fn a_file_is_shown_whatever_its_form_and_damage_is_told_in_words() {
    let desk = Desk::filled(&[]);
    let ca = fs::read_to_string(desk.path("ca/internal-ca.pem")).unwrap();
    fs::write(desk.path("junk.pem"), ca.replace("-----END", "-----CUT")).unwrap();
    let (exit, text) = desk.refusal(&["show", &desk.path("junk.pem")]);
    assert_eq!(exit, Exit::Data, "{text}");
    assert!(
        text.contains("junk.pem, block 1: its END line is missing"),
        "{text}"
    );
    let der = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
    fs::write(desk.path("ca.der"), &der).unwrap();
    let said = desk.said(&["show", &desk.path("ca.der")]).unwrap();
    assert!(said.contains("ca.der, certificate 1:"), "{said}");
    assert!(said.contains("CN=xspd internal CA"), "{said}");
    let open = include_bytes!("../../../tests/fixtures/wire/certificates/empty-password.p12");
    fs::write(desk.path("open.p12"), open).unwrap();
    let said = desk.said(&["show", &desk.path("open.p12")]).unwrap();
    assert!(said.contains("CN=Fixture"), "{said}");
    let locked = include_bytes!("../../../tests/fixtures/wire/certificates/aes256.p12");
    fs::write(desk.path("locked.p12"), locked).unwrap();
    let (exit, text) = desk.refusal(&["show", &desk.path("locked.p12")]);
    assert_eq!(exit, Exit::Data, "{text}");
    assert!(text.contains("password"), "{text}");
}

#[test]
fn a_region_that_nobody_knows_is_refused_with_those_there_are() {
    let desk = Desk::filled(&[]);
    let file = desk.path("certs/bridge-chain.pem");
    for more in [&[][..], &["--ics"]] {
        let words = ["plan", "--file", &file, "--region", "emae"];
        let (exit, text) = desk.refusal(&[&words, more].concat());
        assert_eq!(exit, Exit::Usage, "{text}");
        assert!(text.contains("emae") && text.contains("emea"), "{text}");
    }
}

#[test]
fn what_is_printed_for_the_configuration_is_a_path_from_the_root() {
    let desk = Desk::new();
    // A way to the same place from where tests run.
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    let way = |name: &str| format!("{up}{}", desk.path(name).trim_start_matches('/'));
    let said = desk
        .said(&["init-internal-ca", "--out", &way("ca")])
        .unwrap();
    let found = said.split_once("directory = \"").unwrap().1;
    assert!(found.starts_with('/'), "{said}");
    let words = [
        "issue-bridge-client",
        "--common-name",
        NAME,
        "--ca",
        &way("ca"),
        "--out",
    ];
    let said = desk.said(&[&words[..], &[&way("certs")]].concat()).unwrap();
    let (_, found) = said.split_once("chain = \"").unwrap();
    assert!(
        found.starts_with('/') && found.contains("key = \"file:/"),
        "{said}"
    );
}

fn chain(path: &str) -> Vec<CertificateDer<'static>> {
    let read: Result<_, _> = CertificateDer::pem_file_iter(path).unwrap().collect();
    read.unwrap()
}

/// The bridge's own client configuration against a server that demands a certificate of the CA.
#[test]
fn a_server_that_trusts_the_ca_takes_the_bridge_in_a_real_handshake() {
    for kind in ["ecdsa-p256", "ecdsa-p384", "rsa3072"] {
        let desk = Desk::filled(&["--key-type", kind]);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut anchors = RootCertStore::empty();
        for der in chain(&desk.path("ca/internal-ca.pem")) {
            anchors.add(der).unwrap();
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider))
                .build()
                .unwrap();
        let minted = rcgen::generate_simple_self_signed(["xsp1.example.net".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(minted.signing_key.serialize_der());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![minted.cert.der().clone()], key.into())
            .unwrap();
        let authority = desk.path("server.pem");
        fs::write(&authority, minted.cert.pem()).unwrap();
        let config = client::bridge_config(&UpstreamTls {
            ca: Some(authority.into()),
            pins: Vec::new(),
            server_name: "xsp1.example.net".to_owned(),
            client_certificate: Some(CertificateFiles {
                chain: desk.path("certs/bridge-chain.pem").into(),
                key: SecretRef::File(desk.path("certs/bridge-key.pem").into()),
            }),
        })
        .unwrap();
        let name = "xsp1.example.net".try_into().unwrap();
        let mut client = ClientConnection::new(config, name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        for _ in 0..8 {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            let mut sent = wire.as_slice();
            while !sent.is_empty() {
                server.read_tls(&mut sent).unwrap();
                server.process_new_packets().unwrap();
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut sent = wire.as_slice();
            while !sent.is_empty() {
                client.read_tls(&mut sent).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        assert!(
            !client.is_handshaking() && !server.is_handshaking(),
            "{kind}"
        );
        let shown = server.peer_certificates().unwrap();
        assert_eq!(shown, chain(&desk.path("certs/bridge-chain.pem")));
    }
}

#[test]
fn openssl_takes_the_certificate_for_a_client_and_not_for_a_server() {
    let desk = Desk::filled(&[]);
    let verify = |purpose: &str| {
        Program::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", purpose, "-CAfile"])
            .arg(desk.path("ca/internal-ca.pem"))
            .arg(desk.path("certs/bridge-chain.pem"))
            .output()
            .expect("openssl is there: tests/run installs it")
    };
    let client = verify("sslclient");
    assert!(client.status.success(), "{client:?}");
    let server = verify("sslserver");
    assert!(!server.status.success(), "{server:?}");
}

#[test]
fn a_renewal_takes_the_place_of_the_old_one_and_its_dates_go_on() {
    let desk = Desk::filled(&["--days", "30"]);
    let file = desk.path("certs/bridge-chain.pem");
    let end = |desk: &Desk| {
        let said = desk.said(&["show", "--json", &file]).unwrap();
        let document: Value = serde_json::from_str(&said).unwrap();
        document["certificates"][0]["not-after-seconds"]
            .as_i64()
            .unwrap()
    };
    let before = end(&desk);
    desk.issue(&["--force", "--days", "60"]).unwrap();
    let month = i64::try_from(Duration::from_secs(30 * 24 * 3600).as_secs()).unwrap();
    assert!(end(&desk) >= before + month);
}
