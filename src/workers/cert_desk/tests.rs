//! What a full disk, a crash, or somebody else does to an activation.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use rcgen::ExtendedKeyUsagePurpose;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::certs::date;
use crate::domain::certs::fit::Role;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::platform::clock;
use crate::workers::cert_desk::PutOff;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::ActivateError;
use crate::workers::cert_desk::activate::Activated;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Act;
use crate::workers::cert_desk::shelf::Before;
use crate::workers::cert_desk::shelf::Line;
use crate::workers::cert_desk::shelf::Pair;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Schedule;
use crate::workers::cert_desk::shelf::Shelf;

const HOST: &str = "xsp1.example.net";

/// One place with a pair in its files.
struct Scene {
    folder: TempDir,
    root: Minted,
    place: Place,
    shelf: Shelf,
    now: SystemTime,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("etc")).unwrap();
        let scene = Self {
            root: Minted::root(mint::ca("Root")),
            place: Place {
                name: "edge/xsp1.example.net".to_owned(),
                role: Role::Server(vec![HOST.to_owned()]),
                chain: at("etc/edge.pem"),
                key: at("edge.key"),
                uses: Vec::new(),
            },
            shelf: Shelf::new(&at("state")),
            now: clock::wall(),
            folder,
        };
        scene.copy(&scene.pair());
        scene
    }

    fn pair(&self) -> Pair {
        let leaf = mint::leaf(HOST, ExtendedKeyUsagePurpose::ServerAuth);
        let leaf = self.root.issue(leaf);
        let mut pair = Pair {
            chain: leaf.pem() + &self.root.pem(),
            key: Zeroizing::new(leaf.key_pem()),
            about: activate::about(
                &self.place,
                &crate::domain::certs::CertificateFacts::parse(&leaf.der).unwrap(),
                "anna",
                self.now,
            ),
        };
        pair.about.act = Act::Activated;
        pair
    }

    /// Puts a pair into the files, as an operator does.
    fn copy(&self, pair: &Pair) {
        fs::write(&self.place.chain, &pair.chain).unwrap();
        fs::write(&self.place.key, pair.key.as_bytes()).unwrap();
        fs::set_permissions(&self.place.key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn stage(&self) -> String {
        let pair = self.pair();
        self.shelf.put(&self.place, Part::Staged, &pair).unwrap();
        pair.about.fingerprint
    }

    fn swap(&self, way: Way) -> Result<Activated, ActivateError> {
        activate::activate(&self.shelf, &self.place, way, "anna", self.now)
    }

    fn recover(&self) -> Result<bool, ActivateError> {
        activate::recover(&self.shelf, &self.place, self.now)
    }

    fn there(&self) -> Before {
        activate::before(&self.place)
    }

    /// The leaf of a part.
    fn on(&self, part: Part) -> Option<String> {
        let about = self.shelf.about(&self.place, part).unwrap();
        about.map(|about| about.fingerprint)
    }

    fn below(&self, name: &str) -> PathBuf {
        let certs = self.folder.path().join("state/certs");
        certs.join(self.place.slug()).join(name)
    }

    /// The pair that is begun to be written.
    fn begin(&self) -> Pair {
        let (held, _) = activate::current(&self.place, self.now).unwrap();
        let mut pair = self.pair();
        self.shelf.put(&self.place, Part::Staged, &pair).unwrap();
        self.shelf.put(&self.place, Part::Replaced, &held).unwrap();
        pair.about.before = Some(self.there());
        self.shelf.put(&self.place, Part::Applying, &pair).unwrap();
        pair
    }
}

#[test]
fn an_activation_that_fails_halfway_leaves_the_key_that_was_there() {
    let scene = Scene::new();
    let (staged, before) = (scene.stage(), scene.there());
    // The chain's disk takes nothing.
    let (etc, gone) = (
        scene.folder.path().join("etc"),
        scene.folder.path().join("gone"),
    );
    fs::rename(&etc, &gone).unwrap();
    let failed = scene.swap(Way::Forward);
    assert!(matches!(failed, Err(ActivateError::Disk(_))));
    fs::rename(&gone, &etc).unwrap();
    assert_eq!(scene.there(), before);
    assert_eq!(scene.on(Part::Staged), Some(staged));
    assert_eq!(scene.on(Part::Applying), None);
}

#[test]
fn a_journal_that_cannot_be_written_undoes_nothing() {
    let scene = Scene::new();
    let staged = scene.stage();
    fs::create_dir(scene.folder.path().join("state/certs/journal.jsonl")).unwrap();
    let done = scene.swap(Way::Forward).unwrap();
    assert_eq!(done.new.fingerprint.to_string(), staged);
    assert_eq!(scene.there().leaf, staged);
    assert_eq!(scene.on(Part::Applying), None);
}

#[test]
fn going_there_and_back_keeps_what_was_there_each_time() {
    let scene = Scene::new();
    let (old, new) = (scene.there(), scene.stage());
    scene.swap(Way::Forward).unwrap();
    assert_eq!(scene.there().leaf, new);
    assert_eq!(scene.on(Part::Previous).as_deref(), Some(&*old.leaf));
    assert_eq!(scene.on(Part::Staged), None);
    scene.swap(Way::Back).unwrap();
    assert_eq!(scene.there(), old);
    assert_eq!(scene.on(Part::Previous), Some(new));
    assert_eq!(scene.on(Part::Replaced), None);
    let events = scene.shelf.journal().unwrap().lines;
    let events: Vec<_> = events.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["activated", "rolled-back"]);
}

