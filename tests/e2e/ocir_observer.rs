//! The observer of OCI-R against the lab's Application Server: reports come over one interface, and
//! what they mean is asked over the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use xspd::app::application_server::ApplicationServer;
use xspd::config::NamedFiles;
use xspd::config::load_with;
use xspd::domain::ocir::Hint;
use xspd::domain::ocir::Observation;
use xspd::domain::ocir::Observed;
use xspd::domain::ocir::Scope;
use xspd::domain::xsi::codec::Element;
use xspd::lab::broadworks::BroadWorks;
use xspd::lab::broadworks::ocir::Odd;
use xspd::lab::broadworks::ocir::Settings;
use xspd::outbound::broadworks::ocip::CurrentOcip;
use xspd::platform::tasks::Tasks;
use xspd::telemetry::Telemetry;
use xspd::workers::ocir_observer;

use crate::support::BOUND;
use crate::support::daemon::free_address;
use crate::support::pki::write_private;

const USER: &str = "ivy@customer.example.net";

/// What every configuration has.
const EDGE: &str = r#"
[[pool]]
name = "xsp"
upstream = [{ name = "one", url = "http://10.0.0.5" }]
[[listener]]
name = "l"
addresses = ["127.0.0.1:0"]
[[listener.host]]
names = ["a.example.com"]
"#;

/// A lab, an observer of it, and what it observes.
struct Stage {
    lab: Arc<BroadWorks>,
    telemetry: Telemetry,
    observed: mpsc::Receiver<Observation>,
    tasks: Tasks,
    _directory: TempDir,
}

/// What of the lab there is to ask.
#[derive(PartialEq)]
enum Ocip {
    Asked,
    Absent,
}

