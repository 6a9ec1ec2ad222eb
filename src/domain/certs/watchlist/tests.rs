//! The watchlist in its own time: files, listeners and nodes as a day goes on, and the clock.

mod accounts;
mod marks;
mod over;

use rcgen::ExtendedKeyUsagePurpose;
use rcgen::date_time_ymd;

use super::*;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Severity;
use crate::domain::certs::date;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::Renewing;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::domain::certs::source::PlaceKind;

const HOST: &str = "xsp.example.com";
const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

/// A watchlist in its own time: noon of 15 January 2027 at first.
struct Stage {
    list: Watchlist,
    now: Now,
    ca: Minted,
    board: Arc<Board>,
    told: BTreeMap<(AlarmName, String), Condition>,
    observations: usize,
    /// How often something that was on was said to be over.
    ended: usize,
}

impl Stage {
    fn new() -> Self {
        let now = Now {
            mono: start(),
            wall: mint::now(),
        };
        Self {
            list: Watchlist::new(Rules::default(), now),
            now,
            ca: Minted::root(mint::ca("Issuing CA")),
            board: Arc::default(),
            told: BTreeMap::new(),
            observations: 0,
            ended: 0,
        }
    }

    fn leaf(&self, to: (i32, u8, u8)) -> Vec<u8> {
        let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        params.not_before = date_time_ymd(2026, 6, 1);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        self.ca.issue(params).der
    }

    fn settle(&mut self) {
        self.list.check_invariants();
        while let Some(action) = self.list.poll_action() {
            match action {
                Action::Observe(Observation { key, condition }) => {
                    self.observations += 1;
                    let key = (key.name, key.object.as_str().to_owned());
                    let is_over = condition == Condition::Absent;
                    let before = self.told.insert(key, condition);
                    if is_over && matches!(before, Some(Condition::Present(_))) {
                        self.ended += 1;
                    }
                }
                Action::Publish(board) => self.board = board,
            }
        }
        self.list.check_invariants();
    }

    fn scan(&mut self, round: Round, absence: Absence, sightings: Vec<Sighting>) {
        let entries = BTreeMap::from([(entry(), absence)]);
        let scan = Scan {
            round,
            entries,
            sightings,
        };
        self.list.handle(Input::Scanned(scan), self.now);
        self.settle();
    }

    fn see(&mut self, round: Round, all: &[(&Place, Result<&[u8], SourceFault>)]) {
        let watched = Arc::new(server());
        let sightings = all.iter().map(|(place, seen)| Sighting {
            watched: Arc::clone(&watched),
            place: (*place).clone(),
            seen: seen.clone().map(|der| {
                let chain = [der, self.ca.der.as_slice()];
                Seen::Chain(Arc::new(
                    ChainSeen::judge(&chain, &watched, self.now.wall).unwrap(),
                ))
            }),
        });
        self.scan(round, Absence::Lost, sightings.collect());
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += time;
        self.list.handle_timeout(self.now);
        self.settle();
    }

    fn severity(&self, name: AlarmName) -> Option<Severity> {
        let of = |((held, _), condition): (&(AlarmName, String), &Condition)| match condition {
            Condition::Present(present) if *held == name => Some(present.severity),
            Condition::Present(_) | Condition::Absent => None,
        };
        self.told.iter().find_map(of)
    }

    fn text(&self, name: AlarmName) -> &str {
        let mut told = self.told.iter();
        match told.find(|((held, _), _)| *held == name) {
            Some((_, Condition::Present(present))) => &present.text,
            Some((_, Condition::Absent)) | None => "",
        }
    }

    fn present(&self) -> Vec<&'static str> {
        let is = |condition: &Condition| matches!(condition, Condition::Present(_));
        let held = self.told.iter().filter(|(_, condition)| is(condition));
        held.map(|((name, _), _)| name.word()).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing, and it is only counted from"
)]
fn start() -> Instant {
    Instant::now()
}

fn entry() -> Arc<str> {
    "listener.a".into()
}

fn server() -> Watched {
    let id = ObjectId::new("listener a", HOST);
    let mut watched = Watched::new(id, &entry(), Kind::ManualLeaf, Duty::Server);
    watched.hosts = vec![HOST.to_owned()];
    watched
}

fn file() -> Place {
    Place::new(PlaceKind::File, "/a.pem")
}

fn served() -> Place {
    Place::new(PlaceKind::Served, "127.0.0.1:8443")
}

