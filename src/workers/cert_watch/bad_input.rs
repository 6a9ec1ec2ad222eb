//! Files that nobody should have put there, each with the reason that is told of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use rcgen::CertificateParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::SanType;
use rcgen::date_time_ymd;

use crate::config::Config;
use crate::config::from_text;
use crate::domain::alarms::AlarmName;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::domain::certs::watchlist::Action;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Watchlist;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::workers::cert_watch::read;
use crate::workers::cert_watch::rules;
use crate::workers::cert_watch::scan;
use crate::workers::cert_watch::scan::Cache;

const HOST: &str = "xsp.example.com";

struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("watched.pem")
    }

    /// A configuration that watches the one file.
    fn config(&self, more: &str) -> Config {
        let text = format!(
            r#"
            [[certificate]]
            name = "watched"
            files = ["{}"]
            {more}
            [[pool]]
            name = "xsp"
            upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
            [[listener]]
            name = "none"
            addresses = ["127.0.0.1:0"]
            plaintext = true
            [[listener.host]]
            names = ["*"]
            "#,
            self.path().display()
        );
        from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// The fault, or the findings.
    fn reasons_with(&self, more: &str) -> Vec<&'static str> {
        let config = self.config(more);
        let scan = scan::files(&config, &[], &mut Cache::default(), mint::now());
        match &scan.sightings[0].seen {
            Ok(Seen::Chain(chain)) => {
                let found = chain.findings().iter();
                found.map(|finding| finding.word()).collect()
            }
            Ok(Seen::Account(_) | Seen::Crl(_) | Seen::Dates { .. }) => panic!("no certificate"),
            Err(fault) => vec![fault.word()],
        }
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.reasons_with("")
    }
}

/// What is told of a file with these bytes.
fn reasons(bytes: impl AsRef<[u8]>) -> Vec<&'static str> {
    let shelf = Shelf::new();
    fs::write(shelf.path(), bytes).unwrap();
    shelf.reasons()
}

/// A leaf of an issuer that comes along, so that nothing else is wrong with it.
fn leaf(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
    change(&mut params);
    Minted::root(mint::ca("CA")).issue(params).der
}

/// The same bytes with some replaced.
fn patched(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(der, from).unwrap();
    let mut der = der.to_vec();
    der[at..at + to.len()].copy_from_slice(to);
    der
}

#[test]
fn truncated_der_is_no_certificate() {
    let whole = leaf(|_| {});
    for length in [3, whole.len() / 2, whole.len() - 1] {
        assert_eq!(reasons(&whole[..length]), ["bad-certificate"], "{length}");
    }
}

#[test]
fn ten_thousand_names_are_remarked_upon_or_too_large_to_read() {
    let named = |make: fn(usize) -> String| {
        leaf(|params| {
            let names = (0..10_000).map(make);
            let names = names.map(|name| SanType::DnsName(name.as_str().try_into().unwrap()));
            params.subject_alt_names.extend(names);
        })
    };
    let short = named(|nth| format!("{nth:x}"));
    assert!(
        short.len() < crate::domain::certs::facts::LARGEST,
        "{}",
        short.len()
    );
    let found = reasons(&short);
    assert!(found.contains(&"too-many-names"), "{found:?}");
    let long = named(|nth| format!("host-{nth}.customers.example.com"));
    assert_eq!(reasons(&long), ["bad-certificate"]);
}

#[test]
fn a_negative_serial_is_named() {
    let der = leaf(|params| {
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x71, 0x72, 0x73, 0x74]));
    });
    let found = reasons(patched(&der, &[0x71, 0x72, 0x73, 0x74], &[0xf1]));
    assert!(found.contains(&"serial-negative"), "{found:?}");
}

#[test]
fn the_year_9999_is_no_end() {
    let found = reasons(leaf(|params| {
        params.not_after = date_time_ymd(9999, 12, 31)
    }));
    assert!(found.contains(&"never-ends"), "{found:?}");
}

#[test]
fn a_start_after_the_end_is_named() {
    let found = reasons(leaf(|params| {
        params.not_before = date_time_ymd(2030, 1, 1);
        params.not_after = date_time_ymd(2025, 1, 1);
    }));
    assert!(found.contains(&"dates-reversed"), "{found:?}");
}

#[test]
fn a_subject_that_is_no_text_is_named_and_shown_escaped() {
    let der = leaf(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "xspAAAA");
    });
    let der = patched(&der, b"AAAA", &[0xff, 0xfe, 0x07, 0x80]);
    let found = reasons(&der);
    assert!(found.contains(&"name-garbled"), "{found:?}");
    let facts = crate::domain::certs::CertificateFacts::parse(&der).unwrap();
    assert!(
        !facts.subject.contains(char::is_control),
        "{}",
        facts.subject
    );
}

#[test]
fn rsa_of_1024_bits_is_weak() {
    assert!(reasons(mint::short_root()).contains(&"weak-key"));
}

