//! The lab's Application Server in front of a real daemon and the lab's Webex: every way of writing
//! a call, what its administrators read when one is refused, relay to the bridge, and resellers.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use xspd::domain::xsi::codec::Element;
use xspd::lab::broadworks::BroadWorks;
use xspd::lab::broadworks::directory::INTEGRATED_IMP;
use xspd::lab::broadworks::imp::Authorization;
use xspd::lab::broadworks::imp::Charset;
use xspd::lab::broadworks::imp::Form;
use xspd::lab::broadworks::imp::Removal;
use xspd::lab::broadworks::imp::Settings;
use xspd::lab::broadworks::imp::Version;
use xspd::lab::webex::api::Api;
use xspd::lab::webex::api::BRIDGE_ACCOUNT;
use xspd::lab::webex::api::BRIDGE_PASSWORD;
use xspd::platform::tasks::Tasks;

use crate::e2e::provisioning::adapter_scene::ACCOUNT;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::resold;
use crate::e2e::provisioning::theatre::text;
use crate::support::pki::write_private;

/// In the enterprise of the seed.
pub(super) const ALICE: &str = "alice@as.example.net";
pub(super) const BOB: &str = "bob@as.example.net";
const JUERGEN: &str = "juergen@as.example.net";
const INIGO: &str = "inigo@as.example.net";

/// In an enterprise of a reseller.
const AMY: &str = "amy@acme.example.net";

/// In one of no reseller.
const GUS: &str = "gus@globex.example.net";

/// An Application Server whose administrators do as they are told.
pub(super) struct LabAs {
    pub(super) lab: Arc<BroadWorks>,
    tasks: Tasks,
    port: u16,
}

impl LabAs {
    /// One that the daemon of the theatre may ask over OCI-P.
    pub(super) async fn open(theatre: &mut Theatre) -> Self {
        let folder = theatre.scene.path().join("as");
        std::fs::create_dir(&folder).unwrap();
        let lab = BroadWorks::open(&folder, true).unwrap();
        lab.trust_messaging(&theatre.scene.path().join("ca.pem"))
            .unwrap();
        let tasks = Tasks::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (served, own) = (Arc::clone(&lab), tasks.clone());
        tasks.worker("lab-ocip", async move {
            served.serve_ocip(listener, None, own.stop(), &own).await;
        });
        let account = lab.provisioning_administrator();
        let password = theatre.scene.path().join("ocip-password");
        write_private(&password, &account.password);
        theatre.config += &format!(
            "\n[application-server]\naddresses = [\"{address}\"]\ntls = false\nuser-id = {:?}\n\
             password = \"file:{}\"\nrequests-per-second = 1000.0\nburst = 1000\n",
            account.id,
            password.display()
        );
        let port = theatre.scene.address.port();
        let server = Self { lab, tasks, port };
        for (request, field) in [
            (
                "SystemIntegratedIMPModifyRequest",
                "propagateImpErrorDetails",
            ),
            ("SystemBroadCloudModifyRequest", "enableSynchronization"),
        ] {
            server.change(request, &[(field, "true")]).await.unwrap();
        }
        server
    }

    pub(super) fn url(&self, template: &str) -> String {
        format!("https://localhost:{}/adapter/v1/t/{template}", self.port)
    }

    /// Everybody who has no other is provisioned by this template from now on.
    pub(super) fn point_at(&self, template: &str) {
        let url = self.url(template);
        self.lab
            .use_messaging(None, &url, ACCOUNT, PASSWORD)
            .unwrap();
    }

    pub(super) async fn give(&self, user: &str) -> Result<(), String> {
        self.lab.assign_imp(user, true, &self.tasks).await
    }

    pub(super) async fn take(&self, user: &str) -> Result<(), String> {
        self.lab.assign_imp(user, false, &self.tasks).await
    }

    /// Carries out a request with these elements.
    pub(super) async fn change(
        &self,
        request: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), String> {
        let fields = fields.iter();
        let fields = fields.map(|(name, text)| Element::leaf(name, *text));
        let body = Element::new("command").with_all(fields);
        self.lab.administer(request, &body, &self.tasks).await
    }

