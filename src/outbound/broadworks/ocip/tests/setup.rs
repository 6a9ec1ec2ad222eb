//! A client for the tests, and what it shows.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tempfile::TempDir;

use crate::config::ApplicationServer;
use crate::config::ApplicationServerTls;
use crate::config::OcipLogin;
use crate::config::secret::SecretRef;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::ocip::settings::Settings;
use crate::platform::tasks::Tasks;
use crate::telemetry::ocip::OcipMetrics;

pub(super) const LONG: Duration = Duration::from_secs(20);
pub(super) const SHORT: Duration = Duration::from_millis(200);
pub(super) const PASSWORD: &str = "s3cret&<";

/// A client and everything that it needs.
pub(super) struct Bench {
    pub(super) ocip: Ocip,
    pub(super) tasks: Tasks,
    registry: Registry,
    _directory: TempDir,
    _ending: Ending,
}

/// What differs from test to test.
pub(super) struct Plan {
    pub(super) addresses: Vec<(String, u16)>,
    pub(super) tls: Option<ApplicationServerTls>,
    pub(super) login: OcipLogin,
    pub(super) per_second: f64,
    pub(super) burst: u32,
    pub(super) limit: Duration,
    /// The times of the keeper; `None` for the usual ones.
    pub(super) rhythm: Option<Duration>,
}

impl Plan {
    pub(super) fn to(addresses: &[SocketAddr]) -> Self {
        Self {
            addresses: addresses
                .iter()
                .map(|address| (address.ip().to_string(), address.port()))
                .collect(),
            tls: None,
            login: OcipLogin::Auto,
            per_second: 1000.0,
            burst: 1000,
            limit: LONG,
            rhythm: None,
        }
    }

    pub(super) fn config(&self, directory: &TempDir) -> ApplicationServer {
        let path = directory.path().join("password");
        fs::write(&path, format!("{PASSWORD}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        ApplicationServer {
            cluster: None,
            addresses: self.addresses.clone(),
            tls: self.tls.clone(),
            user_id: "xspd-ocip".to_owned(),
            password: SecretRef::File(path),
            login: self.login,
            requests_per_second: self.per_second,
            burst: self.burst,
            connect_timeout: LONG,
            response_timeout: self.limit,
        }
    }

    pub(super) fn start(self) -> Bench {
        let directory = TempDir::new().unwrap();
        let mut settings = Settings::try_new(&self.config(&directory)).unwrap();
        if let Some(time) = self.rhythm {
            settings.rhythm.tick = time;
            settings.rhythm.avoided = time;
        }
        let mut registry = Registry::with_prefix("xspd");
        let metrics = OcipMetrics::register(&mut registry);
        let tasks = Tasks::new();
        Bench {
            ocip: Ocip::start(settings, &tasks, Arc::clone(&metrics)),
            tasks: tasks.clone(),
            registry,
            _directory: directory,
            _ending: Ending(tasks),
        }
    }
}

impl Bench {
    pub(super) fn to(address: SocketAddr) -> Self {
        Plan::to(&[address]).start()
    }

    /// The value of a series.
    pub(super) fn value(&self, series: &str) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let line = text.lines().find(|line| {
            line.rsplit_once(' ')
                .is_some_and(|(name, _)| name == series)
        });
        line.and_then(|line| line.rsplit_once(' '))
            .unwrap_or_else(|| panic!("{series} is missing in\n{text}"))
            .1
            .to_owned()
    }
}

/// Ends the client's tasks with the test.
pub(super) struct Ending(Tasks);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.stop().cancel();
    }
}

/// Asks again and again until it holds; the test's own time limit ends it.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("in time");
}