/// The first certificate of a chain.
fn first(chain: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----\n";
    let at = chain.find(END).unwrap() + END.len();
    chain[..at].to_owned()
}

#[test]
fn the_same_certificate_with_another_chain_or_once_more_leaves_the_way_back() {
    let scene = Scene::new();
    let old = scene.there();
    let mut pair = scene.pair();
    let (whole, print) = (pair.chain.clone(), pair.about.fingerprint.clone());
    for chain in [first(&whole), whole.clone(), whole] {
        pair.chain = chain;
        scene.shelf.put(&scene.place, Part::Staged, &pair).unwrap();
        scene.swap(Way::Forward).unwrap();
        assert_eq!(scene.there().leaf, print);
        assert_eq!(scene.on(Part::Previous).as_deref(), Some(&*old.leaf));
        assert_eq!(scene.on(Part::Replaced), None);
    }
    scene.swap(Way::Back).unwrap();
    assert_eq!(scene.there(), old);
    assert_eq!(scene.on(Part::Previous), Some(print));
}

#[test]
fn an_interrupted_activation_of_another_chain_of_the_same_certificate_is_finished() {
    let scene = Scene::new();
    let mut pair = scene.pair();
    scene.copy(&pair);
    fs::write(&scene.place.chain, first(&pair.chain)).unwrap();
    let (held, _) = activate::current(&scene.place, scene.now).unwrap();
    scene
        .shelf
        .put(&scene.place, Part::Replaced, &held)
        .unwrap();
    pair.about.before = Some(scene.there());
    scene
        .shelf
        .put(&scene.place, Part::Applying, &pair)
        .unwrap();
    assert!(scene.recover().unwrap());
    assert_eq!(fs::read_to_string(&scene.place.chain).unwrap(), pair.chain);
    assert!(!scene.recover().unwrap());
}

#[test]
fn an_interrupted_activation_goes_on_only_over_what_it_was_begun_on() {
    // Not begun to be written, half written, and written.
    for halves in 0..3 {
        let scene = Scene::new();
        let old = scene.there();
        let pair = scene.begin();
        if halves > 0 {
            fs::write(&scene.place.key, pair.key.as_bytes()).unwrap();
        }
        if halves > 1 {
            fs::write(&scene.place.chain, &pair.chain).unwrap();
        }
        assert!(scene.recover().unwrap());
        assert_eq!(scene.there().leaf, pair.about.fingerprint);
        assert!(activate::current(&scene.place, scene.now).is_some());
        assert_eq!(scene.on(Part::Previous), Some(old.leaf));
        assert_eq!(scene.on(Part::Staged), None);
        assert!(!scene.recover().unwrap());
    }
    // An operator has copied another pair there.
    let scene = Scene::new();
    let pair = scene.begin();
    scene.copy(&scene.pair());
    let theirs = scene.there();
    assert!(matches!(scene.recover(), Err(ActivateError::InTheWay(_))));
    assert_eq!(scene.there(), theirs);
    assert_eq!(scene.on(Part::Staged), Some(pair.about.fingerprint));
    assert!(!scene.recover().unwrap(), "given up");
}

#[test]
fn an_interrupted_activation_that_is_no_longer_fit_is_taken_back() {
    let mut scene = Scene::new();
    let old = scene.there();
    let pair = scene.begin();
    fs::write(&scene.place.key, pair.key.as_bytes()).unwrap();
    scene.place.role = Role::Server(vec!["other.example.net".to_owned()]);
    assert!(matches!(
        scene.recover(),
        Err(ActivateError::Refused { .. })
    ));
    assert_eq!(scene.there(), old);
    assert_eq!(scene.on(Part::Applying), None);
}

