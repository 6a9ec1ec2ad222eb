//! What is loaded at a start and at a reload when time has gone on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use tempfile::TempDir;

use super::*;
use crate::config::from_text;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::domain::certs::mint::Webex;

const HOST: &str = "xsp.example.com";

/// Files of a host that a test may name, and a trust set.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Ten years from the first of January.
    fn put(&self, name: &str, year: i32) {
        let root = Minted::root(mint::since(mint::ca("Root"), 1990));
        let mut issuing = mint::ca("Issuing");
        issuing.not_before = rcgen::date_time_ymd(1990, 1, 1);
        let issuing = root.issue(issuing);
        let params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        let leaf = issuing.issue(mint::since(params, year));
        let key = self.0.path().join(format!("{name}.key"));
        let chain = self.0.path().join(format!("{name}.pem"));
        fs::write(chain, leaf.pem() + &issuing.pem()).unwrap();
        fs::write(&key, leaf.key_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn trust(&self, year: i32) {
        fs::write(self.0.path().join("chain.txt"), Webex::of(year).pem()).unwrap();
    }

    fn config(&self, pair: &str, trust: &str) -> Config {
        let folder = self.0.path().display();
        let text = format!(
            r#"
            {trust}
            [[pool]]
            name = "xsp"
            upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
            [[listener]]
            name = "edge"
            addresses = ["127.0.0.1:0"]
            [[listener.host]]
            names = ["{HOST}"]
            certificates = [{{ chain = "{folder}/{pair}.pem", key = "file:{folder}/{pair}.key" }}]
            "#
        );
        from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn with_trust(&self, refuse_expired: bool) -> Config {
        let folder = self.0.path().display();
        self.config(
            "a",
            &format!(
                "[[trust]]\nname = \"webex\"\nfiles = [\"{folder}/chain.txt\"]\nrefuse-expired = \
                 {refuse_expired}"
            ),
        )
    }
}

fn years(years: u64) -> Duration {
    Duration::from_secs(years * 365 * 86_400)
}

fn start(config: &Config, now: SystemTime) -> Material {
    let (material, problems) = Material::load(config, Strictness::AllMustBeGood(None), now);
    assert!(problems.is_empty(), "{problems:?}");
    material
}

fn leaf(material: &Material) -> Vec<u8> {
    let held = material.certificates.values().next().unwrap();
    held.cert.first().unwrap().to_vec()
}

#[test]
fn a_start_presents_what_is_outside_of_its_dates_and_says_so() {
    let folder = Folder::new();
    for (year, word) in [
        (2010, "it ended on 2020-01-01"),
        (2030, "it starts on 2030-01-01"),
    ] {
        folder.put("a", year);
        let material = start(&folder.config("a", ""), mint::now());
        assert_eq!(material.certificates.len(), 1);
        let told = &material.out_of_date[0];
        assert_eq!(told.path, "listener.edge");
        assert!(told.what.contains("a.pem: Certificate 1"), "{}", told.what);
        assert!(told.what.contains(word), "{}", told.what);
    }
    folder.put("a", 2023);
    let material = start(&folder.config("a", ""), mint::now());
    assert_eq!(material.out_of_date, []);
}

#[test]
fn a_file_that_only_time_has_touched_does_not_refuse_a_reload() {
    let folder = Folder::new();
    folder.put("a", 2023);
    let config = folder.config("a", "");
    let proven = start(&config, mint::now());
    let later = mint::now() + years(20);
    for strictness in [
        Strictness::AllMustBeGood(Some(&proven)),
        Strictness::KeepProven(&proven),
    ] {
        let (material, problems) = Material::load(&config, strictness, later);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(leaf(&material), leaf(&proven));
        assert!(!material.out_of_date.is_empty());
    }
}

#[test]
fn a_replacement_outside_of_its_dates_is_refused_while_the_proven_one_is_better() {
    let folder = Folder::new();
    folder.put("a", 2023);
    let config = folder.config("a", "");
    let proven = start(&config, mint::now());
    folder.put("a", 2010);
    let (material, problems) =
        Material::load(&config, Strictness::KeepProven(&proven), mint::now());
    assert!(
        problems[0].to_string().contains("it ended on"),
        "{problems:?}"
    );
    assert_eq!(leaf(&material), leaf(&proven));
    let all = Strictness::AllMustBeGood(Some(&proven));
    assert_eq!(Material::load(&config, all, mint::now()).1.len(), 1);
    // Other files by another configuration are a replacement, too.
    folder.put("b", 2010);
    let other = folder.config("b", "");
    let all = Strictness::AllMustBeGood(Some(&proven));
    assert_eq!(Material::load(&other, all, mint::now()).1.len(), 1);
    // When the proven one has ended as well, the one that lasted longer is as good as any.
    folder.put("a", 2030);
    let late = mint::now() + years(30);
    let (material, problems) = Material::load(&config, Strictness::KeepProven(&proven), late);
    assert!(problems.is_empty(), "{problems:?}");
    assert_ne!(leaf(&material), leaf(&proven));
}

#[test]
fn a_start_with_a_clock_that_is_behind_lets_nobody_in_until_it_is_right() {
    let folder = Folder::new();
    folder.put("a", 1995);
    folder.trust(2023);
    let early = rcgen::date_time_ymd(2001, 1, 1).into();
    for refuse_expired in [true, false] {
        let config = folder.with_trust(refuse_expired);
        let proven = start(&config, early);
        assert!(proven.trust["webex"].facts().is_empty());
        assert_eq!(proven.out_of_date[0].path, "trust.webex");
        let begins: SystemTime = rcgen::date_time_ymd(2023, 1, 1).into();
        assert_eq!(proven.next_change, Some(begins));
        // Neither then nor once it is right is a reload refused.
        for now in [early, mint::now()] {
            let all = Strictness::AllMustBeGood(Some(&proven));
            let (material, problems) = Material::load(&config, all, now);
            assert!(problems.is_empty(), "{problems:?}");
            let there = material.trust["webex"].facts().len();
            assert_eq!(there, if now == early { 0 } else { 2 });
        }
    }
}

#[test]
fn a_trust_set_that_is_good_never_makes_room_for_one_that_is_not() {
    let folder = Folder::new();
    folder.put("a", 2023);
    folder.trust(2023);
    let config = folder.with_trust(true);
    let proven = start(&config, mint::now());
    // The same files, when the clock is set back: what is in use stays, and nothing is refused.
    let early = rcgen::date_time_ymd(2001, 1, 1).into();
    let all = Strictness::AllMustBeGood(Some(&proven));
    let (material, problems) = Material::load(&config, all, early);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(material.trust["webex"].facts().len(), 2);
    folder.trust(2010);
    let (material, problems) =
        Material::load(&config, Strictness::KeepProven(&proven), mint::now());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(material.trust["webex"].facts().len(), 2);
}
