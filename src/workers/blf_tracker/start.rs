//! From a configuration to a running tracker, and to other settings of a running one.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::info;

use crate::config;
use crate::config::BlfListSource;
use crate::config::BlfMode;
use crate::config::Config;
use crate::domain::blf::board;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::blf::reading;
use crate::domain::blf::reading::Reading;
use crate::domain::blf::tracker::Rules;
use crate::domain::blf::tracker::Tracker as Machines;
use crate::domain::events::channel;
use crate::domain::events::channel::NamesTooLong;
use crate::domain::events::channel::NodeNames;
use crate::domain::events::subscriptions;
use crate::domain::events::subscriptions::Collection;
use crate::domain::upstream::Failure;
use crate::outbound::OutboundError;
use crate::outbound::Pools;
use crate::outbound::SendFailure;
use crate::outbound::broadworks::ocip::Ocip;
use crate::outbound::broadworks::xsi::Account;
use crate::outbound::broadworks::xsi::AccountError;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::XsiLimits;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::telemetry::blf::BlfMetrics;
use crate::telemetry::blf::Words;
use crate::workers::blf_tracker::board::BlfBoard;
use crate::workers::blf_tracker::board::PickupFailure;
use crate::workers::blf_tracker::board::QUESTIONS;
use crate::workers::blf_tracker::board::Question;
use crate::workers::blf_tracker::node;
use crate::workers::blf_tracker::node::NodeError;
use crate::workers::blf_tracker::notice::NoticeKind;
use crate::workers::blf_tracker::report::REPORTS;
use crate::workers::blf_tracker::requests::Asking;
use crate::workers::blf_tracker::requests::Requests;
use crate::workers::blf_tracker::sessions::Sessions;
use crate::workers::blf_tracker::tap::Tap;
use crate::workers::blf_tracker::tracker::Member;
use crate::workers::blf_tracker::tracker::Observer;
use crate::workers::blf_tracker::tracker::Settings;
use crate::workers::blf_tracker::tracker::Tracker;
use crate::workers::event_hub::EventHub;

/// Readings of lists under way at once: enough for the pace at usual answer times.
const LISTS_AT_ONCE: usize = 8;

/// How long the channels get for their farewells, a request and an event each.
const FAREWELL: Duration = Duration::from_secs(3);

/// What the farewell of one channel is waited for.
const ONE_FAREWELL: Duration = Duration::from_secs(2);

/// Readers of one watcher besides its streams: operators, and the daemon itself.
const READERS_OF_WATCHER: usize = 16;

/// A running tracker; clones share it.
#[derive(Clone)]
pub struct BlfTracker {
    board: BlfBoard,
    settings: Arc<ArcSwap<Settings>>,
    tasks: Tasks,
}

/// Other settings, proven.
pub struct BlfSettings(Settings);

