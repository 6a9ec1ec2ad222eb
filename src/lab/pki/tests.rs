//! What each certificate is good for, judged by rustls itself, and when a set is kept.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// 21 November 2026, noon.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400)
}

fn minted() -> (tempfile::TempDir, Pki) {
    let state = tempfile::tempdir().unwrap();
    let (pki, origin) = Pki::open(state.path(), false, None, noon()).unwrap();
    assert_eq!(origin, Origin::Minted);
    (state, pki)
}

/// One set for the tests that only look; keys take a while.
static SHARED: LazyLock<(tempfile::TempDir, Pki)> = LazyLock::new(minted);

fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn subject(der: &CertificateDer<'_>) -> String {
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    certificate.subject().to_string()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The verdict of rustls alone, with the whole trust file as anchors.
fn verdict(pki: &Pki, client: Client) -> Result<(), rustls::Error> {
    let mut anchors = RootCertStore::empty();
    for der in chain(pki.trust_file()) {
        anchors.add(der).unwrap();
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), provider())
        .build()
        .unwrap();
    let shown = chain(&pki.client(client).cert);
    let since_epoch = noon().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    verifier
        .verify_client_cert(
            &shown[0],
            &shown[1..],
            UnixTime::since_unix_epoch(since_epoch),
        )
        .map(drop)
}

#[test]
fn each_client_certificate_is_good_or_bad_in_its_own_way() {
    use rustls::CertificateError as Bad;
    let (_, pki) = &*SHARED;
    for client in [
        Client::Good,
        Client::LeafOnly,
        Client::NoEku,
        Client::Rsa,
        Client::WrongName,
    ] {
        assert_eq!(verdict(pki, client), Ok(()), "{client:?}");
    }
    let refusal = |client| match verdict(pki, client) {
        Err(rustls::Error::InvalidCertificate(bad)) => bad,
        other => panic!("{client:?}: {other:?}"),
    };
    assert!(matches!(
        refusal(Client::Expired),
        Bad::Expired | Bad::ExpiredContext { .. }
    ));
    assert!(matches!(
        refusal(Client::ServerAuthOnly),
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. }
    ));
    // The same names, so the signature is what fails.
    assert!(matches!(
        refusal(Client::UnknownCa),
        Bad::UnknownIssuer | Bad::BadSignature
    ));
}

