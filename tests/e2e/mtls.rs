//! Who gets in: the matrix of TLS versions, client-certificate policies and client certificates.

use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::support::BOUND;
use crate::support::client::Client;
use crate::support::client::Offer;
use crate::support::daemon::Daemon;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;
use crate::support::pki::Identity;
use crate::support::pki::Key;
use crate::support::pki::WEBEX_NAME;

/// What a client finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finds {
    Status(u16),
    /// No handshake, counted under this reason.
    Refusal(&'static str),
}

/// Three hosts on one port, one per policy.
fn three_hosts(stage: &Stage) -> String {
    let mut config = format!(
        "{}\n[[listener]]\nname = \"edge\"\naddresses = [\"{}\"]\nroutes = [\"xsi-actions\"]\n\
         trust = \"webex\"\nidentity-mode = \"enforce\"\nallowed-identities = [\"{}\"]\n",
        stage.common(),
        stage.address,
        WEBEX_NAME.to_uppercase(),
    );
    for policy in ["none", "optional", "required"] {
        let (chain, key) = stage
            .public
            .server(&[&format!("{policy}.test")], Key::P256)
            .write(stage.path(), policy);
        config += &format!(
            "[[listener.host]]\nnames = [\"{policy}.test\"]\nclient-certificates = \"{policy}\"\n\
             certificates = [{{ chain = \"{}\", key = \"file:{}\" }}]\n",
            chain.display(),
            key.display(),
        );
    }
    config
}

fn certificates(stage: &Stage) -> Vec<(&'static str, Option<Identity>)> {
    let webex = &stage.webex;
    vec![
        ("good", Some(webex.client(Kind::Good))),
        ("none", None),
        ("expired", Some(webex.client(Kind::Expired))),
        ("wrong name", Some(webex.client(Kind::WrongName))),
        ("no EKU", Some(webex.client(Kind::NoPurpose))),
        ("serverAuth only", Some(webex.client(Kind::ServerPurpose))),
        (
            "evil CA",
            Some(Authority::new("Internal Private").client(Kind::Good)),
        ),
        (
            "leaf-only chain",
            Some(webex.client(Kind::Good).leaf_only()),
        ),
    ]
}

fn expected(policy: &str, certificate: &str) -> Finds {
    if policy == "none" {
        return Finds::Status(200);
    }
    match certificate {
        // The set holds root and issuing, so a leaf alone is enough, as on the XSP.
        "good" | "leaf-only chain" => Finds::Status(200),
        "none" if policy == "optional" => Finds::Status(200),
        "none" => Finds::Refusal("certificate-required"),
        "expired" => Finds::Refusal("certificate-expired"),
        "wrong name" => Finds::Status(403),
        "no EKU" => Finds::Refusal("certificate-purpose-absent"),
        "serverAuth only" => Finds::Refusal("certificate-purpose-wrong"),
        "evil CA" => Finds::Refusal("certificate-unknown-issuer"),
        other => panic!("no expectation for {other}"),
    }
}

async fn failures(daemon: &Daemon, reason: &str) -> f64 {
    let series = format!("xspd_handshake_failures_total{{listener=\"edge\",reason=\"{reason}\"}}");
    daemon.metric(&series).await.unwrap()
}

/// Waits for one more failure: the client may hear of it before it is counted.
async fn one_more(daemon: &Daemon, reason: &str, before: f64, context: &str) {
    let counted = async {
        while failures(daemon, reason).await < before + 1.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, counted).await.expect(context);
    assert_eq!(failures(daemon, reason).await, before + 1.0, "{context}");
}

