//! The files and the words of a lab, without starting one.

use std::collections::BTreeSet;
use std::time::Duration;

use super::description::Description;
use super::ports::Addresses;
use super::world::World;
use super::*;

fn addresses() -> Addresses {
    Addresses {
        xsi: ([127, 0, 0, 1], 8440).into(),
        auth_mtls: ([127, 0, 0, 1], 8441).into(),
        admin: ([127, 0, 0, 1], 8442).into(),
        broadworks_xsi: ([127, 0, 0, 1], 8443).into(),
        broadworks_ocip: ([127, 0, 0, 1], 8444).into(),
        webex_ci: ([127, 0, 0, 1], 8445).into(),
        broadworks_xsi_2: ([127, 0, 0, 1], 8446).into(),
        broadworks_lab: ([127, 0, 0, 1], 8447).into(),
        cti: ([127, 0, 0, 1], 8448).into(),
        broadworks_cti: ([127, 0, 0, 1], 8449).into(),
        broadworks_ocir: ([127, 0, 0, 1], 8450).into(),
        provisioning: ([127, 0, 0, 1], 8451).into(),
        webex_api: ([127, 0, 0, 1], 8452).into(),
    }
}

fn world() -> World {
    World {
        users: vec![
            User {
                user_id: "bob@lab.example".to_owned(),
                password: None,
                alternate_id: Some("bob".to_owned()),
                service_provider: "lab-sp".to_owned(),
                group: "lab-group".to_owned(),
                extension: None,
                number: None,
            },
            User {
                user_id: "alice@lab.example".to_owned(),
                password: Some("wonder land".to_owned()),
                alternate_id: None,
                service_provider: "lab-sp".to_owned(),
                group: "lab-group".to_owned(),
                extension: Some("1001".to_owned()),
                number: None,
            },
        ],
        administrator: Administrator {
            user_id: "admin".to_owned(),
            password: "secret".to_owned(),
        },
        ocip_administrator: Administrator {
            user_id: "xspd-ocip".to_owned(),
            password: "other secret".to_owned(),
        },
    }
}

fn pki() -> (tempfile::TempDir, Pki) {
    let state = tempfile::tempdir().unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400);
    let (pki, _) = Pki::open(state.path(), false, None, now).unwrap();
    (state, pki)
}

fn keys(value: &serde_json::Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_description_has_the_keys_that_scripts_read() {
    let (state, pki) = pki();
    let config = state.path().join("xspd.toml");
    let document = Description::new(&pki, &addresses(), world(), config).document();
    assert_eq!(
        keys(&document),
        BTreeSet::from([
            "administrator",
            "ca",
            "client-certificates",
            "config",
            "endpoints",
            "ocip-administrator",
            "pid",
            "trust-file",
            "users",
        ])
    );
    let certificates = &document["client-certificates"];
    assert_eq!(
        keys(certificates),
        BTreeSet::from([
            "expired",
            "good",
            "leaf-only",
            "no-eku",
            "server-auth-only",
            "unknown-ca",
            "wrong-name",
        ])
    );
    for name in keys(certificates) {
        assert_eq!(keys(&certificates[name]), BTreeSet::from(["cert", "key"]));
        for file in ["cert", "key"] {
            let path = Path::new(certificates[name][file].as_str().unwrap());
            assert!(path.is_absolute() && path.exists(), "{}", path.display());
        }
    }
    assert_eq!(
        keys(&document["users"][0]),
        BTreeSet::from([
            "alternate-id",
            "extension",
            "group",
            "number",
            "password",
            "service-provider",
            "user-id",
        ])
    );
    for administrator in ["administrator", "ocip-administrator"] {
        assert_eq!(
            keys(&document[administrator]),
            BTreeSet::from(["password", "user-id"])
        );
    }
}

#[test]
fn the_description_has_an_endpoint_for_every_port() {
    let (state, pki) = pki();
    let config = state.path().join("xspd.toml");
    let document = Description::new(&pki, &addresses(), world(), config).document();
    assert_eq!(
        document["endpoints"],
        serde_json::json!({
            "xsi": "https://localhost:8440",
            "authservice-mtls": "https://localhost:8441",
            "admin": "http://127.0.0.1:8442",
            "broadworks-xsi": "http://127.0.0.1:8443",
            "authservice": "https://localhost:8440",
            "broadworks-xsi-2": "http://127.0.0.1:8446",
            "broadworks-lab": "http://127.0.0.1:8447",
            "cti": "localhost:8448",
            "broadworks-cti": "localhost:8449",
            "broadworks-ocip": "127.0.0.1:8444",
            "broadworks-ocir": "127.0.0.1:8450",
            "provisioning": "https://localhost:8451",
            "webex-api": "https://localhost:8452",
            "webex-ci": "https://localhost:8445",
            "webex-idp-proxy": "https://localhost:8445/broadworks-idp-proxy/api/v1",
        })
    );
}

#[test]
fn the_configuration_is_toml_with_the_paths_and_ports_of_this_lab() {
    let (state, pki) = pki();
    let odd = state.path().join("with \"quotes\" and \\ in it");
    let secrets = Secrets::below(&odd);
    let text = edge::configuration(
        &odd,
        &pki,
        &addresses(),
        &secrets,
        "xspd-ocip",
        "admin@as.example.net",
    );
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["state-dir"].as_str(), odd.to_str(), "{text}");
    let listeners = table["listener"].as_array().unwrap();
    assert_eq!(
        listeners[0]["addresses"][0].as_str(),
        Some("127.0.0.1:8440")
    );
    assert_eq!(
        listeners[1]["addresses"][0].as_str(),
        Some("127.0.0.1:8441")
    );
    assert_eq!(
        listeners[1]["client-certificates"].as_str(),
        Some("required")
    );
    assert_eq!(
        table["trust"][0]["files"][0].as_str(),
        pki.trust_file().to_str()
    );
    let cisco = &table["auth-service"]["identity-providers"]["cisco"];
    assert_eq!(
        cisco["token-info-url"].as_str(),
        Some("https://localhost:8445/broadworks-idp-proxy/api/v1/idp/authenticate")
    );
    let secret = format!("file:{}", secrets.refresh_token.display());
    assert_eq!(
        cisco["federation"]["refresh-token"].as_str(),
        Some(&*secret)
    );
    assert_eq!(
        table["application-server"]["addresses"][0].as_str(),
        Some("127.0.0.1:8444")
    );
}

