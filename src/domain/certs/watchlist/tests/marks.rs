//! What is published of chains and places, and what a reload takes out.

use std::sync::Arc;
use std::time::SystemTime;

use rcgen::CertificateParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::SanType;
use rcgen::date_time_ymd;

use super::DAY;
use super::HOST;
use super::MINUTE;
use super::Stage;
use super::entry;
use super::file;
use super::server;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Renewing;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::Rules;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Sighting;
use crate::domain::machine::Machine as _;

fn within(from: (i32, u8, u8), to: (i32, u8, u8)) -> CertificateParams {
    let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(to.0, to.1, to.2);
    params
}

fn chain(watched: &Arc<Watched>, ders: &[&[u8]]) -> Seen {
    Seen::Chain(Arc::new(
        ChainSeen::judge(ders, watched, mint::now()).unwrap(),
    ))
}

impl Stage {
    pub(super) fn reload(&mut self) {
        self.list
            .handle(Input::Reloaded(Rules::default()), self.now);
        self.settle();
    }
}

#[test]
fn what_lies_beside_the_way_or_has_a_successor_takes_nothing_away() {
    let root = Minted::root(mint::ca("Root"));
    let (issuing, stray) = (
        root.issue(mint::ca("Issuing")),
        root.issue(mint::ca("Stray")),
    );
    let leaf = issuing.issue(within((2026, 6, 1), (2028, 1, 1)));
    let host = Arc::new(server());
    let ders = [&*leaf.der, &stray.der, &issuing.der, &root.der, &leaf.der];
    let anchor = |name: &str, superseded: bool| {
        let id = ObjectId::new("anchor", name);
        let (kind, duty) = (Kind::TrustAnchor, Duty::TrustAnchor);
        let mut watched = Watched::new(id, &entry(), kind, duty);
        watched.superseded = superseded;
        Arc::new(watched)
    };
    let (old, new) = (anchor("old", true), anchor("new", false));
    let sighting = |watched: &Arc<Watched>, ders: &[&[u8]]| Sighting {
        watched: Arc::clone(watched),
        place: file(),
        seen: Ok(chain(watched, ders)),
    };
    let mut stage = Stage::new();
    let sightings = vec![
        sighting(&host, &ders),
        sighting(&old, &[&root.der]),
        sighting(&new, &[&root.der]),
    ];
    stage.scan(Round::Files, Absence::Lost, sightings);
    let counts = |name: &str| -> Vec<bool> {
        let standing = stage.board.find(name).unwrap();
        let all = standing.certificates().into_iter();
        all.map(|(_, counts)| counts).collect()
    };
    // Leaf, stray, issuer and root; each once.
    let expected = [true, false, true, false];
    assert_eq!(counts(host.id.as_str()), expected);
    assert_eq!(counts("anchor old"), [false]);
    assert_eq!(counts("anchor new"), [true]);
}

#[test]
fn a_place_is_lost_only_after_several_looks() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    for lost in [false, false, true] {
        stage.see(Round::Files, &[(&file(), Err(SourceFault::Empty))]);
        let place = &stage.board.standings[0].places[0];
        assert_eq!((place.up, place.lost), (false, lost));
    }
}

#[test]
fn what_a_reload_took_out_is_gone_and_not_lost() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.reload();
    // Where not everything could be read nothing is said yet.
    stage.scan(Round::Files, Absence::Unsaid, Vec::new());
    assert_eq!(stage.list.len(), 1);
    stage.see(Round::Files, &[]);
    assert!(stage.list.is_empty());
    // What is found after the reload may be lost later.
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.reload();
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    for _ in 0..3 {
        assert_eq!(stage.present(), [""; 0]);
        stage.see(Round::Files, &[]);
    }
    assert_eq!(stage.present(), ["certificateSourceLost"]);
}

#[test]
fn an_archive_of_renewals_is_no_alarm_and_another_certificate_of_the_name_is_one() {
    let mut stage = Stage::new();
    let other = Place::new(PlaceKind::File, "/archive/fullchain2.pem");
    let der = |params: CertificateParams, stage: &Stage| stage.ca.issue(params).der;
    let old = der(within((2026, 6, 1), (2027, 1, 20)), &stage);
    let new = der(within((2026, 12, 20), (2028, 3, 15)), &stage);
    let look = |stage: &mut Stage, old: &[u8]| {
        for _ in 0..3 {
            stage.see(Round::Files, &[(&file(), Ok(old)), (&other, Ok(&new))]);
            stage.pass(MINUTE * 60);
        }
    };
    look(&mut stage, &old);
    assert_eq!(stage.present(), [""; 0], "its successor began in time");
    let ended = der(within((2026, 1, 1), (2026, 6, 1)), &stage);
    look(&mut stage, &ended);
    assert_eq!(stage.present(), [""; 0], "it has been over for long");
    let mut more = within((2026, 6, 1), (2027, 1, 20));
    let name = "other.example.com".try_into().unwrap();
    more.subject_alt_names.push(SanType::DnsName(name));
    let more = der(more, &stage);
    look(&mut stage, &more);
    assert_eq!(stage.present(), ["certificateNodesDiffer"]);
    let foreign = Minted::root(mint::ca("Another CA"));
    let foreign = foreign.issue(within((2026, 6, 1), (2027, 1, 20)));
    look(&mut stage, &old);
    look(&mut stage, &foreign.der);
    assert_eq!(stage.present(), ["certificateNodesDiffer"]);
}

#[test]
fn a_date_of_the_issuer_counts_more_than_two_thirds_of_the_lifetime() {
    let late = |due: Option<SystemTime>| {
        let mut stage = Stage::new();
        let mut managed = server();
        managed.kind = Kind::ManagedLeaf;
        managed.bands = Kind::ManagedLeaf.bands();
        managed.renewal = Some(Renewing { due, failures: 0 });
        let managed = Arc::new(managed);
        let sighting = Sighting {
            seen: Ok(Seen::Dates {
                start: Some(mint::now() - DAY * 70),
                end: Some(mint::now() + DAY * 20),
            }),
            place: file(),
            watched: managed,
        };
        stage.scan(Round::Files, Absence::Lost, vec![sighting]);
        !stage.present().is_empty()
    };
    assert!(late(None));
    assert!(!late(Some(mint::now() + DAY)));
}
