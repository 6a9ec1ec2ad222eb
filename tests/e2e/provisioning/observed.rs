//! What an Application Server reports, from its connection to the store: the lab's in the mode
//! `observe`, and one by hand that tells of a deleted group.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use xspd::lab::broadworks::BroadWorks;
use xspd::platform::tasks::Tasks;

use crate::e2e::provisioning::adapter_scene::ACCOUNT;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::support::BOUND;
use crate::support::daemon::Daemon;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::pki::write_private;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// Users of the lab, of one group.
const IVY: &str = "ivy@customer.example.net";
const JACK: &str = "jack@customer.example.net";

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A daemon that listens to the lab's Application Server, whose messaging server is a bridge.
struct Stage {
    scene: Scene,
    lab: Arc<BroadWorks>,
    bridge: Upstream,
    daemon: Daemon,
    tasks: Tasks,
    /// Another Application Server of the cluster, played by hand.
    other: TcpStream,
    _directory: TempDir,
}

impl Stage {
    async fn open() -> Self {
        let (scene, directory) = (Scene::new(), tempfile::tempdir().unwrap());
        let lab = BroadWorks::open(directory.path(), true).unwrap();
        let tasks = Tasks::new();
        let (reports, reporting) = listener().await;
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-ocir", async move {
            served.serve_ocir(reports, None, own.stop(), &own).await;
        });
        let (questions, asked) = listener().await;
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-ocip", async move {
            served.serve_ocip(questions, None, own.stop(), &own).await;
        });
        let authority = Authority::new("Bridge");
        let ca = authority.write(scene.path(), "bridge-ca");
        let identity = authority.server(&["localhost"], Key::P256);
        let bridge = Upstream::start_tls(&identity, None, |_| Reply::text(200, "done")).await;
        let url = format!("https://localhost:{}/base", bridge.address().port());
        lab.trust_messaging(&ca).unwrap();
        lab.use_messaging(Some("sp1"), &url, ACCOUNT, PASSWORD)
            .unwrap();
        let (others, other) = listener().await;
        let account = lab.provisioning_administrator();
        write_private(&scene.path().join("ocip"), &account.password);
        let observe = template(&scene, &url, &account.id, [asked, reporting, other]);
        let config = scene.config("allow = [\"127.0.0.0/8\"]", &observe);
        let daemon = scene.start(&config).await;
        let (other, _) = tokio::time::timeout(BOUND, others.accept())
            .await
            .unwrap()
            .unwrap();
        let stage = Self {
            scene,
            lab,
            bridge,
            daemon,
            tasks,
            other,
            _directory: directory,
        };
        stage
            .until("the lab reports", async || {
                let connected = "xspd_ocir_connected{as=\"as1\"}";
                stage.daemon.metric(connected).await == Some(1.0)
            })
            .await;
        stage
    }

    async fn until(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let looking = async {
            while !look().await {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let seen = tokio::time::timeout(BOUND, looking).await;
        assert!(
            seen.is_ok(),
            "never: {what}; {:?}; the daemon said {:#?}",
            self.scene.users().await,
            self.daemon.lines()
        );
    }

    async fn give(&self, user: &str, given: bool) {
        self.lab.assign_imp(user, given, &self.tasks).await.unwrap();
    }

    /// What the store holds of a user: revision, template and wish.
    async fn held(&self, user: &str) -> Option<(i64, String, String)> {
        let mut database = self.scene.database().await;
        let query = "SELECT revision, template, wish FROM users JOIN documents USING (id) \
                     WHERE user_id = ?";
        sqlx::query_as(query)
            .bind(user)
            .fetch_optional(&mut database)
            .await
            .unwrap()
    }

    /// Waits until a user is to be a subscriber, or none.
    async fn wished(&self, user: &str, is: &str) {
        let word = format!("\"is\":\"{is}\"");
        self.until(&format!("{user} is {is}"), async || {
            let held = self.held(user).await;
            held.is_some_and(|(.., wish)| wish.contains(&word))
        })
        .await;
    }

    /// The other Application Server tells of a deleted group.
    async fn group_is_deleted(&mut self, number: u32, group: &str) {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<BroadsoftOCIReportingDocument \
             protocol=\"OCIReporting\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <command xsi:type=\"OCIReportingReportNotification\"><id>write{number}</id>\
             <userId>admin</userId><loginType>System</loginType><request><![CDATA[<?xml \
             version=\"1.0\" encoding=\"ISO-8859-1\"?><BroadsoftDocument protocol=\"OCI\" \
             xmlns=\"C\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><command \
             xsi:type=\"GroupDeleteRequest\" xmlns=\"\"><serviceProviderId>sp1\
             </serviceProviderId><groupId>{group}</groupId></command></BroadsoftDocument>]]>\
             </request></command></BroadsoftOCIReportingDocument>\n"
        );
        self.other.write_all(text.as_bytes()).await.unwrap();
    }

    async fn close(self) {
        assert!(self.daemon.stop().await.success());
        self.tasks.stop().cancel();
        self.tasks.join().await;
    }
}