#[test]
fn an_end_comes_nearer_step_by_step_and_a_newer_certificate_clears_it() {
    let mut stage = Stage::new();
    let (old, new) = (stage.leaf((2027, 3, 15)), stage.leaf((2028, 3, 15)));
    stage.see(Round::Files, &[(&file(), Ok(&old))]);
    assert_eq!(stage.present(), [""; 0]);
    let expected = date::text(stage.board.standings[0].next_step.unwrap());
    assert_eq!(expected, "2027-02-13 00:00:00 UTC");
    for (days, name, severity) in [
        (30, AlarmName::CertificateExpiring, Severity::Low),
        (16, AlarmName::CertificateExpiring, Severity::Medium),
        (7, AlarmName::CertificateExpiring, Severity::High),
        (5, AlarmName::CertificateExpiring, Severity::Critical),
        (2, AlarmName::CertificateExpired, Severity::Critical),
    ] {
        stage.pass(DAY * days);
        assert_eq!(stage.severity(name), Some(severity), "{days}");
    }
    assert_eq!(stage.present(), ["certificateExpired"]);
    stage.see(Round::Files, &[(&file(), Ok(&new))]);
    assert_eq!(stage.present(), [""; 0]);
    assert_eq!(stage.board.severity(), None);
}

/// A start presents what is outside of its dates, and leaves it to the watch to say so.
#[test]
fn what_is_outside_of_its_dates_at_the_first_look_is_told_at_once() {
    for (from, to, name, severity) in [
        (
            2026,
            2027,
            AlarmName::CertificateExpired,
            Severity::Critical,
        ),
        (
            2028,
            2029,
            AlarmName::CertificateNotYetValid,
            Severity::High,
        ),
    ] {
        let mut stage = Stage::new();
        let mut params = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let leaf = stage.ca.issue(params).der;
        stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
        assert_eq!(stage.present(), [name.word()]);
        assert_eq!(stage.severity(name), Some(severity));
        let good = stage.leaf((2028, 3, 15));
        stage.see(Round::Files, &[(&file(), Ok(&good))]);
        assert_eq!(stage.present(), [""; 0]);
    }
}

#[test]
fn what_is_served_counts_and_what_is_only_stored_is_told() {
    let mut stage = Stage::new();
    let (old, new) = (stage.leaf((2027, 1, 20)), stage.leaf((2028, 3, 15)));
    stage.see(Round::Files, &[(&file(), Ok(&old))]);
    stage.see(Round::Probes, &[(&served(), Ok(&old))]);
    assert_eq!(stage.present(), ["certificateExpiring"]);
    stage.see(Round::Files, &[(&file(), Ok(&new))]);
    assert_eq!(
        stage.present(),
        ["certificateExpiring"],
        "it has a while to be served"
    );
    assert_eq!(stage.list.ask_at(), Some(stage.now.mono + MINUTE * 2));
    stage.pass(MINUTE * 2);
    assert_eq!(
        stage.present(),
        ["certificateExpiring"],
        "nobody has asked since"
    );
    stage.see(Round::Probes, &[(&served(), Ok(&old))]);
    assert_eq!(stage.list.ask_at(), None);
    assert_eq!(
        stage.present(),
        ["certificateExpiring", "certificateNotDeployed"]
    );
    assert_eq!(
        stage.severity(AlarmName::CertificateNotDeployed),
        Some(Severity::High),
        "the served one ends within days"
    );
    stage.see(Round::Probes, &[(&served(), Ok(&new))]);
    assert_eq!(stage.present(), [""; 0]);
}

#[test]
fn a_listener_that_no_longer_answers_goes_on_counting_with_what_it_served_last() {
    let mut stage = Stage::new();
    let (old, new) = (stage.leaf((2027, 1, 20)), stage.leaf((2028, 3, 15)));
    stage.see(Round::Files, &[(&file(), Ok(&new))]);
    stage.see(Round::Probes, &[(&served(), Ok(&old))]);
    stage.pass(MINUTE * 2);
    stage.see(Round::Probes, &[(&served(), Ok(&old))]);
    let known = ["certificateExpiring", "certificateNotDeployed"];
    assert_eq!(stage.present(), known);
    for _ in 0..3 {
        stage.see(Round::Probes, &[(&served(), Err(SourceFault::Timeout))]);
    }
    let lost = [&known[..], &["certificateSourceLost"]].concat();
    assert_eq!(stage.present(), lost, "nothing newer was seen served");
    stage.pass(DAY * 6);
    assert!(stage.present().contains(&"certificateExpired"));
    stage.see(Round::Probes, &[(&served(), Ok(&new))]);
    assert_eq!(stage.present(), [""; 0]);
    // Taken out of the configuration, only the file is left to count.
    stage.see(Round::Probes, &[(&served(), Ok(&old))]);
    stage.scan(Round::Probes, Absence::Gone, Vec::new());
    assert_eq!(stage.present(), [""; 0]);
}

