//! When what was told is over: not because nobody can see it, and for certain when it is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::MINUTE;
use super::Stage;
use super::file;
use super::served;
use super::server;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::mint;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Sighting;
use crate::domain::machine::Machine as _;

const FARM: &str = "certificate.farm";
const BOTH: [Round; 2] = [Round::Files, Round::Probes];

/// Something of the farm that ended yesterday, as it is seen in a file, or is not.
fn farm(name: &str, path: &str, fault: Option<SourceFault>) -> Sighting {
    let entry = match &fault {
        // As what stands for a file that cannot be read.
        Some(_) => format!("{FARM} (unread)"),
        None => FARM.to_owned(),
    };
    let home = ObjectId::new("farm", "");
    let mut watched = Watched::new(home, &entry.into(), Kind::ManualLeaf, Duty::Server);
    watched.id = ObjectId::new("farm", name);
    let day = Duration::from_secs(86_400);
    let ended = Seen::Dates {
        start: Some(mint::now() - day * 300),
        end: Some(mint::now() - day),
    };
    Sighting {
        watched: Arc::new(watched),
        place: Place::new(PlaceKind::File, path),
        seen: fault.map_or(Ok(ended), Err),
    }
}

fn denied(name: &str, path: &str) -> Sighting {
    farm(name, path, Some(SourceFault::PermissionDenied))
}

impl Stage {
    fn farm(&mut self, absence: Option<Absence>, sightings: Vec<Sighting>) {
        let entries = absence.map(|absence| (FARM.into(), absence));
        let scan = Scan {
            round: Round::Files,
            entries: entries.into_iter().collect(),
            sightings,
        };
        self.list.handle(Input::Scanned(scan), self.now);
        self.settle();
    }

    fn nothing(&mut self, round: Round) {
        let scan = Scan {
            round,
            entries: BTreeMap::new(),
            sightings: Vec::new(),
        };
        self.list.handle(Input::Scanned(scan), self.now);
        self.settle();
    }

    fn restore(&mut self, name: AlarmName, object: &str) {
        let present = Present::new(Severity::Critical, "as it was before".to_owned());
        let alarms = vec![(AlarmKey::new(name, object), present.clone())];
        let key = (name, object.to_owned());
        self.told.insert(key, Condition::Present(present));
        self.list.handle(Input::Restored(alarms), self.now);
        self.settle();
    }

    fn of_objects(&self) -> usize {
        let all = self.told.keys();
        all.filter(|(name, _)| *name != AlarmName::ClockSkew)
            .count()
    }
}

#[test]
fn a_reload_ends_no_alarm_of_what_cannot_be_seen_however_many_there_are() {
    let mut stage = Stage::new();
    let all = |fault: Option<SourceFault>| -> Vec<Sighting> {
        let one = |nth: u8| {
            // Each of a file of its own, so that it keeps its name.
            let mut sighting = farm(&nth.to_string(), &format!("/{nth}.pem"), fault.clone());
            let mut watched = Watched::clone(&sighting.watched);
            watched.entry = FARM.into();
            sighting.watched = Arc::new(watched);
            sighting
        };
        (0..20).map(one).collect()
    };
    stage.farm(Some(Absence::Lost), all(None));
    for _ in 0..3 {
        stage.farm(Some(Absence::Lost), all(Some(SourceFault::Directory)));
    }
    let expected = [
        vec!["certificateExpired"; 20],
        vec!["certificateSourceLost"; 20],
    ]
    .concat();
    assert_eq!(stage.present(), expected);
    for _ in 0..3 {
        stage.reload();
        assert_eq!(stage.present(), expected);
        stage.farm(Some(Absence::Lost), all(Some(SourceFault::Directory)));
        assert_eq!((stage.present(), stage.ended), (expected.clone(), 0));
    }
    let mut places = stage.board.standings.iter().flat_map(|held| &held.places);
    assert!(places.all(|place| place.lost));
    // Now it was meant.
    stage.reload();
    stage.farm(None, Vec::new());
    assert_eq!((stage.present(), stage.ended), (vec![], 40));
    assert!(stage.list.is_empty());
}