#[test]
fn what_was_refused_by_the_disk_is_not_done_at_the_next_start() {
    for part in [Part::Replaced, Part::Applying] {
        let scene = Scene::new();
        let (staged, before) = (scene.stage(), scene.there());
        // Nothing can be put there: what is to be made is there and not ours.
        let name = if part == Part::Replaced {
            "replaced"
        } else {
            "applying"
        };
        std::os::unix::fs::symlink("/proc/self", scene.below(name)).unwrap();
        let failed = scene.swap(Way::Forward);
        assert!(matches!(failed, Err(ActivateError::Disk(_))), "{part:?}");
        fs::remove_file(scene.below(name)).ok();
        assert_eq!(scene.on(Part::Staged), Some(staged), "{part:?}");
        assert!(!scene.recover().unwrap());
        assert_eq!(scene.there(), before);
    }
}

#[test]
fn no_link_below_the_state_directory_is_followed() {
    let outside = |scene: &Scene| {
        let outside = scene.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        outside
    };
    // A folder that leads elsewhere.
    for link in ["", "staged", "..", "requests"] {
        let scene = Scene::new();
        scene.stage();
        let outside = outside(&scene);
        let path = match link {
            "" => scene.below("").components().collect(),
            ".." => scene.folder.path().join("state/certs"),
            part => scene.below(part),
        };
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        let place = &scene.place;
        let tried = match link {
            "requests" => scene.shelf.request_keys(place).map(drop),
            _ => scene.shelf.put(place, Part::Staged, &scene.pair()),
        };
        let said = tried.unwrap_err().to_string();
        assert!(said.contains("is a link"), "{link}: {said}");
        if link != "requests" {
            scene.shelf.drop_part(place, Part::Staged).unwrap_err();
            scene.shelf.about(place, Part::Staged).unwrap_err();
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{link}");
    }
    // A file that is another one.
    let scene = Scene::new();
    scene.stage();
    let kept = outside(&scene).join("kept");
    let journal = scene.folder.path().join("state/certs/journal.jsonl");
    for path in [
        &journal,
        &scene.below(".lock"),
        &scene.below("schedule.json"),
    ] {
        std::os::unix::fs::symlink(&kept, path).unwrap();
    }
    scene.shelf.lock(&scene.place).unwrap_err();
    scene.shelf.scheduled(&scene.place).unwrap_err();
    scene.shelf.journal().unwrap_err();
    let (held, _) = activate::current(&scene.place, scene.now).unwrap();
    let line = Line {
        at: 0,
        place: String::new(),
        event: String::new(),
        by: String::new(),
        fingerprint: held.about.fingerprint,
        note: String::new(),
    };
    let said = scene.shelf.note(&line).unwrap_err().to_string();
    assert!(said.contains("is a link"), "{said}");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "kept");
}

#[test]
fn a_line_of_the_journal_stays_one_line_whoever_wrote_it() {
    let scene = Scene::new();
    let line = Line {
        at: date::to_unix(scene.now),
        place: "edge".to_owned(),
        event: "staged".to_owned(),
        by: "anna\n{\"by\":\"boris\"}\r\u{1b}[2J".to_owned(),
        fingerprint: String::new(),
        note: String::new(),
    };
    scene.shelf.note(&line).unwrap();
    assert_eq!(scene.shelf.journal().unwrap().lines, [line]);
    let text = fs::read_to_string(scene.folder.path().join("state/certs/journal.jsonl")).unwrap();
    assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
}

