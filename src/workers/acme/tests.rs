//! One automatic certificate against files, and a CA that nobody reaches.

use std::sync::Mutex;
use std::sync::PoisonError;

use rcgen::ExtendedKeyUsagePurpose;

use super::*;
use crate::config::from_text;
use crate::domain::alarms::Condition;
use crate::domain::certs::bundle::Key;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::workers::acme::delivery::Delivery;
use crate::workers::acme::delivery::End;
use crate::workers::acme::delivery::Holds;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::activate::Way;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Hold;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;

const HOUR: i64 = 3600;
const DIRECTORY: &str = "https://127.0.0.1:1/dir";

struct Scene {
    _folder: tempfile::TempDir,
    config: Arc<Config>,
    ground: AcmeGround,
    seen: Arc<Mutex<Vec<Observation>>>,
}

impl Scene {
    /// There is no certificate in the files, so one is due.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text = format!(
            r#"
state-dir = "{at}/state"
[[acme]]
name = "public"
directory = "{DIRECTORY}"
terms-agreed = true
challenge = "tls-alpn-01"
names = ["xsp1.example.net"]
for = ["edge"]
[[pool]]
name = "xsp"
upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
[[listener]]
name = "edge"
addresses = ["127.0.0.1:0"]
routes = ["xsi-actions"]
[[listener.host]]
names = ["xsp1.example.net"]
certificates = [{{ chain = "{at}/edge.pem", key = "file:{at}/edge.key" }}]
"#
        );
        let config = from_text(&text).map_err(|problems| format!("{problems:?}"));
        let config = Arc::new(config.unwrap());
        let (held, seen) = (Arc::clone(&config), Arc::<Mutex<Vec<_>>>::default());
        let told = Arc::clone(&seen);
        let ground = AcmeGround {
            config: Box::new(move || Arc::clone(&held)),
            challenges: Arc::default(),
            observe: Arc::new(move |observation| {
                let mut seen = told.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(observation);
            }),
            changed: Box::new(|| {}),
            tasks: Tasks::new(),
        };
        Self {
            _folder: folder,
            config,
            ground,
            seen,
        }
    }

    fn acme(&self) -> &Acme {
        &self.config.acme[0]
    }

    fn place(&self) -> Place {
        place::find(&self.config, "edge").unwrap()
    }

    fn shelf(&self) -> Shelf {
        Shelf::new(&self.config.state_dir)
    }

    /// An operator goes back.
    fn go_back(&self, by: &str) {
        let hold = Hold {
            until: date::to_unix(clock::wall()) + 12 * HOUR,
            by: by.to_owned(),
        };
        self.shelf().hold(&self.place(), Some(&hold)).unwrap();
    }

    /// A CA's answer comes, to an order that was made when this was known of rollbacks: where it is
    /// then, and its leaf.
    fn deliver(&self, holds: Holds) -> (End, String) {
        let leaf = mint::leaf("xsp1.example.net", ExtendedKeyUsagePurpose::ServerAuth);
        let root = Minted::root(mint::ca("Root"));
        let leaf = root.issue(leaf);
        let delivery = Delivery {
            config: Arc::clone(&self.config),
            places: vec![self.place()],
            name: "public".to_owned(),
            holds,
        };
        let key = Key::of_pem(leaf.key_pem().as_bytes()).unwrap();
        let chain = leaf.pem() + &root.pem();
        let done = delivery.run(&chain, &key, clock::wall()).unwrap();
        (done.end, done.leaf.fingerprint.to_string())
    }

    /// What is staged, and what is in the files.
    fn there(&self) -> (Option<String>, Option<String>) {
        let staged = self.shelf().about(&self.place(), Part::Staged).unwrap();
        let leaf = activate::configured(&self.place()).ok().flatten();
        (
            staged.map(|about| about.fingerprint),
            leaf.map(|facts| facts.fingerprint.to_string()),
        )
    }

    fn folder(&self) -> Folder {
        Folder::new(&self.config.state_dir, "public")
    }

    async fn start(&self) -> Keeper {
        Keeper::open(&self.ground, &self.config, self.acme()).await
    }

    /// What stands against an object, of what was told since the last time.
    async fn look(&self, keeper: &mut Keeper) -> Vec<(String, Option<String>)> {
        keeper.look(&self.ground, &self.config, self.acme()).await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |seen: Observation| {
            let text = match seen.condition {
                Condition::Present(present) => Some(present.text),
                Condition::Absent => None,
            };
            (seen.key.object.as_str().to_owned(), text)
        };
        seen.drain(..).map(told).collect()
    }
}

