//! From a request to a certificate in its files, and back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use clap::Parser as _;
use rcgen::CertificateParams;
use rcgen::CertificateSigningRequestParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::Issuer;
use rcgen::KeyPair;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::certs::Args;
use crate::cli::certs::Failure;
use crate::cli::certs::Said;
use crate::cli::certs::run_at;
use crate::config::Config;
use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::load_with;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::platform::clock;
use crate::tls::pem;
use crate::workers::cert_desk;
use crate::workers::cert_desk::place;
use crate::workers::cert_desk::place::PlaceProblem;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Schedule;
use crate::workers::cert_desk::shelf::Shelf;

const HOST: &str = "xsp1.example.net";

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// A configuration with one listener, its certificate, and the CA.
struct Desk {
    folder: TempDir,
    ca: Issuer<'static, KeyPair>,
    issuing: String,
}

impl Desk {
    fn new() -> Self {
        let root = Minted::root(mint::ca("Root"));
        let desk = Self::of(&root, "edge.pem");
        desk.write(
            "edge.pem",
            &Minted::root(mint::ca("Old")).issue(server(HOST)),
        );
        desk
    }

    fn of(root: &Minted, chain: &str) -> Self {
        let issuing = root.issue(mint::ca("Issuing"));
        let key = KeyPair::from_pem(&issuing.key_pem()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let config = format!(
            "state-dir = \"{path}/state\"\n\
             [[pool]]\nname = \"xsp\"\n\
             [[pool.upstream]]\nname = \"one\"\nurl = \"http://127.0.0.1:1\"\n\
             [[listener]]\nname = \"edge\"\naddresses = [\"127.0.0.1:0\"]\n\
             routes = [\"xsi-actions\", \"xsi-events\", \"auth-service\"]\n\
             [[listener.host]]\nnames = [\"{HOST}\"]\n\
             certificates = [{{ chain = \"{path}/{chain}\", key = \"file:{path}/edge.key\" }}]\n"
        );
        fs::write(folder.path().join("xspd.toml"), config).unwrap();
        Self {
            ca: Issuer::from_ca_cert_der(&issuing.der.clone().into(), key).unwrap(),
            issuing: issuing.pem(),
            folder,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, chain: &str, minted: &Minted) {
        fs::write(self.path(chain), minted.pem()).unwrap();
        self.secret("edge.key", &minted.key_pem());
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn run(&self, words: &[&str]) -> Result<(Exit, Value), Failure> {
        let config = self.path("xspd.toml");
        let words = [&["certs"], words, &["--config", &config]].concat();
        let args = Command::try_parse_from(words).unwrap().args;
        let document = |said| match said {
            Said::Document(document) => document,
            Said::Lines(lines) => Value::from(lines.join("\n")),
            Said::Told(_) | Said::With(..) => Value::Null,
        };
        Ok(match run_at(args, Console { json: true }, clock::wall())? {
            Said::With(exit, said) => (exit, document(*said)),
            said => (Exit::Ok, document(said)),
        })
    }

    /// What people are told.
    fn words(&self, words: &[&str]) -> String {
        let config = self.path("xspd.toml");
        let words = [&["certs"], words, &["--config", &config]].concat();
        let args = Command::try_parse_from(words).unwrap().args;
        match run_at(args, Console { json: false }, clock::wall()).unwrap() {
            Said::With(_, said) => format!("{said:?}"),
            said => format!("{said:?}"),
        }
    }

    fn config(&self) -> Config {
        let path = self.folder.path().join("xspd.toml");
        load_with(&path, &Environment::process(), NamedFiles::Skip)
            .unwrap()
            .config
    }

    /// What the CA makes of a request, in any order and with what nobody needs.
    fn certify(&self, request: &str, file: &str) {
        let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
        let template = server(HOST);
        request.params.not_before = template.not_before;
        request.params.not_after = template.not_after;
        request.params.extended_key_usages = template.extended_key_usages;
        let certificate = request.signed_by(&self.ca).unwrap();
        fs::write(
            self.path(file),
            format!("{}{}", self.issuing, certificate.pem()),
        )
        .unwrap();
    }

    fn served(&self) -> CertificateFacts {
        let chain = pem::load_chain(&self.folder.path().join("edge.pem")).unwrap();
        CertificateFacts::parse(&chain[0]).unwrap()
    }

    /// A certificate that was asked for, delivered and staged.
    fn staged(&self) -> String {
        let (_, made) = self.run(&["csr", "--for", "edge"]).unwrap();
        self.certify(made["request"].as_str().unwrap(), "delivered.pem");
        let delivered = self.path("delivered.pem");
        let (exit, said) = self.run(&["import", &delivered, "--for", "edge"]).unwrap();
        assert_eq!(exit, Exit::Ok, "{said}");
        said["certificate"]["fingerprint"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn server(host: &str) -> CertificateParams {
    mint::leaf(host, ExtendedKeyUsagePurpose::ServerAuth)
}

#[test]
fn a_request_becomes_a_certificate_in_use_and_the_old_one_comes_back() {
    let desk = Desk::new();
    let old = desk.served();
    let new = desk.staged();
    assert_eq!(
        desk.served().fingerprint,
        old.fingerprint,
        "staging serves nothing"
    );
    let (_, list) = desk.run(&["staged"]).unwrap();
    assert_eq!(list["places"][0]["staged"]["fingerprint"], new.as_str());

    let (exit, said) = desk.run(&["activate", "edge", "--offline"]).unwrap();
    assert_eq!(exit, Exit::Ok);
    assert_eq!(said["certificate"]["fingerprint"], new.as_str());
    assert_eq!(desk.served().fingerprint.to_string(), new);
    let chain = fs::read_to_string(desk.path("edge.pem")).unwrap();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
    let mode = fs::metadata(desk.path("edge.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // The pair fits: the daemon would take it.
    assert!(
        cert_desk::activate::current(&place::find(&desk.config(), "edge").unwrap(), clock::wall())
            .is_some()
    );

    let (exit, _) = desk.run(&["rollback", "edge", "--offline"]).unwrap();
    assert_eq!(exit, Exit::Ok);
    assert_eq!(desk.served().fingerprint, old.fingerprint);
    // And forward again: what was gone back from is kept.
    desk.run(&["rollback", "edge", "--offline"]).unwrap();
    assert_eq!(desk.served().fingerprint.to_string(), new);
    let (_, list) = desk.run(&["staged"]).unwrap();
    let events: Vec<_> = list["journal"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["event"].clone())
        .collect();
    assert_eq!(
        events,
        ["staged", "activated", "rolled-back", "rolled-back"]
    );
    let nothing = desk.run(&["activate", "edge", "--offline"]).unwrap_err();
    assert_eq!(nothing.exit(), Exit::NoInput);
}

#[test]
fn what_was_gone_back_to_is_not_renewed_by_itself_before_somebody_could_look() {
    let desk = Desk::new();
    let acme = format!(
        "[[acme]]\nname = \"public\"\ndirectory = \"https://ca.test/dir\"\nterms-agreed = true\n\
         challenge = \"tls-alpn-01\"\nnames = [\"{HOST}\"]\nfor = [\"edge\"]\n"
    );
    let text = fs::read_to_string(desk.path("xspd.toml")).unwrap();
    fs::write(desk.path("xspd.toml"), text + &acme).unwrap();
    let (place, shelf) = (
        place::find(&desk.config(), "edge").unwrap(),
        Shelf::new(&desk.folder.path().join("state")),
    );
    desk.staged();
    desk.run(&["activate", "edge", "--offline"]).unwrap();
    assert_eq!(shelf.held(&place).unwrap(), None);
    // Nothing of it stays when nothing is gone back to.
    fs::rename(desk.path("edge.pem"), desk.path("live.pem")).unwrap();
    std::os::unix::fs::symlink(desk.path("live.pem"), desk.path("edge.pem")).unwrap();
    desk.run(&["rollback", "edge", "--offline"]).unwrap_err();
    assert_eq!(shelf.held(&place).unwrap(), None);
    fs::rename(desk.path("live.pem"), desk.path("edge.pem")).unwrap();

    let now = date::to_unix(clock::wall());
    let (_, said) = desk.run(&["rollback", "edge", "--offline"]).unwrap();
    let until = said["orders-again"]["at-seconds"].as_i64().unwrap();
    assert!((now + 86_400..now + 86_460).contains(&until), "{said}");
    assert_eq!(said["orders-again"]["renew"], serde_json::json!(["public"]));
    assert_eq!(shelf.held(&place).unwrap().unwrap().until, until);
}

#[test]
fn what_an_import_takes_from_others_is_said() {
    let desk = Desk::new();
    let first = desk.staged();
    let (place, shelf) = (
        place::find(&desk.config(), "edge").unwrap(),
        Shelf::new(&desk.folder.path().join("state")),
    );
    let schedule = Schedule {
        at: date::to_unix(clock::wall() + Duration::from_secs(86_400)),
        by: "anna".to_owned(),
        fingerprint: first.clone(),
    };
    shelf.schedule(&place, Some(&schedule)).unwrap();
    // The same again takes nothing from anybody.
    let delivered = desk.path("delivered.pem");
    let (_, said) = desk.run(&["import", &delivered, "--for", "edge"]).unwrap();
    assert_eq!(said["replaces-staged"], Value::Null, "{said}");
    assert_eq!(said["activation-lost"], Value::Null, "{said}");

    let (_, made) = desk.run(&["csr", "--for", "edge"]).unwrap();
    desk.certify(made["request"].as_str().unwrap(), "other.pem");
    let other = desk.path("other.pem");
    let words = ["import", &other, "--for", "edge"];
    for dry in [&["--dry-run"][..], &[]] {
        let (_, said) = desk.run(&[&words[..], dry].concat()).unwrap();
        assert_eq!(said["replaces-staged"]["fingerprint"], first.as_str());
        assert_eq!(said["activation-lost"]["by"], "anna");
    }
    desk.run(&["import", &delivered, "--for", "edge"]).unwrap();
    let text = desk.words(&words);
    assert!(
        text.contains("replaces what") && text.contains("SHA-256"),
        "{text}"
    );
    // The time was set for the first one, which is no longer there.
    let lost = "the activation that anna set for";
    assert!(
        text.contains(lost) && text.contains("activate edge"),
        "{text}"
    );
}

#[test]
fn a_key_in_use_that_cannot_be_read_is_not_called_that_of_a_ca() {
    let desk = Desk::new();
    fs::set_permissions(desk.path("edge.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let words = ["csr", "--for", "edge", "--existing-key"];
    let refused = desk.run(&words).unwrap_err();
    assert_eq!(refused.exit(), Exit::NoPermission);
    let said = refused.to_string();
    assert!(
        said.starts_with("the key in use: ") && said.contains("chmod 600"),
        "{said}"
    );
}

#[test]
fn a_dry_run_and_a_refusal_stage_nothing() {
    let desk = Desk::new();
    let (_, made) = desk
        .run(&["csr", "--for", "edge", "--name", "other.example.net"])
        .unwrap();
    desk.certify(made["request"].as_str().unwrap(), "wrong.pem");
    let wrong = desk.path("wrong.pem");
    let (exit, said) = desk.run(&["import", &wrong, "--for", "edge"]).unwrap();
    assert_eq!(exit, Exit::Data);
    let reasons: Vec<_> = said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["reason"].clone())
        .collect();
    assert!(reasons.contains(&"host-not-covered".into()), "{reasons:?}");
    assert!(reasons.contains(&"names-lost".into()), "{reasons:?}");

    let (_, made) = desk
        .run(&["csr", "--for", "edge", "--existing-key"])
        .unwrap();
    desk.certify(made["request"].as_str().unwrap(), "good.pem");
    let good = desk.path("good.pem");
    let (exit, said) = desk
        .run(&["import", &good, "--for", "edge", "--dry-run"])
        .unwrap();
    assert_eq!((exit, &said["staged"]), (Exit::Ok, &Value::Bool(false)));
    let reasons = said["findings"].to_string();
    assert!(
        reasons.contains("key-reused") && reasons.contains("issuer-changed"),
        "{reasons}"
    );
    let nothing = desk.run(&["activate", "edge", "--offline"]).unwrap_err();
    assert!(
        nothing.to_string().contains("xspd certs import"),
        "{nothing}"
    );
}

#[test]
fn a_pkcs12_file_needs_its_password_and_brings_its_key() {
    let desk = Desk::new();
    let file = desk.path("delivered.p12");
    let fixture = include_bytes!("../../../../tests/fixtures/wire/certificates/aes256.p12");
    fs::write(&file, fixture).unwrap();
    let refused = desk.run(&["import", &file, "--for", "edge"]).unwrap_err();
    assert!(refused.to_string().contains("--password-file"), "{refused}");
    let password = desk.path("password");
    desk.secret("password", "wrong\n");
    let words = [
        "import",
        &file,
        "--for",
        "edge",
        "--password-file",
        &password,
    ];
    let refused = desk.run(&words).unwrap_err();
    assert!(
        refused.to_string().contains("password is wrong"),
        "{refused}"
    );
    desk.secret("password", "smörgås\n");
    let (exit, said) = desk.run(&words).unwrap();
    assert_eq!(exit, Exit::Ok, "{said}");
    assert_eq!(said["form"], "PKCS#12");
    assert_eq!(said["root-left-out"], "CN=Fixture Root");
    desk.run(&["activate", "edge", "--offline"]).unwrap();
    assert_eq!(desk.served().issuer, "CN=Fixture Issuing");
}

#[test]
fn a_certificate_without_its_key_is_refused_with_the_remedy() {
    let desk = Desk::new();
    let foreign = Minted::root(mint::ca("Root")).issue(server(HOST));
    let file = desk.path("foreign.pem");
    fs::write(&file, foreign.pem()).unwrap();
    let refused = desk.run(&["import", &file, "--for", "edge"]).unwrap_err();
    assert_eq!(refused.exit(), Exit::Data);
    assert!(refused.to_string().contains("Bring the key"), "{refused}");
    // With the key in a second file it is taken, whatever the order.
    let key = desk.path("foreign.key");
    fs::write(&key, foreign.key_pem()).unwrap();
    let (exit, _) = desk.run(&["import", &key, &file, "--for", "edge"]).unwrap();
    assert_eq!(exit, Exit::Ok);
}

#[test]
fn a_key_that_cannot_be_used_is_not_called_missing() {
    let desk = Desk::new();
    let foreign = Minted::root(mint::ca("Root")).issue(server(HOST));
    let file = desk.path("short.pem");
    // As RSA below 2048 bits is: a key by its form, and none that signs.
    let key = "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n";
    fs::write(&file, format!("{}{key}", foreign.pem())).unwrap();
    let refused = desk.run(&["import", &file, "--for", "edge"]).unwrap_err();
    assert_eq!(refused.exit(), Exit::Data);
    let said = refused.to_string();
    assert!(said.contains("the key in it cannot be used"), "{said}");
    assert!(
        said.contains("2048") && !said.contains("Bring the key"),
        "{said}"
    );
    // One that is not needed does no harm.
    fs::write(
        &file,
        format!("{}{}{key}", foreign.pem(), foreign.key_pem()),
    )
    .unwrap();
    let (exit, _) = desk.run(&["import", &file, "--for", "edge"]).unwrap();
    assert_eq!(exit, Exit::Ok);
}

#[test]
fn a_link_belongs_to_another_tool_and_is_left_alone() {
    let desk = Desk::new();
    desk.staged();
    fs::rename(desk.path("edge.pem"), desk.path("live.pem")).unwrap();
    std::os::unix::fs::symlink(desk.path("live.pem"), desk.path("edge.pem")).unwrap();
    let refused = desk.run(&["activate", "edge", "--offline"]).unwrap_err();
    assert!(refused.to_string().contains("is a link"), "{refused}");
    assert_eq!(refused.exit(), Exit::CantCreate);
}

#[test]
fn an_interrupted_activation_is_finished_before_anything_is_read() {
    let desk = Desk::new();
    let new = desk.staged();
    let (config, shelf) = (desk.config(), Shelf::new(&desk.folder.path().join("state")));
    let place = place::find(&config, "edge").unwrap();
    // Power was lost after the key was written and before the chain was.
    let pair = shelf.pair(&place, Part::Staged).unwrap().unwrap();
    shelf.put(&place, Part::Applying, &pair).unwrap();
    shelf.drop_part(&place, Part::Staged).unwrap();
    let pair = shelf.pair(&place, Part::Applying).unwrap().unwrap();
    desk.secret("edge.key", &pair.key);
    assert!(cert_desk::activate::current(&place, clock::wall()).is_none());
    cert_desk::recover(&config, clock::wall());
    assert_eq!(desk.served().fingerprint.to_string(), new);
    assert!(cert_desk::activate::current(&place, clock::wall()).is_some());
    assert!(shelf.about(&place, Part::Applying).unwrap().is_none());
}

#[test]
fn what_is_put_off_happens_at_its_time_and_only_to_what_was_meant() {
    let desk = Desk::new();
    let (old, new) = (desk.served(), desk.staged());
    let (config, shelf) = (desk.config(), Shelf::new(&desk.folder.path().join("state")));
    let place = place::find(&config, "edge").unwrap();
    let now = clock::wall();
    let schedule = |fingerprint: &str| Schedule {
        at: date::to_unix(now + Duration::from_secs(60)),
        by: "anna".to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    let later = now + Duration::from_secs(60);
    let mut put_off = cert_desk::PutOff::default();
    shelf.schedule(&place, Some(&schedule("another"))).unwrap();
    assert!(put_off.act(&config, later).proofs.is_empty());
    assert_eq!(desk.served().fingerprint, old.fingerprint);
    assert_eq!(
        shelf.scheduled(&place).unwrap(),
        None,
        "told once, not each look"
    );
    assert_eq!(
        shelf.journal().unwrap().lines.last().unwrap().event,
        "refused"
    );

    shelf.schedule(&place, Some(&schedule(&new))).unwrap();
    assert!(put_off.act(&config, now).proofs.is_empty(), "too early");
    assert_eq!(desk.served().fingerprint, old.fingerprint);
    assert_eq!(put_off.act(&config, later).proofs.len(), 1);
    assert_eq!(desk.served().fingerprint.to_string(), new);
    assert!(
        shelf
            .journal()
            .unwrap()
            .lines
            .last()
            .unwrap()
            .by
            .contains("anna")
    );
}

#[test]
fn putting_off_without_a_daemon_is_refused_with_the_remedy() {
    let desk = Desk::new();
    desk.staged();
    let at = [
        "activate",
        "edge",
        "--at",
        "2027-01-01T02:00Z",
        "--admin",
        "127.0.0.1:1",
    ];
    let refused = desk.run(&at).unwrap_err();
    assert_eq!(refused.exit(), Exit::Unavailable);
    assert!(refused.to_string().contains("leave --at away"), "{refused}");
    let (_, said) = desk.run(&["activate", "edge", "--cancel"]).unwrap();
    assert_eq!(said["cancelled"], false);
}

#[test]
fn what_is_put_off_beyond_its_end_is_not_said_to_have_ended() {
    let desk = Desk::new();
    desk.staged();
    let at = |moment| ["activate", "edge", "--at", moment, "--admin", "127.0.0.1:1"];
    let refused = desk.run(&at("9000-01-01T00:00Z")).unwrap_err();
    assert_eq!(refused.exit(), Exit::Data);
    let said = refused.to_string();
    assert!(said.contains("not at 9000-01-01 00:00:00 UTC"), "{said}");
    assert!(said.contains("it ends before that, on "), "{said}");
    assert!(!said.contains("clock") && !said.contains("ended"), "{said}");
    // A moment that has passed means now, and now it is good: only the daemon is missing.
    let refused = desk.run(&at("2001-01-01T00:00Z")).unwrap_err();
    assert_eq!(refused.exit(), Exit::Unavailable, "{refused}");
}

#[test]
fn a_place_is_found_by_listener_and_by_host() {
    let desk = Desk::new();
    let config = desk.config();
    let whole = "edge/xsp1.example.net";
    assert_eq!(place::find(&config, "edge").unwrap().name, whole);
    assert_eq!(
        place::find(&config, "edge/XSP1.example.net").unwrap().name,
        whole
    );
    let unknown = place::find(&config, "egde").unwrap_err();
    assert!(matches!(&unknown, PlaceProblem::Unknown { .. }));
    assert!(unknown.to_string().contains(whole));
}