/// A template of the mode `observe` whose users are provisioned at this URL, and where Application
/// Servers are asked and heard.
fn template(
    scene: &Scene,
    url: &str,
    id: &str,
    [asked, reporting, other]: [SocketAddr; 3],
) -> String {
    format!(
        r#"
[[template]]
name = "acme-observed"
mode = "observe"
cluster = "as-east"
partner = "acme"
bridge-url = "{url}"
[application-server]
addresses = ["{asked}"]
tls = false
user-id = {id:?}
password = "file:{folder}/ocip"
[ocir]
reconnect = "100ms"
[[ocir.as]]
name = "as1"
cluster = "as-east"
address = "{reporting}"
tls = false
[[ocir.as]]
name = "as2"
cluster = "as-east"
address = "{other}"
tls = false
"#,
        folder = scene.path().display(),
    )
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn what_the_application_server_reports_becomes_a_wish_in_the_store_and_goes_again() {
    let stage = Stage::open().await;
    assert_eq!(stage.held(IVY).await, None);
    stage.give(IVY, false).await;
    stage.give(IVY, true).await;
    stage.wished(IVY, "present").await;
    let (revision, template, wish) = stage.held(IVY).await.unwrap();
    assert_eq!((revision, template.as_str()), (1, "acme-observed"));
    for part in ["\"source\":\"ocir\"", "+13015550301", "\"sp\":\"sp1\""] {
        assert!(wish.contains(part), "{part} in {wish}");
    }
    assert!(
        !stage.bridge.requests().is_empty(),
        "the Application Server provisions at the bridge itself"
    );
    stage.give(IVY, false).await;
    stage.wished(IVY, "absent").await;
    assert_eq!(stage.held(IVY).await.unwrap().0, 2);
    let series = "xspd_provisioning_wishes_total{source=\"ocir\",verdict=\"accepted\"}";
    // It is counted after it was kept.
    let counted = async {
        while stage.daemon.metric(series).await != Some(2.0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, counted).await.expect(series);
    stage.close().await;
}

#[tokio::test]
async fn a_deleted_group_takes_only_those_along_who_are_gone_says_broadworks() {
    let mut stage = Stage::open().await;
    for user in [IVY, JACK] {
        stage.give(user, false).await;
        stage.give(user, true).await;
        stage.wished(user, "present").await;
    }
    let (_, _, wish) = stage.held(IVY).await.unwrap();
    let (_, rest) = wish.split_once("\"group\":\"").expect("a group");
    let group = rest.split('"').next().unwrap().to_owned();

    // Somebody says so, and it is not so.
    stage.group_is_deleted(1, &group).await;
    let line = stage
        .daemon
        .logged(&["group is deleted", "keep their subscriptions"])
        .await;
    assert!(line.contains("gone=0") && line.contains("stay=2"), "{line}");
    for user in [IVY, JACK] {
        assert_eq!(stage.held(user).await.unwrap().0, 1, "{user}");
    }

    // One of the two is really gone.
    assert!(stage.lab.delete_user(JACK).unwrap());
    stage.group_is_deleted(2, &group).await;
    stage.wished(JACK, "absent").await;
    let line = stage
        .daemon
        .logged(&["keep their subscriptions", "gone=1"])
        .await;
    assert!(line.contains("stay=1"), "{line}");
    assert_eq!(stage.held(IVY).await.unwrap().0, 1);

    // Without an answer nobody goes.
    stage.lab.delete_user(IVY).unwrap();
    stage
        .lab
        .ocip_faults()
        .fail_next(100, 5000, "Internal error");
    stage.group_is_deleted(3, &group).await;
    let line = stage
        .daemon
        .logged(&["keep their subscriptions", "unknown=1"])
        .await;
    assert!(line.contains("gone=0"), "{line}");
    assert_eq!(stage.held(IVY).await.unwrap().0, 1);
    stage.close().await;
}