#[test]
fn nodes_may_differ_for_a_while() {
    let mut stage = Stage::new();
    let (old, new) = (stage.leaf((2028, 1, 20)), stage.leaf((2028, 3, 15)));
    let node = |n: u8| Place::new(PlaceKind::Probe, format!("10.0.0.{n}:443"));
    stage.see(Round::Probes, &[(&node(1), Ok(&old)), (&node(2), Ok(&new))]);
    stage.pass(MINUTE * 59);
    assert_eq!(stage.present(), [""; 0]);
    stage.pass(MINUTE);
    assert_eq!(stage.present(), ["certificateNodesDiffer"]);
    stage.see(Round::Probes, &[(&node(1), Ok(&new)), (&node(2), Ok(&new))]);
    assert_eq!(stage.present(), [""; 0]);
}

#[test]
fn one_failed_look_is_nothing_and_three_are_a_lost_source() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    for _ in 0..2 {
        stage.see(
            Round::Files,
            &[(&file(), Err(SourceFault::PermissionDenied))],
        );
        assert_eq!(stage.present(), [""; 0]);
    }
    // It drops out of the scan altogether, which is worse and not better.
    stage.see(Round::Files, &[]);
    assert_eq!(stage.present(), ["certificateSourceLost"]);
    let standing = &stage.board.standings[0];
    assert!(standing.not_after.is_some(), "what was known stays known");
    assert!(!standing.places[0].up);
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    assert_eq!(stage.present(), [""; 0]);
}

#[test]
fn what_is_gone_on_purpose_is_gone_and_what_was_not_read_stays() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2027, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.scan(Round::Files, Absence::Unsaid, Vec::new());
    assert_eq!(stage.present(), ["certificateExpiring"]);
    // One of its places was read, the other was not.
    let other = Sighting {
        watched: Arc::new(server()),
        place: Place::new(PlaceKind::File, "/b.pem"),
        seen: Err(SourceFault::Empty),
    };
    stage.scan(Round::Files, Absence::Unsaid, vec![other]);
    assert_eq!(stage.board.standings[0].places.len(), 2);
    stage.scan(Round::Files, Absence::Gone, Vec::new());
    assert_eq!(stage.present(), [""; 0]);
    assert!(stage.list.is_empty() && stage.board.standings.is_empty());
}

#[test]
fn a_reload_says_that_what_is_lost_was_meant_to_go() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    for _ in 0..3 {
        stage.see(Round::Files, &[]);
    }
    assert_eq!(stage.present(), ["certificateSourceLost"]);
    stage
        .list
        .handle(Input::Reloaded(Rules::default()), stage.now);
    stage.settle();
    assert_eq!(
        stage.present(),
        ["certificateSourceLost"],
        "until that was looked at"
    );
    stage.see(Round::Files, &[]);
    assert_eq!(stage.present(), [""; 0]);
    assert!(stage.list.is_empty());
}

#[test]
fn a_file_that_moved_is_the_same_object() {
    let mut stage = Stage::new();
    let (old, new) = (stage.leaf((2027, 1, 20)), stage.leaf((2028, 3, 15)));
    stage.see(Round::Files, &[(&file(), Ok(&old))]);
    let other = Place::new(PlaceKind::File, "/b.pem");
    stage.see(Round::Files, &[(&file(), Ok(&old)), (&other, Ok(&new))]);
    assert_eq!(stage.present(), [""; 0], "the newest of its files counts");
    stage.see(Round::Files, &[(&other, Ok(&new))]);
    assert_eq!(stage.present(), [""; 0]);
    assert_eq!(stage.board.standings[0].places.len(), 1);
}

#[test]
fn a_file_that_is_about_to_end_is_not_hidden_by_a_newer_one_of_its_name() {
    let mut stage = Stage::new();
    let (old, new) = (stage.leaf((2027, 1, 20)), stage.leaf((2028, 3, 15)));
    let other = Place::new(PlaceKind::File, "/b.pem");
    let both = [(&file(), Ok(&*old)), (&other, Ok(&*new))];
    stage.see(Round::Files, &both);
    stage.pass(MINUTE * 59);
    assert_eq!(stage.present(), [""; 0], "a renewal may take a while");
    stage.pass(MINUTE);
    assert_eq!(stage.present(), ["certificateNodesDiffer"]);
    stage.see(Round::Files, &[(&file(), Ok(&new)), (&other, Ok(&new))]);
    assert_eq!(stage.present(), [""; 0], "it was renewed in place");
    // What lasts hides nothing.
    let long = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&long)), (&other, Ok(&new))]);
    stage.pass(MINUTE * 120);
    assert_eq!(stage.present(), [""; 0]);
    // What is served says which of them is in use.
    stage.see(Round::Files, &both);
    stage.see(Round::Probes, &[(&served(), Ok(&new))]);
    stage.pass(MINUTE * 120);
    assert_eq!(stage.present(), [""; 0]);
}