    /// Carries out a request that is more than a list of texts.
    pub(super) async fn administer(&self, request: &str, body: &Element) {
        let done = self.lab.administer(request, body, &self.tasks).await;
        done.unwrap();
    }

    pub(super) async fn change_user(&self, user: &str, fields: &[(&str, &str)]) {
        let mut all = vec![("userId", user)];
        all.extend(fields);
        self.change("UserModifyRequest22", &all).await.unwrap();
    }

    pub(super) fn has_service(&self, user: &str) -> bool {
        let directory = self.lab.directory();
        directory.user(user).unwrap().has_service(INTEGRATED_IMP)
    }

    pub(super) async fn close(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
        assert_eq!(self.tasks.connection_panics(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_writing_a_call_ends_at_webex() {
    let mut theatre = Theatre::open(FAST).await;
    let server = LabAs::open(&mut theatre).await;
    // The seed has given the service to them; nobody is told yet.
    for user in [ALICE, BOB, JUERGEN, INIGO] {
        server.take(user).await.unwrap();
    }
    server.point_at("trusted");
    let daemon = theatre.daemon().await;
    // The first of the enterprise stays: who administers it does not go without a word.
    server.give(ALICE).await.unwrap();
    theatre.reaches(&daemon, ALICE, "provisioned").await;
    for (user, last_name, settings) in [
        (BOB, "Boss", Settings::default()),
        (
            JUERGEN,
            "M\u{fc}ller",
            Settings {
                form: Form::Userservice,
                charset: Charset::Latin1,
                http: Version::Http10,
                removal: Removal::Path,
                ..Settings::default()
            },
        ),
        (
            INIGO,
            "N\u{fa}\u{f1}ez",
            Settings {
                chunked: true,
                authorization: Authorization::After401,
                removal: Removal::Flag,
                ..Settings::default()
            },
        ),
    ] {
        server.lab.write_imp_calls(settings);
        server.give(user).await.unwrap();
        theatre.reaches(&daemon, user, "provisioned").await;
        let held = theatre.subscriber(user).unwrap();
        assert_eq!(held["lastName"], last_name, "{held}");
        assert_eq!(held["spEnterpriseId"], "ent1");

        server.change_user(user, &[("firstName", "Zo\u{eb}")]).await;
        theatre
            .until(&daemon, "the change is at Webex", async || {
                theatre.subscriber(user).unwrap()["firstName"] == "Zo\u{eb}"
            })
            .await;
        // A title is nobody's business, and the same again changes nothing.
        server.change_user(user, &[("title", "Boss")]).await;

        server.take(user).await.unwrap();
        theatre.reaches(&daemon, user, "removed").await;
        assert_eq!(theatre.subscriber(user), None);
    }
    assert!(daemon.stop().await.success());
    server.close().await;
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_error_18215_with_the_daemons_sentence_and_changes_nothing() {
    let mut theatre = Theatre::open(FAST).await;
    let server = LabAs::open(&mut theatre).await;
    server.take(BOB).await.unwrap();
    let url = server.url("trusted");
    let daemon = theatre.daemon().await;
    let refused = async |words: &str| {
        let summary = server.give(BOB).await.unwrap_err();
        let start = "[Error 18215] Provisioning error with Messaging server: ";
        assert!(summary.starts_with(start), "{words}: {summary}");
        assert!(summary.contains(words), "{words}: {summary}");
        assert!(!server.has_service(BOB), "{words}");
    };
    let point = |url: &str, password: &str| {
        let pointed = server.lab.use_messaging(None, url, ACCOUNT, password);
        pointed.unwrap();
    };
    point(&url, "wrong");
    refused("Wrong provisioning user or password").await;
    point(&server.url("nobody"), PASSWORD);
    refused("No template has this provisioning URL").await;
    point(&url, PASSWORD);
    server.lab.write_imp_calls(Settings {
        authorization: Authorization::Never,
        ..Settings::default()
    });
    refused("Wrong provisioning user or password").await;
    server.lab.write_imp_calls(Settings::default());
    server.change_user(BOB, &[("emailAddress", "")]).await;
    refused("e-mail").await;
    let number = [("phoneNumber", ""), ("extension", "")];
    server.change_user(BOB, &number).await;
    let email = [("emailAddress", "bob@example.net")];
    server.change_user(BOB, &email).await;
    refused("number").await;
    server.change_user(BOB, &[("extension", "0102")]).await;

    // While the store cannot be written, the administrator sees that, and others can still look.
    let mut holder = theatre.scene.database().await;
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut holder)
        .await
        .unwrap();
    refused("cannot take requests right now").await;
    let list = theatre.document(&["provision", "list"]).await;
    assert_eq!(list["jobs"], json!([]), "{list}");
    sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!(theatre.scene.users().await, []);

    // Guests of the old client have nobody to go to here.
    let guest = server.lab.ask_for_guest(BOB).await.unwrap().unwrap_err();
    assert!(guest.contains("not served by this"), "{guest}");

    // Without the details that the system may hide, the error stays.
    let hide = [("propagateImpErrorDetails", "false")];
    let request = "SystemIntegratedIMPModifyRequest";
    server.change(request, &hide).await.unwrap();
    point(&url, "wrong");
    let summary = server.give(BOB).await.unwrap_err();
    assert_eq!(
        summary,
        "[Error 18215] Provisioning error with Messaging server"
    );
    point(&url, PASSWORD);
    server.give(BOB).await.unwrap();
    theatre.reaches(&daemon, BOB, "provisioned").await;

    // A daemon that is gone is another error, and nothing changes either.
    assert!(daemon.stop().await.success());
    let summary = server.take(BOB).await.unwrap_err();
    assert!(summary.starts_with("[Error 18211]"), "{summary}");
    assert!(server.has_service(BOB));
    server.close().await;
    theatre.close().await;
}

/// A template that only passes calls on to the bridge in the lab.
fn relayed(theatre: &Theatre) -> String {
    let folder = theatre.scene.path().display();
    let template = resold();
    write_private(
        &theatre.scene.path().join("bridge-password"),
        &format!("{BRIDGE_PASSWORD}\n"),
    );
    format!(
        r#"
[[template]]
name = "{key}"
mode = "relay"
cluster = "as-east"
partner = "lab"
provisioning-id = "{id}"
account = "{ACCOUNT}"
password = "file:{folder}/password"
bridge-url = "https://localhost:{port}{path}"
[template.relay]
ca = "{folder}/ca.pem"
account = "{BRIDGE_ACCOUNT}"
password = "file:{folder}/bridge-password"
"#,
        key = template.key,
        id = template.provisioning_id,
        port = theatre.address.port(),
        path = Api::bridge_path(&template.key),
    )
}

/// Users of a reseller's enterprises go to the reseller's URL, unless something more specific says
/// otherwise.
fn resell(server: &LabAs, template: &str) {
    let url = server.url(template);
    server
        .lab
        .use_reseller_messaging("reseller1", &url, ACCOUNT, PASSWORD)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resellers_user_is_relayed_to_the_bridge_and_tracked_to_its_end() {
    let mut theatre = Theatre::open(FAST).await;
    let server = LabAs::open(&mut theatre).await;
    let relayed = relayed(&theatre);
    theatre.config += &relayed;
    resell(&server, "resold");
    let daemon = theatre.daemon().await;
    server.give(AMY).await.unwrap();
    // No URL is set for whoever has no reseller.
    server.give(GUS).await.unwrap();
    let calls = theatre.webex.bridge_calls();
    let [call] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!((call.method.as_str(), call.status), ("POST", Some(200)));
    assert_eq!(call.path, "/bridge/resold");
    let body = String::from_utf8_lossy(&call.body);
    assert!(
        body.contains("<b:bwUserId>amy@acme.example.net</b:bwUserId>"),
        "{body}"
    );
    theatre.reaches(&daemon, AMY, "provisioned").await;
    let held = theatre.subscriber(AMY).unwrap();
    assert_eq!(held["spEnterpriseId"], "Reseller1+acme");
    let created = theatre
        .webex
        .count(xspd::lab::webex::api::Operation::ProvisionSubscriber);
    assert_eq!(created, 0, "the bridge did it");

    // Guests and devices belong to the bridge.
    server.lab.ask_for_guest(AMY).await.unwrap().unwrap();
    let target = "/adapter/v1/t/resold/device/activation-code";
    let device = theatre.scene.call("POST", target, "<x/>").await;
    assert_eq!(device.status, 200, "{}", device.text());
    let calls = theatre.webex.bridge_calls();
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(
        paths[1..],
        [
            "/bridge/resold/userservice/impguest",
            "/bridge/resold/device/activation-code"
        ]
    );

    // What the bridge refuses, the administrator reads.
    let fault = json!({ "fault": "status", "status": 409, "text": "taken elsewhere" });
    theatre.control("PUT", "bridge-faults", &fault);
    let name = [("userId", AMY), ("lastName", "Other")];
    let summary = server.change("UserModifyRequest22", &name).await;
    let summary = summary.unwrap_err();
    assert!(
        summary.starts_with("[Error 18215]") && summary.contains("taken elsewhere"),
        "{summary}"
    );
    theatre.control("DELETE", "bridge-faults", &Value::Null);

    server.take(AMY).await.unwrap();
    theatre.reaches(&daemon, AMY, "removed").await;
    assert_eq!(theatre.subscriber(AMY), None);
    assert!(daemon.stop().await.success());
    server.close().await;
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resellers_enterprise_is_known_by_its_whole_name_everywhere() {
    let mut theatre = Theatre::open(FAST).await;
    let server = LabAs::open(&mut theatre).await;
    theatre.replace(
        "name = \"trusted\"\n",
        "name = \"trusted\"\nsp-enterprise-id = { format = \"Reseller1+{sp}\" }\n",
    );
    resell(&server, "trusted");
    let daemon = theatre.daemon().await;
    server.give(AMY).await.unwrap();
    let row = theatre.reaches(&daemon, AMY, "provisioned").await;
    assert_eq!(text(&row, "enterprise"), "Reseller1+acme", "{row}");
    let held = theatre.subscriber(AMY).unwrap();
    assert_eq!(held["spEnterpriseId"], "Reseller1+acme");
    let enterprises = theatre.document(&["enterprise", "list"]).await;
    let names = enterprises["enterprises"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|held| text(held, "enterprise")).collect();
    assert_eq!(names, ["Reseller1+acme"]);
    let export = theatre.done(&["provision", "export", "--csv"]).await;
    assert!(export.contains(",Reseller1+acme,trusted,"), "{export}");

    // The Application Server knows the enterprise by its own id.
    let same = theatre
        .done(&["provision", "reconcile", "Reseller1+acme"])
        .await;
    assert!(same.contains("Nothing differs."), "{same}");
    // A colleague of hers who is no subscriber is found by directory sync.
    theatre
        .done(&["enterprise", "sync", "enable", "Reseller1+acme"])
        .await;
    theatre
        .done(&["enterprise", "sync", "now", "--wait", "Reseller1+acme"])
        .await;
    assert!(daemon.stop().await.success());
    server.close().await;
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_and_fifty_subscribers_are_compared_page_by_page() {
    let mut theatre = Theatre::open(FAST).await;
    let server = LabAs::open(&mut theatre).await;
    server.take(ALICE).await.unwrap();
    server.point_at("trusted");
    let sown = json!({ "count": 1050, "enterprise": "ent1" });
    theatre.control("POST", "subscribers", &sown);
    let daemon = theatre.daemon().await;
    server.give(ALICE).await.unwrap();
    theatre.reaches(&daemon, ALICE, "provisioned").await;
    let (exit, said) = theatre
        .typed(&["--json", "provision", "reconcile", "ent1"])
        .await;
    assert_eq!(exit, 1, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let report = &said["reports"][0];
    assert_eq!(report["complete"], true, "{}", report["incomplete"]);
    let rows = report["rows"].as_array().unwrap();
    let seeds: std::collections::BTreeSet<_> = rows
        .iter()
        .filter(|row| row["class"] == "orphaned")
        .map(|row| text(row, "user"))
        .collect();
    assert_eq!(seeds.len(), 1050);
    assert!(!seeds.contains(ALICE));
    let lists = theatre
        .webex
        .count(xspd::lab::webex::api::Operation::ListSubscribers);
    assert!(lists > 10, "at most a hundred are on a page: {lists}");
    assert!(daemon.stop().await.success());
    server.close().await;
    theatre.close().await;
}