#[test]
fn an_unknown_curve_is_weak() {
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let mut unknown = curve;
    unknown[7] = 0x77;
    let found = reasons(patched(&leaf(|_| {}), &curve, &unknown));
    assert!(found.contains(&"weak-key"), "{found:?}");
}

#[test]
fn junk_around_pem_is_passed_over_and_junk_inside_is_not() {
    let good = crate::domain::certs::pem::certificate(&leaf(|_| {}));
    let clean = reasons(&good);
    let junk = format!("\u{feff}Bag Attributes\r\n\0\u{1b}[2J{good}\nmore junk");
    assert_eq!(reasons(junk), clean);
    let (head, tail) = good.split_at(200);
    assert_eq!(reasons(format!("{head}\0!{tail}")), ["bad-pem"]);
}

#[test]
fn a_sparse_gigabyte_is_capped_by_its_length() {
    let shelf = Shelf::new();
    let file = fs::File::create(shelf.path()).unwrap();
    file.set_len(1 << 30).unwrap();
    assert_eq!(shelf.reasons(), ["too-large"]);
}

#[test]
fn a_directory_is_no_file() {
    let shelf = Shelf::new();
    fs::create_dir(shelf.path()).unwrap();
    assert_eq!(shelf.reasons(), ["directory"]);
}

/// The kernel says that it is empty, and it is not: as one that grows under the reader.
#[test]
fn a_file_that_changes_while_it_is_read_is_read_again_later() {
    let fault = read::read(Path::new("/proc/self/status"), 1 << 20).unwrap_err();
    assert_eq!(fault.word(), "changed-while-read");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "somebody else who moves the link; the test joins it"
)]
fn a_link_that_is_moved_while_it_is_read_gives_one_file_or_the_other() {
    let shelf = Shelf::new();
    let (one, two) = (shelf.0.path().join("one"), shelf.0.path().join("two"));
    // Of different length, so that a mixture would be seen.
    fs::write(&one, "1".repeat(300_000)).unwrap();
    fs::write(&two, "2".repeat(200_000)).unwrap();
    symlink(&one, shelf.path()).unwrap();
    let (path, next) = (shelf.path(), shelf.0.path().join("next"));
    let swapper = std::thread::spawn(move || {
        for turn in 0..200 {
            symlink(if turn % 2 == 0 { &two } else { &one }, &next).unwrap();
            fs::rename(&next, &path).unwrap();
        }
    });
    while !swapper.is_finished() {
        let (_, bytes) = read::read(&shelf.path(), 1 << 20).unwrap();
        assert!(
            bytes == b"1".repeat(300_000) || bytes == b"2".repeat(200_000),
            "{} bytes",
            bytes.len()
        );
    }
    swapper.join().unwrap();
}

#[test]
fn a_file_that_vanishes_is_lost_by_name() {
    let shelf = Shelf::new();
    fs::write(shelf.path(), leaf(|_| {})).unwrap();
    let config = shelf.config("[certificates]\nlost-after = 2\n");
    let now = clock::now();
    let mut watchlist = Watchlist::new(rules(&config), now);
    let mut cache = Cache::default();
    let mut lost = || {
        let scan = scan::files(&config, &[], &mut cache, mint::now());
        watchlist.handle(Input::Scanned(scan), now);
        let mut steps = Vec::new();
        while let Some(action) = watchlist.poll_action() {
            if let Action::Publish(board) = action {
                steps = board
                    .standings
                    .iter()
                    .flat_map(|held| held.problems.clone())
                    .filter(|problem| problem.alarm == AlarmName::CertificateSourceLost)
                    .map(|problem| problem.step)
                    .collect();
            }
        }
        steps
    };
    assert_eq!(lost(), [""; 0]);
    fs::remove_file(shelf.path()).unwrap();
    assert_eq!(lost(), [""; 0], "once may be a rename");
    assert_eq!(lost(), ["missing"]);
}

/// The right password opens it, though the same bytes were refused before.
#[test]
fn a_wrong_password_is_named_until_the_right_one_is_there() {
    const FILE: &[u8] = include_bytes!("../../../tests/fixtures/wire/certificates/aes256.p12");
    let shelf = Shelf::new();
    fs::write(shelf.path(), FILE).unwrap();
    let secret = shelf.0.path().join("password");
    let password = |text: &str| {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let config = shelf.config(&format!("password = \"file:{}\"", secret.display()));
    let mut cache = Cache::default();
    let mut fault = || {
        let scan = scan::files(&config, &[], &mut cache, mint::now());
        scan.sightings[0]
            .seen
            .as_ref()
            .err()
            .map(|fault| fault.word())
    };
    assert_eq!(fault(), Some("password-unreadable"));
    password("wrong\n");
    assert_eq!(fault(), Some("locked"));
    password("smörgås\n");
    assert_eq!(fault(), None);
}
