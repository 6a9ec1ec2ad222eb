//! The worker against files and XSPs that are not there.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::*;
use crate::config::from_text;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::platform::files;
use crate::tls::authority;
use crate::tls::authority::ClientRequest;
use crate::tls::authority::InternalCa;
use crate::tls::authority::KeyType;

const DAY: Duration = Duration::from_secs(86_400);

/// A configuration with a bridge whose certificate an internal CA issued.
struct Scene {
    folder: tempfile::TempDir,
    config: Arc<Config>,
    seen: Arc<Mutex<Vec<Observation>>>,
    tasks: Tasks,
}

impl Scene {
    /// The CA is `age` old; the certificate is good for 90 days of which `left` are left.
    fn new(left: Duration, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = clock::wall();
        let begun = now + left - DAY * 90;
        let issued = authority::new_ca("internal", KeyType::EcdsaP256, 3_650, begun).unwrap();
        let path = |name: &str| folder.path().join(name);
        files::create_private_dir(&path("ca")).unwrap();
        std::fs::write(path("ca").join(folder::CA), &issued.certificate).unwrap();
        let key = path("ca").join(folder::CA_KEY);
        files::write_atomic(&key, issued.key.as_bytes(), files::PRIVATE).unwrap();
        let ca = InternalCa::load(issued.certificate.as_bytes(), &issued.key, begun).unwrap();
        let request = ClientRequest {
            common_name: "bridge.test",
            dns_names: &[],
            purpose: None,
            days: 90,
            key: KeyType::EcdsaP256,
        };
        let leaf = ca.issue_client(&request, begun).unwrap();
        std::fs::write(path("bridge.pem"), &leaf.certificate).unwrap();
        files::write_atomic(&path("bridge.key"), leaf.key.as_bytes(), files::PRIVATE).unwrap();
        std::fs::write(path("trust.txt"), &issued.certificate).unwrap();
        let at = folder.path().display();
        let text = format!(
            r#"
state-dir = "{at}/state"
[internal-ca]
directory = "{at}/ca"
{more}
[[trust]]
name = "webex"
files = ["{at}/trust.txt"]
[[pool]]
name = "xsp"
upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
[[listener]]
name = "cti"
kind = "cti"
addresses = ["127.0.0.1:0"]
trust = "webex"
allowed-identities = ["client.test"]
[[listener.host]]
names = ["*"]
[listener.bridge]
upstreams = ["127.0.0.1:1"]
ca = "{at}/trust.txt"
client-certificate = {{ chain = "{at}/bridge.pem", key = "file:{at}/bridge.key" }}
"#
        );
        let config = from_text(&text).map_err(|problems| format!("{problems:?}"));
        Self {
            folder,
            config: Arc::new(config.unwrap()),
            seen: Arc::default(),
            tasks: Tasks::new(),
        }
    }

    fn ground(&self) -> Ground {
        let (config, seen) = (Arc::clone(&self.config), Arc::clone(&self.seen));
        Ground {
            config: Box::new(move || Arc::clone(&config)),
            observe: Arc::new(move |observation| {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(observation);
            }),
            tasks: self.tasks.clone(),
        }
    }

    async fn look(&self, desk: &mut Desk) {
        let rules = self.config.internal_ca.clone().unwrap();
        desk.look(&self.ground(), &self.config, &rules).await;
    }

    fn leaf(&self) -> CertificateFacts {
        let place = issue::bridges(&self.config).remove(0);
        let der = issue::in_use(&place).unwrap().unwrap();
        CertificateFacts::parse(&der).unwrap()
    }