#[test]
fn the_end_of_what_was_let_go_is_said_several_times() {
    let mut stage = Stage::new();
    stage.farm(Some(Absence::Lost), vec![farm("a", "/a.pem", None)]);
    assert_eq!(stage.present(), ["certificateExpired"]);
    stage.reload();
    let key = (AlarmName::CertificateExpired, "farm a".to_owned());
    let mut said = 0;
    for _ in 0..10 {
        stage.told.remove(&key);
        stage.farm(None, Vec::new());
        said += usize::from(stage.told.get(&key) == Some(&Condition::Absent));
    }
    assert_eq!(said, 3);
    // It comes back before that was said often enough.
    stage.farm(Some(Absence::Lost), vec![farm("a", "/a.pem", None)]);
    stage.farm(None, Vec::new());
    stage.farm(Some(Absence::Lost), vec![farm("a", "/a.pem", None)]);
    for _ in 0..5 {
        stage.pass(MINUTE * 60);
        assert_eq!(stage.present(), ["certificateExpired"]);
    }
}

#[test]
fn a_file_of_a_pattern_that_cannot_be_read_is_not_gone_after_a_reload() {
    let mut stage = Stage::new();
    let good = || vec![farm("a", "/a.pem", None), farm("b", "/b.pem", None)];
    stage.farm(Some(Absence::Lost), good());
    stage.reload();
    for _ in 0..3 {
        let seen = vec![denied("a.pem", "/a.pem"), farm("b", "/b.pem", None)];
        stage.farm(Some(Absence::Lost), seen);
        assert_eq!(stage.ended, 0);
    }
    let text = stage.text(AlarmName::CertificateSourceLost);
    assert!(text.contains("may not read"), "{text}");
    assert_eq!(stage.board.find("farm a").unwrap().word(), "critical");
    // What is not there any more was meant to go, by the next reload.
    stage.reload();
    stage.farm(Some(Absence::Lost), vec![farm("b", "/b.pem", None)]);
    assert_eq!(stage.present(), ["certificateExpired"]);
    assert!(stage.board.find("farm a").is_none());
}

#[test]
fn what_is_no_longer_configured_at_the_start_ends_once_every_round_has_looked() {
    for first in [0, 1] {
        let mut stage = Stage::new();
        stage.restore(AlarmName::CertificateExpired, "farm a");
        stage.restore(AlarmName::CertificateSourceLost, "farm");
        let foreign = AlarmName::CertificateRenewalFailed;
        stage.restore(foreign, "acme le");
        stage.nothing(BOTH[first]);
        assert_eq!(stage.ended, 0, "the other round may find it");
        // Another configuration may name it again.
        stage.reload();
        stage.nothing(BOTH[1 - first]);
        assert_eq!(stage.ended, 0);
        stage.nothing(BOTH[first]);
        assert_eq!(stage.ended, 2);
        assert_eq!(stage.present(), [foreign.word()], "others end theirs");
        let said = stage.observations;
        for _ in 0..5 {
            stage.nothing(Round::Files);
        }
        assert_eq!(stage.observations - said, 4, "and no more than that");
    }
}

#[test]
fn what_may_be_in_a_file_that_cannot_be_read_stays_as_it_was_before_the_start() {
    let mut stage = Stage::new();
    stage.restore(AlarmName::CertificateUnsuitable, "farm a");
    stage.restore(AlarmName::TrustAnchorExpiring, "anchor 00 of farm");
    stage.restore(AlarmName::CertificateUnsuitable, "farmers a");
    for _ in 0..4 {
        let pattern = farm("", "/*.pem", Some(SourceFault::NothingMatches));
        stage.farm(Some(Absence::Unsaid), vec![pattern]);
        stage.nothing(Round::Probes);
    }
    let lost = "certificateSourceLost";
    let stays = ["certificateUnsuitable", lost, "trustAnchorExpiring"];
    assert_eq!(stage.present(), stays);
    assert_eq!(stage.ended, 1, "a longer name is another place");
    // One of its files can be read, the other not.
    let seen = vec![farm("b", "/b.pem", None), denied("a.pem", "/a.pem")];
    stage.farm(Some(Absence::Lost), seen);
    assert!(stage.present().contains(&"certificateUnsuitable"));
    // It drops out of sight, which hides nothing.
    stage.farm(Some(Absence::Lost), Vec::new());
    assert_eq!(stage.present(), ["certificateExpired"]);
}