#[test]
fn every_certificate_has_its_own_key_that_only_the_owner_may_read() {
    let (_, pki) = &*SHARED;
    let pairs = ServerKey::ALL
        .map(|key| pki.server(key))
        .into_iter()
        .chain(Client::ALL.map(|client| pki.client(client)))
        .chain([pki.internal_ca(), pki.bridge()]);
    for pair in pairs {
        let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
        rustls::sign::CertifiedKey::from_der(chain(&pair.cert), key, &provider())
            .unwrap_or_else(|error| panic!("{}: {error}", pair.cert.display()));
        let mode = fs::metadata(&pair.key).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", pair.key.display());
    }
    let mode = fs::metadata(pki.ca().parent().unwrap()).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn the_trust_file_has_the_name_the_order_and_the_subjects_of_webexs() {
    let (_, pki) = &*SHARED;
    assert_eq!(
        pki.trust_file().file_name().unwrap(),
        "CombinedCertChain2026.txt"
    );
    let subjects: Vec<String> = chain(pki.trust_file()).iter().map(subject).collect();
    assert_eq!(
        subjects,
        ["CN=Internal Private Root", "CN=Internal Private TLS SubCA"]
    );
}

#[test]
fn the_identity_is_both_common_name_and_alternative_name() {
    let (_, pki) = &*SHARED;
    for (client, expected) in [
        (Client::Good, CLIENT_IDENTITY),
        (Client::WrongName, "someone-else.webex.com"),
    ] {
        let shown = chain(&pki.client(client).cert);
        let (_, leaf) = X509Certificate::from_der(&shown[0]).unwrap();
        assert_eq!(leaf.subject().to_string(), format!("CN={expected}"));
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        assert_eq!(
            names.value.general_names,
            [x509_parser::extensions::GeneralName::DNSName(expected)]
        );
    }
}

#[test]
fn only_leaf_only_lacks_the_issuing_certificate() {
    let (_, pki) = &*SHARED;
    for client in Client::ALL {
        let expected = if client == Client::LeafOnly { 1 } else { 2 };
        let shown = chain(&pki.client(client).cert);
        assert_eq!(shown.len(), expected, "{client:?}");
    }
}

/// Whether a client that has the lab's root believes what it is shown.
fn holds(pki: &Pki, shown: &[CertificateDer<'_>], name: &str, at: SystemTime) {
    let mut anchors = RootCertStore::empty();
    for der in chain(&pki.ca()) {
        anchors.add(der).unwrap();
    }
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(anchors), provider())
            .build()
            .unwrap();
    let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    rustls::client::danger::ServerCertVerifier::verify_server_cert(
        verifier.as_ref(),
        &shown[0],
        &shown[1..],
        &name.to_owned().try_into().unwrap(),
        &[],
        UnixTime::since_unix_epoch(since_epoch),
    )
    .unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn a_server_certificate_holds_for_every_name_it_is_used_under() {
    let (_, pki) = &*SHARED;
    for key in ServerKey::ALL {
        let shown = chain(&pki.server(key).cert);
        for name in SERVER_NAMES {
            holds(pki, &shown, name, noon());
        }
    }
}

#[test]
fn a_set_is_kept_until_a_day_before_its_first_end() {
    let (state, pki) = minted();
    let before = fs::read(pki.ca()).unwrap();

    let (kept, origin) = Pki::open(state.path(), false, None, noon() + DAY * 363).unwrap();
    assert_eq!(origin, Origin::Kept);
    assert_eq!(fs::read(kept.ca()).unwrap(), before);
    assert_eq!(kept.trust_file(), pki.trust_file());

    let late = noon() + DAY * 364 + Duration::from_secs(60);
    let (renewed, origin) = Pki::open(state.path(), false, None, late).unwrap();
    let Origin::Renewed(Stale::Ending { not_after, .. }) = &origin else {
        panic!("{origin:?}");
    };
    assert_eq!(*not_after, OffsetDateTime::from(noon() + DAY * 365));
    assert_ne!(fs::read(renewed.ca()).unwrap(), before);
    assert_eq!(
        renewed.trust_file().file_name().unwrap(),
        "CombinedCertChain2027.txt"
    );
}

#[test]
fn a_set_from_the_future_is_minted_anew() {
    let (state, _pki) = minted();
    let (_, origin) = Pki::open(state.path(), false, None, noon() - DAY).unwrap();
    assert!(
        matches!(origin, Origin::Renewed(Stale::NotYetValid { .. })),
        "{origin:?}"
    );
}

#[test]
fn a_damaged_or_missing_file_makes_a_new_set_and_is_named() {
    let (state, pki) = minted();
    let Pair { cert, key } = pki.client(Client::NoEku);

    fs::write(&cert, "not a certificate").unwrap();
    let (_, origin) = Pki::open(state.path(), false, None, noon()).unwrap();
    assert_eq!(
        origin.to_string(),
        "Minted new certificates, because client-no-eku.pem of the earlier run is missing or \
         damaged."
    );

    fs::remove_file(&key).unwrap();
    let (_, origin) = Pki::open(state.path(), false, None, noon()).unwrap();
    assert_eq!(
        origin,
        Origin::Renewed(Stale::Incomplete {
            file: "client-no-eku.key".to_owned()
        })
    );

    let (_, origin) = Pki::open(state.path(), false, None, noon()).unwrap();
    assert_eq!(origin, Origin::Kept);
}

#[test]
fn fresh_starts_over_and_an_unfinished_set_is_swept_away() {
    let (state, pki) = minted();
    let before = fs::read(pki.ca()).unwrap();
    fs::create_dir(state.path().join(UNFINISHED)).unwrap();
    fs::write(state.path().join(UNFINISHED).join("half"), "").unwrap();

    let (fresh, origin) = Pki::open(state.path(), true, None, noon()).unwrap();
    assert_eq!(origin, Origin::Minted);
    assert_ne!(fs::read(fresh.ca()).unwrap(), before);
    assert!(!state.path().join(UNFINISHED).exists());
    assert!(!fresh.ca().with_file_name("half").exists());
}

#[test]
fn server_certificates_that_are_to_end_soon_do_and_the_next_start_has_new_ones() {
    let state = tempfile::tempdir().unwrap();
    let life = Duration::from_secs(900);
    let (pki, _) = Pki::open(state.path(), false, Some(life), noon()).unwrap();
    let leaf = CertificateDer::from_pem_file(pki.server(ServerKey::Ecdsa).cert).unwrap();
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    let end = leaf.validity().not_after.to_datetime();
    assert_eq!(end, OffsetDateTime::from(noon() + life));
    let (_, origin) = Pki::open(state.path(), false, None, noon()).unwrap();
    assert!(
        matches!(&origin, Origin::Renewed(Stale::Ending { file, .. }) if file == "server-ecdsa.pem"),
        "{origin:?}"
    );
}

#[test]
fn the_public_ca_signs_what_is_asked_for_and_clients_believe_it() {
    let (state, pki) = minted();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["xsp.localhost".to_owned()]).unwrap();
    let request = params.serialize_request(&key).unwrap().pem().unwrap();
    let chain = sign(state.path(), &request, DAY, noon()).unwrap();
    let shown: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(shown.len(), 2);
    holds(&pki, &shown, "xsp.localhost", noon() + DAY / 2);
    let nonsense = sign(state.path(), "no request", DAY, noon());
    assert!(matches!(nonsense, Err(PkiError::Mint(_))), "{nonsense:?}");
}