#[tokio::test]
async fn what_was_told_before_a_restart_is_told_again() {
    let scene = Scene::new();
    let place = "edge/xsp1.example.net";
    let left = Status {
        seed: 7,
        directory: DIRECTORY.to_owned(),
        failures: 4,
        complained: true,
        rest: Some(date::to_unix(clock::wall()) + HOUR),
        problem: "the CA: it refused (400, unauthorized)".to_owned(),
        fingerprint: "ab:cd".to_owned(),
        account: "https://127.0.0.1:1/account/1".to_owned(),
        account_state: "it refused (403, unauthorized)".to_owned(),
        unserved: vec![place.to_owned()],
        ..Status::default()
    };
    scene.folder().keep_status(&left).unwrap();
    let mut keeper = scene.start().await;
    let told = scene.look(&mut keeper).await;
    for (object, words) in [
        ("acme public", "4 times in a row"),
        ("acme account public", "403, unauthorized"),
        (place, "ab:cd"),
    ] {
        let text = told.iter().find(|(held, _)| held == object);
        let text = text.and_then(|(_, text)| text.clone()).unwrap_or_default();
        assert!(text.contains(words), "{object}: {told:?}");
    }
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(scene.look(&mut keeper).await, [], "once");
    let kept = scene.folder().status().unwrap();
    assert!(
        kept.complained && kept.unserved == left.unserved,
        "{kept:?}"
    );
}

#[tokio::test]
async fn nothing_is_ordered_for_what_an_operator_went_back_to() {
    let scene = Scene::new();
    let (place, shelf) = (scene.place(), scene.shelf());
    let hold = Hold {
        until: date::to_unix(clock::wall()) + 12 * HOUR,
        by: "anna".to_owned(),
    };
    shelf.hold(&place, Some(&hold)).unwrap();
    for _ in 0..2 {
        // A restart does not forget it.
        let mut keeper = scene.start().await;
        scene.look(&mut keeper).await;
        scene.look(&mut keeper).await;
        let status = scene.folder().status().unwrap();
        assert_eq!((status.tried, status.held), (None, Some(hold.until)));
    }
    let mut keeper = scene.start().await;
    scene.look(&mut keeper).await;
    shelf.hold(&place, None).unwrap();
    scene.look(&mut keeper).await;
    let status = scene.folder().status().unwrap();
    assert!(status.tried.is_some() && status.failures == 1, "{status:?}");
    assert_eq!(status.held, None);
}

#[test]
fn what_was_ordered_is_kept_and_not_activated_when_an_operator_went_back_meanwhile() {
    let scene = Scene::new();
    let (end, first) = scene.deliver(Holds::new());
    assert!(matches!(end, End::InUse(_)));
    assert_eq!(scene.there(), (None, Some(first.clone())));
    scene.go_back("anna");
    let known = delivery::holds(&scene.shelf(), &[scene.place()]);
    let (end, second) = scene.deliver(Holds::new());
    let End::Staged(until) = end else {
        panic!("what an operator went back to is undone");
    };
    assert_eq!(date::to_unix(until), known[&scene.place().name].until);
    assert_eq!(scene.there(), (Some(second.clone()), Some(first)));
    let waiting = staged(&scene.shelf(), &[scene.place()], "public");
    assert_eq!(waiting, [scene.place().name]);
    let journal = scene.shelf().journal().unwrap().lines;
    assert_eq!(journal.last().unwrap().event, "staged");
    // It can be activated as anything that is staged.
    activate::activate(
        &scene.shelf(),
        &scene.place(),
        Way::Forward,
        "anna",
        clock::wall(),
    )
    .unwrap();
    assert_eq!(scene.there(), (None, Some(second)));
    // Who asks for another one all the same gets it into the files.
    let (end, third) = scene.deliver(known);
    assert!(matches!(end, End::InUse(_)));
    assert_eq!(scene.there(), (None, Some(third)));
}

#[test]
fn what_an_operator_staged_who_went_back_is_not_replaced_by_what_was_ordered() {
    let scene = Scene::new();
    let (_, first) = scene.deliver(Holds::new());
    let mut pair = activate::current(&scene.place(), clock::wall()).unwrap().0;
    pair.about.by = "anna".to_owned();
    let theirs = pair.about.fingerprint.clone();
    scene
        .shelf()
        .put(&scene.place(), Part::Staged, &pair)
        .unwrap();
    scene.go_back("anna");
    let (end, _) = scene.deliver(Holds::new());
    assert!(matches!(end, End::Staged(_)));
    assert_eq!(scene.there(), (Some(theirs), Some(first)));
    assert!(staged(&scene.shelf(), &[scene.place()], "public").is_empty());
}

#[tokio::test]
async fn an_account_of_another_ca_than_the_one_that_is_configured_is_no_alarm() {
    let scene = Scene::new();
    let left = Status {
        directory: "https://127.0.0.1:2/dir".to_owned(),
        rest: Some(date::to_unix(clock::wall()) + HOUR),
        account: "https://127.0.0.1:2/account/1".to_owned(),
        account_state: "it refused (403, unauthorized)".to_owned(),
        ..Status::default()
    };
    scene.folder().keep_status(&left).unwrap();
    let mut keeper = scene.start().await;
    let told = scene.look(&mut keeper).await;
    assert_eq!(told, [("acme account public".to_owned(), None)]);
}