/// Why lines cannot be tracked.
#[derive(Debug, thiserror::Error)]
pub enum BlfError {
    /// The account cannot be used.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// This node has no name.
    #[error("blf: {0}")]
    Node(#[from] NodeError),
    /// The names are too long.
    #[error("blf.application-id: {0}")]
    Names(#[from] NamesTooLong),
    /// The Application Server cannot be asked for lists.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

impl BlfTracker {
    /// Starts to track, when that is configured. `ocip` is a client of the Application Server that
    /// is there anyway, `hub` has the streams of clients. Blocks on the disk; needs a runtime around
    /// it.
    ///
    /// # Errors
    /// [`BlfError`].
    pub fn start(
        config: &Config,
        pools: &Pools,
        ocip: Option<Ocip>,
        hub: &EventHub,
        tasks: &Tasks,
        telemetry: &Telemetry,
    ) -> Result<Option<Self>, BlfError> {
        let Some(blf) = &config.blf else {
            return Ok(None);
        };
        let tasks = tasks.branch();
        let settings = settings(blf, pools, asked(blf, ocip))?;
        let names = names(config, blf)?;
        let upstreams = match (blf.mode, &settings.asking.client) {
            (BlfMode::Active | BlfMode::Both, Some(client)) => client.upstreams(),
            (BlfMode::Active | BlfMode::Both, None) | (BlfMode::Passive, _) => Vec::new(),
        };
        series(&telemetry.blf, upstreams.iter().map(|name| &**name));
        info!(
            mode = ?blf.mode,
            channel_set = %names.set,
            application = %names.application,
            xsps = upstreams.len(),
            "Tracking busy lamps."
        );
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (reports, reported) = mpsc::channel(REPORTS);
        if blf.mode != BlfMode::Active {
            let tap = Tap::new(hub.clone(), reports.clone());
            tasks.worker("blf-tap", tap.run(tasks.stop()));
        }
        let metrics = Arc::clone(&telemetry.blf);
        let now = clock::now();
        let seed = RandomState::new().hash_one(&names.application);
        let first_choice = names.set.bytes().map(u32::from).sum();
        let xsps = u16::try_from(upstreams.len()).unwrap_or(u16::MAX);
        let rules = rules(blf);
        let tracker = Tracker {
            settings: Arc::clone(&settings),
            requests: Requests {
                tasks: tasks.clone(),
                reports,
                metrics: Arc::clone(&metrics),
                names,
                packages: Requests::packages(blf),
                expires: seconds(blf.channel.expires),
                list_source: blf.list_source,
                ending: Arc::new(Semaphore::new(1)),
                pause: Duration::from_secs(1) / blf.subscriptions_per_second.max(1),
            },
            tasks: tasks.clone(),
            sessions: Sessions::new(Arc::clone(&metrics)),
            metrics,
            expires: rules.channels.expires,
            first_choice,
            active: blf.mode != BlfMode::Passive,
            machines: Machines::new(rules, xsps, seed, now),
            members: upstreams.into_iter().map(Member::new).collect(),
            lines: HashMap::new(),
            reading: Reading::new(reading_rules(blf)),
            directories: Vec::new(),
            directories_due: None,
            questions: questions.clone(),
            drained: Vec::new(),
            sweep: now.mono,
            observer: Observer::default(),
        };
        tasks.worker("blf-tracker", tracker.run(asked, reported, tasks.stop()));
        Ok(Some(Self {
            board: BlfBoard { questions },
            settings,
            tasks,
        }))
    }

    /// Whether [`BlfTracker::start`] would succeed; starts nothing and writes nothing. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// [`BlfError`].
    pub fn prove(config: &Config) -> Result<(), BlfError> {
        let Some(blf) = &config.blf else {
            return Ok(());
        };
        if let Some(account) = &blf.account {
            Account::read(&account.user_id, &account.password)?;
        }
        match (blf.list_source, &config.application_server) {
            (BlfListSource::Ocip, Some(server)) => Ocip::prove(server)?,
            (BlfListSource::Ocip, None) | (BlfListSource::XsiActions, _) => {}
        }
        Ok(())
    }

    /// The board.
    #[must_use]
    pub const fn board(&self) -> &BlfBoard {
        &self.board
    }

    /// Proves other settings without an effect. Blocks on the disk.
    ///
    /// # Errors
    /// [`BlfError`].
    pub fn prepare(
        &self,
        config: &Config,
        pools: &Pools,
        ocip: Option<Ocip>,
    ) -> Result<Option<BlfSettings>, BlfError> {
        let Some(blf) = &config.blf else {
            return Ok(None);
        };
        settings(blf, pools, asked(blf, ocip)).map(|proven| Some(BlfSettings(proven)))
    }

    /// Uses them from now on.
    pub fn publish(&self, settings: BlfSettings) {
        self.settings.store(Arc::new(settings.0));
        let (questions, stop) = (self.board.questions.clone(), self.tasks.stop());
        self.tasks.connection(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // The tracker ends otherwise.
                sent = questions.send(Question::Reloaded) => drop(sent),
            }
        });
    }

    /// Closes the channels and waits a moment for their farewells. Nothing is tracked afterwards.
    pub async fn drain(&self) {
        let (answer, answered) = oneshot::channel();
        let farewell = async {
            let question = Question::Drain(answer);
            if self.board.questions.send(question).await.is_ok() {
                // An error means that the tracker has ended: there is nothing to wait for.
                drop(answered.await);
            }
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            info!("Event channels of ours did not say farewell in time.");
        }
    }
}

/// Makes every series of busy lamps, at zero.
pub fn series<'u>(metrics: &BlfMetrics, upstreams: impl IntoIterator<Item = &'u str>) {
    let mut failures = XsiFailure::WORDS.to_vec();
    failures.extend(Failure::ALL.map(Failure::as_str));
    failures.push(SendFailure::NoUpstream.as_str());
    failures.push("ocip");
    metrics.series(
        upstreams,
        &Words {
            failures: &failures,
            withdrawals: &WithdrawReason::ALL.map(WithdrawReason::as_str),
            pickups: &PickupFailure::WORDS,
            kinds: &NoticeKind::ALL.map(NoticeKind::as_str),
        },
    );
}