#[tokio::test]
async fn every_certificate_meets_its_policy_in_both_tls_versions() {
    let stage = Stage::new().await;
    let daemon = stage.start(&three_hosts(&stage)).await;
    for offer in [Offer::Tls12, Offer::Tls13] {
        for policy in ["none", "optional", "required"] {
            for (name, identity) in certificates(&stage) {
                let mut client = Client::new(stage.address)
                    .name(&format!("{policy}.test"))
                    .trusting(stage.public.root())
                    .offering(offer);
                if let Some(identity) = identity {
                    client = client.showing(identity);
                }
                let context = format!("{offer:?}, {policy}, {name}");
                match expected(policy, name) {
                    Finds::Status(status) => {
                        let answer = client.get(PROFILE).await;
                        assert_eq!(answer.expect(&context).status, status, "{context}");
                    }
                    Finds::Refusal(reason) => {
                        let before = failures(&daemon, reason).await;
                        assert!(client.get(PROFILE).await.is_err(), "{context}");
                        one_more(&daemon, reason, before, &context).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_protected_host_is_not_reached_under_an_open_hosts_name() {
    let stage = Stage::new().await;
    let _daemon = stage.start(&three_hosts(&stage)).await;
    let open = Client::new(stage.address)
        .name("none.test")
        .trusting(stage.public.root());
    let request = format!("GET {PROFILE} HTTP/1.1\r\nHost: required.test\r\n\r\n");
    assert_eq!(open.exchange(request.as_bytes()).await.unwrap().status, 421);
    let anonymous = Client::new(stage.address);
    assert_eq!(
        anonymous.exchange(request.as_bytes()).await.unwrap().status,
        421
    );
    assert_eq!(stage.relayed().len(), 0);
}

#[tokio::test]
async fn no_session_is_resumed_where_client_certificates_are_asked_for() {
    let stage = Stage::new().await;
    let _daemon = stage.start(&three_hosts(&stage)).await;
    for offer in [Offer::Tls12, Offer::Tls13] {
        for policy in ["optional", "required"] {
            let client = Client::new(stage.address)
                .name(&format!("{policy}.test"))
                .trusting(stage.public.root())
                .showing(stage.webex.client(Kind::Good))
                .offering(offer);
            let kinds = client.handshake_kinds(3).await.unwrap();
            let full = vec![rustls::HandshakeKind::Full; 3];
            assert_eq!(kinds, full, "{offer:?}, {policy}");
        }
    }
    // The same client resumes on the open host, so it is the server that refuses above.
    let open = Client::new(stage.address)
        .name("none.test")
        .trusting(stage.public.root());
    let kinds = open.handshake_kinds(3).await.unwrap();
    assert!(kinds.contains(&rustls::HandshakeKind::Resumed), "{kinds:?}");
}

#[tokio::test]
async fn an_unlisted_identity_is_let_in_and_counted_in_observe_mode() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.mutual()).await;
    let answer = stage.webex_client().get(PROFILE).await.unwrap();
    assert_eq!(answer.status, 200);
    let unlisted = daemon
        .metric("xspd_client_identity_unlisted_total{listener=\"edge\"}")
        .await;
    assert_eq!(unlisted, Some(1.0));
    let used = daemon
        .metric(
            "xspd_trust_generation_used_total{trust=\"webex\",generation=\"CombinedCertChain2026.txt\"}",
        )
        .await;
    assert_eq!(used, Some(1.0));
    let line = daemon.logged(&["not listed", WEBEX_NAME]).await;
    assert!(line.contains("allowed-identities"), "{line}");
}

#[tokio::test]
async fn the_purpose_check_can_be_relaxed_for_leaves_without_a_purpose() {
    let stage = Stage::new().await;
    let rules = "client-certificates = \"required\"\ntrust = \"webex\"\n\
                 require-client-auth-eku = false";
    let _daemon = stage.start(&stage.config(rules, "")).await;
    let client = |kind| stage.client().showing(stage.webex.client(kind));
    assert_eq!(
        client(Kind::NoPurpose).get(PROFILE).await.unwrap().status,
        200
    );
    assert!(client(Kind::ServerPurpose).get(PROFILE).await.is_err());
}

#[tokio::test]
async fn clients_with_every_sound_kind_of_key_get_in() {
    let stage = Stage::new().await;
    let _daemon = stage.start(&stage.mutual()).await;
    for key in [Key::Ed25519, Key::P256, Key::P384, Key::Rsa2048] {
        let client = stage
            .client()
            .showing(stage.webex.client_named(WEBEX_NAME, key));
        assert_eq!(client.get(PROFILE).await.unwrap().status, 200, "{key:?}");
    }
}

#[tokio::test]
async fn each_client_gets_the_certificate_of_its_key_type() {
    let stage = Stage::new().await;
    stage
        .public
        .server(&[super::stage::HOST], Key::Rsa2048)
        .write(stage.path(), "rsa");
    let folder = stage.path().display().to_string();
    let config = stage.config("", "").replace(
        "certificates = [",
        &format!(
            "certificates = [{{ chain = \"{folder}/rsa.pem\", key = \"file:{folder}/rsa.key\" }}, "
        ),
    );
    let _daemon = stage.start(&config).await;
    // rustls offers ECDSA and RSA; the first configured that fits is RSA.
    let leaf = super::stage::presented(&stage.client()).await;
    let rsa = std::fs::read_to_string(stage.path().join("rsa.pem")).unwrap();
    assert!(rsa.starts_with(&crate::support::pki::pem(&[leaf])));
}

#[tokio::test]
async fn a_trust_file_with_the_root_alone_takes_clients_that_send_the_issuing_ca() {
    let stage = Stage::new().await;
    let file = stage.path().join("CombinedCertChain2026.txt");
    std::fs::write(file, stage.webex.root_pem()).unwrap();
    let daemon = stage.start(&stage.mutual()).await;
    let answer = stage.webex_client().get(PROFILE).await.unwrap();
    assert_eq!(answer.status, 200);
    let stranger = Authority::new("Stranger").client(Kind::Good);
    let refused = stage.client().showing(stranger).get(PROFILE).await;
    assert!(refused.is_err());
    daemon
        .logged(&["Handshake failed", "certificate-unknown-issuer"])
        .await;
    let unsaid = stage.client().showing(stage.webex.client(Kind::NoPurpose));
    assert!(unsaid.get(PROFILE).await.is_err());
    daemon
        .logged(&["Handshake failed", "certificate-purpose-absent"])
        .await;
}
