//! The lab's OCI-P as the public Python client sees it: the one implementation of the interface
//! that is not ours.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use xspd::lab::broadworks::BroadWorks;
use xspd::platform::tasks::Tasks;

use crate::support::BOUND;

/// A Python that has `broadworks-ocip`, for machines without a way to the package index.
const PYTHON: &str = "XSPD_TEST_OCIP_PYTHON";

/// Longest installation. Making the environment and fetching five packages takes 20 s.
const INSTALLATION: Duration = Duration::from_secs(300);

/// Longest conversation. Most of it is Python reading the client's 500,000 lines.
const CONVERSATION: Duration = Duration::from_secs(120);

/// The Python of the client; installs it when nobody has.
async fn python() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    if let Ok(python) = std::env::var(PYTHON) {
        return python.into();
    }
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let directory = built
        .expect("a target directory")
        .join("tools/broadworks-ocip");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installer = manifest.join("tests/support/install-broadworks-ocip");
    let installation = Command::new(&installer)
        .arg(&directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(INSTALLATION, installation)
        .await
        .expect("the client installs in time")
        .expect("the installer starts");
    assert!(
        output.status.success(),
        "This test needs PyPI's broadworks-ocip, and {} could not install it. Set {PYTHON} to a \
         Python that has it.\n{}",
        installer.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    directory.join("bin/python")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_python_client_logs_in_and_reads_and_changes_the_lab() {
    let python = python().await;
    let state = tempfile::tempdir().expect("a temporary directory");
    let lab = BroadWorks::open(state.path(), true).expect("a fresh lab");
    let account = lab.provisioning_administrator();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let tasks = Tasks::new();
    let (served, own) = (Arc::clone(&lab), tasks.clone());
    tasks.worker("lab-ocip", async move {
        served.serve_ocip(listener, None, own.stop(), &own).await;
    });
    let client = Command::new(python)
        .args(["-c", include_str!("../support/broadworks_ocip.py")])
        .args(["127.0.0.1", &port, &account.id, &account.password])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(CONVERSATION, client)
        .await
        .expect("the client ends in time")
        .expect("Python starts");
    tasks.stop().cancel();
    tokio::time::timeout(BOUND, tasks.join())
        .await
        .expect("connections end with the lab");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.lines().last().expect("a line of JSON");
    let mut told: Value = serde_json::from_str(last).expect("JSON");
    let revoked = told["revoked-after"].take();
    assert!(
        revoked
            .as_i64()
            .is_some_and(|time| time > 1_700_000_000_000),
        "{revoked}"
    );
    assert_eq!(told, expected());
    assert_eq!(lab.ocip_faults().requests("LoginRequest14sp4"), 2);
}

fn expected() -> Value {
    let profile = json!(["Renée", "+1-2405550101", "Voice"]);
    json!({
        "version": "24.0",
        "users": {
            "UserGetResponse17sp4": profile,
            "UserGetResponse19": profile,
            "UserGetResponse21sp1": profile,
            "UserGetResponse22": profile,
            "UserGetResponse23V2": profile,
        },
        "verified": ["AuthenticationVerifyResponse22V4", "alice@as.example.net", true],
        "revoked-before": null,
        "revoke": "SuccessResponse",
        "revoked-after": null,
        "by-token": "alice@as.example.net",
        "watched": ["bob@as.example.net", "carol@as.example.net"],
        "imp": [true, "alice@example.net"],
        "found": [["juergen@as.example.net", "Müller"]],
        "listed": 4,
        "provider": ["ent1", true],
        "group": ["hq", 7],
        "added": "SuccessResponse",
        "identities": ["bwcticlient.webex.com"],
        "unknown-user": "[Error 4008] User not found: nobody",
        "unknown-request": "[Error 6004] OCI XML Request validation error",
        "bad-password": "[Error 4962] Invalid password",
        "deleted": "SuccessResponse",
        "gone": "[Error 4008] User not found: alice@as.example.net",
    })
}