/// The client for lists, where they are read over OCI-P.
fn asked(blf: &config::Blf, ocip: Option<Ocip>) -> Option<Ocip> {
    ocip.filter(|_| blf.list_source == BlfListSource::Ocip)
}

fn settings(blf: &config::Blf, pools: &Pools, ocip: Option<Ocip>) -> Result<Settings, BlfError> {
    let limits = XsiLimits {
        call: blf.channel.timeout,
        // Echoes come at every heartbeat; without any the channel is long given up.
        stream_idle: blf.channel.event_timeout * 2 + Duration::from_secs(30),
    };
    let account = blf.account.as_ref();
    let account = account.map(|one| Account::read(&one.user_id, &one.password));
    let account = account.transpose()?.map(Arc::new);
    let pool = pools.get(&blf.pool).cloned();
    debug_assert!(pool.is_some(), "the configuration has proven its name");
    let client = account
        .zip(pool)
        .map(|(account, pool)| XsiClient::new(pool, account, limits));
    Ok(Settings {
        config: blf.clone(),
        asking: Asking { client, ocip },
    })
}

fn names(config: &Config, blf: &config::Blf) -> Result<NodeNames, BlfError> {
    let node = node::name(&config.state_dir)?;
    let mut names = NodeNames::of(&blf.application_id, &node)?;
    if let Some(set) = &blf.channel.set_id {
        names.set = set.as_str().into();
    }
    Ok(names)
}

fn seconds(life: Duration) -> u32 {
    u32::try_from(life.as_secs())
        .unwrap_or(channel::NEVER)
        .min(channel::NEVER)
}

fn rules(blf: &config::Blf) -> Rules {
    let channel = &blf.channel;
    let collections = blf.service_provider.ids.iter();
    let above = usize::try_from(blf.service_provider.above).unwrap_or(usize::MAX);
    // Its own limit comes first, so that a late answer is known as one.
    let patience = channel.timeout + Duration::from_secs(1);
    let passive = blf.mode != BlfMode::Active;
    Rules {
        channels: channel::Rules {
            heartbeat: channel.heartbeat,
            event_timeout: channel.event_timeout,
            opening: channel.timeout,
            patience,
            expires: seconds(channel.expires),
            farewell: ONE_FAREWELL,
            ..channel::Rules::default()
        },
        subscriptions: subscriptions::Rules {
            per_second: blf.subscriptions_per_second,
            expires: seconds(channel.expires),
            collections_above: (!blf.service_provider.ids.is_empty()).then_some(above),
            collections: collections
                .map(|id| Collection::ServiceProvider(id.as_str().into()))
                .collect(),
            patience,
            ..subscriptions::Rules::default()
        },
        board: board::Rules {
            grace: channel.event_timeout,
            stuck: blf.doubt.call,
            ringing: blf.doubt.ringing,
            // Streams have a limit of their own, which is to be reached first.
            sessions_per_watcher: blf
                .api
                .streams_per_watcher
                .saturating_add(READERS_OF_WATCHER),
            // As many watchers, half of them with a reader besides.
            sessions: blf
                .limits
                .watchers
                .saturating_mul(2)
                .saturating_add(blf.api.streams),
            passive_lines: if passive { blf.limits.lines } else { 0 },
            ..board::Rules::default()
        },
        lines: blf.limits.lines,
    }
}

fn reading_rules(blf: &config::Blf) -> reading::Rules {
    reading::Rules {
        refresh: blf.list_refresh,
        per_second: blf.subscriptions_per_second,
        at_once: LISTS_AT_ONCE,
        settle: Duration::from_secs(1),
        patience: blf.channel.timeout * 2,
    }
}