impl Stage {
    async fn start(ocip: Ocip, settings: Settings, times: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lab = BroadWorks::open(directory.path(), true).unwrap();
        lab.report_as(settings);
        let tasks = Tasks::new();
        let (reports, reporting) = listener().await;
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-ocir", async move {
            served.serve_ocir(reports, None, own.stop(), &own).await;
        });
        let mut text = format!(
            "{EDGE}[ocir]\n{times}\n[[ocir.as]]\nname = \"as1\"\ncluster = \"as-east\"\n\
             address = \"{reporting}\"\ntls = false\n"
        );
        if ocip == Ocip::Asked {
            let (questions, asked) = listener().await;
            let (served, own) = (Arc::clone(&lab), tasks.clone());
            tasks.worker("lab-ocip", async move {
                served.serve_ocip(questions, None, own.stop(), &own).await;
            });
            let account = lab.provisioning_administrator();
            let password = directory.path().join("password");
            write_private(&password, &account.password);
            text += &format!(
                "[application-server]\naddresses = [\"{asked}\"]\ntls = false\nuser-id = {:?}\n\
                 password = \"file:{}\"\nrequests-per-second = 1000.0\nburst = 1000\n",
                account.id,
                password.display()
            );
        }
        let file = directory.path().join("xspd.toml");
        std::fs::write(&file, text).unwrap();
        let config = load_with(
            &file,
            &xspd::config::Environment::process(),
            NamedFiles::Skip,
        )
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .config;
        let telemetry = Telemetry::new();
        let server = ApplicationServer::default();
        let asked = server.prepare(&config, None, &tasks, &telemetry);
        server.publish(asked.unwrap());
        let asked = server.current().clone();
        let observed = ocir_observer::start(&config, asked, &tasks, &telemetry);
        let observed = observed.unwrap().expect("it is configured").observations;
        let stage = Self {
            lab,
            telemetry,
            observed,
            tasks,
            _directory: directory,
        };
        stage.until("xspd_ocir_connected{as=\"as1\"} 1").await;
        stage
    }

    /// Waits until the metrics have a line that begins so.
    async fn until(&self, line: &str) {
        let seen = async {
            while !self
                .telemetry
                .render()
                .lines()
                .any(|held| held.starts_with(line))
            {
                tokio::task::yield_now().await;
            }
        };
        let seen = timeout(BOUND, seen).await;
        assert!(seen.is_ok(), "{line}: {}", self.telemetry.render());
    }

    async fn next(&mut self) -> Observed {
        let next = timeout(BOUND, self.observed.recv()).await;
        let observation = next.expect("in time").expect("an observation");
        assert_eq!(observation.cluster.as_str(), "as-east");
        assert_eq!(&*observation.told_by, "as1");
        observation.what
    }

    async fn give(&self, user: &str, given: bool) {
        self.lab.assign_imp(user, given, &self.tasks).await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn what_an_administrator_did_is_observed_as_it_is_now() {
    let mut stage = Stage::start(Ocip::Asked, Settings::default(), "").await;
    stage.give(USER, false).await;
    let what = stage.next().await;
    assert!(
        matches!(&what, Observed::Absent(user) if user.as_str() == USER),
        "{what:?}"
    );
    stage.give(USER, true).await;
    let Observed::Present { profile, url } = stage.next().await else {
        panic!("the user has the service")
    };
    assert_eq!(profile.user.as_str(), USER);
    assert_eq!(profile.phone.as_deref(), Some("+13015550301"));
    assert_eq!(profile.language.as_deref(), Some("en_US"));
    assert_eq!((profile.sp.as_str(), url), ("sp1", None));
}

#[tokio::test]
async fn reports_in_single_bytes_and_several_in_one_document_are_all_observed() {
    let settings = Settings {
        split: true,
        together: 15,
        ..Settings::default()
    };
    let mut stage = Stage::start(Ocip::Absent, settings, "").await;
    let users = ["ivy", "jack", "noël"].map(|name| format!("{name}@customer.example.net"));
    for user in &users {
        stage.give(user, false).await;
    }
    for user in &users {
        let what = stage.next().await;
        let Observed::Hint { user: told, hint } = what else {
            panic!("{what:?}: nobody can be asked")
        };
        assert_eq!((told.as_str(), hint), (user.as_str(), Hint::Absent));
    }
}

#[tokio::test]
async fn a_backlog_is_heard_after_a_loss_and_what_comes_twice_counts_once() {
    let settings = Settings {
        replay: 5,
        ..Settings::default()
    };
    let mut stage = Stage::start(Ocip::Absent, settings, "reconnect = \"10ms\"").await;
    stage.give(USER, false).await;
    drop(stage.next().await);
    stage.lab.cut_reports();
    stage.give(USER, true).await;
    let what = stage.next().await;
    assert!(
        matches!(
            what,
            Observed::Hint {
                hint: Hint::Present,
                ..
            }
        ),
        "{what:?}"
    );
    stage
        .until("xspd_ocir_reports_total{as=\"as1\",effect=\"repeated\"} 1")
        .await;
    stage
        .until("xspd_ocir_losses_total{as=\"as1\",reason=\"closed\"} 1")
        .await;
}

#[tokio::test]
async fn silence_is_a_loss() {
    let times = "silence = \"60ms\"\nreconnect = \"10ms\"";
    let settings = Settings {
        ping_ms: 10,
        ..Settings::default()
    };
    let stage = Stage::start(Ocip::Absent, settings, times).await;
    stage.lab.report_as(Settings {
        silent: true,
        ..Settings::default()
    });
    stage.until("xspd_ocir_connected{as=\"as1\"} 0").await;
    let losses = "xspd_ocir_losses_total{as=\"as1\",reason=\"silence\"}";
    assert!(stage.telemetry.render().contains(losses));
    stage.lab.report_as(Settings {
        ping_ms: 10,
        ..Settings::default()
    });
    stage.until("xspd_ocir_connected{as=\"as1\"} 1").await;
}

#[tokio::test]
async fn what_no_application_server_should_send_harms_nobody() {
    let times = "reconnect = \"10ms\"";
    let mut stage = Stage::start(Ocip::Absent, Settings::default(), times).await;
    for odd in [Odd::Doctype, Odd::Entities, Odd::Unreadable] {
        stage.lab.send_odd_report(odd);
    }
    stage.lab.send_odd_report(Odd::EndTag);
    stage.lab.send_odd_report(Odd::Large);
    stage
        .until("xspd_ocir_reports_total{as=\"as1\",effect=\"unreadable\"} 3")
        .await;
    stage
        .until("xspd_ocir_reports_total{as=\"as1\",effect=\"ignored\"} 2")
        .await;
    for (odd, losses) in [(Odd::TooLarge, 1), (Odd::Garbage, 2)] {
        stage.lab.send_odd_report(odd);
        let lost = format!("xspd_ocir_losses_total{{as=\"as1\",reason=\"framing\"}} {losses}");
        stage.until(&lost).await;
        stage.until("xspd_ocir_connected{as=\"as1\"} 1").await;
    }
    stage.give(USER, false).await;
    let what = stage.next().await;
    assert!(matches!(what, Observed::Hint { .. }), "{what:?}");
}

#[tokio::test]
async fn where_nobody_can_be_asked_the_report_itself_must_do() {
    let mut stage = Stage::start(Ocip::Asked, Settings::default(), "").await;
    // So that it is logged in before it is refused.
    stage.give(USER, false).await;
    assert!(matches!(stage.next().await, Observed::Absent(_)));
    stage
        .lab
        .ocip_faults()
        .fail_next(20, 4711, "Something else");
    stage.give(USER, true).await;
    let what = stage.next().await;
    let said = matches!(
        what,
        Observed::Hint {
            hint: Hint::Present,
            ..
        }
    );
    assert!(said, "{what:?}");
    stage.lab.ocip_faults().clear();
    stage.give(USER, false).await;
    let what = stage.next().await;
    assert!(matches!(what, Observed::Absent(_)), "{what:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_the_next_connection_is_kept() {
    let address = free_address();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("xspd.toml");
    let text = format!(
        "{EDGE}[ocir]\ndown-warning = \"5m\"\n[[ocir.as]]\nname = \"as1\"\ncluster = \"c\"\n\
         address = \"{address}\"\ntls = false\n"
    );
    std::fs::write(&file, text).unwrap();
    let config = load_with(
        &file,
        &xspd::config::Environment::process(),
        NamedFiles::Skip,
    );
    let config = config
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .config;
    let (tasks, telemetry) = (Tasks::new(), Telemetry::new());
    let asked = CurrentOcip::default();
    let observed = ocir_observer::start(&config, asked, &tasks, &telemetry).unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let text = telemetry.render();
    let line = "xspd_ocir_losses_total{as=\"as1\",reason=\"connect\"} ";
    let losses = text.lines().find_map(|held| held.strip_prefix(line));
    let losses: u32 = losses.unwrap().parse().unwrap();
    assert!((8..=11).contains(&losses), "one in 10 to 12 s: {losses}");
    tasks.stop().cancel();
    drop(observed);
}

#[tokio::test]
async fn a_level_with_another_messaging_server_is_told() {
    let mut stage = Stage::start(Ocip::Asked, Settings::default(), "").await;
    let lab = &stage.lab;
    lab.use_messaging(
        None,
        "https://adapter.example/adapter/v1/t/a",
        "webexprov",
        "Secret",
    )
    .unwrap();
    let Observed::Messaging { scope, server } = stage.next().await else {
        panic!("the system's messaging server")
    };
    assert_eq!(scope, Scope::System);
    let url = server.unwrap().url;
    assert_eq!(
        url.as_deref(),
        Some("https://adapter.example/adapter/v1/t/a")
    );
}

#[tokio::test]
async fn below_a_reseller_users_are_where_the_reseller_has_them() {
    let mut stage = Stage::start(Ocip::Asked, Settings::default(), "").await;
    let (system, reseller) = ("https://a.example/t/system", "https://a.example/t/reseller");
    // Before anybody would have to be told.
    for user in ["amy@acme.example.net", "gus@globex.example.net"] {
        stage.give(user, true).await;
        let told = stage.next().await;
        assert!(
            matches!(told, Observed::Present { url: None, .. }),
            "{told:?}"
        );
    }
    stage
        .lab
        .use_messaging(None, system, "webexprov", "Secret")
        .unwrap();
    let told = stage.next().await;
    assert!(matches!(told, Observed::Messaging { .. }), "{told:?}");
    stage
        .lab
        .use_reseller_messaging("reseller1", reseller, "webexprov", "Secret")
        .unwrap();
    let Observed::Messaging { scope, server } = stage.next().await else {
        panic!("the reseller's messaging server")
    };
    assert_eq!(scope, Scope::Reseller("reseller1".to_owned()));
    assert_eq!(server.unwrap().url.as_deref(), Some(reseller));
    for (user, url) in [
        ("amy@acme.example.net", reseller),
        ("gus@globex.example.net", system),
    ] {
        // Nothing that a messaging server is told.
        let title = Element::new("command")
            .with_leaf("userId", user)
            .with_leaf("title", "Boss");
        let request = "UserModifyRequest22";
        let done = stage.lab.administer(request, &title, &stage.tasks).await;
        done.unwrap();
        let told = stage.next().await;
        let Observed::Present { url: told, .. } = told else {
            panic!("{user}: {told:?}")
        };
        assert_eq!(told.as_deref(), Some(url), "{user}");
    }
}