#[test]
fn the_configuration_is_one_that_the_daemon_takes() {
    let (state, pki) = pki();
    let config = configure(state.path(), false, &pki, &addresses(), &world()).unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let loaded = crate::config::load(&config).unwrap_or_else(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", lines.join("\n"));
    });
    let service = loaded.config.auth_service.unwrap();
    let cisco = service.cisco.unwrap();
    assert_eq!(
        cisco.organization.as_deref(),
        Some(crate::lab::webex::ORGANIZATION)
    );
    let secret = cisco.client_secret.read().unwrap();
    assert_eq!(secret.expose(), crate::lab::webex::CLIENT_SECRET.as_bytes());
    let server = loaded.config.application_server.unwrap();
    assert_eq!(server.password.read().unwrap().expose(), b"other secret");
}

#[test]
fn a_fresh_lab_forgets_what_the_daemon_kept() {
    let (state, pki) = pki();
    let kept = state.path().join("edge/authservice/keys.json");
    let configure = |fresh| configure(state.path(), fresh, &pki, &addresses(), &world()).unwrap();
    configure(true);
    std::fs::create_dir(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, "{}").unwrap();
    configure(false);
    assert!(kept.exists());
    configure(true);
    assert!(!kept.exists());
}

#[test]
fn every_endpoint_to_try_and_every_described_certificate_has_an_example() {
    let (state, pki) = pki();
    let config = state.path().join("xspd.toml");
    let description = Description::new(&pki, &addresses(), world(), config);
    let examples = examples::examples(&description);
    for pair in description.client_certificates.values() {
        let certificate = pair.cert.to_str().unwrap();
        assert!(
            examples.iter().any(|e| e.command.contains(certificate)),
            "{certificate}"
        );
    }
    for name in [
        "xsi",
        "authservice-mtls",
        "admin",
        "cti",
        "webex-ci",
        "webex-idp-proxy",
    ] {
        let url = &description.endpoints[name];
        assert!(examples.iter().any(|e| e.command.contains(url)), "{url}");
    }
    // Bob is first, but nobody knows his password any more.
    let profile = &examples[0].command;
    assert!(
        profile.contains("--user 'alice@lab.example:wonder land'"),
        "{profile}"
    );
}

#[test]
fn what_is_told_of_an_error_says_what_to_do() {
    let path = PathBuf::from("/somewhere");
    for (error, remedy) in [
        (
            ScenarioError::InUse {
                path: path.clone(),
                process: Some(7),
            },
            "(process 7); stop that one, or choose another directory with --state-dir",
        ),
        (
            ScenarioError::InUse {
                path: path.clone(),
                process: None,
            },
            "another lab; stop that one",
        ),
        (ScenarioError::NotOurs { path }, "--state-dir"),
        (ScenarioError::PortInUse { port: 8441 }, "--ports auto"),
    ] {
        let text = error.to_string();
        assert!(text.contains(remedy), "{text}");
    }
}
