//! The real client against Prism, a Webex by Cisco's OpenAPI description that is not ours: it
//! refuses what the description does not allow, and answers with the published examples.
//!
//! Optional: it needs Node, npm's `@stoplight/prism-cli` and the description, and says which is
//! missing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use xspd::config;
use xspd::domain::provisioning::ids::BwUserId;
use xspd::domain::provisioning::ids::PartnerName;
use xspd::domain::provisioning::ids::ProvisioningId;
use xspd::domain::provisioning::ids::SpEnterpriseId;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::ids::WebexEnterpriseId;
use xspd::domain::provisioning::profile::Package;
use xspd::domain::provisioning::webex::NewSubscriber;
use xspd::domain::provisioning::webex::SubscriberChange;
use xspd::domain::provisioning::webex::WebexAnswer;
use xspd::domain::provisioning::webex::WebexOp;
use xspd::platform::tasks::Tasks;
use xspd::telemetry::Telemetry;
use xspd::workers::webex_partners::WebexPartner;
use xspd::workers::webex_partners::WebexPartners;

use crate::support::BOUND;
use crate::support::daemon::free_address;
use crate::support::openapi::BROADWORKS;
use crate::support::openapi::OpenApi;
use crate::support::process::Process;

/// Longest start. Reading the description takes seconds, on a busy machine many.
const START: Duration = Duration::from_secs(60);

/// Prism, when it is installed. `tests/run` installs it.
fn prism() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let directory = built.expect("a target directory").join("tools/prism");
    let program = directory.join("node_modules/.bin/prism");
    if program.exists() {
        return Some(program);
    }
    eprintln!(
        "skipped: Prism is not installed; run tests/support/install-prism {}",
        directory.display()
    );
    None
}

/// The description with the one call that it lacks, which gives access tokens.
fn description(api: &OpenApi, folder: &Path) -> PathBuf {
    let text = fs::read_to_string(api.path()).expect("the description");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    let grant =
        json!({ "access_token": "access-1", "expires_in": 1_209_599, "token_type": "Bearer" });
    let content = json!({ "application/json": { "example": grant } });
    let form = json!({ "application/x-www-form-urlencoded": { "schema": { "type": "object" } } });
    document["paths"]["/access_token"] = json!({ "post": {
        "security": [],
        "requestBody": { "content": form },
        "responses": { "200": { "description": "A grant.", "content": content } },
    } });
    let path = folder.join("description.json");
    fs::write(&path, document.to_string()).expect("a file");
    path
}

/// A running Prism and its port.
async fn start(program: &Path, description: &Path) -> (Process, u16) {
    let port = free_address().port();
    let port_text = port.to_string();
    let description = description.to_str().expect("UTF-8");
    let program = program.to_str().expect("UTF-8");
    let arguments = ["mock", "-h", "127.0.0.1", "-p", &port_text, description];
    let process = Process::spawn(program, &arguments);
    let up = |line: &str| line.contains("Prism is listening").then_some(());
    process.line(up, START).await;
    (process, port)
}

fn partner(folder: &TempDir, port: u16, tasks: &Tasks) -> WebexPartner {
    let path = folder.path();
    for name in ["client-secret", "refresh-token"] {
        let file = path.join(name);
        fs::write(&file, "secret").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let text = format!(
        r#"
        state-dir = "{folder}/state"
        [[pool]]
        name = "xsp"
        upstream = [{{ name = "one", url = "http://127.0.0.1:9" }}]
        [[listener]]
        name = "public"
        addresses = ["127.0.0.1:0"]
        [[listener.host]]
        names = ["*"]
        [[webex-partner]]
        name = "partner"
        base-url = "http://127.0.0.1:{port}"
        client-id = "C1"
        client-secret = "file:{folder}/client-secret"
        refresh-token = "file:{folder}/refresh-token"
        "#,
        folder = path.display()
    );
    let config = config::from_text(&text).expect("a configuration");
    let partners = WebexPartners::new(tasks, &Telemetry::new());
    partners.publish(WebexPartners::prepare(&config).expect("a partner"));
    let name = PartnerName::parse("partner").expect("a name");
    partners.get(&name).expect("the partner")
}

fn new_subscriber() -> NewSubscriber {
    NewSubscriber {
        provisioning_id: ProvisioningId::parse("ZjVi").expect("an id"),
        user: BwUserId::parse("anna@sp.example").expect("an id"),
        enterprise: SpEnterpriseId::parse("SP1+Acme").expect("an id"),
        first_name: "Anna".to_owned(),
        last_name: "Müller".to_owned(),
        package: Package::Standard,
        phone: Some("+1-240-555-1212".to_owned()),
        mobile: None,
        extension: None,
        email: Some("anna@example.com".to_owned()),
        language: None,
        timezone: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webex_that_is_not_ours_takes_every_call_and_its_answers_are_read() {
    let Some(api) = OpenApi::load(BROADWORKS) else {
        return;
    };
    let Some(program) = prism() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let description = description(&api, folder.path());
    let (_prism, port) = start(&program, &description).await;
    let tasks = Tasks::new();
    let partner = partner(&folder, port, &tasks);
    let perform = async |op: WebexOp| {
        let done = tokio::time::timeout(BOUND, partner.perform(&op)).await;
        let done = done.expect("an answer in time");
        done.unwrap_or_else(|failure| panic!("{op:?}: {failure:?}"))
    };
    let id = || SubscriberId::parse("Y2lz").expect("an id");
    let user = BwUserId::parse("anna@sp.example").expect("an id");
    let change = SubscriberChange {
        package: Some(Package::Premium),
        ..SubscriberChange::default()
    };
    for op in [
        WebexOp::Provision(Box::new(new_subscriber())),
        WebexOp::GetSubscriber(id()),
        WebexOp::UpdateSubscriber(id(), Box::new(change)),
    ] {
        let done = perform(op).await;
        assert!(matches!(done, WebexAnswer::Subscriber(_)), "{done:?}");
    }
    for op in [WebexOp::FindSubscriber(user), WebexOp::ListChanged(1)] {
        let done = perform(op).await;
        assert!(
            matches!(&done, WebexAnswer::Subscribers(all) if !all.is_empty()),
            "{done:?}"
        );
    }
    let enterprise = SpEnterpriseId::parse("SP1+Acme").expect("an id");
    let done = perform(WebexOp::FindEnterprise(enterprise)).await;
    assert!(
        matches!(&done, WebexAnswer::Enterprises(all) if !all.is_empty()),
        "{done:?}"
    );
    let done = perform(WebexOp::Precheck(Box::new(new_subscriber()))).await;
    assert!(
        matches!(&done, WebexAnswer::Prechecked(told) if told[0].code == Some(100)),
        "{done:?}"
    );
    for op in [WebexOp::DeleteSubscriber(id()), WebexOp::ConsentMove(id())] {
        assert_eq!(perform(op).await, WebexAnswer::Done);
    }
    let enterprise = WebexEnterpriseId::parse("E1").expect("an id");
    let synced = async {
        partner.directory_sync(&enterprise).await?;
        partner.set_directory_sync(&enterprise, true).await?;
        partner.sync_directory(&enterprise).await?;
        let user = BwUserId::parse("anna@sp.example").expect("an id");
        partner.sync_user(&enterprise, &user).await
    };
    let synced = tokio::time::timeout(BOUND, synced).await.expect("in time");
    assert!(synced.is_ok(), "{synced:?}");
    tasks.stop().cancel();
}
