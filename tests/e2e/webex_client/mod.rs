//! The real client of the Webex APIs against a Webex on loopback that answers by a script, rightly
//! or wrongly.

mod misbehaviour;
mod requests;
mod tokens;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use xspd::config;
use xspd::domain::provisioning::ids::PartnerName;
use xspd::platform::tasks::Tasks;
use xspd::telemetry::Telemetry;
use xspd::workers::webex_partners::WebexPartner;
use xspd::workers::webex_partners::WebexPartners;

use crate::support::BOUND;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;
use crate::support::wire;

/// Where access tokens come from.
const TOKEN: &str = "/v1/access_token";

/// A request as the fake sees it.
struct Heard {
    method: String,
    target: String,
    head: String,
    body: String,
}

impl Heard {
    fn read(raw: &[u8]) -> Self {
        let text = String::from_utf8(raw.to_vec()).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut line = head.split(' ');
        Self {
            method: line.next().expect("a method").to_owned(),
            target: line.next().expect("a target").to_owned(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        wire::field(&self.head, name)
    }

    fn json(&self) -> Option<Value> {
        (!self.body.is_empty()).then(|| serde_json::from_str(&self.body).expect("JSON"))
    }
}

/// A Webex and a daemon's partner of it.
struct Bench {
    webex: Upstream,
    partners: WebexPartners,
    telemetry: Telemetry,
    tasks: Tasks,
    folder: TempDir,
    /// Lines of its own in the partner's section.
    lines: String,
}

impl Bench {
    /// A Webex that grants `access-1`, `access-2` … and answers all else by the script.
    async fn new(lines: &str, script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let granted = AtomicUsize::new(0);
        Self::by(lines, move |heard| match heard.target.as_str() {
            TOKEN => grant(1 + granted.fetch_add(1, Ordering::Relaxed)),
            _ => script(heard),
        })
        .await
    }

    /// A Webex that does everything by the script.
    async fn by(lines: &str, script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let webex = Upstream::start(move |raw| script(&Heard::read(raw))).await;
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in [
            ("client-secret", "s3cr3t\n"),
            ("refresh-token", "refresh-0\n"),
            ("application-token", "proof\n"),
        ] {
            secret(folder.path(), name, text);
        }
        let tasks = Tasks::new();
        let telemetry = Telemetry::new();
        let partners = WebexPartners::with_denial_pause(&tasks, &telemetry, Duration::ZERO);
        let bench = Self {
            webex,
            partners,
            telemetry,
            tasks,
            folder,
            lines: lines.to_owned(),
        };
        bench.publish();
        bench
    }

    /// Puts the configuration in force, at first or again.
    fn publish(&self) {
        let prepared = WebexPartners::prepare(&self.config());
        self.partners
            .publish(prepared.unwrap_or_else(|problems| panic!("{problems:?}")));
    }

    /// A daemon with the same state directory that starts anew.
    fn restart(&mut self) {
        self.tasks.stop().cancel();
        self.tasks = Tasks::new();
        self.telemetry = Telemetry::new();
        self.partners =
            WebexPartners::with_denial_pause(&self.tasks, &self.telemetry, Duration::ZERO);
        self.publish();
    }

    fn config(&self) -> config::Config {
        let folder = self.folder.path().display();
        let mut lines = self.lines.clone();
        if !lines.contains("auth") {
            lines.push_str(&format!(
                "\nrefresh-token = \"file:{folder}/refresh-token\""
            ));
        }
        let lines = lines.replace("FOLDER", &folder.to_string());
        let address = self.webex.address();
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
            base-url = "http://{address}/v1"
            client-id = "C1"
            client-secret = "file:{folder}/client-secret"
            {lines}
            "#
        );
        config::from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn partner(&self) -> WebexPartner {
        let name = PartnerName::parse("partner").expect("a name");
        self.partners.get(&name).expect("the partner")
    }

    /// All requests so far, or those that are not for a token.
    fn heard(&self) -> Vec<Heard> {
        self.webex
            .requests()
            .iter()
            .map(|raw| Heard::read(raw))
            .collect()
    }

    fn calls(&self) -> Vec<Heard> {
        let all = self.heard().into_iter();
        all.filter(|heard| heard.target != TOKEN).collect()
    }

    fn refreshes(&self) -> Vec<Heard> {
        let all = self.heard().into_iter();
        all.filter(|heard| heard.target == TOKEN).collect()
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("state/webex/partner.json")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// Waits for something that takes no time to speak of.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("in time")
}

/// A file that only we may read.
fn secret(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
}

/// A grant of `access-N`, with a refresh token in the place of the old one.
fn grant(number: usize) -> Reply {
    json(
        200,
        &format!(
            r#"{{"access_token":"access-{number}","expires_in":1209599,"refresh_token":"refresh-{number}","refresh_token_expires_in":7775999,"token_type":"Bearer"}}"#
        ),
    )
}

/// An answer of JSON, with Webex's name of it.
fn json(status: u16, body: &str) -> Reply {
    with(status, &[("trackingid", "NA_1")], body)
}

fn with(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = headers.iter();
    let headers: String = headers
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    Reply::Raw(text.into_bytes())
}

fn nothing() -> Reply {
    Reply::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())
}

/// A published or captured body.
fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire/provisioning");
    fs::read_to_string(folder.join(name)).expect("a sample")
}

/// Counts calls of a script.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    /// The number of this one, from 1.
    fn next(&self) -> usize {
        1 + self.0.fetch_add(1, Ordering::Relaxed)
    }
}