#[test]
fn a_clock_that_jumps_is_told_and_dates_wait_until_it_lasts() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    let ten_years = DAY * 3_650;
    stage.now.wall += ten_years;
    stage.pass(MINUTE * 60);
    assert_eq!(
        stage.present(),
        ["clockSkew"],
        "nothing has ended by the old time"
    );
    assert_eq!(stage.severity(AlarmName::ClockSkew), Some(Severity::High));
    stage.pass(MINUTE * 16);
    assert_eq!(
        stage.present(),
        ["certificateExpired", "clockSkew"],
        "the new time has lasted"
    );
    stage.now.wall -= ten_years + DAY * 365;
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.pass(MINUTE * 16);
    assert_eq!(
        stage.present(),
        ["certificateNotYetValid", "clockSkew"],
        "a year back is before the certificate began"
    );
    stage.now.wall += DAY * 365;
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.pass(MINUTE * 16);
    assert_eq!(stage.present(), ["clockSkew"]);
    stage.pass(MINUTE * 60);
    assert_eq!(stage.present(), [""; 0]);
}

#[test]
fn a_clock_that_is_set_right_again_leaves_dates_alone() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.now.wall += DAY * 3_650;
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.pass(MINUTE * 5);
    stage.now.wall -= DAY * 3_650;
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    stage.pass(MINUTE * 20);
    assert_eq!(stage.present(), ["clockSkew"]);
    assert_eq!(stage.severity(AlarmName::ClockSkew), Some(Severity::Medium));
}

#[test]
fn nobody_keeping_the_clock_is_low_and_ends() {
    let mut stage = Stage::new();
    for (time, present) in [
        (Timekeeping::Unknown, &[""; 0][..]),
        (Timekeeping::Lost, &[]),
        (Timekeeping::Lost, &[]),
        (Timekeeping::Lost, &["clockSkew"]),
        (Timekeeping::Kept, &[]),
        (Timekeeping::Lost, &[]),
        (Timekeeping::Kept, &[]),
    ] {
        // A time service that is restarted needs a while.
        stage.now.mono += Duration::from_secs(450);
        stage.list.handle(Input::Time(time), stage.now);
        stage.settle();
        assert_eq!(stage.present(), present);
    }
}

#[test]
fn renewals_that_fail_and_anchors_that_have_a_successor_are_told_as_such() {
    let mut stage = Stage::new();
    let mut managed = server();
    managed.kind = Kind::ManagedLeaf;
    managed.bands = Kind::ManagedLeaf.bands();
    managed.renewal = Some(Renewing {
        due: None,
        failures: 3,
    });
    let mut anchor = Watched::new(
        ObjectId::new("anchor", "x"),
        &entry(),
        Kind::TrustAnchor,
        Duty::TrustAnchor,
    );
    anchor.superseded = true;
    let dates = |watched: Watched, days: u32| Sighting {
        watched: Arc::new(watched),
        place: Place::new(PlaceKind::Declared, "x"),
        seen: Ok(Seen::Dates {
            start: Some(mint::now() - DAY * 100),
            end: Some(mint::now() + DAY * days),
        }),
    };
    let sightings = vec![dates(managed, 40), dates(anchor, 3)];
    stage.scan(Round::Files, Absence::Lost, sightings);
    assert_eq!(
        stage.present(),
        [
            "certificateExpiring",
            "certificateRenewalFailed",
            "trustAnchorExpiring"
        ]
    );
    assert_eq!(
        stage.severity(AlarmName::TrustAnchorExpiring),
        Some(Severity::Informational)
    );
    // Webex may still show what is below it: nobody is told to take it out.
    let text = stage.text(AlarmName::TrustAnchorExpiring);
    assert!(text.contains("until trustGenerationUnused names"), "{text}");
    assert!(stage.board.standings[1].renewal_due.is_some());
}

#[test]
fn health_is_repeated_a_few_times_and_trouble_always() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2028, 1, 20));
    for _ in 0..10 {
        stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    }
    // Eleven alarms of a leaf and one of the clock.
    assert_eq!(stage.observations, 11 * 3 + 1);
    let soon = stage.leaf((2027, 1, 18));
    let before = stage.observations;
    for _ in 0..5 {
        stage.see(Round::Files, &[(&file(), Ok(&soon))]);
    }
    assert_eq!(stage.observations - before, 5);
}

#[test]
fn it_never_sleeps_longer_than_an_hour_nor_past_the_next_step() {
    let mut stage = Stage::new();
    let leaf = stage.leaf((2027, 1, 29));
    let left = |stage: &Stage| stage.list.deadline().unwrap() - stage.now.mono;
    stage.see(Round::Files, &[(&file(), Ok(&leaf))]);
    // The next threshold is seven days before the end.
    assert_eq!(left(&stage), LONGEST_SLEEP);
    stage.pass(DAY * 7 - MINUTE * 10);
    assert_eq!(left(&stage), MINUTE * 10);
}
