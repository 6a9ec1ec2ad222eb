//! A tracker before a fake farm.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::config;
use crate::config::BlfListSource;
use crate::config::BlfMode;
use crate::config::BlfPackage;
use crate::config::Config;
use crate::config::secret::SecretRef;
use crate::domain::blf::view::Lamp;
use crate::outbound::Pools;
use crate::outbound::tests::setup;
use crate::outbound::tests::setup::LONG;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::blf_tracker::BlfBoard;
use crate::workers::blf_tracker::BlfTracker;
use crate::workers::blf_tracker::Notice;
use crate::workers::blf_tracker::Notices;
use crate::workers::blf_tracker::WatchOptions;
use crate::workers::blf_tracker::tests::fake::Farm;
use crate::workers::event_hub::EventHub;

pub(super) struct Node {
    pub(super) tracker: BlfTracker,
    pub(super) telemetry: Telemetry,
    pub(super) config: Config,
    pub(super) tasks: Tasks,
    pub(super) directory: tempfile::TempDir,
}

/// Settings that a loaded machine keeps, and that let a test end.
pub(super) fn config(farm: &Farm, directory: &Path) -> Config {
    let password = directory.join("password");
    std::fs::write(&password, "secret\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&password, mode).unwrap();
    let mut pool = setup::pool(&farm.addresses());
    pool.connections = 64;
    pool.keep_alive = Duration::from_millis(500);
    let mut config = setup::config([pool]);
    config.state_dir = directory.join("state");
    config.blf = Some(config::Blf {
        mode: BlfMode::Active,
        pool: "farm".to_owned(),
        account: Some(config::BlfAccount {
            user_id: "admin".to_owned(),
            password: SecretRef::File(password),
        }),
        watchers: Vec::new(),
        directories: Vec::new(),
        list_source: BlfListSource::XsiActions,
        list_refresh: LONG,
        packages: vec![BlfPackage::StandardCall],
        subscriptions_per_second: 1000,
        application_id: "test".to_owned(),
        service_provider: config::BlfServiceProvider {
            above: 1000,
            ids: Vec::new(),
        },
        channel: config::BlfChannel {
            set_id: None,
            heartbeat: Duration::from_millis(500),
            event_timeout: Duration::from_secs(5),
            expires: Duration::from_secs(3600),
            timeout: LONG,
        },
        doubt: config::BlfDoubt {
            call: Duration::from_secs(4 * 3600),
            ringing: LONG,
        },
        notification: config::BlfNotification {
            delay: Duration::ZERO,
            display_caller: true,
        },
        limits: config::BlfLimits {
            watchers: 100,
            lines: 1000,
            lines_per_watcher: 100,
            queue: 64,
        },
        api: config::BlfApi {
            operator_token: None,
            streams: 1_000,
            streams_per_watcher: 1_000,
            streams_per_address: 1_000,
            keep_alive: LONG,
            re_check: LONG,
            write_stall: LONG,
        },
        webhook: None,
    });
    config
}

/// The hub of a relay at which nobody has a stream.
pub(super) fn hub(telemetry: &Telemetry) -> EventHub {
    EventHub::new(Arc::new(setup::events()), Arc::clone(&telemetry.events))
}

impl Node {
    pub(super) fn start(farm: &Farm) -> Self {
        Self::start_with(farm, |_| {})
    }

    pub(super) fn start_with(farm: &Farm, change: impl FnOnce(&mut config::Blf)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(farm, directory.path());
        change(config.blf.as_mut().unwrap());
        let (telemetry, tasks) = (Telemetry::new(), Tasks::new());
        let pools = Pools::build(&config, &telemetry.upstream).unwrap();
        let tracker =
            BlfTracker::start(&config, &pools, None, &hub(&telemetry), &tasks, &telemetry);
        Self {
            tracker: tracker.unwrap().unwrap(),
            telemetry,
            config,
            tasks,
            directory,
        }
    }

    pub(super) fn board(&self) -> &BlfBoard {
        self.tracker.board()
    }

    /// A reader of a watcher, its snapshot already read.
    pub(super) async fn reader(&self, watcher: &str) -> Reader {
        let joined = self.board().join(watcher, WatchOptions::default()).await;
        let joined = joined.unwrap();
        Reader {
            notices: joined.notices,
            seen: vec![joined.snapshot],
        }
    }

    pub(super) async fn lamp(&self, user: &str) -> Option<Lamp> {
        let line = self.board().line(user).await.unwrap();
        line.map(|line| line.state.full)
    }

    /// Waits until a line shows a lamp, by the notices of a reader.
    pub(super) async fn until(&self, reader: &mut Reader, user: &str, lamp: Lamp) {
        let wait = async {
            while self.lamp(user).await != Some(lamp) {
                let notice = reader.notices.next().await.expect("the tracker runs");
                reader.seen.push(notice);
            }
        };
        if timeout(LONG, wait).await.is_err() {
            let now = self.lamp(user).await;
            panic!("{user} is {now:?} and not {lamp:?}: {:?}", reader.seen);
        }
    }

    pub(super) fn metric(&self, start: &str) -> i64 {
        let text = self.telemetry.render();
        let line = text.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no {start} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(super) async fn end(self) {
        self.tasks.stop().cancel();
        timeout(LONG, self.tasks.join()).await.unwrap();
        assert_eq!(self.tasks.connection_panics(), 0);
    }
}

pub(super) struct Reader {
    pub(super) notices: Notices,
    pub(super) seen: Vec<Arc<Notice>>,
}

impl Reader {
    /// Reads on until a notice is as wanted.
    pub(super) async fn until(
        &mut self,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let wait = async {
            loop {
                let notice = self.notices.next().await.expect("the tracker runs");
                self.seen.push(Arc::clone(&notice));
                let json = serde_json::from_slice(&notice.json).unwrap();
                if wanted(&json) {
                    return json;
                }
            }
        };
        match timeout(LONG, wait).await {
            Ok(json) => json,
            Err(_) => panic!("not told: {:#?}", self.seen),
        }
    }
}