    /// What was said last of an alarm.
    fn said(&self, name: AlarmName) -> Option<Condition> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = seen.iter().rev();
        all.find(|seen| seen.key.name == name)
            .map(|seen| seen.condition.clone())
    }

    fn text(&self, name: AlarmName) -> String {
        match self.said(name) {
            Some(Condition::Present(present)) => present.text,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_certificate_is_renewed_after_two_thirds_and_not_before() {
    let early = Scene::new(DAY * 60, "try-first = false");
    let before = early.leaf();
    early.look(&mut Desk::default()).await;
    assert_eq!(early.leaf(), before);
    let status = Records::new(&early.config.state_dir).status(&issue::bridges(&early.config)[0]);
    assert!(status.managed && status.due.is_some());

    let late = Scene::new(DAY * 10, "try-first = false");
    let before = late.leaf();
    let mut desk = Desk::default();
    late.look(&mut desk).await;
    let after = late.leaf();
    assert_ne!(after.fingerprint, before.fingerprint);
    assert_eq!(after.subject, before.subject);
    assert!(after.not_after > clock::wall() + DAY * 89);
    // And not again at the next look.
    late.look(&mut desk).await;
    assert_eq!(late.leaf(), after);
    let absent = late.said(AlarmName::InternalCaRenewalFailed);
    assert_eq!(absent, Some(Condition::Absent));
}

#[tokio::test]
async fn what_an_operator_went_back_to_is_left_alone_for_a_while() {
    let scene = Scene::new(DAY * 10, "try-first = false");
    let before = scene.leaf();
    let place = issue::bridges(&scene.config).remove(0);
    let shelf = Shelf::new(&scene.config.state_dir);
    let hold = crate::workers::cert_desk::shelf::Hold {
        until: date::to_unix(clock::wall() + DAY / 2),
        by: "anna".to_owned(),
    };
    shelf.hold(&place, Some(&hold)).unwrap();
    let mut desk = Desk::default();
    scene.look(&mut desk).await;
    assert_eq!(scene.leaf(), before);
    shelf.hold(&place, None).unwrap();
    scene.look(&mut desk).await;
    assert_ne!(scene.leaf().fingerprint, before.fingerprint);
}

#[tokio::test]
async fn a_place_that_somebody_is_changing_is_left_to_them_and_nothing_is_told() {
    let scene = Scene::new(DAY * 20, "");
    let before = scene.leaf();
    let place = issue::bridges(&scene.config).remove(0);
    let held = Shelf::new(&scene.config.state_dir).lock(&place).unwrap();
    scene.look(&mut Desk::default()).await;
    assert_eq!(scene.leaf(), before);
    let said = scene.said(AlarmName::InternalCaRenewalFailed);
    assert_eq!(said, Some(Condition::Absent));
    drop(held);
    // A failure of its own is told, as ever.
    scene.look(&mut Desk::default()).await;
    let text = scene.text(AlarmName::InternalCaRenewalFailed);
    assert!(text.contains("could not be asked"), "{text}");
}

#[tokio::test]
async fn a_failure_is_told_again_after_a_restart() {
    let scene = Scene::new(DAY * 20, "");
    scene.look(&mut Desk::default()).await;
    let told = scene.text(AlarmName::InternalCaRenewalFailed);
    scene
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
    scene.look(&mut Desk::default()).await;
    assert_eq!(scene.text(AlarmName::InternalCaRenewalFailed), told);
}

#[tokio::test]
async fn what_no_xsp_could_be_shown_is_not_used_and_is_told_until_a_renewal_works() {
    let scene = Scene::new(DAY * 20, "");
    let before = scene.leaf();
    let mut desk = Desk::default();
    scene.look(&mut desk).await;
    assert_eq!(scene.leaf(), before);
    let text = scene.text(AlarmName::InternalCaRenewalFailed);
    assert!(text.contains("127.0.0.1:1 could not be asked"), "{text}");
    assert!(text.contains("The one in use ends on"), "{text}");
    // Nothing is left on the shelf that somebody might activate by mistake.
    let place = issue::bridges(&scene.config).remove(0);
    let shelf = Shelf::new(&scene.config.state_dir);
    let staged = shelf.about(&place, crate::workers::cert_desk::shelf::Part::Staged);
    assert_eq!(staged.unwrap(), None);
    // A restart has not forgotten it, and what is renewed by hand ends it.
    let mut desk = Desk::default();
    let other = Scene::new(DAY * 89, "");
    for name in [
        "bridge.pem",
        "bridge.key",
        "ca/internal-ca.pem",
        "ca/internal-ca-key.pem",
    ] {
        std::fs::copy(
            other.folder.path().join(name),
            scene.folder.path().join(name),
        )
        .unwrap();
    }
    scene.look(&mut desk).await;
    let absent = scene.said(AlarmName::InternalCaRenewalFailed);
    assert_eq!(absent, Some(Condition::Absent));
}

#[tokio::test]
async fn in_its_last_days_a_certificate_is_renewed_though_no_xsp_answers() {
    let scene = Scene::new(DAY * 5, "");
    let before = scene.leaf();
    scene.look(&mut Desk::default()).await;
    assert_ne!(scene.leaf().fingerprint, before.fingerprint);
}

#[tokio::test]
async fn without_the_key_nothing_is_issued_and_nothing_is_a_failure() {
    let scene = Scene::new(DAY * 5, "try-first = false");
    std::fs::remove_file(scene.folder.path().join("ca").join(folder::CA_KEY)).unwrap();
    let before = scene.leaf();
    let mut desk = Desk::default();
    scene.look(&mut desk).await;
    assert_eq!(scene.leaf(), before);
    let said = desk.said.clone().unwrap();
    assert!(said.contains("renewed by hand"), "{said}");
    let absent = scene.said(AlarmName::InternalCaRenewalFailed);
    assert_eq!(absent, Some(Condition::Absent));
    let place = issue::bridges(&scene.config).remove(0);
    let status = Records::new(&scene.config.state_dir).status(&place);
    assert!(!status.managed);
}

#[tokio::test]
async fn a_key_that_others_may_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new(DAY * 5, "try-first = false");
    let key = scene.folder.path().join("ca").join(folder::CA_KEY);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let before = scene.leaf();
    scene.look(&mut Desk::default()).await;
    assert_eq!(scene.leaf(), before);
    let text = scene.text(AlarmName::InternalCaRenewalFailed);
    assert!(text.contains("chmod 600"), "{text}");
}

#[tokio::test]
async fn what_an_older_ca_issued_is_replaced_at_once() {
    let scene = Scene::new(DAY * 89, "try-first = false");
    let before = scene.leaf();
    let ca = CaFolder::new(&scene.folder.path().join("ca"));
    let next = authority::new_ca("second", KeyType::EcdsaP256, 3_650, clock::wall()).unwrap();
    ca.prepare(&next).unwrap();
    let mut desk = Desk::default();
    scene.look(&mut desk).await;
    assert_eq!(scene.leaf(), before, "what is prepared issues nothing yet");
    ca.activate().unwrap();
    scene.look(&mut desk).await;
    assert_eq!(scene.leaf().issuer, "CN=second");
}

#[tokio::test]
async fn a_ca_that_does_not_last_for_one_more_certificate_is_told() {
    let scene = Scene::new(DAY * 89, "client-lifetime = \"3650d\"");
    scene.look(&mut Desk::default()).await;
    let text = scene.text(AlarmName::InternalCaRotationDue);
    assert!(text.contains("rotate-internal-ca prepare"), "{text}");
}

#[test]
fn the_old_ca_is_safe_to_remove_when_nothing_of_it_was_in_use_for_a_month() {
    let now = clock::wall();
    let ca = |days| {
        let made = authority::new_ca("internal", KeyType::EcdsaP256, days, now).unwrap();
        let der = crate::domain::certs::pem::blocks(made.certificate.as_bytes(), 1);
        Ca {
            facts: made.facts,
            der: der.into_iter().next().unwrap().content.unwrap(),
        }
    };
    let (old, current) = (ca(10), ca(3_650));
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        name: "cti/bridge".to_owned(),
        role: crate::domain::certs::fit::Role::Client,
        chain: folder.path().join("chain"),
        key: folder.path().join("key"),
        uses: Vec::new(),
    };
    let survey = |of| Survey {
        has_key: true,
        current: Some(current.clone()),
        old: Some(old.clone()),
        prepared: false,
        problem: None,
        bridges: vec![Bridge {
            place: place.clone(),
            leaf: Some(Leaf {
                facts: current.facts.clone(),
                of,
            }),
            held: None,
        }],
        usage: TrustUsage::default(),
        lost: None,
    };
    let mut usage = TrustUsage::default();
    let verdict = judge_usage(&mut usage, &survey(Generation::Old), now);
    assert_eq!(verdict, Verdict::Used);
    let verdict = judge_usage(&mut usage, &survey(Generation::Current), now + DAY);
    assert_eq!(verdict, Verdict::Used);
    let later = now + DAY * 32;
    let verdict = judge_usage(&mut usage, &survey(Generation::Current), later);
    assert!(matches!(verdict, Verdict::Unused(_)), "{verdict:?}");
    let said = own_ca::unused(&old.facts, verdict, later);
    let Condition::Present(present) = said.condition else {
        panic!("{said:?}");
    };
    assert!(present.text.contains("safe to remove"), "{}", present.text);
}