#[test]
fn nothing_is_over_while_nobody_has_looked() {
    let id = server().id;
    let denied = || Err(SourceFault::PermissionDenied);
    let mut stage = Stage::new();
    stage.restore(AlarmName::CertificateExpired, id.as_str());
    for _ in 0..2 {
        stage.see(Round::Files, &[(&file(), denied())]);
        assert_eq!(stage.present(), ["certificateExpired"]);
        assert_eq!(
            stage.of_objects(),
            1,
            "it may be as bad as before the start"
        );
        let standing = &stage.board.standings[0];
        assert!(standing.is_unseen() && standing.word() == "unseen");
    }
    stage.see(Round::Files, &[(&file(), Err(SourceFault::Empty))]);
    let both = ["certificateExpired", "certificateSourceLost"];
    assert_eq!(stage.present(), both);
    let text = stage.text(AlarmName::CertificateSourceLost);
    assert!(text.contains("since the start"), "{text}");
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    assert_eq!(stage.present(), [""; 0]);
    assert_eq!(stage.of_objects(), 11);
    // What was seen once in this life is known.
    stage.see(Round::Files, &[(&file(), Err(SourceFault::Empty))]);
    assert_eq!(stage.present(), [""; 0]);
    assert_eq!(stage.board.standings[0].word(), "ok");
}

/// Who looks without the daemon knows of no start.
#[test]
fn what_was_never_an_alarm_says_nothing_of_what_was_before() {
    let mut stage = Stage::new();
    for _ in 0..3 {
        let denied = Err(SourceFault::PermissionDenied);
        stage.see(Round::Files, &[(&file(), denied)]);
    }
    let text = stage.text(AlarmName::CertificateSourceLost);
    assert!(!text.is_empty() && !text.contains("daemon;"), "{text}");
}

#[test]
fn what_is_of_another_kind_after_a_reload_takes_back_what_only_the_old_one_tells() {
    let mut stage = Stage::new();
    stage.farm(Some(Absence::Lost), vec![farm("a", "/a.pem", None)]);
    stage.reload();
    let mut anchor = farm("a", "/a.pem", None);
    let mut watched = Watched::clone(&anchor.watched);
    watched.kind = Kind::TrustAnchor;
    anchor.watched = Arc::new(watched);
    stage.farm(Some(Absence::Lost), vec![anchor]);
    assert_eq!(stage.present(), ["trustAnchorExpired"]);
}

#[test]
fn our_own_listener_must_send_the_chain_of_the_file_and_a_peer_its_certificate() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 3, 15));
    let probe = Place::new(PlaceKind::Probe, "xsp:443");
    for (place, expected) in [
        (probe, &[][..]),
        (served(), &["certificateNotDeployed"][..]),
    ] {
        let watched = Arc::new(server());
        let seen = |ders: &[&[u8]]| {
            Ok(Seen::Chain(Arc::new(
                ChainSeen::judge(ders, &watched, mint::now()).unwrap(),
            )))
        };
        let sighting = |place: &Place, ders: &[&[u8]]| Sighting {
            watched: Arc::clone(&watched),
            place: place.clone(),
            seen: seen(ders),
        };
        let root = stage.ca.der.clone();
        let stored = sighting(&file(), &[&leaf, &root]);
        let (alone, whole) = (
            sighting(&place, &[&leaf]),
            sighting(&place, &[&leaf, &root]),
        );
        stage.scan(Round::Files, Absence::Lost, vec![stored]);
        stage.scan(Round::Probes, Absence::Gone, vec![alone.clone()]);
        stage.pass(MINUTE * 2);
        stage.scan(Round::Probes, Absence::Gone, vec![alone]);
        assert_eq!(stage.present(), expected);
        if !expected.is_empty() {
            let text = stage.text(AlarmName::CertificateNotDeployed);
            assert!(text.contains("has 2 certificates, that of"), "{text}");
        }
        stage.scan(Round::Probes, Absence::Gone, vec![whole]);
        assert_eq!(stage.present(), [""; 0]);
    }
}