#[test]
fn what_a_crash_left_beside_a_part_is_put_back_or_removed() {
    let scene = Scene::new();
    let staged = scene.stage();
    // Power was lost after the old one was moved aside and before the new one came.
    fs::rename(scene.below("staged"), scene.below(".staged.1.old")).unwrap();
    for left in [".staged.1.new", ".previous.2.gone", ".applying.77"] {
        fs::create_dir(scene.below(left)).unwrap();
        fs::write(scene.below(left).join("key.pem"), "half").unwrap();
    }
    drop(scene.shelf.lock(&scene.place).unwrap());
    assert_eq!(scene.on(Part::Staged).as_ref(), Some(&staged));
    let names = || {
        let entries = fs::read_dir(scene.below("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), [".lock", "staged"]);
    // The new one did come.
    fs::create_dir(scene.below(".staged.1.old")).unwrap();
    drop(scene.shelf.lock(&scene.place).unwrap());
    assert_eq!(scene.on(Part::Staged), Some(staged));
    scene.stage();
    assert_eq!(names(), [".lock", "staged"]);
    scene.shelf.drop_part(&scene.place, Part::Staged).unwrap();
    assert_eq!(names(), [".lock"]);
}

#[test]
fn what_is_put_off_and_fails_is_an_alarm_until_it_is_done() {
    let scene = Scene::new();
    let places = [scene.place.clone()];
    let mut put_off = PutOff::default();
    let mut look = |after: u64| {
        let now = scene.now + Duration::from_secs(after);
        let done = put_off.act_on(&places, &scene.shelf, now);
        let said = done.observations.into_iter().map(|said| {
            assert_eq!(said.key.name, AlarmName::CertificateRenewalFailed);
            assert_eq!(said.key.object.as_str(), scene.place.name);
            matches!(said.condition, Condition::Present(_))
        });
        (said.collect::<Vec<_>>(), done.proofs.len())
    };
    let put_at = |fingerprint: &str, after: u64| {
        let schedule = Schedule {
            at: date::to_unix(scene.now + Duration::from_secs(after)),
            by: "anna".to_owned(),
            fingerprint: fingerprint.to_owned(),
        };
        let schedule = Some(&schedule);
        scene.shelf.schedule(&scene.place, schedule).unwrap();
    };
    let put = |fingerprint: &str| put_at(fingerprint, 0);
    assert_eq!(look(0), (vec![false], 0), "what was told before the start");
    // The disk: tried again after a minute, and nothing is forgotten meanwhile.
    put(&scene.stage());
    let (etc, gone) = (
        scene.folder.path().join("etc"),
        scene.folder.path().join("gone"),
    );
    fs::rename(&etc, &gone).unwrap();
    assert_eq!(look(0), (vec![true], 0));
    fs::rename(&gone, &etc).unwrap();
    assert_eq!(look(59), (vec![], 0), "not yet");
    assert!(scene.shelf.scheduled(&scene.place).unwrap().is_some());
    assert_eq!(look(60), (vec![false], 1));
    assert!(scene.shelf.scheduled(&scene.place).unwrap().is_none());
    // Another is at work: not a failure.
    put(&scene.stage());
    let lock = scene.shelf.lock(&scene.place).unwrap();
    assert_eq!(look(61), (vec![], 0));
    drop(lock);
    // What is in the way of the lock is one.
    fs::remove_file(scene.below(".lock")).unwrap();
    std::os::unix::fs::symlink("nowhere", scene.below(".lock")).unwrap();
    assert_eq!(look(62), (vec![true], 0));
    fs::remove_file(scene.below(".lock")).unwrap();
    assert_eq!(look(200), (vec![false], 1));
    // The certificate: over at once, told until another one is in the files.
    scene.stage();
    put("another");
    assert_eq!(look(300), (vec![true], 0));
    assert!(scene.shelf.scheduled(&scene.place).unwrap().is_none());
    assert_eq!(look(310), (vec![], 0));
    scene.swap(Way::Forward).unwrap();
    assert_eq!(look(320), (vec![false], 0));
    // A day of failures is enough.
    put_at(&scene.stage(), 400);
    fs::rename(&etc, &gone).unwrap();
    assert_eq!(look(400), (vec![true], 0));
    assert_eq!(look(400 + 24 * 3600 - 1), (vec![], 0));
    assert!(scene.shelf.scheduled(&scene.place).unwrap().is_some());
    look(400 + 24 * 3600 + 59);
    assert!(scene.shelf.scheduled(&scene.place).unwrap().is_none());
    assert!(scene.shelf.missed(&scene.place).unwrap().is_some());
}

#[test]
fn what_a_crash_had_done_already_is_no_failure() {
    let scene = Scene::new();
    let staged = scene.stage();
    scene.swap(Way::Forward).unwrap();
    let schedule = Schedule {
        at: date::to_unix(scene.now),
        by: "anna".to_owned(),
        fingerprint: staged,
    };
    let (place, shelf) = (&scene.place, &scene.shelf);
    shelf.schedule(place, Some(&schedule)).unwrap();
    let places = [place.clone()];
    let done = PutOff::default().act_on(&places, shelf, scene.now);
    assert_eq!(done.proofs.len(), 1);
    assert_eq!(shelf.scheduled(place).unwrap(), None);
    let events = shelf.journal().unwrap().lines.into_iter();
    assert!(
        events
            .map(|line| line.event)
            .all(|event| event == "activated")
    );
}

#[test]
fn what_nobody_was_there_to_do_at_its_time_is_not_done_at_any_other() {
    for (late, done) in [(3600, true), (3601, false), (86_400 * 3, false)] {
        let scene = Scene::new();
        let (before, staged) = (scene.there(), scene.stage());
        let schedule = Schedule {
            at: date::to_unix(scene.now),
            by: "anna".to_owned(),
            fingerprint: staged.clone(),
        };
        let (place, shelf) = (&scene.place, &scene.shelf);
        shelf.schedule(place, Some(&schedule)).unwrap();
        let (places, now) = ([place.clone()], scene.now + Duration::from_secs(late));
        let mut put_off = PutOff::default();
        let looked = put_off.act_on(&places, shelf, now);
        assert_eq!(looked.proofs.len() == 1, done, "{late}");
        assert_eq!(shelf.scheduled(place).unwrap(), None);
        if done {
            assert_eq!(scene.there().leaf, staged);
            continue;
        }
        assert_eq!(scene.there(), before);
        assert_eq!(
            scene.on(Part::Staged),
            Some(staged),
            "it may still be activated"
        );
        let [said] = looked.observations.as_slice() else {
            panic!("{:?}", looked.observations);
        };
        let Condition::Present(present) = &said.condition else {
            panic!("{said:?}");
        };
        let text = &present.text;
        assert!(text.contains("passed while the daemon was down"), "{text}");
        let last = shelf.journal().unwrap().lines.pop().unwrap();
        assert_eq!(last.event, "refused");
    }
}

#[test]
fn what_was_begun_in_time_is_tried_on_by_the_next_daemon_within_the_same_day() {
    const HOUR: u64 = 3600;
    for (back, done) in [(2 * HOUR, true), (23 * HOUR, true), (25 * HOUR, false)] {
        let scene = Scene::new();
        let (before, staged) = (scene.there(), scene.stage());
        let schedule = Schedule {
            at: date::to_unix(scene.now),
            by: "anna".to_owned(),
            fingerprint: staged.clone(),
        };
        let (place, shelf) = (&scene.place, &scene.shelf);
        shelf.schedule(place, Some(&schedule)).unwrap();
        let places = [place.clone()];
        let (etc, gone) = (
            scene.folder.path().join("etc"),
            scene.folder.path().join("gone"),
        );
        fs::rename(&etc, &gone).unwrap();
        PutOff::default().act_on(&places, shelf, scene.now);
        fs::rename(&gone, &etc).unwrap();
        // The next daemon knows nothing but what is on the disk.
        let now = scene.now + Duration::from_secs(back);
        let looked = PutOff::default().act_on(&places, shelf, now);
        assert_eq!(looked.proofs.len() == 1, done, "{back}");
        assert_eq!(shelf.scheduled(place).unwrap(), None);
        assert_eq!(shelf.tried(place).unwrap(), None);
        let expected = if done { &staged } else { &before.leaf };
        assert_eq!(scene.there().leaf, *expected);
        if done {
            continue;
        }
        let missed = shelf.missed(place).unwrap().unwrap().problem;
        assert!(missed.contains("the day in which it is tried"), "{missed}");
        let [said] = looked.observations.as_slice() else {
            panic!("{:?}", looked.observations);
        };
        let Condition::Present(present) = &said.condition else {
            panic!("{said:?}");
        };
        let line = format!("xspd certs activate {}", place.name);
        assert!(present.details.contains(&("command".to_owned(), line)));
    }
}

#[test]
fn another_time_that_was_set_meanwhile_is_a_beginning_of_its_own() {
    let scene = Scene::new();
    let (place, shelf) = (&scene.place, &scene.shelf);
    let at = |after: u64| Schedule {
        at: date::to_unix(scene.now + Duration::from_secs(after)),
        by: "anna".to_owned(),
        fingerprint: scene.on(Part::Staged).unwrap_or_default(),
    };
    scene.stage();
    shelf.schedule(place, Some(&at(0))).unwrap();
    let etc = scene.folder.path().join("etc");
    fs::rename(&etc, scene.folder.path().join("gone")).unwrap();
    let places = [place.clone()];
    PutOff::default().act_on(&places, shelf, scene.now);
    assert!(shelf.tried(place).unwrap().is_some());
    shelf.schedule(place, Some(&at(60))).unwrap();
    assert_eq!(shelf.tried(place).unwrap(), None);
    let late = scene.now + Duration::from_secs(60 + 3601);
    PutOff::default().act_on(&places, shelf, late);
    let missed = shelf.missed(place).unwrap().unwrap().problem;
    assert!(
        missed.contains("passed while the daemon was down"),
        "{missed}"
    );
}
